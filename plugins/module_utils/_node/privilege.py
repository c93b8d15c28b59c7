# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this process may do on the node: whether it is root, in a container, and has a capability of the host's."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import os
import re

from .._files import libc
from .._files.errors import RescueError
from .meminfo import text_of

# linux/capability.h
CAP_SYS_ADMIN = 21
CAP_SYS_RESOURCE = 24
_FILTERED = re.compile(r'^Seccomp:\s*2$', re.MULTILINE)
SWAPPINESS = '/proc/sys/vm/swappiness'
_READ_ONLY = 1  # ST_RDONLY of statvfs(3)
_CAPABILITIES = re.compile(r'^CapEff:\s*([0-9a-fA-F]+)$', re.MULTILINE)
_ALL_UIDS = ['0', '0', '4294967295']
# PROC_PID_INIT_INO and PROC_USER_INIT_INO of linux/proc_ns.h
_FIRST_PID_NAMESPACE = 'pid:[4026531836]'
_FIRST_USER_NAMESPACE = 'user:[4026531837]'
_MARKS = ('/run/systemd/container', '/.dockerenv', '/run/.containerenv')


def is_root():
    """True if this process has the uid 0 of its own user namespace."""
    return os.geteuid() == 0


def require_root(what):
    """Raise RescueError unless this is root. ``what`` completes "only root may"."""
    if not is_root():
        raise RescueError('only root may %s, and this runs as user %d' % (what, os.geteuid()),
                          next_step='run this task with become')


def has_capability(host, number, pid='self'):
    """True if this process, or the one with this pid, has a capability in its own user namespace; None if nothing
    tells.
    """
    match = _CAPABILITIES.search(text_of(host, '/proc/%s/status' % pid) or '')
    return bool(int(match.group(1), 16) >> number & 1) if match else None


def in_user_namespace(host):
    """True if this process is in another user namespace than the first: then no capability counts for the host.

    One that maps all uids to themselves is another one all the same.
    """
    if host.readlink('/proc/self/ns/user') not in (None, _FIRST_USER_NAMESPACE):
        return True
    ids = (text_of(host, '/proc/self/uid_map') or '').split()
    return bool(ids) and ids != _ALL_UIDS


def is_container(host):
    """True if this is a container: it has a pid namespace of its own. Where the kernel does not tell, it or its engine
    says so (systemd's container interface, and the engines' marks).

    A virtual machine made of a container's image has such marks too; a container of a pod has none.
    """
    link = host.readlink('/proc/self/ns/pid')
    if link:
        return link != _FIRST_PID_NAMESPACE
    if any(host.exists(path) for path in _MARKS):
        return True
    return any(word.startswith('container=') for word in _environment_of_init(host))


def _environment_of_init(host):
    return host.once('environment of init', lambda: (text_of(host, '/proc/1/environ') or '').split('\0'))


def has_init(host):
    """True if process 1 here is the host's, which the kernel does not kill; False in a pid namespace of its own.

    A process 1 of an inner namespace is killed as any other (is_global_init()).
    """
    return not is_container(host)


def can_swapon(host):
    """True if this process may turn swap on: CAP_SYS_ADMIN in the first user namespace (swapon(2)).

    None if the kernel does not say what it may. Of a container that filters system calls the kernel is asked: engines
    refuse this one beside the capability (docker run --cap-add SYS_ADMIN, systemd-nspawn).
    """
    may = has_capability(host, CAP_SYS_ADMIN)
    if not may:
        return may
    filtered = is_container(host) and _FILTERED.search(text_of(host, '/proc/self/status') or '')
    return not (in_user_namespace(host) or filtered and host.once('swapon', _is_swapon_refused))


def _is_swapon_refused():
    """True if the kernel refuses any swap to this process. It looks at the path, here an empty one, after that."""
    try:
        libc.call('swapon', b'', 0)
    except OSError as error:
        return error.errno in (errno.EPERM, errno.EACCES)
    return False


def is_refused_to_root(host):
    """True if what the kernel refuses here it refuses to root as well, as in a container: become would not help."""
    return is_root() or is_container(host)


def swappiness_refused(host):
    """The reason that this process may not set vm.swappiness, which is the whole machine's, or None."""
    try:
        read_only = os.statvfs(host.path('/proc/sys')).f_flag & _READ_ONLY
    except OSError:
        read_only = False
    if read_only:
        return '/proc/sys is mounted read-only, as in a container: set vm.swappiness on the host that runs it'
    if in_user_namespace(host):
        return 'this is a user namespace, which cannot set vm.swappiness: set it on the host that runs it'
    if is_root() and host.exists(SWAPPINESS) and not os.access(host.path(SWAPPINESS), os.W_OK):
        return '%s may not be written here, though this is root' % SWAPPINESS
    return None


def lowering_refused(host):
    """The reason that this process may not lower an oom_score_adj, or None (proc_pid_oom_score_adj(5))."""
    if has_capability(host, CAP_SYS_RESOURCE) is False:
        return ('lowering it needs CAP_SYS_RESOURCE, which this host does not give (an unprivileged container): set it '
                'on the host that runs it')
    # The capability has to be the initial user namespace's: __set_oom_adj() asks capable(), not ns_capable().
    if in_user_namespace(host):
        return ('lowering it needs CAP_SYS_RESOURCE outside of a user namespace, and this host is in one: set it on '
                'the host that runs it')
    return None
