# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log files of a host: which there are, in which order they were written, and their content by blocks."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import glob
import io
import os
import re
import stat
import subprocess
import tempfile
import zlib

from .._files import reader
from .._files.errors import RescueError
from .._files.safe_open import open_found
from .._files.sizes import format_size
from .times import parse_iso

try:
    from lzma import LZMADecompressor, LZMAError
except ImportError:
    # Python 2.
    LZMADecompressor, LZMAError = None, zlib.error

BLOCK = 1 << 18
# How many files of a directory that is named are read, and how deep: enough for a copy of /var/log.
_MOST_FILES, _DEEPEST = 500, 3
_HEAD = 1 << 16
KERNEL_LOGS = ('/var/log/messages*', '/var/log/kern.log*', '/var/log/syslog*')

_ROTATED = re.compile(r'^(.*?)(?:[.-](\d{8})(?:[-T]?\d{1,10})?|\.(\d{1,4}))?(?:\.(gz|bz2|xz|zst|lzma))?$')
_MAGIC = ((b'\x1f\x8b', 'gz'), (b'BZh', 'bz2'), (b'\xfd7zXZ\x00', 'xz'), (b'\x28\xb5\x2f\xfd', 'zst'))
# Files that are not text and are read all the same: compressed ones, and UTF-16.
_ENCODED = tuple(magic for magic, _kind in _MAGIC) + (b'\xff\xfe', b'\xfe\xff')


# xz -9 takes 65 MiB to unpack, zstd --ultra 128 MiB; a file that takes more was made to take it.
_MOST_MEMORY = 1 << 27
# Text unpacks to ten times its size, the same line over and over to a few hundred times.
_UNPACKED = 200
_UNPACKED_AT_LEAST = 1 << 30


class SourceError(RescueError):
    """A source cannot be read. The text is one line. Of a command ``status`` is how it ended, ``said`` its own words.
    """

    status, said = None, ''


class Cut(SourceError):
    """The rest of a source is not read. The text is the reason."""


class CommandMissing(SourceError):
    """A command is not on the host."""


# The errors that reading a log may raise, whatever is in it.
FAILURES = reader.FAILURES + (SourceError, LZMAError)
reason = reader.reason


def in_blocks(pieces, least=BLOCK):
    """Pieces of a log joined to blocks of ``least`` bytes or more, except for the last."""
    for group in in_groups(pieces, least):
        yield joined(group)


def in_groups(pieces, least):
    """The same blocks, each as a list of pieces for joined(), which empties it: only one block is in memory."""
    group, size = [], 0
    for piece in pieces:
        group.append(piece)
        size += len(piece)
        del piece
        if size >= least:
            yield group
            group, size = [], 0
    if group:
        yield group


def joined(pieces):
    """The pieces joined (bytes). Their list is emptied, so that they are not held beside the block."""
    whole = b''.join(pieces)
    del pieces[:]
    return whole


class LogFile:
    """A log file, and its place among the rotated ones of its family, by its name."""

    def __init__(self, path, named=True):
        self.path = path
        self.real = _real(path)
        # False if somebody who may write to its directory may have put it there.
        self.named = named
        self.kind = None
        # True of a log of this host, by its place: then it tells the year and the zone that its lines leave out.
        self.own = False
        name = os.path.basename(path)
        base, self.date, number = _ROTATED.match(name).groups()[:3]
        self.family = os.path.join(os.path.dirname(path), base)
        # Logs without a date are numbered from the newest, and the one without a number is being written.
        self.age = -int(number) if number else 0
        self.current = not self.date and not number
        try:
            self.modified = os.stat(path).st_mtime
        except (OSError, IOError):
            self.modified = 0

    def is_itself(self):
        """True if its links are followed wherever they lead: somebody named it, or none of them may be a stranger's."""
        return self.named or self.path == self.real

    def order(self):
        """The key that sorts the files of a family by the time when they were written."""
        return (self.current, self.date or '', self.age, self.modified, self.path)

    def last_moment(self, now):
        """A time, in seconds since 1970, after which no line of it was written: its date, its last change, or now."""
        moments = [now]
        if self.modified:
            moments.append(self.modified)
        if self.date:
            dated = parse_iso('%s-%s-%sT23:59:59' % (self.date[:4], self.date[4:6], self.date[6:]))
            if dated:
                moments.append(dated[0])
        return min(moments)


