# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the file for node_exporter's textfile collector: kills by process, whether the remedies hold, who is killed
next.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

from .._files.plain import plain

NAME = 'oom_rescue.prom'
_LABELS = ('process', 'unit', 'scope', 'actor')
MOST_SERIES = 60
_WHEN = ('now', 'after_reboot')
_OTHER = ['other', '', 'other', 'other']


def counted(kills, fresh):
    """[[process, unit, scope, actor, count]] with the kills ``fresh`` added; beyond MOST_SERIES they are one series."""
    rows = [list(row) for row in kills]
    for labels in fresh:
        labels = [label if label is not None else '' for label in labels]
        known = next((row for row in rows if row[:4] == labels), None)
        if known is None and len(rows) >= MOST_SERIES - 1:
            labels = _OTHER
            known = next((row for row in rows if row[:4] == labels), None)
        if known is None:
            known = labels + [0]
            rows.append(known)
        known[4] += 1
    return rows


def text_of(state, host_facts, now, scores=()):
    """The text of the file, by the remembered state, memory_facts' dictionary, the time in seconds since 1970, and the
    claims on the scores that were set here.
    """
    samples = [_sample('kills_total', dict(zip(_LABELS, row[:4])), row[4]) for row in state['kills']]
    lines = _family('kills_total', 'counter', 'Processes killed, or refused memory, since the watch began.', samples)
    if state['last_kill'] is not None:
        lines += _family('last_kill_timestamp_seconds', 'gauge', 'When the last of them was seen.',
                         [_sample('last_kill_timestamp_seconds', {}, int(state['last_kill']))])
    lines += _family('remedy_holds', 'gauge', '1 if a remedy that was made here holds, now or after a reboot, else 0.',
                     [_sample('remedy_holds', {'remedy': remedy, 'when': when}, int(holds))
                      for remedy, when, holds in held(host_facts) + _of_scores(scores)])
    lines += _next(host_facts)
    lines += _family('watch_waiting_messages', 'gauge', 'Messages that no hook has taken yet.',
                     [_sample('watch_waiting_messages', {}, len(state['waiting']))])
    lines += _family('watch_timestamp_seconds', 'gauge', 'When this file was written.',
                     [_sample('watch_timestamp_seconds', {}, int(now))])
    return '\n'.join(lines) + '\n'


def write(path, text):
    """Replace the file, so that the collector reads the old text or the new. Raises OSError."""
    partial = '%s.%d' % (path, os.getpid())
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
        with os.fdopen(descriptor, 'wb') as stream:
            stream.write(text.encode('utf-8'))
        os.rename(partial, path)
    except (IOError, OSError):
        if os.path.lexists(partial):
            os.unlink(partial)
        raise


def held(host_facts):
    """[(remedy, now or after_reboot, True or False)] of our remedies on this host, as far as it is known."""
    rows = []
    kept = host_facts.get('kept') or {}
    if (kept.get('swap') or {}).get('set'):
        areas = host_facts['swap']['areas']
        rows.append(('swap', 'now', bool(areas)))
        rows.append(('swap', 'after_reboot', any(area.get('after_reboot') for area in areas)))
    asked = kept.get('swappiness') or {}
    if asked.get('set'):
        value = (asked.get('asked') or {}).get('swappiness_value', 10)
        swappiness = host_facts['swappiness']
        rows.append(('swappiness', 'now', swappiness['runtime'] == value))
        rows.append(('swappiness', 'after_reboot', swappiness['after_reboot'] == value))
    return rows


def _of_scores(claims):
    """The same of the scores: True if all servers have theirs. No row for what is not known of any."""
    known = dict((when, [claim[when] for claim in claims if claim[when] is not None]) for when in _WHEN)
    return [('score', when, all(known[when])) for when in _WHEN if known[when]]


def _next(host_facts):
    following = ((host_facts.get('forecast') or {}).get('host')) or {}
    distance = following.get('distance_bytes')
    if not distance:
        return []
    labels = {'process': following.get('name') or ''}
    return _family('next_victim_distance_bytes', 'gauge',
                   'How much more memory can be had before the kernel kills, and whom: the lower and upper bound.',
                   [_sample('next_victim_distance_bytes', dict(labels, bound=bound), distance[bound])
                    for bound in ('low', 'high')])


def _family(name, kind, words, samples):
    return ['# HELP oom_rescue_%s %s' % (name, words), '# TYPE oom_rescue_%s %s' % (name, kind)] + samples


def _sample(name, labels, value):
    inner = ','.join('%s="%s"' % (key, _escaped(labels[key])) for key in sorted(labels))
    return 'oom_rescue_%s%s %d' % (name, '{%s}' % inner if inner else '', value)


def _escaped(value):
    # https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details
    return plain(value, 100).replace('\\', '\\\\').replace('"', '\\"')
