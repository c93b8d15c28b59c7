# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a log claims, the parts of its ledger add up, and none of them is below nothing."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

pytest.importorskip('hypothesis')

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from _report.test_ledger import CGROUP, COUNTERS, NEW, OLD, assert_exact, events_of, report  # noqa: E402

COUNTS = st.integers(min_value=0, max_value=1 << 40)


@given(st.fixed_dictionaries(dict((name, COUNTS) for name in COUNTERS)), COUNTS, COUNTS,
       st.lists(st.tuples(st.integers(1, 99), st.sampled_from(('a', 'b', 'c')), COUNTS, COUNTS),
                max_size=9), st.booleans())
def test_whatever_a_log_claims_the_parts_add_up(counters, cache, stack, tasks, new):
    rows = [(pid, name, max(rss, anon), anon) for pid, name, rss, anon in tasks]
    stacks, table = 'kernel_stack:%dkB' % stack, NEW if new else OLD
    text = report(counters.items(), node=stacks, cache=cache, tasks=rows, table=table)
    for event in events_of(text):
        assert_exact(event['ledger'])


STATISTICS = ('anon', 'file', 'shmem', 'swapcached', 'inactive_anon', 'active_anon', 'inactive_file', 'active_file',
              'unevictable', 'kernel', 'slab', 'sock', 'pagetables', 'rss', 'cache', 'file_dirty', 'percpu', 'zswap')


@given(st.dictionaries(st.sampled_from(STATISTICS), COUNTS))
def test_whatever_statistics_a_log_claims_the_parts_add_up(statistics):
    text = CGROUP % ('', ''.join('%s %d\n' % pair for pair in sorted(statistics.items())))
    for event in events_of(text):
        assert_exact(event['ledger'])
