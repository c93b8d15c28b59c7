# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel is asked for, and what its answers mean; of the kernel itself where no root and no swap is needed."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import ctypes
import errno
import os
import struct

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._swap import syscalls

MIB = 1 << 20
GET_FLAGS, SET_FLAGS = 0x80086601, 0x40086602


class Libc:
    """A C library that notes its calls and fails with ``number``."""

    def __init__(self, number=0, functions=('swapon', 'swapoff', 'fallocate64')):
        self.calls, self.number, self.functions = [], number, functions

    def __getattr__(self, name):
        if name not in self.functions:
            raise AttributeError(name)

        def call(*arguments):
            self.calls.append((name,) + tuple(getattr(argument, 'value', argument) for argument in arguments))
            ctypes.set_errno(self.number)
            return -1 if self.number else 0

        return call


@pytest.fixture(name='libc')
def fixture_libc(monkeypatch):
    made = Libc()
    monkeypatch.setattr(syscalls, '_libc', made)
    return made


@pytest.mark.parametrize('priority, discard, flags', [
    (None, None, 0), (-1, None, 0), (0, None, 0x8000), (5, None, 0x8005), (32767, None, 0xffff),
    (None, 'all', 0x10000), (None, 'once', 0x30000), (None, 'pages', 0x50000), (5, 'pages', 0x58005),
])
def test_the_flags_of_swapon(libc, priority, discard, flags):
    syscalls.swapon('/swap', priority, discard)
    assert libc.calls == [('swapon', b'/swap', flags)]


def test_what_the_kernel_refuses_is_an_error_with_its_number(libc):
    syscalls.swapoff('/swap')
    assert libc.calls == [('swapoff', b'/swap')]
    libc.number = errno.EBUSY
    for call in (lambda: syscalls.swapoff('/swap'), lambda: syscalls.swapon('/swap'),
                 lambda: syscalls.fallocate(3, 0, 1), lambda: syscalls.set_xattr('/swap', 'a', b'')):
        libc.functions = ('swapon', 'swapoff', 'fallocate64', 'lsetxattr')
        with pytest.raises(OSError) as caught:
            call()
        assert (caught.value.errno, caught.value.strerror) == (errno.EBUSY, os.strerror(errno.EBUSY))


@pytest.mark.parametrize('number, refused', [
    (errno.EPERM, True), (errno.EACCES, True), (errno.ENOSYS, True), (errno.ENOENT, False), (errno.EINVAL, False),
    (0, False)])
def test_whether_this_process_may_activate_any_swap(libc, number, refused):
    libc.number = number
    assert syscalls.swapon_refusal() == (os.strerror(number) if refused else None)
    assert libc.calls == [('swapon', b'', 0)]


@pytest.mark.parametrize('functions', [('fallocate64',), ('fallocate',), ('fallocate', 'fallocate64')])
def test_blocks_are_reserved_by_the_call_for_large_files(libc, functions):
    # A function that takes its arguments' types, as ctypes' own.
    libc.functions = functions
    syscalls.fallocate(3, 5 << 32, 7)
    assert libc.calls == [(sorted(functions)[-1], 3, 0, 5 << 32, 7)]


def test_a_library_without_the_call_is_an_error_of_the_kernel_s_kind(libc):
    libc.functions = ()
    with pytest.raises(OSError) as caught:
        syscalls.fallocate(3, 0, 1)
    assert caught.value.errno == errno.ENOSYS
    syscalls.drop_cache(3, 0, 1)
    syscalls.sync_filesystem('/')
    assert syscalls.swapon_refusal() == os.strerror(errno.ENOSYS)


def test_without_ctypes_nothing_is_called(monkeypatch):
    monkeypatch.setattr(syscalls, 'ctypes', None)
    assert syscalls.swapon_refusal() == syscalls.cannot_call() and 'ctypes' in syscalls.cannot_call()
    assert syscalls.get_xattr('/', 'security.selinux') is None


# ioprio_set(2) in the tables of the kernel: arch/x86/entry/syscalls, arch/arm/tools, include/uapi/asm-generic/unistd.h,
# arch/powerpc/kernel/syscalls, arch/s390/kernel/syscalls.
@pytest.mark.parametrize('machine, bits, number', [
    ('x86_64', 64, 251), ('aarch64', 64, 30), ('riscv64', 64, 30), ('ppc64', 64, 273), ('ppc64le', 64, 273),
    ('s390x', 64, 282), ('i386', 32, 289), ('i686', 32, 289), ('armv7l', 32, 314), ('armv6l', 32, 314),
    # A 32-bit Python on a 64-bit kernel, and a machine that is not known.
    ('x86_64', 32, None), ('aarch64', 32, None), ('vax', 32, None),
])
def test_the_write_steps_back_behind_all_others_by_the_call_of_its_machine(monkeypatch, machine, bits, number):
    libc = Libc(functions=('syscall',))
    monkeypatch.setattr(syscalls, '_libc', libc)
    monkeypatch.setattr(syscalls.platform, 'machine', lambda: machine)
    monkeypatch.setattr(syscalls, '_BITS', bits)
    assert syscalls.yield_io() is (number is not None)
    assert libc.calls == ([] if number is None else [('syscall', number, 1, 0, 3 << 13)])
    libc.number = errno.EPERM
    assert syscalls.yield_io() is False


