# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user can make, and what he cannot: on trees of files with owners, and on processes of this machine."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import shutil
import subprocess

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host
from ansible_collections.oom.rescue.plugins.module_utils._node import identity
from ansible_collections.oom.rescue.plugins.module_utils._node.processes import process
from fake_node import Node

EVE = (1000, 0o755)


@pytest.mark.parametrize('name, expected', [
    ('mysqld', 'mysqld'), ('mariadb@1.service', 'mariadb@1.service'), ('a_b-c.d', 'a_b-c.d'),
    ('', None), (None, None), ('..', None), ('.x', None), ('-rf', None), ('../../tmp/sx', None), ('a/b', None),
    ('a b', None), ('a\n', None), ('a"', None), ('$(id)', None), ('a\x1b[2J', None), (u'a\u202e', None), ('a|b', None),
])
def test_a_name_in_a_file_has_letters_digits_and_few_signs(name, expected):
    assert identity.safe_name(name) == expected


@pytest.mark.parametrize('cmdline, expected', [
    (['python3', '/usr/sbin/nohang', '--config', 'x'], '/usr/sbin/nohang'),
    (['sh', '-c', 'exec mysqld'], None),
    (['php', '-d', 'memory_limit=-1', 'composer'], 'composer'),
    (['python3'], None),
    ([], None),
])
def test_the_script_is_the_first_word_that_is_no_option(cmdline, expected):
    assert identity.script_of(cmdline) == expected


@pytest.fixture(name='node')
def fixture_node(tmp_path):
    node = Node(tmp_path)
    for path in ('/usr/sbin/mysqld', '/etc/nohang/nohang.conf', '/home/eve/x', '/opt/db/bin/mysqld'):
        node.file(path, '')
    node.owners.update({'/home/eve': EVE, '/home/eve/x': EVE})
    return node


@pytest.mark.parametrize('path, owners, expected', [
    ('/usr/sbin/mysqld', {}, '/usr/sbin/mysqld'),
    ('/usr//sbin/./mysqld', {}, '/usr/sbin/mysqld'),
    ('/usr/sbin/../sbin/mysqld', {}, '/usr/sbin/mysqld'),
    ('/sbin/mysqld', {}, '/usr/sbin/mysqld'),
    ('/etc/alternatives/db', {}, '/opt/db/bin/mysqld'),
    ('/home/eve/x', {}, None),
    ('/home/eve/to-shadow', {}, None),
    ('/usr/sbin/mysqld', {'/usr/sbin/mysqld': EVE}, None),
    ('/usr/sbin/mysqld', {'/usr/sbin/mysqld': (0, 0o775)}, None),
    ('/usr/sbin/mysqld', {'/usr/sbin/mysqld': (0, 0o757)}, None),
    ('/usr/sbin/mysqld', {'/usr/sbin': (0, 0o1777)}, None),
    ('/usr/sbin/mysqld', {'/usr': (0, 0o775)}, None),
    ('/usr/sbin/mysqld', {'/': EVE}, None),
    ('/opt/db/bin/mysqld', {'/opt/db': EVE}, None),
    ('/etc/alternatives/db', {'/opt/db': EVE}, None),
    ('/etc/loop', {}, None),
    ('/usr/sbin', {}, None),
    ('/usr/sbin/none', {}, None),
    ('/usr/sbin/mysqld/x', {}, None),
    ('usr/sbin/mysqld', {}, None),
    ('', {}, None),
    (None, {}, None),
    ('/' + 'x/' * 9999, {}, None),
], ids=lambda value: repr(value)[:60])
def test_a_path_is_trusted_if_root_alone_can_change_what_it_leads_to(node, path, owners, expected):
    node.link('/sbin', 'usr/sbin')
    node.link('/etc/alternatives/db', '../../opt/db/bin/mysqld')
    node.link('/home/eve/to-shadow', '/usr/sbin/mysqld')
    node.link('/etc/loop', 'loop')
    node.owners.update(owners)
    assert identity.trusted_path(node.host, path) == expected


def test_a_path_may_be_one_user_s_and_root_s(node):
    assert identity.trusted_path(node.host, '/home/eve/x', (0, 1000)) == '/home/eve/x'
    assert identity.trusted_path(node.host, '/home/eve/x', (0, 1001)) is None


def test_links_of_a_container_stay_in_its_root(node):
    node.file('/srv/root/etc/passwd', '')
    node.file('/etc/shadow', '')
    node.link('/srv/root/etc/link', '/etc/passwd')
    node.link('/srv/root/etc/out', '/../../etc/shadow')
    assert identity.trusted_path(node.host, '/etc/link', root='/srv/root') == '/etc/passwd'
    assert identity.trusted_path(node.host, '/etc/out', root='/srv/root') is None


def call(node, names=('mysqld',), owners=(0,)):
    return identity.runs(node.host, process(node.host, 500), names, owners)


