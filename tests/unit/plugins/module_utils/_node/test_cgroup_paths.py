# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cgroups as systemd, container engines and the kubelet name them."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._node.cgroup_paths import (
    cgroup_names,
    is_within_container,
    own_unit,
    parse_cgroup,
    parse_cgroups_of,
    paths_of_groups,
    session_uid,
    system_unit,
    unit_of_path,
)
from ansible_collections.oom.rescue.plugins.module_utils._node.processes import parse_cgroups
from fake_node import v2

ID = '178ec18073cc6ac7be2de8d9869daf162a6349dd056b6535849112c53ec3102a'
OUTER = ID[::-1]
UID = '10d16a28-60ff-475f-a631-510d9792219f'
NAMES = {'ID': ID, 'OUTER': OUTER, 'UID': UID, 'UID_': UID.replace('-', '_'), 'UID32': UID.replace('-', ''),
         'ID32': ID[:32]}


def fill(text):
    """A text of the table with its placeholders filled in."""
    return text and text.format(**NAMES)


# path: (innermost container, its runtime, its pod, innermost unit; outermost container, unit of the host's systemd).
CASES = {
    'the root': ('/', None, None, None, None, None, None),
    'nothing': (None, None, None, None, None, None, None),
    'a service': ('/system.slice/mysqld.service', None, None, None, 'mysqld.service', None, 'mysqld.service'),
    'an instance of a template': (
        '/system.slice/system-mariadb.slice/mariadb@blog.service',
        None, None, None, 'mariadb@blog.service', None, 'mariadb@blog.service'),
    'an escaped name': (
        '/system.slice/system-my\\x2ddb.slice/my\\x2ddb@a.service',
        None, None, None, 'my\\x2ddb@a.service', None, 'my\\x2ddb@a.service'),
    'a name that is also a file of the kernel': (
        '/system.slice/_cgroup.service', None, None, None, 'cgroup.service', None, 'cgroup.service'),
    'a part of a service': (
        '/system.slice/mysqld.service/inner', None, None, None, 'mysqld.service', None, 'mysqld.service'),
    'a cgroup that is gone': (
        '/system.slice/mysqld.service (deleted)', None, None, None, 'mysqld.service', None, 'mysqld.service'),
    'a cgroup outside of the namespace': (
        '/../../system.slice/mysqld.service', None, None, None, 'mysqld.service', None, 'mysqld.service'),
    'a path in the file system': (
        '/sys/fs/cgroup/cpu,cpuacct/system.slice/mysqld.service',
        None, None, None, 'mysqld.service', None, 'mysqld.service'),
    'init': ('/init.scope', None, None, None, 'init.scope', None, 'init.scope'),
    'a session': (
        '/user.slice/user-1000.slice/session-3.scope', None, None, None, 'session-3.scope', None, 'session-3.scope'),
    'a service of a user': (
        '/user.slice/user-1000.slice/user@1000.service/app.slice/run-u640.service',
        None, None, None, 'run-u640.service', None, 'run-u640.service'),
    'a user without a service': (
        '/user.slice/user-1000.slice/user@1000.service',
        None, None, None, 'user@1000.service', None, 'user@1000.service'),
    'a slice': ('/machine.slice', None, None, None, 'machine.slice', None, None),
    'docker with cgroupfs': ('/docker/{ID}', '{ID}', 'docker', None, None, '{ID}', None),
    'docker with systemd': (
        '/system.slice/docker-{ID}.scope', '{ID}', 'docker', None, 'docker-{ID}.scope', '{ID}', 'docker-{ID}.scope'),
    'docker below its engine': (
        '/system.slice/docker.service/docker/{ID}', '{ID}', 'docker', None, None, '{ID}', 'docker.service'),
    'docker with colons': ('/system.slice:docker:{ID}', '{ID}', 'docker', None, None, '{ID}', None),
    'docker with a parent of the user\'s': ('/databases/{ID}', '{ID}', None, None, None, '{ID}', None),
    'docker without root': (
        '/user.slice/user-1000.slice/user@1000.service/user.slice/docker-{ID}.scope',
        '{ID}', 'docker', None, 'docker-{ID}.scope', '{ID}', 'docker-{ID}.scope'),
    'docker that a user claims': (
        '/user.slice/user-1000.slice/user@1000.service/app.slice/docker/{ID}',
        '{ID}', 'docker', None, None, '{ID}', 'user@1000.service'),
    'docker in docker': ('/docker/{OUTER}/docker/{ID}', '{ID}', 'docker', None, None, '{OUTER}', None),
    'a service in docker': (
        '/docker/{ID}/system.slice/mariadb.service', '{ID}', 'docker', None, 'mariadb.service', '{ID}', None),
    'the init of docker': (
        '/system.slice/docker-{ID}.scope/init.scope',
        '{ID}', 'docker', None, 'docker-{ID}.scope', '{ID}', 'docker-{ID}.scope'),
    'docker in an LXC guest': (
        '/lxc/39004/ns/system.slice/docker-{ID}.scope', '{ID}', 'docker', None, 'docker-{ID}.scope', '39004', None),
    'buildx': ('/docker/buildx/{ID}', '{ID}', 'docker', None, None, '{ID}', None),
    'buildkit': (
        '/docker/buildkit/u6s5wk2jfsygfy3gpbdqyq1hm',
        'u6s5wk2jfsygfy3gpbdqyq1hm', 'buildkit', None, None, 'u6s5wk2jfsygfy3gpbdqyq1hm', None),
    'buildkit below its engine': (
        '/system.slice/docker.service/buildkit/{ID}', '{ID}', 'buildkit', None, None, '{ID}', 'docker.service'),
    'podman': (
        '/machine.slice/libpod-{ID}.scope', '{ID}', 'podman', None, 'libpod-{ID}.scope', '{ID}', 'libpod-{ID}.scope'),
    'podman, its container group': (
        '/machine.slice/libpod-{ID}.scope/container',
        '{ID}', 'podman', None, 'libpod-{ID}.scope', '{ID}', 'libpod-{ID}.scope'),
    'podman with cgroupfs': ('/libpod_parent/libpod-{ID}', '{ID}', 'podman', None, None, '{ID}', None),
    'podman in a pod with cgroupfs': ('/libpod_parent/{OUTER}/libpod-{ID}', '{ID}', 'podman', None, None, '{ID}', None),
    'podman in a pod': (
        '/machine.slice/machine-libpod_pod_{OUTER}.slice/libpod-{ID}.scope/container',
        '{ID}', 'podman', None, 'libpod-{ID}.scope', '{ID}', 'libpod-{ID}.scope'),
    'podman with a dash': ('/podman-{ID}', '{ID}', 'podman', None, None, '{ID}', None),
    'podman\'s payload': ('/machine.slice/libpod-payload-{ID}', '{ID}', 'podman', None, None, '{ID}', None),
    'podman\'s payload in its scope': (
        '/machine.slice/libpod-{ID}.scope/libpod-payload-{ID}',
        '{ID}', 'podman', None, 'libpod-{ID}.scope', '{ID}', 'libpod-{ID}.scope'),
    'podman in a unit': (
        '/system.slice/db.service/libpod-payload-{ID}', '{ID}', 'podman', None, 'db.service', '{ID}', 'db.service'),
    'podman without root': (
        '/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope/container',
        '{ID}', 'podman', None, 'libpod-{ID}.scope', '{ID}', 'libpod-{ID}.scope'),
    'podman\'s monitor': (
        '/machine.slice/libpod-conmon-{ID}.scope',
        None, None, None, 'libpod-conmon-{ID}.scope', None, 'libpod-conmon-{ID}.scope'),
    'podman\'s health check': (
        '/system.slice/{ID}.service', None, None, None, '{ID}.service', None, '{ID}.service'),
    'kubernetes with cgroupfs': ('/kubepods/burstable/pod{UID}/{ID}', '{ID}', None, '{UID}', None, '{ID}', None),
    'kubernetes with systemd': (
        '/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{UID_}.slice/cri-containerd-{ID}.scope',
        '{ID}', 'containerd', '{UID}', 'cri-containerd-{ID}.scope', '{ID}', 'cri-containerd-{ID}.scope'),
    'kubernetes with Docker': (
        '/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{UID_}.slice/docker-{ID}.scope',
        '{ID}', 'docker', '{UID}', 'docker-{ID}.scope', '{ID}', 'docker-{ID}.scope'),
    'kubernetes with CRI-O': (
        '/kubepods.slice/kubepods-pod{UID_}.slice/crio-{ID}.scope',
        '{ID}', 'cri-o', '{UID}', 'crio-{ID}.scope', '{ID}', 'crio-{ID}.scope'),
    'CRI-O\'s monitor': (
        '/kubepods.slice/kubepods-pod{UID_}.slice/crio-conmon-{ID}.scope',
        None, None, '{UID}', 'crio-conmon-{ID}.scope', None, 'crio-conmon-{ID}.scope'),
    'kubernetes with colons': (
        '/system.slice/containerd.service/kubepods-burstable-pod{UID_}.slice:cri-containerd:{ID}',
        '{ID}', 'containerd', '{UID}', None, '{ID}', 'containerd.service'),
    'a guaranteed pod with colons': (
        '/kubepods-pod{UID_}.slice:cri-containerd:{ID}', '{ID}', 'containerd', '{UID}', None, '{ID}', None),
    'kubernetes below k3s': (
        '/system.slice/k3s.service/kubepods/besteffort/pod{UID}/{ID}',
        '{ID}', None, '{UID}', None, '{ID}', 'k3s.service'),
    'a guaranteed pod': ('/kubepods/pod{UID}/{ID}', '{ID}', None, '{UID}', None, '{ID}', None),
    'a pod itself': (
        '/kubepods.slice/kubepods-pod{UID_}.slice',
        None, None, '{UID}', 'kubepods-pod{UID_}.slice', None, None),
    'a static pod': ('/kubepods/pod{UID32}', None, None, '{UID}', None, None, None),
    'a container of a static pod': (
        '/kubepods/besteffort/pod{UID32}/{ID}', '{ID}', None, '{UID}', None, '{ID}', None),
    'docker in a pod': (
        '/kubepods/burstable/pod{UID}/{OUTER}/docker/{ID}', '{ID}', 'docker', '{UID}', None, '{OUTER}', None),
    'a service in a pod': (
        '/kubepods/burstable/pod{UID}/{ID}/system.slice/mysql.service',
        '{ID}', None, '{UID}', 'mysql.service', '{ID}', None),
    'kubernetes in Docker (kind)': (
        '/docker/{OUTER}/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod{UID_}.slice/cri-containerd-{ID}.scope',
        '{ID}', 'containerd', '{UID}', 'cri-containerd-{ID}.scope', '{OUTER}', None),
    'a pod on a node that is a container': (
        '/system.slice/docker-{ID}.scope/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{UID_}.slice',
        None, None, '{UID}', 'kubepods-burstable-pod{UID_}.slice', '{ID}', 'docker-{ID}.scope'),
    'a container of a pod on a node that is a container': (
        '/docker/{OUTER}/kubelet/kubepods/burstable/pod{UID}/{ID}', '{ID}', None, '{UID}', None, '{OUTER}', None),
    'a pod on a node that is an LXC guest': (
        '/lxc.payload.node1/kubepods.slice/kubepods-pod{UID_}.slice',
        None, None, '{UID}', 'kubepods-pod{UID_}.slice', 'node1', None),
    'containerd': ('/default/{ID}', '{ID}', 'containerd', None, None, '{ID}', None),
    'nerdctl': (
        '/system.slice/nerdctl-{ID}.scope',
        '{ID}', 'containerd', None, 'nerdctl-{ID}.scope', '{ID}', 'nerdctl-{ID}.scope'),
    'LXC': ('/lxc/39004', '39004', 'lxc', None, None, '39004', None),
    'LXC 3.1': ('/lxc.payload/web', 'web', 'lxc', None, None, 'web', None),
    'LXC 4': ('/lxc.payload.web1/system.slice', 'web1', 'lxc', None, 'system.slice', 'web1', None),
    'a service in an LXC guest': (
        '/lxc/703/ns/system.slice/pulse.service', '703', 'lxc', None, 'pulse.service', '703', None),
    'a service in a guest of LXC 4': (
        '/lxc.payload.web/system.slice/mysql.service', 'web', 'lxc', None, 'mysql.service', 'web', None),
    'the monitor of LXC 3.1': ('/lxc.monitor/web', None, None, None, None, None, None),
    'the monitor of LXC 4': ('/lxc.monitor.web', None, None, None, None, None, None),
    'the service of LXC': ('/system.slice/lxc.service', None, None, None, 'lxc.service', None, 'lxc.service'),
    'LXC without root': (
        '/user.slice/user-1000.slice/session-c2.scope/lxc.payload.web',
        'web', 'lxc', None, None, 'web', 'session-c2.scope'),
    'LXC in LXC': ('/lxc/web/lxc/inner', 'inner', 'lxc', None, None, 'web', None),
    'libvirt\'s LXC': (
        '/machine.slice/machine-lxc\\x2d1234\\x2dmy\\x2dweb.scope',
        'my-web', 'lxc', None, 'machine-lxc\\x2d1234\\x2dmy\\x2dweb.scope',
        'my-web', 'machine-lxc\\x2d1234\\x2dmy\\x2dweb.scope'),
    'a virtual machine': (
        '/machine.slice/machine-qemu\\x2d3\\x2ddb.scope/libvirt/emulator',
        None, None, None, 'machine-qemu\\x2d3\\x2ddb.scope', None, 'machine-qemu\\x2d3\\x2ddb.scope'),
    'systemd-nspawn': (
        '/machine.slice/systemd-nspawn@web.service/payload',
        'web', 'nspawn', None, 'systemd-nspawn@web.service', 'web', 'systemd-nspawn@web.service'),
    'a service in systemd-nspawn': (
        '/machine.slice/systemd-nspawn@web.service/payload/system.slice/mysql.service',
        'web', 'nspawn', None, 'mysql.service', 'web', 'systemd-nspawn@web.service'),
    'systemd-nspawn itself': (
        '/machine.slice/systemd-nspawn@web.service/supervisor',
        None, None, None, 'systemd-nspawn@web.service', None, 'systemd-nspawn@web.service'),
    'a machine': (
        '/machine.slice/machine-my\\x2dweb.scope/payload/system.slice/mysql.service',
        'my-web', 'nspawn', None, 'mysql.service', 'my-web', 'machine-my\\x2dweb.scope'),
    'ECS': ('/ecs/{ID32}/{ID}', '{ID}', None, None, None, '{ID}', None),
    'ECS with systemd': (
        '/ecstasks.slice/ecstasks-{ID32}.slice/docker-{ID}.scope',
        '{ID}', 'docker', None, 'docker-{ID}.scope', '{ID}', 'docker-{ID}.scope'),
    'Fargate': ('/ecs/{ID32}/{ID32}-2495160603', '{ID32}-2495160603', None, None, None, '{ID32}-2495160603', None),
    'Mesos': ('/mesos/{UID}', '{UID}', 'mesos', None, None, '{UID}', None),
    'Mesos in Mesos': ('/mesos/{UID}/mesos/inner', 'inner', 'mesos', None, None, '{UID}', None),
    'the agent of Mesos': ('/mesos/slave', None, None, None, None, None, None),
    'Nomad': ('/nomad/{UID}-redis', '{UID}-redis', 'nomad', None, None, '{UID}-redis', None),
    'Nomad on version 2': (
        '/nomad.slice/share.slice/{UID}.redis.scope',
        '{UID}.redis', 'nomad', None, '{UID}.redis.scope', '{UID}.redis', '{UID}.redis.scope'),
    'Garden': ('/garden/{UID}', '{UID}', 'garden', None, None, '{UID}', None),
    'Garden below its unit, sorted': (
        '/system.slice/garden.service/garden/good/2f57368b-0eda-4e52-64d8-af5c', '2f57368b-0eda-4e52-64d8-af5c',
        'garden', None, None, '2f57368b-0eda-4e52-64d8-af5c', 'garden.service'),
    'one of Garden that has to wait': ('/garden/bad/{UID}', '{UID}', 'garden', None, None, '{UID}', None),
    'docker below the unit of a snap': (
        '/system.slice/snap.docker.dockerd.service/docker/{ID}',
        '{ID}', 'docker', None, None, '{ID}', 'snap.docker.dockerd.service'),
    'a build step below a slice': (
        '/system.slice/system.slice:docker:jvifp9a6b1lxa1kuw8bwfcovf', 'jvifp9a6b1lxa1kuw8bwfcovf', 'docker', None,
        None, 'jvifp9a6b1lxa1kuw8bwfcovf', None),
    'docker in docker, both by systemd': (
        '/system.slice/docker-{OUTER}.scope/system.slice/docker-{ID}.scope', '{ID}', 'docker', None,
        'docker-{ID}.scope', '{OUTER}', 'docker-{OUTER}.scope'),
    'an engine in a container': (
        '/docker/{ID}/system.slice/containerd.service',
        '{ID}', 'docker', None, 'containerd.service', '{ID}', None),
    'a pod\'s container of CRI-O without a unit': (
        '/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{UID_}.slice/crio-{ID}',
        '{ID}', 'cri-o', '{UID}', None, '{ID}', None),
    'a pod\'s container in a job of GitHub': (
        '/actions_job/{OUTER}/kubepods/burstable/pod{UID}/{ID}', '{ID}', None, '{UID}', None, '{OUTER}', None),
    'podman in a unit of a user\'s': (
        '/user.slice/user-1000.slice/user@1000.service/app.slice/db.service/libpod-payload-{ID}',
        '{ID}', 'podman', None, 'db.service', '{ID}', 'db.service'),
    'podman\'s monitor of a pod with cgroupfs': (
        '/libpod_parent/{OUTER}/conmon', None, None, None, None, None, None),
    'podman in a pod of Kubernetes': (
        '/kubepods/burstable/pod{UID}/{OUTER}/libpod_parent/libpod-{ID}',
        '{ID}', 'podman', '{UID}', None, '{OUTER}', None),
    'what runs in an LXC guest at its start': ('/lxc.payload.web/.lxc', 'web', 'lxc', None, None, 'web', None),
    'LXC below its unit': (
        '/system.slice/lxc@web.service/lxc.payload.web/system.slice/mysql.service',
        'web', 'lxc', None, 'mysql.service', 'web', 'lxc@web.service'),
    'libvirt\'s LXC without systemd': (
        '/machine/web.libvirt-lxc/system.slice/mysql.service',
        'web', 'lxc', None, 'mysql.service', 'web', None),
    'libvirt\'s LXC without systemd, with a number': (
        '/machine/prod.partition/lxc-12-web.libvirt-lxc', 'web', 'lxc', None, None, 'web', None),
    'libvirt\'s LXC before 1.3': (
        '/machine.slice/machine-lxc\\x2dweb.scope/system.slice/mysql.service',
        'web', 'lxc', None, 'mysql.service', 'web', 'machine-lxc\\x2dweb.scope'),
    'a virtual machine before libvirt 1.3': (
        '/machine.slice/machine-qemu\\x2ddb.scope/emulator',
        None, None, None, 'machine-qemu\\x2ddb.scope', None, 'machine-qemu\\x2ddb.scope'),
    'a virtual machine of Cloud Hypervisor': (
        '/machine.slice/machine-ch\\x2d3\\x2ddb.scope',
        None, None, None, 'machine-ch\\x2d3\\x2ddb.scope', None, 'machine-ch\\x2d3\\x2ddb.scope'),
    'a virtual machine without systemd': (
        '/machine/qemu-2-db.libvirt-qemu/emulator', None, None, None, None, None, None),
    'a machine whose name begins as a hypervisor': (
        '/machine.slice/machine-qemux.scope/payload',
        'qemux', 'nspawn', None, 'machine-qemux.scope', 'qemux', 'machine-qemux.scope'),
    'systemd-nspawn in systemd-nspawn': (
        '/machine.slice/systemd-nspawn@a.service/payload/machine.slice/systemd-nspawn@b.service/payload',
        'b', 'nspawn', None, 'systemd-nspawn@b.service', 'a', 'systemd-nspawn@a.service'),
    'a job of Slurm': (
        '/system.slice/slurmstepd.scope/job_12/step_0/user/task_0',
        None, None, None, 'slurmstepd.scope', None, 'slurmstepd.scope'),
    'a service of OpenRC': ('/openrc.mariadb', None, None, None, None, None, None),
    # Below a unit that was delegated its service makes what it likes.
    'the name of a unit below a unit': (
        '/system.slice/web.service/mysqld.service', None, None, None, 'web.service', None, 'web.service'),
    'the name of a unit in a session': (
        '/user.slice/user-1000.slice/session-3.scope/mysqld.service',
        None, None, None, 'session-3.scope', None, 'session-3.scope'),
    'the name of another user\'s manager': (
        '/user.slice/user-1000.slice/user@1000.service/app.slice/user@0.service/mysqld.service',
        None, None, None, 'user@0.service', None, 'user@0.service'),
    'the name of a guest below a unit': (
        '/system.slice/web.service/systemd-nspawn@db.service/payload',
        'db', 'nspawn', None, 'systemd-nspawn@db.service', 'db', 'web.service'),
    'the name of a guest in a session': (
        '/user.slice/user-1000.slice/session-3.scope/systemd-nspawn@db.service',
        'db', 'nspawn', None, 'systemd-nspawn@db.service', 'db', 'session-3.scope'),
    'the name of a guest in a pod below a unit': (
        '/system.slice/web.service/pod{UID}/systemd-nspawn@db.service',
        'db', 'nspawn', '{UID}', 'systemd-nspawn@db.service', 'db', 'web.service'),
    'the name of a guest where systemd has no unit': (
        '/databases/systemd-nspawn@db.service', 'db', 'nspawn', None, 'systemd-nspawn@db.service', 'db', None),
    'the name of a scope below a unit': (
        '/system.slice/web.service/docker-{ID}.scope',
        '{ID}', 'docker', None, 'docker-{ID}.scope', '{ID}', 'web.service'),
    'podman in a unit, below the name of another': (
        '/system.slice/web.service/mysqld.service/libpod-payload-{ID}',
        '{ID}', 'podman', None, 'web.service', '{ID}', 'web.service'),
    'CRI-O with a group of crun\'s': (
        ('/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{UID_}.slice/crio-{ID}.scope/'
         'container/system.slice/mysqld.service'),
        '{ID}', 'cri-o', '{UID}', 'mysqld.service', '{ID}', 'crio-{ID}.scope'),
    'CRI-O\'s monitor with cgroupfs': (
        '/kubepods/burstable/pod{UID}/crio-conmon-{ID}',
        None, None, '{UID}', None, None, None),
    'all pods': (
        '/kubepods.slice/kubepods-burstable.slice',
        None, None, None, 'kubepods-burstable.slice', None, None),
    'a kubelet on a node in Docker': (
        '/docker/{OUTER}/kubelet.slice/kubelet.service',
        '{OUTER}', 'docker', None, 'kubelet.service', '{OUTER}', None),
    'a program of Talos': (
        '/podruntime/kubelet',
        None, None, None, None, None, None),
    'docker without root and without cgroups': (
        '/user.slice/user-1000.slice/user@1000.service/app.slice/docker.service',
        None, None, None, 'docker.service', None, 'docker.service'),
    'docker below its engine without root': (
        '/user.slice/user-1000.slice/user@1000.service/docker.service/docker/{ID}',
        '{ID}', 'docker', None, None, '{ID}', 'docker.service'),
    'podman\'s runtime in a unit': (
        '/system.slice/db.service/runtime',
        None, None, None, 'db.service', None, 'db.service'),
    'a service in podman in a unit': (
        '/system.slice/db.service/libpod-payload-{ID}/system.slice/mariadb.service',
        '{ID}', 'podman', None, 'mariadb.service', '{ID}', 'db.service'),
    'a service in podman': (
        '/machine.slice/libpod-{ID}.scope/container/system.slice/mariadb.service',
        '{ID}', 'podman', None, 'mariadb.service', '{ID}', 'libpod-{ID}.scope'),
    'a snap in a session': (
        '/user.slice/user-1000.slice/user@1000.service/app.slice/snap.firefox.firefox-{UID}.scope',
        None, None, None, 'snap.firefox.firefox-{UID}.scope', None, 'snap.firefox.firefox-{UID}.scope'),
    'a terminal in a session': (
        ('/user.slice/user-1000.slice/user@1000.service/app.slice/app-org.gnome.Terminal.slice/'
         'vte-spawn-{UID}.scope'),
        None, None, None, 'vte-spawn-{UID}.scope', None, 'vte-spawn-{UID}.scope'),
    'an instance with colons': (
        '/system.slice/system-tunnel.slice/tunnel@tcp:docker:5000.service',
        None, None, None, 'tunnel@tcp:docker:5000.service', None, 'tunnel@tcp:docker:5000.service'),
    'a unit of D-Bus': (
        ('/system.slice/system-dbus\\x2d:1.3\\x2dorg.freedesktop.problems.slice/'
         'dbus-:1.3-org.freedesktop.problems@0.service'),
        None, None, None, 'dbus-:1.3-org.freedesktop.problems@0.service',
        None, 'dbus-:1.3-org.freedesktop.problems@0.service'),
    'systemd-run with a scope': (
        '/system.slice/run-r3a4b5c6d7e8f90123456789012345678.scope',
        None, None, None, 'run-r3a4b5c6d7e8f90123456789012345678.scope',
        None, 'run-r3a4b5c6d7e8f90123456789012345678.scope'),
    'a service of root\'s session': (
        '/user.slice/user-0.slice/user@0.service/app.slice/mysqld.service',
        None, None, None, 'mysqld.service', None, 'mysqld.service'),
    'a unit without a slice': (
        '/mysqld.service',
        None, None, None, 'mysqld.service', None, 'mysqld.service'),
    'a unit with the end of a slice': (
        '/system.slice/mysqld.slice.service',
        None, None, None, 'mysqld.slice.service', None, 'mysqld.slice.service'),
    'a slice below a unit': (
        '/system.slice/web.service/evil.slice/mysqld.service',
        None, None, None, 'mysqld.service', None, 'web.service'),
    'a machine itself': (
        '/machine.slice/machine-fedora\\x2d39.scope/supervisor',
        None, None, None, 'machine-fedora\\x2d39.scope', None, 'machine-fedora\\x2d39.scope'),
    'systemd-vmspawn': (
        '/machine.slice/systemd-vmspawn@web.service',
        None, None, None, 'systemd-vmspawn@web.service', None, 'systemd-vmspawn@web.service'),
    'the name of a guest\'s supervisor below a unit': (
        '/system.slice/web.service/systemd-nspawn@db.service/supervisor',
        None, None, None, 'web.service', None, 'web.service'),
    'a guest of LXC 4 named monitor': (
        '/lxc.payload.monitor/system.slice/mariadb.service',
        'monitor', 'lxc', None, 'mariadb.service', 'monitor', None),
    'a guest of LXC 4 named as a monitor with a dot': (
        '/lxc.payload.monitor.prod',
        'monitor.prod', 'lxc', None, None, 'monitor.prod', None),
    'the monitor of a guest named payload': (
        '/lxc.monitor.payload.web',
        None, None, None, None, None, None),
    'a user\'s service in a guest': (
        '/lxc.payload.web/user.slice/user-1000.slice/user@1000.service/app.slice/mysqld.service',
        'web', 'lxc', None, 'mysqld.service', 'web', None),
    'OpenRC in a guest of Proxmox': (
        '/lxc/101/ns/openrc.mysqld',
        '101', 'lxc', None, None, '101', None),
    'a virtual machine of Proxmox': (
        '/qemu.slice/100.scope',
        None, None, None, '100.scope', None, '100.scope'),
    'a container beside this one': (
        '/../{ID}',
        '{ID}', None, None, None, '{ID}', None),
    'microk8s': (
        ('/system.slice/snap.microk8s.daemon-containerd.service/'
         'kubepods-besteffort-pod{UID_}.slice:cri-containerd:{ID}'),
        '{ID}', 'containerd', '{UID}', None, '{ID}', 'snap.microk8s.daemon-containerd.service'),
    'LXC below its template\'s unit': (
        '/system.slice/system-lxc.slice/lxc@web.service/lxc.payload.web',
        'web', 'lxc', None, None, 'web', 'lxc@web.service'),
    'podman in a session': (
        '/user.slice/user-1000.slice/session-3.scope/libpod-payload-{ID}',
        '{ID}', 'podman', None, None, '{ID}', 'session-3.scope'),
    'podman that a user claims': (
        '/user.slice/user-1000.slice/user@1000.service/libpod-payload-{ID}',
        '{ID}', 'podman', None, None, '{ID}', 'user@1000.service'),
    'the init of podman in a unit of a user\'s': (
        '/user.slice/user-1000.slice/user@1000.service/app.slice/db.service/libpod-payload-{ID}/init.scope',
        '{ID}', 'podman', None, 'db.service', '{ID}', 'db.service'),
    'Sysbox': (
        '/system.slice/docker-{OUTER}.scope/syscont-cgroup-root/system.slice/docker-{ID}.scope',
        '{ID}', 'docker', None, 'docker-{ID}.scope', '{OUTER}', 'docker-{OUTER}.scope'),
    'a scope within a unit of Docker\'s container': (
        '/system.slice/docker-{ID}.scope/system.slice/web.service/mysqld.service',
        '{ID}', 'docker', None, 'web.service', '{ID}', 'docker-{ID}.scope'),
}


