# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log files that are compressed, corrupt, unreadable, gone, or written to meanwhile."""

from __future__ import absolute_import, division, print_function

import bz2
import gzip
import io
import os
import subprocess

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._report import reading as oom_log
from oom_reports import ERAS, bare_kill, quiet, syslog

REPORT = ERAS['5.15.0']


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
