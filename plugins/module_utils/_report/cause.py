# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why it happened, in one sentence that says no more than the report does."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from operator import itemgetter

from .zones import fragmented, plenty, spared_high_memory, tell
from .._node.sizes import format_size

# A group of processes of one name is worth a word from this many on.
_MANY = 5
# No host has that many times its RAM in swap: such a figure is a mistake of the log's, or a lie.
_MOST_SWAP_PER_RAM = 64


def cause_of(event):
    """The sentence for an event of events.py, of which ``holders`` says who held the memory."""
    if event['kind'] == 'allocation_failure':
        return _allocation_failure(event)
    sentence = _what_ran_out(event)
    if sentence is None:
        return _not_known(event)
    ending = {'panic': 'the kernel panicked', 'no_victim': 'no process could be killed'}.get(event['kind'])
    return '; '.join(part for part in (sentence, event['holders'], ending) if part) + '.'


def _allocation_failure(event):
    trigger = event['trigger']
    size = event['memory']['page_size_bytes']
    order = trigger['order']
    text = 'An allocation%s by %s failed, and nothing was killed' % (_of_order(order, size), trigger['name'])
    if fragmented(event) is not None:
        text += ': memory is free, but not in blocks that large'
    return text + '.'


def _of_order(order, size):
    if order is None:
        return ''
    if size is None or not 0 <= order <= 20:
        return ' of order %d' % order
    return ' of order %d (%s)' % (order, format_size(size << order))


def _what_ran_out(event):
    if event['trigger']['manual']:
        return 'Somebody asked for it: the sysrq key f made the kernel kill the process with the highest score'
    if event['scope'] == 'memcg':
        return _cgroup_limit(event)
    if event['scope'] in ('cpuset', 'mempolicy'):
        return _node(event)
    memory = event['memory']
    if memory['ram_pages'] is None and not tell(event):
        return None
    low = spared_high_memory(event)
    if low:
        return 'Low memory (zone %s) ran out on a 32-bit kernel while %s of HighMem is free' % (
            low[0],
            format_size(low[1]),
        )
    free = fragmented(event)
    if free is not None:
        return 'Memory is fragmented: %s is free where it was asked for, but no block%s' % (
            format_size(free),
            _of_order(event['trigger']['order'], memory['page_size_bytes']),
        )
    free = plenty(event)
    if free is not None:
        return 'Not known: %s of RAM was free when the kernel wrote this, more than it keeps back' % format_size(free)
    ram = _usable(memory)
    ran_out = 'RAM (%s) ran out' % format_size(ram) if ram else 'RAM ran out'
    if not is_swap_believable(memory):
        return '%s; %s of swap beside it is not believable' % (ran_out, format_size(memory['swap_total_bytes']))
    return ran_out + _swap(memory['swap_total_bytes'], memory['swap_free_bytes'])


def is_swap_believable(memory):
    """False if a memory block has more swap than any host has beside so much RAM; True if either is not told."""
    ram, swap = _usable(memory), memory.get('swap_total_bytes')
    return not (ram and swap) or swap <= _MOST_SWAP_PER_RAM * ram


def _usable(memory):
    """Bytes of RAM that the kernel manages, None if a memory block does not say."""
    if memory.get('ram_bytes') is None:
        return None
    return memory['ram_bytes'] - (memory.get('reserved_bytes') or 0)


def _swap(total, free):
    if total is None:
        return ''
    if total == 0:
        return ' and there is no swap'
    if free is not None and free * 50 <= total:
        return ' and swap (%s) is full' % format_size(total)
    if free is not None:
        return ' although %s of %s swap is free' % (format_size(free), format_size(total))
    return ''


def _cgroup_limit(event):
    cgroup = event['cgroup'] or {}
    name = cgroup.get('path')
    limit, usage = cgroup.get('limit_bytes'), cgroup.get('usage_bytes')
    if name is None and limit is None:
        return 'A memory cgroup reached its limit; which one, and what limit, is not in the log'
    text = 'The memory cgroup%s' % _called(cgroup) if name else 'A memory cgroup'
    swap_limit, swap_usage = cgroup.get('memory_swap_limit_bytes'), cgroup.get('memory_swap_usage_bytes')
    if limit is not None and usage is not None and usage * 100 < limit * 95:
        if swap_limit is not None and swap_usage is not None and swap_usage * 100 >= swap_limit * 95:
            return '%s reached its limit of %s for memory and swap' % (text, format_size(swap_limit))
    if limit is None:
        if usage is not None:
            # What asked for the kill is not the kernel's own accounting.
            return 'Not known: %s has no limit' % (text[0].lower() + text[1:])
        return '%s reached its limit' % text
    text += ' reached its limit of %s' % format_size(limit)
    if cgroup.get('swap_limit_bytes') == 0:
        text += ' and may use no swap'
    elif (
        cgroup.get('swap_limit_bytes')
        and (cgroup.get('swap_usage_bytes') or 0) * 100 >= cgroup['swap_limit_bytes'] * 98
    ):
        text += ' and its %s of swap is full' % format_size(cgroup['swap_limit_bytes'])
    elif (
        swap_limit is not None
        and limit is not None
        and swap_limit > limit
        and (swap_usage or 0) * 100 >= swap_limit * 98
    ):
        text += ' and, with swap, of %s' % format_size(swap_limit)
    return text


