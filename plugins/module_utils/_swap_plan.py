# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the state of a swap file and a wish to the actions that bring it there, in order. Pure: changes nothing.

An action is {layer, action, detail} and what carrying it out needs. A wish is what ``wish`` below returns.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from . import _fstab, _swap_size
from ._sizes import SizeError, format_size, parse_size
from ._swap_managers import manager_of
from ._swap_signature import fits
from ._swap_state import NEW, wanted_label

_MIB = 1 << 20
_SMALLEST = _MIB
_MULTIPLE = re.compile(r'^\s*(\d+(?:\.\d+)?)\s*x\s*ram\s*$', re.IGNORECASE)


class SwapError(Exception):
    """What was asked cannot be done; the text is one line that says why, and what to do."""


def wish(**given):
    """A wish, complete: what is not given is as the module's defaults have it."""
    result = {
        'state': 'present', 'size': 'auto', 'priority': None, 'discard': None, 'persist': 'fstab', 'active': True,
        'allocate': 'auto', 'reserve_bytes': 512 * _MIB, 'demand_bytes': None, 'expected_peak_bytes': None,
        'override': False, 'claimed': False, 'mode': '0600', 'uid': 0, 'gid': 0, 'fstab_lines': None,
        'exact': False,
    }
    unknown = set(given) - set(result)
    if unknown:
        raise TypeError('no part of a wish: %s' % ', '.join(sorted(unknown)))
    result.update(given)
    return result


def action(layer, name, detail, **arguments):
    """One step of a plan."""
    return dict(arguments, layer=layer, action=name, detail=detail)


def plan(state, wished):
    """{actions, size, size_bytes, skipped_reason}; raises SwapError where the wish cannot be met safely."""
    if wished['state'] == 'absent':
        return _result(_absent(state, wished))
    _refuse_path(state)
    skipped = _skipped_reason(state, wished)
    if skipped:
        return _result([], skipped_reason=skipped)
    _refuse_directory(state)
    _refuse_content(state, wished)
    size, recommended = _wanted_size(state, wished)
    if size is None:
        reason = '; '.join(recommended['reasons'])
        return _result(_leftovers(state), recommended, None, reason if recommended['shortfall_bytes'] else None)
    actions = _leftovers(state) + _present(state, wished, size)
    return _result(actions, recommended, size)


def _result(actions, size=None, size_bytes=None, skipped_reason=None):
    return {'actions': actions, 'size': size, 'size_bytes': size_bytes, 'skipped_reason': skipped_reason}


