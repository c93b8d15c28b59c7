# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._change.record import (
    DIRECTORY,
    State,
    backup_once,
    backup_path,
    drop_backup,
)
from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host


@pytest.fixture(name='host')
def fixture_host(tmp_path):
    return Host(root=str(tmp_path))


def test_the_first_record_of_a_key_is_the_one_that_is_kept(host):
    state = State(host, 'anything')
    assert state.remember('runtime', {'value': 60})
    assert not state.remember('runtime', {'value': 10})
    assert State(host, 'anything').get('runtime') == {'value': 60}


def test_a_record_can_be_put_in_place_of_an_older_one(host):
    state = State(host, 'anything')
    state.put('1', {'before': 0})
    state.put('1', {'before': 5})
    assert state.get('1') == {'before': 5}


def test_a_path_in_a_record_is_text_that_the_kernel_takes(host):
    State(host, 'anything').put('/swap \xc3\xa9', {'lines': ['/x']})
    (key, record), = State(host, 'anything').records().items()
    assert isinstance(key, str) and isinstance(record['lines'][0], str)


def test_nothing_is_left_when_the_last_record_is_forgotten(host):
    state = State(host, 'swap_file')
    state.remember('/a', 1)
    state.remember('/b', 2)
    state.forget('/a')
    assert state.records() == {'/b': 2}
    state.forget('/b')
    state.forget('/b')
    assert not host.exists(DIRECTORY)


@pytest.mark.parametrize('text', ['', 'no json', '[]', 'null'])
def test_a_damaged_record_file_is_named_and_never_overwritten(host, text):
    host.make_directory(DIRECTORY)
    host.replace(DIRECTORY + '/swap_file.json', text)
    with pytest.raises(RescueError) as error:
        State(host, 'swap_file').remember('/swapfile', {})
    assert DIRECTORY + '/swap_file.json' in str(error.value)
    assert host.read(DIRECTORY + '/swap_file.json') == text


def test_records_are_for_root_alone(host):
    State(host, 'swap_file').remember('/a', 1)
    assert os.stat(host.path(DIRECTORY + '/swap_file.json')).st_mode & 0o777 == 0o600
    assert os.stat(host.path(DIRECTORY)).st_mode & 0o777 == 0o700


def test_a_file_is_backed_up_as_it_was_before_the_first_edit(host):
    host.make_directory('/etc')
    host.replace('/etc/fstab', 'first')
    assert backup_once(host, '/etc/fstab') == DIRECTORY + '/etc-fstab.orig'
    host.replace('/etc/fstab', 'second')
    backup_once(host, '/etc/fstab')
    assert host.read(backup_path('/etc/fstab')) == 'first'


def test_a_file_that_is_not_there_has_no_backup(host):
    assert backup_once(host, '/etc/fstab') is None
    assert drop_backup(host, '/etc/fstab')
    assert not host.exists(DIRECTORY)


def test_a_backup_goes_when_the_file_equals_it_again_and_stays_while_it_differs(host):
    host.make_directory('/etc')
    host.replace('/etc/fstab', 'first')
    backup_once(host, '/etc/fstab')
    host.replace('/etc/fstab', 'second')
    assert not drop_backup(host, '/etc/fstab')
    host.replace('/etc/fstab', 'first')
    assert drop_backup(host, '/etc/fstab')
    assert not host.exists(DIRECTORY)
