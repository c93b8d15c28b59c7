# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs as hosts keep them: rotated, compressed, over New Year, several at once, broken."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import gc
import gzip
import json
import os
import time
import weakref

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._log import live, sources
from ansible_collections.oom.rescue.plugins.module_utils._report import reading as oom_log
from oom_reports import ERAS, bare_kill, memcg, quiet, syslog

NOW = 1762000000  # 2025-11-01T12:26:40Z
REPORT = ERAS['5.15.0']


@pytest.fixture(autouse=True)
def utc(monkeypatch):
    monkeypatch.setenv('TZ', 'UTC')
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def write(log, text, modified=NOW):
    log.write_binary(text if isinstance(text, bytes) else text.encode('utf-8'))
    os.utime(str(log), (modified, modified))
    return str(log)


def read(*paths, **options):
    return oom_log.read_events(list(paths), now=NOW, **dict({'of_this_host': True}, **options))


def pids(result):
    return [victim['pid'] for event in reversed(result['events']) for victim in event['victims']]


def test_a_report_is_found_wherever_it_lies(tmpdir):
    text = quiet('Oct 28 11:00:00', 3000) + syslog(REPORT) + quiet('Oct 28 12:00:00', 3000)
    result = read(write(tmpdir.join('messages'), text))
    (event,) = result['events']
    assert event['source'] == {
        'path': str(tmpdir.join('messages')),
        'line': 3001,
        'offset': len(quiet('Oct 28 11:00:00', 3000)),
    }
    assert result['summary']['sources'] == [
        {
            'path': str(tmpdir.join('messages')),
            'bytes': len(text),
            'lines': text.count('\n'),
            'reports': 1,
            'error': None,
            'cut': None,
            'unsearched': None,
            'named': True,
        }
    ]


def test_a_log_without_reports_has_no_events(tmpdir):
    result = read(write(tmpdir.join('messages'), quiet('Oct 28 11:00:00', 100)))
    assert result['events'] == [] and result['summary']['kills'] == 0 and result['summary']['first'] is None


def test_the_last_line_may_lack_its_end(tmpdir):
    text = syslog(REPORT).rstrip('\n')
    result = read(write(tmpdir.join('messages'), text))
    assert result['events'][0]['complete'] and result['summary']['sources'][0]['lines'] == len(REPORT)


RARE = (
    'Tasks in /docker/%s are going to be killed due to memory.oom.group set' % ('ab' * 32),
    'udevd: vmemmap alloc failure: order:9, mode:0xcc0(GFP_KERNEL), nodemask=(null)',
    'modprobe: vmalloc error: size 4096, page order 0, failed to allocate pages, mode:0xcc0(GFP_KERNEL)',
    'SLUB: Unable to allocate memory on node -1, gfp=0x20(GFP_ATOMIC)',
)


@pytest.mark.parametrize('mib', [1, 10, 20])
@pytest.mark.parametrize('line', RARE, ids=['group', 'vmemmap', 'vmalloc', 'slab'])
def test_a_line_that_is_an_event_alone_is_found_at_both_ends_of_a_log_however_large(tmpdir, line, mib):
    ordinary = quiet('Oct 28 12:00:00', 20000)
    ordinary *= (mib << 20) // len(ordinary) + 1
    text = syslog([line]) + ordinary + syslog([line], 'Oct 28 13:00:00') + quiet('Oct 28 13:00:01', 1000)
    found = [event['source']['offset'] for event in read(write(tmpdir.join('messages'), text))['events']]
    assert found == [len(syslog([line]) + ordinary), 0]


def test_events_are_newest_first_and_limit_keeps_the_newest(tmpdir):
    text = ''.join(syslog(bare_kill(1000 + day), stamp='Oct %2d 11:32:28' % day) for day in range(1, 29))
    path = write(tmpdir.join('messages'), text)
    assert [event['victims'][0]['pid'] for event in read(path, limit=3)['events']] == [1028, 1027, 1026]
    result = read(path, limit=3)
    assert result['summary']['kills'] == 28
    assert (result['summary']['first'], result['summary']['last']) == (
        '2025-10-01T11:32:28+00:00',
        '2025-10-28T11:32:28+00:00',
    )


