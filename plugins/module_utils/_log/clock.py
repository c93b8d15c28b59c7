# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the lines of one log were written.

RFC 3164 leaves out the year and the zone. In a log of this host they follow from the time when the log ended and from
the zone of the host. In another log they are not known: a guess serves to compare its lines with each other, and is not
shown to anybody.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .hosts import is_named
from .text import log_text
from .times import (
    Yearless,
    format_time,
    latest_before,
    parse_ctime,
    parse_epoch,
    parse_iso,
    parse_stated,
    parse_yearless,
    with_year,
)

_STAMP = re.compile(r'(?:<\d{1,3}>)?([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) ')
# Clocks are set back now and then; only a step back by half a year means a new year.
_HALF_A_YEAR = 6
_MOST_SAMPLES = 64


class Clock:
    """Tells the times of the lines of one log.

    ``last_moment`` is a time, in seconds since 1970, after which no line was written. ``own`` is true if the log is
    this host's. ``here`` is the host's name: lines with it are its own in any log.
    """

    def __init__(self, last_moment, boot_time=None, own=False, here=None):
        self._own, self._here = own, here
        self._last_moment = last_moment
        self._boot_time = boot_time
        self._last = None
        self._day = None
        self._new_years = []
        self._stamp = self._parsed = None

    def probe(self, offset, data):
        """Note the date of a line at ``offset``; ``data`` is its beginning."""
        if data[:6] == self._day:
            return
        self._day = data[:6]
        match = _STAMP.match(log_text(data))
        if match:
            self.see(offset, self._parse(match.group(1)))

    def _parse(self, stamp):
        if stamp != self._stamp:
            self._stamp, self._parsed = stamp, parse_yearless(stamp)
        return self._parsed

    def see(self, offset, yearless):
        """Note that the line at this offset has this date (Yearless or None)."""
        if yearless is None:
            return
        if (
            self._last is not None
            and self._last.month - yearless.month >= _HALF_A_YEAR
            and len(self._new_years) < _MOST_SAMPLES
        ):
            self._new_years.append(offset)
        self._last = yearless

    def resolve(self, prefix, offset):
        """(seconds since 1970, ISO 8601 text) of a line's prefix.

        The seconds are a guess, and the text is None, if a line of another host lacks the year or the zone. Both are
        None if the line has no time.
        """
        style, stamp = prefix.style, prefix.stamp
        epoch, zone = None, None
        if style == 'yearless':
            epoch = self._yearless(self._parse(stamp), offset)
        elif style == 'iso':
            epoch, zone = parse_iso(stamp) or (None, None)
        elif style == 'ctime':
            epoch = parse_ctime(stamp)
            if epoch is None:
                epoch = self._yearless(parse_yearless(' '.join(stamp.split()[-3:])), offset)
        elif style == 'stated':
            epoch = parse_stated(stamp)
        elif style == 'epoch':
            epoch = parse_epoch(stamp)
        elif style == 'usec':
            epoch = int(stamp) / 1e6
        elif self._boot_time is not None and prefix.uptime is not None:
            epoch = self._boot_time + prefix.uptime
        told = zone is not None or style in ('epoch', 'usec') or not style or self._is_own(prefix.host)
        return epoch, format_time(epoch, zone) if told else None

    def _is_own(self, host):
        return self._own or is_named(host, self._here)

    def _yearless(self, yearless, offset):
        if yearless is None:
            return None
        later = sum(1 for place in self._new_years if place > offset)
        if not later or self._last is None:
            return latest_before(yearless, self._last_moment)
        last = latest_before(self._last, self._last_moment)
        if last is None:
            return None
        first_of_year = with_year(Yearless(1, 1, 0), _year_of(last) - later + 1)
        return latest_before(yearless, (first_of_year or last) - 86400 * 2)


def _year_of(epoch):
    return int(format_time(epoch)[:4])
