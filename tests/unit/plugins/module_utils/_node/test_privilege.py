# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host
from ansible_collections.oom.rescue.plugins.module_utils._node import privilege
from fake_sysctl_node import SysctlNode


@pytest.mark.parametrize('files, links, expected', [
    ({}, {}, False),
    ({'/run/systemd/container': 'lxc\n'}, {}, True),
    ({'/.dockerenv': ''}, {}, True),
    ({'/run/.containerenv': ''}, {}, True),
    ({'/proc/1/environ': 'PATH=/bin\0container=lxc\0'}, {}, True),
    ({'/.dockerenv': ''}, {'/proc/self/ns/pid': 'pid:[4026531836]'}, False),
    ({'/.dockerenv': ''}, {'/proc/self/ns/pid': 'pid:[4026532200]'}, True),
    ({}, {'/proc/self/ns/pid': 'pid:[4026532200]'}, True),
    ({}, {'/proc/self/ns/pid': 'pid:[4026531836]'}, False),
], ids=repr)
def test_a_container_is_one_by_its_marks_outside_of_the_first_pid_namespace(tmp_path, files, links, expected):
    node = SysctlNode(tmp_path)
    for path, text in files.items():
        node.file(path, text)
    for path, target in links.items():
        node.link(path, target)
    assert privilege.is_container(node.host) is expected


@pytest.mark.parametrize('status, mapping, expected', [
    ('CapEff:\t000001ffffffffff\n', '0 0 4294967295\n', True),
    ('CapEff:\t00000000a80425fb\n', '0 0 4294967295\n', False),
    ('CapEff:\t000001ffffffffff\n', '0 100000 65536\n', False),
    ('Name:\tx\n', '0 0 4294967295\n', None),
], ids=['root', 'docker', 'user namespace', 'unknown'])
def test_swap_may_be_turned_on_by_an_administrator_of_the_host(tmp_path, status, mapping, expected):
    node = SysctlNode(tmp_path)
    node.file('/proc/self/status', status)
    node.file('/proc/self/uid_map', mapping)
    assert privilege.can_swapon(node.host) is expected


@pytest.mark.parametrize('namespace, seccomp, number, expected', [
    ('pid:[4026532200]', 2, errno.EPERM, False), ('pid:[4026532200]', 2, errno.ENOENT, True),
    ('pid:[4026532200]', 0, errno.EPERM, True), ('pid:[4026531836]', 2, errno.EPERM, True),
], ids=['refused by its engine', 'let through', 'no filter: a privileged container', 'not a container'])
def test_a_container_with_the_capability_asks_the_kernel_if_its_engine_filters_system_calls(
        tmp_path, monkeypatch, namespace, seccomp, number, expected):
    def refuse(*_arguments):
        raise OSError(number, 'no')
    monkeypatch.setattr(privilege.libc, 'call', refuse)
    node = SysctlNode(tmp_path)
    node.file('/proc/self/status', 'CapEff:\t000001ffffffffff\nSeccomp:\t%d\n' % seccomp)
    node.link('/proc/self/ns/pid', namespace)
    assert privilege.can_swapon(node.host) is expected


@pytest.mark.parametrize('link, mapping, expected', [
    ('user:[4026531837]', '0 0 4294967295\n', False), ('user:[4026532300]', '0 0 4294967295\n', True),
    ('user:[4026532300]', '0 100000 65536\n', True), (None, '0 100000 65536\n', True),
    (None, '0 0 4294967295\n', False), (None, None, False), ('user:[4026531837]', '0 100000 65536\n', True),
])
def test_another_user_namespace_is_one_though_it_maps_all_uids_to_themselves(tmp_path, link, mapping, expected):
    node = SysctlNode(tmp_path)
    if link:
        node.link('/proc/self/ns/user', link)
    if mapping:
        node.file('/proc/self/uid_map', mapping)
    assert privilege.in_user_namespace(node.host) is expected


@pytest.mark.parametrize('status, mapping, expected', [
    ('CapEff:\t000001ffffffffff\n', '0 0 4294967295\n', None),
    ('CapEff:\t00000000a80425fb\n', '0 0 4294967295\n', 'which this host does not give'),
    ('CapEff:\t000001ffffffffff\n', '0 100000 65536\n', 'this host is in one'),
    ('Name:\tx\n', '0 0 4294967295\n', None),
], ids=['root', 'docker', 'user namespace', 'unknown'])
def test_a_score_may_be_lowered_by_root_of_the_host(tmp_path, status, mapping, expected):
    node = SysctlNode(tmp_path)
    node.file('/proc/self/status', status)
    node.file('/proc/self/uid_map', mapping)
    refused = privilege.lowering_refused(node.host)
    assert refused is None if expected is None else expected in refused


def test_what_this_machine_says_of_this_process_is_what_the_kernel_does():
    here = Host()
    mask = next(line for line in open('/proc/self/status') if line.startswith('CapEff'))
    assert privilege.has_capability(here, 21) is bool(int(mask.split()[1], 16) & 1 << 21)
    assert privilege.is_root() is (os.geteuid() == 0)


def test_who_is_not_root_is_told_what_to_do(monkeypatch):
    monkeypatch.setattr(os, 'geteuid', lambda: 0)
    assert privilege.require_root('change swap') is None
    monkeypatch.setattr(os, 'geteuid', lambda: 1000)
    with pytest.raises(RescueError) as raised:
        privilege.require_root('change swap')
    assert str(raised.value) == 'only root may change swap, and this runs as user 1000: run this task with become'
