# -*- coding: utf-8 -*-
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every prefix that a log puts before a kernel message."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import io
import json
import os
import time

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._log.prefix import PrefixReader
from ansible_collections.oom.rescue.plugins.module_utils._report import reading as oom_log
from oom_reports import ERAS, memcg, syslog

NOW = 1762000000  # 2025-11-01


@pytest.fixture(autouse=True)
def utc(monkeypatch):
    monkeypatch.setenv('TZ', 'UTC')
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def each(form):
    return lambda lines: ''.join(form % line.replace('\n', '\n' + form % '') + '\n' for line in lines)


def unprefixed(form):
    """journalctl and dmesg indent the lines that are embedded in a message."""
    return lambda lines: ''.join(form % line.replace('\n', '\n' + ' ' * 40) + '\n' for line in lines)


def journal_json(lines, as_bytes=False):
    return ''.join(
        json.dumps(
            {
                'MESSAGE': list(bytearray(line.encode('utf-8'))) if as_bytes else line,
                '__REALTIME_TIMESTAMP': '1756900961325574',
                '_SOURCE_MONOTONIC_TIMESTAMP': '123456789',
                '_HOSTNAME': 'db1',
                '_TRANSPORT': 'kernel',
                '_BOOT_ID': 'b' * 32,
                'SYSLOG_FACILITY': '0',
                'SYSLOG_IDENTIFIER': 'kernel',
                'PRIORITY': '4',
            },
            separators=(',', ':'),
        )
        + '\n'
        for line in lines
    )


def journal_export(lines):
    records = []
    for line in lines:
        data = line.encode('utf-8')
        message = b'MESSAGE=' + data + b'\n'
        if b'\n' in data:
            message = b'MESSAGE\n' + bytearray([len(data) & 255, len(data) >> 8, 0, 0, 0, 0, 0, 0]) + data + b'\n'
        records.append(
            b'__CURSOR=s=1\n__REALTIME_TIMESTAMP=1756900961325574\n__MONOTONIC_TIMESTAMP=1\n_BOOT_ID='
            + b'b' * 32
            + b'\n_TRANSPORT=kernel\n_HOSTNAME=db1\nSYSLOG_IDENTIFIER=kernel\n_SOURCE_MONOTONIC_TIMESTAMP=123456789\n'
            + bytes(message)
            + b'\n'
        )
    return b''.join(records)


def journal_verbose(lines):
    """With the line about the journal that systemd printed up to 251."""
    return '-- Logs begin at Wed 2025-09-03 11:00:00 UTC, end at Wed 2025-09-03 12:30:00 UTC. --\n' + ''.join(
        'Wed 2025-09-03 12:02:41.325574 UTC [s=%032x;i=%x;b=%s;m=75bca3c;t=%x;x=5]\n'
        % (7, number, 'b' * 32, 1756900961325574)
        + '    _TRANSPORT=kernel\n    SYSLOG_IDENTIFIER=kernel\n    _HOSTNAME=db1\n    NOTE_1=a\n            b\n'
        + '    MESSAGE=%s\n'
        % line.replace('\n', '\n' + ' ' * 12)
        + '    _SOURCE_MONOTONIC_TIMESTAMP=123456789\n'
        for number, line in enumerate(lines)
    )


def journal_pretty(lines, as_bytes=False):
    return ''.join(
        json.dumps(json.loads(record), indent=8).replace('": ', '" : ') + '\n'
        for record in journal_json(lines, as_bytes).splitlines()
    )


def dmesg_json(lines):
    records = ('{\n "pri": 4,\n "time":   123.456789,\n "msg": %s\n}' % json.dumps(line) for line in lines)
    return '{\n   "dmesg": [\n%s\n   ]\n}\n' % ','.join(records)


def pieces(lines, before):
    return [before + piece for line in lines for piece in line.split('\n')]


def listed(form):
    """Writes each line of a text with what stands before and behind it."""
    return lambda lines: ''.join('        %s\n' % form(piece) for piece in pieces(lines, '[  123.456789] '))


def collected(form, before='[  123.456789] '):
    """Writes a JSON object for each line of a text."""
    return lambda lines: ''.join(json.dumps(form(piece)) + '\n' for piece in pieces(lines, before))


def encoded(form, encoding):
    return lambda lines: form(lines).encode(encoding)


