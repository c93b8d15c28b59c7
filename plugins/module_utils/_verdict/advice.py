# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do about a host that ran out of memory, and why: from its memory facts and its OOM reports."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .evidence import describe, plain, process_words, when
from .meant import is_shortage, others, report_meant
from .._log.hosts import is_of
from .._report.cause import is_swap_believable
from .._report.merge import KERNELS_OWN
from .replay import PAGE_BYTES, managed_bytes, total_pages
from .._node.sizes import format_size
from .._swap.size import recommend, table

DATABASES = ('mysqld', 'mariadbd')
# An allocation of a higher order than this is not tried by killing: PAGE_ALLOC_COSTLY_ORDER of linux/mmzone.h.
_COSTLY_ORDER = 3
# A virtual machine may have been made smaller since its report.
_MOST_OF_RAM = 2
# Four times the RAM in swap is more than any host of this kind gets on with.
_MOST_DEMAND = 4
_BOUND = {
    'memcg': 'a control group',
    'cpuset': 'the memory nodes of a cpuset',
    'mempolicy': 'the memory nodes of a memory policy',
}


def advise(facts, events, swap_path='/swapfile', swappiness=10, protect=-600, total=None):
    """{report, cause, evidence, swap, swappiness, protect, setting, notes} for a host.

    ``report`` is the id of the report that is meant, which ``cause`` and ``evidence`` tell of, or None without any.
    ``setting`` is what replay() takes to say whom the kernel would have killed if the advice had been followed.

    ``facts`` is memory_facts' dictionary. If it is empty, a report that says how much memory there was stands in for
    it, so that a log copied from elsewhere can be read without its host. ``events`` come newest first; ``total`` is
    how many there are in the logs, if that is more.
    """
    facts = facts or {}
    forged = [event for event in events or [] if event.get('trusted') is False]
    events = [event for event in events or [] if event.get('trusted') is not False]
    elsewhere = [event for event in events if not _is_of_this_host(facts, event)]
    events = [event for event in events if _is_of_this_host(facts, event)]
    foreign = [event for event in events if _is_too_large(facts, event)]
    events = [event for event in events if not _is_too_large(facts, event)]
    shortages = [event for event in events if _is_of_host(event)]
    meant = report_meant(events)
    host = _host(facts, [meant] + events if meant else [])

    swap, why_not = _swap(host, events, shortages, swap_path)
    protected = _protect(facts, events, protect, host, swap)
    return {
        'report': meant.get('id') if meant else None,
        'cause': _cause(meant, events, total),
        'evidence': describe(meant) if meant else [],
        'swap': swap,
        'swappiness': _swappiness(facts, swappiness) if swap or host['swap_bytes'] else None,
        'protect': protected,
        'setting': {
            'swap_bytes': swap['size_bytes'] + swap['other_bytes'] if swap else None,
            'oom_score_adj': dict((row['process'], row['value']) for row in protected),
        },
        'notes': ([why_not] if why_not else []) + _event_notes(events, shortages, forged, foreign, elsewhere)
        + _fact_notes(facts),
    }


def _is_of_this_host(facts, event):
    """True unless a log names another host: a syslog may have the lines of many, and whoever writes to it names any."""
    if KERNELS_OWN.intersection(event.get('seen_in') or []):
        return True
    return is_of(event.get('host'), (facts.get('host') or {}).get('name'))


def _is_too_large(facts, event):
    """True if a report is of more RAM than this host could have lost since: whoever writes to a log decides nothing."""
    ram = (facts.get('ram') or {}).get('total_bytes')
    return ram is not None and (managed_bytes(event) or 0) > _MOST_OF_RAM * ram


def _is_of_host(event):
    """True if a report is of the whole host being short of memory, unasked."""
    return is_shortage(event) and event.get('scope') not in _BOUND


def _host(facts, events):
    """{ram_bytes, swap_bytes, areas, can_swapon} as the facts say, or the first report that says it."""
    ram = (facts.get('ram') or {}).get('total_bytes')
    if ram is not None:
        swap = facts.get('swap') or {}
        return {'ram_bytes': ram, 'swap_bytes': swap.get('total_bytes') or 0, 'areas': swap.get('areas') or [],
                'can_swapon': (facts.get('host') or {}).get('can_swapon')}
    for event in events:
        if managed_bytes(event) is not None:
            return {'ram_bytes': managed_bytes(event), 'areas': [], 'can_swapon': None,
                    'swap_bytes': is_swap_believable(event['memory']) and event['memory'].get('swap_total_bytes') or 0}
    return {'ram_bytes': None, 'swap_bytes': None, 'areas': [], 'can_swapon': None}


