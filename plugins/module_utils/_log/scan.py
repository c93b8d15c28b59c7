# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the parts of a log that hold OOM reports, at the speed of bytes.find. Lines elsewhere are never looked at."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .find import MARKERS, OVERLAP, Finder
from .text import LONGEST_LINE, log_lines

# How many bytes before a victim the rest of its report is looked for if the header is lost.
_LOOK_BACK = 1 << 16
_LOOK_BACK_FOR_BALLOON = 1 << 10
_EARLIER_PARTS = (
    b'oom-kill',
    b'total_vm',
    b'Mem-Info:',
    b'memory: usage',
    b'Memory cgroup stats',
    b'Tasks state',
    b'Kill process',
    b'Node 0 ',
    b'lowmem_reserve[]:',
    b' pages RAM',
    b'Free swap',
    b' killed as a result of limit of ',
    b'Manual OOM execution',
)
_ROW = re.compile(br'\[ {0,9}\d{1,10}\](?: {1,20}-?\d{1,20}){7}')
_BATCH = 1 << 15
# To count lines costs as much as to find markers: line numbers are told up to this offset of a log.
COUNTED = 1 << 25
_PROBE_EVERY = 1 << 16


def _first_row_above(buffer, low, start):
    """The offset of the first of the rows of a task table right above an offset; the offset itself without one."""
    while start > low:
        above = max(buffer.rfind(b'\n', low, start - 1) + 1, low)
        if not _ROW.search(buffer[above:start]):
            break
        start = above
    return start


class Batch:
    """Consecutive lines of a log: ``texts`` has the lines, place() tells where each stands."""

    def __init__(self, data, path, number, offset):
        self.texts, self._raw = log_lines(data)
        self._size = len(data)
        self.path = path
        self._number = number
        self._offset = offset
        self._known = (0, 0)

    def place(self, index):
        """(path, line number or None, offset) of a line by its index, or of what follows the last line."""
        if index == len(self.texts):
            size = self._size - index + 1
        else:
            known, size = self._known if self._known[0] <= index else (0, 0)
            size += sum(map(len, self._raw[known:index]))
            self._known = (index, size)
        return self.path, None if self._number is None else self._number + index, self._offset + size + index


