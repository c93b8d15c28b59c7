# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._score import supervisor
from fake_node import Node

MAIN = """\
; the main file
[supervisord]
logfile=/var/log/supervisor.log ; where
[include]
files = conf.d/*.conf /srv/*.ini
"""


@pytest.fixture(name='node')
def fixture_node(tmp_path):
    node = Node(tmp_path)
    node.file('/etc/supervisor/supervisord.conf', MAIN)
    return node


@pytest.mark.parametrize('path, cmdline', [
    ('/etc/supervisor/conf.d/db.conf', ['python3', 'supervisord', '-n', '-c', '/etc/supervisor/supervisord.conf']),
    ('/srv/db.ini', ['python3', 'supervisord']),
    ('/etc/supervisor/supervisord.conf', []),
], ids=['a relative include', 'an absolute include', 'the main file'])
def test_a_program_is_found_in_the_file_that_has_it(node, path, cmdline):
    text = '[program:db]\ncommand=/usr/sbin/mysqld --user=mysql ; runs\n;command=not this\nuser=root\n'
    node.file(path, (MAIN if path.endswith('d.conf') else '') + text)
    assert supervisor.program(node.host, cmdline, 'db') == {
        'path': path, 'command': '/usr/sbin/mysqld --user=mysql', 'user': 'root', 'score': None}


def test_a_program_that_no_file_has_is_empty(node):
    assert supervisor.program(node.host, [], 'db') == {}
    assert supervisor.program(node.host, ['supervisord', '-c', '/nowhere'], 'db') == {}


@pytest.mark.parametrize('command, score', [
    ('choom -n -600 -- mysqld', -600),
    ('/usr/bin/choom --adjust=-600 -- mysqld', -600),
    ('sh -c "echo -500 > /proc/self/oom_score_adj; exec mysqld"', -500),
    ('mysqld', None),
])
def test_a_command_that_carries_a_score_is_known(node, command, score):
    node.file('/srv/db.ini', '[program:db]\ncommand=%s\n' % command)
    assert supervisor.program(node.host, [], 'db')['score'] == score


@pytest.mark.parametrize('found, expected', [
    ({'path': '/srv/db.ini', 'command': 'mysqld --user=mysql', 'user': None},
     ('in [program:db] of /srv/db.ini set command=choom -n -600 -- mysqld --user=mysql; then '
      '`supervisorctl update db`, which restarts it')),
    ({'path': '/srv/db.ini', 'command': 'choom -n -100 -- mysqld', 'user': 'mysql'},
     ('in [program:db] of /srv/db.ini set command=choom -n -600 -- mysqld, and drop user=mysql in favour of the '
     'server\'s own option, as choom needs root to lower a score; then `supervisorctl update db`, which restarts it')),
    ({}, ('in [program:db] of its configuration set command=choom -n -600 -- COMMAND; then `supervisorctl update db`, '
     'which restarts it')),
])
def test_the_change_to_make_is_exact(found, expected):
    assert supervisor.program_text('db', found, -600) == expected
