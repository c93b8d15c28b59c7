# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the zones of a report say of the memory that was free, and for whom."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._report.zones import (
    fragmented,
    free_elsewhere,
    on_allowed_nodes,
    out_of_reach,
    page_fault_with_memory_free,
    plenty,
    spared_high_memory,
    tell,
)

MIB = 1 << 20
KERNEL, MOVABLE, DEVICE = '0xcc0', '0x100cca', '0x1'


def zone(name='Normal', free=100, high=10, cma=0, present=1000, node=0):
    return {'zone': name, 'node': node, 'free_bytes': None if free is None else free * MIB, 'high_bytes': high * MIB,
            'free_cma_bytes': cma * MIB, 'present_bytes': present * MIB}


def event(zones, mask=KERNEL, free=None, allowed='0'):
    return {'trigger': {'gfp_mask': mask}, 'zones': zones, 'memory': {'free_bytes': free}, 'scope': 'cpuset',
            'mems_allowed': allowed, 'nodemask': None}


@pytest.mark.parametrize('zones, mask, told', [
    ([zone()], KERNEL, True),
    ([zone('Normal', free=1, present=2)], KERNEL, True),
    ([zone('DMA', free=15, present=16)], KERNEL, False),
    ([zone('DMA', free=15, present=16)], DEVICE, True),
    ([zone('DMA', free=15, present=2000)], KERNEL, True),
    ([zone('DMA', free=15, present=16), zone('DMA32', free=1, present=2)], KERNEL, True),
    ([], KERNEL, False),
], ids=['a large zone', 'a small one that is not for devices', 'that for devices alone', 'what a device asked for',
        'one that holds all memory', 'two', 'none'])
def test_the_zone_for_devices_alone_does_not_tell_how_an_allocation_fared(zones, mask, told):
    assert tell(event(zones, mask)) is told


@pytest.mark.parametrize('zones, mask, free', [
    ([zone(free=100)], KERNEL, 100), ([zone(free=40)], KERNEL, None),
    ([zone(free=100, cma=95)], KERNEL, None), ([zone(free=100, cma=95)], MOVABLE, 100),
    ([zone(free=100, cma=5)], KERNEL, 100),
], ids=['much', 'a little', 'it is for what can be moved', 'this can be moved', 'most is for all'])
def test_there_was_plenty_if_far_more_was_free_than_the_kernel_keeps(zones, mask, free):
    assert plenty(event(zones, mask)) == (None if free is None else free * MIB)


@pytest.mark.parametrize('zones, total, elsewhere', [
    ([zone(free=10), zone(free=500, node=1)], None, 500), ([zone(free=500), zone(free=10, node=1)], None, None),
    ([zone(free=10), zone(free=500, node=1)], 900, 890), ([zone(free=10), zone(free=None, node=1)], None, None),
    ([], None, None),
], ids=['on another node', 'on its own node', 'by the sum of the report', 'not told', 'no zone'])
def test_memory_that_is_free_on_other_nodes_is_told_if_it_is_more_than_on_those_allowed(zones, total, elsewhere):
    found = free_elsewhere(event(zones, free=None if total is None else total * MIB))
    assert found == (None if elsewhere is None else elsewhere * MIB)


@pytest.mark.parametrize('allowed, nodes', [
    ('0', [0]), ('1-2', [1, 2]), ('0,2-3', [0, 2, 3]), ('9', []), ('', [0, 1, 2, 3]), (None, [0, 1, 2, 3]),
    ('0,', [0, 1, 2, 3]), ('1-', [0, 1, 2, 3]), ('2-1', [0, 1, 2, 3]), ('0-999999', [0, 1, 2, 3]),
    ('0-1023', [0, 1, 2, 3]), ('0-1024', [0, 1, 2, 3]), ('9' * 13, [0, 1, 2, 3]), ('a', [0, 1, 2, 3]),
])
def test_the_zones_of_the_nodes_that_are_listed_count_and_all_if_that_is_no_list(allowed, nodes):
    zones = [zone(node=node) for node in range(4)]
    assert [one['node'] for one in on_allowed_nodes(event(zones, allowed=allowed))['zones']] == nodes


@pytest.mark.parametrize('scope, nodemask, nodes', [
    ('mempolicy', '1', [1]), ('mempolicy', '(null)', [0]), ('mempolicy', None, [0]), ('cpuset', '1', [0])])
def test_a_memory_policy_outweighs_the_cpuset_where_it_is_what_ran_out(scope, nodemask, nodes):
    asked = dict(event([zone(node=0), zone(node=1)], allowed='0'), scope=scope, nodemask=nodemask)
    assert [one['node'] for one in on_allowed_nodes(asked)['zones']] == nodes


