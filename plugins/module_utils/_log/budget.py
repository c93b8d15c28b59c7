# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much time logs may take: whoever can write one decides what is in it, not how long root reads it."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import collections
import time

# Of the processor's time, for what is no ordinary log: ten times as much as the lines of 1,000 reports take.
MOST_SECONDS = 4
# Of all sources together; later ones get the least.
MOST_OF_ALL = 12
_LEAST_SECONDS = 0.5
# Ordinary lines take a tenth of this for each byte.
_FREE_SECONDS_PER_BYTE = 2e-8
# So many blocks at the end of a log are read in any case: the newest reports are there.
_LAST_BLOCKS = 2
# A program that prints a log, or a disk, may be slow as well.
MOST_WAITING = 300

_cpu_seconds = getattr(time, 'process_time', None) or time.clock
_clock = getattr(time, 'monotonic', time.time)


class Budget:
    """What is left of the time for all sources of a reading; ``seconds`` of the processor's at the beginning."""

    def __init__(self, seconds=MOST_OF_ALL):
        self._left = seconds
        self._mine = self._last = self._end = 0

    def begin(self):
        """Another source begins."""
        self._mine = max(_LEAST_SECONDS, min(MOST_SECONDS, self._left))
        self._last = _cpu_seconds()
        self._end = _clock() + MOST_WAITING

    def is_spent(self, size):
        """True if this source has taken its time, after ``size`` more bytes of it."""
        now = _cpu_seconds()
        spent = max(now - self._last - size * _FREE_SECONDS_PER_BYTE, 0)
        self._last = now
        self._mine -= spent
        self._left -= spent
        return self._mine < 0

    def is_late(self):
        """True if this source has been waited for too long."""
        return _clock() > self._end

    def last_of(self, blocks):
        """(how many bytes are left out, the last blocks) of a log whose time is spent."""
        size, last = 0, collections.deque(maxlen=_LAST_BLOCKS)
        for block in blocks:
            last.append(block)
            size += len(block)
            if self.is_late():
                break
        return size - sum(map(len, last)), list(last)
