# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a file that somebody else may have made: without waiting, no device, only up to a limit, and not for ever."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import json
import os
import re
import stat
import time
import zlib

from . import errors
from .sizes import format_size

# A configuration, an engine's JSON, a unit.
MOST = 1 << 20
# The kernel's own files: every mount or every zone of a large host. Our records: every cgroup of one.
_MOST_OF_KERNEL = MOST_OF_RECORDS = 1 << 24
# What we put on a node ourselves.
_OURS = ('/var/lib/oom-rescue/', '/usr/local/lib/oom-rescue/')
# A process chooses how long these are: execve(2) takes 6 MB, and argv may be all its memory.
_MOST_OF_PROCESS = 1 << 16
_OF_PROCESS = re.compile(r'/proc/(?:\d+|self)/(?:cmdline|environ)\Z')
# What has a line for each thread of the host is large, and is asked for once.
_KEPT = re.compile(r'/proc/(?!\d|vmallocinfo)|/proc/1/(?:comm|environ)\Z|/sys/')
# The kernel writes each of these at once, so that one read has all of it (single_open()).
_IN_ONE_PIECE = re.compile(r'/proc/\d+/(?:stat|status|statm|oom_score|oom_score_adj|cgroup|smaps_rollup)\Z')
_SECONDS = 10
_CHUNK = 1 << 16
# int() takes more than linear time for longer numbers before Python 3.11, which refuses them.
_MOST_DIGITS = 4300
_NULL = (1, 3)
_clock = getattr(time, 'monotonic', time.time)

# The errors that reading or parsing anything may raise, whoever wrote it. RecursionError is a RuntimeError.
FAILURES = (IOError, OSError, ValueError, MemoryError, RuntimeError, EOFError, zlib.error)


class Unreadable(OSError):
    """A file that is not read. The text names the file, what was found, what is allowed, and what to do."""

    def __init__(self, path, reason, number=errno.EINVAL):
        super(Unreadable, self).__init__(number, reason, path)

    def __str__(self):
        return errors.said(self)


def reason(error):
    """An exception in a few words, without the file's name."""
    words = getattr(error, 'strerror', None) or str(error)
    if isinstance(error, MemoryError):
        words = 'there is not enough memory to read it'
    elif isinstance(error, RuntimeError):
        words = 'it is nested too deeply'
    return errors.one_line(words) or error.__class__.__name__


def said(path, error):
    """An exception with the name of the file that it is about, in one line."""
    return '%s: %s' % (path, reason(error))


def limit_of(path):
    """(the most bytes that are read of a file of the node, True if a longer one is cut and not refused)."""
    if _OF_PROCESS.match(path):
        return _MOST_OF_PROCESS, True
    if path.startswith(('/proc/', '/sys/')):
        return _MOST_OF_KERNEL, False
    return MOST_OF_RECORDS if path.startswith(_OURS) else MOST, False


def read_file(path, limit=MOST, cut=False, links=True, name=None):
    """The bytes of a regular file; b'' for a link to /dev/null, which masks a configuration.

    A file of more than ``limit`` bytes is Unreadable, or with ``cut`` its beginning is returned. Without ``links`` a
    symbolic link is refused. ``name`` is what a message calls the file. Raises OSError.
    """
    name = name or path
    if _IN_ONE_PIECE.match(path):
        return _read_in_one_piece(path, name, links)
    # To open a device does something, and to open a FIFO lets its writer go on: neither is opened.
    if _is_null(_checked(name, os.stat(path) if links else os.lstat(path))):
        return b''
    descriptor = os.open(path, _flags(links))
    try:
        status = _checked(name, os.fstat(descriptor))
        if status.st_size > limit and not cut:
            raise _too_large(name, status.st_size, limit)
        return _read(descriptor, name, limit, cut)
    finally:
        os.close(descriptor)


def _flags(links):
    return os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | getattr(os, 'O_CLOEXEC', 0) | (0 if links else os.O_NOFOLLOW)


def _read_in_one_piece(path, name, links):
    """The same for a short file that the kernel makes of a process, of which there are thousands."""
    descriptor = os.open(path, _flags(links))
    try:
        data = os.read(descriptor, _CHUNK)
        return data if len(data) < _CHUNK else data + _read(descriptor, name, _MOST_OF_KERNEL, False)
    finally:
        os.close(descriptor)


def _checked(name, status):
    """The status of a regular file or /dev/null. Raises Unreadable for anything else."""
    if stat.S_ISREG(status.st_mode) or _is_null(status):
        return status
    raise Unreadable(name, 'is a %s, and only a regular file is read here: %s' % (
        kind_of(status.st_mode), 'whoever reads it waits, so remove it' if stat.S_ISFIFO(status.st_mode)
        else 'look at who made it, and remove it'))


