# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds anonymous memory by a task table: single processes, many of one name, and all the small ones together."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import collections

# Processes of one name are told together if there are so many and none of them holds half of it.
_MANY = 3
_MOST_HOLDERS = 12
# A holder of less than this part of all is one of the small ones.
_SMALL = 200


def holders_of(report, size):
    """{exact, whole, holders, small_bytes, swapped, pgtables_bytes}: who held the memory of a report; None if nothing
    tells.

    ``holders`` are {name, pid, count, bytes, swap_bytes, exact}, the largest first; ``pid`` is None for several
    processes of one name. ``exact`` is true if the bytes are anonymous memory: tables before 6.8 tell only resident
    memory, but the line of a victim tells its anonymous memory. ``swapped`` is the process that holds the most swap.
    ``pgtables_bytes`` is None if the memory block counts the page tables.
    """
    table = report.table
    known = dict((victim['pid'], victim['anon_rss_kb'] * 1024) for victim in report.victims
                 if victim['anon_rss_kb'] is not None)
    if table is None or not table.rows:
        return _of_victims(report.victims)
    if size is None:
        return None
    exact = table.has('rss_anon')
    sizes = [pages * size for pages in table.cells('rss_anon' if exact else 'rss')]
    exacts = {}
    if not exact and known:
        pids = table.cells('pid')
        for pid in known:
            if pid in pids:
                place = pids.index(pid)
                sizes[place] = exacts[place] = known[pid]
    holders, small = _chosen(table, sizes, size, exact, exacts)
    return {
        'exact': exact,
        'whole': not (table.dropped or table.headless),
        'holders': holders,
        'small_bytes': small,
        'swapped': _swapped(table, size),
        'pgtables_bytes': None if _is_counted(report.memory_block) else _page_tables(table, size),
    }


def _is_counted(block):
    return block is not None and 'pagetables' in block.counters


def _of_victims(victims):
    holders = [
        _holder(victim['name'], victim['pid'], 1, victim['anon_rss_kb'] * 1024, None, True)
        for victim in victims if victim['anon_rss_kb']
    ]
    if not holders:
        return None
    return {'exact': True, 'whole': False, 'holders': holders[:_MOST_HOLDERS], 'small_bytes': 0, 'swapped': None,
            'pgtables_bytes': None}


def _holder(name, pid, count, nbytes, swap_bytes, exact):
    return {'name': name, 'pid': pid, 'count': count, 'bytes': nbytes, 'swap_bytes': swap_bytes, 'exact': exact}


def _chosen(table, sizes, size, exact, exacts):
    """(list of the holders that are told, bytes of all others)."""
    total = sum(sizes)
    least = max(1, -(-total // _SMALL))
    holders = [
        _holder(name, None, len(group), sum(group), None, exact)
        for name, group in _groups(table.cells('name'), sizes).items()
        if max(group) * 2 <= sum(group) and sum(group) >= least
    ]
    folded = [holder['name'] for holder in holders]
    for place in [place for place, nbytes in enumerate(sizes) if nbytes >= least]:
        row = table.row(place)
        if row.name not in folded:
            swap = None if row.swapents is None else row.swapents * size
            holders.append(_holder(row.name, row.pid, 1, sizes[place], swap, exact or place in exacts))
    holders.sort(key=lambda holder: (-holder['bytes'], holder['name'], holder['pid'] or 0))
    del holders[_MOST_HOLDERS:]
    return holders, total - sum([holder['bytes'] for holder in holders])


def _groups(names, sizes):
    """{name: sizes} of the names that enough processes have in common."""
    groups = dict((name, []) for name, count in collections.Counter(names).items() if count >= _MANY)
    for name, nbytes in zip(names, sizes) if groups else ():
        if name in groups:
            groups[name].append(nbytes)
    return groups


def _swapped(table, size):
    """The process that holds the most swap: {name, pid, swap_bytes, rss_bytes}, or None."""
    if not table.has('swapents'):
        return None
    swapped = table.cells('swapents')
    most = max(swapped)
    if not most:
        return None
    row = table.row(swapped.index(most))
    return {'name': row.name, 'pid': row.pid, 'swap_bytes': row.swapents * size, 'rss_bytes': row.rss * size}


def _page_tables(table, size):
    if not table.has('pgtables'):
        return None
    return sum(table.cells('pgtables')) * (1 if table.pgtables_in_bytes else size)
