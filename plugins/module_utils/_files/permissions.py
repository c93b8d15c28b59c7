# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a file or directory is root's alone, asked of its owner, its mode and its POSIX ACL."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import os
import stat

from . import xattr

_WRITE = 2


def acl(path):
    """The POSIX ACL of a file or directory, in bytes, or None. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        # None too of a Python that cannot ask: mode and owner have to do.
        return xattr.get(descriptor, xattr.ACL)
    finally:
        os.close(descriptor)


def writer_of(path):
    """Who besides root may write to a file or directory, in the words of stranger_of(), or None. Links are followed.
    Raises OSError.
    """
    return stranger_of(os.stat(path), os.path.realpath(path))


def stranger_of(status, path=None, owners=None):
    """Who besides ``owners`` may write to the file with this status, in words, or None. Raises OSError.

    The words come before the path: ``the user 1000 owns``, ``anybody may write to``, ``the group 100 may write to``.
    ``owners`` are uids, by default root and the user who runs this. The group of root counts as root if the ACL of
    ``path``, which is no link, names nobody else. Without a path that is not known, and a group that may write is a
    stranger.
    """
    if status.st_uid not in (owners or (0, os.geteuid())):
        return 'the user %d owns' % status.st_uid
    if status.st_mode & stat.S_IWOTH:
        return 'anybody may write to'
    if not status.st_mode & stat.S_IWGRP:
        # The group's bits are the mask of an ACL, too (acl(5)).
        return None
    named = [] if path is None else [entry for entry in xattr.named_in_acl(acl(path))
                                     if entry[2] & _WRITE and entry[1]]
    if named:
        return 'by its ACL the %s %d may write to' % named[0][:2]
    if path is None or status.st_gid not in (0, os.getegid()):
        return 'the group %d may write to' % status.st_gid
    return None


def is_closed(path, top='/'):
    """True if others than root may not read a file, by its mode or by that of a directory between it and ``top``.

    A file that is not there is as closed as its directory. Links are followed.
    """
    place, needed = os.path.realpath(path), stat.S_IROTH
    while True:
        try:
            mode = os.stat(place).st_mode
        except (IOError, OSError) as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                return True
            mode = needed
        if not mode & needed:
            return True
        place, needed = os.path.dirname(place), stat.S_IXOTH
        if place in (top, '/', ''):
            return False


def who_may_replace(path, name=None):
    """Who besides root could put something else in the place of a name in the directory ``path``, in words, or None.

    ``name`` is what the reader calls the directory. Each directory up to the root counts. Raises OSError.
    """
    place, said = path, name or path
    while True:
        words = writer_of(place)
        sticky = os.stat(place).st_mode & stat.S_ISVTX
        # Above the file's own directory the sticky bit is enough: it keeps others from renaming what is ours.
        if words and (place == path or not sticky or ' owns' in words):
            return '%s %s' % (words, said)
        if place in ('/', '') or said in ('/', ''):
            return None
        place, said = os.path.dirname(place), os.path.dirname(said)
