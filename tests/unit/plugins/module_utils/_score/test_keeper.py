# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import subprocess

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._score import keeper as _keeper
from fake_node import Node

MYSQLD = (-600, 999, 'mysqld', '/usr/sbin/mysqld')
NOTHING = {'files': {_keeper.UNIT: None, _keeper.SCRIPT: None, _keeper.RULES: None}, 'enabled': False}
INSTALLED = {'files': {_keeper.UNIT: _keeper.UNIT_TEXT, _keeper.SCRIPT: _keeper.SCRIPT_TEXT,
                       _keeper.RULES: '# process:mysqld\n-600 999 mysqld /usr/sbin/mysqld\n'}, 'enabled': True}


def summary(actions):
    return [(action['action'], action.get('path') or action.get('unit')) for action in actions]


@pytest.mark.parametrize('keeper, key, rules, expected', [
    (NOTHING, 'process:mysqld', [MYSQLD], [
        ('create', _keeper.RULES), ('create', _keeper.SCRIPT), ('create', _keeper.UNIT), ('reload', None),
        ('enable', _keeper.NAME)]),
    (INSTALLED, 'process:mysqld', [MYSQLD, MYSQLD], []),
    (INSTALLED, 'process:php', [(300, 0, 'php', '/usr/bin/php')], [('replace', _keeper.RULES)]),
    (INSTALLED, 'process:mysqld', [], [
        ('disable', _keeper.NAME), ('remove', _keeper.RULES), ('remove', _keeper.SCRIPT), ('remove', _keeper.UNIT),
        ('reload', None)]),
    (dict(INSTALLED, enabled=False), 'process:mysqld', [MYSQLD], [('enable', _keeper.NAME)]),
    (NOTHING, 'process:mysqld', [], []),
    (NOTHING, 'process:mysqld', [None], []),
], ids=['installed with the first rule', 'left as it is', 'a rule of another target', 'gone with the last rule',
        'enabled again', 'not there, not asked for', 'a process that no rule can name'])
def test_the_keeper_is_there_while_there_are_rules(keeper, key, rules, expected):
    assert summary(_keeper.plan(keeper, key, rules)) == expected


def test_rules_read_back_as_they_were_written():
    rules = {'process:mysqld': [MYSQLD], 'unit:a b': [(1000, 0, 'Web Content', '/opt/x')]}
    assert _keeper.parse_rules(_keeper.rules_text(rules)) == rules


@pytest.mark.parametrize('row, expected', [
    ({'name': 'mysqld', 'exe': '/usr/sbin/mysqld', 'uid': 999}, MYSQLD),
    ({'name': 'mysqld', 'exe': None, 'uid': 999}, None),
    ({'name': 'a\nb', 'exe': '/x', 'uid': 0}, None),
    ({'name': 'a', 'exe': '/x y', 'uid': 0}, None),
])
def test_a_rule_is_made_of_what_a_line_can_hold(row, expected):
    assert _keeper.rule(row, -600) == expected


@pytest.fixture(name='node')
def fixture_node(tmp_path):
    node = Node(tmp_path)
    node.file('/keep', _keeper.SCRIPT_TEXT)
    node.file('/rules', '# process:mysqld\n-600 999 mysqld /usr/sbin/mysqld\n\n300 0 Web Content /opt/web\n')
    for pid in (1,):
        node.file('/proc/%d/comm' % pid, 'systemd\n')
    return node


def keep(node):
    argv = ['sh', node.path('/keep'), node.path('/rules'), node.path('/proc'), '0', node.path(_keeper.FOUND)]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    out, err = process.communicate()
    return process.returncode, out, err


def add(node, pid, name, exe, uid, adj=0):
    node.process(pid, name, exe=exe, uid=uid, adj=adj)
    node.file('/proc/%d/comm' % pid, name + '\n')


def test_the_script_gives_each_process_of_a_rule_its_score_and_no_other(node):
    add(node, 100, 'mysqld', '/usr/sbin/mysqld', 999)
    add(node, 101, 'mysqld', '/usr/sbin/mysqld (deleted)', 999)
    add(node, 102, 'mysqld', '/home/eve/mysqld', 999)
    add(node, 103, 'mysqld', '/usr/sbin/mysqld', 1000)
    add(node, 104, 'php', '/usr/sbin/mysqld', 999)
    said = ''.join('mysqld (pid %d): oom_score_adj 0 -> -600\n' % pid for pid in (100, 101))
    assert keep(node) == (0, said, '')
    assert [node.adj(pid) for pid in (100, 101, 102, 103, 104)] == ['-600', '-600', '0', '0', '0']


def test_the_script_says_nothing_where_all_scores_are_there(node):
    add(node, 100, 'mysqld', '/usr/sbin/mysqld', 999, adj=-600)
    os.mkdir(node.path('/proc/105'))
    assert keep(node) == (0, '', '')


def test_the_score_that_a_process_was_found_with_is_noted_once_for_each_start(node):
    add(node, 100, 'mysqld', '/usr/sbin/mysqld', 999, adj=200)
    add(node, 101, 'mysqld', '/usr/sbin/mysqld', 999, adj=-600)
    add(node, 102, 'mysqld', '/usr/sbin/mysqld', 1000)
    keep(node)
    assert _keeper.facts(node.host)['found'] == {(100, 1000): 200}
    node.file('/proc/100/oom_score_adj', '-100\n')
    keep(node)
    assert (node.adj(100), _keeper.facts(node.host)['found']) == ('-600', {(100, 1000): 200})
    node.process(100, 'mysqld', exe='/usr/sbin/mysqld', uid=999, adj=-17, start_ticks=2000)
    keep(node)
    assert _keeper.facts(node.host)['found'] == {(100, 2000): -17}


def test_where_nothing_can_be_noted_the_score_is_given_all_the_same(node):
    add(node, 100, 'mysqld', '/usr/sbin/mysqld', 999)
    node.file(_keeper.FOUND, 'no directory')
    assert keep(node)[:2] == (0, 'mysqld (pid 100): oom_score_adj 0 -> -600\n')
    assert _keeper.facts(node.host)['found'] == {}


def test_a_note_that_is_none_is_not_read(node):
    node.file(_keeper.FOUND + '/100', '1000\n')
    node.file(_keeper.FOUND + '/a', '1000 200\n')
    assert _keeper.facts(node.host)['found'] == {}


def test_a_rule_for_a_name_with_a_blank_is_not_made_and_not_followed(node):
    add(node, 100, 'Web Content', '/opt/web', 0)
    assert keep(node)[0] == 0
    assert node.adj(100) == '0'
