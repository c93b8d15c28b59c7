# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger of an OOM report: every page that its counters tell of, counted once.

What is counted where, include/linux/mmzone.h and mm/show_mem.c: the LRU lists (active, inactive, isolated and
unevictable) hold the anonymous pages, the page cache and shared memory, whose pages are on the lists of anonymous ones.
"total pagecache pages" (NR_FILE_PAGES) are the page cache, shared memory and the swap cache, whose pages are anonymous.
So the page cache is NR_FILE_PAGES without shared memory and swap cache, and anonymous memory is the rest of the lists.
Slab, page tables, kernel stacks, huge pages, bounce buffers, free pages and those in per-CPU lists are on none of the
lists. ``mapped``, ``dirty``, ``writeback``, ``mlocked`` and ``free_cma`` count pages a second time that other counters
have.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from operator import itemgetter

from .._node.cgroup_ledger import cgroup_parts, kernel_of_cgroup
from .._node.ledger import largest_names, make_ledger, make_part
from .zones import managed_bytes, shows_all_nodes

ANONYMOUS = 'anonymous memory of no process that is listed'
# If the processes of a table hold less than the lists, a difference up to this part of all memory is drift of the
# counters.
_DRIFT = 50
_LISTS = itemgetter('active_anon_bytes', 'inactive_anon_bytes', 'active_file_bytes', 'inactive_file_bytes')


def ledger_of(event):
    """The ledger of an event of events.py, or None if its report tells too little of it.

    The event has ``holders``, as holders_of() returns them, and ``statistics``, {name: bytes} of the cgroup with all
    below it.
    """
    if event['scope'] == 'memcg':
        return _cgroup_ledger(event['cgroup'] or {}, event['holders'], event['statistics'])
    total, lists = managed_bytes(event), _lists(event['memory'])
    if total is None or lists is None or event['memory']['free_bytes'] is None:
        return None
    return make_ledger(total, _host_parts(event, total, lists, event['holders']))


def _lists(memory):
    """(bytes on the lists of anonymous pages, on those of files, on the unevictable one), or None."""
    counts = _LISTS(memory)
    if None not in counts:
        return (
            counts[0] + counts[1] + (memory['isolated_anon_bytes'] or 0),
            counts[2] + counts[3] + (memory['isolated_file_bytes'] or 0),
            memory['unevictable_bytes'] or 0,
        )
    # Before 2.6.28 the lists held both kinds.
    both, anon = (memory['active_bytes'], memory['inactive_bytes']), memory['mapped_anon_bytes']
    if None in both or anon is None:
        return None
    return anon, max(0, sum(both) - anon), 0


def _split(lists, file_pages, shmem, swap_cache):
    """(anonymous, page cache, shared memory, locked page cache) in bytes: together all that the lists hold.

    ``file_pages`` is NR_FILE_PAGES in bytes, None if that is not told.
    """
    anon_list, file_list, unevictable = lists
    shmem = min(shmem, anon_list + unevictable)
    if file_pages is None:
        cache, locked = file_list, unevictable
    else:
        cache = min(max(0, file_pages - shmem - swap_cache), file_list + unevictable)
        # Pages that madvise(MADV_FREE) gave up are anonymous, and are on the lists of files.
        locked = min(unevictable, max(0, cache - file_list))
        cache -= locked
    shmem = min(shmem, sum(lists) - cache - locked)
    return sum(lists) - cache - locked - shmem, cache, shmem, locked


def _host_parts(event, total, lists, holders):
    memory = event['memory']
    anon, cache, shmem, locked = _split(
        lists, memory['pagecache_bytes'], memory['shmem_bytes'] or 0, memory['swapcache_bytes'] or 0)
    unwritten = (memory['dirty_bytes'] or 0) + (memory['writeback_bytes'] or 0)
    part_of_nodes = not shows_all_nodes(event)
    parts = _processes(anon, memory['mapped_bytes'], holders, total, lists[0])
    parts += [
        make_part('shmem', None if memory['shmem_bytes'] is None else shmem, swappable=lists[0] * 2 >= shmem),
        make_part('page_cache', cache, droppable=unwritten * 2 < cache, approximate=memory['pagecache_bytes'] is None),
        make_part('locked', locked, approximate=memory['pagecache_bytes'] is None),
        make_part('kernel_stacks', memory['kernel_stack_bytes'], approximate=part_of_nodes),
        make_part('hugepages', memory['hugepages_bytes']),
        make_part('free', memory['free_bytes'] + (memory['free_pcp_bytes'] or 0)),
        make_part('zram', memory['zspages_bytes'], 'zsmalloc (zram or zswap)', approximate=part_of_nodes),
    ]
    parts += _slab(memory) + _page_tables(memory, holders) + _others(memory)
    parts += _NEVER_PRINTED
    return parts + _balloon(memory['balloon_bytes'], parts, total) if memory['balloon_bytes'] else parts


