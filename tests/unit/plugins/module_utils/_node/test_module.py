# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host
from ansible_collections.oom.rescue.plugins.module_utils._node import privilege
from ansible_collections.oom.rescue.plugins.module_utils._node.module import run


class Ended(Exception):
    """exit_json() and fail_json() end a module."""


class Module:
    """What run() uses of an AnsibleModule."""

    params = {'value': 10}

    def __init__(self, check_mode=False):
        self.check_mode, self.warnings = check_mode, []
        self.warn = self.warnings.append

    def exit_json(self, **result):
        raise Ended('exit', result)

    def fail_json(self, **result):
        raise Ended('fail', result)


def end(work, module=None, **options):
    with pytest.raises(Ended) as caught:
        run(module or Module(), work, **options)
    return caught.value.args


def raising(error):
    def work(host, options, check_mode):
        raise error
    return work


def test_a_result_ends_the_module_and_its_warnings_are_the_modules():
    module = Module()
    assert end(lambda host, options, check_mode: {'changed': False, 'warnings': ['slow']}, module) == (
        'exit', {'changed': False})
    assert module.warnings == ['slow']


@pytest.mark.parametrize('check_mode', [False, True])
def test_the_work_is_given_the_host_the_options_and_the_mode(check_mode):
    def work(host, options, mode):
        return {'root': host.root, 'host': isinstance(host, Host), 'options': options, 'mode': mode}
    assert end(work, Module(check_mode))[1] == {'root': '/', 'host': True, 'options': {'value': 10}, 'mode': check_mode}


@pytest.mark.parametrize('error, result', [
    (RescueError('{path} is full', '/a', next_step='make room'), {'msg': '/a is full: make room', 'changed': False}),
    (RescueError('half done', changed=True), {'msg': 'half done', 'changed': True}),
    (OSError(errno.ENOSPC, 'No space left on device', '/etc/fstab'),
     {'msg': '/etc/fstab: No space left on device', 'changed': False}),
])
def test_an_error_is_the_modules_message_and_says_whether_anything_changed(error, result):
    assert end(raising(error)) == ('fail', result)


@pytest.mark.parametrize('error', [
    ValueError('no'), KeyError('size'), TypeError('no'), UnicodeDecodeError('utf-8', b'\xff', 0, 1, 'no'),
    OSError(errno.EBADF, 'Bad file descriptor'), Exception('no')], ids=lambda error: type(error).__name__)
def test_a_fault_of_the_program_stays_a_traceback(error):
    with pytest.raises(type(error)) as caught:
        run(Module(), raising(error))
    assert caught.value is error


@pytest.mark.parametrize('check_mode', [False, True])
@pytest.mark.parametrize('uid, ends', [(0, 'exit'), (65534, 'fail')])
def test_root_is_asked_for_before_anything_is_read_in_check_mode_too(monkeypatch, uid, ends, check_mode):
    monkeypatch.setattr(privilege.os, 'geteuid', lambda: uid)
    read = []

    def work(host, options, mode):
        read.append(host)
        return {}
    ended, result = end(work, Module(check_mode), only_root='change swap')
    assert (ended, bool(read)) == (ends, uid == 0)
    if uid:
        assert result['msg'] == 'only root may change swap, and this runs as user 65534: run this task with become'
    assert end(work, Module(check_mode))[0] == 'exit', 'a module that only reads asks for no root'
