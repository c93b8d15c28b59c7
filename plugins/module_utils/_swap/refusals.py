# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the way of a swap file: the path, what is there already, the host, the disk, the memory. Pure.

``facts`` is what read_facts() returns, ``wished`` a wish of plan.py.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._files.errors import RescueError
from .._files.sizes import format_size
from .._forbids import forbids
from .._forbids.swap_managers import manager_of
from . import fstab
from .size import free_bytes, margin, missing_on_disk, room_without, spare_bytes

_GIVE_DISK = 'give a path on a disk filesystem'


def refusals(facts, wished, planned=None):
    """[RescueError]: what forbids a wish, in the order in which to tell it.

    ``planned`` is {size: the file's bytes or None, way: of way_off() or None}; without it only what is wrong with the
    path is told, which comes before what this host cannot do.
    """
    errors = [check(facts, wished) for check in _OF_THE_PATH]
    if planned is not None:
        errors += [check(facts, wished) for check in _OF_WHAT_IS_THERE]
        errors += [check(facts, wished, planned['size'], planned['way']) for check in _OF_THE_PLAN]
    return [error for error in errors if error is not None]


def skipped_reason(facts, wished):
    """The reason why this host, and not the wish, stands in the way; None if nothing does."""
    if wished['state'] == 'absent':
        return (_anothers(facts, wished) or _image_in(facts, wished)
                or _managed_by(facts, wished, _unit_of_others(facts)))
    refusal = _filesystem_refuses(facts)
    if refusal:
        return '%s: %s; make the swap on the machine that runs this, or %s' % (facts['path'], refusal, _GIVE_DISK)
    if wished['active'] and not facts['file']['area'] and facts['swapon_refusal']:
        return ('%s: the kernel does not let this process switch swap on (%s), as in a container without '
                'CAP_SYS_ADMIN, or where as many areas as the kernel takes are in use: make the swap on the host that '
                'runs it, or take away another area' % (facts['path'], facts['swapon_refusal']))
    # What forbids an area to be on; a file that is to be off, and one that is as it should be at boot, harm nobody.
    left_out = ['container', 'hibernation'] + ['btrfs-snapshots'] * bool(facts['file']['area'] or wished['claimed'])
    entries = [entry for entry in facts['forbidden'] if entry['id'] not in left_out] + _takes_a_partition(facts, wished)
    return _managed_by(facts, wished) or forbids.said(forbids.not_overridden(entries, wished['override']))


def _takes_a_partition(facts, wished):
    """A line of fstab that was asked for outright, beside a partition that systemd turns on while fstab has no swap."""
    if wished['persist'] != 'fstab' or not facts['gpt_swap']:
        return []
    return [{'id': 'gpt-auto', 'where': fstab.PATH, 'text':
             'systemd turns a swap partition on by itself while %s has no swap, and would no longer: leave persist at '
             'auto, or give the partition its line too' % fstab.PATH}]


def _managed_by(facts, wished, unit=None):
    """Why the file is left to another program, or to a ``.swap`` unit's file if one is given; None if it is not."""
    manager = manager_of(facts['managers'], facts['real_path']) or unit and {'name': 'systemd', 'config': unit}
    if not manager or manager['name'] in wished['override']:
        return None
    return '%s is managed by %s (%s): change it there, or set conflicts to override' % (
        facts['path'], manager['name'], manager['config'])


def _anothers(facts, wished):
    """Why a file is left that took the name of the one that we left: another inode, and another UUID."""
    ours, file = wished['left_file'], facts['file']
    if not ours or file['kind'] != 'file' or file['inode'] == ours['inode']:
        return None
    if ours['uuid'] and (file['signature'] or {}).get('uuid') == ours['uuid']:
        return None
    return '%s is another file than the one that was made here, and stays as it is, with its line in %s' % (
        facts['path'], fstab.PATH)


