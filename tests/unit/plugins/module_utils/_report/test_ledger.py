# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the memory was: parts that add up to the total, none of them twice, each of them named."""

from __future__ import absolute_import, division, print_function

import glob
import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._node.ledger import eater_of
from ansible_collections.oom.rescue.plugins.module_utils._report import reading
from conftest import ROOT, SEED, SHARED
from oom_reports import ERAS, memcg

CORPUS = sorted(glob.glob(os.path.join(SHARED, 'oom-corpus', '*.txt')))
FIXTURES = sorted(glob.glob(os.path.join(ROOT, 'tests', 'unit', 'fixtures', 'oom-linux-*.dmesg')))
# More than a tenth of its 132 KiB is in no counter: the list of its statistics is left out of that page.
ABRIDGED = ['lore-ubuntu2004-5.8-oracle-memcg-v1.txt']


def events_of(text):
    read = reading.Reading()
    read.text(text.encode('utf-8'), 'log')
    return read.result()['events']


def ledger(text):
    (event,) = events_of(text)
    return event['ledger']


def assert_exact(found):
    sizes = [part['bytes'] for part in found['parts'] if part['bytes'] is not None]
    assert sum(sizes) + found['unaccounted_bytes'] == found['total_bytes']
    assert not [size for size in sizes if size <= 0]
    assert found['unaccounted_bytes'] < 0 or all(part['share'] is None or part['share'] <= 1 for part in found['parts'])


@pytest.mark.parametrize('era', sorted(ERAS))
def test_the_parts_of_every_kernel_add_up_to_its_total(era):
    assert_exact(ledger('\n'.join(ERAS[era]) + '\n'))


@pytest.mark.parametrize('version', [1, 2])
def test_the_parts_of_a_cgroup_add_up_to_what_it_used(version):
    found = ledger('\n'.join(memcg(version)) + '\n')
    assert_exact(found)
    assert found['total_bytes'] == 307200 * 1024 and eater_of(found)['name'] == 'stress'


@pytest.mark.parametrize('path', FIXTURES, ids=[os.path.basename(path) for path in FIXTURES])
def test_the_parts_of_a_real_kernels_reports_add_up(path):
    found = [event['ledger'] for event in reading.read_events([path])['events']]
    assert found and None not in found
    for one in found:
        assert_exact(one)
        assert abs(one['unaccounted_bytes']) * 10 <= one['total_bytes']


@pytest.mark.skipif(not CORPUS, reason='the corpus of third-party logs is not beside this checkout')
def test_of_the_corpus_nothing_whole_has_more_than_a_tenth_in_no_counter():
    large = []
    for path in CORPUS:
        for event in reading.read_events([path])['events']:
            if event['ledger'] is not None:
                assert_exact(event['ledger'])
                if abs(event['ledger']['unaccounted_bytes']) * 10 > event['ledger']['total_bytes']:
                    large.append(os.path.basename(path))
    assert large == ABRIDGED


def test_the_seed_names_its_eater():
    (event,) = reading.read_events([SEED])['events']
    assert eater_of(event['ledger']) == {
        'kind': 'process', 'name': 'mysqld', 'bytes': 440332 * 1024, 'share': 440332 / (253723 * 4.0)}
