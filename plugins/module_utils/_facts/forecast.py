# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens if a running host, or a cgroup with a limit, runs out of memory now: who is killed, and how far away
that is.

The victim follows from the kernel's own arithmetic (oom_badness()). The distance, in anonymous memory that can still be
had, is a range: how much of the page cache and of slab can be reclaimed is known only to the kernel when it tries.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._files.sizes import format_size
from .._node.badness import badness, best_victim_first
from .._node.kernel import kernel_version
from .._node.meminfo import ram_and_swap_bytes, zones_text
from .commit import fork_refused, min_watermarks_bytes, reserved_bytes

_INIT = 1
# The best ratio at which zram compresses, if it holds no pages that tell it.
_COMPRESSED = 3


def rank(rows, total_pages, kernel, page_bytes, has_init=True):
    """[(points in pages, process)] of the processes that the kernel could kill, the next victim first.

    It could not kill the host's init (in a container process 1 is as good as any: ``has_init`` is false), kernel
    threads, and processes with an oom_score_adj of -1000.
    """
    killable, points = [], []
    # for_each_process() goes from the oldest to the youngest.
    for row in sorted(rows, key=lambda row: (row['start_ticks'], row['pid'])):
        if (row['pid'] == _INIT and has_init) or row['kernel_thread'] or None in (
                row['rss_bytes'], row['oom_score_adj']):
            continue
        value = badness(row['rss_bytes'] // page_bytes, (row['pgtables_bytes'] or 0) // page_bytes,
                        (row['swap_bytes'] or 0) // page_bytes, row['oom_score_adj'], total_pages,
                        privileged=row['euid'] == 0, kernel=kernel)
        if value is not None:
            killable.append((value, row))
            points.append(value)
    return best_victim_first(killable, points, kernel)


def swap_room(meminfo, areas, zram):
    """(least, most) bytes of RAM that free swap can take.

    ``areas`` are those of parse_swaps(). zram takes RAM itself: {device: (bytes of its pages, bytes that they take)}.
    """
    least = most = meminfo.get('SwapFree', 0)
    for area in areas:
        if area['type'] != 'zram':
            continue
        free = min(max(0, area['size_bytes'] - area['used_bytes']), least)
        pages, taken = zram.get(area['path'].rpartition('/')[2]) or (0, 0)
        if pages:
            least, most = least - free * taken // pages, most - free * taken // pages
        else:
            least, most = least - free, most - free // _COMPRESSED
    return max(0, least), max(0, most)


