# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The swap that the chosen incident asks for, and how much RAM and swap there is: by the facts, else by the reports."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._files.plain import plain
from .._files.sizes import SizeError, format_size
from .._report.cause import is_swap_believable
from .._report.zones import managed_bytes
from .._swap.size import recommend, size_of_text, table
from .meant import is_shortage

DATABASES = ('mysqld', 'mariadbd')
# No host of this kind can use more swap than four times its RAM.
_MOST_DEMAND = 4
# A virtual machine may have been made smaller since its report.
_MOST_OF_RAM = 2
# Less of swap than one part in so many that is free at a kill is as good as full.
NEARLY_FULL = 10
UNPROVEN = ('a report in plain text asks for more, but nothing proves that the kernel wrote it; if it did, set '
            'swap_size or swap_expected_peak')


def host_figures(host_facts, events):
    """{ram_bytes, swap_bytes, areas, can_swapon, by_facts} by the facts, else by the newest report that says it.

    None is unknown. ``events`` are an incident's, the oldest first.
    """
    ram_bytes = (host_facts.get('ram') or {}).get('total_bytes')
    if ram_bytes is not None:
        swap = host_facts.get('swap') or {}
        return {'ram_bytes': ram_bytes, 'swap_bytes': swap.get('total_bytes') or 0, 'areas': swap.get('areas') or [],
                'can_swapon': (host_facts.get('host') or {}).get('can_swapon'), 'by_facts': True}
    for event in reversed(events):
        if managed_bytes(event) is not None:
            return {'ram_bytes': managed_bytes(event), 'areas': [], 'can_swapon': None, 'by_facts': False,
                    'swap_bytes': is_swap_believable(event['memory']) and event['memory'].get('swap_total_bytes') or 0}
    return {'ram_bytes': None, 'swap_bytes': None, 'areas': [], 'can_swapon': None, 'by_facts': False}


def swap_recommended(host, events, path, expected_peak_bytes=None, size=None):
    """recommend()'s result with ``own_bytes``, the size of the area at ``path``; None if no RAM is known.

    ``size`` is what was asked for, in place of the rule: text of bytes, 512M or 2xram; None or ``auto`` is the rule.
    ``unproven`` is whether a report asks for more than the rule gives, but may be anybody's.
    """
    ram_bytes = host['ram_bytes']
    if ram_bytes is None:
        return None
    own = sum(area['size_bytes'] for area in host['areas'] if area['path'] == path)
    other = host['swap_bytes'] - own
    shortages = [event for event in events if is_of_host(event)]
    demand = demand_bytes(shortages, host, other)
    # What is on by hand alone is gone after a reboot.
    other -= sum(area['size_bytes'] for area in host['areas'] if area['path'] != path
                 and area.get('after_reboot') is False)
    sizing = recommend(ram_bytes, other_swap_bytes=other, demand_bytes=demand, expected_peak_bytes=expected_peak_bytes)
    asked = _asked_for(size, ram_bytes, other)
    unproven = not asked and is_beyond_the_rule(shortages, host)
    if unproven:
        sizing['reasons'].append(UNPROVEN)
    return dict(sizing, own_bytes=own, unproven=unproven, **asked)


def _asked_for(size, ram_bytes, other):
    """The part of recommend()'s result that an explicit size decides; {} if there is none, or it is no size."""
    try:
        asked = None if size in (None, 'auto') else size_of_text('%s' % size, ram_bytes)
    except SizeError:
        return {}
    if asked is None:
        return {}
    return {'size_bytes': asked, 'total_bytes': asked + other, 'rule': 'swap_size is %s' % plain(size),
            'reasons': ['%s were asked for' % format_size(asked)]}


def is_of_host(event):
    """True if a report is of the whole host being short of memory, unasked."""
    return is_shortage(event) and event.get('scope') not in ('memcg', 'cpuset', 'mempolicy')


