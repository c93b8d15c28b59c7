# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The actions that run on the controller alone, as a task calls them."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import importlib
import json
import sys
import types

import pytest

pytest.importorskip('ansible')

from ansible.errors import AnsibleActionFail  # noqa: E402
from ansible.parsing.dataloader import DataLoader  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._verdict.advice import advise  # noqa: E402

asked_by = pytest.importorskip('ansible_collections.oom.rescue.plugins.plugin_utils.asked')
controller = pytest.importorskip('ansible_collections.oom.rescue.plugins.plugin_utils.controller')
node_action = pytest.importorskip('ansible_collections.oom.rescue.plugins.plugin_utils.node_action')


def action(name, args=()):
    plugin = importlib.import_module('ansible_collections.oom.rescue.plugins.action.' + name)
    play = types.SimpleNamespace(_uuid='play')
    task = types.SimpleNamespace(action='oom.rescue.' + name, args=dict(args), async_val=0, check_mode=False,
                                 _role=None, delegate_to=None, get_play=lambda: play)
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


@pytest.mark.parametrize('of_localhost, options', [
    ({'diagnose_controller_logs': ['a.log'], 'diagnose_since': None, 'diagnose_limit': 5}, {'limit': 5}),
    ({'diagnose_controller_logs': ['a.log'], 'diagnose_since': '2025-01-01', 'diagnose_until': '2025-01-02'},
     {'since': '2025-01-01', 'until': '2025-01-02', 'limit': 100}),
    ({'diagnose_controller_logs': []}, None), ({}, None),
])
def test_copied_logs_are_read_by_the_variables_of_localhost(monkeypatch, of_localhost, options):
    plugin, reading = action('read_copied_logs', {'wanted': {'swap_size': '1G'}})
    read = []
    monkeypatch.setattr(plugin, 'log_info', lambda _host, asked: read.append(asked) or {'logs': [], 'events': []})
    manager = types.SimpleNamespace(get_vars=lambda play, host, task: of_localhost if host == 'localhost' else {})
    inventory = types.SimpleNamespace(get_host=lambda name: name)
    hostvars = types.SimpleNamespace(_variable_manager=manager, _inventory=inventory)
    assert reading.run(task_vars={'hostvars': hostvars})['elsewhere'] == []
    assert len(read) == (options is not None)
    for asked in read:
        assert (asked['paths'], asked['separately'], asked['tasks']) == (['a.log'], True, 0)
        assert {name: asked[name] for name in options} == options and asked['wanted']['swap_size'] == '1G'


@pytest.fixture(name='reading')
def fixture_reading(monkeypatch):
    """``reading(logs, host=None, returned=None)``: the result where ``logs`` were copied and the host's module returned
    that.
    """
    def run(logs, host=None, returned=None):
        plugin, made = action('read_copied_logs', {'host': host} if host is not None else {})
        monkeypatch.setattr(plugin, 'controller_vars', lambda self, task_vars, names: {
            'diagnose_controller_logs': logs})
        monkeypatch.setattr(plugin.OfHost, 'run', lambda self, tmp=None, task_vars=None: dict(
            returned, options=self._task.args))
        return made.run(task_vars={})
    return run


def test_what_was_read_of_a_host_stands_beside_the_logs(reading, tmp_path):
    (tmp_path / 'a.log').write_text('')
    returned = {'events': ['e'], 'advice': {'a': 1}, 'ansible_facts': {'memory': {}}, 'elsewhere': 'x', 'error': 'x'}
    result = reading([str(tmp_path / 'a.log')], {'limit': 3}, returned)
    assert (result['events'], result['advice'], result['verdict']) == (['e'], {'a': 1}, None)
    assert result['ansible_facts'] == {'memory': {}} and result['changed'] is False and 'error' not in result
    assert [(log['path'], log['error']) for log in result['elsewhere']] == [(str(tmp_path / 'a.log'), 'empty')]


def test_a_host_that_cannot_be_read_is_told_and_no_diagnosis(reading):
    result = reading(['a'], {}, {'failed': True, 'msg': 'no python'})
    assert result['failed'] and result['msg'] == 'no python' and 'elsewhere' not in result


