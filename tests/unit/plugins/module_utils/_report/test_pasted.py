# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports as people have them: cut anywhere, between prose, or of nothing but the lines that a search found."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._report import reading as oom_log
from oom_reports import ERAS, memcg, syslog

KILLED = 'Out of memory: Killed process 101 (first) total-vm:4000kB, anon-rss:3000kB, file-rss:0kB, shmem-rss:0kB'
SECOND = 'Out of memory: Killed process 202 (second) total-vm:8000kB, anon-rss:7000kB, file-rss:0kB, shmem-rss:0kB'
STAMP = 'Oct 28 11:32:28 db1 kernel: '
EL7 = ERAS['3.10.0-1160.el7']


def events(text):
    """The events of a text, the oldest first."""
    reading = oom_log.Reading(now=1762000000)
    reading.text(text if isinstance(text, bytes) else text.encode('utf-8'), 'log')
    return reading.result()['events'][::-1]


def victims(text):
    return [victim['name'] for event in events(text) for victim in event['victims']]


def from_line(lines, beginning):
    """The lines of a report from the one on that begins so."""
    lines = '\n'.join(lines).split('\n')
    return lines[next(index for index, line in enumerate(lines) if line.startswith(beginning)) :]


ALONE = {
    'the choice': ('Out of memory: Kill process 9163 (mysqld) score 511 or sacrifice child', 'kill', 'mysqld'),
    'the choice, cut': (
        'Memory cgroup out of memory: Kill process 3897 (stress) score 1001 or sacrif',
        'kill',
        'stress',
    ),
    'the choice of an old memory cgroup': (
        'Memory cgroup out of memory: kill process 6016 (java) score 0 or a child',
        'kill',
        'java',
    ),
    'a panic that was asked for': (
        'Kernel panic - not syncing: Out of memory: compulsory panic_on_oom is enabled',
        'panic',
        None,
    ),
    'a panic without a victim': (
        'Kernel panic - not syncing: Out of memory and no killable processes...',
        'panic',
        None,
    ),
    'a panic since 4.19': ('Kernel panic - not syncing: System is deadlocked on memory', 'panic', None),
    'no victim': ('Out of memory and no killable processes...', 'no_victim', None),
    'the cgroup': ('Task in /docker/a killed as a result of limit of /docker/a', 'kill', None),
}


@pytest.mark.parametrize('prefix', ['', STAMP, '[   12.345678] '])
@pytest.mark.parametrize('line', sorted(ALONE))
def test_one_line_of_a_report_is_an_event(line, prefix):
    text, kind, selected = ALONE[line]
    (event,) = events(prefix + text + '\n')
    assert (event['kind'], event['victims'], event['complete']) == (kind, [], False)
    assert (event['selected'] and event['selected']['name']) == selected


@pytest.mark.parametrize(
    'between',
    [
        '\n',
        '\n\n',
        '\nAnd on the other server, which is as large:\n\n',
        '\n```\nand the second time\n```\n',
        '\nphp-fpm invoked oom-killer although there was plenty of memory left, why?\n',
    ],
)
@pytest.mark.parametrize('first,second', [(STAMP, ''), ('[Tue Oct 28 11:32:28 2025] ', ''), ('', STAMP), ('', '')])
def test_two_kills_are_two_whatever_stands_between_them(first, second, between):
    text = first + KILLED + between + second + SECOND + '\n'
    assert sorted(victims(text)) == ['first', 'second']
    assert all(event['trigger']['name'] is None for event in events(text))


@pytest.mark.parametrize('unknown', ['[Kernel dmesg] [18492.104] ', '[web1] out: ', 'node-7 | ', '(0) '])
def test_a_prefix_that_nobody_knows_costs_the_time_and_not_the_kill(unknown):
    assert victims(unknown + KILLED + '\n') == ['first']
    assert sorted(victims(STAMP + KILLED + '\n' + unknown + SECOND + '\n')) == ['first', 'second']


def test_a_report_without_prefixes_after_a_line_with_one_is_read():
    text = STAMP + KILLED + '\n\nAnd here is all of it:\n\n' + '\n'.join(EL7) + '\n'
    first, second = sorted(events(text), key=lambda event: event['complete'])
    assert (first['victims'][0]['name'], second['victims'][0]['name']) == ('first', 'mysqld')
    assert second['complete'] and second['trigger']['name'] == 'docker-containe'


def test_a_header_that_was_copied_without_its_prefix_heads_the_lines_below():
    whole = syslog(EL7)
    (event,) = events(whole)
    begin = whole.index('docker-containe invoked')
    (cut,) = events(whole[begin:])
    assert cut == dict(event, source=cut['source'])