def _real(path):
    """The path with its links resolved; the path itself if somebody changes them meanwhile, or they may not be
    followed.
    """
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return path


def is_pattern(path):
    """True if a path has wildcards of glob(7)."""
    return any(mark in path for mark in '*?[')


def flaw_of(path):
    """The reason that a file is no log that says anything: unreadable, empty or binary; None if it is one."""
    try:
        if not os.path.isfile(path):
            return 'unreadable'
        with io.open(path, 'rb') as stream:
            head = stream.read(_HEAD)
    except (IOError, OSError):
        return 'unreadable'
    if not head.strip():
        return 'empty'
    return 'binary' if not head.startswith(_ENCODED) and head.count(b'\0') * 4 > len(head) else None


def logs_in(directory):
    """The sorted paths of files below a directory that may be logs, without links. Their number and depth are limited.
    """
    found = []
    for above, names, files in os.walk(directory):
        deep = above[len(directory):].count(os.sep)
        names[:] = sorted(names) if deep < _DEEPEST else []
        paths = [os.path.join(above, name) for name in sorted(files)]
        found += [path for path in paths if not os.path.islink(path) and flaw_of(path) not in ('empty', 'binary')
                  and stat.S_ISREG(os.lstat(path).st_mode)]
        if len(found) >= _MOST_FILES:
            break
    return found[:_MOST_FILES]


def _paths_of(pattern):
    """The paths that a path or pattern stands for: a directory stands for the logs in it, or for itself if there are
    none.
    """
    if os.path.isdir(pattern):
        return logs_in(pattern) or [pattern]
    if is_pattern(pattern) and not os.path.exists(pattern):
        return [path for path in sorted(glob.glob(pattern)) if not os.path.isdir(path)]
    return [pattern]


def find_files(patterns, named):
    """The log files (LogFile) of paths, patterns and directories, each once, families together and oldest first."""
    found, known = [], {}
    for pattern in patterns:
        for path in _paths_of(pattern):
            log = LogFile(path, named and path == pattern and not is_pattern(pattern))
            other = known.get(log.real)
            if other is None:
                found.append(log)
            elif log.is_itself() and not other.is_itself():
                found[found.index(other)] = log
            else:
                continue
            known[log.real] = log
    first = {}
    for index, log in enumerate(found):
        first.setdefault(log.family, index)
    return sorted(found, key=lambda log: (first[log.family],) + log.order())


def kind_of(head):
    """gz, bz2, xz or zst, or None, by the first bytes of a file."""
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)


def open_log(log):
    """A LogFile as a binary stream. Raises IOError or OSError, and SourceError if it is no regular file."""
    # A FIFO or a device would block or never end.
    descriptor = os.open(log.path, os.O_RDONLY | os.O_NONBLOCK) if log.named else open_found(log.path)
    stream = io.open(descriptor, 'rb', buffering=0)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        stream.close()
        raise SourceError('not a regular file')
    return stream


def is_of_strangers(stream):
    """True if somebody other than root and this user may have written to an open log.

    He may have made up a record of the journal then, so that its fields prove nothing.
    """
    status = os.fstat(stream.fileno())
    return status.st_uid not in (0, os.geteuid()) or bool(status.st_mode & stat.S_IWOTH)


def read_blocks(stream, kind):
    """The content of an open log by blocks (bytes), decompressed."""
    if kind is None:
        return _plain(stream)
    most = max(_UNPACKED_AT_LEAST, os.fstat(stream.fileno()).st_size * _UNPACKED)
    return _at_most(most, _decompressed(stream, kind))


def _at_most(most, blocks):
    size = 0
    for block in blocks:
        yield block
        size += len(block)
        if size > most:
            raise Cut('it unpacks to more than %s, which no log of its size does: the rest is not read'
                      % format_size(most))


