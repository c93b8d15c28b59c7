# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why it happened, in one sentence that says no more than the report does."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._files.sizes import format_size
from .._node.cgroup_paths import cgroup_names
from .held import balloon_of_reserved, named, reserved_bytes, who_held_it
from .zones import (
    allowed_nodes,
    fragmented,
    free_elsewhere,
    managed_bytes,
    on_allowed_nodes,
    out_of_reach,
    page_fault_with_memory_free,
    plenty,
    spared_high_memory,
    tell,
)

# No host has this many times its RAM in swap: such a figure is a mistake in the log, or a lie.
_MOST_SWAP_PER_RAM = 64


def cause_of(event):
    """The sentence (str) for an event of events.py that has its ledger."""
    if event['kind'] == 'allocation_failure':
        return _allocation_failure(event)
    sentence = _what_ran_out(event)
    if sentence is None:
        return _not_known(event)
    ending = {'panic': 'the kernel panicked', 'no_victim': 'no process could be killed'}.get(event['kind'])
    return '; '.join(part for part in (sentence, who_held_it(event), ending) if part) + '.'


_ALLOCATIONS = {
    'vmemmap': " for the kernel's table of pages of memory that was added",
    'vmalloc': ' of vmalloc memory',
    'slab': ' for a slab cache',
}


def _allocation_failure(event):
    trigger = event['trigger']
    size = event['memory']['page_size_bytes']
    order = trigger['order']
    text = 'An allocation%s%s%s failed, and nothing was killed' % (
        _ALLOCATIONS.get(trigger['allocation'], ''), _of_order(order, size),
        ' by %s' % trigger['name'] if trigger['name'] else '')
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
        return _by_the_kill(event)
    free = page_fault_with_memory_free(event)
    if free is not None:
        return _page_fault(event, free)
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
    barred = out_of_reach(event)
    if barred:
        return 'The zones that this allocation%s may use ran out, while %s is free in zone %s, which it may not use' % (
            _flags(event), format_size(barred[0]), ' and '.join(barred[1]))
    ram_bytes = managed_bytes(event)
    ran_out = 'RAM (%s%s) ran out' % (format_size(ram_bytes), _set_aside(event)) if ram_bytes else 'RAM ran out'
    if not is_swap_believable(memory):
        return '%s; %s of swap beside it is not believable' % (ran_out, format_size(memory['swap_total_bytes']))
    return ran_out + _swap(memory['swap_total_bytes'], memory['swap_free_bytes'])


def _flags(event):
    """The GFP flags of an allocation in brackets, with a blank before them; '' if they are not told."""
    flags = '|'.join(event['trigger']['gfp_flags'] or ())[:100]
    return ' (%s)' % flags if flags else ''


def short_of(event):
    """What a report of the whole host was short of: host, low_memory or contiguous; unknown if memory was free."""
    if page_fault_with_memory_free(event) is not None:
        return 'unknown'
    if spared_high_memory(event):
        return 'low_memory'
    if fragmented(event) is not None:
        return 'contiguous'
    return 'host' if plenty(event) is None and out_of_reach(event) is None else 'unknown'


def _page_fault(event, free):
    within = cpuset_cgroup(event)
    return (
        'Not the whole host: %s of %s RAM was free; a page fault of %s%s was refused memory, most likely by the limit '
        "of its own cgroup%s, which kernels before 5.16 take for the host's"
    ) % (
        format_size(free),
        format_size(managed_bytes(event)),
        named(event['trigger']['name'], event['trigger']['pid']),
        _called(within) if within else '',
        ' (beside it, the one%s reached its limit)' % _called(event['near']) if event['near'] and not within else '',
    )


def cpuset_cgroup(event):
    """The cgroup, as events have it, of the process that asked for memory, by the name of its cpuset; None if that
    names no container and no unit.

    The name of the cpuset is the last part of the cgroup's path, which tells no engine: the whole path is that of a
    victim in it.
    """
    name = (event['cpuset'] or '').lstrip('/')
    if not name:
        return None
    killed = [victim['cgroup'] for victim in event['victims'] + [event['selected']] if victim and victim['cgroup']]
    path = next((path for path in killed if path.endswith('/' + name)), '/' + name)
    names = cgroup_names(path)
    return dict(names, path=path) if names['container_id'] or names['pod_uid'] or names['unit'] else None


def _by_the_kill(event):
    """The sentence if the log has no more than the lines of the kill, or that nobody was killed; None without such
    lines.
    """
    killed = _what_was_killed(event)
    if killed is None and event['kind'] not in ('panic', 'no_victim'):
        return None
    killed = '; ' + killed if killed else ''
    if event['scope'] == 'global':
        return 'The whole host ran out of memory%s; how much RAM and swap there was is not in the log' % killed
    if event['outside_cgroups']:
        return (
            'The host ran out of memory, or the NUMA nodes that were allowed%s; which of these and how much there '
            'was is not in the log'
        ) % killed
    if event['victims'] or not killed:
        return 'Memory ran out%s; whether that of the host or of a cgroup is not in the log' % killed
    return None


