# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._facts.forecast import (
    cgroup_distance,
    host_distance,
    swap_room,
)
from ansible_collections.oom.rescue.plugins.module_utils._facts.memory_facts import memory_facts
from fake_node import Node

MIB = 1 << 20
GIB = 1 << 30
ZONEINFO = ('Node 0, zone   Normal\n  pages free 1\n        min %d\n        low %d\n        high %d\n'
            '        managed 999999\n        protection: (0, 0)\n' % (16 * 256, 20 * 256, 24 * 256))
MEMINFO = {'MemTotal': 1000, 'MemFree': 100, 'MemAvailable': 300, 'Active(file)': 150, 'Inactive(file)': 100,
           'SReclaimable': 50, 'SwapTotal': 0, 'SwapFree': 0, 'AnonPages': 500}
FIRST_NAMESPACE = 'pid:[4026531836]'


def node_of(tmp_path, kernel='6.1.0', rows=(), meminfo=(), vm=(), namespace=FIRST_NAMESPACE):
    """A host whose processes are (pid, name, rss MiB, oom_score_adj, start)."""
    node = Node(tmp_path)
    node.file('/proc/sys/kernel/osrelease', kernel + '\n')
    lines = dict(MEMINFO, **dict(meminfo)).items()
    node.file('/proc/meminfo', ''.join('%s: %d kB\n' % (name, mib * 1024) for name, mib in lines))
    node.file('/proc/zoneinfo', ZONEINFO)
    node.link('/proc/self/ns/pid', namespace)
    for name, value in dict({'overcommit_memory': 0}, **dict(vm)).items():
        node.file('/proc/sys/vm/' + name, '%d\n' % value)
    for pid, name, mib, adj, start in rows:
        node.process(pid, name, rss_kb=mib * 1024, adj=adj, start_ticks=start)
    return node


@pytest.mark.parametrize('kernel, first', [('4.16.18', 51), ('4.17.0', 50), ('6.1.0', 50)])
def test_a_process_of_root_was_spared_a_little_before_4_17(tmp_path, kernel, first):
    node = node_of(tmp_path, kernel)
    node.process(50, 'of-root', rss_kb=102 * 1024)
    node.process(51, 'of-a-user', rss_kb=100 * 1024, uid=1000)
    assert memory_facts(node.host)['forecast']['host']['pid'] == first


@pytest.mark.parametrize('kernel, rows, expected', [
    ('6.1.0', [(50, 'big', 300, 0, 5), (51, 'small', 100, 0, 6)], (50, 'big')),
    ('6.1.0', [(50, 'big', 300, -200, 5), (51, 'small', 150, 0, 6)], (51, 'small')),
    ('6.1.0', [(50, 'big', 300, -1000, 5), (51, 'small', 1, 0, 6)], (51, 'small')),
    ('6.1.0', [(50, 'only', 300, -1000, 5)], (None, None)),
    # Of equals: the last since 5.3, the first before; the oldest is looked at first, whatever its pid.
    ('5.3.0', [(50, 'old', 100, 0, 5), (51, 'young', 100, 0, 6)], (51, 'young')),
    ('5.2.21', [(50, 'old', 100, 0, 5), (51, 'young', 100, 0, 6)], (50, 'old')),
    ('4.18.0-553.el8', [(50, 'old', 100, 0, 5), (51, 'young', 100, 0, 6)], (50, 'old')),
    ('6.12.0', [(31000, 'old', 100, 0, 5), (400, 'young', 100, 0, 6)], (400, 'young')),
    ('6.12.0', [(50, 'first', 100, 0, 5), (51, 'second', 100, 0, 5)], (51, 'second')),
])
def test_who_dies_next_is_the_kernel_s_own_choice(tmp_path, kernel, rows, expected):
    found = memory_facts(node_of(tmp_path, kernel, rows).host)['forecast']['host']
    assert (found['pid'], found['name']) == expected
    assert (found['caveat'] == 'there is no process that may be killed') == (expected[0] is None)
    assert ('child' in (found['caveat'] or '')) == (kernel < '5.1')


