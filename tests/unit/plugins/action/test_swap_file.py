# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The progress of a long write is shown as the node tells it, each step once, until the module has ended."""

from __future__ import absolute_import, division, print_function

import importlib
import subprocess
import threading
import types

import pytest

pytest.importorskip('ansible')

from ansible_collections.oom.rescue.plugins.module_utils._swap import progress  # noqa: E402

action = importlib.import_module('ansible_collections.oom.rescue.plugins.action.swap_file')


class Node:
    """A connection that runs commands here; ``after`` is called with the number of each before it runs."""

    def __init__(self, after):
        self.after, self.asked = after, 0

    def exec_command(self, command, sudoable):
        assert sudoable is False
        self.asked += 1
        self.after(self.asked)
        done = subprocess.Popen(['sh', '-c', command], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, error = done.communicate()
        return done.returncode, out, error


@pytest.fixture(name='watch')
def fixture_watch(tmp_path, monkeypatch):
    """``watch(texts)``: what is shown of a node whose file holds each of the texts in turn, None for no file."""
    told = tmp_path / 'progress'
    monkeypatch.setattr(progress, 'PATH', str(told))
    monkeypatch.setattr(action, 'SECONDS', 0.001)

    def watch(texts, arguments=None, end_during=None):
        shown, ended = [], threading.Event()

        def after(number):
            if number > len(texts):
                ended.set()
            elif texts[number - 1] is None:
                told.unlink()
            else:
                told.write_text(texts[number - 1])
            if number == end_during:
                ended.set()

        monkeypatch.setattr(action, 'Display', lambda: types.SimpleNamespace(display=shown.append))
        plugin = action.ActionModule.__new__(action.ActionModule)
        plugin._connection = Node(after)
        plugin._task = types.SimpleNamespace(args=arguments or {})
        plugin._watch(ended, 'web')
        return shown
    return watch


def line(done, path='/swapfile'):
    return 'swap_file on web: %s of 2 GiB written to %s' % (done, path)


def told(done):
    return '%s of 2 GiB written to /swapfile\n' % done


def test_each_step_is_shown_once(watch):
    assert watch([told('12 MiB'), told('12 MiB'), told('1 GiB'), None]) == [line('12 MiB'), line('1 GiB')]


def test_the_path_is_the_task_s_own_and_not_what_the_node_says(watch):
    assert watch(['12 MiB of 2 GiB written to \x1b[31m/etc/shadow\n'], {'path': '/data/swap'}) == [
        line('12 MiB', '/data/swap')]


@pytest.mark.parametrize('text', ['', 'all is well\n', '\x1b[2J12 MiB of 2 GiB written to /swapfile\n', 'x' * 9999])
def test_what_is_no_progress_is_not_shown(watch, text):
    assert watch([text]) == []


def test_nothing_is_shown_once_the_module_has_ended(watch):
    assert watch([told('12 MiB')], end_during=1) == []


def test_a_connection_that_fails_ends_the_watch_without_a_word(watch, monkeypatch):
    def broken(_self, _command, sudoable):
        raise OSError('gone')

    monkeypatch.setattr(Node, 'exec_command', broken)
    assert watch([told('12 MiB')]) == []
