# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why it happened: one sentence, true of what the report says, and no more."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._report import reading as oom_log
from oom_reports import ERAS, memcg

REPORT = "\n".join(ERAS["5.15.0"]) + "\n"
ROW = "[  13036]   999 13036   966829   110083  1261568        0             0 mysqld\n"
SMALL = "".join(
    "[%7d]    33    20    90000    25000   100000        0             0 php-fpm\n" % pid for pid in range(8)
)
HIGH = "HighMem free:900000kB min:512kB low:1000kB high:2000kB present:1000000kB managed:1000000kB\n"
KERNEL_MASK = ("gfp_mask=0x1100cca(GFP_HIGHUSER_MOVABLE)", "gfp_mask=0xcc0(GFP_KERNEL)")
PLENTY = ("DMA32 free:44288kB", "DMA32 free:400000kB")
ORDER_3 = ("order=0, oom_score", "order=3, oom_score")
BLOCKS = "546*4kB 855*8kB 592*16kB 264*32kB 123*64kB 44*128kB 15*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB"
SUMMARY = "constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0"

CASES = {
    "no swap": ([], "RAM (991 MiB) ran out and there is no swap; the largest process, mysqld (pid 13036), holds"),
    "swap full": (
        [("Free swap  = 0kB", "Free swap  = 96kB"), ("Total swap = 0kB", "Total swap = 2097148kB")],
        "RAM (991 MiB) ran out and swap (2 GiB) is full; ",
    ),
    "swap free": (
        [("Free swap  = 0kB", "Free swap  = 1048576kB"), ("Total swap = 0kB", "Total swap = 2097152kB")],
        "RAM (991 MiB) ran out although 1 GiB of 2 GiB swap is free; ",
    ),
    "one that holds over half": (
        [("  110083  ", "  150000  "), ("   76663  ", "   40000  "), ("anon-rss:440332kB", "anon-rss:600000kB")],
        "RAM (991 MiB) ran out and there is no swap; mysqld (pid 13036) alone holds 585 MiB (59 %); beside it php (156",
    ),
    "many small processes": (
        [(ROW, SMALL)],
        "RAM (991 MiB) ran out and there is no swap; 8 processes named php-fpm hold 604 MiB (61 %) together; ",
    ),
    "one node": (
        [
            (SUMMARY, "constraint=CONSTRAINT_MEMORY_POLICY,nodemask=1,cpuset=/,mems_allowed=0-1"),
            ("free:12220 ", "free:99999 "),
        ],
        "The memory policy allows only NUMA node 1, and it is out of memory while 342 MiB is free on other nodes; ",
    ),
    "a cpuset": (
        [(SUMMARY, "constraint=CONSTRAINT_CPUSET,nodemask=(null),cpuset=/a,mems_allowed=2")],
        "The cpuset /a allows only NUMA node 2, and it is out of memory",
    ),
    "low memory": (
        [KERNEL_MASK, ("lowmem_reserve[]: 0 0 0 0\n", "lowmem_reserve[]: 0 0 0 0\n" + HIGH)],
        "Low memory (zone DMA32) ran out on a 32-bit kernel while 878 MiB of HighMem is free; ",
    ),
    "high memory was asked for": (
        [("lowmem_reserve[]: 0 0 0 0\n", "lowmem_reserve[]: 0 0 0 0\n" + HIGH.replace("900000", "100"))],
        "RAM (991 MiB) ran out",
    ),
    "fragmentation": (
        [
            ORDER_3,
            KERNEL_MASK,
            PLENTY,
            ("DMA32: " + BLOCKS, "DMA32: 9*4kB (UM) 8*8kB (UM) 7*16kB (UM) 0*32kB 0*64kB"),
        ],
        "Memory is fragmented: 390 MiB is free where it was asked for, but no block of order 3 (32 KiB); ",
    ),
    "fragmentation, but for what is kept for others": (
        [
            ORDER_3,
            KERNEL_MASK,
            PLENTY,
            ("DMA32: " + BLOCKS, "DMA32: 9*4kB (UM) 8*8kB (UM) 7*16kB (UM) 8*32kB (CH) 5*64kB (H)"),
        ],
        "Memory is fragmented: 390 MiB is free where it was asked for, but no block of order 3 (32 KiB); ",
    ),
    "fragmentation, before 4.4 by the watermark of each order": (
        [
            ORDER_3,
            KERNEL_MASK,
            ("Not tainted 5.15.0", "Not tainted 3.10.0-1160.el7.x86_64"),
            PLENTY,
            ("DMA32: " + BLOCKS, "DMA32: 95000*4kB (UM) 2000*8kB (UM) 200*16kB (UM) 7*32kB (UM) 1*64kB (U)"),
        ],
        "Memory is fragmented: 390 MiB is free where it was asked for, but no block of order 3 (32 KiB); ",
    ),
    "blocks enough since 4.4": (
        [
            ORDER_3,
            KERNEL_MASK,
            PLENTY,
            ("DMA32: " + BLOCKS, "DMA32: 95000*4kB (UM) 2000*8kB (UM) 200*16kB (UM) 7*32kB (UM) 1*64kB (U)"),
        ],
        "Not known: 395 MiB of RAM was free when the kernel wrote this, more than it keeps back; ",
    ),
    "RAM is free": (
        [PLENTY],
        "Not known: 395 MiB of RAM was free when the kernel wrote this, more than it keeps back; ",
    ),
    "a page fault": (
        [PLENTY, ("gfp_mask=0x1100cca(GFP_HIGHUSER_MOVABLE)", "gfp_mask=0x0()")],
        "Not known: 395 MiB of RAM was free when the kernel wrote this, more than it keeps back; ",
    ),
    "the smallest zone alone": (
        [
            ("Node 0 DMA free:4592kB", "Node 0 DMA free:15900kB"),
            ("Node 0 DMA32 free", "Node 0 lost free"),
            ("262014 pages RAM\n", ""),
        ],
        "The whole host ran out of memory; the kernel killed mysqld (pid 13036)",
    ),
    "the smallest zone is free": (
        [("Node 0 DMA free:4592kB", "Node 0 DMA free:15900kB"), ("Node 0 DMA32 free", "Node 0 lost free")],
        "RAM (991 MiB) ran out and there is no swap; ",
    ),
    "sysrq": ([("order=0, oom_score", "order=-1, oom_score")], "Somebody asked for it: the sysrq key"),
}