def _decompressed(stream, kind):
    if kind == 'gz':
        return _inflate(stream)
    if kind == 'zst':
        return _by_command(stream, ['zstd', '-dcq', '--memory=%d' % _MOST_MEMORY])
    # Python 2 has no lzma, and its bz2 unpacks without a limit.
    if kind == 'xz' and LZMADecompressor is not None:
        return _unpack(stream, lambda: LZMADecompressor(memlimit=_MOST_MEMORY))
    if kind == 'bz2' and str is not bytes:
        return _unpack(stream, __import__('bz2').BZ2Decompressor)
    return _by_command(stream, ['xz', '-dc', '--memlimit-decompress=%d' % _MOST_MEMORY] if kind == 'xz' else [
        'bzip2', '-dc'])


def _plain(stream):
    # A log that grows meanwhile is read up to its size at the beginning.
    bytes_left = os.fstat(stream.fileno()).st_size - stream.tell()
    while bytes_left > 0:
        block = stream.read(min(BLOCK, bytes_left))
        if not block:
            return
        bytes_left -= len(block)
        yield block


def _inflate(stream):
    """The content of a gzip stream and all its members, by blocks of limited size: a small file may unpack to a very
    large one.
    """
    inflater, data, fresh = zlib.decompressobj(31), b'', True
    while True:
        data = data or stream.read(1 << 16)
        if not data:
            break
        try:
            block = inflater.decompress(data, BLOCK)
        except zlib.error as error:
            raise SourceError('corrupt: %s' % error)
        fresh = False
        data = inflater.unconsumed_tail
        if inflater.unused_data or getattr(inflater, 'eof', False):
            data = inflater.unused_data.lstrip(b'\0')
            inflater, fresh = zlib.decompressobj(31), True
        if block:
            yield block
    if not fresh and getattr(inflater, 'eof', True) is False:
        raise SourceError('corrupt: it ends in the middle of compressed data')


def _unpack(stream, new):
    """The same for bz2 and xz."""
    unpacker, data = new(), b''
    while True:
        if unpacker.eof:
            data = unpacker.unused_data or stream.read(1 << 16)
            if not data.strip(b'\0'):
                return
            unpacker = new()
        elif unpacker.needs_input:
            data = stream.read(1 << 16)
            if not data:
                raise SourceError('corrupt: it ends in the middle of compressed data')
        else:
            data = b''
        try:
            block = unpacker.decompress(data, BLOCK)
        except (LZMAError, IOError, OSError, ValueError, EOFError) as error:
            raise SourceError('corrupt: %s' % error)
        if block:
            yield block


def _by_command(stream, argv):
    try:
        for block in command_blocks(argv, stream):
            if block:
                yield block
    except CommandMissing as error:
        raise SourceError('it takes a command to read it: %s' % error)
    except SourceError as error:
        raise SourceError('corrupt: %s' % error)


def command_blocks(argv, stdin=None):
    """The output of a command by blocks (bytes). Raises SourceError if it fails or is not there."""
    with tempfile.TemporaryFile() as complaints, io.open(os.devnull, 'rb') as nothing:
        try:
            # run_command() would hold all of a journal in memory.
            process = subprocess.Popen(  # pylint: disable=ansible-bad-function
                argv,
                stdin=stdin or nothing,
                stdout=subprocess.PIPE,
                stderr=complaints,
                env=dict(os.environ, LC_ALL='C', LANGUAGE='C'),
            )
        except OSError as error:
            raise CommandMissing('%s: %s' % (argv[0], reason(error)))
        try:
            while True:
                block = process.stdout.read(BLOCK)
                if not block:
                    break
                yield block
            if process.wait() != 0:
                complaints.seek(0)
                message = complaints.read(1 << 12).decode('utf-8', 'replace').strip()
                error = SourceError((message.splitlines() or ['%s failed' % argv[0]])[0])
                error.status, error.said = process.returncode, message
                raise error
        finally:
            process.stdout.close()
            if process.poll() is None:
                process.kill()
                process.wait()
