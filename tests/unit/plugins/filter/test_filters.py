# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A filter gives what its function gives, and says in Ansible's own error what it takes if it gets something else."""

from __future__ import absolute_import, division, print_function

import glob
import importlib
import os

import pytest

pytest.importorskip('ansible')

from ansible.errors import AnsibleFilterError  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._report.reading import read_events  # noqa: E402
from conftest import ROOT, SEED  # noqa: E402

FILTERS = sorted(os.path.splitext(os.path.basename(path))[0]
                 for path in glob.glob(os.path.join(ROOT, 'plugins', 'filter', '*.py')))


def filter_of(name):
    module = importlib.import_module('ansible_collections.oom.rescue.plugins.filter.' + name)
    return module.FilterModule().filters()[name]


@pytest.fixture(scope='module', name='events')
def fixture_events():
    return read_events([SEED])['events']


@pytest.mark.parametrize('name', FILTERS)
def test_each_file_has_the_filter_of_its_name_and_its_documentation(name):
    assert callable(filter_of(name))
    assert os.path.exists(os.path.join(ROOT, 'plugins', 'filter', name + '.yml'))


def test_advise_says_what_to_do_with_the_settings_that_it_is_given(events):
    advice = filter_of('advise')({}, events)
    assert advice['setting'] == {'swap_bytes': 2 << 30, 'oom_score_adj': {'mysqld': -600}}
    other = filter_of('advise')({}, events, swap_path='/data/swap', swappiness=1, protect=-300)
    assert other['setting'] == {'swap_bytes': 2 << 30, 'oom_score_adj': {'mysqld': -300}}
    assert other['swappiness']['value'] == 1 and advice['swappiness']['value'] == 10
    assert other['swap']['size_bytes'] == advice['swap']['size_bytes']


def test_replay_names_the_victim_with_a_setting_and_without(events):
    setting = filter_of('advise')({}, events)['setting']
    assert filter_of('replay')(events[0])['victim']['name'] == 'mysqld'
    assert filter_of('replay')(events[0], setting)['victim']['name'] == 'php'


def test_judge_claims_nothing_of_remedies_that_were_not_asked_about():
    assert filter_of('judge')({}, swap=None, swappiness=None, oom_protect=None) == {'holds': True, 'claims': []}


def test_summarize_has_a_line_for_each_host_in_their_order():
    hostvars = {'web': {}, 'db': {}}
    summary = filter_of('summarize')(['web', 'db'], hostvars)
    assert [host['name'] for host in summary['hosts']] == ['web', 'db']


@pytest.mark.parametrize('name, arguments, words', [
    ('advise', (None, []), 'takes the memory facts, a dictionary, and not a NoneType'),
    ('advise', ([], []), 'takes the memory facts, a dictionary, and not a list'),
    ('advise', ({}, {}), 'takes the events of oom_log_info, a list of dictionaries'),
    ('advise', ({}, ['event']), 'takes the events of oom_log_info, a list of dictionaries'),
    ('advise', ({'ram': 7}, []), 'takes the memory facts and the events of oom_log_info'),
    ('replay', ('event',), 'takes one event of oom_log_info, a dictionary, and not a str'),
    ('replay', (None,), 'takes one event of oom_log_info, a dictionary, and not a NoneType'),
    ('summarize', (['web', 'gone'], {'web': {}}), 'knows no host gone'),
])
def test_what_it_does_not_take_is_said(name, arguments, words):
    with pytest.raises(AnsibleFilterError, match=words):
        filter_of(name)(*arguments)
