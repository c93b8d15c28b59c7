# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OOM reports as each kernel since 2.6.18 prints them, made up from its own formats: one host of 1 GiB, one victim."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

PAGES = 262014
RESERVED = 8291
VICTIM = {'pid': 13036, 'name': 'mysqld', 'uid': 999, 'total_vm': 966829, 'rss': 110083, 'adj': 0}
TRIGGER = {'pid': 11029, 'name': 'docker-containe', 'adj': -500}
TASKS = (
    (338, 0, 19091, 93, 0, 'systemd-journal'),
    (1163, 0, 28230, 256, -1000, 'sshd'),
    (13036, 999, 966829, 110083, 0, 'mysqld'),
    (13360, 0, 82362, 76663, 0, 'php'),
)

MEMORY_2_6_18 = """\
Mem-info:
Node 0 DMA per-cpu:
cpu 0 hot: high 0, batch 1 used:0
Node 0 DMA32 per-cpu:
cpu 0 hot: high 186, batch 31 used:20
Free pages:       48880kB (0kB HighMem)
Active:214440 inactive:6708 dirty:0 writeback:0 unstable:0 free:12220 slab:10804 mapped-file:226 \
mapped-anon:214503 pagetables:1869
Node 0 DMA free:4592kB min:708kB low:884kB high:1060kB active:7952kB inactive:2156kB present:15992kB \
pages_scanned:5385 all_unreclaimable? yes
lowmem_reserve[]: 0 972 972 972
Node 0 DMA32 free:44288kB min:44344kB low:55428kB high:66516kB active:849808kB inactive:16952kB \
present:1032064kB pages_scanned:31480 all_unreclaimable? yes
lowmem_reserve[]: 0 0 0 0
Node 0 DMA: 22*4kB 15*8kB 4*16kB 7*32kB 6*64kB 5*128kB 2*256kB 1*512kB 2*1024kB 0*2048kB 0*4096kB = 4592kB
Node 0 DMA32: 546*4kB 855*8kB 592*16kB 264*32kB 123*64kB 44*128kB 15*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB = 44288kB
6867 pagecache pages
Swap cache: add 0, delete 0, find 0/0, race 0+0
Free swap  = 0kB
Total swap = 0kB
262014 pages of RAM
8291 reserved pages
2309 pages shared
0 pages swap cached
"""

MEMORY_2_6_32 = """\
Mem-Info:
Node 0 DMA per-cpu:
CPU    0: hi:    0, btch:   1 usd:   0
Node 0 DMA32 per-cpu:
CPU    0: hi:  186, btch:  31 usd:  13
active_anon:214440 inactive_anon:63 isolated_anon:0
 active_file:1868 inactive_file:4777 isolated_file:0
 unevictable:0 dirty:0 writeback:0 unstable:0
 free:12220 slab_reclaimable:5333 slab_unreclaimable:5471
 mapped:226 shmem:204 pagetables:1869 bounce:0
Node 0 DMA free:4592kB min:708kB low:884kB high:1060kB active_anon:7952kB inactive_anon:8kB present:15352kB \
all_unreclaimable? yes
lowmem_reserve[]: 0 972 972 972
Node 0 DMA32 free:44288kB min:44344kB low:55428kB high:66516kB active_anon:849808kB inactive_anon:244kB \
present:1032064kB all_unreclaimable? yes
lowmem_reserve[]: 0 0 0 0
Node 0 DMA: 22*4kB 15*8kB 4*16kB 7*32kB 6*64kB 5*128kB 2*256kB 1*512kB 2*1024kB 0*2048kB 0*4096kB = 4592kB
Node 0 DMA32: 546*4kB 855*8kB 592*16kB 264*32kB 123*64kB 44*128kB 15*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB = 44288kB
6867 total pagecache pages
0 pages in swap cache
Swap cache stats: add 0, delete 0, find 0/0
Free swap  = 0kB
Total swap = 0kB
262014 pages RAM
8291 pages reserved
2309 pages shared
240512 pages non-shared
"""

