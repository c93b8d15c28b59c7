# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the next boot mounts the filesystem of a swap file, the same as now, and before the swap is turned on."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import stat

from .._node import fstab, mounts
from .._node.privilege import is_container
from .._systemd import systemd
from .answers import no, unknown, worst, yes
from .init import OPENRC


def of_file(boot, path, is_required=True):
    """The answer on whether the filesystem of a file is mounted before it is needed. ``is_required`` is false if no
    unit of systemd requires the mount.
    """
    path = boot.resolved(path)
    mount = mounts.mount_of(mounts.mounts(boot.host), path) or {}
    point = mount.get('mount_point', '/')
    # The engine mounts what a container has: nothing here tells whether it does so again.
    if path.startswith('/dev/') or is_container(boot.host):
        return yes()
    rows = [entry for entry in fstab.parse(boot.view.read(fstab.PATH))
            if entry['mount_point'].rstrip('/') == point.rstrip('/') and entry['type'] != 'swap']
    unit = systemd.unit_name(point, '.mount')
    for row in rows:
        if _is_read_only(row['options']):
            return no('%s line %d mounts %s read-only, and swapon opens the file for writing' % (
                fstab.PATH, row['line'] + 1, point))
    if point == '/':
        return yes()
    if boot.units is not None:
        masked = boot.unmasked(unit)
        # A swap unit requires the mount of its file, noauto or not (systemd.swap(5), RequiresMountsFor).
        if rows or boot.units.file_of(unit) and not boot.of_fstab(unit):
            if not rows and _is_read_only((boot.setting(unit, 'Options') or '').split(',')):
                return no('%s mounts %s read-only, and swapon opens the file for writing' % (
                    boot.units.file_of(unit), point))
            if not is_required and rows and all('noauto' in row['options'] for row in rows):
                return unknown('the line of %s in %s says noauto' % (point, fstab.PATH), 'findmnt %s, after the next '
                               'boot' % point)
            return worst([masked] + [_same_device(boot, row, mount) for row in rows])
    elif any('noauto' not in row['options'] for row in rows):
        return worst([_mounts_all(boot, point, [row for row in rows if 'noauto' not in row['options']])] + [
            _same_device(boot, row, mount) for row in rows])
    elif rows:
        return no('the line of %s in %s says noauto: nothing mounts it at boot' % (point, fstab.PATH))
    return no('nothing mounts %s at boot, which %s is on: it has no line in %s' % (point, path, fstab.PATH))


def _same_device(boot, row, mount):
    """The answer on whether a line of fstab mounts the device that is mounted now; yes if it is not one device."""
    device = fstab.device(row['source'])
    status, folder = boot.host.status(device), device.rpartition('/')[0]
    if status is None and folder.startswith('/dev/disk/') and boot.view.listdir('/dev/disk/by-uuid'):
        return no('%s mounts %s on %s, and there is no such device' % (
            fstab.PATH, row['source'], mount['mount_point']))
    subvolumes = [option.partition('=')[2].strip('/') for option in row['options'] if option.startswith('subvol=')]
    if mount['filesystem'] == 'btrfs' and subvolumes[-1:] not in ([], [mount['root'].strip('/')]):
        return no('%s mounts another subvolume on %s (%s)' % (fstab.PATH, mount['mount_point'], subvolumes[-1]))
    if status is None or not stat.S_ISBLK(status.st_mode) or mount['filesystem'] == 'btrfs':
        return yes()
    named = '%d:%d' % (os.major(status.st_rdev), os.minor(status.st_rdev))
    if named == mount['device']:
        return yes()
    return no('%s mounts another device on %s (%s)' % (fstab.PATH, mount['mount_point'], row['source']))


def _mounts_all(boot, point, rows):
    """The answer on whether an init without systemd mounts a filesystem, and before it turns swap on."""
    if boot.init == OPENRC and not boot.scripts.is_in_runlevel(('localmount', 'mountall.sh', 'mountall')):
        return no('the service localmount is in no runlevel, so nothing mounts %s: rc-update add localmount boot'
                  % point)
    if all('_netdev' in row['options'] for row in rows):
        return no('the line of %s in %s says _netdev: it is mounted after the swap is turned on' % (
            point, fstab.PATH))
    return boot.scripts.swap_before_mounts(point)


def _is_read_only(options):
    return ([option for option in options if option in ('ro', 'rw')] or ['rw'])[-1] == 'ro'
