# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why one unit, container or process ended, on a node of files whose systemctl and engines say what each case needs."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import os
import time

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._facts.why import why_facts
from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host
from ansible_collections.oom.rescue.plugins.module_utils._report.reading import read_events
from ansible_collections.oom.rescue.plugins.module_utils._verdict.why import judge_one, lines_on
from oom_reports import memcg, syslog

ID = 'ab12' * 16
ENDED = 'Sat 2026-11-28 12:00:00 UTC'
NOW = 1795867300
MOUNTS = '30 24 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n'
NOT_THERE = (127, '', 'it is not here')


class Node:
    """A host whose programs give the answers of ``said``: {program: (rc, stdout, stderr)}."""

    def __init__(self, root, said, files=None):
        self.asked = []
        self.said = said
        for path, text in dict({'/proc/self/mountinfo': MOUNTS}, **(files or {})).items():
            target = os.path.join(str(root), path.lstrip('/'))
            if not os.path.isdir(os.path.dirname(target)):
                os.makedirs(os.path.dirname(target))
            with open(target, 'w') as stream:
                stream.write(text)
        self.host = Host(root=str(root), run=self.run)

    def run(self, argv):
        self.asked.append(argv)
        return self.said.get(' '.join(argv[:2]), self.said.get(argv[0], NOT_THERE))


def unit(**properties):
    told = dict({'Id': 'db.service', 'LoadState': 'loaded', 'ActiveState': 'failed', 'Result': 'signal',
                 'ExecMainStatus': '9', 'ExecMainPID': '4711', 'InactiveEnterTimestamp': ENDED, 'ControlGroup': ''},
                **properties)
    return {'systemctl': (0, ''.join('%s=%s\n' % pair for pair in sorted(told.items())), '')}


def container(**state):
    told = dict({'id': ID, 'name': '/db', 'oom_killed': False, 'exit_code': 137, 'status': 'exited', 'pid': 0,
                 'finished': '2026-11-28T12:00:00.5Z', 'limit_bytes': 0}, **state)
    return {'docker': (0, json.dumps(told) + '\n', ''), 'systemctl': (0, 'LoadState=not-found\n', '')}


def why(root, said, name='db.service', log='', files=None):
    """(verdict, facts) of ``name`` on a node, with a log of it."""
    incidents, verdict, facts = why_of(root, said, log, name, files)
    return verdict, facts


def why_of(root, said, log='', name='db.service', files=None):
    """(incidents, verdict, facts) of ``name`` on a node, with a log of it."""
    path = root.join('x.log')
    path.write(log)
    node = Node(root.mkdir('node'), said, files)
    facts = why_facts(node.host, name)
    found = read_events([str(path)], now=NOW, signals=True, of_this_host=True)
    for event in found['events']:
        event.setdefault('elsewhere', False)
    return judge_one(found['events'], found['signals'], facts)[:2] + (facts,)


def says(verdict):
    return verdict and (verdict['was_memory'], verdict['limit'], verdict['actor'])


GROUP = {'/sys/fs/cgroup/system.slice/db.service/memory.events': 'low 0\nhigh 0\nmax 9\noom 2\noom_kill 1\n',
         '/sys/fs/cgroup/system.slice/db.service/memory.max': '536870912\n'}
IN_GROUP = {'ControlGroup': '/system.slice/db.service'}
AT = '2026-11-28T12:00:00+00:00 h '
KILL = AT + ('kernel: Out of memory: Killed process %d (mysqld) total-vm:9kB, anon-rss:9kB, file-rss:0kB, '
             'shmem-rss:0kB, UID:27 pgtables:12kB oom_score_adj:0\n')
OOMD = AT + 'systemd-oomd[3]: Killed /system.slice/db.service due to memory pressure for /system.slice being 9%\n'
FORCE = AT + 'dockerd[7]: msg="Container %s failed to exit within 10 seconds of signal 15 - using the force"\n' % ID
FORCE_20 = AT + 'dockerd: msg="Container failed to exit within 2s of signal 15 - using the force" container=%s\n' % ID


