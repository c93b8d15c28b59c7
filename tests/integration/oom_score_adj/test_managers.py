# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real servers in their managers, side by side: the score now, and after everything that starts them again."""

import pytest

SCORE = -600
KEEPER = 'oom-rescue-keep'


@pytest.fixture(scope='module', name='planned')
def fixture_planned(host):
    """What check mode says, before and with the unit that keeps scores."""
    return {keep: host.guest.module(check=True, process='mysqld', keep=keep, user=host.users) for keep in (False, True)}


@pytest.fixture(scope='module', name='result')
def fixture_result(host, planned):
    """The first run's result."""
    host.first = {server: server.now() for server in host.servers}
    assert host.files() == host.before, 'check mode changed files'
    assert {server.name: score for server, (_pid, score) in host.first.items()} == {
        server.name: server.score for server in host.servers}
    return host.guest.module(process='mysqld', keep=True, user=host.users)


def row_of(result, pid):
    return next(row for row in result['processes'] if row['pid'] == pid)


def test_check_mode_says_what_a_run_does(planned, result):
    assert result['changed']
    assert result['actions'] == planned[True]['actions']


def test_the_score_is_live_and_the_server_is_the_same_process(host, server, planned, result, proof):
    pid, score = server.now()
    assert (pid, score) == (host.first[server][0], SCORE)
    row = row_of(result, pid)
    assert row['manager']['kind'] == server.kind
    assert row['live'] == {'before': server.score, 'after': SCORE}
    assert (row['persistent']['after'], row['persistent']['by']) == (SCORE, server.by)
    assert (row['skipped_reason'], row['recreate_required']) == (None, None)
    assert (row_of(planned[False], pid)['recreate_required'] is not None) == server.kept
    proof('live', 'pid %d' % pid)


def test_a_second_run_changes_nothing(host, result):
    again = host.guest.module(process='mysqld', keep=True, user=host.users)
    assert not again['changed'], again['actions']


def holds_anew(host, server, command, pid):
    """The pid of a server that was started again, once it has its score by what should give it."""
    if command:
        host.guest.check('%s > /tmp/out 2>&1 || { cat /tmp/out; exit 1; }' % command)
    new, score = server.now(other_than=pid, score=SCORE)
    assert (new != pid, score) == (True, SCORE)
    given = host.guest.run('journalctl -b -u %s | grep "(pid %d): oom_score_adj %d -> %d"' % (
        KEEPER, new, server.score, SCORE))
    assert (given.rc == 0) == server.kept, given.stdout
    return new


def test_it_is_there_after_a_restart_by_the_manager(host, server, result, proof):
    proof('restart', 'pid %d' % holds_anew(host, server, '{ %s; }' % server.restart, server.now()[0]))


def test_it_is_there_after_the_manager_found_it_killed(host, server, result, proof):
    """As after an OOM kill. Nothing starts some servers again: these are left out."""
    if server.starts_again:
        pid = server.now()[0]
        proof('kill -9', 'pid %d' % holds_anew(host, server, 'kill -9 %d' % pid, pid))


@pytest.fixture(scope='module', name='rebooted')
def fixture_rebooted(host, result):
    # A server that still starts does not hear SIGTERM, and its unit waits 900 seconds for it.
    host.guest.reboot(command='sync; systemctl reboot --force --force')


def test_it_is_there_after_a_reboot(host, server, rebooted, proof):
    proof('reboot', 'pid %d' % holds_anew(host, server, '', None))


def test_after_a_reboot_a_run_changes_nothing(host, rebooted):
    again = host.guest.module(process='mysqld', keep=True, user=host.users)
    assert not again['changed'], again['actions']


@pytest.fixture(scope='module', name='undone')
def fixture_undone(host, rebooted):
    host.last = {server: server.now()[0] for server in host.servers}
    result = host.guest.module(process='mysqld', state='absent')
    assert 'msg' not in result, result['msg']


def test_undone_every_file_is_as_it_was_and_a_second_time_changes_nothing(host, undone):
    assert host.files() == host.before
    assert not host.guest.module(process='mysqld', state='absent')['changed']


def test_undone_each_server_runs_on_with_the_score_that_it_had(host, server, undone, proof):
    assert server.now() == (host.last[server], server.score)
    proof('undone')


def test_undone_the_next_start_has_the_score_that_it_had(host, server, undone):
    pid = server.now()[0]
    host.guest.check('{ %s; } > /tmp/out 2>&1 || { cat /tmp/out; exit 1; }' % server.restart)
    assert server.now(other_than=pid)[1] == server.score
