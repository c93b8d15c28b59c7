# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that memory_facts returns, joined from what reads each part. What cannot be read is None, never 0."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

from .._node.errors import RescueError
from .._node.badness import badness
from .._node.cgroup import own_cgroup
from .commit import commit
from .._node.killers import user_space_killers
from .._node.managers import manager_of
from .._node.meminfo import (
    ram_and_swap_bytes,
    ram_facts,
    read_meminfo,
    swap_totals,
    text_of,
    vm_settings,
    vmstat,
    zswap,
)
from .._node.mounts import mount_of, mounts
from .pressure import pressure
from .._node.privilege import can_swapon, is_container
from .._node.processes import processes
from .._node.reader import Noting
from .._node.swap_areas import parse_swaps
from .._swap.facts import persisted_by
from .._swappiness.facts import provenance

_INIT = 1


def memory_facts(host, candidates=0):
    """The facts; ``candidates`` is how many to return at most, 0 for all. ``unread`` has what could not be read.

    Raises RescueError if ``candidates`` is no count.
    """
    if candidates < 0:
        raise RescueError('candidates is {found}', found=candidates, allowed='0 or more',
                          next_step='give 0 for all, or how many')
    host = Noting(host)
    kernel = text_of(host, '/proc/sys/kernel/osrelease')
    page_bytes = os.sysconf('SC_PAGE_SIZE')
    meminfo = read_meminfo(host)
    vm = vm_settings(host)
    rows = processes(host)
    swap = swap_totals(meminfo)
    swap['areas'] = swap_areas(host)
    swap['zswap'] = zswap(host)
    facts = {
        'ram': ram_facts(meminfo),
        'swap': swap,
        'commit': commit(host, rows, meminfo, vm, kernel, page_bytes),
        'vm': vm,
        'swappiness': provenance(host),
        'pressure': pressure(host),
        'cgroup': own_cgroup(host),
        'oom': {
            'kills_since_boot': vmstat(host, 'oom_kill'),
            'user_space_killers': user_space_killers(host, rows),
            'candidates': _candidates(host, rows, meminfo, kernel, page_bytes, candidates),
        },
        'host': {
            'name': text_of(host, '/proc/sys/kernel/hostname'),
            'container': is_container(host),
            'can_swapon': can_swapon(host),
            'kernel': kernel,
            'page_size_bytes': page_bytes,
        },
    }
    facts['unread'] = host.unread()
    return facts


def rank(rows, total_pages, kernel, page_bytes):
    """Processes that the kernel could kill, the one that it would first.

    Not among them: init, kernel threads, and what has an oom_score_adj of -1000.
    """
    ranked = []
    for row in rows:
        if row['pid'] == _INIT or row['kernel_thread'] or row['rss_bytes'] is None or row['oom_score_adj'] is None:
            continue
        points = badness(row['rss_bytes'] // page_bytes, (row['pgtables_bytes'] or 0) // page_bytes,
                         (row['swap_bytes'] or 0) // page_bytes, row['oom_score_adj'], total_pages,
                         privileged=row['uid'] == 0, kernel=kernel)
        if points is not None:
            ranked.append((points, row))
    ranked.sort(key=lambda pair: (-pair[0], pair[1]['pid']))
    return [row for _points, row in ranked]


def _candidates(host, rows, meminfo, kernel, page_bytes, count):
    total_pages = ram_and_swap_bytes(meminfo) // page_bytes
    found = rank(rows, total_pages, kernel, page_bytes)
    return [{
        'pid': row['pid'],
        'name': row['name'],
        'uid': row['uid'],
        'score': row['oom_score'],
        'oom_score_adj': row['oom_score_adj'],
        'rss_bytes': row['rss_bytes'],
        'swap_bytes': row['swap_bytes'],
        'manager': manager_of(host, row),
    } for row in (found[:count] if count else found)]


def swap_areas(host):
    """The areas of /proc/swaps with the filesystem that a file is on, and what turns each on at boot.

    A container sees the areas of its host, by paths that are not its own: then neither is known.
    """
    table = mounts(host)
    areas = parse_swaps(text_of(host, '/proc/swaps'))
    for area in areas:
        here = host.exists(area['path']) and not area['deleted']
        mount = mount_of(table, area['path']) if here and area['type'] == 'file' else None
        area['filesystem'] = mount['filesystem'] if mount else None
        area['persisted_by'] = persisted_by(host, area['path']) if here else None
    return areas
