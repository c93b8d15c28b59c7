# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes that have vm.swappiness: sysctl files as distributions ship them, tuned, and cgroups of version 1."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host
from fake_node import Node

VIRTUAL_GUEST = """\
[main]
summary=Optimize for running inside a virtual guest
include=throughput-performance

[sysctl]
vm.dirty_ratio = 30
vm.swappiness = 30
"""
THROUGHPUT = """\
[main]
summary=Broadly applicable tuning

[cpu]
governor=performance

[sysctl]
vm.dirty_ratio = 40
vm.swappiness=10
"""


class SysctlNode(Node):
    """A node whose kernel has vm.swappiness at 60, and a tuned-adm that writes down the profile it is told."""

    def __init__(self, root, kernel='6.1.0-18-amd64', version=252):
        Node.__init__(self, root, version)
        self.host = Host(root=self.root, run=self.run)
        self.procps = '4.0.2'
        self.file('/proc/sys/kernel/osrelease', kernel + '\n')
        self.file('/proc/sys/vm/swappiness', '60\n')
        self.file('/proc/cmdline', 'root=/dev/vda rw\n')
        self.file('/usr/lib/systemd/systemd-sysctl', '')
        self.file('/usr/sbin/sysctl', '')
        self.file('/etc/sysctl.d/README.sysctl', 'vm.swappiness = 99\n')

    def runtime(self):
        return int(self.host.read('/proc/sys/vm/swappiness').split()[0])

    def tuned(self, profile='virtual-guest', reapply=None, directory='/usr/lib/tuned', running=True):
        self.file(directory + '/virtual-guest/tuned.conf', VIRTUAL_GUEST)
        self.file(directory + '/throughput-performance/tuned.conf', THROUGHPUT)
        self.file('/etc/tuned/tuned-main.conf', '# Global\ndaemon = 1\n' + (
            '' if reapply is None else 'reapply_sysctl = %s  # comment\n' % reapply))
        self.file('/etc/tuned/active_profile', profile + '\n' if profile else '')
        self.file('/etc/tuned/profile_mode', 'auto\n')
        self.link('/etc/systemd/system/multi-user.target.wants/tuned.service', '/usr/lib/systemd/system/tuned.service')
        if running:
            self.file('/run/tuned/tuned.pid', '734')
            self.process(734, 'tuned')
            self.file('/proc/734/comm', 'tuned\n')
        return self

    def memory_v1(self, **values):
        """The memory controller of version 1 with cgroups of these swappiness values."""
        self.file('/proc/self/mountinfo', '35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n')
        self.file('/sys/fs/cgroup/memory/memory.swappiness', '60\n')
        for name, value in values.items():
            self.file('/sys/fs/cgroup/memory/%s/memory.swappiness' % name.replace('__', '/'), '%d\n' % value)
        return self

    def run(self, argv):
        if argv[0] == 'tuned-adm':
            self.commands.append(' '.join(argv))
            self.file('/etc/tuned/active_profile', ' '.join(argv[2:]) + '\n')
            self.file('/etc/tuned/profile_mode', 'manual\n')
            return 0, '', ''
        if argv[0] == 'sysctl':
            return 0, 'sysctl from procps-ng %s\n' % self.procps, ''
        return Node.run(self, argv)

    def etc(self):
        """{path: text or link target} of all that is not the kernel's."""
        found = {}
        for directory, names, files in os.walk(self.root):
            if directory == self.root:
                names[:] = [name for name in names if name not in ('proc', 'sys')]
            for name in files + [name for name in names if os.path.islink(os.path.join(directory, name))]:
                path = os.path.join(directory, name)
                if os.path.islink(path):
                    found[path[len(self.root):]] = 'link to ' + os.readlink(path)
                else:
                    found[path[len(self.root):]] = self.host.read(path[len(self.root):])
        return found


def bookworm(root, sysctl_conf='# commented\n#vm.swappiness=1\n'):
    node = SysctlNode(root)
    node.file('/etc/sysctl.conf', sysctl_conf)
    node.link('/etc/sysctl.d/99-sysctl.conf', '../sysctl.conf')
    node.file('/usr/lib/sysctl.d/50-pid-max.conf', 'kernel.pid_max = 4194304\n')
    node.link('/lib', 'usr/lib')
    return node


def trixie(root, sysctl_conf=None):
    node = SysctlNode(root, '6.12.48+deb13-amd64', 257)
    if sysctl_conf is not None:
        node.file('/etc/sysctl.conf', sysctl_conf)
    node.file('/usr/lib/sysctl.d/50-default.conf', '-net.ipv4.conf.all.rp_filter\nkernel.sysrq = 0x01b6\n')
    node.link('/lib', 'usr/lib')
    return node


def el7(root, reapply=None):
    """The seed's host: CentOS 7, its sysctl.conf by a link, tuned with virtual-guest, cgroups of version 1."""
    node = SysctlNode(root, '3.10.0-957.27.2.el7.x86_64', 219)
    node.file('/etc/sysctl.conf', '# sysctl settings are defined through files in\n')
    node.link('/etc/sysctl.d/99-sysctl.conf', '../sysctl.conf')
    node.file('/usr/lib/sysctl.d/00-system.conf', 'kernel.shmmax = 68719476736\n')
    node.link('/lib', 'usr/lib')
    return node.tuned(reapply=reapply).memory_v1(docker=60, system__slice=60)
