# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError
from ansible_collections.oom.rescue.plugins.module_utils._verdict.replay import (
    managed_bytes,
    replay,
    total_pages,
)

PAGE = 4096
GIB = 1 << 30
# The six processes of a real CentOS 7 report that matter: 991 MB of RAM, no swap.
TASKS = (
    (1, 0, 900, 40, 0, 'systemd'),
    (371, 0, 149, 22, -1000, 'systemd-udevd'),
    (491, 999, 1681, 65, 0, 'polkitd'),
    (840, 0, 7247, 107, -500, 'dockerd'),
    (13036, 999, 110083, 308, 0, 'mysqld'),
    (13360, 0, 76663, 164, 0, 'php'),
)


def event(**changes):
    base = {
        'id': 'e1',
        'kernel': '3.10.0-957.27.2.el7.x86_64',
        'kind': 'kill',
        'scope': 'global',
        'memory': {'ram_bytes': 262014 * PAGE, 'reserved_bytes': 8291 * PAGE, 'page_size_bytes': PAGE,
                   'swap_total_bytes': 0, 'swap_free_bytes': 0},
        'victims': [{'pid': 13036, 'name': 'mysqld'}],
        'tasks': [{'pid': pid, 'uid': uid, 'rss_pages': rss, 'rss_bytes': rss * PAGE, 'pgtables_bytes': tables * PAGE,
                   'swapents_pages': 0, 'oom_score_adj': adj, 'name': name}
                  for pid, uid, rss, tables, adj, name in TASKS],
    }
    base.update(changes)
    return base


def test_the_report_itself_gives_the_victim_and_score_of_its_kill_line():
    result = replay(event())
    assert (result['victim']['pid'], result['victim']['name'], result['victim']['score']) == (13036, 'mysqld', 435)
    assert result['before'] == result['victim']
    assert result['reproduces'] is True


def test_with_swap_and_mysqld_protected_php_is_the_victim():
    result = replay(event(), {'swap_bytes': 2 * GIB, 'oom_score_adj': {'mysqld': -600}})
    assert (result['victim']['pid'], result['victim']['name'], result['victim']['uid']) == (13360, 'php', 0)
    assert result['victim']['rss_bytes'] == 76663 * PAGE
    assert result['before']['name'] == 'mysqld'
    assert result['total_pages'] == 253723 + 2 * GIB // PAGE
    assert result['reason'] is None


@pytest.mark.parametrize('setting, names', [
    pytest.param(None, ['mysqld', 'php', 'polkitd', 'dockerd'], id='as reported, without pid 1 and the unkillable'),
    pytest.param({'oom_score_adj': {'mysqld': -1000}}, ['php', 'polkitd', 'dockerd'], id='-1000 takes it out'),
    pytest.param({'oom_score_adj': {'dockerd': '1000'}}, ['dockerd', 'mysqld', 'php', 'polkitd'], id='1000 is first'),
])
def test_ranking(setting, names):
    assert [row['name'] for row in replay(event(), setting)['ranking']] == names


@pytest.mark.parametrize('kernel, expected', [
    ('3.10.0-957.el7', 50), ('5.2.21', 50), ('5.3.0', 51), ('6.12.48', 51), (None, 51)])
def test_of_equals_the_kernel_kills_the_first_before_5_3_and_the_last_since(kernel, expected):
    equals = [dict(event()['tasks'][4], pid=pid) for pid in (50, 51)]
    assert replay(event(kernel=kernel, tasks=equals, victims=[]))['victim']['pid'] == expected


@pytest.mark.parametrize('scores, expected', [((0, 0), [-600, 0]), ((-900, 0), [-600, 0]), ((-9, -9), [-600, -600])])
def test_a_score_of_postgresql_reaches_its_first_process_and_those_that_inherit_it(scores, expected):
    tasks = [dict(event()['tasks'][4], name='postgres', pid=50 + number, oom_score_adj=score)
             for number, score in enumerate(scores)]
    result = replay(event(tasks=tasks, victims=[]), {'oom_score_adj': {'postgres': -600}})
    assert [row['oom_score_adj'] for row in sorted(result['ranking'], key=lambda row: row['pid'])] == expected
    assert ('only the first process (pid 50)' in result['caveat']) == (expected[1] == 0)


def test_ranking_has_at_most_five():
    tasks = [dict(event()['tasks'][2], pid=pid) for pid in range(100, 120)]
    assert len(replay(event(tasks=tasks))['ranking']) == 5


