# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory overcommit, and whether it would make a fork fail with ENOMEM (__vm_enough_memory() of mm/util.c)."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._files.sizes import format_size
from .._node.kernel import kernel_version
from .._node.meminfo import is_of_container, text_of

_GUESS, _ALWAYS, _NEVER = 0, 1, 2
_MAPPING = re.compile(r'^([0-9a-f]+)-([0-9a-f]+) .w.p ', re.MULTILINE)


def private_mappings(text):
    """The sizes, in bytes, of the private writable mappings in /proc/PID/maps, which a fork asks the kernel for again.
    """
    return [int(end, 16) - int(start, 16) for start, end in _MAPPING.findall(text or '')]


def reserved_bytes(zoneinfo, page_bytes):
    """The kernel's totalreserve_pages: each zone's high watermark and its largest lowmem reserve, at most the zone."""
    total = 0
    for zone in re.split(r'^Node \d+, zone', zoneinfo or '', flags=re.MULTILINE)[1:]:
        high = re.search(r'^\s+high\s+(\d+)$', zone, re.MULTILINE)
        managed = re.search(r'^\s+managed\s+(\d+)$', zone, re.MULTILINE)
        protection = re.search(r'^\s+protection: \(([\d, ]*)\)', zone, re.MULTILINE)
        lowmem = [int(number) for number in re.findall(r'\d+', protection.group(1))] if protection else []
        pages = (int(high.group(1)) if high else 0) + max(lowmem or [0])
        total += min(pages, int(managed.group(1))) if managed else pages
    return total * page_bytes


def min_watermarks_bytes(zoneinfo, page_bytes):
    """The sum of the zones' minimum watermarks: only the kernel's own allocations go below it."""
    zones = re.split(r'^Node \d+, zone', zoneinfo or '', flags=re.MULTILINE)[1:]
    marks = (re.search(r'^\s+min\s+(\d+)$', zone, re.MULTILINE) for zone in zones)
    return sum(int(match.group(1)) for match in marks if match) * page_bytes


def guess_bytes(meminfo, reserve_bytes):
    """The bytes that kernels before 5.2 compare one mapping with in mode 0; None if /proc/meminfo lacks a part."""
    parts = [meminfo.get(name) for name in
             ('MemFree', 'Cached', 'Buffers', 'SwapCached', 'SwapFree', 'SReclaimable', 'Shmem')]
    if None in parts:
        return None
    # Cached has shmem in it, and shmem is no cache that could be dropped.
    return max(0, sum(parts[:-1]) - parts[-1] - reserve_bytes)


def largest_process(rows):
    """The process with the most private data among some (processes()), or None."""
    known = [row for row in rows if row['data_bytes'] is not None]
    return max(known, key=lambda row: (row['data_bytes'], -row['pid'])) if known else None


def fork_risk(mode, kernel, meminfo, vm, process, mappings, reserve_bytes):
    """{fails, process, needed_bytes, available_bytes, reason}: whether a fork of the largest process would be refused.

    ``fails`` is None if it cannot be told. Only overcommit counts here: a limit on the number of processes gives
    EAGAIN, and a cgroup's own limit lets the fork through.
    """
    risk = {'fails': None, 'process': None, 'needed_bytes': None, 'available_bytes': None, 'reason': None}
    if process:
        risk['process'] = {'pid': process['pid'], 'name': process['name']}
    if mode == _ALWAYS:
        risk.update(fails=False, reason='overcommit_memory is 1: the kernel refuses no fork for want of memory')
        return risk
    if mode not in (_GUESS, _NEVER):
        risk['reason'] = 'overcommit_memory cannot be read'
        return risk
    if not process or not mappings:
        risk['reason'] = 'the mappings of the largest process cannot be read'
        return risk
    if mode == _NEVER:
        needed, available, rule = sum(mappings), _never_available(meminfo, vm, process), (
            'overcommit_memory is 2: all private memory of a process counts again at a fork, against what the commit '
            'limit leaves')
    else:
        needed = max(mappings)
        version = kernel_version(kernel)
        if version is not None and version < (5, 2):
            available, rule = guess_bytes(meminfo, reserve_bytes), (
                'overcommit_memory is 0: before kernel 5.2 a fork fails where one mapping is larger than free memory, '
                'file cache and free swap together')
        else:
            available, rule = _sum(meminfo, 'MemTotal', 'SwapTotal'), (
                'overcommit_memory is 0: a fork fails only where one mapping is larger than all RAM and swap')
    risk.update(needed_bytes=needed, available_bytes=available)
    if available is None:
        risk['reason'] = '/proc/meminfo does not say enough'
        return risk
    risk['fails'] = needed > available
    risk['reason'] = '%s; %s (pid %d) needs %s of %s' % (
        rule, process['name'], process['pid'], format_size(needed), format_size(available))
    return risk


