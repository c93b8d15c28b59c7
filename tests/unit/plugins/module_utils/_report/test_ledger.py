# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the memory was: parts that add up to the total, none of them twice, each of them named."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import glob
import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._node.ledger import eater_of
from ansible_collections.oom.rescue.plugins.module_utils._report import reading
from ansible_collections.oom.rescue.plugins.module_utils._report.zones import managed_bytes
from ansible_collections.oom.rescue.plugins.module_utils._verdict.sizing import host_figures, swap_recommended
from conftest import ROOT, SEED, SHARED
from oom_reports import ERAS, memcg

CORPUS = sorted(glob.glob(os.path.join(SHARED, 'oom-corpus', '*.txt')))
FIXTURES = sorted(glob.glob(os.path.join(ROOT, 'tests', 'unit', 'fixtures', 'oom-linux-*.dmesg')))
# More than a tenth of its 132 KiB is in no counter: the list of its statistics is left out of that page.
ABRIDGED = ['lore-ubuntu2004-5.8-oracle-memcg-v1.txt']


def events_of(text):
    read = reading.Reading()
    read.text(text.encode('utf-8'), 'log')
    return read.result()['events']


def ledger(text):
    (event,) = events_of(text)
    return event['ledger']


def assert_exact(found):
    sizes = [part['bytes'] for part in found['parts'] if part['bytes'] is not None]
    assert sum(sizes) + found['unaccounted_bytes'] == found['total_bytes']
    assert not [size for size in sizes if size <= 0]
    assert found['unaccounted_bytes'] < 0 or all(part['share'] is None or part['share'] <= 1 for part in found['parts'])


@pytest.mark.parametrize('era', sorted(ERAS))
def test_the_parts_of_every_kernel_add_up_to_its_total(era):
    assert_exact(ledger('\n'.join(ERAS[era]) + '\n'))


@pytest.mark.parametrize('version', [1, 2])
def test_the_parts_of_a_cgroup_add_up_to_what_it_used(version):
    found = ledger('\n'.join(memcg(version)) + '\n')
    assert_exact(found)
    assert found['total_bytes'] == 307200 * 1024 and eater_of(found)['name'] == 'stress'


@pytest.mark.parametrize('path', FIXTURES, ids=[os.path.basename(path) for path in FIXTURES])
def test_the_parts_of_a_real_kernels_reports_add_up(path):
    found = [event['ledger'] for event in reading.read_events([path])['events']]
    assert found and None not in found
    for one in found:
        assert_exact(one)
        assert abs(one['unaccounted_bytes']) * 10 <= one['total_bytes']


@pytest.mark.skipif(not CORPUS, reason='the corpus of third-party logs is not beside this checkout')
def test_of_the_corpus_nothing_whole_has_more_than_a_tenth_in_no_counter():
    large = []
    for path in CORPUS:
        for event in reading.read_events([path])['events']:
            if event['ledger'] is not None:
                assert_exact(event['ledger'])
                if abs(event['ledger']['unaccounted_bytes']) * 10 > event['ledger']['total_bytes']:
                    large.append(os.path.basename(path))
    assert large == ABRIDGED


def test_the_seed_names_its_eater():
    (event,) = reading.read_events([SEED])['events']
    assert eater_of(event['ledger']) == {
        'kind': 'process', 'name': 'mysqld', 'bytes': 440332 * 1024, 'share': 440332 / (253723 * 4.0)}


HEAD = 'java invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=0\nMem-Info:\n'
TAIL = (
    'oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/,task=java,pid=9,'
    'uid=0\nOut of memory: Killed process 9 (java) total-vm:4kB, anon-rss:%dkB, file-rss:0kB, shmem-rss:0kB, UID:0\n'
)
OLD = '[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n'
NEW = OLD.replace(' rss ', ' rss rss_anon rss_file rss_shmem ')
# Of 100,000 pages in all.
COUNTERS = {
    'active_anon': 9000, 'inactive_anon': 1000, 'isolated_anon': 0, 'active_file': 0, 'inactive_file': 0,
    'isolated_file': 0, 'unevictable': 0, 'dirty': 0, 'writeback': 0, 'slab_reclaimable': 0, 'slab_unreclaimable': 1000,
    'mapped': 0, 'shmem': 0, 'pagetables': 100, 'sec_pagetables': 0, 'bounce': 0, 'kernel_misc_reclaimable': 0,
    'free': 3000, 'free_pcp': 0, 'free_cma': 0,
}


