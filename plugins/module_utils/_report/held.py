# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What held the memory of a report, in words for its sentence: by its ledger, else by its task table."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from operator import itemgetter

from .._files.sizes import format_size
from .._node.ledger import eater_of

# A part is named beside the largest if it is a tenth of all.
_BESIDE = 10
_MOST_BESIDE = 2
_QUARTER = 4
_BYTES = itemgetter('bytes')
_USED_UP = {
    'page_tables': '%s is page tables',
    'kernel_stacks': '%s is kernel stacks, which each thread has',
    'hugepages': '%s is set aside as huge pages',
    'locked': '%s is page cache that is locked in memory',
    'sockets': '%s is in buffers of sockets',
    'percpu': "%s is the kernel's memory for each CPU",
    'vmalloc': '%s is vmalloc memory of the kernel',
    'zswap': '%s is compressed pages of zswap',
    'zram': '%s is compressed pages of zram or zswap',
    'shmem': '%s is shared memory or tmpfs',
    'page_cache': '%s is page cache',
    'slab_unreclaimable': 'the kernel itself holds %s in slab caches',
    'slab_reclaimable': 'the kernel itself holds %s in slab caches that it may shrink',
    'unaccounted': '%s is in no counter of the kernel',
}


def who_held_it(event):
    """The largest part of the ledger in words, and what else is large beside it; None if nothing tells."""
    if event['trigger']['manual']:
        return None
    eater = eater_of(event['ledger'])
    if eater is None:
        return '; '.join(part for part in (_largest_of_table(event), _reserved(event)) if part) or None
    apart = set_apart(event)
    text = _held(eater, event, apart)
    beside = [_briefly(row) for row in _others(event, eater)]
    if beside:
        text += '; beside it ' + ' and '.join(beside)
    swapped = event['holders'] and event['holders']['swapped'] and _swapped(event, eater)
    told = (_reserved(event), 'of the rest ' + text, swapped) if apart else (text, swapped, _reserved(event))
    return '; '.join(part for part in told + (_too_much(event['ledger']),) if part)


def _too_much(ledger):
    """Words (str) on how many bytes the parts hold beyond the total; None if they are so few that counters which are
    read one after the other may differ by them.
    """
    over = -ledger['unaccounted_bytes']
    if over * _BESIDE < ledger['total_bytes'] or over <= 0:
        return None
    return 'the counters hold %s more than there is, and cannot all be right' % format_size(over)


def _reserved(event):
    reserved = reserved_bytes(event)
    if reserved is None:
        return None
    balloon, driver = balloon_of_reserved(event), ' (%s)' % event['balloon'] if event['balloon'] else ''
    return "%s of the machine's %s RAM is reserved%s" % (
        format_size(reserved), format_size(event['memory']['ram_bytes']),
        ', %s of that by a balloon%s' % (format_size(balloon), driver) if balloon else
        ': by a balloon%s, a crash kernel or firmware' % driver)


def set_apart(event):
    """The bytes of reserved_bytes() if they are more than the ledger's largest part, else None."""
    reserved = reserved_bytes(event)
    eater = reserved and eater_of(event['ledger'])
    return reserved if eater and reserved > eater['bytes'] else None


def balloon_of_reserved(event):
    """The bytes that a balloon has of the RAM that the kernel does not manage, or None."""
    balloon, reserved = event['memory']['balloon_bytes'], event['memory']['reserved_bytes'] or 0
    parts = event['ledger']['parts'] if event['ledger'] else ()
    apart = balloon and balloon <= reserved and not any(part['name'] == 'balloon' for part in parts)
    return balloon if apart else None


def reserved_bytes(event):
    """The bytes of the machine's RAM that the kernel does not manage; None if they are less than a quarter of it, or if
    a cgroup and not the RAM ran out.

    If the guest cannot take a balloon's pages back by itself, the kernel does not count them as managed.
    """
    if event['scope'] == 'memcg':
        return None
    reserved, total = event['memory']['reserved_bytes'], event['memory']['ram_bytes']
    return reserved if reserved and total and reserved * _QUARTER >= total else None


def _largest_of_table(event):
    """What a task table tells without the counters beside it; None if it tells nothing."""
    holders = event['holders']
    if not holders or not holders['holders']:
        return None
    largest = holders['holders'][0]
    if not holders['whole']:
        return _largest_left(event, largest)
    if largest['count'] > 1:
        return '%d processes named %s hold %s together, shared pages counted for each' % (
            largest['count'], largest['name'], format_size(largest['bytes']))
    return 'the largest process, %s, holds %s' % (
        named(largest['name'], largest['pid']), format_size(largest['bytes'])) + _own_swap(largest, largest)


def _largest_left(event, largest):
    """The largest process of a table of which only a part is left, unless it is the one that was killed."""
    if largest['count'] > 1 or largest['pid'] in [victim['pid'] for victim in event['victims']]:
        return None
    return 'of the processes that the log still lists, the largest, %s, holds %s' % (
        named(largest['name'], largest['pid']), format_size(largest['bytes']))