def cause(text):
    reading = oom_log.Reading()
    reading.text(text.encode("utf-8"), "log")
    (event,) = reading.result()["events"]
    return event["cause"]


@pytest.mark.parametrize("case", sorted(CASES))
def test_cause(case):
    changes, expected = CASES[case]
    text = REPORT
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    found = cause(text)
    assert found.startswith(expected) and found.endswith("."), found


@pytest.mark.parametrize(
    "old,new,expected",
    [
        ("x", "x", "The memory cgroup of stress.service reached its limit of 300 MiB and may use no swap; "),
        (
            "/system.slice/stress.service",
            "/docker/" + "ab" * 32,
            "The memory cgroup of docker container abababababab reached its limit of 300 MiB and may use no swap; ",
        ),
        (
            "swap: usage 0kB, limit 0kB",
            "swap: usage 1024kB, limit 1024kB",
            "The memory cgroup of stress.service reached its limit of 300 MiB and its 1 MiB of swap is full; ",
        ),
    ],
    ids=["service", "container", "swap"],
)
def test_the_limit_of_a_cgroup(old, new, expected):
    assert cause("\n".join(memcg()).replace(old, new) + "\n").startswith(expected)


KILL = "Out of memory: Killed process 925 (mysqld) total-vm:2982920kB, anon-rss:421912kB, file-rss:4kB, shmem-rss:0kB\n"
OF_CGROUP = "Memory cgroup out of memory" + KILL[len("Out of memory"):]
ALONE = "oom-kill:constraint=%s,nodemask=(null),cpuset=/,mems_allowed=0,%s,task=mysqld,pid=925,uid=999\n"
IN_DOCKER = "task_memcg=/docker/" + "5e" * 32


