# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The managed node as the rest of the collection sees it: a root to read under, and the few ways to change it.

Text is the interpreter's native ``str`` and keeps every byte: bytes on Python 2, UTF-8 with surrogateescape since 3.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import io
import os
import subprocess

_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ESRCH)


def to_native(data):
    """Bytes as native text, every byte kept."""
    return data if str is bytes else data.decode('utf-8', 'surrogateescape')


def to_bytes(text):
    """The bytes of native text, the inverse of to_native."""
    return text if isinstance(text, bytes) else text.encode('utf-8', 'surrogateescape')


def _run(argv):
    """(rc, stdout, stderr) of a command in the C locale; rc 127 where the command is not there.

    AnsibleModule.run_command would end the module there, and would leave the locale as it is.
    """
    path = os.environ.get('PATH', os.defpath) + ':/usr/sbin:/sbin'
    environ = dict(os.environ, LC_ALL='C', LANGUAGE='C', PATH=path)
    try:
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ)
    except OSError as error:
        return 127, '', str(error)
    out, err = process.communicate()
    return process.returncode, to_native(out), to_native(err)


class Host:
    """Reads and changes a node below ``root``.

    ``run`` is a callable (argv -> rc, out, err), for tests; ``move`` one like AnsibleModule.atomic_move
    (source, target), which keeps owner, mode and SELinux label of the target.
    """

    def __init__(self, root='/', run=None, move=None):
        self.root = root
        self.run = run or _run
        self._move = move or os.rename

    def path(self, path):
        """Where ``path`` of the node, absolute there, is for this process."""
        return path if self.root == '/' else os.path.join(self.root, path.lstrip('/'))

    def read(self, path):
        """The text of a file, or None where there is none (or its process is gone). Other errors raise."""
        try:
            with io.open(self.path(path), 'rb') as stream:
                return to_native(stream.read())
        except (IOError, OSError) as error:
            if error.errno in _ABSENT:
                return None
            raise

    def listdir(self, path):
        """Sorted names in a directory; none where there is no such directory."""
        try:
            return sorted(os.listdir(self.path(path)))
        except OSError as error:
            if error.errno in _ABSENT:
                return []
            raise

    def readlink(self, path):
        """The target of a symbolic link, or None where it cannot be read."""
        try:
            return os.readlink(self.path(path))
        except OSError:
            return None

    def status(self, path, follow=True):
        """os.stat_result of a file, or of a link itself without ``follow``; None if there is none or it is hidden."""
        try:
            return (os.stat if follow else os.lstat)(self.path(path))
        except (IOError, OSError):
            return None

    def exists(self, path):
        """Whether anything, a dangling link included, has this name."""
        return os.path.lexists(self.path(path))

    def write(self, path, text):
        """Write in place, in one system call: for files of /proc and /sys. The kernel's refusal raises OSError."""
        descriptor = os.open(self.path(path), os.O_WRONLY)
        try:
            os.write(descriptor, to_bytes(text))
        finally:
            os.close(descriptor)

    def replace(self, path, text, mode=None):
        """Replace a file, or make it, so that a reader or a crash sees the old text or the new, never a part.

        Follows a symbolic link to the file it names. An existing file keeps owner, mode and SELinux label;
        ``mode`` (default 0644) is for a new one.
        """
        target = os.path.realpath(self.path(path))
        new = not os.path.exists(target)
        temporary = os.path.join(os.path.dirname(target), '.oom-rescue-' + os.path.basename(target))
        # One name for each file, so that what a killed run left is taken away by the next one.
        if os.path.lexists(temporary):
            os.unlink(temporary)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, 'wb') as stream:
                stream.write(to_bytes(text))
                stream.flush()
                os.fsync(stream.fileno())
            if new:
                os.chmod(temporary, mode or 0o644)
            else:
                self._keep_owner_and_mode(target, temporary)
            self._move(temporary, target)
            if new:
                os.chmod(target, mode or 0o644)
        except BaseException:
            if os.path.lexists(temporary):
                os.unlink(temporary)
            raise
        self.sync_directory(os.path.dirname(target))

    def remove(self, path):
        """Remove a file; nothing where it is gone already."""
        target = self.path(path)
        try:
            os.unlink(target)
        except OSError as error:
            if error.errno not in _ABSENT:
                raise
            return
        self.sync_directory(os.path.dirname(target))

    def make_directory(self, path, mode=0o755):
        """Make a directory, and the missing ones above it. True where it was made."""
        target = self.path(path)
        if os.path.isdir(target):
            return False
        os.makedirs(target, mode)
        return True

    def remove_empty_directory(self, path):
        """Remove a directory if it is there and empty. True where it was removed."""
        try:
            os.rmdir(self.path(path))
        except OSError as error:
            if error.errno in _ABSENT + (errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY):
                return False
            raise
        return True

    @staticmethod
    def _keep_owner_and_mode(source, target):
        status = os.stat(source)
        os.chmod(target, status.st_mode & 0o7777)
        os.chown(target, status.st_uid, status.st_gid)

    @staticmethod
    def sync_directory(path):
        """fsync a directory, so that a name made or removed in it survives a crash (fsync(2))."""
        descriptor = os.open(path or '.', os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            # Some filesystems do not offer it on directories; the rename itself stays atomic there.
            if error.errno not in (errno.EINVAL, errno.EBADF):
                raise
        finally:
            os.close(descriptor)
