# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the journal said of each killer that tests/vm/killers.py saw at work, and of the same log from another host."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import glob
import io
import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._verdict.diagnose import diagnose_log
from conftest import FIXTURES

LOGS = sorted(glob.glob(os.path.join(FIXTURES, 'killers', '*.log')))
# (was_memory, limit, actor), and a victim's name, unit or container.
TRUTH = {
    'docker': (('yes', 'cgroup', 'kernel'), 'tail'),
    'earlyoom': (('yes', 'host', 'earlyoom'), 'tail'),
    'kernel-host': (('yes', 'host', 'kernel'), 'tail'),
    'kernel-limit': (('yes', 'cgroup', 'kernel'), 'tail'),
    'kill-9': (('unknown', 'unknown', 'unknown'), 'way.service'),
    # Whether the host or a limit on commits refused is not in its log.
    'mariadb': (('yes', 'unknown', 'kernel_refused'), 'mysqld'),
    'node': (('yes', 'program', 'program'), 'node'),
    'nohang': (('yes', 'host', 'nohang'), 'tail'),
    'php': (('yes', 'program', 'program'), 'php'),
    'pids-max': (('no', 'none', 'kernel_refused'), 'way.service'),
    'podman': (('yes', 'cgroup', 'kernel'), 'tail'),
    'systemd-oomd': (('yes', 'unknown', 'systemd-oomd'), 'way.service'),
    # The slice's line is of a kill minutes before.
    'timeout-stop': (('no', 'none', 'manager'), 'way.service'),
    'ulimit': (('yes', 'unknown', 'kernel_refused'), 'python'),
    'watchdog': (('no', 'none', 'manager'), 'way.service'),
}


@pytest.mark.parametrize('host', ['killers', 'db7.example.org'])
@pytest.mark.parametrize('path', LOGS, ids=[os.path.basename(path) for path in LOGS])
def test_a_killer_is_named_right_on_its_host_and_elsewhere(path, host, tmpdir):
    with io.open(path, encoding='utf-8') as stream:
        text = stream.read()
    copy = tmpdir.join('messages')
    copy.write_binary(text.replace(u' killers ', u' %s ' % host).encode('utf-8'))
    verdict = diagnose_log(str(copy))['verdict']
    expected, victim = TRUTH[os.path.basename(path).rsplit('-', 1)[0]]
    assert (verdict['was_memory'], verdict['limit'], verdict['actor']) == expected
    assert victim in [row[key] for row in verdict['victims'] for key in ('name', 'unit', 'container')]


def test_killers_were_seen():
    assert len(LOGS) >= 11
