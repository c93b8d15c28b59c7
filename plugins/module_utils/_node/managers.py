# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who started a process, and would start it again, by its cgroup, its parents and its environment."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .cgroup_paths import own_unit
from .containers import docker_name, option
from .identity import base_name, runs_as_root, safe_name, trusted_path
from .processes import ancestors, cgroups_of
from .processes import process as read_process
from .service_directory import kept_by, service_of

_CONTAINER_ID = re.compile(r'^[0-9a-f]{64}\Z')
# Processes below these are not theirs, but what a crontab, a login or a guest starts.
_LAUNCHERS = re.compile(
    r'^(?:crond?|atd|anacron|rc-local|rc\.local|sshd?|sshd?@.*|getty@.*|serial-getty@.*|systemd-nspawn@.*|user@.*)\.service$')
# comm holds 15 bytes: docker-containerd-shim of Docker 18 and before, containerd-shim-runc-v2 since.
_SHIMS = ('docker-containerd-shim', 'containerd-shim', 'containerd-shim-runc-v1', 'containerd-shim-runc-v2')
_CONMONS = ('conmon',)
# The programs that start a guest whose init has files of its own.
_GUESTS = ('lxc-start', 'lxd', 'incusd', 'systemd-nspawn')
_MYSQL = ('mysqld', 'mariadbd', 'mysqld_safe', 'mariadbd-safe')


def is_launcher(unit):
    """True for a unit that runs what others start: a setting of it would reach all of that."""
    return _LAUNCHERS.match(unit) is not None


def _unit(cgroups):
    """(unit of this node's systemd, uid of the user whose manager has it or None), by the parsed paths of a process."""
    telling = (parsed for parsed in cgroups if parsed['host_unit'] or parsed['containers'])
    return next(((own_unit(parsed), parsed['user']) for parsed in telling), (None, None))


def monitor_of(host, parents):
    """The nearest ancestor that is root's own monitor of a container or guest, or None.

    The path of a cgroup proves nothing below a delegated one, and any program may be called conmon; but root's engine
    started the child of root's monitor.
    """
    return next((parent for parent in parents if runs_as_root(host, parent, _SHIMS + _CONMONS + _GUESTS)), None)


def is_container_monitor(row):
    """True if a monitor is one of Docker, containerd or Podman, not of a guest with an init."""
    return base_name(row['exe']) not in _GUESTS


def monitored_id(monitor):
    """The container id in a monitor's command line, or None if it is not told."""
    words = monitor['cmdline']
    container_id = option(words, '-c', '--cid', '-id', '--id') or base_name(option(words, '-workdir'))
    return container_id if container_id and _CONTAINER_ID.match(container_id) else None


def _engine(container, monitor):
    """The engine of a container, by its cgroup, or by its monitor if the cgroup has only the id (a --cgroup-parent)."""
    if container['kind']:
        return container['kind']
    if base_name(monitor['exe']) in _CONMONS:
        return 'podman'
    return 'kubernetes' if option(monitor['cmdline'], '-namespace') == 'k8s.io' else 'docker'


def _container_name(host, kind, container_id, monitor):
    if kind == 'docker':
        return docker_name(host, container_id)
    return safe_name(option(monitor['cmdline'], '-n', '--name')) if kind == 'podman' else None


def _container(host, cgroups, parents):
    """The container that a process is in, or None. It counts if root's engine started it, below its monitor.

    A container of a user's engine has its cgroup in the user's slice; what it says of itself is not believed.
    """
    container = _innermost(cgroups)
    if container and container['kind'] == 'other':
        return None
    monitor = monitor_of(host, parents)
    if monitor is None or not is_container_monitor(monitor):
        return _container_of_user(cgroups, container) if container else None
    # The monitor of a container in a container is not on this host, that of the outer one is.
    container_id = monitored_id(monitor) or (container or {}).get('id')
    if container_id is None:
        return None
    container = container or {'kind': None, 'pod_uid': None}
    kind = _engine(container, monitor)
    name = container['pod_uid'] or _container_name(host, kind, container_id, monitor)
    return {'kind': kind, 'name': name or container_id[:12], 'container_id': container_id}


def _innermost(cgroups):
    """The innermost container that a process's parsed paths name, or None."""
    return next((parsed['containers'][-1] for parsed in cgroups if parsed['containers']), None)


def _session(cgroups):
    """The uid of the user in whose slice a process is, or None."""
    return next((parsed['user_slice'] for parsed in cgroups if parsed['user_slice'] is not None), None)


