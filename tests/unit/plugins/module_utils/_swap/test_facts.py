# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest

from ansible_collections.oom.rescue.plugins.module_utils._swap import facts as swap_state
from ansible_collections.oom.rescue.plugins.module_utils._node.host import Host
from ansible_collections.oom.rescue.plugins.module_utils._node.swap_areas import parse_swaps
from fake_sysctl_node import SysctlNode


@pytest.mark.parametrize('label, wanted', [
    ('unconfined_u:object_r:etc_runtime_t:s0', 'unconfined_u:object_r:swapfile_t:s0'),
    ('system_u:object_r:default_t:s0:c1,c2', 'system_u:object_r:swapfile_t:s0:c1,c2'),
    ('system_u:object_r:swapfile_t:s0', None), ('', None), (None, None), ('odd', None),
])
def test_wanted_label(label, wanted):
    assert swap_state.wanted_label(label) == wanted


@pytest.mark.parametrize('unit, loaded, behind', [
    (None, None, False), (None, 5, True), (None, 15, False), (5, 15, True), (15, 5, False),
])
def test_systemd_is_behind_where_fstab_is_newer_than_what_it_made_of_it(tmpdir, unit, loaded, behind):
    for name, time in (('etc/fstab', 10), ('run/systemd/generator/swapfile.swap', unit),
                       ('run/systemd/systemd-units-load', loaded)):
        if time is not None:
            tmpdir.join(name).write('/swapfile none swap sw 0 0\n', ensure=True)
            os.utime(str(tmpdir.join(name)), (time, time))
    found = swap_state._persistence(Host(root=str(tmpdir)), ['/swapfile'], [])
    assert found['systemd_behind'] is behind


def test_a_file_of_the_same_name_in_another_place_is_not_active(tmpdir):
    # As a container sees the host's /swapfile in /proc/swaps.
    tmpdir.join('swapfile').write('x' * 4096)
    areas = parse_swaps('Filename Type Size Used Priority\n/swapfile file 4 0 -2\n')
    facts = swap_state.file_facts(Host(root=str(tmpdir)), '/swapfile', areas)
    assert facts['kind'] == 'file' and facts['area'] is None


@pytest.mark.parametrize('path, files, links, expected', [
    ('/swapfile', {'/etc/fstab': '/swapfile none swap sw 0 0\n'}, {}, 'fstab'),
    ('/swapfile', {'/etc/fstab': '/swapfile none swap noauto 0 0\n'}, {}, None),
    ('/swapfile', {'/etc/fstab': '#/swapfile none swap sw 0 0\n'}, {}, None),
    ('/swap file', {'/etc/fstab': '/swap\\040file none swap sw 0 0\n'}, {}, 'fstab'),
    ('/dev/vda2', {'/etc/fstab': 'UUID=1-2 none swap sw 0 0\n'}, {'/dev/disk/by-uuid/1-2': '../../vda2'}, 'fstab'),
    ('/dev/dm-1', {'/etc/fstab': '/dev/mapper/swap none swap sw 0 0\n'}, {'/dev/mapper/swap': '../dm-1'}, 'fstab'),
    ('/dev/vda2', {'/etc/fstab': 'UUID=1-2 none swap sw 0 0\n'}, {'/dev/disk/by-uuid/1-2': '../../vda3'}, None),
    ('/swapfile', {'/etc/systemd/system/swapfile.swap': '[Swap]\nWhat=/swapfile\n',
                   '/etc/systemd/system/swap.target.wants/swapfile.swap': ''}, {}, 'systemd'),
    ('/dev/zram0', {'/run/systemd/generator/dev-zram0.swap': '[Swap]\nWhat=/dev/zram0\n'}, {}, 'generator'),
    ('/swapfile', {'/etc/fstab': '/swapfile none swap sw 0 0\n',
                   '/run/systemd/generator/swapfile.swap': '[Swap]\nWhat=/swapfile\n'}, {}, 'fstab'),
    ('/var/swap', {'/sbin/dphys-swapfile': ''}, {}, 'dphys-swapfile'),
    ('/swapfile', {}, {}, None),
], ids=repr)
def test_what_turns_an_area_on_at_boot(tmp_path, path, files, links, expected):
    node = SysctlNode(tmp_path)
    for name, text in files.items():
        node.file(name, text)
    for name, target in links.items():
        node.link(name, target)
    assert swap_state.at_boot(node.host, path)['by'] == expected
