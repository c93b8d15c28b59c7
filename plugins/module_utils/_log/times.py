# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times as logs write them: with or without a zone, in any language, and without the year."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re
import time
from collections import namedtuple

from .._files.host import to_bytes

# %b in the locales of glibc; a month that is a number (Chinese, Japanese, Korean) needs no name.
_MONTH_NAMES = (
    u'jan janv gen ene led sty tammi oca \u044f\u043d\u0432 \u0441\u0456\u0447 ian sau jaan',
    u'feb febr f\xe9vr fev \xfano lut helmi \u015fub \u0444\u0435\u0432 \u043b\u044e\u0442 vas veebr',
    u'mar mars mrt m\xe4r m\xe4rz mrz b\u0159e maalis m\xe1rc \u043c\u0430\u0440 \u0431\u0435\u0440 kov m\xe4rts',
    u'apr avr avril abr dub kwi huhti nis \xe1pr \u0430\u043f\u0440 \u043a\u0432\u0456 bal',
    u'may mai mag maj mei kv\u011b touko m\xe1j \u043c\u0430\u0439 \u043c\u0430\u044f \u0442\u0440\u0430 maijs geg',
    u'jun juin giu \u010den cze kes\xe4 haz j\xfan \u0438\u044e\u043d \u0447\u0435\u0440 bir juuni iun',
    u'jul juil lug \u010dec lip hein\xe4 tem j\xfal \u0438\u044e\u043b \u043b\u0438\u043f lie juuli iul',
    u'aug ao\xfb ao\xfbt ago srp sie elo a\u011fu \u0430\u0432\u0433 \u0441\u0435\u0440 rgp',
    u'sep sept set z\xe1\u0159 wrz syys eyl szept \u0441\u0435\u043d \u0432\u0435\u0440 rgs',
    u'oct okt ott out \u0159\xedj pa\u017a loka eki \u043e\u043a\u0442 \u0436\u043e\u0432 spa',
    u'nov lis marras kas \u043d\u043e\u044f \u043b\u0438\u0441 lap noi',
    u'dec d\xe9c dez dic des pro gru joulu ara \u0434\u0435\u043a \u0433\u0440\u0443 gru dets',
)
_MONTHS = dict((name, number) for number, names in enumerate(_MONTH_NAMES, 1) for name in names.split())

_CLOCK = re.compile(r'^(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?$')
# A time that parse_iso() reads, within a line.
ISO = r'\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z| UTC\b| ?[+-]\d\d:?\d\d)?'
_ISO = re.compile(
    r'^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,9}))?\d*\s*(Z|UTC|[+-]\d{2}:?\d{2})?$')
# Programs write the same time in other orders; a year of two digits is of this century.
_STATED = tuple(re.compile(words) for words in (
    r'(?P<year>\d{4})[/.](?P<month>\d\d)[/.](?P<day>\d\d) (?P<clock>[\d:.,]+)$',
    r'(?P<year>\d\d)(?P<month>\d\d)(?P<day>\d\d) (?P<clock>[ \d:]+)$',
    r'(?P<day>\d\d)[- ](?P<month>[A-Z][a-z]{2})[- ](?P<year>\d{4}) (?P<clock>[\d:.,]+)$',
    r'(?P<month>[A-Z][a-z]{2}) (?P<day>\d\d) (?P<clock>[\d:.,]+) (?P<year>\d{4})$',
    # Erlang's error_logger
    r'(?P<day>\d\d?)-(?P<month>[A-Z][a-z]{2})-(?P<year>\d{4})::(?P<clock>[\d:.,]+)$',
    # Kibana
    r'(?P<month>[A-Z][a-z]{2}) (?P<day>\d\d?), (?P<year>\d{4}) @ (?P<clock>[\d:.,]+)$',
))
_MONTH_DIGITS = re.compile(u'^(\\d{1,2})\\D?$')
_DAY = 86400.0
# The first second of the year 5138: a larger number counts parts of seconds.
_MOST_SECONDS = 1e11
_LEAP_DAYS_BEFORE_1970 = 477
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

# A date and time of day without the year, as RFC 3164 writes it; ``seconds`` since midnight.
Yearless = namedtuple('Yearless', 'month day seconds')


def month_number(name):
    """The number, 1 to 12, of a month by its abbreviation in any of the known languages, or None."""
    month = _MONTHS.get(name.lower())
    if month is not None:
        return month
    text = to_bytes(name).decode('utf-8', 'replace').lower().strip(u'. ')
    digits = _MONTH_DIGITS.match(text)
    if digits:
        number = int(digits.group(1))
        return number if 1 <= number <= 12 else None
    return _MONTHS.get(text)


def _seconds(clock):
    match = _CLOCK.match(clock)
    if not match:
        return None
    hours, minutes, seconds, fraction = match.groups()
    value = int(hours) * 3600 + int(minutes) * 60 + int(seconds or 0)
    return value + float('0.' + fraction) if fraction else value


def parse_yearless(text):
    """The Yearless of ``Oct 28 11:32:28``, ``28 Oct 11:32:28``, ``10-28 11:32:28`` or ``1028 11:32:28``, or None."""
    fields = text.split()
    if len(fields) == 2 and fields[0][2:3] == '-':
        fields[:1] = fields[0].split('-')
    if len(fields) == 2 and len(fields[0]) == 4:
        fields[:1] = [fields[0][:2], fields[0][2:]]
    if len(fields) != 3:
        return None
    month, day, clock = fields
    if month.isdigit() and not day.isdigit():
        month, day = day, month
    if not day.isdigit() or len(day) > 2:
        return None
    month, seconds = month_number(month), _seconds(clock)
    return None if month is None or seconds is None else Yearless(month, int(day), seconds)


