# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._facts.memory_facts import limit_of, memory_facts, swap_areas
from fake_node import Node, seed_node
from fake_sysctl_node import SysctlNode

KEYS = {
    'ram': ['total_bytes', 'available_bytes', 'free_bytes', 'buffers_bytes', 'cached_bytes', 'shmem_bytes',
            'slab_reclaimable_bytes', 'hugepages_total'],
    'swap': ['total_bytes', 'free_bytes', 'used_bytes', 'areas', 'zswap'],
    'commit': ['mode', 'ratio', 'limit_bytes', 'committed_bytes', 'headroom_bytes', 'fork_risk'],
    'vm': ['panic_on_oom', 'oom_kill_allocating_task', 'min_free_kbytes', 'vfs_cache_pressure', 'overcommit_memory'],
    'swappiness': ['runtime', 'after_reboot', 'declared', 'tuned', 'cgroups', 'holds'],
    'cgroup': ['version', 'limit_bytes', 'swap_limit_bytes', 'usage_bytes', 'oom_kills'],
    'oom': ['kills_since_boot', 'user_space_killers', 'candidates'],
    'host': ['container', 'can_swapon', 'kernel', 'page_size_bytes'],
}


def test_the_seed_host_s_facts_are_whole(tmp_path):
    node = seed_node(tmp_path)
    node.file('/proc/sys/kernel/osrelease', '3.10.0-957.27.2.el7.x86_64\n')
    node.file('/proc/swaps', 'Filename Type Size Used Priority\n')
    facts = memory_facts(node.host)
    for part, keys in KEYS.items():
        assert set(keys) <= set(facts[part]), part
    assert facts['pressure'] is None
    assert facts['ram']['total_bytes'] == 1014892 * 1024
    assert facts['ram']['available_bytes'] is None
    assert facts['swap']['total_bytes'] == 0 and facts['swap']['areas'] == []
    assert facts['host']['kernel'] == '3.10.0-957.27.2.el7.x86_64'
    assert [row['name'] for row in facts['oom']['candidates']][:2] == ['mysqld', 'php']
    victim = facts['oom']['candidates'][0]
    assert (victim['pid'], victim['uid'], victim['score'], victim['oom_score_adj'], victim['rss_bytes']) == (
        13036, 999, 435, 0, 440332 * 1024)
    assert victim['manager']['kind'] == 'docker'
    json.dumps(facts)


def test_init_kernel_threads_and_the_unkillable_are_no_candidates(tmp_path):
    node = Node(tmp_path)
    node.process(2, 'kthreadd', ppid=0, flags=0x208040)
    node.process(50, 'protected', adj=-1000, rss_kb=900000)
    node.process(60, 'lowered', adj=-600, rss_kb=500000)
    node.process(70, 'raised', adj=500, rss_kb=10)
    node.process(80, 'plain', rss_kb=1000)
    facts = memory_facts(node.host)
    assert [row['pid'] for row in facts['oom']['candidates']] == [70, 80, 60]
    assert [row['pid'] for row in memory_facts(node.host, candidates=1)['oom']['candidates']] == [70]


def test_no_file_of_the_kernel_is_opened_twice(tmp_path):
    node = seed_node(tmp_path)
    opened = []
    read = node.host.read
    node.host.read = lambda path, **options: opened.append(path) or read(path, **options)
    memory_facts(node.host)
    of_kernel = [path for path in opened if path.startswith(('/proc/', '/sys/'))]
    assert len(of_kernel) > 50
    assert sorted(path for path in set(of_kernel) if of_kernel.count(path) > 1) == []


def test_a_bare_proc_gives_nulls_and_no_error(tmp_path):
    facts = memory_facts(SysctlNode(tmp_path / 'node').host)
    assert facts['vm']['panic_on_oom'] is None
    assert facts['commit']['fork_risk']['fails'] is None
    assert facts['oom']['kills_since_boot'] is None
    assert facts['cgroup']['version'] is None


def test_a_swap_file_s_area_names_its_filesystem(tmp_path):
    node = SysctlNode(tmp_path)
    node.file('/proc/self/mountinfo', '1 0 8:1 / / rw - ext4 /dev/vda rw\n2 1 8:2 / /data rw - xfs /dev/vdb rw\n')
    node.file('/data/swap', '')
    node.file('/dev/vdc', '')
    node.file('/proc/swaps', 'Filename\tType\tSize\tUsed\tPriority\n'
                             '/host/swap file 8 8 -3\n/data/swap file 1048572 512 -2\n'
                             '/dev/vdc partition 1024 0 5\n/dev/zram0 partition 1024 0 100\n')
    assert [(area['path'], area['type'], area['filesystem'], area['priority']) for area in swap_areas(node.host)] == [
        ('/host/swap', 'file', None, -3), ('/data/swap', 'file', 'xfs', -2), ('/dev/vdc', 'partition', None, 5),
        ('/dev/zram0', 'zram', None, 100)]


@pytest.mark.parametrize('swap_mib, limit_mib', [(0, 100), (50, 150), (None, 100)])
def test_what_a_candidate_can_have_is_the_limit_of_its_cgroup_and_the_swap_of_the_host(tmp_path, swap_mib, limit_mib):
    node = Node(tmp_path)
    node.file('/proc/self/mountinfo', '25 1 0:40 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n')
    node.file('/proc/self/cgroup', '0::/\n')
    node.file('/proc/meminfo', 'MemTotal: 1014892 kB\n' + (
        '' if swap_mib is None else 'SwapTotal: %d kB\nSwapFree: 0 kB\n' % (swap_mib << 10)))
    node.process(50, 'web', rss_kb=1000, cgroup='0::/system.slice/web.service\n')
    group = '/sys/fs/cgroup/system.slice/web.service/'
    for name, text in (('max', '104857600\n'), ('current', '1048576\n'), ('swap.max', 'max\n')):
        node.file(group + 'memory.' + name, text)
    (row,) = memory_facts(node.host)['oom']['candidates']
    assert (row['pid'], row['limit_bytes']) == (50, limit_mib << 20)


@pytest.mark.parametrize('groups, limit', [
    pytest.param([], None, id='none'),
    pytest.param([(64, 0, [7])], 64, id='its own, without swap'),
    pytest.param([(64, None, [7]), (80, 0, [7])], 74, id='of the slice above, with all swap there is'),
    pytest.param([(64, 4, [7])], 68, id='with some swap'),
    pytest.param([(64, 0, [8])], None, id="another's"),
])
def test_what_a_candidate_can_have_is_bound_by_the_groups_above_it(groups, limit):
    rows = [{'limit_bytes': size, 'swap_limit_bytes': swap, 'pids': set(pids)} for size, swap, pids in groups]
    assert limit_of(rows, 7, 10) == limit
