# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes messages of the lines of a log: without their prefixes, with the lines below that they go on in."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import itertools
import re
from collections import namedtuple

from .prefix import PrefixReader
from .text import BARE, unescape

_MOST_CONTINUATIONS = 200
# So many rows of a table are taken at once, and so many beyond those that the last try took.
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
# What begins a message, though the lines above it have a prefix.
_BEGINS = re.compile(
    r'.{1,20} invoked oom-killer: gfp_mask=|.{0,80}[Oo]ut of memory(?:: [Kk]ill(?:ed)? process \d| and no )'
    r'|Killed process \d|oom-kill:constraint='
)


# A message that may go on in the lines that follow: its Prefix, the text of its first line, and that line as one of
# those of ``batch`` (Batch), by its index in them.
Pending = namedtuple('Pending', 'prefix message batch index')


def _behind_time(text):
    """A row without its bracket, behind seconds in brackets; None if no such row stands there."""
    time, mark, row = text.partition('] [')
    return row if mark and '.' in time and ']' not in time else None


class Messages:
    """Fed the lines of a log by a Scanner; hands each message, as soon as it is known to be whole, to an Assembler.

    ``rejoin`` is a callable (first line, lines that it goes on in -> the message in one line).
    """

    def __init__(self, assembler, rejoin):
        self._assembler = assembler
        self._rejoin = rejoin
        self._reader = PrefixReader()
        # The last message (Pending), and the lines that it goes on in.
        self._pending = None
        self._more = []
        self._most_rows = _MOST_ROWS

    def begin(self):
        """The next line is not the one after the last: what was open has ended."""
        self.pause()
        self._assembler.begin()

    def pause(self):
        """The lines that follow in this file are of no report: those of a later file may be."""
        self._finish()

    def flush(self):
        """No more lines come."""
        self._finish()
        self._assembler.flush()

    def wants_more(self):
        """True if the lines that follow may still belong to a report."""
        return self._assembler.wants_more(self._pending is not None)

    def feed(self, batch):
        """Take lines of a log; how many: fewer than there are if no more are wanted."""
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
                self._pending = Pending(prefix or BARE, message, batch, index)
                wanted = not assembler.idle or self.wants_more()
                # A trace's line begins so, too.
                if message[:1] == '[' and message[1:2] != '<':
                    index += self._feed_rows(texts, index + 1)
            index += 1
            if not wanted:
                break
        return index

    def _goes_on(self, message):
        """True if a line without a prefix is the rest of the message before it, or says nothing."""
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
        """Take the lines from texts[index] on that are rows of a task table, prefixed as the last line was; how many.

        The last of them is left where it may go on in the line below it.
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
        # Lines of which few are rows shall not be looked at again and again.
        self._most_rows = _MOST_ROWS if taken == len(rows) else taken + _FEWEST_ROWS
        return taken

    def _finish(self):
        """Hand over the last message: nothing below it is its rest."""
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
