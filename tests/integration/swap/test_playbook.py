# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody who runs a playbook sees: how far a long write is, and that the task needs root."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
PLAY = '''\
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Make a swap file by writing it
      oom.rescue.swap_file:
        path: {path}
        size: 40M
        reserve: 0
        allocate: write
        active: false
        persist: none
    - name: Take it away
      oom.rescue.swap_file:
        path: {path}
        state: restored
'''


@pytest.mark.skipif(not shutil.which('strace'), reason='strace is not on this host')
def test_a_long_write_shows_how_far_it_is(make_root, tmp_path):
    slow = tmp_path / 'python'
    slow.write_text('#!/bin/sh\nexec strace -o /dev/null -e trace=write -e inject=write:delay_enter=600000 %s "$@"\n'
                    % sys.executable)
    slow.chmod(0o755)
    play = tmp_path / 'play.yml'
    play.write_text(PLAY.format(path=make_root('ext4').path / 'swapfile'))
    done = subprocess.run([str(REPOSITORY / '.venv/bin/ansible-playbook'), str(play),
                           '--extra-vars', 'ansible_python_interpreter=%s' % slow], cwd=str(REPOSITORY),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True, check=False)
    assert done.returncode == 0, done.stdout
    told = re.findall(r'swap_file on localhost: (\d+) MiB of 40 MiB written to /', done.stdout)
    told = [int(number) for number in told]
    assert told and told == sorted(told) and told[-1] <= 40, done.stdout
    assert not pathlib.Path('/run/oom-rescue-swap_file').exists()


def test_a_task_without_become_is_told_to_have_it():
    ansible = str(REPOSITORY / '.venv/bin/ansible')
    # su, as root, to be somebody else; pipelining, as that one may not read root's files.
    done = subprocess.run(
        [ansible, 'localhost', '-m', 'oom.rescue.swap_file', '--become', '--become-method', 'su', '--become-user',
         'nobody', '--extra-vars', "ansible_become_flags='-s /bin/sh' ansible_python_interpreter=/usr/bin/python3"],
        cwd=str(REPOSITORY), env=dict(os.environ, ANSIBLE_PIPELINING='1'), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, universal_newlines=True, check=False)
    assert done.returncode != 0 and 'run this task with become' in done.stdout, done.stdout
