# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module makes of its arguments: what it refuses, in which words, and what check mode, a run and another do."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import importlib
import os

import pytest

pytest.importorskip('ansible')

from ansible_collections.oom.rescue.plugins.module_utils._verdict import log_info  # noqa: E402
from conftest import FIXTURES, SEED  # noqa: E402
from fake_node import seed_node  # noqa: E402
from fake_sysctl_node import bookworm  # noqa: E402
from run_module import MODULES, Host, load, run  # noqa: E402
from test_returned import swap_node  # noqa: E402

REMEDIES = {
    'swappiness': (bookworm, {'value': 10}),
    'oom_score_adj': (seed_node, {'process': 'mysqld'}),
    'swap_file': (swap_node, {'size': '2M', 'reserve': '0'}),
}
READS = {'oom_log_info': {'paths': [SEED]}, 'ask_remedies': {'with_facts': True}, 'oom_watch': {'src': SEED},
         'rescue_info': {'diagnosis': {'paths': [SEED]}, 'by_rule': True, 'remedies': {'swap': {'reserve': '0'}}}}


def actions(result):
    return [(step['layer'], step['action'], step['detail']) for step in result['actions']]


def files(root):
    """{path: content or target} of all below a directory."""
    found = {}
    for parent, _folders, names in os.walk(str(root)):
        for path in (os.path.join(parent, name) for name in names):
            if os.path.islink(path):
                found[path] = os.readlink(path)
            else:
                with open(path, 'rb') as stream:
                    found[path] = stream.read()
    return found


