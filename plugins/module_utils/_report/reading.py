# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads OOM reports out of log files, the journal and the ring buffer, and makes events of them."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import time

from .._files.sizes import format_size
from .._log import live, records, sources
from .._log.budget import MOST_WAITING, Budget
from .._log.clock import Clock
from .._log.find import MARKERS
from .._log.hosts import is_of
from .._log.messages import Messages
from .._log.rotation import rest_of_line
from .._log.scan import Scanner
from .._log.seek import MARGIN, offset_of, time_of
from .assembler import Assembler
from .events import event_of
from .fork_failures import MARKERS as FORK_MARKERS
from .fork_failures import ForkFailures
from .merge import KERNELS_OWN, Merger
from .report_lines import rejoin
from .signal_sources import read_signals

_DAY = 86400


class Reading:
    """Reads sources one after another, and keeps what they tell. ``since`` and ``until`` are seconds since 1970 or
    None.
    """

    def __init__(self, since=None, until=None, limit=0, tasks=0, now=None):
        self.sources = []
        self._since, self._until, self._limit, self._tasks = since, until, limit, tasks
        self.now = time.time() if now is None else now
        self._merger = Merger(limit)
        self._budget = Budget()
        self._clocks = {}
        self._family = []
        self._listed = {}
        # The paths of logs that nobody named: the host's own.
        self.own_logs = set()
        # The paths of logs that somebody else than root and the reader may have written.
        self._of_strangers = set()
        self._is_live = False
        self._names = set([live.host_name()])
        # The scanner of a log that ended in the middle of a line, and its source.
        self._cut = None
        self._assembler = Assembler()
        self._messages = Messages(self._assembler, rejoin)

    def _take_reports(self):
        """Make events of the reports that have ended."""
        ended, self._assembler.ended = self._assembler.ended, []
        for report in ended:
            self._report(report)

    def _report(self, report):
        event = event_of(report, self._tasks)
        event['trusted'] = self._proven(event, report)
        if self._is_live:
            event['boot_id'] = event['boot_id'] or live.boot_id()
        source = self._listed.get(report.path)
        if source is not None and report.header is not None and not report.failure:
            source['reports'] += 1
        self._family.append(event)
        if len(self._family) >= 2 * self._merger.most_whole:
            self._merger.thin(self._family)
        if len(self._family) >= 2 * self._merger.most_open:
            self._hand_over(self._merger.most_open)

    def _proven(self, event, report):
        """``trusted`` of an event: the kernel's own buffer proves what it says, and a stranger's file proves nothing.
        """
        if self._is_live and event['trusted'] is None and report.prefix.says_kernel():
            return True
        return None if event['trusted'] and report.path in self._of_strangers else event['trusted']

    def files(self, logs):
        """Read the files of find_files(). A report, and a line, may begin in one and end in the next of its family."""
        family = None
        for log in logs:
            if family is not None and log.family != family:
                self.end_family()
            family = log.family
            self._file(log)
        self.end_family()

    def _list(self, path, clock, named=False):
        self._clocks[path] = clock
        source = self._listed[path] = {
            'path': path, 'bytes': 0, 'lines': None, 'reports': 0, 'error': None, 'cut': None,
            'unsearched': None, 'named': named}
        self.sources.append(source)
        return source

    def _file(self, log):
        clock = Clock(log.last_moment(self.now), own=log.own, here=live.host_name())
        source = self._list(log.path, clock, log.named)
        if self._since is not None and log.modified and log.modified < self._since - _DAY:
            self._end_line()
            return
        try:
            stream = sources.open_log(log)
        except (IOError, OSError, sources.SourceError) as error:
            source['error'] = sources.reason(error)
            self._end_line()
            return
        try:
            if sources.is_of_strangers(stream):
                self._of_strangers.add(log.path)
            scanner = self._scanner(stream, log, clock)
            scanner, whole = self._scan(scanner, sources.read_blocks(stream, log.kind), source, clock)
            if whole and scanner.ends_in_line:
                self._cut = scanner, source
            else:
                self._finish(scanner, source)
        except sources.FAILURES as error:
            source['error'] = source['error'] or sources.reason(error)
            self._end_line()
        finally:
            stream.close()

    def _scanner(self, stream, log, clock):
        head = stream.read(16)
        log.kind = sources.kind_of(head)
        within = self._cut is not None and self._end_line(self._beginning(stream, log.kind))
        offset, size = 0, os.fstat(stream.fileno()).st_size if log.kind is None else None
        if log.kind is None and self._since is not None and not self._messages.wants_more():
            offset = offset_of(stream, size, clock, self._since)
        stream.seek(offset)
        return Scanner(
            self._messages, log.path, self._markers(head), clock.probe, offset, within=within and not offset, size=size
        )

    def _beginning(self, stream, kind):
        """The first block of an open log; b'' if it cannot be read. The error is reported when the log is read in full.
        """
        stream.seek(0)
        try:
            return next(records.in_lines(sources.read_blocks(stream, kind)), b'')
        except sources.FAILURES:
            return b''

    def _end_line(self, beginning=b''):
        """End the log that ended in the middle of a line. True if the next log, which starts with ``beginning``, starts
        with the rest of that line.
        """
        if self._cut is None:
            return False
        (scanner, source), self._cut = self._cut, None
        rest = rest_of_line(scanner.end, beginning)
        if rest is not None:
            scanner.feed(rest + b'\n')
        self._finish(scanner, source)
        return rest is not None

    @staticmethod
    def _finish(scanner, source):
        scanner.finish()
        source['lines'] = scanner.line_count

    @staticmethod
    def _markers(head):
        return MARKERS + live.JOURNAL_MARKERS if head.startswith(b'{') else MARKERS

    def _scan(self, scanner, blocks, source, clock):
        """Read a log by blocks. Returns (the scanner that read its end, True if it was read to its end)."""
        whole = True
        self._budget.begin()
        try:
            blocks = records.in_lines(blocks)
            for block in blocks:
                scanner.feed(block)
                self._take_reports()
                if self._budget.is_spent(len(block)):
                    scanner = self._scan_end(scanner, blocks, source, clock)
                    break
                if self._budget.is_late():
                    raise sources.Cut('%d bytes were read within %d seconds, not the rest' % (
                        scanner.bytes, MOST_WAITING))
                if self._until is not None and not scanner.reading:
                    epoch = time_of(block[-8192:], clock)
                    if epoch is not None and epoch > self._until + MARGIN:
                        whole = False
                        break
        except sources.FAILURES as error:
            source['cut' if isinstance(error, sources.Cut) else 'error'] = sources.reason(error)
            whole = False
        source['bytes'] = scanner.bytes
        return scanner, whole

    def _scan_end(self, scanner, blocks, source, clock):
        """Read only the last blocks of the rest of a log, which have the newest reports. Returns the scanner that did.
        """
        scanner.finish()
        self._messages.flush()
        self._take_reports()
        left_out, last = self._budget.last_of(blocks)
        if left_out:
            source['cut'] = 'reading it took too long: %s of it were left out, from byte %d on' % (
                format_size(left_out), scanner.bytes)
        scanner = Scanner(
            self._messages, source['path'], scanner.markers, clock.probe, scanner.bytes + left_out, within=True,
            size=scanner.size)
        for block in last:
            scanner.feed(block)
            self._take_reports()
        return scanner

    def text(self, data, path):
        """Read a log that is in memory."""
        clock = Clock(self.now)
        source = self._list(path, clock)
        scanner = Scanner(self._messages, path, self._markers(data), clock.probe, size=len(data))
        blocks = (data[start : start + sources.BLOCK] for start in range(0, len(data), sources.BLOCK))
        self._finish(self._scan(scanner, blocks, source, clock)[0], source)
        self.end_family()

    def journal(self):
        """Read systemd's journal."""
        clock = Clock(self.now, own=True)
        source = self._list('journal', clock)
        scanner = Scanner(self._messages, 'journal', MARKERS + live.JOURNAL_MARKERS)
        self._finish(self._scan(scanner, live.journal_blocks(self._since, self._until), source, clock)[0], source)
        source['error'] = source['error'] or live.journal_refusal()
        self.end_family()

    def ring_buffer(self):
        """Read the kernel's ring buffer."""
        clock = Clock(self.now, live.boot_time(), own=True)
        source = self._list('ring_buffer', clock)
        scanner = Scanner(self._messages, 'ring_buffer')
        self._is_live = True
        try:
            self._finish(self._scan(scanner, live.ring_buffer_blocks(), source, clock)[0], source)
            self.end_family()
        finally:
            self._is_live = False

    def end_family(self):
        """End all reports that are open: no log that follows continues them."""
        self._end_line()
        self._messages.flush()
        self._take_reports()
        self._hand_over(len(self._family))
        self._clocks = {}

    def _hand_over(self, count):
        """Resolve the times of the oldest ``count`` events of this family, and give them to the merger."""
        for event in self._family[:count]:
            clock = self._clocks.get(event['source']['path'])
            event['epoch'], event['time'] = clock.resolve(event['prefix'], event['source']['offset'])
        self._merger.add([event for event in self._family[:count] if self._within(event['epoch'])])
        del self._family[:count]

    def _within(self, epoch):
        # An event without a known time may lie in any span.
        if epoch is None:
            return True
        return (self._since is None or epoch >= self._since) and (self._until is None or epoch <= self._until)

    def is_elsewhere(self, name):
        """True if a host name in this host's own logs is none that this host has, or had as far as result() found."""
        return not any(is_of(name, own) for own in self._names)

    def result(self):
        """{events, summary}, the newest event first."""
        events, summary = self._merger.result()
        summary['sources'] = self.sources
        for event in events:
            if event['host'] is None and 'ring_buffer' in event['seen_in']:
                event['host'] = live.host_name()
            # A host that was renamed has its old name in the logs: its kernel's own sources tell which that was.
            if event['host'] and event['trusted'] and KERNELS_OWN.intersection(event['seen_in']):
                self._names.add(event['host'])
        for event in events:
            event['elsewhere'] = set(event['seen_in']) <= self.own_logs and self.is_elsewhere(event['host'])
        return {'events': events[: self._limit] if self._limit else events, 'summary': summary}


