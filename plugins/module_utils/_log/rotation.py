# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A line that rotation cut in two: one log ends with its beginning, and the next begins with its rest."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .prefix import PrefixReader
from .text import LONGEST_LINE, log_lines


def rest_of_line(before, after):
    """The rest (bytes) of a line that rotation cut: ``before`` is the end of one log, ``after`` the beginning of the
    next.

    None if ``after`` begins with a line of its own: one with a prefix like that of the lines around it, or any line in
    a log whose lines have no prefix.
    """
    before, dummy, start = before.rpartition(b'\n')
    rest, ended, after = after[: 2 * LONGEST_LINE].partition(b'\n')
    # A log that was truncated while somebody wrote it begins with NULs.
    rest = rest.lstrip(b'\0')
    if not (rest or ended) or len(start) + len(rest) > LONGEST_LINE:
        return None
    # The last whole line before the cut and the first whole one after it, if there are such lines.
    whole = before.split(b'\n')[1:][-1:] + after.split(b'\n')[:-1][:1]
    usual = next((form for form in map(_form, whole + [start + rest]) if form), None)
    if usual is None or _form(rest) == usual or usual not in (_form(start), _form(start + rest)):
        return None
    return rest


def _form(line):
    """The form in which the prefix of a line is written; None if it has none that tells a time."""
    line = log_lines(line)[0][0]
    prefix = PrefixReader().split(line)[0]
    if prefix is None or (prefix.style is None and prefix.uptime is None):
        return None
    # The rest of a prefix that was cut can look like a prefix that is quoted: its first characters tell the two apart.
    opening = '' if line[:1].isalnum() else line[:1]
    return opening, prefix.style, prefix.host is None, prefix.program is None and prefix.trusted is None
