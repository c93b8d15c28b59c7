# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a log holds, it is read: no exception, JSON, each part named or there, and time that grows with its size."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json

import pytest

# The unit tests of the other Pythons of a node have pytest alone; the imports below stand behind this for it.
pytest.importorskip('hypothesis')

from _log.test_prefix import FORMS  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._report import reading as oom_log  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._report.table import is_header  # noqa: E402
from growth import is_linear  # noqa: E402
from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from oom_reports import ERAS, memcg, syslog  # noqa: E402

REPORTS = [syslog(lines).encode('utf-8') for lines in list(ERAS.values()) + [memcg(1), memcg(2)]]
LINES = sorted(set(line for report in REPORTS for line in report.split(b'\n')))
RELAXED = settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))


# Those with a bar stand without a prefix, as pieces of a broken line do.
ROWS = [
    '[  777]  1000   777    19091       93    94208        0             0 worker',
    '[  778]  1000   778    19091       94    94208        0             0 two words',
    '[  779]  1000   779    19091       95    94208        0             0',
    '[  780]  1000   780    19091       96    94208        0             0 ',
    '[  781]  1000   781    19091',
    '[  782]  1000   782    19091       97    94208        0             0 kw#012x',
    '[  783]  1000   783    19091       98 99999999999999999999999999        0             0 vast',
    '[  784]  1000   784    19091       98    94208        0         -1000 [kthread]',
    '[ 12.345678] [  785]  1000   785    19091       98    94208        0             0 timed',
    '[ T99] [  786]  1000   786    19091       98    94208        0             0 called',
    '[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name',
    '|      99    94208        0             0 piece',
    '|[  787]  1000   787    19091       98    94208        0             0 bare',
    'oom_reaper: reaped process 1 (x), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB',
]
PREFIXES = ['', 'Oct 28 11:32:28 h kernel: ', 'Oct 28 11:32:28 h kernel: [ 12.345678] ', '[   12.345678] ']
# Of every kernel, and what only looks like a line of a report, or breaks the rule of the lines around it.
MESSAGES = ROWS + sorted(set(line for lines in ERAS.values() for line in lines)) + [
    '',
    '|',
    '| pieces of a line',
    '[<ffffffff8116d2c1>] oom_kill_process+0x241/0x390',
    '[ 99.000001] Out of memory: Killed process 5 (late) total-vm:4kB, anon-rss:4kB, file-rss:0kB',
    'message repeated 2 times: [ Out of memory: Killed process 6 (again) total-vm:4kB, anon-rss:4kB, file-rss:0kB]',
    '|Oct 28 11:32:28 other kernel: mapped:1 shmem:2',
]


def in_blocks(blocks):
    """The events of a log that is read by these blocks."""
    reading = oom_log.Reading(limit=20, tasks=5, now=1762000000)
    clock = oom_log.Clock(1762000000)
    source = reading._list('text', clock)
    scanner = oom_log.Scanner(reading._messages, 'text', probe=clock.probe)
    reading._scan(scanner, iter(blocks), source, clock)
    reading._finish(scanner, source)
    reading.end_family()
    return reading.result()['events']


def logged(prefix, lines):
    return [((line if line.startswith('|') else prefix + line).lstrip('|') + '\n').encode('utf-8') for line in lines]


def replaced(log, place, piece, length):
    place %= len(log)
    return log[:place] + piece + log[place + length :]


def read(data):
    reading = oom_log.Reading(limit=20, tasks=5, now=1762000000)
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


# Records of several lines: the journal's export, json-pretty and verbose formats, and dmesg --json.
RECORDS = [FORMS[form][0] for form in sorted(FORMS) if form.split(' -')[-1] in ('o export', 'o verbose', '-json')]
RECORDS += [FORMS[form][0] for form in sorted(FORMS) if 'json-pretty' in form]
WRITTEN = [
    text if isinstance(text, bytes) else text.encode('utf-8')
    for text in (write(ERAS[era]) for write in RECORDS for era in ('3.10.0-514.el7', '6.12.0'))
]


@RELAXED
@given(st.sampled_from(WRITTEN), st.integers(0, 60000), st.binary(max_size=64), st.integers(0, 4000))
def test_records_of_several_lines_with_a_piece_replaced(log, place, piece, length):
    read(replaced(log, place, piece, length))


@RELAXED
@given(st.lists(st.sampled_from(sorted(set(line for log in WRITTEN for line in log.split(b'\n')))), max_size=60))
def test_any_lines_of_records_in_any_order(lines):
    for head in set(b'\n'.join(log.split(b'\n', 2)[:2]) for log in WRITTEN):
        read(b'\n'.join([head] + lines))


@RELAXED
@given(st.sampled_from(WRITTEN), st.integers(1, 70000))
def test_records_of_several_lines_in_blocks_of_any_size_read_the_same(log, size):
    # What tells how a log is written is in its first block.
    blocks = [log[:1000]] + [log[start : start + size] for start in range(1000, len(log), size)]
    found = in_blocks(blocks)
    assert found == read(log)['events'] and found[0]['complete']


@RELAXED
@given(st.sampled_from(REPORTS), st.integers(0, 20000), st.binary(max_size=64), st.integers(0, 400))
def test_a_report_with_a_piece_replaced(report, place, piece, length):
    read(replaced(report, place, piece, length))


@RELAXED
@given(st.sampled_from(REPORTS), st.integers(1, 200000))
def test_a_report_in_blocks_of_any_size_reads_the_same(report, size):
    data = report * 3
    assert in_blocks([data[start : start + size] for start in range(0, len(data), size)]) == read(data)['events']


@RELAXED
@given(
    st.sampled_from(sorted(era for era in ERAS if any(is_header(line) for line in ERAS[era]))),
    st.sampled_from(PREFIXES),
    st.lists(st.sampled_from(ROWS), max_size=12),
)
def test_rows_of_a_table_say_in_one_block_what_they_say_line_by_line(era, prefix, rows):
    lines = list(ERAS[era])
    place = [index for index, line in enumerate(lines) if is_header(line)][0]
    lines[place + 1 : place + 1] = rows
    data = logged(prefix, lines)
    assert in_blocks(data) == read(b''.join(data))['events']


@RELAXED
@given(st.sampled_from(PREFIXES), st.lists(st.sampled_from(MESSAGES), max_size=90))
def test_lines_that_begin_alike_say_in_one_block_what_they_say_line_by_line(prefix, lines):
    data = logged(prefix, lines)
    assert in_blocks(data) == read(b''.join(data))['events']


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
    assert is_linear(lambda size: read(REPORTS[0][:200] + unit * (size // len(unit)) + b'\n' + REPORTS[0]), 1 << 20)
