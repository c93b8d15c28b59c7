# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

pytest.importorskip('ansible')

shown = pytest.importorskip('ansible_collections.oom.rescue.plugins.plugin_utils.shown')
alone = pytest.importorskip('ansible_collections.oom.rescue.plugins.plugin_utils.alone')

MIB, GIB = 1 << 20, 1 << 30


def part(kind, nbytes, name=None):
    return {'kind': kind, 'name': name, 'bytes': nbytes}


def test_the_largest_parts_have_a_bar_and_the_small_ones_one_together():
    ledger = {'total_bytes': 1000, 'unaccounted_bytes': 94.5,
              'parts': [part('process', 100 - number, 'p%d' % number) for number in range(9)]}
    rows = shown.bars(ledger)
    assert [(row['words'], row['bytes']) for row in rows[:6]] == [('p%d' % number, 100 - number) for number in range(6)]
    assert [(row['words'], row['kind'], row['bytes']) for row in rows[6:]] == [
        ('in no counter of the kernel', 'unaccounted', 94.5), ('p6', 'process', 94), ('all else', 'other', 93 + 92)]


@pytest.mark.parametrize('unaccounted, nbytes, expected', [
    (0, 50, [('p', 0.5)]), (-20, 50, [('p', 0.5)]), (1, 50, [('p', 0.5), ('in no counter of the kernel', 0.01)]),
    (None, 50, [('p', 0.5)]), (0, 150, [('p', 1)]), (0, 0, []), (0, None, []),
])
def test_a_bar_is_no_longer_than_all(unaccounted, nbytes, expected):
    ledger = {'total_bytes': 100, 'unaccounted_bytes': unaccounted, 'parts': [part('process', nbytes, 'p')]}
    assert [(row['words'], row['share']) for row in shown.bars(ledger)] == expected


@pytest.mark.parametrize('share, words', [
    (0.005, 'under 1 %'), (0.0051, '1 %'), (0.015, '2 %'), (0.994, '99 %'), (0.996, '100 %'), (0.5, '50 %')])
def test_a_share_in_words(share, words):
    assert shown.per_cent(share) == words


EVENT = {'memory': {'ram_bytes': GIB, 'reserved_bytes': 24 * MIB, 'swap_total_bytes': 2 * GIB},
         'cgroup': {'limit_bytes': 512 * MIB}}


@pytest.mark.parametrize('limit, event, words', [
    (None, EVENT, None), ('none', EVENT, None), ('unknown', EVENT, None),
    ('gpu', EVENT, "the graphics card's memory"),
    ('cgroup', EVENT, 'the limit of a container or service (a control group): 512 MiB'),
    ('cgroup', {'cgroup': None}, 'the limit of a container or service (a control group)'),
    ('cgroup', None, 'the limit of a container or service (a control group)'),
    ('host', EVENT, 'the RAM and swap of the whole machine: 1000 MiB of RAM, 2 GiB of swap'),
    ('host', {'memory': {'ram_bytes': GIB, 'swap_total_bytes': 0}},
     'the RAM and swap of the whole machine: 1 GiB of RAM, no swap'),
    ('host', {'memory': {'ram_bytes': GIB, 'reserved_bytes': None}},
     'the RAM and swap of the whole machine: 1 GiB of RAM, swap not told'),
    ('host', {'memory': {}}, 'the RAM and swap of the whole machine'),
])
def test_what_ran_out(limit, event, words):
    assert shown.limit_met({'verdict': {'limit': limit}}, event) == words
    assert shown.limit_met({'verdict': None}, event) is None


def test_of_very_many_incidents_the_time_line_has_the_last():
    incidents = [{'first': '2025-09-03T10:%02d:00Z' % minute, 'reports': ['a'], 'signals': []} for minute in range(40)]
    rows = shown.timeline({'verdict': {'incident': 39}, 'incidents': incidents})
    assert len(rows) == 30 and rows[0]['when'] == '2025-09-03T10:10:00Z'
    assert [row['meant'] for row in rows] == [False] * 29 + [True]
    assert (rows[0]['place'], rows[-1]['place'], rows[1]['place']) == (0, 100, 3.45)


@pytest.mark.parametrize('first', ['2025-09-03T10:00:00Z', None, 'Sep 3', 7])
def test_a_single_time_has_no_place(first):
    row = shown.timeline({'incidents': [{'first': first}]})[0]
    assert (row['when'], row['place'], row['words'], row['meant']) == (
        first or 'at a time that the log does not tell', None, '', False)
    assert shown.timeline({}) == []


def test_a_time_without_a_year_is_told_in_the_log_s_own_words():
    incidents = [{'first': None, 'reports': ['b', 'a'], 'signals': []}, {'first': None, 'reports': [], 'signals': [0]}]
    found = {'incidents': incidents, 'events': [{'id': 'b', 'time_text': 'Oct 28 11:32:40'},
                                                {'id': 'a', 'time_text': 'Oct 28 11:32:28'}],
             'signals': [{'time_text': 'Oct 29 09:00:00'}]}
    assert [row['when'] for row in shown.timeline(found)] == ['Oct 28 11:32:28', 'Oct 29 09:00:00']