AT = '2025-09-03T12:02:41+00:00'
# ``trusted`` of a line that a field of journald's proves, and of one that only says that it is the kernel's.
PROVEN, CLAIMED = True, None
FORMS = {
    'syslog': (each('Sep  3 12:02:41 db1 kernel: %s'), AT, 'db1', None, CLAIMED),
    'syslog with seconds': (each('Sep  3 12:02:41 db1 kernel: [  123.456789] %s'), AT, 'db1', 123.456789, CLAIMED),
    'syslog with escaped line breaks': (
        lambda lines: ''.join('Sep  3 12:02:41 db1 kernel: %s\n' % line.replace('\n', '#012') for line in lines),
        AT,
        'db1',
        None,
        CLAIMED,
    ),
    'syslog in Chinese': (each(u'9月  3 12:02:41 db1 kernel: %s'), AT, 'db1', None, CLAIMED),
    'syslog in Korean with a year': (each(u'2025 9월  3 12:02:41 db1 kernel: %s'), AT, 'db1', None, CLAIMED),
    'syslog without a space': (each('Sep  3 12:02:41 db1 kernel:%s'), AT, 'db1', None, CLAIMED),
    'syslog with a year': (each('2025 Sep  3 12:02:41 db1 kernel: %s'), AT, 'db1', None, CLAIMED),
    'syslog of busybox': (
        each('Sep  3 12:02:41 db1 kern.warn kernel: [  123.456789] %s'),
        AT,
        'db1',
        123.456789,
        CLAIMED,
    ),
    'syslog of busybox without a host': (each('Sep  3 12:02:41 kern.warn kernel: %s'), AT, None, None, CLAIMED),
    'syslog of a relay that keeps a blank': (
        each('Sep  3 12:02:41 db1 kernel:  [  123.456789] %s'),
        AT,
        'db1',
        123.456789,
        CLAIMED,
    ),
    'RFC 5424 syslog with a blank': (
        each('<4>1 2025-09-03T12:02:41Z db1 kernel - - -  [  123.456789] %s'),
        AT,
        'db1',
        123.456789,
        CLAIMED,
    ),
    'UTF-16': (encoded(each('Sep  3 12:02:41 db1 kernel: %s'), 'utf-16'), AT, 'db1', None, CLAIMED),
    'UTF-8 with a byte order mark': (
        encoded(each('Sep  3 12:02:41 db1 kernel: %s'), 'utf-8-sig'),
        AT,
        'db1',
        None,
        CLAIMED,
    ),
    'a time and a tab': (each('2025-09-03T12:02:41.325Z\t[  123.456789] %s'), AT, None, 123.456789, None),
    'the console of an EC2 instance': (
        lambda lines: json.dumps({'InstanceId': 'i-1', 'Output': each('[  123.456789] %s\r')(lines)}),
        None,
        None,
        123.456789,
        None,
    ),
    'GELF': (
        collected(lambda line: {'host': 'db1', 'short_message': line, 'timestamp': 1756900961.3}),
        AT,
        'db1',
        123.456789,
        None,
    ),
    'Google Cloud logging': (
        collected(lambda line: {'timestamp': '2025-09-03T12:02:41Z', 'jsonPayload': {'message': line}}),
        AT,
        None,
        123.456789,
        None,
    ),
    'Google Cloud logging, as gcloud prints it': (
        lambda lines: json.dumps(
            [
                {'insertId': 'x', 'textPayload': piece, 'timestamp': '2025-09-03T12:02:41.3Z'}
                for piece in pieces(lines, '[  123.456789] ')
            ],
            indent=2,
        ),
        AT,
        None,
        123.456789,
        None,
    ),
    'Elasticsearch': (
        collected(lambda line: {'_source': {'@timestamp': '2025-09-03T12:02:41Z', 'hostname': 'db1', 'message': line}}),
        AT,
        'db1',
        123.456789,
        None,
    ),
    'CSV': (listed(lambda line: '2025-09-03T12:02:41Z,db1,"%s"' % line), AT, 'db1', 123.456789, None),
    'CSV of Graylog': (listed(lambda line: '"2025-09-03T12:02:41.325Z","db1","kernel: %s"' % line), AT, 'db1',
                       123.456789, CLAIMED),
    'CSV of Kibana': (listed(lambda line: '"Sep 3, 2025 @ 12:02:41.325",db1,kernel,"%s"' % line), AT, 'db1',
                      123.456789, None),
    'CSV of Grafana': (listed(lambda line: '"2025-09-03 12:02:41","%s"' % line), AT, None, 123.456789, None),
    "CSV of Azure's portal": (listed(lambda line: '"9/3/2025, 12:02:41.325 PM",db1,kern,warning,"%s"' % line), None,
                              'db1', 123.456789, None),
    'Loki, by logcli': (each('2025-09-03T12:02:41Z {hostname="db1", job="journal"} %s'), AT, 'db1', None, None),
    'Loki, by logcli without labels': (each('2025-09-03T12:02:41Z {} %s'), AT, None, None, None),
    'Loki, by logcli -o jsonl': (
        collected(lambda line: {'labels': {'hostname': 'db1'}, 'line': line, 'timestamp': '2025-09-03T12:02:41Z'}, ''),
        AT, 'db1', None, None),
    'CloudWatch, by aws logs tail': (each('2025-09-03T12:02:41+00:00 i-0a1 Sep  3 12:02:41 db1 kernel: %s'), AT, 'db1',
                                     None, CLAIMED),
    'CloudWatch on a day of two digits': (
        each('2025-09-13T12:02:41+00:00 Sep 13 12:02:41 db1 kernel: %s'), '2025-09-13T12:02:41+00:00', 'db1', None,
        CLAIMED),
    'fluentd': (
        lambda lines: ''.join(
            '2025-09-03T12:02:41+00:00\tkern.warn\t%s\n' % json.dumps({'host': 'db1', 'message': line})
            for line in pieces(lines, '')), AT, 'db1', None, None),
    'Fluent Bit on a terminal': (
        listed(lambda line: '[0] kmsg: [[1756900961.325000000, {}], {"priority"=>4, "msg"=>"%s"}]' % line), AT, None,
        123.456789, None),
    'Papertrail': (each('711\t2025-09-03T12:02:41+00:00\t2025-09-03T12:02:42+00:00\t50\tdb1\t10.0.0.7\tKern\tWarning'
                        '\tkernel\t%s'), AT, 'db1', None, CLAIMED),
    'code in Markdown': (listed(lambda line: '`Sep  3 12:02:41 db1 kernel: %s`' % line.rstrip()), AT, 'db1', 123.456789,
                         CLAIMED),
    "a router's crash log": (each('Sep  3 12:02:41 crashlog: <4>[  123.456789] %s'), AT, None, 123.456789, CLAIMED),
    'less -N': (each('    117 Sep  3 12:02:41 db1 kernel: %s'), AT, 'db1', None, CLAIMED),
    'cat -n': (each('  1117\tSep  3 12:02:41 db1 kernel: %s'), AT, 'db1', None, CLAIMED),
    'milliseconds since 1970': (collected(lambda line: {'timestamp': 1756900961325, 'message': line}), AT, None,
                                123.456789, None),
    "Google Cloud logging of a node's journal": (
        lambda lines: json.dumps(
            [{'jsonPayload': {'MESSAGE': line, '_HOSTNAME': 'db1'}, 'timestamp': '2025-09-03T12:02:41.3Z',
              'resource': {'labels': {'zone': 'a'}}} for line in lines], indent=2), AT, 'db1', None, None),
    'a table of Markdown': (listed(lambda line: '| %s |' % line), None, None, 123.456789, None),
    'lines of HTML': (listed(lambda line: line + '<br>'), None, None, 123.456789, None),
    'RFC 3339 syslog': (
        each('2025-09-03T14:02:41.325574+02:00 db1 kernel: [  123.456789] %s'),
        '2025-09-03T14:02:41+02:00',
        'db1',
        123.456789,
        CLAIMED,
    ),
    'RFC 3339 syslog in UTC': (each('2025-09-03T12:02:41Z db1 kernel: %s'), AT, 'db1', None, CLAIMED),
    'RFC 5424 syslog': (
        each('<4>1 2025-09-03T14:02:41+02:00 db1 kernel - - - [  123.456789] %s'),
        '2025-09-03T14:02:41+02:00',
        'db1',
        123.456789,
        CLAIMED,
    ),
    'RFC 5424 syslog with structured data': (
        each('<4>1 2025-09-03T12:02:41Z db1 kernel - - [meta sequenceId="1"][a b="c\\]"] %s'),
        AT,
        'db1',
        None,
        CLAIMED,
    ),
    'RFC 5424 syslog without priority': (each('1 2025-09-03T12:02:41Z db1 kernel - - - %s'), AT, 'db1', None, CLAIMED),
    'syslog of OpenWrt': (
        each('Wed Sep  3 12:02:41 2025 kern.warn kernel: [  123.456789] %s'),
        AT,
        None,
        123.456789,
        CLAIMED,
    ),
    'syslog of a host with an IPv6 address': (each('Sep  3 12:02:41 fe80::1 kernel: %s'), AT, 'fe80::1', None, CLAIMED),
    'syslog with milliseconds and no host': (each('2025-09-03 12:02:41,325 kernel: %s'), AT, None, None, CLAIMED),
    'syslog with a year and a second colon': (
        each('Sep  3 12:02:41 2025 kernel: : [  123.456789] %s'),
        AT,
        None,
        123.456789,
        CLAIMED,
    ),
    'syslog with priority': (each('<4>Sep  3 12:02:41 db1 kernel: %s'), AT, 'db1', None, CLAIMED),
    'syslog of another program': (each('Sep  3 12:02:41 db1 mallory: %s'), AT, 'db1', None, False),
    'syslog of a program that calls itself kernel': (
        each('Sep  3 12:02:41 db1 kernel[4711]: %s'),
        AT,
        'db1',
        None,
        False,
    ),
    'dmesg': (each('[  123.456789] %s'), None, None, 123.456789, None),
    'dmesg with indented lines': (unprefixed('[  123.456789] %s'), None, None, 123.456789, None),
    'dmesg in color': (each('\x1b[32m[  123.456789] \x1b[0m\x1b[1m%s\x1b[0m'), None, None, 123.456789, None),
    'dmesg of an Amlogic kernel': (each('[  123.456789@2] %s'), None, None, 123.456789, None),
    'dmesg of a Samsung kernel': (each('[2-123.456789] %s'), None, None, 123.456789, None),
    'dmesg of a Samsung phone': (
        each('<4>[  123.456789]  [0:      kworker/0:1: 1234] %s'),
        None,
        None,
        123.456789,
        CLAIMED,
    ),
    'dmesg of a MediaTek kernel': (each('[  123.456789] (0)[1234:systemd]%s'), None, None, 123.456789, None),
    'dmesg -d': (each('[  123.456789 <    0.000012>] %s'), None, None, 123.456789, None),
    'dmesg -x --time-format iso': (
        each('kern  :err   : 2025-09-03T12:02:41,325574+00:00 %s'),
        AT,
        None,
        None,
        CLAIMED,
    ),
    'Talos Linux': (each('kern:     err: [2025-09-03T12:02:41.325574265Z]: %s'), AT, None, None, CLAIMED),
    'Talos Linux with the node': (
        each('10.1.1.2: kern: warning: [2025-09-03T12:02:41.325574265Z]: %s'),
        AT,
        None,
        None,
        CLAIMED,
    ),
    'syslog with the host in brackets': (each('Sep  3 12:02:41 [db1] kernel: %s'), AT, '[db1]', None, CLAIMED),
    'a time in UTC in brackets': (each('[2025-09-03 12:02:41 UTC] kernel: %s'), AT, None, None, CLAIMED),
    'dmesg -T': (each('[Wed Sep  3 12:02:41 2025] %s'), AT, None, None, None),
    'dmesg -T without the year': (each('[Sep  3 12:02:41] %s'), AT, None, None, None),
    'a time in brackets': (each('[2025-09-03T12:02:41.325574+00:00] %s'), AT, None, None, None),
    'a time in brackets and a tag': (each('[Wed Sep  3 12:02:41 2025] db1 kernel: %s'), AT, 'db1', None, CLAIMED),
    'dmesg -T in German': (each('[Mi Sep  3 12:02:41 2025] %s'), AT, None, None, None),
    'dmesg -T in French': (each('[mer. sept.  3 12:02:41 2025] %s'), AT, None, None, None),
    'dmesg -T in Chinese': (each(u'[三 9月  3 12:02:41 2025] %s'), AT, None, None, None),
    'dmesg -T in Russian': (each(u'[Ср сен  3 12:02:41 2025] %s'), AT, None, None, None),
    'dmesg -T in an unknown tongue': (each('[Xa Xyzzy  3 12:02:41 2025] %s'), None, None, None, None),
    'dmesg -x': (each('kern  :warn  : [  123.456789] %s'), None, None, 123.456789, CLAIMED),
    'dmesg -x of user space': (each('user  :warn  : [  123.456789] %s'), None, None, 123.456789, False),
    'dmesg -x -T': (each('kern  :err   : [Wed Sep  3 12:02:41 2025] %s'), AT, None, None, CLAIMED),
    'dmesg --raw': (each('<4>[  123.456789] %s'), None, None, 123.456789, CLAIMED),
    'dmesg --raw of user space': (each('<12>[  123.456789] %s'), None, None, 123.456789, False),
    'dmesg --time-format iso': (
        each('2025-09-03T14:02:41,325574+02:00 %s'),
        '2025-09-03T14:02:41+02:00',
        None,
        None,
        None,
    ),
    'dmesg --time-format delta': (each('[<    0.000123>] %s'), None, None, None, None),
    'dmesg --human': (each('[  +0.000123] %s'), None, None, None, None),
    'printk.caller': (each('[  123.456789][ T5241] %s'), None, None, 123.456789, None),
    'printk.caller in an interrupt': (each('[  123.456789][    C1] %s'), None, None, 123.456789, None),
    '/dev/kmsg': (
        lambda lines: ''.join(
            '4,%d,123456789,-;%s\n' % (number, line.replace('\n', '\\x0a')) for number, line in enumerate(lines)
        ),
        None,
        None,
        123.456789,
        CLAIMED,
    ),
    '/dev/kmsg with caller': (
        lambda lines: ''.join(
            '4,%d,123456789,-,caller=T5241;%s\n' % (number, line.replace('\n', '\\x0a'))
            for number, line in enumerate(lines)
        ),
        None,
        None,
        123.456789,
        CLAIMED,
    ),
    '/dev/kmsg of user space': (
        lambda lines: ''.join(
            '12,%d,123456789,-;%s\n' % (number, line.replace('\n', '\\x0a')) for number, line in enumerate(lines)
        ),
        None,
        None,
        123.456789,
        False,
    ),
    'journalctl': (unprefixed('Sep 03 12:02:41 db1 kernel: %s'), AT, 'db1', None, CLAIMED),
    'journalctl -o short-precise': (unprefixed('Sep 03 12:02:41.325574 db1 kernel: %s'), AT, 'db1', None, CLAIMED),
    'journalctl -o short-iso': (
        unprefixed('2025-09-03T14:02:41+0200 db1 kernel: %s'),
        '2025-09-03T14:02:41+02:00',
        'db1',
        None,
        CLAIMED,
    ),
    'journalctl -o short-iso-precise': (
        unprefixed('2025-09-03T14:02:41.325574+0200 db1 kernel: %s'),
        '2025-09-03T14:02:41+02:00',
        'db1',
        None,
        CLAIMED,
    ),
    'journalctl -o short-full': (unprefixed('Wed 2025-09-03 12:02:41 UTC db1 kernel: %s'), AT, 'db1', None, CLAIMED),
    'journalctl -o short-unix': (unprefixed('1756900961.325574 db1 kernel: %s'), AT, 'db1', None, CLAIMED),
    'journalctl -o short-monotonic': (unprefixed('[  123.456789] db1 kernel: %s'), None, 'db1', 123.456789, CLAIMED),
    'journalctl -o json': (journal_json, AT, 'db1', 123.456789, PROVEN),
    'journalctl -o json with bytes': (lambda lines: journal_json(lines, True), AT, 'db1', 123.456789, PROVEN),
    'journalctl -o json-pretty': (journal_pretty, AT, 'db1', 123.456789, PROVEN),
    'journalctl -o json-pretty with bytes': (lambda lines: journal_pretty(lines, True), AT, 'db1', 123.456789, PROVEN),
    'journalctl -o json-seq': (
        lambda lines: journal_json(lines).replace('{', '\x1e{'),
        AT,
        'db1',
        123.456789,
        PROVEN,
    ),
    'journalctl -o json-sse': (
        lambda lines: journal_json(lines).replace('{', 'data: {').replace('\n', '\n\n'),
        AT,
        'db1',
        123.456789,
        PROVEN,
    ),
    'journalctl -o verbose': (journal_verbose, AT, 'db1', 123.456789, PROVEN),
    'journalctl -o short-delta': (
        unprefixed('[  123.456789 <    0.000012 >] db1 kernel: %s'),
        None,
        'db1',
        123.456789,
        CLAIMED,
    ),
    'dmesg --json': (dmesg_json, None, None, 123.456789, CLAIMED),
    'a list in JSON': (listed(lambda line: json.dumps(line) + ','), None, None, 123.456789, None),
    'a list in YAML': (
        listed(lambda line: "- '%s'" % line.replace("'", "''")),
        None,
        None,
        123.456789,
        None,
    ),
    'journalctl -o export': (journal_export, AT, 'db1', 123.456789, PROVEN),
    'a container log': (each('2025-09-03T12:02:41.325574Z stderr F [  123.456789] %s'), AT, None, 123.456789, None),
    'a container log in JSON': (
        collected(lambda line: {'log': line + '\n', 'time': '2025-09-03T12:02:41.1Z'}),
        AT,
        None,
        123.456789,
        None,
    ),
    'a collector of logs': (
        collected(lambda line: {'@timestamp': '2025-09-03T12:02:41Z', 'host': 'db1', 'message': line}, before=''),
        AT,
        'db1',
        None,
        None,
    ),
    'logcat': (each('09-03 12:02:41.325   156   156 W         : %s'), AT, None, None, None),
    'pasted text': (each('%s'), None, None, None, None),
    'pasted and indented text': (each('    %s'), None, None, None, None),
    'pasted text with CRLF': (lambda lines: each('%s')(lines).replace('\n', '\r\n'), None, None, None, None),
    'indented syslog': (each('    Sep  3 12:02:41 db1 kernel: %s'), AT, 'db1', None, CLAIMED),
    'syslog quoted in a mail': (each('> Sep  3 12:02:41 db1 kernel: %s'), AT, 'db1', None, CLAIMED),
    'dmesg quoted twice': (each('> > [  123.456789] %s'), None, None, 123.456789, None),
    'grep with file names': (
        each('/var/log/messages-20250907:Sep  3 12:02:41 db1 kernel: %s'),
        AT,
        'db1',
        None,
        CLAIMED,
    ),
    'grep -n': (each('117:Sep  3 12:02:41 db1 kernel: %s'), AT, 'db1', None, CLAIMED),
    'a prefix that nobody knows': (each('node-7 | Sep/03 kernel: [  123.456789] %s'), None, None, 123.456789, CLAIMED),
}