def read_fork_failures(paths, since=None, until=None, now=None):
    """The failures of programs that could not fork for lack of memory, in the logs that somebody named, oldest first.
    """
    now = time.time() if now is None else now
    failures, found = ForkFailures(), []
    for log in sources.find_files(paths, True):
        clock = Clock(log.last_moment(now), own=log.own, here=live.host_name())
        try:
            stream = sources.open_log(log)
        except (IOError, OSError, sources.SourceError):
            continue
        scanner = Scanner(failures, log.path, FORK_MARKERS, clock.probe)
        try:
            kind = sources.kind_of(stream.read(16))
            stream.seek(0)
            for block in sources.read_blocks(stream, kind):
                scanner.feed(block)
        except sources.FAILURES:
            pass
        finally:
            stream.close()
        scanner.finish()
        for failure in failures.kept:
            prefix = failure.pop('prefix')
            epoch, failure['time'] = clock.resolve(prefix, failure['source']['offset']) if prefix else (None, None)
            failure['time_text'] = prefix.time_text if prefix else None
            if epoch is None or ((since is None or epoch >= since) and (until is None or epoch <= until)):
                found.append(failure)
        failures.kept = []
    return found


def _places(events):
    """{path: [offset of a report]} of each log."""
    places = {}
    for event in events:
        places.setdefault(event['source']['path'], []).append(event['source']['offset'])
    return places


