# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remedies for the memory's largest holder: workers, a database's buffers, huge pages, a tmpfs, caches of the kernel.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._files.plain import plain
from .._files.sizes import format_size
from .._node.cgroup_paths import cgroup_names, unit_of_path
from .._node.ledger import UNACCOUNTED
from .._node.managers import is_launcher
from .._report.held import reserved_bytes
from .case import bound_bytes, is_swappable, situation
from .remedy import DELAYS, NONE, PREVENTS, UNKNOWN, make_effect, make_remedy
from .remedy_limits import whose_limit
from .remedy_score import is_keeper
from .shell_words import path_word, word
from .sizing import swap_was_full
from .slab_caches import slab_objects

# From this number on, processes of one name are workers, and are worth a count.
_MANY, _A_FLOOD = 5, 100
# If workers are alike, the largest holds no more than one part in so many of all.
_ALIKE = 4
# Memory did not run out because of a part smaller than this.
_A_THIRD, _HALF = 1 / 3, 0.5
# Nine tenths of the memory may be used: a tenth is left.
_USABLE = 0.9
_SETTINGS = {
    'php-fpm': 'pm.max_children = %d', 'httpd': 'MaxRequestWorkers %d', 'apache2': 'MaxRequestWorkers %d',
    'postgres': 'max_connections = %d', 'postmaster': 'max_connections = %d', 'gunicorn': 'gunicorn --workers %d',
    'uwsgi': 'uwsgi --processes %d', 'sidekiq': 'sidekiq --concurrency %d', 'beam.smp': None,
}
# What has to be found out about memory that no process holds, and the command that tells it.
_TELLS = {
    'page_tables': ('which process has the most page tables (sparse or shared mappings)',
                    'grep -H VmPTE /proc/[0-9]*/status | sort -k2 -n | tail -5'),
    'kernel_stacks': ('which process has so many threads', 'ps -e -o nlwp=,comm= | sort -n | tail -5'),
    'vmalloc': ('which part of the kernel took so much by vmalloc', 'cat /proc/vmallocinfo'),
    'percpu': ('which part of the kernel took so much for each CPU', 'grep Percpu /proc/meminfo'),
    'sockets': ('whose sockets hold so much', 'ss -m -a | head -50'),
    'zram': ('how much zram may take', 'zramctl'),
    'zswap': ('how much zswap may take', 'grep -r . /sys/module/zswap/parameters'),
    'locked': ('who locks so much memory (mlock)', 'grep -H VmLck /proc/[0-9]*/status | sort -k2 -n | tail -5'),
    'page_cache': ('why so much page cache is not written and dropped',
                   'grep -E "Dirty|Writeback|Cached" /proc/meminfo; mount | grep -E "nfs|fuse|loop"'),
    'other': ('what holds so much', 'cat /proc/meminfo /proc/vmstat'),
    UNACCOUNTED: ('what holds the memory that no counter of the kernel tells of: a driver, pipes, sockets, vmalloc',
                  'cd /proc; cat meminfo vmstat vmallocinfo spl/kstat/zfs/arcstats; ss -m -a | head -50'),
}
# Servers with a size of their own, as a database has its buffer pool: the setting, and the command that tells it.
_OWN_SIZES = {
    'java': ('heap (-Xmx)', 'jcmd PID VM.flags'),
    'redis-server': ('maxmemory', 'redis-cli CONFIG GET maxmemory'),
    'valkey-server': ('maxmemory', 'valkey-cli CONFIG GET maxmemory'),
    'mongod': ('cache (storage.wiredTiger.engineConfig.cacheSizeGB)',
               'mongosh --eval "db.serverStatus().wiredTiger.cache"'),
    'memcached': ('size (-m)', 'echo stats | nc localhost 11211 | grep limit_maxbytes'),
    # What a guest has is the host's only while it uses it.
    'qemu-system-x86': ('memory of the guests', 'virsh list; virsh dommemstat DOMAIN'),
    'qemu-kvm': ('memory of the guests', 'virsh list; virsh dommemstat DOMAIN'),
}
# What one process of a server does that takes so much, and what tells it.
_ONE_PROCESS = {
    'postgres': (': a query, and work_mem for each of its steps',
                 'psql -c "SELECT pid, query_start, query FROM pg_stat_activity" -c "SHOW work_mem"'),
    'php-fpm': (': a script, and its memory_limit', 'php-fpm -i | grep memory_limit'),
}
_SLABTOP = 'slabtop -o -s c | head -15'


