# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event that an OOM report tells of: with sizes in bytes, names that a person knows, and the parts that are
missing.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._node.cgroup import told_limit
from .._node.cgroup_paths import cgroup_names
from .cause import cause_of
from .holders import holders_of
from .ledger import ledger_of
from .memory import ZONE_COUNTERS


def _in_bytes(*names):
    return tuple((name, name + '_bytes') for name in names)


# x86 knows no other base page.
_PAGES_OF_4_KIB = re.compile(r'x86_64|amd64|i[3-6]86')

_COUNTERS = _in_bytes(
    'active_anon',
    'inactive_anon',
    'active_file',
    'inactive_file',
    'unevictable',
    'dirty',
    'writeback',
    'unstable',
    'slab_reclaimable',
    'slab_unreclaimable',
    'mapped',
    'shmem',
    'pagetables',
    'free',
    'isolated_anon',
    'isolated_file',
    'free_pcp',
    'sec_pagetables',
    'bounce',
    'kernel_misc_reclaimable',
    # Before 2.6.28.
    'active',
    'inactive',
    'slab',
)
# In kB, of each zone or node.
_SUMMED = {
    'kernel_stack': 'kernel_stack_bytes',
    'shadow_call_stack': 'kernel_stack_bytes',
    'mlocked': 'mlocked_bytes',
    'writeback_tmp': 'writeback_tmp_bytes',
    'zspages': 'zspages_bytes',
    'Balloon': 'balloon_bytes',
    'gpu_active': 'gpu_bytes',
    'gpu_reclaim': 'gpu_bytes',
}
_NOTHING_SUMMED = dict((in_bytes, None) for in_bytes in _SUMMED.values())
_MOST_NAMED = 10
_COUNTS = tuple(
    (name, name + '_pages', name + '_bytes')
    for name in ('ram', 'reserved', 'highmem', 'cma_reserved', 'hwpoisoned', 'pagecache', 'swapcache')
)
_ZONE_COUNTERS = _in_bytes(*ZONE_COUNTERS)
_SCOPES = {
    'CONSTRAINT_NONE': 'global',
    'CONSTRAINT_CPUSET': 'cpuset',
    'CONSTRAINT_MEMORY_POLICY': 'mempolicy',
    'CONSTRAINT_MEMCG': 'memcg',
}


def _times(value, factor):
    return None if value is None or factor is None else value * factor


def page_size(report):
    """The size of a page in bytes, or None. It follows from the unit of the buddy list, from the architecture in the
    kernel's release, or from a victim's size in kB and in pages.
    """
    if report.memory_block is not None and report.memory_block.page_kb:
        return report.memory_block.page_kb * 1024
    if report.identity is not None and _PAGES_OF_4_KIB.search(report.identity['kernel'] or ''):
        return 4096
    if report.table is not None:
        for victim in report.victims:
            row = report.table.find(victim['pid'])
            if row and row.total_vm and victim['total_vm_kb'] and victim['total_vm_kb'] % row.total_vm == 0:
                size = victim['total_vm_kb'] // row.total_vm
                if 4 <= size <= 1024 and not size & (size - 1):
                    return size * 1024
    return None


def _scope(report):
    summary = report.summary
    # A shortage of the whole host kills a group together too (mem_cgroup_get_oom_group()).
    of_host = (summary and summary['global_oom']) or _outside_cgroups(report)
    memcg = bool(
        report.task_in
        or report.usage
        or ((report.group or report.of_cgroup) and not of_host)
        or (report.chosen and report.chosen['memcg'])
        or any(victim['memcg'] for victim in report.victims)
    )
    if summary:
        # 5.0 to 5.2 print CONSTRAINT_NONE for a memory cgroup's kill as well.
        if summary['oom_memcg'] or (memcg and summary['constraint'] == 'CONSTRAINT_NONE'):
            return 'memcg'
        return _SCOPES.get(summary['constraint'], 'memcg' if memcg else 'unknown')
    if memcg:
        return 'memcg'
    if report.is_system_wide:
        return 'global'
    if report.memory_block is not None and report.header is not None:
        if report.cpuset is not None and report.cpuset[0] not in ('/', ''):
            return 'unknown'
        return 'global'
    return 'unknown'


