# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The signals of a log: lines that say who killed, who refused memory, or why a program ended for another reason."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._files.reader import parse_json
from .._log.json_records import field_text, of_journal
from .._log.prefix import PrefixReader
from .._log.sources import joined
from .._log.stamps import stated, stated_above, without_container
from .._log.text import BARE, COLOR, KERNEL, LONGEST_LINE, log_text
from .._log.words import any_of
from .form import KERNEL as KERNELS
from .form import SYSTEMD
from .marked import Words
from .signal_forms import FORMS

# The most signals that are kept of one log: the newest, and the first of each kind.
MOST = 2000
# The part of a line that is read: the words of every form are nearer to its beginning.
_LONGEST = 4096
_LONGEST_TEXT = 400
_CONTEXT = 1 << 14
# The length of a usual line; of the lines around one so much is looked at.
_LINE = 200
_MOST_CONTINUED = 3
# Crash dumps of Erlang, logs of RabbitMQ before 3.7 and the alert log of Oracle's database have the time in a line of
# its own, so many above at most.
_HEADED, _MOST_HEAD = ('Slogan: ', 'ORA-', 'vm_memory_'), 8
# If more lines of a block have to be looked at, only the first and the last so many are: who floods a log costs no more
# time.
_MOST_OF_A_BLOCK = 200
# The kernel writes the name of a program that crashed as a tag would.
_TAG = re.compile(
    r'(?:^|\s)([A-Za-z][\w.@-]{0,63})(?:\[(\d{1,10})\])?: (?!segfault at |general protection f|trap invalid o)')
# What engines, CI systems and pages add before and after a line of a program.
_STAMP = r'\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?\]?'
_WRAPPED = re.compile(
    r'(?:>|[-*] +|`|#\d{1,4} \d{1,6}\.\d{1,3} +|%s(?: std(?:out|err) [FP])?(?:[ \t]|$)'
    r'|\d\d:\d\d:\d\d +|##\[\w{1,16}\]|\[pod/[\w./-]{1,400}\] +|[\w.-]{1,80} +\| ?|\s)*' % _STAMP)
_JOURNAL_FIELDS = ('_PID', '_UID', '_COMM', '_SYSTEMD_UNIT', 'UNIT', 'USER_UNIT', '_TRANSPORT', 'SYSLOG_IDENTIFIER')


def _forms_by_marker():
    found = {}
    for number, form in enumerate(FORMS):
        for marker in form.markers:
            found.setdefault(marker, []).append(number)
    return found


_BY_MARKER = _forms_by_marker()
MARKERS = tuple(sorted(_BY_MARKER))
_WORDS = Words(MARKERS)


def forms_of(markers):
    """The forms that a line with these markers may have, in their order."""
    return [FORMS[number] for number in sorted(set(number for marker in markers for number in _BY_MARKER[marker]))]


# The same words as a regular expression for journalctl, which searches without sending us all it reads.
WORDS = any_of(log_text(marker) for marker in MARKERS)


class Line:
    """One line of a log, and the lines around it.

    ``text`` is the line. ``message`` is the line without its prefix and with the indented lines that continue it.
    ``program`` is the name in its prefix, None if it has none.
    """

    def __init__(self, data, start, end, reader):
        self._data, self._start, self._end = data, start, end
        self.text = _native(data[start:end])
        self.prefix, message = reader.split(self.text)
        self.journal = _journal_fields(self.text)
        self.program, self.pid = self._origin(message)
        self.message = _without_end(message) + self._continued()

    def unwrapped(self):
        """The line as a program without a tag wrote it: its first words may look like a tag, as in ``fork/exec x: ``.
        """
        text = self.text[:_LONGEST]
        return _without_end(text[_WRAPPED.match(text).end():])

    def dated(self, reader):
        """The prefix of the line. If it has no time, that which the line states behind a container's name, or anywhere.
        """
        prefix = self.prefix or BARE
        if prefix.stamp or prefix.uptime is not None or self.journal:
            return prefix
        inner = without_container(self.text[:_LONGEST])
        found = reader.split(inner)[0]
        found = found if found is not None and found.stamp else stated(inner)
        if found is None and self.text.startswith(_HEADED):
            found = stated_above(self.above(_MOST_HEAD).split('\n'))
        if found is None:
            return prefix
        found.host = found.host or prefix.host
        return found

    def _origin(self, message):
        """(program or None, its pid or None), by the prefix, else by the first tag in the line."""
        if self.journal:
            return self.journal.get('SYSLOG_IDENTIFIER') or self.journal.get('_COMM'), self.journal.get('_PID')
        prefix = self.prefix
        if prefix is not None and prefix.program:
            return prefix.program.rsplit('/', 1)[-1].rsplit(' ', 1)[-1], None
        if prefix is not None and (prefix.says_kernel() or (prefix.uptime is not None and prefix.trusted is None)):
            return 'kernel', None
        match = _TAG.search(message[:120])
        return (match.group(1), match.group(2)) if match and match.group(2) else (None, None)

    def _continued(self):
        if self.text[:1] in ' \t' or self.journal:
            return ''
        pieces = []
        for line in self._below(_MOST_CONTINUED):
            if line[:2] not in ('  ', '\t'):
                break
            pieces.append(line.strip())
        return ' ' + ' '.join(pieces) if pieces else ''

    def _below(self, count):
        below = _native(self._data[self._end + 1 : self._end + 1 + min(count * _LINE, _CONTEXT)])
        return below.split('\n')[:count]

    def below(self, count):
        """The text of so many lines below this one, if they have a usual length."""
        return '\n'.join(self._below(count))

    def above(self, count):
        """The text of so many lines above this one, if they have a usual length."""
        start = max(self._start - min(count * _LINE, _CONTEXT), 0)
        lines = _native(self._data[start : max(self._start - 1, 0)]).split('\n')
        return '\n'.join(lines[-count:])

    def around(self, count):
        """The text of so many lines above and below, with this one."""
        return '\n'.join([self.above(count), self.text] + self._below(count))


