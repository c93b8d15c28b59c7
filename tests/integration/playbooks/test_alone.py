# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each role alone in somebody else's playbook, with its defaults and without gathered facts."""

import pytest

PLAY = '''\
- hosts: localhost
  gather_facts: false
  roles:
    - role: oom.rescue.{role}
  tasks:
    - name: See what it leaves
      ansible.builtin.assert:
        that: {that}
'''


@pytest.mark.parametrize('role, that', [
    ('diagnose', "diagnose_result.advice.cause is string and diagnose_result.elsewhere == []"),
    ('swap', "swap_result.path == '/swapfile'"),
    ('swappiness', 'swappiness_result.before.runtime is not none'),
    ('oom_protect', 'oom_protect_result.processes is defined'),
    ('report', 'true'),
])
def test_a_role_alone(playbook, tmp_path, role, that):
    path = tmp_path / 'play.yml'
    path.write_text(PLAY.format(role=role, that=that))
    play = playbook(str(path), '--check')
    assert play.status == 0, play.output


def test_verify_alone_names_what_is_not_there(playbook, tmp_path):
    path = tmp_path / 'play.yml'
    path.write_text(PLAY.format(role='verify', that='true'))
    play = playbook(str(path), '--extra-vars', 'swap_path=/oom-rescue-not-there.swap')
    assert play.status != 0
    assert 'swap of /oom-rescue-not-there.swap: still to do: make /oom-rescue-not-there.swap' in play.output


@pytest.mark.parametrize('variable, said', [
    ('swap_sizee=1G', 'swap_sizee is no variable of this collection, and nothing reads it: did you mean swap_size?'),
    ('swap_file_size_mb=512', 'swap_file_size_mb is a variable of geerlingguy.swap and is not read here'),
    ('swap_size=2GB', '2GB is taken as 2 GiB'),
])
def test_what_may_be_meant_otherwise_is_told_once(playbook, tmp_path, variable, said):
    path = tmp_path / 'play.yml'
    path.write_text(PLAY.format(role='swap', that='true'))
    play = playbook(str(path), '--check', '--extra-vars', variable)
    assert play.status == 0, play.output
    assert play.output.replace('\n', ' ').count(said) == 1
