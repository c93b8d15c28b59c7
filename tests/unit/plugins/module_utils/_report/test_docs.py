# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each row of docs/oom-reports.md is backed by a test, and each case of the tests has its row."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import io
import os
import re

import pytest
from _log import test_prefix
from _node import test_cgroup_paths
from ansible_collections.oom.rescue.plugins.module_utils._report import reading
from conftest import ROOT
from oom_reports import ERAS

from _report import test_real_kernels

TESTS = os.path.join(ROOT, 'tests', 'unit', 'plugins', 'module_utils')


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
        ('_report/test_report.py::test_kernel` |', set(ERAS)),
        ('| kernel | case |', set(test_real_kernels.KERNELS)),
        ('_log/test_prefix.py::test_prefix` |', set(test_prefix.FORMS)),
        ('_node/test_cgroup_paths.py::test_cgroup` |', set(test_cgroup_paths.CASES) - set(['the root', 'nothing'])),
    ],
    ids=['kernels', 'booted kernels', 'prefixes', 'cgroups'],
)
def test_rows_are_cases(heading, cases):
    assert cells(heading) == cases


def _cell(text):
    text = re.sub(r'\{(\w+)\}', r'<\1>', text or '')
    words = {'ID': 'id', 'ID32': 'task', 'OUTER': 'outer', 'UID': 'uid', 'UID_': 'uid', 'UID32': 'uid'}
    for name, word in sorted(words.items()):
        text = text.replace('<%s>' % name, '<%s>' % word)
    return '`%s`' % text if text else ''


def test_the_page_says_what_each_path_means():
    rows = set(line for line in page().splitlines() if line.startswith('| `/'))
    for case in set(test_cgroup_paths.CASES) - set(['the root', 'nothing']):
        path, container, dummy, pod, unit, outer_container, outer_unit = map(_cell, test_cgroup_paths.CASES[case])
        inner = ' '.join(cell for cell in (container, pod and 'pod ' + pod, unit) if cell)
        outer = ' '.join(cell for cell in (outer_container, outer_unit) if cell)
        assert '| %s | %s | %s | `%s` |' % (path, inner, outer, case) in rows
    assert len(rows) == len(test_cgroup_paths.CASES) - 2


def test_every_test_that_the_page_names_is_there():
    text = page()
    named = set(re.findall(r'`(_\w+/test_\w+\.py)::(\w+)`', text))
    named |= set(('_report/test_report.py', name) for name in re.findall(r'\| `(test_\w+)` \|', text))
    assert len(named) > 25
    for name, test in sorted(named):
        with io.open(os.path.join(TESTS, name), encoding='utf-8') as stream:
            assert 'def %s(' % test in stream.read(), (name, test)


def keys(value):
    """The keys of all dictionaries in a value, but those of a cgroup's statistics and of counts by name."""
    if isinstance(value, list):
        return set().union(*[keys(part) for part in value])
    if not isinstance(value, dict):
        return set()
    named = [part for name, part in value.items() if name not in ('stats', 'by_process', 'by_scope')]
    return set(value) | keys(named)


def test_the_module_documents_every_key_that_it_returns():
    with io.open(os.path.join(ROOT, 'plugins', 'modules', 'oom_log_info.py'), encoding='utf-8') as stream:
        documented = set(re.findall(r'\w+', stream.read().split('RETURN = ')[1].split('from ansible')[0]))
    fixtures = os.path.join(ROOT, 'tests', 'unit', 'fixtures')
    logs = [os.path.join(fixtures, name) for name in os.listdir(fixtures) if name.startswith('oom-linux-')]
    returned = keys(reading.read_events(logs))
    assert len(returned) > 100
    for key in sorted(returned - documented):
        # What is told in pages and in bytes, or of several counters, is named once.
        stems = re.sub(r'_(?:bytes|pages)$', '', key), re.sub(r'^(?:swap|memory_swap|kmem)_', '', key)
        assert documented.intersection(stems), key
