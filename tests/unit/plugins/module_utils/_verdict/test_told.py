# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that is told of a log, word for word: who changes a sentence or a figure sees in a diff what people will read.

The texts are in fixtures/told. TOLD=write writes them anew: read the difference before it is committed.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import glob
import io
import json
import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._verdict.advice import advise
from ansible_collections.oom.rescue.plugins.module_utils._verdict.diagnose import diagnose_log
from ansible_collections.oom.rescue.plugins.module_utils._verdict.report import report_of, stats_of
from ansible_collections.oom.rescue.plugins.module_utils._verdict.summary import summarize
from ansible_collections.oom.rescue.plugins.module_utils._verdict.ticket import ticket
from conftest import FIXTURES, SEED
from short_of_memory import remedies

from .test_situations import SITUATIONS

TOLD = os.path.join(FIXTURES, 'told')
LOGS = dict(
    [('seed', SEED)] +
    [('way-%s' % os.path.basename(path)[:-len('.dmesg')], path)
     for path in glob.glob(os.path.join(FIXTURES, 'ways', '6.1*', '*.dmesg'))] +
    [('killer-%s' % os.path.basename(path)[:-len('.log')], path)
     for path in glob.glob(os.path.join(FIXTURES, 'killers', '*.log'))])
# Of these every figure of the report is held too.
WHOLE = ('seed', 'way-cgroup-anon', 'way-huge-pages', 'way-low-memory', 'way-numa-node', 'way-order-3',
         'killer-kernel-limit-bookworm')
WRITTEN = '2026-01-01T00:00:00+00:00'
# The moment at which a log without years is read.
NOW = 1793200000


def rows_told(rows):
    """The lines on remedies, one for each value that is there."""
    lines = []
    for row in rows or []:
        lines.append('%s of %s: %s' % (row['name'], row['target'], row['effect']))
        lines += ['    %s: %s' % (key, json.dumps(row[key], sort_keys=True)) for key in sorted(row)
                  if key not in ('name', 'target', 'effect') and row[key] not in (None, [], False)]
    return lines


def log_told(name):
    """The lines on a log: the terminal's, the ticket's, the remedies, a workflow's figures, some reports whole."""
    found = diagnose_log(LOGS[name], now=NOW, tasks=3)
    found['path'] = '/var/log/messages'
    left = {'x': {'diagnose_result': {'events': [], 'advice': advise({}, []), 'replays': [], 'elsewhere': [found]}}}
    summary = summarize(['x'], left, logs_only=True)
    report = report_of(summary, WRITTEN)
    lines = summary['lines'] + ['', '--- ticket'] + ticket(report).splitlines()
    lines += ['', '--- remedies'] + rows_told(found['remedies'])
    lines += ['', '--- figures'] + json.dumps(stats_of(report), indent=1, sort_keys=True).splitlines()
    if name in WHOLE:
        whole = dict((key, found[key]) for key in ('incidents', 'verdict', 'ledger', 'events', 'signals', 'replays'))
        lines += ['', '--- all'] + json.dumps(whole, indent=1, sort_keys=True).splitlines()
    return [line.rstrip().replace(LOGS[name], '/var/log/messages') for line in lines]


def compare(name, lines):
    path = os.path.join(TOLD, name + '.txt')
    if os.environ.get('TOLD') == 'write':
        with io.open(path, 'w', encoding='utf-8') as stream:
            stream.write(u'\n'.join(lines) + u'\n')
    with io.open(path, encoding='utf-8') as stream:
        assert lines == stream.read().splitlines()


@pytest.mark.parametrize('name', sorted(LOGS))
def test_what_is_told_of_a_log(name):
    compare(name, log_told(name))


@pytest.mark.parametrize('situation', sorted(SITUATIONS))
def test_what_is_told_of_a_situation(situation):
    events, signals, here, dummy, dummy, dummy = SITUATIONS[situation]
    compare('situation-' + situation.replace(' ', '-'), rows_told(remedies(events, signals, here)))


def test_no_text_is_left_of_what_is_no_longer_told():
    known = set(LOGS) | set('situation-' + name.replace(' ', '-') for name in SITUATIONS)
    assert known == set(os.path.basename(path)[:-len('.txt')] for path in glob.glob(os.path.join(TOLD, '*.txt')))
