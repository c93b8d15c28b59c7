# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The memory controller (cgroups(7)): its version, what limits this process, and the swappiness of each cgroup."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import posixpath

from .meminfo import text_of
from .mounts import mounts

# Version 1, and a report, show no limit as the largest number of bytes, or of whole pages, in 64 bits.
_UNLIMITED = 1 << 62
# A 32-bit kernel shows it as this number of pages (PAGE_COUNTER_MAX).
_UNLIMITED_PAGES = (1 << 31) - 1
_PAGES = (4 << 10, 16 << 10, 64 << 10)


def told_limit(nbytes):
    """The bytes that a limit lets a cgroup have; None for the number by which the kernel says that there is none."""
    if nbytes is None or nbytes >= _UNLIMITED or nbytes in [_UNLIMITED_PAGES * page for page in _PAGES]:
        return None
    return nbytes


def layout(host):
    """{version: 1|2|hybrid|null, memory: version of the memory controller or null, mount: {root, mount_point}|null}."""
    table = mounts(host)
    first = [mount for mount in table if mount['filesystem'] == 'cgroup']
    second = [mount for mount in table if mount['filesystem'] == 'cgroup2']
    version = ('hybrid' if first and second else 1 if first else 2 if second else None)
    for mount in first:
        if 'memory' in mount['options']:
            return {'version': version, 'memory': 1, 'mount': mount}
    # If version 1 has other controllers, memory may be with version 2.
    if second:
        return {'version': version, 'memory': 2, 'mount': second[0]}
    return {'version': version, 'memory': None, 'mount': None}


def _own_path(host, version):
    for line in (host.read('/proc/self/cgroup') or '').split('\n'):
        number, _colon, rest = line.partition(':')
        controllers, _colon, path = rest.partition(':')
        if (version == 1 and 'memory' in controllers.split(',')) or (version == 2 and number == '0'):
            return path
    return None


def _chain(host, where):
    """The directories from this process's own cgroup up to the root of the mount."""
    mount = where['mount']
    path = _own_path(host, where['memory'])
    if path is None:
        return []
    # In a container without a cgroup namespace the path is the host's, and the mount shows a part of it.
    if mount['root'] not in ('/', '') and (path + '/').startswith(mount['root'] + '/'):
        path = path[len(mount['root']):]
    directory = posixpath.normpath(mount['mount_point'] + '/' + path)
    if not directory.startswith(mount['mount_point']) or not host.exists(directory):
        directory = mount['mount_point']
    chain = [directory]
    while directory != mount['mount_point']:
        directory = posixpath.dirname(directory)
        chain.append(directory)
    return chain


def _number(host, path):
    """A limit or a count; None for no limit (``max``, or told_limit()), or if it cannot be read."""
    text = text_of(host, path) or ''
    return told_limit(int(text)) if text.isdigit() else None


def _event(host, path, name):
    for line in (text_of(host, path) or '').splitlines():
        fields = line.split()
        if len(fields) == 2 and fields[0] == name and fields[1].isdigit():
            return int(fields[1])
    return None


def _level(host, version, directory):
    if version == 2:
        return {
            'limit_bytes': _number(host, directory + '/memory.max'),
            'swap_limit_bytes': _number(host, directory + '/memory.swap.max'),
            'usage_bytes': _number(host, directory + '/memory.current'),
            'oom_kills': _event(host, directory + '/memory.events', 'oom_kill'),
        }
    limit = _number(host, directory + '/memory.limit_in_bytes')
    both = _number(host, directory + '/memory.memsw.limit_in_bytes')
    return {
        'limit_bytes': limit,
        # Version 1 limits memory and swap together.
        'swap_limit_bytes': None if both is None else max(0, both - (limit or 0)),
        'usage_bytes': _number(host, directory + '/memory.usage_in_bytes'),
        'oom_kills': _event(host, directory + '/memory.oom_control', 'oom_kill'),
    }


def own_cgroup(host):
    """{version, path, limit_bytes, swap_limit_bytes, usage_bytes, oom_kills} of the cgroup that limits this process.

    The limits are the lowest of its own cgroup and those above; path, usage and kills are of the cgroup with the memory
    limit, or of its own if none has one.
    """
    where = layout(host)
    result = {'version': where['version'], 'path': None, 'limit_bytes': None, 'swap_limit_bytes': None,
              'usage_bytes': None, 'oom_kills': None}
    chain = _chain(host, where) if where['mount'] else []
    levels = [(directory, _level(host, where['memory'], directory)) for directory in chain]
    if not levels:
        return result
    limited = [pair for pair in levels if pair[1]['limit_bytes'] is not None]
    directory, level = min(limited, key=lambda pair: pair[1]['limit_bytes']) if limited else levels[0]
    swaps = [each['swap_limit_bytes'] for _path, each in levels if each['swap_limit_bytes'] is not None]
    result.update(level, swap_limit_bytes=min(swaps) if swaps else None,
                  path=directory[len(where['mount']['mount_point']):] or '/')
    return result


