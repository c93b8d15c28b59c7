# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts and control groups that are short of memory, all made up, and what follows from each."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible_collections.oom.rescue.plugins.module_utils._node.ledger import make_ledger, make_part
from ansible_collections.oom.rescue.plugins.module_utils._verdict.judgement import judge_all
from ansible_collections.oom.rescue.plugins.module_utils._verdict.remedies import remedies_of

PAGE = 4096
MIB = 1 << 20
GIB = 1 << 30


def task(pid, name, rss, adj=0, uid=999):
    return {'pid': pid, 'name': name, 'uid': uid, 'rss_bytes': rss, 'rss_pages': rss // PAGE, 'pgtables_bytes': 0,
            'swapents_pages': 0, 'oom_score_adj': adj}


def host_report(ram=GIB, swap=0, swap_free=0, tasks=(), victim=None, free=10 * MIB, anon=None, **changes):
    """A synthetic report of a host that is short: the victim is the largest task unless it is named."""
    tasks = [task(*row) for row in tasks or [(13036, 'mysqld', 430 * MIB), (13360, 'php', 299 * MIB)]]
    victim = victim or max(tasks, key=lambda row: row['rss_bytes'])['name']
    killed = next(row for row in tasks if row['name'] == victim)
    anon = sum(row['rss_bytes'] for row in tasks) if anon is None else anon
    return dict({
        'id': 'e1', 'kind': 'kill', 'scope': 'global', 'complete': True, 'time': '2026-01-01T00:00:00+00:00',
        'kernel': '6.1.0', 'outside_cgroups': True, 'cause': 'RAM ran out.', 'zones': [], 'cgroup': None,
        'trigger': {'name': 'php', 'pid': 13360, 'order': 0, 'gfp_mask': '0x100cca', 'manual': False},
        'victims': [{'pid': killed['pid'], 'name': killed['name'], 'anon_rss_bytes': killed['rss_bytes']}],
        'memory': {'ram_bytes': ram, 'reserved_bytes': 0, 'page_size_bytes': PAGE, 'free_bytes': free,
                   'swap_total_bytes': swap, 'swap_free_bytes': swap_free, 'active_anon_bytes': anon,
                   'inactive_anon_bytes': 0},
        'tasks': tasks, 'task_count': len(tasks), 'ledger': ledger_of(tasks, ram),
    }, **changes)


def ledger_of(tasks, total):
    """A ledger of processes alone, each name once."""
    held = {}
    for row in tasks:
        held.setdefault(row['name'], []).append(row['rss_bytes'])
    parts = [make_part('process' if len(sizes) == 1 else 'processes', sum(sizes), name, swappable=True)
             for name, sizes in held.items()]
    return dict(make_ledger(total, parts), unaccounted_bytes=0)


def cgroup_report(path='/system.slice/web.service', limit=512 * MIB, **changes):
    group = {'path': path, 'limit_bytes': limit, 'usage_bytes': limit, 'swap_limit_bytes': None,
             'swap_usage_bytes': None, 'memory_swap_limit_bytes': None, 'memory_swap_usage_bytes': None,
             'group_kill': False, 'stats': {'active_anon': limit, 'inactive_anon': 0}}
    group.update(changes.pop('group', {}))
    memory = {'page_size_bytes': PAGE}
    return host_report(ram=limit, scope='memcg', outside_cgroups=False, cgroup=group, memory=memory, **changes)


def ledger(kind, nbytes, total=GIB, swappable=False, name=None):
    part = {'kind': kind, 'name': name, 'bytes': nbytes, 'share': nbytes / total, 'swappable': swappable,
            'droppable': False, 'approximate': False}
    return {'total_bytes': total, 'parts': [part], 'unaccounted_bytes': 0}


def facts(ram=GIB, swap=0, available=300 * MIB, runtime=60, **changes):
    return dict({
        'ram': {'total_bytes': ram, 'available_bytes': available},
        'swap': {'total_bytes': swap, 'areas': [{'path': '/dev/vdb', 'size_bytes': swap}] if swap else []},
        'swappiness': {'runtime': runtime}, 'host': {'can_swapon': True}, 'oom': {'candidates': []},
    }, **changes)


def told(kind, was_memory='yes', limit='unknown', actor='unknown', **changes):
    """A synthetic signal."""
    return dict({
        'kind': kind, 'was_memory': was_memory, 'limit': limit, 'actor': actor, 'program': None, 'errno': None,
        'trusted': None, 'name': None, 'pid': None, 'unit': None, 'container': None, 'host': None, 'bytes': None,
        'limit_bytes': None, 'text': kind, 'time': None, 'time_text': None, 'order': 0, 'epoch': None,
        'uptime_seconds': None, 'source': {'path': '/x', 'line': 1, 'offset': 0},
    }, **changes)


def remedies(events=(), signals=(), here=None, **options):
    events, signals = list(events), list(signals)
    for number, one in enumerate(events):
        one.setdefault('source', {'path': '/x', 'line': number + 1, 'offset': number})
    incidents, verdict = judge_all(events, signals)
    return remedies_of(verdict, incidents, events, signals, here, options)


def only(rows, name):
    found = [row for row in rows if row['name'] == name]
    assert len(found) == 1, [row['name'] for row in rows]
    return found[0]


def db(rss, *others, **changes):
    return host_report(tasks=[(9, 'mysqld', rss)] + list(others), **changes)


def refused(needed, headroom, mode=2):
    return facts(commit={'mode': mode, 'headroom_bytes': headroom,
                         'fork_risk': {'needed_bytes': needed, 'available_bytes': headroom}})