def test_since_and_until(tmpdir):
    text = ''.join(syslog(bare_kill(1000 + day), stamp='Oct %2d 11:32:28' % day) for day in range(1, 29))
    result = read(
        write(tmpdir.join('messages'), text), since=1760000000, until=1760300000
    )  # Oct 9 08:53 to Oct 12 20:13
    assert pids(result) == [1009, 1010, 1011, 1012]
    assert result['summary']['kills'] == 4


def test_since_seeks_in_a_large_log(tmpdir):
    text = ''.join(
        quiet('Oct %2d %02d:00:00' % (day, hour), 300)
        + syslog(bare_kill(day * 100 + hour), 'Oct %2d %02d:30:00' % (day, hour))
        for day in range(1, 29)
        for hour in range(24)
    )
    path = write(tmpdir.join('messages'), text)
    assert len(text) > 1 << 23
    result = read(path, since=1761609600)  # Oct 28 00:00
    assert pids(result) == [2800 + hour for hour in range(24)]
    assert result['events'][0]['source']['line'] is None
    assert result['events'][0]['source']['offset'] == text.index('process 2823') - len(
        'Oct 28 23:30:00 centos7 kernel: Out of memory: Killed '
    )


@pytest.mark.slow
def test_since_reads_a_log_whole_whose_records_are_of_several_lines(tmpdir):
    def entry(day, line):
        usec = 1000000 * (1759276800 + 86400 * (day - 1))  # Oct 1 2025
        head = 'Wed 2025-10-%02d 00:00:00.000000 UTC [s=%032x;i=1;b=%032x;m=1;t=%x;x=5]' % (day, 7, 8, usec)
        return '%s\n    _TRANSPORT=kernel\n    MESSAGE=%s\n' % (head, line)

    text = ''.join(
        entry(day, line) for day in range(1, 29) for line in [name * 200 for name in 'abcdefghij'] * 130 + REPORT
    )
    assert len(text) > 1 << 23
    (event,) = read(write(tmpdir.join('journal.txt'), text), since=1761609600)['events']
    assert event['complete'] and event['time'].startswith('2025-10-28')


def test_the_rows_of_a_table_are_limited_but_not_its_count(tmpdir):
    (event,) = read(write(tmpdir.join('messages'), syslog(REPORT)), tasks=1)['events']
    assert [row['name'] for row in event['tasks']] == ['mysqld'] and event['task_count'] == 4


@pytest.mark.parametrize('stamp, host, own, when, text', [
    ('Oct 28 11:32:28', 'centos7', False, None, None),
    ('Oct 28 11:32:28', 'centos7', True, '2025-10-28T11:32:28+00:00', None),
    ('Oct 28 11:32:28', 'web1', False, '2025-10-28T11:32:28+00:00', None),
    ('Oct 28 11:32:28', 'WEB1.example.com', False, '2025-10-28T11:32:28+00:00', None),
    ('Oct 28 11:32:28', 'web10', False, None, None),
    ('Oct 28 2019 11:32:28', 'centos7', False, None, 'Oct 28 11:32:28 2019'),
    ('2019-10-28T11:32:28', 'centos7', False, None, None),
    ('2019-10-28T11:32:28+08:00', 'centos7', False, '2019-10-28T11:32:28+08:00', None),
])
def test_a_year_and_a_zone_are_told_by_the_line_or_by_whose_log_it_is(
        tmpdir, monkeypatch, stamp, host, own, when, text):
    monkeypatch.setattr(os, 'uname', lambda: ('Linux', 'web1.example.com', '6.1.0', '#1', 'x86_64'))
    path = write(tmpdir.join('messages'), syslog(REPORT, stamp, host=host))
    (event,) = read(path, of_this_host=own)['events']
    assert (event['time'], event['time_text'], event['order']) == (when, text or stamp, 0)


