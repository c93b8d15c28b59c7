# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An incident as it is told: one dictionary of plain text, the same for the journal, the hooks and the event source.

    {id, time, host, sentence, actor, limit, victims: [{name, pid, unit, container}], proven, caveats,
     remedy: {name, effect, what, why, command} or None, would_tell, page}

``proven`` is true if the kernel's own buffer or the journal's own fields say who wrote it. What is not proven is
told as that.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import hashlib

from .._files.host import to_bytes
from .._files.plain import plain
from .._verdict.judgement import verdict_of
from .._verdict.remedies import remedies_of
from .._verdict.wanted import options_of

PAGE = 'https://github.com/oom-rescue/oom.rescue/blob/main/docs/watch.md'
_SHORT, _LONGEST_LABEL = 300, 100
_MOST_VICTIMS = 8
_UNPROVEN = 'Nothing proves who wrote this: any program of this host may have.'


class Told:
    """An incident of a diagnosis, with its message, the keys of its parts, and the kills that it counts for.

    If what is proven of it is a shortage, the verdict is on that alone: a line that anybody may have written adds no
    victim to a real kill, and takes no proof from a line that says nothing of memory.
    """

    def __init__(self, entry, index):
        self._entry, self._index = entry, index
        self._incident = incident = entry['incidents'][index]
        self._events = [entry['events'][number] for number in incident['reports']]
        signals = [entry['signals'][number] for number in incident['signals']]
        proven = dict(incident, reports=_proven(entry['events'], incident['reports']),
                      signals=_proven(entry['signals'], incident['signals']))
        self.verdict = verdict_of(index, proven, entry['events'], entry['signals'])
        self.proven = self.verdict['was_memory'] == 'yes'
        self._judged = proven if self.proven else incident
        self._killed = [entry['events'][number] for number in self._judged['reports']]
        if not self.proven:
            self.verdict = verdict_of(index, incident, entry['events'], entry['signals'])
        self.is_here = not any(row.get('elsewhere') for row in self._events + signals)
        # When its configuration is read again, systemd says once more of a slice that something below it was killed.
        self._is_late = not self._events and all(
            signal['kind'] == 'unit-oom-kill' and (signal['unit'] or '').endswith('.slice') for signal in signals)
        # The keys of each part, any of which tells it.
        self.parts = [_keys_of_event(event) for event in self._events] + [[_key_of(signal)] for signal in signals]

    @property
    def keys(self):
        """All keys of its parts."""
        return [key for part in self.parts for key in part] + self.marks

    @property
    def marks(self):
        """The keys by which its reports are known again in a log that does not say of which boot it is."""
        return [_key_without_boot(event) for event in self._events if event.get('boot_id') and event['uptime_seconds']]

    @property
    def is_news(self):
        """True if it is to be told: something was killed for memory, or refused memory, on this host."""
        return self.verdict['was_memory'] == 'yes' and self.is_here and not self._is_late

    @property
    def is_of_the_kernel(self):
        """True if it has a report of the kernel's."""
        return bool(self._events)

    @property
    def open_reports(self):
        """The keys of its reports that have no end, as the kernel may still be printing them."""
        return [_keys_of_event(event)[-1] for event in self._events
                if event['kind'] == 'kill' and 'victim' in event['missing']]

    def is_before(self, moment):
        """True if all its reports are older than a moment, in seconds since 1970 or None."""
        times = [event['epoch'] for event in self._events]
        return moment is not None and None not in times and all(epoch < moment for epoch in times)

    def fresh(self, told):
        """The parts of which no key is among ``told``."""
        return [part for part in self.parts if not set(part) & set(told)]

    def kills(self, told):
        """[(process, unit, scope, actor)] of the kills in it whose keys are not among ``told``."""
        victims = [victim for event in self._killed if not set(_keys_of_event(event)) & set(told)
                   for victim in event.get('victims') or [event.get('selected') or {}] if victim]
        if not self._killed and not set(self.keys) & set(told):
            victims = self.verdict['victims']
        return [tuple(_short(text, _LONGEST_LABEL) for text in (
            victim.get('name'), victim.get('unit') or victim.get('container') or victim.get('container_id'),
            self.verdict['limit'], self.verdict['actor'])) for victim in victims]

    def message(self, page=PAGE):
        """The dictionary that is told."""
        verdict = self.verdict
        return {
            'id': hashlib.sha256(to_bytes(self.keys[0])).hexdigest()[:16],
            'time': (verdict['evidence'] or [{}])[0].get('time') or self._incident['first'],
            'host': _short(self._entry['name']),
            'sentence': plain(verdict['sentence'] if self.proven else 'Said, not proven: %s' % verdict['sentence']),
            'actor': verdict['actor'], 'limit': verdict['limit'],
            'victims': [dict((key, _short(victim.get(key))) for key in ('name', 'pid', 'unit', 'container'))
                        for victim in verdict['victims'][:_MOST_VICTIMS]],
            'proven': self.proven,
            'caveats': [plain(text, _SHORT) for text in verdict['caveats'][:3]] + ([] if self.proven else [_UNPROVEN]),
            'remedy': self._remedy(), 'would_tell': [plain(text, _SHORT) for text in verdict['would_tell'][:3]],
            'page': page,
        }

    def _remedy(self):
        """The best remedy for this incident that would have helped, or None."""
        entry = self._entry
        host_facts = entry['read_facts']()
        incidents = entry['incidents'][:self._index] + [self._judged] + entry['incidents'][self._index + 1:]
        rows = remedies_of(self.verdict, incidents, entry['events'], entry['signals'], host_facts,
                           options_of(None, host_facts))
        best = next((row for row in rows if row['effect'] in ('prevents', 'delays') and not row['forbidden_by']), None)
        return best and dict((key, _short(best[key])) for key in ('name', 'effect', 'what', 'why', 'command'))