@pytest.mark.parametrize(
    'first,cause',
    [
        ('Node 0 DMA free', 'RAM (991 MiB) ran out and there is no swap; the largest process, mysqld'),
        ('lowmem_reserve', 'RAM (991 MiB) ran out and there is no swap; the largest process, mysqld'),
        ('Node 0 DMA: ', 'RAM (991 MiB) ran out and there is no swap; the largest process, mysqld'),
        ('Free swap', 'RAM (991 MiB) ran out and there is no swap; the largest process, mysqld'),
        ('262014 pages RAM', 'RAM (991 MiB) ran out; the largest process, mysqld'),
    ],
)
def test_what_is_left_of_a_memory_block_is_read(first, cause):
    (event,) = events(syslog(from_line(EL7, first)))
    assert event['missing'] == ['header', 'memory'] and event['memory']['ram_pages'] == 262014
    assert event['cause'].startswith(cause)


def test_a_first_line_that_is_broken_does_not_end_the_reading():
    lines = ['[   12.3456\x01] Mem-Info:'] + ['[   12.345678] ' + line for line in from_line(EL7, 'active_anon:')]
    (event,) = events('\n'.join(lines) + '\n')
    assert event['missing'] == ['header'] and event['memory']['active_anon_bytes'] == 214440 * 4096


def test_a_page_of_a_kernel_for_x86_has_4_kib():
    lines = [line for line in ERAS['3.10.0-1160.el7'] if '*4kB' not in line]
    (event,) = events(syslog(lines))
    assert event['memory']['ram_bytes'] == 262014 * 4096


def test_no_break_spaces_are_spaces():
    plain = '\n'.join(EL7)
    text = plain.replace('swap  =', u'swap\xa0 =').replace('  ', u'\xa0 ').encode('utf-8')
    (first,), (second,) = events(plain), events(text)
    assert second == dict(first, source=second['source'])


def test_a_title_with_the_first_words_of_the_kill_takes_nothing_from_it():
    (event,) = events('# Out of memory: Killed process 101 (first)\n\n' + KILLED + '\n')
    assert event['victims'][0]['anon_rss_bytes'] == 3000 * 1024 and event['victims'][0]['duplicates'] == 1


def test_a_thread_that_was_chosen_is_no_parent_of_the_victim():
    text = syslog(memcg(1)).replace('Kill process 68061', 'Kill process 68077')
    (event,) = events(text)
    (victim,) = event['victims']
    assert (victim['pid'], victim['sacrificed_for'], victim['score']) == (68061, None, 1003)


def test_a_row_may_name_the_thread_that_still_had_the_memory():
    text = syslog(memcg(1)).replace('[68061]     0 68061 ', '[68060]     0 68061 ')
    (event,) = events(text)
    assert event['complete'] and event['victims'][0]['uid'] == 0


def test_an_oops_after_a_kill_does_not_name_its_trigger():
    text = syslog([KILLED, 'CPU: 20 UID: 0 PID: 159076 Comm: node-linux-arm6 Not tainted 6.12.0 #1'])
    (event,) = events(text)
    assert event['trigger']['name'] is None and event['trigger']['pid'] is None and event['kernel'] == '6.12.0'


def test_a_header_of_2_6_18_names_nobody():
    (event,) = events(syslog(['oom-killer: gfp_mask=0x201d2, order=0'] + ERAS['2.6.18'][1:]))
    assert (event['trigger']['name'], event['trigger']['gfp_mask']) == (None, '0x201d2')


def test_more_reserved_than_there_is_is_not_known():
    (event,) = events(syslog([line.replace('8291 pages', '4294965447 pages') for line in EL7]))
    assert event['memory']['reserved_bytes'] is None and event['cause'].startswith('RAM (1023 MiB) ran out')


def test_a_mail_as_it_was_sent_gives_no_numbers_of_its_own_encoding():
    (event,) = events('php invoked oom-killer: gfp_mask=0x201da, order=3D0, oom_score_adj=3D100\n' + KILLED + '\n')
    assert (event['trigger']['order'], event['trigger']['oom_score_adj']) == (None, None)


def test_a_table_of_which_only_the_header_is_left_counts_no_tasks():
    lines = '\n'.join(EL7).split('\n')
    (event,) = events(syslog([line for line in lines if line[:1] != '[' or 'total_vm' in line]))
    assert event['task_count'] is None and event['missing'] == ['tasks']


def test_a_kernel_of_openvz_names_the_container():
    line = 'Out of memory in UB 1234: OOM killed process 21747 (php-cgi) score 7 vm:281988kB, rss:17008kB, swap:0kB'
    (event,) = events(syslog([line]))
    (victim,) = event['victims']
    assert (victim['pid'], victim['name'], victim['score']) == (21747, 'php-cgi', 7)
    assert victim['total_vm_bytes'] == 281988 * 1024
    assert (event['scope'], event['cgroup']['path']) == ('memcg', '/1234')
    (event,) = events(syslog([line.replace('UB 1234', 'UB 0')]))
    assert event['scope'] == 'unknown' and event['cgroup'] is None


