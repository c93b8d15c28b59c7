# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which remedies are applied: for an incident, by the rule, or as they were asked for."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._verdict.choice import (
    choose,
    happened,
    left_out_by_tags,
    only_read,
)

SWAP, ALL = (('size_bytes', 1 << 30),), ['oom_protect', 'swap', 'swappiness']


def diagnosis(report=None, swap=SWAP, was_memory=None):
    return {'advice': {'report': report, 'swap': swap and dict(swap), 'swappiness': swap and {'value': 10}},
            'verdict': was_memory and {'was_memory': was_memory}}


@pytest.mark.parametrize('found, expected', [
    ({}, False), (diagnosis(), False), (diagnosis(report='x'), True), (diagnosis(was_memory='yes'), True),
    (diagnosis(was_memory='no'), False), (diagnosis(was_memory='unknown'), False),
])
def test_a_shortage_is_a_report_or_a_verdict_that_it_was_memory(found, expected):
    assert happened(found) is expected


@pytest.mark.parametrize('found, asked, by_rule, applied', [
    pytest.param(diagnosis(), {}, False, [], id='nothing happened'),
    pytest.param(diagnosis(was_memory='no'), {}, False, [], id='a disk was full'),
    pytest.param(diagnosis(), {}, True, ALL, id='by the rule'),
    pytest.param(diagnosis(report='x'), {}, False, ALL, id='a shortage'),
    pytest.param(diagnosis(), {'swap': ['swap_size']}, False, ['swap'], id='one was asked for'),
    pytest.param(diagnosis(report='x', swap=None), {}, False, ['oom_protect'], id='swap is advised against'),
    pytest.param(diagnosis(report='x', swap=None), {'swap': ['swap_size']}, False, ['oom_protect', 'swap'],
                 id='and was asked for all the same'),
])
def test_what_is_applied(found, asked, by_rule, applied):
    chosen = choose(found, asked, by_rule)
    assert sorted(name for name, row in chosen.items() if row['applied']) == applied


@pytest.mark.parametrize('found, asked, why', [
    (diagnosis(), {}, 'healthy'), (diagnosis(report='x', swap=None), {}, 'advised_against'),
    (diagnosis(report='x'), {'swap': ['swap_size']}, 'asked'), (diagnosis(report='x'), {}, 'incident'),
])
def test_why_it_was_chosen_or_not(found, asked, why):
    assert choose(found, asked)['swap']['why'] == why


def row(name, effect, by_rule=False, goes_with=None, forbidden_by=()):
    return {'name': name, 'effect': effect, 'by_rule': by_rule, 'goes_with': goes_with, 'why': 'x',
            'forbidden_by': [{'id': one, 'where': '/', 'text': 'x'} for one in forbidden_by]}


def test_what_a_host_forbids_is_left_to_the_role_that_says_what_lifts_it():
    found = dict(diagnosis(report='x'), remedies=[row('swap', 'delays', forbidden_by=['kubelet'])])
    assert choose(found, {})['swap']['applied']


@pytest.mark.parametrize('effects, applied', [
    pytest.param(('delays', 'prevents'), ALL, id='both help'),
    pytest.param(('none', 'prevents'), ['oom_protect'], id='swap does nothing'),
    pytest.param(('delays', 'harms'), ['swap', 'swappiness'], id='the score would make it worse'),
    pytest.param(('unknown', 'none'), [], id='nothing is known to help'),
])
def test_an_incident_gets_what_would_have_helped_it(effects, applied):
    swap, score = effects
    found = dict(diagnosis(report='x'), remedies=[
        row('score', score), row('swap', swap), row('swappiness', 'none', goes_with='swap')])
    chosen = choose(found, {})
    assert sorted(name for name, one in chosen.items() if one['applied']) == applied


SET, WISH = {'set': True, 'asked': {}}, {'set': True, 'asked': {'swap_size': '256M'}}
TWO = {'set': True, 'asked': {'swap_files': [{'path': '/a', 'size': '1G'}, {'path': '/b', 'active': False}]}}


@pytest.mark.parametrize('found, asked, kept, why, values', [
    pytest.param(diagnosis(), [], SET, 'kept', {}, id='what was set by the rule, on a host that is healthy now'),
    pytest.param(diagnosis(), [], WISH, 'kept', {'swap_size': '256M'}, id='what was asked for'),
    pytest.param(diagnosis(report='x'), [], SET, 'incident', {}, id='a shortage since'),
    pytest.param(diagnosis(report='x'), [], WISH, 'kept', {'swap_size': '256M'}, id='a shortage, and a wish'),
    pytest.param(diagnosis(report='x', swap=None), [], SET, 'kept', {}, id='a report of a cgroup since'),
    pytest.param(diagnosis(), ['swap_size'], WISH, 'asked', {}, id='asked anew'),
    pytest.param(diagnosis(), ['swap_path'], WISH, 'asked', {'swap_size': '256M'}, id='asked of the rest'),
    pytest.param(diagnosis(), [], TWO, 'kept', TWO['asked'], id='two files'),
    pytest.param(diagnosis(), ['swap_size'], TWO, 'asked', {}, id='two files, and a variable that is of one'),
    pytest.param(diagnosis(), ['swap_files'], WISH, 'asked', {}, id='two files in place of one'),
    pytest.param(diagnosis(), [], {'set': False, 'asked': {'swap_files': [{'path': '/a', 'state': 'absent'}]}},
                 'healthy', {}, id='a file with what no run of ours keeps'),
    pytest.param(diagnosis(), [], None, 'healthy', {}, id='records that cannot be read'),
    pytest.param(diagnosis(), [], {'set': False, 'asked': {'rescue_by_rule': True, 'swap_size': {'a': 1}}}, 'healthy',
                 {}, id='what no run of ours keeps'),
])
def test_what_was_set_before_is_kept(found, asked, kept, why, values):
    row = choose(found, {'swap': asked}, kept={'swap': kept})['swap']
    assert (row['why'], row['kept']) == (why, values)


def test_a_server_that_is_named_takes_the_place_of_the_one_that_was():
    kept = {'oom_protect': {'set': True, 'asked': {'oom_protect_unit': ['db'], 'oom_protect_value': -300}}}
    row = choose(diagnosis(), {'oom_protect': ['oom_protect_process']}, kept=kept)['oom_protect']
    assert row['kept'] == {'oom_protect_value': -300}


@pytest.mark.parametrize('run, skip, left_out, reads', [
    (['all'], [], [], False),
    (['mine'], [], [], False),
    (['swap'], [], ['oom_protect', 'swappiness'], False),
    (['swap', 'swappiness', 'verify'], ['swap'], ['oom_protect', 'swap'], False),
    (['verify'], ['oom_protect'], ['oom_protect'], False),
    (['diagnose', 'report'], [], ALL, True),
    (['diagnose', 'mine'], [], [], False),
])
def test_tags_leave_out_the_remedies_that_a_run_is_not_meant_for(run, skip, left_out, reads):
    assert sorted(left_out_by_tags(run, skip)) == left_out
    assert only_read(run) is reads


@pytest.mark.parametrize('found, asked, left_out, why', [
    ({}, {}, (), 'not_diagnosed'), ({}, {'swap': ['swap_size']}, (), 'asked'),
    (diagnosis(report='x'), {'swap': ['swap_size']}, ['swap'], 'left_out'),
])
def test_a_remedy_may_be_left_out_or_not_be_known(found, asked, left_out, why):
    assert choose(found, asked, left_out=left_out)['swap']['why'] == why