@pytest.mark.parametrize('answer, value', [(b'system_u:object_r:swapfile_t:s0\0', b'system_u:object_r:swapfile_t:s0\0'),
                                           (b'', b''), (None, None)])
def test_an_attribute_is_its_bytes_or_none(monkeypatch, answer, value):
    def lgetxattr(path, name, data, size):
        assert (path, name, size.value) == (b'/swap', b'security.selinux', len(data))
        if answer is None:
            return -1
        data[:len(answer)] = answer
        return len(answer)

    monkeypatch.setattr(syscalls, '_function', lambda name: {'lgetxattr': lgetxattr}[name])
    assert syscalls.get_xattr('/swap', 'security.selinux') == value


@pytest.mark.parametrize('number, release, truncates, expected', [
    (errno.ETXTBSY, '6.1.0', None, True), (errno.EFBIG, '6.1.0', None, False), (errno.EFBIG, '3.15.0', None, False),
    (errno.EPERM, '6.1.0', None, None), (0, '6.1.0', None, None),
    (errno.EFBIG, '3.14.9', 0, False), (errno.EFBIG, '3.10.0-957.el7', errno.ETXTBSY, True),
    (errno.EFBIG, '3.10.0-957.el7', errno.EPERM, None), (errno.EFBIG, 'odd', None, False),
])
def test_whether_a_file_is_in_use_as_swap(libc, monkeypatch, number, release, truncates, expected, tmpdir):
    libc.number = number
    monkeypatch.setattr(syscalls.platform, 'release', lambda: release)
    sizes = []

    def truncate(_descriptor, size):
        sizes.append(size)
        if truncates:
            raise OSError(truncates, '')

    monkeypatch.setattr(os, 'ftruncate', truncate)
    tmpdir.join('file').write('abc')
    with open(str(tmpdir.join('file')), 'r+b') as stream:
        assert syscalls.is_swap(stream.fileno()) is expected
        assert libc.calls == [('fallocate64', stream.fileno(), 0, (1 << 63) - 1, 1)]
    assert sizes == ([3] if truncates is not None else [])


def test_a_file_of_this_machine_is_no_swap_and_keeps_its_size_and_blocks(tmpdir):
    tmpdir.join('file').write('abc')
    with open(str(tmpdir.join('file')), 'r+b') as stream:
        assert not syscalls.is_swap(stream.fileno())
        syscalls.fallocate(stream.fileno(), 0, 2 * MIB)
        status = os.fstat(stream.fileno())
        assert status.st_size == 2 * MIB and status.st_blocks * 512 >= 2 * MIB
        syscalls.drop_cache(stream.fileno(), 0, MIB)
        syscalls.sync_filesystem(str(tmpdir))
    assert tmpdir.join('file').read('rb')[:4] == b'abc\0'


@pytest.mark.parametrize('machine, read, write, subvolume', [
    ('x86_64', GET_FLAGS, SET_FLAGS, 0x5000940e), ('ppc64le', 0x40086601, 0x80086602, 0x9000940e),
    ('mips64', 0x40086601, 0x80086602, 0x9000940e),
])
def test_the_numbers_of_the_requests(monkeypatch, machine, read, write, subvolume):
    monkeypatch.setattr(syscalls.platform, 'machine', lambda: machine)
    long_ = struct.calcsize('l')
    numbers = [syscalls._request(ord('f'), 1, 2, long_), syscalls._request(ord('f'), 2, 1, long_),
               syscalls._request(0x94, 14, 1, 4096)]
    assert [number & 0xffffffff for number in numbers] == [read, write, subvolume]
    assert all(-(1 << 31) <= number < 1 << 31 for number in numbers) or str is not bytes


def raw(data):
    return data.tobytes() if hasattr(data, 'tobytes') else data.tostring()


class Ioctl:
    """Notes the requests that are made, [(number, bytes)], and answers one for the flags of a file."""

    def __init__(self):
        self.made, self.flags = [], 0

    def __call__(self, _descriptor, request, data, changes):
        self.made.append((request & 0xffffffff, raw(data)))
        if request & 0xffffffff == GET_FLAGS and changes:
            data[0] = self.flags


@pytest.fixture(name='ioctl')
def fixture_ioctl(monkeypatch):
    made = Ioctl()
    monkeypatch.setattr(syscalls.fcntl, 'ioctl', made)
    monkeypatch.setattr(syscalls.platform, 'machine', lambda: 'x86_64')
    return made


