# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host
from ansible_collections.oom.rescue.plugins.module_utils._node.processes import processes
from ansible_collections.oom.rescue.plugins.module_utils._score import spare
from fake_node import Node, v2

NAMES = ['mysqld']


@pytest.mark.parametrize('text, expected', [
    (None, 'EARLYOOM_ARGS="--avoid \'^(mysqld)$\'"\n'),
    ('# none\n', '# none\nEARLYOOM_ARGS="--avoid \'^(mysqld)$\'"\n'),
    ('EARLYOOM_ARGS="-r 3600"\n', 'EARLYOOM_ARGS="-r 3600 --avoid \'^(mysqld)$\'"\n'),
    ('EARLYOOM_ARGS=""\nX=1\n', 'EARLYOOM_ARGS="--avoid \'^(mysqld)$\'"\nX=1\n'),
    ('EARLYOOM_ARGS="-m 5 --avoid \'(^|/)(init|sshd)$\' -s 5"\n',
     'EARLYOOM_ARGS="-m 5 --avoid \'(^|/)(init|sshd)$|^(mysqld)$\' -s 5"\n'),
    ('EARLYOOM_ARGS="--avoid=^sshd$"\n', 'EARLYOOM_ARGS="--avoid \'^sshd$|^(mysqld)$\'"\n'),
    ('EARLYOOM_ARGS="-m 1"\nEARLYOOM_ARGS="-m 5"\n',
     'EARLYOOM_ARGS="-m 1"\nEARLYOOM_ARGS="-m 5 --avoid \'^(mysqld)$\'"\n'),
], ids=['no file', 'no arguments', 'arguments', 'empty arguments', 'an expression', 'an expression after =',
        'the last assignment counts'])
def test_earlyoom_avoids_it_once(text, expected):
    assert spare.with_earlyoom(text, NAMES) == expected
    assert spare.with_earlyoom(expected, NAMES) == expected


def test_arguments_that_cannot_be_quoted_are_left_with_a_word_on_what_to_do():
    with pytest.raises(spare.RescueError) as error:
        spare.with_earlyoom('EARLYOOM_ARGS=\'-n "x y"\'\n', NAMES)
    assert 'add --avoid \'^(mysqld)$\' to it by hand' in str(error.value)


@pytest.mark.parametrize('text', [
    '# none\n', 'EARLYOOM_ARGS="-r 3600"\n', 'EARLYOOM_ARGS="--avoid \'^sshd$\'"\n'])
def test_what_was_added_for_earlyoom_is_taken_out_of_a_file_that_was_edited_since(text):
    edited = '# mine\n' + spare.with_earlyoom(text, NAMES)
    assert spare.remove_from('earlyoom', edited, NAMES) == '# mine\n' + text


def test_nohang_gets_a_rule_once_and_loses_it_again():
    text = '@BADNESS_ADJ_RE_NAME -200 /// ^sshd$\n'
    after = spare.with_nohang(text, ['mariadbd', 'mysqld'])
    names = '^(mariadbd|mysqld)$'
    assert after == text + '## oom.rescue: spare %s\n@BADNESS_ADJ_RE_NAME -600 /// %s\n' % (names, names)
    assert spare.with_nohang(after, ['mysqld', 'mariadbd']) == after
    assert spare.remove_from('nohang', '# mine\n' + after, ['mysqld', 'mariadbd']) == '# mine\n' + text


def test_a_name_is_no_expression_and_is_as_long_as_the_kernel_keeps_it():
    assert spare.expression(['a.b-c|d', 'a-name-of-more-than-15-bytes']) == '^(a-name-of-more-|a\\.b-c\\|d)$'


def test_the_unit_and_file_of_a_running_killer_are_its_own(tmp_path):
    node = Node(tmp_path)
    node.process(300, 'nohang', exe='/usr/bin/python3', cmdline=['python3', '/usr/sbin/nohang', '--monitor', '--config',
                                                                 '/etc/nohang/nohang-desktop.conf'],
                 cgroup=v2('/hostcritical.slice/nohang-desktop.service'))
    node.file('/etc/nohang/nohang-desktop.conf', 'x\n')
    killers = [{'name': 'nohang', 'active': True}, {'name': 'systemd-oomd', 'active': True}]
    entries = spare.read_killers(node.host, killers, processes(node.host))
    assert entries == [{'name': 'nohang', 'unit': 'nohang-desktop.service', 'path': '/etc/nohang/nohang-desktop.conf',
                        'text': 'x\n', 'refused': None}]
    assert [action['action'] for action in spare.spare_actions(entries, NAMES, {}, {})] == ['replace', 'restart']


@pytest.mark.skipif(os.geteuid() != 0, reason='only root has directories of root\'s')
def test_earlyooms_file_is_made_in_roots_directory_alone(tmp_path):
    host = Host(str(tmp_path))
    (tmp_path / 'etc/default').mkdir(parents=True)
    assert spare._may_edit(host, spare.EARLYOOM_FILE)
    (tmp_path / 'etc/default').chmod(0o777)
    assert not spare._may_edit(host, spare.EARLYOOM_FILE)
