# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands before a kernel message: when the line was written, on which host, and by whom, as the line itself says.

In plain text neither the kernel's tag nor the kernel's facility proves anything: syslog(3) lets any user write both.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import copy
import re

from .._files.host import to_native
from .._files.reader import parse_json
from .collected import NO_HOSTS, of_fluent_bit, of_table, relayed
from .json_records import dmesg_record, field_text, is_of_dmesg, journal_record, line_of, of_journal, with_collectors
from .text import BARE, KERNEL, Prefix
from .times import ISO

_PRIORITY = re.compile(r'<(\d{1,3})>')
# Kernels of phones print the CPU and the process as well.
_OF_PHONES = r'(?:\s{0,2}\[\d{1,2}:\s{0,16}[^\[\]]{1,30}:\s{0,9}\d{1,10}\]| ?\(\d{1,2}\)\[\d{1,10}:[^\[\]]{1,30}\])?'
_CALLED = r'(?:\s?\[\s*([TC]\d{1,10})\s*\])?' + _OF_PHONES + r'(?: |$)?'
_SECONDS = re.compile(
    r'\[\s*(?:\d{1,3}-)?(\d{1,12}\.\d{1,9})(?:@\d{1,3}|\s{0,4}<\s{0,9}\d{1,9}\.\d{1,9}[ *]?>)?\s*\]' + _CALLED
)
_CTIME = re.compile(r'\[([^\[\]]{2,40}\d\d:\d\d(?::\d\d)?(?: \d{4})?)\]' + _CALLED)
_DELTA = re.compile(r'\[\s*[+<]\s*\d{1,9}\.\d{1,9}>?\s*\] ?')
_DECODED = re.compile(
    r'(kern|user|daemon|syslog|auth|local\d|mail|lpr|news|cron|authpriv|ftp|uucp)\s*:\s{0,8}\w+\s*: '
)
# A row of a task table is no prefix.
_TASK = re.compile(r'\[\s{0,12}\d{1,10}\]\s+\d{1,10}\s+\d{1,10}\s')
_KMSG = re.compile(r'(\d{1,4}),(\d{1,20}),(\d{1,20}),([^;,]{0,16})((?:,[^;]{0,80})?);')
_CALLER = re.compile(r'caller=([TC]\d{1,10})')
# A number in brackets is a process, as PostgreSQL writes it.
_HOST = r'[^\s:\[\]]{1,255}|\[(?!\d{1,10}\])[^\s\[\]]{1,64}\]|[\da-fA-F]{0,4}(?::[\da-fA-F.]{0,15}){2,8}'
# Some relays keep the blank that stands before the kernel's own time.
_BLANKS = r'(?: {1,3}(?=\[ {0,8}\d{1,10}\.\d))?'
_TAG = r'(?:(%s) )?([^\s:\[\]]{1,64}(?: [^\s:\[\]]{1,64})?)(\[[^\]\s]{0,32}\])?: ?(?:: )?%s' % (_HOST, _BLANKS)
_RFC5424 = re.compile(
    r'1 (%s|-) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) (?:-|(?:\[(?:[^\]\\]|\\.)*\])+)(?: %s|\s|$)%s'
    % (ISO, to_native(b'\xef\xbb\xbf'), _BLANKS)
)
_RFC3339 = re.compile(r'(?:[A-Z][a-z]{2} )?(%s)(?: [A-Z]{2,5})?(?: std(?:out|err) [FP])?(?: %s|[ \t])' % (ISO, _TAG))
_ISO_BRACKET = re.compile(r'\[(%s)\]:? ?' % ISO)
# The first line that somebody copied may lack its beginning.
_CUT_SECONDS = re.compile(r'(\d{1,12}\.\d{6})\] ')
_RFC3164 = re.compile(
    r'(?:((?:19|20)\d\d) |[A-Z][a-z]{2} )?((?:\d{1,2}[^\s\d\[\]<>:,;=|*]{1,3}|[^\s\d\[\]<>:,;=|*]{3,9}) {1,2}\d{1,2}) '
    r'(?:(\d{4}) )?(\d\d:\d\d:\d\d(?:\.\d{1,9})?)'
    r'(?:(?: [A-Z]{2,5})? (\d{4}))? %s'
    % _TAG
)
_UNIX = re.compile(r'(\d{9,11}\.\d{6}) %s' % _TAG)
_LOGCAT = re.compile(r'(\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) +\d{1,10} +\d{1,10} [VDIWEF] .{0,40}?: ')
_KERNEL = re.compile(r'(?:(%s) )?kernel: ?' % _HOST)
# The kernel writes the name of a program that crashed as a tag would.
_WITH_PID = re.compile(
    r'(?:(%s) )?([A-Za-z_][\w./@-]{0,63})\[\d{1,10}\]: (?!segfault at |general protection f|trap invalid o)' % _HOST)
