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
