# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Swap, and vm.swappiness, which goes with it: what either would have changed for the shortage.

Swap makes room only for the pages on the lists of anonymous pages (mm/vmscan.c).
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._files.plain import plain
from .._files.sizes import format_size
from .._report.cause import is_swap_believable
from .._report.zones import managed_bytes
from .case import DEFAULTS, is_swappable, situation, swappable_bytes
from .remedy import DELAYS, NONE, PREVENTS, UNKNOWN, least, make_effect, make_remedy
from .shell_words import path_word
from .sizing import NEARLY_FULL, UNPROVEN, swap_was_full

# If less than one part in so many of RAM could be swapped out, that is too little room; if what holds the most cannot
# be swapped out, and grows, even more is soon gone.
_LITTLE, _LITTLE_BESIDE = 20, 5
# What systemd-oomd says when it kills by the swap that is used.
_BY_SWAP = re.compile(r'due to memory used\b')
_MEMINFO = 'grep -E "Mem|Active|Inactive|Unevictable|Swap|Slab|Huge" /proc/meminfo'
# The reasons that swap is no remedy if RAM itself did not run out.
_NOT_RAM = {
    'manual': 'somebody asked for the kill (sysrq f); memory did not run out',
    'low_memory': 'what ran out is low memory, which the kernel needs for itself and cannot swap out',
    'contiguous': 'memory was free, but not in blocks that large; swap does not join blocks',
    'refused': 'one allocation was refused and nothing was killed; swap does not change what may be refused at once',
    'numa': 'only the memory nodes that it may use had no memory for it; swap opens no other node',
}
# The reasons that swap is no remedy, by the verdict alone.
_NO_SWAP_FOR = {
    'program': 'the program met a limit of its own, with whatever RAM and swap there is',
    'gpu': "the graphics card's memory was full, which swap does not extend",
    'numa': _NOT_RAM['numa'],
    'contiguous': _NOT_RAM['contiguous'],
    'low_memory': _NOT_RAM['low_memory'],
    'none': 'no limit of memory was met',
}


def swap(case):
    """The row of swap, with the size that the rule and the reports ask for."""
    size = case.swap['size_bytes'] if case.swap else None
    present = case.host['swap_bytes']
    return make_remedy(
        'swap', _what(case, size), _effect(case, size), target='shortage' if case.verdict else None,
        command=_command(case, size), size_bytes=size, present_bytes=present, sizing=_sizing(case),
        by_rule=case.is_by_rule and size is not None)


def _sizing(case):
    """{size_bytes, total_bytes, other_bytes, demand_bytes, rule, reasons}, with why the size is so; None if no RAM is
    known.
    """
    recommended = case.swap
    if recommended is None:
        return None
    reasons = list(recommended['reasons'])
    if recommended['own_bytes'] and recommended['own_bytes'] >= recommended['size_bytes']:
        reasons.append('%s gives %s already' % (
            plain(case.options['swap_path']), format_size(recommended['own_bytes'])))
    elif not case.host['swap_bytes']:
        reasons.append('there is no swap, so the kernel can only drop file cache and then kill')
    if case.host['can_swapon'] is False:
        reasons.append('this host cannot turn swap on itself (a container, or no privilege): do it on the machine '
                       'that carries it')
    sizing = dict((key, recommended[key]) for key in ('size_bytes', 'total_bytes', 'demand_bytes', 'rule'))
    return dict(sizing, other_bytes=recommended['other_swap_bytes'], reasons=reasons)


def _what(case, size):
    if size is None:
        return 'swap, as much as the rule gives for the RAM there is'
    other = case.swap['other_swap_bytes']
    if not size:
        return 'no more swap than the %s there is' % format_size(other)
    more = ' beside the %s there is' % format_size(other) if other else ''
    return 'swap of %s%s' % (format_size(size), more)


def _command(case, size):
    if not size:
        return None
    path = case.options['swap_path']
    command = 'ansible-playbook oom.rescue.remediate -e swap_size=%d' % size
    if path != DEFAULTS['swap_path']:
        command += ' -e swap_path=%s' % path_word(path, 'PATH')
    return command


def _effect(case, size):
    if case.verdict is None:
        return make_effect(NONE, 'no incident was found that swap could have changed%s' % (
            '; the rule gives %s for this host' % format_size(size) if size else ''))
    if case.reports:
        return least([_on_report(case, event, _more_than_there_was(case, event)) for event in case.reports])
    return _by_verdict(case, size)