@pytest.mark.parametrize('name, arguments, words', [
    ('swappiness', {}, 'state is present but all of the following are missing: value'),
    ('swappiness', {'value': 0}, 'allow_zero'),
    ('swappiness', {'value': 500}, 'value 500 is out of range: this kernel takes 0 to 200'),
    ('swappiness', {'value': -1}, 'value -1 is out of range'),
    ('swappiness', {'value': 'low'}, 'value'),
    ('swappiness', {'value': 10, 'conflicts': 'win'}, 'conflicts'),
    ('oom_score_adj', {}, 'one of the following is required: process, unit, container, pid_file'),
    ('oom_score_adj', {'process': 'mysqld', 'unit': 'mysqld'}, 'mutually exclusive'),
    ('oom_score_adj', {'process': 'mysqlld', 'allow_missing': False}, 'process: mysqlld is not on this host'),
    ('oom_score_adj', {'process': ['mysqld', 'mysqlld'], 'allow_missing': False}, 'process: mysqlld is not on'),
    ('oom_score_adj', {'unit': 'mysqlld', 'allow_missing': False}, 'unit: mysqlld is not on this host'),
    ('oom_score_adj', {'container': 'shop', 'allow_missing': False}, 'container: shop is not on this host'),
    ('oom_score_adj', {'pid_file': '/run/mysqlld.pid', 'allow_missing': False}, '/run/mysqlld.pid is not on this host'),
    ('oom_score_adj', {'process': 'mysqld', 'value': 'low'}, 'give -1000 to 1000, or auto'),
    ('oom_score_adj', {'process': 'mysqld', 'value': '-2000'}, 'value -2000 is out of range'),
    ('oom_score_adj', {'process': 'mysqld', 'value': '1001'}, 'value 1001 is out of range'),
    ('oom_score_adj', {'process': 'mysqld', 'value': '-1000'}, 'allow_unkillable'),
    ('swap_file', {'size': 'many'}, "size: 'many' is not a size"),
    ('swap_file', {'reserve': 'much'}, "reserve: 'much' is not a size"),
    ('swap_file', {'demand': 'more'}, "demand: 'more' is not a size"),
    ('swap_file', {'expected_peak': 'high'}, "expected_peak: 'high' is not a size"),
    ('swap_file', {'priority': 32768}, 'priority: 32768 is not from 0 to 32767'),
    ('swap_file', {'priority': -1}, 'priority: -1 is not from 0 to 32767'),
    ('swap_file', {'path': 'swapfile'}, 'swapfile is not absolute'),
    ('swap_file', {'path': '/etc'}, '/etc is a directory'),
    ('ask_remedies', {'swappiness': {}}, 'state is present but all of the following are missing: value'),
    ('ask_remedies', {'swappiness': {'value': 'low'}}, 'cannot be converted to an int'),
    ('ask_remedies', {'swap': {'path': '/etc', 'way': 1}}, 'way. Supported parameters include'),
    ('ask_remedies', {'swappiness': {'value': 500}}, 'value 500 is out of range: this kernel takes 0 to 200'),
    ('ask_remedies', {'oom_protect': {'process': 'mysqlld', 'allow_missing': False}}, 'mysqlld is not on this host'),
    ('rescue_info', {'diagnosis': {'limit': -1}}, 'limit is -1: give 0 for all, or a count'),
    ('rescue_info', {'diagnosis': {'pathes': []}}, 'pathes. Supported parameters include'),
    ('rescue_info', {'left_out': ['score']}, 'value of left_out must be one or more of: swap, swappiness, oom_protect'),
    ('ask_remedies', {'candidates': -1, 'with_facts': True}, 'candidates is -1: give 0 for all, or how many'),
    ('oom_log_info', {'candidates': -1}, 'candidates is -1: give 0 for all'),
    ('memory_facts', {'candidates': -1}, 'candidates is -1: give 0 for all, or how many'),
    ('oom_log_info', {'limit': -1}, 'limit is -1: give 0 for all'),
    ('oom_log_info', {'tasks': -1}, 'tasks is -1: give 0 for all'),
    ('oom_log_info', {'since': 'yesterday'}, "since is 'yesterday': give an ISO 8601 time"),
    ('oom_log_info', {'until': 'noon'}, "until is 'noon': give an ISO 8601 time"),
    ('oom_log_info', {'paths': ['/no/such/log']}, '/no/such/log does not exist'),
    ('oom_log_info', {'sources': ['paper']}, 'paper'),
])
def test_what_cannot_be_is_refused_in_one_line_and_changes_nothing(name, arguments, words, tmp_path):
    node = REMEDIES.get(name, [seed_node])[0](tmp_path)
    before = files(tmp_path)
    result = run(name, node.host, **arguments)
    assert words in result['msg'] and '\n' not in result['msg']
    assert files(tmp_path) == before


@pytest.mark.parametrize('name', sorted(REMEDIES))
def test_who_is_not_root_is_told_to_become_it_before_anything_changes(name, tmp_path):
    make, arguments = REMEDIES[name]
    node = make(tmp_path)
    before = files(tmp_path)
    assert 'run this task with become' in run(name, node.host, uid=1000, **arguments)['msg']
    assert files(tmp_path) == before


@pytest.mark.parametrize('name', sorted(REMEDIES))
def test_check_mode_changes_nothing_and_says_a_change(name, tmp_path):
    make, arguments = REMEDIES[name]
    node = make(tmp_path)
    before = files(tmp_path)
    result = run(name, node.host, check=True, **arguments)
    assert result['changed'] and actions(result) and result['skipped_reason'] is None
    assert files(tmp_path) == before
    assert run(name, node.host, check=True, **arguments)['actions'] == result['actions']


@pytest.mark.parametrize('name', ['memory_facts', 'oom_log_info', 'rescue_info'])
def test_what_only_reads_reads_in_check_mode_as_well(name, tmp_path):
    node = seed_node(tmp_path)
    told, checked = (run(name, node.host, check=check, **READS.get(name, {})) for check in (False, True))
    assert 'skipped' not in checked and sorted(checked) == sorted(told)
    if name == 'oom_log_info':
        assert checked['events'] == told['events'] != []


