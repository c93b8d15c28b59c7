# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of each kernel's report."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._report import reading
from oom_reports import ERAS, bare_kill, memcg, syslog


def read(tmpdir, text, **options):
    log = tmpdir.join('messages')
    log.write_binary(text if isinstance(text, bytes) else text.encode('utf-8'))
    return reading.read_events([str(log)], **options)


def events(tmpdir, text, **options):
    return list(reversed(read(tmpdir, text, **options)['events']))


@pytest.mark.parametrize('era', sorted(ERAS))
def test_kernel(tmpdir, era):
    found = events(tmpdir, syslog(ERAS[era]))
    assert len(found) == 1
    event = found[0]
    assert (event['kind'], event['scope'], event['host'], event['trusted']) == ('kill', 'global', 'centos7', None)
    trigger = event['trigger']
    assert (trigger['name'], trigger['order'], trigger['manual']) == ('docker-containe', 0, False)
    assert trigger['gfp_mask'].startswith('0x')
    victim = event['victims'][0]
    assert (victim['pid'], victim['name']) == (13036, 'mysqld')
    memory = event['memory']
    assert (memory['ram_pages'], memory['reserved_pages']) == (262014, 8291)
    assert (memory['page_size_bytes'], memory['free_bytes']) == (4096, 12220 * 4096)
    assert (memory['swap_total_bytes'], memory['swap_free_bytes']) == (0, 0)
    assert [(zone['zone'], zone['free_bytes'], zone['free_blocks'][:2]) for zone in event['zones']] == [
        ('DMA', 4592 * 1024, [22, 15]),
        ('DMA32', 44288 * 1024, [546, 855]),
    ]
    assert memory['active_anon_bytes'] == (None if era == '2.6.18' else 214440 * 4096)
    if era in ('2.6.18', '2.6.31'):
        # Those kernels know no sizes of their victim, and the older one neither a task table nor its own version.
        assert event['missing'] == (['tasks'] if era == '2.6.18' else [])
        assert victim['score'] == (435 if era == '2.6.18' else 191570)
        assert trigger['oom_adj'] == -17
        return
    assert event['complete'] and event['missing'] == []
    assert (trigger['pid'], trigger['oom_score_adj']) == (11029, -500)
    assert event['kernel'].split('-')[0] == era.split('-')[0]
    assert (victim['total_vm_bytes'], victim['anon_rss_bytes'], victim['uid']) == (3867316 * 1024, 440332 * 1024, 999)
    assert victim['oom_score_adj'] == 0
    assert [(row['name'], row['pid'], row['rss_pages'], row['oom_score_adj']) for row in event['tasks']] == [
        ('mysqld', 13036, 110083, 0),
        ('php', 13360, 76663, 0),
        ('sshd', 1163, 256, -1000),
        ('systemd-journal', 338, 93, 0),
    ]
    assert event['tasks'][0]['pgtables_bytes'] in (None, 308 * 4096)
    assert event['cause'].startswith(
        'RAM (991 MiB) ran out and there is no swap; the largest process, mysqld (pid 13036), holds 430 MiB'
    )
    summary = [line for line in ERAS[era] if line.startswith('oom-kill:')]
    assert event['constraint'] == ('CONSTRAINT_NONE' if summary else None)
    assert victim['unit'] == ('mysqld.service' if summary else None)
    assert victim['score'] == (435 if any('score 435' in line for line in ERAS[era]) else None)
    assert victim['reaped'] is (True if any('oom_reaper' in line for line in ERAS[era]) else None)


@pytest.mark.parametrize('version', [1, 2])
def test_memory_cgroup(tmpdir, version):
    (event,) = events(tmpdir, syslog(memcg(version)))
    assert event['scope'] == 'memcg' and event['complete']
    cgroup = event['cgroup']
    assert (cgroup['path'], cgroup['usage_bytes'], cgroup['limit_bytes'], cgroup['failcnt']) == (
        '/system.slice/stress.service',
        307200 * 1024,
        307200 * 1024,
        35982,
    )
    assert cgroup['unit'] == 'stress.service'
    victim = event['victims'][0]
    assert (victim['cgroup'], victim['unit']) == ('/system.slice/stress.service', 'stress.service')
    assert event['memory']['page_size_bytes'] == 4096
    if version == 1:
        assert (cgroup['memory_swap_limit_bytes'], cgroup['kmem_limit_bytes']) == (614400 * 1024, None)
        assert cgroup['stats']['rss'] == 305804 * 1024
        assert event['cause'].startswith(
            'The memory cgroup of stress.service reached its limit of 300 MiB and, with swap, of 600 MiB; '
        )
    else:
        assert (cgroup['swap_limit_bytes'], cgroup['stats']['anon']) == (0, 313270272)
        assert event['cause'] == (
            'The memory cgroup of stress.service reached its limit of 300 MiB and may use no swap; stress (pid 68061) '
            'alone holds 242 MiB (81 %); beside it anonymous memory of no process that is listed (56 MiB).'
        )


