# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process held by the descriptor of its directory in /proc: a new process with the same number is not behind it."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import os

from .._files.host import to_bytes, to_native
from .processes import DELETED, parse_stat

_LARGEST = 4096


class Pinned:
    """The process with a pid at the time when this is made, until it is closed. A context that closes itself.

    To make it, and each method, raises OSError: ENOENT or ESRCH if the process is gone.
    """

    def __init__(self, host, pid):
        self._descriptor = os.open(host.path('/proc/%d' % pid), os.O_RDONLY | os.O_DIRECTORY)
        # Python 2 has no openat(2).
        self._directory = '/proc/self/fd/%d/' % self._descriptor

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        os.close(self._descriptor)

    def read(self, name):
        """The text of a file in the directory, 4 KiB of it at most."""
        descriptor = os.open(self._directory + name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            return to_native(os.read(descriptor, _LARGEST))
        finally:
            os.close(descriptor)

    def identity(self):
        """(start_ticks, exe) as process() has them; exe is None if it cannot be read."""
        stat = parse_stat(self.read('stat'))
        try:
            exe = os.readlink(self._directory + 'exe')
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.EPERM, errno.ENOENT):
                raise
            exe = None
        if exe and exe.endswith(DELETED):
            exe = exe[:-len(DELETED)]
        return stat and stat['start_ticks'], exe

    def write(self, name, text):
        """Write a file in the directory, in one system call."""
        descriptor = os.open(self._directory + name, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW)
        try:
            os.write(descriptor, to_bytes(text))
        finally:
            os.close(descriptor)
