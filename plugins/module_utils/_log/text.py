# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of the lines of a log, and what may be known of the origin of a line."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import codecs
import re

# Bytes. The kernel's longest record is shorter (8 kB with its extended header), a line of an attacker's may be longer.
LONGEST_LINE = 1 << 16

KERNEL = 'kernel'

# dmesg and journalctl print in color if they are told to.
COLOR = re.compile('\x1b\\[[0-9;:]{0,40}[mK]')
# Ends a line of a page.
_BREAK = re.compile(r'<br ?/?>$')
_ESCAPED = re.compile(r'(?:#012|\\x0a|\\n)\s*')


def _escape(error):
    """Write bytes that are not UTF-8, and halves of surrogates, as ``\\xff``: what is read must be text in any JSON."""
    wrong = error.object[error.start : error.end]
    if isinstance(error, UnicodeDecodeError):
        return u''.join(u'\\x%02x' % byte for byte in bytearray(wrong)), error.end
    return u''.join(u'\\u%04x' % ord(character) for character in wrong), error.end


codecs.register_error('oom_rescue_escape', _escape)


def log_text(data):
    """Bytes of a log as native text that is valid UTF-8."""
    # Mails and pages write no-break spaces for runs of blanks; editors begin a file with a mark of its encoding.
    text = data.decode('utf-8', 'oom_rescue_escape').replace(u'\xa0', u' ').lstrip(u'\ufeff')
    return text.encode('utf-8') if str is bytes else text


def log_lines(data):
    """(lines, the same as they stand in the log) of a part of a log. The lines are without CR, NUL, colours and
    ``<br>``; of the others only the lengths count.
    """
    if len(data) > LONGEST_LINE:
        raw = data.split(b'\n')
        return [_clean(log_text(line[:LONGEST_LINE])) for line in raw], raw
    unclean = b'\r' in data or b'\0' in data or b'\x1b' in data or data[-1:] == b'>'
    try:
        text = data.decode('ascii')
        raw = lines = (data if str is bytes else text).split('\n')
    except UnicodeDecodeError:
        raw, lines = data.split(b'\n'), log_text(data).split('\n')
    return [_clean(line) for line in lines] if unclean else lines, raw


def _clean(line):
    line = line.lstrip('\0')
    if line[-1:] == '\r':
        line = line[:-1]
    if line[-1:] == '>':
        line = _BREAK.sub('', line)
    return COLOR.sub('', line) if '\x1b' in line else line


def unescape(message):
    """A message with blanks in place of line breaks that were written out: rsyslog's ``#012``, /dev/kmsg's ``\\x0a``.
    """
    return _ESCAPED.sub(' ', message)


class Prefix:
    """The origin of one line. ``style`` names the form of ``stamp``: yearless, iso, ctime, epoch, usec,
    stated (in one of the orders of parse_stated()) or None.

    ``program`` is who wrote the line, by its own words, and KERNEL for the kernel. ``trusted`` is True if a field that
    only journald writes proves that it was the kernel, False if the line itself shows another program, and None if
    nothing tells.
    """

    __slots__ = ('style', 'stamp', 'host', 'uptime', 'caller', 'trusted', 'repeated', 'boot', 'program')

    def __init__(
        self, style=None, stamp=None, host=None, uptime=None, caller=None, trusted=None, repeated=1, program=None
    ):
        self.style = style
        self.stamp = stamp
        self.host = host
        self.uptime = uptime
        self.caller = caller
        self.trusted = trusted
        self.repeated = repeated
        self.program = program
        self.boot = None

    @property
    def time_text(self):
        """The time in the log's own words; None if the line has no date."""
        # A stamp without the day of the week begins with "- ".
        return self.stamp[2:] if self.stamp and self.stamp.startswith('- ') else self.stamp

    def says_kernel(self):
        """True if a line is the kernel's by its tag or facility and no field of it proves otherwise.

        That is no proof: in plain text whoever may write a line may write that too.
        """
        return bool(self.trusted) or (self.trusted is None and self.program == KERNEL)

    def note_facility(self, is_kern):
        """Note whether a facility before the line is kern. A relay's own facility does not outweigh the kernel's tag.

        The ring buffer gives kern to the kernel alone (devkmsg_write() in kernel/printk/printk.c), but a line of text
        may say kern as well.
        """
        if self.trusted is None and not self.says_kernel():
            if is_kern:
                self.program = KERNEL
            else:
                self.trusted = False


# The prefix of a line that is a message alone.
BARE = Prefix()
