# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import stat
import struct

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files import permissions, reader, safe_open, xattr
from ansible_collections.oom.rescue.plugins.module_utils._files.safe_open import open_found

USER, OTHER, GROUP = 65534, 1234, 100


def text_of(path):
    """What is read of a found file, or the reason why it is not."""
    try:
        descriptor = open_found(str(path))
    except reader.FAILURES as error:
        return reader.reason(error)
    try:
        return os.read(descriptor, 100).decode('ascii')
    finally:
        os.close(descriptor)


def write(path, text='own', owner=0, mode=0o644):
    path.write_text(u'%s' % text)
    path.chmod(mode)
    os.chown(str(path), owner, owner)
    return path


def link(path, target, owner=0):
    os.symlink(str(target), str(path))
    os.lchown(str(path), owner, owner)
    return path


class Place:
    """A directory of root's with a secret in it, and ``logs``, whose owner and mode a case chooses."""

    def __init__(self, tmp_path):
        self.top = tmp_path
        self.secret = tmp_path / 'secret'
        self.secret.mkdir(0o700)
        write(self.secret / 'app.log', 'secret', 0, 0o600)
        self.logs = tmp_path / 'logs'
        self.logs.mkdir()
        self.log = self.logs / 'app.log'

    def of(self, owner=0, mode=0o755, group=None):
        self.logs.chmod(mode)
        os.chown(str(self.logs), owner, owner if group is None else group)
        return self


@pytest.fixture(name='place')
def fixture_place(tmp_path):
    return Place(tmp_path)


def as_root(make):
    return lambda place: make(place.of())


def as_user(make):
    return lambda place: make(place.of(USER))


def as_shared(make):
    return lambda place: make(place.of(0, 0o1777))


def as_group(make):
    return lambda place: make(place.of(0, 0o775, GROUP))


def hard(place):
    os.link(str(place.secret / 'app.log'), str(place.log))
    return place.log


def with_acl(place):
    # The user, the mask and the rest: (tag, bits, id) of include/uapi/linux/posix_acl_xattr.h.
    entries = ((1, 7, -1), (2, 7, USER), (4, 5, -1), (16, 7, -1), (32, 5, -1))
    descriptor = os.open(str(place.logs), os.O_RDONLY)
    xattr.put(descriptor, xattr.ACL, struct.pack('<I', 2) + b''.join(struct.pack('<HHi', *each) for each in entries))
    os.close(descriptor)
    return link(place.log, place.secret / 'app.log', USER)


def below_a_link(owner):
    def make(place):
        link(place.logs / 'of', place.secret, owner)
        return place.logs / 'of' / 'app.log'
    return make


def below(owner, target):
    """A directory of root's below ``logs``, with a link in it."""
    def make(place):
        (place.logs / 'below').mkdir()
        return link(place.logs / 'below' / 'app.log', place.top / target, owner)
    return make


LINK_OF_USER = 'the user 65534 made a link of it, in a directory that '
NAME_IT = ': name it itself, and not by a pattern, if it is to be read'
CASES = {
    'root, a file': (as_root(lambda place: write(place.log)), 'own'),
    'root, a link': (as_root(lambda place: link(place.log, place.secret / 'app.log')), 'secret'),
    'root, a relative link': (as_root(lambda place: link(place.log, '../secret/app.log')), 'secret'),
    'root, a link that a user owns': (as_root(lambda place: link(place.log, '../secret/app.log', USER)), 'secret'),
    'root, a linked directory': (as_root(below_a_link(0)), 'secret'),
    'root, a hard link': (as_root(hard), 'secret'),
    'root, a file of a user': (as_root(lambda place: write(place.log, 'own', USER)), 'own'),
    'root, a link into a directory of a user': (
        as_user(lambda place: link(place.top / 'x', write(place.log, 'own', USER))), 'own'),
    'user, his file': (as_user(lambda place: write(place.log, 'own', USER, 0o600)), 'own'),
    "user, root's file": (as_user(lambda place: write(place.log)), 'own'),
    "user, another user's file": (
        as_user(lambda place: write(place.log, 'own', OTHER)),
        'belongs to the user 1234, in a directory that the user 65534 owns' + NAME_IT),
    'user, his link': (
        as_user(lambda place: link(place.log, place.secret / 'app.log', USER)),
        LINK_OF_USER + 'the user 65534 owns' + NAME_IT),
    'user, his link to his file': (
        as_user(lambda place: link(place.logs / 'a', write(place.log, 'own', USER), USER)),
        LINK_OF_USER + 'the user 65534 owns' + NAME_IT),
    "user, root's link": (as_user(lambda place: link(place.log, place.secret / 'app.log')), 'secret'),
    "user, root's link to his link": (
        as_user(lambda place: link(place.logs / 'a', link(place.log, '../secret/app.log', USER))),
        LINK_OF_USER + 'the user 65534 owns' + NAME_IT),
    'user, his linked directory': (
        as_user(below_a_link(USER)), LINK_OF_USER + 'the user 65534 owns' + NAME_IT),
    "user, root's directory with a link of his": (
        as_user(below(USER, 'secret/app.log')), LINK_OF_USER + 'the user 65534 owns' + NAME_IT),
    'user, a hard link': (
        as_user(hard), 'has 2 names, one of them, in a directory that the user 65534 owns' + NAME_IT),
    'anybody, his file': (as_shared(lambda place: write(place.log, 'own', USER)), 'own'),
    'anybody, his link': (
        as_shared(lambda place: link(place.log, place.secret / 'app.log', USER)),
        LINK_OF_USER + 'anybody may write to' + NAME_IT),
    "anybody, below root's directory, which the sticky bit keeps": (as_shared(below(USER, 'secret/app.log')), 'secret'),
    "a group, its member's file": (as_group(lambda place: write(place.log, 'own', USER)), 'own'),
    "a group, root's link": (as_group(lambda place: link(place.log, '../secret/app.log')), 'secret'),
    "a group, its member's link": (
        as_group(lambda place: link(place.log, '../secret/app.log', USER)),
        LINK_OF_USER + 'the group 100 may write to' + NAME_IT),
    "a group, below root's directory": (
        as_group(below(USER, 'secret/app.log')), LINK_OF_USER + 'the group 100 may write to' + NAME_IT),
    'an ACL, his link': (
        as_root(with_acl), LINK_OF_USER + 'by its ACL the user 65534 may write to' + NAME_IT),
    'nothing': (as_root(lambda place: place.log), os.strerror(2)),
    'a directory': (as_root(lambda place: place.logs), 'not a regular file'),
    'a loop': (as_root(lambda place: link(place.log, 'app.log')), 'has too many links'),
    'below a file': (as_root(lambda place: write(place.log) / 'x'), os.strerror(20)),
}


