# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The single lines that name a process or a cgroup, in each wording that a kernel had for them."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._report import report_lines

KILLED = {
    '2.6.9-el4': ('Out of Memory: Killed process 7 (c).', (7, 'c', None, None, None)),
    '2.6.18': ('Out of memory: Killed process 7 (c).', (7, 'c', None, None, None)),
    '2.6.18-el5': ('Out of memory: Killed process 7, UID 48, (c).', (7, 'c', 48, None, None)),
    '2.6.33': ('Killed process 7 (c) vsz:9kB, anon-rss:8kB, file-rss:0kB', (7, 'c', None, 9, 8)),
    '2.6.32-el6': ('Killed process 7, UID 48, (c) total-vm:9kB, anon-rss:8kB, file-rss:0kB', (7, 'c', 48, 9, 8)),
    '3.10': ('Killed process 7 (c) total-vm:9kB, anon-rss:8kB, file-rss:0kB', (7, 'c', None, 9, 8)),
    '3.10-el7': (
        'Killed process 7 (c), UID 48, total-vm:9kB, anon-rss:8kB, file-rss:0kB, shmem-rss:0kB',
        (7, 'c', 48, 9, 8),
    ),
    '5.2': (
        'Out of memory: Killed process 7 (c) total-vm:9kB, anon-rss:8kB, file-rss:0kB, shmem-rss:0kB',
        (7, 'c', None, 9, 8),
    ),
    '5.4': (
        'Out of memory: Killed process 7 (c) total-vm:9kB, anon-rss:8kB, UID:48 pgtables:4kB oom_score_adj:-5',
        (7, 'c', 48, 9, 8),
    ),
    'vm.oom_kill_allocating_task': (
        'Out of memory (oom_kill_allocating_task): Killed process 7 (c) total-vm:9kB, anon-rss:8kB, file-rss:0kB',
        (7, 'c', None, 9, 8),
    ),
    'a memory cgroup': (
        'Memory cgroup out of memory: Killed process 7 (c) total-vm:9kB, anon-rss:8kB',
        (7, 'c', None, 9, 8),
    ),
    'broken by a mail client': (
        'Out of memory: Killed process 7 (c) total-vm:9kB,  anon-rss:8kB',
        (7, 'c', None, 9, 8),
    ),
    'cut': ('Out of memory: Killed process 7 (c) total-vm:9kB, anon-', (7, 'c', None, 9, None)),
    'a name in parentheses': ('Killed process 7 ((c)) total-vm:9kB, anon-rss:8kB', (7, '(c)', None, 9, 8)),
    'a name that looks like sizes': (
        'Killed process 7 () total-vm:1kB,) total-vm:9kB, anon-rss:8kB',
        (7, ') total-vm:1kB,', None, 9, 8),
    ),
    'a number of 400 digits': ('Killed process %s (c) total-vm:9kB' % ('7' * 400), None),
    'within a line of the kernel': ('usb 1-1: Product: Killed process 7 (c) total-vm:9kB', None),
}


@pytest.mark.parametrize('form', sorted(KILLED))
def test_killed(form):
    line, expected = KILLED[form]
    found = report_lines.killed(line, False)
    keys = ('pid', 'name', 'uid', 'total_vm_kb', 'anon_rss_kb')
    assert (found and tuple(found[key] for key in keys)) == expected


def test_an_agents_line_is_searched_anywhere():
    line = '{Message:Memory cgroup out of memory: Killed process 7 (c) total-vm:9kB}'
    assert report_lines.killed(line, True)['pid'] == 7


