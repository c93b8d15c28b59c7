# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the page shows of an incident: its report, its ledger as bars, a time line, and the kernel's words explained."""

from __future__ import annotations

import datetime

from ansible_collections.oom.rescue.plugins.module_utils._files.sizes import format_size
from ansible_collections.oom.rescue.plugins.module_utils._node.ledger import UNACCOUNTED
from ansible_collections.oom.rescue.plugins.module_utils._report.zones import managed_bytes
from ansible_collections.oom.rescue.plugins.module_utils._verdict.meant import report_told
from ansible_collections.oom.rescue.plugins.module_utils._verdict.words import LIMITS, part_words

_BARS = 8
_INCIDENTS = 30
# Who may have how large a page of the chosen report's own table.
MOST_TASKS = 5000
# The first of these that an allocation has decides what it was for (linux/gfp_types.h).
_GFP = (
    ('GFP_ATOMIC', 'it could not wait for memory to be freed'),
    ('GFP_NOWAIT', 'it could not wait for memory to be freed'),
    ('GFP_DMA32', 'it needed memory below 4 GiB, for a device'),
    ('GFP_DMA', 'it needed the lowest memory, for an old device'),
    ('GFP_HIGHUSER_MOVABLE', 'it was for a program: any memory would have done'),
    ('GFP_HIGHUSER', 'it was for a program, but could not lie in a movable zone'),
    ('GFP_USER', 'it was for a program, in memory that the kernel reaches too'),
    ('GFP_NOFS', 'it was for a file system, which could not wait for itself'),
    ('GFP_NOIO', 'it was for a disk driver, which could not wait for itself'),
    ('GFP_KERNEL', 'it was for the kernel itself'),
)


def meant_event(diagnosis):
    """The report that a diagnosis tells of, or None."""
    return report_told(diagnosis)


def bars(ledger):
    """[{words, bytes, share, kind}] of a ledger, the largest first, and the small ones as one; empty without it."""
    total = (ledger or {}).get('total_bytes')
    if not total:
        return []
    parts = [dict(part, words=part_words(part)) for part in ledger['parts'] if part.get('bytes')]
    rest = ledger.get('unaccounted_bytes') or 0
    if rest > 0:
        parts.append({'kind': UNACCOUNTED, 'words': 'in no counter of the kernel', 'bytes': rest})
    parts.sort(key=lambda part: -part['bytes'])
    shown, small = parts[:_BARS], sum(part['bytes'] for part in parts[_BARS:])
    if small:
        shown.append({'kind': 'other', 'words': 'all else', 'bytes': small})
    return [{'words': part['words'], 'bytes': part['bytes'], 'kind': part['kind'],
             'share': min(1, part['bytes'] / total)} for part in shown]


def per_cent(share):
    """A share in words, such as ``43 %``; a share above 0 is never ``0 %``."""
    rounded = round(100 * share)
    return '%d %%' % rounded if rounded or not share else 'under 1 %'


def other_reports(diagnosis):
    """{count, rows}: how many reports there are beside the one that is told, by the count that its cause names, and
    those of them that were read whole.
    """
    advice, meant = diagnosis['advice'], meant_event(diagnosis)
    rows = [event for event in diagnosis.get('events') or [] if event.get('trusted') is not False
            and event.get('id') not in advice.get('left_out', ()) and event.get('id') != (meant or {}).get('id')]
    return {'count': max(advice.get('reports', 0) - 1, len(rows)), 'rows': rows}


def limit_met(diagnosis, event):
    """What ran out, in words with its figures, or None."""
    verdict = diagnosis.get('verdict') or {}
    limit = verdict.get('limit')
    if limit in (None, 'none', 'unknown'):
        return None
    words = LIMITS[limit]
    cgroup, memory = (event or {}).get('cgroup') or {}, (event or {}).get('memory') or {}
    if limit == 'cgroup' and cgroup.get('limit_bytes'):
        return '%s: %s' % (words, format_size(cgroup['limit_bytes']))
    if limit == 'host' and managed_bytes(event or {}):
        swap = memory.get('swap_total_bytes')
        return '%s: %s of RAM, %s' % (words, format_size(managed_bytes(event)), (
            'swap not told' if swap is None else '%s of swap' % format_size(swap) if swap else 'no swap'))
    return words


