# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task table of an OOM report, read by the cells of its header, as kernels and vendors have different columns."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re
from collections import namedtuple
from itertools import count, takewhile
from operator import itemgetter

# The most rows that are held of one table; of a longer one those with the most memory are kept.
MOST_ROWS = 1 << 15
_MOST_CELLS = 24
_MOST_PIECES = 4
_LONGEST_ROW = 1000
_LARGEST = 1 << 64
# One process, as a table lists it: sizes in pages, None if the table lacks a cell. ``pgtables`` is in bytes if the
# table's ``pgtables_in_bytes`` is true.
Row = namedtuple('Row', 'rss total_vm pid uid tgid pgtables swapents oom_score_adj name rss_anon')
# Takes a cell of the plain tuples that a table holds: to make a Row of each would add a tenth to reading a report.
_CELL_OF = dict((name, itemgetter(place)) for place, name in enumerate(Row._fields))
_CELLS = ('rss', 'total_vm', 'uid', 'tgid', 'swapents', 'oom_score_adj', 'rss_anon')
# The cells of a row by the count of its numbers, as kernels since 2.6.36 print them; where two of them print another
# thing in a place, it is not read.
_CELLS_BY_COUNT = {
    8: 'uid tgid total_vm rss - - oom_score_adj',
    9: 'uid tgid total_vm rss nr_ptes nr_pmds swapents oom_score_adj',
    11: 'uid tgid total_vm rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj',
}
_LONE_ROW = re.compile(r'\[\s{0,9}\d{1,10}\](?:\s{1,20}-?\d{1,20}){7,10}\s{1,20}\S')
_PAGE_TABLE_CELLS = ('nr_ptes', 'nr_pmds', 'nr_puds')


def is_header(message):
    """True if a message is the table's first line."""
    return message[:1] == '[' and 'total_vm' in message and 'pid' in message[:12]


def guessed_header(message):
    """The header that a table must have had, by one of its rows; None if the message is no row that tells it."""
    if not _LONE_ROW.match(message):
        return None
    cells = message[1:_LONGEST_ROW].replace(']', ' ', 1).split()
    numbers = sum(1 for dummy in takewhile(lambda cell: cell.lstrip('-').isdigit(), cells))
    known = _CELLS_BY_COUNT.get(numbers)
    return '[ pid ] %s name' % known if known else None


