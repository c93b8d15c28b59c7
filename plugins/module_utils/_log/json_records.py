# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of logs in JSON: the journal's, those of ``dmesg --json``, and those that a collector made of lines."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import copy
import re

from .text import KERNEL, Prefix, log_text
from .times import latest_before, parse_epoch, parse_iso, parse_yearless

# Since 1970, up to the year 2286: seconds, or milliseconds, microseconds and nanoseconds in whole numbers.
_SECONDS = re.compile(r'(?:\d{9,10}(?:\.\d{1,9})?|\d{13}|\d{16}|\d{19})$')
_LATEST = 1e12
# The names by which containers' and collectors' logs call the line, its time and its host.
LINES = ('message', 'log', 'msg', 'short_message', 'textPayload', '_raw', 'SyslogMessage', 'line', 'body',
         'stringValue', 'event')
TIMES = ('@timestamp', 'timestamp', 'time', '_time', 'date', 'TimeGenerated', 'timeUnixNano', 'lastTimestamp',
         'firstTimestamp', 't', '$date')
HOSTS = ('hostname', 'host', 'host.name', '_HOSTNAME', 'Computer', 'node_name', 'nodename')
# The records within a record that tell the host.
_OF_HOST = ('host', 'labels', 'stream', 'source', 'resource', 'kubernetes')
_LEVELS = 4
# Zones differ by quarters of an hour; a collector that is quick notes a line within this many seconds.
_ZONES_STEP, _QUICK = 900, 60


def field_text(value):
    """A journal field as text. journalctl writes bytes that are not printable UTF-8 as a list of numbers."""
    if isinstance(value, list):
        if value and isinstance(value[0], list):
            value = value[0]
        try:
            return log_text(bytes(bytearray(value)))
        except (TypeError, ValueError):
            return ''
    if value is None or isinstance(value, (dict, bool)):
        return ''
    return log_text((u'%s' % value).encode('utf-8', 'oom_rescue_escape'))


def journal_record(record):
    """(Prefix, message) of the fields of a journal entry.

    Fields that begin with an underscore are journald's own (systemd.journal-fields(7)); SYSLOG_IDENTIFIER is what the
    program calls itself.
    """
    message = field_text(record.get('MESSAGE'))
    usec = field_text(record.get('__REALTIME_TIMESTAMP'))
    monotonic = field_text(record.get('_SOURCE_MONOTONIC_TIMESTAMP'))
    transport = field_text(record.get('_TRANSPORT'))
    facility = field_text(record.get('SYSLOG_FACILITY')) or '0'
    trusted = None
    if transport:
        trusted = transport == 'kernel' and facility == '0'
    elif field_text(record.get('SYSLOG_IDENTIFIER')) not in ('', KERNEL):
        trusted = False
    host = field_text(record.get('_HOSTNAME')) or None
    prefix = Prefix(
        'usec' if usec.isdigit() and len(usec) < 20 else None,
        usec or None,
        host,
        int(monotonic) / 1e6 if monotonic.isdigit() and len(monotonic) < 20 else None,
        None,
        trusted,
    )
    prefix.boot = field_text(record.get('_BOOT_ID')) or None
    prefix.program = field_text(record.get('SYSLOG_IDENTIFIER')) or field_text(record.get('_COMM')) or None
    return prefix, ' '.join(message.split('\n'))


def is_of_dmesg(record):
    """True if ``dmesg --json`` printed this record: {pri, time, msg}, and caller if the kernel tells it."""
    time = record.get('time')
    return 'msg' in record and isinstance(record.get('pri'), int) and isinstance(time, float) and 0 <= time < _LATEST


def dmesg_record(record):
    """(Prefix, message) of a record of ``dmesg --json``. Its time is in seconds since boot."""
    caller = field_text(record.get('caller')).strip() or None
    prefix = Prefix(None, None, None, record['time'], caller)
    prefix.note_facility(record['pri'] >> 3 == 0)
    return prefix, ' '.join(field_text(record['msg']).split('\n'))


def line_of(record):
    """(record, line) of what a collector made of a line, perhaps within another record. The line is '' if there is
    none.
    """
    for within in [record] + [value for value in record.values() if isinstance(value, dict)]:
        line = _first(within, LINES)
        if line:
            known = dict(record)
            known.update(within)
            return known, line.rstrip('\n')
    return record, ''


def of_journal(record):
    """The record with the fields of the journal: this one, or one within it, as Google's logging writes it; or None."""
    if 'MESSAGE' in record:
        return record
    return next((value for value in record.values() if isinstance(value, dict) and 'MESSAGE' in value), None)


def with_collectors(prefix, record):
    """The prefix of a line, with the time and the host that its collector noted if the line itself tells none, or no
    year.
    """
    known = copy.copy(prefix)
    if known.style in (None, 'yearless'):
        stamp = _first(record, TIMES) or _first(record.get('t'), TIMES)
        style = 'iso' if stamp[4:5] == '-' else 'epoch' if _SECONDS.match(stamp) else None
        if known.style is None or (style and _is_same_moment(known.stamp, style, stamp)):
            known.style, known.stamp = style, stamp or known.stamp
    known.host = known.host or _host_of(record) or None
    return known


def _is_same_moment(yearless, style, stamp):
    """True if a time without year and zone may be that of a collector, which has both."""
    moment = parse_epoch(stamp) if style == 'epoch' else (parse_iso(stamp) or (None,))[0]
    yearless = parse_yearless(yearless)
    if moment is None or yearless is None:
        return False
    near = latest_before(yearless, moment)
    return near is not None and moment - near <= 86400 and (moment - near + _QUICK) % _ZONES_STEP <= 2 * _QUICK


def _host_of(record, levels=_LEVELS):
    """The host that a record tells, or one within it, so many levels down."""
    found = _first(record, HOSTS)
    for name in _OF_HOST if levels else ():
        within = record.get(name)
        if not found and isinstance(within, dict):
            found = (name == 'host' and _first(within, ('name',))) or _host_of(within, levels - 1)
    return found


def _first(record, names):
    if not isinstance(record, dict):
        return ''
    return next((text for text in (field_text(record.get(name)) for name in names) if text), '')