@pytest.mark.parametrize('zones, mask, told', [
    ([zone('DMA', free=1), zone('Normal', free=500)], DEVICE, (500, ['Normal'])),
    ([zone('DMA', free=1), zone('DMA32', free=300), zone('Normal', free=500)], DEVICE, (800, ['DMA32', 'Normal'])),
    ([zone('DMA32', free=1), zone('Normal', free=500)], '0x4', (500, ['Normal'])),
    ([zone('DMA32', free=1), zone('Normal', free=500)], KERNEL, None),
    ([zone('DMA', free=500), zone('Normal', free=400)], DEVICE, None),
    ([zone('DMA', free=1), zone('Normal', free=500, high=500)], DEVICE, None),
    ([zone('DMA', free=1), zone('Normal', free=None)], DEVICE, None),
    ([zone('DMA', free=1), zone('Normal', free=500)], '0x0', None),
    ([zone('Normal', free=1), zone('HighMem', free=500)], KERNEL, (500, ['HighMem'])),
    ([zone('Normal', free=1), zone('HighMem', free=500)], '0x2', None),
    ([zone('Normal', free=1), zone('Movable', free=500)], '0x2', (500, ['Movable'])),
    ([zone('Normal', free=1), zone('Movable', free=500)], '0xa', None),
], ids=['a device', 'in two zones', 'the first 4 GiB', 'all may be used', 'most is in reach', 'it is kept back',
        'not told', 'no mask', 'high memory', 'high memory was asked for', 'what moves', 'asked for what moves'])
def test_memory_that_an_allocation_may_not_use_is_told_if_it_is_most_of_what_is_free(zones, mask, told):
    assert out_of_reach(event(zones, mask)) == (told and (told[0] * MIB, told[1]))


def watermarks(name, free, low, high):
    return dict(zone(name, free, high), low_bytes=None if low is None else low * MIB)


@pytest.mark.parametrize('zones, mask, memory, told', [
    ([('Normal', 9, 10, 12), ('HighMem', 500, 10, 12)], KERNEL, {}, ('Normal', 500)),
    ([('DMA', 9, 10, 12), ('Normal', 9, 10, 12), ('HighMem', 500, 10, 12)], KERNEL, {}, ('Normal', 500)),
    ([('DMA', 9, 10, 12), ('Normal', 99, 10, 12), ('HighMem', 500, 10, 12)], KERNEL, {}, ('DMA', 500)),
    ([('Normal', 10, 10, 12), ('HighMem', 500, 10, 12)], KERNEL, {}, None),
    ([('Normal', 9, None, 12), ('HighMem', 500, 10, 12)], KERNEL, {}, None),
    ([('Normal', 9, 10, 12), ('HighMem', 500, 10, 12)], '0x2', {}, None),
    ([('Normal', 9, 10, 12), ('HighMem', 500, 10, 12)], '0x0', {}, None),
    ([('Normal', 9, 10, 12), ('HighMem', 12, 10, 12)], KERNEL, {}, None),
    ([('Normal', 9, 10, 12)], KERNEL, {'highmem_bytes': 900, 'free_bytes': 500}, ('Normal', 491)),
    ([('Normal', 9, 10, 12)], KERNEL, {'highmem_bytes': 900, 'free_bytes': 21}, None),
    ([('Normal', 9, 10, 12)], KERNEL, {'highmem_bytes': 900, 'free_bytes': 22}, ('Normal', 13)),
    ([('Normal', 9, 10, 12)], KERNEL, {'highmem_bytes': 0, 'free_bytes': 500}, None),
    ([('Normal', 9, 10, 12)], KERNEL, {'highmem_bytes': 900, 'free_bytes': None}, None),
    ([('Normal', 9, 10, 12)], KERNEL, {}, None),
], ids=['short', 'the highest that is short', 'one is', 'none is', 'no watermark', 'it may be used', 'no mask',
        'kept back', 'left out of the report', 'left out and kept back', 'left out and a little more', 'no high memory',
        'free memory is not told', 'nothing told'])
def test_high_memory_that_a_32_bit_kernel_could_not_use_is_told_where_a_lower_zone_is_short(zones, mask, memory, told):
    memory = dict((name, value and value * MIB) for name, value in memory.items())
    asked = dict(event([watermarks(*one) for one in zones], mask), memory=memory)
    assert spared_high_memory(asked) == (told and (told[0], told[1] * MIB))


@pytest.mark.parametrize('trigger, memory, free', [
    ({'gfp_mask': '0x0'}, {'free_bytes': 101}, 101), ({'gfp_mask': '0x0'}, {'free_bytes': 100}, None),
    ({'gfp_mask': '0x0'}, {'free_bytes': None, 'free_blocks_bytes': 500}, 500),
    ({'gfp_mask': '0x0'}, {'free_bytes': None}, None),
    ({'gfp_mask': '0x0'}, {'free_bytes': 500, 'ram_bytes': None}, None),
    ({'gfp_mask': '0xcc0'}, {'free_bytes': 500}, None), ({'gfp_mask': None}, {'free_bytes': 500}, None),
    ({'gfp_mask': '0x0', 'manual': True}, {'free_bytes': 500}, None),
], ids=['more than a tenth', 'a tenth', 'by its blocks', 'not told', 'RAM is not told', 'a page was asked for',
        'no mask', 'by sysrq'])
