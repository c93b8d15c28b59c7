# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._node.killers import user_space_killers
from fake_node import Node


@pytest.fixture(name='node')
def fixture_node(tmp_path):
    return Node(tmp_path)


def test_a_host_without_killers_has_none(node):
    assert user_space_killers(node.host) == []


def test_an_earlyoom_that_runs_says_what_it_avoids(node):
    node.process(300, 'earlyoom', cmdline=['earlyoom', '-r', '60', '--avoid', '^(sshd|mysqld)$'])
    assert user_space_killers(node.host) == [{'name': 'earlyoom', 'active': True, 'spares': ['^(sshd|mysqld)$']}]


def test_one_that_is_installed_alone_is_not_active(node):
    node.file('/usr/lib/systemd/systemd-oomd', '')
    assert user_space_killers(node.host) == [{'name': 'systemd-oomd', 'active': False, 'spares': []}]


@pytest.mark.parametrize('options, path', [
    ([], '/etc/nohang/nohang.conf'),
    (['--monitor', '--config', '/etc/nohang/nohang-desktop.conf'], '/etc/nohang/nohang-desktop.conf'),
])
def test_nohang_spares_whose_badness_it_lowers(node, options, path):
    node.process(300, 'nohang', cmdline=['python3', 'nohang'] + options)
    node.file('/etc/nohang/nohang.conf', '')
    node.file(path, '# @BADNESS_ADJ_RE_NAME -9 /// ^no$\n@BADNESS_ADJ_RE_NAME -200 /// ^sshd$\n'
              '@BADNESS_ADJ_RE_NAME 200 /// ^Web Content$\n@BADNESS_ADJ_RE_CMDLINE   -50  ///  ^/usr/sbin/mysqld \n')
    assert user_space_killers(node.host)[0]['spares'] == ['^sshd$', '^/usr/sbin/mysqld']


def test_systemd_oomd_spares_units_that_a_file_or_drop_in_prefers(node):
    node.process(300, 'systemd-oomd')
    node.file('/usr/lib/systemd/system/dbus.service', '[Service]\nManagedOOMPreference=omit\n')
    node.file('/usr/local/lib/systemd/system/shop.service', '[Service]\nManagedOOMPreference=avoid\n')
    node.file('/etc/systemd/system/mariadb.service.d/50-oom-rescue.conf', '[Service]\nManagedOOMPreference=avoid\n')
    node.file('/etc/systemd/system/php.service', '[Service]\nManagedOOMPreference=none\n')
    assert user_space_killers(node.host) == [
        {'name': 'systemd-oomd', 'active': True, 'spares': ['dbus.service', 'mariadb.service', 'shop.service']}]
