# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

# The unit tests of the other Pythons of a node have pytest alone; the imports below stand behind this for it.
pytest.importorskip('hypothesis')

from ansible_collections.oom.rescue.plugins.module_utils._score.score import auto_score
from hypothesis import given
from hypothesis import strategies as st

SIZE = st.integers(1 << 12, 1 << 45)


@given(SIZE, SIZE, st.floats(0.1, 20))
def test_auto_is_always_a_score_that_protects_and_never_hides(server, total, multiple):
    assert -900 <= auto_score(server, total, multiple) <= -10


@given(SIZE, SIZE, st.floats(0.5, 10), st.integers(0, 1 << 45))
def test_more_swap_never_asks_for_a_lower_score(server, total, multiple, swap):
    assert auto_score(server, total + swap, multiple) >= auto_score(server, total, multiple)


@given(SIZE, SIZE, st.floats(0.5, 10))
def test_auto_derived_twice_is_the_same(server, total, multiple):
    first = auto_score(server, total, multiple)
    assert auto_score(server, total, multiple, first) == first


@given(SIZE, SIZE, st.floats(0.5, 10))
def test_at_the_multiple_the_server_s_badness_is_not_above_zero(server, total, multiple):
    score = auto_score(server, total, multiple)
    if score > -900:
        assert server * multiple + score * total / 1000.0 <= 1e-6 * total
