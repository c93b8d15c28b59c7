# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module returns no more than is asked for, whatever a host's tables and the names in them are like."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json

import pytest

pytest.importorskip('ansible')

from ansible_collections.oom.rescue.plugins.module_utils._verdict.meant import report_meant  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._verdict.shape import WHOLE_HOST, misfit  # noqa: E402
from fake_node import v2  # noqa: E402
from oom_reports import ERAS, syslog  # noqa: E402
from run_module import run  # noqa: E402
from test_returned import swap_node  # noqa: E402

MOST = 64 << 10
# A name or path with as many characters as there may be that JSON writes as six.
QUOTE = u'\x01'
ROW = '[%7d]  1000 %5d   210894    %5d   655360        0             0 %s'
REMEDIES = {'swap': {'size': '2M', 'reserve': '0'}, 'swappiness': {'value': 10},
            'oom_protect': {'process': ['mysqld']}}


def reports():
    """Twenty reports of 304 rows, each process by a name that is long in JSON."""
    lines = list(ERAS['6.12.0'])
    place = next(number for number, line in enumerate(lines) if 'mysqld' in line and line.startswith('['))
    rows = [ROW % (20000 + pid, 20000 + pid, pid, '"\\' * 7 + '"') for pid in range(300)]
    return ''.join(syslog(lines[:place] + rows + lines[place:], 'Oct 28 11:%02d:28' % minute) for minute in range(20))


@pytest.fixture(scope='module', name='node')
def fixture_node(tmp_path_factory):
    node = swap_node(tmp_path_factory.mktemp('node'))
    node.file('/proc/sys/vm/swappiness', '60\n')
    for pid in range(100, 220):
        node.process(pid, 'mysqld', exe='/usr/sbin/mysqld', cmdline=['mysqld'], uid=106, rss_kb=4000 + pid,
                     cgroup=v2('/system.slice/%d%s.service' % (pid, QUOTE * 200)))
    mounts = ['1 0 8:1 / / rw - ext4 /dev/sda1 rw\n', '2 1 0:20 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n']
    node.file('/proc/self/mountinfo', ''.join(mounts + [
        '%d 1 0:%d / /mnt/%d%s rw - tmpfs tmpfs rw,size=9k\n' % (number, number, number, '"' * 200)
        for number in range(30, 300)]))
    for number in range(150):
        group = '/sys/fs/cgroup/%d%s/' % (number, QUOTE * 200)
        node.file(group + 'memory.max', '1073741824\n')
        node.file(group + 'memory.current', '%d\n' % (number << 20))
    node.file('/var/log/kern.log', reports())
    return node


def returned(node, name, most, **arguments):
    result = run(name, node.host, check=name not in ('memory_facts', 'oom_log_info'), most_bytes=most, **arguments)
    assert not result.get('failed'), result
    # What it was asked is not of the host.
    return dict((key, value) for key, value in result.items() if key != 'invocation')


CASES = {
    'oom_log_info': lambda node: {'paths': [node.path('/var/log/kern.log')], 'sources': [], 'with_facts': True,
                                  'tasks': 10, 'candidates': 10},
    'memory_facts': lambda node: {},
    'ask_remedies': lambda node: dict(REMEDIES, with_facts=True),
    'oom_score_adj': lambda node: REMEDIES['oom_protect'],
    'rescue_info': lambda node: {'diagnosis': CASES['oom_log_info'](node), 'remedies': REMEDIES},
}


@pytest.mark.slow
@pytest.mark.parametrize('name', sorted(CASES))
def test_a_result_is_as_large_as_it_was_asked_to_be_at_most(node, name):
    arguments = CASES[name](node)
    whole, most = (returned(node, name, most, **arguments) for most in (0, MOST))
    assert len(json.dumps(whole)) > MOST and 'left_out' not in whole
    assert len(json.dumps(most)) <= MOST
    assert most['left_out'] and all(count > 0 for count in most['left_out'].values())


@pytest.mark.slow
def test_the_report_that_is_meant_and_the_advice_stay(node):
    arguments = CASES['oom_log_info'](node)
    whole, short = (returned(node, 'oom_log_info', most, **arguments) for most in (0, 24 << 10))
    assert misfit(short, WHOLE_HOST, '') is None
    meant = report_meant(whole['events'])
    assert report_meant(short['events'])['id'] == meant['id']
    assert [row['event_id'] for row in short['replays']] == [event['id'] for event in short['events']]
    for name in ('cause', 'swap', 'swappiness', 'protect'):
        assert short['advice'][name] == whole['advice'][name]
    assert [row['name'] for row in short['remedies'][:2]] == [row['name'] for row in whole['remedies'][:2]]
    assert short['incidents'][short['verdict']['incident']]['first'] == whole['incidents'][
        whole['verdict']['incident']]['first']


@pytest.mark.parametrize('name', ['swap_file', 'swappiness'])
def test_the_other_remedies_say_little_of_any_host(node, name):
    arguments = REMEDIES['swap' if name == 'swap_file' else name]
    result = run(name, node.host, check=True, **arguments)
    assert not result.get('failed') and len(json.dumps(result)) < MOST // 2


def test_a_process_without_its_score_is_told_before_those_that_have_it(node):
    node.file('/proc/219/oom_score_adj', '0\n')
    for pid in range(100, 219):
        node.file('/proc/%d/oom_score_adj' % pid, '-600\n')
    found = returned(node, 'oom_score_adj', 20 << 10, process=['mysqld'], persist='none')
    assert found['processes'][0]['pid'] == 219 and len(found['processes']) < 120


def test_a_count_below_nothing_is_refused(node):
    result = run('memory_facts', node.host, most_bytes=-1)
    assert result['failed'] and result['msg'] == 'most_bytes is -1: give 0 for all, or a count'