_NUMBER = re.compile(r'\d{1,20}(?:[:\t]\s{0,4}| (?=[A-Z]))')
_REPEATS = 'message repeated '
_REPEATED = re.compile(r'message repeated (\d{1,9}) times: \[ ?(.*)\]$')
_QUOTE = re.compile(r'[>\s|*]+')
# Starts a record of journalctl -o json-seq or json-sse.
_STREAMED = ('\x1e{', 'data: {')
_LISTED = re.compile(r'''(?:- )?(["'])(.*)\1,?$''')
_FACILITY = re.compile(r'(?:kern|user|daemon|syslog|auth|authpriv|local\d)\.\w+$')
_INNER_KERNEL = re.compile(r'(?:^|[\s.])kernel:\s?')
_PROGRAM = re.compile(r'\w\[\d{1,10}\]: ')
# A line of syslog in JSON in JSON behind a pager's number in a mail has four.
_MOST_WITHIN = 8
_INNER_SECONDS = re.compile(r'\[\s{0,8}\d{1,10}\.\d{6}\]')


def _is_kernel(tag):
    """True if a syslog tag is the kernel's: ``kernel``, or ``kern.warn kernel`` as busybox writes it."""
    return tag == KERNEL or tag.endswith(' kernel') or tag == 'klogd'