# What the kernel makes of a swap file is seen in tests/integration/swap.
@pytest.mark.parametrize('name', ['oom_score_adj', 'swappiness'])
def test_a_run_does_what_check_mode_said_another_does_nothing_and_absent_brings_all_back(name, tmp_path):
    make, arguments = REMEDIES[name]
    node = make(tmp_path)
    before = files(tmp_path)
    planned = run(name, node.host, check=True, **arguments)
    done = run(name, node.host, **arguments)
    assert done['changed'] and actions(done) == actions(planned) and done['diff'] == planned['diff']
    assert files(tmp_path) != before
    again = run(name, node.host, **arguments)
    assert not again['changed'] and again['actions'] == [] and again['diff'] == []
    gone = run(name, node.host, state='absent', **arguments)
    assert gone['changed']
    left = files(tmp_path)
    assert {path: left.get(path) for path in before} == before
    assert not [path for path in left if path not in before and '/var/lib/' not in path and '/run/' not in path]
    assert not run(name, node.host, state='absent', **arguments)['changed']


@pytest.mark.parametrize('arguments, found, score', [
    ({'process': 'mysqld'}, True, -600),
    ({'process': 'mysqld', 'value': '-300'}, True, -300),
    ({'process': 'mysqld', 'value': '500'}, True, 500),
    ({'container': 'mysql'}, True, -600),
    ({'process': 'postgres'}, False, -600),
])
def test_the_score_asked_for_is_the_one_returned_and_planned(arguments, found, score, tmp_path):
    result = run('oom_score_adj', seed_node(tmp_path).host, check=True, **arguments)
    assert (result['found'], result['value'], result['changed']) == (found, score, found)
    assert [row['live']['after'] for row in result['processes']] == [score] * found


def test_a_score_derived_from_the_share_of_memory_follows_the_multiple(tmp_path):
    host = seed_node(tmp_path).host
    values = [run('oom_score_adj', host, check=True, process='mysqld', value='auto', auto_multiple=multiple)['value']
              for multiple in (1.0, 1.5, 2.0)]
    assert values == sorted(values, reverse=True) and values[0] > values[-1]


@pytest.mark.parametrize('arguments, size, layers', [
    ({'size': '2M'}, 2 << 20, ['file', 'signature', 'activation', 'persistence']),
    ({'size': '2M', 'active': False}, 2 << 20, ['file', 'signature', 'persistence']),
    ({'size': '2M', 'persist': 'none'}, 2 << 20, ['file', 'signature', 'activation']),
    # Red Hat's table: up to 2 GiB of RAM, twice the RAM.
    ({'size': 'auto'}, 2 << 30, ['file', 'signature', 'activation', 'persistence']),
    ({'size': 'auto', 'demand': '3G'}, 3 << 30, ['file', 'signature', 'activation', 'persistence']),
    ({'size': '1xram'}, 1 << 30, ['file', 'signature', 'activation', 'persistence']),
    ({'state': 'absent'}, None, []),
])
def test_the_layers_of_a_swap_file_are_planned_as_asked(arguments, size, layers, tmp_path):
    node = swap_node(tmp_path)
    result = run('swap_file', node.host, check=True, **dict({'reserve': '0'}, **arguments))
    assert result['size_bytes'] == size
    assert [step['layer'] for step in result['actions']] == layers
    assert (result['size'] is None) == (arguments.get('size') != 'auto')


def test_all_candidates_are_returned_or_as_many_as_asked(tmp_path):
    node = seed_node(tmp_path)
    names = [[row['name'] for row in run('memory_facts', node.host, candidates=count)[
        'ansible_facts']['memory']['oom']['candidates']] for count in (0, 1, 2)]
    assert names[0][:2] == ['mysqld', 'php'] and len(names[0]) > 2
    assert names[1:] == [names[0][:1], names[0][:2]]


