# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The single steps of a plan for a swap file, as actions, and how it is switched off safely. Pure."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._change.actions import Action
from .._files.sizes import format_size
from . import fstab
from .facts import NEW, wanted_label
from .signature import fits
from .size import SMALLEST_FILE_BYTES, room_without, spare_bytes


def leftovers(facts):
    """[Action] that remove the files that a stopped run left."""
    return [remove(file['path'], 'remove %s of a stopped run, %s' % (words, file['path']))
            for file, words in ((facts['new'], 'the unfinished file'), (facts['helper'], 'the unused second area'))
            if file['kind'] == 'file' and not file['area']]


def remove(path, detail):
    """The Action that removes a file."""
    return Action('file', 'remove', detail, path=path)


def make_subvolume(facts):
    """[Action] that makes the subvolume that the file is to have for itself; [] if that exists, or none is wanted."""
    subvolume = facts['subvolume']
    if not subvolume or subvolume['exists']:
        return []
    return [Action('file', 'make_subvolume', 'make the subvolume %s for it: of one with a swap file in use no snapshot '
                   'can be made' % subvolume['path'], path=subvolume['path'])]


def drop_subvolume(facts, wished):
    """[Action] that removes the subvolume that we made for the file; [] if there is none of ours."""
    subvolume = facts['subvolume']
    ours = subvolume and subvolume['exists'] and subvolume['path'] == wished['subvolume']
    return [Action('file', 'drop_subvolume', 'remove the subvolume %s' % subvolume['path'], path=subvolume['path'])
            ] if ours else []


def off(path, area):
    """The Action that turns an area off."""
    used = ', %s of it in use' % format_size(area['used_bytes']) if area and area['used_bytes'] else ''
    return Action('activation', 'off', 'switch %s off%s' % (path, used), path=path)


def on(facts, path, size, priority=None, discard=None):
    """The Action that turns an area on."""
    return Action('activation', 'on', 'switch %s on' % path, path=path, size_bytes=size, priority=priority,
                  discard=discard, filesystem=facts['mount'].get('filesystem'))


def edit(facts, kind, wished):
    """The Action of an edit of fstab, without a detail yet.

    ``kind`` is ``with`` for a line for the file, ``without`` for no line, ``lines`` for the ``fstab_lines`` of a wish.
    """
    persistence, paths = facts['persistence'], facts['persistence']['paths']
    needs = {'edit': kind, 'paths': paths, 'fstab_lines': wished['fstab_lines'], 'above': wished['fstab_above']}
    needs.update((key, wished[key]) for key in ('priority', 'discard'))
    after = fstab.edited(persistence['fstab'], persistence['backup'], needs)
    return Action('persistence', 'change', '', path=fstab.PATH, before=persistence['fstab'], after=after, **needs)


def reload_fstab():
    """The Action that has systemd read fstab again, of which it knows an older text."""
    return Action('persistence', 'reload', 'have systemd read %s again' % fstab.PATH)


def _create(facts, wished, size, path, detail):
    return Action('file', 'create', detail, path=path, size_bytes=size, allocate=_method(facts, wished),
                  nocow=facts['rule']['nocow'])


def _sign(facts, size, path, **needs):
    needs = dict({'publish': None, 'label': facts['selinux']}, **needs)
    return Action('signature', 'write', 'write the swap signature for %d bytes' % size, path=path, size_bytes=size,
                  page_size=facts['page_size'], **needs)


def _method(facts, wished):
    return 'write' if wished['allocate'] == 'auto' and facts['rule']['allocate'] == 'write' else wished['allocate']


def second_area(facts, wished, size):
    """[Action] that make a second area, which a later step removes."""
    path = facts['helper']['path']
    words = 'make a second area of %s for the time being, %s' % (format_size(size), path)
    return [_create(facts, wished, size, path, words), _sign(facts, size, path), on(facts, path, size)]


def file_changes(facts, wished, size):
    """{before: steps that are safe while the area is in use, content: steps that only an inactive file may have}."""
    file, path = facts['file'], facts['real_path']
    create = [_create(facts, wished, size, path + NEW, 'make %s, %s, mode 0600' % (path, format_size(size))),
              _sign(facts, size, path + NEW, publish=path)]
    if file['kind'] == 'missing':
        return {'before': [], 'content': make_subvolume(facts) + create}
    if file['exposed'] and not wished['tolerated'] and size:
        return {'before': [], 'content': _made_anew(facts, wished, size, create)}
    flaws = file['flaws'] or ['copy on write'] * bool(facts['rule']['nocow'] and file['nocow'] is False)
    if flaws and size and not file['area']:
        words = 'remove %s, which the kernel would refuse: %s' % (path, ', '.join(flaws))
        return {'before': [], 'content': [remove(path, words)] + create}
    content = _resized(facts, wished, size)
    if size and (content or not fits(file['signature'], size, facts['page_size'])):
        content.append(_sign(facts, size, path, label=False))
    return {'before': _protected(facts, wished), 'content': content}


