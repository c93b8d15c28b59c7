# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arithmetic against real reports, 2.6.32 to 6.11: it has to name the process that each kernel killed."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import glob
import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._report.reading import read_events
from ansible_collections.oom.rescue.plugins.module_utils._verdict.advice import advise
from ansible_collections.oom.rescue.plugins.module_utils._verdict.replay import replay
from conftest import SEED, SHARED

NO_CORPUS = 'the corpus of third-party logs is not beside this checkout'
LOGS = sorted(glob.glob(os.path.join(SHARED, 'oom-corpus', '*.txt')))
# Its table lacks what was in swap, where most of its victim was.
NOT_TOLD = 'rackspace-centos6-2.6.32-first-event.txt'


def events(path):
    return read_events([path])['events']


@pytest.mark.skipif(not LOGS, reason=NO_CORPUS)
def test_the_corpus_replays_to_what_each_kernel_did():
    told, wrong = 0, []
    for path in LOGS:
        for event in events(path):
            result = replay(event)
            told += result['reproduces'] is not None
            if result['reproduces'] is False:
                wrong.append(os.path.basename(path))
                assert 'do not rely on this one' in result['caveat']
                assert 'had in swap' in result['caveat']
    assert wrong == [NOT_TOLD]
    assert told >= 20


@pytest.mark.skipif(not LOGS, reason=NO_CORPUS)
@pytest.mark.parametrize('path', LOGS, ids=[os.path.basename(path) for path in LOGS])
def test_every_report_gets_advice_and_no_control_group_gets_swap(path):
    found = events(path)
    advice = advise({}, found)
    assert advice['cause'] and advice['evidence']
    if found and all(event['scope'] == 'memcg' for event in found):
        assert advice['swap'] is None


def test_the_seed_in_full():
    event, = events(SEED)
    advice = advise({}, [event])
    assert advice['evidence'] == [
        'The kernel killed mysqld (pid 13036) with score 435: total-vm 3867316 kB, anon-rss 440332 kB.',
        'Triggered by docker-containe (pid 11029), order 0, oom_score_adj -500.',
        'RAM: 991 MiB (262014 pages, 8291 reserved); no swap.',
        'Largest: mysqld (110083 pages, 430 MiB) and php (76663 pages, 299 MiB).',
    ]
    assert advice['setting'] == {'swap_bytes': 2 << 30, 'oom_score_adj': {'mysqld': -600}}
    result = replay(event, advice['setting'])
    assert (result['victim']['pid'], result['victim']['name']) == (13360, 'php')
    assert result['reproduces'] is True
