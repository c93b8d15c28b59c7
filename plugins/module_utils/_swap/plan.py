# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the state of a swap file and a wish to the actions that bring it there, in order. Pure: changes nothing.

An action is {layer, action, detail} and what carrying it out needs. A wish is what ``wish`` below returns.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._node.errors import RescueError
from . import fstab
from . import size as swap_size
from .._node.sizes import SizeError, format_size, parse_size
from .refusals import (
    is_swap,
    managed_by,
    refuse_cgroups,
    refuse_content,
    refuse_directory,
    refuse_disk,
    refuse_kind,
    refuse_missing,
    refuse_path,
    refuse_retiring,
    refuse_unit,
    room_without,
    skipped_reason,
    spare_bytes,
)
from .signature import fits
from .facts import NEW, wanted_label

_MIB = 1 << 20
_SMALLEST = _MIB
_MULTIPLE = re.compile(r'^\s*(\d+(?:\.\d+)?)\s*x\s*ram\s*$', re.IGNORECASE)


def wish(**given):
    """A wish, complete: what is not given is as the module's defaults have it.

    Its parts are the module's options, sizes in bytes, and what an undo asks for: ``mode``, ``uid``, ``gid`` and
    ``label`` of the file, ``fstab_lines`` (with ``persist`` ``lines``), ``exact`` for a size that is no whole number of
    pages. ``claimed`` says that a record of ours is there, ``override`` that the file may have another manager,
    ``tolerated`` that a file which others can read stays so, as when what was there before a failed step is put back.
    """
    result = {
        'state': 'present', 'size': 'auto', 'priority': None, 'discard': None, 'persist': 'fstab', 'active': True,
        'allocate': 'auto', 'reserve_bytes': 512 * _MIB, 'demand_bytes': None, 'expected_peak_bytes': None,
        'override': False, 'claimed': False, 'mode': '0600', 'uid': 0, 'gid': 0, 'label': None, 'fstab_lines': None,
        'exact': False, 'tolerated': False,
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
    """{actions, size, size_bytes, skipped_reason}; raises RescueError where the wish cannot be met safely."""
    if wished['state'] == 'absent':
        skipped = managed_by(state, wished, state['persistence']['unit'])
        return _result([] if skipped else _absent(state, wished), skipped_reason=skipped)
    refuse_path(state)
    skipped = skipped_reason(state, wished)
    if skipped:
        return _result([], skipped_reason=skipped)
    refuse_directory(state)
    refuse_content(state, wished)
    refuse_unit(state, wished)
    size, recommended = _wanted_size(state, wished)
    if size is None:
        reason = '; '.join(recommended['reasons'])
        return _result(_leftovers(state), recommended, None, reason if recommended['shortfall_bytes'] else None)
    actions = _leftovers(state) + _present(state, wished, size)
    return _result(actions, recommended, size)


def _result(actions, size=None, size_bytes=None, skipped_reason=None):
    return {'actions': actions, 'size': size, 'size_bytes': size_bytes, 'skipped_reason': skipped_reason}


def _wanted_size(state, wished):
    """(bytes of the file, None where none is wanted; recommend()'s result or None)."""
    file, page, text = state['file'], state['page_size'], str(wished['size']).strip()
    if text != 'auto':
        size = _explicit_size(state, wished, text)
        return size if wished['exact'] else size // page * page, None
    current = file['size_bytes'] if file['kind'] == 'file' else 0
    held = min(current, file.get('allocated_bytes', 0))
    result = swap_size.recommend(
        state['memory']['total_bytes'], sum(area['size_bytes'] for area in state['other_areas']),
        wished['demand_bytes'], wished['expected_peak_bytes'], spare_bytes(state, wished) + held)
    if current and swap_size.serves(current, result['size_bytes']):
        result['reasons'].append('the file has %s already, and keeps them' % format_size(current))
        return current, result
    return result['size_bytes'] // page * page or None, result


def _explicit_size(state, wished, text):
    multiple = _MULTIPLE.match(text)
    try:
        size = (swap_size.multiple_of_ram(state['memory']['total_bytes'], float(multiple.group(1)))
                if multiple else parse_size(text))
    except SizeError as error:
        raise RescueError('size: %s, auto or a multiple of RAM such as 2xram' % error)
    if size == 0 and wished['claimed']:
        return 0
    if size < _SMALLEST:
        raise RescueError('size: %s is %d bytes, and the smallest swap file is %d bytes (1M)' % (text, size, _SMALLEST))
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
    refuse_disk(state, wished, size)
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
            refuse_retiring(state, size)
        actions.append(dict(_off(helper['path'], helper['area']), retires=True))
        actions.append(action('file', 'remove', 'remove the second area', path=helper['path'], retires=True))
    return actions


def _priority(state, wished):
    if wished['priority'] is not None:
        return wished['priority']
    priorities = [fstab.priority_of(entry) for entry in state['persistence']['entries']]
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
    exposed = None if wished['tolerated'] else file['exposed']
    if exposed and size:
        return {'before': [], 'content': _made_anew(state, wished, size, create)}
    found, wanted = [(of['mode'], of['uid'], of['gid']) for of in (file, wished)]
    if found != wanted and not wished['tolerated']:
        before.append(action(
            'file', 'protect', 'owner %d:%d and mode %s, found %d:%d and %s' % (
                wished['uid'], wished['gid'], wished['mode'], file['uid'], file['gid'], file['mode']),
            path=path, mode=wished['mode'], uid=wished['uid'], gid=wished['gid']))
    label = (wished['label'] or wanted_label(file['label'])) if state['selinux'] else None
    if label and label != file['label']:
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
                              publish=None, size_bytes=size, page_size=page, label=False))
    return {'before': before, 'content': content}


