# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict on an incident: whether it was memory, which limit was met, who acted, who was met, and what would tell
more.

The strongest proof decides: a kernel's kill before a service manager's word, a kill before a refusal, and last a line
that proves nothing. "Cannot tell" is an answer; memory is claimed only by a line that names it.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._files.sizes import format_size
from .._node.ledger import eater_of
from .._report.cause import short_of
from .._report.held import set_apart
from .._report.zones import is_bare_page_fault, tell
from .evidence import plain, when
from .incidents import incidents_of
from .meant import (
    OTHER,
    SHORTAGE,
    WHOLE,
    WITH_VICTIM,
    brief,
    is_order_told,
    is_proven_whole,
    is_shortage,
    report_meant,
    says_why,
    weight,
)

_MOST_EVIDENCE = 12
_MOST_NAMED = 3
# From this order on an allocation fails for want of blocks as well.
_IN_BLOCKS = 2
# What a kill by the kernel looks like to others.
_SEEN_OF_A_KILL = ('unit-oom-kill', 'engine-oom', 'kubernetes', 'kill-unproven')
_LIMITS = {'global': 'host', 'memcg': 'cgroup', 'cpuset': 'numa', 'mempolicy': 'numa'}
# The signals that decide a verdict, the strongest first: (kind, was_memory); None is any.
_ORDER = (
    ('kernel-global', 'yes'), ('kernel-cgroup', 'yes'),
    ('systemd-oomd', 'yes'), ('earlyoom', 'yes'), ('nohang-oomd', 'yes'), ('android-lmk', 'yes'), ('other-os', 'yes'),
    ('engine-oom', 'yes'), ('kubernetes', 'yes'), ('unit-oom-kill', 'yes'), ('fork-enomem', 'yes'),
    ('alloc-enomem', 'yes'), ('gpu', 'yes'), ('program-limit', 'yes'), ('frozen', 'yes'),
    ('not-memory-other', None), ('fork-enomem', None), ('alloc-enomem', None), ('systemd-oomd', None),
    ('nohang-oomd', None), ('unit-oom-kill', None),
    ('disk-or-watches', None), ('kubernetes', None), ('frozen', None), ('pids-limit', 'no'), ('not-memory-crash', None),
    ('not-memory-stop', None), ('pids-limit', None), ('swap-trouble', None), ('kill-unproven', None),
)
_RANKS = dict((pair, rank) for rank, pair in enumerate(_ORDER, 1))
_WEAKEST = len(_ORDER) + 1
_OF_A_SLICE = _RANKS[('not-memory-stop', None)] + 0.5
_FROM_HERE_NO_MEMORY = _RANKS[('not-memory-other', None)]
_PROVES_NOTHING = _RANKS[('swap-trouble', None)]

_SIGBUS = re.compile(r'Bus error|SIGBUS|7/BUS|signal 7')
_KERNEL_LOG = 'journalctl -k --since "-1 hour" | grep -iE "oom|killed process"'
_TELL = {
    'kill-unproven': (_KERNEL_LOG, 'cat /sys/fs/cgroup/CGROUP/memory.events', 'journalctl -u UNIT -n 50'),
    'fork-enomem': ('cat /proc/sys/vm/overcommit_memory /proc/sys/kernel/pid_max',
                    'grep -E "Mem|Swap|Commit" /proc/meminfo', _KERNEL_LOG),
    'fork': ('ulimit -u', 'cat /sys/fs/cgroup/CGROUP/pids.max /sys/fs/cgroup/CGROUP/pids.current',
             'grep -E "Mem|Swap|Commit" /proc/meminfo'),
    'alloc-enomem': ('ulimit -v', 'sysctl vm.max_map_count vm.overcommit_memory', 'grep -E "Mem|Commit" /proc/meminfo'),
    'pids-limit': ('ulimit -u', 'cat /sys/fs/cgroup/CGROUP/pids.max /sys/fs/cgroup/CGROUP/pids.current'),
    'frozen': ('cat /proc/pressure/memory /proc/pressure/io', _KERNEL_LOG, 'sar -r -W'),
    'high': ('cat /sys/fs/cgroup/CGROUP/memory.pressure /sys/fs/cgroup/CGROUP/memory.high',
             'cat /sys/fs/cgroup/CGROUP/memory.stat'),
    'bus': ('grep Huge /proc/meminfo', 'df -h /dev/shm', 'cat /sys/fs/cgroup/CGROUP/hugetlb.*.events', _KERNEL_LOG),
    'swap-trouble': ('swapon --show', 'free -m', _KERNEL_LOG),
    'nohang-oomd': ('journalctl -t oomd -n 50', _KERNEL_LOG),
    'systemd-oomd': ('oomctl', 'journalctl -u systemd-oomd', 'systemctl show -p Result UNIT'),
    'kubernetes': ('kubectl describe node NODE', 'kubectl get events --field-selector reason=Evicted', _KERNEL_LOG),
    'unit-oom-kill': (_KERNEL_LOG, 'systemctl show -p MemoryMax -p MemoryPeak UNIT'),
    'by_hand': ('journalctl -k | grep -i sysrq', 'sysctl kernel.sysrq', 'sar -r -W'),
    'engine-oom': (_KERNEL_LOG, 'docker inspect -f "{{.HostConfig.Memory}}" CONTAINER'),
}