def report(counters=(), node='kernel_stack:400kB', cache=0, more='', tasks=((9, 'java', 10000, 10000),), table=NEW):
    """A report of a host of 100,000 pages; tasks are (pid, name, rss, rss_anon)."""
    found = dict(COUNTERS, **dict(counters))
    lines = [' '.join('%s:%d' % pair for pair in sorted(found.items())),
             'Node 0 active_anon:4kB %s all_unreclaimable? no' % node,
             'Node 0 DMA32 free:%dkB min:40kB low:50kB high:60kB present:400000kB managed:400000kB mlocked:0kB' % (
                 4 * found['free']),
             'Node 0 DMA32: %d*4kB (UM) 0*8kB = %dkB' % (found['free'], 4 * found['free']),
             '%d total pagecache pages' % cache, '0 pages in swap cache', 'Free swap  = 0kB', 'Total swap = 0kB',
             '110000 pages RAM', '10000 pages reserved']
    rows = ['[%7d]     0 %5d    90000 %8d %s     4096        0             0 %s' % (
        pid, pid, rss, '%8d %8d 0' % (anon, rss - anon) if table == NEW else '', name)
        for pid, name, rss, anon in tasks]
    victim = next((4 * anon for pid, dummy, dummy, anon in tasks if pid == 9), 4)
    return HEAD + '\n'.join(lines) + '\n' + more + table + '\n'.join(rows) + '\n' + TAIL % victim


SLABS = 'Unreclaimable slab info:\nName                      Used          Total\n%s' % ''.join(
    '%-17s %10dKB %10dKB\n' % row for row in (('kmalloc-64', 1, 4), ('key_jar', 100000, 200000), ('pipe', 9, 90000)))
PLACES = 'Memory allocations:\n    3.20 MiB      900 mm/slub.c:2264 func:alloc_slab_page\n%s' % ''.join(
    '%12s %8d %s:7 [%s] func:%s\n' % row for row in (('250 MiB', 9, 'drivers/net/x.c', 'x', 'x_ring'),))
EATERS = {
    'one process': (report([('active_anon', 80000)], tasks=[(9, 'java', 80990, 80900)]), ('process', 'java', 80900)),
    'many of one name': (
        report([('active_anon', 80000)], tasks=[(9 + pid, 'php-fpm', 8100, 8100) for pid in range(10)]),
        ('processes', 'php-fpm', 81000)),
    'processes that share their memory': (
        report([('active_anon', 80000)], tasks=[(10 + pid, 'php-fpm', 50000, 50000) for pid in range(10)]),
        ('processes', 'php-fpm', 81000)),
    'shared memory that each process of an old table maps': (
        report([('active_anon', 60000), ('shmem', 55000), ('mapped', 55000)], cache=55000, table=OLD,
               tasks=[(9, 'postgres', 55100, 100)] + [(pid, 'postgres', 55100, 0) for pid in range(10, 80)]),
        ('shmem', None, 55000)),
    'a process beside shared memory that all map': (
        report([('active_anon', 90000), ('shmem', 30000), ('mapped', 30000)], cache=30000, table=OLD,
               tasks=[(9, 'postgres', 100, 100), (8, 'java', 60000, 0)] + [
                   (pid, 'postgres', 30100, 0) for pid in range(10, 20)]),
        ('process', 'java', None)),
    'page tables': (report([('pagetables', 70000)]), ('page_tables', None, 70000)),
    'page tables of virtual machines': (
        report([('sec_pagetables', 70000)]), ('page_tables', 'secondary, of KVM and IOMMUs', 70000)),
    'kernel stacks': (report(node='kernel_stack:280000kB'), ('kernel_stacks', None, 70000)),
    'huge pages': (
        report(more='Node 0 hugepages_total=130 hugepages_free=130 hugepages_surp=0 hugepages_size=2048kB\n'),
        ('hugepages', None, 66560)),
    'ramfs': (report([('unevictable', 70000)], cache=70000), ('locked', None, 70000)),
    'a process that locked its memory': (
        report([('unevictable', 70000)], tasks=[(9, 'java', 80000, 79000)]), ('process', 'java', 79000)),
    'shared memory that is locked': (
        report([('unevictable', 70000), ('shmem', 70000)], cache=70000), ('shmem', None, 70000)),
    'page cache': (report([('inactive_file', 70000)], cache=70000), ('page_cache', None, 70000)),
    'slab caches': (
        report([('slab_unreclaimable', 75000)], more=SLABS), ('slab_unreclaimable', 'key_jar, pipe', 75000)),
    'dentries': (report([('slab_reclaimable', 70000)]), ('slab_reclaimable', None, 70000)),
    'zram': (report(node='kernel_stack:400kB zspages:280000kB'), ('zram', 'zsmalloc (zram or zswap)', 70000)),
    'what FUSE writes': (
        report(node='kernel_stack:400kB writeback_tmp:280000kB'), ('other', 'pages that FUSE writes', 70000)),
    'a balloon that the kernel counts': (
        report(node='kernel_stack:400kB all_unreclaimable? no Balloon:320000kB'), ('other', 'balloon', 80000)),
    'what drivers can give back': (
        report([('kernel_misc_reclaimable', 70000)]), ('other', 'reclaimable, of drivers', 70000)),
    'no counter': (report(), ('unaccounted', None, 85800)),
    'a table that is cut': (
        report([('active_anon', 80000)], tasks=[(9, 'sshd', 10, 10)]),
        ('other', 'anonymous memory of no process that is listed', 80990)),
}


