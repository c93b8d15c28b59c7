# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a plan from the facts of a swap file and a wish: the actions that bring it there, in order. Pure.

A wish is what ``wish`` below returns. Its size becomes bytes once, in size.py; from there it goes into the actions.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._files.errors import RescueError
from .._files.sizes import SizeError, format_size, parse_size
from .._forbids import overrides, swap_managers
from . import fstab, steps, unit
from .facts import summary
from .refusals import keeps_image, refusals, skipped_reason
from .size import wanted

_MIB = 1 << 20
# Of what is put back, nothing is refused.
_ALL = overrides.IDS + swap_managers.NAMES
# A user's undo says that an image is lost before it is.
OF_AN_UNDO = tuple(name for name in _ALL if name != 'hibernation')


def wish(**given):
    """A complete wish: what is not given has the module's default.

    Its parts are the module's options, sizes in bytes, and what an undo asks for: ``mode``, ``uid``, ``gid`` and
    ``label`` of the file, ``fstab_lines``, ``fstab_above`` and ``unit_text`` (with ``persist`` ``lines``),
    ``left_file``, the identity() of the file that we left, ``subvolume`` for the one that we made for it, ``exact`` for
    a size that is no whole number of pages. ``claimed`` is true if there is a record of ours, ``beside_bytes`` is the
    swap that other files of the same run still get, ``override`` has the ids of overrides.IDS that are lifted,
    ``tolerated`` is true if a file which others can read stays so, as when what was there before a failed step is put
    back.
    """
    result = {
        'state': 'present', 'size': 'auto', 'priority': None, 'discard': None, 'persist': 'auto', 'active': True,
        'allocate': 'auto', 'reserve_bytes': 512 * _MIB, 'demand_bytes': None, 'expected_peak_bytes': None,
        'override': (), 'claimed': False, 'mode': '0600', 'uid': 0, 'gid': 0, 'label': None, 'fstab_lines': None,
        'unit_text': None, 'beside_bytes': 0, 'exact': False, 'tolerated': False, 'fstab_above': (), 'left_file': None,
        'subvolume': None,
    }
    unknown = set(given) - set(result)
    if unknown:
        raise TypeError('no part of a wish: %s' % ', '.join(sorted(unknown)))
    result.update(given)
    return result


def wish_of(options):
    """The wish of the module's options. Raises RescueError if one has a value that it cannot have."""
    priority = options['priority']
    if priority is not None and not 0 <= priority <= 32767:
        raise RescueError('{value} is not from {allowed}', path='priority', value=priority, allowed='0 to 32767')
    return wish(
        state=options['state'], size=options['size'], active=options['active'], priority=priority,
        discard=options['discard'], persist=options['persist'], allocate=options['allocate'],
        reserve_bytes=_bytes(options, 'reserve') or 0, demand_bytes=_bytes(options, 'demand'),
        expected_peak_bytes=_bytes(options, 'expected_peak'), override=_lifted(options))


def _lifted(options):
    """The ids that do not keep the swap file from being made; ``conflicts`` is the older word for the managers."""
    managers = swap_managers.NAMES if options['conflicts'] == 'override' else ()
    return tuple(managers) + tuple(options.get('override') or ())


def _bytes(options, name):
    """The bytes of a size option, None if it is not given."""
    try:
        return parse_size(options[name]) if options[name] not in (None, '') else None
    except SizeError as error:
        raise RescueError(str(error), name, error.value, error.allowed)


def recorded(facts):
    """The record of a swap file as it is, with which restoring() can bring it back."""
    file, area = facts['file'], facts['file']['area']
    there = file['kind'] == 'file'
    record = dict((key, file[key] if there else None) for key in ('size_bytes', 'mode', 'uid', 'gid', 'label'))
    return dict(record, existed=there, active=area is not None, priority=area['priority'] if area else None,
                fstab_lines=[entry['raw'] for entry in facts['persistence']['entries']],
                fstab_above=fstab.lines_before(facts['persistence']['fstab'], facts['persistence']['paths']),
                fstab_existed=facts['persistence']['fstab'] is not None,
                unit_text=facts['persistence']['own_unit']['text'], subvolume=_to_be_made(facts))


def _to_be_made(facts):
    """The subvolume that making the file makes with it, or None."""
    return facts['subvolume']['path'] if facts['subvolume'] and not facts['subvolume']['exists'] else None


