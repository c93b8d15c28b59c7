# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files.overlay import Overlay
from fake_sysctl_node import SysctlNode


@pytest.fixture(name='node')
def fixture_node(tmp_path):
    node = SysctlNode(tmp_path)
    node.file('/etc/a', 'a')
    node.link('/etc/absolute', '/etc/a')
    node.link('/etc/relative', '../etc/a')
    node.link('/etc/loop', 'loop')
    node.link('/etc/masked', '/dev/null')
    return node


@pytest.mark.parametrize('path, text', [
    ('/etc/a', 'a'), ('/etc/absolute', 'a'), ('/etc/relative', 'a'), ('/etc/none', None), ('/etc/loop', None),
    ('/etc/masked', None), ('/etc', None),
])
def test_links_lead_to_the_node_s_own_files(node, path, text):
    assert Overlay(node.host).read(path) == text


def test_an_edit_through_a_link_is_an_edit_of_the_file(node):
    view = Overlay(node.host)
    view.edit('/etc/absolute', 'new')
    assert view.edits == {'/etc/a': 'new'}
    assert view.read('/etc/relative') == 'new'
    assert node.host.read('/etc/a') == 'a'


def test_planned_names_are_listed_and_removed_ones_are_not(node):
    view = Overlay(node.host)
    view.edit('/etc/sysctl.d/new.conf', '')
    view.edit('/etc/sysctl.d/README.sysctl', None)
    assert view.listdir('/etc/sysctl.d') == ['new.conf']
    assert view.exists('/etc/sysctl.d/new.conf') and not view.exists('/etc/sysctl.d/README.sysctl')
    assert view.read('/etc/sysctl.d/README.sysctl') is None


@pytest.mark.parametrize('path, texts', [('/etc/a', ['b', 'a']), ('/etc/new', ['b', None])])
def test_what_is_edited_back_is_no_edit(node, path, texts):
    view = Overlay(node.host)
    for text in texts:
        view.edit(path, text)
    assert view.edits == {}