@pytest.mark.parametrize('advice, count', [
    ({'report': 'b', 'reports': 2, 'left_out': ['forged', 'elsewhere']}, 1),
    ({'report': 'b', 'reports': 40, 'left_out': ['forged', 'elsewhere']}, 39),
])
def test_the_other_reports_are_the_host_s_own_by_the_count_that_the_cause_names(advice, count):
    events = [{'id': 'forged', 'trusted': False}, {'id': 'elsewhere'}, {'id': 'b'}, {'id': 'a'}]
    assert shown.other_reports({'advice': advice, 'events': events}) == {'count': count, 'rows': [{'id': 'a'}]}


@pytest.mark.parametrize('incident, words', [
    ({'reports': ['a'], 'signals': [1]}, '1 report of the kernel, 1 other line'),
    ({'reports': ['a', 'b'], 'signals': []}, '2 reports of the kernel'), ({'signals': [1, 2]}, '2 other lines'),
])
def test_what_an_incident_is_made_of(incident, words):
    assert shown.timeline({'incidents': [incident]})[0]['words'] == words


@pytest.mark.parametrize('flags, words', [
    (['GFP_KERNEL', '__GFP_ZERO'], 'it was for the kernel itself'),
    (['GFP_USER', 'GFP_DMA32'], 'it needed memory below'),
    (['__GFP_ZERO'], None), ([], None), (None, None),
    (['GFP_HIGHUSER_MOVABLE'], 'it was for a program: any memory would have done'),
])
def test_the_first_flag_that_says_something_is_explained(flags, words):
    rows = shown.explained({'trigger': {'order': 0, 'gfp_mask': '0x1', 'gfp_flags': flags}})
    assert (rows == []) is (words is None)
    assert [row[:2] for row in rows] == ([('gfp_mask', '0x1 (%s)' % '|'.join(flags))] if words else [])
    assert all(words in row[2] for row in rows)


@pytest.mark.parametrize('order, page, manual, expected', [
    (0, 4096, False, []), (None, 4096, False, []), (1, 65536, False, ['order', '128 KiB']),
    (2, None, False, ['order', '16 KiB']),
    (2, 4096, True, ['sysrq', 'somebody asked']),
])
def test_why_one_piece_was_not_to_be_had(order, page, manual, expected):
    rows = shown.explained({'trigger': {'order': order, 'manual': manual}, 'memory': {'page_size_bytes': page}})
    assert [row[0] for row in rows] == expected[:1] and all(expected[1] in row[2] for row in rows)
    assert shown.explained({}) == []


def zone(free, low=30, least=20, node=None):
    return {'zone': 'Normal', 'node': node, 'free_bytes': free and free * MIB, 'low_bytes': low and low * MIB,
            'min_bytes': least and least * MIB}


@pytest.mark.parametrize('entry, name, words', [
    (zone(19), 'zone Normal', 'below its lowest mark, min (20 MiB)'),
    (zone(20), 'zone Normal', 'below its mark low (30 MiB)'),
    (zone(29, node=1), 'zone Normal of node 1', 'below its mark low (30 MiB)'), (zone(30), None, None),
    (zone(None), None, None), (zone(1, low=None), None, None), (zone(1, least=None), None, None),
])
def test_a_zone_below_its_marks_is_told(entry, name, words):
    rows = shown.explained({'zones': [entry]})
    assert [row[0] for row in rows] == ([name] if name else [])
    assert all(row[1] == '%d MiB free' % (entry['free_bytes'] // MIB) and words in row[2] for row in rows)
    assert len(shown.explained({'zones': [zone(1)] * 40})) == 12


def test_tasks_are_the_largest_first_without_those_of_no_name():
    tasks = [{'name': 'a', 'rss_bytes': 1}, {'name': None, 'rss_bytes': 9}, {'name': 'b', 'rss_bytes': 5},
             {'name': 'c', 'rss_bytes': None}]
    assert [task['name'] for task in shown.tasks_of({'tasks': tasks})] == ['b', 'a', 'c']
    assert shown.tasks_of({'tasks': None}) == []


@pytest.mark.parametrize('module, result, expected', [
    ('swap_file', {'skipped_reason': 'x'}, ['swap was left alone: x']), ('swap_file', {'skipped_reason': None}, []),
    ('swappiness', {'skipped_reason': 'x'}, ['vm.swappiness was left alone: x']),
    ('swap_file', {'skipped_reason': 'x', 'failed': True}, []),
    ('swap_file', {'skipped_reason': 'x', 'skipped': True}, []),
    ('oom_score_adj', {'found': True, 'processes': []}, []),
    ('oom_score_adj', {'found': False, 'processes': []},
     ['nothing to protect: no such process, and no unit of that name, on this host']),
    ('oom_score_adj', {'found': True, 'skipped_reason': 'x', 'processes': [
        {'recreate_required': 'y'}, {'recreate_required': None}, {'recreate_required': 'y'}]}, ['x', 'y']),
])
def test_what_a_role_alone_tells(module, result, expected):
    assert alone.unsaid(module, result) == expected
