# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process really is, by facts that a user of this host cannot forge.

A process chooses its comm, its argv, its environment, and the name of a copied executable. It does not choose the owner
of the file that it runs, the owners of the directories above it, its real uid, or the user namespace in which it was
started.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re
import stat

from .._files.permissions import stranger_of
from .cgroup_paths import session_uid
from .processes import cgroup_paths_of

_DELETED = ' (deleted)'
# path_resolution(7): the kernel gives up after 40 links; no configuration has a path of more parts than this.
_MAX_STEPS = 256
_COMM_BYTES = 15
# Packages make the accounts below this (UID_MIN of login.defs(5)).
_FIRST_PERSON = 1000
_INTERPRETER = re.compile(r'^(?:python|perl|ruby|php|node|java|(?:ba|da|k|z|a)?sh|busybox)[\d.-]*(?:cli|fpm)?$')
_VERSION = re.compile(r'[\d.-]*\Z')
# Options of interpreters that take the next word.
_WITH_ARGUMENT = ('-d', '-I', '-W', '-X', '-z')
_SAFE_NAME = re.compile(r'^[A-Za-z0-9_@][A-Za-z0-9._@-]*\Z')
# The accounts of servers that have another name than their account.
_ACCOUNTS = {
    'mysqld': ('mysql', 'mariadb'),
    'mariadbd': ('mysql', 'mariadb'),
    'mysqld_safe': ('mysql', 'mariadb'),
    'mariadbd-safe': ('mysql', 'mariadb'),
    'postgres': ('postgres', 'pgsql'),
    'redis-server': ('redis',),
    'valkey-server': ('valkey',),
    'mongod': ('mongodb', 'mongod'),
    'memcached': ('memcache', 'memcached'),
    'slapd': ('openldap', 'ldap'),
    'named': ('bind', 'named'),
}


def base_name(path):
    """The last part of a path; None for None."""
    return path.rsplit('/', 1)[-1] if path else None


def safe_name(name):
    """The name if it may be part of a file's name or text (``[A-Za-z0-9._@-]``, no leading dot or dash), else None."""
    return name if name and _SAFE_NAME.match(name) else None


def is_interpreter(name):
    """True if a program runs scripts: its own name says little about what it does."""
    return bool(_INTERPRETER.match(name))


def script_of(cmdline):
    """The path of the script in an interpreter's command line, as it is written there; None without one."""
    words = iter(cmdline[1:])
    for word in words:
        if word == '-c':
            return None
        if not word.startswith('-'):
            return word
        if word in _WITH_ARGUMENT:
            next(words, None)
    return None


def _kept(host, path, owners, follow=False):
    """True if there is a file that only ``owners`` may write to."""
    status = host.status(path, follow)
    try:
        return status is not None and stranger_of(status, None if follow else host.path(path), owners) is None
    except (IOError, OSError):
        return False


def trusted_path(host, path, owners=(0,), root=''):
    """The canonical path of a regular file that only ``owners`` (uids) can change or replace; None if it is no such
    file.

    Every directory up to the top has to be theirs, and every link on the way has to be in a directory of theirs.
    ``root`` is that of another process (``/proc/PID/root``): links stay within it.
    """
    if not path or not path.startswith('/'):
        return None
    walked, parts_left = '', path.split('/')[::-1]
    for _count in range(_MAX_STEPS):
        if not _kept(host, root + (walked or '/'), owners):
            return None
        parts_left = _without_empty(parts_left)
        if not parts_left:
            status = host.status(root + walked, follow=False)
            return walked if status is not None and stat.S_ISREG(status.st_mode) else None
        walked, parts_left = _step(host, root, walked, parts_left)
    return None


def _without_empty(parts_left):
    while parts_left and parts_left[-1] in ('', '.'):
        parts_left = parts_left[:-1]
    return parts_left


def _step(host, root, directory, parts_left):
    """(path, parts left, the last one first) after the next part. The parts of a link's target go before the others."""
    name, parts_left = parts_left[-1], parts_left[:-1]
    if name == '..':
        return directory.rpartition('/')[0], parts_left
    path = '%s/%s' % (directory, name)
    target = host.readlink(root + path)
    if target is None:
        return path, parts_left
    return '' if target.startswith('/') else directory, parts_left + target.split('/')[::-1]


def same_user_namespace(host, row):
    """True if a process is in the user namespace of this one: its uids are this host's, and so is its root."""
    return host.readlink('/proc/%d/ns/user' % row['pid']) == host.readlink('/proc/self/ns/user')


def executable_owner(host, row):
    """The uid that owns the file that a process runs, even if it was deleted; None if it cannot be seen."""
    status = host.status('/proc/%d/exe' % row['pid'])
    return status.st_uid if status else None


def trusted_executable(host, row, owners=(0,)):
    """The path of the file of this host that a process runs, if only ``owners`` can change it; else None.

    The path is the one in the mount namespace of the process, so the file itself is compared: a user may mount another
    one over that path in a namespace of his own. A file that an upgrade replaced counts by its owner and its directory,
    in this user namespace alone.
    """
    link = '/proc/%d/exe' % row['pid']
    status = host.status(link)
    if not row['exe'] or not _kept(host, link, owners, follow=True):
        return None
    path = trusted_path(host, row['exe'], owners)
    here = host.status(row['exe'], follow=False)
    if path == row['exe'] and (here.st_dev, here.st_ino) == (status.st_dev, status.st_ino):
        return path
    replaced = (host.readlink(link) or '').endswith(_DELETED) and same_user_namespace(host, row)
    return row['exe'] if replaced and trusted_directory(host, row['exe'], owners) else None