def _outside_cgroups(report):
    """True if a line says ``Out of memory:`` or panics, which the kernel does for no memory cgroup; None if no line
    does.
    """
    said = [victim['outside'] for victim in report.victims] + [(report.chosen or {}).get('outside')]
    said.append(report.panic_of_host)
    return True if any(said) else None


def _tasks(report, rows, size):
    unit = 1 if report.table is not None and report.table.pgtables_in_bytes else size
    return [
        {
            'pid': pid,
            'uid': uid,
            'tgid': tgid,
            'total_vm_pages': total_vm,
            'rss_pages': rss,
            'rss_bytes': None if size is None else rss * size,
            'pgtables_bytes': None if page_tables is None or unit is None else page_tables * unit,
            'swapents_pages': swapents,
            'swap_bytes': _times(swapents, size) if swapents else swapents,
            'oom_score_adj': adjustment,
            'name': name,
        }
        for rss, total_vm, pid, uid, tgid, page_tables, swapents, adjustment, name, dummy in rows
    ]


def _task_count(report):
    """The number of processes in the task table, or None if it was cut off. A table without a row counts only if no
    process could be killed.
    """
    table = report.table
    if table is None or not (table.rows or report.no_victim):
        return None
    return len(table.rows) + table.dropped


def _process(pid, name, uid, path):
    process = {'pid': pid, 'name': name, 'uid': uid, 'score': None, 'cgroup': path}
    process.update(cgroup_names(path))
    return process


def _is_thread_of(report, pid, row):
    """True if a pid that the kernel chose is another thread of the process in a row. Up to 5.2 the kernel chose among
    threads, and listed processes alone. Another process would have a row of its own.
    """
    table = report.table
    return bool(row and pid is not None and not table.headless and not table.dropped and table.find(pid) is None)


def _victims(report, size):
    summary = report.summary
    victims = []
    for index, raw in enumerate(report.victims):
        row = report.table.find(raw['pid']) if report.table is not None else None
        path = None
        named = summary and (summary['pid'] in (None, raw['pid']) or _is_thread_of(report, summary['pid'], row))
        if summary and (named or report.group is not None):
            path = summary['task_memcg']
        elif report.task_in and index == 0:
            path = report.task_in[0]
        uid = raw['uid']
        if uid is None and named:
            uid = summary['uid']
        if uid is None and row:
            uid = row.uid
        victim = _process(raw['pid'], raw['name'], uid, path)
        chosen = report.chosen
        adjustment = row.oom_score_adj if row and raw['oom_score_adj'] is None else raw['oom_score_adj']
        meant = chosen and (chosen['pid'] == raw['pid'] or _is_thread_of(report, chosen['pid'], row))
        victim.update(
            {
                'score': chosen['score'] if meant else None,
                'total_vm_bytes': _times(raw['total_vm_kb'], 1024),
                'anon_rss_bytes': _times(raw['anon_rss_kb'], 1024),
                'file_rss_bytes': _times(raw['file_rss_kb'], 1024),
                'shmem_rss_bytes': _times(raw['shmem_rss_kb'], 1024),
                'pgtables_bytes': _pgtables(report, raw, row, size),
                'oom_score_adj': adjustment,
                'reaped': report.reaped.get(raw['pid']),
                'duplicates': report.duplicates.get((raw['pid'], raw['name']), 0),
                'sacrificed_for': chosen['pid'] if chosen and not meant and index == 0 else None,
            }
        )
        victims.append(victim)
    return victims


def _pgtables(report, raw, row, size):
    """The size of a victim's page tables in bytes, or None. 5.4.0 to 5.4.8 print bytes and call them kB, which the
    table of the same report shows.
    """
    in_bytes = report.table is not None and report.table.pgtables_in_bytes
    listed = row.pgtables if row else None
    if raw['pgtables_kb'] is None:
        return listed if in_bytes else _times(listed, size)
    return listed if in_bytes and listed and listed == raw['pgtables_kb'] else raw['pgtables_kb'] * 1024


def _selected(report):
    """The process that the kernel said it would kill, if no line tells that it did; else None."""
    if report.victims or not (report.summary or report.chosen):
        return None
    summary, chosen = report.summary, report.chosen
    if summary and (summary['pid'] is not None or summary['name']):
        process = _process(summary['pid'], summary['name'], summary['uid'], summary['task_memcg'])
    elif chosen:
        process = _process(chosen['pid'], chosen['name'], None, report.task_in[0] if report.task_in else None)
    else:
        return None
    if chosen and chosen['pid'] == process['pid']:
        process['score'] = chosen['score']
    return process


