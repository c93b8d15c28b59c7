# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import collections
import os
import resource

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._facts.anonymous import UNSEEN, anonymous_parts
from ansible_collections.oom.rescue.plugins.module_utils._facts.kernel_parts import protocols, vmalloc_callers
from ansible_collections.oom.rescue.plugins.module_utils._facts.ledger import cpu_seconds, ledgers
from ansible_collections.oom.rescue.plugins.module_utils._facts.shared import UNNAMED, tmpfs_uses
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host
from ansible_collections.oom.rescue.plugins.module_utils._files.reader import Noting
from ansible_collections.oom.rescue.plugins.module_utils._node.ledger import eater_of
from ansible_collections.oom.rescue.plugins.module_utils._node.meminfo import read_meminfo
from ansible_collections.oom.rescue.plugins.module_utils._node.processes import processes
from fake_node import Node

MIB = 1 << 20
PAGE = 4096
# A host of 1000 MiB in which each page is told: MiB.
ORDINARY = {
    'MemTotal': 1000, 'MemFree': 200, 'Buffers': 20, 'Cached': 280, 'SwapCached': 0, 'Active(anon)': 50,
    'Inactive(anon)': 250, 'Active(file)': 150, 'Inactive(file)': 100, 'Unevictable': 0, 'AnonPages': 250, 'Shmem': 50,
    'SReclaimable': 60, 'SUnreclaim': 60, 'KernelStack': 10, 'PageTables': 20, 'Percpu': 5, 'VmallocUsed': 25,
    'HugePages_Total': 0, 'SwapTotal': 0, 'SwapFree': 0,
}
SLAB = 'slabinfo - version: 2.1\n# name ...\n'
CACHE = '%s %d %d 192 21 1 : tunables    0    0    0 : slabdata %6d %6d      0\n'


def host_with(tmp_path, more=(), processes_mib=((50, 'server', 250),), files=()):
    node = Node(tmp_path)
    meminfo = dict(ORDINARY, **dict(more))
    node.file('/proc/meminfo', ''.join('%s: %d kB\n' % (name, number * 1024) for name, number in meminfo.items()))
    node.process(1, 'systemd', ppid=0)
    for pid, name, mib in processes_mib:
        holding(node, pid, name, mib)
    for path, text in dict(files).items():
        node.file(path, text)
    return node


def holding(node, pid, name, anon_mib, shmem_mib=0, pss_mib=None):
    node.process(pid, name)
    node.file('/proc/%d/status' % pid, 'Name: %s\nUid: 0 0 0 0\nVmRSS: %d kB\nRssAnon: %d kB\nRssShmem: %d kB\n' % (
        name, (anon_mib + shmem_mib) * 1024, anon_mib * 1024, shmem_mib * 1024))
    if pss_mib is not None:
        node.file('/proc/%d/smaps_rollup' % pid, '0-f ---p 0 00:00 0 [rollup]\nPss: %d kB\nPss_Anon: %d kB\n' % (
            pss_mib * 1024, pss_mib * 1024))


def ledger_of(node, seconds=0, clock=lambda: 0.0):
    host = Noting(node.host)
    found, groups, _more = ledgers(host, processes(host), read_meminfo(host), PAGE, seconds, clock)
    for each in [found] + [group['ledger'] for group in groups]:
        assert sum(part['bytes'] or 0 for part in each['parts']) + each['unaccounted_bytes'] == each['total_bytes']
    return found, groups


