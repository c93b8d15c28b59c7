# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives a swap file its blocks, on a host that may have no memory left and whose disk others need."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import fcntl
import mmap
import os
import stat
import time

from .._files import xattr
from . import syscalls

_CHUNK = 1 << 20
# So many bytes are written before the disk is waited for, if the page cache cannot be bypassed.
_FLUSH = 8 << 20
_PROGRESS_SECONDS = 5
_NOT_OFFERED = (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EPERM)
_DIRECT = getattr(os, 'O_DIRECT', 0)


def create(path, size_bytes, method='auto', nocow=False, progress=None):
    """Make a new file of this size, with mode 0600 from its first instant. Returns the method used.

    Raises OSError: EEXIST if the name is there, even as a symbolic link. On any error the file is removed again.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600)
    try:
        try:
            # Its directory may give it a group, or an ACL.
            os.fchown(descriptor, os.geteuid(), os.getegid())
            xattr.drop(descriptor, xattr.ACL)
            os.fchmod(descriptor, 0o600)
            if stat.S_IMODE(os.fstat(descriptor).st_mode) != 0o600:
                # FAT has the modes of its mount options, and says nothing.
                raise OSError(errno.EPERM, 'the filesystem does not keep the mode 0600: give a path on another', path)
            if nocow:
                # Before the first byte: btrfs ignores it later, and swapon refuses the file.
                syscalls.set_nocow(descriptor)
            used = extend(descriptor, 0, size_bytes, method, progress)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except BaseException:
        os.unlink(path)
        raise
    return used


def extend(descriptor, start, size_bytes, method='auto', progress=None):
    """Give an open file blocks from ``start`` to ``size_bytes``; what it holds before that stays. Returns the method
    used.

    ``auto`` reserves with fallocate, and writes zeros if the filesystem has no such call.
    """
    if method != 'write':
        try:
            syscalls.fallocate(descriptor, start, size_bytes - start)
            return 'fallocate'
        except OSError as error:
            if method == 'fallocate' or error.errno not in _NOT_OFFERED:
                raise
    _write_zeros(descriptor, start, size_bytes, progress)
    return 'write'


def _write_zeros(descriptor, start, size_bytes, progress):
    syscalls.yield_io()
    # O_DIRECT wants aligned memory, and a mapping is aligned.
    zeros = mmap.mmap(-1, _CHUNK)
    direct = _set_direct(descriptor, True)
    told, flushed, offset = time.time(), start, start
    os.lseek(descriptor, start, os.SEEK_SET)
    try:
        while offset < size_bytes:
            try:
                # A short first step gets from an odd start to an offset from which O_DIRECT can go on.
                length = min(_CHUNK - offset % _CHUNK, size_bytes - offset)
                offset += os.write(descriptor, syscalls.part_of(zeros, length))
            except OSError as error:
                if error.errno != errno.EINVAL or not direct:
                    raise
                direct = _set_direct(descriptor, False)
                continue
            if not direct and (offset - flushed >= _FLUSH or offset == size_bytes):
                os.fdatasync(descriptor)
                syscalls.drop_cache(descriptor, flushed, offset - flushed)
                flushed = offset
            if progress and time.time() - told >= _PROGRESS_SECONDS:
                told = time.time()
                progress(offset - start, size_bytes - start)
    finally:
        _set_direct(descriptor, False)


def _set_direct(descriptor, wanted):
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | _DIRECT if wanted else flags & ~_DIRECT)
    except (IOError, OSError):
        return False
    return wanted