def test_a_name_that_many_hosts_have_tells_no_year(tmpdir, monkeypatch):
    monkeypatch.setattr(os, 'uname', lambda: ('Linux', 'localhost', '6.1.0', '#1', 'x86_64'))
    path = write(tmpdir.join('messages'), syslog(REPORT, host='localhost'))
    assert read(path, of_this_host=False)['events'][0]['time'] is None


def test_reports_without_a_year_keep_their_order(tmpdir):
    text = syslog(bare_kill(1), 'Oct 28 11:00:00') + syslog(bare_kill(2), 'Oct 29 11:00:00')
    events = read(write(tmpdir.join('messages'), text), of_this_host=False)['events']
    assert [(event['victims'][0]['pid'], event['order'], event['time']) for event in events] == [
        (2, 1, None), (1, 0, None)]


def test_the_kernel_s_own_logs_are_of_this_host(tmpdir, monkeypatch):
    path = write(tmpdir.join('messages'), syslog(REPORT))
    monkeypatch.setattr(sources, 'KERNEL_LOGS', (path + '*',))
    for paths in ([], [path]):
        (event,) = oom_log.read_events(paths, ['files'], now=NOW)['events']
        assert event['time'] == '2025-10-28T11:32:28+00:00'


def test_the_year_follows_from_when_the_log_was_written(tmpdir):
    (event,) = read(write(tmpdir.join('messages'), syslog(REPORT), modified=1262304000))['events']  # 2010-01-01
    assert event['time'] == '2009-10-28T11:32:28+00:00'


def test_the_year_follows_from_the_date_in_a_rotated_files_name(tmpdir):
    (event,) = read(write(tmpdir.join('messages-20190103'), syslog(REPORT)))['events']
    assert event['time'] == '2018-10-28T11:32:28+00:00'


def test_new_year_within_a_file(tmpdir):
    text = (
        syslog(bare_kill(1), 'Dec 30 11:00:00')
        + quiet('Dec 31 23:59:59', 2000)
        + quiet('Jan  1 00:00:00', 2000)
        + syslog(bare_kill(2), 'Jan  2 11:00:00')
        + quiet('Jul  2 00:00:00', 2000)
        + quiet('Dec 31 23:00:00', 2000)
        + quiet('Jan  1 00:00:00', 2000)
        + syslog(bare_kill(3), 'Jan  3 11:00:00')
        + syslog(bare_kill(4), 'Feb 29 11:00:00')
    )
    result = read(write(tmpdir.join('messages'), text, modified=1710000000))  # 2024-03-09
    assert [event['time'] for event in reversed(result['events'])] == [
        '2022-12-30T11:00:00+00:00',
        '2023-01-02T11:00:00+00:00',
        '2024-01-03T11:00:00+00:00',
        '2024-02-29T11:00:00+00:00',
    ]


def test_rotated_files_are_read_in_the_order_of_time(tmpdir):
    names = ['messages.10', 'messages.2', 'messages.1', 'messages']
    for index, name in enumerate(names):
        write(tmpdir.join(name), syslog(bare_kill(1 + index), 'Oct %d 11:00:00' % (10 + index)))
    result = read(str(tmpdir.join('messages*')))
    assert [source['path'] for source in result['summary']['sources']] == [str(tmpdir.join(name)) for name in names]
    assert pids(result) == [1, 2, 3, 4]


def test_a_report_that_rotation_cut_is_joined(tmpdir):
    lines = syslog(REPORT).splitlines(True)
    for cut in range(1, len(lines)):
        write(tmpdir.join('messages-20251028'), ''.join(lines[:cut]))
        write(tmpdir.join('messages'), ''.join(lines[cut:]))
        (event,) = read(str(tmpdir.join('messages*')))['events']
        assert event['complete'] and event['source']['path'].endswith('messages-20251028'), lines[cut]


