# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files import xattr
from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host


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

    host = Host(root=str(tmp_path), rename=refuse)
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


class Attributes:
    """xattr and ACL of a file, which a test sets and asks."""

    def __init__(self, path):
        self._path = str(path)

    def _with(self, call, *arguments):
        descriptor = os.open(self._path, os.O_RDONLY)
        try:
            return call(descriptor, *arguments)
        finally:
            os.close(descriptor)

    def put(self, name, value):
        self._with(xattr.put, name, value)

    def all(self):
        return self._with(xattr.lasting)


ACL = b'\2\0\0\0' + b''.join((
    b'\1\0\6\0\xff\xff\xff\xff', b'\2\0\4\0\xfe\xff\0\0', b'\4\0\4\0\xff\xff\xff\xff', b'\x10\0\4\0\xff\xff\xff\xff',
    b' \0\0\0\xff\xff\xff\xff'))


def refuse_rename(number):
    def rename(source, target):
        raise OSError(number, os.strerror(number), source)
    return rename


@pytest.mark.parametrize('rename', [None, refuse_rename(errno.EBUSY), refuse_rename(errno.EROFS)],
                         ids=['renamed', 'a mount point', 'a read-only directory'])
def test_a_replaced_file_keeps_acl_and_attributes(tmp_path, rename):
    host = Host(root=str(tmp_path), rename=rename or os.rename)
    file = tmp_path / 'etc' / 'fstab'
    file.parent.mkdir()
    file.write_text(u'old, and longer than the new')
    Attributes(file).put('user.note', b'of the administrator')
    Attributes(file).put('system.posix_acl_access', ACL)
    before = file.stat(), Attributes(file).all()
    host.replace('/etc/fstab', 'new')
    assert file.read_bytes() == b'new'
    assert Attributes(file).all() == before[1]
    assert (file.stat().st_mode, file.stat().st_ino == before[0].st_ino) == (before[0].st_mode, rename is not None)
    assert host.listdir('/etc') == ['fstab'] and not host.exists('/var/lib/oom-rescue')


def test_a_file_that_can_be_neither_renamed_nor_written_keeps_its_content_and_is_named(tmp_path, monkeypatch):
    host = Host(root=str(tmp_path), rename=refuse_rename(errno.EBUSY))
    file = tmp_path / 'fstab'
    file.write_text(u'old')
    write, seen = os.write, []

    def full(descriptor, data):
        if data == b'new':
            seen.append(data)
            if len(seen) == 2:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data)
    monkeypatch.setattr(os, 'write', full)
    with pytest.raises(OSError) as caught:
        host.replace('/fstab', 'new')
    assert (caught.value.filename, caught.value.errno) == (str(file), errno.ENOSPC)
    assert file.read_bytes() == b'old' and not host.exists('/var/lib/oom-rescue')


@pytest.mark.parametrize('umask', [0, 0o022, 0o077, 0o777])
@pytest.mark.parametrize('found', [None, 0o666, 0o600, 0o4777])
def test_a_file_of_ours_is_root_s_with_its_mode_whatever_the_umask_and_what_is_there(host, umask, found):
    host.make_directory('/etc')
    if found is not None:
        host.replace('/etc/ours', 'old')
        os.chmod(host.path('/etc/ours'), found)
        os.chown(host.path('/etc/ours'), 65534, 65534)
        assert host.flaw_of_own('/etc/ours') == 'owner 65534:65534'
        os.chown(host.path('/etc/ours'), 0, 0)
        os.chmod(host.path('/etc/ours'), found)
        assert host.flaw_of_own('/etc/ours') == 'mode %04o' % found
    before = os.umask(umask)
    try:
        host.replace('/etc/ours', 'new', own=True)
    finally:
        os.umask(before)
    assert mode_of(host, '/etc/ours') == 0o644 and host.flaw_of_own('/etc/ours') is None


def test_no_moment_of_a_replace_is_open_to_others(host, monkeypatch):
    """What an observer sees at each system call that could open a file: with umask 0 nothing of ours is writable."""
    seen = []

    def watched(call):
        def method(*arguments):
            result = call(*arguments)
            seen.extend(mode_of(host, '/etc/' + name) for name in host.listdir('/etc'))
            return result
        return method
    host.make_directory('/etc')
    for name in ('open', 'fchmod', 'write', 'fsync', 'close'):
        monkeypatch.setattr(os, name, watched(getattr(os, name)))
    before = os.umask(0)
    try:
        host.replace('/etc/ours', 'text', own=True)
        host.replace('/etc/secret', 'text', 0o600)
        assert host.make_directory('/etc/a/b')
    finally:
        os.umask(before)
    assert seen and not [mode for mode in seen if mode & 0o022]
    assert (mode_of(host, '/etc/a'), mode_of(host, '/etc/a/b'), mode_of(host, '/etc/secret')) == (0o755, 0o755, 0o600)


