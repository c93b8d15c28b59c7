# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each role alone in somebody else's playbook, with its defaults and without gathered facts."""

import re
import sys

import pytest

PLAY = '''\
- hosts: {host}
  gather_facts: false
  roles:
    - role: oom.rescue.{role}
  tasks:
    - name: See what it leaves
      ansible.builtin.assert:
        that: {that}
'''
# What each role leaves. A play for each, of a host that no other play knows: they leave nothing to each other.
LEFT = {
    'diagnose': "diagnose_result.advice.cause is string and diagnose_result.elsewhere == []",
    'swap': "swap_result.path == '/swapfile'",
    'swappiness': 'swappiness_result.before.runtime is not none',
    'oom_protect': 'oom_protect_result.processes is defined',
    'report': 'true',
}
# Of a variable that may be meant otherwise.
MEANT = {
    'swap_sizee=1G': 'swap_sizee is no variable of this collection, and nothing reads it: did you mean swap_size?',
    'swap_file_size_mb=512': 'swap_file_size_mb is a variable of geerlingguy.swap and is not read here',
    'swap_size=2GB': '2GB is taken as 2 GiB',
}


@pytest.fixture(name='alone', scope='module')
def fixture_alone(playbook, tmp_path_factory):
    """The output of one run in which each role is alone on a host of its name."""
    path = tmp_path_factory.mktemp('alone') / 'play.yml'
    path.write_text(''.join(PLAY.format(host=role, role=role, that=that) for role, that in LEFT.items()))
    (path.parent / 'hosts').write_text(''.join(
        f'{role} ansible_connection=local ansible_python_interpreter={sys.executable}\n' for role in LEFT))
    return playbook(str(path), '--check', '--inventory', str(path.parent / 'hosts')).output


@pytest.mark.parametrize('role', LEFT)
def test_a_role_alone(alone, role):
    assert re.search(f'^{role} .*unreachable=0 .*failed=0 ', alone, re.MULTILINE), alone


def test_verify_alone_names_what_is_not_there(playbook, tmp_path):
    path = tmp_path / 'play.yml'
    path.write_text(PLAY.format(host='localhost', role='verify', that='true'))
    play = playbook(str(path), '--extra-vars', 'swap_path=/oom-rescue-not-there.swap')
    assert play.status != 0
    assert 'swap of /oom-rescue-not-there.swap: still to do: make /oom-rescue-not-there.swap' in play.output


def test_what_may_be_meant_otherwise_is_told_once(playbook, tmp_path):
    path = tmp_path / 'play.yml'
    path.write_text(PLAY.format(host='localhost', role='swap', that='true'))
    play = playbook(str(path), '--check', *(word for variable in MEANT for word in ('--extra-vars', variable)))
    assert play.status == 0, play.output
    assert {said: play.output.replace('\n', ' ').count(said) for said in MEANT.values()} == dict.fromkeys(
        MEANT.values(), 1)
