# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fields of a record in JSON say of its line: of the journal, of dmesg, of a collector."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._log.json_records import (
    dmesg_record,
    field_text,
    is_of_dmesg,
    journal_record,
    line_of,
    of_journal,
    with_collectors,
)
from ansible_collections.oom.rescue.plugins.module_utils._log.text import BARE, Prefix

BYTES = [109, 255, 10]


@pytest.mark.parametrize('value, text', [
    ('a', 'a'), (7, '7'), (1.5, '1.5'), (None, ''), (True, ''), ({'a': 1}, ''), ([], ''), (BYTES, 'm\\xff\n'),
    ([BYTES, [1]], 'm\\xff\n'), ([{}], ''), ([300], ''), ([-1], ''),
], ids=['text', 'number', 'fraction', 'null', 'true', 'object', 'no bytes', 'bytes', 'a field that stands twice',
        'a list of objects', 'too large for a byte', 'too small'])
def test_a_field_is_text_whatever_its_type(value, text):
    assert field_text(value) == text


JOURNAL = {'MESSAGE': 'all is\nwell', '__REALTIME_TIMESTAMP': '1790000000000000', '_HOSTNAME': 'db1',
           '_SOURCE_MONOTONIC_TIMESTAMP': '9500000', '_BOOT_ID': 'ab', '_TRANSPORT': 'syslog',
           'SYSLOG_IDENTIFIER': 'php-fpm', '_COMM': 'php-fpm8.2'}


def test_an_entry_of_the_journal_tells_its_message_time_host_boot_and_program():
    prefix, message = journal_record(JOURNAL)
    assert message == 'all is well'
    assert (prefix.style, prefix.stamp, prefix.host, prefix.uptime, prefix.boot, prefix.program) == (
        'usec', '1790000000000000', 'db1', 9.5, 'ab', 'php-fpm')


@pytest.mark.parametrize('changes, field, value', [
    ({'SYSLOG_IDENTIFIER': None}, 'program', 'php-fpm8.2'),
    ({'SYSLOG_IDENTIFIER': None, '_COMM': None}, 'program', None),
    ({'_HOSTNAME': ''}, 'host', None), ({'_BOOT_ID': None}, 'boot', None),
    ({'__REALTIME_TIMESTAMP': 'x'}, 'style', None), ({'__REALTIME_TIMESTAMP': '9' * 20}, 'style', None),
    ({'__REALTIME_TIMESTAMP': '9' * 19}, 'style', 'usec'), ({'_SOURCE_MONOTONIC_TIMESTAMP': None}, 'uptime', None),
    ({'_SOURCE_MONOTONIC_TIMESTAMP': '9' * 20}, 'uptime', None),
    ({'_SOURCE_MONOTONIC_TIMESTAMP': '-5'}, 'uptime', None),
])
def test_a_field_that_the_journal_lacks_or_that_is_no_number_tells_nothing(changes, field, value):
    assert getattr(journal_record(dict(JOURNAL, **changes))[0], field) == value


@pytest.mark.parametrize('fields, trusted', [
    ({'_TRANSPORT': 'kernel', 'SYSLOG_FACILITY': '0'}, True), ({'_TRANSPORT': 'kernel'}, True),
    ({'_TRANSPORT': 'kernel', 'SYSLOG_FACILITY': '3'}, False), ({'_TRANSPORT': 'syslog'}, False),
    ({'_TRANSPORT': 'stdout', 'SYSLOG_IDENTIFIER': 'kernel'}, False), ({'SYSLOG_IDENTIFIER': 'kernel'}, None),
    ({'SYSLOG_IDENTIFIER': 'php'}, False), ({}, None),
])
def test_the_journal_alone_proves_that_the_kernel_wrote(fields, trusted):
    assert journal_record(dict(fields, MESSAGE='x'))[0].trusted is trusted


@pytest.mark.parametrize('record, told', [
    ({'pri': 4, 'time': 9.5, 'msg': 'x'}, True), ({'pri': 4, 'time': 0.0, 'msg': 'x'}, True),
    ({'pri': 4, 'time': 9, 'msg': 'x'}, False), ({'pri': 4, 'time': -0.5, 'msg': 'x'}, False),
    ({'pri': 4, 'time': 1e12, 'msg': 'x'}, False), ({'pri': '4', 'time': 9.5, 'msg': 'x'}, False),
    ({'pri': 4, 'time': 9.5}, False), ({'time': 9.5, 'msg': 'x'}, False),
])
def test_a_record_is_of_dmesg_by_its_three_fields(record, told):
    assert is_of_dmesg(record) is told


