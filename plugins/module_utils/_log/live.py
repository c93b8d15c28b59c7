# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running host itself remembers: systemd's journal and the kernel's ring buffer."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import os
import re
import time

from .find import MARKERS
from .sources import SourceError, command_blocks, in_blocks, reason
from .text import log_text
from .words import any_of

_JOURNALCTL = ['journalctl', '--no-pager', '--quiet', '--all', '--output=json']
_FIELDS = 'MESSAGE,_HOSTNAME,_BOOT_ID,_TRANSPORT,SYSLOG_FACILITY,SYSLOG_IDENTIFIER,_SOURCE_MONOTONIC_TIMESTAMP'
# A message that is not printable UTF-8, which the name of a process can cause, is a list of numbers: these are read
# too.
JOURNAL_MARKERS = (b'"MESSAGE":[', b'"MESSAGE" : [')
KMSG = '/dev/kmsg'
# The words of which each report has one, as journalctl looks for them in the bytes of a message.
_ANY_REPORT = any_of(log_text(marker) for marker in MARKERS)
# Of so many boots with a report those are read, and so much is read to know which.
_MOST_BOOTS, _MOST_HITS = 32, 1 << 20
_SHORT = 3600
_BOOT = re.compile(b'"_BOOT_ID" ?: ?"([0-9a-f]{32})"')
_JOURNALS = ('run/log/journal', 'var/log/journal')


def has_journal(root='/'):
    """True if a journal is here, whether journald still runs or not, or a directory that this user may not look into.

    A package makes the directories on hosts if no journald ever ran: an empty one is no journal.
    """
    directories = [os.path.join(root, path) for path in _JOURNALS]
    return any(os.path.isdir(path) and (_names(path) or not os.access(path, os.R_OK)) for path in directories)


def journal_refusal(root='/'):
    """The system's words (str) for why this user cannot read the kernel's lines in the journal, or None if he can.

    journalctl itself says nothing: it ends with status 0.
    """
    for path in _JOURNALS:
        directory = os.path.join(root, path)
        for machine in _names(directory):
            inner = os.path.join(directory, machine)
            files = [name for name in _names(inner) if name.startswith('system')]
            if not os.access(inner, os.R_OK | os.X_OK) or any(
                    not os.access(os.path.join(inner, name), os.R_OK) for name in files):
                return os.strerror(errno.EACCES)
    return None


def _names(directory):
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return []


def journal_blocks(since=None, until=None):
    """The kernel's entries by blocks (bytes), one JSON record a line: of all boots, or if journalctl can search by
    itself, of those that have a word of a report.
    """
    span = [] if since is None else ['--since=@%d' % int(since)]
    span += [] if until is None else ['--until=@%d' % int(until + 1)]
    # To ask which boots have a report takes as long as to read the entries of an hour.
    boots = None if since is not None and time.time() - since < _SHORT else _boots_with_reports(span)
    if boots is not None and not boots:
        return
    argv = _JOURNALCTL + span + _of_the_kernel(boots or [])
    # systemd 236 and newer can leave out what is not needed.
    started = False
    for words in (argv + ['--output-fields=' + _FIELDS], argv):
        try:
            for block in command_blocks(words):
                started = True
                yield block
            return
        except SourceError:
            if started or words is argv:
                raise


def _of_the_kernel(boots):
    """journalctl's arguments ([str]) for the kernel's entries of some boots; no boot stands for all.

    What user space wrote in the kernel's name is read as well, so that it is known for what it is in syslog's files.
    """
    of_boots = ['_BOOT_ID=' + boot for boot in boots]
    return ['_TRANSPORT=kernel'] + of_boots + ['+', 'SYSLOG_IDENTIFIER=kernel'] + of_boots


def _boots_with_reports(span):
    """The ids of the boots in which the kernel printed a word of a report, sorted, none if there is no such word.

    None if they are very many or journalctl cannot tell: before systemd 237, or built without PCRE.
    """
    hits = b''
    try:
        for block in command_blocks(_JOURNALCTL + span + [
                '--output-fields=_BOOT_ID', '--grep=' + _ANY_REPORT, '--case-sensitive=true'] + _of_the_kernel([])):
            hits += block
            if len(hits) > _MOST_HITS:
                return None
    except SourceError as error:
        # It says nothing if there is nothing.
        if hits or error.status != 1 or error.said:
            return None
    boots = sorted(set(boot.decode('ascii') for boot in _BOOT.findall(hits)))
    return None if len(boots) > _MOST_BOOTS or (hits and not boots) else boots


def program_blocks(since, words):
    """The entries of all programs since a moment that have one of some words, by blocks (bytes), one JSON record a
    line.
    """
    argv = _JOURNALCTL + ['--since=@%d' % int(since)]
    started = False
    # systemd 237 and newer search by themselves, if they were built with PCRE.
    for options in (['--grep=' + words, '--case-sensitive=true'], []):
        try:
            for block in command_blocks(argv + options):
                started = True
                yield block
            return
        except SourceError:
            if started or not options:
                raise


def ring_buffer_blocks(path=KMSG):
    """The records of /dev/kmsg, one a line, by blocks (bytes); what dmesg prints if that cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        return _dmesg_blocks('%s: %s' % (path, reason(error)))
    return in_blocks(_kmsg_lines(descriptor))


def _dmesg_blocks(otherwise):
    try:
        yield b''.join(command_blocks(['dmesg', '--raw']))
    except SourceError:
        raise SourceError(otherwise)


def _kmsg_lines(descriptor):
    try:
        # The buffer grows while it is read: what comes after this moment is not read.
        end = time.time() + 10
        while time.time() < end:
            try:
                record = os.read(descriptor, 1 << 14)
            except OSError as error:
                if error.errno == errno.EAGAIN:
                    break
                if error.errno in (errno.EPIPE, errno.EINVAL, errno.EINTR):
                    continue
                raise SourceError(reason(error))
            if not record:
                break
            yield record.split(b'\n', 1)[0] + b'\n'
    finally:
        os.close(descriptor)


def boot_time():
    """When the kernel's clock was at 0, in seconds since 1970, or None."""
    try:
        with open('/proc/uptime') as stream:
            return time.time() - float(stream.read().split()[0])
    except (IOError, OSError, ValueError, IndexError):
        return None


def host_name():
    """The name of this host (uname(2)), which its own syslog daemon writes into each line."""
    return os.uname()[1]


def boot_id():
    """The id of this boot, as the journal writes it, or None."""
    try:
        with open('/proc/sys/kernel/random/boot_id') as stream:
            return stream.read().strip().replace('-', '') or None
    except (IOError, OSError):
        return None
