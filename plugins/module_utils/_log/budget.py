# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A limit on the time that reading logs takes. Whoever can write a log decides what is in it, but not for how long root
reads it.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import collections
import time

# CPU seconds, for a log that is not an ordinary one: ten times what the lines of 1,000 reports take.
MOST_SECONDS = 4
# CPU seconds of all sources together; the later ones get the least.
MOST_OF_ALL = 12
_LEAST_SECONDS = 0.5
# Ordinary lines take a tenth of this for each byte.
_FREE_SECONDS_PER_BYTE = 2e-8
# So many bytes at the end of a log, in whole blocks, are read in any case: the newest reports are there.
_LAST_BYTES = 1 << 20
# Seconds to wait for a program that prints a log, or for a disk: these may be slow as well.
MOST_WAITING = 300

_cpu_seconds = getattr(time, 'process_time', None) or time.clock
_clock = getattr(time, 'monotonic', time.time)


class Budget:
    """The time that is left for all sources of a reading. ``seconds`` is the CPU time at the beginning."""

    def __init__(self, seconds=MOST_OF_ALL):
        self._left = seconds
        self._mine = self._last = self._end = 0

    def begin(self):
        """Start the count for the next source."""
        self._mine = max(_LEAST_SECONDS, min(MOST_SECONDS, self._left))
        self._last = _cpu_seconds()
        self._end = _clock() + MOST_WAITING

    def is_spent(self, size):
        """True if this source has used up its time, after ``size`` more bytes of it."""
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
        """(number of bytes left out, list of the last blocks) of a log whose time is spent."""
        left_out, held, last = 0, 0, collections.deque()
        for block in blocks:
            last.append(block)
            held += len(block)
            while held - len(last[0]) >= _LAST_BYTES:
                held -= len(last[0])
                left_out += len(last.popleft())
            if self.is_late():
                break
        return left_out, list(last)
