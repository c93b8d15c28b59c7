# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks for the words that stand in every report, at the speed of bytes.find."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import sys

# The lines of which every report has one: its header, its summary, its victim, the allocation that failed, the process
# that was chosen, the panic, or the cgroup that is full.
MARKERS = (
    b'oom-kill',
    b'Killed process',
    b'allocation failure',
    b'ut of memory',
    b'deadlocked on memory',
    b'killed as a result of limit of ',
)
# What begins an event that nearly always stands beside one of these.
RARE = (
    b'killed due to memory.oom.group set',
    b' tgid total_vm ',
    b'vmemmap alloc failure',
    b'vmalloc error: size ',
    b'LUB: Unable to allocate memory on ',
)
MARKERS += RARE
OVERLAP = 40

# The longer a word is, the further bytes.find skips, but each word costs one search. In a log of this size the lines of
# a report stand together: no mail broke them, and its victim and its summary are near what these find.
_IN_FULL = (b' invoked oom-killer: gfp_mask=0x', b'page allocation failure', b'ut of memory')
_IN_FULL_FROM = 1 << 24
# So much of a log is searched for rare markers too: its beginning and its end, where the newest events are, or its
# beginning alone if its size is not known.
_RARE_AT_AN_END = 3 << 20
_RARE_TO = 1 << 23

# Before Python 3.10 the search skips further if fewer letters of the word are common: the part to look for, and its
# place in the word.
_FASTER = {b'page allocation failure': (b'age allocation failu', 1)} if sys.version_info < (3, 10) else {}


class Finder:
    """Finds the next of several markers in a buffer, and remembers where each stands.

    ``size`` is the number of the log's bytes, None if it is not known.
    """

    def __init__(self, markers, size=None):
        self.markers = self._markers = markers
        self._places = [None] * len(markers)
        self._rare_to = _RARE_TO if size is None else _RARE_AT_AN_END
        self._rare_from = None if size is None else size - _RARE_AT_AN_END

    def passed(self, offset, length):
        """Note that the log was read up to this offset, and that so many bytes are searched next."""
        if offset < self._rare_to or self.markers[: len(MARKERS)] != MARKERS:
            return
        wanted = _IN_FULL if offset >= _IN_FULL_FROM else MARKERS[: -len(RARE)]
        if self._rare_from is not None and offset + length > self._rare_from:
            wanted += RARE
        wanted += self.markers[len(MARKERS) :]
        if wanted != self._markers:
            self._markers = wanted
            self.forget()

    def forget(self):
        """Note that the buffer has changed."""
        self._places = [None] * len(self._markers)

    def marked(self, block, before):
        """True if a marker stands in a block, or across the end of ``before``. Its place is known after that."""
        seam = before[-OVERLAP:] + block[:OVERLAP]
        self._places = [self._find(block, marker, 0, len(block)) for marker in self._markers]
        if any(marker in seam for marker in self._markers):
            self.forget()
            return True
        return max(self._places) >= 0

    def moved(self, distance):
        """Note that what was searched now stands this many bytes further back."""
        self._places = [place + distance if place is not None and place >= 0 else place for place in self._places]

    def first(self, buffer, position, unseen):
        """The offset of the first marker from ``position`` on, or -1. Before ``unseen`` there is none."""
        first, end = -1, len(buffer)
        for index, marker in enumerate(self._markers):
            place = self._places[index]
            if place is None or 0 <= place < position:
                begin = position if place is not None else max(position, unseen)
                place = self._find(buffer, marker, begin, end)
                # It was not looked for behind another marker.
                self._places[index] = None if place < 0 <= first else place
            if place >= 0 and (first < 0 or place < first):
                first, end = place, place + OVERLAP
        return first

    @staticmethod
    def _find(buffer, marker, begin, end):
        if marker not in _FASTER:
            return buffer.find(marker, begin, end)
        part, distance = _FASTER[marker]
        place = buffer.find(part, begin + distance, end)
        while place >= 0 and not buffer.startswith(marker, place - distance):
            place = buffer.find(part, place + 1, end)
        return place - distance if place >= 0 else -1
