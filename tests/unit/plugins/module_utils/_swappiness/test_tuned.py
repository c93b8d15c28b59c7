# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files.overlay import Overlay
from ansible_collections.oom.rescue.plugins.module_utils._swappiness import tuned
from fake_sysctl_node import SysctlNode

KEY = 'vm.swappiness'


@pytest.fixture(name='node')
def fixture_node(tmp_path):
    return SysctlNode(tmp_path).tuned()


def setting(node, *profiles, **texts):
    """profile_setting with these active profiles, and /etc/tuned profiles of these texts."""
    for name, text in texts.items():
        node.file('/etc/tuned/%s/tuned.conf' % name, text)
    node.file('/etc/tuned/active_profile', ' '.join(profiles) + '\n')
    return tuned.profile_setting(Overlay(node.host), KEY)


@pytest.mark.parametrize('profiles, texts, raw', [
    (['virtual-guest'], {}, '30'),
    (['throughput-performance'], {}, '10'),
    (['throughput-performance', 'virtual-guest'], {}, '30'),
    (['virtual-guest', 'throughput-performance'], {}, '30'),
    (['mine'], {'mine': '[main]\ninclude=virtual-guest\n[sysctl]\nvm.swappiness=7\n'}, '7'),
    (['mine'], {'mine': '[main]\ninclude=virtual-guest\n[sysctl]\nvm/swappiness = 7\n'}, '7'),
    (['mine'], {'mine': '[main]\ninclude=virtual-guest\n'}, '30'),
    (['mine'], {'mine': '[main]\ninclude=virtual-guest, throughput-performance\n'}, '30'),
    (['mine'], {'mine': '[main]\ninclude=virtual-guest\n[sysctl]\nreplace=1\nvm.dirty_ratio=1\n'}, None),
    (['mine'], {'mine': '[main]\ninclude=virtual-guest\n[sysctl]\nenabled=false\n'}, None),
    (['mine'], {'mine': '[main]\ninclude=virtual-guest\n[sysctl]\ndrop=vm.swappiness\n'}, None),
    (['mine'], {'mine': '[main]\ninclude=-absent\n[own]\ntype=sysctl\nvm.swappiness="12"  # twelve\n'}, '12'),
    (['virtual-guest'], {'virtual-guest': '[main]\ninclude=virtual-guest\n[sysctl]\nvm.swappiness=3\n'}, '3'),
    (['mine'], {'mine': '[sysctl]\nkernel.core_pattern=core[%p]\nvm.swappiness=5\n'}, '5'),
    (['mine'], {'mine': '[main]\ninclude=-absent, virtual-guest\n'}, '30'),
    (['mine'], {'mine': '[main]\ninclude=${base}\n[sysctl]\nvm.swappiness=4\n'}, '4'),
    (['mine'], {'mine': '[main]\ninclude=virtual-guest;\n'}, '30'),
    (['mine'], {'mine': '[sysctl]\nenabled=1\nenabled=0\nvm.swappiness=5\n'}, None),
    (['mine'], {'mine': '[sysctl]\nenabled=0\nenabled=true\nvm.swappiness=5\n'}, '5'),
    (['mine'], {'mine': '[sysctl]\n;vm.swappiness=1\nvm.swappiness=5\n;vm.swappiness=7\n'}, '5'),
    (['mine'], {'mine': '# [sysctl]\n;vm.swappiness=1\n[cpu]\nvm.swappiness=1\n'}, None),
], ids=repr)
def test_the_profile_s_value_is_that_of_the_chain_it_is_merged_from(node, profiles, texts, raw):
    found = setting(node, *profiles, **texts)
    assert (found['raw'], found['complete']) == (raw, True)


@pytest.mark.parametrize('profiles, texts', [
    ([], {}),
    (['absent'], {}),
    (['mine'], {'mine': '[main]\ninclude=${base}\n'}),
    (['mine'], {'mine': '[main]\ninclude=absent\n'}),
    (['virtual-guest', 'mine'], {'mine': '[main]\ninclude=${base}\n'}),
    (['mine'], {'mine': '[sysctl]\nvm.swappiness=${value}\n'}),
    (['mine'], {'mine': '[sysctl.arm]\ntype=sysctl\nuname_regex=aarch64\nvm.swappiness=9\n'}),
], ids=repr)
def test_a_profile_that_cannot_be_followed_is_not_complete(node, profiles, texts):
    assert setting(node, *profiles, **texts)['complete'] is False