def expected(case):
    return [fill(cell) for cell in CASES[case]]


@pytest.mark.parametrize('case', sorted(CASES))
def test_cgroup(case):
    path, container, runtime, pod, unit, outer_container, outer_unit = expected(case)
    assert cgroup_names(path) == {
        'container_id': container, 'runtime': runtime, 'pod_uid': pod, 'unit': unit,
        'outer_container_id': outer_container, 'outer_unit': outer_unit}


@pytest.mark.parametrize('form', ['/..%s', '%s/', '%s (deleted)', '/sys/fs/cgroup%s', '/sys/fs/cgroup/memory%s'])
def test_what_the_mount_and_the_kernel_add_to_a_path_changes_nothing(form):
    for case in sorted(set(CASES) - set(['a cgroup that is gone', 'a path in the file system'])):
        path = expected(case)[0] or ''
        assert cgroup_names(form % path) == cgroup_names(path), case


# Whose setting reaches what is in a cgroup, and nothing beside it.
@pytest.mark.parametrize('case, unit', [
    ('a service', 'mysqld.service'),
    ('a part of a service', 'mysqld.service'),
    ('docker with systemd', 'docker-{ID}.scope'),
    ('podman in a unit', 'db.service'),
    ('systemd-nspawn', 'systemd-nspawn@web.service'),
    ('docker below its engine', None),
    ('buildkit below its engine', None),
    ('kubernetes with colons', None),
    ('kubernetes below k3s', None),
    ('docker that a user claims', None),
    ('a service in docker', None),
    ('a service in a guest of LXC 4', None),
    ('LXC without root', None),
    ('LXC below its unit', None),
    ('Garden below its unit, sorted', None),
    ('libvirt\'s LXC before 1.3', 'machine-lxc\\x2dweb.scope'),
    ('a virtual machine before libvirt 1.3', 'machine-qemu\\x2ddb.scope'),
    ('the name of a unit below a unit', 'web.service'),
    ('an instance with colons', 'tunnel@tcp:docker:5000.service'),
    ('a service in podman in a unit', 'db.service'),
    ('docker below its engine without root', None),
    ('a guest of LXC 4 named monitor', None),
    ('the name of a guest\'s supervisor below a unit', 'web.service'),
    ('a slice below a unit', 'web.service'),
    ('the name of a guest below a unit', None),
    ('the name of a guest in a session', None),
    ('the name of a guest in a pod below a unit', None),
    ('the name of a guest where systemd has no unit', None),
    ('the name of a scope below a unit', None),
    ('podman in a unit, below the name of another', 'web.service'),
    ('podman in a unit of a user\'s', 'db.service'),
    ('podman in a session', None),
    ('podman that a user claims', None),
    ('the root', None),
])
def test_the_unit_of_an_engine_is_not_the_unit_of_its_containers(case, unit):
    assert own_unit(parse_cgroup(expected(case)[0])) == fill(unit)


