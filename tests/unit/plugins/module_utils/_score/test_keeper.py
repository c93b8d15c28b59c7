# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import itertools
import os
import subprocess

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._score import keeper as _keeper
from fake_node import Node

MYSQLD = (-600, 999, 0, 'host', 'mysqld', '/usr/sbin/mysqld')
DOCKER = (-600, 999, 0, 'docker:db', 'mysqld', '/usr/sbin/mysqld')
PODMAN = (-600, 999, 0, 'podman:db', 'mysqld', '/usr/sbin/mysqld')
SOUND = dict.fromkeys(_keeper.FILES)
NOTHING = {'files': dict.fromkeys(_keeper.FILES), 'flaws': SOUND, 'enabled': False, 'active': False, 'behind': False}
INSTALLED = {'files': {_keeper.UNIT: _keeper.UNIT_TEXT, _keeper.SCRIPT: _keeper.SCRIPT_TEXT,
                       _keeper.RULES: '# process:mysqld\n-600 999 0 host mysqld /usr/sbin/mysqld\n'},
             'flaws': SOUND, 'enabled': True, 'active': True, 'behind': False}


def summary(actions):
    return [(action['action'], action.get('path') or action.get('unit')) for action in actions]


@pytest.mark.parametrize('keeper, key, rules, expected', [
    (NOTHING, 'process:mysqld', [MYSQLD], [
        ('create', _keeper.RULES), ('create', _keeper.SCRIPT), ('create', _keeper.UNIT), ('reload', None),
        ('enable', _keeper.NAME)]),
    (INSTALLED, 'process:mysqld', [MYSQLD, MYSQLD], []),
    (INSTALLED, 'process:php', [(300, 0, 0, 'host', 'php', '/usr/bin/php')], [('replace', _keeper.RULES)]),
    (INSTALLED, 'process:mysqld', [], [
        ('disable', _keeper.NAME), ('remove', _keeper.RULES), ('remove', _keeper.SCRIPT), ('remove', _keeper.UNIT),
        ('reload', None)]),
    (dict(INSTALLED, enabled=False), 'process:mysqld', [MYSQLD], [('enable', _keeper.NAME)]),
    (dict(INSTALLED, active=False), 'process:mysqld', [MYSQLD], [('enable', _keeper.NAME)]),
    (dict(INSTALLED, behind=True), 'process:mysqld', [MYSQLD], [('reload', None)]),
    (dict(NOTHING, behind=True), 'process:mysqld', [], [('reload', None)]),
    (dict(INSTALLED, flaws=dict(SOUND, **{_keeper.SCRIPT: 'mode 0777'})), 'process:mysqld', [MYSQLD], [
        ('protect', _keeper.SCRIPT), ('enable', _keeper.NAME)]),
    (NOTHING, 'process:mysqld', [], []),
    (NOTHING, 'process:mysqld', [None], []),
], ids=['installed with the first rule', 'left as it is', 'a rule of another target', 'gone with the last rule',
        'enabled again', 'started again', 'read again', 'read that it is gone', 'closed to others',
        'not there, not asked for', 'a process that no rule can name'])
def test_the_keeper_is_there_while_there_are_rules(keeper, key, rules, expected):
    assert summary(_keeper.rule_actions(keeper, key, rules)) == expected


@pytest.mark.parametrize('before', [[], [MYSQLD], [MYSQLD, DOCKER], [DOCKER, MYSQLD, PODMAN]],
                         ids=['no file', 'one of them', 'in an order', 'in another'])
def test_after_a_boot_that_gave_the_processes_other_pids_the_rules_are_as_they_were(before):
    def with_rules(rules):
        text = _keeper.rules_text({'process:mysqld': rules})
        return dict(INSTALLED, files=dict(INSTALLED['files'], **{_keeper.RULES: text}))

    asked = [DOCKER, MYSQLD, PODMAN]
    texts = set()
    for order in itertools.permutations(asked):
        actions = _keeper.rule_actions(with_rules(before), 'process:mysqld', list(order))
        texts.add(actions[0]['after'] if actions else with_rules(before)['files'][_keeper.RULES])
    (text,) = texts
    written = _keeper.parse_rules(text)['process:mysqld']
    assert written[:len(before)] == before and sorted(written) == sorted(asked)
    assert _keeper.rule_actions(with_rules(written), 'process:mysqld', asked) == []