@pytest.mark.parametrize(
    'text',
    [
        'pr_info("oom-kill:constraint=%s,nodemask=%*pbl",\n',
        'regexp.MustCompile(`oom-kill:constraint=(.*),nodemask=(.*),task_memcg=(.*),task=(.*),pid=(.*),uid=(.*)`)\n',
        'Message: "kernel: oom-kill:constraint=CONSTRAINT_NONE"\n',
        'At the first `oom-kill:constraint=CONSTRAINT_NONE` (which is the summary) it stops.\n',
        'printk(KERN_WARNING "Out of memory and no killable processes...\\n");\n',
        'a panic due to "Out of memory and no killable processes..."\n',
        'process: page allocation failure. order:size, mode:gfp_mask\n',
        'This is how "swapper: page allocation failure" came to be.\n',
    ],
)
def test_source_code_and_manuals_are_no_reports(text):
    assert events(text) == []
    assert len(events(text + STAMP + KILLED + '\n' + text)) == 1


def test_the_end_of_a_panic_is_no_panic_of_its_own():
    panic = 'Kernel panic - not syncing: Out of memory and no killable processes...'
    assert len(events(syslog([panic, 'CPU: 1 PID: 7 Comm: a', '---[ end %s' % panic]))) == 1
    assert len(events('\n'.join([panic, 'CPU: 1 PID: 7 Comm: a', '---[ end %s' % panic]))) == 1


def test_a_program_that_quotes_the_kernel_is_not_the_kernel():
    (event,) = events('systemd[1]: app.service: killed by the OOM killer. kernel: ' + KILLED + '\n')
    assert event['trusted'] is False


def test_an_oops_before_a_kill_does_not_name_its_trigger():
    oops = 'CPU: 20 UID: 0 PID: 159076 Comm: node-linux-arm6 Not tainted 6.12.0 #1'
    for event in events(syslog([oops, KILLED, oops, SECOND])):
        assert event['trigger']['name'] is None and event['trigger']['pid'] is None


def test_a_log_that_is_read_from_its_end_gives_a_kill_its_cgroup():
    lines = [line for line in memcg(2) if line.startswith(('oom-kill:', 'Memory cgroup out'))]
    (event,) = events(syslog(lines[::-1]))
    assert event['victims'][0]['cgroup'] == '/system.slice/stress.service' and event['scope'] == 'memcg'


def test_who_asks_again_in_vain_is_told_each_time():
    header = 'big_memory invoked oom-killer: gfp_mask=0xd0, order=0, oomkilladj=0'
    text = '[  740.746252] %s\n[  740.870066] %s\n' % (header, header)
    assert [event['uptime_seconds'] for event in events(text)] == [740.746252, 740.870066]


CUT = {
    'the user, whom the table knows': ('UID:999 pgtables', 'UID:9>', lambda event: event['victims'][0]['uid'], 999),
    'the score': ('oom_score_adj:0\n', 'oom_score_adj:-1>\n', lambda event: event['victims'][0]['oom_score_adj'], 0),
    'the mask': ('gfp_mask=0x1100cca(', 'gfp_mask=0x11>\n', lambda event: event['trigger']['gfp_mask'], None),
    'the constraint': (
        'nodemask=(null),cpuset=/,',
        'nodem>\n',
        lambda event: (event['constraint'], event['nodemask']),
        ('CONSTRAINT_NONE', None),
    ),
    'the nodes': (
        'mems_allowed=0,global_oom,',
        'mems_allowed=0,globa>\n',
        lambda event: (event['cpuset'], event['mems_allowed'], event['constraint']),
        ('/', '0', 'CONSTRAINT_NONE'),
    ),
    'the cgroup': (
        'task_memcg=/system.slice/mysqld.service,',
        'task_memcg=/system.slice/mys>\n',
        lambda event: (event['victims'][0]['cgroup'], event['victims'][0]['unit']),
        (None, None),
    ),
    'the release': ('Not tainted 5.15.0 #1', 'Not tainted 5.1>', lambda event: event['kernel'], None),
    'a watermark': ('low:55428kB', 'low:554>\n', lambda event: event['zones'][1]['low_bytes'], None),
    'a list of blocks': ('123*64kB', '12>\n', lambda event: event['zones'][1]['free_blocks'], None),
    'a block of a list': ('264*32kB ', '264*3=\n', lambda event: event['zones'][1]['free_blocks'], None),
}


