# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs together is one incident, and the verdict is what its strongest line proves."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import io
import json
import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._verdict.diagnose import diagnose_log
from ansible_collections.oom.rescue.plugins.module_utils._verdict.incidents import incidents_of
from conftest import SHARED
from short_of_memory import told

KILL = ('%(time)s %(host)s kernel: Out of memory: Killed process %(pid)d (%(name)s) total-vm:1867316kB, '
        'anon-rss:440332kB, file-rss:0kB, shmem-rss:0kB, UID:999 pgtables:1204kB oom_score_adj:0')


def kill(time='Nov 11 11:32:12', host='web1', pid=1313, name='mariadbd'):
    return KILL % {'time': time, 'host': host, 'pid': pid, 'name': name}


def diagnosed(tmpdir, *lines):
    path = tmpdir.join('messages')
    path.write_binary(b''.join(line.encode('utf-8') + b'\n' for line in lines))
    return diagnose_log(str(path))


def test_a_refused_fork_a_kill_its_unit_and_a_restart_that_fails_are_one_incident(tmpdir):
    entry = diagnosed(
        tmpdir,
        'Nov 11 11:32:10 web1 composer[4100]: proc_open(): fork failed - Cannot allocate memory',
        kill(),
        'Nov 11 11:32:12 web1 systemd[1]: mariadb.service: A process of this unit has been killed by the OOM killer.',
        "Nov 11 11:32:13 web1 systemd[1]: mariadb.service: Failed with result 'oom-kill'.",
        'Nov 11 11:32:18 web1 mariadbd[1402]: [ERROR] InnoDB: Cannot allocate memory for the buffer pool')
    (incident,) = entry['incidents']
    assert (len(incident['reports']), len(incident['signals']), incident['joined_by']) == (1, 4, 'time')
    verdict = entry['verdict']
    assert (verdict['was_memory'], verdict['limit'], verdict['actor']) == ('yes', 'host', 'kernel')
    assert [(victim['name'], victim['pid'], victim['unit']) for victim in verdict['victims']] == [
        ('mariadbd', 1313, 'mariadb.service')]


def test_a_line_without_a_date_joins_the_only_incident_of_its_log(tmpdir):
    entry = diagnosed(tmpdir, 'proc_open(): fork failed - Out of memory', 'prose', kill())
    assert [one['joined_by'] for one in entry['incidents']] == ['same_log']


@pytest.mark.parametrize('lines_between, together', [(0, True), (100, False)])
def test_a_line_without_a_date_joins_the_incident_that_it_stands_beside(tmpdir, lines_between, together):
    fork = 'proc_open(): fork failed - Out of memory'
    entry = diagnosed(tmpdir, *[kill()] + ['prose'] * 100 + [kill(time='Nov 12 11:32:12', pid=99)]
                      + ['prose'] * lines_between + [fork])
    found = [(len(one['reports']), len(one['signals'])) for one in entry['incidents']]
    assert found == ([(1, 0), (1, 1)] if together else [(1, 0), (1, 0), (0, 1)])


@pytest.mark.parametrize('other', [
    {'time': 'Nov 11 19:32:12', 'pid': 99},
    {'host': 'web2', 'pid': 99},
])
def test_another_time_or_host_is_another_incident(tmpdir, other):
    assert len(diagnosed(tmpdir, kill(), kill(**other))['incidents']) == 2


@pytest.mark.parametrize('second, count', [('2026-01-01T00:00:30+00:00', 1), ('2026-01-02T00:00:00+00:00', 2)])
def test_lines_that_tell_their_time_as_a_text_alone_are_told_apart_by_it(second, count):
    signals = [told('kill-unproven', time=time) for time in ('2026-01-01T00:00:00+00:00', second)]
    assert len(incidents_of([], signals)) == count


def test_earlyoom_and_the_kernel_killing_one_pid_are_one_incident(tmpdir):
    entry = diagnosed(
        tmpdir, 'Nov 11 11:30:12 web1 earlyoom[9]: sending SIGTERM to process 1313 uid 999 "mariadbd": badness 8',
        kill())
    assert [one['joined_by'] for one in entry['incidents']] == ['pid']
    assert entry['verdict']['actor'] == 'kernel'


def test_an_incident_that_proves_memory_is_meant_before_a_newer_one_that_proves_nothing(tmpdir):
    entry = diagnosed(
        tmpdir, kill(),
        'Nov 12 11:32:12 web1 systemd[1]: app.service: Main process exited, code=killed, status=9/KILL')
    assert entry['verdict']['was_memory'] == 'yes'
    assert '1 other incident' in entry['verdict']['caveats'][-1]


def test_an_incident_that_proves_that_it_was_not_memory_is_meant_before_a_newer_one_that_proves_nothing(tmpdir):
    entry = diagnosed(
        tmpdir, "Nov 11 11:32:12 web1 systemd[1]: db.service: State 'stop-sigterm' timed out. Killing.",
        'Nov 12 11:32:12 web1 systemd[1]: app.service: Main process exited, code=killed, status=9/KILL')
    assert (entry['verdict']['was_memory'], entry['verdict']['actor']) == ('no', 'manager')


