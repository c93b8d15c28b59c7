# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of logs in JSON: the journal's, those of ``dmesg --json``, and those that a collector made of lines."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import copy
import re

from .text import KERNEL, Prefix, log_text

# Seconds since 1970: up to the year 2286.
_SECONDS = re.compile(r'\d{9,10}(?:\.\d{1,9})?$')
_LATEST = 1e12
# The names by which containers' and collectors' logs call the line, its time and its host.
LINES = ('message', 'log', 'msg', 'short_message', 'textPayload', '_raw')
TIMES = ('@timestamp', 'timestamp', 'time')
HOSTS = ('hostname', 'host')


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
        usec,
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


def with_collectors(prefix, record):
    """The prefix of a line, with the time and the host that its collector noted if the line itself tells none."""
    known = copy.copy(prefix)
    if known.style is None:
        known.stamp = _first(record, TIMES)
        known.style = 'iso' if known.stamp[4:5] == '-' else 'epoch' if _SECONDS.match(known.stamp) else None
    known.host = known.host or _first(record, HOSTS) or None
    return known


def _first(record, names):
    return next((text for text in (field_text(record.get(name)) for name in names) if text), '')
