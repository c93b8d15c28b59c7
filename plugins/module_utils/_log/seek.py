# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the place of a moment in a large sorted log, by bisection."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .prefix import PrefixReader
from .text import log_text

_WINDOW = 1 << 16
# Syslog stamps lines late, and clocks are set. To read a little too much costs little.
MARGIN = 3600
# To read a smaller log whole takes no longer than to search it.
_SMALLEST = 1 << 23


def time_of(data, clock):
    """The time of the first line in ``data`` that has one, in seconds since 1970, or None."""
    reader = PrefixReader()
    for line in data.split(b'\n')[1:-1]:
        prefix = reader.split(log_text(line[:1024]))[0]
        if prefix is not None and prefix.style:
            epoch = clock.resolve(prefix, 0)[0]
            if epoch is not None:
                return epoch
    return None


def offset_of(stream, size, clock, since):
    """An offset before which all lines of a log are older than ``since`` (seconds since 1970); 0 if that is not known.
    """
    if size < _SMALLEST:
        return 0
    low, high = 0, size
    first, last = _at(stream, 0, clock), _at(stream, max(size - _WINDOW, 0), clock)
    if first is None or last is None or first > last:
        return 0
    wanted = since - MARGIN
    if first >= wanted:
        return 0
    while high - low > _WINDOW * 4:
        middle = (low + high) // 2
        epoch = _at(stream, middle, clock)
        if epoch is None or not first - MARGIN <= epoch <= last + MARGIN:
            return 0
        if epoch < wanted:
            low = middle
        else:
            high = middle
    return max(low - _WINDOW, 0)


def _at(stream, offset, clock):
    stream.seek(offset)
    data = stream.read(_WINDOW)
    return time_of(b'\n' + data if not offset else data, clock)
