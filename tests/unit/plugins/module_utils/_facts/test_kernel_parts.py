# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._facts.kernel_parts import (
    kernel_parts,
    protocols,
    slab_caches,
    socket_part,
    vmalloc_callers,
    zram_uses,
)
from fake_node import Node

PAGE = 4096
SLAB = 'slabinfo - version: 2.1\n# name ...\n'
CACHE = '%s 9 9 192 21 1 : tunables    0    0    0 : slabdata %6d %6d      0\n'


def parts_of(root, meminfo=(), files=()):
    """{(kind, name): part} of a node with these counters and files, without those that are 0 or not told."""
    node = Node(root)
    for path, text in dict(files).items():
        node.file(path, text)
    return dict(((part['kind'], part['name']), part) for part in kernel_parts(node.host, dict(meminfo), PAGE)
                if part['bytes'])


@pytest.mark.parametrize('meminfo, kind, name, nbytes', [
    ({'PageTables': 5}, 'page_tables', None, 5),
    ({'SecPageTables': 5}, 'page_tables', 'secondary, of KVM and IOMMUs', 5),
    ({'KernelStack': 5}, 'kernel_stacks', None, 5),
    ({'MemFree': 5}, 'free', None, 5),
    ({'Bounce': 5}, 'other', 'bounce buffers', 5),
    ({'GPUActive': 5}, 'other', 'graphics', 5),
    ({'GPUReclaim': 5}, 'other', 'graphics, reclaimable', 5),
    ({'KReclaimable': 9, 'SReclaimable': 4}, 'other', 'reclaimable, of drivers', 5),
    ({'SwapCached': 5, 'Active(anon)': 4, 'Inactive(anon)': 7, 'AnonPages': 3, 'Shmem': 2}, 'other', 'swap cache', 5),
    ({'SwapCached': 9, 'Active(anon)': 4, 'Inactive(anon)': 6, 'AnonPages': 3, 'Shmem': 2}, 'other', 'swap cache', 5),
    ({'Percpu': 1, 'VmallocUsed': 15, 'KernelStack': 10}, 'vmalloc', None, 5),
    ({'HugePages_Total': 2, 'Hugepagesize': 2048}, 'hugepages', 'of 2 KiB', 4096),
    ({'Zswap': 5}, 'zswap', None, 5),
    ({'Cached': 3, 'Buffers': 2}, 'page_cache', None, 5),
    ({'Cached': 8, 'Buffers': 2, 'Shmem': 5}, 'page_cache', None, 5),
    ({'Slab': 5}, 'slab_unreclaimable', None, 5),
    ({'SReclaimable': 5, 'SUnreclaim': 0}, 'slab_reclaimable', None, 5),
])
def test_a_counter_is_told_as_a_part(meminfo, kind, name, nbytes, tmpdir):
    assert parts_of(tmpdir, meminfo)[kind, name]['bytes'] == nbytes


@pytest.mark.parametrize('meminfo', [
    {'SwapCached': 5, 'Active(anon)': 2, 'Inactive(anon)': 3, 'AnonPages': 9}, {'SwapCached': 5, 'Active(anon)': 9},
    # Before 5.0 it is address space.
    {'VmallocUsed': 15}, {'Percpu': 0}, {'Percpu': 0, 'VmallocUsed': 15, 'KernelStack': 15}, {'Cached': 5},
    {'KReclaimable': 4, 'SReclaimable': 4, 'SUnreclaim': 0}, {'Cached': 2, 'Buffers': 2, 'Shmem': 5},
])
def test_what_a_counter_does_not_tell_is_no_part(meminfo, tmpdir):
    counted = ('slab_reclaimable', 'kernel_stacks')
    assert [key for key in parts_of(tmpdir, meminfo) if key[0] not in counted] == []


@pytest.mark.parametrize('files, approximate', [
    ({}, True), ({'/proc/vmallocinfo': '0x0-0x3000 12288 load_module+0x1/0x2 pages=2 vmalloc\n'}, False)])
def test_of_vmalloc_a_counter_alone_is_near_and_a_list_is_exact(files, approximate, tmpdir):
    meminfo = {'Percpu': 1, 'VmallocUsed': 15, 'KernelStack': 10}
    found = [part for (kind, _name), part in parts_of(tmpdir, meminfo, files).items() if kind == 'vmalloc']
    assert [part['approximate'] for part in found] == [approximate]


@pytest.mark.parametrize('kind, name', [
    ('other', 'graphics, reclaimable'), ('other', 'reclaimable, of drivers'), ('slab_reclaimable', None)])
