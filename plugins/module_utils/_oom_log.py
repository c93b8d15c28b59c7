# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OOM reports out of log files, the journal and the ring buffer, as events."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import time

from . import _oom_sources as sources
from ._oom_assembler import Assembler
from ._oom_clock import Clock
from ._oom_events import event_of
from ._oom_merge import merge, number, summarize
from ._oom_scan import Scanner

# No larger than a host's log needs, so that a log of nothing but reports still fits in memory.
MOST_EVENTS = 100000


class Reading:
    """Reads sources one after another, and keeps what they tell."""

    def __init__(self, tasks=0, now=None):
        self.events = []
        self.sources = []
        self._tasks = tasks
        self._now = time.time() if now is None else now
        self._clocks = {}
        self._family = []
        self._counts = {}
        self._assembler = Assembler(self._report)

    def _report(self, report):
        event = event_of(report)
        event['prefix'] = report.prefix
        if self._tasks:
            del event['tasks'][self._tasks:]
        if report.header is not None and report.path in self._counts and not report.failure:
            self._counts[report.path]['reports'] += 1
        self._family.append(event)

    def files(self, logs):
        """Read the files of find_files(); a report may begin in one and end in the next of its family."""
        family = None
        for log in logs:
            if family is not None and log.family != family:
                self.end_family()
            family = log.family
            self._file(log)
        self.end_family()

    def _file(self, log):
        source = self._counts[log.path] = {'path': log.path, 'bytes': 0, 'lines': None, 'reports': 0, 'error': None}
        self.sources.append(source)
        clock = self._clocks[log.path] = Clock(log.last_moment(self._now))
        try:
            stream = sources.open_log(log.path)
        except (IOError, OSError, sources.SourceError) as error:
            source['error'] = sources.reason(error)
            return
        scanner = Scanner(self._assembler, log.path, probe=clock.probe)
        try:
            for block in sources.read_blocks(stream, sources.kind_of(stream)):
                scanner.feed(block)
        except (IOError, OSError, sources.SourceError) as error:
            source['error'] = sources.reason(error)
        finally:
            stream.close()
        scanner.finish()
        source['bytes'], source['lines'] = scanner.bytes, scanner.lines

    def end_family(self):
        """What follows continues no report of what was read so far."""
        self._assembler.flush()
        for event in self._family:
            clock = self._clocks.get(event['source']['path']) or Clock(self._now)
            event['epoch'], event['time'] = clock.resolve(event.pop('prefix'), event['source']['offset'])
        self.events += self._family
        self._family = []
        self._clocks = {}

    def result(self, since=None, until=None, limit=0):
        """{events, summary}: events newest first."""
        events = merge(self.events)
        if since is not None or until is not None:
            events = [event for event in events if _within(event['epoch'], since, until)]
        number(events)
        summary = summarize(events)
        summary['sources'] = self.sources
        for event in events:
            del event['epoch']
        events.reverse()
        return {'events': events[:limit] if limit else events, 'summary': summary}


def _within(epoch, since, until):
    # An event whose time is not known may lie in any span.
    if epoch is None:
        return True
    return (since is None or epoch >= since) and (until is None or epoch <= until)


def read_events(paths=(), found=(), since=None, until=None, limit=0, tasks=0, fork_failures=False, now=None):
    """{events, summary} of log files, patterns, and the host's own sources (auto, files, journal, ring_buffer).

    ``since`` and ``until`` are seconds since 1970; 0 rows of ``tasks`` and a ``limit`` of 0 are all.
    """
    reading = Reading(tasks, now)
    logs = sources.find_files(paths, True)
    if 'auto' in found or 'files' in found:
        logs += sources.find_files(sources.KERNEL_LOGS, False)
    reading.files(logs)
    result = reading.result(since, until, limit)
    if fork_failures:
        result['fork_failures'] = []
    return result
