# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was asked of each remedy on this node, kept so that a later run without these options keeps to it.

A wish has the options that say what is wanted, and of them those that are not the remedy's own default: a run with
the defaults alone asks anew. It stands in asked.json beside the records of what was there before.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

from .errors import RescueError
from .host import DIRECTORY
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


def _key(remedy, options):
    return '%s:%s' % (remedy, options['path']) if remedy == 'swap' else remedy


def remember(host, remedy, options):
    """Keep what was asked of a remedy, or forget it if that was its default or its undo. Raises as State does."""
    store, key = State(host, _STORE), _key(remedy, options)
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
    asked = [wish for key, wish in sorted(wishes.items()) if key.partition(':')[0] == remedy and isinstance(wish, dict)]
    # The role's variables are of one file.
    wish = asked[-1] if asked else {}
    return {'set': bool(records), 'asked': dict(
        ('%s_%s' % (remedy, name), wish[name]) for name in _WHAT[remedy] if name in wish)}
