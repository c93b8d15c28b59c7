# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._node.badness import badness, root_bonus, score

EL7 = '3.10.0-957.27.2.el7.x86_64'
TOTAL = 253723


@pytest.mark.parametrize('release, bonus', [
    ('2.6.32-642.el6', 'memory'), (EL7, 'memory'), ('3.13.0-43-generic', 'memory'), ('3.14.0', 'usage'),
    ('4.16.18', 'usage'), ('4.17.0', None), ('6.12.1', None), (None, None),
])
def test_root_bonus_of_each_era(release, bonus):
    assert root_bonus(release) == bonus


def test_seed_mysqld_has_the_score_that_the_kernel_printed():
    points = badness(110083, 308, 0, 0, TOTAL, kernel=EL7)
    assert points == 110391
    assert score(points, TOTAL) == 435


@pytest.mark.parametrize('arguments, points', [
    pytest.param(dict(oom_score_adj=-1000), None, id='-1000 is never a victim'),
    pytest.param(dict(oom_score_adj=0), 1110, id='rss, page tables and swap'),
    pytest.param(dict(oom_score_adj=0, kernel='2.6.32-642.el6'), 1100, id='page tables did not count before 2.6.39'),
    pytest.param(dict(oom_score_adj=1), 1110 + 253, id='a point is a thousandth of memory, rounded down'),
    pytest.param(dict(oom_score_adj=-600, kernel='4.18.0-477.el8'), 1, id='at least 1 before 5.9'),
    pytest.param(dict(oom_score_adj=-600, kernel='5.9.0'), 1110 - 600 * 253, id='below 1 since 5.9'),
    pytest.param(dict(oom_score_adj=0, privileged=True, kernel='3.13.0'), 1, id='3% of all memory before 3.14'),
    pytest.param(dict(oom_score_adj=0, privileged=True, kernel='3.14.0'), 1077, id='3% of its own before 4.17'),
    pytest.param(dict(oom_score_adj=0, privileged=True, kernel='4.17.0'), 1110, id='no root bonus since 4.17'),
])
def test_points(arguments, points):
    assert badness(1000, 10, 100, total_pages=TOTAL, **arguments) == points


def test_score_of_no_memory_is_zero():
    assert score(10, 0) == 0