def _image_in(facts, wished):
    """Why a file that this host would wake up from stays as it is; None if it holds no image, or is let go."""
    if 'hibernation' in wished['override'] or facts['file']['kind'] != 'file':
        return None
    if (facts['file']['signature'] or {}).get('suspended'):
        return ('%s holds the image of a hibernated system, and stays as it is: boot that system, or give '
                'override=hibernation to lose it' % facts['path'])
    return forbids.said([entry for entry in facts['forbidden'] if entry['id'] == 'hibernation'])


def keeps_image(facts, wished, actions):
    """Why actions that write to a file are not done: the host would wake up from it. None if they may be."""
    touched = [action for action in actions if action['layer'] in ('file', 'signature')
               and facts['real_path'] in (action.get('path'), action.get('publish')) and action['action'] != 'protect']
    return _image_in(facts, wished) if touched else None


def _filesystem_refuses(facts):
    mount, refusal = facts['mount'], facts['rule']['refusal']
    if not refusal and mount.get('read_only'):
        refusal = 'it is mounted read-only'
    return refusal and 'no swap file can be on %s (%s): %s' % (
        mount.get('mount_point'), mount.get('filesystem'), refusal)


def _no_directory(facts, wished):
    directory = facts['directory']
    if wished['state'] == 'absent' or directory['exists']:
        return None
    return RescueError('the directory {value} does not exist', path=facts['path'], value=directory['path'],
                       next_step='make it, or give another path')


def _no_regular_file(facts, _wished):
    for file in (facts['file'], facts['new'], facts['helper']):
        if file['kind'] not in ('missing', 'file'):
            return RescueError('{path} is a {value}, and a swap file has to be {allowed}', path=file['path'],
                               value=file['kind'], allowed='a regular file', next_step='give another path')
    return None


def _no_disk_filesystem(facts, wished):
    refusal = _filesystem_refuses(facts)
    if wished['state'] == 'absent' or not refusal or facts['mount'].get('mount_point') == '/':
        return None
    return RescueError(refusal, facts['path'], facts['mount'].get('filesystem'), 'a disk filesystem', _GIVE_DISK)


def _others_may_write(facts, wished):
    others = facts['directory']['others']
    if wished['state'] == 'absent' or not others:
        return None
    allowed = 'a directory that only root can write to'
    return RescueError('{value}, and could put another file in the place of the swap file', path=facts['path'],
                       value=others, allowed=allowed, next_step='give a path in ' + allowed)


def _not_swap(facts, wished):
    file, absent = facts['file'], wished['state'] == 'absent'
    if file['kind'] != 'file' or is_swap(facts, wished) or not (absent or file['size_bytes']):
        return None
    if absent:
        return RescueError('{path} is not swap, and stays as it is', path=facts['path'], allowed='a swap file',
                           next_step='give the path of a swap file')
    return RescueError('{path} is {value}, and stays as it is', path=facts['path'],
                       value='a file of %s that is not swap' % format_size(file['size_bytes']),
                       allowed='a swap file, or no file',
                       next_step='give another path, or remove the file')


def is_swap(facts, wished):
    """True if the file is a swap file, also without a signature: the kernel, fstab, or our own record may say so.

    Of a file that we made the first KiB is zeros (the boot bits of the header): what else stands there now under its
    name is not ours.
    """
    file = facts['file']
    return bool(file['signature'] or file['area'] or facts['persistence']['entries']
                or wished['claimed'] and file['starts_blank'])


def _unit_of_others(facts):
    """The file of a ``.swap`` unit that is not ours, or None."""
    unit, own = facts['persistence']['unit'], facts['persistence']['own_unit']
    return None if own['ours'] and unit == own['path'] else unit


def _no_systemd(facts, wished):
    if wished['state'] == 'absent' or wished['persist'] != 'systemd' or facts['persistence']['systemd']:
        return None
    return RescueError('persist is {value}, and another init starts this host', path=facts['path'], value='systemd',
                       allowed='fstab, none or auto', next_step='leave persist at auto')