def margin(memory):
    """RAM that has to stay available when a swap area's pages come back into it."""
    return max(64 * _MIB, memory['total_bytes'] // 16)


def room_without(area_used, other_areas, memory):
    """How many bytes are missing to switch off areas that hold ``area_used``; negative where there is room to spare."""
    room = memory['available_bytes'] - margin(memory) if area_used else 0
    return area_used - max(0, room) - sum(area['size_bytes'] - area['used_bytes'] for area in other_areas)


def _refuse_path(state):
    path, directory = state['path'], state['directory']
    if not directory['exists']:
        raise SwapError('%s: the directory %s does not exist: make it, or give another path'
                        % (path, directory['path']))
    _refuse_kind(state)


def _refuse_directory(state):
    path, place = state['path'], state['directory']['world_writable']
    if place:
        raise SwapError('%s: anybody may write to %s, and could put another file in the place of the swap file: give a '
                        'path in a directory that only root can write to' % (path, place))


def _refuse_kind(state):
    for file in (state['file'], state['new'], state['helper']):
        if file['kind'] not in ('missing', 'file'):
            raise SwapError('%s is a %s, and a swap file has to be a regular file: give another path'
                            % (file['path'], file['kind']))
        if file['kind'] == 'file' and file['links'] > 1:
            raise SwapError('%s has %d hard links, and a swap file has to have one: give another path, or remove the '
                            'other names' % (file['path'], file['links']))


def _refuse_content(state, wished):
    file = state['file']
    if file['kind'] == 'file' and file['size_bytes'] and not _is_swap(state, wished):
        raise SwapError('%s is a file of %s that is not swap, and stays as it is: give another path, or remove the file'
                        % (state['path'], format_size(file['size_bytes'])))


def _is_swap(state, wished):
    # Without a signature it still is where something says so: fstab, the kernel, or our own record of it.
    return bool(state['file']['signature'] or state['file']['area'] or state['persistence']['entries']
                or wished['claimed'])


def _skipped_reason(state, wished):
    """Why this host is what stands in the way; None where nothing does. Raises where the path does."""
    mount, refusal = state['mount'], state['rule']['refusal']
    if not refusal and mount.get('read_only'):
        refusal = 'it is mounted read-only'
    if refusal:
        text = '%s: no swap file can be on %s (%s): %s' % (
            state['path'], mount.get('mount_point'), mount.get('filesystem'), refusal)
        if mount.get('mount_point') == '/':
            return text + '; make the swap on the machine that runs this, or give a path on a disk filesystem'
        raise SwapError(text + '; give a path on a disk filesystem')
    if wished['active'] and not state['file']['area'] and state['swapon_refusal']:
        return ('%s: the kernel does not let this process switch swap on (%s), as in a container without '
                'CAP_SYS_ADMIN: make the swap on the host that runs it' % (state['path'], state['swapon_refusal']))
    manager = manager_of(state['managers'], state['real_path'])
    if manager and not wished['override']:
        return '%s is managed by %s (%s): change it there, or set conflicts to override' % (
            state['path'], manager['name'], manager['config'])
    return None


def _spare(state, wished):
    """What the disk can give, with what leftovers of a stopped run hold, without the reserve."""
    leftovers = sum(file.get('allocated_bytes', 0) for file in (state['new'], state['helper']) if not file['area'])
    return state['disk']['available_bytes'] + leftovers - wished['reserve_bytes']


def _wanted_size(state, wished):
    """(bytes of the file, None where none is wanted; recommend()'s result or None)."""
    file, page, text = state['file'], state['page_size'], str(wished['size']).strip()
    if text != 'auto':
        size = _explicit_size(state, wished, text)
        return size if wished['exact'] else size // page * page, None
    current = file['size_bytes'] if file['kind'] == 'file' else 0
    held = min(current, file.get('allocated_bytes', 0))
    result = _swap_size.recommend(
        state['memory']['total_bytes'], sum(area['size_bytes'] for area in state['other_areas']),
        wished['demand_bytes'], wished['expected_peak_bytes'], _spare(state, wished) + held)
    if current and _swap_size.serves(current, result['size_bytes']):
        result['reasons'].append('the file has %s already, and keeps them' % format_size(current))
        return current, result
    return result['size_bytes'] // page * page or None, result


def _explicit_size(state, wished, text):
    multiple = _MULTIPLE.match(text)
    try:
        size = (_swap_size.multiple_of_ram(state['memory']['total_bytes'], float(multiple.group(1)))
                if multiple else parse_size(text))
    except SizeError as error:
        raise SwapError('size: %s, auto or a multiple of RAM such as 2xram' % error)
    if size == 0 and wished['claimed']:
        return 0
    if size < _SMALLEST:
        raise SwapError('size: %s is %d bytes, and the smallest swap file is %d bytes (1M)' % (text, size, _SMALLEST))
    return size


def _leftovers(state):
    actions = []
    for file, words in ((state['new'], 'the unfinished file'), (state['helper'], 'the unused second area')):
        if file['kind'] == 'file' and not file['area']:
            actions.append(action('file', 'remove', 'remove %s of a stopped run, %s' % (words, file['path']),
                                  path=file['path']))
    return actions


def _present(state, wished, size):
    file, helper = state['file'], state['helper']
    path = state['real_path']
    actions, on = [], bool(file['area'])
    _refuse_disk(state, wished, size)
    changes = _file_changes(state, wished, size)
    if on and _must_go_off(state, wished, size, changes):
        actions += _ways_off(state, wished, size)
        actions.append(_off(path, file['area']))
        on = False
    actions += changes['before'] + (changes['content'] if not on else [])
    if wished['active'] and not on and size:
        actions.append(action('activation', 'on', 'switch %s on' % path, path=path, discard=wished['discard'],
                              priority=_priority(state, wished), size_bytes=size,
                              filesystem=state['mount'].get('filesystem')))
    actions += _persistence(state, wished)
    if helper['area'] or any(step.get('helper') for step in actions):
        if helper['area']:
            _refuse_retiring(state, size)
        actions.append(dict(_off(helper['path'], helper['area']), retires=True))
        actions.append(action('file', 'remove', 'remove the second area', path=helper['path'], retires=True))
    return actions


def _priority(state, wished):
    if wished['priority'] is not None:
        return wished['priority']
    priorities = [_fstab.priority_of(entry) for entry in state['persistence']['entries']]
    return priorities[0] if priorities else None


def _method(state, wished):
    return 'write' if wished['allocate'] == 'auto' and state['rule']['allocate'] == 'write' else wished['allocate']


def _file_changes(state, wished, size):
    """{before: steps that an active area bears, content: steps that only an inactive file may have}."""
    file, page, path, rule = state['file'], state['page_size'], state['real_path'], state['rule']
    method = _method(state, wished)
    create = [
        action('file', 'create', 'make %s, %s, mode 0600' % (path, format_size(size)), path=path + NEW,
               size_bytes=size, allocate=method, nocow=rule['nocow']),
        action('signature', 'write', 'write the swap signature for %d bytes' % size, path=path + NEW, publish=path,
               size_bytes=size, page_size=page, label=state['selinux']),
    ]
    if file['kind'] == 'missing':
        return {'before': [], 'content': create}
    before = []
    if (file['mode'], file['uid'], file['gid']) != (wished['mode'], wished['uid'], wished['gid']):
        before.append(action(
            'file', 'protect', 'owner %d:%d and mode %s, found %d:%d and %s' % (
                wished['uid'], wished['gid'], wished['mode'], file['uid'], file['gid'], file['mode']),
            path=path, mode=wished['mode'], uid=wished['uid'], gid=wished['gid']))
    label = wanted_label(file['label']) if state['selinux'] else None
    if label:
        before.append(action('file', 'label', 'SELinux label %s, found %s' % (label, file['label']), path=path,
                             label=label))
    content = []
    if (rule['nocow'] and file['nocow'] is False or file['flaws']) and size and not file['area']:
        words = ', '.join(file['flaws']) or 'copy on write'
        content.append(action('file', 'remove', 'remove %s, which the kernel would refuse: %s' % (path, words),
                              path=path))
        return {'before': [], 'content': content + create}
    if size < file['size_bytes']:
        content.append(action('file', 'shrink', 'from %s to %s' % (format_size(file['size_bytes']), format_size(size)),
                              path=path, size_bytes=size))
    elif size > file['size_bytes'] or file['hole_bytes']:
        start = 0 if file['hole_bytes'] else file['size_bytes']
        words = ('fill %s of holes' % format_size(file['hole_bytes']) if file['hole_bytes'] else 'grow')
        content.append(action('file', 'grow' if size > file['size_bytes'] else 'fill', '%s: from %s to %s' % (
            words, format_size(file['size_bytes']), format_size(size)), path=path, start=start,
            old_size_bytes=file['size_bytes'], size_bytes=size, allocate=method))
    if size and (content or not fits(file['signature'], size, page)):
        content.append(action('signature', 'write', 'write the swap signature for %d bytes' % size, path=path,
                              publish=None, size_bytes=size, page_size=page))
    return {'before': before, 'content': content}


def _must_go_off(state, wished, size, changes):
    area = state['file']['area']
    if not wished['active'] or changes['content'] or not size:
        return True
    return wished['priority'] is not None and wished['priority'] != area['priority']


def _off(path, area):
    used = ', %s of it in use' % format_size(area['used_bytes']) if area and area['used_bytes'] else ''
    return action('activation', 'off', 'switch %s off%s' % (path, used), path=path)


def _ways_off(state, wished, size):
    """The steps that make it safe to switch the active file off for a moment, or for good."""
    area, helper, memory, page = state['file']['area'], state['helper'], state['memory'], state['page_size']
    used, others = area['used_bytes'], list(state['other_areas'])
    if not wished['active'] or not size:
        _refuse_missing(state, room_without(used + (helper['area'] or {}).get('used_bytes', 0), others, memory), used)
        _refuse_cgroups(state, others)
        return []
    if helper['area']:
        others.append(helper['area'])
    _refuse_retiring(state, size)
    missing = room_without(used, others, memory)
    if helper['area']:
        _refuse_missing(state, missing, used)
        _refuse_cgroups(state, others)
        return []
    spare = (_spare(state, wished) - max(0, size - state['file']['size_bytes'])) // page * page
    second = min(area['size_bytes'] + page, spare)
    if second >= _SMALLEST and (second > area['size_bytes'] or second - page >= used + used // 16):
        return _second_area(state, wished, second)
    _refuse_missing(state, missing, used, spare)
    _refuse_cgroups(state, others)
    return []


def _second_area(state, wished, size):
    path = state['helper']['path']
    return [
        action('file', 'create', 'make a second area of %s for the time being, %s' % (format_size(size), path),
               path=path, size_bytes=size, allocate=_method(state, wished), nocow=state['rule']['nocow'], helper=True),
        action('signature', 'write', 'write the swap signature for %d bytes' % size, path=path, publish=None,
               size_bytes=size, page_size=state['page_size']),
        action('activation', 'on', 'switch %s on' % path, path=path, priority=None, discard=None, size_bytes=size,
               filesystem=state['mount'].get('filesystem')),
    ]


def _refuse_retiring(state, size):
    """What is swapped out has to fit the file as it will be, where there is one more area to give back."""
    used = sum(file['area']['used_bytes'] for file in (state['file'], state['helper']) if file['area'])
    future = {'size_bytes': max(0, size - state['page_size']), 'used_bytes': 0}
    missing = room_without(used, state['other_areas'] + [future], state['memory'])
    if missing > 0:
        raise SwapError('%s: with %s of swap there, what is swapped out (%d bytes) does not fit: %d bytes are missing; '
                        'give a larger size, or stop what uses the memory'
                        % (state['path'], format_size(size), used, missing))


def _refuse_missing(state, missing, used, spare=None):
    if missing > 0:
        disk = '' if spare is None else ', nor can the disk hold a second area (%d bytes to spare)' % max(0, spare)
        raise SwapError(
            '%s: switching it off would need room for %d bytes that are swapped out: RAM (%d bytes available, of '
            'which %d stay free) and other swap cannot take them, %d bytes are missing%s; stop what uses the memory, '
            'or add swap first' % (state['path'], used, state['memory']['available_bytes'], margin(state['memory']),
                                   missing, disk))


def _refuse_cgroups(state, others):
    missing = sum(group['missing_bytes'] for group in state['cgroups'])
    if missing > sum(area['size_bytes'] - area['used_bytes'] for area in others):
        worst = state['cgroups'][0]
        raise SwapError(
            '%s: switching it off would have the kernel kill in the cgroup %s, whose memory limit leaves no room for '
            '%d bytes that it has swapped out: raise that limit, stop what runs there, or add swap first' % (
                state['path'], worst['path'], worst['missing_bytes']))


def _refuse_disk(state, wished, size):
    needed = size - (min(state['file']['size_bytes'], state['file']['allocated_bytes'])
                     if state['file']['kind'] == 'file' else 0)
    spare = _spare(state, wished)
    if needed > 0 and needed > spare:
        raise SwapError(
            '%s: no room for %s: %d bytes are needed, %d are available on %s, of which %d stay free (reserve): give a '
            'smaller size or reserve, or a path on another disk' % (
                state['path'], format_size(size), needed, spare + wished['reserve_bytes'],
                state['mount'].get('mount_point'), wished['reserve_bytes']))


def _persistence(state, wished):
    found = state['persistence']
    text, paths = found['fstab'], [state['path'], state['real_path']]
    edit = {'paths': paths, 'priority': wished['priority'], 'discard': wished['discard'],
            'lines': wished['fstab_lines']}
    persist = wished['persist']
    if persist == 'fstab' and (found['entries'] or not found['unit']):
        new = _fstab.with_swap(text, paths, wished['priority'], wished['discard'])
        if new != text:
            words = 'change' if found['entries'] else 'add'
            line = _fstab.swap_entries(new, paths)[0]['raw']
            return [action('persistence', words, '%s: %s' % (_fstab.PATH, line), edit='with', **edit)]
        if found['systemd_behind']:
            return [action('persistence', 'reload', 'have systemd read %s again' % _fstab.PATH, edit=None, **edit)]
    elif persist == 'none' and found['entries']:
        return [action('persistence', 'remove', '%s: %s' % (_fstab.PATH, entry['raw']), edit='without', **edit)
                for entry in found['entries'][:1]]
    elif persist == 'lines' and [entry['raw'] for entry in found['entries']] != wished['fstab_lines']:
        return [action('persistence', 'restore', '%s: as it was' % _fstab.PATH, edit='lines', **edit)]
    return []


def _absent(state, wished):
    file, helper = state['file'], state['helper']
    _refuse_kind(state)
    actions = []
    if file['kind'] == 'file' and not _is_swap(state, wished):
        raise SwapError('%s is not swap, and stays as it is: give the path of a swap file' % state['path'])
    active = [found for found in (file, helper) if found['area']]
    used = sum(found['area']['used_bytes'] for found in active)
    if active:
        _refuse_missing(state, room_without(used, state['other_areas'], state['memory']), used)
        _refuse_cgroups(state, state['other_areas'])
    actions += [_off(found['path'], found['area']) for found in active]
    actions += _persistence(state, wished if wished['persist'] == 'lines' else dict(wished, persist='none'))
    if file['kind'] == 'file':
        actions.append(action('file', 'remove', 'remove %s, %s' % (file['path'], format_size(file['size_bytes'])),
                              path=file['path']))
    if helper['area']:
        actions.append(action('file', 'remove', 'remove the second area', path=helper['path']))
    return actions + _leftovers(state)
