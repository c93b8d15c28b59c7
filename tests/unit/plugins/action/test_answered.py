# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a playbook was told before its first change is not asked again, unless it may be otherwise by now."""

from __future__ import absolute_import, division, print_function

import pytest

pytest.importorskip('ansible')

answered = pytest.importorskip('ansible_collections.oom.rescue.plugins.plugin_utils.answered')
alone = pytest.importorskip('ansible_collections.oom.rescue.plugins.plugin_utils.alone')

ASKED = {'swap': {'size': '2G'}, 'swappiness': {'value': 10}}
# The same as the modules have it, in other words.
SWAP = {'size': '2G', 'path': '/swapfile', 'persist': 'auto', 'active': 'yes', 'allocate': 'auto'}
FACTS = {'ram': {}}


def variables(swap=False, swappiness=False, **more):
    result = {'swap': {'changed': swap, 'path': '/swapfile'}, 'swappiness': {'changed': swappiness},
              'oom_protect': None, 'changed': False}
    return dict({answered.ASKS_FIRST: True, answered.ASKED: answered.kept(result, 'this play', ASKED),
                 'ansible_facts': {'memory': FACTS}}, **more)


def swap_of(known, options=None, check_mode=False, play='this play'):
    return answered.answer('swap_file', SWAP if options is None else options, play, known, check_mode)


@pytest.mark.parametrize('known, check_mode, told', [
    (variables(), False, True), (variables(swap=True), True, True), (variables(swap=True), False, False),
    (variables(swappiness=True), False, False),
], ids=['nothing to do', 'check mode', 'swap to make', 'another remedy to apply'])
def test_a_remedy_is_not_run_where_nothing_can_have_changed_since_it_was_asked(known, check_mode, told):
    found = swap_of(known, check_mode=check_mode)
    assert (found is not None) == told
    assert found in (None, known[answered.ASKED]['swap'])


@pytest.mark.parametrize('options', [
    dict(SWAP, size='4G'), dict(SWAP, state='absent'), dict(SWAP, state='restored', recorded=True),
    dict(SWAP, path='/other'), dict(SWAP, allocate='write'), dict(SWAP, override=['kubelet']), dict(SWAP, sise='2G')])
def test_a_remedy_with_other_options_is_run(options):
    assert swap_of(variables(), options) is None


@pytest.mark.parametrize('known', [
    {}, variables(**{answered.ASKS_FIRST: False}), variables(**{answered.ASKED: 'x'}),
    variables(**{answered.ASKED: {'failed': True, 'play': 'this play', 'msg': 'x'}}),
    variables(**{answered.ASKED: {'play': 'this play', 'options': ASKED, 'swap': None}}),
], ids=['no question', 'a role by itself', 'no result', 'a failure', 'a remedy without an answer'])
def test_a_remedy_is_run_without_an_answer(known):
    assert swap_of(known) is None


def test_an_answer_of_another_play_is_none():
    assert swap_of(variables(), play='the next play') is None


def test_a_remedy_that_was_not_asked_is_run():
    assert answered.answer('oom_score_adj', {'process': ['mysqld']}, 'this play', variables(), False) is None


@pytest.mark.parametrize('known, options, told', [
    (variables(), dict(ASKED, with_facts=True), True),
    (variables(swap=True), dict(ASKED, with_facts=True), False),
    (variables(), ASKED, False),
    (variables(), dict(ASKED, with_facts=True, swap={'size': '4G'}), False),
    (variables(ansible_facts={}), dict(ASKED, with_facts=True), False),
], ids=['nothing changed', 'something was to do', 'the first question', 'another one', 'no facts'])
def test_the_proof_takes_the_first_answer_where_nothing_was_to_do(known, options, told):
    found = answered.answer('ask_remedies', options, 'this play', known, False)
    assert (found is not None) == told
    if told:
        assert found['ansible_facts'] == {'memory': FACTS} and found['swap'] == known[answered.ASKED]['swap']


