# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Control groups of version 1 keep the value that they copied, and follow when told to, at the next boot too."""

import pytest
from image import Image, VmError
from machine import Machine
from vm_guest import Guest

SERVICE = ('printf "[Service]\\nExecStart=/usr/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n" '
           '> /etc/systemd/system/own.service && systemctl daemon-reload && systemctl enable --now own.service')
OWN = 'cat /sys/fs/cgroup/memory/system.slice/own.service/memory.swappiness'


@pytest.fixture(scope='module')
def v1():
    machine = Machine('swappiness-v1', Image('bookworm', packages=['tuned', 'procps']), smp=1,
                      append='systemd.unified_cgroup_hierarchy=0')
    try:
        machine.up()
    except VmError:
        machine.down()
        raise
    machine.check('systemctl disable --now tuned')
    machine.check(SERVICE)
    yield Guest('bookworm', machine)
    machine.down()


def test_a_value_in_sysctl_d_alone_never_reaches_a_service(v1):
    result = v1.swappiness(value=10)
    assert result['holds'] == {'now': True, 'after_reboot': True, 'in_cgroups': False}
    assert '/system.slice/own.service' in [group['path'] for group in result['after']['cgroups']]
    assert v1.boot() == 10
    assert v1.check(OWN) == '60\n'
    assert v1.facts()['holds'] is False
    v1.swappiness(state='absent')


def test_told_to_set_them_they_follow_now_and_at_the_next_boot_and_go_back(v1):
    before = v1.files()
    result = v1.swappiness(value=10, cgroups='set')
    assert result['holds'] == {'now': True, 'after_reboot': True, 'in_cgroups': True}
    assert v1.check(OWN) == '10\n'
    assert v1.boot() == 10
    assert v1.check(OWN) == '10\n'
    assert v1.facts()['holds'] is True
    assert not v1.swappiness(value=10, cgroups='set')['changed']
    v1.swappiness(state='absent')
    assert v1.files() == before
    assert v1.check(OWN) == '60\n'
