# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several swap files in one run: planned together, refused together; a row of the result for each."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import os

import pytest
from run_module import load, run
from test_returned import swap_node

MIB = 1 << 20


@pytest.fixture(name='node')
def fixture_node(tmp_path):
    return swap_node(tmp_path / 'root')


def files(*rows):
    return [dict(zip(('path', 'size', 'priority'), row)) for row in rows]


def test_each_has_its_row_with_what_it_leaves_out_from_the_option_beside_it(node):
    result = run('swap_file', node.host, check=True, reserve='0', priority=3, files=files(
        ('/one', '2M'), ('/two', '1M', 9)))
    assert [(row['path'], row['size_bytes'], row['after']['activation']['priority']) for row in result['files']] == [
        ('/one', 2 * MIB, 3), ('/two', MIB, 9)]
    assert [action['path'] for action in result['actions'] if action['action'] == 'on'] == ['/one', '/two']


def test_one_file_has_a_row_as_well(node):
    result = run('swap_file', node.host, check=True, reserve='0', size='2M')
    assert [row['path'] for row in result['files']] == [result['path']]


def test_auto_is_what_the_files_before_it_leave(node):
    alone = run('swap_file', node.host, check=True, reserve='0', path='/two')['size_bytes']
    result = run('swap_file', node.host, check=True, reserve='0', files=files(('/one', '1G'), ('/two',)))
    assert result['files'][1]['size_bytes'] == alone - 1024 * MIB


def test_a_disk_that_holds_each_but_not_both_is_said(node):
    status = os.statvfs(node.path('/'))
    half = status.f_bavail * status.f_frsize * 6 // 10 // MIB
    one, two = ('/one', '%dM' % half), ('/two', '%dM' % half)
    assert not run('swap_file', node.host, check=True, reserve='0', files=files(one)).get('failed')
    result = run('swap_file', node.host, check=True, reserve='0', files=files(one, two))
    assert result['failed'] and result['msg'].startswith('/two: no room')


def test_nothing_is_changed_if_one_of_them_cannot_be(node):
    result = run('swap_file', node.host, reserve='0', files=files(('/one', '1M'), ('/none/two', '1M')))
    assert result['failed'] and '/none' in result['msg'] and not result['changed']
    assert not node.host.exists('/one') and not node.host.exists('/var/lib/oom-rescue')


def test_all_are_planned_before_the_first_is_changed(node, monkeypatch):
    apply = load('swap_file').swap_file.__globals__
    real, asked = apply['converge'], []

    def converge(host, path, wished, check_mode, progress):
        asked.append((path, check_mode))
        return real(host, path, wished, True, progress)

    monkeypatch.setitem(apply, 'converge', converge)
    assert not run('swap_file', node.host, reserve='0', files=files(('/one', '1M'), ('/two', '1M'))).get('failed')
    assert asked == [('/one', True), ('/two', True), ('/one', False), ('/two', False)]


def test_a_later_failure_says_what_is_done(node, monkeypatch):
    apply = load('swap_file').swap_file.__globals__
    real = apply['converge']

    def fail(host, path, wished, check_mode, progress):
        if not check_mode and path == '/two':
            raise OSError(5, 'Input/output error', path)
        return dict(real(host, path, wished, True, progress), changed=True)

    monkeypatch.setitem(apply, 'converge', fail)
    result = run('swap_file', node.host, reserve='0', files=files(('/one', '1M'), ('/two', '1M')))
    assert result['failed'] and result['changed'] and result['msg'] == (
        '/two: Input/output error; done before that: /one')


def test_a_file_that_is_named_twice_is_refused(node):
    result = run('swap_file', node.host, check=True, files=files(('/one', '1M'), ('/./one', '2M')))
    assert result['failed'] and '/one twice' in result['msg']


def test_what_was_asked_of_each_is_kept(node, monkeypatch):
    apply = load('swap_file').swap_file.__globals__
    real = apply['converge']
    monkeypatch.setitem(apply, 'converge', lambda *args: real(args[0], args[1], args[2], True))
    assert not run('swap_file', node.host, reserve='0', files=files(('/one', '2M'), ('/two', '1M', 9))).get('failed')
    with open(node.path('/var/lib/oom-rescue/asked.json')) as stream:
        assert json.load(stream)['records'] == {
            'swap:/one': {'path': '/one', 'size': '2M'}, 'swap:/two': {'path': '/two', 'size': '1M', 'priority': 9}}
