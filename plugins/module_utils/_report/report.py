# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One OOM report, read message by message."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from . import report_lines
from .memory import COUNTERS, ZONE_WORDS, MemoryBlock
from .table import TaskTable, guessed_header, is_header

_ROW = re.compile(r'\[\s*\d+\]\s+\d')
_MOST_VICTIMS = 4096
_MOST_STATISTICS = 256


class Report:
    """What was read so far of one report. A part that no line told is None."""

    def __init__(self, prefix, path, line, offset):
        self.prefix = prefix
        self.path = path
        self.line = line
        self.offset = offset
        self.header = None
        self.failure = False
        self.identity = None
        self.cpuset = None
        self.memory_block = None
        self._block = None
        self.table = None
        self.layout = None
        self.summary = None
        self.chosen = None
        self.victims = []
        self.duplicates = {}
        self.group = None
        self.reaped = {}
        self.sharing = []
        self.panic = False
        self.panic_of_host = self.is_system_wide = False
        self.no_victim = self.exiting = False
        self.manual = False
        # True if the trace shows that the limit of a memory cgroup asked for the kill.
        self.of_cgroup = False
        self.task_in = None
        self.limit_path = None
        self.usage = {}
        self.statistics = {}
        # The statistics of each cgroup below the limit, if the kernel prints them one by one.
        self.group_statistics = []
        self.in_statistics = False
        # The function that reads the lines of the list that was begun.
        self._list = None
        self.balloon = None

    def worth_telling(self):
        """True if this is a report, and not only a memory block or a table that something else printed. Both together
        are a report that lost its header.
        """
        return bool(
            self.header
            or self.victims
            or self.summary
            or self.chosen
            or self.panic
            or self.no_victim
            or self.exiting
            or self.task_in
            or self.group
            or (self.table is not None and self.table.rows and (self.memory_block is not None or self.usage))
        )

    def has_ended(self):
        """True if it told its outcome: a further victim belongs to another report."""
        return bool(self.victims or self.panic or self.no_victim)

    def lacks_summary(self, summary):
        """True if a summary may be this report's. It comes before the kill, or after it in a log that is read from its
        end.
        """
        if self.failure or self.summary is not None:
            return False
        return not self.has_ended() or (self.header is None and self.has_victim(summary['pid'], summary['name']))

    def is_header_alone(self):
        """True if only its first line was read."""
        told = self.identity or self.cpuset or self.memory_block or self.table or self.summary
        return self.header is not None and not told

    def take(self, message, whole, pieces):
        """Take a message of the middle of the report, except rows of a table that was begun. True if it belongs to a
        report.

        ``pieces`` are lines below it, and ``whole`` is the message joined with them.
        """
        word = message.split(' ', 1)[0]
        reader = _BLOCK_LINES.get(word)
        if reader is not None:
            return self._in_block(reader, whole)
        handler = _HANDLERS.get(word)
        if handler is not None:
            return handler(self, whole)
        if word.isdigit():
            return self._in_block(MemoryBlock.count_line, message) or self._list_line(whole)
        # A line of a trace begins like this, too.
        if word[:1] == '[' and word[1:2] != '<':
            return self._table_line(message, whole, pieces)
        if word.partition(':')[0] in COUNTERS and ':' in word:
            return self._in_block(MemoryBlock.counter_line, whole)
        return (self.in_statistics and self._statistic(whole)) or self._list_line(whole)

    def _list_line(self, message):
        """Take a line of a list, or one of the driver of a balloon, which may hold the memory. True if it is one."""
        if self._list is not None and self._list(self._block, message):
            return True
        if 'mem_cgroup_' in message and report_lines.is_in_cgroup(message):
            self.of_cgroup = True
        if 'balloon' in message and self.balloon is None:
            self.balloon = report_lines.balloon(message)
        return False

    def _caches(self, message):
        return self._begin_list(MemoryBlock.cache_line, message == 'Unreclaimable slab info:')

    def _begin_list(self, reader, begins):
        if not begins or self._block is None:
            return False
        self._list = reader
        return True

    def _table_line(self, message, whole, pieces):
        """Take the header of the task table, or its first row if the header is lost. True if it is one."""
        if is_header(whole):
            self.table = TaskTable(whole)
            self.in_statistics, self._list = False, None
            return True
        if self.table is None and _ROW.match(message):
            layout = self.layout or guessed_header(message)
            table = layout and TaskTable(layout, headless=True)
            if table and table.add(message, pieces):
                self.table = table
                return True
        return False

    def _memory_start(self, message):
        # A second block is of another CPU, or of an allocation that failed: it is read, and not used.
        self._block = MemoryBlock()
        self.memory_block = self.memory_block or self._block
        rest = message.partition(':')[2].strip()
        return self._block.counter_line(rest) if rest else True

    def _in_block(self, reader, message):
        """Take a line of the memory block, of which the first line may be lost. True if it is one."""
        block = self._block or MemoryBlock()
        if not reader(block, message):
            return False
        self._block = block
        self.memory_block = self.memory_block or block
        return True

    def _reserve(self, message):
        return self._block is not None and self._block.reserve_line(message)

    def _identity(self, message):
        identity = report_lines.identity(message)
        if identity is None or self.identity is not None:
            return False
        if self.victims:
            # This is another trace, printed later, but of the same kernel.
            self.identity = dict(identity, name=None, pid=None)
            return False
        # Another CPU may print its own trace in between.
        if self.header is not None and self.header['name'] != identity['name'] and identity['name']:
            return False
        self.identity = identity
        return True

    def _usage(self, message):
        usage = report_lines.usage(message)
        if usage is None:
            return False
        self.usage.setdefault(usage[0], usage[1:])
        return True

    def _statistics(self, message):
        statistics = report_lines.statistics(message)
        if statistics is None and message == 'Memory allocations:':
            return self._begin_list(MemoryBlock.allocation_line, True)
        if statistics is None:
            path = report_lines.limit_reached(message)
            self.limit_path = self.limit_path or path
            return path is not None
        # Kernels with hierarchical statistics print one such line for every cgroup below the limit.
        if self.limit_path is None:
            self.limit_path = statistics[0]
        if not self.statistics:
            self.statistics.update(statistics[1])
        if len(self.group_statistics) < _MOST_STATISTICS:
            self.group_statistics.append(statistics[1])
        self.in_statistics = True
        return True

    def _statistic(self, message):
        pairs = report_lines.statistic_line(message)
        if not pairs or len(self.statistics) > _MOST_STATISTICS:
            return False
        for name, value in pairs.items():
            self.statistics.setdefault(name, value)
        return True

    def _task_in(self, message):
        task_in = report_lines.task_in(message)
        if task_in is None:
            return False
        self.task_in, self.limit_path = task_in, task_in[1]
        return True

    def add_victim(self, victim):
        """Add a victim. A second line about the same process is counted as a duplicate."""
        key = (victim['pid'], victim['name'])
        for known in self.victims:
            if (known['pid'], known['name']) == key:
                self.duplicates[key] = self.duplicates.get(key, 0) + 1
                # A title above a log has only the first words of the line.
                known.update((name, value) for name, value in victim.items() if known[name] is None)
                return
        if len(self.victims) < _MOST_VICTIMS:
            self.victims.append(victim)

    def has_victim(self, pid, name=None):
        """True if a process is among the victims."""
        return any(known['pid'] == pid and name in (None, known['name']) for known in self.victims)


_HANDLERS = {
    'Mem-Info:': Report._memory_start,
    'Mem-info:': Report._memory_start,
    'lowmem_reserve[]:': Report._reserve,
    'CPU:': Report._identity,
    'Pid:': Report._identity,
    'memory:': Report._usage,
    'memory+swap:': Report._usage,
    'swap:': Report._usage,
    'kmem:': Report._usage,
    'Memory': Report._statistics,
    'Task': Report._task_in,
    'Unreclaimable': Report._caches,
}
_BLOCK_LINES = dict((word, MemoryBlock.node_line) for word in ZONE_WORDS)
_BLOCK_LINES.update({'Node': MemoryBlock.node_line, 'Free': MemoryBlock.swap_line, 'Total': MemoryBlock.swap_line})
