# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of a disk that matter for swap on it: cards that wear, and volumes whose I/O is charged."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

# The attribute `type` of a card (Documentation/driver-api/mmc/mmc-dev-attrs.rst).
_CARDS = {'SD': 'an SD card', 'MMC': 'an eMMC'}
_WEARS = '%s is on %s, %s: it wears with each write, and is slow to swap to'
# The model of Amazon's NVMe volumes, https://docs.aws.amazon.com/ebs/latest/userguide/nvme-ebs-volumes.html
_EBS = 'Amazon Elastic Block Store'
_METERED = ('%s is on %s, a volume of Amazon EBS: its IOPS and throughput are limited by its type, and some types are '
            'charged by the I/O request, see '
            'https://docs.aws.amazon.com/whitepapers/latest/aws-storage-services-overview/cost-model-3.html')
# A volume of LVM on an encrypted volume on a RAID on disks.
_DEEPEST = 6


def notes(host, path, mount):
    """A list of sentences on what swap at ``path`` costs there, empty as a rule. ``mount`` is a mount of
    mounts.mount_of().
    """
    found = []
    for disk in sorted(_disks(host, mount)):
        card = _text(host, '/sys/block/%s/device/type' % disk) if disk.startswith('mmcblk') else None
        if card in _CARDS:
            found.append(_WEARS % (path, disk, _CARDS[card]))
        if _text(host, '/sys/block/%s/device/model' % disk) == _EBS:
            found.append(_METERED % (path, disk))
    return found


def _text(host, path):
    return (host.read(path) or '').strip()


def _disks(host, mount):
    """The names of the disks that a mount's filesystem lies on, as in /sys/block."""
    link = host.readlink('/sys/dev/block/%s' % mount.get('device'))
    # A filesystem on several disks, such as btrfs, has a device number of its own.
    name = os.path.basename(link or mount.get('source') or '')
    return _below(host, name, _DEEPEST)


def _below(host, name, levels_left):
    slaves = host.listdir('/sys/class/block/%s/slaves' % name) if name and levels_left else []
    if slaves:
        return set(disk for slave in slaves for disk in _below(host, slave, levels_left - 1))
    if host.exists('/sys/class/block/%s/partition' % name):
        link = host.readlink('/sys/class/block/%s' % name)
        return set([os.path.basename(os.path.dirname(link))] if link else [])
    return set([name] if name else [])
