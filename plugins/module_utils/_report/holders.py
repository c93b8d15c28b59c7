# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds anonymous memory by a task table: single processes, many of one name, and all the small ones together."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

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
    exact = table.row(0).rss_anon is not None
    sizes = [pages * size for pages in table.cells('rss_anon' if exact else 'rss')]
    exacts = {}
    if not exact and known:
        for place, pid in enumerate(table.cells('pid')):
            if pid in known:
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
        _holder(name, None, count, nbytes, None, exact)
        for name, (count, nbytes, largest) in _groups(table.cells('name'), sizes).items()
        if count >= _MANY and largest * 2 <= nbytes and nbytes >= least
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
    """{name: (number of processes, bytes, bytes of the largest)}; empty if too few have a name in common."""
    if len(names) - len(set(names)) < _MANY - 1:
        return {}
    groups = {}
    for name, nbytes in zip(names, sizes):
        count, total, largest = groups.get(name, (0, 0, 0))
        groups[name] = (count + 1, total + nbytes, nbytes if nbytes > largest else largest)
    return groups


def _swapped(table, size):
    """The process that holds the most swap: {name, pid, swap_bytes, rss_bytes}, or None."""
    if table.row(0).swapents is None:
        return None
    swapped = table.cells('swapents')
    row = table.row(swapped.index(max(swapped)))
    if not row.swapents:
        return None
    return {'name': row.name, 'pid': row.pid, 'swap_bytes': row.swapents * size, 'rss_bytes': row.rss * size}


def _page_tables(table, size):
    if table.row(0).pgtables is None:
        return None
    return sum(table.cells('pgtables')) * (1 if table.pgtables_in_bytes else size)