@pytest.mark.parametrize('said,log,files,expected', [
    (unit(Result='oom-kill'), '', {}, ('yes', 'unknown', 'unknown')),
    (unit(Result='oom-kill', **IN_GROUP), '', GROUP, ('yes', 'cgroup', 'unknown')),
    (unit(Result='signal'), '', {}, ('unknown', 'unknown', 'unknown')),
    (unit(Result='signal', ExecMainStatus='15'), '', {}, None),
    (unit(Result='exit-code', ExecMainStatus='137'), '', {}, ('unknown', 'unknown', 'unknown')),
    (unit(Result='exit-code', ExecMainStatus='143'), '', {}, ('unknown', 'unknown', 'unknown')),
    (unit(Result='exit-code', ExecMainStatus='1'), '', {}, None),
    (unit(Result='timeout'), '', {}, ('no', 'none', 'manager')),
    (unit(Result='watchdog', ExecMainStatus='6'), '', {}, ('no', 'none', 'manager')),
    (unit(Result='core-dump', ExecMainStatus='11'), '', {}, ('no', 'none', 'program')),
    (unit(Result='success', ActiveState='active'), '', {}, None),
    (unit(Result='success', ActiveState='active', **IN_GROUP), '', GROUP, ('yes', 'cgroup', 'kernel')),
    (unit(), KILL % 4711, {}, ('yes', 'host', 'kernel')),
    (unit(), KILL % 99, {}, ('unknown', 'unknown', 'unknown')),
    (unit(), AT + 'earlyoom[3]: sending SIGTERM to process 4711 uid 0 "db": badness 9, VmRSS 5 MiB\n', {},
     ('yes', 'host', 'earlyoom')),
    (unit(), OOMD, {}, ('yes', 'unknown', 'systemd-oomd')),
    (unit(), AT + "systemd[1]: db.service: State 'stop-sigterm' timed out. Killing.\n", {}, ('no', 'none', 'manager')),
    (unit(Result='timeout'), AT + "systemd[1]: other.service: Failed with result 'oom-kill'.\n", {},
     ('no', 'none', 'manager')),
    (unit(Result='timeout'), KILL % 99, {}, ('no', 'none', 'manager')),
])
def test_a_unit_ended_so(said, log, files, expected, tmpdir):
    assert says(why(tmpdir, said, 'db.service', log, files)[0]) == expected


IN_CGROUP = AT + ('kernel: oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,'
                  'task_memcg=%s,task=mysqld,pid=%d,uid=27\n')


@pytest.mark.parametrize('path, pid, is_it', [
    ('/system.slice/db.service', 99, True),
    ('/system.slice/db.service/libpod-payload-%s/system.slice/mariadb.service' % ID, 99, True),
    ('/system.slice/web.service', 99, False),
    ('/system.slice/web.service/db.service', 99, False),
    ('/user.slice/user-1000.slice/user@1000.service/app.slice/db.service', 99, False),
    ('/lxc.payload.shop/system.slice/db.service', 99, False),
    ('/system.slice/docker-%s.scope/system.slice/db.service' % ID, 99, False),
    ('/', 4711, True),
    ('/', 99, False),
])
def test_a_kill_is_of_the_host_s_unit_and_of_none_of_that_name_elsewhere(path, pid, is_it, tmpdir):
    log = IN_CGROUP % (path, pid) + KILL % pid
    assert says(why(tmpdir, unit(), 'db.service', log)[0]) == (
        ('yes', 'host', 'kernel') if is_it else ('unknown', 'unknown', 'unknown'))