@pytest.mark.parametrize('case', sorted(EATERS))
def test_the_eater_is_named_whether_it_is_a_process_or_not(case):
    text, (kind, name, pages) = EATERS[case]
    found = ledger(text)
    assert_exact(found)
    eater = eater_of(found)
    assert (eater['kind'], eater['name']) == (kind, name)
    assert pages is None or eater['bytes'] == pages * 4096


def part_of(found, kind):
    return next(part for part in found['parts'] if part['kind'] == kind)


def test_what_may_be_moved_to_swap_or_dropped_is_told_of_each_part():
    locked = part_of(ledger(EATERS['a process that locked its memory'][0]), 'process')
    assert not locked['swappable']
    assert part_of(ledger(EATERS['one process'][0]), 'process')['swappable']
    assert part_of(ledger(EATERS['page cache'][0]), 'page_cache')['droppable']
    dirty = report([('inactive_file', 70000), ('dirty', 60000)], cache=70000)
    assert not part_of(ledger(dirty), 'page_cache')['droppable']
    assert part_of(ledger(EATERS['dentries'][0]), 'slab_reclaimable')['droppable']
    assert part_of(ledger(EATERS['what drivers can give back'][0]), 'other')['droppable']
    assert not part_of(ledger(EATERS['what FUSE writes'][0]), 'other')['droppable']


def test_what_a_kernel_does_not_print_is_not_known():
    text = '\n'.join(ERAS['2.6.32-el6']) + '\n'
    found = dict((part['kind'], part['bytes']) for part in ledger(text)['parts'])
    unknown = ('sockets', 'vmalloc', 'percpu', 'hugepages', 'kernel_stacks', 'zram')
    assert [found[kind] for kind in unknown] == [None] * len(unknown)
    assert found['page_tables'] == 1869 * 4096


def test_without_the_line_of_all_ram_the_zones_tell_it():
    text = report()
    whole = ledger(text)
    assert ledger(text.replace('110000 pages RAM\n', ''))['total_bytes'] == whole['total_bytes'] == 400000 * 1024