def _memory(report, size):
    block = report.memory_block
    memory = {'page_size_bytes': size}
    if block is None:
        block_counts, block_swap, counters = {}, {}, {}
    else:
        block_counts, block_swap, counters = block.counts, block.swap_kb, block.counters
    for name, in_pages, in_bytes in _COUNTS:
        pages = block_counts.get(name)
        if name == 'reserved':
            pages = _reserved_pages(block, size)
        memory[in_pages] = pages
        memory[in_bytes] = _times(pages, size)
    for name, in_bytes in _COUNTERS:
        pages = counters.get(name) if counters else None
        memory[in_bytes] = None if pages is None or size is None else pages * size
    memory['mapped_anon_bytes'] = _times(counters.get('mapped-anon'), size)
    memory.update(_summed(block))
    pools = block.huge_pages if block is not None else ()
    memory['hugepages_bytes'] = sum(total * kb * 1024 for dummy, total, dummy, kb in pools) if pools else None
    memory['hugepages_free_bytes'] = sum(free * kb * 1024 for dummy, dummy, free, kb in pools) if pools else None
    memory['swap_total_bytes'] = _times(block_swap.get('Total'), 1024)
    memory['swap_free_bytes'] = _times(block_swap.get('Free'), 1024)
    return memory


def _reserved_pages(block, size):
    """The pages of RAM that the kernel does not manage, by the zones if these are all; None if nothing tells.

    Kernels 3.12 to 3.16 print those of the last zone alone (lib/show_mem.c).
    """
    if block is None:
        return None
    pages, reserved = block.counts.get('ram'), block.counts.get('reserved')
    sizes = [(zone['kb'].get('present'), zone['kb'].get('managed')) for zone in block.zones]
    if None not in (pages, size) and sizes and not any(None in pair for pair in sizes):
        present = sum(pair[0] for pair in sizes)
        if present * 1024 == pages * size:
            return (present - sum(pair[1] for pair in sizes)) * 1024 // size
    # Some kernels counted more reserved pages than there are, and print a negative number without its sign.
    return None if reserved is not None and pages is not None and reserved > pages else reserved


def _summed(block):
    """What a memory block says of each zone or node, summed."""
    summed = dict(_NOTHING_SUMMED, free_blocks_bytes=None, slab_caches=[], allocations=[])
    if block is None:
        return summed
    summed['free_blocks_bytes'] = _times(block.free_blocks_kb, 1024)
    for name, kb in block.summed_kb.items():
        in_bytes = _SUMMED[name]
        summed[in_bytes] = (summed[in_bytes] or 0) + kb * 1024
    for key, name, pairs in (('slab_caches', 'name', block.slab_caches), ('allocations', 'site', block.allocations)):
        if pairs:
            largest = sorted(pairs, key=lambda pair: (-pair[1], pair[0]))[:_MOST_NAMED]
            summed[key] = [{name: text, 'bytes': nbytes} for text, nbytes in largest]
    return summed


def _statistics(report):
    """The statistics of the limiting cgroup and of those below it, which kernels before 5.3 print one by one."""
    told = [pairs for pairs in report.group_statistics if pairs]
    if len(told) < 2:
        return report.statistics
    return dict((name, sum(pairs.get(name, 0) for pairs in told)) for name in told[0])


def _zones(report, size):
    zones = []
    for zone in report.memory_block.zones if report.memory_block is not None else ():
        entry = {
            'node': zone['node'],
            'zone': zone['zone'],
            'free_blocks': zone['blocks'],
            # Kernels before 3.10 do not say which types the blocks are of.
            'free_block_types': zone['types'] if zone['types'] and any(zone['types']) else None,
            'lowmem_reserve_bytes': None
            if zone['reserve'] is None
            else [_times(pages, size) for pages in zone['reserve']],
            'all_unreclaimable': zone['unreclaimable'],
        }
        kb = zone['kb']
        for name, in_bytes in _ZONE_COUNTERS:
            entry[in_bytes] = _times(kb.get(name), 1024)
        zones.append(entry)
    return zones