@pytest.mark.parametrize('said,log,expected', [
    (container(), '', ('unknown', 'unknown', 'unknown')),
    (container(oom_killed=True), '', ('yes', 'unknown', 'kernel')),
    (container(oom_killed=True, limit_bytes=1 << 29), '', ('yes', 'cgroup', 'kernel')),
    (container(exit_code=139), '', ('no', 'none', 'program')),
    (container(exit_code=143), '', ('unknown', 'unknown', 'unknown')),
    (container(exit_code=142), '', None),
    (container(exit_code=0), '', None),
    (container(exit_code=137, status='running'), '', None),
    (container(exit_code=139, status='running'), '', None),
    (container(exit_code=1), '', None),
    (container(), FORCE, ('no', 'none', 'manager')),
    (container(), FORCE_20, ('no', 'none', 'manager')),
    (container(), FORCE.replace(ID, 'cd34' * 16), ('unknown', 'unknown', 'unknown')),
    (container(), FORCE.replace(ID, ID[:12]), ('no', 'none', 'manager')),
    (container(), AT + 'containerd[7]: msg="TaskOOM event container_id:\\"%s\\""\n' % ID, ('yes', 'unknown', 'kernel')),
])
@pytest.mark.parametrize('name', ['db', 'container:db'])
def test_a_container_ended_so(said, log, expected, name, tmpdir):
    assert says(why(tmpdir, said, name, log)[0]) == expected


@pytest.mark.parametrize('stamps, near', [
    ({'InactiveEnterTimestamp': ENDED}, True),
    ({'InactiveEnterTimestamp': '', 'ExecMainExitTimestamp': ENDED}, True),
    ({'InactiveEnterTimestamp': ENDED, 'ExecMainExitTimestamp': 'Sat 2026-11-28 10:00:00 UTC'}, True),
    ({'InactiveEnterTimestamp': 'Sat 2026-11-28 10:00:00 UTC', 'ExecMainExitTimestamp': ENDED}, False),
], ids=['inactive', 'its main process ended', 'inactive later', 'inactive before'])
def test_a_unit_ended_when_it_went_inactive_or_else_when_its_main_process_ended(stamps, near, tmpdir):
    verdict = why(tmpdir, unit(Result='signal', **stamps), log=KILL % 99)[0]
    assert any(text.startswith('In the same minute') for text in verdict['caveats']) is near


SAME = ['In the same minute the kernel killed for memory, and no line of that names db.']
MAYBE = ['At a time that may be the same the kernel killed for memory, and no line of that names db.']


@pytest.mark.parametrize('finished, expected', [
    ('2026-11-28T12:00:00.5Z', SAME), ('2026-11-28T13:00:00.5Z', []), ('0001-01-01T00:00:00Z', MAYBE), ('', MAYBE),
    (None, MAYBE)])
def test_a_container_s_end_is_told_with_what_befell_others_at_its_time(finished, expected, tmpdir):
    dummy, verdict, dummy = why_of(tmpdir, container(finished=finished), KILL % 99, 'container:db')
    assert [text for text in verdict['caveats'] if 'the kernel killed' in text] == expected


def test_each_source_that_says_nothing_is_named_and_fails_nothing(tmpdir):
    verdict, facts = why(tmpdir, dict(container(oom_killed=True), systemctl=NOT_THERE), 'container:db')
    assert [(source['name'], bool(source['error'])) for source in facts['sources']] == [
        ('docker', False), ('memory.events', True)]
    assert verdict['caveats'][-1].startswith('Not told by memory.events: ')
    facts = why(tmpdir.mkdir('second'), unit(Result='oom-kill'))[1]
    assert [source['name'] for source in facts['sources']] == ['systemctl', 'memory.events']


@pytest.mark.parametrize('said,name,near', [
    (dict(unit(LoadState='not-found'), **{'systemctl list-units': (0, 'mariadb.service loaded active\n', '')}),
     'maridb.service', 'mariadb.service'),
    ({'systemctl': (0, 'LoadState=not-found\n', ''), 'docker inspect': (1, '', 'Error: No such container: webb\n'),
      'docker ps': (0, 'web\nother\n', '')}, 'container:webb', 'web'),
])
def test_an_unknown_name_is_an_error_that_names_near_ones(said, name, near, tmpdir):
    said = dict(said)
    said.setdefault('systemctl show', said['systemctl'])
    with pytest.raises(RescueError) as caught:
        why(tmpdir, said, name)
    assert 'did you mean %s' % near in str(caught.value)


