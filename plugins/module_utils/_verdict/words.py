# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the words of report.json mean to somebody who is no kernel developer, for the terminal, the page and the ticket.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._files.sizes import format_size
from .._node.ledger import UNACCOUNTED

PARTS = {
    'process': 'process', 'processes': 'processes', 'shmem': 'shared memory', 'page_cache': 'page cache',
    'slab_unreclaimable': 'slab', 'slab_reclaimable': 'slab, reclaimable', 'page_tables': 'page tables',
    'kernel_stacks': 'kernel stacks', 'hugepages': 'huge pages', 'locked': 'locked', 'sockets': 'socket buffers',
    'percpu': 'per-CPU data', 'vmalloc': 'vmalloc', 'zswap': 'zswap', 'zram': 'zram', 'free': 'free', 'other': 'other',
    UNACCOUNTED: 'in no counter',
}
LIMITS = {
    'host': 'the RAM and swap of the whole machine', 'cgroup': 'the limit of a container or service (a control group)',
    'numa': 'the memory nodes that the process may use', 'low_memory': 'the low memory of a 32-bit kernel',
    'contiguous': 'a free block that is large enough; memory as such was there',
    'commit': 'what the kernel lets programs reserve (vm.overcommit_memory)', 'program': "the program's own limit",
    'gpu': "the graphics card's memory", 'none': 'none', 'unknown': 'not known',
}
ACTORS = {
    'kernel': 'the kernel', 'kernel_refused': 'the kernel, which killed nobody and refused the memory',
    'kubelet': 'the kubelet of Kubernetes', 'engine': 'the container engine', 'program': 'the program itself',
    'manager': 'the service manager', 'unknown': 'not known',
}
MEMORY = {'yes': 'Yes.', 'no': 'No.', 'unknown': 'The logs do not settle it.'}
_EFFECTS = {
    'prevents': 'would have prevented it', 'delays': 'would have put it off', 'none': 'would have changed nothing',
    'harms': 'would have made it worse', 'unknown': 'may have helped; the figures for it are missing',
}


def effect_words(row):
    """What a remedy would have changed, in words; if it spares a server, for that server."""
    words = _EFFECTS.get(row['effect'], row['effect'])
    if row['effect'] == 'delays' and row.get('room_bytes'):
        return '%s by %s' % (words, format_size(row['room_bytes']))
    return words


def part_words(part):
    """A part of a ledger, or an eater, in words: its kind, or the process that it is."""
    kind, name = part['kind'], part.get('name')
    if kind == 'process':
        return name or 'other processes'
    if kind == 'processes':
        return '%s, all of them' % name if name else 'other processes'
    words = PARTS.get(kind, kind)
    return '%s: %s' % (words, name) if name else words
