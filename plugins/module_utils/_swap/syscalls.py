# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""System calls that Python 2.7 and 3.6 do not offer, each raising OSError with the kernel's errno.

The calls themselves, and not the commands of util-linux: a command's message does not tell EPERM from EINVAL
in every version, and a bare container may not have the command.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import array
import errno
import fcntl
import os
import platform
import struct
import sys

from .._files.host import to_bytes
from .._node.kernel import kernel_version

try:
    import ctypes
except ImportError:
    # Of a Python that was built or packaged without it, swap_file says so before the first change.
    ctypes = None

# include/linux/swap.h
_SWAP_FLAG_PREFER = 0x8000
_DISCARD_FLAGS = {'all': 0x10000, 'once': 0x10000 | 0x20000, 'pages': 0x10000 | 0x40000}
_POSIX_FADV_DONTNEED = 4
_PAST_THE_LAST_OFFSET = (1 << 63) - 1
# ioprio_set(2) has no wrapper in libc; include/uapi/asm-generic/unistd.h and the architectures' own tables. A 32-bit
# Python on a 64-bit kernel has other numbers than the kernel's name tells, and goes without.
_IOPRIO_SET = {
    64: {'x86_64': 251, 'aarch64': 30, 'riscv64': 30, 'ppc64': 273, 'ppc64le': 273, 's390x': 282},
    32: {'i386': 289, 'i686': 289, 'armv7l': 314, 'armv6l': 314},
}
_BITS = 8 * struct.calcsize('P')
_IOPRIO_IDLE = 3 << 13
# include/uapi/linux/fs.h, fiemap.h
_FS_IOC_FIEMAP = 0xC020660B
_FS_IMMUTABLE_FL, _FS_APPEND_FL = 0x10, 0x20
_FS_NOCOW_FL = 0x00800000
_FIEMAP_FLAG_SYNC = 1
_EXTENT_LAST, _EXTENT_ENCODED, _EXTENT_INLINE, _EXTENT_SHARED = 0x1, 0x8, 0x200, 0x2000
_EXTENTS_PER_CALL = 256

_libc = ctypes and ctypes.CDLL(None, use_errno=True)


def cannot_call():
    """The reason why this Python cannot make these calls, or None."""
    return None if ctypes else 'the Python %s has no module ctypes' % sys.executable


def _call(name, *arguments):
    if _function(name)(*arguments) == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _function(name):
    try:
        return getattr(_libc, name)
    except AttributeError:  # None has none either.
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))


def swapon(path, priority=None, discard=None):
    """swapon(2), with a priority of 0 to 32767 and a discard policy of ``all``, ``once`` or ``pages``."""
    flags = _DISCARD_FLAGS.get(discard, 0)
    if priority is not None and priority >= 0:
        flags |= _SWAP_FLAG_PREFER | priority
    _call('swapon', to_bytes(path), ctypes.c_int(flags))


def swapoff(path):
    """swapoff(2)."""
    _call('swapoff', to_bytes(path))


def swapon_refusal():
    """The reason (str) why the kernel lets this process turn on no swap at all, or None if it would.

    swapon(2) looks at the caller's capability first and at the path, here an empty one, after that.
    """
    if cannot_call():
        return cannot_call()
    try:
        swapon('')
    except OSError as error:
        if error.errno in (errno.EPERM, errno.ENOSYS, errno.EACCES):
            return error.strerror
    return None


def fallocate(descriptor, offset, length):
    """fallocate(2) with mode 0. Not posix_fallocate(3): glibc's writes every block where the filesystem cannot."""
    try:
        function = _function('fallocate64')
    except OSError:
        function = _function('fallocate')
    function.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_longlong, ctypes.c_longlong]
    if function(descriptor, 0, offset, length) == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def part_of(mapping, length):
    """The first bytes of a mapping, where they are: O_DIRECT wants them aligned. Python 2's mmap has no memoryview."""
    return (ctypes.c_char * length).from_buffer(mapping)


def is_swap(descriptor):
    """True if the kernel uses an open file as swap now; None if it does not tell, as of an immutable one.

    Asks for what the kernel refuses to every file, so nothing changes.
    """
    try:
        fallocate(descriptor, _PAST_THE_LAST_OFFSET, 1)
    except OSError as error:
        if error.errno == errno.ETXTBSY:
            return True
        if error.errno == errno.EFBIG:
            return _refuses_truncation(descriptor) if _older_than_3_15() else False
    return None


def _older_than_3_15():
    version = kernel_version(platform.release())
    return version is not None and version < (3, 15)


def _refuses_truncation(descriptor):
    # Before Linux 3.15 vfs_fallocate() (fs/open.c) does not look at it. Truncating a file to the size that it has does
    # (inode_newsize_ok() in fs/attr.c), and touches its times alone.
    try:
        os.ftruncate(descriptor, os.fstat(descriptor).st_size)
    except (IOError, OSError) as error:
        return True if error.errno == errno.ETXTBSY else None
    return False


def drop_cache(descriptor, offset, length):
    """Give back the clean page cache of a part of a file (posix_fadvise(2)); advice, so never an error."""
    try:
        function = _function('posix_fadvise64')
    except OSError:
        try:
            function = _function('posix_fadvise')
        except OSError:
            return
    function.argtypes = [ctypes.c_int, ctypes.c_longlong, ctypes.c_longlong, ctypes.c_int]
    function(descriptor, offset, length, _POSIX_FADV_DONTNEED)


