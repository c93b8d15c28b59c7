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

from .._node.host import to_bytes
from .._node.plain import plain
from .._verdict.judgement import verdict_of
from .._verdict.remedies import remedies_of
from .._verdict.wanted import options_of

PAGE = 'https://github.com/oom-rescue/oom.rescue/blob/main/docs/watch.md'
_SHORT = 300
_MOST_VICTIMS = 8
_UNPROVEN = 'Nothing proves who wrote this: any program of this host may have.'


class Told:
    """An incident of a diagnosis, with its message, the keys of its parts, and the kills that it counts for."""

    def __init__(self, entry, index):
        self._entry = entry
        self._incident = entry['incidents'][index]
        self._events = [entry['events'][number] for number in self._incident['reports']]
        self._signals = [entry['signals'][number] for number in self._incident['signals']]
        self.verdict = verdict_of(index, self._incident, entry['events'], entry['signals'])
        rows = self._events + self._signals
        self.proven = any(row.get('trusted') for row in rows)
        self.is_here = not any(row.get('elsewhere') for row in rows)
        self.keys = [_key_of_event(event) for event in self._events] + [_key_of(signal) for signal in self._signals]

    @property
    def is_news(self):
        """True if it is to be told: something was killed for memory, or refused memory, on this host."""
        return self.verdict['was_memory'] == 'yes' and self.is_here

    @property
    def is_of_the_kernel(self):
        """True if it has a report of the kernel's."""
        return bool(self._events)

    def kills(self, told):
        """[(process, unit, scope, actor)] of the kills in it whose keys are not among ``told``."""
        fresh = [event for event in self._events if _key_of_event(event) not in told]
        victims = [victim for event in fresh for victim in event.get('victims') or []]
        if not self._events and not set(self.keys) & set(told):
            victims = self.verdict['victims']
        return [tuple(_short(text) for text in (
            victim.get('name'), victim.get('unit') or victim.get('container') or victim.get('container_id'),
            self.verdict['limit'], self.verdict['actor'])) for victim in victims]

    def message(self, page=PAGE):
        """The dictionary that is told."""
        verdict = self.verdict
        return {
            'id': hashlib.sha256(to_bytes(self.keys[0])).hexdigest()[:16],
            'time': self._incident['first'], 'host': _short(self._entry['name']),
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
        rows = remedies_of(self.verdict, entry['incidents'], entry['events'], entry['signals'], entry['memory'],
                           options_of(None, entry['memory']))
        best = next((row for row in rows if row['effect'] in ('prevents', 'delays') and not row['forbidden_by']), None)
        return best and dict((key, _short(best[key])) for key in ('name', 'effect', 'what', 'why', 'command'))


def told_of(entry):
    """The incidents of a host's diagnosis that are to be told (Told), oldest first."""
    # The entry names its reports, which verdict_of() counts.
    places = dict((event['id'], place) for place, event in enumerate(entry['events']))
    incidents = [dict(one, reports=[places[name] for name in one['reports']]) for one in entry['incidents']]
    entry = dict(entry, incidents=incidents)
    all_told = [Told(entry, index) for index in range(len(incidents))]
    return [told for told in all_told if told.is_news]


def rest_message(entry_name, held):
    """The message on the incidents that were held back by the limit an hour: {count, first, last}."""
    return {'id': 'rest-%s' % held['first'], 'time': held['last'], 'host': entry_name, 'actor': 'unknown',
            'sentence': '%d more incidents from %s to %s: the limit an hour held back a message for each.' % (
                held['count'], held['first'], held['last']),
            'limit': 'unknown', 'victims': [], 'proven': False, 'caveats': [], 'remedy': None,
            'would_tell': ['journalctl -t oom-rescue'], 'page': PAGE}


def _short(value):
    return value if value is None or isinstance(value, int) else plain(value, _SHORT)


def _key_of_event(event):
    return 'report:%s' % event['id']


def _key_of(signal):
    parts = [signal['kind'], signal['unit'], signal['container'], signal['pid'], signal['name'],
             signal['time'] or signal['time_text']]
    return 'signal:%s' % hashlib.sha256(to_bytes(repr(parts))).hexdigest()[:16]
