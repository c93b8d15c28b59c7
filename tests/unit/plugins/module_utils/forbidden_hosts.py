# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of files on which somebody says no to swap, with who and where, and hosts that look like these."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from fake_node import Node

KUBELET_UNIT = '/usr/lib/systemd/system/kubelet.service'
KUBEADM = '/etc/systemd/system/kubelet.service.d/10-kubeadm.conf'
KUBEADM_TEXT = ('[Service]\nEnvironment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"\n'
                'EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env\nEnvironmentFile=-/etc/default/kubelet\n'
                'ExecStart=\nExecStart=/usr/bin/kubelet $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS '
                '$KUBELET_EXTRA_ARGS\n')
CONFIG = '/var/lib/kubelet/config.yaml'
FLAGS, DEFAULTS = '/var/lib/kubelet/kubeadm-flags.env', '/etc/default/kubelet'
NODE = {KUBELET_UNIT: '[Service]\nExecStart=/usr/bin/kubelet\n', KUBEADM: KUBEADM_TEXT,
        CONFIG: 'kind: KubeletConfiguration\n'}
K3S = {'/etc/systemd/system/k3s.service': '[Service]\nExecStart=/usr/local/bin/k3s server\n'}
K3S_CONFIG = '/etc/rancher/k3s/config.yaml'
K3S_PARTS = '/var/lib/rancher/k3s/agent/etc/kubelet.conf.d/%d.conf'
MICROK8S = '/var/snap/microk8s/current/args/kubelet'
SWAPS = 'Filename\tType\tSize\tUsed\tPriority\n'
ZRAM = SWAPS + '/dev/zram0 partition 1048572 0 100\n'
ZRAM_CONFIG = '/etc/systemd/zram-generator.conf'
ENABLED = '/etc/systemd/system/multi-user.target.wants/%s.service'
SERVICE = '/usr/lib/systemd/system/%s.service'
INSTALLED = '[Service]\n[Install]\nWantedBy=multi-user.target\n'
WAAGENT = {'/usr/sbin/waagent': '', '/etc/waagent.conf': 'ResourceDisk.Format=y\nResourceDisk.EnableSwap=y\n'}
RPI = {'/usr/lib/systemd/system-generators/rpi-swap-generator': '', '/etc/rpi/swap.conf': '[Main]\n#Mechanism=auto\n'}
CLOUD = '/etc/cloud/cloud.cfg'
ELASTIC = '/etc/elasticsearch/elasticsearch.yml'
VAULT = '/etc/vault.d/vault.hcl'
NULL = 'link to /dev/null'


def of(*parts, **more):
    found = {}
    for part in parts + (more,):
        found.update(part)
    return found


def built(root, files):
    node = Node(root)
    for path in sorted(files):
        if files[path] == NULL:
            node.link(path, '/dev/null')
        else:
            node.file(path, files[path])
    return node


