# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import time

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files.command import run


def test_the_output_of_a_program_is_told_apart_and_whole():
    rc, out, err = run(['sh', '-c', 'head -c 300000 /dev/zero; echo bad >&2; exit 3'])
    assert (rc, len(out), err) == (3, 300000, b'bad\n')


@pytest.mark.slow
@pytest.mark.parametrize('script', [
    'sleep 600',
    'trap "" TERM; echo begun; sleep 600',
    'sleep 600 & wait',
    'while :; do :; done',
], ids=['sleeps', 'ignores TERM', 'waits for its child', 'works'])
def test_a_program_that_hangs_is_ended_with_its_children_and_named(script):
    began = time.time()
    rc, _out, err = run(['sh', '-c', script], seconds=0.5)
    assert (rc, time.time() - began < 60) == (124, True)
    assert err == b'sh gave no answer within 0 seconds and was ended'


def test_a_child_that_stays_and_holds_the_output_open_is_not_waited_for():
    began = time.time()
    assert run(['sh', '-c', 'echo here; sleep 90 &'], seconds=85)[:2] == (0, b'here\n')
    assert time.time() - began < 60


def test_a_program_reads_nothing_of_ours():
    assert run(['cat'])[:2] == (0, b'')


@pytest.mark.parametrize('name', ['/nonexistent/tool', '/etc/hostname/tool', '/dev/null'])
def test_a_program_that_is_not_there_is_named(name):
    rc, _out, err = run([name])
    assert (rc, err.decode()) == (127, '%s is not on this host' % name)
