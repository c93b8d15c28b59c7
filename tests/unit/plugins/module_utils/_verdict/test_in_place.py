# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has already is not said to be left to do."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._verdict.in_place import in_place, shown

GIB = 1 << 30
ADVICE = {'swap': {'size_bytes': 2 * GIB}, 'swappiness': {'value': 10},
          'protect': [{'process': 'mysqld', 'value': -600}]}


def facts(path='/swapfile', size=2 * GIB, persisted='fstab', runtime=10, later=10, scores=(-600,), **asked):
    kept = dict((remedy, {'set': True, 'asked': values}) for remedy, values in asked.items())
    return {
        'swap': {'areas': [{'path': path, 'size_bytes': size, 'persisted_by': persisted}]},
        'swappiness': {'runtime': runtime, 'after_reboot': later},
        'oom': {'candidates': [{'name': 'mariadbd', 'oom_score_adj': score} for score in scores]},
        'kept': kept,
    }


@pytest.mark.parametrize('changes, missing', [
    pytest.param({}, [], id='all is there'),
    pytest.param({'size': 2 * GIB - 4096}, [], id='a page is the signature'),
    pytest.param({'size': GIB}, ['swap'], id='half the swap'),
    pytest.param({'path': '/other'}, ['swap'], id="another's file"),
    pytest.param({'persisted': None}, ['swap'], id='not after a reboot'),
    pytest.param({'size': GIB >> 2, 'swap': {'swap_size': '256M'}}, [], id='less, as it was asked for'),
    pytest.param({'path': '/data/swap', 'swap': {'swap_path': '/data/swap'}}, [], id='elsewhere, as it was asked for'),
    pytest.param({'later': 60}, ['swappiness'], id='not after a reboot'),
    pytest.param({'later': None}, ['swappiness'], id='not known after a reboot'),
    pytest.param({'runtime': 20, 'later': 20, 'swappiness': {'swappiness_value': 20}}, [], id='another, as asked for'),
    pytest.param({'scores': (0,)}, ['oom_protect'], id='a score of 0'),
    pytest.param({'scores': (-900, -600)}, [], id='a stronger score'),
    pytest.param({'scores': (-600, 0)}, ['oom_protect'], id='one of two'),
    pytest.param({'scores': ()}, ['oom_protect'], id='no server runs'),
])
def test_what_is_in_place(changes, missing):
    found = in_place(ADVICE, facts(**changes))
    assert sorted(set(['swap', 'swappiness', 'oom_protect']) - set(found)) == missing


@pytest.mark.parametrize('advice, there', [
    ({'swap': None, 'swappiness': None, 'protect': []}, []), ({'swap': {'size_bytes': 0}, 'protect': []}, []),
])
def test_what_is_not_advised_is_not_in_place(advice, there):
    assert in_place(advice, facts()) == there


def test_of_a_log_from_elsewhere_nothing_is_known():
    assert in_place(ADVICE, None) == []


def test_of_many_processes_the_first_are_shown_and_each_server_whose_score_counts():
    rows = [{'name': name, 'pid': pid} for pid, name in enumerate(['php'] * 30 + ['redis', 'cron', 'mysqld'])]
    assert shown(rows, 0, []) == rows
    assert [row['pid'] for row in shown(rows, 2, ['redis'])] == [0, 1, 30, 32]
    assert len(shown(rows * 50, 2, [])) == 52


@pytest.mark.parametrize('scores, there', [([-600, 0], True), ([0, 0], False), ([-600, -600, 0], False)], ids=repr)
def test_a_child_of_postgresql_with_its_own_score_is_not_left_to_do(scores, there):
    rows = [{'name': 'postgres', 'pid': 9 + number, 'oom_score_adj': score} for number, score in enumerate(scores)]
    advice = {'swap': None, 'swappiness': None, 'protect': [{'process': 'postgres', 'value': -600}]}
    assert ('oom_protect' in in_place(advice, dict(facts(), oom={'candidates': rows}))) is there