def _is_null(status):
    return stat.S_ISCHR(status.st_mode) and (os.major(status.st_rdev), os.minor(status.st_rdev)) == _NULL


def kind_of(mode):
    """What a file that is not regular is, in words."""
    for test, words in ((stat.S_ISFIFO, 'FIFO'), (stat.S_ISDIR, 'directory'), (stat.S_ISLNK, 'symbolic link'),
                        (stat.S_ISSOCK, 'socket'), (stat.S_ISCHR, 'character device'), (stat.S_ISBLK, 'block device')):
        if test(mode):
            return words
    return 'file of an unknown kind'


def _too_large(name, size, limit):
    words = format_size(size) if size else 'more'
    return Unreadable(name, 'has %s, and at most %s of such a file is read: make it smaller, or remove it' % (
        words, format_size(limit)), errno.EFBIG)


def _read(descriptor, name, limit, cut):
    parts, bytes_left, end = [], limit if cut else limit + 1, _clock() + _SECONDS
    while bytes_left > 0:
        part = os.read(descriptor, min(bytes_left, _CHUNK))
        if not part:
            break
        parts.append(part)
        bytes_left -= len(part)
        if _clock() > end:
            raise Unreadable(name, 'was not read within %d seconds' % _SECONDS, errno.ETIMEDOUT)
    if not bytes_left and not cut:
        # The kernel's own files say nothing of their size.
        raise _too_large(name, 0, limit)
    return b''.join(parts)


def parse_json(text):
    """The value of a JSON text. Raises ValueError, also if it is nested too deeply or larger than memory."""
    try:
        return _DECODER.decode(text)
    except (RuntimeError, MemoryError) as error:
        raise ValueError(reason(error))


def _parse_int(digits):
    if len(digits) > _MOST_DIGITS:
        raise ValueError('a number of %d digits' % len(digits))
    return int(digits)


_DECODER = json.JSONDecoder(parse_int=_parse_int)


def json_object(text):
    """The dictionary that a JSON text holds; {} if it holds none."""
    try:
        data = parse_json(text or '{}')
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def required_object(text, path, next_step):
    """The dictionary that the text of a file holds. Raises RescueError, with the next step, if it holds none."""
    try:
        value = parse_json(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise errors.RescueError('{path} is no JSON object', path=path, next_step=next_step)
    return value


class OneMoment:
    """A Host that is only read: what once() made of its processes is kept. It fails as the Host does."""

    of_one_moment = True

    def __init__(self, host):
        self._host, self._known = host, {}

    def __getattr__(self, name):
        return getattr(self._host, name)

    def once(self, key, function):
        """The result of a callable at its first call for this key, which is any hashable."""
        if key not in self._known:
            self._known[key] = function()
        return self._known[key]

    def forget(self):
        """Let go of what is kept. Processes refer to their Host: without this they stay until Python happens to look
        for such rings.
        """
        self._known.clear()


class Noting(OneMoment):
    """A Host whose files are read only for facts, at one moment.

    A file that cannot be read is None, and is noted with the reason. No file of the kernel's own is opened twice. The
    texts of a process are not kept, as there may be thousands, but what once() made of them is.
    """

    def __init__(self, host):
        OneMoment.__init__(self, host)
        self._unread, self._closed = {}, set()

    def read(self, path, **options):
        """Host.read(), or None for all that it raises."""
        if options or not _KEPT.match(path):
            return self._noted(self._host.read, None, path, **options)
        return self.once(path, lambda: self._noted(self._host.read, None, path))

    def listdir(self, path):
        """Host.listdir(), or [] for all that it raises."""
        return self._noted(self._host.listdir, [], path)

    def _noted(self, function, otherwise, path, **options):
        try:
            return function(path, **options)
        except FAILURES as error:
            path = options.get('name') or path
            if getattr(error, 'errno', None) in (errno.EACCES, errno.EPERM):
                self._closed.add(path)
            # A value that this kernel does not tell, or not to this user, is null in the facts: that is all.
            if isinstance(error, Unreadable) or not path.startswith(('/proc/', '/sys/')):
                self._unread.setdefault(path, said(path, error))
        return otherwise

    def closed(self):
        """The set of paths that this user may not read."""
        return self._closed

    def unread(self):
        """[{path, error}] of what could not be read, by path."""
        return [{'path': path, 'error': self._unread[path]} for path in sorted(self._unread)]