def _container_of_user(cgroups, container):
    """A container without root's monitor: a user's own, in the user's slice. A pod is left to its kubelet."""
    if _session(cgroups) is None and container['kind'] != 'kubernetes':
        return None
    if container['kind'] is None:
        return None
    return {'kind': container['kind'], 'name': container['pod_uid'] or (container['id'] or '')[:12] or None,
            'container_id': container['id']}


def environment(host, pid):
    """{variable: text} of a process, as it was started and it or its user may have changed it since."""
    return host.once(('environment', pid), lambda: _read_environment(host, pid))


def _read_environment(host, pid):
    try:
        words = (host.read('/proc/%d/environ' % pid) or '').split('\0')
    except (IOError, OSError):
        return {}
    return dict(word.split('=', 1) for word in words if '=' in word)


def supervisord_of(host, chain):
    """(root's supervisord, the process of ``chain`` that it started) for a process and its ancestors; or None."""
    for child, parent in zip(chain, chain[1:]):
        if runs_as_root(host, parent, ('supervisord',)):
            return parent, child
    return None


def _supervisord(host, row, parents):
    """The program of root's supervisord that runs a process, itself or through what it started; or None."""
    pair = supervisord_of(host, [row] + parents)
    if pair is None:
        return None
    # supervisor/options.py and process.py set it for each child; the child may have changed it since.
    name = environment(host, pair[1]['pid']).get('SUPERVISOR_PROCESS_NAME')
    return {'kind': 'supervisord', 'name': safe_name(name) or safe_name(pair[1]['name'])}


def init_script(host, row):
    """The name of the SysV script of a server in /etc/init.d, or None; mysqld may be ``mysql`` there, and mariadbd."""
    name = safe_name(base_name(row['exe']))
    if row['name'] in _MYSQL or name in _MYSQL:
        candidates = ['mariadb', 'mysql', 'mysqld', 'mariadbd']
    else:
        candidates = [name, name.rstrip('d')] if name else []
    return host.once(('init script', tuple(candidates)), lambda: next(
        (script for script in candidates if trusted_path(host, '/etc/init.d/' + script)), None))


def manager_of(host, row):
    """{kind, name, unit, user} of a process; ``kind`` is systemd, docker, podman, kubernetes, supervisord, sysv, one of
    service_directory.KINDS, or none.

    Containers have ``container_id`` as well, and services of runit and its like ``directory``. ``unit`` is the unit of
    this node's systemd that the process is in, whoever started it. ``user`` is the uid of the user whose manager it is,
    or in whose slice the container is. Processes that are alike share the dictionary, which nobody may change.
    """
    # The kernel lists the hierarchies of all processes in one order.
    paths = tuple(group['path'] for group in row['cgroups'])
    parent = row['ppid']
    apart = row['pid'] if host.once(('tells apart', parent), lambda: _tells_apart(host, parent)) else None
    # A server's workers are alike, and there may be thousands of them.
    return host.once(('manager', paths, parent, row['name'], row['exe'], apart), lambda: _manager_of(host, row))


def _tells_apart(host, pid):
    """True if a process keeps servers running by names of its own, so that two of its children may be two of them."""
    row = read_process(host, pid)
    return row is not None and (runs_as_root(host, row, ('supervisord',)) or kept_by(host, row) is not None)


def _manager_of(host, row):
    init = read_process(host, 1)
    cgroups = cgroups_of(host, row)
    parents = ancestors(host, row)
    unit, user = _unit(cgroups)
    manager = _container(host, cgroups, parents) or _supervisord(host, row, parents) or service_of(
        host, [row] + parents)
    # No unit or script of this host starts what is in a container or guest, whoever made its cgroup.
    here = not manager and _innermost(cgroups) is None
    if here and unit and unit.endswith('.service') and not is_launcher(unit):
        manager = {'kind': 'systemd', 'name': unit}
    if here and not manager and init and init['name'] != 'systemd':
        script = init_script(host, row)
        if script and (row['ppid'] == 1 or (parents and parents[0]['ppid'] == 1)):
            manager = {'kind': 'sysv', 'name': script}
    manager = manager or {'kind': 'none', 'name': None}
    manager['unit'], manager['user'] = unit, user
    if manager['user'] is None and manager.get('container_id'):
        # Root's own session is no user's.
        manager['user'] = _session(cgroups) or None
    return manager
