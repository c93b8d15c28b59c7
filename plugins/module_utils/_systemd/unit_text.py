# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the text of a systemd unit file or drop-in assigns (systemd.syntax(7))."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

_ASSIGNMENT = re.compile(r'^\s*([A-Za-z][A-Za-z0-9]*)\s*=(.*)$')
_SECTION = re.compile(r'^\s*\[([^\]]*)\]\s*$')
_OF_UNIT = re.compile(r'(?:Condition|Assert)\w+\Z'
                      r'|(?:Wants|Requires|Requisite|BindsTo|Upholds|SourcePath|Conflicts|OnSuccess|OnFailure)\Z')
_OF_INSTALL = re.compile(r'(?:WantedBy|RequiredBy|UpheldBy|Alias|Also|DefaultInstance)\Z')
_SCORE = 'OOMScoreAdjust'


def assignments(text, directive=None):
    """[(line number, directive, value)] that systemd takes from a text, in order, of one directive if it is given.

    An assignment outside of its section is ignored, as is a score that is no number from -1000 to 1000. A line goes on
    behind a backslash.
    """
    found, section, start, held = [], None, 0, []
    if not text or directive and directive not in text:
        return found
    for number, line in enumerate(text.splitlines(), 1):
        first = line.lstrip()[:1]
        if first in ('#', ';') or not first and not held:
            continue
        start = start or number
        if line.endswith('\\'):
            held.append(line[:-1])
            continue
        whole = ' '.join(held + [line])
        header, match = _SECTION.match(whole), _ASSIGNMENT.match(whole)
        if header:
            section = header.group(1)
        elif match and directive in (None, match.group(1)) and _counts(section, match.group(1), match.group(2).strip()):
            found.append((start, match.group(1), match.group(2).strip()))
        start, held = 0, []
    return found


def _counts(section, name, value):
    if section is None:
        return False
    own = 'Unit' if _OF_UNIT.match(name) else 'Install' if _OF_INSTALL.match(name) else None
    if own != (section if section in ('Unit', 'Install') else None):
        return False
    return name != _SCORE or not value or bool(re.match(r'-?[0-9]{1,9}\Z', value)) and abs(int(value)) <= 1000
