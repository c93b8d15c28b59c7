# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._node import mounts

TEXT = r"""22 1 254:0 / / rw,relatime - ext4 /dev/vda1 rw,errors=remount-ro
30 22 0:26 / /tmp rw,nosuid,nodev - tmpfs tmpfs rw,size=1k
31 22 254:16 / /data rw,relatime shared:1 master:2 - xfs /dev/vdb rw,attr2
32 31 254:16 /sub /data/my\040dir ro,relatime - xfs /dev/vdb rw,attr2
33 22 0:40 / /data rw - btrfs /dev/vdc rw,compress=zstd
34 22 0:41 /@home /home rw shared:9 - btrfs /dev/vdc ro,subvol=/@home
35 22 0:42 / /bare rw - overlay overlay
cut - short
"""


@pytest.mark.parametrize('path, filesystem, read_only', [
    ('/', 'ext4', False), ('/swapfile', 'ext4', False), ('/tmpfile', 'ext4', False), ('/tmp', 'tmpfs', False),
    ('/tmp/a/b', 'tmpfs', False), ('/data/swapfile', 'btrfs', False), ('/data/my dir/s', 'xfs', True),
    ('/data/my dirs', 'btrfs', False), ('/home/x', 'btrfs', True), ('/bare/x', 'overlay', False),
])
def test_a_path_is_on_the_deepest_and_latest_mount_above_it(path, filesystem, read_only):
    mount = mounts.mount_of(mounts.parse_mountinfo(TEXT), path)
    assert (mount['filesystem'], mount['read_only']) == (filesystem, read_only)


def test_a_mount_is_told_with_its_source_and_root():
    mount = mounts.mount_of(mounts.parse_mountinfo(TEXT), '/data/my dir')
    assert (mount['source'], mount['root'], mount['device']) == ('/dev/vdb', '/sub', '254:16')
    assert 'attr2' in mount['options']


def test_no_table_is_no_mount():
    assert mounts.mount_of(mounts.parse_mountinfo(None), '/') is None


def test_disk_space_leaves_out_what_is_kept_for_root(tmpdir):
    space = mounts.disk_space(str(tmpdir))
    status = os.statvfs(str(tmpdir))
    assert space['total_bytes'] == status.f_blocks * status.f_frsize
    assert space['available_bytes'] <= space['free_bytes'] <= space['total_bytes']
