# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of a host's own sources are there."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.oom.rescue.plugins.module_utils._log.live import has_journal


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