SUMMARY = {
    'global': (
        'oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0-1,global_oom,task_memcg=/a,task=c,pid=7,uid=48',
        {
            'constraint': 'CONSTRAINT_NONE',
            'mems_allowed': '0-1',
            'global_oom': True,
            'task_memcg': '/a',
            'name': 'c',
            'pid': 7,
            'uid': 48,
        },
    ),
    'memory cgroup': (
        'oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=x,mems_allowed=0,oom_memcg=/a,task_memcg=/a/b,task=c,pid=7,uid=48',
        {'oom_memcg': '/a', 'task_memcg': '/a/b', 'cpuset': 'x', 'global_oom': False, 'name': 'c'},
    ),
    'without cpusets': (
        'oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),oom_memcg=/a,task_memcg=/a,task=c,pid=7,uid=0',
        {'cpuset': None, 'mems_allowed': None, 'oom_memcg': '/a', 'name': 'c'},
    ),
    'without memory cgroups': (
        'oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),task=c,pid=7,uid=0',
        {'oom_memcg': None, 'task_memcg': None, 'name': 'c', 'pid': 7},
    ),
    'several nodes': (
        'oom-kill:constraint=CONSTRAINT_MEMORY_POLICY,nodemask=0,2-3,cpuset=/,mems_allowed=0,2-3,global_oom,task_memcg=/,task=c,pid=7,uid=0',
        {'nodemask': '0,2-3', 'mems_allowed': '0,2-3', 'cpuset': '/', 'name': 'c'},
    ),
    'a name with commas': (
        'oom-kill:constraint=CONSTRAINT_NONE,task_memcg=/,task=a,pid=1,uid=2,pid=7,uid=0',
        {'name': 'a,pid=1,uid=2', 'pid': 7},
    ),
    'cut in the pid': (
        'oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/a,task_memcg=/a,task=c,pid=1',
        {'name': 'c', 'pid': None},
    ),
    'cut before the task': (
        'oom-kill:constraint=CONSTRAINT_CPUSET,nodemask=(null),cpuset=test,mems_allowed=0',
        {'name': None, 'cpuset': 'test'},
    ),
}


@pytest.mark.parametrize('form', sorted(SUMMARY))
def test_summary(form):
    line, expected = SUMMARY[form]
    found = report_lines.summary(line)
    assert dict((key, found[key]) for key in expected) == expected


INVOKED = {
    '2.6.18': ('c invoked oom-killer: gfp_mask=0x201d2, order=0, oomkilladj=-17', ('c', '0x201d2', None, 0, None, -17)),
    '2.6.31': ('c invoked oom-killer: gfp_mask=0x201d2, order=1, oom_adj=3', ('c', '0x201d2', None, 1, None, 3)),
    '2.6.36': (
        'c invoked oom-killer: gfp_mask=0x280da, order=0, oom_adj=0, oom_score_adj=5',
        ('c', '0x280da', None, 0, 5, 0),
    ),
    '3.10': (
        'c invoked oom-killer: gfp_mask=0x201da, order=0, oom_score_adj=-500',
        ('c', '0x201da', None, 0, -500, None),
    ),
    '4.6': (
        'c invoked oom-killer: gfp_mask=0x24000c0(GFP_KERNEL|__GFP_ZERO), order=2, oom_score_adj=0',
        ('c', '0x24000c0', ['GFP_KERNEL', '__GFP_ZERO'], 2, 0, None),
    ),
    '4.9': (
        'c invoked oom-killer: gfp_mask=0x1(GFP_KERNEL), nodemask=0-1, order=0, oom_score_adj=0',
        ('c', '0x1', ['GFP_KERNEL'], 0, 0, None),
    ),
    'a page fault': (
        'c invoked oom-killer: gfp_mask=0x0(), order=0, oom_score_adj=1000',
        ('c', '0x0', None, 0, 1000, None),
    ),
    'sysrq': (
        'kworker/0:1 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=-1, oom_score_adj=0',
        ('kworker/0:1', '0xcc0', ['GFP_KERNEL'], -1, 0, None),
    ),
    'broken by a mail client': (
        'c invoked oom-killer: gfp_mask=0x1(A), order=0, oom_score_adj=0',
        ('c', '0x1', ['A'], 0, 0, None),
    ),
    'abridged': ('c invoked oom-killer', ('c', None, None, None, None, None)),
    'without blanks': ('c invoked oom-killer:gfp_mask=0x1, order=1, oom_adj=0', ('c', '0x1', None, 1, None, 0)),
    'without commas': ('c invoked oom-killer: gfp_mask=0x8order=1oom_score_adj=-5', ('c', '0x8', None, 1, -5, None)),
    'a name like a row': ('[1] 2 invoked oom-killer: gfp_mask=0xd0', ('[1] 2', '0xd0', None, None, None, None)),
    'broken flags': ('c invoked oom-killer: gfp_mask=0x6(A|B C)', ('c', '0x6', ['A', 'BC'], None, None, None)),
}