@pytest.mark.parametrize('text,expected', [
    (EATERS['no counter'][0], '335 MiB (86 %) is in no counter of the kernel: a driver, buffers of sockets or pipes'),
    (report(more=PLACES), ' is in no counter of the kernel, most of it of x_ring; '),
    (report(more='virtio_balloon virtio0: Out of puff! Cannot get 1 pages\n'),
     ' is in no counter of the kernel, and this machine has a balloon (virtio_balloon); '),
    (EATERS['slab caches'][0], 'the kernel itself holds 292 MiB (75 %) in slab caches, most of it key_jar, pipe'),
    (report([('active_anon', 50000), ('pagetables', 30000)], tasks=[(9, 'mysqld', 51000, 51000)]),
     'mysqld (pid 9) alone holds 199 MiB (51 %); beside it page tables (117 MiB)'),
], ids=['no counter', 'its place', 'a balloon', 'caches', 'two'])
def test_the_cause_names_the_largest_and_what_is_large_beside_it(text, expected):
    (event,) = events_of(text)
    assert expected in event['cause']


@pytest.mark.parametrize('anon,expected', [
    (190000, ('the largest process, java (pid 9), holds 742 MiB; the counters hold 371 MiB more than there is, and '
              'cannot all be right.')),
    (99000, 'java (pid 9) alone holds 386 MiB (99 %).'),
], ids=['twice', 'drift'])
def test_counters_that_hold_more_than_there_is_are_told_and_are_no_share(anon, expected):
    (event,) = events_of(report([('active_anon', anon)], tasks=[(9, 'java', anon, anon)]))
    assert event['cause'].endswith(expected)
    assert_exact(event['ledger'])


@pytest.mark.parametrize('line,driver', [
    ("virtio_balloon virtio0: Out of puff! Can't get 1 pages", 'virtio_balloon'),
    (' ? virtballoon_oom_notify+0x2a/0x70 [virtio_balloon]', 'virtio_balloon'),
    ('[<ffffffff814d5e2c>] virtballoon_oom_notify+0x2a/0x70', 'virtio_balloon'),
    ('Workqueue: events_freezable update_balloon_size_func [virtio_balloon]', 'virtio_balloon'),
    ('vmw_balloon: failed to send memory', 'vmw_balloon'),
    (' ? vmballoon_work+0x1b3/0x6a0 [vmw_balloon]', 'vmw_balloon'),
    ('hv_balloon: Balloon request will be partially fulfilled. Balloon floor reached.', 'hv_balloon'),
    ('xen:balloon: Cannot add additional memory (-17)', 'xen_balloon'),
    ('xen_balloon: Initialising balloon driver', 'xen_balloon'),
    ('Modules linked in: ext4 virtio_balloon virtio_net', None),
    ('CPU: 0 PID: 9 Comm: hv_balloon Not tainted 5.4.0', None),
    ('memory ballooning is off', None),
])
def test_a_balloon_is_named_where_its_driver_speaks_and_not_where_it_is_only_loaded(line, driver):
    (event,) = events_of('%s\n%s' % (line, report()))
    beside = ', and this machine has a balloon (%s); ' % driver if driver else ': a driver, buffers of sockets or pipes'
    assert ' is in no counter of the kernel' + beside in event['cause']


def test_the_last_driver_that_spoke_is_kept_where_a_later_line_names_none():
    (event,) = events_of('hv_balloon: one\nmemory balloon\n%s' % report())
    assert 'this machine has a balloon (hv_balloon); ' in event['cause']


def test_a_driver_that_spoke_within_the_report_is_kept_where_a_later_line_there_names_none():
    text = report(more='hv_balloon: one\nmemory balloon\n')
    (event,) = events_of(text)
    assert 'this machine has a balloon (hv_balloon); ' in event['cause']


def balloon_took(pages, more='', **options):
    """A report of a machine of 100,000 pages beside those that a balloon took off what the kernel manages."""
    text = report(**options).replace('110000 pages RAM', '%d pages RAM' % (110000 + pages))
    return more + text.replace('10000 pages res', '%d pages res' % (10000 + pages))


JAVA = {'counters': [('active_anon', 96900), ('free', 5)], 'tasks': [(9, 'java', 97900, 97900)]}


