# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host tells by itself: once, with nothing of it proven that a user wrote, and without the memory of a daemon."""

import json
import re

TOLD = 'journalctl --no-pager --quiet --output=json SYSLOG_IDENTIFIER=oom-rescue'
UNIT = 'oom-rescue-watch.service'


def told(host):
    host.check_output('systemctl start %s', UNIT)
    return [json.loads(json.loads(line)['OOM_RESCUE']) for line in host.check_output(TOLD).splitlines()]


def test_it_runs_by_a_timer_and_with_a_score_of_its_own(host):
    for word in ('is-active', 'is-enabled'):
        assert host.run('systemctl %s oom-rescue-watch.timer', word).rc == 0
    shown = host.check_output('systemctl show -p OOMScoreAdjust -p MemoryMax -p MemoryLimit -p TasksMax %s', UNIT)
    assert 'OOMScoreAdjust=-900' in shown and 'TasksMax=16' in shown and re.search(r'Memory(Max|Limit)=\d', shown)


def test_what_was_there_before_it_is_not_told(host):
    assert [message['sentence'] for message in told(host) if 'mariadbd' in message['sentence']] == []


def test_a_fork_that_was_refused_is_told_once_and_not_as_proven(host):
    before = len(told(host))
    host.check_output('logger --tag=php-fpm "fork: Cannot allocate memory" && journalctl --sync')
    after = told(host)
    assert len(after) == before + 1 and len(told(host)) == before + 1
    assert after[-1]['sentence'].startswith('Said, not proven: It was memory') and not after[-1]['proven']


def test_a_forged_kill_is_not_told(host):
    before = len(told(host))
    host.check_output('logger --tag=kernel "Out of memory: Killed process 4243 (lie) total-vm:1kB, anon-rss:1kB, '
                      'file-rss:0kB, shmem-rss:0kB" && journalctl --sync')
    assert [message for message in told(host)[before:] if message['proven'] or 'lie' in json.dumps(message)] == []