def identity(facts):
    """{inode, uuid} of a swap file as it is, None for no file: by these a file that took its name is known to be
    another.
    """
    file = facts['file']
    if file['kind'] != 'file':
        return None
    return {'inode': file['inode'], 'uuid': (file['signature'] or {}).get('uuid')}


def opens(record):
    """True if others could read the file of a record, in which there is now what was swapped out."""
    return bool(record['existed'] and record['size_bytes'] and (int(record['mode'], 8) & 0o077 or record['uid']))


def restoring(record, closed, override=_ALL):
    """The wish that brings back what a record says; with ``closed`` a file that was swap stays root's alone.

    ``override`` are the ids that are lifted.
    """
    if not record['existed']:
        return wish(state='absent', claimed=True, override=override, **_persisted(record))
    priority = record['priority'] if record['active'] and record['priority'] >= 0 else None
    if closed and opens(record):
        record = dict(record, mode='0600', uid=0, gid=0)
    return wish(tolerated=not closed, size=record['size_bytes'], active=record['active'], priority=priority,
                mode=record['mode'], uid=record['uid'], gid=record['gid'], label=record.get('label'), override=override,
                claimed=True, exact=True, reserve_bytes=0, **_persisted(record))


def _persisted(record):
    """The parts of a wish by which a file is turned on at boot as its record says."""
    return {'persist': 'lines', 'fstab_lines': record['fstab_lines'], 'fstab_above': record.get('fstab_above', ()),
            'unit_text': record.get('unit_text'), 'left_file': record.get('left'), 'subvolume': record.get('subvolume')}


def plan(facts, wished):
    """{actions, size, size_bytes, skipped_reason, before, after, at_boot} of read_facts() and a wish.

    ``before`` and ``after`` are the layers of summary(), the second as the actions leave them, ``size_bytes`` the
    file's then, ``size`` of recommend(), ``at_boot`` what a boot does with the file as it is. Raises RescueError if the
    wish cannot be met safely.
    """
    absent = wished['state'] == 'absent'
    if not absent:
        _raise_first(refusals(facts, wished))
    skipped = skipped_reason(facts, wished)
    if skipped:
        return unchanged(facts, skipped)
    size, recommended = (None, None) if absent else wanted(facts, wished)
    way = steps.way_off(facts, wished, size)
    _raise_first(refusals(facts, wished, {'size': size, 'way': way}))
    actions = steps.leftovers(facts)
    if absent:
        actions = actions + _absent(facts, wished, way)
    elif size is None:
        skipped = '; '.join(recommended['reasons']) if recommended['shortfall_bytes'] else None
    else:
        actions += _present(facts, wished, size, way)
        skipped = keeps_image(facts, wished, actions)
        if skipped:
            return unchanged(facts, skipped)
    made = {'actions': actions, 'size': recommended, 'size_bytes': size, 'skipped_reason': skipped,
            'before': summary(facts), 'at_boot': facts['at_boot']}
    return dict(made, after=_after(made, facts, wished))


def unchanged(facts, skipped_reason=None):
    """The plan that leaves all as it is."""
    layers = summary(facts)
    return {'actions': [], 'size': None, 'size_bytes': facts['file'].get('size_bytes'),
            'skipped_reason': skipped_reason, 'before': layers, 'after': layers, 'at_boot': facts['at_boot']}


def _raise_first(errors):
    if errors:
        raise errors[0]


def _present(facts, wished, size, way):
    """The actions that have a file of this size, with all that is wished."""
    file, helper, path = facts['file'], facts['helper'], facts['real_path']
    changes = steps.file_changes(facts, wished, size)
    on = bool(file['area']) and way is None
    actions, second = [], way is not None and way['second_bytes']
    if second:
        actions += steps.second_area(facts, wished, second)
    if way is not None:
        actions.append(steps.off(path, file['area']))
    actions += changes['before'] + ([] if on else changes['content'])
    if wished['active'] and not on and size:
        actions.append(steps.on(facts, path, size, _priority(facts, wished), wished['discard']))
    actions += _persistence(facts, wished)
    if helper['area'] or second:
        actions += [steps.off(helper['path'], helper['area']).having(retires=True),
                    steps.remove(helper['path'], 'remove the second area').having(retires=True)]
    return actions