@pytest.mark.parametrize('case', sorted(CASES))
def test_of_what_a_stranger_may_have_put_there_only_his_own_files_and_roots_links_are_read(place, case):
    make, expected = CASES[case]
    assert text_of(make(place)) == expected


def test_dots_lead_up(place):
    write(place.of().log)
    assert text_of('%s/../logs/./app.log' % place.secret) == 'own'


def test_a_fifo_is_not_waited_for(place):
    os.mkfifo(str(place.of(USER).log))
    assert text_of(place.log) == 'not a regular file'


def swap(monkeypatch, module, name, change, when=lambda *arguments: True):
    """Have a stranger change something behind a function of the reader, once, if its arguments are those."""
    function, done = getattr(module, name), []

    def swapped(*arguments):
        result = function(*arguments)
        if not done and when(*arguments):
            done.append(change())
        return result

    monkeypatch.setattr(module, name, swapped)
    return done


def test_a_file_that_is_replaced_by_a_link_before_it_is_opened_is_read_itself(place, monkeypatch):
    write(place.of(USER).log, 'own', USER)

    def change():
        place.log.unlink()
        link(place.log, place.secret / 'app.log', USER)
        return True

    done = swap(monkeypatch, safe_open, '_why_not', change)
    assert text_of(place.log) == 'own' and done


def test_a_directory_that_is_replaced_by_a_link_while_it_is_looked_at_is_read_itself(place, monkeypatch):
    write(place.of(USER).log, 'own', USER)

    def change():
        place.logs.rename(place.top / 'away')
        link(place.logs, place.secret, USER)
        return True

    done = swap(monkeypatch, permissions, 'writer_of', change,
                lambda path: os.path.realpath(path) == str(place.logs))
    assert text_of(place.log) == 'own' and done


def test_a_link_of_roots_that_is_replaced_before_it_is_read_leads_where_it_did(place, monkeypatch):
    link(place.of(USER).log, write(place.top / 'a', 'own'))

    def change():
        place.log.unlink()
        link(place.log, place.secret / 'app.log', USER)
        return True

    done = swap(monkeypatch, safe_open, '_is_own', change, lambda status: stat.S_ISLNK(status.st_mode))
    assert text_of(place.log) == 'own' and done


def test_a_user_reads_his_own_links(place, monkeypatch):
    link(place.of(USER).log, write(place.logs / 'a', 'own', USER), USER)
    monkeypatch.setattr(os, 'geteuid', lambda: USER)
    assert text_of(place.log) == 'own'


def test_no_descriptor_stays_open(place):
    before = len(os.listdir('/proc/self/fd'))
    for case in ('root, a link', 'user, his link', "user, root's link", 'a loop', 'user, a hard link', 'nothing'):
        fresh = place.top / case.replace(' ', '-').replace(',', '')
        fresh.mkdir()
        text_of(CASES[case][0](Place(fresh)))
    assert len(os.listdir('/proc/self/fd')) == before
