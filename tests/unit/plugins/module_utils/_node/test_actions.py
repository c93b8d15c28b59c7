# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible_collections.oom.rescue.plugins.module_utils._node.actions import (
    Action,
    diff_of,
    file_action,
    outcome,
    returned,
)

RELOAD = Action('persistence', 'reload', 'systemctl daemon-reload', unit='db.service')
RUNTIME = Action('runtime', 'set', 'from 60 to 10', path='/proc/sys/vm/swappiness', before=60, after=10)
GROW = Action('file', 'grow', 'grow:\nfrom 1 GiB', path='/swapfile', size_bytes=2 << 30, helper=True)


def test_what_is_returned_has_the_same_keys_for_every_remedy():
    assert returned([RELOAD, RUNTIME, GROW, Action('live', 'write', 'a', pid=7)]) == [
        {'layer': 'persistence', 'action': 'reload', 'detail': 'systemctl daemon-reload', 'unit': 'db.service'},
        {'layer': 'runtime', 'action': 'set', 'detail': 'from 60 to 10', 'path': '/proc/sys/vm/swappiness'},
        {'layer': 'file', 'action': 'grow', 'detail': 'grow:; from 1 GiB', 'path': '/swapfile'},
        {'layer': 'live', 'action': 'write', 'detail': 'a', 'pid': 7},
    ]


def test_the_difference_has_an_entry_for_every_action():
    written = file_action('file', '/etc/a', None, 'new\n', 'make it') + file_action('file', '/etc/b', 'old', None, 'go')
    assert diff_of(written + [RUNTIME, RELOAD]) == [
        {'before_header': '/etc/a', 'after_header': '/etc/a', 'before': '', 'after': 'new\n'},
        {'before_header': '/etc/b', 'after_header': '/etc/b', 'before': 'old', 'after': ''},
        {'before_header': '/proc/sys/vm/swappiness', 'after_header': '/proc/sys/vm/swappiness', 'before': '60\n',
         'after': '10\n'},
        {'prepared': 'persistence reload: systemctl daemon-reload\n'},
    ]


def test_a_file_gets_the_action_that_its_text_needs():
    assert [file_action('file', '/a', before, after, 'it')[0]['action']
            for before, after in ((None, 'x'), ('x', 'y'), ('', 'y'), ('x', None))] == [
                'create', 'replace', 'replace', 'remove']
    assert file_action('file', '/a', 'x', 'x', 'it') == file_action('file', '/a', None, None, 'it') == []


def test_an_action_with_other_needs_is_another_action():
    retiring = GROW.having(helper=False, retires=True)
    assert (GROW['helper'], 'retires' in GROW, retiring['helper'], retiring['retires']) == (True, False, False, True)
    assert isinstance(retiring, Action) and retiring['detail'] == GROW['detail']


def test_changed_is_that_there_is_an_action():
    assert outcome([], 'no say', value=1) == {'changed': False, 'actions': [], 'diff': [], 'skipped_reason': 'no say',
                                              'value': 1}
    done = outcome([RELOAD])
    assert done['changed'] is True and len(done['actions']) == len(done['diff']) == 1 and done['skipped_reason'] is None
