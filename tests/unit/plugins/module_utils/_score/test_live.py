# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""With real processes: what holds of a number does not hold of the process that has it."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import os
import subprocess
import time

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host
from ansible_collections.oom.rescue.plugins.module_utils._node.pinned import Pinned
from ansible_collections.oom.rescue.plugins.module_utils._node.processes import process
from ansible_collections.oom.rescue.plugins.module_utils._score.apply import _write_live

NOBODY = {'lowering_refused': None}


@pytest.fixture(name='shell')
def fixture_shell():
    """A shell that becomes sleep once it is written to."""
    child = subprocess.Popen(['sh', '-c', 'read line; exec sleep 60'], stdin=subprocess.PIPE)
    host = Host()
    deadline = time.time() + 10
    while 'sh' not in (process(host, child.pid)['exe'] or '').rsplit('/', 1)[-1]:
        assert time.time() < deadline
    yield child
    if child.poll() is None:
        child.kill()
    child.communicate()


def become_sleep(child):
    before = process(Host(), child.pid)['exe']
    child.stdin.write(b'\n')
    child.stdin.flush()
    deadline = time.time() + 10
    while process(Host(), child.pid)['exe'] == before:
        assert time.time() < deadline


def action_for(child, value):
    row = process(Host(), child.pid)
    return {'pid': child.pid, 'name': 'sh', 'start_ticks': row['start_ticks'], 'exe': row['exe'],
            'before': row['oom_score_adj'], 'after': value}


def score_of(child):
    return process(Host(), child.pid)['oom_score_adj']


def test_a_held_process_is_the_one_that_process_reads(shell):
    row = process(Host(), shell.pid)
    with Pinned(Host(), shell.pid) as held:
        assert held.identity() == (row['start_ticks'], row['exe'])
        assert int(held.read('oom_score_adj')) == row['oom_score_adj']


def test_a_process_gets_its_score_and_gives_it_back_if_a_later_step_fails(shell):
    host, action = Host(), action_for(shell, 900)
    with pytest.raises(ValueError):
        with host.whole():
            assert _write_live(host, action, NOBODY) is None
            assert score_of(shell) == 900
            raise ValueError('a later step')
    assert score_of(shell) == action['before']


def test_a_score_that_cannot_be_given_back_is_said(shell, monkeypatch):
    host, action, write = Host(), action_for(shell, 900), Pinned.write

    def refused(held, name, text):
        if int(text) < 900:
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        write(held, name, text)
    monkeypatch.setattr(Pinned, 'write', refused)
    with pytest.raises(RescueError) as caught:
        with host.whole():
            assert _write_live(host, action, NOBODY) is None
            raise RescueError('a later step failed')
    assert 'a later step failed; putting back what was there failed as well: oom_score_adj of sh' in str(caught.value)
    assert caught.value.changed


def test_a_program_that_called_exec_since_gets_no_score(shell):
    action = action_for(shell, 900)
    become_sleep(shell)
    assert 'runs another program' in _write_live(Host(), action, NOBODY)
    assert score_of(shell) == action['before']


def test_a_program_that_calls_exec_while_it_is_written_to_gets_no_score(shell, monkeypatch):
    action, write = action_for(shell, 900), Pinned.write

    def exec_first(held, name, text):
        if shell.stdin:
            become_sleep(shell)
            shell.stdin = None
        write(held, name, text)
    monkeypatch.setattr(Pinned, 'write', exec_first)
    assert 'runs another program' in _write_live(Host(), action, NOBODY)
    assert score_of(shell) == action['before']


def test_a_number_that_another_process_has_by_now_gets_no_score(shell):
    action = dict(action_for(shell, 900), start_ticks=1)
    assert 'another process' in _write_live(Host(), action, NOBODY)
    assert score_of(shell) == action['before']


def test_a_process_that_ended_gets_no_score_though_its_number_is_taken_again(shell):
    action = action_for(shell, 900)
    with Pinned(Host(), shell.pid) as held:
        shell.kill()
        shell.wait()
        for use in (held.identity, lambda: held.write('oom_score_adj', '900'), lambda: held.read('oom_score_adj')):
            with pytest.raises((IOError, OSError)) as caught:
                use()
            assert caught.value.errno in (errno.ENOENT, errno.ESRCH)
    assert 'ended meanwhile' in _write_live(Host(), action, NOBODY)
    assert not os.path.exists('/proc/%d/oom_score_adj' % shell.pid)