class Scanner:
    """Reads one log by blocks and feeds the lines of its reports to Messages.

    ``within`` is true if the log begins with the rest of a line whose beginning was read with the log before it.
    ``size`` is the number of the log's bytes, None if it is not known.
    """

    def __init__(self, reader, path, markers=MARKERS, probe=None, offset=0, counted=COUNTED, within=False,
                 size=None):
        self._reader = reader
        self._path = path
        self._finder = Finder(markers, size)
        self.size = size
        self._probe = probe
        self._buffer = b''
        self._base = offset
        self._position = 0
        self._scanned_to = 0
        self._counted_to = 0
        self._counted = counted if not offset else 0
        self._line = 1 if self._counted else None
        self._next_probe = offset
        self._skipping = within
        self.reading = reader.wants_more()

    @property
    def markers(self):
        """The words, as bytes, that begin a report in this log."""
        return self._finder.markers

    @property
    def bytes(self):
        """The offset up to which the log was read."""
        return self._base + len(self._buffer)

    @property
    def ends_in_line(self):
        """True if what was read ends in the middle of a line."""
        return bool(self._buffer) and not self._buffer.endswith(b'\n')

    @property
    def end(self):
        """The bytes that were read last, two lines or more if there are so many."""
        return self._buffer[-2 * LONGEST_LINE :]

    @property
    def line_count(self):
        """The number of lines that were read, None if they were not counted."""
        return None if self._line is None else self._line - 1 + self.ends_in_line

    def feed(self, block):
        """Scan one more block."""
        whole = not self.reading and not self._skipping and len(block) >= _LOOK_BACK
        if whole:
            self._finder.passed(self.bytes, len(block))
        if whole and not self._finder.marked(block, self._buffer):
            # There is nothing in it: the block is kept as it is, as the next one may complete a marker that begins
            # here.
            self._drop(len(self._buffer))
            self._buffer = block
            self._scanned_to = len(block)
        else:
            self._drop(self._position if self.reading else max(self._position, len(self._buffer) - _LOOK_BACK))
            if whole:
                self._finder.moved(len(self._buffer))
            else:
                self._finder.forget()
            self._buffer += block
        if self._probe:
            self._probe_times()
        self._run(False)

    def _drop(self, length):
        """Forget the beginning of the buffer."""
        self._count(length)
        self._buffer = self._buffer[length:]
        self._base += length
        self._position = max(self._position - length, 0)
        self._scanned_to = max(self._scanned_to - length, 0)
        self._counted_to -= length

    def finish(self):
        """Scan what is left: the log ends here."""
        self._run(True)
        self._reader.pause()
        self._count(len(self._buffer))

    def _count(self, position, count=None):
        """Count the lines up to a position, unless reading them has told their number already."""
        if self._line is not None and position > self._counted_to:
            self._line += self._buffer.count(b'\n', self._counted_to, position) if count is None else count
            if self._base + position > self._counted:
                self._line = None
        self._counted_to = max(position, self._counted_to)

    def _probe_times(self):
        while self._next_probe < self._base + len(self._buffer):
            start = self._next_probe - self._base
            if start > 0:
                start = self._buffer.find(b'\n', start, start + 4096) + 1
            if start >= 0:
                self._probe(self._base + start, self._buffer[start : start + 64])
            self._next_probe += _PROBE_EVERY

    def _run(self, last):
        while True:
            if self._skipping:
                end = self._buffer.find(b'\n', self._position)
                self._position = len(self._buffer) if end < 0 else end + 1
                self._count(self._position)
                if end < 0:
                    return
                self._skipping = False
            if self.reading:
                if not self._read_lines(last):
                    return
            elif not self._search():
                return

    def _search(self):
        """Find the next marker and the line that begins its report. False if the buffer has none."""
        buffer = self._buffer
        first = self._finder.first(buffer, self._position, self._scanned_to - OVERLAP)
        self._scanned_to = len(buffer) if first < 0 else first
        if first < 0:
            return False
        low = max(self._position, first - LONGEST_LINE)
        start = max(buffer.rfind(b'\n', low, first) + 1, low)
        if not buffer[start:first].strip(b'> \t'):
            # The marker begins its line: somebody broke a longer line before it.
            start = max(buffer.rfind(b'\n', low, max(start - 1, low)) + 1, low)
        if b'invoked' in buffer[max(first - 16, 0) : first + 16]:
            # The driver of a balloon, and the sysrq key, print their line before the kernel looks for a victim.
            low = max(self._position, start - _LOOK_BACK_FOR_BALLOON)
            places = [buffer.find(word, low, start) for word in (b'balloon', b'Manual OOM execution')]
            place = min([place for place in places if place >= 0] or [-1])
            start = start if place < 0 else max(buffer.rfind(b'\n', low, place) + 1, low)
        else:
            low = max(self._position, start - _LOOK_BACK)
            if low < start:
                places = [buffer.find(part, low, start) for part in _EARLIER_PARTS]
                earliest = min([place for place in places if place >= 0] or [start])
                start = max(buffer.rfind(b'\n', low, earliest) + 1, low)
                start = _first_row_above(buffer, low, start)
        self._count(start)
        self._position = start
        self.reading = True
        self._reader.begin()
        return True

    def _read_lines(self, last):
        """Feed whole lines. False if the buffer has no more of them."""
        buffer, start = self._buffer, self._position
        end = buffer.rfind(b'\n', start, start + _BATCH) + 1
        if end <= start:
            end = buffer.find(b'\n', start) + 1
            if end <= start:
                if not last and len(buffer) - start < LONGEST_LINE:
                    return False
                end = len(buffer)
                if end == start:
                    return False
                self._skipping = not last
        chunk = buffer[start:end]
        if chunk[-1:] == b'\n':
            chunk = chunk[:-1]
        batch = Batch(chunk, self._path, self._line, self._base + start)
        taken = self._reader.feed(batch)
        dummy, dummy, offset = batch.place(taken)
        position = min(offset - self._base, end)
        self._count(position, taken - (buffer[position - 1 : position] != b'\n'))
        self._position = position
        self.reading = self._reader.wants_more()
        return True
