# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server's unit is protected, somebody changes the host, and the claim says what the next start will be."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._node import systemd
from ansible_collections.oom.rescue.plugins.module_utils._node.record import State
from ansible_collections.oom.rescue.plugins.module_utils._score.apply import apply
from ansible_collections.oom.rescue.plugins.module_utils._score.facts import read
from ansible_collections.oom.rescue.plugins.module_utils._score.plan import plan
from ansible_collections.oom.rescue.plugins.module_utils._verdict.claims import judge
from fake_node import Node, v2

OPTIONS = {'state': 'present', 'value': -600, 'auto_multiple': 2.0, 'allow_unkillable': False, 'persist': 'auto',
           'keep': False, 'restart_policy': 'keep', 'killers': 'report', 'override': []}
UNIT = 'mariadb.service'
FILE = '/usr/lib/systemd/system/' + UNIT
FOLDER = '/etc/systemd/system/mariadb.service.d/'
OURS = FOLDER + systemd.DROP_IN
START = '[Service]\nExecStart=/usr/sbin/mariadbd\n'


@pytest.fixture(name='node')
def fixture_node(tmp_path):
    """Debian 12 with MariaDB under systemd, enabled and protected."""
    node = Node(tmp_path).systemd()
    node.file('/proc/1/comm', 'systemd\n')
    node.unit(UNIT, START, aliases=['mysql.service', 'mysqld.service'])
    node.link('/etc/systemd/system/multi-user.target.wants/' + UNIT, FILE)
    run(node)
    node.reload()
    apply(node.host, State(node.host, 'oom_score_adj'), *facts_and_plan(node))
    return node


def run(node, adj=0):
    node.process(500, 'mariadbd', exe='/usr/sbin/mariadbd', cmdline=['/usr/sbin/mariadbd'], uid=106, rss_kb=440332,
                 cgroup=v2('/system.slice/mariadb.service'), adj=adj)


def facts_and_plan(node):
    facts = read(node.host, State(node.host, 'oom_score_adj'), 'process', 'mysqld')
    return facts, plan(facts, OPTIONS)


def claim(node):
    made = facts_and_plan(node)[1]
    found = judge({}, oom_protect={'found': made['found'], 'value': made['value'], 'processes': made['rows']})
    assert len(found['claims']) == 1
    return found['claims'][0]


def stopped(node):
    os.unlink(node.path('/proc/500/stat'))


def disabled(node):
    os.unlink(node.path('/etc/systemd/system/multi-user.target.wants/' + UNIT))


def writes(path, text, reload=False, mode=0o644):
    def change(node):
        node.file(path, text)
        os.chmod(node.path(path), mode)
        if reload:
            node.reload()
    return change


def removes(node):
    os.unlink(node.path(OURS))


def both(*changes):
    def change(node):
        for one in changes:
            one(node)
    return change


def unchanged(_node):
    pass


POST = '[Service]\nExecStartPost=%s\n'
WRAPPED = '[Service]\nExecStart=\nExecStart=/usr/local/sbin/start-mariadb\n'


