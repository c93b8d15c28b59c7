# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._node.host import Host


@pytest.fixture(name='host')
def fixture_host(tmp_path):
    return Host(root=str(tmp_path))


def mode_of(host, path):
    return os.stat(host.path(path)).st_mode & 0o7777


def test_what_is_not_there_reads_as_none_and_lists_as_empty(host):
    assert host.read('/etc/fstab') is None
    assert host.listdir('/etc/sysctl.d') == []
    assert host.readlink('/etc/mtab') is None
    assert not host.exists('/etc')


def test_every_byte_survives_a_read_and_a_replace(host, tmp_path):
    raw = bytes(bytearray(range(256)))
    (tmp_path / 'log').write_bytes(raw)
    host.replace('/copy', host.read('/log'))
    assert (tmp_path / 'copy').read_bytes() == raw


def test_a_new_file_has_the_mode_asked_for_whatever_the_umask(host):
    before = os.umask(0o077)
    try:
        host.replace('/open', 'text')
        host.replace('/closed', 'text', 0o600)
    finally:
        os.umask(before)
    assert (mode_of(host, '/open'), mode_of(host, '/closed')) == (0o644, 0o600)


def test_a_replaced_file_keeps_its_mode_and_owner(host, tmp_path):
    (tmp_path / 'fstab').write_text(u'old')
    os.chmod(str(tmp_path / 'fstab'), 0o640)
    if os.getuid() == 0:
        os.chown(str(tmp_path / 'fstab'), 1234, 4321)
    owner = os.stat(str(tmp_path / 'fstab'))
    host.replace('/fstab', 'new', 0o777)
    now = os.stat(str(tmp_path / 'fstab'))
    assert host.read('/fstab') == 'new'
    assert (now.st_mode, now.st_uid, now.st_gid) == (owner.st_mode, owner.st_uid, owner.st_gid)


def test_replacing_a_link_replaces_the_file_it_names(host, tmp_path):
    (tmp_path / 'sysctl.conf').write_text(u'old')
    os.symlink('sysctl.conf', str(tmp_path / 'link'))
    host.replace('/link', 'new')
    assert host.readlink('/link') == 'sysctl.conf'
    assert host.read('/sysctl.conf') == 'new'


def test_a_replace_that_fails_leaves_the_old_text_and_nothing_beside_it(tmp_path):
    def refuse(source, target):
        raise OSError('no')

    host = Host(root=str(tmp_path), move=refuse)
    (tmp_path / 'fstab').write_text(u'old')
    with pytest.raises(OSError):
        host.replace('/fstab', 'new')
    assert host.read('/fstab') == 'old'
    assert host.listdir('/') == ['fstab']


def test_removing_twice_is_removing_once(host):
    host.replace('/file', 'text')
    host.remove('/file')
    host.remove('/file')
    assert host.listdir('/') == []


def test_only_an_empty_directory_is_removed(host):
    assert host.make_directory('/a/b')
    assert not host.make_directory('/a/b')
    assert not host.remove_empty_directory('/a')
    assert host.remove_empty_directory('/a/b')
    assert host.remove_empty_directory('/a')
    assert not host.remove_empty_directory('/a')


def test_commands_run_in_the_c_locale_and_a_missing_one_is_127(host):
    rc, out, dummy = host.run(['sh', '-c', 'echo $LC_ALL'])
    assert (rc, out) == (0, 'C\n')
    assert host.run(['/nonexistent/command'])[0] == 127
