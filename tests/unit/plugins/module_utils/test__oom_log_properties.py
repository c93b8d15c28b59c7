# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a log holds, it is read: no exception, JSON, each part named or there, and time that grows with its size."""

from __future__ import absolute_import, division, print_function

import json
import time

import pytest

pytest.importorskip('hypothesis')

from ansible_collections.oom.rescue.plugins.module_utils import _oom_log  # noqa: E402
from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from oom_reports import ERAS, memcg, syslog  # noqa: E402

REPORTS = [syslog(lines).encode('utf-8') for lines in list(ERAS.values()) + [memcg(1), memcg(2)]]
LINES = sorted(set(line for report in REPORTS for line in report.split(b'\n')))
RELAXED = settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))


def read(data):
    reading = _oom_log.Reading(limit=20, tasks=5, now=1762000000)
    reading.text(data, 'text')
    result = reading.result()
    json.dumps(result)
    for event in result['events']:
        assert event['complete'] is (event['missing'] == [])
        assert set(event['missing']) <= set(['header', 'memory', 'tasks', 'victim'])
        assert event['cause'].endswith('.')
        assert event['victims'] or event['missing'] or event['kind'] != 'kill'
    return result


@RELAXED
@given(st.binary(max_size=4096))
def test_any_bytes(data):
    read(data)


@RELAXED
@given(st.lists(st.one_of(st.sampled_from(LINES), st.binary(max_size=200)), max_size=120))
def test_any_lines_of_reports_in_any_order(lines):
    read(b'\n'.join(lines))


@RELAXED
@given(st.sampled_from(REPORTS), st.integers(0, 20000), st.binary(max_size=64), st.integers(0, 400))
def test_a_report_with_a_piece_replaced(report, place, piece, length):
    place %= len(report)
    read(report[:place] + piece + report[place + length :])


@RELAXED
@given(st.sampled_from(REPORTS), st.integers(1, 200000))
def test_a_report_in_blocks_of_any_size_reads_the_same(report, size):
    whole = read(report * 3)
    reading = _oom_log.Reading(limit=20, tasks=5, now=1762000000)
    source = reading._list('text', _oom_log.Clock(1762000000))
    scanner = _oom_log.Scanner(reading._assembler, 'text')
    data = report * 3
    reading._scan(
        scanner, iter([data[start : start + size] for start in range(0, len(data), size)]), source, _oom_log.Clock(0)
    )
    reading.end_family()
    assert reading.result()['events'] == whole['events']


@pytest.mark.parametrize(
    'unit',
    [
        b'Killed process ',
        b'oom-kill',
        b'[',
        b'Out of memory: Killed process 1 (a) total-vm:1kB ',
        b'x invoked oom-killer: ',
        b'a: ',
        b'>',
        b'((((',
        b'Node 0 DMA free:',
        b'1*4kB ',
        b'a:1kB ',
        b'task=',
        b'{"MESSAGE":[',
        b'4,1,1,-;oom-kill:constraint=',
        b'message repeated 1 times: [ ',
        b'\n[  123.456789] [    1]     0     1        1        1        1        1             0 a',
        b'\nOct 28 11:32:28 h kernel: Out of memory: Killed process 1 (a) total-vm:1kB, anon-rss:1kB',
        b'\nOct 28 11:32:28 h kernel: x invoked oom-killer: gfp_mask=0x0, order=0',
        b'\n[1.000000] page allocation failure: order:0',
    ],
)
def test_time_grows_with_size_and_no_faster(unit):
    def seconds(size):
        data = REPORTS[0][:200] + unit * (size // len(unit)) + b'\n' + REPORTS[0]
        started = time.clock() if hasattr(time, 'clock') else time.process_time()
        read(data)
        return (time.clock() if hasattr(time, 'clock') else time.process_time()) - started

    small, large = seconds(1 << 18), seconds(1 << 20)
    # Four times the size: a quadratic loop would take sixteen times as long.
    assert large < 9 * small + 0.3