def rank(signal):
    """How much a signal proves; 1 is the most."""
    if signal['kind'] == 'unit-oom-kill' and (signal.get('unit') or '').endswith('.slice'):
        # systemd says so for minutes after a kill of anything below the slice: a line on who stopped a unit since
        # proves more.
        return _OF_A_SLICE
    return _RANKS.get((signal['kind'], signal['was_memory'])) or _RANKS.get((signal['kind'], None)) or _WEAKEST


def _kernel_kill(events):
    """The report that is meant among an incident's, which are given oldest first; None if none is of a shortage."""
    return report_meant([event for event in reversed(events) if is_shortage(event)])


def _victim(source, **known):
    victim = dict((key, source.get(key)) for key in ('name', 'pid', 'uid', 'unit', 'oom_score_adj'))
    victim['container'] = source.get('container_id') or source.get('container')
    victim['pod'] = source.get('pod_uid')
    victim['rss_bytes'] = None
    victim.update(known)
    return victim


def _rss(victim):
    parts = [victim.get(key) for key in ('anon_rss_bytes', 'file_rss_bytes', 'shmem_rss_bytes')]
    known = [part for part in parts if part is not None]
    return sum(known) if known else None


def _victims_of_events(events):
    found, known = [], set()
    for event in events:
        rows = event.get('victims') or ([event['selected']] if event.get('selected') else [])
        for row in rows:
            if (row.get('pid'), row.get('name')) not in known:
                known.add((row.get('pid'), row.get('name')))
                found.append(_victim(row, rss_bytes=_rss(row)))
    return found


def _victims_of_signals(signals):
    found, known = [], set()
    for signal in signals:
        identity = (signal.get('pid') or signal.get('name'), signal.get('unit'), signal.get('container'))
        if any(identity) and identity not in known:
            known.add(identity)
            found.append(_victim(signal))
    # A line that names only the unit adds nobody to those that name its process.
    named = set((row['unit'], row['container']) for row in found if row['name'] or row['pid'])
    return [row for row in found if row['name'] or row['pid'] or (row['unit'], row['container']) not in named]


def _limit_of(event):
    trigger = event.get('trigger') or {}
    if event.get('kind') == 'allocation_failure':
        return 'contiguous' if (trigger.get('order') or 0) > 3 else 'unknown'
    if event.get('scope') == 'global' and (trigger.get('order') or 0) >= _IN_BLOCKS and not tell(event):
        # For so many pages together the host, its low memory or the want of large blocks may be meant.
        return 'unknown'
    if event.get('scope') == 'global' and event.get('zones') and not trigger.get('manual'):
        return short_of(event)
    if event.get('scope') in ('global', 'unknown') and trigger and is_bare_page_fault(event):
        # Most likely a cgroup's limit, and no figure tells.
        return 'unknown'
    if event.get('scope') not in _LIMITS and event.get('outside_cgroups'):
        # It is nearly always the host: for a cpuset or memory policy there is a line of its own.
        return 'host'
    return _LIMITS.get(event.get('scope'), 'unknown')


def _unit_of(victims):
    named = [victim['unit'] or victim['container'] for victim in victims]
    return next((name for name in named if name), None)


def _of_one_limit(events, kill):
    """(the reports of a shortage that met the limit of the one that is meant, those that met another)."""
    short = [event for event in events if is_shortage(event)]
    limit = _limit_of(kill)
    same = [event for event in short if _limit_of(event) in (limit, 'unknown')]
    return same, [event for event in short if event not in same]


def _asked_for(events):
    return [event for event in events if (event.get('trigger') or {}).get('manual')]


def _is_by_hand(events, signals):
    """True if somebody asked for a kill (sysrq f), and nothing beside it is said that such a kill does not cause."""
    return bool(_asked_for(events)) and all(signal['kind'] in _SEEN_OF_A_KILL for signal in signals)