ALONE_CASES = {
    'host': (
        ALONE % ('CONSTRAINT_NONE', 'global_oom,' + IN_DOCKER) + KILL,
        ('The whole host ran out of memory; the kernel killed mysqld (pid 925) of docker container 5e5e5e5e5e5e, which '
         'held 412 MiB; how much RAM and swap there was is not in the log.'),
    ),
    'chosen': (
        ALONE % ('CONSTRAINT_NONE', 'global_oom,task_memcg=/'),
        ('The whole host ran out of memory; the kernel chose mysqld (pid 925); how much RAM and swap there was is not '
         'in the log.'),
    ),
    'cgroup': (
        ALONE % ('CONSTRAINT_MEMCG', 'oom_memcg=/system.slice/db.service,' + IN_DOCKER) + OF_CGROUP,
        ('The memory cgroup of db.service reached its limit; the kernel killed mysqld (pid 925) of docker container '
         '5e5e5e5e5e5e, which held 412 MiB.'),
    ),
    'unsaid': (
        KILL,
        ('The host ran out of memory, or the NUMA nodes that were allowed; the kernel killed mysqld (pid 925), which '
         'held 412 MiB; which of these and how much there was is not in the log.'),
    ),
    'some cgroup': (
        OF_CGROUP,
        ('A memory cgroup reached its limit; which one, and what limit, is not in the log; the kernel killed mysqld '
         '(pid 925), which held 412 MiB.'),
    ),
    'group': (
        "Tasks in /docker/%s are going to be killed due to memory.oom.group set\n" % ("5e" * 32),
        ('A memory cgroup reached its limit; which one, and what limit, is not in the log; all that was in the cgroup '
         'of docker container 5e5e5e5e5e5e was killed together (memory.oom.group).'),
    ),
    'group of a cgroup': (
        ALONE % ('CONSTRAINT_MEMCG', 'oom_memcg=/system.slice/db.service,task_memcg=/system.slice/db.service')
        + OF_CGROUP + "Tasks in /system.slice/db.service are going to be killed due to memory.oom.group set\n",
        ('The memory cgroup of db.service reached its limit; the kernel killed mysqld (pid 925) of db.service, which '
         'held 412 MiB; all that was in the cgroup of db.service was killed together (memory.oom.group).'),
    ),
    'group of the host': (
        ALONE % ('CONSTRAINT_NONE', 'global_oom,task_memcg=/system.slice/db.service')
        + KILL + "Tasks in /system.slice/db.service are going to be killed due to memory.oom.group set\n",
        ('The whole host ran out of memory; the kernel killed mysqld (pid 925) of db.service, which held 412 MiB; all '
         'that was in the cgroup of db.service was killed together (memory.oom.group); how much RAM and swap there was '
         'is not in the log.'),
    ),
    'group of a host without its summary': (
        KILL + "Tasks in /a are going to be killed due to memory.oom.group set\n",
        ('The host ran out of memory, or the NUMA nodes that were allowed; the kernel killed mysqld (pid 925), which '
         'held 412 MiB; all that was in the cgroup /a was killed together (memory.oom.group); which of these and how '
         'much there was is not in the log.'),
    ),
    'panic': (
        'Kernel panic - not syncing: System is deadlocked on memory\n',
        ('The host ran out of memory, or the NUMA nodes that were allowed; which of these and how much there was is '
         'not in the log; the kernel panicked.'),
    ),
    'panic of a setting that is of the host alone': (
        'Kernel panic - not syncing: Out of memory: system-wide panic_on_oom is enabled\n',
        'The whole host ran out of memory; how much RAM and swap there was is not in the log; the kernel panicked.',
    ),
    'panic of a setting that is of cgroups too': (
        'Kernel panic - not syncing: Out of memory: compulsory panic_on_oom is enabled\n',
        'Memory ran out; whether that of the host or of a cgroup is not in the log; the kernel panicked.',
    ),
    'nobody': (
        'Out of memory and no killable processes...\n',
        'Memory ran out; whether that of the host or of a cgroup is not in the log; no process could be killed.',
    ),
    'bare': (
        KILL[len("Out of memory: "):],
        ('Memory ran out; the kernel killed mysqld (pid 925), which held 412 MiB; whether that of the host or of a '
         'cgroup is not in the log.'),
    ),
    'header': (
        "mysqld invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n",
        "Not known: the log lacks the report's memory block, task table and victim.",
    ),
}


