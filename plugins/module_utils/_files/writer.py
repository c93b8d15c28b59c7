# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes, replaces and removes files so that a crash leaves the old content or the new, and nobody else can intervene.

Paths are this process's own. Every OSError names the file in question.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import os
import stat

from . import xattr

PREFIX = '.oom-rescue-'
_ABSENT = (errno.ENOENT, errno.ENOTDIR)
# A mount point cannot be renamed over; a directory may be read-only, or not writable, where the file in it is neither.
_NO_RENAME = (errno.EBUSY, errno.EXDEV, errno.EROFS, errno.EACCES, errno.EPERM)
# A process without the capability cannot set these, and a filesystem mounted with one label for all refuses them.
_MAY_BE_REFUSED = ('security.', 'trusted.')


class Kept:
    """What a file has beside its content: owner (by default this process), mode and attributes (xattr.lasting)."""

    def __init__(self, mode, uid=None, gid=None, attributes=None):
        self.mode, self.attributes = mode, attributes or {}
        self.uid = os.geteuid() if uid is None else uid
        self.gid = os.getegid() if gid is None else gid

    def give(self, descriptor):
        """Give all of it to an open file. Raises OSError."""
        status = os.fstat(descriptor)
        if (status.st_uid, status.st_gid) != (self.uid, self.gid):
            os.fchown(descriptor, self.uid, self.gid)
        if xattr.ACL not in self.attributes:
            # The default ACL of the directory gave it one.
            xattr.drop(descriptor, xattr.ACL)
        os.fchmod(descriptor, self.mode)
        for name in sorted(self.attributes):
            if xattr.get(descriptor, name) != self.attributes[name]:
                self._give_attribute(descriptor, name)

    def _give_attribute(self, descriptor, name):
        try:
            xattr.put(descriptor, name, self.attributes[name])
        except (IOError, OSError) as error:
            if not name.startswith(_MAY_BE_REFUSED) or error.errno not in (errno.EPERM, errno.EOPNOTSUPP):
                raise


def kept_of(path):
    """The Kept of a file, or None if there is no such file. Raises OSError, also if it is no regular file."""
    with _about(path):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            if error.errno in _ABSENT:
                return None
            raise
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EINVAL, 'is no regular file, and stays as it is', path)
            return Kept(stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, xattr.lasting(descriptor))
        finally:
            os.close(descriptor)


def close_directory(path):
    """Make a directory root's, with mode 0755 and no ACL, by its descriptor. Raises OSError, also for a link."""
    with _about(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            Kept(0o755).give(descriptor)
        finally:
            os.close(descriptor)


class _about:
    """A context that puts the file's name into an OSError that names none, or a temporary one."""

    def __init__(self, path):
        self._path = path

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if isinstance(error, (IOError, OSError)) and error.errno is not None:
            error.filename = self._path


def temporary_of(path):
    """The path, beside the file, at which its new content is written; each file has one."""
    return os.path.join(os.path.dirname(path), PREFIX + os.path.basename(path))


def replace(path, data, kept, rename=os.rename):
    """Give a file this content, owner, mode and attributes, or make it. True if it is done, False if it can only be
    written in place.

    Nothing of it can be seen before all of it is on the disk. Raises OSError.
    """
    temporary = temporary_of(path)
    with _about(path):
        try:
            _make(temporary, data, kept)
            rename(temporary, path)
        except BaseException as error:
            _unlink(temporary)
            if isinstance(error, (IOError, OSError)) and error.errno in _NO_RENAME and os.path.isfile(path):
                return False
            raise
        sync_directory(os.path.dirname(path))
    return True


def _make(path, data, kept):
    """Make a file that is root's alone until it has its owner, its attributes, its mode and all of its content."""
    _unlink(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        kept.give(descriptor)
        _write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def overwrite(path, data):
    """Write this content into a file in place. A crash may leave only a part of it: the caller keeps a copy. Raises
    OSError.
    """
    with _about(path):
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
        try:
            _write_all(descriptor, data)
            os.ftruncate(descriptor, len(data))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _write_all(descriptor, data):
    while data:
        data = data[os.write(descriptor, data):]


def try_to_replace(path, data):
    """Raise the OSError with which both replace() and overwrite() of a file would fail. Nothing is changed."""
    with _about(path):
        there = os.path.lexists(path)
        if there:
            # An immutable file, and one on a read-only mount, refuse this.
            os.close(os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK))
        directory = os.path.dirname(path)
        while not os.path.lexists(directory):
            directory = os.path.dirname(directory)
        temporary = os.path.join(directory, PREFIX + os.path.basename(path))
        try:
            _make(temporary, data, Kept(0o600))
        except (IOError, OSError) as error:
            if not there or error.errno not in _NO_RENAME:
                raise
        finally:
            _unlink(temporary)


def try_to_remove(path):
    """Raise the OSError with which a file could not be removed, if that can be told. Nothing is changed."""
    with _about(path):
        if os.path.isfile(path) and not os.path.islink(path):
            os.close(os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK))


def remove(path):
    """Remove a file. True if there was one. Raises OSError."""
    with _about(path):
        if not _unlink(path):
            return False
        sync_directory(os.path.dirname(path))
    return True


def _unlink(path):
    try:
        os.unlink(path)
    except OSError as error:
        if error.errno not in _ABSENT:
            raise
        return False
    return True


def make_directories(path, mode):
    """Make a directory of this mode, and the missing ones above it. The list of those made, the uppermost first."""
    made = []
    while not os.path.isdir(path):
        made.insert(0, path)
        path = os.path.dirname(path)
    for directory in made:
        with _about(directory):
            # Whatever the umask, it is never open to more than this.
            os.mkdir(directory, mode & ~0o022)
            os.chmod(directory, mode)
            sync_directory(os.path.dirname(directory))
    return made


def is_leftover(path):
    """True if a path is a file that a killed run left: one of root's with a name of temporary_of()."""
    if not os.path.basename(path).startswith(PREFIX):
        return False
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid() and status.st_nlink == 1


def sync_directory(path):
    """fsync a directory, so that a name made or removed in it survives a crash (fsync(2)). Raises OSError."""
    descriptor = os.open(path or '.', os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some filesystems do not offer it on directories; the rename itself stays atomic there.
        if error.errno not in (errno.EINVAL, errno.EBADF):
            raise
    finally:
        os.close(descriptor)