def test_what_gives_scores_again_all_may_read_and_root_alone_may_change():
    actions = _keeper.rule_actions(NOTHING, 'process:mysqld', [MYSQLD])
    modes = dict((action['path'], action['mode']) for action in actions if action['action'] == 'create')
    assert modes == {_keeper.RULES: 0o644, _keeper.SCRIPT: 0o755, _keeper.UNIT: 0o644}


def test_rules_read_back_as_they_were_written():
    rules = {'process:mysqld': [MYSQLD], 'unit:a b': [(1000, 0, 33, 'docker:web', 'web', '/opt/x')]}
    assert _keeper.parse_rules(_keeper.rules_text(rules)) == rules


def test_rules_of_a_release_that_did_not_ask_who_a_process_is_are_dropped():
    assert _keeper.parse_rules('# process:mysqld\n-600 999 mysqld /usr/sbin/mysqld\n') == {}


@pytest.mark.parametrize('row, owner, expected', [
    ({}, 0, MYSQLD),
    ({'exe': None}, 0, None),
    ({'name': 'a\nb'}, 0, None),
    ({'name': 'Web Content'}, 0, None),
    ({'name': '../x'}, 0, None),
    ({'exe': '/x y'}, 0, None),
    ({'exe': '/x$(id)'}, 0, None),
    ({}, None, None),
], ids=['plain', 'a hidden executable', 'a line break', 'a blank', 'a path', 'a blank in the path', 'a command',
        'no owner'])
def test_a_rule_is_made_of_what_a_line_can_hold(row, owner, expected):
    row = dict({'name': 'mysqld', 'exe': '/usr/sbin/mysqld', 'uid': 999}, **row)
    target = {'process': row, 'owner': owner, 'manager': {'kind': 'none', 'user': None}}
    assert _keeper.rule(target, -600) == expected


ID = '5e1c' * 16


@pytest.mark.parametrize('manager, expected', [
    ({'kind': 'none'}, 'host'),
    ({'kind': 'supervisord', 'name': 'db', 'unit': 'supervisor.service'}, 'host'),
    ({'kind': 'docker', 'name': 'mysql', 'container_id': ID}, 'docker:mysql'),
    ({'kind': 'docker', 'name': ID[:12], 'container_id': ID}, 'id:' + ID),
    ({'kind': 'docker', 'name': 'a b', 'container_id': ID}, 'id:' + ID),
    ({'kind': 'podman', 'name': 'db', 'container_id': ID, 'unit': 'libpod-%s.scope' % ID}, 'id:' + ID),
    ({'kind': 'podman', 'name': 'db', 'container_id': ID, 'unit': 'db.service'}, 'unit:db.service'),
    ({'kind': 'podman', 'name': 'db', 'container_id': ID, 'unit': 'db.service', 'user': 1000}, 'user:1000'),
])
def test_the_place_is_what_stays_the_same_when_it_starts_again(manager, expected):
    assert _keeper.place_of(manager) == expected