@pytest.mark.parametrize('form', sorted(FORMS))
def test_prefix(tmpdir, form):
    write, when, host, uptime, trusted = FORMS[form]
    log = tmpdir.join('log')
    text = write(ERAS['5.15.0'])
    log.write_binary(text if isinstance(text, bytes) else text.encode('utf-8'))
    os.utime(str(log), (NOW, NOW))
    result = oom_log.read_events([str(log)], now=NOW, of_this_host=True)
    (event,) = result['events']
    assert event['complete'], event['missing']
    assert (event['time'], event['host'], event['uptime_seconds'], event['trusted']) == (when, host, uptime, trusted)
    assert (event['victims'][0]['pid'], event['memory']['free_bytes'], len(event['tasks'])) == (13036, 12220 * 4096, 4)
    assert event['kernel'] == '5.15.0' and event['trigger']['pid'] == 11029


@pytest.mark.parametrize(
    'above',
    [
        '{\n  "level": "info"\n}\n',
        '[\n  {\n    "message": "all is well"\n  }\n]\n',
        journal_verbose(['all is well']),
        '{"Output": "all is well"}\n',
    ],
    ids=['an object', 'an array', 'an entry of the journal', 'a console'],
)
def test_text_below_other_records_is_read(above):
    reading = oom_log.Reading(now=NOW)
    reading.text((above + syslog(ERAS['5.15.0'])).encode('utf-8'), 'log')
    (event,) = reading.result()['events']
    assert event['complete'] and event['host'] == 'centos7'


