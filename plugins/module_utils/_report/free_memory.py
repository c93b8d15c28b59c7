# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether lines around a refusal show that memory was free: then something else than memory refused."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

_FIGURES = re.compile(r'MemAvailable: +(\d+) kB|(\d+)M free mem')
_TABLE = re.compile(
    r'\bavailable\s*\n\s*Mem: +([\d.]+)([KMGT]?)i?B? +(?:\S+ +){4}([\d.]+)([KMGT]?)i?B?\s*$', re.MULTILINE)
_SCALE = {'': 1.0, 'K': 1.0 * (1 << 10), 'M': 1.0 * (1 << 20), 'G': 1.0 * (1 << 30), 'T': 1.0 * (1 << 40)}
# A part of all memory: if so much is available, a fork was refused for another reason, or by the commit limit.
_MUCH = 0.25


def much_is_free(text):
    """True if /proc/meminfo, Ansible or ``free`` show that a gigabyte, or a quarter of all memory, is available."""
    for match in _FIGURES.finditer(text):
        kilobytes, megabytes = match.groups()
        if (kilobytes and int(kilobytes[:15]) >= 1 << 20) or (megabytes and int(megabytes[:12]) >= 1 << 10):
            return True
    table = _TABLE.search(text)
    if not table:
        return False
    total, scale, free, free_scale = table.groups()
    try:
        return float(free) * _SCALE[free_scale] >= _MUCH * float(total) * _SCALE[scale] > 0
    except ValueError:
        return False