def test_a_name_that_only_a_log_knows_is_told_from_there(tmpdir):
    said = {'systemctl': (0, 'LoadState=not-found\n', '')}
    log = AT + 'systemd[1]: run-u7.scope: systemd-oomd killed 3 process(es) in this unit.\n'
    assert says(why(tmpdir, said, 'run-u7.scope', log)[0]) == ('yes', 'unknown', 'systemd-oomd')


NO_UNIT = {'systemctl': (0, 'LoadState=not-found\n', '')}
SLICE = '/system.slice/%s.service'
OF_USER = '/user.slice/user-1000.slice/user@1000.service/app.slice/db.service'


def limit_met(pid, path, clock='12:00:00', host='h'):
    """The report of a control group that met its limit."""
    return syslog(memcg(pid=pid, victim='mysqld', path=path), '2026-11-28T%s+00:00' % clock, host)


@pytest.mark.parametrize('said, name, log, pids, clock', [
    (unit(), 'db.service', limit_met(4711, SLICE % 'db') + limit_met(9, SLICE % 'web', '12:00:20'), [4711], '12:00:00'),
    (unit(Result='success'), 'db.service', limit_met(1, SLICE % 'db', '11:00:00') + limit_met(2, SLICE % 'db'), [2],
     '12:00:00'),
    (unit(Result='success'), 'db.service', limit_met(1, SLICE % 'db') + limit_met(2, SLICE % 'db', '12:00:40'), [2, 1],
     '12:00:40'),
    (unit(Id='db@2.service'), 'db@2.service',
     limit_met(4711, SLICE % 'db@2') + limit_met(3, SLICE % 'db@1', '12:00:10'), [4711], '12:00:00'),
    (unit(), 'db.service', limit_met(4711, SLICE % 'db') + limit_met(3, OF_USER, '12:00:10'), [4711], '12:00:00'),
    (NO_UNIT, 'container:' + ID[:12], limit_met(5, '/docker/' + ID) + limit_met(6, '/docker/' + 'cd34' * 16), [5],
     '12:00:00'),
    (NO_UNIT, 'container:' + ID, limit_met(5, '/docker/' + ID), [5], '12:00:00'),
    (NO_UNIT, 'pid:7', limit_met(7, SLICE % 'a', '11:00:00') + limit_met(7, SLICE % 'b'), [7], '12:00:00'),
], ids=['another unit in the minute', 'killed twice', 'killed twice in a minute', 'an instance of a template',
        'a user has one of its name', 'the beginning of an id', 'an id', 'a number used twice'])
def test_of_several_kills_that_of_the_one_asked_for_is_told(said, name, log, pids, clock, tmpdir):
    verdict = why(tmpdir, said, name, log)[0]
    assert [victim['pid'] for victim in verdict['victims']] == pids
    assert verdict['limit'] == 'cgroup' and verdict['evidence'][0]['time'] == '2026-11-28T%s+00:00' % clock


def test_the_other_times_of_the_one_asked_for_are_counted_and_named(tmpdir):
    log = ''.join(limit_met(int(hour), SLICE % 'db', hour + ':00:00') for hour in ('10', '11', '12'))
    caveats = why(tmpdir, unit(Result='success'), log=log)[0]['caveats']
    assert ('The logs tell of db.service at 2 other times: Nov 28 11:00:00: the kernel killed mysqld (pid 11); '
            'Nov 28 10:00:00: the kernel killed mysqld (pid 10).') in caveats


