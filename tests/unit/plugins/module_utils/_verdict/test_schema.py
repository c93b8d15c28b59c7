# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""report.json is as docs/report.schema.json says, of real logs, of hosts, and of what gave no answer."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import copy
import glob
import io
import json
import os

import pytest

jsonschema = pytest.importorskip('jsonschema')

from ansible_collections.oom.rescue.plugins.module_utils._verdict.anonymous import anonymous_summary  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._verdict.diagnose import diagnose  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._verdict.report import (  # noqa: E402
    MOST_BYTES,
    report_of,
    stats_of,
)
from ansible_collections.oom.rescue.plugins.module_utils._verdict.summary import summarize  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._verdict.ticket import ticket  # noqa: E402
from conftest import FIXTURES, ROOT, SEED, SHARED  # noqa: E402
from fake_node import seed_node  # noqa: E402

WRITTEN = '2025-09-03T14:00:00+02:00'
CORPUS = sorted(path for path in glob.glob(os.path.join(SHARED, 'oom-corpus', '*')) if os.path.isfile(path))
REPORTS = sorted(glob.glob(os.path.join(FIXTURES, 'oom-linux-*'))
                 + glob.glob(os.path.join(FIXTURES, 'ways', '*', '*.dmesg')))


def schema():
    with io.open(os.path.join(ROOT, 'docs', 'report.schema.json'), encoding='utf-8') as stream:
        return json.load(stream)


VALIDATOR = jsonschema.Draft202012Validator(schema())


def wrong(report):
    """What of a report is not as the schema says: a line each."""
    return ['%s: %s' % (error.json_path, error.message[:200]) for error in VALIDATOR.iter_errors(
        json.loads(json.dumps(report)))]


def of_logs(paths):
    """report.json of logs in both of its lengths, the full one first."""
    logs = [diagnose(options={'log': path}) for path in paths]
    return [report_of({'hosts': [], 'logs': copy.deepcopy(logs)}, WRITTEN, full) for full in (True, False)]


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.slow
def test_reports_of_real_kernels():
    full, short = of_logs(REPORTS + [SEED])
    assert wrong(full) == wrong(short) == [] and len(full['logs']) == len(short['logs']) > 100
    assert all(len(json.dumps(log)) <= MOST_BYTES for log in short['logs'])


@pytest.mark.slow
@pytest.mark.skipif(not CORPUS, reason='the corpus of third-party logs is not beside this checkout')
def test_logs_of_others():
    full, short = of_logs(CORPUS)
    assert wrong(full) == wrong(short) == []


def test_logs_that_say_nothing(tmp_path):
    (tmp_path / 'empty').write_text(u'')
    (tmp_path / 'calm').write_text(u'Oct 28 11:32:28 web sshd[1]: hello\n')
    (tmp_path / 'binary').write_bytes(b'\0\1' * 4096)
    (tmp_path / 'folder').mkdir()
    report = of_logs([str(tmp_path / name) for name in ('empty', 'calm', 'binary', 'none', 'folder')])[0]
    assert wrong(report) == []
    assert [log['error'] for log in report['logs']] == ['empty', 'no_report', 'binary', 'unreadable', 'directory']


@pytest.fixture
def host(tmp_path):
    """What the roles left of a node like that of the case that this collection grew from."""
    entry = diagnose(seed_node(tmp_path / 'node').host, {'paths': [SEED]})
    memory = entry.pop('memory')
    return {'diagnose_result': dict(entry, elsewhere=[]), 'ansible_facts': {'memory': memory}}


def fleet(host):
    changed = dict(
        host, swap_result={'changed': True, 'before': {}, 'after': {'activation': True, 'persistence': True},
                           'path': '/swapfile', 'size_bytes': 1 << 30, 'actions': [{'detail': 'made'}]},
        verify_result={'holds': False, 'claims': [
            {'remedy': 'oom_protect', 'claim': 'mysqld is spared', 'holds': False, 'now': True, 'after_reboot': False,
             'state': 'false', 'detail': 'nothing gives it back'}]})
    return {
        'fine': host, 'changed': changed,
        'gone': {'diagnose_result': {'unreachable': True, 'changed': False, 'msg': 'Task failed: no route to host'}},
        'broken': {'diagnose_result': {'failed': True, 'msg': 'no python'}}, 'hostile': {'diagnose_result': 'x'},
    }


