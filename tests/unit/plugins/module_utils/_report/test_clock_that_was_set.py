# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal keeps the time that a line had, the ring buffer counts from the boot: one kill is one, however the clock
was set in between.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import os
import time

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._log import live, sources
from ansible_collections.oom.rescue.plugins.module_utils._log.times import parse_iso
from ansible_collections.oom.rescue.plugins.module_utils._report.reading import Reading, read_events

NOW = 1790000000
KILL = ('Out of memory: Killed process 77 (php) total-vm:9000kB, anon-rss:8000kB, file-rss:0kB, shmem-rss:0kB, UID:33 '
        'pgtables:1kB oom_score_adj:0')


@pytest.mark.parametrize('jump', [0, 700, -700, 400 * 86400])
@pytest.mark.parametrize('boot, count', [('a' * 32, 1), ('b' * 32, 2)])
def test_a_kill_in_two_sources_is_one_in_one_boot(monkeypatch, jump, boot, count):
    record = {'_TRANSPORT': 'kernel', 'SYSLOG_FACILITY': '0', 'SYSLOG_IDENTIFIER': 'kernel', '_HOSTNAME': 'db1',
              '_BOOT_ID': boot, '_SOURCE_MONOTONIC_TIMESTAMP': '9000000', 'MESSAGE': KILL,
              '__REALTIME_TIMESTAMP': '%d' % (NOW * 1000000)}
    monkeypatch.setattr(live, 'boot_id', lambda: 'a' * 32)
    monkeypatch.setattr(live, 'boot_time', lambda: NOW - 9 + jump)
    monkeypatch.setattr(live, 'ring_buffer_blocks', lambda: iter([('3,1,9000000,-;%s\n' % KILL).encode('ascii')]))
    monkeypatch.setattr(live, 'journal_blocks', lambda *dummy: iter([json.dumps(record).encode('ascii') + b'\n']))
    monkeypatch.setattr(live, 'journal_refusal', lambda: None)
    monkeypatch.setattr(live, 'host_name', lambda: 'db1')
    reading = Reading(now=NOW + jump)
    reading.journal()
    reading.ring_buffer()
    events = reading.result()['events']
    assert len(events) == count and set(event['boot_id'] for event in events) == {'a' * 32, boot}


@pytest.mark.parametrize('uptime, count', [('9.000000', 1), ('9.000400', 1), ('9.400000', 2)])
def test_a_kill_at_the_same_instant_of_the_kernel_s_clock_is_one_though_a_daemon_has_another_zone(
        monkeypatch, tmpdir, uptime, count):
    path = tmpdir.join('messages')
    stamp = time.strftime('%b %d %H:%M:%S', time.localtime(NOW - 3 * 3600))
    path.write('%s db1 kernel: [    %s] %s\n' % (stamp, uptime, KILL))
    os.utime(str(path), (NOW, NOW))
    monkeypatch.setattr(sources, 'KERNEL_LOGS', (str(path),))
    monkeypatch.setattr(live, 'boot_time', lambda: NOW - 9)
    monkeypatch.setattr(live, 'ring_buffer_blocks', lambda: iter([('3,1,9000000,-;%s\n' % KILL).encode('ascii')]))
    monkeypatch.setattr(live, 'host_name', lambda: 'db1')
    events = read_events((), ['files', 'ring_buffer'], now=NOW)['events']
    assert len(events) == count and int(parse_iso(events[0]['time'])[0]) == NOW