def test_without_a_host_the_advice_is_that_of_logs_without_a_report(reading):
    result = reading([])
    assert result['advice']['report'] is None and result['summary'] == {} and result['elsewhere'] == []
    assert not result.get('skipped')


@pytest.mark.parametrize('option, words', [('since', 'give an ISO 8601 time'), ('limit', 'cannot be converted')])
def test_a_limit_that_is_none_is_refused_with_the_reason(monkeypatch, option, words):
    plugin, made = action('read_copied_logs')
    monkeypatch.setattr(plugin, 'controller_vars', lambda self, task_vars, names: {
        'diagnose_controller_logs': ['a'], 'diagnose_' + option: 'soon'})
    with pytest.raises(AnsibleActionFail, match=words):
        made.run(task_vars={})


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


def test_what_a_module_has_told_this_play_is_not_asked_again(monkeypatch):
    plugin, asking = action('swappiness', {'value': 10})
    ran = []
    known = {'changed': False, 'after': {'runtime': 10, 'after_reboot': 10}, 'actions': [], 'skipped_reason': None}
    monkeypatch.setattr(node_action.NormalAction, 'run', lambda self, tmp=None, task_vars=None: ran.append(1) or dict(
        known, changed=True))
    monkeypatch.setattr(asking, '_answered', lambda module, task_vars: known)
    assert asking.run(task_vars={})['changed'] is False and ran == []
    monkeypatch.setattr(asking, '_answered', lambda module, task_vars: None)
    assert asking.run(task_vars={})['changed'] is True and ran == [1]


@pytest.mark.parametrize('name, refused', [('oom_log_info', False), ('memory_facts', True)])
def test_of_a_log_s_module_a_longer_answer_is_read_than_of_others(monkeypatch, name, refused):
    parsed = []
    monkeypatch.setattr(node_action.NormalAction, '_parse_returned_data', lambda self, res: parsed.append(res))
    action(name)[1]._parse_returned_data({'stdout': json.dumps({'k': ['x' * 1000] * 5000}), 'stderr': ''})
    assert ('is refused' in parsed[0]['stdout']) is refused


def left_by(hostname):
    return {hostname: {'diagnose_result': {'events': [], 'advice': advise({}, []), 'replays': [], 'elsewhere': []}}}


@pytest.mark.parametrize('anonymise, page, named', [(True, 'Page: index.html', False), (False, None, True)])
def test_the_summary_in_a_report_that_names_nobody_names_no_directory(tmp_path, anonymise, page, named):
    directory = tmp_path / 'shop'
    writing = action('write_report', {'path': str(directory), 'anonymise': anonymise})[1]
    result = writing.run(task_vars={
        'ansible_check_mode': False, 'ansible_play_hosts_all': ['shop-db1'], 'ansible_play_hosts': ['shop-db1'],
        'hostvars': left_by('shop-db1')})
    written = (directory / 'summary.txt').read_text(encoding='utf-8')
    assert written.splitlines()[-1] == (page or 'Page: %s/index.html' % directory)
    assert result['lines'][-1] == 'Page: %s/index.html' % directory
    assert ('shop' in written) is named
    assert sorted(path.name for path in directory.iterdir()) == [
        'index.html', 'report.json', 'report.md', 'summary.txt']


def test_the_figures_of_all_hosts_are_one_statistic_of_the_run_where_asked(tmp_path):
    variables = {'ansible_check_mode': False, 'ansible_play_hosts_all': ['db1'], 'ansible_play_hosts': ['db1'],
                 'hostvars': left_by('db1')}
    with_them, without = (action('write_report', {'path': str(tmp_path / 'r'), 'stats': stats})[1].run(
        task_vars=variables) for stats in (True, False))
    # Ansible shows it once for the run, and adds it to what other tasks tell.
    assert with_them['ansible_stats'] == {
        'data': {'oom_rescue': with_them['stats']}, 'per_host': False, 'aggregate': True}
    assert 'ansible_stats' not in without and without['stats'] == with_them['stats']


@pytest.mark.parametrize('written, words', [
    (None, 'no report can be written there'), ({'a': 'x'}, 'the report is not written')])