@pytest.mark.parametrize('form', sorted(INVOKED))
def test_invoked(form):
    line, expected = INVOKED[form]
    found = report_lines.invoked(line)
    assert (
        tuple(found[key] for key in ('name', 'gfp_mask', 'gfp_flags', 'order', 'oom_score_adj', 'oom_adj')) == expected
    )


IDENTITY = {
    'to 3.9': ('Pid: 7, comm: php-fpm Not tainted 2.6.32-642.el6.x86_64 #1', (7, 'php-fpm', '2.6.32-642.el6.x86_64')),
    '3.10': ('CPU: 4 PID: 7 Comm: sed Not tainted 3.10.0-957.el7.x86_64 #1', (7, 'sed', '3.10.0-957.el7.x86_64')),
    'tainted': ('CPU: 7 PID: 7 Comm: c Tainted: G        W          6.10.0-rc1 #3', (7, 'c', '6.10.0-rc1')),
    'kdump': ('CPU: 2 PID: 7 Comm: c Kdump: loaded Not tainted 5.15.0-rc4+ #55', (7, 'c', '5.15.0-rc4+')),
    'kdump and tainted': (
        'CPU: 2 PID: 7 Comm: c Kdump: loaded Tainted: G           OE    --------- -t - 4.18.0-80.el8.x86_64 #1',
        (7, 'c', '4.18.0-80.el8.x86_64'),
    ),
    '6.12': ('CPU: 1 UID: 0 PID: 7 Comm: c Not tainted 6.12.0 #1', (7, 'c', '6.12.0')),
    '6.12 tainted': (
        'CPU: 1 UID: 0 PID: 7 Comm: c Tainted: G        W  O       6.12.0+ #1 PREEMPT(full)',
        (7, 'c', '6.12.0+'),
    ),
    'a name with spaces': ('CPU: 1 PID: 7 Comm: puma srv tp 003 Not tainted 5.4.0 #1', (7, 'puma srv tp 003', '5.4.0')),
}


@pytest.mark.parametrize('form', sorted(IDENTITY))
def test_identity(form):
    line, expected = IDENTITY[form]
    found = report_lines.identity(line)
    assert (found['pid'], found['name'], found['kernel']) == expected


CHOSEN = {
    '2.6.18': ('Out of Memory: Kill process 7 (c) score 9 and children.', (7, 'c', 9)),
    '2.6.31': ('Out of memory: kill process 7 (c) score 9 or a child', (7, 'c', 9)),
    '2.6.31, a memory cgroup': ('Memory cgroup out of memory: kill process 7 (c) score 0 or a child', (7, 'c', 0)),
    '2.6.36': ('Out of memory: Kill process 7 (c d) score 9 or sacrifice child', (7, 'c d', 9)),
    'broken': ('Memory cgroup out of memory: Kill process 7  (c) score  9 or sacrifice', (7, 'c', 9)),
    'without a score': ('Out of memory: Kill process 7 (c)', None),
}


@pytest.mark.parametrize('form', sorted(CHOSEN))
def test_chosen(form):
    line, expected = CHOSEN[form]
    found = report_lines.chosen(line)
    assert (found and (found['pid'], found['name'], found['score'])) == expected


