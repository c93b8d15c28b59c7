# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that hang, never end, are nothing, or are larger than memory, where a configuration is expected."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import os
import socket
import subprocess
import sys
import time

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._change.record import State
from ansible_collections.oom.rescue.plugins.module_utils._facts.memory_facts import memory_facts
from ansible_collections.oom.rescue.plugins.module_utils._files import reader
from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host
from ansible_collections.oom.rescue.plugins.module_utils._files.overlay import Overlay
from ansible_collections.oom.rescue.plugins.module_utils._files.reader import Unreadable
from ansible_collections.oom.rescue.plugins.module_utils._swappiness.facts import read_facts
from ansible_collections.oom.rescue.plugins.module_utils._swappiness.plan import plan
from fake_node import seed_node
from fake_sysctl_node import SysctlNode

MIB = 1 << 20
# Seconds after which a read is taken to hang; a slow machine takes a few.
HANGS = 60


def test_what_is_kept_of_one_moment_is_let_go_of():
    host = reader.OneMoment(Host())
    assert [host.once('key', lambda: 1), host.once('key', lambda: 2)] == [1, 1]
    host.forget()
    assert host.once('key', lambda: 3) == 3


def _fifo(path):
    os.mkfifo(path)


def _socket(path):
    # Addresses of sockets are short.
    before = os.getcwd()
    os.chdir(os.path.dirname(path))
    try:
        socket.socket(socket.AF_UNIX).bind(os.path.basename(path))
    finally:
        os.chdir(before)


def _sparse(path):
    with open(path, 'wb') as stream:
        stream.truncate(1 << 30)


def _lines(path):
    with open(path, 'wb') as stream:
        stream.write(b'vm.swappiness = 10\n' * 500000)


# What stands in place of a file: how to make it, and what the error says of it.
HOSTILE = {
    'fifo': (_fifo, 'is a FIFO, '),
    'directory': (os.mkdir, 'is a directory, '),
    'socket': (_socket, 'is a socket, '),
    'endless device': (lambda path: os.symlink('/dev/zero', path), 'is a character device, '),
    'sparse file': (_sparse, 'has 1 GiB, and at most 1 MiB '),
    'many lines': (_lines, 'has 9 MiB, and at most 1 MiB '),
}
# A tree of files has no devices that its links could lead to.
IN_A_TREE = set(HOSTILE) - set(['endless device'])


@pytest.mark.parametrize('kind', sorted(HOSTILE))
def test_what_is_no_file_of_a_sane_size_is_refused_at_once_with_what_was_found(tmp_path, kind):
    make, words = HOSTILE[kind]
    make(str(tmp_path / 'file'))
    started = time.time()
    with pytest.raises(Unreadable) as caught:
        Host(root=str(tmp_path)).read('/file')
    assert str(caught.value).startswith('/file: ' + words)
    assert (caught.value.filename, time.time() - started < HANGS) == ('/file', True)


def test_a_link_to_dev_null_is_an_empty_file_as_it_masks_a_configuration(tmp_path):
    os.symlink('/dev/null', str(tmp_path / 'file'))
    assert Host(root=str(tmp_path)).read('/file') == ''


def test_a_link_is_followed_unless_the_path_must_be_none(tmp_path):
    (tmp_path / 'file').write_text(u'text')
    os.symlink('file', str(tmp_path / 'link'))
    host = Host(root=str(tmp_path))
    assert host.read('/link') == 'text'
    with pytest.raises(Unreadable, match='is a symbolic link'):
        host.read('/link', links=False)
    assert host.read('/file', links=False) == 'text'


@pytest.mark.parametrize('path, size, read', [
    ('/proc/7/cmdline', 200 * MIB, 1 << 16),
    ('/proc/7/environ', 200 * MIB, 1 << 16),
    ('/proc/7/cmdline', 10, 10),
    ('/etc/file', MIB, MIB),
    ('/etc/file', MIB + 1, 'has 1 MiB, and at most 1 MiB'),
    ('/proc/zoneinfo', 16 * MIB, 16 * MIB),
    ('/proc/zoneinfo', 16 * MIB + 1, 'has 16 MiB, and at most 16 MiB'),
    ('/var/lib/oom-rescue/swap.json', 16 * MIB, 16 * MIB),
])
def test_a_file_is_read_up_to_the_limit_of_its_kind(tmp_path, path, size, read):
    file = tmp_path / path.lstrip('/')
    file.parent.mkdir(parents=True)
    with open(str(file), 'wb') as stream:
        stream.truncate(size)
    host = Host(root=str(tmp_path))
    if isinstance(read, int):
        assert len(host.read(path)) == read
    else:
        assert read in host.problem(path)


def test_a_file_that_says_it_is_empty_is_read_to_its_limit_and_no_further():
    with pytest.raises(Unreadable, match='has more, and at most 10 bytes'):
        reader.read_file('/proc/self/status', 10)
    assert len(reader.read_file('/proc/self/status', 10, cut=True)) == 10
    assert reader.read_file('/proc/self/status', MIB).startswith(b'Name:')


def test_a_command_line_of_a_real_process_is_read_in_part():
    process = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'] + ['x' * 1000] * 1000)
    try:
        deadline = time.time() + 10
        while not Host().read('/proc/%d/cmdline' % process.pid) and time.time() < deadline:
            time.sleep(0.01)
        assert len(Host().read('/proc/%d/cmdline' % process.pid)) == 1 << 16
    finally:
        process.kill()
        process.wait()