# The parts of a host that no kernel prints in a report.
_NEVER_PRINTED = [make_part(kind, None) for kind in ('sockets', 'vmalloc', 'percpu')]


def _balloon(nbytes, parts, total):
    """The part of a balloon, unless its driver took the pages off the RAM that the kernel manages.

    It does that if the guest may not give them back by itself (virtio without deflate-on-oom, Hyper-V, Xen): then they
    are reserved, and not in the total.
    """
    unaccounted = total - sum(part['bytes'] or 0 for part in parts)
    return [make_part('other', nbytes, 'balloon')] if unaccounted * 10 >= nbytes * 9 else []


def _slab(memory):
    if memory['slab_unreclaimable_bytes'] is None and memory['slab_bytes'] is not None:
        return [make_part('slab_unreclaimable', memory['slab_bytes'], approximate=True)]
    unreclaimable = memory['slab_unreclaimable_bytes']
    caches = dict((cache['name'], cache['bytes']) for cache in memory['slab_caches'])
    return [
        make_part('slab_unreclaimable', unreclaimable, largest_names(caches, unreclaimable)),
        make_part('slab_reclaimable', memory['slab_reclaimable_bytes'], droppable=True),
    ]


def _page_tables(memory, holders):
    nbytes, approximate = memory['pagetables_bytes'], False
    if nbytes is None and holders is not None and holders['whole']:
        nbytes, approximate = holders['pgtables_bytes'], True
    parts = [make_part('page_tables', nbytes, None, False, False, approximate)]
    if memory['sec_pagetables_bytes']:
        parts.append(make_part('page_tables', memory['sec_pagetables_bytes'], 'secondary, of KVM and IOMMUs'))
    return parts


_OTHERS = (
    ('bounce_bytes', 'bounce buffers', False),
    ('kernel_misc_reclaimable_bytes', 'reclaimable, of drivers', True),
    ('writeback_tmp_bytes', 'pages that FUSE writes', False),
    ('hwpoisoned_bytes', 'broken memory', False),
    ('gpu_bytes', 'graphics', False),
)


def _others(memory):
    return [make_part('other', memory[key], name, False, droppable) for key, name, droppable in _OTHERS if memory[key]]


def _processes(anon, mapped, holders, total, swappable):
    """Parts that add up to the anonymous memory, by the processes of the table.

    ``mapped`` is the bytes of files and shared memory that any page table maps, or None; ``swappable`` the bytes on the
    lists that the kernel may swap out.
    """
    if holders is None:
        return [make_part('other', anon, ANONYMOUS, swappable=swappable * 2 >= anon)]
    rows, small = holders['holders'], holders['small_bytes']
    sizes = [one['bytes'] for one in rows]
    capped = sum(sizes) + small > anon
    if capped:
        sizes, small = _capped(sizes, [_floor(one, mapped) for one in rows], small, anon)
    parts = [
        make_part('process' if one['count'] == 1 else 'processes', nbytes, one['name'], swappable * 2 >= nbytes, False,
                  capped or not one['exact'])
        for one, nbytes in zip(rows, sizes)
    ]
    rest_bytes = anon - sum(sizes) - small
    if rest_bytes * _DRIFT > total or not (small or holders['whole']):
        parts.append(make_part('other', rest_bytes, ANONYMOUS, swappable=swappable * 2 >= rest_bytes))
    else:
        small += rest_bytes
    return parts + [make_part('processes', small, swappable=swappable * 2 >= small,
                              approximate=capped or bool(rest_bytes) or not holders['exact'])]


def _floor(holder, mapped):
    """The least anonymous memory that a holder can have: what it shares with files is mapped."""
    if holder['exact']:
        return holder['bytes']
    return 0 if mapped is None else max(0, holder['bytes'] - holder['count'] * mapped)


def _capped(sizes, floors, small, anon):
    """(sizes, the size of the small ones) that add up to the anonymous memory. Those of a table can be more, as pages
    are shared.
    """
    floor, told = sum(floors), sum(sizes) + small
    if floor >= anon:
        sizes = [low * anon // floor if floor else 0 for low in floors]
    else:
        sizes = [low + (nbytes - low) * (anon - floor) // (told - floor) for nbytes, low in zip(sizes, floors)]
    return sizes, anon - sum(sizes)


def _cgroup_ledger(cgroup, holders, statistics):
    total = cgroup.get('usage_bytes')
    if total is None or not (statistics or holders):
        return None
    anon, known = cgroup_parts(statistics)
    known += kernel_of_cgroup(statistics, cgroup.get('kmem_usage_bytes'))
    room = total - sum(part['bytes'] or 0 for part in known)
    if anon is None:
        told = sum(one['bytes'] for one in holders['holders']) + holders['small_bytes'] if holders else 0
        anon = max(0, min(room, told))
    evictable = [statistics[key] for key in ('inactive_anon', 'active_anon') if key in statistics]
    parts = _processes(anon, None, holders, total, sum(evictable) if evictable else anon) + known
    return make_ledger(total, parts)
