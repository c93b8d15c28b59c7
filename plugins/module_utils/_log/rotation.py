# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A line that rotation cut in two: its beginning ends one log, its rest begins the next."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .prefix import PrefixReader
from .text import LONGEST_LINE, log_lines


def rest_of_line(before, after):
    """What of ``after``, where a log begins, belongs to the line in which the log before it ended with ``before``.

    None if it begins with a line of its own: one with a prefix like that of the lines around it, or in a log whose
    lines have none.
    """
    before, dummy, start = before.rpartition(b'\n')
    rest, ended, after = after[: 2 * LONGEST_LINE].partition(b'\n')
    # A log that was truncated while it was written begins with NULs.
    rest = rest.lstrip(b'\0')
    if not (rest or ended) or len(start) + len(rest) > LONGEST_LINE:
        return None
    # The last line before it and the first one after it, if they are there from end to end.
    whole = before.split(b'\n')[1:][-1:] + after.split(b'\n')[:-1][:1]
    usual = next((form for form in map(_form, whole + [start + rest]) if form), None)
    if usual is None or _form(rest) == usual or usual not in (_form(start), _form(start + rest)):
        return None
    return rest


def _form(line):
    """How a line's prefix is written; None if it has none that tells a time."""
    line = log_lines(line)[0][0]
    prefix = PrefixReader().split(line)[0]
    if prefix is None or (prefix.style is None and prefix.uptime is None):
        return None
    # The rest of a prefix that was cut may be read as one that is quoted: what it begins with tells the two apart.
    opening = '' if line[:1].isalnum() else line[:1]
    return opening, prefix.style, prefix.host is None, prefix.program is None and prefix.trusted is None