@pytest.mark.parametrize('case, unit', [
    ('a service', 'mysqld.service'),
    ('docker with systemd', 'docker-{ID}.scope'),
    ('docker below its engine', None),
    ('a service of a user', None),
    ('podman without root', None),
    ('podman in a unit of a user\'s', None),
    ('the name of another user\'s manager', None),
    ('a user without a service', 'user@1000.service'),
])
def test_a_user_s_unit_is_none_of_the_system_s_whatever_its_name(case, unit):
    assert system_unit(parse_cgroup(expected(case)[0])) == fill(unit)


@pytest.mark.parametrize('case, is_within', [
    ('a service', False),
    ('docker with cgroupfs', False),
    ('docker with systemd', False),
    ('docker in docker', False),
    ('docker in docker, both by systemd', False),
    ('docker below its engine without root', False),
    ('a service in docker', True),
    ('podman, its container group', False),
    ('podman in a unit', False),
    ('a service in podman in a unit', True),
    ('a pod itself', False),
    ('kubernetes with systemd', False),
    ('kubernetes in Docker (kind)', False),
    ('a pod on a node that is a container', False),
    ('docker in a pod', True),
    ('podman in a pod of Kubernetes', True),
    ('a service in a pod', True),
    ('LXC', False),
    ('LXC in LXC', False),
    ('a service in an LXC guest', True),
    ('systemd-nspawn', False),
])
def test_what_is_within_a_container_has_limits_that_are_not_the_container_s(case, is_within):
    assert is_within_container(parse_cgroup(expected(case)[0])) is is_within


