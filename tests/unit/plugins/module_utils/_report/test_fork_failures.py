# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ENOMEM at fork, as programs word it with glibc and with musl."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._report import reading
from conftest import SEED
from oom_reports import ERAS, syslog

GLIBC, MUSL = 'glibc', 'musl'
FAILURES = [
    ('proc_open(): fork failed - Out of memory', MUSL),
    ('proc_open(): fork failed - Cannot allocate memory', GLIBC),
    ('PHP Warning:  exec(): Unable to fork [ls] - Cannot allocate memory in a.php', GLIBC),
    ('-bash: fork: Cannot allocate memory', GLIBC),
    ("sh: can't fork: Out of memory", MUSL),
    ('error: cannot fork() for git-remote-https: Cannot allocate memory', GLIBC),
    ('LOG:  could not fork new process for connection: Cannot allocate memory', GLIBC),
    ('fork/exec /usr/bin/runc: cannot allocate memory', GLIBC),
    ('OSError: [Errno 12] Cannot allocate memory', GLIBC),
    ('OSError: [Errno 12] Out of memory', MUSL),
    ('Cannot run program "ls": error=12, Cannot allocate memory', GLIBC),
    ('Errno::ENOMEM: Cannot allocate memory - fork(2)', GLIBC),
    ('Error: spawn ENOMEM', None),
    ('[mpm_prefork:error] AH00159: fork: Unable to fork new process: (12)Cannot allocate memory', GLIBC),
]
OTHERS = [
    'mysqld: Out of memory (Needed 128 bytes)',
    'Out of memory: Killed process 1 (fork) total-vm:1kB',
    'Out of memory: Kill process 1 (fork) score 1 or sacrifice child',
    'malloc: Cannot allocate memory',
    'fork: retry: No child processes',
    'fork: Resource temporarily unavailable',
    'Kernel panic - not syncing: Out of memory: panic_on_oom is enabled, fork',
]


def read(tmpdir, text):
    log = tmpdir.join('app.log')
    log.write(text)
    return reading.read_events([str(log)], fork_failures=True)


@pytest.mark.parametrize('line,libc', FAILURES, ids=[line for line, dummy in FAILURES])
def test_a_fork_that_failed(tmpdir, line, libc):
    result = read(tmpdir, 'before\n%s\nafter\n' % line)
    (failure,) = result['fork_failures']
    assert (failure['message'], failure['libc'], failure['time']) == (line, libc, None)
    assert failure['source'] == {'path': str(tmpdir.join('app.log')), 'line': 2, 'offset': 7}
    assert result['events'] == []


@pytest.mark.parametrize('line, message', [
    ('PHP Warning:  exec(): Unable to fork [mysqldump -uroot -psecret db] - Cannot allocate memory in a.php',
     'PHP Warning:  exec(): Unable to fork [mysqldump ...] - Cannot allocate memory in a.php'),
    ('Cannot run program "/usr/bin/mysqldump --password=secret db": error=12, Cannot allocate memory',
     'Cannot run program "/usr/bin/mysqldump ...": error=12, Cannot allocate memory'),
    ("OSError: [Errno 12] Cannot allocate memory: 'sh -c \"TOKEN=secret run\"' (fork)",
     "OSError: [Errno 12] Cannot allocate memory: 'sh ...' (fork)"),
    ("OSError: [Errno 12] Cannot allocate memory: ['mysqldump', '-psecret'] (spawn)",
     "OSError: [Errno 12] Cannot allocate memory: [mysqldump ...] (spawn)"),
    ('error: cannot fork() for git --token secret push: Cannot allocate memory',
     'error: cannot fork() for git ...: Cannot allocate memory'),
    ('spawn mysqldump -p secret: Cannot allocate memory', 'spawn mysqldump ...: Cannot allocate memory'),
    ("can't fork 'TOKEN=secret sh x': Out of memory", "can't fork ' ...': Out of memory"),
    ('Out of memory: spawn "mysqldump ' + '-psecret ' * 100 + '"', 'Out of memory: spawn "mysqldump ..."'),
    ("can't fork `TOKEN=secret`: Out of memory", "can't fork `...`: Out of memory"),
])
def test_the_arguments_of_a_program_are_left_out(tmpdir, line, message):
    (failure,) = read(tmpdir, line + '\n')['fork_failures']
    assert failure['message'] == message and 'secret' not in failure['message']


@pytest.mark.parametrize('line', OTHERS)
def test_what_is_no_failed_fork(tmpdir, line):
    assert read(tmpdir, line + '\n')['fork_failures'] == []


def test_who_failed_and_when_is_in_the_prefix(tmpdir):
    text = '2025-10-28T11:32:28+08:00 web1 composer[77]: proc_open(): fork failed - Out of memory\n'
    (failure,) = read(tmpdir, text + syslog(ERAS['5.15.0']))['fork_failures']
    assert (failure['time'], failure['host'], failure['program']) == ('2025-10-28T11:32:28+08:00', 'web1', 'composer')


def test_they_are_not_looked_for_unasked(tmpdir):
    log = tmpdir.join('app.log')
    log.write(FAILURES[0][0])
    assert 'fork_failures' not in reading.read_events([str(log)])


def test_the_seed_has_a_failed_fork_and_a_kill():
    result = reading.read_events([SEED], fork_failures=True)
    (failure,) = result['fork_failures']
    assert (failure['libc'], failure['message'], failure['source']['line']) == (
        MUSL,
        'proc_open(): fork failed - Out of memory',
        7,
    )
    assert len(result['events']) == 1