class TaskTable:
    """A table, read by the cells that its header names. ``rows`` are tuples of the values of a Row.

    A ``headless`` table lost its header, and is read by the header of another table of the same host, or by the count
    of its cells.
    """

    def __init__(self, header, headless=False):
        self.header = header
        self.headless = headless
        cells = header.partition(']')[2].split()[:_MOST_CELLS]
        if 'name' in cells:
            cells = cells[: cells.index('name')]
        self.rows = []
        self._by_pid = self._by_tgid = None
        self.dropped = 0
        self.pgtables_in_bytes = 'pgtables_bytes' in cells
        self._numbers = len(cells) + 1
        places = dict(zip(cells, count(1)))
        absent, zero = self._numbers, self._numbers + 1
        page_tables = ('pgtables_bytes',) if self.pgtables_in_bytes else _PAGE_TABLE_CELLS
        self._has_page_tables = any(cell in places for cell in page_tables)
        # After the numbers of a row come a None and a 0, for the cells that this kernel does not print.
        self._pick = itemgetter(
            0,
            *[places.get(cell, absent) for cell in _CELLS]
            + [places.get(cell, zero) for cell in page_tables]
            + [zero] * (len(_PAGE_TABLE_CELLS) - len(page_tables))
        )

    def add(self, message, pieces=()):
        """Read a row; ``pieces`` are the lines below, which may continue it. False if this is no row."""
        numbers = self._numbers
        cells = message[1:_LONGEST_ROW].replace(']', ' ', 1).split(None, numbers)
        for piece in pieces[:_MOST_PIECES]:
            if len(cells) > numbers:
                break
            message = '%s %s' % (message, piece)
            cells = message[1:_LONGEST_ROW].replace(']', ' ', 1).split(None, numbers)
        if len(cells) < numbers:
            return False
        try:
            values = list(map(int, cells[:numbers]))
        except ValueError:
            return False
        if max(values) > _LARGEST:
            return False
        values += (None, 0)
        pid, rss, total_vm, uid, tgid, swapents, adjustment, anon, ptes, pmds, puds = self._pick(values)
        page_tables = ptes + pmds + puds if self._has_page_tables else None
        name = cells[numbers].rstrip() if len(cells) > numbers else ''
        self.rows.append((rss or 0, total_vm, pid, uid, tgid, page_tables, swapents, adjustment, name, anon))
        if len(self.rows) >= 2 * MOST_ROWS:
            self._drop()
        return True

    def add_all(self, rows):
        """Read rows, given without the bracket at their beginning, up to the first that is none. The number read."""
        columns = self._columns(rows)
        if columns is None:
            return sum(1 for dummy in takewhile(self.add, ['[' + row for row in rows]))
        names = columns.pop()
        nothing, zeros = [None] * len(names), [0] * len(names)
        columns += [nothing, zeros]
        pid, rss, total_vm, uid, tgid, swapents, adjustment, anon, ptes, pmds, puds = self._pick(columns)
        page_tables = nothing
        if self._has_page_tables:
            page_tables = ptes if self.pgtables_in_bytes else map(sum, zip(ptes, pmds, puds))
        rss = zeros if rss is nothing else rss
        self.rows.extend(zip(rss, total_vm, pid, uid, tgid, page_tables, swapents, adjustment, names, anon))
        if len(self.rows) >= 2 * MOST_ROWS:
            self._drop()
        return len(names)

    def _columns(self, rows):
        """The numbers and the names of some rows, as a list of columns; None if a row has no name or one with blanks.

        All rows are split at once. The bracket after each pid shows that each row has the right number of cells.
        """
        width = self._numbers + 1
        cells = ' '.join(rows).split()
        if not rows or len(cells) != len(rows) * width or max(map(len, rows)) >= _LONGEST_ROW:
            return None
        columns = [cells[place::width] for place in range(width)]
        columns[0] = ' '.join(columns[0] + ['']).split('] ')
        if columns[0].pop() or len(columns[0]) != len(rows):
            return None
        try:
            # Most rows are of the first thread of a process, whose pid is the tgid.
            pids = list(map(int, columns[0]))
            numbers = [pids if column == columns[0] else list(map(int, column)) for column in columns[1:-1]]
        except ValueError:
            return None
        return [pids] + numbers + columns[-1:] if max(map(max, [pids] + numbers)) <= _LARGEST else None

    def _drop(self):
        self.rows.sort(key=_CELL_OF['pid'])
        self.rows.sort(key=_CELL_OF['rss'], reverse=True)
        self.dropped += len(self.rows) - MOST_ROWS
        del self.rows[MOST_ROWS:]

    def has(self, name):
        """Whether this kernel prints a cell of a Row, by the first row."""
        return _CELL_OF[name](self.rows[0]) is not None

    def row(self, place):
        """The row in this place of ``rows``, as a Row."""
        return Row._make(self.rows[place])

    def cells(self, name):
        """One cell of all rows, by its name in Row, as a list in the order of ``rows``."""
        return list(map(_CELL_OF[name], self.rows))

    def largest_first(self):
        """The rows sorted by resident memory, the largest first; rows with the same stay in the kernel's order."""
        return sorted(self.rows, key=_CELL_OF['rss'], reverse=True)

    def find(self, pid):
        """The Row of a process, or None. A row may name another thread, which still had the memory: then by tgid."""
        if self._by_pid is None:
            self._by_pid = self._first_by('pid')
        row = self._by_pid.get(pid)
        if row is None:
            if self._by_tgid is None:
                self._by_tgid = self._first_by('tgid')
            row = self._by_tgid.get(pid)
        return None if row is None else Row._make(row)

    def _first_by(self, name):
        rows = self.rows[::-1]
        return dict(zip(map(_CELL_OF[name], rows), rows))