def test_5_0_to_5_2_name_no_constraint_for_a_memory_cgroup(tmpdir):
    lines = [line.replace('CONSTRAINT_MEMCG', 'CONSTRAINT_NONE') for line in memcg()]
    (event,) = events(tmpdir, syslog(lines))
    assert (event['scope'], event['constraint']) == ('memcg', 'CONSTRAINT_NONE')


@pytest.mark.parametrize(
    'name',
    [
        'in:imjournal',
        'f2b/f.postfix',
        'kworker/u17:0',
        'puma srv tp 003',
        '(sd-pam)',
        '531',
        'tmux: client',
        'a) total-vm:1kB',
        '',
        'x] 1 2 3',
        '[',
        '[1:CHILD]',
        'Killed process',
        'oom-kill:x,pid=',
        'kernel: [1.0] x',
        '--',
        '\xff',
    ],
)
def test_a_process_names_itself(tmpdir, name):
    text = syslog(memcg(victim=name))
    (event,) = events(tmpdir, text if str is bytes else text.encode('latin-1'))
    victim = event['victims'][0]
    name = name if name != '\xff' else '\\xff'
    assert (victim['pid'], victim['name'], victim['total_vm_bytes']) == (68061, name, 843576 * 1024)
    assert event['tasks'][0]['name'] == name
    assert event['trigger']['name'] == name


def test_a_child_was_sacrificed(tmpdir):
    lines = ERAS['3.10.0-514.el7'][:-1] + [
        'Killed process 13360 (php) total-vm:329448kB, anon-rss:306652kB, file-rss:0kB'
    ]
    (event,) = events(tmpdir, syslog(lines))
    (victim,) = event['victims']
    assert (victim['pid'], victim['name'], victim['score'], victim['sacrificed_for']) == (13360, 'php', None, 13036)


def test_a_rate_limited_burst_is_one_kill_for_each_line(tmpdir):
    lines = ERAS['5.15.0'] + bare_kill(1001) + bare_kill(1002, '(resolved)') + bare_kill(1003)
    found = events(tmpdir, syslog(lines))
    assert [event['victims'][0]['pid'] for event in found] == [13036, 1001, 1002, 1003]
    assert [event['missing'] for event in found] == [[]] + [['header', 'memory', 'tasks']] * 3
    assert found[1]['cause'].startswith('The host ran out of memory, or the NUMA nodes that were allowed; the kernel ')
    assert found[1]['memory']['ram_bytes'] is None and found[1]['tasks'] == [] and found[1]['trigger']['name'] is None


def test_a_group_kill_is_one_event_with_each_victim_once(tmpdir):
    lines = (
        memcg()
        + ['Tasks in /system.slice/stress.service are going to be killed due to memory.oom.group set']
        + [memcg()[-1], memcg(pid=68062, victim='sleep')[-1]]
    )
    (event,) = events(tmpdir, syslog(lines))
    assert [(victim['pid'], victim['duplicates']) for victim in event['victims']] == [(68061, 1), (68062, 0)]
    assert event['cgroup']['group_kill'] is True


def test_an_agent_that_prints_the_kill_again_adds_no_event(tmpdir):
    again = 'Oct 28 11:32:30 centos7 node-problem-detector[6018]: I1028 Message:%s Conditions:[]\n' % memcg()[-1]
    result = read(tmpdir, syslog(memcg()) + again)
    (event,) = result['events']
    assert event['victims'][0]['duplicates'] == 1 and event['trusted'] is None
    assert result['summary']['kills'] == 1


def test_a_forged_report_is_told_apart(tmpdir):
    forged = ''.join('Oct 28 11:32:28 centos7 mallory: %s\n' % line for line in ERAS['5.15.0'])
    result = read(tmpdir, forged)
    (event,) = result['events']
    assert event['trusted'] is False
    assert result['summary']['kills'] == 0 and result['summary']['untrusted'] == 1


