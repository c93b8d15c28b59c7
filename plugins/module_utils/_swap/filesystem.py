# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which filesystems can hold a swap file, and how the file has to be made there (swapon(8), "Files with holes")."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._node.kernel import kernel_version

_NEVER = {
    'overlay': 'overlay cannot map a file to the disk below it, so the kernel refuses swapon there with EINVAL',
    'overlayfs': 'overlay cannot map a file to the disk below it, so the kernel refuses swapon there with EINVAL',
    'aufs': 'aufs cannot map a file to the disk below it',
    'tmpfs': 'tmpfs keeps its files in RAM and swap themselves',
    'ramfs': 'ramfs keeps its files in RAM',
    'devtmpfs': 'devtmpfs keeps its files in RAM',
    'zfs': 'ZFS needs memory to write, so a swap file on it can hang the host; use a zvol or another disk',
    'squashfs': 'squashfs is read-only',
    'iso9660': 'iso9660 is read-only',
    'ecryptfs': 'ecryptfs cannot map a file to the disk below it',
    '9p': '9p is another machine\'s filesystem',
    'virtiofs': 'virtiofs is another machine\'s filesystem',
    'ceph': 'ceph is a network filesystem',
    'glusterfs': 'glusterfs is a network filesystem',
    'gfs2': 'gfs2 is shared with other hosts',
    'ocfs2': 'ocfs2 is shared with other hosts',
}
_NETWORK = re.compile(r'^(nfs|cifs|smb|afs|ncpfs|lustre)')


def rule(filesystem, kernel):
    """{refusal, allocate, nocow} for a filesystem's type under a kernel release such as ``6.1.0-18-amd64``.

    ``refusal`` says why no swap file can be there, else None. ``allocate`` is ``fallocate`` if that is worth the
    attempt and ``write`` where the kernel is known to refuse reserved extents at swapon.
    """
    result = {'refusal': None, 'allocate': 'fallocate', 'nocow': False}
    if filesystem in _NEVER:
        result['refusal'] = _NEVER[filesystem]
    elif _NETWORK.match(filesystem or ''):
        result['refusal'] = '%s is a network filesystem, which needs memory to write' % filesystem
    elif (filesystem or '').startswith('fuse'):
        result['refusal'] = '%s is served by a process, which could itself be swapped out' % filesystem
    elif filesystem == 'btrfs':
        result['nocow'] = True
        if _older(kernel, 5, 0):
            # ed46ff3d4237 ("Btrfs: support swap files") is in 5.0.
            result['refusal'] = 'btrfs has swap files since Linux 5.0, and this is %s' % kernel
    elif filesystem == 'xfs' and _older(kernel, 4, 18):
        # Reserved extents are holes to bmap(); 67482129cdab ("iomap: add a swapfile activation function") is in 4.18.
        result['allocate'] = 'write'
    elif filesystem in ('ext2', 'ext3', 'vfat', 'jfs', 'reiserfs', 'minix'):
        result['allocate'] = 'write'
    return result


def _older(release, *version):
    # An unknown kernel counts as a new one: what it refuses is put back.
    known = kernel_version(release)
    return known is not None and known < version


def explain_refusal(filesystem):
    """The most likely meaning of EINVAL from swapon(2), in words, on a filesystem that may hold swap files."""
    if filesystem == 'btrfs':
        return ('btrfs takes a swap file only on one device with the data profile "single", without copy on write, '
                'compression and snapshots')
    return 'the filesystem %s does not take this swap file' % (filesystem or 'unknown')