@pytest.mark.parametrize('exe, cmdline, owners, expected', [
    ('/usr/sbin/mysqld', [], {}, True),
    ('/usr/sbin/mysqld (deleted)', [], {}, True),
    ('/usr/sbin/mysqld (deleted)', [], {'/usr/sbin/mysqld': EVE}, False),
    ('/usr/sbin/mysqld (deleted)', [], {'/usr/sbin': EVE}, False),
    ('/home/eve/mysqld (deleted)', [], {}, False),
    ('/home/eve/mysqld', [], {}, False),
    ('/tmp/mysqld', [], {'/tmp': (0, 0o1777)}, False),
    ('/usr/bin/sleep', ['mysqld'], {}, False),
    ('/usr/bin/dash', ['sh', '/usr/sbin/mysqld'], {}, True),
    ('/usr/bin/dash', ['sh', '/home/eve/mysqld'], {}, False),
    ('/usr/bin/dash', ['sh', 'mysqld'], {}, False),
    ('/usr/bin/dash', ['mysqld'], {}, False),
    ('/usr/bin/dash', ['sh', '-c', 'mysqld'], {}, False),
    ('/home/eve/dash', ['sh', '/usr/sbin/mysqld'], {}, False),
    (None, ['mysqld'], {}, False),
], ids=repr)
def test_a_program_is_what_root_alone_could_put_there(node, exe, cmdline, owners, expected):
    node.process(500, 'mysqld', exe=exe, cmdline=cmdline)
    node.owners.update(owners)
    assert call(node) is expected


def test_another_file_mounted_over_a_path_in_a_namespace_is_another_program(node):
    node.process(500, 'mysqld', exe='/usr/sbin/mysqld')
    status = node.host.status
    # /proc/PID/exe leads to what runs, whatever stands at that path for others.
    node.host.status = lambda path, follow=True: status('/etc/passwd' if path == '/proc/500/exe' else path, follow)
    assert call(node) is False


def test_a_deleted_program_does_not_count_in_another_user_namespace(node):
    node.process(500, 'mysqld', exe='/usr/sbin/mysqld (deleted)')
    node.user_namespace(500, 4026532500)
    assert call(node) is False


def test_a_version_of_a_package_is_the_program(node):
    node.process(500, 'php', exe='/usr/bin/php8.2')
    assert call(node, ('php',)) and not call(node, ('ph',))


@pytest.mark.parametrize('namespace, uid, expected', [
    (4026531837, 999, 999), (4026532500, 0, 1000), (4026532500, 1, 100000), (4026532500, 999, 100998),
    (4026532500, 65536, None),
])
def test_a_uid_of_a_namespace_is_one_of_the_host_s(node, namespace, uid, expected):
    node.process(500, 'mysqld')
    node.user_namespace(500, namespace)
    node.file('/proc/500/uid_map', '         0       1000          1\n         1     100000      65535\n')
    assert identity.outer_uid(node.host, process(node.host, 500), uid) == expected


@pytest.mark.parametrize('names, expected', [
    (('mysqld', 'mariadbd'), set([106])), (('redis-server',), set([107])), (('redis',), set([107])), (('eve',), set()),
    (('root',), set([0])), (('nothing',), set()),
])
def test_the_account_of_a_server_is_a_package_s(node, names, expected):
    node.file('/etc/passwd', node.host.read('/etc/passwd') + 'redis:x:107:107::/:/bin/false\nbroken\nx:y:z\n')
    assert identity.account_uids(node.host, names) == expected


def test_the_accounts_of_a_container_are_its_own_if_its_root_keeps_them(node):
    node.process(500, 'mysqld')
    node.file('/proc/500/root/etc/passwd', 'mysql:x:27:27::/:/bin/false\n')
    row = process(node.host, 500)
    assert identity.account_uids(node.host, ('mysqld',), row) == set([27])
    node.owners['/proc/500/root/etc/passwd'] = (27, 0o644)
    assert identity.account_uids(node.host, ('mysqld',), row) == set()


@pytest.mark.parametrize('user, expected', [('eve', 1000), ('1001', 1001), (1001, 1001), ('nobody', None)])
def test_a_user_has_a_name_or_a_uid(node, user, expected):
    assert identity.uid_of_user(node.host, user) == expected


def started(argv):
    """A process of this machine, once it runs what it was started for."""
    child = subprocess.Popen(argv)
    while os.path.basename(os.readlink('/proc/%d/exe' % child.pid)) != os.path.basename(argv[0]):
        pass
    return child


def ended(child):
    child.kill()
    child.wait()


def test_on_this_machine_a_program_of_root_s_is_one_and_a_copy_is_none(tmp_path):
    sleep = os.path.realpath(next(path for path in ('/usr/bin/sleep', '/bin/sleep') if os.path.exists(path)))
    copy = str(tmp_path / 'mysqld')
    shutil.copy(sleep, copy)
    host = Host()
    real, fake = started([sleep, '60']), started([copy, '60'])
    try:
        assert identity.trusted_executable(host, process(host, real.pid)) == sleep
        assert identity.same_user_namespace(host, process(host, real.pid))
        assert identity.is_called(process(host, fake.pid), ('mysqld',))
        assert not identity.runs(host, process(host, fake.pid), ('mysqld',))
        os.unlink(copy)
        assert not identity.runs(host, process(host, fake.pid), ('mysqld',))
    finally:
        ended(real)
        ended(fake)
