# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a killed run left half written is told from what somebody else put there under such a name."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files import writer


def _file(path):
    path.write('half')


def _of_another_user(path):
    path.write('half')
    os.chown(str(path), 4711, -1)


def _of_two_names(path):
    path.write('half')
    os.link(str(path), str(path) + '.other')


@pytest.mark.parametrize('make, leftover', [
    (_file, True), (lambda path: None, False), (lambda path: path.ensure(dir=True), False),
    (lambda path: path.mksymlinkto('/etc/passwd'), False), (lambda path: os.mkfifo(str(path)), False),
    (_of_two_names, False), (_of_another_user, False),
], ids=['a file', 'nothing', 'a directory', 'a link', 'a FIFO', 'a file of two names', 'of another user'])
def test_a_leftover_is_a_file_of_our_own_with_no_other_name(tmpdir, make, leftover):
    if make is _of_another_user and os.geteuid() != 0:
        pytest.skip('only root gives a file away')
    path = writer.temporary_of(str(tmpdir.join('fstab')))
    make(tmpdir.join(os.path.basename(path)))
    assert writer.is_leftover(path) is leftover


@pytest.mark.parametrize('name', ['fstab', 'fstab.oom-rescue-', '.oom-rescue'])
def test_a_file_of_another_name_is_no_leftover(tmpdir, name):
    tmpdir.join(name).write('x')
    assert writer.is_leftover(str(tmpdir.join(name))) is False


def test_the_new_content_of_a_file_is_written_beside_it():
    assert writer.temporary_of('/etc/fstab') == '/etc/.oom-rescue-fstab'
