# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations and records that are, or lead to, somebody else's files."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._change.record import State
from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host

NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason='gives a file to another user')


def linked(directory, owner):
    """A host whose /etc/f is a link to a file in a directory of ``owner``."""
    for name in ('etc', 'home'):
        directory.mkdir(name)
    directory.join('home', 'file').write('old\n')
    os.chown(str(directory.join('home')), owner, owner)
    os.symlink(str(directory.join('home', 'file')), str(directory.join('etc', 'file')))
    return Host(str(directory))


@as_root
@pytest.mark.parametrize('change', [lambda host: host.replace('/etc/file', 'new\n'),
                                    lambda host: host.try_to_change('/etc/file', 'new\n')], ids=['change', 'try'])
def test_a_link_to_a_users_file_is_not_written_through(tmpdir, change):
    host = linked(tmpdir, NOBODY)
    with pytest.raises(OSError) as error:
        change(host)
    assert 'the user 65534 owns' in str(error.value) and '/etc/file' in str(error.value)
    assert tmpdir.join('home', 'file').read() == 'old\n'


@as_root
def test_a_link_to_a_file_of_roots_is_followed(tmpdir):
    linked(tmpdir, 0).replace('/etc/file', 'new\n')
    assert tmpdir.join('home', 'file').read() == 'new\n' and os.path.islink(str(tmpdir.join('etc', 'file')))


@as_root
def test_a_record_of_another_user_is_not_read(tmpdir):
    tmpdir.join('var', 'lib', 'oom-rescue').ensure(dir=True).chmod(0o700)
    record = tmpdir.join('var', 'lib', 'oom-rescue', 'any.json')
    record.write('{"/swapfile": {}}')
    assert State(Host(str(tmpdir)), 'any').get('/swapfile') == {}
    os.chown(str(record), NOBODY, NOBODY)
    with pytest.raises(RescueError) as error:
        State(Host(str(tmpdir)), 'any').get('/swapfile')
    assert 'of the user 65534' in str(error.value)


def test_a_record_that_is_a_link_is_not_read(tmpdir):
    tmpdir.join('var', 'lib', 'oom-rescue').ensure(dir=True).chmod(0o700)
    tmpdir.join('elsewhere').write('{"/swapfile": {}}')
    os.symlink(str(tmpdir.join('elsewhere')), str(tmpdir.join('var', 'lib', 'oom-rescue', 'any.json')))
    with pytest.raises(OSError):
        State(Host(str(tmpdir)), 'any').records()
