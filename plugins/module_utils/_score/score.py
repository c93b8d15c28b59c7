# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The score that ``auto`` means, and when a process may be made unkillable: arithmetic on the kernel's badness."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._files.errors import RescueError
from .._files.sizes import format_size

LOWEST = -1000
HIGHEST = 1000
# auto never goes below: -1000 hides a process from the OOM killer, which auto is never asked to do.
_AUTO_LOWEST = -900
_AUTO_STEP = 10
# A score derived before is kept while the server's growth room stays within this factor of what was asked.
_AUTO_DRIFT = 1.5
# Of RAM plus swap, the part that must stay killable beside an unkillable process.
_KILLABLE_SHARE = 0.2


def share_of(server_bytes, total_bytes):
    """The badness of a process at oom_score_adj 0, in thousandths of RAM plus swap, as the kernel's score."""
    return server_bytes * 1000.0 / total_bytes


def auto_score(server_bytes, total_bytes, multiple, previous=None):
    """The oom_score_adj with which a server may grow to ``multiple`` times its size before its badness is above 0.

    One point is a thousandth of RAM plus swap (oom_badness()). Until then every other process is killed before it;
    beyond, it competes with what it has grown. ``previous``, derived before, stays while it gives about as much.
    """
    share = share_of(server_bytes, total_bytes)
    wanted = share * multiple
    if previous is not None and previous < 0 and wanted / _AUTO_DRIFT <= abs(previous) <= wanted * _AUTO_DRIFT:
        return previous
    steps = -int(-wanted // _AUTO_STEP)
    return max(_AUTO_LOWEST, min(-_AUTO_STEP, -steps * _AUTO_STEP))


def score_option(text):
    """The score, int, that an option's text says, or ``auto``. Raises RescueError."""
    if text == 'auto':
        return text
    try:
        return int(text)
    except ValueError:
        raise RescueError('value {value} is no score', value=text, allowed='-1000 to 1000, or auto',
                          next_step='give -1000 to 1000, or auto')


def check_score(value, allow_unkillable, killable_bytes, total_bytes):
    """Raise RescueError if a score is out of range, or makes a process unkillable that should stay killable."""
    if not LOWEST <= value <= HIGHEST:
        raise RescueError('value {value} is out of range: oom_score_adj is {allowed}', value=value,
                          allowed='%d to %d' % (LOWEST, HIGHEST))
    if value != LOWEST:
        return
    if not allow_unkillable:
        raise RescueError('value {value} hides a process from the OOM killer', value=value, allowed='-999 to 1000',
                          next_step='give -999 to -1, or allow_unkillable')
    if killable_bytes < total_bytes * _KILLABLE_SHARE:
        raise RescueError(
            'value {value} is not safe here: all processes that could still be killed hold %s, less than %d %% of '
            'RAM plus swap (%s), and the kernel panics when none is left'
            % (format_size(killable_bytes), int(_KILLABLE_SHARE * 100), format_size(total_bytes)),
            value=value, allowed='-999 to 1000', next_step='give -999 to -1')


def memory_bytes(row):
    """The bytes of RAM and swap that a process holds, with its page tables, as oom_badness() counts them."""
    return sum(row[name] or 0 for name in ('rss_bytes', 'swap_bytes', 'pgtables_bytes'))
