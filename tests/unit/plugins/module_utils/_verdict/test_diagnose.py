# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one call that diagnoses: the entry of a host, of a log, and remedies as a run would make them."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import io
import os
import shutil

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._log.times import format_time
from ansible_collections.oom.rescue.plugins.module_utils._verdict.diagnose import diagnose
from ansible_collections.oom.rescue.plugins.module_utils._verdict.report import report_of
from ansible_collections.oom.rescue.plugins.module_utils._verdict.summary import cause_of
from ansible_collections.oom.rescue.plugins.module_utils._verdict.ticket import ticket
from ansible_collections.oom.rescue.plugins.module_utils._verdict.wanted import options_of
from conftest import SEED
from fake_node import seed_node

OF_BOTH = {'error', 'incidents', 'verdict', 'remedies', 'ledger', 'events', 'signals', 'summary', 'fork_failures',
           'advice', 'replays', 'raw', 'caveats'}


@pytest.fixture
def node(tmp_path):
    """A node like that of the case that this collection grew from, with its log in place."""
    made = seed_node(tmp_path / 'node')
    made.file('/proc/sys/kernel/hostname', 'shop1\n')
    made.file('/var/log/messages', '')
    shutil.copyfile(SEED, made.path('/var/log/messages'))
    return made


def row(entry, name):
    return next(one for one in entry['remedies'] if one['name'] == name)


def test_a_host_has_its_entry_by_its_root_alone(node):
    entry = diagnose(node.host.root)
    assert set(entry) == OF_BOTH | {'name', 'status', 'changes', 'claims', 'forecast', 'memory'}
    assert (entry['name'], entry['status'], entry['error']) == ('shop1', 'ok', None)
    assert entry['verdict']['was_memory'] == 'yes' and len(entry['incidents']) == 1
    assert entry['ledger'] == entry['memory']['ledger'] and entry['forecast'] == entry['memory']['forecast']
    assert len(entry['replays']) == len(entry['events']) == 1
    assert [source['path'] for source in entry['summary']['sources']] == [node.path('/var/log/messages')]


def test_a_log_has_its_entry_by_itself(tmp_path):
    entry = diagnose(tmp_path, {'log': SEED, 'tasks': 3})
    assert set(entry) == OF_BOTH | {'path'}
    assert (entry['path'], entry['error'], len(entry['events'][0]['tasks'])) == (SEED, None, 3)
    assert entry['replays'][0]['victim']['name'] == 'php'
    assert diagnose(options={'log': str(tmp_path / 'none')})['error'] == 'unreadable'


def test_remedies_are_as_a_run_would_make_them(node):
    entry = diagnose(node.host, {'wanted': {
        'swap_path': '/data/swap', 'swap_size': '3G', 'swappiness_value': '1', 'oom_protect_value': '-500',
        'oom_protect_process': ['dockerd']}})
    swap, swappiness = row(entry, 'swap'), row(entry, 'swappiness')
    assert (swap['size_bytes'], swap['what']) == (3 << 30, 'swap of 3 GiB')
    assert '-e swap_path=/data/swap' in swap['command']
    assert (swappiness['value'], entry['advice']['swappiness']['value']) == (1, 1)
    assert sorted(one['target'] for one in entry['remedies'] if one['name'] == 'score') == ['dockerd', 'mysqld']
    assert set(one['value'] for one in entry['remedies'] if one['name'] == 'score') == {-500}
    assert entry['advice']['swap']['size_bytes'] == entry['advice']['setting']['swap_bytes'] == 3 << 30


@pytest.mark.parametrize('wanted, kept, expected', [
    ({}, {}, {'swap_path': '/swapfile', 'swap_size': 'auto', 'swappiness': 10, 'protect': -600}),
    ({'swap_size': ''}, {'swap': {'swap_size': '256M'}}, {'swap_size': '256M'}),
    ({'swap_size': '2xram'}, {'swap': {'swap_size': '256M'}}, {'swap_size': '2xram'}),
    ({'swappiness_value': 10}, {'swappiness': {'swappiness_value': 60}}, {'swappiness': 60}),
    ({'swappiness_value': 'many', 'oom_protect_value': True}, {}, {}),
    ({'swappiness_value': '--5', 'oom_protect_value': -2000}, {}, {}),
    ({'swappiness_value': u'\xb2', 'oom_protect_value': '-1000'}, {}, {'protect': -1000}),
    ({'oom_protect_process': 'redis-server, mysqld'}, {}, {'protect_names': ('redis-server', 'mysqld', 'mariadbd')}),
    ({'swap_expected_peak': '2G'}, {}, {'expected_peak_bytes': 2 << 30}),
    ({'swap_expected_peak': 'high'}, {}, {'expected_peak_bytes': None}),
])
def test_what_is_wanted_is_the_users_then_the_hosts_then_the_default(wanted, kept, expected):
    facts = {'kept': dict((name, {'set': True, 'asked': asked}) for name, asked in kept.items())}
    found = options_of(wanted, facts)
    assert dict((key, found[key]) for key in expected) == expected
    assert 'swappiness' not in found or isinstance(found['swappiness'], int)
    assert -1000 <= found.get('protect', 0) <= 1000