def test_what_the_kernel_can_take_back_is_droppable(kind, name, tmpdir):
    meminfo = {'GPUReclaim': 5, 'KReclaimable': 9, 'SReclaimable': 4, 'SUnreclaim': 4}
    parts = parts_of(tmpdir, meminfo)
    assert parts[kind, name]['droppable'] and not parts['slab_unreclaimable', None]['droppable']


@pytest.mark.parametrize('dirty, writeback, droppable', [
    (0, 0, True), (49, 0, True), (40, 9, True), (50, 0, False), (25, 25, False), (90, 0, False)])
def test_page_cache_can_be_dropped_if_the_most_part_of_it_is_written(dirty, writeback, droppable, tmpdir):
    meminfo = {'Cached': 100, 'Buffers': 0, 'Dirty': dirty, 'Writeback': writeback}
    assert parts_of(tmpdir, meminfo)['page_cache', None]['droppable'] is droppable


@pytest.mark.parametrize('active, inactive, unevictable, locked', [
    (60, 40, 0, 0), (60, 40, 50, 0), (30, 40, 50, 30), (30, 40, 20, 20), (70, 50, 50, 0), (None, 40, 50, 0)])
def test_page_cache_is_locked_that_is_on_no_list_of_files(active, inactive, unevictable, locked, tmpdir):
    meminfo = {'Cached': 90, 'Buffers': 10, 'Inactive(file)': inactive, 'Unevictable': unevictable}
    if active is not None:
        meminfo['Active(file)'] = active
    parts = parts_of(tmpdir, meminfo)
    assert parts['page_cache', None]['bytes'] == 100 - locked
    assert parts.get(('locked', 'page cache, ramfs'), {'bytes': 0})['bytes'] == locked


def test_a_slab_cache_is_as_large_as_its_slabs():
    assert slab_caches(SLAB + CACHE % ('dentry', 3, 7), PAGE) == {'dentry': 7 * PAGE}
    assert slab_caches('a 9 9 192 21 4 : tunables 0 0 0 : slabdata 7 7 0\n', PAGE) == {'a': 4 * 7 * PAGE}
    assert slab_caches(None, PAGE) == {}


MARKED = {'/proc/slabinfo': SLAB + CACHE % ('dentry', 9, 60) + CACHE % ('kmalloc-8', 9, 50) + CACHE % ('odd', 9, 90)
          + CACHE % ('tiny', 9, 1) + CACHE % ('a/b', 9, 80) + CACHE % ('.x', 9, 80),
          '/sys/kernel/slab/dentry/reclaim_account': '1\n', '/sys/kernel/slab/kmalloc-8/reclaim_account': '0\n',
          '/sys/kernel/slab/tiny/reclaim_account': '1\n', '/sys/kernel/slab/x/reclaim_account': '0\n',
          '/sys/kernel/slab/a/b/reclaim_account': '0\n'}


@pytest.mark.parametrize('meminfo, expected', [
    # A cache of which the kernel does not say whether it can be reclaimed is in the name of neither.
    ({'SReclaimable': 100 * PAGE, 'SUnreclaim': 100 * PAGE}, {'slab_reclaimable': 'dentry',
                                                              'slab_unreclaimable': 'kmalloc-8'}),
    ({'Slab': 300 * PAGE}, {'slab_unreclaimable': 'odd, .x, a/b'}),
    ({'SReclaimable': 10 * PAGE, 'SUnreclaim': 300 * PAGE}, {'slab_reclaimable': 'dentry, tiny',
                                                             'slab_unreclaimable': 'kmalloc-8'}),
])
def test_slab_is_named_by_its_largest_caches(meminfo, expected, tmpdir):
    parts = parts_of(tmpdir, meminfo, MARKED)
    assert dict(key for key in parts if key[0].startswith('slab')) == expected
    assert [part['approximate'] for part in parts.values() if part['kind'] == 'slab_unreclaimable'] == [
        'Slab' in meminfo]


