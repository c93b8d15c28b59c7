# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real servers in their managers: the score now, and after everything that starts them again."""

SCORE = -600


def by_pid(result, pid):
    return next(row for row in result['processes'] if row['pid'] == pid)


def test_check_mode_says_what_a_run_does_and_changes_nothing(place):
    pid = place.pid()
    files = place.guest.files()
    score = place.score(pid)
    place.checked = place.guest.module(check=True, process='mysqld', **place.arguments)
    assert place.guest.files() == files
    assert place.score(pid) == score


def test_the_score_is_live_and_the_server_is_the_same_process(place, proof):
    pid = place.pid()
    result = place.guest.module(process='mysqld', **place.arguments)
    row = by_pid(result, pid)
    assert row['manager']['kind'] == place.kind
    assert row['live']['after'] == SCORE == place.score(pid)
    assert row['skipped_reason'] is None
    assert row['persistent']['after'] == SCORE
    assert result['actions'] == place.checked['actions']
    assert place.pid() == pid
    if place.arguments:
        assert row['recreate_required']
    proof('live', 'pid %d, by %s' % (pid, row['persistent']['by']))


def test_a_second_run_changes_nothing(place, proof):
    result = place.guest.module(process='mysqld', **place.arguments)
    assert not result.get('changed'), result
    proof('again', 'unchanged')


def test_it_is_there_after_a_restart_by_the_manager(place, proof):
    pid = place.pid()
    place.again()
    new = place.pid(other_than=pid)
    assert place.score(new, wait_for=SCORE) == SCORE
    proof('after a restart')


def test_it_is_there_after_the_manager_found_it_killed(place, proof):
    """As after an OOM kill; where nothing starts it again, by hand."""
    pid = place.pid()
    if place.kind != 'none':
        place.guest.check('kill -9 %d' % pid)
        if place.kind == 'podman':
            place.again()
        new = place.pid(other_than=pid)
        assert place.score(new, wait_for=SCORE) == SCORE
        proof('after a kill')


def test_it_is_there_after_a_reboot(place, proof):
    place.guest.reboot()
    pid = place.pid()
    assert place.score(pid, wait_for=SCORE) == SCORE
    assert not place.guest.module(process='mysqld', **place.arguments).get('changed')
    proof('after a reboot')


def test_absent_leaves_every_file_and_score_as_it_was(place, proof):
    pid = place.pid()
    place.guest.module(process='mysqld', state='absent')
    assert place.pid() == pid
    if place.arguments or place.kind == 'systemd':
        assert place.score(pid) == 0
    assert place.guest.files() == place.before
    assert not place.guest.module(process='mysqld', state='absent').get('changed')
    proof('undone')
