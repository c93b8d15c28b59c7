# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal's export format (``journalctl -o export``) as the JSON lines that ``journalctl -o json`` prints."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import struct

from ._oom_prefix import LONGEST_LINE

FIRST = b'__CURSOR='
_FIELDS = frozenset(
    (
        b'MESSAGE',
        b'_HOSTNAME',
        b'_BOOT_ID',
        b'_TRANSPORT',
        b'SYSLOG_FACILITY',
        b'SYSLOG_IDENTIFIER',
        b'_SOURCE_MONOTONIC_TIMESTAMP',
        b'__REALTIME_TIMESTAMP',
    )
)


def json_blocks(blocks):
    """JSON lines, a block of them for each block of the export."""
    buffer, record = b'', {}
    for block in blocks:
        buffer += block
        lines, position = [], 0
        while True:
            end = buffer.find(b'\n', position)
            if end < 0:
                break
            name, mark, value = buffer[position:end].partition(b'=')
            if mark:
                position = end + 1
            elif not name:
                position = end + 1
                if record:
                    lines.append(_line(record))
                    record = {}
                continue
            else:
                # A value with line breaks: its length in 8 bytes, then the value.
                if len(buffer) < end + 9:
                    break
                length = struct.unpack('<Q', buffer[end + 1 : end + 9])[0]
                if length > 1 << 26:
                    position = end + 1
                    continue
                if len(buffer) < end + 10 + length:
                    break
                value = buffer[end + 9 : end + 9 + length]
                position = end + 10 + length
            if name in _FIELDS:
                record.setdefault(name, value[:LONGEST_LINE])
        buffer = buffer[position:]
        if len(buffer) > 1 << 27:
            buffer = b''
        if lines:
            yield b''.join(lines)
    if record:
        yield _line(record)


def _line(record):
    return (
        json.dumps(
            dict((name.decode('ascii'), value.decode('utf-8', 'replace')) for name, value in record.items()),
            ensure_ascii=False,
            separators=(',', ':'),
            sort_keys=True,
        ).encode('utf-8')
        + b'\n'
    )
