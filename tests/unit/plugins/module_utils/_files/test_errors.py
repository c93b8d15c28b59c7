# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError, naming, one_line, said


@pytest.mark.parametrize('fields, line', [
    (('it is full',), 'it is full'),
    (('it is full', '/swapfile'), '/swapfile: it is full'),
    (('it is full', '/swapfile', None, None, 'give another path'), '/swapfile: it is full: give another path'),
    (('{path} is a {value}, and has to be a {allowed}', '/s', 'link', 'file', 'move it'),
     '/s is a link, and has to be a file: move it'),
    (('{value} is not from {allowed}', 'priority', 40000, '0 to 32767', None),
     'priority: 40000 is not from 0 to 32767'),
    (('it holds {value}', '/a', '{path} {allowed} {0} %s'), '/a: it holds {path} {allowed} {0} %s'),
    (('systemctl failed:\n\n no unit\r\nx\n',), 'systemctl failed:; no unit; x'),
])
def test_an_error_is_one_line_with_the_file_first_and_the_next_step_last(fields, line):
    error = RescueError(*fields)
    assert str(error) == line
    assert [error.path, error.value, error.allowed, error.next_step] == (list(fields[1:]) + [None] * 4)[:4]


def test_an_error_says_whether_the_host_is_as_it_was():
    assert RescueError('no').changed is False
    assert RescueError('half of it is done', changed=True).changed is True


def test_an_error_is_no_error_of_the_program():
    assert not issubclass(RescueError, (ValueError, LookupError, TypeError, EnvironmentError))


@pytest.mark.parametrize('error, line', [
    (OSError(errno.ENOSPC, 'No space left on device', '/etc/fstab'), '/etc/fstab: No space left on device'),
    (OSError(errno.ENOSPC, 'No space left on device'), 'No space left on device'),
    (OSError(errno.EACCES, 'Permission denied', '/a\nok: [db1]'), '/a; ok: [db1]: Permission denied'),
    (OSError('odd'), 'odd'),
    (RescueError('no', '/a'), '/a: no'),
    (KeyError(), 'KeyError'),
])
def test_an_error_of_the_system_is_told_with_its_file(error, line):
    assert said(error) == line


def test_an_error_of_a_descriptor_gets_its_file():
    with pytest.raises(OSError) as caught:
        with naming('/proc/sys/vm/swappiness'):
            os.write(-1, b'1')
    assert caught.value.filename == '/proc/sys/vm/swappiness' and caught.value.errno == errno.EBADF
    with pytest.raises(OSError) as caught:
        with naming('/swapfile'):
            os.stat('/no/such')
    assert caught.value.filename == '/no/such'


def test_one_line_has_none_of_the_characters_that_end_one():
    text = 'a\nb\rc\vd\fe\x1cf'
    assert not set(one_line(text)) & set('\n\r\v\f\x1c') or str is bytes
    assert '\n' not in one_line(text) and '\r' not in one_line(text)