@pytest.mark.parametrize('full', [True, False])
def test_hosts_in_every_state(host, full):
    left = fleet(host)
    summary = summarize(sorted(left), left, reached=['fine', 'changed'])
    report = report_of(summary, WRITTEN, full)
    assert wrong(report) == []
    found = dict((each['name'], (each['status'], each['error'])) for each in report['hosts'])
    assert found['fine'] == found['changed'] == ('ok', None)
    assert found['gone'] == ('unreachable', 'STOPPED: it gave no answer: Task failed: no route to host')
    assert found['broken'] == ('failed', 'STOPPED: diagnose: no python') and found['hostile'][0] == 'failed'


@pytest.mark.parametrize('left, applied', [
    ({'changed': True}, True), ({'changed': False}, True), ({'changed': False, 'skipped': True}, False),
    ({'changed': False, 'failed': True, 'msg': 'no'}, False), ({'changed': False, 'skipped_reason': 'zfs'}, False),
    ({}, False), (None, False),
], ids=['made', 'there already', 'skipped', 'failed', 'refused', 'not run', 'left out'])
def test_a_remedy_is_applied_if_its_role_was_run_and_the_host_has_it(host, left, applied):
    if left:
        left = dict(left, path='/swapfile', size_bytes=1 << 30, actions=[], before={}, after={})
    summary = summarize(['db'], {'db': dict(host, swap_result=left)}, reached=['db'])
    (found,) = report_of(summary, WRITTEN)['hosts']
    assert [row['applied'] for row in found['remedies'] if row['name'] == 'swap'] == [applied]


def test_an_entry_is_one_of_a_report_by_itself(tmp_path):
    entry = diagnose(seed_node(tmp_path / 'node').host)
    assert wrong({'schema': 1, 'written': WRITTEN, 'hosts': [entry], 'logs': []}) == []


@pytest.mark.parametrize('change, left_out', [
    (lambda found: found['signals'].extend([{'kind': 'x', 'source': {'path': '/l'}, 'text': 'y' * 99}] * 9000),
     ['events']),
    (lambda found: found['verdict'].update(caveats=['z' * 9000] * 90), ['events', 'incidents']),
    (lambda found: found.update(remedies=[dict(row, why=dict(('k%d' % one, 'w' * 400) for one in range(49)))
                                          for row in found['remedies'] * 9]), ['events', 'incidents', 'all']),
])
def test_a_host_of_a_fleet_has_a_bound(host, change, left_out):
    entry = copy.deepcopy(host['diagnose_result'])
    change(entry)
    hosts = [{'name': 'web', 'status': 'advice', 'headline': '', 'results': {}, 'diagnosis': entry}]
    found = report_of({'hosts': hosts, 'logs': []}, WRITTEN, full=False)
    assert wrong(found) == []
    assert found['hosts'][0]['left_out'] == left_out and len(json.dumps(found['hosts'][0])) <= MOST_BYTES
    assert found['hosts'][0]['name'] == 'web'


@pytest.mark.parametrize('change', [
    lambda entry: entry['verdict'].update(incident=99), lambda entry: entry['incidents'][0].update(signals=[7]),
    lambda entry: entry['verdict'].update(was_memory='x', limit='y', actor='z'),
    lambda entry: entry['verdict'].update(victims=[{}], evidence=[]),
    lambda entry: entry['remedies'][0].update(effect='x', name='y'),
])
@pytest.mark.parametrize('full', [True, False])
def test_a_host_that_says_what_cannot_be_costs_the_others_nothing(host, change, full):
    entry = copy.deepcopy(host['diagnose_result'])
    entry['signals'] = entry['signals'] + [{'kind': 'x', 'source': {'path': '/l'}, 'text': 'y' * 99}] * 3000
    change(entry)
    hosts = [{'name': name, 'status': 'advice', 'headline': '', 'results': {}, 'diagnosis': found} for name, found in (
        ('bad', entry), ('fine', host['diagnose_result']))]
    report = report_of({'hosts': hosts, 'logs': []}, WRITTEN, full)
    text = ticket(anonymous_summary({'hosts': report['hosts'], 'logs': [], 'lines': ['x']}) and report)
    assert 'mysqld, pid 13036' in text.partition('## fine')[2]
    assert sorted(stats_of(report)) == ['bad', 'fine']


@pytest.mark.parametrize('change', [
    lambda report: report.update(schema=2), lambda report: report['logs'][0].pop('verdict'),
    lambda report: report['logs'][0]['remedies'][0].update(effect='helps'),
    lambda report: report['logs'][0].update(error='gone'),
    lambda report: report['logs'][0]['incidents'][0].update(reports=[0]),
    lambda report: report['logs'][0]['verdict'].update(was_memory=True),
])
def test_what_is_wrong_is_seen(change):
    report = of_logs([SEED])[0]
    change(report)
    assert wrong(report)
