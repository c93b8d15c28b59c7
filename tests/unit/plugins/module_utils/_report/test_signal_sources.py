# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which parts of a log are searched for the words of killers, and where in it each is said to stand."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import calendar
import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._log import seek
from ansible_collections.oom.rescue.plugins.module_utils._log.sources import LogFile
from ansible_collections.oom.rescue.plugins.module_utils._report import signal_sources

NOW = calendar.timegm((2026, 11, 30, 0, 0, 0))
ORDINARY = '2026-11-%02dT11:00:00+00:00 web1 sshd[7]: Accepted publickey for root from 10.0.0.1 port 4711 ssh2\n'
KILL = '2026-11-%02dT11:00:00+00:00 web1 earlyoom[3]: sending SIGTERM to process %d uid 0 "php": badness 9\n'
DAYS = range(1, 29)


@pytest.fixture(name='log')
def fixture_log(tmpdir, monkeypatch):
    """A log with a line of a killer in the midst of each day, whose pid is the day; a large one is of 32 KiB here."""
    for module, name, size in ((signal_sources, 'WHOLE', 1 << 15), (signal_sources, '_AROUND', 1 << 10),
                               (seek, '_SMALLEST', 1 << 10), (seek, '_WINDOW', 1 << 10), (seek, 'MARGIN', 0)):
        monkeypatch.setattr(module, name, size)
    monkeypatch.setattr(signal_sources.live, 'has_journal', lambda: False)
    log = tmpdir.join('messages')
    log.write(''.join(ORDINARY % day * 40 + KILL % (day, day) + ORDINARY % day * 40 for day in DAYS))
    os.utime(str(log), (NOW, NOW))
    return log


def read(log, places=(), since=None, until=None):
    """({pid: its source}, {path: why it was not searched whole})"""
    path = str(log)
    found, unsearched = signal_sources.read_signals([LogFile(path)], (), {path: list(places)}, since, until, NOW)
    return dict((signal['pid'], signal['source']) for signal in found), unsearched


def place_of(log, day):
    return log.read().index(KILL % (day, day))


def at(day):
    return calendar.timegm((2026, 11, day, 0, 0, 0))


@pytest.mark.parametrize('reports, since, first, words', [
    ((), None, 21, 'in its last seven days alone'), ((5,), None, 21, 'in its last seven days alone'),
    ((5, 6, 23), None, 21, 'in its last seven days alone'), ((), at(15), 15, 'since the time asked for alone'),
    ((), at(1), 1, None),
], ids=['no report', 'a report', 'reports', 'since a time', 'since its beginning'])
def test_of_a_large_log_the_last_days_are_searched_and_what_stands_around_its_reports(
        log, reports, since, first, words):
    found, unsearched = read(log, [place_of(log, day) for day in reports], since)
    expected = set(reports) | set(range(first, 29))
    # A little more than was asked for costs little.
    assert expected <= set(found) <= expected | set([first - 1])
    assert list(unsearched) == ([] if words is None else [str(log)])
    assert words is None or unsearched[str(log)].endswith(words)
    for day in found:
        assert found[day]['offset'] == place_of(log, day), day
        # The number of a line is not known where what stands before it was not read.
        assert found[day]['line'] == (None if words else log.read()[:place_of(log, day)].count('\n') + 1)


def test_a_small_log_is_searched_whole_and_each_line_has_its_number(log):
    text = log.read()[:1 << 14]
    log.write(text)
    found, unsearched = read(log)
    assert sorted(found) == [1, 2] and unsearched == {}
    assert [found[day]['line'] for day in (1, 2)] == [41, 41 + 81]


@pytest.mark.parametrize('since, until, expected', [
    (at(27), None, [27, 28]), (at(27), at(28), [27]), (None, at(23), [22])])
def test_only_lines_of_the_time_asked_for_are_told(log, since, until, expected):
    assert sorted(day for day in read(log, since=since, until=until)[0] if day > 21) == expected


def test_a_log_that_cannot_be_opened_gives_nothing(log):
    log.remove()
    os.mkfifo(str(log))
    assert read(log) == ({}, {})