class Proc:
    """A /proc of files that the script runs on, and programs that whoever runs the tests owns."""

    def __init__(self, root):
        self.node = Node(root)
        self.uid = os.getuid()
        self.node.file('/keep', _keeper.SCRIPT_TEXT)
        self.node.link('/proc/self/ns/pid', 'pid:[1]')
        self.mysqld = self.program('/usr/sbin/mysqld')

    def program(self, path, mode=0o755):
        self.node.program(path)
        os.chmod(self.node.path(path), mode)
        return self.node.path(path)

    def add(self, pid, name='mysqld', exe=None, uid=999, adj=0, cgroup='', user_namespace=4026531837, pid_namespace=1):
        self.node.process(pid, name, uid=uid, adj=adj, cgroup=cgroup)
        self.node.link('/proc/%d/exe' % pid, exe or self.mysqld)
        self.node.file('/proc/%d/comm' % pid, name + '\n')
        self.node.user_namespace(pid, user_namespace)
        self.node.link('/proc/%d/ns/pid' % pid, 'pid:[%d]' % pid_namespace)

    def keep(self, *rules):
        """(rc, stdout, stderr) of one round over rules of (score, place); the executable is mysqld."""
        lines = ['# process:mysqld'] + ['%d 999 %d %s mysqld %s' % (score, self.uid, place, self.mysqld)
                                        for score, place in rules or ((-600, 'host'),)]
        self.node.file('/rules', '\n'.join(lines) + '\n')
        argv = ['sh', self.node.path('/keep'), self.node.path('/rules'), self.node.path('/proc'), '0',
                self.node.path(_keeper.FOUND), self.node.path('/docker')]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
        out, err = process.communicate()
        return process.returncode, out, err


@pytest.fixture(name='proc')
def fixture_proc(tmp_path):
    return Proc(tmp_path)


def test_the_script_gives_each_process_of_a_rule_its_score_and_no_other(proc):
    proc.add(100)
    proc.add(101, exe=proc.program('/usr/sbin/mysqld (deleted)'))
    proc.add(102, exe=proc.program('/home/eve/mysqld'))
    proc.add(103, uid=1000)
    proc.add(104, 'php')
    proc.add(105, user_namespace=4026532500)
    proc.add(106, pid_namespace=2)
    said = ''.join('mysqld (pid %d): oom_score_adj 0 -> -600\n' % pid for pid in (100, 101))
    assert proc.keep() == (0, said, '')
    assert [proc.node.adj(pid) for pid in range(100, 107)] == ['-600', '-600'] + ['0'] * 5


@pytest.mark.parametrize('mode, expected', [(0o755, '-600'), (0o750, '-600'), (0o775, '0'), (0o757, '0'), (0o720, '0')])
def test_a_program_that_others_may_write_is_not_kept(proc, mode, expected):
    os.chmod(proc.mysqld, mode)
    proc.add(100)
    proc.keep()
    assert proc.node.adj(100) == expected


def test_what_a_named_user_runs_is_kept_whatever_file_it_is(proc):
    os.chmod(proc.mysqld, 0o777)
    proc.add(100, cgroup='0::/user.slice/user-1000.slice/session-3.scope\n')
    proc.keep((-600, 'user:1000'))
    assert proc.node.adj(100) == '-600'


def test_a_program_of_another_owner_is_not_kept(proc):
    proc.add(100)
    proc.uid += 1
    proc.keep()
    assert proc.node.adj(100) == '0'


OTHER = 'ab' * 32
CONFIG = '{"Name":"/%s","Config":{"Env":["X={\\"Name\\":\\"/mysql\\"}"]}}'


