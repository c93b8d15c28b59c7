# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of a result a controller takes: a user of a host can make its tables, and the names in them, long."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json

# What a page, a summary and report.json show of one of many hosts is less.
MOST_BYTES = 64 << 10
_LENGTHS = (1000, 300, 100)
_TEXTS = (str, type(u''))
# Values that mean something else if they are cut: they are whole or, a command, not there.
_WHOLE = ('kept', 'areas', 'path', 'id', 'event_id', 'msg')
_OR_NONE = ('command',)
# Lists whose rows others refer to by number, that always have certain ones, or that do not add up without one.
WHOLE_LISTS = ('events', 'incidents', 'remedies', 'parts')


def size_of(data):
    """The bytes of data as JSON in plain ASCII, which is the longest form that a module prints."""
    return len(json.dumps(data))


def fitted(data, most, uncut=WHOLE_LISTS):
    """The same data, a dictionary, with the heads of its lists, so many rows as ``most`` bytes of JSON hold.

    ``left_out`` in it has by the dotted name of each list how many rows it has lost, and is not there if nothing was
    cut. The largest list is cut first. Lists named in ``uncut`` keep their rows, which may get shorter themselves.
    Only if this is not enough, texts are cut. The data that were given are changed.
    """
    left_out = {}
    while _too_large(data, left_out, most):
        largest = _largest(data, uncut, '', None)
        if largest is None or largest[0] < most // 50:
            break
        _size, name, rows = largest
        keep = len(rows) // 2
        left_out[name] = left_out.get(name, 0) + len(rows) - keep
        del rows[keep:]
    for length in _LENGTHS:
        if _too_large(data, left_out, most):
            data, left_out['texts'] = _cut(data, length), length
    return dict(data, left_out=left_out) if left_out else data


def _too_large(data, left_out, most):
    return size_of(data) + (size_of({'left_out': left_out}) if left_out else 0) > most


def _largest(data, uncut, name, best):
    """(bytes, dotted name, list) of the largest list of more than one row below ``data``, or ``best`` if it is larger.
    """
    if isinstance(data, dict):
        for key in data:
            if key not in _WHOLE:
                best = _largest(data[key], uncut, '%s.%s' % (name, key) if name else key, best)
    elif isinstance(data, list):
        if len(data) > 1 and name.rpartition('.')[2] not in uncut:
            size = size_of(data)
            if best is None or size > best[0]:
                best = (size, name, data)
        else:
            for row in data:
                best = _largest(row, uncut, name, best)
    return best


def _cut(data, length, key=None):
    """The same data with texts of ``length`` characters at most; a list of many keeps as many rows of them."""
    if key in _WHOLE:
        return data
    if isinstance(data, dict):
        return dict((name, _cut(value, length, name)) for name, value in data.items())
    if isinstance(data, (list, tuple)):
        return [_cut(value, length, key) for value in data]
    if isinstance(data, _TEXTS) and len(data) > length:
        return None if key in _OR_NONE else data[:length - 3] + '...'
    return data