REPORTS = dict(ERAS, memcg1=memcg(1), memcg2=memcg(2))
OF_THE_PREFIX = ('time', 'boot_id', 'time_text', 'epoch', 'host', 'uptime_seconds', 'trusted', 'source', 'seen_in')


def told(text):
    """What the one report of a log says, whatever stands before its lines."""
    reading = oom_log.Reading(now=NOW)
    reading.text(text if isinstance(text, bytes) else text.encode('utf-8'), 'log')
    (event,) = reading.result()['events']
    return dict((key, value) for key, value in event.items() if key not in OF_THE_PREFIX)


@pytest.fixture(name='in_syslog', scope='module')
def fixture_in_syslog():
    """{name of a report: what it says in syslog}."""
    return dict((name, told(syslog(lines))) for name, lines in REPORTS.items())


@pytest.mark.slow
@pytest.mark.parametrize('form', sorted(FORMS))
def test_a_report_says_the_same_behind_every_prefix(form, in_syslog):
    for name, lines in sorted(REPORTS.items()):
        assert told(FORMS[form][0](lines)) == in_syslog[name], name


@pytest.mark.parametrize('form', ['syslog', 'dmesg', 'journalctl -o json', 'pasted text'])
def test_another_program_between_the_lines_changes_nothing(tmpdir, form):
    text = FORMS[form][0](ERAS['5.15.0']).splitlines(True)
    other = {
        'syslog': 'Sep  3 12:02:41 db1 sshd[7]: Accepted publickey for root\n',
        'dmesg': '[  123.456790] IPv6: link is ready\n',
        'pasted text': 'IPv6: ADDRCONF(NETDEV_UP): veth0: link is not ready\n',
    }.get(form, json.dumps({'MESSAGE': 'x', '_TRANSPORT': 'syslog'}) + '\n')
    log = tmpdir.join('log')
    log.write_binary(''.join(line + other for line in text).encode('utf-8'))
    (event,) = oom_log.read_events([str(log)])['events']
    assert event['complete'], event['missing']
    assert event['tasks'][0]['name'] == 'mysqld'