def _priority(facts, wished):
    if wished['priority'] is not None:
        return wished['priority']
    entries, own = facts['persistence']['entries'], facts['persistence']['own_unit']
    if entries:
        return fstab.priority_of(entries[0])
    return unit.priority_of(own['text']) if own['ours'] else None


def _absent(facts, wished, way):
    """The actions that take the file away, and all that belongs to it."""
    file, helper = facts['file'], facts['helper']
    actions = [steps.off(one['path'], one['area']) for one in (file, helper) if way and one['area']]
    actions += _persistence(facts, wished if wished['persist'] == 'lines' else dict(wished, persist='none'))
    if file['kind'] == 'file':
        actions.append(steps.remove(file['path'], 'remove %s, %s' % (file['path'], format_size(file['size_bytes']))))
    if helper['area']:
        actions.append(steps.remove(helper['path'], 'remove the second area'))
    return actions + steps.drop_subvolume(facts, wished)


def persist_of(facts, wished):
    """What keeps the file over a reboot: a wish's ``persist``, with ``fstab`` or ``systemd`` in place of ``auto``."""
    if wished['persist'] != 'auto':
        return wished['persist']
    own = facts['persistence']['own_unit']
    return 'systemd' if own['ours'] or facts['gpt_swap'] and own['text'] is None else 'fstab'


def _persistence(facts, wished):
    persistence, persist = facts['persistence'], persist_of(facts, wished)
    own = persistence['own_unit']
    others = persistence['unit'] and not (own['ours'] and persistence['unit'] == own['path'])
    if persist == 'systemd':
        text = unit.text_of(persistence['paths'][0], _priority(facts, wished), wished['discard'], own['text'])
        return ([] if others else unit.have(own, text)) + _without_line(facts, wished)
    if persist == 'fstab' and (persistence['entries'] or not others):
        return _with_line(facts, wished) + unit.drop(own)
    if persist == 'none':
        return _without_line(facts, wished) + unit.drop(own)
    if persist == 'lines':
        back = [] if [entry['raw'] for entry in persistence['entries']] == wished['fstab_lines'] else [
            steps.edit(facts, 'lines', wished).having(action='restore', detail='%s: as it was' % fstab.PATH)]
        had = (wished['unit_text'] or '').startswith(unit.HEADER)
        return back + (unit.have(own, wished['unit_text']) if had else unit.drop(own))
    return []


def _with_line(facts, wished):
    persistence = facts['persistence']
    edit = steps.edit(facts, 'with', wished)
    if edit['after'] != persistence['fstab']:
        words = 'change' if persistence['entries'] else 'add'
        line = fstab.swap_entries(edit['after'], edit['paths'])[0]['raw']
        return [edit.having(action=words, detail='%s: %s' % (fstab.PATH, line))]
    return [steps.reload_fstab()] if persistence['systemd_behind'] else []


def _without_line(facts, wished):
    entries = facts['persistence']['entries']
    return [steps.edit(facts, 'without', wished).having(
        action='remove', detail='%s: %s' % (fstab.PATH, entries[0]['raw']))] if entries else []


def _after(made, facts, wished):
    """The layers as the actions of a plan leave them."""
    before, size = made['before'], made['size_bytes']
    if not made['actions']:
        return before
    after = dict(before)
    for action in made['actions']:
        if action['action'] == 'write_unit':
            if action['after'] or (after['persistence'] or {}).get('by') == 'systemd':
                after['persistence'] = {'by': 'systemd', 'lines': [action['path']]} if action['after'] else None
        elif action['layer'] == 'persistence' and 'after' in action:
            lines = [entry['raw'] for entry in fstab.swap_entries(action['after'], action['paths'])]
            if lines or (after['persistence'] or {}).get('by') == 'fstab':
                after['persistence'] = {'by': 'fstab', 'lines': lines} if lines else None
    if wished['state'] == 'absent':
        return dict((layer, None) for layer in before)
    if size is None:
        return after
    page = facts['page_size']
    after['file'] = dict(before['file'] or {}, kind='file', size_bytes=size, hole_bytes=0, mode=wished['mode'],
                         uid=wished['uid'], gid=wished['gid'], links=1)
    after['signature'] = {'version': 1, 'size_bytes': size, 'page_size_bytes': page} if size else None
    after['activation'] = None
    if wished['active']:
        after['activation'] = {'size_bytes': size - page, 'used_bytes': None, 'priority': wished['priority']}
    return after
