# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a cgroup's memory by its statistics (memory.stat), for a report and for a running host alike."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .ledger import make_part

_KERNEL = (
    ('page_tables', 'pagetables', None),
    ('page_tables', 'sec_pagetables', 'secondary, of KVM and IOMMUs'),
    ('kernel_stacks', 'kernel_stack', None),
    ('percpu', 'percpu', None),
    ('vmalloc', 'vmalloc', None),
    ('zswap', 'zswap', None),
    ('slab_unreclaimable', 'slab_unreclaimable', None),
    ('slab_reclaimable', 'slab_reclaimable', None),
)


def cgroup_parts(statistics):
    """(anonymous bytes or None, list of the parts of page cache and shared memory), by {name: bytes} of a memory.stat.
    """
    get = statistics.get
    anon, files = get('anon', get('rss')), get('file', get('cache'))
    if files is None:
        return anon, [make_part('page_cache', None), make_part('shmem', None)]
    unevictable = get('unevictable', 0)
    lists = (get('inactive_anon', 0) + get('active_anon', 0), get('inactive_file', 0) + get('active_file', 0))
    shmem, swap_cache = get('shmem'), get('swapcached', 0)
    if shmem is None and anon is not None and 'active_anon' in statistics:
        # Up to 4.14 version 1 counts shared memory as cache, on the lists of anonymous pages.
        shmem = max(0, min(files, lists[0] + unevictable - anon))
    cache = max(0, files - (shmem or 0) - swap_cache)
    locked = min(unevictable, max(0, cache - lists[1])) if 'active_file' in statistics else 0
    if anon is not None and 'active_anon' in statistics:
        anon += max(0, min(swap_cache, sum(lists) + unevictable - (shmem or 0) - cache - anon))
    unwritten = get('file_dirty', get('dirty', 0)) + get('file_writeback', get('writeback', 0))
    return anon, [
        make_part('page_cache', cache - locked, droppable=unwritten * 2 < cache - locked),
        make_part('locked', locked),
        make_part('shmem', shmem, swappable=lists[0] * 2 >= (shmem or 0), approximate='shmem' not in statistics),
    ]


def kernel_of_cgroup(statistics, kernel_bytes=None):
    """The parts that the kernel itself holds: those with a counter, and the rest of what is charged as kernel memory.

    That is ``kernel`` of the statistics since 5.18, and ``kernel_bytes`` (kmem) of version 1.
    """
    parts = [make_part(kind, statistics.get(key), name, droppable=kind == 'slab_reclaimable')
             for kind, key, name in _KERNEL if name is None or key in statistics]
    if 'slab' in statistics and 'slab_unreclaimable' not in statistics:
        parts[-2] = make_part('slab_unreclaimable', statistics['slab'], approximate=True)
    told = sum(part['bytes'] or 0 for part in parts)
    kernel = statistics.get('kernel', kernel_bytes)
    if kernel is not None:
        parts.append(make_part('other', max(0, kernel - told), 'kernel memory'))
    return parts + [make_part('sockets', statistics.get('sock')), make_part('hugepages', statistics.get('hugetlb', 0))]