@pytest.mark.slow
def test_a_line_that_rotation_cut_is_joined(tmpdir):
    text = syslog(REPORT, uptime=8341.25)
    rotated, current = tmpdir.join('messages-20251028'), tmpdir.join('messages')
    (whole,) = read(write(rotated, text))['events']
    for cut in range(1, len(text)):
        # What begins and what ends a report is cut everywhere, the rest here and there.
        line = text[text.rfind('\n', 0, cut) + 1 : text.index('\n', cut)]
        if cut % 17 and 'invoked' not in line and 'Killed' not in line:
            continue
        write(rotated, text[:cut])
        write(current, text[cut:])
        result = read(str(tmpdir.join('messages*')))
        assert result['events'] == [whole], text[:cut]
        assert [(source['bytes'], source['lines'], source['reports']) for source in result['summary']['sources']] == [
            (cut, text[:cut].count('\n') + (text[cut - 1] != '\n'), 1),
            (len(text) - cut, text[cut:].count('\n'), 0),
        ], text[:cut]


@pytest.mark.parametrize('name', ['messages.gz', 'messages-20251028.gz'])
def test_a_line_that_rotation_cut_is_joined_when_it_was_compressed(tmpdir, name):
    text = quiet('Oct 28 11:00:00', 300) + syslog(REPORT) + quiet('Oct 28 12:00:00', 300)
    (whole,) = read(write(tmpdir.join('messages-20251028'), text))['events']
    cut = text.index('invoked') + 3
    for part, path in ((text[:cut], tmpdir.join('messages-20251028')), (text[cut:], tmpdir.join('messages'))):
        if path.basename + '.gz' == name:
            path = tmpdir.join(name)
            with gzip.open(str(path), 'wb') as stream:
                stream.write(part.encode('utf-8'))
        else:
            write(path, part)
        os.utime(str(path), (NOW, NOW))
    if name.startswith('messages-'):
        tmpdir.join('messages-20251028').remove()
    (event,) = read(str(tmpdir.join('messages*')))['events']
    assert dict(event, source=None, seen_in=None) == dict(whole, source=None, seen_in=None)
    assert (event['source']['line'], event['source']['offset']) == (whole['source']['line'], whole['source']['offset'])


@pytest.mark.parametrize('names', [('messages.3', 'messages.1', 'messages'), ('messages.1', 'kern.log', 'syslog')])
def test_a_log_that_ends_within_a_line_and_is_the_last_of_its_family_ends_there(tmpdir, names):
    cut = syslog(REPORT).index(' kernel: Mem-Info') + 12
    texts = syslog(REPORT)[:cut], '', syslog(bare_kill(1))
    paths = [write(tmpdir.join(name), text) for name, text in zip(names, texts)]
    result = read(*paths)
    assert sorted(pids(result)) == [1]
    assert [source['lines'] for source in result['summary']['sources']] == [
        texts[0].count('\n') + 1, 0, texts[2].count('\n')]


def test_one_kill_in_three_logs_is_one_event(tmpdir):
    messages = write(tmpdir.join('messages'), syslog(REPORT, host='db1'))
    dmesg = write(
        tmpdir.join('dmesg'), ''.join('[ 8341.%06d] %s\n' % (index, line) for index, line in enumerate(REPORT))
    )
    record = {
        '__REALTIME_TIMESTAMP': '1761651149000000',
        '_HOSTNAME': 'db1.example.com',
        '_TRANSPORT': 'kernel',
        '_SOURCE_MONOTONIC_TIMESTAMP': '8341000000',
    }
    journal = write(
        tmpdir.join('journal'),
        ''.join(json.dumps(dict(record, MESSAGE=line), separators=(',', ':')) + '\n' for line in REPORT),
    )
    result = read(messages, dmesg, journal)
    (event,) = result['events']
    assert result['summary']['kills'] == 1
    assert event['seen_in'] == [messages, dmesg, journal]
    assert (event['time'], event['uptime_seconds'], event['host'], event['trusted']) == (
        '2025-10-28T11:32:29+00:00', 8341.0, 'db1.example.com', True)
    assert event['victims'][0]['duplicates'] == 0