def test_nothing_is_written_below_the_root(node):
    def files():
        return sorted(os.path.join(folder, name) for folder, _folders, names in os.walk(node.host.root)
                      for name in names)

    before = files()
    with io.open(node.path('/var/log/messages'), 'rb') as stream:
        text = stream.read()
    diagnose(node.host)
    assert files() == before
    with io.open(node.path('/var/log/messages'), 'rb') as stream:
        assert stream.read() == text


@pytest.mark.parametrize('where, told', [('end', True), ('beginning', False)])
def test_of_a_large_log_the_last_seven_days_before_its_end_are_searched_and_that_is_said(where, told, tmpdir):
    line = b'Mar %02d 11:00:00 web1 sshd[7]: Accepted publickey for root from 10.0.0.1 port 4711 ssh2: ED25519 x\n'
    kill = b'Mar %02d 11:00:00 web1 earlyoom[3]: sending SIGTERM to process 9 uid 0 "php": badness 9, VmRSS 5 MiB\n'
    days = [line % day * 9000 for day in range(1, 21)]
    days[-1 if where == 'end' else 0] += kill % (20 if where == 'end' else 1)
    log = tmpdir.join('messages')
    log.write_binary(b''.join(days))
    assert log.size() > 1 << 24
    entry = diagnose(options={'log': str(log), 'now': 1795867300})
    verdict = entry['verdict']
    assert bool(verdict) is told
    assert any('in its last seven days alone' in caveat for caveat in entry['caveats'])
    summary = {'hosts': [], 'logs': [entry]}
    if told:
        assert verdict['actor'] == 'earlyoom'
        assert set(entry['caveats']) <= set(verdict['caveats'])
    else:
        assert report_of(summary, 'now')['logs'][0]['caveats'] == entry['caveats']
        for text in (cause_of(entry), ticket(report_of(summary, 'now'))):
            assert 'to its end' not in text and 'its last seven days alone' in text


def test_a_log_that_was_searched_whole_has_no_caveat(tmpdir):
    log = tmpdir.join('messages')
    log.write_binary(b'Mar 01 11:00:00 web1 sshd[7]: Accepted publickey for root\n' * 1000)
    entry = diagnose(options={'log': str(log)})
    assert entry['caveats'] == [] and 'to its end' in cause_of(entry)


def test_of_a_large_log_all_of_which_is_since_the_time_asked_for_nothing_is_left_out(tmpdir):
    log = tmpdir.join('messages')
    log.write_binary(b'Mar 01 11:00:00 web1 sshd[7]: Accepted publickey for root from 10.0.0.1 port 4711\n' * 220000)
    assert log.size() > 1 << 24
    entry = diagnose(options={'log': str(log), 'now': 1795867300, 'since': 1700000000})
    assert entry['caveats'] == ['Only what happened since %s was asked for.' % format_time(1700000000)]


def test_lines_that_a_flood_kept_from_being_looked_at_are_counted(tmpdir):
    log = tmpdir.join('messages')
    log.write_binary(b'Mar 01 11:00:00 web1 app[7]: Cannot fork a spoon\n' * 40000)
    entry = diagnose(options={'log': str(log)})
    assert any('were not looked at' in caveat for caveat in entry['caveats'])


@pytest.mark.parametrize('options, rows', [({}, 44), ({'tasks': 0}, 44), ({'tasks': 3}, 3), ({'tasks': 99}, 44)])
def test_a_report_of_a_host_has_all_rows_of_its_table_or_as_many_as_asked(node, options, rows):
    (event,) = diagnose(node.host, options)['events']
    assert len(event['tasks']) == rows
    left_out = event.get('tasks_left_out', {'count': 0})['count']
    assert left_out == (44 - rows if options.get('tasks') else 0)
