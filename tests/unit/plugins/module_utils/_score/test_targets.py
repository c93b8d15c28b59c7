# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError
from ansible_collections.oom.rescue.plugins.module_utils._node.identity import is_called
from ansible_collections.oom.rescue.plugins.module_utils._score.targets import Units, find, names_of, program_name
from fake_node import CONTAINER, Node, seed_node, v1, v2


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


@pytest.mark.parametrize('exe, cmdline, expected', [
    ('/usr/sbin/mysqld', ['mysqld', '--user=mysql'], 'mysqld'),
    ('/usr/bin/dash', ['/bin/sh', '/usr/bin/mysqld_safe'], 'mysqld_safe'),
    ('/usr/bin/python3.11', ['python3', '-c', 'x'], 'python3.11'),
    ('/usr/bin/python3.11', ['python3'], 'python3.11'),
    (None, [], None),
])
def test_a_program_is_called_by_its_file_or_by_the_script_that_an_interpreter_runs(exe, cmdline, expected):
    assert program_name({'exe': exe, 'cmdline': cmdline}) == expected


def test_a_name_beyond_what_comm_holds_is_found_by_its_beginning():
    row = {'name': 'a-long-daemon-n', 'exe': None, 'cmdline': [], 'kernel_thread': False}
    assert is_called(row, ('a-long-daemon-name',))


def test_a_process_that_ends_while_it_is_looked_at_hides_none_of_the_others(tmp_path):
    node = Node(tmp_path)
    for pid in (500, 600):
        node.process(pid, 'mysqld', exe='/usr/sbin/mysqld')
    os.unlink(node.path('/proc/500/oom_score_adj'))
    assert [target['process']['pid'] for target in find(node.host, 'process', 'mysqld')] == [600]


@pytest.mark.parametrize('make', [
    lambda node: node.link('/run/db.pid', '/tmp/of-another'), lambda node: node.file('/run/db.pid', ' ' * 65 + '500\n'),
], ids=['a link', 'a long file'])
def test_what_is_no_plain_short_file_is_no_pid_file(tmp_path, make):
    node = Node(tmp_path)
    node.process(500, 'mysqld', exe='/usr/sbin/mysqld')
    node.file('/tmp/of-another', '500\n')
    make(node)
    with pytest.raises(RescueError, match='/run/db.pid is no pid file'):
        find(node.host, 'pid_file', '/run/db.pid')


@pytest.mark.parametrize('command, starts', [
    ('/usr/sbin/mysqld --user=mysql', True), ('/bin/sh /usr/bin/mysqld', True),
    ('/usr/bin/tail /usr/sbin/mysqld', False), ('/bin/sh -c mysqld', False),
])
def test_a_unit_starts_what_it_names_first_or_what_its_shell_runs(tmp_path, command, starts):
    node = Node(tmp_path).systemd()
    node.unit('x.service', '[Service]\nExecStart=%s\n' % command)
    assert Units(node.host).starts('x.service', ('mysqld',)) is starts


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
    with pytest.raises(RescueError) as error:
        find(node.host, 'pid_file', '/run/db.pid')
    assert str(error.value) == '/run/db.pid holds no pid: give the pid file of a running server'


def test_a_pid_file_whose_process_is_gone_finds_nothing(tmp_path):
    node = Node(tmp_path)
    node.file('/run/db.pid', '4242\n')
    assert find(node.host, 'pid_file', '/run/db.pid') == []


def pid_file(tmp_path, text='500\n', owner=(0, 0o644), written=None, **row):
    """A node with a server, process 500, that started 5 seconds after 1,000,000, and a pid file."""
    node = Node(tmp_path)
    node.file('/proc/stat', 'cpu 1\nbtime 1000000\n')
    row = dict({'name': 'mysqld', 'exe': '/usr/sbin/mysqld', 'uid': 106, 'start_ticks': 500}, **row)
    node.process(500, **row)
    node.file('/run/db.pid', text)
    node.owners['/run/db.pid'] = owner
    os.utime(node.path('/run/db.pid'), (written or 1000006, written or 1000006))
    return node


