# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do about a host that ran out of memory, and why, in sentences, by the same remedies that report.json has."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._change.wishes import DEFAULT_PATH, DEFAULT_SCORE, DEFAULT_SWAPPINESS
from .._files.sizes import format_size
from .evidence import describe, plain, process_words, when
from .judgement import judge_all
from .meant import count, others, report_meant
from .remedies import APPLIED, remedies_of
from .remedy import DELAYS, PREVENTS
from .replay import PAGE_BYTES, total_pages
from .sizing import host_figures, is_of_host, is_of_this_host, is_too_large, may_be_its_own

# An allocation of a higher order than this is not tried by killing: PAGE_ALLOC_COSTLY_ORDER of linux/mmzone.h.
_COSTLY_ORDER = 3
HELPS = (PREVENTS, DELAYS)

# The most other hosts that are named of a log.
_MOST_HOSTS = 3


def advise(host_facts, events, swap_path=DEFAULT_PATH, swappiness=DEFAULT_SWAPPINESS, protect=DEFAULT_SCORE, total=None,
           signals=(), remedies=None):
    """{report, reports, left_out, cause, evidence, swap, swappiness, protect, setting, notes, remarks} for a host.

    ``report`` is the id of the report that is meant, which ``cause`` and ``evidence`` tell of, or None without any;
    ``reports`` is how many of the host there are in the logs, and ``left_out`` has the ids of those that are not its.
    ``remarks`` are those of the ``notes`` that tell of no remedy. ``setting`` is what replay() takes to say whom the
    kernel would have killed if the advice had been followed.

    ``host_facts`` is memory_facts' dictionary. If it is empty, a report that says how much memory there was stands in
    for it, so that a log copied from elsewhere can be read without its host. ``events`` come newest first; ``total``
    is how many there are in the logs, if that is more; those that are left out are taken from it. ``remedies`` are
    remedies_of()'s for these, if they are there.
    """
    host_facts = host_facts or {}
    all_events = events or []
    events, left_out = _sorted_out(host_facts, all_events)
    meant = report_meant(events)
    if total is not None:
        total -= len([event for event in all_events if event.get('trusted') is not False]) - len(events)
    options = {'swap_path': swap_path, 'swappiness': swappiness, 'protect': protect}
    if remedies is None:
        incidents, verdict = judge_all(events, list(signals))
        remedies = remedies_of(verdict, incidents, events, list(signals), host_facts, options)
    host = host_figures(host_facts, ([meant] + events if meant else [])[::-1])

    swap = _swap(remedies)
    remarks = left_out + _event_notes(events) + _fact_notes(host_facts)
    protected = _protect(remedies, host_facts, events, host, swap)
    return {
        'report': meant.get('id') if meant else None,
        'reports': count(events, total),
        'left_out': [event.get('id') for event in all_events if not may_be_its_own(host_facts, event)],
        'cause': _cause(meant, events, total, [event for event in all_events if event.get('elsewhere')], left_out),
        'evidence': describe(meant) if meant else [],
        'swap': swap,
        'swappiness': _swappiness(host_facts, remedies),
        'protect': protected,
        'setting': {
            'swap_bytes': swap['size_bytes'] + swap['other_bytes'] if swap else None,
            'oom_score_adj': dict((row['process'], row['value']) for row in protected),
        },
        'notes': _remedy_notes(remedies) + remarks,
        'remarks': remarks,
    }


def _sorted_out(host_facts, events):
    """(list of the reports that are this host's as far as is known, notes on the others)."""
    why_not = (
        (lambda event: event.get('trusted') is not False, 'as a program and not the kernel wrote it'),
        (is_of_this_host, "as another host's name stands in it"),
        (lambda event: not is_too_large(host_facts, event), 'as it is of a machine with far more RAM than this one'),
    )
    notes = []
    for is_kept, words in why_not:
        kept = [event for event in events if is_kept(event)]
        if len(kept) < len(events):
            notes.append('Left out, %s: %d of the reports.' % (words, len(events) - len(kept)))
        events = kept
    return events, notes


def _of_others(events):
    """The number of reports that were left out, and of which other hosts, in words."""
    count = {}
    for event in events:
        name = plain(event.get('host') or 'a host without a name')
        count[name] = count.get(name, 0) + 1
    names = sorted(count, key=lambda name: (-count[name], name))
    told = ', '.join('%d of %s' % (count[name], name) for name in names[:_MOST_HOSTS])
    more = ' and of %d hosts more' % (len(names) - _MOST_HOSTS) if len(names) > _MOST_HOSTS else ''
    return "left out as other hosts' are %s%s" % (told, more)


def _is_wanted(remedies, name):
    """True if a remedy helped the incident, goes with one that did, or is what the rule gives without an incident."""
    return any(row['effect'] in HELPS or row['goes_with'] or row['by_rule'] for row in remedies if row['name'] == name)


def _cause(meant, events, total, of_others, left_out):
    """One sentence on the report that is meant, and one on the others. ``of_others`` were left out as other hosts',
    ``left_out`` are notes on all that were.
    """
    if meant is None and of_others:
        return 'No OOM report of this host was found in the logs that could be read; %s.' % _of_others(of_others)
    if meant is None and left_out:
        return 'No OOM report of this host was found in the logs that could be read.'
    if meant is None:
        return 'No OOM report was found in the logs that could be read.'
    sentences = [plain(meant.get('cause') or 'The kernel reported that memory was out.'), others(events, total)]
    return ' '.join(sentence for sentence in sentences if sentence)


def _swap(remedies):
    """The swap file that the host should have, or None if swap is not the remedy."""
    row = _row(remedies, 'swap')
    if not row.get('sizing') or not _is_wanted(remedies, 'swap'):
        return None
    return dict(row['sizing'], reasons=([] if row['by_rule'] else [row['why']]) + row['sizing']['reasons'])


