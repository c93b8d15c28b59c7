# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cgroups as systemd, container engines and the kubelet name them."""

from __future__ import absolute_import, division, print_function

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._node.cgroup_names import cgroup_names

ID = '178ec18073cc6ac7be2de8d9869daf162a6349dd056b6535849112c53ec3102a'
UID = '10d16a28-60ff-475f-a631-510d9792219f'

CASES = {
    'the root': ('/', None, None, None, None),
    'nothing': (None, None, None, None, None),
    'a service': ('/system.slice/mysqld.service', None, None, None, 'mysqld.service'),
    'a session': ('/user.slice/user-1000.slice/session-3.scope', None, None, None, 'session-3.scope'),
    'a service of a user': (
        '/user.slice/user-1000.slice/user@1000.service/app.slice/run-u640.service',
        None,
        None,
        None,
        'run-u640.service',
    ),
    'a user without a service': (
        '/user.slice/user-1000.slice/user@1000.service',
        None,
        None,
        None,
        'user@1000.service',
    ),
    'a slice': ('/machine.slice', None, None, None, 'machine.slice'),
    'docker with cgroupfs': ('/docker/' + ID, ID, 'docker', None, None),
    'docker with systemd': ('/system.slice/docker-%s.scope' % ID, ID, 'docker', None, 'docker-%s.scope' % ID),
    'docker in an LXC guest': (
        '/lxc/39004/ns/system.slice/docker-%s.scope' % ID,
        ID,
        'docker',
        None,
        'docker-%s.scope' % ID,
    ),
    'podman': ('/machine.slice/libpod-%s.scope' % ID, ID, 'podman', None, 'libpod-%s.scope' % ID),
    'podman, its container group': (
        '/machine.slice/libpod-%s.scope/container' % ID,
        ID,
        'podman',
        None,
        'libpod-%s.scope' % ID,
    ),
    'kubernetes with cgroupfs': ('/kubepods/burstable/pod%s/%s' % (UID, ID), ID, None, UID, None),
    'kubernetes with systemd': (
        '/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod%s.slice/cri-containerd-%s.scope'
        % (UID.replace('-', '_'), ID),
        ID,
        'containerd',
        UID,
        'cri-containerd-%s.scope' % ID,
    ),
    'kubernetes with CRI-O': (
        '/kubepods.slice/kubepods-pod%s.slice/crio-%s.scope' % (UID.replace('-', '_'), ID),
        ID,
        'cri-o',
        UID,
        'crio-%s.scope' % ID,
    ),
    'kubernetes with colons': (
        '/system.slice/containerd.service/kubepods-burstable-pod%s.slice:cri-containerd:%s'
        % (UID.replace('-', '_'), ID),
        ID,
        'containerd',
        None,
        'containerd.service',
    ),
    'a static pod': ('/kubepods/pod%s' % UID.replace('-', ''), None, None, UID, None),
    'LXC': ('/lxc/39004', '39004', 'lxc', None, None),
    'a pod on a node that is a container': (
        '/system.slice/docker-%s.scope/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod%s.slice'
        % (ID, UID.replace('-', '_')),
        None,
        None,
        UID,
        'kubepods-burstable-pod%s.slice' % UID.replace('-', '_'),
    ),
    'a container of a pod on a node that is a container': (
        '/docker/%s/kubelet/kubepods/burstable/pod%s/%s' % (ID, UID, ID[::-1]),
        ID[::-1],
        None,
        UID,
        None,
    ),
    'a pod on a node that is an LXC guest': (
        '/lxc.payload.node1/kubepods.slice/kubepods-pod%s.slice' % UID.replace('-', '_'),
        None,
        None,
        UID,
        'kubepods-pod%s.slice' % UID.replace('-', '_'),
    ),
    'a service in an LXC guest': ('/lxc/703/ns/system.slice/pulse.service', '703', 'lxc', None, 'pulse.service'),
    'LXC 4': ('/lxc.payload.web1/system.slice', 'web1', 'lxc', None, 'system.slice'),
}


@pytest.mark.parametrize('case', sorted(CASES))
def test_cgroup(case):
    path, container, runtime, pod, unit = CASES[case]
    assert cgroup_names(path) == {'container_id': container, 'runtime': runtime, 'pod_uid': pod, 'unit': unit}


@pytest.mark.parametrize('path, unit', [
    ('/' + 'a.' * 30000, None),
    ('/' + 'a.' * 30000 + 'service', 'a.' * 30000 + 'service'),
    ('/.service', None),
    ('/a.slice/b', None),
    ('/a.slice/b.slice', 'b.slice'),
])
def test_a_unit_is_a_whole_part_of_the_path(path, unit):
    assert cgroup_names(path)['unit'] == unit
