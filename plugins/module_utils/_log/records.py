# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads logs that are not lines of text, and makes such lines of them.

Records of several lines become JSON lines as ``journalctl -o json`` prints them: those of ``journalctl -o export``,
``verbose`` and ``json-pretty`` (systemd's src/shared/logs-show.c), of ``dmesg --json`` (sys-utils/dmesg.c of
util-linux), and records that a collector or ``jq`` printed in the same way. A whole log may be one string of JSON, as
``aws ec2 get-console-output`` prints it, or UTF-16, as Windows writes it. Lines of other text between records stay as
they are.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import codecs
import itertools
import json
import re
import struct

from .._files.reader import parse_json
from .json_records import HOSTS, LINES, TIMES
from .sources import in_blocks
from .text import LONGEST_LINE

_EXPORT = b'__CURSOR='
_PRETTY = re.compile(br'(?:\[\s{0,16})?\{[ \t\r]*\n')
_VERBOSE_ENTRY = re.compile(
    br'\S.{1,60} \[s=[\da-f]{1,32};i=[\da-f]{1,16};b=([\da-f]{32});m=[\da-f]{1,16};t=([\da-f]{1,16});'
)
_VERBOSE_FIELD = re.compile(br' {4}([A-Z_][A-Z\d_]{0,63})=(.*)')
_VERBOSE_REST = b' ' * 12
_PAIR = re.compile(br'"([\w@]{1,64})"\s*:\s*(.*?),?$')
_STRUCTURE = (b'"', b'{', b'}', b'[', b']', b'')
_CONSOLE = re.compile(br'\{\s*"(?:InstanceId|Output|Timestamp)"\s*:')
# journald takes fields of up to 768 MiB, such as core dumps; a message is shorter than what is kept of it.
_LARGEST_FIELD = 768 << 20
_LARGEST_KEPT = 1 << 22
# Deeper records within records are not told apart.
_DEEPEST = 64
# EC2 keeps 64 kB of the console.
_LARGEST_CONSOLE = 1 << 20
# The beginning of a log that shows whether it is one of these. Its first line may say from when on the journal is kept.
HEAD = 512
_ABOUT = re.compile(br'-- .{1,200}\n')
_FIELDS = frozenset(
    name.encode('ascii')
    for name in (
        'MESSAGE',
        '_HOSTNAME',
        '_BOOT_ID',
        '_TRANSPORT',
        'SYSLOG_FACILITY',
        'SYSLOG_IDENTIFIER',
        '_SOURCE_MONOTONIC_TIMESTAMP',
        '__REALTIME_TIMESTAMP',
        'pri',
        'caller',
    )
    + LINES
    + TIMES
    + HOSTS
)


def converter(head):
    """The function that makes lines, or blocks of lines, of the blocks of a log that begins with ``head``; None if it
    consists of lines already.
    """
    if head[:1] in (b'{', b'['):
        return _console if _CONSOLE.match(head) else _pretty if _PRETTY.match(head) else None
    if head.startswith(_EXPORT):
        return _export
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _utf16
    if b' [s=' in head:
        about = _ABOUT.match(head)
        return _verbose if _VERBOSE_ENTRY.match(head[about.end() :] if about else head) else None
    return None


def in_lines(blocks):
    """The blocks of a log, with lines in place of records of several lines."""
    first = next(blocks, b'')
    whole = itertools.chain((first,), blocks)
    convert = converter(first[:HEAD])
    return in_blocks(convert(whole)) if convert else whole


def _export(blocks):
    buffer, record, left_out = b'', {}, 0
    for block in blocks:
        buffer += block[left_out:]
        left_out = max(left_out - len(block), 0)
        position = 0
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
                    yield _line(record)
                    record = {}
                continue
            else:
                # A value with line breaks has its length, in 8 bytes, before it.
                if len(buffer) < end + 9:
                    break
                length = struct.unpack('<Q', buffer[end + 1 : end + 9])[0]
                if length > _LARGEST_FIELD:
                    position = end + 1
                    continue
                if length > _LARGEST_KEPT:
                    left_out = max(end + 10 + length - len(buffer), 0)
                    position = min(end + 10 + length, len(buffer))
                    continue
                if len(buffer) < end + 10 + length:
                    break
                value = buffer[end + 9 : end + 9 + length]
                position = end + 10 + length
            if name in _FIELDS:
                record.setdefault(name, value[:LONGEST_LINE])
        buffer = buffer[position:]
        if len(buffer) > 2 * _LARGEST_KEPT:
            buffer = b''
    if record:
        yield _line(record)


