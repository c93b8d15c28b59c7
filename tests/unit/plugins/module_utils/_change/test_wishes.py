# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was asked of a remedy is kept on the node, until it is asked otherwise or undone."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._change.record import State
from ansible_collections.oom.rescue.plugins.module_utils._change.wishes import kept, remember
from ansible_collections.oom.rescue.plugins.module_utils._files.host import DIRECTORY
from fake_node import Node

SWAP = {'state': 'present', 'path': '/swapfile', 'size': 'auto', 'active': True, 'priority': None,
        'expected_peak': None, 'reserve': '1G'}
SCORE = {'state': 'present', 'process': ['mysqld'], 'unit': None, 'container': None, 'pid_file': None, 'value': -600}


@pytest.fixture(name='host')
def fixture_host(tmp_path):
    return Node(tmp_path).host


@pytest.mark.parametrize('remedy, options, asked', [
    ('swap', SWAP, {}),
    ('swap', dict(SWAP, size='256M', path='/data/swap'), {'swap_size': '256M', 'swap_path': '/data/swap'}),
    ('swap', dict(SWAP, active=False, priority=0), {'swap_active': False, 'swap_priority': 0}),
    ('swappiness', {'state': 'present', 'value': 10}, {}),
    ('swappiness', {'state': 'present', 'value': 0}, {'swappiness_value': 0}),
    ('oom_protect', SCORE, {}),
    ('oom_protect', dict(SCORE, process=None, unit=['db']), {'oom_protect_unit': ['db']}),
    ('oom_protect', dict(SCORE, process=['a', 'b'], value='auto'), {
        'oom_protect_process': ['a', 'b'], 'oom_protect_value': 'auto'}),
])
def test_what_differs_from_the_defaults_is_kept_as_the_role_s_variables(host, remedy, options, asked):
    remember(host, remedy, options)
    assert kept(host)[remedy] == {'set': False, 'asked': asked}
    assert host.exists(DIRECTORY) is bool(asked)


@pytest.mark.parametrize('options', [SWAP, dict(SWAP, state='absent', size='1G'), dict(SWAP, state='restored')])
def test_the_defaults_and_an_undo_forget_it_and_leave_nothing(host, options):
    remember(host, 'swap', dict(SWAP, size='256M'))
    remember(host, 'swap', options)
    assert kept(host)['swap']['asked'] == {} and not host.exists(DIRECTORY)


def record(**more):
    return dict({'existed': False, 'active': False, 'fstab_lines': [], 'fstab_existed': True, 'size_bytes': None,
                 'mode': None, 'uid': None, 'gid': None, 'priority': None}, **more)


def test_all_files_that_were_made_or_asked_for_are_kept_those_of_a_given_size_first(host):
    remember(host, 'swap', dict(SWAP, path='/d/two', size='1G'), '/data/two')
    State(host, 'swap').put('/data/two', record())
    assert kept(host)['swap'] == {'set': True, 'asked': {'swap_path': '/d/two', 'swap_size': '1G'}}
    State(host, 'swap').put('/swapfile', record())
    assert kept(host)['swap'] == {'set': True, 'asked': {'swap_files': [
        {'path': '/d/two', 'size': '1G'}, {'path': '/swapfile'}]}}
    remember(host, 'swap', dict(SWAP, path='/data/two', state='restored'), '/data/two')
    State(host, 'swap').forget('/data/two')
    assert kept(host)['swap'] == {'set': True, 'asked': {}}


def test_a_file_that_its_record_alone_names_is_kept_where_it_is(host):
    State(host, 'swap').put('/data/two', record())
    assert kept(host)['swap'] == {'set': True, 'asked': {'swap_path': '/data/two'}}


def test_one_remedy_s_wish_outlives_another_s(host):
    remember(host, 'swap', dict(SWAP, size='256M'))
    remember(host, 'swappiness', {'state': 'present', 'value': 20})
    remember(host, 'swap', SWAP)
    assert [kept(host)[remedy]['asked'] for remedy in ('swap', 'swappiness')] == [{}, {'swappiness_value': 20}]


def test_a_remedy_is_set_while_its_record_is_there_with_or_without_a_wish(host):
    State(host, 'oom_score_adj').put('process:mysqld', {'value': -600, 'live': [], 'files': {}, 'managers': {}})
    assert kept(host)['oom_protect'] == {'set': True, 'asked': {}}
    assert kept(host)['swap'] == {'set': False, 'asked': {}}


@pytest.mark.parametrize('text', ['[]', 'x', '{"swap:/swapfile": 7}'])
def test_a_broken_wish_keeps_nothing_and_is_no_failure(host, text):
    host.make_directory(DIRECTORY, 0o700)
    host.replace(DIRECTORY + '/asked.json', text, 0o600)
    assert (kept(host)['swap'] or {}).get('asked', {}) == {}


def test_a_directory_that_others_may_write_to_keeps_nothing(host):
    remember(host, 'swap', dict(SWAP, size='256M'))
    os.chmod(host.path(DIRECTORY), 0o777)
    assert kept(host)['swap'] is None
