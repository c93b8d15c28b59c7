# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._facts.commit import (
    commit,
    fork_risk,
    guess_bytes,
    largest_process,
    private_mappings,
    reserved_bytes,
)
from ansible_collections.oom.rescue.plugins.module_utils._node.meminfo import parse_meminfo
from ansible_collections.oom.rescue.plugins.module_utils._node.processes import process
from fake_sysctl_node import SysctlNode

MIB = 1 << 20
MAPS = """\
55d000000000-55d000100000 r-xp 00000000 08:01 1 /usr/local/bin/php
55d000300000-55d000400000 rw-p 00100000 08:01 1 /usr/local/bin/php
7f0000000000-7f0010000000 rw-p 00000000 00:00 0
7f0020000000-7f0030000000 rw-s 00000000 00:05 2 /dev/shm/x
7f0040000000-7f0050000000 ---p 00000000 00:00 0
7ffc00000000-7ffc00100000 rw-p 00000000 00:00 0 [stack]
"""
PHP = {'pid': 13360, 'name': 'php', 'euid': 0, 'data_bytes': 258 * MIB, 'size_bytes': 512 * MIB}
MEMINFO = {
    'MemTotal': 991 * MIB, 'SwapTotal': 0, 'MemFree': 65 * MIB, 'Cached': 96 * MIB, 'Buffers': 0, 'SwapCached': 0,
    'SwapFree': 0, 'SReclaimable': 20 * MIB, 'Shmem': 38 * MIB, 'CommitLimit': 495 * MIB, 'Committed_AS': 300 * MIB,
}
ZONEINFO = """\
Node 0, zone      DMA
  pages free     1926
        min      89
        low      111
        high     133
        managed  3977
        protection: (0, 956, 956, 956)
  pagesets
    cpu: 0
              high:  0
Node 0, zone    DMA32
  pages free     14707
        min      5543
        low      6928
        high     8314
        managed  249746
        protection: (0, 0, 0, 0)
"""


def test_what_a_fork_asks_for_is_private_and_writable():
    assert private_mappings(MAPS) == [MIB, 256 * MIB, MIB]
    assert private_mappings(None) == []


def test_reserves_are_high_watermarks_and_lowmem_reserves():
    assert reserved_bytes(ZONEINFO, 4096) == (133 + 956 + 8314) * 4096
    assert reserved_bytes(None, 4096) == 0


def test_the_old_guess_leaves_out_shmem_and_reserves():
    assert guess_bytes(MEMINFO, 40 * MIB) == (65 + 96 + 20 - 38 - 40) * MIB
    assert guess_bytes(MEMINFO, 4000 * MIB) == 0
    assert guess_bytes({}, 0) is None


@pytest.mark.parametrize('mode, kernel, mappings, meminfo, expected', [
    (0, '3.10.0-957.el7', [MIB, 256 * MIB], {}, (True, 256 * MIB, 103 * MIB)),
    (0, '3.10.0-957.el7', [MIB, 256 * MIB], {'SwapFree': 2048 * MIB}, (False, 256 * MIB, 2151 * MIB)),
    (0, '5.2.0', [MIB, 256 * MIB], {}, (False, 256 * MIB, 991 * MIB)),
    (0, '6.1.0', [MIB, 1024 * MIB], {}, (True, 1024 * MIB, 991 * MIB)),
    (0, '6.1.0', [MIB, 1024 * MIB], {'SwapTotal': 2048 * MIB}, (False, 1024 * MIB, 3039 * MIB)),
    (0, None, [MIB], {}, (False, MIB, 991 * MIB)),
    (1, '3.10.0', [1 << 50], {}, (False, None, None)),
    (2, '6.1.0', [100 * MIB, 96 * MIB], {}, (True, 196 * MIB, 179 * MIB)),
    (2, '6.1.0', [100 * MIB, 79 * MIB], {}, (False, 179 * MIB, 179 * MIB)),
    (2, '6.1.0', [MIB], {'Committed_AS': 600 * MIB}, (True, MIB, 0)),
    (2, '6.1.0', [MIB], {'CommitLimit': None}, (None, MIB, None)),
    (2, '6.1.0', [MIB], {'Committed_AS': None}, (None, MIB, None)),
    (None, '6.1.0', [MIB], {}, (None, None, None)),
    (0, '6.1.0', [], {}, (None, None, None)),
], ids=repr)
def test_a_fork_fails_by_the_rule_of_the_mode_and_kernel(mode, kernel, mappings, meminfo, expected):
    risk = fork_risk(mode, kernel, dict(MEMINFO, **meminfo), {'user_reserve_kbytes': 131072}, PHP, mappings, 40 * MIB)
    assert (risk['fails'], risk['needed_bytes'], risk['available_bytes']) == expected
    assert risk['reason']


def test_who_is_not_root_leaves_the_administrator_a_reserve():
    vm = {'admin_reserve_kbytes': 8192, 'user_reserve_kbytes': 0}
    available = [fork_risk(2, '6.1', MEMINFO, vm, dict(PHP, euid=uid), [MIB], 0)['available_bytes'] for uid in (0, 33)]
    assert available == [195 * MIB, 187 * MIB]


def test_the_largest_process_is_the_one_with_most_private_data(tmp_path):
    node = SysctlNode(tmp_path)
    for pid, name in ((2, 'kthreadd'), (10, 'mysqld'), (11, 'php')):
        node.file('/proc/%d/stat' % pid, '%d (%s) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0\n' % (pid, name))
    node.file('/proc/10/status', 'Name:\tmysqld\nVmSize:\t 3867316 kB\nVmData:\t  600000 kB\nUid:\t1\t27\t27\t27\n')
    node.file('/proc/11/status', 'Name:\tphp\nVmSize:\t  400000 kB\nVmData:\t  306652 kB\nUid:\t0\t0\t0\t0\n')
    node.file('/proc/2/status', 'Name:\tkthreadd\nUid:\t0\t0\t0\t0\n')
    found = largest_process([process(node.host, pid) for pid in (2, 10, 11)])
    assert (found['pid'], found['name'], found['euid'], found['data_bytes']) == (10, 'mysqld', 27, 600000 * 1024)


@pytest.mark.parametrize('mode, headroom', [(0, None), (1, None), (2, 195 * MIB), (None, None)])
def test_there_is_headroom_only_where_there_is_a_limit(tmp_path, mode, headroom):
    meminfo = parse_meminfo('CommitLimit: %d kB\nCommitted_AS: %d kB\n' % (495 << 10, 300 << 10))
    vm = {'overcommit_memory': mode, 'overcommit_ratio': 50}
    found = commit(SysctlNode(tmp_path).host, [], meminfo, vm, '6.1', 4096)
    assert (found['mode'], found['headroom_bytes'], found['ratio']) == (mode, headroom, 50)
    assert found['fork_risk']['fails'] is (False if mode == 1 else None)


def test_a_limit_in_kilobytes_takes_the_place_of_the_ratio(tmp_path):
    found = commit(SysctlNode(tmp_path).host, [], {}, {'overcommit_ratio': 50, 'overcommit_kbytes': 1024}, None, 4096)
    assert (found['ratio'], found['limit_bytes'], found['committed_bytes']) == (None, None, None)