@pytest.mark.parametrize('text,expected', [
    (balloon_took(200000, **JAVA),
     ("; 820 MiB of the machine's 1.2 GiB RAM is reserved: by a balloon, a crash kernel or firmware; of the rest the "
      'largest process, java (pid 9), holds 382 MiB (98 %).')),
    (balloon_took(200000, 'hv_balloon: Balloon floor reached.\n', **JAVA),
     'is reserved: by a balloon (hv_balloon), a crash kernel or firmware; of the rest the largest process, java'),
    (balloon_took(200000, node='kernel_stack:400kB all_unreclaimable? no Balloon:720000kB', **JAVA),
     "; 820 MiB of the machine's 1.2 GiB RAM is reserved, 703 MiB of that by a balloon; of the rest the largest"),
    (balloon_took(200000), 'is reserved: by a balloon, a crash kernel or firmware; of the rest 335 MiB (86 %) is in'),
    # It is less than what java holds, and more than a quarter of the machine.
    (balloon_took(60000, **JAVA),
     ("; java (pid 9) alone holds 382 MiB (98 %); 273 MiB of the machine's 664 MiB RAM is reserved: by a balloon, a "
      'crash kernel or firmware.')),
    (balloon_took(10000, node='kernel_stack:400kB all_unreclaimable? no Balloon:40000kB', **JAVA),
     'RAM (390 MiB; a balloon took another 39 MiB) ran out and there is no swap; java (pid 9) alone holds 382 MiB'),
], ids=['most', 'driver', 'counter', 'no counter', 'less', 'little'])
def test_what_a_balloon_took_comes_before_the_process_that_is_only_the_largest_of_the_rest(text, expected):
    (event,) = events_of(text)
    assert expected in event['cause']
    assert_exact(event['ledger'])


CGROUP = (
    'php invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n'
    'CPU: 0 PID: 9 Comm: php Not tainted 5.4.17-2136.x86_64 #1\n'
    'memory: usage 16384kB, limit 16384kB, failcnt 9\n%sMemory cgroup stats for /a:\n%s' + OLD +
    '[      9]     0     9    90000     6400     4096        0             0 php\n'
    'oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,task_memcg=/a,task=php,'
    'pid=9,uid=0\n'
)


@pytest.mark.parametrize('kmem,statistics,expected', [
    ('', {'anon': 1 << 20, 'file': 14 << 20, 'shmem': 14 << 20}, ('shmem', None, 14 << 20)),
    ('', {'anon': 1 << 20, 'file': 0, 'sock': 14 << 20}, ('sockets', None, 14 << 20)),
    ('', {'anon': 1 << 20, 'file': 0, 'kernel': 14 << 20, 'pagetables': 13 << 20}, ('page_tables', None, 13 << 20)),
    ('', {'anon': 1 << 20, 'file': 0, 'kernel': 14 << 20, 'percpu': 1 << 20}, ('other', 'kernel memory', 13 << 20)),
    ('', {'anon': 1 << 20, 'file': 0, 'zswap': 12 << 20, 'zswapped': 90 << 20}, ('zswap', None, 12 << 20)),
    ('', {'anon': 1 << 20, 'file': 0, 'slab_unreclaimable': 14 << 20}, ('slab_unreclaimable', None, 14 << 20)),
    ('', {'anon': 1 << 20, 'file': 0}, ('unaccounted', None, 15 << 20)),
    ('', {'anon': 16 << 20, 'file': 0}, ('process', 'php', 16 << 20)),
    ('', {'rss': 2 << 20, 'cache': 14 << 20, 'inactive_anon': 15 << 20, 'active_anon': 1 << 20, 'inactive_file': 0,
          'active_file': 0, 'unevictable': 0}, ('shmem', None, 14 << 20)),
    ('kmem: usage 14336kB, limit 9007199254740988kB, failcnt 0\n', {'rss': 1 << 20, 'cache': 1 << 20},
     ('other', 'kernel memory', 14 << 20)),
])
def test_the_eater_of_a_cgroup_is_what_is_charged_to_it(kmem, statistics, expected):
    text = CGROUP % (kmem, ''.join('%s %d\n' % pair for pair in sorted(statistics.items())))
    (event,) = events_of(text)
    assert_exact(event['ledger'])
    eater = eater_of(event['ledger'])
    assert (eater['kind'], eater['name'], eater['bytes']) == expected
    # The resident memory of the process, 25 MiB, is more than all that the cgroup may hold.
    assert event['ledger']['total_bytes'] == 16 << 20 and '25 MiB' not in event['cause']


