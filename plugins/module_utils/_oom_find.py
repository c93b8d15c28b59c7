# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks for the words that stand in every report, at the speed of bytes.find."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import sys

# A report's header or its summary, its victim, or the allocation that failed.
MARKERS = (b'oom-kill', b'Killed process', b'page allocation failure')
OVERLAP = 32

# Since 3.10 bytes.find skips the further the longer the word is: header and summary in full are found sooner than what
# both hold. Only a line that a mail client broke has neither, and no log of that size comes from one.
_IN_FULL = (b' invoked oom-killer: gfp_mask=0x', b'oom-kill:constraint=')
_IN_FULL_FROM = 1 << 24 if sys.version_info >= (3, 10) else float('inf')

# Before that it skips the further the fewer letters of the word are common: the part to look for, and where it stands.
_FASTER = {b'page allocation failure': (b'age allocation failu', 1)} if sys.version_info < (3, 10) else {}

# So many letters K in a block, and looking at each costs as much as a search for the whole word, which is then made for
# some blocks. Python 2 has no memchr(3) in its find.
_MOST_TRIES = 400 if str is not bytes else 0
_COMMON_FOR = 16


class Finder:
    """The next of several markers in a buffer; remembers where each stands."""

    def __init__(self, markers):
        self._markers = markers
        self._places = [None] * len(markers)
        self._common = 0

    def passed(self, offset):
        """The log was read up to here."""
        if offset >= _IN_FULL_FROM and self._markers[0] == MARKERS[0]:
            self._markers = _IN_FULL + self._markers[1:]
            self.forget()

    def forget(self):
        """The buffer has changed."""
        self._places = [None] * len(self._markers)

    def marked(self, block, before):
        """Whether a marker stands in a block, or where it meets what came before. Its places are known after that."""
        seam = before[-OVERLAP:] + block[:OVERLAP]
        self._places = [self._find(block, marker, 0) for marker in self._markers]
        if any(marker in seam for marker in self._markers):
            self.forget()
            return True
        return max(self._places) >= 0

    def moved(self, distance):
        """What was searched stands further behind now."""
        self._places = [place + distance if place is not None and place >= 0 else place for place in self._places]

    def first(self, buffer, position, unseen):
        """Where the first marker from ``position`` on begins, or -1; before ``unseen`` there is none."""
        first = -1
        for index, marker in enumerate(self._markers):
            place = self._places[index]
            if place is None:
                place = self._places[index] = self._find(buffer, marker, max(position, unseen))
            elif 0 <= place < position:
                place = self._places[index] = self._find(buffer, marker, position)
            if place >= 0 and (first < 0 or place < first):
                first = place
        return first

    def _find(self, buffer, marker, begin):
        """bytes.find, by way of memchr(3) where a marker begins with a letter that logs rarely hold."""
        if marker in _FASTER:
            part, distance = _FASTER[marker]
            place = buffer.find(part, begin + distance)
            while place >= 0 and not buffer.startswith(marker, place - distance):
                place = buffer.find(part, place + 1)
            return place - distance if place >= 0 else -1
        if marker[:1] != b'K' or not _MOST_TRIES:
            return buffer.find(marker, begin)
        if self._common:
            self._common -= 1
            return buffer.find(marker, begin)
        for _try in range(_MOST_TRIES):
            begin = buffer.find(b'K', begin)
            if begin < 0 or buffer.startswith(marker, begin):
                return begin
            begin += 1
        self._common = _COMMON_FOR
        return buffer.find(marker, begin)