def test_page_tables_and_swap_count_as_much_as_memory(tmp_path):
    node = node_of(tmp_path, rows=[(50, 'plain', 101, 0, 5), (51, 'mapped', 100, 0, 6), (52, 'swapped', 100, 0, 7)])
    for pid, key, mib in ((51, 'VmPTE', 3), (52, 'VmSwap', 2)):
        path = '/proc/%d/status' % pid
        node.file(path, node.host.read(path) + '%s: %d kB\n' % (key, mib * 1024))
    ranking = memory_facts(node.host)['oom']['candidates']
    assert [row['name'] for row in ranking] == ['mapped', 'swapped', 'plain']


@pytest.mark.parametrize('rows, lead, words', [
    ([(50, 'big', 300, 0, 5)], None, None),
    ([(50, 'big', 300, 0, 5), (51, 'small', 100, 0, 6)], 200, 'small (pid 51) is killed in its place if it grows'),
    ([(50, 'big', 600, 0, 5), (51, 'small', 100, 0, 6)], 500, None),
    # 500 thousandths of 1000 MiB.
    ([(50, 'raised', 50, 500, 5), (51, 'small', 150, 0, 6)], 400, None),
])
def test_what_grows_may_take_its_place(tmp_path, rows, lead, words):
    found = memory_facts(node_of(tmp_path, rows=rows).host)['forecast']['host']
    assert lead is None and found['lead_bytes'] is None or abs(found['lead_bytes'] - lead * MIB) < MIB
    assert words is None and found['caveat'] is None or words in found['caveat']


@pytest.mark.parametrize('namespace, expected', [
    ('pid:[4026532000]', (1, 'mariadbd')), (FIRST_NAMESPACE, (50, 'backup'))])
def test_process_1_is_a_candidate_in_a_container_alone(tmp_path, namespace, expected):
    node = node_of(tmp_path, rows=[(1, 'mariadbd', 400, 0, 1), (50, 'backup', 100, 0, 2)], namespace=namespace)
    facts = memory_facts(node.host)
    assert (facts['forecast']['host']['pid'], facts['forecast']['host']['name']) == expected
    assert ('mariadbd' in [row['name'] for row in facts['oom']['candidates']]) == (expected[0] == 1)


@pytest.mark.parametrize('vm, words', [
    ({'panic_on_oom': 1}, 'panics'), ({'panic_on_oom': 2}, 'panics'),
    ({'oom_kill_allocating_task': 1}, 'whoever asks'),
])
def test_a_setting_that_overrides_the_points_names_nobody(tmp_path, vm, words):
    node = node_of(tmp_path, rows=[(50, 'big', 300, 0, 5)], vm=vm)
    found = memory_facts(node.host)['forecast']['host']
    assert (found['pid'], found['name']) == (None, None) and words in found['caveat']


@pytest.mark.parametrize('meminfo, swap, expected', [
    # All but the minimum of 16 MiB: 100 free, 250 of page cache, 50 of slab.
    ({}, (0, 0), (300, 384)),
    ({}, (200, 200), (500, 584)),
    # Before 3.14 what is available is worked out: free without the high watermark, and half of what can be reclaimed.
    ({'MemAvailable': None}, (0, 0), (100 - 24 + 150, 384)),
    ({'MemAvailable': 9, 'MemFree': 1, 'Active(file)': 2, 'Inactive(file)': 3, 'SReclaimable': 4}, (0, 0), (0, 0)),
    ({'SReclaimable': None}, (0, 0), (300, 334)),
    ({'MemFree': None}, (0, 0), None),
], ids=repr)
def test_the_distance_of_a_host_is_a_range(meminfo, swap, expected):
    mib = dict((name, value) for name, value in dict(MEMINFO, **meminfo).items() if value is not None)
    found = host_distance(dict((name, value * MIB) for name, value in mib.items()), ZONEINFO, 4096,
                          tuple(each * MIB for each in swap))
    assert (found and (found['low'], found['high'])) == (expected and tuple(each * MIB for each in expected))