def _cgroup(report):
    summary = report.summary or {}
    path = summary.get('oom_memcg') or report.limit_path
    if path is None and not report.usage and report.group is None:
        return None
    cgroup = {'path': path, 'stats': dict(report.statistics)}
    for name, prefix in (('memory', ''), ('swap', 'swap_'), ('memory+swap', 'memory_swap_'), ('kmem', 'kmem_')):
        usage = report.usage.get(name)
        cgroup[prefix + 'usage_bytes'] = usage[0] * 1024 if usage else None
        cgroup[prefix + 'limit_bytes'] = told_limit(usage[1] * 1024) if usage else None
        cgroup[prefix + 'failcnt'] = usage[2] if usage else None
    cgroup['group_kill'] = report.group is not None
    cgroup['group_path'] = report.group
    cgroup.update(cgroup_names(path))
    return cgroup


def _missing(report, scope, kind):
    missing = []
    if report.header is None:
        missing.append('header')
    block = report.memory_block
    if scope == 'memcg':
        known = bool(report.usage) or block is not None
    else:
        known = block is not None and 'ram' in block.counts and bool(block.counters)
    if not known:
        missing.append('memory')
    if kind != 'allocation_failure':
        table = report.table
        if (
            _task_count(report) is None
            or table.dropped
            or table.headless
            or any(
                victim['pid'] is not None and table.find(victim['pid']) is None and not report.sharing and index == 0
                for index, victim in enumerate(report.victims)
            )
        ):
            missing.append('tasks')
    if kind == 'kill' and not report.victims:
        missing.append('victim')
    return missing


def event_of(report, most_tasks=0):
    """The event of one report, with the ``most_tasks`` largest rows of its task table (0 is all).

    Its time is not resolved yet: ``prefix`` tells it. ``holders`` is what the ledger and the cause need of the whole
    table.
    """
    size = page_size(report)
    scope = 'unknown' if report.failure else _scope(report)
    kind = 'kill'
    if report.failure:
        kind = 'allocation_failure'
    elif report.panic and not report.victims:
        kind = 'panic'
    elif (report.no_victim or report.exiting) and not report.victims:
        kind = 'no_victim'
    header, identity, summary = report.header or {}, report.identity or {}, report.summary or {}
    missing = _missing(report, scope, kind)
    rows = report.table.largest_first() if report.table is not None else []
    cpuset = report.cpuset or (summary.get('cpuset'), summary.get('mems_allowed'))
    event = {
        'id': None,
        'time': None,
        'time_text': report.prefix.time_text,
        'order': None,
        'uptime_seconds': report.prefix.uptime,
        'host': report.prefix.host,
        'kernel': identity.get('kernel'),
        'kind': kind,
        'scope': scope,
        'constraint': summary.get('constraint'),
        'outside_cgroups': _outside_cgroups(report),
        'trigger': {
            'name': header.get('name', identity.get('name')),
            'pid': identity.get('pid'),
            'gfp_mask': header.get('gfp_mask'),
            'gfp_flags': header.get('gfp_flags'),
            'order': header.get('order'),
            'oom_score_adj': header.get('oom_score_adj'),
            'oom_adj': header.get('oom_adj'),
            'manual': report.manual,
            'allocation': header.get('allocation'),
        },
        'victims': _victims(report, size),
        'selected': _selected(report),
        'sharing': [{'pid': pid, 'name': name} for pid, name in report.sharing],
        'memory': _memory(report, size),
        'cgroup': _cgroup(report),
        'zones': _zones(report, size),
        'tasks': _tasks(report, rows[:most_tasks] if most_tasks else rows, size),
        'task_count': _task_count(report),
        'cpuset': cpuset[0],
        'mems_allowed': cpuset[1],
        'nodemask': summary.get('nodemask') or header.get('nodemask'),
        'trusted': report.prefix.trusted,
        'complete': not missing,
        'missing': missing,
        'source': {'path': report.path, 'line': report.line, 'offset': report.offset},
        'seen_in': [report.path],
    }
    event['prefix'] = report.prefix
    event['boot_id'] = report.prefix.boot
    event['holders'] = holders_of(report, size)
    event['statistics'] = _statistics(report)
    event['balloon'] = report.balloon
    event['near'] = None
    event['ledger'] = ledger_of(event)
    event['cause'] = cause_of(event)
    return event