@pytest.mark.parametrize('place, cgroup, expected', [
    ('docker:mysql', '0::/system.slice/docker-%s.scope' % ID, '-600'),
    ('docker:mysql', '9:memory:/docker/%s\n1:name=systemd:/docker/%s' % (ID, ID), '-600'),
    ('docker:mysql', '0::/docker/%s/init' % ID, '-600'),
    ('docker:mysql', '0::/docker/' + OTHER, '0'),
    ('docker:mysql', '0::/user.slice/user-1000.slice/user@1000.service/docker/' + ID, '0'),
    ('docker:mysql', '0::/', '0'),
    ('id:' + ID, '0::/machine.slice/libpod-%s.scope/container' % ID, '-600'),
    ('id:' + ID, '0::/machine.slice/libpod-%s.scope/container' % OTHER, '0'),
    ('id:' + ID, '0::/user.slice/user-1000.slice/libpod-%s.scope' % ID, '0'),
    ('unit:db.service', '0::/system.slice/db.service/libpod-payload-' + OTHER, '-600'),
    ('unit:db.service', '0::/system.slice/web.service/libpod-payload-' + OTHER, '0'),
    ('unit:db.service', '0::/user.slice/user-1000.slice/user@1000.service/app.slice/db.service', '0'),
    ('user:1000', '0::/user.slice/user-1000.slice/session-3.scope', '-600'),
    ('user:1000', '0::/user.slice/user-10001.slice/session-3.scope', '0'),
    ('user:1000', '0::/system.slice/user.slice/user-1000.slice/x.scope', '0'),
    ('nowhere', '0::/', '0'),
])
def test_a_rule_reaches_its_own_place_alone(proc, place, cgroup, expected):
    for name, identity in (('mysql', ID), ('web', OTHER)):
        proc.node.file('/docker/%s/config.v2.json' % identity, CONFIG % name)
    proc.add(100, cgroup=cgroup + '\n', user_namespace=4026532500, pid_namespace=2)
    assert proc.keep((-600, place))[0] == 0
    assert proc.node.adj(100) == expected


@pytest.mark.parametrize('score, now, expected', [
    (-600, -800, '-800'), (-600, -1000, '-1000'), (-600, -500, '-600'), (0, -500, '-500'), (300, -500, '300'),
    (300, 500, '300'),
])
def test_a_score_that_protects_more_stays(proc, score, now, expected):
    proc.add(100, adj=now)
    proc.keep((score, 'host'))
    assert proc.node.adj(100) == expected


def test_the_script_says_nothing_where_all_scores_are_there(proc):
    proc.add(100, adj=-600)
    os.mkdir(proc.node.path('/proc/105'))
    assert proc.keep() == (0, '', '')


def test_the_score_that_a_process_was_found_with_is_noted_once_for_each_start(proc):
    proc.add(100, adj=200)
    proc.add(101, adj=-600)
    proc.add(102, uid=1000)
    proc.keep()
    assert _keeper.read_keeper(proc.node.host)['scores_found'] == {(100, 1000): 200}
    proc.node.file('/proc/100/oom_score_adj', '-100\n')
    proc.keep()
    assert (proc.node.adj(100), _keeper.read_keeper(proc.node.host)['scores_found']) == ('-600', {(100, 1000): 200})
    proc.node.process(100, 'mysqld', uid=999, adj=-17, start_ticks=2000)
    proc.node.link('/proc/100/exe', proc.mysqld)
    proc.keep()
    assert _keeper.read_keeper(proc.node.host)['scores_found'] == {(100, 2000): -17}


def test_where_nothing_can_be_noted_the_score_is_given_all_the_same(proc):
    proc.add(100)
    proc.node.file(_keeper.FOUND, 'no directory')
    assert proc.keep()[:2] == (0, 'mysqld (pid 100): oom_score_adj 0 -> -600\n')
    assert _keeper.read_keeper(proc.node.host)['scores_found'] == {}


def test_a_note_that_is_none_is_not_read(proc):
    proc.node.file(_keeper.FOUND + '/100', '1000\n')
    proc.node.file(_keeper.FOUND + '/a', '1000 200\n')
    assert _keeper.read_keeper(proc.node.host)['scores_found'] == {}


def test_a_rule_of_a_release_that_did_not_ask_who_a_process_is_is_not_followed(proc):
    proc.add(100)
    proc.add(101, '')
    proc.keep()
    proc.node.file('/proc/100/oom_score_adj', '0\n')
    proc.node.file('/rules', '-600 999 mysqld %s\n' % proc.mysqld)
    subprocess.check_call(['sh', proc.node.path('/keep'), proc.node.path('/rules'), proc.node.path('/proc'), '0',
                           proc.node.path(_keeper.FOUND), proc.node.path('/docker')])
    assert (proc.node.adj(100), proc.node.adj(101)) == ('0', '0')
