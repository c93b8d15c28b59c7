# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real reports of many kernels, read where they lie: their licences do not let them into this repository."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import io
import json
import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._report import reading
from conftest import SEED, SHARED

CORPUS = os.path.join(SHARED, 'oom-corpus')
NO_CORPUS = 'the corpus of third-party logs is not beside this checkout'


def truth():
    path = os.path.join(CORPUS, 'truth.json')
    if not os.path.exists(path):
        return []
    with io.open(path, encoding='utf-8') as stream:
        return json.load(stream)


def text(value):
    return value if isinstance(value, str) else value.encode('utf-8')


@pytest.mark.skipif(not truth(), reason=NO_CORPUS)
@pytest.mark.parametrize('entry', truth(), ids=[text(entry['file']) for entry in truth()])
def test_every_value_that_is_known_of_a_real_log_is_read(entry):
    result = reading.read_events([os.path.join(CORPUS, entry['file'])])
    events = list(reversed(result['events']))
    kilobytes = [
        [
            victim['pid'],
            victim['name'],
            victim['total_vm_bytes'] and victim['total_vm_bytes'] // 1024,
            victim['anon_rss_bytes'] if not victim['anon_rss_bytes'] else victim['anon_rss_bytes'] // 1024,
        ]
        for event in events
        for victim in event['victims']
    ]
    assert kilobytes == entry['victims']
    assert result['summary']['kills'] == entry['kills']
    assert result['summary']['sources'][0]['reports'] == entry['reports']
    assert [event['trigger']['name'] for event in events if 'header' not in event['missing']] == entry['triggers']
    for key, found in (
        ('constraint', [event['constraint'] for event in events]),
        ('ram_pages', [event['memory']['ram_pages'] for event in events]),
        (
            'swap_total_kb',
            [event['memory']['swap_total_bytes'] and event['memory']['swap_total_bytes'] // 1024 for event in events],
        ),
    ):
        if entry[key] is not None:
            assert set(found) - set([None]) == set([entry[key]])
    kernel = entry['kernel'].split(' ')[0].rstrip('+')
    if kernel[0].isdigit() and kernel[-1].isdigit() and '.x' not in kernel and 'not stated' not in entry['kernel']:
        kernels = [event['kernel'] for event in events if event['kernel']]
        assert all(found.startswith(kernel) for found in kernels), kernels


def test_the_seed_is_read_exactly_out_of_its_page():
    result = reading.read_events([SEED], tasks=2)
    assert len(result['events']) == 1
    event = result['events'][0]
    assert event['complete'] and event['kind'] == 'kill' and event['scope'] == 'global'
    trigger = event['trigger']
    assert (trigger['name'], trigger['pid'], trigger['order'], trigger['oom_score_adj']) == (
        'docker-containe',
        11029,
        0,
        -500,
    )
    victim = event['victims'][0]
    assert (victim['pid'], victim['name'], victim['score'], victim['uid']) == (13036, 'mysqld', 435, 999)
    assert (victim['total_vm_bytes'], victim['anon_rss_bytes']) == (3867316 * 1024, 440332 * 1024)
    memory = event['memory']
    assert (memory['ram_pages'], memory['reserved_pages'], memory['swap_total_bytes']) == (262014, 8291, 0)
    assert [(row['name'], row['rss_pages']) for row in event['tasks']] == [('mysqld', 110083), ('php', 76663)]
    assert event['cause'] == (
        'RAM (991 MiB) ran out and there is no swap; the largest process, mysqld (pid 13036), holds 430 MiB '
        '(43 %); beside it php (299 MiB).'
    )