def _without_end(text):
    """A line without what a page adds at its end."""
    text = text.rstrip()
    return text[:text.rindex('<br')].rstrip() if text.endswith(('<br>', '<br/>', '<br />')) else text.rstrip('`')


def _native(data):
    text = log_text(data).replace('\r', '').replace('\0', '')
    return COLOR.sub('', text) if '\x1b' in text else text


def _journal_fields(text):
    """The journal's own fields of a record of ``journalctl -o json``; {} for any other line."""
    if text[:1] != '{' or '"MESSAGE"' not in text:
        return {}
    try:
        record = parse_json(text)
    except ValueError:
        return {}
    record = of_journal(record) if isinstance(record, dict) else None
    if record is None:
        return {}
    return dict((name, field_text(record.get(name)) or None) for name in _JOURNAL_FIELDS)


def _is_of(program, programs):
    return program is None or programs is None or program in programs


def _trusted(line, form):
    """True if the journal proves who wrote a line, False if the line shows another program, None if nothing tells."""
    if not line.journal or form.programs is None:
        shown = line.prefix is not None and line.prefix.trusted is False and line.program in (None, KERNEL)
        return False if shown and form.programs == (KERNEL,) else None
    if line.journal.get('_TRANSPORT') == 'kernel':
        return KERNEL in form.programs
    # systemd-oomd and earlyoom run as users of their own, in a unit that nobody else gets a process into.
    if line.journal.get('_SYSTEMD_UNIT') in [program + '.service' for program in form.programs]:
        return True
    proven, uid = line.journal.get('_COMM'), line.journal.get('_UID')
    if proven is None:
        return None
    if proven.split('-server')[0][:15] not in [program[:15] for program in form.programs] or uid not in (None, '0'):
        return False
    # Anybody may name a process like this: the name counts only for a process of root's.
    return True if uid else None


def _is_of_a_users_manager(line, form):
    """True for a line of ``systemd --user``, which its user may have written as well."""
    uid = line.journal.get('_UID')
    return (form.programs == SYSTEMD and line.journal.get('_COMM') == 'systemd' and bool(uid) and uid != '0'
            and line.journal.get('_SYSTEMD_UNIT') == 'user@%s.service' % uid)


def _short_name(name, form):
    """The name of a program without its folder. What the kernel and systemd name is no path: a thread is called
    ``kworker/0:1``, and a process that is gone ``n/a``.
    """
    if name is None or form.programs not in (KERNELS, SYSTEMD):
        return name and name.rsplit('/', 1)[-1]
    return None if name == 'n/a' else name


def _match(form, message):
    match = form.pattern.search(message)
    return None if match is None or (form.also and not form.also.search(message)) else match


def signal_of(line, forms):
    """The signal of a line, by the first form that it has, or None."""
    for form in forms:
        if not _is_of(line.program, form.programs):
            continue
        match = _match(form, line.message[:_LONGEST])
        if match is None and form.programs is None and not line.journal:
            match = _match(form, line.unwrapped())
        if match is None:
            continue
        signal = {
            'kind': form.kind, 'was_memory': form.was_memory, 'limit': form.limit, 'actor': form.actor,
            'program': line.program, 'errno': None, 'trusted': _trusted(line, form),
        }
        if _is_of_a_users_manager(line, form):
            signal['trusted'] = None
            if form.was_memory == 'yes':
                # It may be true, and a user's word alone has no host changed.
                signal.update(was_memory='unknown', limit='unknown', actor='unknown')
        signal.update(form.fields(match))
        for key in ('name', 'pid', 'bytes', 'container'):
            other = match.groupdict().get(key + '2')
            if other and signal[key] in (None, form.name if key == 'name' else None):
                signal[key] = other if key in ('name', 'container') else int(other[:18])
        if form.refine:
            signal = form.refine(signal, match, line)
        if signal is not None:
            signal['name'] = _short_name(signal['name'], form)
            if form.programs is None and not (signal['unit'] or signal['container']):
                # A program speaks for its own unit.
                signal['unit'] = line.journal.get('_SYSTEMD_UNIT')
            # Only the words of the form: a command line with a password may be beside them.
            signal['text'] = match.group(0).strip()[:_LONGEST_TEXT]
            return signal
    return None