@pytest.mark.parametrize('text, expected', [
    (' f+0x1/0x2 pages=2 vmalloc N0=2\n f+0x5/0x9 pages=3 vmalloc\n', {'f': 5}),
    (' f+0x1/0x2 [nf] pages=2 vmalloc\n f+0x1/0x2 pages=3 vmalloc\n', {'f [nf]': 2, 'f': 3}),
    (' copy_process+0x1/0x2 pages=2 vmalloc\n copy_process_x+0x1/0x2 pages=1 vmalloc\n', {'copy_process_x': 1}),
    (' f+0x1/0x2 phys=0x1 ioremap\n', {}), ('', {}), (None, {}),
])
def test_who_called_vmalloc(text, expected):
    found = vmalloc_callers(text, PAGE)
    assert dict((name, nbytes // PAGE) for name, nbytes in found.items()) == expected


@pytest.mark.parametrize('files, expected', [
    ({'/proc/zoneinfo': '  cpu: 0\n    count:    3\n    high:  9\n  cpu: 1\n    count: 4\n'},
     {('free', 'in lists of each CPU'): 7}),
    ({'/proc/vmstat': 'nr_zspages 9\n'}, {('other', 'zsmalloc'): 9}),
    ({'/proc/vmstat': 'nr_zspages 9\n', '/sys/block/zram0/mm_stat': '99 50 %d 0\n' % (4 * PAGE)},
     {('zram', '/dev/zram0'): 4, ('other', 'zsmalloc'): 5}),
    ({'/proc/vmstat': 'nr_zspages 9\n', '/sys/kernel/debug/zswap/pool_total_size': '%d\n' % (10 * PAGE)},
     {('zswap', None): 10}),
    ({'/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages': '3\n',
      '/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages': '1\n',
      '/sys/kernel/mm/hugepages/odd/nr_hugepages': '9\n',
      '/sys/kernel/mm/hugepages/hugepages-64kB/nr_hugepages': '\n'},
     {('hugepages', 'of 2048 KiB'): 3 * 512, ('hugepages', 'of 1048576 KiB'): 512 * 512}),
])
def test_what_files_of_the_kernel_tell(files, expected, tmpdir):
    assert dict((key, part['bytes'] // PAGE) for key, part in parts_of(tmpdir, {}, files).items()) == expected


@pytest.mark.parametrize('files, expected', [
    ({'mm_stat': '90 40 50 0\n'}, (90, 50)), ({'mm_stat': '90 40\n'}, None), ({'mm_stat': 'x 40 50\n'}, None),
    ({'orig_data_size': '90\n', 'compr_data_size': '40\n', 'mem_used_total': '50\n'}, (90, 50)),
    ({'orig_data_size': '90\n', 'compr_data_size': '40\n'}, None), ({'size': '1\n'}, None),
])
def test_what_a_zram_device_holds_and_takes(files, expected, tmpdir):
    node = Node(tmpdir)
    node.file('/sys/block/vda/mm_stat', '1 2 3\n')
    for name, text in files.items():
        node.file('/sys/block/zram1/' + name, text)
    assert zram_uses(node.host) == {'zram1': expected}


TCP = 'sockets: used 9\nTCP: inuse 9 orphan 0 tw 0 alloc 9 mem 3\nUDP: inuse 1 mem 2\nRAW: inuse 0\n'
FRAGMENTS = 'FRAG: inuse 1 memory 100\n'


@pytest.mark.parametrize('files, expected', [
    ({}, None), ({'sockstat6': 'FRAG6: inuse 1 memory 7\n'}, None),
    ({'sockstat': TCP}, 5 * PAGE),
    ({'sockstat': TCP + FRAGMENTS, 'sockstat6': 'TCP6: inuse 3\nFRAG6: inuse 1 memory 7\n'}, 5 * PAGE + 107),
    ({'sockstat': TCP, 'protocols': 'protocol size sockets memory press\nSCTP 1 1 9 no\n'}, 14 * PAGE),
])
def test_buffers_of_sockets_are_the_sum_of_their_counters(files, expected, tmpdir):
    node = Node(tmpdir)
    for name, text in files.items():
        node.file('/proc/net/' + name, text)
    assert socket_part(node.host, PAGE, 1 << 40)['bytes'] == expected
    assert socket_part(node.host, PAGE, 11)['bytes'] == (11 if expected else None)
    assert socket_part(node.host, PAGE, -11)['bytes'] == (0 if expected else None)


@pytest.mark.parametrize('line, expected', [
    ('SCTP 1 1 9 no', {'SCTP': 9}), ('SCTPv6 1 1 9 no', {'SCTP': 9}), ('UNIX 1 1 -1 NI', {}), ('TCP 1 1 5 no', {}),
    ('SCTP 1 1', {}), ('SCTP 1 1 9', {'SCTP': 9}), ('', {}),
])
def test_a_line_of_protocols(line, expected):
    assert protocols('protocol size sockets memory press\n%s\n' % line) == expected
    assert protocols(line) == {}
