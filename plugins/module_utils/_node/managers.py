# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who started a process, and would start it again: read from its cgroup, its parents and its environment."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .containers import container_of_path, docker_name, option
from .processes import ancestors, process as read_process

_UNIT = re.compile(r'^[^/]+\.(service|scope)$')
_USER_MANAGER = re.compile(r'^user@(\d+)\.service$')
_CONTAINER_ID = re.compile(r'^[0-9a-f]{64}$')
# comm holds 15 bytes: docker-containerd-shim of Docker 18 and before, containerd-shim-runc-v2 since.
# What these start is not theirs: a setting of their unit would reach all that a crontab, a login or a guest starts.
_LAUNCHERS = re.compile(
    r'^(?:crond?|atd|anacron|rc-local|rc\.local|sshd?|sshd?@.*|getty@.*|serial-getty@.*|systemd-nspawn@.*)\.service$')
_SHIMS = ('docker-containe', 'containerd-shim')


def cgroup_paths(groups, init_groups=None):
    """The paths of /proc/PID/cgroup without repeats: systemd's own hierarchy first, then version 2, then others.

    In a container without a cgroup namespace every path starts with the container's own: what process 1 of this
    node is in (``init_groups``) is cut off.
    """
    prefixes = {}
    for group in init_groups or []:
        path = group['path']
        if path.endswith('/init.scope'):
            path = path[:-len('/init.scope')]
        prefixes[','.join(group['controllers'])] = path.rstrip('/')

    def rank(group):
        if 'name=systemd' in group['controllers']:
            return 0
        return 2 if group['controllers'] else 1

    paths = []
    for group in sorted(groups, key=rank):
        path = group['path']
        prefix = prefixes.get(','.join(group['controllers']), '')
        if prefix and (path + '/').startswith(prefix + '/'):
            path = path[len(prefix):] or '/'
        if path not in paths:
            paths.append(path)
    return paths


def unit_of_path(path):
    """{name, user} of the unit that a cgroup's path belongs to, or None.

    As systemd reads it (cg_path_get_unit): below the slices, the first component is the unit; what is deeper is
    the unit's own business, be it a container or a systemd in one. Below user@UID.service a user's manager goes on.
    """
    user = None
    for component in path.split('/'):
        if not component or component.endswith('.slice'):
            continue
        if not _UNIT.match(component):
            break
        # cg_unescape: a leading underscore keeps a unit's name apart from the kernel's own files.
        name = component[1:] if component.startswith('_') else component
        manager = _USER_MANAGER.match(name)
        if manager and user is None:
            user = int(manager.group(1))
            continue
        return {'name': name, 'user': user}
    return {'name': 'user@%d.service' % user, 'user': None} if user is not None else None


def _unit(paths):
    units = [unit for unit in (unit_of_path(path) for path in paths) if unit]
    return units[0] if units else None


def _engine(host, found, parents):
    """The engine of a container whose cgroup has its id alone (a --cgroup-parent of the user's)."""
    for parent in parents:
        if parent['name'] == 'conmon':
            return 'podman'
        if parent['name'] in _SHIMS:
            return 'kubernetes' if option(parent['cmdline'], '-namespace') == 'k8s.io' else 'docker'
    exists = host.exists('/var/lib/docker/containers/' + found['container_id'])
    return 'docker' if exists else None


def _container(host, paths, parents):
    """The container a process is in, or None. A rootless podman on cgroup version 1 shows only in its conmon."""
    conmon = next((parent for parent in parents if parent['name'] == 'conmon'), None)
    conmon_id = option(conmon['cmdline'], '-c', '--cid') if conmon else None
    found = next((found for found in map(container_of_path, paths) if found), None)
    if found and found['kind'] is None:
        found['kind'] = _engine(host, found, parents)
        if found['kind'] is None:
            return None
    if not found and conmon_id and _CONTAINER_ID.match(conmon_id):
        found = {'kind': 'podman', 'container_id': conmon_id, 'pod': None}
    if not found:
        return None
    name = found['pod']
    if found['kind'] == 'docker':
        name = docker_name(host, found['container_id'])
    elif found['kind'] == 'podman':
        name = option(conmon['cmdline'], '-n', '--name') if conmon else None
    return {
        'kind': found['kind'],
        'name': name or (found['container_id'] or '')[:12] or None,
        'container_id': found['container_id'],
    }


def _environment(host, pid):
    try:
        words = (host.read('/proc/%d/environ' % pid) or '').split('\0')
    except (IOError, OSError):
        return {}
    return dict(word.split('=', 1) for word in words if '=' in word)


def _supervisord(host, row, parents):
    """The program of a supervisord that runs a process, itself or through what it started; None without one."""
    chain = [row] + parents
    for child, parent in zip(chain, parents):
        words = ' '.join(parent['cmdline'][:2])
        if parent['name'] == 'supervisord' or 'supervisord' in words.replace('/', ' ').split():
            environment = _environment(host, row['pid'])
            # supervisor/options.py and process.py set these for each child.
            name = environment.get('SUPERVISOR_PROCESS_NAME') or child['name']
            return {'kind': 'supervisord', 'name': name}
    return None


def init_script(host, name):
    """The SysV script of a server in /etc/init.d, or None; mysqld may be ``mysql`` there, and mariadbd either."""
    candidates = [name, name.rstrip('d')]
    if name in ('mysqld', 'mariadbd', 'mysqld_safe', 'mariadbd-safe'):
        candidates = ['mariadb', 'mysql', 'mysqld', 'mariadbd']
    return next((script for script in candidates if host.exists('/etc/init.d/' + script)), None)


def manager_of(host, row):
    """{kind: systemd|docker|podman|kubernetes|supervisord|sysv|none, name} of a process.

    Containers have ``container_id``; where systemd of this node has the process in a unit, whoever started it,
    ``unit`` is its name, and ``user`` the uid of a user's manager.
    """
    init = read_process(host, 1)
    paths = cgroup_paths(row['cgroups'], init['cgroups'] if init else None)
    parents = ancestors(host, row)
    unit = _unit(paths) or {'name': None, 'user': None}
    found = _container(host, paths, parents) or _supervisord(host, row, parents)
    if not found and unit['name'] and unit['name'].endswith('.service') and not _LAUNCHERS.match(unit['name']):
        found = {'kind': 'systemd', 'name': unit['name']}
    if not found and init and init['name'] != 'systemd':
        script = init_script(host, row['name'])
        if script and (row['ppid'] == 1 or (parents and parents[0]['ppid'] == 1)):
            found = {'kind': 'sysv', 'name': script}
    found = found or {'kind': 'none', 'name': None}
    found['unit'] = unit['name']
    found['user'] = unit['user']
    return found
