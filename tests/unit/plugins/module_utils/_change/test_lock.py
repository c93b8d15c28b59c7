# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import fcntl
import os
import re

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._change import lock
from ansible_collections.oom.rescue.plugins.module_utils._change.record import DIRECTORY
from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host


@pytest.fixture(name='host')
def fixture_host(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, 'WAIT_SECONDS', 0)
    (tmp_path / 'run').mkdir()
    return Host(root=str(tmp_path))


def test_one_run_holds_off_another_by_its_name_and_leaves_nothing(host):
    with lock.one_run(host, 'swappiness'):
        assert host.listdir('/run') == ['oom-rescue.lock']
        assert os.stat(host.path('/run/oom-rescue.lock')).st_mode & 0o777 == 0o600
        with pytest.raises(RescueError) as caught:
            with lock.one_run(host, 'swap_file'):
                pytest.fail('two runs at once')
        assert re.search(r'another run is at work on this host \(pid %d, swappiness\)' % os.getpid(), str(caught.value))
    with lock.one_run(host, 'swap_file'):
        assert host.read('/run/oom-rescue.lock') == 'pid %d, swap_file' % os.getpid()
    assert host.listdir('/run') == []


def test_what_a_killed_run_left_of_the_lock_holds_nobody_off(host):
    host.replace('/run/oom-rescue.lock', 'pid 1, swap_file', 0o600)
    with lock.one_run(host, 'swappiness'):
        pass
    assert host.listdir('/run') == []


def test_a_wait_for_a_name_that_was_taken_away_is_a_wait_for_the_next(host, monkeypatch):
    """A run that opened the file of one that ends then holds a file without a name, as which nobody else waits."""
    path, named = host.path('/run/oom-rescue.lock'), []
    flock = fcntl.flock

    def taken_away(descriptor, how):
        flock(descriptor, how)
        if not named:
            os.unlink(path)
        named.append(descriptor)
    monkeypatch.setattr(fcntl, 'flock', taken_away)
    with lock.one_run(host, 'swappiness'):
        assert len(named) == 2 and os.path.exists(path)


def test_a_host_where_nothing_can_be_written_needs_no_lock_and_has_its_say(host, monkeypatch):
    really = os.open

    def refuse(path, *rest):
        if str(path).endswith('.lock'):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)
        return really(path, *rest)
    monkeypatch.setattr(lock.os, 'open', refuse)
    with lock.one_run(host, 'swappiness'):
        assert host.listdir('/run') == []


@pytest.mark.parametrize('spoil, words', [
    (lambda run: os.chmod(run, 0o777), 'anybody may write to /run'),
    (lambda run: os.chown(run, 65534, 0), 'the user 65534 owns /run'),
    (lambda run: os.symlink('/etc/passwd', run + '/oom-rescue.lock'), 'is a link or a directory'),
    (lambda run: os.mkdir(run + '/oom-rescue.lock'), 'is a link or a directory'),
    (lambda run: (open(run + '/oom-rescue.lock', 'w').close(), os.chmod(run + '/oom-rescue.lock', 0o644)),
     'mode 0644, and has to be a file of root'),
    (lambda run: (open(run + '/oom-rescue.lock', 'w').close(), os.chown(run + '/oom-rescue.lock', 65534, 0)),
     'owner 65534'),
    (lambda run: os.mkfifo(run + '/oom-rescue.lock', 0o600), 'has to be a file'),
], ids=['open directory', 'directory of another', 'link', 'directory', 'open to readers', 'of another', 'pipe'])
def test_a_lock_that_others_could_hold_is_refused(host, spoil, words):
    spoil(host.path('/run'))
    with pytest.raises(RescueError, match=words):
        with lock.one_run(host, 'swappiness'):
            pytest.fail('it was taken')


def leave(host, path, text='half', owner=0):
    host.make_directory(os.path.dirname(path))
    with open(host.path(path), 'w') as stream:
        stream.write(text)
    os.chown(host.path(path), owner, 0)


def test_what_killed_runs_left_is_cleared_and_nothing_else(host):
    gone = ['/etc/.oom-rescue-fstab', '/etc/sysctl.d/.oom-rescue-x.conf',
            '/etc/systemd/system/mariadb.service.d/.oom-rescue-50-oom-rescue.conf',
            DIRECTORY + '/.oom-rescue-swap.json']
    stays = ['/etc/oom-rescue-fstab', '/etc/.oom-rescue', '/root/.oom-rescue-mine']
    for path in gone + stays:
        leave(host, path)
    leave(host, '/etc/sysctl.d/.oom-rescue-theirs', owner=65534)
    os.symlink('/etc/oom-rescue-fstab', host.path('/etc/.oom-rescue-link'))
    with lock.one_run(host, 'swappiness'):
        pass
    assert not [path for path in gone if host.exists(path)]
    assert not [path for path in stays if not host.exists(path)]
    assert host.exists('/etc/sysctl.d/.oom-rescue-theirs') and host.exists('/etc/.oom-rescue-link')


def test_a_file_that_was_being_written_in_place_gets_its_old_content(host, tmp_path):
    leave(host, '/etc/fstab', 'new te')
    leave(host, DIRECTORY + '/etc-fstab.in-place', host.path('/etc/fstab') + '\nthe old\ntext')
    with lock.one_run(host, 'swap_file'):
        assert host.read('/etc/fstab') == 'the old\ntext'
    assert not host.exists(DIRECTORY)


@pytest.mark.parametrize('spoil, words', [
    (lambda path: os.symlink('/tmp', path), 'is a symbolic link'),
    (lambda path: open(path, 'w').close(), 'is no directory'),
    (lambda path: (os.mkdir(path), os.chmod(path, 0o777)), 'anybody may write to ' + DIRECTORY),
    (lambda path: (os.mkdir(path), os.chmod(path, 0o1777)), 'anybody may write to ' + DIRECTORY),
    (lambda path: (os.mkdir(path), os.chown(path, 65534, 0)), 'the user 65534 owns ' + DIRECTORY),
    (lambda path: (os.mkdir(path), os.chmod(os.path.dirname(path), 0o777)), 'anybody may write to /var/lib'),
], ids=['link', 'file', 'open', 'sticky', 'of another', 'below an open one'])
def test_records_that_others_could_have_written_are_refused(host, spoil, words):
    os.makedirs(host.path('/var/lib'), 0o755)
    spoil(host.path(DIRECTORY))
    with pytest.raises(RescueError, match=words):
        with lock.one_run(host, 'swappiness'):
            pytest.fail('they were believed')
    assert host.listdir('/run') == []


@pytest.mark.parametrize('directory, mode, refused', [
    (0o700, 0o666, False), (0o700, 0o644, False), (0o755, 0o644, False), (0o755, 0o666, True), (0o711, 0o602, True),
])
def test_records_are_for_root_alone_again_and_refused_if_others_could_change_them(host, directory, mode, refused):
    leave(host, DIRECTORY + '/swap.json', '{}')
    os.chmod(host.path(DIRECTORY + '/swap.json'), mode)
    os.chmod(host.path(DIRECTORY), directory)
    if refused:
        with pytest.raises(RescueError, match='swap.json has mode %04o' % mode):
            with lock.one_run(host, 'swappiness'):
                pytest.fail('it was believed')
        return
    with lock.one_run(host, 'swappiness'):
        pass
    assert [os.stat(host.path(path)).st_mode & 0o7777 for path in (DIRECTORY, DIRECTORY + '/swap.json')] == [
        0o700, 0o600]