@pytest.mark.parametrize('arguments, reports, tasks', [
    ({}, 1, 10),
    ({'tasks': 2}, 1, 2),
    ({'since': '2000-01-01'}, 1, 10),
    ({'until': '2000-01-01'}, 0, 0),
])
def test_a_log_is_read_between_two_moments_with_as_many_tasks_as_asked(arguments, reports, tasks, tmp_path):
    result = run('oom_log_info', Host(root=str(tmp_path)), paths=[SEED], **arguments)
    assert len(result['events']) == result['summary']['kills'] == reports
    assert sum(len(event['tasks']) for event in result['events']) == tasks
    assert [source['path'] for source in result['summary']['sources']] == [SEED]
    assert 'fork_failures' not in result


def test_a_limit_keeps_the_newest_and_counts_all(tmp_path):
    log = os.path.join(FIXTURES, 'oom-linux-6.1.dmesg')
    every, one = (run('oom_log_info', Host(root=str(tmp_path)), paths=[log], limit=limit) for limit in (0, 1))
    assert len(every['events']) > 1 and one['events'] == every['events'][:1]
    assert one['summary'] == every['summary']


def test_failed_forks_are_looked_for_where_asked(tmp_path):
    result = run('oom_log_info', Host(root=str(tmp_path)), paths=[SEED], fork_failures=True)
    assert [failure['libc'] for failure in result['fork_failures']] == ['musl']


def test_each_log_by_itself_has_its_own_entry_also_one_that_is_not_there(tmp_path):
    gone = '/no/such/log'
    result = run('oom_log_info', Host(root=str(tmp_path)), paths=[SEED, gone], separately=True)
    assert [(entry['path'], entry['error']) for entry in result['logs']] == [(SEED, None), (gone, 'unreadable')]
    assert result['events'] == []


@pytest.mark.parametrize('name', MODULES)
def test_a_mistake_in_the_code_is_a_traceback_and_no_message_to_the_user(name, monkeypatch, tmp_path):
    make, arguments = REMEDIES.get(name, (seed_node, READS.get(name, {})))
    node = make(tmp_path)

    def broken(*_arguments, **_options):
        raise KeyError('a mistake')

    for owner, called in ((Host, 'read'), (log_info, 'diagnose_events')):
        monkeypatch.setattr(owner, called, broken)
    with pytest.raises(KeyError):
        run(name, node.host, **arguments)


@pytest.mark.parametrize('names, rows, found', [
    (['mysqld', 'php'], ['mysqld', 'php'], True),
    (['mysqld', 'mariadbd', 'mysqld'], ['mysqld'], True),
    (['php', 'mysqlld'], ['php'], False),
    (['mysqlld'], [], False),
])
def test_each_name_of_a_list_has_its_rows(tmp_path, names, rows, found):
    result = run('oom_score_adj', seed_node(tmp_path).host, check=True, process=names, allow_missing=True)
    assert ([row['name'] for row in result['processes']], result['found']) == (rows, found)
    assert [row['value'] for row in result['processes']] == [-600] * len(rows)
    assert sorted(set(action['pid'] for action in result['actions'] if 'pid' in action)) == sorted(
        row['pid'] for row in result['processes'] if row['live']['before'] != row['live']['after'])


def test_what_is_missing_stops_before_the_first_of_a_list_is_changed(tmp_path):
    node = seed_node(tmp_path)
    failed = run('oom_score_adj', node.host, process=['php', 'mysqlld'], allow_missing=False)
    assert failed['failed'] and not failed['changed']
    assert run('oom_score_adj', node.host, check=True, process='php')['changed']


def test_what_is_missing_is_no_failure_of_an_undo(tmp_path):
    assert run('oom_score_adj', seed_node(tmp_path).host, process='mysqlld', state='absent',
               allow_missing=False)['found'] is False


def test_all_remedies_are_asked_at_once_and_nothing_is_changed(tmp_path):
    node = bookworm(tmp_path)
    before = files(tmp_path)
    alone = run('swappiness', node.host, check=True, value=10, conflicts='override')
    asked = run('ask_remedies', node.host, swappiness={'value': 10, 'conflicts': 'override'}, with_facts=True)
    assert asked['swappiness']['actions'] == alone['actions'] != [] and files(tmp_path) == before
    assert asked['swap'] is None and asked['ansible_facts']['memory']['swappiness']['runtime'] == 60
    assert not asked['changed']


