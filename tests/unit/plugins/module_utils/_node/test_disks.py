# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of the disk that swap is on, by what /sys tells of it."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._node.disks import notes
from fake_node import Node

EXT4 = {'device': '179:2', 'source': '/dev/root'}


def linked(node, path, target):
    os.makedirs(os.path.dirname(str(node.path(path)))) if not os.path.isdir(
        os.path.dirname(str(node.path(path)))) else None
    os.symlink(target, str(node.path(path)))


def disk(node, name, number, attributes, partition=None):
    """A disk, and a partition of it, as /sys has them."""
    node.file('/sys/devices/x/block/%s/size' % name, '1\n')
    linked(node, '/sys/block/%s' % name, '../devices/x/block/%s' % name)
    linked(node, '/sys/class/block/%s' % name, '../../devices/x/block/%s' % name)
    for key, value in attributes.items():
        node.file('/sys/devices/x/block/%s/device/%s' % (name, key), value)
    if partition:
        node.file('/sys/devices/x/block/%s/%s/partition' % (name, partition), '1\n')
        linked(node, '/sys/class/block/%s' % partition, '../../devices/x/block/%s/%s' % (name, partition))
    linked(node, '/sys/dev/block/%s' % number, '../../devices/x/block/%s' % '/'.join(
        part for part in (name, partition) if part))


@pytest.mark.parametrize('name, partition, attributes, said', [
    ('mmcblk0', 'mmcblk0p2', {'type': 'SD\n'}, ['an SD card']),
    ('mmcblk0', 'mmcblk0p2', {'type': 'MMC\n'}, ['an eMMC']),
    ('mmcblk0', None, {'type': 'SD\n'}, ['an SD card']),
    ('nvme0n1', 'nvme0n1p1', {'model': 'Amazon Elastic Block Store              \n'}, ['Amazon EBS']),
    ('nvme0n1', 'nvme0n1p1', {'model': 'Amazon EC2 NVMe Instance Storage        \n'}, []),
    ('sda', 'sda1', {'model': 'QEMU HARDDISK\n', 'type': '0\n'}, []),
    ('vda', None, {}, []),
])
def test_a_note_where_the_disk_makes_a_difference(tmp_path, name, partition, attributes, said):
    node = Node(tmp_path)
    disk(node, name, '179:2', attributes, partition)
    found = notes(node.host, '/swapfile', EXT4)
    assert len(found) == len(said) and all(words in note for words, note in zip(said, found))
    assert all(note.startswith('/swapfile is on %s, ' % name) for note in found)


def test_a_volume_on_a_volume_and_a_filesystem_of_several_disks_are_followed(tmp_path):
    node = Node(tmp_path)
    disk(node, 'mmcblk0', '179:2', {'type': 'SD\n'}, 'mmcblk0p2')
    disk(node, 'dm-0', '254:0', {})
    linked(node, '/sys/devices/x/block/dm-0/slaves/mmcblk0p2', '../../mmcblk0/mmcblk0p2')
    assert len(notes(node.host, '/swapfile', {'device': '254:0', 'source': '/dev/mapper/root'})) == 1
    assert len(notes(node.host, '/swapfile', {'device': '0:30', 'source': '/dev/mmcblk0p2'})) == 1


def test_a_host_whose_disks_are_not_told_has_none(tmp_path):
    assert notes(Node(tmp_path).host, '/swapfile', {}) == []
