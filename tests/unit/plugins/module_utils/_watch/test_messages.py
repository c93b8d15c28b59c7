# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a message says is proven, is: lines that anybody may have written add nothing to it."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host
from ansible_collections.oom.rescue.plugins.module_utils._watch.incidents import entry_of, facts_of
from ansible_collections.oom.rescue.plugins.module_utils._watch.messages import told_of
from oom_reports import ERAS, syslog

KERNEL = {'_TRANSPORT': 'kernel', 'SYSLOG_FACILITY': '0', 'SYSLOG_IDENTIFIER': 'kernel',
          '_SOURCE_MONOTONIC_TIMESTAMP': '9000000'}
PID1 = {'_TRANSPORT': 'journal', '_UID': '0', '_PID': '1', '_COMM': 'systemd', '_SYSTEMD_UNIT': 'init.scope',
        'SYSLOG_IDENTIFIER': 'systemd', 'UNIT': 'php.service'}
USER = {'_TRANSPORT': 'syslog', '_UID': '1000', '_COMM': 'logger', '_SYSTEMD_UNIT': 'session-1.scope'}
KILL = dict(KERNEL, MESSAGE='Out of memory: Killed process 77 (php) total-vm:9000kB, anon-rss:8000kB, file-rss:0kB, '
                            'shmem-rss:0kB, UID:33 pgtables:1kB oom_score_adj:0')
RESULT = dict(PID1, MESSAGE="php.service: Failed with result 'oom-kill'.")
STOP = dict(PID1, MESSAGE='php.service: Main process exited, code=killed, status=9/KILL')
FORGED = {
    'kernel': dict(USER, SYSLOG_IDENTIFIER='kernel', MESSAGE=KILL['MESSAGE'].replace('77 (php)', '42 (sshd)')),
    'earlyoom': dict(USER, SYSLOG_IDENTIFIER='earlyoom', MESSAGE='sending SIGTERM to process 42 uid 0 "sshd": '
                     'badness 900, VmRSS 300 MiB'),
    'systemd': dict(USER, SYSLOG_IDENTIFIER='systemd', MESSAGE="sshd.service: Failed with result 'oom-kill'."),
    'program': dict(USER, SYSLOG_IDENTIFIER='sshd', MESSAGE='fork: Cannot allocate memory'),
    'pool': dict(USER, SYSLOG_IDENTIFIER='sshd', MESSAGE='FATAL: Out of memory: sshd'),
}


def told(folder, *records):
    path = folder / 'var' / 'log' / 'messages'
    path.parent.mkdir(parents=True)
    (folder / 'proc').mkdir()
    (folder / 'proc' / 'meminfo').write_bytes(b'MemTotal: 1000000 kB\nMemFree: 1000 kB\nMemAvailable: 2000 kB\n')
    path.write_bytes(b''.join(json.dumps(dict(
        record, _HOSTNAME='db1', _BOOT_ID='a' * 32, __REALTIME_TIMESTAMP='%d' % (1790000000000000 + place * 1000000),
    )).encode('ascii') + b'\n' for place, record in enumerate(records)))
    host = Host(str(folder))
    return told_of(dict(entry_of(host, None, 0), read_facts=lambda: facts_of(host)))


@pytest.mark.parametrize('forged', sorted(FORGED))
@pytest.mark.parametrize('first', [False, True])
def test_what_is_forged_beside_a_real_kill_is_not_in_its_message(tmp_path, forged, first):
    real, lie = [KILL, RESULT], [FORGED[forged]]
    one, = told(tmp_path, *(lie + real if first else real + lie))
    message = one.message()
    assert message['proven'] and [victim['name'] for victim in message['victims']] == ['php']
    assert 'sshd' not in json.dumps(message)
    assert one.kills([]) == [('php', None, 'host', 'kernel')]


def test_a_remedy_is_for_what_is_proven(tmp_path):
    told(tmp_path, KILL)
    text = syslog(ERAS['6.1.0'], '2026-09-21T14:13:20+00:00', 'db1')
    (tmp_path / 'var' / 'log' / 'kern.log').write_bytes(text.encode('ascii'))
    host = Host(str(tmp_path))
    entry = entry_of(host, None, 0)
    one, = told_of(dict(entry, read_facts=lambda: facts_of(host)))
    assert len(entry['events']) == 2 and [victim['name'] for victim in one.message()['victims']] == ['php']
    assert 'mysqld' not in json.dumps(one.message())


@pytest.mark.parametrize('forged', sorted(FORGED))
def test_a_line_that_proves_something_else_proves_no_shortage(tmp_path, forged):
    assert [one.message()['sentence'] for one in told(tmp_path, STOP, FORGED[forged]) if one.proven] == []


@pytest.mark.parametrize('forged', sorted(FORGED))
def test_what_is_forged_alone_is_never_proven(tmp_path, forged):
    for one in told(tmp_path, FORGED[forged]):
        assert not one.proven and one.message()['sentence'].startswith('Said, not proven: ')


def test_what_a_unit_itself_says_is_proven(tmp_path):
    one, = told(tmp_path, RESULT)
    assert one.proven and one.message()['victims'][0]['unit'] == 'php.service'


def test_what_systemd_says_of_a_slice_later_is_no_kill(tmp_path):
    slice_of_it = dict(PID1, UNIT='system.slice', MESSAGE='system.slice: A process of this unit has been killed by the '
                       'OOM killer.')
    assert told(tmp_path, slice_of_it) == []
    service = dict(PID1, MESSAGE='php.service: A process of this unit has been killed by the OOM killer.')
    (tmp_path / 'other').mkdir()
    assert len(told(tmp_path / 'other', slice_of_it, service)) == 1
