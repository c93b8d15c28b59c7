# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The actions that run on the controller alone, as a task calls them."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import importlib
import os
import types

import pytest

pytest.importorskip('ansible')

from ansible.errors import AnsibleActionFail  # noqa: E402
from ansible.parsing.dataloader import DataLoader  # noqa: E402

asked_by = pytest.importorskip('ansible_collections.oom.rescue.plugins.plugin_utils.asked')


def action(name, args=()):
    plugin = importlib.import_module('ansible_collections.oom.rescue.plugins.action.' + name)
    play = types.SimpleNamespace(_uuid='play')
    task = types.SimpleNamespace(action='oom.rescue.' + name, args=dict(args), async_val=0, check_mode=False,
                                 _role=None, get_play=lambda: play)
    connection = types.SimpleNamespace(_shell=types.SimpleNamespace(tmpdir='/nowhere'))
    made = plugin.ActionModule(task=task, connection=connection, play_context=None, loader=DataLoader(), templar=None,
                               shared_loader_obj=None)
    # As the loader of plugins does.
    made._load_name = task.action
    return plugin, made


def claim(state, detail='d'):
    holds = {'held': True, 'false': False, 'open': None}[state]
    return {'claim': 'c', 'detail': detail, 'state': state, 'holds': holds}


@pytest.mark.parametrize('claims, given, chosen, failed, warned', [
    ([claim('held')], {}, False, None, None),
    ([claim('held'), claim('false', 'gone'), claim('false', 'off'), claim('open', 'who knows')], {}, False,
     'c: gone; c: off', 'node: c: who knows'),
    ([claim('false', 'gone')], {'fail': False}, False, None, None),
    ([claim('open', 'a'), claim('open', 'b')], {}, False, None, 'node: c: a; c: b'),
    # The summary of a playbook tells what is open.
    ([claim('open')], {}, True, None, None), ([claim('held')], {}, True, None, None),
    ([claim('false', '\x1b[31m')], {}, False, 'c: ?[31m', None),
])
def test_claims_that_are_false_fail_and_open_ones_warn(monkeypatch, claims, given, chosen, failed, warned):
    plugin, judging = action('judge_remedies', given)
    asked = []

    def judge(facts, **options):
        asked.append((facts, options))
        return {'holds': all(each['holds'] is not False for each in claims), 'claims': claims}

    monkeypatch.setattr(plugin, 'judge', judge)
    variables = {'ansible_facts': {'memory': {'of': 'the host'}}, 'inventory_hostname': 'node'}
    result = judging.run(task_vars=dict(variables, **({'rescue_chosen': {}} if chosen else {})))
    assert (result['changed'], result['claims']) == (False, claims)
    assert (result.get('failed'), result.get('msg')) == ((True, failed) if failed else (None, None))
    assert result.get('warnings') == ([warned] if warned else None)
    assert asked == [({'of': 'the host'}, {'swap': None, 'swappiness': None, 'swappiness_value': None,
                                           'oom_protect': None, 'accept_open': False})]


def test_an_option_that_judging_does_not_have_is_refused():
    with pytest.raises(AnsibleActionFail, match='swap_file'):
        action('judge_remedies', {'swap_file': {}})[1].run(task_vars={'ansible_facts': {'memory': {}}})


@pytest.mark.parametrize('of_localhost, args', [
    ({'diagnose_controller_logs': ['a.log'], 'diagnose_since': None, 'diagnose_limit': 5},
     {'limit': 5, 'paths': ['a.log']}),
    ({'diagnose_controller_logs': ['a.log'], 'diagnose_since': '2025-01-01', 'diagnose_until': '2025-01-02'},
     {'since': '2025-01-01', 'until': '2025-01-02', 'paths': ['a.log']}),
    ({'diagnose_controller_logs': []}, None), ({}, None),
])
def test_copied_logs_are_read_by_the_variables_of_localhost(monkeypatch, of_localhost, args):
    plugin, reading = action('read_copied_logs', {'wanted': {'swap': True}})
    monkeypatch.setattr(plugin.NodeAction, 'run', lambda self, tmp=None, task_vars=None: {'ran': self._task.action})
    manager = types.SimpleNamespace(get_vars=lambda play, host, task: of_localhost if host == 'localhost' else {})
    inventory = types.SimpleNamespace(get_host=lambda name: name)
    hostvars = types.SimpleNamespace(_variable_manager=manager, _inventory=inventory)
    result = reading.run(task_vars={'hostvars': hostvars})
    if args is None:
        assert result == {'changed': False, 'logs': []} and reading._task.args == {'wanted': {'swap': True}}
        return
    assert result == {'ran': 'oom.rescue.oom_log_info'}
    assert reading._task.args == dict(args, directory=os.getcwd(), tasks=0, separately=True, wanted={'swap': True})


