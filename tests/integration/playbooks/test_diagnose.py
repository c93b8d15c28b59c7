# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``make diagnose LOG=file`` says of a real report, by what the kernel printed in it."""

import re

import pytest


@pytest.fixture(scope='module', name='play')
def fixture_play(make, seed):
    return make('diagnose', LOG=seed)


@pytest.mark.parametrize('words', [
    pytest.param('centos7', id='the host'),
    pytest.param('The kernel killed mysqld (pid 13036) with score 435', id='the victim and its score'),
    pytest.param('RAM (991 MiB) ran out and there is no swap', id='the memory'),
    pytest.param('mysqld (pid 13036), holds 430 MiB (43 %); beside it php (299 MiB)', id='the two largest'),
    pytest.param('To do: swap of 2 GiB', id='swap'),
    pytest.param('delays swap of 2 GiB: 2 GiB more room', id='what swap does'),
    pytest.param('prevents oom_score_adj -600 for mysqld: php (pid 13360) is killed instead', id='what a score does'),
    pytest.param('vm.swappiness 10', id='swappiness'),
    pytest.param('mysqld protected at -600', id='protection'),
    pytest.param('So protected and with that swap, php (pid 13360) would have been the victim',
                 id='whom it would have killed'),
])
def test_the_summary_says(play, words):
    assert play.status == 0, play.output
    assert words in ' '.join(play.summary.split())
    assert words in ' '.join(play.output.split())


def test_the_summary_has_ten_lines_of_eighty_columns_at_most(play):
    assert 0 < len(play.lines) <= 10
    assert all(len(line) <= 80 for line in play.lines[:-1]) and '\x1b' not in play.summary
    assert play.lines[-1].startswith('Page: ')


def test_the_page_says_the_same_and_needs_nothing_but_itself(play):
    for words in ('13036', '3867316', 'docker-containe', '262014', '76663', '13360', '2 GiB', 'twice the RAM'):
        assert words in play.page
    assert not re.search(r'(src|href)=|url\(|@import|<script', play.page)


def test_nothing_of_this_machine_is_read_for_a_log_from_elsewhere(play):
    assert not [line for line in play.lines if line.startswith('localhost: ')]
    assert play.report['hosts'] == []
    assert [(log['error'], log['verdict']['was_memory']) for log in play.report['logs']] == [(None, 'yes')]


def test_a_log_and_a_host_are_kept_apart(playbook, seed):
    """The advice for the copied log is from that log, not from the RAM of the machine that reads it."""
    play = playbook('oom.rescue.diagnose', '--extra-vars', 'rescue_hosts=localhost',
                    '--extra-vars', f'{{"diagnose_controller_logs": ["{seed}"]}}')
    here = [line for line in play.lines if line.startswith('localhost: ')]
    assert len(here) == 1
    assert 'mysqld (pid 13036)' not in here[0]


def test_an_installed_collection_says_the_same(playbook, seed, play):
    again = playbook('oom.rescue.diagnose', '--extra-vars', 'rescue_hosts=localhost',
                     '--extra-vars', f'{{"diagnose_controller_logs": ["{seed}"], "diagnose_host": false}}')
    assert again.status == 0, again.output
    assert again.lines[:7] == play.lines[:7]


def test_a_machine_s_own_log_is_read_where_none_is_named(make):
    """Whatever is in it."""
    play = make('diagnose', own_log=True)
    assert play.status == 0, play.output
    assert play.lines[-1].startswith('Page: ')