def test_a_line_that_was_repeated_is_counted(tmpdir):
    text = FORMS['syslog'][0](ERAS['5.15.0'][:-1])
    kill = ERAS['5.15.0'][-2]
    log = tmpdir.join('log')
    log.write(text + 'Sep  3 12:02:41 db1 kernel: message repeated 3 times: [ %s]\n' % kill)
    (event,) = oom_log.read_events([str(log)])['events']
    assert event['victims'][0]['duplicates'] == 3


@pytest.mark.parametrize('before, by_kernel', [
    ('kern  :warn  : ', True), ('auth  :warn  : ', False), ('cron  :info  : ', False), ('daemon:warn  : ', False),
    ('ftp   :info  : ', False), ('local0:info  : ', False), ('syslog:info  : ', False), ('user  :warn  : ', False),
    ('10.5.0.2: kern: warning: ', True),
    ('<4>', True), ('<7>', True), ('<8>', False), ('<12>', False), ('<30>', False),
])
def test_what_a_facility_says_is_the_kernels_word_if_it_is_the_kernels(before, by_kernel):
    prefix, message = PrefixReader().split(before + '[    9.123456] all is well')
    assert (message, prefix.uptime) == ('all is well', 9.123456)
    # What another program may have written is not taken for the kernel's; what says kern is no proof.
    assert (prefix.says_kernel(), prefix.trusted) == ((True, None) if by_kernel else (False, False))