def holders(case):
    """Rows for what held the memory in the newest whole report of the host or a cgroup."""
    reports = [event for event in case.reports if situation(event) in ('host', 'cgroup')]
    if not reports:
        return []
    event = reports[-1]
    eater = case.eater(event)
    if eater is None or not eater['share']:
        return []
    rows = [build(case, event, eater) for build in _BUILDERS]
    return [row for row in rows if row]


def _others_bytes(event, held):
    """The bytes of all else that cannot be dropped; None if the report does not tell."""
    total, free = bound_bytes(event), (event.get('memory') or {}).get('free_bytes')
    if event.get('scope') == 'memcg':
        usage = (event.get('cgroup') or {}).get('usage_bytes')
        free = None if None in (total, usage) else max(0, total - usage)
    if None in (total, free):
        return None
    parts = (event.get('ledger') or {}).get('parts') or []
    droppable = sum(part['bytes'] or 0 for part in parts if part['droppable'])
    return max(0, total - free - held - droppable)


def _allowed(case, event, eater):
    """What a holder may have so that a tenth is left, in bytes; None if it is not told.

    Of all whole reports of the incident it is the least: who was killed in an earlier one is to live on.
    """
    bounds = []
    for report in case.reports:
        group = (report.get('cgroup') or {}).get('path')
        held = eater['bytes'] if report is event else _held_then(report, eater)
        if held and situation(report) == situation(event) and group == (event.get('cgroup') or {}).get('path'):
            others, bound = _others_bytes(report, held), bound_bytes(report)
            bounds += [] if others is None else [int(bound * _USABLE) - others]
    return min(bounds) if bounds else None


def _held_then(report, eater):
    parts = (report.get('ledger') or {}).get('parts') or []
    kinds = ('process', 'processes') if eater['kind'] in ('process', 'processes') else (eater['kind'],)
    return sum(part['bytes'] or 0 for part in parts if part['kind'] in kinds and part['name'] == eater['name'])


def _workers(case, event, eater):
    name = eater['name']
    rows = [task for task in event.get('tasks') or [] if task.get('name') == name and task.get('rss_bytes')]
    if not name or len(rows) < _MANY or eater['share'] < _A_THIRD or eater['kind'] != 'processes':
        return None
    each = max(task['rss_bytes'] + (task.get('swap_bytes') or 0) for task in rows)
    if each * _ALIKE > eater['bytes']:
        # One of them is the cause, and to limit their number is no remedy.
        return None
    allowed = _allowed(case, event, eater)
    fit = None if allowed is None else allowed // each
    effect = _workers_effect(event, eater, rows, each, fit)
    setting = _SETTINGS.get(name)
    few = fit if fit and effect['effect'] == PREVENTS else None
    return make_remedy(
        'workers', 'fewer processes of %s%s' % (plain(name), ', at most %d' % few if few else ''), effect,
        command=setting % few if setting and few else None, fit=few)


def _processes_limit(case, event, eater):
    """A limit on processes, if there are more of one name than a server's workers."""
    row = _workers(case, event, eater)
    count = len([task for task in event.get('tasks') or [] if task.get('name') == eater['name']])
    if row is None or count < _A_FLOOD:
        return None
    fit = row.get('fit')
    return make_remedy(
        'pids_limit', 'a limit on the processes of its unit, container or user', make_effect(
            row['effect'], row['why'], would_tell=row['would_tell']),
        command='systemctl set-property UNIT TasksMax=%s' % (fit or 'NUMBER'))


def _threads_limit(case, event, eater):
    """A limit on threads, if their stacks hold the most: the kernel counts each thread as a task of its unit."""
    if eater['kind'] != 'kernel_stacks' or eater['share'] < _A_THIRD:
        return None
    return make_remedy(
        'pids_limit', 'a limit on the threads of its unit, container or user', make_effect(
            UNKNOWN, '%s of %s is stacks of threads; whose they are is not in the log' % (
                format_size(eater['bytes']), format_size(bound_bytes(event))), would_tell=[_TELLS['kernel_stacks'][1]]),
        command='systemctl set-property UNIT TasksMax=NUMBER', of_cause=True)


