# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of a host's own sources are there."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import collections
import errno
import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._log import live
from ansible_collections.oom.rescue.plugins.module_utils._log.live import SourceError, has_journal


@pytest.mark.parametrize('paths, there', [
    ((), False),
    (('var/log/journal',), False),
    (('var/log/journal', 'run/log/journal'), False),
    (('var/log/journal/0123456789abcdef0123456789abcdef',), True),
    (('var/log/journal', 'run/log/journal/0123456789abcdef0123456789abcdef'), True),
], ids=['nothing', 'made-by-a-package', 'both-empty', 'kept', 'until-the-next-boot'])
def test_a_journal_is_what_journald_wrote_not_its_directory(tmpdir, paths, there):
    for path in paths:
        tmpdir.join(path).ensure(dir=True)
    assert has_journal(str(tmpdir)) is there


@pytest.mark.parametrize('answers, expected', [
    ([b'6,1,0,-;a\n SUBSYSTEM=x\n', b'6,2,5,-;b\n', errno.EAGAIN, b'6,3,9,-;c\n'],
     [b'6,1,0,-;a\n', b'6,2,5,-;b\n']),
    ([errno.EPIPE, b'6,7,0,-;a\n', errno.EINTR, errno.EINVAL, b'6,8,5,-;b\n', b'', b'6,9,9,-;c\n'],
     [b'6,7,0,-;a\n', b'6,8,5,-;b\n']),
    ([b'6,1,0,-;a\n', errno.EIO], None),
], ids=['to the end', 'past what was overwritten', 'an error'])
def test_the_ring_buffer_is_read_up_to_where_it_ends(monkeypatch, answers, expected):
    left, closed = list(answers), []

    def read(descriptor, size):
        answer = left.pop(0)
        if isinstance(answer, int):
            raise OSError(answer, os.strerror(answer))
        return answer

    # Of the module alone: who runs the tests reads as well.
    monkeypatch.setattr(live, 'os', collections.namedtuple('System', 'read close')(read, closed.append))
    if expected is None:
        with pytest.raises(SourceError):
            list(live._kmsg_lines(99))
    else:
        assert list(live._kmsg_lines(99)) == expected
    assert closed == [99]
