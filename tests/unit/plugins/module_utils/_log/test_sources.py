# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log files that are compressed, corrupt, unreadable, gone, or written to meanwhile."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import bz2
import gzip
import io
import os
import re
import struct
import subprocess
import zlib

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._log import budget, sources
from ansible_collections.oom.rescue.plugins.module_utils._report import reading as oom_log
from oom_reports import ERAS, bare_kill, quiet, syslog

REPORT = ERAS['5.15.0']
MIB = 1 << 20


def write(log, text):
    log.write_binary(text if isinstance(text, bytes) else text.encode('utf-8'))
    return str(log)


def read(path):
    return oom_log.read_events([path])


def pids(result):
    return [victim['pid'] for event in reversed(result['events']) for victim in event['victims']]


def _gzip(data):
    buffer = io.BytesIO()
    stream = gzip.GzipFile(fileobj=buffer, mode='wb')
    stream.write(data)
    stream.close()
    return buffer.getvalue()


COMPRESSORS = {
    'gz': _gzip,
    'gz of two members': lambda data: _gzip(data[:500]) + _gzip(data[500:]),
    'bz2': bz2.compress,
    'xz': lambda data: _command(['xz', '-c'], data),
    'zst': lambda data: _command(['zstd', '-cq'], data),
}


def _command(argv, data):
    try:
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    except OSError:
        pytest.skip('%s is not on this host' % argv[0])
    return process.communicate(data)[0]


@pytest.mark.parametrize('kind', sorted(COMPRESSORS))
def test_a_compressed_log_is_read_whatever_its_name(tmpdir, kind):
    text = quiet('Oct 28 11:00:00', 20000) + syslog(REPORT)
    result = read(write(tmpdir.join('messages.1'), COMPRESSORS[kind](text.encode('utf-8'))))
    assert result['summary']['sources'][0]['error'] is None
    assert result['summary']['sources'][0]['bytes'] == len(text)
    assert result['events'][0]['complete'] and result['events'][0]['source']['line'] == 20001


