# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._verdict.report import report_of


def forecast_of(lows):
    return {'host': {'pid': 7}, 'cgroups': [
        {'path': '/%d' % low, 'distance_bytes': None if low < 0 else {'low': low, 'high': low}} for low in lows]}


def entry_of(memory, full):
    host = {'name': 'db', 'status': 'ok', 'headline': '', 'results': {'memory': memory}, 'diagnosis': {'ledger': None}}
    return report_of({'hosts': [host], 'logs': []}, 'now', full=full)['hosts'][0]


@pytest.mark.parametrize('full, cgroups, paths', [
    (True, [{'path': '/a'}], ['/%d' % low for low in range(-1, 30)]),
    (False, [], ['/%d' % low for low in range(20)]),
])
def test_a_host_s_ledger_and_forecast_are_those_of_its_facts(full, cgroups, paths):
    memory = {'ledger': {'total_bytes': 5}, 'cgroups': [{'path': '/a'}], 'forecast': forecast_of(range(-1, 30))}
    found = entry_of(memory, full)
    assert (found['ledger'], found['cgroups'], found['forecast']['host']) == ({'total_bytes': 5}, cgroups, {'pid': 7})
    assert [group['path'] for group in found['forecast']['cgroups']] == paths


@pytest.mark.parametrize('memory', [None, {}])
def test_a_host_without_facts_has_neither(memory):
    found = entry_of(memory, True)
    assert (found['ledger'], found['forecast'], found['cgroups']) == (None, None, [])


@pytest.mark.parametrize('status, result, applied', [
    ('changed', {'changed': True}, True), ('same', {'changed': False}, True), ('planned', {'changed': True}, False),
    ('skipped', {'changed': False, 'skipped_reason': 'a container'}, False), ('stopped', {'failed': True}, False),
    ('changed', {'changed': False, 'found': False}, False), ('advice', None, False),
])
def test_a_remedy_is_applied_if_its_role_brought_it(status, result, applied):
    host = {'name': 'db', 'status': status, 'headline': '', 'results': {'oom_protect_result': result},
            'diagnosis': {'remedies': [{'name': 'score', 'applied': False}, {'name': 'more_ram', 'applied': False}]}}
    found = report_of({'hosts': [host], 'logs': []}, 'now')['hosts'][0]['remedies']
    assert [row['applied'] for row in found] == [applied, False]
