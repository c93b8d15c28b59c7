# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole rescue, with sshd and sudo, on a host that has no memory left: nobody is killed for it."""

import pytest

LEFT, NEAR = 40, 4


@pytest.fixture(autouse=True)
def as_before(guest):
    yield
    guest.let_go()
    status, said = guest.rescue('rollback')
    assert status == 0 and not guest.swaps(), said


def test_a_host_whose_load_is_held_is_rescued_and_nothing_is_killed(guest, time):
    before = guest.killed()
    assert abs(guest.take(LEFT, 'stops') - LEFT) <= NEAR
    status, said = guest.rescue('remediate', '--by-rule')
    assert guest.killed() == before, said
    assert status == 0 and guest.swaps().startswith('/swapfile'), said


def test_during_the_outage_nobody_dies_but_who_makes_it(guest, time):
    before = guest.killed()
    guest.take(LEFT + 20, 'grows')
    status, said = guest.rescue('remediate', '--by-rule')
    killed = guest.killed()[len(before):]
    print('killed:', killed)
    assert killed in ([], ['python3']), said
    assert status == 0 and guest.swaps().startswith('/swapfile'), said
    assert guest.has_hog() != bool(killed)
