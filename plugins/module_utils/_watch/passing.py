# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Passes waiting messages on: once to the journal, to each hook until it takes them, and only so many an hour."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import time

from . import hooks, remembered
from .messages import rest_message

_HOUR = 3600
_GIVE_UP = 86400
_FIRST_PAUSE = 60
_LONGEST_PAUSE = 3600


def pass_on(host, state, settings, now, save, is_wanted=lambda: False, before_hooks=None):
    """Deliver what waits in ``state``. ``save`` is called after each step: a crash loses no message, and only those
    that were on their way are told twice. ``is_wanted`` says if there is other work meanwhile. ``before_hooks`` is
    called if a hook is to be told, when all else is done and saved.
    """
    state['sent'] = [moment for moment in state['sent'] if 0 <= now - moment < _HOUR]
    _hold_back(state, settings['limit'], now)
    save()
    for row in state['waiting']:
        if row['hooks'] is None:
            hooks.journal(row['message'])
            row['hooks'] = list(range(len(settings['hooks'])))
            save()
    due = [row for row in state['waiting'] if not 0 <= row['next'] - now <= _LONGEST_PAUSE]
    if before_hooks and any(row['hooks'] for row in due):
        before_hooks()
    _deliver(host, due, settings, save, is_wanted)
    for row in list(state['waiting']):
        if not row['hooks'] or now - row['first'] > _GIVE_UP:
            state['waiting'].remove(row)
            if row['hooks']:
                remembered.hold(state, row, now)
    save()


def _hold_back(state, limit, now):
    """Count the messages for which the limit an hour has no room; messages without proof get half of the room."""
    half = max(1, limit // 2)
    for row in list(state['waiting']):
        if row['hooks'] is not None or row.get('counted'):
            continue
        if len(state['sent']) < (limit if row['proven'] else half):
            row['counted'] = True
            state['sent'].append(now)
            continue
        state['waiting'].remove(row)
        remembered.hold(state, row, now)
    held = state['held']
    if held and len(state['sent']) < half and len(state['waiting']) < remembered.MOST_WAITING:
        state['waiting'].append({'message': rest_message(held['host'], held), 'proven': True, 'hooks': None,
                                 'tries': 0, 'next': 0, 'first': now, 'counted': True})
        state['sent'].append(now)
        state['held'] = None


def _secrets(host, path):
    """(the secrets, None), or ({}, the reason that they are not read)."""
    try:
        return hooks.secrets_of(host, path), None
    except (IOError, OSError, hooks.RescueError) as error:
        return {}, '%s' % error


def _deliver(host, rows, settings, save, is_wanted):
    """Pass messages to the hooks that have not taken them yet, and write once into the journal why one did not."""
    known = settings['hooks']
    for row in rows:
        # A hook that is no longer in the configuration gets nothing.
        row['hooks'] = [number for number in row['hooks'] if number < len(known)]
    queues = {}
    for row in rows:
        for number in row['hooks']:
            queues.setdefault(number, []).append(row['message'])
    if not queues:
        return
    secrets, trouble = _secrets(host, settings['secrets'])
    for (number, message), error in hooks.deliver_all(queues, known, secrets, is_wanted):
        row = next(row for row in rows if row['message'] is message)
        if error is None:
            row['hooks'].remove(number)
            save()
        elif not row['tries']:
            _say(row, known[number], trouble or '%s' % error)
    for row in rows:
        row['tries'] += 1
        row['next'] = time.time() + min(_FIRST_PAUSE * 2 ** min(row['tries'] - 1, 6), _LONGEST_PAUSE)


def _say(row, hook, reason):
    hooks.journal(dict(row['message'], victims=[], sentence='Not taken by the hook %s yet, and tried again for a day: '
                       '%s' % (hook['kind'], reason)), priority=4)
