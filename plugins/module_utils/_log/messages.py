# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes messages of the lines of a log: takes off their prefixes, and joins each with the lines below that continue it.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import functools
import itertools
import re
from collections import namedtuple

from .prefix import PrefixReader
from .text import BARE, unescape

_MOST_CONTINUATIONS = 200
# The most rows of a table that are taken at once, and how many more than the last try took are tried at least.
_MOST_ROWS = 1 << 15
_FEWEST_ROWS = 8
# Pieces of kernel lines that a mail client or a terminal broke in two.
_BROKEN = (
    'oom_score_adj=',
    'order=',
    'gfp_mask=',
    'oom-killer:',
    'total-vm:',
    'anon-rss:',
    'file-rss:',
    'shmem-rss:',
    'UID:',
    'swapents ',
    'pgtables:',
)
# The beginnings of messages that have no prefix, even if the lines above them have one.
_BEGINS = re.compile(
    r'.{1,20} invoked oom-killer: gfp_mask=|.{0,80}[Oo]ut of memory(?:: [Kk]ill(?:ed)? process \d| and no )'
    r'|Killed process \d|oom-kill:constraint='
)


# A message that may go on in the lines that follow: its Prefix, the text of its first line, and that line as one of
# those of ``batch`` (Batch), by its index in them.
Pending = namedtuple('Pending', 'prefix message batch index')
# Of a tuple: Pending() takes three times as long, of every line.
_pending_of = functools.partial(tuple.__new__, Pending)


def _behind_time(text):
    """A row of a table without its bracket, if it follows seconds in brackets; else None."""
    time, mark, row = text.partition('] [')
    return row if mark and '.' in time and ']' not in time else None


class Messages:
    """Takes the lines of a log from a Scanner, and hands each message to an Assembler as soon as it is whole.

    ``rejoin`` is a callable (first line, the lines that continue it -> the message in one line).
    """

    def __init__(self, assembler, rejoin):
        self._assembler = assembler
        self._rejoin = rejoin
        self._reader = PrefixReader()
        # The last message (Pending), and the lines that continue it.
        self._pending = None
        self._more = []
        self._most_rows = _MOST_ROWS

    def begin(self):
        """End what is open: the next line does not follow the last one."""
        self.pause()
        self._assembler.begin()

    def pause(self):
        """Hand over the last message: the lines that follow in this file are of no report. Those of a later file may
        continue one.
        """
        self._finish()

    def flush(self):
        """Hand over all that is held: no more lines come."""
        self._finish()
        self._assembler.flush()

    def wants_more(self):
        """True if the lines that follow may still belong to a report."""
        return self._assembler.wants_more(self._pending is not None)

    def feed(self, batch):
        """Take lines of a log (Batch). The number of lines taken, which is less than all if no more are wanted."""
        texts, split, assembler = batch.texts, self._reader.split, self._assembler
        index, count = 0, len(texts)
        while index < count:
            prefix, message = split(texts[index])
            message = message.strip()
            if '#' in message or '\\' in message:
                message = unescape(message)
            if prefix is None and self._goes_on(message):
                wanted = self.wants_more()
            else:
                self._finish()
                self._pending = _pending_of((prefix or BARE, message, batch, index))
                wanted = not assembler.idle or self.wants_more()
                # A line of a trace begins like this, too.
                if message[:1] == '[' and message[1:2] != '<':
                    index += self._feed_rows(texts, index + 1)
            index += 1
            if not wanted:
                break
        return index

    def _goes_on(self, message):
        """True if a line without a prefix continues the message before it, or says nothing."""
        if not message or message[:3] in ('--', '```', '...'):
            return True
        if self._pending is None:
            return False
        above = self._pending.message
        if self._pending.prefix is BARE:
            if not message.startswith(_BROKEN):
                return False
        elif above and above[-1:] != ':' and _BEGINS.match(message):
            return False
        if len(self._more) < _MOST_CONTINUATIONS:
            self._more.append(message)
        else:
            self._assembler.idle += 1
        return True

    def _feed_rows(self, texts, index):
        """Take the lines from texts[index] on that are rows of a task table with the prefix of the last line. The
        number taken.

        The last of them is not taken if the line below may continue it.
        """
        prefix = self._pending.prefix
        before = self._reader.before_rows(prefix)
        if before is None:
            return 0
        timed = prefix.uptime is not None
        start = before + '['
        begin, rows, text = len(start), [], ''
        for text in itertools.islice(texts, index, index + self._most_rows):
            if not text.startswith(start):
                break
            row = text[begin:]
            if timed:
                row = _behind_time(row)
                if row is None:
                    break
            rows.append(row)
        if not before or text.startswith(start) or not text.startswith(before):
            del rows[-1:]
        whole = ' '.join(rows)
        if '#' in whole or '\\' in whole:
            rows = list(itertools.takewhile(lambda row: '#' not in row and '\\' not in row, rows))
        if not rows:
            return 0
        self._finish()
        taken = self._assembler.add_rows(rows)
        # Lines that hold few rows must not be looked at again and again.
        self._most_rows = _MOST_ROWS if taken == len(rows) else taken + _FEWEST_ROWS
        return taken

    def _finish(self):
        """Hand over the last message: no line below continues it."""
        pending, self._pending = self._pending, None
        if pending is None:
            return
        message = whole = pending.message
        pieces = ()
        if self._more:
            pieces, self._more = self._more, []
            whole = self._rejoin(message, pieces)
            if not message:
                message, pieces = whole, ()
        self._assembler.take(pending, message, whole, pieces)
