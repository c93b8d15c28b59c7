# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chosen incident, with the figures by which remedies are judged: its whole reports, RAM, swap, the holders."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._change.wishes import DEFAULT_PATH, DEFAULT_SCORE, DEFAULT_SWAPPINESS
from .._node.ledger import UNACCOUNTED, eater_of
from .._report.zones import fragmented, managed_bytes, plenty, spared_high_memory
from .meant import is_shortage, report_meant
from .replay import PAGE_BYTES
from .sizing import host_figures, may_be_its_own, proven_first, swap_recommended

# If this part of RAM or more is free, RAM was not short, whatever was refused.
_MUCH_FREE = 10
# A cgroup, the host, or what keeps a part of the host's free memory from the one that asked.
_SCOPES = {'memcg': 'cgroup', 'cpuset': 'numa', 'mempolicy': 'numa'}
# Kinds of memory that can be swapped out, if a ledger does not say of its own.
_SWAPPABLE = ('process', 'processes', 'shmem')
DEFAULTS = {'swap_path': DEFAULT_PATH, 'swappiness': DEFAULT_SWAPPINESS, 'protect': DEFAULT_SCORE,
            'protect_names': ('mysqld', 'mariadbd'), 'expected_peak_bytes': None, 'swap_size': None}


class Case:
    """What is known of one incident.

    ``short`` are its reports of a shortage, ``meant`` the one of them that is meant, ``reports`` the whole ones,
    ``told`` its signals. ``verdict`` is None without an incident.
    """

    def __init__(self, verdict, incidents, events, signals, host_facts, options):
        self.verdict = verdict
        self.host_facts = host_facts or {}
        self.options = dict(DEFAULTS, **(options or {}))
        incident = incidents[verdict['incident']] if verdict else {'reports': [], 'signals': []}
        self.events = [events[index] for index in incident['reports'] if self._counts(events[index])]
        self.is_reported = any(self._counts(event) for event in events)
        self.told = [signals[index] for index in incident['signals']]
        self.short = [event for event in self.events if is_shortage(event)]
        self.meant = report_meant(self.short[::-1])
        self.reports = proven_first([event for event in self.short if event.get('complete')])
        self.host = host_figures(self.host_facts, self.events)
        self.swap = swap_recommended(self.host, self.events, self.options['swap_path'],
                                     self.options['expected_peak_bytes'], self.options['swap_size'])

    def _counts(self, event):
        return may_be_its_own(self.host_facts, event)

    @property
    def was_memory(self):
        """Whether it was memory: yes, no or unknown; None without an incident."""
        return self.verdict and self.verdict['was_memory']

    @property
    def is_by_rule(self):
        """True if nothing happened here, by no report and no verdict, so that only a rule asks for a remedy."""
        return self.was_memory != 'yes' and not self.is_reported

    @property
    def limit(self):
        """The limit that was met, in the verdict's word, or None."""
        return self.verdict and self.verdict['limit']

    @property
    def actor(self):
        """Who acted, in the verdict's word, or None."""
        return self.verdict and self.verdict['actor']

    def kinds(self):
        """The kinds of this incident's signals."""
        return set(signal['kind'] for signal in self.told)

    def eater(self, event):
        """{kind, name, bytes, share} of the largest part of a report's memory, or None if it does not tell."""
        return eater_of(event.get('ledger'))

    def ram_available_bytes(self):
        """The bytes of RAM that are available on the host now, or None."""
        return (self.host_facts.get('ram') or {}).get('available_bytes')


def situation(event):
    """What a report is of: host, cgroup, numa, low_memory, contiguous, plenty, manual, refused or unknown."""
    if (event.get('trigger') or {}).get('manual'):
        return 'manual'
    if event.get('kind') == 'allocation_failure':
        return 'contiguous' if ((event.get('trigger') or {}).get('order') or 0) > 3 else 'refused'
    if event.get('scope') in _SCOPES:
        return _SCOPES[event['scope']]
    if event.get('zones') and event.get('memory'):
        for name, tells in (('low_memory', spared_high_memory), ('contiguous', fragmented), ('plenty', plenty)):
            if tells(event) is not None:
                return name
    if _much_is_free(event):
        return 'plenty'
    known = (event.get('memory') or {}).get('free_bytes') is not None
    return 'host' if known and (event.get('scope') == 'global' or event.get('outside_cgroups')) else 'unknown'


def _much_is_free(event):
    """True if a tenth of RAM was free, without what is kept for contiguous allocations."""
    memory, ram_bytes = event.get('memory') or {}, managed_bytes(event)
    free = memory.get('free_bytes')
    if not ram_bytes or free is None:
        return False
    kept = sum(zone.get('free_cma_bytes') or 0 for zone in event.get('zones') or [])
    return (free - kept) * _MUCH_FREE >= ram_bytes


def swappable_bytes(event):
    """The bytes that the kernel could have swapped out, or None: those on the lists of anonymous pages.

    Shared memory is on these lists too, locked memory is not (mm/swap.c).
    """
    if event.get('scope') == 'memcg':
        counts = (event.get('cgroup') or {}).get('stats') or {}
        lists = [counts.get('active_anon'), counts.get('inactive_anon')]
    else:
        counts = event.get('memory') or {}
        lists = [counts.get('active_anon_bytes'), counts.get('inactive_anon_bytes')]
    return None if None in lists else sum(lists)


def is_swappable(event, eater):
    """True if the kernel can swap the eater of a report out; None if nothing tells."""
    if eater is None:
        return None
    if eater['kind'] == UNACCOUNTED:
        return False
    parts = (event.get('ledger') or {}).get('parts') or []
    part = next((part for part in parts if (part['kind'], part['name']) == (eater['kind'], eater['name'])), None)
    return part['swappable'] if part else eater['kind'] in _SWAPPABLE


def bound_bytes(event):
    """The bytes that limit a report's processes: the limit of their cgroup, or the host's RAM; or None."""
    if event.get('scope') == 'memcg':
        return (event.get('cgroup') or {}).get('limit_bytes')
    return managed_bytes(event)


def asked_bytes(event):
    """The bytes that a report's shortage asked for: the block, and what the zones lacked to their low watermarks."""
    page = (event.get('memory') or {}).get('page_size_bytes') or PAGE_BYTES
    block = page << max((event.get('trigger') or {}).get('order') or 0, 0)
    if event.get('scope') == 'memcg':
        return block
    lacking = [zone['low_bytes'] - zone['free_bytes'] for zone in event.get('zones') or []
               if zone.get('low_bytes') is not None and zone.get('free_bytes') is not None and zone['zone'] != 'DMA']
    return block + sum(each for each in lacking if each > 0)
