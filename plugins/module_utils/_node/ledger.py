# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the memory of a host or a cgroup is: parts that add up to a total, and the rest that no counter has.

The ledgers of a report and of a running host are made of the same parts and summed here.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

KINDS = (
    'process', 'processes', 'shmem', 'page_cache', 'slab_unreclaimable', 'slab_reclaimable', 'page_tables',
    'kernel_stacks', 'hugepages', 'locked', 'sockets', 'percpu', 'vmalloc', 'zswap', 'zram', 'free', 'other',
)
UNACCOUNTED = 'unaccounted'
_KNOWN = frozenset(KINDS)


def make_part(kind, nbytes, name=None, swappable=False, droppable=False, approximate=False):
    """One part of a ledger: {kind, name, bytes, share, swappable, droppable, approximate}; make_ledger() fills in the
    share.

    ``nbytes`` is None for a counter that the kernel does not print: its memory is then in the rest. Raises ValueError
    for a kind that is none of ``KINDS``.
    """
    if kind not in _KNOWN:
        raise ValueError('%r is no kind of memory' % (kind,))
    return {'kind': kind, 'name': name, 'bytes': nbytes, 'share': None, 'swappable': swappable,
            'droppable': droppable, 'approximate': approximate}


def make_ledger(total_bytes, parts):
    """{total_bytes, parts, unaccounted_bytes}: the parts with their ``share`` of the total, the largest first.

    ``unaccounted_bytes`` is the total without the parts. It is negative if the parts hold more than the total, which
    happens with counters of different moments. Parts of 0 bytes are left out; those that are not known come last. The
    parts are the given ones, not copies.
    """
    known = sorted([part for part in parts if part['bytes']], key=_largest_first)
    for part in known:
        part['share'] = _share(part['bytes'], total_bytes)
    return {
        'total_bytes': total_bytes,
        'parts': known + [part for part in parts if part['bytes'] is None],
        'unaccounted_bytes': total_bytes - sum([part['bytes'] for part in known]),
    }


# Processes of one name are told together if there are so many and none of them holds half of it.
_MANY = 3
_MOST_HOLDERS = 12
# A part that is less than this of the total is one of the small ones.
_SMALL = 200
_MOST_NAMES = 3
_LEAST_OF_NAMES = 10


def fold_processes(rows, total_bytes):
    """Parts for the anonymous memory of processes, {name, bytes, swappable, approximate} each.

    A part is a ``process``, or ``processes`` for several of one name. One part without a name is for all the small
    ones.
    """
    groups = {}
    for row in rows:
        groups.setdefault(row['name'], []).append(row)
    parts = []
    for name, group in groups.items():
        sizes = [row['bytes'] for row in group]
        if len(group) >= _MANY and max(sizes) * 2 <= sum(sizes):
            parts.append(_joined('processes', group, name))
        else:
            parts += [_joined('process', [row], name) for row in group]
    parts.sort(key=_largest_first)
    named = [part for part in parts[:_MOST_HOLDERS] if part['bytes'] and part['bytes'] * _SMALL >= total_bytes]
    small = parts[len(named):]
    return named + ([_joined('processes', small, None)] if small else [])


def _joined(kind, rows, name):
    nbytes = sum(row['bytes'] for row in rows)
    swappable = sum(row['bytes'] for row in rows if row['swappable'])
    return make_part(kind, nbytes, name, swappable=swappable * 2 >= nbytes,
                     approximate=any(row['approximate'] and row['bytes'] for row in rows))


def largest_names(sizes, total_bytes):
    """The names in {name: bytes} that hold a tenth of a total or more, the largest first, in one text; or None."""
    named = sorted((-nbytes, name) for name, nbytes in sizes.items() if nbytes and nbytes * _LEAST_OF_NAMES >= (
        total_bytes or 1))
    return ', '.join(name for _nbytes, name in named[:_MOST_NAMES]) or None


def eater_of(ledger):
    """{kind, name, bytes, share} of the largest part that is neither free memory nor the small processes together.

    The eater is ``unaccounted`` if the rest that no counter has is larger than each part. None without a ledger or if
    nothing is in use.
    """
    if ledger is None:
        return None
    total, unaccounted = ledger['total_bytes'], ledger['unaccounted_bytes']
    largest = next((part for part in ledger['parts'] if part['bytes'] and _may_eat(part)), None)
    if unaccounted > (largest['bytes'] if largest else 0):
        return {'kind': UNACCOUNTED, 'name': None, 'bytes': unaccounted, 'share': _share(unaccounted, total)}
    return largest and {
        'kind': largest['kind'], 'name': largest['name'], 'bytes': largest['bytes'], 'share': largest['share']}


def _may_eat(part):
    return part['kind'] != 'free' and not (part['kind'] == 'processes' and part['name'] is None)


def _largest_first(part):
    return -part['bytes'], part['kind'], part['name'] or ''


def _share(nbytes, total_bytes):
    return None if nbytes is None or not total_bytes else nbytes / total_bytes
