# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the messages of a log together to OOM reports: by host, by the task that printed them, and by what they say."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import collections
import re

from .._log.text import BARE
from .._log.times import parse_ctime, parse_iso, parse_yearless, with_year
from . import report_lines
from .report import Report
from .table import guessed_header

# An open report ends after so many lines without a word of one: another CPU's trace or a list of slabs may lie in
# between.
_PATIENCE_OPEN = 500
# The reaper and memory.oom.group speak soon after the kill.
_PATIENCE_CLOSED = 30
_PATIENCE_NONE = 10
_MOST_STREAMS = 64
_MOST_WAITING = 16
# A report with more tasks than this does not wait for the reaper's line.
_LARGE_TABLE = 4096
_QUOTES = ('"', "'", '`', '(')
# An OOM kill that follows its header by more than this belongs to another report, whose header was lost.
_LONGEST_KILL = 300
_LEAP_YEAR, _YEAR = 2000, 366 * 86400

_BARE_KEY = (None, None, None, False)
# The first line of a part, if the header above it is lost.
_STARTS = ('Mem-', 'Tasks state', 'Task in', 'memory: usage', 'Memory cgroup stats', '[ pid', '[  pid')
# A line of the memory block, if all above it is lost. A trace may be that of another trouble.
_MIDDLE = re.compile(
    r'Node \d|active_anon:|lowmem_reserve\[\]:|\d+ (?:total pagecache pages|pages RAM)|(?:Free|Total) swap'
)


def seconds_between(first, second):
    """Seconds from one prefix to another, or None if they do not tell their times in the same form."""
    if first.uptime is not None and second.uptime is not None:
        return second.uptime - first.uptime
    if first.style != second.style or first.stamp == second.stamp or None in (first.stamp, second.stamp):
        return None
    if first.style == 'yearless':
        return _seconds_without_year(parse_yearless(first.stamp), parse_yearless(second.stamp))
    if first.style == 'iso':
        a, b = parse_iso(first.stamp), parse_iso(second.stamp)
        return b[0] - a[0] if a and b else None
    if first.style == 'ctime':
        a, b = parse_ctime(first.stamp), parse_ctime(second.stamp)
        return None if None in (a, b) else b - a
    return None