def read_events(
    paths=(), own_sources=(), since=None, until=None, limit=0, tasks=0, fork_failures=False, now=None, signals=False,
    of_this_host=False
):
    """{events, summary} of log files, patterns, and the host's own sources (auto, files, journal, ring_buffer).

    ``since`` and ``until`` are seconds since 1970. 0 means all, for the rows of ``tasks`` and for the ``limit`` of
    events. ``of_this_host`` is true if the ``paths`` are logs of this host, wherever they lie. With ``signals`` the
    result has these too, and the events keep ``epoch``.
    """
    reading = Reading(since, until, limit, tasks, now)
    logs, own = _logs(paths, own_sources, of_this_host)
    reading.own_logs.update(log.path for log in own)
    reading.files(logs)
    if 'journal' in own_sources or ('auto' in own_sources and live.has_journal()):
        reading.journal()
    if 'ring_buffer' in own_sources or ('auto' in own_sources and os.path.exists(live.KMSG)):
        reading.ring_buffer()
    result = reading.result()
    if signals:
        result['signals'], unsearched = read_signals(
            logs, own_sources, _places(result['events']), since, until, reading.now)
        for source in result['summary']['sources']:
            source['unsearched'] = unsearched.get(source['path'])
        for signal in result['signals']:
            signal['elsewhere'] = (signal['source']['path'] in reading.own_logs
                                   and reading.is_elsewhere(signal['host']))
    else:
        for event in result['events']:
            del event['epoch']
    if fork_failures:
        result['fork_failures'] = read_fork_failures(paths, since, until, now)
    return result


def _logs(paths, own_sources, of_this_host):
    """(list of all log files (LogFile), list of those that are this host's own kernel logs and that nobody named)."""
    logs = sources.find_files(paths, True)
    kernels = sources.find_files(sources.KERNEL_LOGS, False) if set(own_sources) & set(('auto', 'files')) else []
    named, own = set(log.real for log in logs if log.is_itself()), set(log.real for log in kernels)
    kernels = [log for log in kernels if log.real not in named]
    logs += kernels
    for log in logs:
        log.own = of_this_host or log.real in own
    return logs, kernels