@pytest.mark.parametrize('line,told', [
    ('[    9.123456] web1 systemd[1]: a.service: x', ('web1', 'systemd', 'a.service: x')),
    ('[    9.123456] systemd[1]: a.service: x', (None, 'systemd', 'a.service: x')),
    ('    [    9.123456] systemd-oomd[659]: x', (None, 'systemd-oomd', 'x')),
    ('[    9.123456] a[7]: segfault at 0 ip 0', (None, None, 'a[7]: segfault at 0 ip 0')),
    ('[    9.123456] lowmem_reserve[]: 0 0', (None, None, 'lowmem_reserve[]: 0 0')),
    ('2026-08-27 15:51:41.123 UTC [1] LOG:  x', (None, None, '[1] LOG:  x')),
    ('2026-08-27 15:51:41 ERROR app: x', (None, None, 'app: x')),
    ('2026-08-27T15:51:41Z web1 app: x', ('web1', 'app', 'x')),
    ('**Aug 27 15:51:41 web1 kernel: x', ('web1', 'kernel', 'x')),
    ('* Aug 27 15:51:41 web1 kernel: x', ('web1', 'kernel', 'x')),
    ('| Aug 27 15:51:41 web1 kernel: x|', ('web1', 'kernel', 'x')),
    ('2026-08-27T15:51:41Z fatal error: x', (None, None, 'fatal error: x')),
    ('&gt; Aug 27 15:51:41 web1 kernel: a &lt;b&gt; &amp; c', ('web1', 'kernel', 'a <b> & c')),
    ('&lt;4&gt;[    9.123456] x', (None, 'kernel', 'x')),
])
def test_a_prefix_names_the_host_and_the_program_and_nothing_else(line, told):
    prefix, message = PrefixReader().split(line)
    assert (prefix.host, prefix.program, message) == told