def host_distance(meminfo, zoneinfo, page_bytes, swap):
    """{low, high} in bytes until the host has no page left to give; None if /proc/meminfo lacks a part.

    Low is MemAvailable, which spares the high watermarks and half of a small cache (si_mem_available()). High is
    everything down to the minimum for an allocation, with all of the page cache on the lists of files.
    """
    parts = [meminfo.get(name) for name in ('MemFree', 'Active(file)', 'Inactive(file)')]
    if None in parts:
        return None
    slab = meminfo.get('SReclaimable', 0)
    high = max(0, sum(parts) + slab - min_watermarks_bytes(zoneinfo, page_bytes))
    low = meminfo.get('MemAvailable')
    if low is None:
        low = max(0, parts[0] - reserved_bytes(zoneinfo, page_bytes) + (sum(parts[1:]) + slab) // 2)
    return {'low': min(low, high) + swap[0], 'high': high + swap[1]}


def cgroup_total_bytes(group, swap_total):
    """The bytes of which oom_score_adj is a part in a cgroup: its limit, and the swap that it may use
    (mem_cgroup_get_max()).
    """
    swap = group['swap_limit_bytes']
    return group['limit_bytes'] + (swap_total if swap is None else min(swap, swap_total))


def cgroup_distance(group, swap):
    """{low, high} in bytes until a cgroup meets its limit and can reclaim nothing; None if its use is not told."""
    if group['usage_bytes'] is None:
        return None
    get = group['statistics'].get
    room = max(0, group['limit_bytes'] - group['usage_bytes'])
    cache = get('inactive_file', 0) + get('active_file', 0) + get('slab_reclaimable', 0)
    if group['swap_limit_bytes'] is not None:
        swap_left_bytes = max(0, group['swap_limit_bytes'] - (group['swap_usage_bytes'] or 0))
        swap = min(swap[0], swap_left_bytes), min(swap[1], swap_left_bytes)
    return {'low': room + get('inactive_file', 0) + (cache - get('inactive_file', 0)) // 2 + swap[0],
            'high': room + cache + swap[1]}


class Forecast:
    """The forecast of a host from what was read of it.

    ``commit`` is commit()'s result, ``areas`` parse_swaps()'s, ``zram`` as swap_room() takes it, ``has_init`` False
    in a container.
    """

    def __init__(self, host, rows, meminfo, vm, kernel, page_bytes, commit, areas, zram, has_init):
        self._host, self._rows, self._meminfo, self._vm = host, rows, meminfo, vm
        self._kernel, self._page, self._commit, self._has_init = kernel, page_bytes, commit, has_init
        self._swap = swap_room(meminfo, areas, zram)

    def ranking(self):
        """The host's processes with their points, as rank() returns them."""
        return [row for _points, row in self._ranked()]

    def _ranked(self):
        return rank(self._rows, ram_and_swap_bytes(self._meminfo) // self._page, self._kernel, self._page,
                    self._has_init)

    def of_host(self):
        """{pid, name, distance_bytes, lead_bytes, fork_refused, caveat} of the next kill when the host runs out."""
        distance = host_distance(self._meminfo, zones_text(self._host), self._page, self._swap)
        return self._next(self._ranked(), distance, self._commit['fork_risk']['fails'], self._instead())

    def of_cgroup(self, group):
        """{path, pid, name, distance_bytes, lead_bytes, fork_refused, caveat} of the next kill at a limit."""
        rows = [row for row in self._rows if row['pid'] in group['pids']]
        total = cgroup_total_bytes(group, self._meminfo.get('SwapTotal', 0))
        victims = rank(rows, total // self._page, self._kernel, self._page, self._has_init)
        refused = fork_refused(self._host, rows, self._meminfo, self._vm, self._kernel, self._page)
        instead = self._instead(host=False)
        if group['kill_disabled']:
            instead = 'memory.oom_control is set: processes wait, and none is killed'
        kill = self._next(victims, cgroup_distance(group, self._swap), refused, instead)
        if group['kills_all'] and kill['pid'] is not None:
            kill['caveat'] = 'memory.oom.group is 1: all %d processes of it are killed together' % len(rows)
        return dict(kill, path=group['path'])

    def _next(self, victims, distance, refused, instead):
        victim = victims[0][1] if victims and instead is None else {'pid': None, 'name': None}
        lead = (victims[0][0] - victims[1][0]) * self._page if victim['pid'] and len(victims) > 1 else None
        caveat = instead or self._caveat(victims)
        if caveat is None and lead is not None and distance and lead < distance['high']:
            caveat = '%s (pid %d) is killed in its place if it grows by more than %s first' % (
                victims[1][1]['name'], victims[1][1]['pid'], format_size(lead))
        return {'pid': victim['pid'], 'name': victim['name'], 'distance_bytes': distance, 'lead_bytes': lead,
                'fork_refused': refused, 'caveat': caveat}

    def _instead(self, host=True):
        """What happens instead of a kill by points, in words, or None."""
        panics = self._vm.get('panic_on_oom') or 0
        if panics > 1 or (panics and host):
            return 'vm.panic_on_oom is %d: the kernel panics' % panics
        if host and self._vm.get('oom_kill_allocating_task'):
            return 'vm.oom_kill_allocating_task is %d: whoever asks for memory is killed' % (
                self._vm['oom_kill_allocating_task'])
        return None

    def _caveat(self, victims):
        if not victims:
            return 'there is no process that may be killed'
        version = kernel_version(self._kernel)
        if version is not None and version < (5, 1, 0):
            # bbbe48029720 (5.1) ended the sacrifice of a child in its parent's place.
            return 'a kernel before 5.1 may kill a child of it instead'
        return None
