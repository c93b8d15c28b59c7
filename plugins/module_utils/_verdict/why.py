# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why one unit, container or process ended: what the host and the logs say of it, as one incident."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re
import time

from .._facts.why import ended
from .._files.errors import RescueError
from .._files.plain import plain
from .._files.sizes import format_size
from .._log.times import utc_seconds
from .._node.cgroup_paths import parse_cgroup, system_unit
from .evidence import when
from .incidents import incidents_of
from .judgement import all_named, verdict_of, weight_of

# systemd's word for how a unit ended: kind, was_memory, limit, actor. It says exit-code if the program ended by itself.
_RESULTS = {
    'oom-kill': ('unit-oom-kill', 'yes', 'unknown', 'unknown'),
    'timeout': ('not-memory-stop', 'no', 'none', 'manager'),
    'watchdog': ('not-memory-stop', 'no', 'none', 'manager'),
    'core-dump': ('not-memory-crash', 'no', 'none', 'program'),
    'signal': ('kill-unproven', 'unknown', 'unknown', 'unknown'),
}
_BY_SIGNAL = (137, 143)
_MOST_EVIDENCE = 3
_CRASHES = (132, 134, 135, 136, 139)
_ID = re.compile(r'[0-9a-f]{64}$')
_ZONES = re.compile(r'\w{3} (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?: (\S+))?$')


def judge_one(events, signals, subject, is_left_out=None):
    """(incidents, verdict, signals) for what why_facts() returned as ``subject``. The signals include the host's own
    words on it, ``is_left_out`` is that of judge_all().

    The verdict is on the subject's newest incident alone, None if nothing says that it was killed or refused. Raises
    RescueError if neither the host nor a log knows it.
    """
    signals = signals + told_by_host(subject)
    own_events = [index for index, event in enumerate(events) if _is_event_of(event, subject) and not (
        is_left_out and is_left_out(event))]
    own_signals = [index for index, signal in enumerate(signals) if _is_signal_of(signal, subject)]
    if not subject['known'] and not own_events and not own_signals:
        raise RescueError('{value} is no unit, container or process that this host or its logs know',
                          value=subject['name'], next_step=_near(subject))
    incidents = incidents_of(events, signals, is_left_out)
    parts = _own_parts(incidents, own_events, own_signals)
    if not parts:
        return incidents, None, signals
    index, own = _chosen(parts, events, signals)
    rest = dict(incidents[index])
    for key in ('signals', 'reports'):
        rest[key] = [number for number in rest[key] if number not in own[key]]
    incidents = incidents[:index] + [own] + incidents[index + 1:]
    incidents += [rest] if rest['signals'] or rest['reports'] else []
    verdict = verdict_of(index, own, events, signals)
    _refine(verdict, subject)
    if rest['reports']:
        timed = any(row.get('epoch') is not None or row.get('uptime_seconds') is not None for row in
                    [signals[number] for number in own['signals']] + [events[number] for number in own['reports']])
        verdict['caveats'].append('%s the kernel killed for memory, and no line of that names %s.' % (
            'In the same minute' if timed else 'At a time that may be the same', plain(subject['name'])))
    others = [part for number, part in parts if number != index]
    if others:
        verdict['caveats'].append('The logs tell of %s at %d other time%s: %s.' % (
            plain(subject['name']), len(others), '' if len(others) == 1 else 's', all_named(others, events, signals)))
    verdict['caveats'] += _caveats(subject)
    return incidents, verdict, signals


def _near(subject):
    if subject['near']:
        return 'did you mean %s?' % ', '.join(plain(name) for name in subject['near'])
    return 'name a unit as systemctl shows it, a container as its engine does, or the number of a process'


def _own_parts(incidents, own_events, own_signals):
    """[(index of an incident, the part of it that is the subject's)] of those that have one."""
    parts = [(index, dict(incident, signals=[number for number in incident['signals'] if number in own_signals],
                          reports=[number for number in incident['reports'] if number in own_events]))
             for index, incident in enumerate(incidents)]
    return [(index, own) for index, own in parts if own['signals'] or own['reports']]


