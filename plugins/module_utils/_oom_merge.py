# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One kill seen in three sources is one event."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import hashlib

from ._host import to_bytes
from ._oom_cause import cause_of

# Syslog stamps a line when it receives it, which on a host out of memory may be late.
_SAME_TIME = 300
_SAME_UPTIME = 5
_PARTS = {'header': ('trigger', 'kernel', 'cpuset', 'mems_allowed', 'nodemask'), 'memory': ('memory', 'zones', 'cgroup'),
          'tasks': ('tasks', 'task_count'), 'victim': ('victims', 'selected', 'sharing')}
_FILL = ('time', 'epoch', 'uptime_seconds', 'host', 'kernel', 'constraint')


def _close(first, second, distance):
    return None if first is None or second is None else abs(first - second) <= distance


def _same_moment(first, second):
    """True or False where both tell when, None where one does not."""
    same = _close(first['epoch'], second['epoch'], _SAME_TIME)
    if same is not False and _close(first['uptime_seconds'], second['uptime_seconds'], _SAME_UPTIME) is not None:
        return _close(first['uptime_seconds'], second['uptime_seconds'], _SAME_UPTIME)
    return same


def _keys(event):
    """What an event may be known by elsewhere: its victims, or its trigger where it has none."""
    victims = [(victim['pid'], victim['name']) for victim in event['victims']]
    if victims:
        return victims
    trigger = event['trigger']
    return [(event['kind'], trigger['name'], trigger['pid'], trigger['gfp_mask'], trigger['order'])]


def _same(first, second):
    if first['host'] and second['host'] and first['host'] != second['host']:
        return False
    moment = _same_moment(first, second)
    if moment is False:
        return False
    if not first['victims'] or not second['victims']:
        return moment is True
    known = dict(((victim['pid'], victim['name']), victim) for victim in first['victims'])
    for victim in second['victims']:
        other = known.get((victim['pid'], victim['name']))
        if other is None:
            continue
        for size in ('total_vm_bytes', 'anon_rss_bytes'):
            if None not in (victim[size], other[size]) and victim[size] != other[size]:
                return False
        if moment is None and victim['total_vm_bytes'] is None:
            return False
    return True


def _join(first, second):
    """One event of two accounts of it; the fuller one is the ground, the other fills what it lacks."""
    def rank(event):
        return (event['trusted'] is False, len(event['missing']))
    base, other = (first, second) if rank(first) <= rank(second) else (second, first)
    again = set(base['seen_in']) & set(other['seen_in'])
    counts = dict(((victim['pid'], victim['name']), victim['duplicates']) for victim in other['victims'])
    for victim in base['victims']:
        count = counts.get((victim['pid'], victim['name']))
        if count is not None:
            victim['duplicates'] = victim['duplicates'] + count + 1 if again else max(victim['duplicates'], count)
    for key in _FILL:
        if base[key] is None:
            base[key] = other[key]
    if other['trusted'] is not False:
        for part in list(base['missing']):
            if part not in other['missing']:
                for key in _PARTS[part]:
                    base[key] = other[key]
                base['missing'].remove(part)
        if base['scope'] == 'unknown':
            base['scope'] = other['scope']
        if base['trusted'] is None:
            base['trusted'] = other['trusted']
        base['complete'] = not base['missing']
        base['cause'] = cause_of(base)
    base['seen_in'] += [path for path in other['seen_in'] if path not in base['seen_in']]
    return base


def merge(events):
    """Events in the order of time, each once. Events without a time keep their place in what was read."""
    merged, index = [], {}
    for event in events:
        match = None
        for key in _keys(event):
            match = next((place for place in reversed(index.get(key, ())) if _same(merged[place], event)), None)
            if match is not None:
                break
        if match is None:
            match = len(merged)
            merged.append(event)
        else:
            merged[match] = _join(merged[match], event)
        for key in _keys(event):
            places = index.setdefault(key, [])
            if match not in places:
                places.append(match)
                del places[:-16]
    return _in_order(merged)


def _in_order(events):
    last, keyed = float('-inf'), []
    for place, event in enumerate(events):
        last = event['epoch'] if event['epoch'] is not None else last
        keyed.append((last, event['uptime_seconds'] or 0 if event['epoch'] is None else 0, place, event))
    if any(event['epoch'] is not None for event in events):
        keyed.sort(key=lambda item: (item[0], item[2]))
    return [item[-1] for item in keyed]


def number(events):
    """Give each event its id: the same from every source, on every reading."""
    seen = {}
    for event in events:
        trigger = event['trigger']
        text = repr([event['kind'], trigger['name'], trigger['pid'], trigger['order']] + [
            (victim['pid'], victim['name'], victim['total_vm_bytes'], victim['anon_rss_bytes']) for victim in event['victims']]
            + [event['selected'] and event['selected']['pid']])
        digest = hashlib.sha256(to_bytes(text)).hexdigest()[:12]
        seen[digest] = seen.get(digest, 0) + 1
        event['id'] = digest if seen[digest] == 1 else '%s-%d' % (digest, seen[digest])


def summarize(events):
    """Counts over all events. Forged or repeated lines of user space are no kills."""
    by_process, by_scope, kills = {}, {}, 0
    times = [event['time'] for event in events if event['time'] and event['trusted'] is not False]
    for event in events:
        if event['trusted'] is False:
            continue
        if event['kind'] != 'allocation_failure':
            by_scope[event['scope']] = by_scope.get(event['scope'], 0) + 1
        for victim in event['victims']:
            kills += 1
            by_process[victim['name']] = by_process.get(victim['name'], 0) + 1
    return {'kills': kills, 'by_process': by_process, 'by_scope': by_scope, 'first': times[0] if times else None,
            'last': times[-1] if times else None}