def test_forged_lines_do_not_change_a_report_of_the_kernel(tmpdir):
    lines = syslog(ERAS['5.15.0']).splitlines(True)
    place = next(index for index, line in enumerate(lines) if 'Mem-Info' in line)
    lines.insert(place + 1, 'Oct 28 11:32:28 centos7 mallory: 1 pages RAM\n')
    lines.insert(
        len(lines) - 2,
        'Oct 28 11:32:28 centos7 mallory: Out of memory: Killed process 1 (systemd) total-vm:1kB, anon-rss:1kB\n',
    )
    found = events(tmpdir, ''.join(lines))
    (kernel,) = [event for event in found if event['trusted'] is not False]
    assert kernel['memory']['ram_pages'] == 262014
    assert [victim['pid'] for victim in kernel['victims']] == [13036]
    assert [event['victims'][0]['pid'] for event in found if event['trusted'] is False] == [1]


@pytest.mark.parametrize('listed', [True, False])
def test_no_victim(tmpdir, listed):
    lines = [line for line in ERAS['5.15.0'][:-3] if listed or not line.startswith('[  ') or 'pid' in line]
    (event,) = events(tmpdir, syslog(lines + ['Out of memory and no killable processes...']))
    assert (event['kind'], event['victims'], event['missing']) == ('no_victim', [], [])
    assert event['task_count'] == (4 if listed else 0)
    assert event['cause'].endswith('no process could be killed.')


@pytest.mark.parametrize(
    'line',
    [
        'Kernel panic - not syncing: Out of memory and no killable processes...',
        'Kernel panic - not syncing: System is deadlocked on memory',
        'Kernel panic - not syncing: Out of memory: system-wide panic_on_oom is enabled',
        'Kernel panic - not syncing: Out of memory: compulsory panic_on_oom is enabled',
    ],
)
def test_panic(tmpdir, line):
    (event,) = events(tmpdir, syslog(ERAS['5.15.0'][:-3] + [line]))
    assert (event['kind'], event['victims'], event['complete']) == ('panic', [], True)


def test_a_panic_of_another_kind_is_none_of_ours(tmpdir):
    (event,) = events(tmpdir, syslog(ERAS['5.15.0'] + ['Kernel panic - not syncing: Attempted to kill init!']))
    assert event['kind'] == 'kill'


def test_sysrq(tmpdir):
    lines = [line.replace('order=0, oom_score', 'order=-1, oom_score') for line in ERAS['5.15.0']]
    (event,) = events(tmpdir, syslog(['sysrq: Manual OOM execution'] + lines))
    assert event['trigger']['manual'] is True and event['trigger']['order'] == -1
    assert event['cause'].startswith('Somebody asked for it')


def test_an_allocation_that_failed_is_no_kill(tmpdir):
    from oom_reports import MEMORY_4_8

    lines = [
        'swapper/0: page allocation failure: order:4, mode:0x1(A), nodemask=(null),cpuset=/a b,mems_allowed=0-1',
        'CPU: 0 PID: 0 Comm: swapper/0 Not tainted 5.15.0 #1',
        'Call Trace:',
    ] + MEMORY_4_8.split('\n')
    result = read(tmpdir, syslog(lines))
    (event,) = result['events']
    assert (event['kind'], event['trigger']['name'], event['trigger']['order']) == (
        'allocation_failure',
        'swapper/0',
        4,
    )
    assert (event['cpuset'], event['mems_allowed'], event['nodemask']) == ('/a b', '0-1', '(null)')
    assert event['complete'] and result['summary']['kills'] == 0
    assert event['cause'] == 'An allocation of order 4 (64 KiB) by swapper/0 failed, and nothing was killed.'


def test_pages_of_64_kib_are_seen_in_the_buddy_list(tmpdir):
    lines = []
    for line in ERAS['5.15.0']:
        if '*4kB' in line:
            line = line.split(':')[0] + ': 10*64kB (UE) 3*128kB (U) 0*256kB 0*512kB 1*1024kB = 2048kB'
        lines.append(line)
    (event,) = events(tmpdir, syslog(lines))
    assert event['memory']['page_size_bytes'] == 65536
    assert event['memory']['ram_bytes'] == 262014 * 65536
    assert event['tasks'][0]['rss_bytes'] == 110083 * 65536


def test_page_tables_that_5_4_prints_in_bytes_and_calls_kb(tmpdir):
    lines = [line.replace('pgtables:1232kB', 'pgtables:1261568kB') for line in ERAS['5.15.0']]
    (event,) = events(tmpdir, syslog(lines))
    assert event['victims'][0]['pgtables_bytes'] == 1261568