def _cause(meant, events, total):
    """One sentence on the report that is meant, and one on the others."""
    if meant is None:
        return 'No OOM report was found in the logs that could be read.'
    sentences = [plain(meant.get('cause') or 'The kernel reported that memory was out.'), others(events, total)]
    return ' '.join(sentence for sentence in sentences if sentence)


def _swap(host, events, shortages, path):
    """The swap file that the host should have, or None where swap is not the remedy; then why not."""
    if host['ram_bytes'] is None:
        return None, ('How much swap is right is not known: neither the host nor a report says how much RAM there is.')
    why_not = None if shortages else _why_not_swap(events)
    if why_not:
        return None, why_not
    own = sum(area['size_bytes'] for area in host['areas'] if area['path'] == path)
    other = host['swap_bytes'] - own
    demand = _demand_bytes(shortages, host['ram_bytes'], other)
    advice = recommend(host['ram_bytes'], other_swap_bytes=other, demand_bytes=demand)
    reasons = [plain(reason) for reason in advice['reasons']]
    if own and own >= advice['size_bytes']:
        reasons.append('%s gives %s already' % (plain(path), format_size(own)))
    elif not host['swap_bytes']:
        reasons.append('there is no swap, so the kernel can only drop file cache and then kill')
    if host['can_swapon'] is False:
        reasons.append('this host cannot turn swap on itself (a container, or no privilege): do it on the machine '
                       'that carries it')
    return {
        'size_bytes': advice['size_bytes'],
        'total_bytes': advice['total_bytes'],
        'other_bytes': other,
        'demand_bytes': demand,
        'rule': advice['rule'],
        'reasons': reasons,
    }, None


def _why_not_swap(events):
    """Why swap is not the remedy, where all reports are of something smaller than the host; else None."""
    event = report_meant([event for event in events if event.get('scope') in _BOUND])
    if event is None:
        return None
    note = 'Only %s ran out of memory, not the host, so swap is not the remedy: ' % _BOUND[event['scope']]
    if event['scope'] != 'memcg':
        return note + 'let the process use more nodes, or make it need less.'
    cgroup = event.get('cgroup') or {}
    limit = ' (%s)' % format_size(cgroup['limit_bytes']) if cgroup.get('limit_bytes') else ''
    return '%sraise the limit of %s%s, or make what runs in it need less.' % (
        note, plain(cgroup.get('path') or 'the group'), limit)


def _demand_bytes(shortages, ram, other_swap):
    """The swap that would at least have spared a database its kill, the most of all reports; None where none died.

    What a report claims is held against the ``ram`` that there is, as whoever writes to a log may name any victim and
    any swap. If nothing proves that the kernel wrote it, it may have filled no more swap than the ``other_swap``, or
    than the rule gives, and freed no more than the RAM: so no claim rests on what an earlier one had made.

    It is what was in use already, and as much more as the kernel had to free: the database's memory or, if that is
    less, the largest other process, as killing it instead would have done. What a hog takes beyond is nobody's demand.
    """
    demands = []
    for event in shortages:
        victims = [victim for victim in event.get('victims') or [] if victim.get('name') in DATABASES]
        if not victims:
            continue
        freed = sum((victim.get('anon_rss_bytes') or 0) + (victim.get('shmem_rss_bytes') or 0) for victim in victims)
        pids = [victim.get('pid') for victim in victims]
        others = [task['rss_bytes'] for task in event.get('tasks') or []
                  if task.get('rss_bytes') and task['pid'] not in pids]
        memory = event.get('memory') or {}
        total, free = memory.get('swap_total_bytes') or 0, memory.get('swap_free_bytes') or 0
        used = total - free if is_swap_believable(memory) else 0
        needed = min([freed] + ([max(others)] if others else []))
        if not event.get('trusted'):
            used, needed = min(used, max(other_swap, table(ram)[0])), min(needed, ram)
        demands.append(min(_MOST_DEMAND * ram, used + needed))
    return max(demands) if demands else None


