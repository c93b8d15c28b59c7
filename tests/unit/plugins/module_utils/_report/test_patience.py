# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a report waits for its next line while others print theirs."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._report.reading import read_events

REPORT = [
    'php invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0',
    'CPU: 0 PID: 50 Comm: php Not tainted 6.1.0-18-amd64 #1  Debian 6.1.76-1',
    'Mem-Info:',
    'active_anon:10 inactive_anon:20 isolated_anon:0',
    'Tasks state (memory values in pages):',
    '[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name',
    '[     50]     0    50     1000      100    45056        0             0 php',
    '[     51]     0    51     2000      200    45056        0             0 mysqld',
    '[     52]     0    52     2000       20    45056        0             0 nginx',
    '[     53]     0    53     2000       30    45056        0             0 redis',
    'oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task=mysqld,pid=51,uid=27',
    'Out of memory: Killed process 51 (mysqld) total-vm:8000kB, anon-rss:800kB, file-rss:0kB, shmem-rss:0kB',
]


def events_of(tmpdir, texts):
    path = tmpdir.join('kern.log')
    path.write(''.join('[ 1234.000000] %s\n' % text for text in texts))
    return read_events([str(path)], now=1795867300)['events']


def told_of(events):
    return [(event['missing'], [victim['name'] for victim in event['victims']],
             sorted(task['name'] for task in event['tasks'])) for event in events]


WHOLE = [(['memory'], ['mysqld'], ['mysqld', 'nginx', 'php', 'redis'])]
OTHER = 'usb 1-1: new device'


@pytest.mark.parametrize('others', [1, 31, 480])
@pytest.mark.parametrize('place', range(1, len(REPORT)))
def test_others_may_print_before_any_line_of_a_report(others, place, tmpdir):
    assert told_of(events_of(tmpdir, REPORT[:place] + [OTHER] * others + REPORT[place:])) == WHOLE


def test_each_line_of_a_report_has_it_wait_anew(tmpdir):
    texts = [text for line in REPORT[1:] for text in [OTHER] * 120 + [line]]
    assert told_of(events_of(tmpdir, REPORT[:1] + texts)) == WHOLE


@pytest.mark.parametrize('place, first, second', [
    (1, ['memory', 'tasks', 'victim'], ['header', 'memory']), (6, ['memory', 'tasks', 'victim'],
                                                               ['header', 'memory', 'tasks']),
    (8, ['memory', 'victim'], ['header', 'memory', 'tasks']),
])
def test_a_report_does_not_wait_for_ever(place, first, second, tmpdir):
    events = events_of(tmpdir, REPORT[:place] + [OTHER] * 600 + REPORT[place:])
    assert sorted(event['missing'] for event in events) == sorted([first, second])
