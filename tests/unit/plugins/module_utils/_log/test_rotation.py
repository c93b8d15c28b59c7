# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A line that rotation cut in two, told from two lines by how the lines around it begin."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._log.rotation import rest_of_line
from oom_reports import ERAS, syslog

REPORT = ERAS['5.15.0']
LOGS = {
    'syslog': syslog(REPORT),
    'syslog with seconds': syslog(REPORT, uptime=8341.25),
    'RFC 3339 syslog': ''.join('2025-10-28T11:32:28.125+01:00 db1 kernel: %s\n' % line for line in REPORT),
    'syslog with priority': ''.join('<4>Oct 28 11:32:28 db1 kernel: %s\n' % line for line in REPORT),
    'dmesg': ''.join('[ 8341.250000] %s\n' % line for line in REPORT),
    'dmesg -x': ''.join('kern  :warn  : [ 8341.250000] %s\n' % line for line in REPORT),
    'dmesg -T': ''.join('[Tue Oct 28 11:32:28 2025] %s\n' % line for line in REPORT),
    'journalctl -o json': ''.join(
        json.dumps({'__REALTIME_TIMESTAMP': '1761651149000000', '_HOSTNAME': 'db1', 'MESSAGE': line}, sort_keys=True)
        + '\n' for line in REPORT),
}


@pytest.mark.slow
@pytest.mark.parametrize('log', sorted(LOGS))
def test_the_rest_of_a_line_is_found_wherever_it_was_cut(log):
    text = LOGS[log].encode('utf-8')
    for cut in range(1, len(text)):
        if text[cut - 1 : cut] != b'\n':
            assert rest_of_line(text[:cut], text[cut:]) == text[cut : text.index(b'\n', cut)], text[:cut]


@pytest.mark.parametrize('log', sorted(LOGS))
def test_a_line_that_only_lacks_its_end_is_not_joined_to_the_next(log):
    lines = LOGS[log].encode('utf-8').splitlines(True)
    for cut in range(1, len(lines)):
        assert rest_of_line(b''.join(lines[:cut])[:-1], b''.join(lines[cut:])) is None, lines[cut]


@pytest.mark.parametrize('before, after, rest', [
    pytest.param('Oct 28 11:32:28 db1 kernel: Mem-', 'Info:', 'Info:', id='the only line of both'),
    pytest.param('Oct 28 11:32:28 db1 kernel: Mem-Info:', '\n', '', id='the end of a line alone'),
    pytest.param('Oct 28 11:32:28 db1 kernel: Mem-', '\0\0\0Info:\n', 'Info:', id='a log that was truncated'),
    pytest.param('Oct 28 11:32:28 db1 kernel: Mem-', '', None, id='an empty log'),
    pytest.param('Oct 28 11:32:28 db1 kernel: Mem-', 'x' * 70000 + '\n', None, id='a line that is too long'),
    pytest.param('active_anon:1\nMem-Info:', 'Node 0 DMA\nlowmem_reserve\n', None, id='a log without prefixes'),
    pytest.param('Oct 28 11:32:28 db1 kernel: a\nOct 28 11:32:28 db1 ker', 'Oct 28 11:32:29 db1 kernel: b\n', None,
                 id='a beginning whose rest was lost'),
    pytest.param('Oct 28 11:32:28 db1 kernel: a\n', 'Info:\nOct 28 11:32:28 db1 kernel: b\n', None,
                 id='a rest whose beginning was lost'),
])
def test_what_is_the_rest_of_a_line(before, after, rest):
    found = rest_of_line(before.encode('utf-8'), after.encode('utf-8'))
    assert found == (None if rest is None else rest.encode('utf-8'))