def _judge(events, signals):
    """(was_memory, limit, actor, victims, kind) of an incident's reports and signals."""
    kill = _kernel_kill(events)
    if kill is not None:
        same, beside = _of_one_limit(events, kill)
        victims = _victims_of_events([kill] + same + beside)
        named = _unit_of(_victims_of_signals([one for one in signals if one['kind'] in _SEEN_OF_A_KILL]))
        # Of several processes a line on a unit does not say which was its own.
        alone = len(set(victim['name'] for victim in victims)) == 1
        if alone and not (victims[0]['unit'] or victims[0]['container']) and named:
            victims[0]['unit'] = named
        return 'yes', _limit_of(kill), 'kernel', victims, 'kernel'
    if _is_by_hand(events, signals):
        return 'unknown', 'unknown', 'manager', _victims_of_events(_asked_for(events)), 'by_hand'
    ordered = sorted(signals, key=rank)
    if not ordered:
        return 'unknown', 'unknown', 'unknown', [], 'allocation_failure'
    first = ordered[0]
    proof = (first['kind'], first['was_memory'])
    same = [signal for signal in signals if (signal['kind'], signal['was_memory']) == proof
            and rank(signal) == rank(first)]
    told = [signal for signal in same if signal['limit'] not in ('unknown', None)]
    limit = told[0]['limit'] if told else first['limit']
    actors = [signal['actor'] for signal in same if signal['actor'] not in ('unknown', None)]
    actor = 'kernel_refused' if 'kernel_refused' in actors else actors[0] if actors else first['actor']
    victims = _victims_of_signals(same)
    return first['was_memory'], limit, actor, victims, _kind_in_words(first)


def _kind_in_words(signal):
    """The kind of a signal, or of which of its kind it is, where other words and commands tell that."""
    if (signal['kind'], signal.get('errno')) == ('fork-enomem', None):
        return 'fork'
    if signal['kind'] == 'frozen' and signal['limit'] == 'cgroup':
        return 'high'
    return 'bus' if signal['kind'] == 'kill-unproven' and _SIGBUS.search(signal.get('text') or '') else signal['kind']


def _short_id(container):
    """A container's ID as engines print it; its name whole."""
    return container[:12] if len(container or '') == 64 else container


def _names(victims):
    words = []
    for victim in victims[:3]:
        name = victim['name'] or victim['unit'] or _short_id(victim['container'])
        if not name:
            continue
        words.append('%s%s' % (plain(name), ' (pid %d)' % victim['pid'] if victim['pid'] else ''))
    if len(victims) > 3:
        words.append('%d more' % (len(victims) - 3))
    return ' and '.join([', '.join(words[:-1])] * (len(words) > 1) + words[-1:]) or None


_LIMIT_WORDS = {
    'host': 'the whole host ran out of memory', 'cgroup': 'a control group reached its limit',
    'numa': 'the memory nodes that it may use had no memory for it', 'commit': 'the commit limit was reached',
    'contiguous': 'no contiguous memory of that size was free', 'program': 'the program reached a limit of its own',
    'gpu': 'the graphics card\'s memory was full', 'unknown': 'memory was short; the log does not say of what',
    'low_memory': 'the low memory zone was full',
}
_ACTOR_WORDS = {
    'kernel': 'the kernel killed', 'systemd-oomd': 'systemd-oomd killed', 'earlyoom': 'earlyoom ended',
    'nohang': 'nohang ended', 'oomd': 'oomd killed', 'lmkd': 'lmkd killed', 'kubelet': 'the kubelet evicted',
    'engine': 'the container engine ended', 'kernel_refused': 'the kernel refused memory to',
    'program': 'it had none left for', 'manager': 'a service manager stopped', 'unknown': 'this was met:',
}
_NOT_WORDS = {
    'disk-or-watches': 'a disk, or a count of watches, was full',
    'pids-limit': 'a limit on the number of processes was reached',
    'not-memory-stop': 'it was stopped by a person, a manager or a probe',
    'not-memory-crash': 'the program crashed by itself',
    'not-memory-other': 'something else ended or refused it',
}
_UNKNOWN_WORDS = {
    'kill-unproven': 'something was killed (SIGKILL, exit status 137 or the like), which alone proves no shortage',
    'fork': 'a fork was refused, and no line says for want of what',
    'fork-enomem': 'a fork was refused with ENOMEM, which other causes than memory have too',
    'alloc-enomem': 'a call was refused with ENOMEM, which other causes than memory have too',
    'pids-limit': 'no thread could be made, for want of memory or by a limit on their number',
    'frozen': 'something stood still; that alone does not say why',
    'swap-trouble': 'swap could not be switched on; whether memory was short is not in the log',
    'systemd-oomd': 'systemd-oomd looked for something to kill; no line says that it did',
    'nohang-oomd': 'oomd began to look for something to kill; no line says that it did',
    'unit-oom-kill': 'a user\'s own service manager says so, which that user may have written',
    'kubernetes': 'the kubelet evicted a pod; no line says for which resource',
    'allocation_failure': 'an allocation failed, and nothing was killed',
    'by_hand': 'somebody had the kernel kill it (sysrq f), and no line says why',
    'high': 'a control group had to wait at its memory.high, and nothing in it was killed',
    'bus': 'a program ended by SIGBUS: huge pages or a tmpfs gave it no page, or a file that it had mapped is cut',
}

