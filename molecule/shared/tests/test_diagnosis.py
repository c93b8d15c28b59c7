# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the diagnosis says of the report in the node's /var/log/kern.log, which is ``files/kern.log`` here."""

import pytest


@pytest.fixture
def diagnosis(records):
    found = records[0]['results'].get('diagnose')
    if found is None:
        pytest.skip('this scenario does not diagnose')
    return found


def test_the_one_report_in_the_log_is_found(diagnosis):
    assert diagnosis['summary']['kills'] == 1
    event = diagnosis['events'][0]
    assert event['source']['path'] == '/var/log/kern.log'
    assert event['trigger']['name'] == 'php'
    assert [(victim['name'], victim['pid']) for victim in event['victims']] == [('mariadbd', 640)]
    assert event['victims'][0]['anon_rss_bytes'] == 413696 * 1024


def test_swap_swappiness_and_protection_are_advised(diagnosis):
    advice = diagnosis['advice']
    assert advice['swap']['size_bytes'] > 0
    assert advice['swappiness']['value'] == 10
    assert [(row['process'], row['value']) for row in advice['protect']] == [('mariadbd', -600)]


def test_with_the_database_protected_php_would_have_been_the_victim(diagnosis):
    assert diagnosis['replays'][0]['victim']['name'] == 'php'
