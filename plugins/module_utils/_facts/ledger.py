# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the memory of a running host is, and that of each cgroup with a limit: parts that add up to the total."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import resource

from .._node.cgroup import limited_cgroups
from .._node.cgroup_ledger import cgroup_parts, kernel_of_cgroup
from .._node.ledger import make_ledger
from .anonymous import Holders, anonymous_parts, shares_pages
from .kernel_parts import kernel_parts, socket_part
from .shared import shared_parts


def cpu_seconds():
    """CPU time of this process, user and system; Python 2 has no process_time()."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def ledgers(host, rows, meminfo, page_bytes, seconds, clock=cpu_seconds):
    """(the host's ledger or None without MemTotal, limited_cgroups() with a ``ledger`` each, how many more there are).

    ``rows`` are processes(), ``meminfo`` is /proc/meminfo. ``seconds`` is the most CPU time for counting shared pages
    once.
    """
    holders = Holders(host, rows, page_bytes)
    total, anonymous = meminfo.get('MemTotal'), meminfo.get('AnonPages')
    if seconds and total and shares_pages(holders.total_bytes(), anonymous or 0, total):
        holders.share(clock, seconds)
    groups, more = limited_cgroups(host, rows)
    groups = [dict(group, ledger=_ledger_of_cgroup(group, holders)) for group in groups]
    return _ledger_of_host(host, rows, holders, meminfo, page_bytes) if total else None, groups, more


def _ledger_of_host(host, rows, holders, meminfo, page_bytes):
    total, swapped = meminfo['MemTotal'], meminfo.get('SwapTotal', 0) > meminfo.get('SwapFree', 0)
    parts = anonymous_parts(holders.holders(), meminfo.get('AnonPages'), total)
    parts += shared_parts(host, rows, meminfo.get('Shmem'), total, swapped)
    parts += kernel_parts(host, meminfo, page_bytes)
    parts.append(socket_part(host, page_bytes, total - sum(part['bytes'] or 0 for part in parts)))
    return make_ledger(total, parts)


def _ledger_of_cgroup(group, holders):
    usage, statistics = group['usage_bytes'], group['statistics']
    if usage is None:
        return None
    anonymous, parts = cgroup_parts(statistics)
    parts += kernel_of_cgroup(statistics, group['kernel_bytes'])
    return make_ledger(usage, anonymous_parts(holders.holders(group['pids']), anonymous, usage) + parts)
