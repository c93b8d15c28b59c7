# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores that were set under one name or several, undone under any of them: nothing is left, all is as it was."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import random

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._change.record import DIRECTORY, VERSION
from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError
from ansible_collections.oom.rescue.plugins.module_utils._score.apply import TARGETS, converge
from ansible_collections.oom.rescue.plugins.module_utils._systemd import systemd
from fake_node import Node, v2

OPTIONS = {'state': 'present', 'value': -600, 'auto_multiple': 2.0, 'allow_unkillable': False, 'persist': 'auto',
           'keep': False, 'restart_policy': 'keep', 'killers': 'report', 'override': [], 'user': [], 'recorded': False,
           'allow_missing': True}
RECORD = DIRECTORY + '/oom_score_adj.json'
NAMES = (('process', 'mysqld'), ('process', 'mariadbd'), ('unit', 'mariadb.service'), ('unit', 'mysql.service'),
         ('pid_file', '/run/mariadb.pid'))


@pytest.fixture(name='node')
def fixture_node(tmp_path):
    """A host with MariaDB under systemd, whose administrator gave it 60, and with another server."""
    return made_node(tmp_path)


def made_node(root):
    node = Node(root).systemd()
    node.file('/proc/stat', 'btime 1000\n')
    node.unit('mariadb.service', '[Service]\nMainPID=500\nOOMScoreAdjust=60\n', aliases=['mysql.service'])
    node.unit('postgresql.service', '[Service]\nMainPID=600\n')
    node.process(500, 'mariadbd', exe='/usr/sbin/mariadbd', uid=106, adj=60, rss_kb=440332,
                 cgroup=v2('/system.slice/mariadb.service'))
    node.process(600, 'postgres', exe='/usr/bin/postgres', rss_kb=44033, cgroup=v2('/system.slice/postgresql.service'))
    node.file('/run/mariadb.pid', '500\n')
    return node


def run(node, kind, name, **options):
    targets = dict((target, None) for target in TARGETS)
    targets[kind] = [name] if LISTS else name
    return converge(node.host, dict(OPTIONS, **dict(options, **targets)))


# Whether the module takes several targets of a kind.
LISTS = 'allow_missing' in open(converge.__code__.co_filename.replace('.pyc', '.py')).read()


def everything(node):
    return node.files(), node.adj(500), node.adj(600)


@pytest.mark.parametrize('first, second, undone', [
    (NAMES[0], NAMES[2], NAMES[0]), (NAMES[0], NAMES[2], NAMES[2]), (NAMES[2], NAMES[0], NAMES[2]),
    (NAMES[4], NAMES[0], NAMES[0]), (NAMES[0], NAMES[4], NAMES[1]), (NAMES[3], NAMES[4], NAMES[1]),
])
def test_what_was_rescued_twice_is_undone_whole_under_either_name(node, first, second, undone):
    before = everything(node)
    run(node, *first, value=-300, override=['stronger-score'])
    run(node, *second, value=-450, override=['stronger-score'])
    assert node.adj(500) == '-450'
    run(node, *undone, state='absent')
    assert everything(node) == before
    assert not node.host.exists(DIRECTORY)


def test_check_mode_tells_each_step_of_an_undo_of_two_rescues_once(node):
    run(node, *NAMES[0], value=-300, override=['stronger-score'])
    run(node, *NAMES[2], value=-450, override=['stronger-score'])
    before = everything(node)
    result = converge(node.host, dict(dict(OPTIONS, **dict.fromkeys(TARGETS)), process=['mysqld'], state='absent'),
                      check_mode=True)
    steps = [(action['layer'], action['action'], action['detail']) for action in result['actions']]
    assert steps == [
        ('persistence', 'remove', 'as it was before'), ('persistence', 'reload', 'systemctl daemon-reload'),
        ('live', 'write', 'oom_score_adj of mariadbd (pid 500) from -450 to 60')]
    assert everything(node) == before


@pytest.mark.parametrize('undone', [NAMES[0], NAMES[2]])
def test_a_score_that_was_given_and_taken_back_under_another_name_is_undone_under_either(node, undone):
    before = everything(node)
    run(node, *NAMES[0], value=-300, override=['stronger-score'])
    run(node, *NAMES[2], value=60, override=['stronger-score'])
    run(node, *undone, state='absent')
    assert everything(node) == before


def test_a_unit_with_a_colon_in_its_name_is_undone_by_the_records(node):
    node.unit('db@a:1.service', '[Service]\nMainPID=700\n')
    node.process(700, 'mysqld', exe='/usr/sbin/mysqld', cgroup=v2('/system.slice/db@a:1.service'))
    before = everything(node), node.adj(700)
    run(node, 'unit', 'db@a:1.service')
    assert node.adj(700) == '-600'
    run(node, 'process', 'nothing-of-this-name', state='absent', recorded=True)
    assert (everything(node), node.adj(700)) == before


