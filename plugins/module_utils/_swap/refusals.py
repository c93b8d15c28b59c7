# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the way of a swap file: the path, what is there already, the host, the disk, the memory. Pure.

``state`` is what facts.read() returns, ``wished`` a wish of plan.py. Each refusal raises RescueError.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._node.errors import RescueError
from .._node.sizes import format_size
from .managers import manager_of

_MIB = 1 << 20


def margin(memory):
    """RAM that has to stay available when a swap area's pages come back into it."""
    return max(64 * _MIB, memory['total_bytes'] // 16)


def room_without(area_used, other_areas, memory):
    """How many bytes are missing to switch off areas that hold ``area_used``; negative where there is room to spare."""
    room = memory['available_bytes'] - margin(memory) if area_used else 0
    return area_used - max(0, room) - _free(other_areas)


def _free(areas):
    # What zram takes it keeps in RAM.
    return sum(area['size_bytes'] - area['used_bytes'] for area in areas if area.get('type') != 'zram')


def refuse_path(state):
    path, directory = state['path'], state['directory']
    if not directory['exists']:
        raise RescueError('%s: the directory %s does not exist: make it, or give another path'
                        % (path, directory['path']))
    refuse_kind(state)


def refuse_directory(state):
    others = state['directory']['others']
    if others:
        raise RescueError('{found}, and could put another file in the place of the swap file', state['path'], others,
                          'a directory that only root can write to',
                          'give a path in a directory that only root can write to')


def refuse_kind(state):
    for file in (state['file'], state['new'], state['helper']):
        if file['kind'] not in ('missing', 'file'):
            raise RescueError('%s is a %s, and a swap file has to be a regular file: give another path'
                            % (file['path'], file['kind']))


def refuse_content(state, wished):
    file = state['file']
    if file['kind'] == 'file' and file['size_bytes'] and not is_swap(state, wished):
        raise RescueError('{path} is {found}, and stays as it is', state['path'],
                          'a file of %s that is not swap' % format_size(file['size_bytes']), 'a swap file, or no file',
                          'give another path, or remove the file')


def is_swap(state, wished):
    """Whether the file is a swap file, also without a signature: the kernel, fstab, or our own record may say so.

    Of a file that we made the first KiB is zeros (the boot bits of the header): what else stands there now under its
    name is not ours.
    """
    file = state['file']
    return bool(file['signature'] or file['area'] or state['persistence']['entries']
                or wished['claimed'] and file['starts_blank'])


def skipped_reason(state, wished):
    """Why this host is what stands in the way; None where nothing does. Raises where the path does."""
    mount, refusal = state['mount'], state['rule']['refusal']
    if not refusal and mount.get('read_only'):
        refusal = 'it is mounted read-only'
    if refusal:
        text = '%s: no swap file can be on %s (%s): %s' % (
            state['path'], mount.get('mount_point'), mount.get('filesystem'), refusal)
        if mount.get('mount_point') == '/':
            return text + '; make the swap on the machine that runs this, or give a path on a disk filesystem'
        raise RescueError(text + '; give a path on a disk filesystem')
    if wished['active'] and not state['file']['area'] and state['swapon_refusal']:
        return ('%s: the kernel does not let this process switch swap on (%s), as in a container without '
                'CAP_SYS_ADMIN, or where as many areas as the kernel takes are in use: make the swap on the host that '
                'runs it, or take away another area' % (state['path'], state['swapon_refusal']))
    return managed_by(state, wished)


def managed_by(state, wished, unit=None):
    """Why the file is left to another program, or to a ``.swap`` unit's file where one is given; None where not."""
    manager = manager_of(state['managers'], state['real_path']) or unit and {'name': 'systemd', 'config': unit}
    if not manager or wished['override']:
        return None
    return '%s is managed by %s (%s): change it there, or set conflicts to override' % (
        state['path'], manager['name'], manager['config'])


def refuse_unit(state, wished):
    unit = state['persistence']['unit']
    if wished['persist'] == 'none' and unit:
        raise RescueError('persist is none, and the unit {found} activates the file at boot', state['path'], unit,
                          next_step='disable that unit, or leave persist at fstab')


def spare_bytes(state, wished):
    """What the disk can give, with what leftovers of a stopped run hold, without the reserve."""
    leftovers = sum(file.get('allocated_bytes', 0) for file in (state['new'], state['helper']) if not file['area'])
    return state['disk']['available_bytes'] + leftovers - wished['reserve_bytes']


def refuse_retiring(state, size):
    """What is swapped out has to fit the file as it will be, where there is one more area to give back."""
    used = sum(file['area']['used_bytes'] for file in (state['file'], state['helper']) if file['area'])
    future = {'size_bytes': max(0, size - state['page_size']), 'used_bytes': 0}
    missing = room_without(used, state['other_areas'] + [future], state['memory'])
    if missing > 0:
        raise RescueError('with %s of swap there, what is swapped out (%d bytes) does not fit, %d bytes are missing'
                          % (format_size(size), used, missing), state['path'],
                          next_step='give a larger size, or stop what uses the memory')


def refuse_missing(state, missing, used, spare=None):
    if missing > 0:
        disk = '' if spare is None else ', nor can the disk hold a second area (%d bytes to spare)' % max(0, spare)
        raise RescueError(
            '%s: switching it off would need room for %d bytes that are swapped out: RAM (%d bytes available, of '
            'which %d stay free) and other swap cannot take them, %d bytes are missing%s; stop what uses the memory, '
            'or add swap first' % (state['path'], used, state['memory']['available_bytes'], margin(state['memory']),
                                   missing, disk))


def refuse_cgroups(state, others):
    missing = sum(group['missing_bytes'] for group in state['cgroups'])
    if missing > _free(others):
        worst = state['cgroups'][0]
        raise RescueError(
            '%s: switching it off would have the kernel kill in the cgroup %s, whose memory limit leaves no room for '
            '%d bytes that it has swapped out: raise that limit, stop what runs there, or add swap first' % (
                state['path'], worst['path'], worst['missing_bytes']))


def refuse_disk(state, wished, size):
    needed = size - (min(state['file']['size_bytes'], state['file']['allocated_bytes'])
                     if state['file']['kind'] == 'file' else 0)
    spare = spare_bytes(state, wished)
    if needed > 0 and needed > spare:
        raise RescueError(
            '%s: no room for %s: %d bytes are needed, %d are available on %s, of which %d stay free (reserve): give a '
            'smaller size or reserve, or a path on another disk' % (
                state['path'], format_size(size), needed, spare + wished['reserve_bytes'],
                state['mount'].get('mount_point'), wished['reserve_bytes']))