@pytest.mark.parametrize(
    'lost,missing',
    [
        (lambda line: 'invoked' in line, ['header']),
        (lambda line: 'pages RAM' in line, ['memory']),
        (lambda line: line.startswith('[  pid'), ['tasks']),
        (lambda line: 'Killed process' in line, ['victim']),
    ],
    ids=['header', 'memory', 'tasks', 'victim'],
)
def test_a_part_that_is_missing_is_named_and_not_made_up(tmpdir, lost, missing):
    (event,) = events(tmpdir, syslog([line for line in ERAS['5.15.0'] if not lost(line)]))
    assert (event['complete'], event['missing']) == (False, missing)
    if missing == ['victim']:
        assert event['victims'] == []
        assert (event['selected']['pid'], event['selected']['name'], event['selected']['unit']) == (
            13036,
            'mysqld',
            'mysqld.service',
        )


def test_reports_of_two_cpus_that_interleave_are_told_apart_by_their_callers(tmpdir):
    first, second = ERAS['5.15.0'], memcg()
    lines = []
    for index in range(max(len(first), len(second))):
        for caller, report in (('T1001', first), ('T1002', second)):
            if index < len(report):
                lines.append('[  828.%06d][ %5s] %s\n' % (600000 + index, caller, report[index].replace('\n', '#012')))
    found = events(tmpdir, ''.join(lines))
    assert sorted((event['scope'], event['victims'][0]['name'], event['complete']) for event in found) == [
        ('global', 'mysqld', True),
        ('memcg', 'stress', True),
    ]


def test_a_second_memory_block_is_not_this_reports(tmpdir):
    lines = list(ERAS['5.15.0'])
    place = next(index for index, line in enumerate(lines) if line.startswith('Tasks state'))
    start = lines.index('Mem-Info:')
    other = [line.replace('262014', '1').replace('free:12220', 'free:1') for line in lines[start:place]]
    (event,) = events(tmpdir, syslog(lines[:place] + other + lines[place:]))
    memory = event['memory']
    assert (memory['ram_pages'], memory['free_bytes'], len(event['zones'])) == (262014, 12220 * 4096, 2)


def test_reports_that_lost_their_headers_are_told_apart_by_their_first_parts(tmpdir):
    lost = [memcg(pid=pid)[2:] for pid in (68061, 68062)]
    found = events(tmpdir, syslog(lost[0] + lost[1]))
    assert [(event['victims'][0]['pid'], event['missing'], event['task_count']) for event in found] == [
        (68061, ['header'], 1),
        (68062, ['header'], 1),
    ]


def test_a_memory_block_that_lost_its_first_line_is_read(tmpdir):
    (event,) = events(tmpdir, syslog([line for line in ERAS['2.6.31'] if line != 'Mem-Info:']))
    assert event['missing'] == [] and event['memory']['free_bytes'] == 12220 * 4096


def test_words_about_oom_kills_are_no_events(tmpdir):
    text = "I still see the same oom-kill: here\nwhen mkfs invoked oom-killer.\nOut of memory: Killed process N\n"
    assert events(tmpdir, text) == []


BROKEN = (
    ('oom-killer: gfp', 'oom-killer: \ngfp'),
    ('GFP_HIGHUSER', 'GFP_HIGH\nUSER'),
    ('rss pgtables_bytes', 'rss \npgtables_bytes'),
    ('memory values in pages', 'memory values in\npages'),
    ('110083  1261568', '110083\n1261568'),
    (' mysqld', ' \nmysqld'),
    ('mems_allowed=0,global', 'mems_allowed=0,glo\nbal'),
    ('oom-kill:con', '\noom-kill:con'),
    ('(mysqld) total', '(mysqld)\ntotal'),
    ('file-rss:0kB', 'file-\nrss:0kB'),
    ('shmem-rss:0kB', 'shmem-rss:0k\nB'),
    ('shmem-rss:0kB', 'shmem-rss\n:0kB'),
    ('0*1024kB 0*2048kB', '0*1024kB\n0*2048kB'),
)


@pytest.mark.parametrize('whole,broken', BROKEN, ids=[broken.replace('\n', '|') for dummy, broken in BROKEN])
@pytest.mark.parametrize('form', ['[  123.456789] %s', '> [  123.456789] %s'])
def test_a_line_that_a_mail_broke_is_put_together(tmpdir, form, whole, broken):
    lines = [form % line for line in '\n'.join(ERAS['5.15.0']).split('\n')]
    text = '\n'.join(lines)
    assert whole in text
    quote = form.partition('[')[0]
    (first,) = events(tmpdir, text)
    (second,) = events(tmpdir, text.replace(whole, broken.replace('\n', '\n' + quote)))
    assert second == dict(first, source=second['source'])