def _workers_effect(event, eater, rows, each, fit):
    count, name = len(rows), plain(eater['name'])
    words = '%d of %s held %s, the largest of them %s' % (count, name, format_size(eater['bytes']), format_size(each))
    if fit is None:
        return make_effect(UNKNOWN, '%s; what else was held is not told' % words, would_tell=['free -m'])
    if any(task.get('swapents_pages') is None for task in rows) and _swap_in_use(event):
        return make_effect(UNKNOWN, '%s; what of them was in swap is not told' % words,
                           would_tell=['grep -H VmSwap /proc/[0-9]*/status'])
    if fit < 1:
        return make_effect(NONE, '%s; beside all else not one fits with a tenth left' % words)
    if fit >= count:
        return make_effect(UNKNOWN, '%s; by these figures all of them fit' % words, would_tell=['free -m'])
    return make_effect(PREVENTS, '%s; %d of that size fit beside all else with a tenth left' % (words, fit))


def _swap_in_use(event):
    memory = event.get('memory') or {}
    return memory.get('swap_total_bytes') != memory.get('swap_free_bytes')


def _one_of_many(case, event, eater):
    """One of several of a name that holds half of what they all do: its work is the trouble, and not their count."""
    rows = [task for task in event.get('tasks') or [] if task.get('name') == eater['name'] and task.get('rss_bytes')]
    if eater['kind'] != 'processes' or len(rows) < 2 or eater['share'] < _A_THIRD or eater['name'] in _OWN_SIZES:
        return None
    largest = max(rows, key=lambda row: row['rss_bytes'])
    if largest['rss_bytes'] * 2 < eater['bytes']:
        return None
    words, tells = _ONE_PROCESS.get(eater['name'], ('', 'ps -o pid,etime,args -p %s' % largest['pid']))
    return make_remedy(
        'investigate', 'find out what the one %s (pid %s) was doing%s' % (plain(eater['name']), largest['pid'], words),
        make_effect(UNKNOWN, 'it alone held %s of the %s of all %d of that name' % (
            format_size(largest['rss_bytes']), format_size(eater['bytes']), len(rows)), would_tell=[tells]),
        command=tells, of_cause=True)