def _made_anew(facts, wished, size, create):
    """[Action] that make a new file: whoever has the old one open could read what is swapped out, whatever its mode."""
    file, path = facts['file'], facts['real_path']
    words = 'make %s anew, %s, mode 0600: others could read it (%s)' % (path, format_size(size), file['exposed'])
    made, published = create[0].having(detail=words), create[1].having(kept=file['signature'])
    # To switch it off may take a second area as well.
    if spare_bytes(facts, wished) >= size + (file['area'] or {'size_bytes': 0})['size_bytes']:
        return [made, published.having(over=True)]
    return [remove(path, 'remove %s, which others could read (%s): the disk has no room for two' % (
        path, file['exposed'])), made, published]


def _protected(facts, wished):
    """[Action] that give a file its owner, mode and label."""
    file, path, steps = facts['file'], facts['real_path'], []
    has, wanted = [(of['mode'], of['uid'], of['gid']) for of in (file, wished)]
    if has != wanted and not wished['tolerated']:
        steps.append(Action(
            'file', 'protect', 'owner %d:%d and mode %s, found %d:%d and %s' % (wanted[1:] + wanted[:1] + has[1:]
                                                                                + has[:1]),
            path=path, mode=wished['mode'], uid=wished['uid'], gid=wished['gid']))
    label = (wished['label'] or wanted_label(file['label'])) if facts['selinux'] else None
    if label and label != file['label']:
        steps.append(Action('file', 'label', 'SELinux label %s, found %s' % (label, file['label']), path=path,
                            label=label))
    return steps


def _resized(facts, wished, size):
    """[Action] that gives a file another size, or fills its holes; [] if neither is needed."""
    file, path = facts['file'], facts['real_path']
    words = 'from %s to %s' % (format_size(file['size_bytes']), format_size(size))
    if size < file['size_bytes']:
        return [Action('file', 'shrink', words, path=path, size_bytes=size)]
    if size == file['size_bytes'] and not file['hole_bytes']:
        return []
    what = 'fill %s of holes' % format_size(file['hole_bytes']) if file['hole_bytes'] else 'grow'
    return [Action('file', 'grow' if size > file['size_bytes'] else 'fill', '%s: %s' % (what, words), path=path,
                   start=0 if file['hole_bytes'] else file['size_bytes'], old_size_bytes=file['size_bytes'],
                   size_bytes=size, allocate=_method(facts, wished))]


def way_off(facts, wished, size):
    """How the areas go off, for a moment or for good; None if they stay on, or none is.

    {for_good, used_bytes: what the file's area holds, missing_bytes: how much of all that has to move finds no room
    elsewhere, others: the areas that take it, second_bytes: the size of one more that makes room, or 0, spare_bytes:
    what the disk has for it, None if it is not asked}.
    """
    area, helper = facts['file']['area'], facts['helper']['area']
    absent = wished['state'] == 'absent'
    if not area and not (absent and helper) or not absent and not _must_go_off(facts, wished, size):
        return None
    used, others = (area or {'used_bytes': 0})['used_bytes'], list(facts['other_areas'])
    of_helper = helper['used_bytes'] if helper else 0
    way = {'for_good': absent or not wished['active'] or not size, 'second_bytes': 0, 'spare_bytes': None,
           'used_bytes': used + (of_helper if absent else 0)}
    moving = used
    if way['for_good']:
        moving += of_helper
    elif helper:
        others.append(helper)
    else:
        way.update(_second_bytes(facts, wished, size))
    return dict(way, others=others, missing_bytes=room_without(moving, others, facts['room_in_ram']))


def _second_bytes(facts, wished, size):
    """{second_bytes: 0 if no area that helps has room, spare_bytes}."""
    area, page = facts['file']['area'], facts['page_size']
    used = area['used_bytes']
    spare = (spare_bytes(facts, wished) - max(0, size - facts['file']['size_bytes'])) // page * page
    second = min(area['size_bytes'] + page, spare)
    serves = second >= SMALLEST_FILE_BYTES and (
        second > area['size_bytes'] or second - page >= used + used // 16)
    return {'second_bytes': second if serves else 0, 'spare_bytes': spare}


def _must_go_off(facts, wished, size):
    if size is None:
        return False
    if not wished['active'] or not size or file_changes(facts, wished, size)['content']:
        return True
    return wished['priority'] is not None and wished['priority'] != facts['file']['area']['priority']