@pytest.mark.parametrize('path, unit', [
    ('/system.slice/mysqld.service', 'mysqld.service'), ('/system.slice', 'system.slice'),
    ('/system.slice/_cgroup.service (deleted)', 'cgroup.service'), ('/mysqld.service', 'mysqld.service'),
    ('/user.slice/user-1000.slice/user@1000.service', 'user@1000.service'),
    ('/machine.slice/machine-my\\x2dweb.scope', 'machine-my\\x2dweb.scope'),
    ('/system.slice/mysqld.service/inner', None), ('/system.slice/web.service/mysqld.service', None),
    ('/user.slice/user-1000.slice/user@1000.service/app.slice', None),
    ('/user.slice/user-1000.slice/user@1000.service/app.slice/mysqld.service', None),
    ('/docker/{ID}/system.slice/mysqld.service', None), ('/web', None), ('/', None), ('/.slice', None), (None, None),
])
def test_a_path_is_of_a_unit_if_systemd_made_it(path, unit):
    assert unit_of_path(fill(path)) == unit


def test_a_path_that_tells_a_container_comes_before_one_that_tells_the_unit_of_its_engine():
    paths = ['/system.slice/containerd.service', '/', '/docker/' + ID, '/docker/' + OUTER]
    assert [parsed['container_id'] for parsed in parse_cgroups_of(paths)] == [ID, OUTER, None, None]