def _held(eater, event, apart):
    kind, size = eater['kind'], _size_and_share(eater, event)
    holder = _holder(event, eater['name'])
    if kind == 'process':
        alone = not apart and 0.5 < (eater['share'] or 0) <= 1
        words = '%s alone holds %s' if alone else 'the largest process, %s, holds %s'
        return words % (named(eater['name'], holder and holder['pid']), size) + _own_swap(holder, eater)
    if kind == 'processes':
        return '%s processes named %s hold %s together' % (holder['count'] if holder else 'the', eater['name'], size)
    if kind == 'other':
        return '%s is %s' % (size, eater['name'])
    return _USED_UP[kind] % size + _more_of(kind, event)


def _own_swap(holder, eater):
    swap = holder and holder['swap_bytes'] or 0
    return ' and %s of swap' % format_size(swap) if swap * 20 >= eater['bytes'] else ''


def _size_and_share(part, event):
    if part['share'] is None or part['share'] > 1 or event['scope'] in ('cpuset', 'mempolicy'):
        # The ledger is of all nodes, and only some of them could be used.
        return format_size(part['bytes'])
    return '%s (%d %%)' % (format_size(part['bytes']), round(part['share'] * 100))


def _holder(event, name):
    """The largest holder of a name in an event's table, or None."""
    holders = event['holders'] and event['holders']['holders'] or ()
    return next((holder for holder in holders if holder['name'] == name), None)


def named(name, pid):
    """A process in words: its name, and its pid if that is known."""
    return '%s (pid %d)' % (name or 'a process without a name', pid) if pid is not None else name or 'one process'


def _more_of(kind, event):
    """What else the report tells of a part, or ''."""
    if kind == 'page_cache':
        part = next(part for part in event['ledger']['parts'] if part['kind'] == kind)
        return '' if part['droppable'] else ', most of it not written yet'
    if kind == 'slab_unreclaimable':
        name = next(part for part in event['ledger']['parts'] if part['kind'] == kind)['name']
        return ', most of it %s' % name if name else ''
    return _of_no_counter(event) if kind == 'unaccounted' else ''


def _of_no_counter(event):
    """What the memory that the kernel does not count may be."""
    if event['balloon']:
        return ', and this machine has a balloon (%s)' % event['balloon']
    if event['scope'] == 'memcg':
        return ''
    sites = [row for row in event['memory']['allocations'] if not _is_counted(row['site'])]
    if sites and sites[0]['bytes'] * 2 > event['ledger']['unaccounted_bytes']:
        return ', most of it of %s' % sites[0]['site'].split(' ')[0]
    zram = ', zram' if event['memory']['zspages_bytes'] is None and event['memory']['swap_total_bytes'] else ''
    return ': a driver, buffers of sockets or pipes, vmalloc, memory for each CPU%s or a balloon' % zram


def _is_counted(site):
    """True if what this line of the kernel's source allocates is counted as pages of the lists or of slab caches."""
    return ' mm/' in site


def _others(event, eater):
    """The other parts that hold a tenth of all or more, the largest first."""
    ledger = event['ledger']
    total, unaccounted = ledger['total_bytes'], ledger['unaccounted_bytes']
    found = []
    if unaccounted * _BESIDE >= total:
        found.append({'kind': 'unaccounted', 'name': None, 'bytes': unaccounted})
    for part in ledger['parts']:
        if not part['bytes'] or part['bytes'] * _BESIDE < total:
            break
        if part['kind'] != 'free':
            found.append(part)
    found.sort(key=_BYTES, reverse=True)
    return [part for part in found if not _is_same(part, eater)][:_MOST_BESIDE]


def _is_same(part, eater):
    return part['kind'] == eater['kind'] and part['bytes'] == eater['bytes'] and part['name'] == eater['name']


_BRIEFLY = {
    'shmem': 'shared memory', 'unaccounted': 'what no counter of the kernel holds', 'hugepages': 'huge pages',
    'locked': 'locked page cache', 'sockets': 'buffers of sockets', 'slab_unreclaimable': "the kernel's slab caches",
    'slab_reclaimable': 'slab caches that can shrink', 'percpu': "the kernel's memory for each CPU",
}


def _briefly(part):
    if part['kind'] == 'process':
        words = part['name']
    elif part['kind'] == 'processes':
        words = 'processes named ' + part['name'] if part['name'] else 'many small processes'
    else:
        words = part['name'] if part['kind'] == 'other' else _BRIEFLY.get(part['kind'], part['kind'].replace('_', ' '))
    return '%s (%s)' % (words, format_size(part['bytes']))


def _swapped(event, eater):
    """The process that has most in swap, in words, if that is much beside what the largest part holds in RAM; or None.
    """
    row = event['holders']['swapped']
    if row['swap_bytes'] * 4 < eater['bytes']:
        return None
    holder = _holder(event, eater['name'])
    if eater['kind'] == 'process' and holder and holder['pid'] == row['pid']:
        return None
    return '%s has %s in swap' % (named(row['name'], row['pid']), format_size(row['swap_bytes']))