def test_why_no_report_is_written_is_said(tmp_path, written, words):
    (tmp_path / 'file').write_text('')
    with pytest.raises(AnsibleActionFail, match='file/report: File exists: ' + words):
        controller.write_report(str(tmp_path / 'file' / 'report'), '0600', written)


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


LOCAL, SSH = 'local', 'ssh'


@pytest.mark.parametrize('delegated, transport, before, expected', [
    ('here', LOCAL, None, {'here': {'ansible_python_interpreter': sys.executable}}),
    ('here', LOCAL, {'here': {'ansible_python_interpreter': '/node/python', 'a': 1}, 'other': {'b': 2}},
     {'here': {'ansible_python_interpreter': sys.executable, 'a': 1}, 'other': {'b': 2}}),
    ('here', SSH, None, None), (None, LOCAL, None, None),
], ids=['nothing known', 'the node\'s own is there', 'over ssh', 'not delegated'])
def test_a_module_that_runs_on_the_controller_has_the_controllers_python(delegated, transport, before, expected):
    asking = action('memory_facts')[1]
    asking._task.delegate_to, asking._connection.transport = delegated, transport
    given = {'x': 1} if before is None else {'x': 1, 'ansible_delegated_vars': before}
    kept = json.dumps(given)
    found = asking._on_controller(given)
    assert found == (given if expected is None else {'x': 1, 'ansible_delegated_vars': expected})
    # Ansible's own variables stay as they are.
    assert json.dumps(given) == kept


@pytest.mark.parametrize('delegated, variables, interpreter', [
    (None, {'ansible_python_interpreter': '/a'}, '/a'), (None, {}, None),
    ('here', {'ansible_python_interpreter': '/a'}, None),
    ('here', {'ansible_python_interpreter': '/a',
              'ansible_delegated_vars': {'here': {'ansible_python_interpreter': '/b'}}}, '/b'),
])
def test_the_python_of_the_host_that_a_task_runs_on_is_the_one_looked_at(delegated, variables, interpreter):
    asking = action('memory_facts')[1]
    asking._task.delegate_to = delegated
    assert asking._interpreter(variables) == interpreter


def role(name, parents=(), **variables):
    return types.SimpleNamespace(get_name=lambda: name, _parents=list(parents), vars=variables)


LEFT_ALONE = {'changed': False, 'skipped_reason': 'it is a container', 'actions': [], 'before': None, 'after': None}
ALONE = 'node: swap was left alone: it is a container'


@pytest.mark.parametrize('name, of_role, variables, warned', [
    ('swap_file', 'oom.rescue.swap', {}, [ALONE]),
    ('swap_file', 'oom.rescue.swap', {'swap_sizee': 1},
     ['swap_sizee is no variable of this collection, and nothing reads it: did you mean swap_size?', ALONE]),
    ('swap_file', 'oom.rescue.swap', {'rescue_chosen': {}}, None), ('swap_file', None, {}, None),
    ('swap_file', 'my.own.role', {}, None),
    ('swappiness', 'oom.rescue.swappiness', {}, ['node: vm.swappiness was left alone: it is a container']),
])
def test_a_role_in_somebodys_own_play_says_what_it_left_alone(monkeypatch, name, of_role, variables, warned):
    plugin, asking = action(name, {'value': 10} if name == 'swappiness' else {'size': '1G'})
    asking._task._role = of_role and role(of_role)
    monkeypatch.setattr(node_action.NormalAction, 'run', lambda self, tmp=None, task_vars=None: dict(LEFT_ALONE))
    monkeypatch.setattr(node_action, 'accepted', lambda module, result, whole=False: result)
    result = node_action.NodeAction.run(asking, task_vars=dict(variables, inventory_hostname='node'))
    assert result.get('warnings') == warned and result['skipped_reason'] == 'it is a container'