@pytest.mark.parametrize('fields, kernels, caller', [
    ({'pri': 4}, True, None), ({'pri': 7, 'caller': 'T42  '}, True, 'T42'), ({'pri': 8, 'caller': ' '}, False, None),
    ({'pri': 30}, False, None),
])
def test_a_record_of_dmesg_tells_its_time_its_caller_and_whose_it_is(fields, kernels, caller):
    prefix, message = dmesg_record(dict(fields, time=9.5, msg='one\ntwo'))
    assert (message, prefix.uptime, prefix.caller, prefix.says_kernel()) == ('one two', 9.5, caller, kernels)


@pytest.mark.parametrize('record, line', [
    ({'log': 'x\n', 'stream': 'stderr'}, 'x'), ({'message': 'x'}, 'x'), ({'textPayload': 'x'}, 'x'),
    ({'_raw': 'x'}, 'x'), ({'message': '', 'msg': 'x'}, 'x'), ({'host': 'db1', 'result': {'_raw': 'x'}}, 'x'),
    ({'line': 'x'}, 'x'), ({'body': {'stringValue': 'x'}}, 'x'), ({'host': 'db1', 'event': 'x'}, 'x'),
    ({'SyslogMessage': 'x'}, 'x'), ({'level': 'info'}, ''), ({'a': {'b': {'log': 'x'}}}, ''), ({'a': ['log']}, ''),
])
def test_the_line_that_a_collector_took_is_found_in_its_record(record, line):
    known, found = line_of(record)
    assert found == line
    # What stands beside the record within is known too: the host of a line may be there.
    assert all(known[name] == record[name] for name in record)


@pytest.mark.parametrize('record, style, stamp, host', [
    ({'@timestamp': '2026-11-28T17:42:17Z', 'host': 'db1'}, 'iso', '2026-11-28T17:42:17Z', 'db1'),
    ({'time': '1790000000.5', 'hostname': 'db2', 'host': 'db1'}, 'epoch', '1790000000.5', 'db2'),
    ({'time': 1790000000}, 'epoch', '1790000000', None), ({'time': '12:42'}, None, '12:42', None),
    ({'time': '17900000001234'}, None, '17900000001234', None), ({'host': {'name': 'db1'}}, None, None, 'db1'),
    ({'timestamp': 1790000000500}, 'epoch', '1790000000500', None),
    ({'t': {'$date': '2026-11-28T17:42:17Z'}}, 'iso', '2026-11-28T17:42:17Z', None),
    ({'date': 1790000000.5, 'labels': {'nodename': 'db1'}}, 'epoch', '1790000000.5', 'db1'),
    ({'TimeGenerated': '2026-11-28T17:42:17Z', 'Computer': 'db1'}, 'iso', '2026-11-28T17:42:17Z', 'db1'),
    ({'resource': {'labels': {'node_name': 'n7'}}, 'metadata': {'name': 'x'}}, None, None, 'n7'),
])
def test_a_line_that_tells_no_time_and_no_host_has_those_of_its_collector(record, style, stamp, host):
    known = with_collectors(BARE, record)
    assert (known.style, known.stamp, known.host) == (style, stamp, host)
    assert (BARE.style, BARE.stamp, BARE.host) == (None, None, None)


def test_the_time_and_the_host_that_a_line_tells_are_not_its_collectors():
    own = Prefix('yearless', 'Oct 28 11:32:28', 'web1')
    known = with_collectors(own, {'time': '2026-11-28T17:42:17Z', 'host': 'collector'})
    assert (known.style, known.stamp, known.host) == ('yearless', 'Oct 28 11:32:28', 'web1')


@pytest.mark.parametrize('noted, is_told', [
    ('2026-10-28T11:32:30Z', True), ('2026-10-28T09:32:28Z', True), ('2026-10-28T11:40:00Z', False),
    ('2026-11-28T17:42:17Z', False), ('1793187148', True), ('soon', False),
])
def test_a_line_without_a_year_has_the_time_of_a_collector_that_noted_it_at_once(noted, is_told):
    known = with_collectors(Prefix('yearless', 'Oct 28 11:32:28', 'web1'), {'time': noted})
    assert known.stamp == (noted if is_told else 'Oct 28 11:32:28') and known.host == 'web1'


def test_the_journals_fields_may_stand_within_a_record():
    fields = {'MESSAGE': 'x'}
    assert of_journal(fields) is fields and of_journal({'insertId': 'a', 'jsonPayload': fields}) is fields
    assert of_journal({'message': 'x', 'labels': {'a': 'b'}}) is None
