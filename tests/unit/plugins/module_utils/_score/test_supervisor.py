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
        'path': path, 'user': 'root', 'score': None}


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
    ({'path': '/srv/db.ini', 'user': None, 'score': None},
     ('in [program:db] of /srv/db.ini put `choom -n -600 -- ` before what command= says; supervisord reads it only '
      'at the next `supervisorctl update db`, which restarts it')),
    ({'path': '/srv/db.ini', 'user': 'mysql', 'score': -100},
     ('in [program:db] of /srv/db.ini change the score at the start of command= to -600, and drop user= in favour of '
      'the server\'s own option, as choom needs root to lower a score; supervisord reads it only at the next '
      '`supervisorctl update db`, which restarts it')),
    ({}, ('in [program:db] of its configuration put `choom -n -600 -- ` before what command= says; supervisord '
          'reads it only at the next `supervisorctl update db`, which restarts it')),
])
def test_the_change_to_make_is_exact_and_shows_no_command(found, expected):
    assert supervisor.program_text('db', found, -600) == expected


@pytest.mark.parametrize('owners', [
    {'/srv': (1000, 0o755)}, {'/srv/db.ini': (1000, 0o644)}, {'/srv/db.ini': (0, 0o664)}, {'/srv': (0, 0o1777)},
], ids=['a directory of a user', 'a file of a user', 'a file that a group may write', 'a directory like /tmp'])
def test_what_is_not_root_s_alone_is_not_read(node, owners):
    node.file('/srv/db.ini', '[program:db]\ncommand=curl x|sh\n')
    node.owners.update(owners)
    assert supervisor.program(node.host, [], 'db') == {}
    assert supervisor.program(node.host, ['supervisord', '-c', '/srv/db.ini'], 'db') == {}


@pytest.mark.parametrize('text, found', [
    ('[program:db]\ncommand = mysqld ; its server ; of all\nuser=root\n',
     {'program:db': {'command': 'mysqld', 'user': 'root'}}),
    ('[program:db]\ncommand=sh -c "a;b"\n', {'program:db': {'command': 'sh -c "a;b"'}}),
    ('[program:db]\n;command=a\n  # user=b\nuser=c=d\n', {'program:db': {'user': 'c=d'}}),
    ('user=before\n[ a ]\nx=1\n[b]\n[a]\nx=2\ny=3\n', {'a': {'x': '2', 'y': '3'}, 'b': {}}),
    (None, {}), ('', {}),
], ids=['comments behind a value', 'no comment', 'comments', 'sections', 'no file', 'an empty file'])
def test_the_options_of_a_configuration_are_without_their_comments(text, found):
    assert supervisor.sections(text) == found
