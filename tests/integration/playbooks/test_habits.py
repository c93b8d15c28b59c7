# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users of Ansible are used to: tags, strategies, serial, limits, a run without hosts, another directory."""

import json
import os
import re
import subprocess
import sys

import pytest
from conftest import OUTAGE, ROOT, Play

CORES = {'newest': ROOT / '.venv/bin', '2.16': ROOT / '.cache/core-2.16/bin'}
HOSTS = f'''\
[all:vars]
ansible_python_interpreter={sys.executable}
[all]
one ansible_connection=local
gone ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1
two ansible_connection=local
three ansible_connection=local
'''
FOUND = ('swap', 'swappiness', 'oom_protect')


@pytest.fixture(name='run')
def fixture_run(tmp_path):
    """``run(playbook, *options, core=, environ=, unset=)`` on ``one`` in check mode, its report in a new directory."""
    (tmp_path / 'hosts').write_text(HOSTS)
    (tmp_path / 'kern.log').write_text(OUTAGE.read_text().replace(' node ', f' {os.uname().nodename} '))
    log = {'diagnose_sources': 'files', 'diagnose_paths': [str(tmp_path / 'kern.log')],
           'report_dir': str(tmp_path / 'report'), 'swap_path': '/oom-rescue-not-there', 'verify_fail': False,
           'oom_protect_process': 'oom-rescue-none', 'oom_protect_allow_missing': True}

    def run(playbook, *options, core='newest', hosts=('--inventory', 'hosts', '--limit', 'one'), environ=None):
        return Play([str(CORES[core] / 'ansible-playbook'), playbook, '--check', *hosts, '--extra-vars',
                     json.dumps(log), *options], tmp_path / 'report',
                    {'ANSIBLE_COLLECTIONS_PATH': str(ROOT / '.cache/collections'), **(environ or {})},
                    directory=tmp_path)
    return run


def tried(play, host='one'):
    """The remedies that were tried on a host."""
    (row,) = [row for row in play.report['hosts'] if row['name'] == host]
    return tuple({'score': 'oom_protect'}.get(change['remedy'], change['remedy']) for change in row['changes'])


def ran(play):
    """The titles of the tasks that were looked at."""
    return [line.partition('[')[2].rpartition(']')[0] for line in play.output.splitlines() if line.startswith('TASK [')]


@pytest.mark.parametrize('options, expected, core', [
    (('--tags', 'swap'), ('swap',), 'newest'),
    (('--tags', 'swap'), ('swap',), '2.16'),
    (('--skip-tags', 'swap'), ('swappiness', 'oom_protect'), 'newest'),
    (('--tags', 'diagnose'), (), 'newest'),
    (('--skip-tags', 'report'), None, 'newest'),
])
def test_tags_choose_remedies_and_what_they_need_is_read(run, options, expected, core):
    play = run('oom.rescue.remediate', *options, core=core)
    assert play.status == 0, play.output
    if expected is None:
        assert not play.folder.exists()
    else:
        assert tried(play) == expected, play.output
        assert 'RAM (988 MiB) ran out' in play.summary


def test_without_a_diagnosis_only_what_was_asked_for_is_tried(run):
    play = run('oom.rescue.remediate', '--skip-tags', 'diagnose')
    assert play.status == 0, play.output
    assert tried(play) == ('swap', 'oom_protect')


@pytest.mark.parametrize('options, claims', [
    (('--skip-tags', 'swap,oom_protect'), {'swappiness'}), (('--tags', 'diagnose'), set()),
])
def test_tags_choose_what_is_verified(run, options, claims):
    play = run('oom.rescue.verify', *options)
    assert play.status == 0, play.output
    assert {claim['remedy'] for claim in play.report['hosts'][0]['claims']} == claims


@pytest.mark.parametrize('options, expected', [
    (('--tags', 'swap'), ('swap',)), (('--skip-tags', 'swap'), ('swappiness', 'oom_protect')),
])
def test_tags_choose_what_is_rolled_back(run, options, expected):
    play = run('oom.rescue.rollback', *options)
    assert play.status == 0, play.output
    assert tried(play) == expected, play.output


def test_a_host_that_is_not_changed_runs_one_module_in_twelve_tasks(run):
    play = run('oom.rescue.remediate', '-vvv', environ={'ANSIBLE_PIPELINING': 'true'})
    assert play.status == 0 and tried(play) == FOUND, play.output
    assert len([line for line in play.output.splitlines() if 'EXEC /bin/sh' in line]) == 1, play.output
    assert len([name for name in ran(play) if 'Validating arguments' not in name]) == 12