@pytest.mark.parametrize('name', ['db.service', 'pid:4711'])
def test_what_another_host_s_lines_tell_is_not_told_of_this_one(name, tmpdir):
    facts = why_facts(Node(tmpdir.mkdir('node'), unit(Result='success')).host, name)
    tmpdir.join('x.log').write(limit_met(4711, SLICE % 'db', host='web1') + KILL % 9)
    found = read_events([str(tmpdir.join('x.log'))], now=NOW, signals=True, of_this_host=True)
    for row in found['events'] + found['signals']:
        row['elsewhere'] = row['host'] == 'web1'
    if name.startswith('pid'):
        with pytest.raises(RescueError):
            judge_one(found['events'], found['signals'], facts)
    else:
        assert judge_one(found['events'], found['signals'], facts)[1] is None


@pytest.mark.parametrize('name', ['--root=/x', '$(id)', "a'b", 'x; id', '{{.Config.Env}}'])
def test_a_name_is_one_word_of_a_list_behind_the_options(name, tmpdir):
    node = Node(tmpdir, {'systemctl': (0, 'LoadState=not-found\n', '')})
    why_facts(node.host, name)
    asked = [argv for argv in node.asked if name in argv]
    assert asked
    for argv in asked:
        assert argv[-2:] == ['--', name]


def test_no_environment_is_read_of_an_engine(tmpdir):
    node = Node(tmpdir, {})
    why_facts(node.host, 'container:db')
    assert 'Env' not in repr(node.asked) and 'Health' not in repr(node.asked) and 'Cmd' not in repr(node.asked)


def test_a_pid_is_found_in_the_unit_that_it_runs_in(tmpdir):
    files = {'/proc/4711/stat': '4711 (mysqld) S 1 ' + '0 ' * 40 + '\n',
             '/proc/4711/cgroup': '0::/system.slice/db.service\n',
             '/proc/4711/status': 'Name:\tmysqld\n'}
    verdict, facts = why(tmpdir, unit(Result='success', ActiveState='active', **IN_GROUP), 'pid:4711', '',
                         dict(GROUP, **files))
    assert (facts['process'], facts['unit']['Id']) == ({'pid': 4711, 'name': 'mysqld'}, 'db.service')
    assert says(verdict) == ('yes', 'cgroup', 'kernel')


def test_a_pid_that_is_gone_is_looked_for_in_the_logs(tmpdir):
    assert says(why(tmpdir, {}, '4711', KILL % 4711)[0]) == ('yes', 'host', 'kernel')
    with pytest.raises(RescueError):
        why(tmpdir.mkdir('second'), {}, '4712', KILL % 4711)


def test_a_person_is_told_in_few_lines(tmpdir):
    verdict, facts = why(tmpdir, unit(Result='oom-kill', **IN_GROUP), 'db.service', '', GROUP)
    lines = lines_on({'why': facts, 'verdict': verdict})
    assert lines[0].startswith('unit db.service: It was memory')
    assert 'Result=oom-kill' in lines[1]
    assert 'The kernel counts 1 kills in /system.slice/db.service, whose limit is 512 MiB.' in lines
    verdict, facts = why(tmpdir.mkdir('second'), unit(Result='success', ActiveState='active'))
    assert lines_on({'why': facts, 'verdict': verdict}) == [
        'unit db.service: nothing here says that it was killed or was refused memory.',
        'Not told by memory.events: its cgroup is gone with its last process.']


def test_a_line_of_the_journal_is_told_with_its_time_not_with_the_journal_s_number(tmpdir):
    log = json.dumps({'MESSAGE': "db.service: Failed with result 'oom-kill'.", 'SYSLOG_IDENTIFIER': 'systemd',
                      '_COMM': 'systemd', '_UID': '0', '__REALTIME_TIMESTAMP': '1795867200000000'})
    verdict, facts = why(tmpdir, unit(Result='oom-kill'), log=log + '\n')
    lines = lines_on({'why': facts, 'verdict': verdict})
    assert any(line.startswith('  Nov 28 12:00:00 ') for line in lines) and not any('1795867' in line for line in lines)


