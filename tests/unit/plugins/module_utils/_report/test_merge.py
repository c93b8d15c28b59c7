# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many reports of a long log are kept whole while it is read."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._report.merge import Merger
from ansible_collections.oom.rescue.plugins.module_utils._report.reading import Reading
from oom_reports import ERAS, memcg, syslog


def events(count):
    """Reports of a cgroup, the oldest first."""
    text = ''.join(syslog(memcg(pid=1000 + day), stamp='Oct %2d 11:32:28' % day) for day in range(1, count + 1))
    reading = Reading(now=1761739200)
    reading.text(text.encode('ascii'), 'messages')
    return reading.result()['events'][::-1]


@pytest.mark.parametrize('limit, whole', [(0, 25), (1, 18), (3, 22), (9, 25)])
def test_of_older_reports_than_are_asked_for_what_is_large_is_dropped(limit, whole):
    merger = Merger(limit)
    for event in events(25):
        merger.add([dict(event, prefix=None, holders={'a': 1}, statistics={'b': 2}, balloon=None, near=None)])
    found, summary = merger.result()
    assert summary['kills'] == len(found) == 25
    assert [event['memory'] is not None for event in found] == [True] * whole + [False] * (25 - whole)
    assert [bool(event['tasks']) for event in found] == [True] * whole + [False] * (25 - whole)
    assert [sorted(event['cgroup']) == ['path'] for event in found] == [False] * whole + [True] * (25 - whole)
    assert [event['victims'][0]['pid'] for event in found] == list(range(1025, 1000, -1))


@pytest.mark.parametrize('first, second, joined', [
    ('unknown', 'memcg', 'memcg'), ('memcg', 'unknown', 'memcg'), ('unknown', 'unknown', 'unknown')])
def test_an_account_that_does_not_tell_whose_memory_ran_out_has_it_from_another(first, second, joined):
    merger = Merger()
    for name, scope in (('messages', first), ('kern.log', second)):
        merger.add([dict(event, scope=scope, seen_in=[name], prefix=None, holders=None, statistics={}, balloon=None)
                    for event in events(1)])
    (event,) = merger.result()[0]
    assert (event['scope'], event['seen_in']) == (joined, ['messages', 'kern.log'])


FULL = ERAS['6.1.0']


def lost(*beginnings):
    """The account of a log that lost the lines that begin like this."""
    return [line for line in FULL if not line.startswith(beginnings)]


TABLE = ('Tasks state', '[')


@pytest.mark.parametrize('first, second, missing', [
    (lost(*TABLE), FULL, []), (FULL, lost(*TABLE), []), (lost(*TABLE), lost(*TABLE), ['tasks']),
    (FULL[1:], lost(*TABLE), []), (lost(*TABLE), FULL[1:], []),
], ids=['the first lost its table', 'the second did', 'both did', 'a header and a table', 'a table and a header'])
def test_what_one_log_lost_of_a_report_another_has_and_then_nothing_is_missing(first, second, missing):
    reading = Reading(now=1761739200)
    for name, lines in (('kern.log', first), ('messages', second)):
        reading.text(syslog(lines).encode('ascii'), name)
    (event,) = reading.result()['events']
    assert (event['missing'], event['complete'], event['seen_in']) == (missing, not missing, ['kern.log', 'messages'])
    assert [task['name'] for task in event['tasks']][:1] == ([] if missing else ['mysqld'])
    assert event['trigger']['name'] == 'docker-containe'


REFUSED = 'modprobe: page allocation failure: order:5, mode:0x40cc0(GFP_KERNEL|__GFP_COMP), nodemask=(null)'


@pytest.mark.parametrize('logs, count', [
    (((100, 'Oct 28 11:32:28'), (None, 'Oct 28 11:32:30')), 1),
    (((100, 'Oct 28 11:32:28'), (103, 'Oct 28 11:32:28')), 1),
    (((100, 'Oct 28 11:32:28'), (100, 'Oct 28 12:32:28')), 2),
    (((100, 'Oct 28 11:32:28'), (200, 'Oct 28 11:32:28')), 2),
], ids=['without the kernel\'s clock', 'stamped later', 'another time', 'another uptime'])
def test_memory_that_was_refused_once_is_one_event_of_two_logs(logs, count):
    reading = Reading(now=1761739200)
    for name, (uptime, stamp) in zip(('kern.log', 'messages'), logs):
        reading.text(syslog([REFUSED], stamp=stamp, uptime=uptime).encode('ascii'), name)
    found = reading.result()['events']
    assert [event['kind'] for event in found] == ['allocation_failure'] * count


def test_memory_that_one_log_says_was_refused_again_and_again_is_an_event_each_time():
    reading = Reading(now=1761739200)
    text = ''.join(syslog([REFUSED], uptime=uptime) for uptime in (100, 101, 102))
    reading.text(text.encode('ascii'), 'kern.log')
    reading.text(text.encode('ascii'), 'messages')
    found = reading.result()['events']
    assert [event['uptime_seconds'] for event in found] == [102, 101, 100]