@pytest.mark.parametrize('make,error', [
    (lambda path: path.write_binary(b''), 'empty'),
    (lambda path: path.write_binary(b' \n\n'), 'empty'),
    (lambda path: path.mkdir(), 'directory'),
    (lambda path: path.write_binary(b'\0\1\2\3' * 64 + b'\0' * 4096), 'binary'),
    (lambda path: path.write_binary(b'all is well\n'), 'no_report'),
    (lambda path: None, 'unreadable'),
], ids=['empty', 'blank', 'directory', 'binary', 'no report', 'not there'])
def test_a_log_that_says_nothing_says_why(tmpdir, make, error):
    path = tmpdir.join('log')
    make(path)
    entry = diagnose_log(str(path))
    assert (entry['error'], entry['verdict'], entry['incidents']) == (error, None, [])


def test_what_the_log_leaves_open_comes_with_the_commands_that_would_tell(tmpdir):
    verdict = diagnosed(tmpdir, 'g++: fatal error: Killed signal terminated program cc1plus')['verdict']
    assert verdict['was_memory'] == 'unknown' and verdict['would_tell'] and verdict['evidence']


def test_a_unit_with_shell_words_in_its_name_is_put_into_no_command(tmpdir):
    verdict = diagnosed(
        tmpdir, 'Nov 12 11:32:12 web1 systemd[1]: a;reboot;.service: Failed with result \'signal\'.')['verdict']
    assert 'reboot' not in ''.join(verdict['would_tell'])


TEXTS = os.path.join(SHARED, 'triage', 'texts.json')


def texts():
    if not os.path.exists(TEXTS):
        return []
    with io.open(TEXTS, encoding='utf-8') as stream:
        return json.load(stream)


@pytest.mark.skipif(not os.path.exists(TEXTS), reason='the triage texts are not beside this checkout')
def test_real_texts_are_judged_without_harm(tmpdir):
    words = {'unknown': 'cannot tell'}
    right, harms = 0, []
    for text in texts():
        path = tmpdir.join('text')
        path.write_binary(text['text'].encode('utf-8') + b'\n')
        verdict = diagnose_log(str(path))['verdict'] or {}
        said = words.get(verdict.get('was_memory'), verdict.get('was_memory'))
        known = [text['was_memory']] + text.get('also_right', {}).get('was_memory', [])
        right += said in known
        if said == 'yes' and said not in known:
            harms.append(text['id'])
    assert harms == []
    assert right >= 0.95 * len(texts())


@pytest.mark.parametrize(('lines', 'was_memory'), [
    (['Killed process 42 (x)'], None), (['-- Killed process 42 (x)'], None),
    (['Nov 11 11:32:12 web1 deploy[33]: Killed process 42 (x)'], None),
    (['Nov 11 11:32:12 web1 kernel: Killed process 42 (x)'], 'yes'),
    (['Out of memory: Kill process 42 (x) score 5 or sacrifice child', 'Killed process 42 (x)'], 'yes'),
    (['Killed process 42 (x) vsz:65536kB, anon-rss:1024kB, file-rss:0kB'], 'yes'),
    (['Killed process 42 (x) total-vm:65536kB, anon-rss:1024kB, file-rss:0kB, shmem-rss:0kB'], 'yes'),
], ids=['bare', 'behind a dash', 'a deployment', 'the kernel', 'whom it chose', 'figures of old', 'figures'])
def test_that_a_process_was_killed_is_the_kernels_word_only_where_its_line_tells_of_memory(tmpdir, lines, was_memory):
    verdict = diagnosed(tmpdir, 'web1 starts', *lines)['verdict']
    assert (verdict and verdict['was_memory']) == was_memory


ASKED = 'Nov 11 11:32:12 web1 kernel: java invoked oom-killer: gfp_mask=%s, order=0, oom_score_adj=0'
TRACE = 'Nov 11 11:32:12 web1 kernel:  %s'


@pytest.mark.parametrize(('mask', 'below', 'limit'), [
    ('0xcc0(GFP_KERNEL)', [TRACE % 'mem_cgroup_out_of_memory+0xba/0xd0'], 'cgroup'),
    ('0xcc0(GFP_KERNEL)', [TRACE % '[<ffffffff811d3bb5>] mem_cgroup_oom_synchronize+0x575/0x5a0'], 'cgroup'),
    ('0xcc0(GFP_KERNEL)', [TRACE % '? mem_cgroup_oom_synchronize+0x575/0x5a0', kill()], 'host'),
    ('0xcc0(GFP_KERNEL)', [kill()], 'host'),
    ('0x0()', ['Nov 11 11:32:12 web1 kernel: Mem-Info:', kill()], 'unknown'),
    ('0x0()', [kill()], 'unknown'),
    ('0xd0', ['Nov 11 11:32:12 web1 kernel: Mem-Info:'], 'host'),
    ('0x0()', [TRACE % 'mem_cgroup_out_of_memory+0xba/0xd0'], 'cgroup'),
])
def test_a_report_that_was_cut_is_of_the_host_only_where_its_lines_say_so(tmpdir, mask, below, limit):
    verdict = diagnosed(tmpdir, ASKED % mask, *below)['verdict']
    assert (verdict['was_memory'], verdict['limit'], verdict['actor']) == ('yes', limit, 'kernel')


