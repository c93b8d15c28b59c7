# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each row of docs/oom-reports.md is backed by a test, and each case of the tests has its row."""

from __future__ import absolute_import, division, print_function

import io
import os
import re

import pytest
import test__cgroup_names
import test__oom_prefix
import test__oom_real_kernels
from conftest import ROOT
from oom_reports import ERAS

HERE = os.path.dirname(os.path.abspath(__file__))


def page():
    with io.open(os.path.join(ROOT, 'docs', 'oom-reports.md'), encoding='utf-8') as stream:
        return stream.read()


def cells(heading):
    """The last cell of each row below a table's heading."""
    table = page().split(heading, 1)[1].split('\n\n', 1)[0]
    return set(re.findall(r'`([^`]+)` \|$', table, re.MULTILINE))


@pytest.mark.parametrize(
    'heading,cases',
    [
        ('test__oom_report.py::test_kernel` |', set(ERAS)),
        ('| kernel | case |', set(test__oom_real_kernels.KERNELS)),
        ('test__oom_prefix.py::test_prefix` |', set(test__oom_prefix.FORMS)),
        ('test__cgroup_names.py::test_cgroup` |', set(test__cgroup_names.CASES) - set(['the root', 'nothing'])),
    ],
    ids=['kernels', 'booted kernels', 'prefixes', 'cgroups'],
)
def test_rows_are_cases(heading, cases):
    assert cells(heading) == cases


def test_every_test_that_the_page_names_is_there():
    text = page()
    named = set(re.findall(r'`(test__\w+\.py)::(\w+)`', text))
    named |= set(('test__oom_report.py', name) for name in re.findall(r'\| `(test_\w+)` \|', text))
    assert len(named) > 25
    for name, test in sorted(named):
        with io.open(os.path.join(HERE, name), encoding='utf-8') as stream:
            assert 'def %s(' % test in stream.read(), (name, test)