def _buffer_pool(case, event, eater):
    if eater['name'] not in case.options['protect_names'] or eater['share'] < _HALF:
        return None
    allowed = _allowed(case, event, eater)
    less = None if allowed is None else -(-max(0, eater['bytes'] - allowed) // (1 << 20)) << 20
    words = '%s holds %s of %s' % (plain(eater['name']), format_size(eater['bytes']), format_size(bound_bytes(event)))
    if not less:
        effect = make_effect(UNKNOWN, words, would_tell=['mysql -e "SELECT @@innodb_buffer_pool_size"'])
        return make_remedy('buffer_pool', 'a smaller innodb_buffer_pool_size', effect, of_cause=True)
    effect = make_effect(DELAYS, '%s: with %s less a tenth is left; what it takes beside the pool is not bounded' % (
        words, format_size(less)), less)
    return make_remedy(
        'buffer_pool', 'innodb_buffer_pool_size smaller by %s, in its configuration too' % format_size(less), effect,
        command='mysql -e "SET GLOBAL innodb_buffer_pool_size = @@innodb_buffer_pool_size - %d"' % less)


def _own_size(case, event, eater):
    """A smaller size in a server's own settings, if it holds half or more: a limit of its group would only have it
    killed.
    """
    own = _OWN_SIZES.get(eater['name'])
    if own is None or eater['share'] < _HALF or eater['kind'] not in ('process', 'processes'):
        return None
    allowed = _allowed(case, event, eater)
    less = None if allowed is None else -(-max(0, eater['bytes'] - allowed) // (1 << 20)) << 20
    words = '%s holds %s of %s' % (eater['name'], format_size(eater['bytes']), format_size(bound_bytes(event)))
    what = 'a smaller %s of %s' % (own[0], eater['name'])
    # Swap is made first where it makes room for it; where it makes none, this is the remedy.
    aside = is_swappable(event, eater) is not False
    if not less:
        return make_remedy('program_limit', what, make_effect(UNKNOWN, words, would_tell=[own[1]]), aside=aside)
    return make_remedy('program_limit', '%s, by %s or more' % (what, format_size(less)), make_effect(
        DELAYS, '%s: with %s less a tenth is left; what it takes beside that is not bounded' % (
            words, format_size(less)), less, would_tell=[own[1]]), aside=aside)


def _part(event, kind, name=None):
    parts = (event.get('ledger') or {}).get('parts') or []
    return next((part for part in parts if part['kind'] == kind and part['bytes'] and name in (None, part['name'])),
                None)


def _huge_pages(case, event, eater):
    part = _part(event, 'hugepages')
    if part is None or part['share'] < _A_THIRD:
        return None
    free = _free_huge_bytes(case, event)
    words = '%s of RAM are set aside as huge pages' % format_size(part['bytes'])
    if free is None:
        effect = make_effect(UNKNOWN, '%s; how many are in use is not in the log' % words,
                             would_tell=['grep -i huge /proc/meminfo'])
    elif free:
        effect = make_effect(DELAYS, '%s, and %s of them are in no use' % (words, format_size(free)), free)
    else:
        effect = make_effect(NONE, '%s, and all of them are in use' % words)
    return make_remedy('hugepages', 'fewer huge pages (vm.nr_hugepages)', effect,
                       command='sysctl -w vm.nr_hugepages=NUMBER', of_cause=True)


def _free_huge_bytes(case, event):
    free = (event.get('memory') or {}).get('hugepages_free_bytes')
    if free is not None:
        return free
    return (case.host_facts.get('ram') or {}).get('hugepages_free_bytes')


def _tmpfs(case, event, eater):
    if eater['kind'] != 'shmem':
        return None
    name, allowed = eater['name'] or _mount_now(case, eater), _allowed(case, event, eater)
    words = '%s is shared memory or files in a tmpfs' % format_size(eater['bytes'])
    known = name and name.startswith('/') and allowed is not None and allowed > 0
    if not known:
        return make_remedy(
            'tmpfs_size', 'delete files in a tmpfs, or give it a smaller size', make_effect(
                UNKNOWN, '%s; which tmpfs, or whose shared memory, is not in the log' % words,
                would_tell=['df -h -t tmpfs', 'ipcs -m -p']), command='mount -o remount,size=SIZE /PATH', of_cause=True)
    size = allowed >> 20 << 20
    return make_remedy(
        'tmpfs_size', 'a size of %s for the tmpfs %s, once files in it are deleted' % (format_size(size), plain(name)),
        make_effect(PREVENTS, '%s on %s: limited to %s, a tenth of all is left' % (
            words, plain(name), format_size(size))),
        command='mount -o remount,size=%d %s' % (size, path_word(name, '/PATH')))


def _mount_now(case, eater):
    """The mount of a tmpfs that still holds half of what a report calls shared memory, or None, as no report names one.
    """
    parts = (case.host_facts.get('ledger') or {}).get('parts') or []
    named = [part for part in parts if part['kind'] == 'shmem' and part['name'] and part['bytes'] * 2 >= eater['bytes']]
    return max(named, key=lambda part: part['bytes'])['name'] if named else None


def _slab(case, event, eater):
    if eater['kind'] not in ('slab_unreclaimable', 'slab_reclaimable'):
        return None
    caches = ' (%s)' % plain(eater['name']) if eater['name'] else ''
    objects, tells = slab_objects(eater['name'])
    what = 'find who has so many of them: %s' % objects if objects else (
        'find which part of the kernel fills its caches%s, and update or unload that' % caches)
    return make_remedy(
        'slab_leak', what, make_effect(
            UNKNOWN, "%s is in the kernel's own caches%s%s; no kill frees that" % (
                format_size(eater['bytes']), caches, ': %s' % objects if objects else ''),
            would_tell=([tells] if tells else []) + [_SLABTOP, 'uname -r']),
        command=tells or _SLABTOP, of_cause=True)


def _balloon(case, event, eater):
    part = _part(event, 'other', 'balloon')
    if part is not None:
        return make_remedy(
            'balloon', "a higher floor for the guest's balloon, on the hypervisor",
            make_effect(DELAYS, 'the hypervisor took %s through the balloon' % format_size(part['bytes']),
                        part['bytes']), command='virsh setmem DOMAIN SIZE --live')
    if situation(event) == 'cgroup':
        return None
    if eater['kind'] == UNACCOUNTED:
        return _perhaps_a_balloon(
            'no counter holds %s: in a virtual machine a balloon may have them' % format_size(eater['bytes']))
    reserved = reserved_bytes(event)
    if reserved is None:
        return None
    total = event['memory']['ram_bytes']
    return _perhaps_a_balloon(
        '%s of the %s RAM is reserved: by a balloon, a crash kernel or firmware' % (
            format_size(reserved), format_size(total)),
        ['cat /sys/kernel/kexec_crash_size'], of_cause=reserved * 2 > total)


def _perhaps_a_balloon(why, would_tell=(), of_cause=True):
    return make_remedy(
        'balloon', "the guest's balloon, if this is a virtual machine", make_effect(UNKNOWN, why, would_tell=[
            'lsmod | grep -i balloon', 'grep -i balloon /proc/vmstat', 'virsh dommemstat DOMAIN'] + list(would_tell)),
        of_cause=of_cause)


def _kernel(case, event, eater):
    if eater['kind'] not in _TELLS or (eater['kind'], eater['name']) == ('other', 'balloon'):
        return None
    what, tells = _TELLS[eater['kind']]
    return make_remedy(
        'investigate', 'find out %s' % what, make_effect(
            UNKNOWN, '%s of %s; who holds them is not in the log' % (
                format_size(eater['bytes']), format_size(bound_bytes(event))), would_tell=[tells]), command=tells,
        of_cause=True)


def _bound(case, event, eater):
    """A limit for the service of a process that holds half of RAM or more: then it is killed alone, before the host
    runs out.

    There is none for a server that is to be spared or has a size of its own, for locked memory, nor for what keeps the
    host reachable.
    """
    if eater['name'] in _OWN_SIZES or is_swappable(event, eater) is False:
        return None
    if situation(event) != 'host' or eater['kind'] != 'process' or eater['share'] < _HALF:
        return None
    allowed = _allowed(case, event, eater)
    if eater['name'] in case.options['protect_names'] or is_keeper(eater['name']) or not allowed or allowed < 0:
        return None
    size = allowed >> 20 << 20
    name, whom, command = _runs_in(case, event, eater, size)
    if name is None:
        return None
    return make_remedy(
        name, 'a limit of %s for %s' % (format_size(size), whom), make_effect(
            PREVENTS, '%s held %s of %s: limited to %s, a tenth of RAM is left, and it alone is killed beyond that' % (
                plain(eater['name']), format_size(eater['bytes']), format_size(bound_bytes(event)), format_size(size))),
        command=command)


def _runs_in(case, event, eater, size):
    """(name of the remedy, whose limit, the command) of the pod, container or service of the eater; None of each if it
    runs in none, or in one that the host needs.
    """
    victim = next((one for one in event.get('victims') or [] if one.get('name') == eater['name']), {})
    names = cgroup_names(victim.get('cgroup'))
    if names['pod_uid'] or names['container_id']:
        return whose_limit(case, victim['cgroup'], {}, size)
    path = victim.get('cgroup')
    unit = (unit_of_path(path) if path else victim.get('unit')) or ''
    if not unit.endswith('.service') or is_keeper(unit[:-len('.service')]) or is_launcher(unit):
        return None, None, None
    return 'cgroup_limit', plain(unit), 'systemctl set-property %s MemoryMax=%d' % (word(unit, 'UNIT'), size)


def _locked(case, event, eater):
    """A remedy for a process that holds the most, and keeps the kernel from swapping it out."""
    if eater['kind'] != 'process' or is_swappable(event, eater) is not False:
        return None
    tells = _TELLS['locked'][1]
    return make_remedy(
        'investigate', 'find out why %s locks its memory (mlock; LimitMEMLOCK of its unit)' % plain(eater['name']),
        make_effect(UNKNOWN, 'the kernel can neither drop nor swap out its %s' % format_size(eater['bytes']),
                    would_tell=[tells]), command=tells, of_cause=True)


def _more_ram(case, event, eater):
    """More RAM, if swap was full or does nothing for what holds the memory."""
    bound = bound_bytes(event)
    if situation(event) != 'host' or not bound or (is_swappable(event, eater) and not swap_was_full(event)):
        return None
    return make_remedy('more_ram', 'more RAM, or less work on this host', make_effect(
        DELAYS, 'as much again is %s more; nothing bounds what is asked for' % format_size(bound), bound))


_BUILDERS = (
    _workers, _processes_limit, _one_of_many, _bound, _buffer_pool, _own_size, _huge_pages, _tmpfs, _slab, _kernel,
    _threads_limit, _balloon, _locked, _more_ram,
)
