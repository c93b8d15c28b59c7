# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asserts that a host is rescued: ``pytest --hosts=ansible://web tests/testinfra``."""

import pytest


@pytest.mark.remedy('swap')
def test_the_swap_file_is_in_use(swap_file, rescue):
    area = swap_file.area()
    assert area is not None, 'the kernel uses no swap file %s: /proc/swaps does not name it' % swap_file.path
    # The first page of the file is its signature and not swap.
    assert area['size_bytes'] >= rescue('swap_bytes') - 65536


@pytest.mark.remedy('swap')
def test_only_root_can_read_the_swap_file(swap_file):
    assert swap_file.file.exists, 'there is no file %s' % swap_file.path
    assert (swap_file.file.user, swap_file.file.mode) == ('root', 0o600)


@pytest.mark.remedy('swap')
def test_the_swap_file_comes_back_after_a_reboot(swap_file):
    rows = swap_file.fstab()
    assert len(rows) == 1, '/etc/fstab names %s %d times, and should once' % (swap_file.path, len(rows))
    assert rows[0][2] == 'swap'
    assert 'noauto' not in rows[0][3].split(',')


@pytest.mark.remedy('swappiness')
def test_swappiness_holds_now(swappiness, rescue):
    now = swappiness.now()
    assert now == rescue('swappiness'), 'vm.swappiness is %d, and should be %d' % (now, rescue('swappiness'))


@pytest.mark.remedy('swappiness')
def test_swappiness_holds_after_a_reboot(swappiness, rescue):
    value = swappiness.after_reboot()
    assert value is not None, 'no file of sysctl.d sets vm.swappiness, and %d should be set' % rescue('swappiness')
    assert value == rescue('swappiness'), 'the files of sysctl.d set vm.swappiness to %d, and should to %d' % (
        value, rescue('swappiness'))


@pytest.mark.remedy('oom_protect')
def test_the_process_is_spared_now(may_lower_scores, spared, rescue):
    if not may_lower_scores and rescue('score_adj') < 0:
        pytest.skip('no process on this host may lower an oom_score_adj below 0')
    wrong = ['%s (pid %s) has %d' % (process.name(), process.pid, process.score_adj())
             for process in spared if process.score_adj() != rescue('score_adj')]
    assert not wrong, 'oom_score_adj should be %d: %s' % (rescue('score_adj'), ', '.join(wrong))


@pytest.mark.remedy('oom_protect')
def test_the_process_is_spared_at_its_next_start(spared, rescue):
    scores = [(process, process.score_adj_at_next_start()) for process in spared]
    wrong = ['%s (pid %s) %s' % (process.name(), process.pid, 'gets none' if score is None else 'gets %d' % score)
             for process, score in scores if score != rescue('score_adj')]
    assert not wrong, 'oom_score_adj should be %d at the next start: %s' % (rescue('score_adj'), ', '.join(wrong))