def of_kind(ledger, kind):
    return [(part['name'], part['bytes'] // MIB) for part in ledger['parts'] if part['kind'] == kind and part['bytes']]


def test_an_ordinary_host_is_told_to_the_page(tmp_path):
    found = ledger_of(host_with(tmp_path))[0]
    assert found['total_bytes'] == 1000 * MIB
    # Stacks are in VmallocUsed a second time.
    assert of_kind(found, 'vmalloc') == [(None, 15)]
    assert of_kind(found, 'page_cache') == [(None, 250)]
    assert of_kind(found, 'process') == [('server', 250)]
    assert found['unaccounted_bytes'] == (1000 - 200 - 300 - 250 - 60 - 60 - 10 - 20 - 5 - 15) * MIB


@pytest.mark.parametrize('more, processes_mib, files, expected', [
    ({'AnonPages': 700}, [(50, 'mysqld', 600), (51, 'php', 100)], {}, ('process', 'mysqld')),
    ({'AnonPages': 600}, [(pid, 'php-fpm', 20) for pid in range(50, 80)], {}, ('processes', 'php-fpm')),
    ({'AnonPages': 560}, [(50 + pid, 'job%d' % pid, 4) for pid in range(140)], {}, ('page_cache', None)),
    ({'AnonPages': 700}, [(50, 'sshd', 5)], {}, ('other', UNSEEN)),
    ({'Shmem': 600, 'Cached': 630, 'Inactive(anon)': 850}, [], {}, ('shmem', UNNAMED)),
    ({'Shmem': 600, 'Cached': 630}, [], {'/proc/sysvipc/shm': 'key shmid size rss swap\n0 1 9 %d 0\n' % (590 * MIB)},
     ('shmem', 'SysV segments')),
    ({'SUnreclaim': 600}, [], {'/proc/slabinfo': SLAB + CACHE % ('kmalloc-256', 9, 9, 590 * 256, 590 * 256),
                               '/sys/kernel/slab/kmalloc-256/reclaim_account': '0\n'},
     ('slab_unreclaimable', 'kmalloc-256')),
    ({'SReclaimable': 600}, [], {'/proc/slabinfo': SLAB + CACHE % ('dentry', 9, 9, 590 * 256, 590 * 256),
                                 '/sys/kernel/slab/dentry/reclaim_account': '1\n'}, ('slab_reclaimable', 'dentry')),
    ({'PageTables': 600}, [], {}, ('page_tables', None)),
    ({'SecPageTables': 600}, [], {}, ('page_tables', 'secondary, of KVM and IOMMUs')),
    ({'KernelStack': 600, 'VmallocUsed': 615}, [], {}, ('kernel_stacks', None)),
    ({'Percpu': 600}, [], {}, ('percpu', None)),
    ({}, [], {'/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages': '300\n',
              '/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages': '0\n'}, ('hugepages', 'of 2048 KiB')),
    ({}, [], {'/proc/vmallocinfo': '0x0-0x1 %d bpf_map_alloc+0x1/0x2 pages=%d vmalloc N0=1\n'
              '0x2-0x3 9 dup_task_struct+0x1/0x2 pages=9999 vmalloc\n' % (600 * MIB, 600 * 256)},
     ('vmalloc', 'bpf_map_alloc')),
    ({}, [], {'/proc/net/sockstat': 'sockets: used 9\nTCP: inuse 9 orphan 0 tw 0 alloc 9 mem %d\n' % (600 * 256)},
     ('sockets', None)),
    ({}, [], {'/sys/block/zram0/mm_stat': '%d %d %d 0 0 0 0 0\n' % (1800 * MIB, 590 * MIB, 600 * MIB)},
     ('zram', '/dev/zram0')),
    ({'Zswap': 600}, [], {}, ('zswap', None)),
    ({}, [], {'/sys/kernel/debug/zswap/pool_total_size': '%d\n' % (600 * MIB)}, ('zswap', None)),
    ({'Balloon': 600}, [], {}, ('other', 'balloon')),
    ({'Cached': 730, 'Unevictable': 600}, [], {}, ('locked', 'page cache, ramfs')),
    ({'Cached': 630, 'Inactive(file)': 500}, [], {}, ('page_cache', None)),
    ({'MemFree': 20}, [], {}, ('unaccounted', None)),
], ids=lambda value: '-'.join(map(str, value)) if isinstance(value, tuple) else '')
def test_what_holds_the_memory_is_named(tmp_path, more, processes_mib, files, expected):
    # What the eater takes, nothing else has.
    rest = {'MemFree': 20, 'AnonPages': 0}
    found = ledger_of(host_with(tmp_path, dict(rest, **more), processes_mib, files))[0]
    eater = eater_of(found)
    assert (eater['kind'], eater['name']) == expected


@pytest.mark.parametrize('kept', [(), ('MemTotal',), ('MemTotal', 'MemFree')])
def test_a_counter_that_the_kernel_lacks_is_null(tmp_path, kept):
    node = host_with(tmp_path)
    node.file('/proc/meminfo', ''.join('%s: 1000 kB\n' % name for name in kept))
    host = Noting(node.host)
    found = ledgers(host, processes(host), read_meminfo(host), PAGE, 0)[0]
    if not kept:
        assert found is None
        return
    unknown = set(part['kind'] for part in found['parts'] if part['bytes'] is None)
    assert set(['page_cache', 'page_tables', 'kernel_stacks', 'percpu', 'vmalloc', 'zswap', 'hugepages', 'shmem',
                'sockets', 'slab_unreclaimable']) <= unknown


def test_buffers_of_sockets_that_are_in_slab_are_not_counted_twice(tmp_path):
    text = 'TCP: inuse 9 orphan 0 tw 0 alloc 9 mem %d\nFRAG: inuse 1 memory 4096\n' % (100 * 256)
    node = host_with(tmp_path, {'SUnreclaim': 130}, files={'/proc/net/sockstat': text})
    found = ledger_of(node)[0]
    assert of_kind(found, 'sockets') == [(None, 10)] and found['unaccounted_bytes'] == 0


def test_both_versions_of_ip_have_one_counter():
    text = 'protocol size sockets memory press\nSCTPv6 1 1 9 no\nSCTP 1 1 9 no\nTCP 1 1 5 no\nUNIX 1 1 -1 NI\n'
    assert protocols(text) == {'SCTP': 9}


def test_stacks_of_threads_are_no_vmalloc():
    text = ('0x1-0x2 20480 kernel_clone+0x94/0x3e0 pages=4 vmalloc N0=4\n'
            '0x1-0x2 8192 xfs_buf+0x9/0x10 [xfs] pages=2 vmalloc\n'
            '0x1-0x2 8192 acpi_os_map_iomem+0x1bc/0x1e0 phys=0x9f000 ioremap\n')
    assert vmalloc_callers(text, PAGE) == {'xfs_buf [xfs]': 2 * PAGE}


# Ten workers that share 60 MiB, and have 5 of their own.
FORKED = [(50 + number, 'worker', 65) for number in range(10)]


def test_pages_of_forked_processes_count_once(tmp_path):
    node = host_with(tmp_path, {'AnonPages': 110}, [])
    for pid, name, mib in FORKED:
        holding(node, pid, name, mib, pss_mib=11)
    found = ledger_of(node, seconds=0.3)[0]
    part = next(part for part in found['parts'] if part['kind'] == 'processes')
    assert (part['name'], part['bytes'], part['approximate']) == ('worker', 110 * MIB, False)


@pytest.mark.parametrize('seconds', [0, 0.3])
def test_what_is_not_looked_into_is_approximate_and_adds_up(tmp_path, seconds):
    node = host_with(tmp_path, {'AnonPages': 110}, FORKED)
    found = ledger_of(node, seconds)[0]
    part = next(part for part in found['parts'] if part['kind'] == 'processes')
    assert (part['name'], part['bytes'] // MIB, part['approximate']) == ('worker', 110, True)


def test_the_kernel_walks_the_largest_only_while_there_is_time(tmp_path):
    node = host_with(tmp_path, {'AnonPages': 300}, [])
    for pid, mib in ((50, 100), (51, 300), (52, 200)):
        holding(node, pid, 'p%d' % pid, mib, pss_mib=mib // 2)
    opened, ticks = [], []
    read = node.host.read
    node.host.read = lambda path, **options: opened.append(path) or read(path, **options)

    def clock():
        ticks.append(1)
        return 0.1 * len(ticks)

    ledger_of(node, 0.15, clock)
    assert [path for path in opened if path.endswith('rollup')] == ['/proc/51/smaps_rollup']


def test_no_process_is_looked_into_where_the_sums_tell_that_nothing_is_shared(tmp_path):
    node = host_with(tmp_path, {}, [])
    holding(node, 50, 'server', 250, pss_mib=250)
    opened = []
    read = node.host.read
    node.host.read = lambda path, **options: opened.append(path) or read(path, **options)
    part = next(part for part in ledger_of(node, 0.3)[0]['parts'] if part['kind'] == 'process')
    assert not part['approximate'] and not [path for path in opened if path.endswith('rollup')]


def test_before_4_5_statm_tells_what_is_anonymous(tmp_path):
    node = host_with(tmp_path, {}, [])
    node.process(50, 'server', rss_kb=300 * 1024)
    node.file('/proc/50/statm', '100000 %d %d 1 0 9 0\n' % (300 * 256, 50 * 256))
    assert of_kind(ledger_of(node)[0], 'process') == [('server', 250)]


def test_what_a_container_does_not_see_is_no_process_s(tmp_path):
    seen = {'name': 'a', 'bytes': 10 * MIB, 'swappable': True, 'approximate': False}
    parts = anonymous_parts([seen], 900 * MIB, 1000 * MIB)
    assert [(part['kind'], part['name'], part['bytes'] // MIB) for part in parts] == [
        ('process', 'a', 10), ('other', UNSEEN, 890)]


LXCFS = ('1 0 0:50 / / rw - zfs rpool/ct rw\n2 1 0:22 / /proc rw - proc proc rw\n'
         '3 2 0:55 /proc/meminfo /proc/meminfo rw - fuse.lxcfs lxcfs rw\n')
# Lines that lxcfs passes on are those of a machine of 256 GiB.
OF_THE_MACHINE = {'KernelStack': 90, 'PageTables': 800, 'Percpu': 400, 'VmallocUsed': 900, 'HugePages_Total': 512,
                  'KReclaimable': 9000, 'SReclaimable': 0, 'SUnreclaim': 0, 'Slab': 0, 'Bounce': 7, 'Mlocked': 30}
ZONES = 'Node 0, zone   Normal\n  min      20000\n  managed  66000000\n    cpu: 0\n              count: 90000\n'


def test_a_container_of_lxcfs_holds_none_of_what_its_machine_does(tmp_path):
    node = host_with(tmp_path, OF_THE_MACHINE, files={
        '/proc/self/mountinfo': LXCFS, '/proc/zoneinfo': ZONES,
        '/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages': '512\n',
        '/proc/net/sockstat': 'TCP: inuse 1 orphan 0 tw 0 alloc 1 mem 90000\n',
        '/sys/block/zram0/mm_stat': '1 1 900000000\n'})
    found = ledger_of(node)[0]
    assert (found['total_bytes'], found['unaccounted_bytes']) == (1000 * MIB, 250 * MIB)
    assert [(part['kind'], part['bytes'] // MIB) for part in found['parts'] if part['bytes']] == [
        ('page_cache', 250), ('process', 250), ('free', 200), ('shmem', 50)]
    assert set(part['kind'] for part in found['parts'] if part['bytes'] is None) >= set(
        ['kernel_stacks', 'page_tables', 'percpu', 'vmalloc', 'hugepages', 'sockets', 'zram', 'slab_unreclaimable'])


MOUNTS = [
    '1 0 8:1 / / rw - ext4 /dev/vda rw',
    '2 1 0:22 / /run rw - tmpfs tmpfs rw',
    '3 1 0:30 / /mnt/nfs rw - nfs4 server:/ rw',
    '4 3 0:23 / /mnt/nfs/tmp rw - tmpfs tmpfs rw',
    '5 1 0:24 / /srv/a rw - tmpfs tmpfs rw',
    '6 1 0:31 / /srv rw - fuse.sshfs host: rw',
    '7 1 0:22 / /also-run rw - tmpfs tmpfs rw',
    '8 2 0:25 / /run/user/1000 rw - tmpfs tmpfs rw',
    '9 1 0:26 / /dev/shm rw - tmpfs tmpfs rw',
    '10 1 8:33 / /ntfs rw - fuseblk /dev/vdc rw',
    '11 10 0:27 / /ntfs/tmp rw - tmpfs tmpfs rw',
]


def test_no_path_through_what_may_hang_is_touched(tmp_path):
    node = host_with(tmp_path, files={'/proc/self/mountinfo': '\n'.join(MOUNTS) + '\n'})
    asked = []

    def space(path, device):
        asked.append((path, device))
        return {'total_bytes': 100 * MIB, 'free_bytes': 90 * MIB}

    node.host.space = space
    assert tmpfs_uses(Noting(node.host)) == {'/run': 10 * MIB, '/run/user/1000': 10 * MIB, '/dev/shm': 10 * MIB}
    assert asked == [('/run', '0:22'), ('/run/user/1000', '0:25'), ('/dev/shm', '0:26')]


@pytest.mark.parametrize('used, shmem, expected', [
    (300, 400, [('/dev/shm', 300), (UNNAMED, 100)]),
    (500, 400, [('/dev/shm', 400)]),
    (0, 400, [(UNNAMED, 400)]),
    (2, 400, [(UNNAMED, 398), (None, 2)]),
])
def test_shared_memory_is_told_by_mount(tmp_path, used, shmem, expected):
    node = host_with(tmp_path, {'Shmem': shmem, 'Cached': shmem + 230},
                     files={'/proc/self/mountinfo': '\n'.join((MOUNTS[0], MOUNTS[8])) + '\n'})
    node.host.space = lambda path, device: {'total_bytes': 1000 * MIB, 'free_bytes': (1000 - used) * MIB}
    assert of_kind(ledger_of(node)[0], 'shmem') == expected


def test_who_maps_most_of_it_is_named_with_shared_memory_that_has_no_name(tmp_path):
    node = host_with(tmp_path, {'Shmem': 400, 'Cached': 630}, [])
    holding(node, 50, 'postgres', 10, shmem_mib=390)
    assert of_kind(ledger_of(node)[0], 'shmem') == [(UNNAMED + ', of postgres', 400)]


V2 = '25 1 0:40 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n'
V1 = '25 1 0:40 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n'


def test_the_ledger_of_a_cgroup_of_version_2(tmp_path):
    stat = {'anon': 40, 'file': 30, 'shmem': 10, 'kernel': 20, 'kernel_stack': 1, 'pagetables': 2,
            'slab_reclaimable': 3, 'slab_unreclaimable': 4, 'sock': 5, 'inactive_file': 20, 'active_file': 0,
            'inactive_anon': 50, 'active_anon': 0}
    group = '/sys/fs/cgroup/system.slice/web.service/'
    node = host_with(tmp_path, files={
        '/proc/self/mountinfo': V2, '/proc/self/cgroup': '0::/\n', '/proc/50/cgroup': '0::/system.slice/web.service\n',
        group + 'memory.max': '%d\n' % (100 * MIB), group + 'memory.current': '%d\n' % (96 * MIB),
        group + 'memory.swap.max': 'max\n', group + 'memory.swap.current': '0\n',
        group + 'memory.stat': ''.join('%s %d\n' % (name, mib * MIB) for name, mib in stat.items()),
        '/sys/fs/cgroup/system.slice/memory.max': 'max\n', '/sys/fs/cgroup/system.slice/memory.current': '1\n',
    })
    groups = ledger_of(node)[1]
    assert [(group['path'], group['limit_bytes'], group['pids']) for group in groups] == [
        ('/system.slice/web.service', 100 * MIB, set([50]))]
    found = groups[0]['ledger']
    assert dict(((part['kind'], part['name']), part['bytes'] // MIB) for part in found['parts'] if part['bytes']) == {
        ('process', 'server'): 40, ('page_cache', None): 20, ('shmem', None): 10, ('other', 'kernel memory'): 10,
        ('kernel_stacks', None): 1, ('page_tables', None): 2, ('slab_reclaimable', None): 3,
        ('slab_unreclaimable', None): 4, ('sockets', None): 5}
    assert found['unaccounted_bytes'] == 1 * MIB


def test_of_very_many_cgroups_those_with_the_least_room_are_told(tmp_path):
    files = {'/proc/self/mountinfo': V2, '/proc/self/cgroup': '0::/\n'}
    for number in range(103):
        group = '/sys/fs/cgroup/made/by-%d/' % number
        files.update({group + 'memory.max': '%d\n' % (200 * MIB), group + 'memory.current': '%d\n' % (number * MIB)})
    host = Noting(host_with(tmp_path, files=files).host)
    groups, more = ledgers(host, processes(host), read_meminfo(host), PAGE, 0)[1:]
    assert (len(groups), more) == (100, 3)
    assert min(group['usage_bytes'] for group in groups) == 3 * MIB


def test_the_ledger_of_a_cgroup_of_version_1_is_of_all_below_it(tmp_path):
    group = '/sys/fs/cgroup/memory/docker/'
    node = host_with(tmp_path, files={
        '/proc/self/mountinfo': V1, '/proc/self/cgroup': '9:memory:/\n', '/proc/50/cgroup': '9:memory:/docker/abc\n',
        group + 'memory.limit_in_bytes': '%d\n' % (100 * MIB), group + 'memory.usage_in_bytes': '%d\n' % (90 * MIB),
        group + 'memory.kmem.usage_in_bytes': '%d\n' % (20 * MIB),
        group + 'memory.stat': 'rss 0\ncache 0\ntotal_rss %d\ntotal_cache %d\ntotal_shmem %d\n' % (
            50 * MIB, 20 * MIB, 5 * MIB),
    })
    groups = ledger_of(node)[1]
    assert [(group['path'], group['pids']) for group in groups] == [('/docker', set([50]))]
    assert dict(((part['kind'], part['name']), part['bytes'] // MIB) for part in groups[0]['ledger']['parts']
                if part['bytes']) == {
        ('process', 'server'): 50, ('page_cache', None): 15, ('shmem', None): 5, ('other', 'kernel memory'): 20}


def test_this_machine_adds_up():
    host = Noting(Host())
    found = ledgers(host, processes(host), read_meminfo(host), os.sysconf('SC_PAGE_SIZE'), 0.3)[0]
    assert abs(found['unaccounted_bytes']) < found['total_bytes'] // 20


def test_without_root_it_goes_as_far_as_it_can_and_says_what_was_closed():
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setuid(65534)
            host = Noting(Host())
            found = ledgers(host, processes(host), read_meminfo(host), os.sysconf('SC_PAGE_SIZE'), 0.3)[0]
            told = sum(part['bytes'] or 0 for part in found['parts']) + found['unaccounted_bytes']
            os.write(write, repr((told == found['total_bytes'], '/proc/slabinfo' in host.closed())).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 65536).decode() == '(True, True)'


def test_the_time_that_counting_takes_is_that_of_the_program_and_of_the_kernel_for_it(monkeypatch):
    usage = collections.namedtuple('Usage', 'ru_utime ru_stime')(2.0, 3.0)
    monkeypatch.setattr(resource, 'getrusage', lambda who: usage)
    assert cpu_seconds() == 5.0