MEMORY_2_6_31 = MEMORY_2_6_32.replace(
    """\
active_anon:214440 inactive_anon:63 isolated_anon:0
 active_file:1868 inactive_file:4777 isolated_file:0
 unevictable:0 dirty:0 writeback:0 unstable:0
 free:12220 slab_reclaimable:5333 slab_unreclaimable:5471
 mapped:226 shmem:204 pagetables:1869 bounce:0
""",
    """\
Active_anon:214440 active_file:1868 inactive_anon:63
 inactive_file:4777 unevictable:0 dirty:0 writeback:0 unstable:0
 free:12220 slab:10804 mapped:226 pagetables:1869 bounce:0
""",
)

MEMORY_3_10 = (
    MEMORY_2_6_32.replace('2309 pages shared\n240512 pages non-shared\n', '')
    .replace('262014 pages RAM\n', '262014 pages RAM\n0 pages HighMem/MovableOnly\n')
    .replace('4*16kB ', '4*16kB (UE) ')
    .replace('bounce:0\n', 'bounce:0\n free_cma:0\n')
)

MEMORY_4_8 = (
    MEMORY_3_10.replace(
        'Node 0 DMA per-cpu:\nCPU    0: hi:    0, btch:   1 usd:   0\nNode 0 DMA32 per-cpu:\n'
        'CPU    0: hi:  186, btch:  31 usd:  13\n',
        '',
    )
    .replace(
        'Node 0 DMA free',
        'Node 0 active_anon:857760kB inactive_anon:252kB active_file:7472kB writeback_tmp:0kB all_unreclaimable? yes\n'
        'Node 0 DMA free',
    )
    .replace('unstable:0', '')
    .replace(
        '8291 pages reserved\n',
        """\
8291 pages reserved
0 pages cma reserved
0 pages hwpoisoned
""",
    )
    .replace(
        'Node 0 DMA: ',
        'Node 0 hugepages_total=0 hugepages_free=0 hugepages_surp=0 hugepages_size=2048kB\nNode 0 DMA: ',
        1,
    )
)

MEMORY_6_1 = (
    MEMORY_4_8.replace('Swap cache stats: add 0, delete 0, find 0/0\n', '')
    .replace('bounce:0\n', '\n sec_pagetables:0 bounce:0\n kernel_misc_reclaimable:0\n')
    .replace('kB min:', 'kB boost:0kB min:')
)

_HEADERS = {
    'oom_adj': '[ pid ]   uid  tgid total_vm      rss cpu oom_adj name',
    'cpu': '[ pid ]   uid  tgid total_vm      rss cpu oom_adj oom_score_adj name',
    'nr_ptes': '[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name',
    'nr_pmds': '[ pid ]   uid  tgid total_vm      rss nr_ptes nr_pmds swapents oom_score_adj name',
    'nr_puds': '[ pid ]   uid  tgid total_vm      rss nr_ptes nr_pmds nr_puds swapents oom_score_adj name',
    'pgtables': '[ pid ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name',
    'wide': '[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name',
    'rss_anon': '[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents '
    'oom_score_adj name',
}


def _row(layout, task):
    pid, uid, total_vm, rss, adj, name = task
    start = ('[%5d] %5d %5d %8d %8d ' if layout not in ('wide', 'rss_anon') else '[%7d] %5d %5d %8d %8d ') % (
        pid,
        uid,
        pid,
        total_vm,
        rss,
    )
    middle = {
        'oom_adj': '%3d     %3d',
        'cpu': '%3d %7d %13d',
        'nr_ptes': '%7d %8d %13d',
        'nr_pmds': '%7d %7d %8d %13d',
        'nr_puds': '%7d %7d %7d %8d %13d',
        'pgtables': '%8d %8d %13d',
        'wide': '%8d %8d %13d',
        'rss_anon': '%8d %8d %9d %8d %8d %13d',
    }[layout]
    values = {
        'oom_adj': (2, -17 if adj == -1000 else 0),
        'cpu': (2, -17 if adj == -1000 else 0, adj),
        'nr_ptes': (308, 0, adj),
        'nr_pmds': (300, 8, 0, adj),
        'nr_puds': (300, 7, 1, 0, adj),
        'pgtables': (1261568, 0, adj),
        'wide': (1261568, 0, adj),
        'rss_anon': (rss - 3, 2, 1, 1261568, 0, adj),
    }[layout]
    return '%s%s %s' % (start, middle % values, name)


