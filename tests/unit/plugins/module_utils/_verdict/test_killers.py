# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the journal said of each killer that tests/vm/killers.py saw at work, and of the same log from another host."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import glob
import io
import json
import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._verdict.diagnose import diagnose_log
from conftest import FIXTURES

LOGS = sorted(glob.glob(os.path.join(FIXTURES, 'killers', '*.log')))
with io.open(os.path.join(FIXTURES, 'killers', 'truth.json'), encoding='utf-8') as stream:
    # By killer: verdict, which is was_memory, limit and actor; and a victim's name, unit or container.
    TRUTH = json.load(stream)


@pytest.mark.parametrize('host', ['killers', 'db7.example.org'])
@pytest.mark.parametrize('path', LOGS, ids=[os.path.basename(path) for path in LOGS])
def test_a_killer_is_named_right_on_its_host_and_elsewhere(path, host, tmpdir):
    with io.open(path, encoding='utf-8') as stream:
        text = stream.read()
    copy = tmpdir.join('messages')
    copy.write_binary(text.replace(u' killers ', u' %s ' % host).encode('utf-8'))
    verdict = diagnose_log(str(copy))['verdict']
    expected = TRUTH[os.path.basename(path).rsplit('-', 1)[0]]
    assert [verdict['was_memory'], verdict['limit'], verdict['actor']] == expected['verdict']
    named = [row[key] for row in verdict['victims'] for key in ('name', 'unit', 'container')]
    assert expected['victim'] in named if expected['victim'] else any(named)


def test_every_killer_was_seen():
    assert set(os.path.basename(path).rsplit('-', 1)[0] for path in LOGS) == set(TRUTH)
