# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is remembered survives a write that stops anywhere, and never has more than its place."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import io
import json
import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._watch import metrics, remembered


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / 'state')


def test_what_was_saved_last_is_loaded(path):
    state = remembered.new(1)
    for number in range(5):
        state['told'].append('key %d' % number)
        assert remembered.save(state, [path]) == [None]
    assert remembered.load([path])['told'] == state['told'] and remembered.load([path])['serial'] == 5
    assert os.stat(path).st_size == 2 * remembered.HALF and os.stat(path).st_mode & 0o777 == 0o600


@pytest.mark.parametrize('written', [0, 1, 64, 65, 100, 200])
def test_a_write_that_stops_anywhere_leaves_the_state_before(path, written):
    state = remembered.new(1)
    for _serial in range(3):
        remembered.save(state, [path])
    half = remembered._half(dict(state, serial=4, told=['new']))
    with io.open(path, 'r+b') as stream:
        stream.seek(0)
        before = stream.read(remembered.HALF)
        stream.seek(0)
        stream.write(half[:written] + before[written:])
    assert remembered.load([path])['serial'] == 3


def test_no_file_no_state_and_a_link_is_none(path, tmp_path):
    assert remembered.load([path]) is None
    os.symlink(str(tmp_path / 'other'), path)
    assert remembered.save(remembered.new(1), [path])[0] is not None and not os.path.exists(str(tmp_path / 'other'))


def test_of_very_much_the_newest_is_kept(path):
    state = remembered.new(1)
    state['told'] = ['report:%012d' % number for number in range(5000)]
    state['waiting'] = [{'message': {'text': 'x' * 4000, 'time': str(number), 'host': 'db1'}, 'number': number}
                        for number in range(90)]
    state['kills'] = metrics.counted([], [('p%d' % number, 'u' * 300, 'host', 'kernel') for number in range(500)])
    remembered.bound(state, 0)
    assert len(json.dumps(state)) < remembered.HALF
    assert state['told'][-1] == 'report:%012d' % 4999 and state['waiting'][-1]['number'] == 89
    left = len(state['waiting'])
    assert 5 < left < 20
    assert state['held'] == {'count': 90 - left, 'first': '0', 'last': str(89 - left), 'host': 'db1'}
    assert remembered.save(state, [path]) == [None] and remembered.load([path]) == state


def test_names_past_the_most_are_one_series():
    rows = metrics.counted([], [('p%d' % number, None, 'host', 'kernel') for number in range(100)])
    assert len(rows) == metrics.MOST_SERIES and sum(row[4] for row in rows) == 100
    assert rows[-1][:1] == ['other']
    assert metrics.counted(rows, [('p1', None, 'host', 'kernel')])[1][4] == 2
