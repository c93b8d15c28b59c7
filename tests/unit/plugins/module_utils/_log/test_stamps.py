# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time of a line that a program stamped itself, behind what engines and pages put before it."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import time

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._log.clock import Clock
from ansible_collections.oom.rescue.plugins.module_utils._log.stamps import stated, stated_above, without_container

# 2026-08-27T15:51:41 in UTC
MOMENT = 1787845901


@pytest.fixture(autouse=True)
def utc(monkeypatch):
    monkeypatch.setenv('TZ', 'UTC')
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


STATED = {
    'logrus': ('time="2026-08-27T15:51:41Z" level=info msg="x"', '2026-08-27T15:51:41Z'),
    'logfmt': ('ts=2026-08-27T15:51:41.000Z level=error x', '2026-08-27T15:51:41.000Z'),
    'pino': ('{"level":50,"time":"2026-08-27T15:51:41.000Z","msg":"x"}', '2026-08-27T15:51:41.000Z'),
    'Elasticsearch': ('[2026-08-27T15:51:41,000][ERROR][o.e.b] x', '2026-08-27T15:51:41,000'),
    'libvirt': ("error: 2026-08-27T15:51:41.000000Z qemu-kvm: x", '2026-08-27T15:51:41.000000Z'),
    'a Docker of old': ('2026-08-27 15:51:41:InnoDB: x', '2026-08-27 15:51:41'),
    'nginx': ('2026/08/27 15:51:41 [alert] 7#7: x', '2026/08/27 15:51:41'),
    'Go': ('2026/08/27 15:51:41.000000 x', '2026/08/27 15:51:41.000000'),
    'ClickHouse': ('2026.08.27 15:51:41.000000 [ 9 ] {} <Error> x', '2026.08.27 15:51:41.000000'),
    'uWSGI': ('Thu Aug 27 15:51:41 2026 - x', 'Thu Aug 27 15:51:41 2026'),
    'klog': ('E0827 15:51:41.000000    7 eviction_manager.go:614] x', '0827 15:51:41.000000'),
    'PHP': ('[27-Aug-2026 15:51:41 UTC] PHP Fatal error:  x', '27-Aug-2026 15:51:41'),
    'Tomcat': ('27-Aug-2026 15:51:41.000 SEVERE [main] x', '27-Aug-2026 15:51:41.000'),
    'Apache': ('[Thu Aug 27 15:51:41.000000 2026] [mpm_prefork:error] x', 'Aug 27 15:51:41.000000 2026'),
    'Redis': ('7:M 27 Aug 2026 15:51:41.000 # x', '27 Aug 2026 15:51:41.000'),
    'Redis before 5.0': ('7:M 27 Aug 15:51:41.000 # x', '27 Aug 15:51:41.000'),
    'MySQL before 5.6': ('260827 15:51:41 [ERROR] x', '260827 15:51:41'),
    'syslog without host and tag': ('Aug 27 15:51:41: mem avail: x', 'Aug 27 15:51:41'),
}


@pytest.mark.parametrize('case', sorted(STATED))
def test_a_program_states_the_time_in_an_order_of_its_own(case):
    line, stamp = STATED[case]
    prefix = stated(line)
    assert prefix.time_text == stamp
    assert Clock(MOMENT + 86400).resolve(prefix, 0)[0] == MOMENT


@pytest.mark.parametrize('line', [
    '', 'x', '{"finishedAt":"2026-08-27T15:51:41Z"}', '2026/99/99 15:51', '260827', 'at 15:51:41 it ended',
    '7:M 27 Aug 15:51 # x', 'E0827 15:51:41 x'])
def test_a_line_without_a_time_of_its_own_states_none(line):
    assert stated(line) is None


@pytest.mark.parametrize('line', ['2026/99/27 15:51:41 x', '269927 15:51:41 x', '27-Foo-2026 15:51:41 x'])
def test_a_day_that_is_none_has_no_moment(line):
    assert Clock(MOMENT).resolve(stated(line), 0)[0] is None


@pytest.mark.parametrize('before', [
    'db_1  | ', 'web-app-1  | ', '> ', '> > ', '**', '`', u'\u2502 ', '[pod/db-0/db] ', '    ', '| '])
def test_what_stands_before_the_line_of_a_program_is_taken_off(before):
    before = before if isinstance(before, str) else before.encode('utf-8')
    assert without_container(before + '2026 x') == '2026 x'


@pytest.mark.parametrize('above, stamp', [
    (['=erl_crash_dump:0.5', 'Sun Apr 28 14:49:27 2019'], 'Sun Apr 28 14:49:27 2019'),
    (['2026-08-27T15:51:41.123456+08:00', 'Errors in file /a/b.trc:'], '2026-08-27T15:51:41.123456+08:00'),
    (['=INFO REPORT==== 7-Aug-2026::15:51:41 ==='], '7-Aug-2026::15:51:41'),
    (['Thu Aug 27 15:51:41 2026', 'x', '2026-08-27T15:51:42Z'], '2026-08-27T15:51:42Z'),
    (['2026-08-27T15:51:41Z a line of another program', ''], None), ([], None),
])
def test_the_time_may_stand_in_a_line_of_its_own_above(above, stamp):
    found = stated_above(above)
    assert (found and found.stamp) == stamp