@pytest.mark.parametrize('kind', sorted(COMPRESSORS))
@pytest.mark.parametrize('damage', ['cut', 'changed'])
def test_a_corrupt_log_gives_an_error_and_the_rest_is_read(tmpdir, kind, damage):
    data = COMPRESSORS[kind]((quiet('Oct 28 11:00:00', 4000) + syslog(REPORT)).encode('utf-8'))
    broken = data[:-20] if damage == 'cut' else data[: len(data) // 2] + b'\x55' * 40 + data[len(data) // 2 + 40 :]
    write(tmpdir.join('messages.2'), broken)
    write(tmpdir.join('messages.1'), syslog(bare_kill(4711)))
    result = read(str(tmpdir.join('messages*')))
    first, second = result['summary']['sources']
    assert first['path'].endswith('.2')
    if not (str is bytes and kind.startswith('gz') and damage == 'cut'):  # Python 2's zlib does not tell
        assert first['error'].startswith('corrupt') and '\n' not in first['error']
    assert second['error'] is None and 4711 in pids(result)


def test_a_file_that_cannot_be_read_gives_an_error_and_the_rest_is_read(tmpdir):
    tmpdir.mkdir('messages.3')
    os.mkfifo(str(tmpdir.join('messages.2')))
    os.symlink('/nowhere', str(tmpdir.join('messages.4')))
    write(tmpdir.join('messages'), syslog(REPORT))
    result = read(str(tmpdir.join('messages*')))
    errors = dict((os.path.basename(source['path']), source['error']) for source in result['summary']['sources'])
    assert errors == {'messages.2': 'not a regular file', 'messages.4': 'No such file or directory', 'messages': None}
    assert pids(result) == [13036]


def test_a_file_that_vanishes_while_it_is_waited_for_gives_an_error(tmpdir, monkeypatch):
    path = write(tmpdir.join('messages'), syslog(REPORT))
    found = oom_log.sources.find_files([path], True)
    os.unlink(path)
    reading = oom_log.Reading()
    reading.files(found)
    assert reading.result()['summary']['sources'][0]['error'] == 'No such file or directory'


def test_a_file_that_grows_is_read_to_where_it_ended(tmpdir, monkeypatch):
    path = write(tmpdir.join('messages'), quiet('Oct 28 11:00:00', 30000))
    size = os.path.getsize(path)
    whole = oom_log.sources._plain

    def growing(stream):
        for block in whole(stream):
            with open(path, 'ab') as log:
                log.write(b'x' * len(block))
            yield block

    monkeypatch.setattr(oom_log.sources, '_plain', growing)
    assert read(path)['summary']['sources'][0]['bytes'] == size


def _bomb(kind, mib):
    """``mib`` MiB of one line, compressed, made without holding them."""
    block = b'x' * (MIB - 1) + b'\n'
    maker = {'gz': lambda: zlib.compressobj(9, zlib.DEFLATED, 31), 'bz2': bz2.BZ2Compressor}[kind]()
    return b''.join([maker.compress(block) for _count in range(mib)] + [maker.flush()])


@pytest.mark.slow
def test_no_more_is_unpacked_than_a_log_of_its_size_holds(tmpdir, monkeypatch):
    monkeypatch.setattr(oom_log.sources, '_UNPACKED_AT_LEAST', 8 * MIB)
    write(tmpdir.join('messages.1'), _bomb('bz2', 100))
    write(tmpdir.join('messages'), syslog(REPORT))
    result = read(str(tmpdir.join('messages*')))
    first, second = result['summary']['sources']
    assert first['cut'].startswith('it unpacks to more than 8 MiB') and first['bytes'] <= 9 * MIB
    assert second['cut'] is None and pids(result) == [13036]


@pytest.mark.parametrize('kind', ['xz', 'zst'])
def test_what_takes_more_memory_to_unpack_than_a_log_does_is_refused(tmpdir, kind):
    # Its dictionary of 768 MiB, or its window of 1 GiB, is what the header asks for: nothing that long has to be there.
    argv = {
        'xz': ['xz', '-c', '--no-adjust', '--lzma2=preset=0,dict=768MiB,mf=hc3,nice=4'],
        'zst': ['zstd', '-cq', '--ultra', '--long=30', '-1'],
    }[kind]
    write(tmpdir.join('messages.1'), _command(argv, b'x' * 1000 + b'\n'))
    write(tmpdir.join('messages'), syslog(REPORT))
    result = read(str(tmpdir.join('messages*')))
    assert pids(result) == [13036]
    error = result['summary']['sources'][0]['error']
    # zstd writes a smaller window for what it was told is small.
    assert kind == 'zst' or (error.startswith('corrupt') and 'emory' in error)


FAILURES = [
    MemoryError(),
    RuntimeError('maximum recursion depth exceeded'),
    ValueError('no'),
    EOFError('no'),
    OSError(5, 'Input/output error'),
    zlib.error('no'),
]


@pytest.mark.parametrize('failure', FAILURES, ids=[type(failure).__name__ for failure in FAILURES])
def test_whatever_reading_one_log_raises_is_its_error_and_the_rest_is_told(tmpdir, monkeypatch, failure):
    whole, logs = oom_log.sources.read_blocks, []

    def failing(stream, kind):
        logs.append(stream)
        if len(logs) == 1:
            raise failure
        return whole(stream, kind)

    monkeypatch.setattr(oom_log.sources, 'read_blocks', failing)
    write(tmpdir.join('messages.1'), syslog(bare_kill(4711)))
    write(tmpdir.join('messages'), syslog(REPORT))
    result = read(str(tmpdir.join('messages*')))
    first, second = result['summary']['sources']
    assert first['error'] and second['error'] is None and pids(result) == [13036]


@pytest.mark.parametrize('line', [
    '{"log": ' + '[' * 1200,
    '{"MESSAGE": "Out of memory: Killed process 1 (a)", "x": ' + '[' * 50000,
    '[' * 60000 + '"Out of memory: Killed process"',
    '{"MESSAGE": "x invoked oom-killer: gfp_mask=0x0, order=0", "pri": ' + '9' * 60000 + '}',
    '{"a":' * 10000 + '"ut of memory"',
])
def test_json_that_no_program_wrote_hides_no_report(tmpdir, line):
    result = read(write(tmpdir.join('messages'), line + '\n' + syslog(REPORT) + line + '\n'))
    assert 13036 in pids(result) and result['summary']['sources'][0]['error'] is None


def test_a_field_of_the_journal_that_is_larger_than_any_message_is_left_out(tmpdir):
    def record(message, size):
        field = b'COREDUMP\n' + struct.pack('<Q', size) + b'x' * size + b'\n'
        return b'__CURSOR=s=1\n' + field + b'_TRANSPORT=kernel\nMESSAGE=' + message.encode('utf-8') + b'\n\n'

    data = b''.join(record(line, size) for line, size in zip(ERAS['5.15.0'], [9 * MIB, 0, 5 * MIB] + [3] * 1000))
    result = read(write(tmpdir.join('log'), data))
    assert pids(result) == [13036] and result['events'][0]['complete']


class Clock:
    """A processor that takes ``seconds`` for each block."""

    def __init__(self, seconds):
        self.now, self.seconds = 0, seconds

    def __call__(self):
        self.now += self.seconds
        return self.now


@pytest.mark.slow
def test_of_a_log_that_takes_too_long_the_end_is_read_and_what_was_left_out_is_said(tmpdir, monkeypatch):
    monkeypatch.setattr(budget, '_cpu_seconds', Clock(1))
    text = quiet('Oct 28 11:00:00', 120000) + syslog(REPORT)
    path = write(tmpdir.join('messages.1'), syslog(bare_kill(4711)) + text + syslog(bare_kill(4712)) + quiet(
        'Oct 28 12:00:00', 9000))
    (source,) = read(path)['summary']['sources']
    assert len(text) > 9 * MIB and source['bytes'] == os.path.getsize(path)
    assert re.match(r'reading it took too long: \d MiB of it were left out, from byte 1310720 on', source['cut'])
    result = oom_log.read_events([path], signals=True)
    assert pids(result) == [4711, 13036, 4712]


@pytest.mark.slow
@pytest.mark.parametrize('line', [
    'Oct 28 11:32:28 host kernel: php invoked oom-killer: gfp_mask=0x201da, order=0, oom_score_adj=0\n',
    'Oct 28 11:32:28 host kernel: Out of memory: Killed process @ (mysqld) total-vm:1kB, anon-rss:1kB, file-rss:0kB\n',
    'ut of memory\n',
])
def test_a_log_of_nothing_but_reports_takes_what_it_may_and_its_newest_report_is_there(tmpdir, monkeypatch, line):
    monkeypatch.setattr(budget, 'MOST_SECONDS', 0.1)
    path = write(tmpdir.join('messages.1.gz'), _gzip(''.join(
        line.replace('@', str(100000 + index)) for index in range(4 * MIB // len(line))).encode('utf-8') + syslog(
            REPORT).encode('utf-8')))
    result = oom_log.read_events([path], signals=True, limit=10)
    assert result['summary']['sources'][0]['cut']
    assert result['events'][0]['victims'][0]['pid'] == 13036


def test_a_directory_is_the_logs_in_it_and_below_without_links_and_what_is_no_text(tmpdir):
    for name, data in (('messages', b'x\n'), ('b/c/kern.log.1', b'x\n'), ('wtmp', b'\0' * 999), ('empty', b''),
                       ('1/2/3/4/too-deep', b'x\n'), ('messages-20251101.gz', b'\x1f\x8b\0\0\0\0\0\0\0\0')):
        tmpdir.join(name).write_binary(data, ensure=True)
    tmpdir.join('link').mksymlinkto('/etc/passwd')
    os.mkfifo(str(tmpdir.join('fifo')))
    found = sources.find_files([str(tmpdir)], True)
    assert [log.path[len(str(tmpdir)):] for log in found] == [
        '/messages-20251101.gz', '/messages', '/b/c/kern.log.1']
    assert not any(log.named for log in found)


def test_a_directory_without_a_log_is_itself_and_one_of_very_many_is_bounded(tmpdir):
    assert [log.path for log in sources.find_files([str(tmpdir)], True)] == [str(tmpdir)]
    for number in range(600):
        tmpdir.join('log%03d' % number).write('x\n')
    assert len(sources.find_files([str(tmpdir)], True)) == 500


@pytest.mark.parametrize('script, error, status, said', [
    ('echo "no such journal" >&2; echo more >&2; exit 3', 'no such journal', 3, 'no such journal\nmore'),
    ('exit 2', 'sh failed', 2, ''),
    ('echo >&2; echo "  it broke  " >&2; exit 1', 'it broke', 1, 'it broke'),
    ('kill -9 $$', 'sh failed', -9, ''),
], ids=['in two lines', 'without a word', 'in blanks', 'killed'])
def test_a_command_that_fails_is_told_by_its_first_line_and_keeps_how_it_ended(script, error, status, said):
    blocks = sources.command_blocks(['sh', '-c', 'echo one; ' + script])
    assert next(blocks) == b'one\n'
    with pytest.raises(sources.SourceError) as caught:
        next(blocks)
    assert (str(caught.value), caught.value.status, caught.value.said) == (error, status, said)


def test_a_command_that_is_not_there_is_named():
    with pytest.raises(sources.CommandMissing, match='^no-such-command: No such file or directory'):
        list(sources.command_blocks(['no-such-command', '-c']))


def test_a_command_whose_output_is_not_wanted_any_more_is_ended():
    blocks = sources.command_blocks(['sh', '-c', 'exec yes $$'])
    pid = int(next(blocks).split()[0])
    blocks.close()
    with pytest.raises(OSError):
        os.kill(pid, 0)


@pytest.mark.parametrize('name, family, date, number, current', [
    ('messages', 'messages', None, 0, True), ('messages.3', 'messages', None, -3, False),
    ('messages-20251028', 'messages', '20251028', 0, False), ('kern.log.2.gz', 'kern.log', None, -2, False),
    ('syslog-20251028T0312.xz', 'syslog', '20251028', 0, False), ('kern.log', 'kern.log', None, 0, True),
    ('kern.log.zst', 'kern.log', None, 0, True), ('messages.12345', 'messages.12345', None, 0, True),
])
def test_a_rotated_log_is_placed_by_its_name(tmpdir, name, family, date, number, current):
    log = sources.LogFile(str(tmpdir.join(name)))
    assert (log.family, log.date, log.age, log.current) == (str(tmpdir.join(family)), date, number, current)


@pytest.mark.parametrize('name, modified, moment', [
    ('messages', 1761600000, 1761600000), ('messages', 1900000000, 1762000000),
    # 2025-10-27 ends at 1761609599 in UTC; a copy was made later than that.
    ('messages-20251027', 1761900000, 1761609599), ('messages-20251027', 1761500000, 1761500000),
    ('messages-20259999', 1761500000, 1761500000),
])
def test_no_line_of_a_log_is_later_than_its_date_its_last_change_and_now(tmpdir, name, modified, moment):
    path = write(tmpdir.join(name), 'x\n')
    os.utime(path, (modified, modified))
    assert sources.LogFile(path).last_moment(1762000000) == moment


@pytest.mark.parametrize('data, flaw', [
    (b'text\n', None), (b'', 'empty'), (b' \n\n', 'empty'), (b'a\0\0\0', 'binary'), (b'aaaa\0', None),
    (b'\x1f\x8b\0\0\0\0', None), (b'\xff\xfea\0b\0', None), (None, 'unreadable'),
], ids=['text', 'nothing', 'blanks', 'NULs', 'a NUL', 'gzip', 'UTF-16', 'no file'])
def test_a_file_that_says_nothing_is_told_from_a_log(tmpdir, data, flaw):
    path = str(tmpdir.join('log'))
    if data is not None:
        tmpdir.join('log').write_binary(data)
    assert sources.flaw_of(path) == flaw


@pytest.mark.parametrize('sizes, blocks', [
    ([5, 5, 5], [10, 5]), ([10], [10]), ([3, 3], [6]), ([25, 1], [25, 1]), ([], [])])
def test_pieces_of_a_log_are_joined_to_blocks(sizes, blocks):
    assert [len(block) for block in sources.in_blocks((b'x' * size for size in sizes), 10)] == blocks
