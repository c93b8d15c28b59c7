# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of slab caches as /proc/slabinfo of Linux 3.10 to 7.2 has them, and what their objects are."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._verdict.slab_caches import slab_objects


@pytest.mark.parametrize(('names', 'word'), [
    ('dentry', 'looked up'), ('ext4_inode_cache, dentry', 'looked up'), ('inode_cache', 'looked up'),
    ('xfs_inode', 'looked up'), ('btrfs_inode', 'looked up'), ('nfs_inode_cache', 'looked up'),
    ('shmem_inode_cache, lsm_inode_cache', 'tmpfs'), ('task_struct', 'threads'), ('signal_cache, filp', 'threads'),
    ('pid', 'threads'), ('pid_2', 'threads'), ('filp', 'open files'),
    ('sock_inode_cache', 'sockets'), ('PING, filp', 'sockets'),
    ('TCPv6', 'sockets'), ('request_sock_TCP', 'sockets'), ('skbuff_head_cache', 'sockets'), ('UDP', 'sockets'),
    ('vm_area_struct', 'mappings'), ('anon_vma_chain', 'mappings'), ('nf_conntrack', 'firewall'),
    ('inotify_inode_mark', 'watches'), ('fsnotify_mark_connector', 'watches'), ('kernfs_node_cache', 'control groups'),
    ('key_jar', 'keys'), ('radix_tree_node', 'index'), ('zio_buf_comb_16384', 'ZFS'), ('arc_buf_hdr_t_full', 'ZFS'),
    ('kmalloc-8k, dentry', None), ('kmalloc-8k', None), ('pidfd_thing', None), ('', None), (None, None),
])
def test_the_largest_cache_says_what_its_objects_are(names, word):
    what, tells = slab_objects(names)
    assert (what is None) is (tells is None) is (word is None)
    assert word is None or word in what