def test_the_trace_of_another_cpu_in_between_does_not_name_the_trigger(tmpdir):
    lines = list(ERAS['5.15.0'])
    lines[1:1] = [
        '------------[ cut here ]------------',
        'WARNING: CPU: 1 PID: 42 at kernel/softirq.c:150',
        'CPU: 1 PID: 42 Comm: init Not tainted 4.8.0-rc1 #111',
    ]
    (event,) = events(tmpdir, syslog(lines))
    assert (event['trigger']['pid'], event['kernel']) == (11029, '5.15.0')


def test_of_two_traces_under_one_name_the_first_names_the_trigger(tmpdir):
    lines = list(ERAS['5.15.0'])
    place = next(index for index, line in enumerate(lines) if line.startswith('Mem-Info'))
    lines.insert(place, 'CPU: 1 PID: 42 Comm: docker-containe Not tainted 4.8.0-rc1 #111')
    (event,) = events(tmpdir, syslog(lines))
    assert (event['trigger']['pid'], event['kernel']) == (11029, '5.15.0')


def test_two_hosts_in_one_file(tmpdir):
    first = syslog(ERAS['5.15.0'], host='web1').splitlines(True)
    second = syslog(ERAS['6.12.0'], host='db1').splitlines(True)
    mixed = [line for pair in zip(first, second) for line in pair] + first[len(second) :] + second[len(first) :]
    found = events(tmpdir, ''.join(mixed))
    assert sorted((event['host'], event['kernel'], event['complete']) for event in found) == [
        ('db1', '6.12.0', True),
        ('web1', '5.15.0', True),
    ]


def test_a_row_that_another_log_wrote_between_the_rows_is_of_another_table(tmpdir):
    lines = ['[  100.000000] %s\n' % line for line in ERAS['5.15.0']]
    place = [index for index, line in enumerate(lines) if 'total_vm' in line][0]
    lines.insert(place + 2, syslog(['[   77]     0    77    19091       93    94208        0             0 alien']))
    (event,) = events(tmpdir, ''.join(lines))
    assert 'alien' not in [task['name'] for task in event['tasks']] and event['task_count'] == 4


def test_a_table_of_a_vendor_is_read_by_its_header(tmpdir):
    lines = [line.replace('rss pgtables', 'rss (01)nrss  pgtables') for line in ERAS['5.15.0']]
    lines = [line.replace('  1261568', '       77  1261568') for line in lines]
    (event,) = events(tmpdir, syslog(lines))
    assert event['tasks'][0]['rss_pages'] == 110083 and event['tasks'][0]['pgtables_bytes'] == 1261568


def test_a_zone_of_a_kernel_without_numa_has_no_node(tmpdir):
    (event,) = events(tmpdir, syslog([line.replace('Node 0 DMA', 'DMA') for line in ERAS['5.15.0']]))
    assert [(zone['node'], zone['zone']) for zone in event['zones']] == [(None, 'DMA'), (None, 'DMA32')]


@pytest.mark.parametrize(
    ('line_of', 'said', 'told'),
    [
        ('Node 0 DMA', ' all_unreclaimable? yes', True),
        ('Node 0 DMA', ' all_unreclaimable? no', False),
        ('Node 0 active_anon', ' all_unreclaimable? yes Balloon:0kB', True),
        ('Node 0 active_anon', ' all_unreclaimable? no', False),
        ('Node 0', '', None),
    ],
)
def test_whether_a_zone_was_reclaimable_is_said_of_it_or_since_4_8_of_its_node(tmpdir, line_of, said, told):
    lines = [
        line.replace(' all_unreclaimable? yes', said if line.startswith(line_of) else '') for line in ERAS['6.8.0']
    ]
    (event,) = events(tmpdir, syslog(lines))
    assert [zone['all_unreclaimable'] for zone in event['zones']] == [told, told]


def test_numbers_of_400_digits_are_no_numbers(tmpdir):
    huge = '9' * 400
    lines = [
        line.replace('262014 pages', huge + ' pages')
        .replace('110083', huge)
        .replace('gfp_mask=0x', 'gfp_mask=0x' + huge)
        for line in ERAS['5.15.0']
    ]
    (event,) = events(tmpdir, syslog(lines))
    assert event['memory']['ram_pages'] is None and 'memory' in event['missing']