def _chosen(parts, events, signals):
    """The one of _own_parts() that is meant."""
    # The question is how it ended last: systemd and the engine know that end.
    return max(parts, key=lambda part: (any(signals[number].get('last') for number in part[1]['signals']),
                                        weight_of(part[1], events, signals), part[0]))


def told_by_host(subject):
    """Signals made of what systemd, the engine and the cgroup say of how it ended; their source is the program's name.
    """
    return [signal for signal in (_of_unit(subject), _of_container(subject), _of_cgroup(subject)) if signal]


def _signal(subject, says, text, source, **known):
    kind, was_memory, limit, actor = says
    signal = {'kind': kind, 'was_memory': was_memory, 'limit': limit, 'actor': actor, 'program': source, 'time': None,
              'time_text': None, 'order': None, 'host': None, 'unit': (subject['unit'] or {}).get('Id'),
              'container': (subject['container'] or {}).get('id'), 'pid': None, 'name': None, 'bytes': None,
              'limit_bytes': None, 'errno': None, 'trusted': True, 'text': text, 'epoch': None, 'uptime_seconds': None,
              'source': {'path': source, 'line': None, 'offset': 0}, 'last': True, 'elsewhere': False}
    signal.update(known)
    return signal


def _number(text):
    return int(text) if text and text.isdigit() and len(text) < 20 else None


def _of_unit(subject):
    unit = subject['unit'] or {}
    result, status = unit.get('Result'), _number(unit.get('ExecMainStatus'))
    says = _RESULTS.get(result)
    if result == 'exit-code' and status in _BY_SIGNAL:
        says = _RESULTS['signal']
    if result == 'signal' and status != 9:
        return None
    if says is None:
        return None
    stamp = unit.get('InactiveEnterTimestamp') or unit.get('ExecMainExitTimestamp')
    text = 'Result=%s ExecMainStatus=%s' % (result, unit.get('ExecMainStatus'))
    return _signal(subject, says, text, 'systemctl', epoch=_epoch_of(stamp), time_text=stamp or None,
                   pid=_number(unit.get('ExecMainPID')) or None)


def _epoch_of(stamp):
    """The seconds since 1970 of systemd's ``Wed 2026-10-28 11:32:28 CET``, in the host's own zone; or None."""
    match = _ZONES.match(stamp or '')
    if not match:
        return None
    try:
        parsed = time.strptime('%s %s' % match.groups()[:2], '%Y-%m-%d %H:%M:%S')
    except ValueError:
        return None
    return utc_seconds(*parsed[:6]) if match.group(3) in ('UTC', 'GMT') else time.mktime(parsed[:8] + (-1,))


def _of_container(subject):
    container = subject['container']
    if not container:
        return None
    code = container.get('exit_code')
    moment = ended(container)
    limit = container.get('limit_bytes') if isinstance(container.get('limit_bytes'), int) else 0
    if container.get('oom_killed') is True:
        says = ('engine-oom', 'yes', 'cgroup' if limit else 'unknown', 'kernel')
    elif code in _BY_SIGNAL and container.get('status') != 'running':
        says = ('kill-unproven', 'unknown', 'unknown', 'unknown')
    elif code in _CRASHES and container.get('status') != 'running':
        says = ('not-memory-crash', 'no', 'none', 'program')
    else:
        return None
    text = 'OOMKilled=%s ExitCode=%s' % (str(container.get('oom_killed')).lower(), code)
    known = {'epoch': moment, 'time': container['finished']} if moment >= 0 else {}
    return _signal(subject, says, text, '%s inspect' % container['engine'], limit_bytes=limit or None, **known)


