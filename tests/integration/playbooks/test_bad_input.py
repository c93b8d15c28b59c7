# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input: one clear line, an exit status that is not 0, and not even a plan of a change."""

import re
import sys

import pytest
from conftest import ROOT, Play

HERE = ('--extra-vars', 'rescue_hosts=localhost')


# Hosts of one inventory, each of which is this machine with one wish that cannot be.
WISHES = {
    'a-size-larger-than-the-disk': ('swap_size=900T', 'no room for 900 TiB'),
    'a-size-that-is-none': ('swap_size=many', "'many' is not a size"),
    'a-path-that-is-a-directory': ('swap_path=/etc', '/etc is a directory'),
    'a-negative-swappiness': ('swappiness_value=-5', 'value -5 is out of range'),
    'a-swappiness-that-is-no-number': ('swappiness_value=low', 'cannot be converted to an int'),
    'a-score-that-no-kernel-takes': ('oom_protect_value=-2000', 'value -2000 is out of range'),
}


@pytest.fixture(scope='module', name='refused')
def fixture_refused(make, tmp_path_factory):
    inventory = tmp_path_factory.mktemp('inventory') / 'hosts'
    inventory.write_text(f'[all:vars]\nansible_python_interpreter={sys.executable}\n[all]\n' + ''.join(
        f'{name} ansible_connection=local {wish}\n' for name, (wish, _words) in WISHES.items()))
    return make('rescue', CHECK=1, INVENTORY=inventory)


@pytest.mark.parametrize('name', WISHES)
def test_a_remedy_that_cannot_be_is_refused_before_the_first_change(refused, name):
    assert refused.status != 0
    assert f'{name}: STOPPED' in refused.told and WISHES[name][1] in refused.error_of(name)
    assert re.search(f'^{name} .*changed=0 ', refused.output, re.MULTILINE)
    assert 'Traceback' not in refused.output


@pytest.mark.parametrize('run', ['make', 'playbook'])
def test_a_log_that_does_not_exist(request, run):
    if run == 'make':
        play = request.getfixturevalue('make')('diagnose', LOG='/nonexistent/messages')
    else:
        play = request.getfixturevalue('playbook')('oom.rescue.diagnose', *HERE, '--extra-vars',
                                                   '{"diagnose_controller_logs": ["/nonexistent/messages"]}')
    assert play.status != 0
    assert play.lines[0].startswith('/nonexistent/messages: It could not be read')


def test_a_host_without_python(make, tmp_path):
    inventory = tmp_path / 'hosts'
    inventory.write_text('bare ansible_connection=local ansible_python_interpreter=/nonexistent/python3\n')
    play = make('rescue', CHECK=1, INVENTORY=inventory)
    assert play.status != 0
    assert play.lines[0].startswith('bare: STOPPED: diagnose: ')
    assert '/nonexistent/python3' in play.told


def test_a_user_who_cannot_become_root_is_told_what_to_do(tmp_path):
    # root is root already: Ansible asks sudo all the same.
    play = Play(['make', '--no-print-directory', 'rescue', 'CHECK=1', f'REPORT={tmp_path}',
                 'ARGS=--extra-vars ansible_become_exe=/nonexistent/sudo'],
                tmp_path / 'latest', {'ANSIBLE_BECOME_ALLOW_SAME_USER': '1'})
    assert play.status != 0
    assert play.lines[0].startswith('localhost: STOPPED: diagnose: cannot become root (')
    assert '/nonexistent/sudo: not found' in play.told
    assert 'run as root, give the user sudo, or' in play.told and 'ARGS=--ask-become-pass' in play.told


@pytest.mark.parametrize('module, arguments', [('swappiness', 'value=10'), ('oom_score_adj', 'process=mysqld')])
def test_a_task_without_become_is_told_to_have_it(tmp_path, module, arguments):
    # su, as root, to be somebody else; pipelining, as that one may not read root's files.
    play = Play([str(ROOT / '.venv/bin/ansible'), 'localhost', '-m', f'oom.rescue.{module}', '-a', arguments,
                 '--become', '--become-method', 'su', '--become-user', 'nobody', '--extra-vars',
                 "ansible_become_flags='-s /bin/sh' ansible_python_interpreter=/usr/bin/python3"],
                tmp_path, {'ANSIBLE_PIPELINING': '1'})
    assert play.status != 0 and 'run this task with become' in play.output, play.output


def test_an_inventory_that_does_not_exist(make):
    play = make('diagnose', INVENTORY='/nonexistent/hosts')
    assert play.status != 0
    assert '/nonexistent/hosts' in play.output
