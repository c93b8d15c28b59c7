# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import copy
import json

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._facts.memory_facts import memory_facts
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host
from ansible_collections.oom.rescue.plugins.module_utils._verdict.shape import (
    DEEPEST,
    LONGEST_TEXT,
    MEMORY,
    RESULTS,
    ShapeError,
    accepted,
    cleaned,
    cleaned_json,
    misfit,
    told,
)

FACTS = {
    'ram': {'total_bytes': 1, 'available_bytes': None},
    'swap': {'total_bytes': 0, 'areas': [{'path': '/s', 'size_bytes': 1, 'used_bytes': 0, 'persisted_by': None}]},
    'swappiness': {'runtime': 60, 'after_reboot': None, 'cgroups': []},
    'oom': {'kills_since_boot': 0, 'user_space_killers': [], 'candidates': []},
    'host': {'kernel': '6.1', 'can_swapon': True},
}
EVENT = {'kind': 'kill', 'victims': [], 'tasks': [], 'source': {'path': '/l', 'line': 1}}
SWAP = {'changed': True, 'path': '/s', 'size_bytes': 1, 'actions': [], 'skipped_reason': None,
        'after': {'activation': None, 'persistence': {}}}


def changed(data, path, value):
    """A copy of ``data`` with another value at ``path``; ``del`` takes the key away."""
    data = copy.deepcopy(data)
    part = data
    for key in path[:-1]:
        part = part[key]
    if value == 'del':
        del part[path[-1]]
    else:
        part[path[-1]] = value
    return data


def nested(depth):
    data = []
    for _level in range(depth):
        data = [data]
    return data


def test_what_this_host_returns_has_the_shape():
    assert misfit(memory_facts(Host()), MEMORY, 'memory') is None


@pytest.mark.parametrize('path, value, words', [
    pytest.param(['ram'], 'del', 'memory.ram is missing', id='a part is missing'),
    pytest.param(['ram'], [], 'memory.ram is a list and not a dictionary', id='a list'),
    pytest.param(['swap', 'total_bytes'], 'del', 'memory.swap.total_bytes is missing', id='a number is missing'),
    pytest.param(['swap', 'total_bytes'], '17', 'memory.swap.total_bytes is a text and not a number', id='a text'),
    pytest.param(['swap', 'total_bytes'], True, 'memory.swap.total_bytes is yes or no and not a number', id='a bool'),
    pytest.param(['swap', 'total_bytes'], float('nan'), 'memory.swap.total_bytes is a number and not a number',
                 id='NaN'),
    pytest.param(['swap', 'areas'], {'0': {}}, 'memory.swap.areas is a dictionary and not a list', id='no list'),
    pytest.param(['swap', 'areas'], None, 'memory.swap.areas is null and not a list', id='null for a list'),
    pytest.param(['swap', 'areas', 0], 'x', 'memory.swap.areas[0] is a text and not a dictionary', id='an item'),
    pytest.param(['swap', 'areas', 0, 'path'], 7, 'memory.swap.areas[0].path is a number and not a text', id='a path'),
    pytest.param(['oom', 'candidates'], [{}], 'memory.oom.candidates[0].', id='an empty row'),
    pytest.param(['host', 'can_swapon'], 'yes', 'memory.host.can_swapon is a text and not yes or no', id='a word'),
])
def test_the_first_thing_that_is_otherwise_is_named(path, value, words):
    assert misfit(changed(FACTS, path, value), MEMORY, 'memory').startswith(words)


def test_more_than_is_relied_on_is_let_through():
    assert misfit(dict(FACTS, more={'parts': []}), MEMORY, 'memory') is None


@pytest.mark.parametrize('module, result, words', [
    pytest.param('memory_facts', {'ansible_facts': {'memory': {}}}, ' is missing', id='no facts'),
    pytest.param('memory_facts', {'ansible_facts': []}, 'memory is missing', id='facts that are a list'),
    pytest.param('memory_facts', {}, 'memory is missing', id='nothing'),
    pytest.param('oom_log_info', {'events': [], 'summary': {'events': '9'}}, 'summary.events is a text', id='a count'),
    pytest.param('oom_log_info', {'events': {}}, 'events is a dictionary and not a list', id='events'),
    pytest.param('oom_log_info', {'events': [dict(EVENT, tasks=None)]}, 'events[0].tasks is null', id='tasks'),
    pytest.param('swap_file', dict(SWAP, after=None), 'after is null and not a dictionary', id='layers'),
    pytest.param('swappiness', {'after': {}}, ' is missing', id='swappiness'),
    pytest.param('oom_score_adj', {'found': True, 'value': -600, 'actions': [], 'skipped_reason': None,
                                   'processes': [None]}, 'processes[0] is null', id='processes'),
    pytest.param('swap_file', dict(SWAP, more=nested(500)), 'nested more than %d deep' % DEEPEST, id='deep'),
    pytest.param('swap_file', dict(SWAP, size_bytes=10 ** 400), 'a number that no kernel has', id='a huge number'),
    pytest.param('swap_file', dict(SWAP, more=float('inf')), 'a number that no kernel has', id='infinity'),
])
def test_a_result_of_another_shape_is_a_failure_in_one_line(module, result, words):
    taken = accepted(module, result)
    assert taken['failed'] and taken['msg'].startswith('what it returned is not what %s returns: ' % module)
    assert words in taken['msg'] and '\n' not in taken['msg'] and len(taken['msg']) < 200
    assert sorted(taken) == ['changed', 'failed', 'msg']