FORBIDDEN = [
    pytest.param(NODE, 'kubelet', CONFIG, id='kubelet, by its default'),
    pytest.param(of(NODE, {CONFIG: '# failSwapOn: false\nfailSwapOn: true\n'}), 'kubelet', CONFIG,
                 id='kubelet, outright'),
    pytest.param(of(NODE, {CONFIG: 'failSwapOn: false\n', FLAGS: 'KUBELET_KUBEADM_ARGS="--fail-swap-on=true"\n'}),
                 'kubelet', FLAGS, id='kubelet, a flag wins over its file'),
    pytest.param(of(NODE, {DEFAULTS: '#KUBELET_EXTRA_ARGS=--fail-swap-on=false\n'}), 'kubelet', CONFIG,
                 id='kubelet, a flag in a comment'),
    pytest.param({KUBELET_UNIT: '[Service]\nExecStart=/usr/bin/kubelet --config /etc/k.json\n',
                  '/etc/k.json': '{"failSwapOn": true}'}, 'kubelet', '/etc/k.json',
                 id='kubelet, a file of another name'),
    pytest.param({KUBELET_UNIT: '[Service]\nExecStart=/usr/bin/kubelet\n',
                  DEFAULTS: 'KUBELET_EXTRA_ARGS=--fail-swap-on=false\n'}, 'kubelet', CONFIG,
                 id='kubelet, whose unit reads no such flags'),
    pytest.param({'/usr/bin/kubelet': '', CONFIG: 'a: b\n'}, 'kubelet', CONFIG, id='kubelet without a unit'),
    pytest.param(of(K3S, {K3S_CONFIG: 'kubelet-arg:\n  - "fail-swap-on=true"\n'}), 'k3s', K3S_CONFIG, id='k3s'),
    pytest.param(of(K3S, {K3S_PARTS % 10: 'a: b\n', K3S_PARTS % 20: 'failSwapOn: true\n', K3S_PARTS % 30: 'c: d\n'}),
                 'k3s', K3S_PARTS % 20, id='k3s, by a part of its kubelet\'s file'),
    pytest.param({'/etc/systemd/system/k3s-agent.service':
                  '[Service]\nExecStart=/usr/local/bin/k3s agent \\\n    --kubelet-arg=fail-swap-on=true\n'}, 'k3s',
                 '/etc/systemd/system/k3s-agent.service', id='k3s, by its unit'),
    pytest.param({'/usr/lib/systemd/system/rke2-agent.service': '[Service]\nExecStart=/usr/bin/rke2 agent\n',
                  '/etc/rancher/rke2/config.yaml.d/9.yaml': 'kubelet-arg: [fail-swap-on=true]\n'}, 'rke2',
                 '/etc/rancher/rke2/config.yaml.d/9.yaml', id='RKE2'),
    pytest.param({MICROK8S: '--root-dir=/x\n#--fail-swap-on=false\n'}, 'microk8s', MICROK8S, id='microk8s'),
    pytest.param(WAAGENT, 'waagent', '/etc/waagent.conf', id='waagent'),
    pytest.param(RPI, 'rpi-swap', '/etc/rpi/swap.conf', id='rpi-swap'),
    pytest.param(of(RPI, {'/etc/rpi/swap.conf.d/9.conf': '[Main]\nMechanism=swapfile\n'}), 'rpi-swap',
                 '/etc/rpi/swap.conf.d/9.conf', id='rpi-swap, by a drop-in'),
    pytest.param({'/usr/sbin/dphys-swapfile': '', '/etc/dphys-swapfile': 'CONF_SWAPSIZE=100\n'}, 'dphys-swapfile',
                 '/etc/dphys-swapfile', id='dphys-swapfile'),
    pytest.param({'/usr/sbin/swapspace': '', '/etc/swapspace.conf': '', SERVICE % 'swapspace': INSTALLED,
                  ENABLED % 'swapspace': ''}, 'swapspace', '/etc/swapspace.conf', id='swapspace'),
    pytest.param({CLOUD: 'swap:\n  filename: /swap.img\n  size: 1G\n'}, 'cloud-init', CLOUD, id='cloud-init'),
    pytest.param({ZRAM_CONFIG: '[zram0]\n', '/proc/swaps': ZRAM}, 'zram-generator', ZRAM_CONFIG, id='zram alone'),
    pytest.param({'/proc/swaps': ZRAM}, 'zram-generator', '/proc/swaps', id='zram alone, of nobody known'),
    pytest.param({'/proc/cmdline': 'root=/dev/sda1 resume=/dev/sda1 resume_offset=34816 quiet\n'}, 'hibernation',
                 '/proc/cmdline', id='hibernation into a file'),
    pytest.param({ELASTIC: 'bootstrap.memory_lock: true\n'}, 'memory-lock', ELASTIC, id='Elasticsearch'),
    pytest.param({'/etc/cassandra/cassandra.yaml': 'a: b\n'}, 'memory-lock', '/etc/cassandra/cassandra.yaml',
                 id='Cassandra'),
    pytest.param({'/var/snap/k8s/common/args/kubelet': '--fail-swap-on=true\n'}, 'kubelet',
                 '/var/snap/k8s/common/args/kubelet', id='the snap k8s'),
    pytest.param({'/etc/systemd/system/k0sworker.service': '[Service]\nExecStart=/usr/local/bin/k0s worker '
                  '--kubelet-extra-args="--fail-swap-on=true"\n'}, 'kubelet',
                 '/etc/systemd/system/k0sworker.service', id='k0s, by its unit'),
    pytest.param({'/etc/systemd/system/k0scontroller.service': '[Service]\nExecStart=/usr/local/bin/k0s controller\n',
                  '/etc/k0s/k0s.yaml': 'spec:\n  workerProfiles:\n  - name: a\n    values:\n      failSwapOn: true\n'},
                 'kubelet', '/etc/k0s/k0s.yaml', id='k0s, by a profile'),
    pytest.param(of(K3S, {K3S_CONFIG: 'kubelet-arg:\n- config=/etc/k.yaml\n', '/etc/k.yaml': 'failSwapOn: true\n'}),
                 'k3s', '/etc/k.yaml', id='k3s, by a file that it hands over'),
    pytest.param(of(NODE, {CONFIG: 'failSwapOn: false\n', '/etc/systemd/system/service.d/x.conf':
                           '[Service]\nEnvironment="KUBELET_EXTRA_ARGS=--fail-swap-on=true"\n'}), 'kubelet',
                 '/etc/systemd/system/service.d/x.conf', id='kubelet, by a drop-in of all services'),
    pytest.param({ZRAM_CONFIG + '.d/x.conf': '[zram0]\n', '/proc/swaps': ZRAM}, 'zram-generator',
                 ZRAM_CONFIG + '.d/x.conf', id='zram alone, by a drop-in'),
    pytest.param({'/sys/power/resume_offset': '34816\n', '/sys/power/resume': '8:1\n'}, 'hibernation',
                 '/sys/power/resume_offset', id='hibernation into a file, told to the kernel'),
    pytest.param({'/etc/cassandra/default.conf/cassandra.yaml': 'a: b\n', '/etc/cassandra/conf/cassandra.yaml': ''},
                 'memory-lock', '/etc/cassandra/default.conf/cassandra.yaml', id='Cassandra of an RPM'),
    pytest.param({'/proc/cmdline': 'quiet systemd.swap=N\n'}, 'masked', '/proc/cmdline', id='systemd.swap=N'),
    pytest.param({'/proc/cmdline': 'systemd.mask=swap.target\n'}, 'masked', '/proc/cmdline',
                 id='masked by the kernel\'s command line'),
    pytest.param({'/proc/cmdline': 'quiet\n', '/boot/grub/grub.cfg': '\tlinux /vmlinuz systemd.swap=0\n'}, 'masked',
                 '/boot/grub/grub.cfg', id='systemd.swap=0 from the next boot on'),
    pytest.param({'/etc/clickhouse-server/config.xml': '<clickhouse/>'}, 'memory-lock',
                 '/etc/clickhouse-server/config.xml', id='ClickHouse'),
    pytest.param({VAULT: 'disable_mlock = true\n'}, 'memory-lock', VAULT, id='Vault that locks nothing'),
    pytest.param({'/etc/systemd/system/swap.target': NULL}, 'masked', '/etc/systemd/system/swap.target',
                 id='swap.target masked, as kubespray does'),
    pytest.param({'/etc/systemd/system/swapfile.swap': NULL}, 'masked', '/etc/systemd/system/swapfile.swap',
                 id='the unit of the file masked'),
    pytest.param({'/proc/cmdline': 'quiet systemd.swap=no\n'}, 'masked', '/proc/cmdline', id='systemd.swap=no'),
    pytest.param({'/proc/cmdline': 'quiet noswap\n', '/proc/1/comm': 'init\n'}, 'masked', '/proc/cmdline',
                 id='noswap of sysvinit'),
    pytest.param({'/proc/cmdline': 'noswap\n', '/proc/1/comm': 'openrc-init\n', '/etc/init.d/mountall.sh': ''},
                 'masked', '/proc/cmdline', id='noswap of Debian\'s scripts'),
]
ALLOWED = [
    pytest.param({}, id='nothing'),
    pytest.param(of(NODE, {CONFIG: 'failSwapOn: false\n'}), id='kubelet that allows it in its file'),
    pytest.param(of(NODE, {CONFIG: 'failSwapOn: true\n', DEFAULTS: 'KUBELET_EXTRA_ARGS=--fail-swap-on=false\n'}),
                 id='kubelet that allows it by a flag'),
    pytest.param(of(NODE, {'/etc/systemd/system/kubelet.service.d/99-x.conf':
                           '[Service]\nEnvironment="KUBELET_EXTRA_ARGS=--v=2 --fail-swap-on=false"\n'}),
                 id='kubelet that allows it by a drop-in'),
    pytest.param(of(NODE, {'/etc/systemd/system/kubelet.service': NULL}), id='kubelet that is masked'),
    pytest.param({'/usr/bin/kubelet': ''}, id='a kubelet that has joined no cluster'),
    pytest.param(K3S, id='k3s, which allows swap by itself'),
    pytest.param(of(K3S, {K3S_PARTS % 10: 'failSwapOn: true\n', K3S_PARTS % 20: 'failSwapOn: false\n'}),
                 id='k3s, whose later part of the file allows it'),
    pytest.param(of(K3S, {K3S_PARTS % 10: 'failSwapOn: true\n', K3S_CONFIG: 'kubelet-arg: [fail-swap-on=false]\n'}),
                 id='k3s, whose flag allows it whatever the file says'),
    pytest.param({MICROK8S: '--fail-swap-on=false\n'}, id='microk8s as it is shipped'),
    pytest.param(of(WAAGENT, {'/etc/waagent.conf': 'ResourceDisk.EnableSwap=n\n'}), id='waagent without swap'),
    pytest.param(of(WAAGENT, {'/etc/waagent.conf': 'ResourceDisk.Format=n\nResourceDisk.EnableSwap=y\n'}),
                 id='waagent that formats no disk'),
    pytest.param({'/etc/waagent.conf': 'ResourceDisk.EnableSwap=y\n'}, id='the configuration of waagent alone'),
    pytest.param(of(RPI, {'/etc/rpi/swap.conf': '[Main]\nMechanism=none\n'}), id='rpi-swap that makes none'),
    pytest.param({'/usr/sbin/dphys-swapfile': '', '/etc/dphys-swapfile': 'CONF_SWAPSIZE=100\n',
                  SERVICE % 'dphys-swapfile': INSTALLED}, id='dphys-swapfile that is disabled'),
    pytest.param({'/usr/sbin/dphys-swapfile': '', '/etc/dphys-swapfile': 'CONF_SWAPSIZE=0\n'},
                 id='dphys-swapfile of 0'),
    pytest.param({'/usr/sbin/swapspace': '', '/etc/systemd/system/swapspace.service': NULL}, id='swapspace masked'),
    pytest.param({CLOUD: 'swap:\n  size: 0\n'}, id='cloud-init without swap'),
    pytest.param({CLOUD: 'swap:\n  size: 1G\n', '/etc/cloud/cloud-init.disabled': ''}, id='cloud-init that is off'),
    pytest.param({ZRAM_CONFIG: '[zram0]\n', '/proc/swaps': ZRAM + '/dev/sda2 partition 1048572 0 -2\n'},
                 id='zram beside a disk'),
    pytest.param({'/proc/cmdline': 'resume=/dev/sda2\n'}, id='hibernation into a partition'),
    pytest.param({'/proc/cmdline': 'resume=/dev/sda1 resume_offset=34816 noresume\n'}, id='no resume'),
    pytest.param({'/var/snap/k8s/common/args/kubelet': '--fail-swap-on=false\n'}, id='the snap k8s as it is shipped'),
    pytest.param({'/etc/systemd/system/k0sworker.service': '[Service]\nExecStart=/usr/local/bin/k0s worker\n'},
                 id='k0s, which allows swap by itself'),
    pytest.param({'/etc/k0s/k0s.yaml': 'failSwapOn: true\n'}, id='the configuration of k0s alone'),
    pytest.param(of(K3S, {K3S_CONFIG: 'kubelet-arg:\n- config=/etc/k.yaml\n', '/etc/k.yaml': 'failSwapOn: false\n'}),
                 id='k3s that hands over a file that allows it'),
    pytest.param(of(NODE, {'/etc/systemd/system/service.d/x.conf':
                           '[Service]\nEnvironment="KUBELET_EXTRA_ARGS=--fail-swap-on=false"\n'}),
                 id='kubelet that allows it by a drop-in of all services'),
    pytest.param({'/sys/power/resume_offset': '0\n'}, id='no offset'),
    pytest.param({'/proc/cmdline': 'systemd.swap=yes systemd.mask=x.swap\n'}, id='swap by the kernel\'s command line'),
    pytest.param({'/proc/cmdline': 'noswap\n', '/proc/1/comm': 'systemd\n', '/etc/init.d/mountall.sh': ''},
                 id='noswap, which systemd does not know'),
    pytest.param({'/proc/cmdline': 'noswap\n', '/proc/1/comm': 'openrc-init\n'},
                 id='noswap, which OpenRC does not know'),
    pytest.param({VAULT: '# disable_mlock = true\ndisable_mlock = false\n'}, id='Vault that locks its memory'),
    pytest.param({ELASTIC: '#bootstrap.memory_lock: true\n'}, id='Elasticsearch that locks nothing'),
]
