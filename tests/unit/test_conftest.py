# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cases of a test each of several Pythons runs."""

from __future__ import absolute_import, division, print_function

import collections

import pytest
from conftest import share_of

Item = collections.namedtuple('Item', 'nodeid')


@pytest.mark.parametrize('cases', [1, 2, 3, 4, 5, 6, 7, 23])
@pytest.mark.parametrize('of', [1, 2, 5])
def test_each_share_has_each_test_and_all_have_each_case(cases, of):
    alone, table = Item('a.py::test_alone'), [Item('a.py::test_table[%d]' % number) for number in range(cases)]
    shares = [share_of([alone] + table, number, of) for number in range(1, of + 1)]
    assert all(alone in share and len(share) > 1 for share in shares)
    assert set().union(*shares) == set([alone] + table)
    assert all(len(share) <= 2 + cases // of for share in shares)