def test_the_counters_are_found_where_a_container_sees_a_part_of_the_hierarchy(tmpdir):
    files = {'/proc/self/mountinfo': '31 24 0:28 /box /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n',
             '/proc/4711/stat': '4711 (mysqld) S 1 ' + '0 ' * 40 + '\n', '/proc/4711/status': 'Name:\tmysqld\n',
             '/proc/4711/cgroup': '9:memory:/box/system.slice/db.service\n1:name=systemd:/system.slice/db.service\n',
             '/sys/fs/cgroup/memory/system.slice/db.service/memory.oom_control': 'under_oom 0\noom_kill 2\n',
             '/sys/fs/cgroup/memory/system.slice/db.service/memory.failcnt': '7\n',
             '/sys/fs/cgroup/memory/system.slice/db.service/memory.limit_in_bytes': '536870912\n'}
    verdict, facts = why(tmpdir, unit(Result='success', ActiveState='active'), 'db.service', '', files)
    assert (facts['cgroup']['oom'], facts['cgroup']['oom_kills']) == (7, 2)
    assert says(verdict) == ('yes', 'cgroup', 'kernel')


@pytest.mark.parametrize('path', ['/../../etc', '/', '/gone.slice/db.service'])
def test_a_cgroup_outside_of_the_mount_is_not_looked_at(path, tmpdir):
    files = {'/etc/memory.events': 'oom 9\noom_kill 9\n'}
    facts = why(tmpdir, unit(Result='success', ActiveState='active', ControlGroup=path), 'db.service', '', files)[1]
    assert facts['cgroup'] is None


@pytest.mark.parametrize('wrote, expected', [
    ({'_TRANSPORT': 'kernel'}, ('yes', 'host', 'kernel')),
    ({'_TRANSPORT': 'syslog', '_UID': '1000', '_COMM': 'logger'}, ('unknown', 'unknown', 'unknown')),
], ids=['the kernel', 'a user'])
def test_a_kill_of_the_journal_counts_if_the_kernel_wrote_it(tmpdir, wrote, expected):
    message = (KILL % 4711).partition('kernel: ')[2].strip()
    record = dict(wrote, MESSAGE=message, SYSLOG_IDENTIFIER='kernel', __REALTIME_TIMESTAMP='1795867200000000')
    assert says(why(tmpdir, unit(), log=json.dumps(record) + '\n')[0]) == expected


def test_a_unit_s_end_is_read_in_the_zone_of_its_host(tmpdir, monkeypatch):
    monkeypatch.setenv('TZ', 'Asia/Kolkata')
    time.tzset()
    try:
        near = unit(Result='signal', InactiveEnterTimestamp='Sat 2026-11-28 17:30:01 IST')
        assert says(why(tmpdir, near, 'db.service', OOMD)[0]) == ('yes', 'unknown', 'systemd-oomd')
        found = why_of(tmpdir.mkdir('second'), near, KILL % 99)
        assert len(found[0]) == 2 and found[1]['caveats'][0].startswith('In the same minute the kernel killed')
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize('log', [KILL % 99, AT + 'earlyoom[3]: sending SIGTERM to process 99 uid 0 "x": badness 9, '
                                 'VmRSS 5 MiB\n'], ids=['a report', 'a signal'])
def test_what_befell_others_in_the_same_minute_stays_an_incident_of_its_own(log, tmpdir):
    incidents, verdict, dummy = why_of(tmpdir, unit(Result='timeout'), log)
    assert says(verdict) == ('no', 'none', 'manager')
    assert [bool(incident['signals'] or incident['reports']) for incident in incidents] == [True, True]


def test_what_would_tell_is_the_last_line(tmpdir):
    verdict, facts = why(tmpdir, unit(Result='signal'))
    assert lines_on({'why': facts, 'verdict': verdict})[-1] == 'This would tell: %s' % '; '.join(verdict['would_tell'])
    verdict, facts = why(tmpdir.mkdir('second'), unit(Result='oom-kill'))
    assert verdict['would_tell'] or 'This would tell' not in lines_on({'why': facts, 'verdict': verdict})[-1]
