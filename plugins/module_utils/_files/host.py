# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The managed node as the rest of the collection sees it: a root to read under, and the few ways to change it.

Text is the interpreter's native ``str`` and keeps every byte: bytes on Python 2, UTF-8 with surrogateescape on Python
3.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import contextlib
import errno
import os
import stat

from . import command, permissions, reader, writer, xattr
from .errors import RescueError, said
from .writer import Kept

# Where records and copies of files are kept on the node: root's alone.
DIRECTORY = '/var/lib/oom-rescue'
_COPY = '.in-place'
_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ESRCH)


def to_native(data):
    """Bytes as native text, every byte kept."""
    return data if str is bytes else data.decode('utf-8', 'surrogateescape')


def to_bytes(text):
    """The bytes of native text, as to_native() was given them."""
    return text if isinstance(text, bytes) else text.encode('utf-8', 'surrogateescape')


def _run(argv):
    """(rc, stdout, stderr) of a program, as command.run() has it, in native text."""
    rc, out, err = command.run(argv)
    return rc, to_native(out), to_native(err)


# The name is below something that is not a directory: then it is not there.
_NO_FILE = '/dev/null/none'


class Host:
    """Reads and changes a node below ``root``.

    ``run`` is a callable (argv -> rc, out, err), and ``rename`` one like os.rename, for tests.
    """

    def __init__(self, root='/', run=None, rename=os.rename):
        self.root = root
        self.run = run or _run
        self._rename = rename
        # {path: whether it was closed to others} of the files that were changed, before they were.
        self._closed = {}
        # What put_back() does, the last first; None outside of whole().
        self._undo = None

    def path(self, path):
        """The path by which this process reaches ``path``, which is absolute on the node."""
        if '\0' in path:
            # No file has such a name, but a stranger may write it into a configuration.
            path = _NO_FILE
        return path if self.root == '/' else os.path.join(self.root, path.lstrip('/'))

    def read(self, path, links=True, name=None):
        """The text of a file, or None if there is none (or its process is gone).

        Without ``links`` the path itself may not be a symbolic link. ``name`` is what an error calls the file. Raises
        OSError; it is Unreadable if this is not a regular file, or has more bytes than reader.limit_of() says.
        """
        limit, cut = reader.limit_of(path)
        try:
            return to_native(reader.read_file(self.path(path), limit, cut, links, name or path))
        except (IOError, OSError) as error:
            if error.errno in _ABSENT:
                return None
            raise

    # True of a host that is read for one moment (reader.Noting).
    of_one_moment = False

    @staticmethod
    def once(_key, function):
        """The result of a callable. A host that is read for one moment (reader.Noting) keeps it by its key."""
        return function()

    def is_closed(self, path):
        """True if others than root may not read a file of the node, or could not before this Host changed it.

        Its text is then shown to nobody.
        """
        return any(self._closed.get(place, False) for place in self._names_of(path)) or self._is_closed(path)

    def _is_closed(self, path):
        return permissions.is_closed(self.path(path), os.path.realpath(self.root))

    def _names_of(self, path):
        return self.path(path), os.path.realpath(self.path(path))

    def _note_closed(self, path):
        closed = self._is_closed(path)
        for place in self._names_of(path):
            self._closed.setdefault(place, closed)

    def problem(self, path, name=None):
        """The reason, in one line, that a file cannot be read; None if it can, or if there is none."""
        try:
            self.read(path, name=name)
        except reader.FAILURES as error:
            return reader.said(name or path, error)
        return None

    def listdir(self, path):
        """The sorted names in a directory; [] if there is no such directory."""
        try:
            return sorted(os.listdir(self.path(path)))
        except OSError as error:
            if error.errno in _ABSENT:
                return []
            raise

    def readlink(self, path):
        """The target of a symbolic link, or None if it cannot be read."""
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

    def space(self, path, device):
        """{total_bytes, free_bytes} of the filesystem at ``path`` if its device is ``device`` (``0:22``); else None.

        None for a filesystem without a size as well (statvfs(3)).
        """
        try:
            number = os.lstat(self.path(path)).st_dev
            space = os.statvfs(self.path(path))
        except (IOError, OSError):
            return None
        if '%d:%d' % (os.major(number), os.minor(number)) != device or not space.f_blocks:
            return None
        return {'total_bytes': space.f_blocks * space.f_frsize, 'free_bytes': space.f_bfree * space.f_frsize}

    def exists(self, path):
        """True if anything has this name, even a dangling link."""
        return os.path.lexists(self.path(path))

    def is_directory(self, path):
        """True if it is a directory, or a link to one."""
        return os.path.isdir(self.path(path))

    def write(self, path, text):
        """Write in place, in one system call, for files of /proc and /sys. Raises OSError if the kernel refuses."""
        before = self.read(path) if self._undo is not None else None
        self._write(path, text)
        if before is not None:
            self.on_failure(lambda: self._write(path, before))

    def _write(self, path, text):
        descriptor = os.open(self.path(path), os.O_WRONLY | getattr(os, 'O_NOFOLLOW', 0))
        try:
            os.write(descriptor, to_bytes(text))
        finally:
            os.close(descriptor)

    def replace(self, path, text, mode=None, own=False):
        """Replace a file, or make it, so that a reader or a crash sees the old text or the new one, never a part.

        A symbolic link is followed to the file it names. A file that exists keeps its owner, mode, ACL, SELinux label
        and other attributes; ``mode`` (default 0644) is for a new one, and for one of ours (``own``), which is root's.
        A file that cannot be renamed over, such as a mount point, is written in place, and a copy of it is kept until
        that is done. Raises OSError with the file's name.
        """
        target = self._target(path)
        self._note_closed(path)
        kept = writer.kept_of(target)
        before = None if kept is None else _content(target)
        new = Kept(mode or 0o644) if own or kept is None else kept
        self._put(target, to_bytes(text), new, before)
        if kept is None:
            self.on_failure(lambda: writer.remove(target))
        else:
            # Not for a file of ours that others could write to.
            back = Kept(kept.mode & new.mode) if own else kept
            self.on_failure(lambda: self._put(target, before, back, to_bytes(text)))

    def _put(self, target, data, kept, before):
        if not writer.replace(target, data, kept, self._rename):
            copy = self.path(_copy_of(target))
            made = writer.make_directories(os.path.dirname(copy), 0o700)
            writer.replace(copy, to_bytes(target) + b'\n' + before, Kept(0o600))
            try:
                writer.overwrite(target, data)
            except BaseException:
                writer.overwrite(target, before)
                raise
            finally:
                writer.remove(copy)
                for directory in reversed(made):
                    os.rmdir(directory)

    def _target(self, path):
        """The file that a path leads to. Raises OSError if others than root could put another in its place."""
        target = os.path.realpath(self.path(path))
        directory = os.path.dirname(target)
        words = permissions.who_may_replace(directory) if os.path.isdir(directory) else None
        if words:
            raise OSError(errno.EPERM, 'root writes nothing there, as %s: let it be root\'s' % words, path)
        return target

    def try_to_change(self, path, text):
        """Raise the OSError with which replace(), or remove() if the text is None, would fail. Nothing is changed."""
        target = self._target(path)
        if text is None:
            writer.try_to_remove(target)
        else:
            writer.try_to_replace(target, to_bytes(text))

    def flaw_of_own(self, path, mode=0o644):
        """What is wrong with the owner, mode or ACL of a file of ours, in words; None if nothing is, or there is no
        file.
        """
        try:
            kept = writer.kept_of(self.path(path))
        except OSError as error:
            return error.strerror
        if kept is None:
            return None
        if (kept.uid, kept.gid) != (os.geteuid(), os.getegid()):
            return 'owner %d:%d' % (kept.uid, kept.gid)
        if xattr.ACL in kept.attributes:
            return 'an ACL'
        return 'mode %04o' % kept.mode if kept.mode != mode else None

    def remove(self, path):
        """Remove a file; nothing if it is gone already. Raises OSError."""
        target = self.path(path)
        self._note_closed(path)
        kept = before = None
        if self._undo is not None and os.path.isfile(target) and not os.path.islink(target):
            kept, before = writer.kept_of(target), _content(target)
        if writer.remove(target) and kept is not None:
            self.on_failure(lambda: writer.replace(target, before, kept))

    def make_directory(self, path, mode=0o755):
        """Make a directory of this mode, whatever the umask, and the missing ones above it. True if it was made."""
        made = writer.make_directories(self.path(path), mode)
        for directory in made:
            self.on_failure(lambda directory=directory: os.rmdir(directory))
        return bool(made)

    def close_directory(self, path):
        """Make a directory of ours root's alone again. Raises OSError; RescueError if others have put something there:
        root would read it.
        """
        writer.close_directory(self.path(path))
        for name in self.listdir(path):
            other = '%s/%s' % (path, name)
            words = self._stranger_of(other)
            if words:
                raise RescueError('{path} was open to others, and {value}', path=path, value='%s %s' % (words, other),
                                  next_step='look at what it says, and remove it or make it root\'s')

    def _stranger_of(self, path):
        """Who besides root made or may write to a file, or to a link itself; None if nobody."""
        status = self.status(path, follow=False)
        if status is None:
            return None
        if status.st_uid not in (0, os.geteuid()):
            return 'the user %d owns' % status.st_uid
        return None if stat.S_ISLNK(status.st_mode) else permissions.writer_of(self.path(path))

    def remove_empty_directory(self, path):
        """Remove a directory if it is there and empty. True if it was removed."""
        target = self.path(path)
        try:
            mode = stat.S_IMODE(os.stat(target).st_mode)
            os.rmdir(target)
        except OSError as error:
            if error.errno in _ABSENT + (errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY):
                return False
            raise
        writer.sync_directory(os.path.dirname(target))
        self.on_failure(lambda: writer.make_directories(target, mode))
        return True

    @contextlib.contextmanager
    def whole(self):
        """A context of which all changes are done, or, if it raises, all are undone.

        Raises what the changes raise; RescueError if undoing fails as well.
        """
        self._undo = []
        try:
            yield
        except BaseException as error:
            steps, self._undo = self._undo, None
            _put_back(steps, error)
            raise
        finally:
            self._undo = None

    def on_failure(self, step):
        """Run a callable if what whole() holds fails later; the last one given runs first."""
        if self._undo is not None:
            self._undo.append(step)

    def finish_interrupted(self):
        """Restore the file that a killed run was writing in place. Raises OSError."""
        for name in self.listdir(DIRECTORY):
            if name.endswith(_COPY):
                copy = self.path('%s/%s' % (DIRECTORY, name))
                target, _newline, before = _content(copy).partition(b'\n')
                if os.path.isfile(target):
                    writer.overwrite(to_native(target), before)
                writer.remove(copy)
                self.remove_empty_directory(DIRECTORY)

    def clear_leftovers(self, directories):
        """Remove the files that killed runs left in directories, by the names that this Host uses. Raises OSError."""
        for directory in directories:
            for name in self.listdir(directory):
                path = self.path('%s/%s' % (directory, name))
                if writer.is_leftover(path):
                    writer.remove(path)

    @staticmethod
    def sync_directory(path):
        """fsync a directory, so that a name made or removed in it survives a crash."""
        writer.sync_directory(path)


def _content(path):
    return reader.read_file(path, reader.MOST_OF_RECORDS)


def _copy_of(target):
    return '%s/%s%s' % (DIRECTORY, target.strip('/').replace('/', '-'), _COPY)


def _put_back(steps, error):
    """Run all steps, the last one first. Raises RescueError if one fails, after running the others."""
    failed = []
    for step in reversed(steps):
        try:
            step()
        except (IOError, OSError, RescueError) as second:
            failed.append(said(second))
    if failed:
        raise RescueError('%s; putting back what was there failed as well: %s' % (said(error), '; '.join(failed)),
                          changed=True)