@pytest.mark.parametrize('mounts, high, fails, available', [
    ('', 384, False, 1000), ('3 2 0:55 /proc/meminfo /proc/meminfo rw - fuse.lxcfs lxcfs rw\n', 350, None, None)])
def test_a_container_of_lxcfs_has_neither_the_watermarks_of_its_machine_nor_its_ram(
        tmp_path, mounts, high, fails, available):
    node = node_of(tmp_path, rows=[(50, 'big', 300, 0, 5)])
    node.file('/proc/self/mountinfo', '2 1 0:22 / /proc rw - proc proc rw\n' + mounts)
    node.file('/proc/50/status', node.host.read('/proc/50/status') + 'VmData: 300 kB\nVmSize: 300 kB\n')
    node.file('/proc/50/maps', '1000-2000 rw-p 00000000 00:00 0\n')
    found = memory_facts(node.host)
    assert found['forecast']['host']['distance_bytes']['high'] == high * MIB
    risk = found['commit']['fork_risk']
    assert (risk['fails'], risk['available_bytes']) == (fails, available and available * MIB)


def area(kind, size, used):
    path = '/dev/zram0' if kind == 'zram' else '/swap'
    return {'type': kind, 'path': path, 'size_bytes': size * MIB, 'used_bytes': used * MIB}


