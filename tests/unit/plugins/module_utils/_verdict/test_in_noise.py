# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A line proves the same in the middle of 10,000 lines of a quiet host, which themselves prove nothing."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import sys

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._verdict.diagnose import diagnose_log
from conftest import ROOT
from texts_of_kinds import LINES, NOTHING

sys.path.insert(0, os.path.join(ROOT, 'tests', 'unit'))

import noise  # noqa: E402

# Each is read with ten thousand others.
EVERY = 16


@pytest.fixture(scope='module')
def quiet():
    lines = noise.lines()
    return [('\n'.join(half) + '\n').encode('utf-8') for half in (lines[:5000], lines[5000:])]


def verdict_on(data, folder):
    path = folder.join('x.log')
    path.write_binary(data)
    verdict = diagnose_log(str(path))['verdict']
    return verdict and (verdict['was_memory'], verdict['limit'], verdict['actor'])


def test_a_quiet_host_has_no_verdict(quiet, tmpdir):
    assert verdict_on(b''.join(quiet), tmpdir) is NOTHING


@pytest.mark.slow
@pytest.mark.parametrize('row', LINES[::EVERY])
def test_a_line_proves_the_same_in_noise(row, quiet, tmpdir):
    tag, lines, expected = row
    before = 'Nov 28 14:44:01 killers %s: ' % (tag if tag == 'kernel' else tag + '[709]') if tag else ''
    text = '\n'.join(before + line for line in lines.split('\n')) + '\n'
    text = text if isinstance(text, bytes) else text.encode('utf-8')
    assert verdict_on(quiet[0] + text + quiet[1], tmpdir) == expected