@pytest.mark.parametrize('case, kinds', [
    ('a service', []),
    ('docker with cgroupfs', ['docker']),
    ('docker with a parent of the user\'s', [None]),
    ('docker in docker', ['docker', 'docker']),
    ('docker in an LXC guest', ['other', 'docker']),
    ('podman in a pod with cgroupfs', ['podman']),
    ('buildkit', ['other']),
    ('kubernetes with cgroupfs', ['kubernetes']),
    ('kubernetes with Docker', ['kubernetes']),
    ('kubernetes with colons', ['kubernetes']),
    ('docker in a pod', ['kubernetes', 'kubernetes']),
    ('a pod on a node that is a container', ['docker', 'kubernetes']),
    ('containerd', ['other']),
    ('systemd-nspawn', ['other']),
])
def test_each_container_tells_who_manages_it(case, kinds):
    assert [found['kind'] for found in parse_cgroup(expected(case)[0])['containers']] == kinds


@pytest.mark.parametrize('path, user, user_slice, delegated', [
    ('/system.slice/mysqld.service', None, None, False),
    ('/docker/{ID}', None, None, False),
    ('/system.slice/docker-{ID}.scope', None, None, False),
    ('/system.slice/web.service/docker/{ID}', None, None, True),
    ('/user.slice/user-1000.slice/session-3.scope', None, 1000, False),
    ('/user.slice/user-1000.slice/docker/{ID}', None, 1000, True),
    ('/user.slice/user-1000.slice/user@1000.service/app.slice/docker/{ID}', None, 1000, True),
    ('/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope', 1000, 1000, True),
    ('/user.slice/user-1000.slice/user@1000.service/app.slice/db.service', 1000, 1000, False),
    ('/docker/{ID}/user.slice/user-1000.slice/user@1000.service/app.slice/db.service', None, None, False),
])
def test_a_path_says_whose_claim_its_container_is(path, user, user_slice, delegated):
    found = parse_cgroup(fill(path))
    assert (found['user'], found['user_slice'], found['delegated']) == (user, user_slice, delegated)


