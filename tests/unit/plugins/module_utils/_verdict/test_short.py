# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stays of a diagnosis that is longer than may be sent or written: what its verdict rests on."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import copy

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._node.room import size_of
from ansible_collections.oom.rescue.plugins.module_utils._verdict.short import (
    of_the_incident,
    of_the_verdict,
    shortened,
    within,
)


def entry(incident=1):
    """A diagnosis of three incidents, each of two reports and two signals."""
    return {
        'verdict': None if incident is None else {'incident': incident, 'sentence': 'It was memory.'},
        'events': [{'id': 'e%d' % number, 'kind': 'kill'} for number in range(6)],
        'signals': [{'text': 's%d' % number} for number in range(6)],
        'incidents': [{'first': 't%d' % number, 'reports': ['e%d' % (2 * number), 'e%d' % (2 * number + 1)],
                       'signals': [2 * number, 2 * number + 1]} for number in range(3)],
        'replays': [{'event_id': 'e%d' % number} for number in range(6)], 'raw': ['a line'] * 9, 'caveats': [],
    }


def ids(found):
    return [event['id'] for event in found['events']]


@pytest.mark.parametrize('incident, reports, texts, signals', [
    (0, ['e0', 'e1'], ['s0', 's1'], [[0, 1], [], []]), (1, ['e2', 'e3'], ['s2', 's3'], [[], [0, 1], []]),
    (2, ['e4', 'e5'], ['s4', 's5'], [[], [], [0, 1]]), (None, [], [], [[], [], []]),
])
def test_the_reports_and_lines_of_the_incident_of_the_verdict_stay_and_all_incidents_are_counted(
        incident, reports, texts, signals):
    found = of_the_verdict(entry(incident))
    assert ids(found) == reports and [one['text'] for one in found['signals']] == texts
    # The numbers of the lines are those that they have now.
    assert [one['signals'] for one in found['incidents']] == signals
    assert [one['first'] for one in found['incidents']] == ['t0', 't1', 't2']


def test_of_very_many_reports_the_newest_five_stay_and_of_rows_fifty():
    whole = entry(0)
    whole['events'] = [{'id': 'e%d' % number} for number in range(60)]
    whole['signals'] = [{'text': 's%d' % number} for number in range(60)]
    whole['incidents'] = [{'first': 't0', 'reports': ['e%d' % number for number in range(60)],
                           'signals': list(range(60))}]
    found = of_the_verdict(whole)
    assert ids(found) == ['e0', 'e1', 'e2', 'e3', 'e4']
    assert (len(found['signals']), len(found['incidents'][0]['reports'])) == (50, 50)
    assert found['incidents'][0]['signals'] == list(range(50))


def test_of_very_many_reports_the_one_that_is_told_stays_beside_the_newest_five():
    whole = entry(0)
    whole['events'] = [{'id': 'e%d' % number, 'kind': 'kill', 'complete': number == 40} for number in range(60)]
    whole['incidents'] = [{'first': 't0', 'reports': ['e%d' % number for number in range(59, -1, -1)], 'signals': []}]
    assert ids(of_the_verdict(whole)) == ['e0', 'e1', 'e2', 'e3', 'e4', 'e40']


@pytest.mark.parametrize('meant, kept', [
    ('e3', ['e3'] + ['e%d' % number for number in range(11, 60)]),
    ('e20', ['e20'] + ['e%d' % number for number in range(10, 60) if number != 20]),
])
def test_of_an_incident_s_many_reports_the_newest_stay_and_first_the_one_that_is_meant(meant, kept):
    whole = dict(entry(0), advice={'report': meant})
    whole['events'] = [{'id': 'e%d' % number} for number in range(59, -1, -1)]
    whole['incidents'] = [{'first': 't0', 'reports': ['e%d' % number for number in range(60)], 'signals': []}]
    for shorten in (of_the_verdict, of_the_incident):
        assert shorten(whole)['incidents'][0]['reports'] == kept


@pytest.mark.parametrize('incident, kept', [(0, ['t0']), (2, ['t2']), (None, ['t0', 't1', 't2'])])
def test_shorter_still_the_incident_of_the_verdict_stays_alone(incident, kept):
    found = of_the_incident(entry(incident))
    assert [one['first'] for one in found['incidents']] == kept
    assert (found['events'], found['signals'], [one['signals'] for one in found['incidents']]) == (
        [], [], [[]] * len(kept))
    assert found['verdict'] == (None if incident is None else {
        'incident': 0, 'sentence': 'It was memory.', 'other_incidents': 2})
    again = of_the_incident(found)
    assert again['verdict'] == found['verdict']


def test_nothing_that_is_shortened_is_changed_where_it_stands():
    whole = entry()
    before = copy.deepcopy(whole)
    for shorten in (of_the_verdict, of_the_incident, shortened):
        shorten(whole)
    assert whole == before


def test_texts_and_lists_are_cut_at_any_depth():
    found = shortened({'a': ['x' * 301, {'b': list(range(51))}], 'c': 7, 'd': None})
    assert found == {'a': ['x' * 300, {'b': list(range(50))}], 'c': 7, 'd': None}


def sent():
    """The same with events of which the first is the report that is meant; 1728 bytes of JSON."""
    whole = entry()
    return dict(whole, events=[
        dict(event, complete=True, trusted=None, host=None, time=None, time_text=None, victims=[], scope='unknown',
             order=number, source={'path': 'x'}) for number, event in enumerate(whole['events'])])


@pytest.mark.parametrize('most, reports, signals, incidents, raw', [
    (0, ['e0', 'e1', 'e2', 'e3', 'e4', 'e5'], 6, ['t0', 't1', 't2'], 9),
    (1800, ['e0', 'e1', 'e2', 'e3', 'e4', 'e5'], 6, ['t0', 't1', 't2'], 9),
    (1700, ['e0', 'e1', 'e2', 'e3', 'e4', 'e5'], 6, ['t0', 't1', 't2'], 0),
    (1500, ['e0', 'e2', 'e3'], 2, ['t0', 't1', 't2'], 0),
    (900, ['e0'], 0, ['t1'], 0),
], ids=['all', 'room enough', 'no lines of the log', 'the reports of the verdict', 'the incident of the verdict'])
def test_the_report_that_is_meant_and_the_incident_of_the_verdict_stay_however_little_may_be_sent(
        most, reports, signals, incidents, raw):
    found = within(sent(), most)
    assert ids(found) == reports and [row['event_id'] for row in found['replays']] == reports
    assert [one['first'] for one in found['incidents']] == incidents
    assert (len(found['signals']), len(found['raw'])) == (signals, raw)
    assert found['incidents'][found['verdict']['incident']]['first'] == 't1'
    assert not most or size_of(found) <= most