@pytest.mark.parametrize('line', ['** bold words', '* an entry of a list', '***'])
def test_a_line_of_markdown_without_a_prefix_stays_as_it_is(line):
    assert PrefixReader().split(line) == (None, line)


@pytest.mark.parametrize('record, by_kernel, uptime, caller', [
    ('4,1,9123456,-;x', True, 9.123456, None), ('6,1,9123456,-,caller=T42;x', True, 9.123456, 'T42'),
    ('6,1,9123456,c,caller=C3;x', True, 9.123456, 'C3'), ('12,1,9123456,-;x', False, 9.123456, None),
    ('30,1,0,-;x', False, 0, None),
])
def test_a_record_of_the_ring_buffer_tells_its_time_its_caller_and_whose_it_is(record, by_kernel, uptime, caller):
    prefix, message = PrefixReader().split(record)
    assert (message, prefix.uptime, prefix.caller, prefix.says_kernel()) == ('x', uptime, caller, by_kernel)


@pytest.mark.parametrize(
    'line',
    [
        '',
        '[',
        '<',
        '{',
        '{"MESSAGE": 1}',
        '<999>',
        '1 ',
        '4,1,2,',
        '[1.',
        'kern  :',
        '>' * 70000,
        ':' * 70000,
        'a:' * 30000 + 'kernel: x',
        '<4>' * 1000,
        '{' * 10000,
        '\0' * 10,
        'Sep  3',
        '[' * 70000,
    ],
)
def test_a_line_that_is_no_prefix_is_a_message(line):
    prefix, message = PrefixReader().split(line)
    assert isinstance(message, str)


