# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real servers in their managers: the score now, and after everything that starts them again."""

SCORE = -600


def test_what_its_manager_cannot_keep_is_said_with_the_change_to_make(place):
    row = place.guest.module(check=True, process='mysqld')['processes'][-1]
    assert (row['recreate_required'] is not None) == bool(place.arguments)


def test_check_mode_says_what_a_run_does_and_changes_nothing(place):
    place.checked = place.guest.module(check=True, process='mysqld', **place.arguments)
    pid, score, files = place.after()
    assert files == place.before
    assert [row['live']['before'] for row in place.checked['processes'] if row['pid'] == pid] == [score]


def test_the_score_is_live_and_the_server_is_the_same_process(place, proof):
    result = place.guest.module(process='mysqld', **place.arguments)
    pid, score, _files = place.after()
    row = next(row for row in result['processes'] if row['pid'] == pid)
    assert row['manager']['kind'] == place.kind
    assert row['live']['after'] == SCORE == score
    assert row['skipped_reason'] is None
    assert row['persistent']['after'] == SCORE
    assert result['actions'] == place.checked['actions']
    assert row['recreate_required'] is None
    proof('live', 'pid %d, by %s' % (pid, row['persistent']['by']))


def test_a_second_run_changes_nothing(place, proof):
    result = place.guest.module(process='mysqld', **place.arguments)
    assert not result.get('changed'), result
    proof('again', 'unchanged')


def test_it_is_there_after_a_restart_by_the_manager(place, proof):
    pid = place.after()[0]
    new, score, _files = place.after(place.restart, other_than=pid, score=SCORE)
    assert (new != pid, score) == (True, SCORE)
    proof('after a restart', 'pid %d' % new)


def test_it_is_there_after_the_manager_found_it_killed(place, proof):
    """As after an OOM kill. Nothing starts some servers again: these are left out."""
    if not place.starts_again:
        return
    pid = place.after()[0]
    new, score, _files = place.after('kill -9 %d' % pid, other_than=pid, score=SCORE)
    assert (new != pid, score) == (True, SCORE)
    proof('after a kill', 'pid %d' % new)


def test_it_is_there_after_a_reboot(place, proof):
    place.guest.reboot()
    pid, score, _files = place.after(score=SCORE)
    assert score == SCORE
    assert not place.guest.module(process='mysqld', **place.arguments).get('changed')
    proof('after a reboot', 'pid %d' % pid)


def test_absent_leaves_every_file_and_score_as_it_was(place, proof):
    pid = place.after()[0]
    place.guest.module(process='mysqld', state='absent')
    now, score, files = place.after(score=0)
    assert now == pid
    assert files == place.before
    if not place.keeps_its_own:
        assert score == 0
    assert not place.guest.module(process='mysqld', state='absent').get('changed')
    proof('undone')
