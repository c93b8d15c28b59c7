# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host's logs say, and its memory, as far as a message needs it: whoever is to be told waits for this."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._facts.memory_facts import memory_facts, ram_of
from .._log.sources import KERNEL_LOGS
from .._report.reading import read_events
from .._verdict.incidents import incidents_of
from .._verdict.sizing import is_too_large


def entry_of(host, since, limit):
    """{name, events, signals, incidents} of a host's logs since a time: ``limit`` events, the newest. As in a diagnosis
    no incident has the report of a machine that this host cannot be.
    """
    own = host.root == '/'
    result = read_events(() if own else [host.path(path) for path in KERNEL_LOGS], ['auto'] if own else (), since,
                         limit=limit, signals=True)
    here = ram_of(host)
    return {'name': (host.read('/proc/sys/kernel/hostname') or '').strip() or 'localhost', 'events': result['events'],
            'signals': result['signals'], 'incidents': incidents_of(
                result['events'], result['signals'], lambda event: is_too_large(here, event))}


def facts_of(host, candidates=0):
    """memory_facts' dictionary without what the boot sets, which no message has."""
    return memory_facts(host, candidates, ledger_seconds=0, boot=False)
