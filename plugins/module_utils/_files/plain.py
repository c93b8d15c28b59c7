# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes text from a node or a log fit for a terminal, a page and a file. All such text goes through it first."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re
import sys

LONGEST = 2000
# Control characters, those that turn text round, hide it or break its line, halves of surrogates, and noncharacters.
_RANGES = (
    (0x00, 0x1f), (0x7f, 0x9f), (0xad, 0xad), (0x34f, 0x34f), (0x600, 0x605), (0x61c, 0x61c), (0x6dd, 0x6dd),
    (0x70f, 0x70f), (0x890, 0x891), (0x8e2, 0x8e2), (0x115f, 0x1160), (0x17b4, 0x17b5), (0x180b, 0x180f),
    (0x200b, 0x200f), (0x2028, 0x202e), (0x2060, 0x206f), (0x3164, 0x3164), (0xd800, 0xdfff), (0xfdd0, 0xfdef),
    (0xfe00, 0xfe0f), (0xfeff, 0xfeff), (0xffa0, 0xffa0), (0xfff0, 0xfffb), (0xfffe, 0xffff), (0x110bd, 0x110bd),
    (0x110cd, 0x110cd), (0x13430, 0x1343f), (0x1bca0, 0x1bca3), (0x1d173, 0x1d17a), (0xe0000, 0xe0fff),
) + tuple((plane << 16 | 0xfffe, plane << 16 | 0xffff) for plane in range(1, 17))


def _pattern(kept=u''):
    """The expression for each character that cannot be seen as itself, except those of ``kept``."""
    ranges = u''.join(u'%s-%s' % (_escaped(first), _escaped(last)) for first, last in _RANGES
                      if first <= sys.maxunicode)
    return re.compile(u'%s[%s]' % (u'(?![%s])' % kept if kept else u'', ranges))


def _escaped(code):
    """A code point as a character of an expression: Python 2's ``re`` has no ``\\u``, and its chr() ends at a byte."""
    return re.escape((u'\\U%08x' % code).encode('ascii').decode('unicode_escape'))


_HIDDEN = _pattern()
_HIDDEN_IN_LINES = _pattern(u'\n\t')


def plain(text, longest=LONGEST):
    """One line of text. Each character that cannot be seen as itself becomes a question mark, and a long text is cut.
    """
    return _HIDDEN.sub(u'?', _cut(_unicode(text), longest))


def plain_lines(text, longest=LONGEST):
    """The same for text of several lines: line breaks and tabs stay."""
    return _HIDDEN_IN_LINES.sub(u'?', _cut(_unicode(text).replace(u'\r\n', u'\n'), longest))


def _unicode(text):
    if isinstance(text, bytes):
        return text.decode('utf-8', 'replace')
    return u'%s' % (text,)


def _cut(text, longest):
    return text if len(text) <= longest else u'%s...' % text[:longest]