@pytest.mark.parametrize('flags, nocow', [(0, False), (0x800000, True), (0x10, False), (0x800010, True)])
def test_copy_on_write_is_switched_off_and_other_flags_stay(ioctl, flags, nocow):
    ioctl.flags = flags
    assert syscalls.is_nocow(3) is nocow
    syscalls.set_nocow(3)
    assert [request for request, _data in ioctl.made] == [GET_FLAGS, GET_FLAGS, SET_FLAGS]
    assert struct.unpack('=i', ioctl.made[-1][1])[0] == flags | 0x800000


def test_a_filesystem_without_that_flag(monkeypatch):
    def ioctl(*_arguments):
        raise OSError(errno.ENOTTY, '')

    monkeypatch.setattr(syscalls.fcntl, 'ioctl', ioctl)
    assert syscalls.is_nocow(3) is None


def make_subvolume(path):
    """Make one; the umask is afterwards as it was."""
    umask = os.umask(0o022)
    try:
        syscalls.make_subvolume(path)
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(umask)


def test_a_subvolume_is_made_by_its_name_in_its_directory_for_root_alone(ioctl, tmpdir):
    make_subvolume(str(tmpdir.join('swap')))
    assert ioctl.made == [(0x5000940e, struct.pack('=q4088s', 0, b'swap'))]


def test_a_subvolume_is_roots_alone_and_the_umask_is_as_it_was(tmpdir, monkeypatch):
    # The kernel makes it with 0777 less the umask.
    monkeypatch.setattr(syscalls.fcntl, 'ioctl', lambda *_arguments: os.mkdir(str(tmpdir.join('swap')), 0o777))
    make_subvolume(str(tmpdir.join('swap')))
    assert os.stat(str(tmpdir.join('swap'))).st_mode & 0o777 == 0o700


def test_a_subvolume_that_is_refused_is_named(monkeypatch, tmpdir):
    def ioctl(*_arguments):
        raise OSError(errno.EEXIST, 'there')

    monkeypatch.setattr(syscalls.fcntl, 'ioctl', ioctl)
    with pytest.raises(OSError) as caught:
        syscalls.make_subvolume(str(tmpdir.join('swap')))
    assert (caught.value.errno, caught.value.filename) == (errno.EEXIST, str(tmpdir.join('swap')))


LAST, ENCODED, INLINE, SHARED = 0x1, 0x8, 0x200, 0x2000


@pytest.mark.parametrize('answers, size, expected', [
    ([[(0, 10, LAST)]], 10, (10, [])), ([[(0, 4, 0), (6, 4, LAST)]], 10, (8, [])), ([[]], 10, (0, [])),
    ([[(0, 40, LAST)]], 10, (10, [])), ([[(0, 40, 0)]], 10, (10, [])), ([[(0, 4, 0)], [(4, 6, LAST)]], 10, (10, [])),
    ([[(0, 4, 0)], [(2, 8, LAST)]], 10, (10, [])), ([[(0, 4, 0)], []], 10, (4, [])),
    ([[(0, 4, ENCODED), (4, 6, LAST | SHARED)]], 10, (10, ['compressed', 'shared'])),
    ([[(0, 10, INLINE | LAST)]], 10, (10, ['inline'])), ([[(0, 4, LAST)], [(4, 6, 0)]], 10, (4, [])), ([], 0, (0, [])),
])
def test_what_the_filesystem_tells_of_a_file_s_blocks(monkeypatch, answers, size, expected):
    asked, left = [], list(answers)

    def ioctl(_descriptor, _request, data, _changes):
        start, length, flags, dummy, count, dummy = struct.unpack_from('=QQIIII', raw(data), 0)
        asked.append((start, length, flags, count))
        rows = left.pop(0)
        struct.pack_into('=I', data, 20, len(rows))
        for index, (logical, length, bits) in enumerate(rows):
            struct.pack_into('=QQQQQI', data, 32 + 56 * index, logical, 0, length, 0, 0, bits)

    monkeypatch.setattr(syscalls.fcntl, 'ioctl', ioctl)
    assert syscalls.extents(3, size) == expected
    # From where the last answer ended, to the end, with what is not on the disk yet.
    assert all((start + length, flags, count) == (size, 1, 256) for start, length, flags, count in asked)
    assert [start for start, _length, _flags, _count in asked] == sorted(set(row[0] for row in asked))


@pytest.mark.parametrize('machine, known', [('x86_64', True), ('aarch64', True), ('s390x', True), ('vax', False)])
def test_io_is_yielded_where_the_number_of_the_call_is_known(monkeypatch, machine, known):
    libc = Libc(functions=('syscall',))
    monkeypatch.setattr(syscalls, '_libc', libc)
    monkeypatch.setattr(syscalls.platform, 'machine', lambda: machine)
    assert syscalls.yield_io() is known
    numbers = {'x86_64': 251, 'aarch64': 30, 's390x': 282}
    assert libc.calls == ([('syscall', numbers[machine], 1, 0, 0x6000)] if known else [])
    libc.number = errno.EPERM
    assert syscalls.yield_io() is False
