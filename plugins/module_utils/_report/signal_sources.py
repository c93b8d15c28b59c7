# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of logs in which signals are looked for: small logs whole, large ones around their reports and in the last
days, and the journal.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

from .._files.sizes import format_size
from .._log import live, records, sources
from .._log.budget import Budget
from .._log.clock import Clock
from .._log.seek import offset_of, time_of
from .signals import WORDS, Signals, tell_times

# A log up to this size is searched whole; every word costs a search of its own.
WHOLE = 1 << 24
RECENT = 7 * 86400
_AROUND = 1 << 18
_END = 1 << 13
# The most that is read of a log, and of the journal, for signals, beside its end.
_MOST_BYTES = 1 << 25
_MOST_SECONDS = 6
_TOO_LARGE = 'it is larger than %s: other words than the kernel\'s were looked for around its reports and %s alone'
_TOO_LONG = 'reading it took too long: other words than the kernel\'s were not looked for in %s of it'
_TOO_MANY = 'too many of its lines look like words of a killer: %d of them were not looked at'
# For each block a program is started that searches it: the blocks are made larger for that, and a host that is short of
# memory pays twice their size.
_TOGETHER = 1 << 19


def read_signals(logs, own_sources, places, since, until, now):
    """(signals, unsearched) of log files (LogFile) and of the host's ``own_sources``, in the order of each log.

    ``unsearched`` is {path: the reason why not all of its lines were looked at, for each of which they were not}.
    ``places`` is {path: [offset of a report]}; ``since`` and ``until`` are seconds since 1970 or None. A source that
    cannot be read gives what was read of it: its error is in the summary of the reports, which reads the same.
    """
    signals, unsearched, budget = [], {}, Budget(_MOST_SECONDS)
    for log in logs:
        signals.extend(_of_file(log, places.get(log.path, ()), since, now, budget, unsearched))
    if 'journal' in own_sources or ('auto' in own_sources and live.has_journal()):
        signals.extend(_of_journal(now - RECENT if since is None else since, now, budget, unsearched))
    return [signal for signal in signals if _within(signal['epoch'], since, until)], unsearched


def _within(epoch, since, until):
    return epoch is None or ((since is None or epoch >= since) and (until is None or epoch <= until))


def _of_file(log, places, since, now, budget, unsearched):
    budget.begin()
    signals, clock = Signals(log.path), Clock(log.last_moment(now), own=log.own, here=live.host_name())
    try:
        stream = sources.open_log(log)
    except (IOError, OSError, sources.SourceError):
        return []
    try:
        strangers = sources.is_of_strangers(stream)
        kind = sources.kind_of(stream.read(16))
        size = os.fstat(stream.fileno()).st_size
        if kind is None and size > WHOLE:
            begin = _last_moment(stream, size, clock, now) - RECENT if since is None else since
            spans = _spans(stream, size, clock, places, begin)
            if spans != [(0, size)]:
                unsearched[log.path] = _TOO_LARGE % (
                    format_size(WHOLE), 'in its last seven days' if since is None else 'since the time asked for')
            for start, end in spans:
                signals.move(_line_from(stream, start))
                _feed(signals, _up_to(stream, end), budget)
        else:
            stream.seek(0)
            _feed(signals, records.in_lines(sources.read_blocks(stream, kind)), budget)
    except sources.FAILURES:
        pass
    finally:
        stream.close()
    signals.finish()
    _note(signals, unsearched)
    for signal in signals.kept:
        signal['trusted'] = None if strangers and signal['trusted'] else signal['trusted']
    return tell_times(signals.kept, clock)


def _note(signals, unsearched):
    """Add to ``unsearched`` what was not read of a log."""
    if signals.skipped:
        unsearched[signals.path] = _TOO_LONG % format_size(signals.skipped)
    elif signals.left_out:
        unsearched.setdefault(signals.path, _TOO_MANY % signals.left_out)


def _feed(signals, blocks, budget):
    size = 0
    for pieces in sources.in_groups(blocks, _TOGETHER):
        fed = sum(map(len, pieces))
        size += fed
        signals.feed(pieces)
        if budget.is_spent(fed) or size >= _MOST_BYTES:
            left_out, last = budget.last_of(blocks)
            signals.skip(left_out)
            for each in last:
                signals.feed([each])
            break
    signals.finish()


def _last_moment(stream, size, clock, now):
    """The time at which a log ends, by its last lines, as a copy may be read years later; in seconds since 1970."""
    stream.seek(max(size - _END, 0))
    told = time_of(stream.read(_END), clock)
    return now if told is None else min(told, now)


def _spans(stream, size, clock, places, since):
    """[(start, end)], the parts of a large log to search, in order: those around its reports, and all since a moment.
    """
    spans = [(max(place - _AROUND, 0), min(place + _AROUND, size)) for place in places]
    start = offset_of(stream, size, clock, since)
    spans.append((max(start, size - _MOST_BYTES), size))
    joined = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _line_from(stream, start):
    """The offset of the first line that begins behind ``start``, or at the log's beginning; the log is read from there.
    """
    stream.seek(start)
    if start:
        stream.readline(sources.BLOCK)
    return stream.tell()


def _up_to(stream, end):
    while stream.tell() < end:
        block = stream.read(min(sources.BLOCK, end - stream.tell()))
        if not block:
            return
        yield block


def _of_journal(since, now, budget, unsearched):
    budget.begin()
    signals, clock = Signals('journal'), Clock(now, own=True)
    try:
        _feed(signals, live.program_blocks(since, WORDS), budget)
    except sources.FAILURES:
        signals.finish()
    _note(signals, unsearched)
    return tell_times(signals.kept, clock)
