# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""report.md for a ticket, pseudonyms in all that is written, and what a workflow is handed."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import copy
import json
import re

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._verdict.anonymous import (
    LEFT_OUT,
    Anonymous,
    anonymous_summary,
)
from ansible_collections.oom.rescue.plugins.module_utils._verdict.diagnose import diagnose
from ansible_collections.oom.rescue.plugins.module_utils._verdict.report import report_of, stats_of
from ansible_collections.oom.rescue.plugins.module_utils._verdict.summary import summarize
from ansible_collections.oom.rescue.plugins.module_utils._verdict.ticket import code, md, ticket
from conftest import SEED
from fake_node import seed_node

WRITTEN = '2025-09-03T14:00:00+02:00'
CONTAINER = '5f0c1d2e3a4b' + '0123456789abcdef' * 3 + '0a1b'
# What a kill in a container of a customer looks like, with all that names him.
KILL = '''Sep  3 14:00:00 acme-shop1 kernel: acme-billing invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, \
oom_score_adj=0
Sep  3 14:00:00 acme-shop1 kernel: CPU: 1 PID: 4711 Comm: acme-billing Not tainted 5.10.0-8-amd64 #1 Debian 5.10.46-4
Sep  3 14:00:00 acme-shop1 kernel: memory: usage 524288kB, limit 524288kB, failcnt 12
Sep  3 14:00:00 acme-shop1 kernel: Tasks state (memory values in pages):
Sep  3 14:00:00 acme-shop1 kernel: [  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name
Sep  3 14:00:00 acme-shop1 kernel: [   4711]  1000  4711   200000   130000   1200000        0             0 acme-billing
Sep  3 14:00:00 acme-shop1 kernel: oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=docker-{c}.scope,\
mems_allowed=0,oom_memcg=/system.slice/docker-{c}.scope,task_memcg=/system.slice/docker-{c}.scope,task=acme-billing,\
pid=4711,uid=1000
Sep  3 14:00:00 acme-shop1 kernel: Memory cgroup out of memory: Killed process 4711 (acme-billing) total-vm:800000kB, \
anon-rss:520000kB, file-rss:0kB, shmem-rss:0kB, UID:1000 pgtables:1200kB oom_score_adj:0
Sep  3 14:00:01 acme-shop1 acme-app[99]: fork from 192.0.2.17 by anna@acme.example: Cannot allocate memory
'''.format(c=CONTAINER)
SECRETS = ('acme', CONTAINER[:12], '192.0.2.17', 'anna', 'customers')


@pytest.fixture
def summary(tmp_path):
    """summarize()'s result on two hosts of a customer and a log of his."""
    log = tmp_path / 'customers' / 'acme-shop1.log'
    log.parent.mkdir()
    log.write_text(KILL.decode('utf-8') if isinstance(KILL, bytes) else KILL)
    node = seed_node(tmp_path / 'node')
    entry = diagnose(node.host, {'paths': [str(log)]})
    memory = entry.pop('memory')
    found = dict(entry, elsewhere=[diagnose(options={'log': str(log)})])
    left = {'acme-shop1.example.com': {'diagnose_result': found, 'ansible_facts': {'memory': memory}},
            'acme-db.example.com': {'diagnose_result': {
                'failed': True, 'msg': 'could not connect to 192.0.2.17 as anna@acme.example, see /home/anna/acme'}}}
    return summarize(sorted(left), left, page='/customers/acme/index.html')


def texts(value):
    if isinstance(value, dict):
        return [text for part in value.items() for text in texts(list(part))]
    if isinstance(value, list):
        return [text for part in value for text in texts(part)]
    return [value] if not isinstance(value, (int, float)) and value is not None else []


def numbers(value):
    if isinstance(value, dict):
        return [number for key in sorted(value, key=str) for number in numbers(value[key])]
    if isinstance(value, list):
        return [number for part in value for number in numbers(part)]
    return [value] if isinstance(value, (int, float)) else []


def test_nobody_can_tell_whose_an_anonymous_report_is(summary):
    told = anonymous_summary(summary)
    report = dict(report_of(told, WRITTEN, full=True), anonymised=True)
    shown = json.dumps([report, told['lines'][:-1], stats_of(report)], indent=1) + ticket(report)
    assert [line for line in shown.splitlines() if any(secret in line for secret in SECRETS)] == []
    assert told['lines'][-1] == summary['lines'][-1]
    assert len(told['lines']) == len(summary['lines'])


@pytest.mark.parametrize('name, told', [('acme-shop.log', 'path-1'), ('17', '17'), ('ab', 'ab')])
def test_the_name_of_a_file_alone_is_told_as_its_path_is_but_for_figures_and_what_is_too_short(name, told):
    data = Anonymous().of({'path': '/srv/acme/' + name, 'text': 'as %s says' % name})
    assert data == {'path': 'path-1', 'text': 'as %s says' % told}


def test_figures_times_and_known_programs_stay(summary):
    before = report_of(copy.deepcopy(summary), WRITTEN, full=True)
    after = report_of(anonymous_summary(summary), WRITTEN, full=True)
    assert numbers(before['logs']) == numbers(after['logs'])
    log, told = before['logs'][0], after['logs'][0]
    assert [event['time_text'] for event in log['events']] == [event['time_text'] for event in told['events']]
    assert log['incidents'][0]['reports'] == told['incidents'][0]['reports'] != []
    assert [row['effect'] for row in log['remedies']] == [row['effect'] for row in told['remedies']]
    assert 'mysqld' in json.dumps(after['hosts'])


