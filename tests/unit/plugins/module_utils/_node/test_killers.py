# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._node.killers import user_space_killers
from fake_node import Node, v2


@pytest.fixture(name='node')
def fixture_node(tmp_path):
    return Node(tmp_path)


def test_a_host_without_killers_has_none(node):
    assert user_space_killers(node.host) == []


def test_an_earlyoom_that_runs_says_what_it_avoids(node):
    node.process(300, 'earlyoom', exe='/usr/bin/earlyoom',
                 cmdline=['earlyoom', '-r', '60', '--avoid', '^(sshd|mysqld)$'])
    assert user_space_killers(node.host) == [{'name': 'earlyoom', 'active': True, 'spares': ['^(sshd|mysqld)$'],
                                              'watches': None}]


def test_one_that_is_installed_alone_is_not_active(node):
    node.file('/usr/lib/systemd/systemd-oomd', '')
    assert user_space_killers(node.host) == [{'name': 'systemd-oomd', 'active': False, 'spares': [], 'watches': []}]


@pytest.mark.parametrize('options, path', [
    ([], '/etc/nohang/nohang.conf'),
    (['--monitor', '--config', '/etc/nohang/nohang-desktop.conf'], '/etc/nohang/nohang-desktop.conf'),
])
def test_nohang_spares_whose_badness_it_lowers(node, options, path):
    node.process(300, 'nohang', exe='/usr/bin/python3.11', cmdline=['python3', '/usr/sbin/nohang'] + options)
    node.file('/etc/nohang/nohang.conf', '')
    node.file(path, '# @BADNESS_ADJ_RE_NAME -9 /// ^no$\n@BADNESS_ADJ_RE_NAME -200 /// ^sshd$\n'
              '@BADNESS_ADJ_RE_NAME 200 /// ^Web Content$\n@BADNESS_ADJ_RE_CMDLINE   -50  ///  ^/usr/sbin/mysqld \n')
    assert user_space_killers(node.host)[0]['spares'] == ['^sshd$', '^/usr/sbin/mysqld']


def test_systemd_oomd_spares_units_that_a_file_or_drop_in_prefers(node):
    node.process(300, 'systemd-oomd', exe='/usr/lib/systemd/systemd-oomd', uid=998,
                 cgroup=v2('/system.slice/systemd-oomd.service'))
    node.file('/usr/lib/systemd/system/dbus.service', '[Service]\nManagedOOMPreference=omit\n')
    node.file('/usr/local/lib/systemd/system/shop.service', '[Service]\nManagedOOMPreference=avoid\n')
    node.file('/etc/systemd/system/mariadb.service.d/50-oom-rescue.conf', '[Service]\nManagedOOMPreference=avoid\n')
    node.file('/etc/systemd/system/php.service', '[Service]\nManagedOOMPreference=none\n')
    assert user_space_killers(node.host) == [
        {'name': 'systemd-oomd', 'active': True, 'spares': ['dbus.service', 'mariadb.service', 'shop.service'],
         'watches': []}]


@pytest.mark.parametrize('name, exe, uid, cgroup', [
    ('earlyoom', '/usr/bin/earlyoom', 1000, '/user.slice/user-1000.slice/session-3.scope'),
    ('earlyoom', '/usr/bin/earlyoom', 1000, '/user.slice/user-1000.slice/user@1000.service/app.slice/earlyoom.service'),
    ('earlyoom', '/usr/bin/sleep', 0, '/'),
    ('earlyoom', '/home/eve/earlyoom', 0, '/'),
    ('nohang', '/home/eve/nohang', 1000, '/system.slice/nohang.service'),
    ('systemd-oomd', '/usr/bin/sleep', 1000, '/'),
], ids=['a user', 'a unit of a user', 'another program called so', 'a program of a user', 'a copy in the unit',
        'oomd by name'])