@pytest.mark.parametrize('case', sorted(ALONE_CASES))
def test_lines_alone_say_their_scope_their_victim_and_its_container(case):
    lines, expected = ALONE_CASES[case]
    assert cause(lines) == expected


MOVABLE = (
    "init invoked oom-killer: gfp_mask=%s, order=0, oom_score_adj=0\n"
    "Mem-Info:\n"
    "active_anon:392832 inactive_anon:182 isolated_anon:0\n"
    " free:159849484 free_pcp:73 free_cma:0\n"
    "Node 4 Movable free:130021408kB min:9140kB low:139160kB high:269180kB present:130023424kB managed:130023424kB\n"
    "oom-kill:constraint=CONSTRAINT_%s,nodemask=%s,cpuset=box,mems_allowed=%s,global_oom,task_memcg=/,task=c,pid=9,uid=0\n"
)


@pytest.mark.parametrize('mask,constraint,nodemask,allowed,expected', [
    ('0x500cc2(GFP_HIGHUSER|__GFP_ACCOUNT)', 'CPUSET', '(null)', '4',
     ('The cpuset box allows only NUMA node 4, where 124 GiB is free in zone Movable, which this allocation '
      '(GFP_HIGHUSER|__GFP_ACCOUNT) may not use: it needs a node with a kernel zone.')),
    ('0xcc0(GFP_KERNEL)', 'MEMORY_POLICY', '3-4', '0-7',
     ('The memory policy allows only NUMA node 3-4, where 124 GiB is free in zone Movable, which this allocation '
      '(GFP_KERNEL) may not use: it needs a node with a kernel zone.')),
    ('0x100cca(GFP_HIGHUSER_MOVABLE)', 'CPUSET', '(null)', '4',
     ('Not known: the cpuset box allows only NUMA node 4, and 124 GiB of it was free when the kernel wrote this, more '
      'than it keeps back.')),
    ('0x500cc2(GFP_HIGHUSER|__GFP_ACCOUNT)', 'CPUSET', '(null)', '0',
     'The cpuset box allows only NUMA node 0, and it is out of memory while 124 GiB is free on other nodes.'),
], ids=['cpuset', 'policy', 'may use it', 'another node'])
def test_the_zones_of_the_nodes_that_were_allowed_are_looked_at(mask, constraint, nodemask, allowed, expected):
    assert cause(MOVABLE % (mask, constraint, nodemask, allowed)) == expected


ZONES = (
    "init invoked oom-killer: gfp_mask=%s, order=0, oom_score_adj=0\n"
    "Mem-Info:\nactive_anon:392832 inactive_anon:182 isolated_anon:0\n free:32513852 free_pcp:73 free_cma:0\n"
    "Node 0 Normal free:%dkB min:40000kB low:80000kB high:120000kB present:31457280kB managed:31457280kB\n"
    "Node 1 Movable free:130021408kB min:9140kB low:139160kB high:269180kB present:130023424kB managed:130023424kB\n"
    "41943040 pages RAM\noom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0-1,global_oom,"
    "task_memcg=/,task=c,pid=9,uid=0\n"
)