@pytest.mark.parametrize(('order', 'limit'), [(0, 'host'), (1, 'host'), (2, 'unknown'), (3, 'unknown')])
def test_a_report_without_its_zones_is_not_of_the_host_if_blocks_were_asked_for(tmpdir, order, limit):
    asked = 'squid invoked oom-killer: gfp_mask=0x42d0, order=%d, oom_score_adj=0' % order
    dma = 'DMA free:2332kB min:36kB low:44kB high:52kB present:16384kB'
    verdict = diagnosed(tmpdir, asked, 'Mem-Info:', dma)['verdict']
    assert (verdict['was_memory'], verdict['limit']) == ('yes', limit)


@pytest.mark.parametrize(('others', 'was_memory', 'actor'), [
    ([], 'unknown', 'manager'),
    (['Nov 11 11:32:13 web1 systemd[1]: a.service: A process of this unit has been killed by the OOM killer.'],
     'unknown', 'manager'),
    (['Nov 11 11:32:11 web1 earlyoom[9]: low memory! at or below SIGTERM limits: mem 9 %, swap 9 %'], 'yes', 'unknown'),
    ([kill(time='Nov 11 11:32:20')], 'yes', 'kernel'),
])
def test_a_kill_that_somebody_asked_the_kernel_for_alone_proves_no_shortage(tmpdir, others, was_memory, actor):
    asked = 'Nov 11 11:32:12 web1 kernel: kworker/0:1 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=-1'
    verdict = diagnosed(tmpdir, asked, kill(pid=7, name='java'), *others)['verdict']
    assert (verdict['was_memory'], verdict['actor']) == (was_memory, actor)
    if actor == 'manager':
        assert [victim['name'] for victim in verdict['victims']] == ['java'] and 'sysrq f' in verdict['sentence']


def test_who_was_killed_for_another_limit_in_the_same_minute_is_not_told_as_killed_for_the_one_that_is_meant(tmpdir):
    ended = 'Nov 11 11:32:%02d web1 kernel: %s: Killed process %d (%s) total-vm:9kB, anon-rss:9kB, file-rss:0kB'
    verdict = diagnosed(tmpdir, ended % (12, 'Memory cgroup out of memory', 7, 'php'),
                        ended % (20, 'Out of memory', 8, 'mysqld'))['verdict']
    assert [victim['name'] for victim in verdict['victims']] == ['mysqld', 'php']
    assert verdict['sentence'] == (
        'It was memory: the whole host ran out of memory; the kernel killed mysqld (pid 8).')
    assert 'In the same minutes the kernel killed php (pid 7) for another limit.' in verdict['caveats']


def test_a_container_is_named_whole_and_its_id_short(tmpdir):
    line = 'The node was low on resource: memory. Container a-name-that-is-long was using 1Ki'
    assert 'evicted a-name-that-is-long.' in diagnosed(tmpdir, line)['verdict']['sentence']
    line = 'time="2026-05-19T18:14:43Z" level=info msg="TaskOOM event container_id:\\"%s\\""' % ('ab' * 32)
    assert 'killed abababababab.' in diagnosed(tmpdir, line)['verdict']['sentence']


def test_a_refused_fork_that_tells_no_errno_is_not_said_to_have_one(tmpdir):
    verdict = diagnosed(tmpdir, './a.sh: 3: Cannot fork')['verdict']
    assert (verdict['was_memory'], verdict['limit']) == ('unknown', 'unknown')
    assert 'ENOMEM' not in verdict['sentence'] and 'ulimit -u' in verdict['would_tell']


@pytest.mark.parametrize(('words', 'limit'), [
    ('Out of memory: system-wide panic_on_oom is enabled', 'host'),
    ('Out of memory: compulsory panic_on_oom is enabled', 'unknown'),
    ('out of memory. panic_on_oom is selected', 'host'), ('System is deadlocked on memory', 'host'),
    ('Out of memory and no killable processes...', 'host'),
])
def test_a_panic_for_want_of_memory_is_the_hosts_but_for_the_setting_that_is_of_groups_too(tmpdir, words, limit):
    verdict = diagnosed(tmpdir, 'Nov 11 11:32:12 web1 kernel: Kernel panic - not syncing: ' + words)['verdict']
    assert (verdict['was_memory'], verdict['limit'], verdict['actor']) == ('yes', limit, 'kernel')
