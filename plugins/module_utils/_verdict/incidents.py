# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Incidents: the signals and OOM reports of one shortage.

An entry is {what: 'signal'|'report', index, epoch, uptime, host, pids, units, order, path,
elsewhere} of one signal or report.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._log.times import parse_iso

# The result of a unit, a restart that fails, and a line that is logged again come within so many seconds of the kill.
TOGETHER = 60
# The same pid or unit belongs to the incident for longer: a service manager tries again for minutes.
_SAME_NAME = 600
# An undated line belongs to the entries within so many lines of it, if the log has several incidents.
_NEAR_LINES = 60


def _epoch(text):
    moment = parse_iso(text) if text else None
    return moment[0] if moment else None


def _entry(what, index, row, pids, units):
    source = row.get('source') or {}
    epoch = row.get('epoch')
    return {
        'what': what, 'index': index, 'epoch': _epoch(row.get('time')) if epoch is None else epoch,
        'uptime': row.get('uptime_seconds'), 'host': (row.get('host') or '').split('.')[0] or None,
        'pids': set(pids), 'units': set(units), 'path': source.get('path'), 'line': source.get('line'),
        'offset': source.get('offset') or 0, 'elsewhere': bool(row.get('elsewhere')),
    }


def entries_of(events, signals, is_left_out=None):
    """The entries of events and signals, except those that are proven forged or left out, in the order of their logs,
    of which those that ``events`` begin with are the newest.
    """
    found = []
    for index, event in enumerate(events):
        if event.get('trusted') is False or is_left_out and is_left_out(event):
            continue
        victims = event.get('victims') or []
        found.append(_entry('report', index, event, [victim['pid'] for victim in victims if victim.get('pid')],
                            [victim['unit'] for victim in victims if victim.get('unit')]))
    for index, signal in enumerate(signals):
        if signal.get('trusted') is False:
            continue
        names = [signal[key] for key in ('unit', 'container') if signal.get(key)]
        found.append(_entry('signal', index, signal, [signal['pid']] if signal.get('pid') else [], names))
    places = {}
    for event in reversed(events):
        places.setdefault((event.get('source') or {}).get('path'), len(places))
    return sorted(found, key=lambda entry: (
        places.get(entry['path'], len(places)), entry['path'] or '', entry['offset']))


def _other_host(first, second):
    # A line without a name is this host's: it is no part of what befell another.
    return first['elsewhere'] != second['elsewhere'] or bool(
        first['host'] and second['host'] and first['host'] != second['host'])


def _distance(first, second):
    """Seconds between two entries by the calendar, or by the kernel's clock; None if nothing tells."""
    for key in ('epoch', 'uptime'):
        if first[key] is not None and second[key] is not None:
            return abs(first[key] - second[key])
    return None


def _joined_by(group, entry):
    """What joins an entry to a group of entries: time, pid or unit; None if nothing does."""
    for known in reversed(group):
        if _other_host(known, entry):
            continue
        distance = _distance(known, entry)
        if distance is None:
            continue
        if distance <= TOGETHER:
            return 'time'
        if distance <= _SAME_NAME:
            if known['pids'] & entry['pids']:
                return 'pid'
            if known['units'] & entry['units']:
                return 'unit'
    return None


def _is_timed(entry):
    return entry['epoch'] is not None or entry['uptime'] is not None


def _nearest(groups, entry):
    """The group with an entry of the same log within a few lines, or None."""
    best = None
    for group in groups:
        for known in group['entries']:
            if known['path'] != entry['path'] or _other_host(known, entry):
                continue
            if known['line'] is None or entry['line'] is None:
                continue
            away = abs(known['line'] - entry['line'])
            if away <= _NEAR_LINES and (best is None or away < best[0]):
                best = (away, group)
    return best[1] if best else None


def group(entries):
    """[{entries, joined_by}] of entries: by time, or without one by their place in the log."""
    groups = []
    timed = [entry for entry in entries if _is_timed(entry)]
    # The kernel's clock begins anew at each boot: without a calendar the order of the log is that of time.
    timed.sort(key=lambda entry: (entry['epoch'] is None, entry['epoch'] or 0))
    for entry in timed:
        # Only the latest groups can be near: entries come in the order of time.
        for known in reversed(groups[-8:]):
            joined = _joined_by(known['entries'][-64:], entry)
            if joined:
                known['entries'].append(entry)
                if known['joined_by'] in (None, 'time'):
                    known['joined_by'] = joined
                break
        else:
            groups.append({'entries': [entry], 'joined_by': None})
    rest = [entry for entry in entries if not _is_timed(entry)]
    alone = None
    dated = list(groups)
    for entry in rest:
        known = dated[0] if len(dated) == 1 and not _other_host(dated[0]['entries'][0], entry) else (
            _nearest(dated, entry) or alone)
        if known is None:
            known = alone = {'entries': [], 'joined_by': None}
            groups.append(alone)
        known['entries'].append(entry)
        if len(known['entries']) > 1:
            known['joined_by'] = known['joined_by'] or 'same_log'
    return groups


def incidents_of(events, signals, is_left_out=None):
    """The incidents of a host or a log, oldest first: [{first, last, host, signals, reports, joined_by}]."""
    found = []
    for known in group(entries_of(events, signals, is_left_out)):
        entries = known['entries']
        rows = [events[entry['index']] if entry['what'] == 'report' else signals[entry['index']] for entry in entries]
        times = [row['time'] for row in rows if row.get('time')]
        found.append({
            'first': times[0] if times else None,
            'last': times[-1] if times else None,
            'host': next((entry['host'] for entry in entries if entry['host']), None),
            'signals': [entry['index'] for entry in entries if entry['what'] == 'signal'],
            'reports': [entry['index'] for entry in entries if entry['what'] == 'report'],
            'joined_by': known['joined_by'],
        })
    return found
