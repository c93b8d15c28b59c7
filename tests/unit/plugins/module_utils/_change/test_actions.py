# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._change.actions import (
    Action,
    diff_of,
    file_action,
    outcome,
    returned,
)
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host

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


def test_the_difference_has_an_entry_for_every_action(tmpdir):
    written = file_action('file', '/etc/a', None, 'new\n', 'make it') + file_action('file', '/etc/b', 'old', None, 'go')
    assert diff_of(Host(str(tmpdir)), written + [RUNTIME, RELOAD]) == [
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


@pytest.mark.parametrize('modes,closed', [
    ((0o755, 0o644), False), ((0o755, 0o600), True), ((0o755, 0o640), True), ((0o750, 0o644), True),
    ((0o700, 0o666), True), ((0o711, 0o604), False), ((0o744, 0o644), True)])
@pytest.mark.parametrize('change', ['replace', 'remove', 'create', None])
def test_the_text_of_a_file_that_others_may_not_read_is_in_no_difference(tmpdir, modes, closed, change):
    host, file = Host(str(tmpdir)), tmpdir.join('etc', 'a')
    if change == 'create':
        tmpdir.join('etc').ensure(dir=True)
    else:
        file.write('password\n', ensure=True)
        file.chmod(modes[1])
    tmpdir.join('etc').chmod(modes[0])
    action, = file_action('file', '/etc/a', None if change == 'create' else 'password\n',
                          None if change == 'remove' else 'password\nours\n', 'our line', mode=modes[1])
    planned = diff_of(host, [action])
    if change == 'remove':
        host.remove('/etc/a')
    elif change:
        host.replace('/etc/a', action['after'], action['mode'])
    assert planned == diff_of(host, [action])
    assert ('password' in repr(planned)) is not closed
    assert planned == [{'prepared': 'file %s: our line\n' % action['action']}] or not closed


def test_a_file_that_a_run_opens_was_closed(tmpdir):
    host, file = Host(str(tmpdir)), tmpdir.join('a')
    file.write('password\n')
    file.chmod(0o600)
    host.replace('/a', 'ours\n', 0o644, own=True)
    assert file.stat().mode & 0o777 == 0o644
    assert 'password' not in repr(diff_of(host, file_action('file', '/a', 'password\n', 'ours\n', 'made anew')))


def test_a_link_is_as_closed_as_what_it_leads_to(tmpdir):
    tmpdir.join('secret').write('password\n')
    tmpdir.join('secret').chmod(0o600)
    tmpdir.join('a').mksymlinkto('secret')
    host = Host(str(tmpdir))
    assert host.is_closed('/a') and not host.is_closed('/b')
    host.remove('/a')
    assert host.is_closed('/a')


def test_changed_is_that_there_is_an_action(tmpdir):
    host = Host(str(tmpdir))
    assert outcome(host, [], 'no say', value=1) == {
        'changed': False, 'actions': [], 'diff': [], 'skipped_reason': 'no say', 'value': 1}
    done = outcome(host, [RELOAD])
    assert done['changed'] is True and len(done['actions']) == len(done['diff']) == 1 and done['skipped_reason'] is None