# A host of a thousand containers has some thousands of cgroups.
_MOST_CGROUPS = 20000
# A user to whom cgroups are delegated can make any number of them with a limit.
_MOST_LIMITED = 100
_LIMIT_AND_USAGE = {2: ('/memory.max', '/memory.current'),
                    1: ('/memory.limit_in_bytes', '/memory.usage_in_bytes')}
_TOTAL = 'total_'


def parse_memory_stat(text):
    """{name: bytes or a count} of a memory.stat, for a cgroup with all below it, which version 1 names ``total_``."""
    counters = {}
    for line in (text or '').splitlines():
        name, _space, number = line.partition(' ')
        if number.isdigit():
            counters[name] = int(number)
    whole = dict((name[len(_TOTAL):], number) for name, number in counters.items() if name.startswith(_TOTAL))
    return whole or counters


def limited_cgroups(host, rows):
    """(list of the cgroups with a memory limit of their own, the one with the least room first; how many more there
    are).

    Each is {path, limit_bytes, usage_bytes, swap_limit_bytes, swap_usage_bytes, kernel_bytes, kills_all, kill_disabled,
    statistics, pids}. ``rows`` are the host's processes (processes()), ``pids`` the set of those in the cgroup and
    below. ``kills_all`` is true if the kernel kills all of them together (memory.oom.group), ``kill_disabled`` if it
    makes them wait instead (memory.oom_control of version 1). ``statistics`` is what parse_memory_stat() returns.
    """
    where = layout(host)
    if where['mount'] is None:
        return [], 0
    mount, version = where['mount']['mount_point'], where['memory']
    limit, usage = _LIMIT_AND_USAGE[version]
    rooms = []
    for path in _cgroups_below(host, mount):
        limit_bytes = _number(host, mount + path + limit)
        if limit_bytes is not None:
            rooms.append((limit_bytes - (_number(host, mount + path + usage) or 0), path))
    kept = [path for _room, path in sorted(rooms)[:_MOST_LIMITED]]
    paths = dict((row['pid'], _path_of(row, where)) for row in rows) if kept else {}
    groups = [dict(_limited(host, version, mount + path), path=path or '/', pids=_pids_below(paths, path))
              for path in kept]
    return groups, len(rooms) - len(kept)


def _pids_below(paths, path):
    return set(pid for pid, other in paths.items() if other is not None and (other + '/').startswith(path + '/'))


def _cgroups_below(host, mount):
    """The paths of the cgroups below a mount point, with the mount's own (``''``) first."""
    top, count = host.path(mount), 0
    for directory, names, _files in os.walk(top):
        names.sort()
        yield directory[len(top):]
        count += 1
        if count == _MOST_CGROUPS:
            return


def _limited(host, version, directory):
    level = _level(host, version, directory)
    group = dict((key, level[key]) for key in ('limit_bytes', 'usage_bytes', 'swap_limit_bytes'))
    group['statistics'] = parse_memory_stat(host.read(directory + '/memory.stat'))
    group['kills_all'] = version == 2 and _number(host, directory + '/memory.oom.group') == 1
    group['swap_usage_bytes'] = group['statistics'].get('swap')
    group['kernel_bytes'] = None
    group['kill_disabled'] = version == 1 and _event(host, directory + '/memory.oom_control', 'oom_kill_disable') == 1
    if version == 2:
        group['swap_usage_bytes'] = _number(host, directory + '/memory.swap.current')
    else:
        group['kernel_bytes'] = _number(host, directory + '/memory.kmem.usage_in_bytes')
    return group


def _path_of(row, where):
    """The path of a process's cgroup below the mount, or None if it cannot be seen there."""
    path = next((group['path'] for group in row['cgroups'] if (
        'memory' in group['controllers'] if where['memory'] == 1 else not group['controllers'])), None)
    root = where['mount']['root'].rstrip('/')
    if path is None or not root:
        return path
    return path[len(root):] or '/' if (path + '/').startswith(root + '/') else None


def swappiness_of_cgroups(host):
    """[{path, value, file}] of every cgroup but the root, for which vm.swappiness counts; [] with version 2."""
    where = layout(host)
    if where['memory'] != 1:
        return []
    mount = where['mount']['mount_point']
    found = []
    for directory, names, files in os.walk(host.path(mount)):
        names.sort()
        below = directory[len(host.path(mount)):]
        if not below or 'memory.swappiness' not in files:
            continue
        value = _number(host, '%s%s/memory.swappiness' % (mount, below))
        if value is not None:
            found.append({'path': below, 'value': value, 'file': '%s%s/memory.swappiness' % (mount, below)})
    return found