def _of_cgroup(subject):
    """A signal for the kernel's count of kills in the cgroup, if nothing else says how it ended: the count has no time.
    """
    group = subject['cgroup']
    if not group or not group['oom_kills'] or _of_unit(subject) or _of_container(subject):
        return None
    says = ('unit-oom-kill', 'yes', 'cgroup' if group['oom'] and group['limit_bytes'] else 'unknown', 'kernel')
    return _signal(subject, says, 'oom_kill %d, its limit was met %s times' % (
        group['oom_kills'], '?' if group['oom'] is None else group['oom']), 'cgroup', limit_bytes=group['limit_bytes'])


def _is_id(text, container):
    return bool(text) and len(text) >= 12 and str(container.get('id')).startswith(text)


def _names_it(row, subject):
    """True if a victim or signal is the one that was asked for, by unit, container or pid."""
    unit, container = (subject['unit'] or {}).get('Id'), subject['container']
    asked = subject['name'] if subject['kind'] != 'pid' else None
    named = [name for name in (row.get('unit'), row.get('container'), row.get('container_id')) if name]
    parsed = parse_cgroup(row.get('cgroup'))
    if unit and (parsed['host_unit'] or parsed['containers']):
        # A guest and a user may have a unit of that name, too.
        return system_unit(parsed) == unit
    if unit and row.get('unit'):
        return row['unit'] == unit
    if container and any(_is_id(name, container) or name == container['name'] for name in named):
        return True
    # An engine takes the beginning of a container's id for it, and so it is printed.
    if not container and asked and any(_is_id(asked, {'id': name}) for name in named if _ID.match(name)):
        return True
    if asked and any(name == asked or name.rsplit('.', 1)[0] == asked for name in named):
        return True
    return bool(row.get('pid')) and row['pid'] in subject['pids']


def _is_event_of(event, subject):
    return event.get('trusted') is not False and not event.get('elsewhere') and any(
        _names_it(victim, subject) for victim in event.get('victims') or [])


def _is_signal_of(signal, subject):
    return (signal.get('last') or _names_it(signal, subject)) and signal.get('trusted') is not False and not (
        signal.get('elsewhere'))


def _refine(verdict, subject):
    """Take the limit from the cgroup's counters if the words leave it open."""
    group = subject['cgroup'] or {}
    met = group.get('oom') and group.get('oom_kills') and group.get('limit_bytes')
    if met and verdict['was_memory'] == 'yes' and verdict['limit'] == 'unknown':
        verdict['limit'] = 'cgroup'


def _caveats(subject):
    """Sentences on what else the counters of its cgroup say, and on which sources said nothing."""
    found = []
    group = subject.get('cgroup') or {}
    if group.get('oom_kills'):
        found.append('The kernel counts %d kills in %s, whose limit is %s.' % (
            group['oom_kills'], plain(group['path']),
            format_size(group['limit_bytes']) if group['limit_bytes'] else 'none of its own'))
    if group.get('pids_refused'):
        found.append('%s was refused a process %d times by its pids.max.' % (
            plain(group['path']), group['pids_refused']))
    missing = ['%s: %s' % (source['name'], plain(source['error'])) for source in subject['sources'] if source['error']]
    return found + (['Not told by %s.' % '; '.join(missing)] if missing else [])


def lines_on(entry):
    """Lines for a person on what judge_one() found of the one in ``entry['why']``."""
    subject, verdict = entry['why'], entry.get('verdict')
    name = plain('%s %s' % (subject['kind'], subject['name']))
    if not verdict:
        return ['%s: nothing here says that it was killed or was refused memory.' % name] + _caveats(subject)
    lines = ['%s: %s' % (name, verdict['sentence'])]
    lines += ['  %s %s: %s' % (when(row) or '', row['path'] or '', row['text'])
              for row in verdict['evidence'][:_MOST_EVIDENCE]]
    lines += verdict['caveats']
    return lines + (['This would tell: %s' % '; '.join(verdict['would_tell'])] if verdict['would_tell'] else [])