@pytest.mark.parametrize('change, state, now, later', [
    (unchanged, 'held', True, True),
    (lambda node: run(node, 0), 'false', False, True),
    (lambda node: run(node, -800), 'held', True, True),
    (removes, 'false', True, False),
    (both(removes, lambda node: node.reload()), 'false', True, False),
    (writes(OURS, '[Service]\nOOMScoreAdjust=0\n'), 'false', True, False),
    (writes(FOLDER + '10-early.conf', '[Service]\nOOMScoreAdjust=0\n'), 'held', True, True),
    (writes('/etc/systemd/system/service.d/40-x.conf', '[Service]\nOOMScoreAdjust=0\n'), 'held', True, True),
    (writes(FOLDER + '60-later.conf', '[Service]\nOOMScoreAdjust=-800\n', True), 'held', True, True),
    (writes(FOLDER + '20-post.conf', POST % '/usr/bin/choom -n 0 -p $MAINPID'), 'false', True, False),
    (writes(FOLDER + '20-post.conf', POST % '/bin/sh -c "echo 0 > /proc/$MAINPID/oom_score_adj"'), 'false', True,
     False),
    (writes(FOLDER + '20-post.conf', POST % '/bin/sh -c "echo 0 | tee /proc/$MAINPID/oom_score_adj"'), 'open', True,
     None),
    (writes(FOLDER + '20-post.conf', POST % '/bin/sh -c "echo -800 > /proc/$MAINPID/oom_score_adj"'), 'held', True,
     True),
    (writes(FOLDER + '20-post.conf', POST % '/bin/sh -c "echo 500 > /proc/self/oom_score_adj"'), 'held', True, True),
    (writes(FOLDER + '20-post.conf', POST % '/usr/bin/choom -p $MAINPID -n $SCORE'), 'open', True, None),
    (both(writes(FOLDER + '20-wrap.conf', WRAPPED),
          writes('/usr/local/sbin/start-mariadb', '#!/bin/sh\necho 0 > /proc/self/oom_score_adj\nexec mariadbd\n')),
     'false', True, False),
    (both(writes(FOLDER + '20-wrap.conf', WRAPPED),
          writes('/usr/local/sbin/start-mariadb', '#!/bin/bash\nexec choom -n 0 -- mariadbd\n')), 'false', True, False),
    (both(writes(FOLDER + '20-wrap.conf', WRAPPED),
          writes('/usr/local/sbin/start-mariadb', '#!/bin/sh\nif [ -n "$A" ]; then\nchoom -n 0 -p $$\nfi\n')), 'open',
     True, None),
    (both(writes(FOLDER + '20-wrap.conf', WRAPPED),
          writes('/usr/local/sbin/start-mariadb', '#!/bin/sh\nulimit -n 4096\nexec mariadbd\n')), 'held', True, True),
    (writes(FOLDER + '60-later.conf', '[Unit]\nOOMScoreAdjust=0\n'), 'held', True, True),
    (writes(FOLDER + '60-later.conf', 'OOMScoreAdjust=0\n'), 'held', True, True),
    (writes(FOLDER + '60-later.conf', '[Service]\nOOMScoreAdjust=none\n'), 'held', True, True),
    (writes(FOLDER + '60-later.conf', '[Service]\nOOMScoreAdjust=-5000\n'), 'held', True, True),
    (writes('/etc/rc.local', '#!/bin/sh\nchoom -n 0 -p $(pidof mariadbd)\n', mode=0o755), 'open', True, None),
    (writes('/etc/rc.local', '#!/bin/sh\nfor pid in $(pgrep mariadb); do\necho 0 > /proc/$pid/oom_score_adj\ndone\n',
            mode=0o755), 'open', True, None),
    (writes('/etc/rc.local', '#!/bin/sh\nchoom -n -900 -p $(pidof mariadbd)\n', mode=0o755), 'held', True, True),
    (writes('/etc/rc.local', '#!/bin/sh\nchoom -n 0 -p $(pidof sshd)\n', mode=0o755), 'held', True, True),
    (both(writes(FOLDER + '20-wrap.conf', '[Service]\nExecStart=\nExecStart=/usr/bin/python3 /opt/app\n'),
          writes('/etc/rc.local', '#!/bin/sh\npython3 /opt/x\nchoom -n 0 -p $(pidof sshd)\n', mode=0o755)), 'held',
     True, True),
    (writes('/etc/rc.local', '#!/bin/sh\nchoom -n 0 -- /opt/backup of mariadb\n', mode=0o755), 'held', True, True),
    (writes('/etc/cron.d/x', '*/5 * * * * root echo 0 > /proc/$(pidof mariadbd)/oom_score_adj\n'), 'open', True, None),
    (stopped, 'held', None, True),
    (disabled, 'held', True, True),
    (both(stopped, disabled), 'open', None, False),
    (both(stopped, removes), 'false', None, False),
], ids=['nothing', 'reset by hand', 'stronger by hand', 'our file removed', 'our file removed, reloaded',
        'our file edited, not reloaded', 'an earlier drop-in', 'a drop-in of all services', 'a later, stronger drop-in',
        'choom after the start', 'echo after the start', 'a pipe after the start', 'stronger after the start',
        'of the command itself', 'a variable after the start', 'a wrapper', 'a wrapper with choom',
        'a wrapper that may', 'a wrapper that does not', 'another section', 'no section', 'no number',
        'a number out of range', 'choom in rc.local', 'a loop in rc.local', 'stronger in rc.local',
        'another program in rc.local', 'an interpreter of all', 'choom of a new process', 'cron', 'stopped',
        'disabled and running', 'disabled and stopped', 'stopped and not declared'])
def test_the_claim_is_what_the_next_start_gives(node, change, state, now, later):
    change(node)
    found = claim(node)
    assert (found['state'], found['now'], found['after_reboot']) == (state, now, later), found['detail']


def test_a_unit_that_is_made_for_one_run_is_for_a_person_to_make_anew(tmp_path):
    node = Node(tmp_path).systemd()
    node.host.run = lambda argv: (0, '' if argv[1] == 'list-units' else (
        'Id=run-u7.service\nLoadState=loaded\nFragmentPath=/run/systemd/transient/run-u7.service\nOOMScoreAdjust=0\n'
        if argv[-1] == 'run-u7.service' else 'LoadState=not-found\n'), '')
    node.process(500, 'mariadbd', exe='/usr/sbin/mariadbd', cmdline=['/usr/sbin/mariadbd'], uid=106, adj=-600,
                 cgroup=v2('/system.slice/run-u7.service'))
    made = facts_and_plan(node)[1]
    row, = made['rows']
    assert made['actions'] == []
    assert 'systemd-run -p OOMScoreAdjust=-600' in row['recreate_required']
    assert claim(node)['state'] == 'open'
