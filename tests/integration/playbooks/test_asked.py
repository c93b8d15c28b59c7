# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host to which nothing happened is changed only if its user asked for it, wherever a user sets variables."""

import json
import sys

import pytest
from conftest import ROOT, Play

CORES = {'newest': '.venv/bin/ansible-playbook', '2.16': '.cache/core-2.16/bin/ansible-playbook'}
# What a node says of itself, by the names of the variables that ask for a remedy.
FACTS = {'swap_size': '64M', 'swappiness_value': 20, 'oom_protect_process': 'init', 'rescue_by_rule': True,
         'rescue_chosen': {'remedies': {}}}
HOSTILE = '#!/bin/sh\necho \'%s\'\n' % json.dumps({'changed': False, 'ansible_facts': FACTS})
# Each host of one inventory, where its user set something, and the remedies that this asks for.
HOSTS = {
    'untouched': ('', ()),
    'how': ('swap_reserve=1G oom_protect_keep=true swappiness_conflicts=fail', ()),
    'emptied': ("""swap_size='{{ omit }}' oom_protect_process=''""", ()),
    'hostile': ('', ()),
    'swap': ('swap_size=64M', ('swap',)),
    'score': ('oom_protect_process="[\'sshd\', \'cron\']" oom_protect_allow_missing=true', ('oom_protect',)),
    'by-group': ('', ('swappiness',)),
    'by-host-vars': ('', ('oom_protect',)),
    'by-set-fact': ('', ('swap',)),
    'by-rule': ('rescue_by_rule=true', ('swap', 'swappiness', 'oom_protect')),
}
FIRST = '''\
- name: What comes before in the same run
  hosts: all
  gather_facts: false
  tasks:
    - name: Hear what a node says of itself
      hostile:
      when: inventory_hostname == 'hostile'
    - name: Set a variable
      ansible.builtin.set_fact:
        swap_size: 64M
      when: inventory_hostname == 'by-set-fact'

- name: Remediate
  ansible.builtin.import_playbook: oom.rescue.remediate
'''
PLAY_VARS = '''\
- name: Remediate
  ansible.builtin.import_playbook: oom.rescue.remediate
  vars:
    swappiness_value: 20
'''
FILES = {
    'library/hostile': HOSTILE,
    'group_vars/grouped.yml': 'swappiness_value: 20\n',
    'host_vars/by-host-vars.yml': 'oom_protect_unit: sshd.service\noom_protect_allow_missing: true\n',
    'calm.log': 'nothing happens here\n',
    'first.yml': FIRST,
    'play_vars.yml': PLAY_VARS,
}
INVENTORY = f'''\
[all:vars]
ansible_connection=local
ansible_python_interpreter={sys.executable}
[grouped]
by-group
[all]
'''
# Other tests have swap on and servers running meanwhile, which are this host's: what it would get depends on them.
BY_RULE = 'By rule this host would get '


def remediate(directory, core, playbook, *options):
    for name, text in FILES.items():
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    (directory / 'library/hostile').chmod(0o755)
    rows = ''.join(f'{name} {words}\n' for name, (words, _asked) in HOSTS.items())
    (directory / 'hosts').write_text(INVENTORY + rows)
    log = {'diagnose_sources': 'files', 'diagnose_paths': [str(directory / 'calm.log')],
           'report_dir': str(directory / 'report')}
    return Play([str(ROOT / CORES[core]), '--check', '-i', str(directory / 'hosts'), playbook, '--extra-vars',
                 json.dumps(log), *options], directory / 'report',
                {'ANSIBLE_COLLECTIONS_PATH': str(ROOT / '.cache/collections'), 'ANSIBLE_PIPELINING': '0'},
                directory=directory)


def applied(play):
    """{host: the remedies that were tried}."""
    names = {'score': 'oom_protect'}
    return {host['name']: tuple(names.get(change['remedy'], change['remedy']) for change in host['changes'])
            for host in play.report['hosts']}


@pytest.fixture(params=CORES, name='play', scope='module')
def fixture_play(request, tmp_path_factory):
    return remediate(tmp_path_factory.mktemp('asked'), request.param, 'first.yml', '-vvv')


@pytest.mark.parametrize('host', HOSTS)
def test_what_was_set_for_a_healthy_host_is_tried_and_nothing_else(play, host):
    assert applied(play)[host] == HOSTS[host][1], play.output


def test_the_diagnosis_of_each_host_asks_what_follows_wherever_it_was_set(play):
    assert play.module_runs == ['rescue_info'] * len(HOSTS)


@pytest.mark.parametrize('host', [host for host, (_words, asked) in HOSTS.items() if not asked])
def test_a_host_that_is_left_alone_is_told_what_it_would_get(play, host):
    page = play.page.replace('\n', ' ')
    assert 'nothing happened' in page.partition(f'>{host}</h2>')[2].partition('</article>')[0]


@pytest.mark.parametrize('playbook, options, remedies', [
    ('oom.rescue.remediate', ('--extra-vars', 'swap_size=64M'), ('swap',)),
    ('play_vars.yml', (), ('swappiness',)),
])
def test_what_was_set_for_a_run_is_tried(tmp_path, playbook, options, remedies):
    play = remediate(tmp_path, 'newest', playbook, '--limit', 'untouched', *options)
    assert play.status == 0, play.output
    assert applied(play) == {'untouched': remedies}


def test_a_healthy_host_alone_is_told_in_full(tmp_path):
    play = remediate(tmp_path, 'newest', 'oom.rescue.remediate', '--limit', 'untouched')
    assert play.status == 0, play.output
    assert 'changed=0' in play.output
    assert 'Nothing happened here. ' + BY_RULE in play.told
