# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens a file that a search found and nobody named: whoever may write to its directory may have put it there.

A link, or a hard link, of such a user would lead root to files that only root may read; so it is not followed. A file
that he made himself is read, and one that root made. Each part of the path is held open while the next one is looked
up, so that nothing can be put in its place meanwhile. /proc/self/fd serves for openat(2), which Python 2 lacks.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import os
import stat

from . import libc, permissions
from .reader import Unreadable

# include/uapi/asm-generic/fcntl.h; os has it since Python 3.3.
_PATH = getattr(os, 'O_PATH', 0o10000000) | os.O_NOFOLLOW | getattr(os, 'O_CLOEXEC', 0)
# path_resolution(7): the kernel gives up after 40 links; no real path has more parts than this.
_MOST_STEPS = 256
_LONGEST = 4096
_NAME_IT = 'name it itself, and not by a pattern, if it is to be read'


class _Held:
    """A part of a path that is held open: its status, and who besides root may put things in it, in words, or None."""

    def __init__(self, above=None, name=''):
        self.descriptor = os.open(above.entry(name) if above else '/', _PATH)
        try:
            self.status = os.fstat(self.descriptor)
            self.writer = self._writer(above)
        except BaseException:
            self.close()
            raise

    def _writer(self, above):
        if not stat.S_ISDIR(self.status.st_mode):
            return None
        kept = above is None or above.writer is None or (_is_own(self.status) and above.is_sticky())
        return permissions.writer_of(self.proc()) if kept else above.writer

    def is_sticky(self):
        """True if only the owner of a file in it may rename that file, and root owns the directory."""
        return _is_own(self.status) and bool(self.status.st_mode & stat.S_ISVTX)

    def is_shared(self):
        """True if others than its owner may put their files in it."""
        return bool(self.status.st_mode & (stat.S_IWGRP | stat.S_IWOTH))

    def proc(self):
        """The path below /proc that leads to what is held."""
        return '/proc/self/fd/%d' % self.descriptor

    def entry(self, name):
        """The path of a name in the directory that is held."""
        return '%s/%s' % (self.proc(), name)

    def close(self):
        """Close it."""
        os.close(self.descriptor)


def _is_own(status):
    return status.st_uid in (0, os.geteuid())


def open_found(path):
    """The descriptor of a regular file that a pattern or the listing of a directory gave, open for reading.

    Raises OSError; Unreadable, with the reason, if others may have led the path elsewhere.
    """
    path = os.path.abspath(path)
    held = [_Held()]
    try:
        parts_left = path.split('/')[::-1]
        for _count in range(_MOST_STEPS):
            while parts_left and parts_left[-1] in ('', '.'):
                parts_left.pop()
            if not parts_left:
                return _opened(held, path)
            parts_left = _step(held, parts_left, path)
        raise Unreadable(path, 'has too many links', errno.ELOOP)
    finally:
        for part in held:
            part.close()


def _step(held, parts_left, path):
    """Go one part further: hold it, or follow a link. Returns the parts that are left, the last one first."""
    name, parts_left = parts_left[-1], parts_left[:-1]
    if name == '..':
        if len(held) > 1:
            held.pop().close()
        return parts_left
    part = _Held(held[-1], name)
    if not stat.S_ISLNK(part.status.st_mode):
        held.append(part)
        return parts_left
    try:
        target = _target(held[-1], part, name, path)
    finally:
        part.close()
    if target.startswith('/'):
        for other in held[1:]:
            other.close()
        del held[1:]
    return parts_left + target.split('/')[::-1]


def _target(above, link, name, path):
    if above.writer is None:
        return os.readlink(above.entry(name))
    if not _is_own(link.status):
        raise Unreadable(path, 'the user %d made a link of it, in a directory that %s: %s' % (
            link.status.st_uid, above.writer, _NAME_IT), errno.EPERM)
    # The link that is held open: by its name it could be another one meanwhile.
    target = libc.filled(_LONGEST, 'readlinkat', link.descriptor, b'')
    return target if str is bytes else os.fsdecode(target)


def _opened(held, path):
    if not stat.S_ISREG(held[-1].status.st_mode):
        raise Unreadable(path, 'not a regular file')
    words = _why_not(held[-2], held[-1].status)
    if words:
        raise Unreadable(path, '%s, in a directory that %s: %s' % (words, held[-2].writer, _NAME_IT), errno.EPERM)
    return os.open(held[-1].proc(), os.O_RDONLY | os.O_NONBLOCK | getattr(os, 'O_CLOEXEC', 0))


def _why_not(above, status):
    """The reason, in words, that a regular file in a directory may not be one that its writer made; None if it is his.
    """
    if above.writer is None:
        return None
    if status.st_nlink > 1:
        return 'has %d names, one of them' % status.st_nlink
    if not _is_own(status) and status.st_uid != above.status.st_uid and not above.is_shared():
        return 'belongs to the user %d' % status.st_uid
    return None