def _what_was_killed(event):
    """The process that the kernel killed, or chose if no line tells that it killed it, and the group that was killed
    with it; None if no line tells.
    """
    group = (event['cgroup'] or {}).get('group_path')
    together = group and 'all that was in the cgroup%s was killed together (memory.oom.group)' % _called(
        dict(cgroup_names(group), path=group))
    if event['victims']:
        told = 'the kernel killed ' + _victim_named(event['victims'][0])
    elif event['selected']:
        told = 'the kernel chose ' + _victim_named(event['selected'])
    else:
        return together or None
    return '; '.join(part for part in (told, together) if part)


def _victim_named(victim):
    """A victim in words, with what it held and the container, pod or unit that it was in."""
    held = [victim.get(key) for key in ('anon_rss_bytes', 'file_rss_bytes', 'shmem_rss_bytes')]
    known = [size for size in held if size is not None]
    size = ', which held %s' % format_size(sum(known)) if known else ''
    within = ''
    if victim['cgroup'] and (victim['container_id'] or victim['pod_uid'] or victim['unit']):
        within = _called(dict(victim, path=victim['cgroup']))
    return named(victim['name'], victim['pid']) + within + size


def _set_aside(event):
    """What a balloon took beside the RAM that is told, unless who_held_it() tells it."""
    balloon = balloon_of_reserved(event)
    return '; a balloon took another %s' % format_size(balloon) if balloon and reserved_bytes(event) is None else ''


def is_swap_believable(memory):
    """False if a memory block shows more swap than any host has for its RAM; True if either is not told."""
    ram_bytes, swap = managed_bytes({'memory': memory}), memory.get('swap_total_bytes')
    return not (ram_bytes and swap) or swap <= _MOST_SWAP_PER_RAM * ram_bytes


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
    within = cpuset_cgroup(event) if name is None and limit is None else None
    if within:
        return 'A memory cgroup reached its limit, most likely the one%s, by the cpuset of the process that asked%s' % (
            _called(within), _met(event))
    if name is None and limit is None:
        return 'A memory cgroup reached its limit; which one, and what limit, is not in the log%s' % _met(event)
    text = 'The memory cgroup%s' % _called(cgroup) if name else 'A memory cgroup'
    swap_limit, swap_usage = cgroup.get('memory_swap_limit_bytes'), cgroup.get('memory_swap_usage_bytes')
    if limit is not None and usage is not None and usage * 100 < limit * 95:
        if swap_limit is not None and swap_usage is not None and swap_usage * 100 >= swap_limit * 95:
            return '%s reached its limit of %s for memory and swap' % (text, format_size(swap_limit))
    if limit is None:
        if usage is not None:
            # The kill was asked for by something else than the kernel's own accounting.
            return 'Not known: %s has no limit' % (text[0].lower() + text[1:])
        return '%s reached its limit%s' % (text, _met(event))
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


def _met(event):
    """What a cgroup's kill met, if the log has no more than its lines."""
    killed = _what_was_killed(event)
    return '; ' + killed if killed and event['ledger'] is None else ''


def _called(cgroup):
    """A cgroup in the words of a person: by the innermost of what its path names."""
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
    nodes, holder = allowed_nodes(event), _node_holder(event)
    text = 'The %s allows only NUMA node %s' % (holder, nodes) if nodes else None
    free = _free_on_nodes(on_allowed_nodes(event), text)
    if free:
        return free
    if text is None:
        text = 'The NUMA nodes that the %s allows are out of memory' % holder
    else:
        text += ', and it is out of memory'
    elsewhere = free_elsewhere(event)
    return text + ' while %s is free on other nodes' % format_size(elsewhere) if elsewhere else text


def _node_holder(event):
    if event['scope'] == 'mempolicy':
        return 'memory policy'
    return 'cpuset %s' % event['cpuset'] if event['cpuset'] else 'cpuset'


def _free_on_nodes(event, text):
    """The sentence if memory was free on the nodes that were allowed; else None."""
    text = text or 'The %s allows only some NUMA nodes' % _node_holder(event)
    barred = out_of_reach(event)
    if barred:
        return (
            '%s, where %s is free in zone %s, which this allocation%s may not use: it needs a node with a kernel zone'
        ) % (text, format_size(barred[0]), ' and '.join(barred[1]), _flags(event))
    free = fragmented(event)
    if free is not None:
        return '%s, where memory is fragmented: %s is free, but no block%s' % (
            text, format_size(free), _of_order(event['trigger']['order'], event['memory']['page_size_bytes']))
    free = plenty(event)
    if free is not None:
        return 'Not known: %s, and %s of it was free when the kernel wrote this, more than it keeps back' % (
            text[0].lower() + text[1:], format_size(free))
    return None


def _not_known(event):
    if not event['missing']:
        return 'Not known: the report does not say it.'
    words = {'header': 'header', 'memory': 'memory block', 'tasks': 'task table', 'victim': 'victim'}
    return "Not known: the log lacks the report's %s." % ' and '.join(
        ', '.join(words[part] for part in event['missing']).rsplit(', ', 1)
    )