def timeline(diagnosis):
    """[{when, words, meant, place}] of the incidents, the oldest first; ``place`` is per cent of the time, or None."""
    incidents = diagnosis.get('incidents') or []
    meant = (diagnosis.get('verdict') or {}).get('incident')
    rows = list(enumerate(incidents))[-_INCIDENTS:]
    times = [_epoch(incident.get('first')) for _number, incident in rows]
    known = [time for time in times if time is not None]
    first, span = (min(known), max(known) - min(known)) if known else (None, None)
    return [{
        'when': incident.get('first') or _words_on_time(diagnosis, incident) or 'at a time that the log does not tell',
        'words': _incident_words(incident), 'meant': number == meant,
        'place': None if time is None or not span else round(100 * (time - first) / span, 2),
    } for (number, incident), time in zip(rows, times, strict=True)]


def _words_on_time(diagnosis, incident):
    """The log's own words on when an incident began, if they tell no time for certain, as without a year; or None."""
    signals = diagnosis.get('signals') or []
    rows = [event for event in diagnosis.get('events') or [] if event.get('id') in (incident.get('reports') or ())]
    rows = rows[::-1] + [signals[number] for number in incident.get('signals') or () if number < len(signals)]
    return next((row['time_text'] for row in rows if row.get('time_text')), None)


def _incident_words(incident):
    counts = ((len(incident.get('reports') or []), 'report of the kernel', 'reports of the kernel'),
              (len(incident.get('signals') or []), 'other line', 'other lines'))
    return ', '.join('%d %s' % (count, one if count == 1 else many) for count, one, many in counts if count)


def _epoch(text):
    try:
        return datetime.datetime.fromisoformat(text.replace('Z', '+00:00')).timestamp()
    except (AttributeError, ValueError):
        return None


def explained(event):
    """[(word of the kernel, its value, what it means)] for what decided a report."""
    trigger, rows = event.get('trigger') or {}, []
    order = trigger.get('order')
    if trigger.get('manual'):
        rows.append(('sysrq', 'f', 'somebody asked for the kill; memory did not run out by itself'))
    elif order:
        page = (event.get('memory') or {}).get('page_size_bytes') or 4096
        rows.append(('order', order, 'it asked for %s in one piece: free memory in smaller pieces was of no use' % (
            format_size(page << order))))
    flags = trigger.get('gfp_flags') or []
    meaning = next((words for name, words in _GFP if name in flags), None)
    if meaning:
        rows.append(('gfp_mask', '%s (%s)' % (trigger.get('gfp_mask'), '|'.join(flags)), meaning))
    return rows + _zones(event)


def _zones(event):
    rows = []
    for zone in (event.get('zones') or [])[:12]:
        free, low, least = (zone.get(key) for key in ('free_bytes', 'low_bytes', 'min_bytes'))
        if None in (free, low, least) or free >= low:
            continue
        name = 'zone %s%s' % (zone.get('zone'), ' of node %s' % zone['node'] if zone.get('node') is not None else '')
        words = 'below its lowest mark, min (%s): only the kernel may take from it in need' % format_size(least) \
            if free < least else 'below its mark low (%s): the kernel has to free memory first' % format_size(low)
        rows.append((name, '%s free' % format_size(free), words))
    return rows


def tasks_of(event):
    """The rows of a report's task table, the largest first."""
    rows = [task for task in event.get('tasks') or [] if task.get('name') is not None]
    return sorted(rows, key=lambda task: -(task.get('rss_bytes') or 0))[:MOST_TASKS]