def _more_than_there_was(case, event):
    """The bytes of swap that there would be beyond those of a report; None if the right size is not known."""
    if case.swap is None:
        return None
    wanted = case.swap['other_swap_bytes'] + max(case.swap['size_bytes'], case.swap['own_bytes'])
    return max(0, wanted - ((event.get('memory') or {}).get('swap_total_bytes') or 0))


def _by_verdict(case, size):
    """The effect if there is no whole report: none if the limit says so, else unknown."""
    if case.was_memory == 'no':
        return make_effect(NONE, 'it was not memory')
    situations = set(situation(event) for event in case.events)
    if len(situations) == 1 and situations <= set(_NOT_RAM):
        return make_effect(NONE, _NOT_RAM[situations.pop()])
    if case.was_memory == 'yes' and case.limit in _NO_SWAP_FOR:
        return make_effect(NONE, _NO_SWAP_FOR[case.limit])
    if case.was_memory == 'yes' and case.actor == 'kubelet':
        return make_effect(NONE, 'the kubelet evicts by the RAM that is available, which swap is no part of')
    refused = _refused(case, size)
    if refused:
        return refused
    if case.was_memory == 'yes':
        partial = _by_partial_report(case)
        if partial:
            return partial
    if case.was_memory == 'yes' and case.limit == 'cgroup':
        return make_effect(UNKNOWN, 'a control group met its limit, and whether it may use swap is not in the log',
                           would_tell=['cat /sys/fs/cgroup/PATH/memory.swap.max', 'swapon --show'])
    return make_effect(UNKNOWN, 'how much RAM and swap there was, and what held it, is not in the log',
                       would_tell=[_MEMINFO, 'swapon --show'])


def _by_partial_report(case):
    """The effect by the figures that are left of a report that was cut, or that systemd-oomd tells; None without any.
    """
    for event in reversed(case.short):
        memory, cgroup = event.get('memory') or {}, event.get('cgroup') or {}
        if case.limit == 'host' and None not in (memory.get('swap_total_bytes'), memory.get('swap_free_bytes')):
            return _on_host(case, event, _more_than_there_was(case, event))
        known = (cgroup.get('swap_limit_bytes'), cgroup.get('memory_swap_limit_bytes'))
        if case.limit == 'cgroup' and known != (None, None):
            return _in_cgroup(case, event, _more_than_there_was(case, event))
    if case.actor == 'systemd-oomd' and any(_BY_SWAP.search(signal.get('text') or '') for signal in case.told):
        return make_effect(
            UNKNOWN, 'systemd-oomd killed as RAM and swap were nearly used up: more swap moves that by its size, and '
                     'what asked for memory may use that up too', would_tell=['oomctl', 'swapon --show'])
    return None


def _refused(case, size):
    """The effect on a fork or allocation that the kernel refused, by the host's own figures; None if it is no such
    thing.
    """
    if case.actor != 'kernel_refused' or case.was_memory != 'yes' or not size:
        return None
    commit = case.host_facts.get('commit') or {}
    mode = commit.get('mode')
    if mode == 1:
        return make_effect(NONE, 'vm.overcommit_memory is 1: the kernel refuses nothing for want of RAM or swap')
    asked, has = _asked_and_has(case, commit)
    if asked is None or has is None:
        return None
    rule = {2: 'the commit limit leaves', 0: 'the kernel grants at once'}.get(mode)
    if rule is None:
        return None
    figures = '%s were asked for, %s %s, and swap of %s raises that to %s' % (
        format_size(asked), rule, format_size(has), format_size(size), format_size(has + size))
    if asked <= has:
        return make_effect(NONE, 'by the figures of this host it would not be refused: %s' % figures)
    if asked * 10 <= (has + size) * 9:
        return make_effect(PREVENTS, figures)
    return make_effect(NONE, '%s, which is not enough' % figures)


def _asked_and_has(case, commit):
    """(bytes that were refused, bytes that the kernel would grant), each None if it is not known."""
    asked = [signal['bytes'] for signal in case.told if signal.get('errno') == 12 and signal.get('bytes')]
    risk = commit.get('fork_risk') or {}
    if asked:
        has = commit.get('headroom_bytes') if commit.get('mode') == 2 else risk.get('available_bytes')
        return max(asked), has
    forks = 'fork-enomem' in case.kinds()
    return (risk.get('needed_bytes'), risk.get('available_bytes')) if forks else (None, None)


