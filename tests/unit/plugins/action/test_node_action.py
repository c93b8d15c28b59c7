# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module printed on a node, before Ansible looks at it."""

from __future__ import absolute_import, division, print_function

import importlib
import json
import types

import pytest

pytest.importorskip('ansible')

from ansible.errors import AnsibleActionFail  # noqa: E402
from ansible.plugins.action import ActionBase  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._verdict import shape  # noqa: E402

node_action = pytest.importorskip('ansible_collections.oom.rescue.plugins.plugin_utils.node_action')

MOST = 1 << 20


def told(output, most=MOST):
    return node_action.told_output(output, most)


@pytest.mark.parametrize('result', [
    {'changed': False}, {'msg': u'a \u00e9 \U0001f600 "\\'}, {'a': [1, 2.5, None, True, {'b': u'c\nd\te'}]}])
@pytest.mark.parametrize('escaped', [True, False])
def test_an_honest_answer_is_itself(result, escaped):
    assert json.loads(told(json.dumps(result, ensure_ascii=escaped))) == result


@pytest.mark.parametrize('text, plain', [
    (u'\x1b[2J\u202e\u2028', u'?[2J??'), (u'\ud800', u'?'), (u'a\r\nb', u'a\nb')])
@pytest.mark.parametrize('escaped', [True, False])
@pytest.mark.parametrize('result', [
    lambda text: {u'k': text}, lambda text: {text: 1}, lambda text: {u'k': [{u'l': text}]}
], ids=['a value', 'a key', 'within'])
def test_an_answer_is_cleaned_whether_it_is_escaped_or_not(result, text, plain, escaped):
    if u'\n' in text and text in result(text):
        plain = plain.replace(u'\n', u'?').replace(u'a?b', u'a??b')
    assert json.loads(told(json.dumps(result(text), ensure_ascii=escaped))) == result(plain)


def test_what_ends_a_line_for_python_alone_hides_no_word_to_ansible():
    shown = told(json.dumps({u'_ansible_x\u2028\nok: [db]': 1, u'k': u'\u2028'}, ensure_ascii=False))
    assert json.loads(shown) == {u'k': u'?'}


def test_what_is_too_large_is_not_looked_at():
    said = json.loads(told(json.dumps({'k': 'x' * MOST})))
    assert said['failed'] and '%d characters, and at most %d are read' % (MOST + 9, MOST) in said['msg']
    assert node_action.MOST_OF_OTHERS < 15 << 20


@pytest.mark.parametrize('output', [
    'no JSON', '', '{', '[]', 'null', '"x"', '{"a": 1}}', '\x1b[2J{', '\nok: [prod-db1]\n',
    '{"k": %s1}' % ('[' * 90000)])
def test_what_is_no_result_is_plain_and_short(output):
    shown = told(output)
    assert '\x1b' not in shown and len(shown) <= 1 << 16


def test_of_a_module_that_died_its_traceback_is_shown():
    died = 'Traceback (most recent call last):\n' + '  File "x.py", line 1\n' * 100 + 'MemoryError'
    assert told(died) == died


@pytest.mark.parametrize('result, words', [
    ('[%s]' % ','.join(['0'] * 2000), 'values'), ('1e999', 'no kernel has'),
    ('%s1%s' % ('[' * 60, ']' * 60), 'nested')])
def test_an_answer_of_another_shape_is_refused_at_once(monkeypatch, result, words):
    monkeypatch.setattr(shape, 'MOST_VALUES', 1999)
    shown = json.loads(told('{"k": %s}' % result, 64 << 20))
    assert shown['failed'] and words in shown['msg'] and sorted(shown) == ['failed', 'msg']


@pytest.mark.parametrize('key, row', [('warnings', 'x'), ('deprecations', {'msg': 'x'}), ('diff', {'prepared': 'x'})])
def test_of_words_to_ansible_no_more_is_taken_than_a_host_has(key, row):
    assert 100 < len(json.loads(told(json.dumps({key: [row] * 50000}), 64 << 20))[key]) < 10000


def test_a_module_that_is_asked_for_as_async_is_refused():
    # The words are those of cores before 2.18, and of later ones.
    names = ('memory_facts', 'oom_log_info', 'oom_score_adj', 'swap_file', 'swappiness')
    for name in names:
        plugin = importlib.import_module('ansible_collections.oom.rescue.plugins.action.' + name).ActionModule
        action = plugin.__new__(plugin)
        action._task = types.SimpleNamespace(async_val=30, check_mode=False, action='oom.rescue.' + name, args={})
        with pytest.raises(AnsibleActionFail, match='async is not supported|does not support async'):
            ActionBase.run(action)