@pytest.mark.parametrize('mask,normal,expected', [
    ('0xcc0(GFP_KERNEL)', 30000,
     ('The zones that this allocation (GFP_KERNEL) may use ran out, while 124 GiB is free in zone Movable, which it '
      'may not use.')),
    ('0x100cca(GFP_HIGHUSER_MOVABLE)', 30000,
     'Not known: 124 GiB of RAM was free when the kernel wrote this, more than it keeps back.'),
    ('0xcc0(GFP_KERNEL)', 9000000,
     'Not known: 8.6 GiB of RAM was free when the kernel wrote this, more than it keeps back.'),
], ids=['barred', 'allowed', 'plenty in its own'])
def test_the_zones_of_the_host_that_the_allocation_may_not_use_are_no_ram_for_it(mask, normal, expected):
    assert cause(ZONES % (mask, normal)) == expected


FAULT = (
    "php invoked oom-killer: gfp_mask=0x0(), order=0, oom_score_adj=0\n%s"
    "Mem-Info:\nactive_anon:392832 inactive_anon:182 isolated_anon:0\n free:2500000 free_pcp:73 free_cma:0\n"
    "Node 0 DMA: 1*4kB 0*8kB = 4kB\n4095866 pages RAM\n"
)
NEAR = "Task in /docker/%s killed as a result of limit of /docker/%s\n" % (("ab" * 32,) * 2)


@pytest.mark.parametrize('text,expected', [
    (FAULT % ("php cpuset=%s mems_allowed=0\n" % ("ab" * 32)),
     ('a page fault of php of the container abababababab was refused memory, most likely by the limit of its own '
      "cgroup, which kernels before 5.16 take for the host's")),
    (FAULT % '' + (ALONE % ('CONSTRAINT_NONE', 'global_oom,' + IN_DOCKER)).replace('cpuset=/', 'cpuset=' + "5e" * 32),
     'a page fault of php of docker container 5e5e5e5e5e5e was refused memory'),
    (FAULT % '' + (ALONE % ('CONSTRAINT_NONE', 'global_oom,task_memcg=/kubepods/burstable/pod%s/%s' % (
        '11111111-2222-3333-4444-555555555555', "5e" * 32))).replace('cpuset=/', 'cpuset=' + "5e" * 32),
     'a page fault of php of the container 5e5e5e5e5e5e was refused memory'),
    (FAULT % '', "a page fault of php was refused memory, most likely by the limit of its own cgroup, which kernels"),
    (NEAR + KILL + FAULT % '', "own cgroup (beside it, the one of docker container abababababab reached its limit), "),
], ids=['cpuset', 'docker', 'pod', 'nothing', 'beside'])
def test_a_page_fault_that_its_cgroup_refused_is_not_taken_for_the_hosts(text, expected):
    reading = oom_log.Reading()
    reading.text(text.encode('utf-8'), 'log')
    found = [event['cause'] for event in reading.result()['events'] if event['trigger']['gfp_mask']]
    assert found[0].startswith('Not the whole host: 9.5 GiB of 15.6 GiB RAM was free; ') and expected in found[0]


@pytest.mark.parametrize('line,allocation,expected', [
    ('udevd: vmemmap alloc failure: order:9, mode:0xcc0(GFP_KERNEL), nodemask=(null)', 'vmemmap',
     ("An allocation for the kernel's table of pages of memory that was added of order 9 by udevd failed, and nothing "
      'was killed.')),
    ('modprobe: vmalloc error: size 4096, page order 0, failed to allocate pages, mode:0xcc0(GFP_KERNEL)', 'vmalloc',
     'An allocation of vmalloc memory by modprobe failed, and nothing was killed.'),
    ('modprobe: vmalloc: allocation failure: 20480 bytes, mode:0xd2(GFP_KERNEL), nodemask=(null)', 'vmalloc',
     'An allocation of vmalloc memory by modprobe failed, and nothing was killed.'),
    ('SLUB: Unable to allocate memory on node -1, gfp=0x20(GFP_ATOMIC)', 'slab',
     'An allocation for a slab cache failed, and nothing was killed.'),
    ('SLUB: Unable to allocate memory on CPU 3 (of node 0) on node -1, gfp=0x20(GFP_ATOMIC)', 'slab',
     'An allocation for a slab cache failed, and nothing was killed.'),
])
def test_an_allocation_that_failed_is_an_event_of_its_own(line, allocation, expected):
    reading = oom_log.Reading()
    reading.text(('Nov 1 10:00:00 h kernel: [ 1.0] %s\n' % line).encode('utf-8'), 'log')
    (event,) = reading.result()['events']
    assert (event['kind'], event['trigger']['allocation']) == ('allocation_failure', allocation)
    assert event['cause'] == expected


