# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host's or log's entry with what its verdict rests on, and as much of the rest as there is room for."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._node.room import fitted, size_of
from .meant import report_meant, report_told

_TEXTS = (str, type(u''))
_MOST_TEXT = 300
_MOST_ROWS = 50
_EVENTS = 5


def within(result, most):
    """What oom_log_info returns of a host, as much of it as ``most`` bytes of JSON hold; fitted() says what is cut.

    The report that is meant and the incident that the verdict is on stay, and the kernel's own lines, which the report
    of many hosts does not show, go first. ``most`` of 0 is all.
    """
    if not most or size_of(result) <= most:
        return result
    result['raw'] = []
    meant = _meant(result)
    for shorten in (of_the_verdict, _of_one_incident):
        if size_of(result) > most:
            kept = [event['id'] for event in shorten(result)['events']] + ([meant] if meant else [])
            events = [event for event in result['events'] if event['id'] in kept]
            result = dict(shorten(result), events=events, replays=[
                row for row in result.get('replays') or [] if row['event_id'] in kept])
    return fitted(result, most)


def _meant(entry):
    """The id of the report that is meant, as the advice chose it; or None."""
    if entry.get('advice'):
        return entry['advice'].get('report')
    meant = report_meant(entry.get('events') or [])
    return meant and meant.get('id')


def _newest(entry, reports):
    """The ids of an incident's newest reports, the one that is meant first: what is cut further keeps its head."""
    meant = _meant(entry)
    if meant not in reports:
        return reports[-_MOST_ROWS:]
    return [meant] + [one for one in reports if one != meant][1 - _MOST_ROWS:]


def _of_its_own(entry):
    """The verdict as that of the one incident that is kept, with the number of the others."""
    others = len(entry['incidents']) - 1
    return dict(entry['verdict'], incident=0, **({'other_incidents': others} if others else {}))


def _of_one_incident(entry):
    """The entry with the incident that the verdict is on and no others, without its reports and signals."""
    if entry['verdict'] is None:
        return dict(entry, events=[], signals=[], incidents=[])
    chosen = entry['incidents'][entry['verdict']['incident']]
    return dict(entry, events=[], signals=[], verdict=_of_its_own(entry), incidents=[
        dict(chosen, signals=[], reports=_newest(entry, chosen['reports']))])


def of_the_verdict(entry):
    """The entry with the reports and signals of the incident that the verdict is on, the newest and the report that is
    told, and no others.
    """
    number = (entry['verdict'] or {}).get('incident')
    chosen = entry['incidents'][number] if number is not None else {'reports': [], 'signals': []}
    own, told = [event for event in entry['events'] if event.get('id') in chosen['reports']], report_told(entry)
    kept = own[:_EVENTS] + [event for event in own[_EVENTS:] if event is told]
    numbers = chosen['signals'][:_MOST_ROWS]
    places = dict((old, new) for new, old in enumerate(numbers))
    return dict(entry, events=kept, signals=[entry['signals'][one] for one in numbers], incidents=[
        dict(one, reports=_newest(entry, one['reports']), signals=[
            places[old] for old in one['signals'] if old in places]) for one in entry['incidents']])


def of_the_incident(entry):
    """The entry with the incident that the verdict is on and no others, and few rows of each list."""
    short = shortened(entry)
    if entry['verdict']:
        chosen = entry['incidents'][entry['verdict']['incident']]
        short['incidents'] = [shortened(dict(chosen, reports=_newest(entry, chosen['reports'])))]
        short['verdict'] = shortened(_of_its_own(entry))
    return dict(short, events=[], signals=[], incidents=[
        dict(one, signals=[]) for one in short['incidents'][:1 if entry['verdict'] else _MOST_ROWS]])


def shortened(value):
    """The same data with shorter texts and lists."""
    if isinstance(value, dict):
        return dict((key, shortened(part)) for key, part in list(value.items())[:_MOST_ROWS])
    if isinstance(value, list):
        return [shortened(part) for part in value[:_MOST_ROWS]]
    return value[:_MOST_TEXT] if isinstance(value, _TEXTS) else value