@pytest.mark.parametrize('part', sorted(CUT))
def test_what_a_pager_cut_is_not_made_up(part):
    old, new, told, expected = CUT[part]
    lines = []
    for line in '\n'.join(ERAS['5.15.0']).split('\n'):
        if old in line + '\n' and (part != 'the nodes' or line.startswith('oom-kill:')):
            line = (line + '\n').partition(old)[0] + new.rstrip('\n')
        lines.append(line)
    (event,) = events(syslog(lines))
    assert told(event) == expected


def test_a_list_of_blocks_that_is_cut_is_no_sign_of_fragmentation():
    lines = []
    for line in '\n'.join(ERAS['5.15.0']).split('\n'):
        line = line.replace('order=0', 'order=3').replace('free:44288kB', 'free:400000kB')
        lines.append(line.split(' 7*32kB')[0].split(' 264*32kB')[0])
    (event,) = events(syslog(lines))
    assert 'fragmented' not in event['cause']


def test_line_breaks_that_were_written_out_are_read_in_a_line_below_too():
    lines = '\n'.join(EL7).split('\n')
    place = next(index for index, line in enumerate(lines) if line.startswith('active_anon:'))
    whole = syslog(lines[:place] + ['\n'.join(lines[place : place + 6])] + lines[place + 6 :])
    (first,), (second,) = events(whole), events(whole.replace('#012 unevictable', '\nunevictable', 1))
    assert second['memory'] == first['memory'] and first['memory']['pagetables_bytes'] == 1869 * 4096


def test_what_is_left_of_a_cgroups_statistics_is_read():
    (event,) = events(syslog(from_line(memcg(2), 'Memory cgroup stats')))
    assert event['cgroup']['stats']['anon'] == 313270272 and event['missing'][:1] == ['header']


# Synthetic rows as dump_task() of mm/oom_kill.c has printed them since 4.15 and since 6.8: without their header.
ROWS = {
    '4.15': ['[ %d]  1000  %d  4383314  3919808 31670272        0             0 loki',
             '[ %d]   999  %d     5318      843    94208        0          1000 apps.plugin'],
    '3.10 with nr_pmds': ['[%d]  1000 %d  4383314  3919808    7731      18        0             0 loki',
                          '[%d]   999 %d     5318      843      20       3        0          1000 apps.plugin'],
    '6.8': ['[ %d]  1000  %d  4383314  3919808  3919000      808         0 31670272        0             0 loki',
            '[ %d]   999  %d     5318      843      800       43         0    94208        0         1000 apps.plugin'],
}


@pytest.mark.parametrize('kernel', sorted(ROWS))
def test_rows_above_a_kill_that_lost_their_header_tell_who_held_most(kernel):
    rows = [row % (pid, pid) for row, pid in zip(ROWS[kernel], (23324, 481))]
    (event,) = events('\n'.join(STAMP + line for line in rows + [
        'Out of memory: Kill process 481 (apps.plugin) score 1002 or sacrifice child',
        'Killed process 481 (apps.plugin) total-vm:21272kB, anon-rss:1464kB, file-rss:1908kB']) + '\n')
    assert [victim['pid'] for victim in event['victims']] == [481] and 'tasks' in event['missing']
    assert 'still lists, the largest, loki (pid 23324), holds' in event['cause'], event['cause']


@pytest.mark.parametrize('line', ['[1] 0 0 1 2', '[12:01] 7 7 7 7 7 7 7 x', '[  7] 1 2 3 4 5 6 7 8 9 10 11 12 x'])
def test_brackets_and_numbers_alone_are_no_table(line):
    (event,) = events('%s%s\n%sOut of memory: Killed process 9 (x) total-vm:4kB, anon-rss:4kB\n' % (STAMP, line, STAMP))
    assert event['source']['line'] == 2


@pytest.mark.parametrize('kill', [
    'kworker/0:1 invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=0',
    'Kernel panic - not syncing: Out of memory: compulsory panic_on_oom is enabled',
])
def test_what_somebody_asked_the_kernel_for_is_no_shortage(kill):
    (event,) = events('%sSysRq : Manual OOM execution\n%s%s\n' % (STAMP, STAMP, kill))
    assert event['trigger']['manual'] and 'Somebody asked for it' in event['cause']


def test_a_cut_report_of_a_cgroup_names_the_container_by_the_cpuset():
    (event,) = events(''.join(STAMP + line + '\n' for line in (
        'worker invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=873',
        'worker cpuset=%s mems_allowed=0' % ('ab' * 32),
        'CPU: 3 PID: 7 Comm: worker Not tainted 3.10.0-957.el7.x86_64 #1', 'Call Trace:',
        ' [<ffffffff89a34f16>] mem_cgroup_oom_synchronize+0x546/0x570')))
    assert 'most likely the one of the container %s' % ('ab' * 6) in event['cause'], event['cause']
