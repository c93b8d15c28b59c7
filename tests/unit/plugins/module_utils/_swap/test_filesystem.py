# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._swap.filesystem import rule


@pytest.mark.parametrize('filesystem, kernel, refused, allocate, nocow', [
    ('ext4', '6.1.0-18-amd64', False, 'fallocate', False),
    ('ext3', '6.1.0', False, 'write', False),
    ('ext2', '6.1.0', False, 'write', False),
    ('xfs', '3.10.0-957.el7.x86_64', False, 'write', False),
    ('xfs', '4.17.19', False, 'write', False),
    ('xfs', '4.18.0-80.el8', False, 'fallocate', False),
    ('btrfs', '4.19.0', True, 'fallocate', True),
    ('btrfs', '5.0.0', False, 'fallocate', True),
    ('f2fs', '6.1.0', False, 'fallocate', False),
    ('a-new-one', '6.1.0', False, 'fallocate', False),
    (None, '6.1.0', False, 'fallocate', False),
    ('btrfs', 'unknown', False, 'fallocate', True),
    ('overlay', '6.1.0', True, 'fallocate', False),
    ('tmpfs', '6.1.0', True, 'fallocate', False),
    ('ramfs', '6.1.0', True, 'fallocate', False),
    ('zfs', '6.1.0', True, 'fallocate', False),
    ('nfs', '6.1.0', True, 'fallocate', False),
    ('nfs4', '6.1.0', True, 'fallocate', False),
    ('cifs', '6.1.0', True, 'fallocate', False),
    ('smb3', '6.1.0', True, 'fallocate', False),
    ('fuse.sshfs', '6.1.0', True, 'fallocate', False),
    ('fuseblk', '6.1.0', True, 'fallocate', False),
])
def test_rule_of_a_filesystem(filesystem, kernel, refused, allocate, nocow):
    found = rule(filesystem, kernel)
    assert (bool(found['refusal']), found['allocate'], found['nocow']) == (refused, allocate, nocow)