def demand_bytes(shortages, host, other_swap):
    """The bytes of swap that reports of a host's shortage ask for, the highest of all; None if none asks for any.

    What a report claims is compared with the RAM that there is. If nothing proves that the kernel wrote it, it gets no
    more than the rule gives: whoever writes to a log names any victim and any swap. A log without its host, which
    changes nothing, may ask for its own RAM more.

    If a database was killed, the demand is the swap in use, and as much more as the kernel had to free: the database's
    memory or, if that is less, the largest other process, as killing it would have done. What a runaway program takes
    beyond that is no demand. Otherwise, if swap was full, it is once more what the table gives, but at most twice that.
    """
    ram_bytes = host['ram_bytes']
    most = table(ram_bytes)[0] if host['by_facts'] else max(other_swap, table(ram_bytes)[0]) + ram_bytes
    claims = _claims(shortages, ram_bytes)
    return max(asked if event.get('trusted') else min(asked, most) for event, asked in claims) if claims else None


def is_beyond_the_rule(shortages, host):
    """True if a report would raise a host's swap beyond the rule, but nothing proves that the kernel wrote it."""
    ram_bytes = host['ram_bytes']
    return host['by_facts'] and any(not event.get('trusted') and asked > table(ram_bytes)[0]
                                    for event, asked in _claims(shortages, ram_bytes))


def _claims(shortages, ram_bytes):
    """[(report, bytes of swap that it asks for)]; reports without proof are in it only if there is no other."""
    shortages = proven_first(shortages)
    spared = [(event, _spared(event, ram_bytes)) for event in shortages]
    beyond = [(event, _beyond_full(event, ram_bytes)) for event in shortages]
    return [claim for claim in spared if claim[1] is not None] or [claim for claim in beyond if claim[1] is not None]


def proven_first(events):
    """The reports that are proven to be the kernel's, or all if none is: plain text counts for nothing beside these."""
    return [event for event in events if event.get('trusted')] or events


def _used(event):
    return (swap_used(event) or 0) if is_swap_believable(event.get('memory') or {}) else 0


def _spared(event, ram_bytes):
    victims = [victim for victim in event.get('victims') or [] if victim.get('name') in DATABASES]
    if not victims:
        return None
    freed = sum((victim.get('anon_rss_bytes') or 0) + (victim.get('shmem_rss_bytes') or 0) for victim in victims)
    pids = [victim.get('pid') for victim in victims]
    others = [task['rss_bytes'] for task in event.get('tasks') or []
              if task.get('rss_bytes') and task['pid'] not in pids]
    needed = min([freed] + ([max(others)] if others else []))
    if not event.get('trusted'):
        needed = min(needed, ram_bytes)
    return min(_MOST_DEMAND * ram_bytes, _used(event) + needed)


def _beyond_full(event, ram_bytes):
    if not swap_was_full(event) or not is_swap_believable(event['memory']):
        return None
    by_table = table(ram_bytes)[0]
    return min(_used(event) + by_table, 2 * by_table)


def swap_used(event):
    """The swap in use at a report, in bytes; None if it does not say."""
    memory = event.get('memory') or {}
    total, free = memory.get('swap_total_bytes'), memory.get('swap_free_bytes')
    return None if None in (total, free) else max(0, total - free)


def swap_was_full(event):
    """True if there was swap at a report, and no more than a tenth of it was free."""
    memory = event.get('memory') or {}
    total, free = memory.get('swap_total_bytes'), memory.get('swap_free_bytes')
    return bool(total) and free is not None and free * NEARLY_FULL <= total


def is_too_large(host_facts, event):
    """True if a report is of more RAM than this host can have lost since: whoever writes to a log must not decide."""
    ram_bytes = (host_facts.get('ram') or {}).get('total_bytes')
    return ram_bytes is not None and (managed_bytes(event) or 0) > _MOST_OF_RAM * ram_bytes


def is_of_this_host(event):
    """True unless a log of the host's own names another host: it may have lines of many, and any user may write any
    name.
    """
    return not event.get('elsewhere')


def may_be_its_own(host_facts, event):
    """True if a report may be the kernel's of this host: not proven another program's, another host's or machine's."""
    return event.get('trusted') is not False and is_of_this_host(event) and not is_too_large(host_facts, event)
