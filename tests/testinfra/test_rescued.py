# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asserts that a host is rescued: ``pytest --hosts=ansible://web tests/testinfra``."""

import oom_rescue
import pytest


@pytest.mark.remedy('swap')
def test_the_swap_file_is_in_use(swap_file, rescue):
    area = swap_file.area()
    assert area is not None, '%s is not in /proc/swaps' % swap_file.path
    # The first page of the file is its signature and not swap.
    assert area['size_bytes'] >= rescue('swap_bytes') - 65536


@pytest.mark.remedy('swap')
def test_only_root_can_read_the_swap_file(swap_file):
    assert (swap_file.file.user, swap_file.file.mode) == ('root', 0o600)


@pytest.mark.remedy('swap')
def test_the_swap_file_comes_back_after_a_reboot(swap_file):
    rows = swap_file.fstab()
    assert len(rows) == 1, '/etc/fstab names %s %d times' % (swap_file.path, len(rows))
    assert rows[0][2] == 'swap'
    assert 'noauto' not in rows[0][3].split(',')


@pytest.mark.remedy('swappiness')
def test_swappiness_holds_now(swappiness, rescue):
    assert swappiness.now() == rescue('swappiness')


@pytest.mark.remedy('swappiness')
def test_swappiness_holds_after_a_reboot(swappiness, rescue):
    assert swappiness.after_reboot() == rescue('swappiness')


@pytest.mark.remedy('oom_protect')
def test_the_process_is_spared_now(host, spared, rescue):
    if not oom_rescue.may_lower_scores(host) and rescue('score_adj') < 0:
        pytest.skip('no process on this host may lower an oom_score_adj below 0')
    assert {process.pid: process.score_adj() for process in spared} == {
        process.pid: rescue('score_adj') for process in spared}


@pytest.mark.remedy('oom_protect')
def test_the_process_is_spared_at_its_next_start(spared, rescue):
    assert {process.pid: process.score_adj_at_next_start() for process in spared} == {
        process.pid: rescue('score_adj') for process in spared}