def test_a_temporary_name_that_somebody_took_is_not_followed(host, tmp_path):
    (tmp_path / 'precious').write_text(u'precious')
    os.symlink('precious', str(tmp_path / '.oom-rescue-fstab'))
    host.replace('/fstab', 'new')
    assert host.read('/precious') == 'precious' and host.listdir('/') == ['fstab', 'precious']


def test_what_is_no_file_is_not_replaced(host):
    host.make_directory('/etc/fstab')
    with pytest.raises(OSError) as caught:
        host.replace('/etc/fstab', 'text')
    assert caught.value.filename == host.path('/etc/fstab')


CHANGES = {
    'a new file': lambda host: host.replace('/etc/new', 'text'),
    'a new directory': lambda host: host.make_directory('/etc/a/b'),
    'a file in a new directory': lambda host: (host.make_directory('/etc/a'), host.replace('/etc/a/b', 'text')),
    'another text': lambda host: host.replace('/etc/fstab', 'text'),
    'two other texts': lambda host: (host.replace('/etc/fstab', 'one'), host.replace('/etc/fstab', 'two')),
    'no file': lambda host: host.remove('/etc/fstab'),
    'no file, then another': lambda host: (host.remove('/etc/fstab'), host.replace('/etc/fstab', 'two')),
    'no directory': lambda host: host.remove_empty_directory('/etc/empty'),
    'a value of the kernel': lambda host: host.write('/etc/value', '10\n'),
}


def all_of(host):
    found = {}
    for directory, _dummy, names in os.walk(host.root):
        found[directory] = os.stat(directory).st_mode
        for name in names:
            path = os.path.join(directory, name)
            with open(path) as stream:
                found[path] = (os.stat(path).st_mode, os.stat(path).st_uid, stream.read(), Attributes(path).all())
    return found


@pytest.mark.parametrize('error', [OSError(errno.ENOSPC, 'full'), RescueError('refused'), KeyboardInterrupt(),
                                   SystemExit(1)], ids=['OSError', 'RescueError', 'interrupt', 'exit'])
@pytest.mark.parametrize('name', sorted(CHANGES))
def test_a_change_that_fails_later_is_put_back_whole(host, tmp_path, name, error):
    host.make_directory('/etc/empty', 0o711)
    host.replace('/etc/fstab', 'old', 0o640)
    host.replace('/etc/value', '60\n')
    os.chown(host.path('/etc/fstab'), 1234, 0)
    Attributes(tmp_path / 'etc/fstab').put('user.note', b'x')
    before = all_of(host)
    with pytest.raises(type(error)):
        with host.whole():
            CHANGES[name](host)
            assert all_of(host) != before
            raise error
    assert all_of(host) == before
    with host.whole():
        CHANGES[name](host)
    assert all_of(host) != before


def test_what_cannot_be_put_back_is_said_with_what_failed_first(host):
    host.make_directory('/etc')
    with pytest.raises(RescueError) as caught:
        with host.whole():
            host.replace('/etc/a', 'text')
            host.make_directory('/etc/b')
            os.mkdir(host.path('/etc/b/theirs'))
            raise OSError(errno.ENOSPC, 'No space left on device', '/etc/c')
    assert str(caught.value).startswith('/etc/c: No space left on device; putting back what was there failed as well: ')
    assert not host.exists('/etc/a')


@pytest.mark.parametrize('umask', [0, 0o077])
def test_trying_a_change_changes_nothing(host, umask):
    host.make_directory('/etc')
    host.replace('/etc/fstab', 'old')
    before = all_of(host)
    for path, text in (('/etc/fstab', 'new'), ('/etc/new', 'new'), ('/etc/a/b', 'new'), ('/etc/fstab', None),
                       ('/etc/gone', None)):
        host.try_to_change(path, text)
    assert all_of(host) == before


def test_trying_a_change_finds_a_full_disk(host, monkeypatch):
    host.make_directory('/etc')
    host.replace('/etc/fstab', 'old')

    def full(descriptor, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr(os, 'write', full)
    with pytest.raises(OSError) as caught:
        host.try_to_change('/etc/fstab', 'new')
    assert caught.value.filename == host.path('/etc/fstab') and host.listdir('/etc') == ['fstab']


def test_a_name_with_a_nul_names_no_file(tmp_path):
    host = Host(str(tmp_path))
    assert (host.read('/etc/\0'), host.exists('/a\0b'), host.status('/\0')) == (None, False, None)
