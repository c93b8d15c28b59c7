# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Joins events: one kill that three sources tell of is one event."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import hashlib

from .._files.host import to_bytes
from .._log.hosts import same_host
from .._node.cgroup_paths import cgroup_names
from .cause import cause_of
from .ledger import ledger_of
from .zones import page_fault_with_memory_free

# Syslog stamps a line when it receives it, which is late on a host out of memory.
_SAME_TIME = 300
_SAME_UPTIME = 5
# A syslog daemon may write in another zone than the host's, up to a day away. To the millisecond of the kernel's clock
# a kill in its own sources and in a file is one.
_SAME_INSTANT, _OTHER_ZONE = 0.001, 86400 + 7200
# Events, of 2 kB each, that are known at once to tell whether another log has the same; and of one log before that.
_MOST_KNOWN = 2000
_MOST_OPEN = 500
_MOST_NAMES = 1000
# The number of events before and after a page fault that may tell which limit refused it memory.
_BESIDE = 4
KERNELS_OWN = frozenset(('journal', 'ring_buffer'))
_PARTS = {
    'header': ('trigger', 'kernel', 'cpuset', 'mems_allowed', 'nodemask'),
    'memory': ('memory', 'zones', 'cgroup', 'statistics', 'balloon'),
    'tasks': ('tasks', 'task_count', 'holders'),
    'victim': ('victims', 'selected', 'sharing'),
}
_FILL = ('time', 'time_text', 'epoch', 'uptime_seconds', 'host', 'kernel', 'constraint', 'boot_id')


def _close(first, second, distance):
    return None if first is None or second is None else abs(first - second) <= distance


def _same_instant(first, second):
    in_first, in_second = set(first['seen_in']), set(second['seen_in'])
    return bool(
        first['victims'] and second['victims'] and KERNELS_OWN & (in_first | in_second) and not in_first & in_second
        and _close(first['uptime_seconds'], second['uptime_seconds'], _SAME_INSTANT)
        and _close(first['epoch'], second['epoch'], _OTHER_ZONE))


def _same_moment(first, second):
    """True or False if both events tell their time, None if one does not."""
    if _same_instant(first, second):
        return True
    same = _close(first['epoch'], second['epoch'], _SAME_TIME)
    by_kernel = _close(first['uptime_seconds'], second['uptime_seconds'], _SAME_UPTIME)
    # The calendar is set and corrected within a boot; the kernel's own clock is not.
    of_one_boot = first['boot_id'] and first['boot_id'] == second['boot_id']
    return by_kernel if by_kernel is not None and (of_one_boot or same is not False) else same


def _keys(event):
    """What identifies an event in another source: its victims, or its trigger if it has none."""
    victims = [(victim['pid'], victim['name']) for victim in event['victims']]
    if victims:
        return victims
    trigger = event['trigger']
    return [(event['kind'], trigger['name'], trigger['pid'], trigger['gfp_mask'], trigger['order'])]


def _same(first, second):
    if not same_host(first['host'], second['host']):
        return False
    if first['boot_id'] and second['boot_id'] and first['boot_id'] != second['boot_id']:
        return False
    moment = _same_moment(first, second)
    if moment is False:
        return False
    if not first['victims'] or not second['victims']:
        # A process that gets no memory asks for it again and again.
        again = set(first['seen_in']).intersection(second['seen_in'])
        return moment is True and not (again and first['uptime_seconds'] != second['uptime_seconds'])
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


def _rank(event):
    """The key that sorts accounts of one event, the best first: the fuller one, then the proven one."""
    return (event['trusted'] is False, len(event['missing']), event['trusted'] is not True)


def _join(first, second):
    """Add to the first of two accounts of one event what the second tells. The fuller one is the basis."""
    base, other = first, second
    if _rank(second) < _rank(first):
        base, other = dict(second), dict(first)
    again = set(base['seen_in']) & set(other['seen_in'])
    counts = dict(((victim['pid'], victim['name']), victim['duplicates']) for victim in other['victims'])
    for victim in base['victims']:
        count = counts.get((victim['pid'], victim['name']))
        if count is not None:
            victim['duplicates'] = victim['duplicates'] + count + 1 if again else max(victim['duplicates'], count)
    if other['trusted'] is not False:
        for key in _FILL:
            if base[key] is None:
                base[key] = other[key]
        for part in list(base['missing']):
            if part not in other['missing'] and other['memory'] is not None:
                for key in _PARTS[part]:
                    base[key] = other[key]
                base['missing'].remove(part)
                # A part from lines that prove nothing proves nothing either.
                base['trusted'] = base['trusted'] and other['trusted']
        if base['scope'] == 'unknown':
            base['scope'] = other['scope']
        base['complete'] = not base['missing']
        if base['memory'] is not None:
            base['ledger'] = ledger_of(base)
            base['cause'] = cause_of(base)
    if other['trusted'] is False and KERNELS_OWN.intersection(other['seen_in']) - set(base['seen_in']):
        # The journal knows who wrote a line that syslog's file shows as the kernel's.
        if not KERNELS_OWN.intersection(base['seen_in']):
            base['trusted'] = False
    paths = first['seen_in'] + [path for path in second['seen_in'] if path not in first['seen_in']]
    first.update(base)
    first['seen_in'] = paths


