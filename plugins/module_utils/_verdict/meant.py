# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of several OOM reports is meant. It is chosen once, so that no sentence stands beside another report's time."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._files.plain import plain
from .evidence import process_words, when

_KILLED = ('kill', 'no_victim', 'panic')
_PART_OF_THE_HOST = ('cpuset', 'mempolicy')
WHOLE, WITH_VICTIM, SHORTAGE, OTHER = 3, 2, 1, 0
_MOST_NAMED = 3


def is_shortage(event):
    """True if a report is of memory that ran out, and not asked for by hand (sysrq f) nor a failed allocation."""
    return event.get('kind') in _KILLED and not (event.get('trigger') or {}).get('manual')


def weight(event):
    """How much a report tells: WHOLE of a shortage of the host or a cgroup, WITH_VICTIM, SHORTAGE, or OTHER."""
    if not is_shortage(event):
        return OTHER
    if event.get('complete') and event.get('scope') not in _PART_OF_THE_HOST:
        return WHOLE
    return WITH_VICTIM if event.get('victims') or event.get('selected') else SHORTAGE


def is_order_told(events):
    """True if it is told which of the reports (newest first, by date or by their place in the log) is the newest.

    It is not where those without a date have clocks that run back: a boot was in between, or somebody copied them in
    another order.
    """
    clocks = [event['uptime_seconds'] for event in events
              if event.get('time_text') is None and event.get('uptime_seconds') is not None]
    return clocks == sorted(clocks, reverse=True)


def says_why(event):
    """True if a report says which limit was met: then a kill alone does not come before it if no order is told."""
    return event.get('scope') != 'unknown'


def report_meant(events):
    """The report that is meant among events that come newest first; None if there is none.

    It is the newest whole shortage of the host or a cgroup, else the newest with a victim, else the newest. A report
    that a program and not the kernel wrote is never meant; one that is proven comes before a whole one that anybody may
    have written.
    """
    events = [event for event in events if event.get('trusted') is not False]
    is_ordered = is_order_told(events)
    return max(events, key=lambda event: (
        weight(event), is_proven_whole(event), is_ordered or says_why(event))) if events else None


def report_told(diagnosis):
    """The report that a diagnosis tells of, among its events: the one that its advice is on. Without advice, as in
    report.json, it is the one that is meant among those of the verdict's incident.

    None if the verdict is not by it: then the verdict's own sentence and time are told.
    """
    events, advice = diagnosis.get('events') or [], diagnosis.get('advice') or {}
    verdict, incidents = diagnosis.get('verdict'), diagnosis.get('incidents')
    if verdict and incidents:
        reports = incidents[verdict['incident']].get('reports') or []
        events = [event for event in events if event.get('id') in reports]
    if 'report' in advice:
        report = next((event for event in events if event.get('id') == advice['report']), None)
    else:
        report = report_meant(events)
    return report if report and (not verdict or is_by_report(verdict, report)) else None


def is_by_report(verdict, report):
    """True if a verdict on an incident with this report is by it, and not by what another program says: a failed
    allocation, or a kill that was asked for by hand, says nothing of what another killer did in the same minutes.
    """
    if is_shortage(report):
        return True
    if (report.get('trigger') or {}).get('manual'):
        return (verdict.get('was_memory'), verdict.get('actor')) == ('unknown', 'manager')
    return (verdict.get('was_memory'), verdict.get('actor')) == ('unknown', 'unknown') and not verdict.get('victims')


def moment_told(diagnosis):
    """{time, time_text} of what a diagnosis tells of: of its report, else of the line that its verdict is by, or of the
    first one of its incident that has a time; empty if nothing is told.
    """
    verdict, incidents = diagnosis.get('verdict'), diagnosis.get('incidents')
    report = report_told(diagnosis)
    if report or not (verdict and incidents):
        return report or {}
    line = (verdict['evidence'] or [{}])[0]
    if line.get('time') or line.get('time_text'):
        return line
    text = next((row['time_text'] for row in verdict['evidence'] if row['time_text']), None)
    return {'time': incidents[verdict['incident']].get('first'), 'time_text': text}


def is_proven_whole(event):
    """True if a whole report of a shortage is proven to be the kernel's: no newer report without proof takes its place.
    """
    return weight(event) == WHOLE and event.get('trusted') is True


def brief(event):
    """A report in a few words, with its own time: ``Oct 29 09:00:00: the kernel killed postgres (pid 4711)``."""
    victims = event.get('victims') or ([event['selected']] if event.get('selected') else [])
    if victims:
        words = 'the kernel killed %s' % ', '.join(process_words(victim) for victim in victims[:_MOST_NAMED])
    elif event.get('kind') == 'allocation_failure':
        words = 'an allocation failed'
    elif event.get('kind') == 'panic':
        words = 'the kernel panicked'
    else:
        name = (event.get('trigger') or {}).get('name')
        words = '%s asked for memory' % plain(name) if name else 'memory ran out'
    if event.get('kind') in _KILLED and not event.get('complete'):
        words += ' (the report was cut off)' if not victims else ' (only a part of the report is in the log)'
    moment = when(event)
    return '%s: %s' % (moment, words) if moment else words


def _listed(events):
    named = '; '.join(brief(event) for event in events[:_MOST_NAMED])
    return named + ('; and %d more' % (len(events) - _MOST_NAMED) if len(events) > _MOST_NAMED else '')


def count(events, total=None):
    """How many reports are told of, of ``total`` in the logs: ``events`` may be only the newest of them."""
    return max(total or 0, len([event for event in events if event.get('trusted') is not False]))


def others(events, total=None):
    """A sentence that counts and names the reports beside the one that is meant; None if it is the only one.

    ``total`` is the number in the logs, as ``events`` may be only the newest of them.
    """
    events = [event for event in events if event.get('trusted') is not False]
    total = count(events, total)
    if total < 2:
        return None
    place = events.index(report_meant(events))
    if not place:
        return 'It is the newest of %d reports.' % total
    proven = ' and that the kernel is known to have written' if any(
        weight(event) == WHOLE for event in events[:place]) else ''
    return 'It is one of %d reports, and the newest that tells enough%s. Later: %s.' % (
        total, proven, _listed(events[:place]))
