# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ranking of the processes that the kernel may kill: oom_badness() of mm/oom_kill.c, as it was in each kernel."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .kernel import kernel_version

UNKILLABLE = -1000


def root_bonus(kernel):
    """What a process with CAP_SYS_ADMIN gets off: ``memory`` (3% of all memory), ``usage`` (3% of its own) or None.

    778c14affaf9 (3.14) replaced the first by the second, d46078b28889 (4.17) ended it. An unknown kernel counts as a
    new one.
    """
    version = kernel_version(kernel)
    if version is None or version >= (4, 17, 0):
        return None
    return 'usage' if version >= (3, 14, 0) else 'memory'


def counts_page_tables(kernel):
    """True if the page tables of a process count, which they do since f755a042d82b (2.6.39)."""
    version = kernel_version(kernel)
    return version is None or version >= (2, 6, 39)


def badness(rss_pages, pgtables_pages, swap_pages, oom_score_adj, total_pages, privileged=False, kernel=None):
    """The points of a process, in pages: the process with the most is the victim. None if it cannot be one.

    ``total_pages`` is what the kernel compares with: its managed RAM and all swap, or the limit of a memcg. Kernels
    before a7f638f999ff (3.5) count in thousandths, which gives the same order except for rounding.
    """
    if oom_score_adj == UNKILLABLE:
        return None
    points = rss_pages + swap_pages
    if counts_page_tables(kernel):
        points += pgtables_pages
    bonus = root_bonus(kernel) if privileged else None
    if bonus == 'usage':
        points -= points * 3 // 100
    if bonus == 'memory':
        oom_score_adj -= 30
    points += oom_score_adj * (total_pages // 1000)
    version = kernel_version(kernel)
    if version is not None and version < (5, 9, 0):
        # 9066e5cfb73c (5.9) lets points go below 1, so that protected processes rank among each other.
        return max(points, 1)
    return points


def takes_last_of_equals(kernel):
    """True if the kernel kills the last of several processes with the same points, False if it kills the first.

    oom_evaluate_task() passes over a task with as many points as the chosen one if that one leads its thread group, as
    all do. That test went in 5.3, when the tasks of a cgroup came to be looked at by process, as the host's were
    (f168a9a54ec3). An unknown kernel counts as a new one.
    """
    version = kernel_version(kernel)
    return version is None or version >= (5, 3, 0)


def best_victim_first(rows, points, kernel):
    """The rows in the order in which the kernel would kill them. They are given in the order in which it looks at them.

    ``points`` are their badness().
    """
    places = list(range(len(rows)))
    if takes_last_of_equals(kernel):
        places.reverse()
    # Equals keep their order.
    places.sort(key=lambda place: -points[place])
    return [rows[place] for place in places]


def score(points, total_pages):
    """Points in thousandths of all memory, as the kernel printed them in its kill line (up to 5.0)."""
    return points * 1000 // total_pages if total_pages else 0