@pytest.mark.parametrize('user, facts, expected', [
    ({}, {'kept': {'k': 1}}, ({'swap': [], 'swappiness': [], 'oom_protect': []}, False, {'k': 1})),
    ({'swap_size': '2G', 'rescue_by_rule': 'yes', 'other': 1}, {},
     ({'swap': ['swap_size'], 'swappiness': [], 'oom_protect': []}, True, None)),
])
def test_remedies_are_chosen_by_what_the_user_set_and_what_the_host_keeps(monkeypatch, user, facts, expected):
    plugin, choosing = action('choose_remedies', {'diagnosis': {'d': 1}, 'facts': facts})
    asked = []
    rows = {'swap': {'kept': {'swap_size': '1G'}}, 'swappiness': {'kept': {}}}
    monkeypatch.setattr(plugin, 'choose', lambda *given: asked.append(given) or rows)
    monkeypatch.setattr(plugin, 'happened', lambda diagnosis: diagnosis)
    monkeypatch.setattr(asked_by, 'user_vars', lambda self, task_vars, names: {
        name: user[name] for name in names if name in user})
    result = choosing.run(task_vars={'ansible_run_tags': ['all'], 'ansible_skip_tags': [], 'swap_sizee': 1})
    assert asked[0][:4] == ({'d': 1},) + expected
    assert (result['by_rule'], result['remedies'], result['kept'], result['happened'], result['changed']) == (
        expected[1], rows, {'swap_size': '1G'}, {'d': 1}, False)
    assert result['warnings'] == result['remarks'] and 'did you mean swap_size?' in result['remarks'][0]


@pytest.mark.parametrize('args, whole', [
    ({'with_facts': True}, True), ({'with_facts': 'yes'}, True), ({'with_facts': 'no'}, False), ({}, False),
    ({'with_facts': 'perhaps'}, False), ({'with_facts': ['yes']}, False)])
def test_facts_are_taken_of_a_log_s_module_that_was_asked_for_them_alone(args, whole):
    assert action('oom_log_info', args)[1]._is_of_whole_host('oom_log_info') is whole
    assert action('memory_facts', args)[1]._is_of_whole_host('memory_facts') is False


@pytest.mark.parametrize('args, of_role, directory, asked', [
    ({}, {'report_dir': 'one'}, 'one', True),
    ({'only_try': True}, {'report_dir': 'one'}, 'one', True),
    ({'path': 'two', 'only_try': True}, {'report_dir': 'one'}, 'two', False),
])
def test_a_report_is_written_where_the_role_s_variables_say_unless_the_task_says(
        tmp_path, monkeypatch, args, of_role, directory, asked):
    plugin, writing = action('write_report', args)
    asked_for, tried = [], []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plugin, 'controller_vars', lambda self, task_vars, names: asked_for.append(names) or dict(
        of_role, report_only_try=True))
    monkeypatch.setattr(plugin, 'write_report', lambda path, mode: tried.append((path, mode)))
    result = writing.run(task_vars={})
    assert tried == [(str(tmp_path / directory), '0600')] and bool(asked_for) is asked
    assert (result['changed'], result['path']) == (False, str(tmp_path / directory))


def test_a_choice_wants_a_diagnosis():
    with pytest.raises(AnsibleActionFail, match='diagnosis'):
        action('choose_remedies')[1].run(task_vars={})