@pytest.mark.parametrize('changes, reason', [
    pytest.param(dict(trusted=False), 'not the kernel', id='forged'),
    pytest.param(dict(tasks=[]), 'no task table', id='table missing'),
    pytest.param(dict(memory=None), 'how much memory', id='memory missing'),
    pytest.param(dict(memory={'ram_bytes': None}), 'how much memory', id='memory unknown'),
    pytest.param(dict(scope='memcg', cgroup={}), 'how much memory', id='limit of the memcg missing'),
    pytest.param(dict(tasks=event()['tasks'][1:2]), 'could be killed', id='only unkillable'),
])
def test_no_victim_but_a_reason(changes, reason):
    result = replay(event(**changes), {'swap_bytes': GIB})
    assert result['victim'] is None
    assert reason in result['reason']


@pytest.mark.parametrize('changes, swap_bytes, pages', [
    pytest.param({}, None, 253723, id='managed RAM'),
    pytest.param({}, GIB, 253723 + GIB // PAGE, id='and swap'),
    pytest.param(dict(scope='memcg', cgroup={'limit_bytes': GIB}), 8 * GIB, GIB // PAGE, id='limit of a memcg'),
])
def test_total_pages(changes, swap_bytes, pages):
    assert total_pages(event(**changes), swap_bytes) == pages


def test_managed_bytes_is_null_where_ram_is():
    assert managed_bytes({'memory': None}) is None


@pytest.mark.parametrize('changes, words', [
    pytest.param(dict(victims=[{'pid': 7, 'name': 'other'}]), 'the kernel killed other (pid 7)', id='not reproduced'),
    pytest.param(dict(scope='cpuset'), 'memory nodes', id='bound to nodes'),
    pytest.param({}, 'before 5.1', id='child sacrifice'),
])
def test_caveat(changes, words):
    assert words in replay(event(**changes))['caveat']


def test_what_a_table_lacks_is_said_and_scores_that_cannot_be_are_null():
    tasks = [dict(task, swapents_pages=None) for task in event()['tasks']]
    memory = dict(event()['memory'], swap_total_bytes=GIB)
    assert 'had in swap' in replay(event(tasks=tasks, memory=memory))['caveat']
    assert replay(event(scope='memcg', cgroup={'limit_bytes': 1 << 20}))['victim']['score'] is None


def test_caveat_names_who_would_be_first_without_the_root_bonus():
    tasks = [dict(task, rss_pages=110083 - 1000) if task['name'] == 'php' else task for task in event()['tasks']]
    tasks = [dict(task, rss_pages=109000) if task['name'] == 'mysqld' else task for task in tasks]
    result = replay(event(tasks=tasks))
    assert result['victim']['name'] == 'mysqld'
    assert 'php (pid 13360) would be the victim if it runs as root without CAP_SYS_ADMIN' not in result['caveat']
    tasks = [dict(task, rss_pages=115000) if task['name'] == 'php' else task for task in tasks]
    assert 'php (pid 13360) would be the victim' in replay(event(tasks=tasks))['caveat']


@pytest.mark.parametrize('value', [-1001, 1001, 'high', None])
def test_a_value_that_no_kernel_takes_is_refused(value):
    with pytest.raises(RescueError) as error:
        replay(event(), {'oom_score_adj': {'mysqld': value}})
    assert 'mysqld' in str(error.value) and '-1000 to 1000' in str(error.value)


@pytest.mark.parametrize('swap, told, said', [
    (GIB, False, True), (GIB, True, False), (0, False, False), (0, True, False), (None, False, False)])
def test_that_a_table_tells_no_swap_is_said_where_there_was_any(swap, told, said):
    tasks = [dict(task, swapents_pages=0 if told else None) for task in event()['tasks']]
    memory = dict(event()['memory'], swap_total_bytes=swap)
    assert ('had in swap' in replay(event(tasks=tasks, memory=memory))['caveat']) is said


@pytest.mark.parametrize('kernel, said', [
    ('5.0.21', True), ('5.1.0', False), ('4.18.0-553.el8', True), ('6.12.48', False), (None, True)])
def test_a_child_that_may_have_died_in_its_place_is_said_of_kernels_before_5_1(kernel, said):
    assert ('may kill a child of the victim' in replay(event(kernel=kernel))['caveat']) is said


@pytest.mark.parametrize('changes, reproduces', [
    ({}, True), ({'victims': [{'pid': 13360, 'name': 'php'}]}, False), ({'victims': []}, None),
    ({'victims': [{'pid': 99, 'name': 'child', 'sacrificed_for': 13036}]}, True),
    ({'victims': [], 'selected': {'pid': 13036, 'name': 'mysqld'}}, True),
    ({'victims': [], 'selected': {'pid': 13360, 'name': 'php'}}, False),
], ids=['the victim', 'another', 'nobody', 'a child of it', 'selected', 'another selected'])
def test_whether_the_arithmetic_names_whom_the_kernel_killed(changes, reproduces):
    assert replay(event(**changes))['reproduces'] is reproduces
