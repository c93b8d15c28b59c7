# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
short_description: The incident of a record of the journal, or of what a webhook got
description:
  - Makes C(event.oom) of an event of P(oom.rescue.journal#event_source), or of C(ansible.eda.webhook) to which the role
    P(oom.rescue.watch#role) posts. It has the fields that docs/watch.md names, each of its own type, and no others.
  - C(event.oom.proven) is true only if the watch itself proved the incident and the event proves the watch. A record of
    the journal does so by journald's own fields, a webhook by O(trust_webhook).
  - What is no incident gets no C(event.oom).
options:
  trust_webhook:
    description: Whether the webhook lets in the watch alone, as with a token. Else nothing that it gets is proven.
    type: bool
    default: false
"""

EXAMPLES = r"""
- ansible.eda.webhook:
    port: 5000
    token: "{{ token }}"
  filters:
    - oom.rescue.incident:
        trust_webhook: true
"""

import json
import re

UNIT = 'oom-rescue-watch.service'
_LONGEST = 2000
_MOST = 8
_TEXTS = ('id', 'time', 'host', 'sentence', 'actor', 'limit', 'page')
_REMEDY = ('name', 'effect', 'what', 'why', 'command')
_GROUPS = ('all', 'ungrouped')
_HOST = re.compile(r'[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?')


def main(event, trust_webhook=False):
    """The event with its incident as ``oom``."""
    event = {key: value for key, value in event.items() if key != 'oom'}
    if isinstance(event.get('journal'), dict):
        message, trusted = _decoded(event['journal'].get('OOM_RESCUE')), _is_of_the_watch(event['journal'])
    else:
        message, trusted = event.get('payload'), trust_webhook is True
    incident = incident_of(message, trusted)
    return event if incident is None else dict(event, oom=incident)


def _decoded(text):
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return None


def _is_of_the_watch(record):
    """True if journald itself says that the watch's unit wrote the record, as root."""
    return record.get('_UID') == '0' and record.get('_SYSTEMD_UNIT') == UNIT


def incident_of(message, trusted):
    """The incident of a message, of plain values alone; None if it is no message of the watch."""
    if not isinstance(message, dict) or not isinstance(message.get('sentence'), str) or not message.get('id'):
        return None
    found = {key: _text(message.get(key)) for key in _TEXTS}
    # It becomes a pattern of hosts, in which other characters choose more than one.
    name = found['host'] or ''
    found['host'] = name if _HOST.fullmatch(name) and name not in _GROUPS else ''
    victims = message.get('victims')
    found['victims'] = [_victim(row) for row in victims[:_MOST] if isinstance(row, dict)] if isinstance(
        victims, list) else []
    remedy = message.get('remedy')
    found['remedy'] = {key: _text(remedy.get(key)) for key in _REMEDY} if isinstance(remedy, dict) else None
    found['proven'] = trusted and message.get('proven') is True
    return found


def _victim(row):
    pid = row.get('pid')
    return dict({key: _text(row.get(key)) for key in ('name', 'unit', 'container')},
                pid=pid if isinstance(pid, int) and not isinstance(pid, bool) else None)


def _text(value):
    """A text that no template is in; None of anything else."""
    if not isinstance(value, str):
        return None
    return re.sub(r'[{}%#]', '?', ''.join(char if char.isprintable() else '?' for char in value[:_LONGEST]))
