# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the zones of a report say of the memory that was free, and for whom."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.oom.rescue.plugins.module_utils._report.zones import free_elsewhere, plenty, tell

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
