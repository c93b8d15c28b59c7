# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The zones that a failed allocation could have used, and what they lacked, as gfp_zone() and __zone_watermark_ok()
decide it.

Zones are those of an event of events.py; sizes are in bytes.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._node.kernel import kernel_version

# The low bits of each gfp_mask since 2.6.23, include/linux/gfp.h.
_DMA, _HIGHMEM, _DMA32, _MOVABLE = 1, 2, 4, 8
# From the lowest to the highest.
_LOW = ('DMA', 'DMA32', 'Normal')
_ALL = _LOW + ('HighMem', 'Movable')
# Free lists that other allocations may not take from: CMA's, those kept for atomic allocations, and isolated ones.
_KEPT = frozenset('CHI')
_FAR_ABOVE = 4
# ZONE_DMA of x86, 16 MiB, is kept for devices: free memory in it says nothing about the others.
_SMALL = 64 << 20
_MOST_NODES = 1024
_TENTH = 10
# Up to 4.3 blocks below an order do not count for the watermark of its allocation, __zone_watermark_ok().
_ORDERED_BEFORE = (4, 4)


def _mask(event):
    """The gfp_mask as a number. 0 is as good as none, as a page fault that names none has it."""
    text = event['trigger']['gfp_mask']
    return int(text, 16) if text else 0


def _names(mask):
    """The names of the zones of a gfp_mask, by GFP_ZONE_TABLE in include/linux/gfp.h."""
    if not mask:
        return _ALL
    if mask & _DMA:
        return _LOW[:1]
    if mask & _DMA32:
        return _LOW[:2]
    if mask & _HIGHMEM:
        return _ALL if mask & _MOVABLE else _ALL[:4]
    return _LOW


def eligible(event):
    """The zones that the allocation could use and of which the report tells the free memory."""
    names = _names(_mask(event))
    return [zone for zone in event['zones'] if zone['zone'] in names and zone['free_bytes'] is not None]


def on_allowed_nodes(event):
    """The event with only those zones that its cpuset or memory policy allows, as far as it says."""
    nodes = _node_numbers(allowed_nodes(event))
    zones = event['zones'] if nodes is None else [zone for zone in event['zones'] if zone['node'] in nodes]
    return dict(event, zones=zones)


def free_elsewhere(event):
    """The free bytes of the NUMA nodes that were not allowed, if they are more than on those that were; or None."""
    allowed = [zone['free_bytes'] for zone in on_allowed_nodes(event)['zones']]
    shown = [zone['free_bytes'] for zone in event['zones']]
    if not shown or None in shown:
        return None
    free = event['memory']['free_bytes']
    if not allowed and free is not None:
        # The report tells the nodes of the zones in a form that is not known.
        allowed = shown
    elsewhere = (sum(shown) if free is None else free) - sum(allowed)
    return elsewhere if elsewhere > sum(allowed) else None


def allowed_nodes(event):
    """The NUMA nodes that were allowed, as the kernel prints them, such as ``0-1,3``; None if it does not say."""
    if event['scope'] == 'mempolicy' and event['nodemask'] not in (None, '(null)'):
        return event['nodemask']
    return event['mems_allowed']


def _node_numbers(text):
    """{0, 1, 3} of ``0-1,3``; None if that is no list of nodes."""
    numbers = set()
    for span in (text or '').split(','):
        first, dash, last = span.partition('-')
        if not first.isdigit() or (dash and not last.isdigit()) or len(first + last) > 12:
            return None
        first, last = int(first), int(last or first)
        if not first <= last < first + _MOST_NODES:
            return None
        numbers.update(range(first, last + 1))
    return numbers


def out_of_reach(event):
    """(free bytes, names of the zones) of zones that the allocation may not use, if most of the free memory is in them,
    above their high watermark; or None.
    """
    mask = _mask(event)
    if not mask:
        return None
    names = _names(mask)
    barred = [zone for zone in event['zones'] if zone['zone'] not in names and zone['free_bytes'] is not None]
    free = sum(zone['free_bytes'] for zone in barred)
    kept = sum(zone['high_bytes'] or 0 for zone in barred)
    if not barred or free <= kept or free <= sum(zone['free_bytes'] for zone in eligible(event)):
        return None
    return free, sorted(set(zone['zone'] for zone in barred))


def is_bare_page_fault(event):
    """True if a page fault asked for the kill which asked for no page itself: see page_fault_with_memory_free()."""
    text = event['trigger'].get('gfp_mask')
    return text is not None and not int(text, 16) and not event['trigger'].get('manual')


def managed_bytes(event):
    """The bytes of RAM that the kernel manages: all pages but the reserved ones. None if the report does not say.

    A report that lacks the line of either count is of the RAM of its zones.
    """
    memory = event.get('memory') or {}
    ram_bytes, reserved_bytes = memory.get('ram_bytes'), memory.get('reserved_bytes')
    if None not in (ram_bytes, reserved_bytes):
        return ram_bytes - reserved_bytes
    # The lists of free blocks follow the last zone: without these the rest may be cut.
    cut = ram_bytes is None and not any(zone.get('free_blocks') for zone in event.get('zones') or [])
    zones = None if cut else _managed_by_zones(event)
    return ram_bytes if zones is None else zones


def _managed_by_zones(event):
    """The same by the zones of a report; None if they do not say, or are not those of all nodes."""
    managed = [zone.get('managed_bytes') for zone in event.get('zones') or []]
    return sum(managed) if managed and None not in managed and shows_all_nodes(event) else None


def shows_all_nodes(event):
    """True if the zones of a report are those of all nodes: for a cpuset or memory policy only its own are printed."""
    if event.get('scope') in ('cpuset', 'mempolicy'):
        # The kernel says so only where there are others.
        return False
    free = [zone.get('free_bytes') for zone in event.get('zones') or []]
    counted = (event.get('memory') or {}).get('free_bytes')
    return bool(free) and None not in free and counted is not None and sum(free) * 10 >= counted * 9


