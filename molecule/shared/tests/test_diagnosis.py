# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the diagnosis says of the report in the node's /var/log/kern.log, which is ``files/kern.log`` here."""

import pytest


@pytest.fixture
def diagnosis(records):
    return records[0]['results']['diagnose']


def test_the_one_report_in_the_log_is_found(diagnosis):
    assert diagnosis['summary']['kills'] == 1
    event = next(event for event in diagnosis['events'] if event['trusted'] is not False)
    assert event['source']['path'] == '/var/log/kern.log'
    assert event['trigger']['name'] == 'php'
    assert [(victim['name'], victim['pid']) for victim in event['victims']] == [('mariadbd', 640)]
    assert event['victims'][0]['anon_rss_bytes'] == 413696 * 1024


def test_the_log_of_the_machine_that_the_container_runs_on_is_not_read(diagnosis, host):
    assert [source['path'] for source in diagnosis['summary']['sources']
            if source['bytes'] and source['path'] != 'journal'] == ['/var/log/kern.log']
    assert not host.run('journalctl --quiet --no-pager _TRANSPORT=kernel').stdout


def test_a_kill_that_a_user_wrote_to_the_journal_is_told_apart(diagnosis):
    if not any(source['path'] == 'journal' and source['bytes'] for source in diagnosis['summary']['sources']):
        pytest.skip('this image has no journal')
    assert diagnosis['summary']['untrusted'] == 1
    forged = [event for event in diagnosis['events'] if event['trusted'] is False]
    assert [(event['victims'][0]['name'], event['seen_in']) for event in forged] == [('forged', ['journal'])]


def test_swap_swappiness_and_protection_are_advised(diagnosis):
    advice = diagnosis['advice']
    assert advice['swap']['size_bytes'] > 0
    assert advice['swappiness']['value'] == 10
    assert [(row['process'], row['value']) for row in advice['protect']] == [('mariadbd', -600)]


def test_with_the_database_protected_php_would_have_been_the_victim(diagnosis):
    names = [replay['victim']['name'] for replay in diagnosis['replays'] if replay['victim']]
    assert names == ['php']
