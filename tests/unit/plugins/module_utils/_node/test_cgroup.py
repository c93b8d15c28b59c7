# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._node.cgroup import (
    layout,
    own_cgroup,
    swappiness_of_cgroups,
    told_limit,
)
from fake_sysctl_node import SysctlNode

V1 = '35 31 0:32 %s /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n'
V1_CPU = '32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n'
V2 = '30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n'
V2_UNIFIED = '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n'
UNLIMITED = 9223372036854771712
MIB = 1 << 20


def node_of(root, mounts, own, **files):
    node = SysctlNode(root)
    node.file('/proc/self/mountinfo', '22 1 8:1 / / rw - ext4 /dev/vda rw\n' + mounts)
    node.file('/proc/self/cgroup', own)
    for path, text in files.items():
        node.file('/sys/fs/cgroup/' + path.replace('__', '/'), '%s\n' % text)
    return node


def put(node, directory, **files):
    for name, text in files.items():
        node.file('/sys/fs/cgroup/%s/%s' % (directory, name.replace('__', '.')), '%s\n' % text)
    return node


@pytest.mark.parametrize('mounts, version, memory', [
    (V1, 1, 1), (V2, 2, 2), (V1 % '/' + V2_UNIFIED, 'hybrid', 1), (V1_CPU + V2_UNIFIED, 'hybrid', 2), ('', None, None),
], ids=['1', '2', 'hybrid with memory on 1', 'hybrid with memory on 2', 'none'])
def test_the_version_is_what_is_mounted(tmp_path, mounts, version, memory):
    found = layout(node_of(tmp_path, mounts, '').host)
    assert (found['version'], found['memory']) == (version, memory)


def test_version_1_has_the_least_limit_on_the_way_up(tmp_path):
    node = node_of(tmp_path, V1 % '/', '9:memory:/docker/abc\n1:name=systemd:/x\n')
    put(node, 'memory', memory__limit_in_bytes=UNLIMITED, memory__usage_in_bytes=900 * MIB)
    put(node, 'memory/docker', memory__limit_in_bytes=512 * MIB, memory__memsw__limit_in_bytes=768 * MIB,
        memory__usage_in_bytes=500 * MIB, memory__oom_control='oom_kill_disable 0\nunder_oom 0\noom_kill 3')
    put(node, 'memory/docker/abc', memory__limit_in_bytes=UNLIMITED, memory__usage_in_bytes=1)
    assert own_cgroup(node.host) == {
        'version': 1, 'path': '/docker', 'limit_bytes': 512 * MIB, 'swap_limit_bytes': 256 * MIB,
        'usage_bytes': 500 * MIB, 'oom_kills': 3}


def test_version_2_has_the_least_limit_on_the_way_up(tmp_path):
    node = node_of(tmp_path, V2, '0::/system.slice/x.service\n')
    put(node, 'system.slice', memory__max='max', memory__swap__max=0)
    put(node, 'system.slice/x.service', memory__max=64 * MIB, memory__swap__max='max', memory__current=MIB,
        memory__events='low 0\noom 2\noom_kill 1')
    assert own_cgroup(node.host) == {
        'version': 2, 'path': '/system.slice/x.service', 'limit_bytes': 64 * MIB, 'swap_limit_bytes': 0,
        'usage_bytes': MIB, 'oom_kills': 1}


def test_a_container_without_a_cgroup_namespace_sees_its_part_of_the_tree(tmp_path):
    node = node_of(tmp_path, V1 % '/docker/abc', '9:memory:/docker/abc/child\n')
    put(node, 'memory', memory__limit_in_bytes=MIB)
    put(node, 'memory/child', memory__limit_in_bytes=UNLIMITED)
    assert (own_cgroup(node.host)['path'], own_cgroup(node.host)['limit_bytes']) == ('/', MIB)


def test_a_path_that_is_not_below_the_mount_is_the_mount(tmp_path):
    node = node_of(tmp_path, V2, '0::/../../elsewhere\n')
    put(node, '', memory__current=5)
    assert (own_cgroup(node.host)['path'], own_cgroup(node.host)['usage_bytes']) == ('/', 5)


@pytest.mark.parametrize('nbytes, limit', [
    (0, 0), (512 * MIB, 512 * MIB), (8 << 40, 8 << 40), (9223372036854771712, None), (9223372036854759424, None),
    (9223372036854710272, None), (9223372036854775807, None), (18446744073709551615, None), (8796093018112, None),
    (35184372072448, None), (140737488289792, None), (None, None),
], ids=['nothing', 'a limit', 'that of a large machine', '4 KiB pages', '16 KiB pages', '64 KiB pages', 'before 3.19',
        'before 3.19, without a sign', '32 bits', '32 bits and 16 KiB pages', '32 bits and 64 KiB pages', 'not told'])
def test_no_limit_is_none_whatever_number_a_kernel_shows_for_it(nbytes, limit):
    assert told_limit(nbytes) == limit


def test_what_is_not_there_is_null(tmp_path):
    nothing = {'version': None, 'path': None, 'limit_bytes': None, 'swap_limit_bytes': None, 'usage_bytes': None,
               'oom_kills': None}
    assert own_cgroup(SysctlNode(tmp_path).host) == nothing
    assert own_cgroup(node_of(tmp_path, V2, '0::/\n').host) == dict(nothing, version=2, path='/')


def test_cgroups_of_version_1_have_a_value_each_and_the_root_has_the_node_s(tmp_path):
    node = node_of(tmp_path, V1 % '/', '')
    put(node, 'memory', memory__swappiness=60)
    put(node, 'memory/b', memory__swappiness=30)
    put(node, 'memory/a', memory__swappiness=60)
    put(node, 'memory/a/c', memory__swappiness=0)
    assert [(group['path'], group['value']) for group in swappiness_of_cgroups(node.host)] == [
        ('/a', 60), ('/a/c', 0), ('/b', 30)]
    assert swappiness_of_cgroups(node_of(tmp_path, V2, '').host) == []
