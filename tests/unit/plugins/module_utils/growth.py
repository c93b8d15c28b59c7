# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How time grows with size, told apart from a busy machine: by the ratio of two sizes, and by more than one try."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import gc
import time

# Four times the size takes 4 times as long where time is linear, 16 times where it is quadratic.
TIMES, GROWTH = 4, 9
# What costs so many times what nothing costs is too little to tell by.
LITTLE = 4
TRIES = 5
_clock = getattr(time, 'process_time', getattr(time, 'clock', None))


def _seconds_of(read, size):
    """The CPU's seconds of a call, without the garbage collector, whose pauses are those of all tests before it."""
    collects = gc.isenabled()
    gc.disable()
    try:
        started = _clock()
        read(size)
        return _clock() - started
    finally:
        if collects:
            gc.enable()


def is_linear(read, size):
    """Return True if ``read(size)`` takes no more time for its size than a quarter of it, both less ``read(0)``.

    What is quadratic is so at each try; a machine that was busy at one is not at all of them.
    """
    nothing = min(_seconds_of(read, 0) for _try in range(3))
    for _try in range(TRIES):
        whole = _seconds_of(read, size) - nothing
        if whole < LITTLE * nothing or whole < GROWTH * (_seconds_of(read, size // TIMES) - nothing):
            return True
    return False
