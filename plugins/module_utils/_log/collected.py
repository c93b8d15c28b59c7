# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines as collectors of logs print or export them: the collector's time and host, and behind these the line itself.

What a collector writes as JSON is in json_records.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .times import ISO

_LABELS = re.compile(r'\{(?:[\w.]{1,64}="[^"]{0,400}"(?:, ?)?){0,32}\} ')
_LABEL_OF_HOST = re.compile(r'\b(?:hostname|host|nodename|node_name)="([^"\s]{1,255})"')
_PAPERTRAIL = re.compile(ISO + r'\t\d{1,20}\t([^\t]{1,255})\t[^\t]{0,64}\t\w{0,16}\t\w{0,16}\t([^\t]{0,64})\t')
_SYSLOG_WITHIN = re.compile(r'(?:[\w./-]{1,128} )?([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S{1,255} \S{1,64}: ?)')
_CSV = re.compile(
    r'"?(?:(%s)|([A-Z][a-z]{2} \d{1,2}, \d{4} @ [\d:.]{8,16})|[\d/]{8,10}, [\d:.]{7,16}(?: [AP]M)?)"?,'
    r'((?:"?[\w./-]{0,128}"?,){0,8})"?(.*?)"?$' % ISO)
# Fluent Bit prints records as Ruby would.
_RUBY_LINE = re.compile(r'"(?:MESSAGE|message|msg|log)"=>"((?:[^"\\]|\\.)*)"')
_RUBY_TIME = re.compile(r'\[(\d{9,10}\.\d{1,9}), ')
_RUBY_HOST = re.compile(r'"(?:_HOSTNAME|hostname|host)"=>"([^"\s]{1,255})"')
# What programs write behind a time where a logger writes the host.
NO_HOSTS = frozenset((
    'trace debug info notice warn warning error fatal critical severe log panic exception unhandled runtime '
    'kern kernel syslog daemon user').split())


def relayed(rest):
    """(host or None, the line) of what stands behind a collector's own time, if that is a record or has a prefix; else
    None: the labels of Loki's logcli, fluentd's tag and JSON, a row of Papertrail's, or a line of syslog, with
    CloudWatch's stream.
    """
    if rest[:1] == '{':
        match = _LABELS.match(rest)
        if match:
            host = _LABEL_OF_HOST.search(match.group())
            return host and host.group(1), rest[match.end() :]
        return None, rest
    tag, mark, record = rest.partition('\t{')
    if mark and len(tag) < 100 and '\t' not in tag:
        return None, mark[1:] + record
    match = _PAPERTRAIL.match(rest) if '\t' in rest[19:60] else None
    if match:
        return match.group(1), '%s: %s' % (match.group(2), rest[match.end() :])
    match = _SYSLOG_WITHIN.match(rest) if ':' in rest[9:90] else None
    return (None, rest[match.start(1) :]) if match else None


def of_table(line):
    """(style and stamp of the time, the host, the line), each None if it is not told, of a row that a page of logs
    exports as CSV: the time, other columns, of which the first may be the host, and the message as the last; or None.
    """
    match = _CSV.match(line)
    if not match:
        return None
    style, stamp = next(((style, text) for style, text in zip(('iso', 'stated'), match.groups()) if text), (None, None))
    columns = [column.strip('"') for column in match.group(3).split(',') if column]
    host = columns[0] if columns and columns[0].lower() not in NO_HOSTS and not columns[0].isdigit() else None
    return style, stamp, host or None, match.group(4).replace('""', '"')


def of_fluent_bit(line):
    """The same of a record as Fluent Bit's output to a terminal writes it,
    ``[0] tag: [[time, {}], {"msg"=>"..."}]``; or None.
    """
    match = _RUBY_LINE.search(line)
    if not match:
        return None
    time, host = _RUBY_TIME.search(line), _RUBY_HOST.search(line)
    return 'epoch', time and time.group(1), host and host.group(1), match.group(1).replace('\\"', '"')