def test_what_is_the_same_for_all_hosts_is_checked_once(run):
    play = run('oom.rescue.diagnose', hosts=('--inventory', 'hosts', '--limit', 'two,three'))
    checks = re.findall(r'^TASK \[(\S+) : Validating .*\n((?:ok: .*\n)*)', play.output, re.MULTILINE)
    assert [(role, hosts.count('ok: ')) for role, hosts in checks] == [
        ('oom.rescue.diagnose', 2), ('oom.rescue.report', 1)], play.output


@pytest.mark.parametrize('core', CORES)
def test_a_module_is_built_for_the_first_run_and_kept_for_the_next(run, tmp_path, core):
    home = {'ANSIBLE_HOME': str(tmp_path)}
    first, second = (run('oom.rescue.diagnose', '-vvvvv', core=core, environ=home) for _run in range(2))
    assert (first.status, second.status) == (0, 0), second.output
    searched = [play.output.count('Including module_utils file ansible_collections/oom/') for play in (first, second)]
    assert searched[0] > 100 and searched[1] == 0


def test_a_remedy_whose_diagnosis_was_left_out_says_what_to_do(run):
    play = run('oom.rescue.remediate', '--start-at-task', 'Bring the swap file to what is asked')
    assert play.status != 0
    assert 'run the playbook with --tags swap' in play.output


def test_a_rollback_starts_at_any_task(run):
    play = run('oom.rescue.rollback', '--start-at-task', 'Bring the swap file to what is asked')
    assert play.status == 0, play.output
    assert tried(play) == ('swap',)


NAMES = ('diagnose', 'remediate', 'verify', 'rollback', 'where', 'why')


@pytest.mark.parametrize('name, hosts, said', [(name, (), 'no host matches all') for name in NAMES] + [
    ('where', ('--inventory', 'hosts', '--extra-vars', 'rescue_hosts=nobody'), 'no host matches nobody'),
    ('where', ('--inventory', 'hosts', '--limit', 'one', '--extra-vars', 'rescue_hosts=two'), 'no host matches two'),
    ('where', ('--inventory', 'hosts', '--limit', 'nobody'), 'leaves us with no hosts'),
])
def test_a_run_without_hosts_fails_with_a_sentence(run, name, hosts, said):
    play = run(f'oom.rescue.{name}', hosts=hosts)
    assert play.status != 0
    assert said in play.output


@pytest.mark.parametrize('core, options, environ', [
    ('newest', ('--extra-vars', 'rescue_serial=50%'), {}), ('2.16', ('--extra-vars', 'rescue_serial=2'), {}),
    ('newest', (), {'ANSIBLE_STRATEGY': 'free', 'ANSIBLE_PIPELINING': 'true'}),
    ('2.16', (), {'ANSIBLE_STRATEGY': 'host_pinned', 'ANSIBLE_PIPELINING': 'false'}),
])
def test_a_dead_host_and_the_others_are_told_whatever_the_strategy(run, core, options, environ):
    play = run('oom.rescue.remediate', *options, core=core, hosts=('--inventory', 'hosts'), environ=environ)
    assert play.status == 4, play.output
    assert {host['name']: host['status'] for host in play.report['hosts']}['gone'] == 'unreachable'
    assert all(tried(play, host) == FOUND for host in ('one', 'two', 'three')), play.output


def test_hosts_whose_turn_never_came_are_not_told_as_well(run):
    play = run('oom.rescue.remediate', '--extra-vars', 'rescue_serial=1', hosts=('--inventory', 'hosts'))
    assert play.status == 4, play.output
    assert {host['name']: host['status'] for host in play.report['hosts']} == {
        'one': 'ok', 'gone': 'unreachable', 'two': 'unreachable', 'three': 'unreachable'}
    assert 'two: Nothing is known of it yet' in play.summary


def test_the_nodes_python_need_not_be_on_the_controller(run):
    logs = json.dumps({'diagnose_controller_logs': [str(OUTAGE)], 'diagnose_host': False})
    play = run('oom.rescue.diagnose', '--extra-vars', logs, '--extra-vars', 'ansible_python_interpreter=/none/python3')
    assert play.status == 0, play.output
    assert 'RAM (988 MiB) ran out' in play.summary