@pytest.mark.parametrize('module, result', [
    ('memory_facts', {'ansible_facts': {'memory': FACTS}}),
    ('oom_log_info', {'events': [EVENT], 'summary': {}}),
    ('swap_file', SWAP),
    ('swap_file', {'failed': True, 'msg': 'no room'}),
    ('swappiness', {'skipped': True}),
])
def test_a_result_as_it_should_be_is_taken_whole(module, result):
    assert accepted(module, result) == result


@pytest.mark.parametrize('module', sorted(RESULTS))
@pytest.mark.parametrize('facts', [
    {'report_dir': '/etc', 'diagnose_controller_logs': ['/etc/passwd']}, {'ansible_facts': {'memory': {}}},
    {'lookup': 1, 'now': 1, 'hostvars': {}, 'inventory_hostname': 'db1'}, {'verify_result': {'claims': []}}])
def test_no_fact_is_taken_but_the_memory(module, facts):
    kept = accepted(module, {'failed': True, 'msg': 'x', 'ansible_facts': dict(facts, memory=FACTS)})
    assert kept.get('ansible_facts', {}) == (
        {'memory': FACTS} if module in (
            'ask_remedies', 'memory_facts', 'oom_log_info', 'rescue_info') else {})


@pytest.mark.parametrize('key', ['ansible_delegated_vars', 'ansible_notify', 'unreachable'])
def test_no_word_to_ansible_is_taken(key):
    assert accepted('swap_file', dict(SWAP, **{key: True})) == SWAP


@pytest.mark.parametrize('result', [
    dict(SWAP, warnings='x'), dict(SWAP, deprecations={}), dict(SWAP, warnings=5, deprecations=None)])
def test_warnings_that_are_no_list_are_left_out(result):
    assert accepted('swap_file', result) == SWAP


@pytest.mark.parametrize('key, value, shown', [
    ('msg', u'no room\nok: [prod-db1]', u'no room ok: [prod-db1]'),
    ('warnings', [u'a\nok: [prod-db1]'], [u'a ok: [prod-db1]']),
    ('deprecations', [{'msg': u'a\nb'}], [{'msg': u'a b'}]),
    ('exception', u'Traceback\n  File x\nok: [prod-db1]', u'  Traceback\n  File x\n  ok: [prod-db1]'),
    ('diff', {'prepared': u'a\nok: [prod-db1]\n'}, [{'prepared': u'  a\n  ok: [prod-db1]\n'}]),
    ('diff', [{'before': u'a\n', 'after': u'b\n', 'before_header': u'/etc/x\nok: [prod-db1]', 'other': 1}],
     [{'before': u'a\n', 'after': u'b\n', 'before_header': u'/etc/x?ok: [prod-db1]'}]),
    ('diff', [u'ok: [prod-db1]', None], []),
])
def test_nothing_is_shown_as_a_line_of_ansibles_own(key, value, shown):
    once = told({key: value})
    assert once == {key: shown} and told(once) == once


def test_all_text_is_plain_and_bounded_in_whatever_it_is():
    taken = cleaned({u'k\x1b': [u'a\u202eb', {u'x': u'--- a\n+\x07'}], u'long': u'x' * (LONGEST_TEXT + 9)})
    assert taken == {u'k?': [u'a?b', {u'x': u'--- a\n+?'}], u'long': u'x' * LONGEST_TEXT + u'...'}


@pytest.mark.slow
def test_too_many_values_are_refused():
    with pytest.raises(ShapeError):
        cleaned([[0] * 1000] * 4000)


@pytest.mark.parametrize('text, told', [
    (u'a\x1b[2J', u'a?[2J'), (u'\u202e\u2028\x85', u'???'), (u'a\\u001b', u'a\\u001b'), (u'"\t\n\xe9', u'"\t\n\xe9'),
    (u'\b\f\r', u'???'), (u'\ud800', u'?')])
@pytest.mark.parametrize('escaped', [True, False])
def test_json_is_cleaned_before_it_is_read(text, told, escaped):
    written = json.dumps({u'k': text}, ensure_ascii=escaped)
    assert json.loads(cleaned_json(written)) == {u'k': told}


def test_a_plan_that_a_node_shows_as_it_is_begins_no_line_of_ansibles():
    shown = told({'diff': {'prepared': 'file create: /swapfile\nok: [prod-db1]\n'}})['diff'][0]['prepared']
    assert shown == '  file create: /swapfile\n  ok: [prod-db1]\n'