def yield_io():
    """Put this process into the idle I/O class: anybody else's I/O goes first. True if the kernel took it."""
    number = _IOPRIO_SET[_BITS].get(platform.machine())
    if number is None or _libc is None:
        return False
    return _libc.syscall(ctypes.c_long(number), 1, 0, _IOPRIO_IDLE) == 0


def sync_filesystem(path):
    """Write all of the filesystem that holds ``path`` to its disk (syncfs(2)); without the call, nothing is done."""
    try:
        function = _function('syncfs')
    except OSError:
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        function(ctypes.c_int(descriptor))
    finally:
        os.close(descriptor)


def make_subvolume(path):
    """Make an empty subvolume of btrfs, mode 0700. rmdir(2) takes it away again, since Linux 4.18."""
    directory, name = os.path.split(path)
    # struct btrfs_ioctl_vol_args of include/uapi/linux/btrfs.h; Python 2's ioctl takes an array, and no bytearray.
    arguments = array.array('B', struct.pack('=q4088s', 0, to_bytes(name)))
    descriptor, umask = os.open(directory, os.O_RDONLY), os.umask(0o077)
    try:
        fcntl.ioctl(descriptor, _request(0x94, 14, 1, len(arguments)), arguments, True)
        os.fsync(descriptor)
    except (IOError, OSError) as error:
        raise OSError(error.errno, error.strerror, path)
    finally:
        os.umask(umask)
        os.close(descriptor)


def get_xattr(path, name):
    """An extended attribute's bytes, or None if there is none."""
    if cannot_call():
        return None
    data = ctypes.create_string_buffer(1024)
    function = _function('lgetxattr')
    function.restype = ctypes.c_ssize_t
    size = function(to_bytes(path), to_bytes(name), data, ctypes.c_size_t(len(data)))
    return data.raw[:size] if size >= 0 else None


def set_xattr(path, name, value):
    """Set an extended attribute of the file itself, not of what a symbolic link names."""
    _call('lsetxattr', to_bytes(path), to_bytes(name), value, ctypes.c_size_t(len(value)), ctypes.c_int(0))


def is_nocow(descriptor):
    """True if copy on write is off for a file (chattr(1), C); None if the filesystem knows no such flag."""
    try:
        return bool(_flags(descriptor) & _FS_NOCOW_FL)
    except (IOError, OSError):
        return None


def is_unwritable(descriptor):
    """True if nobody may open a file for writing, as swapon(2) does: chattr(1), i or a."""
    try:
        return bool(_flags(descriptor) & (_FS_IMMUTABLE_FL | _FS_APPEND_FL))
    except (IOError, OSError):
        return False


def set_nocow(descriptor):
    """Switch copy on write off. On btrfs it takes effect on an empty file only (btrfs(5))."""
    flags = array.array('i', [_flags(descriptor) | _FS_NOCOW_FL])
    fcntl.ioctl(descriptor, _flags_request(2, 1), flags, True)


def _flags(descriptor):
    flags = array.array('i', [0])
    fcntl.ioctl(descriptor, _flags_request(1, 2), flags, True)
    return flags[0]


def _flags_request(number, direction):
    # FS_IOC_GETFLAGS is _IOR('f', 1, long), FS_IOC_SETFLAGS _IOW('f', 2, long).
    return _request(ord('f'), number, direction, struct.calcsize('l'))


def _request(kind, number, direction, size):
    # MIPS and PowerPC number the directions otherwise (asm/ioctl.h).
    if platform.machine().startswith(('ppc', 'mips')):
        bits = {2: 2, 1: 4}[direction] << 29
    else:
        bits = direction << 30
    request = bits | size << 16 | kind << 8 | number
    # Python 2 takes a signed int.
    return request - (1 << 32) if request >= 1 << 31 and str is bytes else request


def extents(descriptor, size_bytes):
    """(mapped_bytes, flaws) of a file's extents up to its size; None if the filesystem does not tell.

    Extents that fallocate reserved count as mapped. ``flaws`` has ``compressed``, ``inline`` and ``shared``
    where an extent is, none of which a swap file may have.
    """
    mapped, start, flaws = 0, 0, set()
    while start < size_bytes:
        # Python 2's ioctl takes an array, and no bytearray.
        request = array.array('B', struct.pack('=QQIIII', start, size_bytes - start, _FIEMAP_FLAG_SYNC, 0,
                                               _EXTENTS_PER_CALL, 0) + b'\0' * (56 * _EXTENTS_PER_CALL))
        try:
            fcntl.ioctl(descriptor, _FS_IOC_FIEMAP, request, True)
        except (IOError, OSError):
            return None
        count = struct.unpack_from('=I', request, 20)[0]
        if not count:
            break
        last = False
        for index in range(count):
            logical, _physical, length, _a, _b, flags = struct.unpack_from('=QQQQQI', request, 32 + 56 * index)
            mapped += max(0, min(logical + length, size_bytes) - max(logical, start))
            start = max(start, logical + length)
            last = last or bool(flags & _EXTENT_LAST)
            for bit, flaw in ((_EXTENT_ENCODED, 'compressed'), (_EXTENT_INLINE, 'inline'), (_EXTENT_SHARED, 'shared')):
                if flags & bit:
                    flaws.add(flaw)
        if last:
            break
    return mapped, sorted(flaws)