def test_a_part_that_one_source_lost_is_taken_from_another(tmpdir):
    first = write(tmpdir.join('kern.log'), syslog(REPORT[:-3]) + syslog(REPORT[-2:]))
    second = write(
        tmpdir.join('dmesg'),
        ''.join('[ 8341.%06d] %s\n' % (index, line) for index, line in enumerate(REPORT) if index > 8),
    )
    (event,) = read(first, second)['events']
    assert event['complete'] and event['uptime_seconds'] is not None and event['host'] == 'centos7'


def test_the_same_process_killed_in_two_boots_is_two_events(tmpdir):
    text = syslog(REPORT, 'Oct 20 11:00:00', uptime=100.5) + syslog(REPORT, 'Oct 21 11:00:00', uptime=100.5)
    result = read(write(tmpdir.join('messages'), text))
    assert pids(result) == [13036, 13036]
    ids = [event['id'] for event in result['events']]
    assert len(set(ids)) == 2 and ids[0].startswith(ids[1])


def test_an_event_has_the_same_id_on_every_reading_and_from_every_source(tmpdir):
    first = read(write(tmpdir.join('a'), syslog(REPORT)))['events'][0]['id']
    second = read(write(tmpdir.join('b'), ''.join('[ 8341.000001] %s\n' % line for line in REPORT)))['events'][0]['id']
    assert first == second


def test_the_summary_counts_by_process_and_scope(tmpdir):
    text = syslog(REPORT) + syslog(memcg()) + syslog(memcg(pid=5)) + syslog(bare_kill(77))
    summary = read(write(tmpdir.join('messages'), text))['summary']
    assert summary['kills'] == 4
    assert summary['by_process'] == {'mysqld': 1, 'stress': 2, 'python3': 1}
    assert summary['by_scope'] == {'global': 1, 'memcg': 2, 'unknown': 1}


def test_the_ring_buffer_is_read_from_dev_kmsg(tmpdir, monkeypatch):
    records = [
        '4,%d,%d,-;%s\n SUBSYSTEM=x\n' % (index, 8341000000 + index, line.replace('\n', '\\x0a'))
        for index, line in enumerate(REPORT)
    ]
    monkeypatch.setattr(live, 'ring_buffer_blocks', lambda: iter([''.join(records).encode('utf-8')]))
    monkeypatch.setattr(live, 'boot_time', lambda: NOW - 10000.0)
    result = read(own_sources=['ring_buffer'])
    (event,) = result['events']
    assert event['complete'] and event['trusted'] is True and event['seen_in'] == ['ring_buffer']
    assert event['time'] == '2025-11-01T11:59:01+00:00'


def test_a_ring_buffer_that_was_overrun_lost_the_middle(tmpdir, monkeypatch):
    lines = REPORT[:6] + REPORT[-8:]
    records = ''.join('4,%d,%d,-;%s\n' % (index, 8341000000 + index, line) for index, line in enumerate(lines))
    monkeypatch.setattr(live, 'ring_buffer_blocks', lambda: iter([records.encode('utf-8')]))
    (event,) = read(own_sources=['ring_buffer'])['events']
    assert event['missing'] == ['memory'] or event['missing'] == ['memory', 'tasks']
    assert event['victims'][0]['pid'] == 13036


def test_a_source_that_fails_says_so(monkeypatch):
    def fail():
        raise oom_log.sources.SourceError('/dev/kmsg: Operation not permitted')

    monkeypatch.setattr(live, 'ring_buffer_blocks', lambda: (fail() for _block in range(1)))
    result = read(own_sources=['ring_buffer'])
    assert result['summary']['sources'] == [
        {'path': 'ring_buffer', 'bytes': 0, 'lines': 0, 'reports': 0, 'error': '/dev/kmsg: Operation not permitted',
         'cut': None, 'unsearched': None, 'named': False}
    ]


