# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the servers whose score was set on a host still have it: what the playbook verify claims, read now."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._files.errors import RescueError
from .._files.reader import FAILURES
from .._verdict.ask import REMEDIES, ask
from .._verdict.claims import judge

_REMEDY = 'oom_protect'
_NOT_TOLD = (RescueError,) + FAILURES
# What names a server in place of its process.
_OTHERS = set(['unit', 'container', 'pid_file'])


def claims_on_scores(host, host_facts):
    """[claim] of judge(), one for each process or unit that was to be protected by ``kept`` of the facts; none if it
    cannot be told.
    """
    kept = host_facts['kept'][_REMEDY]
    options = dict((name, spec.get('default')) for name, spec in dict(REMEDIES)[_REMEDY][0].items())
    asked = dict((name[len(_REMEDY) + 1:], value) for name, value in (kept.get('asked') or {}).items())
    options.update(dict({'process': ['mysqld']}, **asked) if not set(asked) & _OTHERS else asked)
    try:
        return judge(host_facts, oom_protect=ask(host, {_REMEDY: options})[_REMEDY])['claims']
    except _NOT_TOLD:
        return []
