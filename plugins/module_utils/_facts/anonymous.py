# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds the anonymous memory of a running host: single processes, several of one name, all the small ones together.

Processes that were forked share pages until one writes to them, and each counts them (RssAnon). The proportional set
size counts a page once (Pss_Anon of /proc/PID/smaps_rollup). To tell it, the kernel walks all page tables of a process;
so only the largest processes are asked, while CPU time is left.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._node.ledger import fold_processes, make_part

UNSEEN = 'anonymous memory of no process that is seen here'
_PSS = re.compile(r'^(Pss_Anon|Pss|Rss|Anonymous):\s+(\d+) kB', re.MULTILINE)
# What a walk took at most on a slow machine, on top of its resident memory: 20 ms a GiB.
_SECONDS, _BYTES_PER_SECOND = 0.0005, 50 << 30
# Counters of each CPU are added up late: up to this part of all memory is drift.
_DRIFT = 50


def anonymous_bytes(host, row, page_bytes):
    """(the anonymous memory of a process in bytes, True if that is exact); (None, False) if it is not told.

    Before 8cee852ec53f (4.5) it follows from what /proc/PID/statm says is shared; shared memory counts as the process's
    own there.
    """
    if row['anon_bytes'] is not None:
        return row['anon_bytes'], True
    words = (host.read('/proc/%d/statm' % row['pid']) or '').split() if row['rss_bytes'] else []
    if len(words) < 3 or not (words[1].isdigit() and words[2].isdigit()):
        return row['rss_bytes'], False
    return max(0, int(words[1]) - int(words[2])) * page_bytes, False


def proportional_bytes(text):
    """The anonymous share of smaps_rollup, shared pages divided among those who have them; None if it is not there.

    Before ee2ad71b0756 (5.4) Pss is of files as well, and is taken only if it is no more than the anonymous memory.
    """
    sizes = dict((name, int(number) * 1024) for name, number in _PSS.findall(text or ''))
    if 'Pss_Anon' in sizes:
        return sizes['Pss_Anon']
    if 'Pss' not in sizes or 'Anonymous' not in sizes:
        return None
    return min(sizes['Pss'], sizes['Anonymous'])


class Holders:
    """The anonymous memory of processes by pid: {pid: (bytes, True if each page counts once)}."""

    def __init__(self, host, rows, page_bytes):
        self._host = host
        self._rows, self.known = [], {}
        for row in rows:
            nbytes, exact = (None, False) if row['kernel_thread'] else anonymous_bytes(host, row, page_bytes)
            if nbytes is not None:
                self._rows.append(row)
                self.known[row['pid']] = (nbytes, exact)

    def total_bytes(self):
        """The bytes of all of them, with shared pages counted more than once."""
        return sum(nbytes for nbytes, _exact in self.known.values())

    def share(self, clock, seconds):
        """Count shared pages once for the largest processes, until ``seconds`` of CPU time have passed on a clock.

        The figures of the others are no longer exact.
        """
        end, asked = clock() + seconds, set()
        some = [row for row in self._rows if self.known[row['pid']][0]]
        for row in sorted(some, key=lambda row: -self.known[row['pid']][0]):
            if clock() + _SECONDS + (row['rss_bytes'] or 0) / float(_BYTES_PER_SECOND) > end:
                continue
            nbytes = proportional_bytes(self._host.read('/proc/%d/smaps_rollup' % row['pid']))
            if nbytes is not None:
                asked.add(row['pid'])
                self.known[row['pid']] = (nbytes, True)
        for pid, (nbytes, _exact) in self.known.items():
            if pid not in asked:
                self.known[pid] = (nbytes, False)

    def holders(self, pids=None):
        """[{name, bytes, swappable, approximate}] of these processes, or of all."""
        return [{
            'name': row['name'],
            'bytes': self.known[row['pid']][0],
            'swappable': (row['locked_bytes'] or 0) * 2 < self.known[row['pid']][0],
            'approximate': not self.known[row['pid']][1],
        } for row in self._rows if pids is None or row['pid'] in pids]


def shares_pages(told_bytes, anon_bytes, total_bytes):
    """False if processes hold just what the kernel counts: then no page is in two of them, and none is missing."""
    return abs(told_bytes - anon_bytes) * _DRIFT * 2 > total_bytes


def anonymous_parts(holders, anon_bytes, total_bytes):
    """The parts of a ledger for the anonymous memory; together they are ``anon_bytes`` (None: what processes tell).

    If processes hold more, that is shared between them, and each gets its proportion. If they hold less, the rest is in
    processes that cannot be seen, as from within a container, or drift of the counters.
    """
    parts = fold_processes(holders, total_bytes)
    told = sum(part['bytes'] for part in parts)
    if anon_bytes is None:
        return parts
    if told > anon_bytes:
        return _capped(parts, anon_bytes)
    rest_bytes = anon_bytes - told
    if rest_bytes * _DRIFT > total_bytes or not holders:
        return parts + [make_part('other', rest_bytes, UNSEEN, swappable=True)]
    fold = next((part for part in parts if part['name'] is None), None)
    if fold is None:
        return parts + [make_part('processes', rest_bytes, swappable=True, approximate=True)]
    fold.update(bytes=fold['bytes'] + rest_bytes, approximate=fold['approximate'] or rest_bytes * 2 > fold['bytes'])
    return parts


def _capped(parts, anon_bytes):
    """The parts, smaller where they are approximate, so that they add up; all of them smaller if that is not enough."""
    exact = sum(part['bytes'] for part in parts if not part['approximate'])
    loose = sum(part['bytes'] for part in parts if part['approximate'])
    over = exact + loose - anon_bytes
    if over > loose:
        return [dict(part, bytes=part['bytes'] * anon_bytes // (exact + loose), approximate=True) for part in parts]
    return [dict(part, bytes=part['bytes'] - part['bytes'] * over // loose) if part['approximate'] else part
            for part in parts]
