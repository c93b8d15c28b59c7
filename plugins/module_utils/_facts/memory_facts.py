# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that memory_facts returns, joined from what reads each part. What cannot be read is None, never 0."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import re

from .._node.badness import badness
from .._node.cgroup import own_cgroup
from .commit import commit
from .._node.killers import user_space_killers
from .._node.managers import manager_of
from .._node.meminfo import parse_meminfo, ram, swap_totals, text_of, vm_settings, vmstat, zswap
from .._node.mounts import mount_of, mounts
from .pressure import pressure
from .._node.processes import processes
from .._node.reader import Noting
from .._node.swap_areas import parse_swaps
from .._swap.facts import persisted_by
from .._swappiness.facts import provenance

_CAP_SYS_ADMIN = 21
_INIT = 1
_FIRST_PID_NAMESPACE = 'pid:[4026531836]'  # PROC_PID_INIT_INO of linux/proc_ns.h


def memory_facts(host, candidates=0):
    """The facts; ``candidates`` is how many to return at most, 0 for all. ``unread`` has what could not be read."""
    host = Noting(host)
    kernel = text_of(host, '/proc/sys/kernel/osrelease')
    page_bytes = os.sysconf('SC_PAGE_SIZE')
    meminfo = parse_meminfo(text_of(host, '/proc/meminfo'))
    vm = vm_settings(host)
    rows = processes(host)
    swap = swap_totals(meminfo)
    swap['areas'] = swap_areas(host)
    swap['zswap'] = zswap(host)
    facts = {
        'ram': ram(meminfo),
        'swap': swap,
        'commit': commit(host, meminfo, vm, kernel, page_bytes),
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
    total_pages = (meminfo.get('MemTotal', 0) + meminfo.get('SwapTotal', 0)) // page_bytes
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


def is_container(host):
    """Whether this is a container, as it or its engine says (systemd's container interface, and the engines' marks).

    A virtual machine made of a container's image has such marks too, but the first pid namespace.
    """
    if host.readlink('/proc/self/ns/pid') == _FIRST_PID_NAMESPACE:
        return False
    if any(host.exists(path) for path in ('/run/systemd/container', '/.dockerenv', '/run/.containerenv')):
        return True
    return any(word.startswith('container=') for word in (text_of(host, '/proc/1/environ') or '').split('\0'))


def can_swapon(host):
    """Whether this process may turn swap on: CAP_SYS_ADMIN in the first user namespace (swapon(2)).

    None where the kernel does not say what it may.
    """
    match = re.search(r'^CapEff:\s*([0-9a-f]+)$', text_of(host, '/proc/self/status') or '', re.MULTILINE)
    if not match:
        return None
    mapping = (text_of(host, '/proc/self/uid_map') or '0 0 4294967295').split()
    return bool(int(match.group(1), 16) >> _CAP_SYS_ADMIN & 1) and mapping == ['0', '0', '4294967295']
