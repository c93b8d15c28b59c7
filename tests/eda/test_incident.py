# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the event filter makes of records and payloads: an incident of plain values, proven only by who wrote it."""

import importlib.util
import json
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location('incident', ROOT / 'extensions/eda/plugins/event_filter/incident.py')
incident = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(incident)

MESSAGE = {'id': 'abc', 'host': 'db1', 'sentence': 'It was memory.', 'proven': True, 'victims': [], 'remedy': None}
WATCH = {'_UID': '0', '_SYSTEMD_UNIT': 'oom-rescue-watch.service'}


def of_journal(fields=None, **changes):
    record = dict({'OOM_RESCUE': json.dumps(dict(MESSAGE, **changes))}, **(WATCH if fields is None else fields))
    return incident.main({'journal': record}).get('oom')


@pytest.mark.parametrize('fields, proven', [
    (WATCH, True), ({}, False), (dict(WATCH, _UID='1000'), False), (dict(WATCH, _UID=['0', '1']), False),
    (dict(WATCH, _SYSTEMD_UNIT='oom-rescue-watch.service.evil'), False), ({'_UID': '0'}, False),
    ({'UID': '0', 'SYSTEMD_UNIT': WATCH['_SYSTEMD_UNIT']}, False)])
def test_a_record_proves_itself_by_the_journal_s_own_fields(fields, proven):
    assert of_journal(fields)['proven'] is proven


@pytest.mark.parametrize('value', [False, None, 'True', 1, [True]])
def test_what_the_watch_does_not_call_proven_is_not(value):
    assert of_journal(proven=value)['proven'] is False


@pytest.mark.parametrize('trust, proven', [(True, True), (False, False), ('yes', False)])
def test_a_webhook_proves_as_much_as_the_rulebook_trusts_it(trust, proven):
    assert incident.main({'payload': MESSAGE}, trust_webhook=trust)['oom']['proven'] is proven


@pytest.mark.parametrize('host, expected', [
    ('db1', 'db1'), ('db-1.example.org', 'db-1.example.org'), ('all', ''), ('*', ''), ('all:!db1', ''), ('db1,db2', ''),
    ('~.*', ''), ('-i', ''), ('db1\n', ''), (None, ''), (['db1'], ''), ('a' * 300, '')])
def test_a_host_is_one_name_and_no_pattern(host, expected):
    assert of_journal(host=host)['host'] == expected


@pytest.mark.parametrize('name', ['{{ lookup("pipe", "id") }}', '{% raw %}', '\x1b[31m', {'a': 1}, None, 'x' * 9000])
def test_a_text_is_no_template_and_nothing_else(name):
    victim, = of_journal(victims=[{'name': name, 'pid': 7, 'evil': name}])['victims']
    assert set(victim) == {'name', 'unit', 'container', 'pid'} and victim['pid'] == 7
    assert victim['name'] is None or (len(victim['name']) <= 2000 and not set(victim['name']) & set('{}%#\x1b'))


@pytest.mark.parametrize('event', [
    {}, {'journal': 'text'}, {'journal': {}}, {'journal': {'OOM_RESCUE': '{'}}, {'journal': {'OOM_RESCUE': '[1]'}},
    {'payload': 7}, {'payload': {'id': 'abc'}}, {'payload': {'sentence': 'x'}}, {'oom': {'proven': True}}])
def test_what_is_no_incident_gets_none(event):
    assert 'oom' not in incident.main(event)
