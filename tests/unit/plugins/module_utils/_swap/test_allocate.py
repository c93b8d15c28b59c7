# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import os
import stat

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._swap import allocate

MIB = 1 << 20


def fail(number):
    def call(*_arguments):
        raise OSError(number, os.strerror(number))
    return call


@pytest.mark.parametrize('method, used', [('auto', 'fallocate'), ('write', 'write'), ('fallocate', 'fallocate')])
def test_a_new_file_has_its_size_its_blocks_and_its_mode(tmpdir, method, used):
    path = str(tmpdir.join('s'))
    old = os.umask(0)
    try:
        assert allocate.create(path, 3 * MIB + 4096, method) == used
    finally:
        os.umask(old)
    status = os.stat(path)
    assert (status.st_size, stat.S_IMODE(status.st_mode)) == (3 * MIB + 4096, 0o600)
    assert status.st_blocks * 512 >= status.st_size


@pytest.mark.parametrize('direct', [True, False], ids=['past the page cache', 'where O_DIRECT is not offered'])
def test_writing_from_an_odd_start_keeps_what_is_before_it(tmpdir, monkeypatch, direct):
    if not direct:
        monkeypatch.setattr(allocate, '_DIRECT', 0)
        monkeypatch.setattr(allocate, '_FLUSH', MIB)
    told = []
    monkeypatch.setattr(allocate, '_PROGRESS_SECONDS', 0)
    path = str(tmpdir.join('s'))
    with open(path, 'wb') as stream:
        stream.write(b'x' * 5000)
    descriptor = os.open(path, os.O_RDWR)
    try:
        allocate.extend(descriptor, 5000, 4 * MIB, 'write', lambda done, total: told.append((done, total)))
    finally:
        os.close(descriptor)
    with open(path, 'rb') as stream:
        assert stream.read() == b'x' * 5000 + b'\0' * (4 * MIB - 5000)
    assert told == sorted(told) and told[-1] == (4 * MIB - 5000, 4 * MIB - 5000)


@pytest.mark.parametrize('number', [errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL])
def test_auto_writes_where_the_filesystem_cannot_reserve(tmpdir, monkeypatch, number):
    monkeypatch.setattr(allocate.syscalls, 'fallocate', fail(number))
    assert allocate.create(str(tmpdir.join('s')), MIB) == 'write'
    with pytest.raises(OSError):
        allocate.create(str(tmpdir.join('t')), MIB, 'fallocate')
    assert tmpdir.listdir() == [tmpdir.join('s')]


@pytest.mark.parametrize('call', ['fallocate', 'fsync'])
@pytest.mark.parametrize('number', [errno.ENOSPC, errno.EIO])
def test_a_file_that_could_not_be_completed_is_removed(tmpdir, monkeypatch, call, number):
    monkeypatch.setattr(allocate.syscalls if call == 'fallocate' else os, call, fail(number))
    with pytest.raises(OSError):
        allocate.create(str(tmpdir.join('s')), MIB)
    assert tmpdir.listdir() == []


@pytest.mark.parametrize('target', ['there', 'dangling'])
def test_a_name_that_is_there_is_not_followed_and_stays(tmpdir, target):
    tmpdir.join('there').write('precious')
    os.symlink(target, str(tmpdir.join('s')))
    with pytest.raises(OSError) as caught:
        allocate.create(str(tmpdir.join('s')), MIB)
    assert caught.value.errno == errno.EEXIST
    assert tmpdir.join('there').read() == 'precious' and tmpdir.join('s').islink()


@pytest.mark.parametrize('nocow', [True, False])
def test_copy_on_write_is_switched_off_before_the_first_byte(tmpdir, monkeypatch, nocow):
    sizes = []
    monkeypatch.setattr(allocate.syscalls, 'set_nocow', lambda descriptor: sizes.append(os.fstat(descriptor).st_size))
    allocate.create(str(tmpdir.join('s')), MIB, nocow=nocow)
    assert sizes == ([0] if nocow else [])


@pytest.mark.parametrize('offered, refused, dropped', [
    (True, False, []),
    (False, False, [(0, MIB), (MIB, MIB), (2 * MIB, 4096)]),
    # A disk of larger blocks than the file's last part, say: from there on it goes through the page cache.
    (True, True, [(0, MIB), (MIB, MIB), (2 * MIB, 4096)]),
], ids=['O_DIRECT', 'not offered', 'refused by a write'])
def test_what_goes_through_the_page_cache_is_on_disk_and_leaves_it(tmpdir, monkeypatch, offered, refused, dropped):
    state, found, writes = {'direct': False}, [], []
    real_write = os.write

    def control(_descriptor, command, flags=None):
        if command == allocate.fcntl.F_GETFL:
            return os.O_RDWR | (allocate._DIRECT if state['direct'] else 0)
        if not offered and flags & allocate._DIRECT:
            raise OSError(errno.EINVAL, 'no O_DIRECT here')
        assert flags & os.O_RDWR
        state['direct'] = bool(flags & allocate._DIRECT)

    def write(descriptor, data):
        writes.append(state['direct'])
        if refused and state['direct']:
            raise OSError(errno.EINVAL, 'not aligned')
        return real_write(descriptor, data)

    monkeypatch.setattr(allocate.fcntl, 'fcntl', control)
    monkeypatch.setattr(os, 'write', write)
    monkeypatch.setattr(os, 'fdatasync', lambda _descriptor: found.append('on disk'))
    monkeypatch.setattr(allocate.syscalls, 'drop_cache', lambda _descriptor, *part: found.append(part))
    monkeypatch.setattr(allocate, '_FLUSH', MIB)
    with open(str(tmpdir.join('s')), 'w+b') as stream:
        allocate.extend(stream.fileno(), 0, 2 * MIB + 4096, 'write')
        assert os.fstat(stream.fileno()).st_size == 2 * MIB + 4096
    assert found == [step for part in dropped for step in ('on disk', part)]
    assert writes == [offered] + [offered and not refused] * (3 if refused else 2) and not state['direct']


@pytest.mark.parametrize('number', [errno.EINVAL, errno.ENOSPC])
def test_a_write_that_fails_for_good_is_no_endless_loop(tmpdir, monkeypatch, number):
    monkeypatch.setattr(os, 'write', fail(number))
    with pytest.raises(OSError) as caught:
        allocate.create(str(tmpdir.join('s')), MIB, 'write')
    assert caught.value.errno == number and tmpdir.listdir() == []


def test_a_new_file_belongs_to_who_makes_it_whatever_its_directory_gives(tmpdir, monkeypatch):
    made = []

    def note(descriptor, *what):
        made.append(what + (os.fstat(descriptor).st_size,))

    monkeypatch.setattr(os, 'fchown', note)
    monkeypatch.setattr(allocate.xattr, 'drop', note)
    allocate.create(str(tmpdir.join('s')), MIB)
    assert made == [(os.geteuid(), os.getegid(), 0), ('system.posix_acl_access', 0)]