def test_a_file_that_trickles_is_given_up(tmp_path, monkeypatch):
    (tmp_path / 'file').write_bytes(b'x' * (1 << 18))
    moments = iter(range(0, 1000, 6))
    monkeypatch.setattr(reader, '_clock', lambda: next(moments))
    with pytest.raises(Unreadable, match='was not read within 10 seconds') as caught:
        reader.read_file(str(tmp_path / 'file'))
    assert caught.value.errno == errno.ETIMEDOUT


@pytest.mark.parametrize('text, error', [
    ('[' * 1200, True),
    ('[' * 100000, True),
    ('{"a":' * 100000, True),
    ('9' * 1000000, True),
    ('{"a": 1}', None),
    ('nothing', True),
    ('"\\ud800"', None),
])
def test_json_that_cannot_be_held_is_a_valueerror(text, error):
    started = time.time()
    try:
        reader.parse_json(text)
        found = None
    except ValueError:
        found = True
    # Some interpreters take 1,200 brackets.
    assert found == error or (len(text) == 1200 and found)
    assert time.time() - started < HANGS


def test_a_record_of_brackets_is_an_error_that_names_it(tmp_path):
    node = seed_node(tmp_path)
    node.file('/var/lib/oom-rescue/swap.json', '[' * 100000)
    os.chmod(node.path('/var/lib/oom-rescue'), 0o700)
    with pytest.raises(RescueError, match='/var/lib/oom-rescue/swap.json is not a JSON object'):
        State(node.host, 'swap').records()


CONFIGURATIONS = ['/etc/sysctl.d/10-x.conf', '/etc/sysctl.conf', '/run/sysctl.d/1.conf', '/etc/fstab',
                  '/etc/systemd/system/x.service', '/etc/systemd/system/x.service.d/x.conf',
                  '/etc/systemd/system/x.swap', '/etc/nohang/nohang.conf', '/etc/default/earlyoom',
                  '/etc/tuned/active_profile', '/etc/cloud/cloud.cfg.d/x.cfg', '/etc/systemd/zram-generator.conf']
# Read only if what it belongs to is there.
_READ_ALWAYS = ('/etc/sysctl.d/10-x.conf', '/etc/fstab', '/etc/systemd/system/x.swap', '/etc/cloud/cloud.cfg.d/x.cfg',
                '/etc/systemd/zram-generator.conf')


@pytest.mark.parametrize('kind', sorted(IN_A_TREE))
def test_the_facts_name_every_file_that_could_not_be_read_and_tell_the_rest(tmp_path, kind):
    node = SysctlNode(tmp_path)
    node.file('/proc/swaps', 'Filename Type Size Used Priority\n/swapfile file 1024 0 -2\n')
    node.file('/swapfile', '')
    node.file('/usr/sbin/nohang', '')
    for path in CONFIGURATIONS:
        node.file(path, '')
        os.unlink(node.path(path))
        HOSTILE[kind][0](node.path(path))
    started = time.time()
    facts = memory_facts(node.host)
    assert time.time() - started < HANGS
    unread = dict((row['path'], row['error']) for row in facts['unread'])
    assert set(_READ_ALWAYS) <= set(unread) <= set(CONFIGURATIONS)
    assert all(error.startswith(path + ': ' + HOSTILE[kind][1]) for path, error in unread.items())
    assert facts['ram']['total_bytes'] and facts['swappiness']['runtime'] == 60


@pytest.mark.parametrize('kind', sorted(IN_A_TREE - set(['directory'])))
def test_swappiness_after_a_reboot_is_unknown_if_a_file_that_sets_it_cannot_be_read(tmp_path, kind):
    node = SysctlNode(tmp_path)
    node.file('/etc/sysctl.d/10.conf', 'vm.swappiness = 10\n')
    HOSTILE[kind][0](node.path('/etc/sysctl.d/20.conf'))
    found = memory_facts(node.host)['swappiness']
    assert (found['after_reboot'], found['holds']) == (None, None)
    assert [row['source'] for row in found['declared'] if row['wins']] == ['/etc/sysctl.d/20.conf']
    HOSTILE[kind][0](node.path('/etc/sysctl.d/zzz.conf'))
    facts = read_facts(node.host, State(node.host, 'swappiness'))
    with pytest.raises(RescueError, match='/etc/sysctl.d/zzz.conf: ' + HOSTILE[kind][1]):
        plan(facts, {'state': 'present', 'value': 10, 'conflicts': 'fail', 'cgroups': 'report', 'allow_zero': False})


def test_a_directory_called_like_a_sysctl_file_sets_nothing(tmp_path):
    node = SysctlNode(tmp_path)
    node.file('/etc/sysctl.d/10.conf', 'vm.swappiness = 10\n')
    os.mkdir(node.path('/etc/sysctl.d/20.conf'))
    assert memory_facts(node.host)['swappiness']['after_reboot'] == 10


def test_an_edit_takes_the_place_of_a_file_that_cannot_be_read(tmp_path):
    os.mkfifo(str(tmp_path / 'file'))
    view = Overlay(Host(root=str(tmp_path)))
    assert view.read('/file') is None and 'is a FIFO' in view.problem('/file')
    view.edit('/file', 'text')
    assert (view.read('/file'), view.problem('/file')) == ('text', None)
