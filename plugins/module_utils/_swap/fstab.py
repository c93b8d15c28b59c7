# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Swap entries of fstab(5), read and edited so that every other byte of the file stays as it is."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._node import fstab as file_systems
from .._node.fstab import parse

PATH = file_systems.PATH
# The options with which a line of ours begins.
OWN_OPTIONS = ['sw', 'nofail']
_DISCARD = {'all': 'discard', 'once': 'discard=once', 'pages': 'discard=pages'}


def swap_entries(text, paths):
    """The entries of type swap whose source is one of ``paths``, whatever their other fields."""
    wanted = set(_normal(path) for path in paths)
    return [entry for entry in parse(text) if entry['type'] == 'swap' and _normal(entry['source']) in wanted]


def priority_of(entry):
    """The priority that an entry sets, or None."""
    for option in entry['options']:
        match = re.match(r'pri=(-?\d+)$', option)
        if match:
            return int(match.group(1))
    return None


def wanted_options(options, priority=None, discard=None):
    """The options of an entry that turns swap on at boot with this priority and discard policy.

    None for either leaves it as it is; the discard policy ``none`` removes the option.
    """
    result = [option for option in options if option != 'noauto']
    if priority is not None:
        result = _put(result, re.compile(r'pri='), 'pri=%d' % priority)
    if discard is not None:
        result = _put(result, re.compile(r'discard(=|$)'), _DISCARD.get(discard))
    return result or ['defaults']


def with_swap(text, paths, priority=None, discard=None):
    """The text with exactly one entry that turns the swap file on at boot.

    An entry that is there keeps its place and its other fields and options; a second one for the same file is removed.
    """
    text = text or ''
    entries = swap_entries(text, paths)
    if not entries:
        options = wanted_options(OWN_OPTIONS, priority, discard)
        line = '%s none swap %s 0 0' % (escape(paths[0]), ','.join(options))
        return text + ('' if not text or text.endswith('\n') else '\n') + line + '\n'
    lines = text.split('\n')
    first = entries[0]
    options = wanted_options(first['options'], priority, discard)
    if options != first['options']:
        lines[first['line']] = _with_options(first, options)
    for entry in reversed(entries[1:]):
        del lines[entry['line']]
    return '\n'.join(lines)


def without_swap(text, paths):
    """The text without the entries of a swap file."""
    lines = text.split('\n')
    for entry in reversed(swap_entries(text, paths)):
        del lines[entry['line']]
    return '\n'.join(lines)


def lines_before(text, paths):
    """[text or None] in the order of the entries of a swap file: the nearest line above each that is no such entry,
    None at the top.
    """
    lines, entries = (text or '').split('\n'), swap_entries(text, paths)
    own = set(entry['line'] for entry in entries)
    found = []
    for entry in entries:
        above = [number for number in range(entry['line']) if number not in own]
        found.append(lines[above[-1]] if above else None)
    return found


def with_lines(text, paths, raw_lines, after=()):
    """The text with ``raw_lines`` in the place of the entries that a swap file has now, else at the end.

    ``after`` is lines_before() of the text that had them: each line comes back below the line that was above it, if
    that is still there.
    """
    text = text or ''
    entries = swap_entries(text, paths)
    lines = text.split('\n')
    if [entry['raw'] for entry in entries] == list(raw_lines):
        return text
    if entries:
        place = entries[0]['line']
    else:
        place = len(lines) - 1 if lines[-1] == '' else len(lines)
    for entry in reversed(entries):
        del lines[entry['line']]
    # One that was taken away and added again stands at the end; any other is where it was.
    stay = any(line.strip() for line in lines[place:])
    for number, raw in enumerate(raw_lines):
        above = after[number] if number < len(after) else ''
        if not (stay and not number) and (above is None or above.strip() and above in lines):
            place = max(0 if above is None else lines.index(above) + 1, place if _is_next(number, after) else 0)
        lines.insert(place, raw)
        place += 1
    return '\n'.join(lines)


def _is_next(number, after):
    """True if a line came right after the one before it."""
    return number > 0 and after[number] == after[number - 1]


def edited(text, backup, needs):
    """The text after an edit: ``needs`` is {edit: with|without|lines, paths, priority, discard, fstab_lines, above}.

    ``above`` is ``after`` of with_lines(). ``backup`` is the text before our first edit or None: a line feed at the end
    that had to be added for a line is removed again.
    """
    if needs['edit'] == 'with':
        return with_swap(text, needs['paths'], needs['priority'], needs['discard'])
    if needs['edit'] == 'without':
        new = without_swap(text or '', needs['paths'])
    else:
        # A record of 0.1.0 does not say where its lines stood; the text from before does.
        above = needs.get('above') or (lines_before(backup, needs['paths']) if backup else ())
        new = with_lines(text, needs['paths'], needs['fstab_lines'], above)
    return backup if backup is not None and backup.rstrip('\n') == new.rstrip('\n') else new


def escape(path):
    """A path as a field of fstab."""
    return ''.join('\\%03o' % ord(char) if char in ' \t\n\\#' else char for char in path)


def _normal(path):
    return re.sub(r'/+', '/', path)


def _put(options, pattern, option):
    kept = [item for item in options if not pattern.match(item)]
    if option is None:
        return kept
    places = [index for index, item in enumerate(options) if pattern.match(item)]
    if not places:
        return kept + [option]
    kept.insert(min(places[0], len(kept)), option)
    return kept


def _with_options(entry, options):
    raw, spans, field = entry['raw'], entry['spans'], ','.join(options)
    if len(spans) > 3:
        start, end = spans[3]
        return raw[:start] + field + raw[end:]
    return raw[:spans[2][1]] + ' ' + field + raw[spans[2][1]:]