def test_what_is_called_like_a_killer_is_none(node, name, exe, uid, cgroup):
    node.owners['/home/eve'] = (1000, 0o755)
    cmdline = [name, '--avoid', 'x', '--config', '/dev/zero']
    node.process(300, name, exe=exe, uid=uid, cgroup=v2(cgroup), cmdline=cmdline)
    assert [killer for killer in user_space_killers(node.host) if killer['active']] == []


@pytest.mark.parametrize('path, owners', [
    ('/home/eve/nohang.conf', {'/home/eve': (1000, 0o755)}),
    ('/etc/nohang/../../home/eve/nohang.conf', {'/home/eve': (1000, 0o755)}),
    ('/etc/nohang/mine.conf', {'/etc/nohang/mine.conf': (0, 0o666)}),
    ('/etc/nohang', {}),
    ('nohang.conf', {}),
], ids=['a user\'s directory', 'the same by dots', 'a file that anybody may write', 'a directory', 'no absolute path'])
def test_a_configuration_that_is_not_root_s_alone_is_not_read(node, path, owners):
    node.owners.update(owners)
    node.process(300, 'nohang', exe='/usr/bin/python3', cmdline=['python3', '/usr/sbin/nohang', '--config', path])
    for file in ('/home/eve/nohang.conf', '/etc/nohang/mine.conf'):
        node.file(file, '@BADNESS_ADJ_RE_NAME -200 /// ^x$\n')
    assert user_space_killers(node.host) == [{'name': 'nohang', 'active': True, 'spares': [], 'watches': None}]


@pytest.mark.parametrize('path, text, watches', [
    ('/usr/lib/systemd/system/-.slice.d/10-oomd-root-slice-defaults.conf', '[Slice]\nManagedOOMSwap=kill\n',
     ['-.slice']),
    ('/etc/systemd/system/shop.service', '[Service]\nManagedOOMMemoryPressure = kill\n', ['shop.service']),
    ('/run/systemd/system.control/user.slice.d/50-ManagedOOMSwap.conf', '[Slice]\nManagedOOMSwap=kill\n',
     ['user.slice']),
    ('/etc/systemd/system/shop.service', '[Service]\nManagedOOMSwap=auto\n#ManagedOOMSwap=kill\n', []),
])
def test_systemd_oomd_watches_what_it_was_told_to_kill_in(node, path, text, watches):
    node.process(300, 'systemd-oomd', exe='/usr/lib/systemd/systemd-oomd', uid=998,
                 cgroup=v2('/system.slice/systemd-oomd.service'))
    node.file(path, text)
    assert user_space_killers(node.host)[0]['watches'] == watches


OOMD = '/usr/lib/systemd/system/-.slice.d/10-oomd-root-slice-defaults.conf'


@pytest.mark.parametrize('path, text, watches', [
    ('/etc/systemd/system/-.slice.d/99-off.conf', '[Slice]\nManagedOOMSwap=auto\n', []),
    ('/etc/systemd/system/-.slice.d/10-oomd-root-slice-defaults.conf', '', []),
    ('/etc/systemd/system.control/-.slice.d/50-ManagedOOMSwap.conf', '[Slice]\nManagedOOMSwap=auto\n', []),
    ('/etc/systemd/system/-.slice.d/99-off.conf', '[Service]\nManagedOOMPreference=none\n', ['-.slice']),
    ('/etc/systemd/system/-.slice.d/05-off.conf', '[Slice]\nManagedOOMSwap=auto\n', ['-.slice']),
], ids=['by a later drop-in', 'by an empty one of its name', 'by set-property', 'another directive', 'an earlier one'])
def test_systemd_oomd_kills_nothing_where_that_was_taken_back(node, path, text, watches):
    node.process(300, 'systemd-oomd', exe='/usr/lib/systemd/systemd-oomd')
    node.file(OOMD, '[Slice]\nManagedOOMSwap=kill\n')
    node.file(path, text)
    assert [killer['watches'] for killer in user_space_killers(node.host)] == [watches]
