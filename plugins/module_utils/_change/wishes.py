# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was asked of each remedy on this node, kept so that a later run without these options does the same.

A wish has the options that say what is wanted, if they are not the remedy's default: a run with the defaults alone asks
anew. It is in asked.json beside the records of what was there before.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

from .._files.errors import RescueError
from .._files.host import DIRECTORY
from .record import State

DEFAULT_PATH = '/swapfile'
DEFAULT_SWAPPINESS = 10
# The score for a server of which nothing is known; MariaDB's own unit file suggests it.
DEFAULT_SCORE = -600
# By remedy, as its role is called: {option: the value that asks for nothing}.
_WHAT = {
    'swap': {'path': DEFAULT_PATH, 'size': 'auto', 'active': True, 'priority': None, 'expected_peak': None},
    'swappiness': {'value': DEFAULT_SWAPPINESS},
    'oom_protect': {'process': ['mysqld'], 'unit': None, 'container': None, 'pid_file': None, 'value': DEFAULT_SCORE},
}
# The file of a remedy's records, by its name.
_RECORDS = {'swap': 'swap', 'swappiness': 'swappiness', 'oom_protect': 'oom_score_adj'}
_STORE = 'asked'


def remember(host, remedy, options, name=None):
    """Keep what was asked of a remedy, or forget it if that was its default or its undo. Raises as State does.

    ``name`` tells several wishes of one remedy apart: for swap it is the path of the file, without links as in the
    records.
    """
    name = name or options.get('path')
    store, key = State(host, _STORE), '%s:%s' % (remedy, name) if name else remedy
    asked = dict((name, options[name]) for name, default in _WHAT[remedy].items()
                 if options.get(name) not in (default, None, '', []))
    if options['state'] == 'present' and asked:
        store.put(key, asked)
    else:
        store.forget(key)


def kept(host):
    """{remedy: {set, asked}} of swap, swappiness and oom_protect; None for a remedy whose records cannot be read.

    ``set`` is whether a remedy of ours is in force, ``asked`` {variable of its role: value} of what was asked.
    """
    return dict((remedy, _kept(host, remedy)) for remedy in _WHAT)


def _kept(host, remedy):
    # Its directory is for root alone: what another user sees of it is nothing.
    if host.exists(DIRECTORY) and not os.access(host.path(DIRECTORY), os.R_OK | os.X_OK):
        return None
    try:
        records, wishes = State(host, _RECORDS[remedy]).records(), State(host, _STORE).records()
    except RescueError:
        return None
    asked = dict((key.partition(':')[2], dict((name, wish[name]) for name in _WHAT[remedy] if name in wish))
                 for key, wish in wishes.items() if key.partition(':')[0] == remedy and isinstance(wish, dict))
    if remedy == 'swap':
        return {'set': bool(records), 'asked': _of_files(records, asked)}
    return {'set': bool(records), 'asked': _variables(remedy, asked.get('', {}))}


def _of_files(records, asked):
    """The variables of the role swap for all files that were made or asked for: ``swap_files`` for more than one."""
    rows = [dict({'path': path}, **asked.get(path, {})) for path in set(records) | set(asked)]
    if len(rows) > 1:
        # A size of auto is what the others leave.
        return {'swap_files': sorted(rows, key=lambda row: (row.get('size') is None, row['path']))}
    return _variables('swap', dict((name, row[name]) for row in rows for name in row if row[name] != DEFAULT_PATH))


def _variables(remedy, asked):
    return dict(('%s_%s' % (remedy, name), value) for name, value in asked.items())