def test_the_program_is_sent_to_the_directory_of_the_task_which_is_made_if_there_is_none(monkeypatch):
    plugin, watching = action('oom_watch')
    shell, done = watching._connection._shell, []
    shell.tmpdir, shell.join_path = None, lambda *parts: '/'.join(parts)

    def make():
        done.append('made')
        shell.tmpdir = '/tmp/of-task'

    def transfer(source, target):
        with open(source, 'rb') as stream:
            done.append((stream.read(), target))

    monkeypatch.setattr(watching, '_make_tmp_path', make)
    monkeypatch.setattr(watching, '_transfer_file', transfer)
    monkeypatch.setattr(watching, '_fixup_perms2', done.append)
    monkeypatch.setattr(plugin.constants, 'DEFAULT_LOCAL_TMP', None, raising=False)
    target, program = '/tmp/of-task/oom-rescue.pyz', b'the program'
    monkeypatch.setattr(plugin, 'single_file', lambda: program)
    assert watching._send() == target
    assert done == ['made', (program, target), ('/tmp/of-task', target)]
    # The next one of the same task goes beside it.
    assert watching._send() == target and done.count('made') == 1


@pytest.mark.parametrize('args, sent', [({}, True), ({'state': 'present'}, True), ({'state': 'absent'}, False)])
def test_the_program_is_sent_where_the_watch_is_to_be_there(monkeypatch, args, sent):
    plugin, watching = action('oom_watch', args)
    monkeypatch.setattr(watching, '_send', lambda: '/tmp/x')
    monkeypatch.setattr(plugin.NodeAction, 'run', lambda self, tmp=None, task_vars=None: self._task.args)
    assert watching.run(task_vars={}) == (dict(args, src='/tmp/x') if sent else args)


class Play:
    """A play that has a role."""

    def __init__(self):
        self.roles = ['a role']


class Manager:
    """Ansible's variables, as a play without roles and a host without facts has them, and as it has them with both."""

    def __init__(self, given):
        self._fact_cache, self.given = {'node': {'swap_size': 'a fact'}}, given

    def get_vars(self, play, host, include_hostvars):
        found = dict(self.given)
        if play.roles:
            found.update(swap_path='a default')
        found.update(self._fact_cache.get(host.name, {}))
        return found


@pytest.mark.parametrize('given, of_role, expected', [
    ({'swap_size': '2G', 'other': 1}, None, {'swap_size': '2G'}), ({}, None, {}),
    ({'swap_size': '', 'swap_path': None}, None, {}), ({'swap_size': 'omitted'}, None, {}),
    ({}, role('oom.rescue.swap', swap_size='3G'), {'swap_size': '3G'}),
    ({'swap_size': '2G'}, role('oom.rescue.swap', swap_size='3G'), {'swap_size': '2G'}),
    # A play takes in the role of the playbooks, which takes in the remedy's.
    ({}, role('oom.rescue.swap', [role('oom.rescue.rescue', swap_size='4G')], swap_size='3G'), {'swap_size': '4G'}),
    ({'swap_active': False}, None, {'swap_active': False}),
], ids=['set', 'nothing', 'empty', 'omitted', 'with its role', 'set and with its role', 'with the playbooks\' role',
        'no'])
def test_only_what_the_user_set_counts_and_no_fact_and_no_default(given, of_role, expected):
    asking = action('choose_remedies')[1]
    play = Play()
    asking._task._role, asking._task.get_play = of_role, lambda: play
    manager = Manager(given)
    hostvars = types.SimpleNamespace(_variable_manager=manager, _inventory=types.SimpleNamespace(
        get_host=lambda name: types.SimpleNamespace(name=name)))
    variables = {'hostvars': hostvars, 'inventory_hostname': 'node', 'omit': 'omitted'}
    names = ['swap_size', 'swap_path', 'swap_active']
    assert asked_by.user_vars(asking, variables, names) == expected
    # The play goes on with its roles and facts.
    assert (play.roles, manager._fact_cache) == (['a role'], {'node': {'swap_size': 'a fact'}})


def test_an_ansible_that_does_not_tell_who_set_a_variable_is_named_as_the_reason():
    asking = action('choose_remedies')[1]
    with pytest.raises(AnsibleActionFail, match='does not tell who set a variable: .*_variable_manager'):
        asked_by.user_vars(asking, {'hostvars': types.SimpleNamespace(), 'inventory_hostname': 'node'}, ['swap_size'])
    with pytest.raises(AnsibleActionFail, match='does not tell the variables of localhost: .*_variable_manager'):
        controller.controller_vars(asking, {'hostvars': types.SimpleNamespace()}, ['report_dir'])