ASKS = {'swap': {'reserve': '0', 'size': '2M'}, 'swappiness': {'value': 10}, 'oom_protect': {'process': 'mysqld'}}


@pytest.mark.parametrize('more, asked', [
    ({}, []), ({'by_rule': True}, ['swap', 'swappiness', 'oom_protect']),
    ({'asked': {'swap': ['swap_size']}}, ['swap']),
    ({'by_rule': True, 'left_out': ['swap']}, ['swappiness', 'oom_protect']),
])
def test_a_diagnosis_asks_what_follows_from_it_and_answers_as_each_does_by_itself(tmp_path, more, asked):
    node = bookworm(tmp_path)
    for path, text in (('/proc/swaps', 'Filename Type Size Used Priority\n'), ('/etc/fstab', '')):
        node.file(path, text)
    node.file('/proc/meminfo', 'MemTotal: 1000000 kB\nMemAvailable: 900000 kB\n')
    node.file('/var/log/calm', 'nothing happens\n')
    before = files(tmp_path)
    paths = {'paths': [node.path('/var/log/calm')], 'sources': []}
    found = run('rescue_info', node.host, diagnosis=paths, remedies=ASKS, **more)
    alone = run('ask_remedies', node.host, **{name: ASKS[name] for name in asked})
    assert sorted(found['asked']['options']) == sorted(asked)
    for name in ASKS:
        assert found['asked'][name] == alone[name], name
        assert (found['asked'][name] is not None) == (name in asked)
    plain = run('oom_log_info', node.host, with_facts=True, **paths)
    assert {name: found['diagnosis'][name] for name in log_info.RETURNED} == {
        name: plain[name] for name in log_info.RETURNED}
    assert set(found['ansible_facts']['memory']) == set(plain['ansible_facts']['memory'])
    assert files(tmp_path) == before and not found['changed']


@pytest.mark.parametrize('refused', [
    {'swap': {'size': 'much'}}, {'swappiness': {'value': 500}}, {'oom_protect': {'process': 'mysqld', 'unit': 'x'}}])
def test_a_remedy_that_refuses_leaves_the_diagnosis_whole_and_the_question_open(tmp_path, refused):
    node = bookworm(tmp_path)
    node.file('/var/log/calm', 'nothing happens\n')
    found = run('rescue_info', node.host, diagnosis={'paths': [node.path('/var/log/calm')]}, by_rule=True,
                remedies=dict(ASKS, **refused))
    assert found['asked'] is None and found['diagnosis']['advice'] and found['ansible_facts']['memory']


@pytest.mark.parametrize('wanted, remedy', [
    ({'swap': {'path': '/etc'}, 'swappiness': {'value': 500}}, 'swap'),
    ({'swap': {'reserve': '0', 'size': '2M'}, 'swappiness': {'value': 500}}, 'swappiness'),
    ({'oom_protect': {'process': 'mysqld', 'value': 'low'}}, 'oom_protect'),
])
def test_the_first_remedy_that_cannot_be_is_named(tmp_path, wanted, remedy):
    assert run('ask_remedies', swap_node(tmp_path).host, **wanted)['remedy'] == remedy


@pytest.mark.parametrize('name', MODULES)
def test_a_module_that_is_only_imported_does_nothing(name, capsys):
    importlib.reload(load(name))
    assert capsys.readouterr().out == ''


def test_logs_that_are_read_one_by_one_change_nothing(tmp_path):
    result = run('oom_log_info', Host(root=str(tmp_path)), paths=[SEED, SEED], separately=True)
    assert (result['changed'], [log['path'] for log in result['logs']]) == (False, [SEED, SEED])