# Of a program whose words are known no better than by what they say.
_COMPLAINT = 'a program complains of too little memory, and does not say whose'


def sentence_of(was_memory, limit, actor, victims, kind):
    """One sentence that a tired person reads once."""
    names = _names(victims)
    if was_memory == 'no':
        return 'It was not memory: %s%s.' % (_NOT_WORDS.get(kind, 'something else'), ' (%s)' % names if names else '')
    if was_memory == 'unknown':
        words = _COMPLAINT if (kind, actor) == ('alloc-enomem', 'unknown') else _UNKNOWN_WORDS.get(
            kind, 'no line proves it')
        return 'The log cannot tell whether it was memory: %s%s.' % (words, ' (%s)' % names if names else '')
    if names and (limit, actor) == ('program', 'program'):
        return 'It was memory: %s reached a limit of its own.' % names
    words = _LIMIT_WORDS.get(limit, _LIMIT_WORDS['unknown'])
    acted = '; %s %s' % (_ACTOR_WORDS.get(actor, 'this was met:'), names) if names else ''
    return 'It was memory: %s%s.' % (words, acted)


def _in_evidence(events, signals):
    """An incident's reports and signals, those first that decide its verdict: one line stands for all where there is
    room for no more.
    """
    kill = _kernel_kill(events)
    if kill is not None:
        return [kill] + [event for event in events if event is not kill] + signals
    return signals + events if signals and not _is_by_hand(events, signals) else events + signals


def _evidence(rows):
    found = []
    for row in rows[:_MOST_EVIDENCE]:
        source = row.get('source') or {}
        found.append({
            'path': source.get('path'), 'line': source.get('line'), 'time': row.get('time'),
            'time_text': row.get('time_text'),
            'text': plain(row.get('text') or row.get('cause') or '')[:300],
        })
    return found


def _would_tell(was_memory, limit, kind, victims):
    """Commands that would settle what the log leaves open."""
    if was_memory == 'no' or (was_memory == 'yes' and limit != 'unknown'):
        return []
    unit = next((victim['unit'] for victim in victims if victim['unit']), None)
    commands = _TELL.get(kind, (_KERNEL_LOG,))
    return [command.replace('UNIT', unit) if unit and _is_unit_name(unit) else command for command in commands]


def _is_unit_name(text):
    return len(text) < 256 and not set(text) - set(
        'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:_@-')


_PATTERNS = {'process': 'single', 'processes': 'many'}


def _eater(events):
    """The eater of the report that is meant among an incident's, which are given oldest first; or None."""
    return eater_of((_kernel_kill(events) or {}).get('ledger'))


def _reserve_of(events):
    """A sentence on RAM that the kernel does not manage, if that is more than the eater; or None."""
    kill = _kernel_kill(events)
    apart = kill and kill.get('ledger') and set_apart(kill)
    if not apart:
        return None
    return "%s of the machine's %s RAM is reserved, as by a balloon: the ledger and its eater are of the rest." % (
        format_size(apart), format_size(kill['memory']['ram_bytes']))


def _killed_beside(events):
    """{(pid, name)} of those whom the kernel killed for another limit than that of the report that is meant."""
    kill = _kernel_kill(events)
    same, beside = _of_one_limit(events, kill) if kill is not None else ([], [])
    own = set((victim['pid'], victim['name']) for victim in _victims_of_events(same))
    return set((victim['pid'], victim['name']) for victim in _victims_of_events(beside)) - own