def _on_report(case, event, size):
    what = situation(event)
    if what in _NOT_RAM:
        return make_effect(NONE, _NOT_RAM[what])
    if what == 'plenty':
        free = (event.get('memory') or {}).get('free_bytes')
        return make_effect(NONE, '%s of RAM was free: RAM is not what ran out' % format_size(free))
    if what == 'cgroup':
        return _in_cgroup(case, event, size)
    if what != 'host':
        return make_effect(UNKNOWN, 'of what memory was short is not in the report', would_tell=[_MEMINFO])
    return _on_host(case, event, size)


def _on_host(case, event, size):
    memory = event.get('memory') or {}
    total, free = memory.get('swap_total_bytes'), memory.get('swap_free_bytes')
    if None in (total, free) or not is_swap_believable(memory):
        return make_effect(UNKNOWN, 'how much swap there was is not in the report', would_tell=['swapon --show'])
    if free * NEARLY_FULL > total:
        return make_effect(NONE, '%s of %s of swap was free already: more of it would not have been used either' % (
            format_size(free), format_size(total)))
    ram_bytes, movable = managed_bytes(event), swappable_bytes(event)
    if movable is None or not ram_bytes:
        return make_effect(UNKNOWN, 'how much of RAM could be swapped out is not in the report',
                           would_tell=[_MEMINFO])
    if _is_little(case, event, movable, ram_bytes):
        return make_effect(NONE, 'only %s of %s of RAM could be swapped out; %s' % (
            format_size(movable), format_size(ram_bytes), _eater_words(case.eater(event))))
    if not size:
        return make_effect(NONE, '%s of swap was full, and is what the rule gives: %s' % (
            format_size(total), UNPROVEN if case.swap and case.swap['unproven'] else
            'more would move the end by its size alone'))
    return _room(case, event, size, movable)


def _is_little(case, event, movable, bound):
    """True if what could be swapped out makes too little room beside what holds the most."""
    stays = is_swappable(event, case.eater(event)) is False
    return movable * (_LITTLE_BESIDE if stays else _LITTLE) < bound


def _eater_words(eater):
    if eater is None:
        return 'what holds the rest is not told'
    name = '%s %s' % (eater['kind'].replace('_', ' '), plain(eater['name'])) if eater['name'] \
        else eater['kind'].replace('_', ' ')
    return 'the most is %s, %s' % (name, format_size(eater['bytes']))


def _room(case, event, size, movable):
    """The room that swap makes: its size if what grows can be swapped out, else what else can be."""
    eater = case.eater(event)
    swappable = is_swappable(event, eater)
    room = size if swappable else min(size, movable)
    peak, ram_bytes = case.options['expected_peak_bytes'], managed_bytes(event)
    total = (event.get('memory') or {}).get('swap_total_bytes') or 0
    words = '%s could be swapped out; %s' % (format_size(movable), _eater_words(eater))
    if peak is not None and swappable:
        if peak * 10 <= (ram_bytes + total + size) * 9:
            return make_effect(PREVENTS, 'a peak of %s leaves a tenth and more of %s RAM and %s swap; %s' % (
                format_size(peak), format_size(ram_bytes), format_size(total + size), words), room)
    if not swappable:
        words += ', and cannot be swapped' if swappable is False else ''
        return make_effect(DELAYS, 'no more than %s of room: %s' % (format_size(room), words), room)
    return make_effect(DELAYS, '%s more room, and nothing bounds what is asked for: %s' % (
        format_size(room), words), room)


def _in_cgroup(case, event, size):
    """The effect for a cgroup that met its limit: it helps only if the cgroup may swap and the host has no swap for it.
    """
    cgroup = event.get('cgroup') or {}
    limit = cgroup.get('limit_bytes')
    together, used = cgroup.get('memory_swap_limit_bytes'), cgroup.get('memory_swap_usage_bytes')
    if used is not None and together is not None and limit is not None and together * 50 <= max(limit, used) * 51:
        return make_effect(NONE, 'the limit of %s is for memory and swap together (%s): swap is counted in it' % (
            plain(cgroup.get('path') or 'the group'), format_size(together)))
    if cgroup.get('swap_limit_bytes') == 0:
        return make_effect(NONE, '%s may use no swap (its swap limit is 0)' % plain(cgroup.get('path') or 'the group'))
    movable = swappable_bytes(event)
    if limit and movable is not None and _is_little(case, event, movable, limit):
        return make_effect(NONE, 'only %s of what the group held could be swapped out; %s' % (
            format_size(movable), _eater_words(case.eater(event))))
    if used is None and cgroup.get('swap_usage_bytes') is None:
        return make_effect(UNKNOWN, 'whether the group may use swap is not in the report',
                           would_tell=[_swap_max(cgroup), 'swapon --show'])
    allowed = cgroup.get('swap_limit_bytes') if used is None else together and together - (limit or 0)
    taken = cgroup.get('swap_usage_bytes') or 0
    if allowed and taken * 50 >= allowed * 49:
        return make_effect(NONE, "the group's own swap limit of %s was reached" % format_size(allowed))
    return _in_cgroup_by_host(case, event, size, allowed and allowed - taken, movable)


