# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory pressure stall information (Documentation/accounting/psi.rst), since kernel 4.20 if it is turned on."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._node.meminfo import text_of

_LINE = re.compile(r'^(some|full) avg10=([\d.]+) avg60=([\d.]+) avg300=([\d.]+) total=(\d+)$', re.MULTILINE)


def parse_pressure(text):
    """{some_avg10, some_avg60, some_avg300, some_total_seconds, and full_ ones} in percent and seconds."""
    found = {}
    for kind, short, middle, long_, total in _LINE.findall(text or ''):
        found.update({
            kind + '_avg10': float(short),
            kind + '_avg60': float(middle),
            kind + '_avg300': float(long_),
            # The kernel counts microseconds.
            kind + '_total_seconds': int(total) / 1000000.0,
        })
    return found or None


def pressure(host):
    """Memory pressure of the whole node; None without PSI, or if it is turned off (reading fails then)."""
    return parse_pressure(text_of(host, '/proc/pressure/memory'))