def test_a_slab_cache_that_got_no_page_is_one_event_with_the_page():
    reading = oom_log.Reading()
    lines = (b'c: page allocation failure: order:0, mode:0x20(GFP_ATOMIC)',
             b'SLUB: Unable to allocate memory on node -1, gfp=0x20(GFP_ATOMIC)')
    reading.text(b'\n'.join(lines + (b'',)), 'log')
    (event,) = reading.result()['events']
    assert event['trigger']['allocation'] == 'page'


def test_a_memory_block_with_a_table_is_a_report_that_lost_its_header_and_its_kill():
    lines = [line for line in ERAS['5.15.0'] if line[:1] == '[' or not re.search('oom|CPU:|Killed', line)]
    reading = oom_log.Reading()
    reading.text(('\n'.join(lines) + '\n').encode('utf-8'), 'log')
    (event,) = reading.result()['events']
    assert event['missing'] == ['header', 'victim'] and event['ledger'] is not None
    assert event['cause'].startswith('RAM (991 MiB) ran out and there is no swap; ')


LESS = ('anon 313270272', 'anon 100000000')


@pytest.mark.parametrize(
    'changes,expected',
    [
        ([], 'The memory cgroup of stress.service reached its limit of'),
        ([LESS, ('file 0', 'file 200000000')], '; 190 MiB (64 %) is page cache; beside it stress (95 MiB).'),
        (
            [LESS, ('file 0', 'file 200000000\n file_dirty 90000000\n file_writeback 90000000')],
            '; 190 MiB (64 %) is page cache, most of it not written yet; ',
        ),
        (
            [LESS, ('file 0', 'file 200000000'), ('shmem 0', 'shmem 200000000')],
            '; 190 MiB (64 %) is shared memory or tmpfs; ',
        ),
        ([LESS, ('file 0', 'file 0\n slab 200000000')], '; the kernel itself holds 190 MiB (64 %) in slab caches; '),
        (
            [('limit 307200kB', 'limit 9007199254740988kB')],
            'Not known: the memory cgroup of stress.service has no limit; ',
        ),
    ],
)
def test_cause_of_a_memory_cgroup(changes, expected):
    text = '\n'.join(memcg(2)) + '\n'
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    assert expected in cause(text)


ID = '178ec18073cc6ac7be2de8d9869daf162a6349dd056b6535849112c53ec3102a'


@pytest.mark.parametrize(
    'path,called',
    [
        ('/test', 'The memory cgroup /test reached'),
        ('/system.slice/mysqld.service', 'of mysqld.service reached'),
        ('/docker/' + ID, 'of docker container 178ec18073cc reached'),
        ('/system.slice/docker-%s.scope' % ID, 'of docker container 178ec18073cc reached'),
        ('/lxc/703/ns/system.slice/pulse.service', 'of pulse.service in lxc container 703 reached'),
        ('/lxc.payload.web-server-number-1', 'of lxc container web-server-number-1 reached'),
        (
            '/docker/%s/kubepods/burstable/pod10d16a28-60ff-475f-a631-510d9792219e' % ID,
            'of Kubernetes pod 10d16a28-60ff-475f-a631-510d9792219e reached',
        ),
    ],
)
def test_a_memory_cgroup_is_called_by_the_innermost_of_what_its_path_tells(path, called):
    assert called in cause('\n'.join(memcg(2, path=path)) + '\n')
