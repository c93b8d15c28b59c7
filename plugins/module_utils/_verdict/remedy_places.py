# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remedies for memory that is there and may not be used: on other nodes, high memory, small blocks, refused
allocations.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._files.plain import plain
from .._files.sizes import format_size
from .._node.cgroup_paths import parse_cgroup, unit_of_path
from .._report.zones import managed_bytes, spared_high_memory
from .case import situation
from .remedy import DELAYS, NONE, PREVENTS, UNKNOWN, make_effect, make_remedy
from .remedy_limits import at_its_engine
from .shell_words import path_word, word

_TENTH = 10
# The kinds of containers whose nodes their engine sets; an id alone is most often Docker's.
_ENGINES = ('docker', 'podman', None)


def places(case):
    """Rows by what the newest report is of, or by what the kernel refused."""
    event = (case.reports or case.events or [None])[-1]
    what = situation(event) if event else None
    rows = {'numa': _numa, 'low_memory': _low_memory, 'contiguous': _contiguous, 'refused': _refused_pages,
            'plenty': _plenty}
    return (rows[what](case, event) if what in rows else []) + _overcommit(case)


def _elsewhere_bytes(event):
    """The bytes that were free on other nodes, or None: the zones that are shown are those of the allowed ones."""
    free = (event.get('memory') or {}).get('free_bytes')
    shown = [zone.get('free_bytes') for zone in event.get('zones') or []]
    if free is None or not shown or None in shown:
        return None
    return max(0, free - sum(shown))


def _numa(case, event):
    elsewhere = _elsewhere_bytes(event)
    if elsewhere:
        effect = make_effect(DELAYS, '%s was free on other nodes' % format_size(elsewhere), elsewhere)
    else:
        effect = make_effect(UNKNOWN, 'what was free on other nodes is not in the report',
                             would_tell=['numastat -m', 'numactl --hardware'])
    names = [row.get('name') for row in event.get('victims') or []]
    rows = [make_remedy('nodes', 'let it use more memory nodes', effect, command=_nodes_command(event, names))]
    # Within a cpuset it interleaves over the nodes of that cpuset alone.
    if event.get('scope') == 'mempolicy' and set(names) & set(case.options['protect_names']):
        rows.insert(0, make_remedy('numa_interleave', 'innodb_numa_interleave = ON, or no binding to one node', effect,
                                   command='innodb_numa_interleave = ON'))
    return rows


def _nodes_command(event, names):
    victims = event.get('victims') or [{}]
    if event.get('scope') == 'mempolicy':
        return 'numactl --interleave=all %s' % word(names[0] if names else None, 'PROGRAM')
    path = victims[0].get('cgroup')
    container, unit = parse_cgroup(path)['containers'][-1:], unit_of_path(path) if path else victims[0].get('unit')
    in_engine = container and container[0]['id'] and container[0]['kind'] in _ENGINES and at_its_engine(
        path, '%s update --cpuset-mems=NODES %s' % (
            container[0]['kind'] or 'docker', word(container[0]['id'][:12], 'CONTAINER')))
    if in_engine:
        return in_engine
    if path and (container or unit is None):
        # Neither an engine nor the host's systemctl sets it under that name.
        return 'echo NODES > /sys/fs/cgroup%s/cpuset.mems' % path_word(path, '/PATH')
    return 'systemctl set-property %s AllowedMemoryNodes=NODES' % word(unit, 'UNIT')


def _low_memory(case, event):
    spared, ram_bytes = spared_high_memory(event), managed_bytes(event)
    free = spared[1] if spared else None
    if free is None or not ram_bytes:
        effect = make_effect(UNKNOWN, 'how much high memory was free is not in the report')
    elif free * _TENTH >= ram_bytes:
        effect = make_effect(PREVENTS, 'a 64-bit kernel uses all of RAM for itself, and %s of %s was free' % (
            format_size(free), format_size(ram_bytes)), free)
    else:
        effect = make_effect(DELAYS, 'a 64-bit kernel could have used %s more' % format_size(free), free)
    return [make_remedy('kernel_64bit', 'a 64-bit kernel', effect, command='lscpu | grep op-mode')]


