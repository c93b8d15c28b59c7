# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._verdict.evidence import describe, plain

PAGE = 4096
KILL = {
    'kind': 'kill',
    'scope': 'global',
    'trigger': {'name': 'docker-containe', 'pid': 11029, 'order': 0, 'oom_score_adj': -500, 'manual': False},
    'victims': [{'pid': 13036, 'name': 'mysqld', 'score': 435, 'total_vm_bytes': 3867316 * 1024,
                 'anon_rss_bytes': 440332 * 1024}],
    'memory': {'ram_bytes': 262014 * PAGE, 'reserved_bytes': 8291 * PAGE, 'page_size_bytes': PAGE,
               'swap_total_bytes': 0, 'swap_free_bytes': 0},
    'tasks': [{'pid': 13036, 'name': 'mysqld', 'rss_pages': 110083, 'rss_bytes': 110083 * PAGE},
              {'pid': 1, 'name': 'init', 'rss_pages': 1, 'rss_bytes': PAGE},
              {'pid': 13360, 'name': 'php', 'rss_pages': 76663, 'rss_bytes': 76663 * PAGE}],
}


def test_a_whole_report_in_four_sentences():
    assert describe(KILL) == [
        'The kernel killed mysqld (pid 13036) with score 435: total-vm 3867316 kB, anon-rss 440332 kB.',
        'Triggered by docker-containe (pid 11029), order 0, oom_score_adj -500.',
        'RAM: 991 MiB (262014 pages, 8291 reserved); no swap.',
        'Largest: mysqld (110083 pages, 430 MiB) and php (76663 pages, 299 MiB).',
    ]


@pytest.mark.parametrize('event, sentences', [
    pytest.param({'kind': 'kill'}, ['The report ends before it names a victim.'], id='nothing known'),
    pytest.param(
        {'kind': 'kill', 'selected': {'name': 'java', 'pid': 29957, 'score': 366}},
        ['The kernel chose java (pid 29957) with score 366; the line that tells the kill is not in the log.'],
        id='the choice alone',
    ),
    pytest.param({'kind': 'panic'}, ['The kernel panicked instead of killing a process.'], id='panic'),
    pytest.param({'kind': 'no_victim'}, ['The kernel found no process that it could kill.'], id='no victim'),
    pytest.param({'kind': 'allocation_failure'}, ['An allocation failed; no process was killed.'], id='allocation'),
    pytest.param({'kind': 'kill', 'victims': [{'pid': 7, 'name': 'a'}, {'pid': 8, 'name': 'b'}]},
                 ['The kernel killed a (pid 7); b (pid 8).'], id='a group of victims, no sizes'),
    pytest.param({'kind': 'kill', 'victims': [{'pid': 7, 'name': 'a'}], 'trigger': {'name': 'kworker', 'manual': True}},
                 ['The kernel killed a (pid 7).', 'It was asked for by hand (sysrq f).'], id='by hand'),
    pytest.param({'kind': 'kill', 'victims': [{'pid': 7, 'name': 'a'}], 'scope': 'memcg',
                  'cgroup': {'path': '/docker/x', 'usage_bytes': 1 << 30, 'limit_bytes': 1 << 30}},
                 ['The kernel killed a (pid 7).', 'The control group /docker/x used 1 GiB of its limit of 1 GiB.'],
                 id='a control group'),
    pytest.param({'kind': 'kill', 'victims': [{'pid': 7, 'name': 'a'}],
                  'memory': {'ram_bytes': 1 << 30, 'swap_total_bytes': 1 << 30, 'swap_free_bytes': 1 << 20}},
                 ['The kernel killed a (pid 7).',
                  'RAM: 1 GiB (262144 pages, those reserved are not told); 1 GiB of swap, 1 MiB of it free.'],
                 id='swap in use'),
    pytest.param({'kind': 'kill', 'victims': [{'pid': 7, 'name': 'a'}],
                  'memory': {'ram_bytes': None, 'free_bytes': 5, 'swap_total_bytes': 0, 'swap_free_bytes': 0},
                  'zones': [{'free_bytes': 5, 'managed_bytes': 1 << 30, 'free_blocks': [1]}]},
                 ['The kernel killed a (pid 7).', 'RAM: 1 GiB, by its zones; no swap.'], id='no line on RAM'),
])
def test_what_is_not_known_is_not_said(event, sentences):
    assert describe(event) == sentences


@pytest.mark.parametrize('text, shown', [
    pytest.param('puma srv tp 003', 'puma srv tp 003', id='spaces stay'),
    pytest.param('<script>', '<script>', id='markup is for the page to escape'),
    pytest.param('\x1b[2Jmysqld\r\n', '?[2Jmysqld??', id='terminal control'),
    pytest.param(u'a\u202eb', u'a?b', id='text turned round'),
    pytest.param(u'a\udce9b', u'a?b', id='a byte that is no UTF-8'),
    pytest.param(u'\u00e9', u'\u00e9', id='letters stay'),
    pytest.param(531, '531', id='a number'),
])
def test_plain(text, shown):
    assert plain(text) == shown
