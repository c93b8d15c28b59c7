# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import shutil

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host
from ansible_collections.oom.rescue.plugins.module_utils._files.overlay import Overlay
from ansible_collections.oom.rescue.plugins.module_utils._files.snapshot import Snapshot

PATHS = ['/etc/plain', '/etc/link', '/etc/far', '/etc/dangling', '/etc/loop', '/etc/dir', '/etc/linked', '/etc/none',
         '/etc/sub/../plain']


@pytest.fixture(name='host')
def fixture_host(tmp_path):
    os.makedirs(str(tmp_path / 'etc/dir'))
    for name in ('plain', 'dir/a', 'dir/b'):
        (tmp_path / 'etc' / name).write_text(u'the text of ' + name)
    for name, target in (('link', 'plain'), ('far', '/etc/link'), ('dangling', 'nowhere'), ('loop', 'loop'),
                         ('linked', 'dir')):
        os.symlink(target, str(tmp_path / 'etc' / name))
    return Host(root=str(tmp_path))


def seen(host, path):
    view = Overlay(host)
    return view.read(path), view.readlink(path), view.exists(path), view.is_directory(path), view.listdir(path)


def test_a_snapshot_shows_what_the_host_does_also_once_that_is_gone(host):
    expected = [seen(host, path) for path in PATHS]
    assert expected[2][0] == 'the text of plain' and expected[6][4] == ['a', 'b']
    taken = Snapshot(host, PATHS)
    shutil.rmtree(host.root)
    assert [seen(taken, path) for path in PATHS] == expected


def test_what_was_not_taken_is_not_there(host):
    assert seen(Snapshot(host, ['/etc/dir']), '/etc/dir/a') == (None, None, False, False, [])
    assert seen(Snapshot(host, ['/etc/far']), '/etc/plain')[0] == 'the text of plain', 'what a link leads to is taken'


def test_a_file_that_cannot_be_read_is_there_without_a_text(host):
    os.mkfifo(host.path('/etc/fifo'))
    os.symlink('fifo', host.path('/etc/to-fifo'))
    taken = Snapshot(host, ['/etc/plain', '/etc/to-fifo'])
    assert seen(taken, '/etc/fifo') == (None, None, True, False, [])
    problem = Overlay(host).problem('/etc/to-fifo')
    assert 'FIFO' in problem and Overlay(taken).problem('/etc/to-fifo') == problem
    assert Overlay(taken).problem('/etc/plain') is None
