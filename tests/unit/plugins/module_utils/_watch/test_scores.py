# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a score that was set on a host still holds, as Prometheus is told."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._change.wishes import kept
from ansible_collections.oom.rescue.plugins.module_utils._score.apply import converge
from ansible_collections.oom.rescue.plugins.module_utils._score.options import OPTIONS
from ansible_collections.oom.rescue.plugins.module_utils._watch import metrics, units
from ansible_collections.oom.rescue.plugins.module_utils._watch.scores import claims_on_scores
from fake_node import Node, v2

DEFAULTS = dict((name, spec.get('default')) for name, spec in OPTIONS.items())
DROP_IN = '/etc/systemd/system/mariadb.service.d/50-oom-rescue.conf'


@pytest.fixture(name='node')
def fixture_node(tmp_path, monkeypatch):
    """A host with a server that systemd starts, where root asks."""
    monkeypatch.setattr(os, 'geteuid', lambda: 0)
    node = Node(tmp_path).systemd()
    node.unit('mariadb.service', '[Service]\nExecStart=/usr/sbin/mariadbd\n')
    node.process(640, 'mariadbd', exe='/usr/sbin/mariadbd', cmdline=['/usr/sbin/mariadbd'], uid=106, rss_kb=400000,
                 cgroup=v2('/system.slice/mariadb.service'))
    return node


def rows(node):
    """{when: holds} of the score in the textfile."""
    claims = claims_on_scores(node.host, {'kept': kept(node.host)})
    state = {'kills': [], 'last_kill': None, 'waiting': []}
    facts = {'kept': {}, 'swap': {}, 'swappiness': {}}
    lines = metrics.text_of(state, facts, 0, claims).splitlines()
    return dict((when, line.rpartition(' ')[2] == '1') for when in ('now', 'after_reboot') for line in lines
                if line.startswith('oom_rescue_remedy_holds{remedy="score",when="%s"}' % when))


@pytest.mark.parametrize('asked', [{'process': ['mysqld']}, {'unit': ['mariadb.service']},
                                   {'process': ['mysqld'], 'value': '-700'}])
@pytest.mark.parametrize('undo, expected', [
    (lambda node: None, {'now': True, 'after_reboot': True}),
    (lambda node: node.file('/proc/640/oom_score_adj', '0\n'), {'now': False, 'after_reboot': True}),
    (lambda node: os.unlink(node.path(DROP_IN)), {'now': True, 'after_reboot': False}),
], ids=['as it was left', 'set back by hand', 'without its drop-in'])
def test_the_score_of_a_server_is_told_as_it_is_now_and_at_its_next_start(node, asked, undo, expected):
    converge(node.host, dict(DEFAULTS, **asked))
    assert kept(node.host)['oom_protect']['set']
    undo(node)
    node.reload()
    assert rows(node) == expected


def test_of_what_runs_no_more_nothing_is_said(node):
    converge(node.host, dict(DEFAULTS, process=['mysqld']))
    for name in os.listdir(node.path('/proc/640')):
        if not os.path.isdir(node.path('/proc/640/' + name)):
            os.unlink(node.path('/proc/640/' + name))
    assert 'now' not in rows(node)


def test_who_may_not_look_tells_nothing(node, monkeypatch):
    converge(node.host, dict(DEFAULTS, process=['mysqld']))
    told = kept(node.host)
    monkeypatch.setattr(os, 'geteuid', lambda: 1000)
    assert claims_on_scores(node.host, {'kept': told}) == []


@pytest.mark.parametrize('version, directive', [(219, 'MemoryLimit'), (230, 'MemoryLimit'), (231, 'MemoryMax'),
                                                (257, 'MemoryMax'), (None, 'MemoryMax')])
def test_the_limit_of_a_run_is_called_as_this_systemd_calls_it(version, directive):
    text = units.systemd_files('/usr/bin/python3', 60, [], version)['%s/%s' % (units.DIRECTORY, units.SERVICE)]
    assert '\n%s=48M\n' % directive in text and text.count('Memory') == 1
