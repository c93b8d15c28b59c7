# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._systemd import systemd
from fake_node import Node


@pytest.mark.parametrize('text, expected', [
    ('systemd 219\n+PAM +AUDIT', 219),
    ('systemd 252 (252.39-1~deb12u2)\n+PAM', 252),
    ('systemd 262~rc1 (262~rc1-1)\n', 262),
    ('', None),
], ids=['CentOS 7', 'Debian 12', 'a release candidate', 'no systemctl'])
def test_the_version_is_the_first_number(tmp_path, text, expected):
    node = Node(tmp_path)
    node.host.run = lambda argv: (0, text, '')
    assert systemd.version(node.host) == expected


@pytest.mark.parametrize('version, names', [
    (219, ['OOMScoreAdjust', 'Restart']),
    (242, ['OOMScoreAdjust', 'Restart']),
    (243, ['OOMPolicy', 'OOMScoreAdjust', 'Restart']),
    (247, ['OOMPolicy', 'OOMScoreAdjust', 'Restart']),
    (248, ['ManagedOOMPreference', 'OOMPolicy', 'OOMScoreAdjust', 'Restart']),
    (262, ['ManagedOOMPreference', 'OOMPolicy', 'OOMScoreAdjust', 'Restart']),
], ids=str)
def test_a_version_gets_the_directives_that_it_knows(version, names):
    directives = {'OOMScoreAdjust': -600, 'Restart': 'on-abnormal', 'OOMPolicy': 'continue',
                  'ManagedOOMPreference': 'avoid'}
    assert sorted(systemd.known_directives(directives, version)) == names


@pytest.mark.parametrize('restart, expected', [
    ('no', 'on-abnormal'), ('on-abort', 'on-abnormal'), ('on-watchdog', 'on-abnormal'), (None, 'on-abnormal'),
    ('on-success', 'always'), ('on-abnormal', None), ('on-failure', None), ('always', None),
])
def test_a_policy_is_made_stronger_only_where_an_oom_kill_would_leave_the_server_dead(restart, expected):
    assert systemd.stronger_restart(restart) == expected


def test_a_drop_in_has_one_section_and_says_whose_it_is():
    text = systemd.drop_in_text({'Restart': 'on-abnormal', 'OOMScoreAdjust': -600})
    assert text == systemd.HEADER + '\n[Service]\nOOMScoreAdjust=-600\nRestart=on-abnormal\n'


def test_the_last_assignment_wins_and_a_comment_is_none(tmp_path):
    node = Node(tmp_path)
    node.unit('mariadb.service', '[Service]\n# OOMScoreAdjust=-900\nOOMScoreAdjust=-100\n')
    node.file('/etc/systemd/system/mariadb.service.d/override.conf', '[Service]\nOOMScoreAdjust = -300\n')
    node.file('/usr/lib/systemd/system/mariadb.service.d/10-a.conf', '[Service]\nOOMScoreAdjust=-200\n')
    node.reload()
    properties = systemd.unit_properties(node.host, 'mariadb.service')
    assert systemd.setting_of(node.host, properties, 'OOMScoreAdjust') == {
        'path': '/etc/systemd/system/mariadb.service.d/override.conf', 'line': 2, 'value': '-300'}
    assert systemd.setting_of(node.host, properties, 'OOMPolicy') is None


def test_an_alias_has_the_real_name_and_an_unknown_unit_none(tmp_path):
    node = Node(tmp_path)
    node.unit('mariadb.service', '[Service]\n', aliases=['mysql.service', 'mysqld.service'])
    assert systemd.unit_properties(node.host, 'mysql.service')['Id'] == 'mariadb.service'
    assert systemd.unit_properties(node.host, 'postgresql.service') is None


def test_a_refusal_of_systemctl_is_one_line(tmp_path):
    node = Node(tmp_path)
    node.host.run = lambda argv: (1, '', 'Failed to connect to bus:\nNo such file or directory\n')
    with pytest.raises(systemd.SystemdError) as error:
        systemd.reload_units(node.host)
    assert str(error.value) == 'systemctl daemon-reload failed: Failed to connect to bus:; No such file or directory'