def test_the_journal_is_asked_for_kernel_messages_as_json(monkeypatch):
    asked = []

    def blocks(argv, stdin=None):
        asked.append(argv)
        if [word for word in argv if word.startswith('--output-fields')]:
            raise oom_log.sources.SourceError("journalctl: unrecognized option '--output-fields'")
        for boot in 'ab':
            yield ''.join(
                json.dumps(
                    {
                        'MESSAGE': line,
                        '_BOOT_ID': boot * 32,
                        '__REALTIME_TIMESTAMP': '17616511490%05d' % ord(boot),
                        '_TRANSPORT': 'kernel',
                        '_HOSTNAME': 'db1',
                    },
                    separators=(',', ':'),
                )
                + '\n'
                for line in REPORT
            ).encode('utf-8')

    monkeypatch.setattr(live, 'command_blocks', blocks)
    result = read(own_sources=['journal'], since=1700000000)
    assert [words[:6] for words in asked] == [
        ['journalctl', '--no-pager', '--quiet', '--all', '--output=json', '--since=@1700000000']] * 3
    assert all('_TRANSPORT=kernel' in words for words in asked)
    assert len(result['events']) == 2 and all(event['complete'] for event in result['events'])


def test_nul_bytes_and_invalid_text_do_no_harm(tmpdir):
    text = syslog(REPORT).encode('utf-8')
    text = b'\0' * 5000 + text[:200] + b'\0' * 3 + text[200:].replace(b'mysqld', b'my\xff\xfesqld') + b'\0' * 100
    (event,) = read(write(tmpdir.join('messages'), text))['events']
    assert event['victims'][0]['pid'] == 13036


def test_a_log_of_one_long_line_is_read(tmpdir):
    text = (
        b'x' * (3 << 20)
        + b' Out of memory: Killed process 1 (a) total-vm:1kB, anon-rss:1kB '
        + b'y' * (3 << 20)
        + b'\n'
    )
    result = read(write(tmpdir.join('messages'), text + syslog(REPORT).encode('utf-8')))
    assert 13036 in pids(result)


def test_a_table_of_very_many_rows_keeps_the_largest(tmpdir):
    place = next(index for index, line in enumerate(REPORT) if line.startswith('[  pid'))
    rows = [
        '[%7d]     0 %5d    19091 %8d    94208        0             0 worker'
        % (20000 + index, 20000 + index, index % 100)
        for index in range(70000)
    ]
    result = read(write(tmpdir.join('messages'), syslog(REPORT[: place + 1] + rows + REPORT[place + 1 :])), tasks=5)
    (event,) = result['events']
    assert event['tasks'][0]['name'] == 'mysqld' and event['task_count'] == 70004
    assert event['missing'] == ['tasks'] and pids(result) == [13036]


