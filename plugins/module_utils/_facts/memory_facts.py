# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that memory_facts returns, joined from the functions that read each part. What cannot be read is None, never 0.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import math
import os
import re

from .._boot.boot import boot_of
from .._change.wishes import kept
from .._files.errors import RescueError
from .._files.reader import Noting
from .._forbids.forbids import forbidden
from .._node.cgroup import own_cgroup
from .._node.killers import user_space_killers
from .._node.managers import manager_of
from .._node.meminfo import number_of, ram_facts, read_meminfo, swap_totals, text_of, vm_settings, vmstat, zswap
from .._node.mounts import mount_of, mounts
from .._node.privilege import can_swapon, has_init, is_container
from .._node.processes import processes
from .._node.swap_areas import parse_swaps
from .._swap.facts import at_boot
from .._swappiness.facts import RUNTIME, provenance
from .commit import commit
from .forecast import Forecast
from .kernel_parts import zram_uses
from .ledger import ledgers
from .pressure import pressure

LEDGER_SECONDS = 0.3
_PID = re.compile(r'^/proc/\d+/')
_OF_GROUP = ('path', 'limit_bytes', 'usage_bytes', 'swap_limit_bytes', 'swap_usage_bytes', 'ledger')


def memory_facts(host, candidates=0, ledger_seconds=LEDGER_SECONDS, boot=True):
    """The facts as a dictionary. ``candidates`` is the most rows of them to return, 0 for all. ``unread`` has the files
    that could not be read.

    ``ledger_seconds`` is the CPU time for counting shared pages once. Without ``boot`` there is only the value
    of vm.swappiness: what the boot makes of it takes long to find; with_boot() adds it. Raises RescueError if
    ``candidates`` is no count, or ``ledger_seconds`` is below 0.
    """
    if ledger_seconds < 0 or math.isnan(ledger_seconds):
        raise RescueError('ledger_seconds is {value}', value=ledger_seconds, allowed='0 or more',
                          next_step='give 0 to look into no process, or how many seconds')
    if candidates < 0:
        raise RescueError('candidates is {value}', value=candidates, allowed='0 or more',
                          next_step='give 0 for all, or how many')
    host = Noting(host)
    kernel = text_of(host, '/proc/sys/kernel/osrelease')
    page_bytes = os.sysconf('SC_PAGE_SIZE')
    meminfo = read_meminfo(host)
    # Pages go between the free ones and the lists of each CPU all the time: both are of one moment, as far as can be.
    host.read('/proc/zoneinfo')
    vm = vm_settings(host)
    rows = processes(host)
    swap = swap_totals(meminfo)
    swap['areas'] = swap_areas(host)
    swap['zswap'] = zswap(host)
    ledger, groups, more = ledgers(host, rows, meminfo, page_bytes, ledger_seconds)
    committed = commit(host, rows, meminfo, vm, kernel, page_bytes)
    forecast = Forecast(host, rows, meminfo, vm, kernel, page_bytes, committed, swap['areas'], zram_uses(host),
                        has_init(host))
    facts = {
        'ram': ram_facts(meminfo),
        'swap': swap,
        'commit': committed,
        'vm': vm,
        'swappiness': provenance(host) if boot else {'runtime': number_of(host, RUNTIME)},
        'pressure': pressure(host),
        'cgroup': own_cgroup(host),
        'oom': {
            'kills_since_boot': vmstat(host, 'oom_kill'),
            'user_space_killers': user_space_killers(host, rows),
        },
        'ledger': ledger,
        'cgroups': [_group(group) for group in groups],
        'cgroups_left_out': more,
        'forecast': {'host': forecast.of_host(), 'cgroups': [forecast.of_cgroup(group) for group in groups]},
        'forbidden': forbidden(host, rows),
        'host': {
            'container': is_container(host),
            'can_swapon': can_swapon(host),
            'kernel': kernel,
            'page_size_bytes': page_bytes,
        },
    }
    # They are the most of all that is returned, and what is above needs room for a while.
    facts['oom']['candidates'] = _candidates(host, forecast.ranking(), candidates, groups, swap['total_bytes'] or 0)
    facts['closed'] = sorted(set(_PID.sub('/proc/PID/', path) for path in host.closed()))
    facts['kept'] = kept(host)
    facts['unread'] = host.unread()
    host.forget()
    return facts


def ram_of(host):
    """The part of the facts that says how much RAM there is."""
    return {'ram': ram_facts(read_meminfo(host))}


def with_boot(host, facts):
    """The facts with what was left out of them without ``boot``."""
    return dict(facts, swappiness=provenance(host))


def _group(group):
    """A cgroup as it is returned, without what was read only for its ledger."""
    return dict(((key, group[key]) for key in _OF_GROUP), processes=len(group['pids']))


def limit_of(groups, pid, swap_bytes):
    """The most bytes of RAM and swap that its cgroups let a process have, with ``swap_bytes`` of swap at the most; None
    for no limit.

    The kernel counts scores in parts of that if the group runs out: mem_cgroup_get_max() of mm/memcontrol.c.
    """
    least = None
    for group in groups:
        if pid in group['pids']:
            swap = group['swap_limit_bytes']
            limit = group['limit_bytes'] + (swap_bytes if swap is None else min(swap, swap_bytes))
            least = limit if least is None else min(least, limit)
    return least


def _candidates(host, ranked, count, groups, swap_bytes):
    return [{
        'pid': row['pid'],
        'name': row['name'],
        'uid': row['uid'],
        'score': row['oom_score'],
        'oom_score_adj': row['oom_score_adj'],
        'rss_bytes': row['rss_bytes'],
        'swap_bytes': row['swap_bytes'],
        'limit_bytes': limit_of(groups, row['pid'], swap_bytes),
        'manager': manager_of(host, row),
    } for row in (ranked[:count] if count else ranked)]


def swap_areas(host):
    """The areas of /proc/swaps, with the filesystem of a file, and what turns each on at boot.

    A container sees the areas of its host, by paths that are not its own: then both are None.
    """
    table = mounts(host)
    areas, boot = parse_swaps(text_of(host, '/proc/swaps')), boot_of(host)
    for area in areas:
        here = host.exists(area['path']) and not area['deleted']
        mount = mount_of(table, area['path']) if here and area['type'] == 'file' else None
        area['filesystem'] = mount['filesystem'] if mount else None
        then = at_boot(host, area['path'], boot) if here else {'by': None, 'kept': None, 'why': None}
        area.update(persisted_by=None if then['kept'] is False else then['by'], after_reboot=then['kept'],
                    lost_as=then['why'])
    return areas
