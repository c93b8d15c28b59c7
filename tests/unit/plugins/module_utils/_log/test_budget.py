# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of a log whose time is spent."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._log.budget import Budget

KIB = 1 << 10


@pytest.mark.parametrize('blocks, left_out, last', [
    ([], 0, 0), ([100], 0, 1), ([600, 600], 0, 2), ([600, 600, 600], 600, 2), ([1024, 1024, 1024], 2048, 1),
    ([100, 2000, 10], 100, 2), ([300] * 20, 16 * 300, 4),
])
def test_of_a_log_that_takes_too_long_at_least_the_last_mebibyte_is_read_in_whole_blocks(blocks, left_out, last):
    log = [b'x' * (size * KIB) for size in blocks]
    budget = Budget()
    budget.begin()
    assert budget.last_of(iter(log)) == (left_out * KIB, log[len(log) - last:])
