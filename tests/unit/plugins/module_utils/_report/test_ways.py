# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of real kernels that one program drove out of memory, in each way of tests/vm/ways.py, and what it took.

docs/oom-reports.md has a table of what their ledgers name, which is held against them.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import glob
import io
import json
import os
import re

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._node.ledger import eater_of
from ansible_collections.oom.rescue.plugins.module_utils._report import reading
from conftest import FIXTURES, ROOT

WAYS = sorted(
    os.path.relpath(path, os.path.join(FIXTURES, 'ways'))[: -len('.dmesg')]
    for path in glob.glob(os.path.join(FIXTURES, 'ways', '*', '*.dmesg'))
)


_EVENTS = {}


def event_of(way):
    if way not in _EVENTS:
        (_EVENTS[way],) = reading.read_events([os.path.join(FIXTURES, 'ways', way + '.dmesg')])['events']
    return _EVENTS[way]


def truth_of(way):
    with io.open(os.path.join(FIXTURES, 'ways', way + '.json'), encoding='utf-8') as stream:
        return json.load(stream)


def scope_of(way):
    name = os.path.basename(way)
    return 'memcg' if name.startswith('cgroup-') else 'mempolicy' if name == 'numa-node' else 'global'


@pytest.mark.parametrize('way', WAYS)
def test_the_report_is_read_whole(way):
    event = event_of(way)
    kernel = os.path.dirname(way).split('-')[0]
    assert event['complete'] and event['kind'] == 'kill' and event['scope'] == scope_of(way)
    assert event['kernel'].startswith(kernel + '.') and event['tasks'] and len(event['victims']) == 1


@pytest.mark.parametrize('way', WAYS)
def test_the_ledger_adds_up_and_names_the_eater_with_its_share(way):
    event, truth = event_of(way), truth_of(way)
    ledger = event['ledger']
    assert sum(part['bytes'] or 0 for part in ledger['parts']) + ledger['unaccounted_bytes'] == ledger['total_bytes']
    assert truth['says'] in event['cause']
    if truth['kind'] is None:
        return
    eater = eater_of(ledger)
    assert eater['kind'] == truth['kind'] and truth['name'] in (None, eater['name'])
    assert abs(eater['share'] - truth['taken_bytes'] / ledger['total_bytes']) <= 0.05


def _cell(way):
    """``shmem 84 %`` of the report of a way, as the page says it."""
    if truth_of(way)['kind'] is None:
        return 'in the sentence'
    eater = eater_of(event_of(way)['ledger'])
    return '%s %d %%' % (eater['kind'], round(eater['share'] * 100))


def test_the_page_has_each_report_with_its_eater_and_share():
    with io.open(os.path.join(ROOT, 'docs', 'oom-reports.md'), encoding='utf-8') as stream:
        page = stream.read()
    table = re.compile(r'^\| way \| what took it \|([^\n]*)\|\n\|[-|]+\|\n((?:\|[^\n]*\n)+)', re.MULTILINE)
    kernels, rows = table.search(page).groups()
    kernels = [cell.strip() for cell in kernels.split('|')]
    told = {}
    for row in rows.splitlines():
        name, dummy, cells = row.strip('| ').split(' | ', 2)
        for kernel, cell in zip(kernels, cells.split(' | ')):
            if cell != '-':
                told[kernel + '/' + name.strip('`')] = cell
    assert told == dict((way, _cell(way)) for way in WAYS)