@pytest.mark.parametrize('free, areas, zram, expected', [
    (0, [], {}, (0, 0)),
    (500, [area('file', 600, 100)], {}, (500, 500)),
    # A page in zram takes a third of its size in RAM.
    (300, [area('zram', 400, 100)], {'zram0': (90 * MIB, 30 * MIB)}, (200, 200)),
    (300, [area('zram', 300, 0)], {'zram0': None}, (0, 200)),
    (300, [area('zram', 300, 0)], {'zram0': (0, 0)}, (0, 200)),
    (800, [area('zram', 300, 0), area('file', 500, 0)], {'zram0': (0, 0)}, (500, 700)),
], ids=repr)
def test_what_swap_can_take(free, areas, zram, expected):
    least, most = swap_room({'SwapFree': free * MIB}, areas, zram)
    assert (least // MIB, most // MIB) == expected


def group_of(**more):
    return dict({'limit_bytes': 100 * MIB, 'usage_bytes': 60 * MIB, 'swap_limit_bytes': None, 'swap_usage_bytes': 0,
                 'statistics': {'inactive_file': 10 * MIB, 'active_file': 6 * MIB, 'slab_reclaimable': 2 * MIB}},
                **more)


@pytest.mark.parametrize('group, swap, expected', [
    (group_of(), 0, (54, 58)),
    (group_of(), 200, (254, 258)),
    (group_of(swap_limit_bytes=0), 200, (54, 58)),
    (group_of(swap_limit_bytes=50 * MIB, swap_usage_bytes=20 * MIB), 200, (84, 88)),
    (group_of(swap_limit_bytes=50 * MIB, swap_usage_bytes=None), 20, (74, 78)),
    (group_of(usage_bytes=110 * MIB, statistics={}), 0, (0, 0)),
    (group_of(usage_bytes=None), 0, None),
], ids=repr)
def test_the_distance_of_a_cgroup_is_a_range(group, swap, expected):
    found = cgroup_distance(group, (swap * MIB, swap * MIB))
    assert (found and (found['low'] // MIB, found['high'] // MIB)) == expected


@pytest.mark.parametrize('limit, expected', [(None, (64, 78)), (15, (64, 73)), (5, (59, 63))])
def test_what_swap_may_take_of_a_cgroup_is_a_range_too(limit, expected):
    group = group_of(swap_limit_bytes=limit and limit * MIB)
    found = cgroup_distance(group, (10 * MIB, 20 * MIB))
    assert (found['low'] // MIB, found['high'] // MIB) == expected


GROUP = '/sys/fs/cgroup/web/'


def limited(node, **files):
    node.file('/proc/self/mountinfo', '25 1 0:40 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n')
    node.file('/proc/self/cgroup', '0::/\n')
    ordinary = {'max': '209715200', 'current': '104857600', 'swap.max': '0', 'stat': 'anon 1'}
    for name, text in dict(ordinary, **files).items():
        node.file(GROUP + 'memory.' + name.replace('_', '.'), text + '\n')
    for pid in (50, 51):
        node.file('/proc/%d/cgroup' % pid, '0::/web/worker\n')
    return node


ROWS = [(50, 'a', 60, 300, 5), (51, 'b', 80, 0, 6), (60, 'elsewhere', 500, 0, 7)]


@pytest.mark.parametrize('files, expected, words', [
    # 300 thousandths of 200 MiB are 60 MiB more.
    ({}, (50, 'a'), None),
    ({'oom_group': '1'}, (50, 'a'), 'all 2 processes'),
    ({'max': 'max'}, None, None),
])
def test_who_dies_next_in_a_cgroup_is_one_of_it(tmp_path, files, expected, words):
    node = limited(node_of(tmp_path, rows=ROWS), **files)
    found = memory_facts(node.host)['forecast']['cgroups']
    assert [(each['path'], each['pid'], each['name']) for each in found] == (
        [('/web',) + expected] if expected else [])
    assert words is None or words in found[0]['caveat']


@pytest.mark.parametrize('vm, expected', [
    ({'panic_on_oom': 0}, (50, False)), ({'panic_on_oom': 1}, (50, False)), ({'panic_on_oom': 2}, (None, True)),
    ({'oom_kill_allocating_task': 1}, (50, False)),
])
def test_which_settings_override_the_points_in_a_cgroup(tmp_path, vm, expected):
    found = memory_facts(limited(node_of(tmp_path, rows=ROWS, vm=vm)).host)['forecast']['cgroups'][0]
    assert (found['pid'], found['caveat'] == 'vm.panic_on_oom is 2: the kernel panics') == expected


def test_version_1_can_have_processes_wait(tmp_path):
    node = node_of(tmp_path, rows=ROWS)
    node.file('/proc/self/mountinfo', '25 1 0:40 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n')
    node.file('/proc/self/cgroup', '4:memory:/\n')
    node.file('/proc/50/cgroup', '4:memory:/web\n')
    for name, text in (('limit_in_bytes', '209715200'), ('usage_in_bytes', '100'), ('stat', 'total_rss 1'),
                       ('oom_control', 'oom_kill_disable 1\nunder_oom 0\noom_kill 0')):
        node.file('/sys/fs/cgroup/memory/web/memory.' + name, text + '\n')
    found = memory_facts(node.host)['forecast']['cgroups']
    assert [(each['path'], each['pid']) for each in found] == [('/web', None)] and 'wait' in found[0]['caveat']


@pytest.mark.parametrize('vm, size_mib, expected', [
    ({'overcommit_memory': 1}, 5000, False),
    ({'overcommit_memory': 0}, 900, False),
    ({'overcommit_memory': 0}, 5000, True),
    ({'overcommit_memory': 2}, 100, True),
])
def test_whether_a_fork_of_the_largest_of_a_cgroup_would_be_refused(tmp_path, vm, size_mib, expected):
    node = limited(node_of(tmp_path, rows=ROWS, vm=vm, meminfo={'CommitLimit': 500, 'Committed_AS': 450}))
    node.file('/proc/50/status', 'Name: a\nUid: 0 0 0 0\nVmSize: %d kB\nVmData: %d kB\nVmRSS: 9 kB\n' % (
        size_mib * 1024, size_mib * 1024))
    node.file('/proc/50/maps', '10000000-%x rw-p 00000000 00:00 0\n' % (0x10000000 + size_mib * MIB))
    assert [each['fork_refused'] for each in memory_facts(node.host)['forecast']['cgroups']] == [expected]