def _is_leap(year):
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _is_day(year, month, day):
    return 1 <= month <= 12 and 1 <= day <= _DAYS[month - 1] - (month == 2 and not _is_leap(year))


def utc_seconds(year, month, day, hour=0, minute=0, second=0):
    """Whole seconds since 1970 of a time in UTC. Python's own module for this takes more memory than all of this one.
    """
    before = year - 1
    days = 365 * (year - 1970) + before // 4 - before // 100 + before // 400 - _LEAP_DAYS_BEFORE_1970
    days += sum(_DAYS[:month - 1]) - (month > 2 and not _is_leap(year)) + day - 1
    return ((days * 24 + hour) * 60 + minute) * 60 + second


def _epoch(year, month, day, seconds):
    """Seconds since 1970 of a local time of day, or None if there is no such day."""
    if not 1970 <= year <= 2500 or not _is_day(year, month, day):
        return None
    whole = int(seconds)
    try:
        return time.mktime((year, month, day, whole // 3600, whole // 60 % 60, whole % 60, 0, 0, -1)) + seconds - whole
    except (OverflowError, ValueError):
        return None


def with_year(yearless, year):
    """The time of a Yearless in a year, in seconds since 1970, by the local zone; None for a 29 February in a year
    without one.
    """
    return _epoch(year, *yearless)


def latest_before(yearless, limit):
    """The latest time, in seconds since 1970, that a Yearless may mean and that is not later than ``limit``, give or
    take a day; or None.
    """
    limit += _DAY
    year = time.localtime(limit).tm_year
    for candidate in range(year, year - 9, -1):
        value = with_year(yearless, candidate)
        if value is not None and value <= limit:
            return value
    return None


def parse_iso(text):
    """(seconds since 1970, offset in seconds or None) of an ISO 8601 time, or None. Without a zone it is local time."""
    match = _ISO.match(text)
    if not match:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction = float('0.' + match.group(7)) if match.group(7) else 0
    zone = match.group(8)
    seconds = hour * 3600 + minute * 60 + second
    if zone is None:
        value = _epoch(year, month, day, seconds)
        return None if value is None else (value + fraction, None)
    if not _is_day(year, month, day):
        return None
    offset = 0
    if zone not in ('Z', 'UTC'):
        offset = (int(zone[1:3]) * 3600 + int(zone[-2:]) * 60) * (-1 if zone[0] == '-' else 1)
    return utc_seconds(year, month, day) + seconds - offset + fraction, offset


def parse_epoch(text):
    """The seconds since 1970 of a number of seconds, or of milliseconds, microseconds or nanoseconds."""
    value = float(text)
    while value >= _MOST_SECONDS:
        value /= 1000
    return value


def parse_stated(text):
    """The seconds since 1970 of a time as stamps.py finds it, which has no zone and is local time; or None."""
    for pattern in _STATED:
        match = pattern.match(text)
        if match:
            told = match.groupdict()
            month, seconds = month_number(told['month']), _seconds(told['clock'].strip())
            year = int(told['year']) + (2000 if len(told['year']) == 2 else 0)
            return None if month is None or seconds is None else _epoch(year, month, int(told['day']), seconds)
    return None


def parse_moment(text):
    """The seconds since 1970 of a day or a time that a person gives in ISO 8601; None if it is neither."""
    text = text.strip()
    if re.match(r'\d{4}-\d\d-\d\d$', text):
        text += 'T00:00:00'
    elif re.match(r'\d{4}-\d\d-\d\d[T ]\d\d:\d\d$', text):
        text += ':00'
    moment = parse_iso(text)
    return moment and moment[0]


def parse_ctime(text):
    """The seconds since 1970 of a time as ``dmesg -T`` prints it, ``Di Aug 12 03:54:03 2025``, in the locale that it
    ran in; or None.
    """
    fields = text.split()
    clock = next((index for index, field in enumerate(fields) if _CLOCK.match(field)), None)
    if clock is None or clock < 2 or clock + 1 >= len(fields):
        return None
    year, day, month = fields[clock + 1], fields[clock - 1].rstrip('.'), month_number(fields[clock - 2])
    if month is None and month_number(fields[clock - 1]) and fields[clock - 2].rstrip('.').isdigit():
        day, month = fields[clock - 2].rstrip('.'), month_number(fields[clock - 1])
    if month is None or not (year.isdigit() and len(year) == 4 and day.isdigit() and len(day) <= 2):
        return None
    return _epoch(int(year), month, int(day), _seconds(fields[clock]))


def format_time(epoch, offset=None):
    """A time in ISO 8601 with its offset, in whole seconds. Without ``offset`` it is local time."""
    if epoch is None:
        return None
    try:
        if offset is None:
            parts = time.localtime(epoch)
            offset = utc_seconds(*parts[:6]) - int(epoch // 1)
        else:
            parts = time.gmtime(epoch + offset)
    except (OverflowError, ValueError, OSError):
        return None
    minutes = abs(offset) // 60
    return '%04d-%02d-%02dT%02d:%02d:%02d%s%02d:%02d' % (
        tuple(parts[:6]) + ('-' if offset < 0 else '+', minutes // 60, minutes % 60)
    )