def _verbose(blocks):
    record, name = {}, None
    for line in _split(blocks):
        field = _VERBOSE_FIELD.match(line)
        if field:
            name = field.group(1) if field.group(1) in _FIELDS else None
            if name:
                record.setdefault(name, field.group(2)[:LONGEST_LINE])
            continue
        if record and line.startswith(_VERBOSE_REST):
            if name and len(record[name]) < LONGEST_LINE:
                record[name] += b'\n' + line[len(_VERBOSE_REST) :]
            continue
        if record:
            yield _line(record)
        record, name = {}, None
        entry = _VERBOSE_ENTRY.match(line)
        if entry:
            boot, usec = entry.groups()
            record = {b'_BOOT_ID': boot, b'__REALTIME_TIMESTAMP': str(int(usec, 16)).encode('ascii')}
        else:
            yield line + b'\n'
    if record:
        yield _line(record)


def _pretty(blocks):
    # What is open: whether it has a name, which makes it a part of the record around it.
    record, name, numbers, opened = {}, None, bytearray(), []
    for raw in _split(blocks):
        line = raw.strip()
        if name:
            # The bytes of a value that is not printable text, one a line.
            if _is_byte(line.rstrip(b',')):
                if len(numbers) < LONGEST_LINE:
                    numbers.append(int(line.rstrip(b',')))
                continue
            record[name], name = bytes(numbers), None
        if line[:1] == b'}':
            if record and True not in opened:
                yield _line(record)
                record = {}
            del opened[-1:]
            continue
        pair = _PAIR.match(line)
        if line[-1:] == b'{' and len(opened) < _DEEPEST:
            opened.append(pair is not None)
        elif pair and pair.group(1) in _FIELDS:
            if pair.group(2) == b'[':
                name, numbers = pair.group(1), bytearray()
            else:
                record.setdefault(pair.group(1), _value(pair.group(2)))
        elif line[:1] not in _STRUCTURE:
            yield raw + b'\n'
    if record:
        yield _line(record)


def _console(blocks):
    whole, size = [], 0
    for block in blocks:
        whole.append(block)
        size += len(block)
        if size > _LARGEST_CONSOLE:
            break
    record = _value(b''.join(whole)) if size <= _LARGEST_CONSOLE else None
    output = record.get('Output') if isinstance(record, dict) else None
    if isinstance(output, type(u'')):
        return iter((output.encode('utf-8', 'oom_rescue_escape'),))
    return itertools.chain(whole, blocks)


def _utf16(blocks):
    decoder = codecs.getincrementaldecoder('utf-16')('replace')
    for block in blocks:
        yield decoder.decode(block).encode('utf-8', 'oom_rescue_escape')


def _split(blocks):
    """The lines in blocks."""
    rest = b''
    for block in blocks:
        lines = (rest + block).split(b'\n')
        rest = lines.pop()[:LONGEST_LINE]
        for line in lines:
            yield line.rstrip(b'\r')
    yield rest


def _is_byte(text):
    return text.isdigit() and len(text) <= 3 and int(text) <= 255


def _value(text):
    try:
        return parse_json(text.decode('utf-8', 'oom_rescue_escape'))
    except ValueError:
        return None


def _line(record):
    fields = dict((name.decode('ascii'), _text(value)) for name, value in record.items())
    line = json.dumps(fields, ensure_ascii=False, separators=(',', ':'), sort_keys=True)
    return line.encode('utf-8', 'oom_rescue_escape') + b'\n'


def _text(value):
    return value.decode('utf-8', 'oom_rescue_escape') if isinstance(value, bytes) else value