def test_the_statistics_of_the_cgroups_below_are_added_where_a_kernel_prints_each_for_itself():
    line = 'Memory cgroup stats for %s: cache:%dKB rss:%dKB mapped_file:0KB inactive_anon:0KB active_anon:%dKB'
    rows = [line % ('/a', 0, 0, 0), line % ('/a/b', 1024, 8192, 8192), line % ('/a/c', 0, 6144, 6144)]
    text = (CGROUP % ('', '')).replace('Memory cgroup stats for /a:\n', '\n'.join(rows) + '\n')
    found = ledger(text)
    assert_exact(found)
    assert part_of(found, 'page_cache')['bytes'] == 1 << 20 and part_of(found, 'process')['bytes'] == 14 << 20


@pytest.mark.parametrize('scope, managed', [('global', 500), ('cpuset', 1000), ('mempolicy', 1000)])
def test_the_zones_of_a_cpuset_are_never_all_of_a_machine_s_however_little_is_free_on_the_others(scope, managed):
    event = {'memory': {'ram_bytes': 1000, 'reserved_bytes': None, 'free_bytes': 420}, 'scope': scope,
             'zones': [{'free_bytes': 400, 'managed_bytes': 500}]}
    assert managed_bytes(event) == managed


@pytest.mark.parametrize('ram, reserved, zones, blocks, managed', [
    (1000, 10, [(400, 500)], None, 990), (1000, None, [(400, 500), (20, 450)], None, 950),
    (1000, None, [(40, 500)], None, 1000), (1000, None, [(400, None)], None, 1000), (1000, None, [], None, 1000),
    (1000, 0, [], None, 1000), (None, None, [(400, 500)], [1], 500), (None, None, [(400, 500)], None, None),
    (None, None, [(40, 500)], [1], None), (None, 10, [(400, 500)], [1], 500),
])
def test_the_ram_that_a_report_tells_is_one_for_sentences_ledger_and_remedies(ram, reserved, zones, blocks, managed):
    event = {'memory': {'ram_bytes': ram, 'reserved_bytes': reserved, 'free_bytes': 420}, 'zones': [
        {'free_bytes': free, 'managed_bytes': pages, 'free_blocks': blocks} for free, pages in zones]}
    assert managed_bytes(event) == managed


def lost(text, *starts):
    return ''.join(line for line in text.splitlines(True) if not line.partition(' ')[2].startswith(starts))


FULL = report([('free', 10)])
TWICE = ''.join(line * (2 if line.startswith('Node 0') else 1) for line in FULL.splitlines(True))
ALL_ZONES = FULL.replace('110000 pages RAM', '102000 pages RAM').replace('present:400000kB', 'present:408000kB')


@pytest.mark.parametrize('text, total', [
    (FULL, 400000), (lost(FULL, 'pages RAM'), 400000), (lost(FULL, 'pages RAM', 'pages reserved'), 400000),
    (lost(FULL, 'pages RAM', '0 DMA32: '), None), (lost(FULL, 'pages reserved'), 400000),
    (ALL_ZONES.replace('10000 pages reserved', '3 pages reserved'), 400000),
    (lost(ALL_ZONES, 'pages reserved'), 400000),
    (TWICE, 400000), (lost(TWICE, 'pages RAM'), 400000),
], ids=['whole', 'the line on RAM lost', 'both lines lost', 'cut below the zones', 'the line on reserved pages lost',
        'a kernel that prints what is reserved in the last zone alone', 'all zones, and no line on reserved pages',
        'each line of a node twice', 'each line of a node twice, and none on RAM'])
def test_the_sentence_the_ledger_and_the_swap_are_of_the_same_ram(text, total):
    (event,) = events_of(text)
    assert managed_bytes(event) == (total and total << 10)
    assert (event['ledger'] or {}).get('total_bytes') == (total and total << 10)
    assert event['cause'].startswith('RAM (390 MiB) ran out' if total else 'RAM ran out')
    sizing = swap_recommended(host_figures({}, [event]), [event], '/swapfile')
    assert (sizing and sizing['size_bytes']) == (total and 1 << 30)
    assert event['memory']['kernel_stack_bytes'] == 400 << 10