def _unit_in_the_way(facts, wished):
    persistence = facts['persistence']
    if wished['state'] == 'absent' or wished['persist'] != 'systemd' or persistence['own_unit']['text'] is None:
        return None
    if persistence['own_unit']['ours'] or persistence['unit']:
        return None
    return RescueError('{path} is there, was not made by this module, and no boot starts it',
                       path=persistence['own_unit']['path'],
                       next_step='enable or remove that unit, or set persist to fstab')


def _unit_persists(facts, wished):
    unit = _unit_of_others(facts)
    if wished['state'] == 'absent' or wished['persist'] != 'none' or not unit:
        return None
    return RescueError('persist is none, and the unit {value} activates the file at boot', path=facts['path'],
                       value=unit, next_step='disable that unit, or leave persist at fstab')


def _disk_full(facts, wished, size, _way):
    needed = missing_on_disk(facts, size) if size is not None else 0
    spare = spare_bytes(facts, wished) if needed > 0 else 0
    if needed <= max(0, spare):
        return None
    return RescueError(
        'no room for %s: %d bytes are needed, {value} are available on %s, of which %d stay free (reserve)' % (
            format_size(size), needed, facts['mount'].get('mount_point'), wished['reserve_bytes']), facts['path'],
        spare + wished['reserve_bytes'], needed + wished['reserve_bytes'],
        'give a smaller size or reserve, or a path on another disk')


def _does_not_fit(facts, _wished, size, way):
    """What is swapped out has to fit the file as it will be, if there is one more area to give back."""
    files = [file for file in (facts['file'], facts['helper']) if file['area']]
    if size is None or not (facts['helper']['area'] or way and not way['for_good']):
        return None
    used = sum(file['area']['used_bytes'] for file in files)
    future = {'size_bytes': max(0, size - facts['page_size']), 'used_bytes': 0}
    missing = room_without(used, facts['other_areas'] + [future], facts['room_in_ram'])
    if missing <= 0:
        return None
    return RescueError('with {value} of swap there, what is swapped out (%d bytes) does not fit, %d bytes are missing'
                       % (used, missing), facts['path'], format_size(size),
                       next_step='give a larger size, or stop what uses the memory')


def _nowhere_to_go(facts, _wished, _size, way):
    if not way or way['second_bytes'] or way['missing_bytes'] <= 0:
        return None
    spare, room_in_ram = way['spare_bytes'], facts['room_in_ram']
    disk = '' if spare is None else ', nor can the disk hold a second area (%d bytes to spare)' % max(0, spare)
    return RescueError(
        'switching it off would need room for %d bytes that are swapped out: RAM ({value} bytes available, of which '
        '%d stay free) and other swap cannot take them, %d bytes are missing%s' % (
            way['used_bytes'], margin(room_in_ram), way['missing_bytes'], disk),
        facts['path'], room_in_ram['available_bytes'], next_step='stop what uses the memory, or add swap first')


def _cgroup_would_kill(facts, _wished, _size, way):
    missing = sum(group['missing_bytes'] for group in facts['cgroups'])
    if not way or way['second_bytes'] or missing <= free_bytes(way['others']):
        return None
    worst = facts['cgroups'][0]
    return RescueError(
        'switching it off would have the kernel kill in the cgroup %s, whose memory limit leaves no room for {value} '
        'bytes that it has swapped out' % worst['path'], facts['path'], worst['missing_bytes'],
        next_step='raise that limit, stop what runs there, or add swap first')


_OF_THE_PATH = (_no_directory, _no_regular_file, _no_disk_filesystem, _no_systemd)
_OF_WHAT_IS_THERE = (_others_may_write, _not_swap, _unit_persists, _unit_in_the_way)
_OF_THE_PLAN = (_disk_full, _does_not_fit, _nowhere_to_go, _cgroup_would_kill)
