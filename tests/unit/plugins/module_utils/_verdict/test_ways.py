# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is advised first after each way to run out of memory, from the reports of real kernels, and what never is."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import glob
import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._verdict.diagnose import diagnose_log
from conftest import FIXTURES

# way: (the first remedy, its effect, a word of it, the effect of swap)
FIRST = {
    'balloon': ('balloon', 'unknown', 'RAM is reserved', 'delays'),
    'cgroup-anon': ('cgroup_limit', 'delays', '', 'unknown'),
    'cgroup-dentries': ('cgroup_limit', 'delays', '', 'none'),
    'cgroup-inodes': ('cgroup_limit', 'delays', '', 'none'),
    'cgroup-page-tables': ('cgroup_limit', 'delays', '', 'none'),
    'cgroup-pipes': ('cgroup_limit', 'delays', '', 'none'),
    'cgroup-shmem': ('cgroup_limit', 'delays', '', 'unknown'),
    'cgroup-sock': ('cgroup_limit', 'delays', '', 'none'),
    'cgroup-threads': ('cgroup_limit', 'delays', '', 'none'),
    'dentries': ('slab_leak', 'unknown', '', 'none'),
    'fork-bomb': ('workers', 'prevents', 'bomb', 'delays'),
    'huge-pages': ('hugepages', 'delays', '', 'delays'),
    'inodes': ('slab_leak', 'unknown', 'files in a tmpfs', 'none'),
    'keys': ('slab_leak', 'unknown', 'kmalloc-8k', 'none'),
    'many-processes': ('workers', 'prevents', 'worker', 'delays'),
    'memfd': ('tmpfs_size', 'unknown', '', 'delays'),
    'mlock': ('investigate', 'unknown', 'swap out', 'none'),
    'mlock-file': ('investigate', 'unknown', '', 'none'),
    'numa-node': ('nodes', 'delays', '', 'none'),
    'one-process': ('swap', 'delays', '', 'delays'),
    'order-3': ('compaction', 'unknown', '', 'none'),
    'page-cache': ('investigate', 'unknown', '', 'none'),
    'page-tables': ('investigate', 'unknown', '', 'none'),
    'percpu': ('investigate', 'unknown', '', 'none'),
    'pipes': ('investigate', 'unknown', '', 'none'),
    'socket-buffers': ('investigate', 'unknown', '', 'none'),
    'sockets': ('slab_leak', 'unknown', '', 'none'),
    'sysv-shm': ('tmpfs_size', 'unknown', '', 'delays'),
    'threads': ('investigate', 'unknown', 'threads', 'none'),
    'tmpfs': ('tmpfs_size', 'unknown', '', 'delays'),
    'vmalloc': ('investigate', 'unknown', '', 'none'),
    'zram': ('investigate', 'unknown', '', 'delays'),
    'low-memory': ('kernel_64bit', 'prevents', '', 'none'),
}
LOGS = sorted(glob.glob(os.path.join(FIXTURES, 'ways', '*', '*.dmesg')))


def way_of(path):
    return os.path.basename(path)[: -len('.dmesg')]


@pytest.mark.parametrize('path', LOGS, ids=['/'.join(path.split(os.sep)[-2:]) for path in LOGS])
def test_the_first_remedy_is_one_for_what_held_the_memory(path):
    rows = diagnose_log(path)['remedies']
    by_name = dict((row['name'], row) for row in rows)
    name, effect, word, swap = FIRST[way_of(path)]
    assert (rows[0]['name'], rows[0]['effect'], by_name['swap']['effect']) == (name, effect, swap)
    assert word in rows[0]['why'] + rows[0]['what']
    assert by_name['score']['effect'] == by_name['swappiness']['effect'] == 'none'
    # A group's charge has no pages of a balloon, and no RAM that the kernel does not manage.
    assert not (way_of(path).startswith('cgroup-') and 'balloon' in by_name)


@pytest.mark.parametrize('path', [path for path in LOGS if 'threads' in path])
def test_where_stacks_hold_the_most_a_limit_on_threads_is_told_too(path):
    assert 'pids_limit' in [row['name'] for row in diagnose_log(path)['remedies']]


@pytest.mark.parametrize('path', [path for path in LOGS if way_of(path) == 'balloon'])
def test_of_a_balloon_it_is_said_that_the_eater_is_that_of_the_rest(path):
    verdict = diagnose_log(path)['verdict']
    assert verdict['pattern'] == 'unknown'
    assert ' RAM is reserved, as by a balloon: the ledger and its eater are of the rest.' in verdict['caveats'][0]
