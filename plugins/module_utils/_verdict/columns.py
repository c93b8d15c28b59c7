# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text in the columns of a terminal, of which a Chinese character takes two."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re
import textwrap
import unicodedata

from .._files.plain import plain

COLUMNS = 80
# A line breaks behind a blank, and on either side of a wide character.
_WIDE = u'[\u1100-\u115e\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]'
_PIECES = re.compile(u'%s|(?:(?!%s)\\S)+[^\\S\\n]*|\\s+' % (_WIDE, _WIDE))
# A figure and its unit stay in one line; no text that is plain has this character.
_NO_BREAK = u'\x01'
_BEFORE_A_UNIT = re.compile(u'(?<=[0-9]) (?=%|[KMGT]iB|kB)')
# What no line begins with, and none ends with.
_CLOSING, _OPENING = u'\uff0c\u3002\uff1a\uff1b\uff09\u3001\uff1f\uff01', u'\uff08'


def width(text):
    """The columns that a text takes."""
    text = plain(text, len(text) + 1)
    return sum(2 if unicodedata.east_asian_width(one) in ('W', 'F') else 0 if unicodedata.combining(one) else 1
               for one in text)


def cut(text):
    """Text of one line of 80 columns."""
    text = plain(text)
    if width(text) <= COLUMNS:
        return text
    while width(text) > COLUMNS - 3:
        text = text[:-max(1, (width(text) - COLUMNS + 3) // 2)]
    return text.rstrip() + '...'


def wrapped(text, indent='', first=''):
    """The lines of 80 columns of a text, the first of which begins with ``first``, the others with ``indent``."""
    text = _BEFORE_A_UNIT.sub(_NO_BREAK, plain(text))
    if width(text) == len(text):
        rows = textwrap.wrap(text, COLUMNS, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False)
    else:
        rows = _wrapped_wide(text, indent, first)
    return [row.replace(_NO_BREAK, ' ') for row in rows]


def _wrapped_wide(text, indent, first):
    rows = [first]
    for piece in _together(_PIECES.findall(text)):
        if width(rows[-1] + piece.rstrip()) > COLUMNS and rows[-1].strip():
            rows[-1] = rows[-1].rstrip()
            rows.append(indent)
            piece = piece.lstrip()
        while width(rows[-1] + piece.rstrip()) > COLUMNS:
            room = (COLUMNS - width(rows[-1])) // 2
            rows[-1] += piece[:room]
            piece = piece[room:]
            rows.append(indent)
        rows[-1] += piece
    return [row.rstrip() for row in rows]


def _together(pieces):
    """The pieces with what must not begin a line at the end of the one before it, and the like of what opens."""
    found = []
    for piece in pieces:
        if found and (piece[:1] in _CLOSING or found[-1][-1:] in _OPENING):
            found[-1] += piece
        else:
            found.append(piece)
    return found