@pytest.mark.slow
def test_very_many_kills_are_all_counted(tmpdir):
    text = ''.join(
        syslog(bare_kill(1000 + index), 'Oct 28 11:%02d:%02d' % (index // 400, index // 10 % 40))
        for index in range(12500)
    )
    result = read(write(tmpdir.join('messages'), text), limit=10)
    assert result['summary']['kills'] == 12500 and len(result['events']) == 10


@pytest.mark.parametrize(
    'page',
    [
        'the kernel invoked oom-killer, and then',
        '# `mysqld invoked oom-killer`',
        'Killed process',
        'oom-kill',
        'page allocation failure',
        'Why was my Killed process 17 gone?',
        'Out of memory: Killed process x (y)',
    ],
)
def test_a_page_about_oom_kills_is_no_report(tmpdir, page):
    assert read(write(tmpdir.join('page.md'), '# Title\n\n%s\n\nmore\n' % page))['events'] == []


@pytest.mark.parametrize('real', [False, True], ids=['forged', 'forged after a kill'])
def test_what_user_space_wrote_in_the_kernels_name_is_told_by_the_journal(tmpdir, monkeypatch, real):
    def record(transport):
        return json.dumps(
            {'MESSAGE': bare_kill(7)[0], '_TRANSPORT': transport, '_HOSTNAME': 'centos7', 'SYSLOG_IDENTIFIER': 'kernel',
             '__REALTIME_TIMESTAMP': '1761651149000000'}, separators=(',', ':')) + '\n'

    records = record('syslog') + (record('kernel') if real else '')
    monkeypatch.setattr(live, 'command_blocks', lambda argv, stdin=None: iter([records.encode('utf-8')]))
    path = write(tmpdir.join('messages'), syslog(bare_kill(7)))
    assert read(path)['events'][0]['trusted'] is None
    result = read(path, own_sources=['journal'])
    event, = result['events']
    assert event['trusted'] is real and result['summary']['kills'] == int(real)


def of_journal(lines, **fields):
    record = {'_TRANSPORT': 'kernel', '__REALTIME_TIMESTAMP': '1761651149000000', '_HOSTNAME': 'centos7'}
    record.update(fields)
    return ''.join(json.dumps(dict(record, MESSAGE=line), separators=(',', ':')) + '\n' for line in lines)


@pytest.mark.parametrize('syslog_lines,journal_lines,trusted', [
    (REPORT, REPORT, True),
    # The task table, which says who was large, is in the syslog alone.
    (REPORT, [line for line in REPORT if line[:1] != '['], None),
    (REPORT[-2:], REPORT, True),
], ids=['both whole', 'the proven one has a gap', 'the other has the kill alone'])
def test_what_a_syslog_alone_tells_is_not_proven_by_the_journal(tmpdir, syslog_lines, journal_lines, trusted):
    for order in (1, -1):
        paths = [write(tmpdir.join('kern.log'), syslog(syslog_lines)),
                 write(tmpdir.join('a.json'), of_journal(journal_lines))][::order]
        event, = read(*paths)['events']
        assert event['complete'] and event['trusted'] is trusted, order


@pytest.mark.parametrize('fields,trusted', [
    ({}, True),
    ({'SYSLOG_FACILITY': '1'}, False),
    ({'_TRANSPORT': 'syslog', 'SYSLOG_IDENTIFIER': 'kernel'}, False),
    ({'_TRANSPORT': 'stdout', 'SYSLOG_IDENTIFIER': 'kernel'}, False),
    ({'_TRANSPORT': None, 'SYSLOG_IDENTIFIER': 'kernel'}, None),
    ({'_TRANSPORT': None}, None),
    ({'_TRANSPORT': None, 'SYSLOG_IDENTIFIER': 'mallory'}, False),
])
def test_the_journal_proves_the_kernel_by_its_own_field_alone(tmpdir, fields, trusted):
    event, = read(write(tmpdir.join('a.json'), of_journal(REPORT, **fields)))['events']
    assert event['trusted'] is trusted


@pytest.mark.parametrize('is_own,mode,trusted', [(True, 0o644, True), (False, 0o644, None), (True, 0o666, None)])
def test_a_record_of_the_journal_in_a_strangers_file_proves_nothing(tmpdir, monkeypatch, is_own, mode, trusted):
    path = write(tmpdir.join('a.json'), of_journal(REPORT))
    os.chmod(path, mode)
    if not is_own and os.geteuid() == 0:
        os.chown(path, 65534, 65534)
    elif not is_own:
        monkeypatch.setattr(os, 'geteuid', lambda: 65533)
    event, = read(path)['events']
    assert event['trusted'] is trusted


@pytest.mark.parametrize('line,trusted', [
    ('4,%d,8341000000,-;%s\n', True), ('<4>[ 8341.%06d] %s\n', True), ('12,%d,8341000000,-;%s\n', False),
    ('[ 8341.%06d] %s\n', None)], ids=['/dev/kmsg', 'dmesg --raw', 'of user space', 'without a facility'])
def test_the_ring_buffer_read_on_this_host_proves_its_facility(tmpdir, monkeypatch, line, trusted):
    text = ''.join(line % (index, words) for index, words in enumerate(REPORT))
    monkeypatch.setattr(live, 'ring_buffer_blocks', lambda: iter([text.encode('utf-8')]))
    event, = read(own_sources=['ring_buffer'])['events']
    assert event['trusted'] is trusted
    event, = read(write(tmpdir.join('dmesg'), text))['events']
    assert event['trusted'] is (trusted and None), 'the same text in a file'


@pytest.mark.parametrize('name, elsewhere', [
    ('db1', False), ('db1.example.com', False), ('DB1', False), ('localhost', False), ('[db1]', False),
    ('localhost.localdomain', False), ('db2', True), ('db11', True), ('10.0.0.7', True), ('db2.db1', True)])
@pytest.mark.parametrize('own', ['db1', 'db1.example.com'])
def test_in_the_hosts_own_logs_only_its_own_name_is_its(tmpdir, monkeypatch, name, elsewhere, own):
    monkeypatch.setattr(live, 'host_name', lambda: own)
    path = write(tmpdir.join('messages'), syslog(REPORT, host=name) + 'Oct 28 11:40:01 %s systemd[1]: a.service: A '
                 'process of this unit has been killed by the OOM killer.\n' % name)
    monkeypatch.setattr(oom_log.sources, 'KERNEL_LOGS', (path + '*',))
    for paths, expected in (((), elsewhere), ((path,), False)):
        result = oom_log.read_events(paths, ['files'], now=NOW, signals=True)
        assert [event['elsewhere'] for event in result['events']] == [expected]
        assert set(signal['elsewhere'] for signal in result['signals']) == set([expected])


@pytest.mark.parametrize('proven, elsewhere', [(True, False), (False, True)])
def test_the_name_that_a_host_had_before_is_its_own_if_its_kernel_s_buffer_tells_it(
        tmpdir, monkeypatch, proven, elsewhere):
    monkeypatch.setattr(live, 'host_name', lambda: 'new')
    monkeypatch.setattr(live, 'boot_time', lambda: time.mktime((2025, 10, 28, 11, 32, 28, 0, 0, -1)) - 8341)
    buffer = ''.join('3,%d,8341000000,-;%s\n' % (number, line) for number, line in enumerate(REPORT))
    monkeypatch.setattr(live, 'ring_buffer_blocks', lambda: iter([buffer.encode('utf-8')] if proven else []))
    path = write(tmpdir.join('messages'), syslog(REPORT, host='old', uptime=8341.0) + 'Oct 28 11:32:28 old systemd[1]: '
                 'a.service: A process of this unit has been killed by the OOM killer.\n')
    monkeypatch.setattr(oom_log.sources, 'KERNEL_LOGS', (path + '*',))
    result = oom_log.read_events((), ['files', 'ring_buffer'], now=NOW, signals=True)
    assert [row['elsewhere'] for row in result['events'] + result['signals']] == [elsewhere] * 2


def test_a_reading_is_freed_with_its_last_reference():
    reading = oom_log.Reading(now=NOW)
    reading.text(syslog(REPORT).encode('utf-8'), 'text')
    freed = weakref.ref(reading)
    gc.disable()
    try:
        del reading
        assert freed() is None
    finally:
        gc.enable()


@pytest.mark.parametrize('readable, refused', [(True, None), (False, 'Permission denied')])
def test_a_journal_that_a_user_may_not_read_is_closed_and_not_empty(tmpdir, monkeypatch, readable, refused):
    tmpdir.ensure('var', 'log', 'journal', '0123', 'system.journal')
    tmpdir.ensure('var', 'log', 'journal', '0123', 'user-1000.journal')
    access = os.access
    monkeypatch.setattr(os, 'access', lambda path, mode: access(path, mode) and (
        readable or not path.endswith('system.journal')))
    assert live.journal_refusal(str(tmpdir)) == refused