def _table(layout):
    if layout is None:
        return []
    lines = ['Tasks state (memory values in pages):'] if layout in ('wide', 'rss_anon') else []
    return lines + [_HEADERS[layout]] + [_row(layout, task) for task in TASKS]


_OLD_KILL = 'Out of memory: Kill process 13036 (mysqld) score 435 or sacrifice child'
_SIZES = 'total-vm:3867316kB, anon-rss:440332kB, file-rss:0kB'
_SUMMARY = (
    'oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,'
    'task_memcg=/system.slice/mysqld.service,task=mysqld,pid=13036,uid=999'
)
_NEW_SIZES = _SIZES + ', shmem-rss:0kB, UID:999 pgtables:1232kB oom_score_adj:0'
_NEW_KILL = 'Out of memory: Killed process 13036 (mysqld) ' + _NEW_SIZES
_REAPED = 'oom_reaper: reaped process 13036 (mysqld), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB'
_CPUSET = 'docker-containe cpuset=/ mems_allowed=0'
_TRACE = [
    'Hardware name: QEMU Standard PC (i440FX + PIIX, 1996), BIOS 1.16.2 04/01/2014',
    'Call Trace:',
    ' [<ffffffff94f64147>] dump_stack+0x19/0x1b',
    ' [<ffffffff949bc146>] out_of_memory+0x4b6/0x4f0',
]
_NEW_TRACE = [
    'Hardware name: QEMU Standard PC (i440FX + PIIX, 1996), BIOS 1.16.2 04/01/2014',
    'Call Trace:',
    ' <TASK>',
    ' dump_stack_lvl+0x44/0x5c',
    ' oom_kill_process.cold+0xb/0x10',
    ' </TASK>',
]


def _era(invoked, identity, memory, layout, kill, cpuset=True, trace=None):
    return (
        ['docker-containe invoked oom-killer: ' + invoked]
        + ([_CPUSET] if cpuset else [])
        + ([identity] if identity else [])
        + list(_TRACE if trace is None else trace)
        + memory.rstrip('\n').split('\n')
        + _table(layout)
        + list(kill)
    )


def _cpu(kernel, uid=''):
    return 'CPU: 0 %sPID: 11029 Comm: docker-containe Not tainted %s #1' % (uid, kernel)


