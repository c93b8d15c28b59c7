# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a block ends makes no difference, and lines without reports are not looked at."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._log.messages import Messages
from ansible_collections.oom.rescue.plugins.module_utils._log.scan import Scanner
from ansible_collections.oom.rescue.plugins.module_utils._report.assembler import Assembler
from ansible_collections.oom.rescue.plugins.module_utils._report.report_lines import rejoin
from oom_reports import ERAS, bare_kill, memcg, syslog


def scan(data, size, fed=None):
    assembler = Assembler()
    messages = Messages(assembler, rejoin)
    if fed is not None:
        feed = messages.feed

        def watched(lines):
            read = feed(lines)
            fed.extend(lines.texts[:read])
            return read

        messages.feed = watched
    scanner = Scanner(messages, 'log')
    for start in range(0, len(data), size):
        scanner.feed(data[start : start + size])
    scanner.finish()
    messages.flush()
    return [
        (
            report.line,
            report.offset,
            len(report.table.rows) if report.table else None,
            bool(report.memory_block),
            [victim['pid'] for victim in report.victims],
        )
        for report in assembler.ended
    ], scanner


QUIET = 'Oct 28 11:32:27 centos7 Kernel_Keeper[7]: Keys OK, KiB of Killed\n'
TEXT = (
    QUIET * 50
    + syslog(ERAS['5.15.0'])
    + QUIET * 100
    + syslog(memcg(1))
    + QUIET * 3
    + syslog(bare_kill(5))
    + QUIET * 200
    + syslog(ERAS['2.6.32-el6'][4:])
    + QUIET
).encode('utf-8')


@pytest.mark.parametrize('size', [1, 7, 13, 64, 100, 1000, 4096, 5000, 65536, 1 << 20])
def test_blocks_of_any_size_give_the_same_reports(size):
    found, scanner = scan(TEXT, size)
    assert found == scan(TEXT, len(TEXT))[0]
    assert [report[4] for report in found] == [[13036], [68061], [5], [13036]]
    assert (scanner.bytes, scanner.line_count) == (len(TEXT), TEXT.count(b'\n'))


def test_lines_without_a_report_are_not_read():
    fed = []
    data = (QUIET * 20000 + syslog(ERAS['5.15.0']) + QUIET * 20000).encode('utf-8')
    found, dummy = scan(data, 1 << 20, fed)
    assert len(found) == 1 and len(fed) < len(ERAS['5.15.0']) + 100


def test_a_victim_whose_header_is_far_above_still_has_its_table():
    lines = [line for line in ERAS['5.15.0'] if 'invoked' not in line]
    found, dummy = scan((QUIET * 30 + syslog(lines)).encode('utf-8'), 1 << 20)
    assert found[0][2:] == (4, True, [13036])


@pytest.mark.parametrize('letter', ['K', 'Ki', 'Killed', 'Killed process '])
def test_a_log_full_of_a_rare_letter_is_read_too(letter):
    data = (letter * (300000 // len(letter)) + '\n').encode('utf-8') + TEXT
    assert [report[4] for report in scan(data, 1 << 16)[0]] == [[13036], [68061], [5], [13036]]


@pytest.mark.parametrize('size', [1000, 65536, 1 << 20])
def test_a_line_too_long_to_be_read_whole_is_one_line(size):
    above = 'Oct 28 11:00:00 h kernel: %s\n' % ('oom-kill' * 9000)
    data = (QUIET + above + syslog(ERAS['5.15.0']) + QUIET).encode('utf-8')
    found, scanner = scan(data, size)
    assert [report[:2] for report in found] == [(3, len(QUIET + above))]
    assert scanner.line_count == data.count(b'\n')
