# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError
from ansible_collections.oom.rescue.plugins.module_utils._score.score import auto_score, check_score

KIB = 1024
SEED = (110083 + 308) * 4 * KIB
RAM = 253723 * 4 * KIB
GIB = 1 << 30


@pytest.mark.parametrize('server, total, multiple, previous, expected', [
    (SEED, RAM, 1.0, None, -440),
    (SEED, RAM, 2.0, None, -880),
    (SEED, RAM + 2 * GIB, 2.0, None, -290),
    (SEED, RAM, 5.0, None, -900),
    (10 * KIB, RAM, 2.0, None, -10),
    (SEED, RAM + 2 * GIB, 2.0, -290, -290),
    (SEED, RAM + 2 * GIB, 2.0, -200, -200),
    (SEED, RAM + 2 * GIB, 2.0, -420, -420),
    (SEED, RAM + 2 * GIB, 2.0, -880, -290),
    (SEED, RAM + 2 * GIB, 2.0, -100, -290),
    (SEED, RAM + 2 * GIB, 2.0, 500, -290),
], ids=[
    'just its share of RAM', 'twice its share', 'swap makes a point worth three times the bytes',
    'never below -900', 'at least one step', 'what was derived before is kept', 'kept while two thirds of it',
    'kept while one and a half times it', 'derived again after swap was made', 'derived again where too little',
    'a raised score is none of auto\'s',
])
def test_auto_gives_the_room_that_was_asked_for(server, total, multiple, previous, expected):
    assert auto_score(server, total, multiple, previous) == expected


@pytest.mark.parametrize('value', [-999, -600, 0, 1000])
def test_a_score_in_range_is_fine(value):
    check_score(value, False, 0, RAM)


@pytest.mark.parametrize('value, allowed, killable, message', [
    (-1001, True, RAM, 'value -1001 is out of range: oom_score_adj is -1000 to 1000'),
    (1001, True, RAM, 'value 1001 is out of range: oom_score_adj is -1000 to 1000'),
    (-1000, False, RAM, 'value -1000 hides a process from the OOM killer: give -999 to -1, or allow_unkillable'),
    (-1000, True, 100 << 20, ('value -1000 is not safe here: all processes that could still be killed hold 100 MiB, '
     'less than 20 % of RAM plus swap (991 MiB), and the kernel panics when none is left: give -999 to -1')),
])
def test_what_must_not_be_set_is_refused_in_one_line(value, allowed, killable, message):
    with pytest.raises(RescueError) as error:
        check_score(value, allowed, killable, RAM)
    assert str(error.value) == message


def test_unkillable_is_set_where_allowed_and_enough_can_be_killed():
    check_score(-1000, True, RAM // 2, RAM)