# One report for each form that the printk calls of a kernel tree give.
ERAS = {
    '2.6.18': _era(
        'gfp_mask=0x201d2, order=0, oomkilladj=-17',
        None,
        MEMORY_2_6_18,
        None,
        [
            'Out of Memory: Kill process 13036 (mysqld) score 435 and children.',
            'Out of memory: Killed process 13036 (mysqld).',
        ],
        cpuset=False,
    ),
    '2.6.31': _era(
        'gfp_mask=0x201da, order=0, oomkilladj=-17',
        'Pid: 11029, comm: docker-containe Not tainted 2.6.31 #1',
        MEMORY_2_6_31,
        'oom_adj',
        ['Out of memory: kill process 13036 (mysqld) score 191570 or a child', 'Killed process 13036 (mysqld)'],
    ),
    '2.6.32-el6': _era(
        'gfp_mask=0x280da, order=0, oom_adj=0, oom_score_adj=-500',
        'Pid: 11029, comm: docker-containe Not tainted 2.6.32-642.11.1.el6.x86_64 #1',
        MEMORY_2_6_32,
        'cpu',
        [_OLD_KILL, 'Killed process 13036, UID 999, (mysqld) ' + _SIZES],
    ),
    '2.6.36': _era(
        'gfp_mask=0x280da, order=0, oom_adj=0, oom_score_adj=-500',
        'Pid: 11029, comm: docker-containe Not tainted 2.6.36 #1',
        MEMORY_2_6_32,
        'cpu',
        [_OLD_KILL, 'Killed process 13036 (mysqld) ' + _SIZES],
    ),
    '3.10.0-514.el7': _era(
        'gfp_mask=0x201da, order=0, oom_score_adj=-500',
        _cpu('3.10.0-514.el7.x86_64'),
        MEMORY_3_10,
        'nr_ptes',
        [_OLD_KILL, 'Killed process 13036 (mysqld) ' + _SIZES + ', shmem-rss:0kB'],
    ),
    '3.10.0-1160.el7': _era(
        'gfp_mask=0x201da, order=0, oom_score_adj=-500',
        _cpu('3.10.0-1160.el7.x86_64'),
        MEMORY_3_10,
        'nr_ptes',
        [_OLD_KILL, 'Killed process 13036 (mysqld), UID 999, ' + _SIZES + ', shmem-rss:0kB'],
    ),
    '4.4.178': _era(
        'gfp_mask=0x24201ca, order=0, oom_score_adj=-500',
        _cpu('4.4.178'),
        MEMORY_3_10,
        'nr_pmds',
        [_OLD_KILL, 'Killed process 13036 (mysqld) ' + _SIZES],
    ),
    '4.8.0': _era(
        'gfp_mask=0x24200ca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=-500',
        _cpu('4.8.0'),
        MEMORY_4_8,
        'nr_pmds',
        [_OLD_KILL, 'Killed process 13036 (mysqld) ' + _SIZES + ', shmem-rss:0kB', _REAPED],
    ),
    '4.11.0': _era(
        'gfp_mask=0x14200ca(GFP_HIGHUSER_MOVABLE), nodemask=(null),  order=0, oom_score_adj=-500',
        _cpu('4.11.0'),
        MEMORY_4_8,
        'nr_pmds',
        [_OLD_KILL, 'Killed process 13036 (mysqld) ' + _SIZES + ', shmem-rss:0kB', _REAPED],
    ),
    '4.14.0': _era(
        'gfp_mask=0x14200ca(GFP_HIGHUSER_MOVABLE), nodemask=(null), order=0, oom_score_adj=-500',
        _cpu('4.14.0'),
        MEMORY_4_8,
        'nr_puds',
        [_OLD_KILL, 'Killed process 13036 (mysqld) ' + _SIZES + ', shmem-rss:0kB', _REAPED],
    ),
    '4.15.0': _era(
        'gfp_mask=0x14200ca(GFP_HIGHUSER_MOVABLE), nodemask=(null), order=0, oom_score_adj=-500',
        _cpu('4.15.0'),
        MEMORY_4_8,
        'pgtables',
        [_OLD_KILL, 'Killed process 13036 (mysqld) ' + _SIZES + ', shmem-rss:0kB', _REAPED],
    ),
    '4.18.0-553.el8': _era(
        'gfp_mask=0x6200ca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=-500',
        'CPU: 0 PID: 11029 Comm: docker-containe Kdump: loaded Not tainted 4.18.0-553.el8.x86_64 #1',
        MEMORY_4_8,
        'wide',
        [_SUMMARY, _NEW_KILL, _REAPED],
        cpuset=False,
    ),
    '4.19.0': _era(
        'gfp_mask=0x6200ca(GFP_HIGHUSER_MOVABLE), nodemask=(null), order=0, oom_score_adj=-500',
        _cpu('4.19.0'),
        MEMORY_4_8,
        'wide',
        [_OLD_KILL, 'Killed process 13036 (mysqld) ' + _SIZES + ', shmem-rss:0kB', _REAPED],
    ),
    '5.0.0': _era(
        'gfp_mask=0x6200ca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=-500',
        _cpu('5.0.0'),
        MEMORY_4_8,
        'wide',
        [_SUMMARY, _OLD_KILL, 'Killed process 13036 (mysqld) ' + _SIZES + ', shmem-rss:0kB', _REAPED],
        cpuset=False,
    ),
    '5.2.0': _era(
        'gfp_mask=0x100cca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=-500',
        _cpu('5.2.0'),
        MEMORY_4_8,
        'wide',
        [_SUMMARY, 'Out of memory: Killed process 13036 (mysqld) ' + _SIZES + ', shmem-rss:0kB', _REAPED],
        cpuset=False,
    ),
    '5.15.0': _era(
        'gfp_mask=0x1100cca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=-500',
        _cpu('5.15.0'),
        MEMORY_4_8,
        'wide',
        [_SUMMARY, _NEW_KILL, _REAPED],
        cpuset=False,
        trace=_NEW_TRACE,
    ),
    '6.1.0': _era(
        'gfp_mask=0x1140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), order=0, oom_score_adj=-500',
        _cpu('6.1.0-28-cloud-amd64'),
        MEMORY_6_1,
        'wide',
        [_SUMMARY, _NEW_KILL, _REAPED],
        cpuset=False,
        trace=_NEW_TRACE,
    ),
    '6.8.0': _era(
        'gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), order=0, oom_score_adj=-500',
        _cpu('6.8.0'),
        MEMORY_6_1,
        'rss_anon',
        [_SUMMARY, _NEW_KILL, _REAPED],
        cpuset=False,
        trace=_NEW_TRACE,
    ),
    '6.12.0': _era(
        'gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), order=0, oom_score_adj=-500',
        _cpu('6.12.0', 'UID: 0 '),
        MEMORY_6_1,
        'rss_anon',
        [_SUMMARY, _NEW_KILL, _REAPED],
        cpuset=False,
        trace=['Tainted: [W]=WARN'] + _NEW_TRACE,
    ),
}


