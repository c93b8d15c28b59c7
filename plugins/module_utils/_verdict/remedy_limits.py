# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits that were met, of a control group, a container, a pod, a program or a user, and what raises each."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._files.plain import plain
from .._files.sizes import format_size
from .._node.cgroup_paths import (
    cgroup_names,
    is_above_pods,
    is_within_container,
    own_unit,
    parse_cgroup,
    unit_in_guest,
    unit_of_path,
)
from .case import situation
from .limit_owners import command_of, owner_of_line, owner_of_path
from .remedy import DELAYS, HARMS, PREVENTS, UNKNOWN, make_effect, make_remedy
from .shell_words import path_word, word

_STEP = 64 << 20
_MIB = 1 << 20
_ENGINES = ('docker', 'podman')
_FREE = 'free -m'
# How a command is given to what is in a container.
_INSIDE = {'docker': 'docker exec %s ', 'podman': 'podman exec %s ', 'lxc': 'lxc-attach -n %s -- '}
_PIDS_OF = re.compile(r'pids\scontroller\sin\s(/\S*)')
# What LXC and Proxmox make below a guest's own cgroup, which is the guest as well.
_OF_GUEST = ('', '/ns', '/.lxc')
_LIBVIRT = re.compile(r'/machine-lxc\\x2d|\.libvirt-lxc/')
# docker and podman print the state of a container so; Kubernetes has no such field.
_INSPECTED = re.compile(r'OOMKilled\\?"?\s*[:=]\s*"?true')
_OF_ENGINE = re.compile(r'memory limit could be too low|init was OOM-killed')
_OF_PODMAN = re.compile(r'\b(?:conmon|podman|crun)\b|OOM: the memory limit could')


def limits(case):
    """Rows for the control groups that met their limit, that of the report that is meant first: the limit of a pod, a
    container or a unit.
    """
    met = [event for event in case.events if situation(event) == 'cgroup']
    if not met and not (case.limit == 'cgroup' and case.was_memory == 'yes'):
        return []
    groups = [event.get('cgroup') or {} for event in met]
    first = [event.get('cgroup') or {} for event in sorted(met[::-1], key=lambda event: event is not case.meant)]
    paths = _each_once([group['path'] for group in first if group.get('path')]) or [_path_of_victim(case)]
    return [_limit_row(case, path, [group for group in groups if group.get('path') == path]) for path in paths[:3]]


def _each_once(values):
    return [value for index, value in enumerate(values) if value not in values[:index]]


def _path_of_victim(case):
    return next((victim.get('cgroup') for event in case.events for victim in event.get('victims') or []
                 if victim.get('cgroup')), None)


def _limit_row(case, path, groups):
    limit = max([group['limit_bytes'] for group in groups if group.get('limit_bytes')] or [0]) or None
    wished = limit and _raised(limit)
    group = groups[-1] if groups else {}
    owner = owner_of_path(path) if path else _owner_told(case)
    if owner:
        name, what, command = 'cgroup_limit', 'raise %s' % owner.what, command_of(owner, wished)
    else:
        name, whom, command = whose_limit(case, path, group, wished)
        what = 'raise the limit of %s' % whom
    if limit:
        what += ' from %s to %s' % (format_size(limit), format_size(wished))
    return make_remedy(name, what, _limit_effect(case, limit, wished), command=command,
                       aside=case.limit not in ('cgroup', 'unknown'))