def _swappiness(facts, value):
    present = (facts.get('swappiness') or {}).get('runtime')
    reason = ('with %d the kernel drops file cache first and keeps swap as the reserve for a shortage, so a database '
              "stays in RAM" % value)
    if present == value:
        reason = 'it is %d already: %s' % (value, reason)
    elif present is not None:
        reason = 'it is %d now; %s' % (present, reason)
    return {'value': value, 'reason': reason}


def _protect(facts, events, value, host, swap):
    """Databases that were killed or could be, each once."""
    found = {}
    for event in events:
        for victim in event.get('victims') or []:
            if victim.get('name') in DATABASES:
                found.setdefault(victim['name'], ('the kernel killed %s' % process_words(victim), event))
        for task in event.get('tasks') or []:
            if task.get('name') in DATABASES:
                found.setdefault(task['name'], ('it was there when memory ran out, with %s in RAM'
                                                % format_size(task.get('rss_bytes')), event))
    for candidate in (facts.get('oom') or {}).get('candidates') or []:
        if candidate.get('name') in DATABASES and (candidate.get('oom_score_adj') or 0) > value:
            found.setdefault(candidate['name'], ('it runs here with oom_score_adj %s and %s in RAM' % (
                candidate.get('oom_score_adj'), format_size(candidate.get('rss_bytes'))), {}))
    return [{'process': name, 'value': value, 'reason': '%s; at %d others go first until it takes more than %s' % (
        reason, value, _share(value, event, host, swap))} for name, (reason, event) in sorted(found.items())]


def _share(value, event, host, swap):
    """What a score of ``value`` spares, in words: a share of what the kernel counts scores in.

    That is all RAM and swap, or the limit of the cgroup that ran out.
    """
    words, total = 'RAM and swap', None
    if event.get('scope') == 'memcg':
        pages = total_pages(event)
        words = 'the limit of its control group'
        total = pages and pages * ((event.get('memory') or {}).get('page_size_bytes') or PAGE_BYTES)
    elif host['ram_bytes'] is not None:
        swap = swap or {}
        advised = swap.get('size_bytes', 0) + swap.get('other_bytes', 0)
        total = host['ram_bytes'] + max(host['swap_bytes'], advised)
    share = '%d%% of %s' % (-value // 10, words)
    return share if total is None else '%s, %s' % (share, format_size(total * -value // 1000))


def _event_notes(events, shortages, forged, foreign, elsewhere):
    """What else the reports tell, the most pressing first."""
    notes = []
    if forged:
        notes.append('Left out, as a program and not the kernel wrote it: %d of the reports.' % len(forged))
    if elsewhere:
        notes.append("Left out, as another host's name stands in it: %d of the reports." % len(elsewhere))
    if foreign:
        notes.append('Left out, as it is of a machine with far more RAM than this one: %d of the reports.'
                     % len(foreign))
    if any((event.get('trigger') or {}).get('manual') for event in events):
        notes.append('A report was asked for by hand (sysrq f), not by a shortage.')
    if any(event.get('kind') == 'allocation_failure' for event in events):
        notes.append('An allocation failed without a kill. Above order %d that is fragmentation, which swap does not '
                     'mend.' % _COSTLY_ORDER)
    shortage = report_meant(shortages) or {}
    memory = shortage.get('memory') or {}
    total, free = memory.get('swap_total_bytes'), memory.get('swap_free_bytes')
    if total and free is not None and free * 2 > total:
        notes.append('%s of %s of swap were free at the report%s: more swap alone would not have prevented it.' % (
            format_size(free), format_size(total), ' of %s' % when(shortage) if when(shortage) else ''))
    return notes


def _fact_notes(facts):
    notes = []
    vm = facts.get('vm') or {}
    commit = facts.get('commit') or {}
    if vm.get('panic_on_oom'):
        notes.append('vm.panic_on_oom is %s: the host panics instead of killing one process.' % vm['panic_on_oom'])
    if vm.get('oom_kill_allocating_task'):
        notes.append('vm.oom_kill_allocating_task is set: whoever asks for memory is killed, whatever its score.')
    if commit.get('mode') == 2:
        notes.append('vm.overcommit_memory is 2: fork and malloc fail at the commit limit (%s) with memory still free; '
                     'swap raises that limit.' % format_size(commit.get('limit_bytes')))
    for killer in (facts.get('oom') or {}).get('user_space_killers') or []:
        if killer.get('active'):
            notes.append('%s is active and kills before the kernel does, by rules of its own: see that it spares the '
                         'database too.' % plain(killer.get('name')))
    return notes
