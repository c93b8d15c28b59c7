# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The single-file program: diagnosis, where, why and the watch, without Ansible, on any Python from 2.7 on.

It has the same words as ``./rescue``: both use summarize(), where_lines() and report_of().
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import argparse
import io
import json
import shutil
import sys
import tempfile
import time

from .._facts.memory_facts import memory_facts
from .._files.errors import RescueError, said
from .._files.host import Host, to_bytes
from .._verdict.advice import advise
from .._verdict.diagnose import diagnose, moment_of
from .._verdict.report import report_of
from .._verdict.summary import summarize
from .._verdict.where import where_lines

DONE, WRONG_USE, FAILED, NOT_READ = 0, 1, 2, 5
COMMANDS = ('diagnose', 'where', 'why')
PROGRAM = 'oom-rescue.pyz'
# As many reports as the role diagnose reads by default.
_LIMIT = 100
_CANDIDATES = 10
_UNREAD = ('unreadable', 'directory', 'binary')
_EPILOG = """
examples:
  python oom-rescue.pyz /var/log/messages      a log, of this host or of another
  python oom-rescue.pyz --live                 this host: its logs, its memory
  python oom-rescue.pyz --json - messages*     for a program
  python oom-rescue.pyz where                  what holds the memory of this host now
  python oom-rescue.pyz why mariadb            why that unit, container or pid of this host ended

exit status: 0 told, 1 wrong use, 2 failed, 5 a log was not read
"""


class _Parser(argparse.ArgumentParser):
    """An argument parser that exits with 1."""

    def error(self, message):
        self.exit(WRONG_USE, '%s: %s\ntry `%s --help`\n' % (self.prog, message, self.prog))


def _moment(text):
    seconds = moment_of(text)
    if seconds is None:
        raise argparse.ArgumentTypeError('%r is no ISO 8601 time, such as 2025-09-03' % text)
    return seconds


def _parser(command):
    parser = _Parser(prog=PROGRAM, description='Say why a Linux server ran out of memory. Nothing is changed.',
                     epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--json', metavar='FILE', help='write report.json there; - prints it and nothing else')
    if command == 'why':
        parser.add_argument('why', metavar='NAME', help='unit:NAME, container:NAME, pid:NUMBER, or the name alone')
    if command == 'diagnose':
        parser.add_argument('logs', nargs='*', metavar='LOG', help='a log, or - for standard input')
        parser.add_argument('--live', action='store_true', help='this host as well: its own logs and its memory')
    if command != 'where':
        parser.add_argument('--since', type=_moment, metavar='TIME', help='leave out what happened before')
        parser.add_argument('--until', type=_moment, metavar='TIME', help='leave out what happened after')
    return parser


def main(arguments):
    """Run one command and print what it found. Returns the exit status."""
    command = 'diagnose'
    if arguments[:1] and arguments[0] in COMMANDS:
        command, arguments = arguments[0], arguments[1:]
    parser = _parser(command)
    options = parser.parse_args(arguments)
    if command == 'diagnose' and not (options.logs or options.live):
        parser.error('name a log, or give --live for this host')
    try:
        return _told(options, *_ANSWERS[command](options))
    except RescueError as error:
        return _failed('%s' % error)
    except (IOError, OSError) as error:
        if error.filename is None:
            raise
        return _failed(said(error))


def _failed(words):
    sys.stderr.write('%s: %s\n' % (PROGRAM, words))
    return FAILED


def _told(options, lines, report):
    """Print and write what was asked for. Returns the exit status."""
    text = json.dumps(report) + '\n'
    if options.json == '-':
        _print(sys.stdout, text)
    else:
        _print(sys.stdout, ''.join('%s\n' % line for line in lines))
        if options.json:
            with io.open(options.json, 'wb') as stream:
                stream.write(text.encode('ascii'))
    return NOT_READ if any(log['error'] in _UNREAD for log in report['logs']) else DONE


def _print(stream, text):
    """Write text in UTF-8, whatever the locale is."""
    data = to_bytes(text) if str is not bytes or isinstance(text, bytes) else text.encode('utf-8')
    getattr(stream, 'buffer', stream).write(data)
    stream.flush()


def _diagnosis(options):
    """(lines, report.json) of the logs, and of this host if it was asked for."""
    asked = {'since': options.since, 'until': options.until, 'limit': _LIMIT}
    logs = [_of_log(path, asked) for path in options.logs]
    if options.live:
        return _of_host(asked, logs)
    nothing = {'advice': advise({}, []), 'events': [], 'replays': [], 'elsewhere': logs}
    summary = summarize(['logs'], {'logs': {'diagnose_result': nothing}}, logs_only=True)
    return summary['lines'], report_of(summary, _now())


def _why(options):
    """(lines, report.json) of why one unit, container or process of this host ended. Raises RescueError."""
    return _of_host({'since': options.since, 'until': options.until, 'limit': _LIMIT, 'why': options.why}, [])


def _of_host(asked, logs):
    """(lines, report.json) of this host as diagnose()'s options ask for it, beside the entries of ``logs``."""
    entry = diagnose('/', asked)
    name = entry['name']
    diagnosed = dict(entry, elsewhere=logs)
    summary = summarize([name], {name: {'diagnose_result': diagnosed, 'ansible_facts': {'memory': entry['memory']}}})
    return summary['lines'], report_of(summary, _now())


def _of_log(path, asked):
    """The entry of one log. Standard input is read twice, so it goes into a file first."""
    if path != '-':
        return diagnose('/', dict(asked, log=path))
    with tempfile.NamedTemporaryFile(prefix='oom-rescue-') as copy:
        shutil.copyfileobj(getattr(sys.stdin, 'buffer', sys.stdin), copy)
        copy.flush()
        return _as_given(diagnose('/', dict(asked, log=copy.name)), copy.name)


def _as_given(value, path):
    """The same data with ``-``, as the user gave it, in place of the file that standard input became."""
    if isinstance(value, dict):
        return dict((key, _as_given(part, path)) for key, part in value.items())
    if isinstance(value, list):
        return [_as_given(part, path) for part in value]
    return '-' if value == path else value


def _where(dummy):
    """(lines, report.json) of where this host's memory is."""
    host = Host()
    name = (host.read('/proc/sys/kernel/hostname') or '').strip() or 'localhost'
    summary = summarize([name], {name: {'ansible_facts': {'memory': memory_facts(host, _CANDIDATES)}}})
    return where_lines(summary['hosts']), report_of(summary, _now())


_ANSWERS = {'diagnose': _diagnosis, 'where': _where, 'why': _why}


def _now():
    return time.strftime('%Y-%m-%dT%H:%M:%S+00:00', time.gmtime())