def memcg(version=2, victim='stress', pid=68061, path='/system.slice/stress.service', kernel='5.15.0'):
    """A report of a memory cgroup's limit: version 1 as kernels before 5.0 print it, version 2 as later ones do."""
    if version == 1:
        return [
            '%s invoked oom-killer: gfp_mask=0x24000c0(GFP_KERNEL), order=0, oom_score_adj=0' % victim,
            '%s cpuset=/ mems_allowed=0' % victim,
            'CPU: 0 PID: %d Comm: %s Not tainted 4.8.0 #2' % (pid, victim),
            'Task in %s killed as a result of limit of %s' % (path, path),
            'memory: usage 307200kB, limit 307200kB, failcnt 35982',
            'memory+swap: usage 614400kB, limit 614400kB, failcnt 11',
            'kmem: usage 1308kB, limit 9007199254740988kB, failcnt 0',
            'Memory cgroup stats for %s: cache:0KB rss:305804KB rss_huge:0KB swap:307288KB inactive_anon:152940KB'
            % path,
            _HEADERS['nr_pmds'],
            '[%5d]     0 %5d   210894    62557     315       4    91187             0 %s' % (pid, pid, victim),
            'Memory cgroup out of memory: Kill process %d (%s) score 1003 or sacrifice child' % (pid, victim),
            'Killed process %d (%s) total-vm:843576kB, anon-rss:248180kB, file-rss:2048kB, shmem-rss:0kB'
            % (pid, victim),
        ]
    return [
        '%s invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=872' % victim,
        'CPU: 0 PID: %d Comm: %s Not tainted %s #2' % (pid, victim, kernel),
        'memory: usage 307200kB, limit 307200kB, failcnt 35982',
        'swap: usage 0kB, limit 0kB, failcnt 0',
        'Memory cgroup stats for %s:' % path,
        'anon 313270272\n file 0\n kernel_stack 16384\n pagetables 655360\n shmem 0',
        'Tasks state (memory values in pages):',
        _HEADERS['wide'],
        '[%7d]     0 %5d   210894    62557   655360        0           872 %s' % (pid, pid, victim),
        'oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=%s,task_memcg=%s,task=%s,pid=%d,uid=0'
        % (path, path, victim, pid),
        'Memory cgroup out of memory: Killed process %d (%s) total-vm:843576kB, anon-rss:248180kB, file-rss:2048kB, '
        'shmem-rss:0kB, UID:0 pgtables:640kB oom_score_adj:872' % (pid, victim),
    ]


def bare_kill(pid, name='python3'):
    """All that a kernel prints of a kill while its rate limit holds the rest back."""
    return [
        'Out of memory: Killed process %d (%s) total-vm:11964kB, anon-rss:4288kB, file-rss:3028kB, shmem-rss:0kB, '
        'UID:0 pgtables:64kB oom_score_adj:0' % (pid, name)
    ]


def syslog(lines, stamp='Oct 28 11:32:28', host='centos7', uptime=None):
    """Lines as rsyslog writes them, embedded line breaks as it escapes them."""
    return ''.join(
        '%s %s kernel: %s%s\n'
        % (stamp, host, '' if uptime is None else '[%12.6f] ' % uptime, line.replace('\n', '#012'))
        for line in lines
    )


def quiet(stamp, count, host='centos7'):
    """Lines of a syslog that hold no report."""
    return ''.join(
        '%s %s sshd[%d]: Accepted publickey for root from 10.0.0.1 port %d\n' % (stamp, host, index, index)
        for index in range(count)
    )