@pytest.mark.parametrize('case', [
    {}, {'owner': (106, 0o644)}, {'text': ' 500'}, {'written': 1000005}, {'written': 1000003},
], ids=['root\'s file', 'the server\'s file', 'no line break', 'written at once', 'a clock that was set by a second'])
def test_a_pid_file_names_a_server(tmp_path, case):
    found = find(pid_file(tmp_path, **case).host, 'pid_file', '/run/db.pid')
    assert [(target['process']['pid'], target['refused']) for target in found] == [(500, None)]


@pytest.mark.parametrize('case, expected', [
    ({'text': '1\n'}, 'the pid of init'),
    ({'text': '01\n'}, 'the pid of init'),
    ({'text': 'root:$6$secret:19000:0:99999:7:::\n'}, 'holds no pid'),
    ({'text': '500 ' * 99}, 'is no pid file'),
    ({'owner': (1000, 0o644)}, 'belongs to uid 1000'),
    ({'owner': (106, 0o644), 'uid': 33}, 'belongs to uid 106'),
    ({'written': 999000}, 'before process 500 started'),
    ({'flags': 0x200000}, 'belongs to uid 0'),
], ids=['init', 'init by another number', 'another file', 'a large file', 'a file of a stranger',
        'a process of another user', 'a process that is newer', 'a kernel thread'])
def test_a_pid_file_that_names_another_process_is_refused_and_not_shown(tmp_path, case, expected):
    with pytest.raises(RescueError) as error:
        find(pid_file(tmp_path, **case).host, 'pid_file', '/run/db.pid')
    assert expected in str(error.value)
    assert 'secret' not in str(error.value)


@pytest.mark.parametrize('make', [lambda path: os.symlink('/etc/shadow', path), os.mkfifo, os.mkdir],
                         ids=['link', 'pipe', 'directory'])
def test_a_pid_file_is_a_regular_file(tmp_path, make):
    node = Node(tmp_path)
    node.file('/run/x', '')
    make(node.path('/run/db.pid'))
    with pytest.raises(RescueError) as error:
        find(node.host, 'pid_file', '/run/db.pid')
    assert 'is no pid file' in str(error.value)


def test_a_pid_that_a_worker_has_now_is_no_server_s(tmp_path):
    node = pid_file(tmp_path, name='php-fpm8.2', exe='/usr/sbin/php-fpm8.2', uid=33)
    assert find(node.host, 'pid_file', '/run/db.pid')[0]['refused'] == (
        'uid 33 is neither root nor the account of such a server')


SESSION = v2('/user.slice/user-1000.slice/session-3.scope')
USER_UNIT = v2('/user.slice/user-1000.slice/user@1000.service/app.slice/db.service')
SERVICE = v2('/system.slice/mariadb.service')


@pytest.mark.parametrize('case, expected', [
    ({'uid': 106}, None),
    ({'uid': 0}, None),
    ({'uid': 106, 'exe': '/usr/sbin/mysqld (deleted)'}, None),
    ({'uid': 106, 'cgroup': SESSION}, None),
    ({'uid': 65534}, 'uid 65534 is neither'),
    ({'uid': 65534, 'exe': '/tmp/x/mysqld'}, 'uid 65534 is neither'),
    ({'uid': 65534, 'cgroup': SERVICE}, 'uid 65534 is neither'),
    ({'uid': 65534, 'exe': None}, 'uid 65534 is neither'),
    ({'uid': 1000, 'exe': '/usr/bin/dash', 'cmdline': ['sh', '/usr/sbin/mysqld']}, 'uid 1000 is neither'),
    ({'uid': 106, 'exe': '/tmp/x/mysqld'}, 'what it runs'),
    ({'uid': 0, 'exe': '/home/eve/mysqld'}, 'what it runs'),
    ({'uid': 106, 'exe': '/usr/bin/dash', 'cmdline': ['mysqld']}, 'what it runs'),
    ({'uid': 0, 'exe': None}, 'its executable cannot be seen'),
    ({'uid': 106, 'cgroup': USER_UNIT}, 'it is run by the user with uid 1000'),
    ({'uid': 0, 'namespace': 4026532500}, 'it is in a user namespace'),
    ({'uid': 106, 'namespace': 4026532500}, 'it is in a user namespace'),
    ({'uid': 999, 'cgroup': v1('/docker/' + CONTAINER)}, 'uid 999 is neither'),
    ({'uid': 1000, 'cgroup': v2('/user.slice/user-1000.slice/user@1000.service/docker/' + CONTAINER)}, 'it is run by'),
], ids=['the account of its package', 'root', 'upgraded since', 'started from a session', 'a user',
        'a copy of a user\'s', 'a user in the unit', 'a user\'s that hides', 'a script of a user',
        'a copy run by the account',
        'root running what a user can change', 'a shell that calls itself so', 'root\'s that cannot be seen',
        'a user\'s unit', 'root of a namespace', 'the account of a namespace', 'a cgroup like a container\'s',
        'a user\'s own cgroup like a container\'s'])
