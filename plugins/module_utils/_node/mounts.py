# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mount table, and the filesystem that a path is on (proc(5), /proc/PID/mountinfo)."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

from .swap_areas import unescape


def parse_mountinfo(text):
    """The mounts of a mountinfo file, in its order.

    Each is {id, parent, mount_point, root, filesystem, source, read_only, options, device}. ``root`` is the directory
    of the filesystem that is mounted, other than ``/`` for a bind mount. Lines that do not parse are left out.
    """
    mounts = []
    for line in (text or '').split('\n'):
        before, separator, after = line.partition(' - ')
        mount, filesystem = before.split(' '), after.split(' ')
        if not separator or len(mount) < 6 or len(filesystem) < 2:
            continue
        options = mount[5].split(',') + (filesystem[2].split(',') if len(filesystem) > 2 else [])
        mounts.append({
            'id': mount[0],
            'parent': mount[1],
            'mount_point': unescape(mount[4]),
            'root': unescape(mount[3]),
            'filesystem': filesystem[0],
            'source': unescape(filesystem[1]),
            'read_only': 'ro' in options,
            'options': sorted(set(options)),
            'device': mount[2],
        })
    return mounts


def mounts(host):
    """The mounts that this process sees."""
    return parse_mountinfo(host.read('/proc/self/mountinfo'))


def mount_of(table, path):
    """The mount that ``path``, absolute and free of symbolic links, is on; None if the table has none.

    Of two mounts on one mount point the later hides the earlier.
    """
    innermost = None
    for mount in table:
        point = mount['mount_point'].rstrip('/')
        if path == point or path.startswith(point + '/'):
            if innermost is None or len(point) >= len(innermost['mount_point'].rstrip('/')):
                innermost = mount
    return innermost


# A filesystem without a device of its own on which no path waits for a program or another host.
_LOCAL = ('tmpfs', 'devtmpfs', 'ramfs', 'rootfs', 'proc', 'sysfs', 'devpts', 'cgroup', 'cgroup2', 'overlay', 'aufs',
          'btrfs', 'zfs', 'bcachefs')


def reached_safely(table):
    """The mounts that a path reaches without passing anything that may hang: no FUSE, no filesystem of a network, no
    autofs.

    A mount that another one hides is not among them.
    """
    below = {}
    for each in table:
        below.setdefault((each['parent'], each['mount_point']), each)
    ids = set(each['id'] for each in table)
    root = next((each for each in table if each['mount_point'] == '/' and each['parent'] not in ids), None)
    return [] if root is None else [each for each in table if _leads_to(root, below, each)]


def _leads_to(here, below, mount):
    parts = [part for part in mount['mount_point'].split('/') if part]
    for count in range(len(parts) + 1):
        point = '/' + '/'.join(parts[:count])
        while (here['id'], point) in below and below[here['id'], point] is not here:
            here = below[here['id'], point]
            if not _is_local(here):
                return False
    return here is mount


def _is_local(mount):
    kind = mount['filesystem']
    return kind in _LOCAL or not (mount['device'].startswith('0:') or kind.startswith('fuse'))


def disk_space(path):
    """{available_bytes, free_bytes, total_bytes, block_bytes} of the filesystem that holds ``path`` (statvfs(3)).

    ``available_bytes`` leaves out the blocks that the filesystem reserves for root.
    """
    status = os.statvfs(path)
    return {
        'available_bytes': status.f_bavail * status.f_frsize,
        'free_bytes': status.f_bfree * status.f_frsize,
        'total_bytes': status.f_blocks * status.f_frsize,
        'block_bytes': status.f_frsize,
    }