def verdict_of(index, incident, events, signals):
    """The verdict on one incident."""
    reports = [events[number] for number in incident['reports']]
    told = [signals[number] for number in incident['signals']]
    was_memory, limit, actor, victims, kind = _judge(reports, told)
    deciding = sorted(told, key=rank)
    eater, reserve = _eater(reports), _reserve_of(reports)
    caveats = [reserve] if reserve else []
    if any(event.get('trusted') is None for event in reports) and reports:
        caveats.append('The log is plain text: nothing in it proves that the kernel wrote these lines.')
    beside = _killed_beside(reports)
    named = [victim for victim in victims if (victim['pid'], victim['name']) not in beside]
    if beside and named:
        caveats.append('In the same minutes the kernel killed %s for another limit.' % _names(
            [victim for victim in victims if victim not in named]))
    return {
        'incident': index, 'was_memory': was_memory, 'limit': limit, 'actor': actor, 'victims': victims,
        'eater': eater, 'pattern': 'unknown' if reserve else _PATTERNS.get(eater and eater['kind'], 'unknown'),
        'sentence': sentence_of(was_memory, limit, actor, named or victims, kind),
        'evidence': _evidence(_in_evidence(reports, deciding)), 'caveats': caveats,
        'would_tell': _would_tell(was_memory, limit, kind, victims),
    }


def weight_of(incident, events, signals):
    """The key that sorts incidents, the one that is meant highest: a whole shortage, then a victim, then any proof;
    then by time.

    A whole shortage that the kernel is known to have written comes before one that anybody may have written.
    """
    reports = [events[number] for number in incident['reports']]
    best = min([rank(signals[number]) for number in incident['signals']] or [_WEAKEST])
    kill = _kernel_kill(reports)
    told = OTHER if kill is None else weight(kill)
    if told == WHOLE:
        return 6 if is_proven_whole(kill) else 5
    if told == WITH_VICTIM or best < _RANKS[('fork-enomem', 'yes')]:
        return 4
    if told == SHORTAGE or best < _FROM_HERE_NO_MEMORY:
        return 3
    return 2 if best < _PROVES_NOTHING else 1


def _is_elsewhere(incident, events, signals):
    """True if the incident's lines in this host's logs say that it is another host's."""
    rows = [events[number] for number in incident['reports']] + [signals[number] for number in incident['signals']]
    return any(row.get('elsewhere') for row in rows)


def choose(incidents, events, signals):
    """The index of the incident that is meant; None if none is of the log or the host."""
    is_ordered = is_order_told(events)
    weights = [(weight_of(incident, events, signals), is_ordered or _says_why(incident, events), index)
               for index, incident in enumerate(incidents) if not _is_elsewhere(incident, events, signals)]
    return max(weights)[2] if weights else None


def _says_why(incident, events):
    """says_why() of the report that an incident is judged by; True without one."""
    kill = _kernel_kill([events[number] for number in incident['reports']])
    return kill is None or says_why(kill)


def judge_all(events, signals, is_left_out=None, older=0):
    """(incidents, verdict) of a log or a host; the verdict is None without any signal or report of it.

    Reports for which ``is_left_out`` is true, as for a machine that this host cannot be, are in no incident. ``older``
    is how many older reports the logs have that are not among ``events``: the verdict has it as ``older_reports`` if
    there are any.
    """
    incidents = incidents_of(events, signals, is_left_out)
    meant = choose(incidents, events, signals)
    if meant is None:
        return incidents, None
    verdict = verdict_of(meant, incidents[meant], events, signals)
    if older:
        verdict['older_reports'] = older
    others, of_others = [], []
    for index, incident in enumerate(incidents):
        if index != meant:
            (of_others if _is_elsewhere(incident, events, signals) else others).append(incident)
    if others:
        verdict['caveats'].append('%d other incident%s in the log%s, and this is the newest that proves most: %s.' % (
            len(others), '' if len(others) == 1 else 's',
            ' beside %d older reports that were only counted' % older if older else '',
            all_named(others, events, signals)))
    if of_others:
        verdict['caveats'].append('%d incident%s in the log, left out: %s.' % (
            len(of_others), ' of another host is' if len(of_others) == 1 else 's of other hosts are',
            all_named(of_others, events, signals)))
    return incidents, verdict


def all_named(incidents, events, signals):
    """The newest of some incidents, in a few words each."""
    named = '; '.join(_named(incident, events, signals) for incident in incidents[:-_MOST_NAMED - 1:-1])
    return named + (', ...' if len(incidents) > _MOST_NAMED else '')


def _named(incident, events, signals):
    """An incident in a few words, with its own time."""
    reports = [events[number] for number in incident['reports']]
    if reports:
        return brief(report_meant(reports[::-1]))
    told = sorted((signals[number] for number in incident['signals']), key=rank)
    words = plain(told[0].get('text') or told[0]['kind'])[:100]
    moment = when(told[0])
    return '%s: %s' % (moment, words) if moment else words