def test_a_pseudonym_is_the_same_wherever_its_name_stands(summary):
    report = report_of(anonymous_summary(summary), WRITTEN, full=True)
    log = report['logs'][0]
    name = log['events'][0]['victims'][0]['name']
    assert re.match(r'process-\d+$', name) and name == log['verdict']['victims'][0]['name']
    assert name in log['verdict']['sentence'] and log['events'][0]['trigger']['name'] == name
    assert log['events'][0]['host'] == log['signals'][0]['host'] == next(
        host['name'] for host in report['hosts'] if host['status'] == 'ok')
    assert set(row['text'] for row in log['verdict']['evidence']) == {LEFT_OUT}


@pytest.mark.parametrize('text, told', [
    ('Oct 28 11:32:28: it ran out', 'Oct 28 11:32:28: it ran out'), ('from 2001:db8::17 on', 'from address-1 on'),
    ('10.0.0.7 and 10.0.0.7:80', 'address-1 and address-1:80'), ('kernel 5.10.0-8-amd64', 'kernel 5.10.0-8-amd64'),
    ('mount -o remount,size=7 /srv/acme', 'mount -o remount,size=7 /path-1'), ('fe80::1', 'address-1'),
    ('/proc/sys/vm/swappiness and /swapfile', '/proc/sys/vm/swappiness and /swapfile'),
    ('cat /sys/fs/cgroup/acme/memory.max', 'cat /sys/fs/cgroup/path-1/memory.max'), ('2/3 of 1/2', '2/3 of 1/2'),
])
def test_what_looks_like_a_path_or_an_address_goes(text, told):
    assert Anonymous().of(text) == told


@pytest.mark.parametrize('names', [['process'], ['swap', 'none', 'kernel'], ['1', '10'], ['a.b', 'a']])
def test_a_name_that_is_a_word_of_the_report_breaks_no_field(summary, names):
    for log in summary['logs']:
        for event in log['events']:
            event['tasks'] = [dict(event['tasks'][0], name=name) for name in names]
    report = report_of(anonymous_summary(summary), WRITTEN, full=True)
    assert set(row['effect'] for row in report['logs'][0]['remedies']) <= {
        'prevents', 'delays', 'none', 'harms', 'unknown'}
    assert {'swap', 'swappiness', 'score'} <= set(row['name'] for row in report['logs'][0]['remedies'])


def test_a_ticket_says_what_happened_what_would_help_and_what_it_rests_on():
    text = ticket(report_of({'hosts': [], 'logs': [diagnose(options={'log': SEED})]}, WRITTEN))
    prevented = '**oom\\_score\\_adj -600 for mysqld** would have prevented it: php (pid 13360) is killed instead'
    for words in ('Was it memory? Yes.', 'the RAM and swap of the whole machine', 'mysqld, pid 13036', '430 MiB',
                  '**swap of 2 GiB** would have put it off by 2 GiB: ', prevented, '| mysqld | 430 MiB | 43 % |',
                  '### What this rests on'):
        assert words in text, text
    assert all(len(line) < 1000 for line in text.splitlines())


@pytest.mark.parametrize('check_mode, heading', [(True, '### What would be done'), (False, '### What was done')])
def test_what_is_only_planned_is_not_said_to_be_done(check_mode, heading):
    entry = dict(diagnose(options={'log': SEED}), name='web', changes=[
        {'remedy': 'swap', 'changed': True, 'before': None, 'after': None, 'detail': 'make /swapfile'}], claims=[])
    report = {'hosts': [entry], 'logs': [], 'written': WRITTEN, 'check_mode': check_mode}
    assert '%s\n\n- swap: make /swapfile' % heading in ticket(report)


@pytest.mark.parametrize('value', [
    '<script>alert(1)</script>', '[x](javascript:x)', '# title', '- item', '1. item', '`code`', '| a | b |', '**b**',
    '![i](http://x)', '~~~', 'a\n# b', '&lt;', '   # c', '+ x', '= x', 'http://x.example'])
def test_nothing_of_a_log_is_markup(value):
    shown = md(value)
    assert '\n' not in shown
    assert not re.search(r'(?<!\\)[`*_\[\]<>#|~!&]', shown) and not re.match(r'\s*([-+=]|\d+\.)\s', shown)


@pytest.mark.parametrize('value, shown', [('free -m', '`free -m`'), ('a `b` c', '`` a `b` c ``'), ('a\nb', '`a?b`')])
def test_a_command_is_code_whatever_it_holds(value, shown):
    assert code(value) == shown


def test_a_workflow_is_handed_little_of_each_host(summary):
    found = stats_of(report_of(summary, WRITTEN))
    assert len(found) == 3 and all(
        '/' in name or name in ('acme-db.example.com', 'acme-shop1.example.com') for name in found)
    assert found['acme-db.example.com']['status'] == 'failed'
    assert found['acme-shop1.example.com']['was_memory'] == 'yes'
    assert all(len(json.dumps(each)) < 2048 for each in found.values())