@pytest.mark.parametrize('read, line, told', [
    (report_lines.limit_reached, 'Memory limit reached of cgroup /docker/ab', '/docker/ab'),
    (report_lines.limit_reached, 'Memory limit reached', None),
    (report_lines.task_in, 'Task in /a/b killed as a result of limit of /a', ('/a/b', '/a')),
    (report_lines.task_in, 'Task in /a/b killed', None),
    (report_lines.group_kill, 'Tasks in /docker/ab are going to be killed due to memory.oom.group set', '/docker/ab'),
    (report_lines.group_kill, 'Tasks in /docker/ab are killed', None),
    (report_lines.usage, 'memory: usage 20480kB, limit 30720kB, failcnt 1204', ('memory', 20480, 30720, 1204)),
    (report_lines.usage, 'memory+swap: usage 1kB, limit 2kB, failcnt 0', ('memory+swap', 1, 2, 0)),
    (report_lines.usage, 'memory: usage 20480kB, limit', None),
    (report_lines.statistics, 'Memory cgroup stats for /x: cache:0KB rss:4KB', ('/x', {'cache': 0, 'rss': 4096})),
    (report_lines.statistics, 'Memory cgroup stats for /x:', ('/x', {})),
    (report_lines.statistics, 'Memory cgroup stats', None),
    (report_lines.statistic_line, 'anon 4096', {'anon': 4096}), (report_lines.statistic_line, 'anon of all', None),
    (report_lines.sharing, 'Kill process 7 (c) sharing same memory', (7, 'c')),
    (report_lines.sharing, 'Killing process 7 (c) sharing same memory', (7, 'c')),
    (report_lines.sharing, 'Kill process 7 (c) score 9', None),
    (report_lines.reaped, 'oom_reaper: reaped process 7 (c), now anon-rss:0kB', (7, True)),
    (report_lines.reaped, 'oom_reaper: unable to reap pid:7 (c)', (7, False)),
    (report_lines.reaped, 'oom_reaper: unable to reap anything', None),
    (report_lines.is_exiting, 'OOM victim 7 (c) is already exiting. Skip killing the task', True),
    (report_lines.is_exiting, 'OOM victim 7 (c)', False),
], ids=lambda value: getattr(value, '__name__', None))
def test_what_a_line_about_a_process_or_a_cgroup_says(read, line, told):
    assert read(line) == told


@pytest.mark.parametrize('line, told', [
    ('Killed process 7 (c)', False), ('Killed process 7 (c) total-vm:9kB, anon-rss:8kB', True),
    ('Out of memory: Killed process 7 (c)', True), ('Memory cgroup out of memory: Killed process 7 (c)', True),
])
def test_a_line_that_says_only_who_was_killed_is_not_of_memory(line, told):
    assert bool(report_lines.is_of_memory(report_lines.killed(line, False))) is told


@pytest.mark.parametrize('line, memcg, outside', [
    ('Out of memory: Killed process 7 (c)', False, True), ('Killed process 7 (c) total-vm:9kB', False, False),
    ('Memory cgroup out of memory: Killed process 7 (c)', True, False),
])
def test_whether_a_cgroup_or_the_host_was_out_of_memory_is_told_by_the_words_before_the_victim(line, memcg, outside):
    victim = report_lines.killed(line, False)
    assert (victim['memcg'], victim['outside']) == (memcg, outside)


@pytest.mark.parametrize('line, container, memcg, size, score', [
    ('Out of memory in UB 101: OOM killed process 7 (c) score 5 vm:4kB, rss:3kB, swap:0kB', '101', True, 4, 5),
    ('Out of memory in UB 0: OOM killed process 7 (c) score 5 vm:4kB, rss:3kB, swap:0kB', None, False, 4, 5),
])
def test_a_kill_of_openvz_names_its_container_if_it_is_not_the_host(line, container, memcg, size, score):
    found, victim, its_score = report_lines.killed_by_openvz(line)
    assert (found, its_score, victim['pid'], victim['name']) == (container, score, 7, 'c')
    assert (victim['memcg'], victim['total_vm_kb']) == (memcg, size)


@pytest.mark.parametrize('line,expected', [
    ('[<ffffffff811d3bb5>] mem_cgroup_oom_synchronize+0x575/0x5a0', True),
    (' mem_cgroup_out_of_memory+0xba/0xd0', True),
    ('mem_cgroup_handle_oom+0x274/0x2a0', True), (' ? mem_cgroup_oom_synchronize+0x329/0x340', False),
    ('[<ffffffff811d2f80>] ? mem_cgroup_charge_common+0xc0/0xc0', False), ('mem_cgroup_iter+0x1/0x2', False),
])
def test_a_trace_goes_through_the_limit_of_a_cgroup_or_not(line, expected):
    assert report_lines.is_in_cgroup(line) == expected
