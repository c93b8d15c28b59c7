# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several hosts in one play: one that fails or gives no answer does not stop the others, and all are in the summary."""

import sys

import pytest

INVENTORY = f'''\
[all:vars]
ansible_python_interpreter={sys.executable}
[all]
bad ansible_connection=local swap_path=/etc/ssl
gone ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1
fine ansible_connection=local swap_path=/nonexistent-swapfile
'''


@pytest.fixture(scope='module', name='play')
def fixture_play(make, tmp_path_factory):
    inventory = tmp_path_factory.mktemp('inventory') / 'hosts'
    inventory.write_text(INVENTORY)
    return make('rescue', CHECK=1, INVENTORY=inventory)


@pytest.mark.parametrize('words', [
    pytest.param('bad: STOPPED: swap: /etc/ssl is a directory', id='the remedy that failed, and why'),
    pytest.param('gone: STOPPED: it gave no answer', id='the host without an answer'),
    pytest.param('fine: would change: swap', id='the host that went on'),
])
def test_each_host_has_its_line(play, words):
    assert any(line.startswith(words) for line in play.lines), play.output


def test_a_failed_host_is_a_failed_run(play):
    assert play.status != 0


def test_why_a_host_gave_no_answer_is_shown(play):
    assert 'UNREACHABLE' in play.output and 'Connection refused' in play.output


def test_a_limit_leaves_the_others_out(make, tmp_path):
    inventory = tmp_path / 'hosts'
    inventory.write_text(INVENTORY)
    play = make('rescue', CHECK=1, INVENTORY=inventory, LIMIT='fine')
    assert play.status == 0, play.output
    assert play.lines[0] == 'Check mode: nothing was changed.'
    assert 'bad' not in play.summary and 'gone' not in play.summary
