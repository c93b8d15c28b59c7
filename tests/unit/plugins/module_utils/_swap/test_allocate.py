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