def test_the_module_of_the_tests_is_read_as_utf_8():
    with io.open(os.path.abspath(__file__).replace('.pyc', '.py'), encoding='utf-8') as stream:
        assert u'三' in stream.read()


# What anybody may write into a log, each with itself inside.
WITHIN = {
    'numbers': '1:', 'tabs': '1:\t', 'numbers and code': '1:`', 'numbers and priorities': '1:<1>',
    'labels': '2025-09-03T12:02:41Z {} ', 'a row of a table': '2025-09-03T12:02:41Z,"',
    'fluentd': '2025-09-03T12:02:41Z a\t{"log":"', 'Fluent Bit': '"log"=>"', 'syslog': 'Sep  3 12:02:41 db1 a: ',
    'a collector and syslog': '2025-09-03T12:02:41Z Sep  3 12:02:41 db1 a: ', 'JSON': '{"log":"', 'a list': '- "',
    'a page': '`&lt;', 'Markdown': '* > | ', 'priorities': '<1>', 'seconds': '[    1.000000] ',
    'repetitions': 'message repeated 2 times: [ ', 'decoded': 'kern  :warn  : ', 'a tag': 'a: kernel: ',
}


@pytest.mark.parametrize('before', ['', 'Sep  3 12:02:41 db1 a: '], ids=['alone', 'behind a prefix'])
@pytest.mark.parametrize('name', sorted(WITHIN))
def test_a_line_within_itself_a_thousand_times_is_a_line(name, before):
    line = before + WITHIN[name] * 2000 + 'x' + ']' * 2000 * (name == 'repetitions')
    reader = PrefixReader()
    prefix, message = reader.split(line)
    assert message
    # What comes next is read as it is.
    assert reader.split('Sep  3 12:02:41 db2 kernel: x')[0].host == 'db2'


@pytest.mark.parametrize('key', ['host', 'labels', 'log', 'message'])
def test_records_within_records_are_read_as_far_as_a_host_is_looked_for(key):
    for depth in (1, 5, 900, 5000):
        line = '{"message": "x", "%s": %s1%s}' % (key, '{"%s": ' % key * depth, '}' * depth)
        assert PrefixReader().split(line)[1]