class Signals:
    """Reads one log by blocks and keeps its signals, in the order of the log."""

    def __init__(self, path, words=None):
        self.path = path
        self._words = words or _WORDS
        self.kept = []
        self.count = 0
        # The number of lines that were not looked at, as there were too many together.
        self.left_out = 0
        # The bytes that skip() left out.
        self.skipped = 0
        self._reader = PrefixReader()
        # The part of what was fed that is still needed, and up to where it was looked at.
        self._before, self._known = b'', 0
        self._offset = 0
        self._line_count = 0

    def feed(self, pieces):
        """Take one more block of the log, as a list of pieces, which is empty then: they are not held beside the block.
        """
        pieces.insert(0, self._before)
        whole = joined(pieces)
        end = whole.rfind(b'\n') + 1
        if end <= self._known:
            if len(whole) - self._known < LONGEST_LINE * 2:
                self._before = whole
                return
            end = len(whole)
        self._scan(whole, end)

    def move(self, offset):
        """Note that the next block begins at this offset. The numbers of its lines are not known."""
        self.finish()
        self._before, self._known, self._offset = b'', 0, offset
        self._line_count = None if offset else 0

    def skip(self, size):
        """Note that so many bytes of the log are not read: the next block may begin within a line."""
        self.finish()
        self.skipped += size
        self.move(self._offset + size)

    def finish(self):
        """Look at the rest: the log ends here."""
        if len(self._before) > self._known:
            self._scan(self._before, len(self._before))

    def _scan(self, whole, end_of_lines):
        """Look at the lines up to an offset. Those before ``_known`` were looked at already, and serve as the lines
        around.
        """
        known = self._known
        counted, line_count = known, self._line_count
        starts = self._words.line_offsets(whole, known, end_of_lines)
        if len(starts) > 2 * _MOST_OF_A_BLOCK:
            self.left_out += len(starts) - 2 * _MOST_OF_A_BLOCK
            starts = starts[:_MOST_OF_A_BLOCK] + starts[-_MOST_OF_A_BLOCK:]
        for start in starts:
            end = whole.find(b'\n', start)
            end = len(whole) if end < 0 else end
            forms = forms_of(self._words.within(whole[start:end]))
            end = min(end, start + LONGEST_LINE)
            if line_count is not None:
                line_count += whole.count(b'\n', counted, start)
            counted = start
            number = None if line_count is None else line_count + 1
            self._take(Line(whole, start, end, self._reader), forms, number, self._offset + start - known)
        if line_count is not None:
            self._line_count = line_count + whole.count(b'\n', counted, end_of_lines)
        self._offset += end_of_lines - known
        kept = max(end_of_lines - _CONTEXT, 0)
        self._before, self._known = whole[kept:], end_of_lines - kept

    def _take(self, line, forms, number, offset):
        signal = signal_of(line, forms)
        if signal is None:
            return
        prefix = line.dated(self._reader)
        signal.update(
            host=signal['host'] or prefix.host, time=None, time_text=prefix.time_text, order=self.count, prefix=prefix,
            source={'path': self.path, 'line': number, 'offset': offset})
        self.count += 1
        self.kept.append(signal)
        if len(self.kept) > 2 * MOST:
            del self.kept[MOST // 4 : MOST // 4 + MOST]


def tell_times(signals, clock):
    """Add to the signals of one log ``time``, in ISO 8601, and ``epoch``, in seconds since 1970 by the best guess.

    ``time`` is None if nothing tells the year and the zone: a guess serves to join lines of one log and is shown to
    nobody.
    """
    for signal in signals:
        prefix = signal.pop('prefix')
        signal['epoch'], signal['time'] = clock.resolve(prefix, signal['source']['offset'])
        signal['uptime_seconds'] = prefix.uptime
    return signals


def signals_of_blocks(blocks, path, clock):
    """The signals of a log that comes by blocks of bytes, in the order of the log."""
    reading = Signals(path)
    for block in blocks:
        reading.feed([block])
    reading.finish()
    return tell_times(reading.kept, clock)