def of_the_diagnosis(options=None, play='this play', **more):
    asked = {'swap': {'changed': True}, 'swappiness': {'changed': True}, 'oom_protect': None, 'play': play,
             'options': {'swap': SWAP, 'swappiness': {'value': '10'}} if options is None else options}
    return dict({answered.ASKS_FIRST: True, answered.READ: {'asked': asked}, 'ansible_facts': {'memory': FACTS}},
                **more)


@pytest.mark.parametrize('known, options, told', [
    (of_the_diagnosis(), ASKED, True),
    (of_the_diagnosis(), dict(ASKED, with_facts=True), True),
    (of_the_diagnosis(), dict(ASKED, swap={'size': '4G'}), False),
    (of_the_diagnosis(), {'swap': {'size': '2G'}}, False),
    (of_the_diagnosis(), dict(ASKED, oom_protect={'process': ['mysqld']}), False),
    (of_the_diagnosis(options={'swap': SWAP}), ASKED, False),
    (of_the_diagnosis(options={}), {}, True),
    (of_the_diagnosis(options='x'), ASKED, False),
    (of_the_diagnosis(play='another'), ASKED, False),
    (of_the_diagnosis(ansible_facts={}), dict(ASKED, with_facts=True), False),
    (of_the_diagnosis(**{answered.READ: {'asked': None}}), ASKED, False),
    (of_the_diagnosis(**{answered.READ: 'x'}), ASKED, False),
    (of_the_diagnosis(**{answered.ASKS_FIRST: False}), ASKED, False),
    (dict(of_the_diagnosis(), **variables(swap=True)), dict(ASKED, with_facts=True), False),
], ids=['the same in other words', 'with the facts', 'another size', 'one less', 'one more', 'one was not asked',
        'nothing to ask', 'no options', 'another play', 'no facts', 'it refused', 'no diagnosis', 'a role by itself',
        'a change after the question'])
def test_the_question_takes_the_answer_that_the_diagnosis_had(known, options, told):
    found = answered.answer('ask_remedies', options, 'this play', known, False)
    assert (found is not None) == told
    if told:
        assert found['swap'] == {'changed': True} and found['play'] == 'this play'
        # A remedy that is run after that takes it by the options that were asked for.
        assert found['options'] == dict.fromkeys(('swap', 'swappiness', 'oom_protect'), None) | {
            name: value for name, value in options.items() if name != 'with_facts'}
        assert found.get('ansible_facts') == ({'memory': FACTS} if options.get('with_facts') else None)


def test_no_other_module_takes_the_answer_that_the_diagnosis_had():
    assert answered.answer('swap_file', SWAP, 'this play', of_the_diagnosis(), True) is None


PROCESSES = [{'recreate_required': 'create it with --oom-score-adj -600'}, {'recreate_required': None}] * 2


@pytest.mark.parametrize('module, result, said', [
    ('swap_file', {'skipped_reason': None}, []),
    ('swap_file', {'skipped_reason': 'a container'}, ['swap was left alone: a container']),
    ('swappiness', {'skipped_reason': 'a container'}, ['vm.swappiness was left alone: a container']),
    ('swap_file', {'failed': True, 'msg': 'x'}, []),
    ('oom_score_adj', {'found': True, 'skipped_reason': None, 'processes': PROCESSES},
     ['create it with --oom-score-adj -600']),
    ('oom_score_adj', {'found': False, 'skipped_reason': None, 'processes': []},
     ['nothing to protect: no such process, and no unit of that name, on this host']),
])
def test_a_role_by_itself_says_what_no_summary_says(module, result, said):
    assert alone.unsaid(module, result) == said


def test_where_a_remedy_is_taken_back_nothing_has_to_be_there():
    assert alone.unsaid('oom_score_adj', {'found': False, 'skipped_reason': None, 'processes': []}, undone=True) == []
