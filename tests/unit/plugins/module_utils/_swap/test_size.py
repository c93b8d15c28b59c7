# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._swap.size import recommend

MIB = 1 << 20
GIB = 1 << 30


@pytest.mark.parametrize('ram, expected', [
    pytest.param(262014 * 4096, 2 * GIB, id='a 1 GiB host as its OOM report counts it gets 2 GiB'),
    pytest.param(253723 * 4096, 2 * GIB, id='a 1 GiB host as its managed pages count it gets 2 GiB'),
    pytest.param(240 * MIB, 512 * MIB, id='a tiny host gets one step'),
    pytest.param(2 * GIB, 4 * GIB, id='2 GiB is still in the first row'),
    pytest.param(2 * GIB + 1, 2 * GIB + 512 * MIB, id='a byte more is in the second row'),
    pytest.param(int(7.7 * GIB), 8 * GIB, id='8 GiB as the kernel counts it gets 8 GiB'),
    pytest.param(8 * GIB + 1, 4 * GIB, id='the third row is 4 GiB'),
    pytest.param(64 * GIB + 1, 4 * GIB, id='the fourth row is 4 GiB'),
])
def test_table_by_ram(ram, expected):
    result = recommend(ram)
    assert result['size_bytes'] == result['total_bytes'] == result['table_bytes'] == expected
    assert result['decided_by'] == 'table'
    assert "Red Hat's table" in result['rule']


@pytest.mark.parametrize('arguments, size, decided_by, shortfall', [
    pytest.param({'demand_bytes': 3 * GIB + 1}, 3 * GIB + 512 * MIB, 'demand', 0, id='a larger demand raises it'),
    pytest.param({'demand_bytes': 100 * MIB}, 2 * GIB, 'table', 0, id='a smaller demand does not lower it'),
    pytest.param({'expected_peak_bytes': 5 * GIB}, 4 * GIB, 'expected_peak', 0, id='a peak above all raises it'),
    pytest.param({'expected_peak_bytes': GIB // 2}, 2 * GIB, 'table', 0, id='a peak within the RAM does not'),
    pytest.param({'demand_bytes': 3 * GIB, 'expected_peak_bytes': 9 * GIB}, 8 * GIB, 'expected_peak', 0,
                 id='of two demands the larger wins'),
    pytest.param({'other_swap_bytes': 2 * GIB - 4096}, 0, 'other_swap', 0, id='a 2 GiB partition is enough'),
    pytest.param({'other_swap_bytes': 9 * GIB}, 0, 'other_swap', 0, id='more than enough swap asks for none'),
    pytest.param({'other_swap_bytes': GIB}, GIB, 'table', 0, id='what other areas lack is asked for'),
    pytest.param({'disk_available_bytes': 900 * MIB + 5}, 900 * MIB, 'disk', 1148 * MIB, id='a small disk lowers it'),
    pytest.param({'disk_available_bytes': 10 * MIB}, 0, 'disk', 2 * GIB, id='a disk with nothing to spare gives none'),
    pytest.param({'disk_available_bytes': -5}, 0, 'disk', 2 * GIB, id='a disk within its reserve gives none'),
    pytest.param({'disk_available_bytes': 2 * GIB}, 2 * GIB, 'table', 0, id='a disk that just fits changes nothing'),
])
def test_what_raises_and_lowers_the_size_of_a_1_gib_host(arguments, size, decided_by, shortfall):
    result = recommend(GIB, **arguments)
    assert (result['size_bytes'], result['decided_by'], result['shortfall_bytes']) == (size, decided_by, shortfall)
    assert len(result['reasons']) >= len(arguments)
    for name, value in arguments.items():
        assert result[name] == value