class PrefixReader:
    """Splits lines into prefix and message. It remembers the last prefix, as the lines of one report share it."""

    def __init__(self):
        self._text = None
        self._prefix = None
        self._depth = 0

    def split(self, line):
        """(Prefix, message) of a line; (None, message) if it has no prefix."""
        text = self._text
        if text is not None and line.startswith(text):
            rest = line[len(text) :]
            return self._with_uptime(self._prefix, rest) if rest[:1] in '[m<' else (self._prefix, rest)
        self._text = None
        first = line[:1]
        if first == '[':
            return (None, line) if _TASK.match(line) else self._bracket(line)
        if first == '<':
            return self._priority(line)
        if first == '{':
            return self._json(line)
        if first == ' ' or first == '\t':
            return self._indented(line)
        if first == '`' and line.strip('`'):
            return self._in_backticks(line)
        if first == '&' and line.startswith(('&gt;', '&lt;')):
            return self._escaped(line)
        if first not in '>|' and not (':' in line or ';' in line or '[' in line or ']' in line):
            return None, line
        if first.isdigit():
            pair = (self._dated(line) or self._kmsg(line) or self._decoded(line) or self._cut(line)
                    or self._numbered(line))
        else:
            pair = self._syslog(line) or self._decoded(line)
        return pair or self._inner(line)

    def _part(self, text):
        """(Prefix, message) of a line within a line, of which nothing is remembered; (None, text) if it has no prefix.

        Anybody may write a line with thousands of lines in each other: from _MOST_WITHIN on they are text.
        """
        if self._depth == _MOST_WITHIN:
            return None, text
        self._depth += 1
        try:
            return self.split(text)
        finally:
            self._depth -= 1
            self._text = None

    def _in_backticks(self, line):
        """The first line of code in Markdown, or one that is code as a whole."""
        prefix, message = self._part(line.strip('`'))
        return (prefix, message) if prefix is not None else (None, line)

    def _escaped(self, line):
        """A line of the source of a page, which is quoted or begins with a priority."""
        for escaped, plain in (('&lt;', '<'), ('&gt;', '>'), ('&quot;', '"'), ('&amp;', '&')):
            line = line.replace(escaped, plain)
        return self._part(line)

    def before_rows(self, prefix):
        """The text that all lines with the prefix of the last line start with, up to the kernel's own time; None if it
        differs by line.
        """
        if prefix.caller is not None:
            return None
        if self._text is not None:
            return self._text
        told = (prefix.style, prefix.host, prefix.trusted, prefix.boot, prefix.program)
        return '' if told == (None,) * 5 else None

    def _indented(self, line):
        """A line that a page or a mail indents, which has a prefix behind the blanks; or a line of a paragraph that the
        kernel itself indents, without one.
        """
        stripped = line.lstrip()
        prefix, message = self.split(stripped) if stripped else (None, line)
        if prefix is None:
            return None, line
        if self._text is not None:
            self._text = line[: len(line) - len(stripped)] + self._text
        return prefix, message

    def _remember(self, line, end, prefix):
        self._text = line[:end]
        self._prefix = prefix
        return self._with_uptime(prefix, line[end:])

    def _with_uptime(self, prefix, rest):
        """Take the kernel's own time off a message that syslog has stamped already."""
        match = _SECONDS.match(rest)
        if match:
            prefix = Prefix(prefix.style, prefix.stamp, prefix.host, float(match.group(1)), match.group(2),
                            prefix.trusted, 1, prefix.program)
            rest = rest[match.end() :]
        if rest[:1] == '<' and rest[2:3] == '>' and rest[1:2].isdigit() and prefix.program not in (None, KERNEL):
            # A logger of a router's hands on the lines of the ring buffer with their priorities: facility kern.
            prefix = Prefix(prefix.style, prefix.stamp, prefix.host, prefix.uptime, prefix.caller, program=KERNEL)
            return self._with_uptime(prefix, rest[3:])
        if rest.startswith(_REPEATS):
            match = _REPEATED.match(rest)
            # No logger repeats a repetition.
            if match and not match.group(2).startswith(_REPEATS):
                inner, rest = self._with_uptime(prefix, match.group(2))
                prefix = Prefix(inner.style, inner.stamp, inner.host, inner.uptime, inner.caller, inner.trusted,
                                int(match.group(1)), inner.program)
        return prefix, rest

    def _bracket(self, line):
        match = _SECONDS.match(line)
        if match:
            prefix = Prefix(None, None, None, float(match.group(1)), match.group(2))
            return prefix, line[self._behind_brackets(line, match.end(), prefix) :]
        match = _ISO_BRACKET.match(line)
        if match:
            prefix = Prefix('iso', match.group(1))
            return self._remember(line, self._behind_brackets(line, match.end(), prefix), prefix)
        match = _CTIME.match(line) if ':' in line[:48] else None
        if match:
            prefix = Prefix('ctime', match.group(1), None, None, match.group(2))
            end = self._behind_brackets(line, match.end(), prefix)
            return (prefix, line[end:]) if match.group(2) else self._remember(line, end, prefix)
        match = _DELTA.match(line)
        if match:
            return Prefix(), line[match.end() :]
        return self._inner(line)

    @staticmethod
    def _behind_brackets(line, end, prefix):
        """The offset of the message: ``journalctl -o short-monotonic`` writes host and tag behind the time, and the
        ring buffer has what programs wrote into /dev/kmsg.
        """
        match = _KERNEL.match(line, end)
        if match:
            prefix.host, prefix.program = match.group(1), KERNEL
            return match.end()
        match = _WITH_PID.match(line, end) if ']: ' in line else None
        if match:
            prefix.host, prefix.program, prefix.trusted = match.group(1), match.group(2), False
        return match.end() if match else end

    def _priority(self, line):
        match = _PRIORITY.match(line)
        if not match:
            return self._inner(line)
        rest = line[match.end() :]
        pair = self._rfc5424(rest)
        if pair:
            self._text = None
            return pair
        kernel = int(match.group(1)) >> 3 == 0
        prefix, message = self._part(rest) if rest[:1] in '[' or rest[:1].isalnum() else (None, rest)
        prefix = prefix or Prefix()
        prefix.note_facility(kernel)
        return prefix, message

    def _decoded(self, line):
        """dmesg -x: ``kern  :warn  : [secs] message``, and Talos Linux, which may put the node before it."""
        match = _DECODED.match(line)
        if not match and ': kern:' in line[:300]:
            match = _DECODED.match(line, line.index(': kern:') + 2)
        if not match:
            return None
        rest = line[match.end() :]
        prefix, message = (rest[:1].isdigit() and self._dated(rest)) or self._bracket(rest)
        self._text = None
        prefix = prefix or Prefix()
        prefix.note_facility(match.group(1) == 'kern')
        return prefix, message

    def _rfc5424(self, text):
        match = _RFC5424.match(text) if text[:2] == '1 ' else None
        if not match:
            return None
        stamp, host, tag, pid = match.groups()[:4]
        prefix = self._by_tag('iso' if stamp != '-' else None, stamp, None if host == '-' else host, tag, pid != '-')
        return self._remember(text, match.end(), prefix)

    def _dated(self, line):
        """A line that begins with a year or with seconds since 1970."""
        match = _RFC3339.match(line)
        if match:
            stamp, host, tag, pid = match.groups()
            rest = line[match.end(1) :].lstrip()
            told = relayed(rest) if tag is None or tag[-1:].isdigit() or rest[:1] == '{' else None
            if told:
                return self._behind('iso', stamp, *told)
            # dmesg --time-format iso prints neither host nor tag, and the message may contain a colon of its own.
            of_logger = host and host.lower() not in NO_HOSTS and (',' not in stamp or '.' in stamp)
            if tag is None or not (_is_kernel(tag) or of_logger):
                begin = match.end() if tag is None else match.start(2 if host else 3)
                return self._with_uptime(Prefix('iso', stamp), line[begin:])
            return self._remember(line, match.end(), self._tagged('iso', stamp, host, tag, pid))
        match = _UNIX.match(line)
        if match:
            stamp, host, tag, pid = match.groups()
            return self._remember(line, match.end(), self._tagged('epoch', stamp, host, tag, pid))
        match = _LOGCAT.match(line)
        if match:
            return Prefix('yearless', match.group(1)), line[match.end() :]
        return self._rfc5424(line) or self._syslog(line)

    def _behind(self, style, stamp, host, rest):
        """(Prefix, message) of a line that stands behind the time and the host that its collector noted."""
        inner, message = self._part(rest)
        prefix = copy.copy(inner or BARE)
        if stamp is not None and prefix.style in (None, 'yearless'):
            prefix.style, prefix.stamp = style, stamp
        prefix.host = prefix.host or host
        return prefix, message

    def _numbered(self, line):
        """A line behind its number, as an editor, a pager or grep shows it; None if it has no prefix behind that."""
        match = _NUMBER.match(line)
        pair = self._part(line[match.end() :]) if match else (None, line)
        return pair if pair[0] is not None and pair[0].stamp else None

    def _kmsg(self, line):
        match = _KMSG.match(line)
        if not match:
            return None
        priority, dummy, usec, dummy, extra = match.groups()
        caller = _CALLER.search(extra)
        prefix = Prefix(None, None, None, int(usec) / 1e6, caller and caller.group(1))
        prefix.note_facility(int(priority) >> 3 == 0)
        return prefix, line[match.end() :]

    @staticmethod
    def _cut(line):
        match = _CUT_SECONDS.match(line)
        return (Prefix(None, None, None, float(match.group(1))), line[match.end() :]) if match else None

    def _syslog(self, line):
        match = _RFC3164.match(line)
        if match:
            year, day, other_year, clock, last_year, host, tag, pid = match.groups()
            year = year or other_year or last_year
            stamp = '%s %s' % (day, clock)
            if year:
                prefix = self._tagged('ctime', '- %s %s' % (stamp, year), host, tag, pid)
            else:
                prefix = self._tagged('yearless', stamp, host, tag, pid)
            return self._remember(line, match.end(), prefix)
        match = _RFC3339.match(line)
        if match and match.group(3):
            return self._remember(line, match.end(), self._tagged('iso', *match.groups()))
        return None

    def _tagged(self, style, stamp, host, tag, pid):
        if ' ' in tag and host is None and not _is_kernel(tag):
            host, tag = tag.split(' ', 1)
        if host and _FACILITY.match(host):
            host = None
        return self._by_tag(style, stamp, host, tag, bool(pid))

    @staticmethod
    def _by_tag(style, stamp, host, tag, has_pid):
        """The prefix of a syslog line. The kernel has no process ID, but its tag alone proves nothing."""
        if _is_kernel(tag) and not has_pid:
            return Prefix(style, stamp, host, program=KERNEL)
        return Prefix(style, stamp, host, None, None, False, 1, tag)

    def _inner(self, line):
        """A line with a prefix of no known form: grep's file name, a mail's quote mark, or console text before the
        kernel's own time.
        """
        if line.startswith(_STREAMED):
            return self._json(line[line.index('{') :])
        told = of_fluent_bit(line) if '"=>"' in line else None
        if not told and ',' in line[15:48] and (line[0] == '"' or line[0].isdigit()):
            told = of_table(line)
        if told:
            return self._behind(*told)
        match = _LISTED.match(line) if line[:1] in '"\'-' else None
        pair = match and self._listed(*match.groups())
        if pair:
            return pair
        match = _QUOTE.match(line)
        if match and '>' in match.group():
            return self.split(line[match.end() :])
        if match and line[0] in '*|':
            # Bold, of a list or of a table, in Markdown.
            rest = line[match.end() :]
            pair = self._part(rest[:-1] if line[0] == rest[-1:] == '|' else rest)
            return pair if pair[0] is not None else (None, line)
        head = line[:320]
        match = _INNER_KERNEL.search(head) if 'kernel:' in head else None
        if match:
            before = line[: match.start()]
            position = before.find(':')
            while position >= 0:
                rest = line[position + 1 :]
                pair = self._dated(rest) if rest[:1].isdigit() else self._syslog(rest)
                self._text = None
                if pair:
                    return pair
                position = before.find(':', position + 1)
            quoted = _PROGRAM.search(before)
            prefix = Prefix(trusted=False) if quoted else Prefix(program=KERNEL)
            return self._with_uptime(prefix, line[match.end() :])
        match = _INNER_SECONDS.search(head)
        if match:
            # A cell of a table in Markdown or CSV.
            ending = line[match.start() - 1 : match.start()].strip() or line[0]
            if ending in '|"' and line[-1] == ending:
                line = line[:-1]
            return self._bracket(line[match.start() :])
        return None, line

    def _json(self, line):
        """One record of ``journalctl -o json``, or of another log that is JSON."""
        try:
            record = parse_json(line)
        except ValueError:
            return self._inner(line)
        if not isinstance(record, dict):
            return None, line
        journal = of_journal(record)
        if journal is not None:
            prefix, message = journal_record(journal)
            return (prefix if prefix.style else with_collectors(prefix, record)), message
        if is_of_dmesg(record):
            return dmesg_record(record)
        record, inner = line_of(record)
        if not inner:
            return None, line
        prefix, message = self._part(inner)
        return with_collectors(prefix or BARE, record), message

    def _listed(self, quote, text):
        """A line in a list of JSON or YAML, as Ansible prints ``stdout_lines``; None if it has no prefix."""
        if text[:1] not in '[<' and not text[:1].isalnum():
            return None
        if quote == '"':
            try:
                text = field_text(parse_json('"%s"' % text))
            except ValueError:
                return None
        else:
            text = text.replace("''", "'")
        pair = self._part(text)
        return pair if pair[0] is not None else None
