# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One log's entry of ``report.json``: its incidents and the verdict. The one call behind all that diagnoses."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import io
import os

from .._facts.memory_facts import memory_facts
from .._log.sources import is_pattern
from .._log.times import parse_moment
from .._report.reading import read_events
from .advice import advise
from .judgement import judge_all, ledger_meant
from .remedies import remedies_of
from .replay import replay

_HEAD = 1 << 16
_COMPRESSED = (b'\x1f\x8b', b'BZh', b'\xfd7zXZ\x00', b'\x28\xb5\x2f\xfd', b'\xff\xfe', b'\xfe\xff')


def _error_of(path):
    """Why a log says nothing before it is read: unreadable, directory, empty, binary, or None."""
    if os.path.isdir(path):
        return 'directory'
    try:
        if not os.path.isfile(path):
            return 'unreadable'
        with io.open(path, 'rb') as stream:
            head = stream.read(_HEAD)
    except (IOError, OSError):
        return 'unreadable'
    if not head.strip():
        return 'empty'
    if not head.startswith(_COMPRESSED) and head.count(b'\0') * 4 > len(head):
        return 'binary'
    return None


def moment_of(text):
    """Seconds since 1970 of the time that a person asks for, in ISO 8601; None if it is no such time."""
    return parse_moment(text)


def missing_log(paths):
    """The first of the named logs that does not exist, or None. A pattern may match nothing."""
    return next((path for path in paths if not is_pattern(path) and not os.path.exists(path)), None)


def facts_of(host):
    """memory_facts' dictionary of a node, for the remedies of its own logs: without a look into each process."""
    return memory_facts(host, ledger_seconds=0)


def diagnose(paths=(), own_sources=(), since=None, until=None, limit=0, tasks=0, fork_failures=False, now=None,
             facts=None, options=None):
    """{events, summary, signals, incidents, verdict, ledger, remedies} of logs, patterns and the host's own sources.

    ``own_sources`` is of auto, files, journal and ring_buffer; ``since`` and ``until`` are seconds since 1970; 0 rows
    of ``tasks`` and a ``limit`` of 0 are all. ``facts`` are memory_facts' of the host that the logs are of, None for a
    log from elsewhere; ``options`` are those of remedies_of().
    """
    result = read_events(paths, own_sources, since, until, limit, 0 if limit else tasks, fork_failures,
                         now, signals=True)
    result['incidents'], result['verdict'] = judge_all(result['events'], result['signals'])
    result['ledger'] = _ledger_of(result)
    result['remedies'] = remedies_of(result['verdict'], result['incidents'], result['events'], result['signals'], facts,
                                     options)
    if tasks:
        for event in result['events']:
            event['tasks'] = event['tasks'][:tasks]
    for signal in result['signals']:
        del signal['epoch'], signal['uptime_seconds']
    for event in result['events']:
        del event['epoch']
    return result


def _ledger_of(result):
    """The ledger of the report that the verdict is on; None without such a one."""
    if result['verdict'] is None:
        return None
    incident = result['incidents'][result['verdict']['incident']]
    return ledger_meant([result['events'][number] for number in incident['reports']])


def diagnose_log(path, since=None, until=None, limit=100, tasks=10, now=None):
    """{path, error, incidents, verdict, remedies, ledger, events, signals, summary, fork_failures, advice, replays} of
    one log, advised from it alone: the host that it came from may be another.

    ``error`` is None, or unreadable, directory, empty, binary, no_report. Fields that nothing fills yet are None.
    """
    entry = {'path': path, 'error': _error_of(path), 'incidents': [], 'verdict': None, 'remedies': None, 'ledger': None,
             'events': [], 'signals': [], 'summary': None, 'fork_failures': [],
             'advice': advise({}, []), 'replays': []}
    if entry['error']:
        return entry
    entry.update(diagnose([path], since=since, until=until, limit=limit, fork_failures=True, now=now))
    entry['advice'] = advise({}, entry['events'], total=entry['summary']['events'], remedies=entry['remedies'])
    entry['replays'] = [replay(event, entry['advice']['setting']) for event in entry['events']]
    if tasks:
        for event in entry['events']:
            event['tasks'] = event['tasks'][:tasks]
    if any(source['error'] for source in entry['summary']['sources']):
        entry['error'] = 'unreadable'
    elif entry['verdict'] is None:
        entry['error'] = 'no_report'
    return entry