def test_a_page_fault_that_ended_in_a_kill_while_memory_was_free_is_told(trigger, memory, free):
    told = {'trigger': dict({'manual': False}, **trigger),
            'memory': dict({'ram_bytes': 1000, 'free_blocks_bytes': None}, **memory)}
    assert page_fault_with_memory_free(told) == free


PAGE = 4096


def of_blocks(blocks, least=0, types=None, cma=0, reserve=(), name='Normal'):
    """A zone of so many free blocks of each order, which keeps so many pages back."""
    return {'zone': name, 'node': 0, 'free_bytes': sum(count << order for order, count in enumerate(blocks)) * PAGE,
            'min_bytes': None if least is None else least * PAGE, 'free_cma_bytes': cma * PAGE, 'high_bytes': None,
            'free_blocks': blocks, 'free_block_types': types,
            'lowmem_reserve_bytes': [pages * PAGE for pages in reserve]}


@pytest.mark.parametrize('blocks, options, order, kernel, pages', [
    ([20, 5, 0], {'least': 9}, 2, '5.15.0', 30),
    ([20, 5, 1], {'least': 9}, 2, '5.15.0', None),
    ([20, 5, 0, 1], {'least': 9}, 2, '5.15.0', None),
    ([20, 5, 0], {'least': 30}, 2, '5.15.0', None),
    ([20, 5, 0], {'least': None}, 2, '5.15.0', None),
    ([20, 5, 0], {'least': 9}, 0, '5.15.0', None),
    ([20, 5, 0], {'least': 9}, -1, '5.15.0', None),
    ([20, 5, 0], {'least': 9}, None, '5.15.0', None),
    ([0, 0, 1], {'least': 0}, 2, '5.15.0', None),
    ([0, 0, 1], {'least': 1}, 2, '5.15.0', 4),
    ([20, 0, 1], {'least': 9, 'types': ['UM', '', 'U']}, 2, '5.15.0', None),
    ([20, 0, 1], {'least': 9, 'types': ['UM', '', 'H']}, 2, '5.15.0', 24),
    ([20, 0, 1], {'least': 9, 'types': ['UM', '', 'C']}, 2, '5.15.0', 24),
    ([20, 5, 0], {'least': 9, 'cma': 21}, 2, '5.15.0', None),
    ([20, 5, 0], {'least': 9, 'cma': 20}, 2, '5.15.0', 30),
    ([20, 5, 0], {'least': 9, 'reserve': (0, 0, 21)}, 2, '5.15.0', None),
    ([20, 5, 0], {'least': 9, 'reserve': (0, 0, 20)}, 2, '5.15.0', 30),
    # Two pages of order 1 are left below the half of what is kept back: 5 * 2 - 1 against 18 / 2.
    ([20, 5], {'least': 18}, 1, '3.10.0-1160.el7.x86_64', 30),
    ([20, 5], {'least': 17}, 1, '3.10.0-1160.el7.x86_64', None),
    ([20, 5], {'least': 18}, 1, '4.3.9', 30),
    ([20, 5], {'least': 18}, 1, '4.4.0', None),
    ([20, 5], {'least': 18}, 1, None, None),
    # 34 - 3 - 20 - 6 pages against a quarter of 20, which they must exceed.
    ([20, 3, 2], {'least': 20}, 2, '2.6.32', 34),
    ([20, 3, 2], {'least': 19}, 2, '2.6.32', None),
], ids=['no block', 'a block', 'a larger one', 'all is kept', 'no watermark', 'one page', 'by sysrq', 'no order',
        'its last block', 'its last block is kept', 'a block of a kind', 'kept for atomic ones', 'kept for what moves',
        'the rest moves', 'all but one moves', 'kept for lower zones', 'a page more than that', 'each order, short',
        'each order, enough', 'up to 4.3', 'since 4.4', 'no release', 'order 2, short', 'order 2, enough'])
def test_memory_is_fragmented_if_enough_is_free_and_no_block_of_the_order_may_be_had(
        blocks, options, order, kernel, pages):
    asked = dict(event([of_blocks(blocks, **options)]), kernel=kernel, memory={'page_size_bytes': PAGE})
    asked['trigger']['order'] = order
    assert fragmented(asked) == (None if pages is None else pages * PAGE)


def test_blocks_kept_for_what_can_be_moved_are_for_an_allocation_that_can_be():
    asked = dict(event([of_blocks([20, 0, 1], 9, ['UM', '', 'C'])], MOVABLE), kernel=None,
                 memory={'page_size_bytes': PAGE})
    asked['trigger']['order'] = 2
    assert fragmented(asked) is None