def _raised(limit):
    """One and a half times the limit, in whole steps of 64 MiB, or of 1 MiB below 128 MiB."""
    step = _STEP if limit >= 2 * _STEP else _MIB
    return -(-(limit * 3 // 2) // step) * step


def _limit_effect(case, limit, wished):
    if limit is None:
        return make_effect(UNKNOWN, 'how large the limit is, and how much the host has free, is not in the log',
                           would_tell=['systemd-cgtop -m', _FREE])
    more, available = wished - limit, case.ram_available_bytes()
    ram_bytes = case.host['ram_bytes'] if case.host_facts else None
    words = '%s more room' % format_size(more)
    if ram_bytes is not None and wished * 10 > ram_bytes * 9:
        return make_effect(HARMS, 'a limit of %s leaves less than a tenth of the %s of RAM: the host itself would run '
                                  'out' % (format_size(wished), format_size(ram_bytes)))
    if available is not None and available < more:
        return make_effect(HARMS, 'the host has %s available: it would run out itself' % format_size(available))
    peak = case.options['expected_peak_bytes']
    if peak is not None and available is not None and peak * 10 <= wished * 9:
        return make_effect(PREVENTS, 'a peak of %s leaves a tenth and more of %s' % (
            format_size(peak), format_size(wished)), more)
    if available is not None:
        return make_effect(DELAYS, '%s, of %s that the host has available; nothing bounds what is asked for' % (
            words, format_size(available)), more)
    return make_effect(DELAYS, '%s if the host has that much free, which the log does not tell; nothing bounds what is '
                               'asked for' % words, more, would_tell=[_FREE])


def whose_limit(case, path, group, wished):
    """(name of the remedy, whose limit in words, the command that sets it to ``wished`` bytes) of a cgroup's path."""
    names = dict(cgroup_names(path))
    kubernetes = [victim.get('pod') for victim in (case.verdict or {}).get('victims') or [] if victim.get('pod')]
    size = '%d' % wished if wished else 'BYTES'
    if is_above_pods(path):
        return 'pod_limit', 'all pods of the node together (allocatable of the kubelet)', 'kubectl describe node NODE'
    if names['runtime'] != 'lxc' and is_within_container(parse_cgroup(path)):
        return 'cgroup_limit', plain(path), _in_files(path, group, size)
    if names['pod_uid'] or not _is_above_a_pod(case, path) and (
            kubernetes or 'kubernetes' in case.kinds() and not _is_told(case, _INSPECTED)):
        return _pod(names, kubernetes, wished)
    told = next((signal['container'] for signal in case.told if signal.get('container')), None)
    container = names['container_id'] or (None if path else told)
    if container and (names['runtime'] in _ENGINES + (None,)):
        name, whom, command = _container(names['runtime'] or _engine_told(case), container, group, wished)
        return name, whom, at_its_engine(path, command) or _in_files(path, group, size)
    if not path and (_is_told(case, _INSPECTED) or _is_told(case, _OF_ENGINE)):
        return _container(_engine_told(case), None, group, wished)
    if names['runtime'] == 'lxc' and not _LIBVIRT.search(path):
        return _lxc(path, names, group, size)
    # A user's unit, one in a guest, and what is below a unit are not set by the host's systemctl under that name.
    told = next((signal['unit'] for signal in case.told if signal.get('unit')), None)
    unit = unit_of_path(path) if path else told
    if unit:
        return ('cgroup_limit', plain(unit), 'systemctl set-property %s MemoryMax=%s' % (word(unit, 'UNIT'), size))
    return ('cgroup_limit', plain(path or 'the control group'), _in_files(path, group, size))


def _is_above_a_pod(case, path):
    """True if the pods whose processes were killed are within the cgroup: their own limits are not what was met."""
    return bool(path) and any((victim.get('cgroup') or '').startswith(path.rstrip('/') + '/')
                              and cgroup_names(victim['cgroup'])['pod_uid'] is not None
                              for event in case.events for victim in event.get('victims') or [])


def _owner_told(case):
    owners = [owner_of_line(signal.get('text')) for signal in case.told if signal.get('limit') == 'cgroup']
    return next((owner for owner in owners if owner), None)


def _is_told(case, pattern):
    texts = ['%s %s' % (signal.get('program') or '', signal.get('text') or '') for signal in case.told]
    return any(pattern.search(text) for text in texts)


def _engine_told(case):
    return 'podman' if _is_told(case, _OF_PODMAN) else 'docker'


def _is_version_1(group):
    return group.get('memory_swap_usage_bytes') is not None


def _file_of(group):
    return 'memory.limit_in_bytes' if _is_version_1(group) else 'memory.max'


def _in_files(path, group, size):
    return 'echo %s > /sys/fs/cgroup%s%s/%s' % (
        size, '/memory' if _is_version_1(group) else '', path_word(path, '/PATH'), _file_of(group))


def _pod(names, kubernetes, wished):
    uid = names['pod_uid'] or (kubernetes[0] if kubernetes else None)
    size = '%dMi' % (wished // _MIB) if wished else 'SIZE'
    whom = 'the pod %s (resources.limits.memory)' % plain(uid) if uid else 'the pod (resources.limits.memory)'
    return 'pod_limit', whom, 'kubectl set resources deployment/NAME --containers=CONTAINER --limits=memory=%s' % size


def _container(runtime, container, group, wished):
    """The command that raises a container's limit, with a word to fill in if ``container`` is None.

    It sets the limit of memory and swap together too: an engine refuses one below the other.
    """
    engine = runtime or 'docker'
    short = container[:12] if container and re.match(r'[0-9a-f]{64}\Z', container) else container
    size = '%d' % wished if wished else 'BYTES'
    swap = _swap_of(group)
    together = '%d' % (wished + swap) if wished and swap is not None else size
    return ('container_limit', '%s container %s' % (engine, plain(short)) if short else 'the container',
            '%s update --memory %s --memory-swap %s %s' % (engine, size, together, word(short, 'CONTAINER')))


def at_its_engine(path, command):
    """The command of an engine on a container as the one that knows it is given it: a user's, or one in another
    container or guest; None if nothing known gives a command there.
    """
    parsed = parse_cgroup(path)
    if parsed['user'] is None and parsed['user_slice'] and own_unit(parsed) is None:
        # A user named it: root's engine has another of that name, or none.
        return None
    for outer in reversed([one for one in parsed['containers'] if one['id']][:-1]):
        inside = _INSIDE.get(outer['runtime'] or 'docker')
        if inside is None or outer['kind'] == 'kubernetes' or _LIBVIRT.search(path):
            return None
        name = outer['id'][:12] if len(outer['id']) == 64 else outer['id']
        command = inside % word(name, 'CONTAINER') + command
    if parsed['user']:
        place = '/run/user/%d' % parsed['user']
        command = command.replace('docker ', 'docker -H unix://%s/docker.sock ' % place, 1) if command.startswith(
            'docker ') else "sudo -u '#%d' XDG_RUNTIME_DIR=%s %s" % (parsed['user'], place, command)
    return command


def _lxc(path, names, group, size):
    """Of a unit in the container its own manager sets the limit; of the container itself whoever runs it."""
    container, unit = word(names['container_id'], 'CONTAINER'), unit_in_guest(path)
    if unit:
        name, whom = 'cgroup_limit', '%s in the LXC container %s' % (plain(unit), plain(names['container_id']))
        command = 'lxc-attach -n %s -- systemctl set-property %s MemoryMax=%s' % (container, word(unit, 'UNIT'), size)
    elif path.rsplit(names['container_id'], 1)[-1] in _OF_GUEST:
        name, whom = 'container_limit', 'LXC container %s' % plain(names['container_id'])
        command = 'lxc-cgroup -n %s %s %s' % (container, _file_of(group), size)
    else:
        return 'cgroup_limit', plain(path), _in_files(path, group, size)
    return name, whom, at_its_engine(path, command) or _in_files(path, group, size)


def _swap_of(group):
    """The bytes of swap that a group may use beside its memory; None if it is not told or not limited."""
    if group.get('swap_limit_bytes') is not None:
        return group['swap_limit_bytes']
    together, limit = group.get('memory_swap_limit_bytes'), group.get('limit_bytes')
    return max(0, together - limit) if together is not None and limit is not None else None


def program_limits(case):
    """Rows for a limit that a program sets for itself; to raise it is right only if the host has the room."""
    told = [signal for signal in case.told if signal['kind'] == 'program-limit']
    return [_program_row(case, told[-1])] if told else []


def _program_row(case, signal):
    limit = signal.get('limit_bytes')
    wished = limit and _raised(limit)
    text = signal.get('text') or ''
    owner = owner_of_line(text)
    name = owner.what if owner else 'the limit that %s sets itself' % plain(signal.get('name') or 'the program')
    command = command_of(owner, wished) if owner else None
    what = 'raise %s' % name
    if limit:
        what += ' from %s to %s' % (format_size(limit), format_size(wished))
    return make_remedy('program_limit', what, _program_effect(case, limit, wished), command=command)


def _program_effect(case, limit, wished):
    if limit is None:
        return make_effect(UNKNOWN, 'how large that limit is, is not in the log', would_tell=[_FREE])
    return _limit_effect(case, limit, wished)


def user_limits(case):
    """Rows for limits on processes, address space and mappings, which more memory does not lift."""
    rows = []
    kinds = case.kinds()
    if 'pids-limit' in kinds:
        rows.append(_pids(case))
    texts = ' '.join(signal.get('text') or '' for signal in case.told)
    if 'max_map_count' in texts or 'virtual memory areas' in texts:
        rows.append(_map_count(texts))
    if case.limit == 'program' and 'alloc-enomem' in kinds:
        rows.append(make_remedy(
            'ulimit', 'raise the limit on address space (ulimit -v) of who was refused',
            make_effect(UNKNOWN, 'an allocation was refused while the limit of the process is not in the log',
                        would_tell=['ulimit -v', 'grep "Max address space" /proc/PID/limits']),
            command='ulimit -v unlimited'))
    return rows


def _pids(case):
    texts = [signal.get('text') or '' for signal in case.told]
    path = next((match.group(1) for match in map(_PIDS_OF.search, texts) if match), None)
    whom, command = _whose_pids(path, next((signal['unit'] for signal in case.told if signal.get('unit')), None))
    return make_remedy(
        'pids_limit', 'raise the limit on processes of %s, or make what runs there start fewer' % plain(
            whom or 'the unit, container or user'),
        make_effect(UNKNOWN, 'how many processes it allows, and how many ran, is not in the log', would_tell=[
            'cat /sys/fs/cgroup/PATH/pids.max /sys/fs/cgroup/PATH/pids.current', 'ulimit -u',
            'sysctl kernel.pid_max kernel.threads-max']),
        command=command)


def _whose_pids(path, told):
    """(whose limit in words, the command that sets it) of a cgroup's path, or of the unit that is told without one."""
    names = cgroup_names(path)
    unit = unit_of_path(path) if path else told
    # Version 1 has it in a hierarchy of its own, which the line does not tell.
    in_file = 'echo NUMBER > /sys/fs/cgroup%s/pids.max' % path_word(path, '/PATH')
    if is_within_container(parse_cgroup(path)):
        return path, in_file
    if names['pod_uid']:
        return 'pod %s (podPidsLimit of the kubelet)' % names['pod_uid'], 'kubectl describe node NODE'
    if names['container_id'] and names['runtime'] in _ENGINES:
        short = names['container_id'][:12]
        command = '%s update --pids-limit NUMBER %s' % (names['runtime'], word(short, 'CONTAINER'))
        return '%s container %s' % (names['runtime'], short), at_its_engine(path, command) or in_file
    if path and not unit:
        return path, in_file
    return unit, 'systemctl set-property %s TasksMax=NUMBER' % word(unit, 'UNIT')


def _map_count(texts):
    wanted = re.search(r'at least \[(\d{1,10})\]', texts)
    number = wanted.group(1) if wanted else 'NUMBER'
    effect = make_effect(PREVENTS, 'the program says that it needs %s' % number) if wanted else make_effect(
        UNKNOWN, 'how many mappings it needs is not in the log', would_tell=['wc -l /proc/PID/maps'])
    return make_remedy('map_count', 'raise vm.max_map_count', effect, command='sysctl -w vm.max_map_count=%s' % number)