def _seconds_without_year(first, second):
    """Seconds from one date without a year to another, the nearest in either direction; None if they do not tell."""
    # Whether February has 29 days is not told.
    if not (first and second) or (first.month, second.month) in ((2, 3), (3, 2)):
        return None
    a, b = with_year(first, _LEAP_YEAR), with_year(second, _LEAP_YEAR)
    if None in (a, b):
        return None
    return (b - a + _YEAR // 2) % _YEAR - _YEAR // 2


class Assembler:
    """Takes messages, and makes reports of them.

    ``ended`` has the reports that nothing is added to any more; the caller takes them out. ``idle`` counts the messages
    since the last one of a report.
    """

    def __init__(self):
        self.ended = []
        self._streams = {}
        self._waiting = collections.deque()
        self._keyed = self._key = None
        self.idle = 0
        # The last task table of each host: a later one may have lost its header.
        self._layouts = {}
        # The stream in which somebody asked for the next kill by the sysrq key f, as drivers/tty/sysrq.c says.
        self._by_hand = None
        # The driver of a balloon whose line came last, by host.
        self._balloons = {}

    def begin(self):
        """End all reports that are open: the next message does not follow the last one."""
        for key in sorted(self._streams, key=lambda key: self._streams[key].offset or 0):
            self._close(key)
        self.idle = 0
        self._by_hand = None
        self._balloons.clear()

    def wants_more(self, pending):
        """True if the messages that follow may still belong to a report, or to one that a ``pending`` message may
        begin.
        """
        if not self._streams:
            return pending and self.idle < _PATIENCE_NONE
        if self.idle < _PATIENCE_CLOSED:
            return True
        return self.idle < _PATIENCE_OPEN and any(not report.has_ended() for report in self._streams.values())

    def flush(self):
        """Hand over all that is held: no more messages come."""
        for key in sorted(self._streams, key=lambda key: self._streams[key].offset or 0):
            self._close(key)
        self.ended.extend(self._waiting)
        self._waiting.clear()
        self._layouts.clear()

    def _close(self, key):
        report = self._streams.pop(key, None)
        if report is None:
            return
        if report.table is not None and not report.table.headless:
            self._layouts[key[0]] = report.table.header
        if report.worth_telling():
            if report.table is not None and len(report.table.rows) > _LARGE_TABLE:
                self.ended.append(report)
                return
            self._waiting.append(report)
            if len(self._waiting) > _MOST_WAITING:
                self.ended.append(self._waiting.popleft())

    def _open(self, key, pending):
        self._close(key)
        if len(self._streams) >= _MOST_STREAMS:
            self._close(next(iter(self._streams)))
        report = self._streams[key] = Report(pending.prefix, *pending.batch.place(pending.index))
        report.layout = self._layouts.get(key[0])
        report.balloon = self._balloons.get(key[0])
        report.manual, self._by_hand = self._by_hand == key, None
        return report

    def add_rows(self, rows):
        """Add rows to the task table that the last message belongs to. The number of rows taken."""
        report = self._streams.get(self._key)
        return report.table.add_all(rows) if report is not None and report.table is not None else 0

    def take(self, pending, message, whole, pieces):
        """Take in a message: ``pending`` has its first line, ``whole`` joins that with ``pieces``, lines below it."""
        prefix = pending.prefix
        # What user space printed never touches a report of the kernel.
        if prefix is not self._keyed:
            self._keyed, self._key = prefix, (prefix.host, prefix.boot, prefix.caller, prefix.trusted is False)
        key = self._key
        report = self._streams.get(key)
        if report is None and self._streams and prefix is not BARE and 'oom-killer' not in whole:
            report = self._adopt(key, prefix)
        if message[:1] == '[':
            if report is not None and report.table is not None and report.table.add(message, pieces):
                self.idle = 0
                return
            # The name of a process may begin with a bracket, and so may a prefix that is not known.
            hint = 'oom-killer' in message or 'ut of memory: ' in message
        else:
            # Every line that _EVENTS knows has one of these words; to look for them with an expression takes longer.
            hint = (
                'oom' in whole
                or 'ill' in whole
                or 'OOM victim' in whole
                or ('alloc' in whole and ('failure' in whole or 'vmalloc error' in whole or 'B: Unable' in whole))
                or 'mems_allowed=' in whole
                or 'Kernel panic' in whole
            )
        if hint and self._event(key, report, pending, whole):
            self.idle = 0
            return
        if report is None or report.has_ended():
            if message.startswith(_STARTS) or (report is None and (
                    guessed_header(message) if message[:1] == '[' else _MIDDLE.match(message))):
                report = self._open(key, pending)
            elif report is None:
                if message.endswith('Manual OOM execution'):
                    self._by_hand = key
                if 'balloon' in message:
                    self._balloons[key[0]] = report_lines.balloon(message) or self._balloons.get(key[0])
                self.idle += 1
                return
        if report.take(message, whole, pieces):
            self.idle = 0
        else:
            self.idle += 1

    def _adopt(self, key, prefix):
        """The open report whose header, its only line so far, has no prefix because somebody copied from the middle of
        that line on; None without one.
        """
        bare = self._streams.get(_BARE_KEY)
        if bare is None or not bare.is_header_alone() or prefix.trusted is False:
            return None
        del self._streams[_BARE_KEY]
        self._streams[key] = bare
        bare.prefix = prefix
        return bare

    def _event(self, key, report, pending, message):
        """Take a line that starts, decides or ends a report. True if this is one."""
        for word, handler in _EVENTS:
            if word in message and handler(self, key, report, pending, message):
                return True
        return False

    def _at_start(self, pending, message, text):
        """True if a message begins with a text, or, if the kernel did not write it, has it unquoted."""
        if message.startswith(text):
            return True
        before, there, dummy = message.partition(text)
        return bool(there) and not pending.prefix.says_kernel() and before[-1:] not in _QUOTES

    def _invoked(self, key, report, pending, message):
        header = report_lines.invoked(message)
        if header is None:
            return False
        # A page about OOM kills has these words as well, and may follow a line of the kernel.
        bare = pending.prefix is BARE
        if (bare and header['name'] is None) or (
            header['gfp_mask'] is None and (bare or 'oom-killer' not in pending.message)
        ):
            return False
        report = self._open(key, pending)
        report.header = header
        report.manual = report.manual or header['order'] == -1
        return True

    def _killed(self, key, report, pending, message):
        prefix = pending.prefix
        victim = report_lines.killed(message, not prefix.says_kernel())
        if victim is None:
            return False
        if report is None or not self._belongs(report, prefix, victim):
            if not (prefix.says_kernel() or report_lines.is_of_memory(victim)):
                # A shell or a deployment may say the same of what it ended.
                return False
            report = self._open(key, pending)
        for _again in range(min(prefix.repeated, 1000)):
            report.add_victim(victim)
        return True

    def _killed_by_openvz(self, key, report, pending, message):
        killed = report_lines.killed_by_openvz(message)
        if killed is None:
            return False
        container, victim, score = killed
        if report is None or not self._belongs(report, pending.prefix, victim):
            report = self._open(key, pending)
        report.add_victim(victim)
        if report.chosen is None:
            report.chosen = {'pid': victim['pid'], 'name': victim['name'], 'score': score, 'memcg': victim['memcg']}
        if container is not None:
            report.limit_path = report.limit_path or '/' + container
        return True

    @staticmethod
    def _belongs(report, prefix, victim):
        """True if a victim is the one that an open report is about."""
        gap = seconds_between(report.prefix, prefix)
        if report.has_victim(victim['pid'], victim['name']):
            # The next boot gives a server the same pid again.
            return gap is None or abs(gap) <= _LONGEST_KILL
        if report.failure or (gap is not None and not -5 <= gap <= _LONGEST_KILL):
            return False
        if report.group is not None:
            return True
        if report.victims or report.panic:
            return False
        # A kernel before 5.1 may have killed a child of the one it named.
        pid = report.summary and report.summary['pid']
        return pid is None or pid == victim['pid'] or report.chosen is not None

    def _summary(self, key, report, pending, message):
        if not self._at_start(pending, message, 'oom-kill:'):
            return False
        summary = report_lines.summary(message)
        if summary is None:
            return False
        if report is None or not report.lacks_summary(summary):
            report = self._open(key, pending)
        report.summary = summary
        return True

    def _chosen(self, key, report, pending, message):
        chosen = report_lines.chosen(message)
        if chosen is None:
            shared = report_lines.sharing(message)
            if shared and report is not None and len(report.sharing) < 64:
                report.sharing.append(shared)
            return shared is not None
        if report is None or report.failure or report.has_ended() or report.chosen is not None:
            report = self._open(key, pending)
        chosen['memcg'] = 'emory cgroup' in message
        chosen['outside'] = 'Out of memory' in message
        report.chosen = chosen
        return True

    def _reaped(self, key, report, pending, message):
        reaped = report_lines.reaped(message)
        if reaped is None:
            return False
        host = pending.prefix.host
        candidates = [one for stream, one in self._streams.items() if stream[0] == host] + [
            one for one in reversed(self._waiting) if one.prefix.host == host
        ]
        for candidate in candidates:
            if candidate.has_victim(reaped[0]):
                candidate.reaped[reaped[0]] = reaped[1]
                return True
        return False

    def _group(self, key, report, pending, message):
        path = report_lines.group_kill(message)
        if path is None:
            return False
        if report is None or report.failure or report.panic or report.no_victim:
            report = self._open(key, pending)
        report.group = path
        return True

    def _exiting(self, key, report, pending, message):
        if not report_lines.is_exiting(message):
            return False
        if report is None or report.failure or report.has_ended():
            report = self._open(key, pending)
        report.exiting = True
        return True

    def _panic(self, key, report, pending, message):
        if not self._at_start(pending, message, 'Kernel panic - not syncing: ') or 'memory' not in message:
            return False
        if message.startswith('---[ end '):
            return True
        if report is None or report.failure or report.victims:
            report = self._open(key, pending)
        report.panic = True
        # Set to 2, panic_on_oom is of a memory cgroup or memory policy too (check_panic_on_oom() of mm/oom_kill.c).
        report.panic_of_host = 'compulsory' not in message
        # Set to 1 it is of neither these nor the nodes of a cpuset.
        report.is_system_wide = 'system-wide' in message
        return True

    def _no_victim(self, key, report, pending, message):
        if not self._at_start(pending, message, 'Out of memory and no killable processes'):
            return False
        if report is None or report.failure or report.has_ended():
            report = self._open(key, pending)
        report.no_victim = True
        return True

    def _failure(self, key, report, pending, message):
        header = report_lines.allocation_failure(message)
        # A page about failed allocations has these words as well.
        if header is None or (header['order'] is None and header['gfp_mask'] is None and pending.prefix is BARE):
            return False
        if header['allocation'] == 'slab' and report is not None and report.failure:
            # This is another line about the same allocation, whose pages failed.
            return True
        report = self._open(key, pending)
        report.header = header
        report.failure = True
        report.cpuset = report_lines.cpuset(message)
        return True

    def _cpuset(self, key, report, pending, message):
        if report is None or report.cpuset is not None:
            return False
        report.cpuset = report_lines.cpuset(message)
        return report.cpuset is not None


_EVENTS = (
    ('oom-killer', Assembler._invoked),
    ('Killed', Assembler._killed),
    ('OOM killed process', Assembler._killed_by_openvz),
    ('oom-kill:', Assembler._summary),
    ('ill', Assembler._chosen),
    ('oom_reaper: ', Assembler._reaped),
    ('memory.oom.group', Assembler._group),
    ('Kernel panic', Assembler._panic),
    ('no killable processes', Assembler._no_victim),
    ('OOM victim', Assembler._exiting),
    ('page allocation failure', Assembler._failure),
    ('vmemmap alloc failure', Assembler._failure),
    ('vmalloc error', Assembler._failure),
    ('vmalloc: allocation failure', Assembler._failure),
    ('Unable to allocate memory on ', Assembler._failure),
    (' mems_allowed=', Assembler._cpuset),
)