def test_a_setting_names_the_file_and_line_it_is_on(node):
    found = setting(node, 'virtual-guest')
    assert (found['source'], found['line'], found['sysctl']) == ('/usr/lib/tuned/virtual-guest/tuned.conf', 7, True)


def test_a_profile_without_a_sysctl_unit_says_so(node):
    assert setting(node, 'mine', mine='[cpu]\ngovernor=performance\n')['sysctl'] is False


@pytest.mark.parametrize('line, expected', [
    ('', True),
    ('reapply_sysctl = 1', True),
    ('reapply_sysctl=true', True),
    ('reapply_sysctl = 0', False),
    ('reapply_sysctl=False', False),
    ('# reapply_sysctl = 0', True),
    ('reapply_sysctl = 1\nreapply_sysctl = 0', False),
], ids=repr)
def test_reapply_sysctl_is_on_unless_it_is_turned_off(node, line, expected):
    node.file(tuned.MAIN_CONF, line + '\n')
    assert tuned.reapplies_sysctl(Overlay(node.host)) is expected


@pytest.mark.parametrize('line, system, expected', [
    ('', '/usr/lib/tuned', ['/usr/lib/tuned', '/etc/tuned']),
    ('', '/usr/lib/tuned/profiles', ['/usr/lib/tuned/profiles', '/etc/tuned/profiles']),
    ('profile_dirs = /opt/a;/opt/b', '/usr/lib/tuned', ['/opt/a', '/opt/b']),
], ids=['before 2.24', 'since 2.24', 'named'])
def test_profiles_are_where_this_version_has_them(tmp_path, line, system, expected):
    node = SysctlNode(tmp_path).tuned(directory=system)
    node.file(tuned.MAIN_CONF, line + '\n')
    view = Overlay(node.host)
    assert tuned.profile_directories(view) == expected
    assert tuned.child_profile_path(view) == expected[-1] + '/oom-rescue/tuned.conf'


@pytest.mark.parametrize('paths, there', [
    ((), False), ((tuned.MAIN_CONF,), True), ((tuned.ACTIVE_PROFILE,), True),
    ((tuned.MAIN_CONF, tuned.ACTIVE_PROFILE), True)])
def test_tuned_is_there_by_its_configuration_or_by_a_profile_that_it_left(tmp_path, paths, there):
    node = SysctlNode(tmp_path)
    for path in paths:
        node.file(path, '')
    assert tuned.installed(Overlay(node.host)) is there


def test_tuned_is_enabled_by_a_link_and_not_where_it_is_masked(node):
    assert tuned.enabled(Overlay(node.host))
    node.link('/etc/systemd/system/tuned.service', '/dev/null')
    assert not tuned.enabled(Overlay(node.host))


def test_tuned_runs_where_its_pid_is_its_own(node):
    assert tuned.running(Overlay(node.host))
    node.file('/proc/734/comm', 'bash\n')
    assert not tuned.running(Overlay(node.host))


@pytest.mark.parametrize('names', [['virtual-guest'], ['throughput-performance', 'virtual-guest']], ids=repr)
def test_a_child_profile_is_the_profiles_it_was_made_from_with_one_value_more(node, names):
    view = Overlay(node.host)
    view.edit(tuned.ACTIVE_PROFILE, ' '.join(names) + '\n')
    assert not tuned.has_child(view)
    assert tuned.profiles_below_child(view) == names
    view.edit(tuned.child_profile_path(view), tuned.child_profile(names, KEY, 10))
    view.edit(tuned.ACTIVE_PROFILE, ' '.join(tuned.with_child(names)) + '\n')
    assert tuned.has_child(view)
    assert tuned.profiles_below_child(view) == names
    found = tuned.profile_setting(view, KEY)
    assert (found['raw'], found['complete']) == ('10', True)
    assert tuned.profile_setting(view, 'vm.dirty_ratio')['raw'] == '30'