def test_a_failure_at_the_second_of_two_says_that_the_first_was_changed(node, monkeypatch):
    targets = dict(dict.fromkeys(TARGETS), process=['mysqld', 'postgres'])
    write = node.host.replace

    def fail(path, *arguments, **options):
        if 'postgresql' in path:
            raise RescueError('no room')
        return write(path, *arguments, **options)

    monkeypatch.setattr(node.host, 'replace', fail)
    with pytest.raises(RescueError) as caught:
        converge(node.host, dict(OPTIONS, override=['stronger-score'], **targets))
    assert caught.value.changed and (node.adj(500), node.adj(600)) == ('-600', '0')


def test_an_undo_by_the_records_finds_what_was_named_otherwise(node):
    before = everything(node)
    run(node, 'unit', 'mariadb.service', override=['stronger-score'])
    run(node, 'process', 'postgres')
    result = run(node, 'process', 'nothing-of-this-name', state='absent', recorded=True)
    assert result['changed'] and everything(node) == before


def test_an_undo_of_one_server_leaves_another_alone(node):
    run(node, 'process', 'mysqld', override=['stronger-score'])
    run(node, 'process', 'postgres')
    run(node, 'process', 'mysqld', state='absent')
    assert (node.adj(500), node.adj(600)) == ('60', '-600')
    assert node.host.exists('/etc/systemd/system/postgresql.service.d/' + systemd.DROP_IN)


def test_a_pid_file_that_is_gone_is_undone_all_the_same(node):
    before = everything(node)
    run(node, 'pid_file', '/run/mariadb.pid', override=['stronger-score'])
    node.host.remove('/run/mariadb.pid')
    run(node, 'pid_file', '/run/mariadb.pid', state='absent')
    node.file('/run/mariadb.pid', '500\n')
    assert everything(node) == before


def test_without_a_record_what_is_ours_is_taken_away_wherever_it_is(node):
    before = everything(node)
    run(node, 'process', 'postgres')
    node.host.remove(RECORD)
    node.host.remove_empty_directory(DIRECTORY)
    run(node, 'process', 'mysqld', state='absent', recorded=True)
    assert everything(node)[0] == before[0]


@pytest.mark.parametrize('text', [
    '', '[', '[]', '{"version": 99, "records": {}}', '{"process:mysqld": 3}', '{"process:mysqld": {"live": []}}',
    '{"version": 2, "records": []}', '{"version": "x"}',
])
def test_a_damaged_record_is_one_line_in_an_undo_and_no_obstacle_to_a_rescue(node, text):
    run(node, 'process', 'postgres')
    node.file(RECORD, text)
    with pytest.raises(RescueError) as error:
        run(node, 'process', 'postgres', state='absent')
    assert RECORD in str(error.value) and '\n' not in str(error.value)
    result = run(node, 'process', 'mysqld', override=['stronger-score'])
    assert node.adj(500) == '-600' and RECORD in result['warnings'][0]
    assert node.host.read(RECORD + '.damaged') == text
    assert json.loads(node.host.read(RECORD))['version'] == VERSION


def test_a_record_without_a_version_is_undone(node):
    before = everything(node)
    run(node, 'process', 'mysqld', override=['stronger-score'])
    node.file(RECORD, json.dumps(json.loads(node.host.read(RECORD))['records']))
    run(node, 'process', 'mysqld', state='absent')
    assert everything(node) == before


@pytest.mark.slow
@pytest.mark.parametrize('seed', range(20))
def test_any_sequence_of_rescues_and_upgrades_is_undone_byte_for_byte(tmp_path, seed):
    draw = random.Random(seed)
    node = made_node(tmp_path)
    before = everything(node)
    for _step in range(draw.randint(1, 6)):
        kind, name = draw.choice(NAMES + (('process', 'postgres'), ('unit', 'postgresql.service')))
        what = draw.choice(['rescue', 'rescue', 'rescue', 'upgrade', 'undo'])
        if what == 'upgrade' and node.host.exists(RECORD):
            found = json.loads(node.host.read(RECORD))
            node.file(RECORD, json.dumps(found.get('records', found)))
        elif what == 'undo':
            run(node, kind, name, state='absent')
        else:
            run(node, kind, name, value=draw.choice([-600, -450, -300, 100, 500]), override=['stronger-score'],
                persist=draw.choice(['auto', 'none']), restart_policy=draw.choice(['keep', 'ensure']))
    run(node, *draw.choice(NAMES), state='absent', recorded=True)
    assert everything(node) == before
    assert not node.host.exists(DIRECTORY)
