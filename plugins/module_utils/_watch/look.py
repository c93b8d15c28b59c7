# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether something may have been killed or refused since the last look. Cheap, as it is asked every minute.

A mark is {boot, kills, journal, files}: the boot's id, the kernel's count of kills or None, the journal's cursor or
None, and {path: [inode, size]} of the kernel's logs if no journal is.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import re
import signal
import subprocess

from .._files.command import start
from .._log.words import any_of

# The name that the watch writes its own records under.
IDENTIFIER = 'oom-rescue'
LOGS = ('/var/log/messages', '/var/log/kern.log', '/var/log/syslog')
# The directories of a journal may be left of another init, or made by a package.
_JOURNALD = '/run/systemd/journal'
_CURSOR = b'-- cursor: '
_OWN = re.compile(('^.{0,100}? %s\\[\\d+\\]: ' % IDENTIFIER).encode('ascii'))
_NO_SEARCH = (b'unrecognized option', b'without pattern matching')
_SECONDS = 60
_BLOCK = 1 << 20
_OVERLAP = 256
# The part of what was added to a log that is read, its end; the rest is read if something is found.
_MOST = 1 << 26


def read_mark(host):
    """The mark of now, without the ends of the journal and the logs."""
    return {'boot': (host.read('/proc/sys/kernel/random/boot_id') or '').strip() or None, 'kills': kills(host),
            'journal': None, 'files': {}}


def kills(host):
    """The number of processes that the kernel has killed since it booted; None before Linux 4.13, which does not count
    them.
    """
    match = re.search(r'^oom_kill (\d+)$', host.read('/proc/vmstat') or '', re.MULTILINE)
    return int(match.group(1)) if match else None


def look(host, before, words):
    """(the mark of now, True if something may have happened since the mark ``before``).

    Each line that matters has one of ``words``. Without a mark nothing before now counts.
    """
    now = read_mark(host)
    if host.is_directory(_JOURNALD):
        # What the kernel counted is known already: only where the journal ends is of interest.
        known = before and before['journal']
        is_quiet = known and now['kills'] == before['kills']
        now['journal'], happened = _journal(known if is_quiet else None, words)
        now['journal'] = now['journal'] or known
    else:
        now['files'], happened = _files(host, before and before['files'], words)
    if before is None:
        return now, False
    return now, happened or now['boot'] != before['boot'] or now['kills'] != before['kills']


def _journal(cursor, words):
    """(the cursor of the journal's end, True if a line after ``cursor`` has one of the words)."""
    if cursor is None:
        return _journal_run(['--lines=1'], None)[0], False
    pattern = any_of(words)
    search = ['--grep=' + pattern, '--case-sensitive=true']
    end, happened, can_search = _journal_run(['--after-cursor=' + cursor] + search, None)
    if not can_search:
        end, happened, can_search = _journal_run(
            ['--after-cursor=' + cursor], re.compile(pattern.encode('utf-8') if str is not bytes else pattern))
    return end or cursor, happened


def _journal_run(options, pattern):
    """(cursor or None, True if a line that is not our own was printed, False if journalctl cannot search)."""
    cursor, happened, can_search = None, False, True
    process = _started(['journalctl', '--no-pager', '--quiet', '--output=short', '--show-cursor'] + options)
    if process is None:
        return None, False, True
    for line in iter(process.stdout.readline, b''):
        if line.startswith(_CURSOR):
            cursor = line[len(_CURSOR):].strip().decode('ascii', 'replace')
        elif any(words in line for words in _NO_SEARCH):
            can_search = False
        elif not _OWN.match(line) and (pattern is None or pattern.search(line)):
            happened = True
    process.stdout.close()
    process.wait()
    return str(cursor) if cursor else None, happened, can_search


def _started(argv):
    """A program of which we read the output, and which ends by itself after a minute; None if it is not there."""
    def limited():
        # An alarm is kept over execve(2).
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(_SECONDS)
    try:
        with open(os.devnull, 'rb') as nothing:
            return start(argv, stdin=nothing, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=limited)
    except OSError:
        return None


def _files(host, before, words):
    """({path: [inode, size]} of the kernel's logs, True if a line written since has one of the words)."""
    now, happened = {}, False
    for path in [host.path(log) for log in LOGS]:
        try:
            status = os.stat(path)
        except OSError:
            continue
        now[path] = [status.st_ino, status.st_size]
        inode, size = (before or {}).get(path, [None, 0])
        if before is not None and now[path] != [inode, size]:
            happened = happened or inode != status.st_ino or size > status.st_size or _has(path, size, words)
    return now, happened


def _has(path, start, words):
    """True if a log has one of the words from an offset on, or cannot be read."""
    markers = [word.encode('utf-8') if str is not bytes else word for word in words]
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return True
    with os.fdopen(descriptor, 'rb') as stream:
        stream.seek(max(start - _OVERLAP, os.fstat(descriptor).st_size - _MOST, 0))
        rest, block = b'', stream.read(_BLOCK)
        while block:
            data = rest + block
            if any(marker in data for marker in markers):
                return True
            rest, block = data[-_OVERLAP:], stream.read(_BLOCK)
    return False