def _sum(meminfo, *names):
    numbers = [meminfo.get(name) for name in names]
    return None if None in numbers else sum(numbers)


def _never_available(meminfo, vm, process):
    limit, committed = meminfo.get('CommitLimit'), meminfo.get('Committed_AS')
    if limit is None or committed is None:
        return None
    if process['euid'] != 0:
        limit -= (vm.get('admin_reserve_kbytes') or 0) * 1024
    limit -= min((process['size_bytes'] or 0) // 32, (vm.get('user_reserve_kbytes') or 0) * 1024)
    return max(0, limit - committed)


def _of_the_machine(host, meminfo):
    """What of read_meminfo() is told of the machine's memory, by which the kernel decides in a container too."""
    if not is_of_container(host):
        return meminfo
    return dict((name, meminfo[name]) for name in ('CommitLimit', 'Committed_AS') if name in meminfo)


def fork_refused(host, rows, meminfo, vm, kernel, page_bytes):
    """True if a fork of the largest of some processes would be refused now; None if it cannot be told.

    The mappings are read only if all of them together could be too much.
    """
    process = largest_process(rows)
    mode = vm.get('overcommit_memory')
    if process is None and mode != _ALWAYS:
        return None
    reserve, meminfo = reserved_bytes(host.read('/proc/zoneinfo'), page_bytes), _of_the_machine(host, meminfo)
    whole = [process['size_bytes']] if process and process['size_bytes'] else []
    risk = fork_risk(mode, kernel, meminfo, vm, process, whole, reserve)
    if risk['fails'] is not True:
        return risk['fails']
    mappings = private_mappings(host.once(('maps', process['pid']), lambda: text_of(
        host, '/proc/%d/maps' % process['pid'])))
    return fork_risk(mode, kernel, meminfo, vm, process, mappings, reserve)['fails']


def commit(host, rows, meminfo, vm, kernel, page_bytes):
    """{mode, ratio, limit_bytes, committed_bytes, headroom_bytes, fork_risk}; ``rows`` are the processes."""
    mode = vm.get('overcommit_memory')
    limit, committed = meminfo.get('CommitLimit'), meminfo.get('Committed_AS')
    process = largest_process(rows) if mode in (_GUESS, _NEVER) else None
    mappings = private_mappings(host.once(('maps', process['pid']), lambda: text_of(
        host, '/proc/%d/maps' % process['pid']))) if process else []
    reserve, meminfo = reserved_bytes(text_of(host, '/proc/zoneinfo'), page_bytes), _of_the_machine(host, meminfo)
    return {
        'mode': mode,
        # overcommit_kbytes, if it is set, takes the place of the ratio.
        'ratio': None if vm.get('overcommit_kbytes') else vm.get('overcommit_ratio'),
        'limit_bytes': limit,
        'committed_bytes': committed,
        # Only mode 2 holds anybody to the limit.
        'headroom_bytes': limit - committed if mode == _NEVER and None not in (limit, committed) else None,
        'fork_risk': fork_risk(mode, kernel, meminfo, vm, process, mappings, reserve),
    }
