# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the shared memory of a running host is: in mounts of tmpfs, in SysV segments, and in memory without a name."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._node.ledger import make_part
from .._node.mounts import mounts, reached_safely

UNNAMED = 'memfd and shared mappings'
_SYSV = 'SysV segments'
_IN_MEMORY = ('tmpfs', 'devtmpfs')
# A mount or a process is named from this part of all memory on.
_SMALL = 200
_MOST = 12


def sysv_bytes(text):
    """The bytes that the segments of /proc/sysvipc/shm have in RAM; None if the kernel does not say (before 2.6.37)."""
    lines = (text or '').splitlines()
    names = lines[0].split() if lines else []
    if 'rss' not in names:
        return None
    place = names.index('rss')
    rows = [line.split() for line in lines[1:]]
    return sum(int(row[place]) for row in rows if len(row) == len(names) and row[place].isdigit())


def tmpfs_uses(host):
    """{mount point: bytes, in RAM and swap together} of each tmpfs that is seen here, each once.

    Only mounts that a path reaches without passing a filesystem that may hang are asked (statvfs(3) of a tmpfs never
    waits).
    """
    found, seen = {}, set()
    for mount in reached_safely(mounts(host)):
        if mount['filesystem'] not in _IN_MEMORY or mount['device'] in seen:
            continue
        space = host.space(mount['mount_point'], mount['device'])
        if space is not None:
            seen.add(mount['device'])
            found[mount['mount_point']] = space['total_bytes'] - space['free_bytes']
    return found


def shared_parts(host, rows, shmem_bytes, total_bytes, swap_used):
    """The parts of a ledger for shared memory; together they are ``shmem_bytes``.

    With ``swap_used`` a mount's size is approximate, as what of it is swapped out counts to it.
    """
    if shmem_bytes is None:
        return [make_part('shmem', None)]
    named = dict(tmpfs_uses(host))
    named[_SYSV] = sysv_bytes(host.read('/proc/sysvipc/shm')) or 0
    told = sum(named.values())
    over = told > shmem_bytes
    if over:
        named = dict((name, nbytes * shmem_bytes // told) for name, nbytes in named.items())
    large = sorted(((nbytes, name) for name, nbytes in named.items() if nbytes * _SMALL >= total_bytes), reverse=True)
    parts = [make_part('shmem', nbytes, name, swappable=True, approximate=over or (swap_used and name != _SYSV))
             for nbytes, name in large[:_MOST]]
    rest = shmem_bytes - sum(named.values())
    small = sum(named.values()) - sum(part['bytes'] for part in parts)
    return parts + [make_part('shmem', rest, _holder(rows, rest), swappable=True, approximate=over or swap_used),
                    make_part('shmem', small, swappable=True, approximate=over or swap_used)]


def _holder(rows, nbytes):
    """A name for shared memory without one: with the process that has most of it mapped, if that has the most part of
    it.
    """
    row = max(rows, key=lambda row: row['shmem_bytes'] or 0) if rows else None
    if row and (row['shmem_bytes'] or 0) * 2 >= nbytes > 0:
        return '%s, of %s' % (UNNAMED, row['name'])
    return UNNAMED