def test_a_server_is_root_s_its_account_s_or_its_unit_s(tmp_path, case, expected):
    node = Node(tmp_path)
    namespace = case.pop('namespace', None) if case.get('namespace') else None
    node.owners.update({'/home/eve': (1000, 0o755), '/tmp': (0, 0o1777), '/tmp/x': (65534, 0o755)})
    node.file('/usr/sbin/mysqld', '')
    node.process(500, 'mysqld', **dict({'exe': '/usr/sbin/mysqld'}, **case))
    if namespace:
        node.user_namespace(500, namespace)
    refused = find(node.host, 'process', 'mysqld')[0]['refused']
    assert refused == expected if expected is None else refused.startswith(expected)


@pytest.mark.parametrize('users, case, expected', [
    (['eve'], {'uid': 1000, 'exe': '/home/eve/mysqld'}, None),
    (['1000'], {'uid': 1000, 'exe': '/home/eve/mysqld', 'cgroup': USER_UNIT}, None),
    (['eve', '65534'], {'uid': 65534, 'exe': '/tmp/x/mysqld'}, None),
    (['eve'], {'uid': 65534, 'exe': '/tmp/x/mysqld'}, 'uid 65534'),
    (['eve'], {'uid': 100998, 'namespace': 4026532500, 'cgroup': SESSION}, None),
    (['eve'], {'uid': 100998, 'namespace': 4026532500}, None),
    (['mysql'], {'uid': 100998, 'namespace': 4026532500, 'cgroup': SESSION}, 'it is in a user namespace'),
], ids=['by name', 'by uid, in a unit', 'several', 'another user', 'without root, by its session',
        'without root, by the root of its namespace', 'without root, of another user'])
def test_what_a_user_runs_counts_if_the_user_is_named(tmp_path, users, case, expected):
    node = Node(tmp_path)
    namespace = case.get('namespace')
    row = dict((key, case[key]) for key in case if key != 'namespace')
    node.process(500, 'mysqld', **dict({'exe': '/usr/sbin/mysqld'}, **row))
    if namespace:
        node.user_namespace(500, namespace)
        node.file('/proc/500/uid_map', '0 1000 1\n1 100000 65536\n')
    refused = find(node.host, 'process', 'mysqld', users)[0]['refused']
    assert refused == expected if expected is None else refused.startswith(expected)


def test_a_user_that_is_not_there_is_an_error_with_the_next_step(tmp_path):
    with pytest.raises(RescueError) as error:
        find(Node(tmp_path).host, 'process', 'mysqld', ['nobody'])
    assert str(error.value) == 'user nobody is not in /etc/passwd: name one that is there, or give the uid'


@pytest.mark.parametrize('case, passwd, expected', [
    ({'pid': 13036}, '', None),
    ({'uid': 0, 'ppid': 13036}, '', None),
    ({'uid': 27, 'ppid': 13036}, 'mysql:x:27:27::/:/bin/false\n', None),
    ({'uid': 33, 'ppid': 13036}, 'mysql:x:27:27::/:/bin/false\n', 'uid 33 is not the user of its container'),
    ({'uid': 999, 'ppid': 13036, 'exe': '/tmp/mysqld'}, '', 'what it runs can be changed'),
    ({'uid': 999, 'ppid': 1}, '', 'uid 999 is neither'),
], ids=['what the engine started', 'root of the container', 'the account in the container', 'another user in it',
        'a copy of its user\'s', 'no child of the engine\'s'])
