# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._facts.pressure import parse_pressure, pressure
from ansible_collections.oom.rescue.plugins.module_utils._node.meminfo import (
    number_of,
    parse_meminfo,
    ram_and_swap_bytes,
    ram_facts,
    read_meminfo,
    room_in_ram,
    swap_totals,
    vm_settings,
    vmstat,
    zswap,
)
from fake_sysctl_node import SysctlNode

MEMINFO = """\
MemTotal:        1014892 kB
MemFree:           66532 kB
MemAvailable:      60700 kB
Buffers:               0 kB
Cached:            98776 kB
SwapCached:            0 kB
Active(anon):     700000 kB
Shmem:             39036 kB
SReclaimable:      22000 kB
SwapTotal:       2097148 kB
SwapFree:        1048572 kB
CommitLimit:      507444 kB
Committed_AS:    3000000 kB
HugePages_Total:       2
HugePages_Free:        1
Hugepagesize:       2048 kB
"""


def test_meminfo_is_in_bytes_and_counts_stay_counts():
    facts = ram_facts(parse_meminfo(MEMINFO))
    assert facts['total_bytes'] == 1014892 * 1024
    assert facts['available_bytes'] == 60700 * 1024
    assert facts['buffers_bytes'] == 0
    assert facts['shmem_bytes'] == 39036 * 1024
    assert (facts['hugepages_total'], facts['hugepages_free'], facts['hugepage_size_bytes']) == (2, 1, 2 << 20)


def test_what_a_kernel_does_not_say_is_null():
    facts = ram_facts(parse_meminfo('MemTotal: 1014892 kB\nMemFree: 1 kB\nbroken\nMemAvailable: x kB\n'))
    assert (facts['available_bytes'], facts['page_tables_bytes'], facts['hugepages_total']) == (None, None, None)
    assert set(ram_facts({}).values()) == set([None])
    assert swap_totals({}) == {'total_bytes': None, 'free_bytes': None, 'used_bytes': None, 'cached_bytes': None}


def test_used_swap_is_what_is_not_free():
    assert swap_totals(parse_meminfo(MEMINFO)) == {
        'total_bytes': 2097148 << 10, 'free_bytes': 1048572 << 10, 'used_bytes': 1048576 << 10, 'cached_bytes': 0}


@pytest.mark.parametrize('text, number', [
    ('10\n', 10), ('-1\n', -1), ('', None), ('ten', None), ('1 2', None)], ids=repr)
def test_a_file_with_one_number_is_that_number(tmp_path, text, number):
    node = SysctlNode(tmp_path)
    node.file('/proc/sys/vm/x', text)
    assert number_of(node.host, '/proc/sys/vm/x') == number


def test_settings_have_the_kernel_s_names(tmp_path):
    node = SysctlNode(tmp_path)
    node.file('/proc/sys/vm/page-cluster', '3\n')
    node.file('/proc/sys/vm/panic_on_oom', '0\n')
    settings = vm_settings(node.host)
    assert (settings['page_cluster'], settings['panic_on_oom'], settings['vfs_cache_pressure']) == (3, 0, None)


def test_zswap_is_null_where_the_kernel_has_none(tmp_path):
    node = SysctlNode(tmp_path)
    assert zswap(node.host) is None
    for name, text in (('enabled', 'Y'), ('compressor', 'lzo'), ('max_pool_percent', '20')):
        node.file('/sys/module/zswap/parameters/' + name, text + '\n')
    assert zswap(node.host) == {'enabled': True, 'compressor': 'lzo', 'zpool': None, 'max_pool_percent': 20}


@pytest.mark.parametrize('text, count', [
    ('pgfault 1\noom_kill 4\n', 4), ('pgfault 1\n', None), ('drop_oom_kill 4\n', None), (None, None)], ids=repr)
def test_kills_since_boot_are_null_before_the_kernel_counted_them(tmp_path, text, count):
    node = SysctlNode(tmp_path)
    if text is not None:
        node.file('/proc/vmstat', text)
    assert vmstat(node.host, 'oom_kill') == count


def test_pressure_is_in_percent_and_seconds(tmp_path):
    node = SysctlNode(tmp_path)
    assert pressure(node.host) is None
    node.file('/proc/pressure/memory', 'some avg10=1.50 avg60=0.00 avg300=0.25 total=2500000\n'
                                       'full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n')
    assert pressure(node.host) == {
        'some_avg10': 1.5, 'some_avg60': 0.0, 'some_avg300': 0.25, 'some_total_seconds': 2.5,
        'full_avg10': 0.0, 'full_avg60': 0.0, 'full_avg300': 0.0, 'full_total_seconds': 0.0}
    assert parse_pressure('nonsense') is None


@pytest.mark.parametrize('text, total, available', [
    ('MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 600 kB\nCached: 700 kB\n', 1000, 600),
    ('MemTotal: 1000 kB\nMemFree: 100 kB\nCached: 700 kB\nShmem: 50 kB\n', 1000, 750),
    ('MemTotal: 1000 kB\nMemFree: 10 kB\nCached: 20 kB\nShmem: 50 kB\n', 1000, 0),
    ('', 0, 0),
])
def test_room_in_ram_is_told_by_kernels_with_and_without_memavailable(tmp_path, text, total, available):
    node = SysctlNode(tmp_path)
    node.file('/proc/meminfo', text)
    assert room_in_ram(read_meminfo(node.host)) == {'total_bytes': total * 1024, 'available_bytes': available * 1024}


@pytest.mark.parametrize('text, kb', [
    ('MemTotal: 1000 kB\nSwapCached: 7 kB\nSwapTotal: 500 kB\nSwapFree: 9 kB\n', 1500),
    ('MemTotal: 1000 kB\n', 1000),
    ('', 0),
])
def test_the_kernel_ranks_by_ram_and_swap(text, kb):
    assert ram_and_swap_bytes(parse_meminfo(text)) == kb * 1024
