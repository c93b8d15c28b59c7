# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is cut of data that have to be small."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import copy
import json

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._node.room import fitted

ROWS = [{'name': 'x' * 20, 'n': number} for number in range(100)]


@pytest.mark.parametrize('data, most, left_out', [
    ({'a': ROWS}, 1 << 14, None),
    ({'a': ROWS, 'b': ROWS[:10]}, 2000, {'a': 75}),
    ({'a': {'b': [{'c': ROWS}]}}, 2000, {'a.b.c': 75}),
    ({'events': [{'c': list(ROWS)}, {'c': list(ROWS[:50])}]}, 3000, {'events.c': 100}),
    ({'kept': {'asked': {'swap_files': ROWS[:10]}}, 'a': ROWS}, 2000, {'a': 75}),
    ({'a': 'x' * 5000, 'b': 1}, 2000, {'texts': 1000}),
    ({'a': 'x' * 500, 'command': 'y' * 5000}, 900, {'texts': 1000}),
], ids=['enough room', 'the longer one', 'within', 'of each row', 'what was asked for', 'a text', 'a command'])
def test_the_largest_list_is_cut_and_said(data, most, left_out):
    found = fitted(copy.deepcopy(data), most)
    assert len(json.dumps(found)) <= most
    assert found.pop('left_out', None) == left_out
    assert sorted(found) == sorted(data) and found.get('kept') == data.get('kept')


def test_heads_stay_and_events_are_never_taken_away():
    data = fitted({'events': [{'id': number, 'tasks': list(ROWS)} for number in range(5)]}, 4000)
    assert [event['id'] for event in data['events']] == list(range(5))
    assert all(event['tasks'] == ROWS[:len(event['tasks'])] for event in data['events'])


def test_a_command_is_whole_or_not_there():
    assert fitted({'command': 'rm -r /tmp/' + 'x' * 5000, 'why': 'y' * 5000}, 1100) == {
        'command': None, 'why': 'y' * 997 + '...', 'left_out': {'texts': 1000}}