@pytest.mark.parametrize('core, pwd', [('newest', None), ('newest', '/var'), ('2.16', None)])
def test_a_report_goes_below_the_working_directory_whatever_pwd_says(tmp_path, core, pwd):
    environ = {key: value for key, value in os.environ.items() if key != 'PWD' and not key.startswith('ANSIBLE_')}
    environ.update({'ANSIBLE_COLLECTIONS_PATH': str(ROOT / '.cache/collections')}, **({'PWD': pwd} if pwd else {}))
    done = subprocess.run([CORES[core] / 'ansible-playbook', 'oom.rescue.where', '-i', 'localhost,', '-c', 'local',
                           '-e', f'ansible_python_interpreter={sys.executable}'],
                          cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / 'oom-rescue-report/report.json').exists()


@pytest.mark.parametrize('entry, options, expected', [
    ('roles: [{role: oom.rescue.rescue, vars: {swap_size: 64M}}]', (), ('swap',)),
    ('tasks: [{ansible.builtin.include_role: {name: oom.rescue.rescue}, vars: {swappiness_value: 20}, tags: always}]',
     ('--tags', 'swappiness'), ('swappiness',)),
    ('roles: [{role: oom.rescue.rescue, vars: {rescue_action: rollback}}]', ('--tags', 'swap'), ('swap',)),
])
def test_one_role_is_the_entry_for_a_play_of_ones_own(run, tmp_path, entry, options, expected):
    (tmp_path / 'calm.log').write_text('nothing\n')
    (tmp_path / 'site.yml').write_text(f'- hosts: all\n  gather_facts: false\n  {entry}\n')
    calm = json.dumps({'diagnose_paths': [str(tmp_path / 'calm.log')], 'oom_protect_process': ''})
    play = run('site.yml', *options, '--extra-vars', calm)
    assert play.status == 0, play.output
    assert tried(play) == expected, play.output


def test_a_playbook_with_tags_and_roles_of_its_own(run, tmp_path):
    (tmp_path / 'site.yml').write_text(
        '- name: Rescue\n  ansible.builtin.import_playbook: oom.rescue.remediate\n  tags: memory\n')
    play = run('site.yml', '--tags', 'memory')
    assert play.status == 0, play.output
    assert tried(play) == FOUND


def test_memory_is_read_anew_whatever_a_cache_of_facts_holds(run, tmp_path):
    cache = tmp_path / 'cache'
    cache.mkdir()
    for name in ('one', 's1_one'):
        (cache / name).write_text(json.dumps({'memory': {'ram': {'total_bytes': 1}, 'oom': {'candidates': []}}}))
    play = run('oom.rescue.where', environ={'ANSIBLE_CACHE_PLUGIN': 'jsonfile',
                                            'ANSIBLE_CACHE_PLUGIN_CONNECTION': str(cache)})
    assert play.status == 0, play.output
    assert play.report['hosts'][0]['ledger']['total_bytes'] == os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE')


def test_the_verdict_is_among_the_statistics_if_they_are_asked_for(run):
    play = run('oom.rescue.diagnose', '--extra-vars', 'report_stats=true',
               environ={'ANSIBLE_SHOW_CUSTOM_STATS': 'true'})
    assert play.status == 0, play.output
    _before, found, stats = play.output.partition('CUSTOM STATS')
    assert found and 'the whole host ran out of memory' in ' '.join(stats.split()), play.output


def test_ansible_pull_runs_a_playbook_of_a_repository(tmp_path):
    repository = tmp_path / 'repository'
    repository.mkdir()
    (repository / 'site.yml').write_text(
        '- name: Say where the memory is\n  ansible.builtin.import_playbook: oom.rescue.where\n')
    for words in (['init', '-q'], ['add', '.'], ['-c', 'user.name=x', '-c', 'user.email=x@y', 'commit', '-qm', 'x']):
        subprocess.run(['git', '-C', repository, *words], check=True)
    report = tmp_path / 'report'
    play = Play([str(CORES['newest'] / 'ansible-pull'), '-U', f'file://{repository}', '-d', str(tmp_path / 'checkout'),
                 '-i', 'localhost,', '-e', f'report_dir={report}', '-e', f'ansible_python_interpreter={sys.executable}',
                 '-c', 'local', 'site.yml'], report,
                {'ANSIBLE_COLLECTIONS_PATH': str(ROOT / '.cache/collections')}, directory=tmp_path)
    assert play.status == 0, play.output
    assert play.report['hosts'][0]['status'] == 'ok'