def _swap_max(cgroup):
    return 'cat /sys/fs/cgroup%s/memory.swap.max' % path_word(cgroup.get('path'), '/PATH')


def _in_cgroup_by_host(case, event, size, allowed, movable):
    """The same if a cgroup may swap ``allowed`` bytes more (None is no limit): what the host's swap would give it."""
    total = ((case.host_facts.get('swap') or {}).get('total_bytes') if case.host_facts else None)
    if total is None or total or movable is None or not size:
        return make_effect(UNKNOWN, 'the group may use swap; how much the host had for it is not in the report',
                           would_tell=['swapon --show'])
    room = min(size, allowed) if allowed else size
    return make_effect(DELAYS, 'the group may use swap, the host has none, and nothing bounds what is asked for', room)


def swappiness(case):
    """The row of vm.swappiness, which goes with swap that is there or would help."""
    wished, runtime = case.options['swappiness'], _runtime(case)
    row = swap(case)
    helps, there = row['effect'] in (PREVENTS, DELAYS), bool(case.host['swap_bytes'])
    of_host = case.verdict is None or any(situation(event) == 'host' for event in case.reports)
    return make_remedy(
        'swappiness', 'vm.swappiness %d' % wished, _swappiness_effect(case, wished, runtime),
        target='shortage' if case.verdict else None, goes_with='swap' if helps or (there and of_host) else None,
        command='ansible-playbook oom.rescue.remediate -e swappiness_value=%d' % wished, value=wished,
        with_present=there and of_host, by_rule=row['by_rule'] or (case.is_by_rule and there))


def _runtime(case):
    return (case.host_facts.get('swappiness') or {}).get('runtime')


def _swappiness_effect(case, wished, runtime):
    if case.verdict is None:
        return make_effect(NONE, 'no incident was found that it could have changed')
    reports = case.reports or [event for event in case.short if case.limit == 'host' and (
        event.get('memory') or {}).get('swap_total_bytes') is not None]
    if not reports:
        known = (case.was_memory == 'no' or case.limit in _NO_SWAP_FOR or case.actor in ('kubelet', 'kernel_refused')
                 or (case.events and all(situation(event) in _NOT_RAM for event in case.events)))
        return make_effect(NONE, 'by itself it gives no memory') if known else make_effect(
            UNKNOWN, 'whether there was swap is not in the log', would_tell=['swapon --show', 'sysctl vm.swappiness'])
    return least([_swappiness_on(event, wished, runtime) for event in reports])


def _swappiness_on(event, wished, runtime):
    memory = event.get('memory') or {}
    total, free = memory.get('swap_total_bytes'), memory.get('swap_free_bytes')
    if situation(event) != 'host':
        return make_effect(NONE, 'by itself it gives no memory')
    if None in (total, free) or not is_swap_believable(memory):
        return make_effect(UNKNOWN, 'whether there was swap is not in the report', would_tell=['swapon --show'])
    if not total:
        return make_effect(NONE, 'without swap it changes nothing; with swap, file cache is dropped first and a '
                                 'database stays in RAM')
    if swap_was_full(event):
        return make_effect(NONE, 'swap was full whatever its value')
    if runtime is None:
        return make_effect(UNKNOWN, '%s of swap was free; a value of 0 or 1 keeps the kernel from using it' % (
            format_size(free)), would_tell=['sysctl vm.swappiness'])
    movable = swappable_bytes(event)
    if runtime <= 1 < wished and movable is not None:
        room = min(free, movable)
        return make_effect(DELAYS, 'it is %d, which keeps the kernel from swap; %s of it was free' % (
            runtime, format_size(free)), room)
    return make_effect(NONE, 'it is %d, and %s of swap was free all the same' % (runtime, format_size(free)))
