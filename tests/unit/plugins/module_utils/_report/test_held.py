# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of swap is worth a word beside what held the RAM."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._report.held import who_held_it

MIB = 1 << 20
ALONE = 'mysqld (pid 7) alone holds 600 MiB (60 %)'


def event(ledger=True, swap_bytes=0, swapped=None, ram_bytes=600 * MIB):
    holder = {'name': 'mysqld', 'pid': 7, 'count': 1, 'bytes': ram_bytes, 'swap_bytes': swap_bytes}
    parts = [{'kind': 'process', 'name': 'mysqld', 'bytes': ram_bytes, 'share': 0.6}]
    return {
        'trigger': {'manual': False}, 'scope': 'host', 'balloon': None,
        'memory': {'balloon_bytes': None, 'reserved_bytes': None, 'ram_bytes': 1000 * MIB},
        'holders': {'holders': [holder], 'whole': True, 'swapped': swapped},
        'ledger': {'parts': parts, 'total_bytes': 1000 * MIB, 'unaccounted_bytes': 50 * MIB} if ledger else None,
    }


# A twentieth of what it holds in RAM.
@pytest.mark.parametrize('swap_mib, words', [(29, ''), (30, ' and 30 MiB of swap'), (0, '')])
@pytest.mark.parametrize('ledger', [True, False], ids=['ledger', 'table alone'])
def test_the_swap_of_the_largest_is_told_from_a_twentieth_on(ledger, swap_mib, words):
    start = ALONE if ledger else 'the largest process, mysqld (pid 7), holds 600 MiB'
    assert who_held_it(event(ledger, swap_mib * MIB)) == start + words


@pytest.mark.parametrize('pid, name, swap_mib, words', [
    (9, 'java', 149, ''),
    (9, 'java', 150, '; java (pid 9) has 150 MiB in swap'),
    # Told already.
    (7, 'mysqld', 150, ''),
])
def test_another_process_that_has_much_in_swap_is_named_from_a_quarter_on(pid, name, swap_mib, words):
    row = {'pid': pid, 'name': name, 'swap_bytes': swap_mib * MIB}
    assert who_held_it(event(swapped=row)) == ALONE + words


@pytest.mark.parametrize('count, words', [
    (1, 'the largest process, mysqld (pid 7), holds 600 MiB'),
    (2, '2 processes named mysqld hold 600 MiB together, shared pages counted for each'),
])
def test_of_a_table_alone_several_of_one_name_are_told_together(count, words):
    told = event(ledger=False)
    told['holders']['holders'][0]['count'] = count
    assert who_held_it(told) == words