def page_fault_with_memory_free(event):
    """The free bytes if a page fault that asked for no page itself ended in an OOM report while a tenth of RAM was
    free; or None.

    Up to 5.15 a fault that was refused memory for another reason, mostly its cgroup's limit, called the OOM killer for
    the whole host, with gfp_mask 0; commit 60e2793d440a ended that.
    """
    memory, ram_bytes = event['memory'], managed_bytes(event)
    if not is_bare_page_fault(event) or not ram_bytes:
        return None
    free = memory['free_blocks_bytes'] or 0 if memory['free_bytes'] is None else memory['free_bytes']
    return free if free * _TENTH > ram_bytes else None


def tell(event):
    """True if the zones in the report show how the allocation fared: not only the smallest of several."""
    return _suffice(eligible(event), _mask(event))


def _suffice(zones, mask):
    if _names(mask) == _LOW[:1]:
        return bool(zones)
    return any(
        zone['zone'] != 'DMA' or max(zone['free_bytes'], zone['present_bytes'] or 0) >= _SMALL for zone in zones
    )


def _available(zone, mask):
    """The free memory of a zone that the allocation may have: CMA's is only for pages that can be moved."""
    return zone['free_bytes'] - (0 if mask & _MOVABLE else zone['free_cma_bytes'] or 0)


def spared_high_memory(event):
    """(name of a zone below its low watermark, free bytes of HighMem) if a 32-bit kernel could not use HighMem; or
    None.
    """
    mask = _mask(event)
    high = None if not mask or mask & _HIGHMEM else _free_high_memory(event)
    if high is None:
        return None
    short = [
        zone for zone in eligible(event) if zone['low_bytes'] is not None and _available(zone, mask) < zone['low_bytes']
    ]
    return (short[-1]['zone'], high) if short else None


def _free_high_memory(event):
    """The free bytes of HighMem, if some of it is above its high watermark; or None.

    Since 6.1 a report leaves out the zones that the allocation could not use (974f4367dd31): then HighMem has the free
    memory that is in none of the others.
    """
    high = [zone for zone in event['zones'] if zone['zone'] == 'HighMem' and zone['free_bytes'] is not None]
    if high:
        spared = any(zone['free_bytes'] > (zone['high_bytes'] or 0) for zone in high)
        return sum(zone['free_bytes'] for zone in high) if spared else None
    memory, shown = event['memory'], [zone['free_bytes'] for zone in event['zones']]
    if not memory.get('highmem_bytes') or memory.get('free_bytes') is None or not shown or None in shown:
        return None
    free = memory['free_bytes'] - sum(shown)
    return free if free > max(zone['high_bytes'] or 0 for zone in event['zones']) else None


def fragmented(event):
    """The free bytes of the eligible zones above a watermark, if none of these zones has a block of the order; or None.
    """
    order, page = event['trigger']['order'], event['memory']['page_size_bytes']
    if not order or order < 0:
        return None
    mask = _mask(event)
    zones = [
        (zone, zone['min_bytes'] + _reserve(zone, event, mask))
        for zone in eligible(event)
        if zone['free_blocks'] and zone['min_bytes'] is not None
    ]
    above = [(zone, kept) for zone, kept in zones if _available(zone, mask) > kept]
    if not above:
        return None
    version = kernel_version(event['kernel'])
    each_order = page and version is not None and version < _ORDERED_BEFORE
    # The rest of the block does not count, __zone_watermark_unusable_free().
    rest = ((1 << min(order, 20)) - 1) * (page or 0)
    for zone, kept in above:
        if _available(zone, mask) - rest > kept and _has_block(zone, order, mask):
            if not (each_order and _misses_an_order(zone, order, mask, page, kept)):
                return None
    return sum(zone['free_bytes'] for zone, dummy in above)


def _reserve(zone, event, mask):
    """The bytes that a zone keeps from allocations that could use a higher one."""
    kept = zone['lowmem_reserve_bytes']
    if not kept:
        return 0
    low = ('DMA', 'Normal') if any(other['zone'] == 'HighMem' for other in event['zones']) else _LOW
    allowed = _names(mask)
    place = max(index for index, name in enumerate(low + ('HighMem', 'Movable')) if name in allowed or not index)
    return kept[min(place, len(kept) - 1)] or 0


def _misses_an_order(zone, order, mask, page, needed):
    """True if the free blocks from some order on are below a watermark that is half of that of the order below."""
    free = _available(zone, mask) - ((1 << order) - 1) * page
    for lower, count in enumerate(zone['free_blocks'][:order]):
        free -= (count << lower) * page
        needed >>= 1
        if free <= needed:
            return True
    return False


def _has_block(zone, order, mask):
    types = zone['free_block_types'] or [None] * len(zone['free_blocks'])
    kept = _KEPT - set('C') if mask & _MOVABLE else _KEPT
    return any(
        count and (letters is None or set(letters) - kept)
        for count, letters in list(zip(zone['free_blocks'], types))[order:]
    )


def plenty(event):
    """The free bytes of the eligible zones, if the highest of them has far more than its high watermark; or None.

    A little more proves nothing: memory may have been freed until the report was written.
    """
    zones, mask = eligible(event), _mask(event)
    if not _suffice(zones, mask):
        return None
    highest = max(_ALL.index(zone['zone']) for zone in zones)
    for zone in zones:
        if _ALL.index(zone['zone']) == highest and zone['high_bytes'] is not None:
            if _available(zone, mask) > zone['high_bytes'] * _FAR_ABOVE:
                return sum(zone['free_bytes'] for zone in zones)
    return None