class Merger:
    """Collects the events of one source after another.

    All are counted. Each part of the ``limit`` newest (0 is all) is kept; older events keep only what identifies them,
    and if there are very many the oldest are only counted.
    """

    def __init__(self, limit=0):
        self.most_whole = 2 * limit + 16 if limit else float('inf')
        self._most = max(_MOST_KNOWN, self.most_whole)
        self.most_open = max(_MOST_OPEN, self.most_whole)
        self._events = []
        self._index = {}
        self._forgotten = _Counts()

    def thin(self, events):
        """Drop the large parts of all but the last events."""
        if len(events) <= self.most_whole:
            return
        for event in reversed(events[: -self.most_whole]):
            if event['memory'] is None:
                break
            event['memory'], event['zones'], event['tasks'], event['holders'] = None, [], [], None
            event['ledger'], event['statistics'] = None, {}
            event['cgroup'] = event['cgroup'] and {'path': event['cgroup']['path']}

    def add(self, events):
        """Take the events of a source, in the order in which they were read. Their times are known."""
        for event in events:
            match = self._find(event)
            if match is None:
                self._events.append(event)
                match = event
            else:
                _join(match, event)
            self._know(match)
        self._events = _in_order(self._events)
        self.thin(self._events)
        if len(self._events) > self._most:
            oldest = len(self._events) - self._most
            for event in self._events[:oldest]:
                self._forgotten.count(event)
            del self._events[:oldest]
            self._index = {}
            for event in self._events:
                self._know(event)

    def _know(self, event):
        for key in _keys(event):
            known = self._index.setdefault(key, [])
            if not any(other is event for other in known):
                known.append(event)
                del known[:-16]

    def _find(self, event):
        for key in _keys(event):
            for known in reversed(self._index.get(key, ())):
                if _same(known, event):
                    return known
        return None

    def result(self):
        """(events newest first, summary)."""
        _number(self._events)
        _tell_near(self._events)
        counts = self._forgotten
        for event in self._events:
            counts.count(event)
            for key in ('prefix', 'holders', 'statistics', 'balloon', 'near'):
                event.pop(key, None)
        return self._events[::-1], {
            'events': counts.events,
            'kills': counts.kills,
            'untrusted': counts.untrusted,
            'by_process': counts.by_process,
            'by_scope': counts.by_scope,
            'first': counts.first,
            'last': counts.last,
        }


class _Counts:
    """Counts kills, but no forged or repeated lines of user space."""

    def __init__(self):
        self.events = self.kills = self.untrusted = 0
        self.by_process, self.by_scope = {}, {}
        self.first = self.last = None

    def count(self, event):
        """Count an event. The oldest come first."""
        if event['trusted'] is False:
            self.untrusted += 1
            return
        self.events += 1
        self.first = self.first or event['time']
        self.last = event['time'] or self.last
        if event['kind'] != 'allocation_failure':
            self.by_scope[event['scope']] = self.by_scope.get(event['scope'], 0) + 1
        for victim in event['victims']:
            self.kills += 1
            name = victim['name']
            if name in self.by_process or len(self.by_process) < _MOST_NAMES:
                self.by_process[name] = self.by_process.get(name, 0) + 1


def _in_order(events):
    """The events sorted by time; those without a time keep their place in the order of reading."""
    if len(events) < 2 or not any(event['epoch'] is not None for event in events):
        return events
    last, keyed = float('-inf'), []
    for place, event in enumerate(events):
        last = event['epoch'] if event['epoch'] is not None else last
        keyed.append((last, place, event))
    keyed.sort(key=lambda item: item[:2])
    return [item[2] for item in keyed]


def _tell_near(events):
    """Put into a report of the whole host, if a page fault ended in it, the name of the cgroup beside it that reached
    its limit.
    """
    for place, event in enumerate(events):
        if event['memory'] is None or page_fault_with_memory_free(event) is None:
            continue
        beside = events[max(0, place - _BESIDE) : place] + events[place + 1 : place + 1 + _BESIDE]
        near = [
            other['cgroup'] for other in beside
            if other['scope'] == 'memcg' and other['cgroup'] and other['cgroup']['path']
            and same_host(event['host'], other['host']) and _same_moment(event, other) is not False
        ]
        if near:
            event['near'] = dict(cgroup_names(near[-1]['path']), path=near[-1]['path'])
            event['cause'] = cause_of(event)


def _number(events):
    """Give each event its place in its log, and an id that is the same from every source and at every reading."""
    seen, places = {}, {}
    for event in events:
        path = event['source']['path']
        event['order'] = places[path] = places.get(path, -1) + 1
        trigger = event['trigger']
        text = repr(
            [event['kind'], trigger['name'], trigger['pid'], trigger['order']]
            + [
                (victim['pid'], victim['name'], victim['total_vm_bytes'], victim['anon_rss_bytes'])
                for victim in event['victims']
            ]
            + [event['selected'] and event['selected']['pid']]
        )
        digest = hashlib.sha256(to_bytes(text)).hexdigest()[:12]
        seen[digest] = seen.get(digest, 0) + 1
        event['id'] = digest if seen[digest] == 1 else '%s-%d' % (digest, seen[digest])
