# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._score.targets import TargetError, find, is_called, names_of
from fake_node import Node


@pytest.mark.parametrize('name, expected', [
    ('mysqld', (('mysqld', 'mariadbd'), ('mysqld_safe', 'mariadbd-safe'))),
    ('mariadbd', (('mysqld', 'mariadbd'), ('mysqld_safe', 'mariadbd-safe'))),
    ('php', (('php',), ())),
])
def test_mysql_and_mariadb_are_one_server(name, expected):
    assert names_of(name) == expected


@pytest.mark.parametrize('row, expected', [
    ({'exe': '/usr/sbin/mysqld'}, True),
    ({'exe': '/opt/mysql/bin/mysqld', 'name': 'connection'}, True),
    ({'exe': '/home/eve/miner', 'name': 'mysqld'}, False),
    ({'exe': None, 'name': 'mysqld'}, True),
    ({'exe': None, 'name': 'mysqld', 'kernel_thread': True}, False),
    ({'exe': '/usr/bin/dash', 'name': 'mysqld'}, True),
    ({'exe': '/usr/bin/python3.11', 'cmdline': ['python3', '/opt/mysqld']}, True),
    ({'exe': '/usr/bin/python3.11', 'cmdline': ['python3', '-c', 'mysqld']}, False),
    ({'exe': '/usr/bin/php8.2', 'cmdline': ['php', '-q', '-d', 'memory_limit=-1', '/opt/mysqld', 'x']}, True),
    ({'exe': '/usr/bin/php8.2', 'cmdline': ['php', '-d', 'mysqld']}, False),
    ({'exe': '/usr/bin/tail', 'cmdline': ['tail', 'mysqld']}, False),
], ids=['its executable', 'an executable under another comm', 'a comm of its own choosing', 'no executable to read',
        'a kernel thread', 'the comm of a script', 'the script of an interpreter', 'an argument further on',
        'a script behind options', 'the argument of an option', 'an argument of another program'])
def test_a_process_is_what_it_runs(row, expected):
    whole = dict({'name': 'x', 'exe': None, 'cmdline': [], 'kernel_thread': False}, **row)
    assert is_called(whole, ('mysqld',)) is expected


def test_a_name_beyond_what_comm_holds_is_found_by_its_beginning():
    row = {'name': 'a-long-daemon-n', 'exe': None, 'cmdline': [], 'kernel_thread': False}
    assert is_called(row, ('a-long-daemon-name',))


def test_a_composer_run_is_found_by_its_script(tmp_path):
    node = Node(tmp_path)
    node.process(600, 'php', exe='/usr/local/bin/php', cmdline=['php', '/usr/bin/composer', 'update'])
    assert [target['process']['pid'] for target in find(node.host, 'process', 'composer')] == [600]


def test_the_safe_script_over_a_pid_file_s_process_is_found_once_and_first(tmp_path):
    node = Node(tmp_path)
    node.process(450, 'mariadbd-safe', exe='/usr/bin/dash', cmdline=['/bin/sh', '/usr/bin/mariadbd-safe'])
    node.process(500, 'mariadbd', ppid=450, exe='/usr/sbin/mariadbd')
    node.process(501, 'mariadbd', ppid=450, exe='/usr/sbin/mariadbd')
    node.file('/run/db.pid', '500\n')
    parts = [(target['process']['pid'], target['part']) for target in find(node.host, 'pid_file', '/run/db.pid')]
    assert parts == [(450, 'respawner'), (500, 'server')]
    parts = [(target['process']['pid'], target['part']) for target in find(node.host, 'process', 'mysqld')]
    assert parts == [(450, 'respawner'), (500, 'server'), (501, 'server')]


@pytest.mark.parametrize('text', ['', 'none\n', '-1\n', '12 13\n'])
def test_a_pid_file_without_a_pid_is_an_error(tmp_path, text):
    node = Node(tmp_path)
    node.file('/run/db.pid', text)
    with pytest.raises(TargetError) as error:
        find(node.host, 'pid_file', '/run/db.pid')
    assert str(error.value).startswith('/run/db.pid holds')


def test_a_pid_file_whose_process_is_gone_finds_nothing(tmp_path):
    node = Node(tmp_path)
    node.file('/run/db.pid', '4242\n')
    assert find(node.host, 'pid_file', '/run/db.pid') == []
