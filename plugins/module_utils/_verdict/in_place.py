# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The advised remedies that a host has already, by its memory facts: they are not to be done again."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._swap.size import serves
from .replay import reached

# The path at which the role makes swap, and two names of one server.
_PATH = '/swapfile'
_ONE_SERVER = ('mysqld', 'mariadbd')
_MOST_SPARED = 50


def in_place(advice, host_facts):
    """The names, of swap, swappiness and oom_protect, of the advised remedies that are in force now and after a boot,
    as far as the facts tell. A value that was asked for on the host counts in place of the advised one.
    """
    found = []
    if host_facts and _has_swap(advice.get('swap'), host_facts):
        found.append('swap')
    if host_facts and _has_swappiness(advice.get('swappiness'), host_facts):
        found.append('swappiness')
    if host_facts and advice.get('protect') and all(_is_protected(row, host_facts) for row in advice['protect']):
        found.append('oom_protect')
    return found


def shown(candidates, count, names):
    """The first ``count`` rows of memory_facts' candidates, and those of servers to spare, of which in_place() looks at
    the score.

    These are ``names`` and the databases. A ``count`` of 0 is all.
    """
    wanted = set(names) | set(_ONE_SERVER)
    rest = [row for row in candidates[count:] if row['name'] in wanted] if count else []
    return candidates[:count or None] + rest[:_MOST_SPARED]


def _asked(host_facts, remedy, name, otherwise):
    """The value of a role's variable that was asked for on the host, or ``otherwise``."""
    kept = (host_facts.get('kept') or {}).get(remedy) or {}
    asked = kept.get('asked')
    return asked.get(name, otherwise) if isinstance(asked, dict) else otherwise


def _has_swap(advised, host_facts):
    if not advised or not advised['size_bytes']:
        return False
    there = dict((area['path'], area) for area in host_facts['swap']['areas'] if area['persisted_by'])
    files = _asked(host_facts, 'swap', 'swap_files', None)
    if isinstance(files, list):
        return all(isinstance(row, dict) and row.get('path') in there for row in files)
    area = there.get(_asked(host_facts, 'swap', 'swap_path', _PATH))
    if area is None:
        return False
    is_asked = _asked(host_facts, 'swap', 'swap_size', None) is not None
    return is_asked or serves(area['size_bytes'], advised['size_bytes'])


def _has_swappiness(advised, host_facts):
    if not advised:
        return False
    swappiness = host_facts['swappiness']
    return swappiness['runtime'] == swappiness['after_reboot'] == _asked(
        host_facts, 'swappiness', 'swappiness_value', advised['value'])


def _is_protected(row, host_facts):
    """True if each process of a server that runs has the score, or one that protects more; a user's own is none of it.
    """
    names = _ONE_SERVER if row['process'] in _ONE_SERVER else (row['process'],)
    value = _asked(host_facts, 'oom_protect', 'oom_protect_value', row['value'])
    candidates = [one for one in host_facts['oom']['candidates'] if (one.get('manager') or {}).get('user') is None]
    scores = [one['oom_score_adj'] for name in names for one in reached(candidates, name)]
    return bool(scores) and all(
        score is not None and isinstance(value, int) and score <= value for score in scores)
