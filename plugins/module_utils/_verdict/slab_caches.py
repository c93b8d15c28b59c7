# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kind of the objects in a slab cache, by its name, and the command that tells whose they are.

The names are those that kmem_cache_create() gets: fs/dcache.c, mm/shmem.c, kernel/fork.c, fs/file_table.c,
net/socket.c, net/netfilter/nf_conntrack_core.c, fs/notify/, security/keys/key.c and their like.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

# (names of caches, what their objects are, what tells whose they are); the first that fits.
_CACHES = [(re.compile(names), what, tells) for names, what, tells in (
    (r'shmem_inode_cache$', 'files in a tmpfs, however small', 'df -i -t tmpfs'),
    (r'sock_inode_cache|(request_sock_|tw_sock_)?TCP|UDP|UNIX|PING|RAW|NETLINK|skbuff_', 'sockets and what they hold',
     'ss -s; ss -m -a | head -50'),
    (r'dentry$|(.+_)?inode_cache$|(.+_)?inode$', 'names and inodes of files that were looked up',
     'sysctl fs.dentry-state fs.inode-nr'),
    (r'task_struct|signal_cache|sighand_cache|thread_stack|cred_jar|pid(_\d+)?$|mm_struct|files_cache',
     'processes and threads, or zombies that nobody waits for', 'ps -e -o nlwp=,stat=,comm= | sort -n | tail -5'),
    (r'filp$', 'open files', "ls -d /proc/[0-9]*/fd/* 2>/dev/null | cut -d/ -f3 | sort | uniq -c | sort -n | tail -5"),
    (r'vm_area_struct|anon_vma|maple_node', 'mappings of processes', 'wc -l /proc/[0-9]*/maps | sort -n | tail -5'),
    (r'nf_conntrack', 'connections that the firewall tracks', 'sysctl net.netfilter.nf_conntrack_count'),
    (r'fsnotify|inotify|dnotify|fanotify', 'watches on files', 'grep -c inotify /proc/[0-9]*/fdinfo/* | grep -v :0'),
    (r'kernfs_node_cache|cgroup', 'control groups, those that were removed and not yet freed too', 'cat /proc/cgroups'),
    (r'key_jar', 'keys', 'cat /proc/key-users'),
    (r'radix_tree_node|xarray_node|buffer_head', "the page cache's own index", 'grep ^Cached /proc/meminfo'),
    (r'zio_|arc_|dnode_t|dmu_|zfs_|abd_', "ZFS's caches, which grow up to zfs_arc_max",
     'grep -E "^(size|c_max)" /proc/spl/kstat/zfs/arcstats'),
)]


def slab_objects(names):
    """(what the objects are, the command that tells whose they are) of the largest cache; (None, None) if unknown.

    ``names`` are the caches' names in one text with commas between, the largest first, as a ledger's part has them; or
    None.
    """
    largest = (names or '').split(', ')[0]
    for pattern, what, tells in _CACHES:
        if pattern.match(largest):
            return what, tells
    return None, None