def _called(cgroup):
    """A cgroup as a person calls it: by the innermost of what its path tells."""
    container = ''
    if cgroup['container_id']:
        name = cgroup['container_id']
        container = '%s container %s' % (cgroup['runtime'] or 'the', name[:12] if len(name) == 64 else name)
    unit = cgroup['unit'] if cgroup['unit'] and cgroup['path'].endswith('/' + cgroup['unit']) else None
    if unit and container and cgroup['container_id'] not in unit and not unit.endswith('.slice'):
        return ' of %s in %s' % (unit, container)
    if container:
        return ' of ' + container
    if cgroup['pod_uid']:
        return ' of Kubernetes pod %s' % cgroup['pod_uid']
    return ' of ' + unit if unit else ' ' + cgroup['path']


def _node(event):
    nodes = (
        event['nodemask']
        if event['scope'] == 'mempolicy' and event['nodemask'] not in (None, '(null)')
        else event['mems_allowed']
    )
    holder = (
        'memory policy'
        if event['scope'] == 'mempolicy'
        else 'cpuset %s' % event['cpuset']
        if event['cpuset']
        else 'cpuset'
    )
    text = (
        'The %s allows only NUMA node %s, and it is out of memory' % (holder, nodes)
        if nodes
        else ('The NUMA nodes that the %s allows are out of memory' % holder)
    )
    free, shown = event['memory']['free_bytes'], [zone['free_bytes'] for zone in event['zones']]
    if free is not None and shown and None not in shown and free - sum(shown) > sum(shown):
        text += ' while %s is free on other nodes' % format_size(free - sum(shown))
    return text


def who_held_it(event, rows, size):
    """The processes, or the part of the kernel, that held the memory, by the rows of the task table, largest first."""
    limit = (event['cgroup'] or {}).get('limit_bytes') if event['scope'] == 'memcg' else _usable(event['memory'])
    kernel = _cgroup_share(event, limit) if event['scope'] == 'memcg' else _kernel_share(event, limit)
    if kernel or not rows or size is None:
        return kernel
    if any(map(itemgetter(6), rows)):
        rows = sorted(rows, key=_held, reverse=True)
    largest = rows[0]
    total = _held(largest)
    if not total:
        return None
    if limit and total * size * 2 > limit:
        return '%s alone holds %s, over half of it: a leak, or a process too large for this %s' % (
            _named(largest),
            _sizes(largest, size),
            'limit' if event['scope'] == 'memcg' else 'host',
        )
    name, count, pages = _largest_group(rows)
    if count >= _MANY and pages > total * 2 and (not limit or pages * size * 3 > limit):
        return '%d processes named %s hold %s together%s' % (
            count,
            name,
            format_size(pages * size),
            ', shared pages counted for each' if limit and pages * size > limit else '',
        )
    text = 'the largest process, %s, holds %s' % (_named(largest), _sizes(largest, size))
    if len(rows) > 1 and _held(rows[1]) * 3 > total:
        text += ', and %s %s' % (_named(rows[1]), _sizes(rows[1], size))
    return text


def _held(row):
    """The pages that a process held in RAM and in swap."""
    return row[0] + (row[6] or 0)


def _largest_group(rows):
    """(name, processes, resident pages) of the name whose processes hold the most together, where there are many."""
    if len(rows) - len(set(map(itemgetter(8), rows))) < _MANY - 1:
        return None, 0, 0
    groups = {}
    for row in rows:
        count, pages = groups.get(row[8], (0, 0))
        groups[row[8]] = (count + 1, pages + row[0])
    name, (count, pages) = max(groups.items(), key=lambda item: (item[1][1], item[0]))
    return name, count, pages


def _sizes(row, size):
    rss, swap = row[0] * size, (row[6] or 0) * size
    if not swap or swap * 20 < rss:
        return format_size(rss)
    return '%s and %s of swap' % (format_size(rss), format_size(swap))


def _named(row):
    return '%s (pid %d)' % (row[8] or 'a process without a name', row[2])


def _cgroup_share(event, limit):
    """What of a cgroup's memory no process holds, where that is over half: version 1 counts shmem to its cache."""
    if not limit:
        return None
    stats = event['cgroup']['stats']
    shmem, slab = stats.get('shmem', 0), stats.get('slab', 0)
    cache = stats.get('file', stats.get('cache', 0)) - shmem
    if shmem * 2 > limit:
        return '%s is shared memory or tmpfs' % format_size(shmem)
    if cache * 2 > limit:
        dirty = stats.get('file_dirty', stats.get('dirty', 0)) + stats.get('file_writeback', stats.get('writeback', 0))
        text = '%s is page cache' % format_size(cache)
        return text + ', most of it not written yet' if dirty * 2 > cache else text
    if slab * 2 > limit:
        return 'the kernel itself holds %s of it in slab caches' % format_size(slab)
    return None


def _kernel_share(event, limit):
    if not limit:
        return None
    memory = event['memory']
    slab = (memory['slab_reclaimable_bytes'] or 0) + (memory['slab_unreclaimable_bytes'] or 0)
    if slab * 2 > limit:
        return 'the kernel itself holds %s in slab caches' % format_size(slab)
    if memory['hugepages_bytes'] and memory['hugepages_bytes'] * 2 > limit:
        return '%s is set aside as huge pages' % format_size(memory['hugepages_bytes'])
    if (memory['shmem_bytes'] or 0) * 2 > limit:
        return '%s is shared memory or tmpfs' % format_size(memory['shmem_bytes'])
    return None


def _not_known(event):
    if not event['missing']:
        return 'Not known: the report does not say it.'
    words = {'header': 'header', 'memory': 'memory block', 'tasks': 'task table', 'victim': 'victim'}
    return "Not known: the log lacks the report's %s." % ' and '.join(
        ', '.join(words[part] for part in event['missing']).rsplit(', ', 1)
    )
