# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cgroups whose limit leaves no room for what they have swapped out: a swapoff would have the kernel kill in them.

swapoff(2) charges each page to its cgroup again (mem_cgroup_swapin_charge_folio() in mm/memcontrol.c), and a charge
that the limit and reclaim cannot meet is an OOM kill there, however much RAM the host has.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._node.cgroup import told_limit

_V1, _V2 = '/sys/fs/cgroup/memory', '/sys/fs/cgroup'
_DEEPEST = 32


def lacking(host):
    """[{path, missing_bytes}] of the cgroups that could not take back what they have swapped out, the most lacking
    first.
    """
    if host.exists(_V1 + '/memory.usage_in_bytes'):
        found = _walk(host, _V1, _read_v1, 0)
    elif host.exists(_V2 + '/cgroup.controllers'):
        found = _walk(host, _V2, _read_v2, 0)
    else:
        found = []
    return sorted(found, key=lambda group: -group['missing_bytes'])


def _walk(host, directory, reader, depth):
    """[{path, missing_bytes}] of the lacking cgroups at or below a directory. If a cgroup lacks more than those below
    it together, it is told in their place.
    """
    below = []
    if depth < _DEEPEST:
        for name in host.listdir(directory):
            if host.exists('%s/%s/cgroup.procs' % (directory, name)):
                below += _walk(host, '%s/%s' % (directory, name), reader, depth + 1)
    missing = reader(host, directory)
    if missing > sum(group['missing_bytes'] for group in below):
        return [{'path': directory, 'missing_bytes': missing}]
    return below


def _read_v2(host, directory):
    swap, limit = _number(host, directory + '/memory.swap.current'), _number(host, directory + '/memory.max')
    return _missing(swap, limit, _number(host, directory + '/memory.current'), host.read(directory + '/memory.stat'))


def _read_v1(host, directory):
    usage = _number(host, directory + '/memory.usage_in_bytes')
    both = _number(host, directory + '/memory.memsw.usage_in_bytes')
    swap = both - usage if both is not None and usage is not None else None
    return _missing(swap, _number(host, directory + '/memory.limit_in_bytes'), usage,
                    host.read(directory + '/memory.stat'))


def _missing(swap, limit, usage, stat):
    if not swap or told_limit(limit) is None or usage is None:
        return 0
    # Page cache of files can go; tmpfs and shared memory, which count as file as well, cannot.
    values = dict(re.findall(r'(?m)^(\w+) (\d+)$', stat or ''))
    file = sum(int(values.get(name, 0)) for name in ('inactive_file', 'active_file'))
    return max(0, swap - max(0, limit - usage) - file)


def _number(host, path):
    try:
        text = (host.read(path) or '').strip()
    except (IOError, OSError):
        return None
    return int(text) if text.isdigit() else None