def test_a_server_in_a_container_is_its_user_s_and_runs_its_root_s_files(tmp_path, case, passwd, expected):
    node = seed_node(tmp_path)
    node.file('/proc/600/root/etc/passwd', passwd)
    node.owners['/tmp'] = (0, 0o1777)
    pid = case.get('pid', 600)
    if pid == 600:
        node.process(600, 'mysqld', **dict({'exe': '/usr/sbin/mysqld', 'cgroup': v1('/docker/' + CONTAINER)}, **case))
    found = dict((target['process']['pid'], target['refused']) for target in find(node.host, 'process', 'mysqld'))
    assert found[pid] == expected if expected is None else found[pid].startswith(expected)


UNIT = '[Service]\nExecStart=%s\nMainPID=%s\n'


@pytest.mark.parametrize('command, main, parents, uid, manager, refused', [
    ('/usr/sbin/mysqld $OPTS', 500, [], 1001, 'systemd', None),
    ('/usr/bin/mysqld_safe', 450, ['/usr/bin/mysqld_safe'], 1001, 'systemd', None),
    ('/usr/bin/mysqld_safe', 0, ['/usr/bin/mysqld_safe'], 106, 'systemd', None),
    ('/usr/bin/python3 /usr/bin/mysqld_safe', 450, ['/usr/bin/mysqld_safe'], 1001, 'systemd', None),
    ('/usr/sbin/pacemakerd', 450, ['/usr/sbin/pacemakerd'], 106, 'none', None),
    ('/usr/sbin/pacemakerd', 450, ['/usr/sbin/pacemakerd'], 1001, 'systemd', 'uid 1001'),
    ('/usr/bin/node app.js', 500, [], 1001, 'systemd', 'uid 1001'),
    ('/usr/local/bin/start', 0, [], 106, 'systemd', None),
], ids=['its main process', 'below what respawns it', 'left behind by a script', 'a respawner of an interpreter',
        'below a supervisor', 'a user\'s below a supervisor', 'what another program turned into',
        'a unit without a main process'])
def test_a_unit_manages_what_it_starts_and_no_more(tmp_path, command, main, parents, uid, manager, refused):
    node = Node(tmp_path).systemd()
    node.unit('x.service', UNIT % (command, main))
    cgroup = v2('/system.slice/x.service')
    ppid = 1
    for parent in parents:
        is_script = parent.startswith('/usr/bin')
        node.process(450, os.path.basename(parent)[:15], exe='/usr/bin/dash' if is_script else parent, cgroup=cgroup,
                     cmdline=['/bin/sh', parent] if is_script else [parent])
        ppid = 450
    node.process(500, 'mysqld', ppid=ppid, exe='/usr/sbin/mysqld', uid=uid, cgroup=cgroup)
    found = [target for target in find(node.host, 'process', 'mysqld') if target['process']['pid'] == 500][0]
    assert found['manager']['kind'] == manager
    assert found['refused'] is None if refused is None else found['refused'].startswith(refused)


@pytest.mark.parametrize('kind, name', [('process', 'systemd'), ('unit', 'init.scope')])
def test_init_gets_no_score_whatever_names_it(tmp_path, kind, name):
    node = Node(tmp_path).systemd()
    with pytest.raises(RescueError, match='pid 1'):
        find(node.host, kind, name)


def test_the_first_process_of_a_container_may_be_the_server(tmp_path):
    node = Node(tmp_path)
    node.file('/run/.containerenv', '')
    node.process(1, 'mariadbd', ppid=0, exe='/usr/sbin/mariadbd', uid=106)
    assert [(target['process']['pid'], target['refused']) for target in find(node.host, 'process', 'mysqld')] == [
        (1, None)]
