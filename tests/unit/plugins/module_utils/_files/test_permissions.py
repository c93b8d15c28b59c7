# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import struct

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files import permissions, xattr
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host
from ansible_collections.oom.rescue.plugins.module_utils._node import identity

USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
NOBODY = 0xffffffff


def acl(*entries):
    """The bytes of a POSIX ACL with these entries, (tag, permission bits, id)."""
    return struct.pack('<I', 2) + b''.join(struct.pack('<HHI', *entry) for entry in entries)


def acl_of_user(bits, mask=7, user=65534):
    return acl((USER_OBJ, 7, NOBODY), (USER, bits, user), (GROUP_OBJ, 5, NOBODY), (MASK, mask, NOBODY),
               (OTHER, 5, NOBODY))


def give_acl(path, value):
    descriptor = os.open(str(path), os.O_RDONLY)
    try:
        xattr.put(descriptor, xattr.ACL, value)
    except OSError as error:
        pytest.fail('no ACL can be set here: %s' % error)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize('value, expected', [
    (None, []),
    (b'', []),
    (b'\x02\0\0\0\x01', []),
    (acl_of_user(6), [('user', 65534, 6)]),
    (acl_of_user(6, mask=4), [('user', 65534, 4)]),
    (acl((GROUP, 2, 100), (USER, 7, 0)), [('group', 100, 2), ('user', 0, 7)]),
], ids=['none', 'empty', 'cut', 'a user', 'under a mask', 'without a mask'])
def test_an_acl_names_users_and_groups_under_its_mask(value, expected):
    assert xattr.named_in_acl(value) == expected


@pytest.mark.parametrize('change, words', [
    (lambda place: os.chmod(place, 0o755), None),
    (lambda place: os.chmod(place, 0o700), None),
    (lambda place: os.chmod(place, 0o775), None),
    (lambda place: (os.chown(place, 0, 100), os.chmod(place, 0o775)), 'the group 100 may write to'),
    (lambda place: os.chmod(place, 0o777), 'anybody may write to'),
    (lambda place: os.chmod(place, 0o1777), 'anybody may write to'),
    (lambda place: os.chown(place, 65534, 0), 'the user 65534 owns'),
    (lambda place: give_acl(place, acl_of_user(7)), 'by its ACL the user 65534 may write to'),
    (lambda place: give_acl(place, acl_of_user(5)), None),
    (lambda place: give_acl(place, acl_of_user(7, mask=5)), None),
    (lambda place: give_acl(place, acl_of_user(7, user=0)), None),
], ids=['0755', '0700', 'root group', 'a group', 'anybody', 'sticky', 'an owner', 'an ACL', 'an ACL to read',
        'an ACL under a mask', 'an ACL of root'])
def test_who_may_write_to_a_directory_is_asked_of_owner_mode_and_acl(tmp_path, change, words):
    place = tmp_path / 'place'
    place.mkdir()
    change(str(place))
    assert permissions.writer_of(str(place)) == words
    assert permissions.who_may_replace(str(place)) == (words and '%s %s' % (words, place))
    # Who reads a configuration or runs a program there asks the same.
    (place / 'file').write_text(u'')
    host = Host(str(tmp_path))
    assert (identity.trusted_path(host, '/place/file') is None) == (words is not None)
    assert identity.trusted_directory(host, '/place/file') == (words is None)


@pytest.mark.parametrize('runs_as, owner, words', [
    (1000, 0, None), (1000, 1000, None), (1000, 1, 'the user 1 owns'), (0, 1000, 'the user 1000 owns')])
def test_what_is_roots_is_no_strangers_to_a_user_nor_is_what_is_his_own(tmp_path, monkeypatch, runs_as, owner, words):
    os.chown(str(tmp_path), owner, 0)
    tmp_path.chmod(0o755)
    status = os.stat(str(tmp_path))
    monkeypatch.setattr(os, 'geteuid', lambda: runs_as)
    assert permissions.stranger_of(status) == words


@pytest.mark.parametrize('change', [
    lambda file: os.chmod(file, 0o666), lambda file: os.chown(file, 65534, 0),
    lambda file: (os.chown(file, 0, 100), os.chmod(file, 0o664)), lambda file: give_acl(file, acl_of_user(6))])
def test_a_file_is_asked_as_a_directory_is(tmp_path, change):
    file, host = tmp_path / 'file', Host(str(tmp_path))
    file.write_text(u'')
    assert permissions.writer_of(str(file)) is None and identity.trusted_path(host, '/file') == '/file'
    change(str(file))
    assert permissions.writer_of(str(file)) and identity.trusted_path(host, '/file') is None


def test_a_group_that_cannot_be_asked_about_is_a_stranger(tmp_path):
    tmp_path.chmod(0o775)
    status = os.stat(str(tmp_path))
    assert permissions.stranger_of(status, str(tmp_path)) is None
    assert permissions.stranger_of(status) == 'the group %d may write to' % status.st_gid


def test_a_directory_above_counts_unless_the_sticky_bit_keeps_others_from_renaming(tmp_path):
    below = tmp_path / 'open' / 'below'
    below.mkdir(parents=True)
    (tmp_path / 'open').chmod(0o1777)
    assert permissions.who_may_replace(str(below)) is None
    (tmp_path / 'open').chmod(0o777)
    assert permissions.who_may_replace(str(below), '/x/y') == 'anybody may write to /x'
    (tmp_path / 'open').chmod(0o1755)
    os.chown(str(tmp_path / 'open'), 65534, 0)
    assert permissions.who_may_replace(str(below), '/x/y') == 'the user 65534 owns /x'