def told_of(entry):
    """[Told] of the incidents that are to be told, oldest first, of a host's {name, events, signals, incidents,
    read_facts}.

    ``read_facts`` is a function that returns the host's memory facts, which only a message needs.
    """
    all_told = [Told(entry, index) for index in range(len(entry['incidents']))]
    return [told for told in all_told if told.is_news]


def rest_message(entry_name, held):
    """The message on the incidents for which there was no room, or that no hook took in a day: {count, first, last}."""
    return {'id': 'rest-%s' % held['first'], 'time': held['last'], 'host': entry_name, 'actor': 'unknown',
            'count': held['count'], 'sentence': '%d more incidents from %s to %s, without a message for each: there '
            'were too many in an hour, or a hook took none for a day.' % (held['count'], held['first'], held['last']),
            'limit': 'unknown', 'victims': [], 'proven': False, 'caveats': [], 'remedy': None,
            'would_tell': ['journalctl -t oom-rescue'], 'page': PAGE}


def _short(value, most=_SHORT):
    return value if value is None or isinstance(value, int) else plain(value, most)


def _proven(rows, numbers):
    return [number for number in numbers if rows[number].get('trusted') is True]


def _keys_of_event(event):
    """[key] of a kernel's report: its id with its boot, and when and for whom it began, which is the same if the report
    was read before its end.
    """
    boot = (event.get('boot_id') or '')[:8]
    keys = ['report:%s@%s' % (event['id'], boot)]
    if event['uptime_seconds']:
        return keys + ['at:%.6f@%s' % (event['uptime_seconds'], boot) if boot else _key_without_boot(event)]
    asked = _asked_by(event)
    return keys + ['at:%s#%s' % (event['time_text'], asked)] if event.get('time_text') and asked else keys


def _key_without_boot(event):
    return 'at:%.6f#%s' % (event['uptime_seconds'], _asked_by(event) or event['id'])


def _asked_by(event):
    """The name of who asked for memory, which a report's first line says; None without that line."""
    return (event.get('trigger') or {}).get('name')


def _key_of(signal):
    # Its time in the log's words, as one without a year has another one when the clock is set.
    parts = [signal['kind'], signal['unit'], signal['container'], signal['pid'], signal['name'],
             signal['time_text'] or signal['time']]
    return 'signal:%s' % hashlib.sha256(to_bytes(repr(parts))).hexdigest()[:16]
