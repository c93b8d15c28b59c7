# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of kernels booted for this: a service over its limit, one with memory.oom.group, the whole machine, sysrq.

tests/vm/reports.py makes them.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import glob
import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._report import reading

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', '..', 'fixtures')
KERNELS = sorted(
    os.path.basename(path)[len('oom-linux-') : -len('.dmesg')] for path in glob.glob(FIXTURES + '/oom-linux-*.dmesg')
)


def read(name):
    return list(reversed(reading.read_events([os.path.join(FIXTURES, 'oom-linux-' + name)])['events']))


@pytest.mark.parametrize('kernel', KERNELS)
def test_kernel(kernel):
    events = read(kernel + '.dmesg')
    # A victim that is dying may still ask for memory in vain.
    assert set(event['kind'] for event in events) <= set(['kill', 'allocation_failure'])
    limited, grouped, whole, sysrq = kills = [event for event in events if event['kind'] == 'kill']
    assert all(event['complete'] and event['kernel'].startswith(kernel) for event in events)
    assert [event['scope'] for event in kills] == ['memcg', 'memcg', 'global', 'global']
    assert limited['cgroup']['limit_bytes'] == 30 << 20 and limited['cgroup']['unit'] == 'limited.service'
    assert limited['victims'][0]['unit'] == 'limited.service'
    assert limited['cgroup']['stats']['anon'] > 20 << 20
    hog = limited['victims'][0]['name']
    assert hog in ('python3', 'tail')
    assert [(victim['name'], victim['duplicates']) for victim in grouped['victims']] == [(hog, 1), ('sleep', 0)]
    assert grouped['cgroup']['group_kill'] is True
    (victim,) = whole['victims']
    assert (victim['name'], victim['unit'], victim['oom_score_adj']) == (hog, 'hog.service', 300)
    assert whole['memory']['ram_pages'] > 90000 and whole['memory']['page_size_bytes'] == 4096
    assert [zone['zone'] for zone in whole['zones']] == ['DMA', 'DMA32']
    assert whole['tasks'][0]['pid'] == victim['pid']
    assert whole['tasks'][0]['rss_bytes'] > victim['anon_rss_bytes']
    assert sysrq['trigger']['manual'] is True and sysrq['victims'][0]['unit'] == 'prey.service'


@pytest.mark.parametrize('form', ['dmesg-T', 'journal', 'json', 'json-pretty', 'kmsg', 'short-delta', 'verbose'])
def test_the_same_report_in_every_form(form):
    (event,) = read('7.2.12-global.' + form)
    expected = read('7.2.12.dmesg')[2]
    for key in ('id', 'kernel', 'scope', 'constraint', 'victims', 'memory', 'zones', 'tasks', 'cause', 'complete'):
        assert event[key] == expected[key]
    assert event['trusted'] is (True if form in ('json', 'json-pretty', 'verbose') else None)
    # Without a zone, and without a word of whose log it is, a time is that of no moment.
    assert (event['time'] is None) is (form in ('kmsg', 'short-delta', 'dmesg-T'))
