# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes as people write them, in bytes."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .errors import RescueError

_UNITS = {'': 1, 'K': 1 << 10, 'M': 1 << 20, 'G': 1 << 30, 'T': 1 << 40}
_PERCENT = re.compile(r'^\s*(\d{1,3}(?:\.\d{1,2})?)\s*%\s*$')
_SIZE = re.compile(r'^\s*(\d{1,20}(?:\.\d{1,6})?)\s*([KMGT]?)(?:i?B)?\s*$', re.IGNORECASE)


class SizeError(RescueError):
    """A text is not a size."""


def parse_size(value):
    """The bytes of ``2147483648``, ``2G``, ``512M`` or ``1.5GiB``; units are powers of 1024.

    Raises SizeError with the text found and the forms allowed.
    """
    match = _SIZE.match(str(value))
    if not match:
        share = _PERCENT.match(str(value))
        meant = ', or %gxram for %s of the RAM' % (float(share.group(1)) / 100, str(value).strip()) if share else ''
        raise SizeError('%r is not a size' % (value,), value=value, allowed='bytes, or a number with K, M, G or T',
                        next_step='give bytes or a number with K, M, G or T, such as 2147483648, 512M or 2G' + meant)
    number, unit = match.groups()
    factor = _UNITS[unit.upper()]
    return int(float(number) * factor) if '.' in number else int(number) * factor


def taken_as(text):
    """A sentence on how a size is taken that people mean in two ways; None if it has one meaning."""
    match = _SIZE.match('%s' % text)
    unit = match and match.group(2)
    if not unit or '.' not in match.group(1) and text.strip().upper()[-2:] != unit.upper() + 'B':
        return None
    size = parse_size(text)
    return '%s is taken as %s, %d bytes: units are powers of 1024' % (text, format_size(size), size)


def format_size(size_bytes):
    """``2 GiB``, ``1.5 GiB``, ``299 MiB``: the largest unit of at least 1, GiB and TiB to the nearest tenth."""
    if size_bytes is None:
        return 'unknown'
    sign = '-' if size_bytes < 0 else ''
    value = abs(size_bytes)
    for unit, factor in (('TiB', 1 << 40), ('GiB', 1 << 30)):
        if value >= factor:
            whole, tenths = divmod((value * 20 + factor) // (2 * factor), 10)
            return '%s%d%s %s' % (sign, whole, '.%d' % tenths if tenths else '', unit)
    for unit, factor in (('MiB', 1 << 20), ('KiB', 1 << 10)):
        if value >= factor:
            return '%s%d %s' % (sign, value // factor, unit)
    return '%s%d bytes' % (sign, value)
