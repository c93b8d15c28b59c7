# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Functions of libc that a Python does not offer, called by ctypes."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import os

try:
    import ctypes
except ImportError:
    ctypes = None


def call(name, *arguments):
    """The result of a function of libc. Raises OSError with its errno, ENOSYS if this Python cannot call it."""
    function = getattr(ctypes and ctypes.CDLL(None, use_errno=True), name, None)
    if function is None:
        raise OSError(errno.ENOSYS, 'this Python cannot call %s of libc: install its ctypes' % name)
    function.restype = ctypes.c_ssize_t
    result = function(*arguments)
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def size(number):
    """A number as libc's size_t."""
    return ctypes.c_size_t(number) if ctypes else number


def filled(most, name, *arguments):
    """The bytes that a function writes to a buffer of ``most`` bytes, which are its last arguments. Raises OSError."""
    data = ctypes.create_string_buffer(most) if ctypes else None
    count = call(name, *(arguments + (data, size(most))))
    return data.raw[:count]