@pytest.mark.parametrize('path, unit', [
    ('/' + 'a.' * 30000, None),
    ('/' + 'a.' * 30000 + 'service', 'a.' * 30000 + 'service'),
    ('/.service', None),
    ('/a.slice/b', None),
    ('/a.slice/b.slice', 'b.slice'),
])
def test_a_unit_is_a_whole_part_of_the_path(path, unit):
    assert cgroup_names(path)['unit'] == unit


@pytest.mark.parametrize('path', [
    '/docker/buildx', '/docker/' + ID[:12], '/docker/' + ID.upper(), '/docker/' + ID + 'a', '/x' + ID, '/lxc',
    '/lxc.payload', '/lxc.payload.', '/machine-.scope', '/system.slice:docker:..', '/pod' + UID[:-1], '/tripod' + UID,
    '/nomad/redis', '/system.slice/system.slice', '/libpod_parent/libpod_pod_' + ID, '/' + ID + '.service',
    u'/docker/caf\xe9',
])
def test_what_only_looks_like_a_container_is_none(path):
    assert parse_cgroup(path)['containers'] == []


@pytest.mark.parametrize('part', [
    'a', 'a/', '/', '../', 'lxc/x/', 'lxc.payload/', 'lxc.', '-', ':', 'f', 'pod', '\\x2d', 'machine-', '.scope',
    '.slice', 'a.service/', 'user@1.service/', 'docker/' + ID + '/', 'docker/' + ID + '/docker/' + OUTER + '/',
    'kubepods/pod' + UID + '/',
])
@pytest.mark.parametrize('start, end', [('/', ''), ('/machine-', '.scope'), ('/nomad/' + UID + '.', '.scope')])
def test_a_path_of_64_kb_takes_no_time(start, part, end):
    path = start + part * (65536 // len(part)) + end
    begun = os.times()[0]
    parse_cgroup(path)
    assert os.times()[0] - begun < 2


@pytest.mark.parametrize('paths, uid', [
    (['/user.slice/user-1000.slice/session-3.scope'], 1000),
    (['/x', '/user.slice/user-7.slice'], 7),
    (['/system.slice/user.slice/user-7.slice/x'], None),
    (['/docker/x/user.slice/user-7.slice/x'], None),
    (['/user.slice/user-7.slicex'], None),
])
def test_a_session_is_in_the_slice_of_its_user(paths, uid):
    assert session_uid(paths) == uid


def test_a_prefix_is_cut_at_a_slash_alone():
    groups = parse_cgroups(v2('/docker/abc-other/x.service'))
    assert paths_of_groups(groups, parse_cgroups(v2('/docker/abc'))) == ['/docker/abc-other/x.service']
