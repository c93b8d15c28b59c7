# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import gzip
import io

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._report.raw import raw_lines
from ansible_collections.oom.rescue.plugins.module_utils._verdict.diagnose import diagnose
from conftest import SEED

LINES = [
    'Sep  3 14:00:00 web kernel: php invoked oom-killer: gfp_mask=0x201da, order=0, oom_score_adj=0',
    'Sep  3 14:00:00 web sudo: anna : COMMAND=/usr/bin/mysql --password=secret',
    'Sep  3 14:00:00 web kernel: Mem-Info:',
    'Sep  3 14:00:00 web kernel: Killed process 7 (php) total-vm:9000kB, anon-rss:8000kB, file-rss:0kB, shmem-rss:0kB',
    'Sep  3 14:00:01 web kernel: eth0: link up',
]


def written(path, lines):
    with io.open(str(path), 'wb') as stream:
        stream.write(u''.join(u'%s\n' % line for line in lines).encode('utf-8'))
    return str(path)


def test_the_kernel_s_lines_of_a_report_are_told_and_no_others(tmp_path):
    path = written(tmp_path / 'messages', ['before'] + LINES)
    assert raw_lines({'path': path, 'offset': 7}) == [LINES[0]] + LINES[2:4]


@pytest.mark.parametrize('source', [
    {'path': 'journal', 'offset': None}, {'path': '/no/such/file', 'offset': 0}, {'path': '/dev/null', 'offset': 0},
    {'path': '/', 'offset': 0}])
def test_what_is_no_plain_file_has_none(source):
    assert raw_lines(source) == []


def test_a_place_that_holds_no_report_any_more_has_none(tmp_path):
    path = written(tmp_path / 'messages', LINES)
    assert raw_lines({'path': path, 'offset': 3}) != [] and raw_lines({'path': path, 'offset': 100}) == []


def test_the_next_report_is_another(tmp_path):
    path = written(tmp_path / 'messages', [LINES[0], LINES[2], LINES[0], LINES[3]])
    assert raw_lines({'path': path, 'offset': 0}) == [LINES[0], LINES[2]]


def test_another_host_s_lines_in_between_are_left_out_and_do_not_end_it(tmp_path):
    other = [line.replace(' web ', ' db1 ') for line in LINES]
    mixed = [line for pair in zip(LINES, other) for line in pair]
    path = written(tmp_path / 'messages', mixed)
    assert raw_lines({'path': path, 'offset': 0}) == [LINES[0]] + LINES[2:4]


@pytest.mark.parametrize('end', [
    'Kernel panic - not syncing: Out of memory: compulsory panic_on_oom is enabled',
    'Out of memory and no killable processes...'])
def test_a_report_without_a_kill_ends_with_what_the_kernel_did_instead(tmp_path, end):
    end = 'Sep  3 14:00:00 web kernel: ' + end
    path = written(tmp_path / 'messages', [LINES[0], LINES[2], end, LINES[4]])
    assert raw_lines({'path': path, 'offset': 0}) == [LINES[0], LINES[2], end]


def test_the_report_that_is_meant_has_its_lines_and_one_that_is_packed_none(tmp_path):
    raw = diagnose(options={'log': SEED})['raw']
    assert len(raw) > 60 and 'invoked oom-killer' in raw[0] and 'Killed process' in raw[-1]
    packed = tmp_path / 'messages.gz'
    with gzip.open(str(packed), 'wb') as stream, io.open(SEED, 'rb') as seed:
        stream.write(seed.read())
    assert diagnose(options={'log': str(packed)})['raw'] == []
