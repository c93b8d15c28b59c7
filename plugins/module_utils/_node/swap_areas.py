# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The swap areas that the kernel uses now, from /proc/swaps (proc(5))."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

_OCTAL = re.compile(r'\\([0-3][0-7]{2})')
# The kernel escapes these, and no other character at which Python parts or ends what it splits.
_FIELD = re.compile(r'[^ \t]+')
_NUMBER = re.compile(r'-?[0-9]{1,18}\Z')


def unescape(field):
    """A field of /proc/swaps, /proc/mounts or fstab without its octal escapes (``\\040`` is a space)."""
    return _OCTAL.sub(lambda match: chr(int(match.group(1), 8)), field)


def parse_swaps(text):
    """Areas of /proc/swaps, in its order.

    Each is {path, type: file|partition|zram, size_bytes, used_bytes, priority, deleted}. The kernel appends
    `` (deleted)``, escaped, to the path of a file that was unlinked while in use; deleted is then true.
    """
    areas = []
    for line in (text or '').split('\n')[1:]:
        fields = _FIELD.findall(line)
        if len(fields) < 5 or not all(_NUMBER.match(field) for field in fields[2:5]):
            continue
        path = unescape(fields[0])
        deleted = path.endswith(' (deleted)')
        if deleted:
            path = path[:-len(' (deleted)')]
        kind = 'zram' if path.startswith('/dev/zram') else fields[1]
        areas.append({
            'path': path,
            'type': kind,
            'size_bytes': int(fields[2]) * 1024,
            'used_bytes': int(fields[3]) * 1024,
            'priority': int(fields[4]),
            'deleted': deleted,
        })
    return areas