def _made_anew(state, wished, size, create):
    """The steps to a new file: whoever opened the old one would read in it what is swapped out, whatever its mode."""
    file, path = state['file'], state['real_path']
    words = 'make %s anew, %s, mode 0600: others could read it (%s)' % (path, format_size(size), file['exposed'])
    made, published = dict(create[0], detail=words), dict(create[1], kept=file['signature'])
    # To switch it off may take a second area as well.
    if spare_bytes(state, wished) >= size + (file['area'] or {'size_bytes': 0})['size_bytes']:
        return [made, dict(published, over=True)]
    return [action('file', 'remove', 'remove %s, which others could read (%s): the disk has no room for two' % (
        path, file['exposed']), path=path), made, published]


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
        refuse_missing(state, room_without(used + (helper['area'] or {}).get('used_bytes', 0), others, memory), used)
        refuse_cgroups(state, others)
        return []
    if helper['area']:
        others.append(helper['area'])
    refuse_retiring(state, size)
    missing = room_without(used, others, memory)
    if helper['area']:
        refuse_missing(state, missing, used)
        refuse_cgroups(state, others)
        return []
    spare = (spare_bytes(state, wished) - max(0, size - state['file']['size_bytes'])) // page * page
    second = min(area['size_bytes'] + page, spare)
    if second >= _SMALLEST and (second > area['size_bytes'] or second - page >= used + used // 16):
        return _second_area(state, wished, second)
    refuse_missing(state, missing, used, spare)
    refuse_cgroups(state, others)
    return []


def _second_area(state, wished, size):
    path = state['helper']['path']
    return [
        action('file', 'create', 'make a second area of %s for the time being, %s' % (format_size(size), path),
               path=path, size_bytes=size, allocate=_method(state, wished), nocow=state['rule']['nocow'], helper=True),
        action('signature', 'write', 'write the swap signature for %d bytes' % size, path=path, publish=None,
               size_bytes=size, page_size=state['page_size'], label=state['selinux']),
        action('activation', 'on', 'switch %s on' % path, path=path, priority=None, discard=None, size_bytes=size,
               filesystem=state['mount'].get('filesystem')),
    ]


def _persistence(state, wished):
    found = state['persistence']
    text, paths = found['fstab'], [state['real_path'], state['path']]
    edit = {'paths': paths, 'priority': wished['priority'], 'discard': wished['discard'],
            'lines': wished['fstab_lines']}
    persist = wished['persist']
    if persist == 'fstab' and (found['entries'] or not found['unit']):
        new = fstab.with_swap(text, paths, wished['priority'], wished['discard'])
        if new != text:
            words = 'change' if found['entries'] else 'add'
            line = fstab.swap_entries(new, paths)[0]['raw']
            return [action('persistence', words, '%s: %s' % (fstab.PATH, line), edit='with', **edit)]
        if found['systemd_behind']:
            return [action('persistence', 'reload', 'have systemd read %s again' % fstab.PATH, edit=None, **edit)]
    elif persist == 'none' and found['entries']:
        return [action('persistence', 'remove', '%s: %s' % (fstab.PATH, entry['raw']), edit='without', **edit)
                for entry in found['entries'][:1]]
    elif persist == 'lines' and [entry['raw'] for entry in found['entries']] != wished['fstab_lines']:
        return [action('persistence', 'restore', '%s: as it was' % fstab.PATH, edit='lines', **edit)]
    return []


def _absent(state, wished):
    file, helper = state['file'], state['helper']
    refuse_kind(state)
    actions = []
    if file['kind'] == 'file' and not is_swap(state, wished):
        raise RescueError('%s is not swap, and stays as it is: give the path of a swap file' % state['path'])
    active = [found for found in (file, helper) if found['area']]
    used = sum(found['area']['used_bytes'] for found in active)
    if active:
        refuse_missing(state, room_without(used, state['other_areas'], state['memory']), used)
        refuse_cgroups(state, state['other_areas'])
    actions += [_off(found['path'], found['area']) for found in active]
    actions += _persistence(state, wished if wished['persist'] == 'lines' else dict(wished, persist='none'))
    if file['kind'] == 'file':
        actions.append(action('file', 'remove', 'remove %s, %s' % (file['path'], format_size(file['size_bytes'])),
                              path=file['path']))
    if helper['area']:
        actions.append(action('file', 'remove', 'remove the second area', path=helper['path']))
    return actions + _leftovers(state)