def _row(remedies, name):
    return next((row for row in remedies if row['name'] == name), {'target': None, 'effect': None, 'by_rule': False})


def _swappiness(host_facts, remedies):
    if not _is_wanted(remedies, 'swappiness'):
        return None
    value = _row(remedies, 'swappiness')['value']
    present = (host_facts.get('swappiness') or {}).get('runtime')
    reason = ('with %d the kernel drops file cache first and keeps swap as the reserve for a shortage, so a database '
              "stays in RAM" % value)
    if present == value:
        reason = 'it is %d already: %s' % (value, reason)
    elif present is not None:
        reason = 'it is %d now; %s' % (present, reason)
    return {'value': value, 'reason': reason}


def _protect(remedies, host_facts, events, host, swap):
    """The servers to spare: those that were killed while another process could have been, and those that run here
    without a score.
    """
    rows = [row for row in remedies if row['name'] == 'score' and row['target'] and (
        row['effect'] in HELPS or row['by_rule'])]
    return [_protected(row, host_facts, events, host, swap) for row in rows]


def _protected(row, host_facts, events, host, swap):
    name, value = row['target'], row['value']
    event, limit = next((event for event in events if _killed(event, name)), None), None
    if event:
        reason = 'the kernel killed %s' % process_words(_killed(event, name))
    else:
        # The remedies follow from an earlier look at the host: a server may have ended since.
        here = next((one for one in host_facts['oom']['candidates'] if one.get('name') == name), None)
        limit = here and here.get('limit_bytes')
        reason = here and 'it runs here with oom_score_adj %s and %s in RAM' % (
            here.get('oom_score_adj'), format_size(here.get('rss_bytes'))) or 'it ran here'
    return {'process': name, 'value': value, 'reason': '%s; at %d others go first until it takes more than %s' % (
        reason, value, _share(value, event or {}, host, swap, limit))}


def _killed(event, name):
    return next((victim for victim in event.get('victims') or [] if victim.get('name') == name), None)


def _share(value, event, host, swap, limit):
    """What a score of ``value`` spares, in words: a share of what the kernel counts scores in.

    That is all RAM and swap, or the limit of the cgroup that ran out, or of the one that the server runs in
    (``limit``).
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
        if limit is not None and limit < total:
            words, total = 'the limit of its control group', limit
    share = '%d%% of %s' % (-value // 10, words)
    return share if total is None else '%s, %s' % (share, format_size(total * -value // 1000))


def _remedy_notes(remedies):
    """Sentences: why remedies that are often asked for are not advised, and what else is advised."""
    notes = [_note(row) for row in remedies if row['name'] not in APPLIED]
    swap = _row(remedies, 'swap')
    if swap['target'] and not swap['by_rule'] and swap['effect'] not in HELPS:
        notes.append({'unknown': 'Whether swap would have helped is not known: %s.',
                      'harms': 'Swap would make it worse: %s.'}.get(swap['effect'], 'Swap is not the remedy: %s.')
                     % swap['why'])
    elif swap['target'] is None and swap.get('size_bytes') is None:
        notes.append('How much swap is right is not known: neither the host nor a report says how much RAM there is.')
    notes += ['%s would make it worse: %s.' % (_first_up(row['what']), row['why']) for row in remedies
              if row['name'] == 'score' and row['effect'] == 'harms']
    return [note for note in notes if note]


def _note(row):
    if row['effect'] in ('none', 'harms'):
        return None
    words = {'unknown': 'it may help'}.get(row['effect'], 'it %s this' % row['effect'])
    command = ': %s' % row['command'] if row['command'] else ''
    return '%s (%s; %s)%s' % (_first_up(row['what']), words, row['why'], command)


def _first_up(text):
    return text[:1].upper() + text[1:]


def _event_notes(events):
    """Sentences on what else the reports tell, the most pressing first."""
    notes = []
    if any((event.get('trigger') or {}).get('manual') for event in events):
        notes.append('A report was asked for by hand (sysrq f), not by a shortage.')
    if any(event.get('kind') == 'allocation_failure' for event in events):
        notes.append('An allocation failed without a kill. Above order %d that is fragmentation, which swap does not '
                     'mend.' % _COSTLY_ORDER)
    shortage = report_meant([event for event in events if is_of_host(event)]) or {}
    memory = shortage.get('memory') or {}
    total, free = memory.get('swap_total_bytes'), memory.get('swap_free_bytes')
    if total and free is not None and free * 2 > total:
        notes.append('%s of %s of swap were free at the report%s: more swap alone would not have prevented it.' % (
            format_size(free), format_size(total), ' of %s' % when(shortage) if when(shortage) else ''))
    return notes


def _fact_notes(host_facts):
    notes = []
    vm = host_facts.get('vm') or {}
    commit = host_facts.get('commit') or {}
    if vm.get('panic_on_oom'):
        notes.append('vm.panic_on_oom is %s: the host panics instead of killing one process.' % vm['panic_on_oom'])
    if vm.get('oom_kill_allocating_task'):
        notes.append('vm.oom_kill_allocating_task is set: whoever asks for memory is killed, whatever its score.')
    if commit.get('mode') == 2:
        notes.append('vm.overcommit_memory is 2: fork and malloc fail at the commit limit (%s) with memory still free; '
                     'swap raises that limit.' % format_size(commit.get('limit_bytes')))
    for killer in (host_facts.get('oom') or {}).get('user_space_killers') or []:
        if killer.get('active') and killer.get('watches') != []:
            notes.append('%s is active and kills before the kernel does, by rules of its own: see that it spares the '
                         'database too.' % plain(killer.get('name')))
    return notes