def trusted_directory(host, path, owners=(0,)):
    """True if only ``owners`` can make a file in the directory of a canonical path."""
    parts = path.split('/')[1:-1]
    above = ['/' + '/'.join(parts[:count]) for count in range(len(parts) + 1)]
    return all(_kept(host, directory, owners) for directory in above)


def is_version_of(base, name):
    """True for ``php8.2`` as ``php``: a package's name for one of several versions of a program."""
    return bool(base) and base.startswith(name) and _VERSION.match(base[len(name):]) is not None


def _is_one_of(path, names):
    base = base_name(path)
    # Of most programs the first look tells that they are none of these.
    return bool(base) and base.startswith(tuple(names)) and any(is_version_of(base, name) for name in names)


def is_called(row, names):
    """True if a process says that it is one of these programs: by its executable, or by the script or comm of an
    interpreter.

    That is no proof. comm alone does not count if the executable can be seen: any process may call itself mysqld
    (prctl(2)).
    """
    if row['kernel_thread']:
        return False
    executable = base_name(row['exe'])
    if executable in names:
        return True
    if executable is None or is_interpreter(executable):
        return row['name'] in [name[:_COMM_BYTES] for name in names] or base_name(script_of(row['cmdline'])) in names
    return False


def runs(host, row, names, owners=(0,)):
    """True if a process of this host runs one of these programs, and only ``owners`` could have put it there."""
    script = None if _is_one_of(row['exe'], names) else _script_called(row, names)
    if script is None and not _is_one_of(row['exe'], names):
        return False
    if trusted_executable(host, row, owners) is None:
        return False
    return script is None or _trusted_script(host, row, script, owners)


def runs_as_root(host, row, names):
    """True if a process is one of root's programs of these names, and runs as root of this host."""
    # It is asked of thousands, and of most there is nothing to keep.
    if row['uid'] != 0 or not _is_one_of(row['exe'], names) and _script_called(row, names) is None:
        return False
    # For each process below an engine this is asked of the same ancestors.
    return host.once(('runs as root', row['pid'], names), lambda: (
        runs(host, row, names) and same_user_namespace(host, row)))


def runs_in_container(host, row, names):
    """True if a process of a container runs one of these programs from its files, and only the root there can change
    them.
    """
    script = None if _is_one_of(row['exe'], names) else _script_called(row, names)
    if script is None and not _is_one_of(row['exe'], names):
        return False
    link, root = '/proc/%d/exe' % row['pid'], '/proc/%d/root' % row['pid']
    owners = (0, outer_uid(host, row, 0))
    deleted = (host.readlink(link) or '').endswith(_DELETED)
    if not _kept(host, link, owners, follow=True):
        return False
    if not deleted and trusted_path(host, row['exe'], owners, root) != row['exe']:
        return False
    return script is None or _trusted_script(host, row, script, owners, root)


def _script_called(row, names):
    """The path of the script with one of these names that an interpreter runs, as in its command line; else None."""
    script = script_of(row['cmdline']) if row['exe'] and is_interpreter(base_name(row['exe'])) else None
    return script if script and _is_one_of(script, names) else None


def _trusted_script(host, row, script, owners, root=''):
    if not script.startswith('/'):
        script = '%s/%s' % (host.readlink('/proc/%d/cwd' % row['pid']) or '', script)
    return trusted_path(host, script, owners, root) is not None


def outer_uid(host, row, uid):
    """The uid of this host that a uid in a process's user namespace maps to (user_namespaces(7)); None if it maps to
    none.
    """
    if same_user_namespace(host, row):
        return uid
    for line in (host.read('/proc/%d/uid_map' % row['pid']) or '').splitlines():
        inside, outside, count = (int(word) for word in line.split())
        if inside <= uid < inside + count:
            return outside + uid - inside
    return None


def is_a_users_own(host, row):
    """True if a process is in a user namespace that a user of this host made: its root is that user, and proves
    nothing.
    """
    owner = outer_uid(host, row, 0)
    if owner == 0:
        return False
    return owner is None or session_uid(cgroup_paths_of(host, row)) is not None or owner in [
        uid for _name, uid in _passwd(host.read('/etc/passwd'))]


def _passwd(text):
    """[(name, uid)] of an /etc/passwd."""
    fields = (line.split(':') for line in (text or '').splitlines())
    return [(words[0], int(words[2])) for words in fields if len(words) > 2 and words[2].isdigit()]


def account_uids(host, names, row=None):
    """The uids of the accounts that packages make for programs of these names.

    ``row`` is a process of a container: its own /etc/passwd tells them, if only root there can change it.
    """
    accounts = set(account for name in names for account in _ACCOUNTS.get(name, (name,)))
    root = '/proc/%d/root' % row['pid'] if row else ''
    owners = (0, outer_uid(host, row, 0)) if row else (0,)
    path = trusted_path(host, '/etc/passwd', owners, root)
    entries = _passwd(host.read(root + path)) if path else []
    uids = set(uid for name, uid in entries if name in accounts and uid < _FIRST_PERSON)
    return set(outer_uid(host, row, uid) for uid in uids) - set([None]) if row else uids


def uid_of_user(host, user):
    """The uid of a user by name or number; None if /etc/passwd has no such user."""
    if str(user).isdigit():
        return int(user)
    return next((uid for name, uid in _passwd(host.read('/etc/passwd')) if name == user), None)