def _contiguous(case, event):
    order = (event.get('trigger') or {}).get('order')
    row = make_remedy(
        'compaction', 'join free memory into larger blocks', make_effect(
            UNKNOWN, 'memory was free, but not in blocks of order %s; whether what lies between can be moved is not in '
                     'the report' % order, would_tell=['cat /proc/buddyinfo', 'cat /proc/pagetypeinfo']),
        command='echo 1 > /proc/sys/vm/compact_memory', of_cause=True)
    return [row, _min_free(case, event)]


def _plenty(case, event):
    """RAM was free: something smaller than the host was short, which the report does not name."""
    free = (event.get('memory') or {}).get('free_bytes')
    tells = ['journalctl -k | grep -B40 -A40 "invoked oom-killer"', 'cat /sys/fs/cgroup/*/memory.events', 'numastat -m']
    return [make_remedy(
        'investigate', 'find out what was short while %s of RAM was free' % format_size(free), make_effect(
            UNKNOWN, 'a limit of a control group, a memory node or a zone refuses memory with RAM free',
            would_tell=tells), command=tells[0], of_cause=True)]


def _refused_pages(case, event):
    return [_min_free(case, event)]


def _min_free(case, event):
    """A reserve larger by half, for allocations of single pages that cannot wait."""
    now = _min_free_bytes(case, event)
    ram_bytes = managed_bytes(event) or case.host['ram_bytes']
    order = (event.get('trigger') or {}).get('order') or 0
    if not now or not ram_bytes:
        effect = make_effect(UNKNOWN, 'what the kernel keeps free is not known',
                             would_tell=['sysctl vm.min_free_kbytes'])
        return make_remedy('min_free', 'a larger reserve (vm.min_free_kbytes)', effect,
                           command='sysctl -w vm.min_free_kbytes=NUMBER')
    more = min(2 * now, ram_bytes // 50)
    if more <= now:
        effect = make_effect(NONE, '%s is kept free, a fiftieth of RAM or more' % format_size(now))
    elif order:
        effect = make_effect(UNKNOWN, 'a larger reserve keeps more blocks of order %d free, how many is not known' % (
            order), would_tell=['cat /proc/buddyinfo'])
    else:
        effect = make_effect(DELAYS, '%s kept free in place of %s' % (format_size(more), format_size(now)), more - now)
    return make_remedy('min_free', 'a larger reserve (vm.min_free_kbytes)', effect,
                       command='sysctl -w vm.min_free_kbytes=%d' % (max(more, now) // 1024))


def _min_free_bytes(case, event):
    kilobytes = (case.host_facts.get('vm') or {}).get('min_free_kbytes')
    if kilobytes:
        return kilobytes * 1024
    kept = [zone.get('min_bytes') for zone in event.get('zones') or []]
    return sum(kept) if kept and None not in kept else None


def _overcommit(case):
    """A row if the kernel refused memory, and the host's own overcommit mode is known or the log names it."""
    mode = (case.host_facts.get('commit') or {}).get('mode')
    if case.was_memory != 'yes' or case.actor != 'kernel_refused' or mode == 1:
        return []
    if mode is None and case.limit != 'commit':
        return []
    if mode is None:
        effect = make_effect(
            UNKNOWN, 'the commit limit was met; how far it is from what was asked for is not in the log',
            would_tell=['sysctl vm.overcommit_memory vm.overcommit_ratio', 'grep Commit /proc/meminfo'])
        return [make_remedy('overcommit', 'a higher commit limit (vm.overcommit_ratio), or vm.overcommit_memory 0',
                            effect, command='sysctl -w vm.overcommit_memory=0')]
    return [_overcommit_row(case, mode)]


def _overcommit_row(case, mode):
    wished = 0 if mode == 2 else 1
    risk = (case.host_facts.get('commit') or {}).get('fork_risk') or {}
    if risk.get('fails') is not True:
        effect = make_effect(UNKNOWN, 'by the figures of this host a fork would not be refused at this moment',
                             would_tell=['grep Commit /proc/meminfo'])
    else:
        effect = make_effect(DELAYS, 'what was refused would be granted; whether RAM holds what is then written, '
                                     'nothing bounds: %s' % plain(risk.get('reason') or ''))
    return make_remedy('overcommit', 'vm.overcommit_memory %d in place of %d' % (wished, mode), effect,
                       command='sysctl -w vm.overcommit_memory=%d' % wished)
