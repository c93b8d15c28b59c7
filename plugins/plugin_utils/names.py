# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables that a user took for one of this collection's: misspelt, or of another role for the same purpose."""

from __future__ import annotations

import functools
import pathlib
import re

ROLES = pathlib.Path(__file__).resolve().parents[2] / 'roles'
OF_PLAYBOOKS = ('rescue_hosts', 'rescue_serial', 'rescue_by_rule', 'rescue_language', 'rescue_override')
_FARTHEST = 2
_GUY, _SWAPFILES = 'geerlingguy.swap', 'oefenweb.swapfile, kamaln7.swapfile or dochang.swapfile'
# A variable of another role: the role, and what says the same here, by the READMEs of these roles.
OF_OTHERS = {
    'swap_file_path': (_GUY, 'swap_path'),
    'swap_file_size_mb': (_GUY, 'swap_size, with a unit: 512M for its 512'),
    'swap_file_state': (_GUY, 'swap_state'),
    'swap_swappiness': (_GUY, 'swappiness_value'),
    'swap_file_create_command': (_GUY, 'swap_allocate'),
    'swapfile_size': (_SWAPFILES, 'swap_size, in powers of 1024: 1G'),
    'swapfile_swappiness': ('oefenweb.swapfile or dochang.swapfile', 'swappiness_value'),
    'swapfile_location': ('dochang.swapfile', 'swap_path'),
    'swapfile_use_fallocate': ('dochang.swapfile', 'swap_allocate'),
    'swapfile_vfs_cache_pressure': ('oefenweb.swapfile or dochang.swapfile',
                                    'nothing: vm.vfs_cache_pressure stays as it is'),
}


@functools.lru_cache(maxsize=1)
def known():
    """The names of the variables of all roles and playbooks, as a set."""
    found = set(OF_PLAYBOOKS)
    for path in ROLES.glob('*/meta/argument_specs.yml'):
        found.update(re.findall(r'^      (\w+):', path.read_text(encoding='utf-8'), re.MULTILINE))
    return found


def remarks(names):
    """A sentence on each of the names that nothing here reads although it looks like a variable of ours, sorted."""
    sentences = []
    for name in sorted(set(names) - known()):
        if name in OF_OTHERS:
            role, ours = OF_OTHERS[name]
            sentences.append(f'{name} is a variable of {role} and is not read here, where it is {ours}')
            continue
        near = None if name.startswith(('_', 'ansible_')) else _nearest(name)
        if near:
            sentences.append(f'{name} is no variable of this collection, and nothing reads it: did you mean {near}?')
    return sentences


def _nearest(name):
    """The variable that is no more than two letters away, or None."""
    near = [(_distance(name, ours), ours) for ours in known()
            if name[0] == ours[0] and abs(len(name) - len(ours)) <= _FARTHEST]
    return min((pair for pair in near if pair[0] <= _FARTHEST), default=(0, None))[1]


def _distance(left, right):
    """The number of letters to change, add, leave out or swap with the next one."""
    before, row = [], list(range(len(right) + 1))
    for i, letter in enumerate(left, 1):
        two_before, before, row = before, row, [i]
        for j, other in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == right[j - 2] and left[i - 2] == other:
                cost = min(cost, two_before[j - 2] + 1)
            row.append(cost)
    return row[-1]
