# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module oom_log_info returns: logs read, and with the facts of their host its diagnosis."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

from .._node.errors import RescueError
from .._node.room import size_of
from .diagnose import diagnose, diagnose_events, moment_of, refuse_missing
from .short import within

OPTIONS = {
    'paths': {'type': 'list', 'elements': 'path', 'default': []},
    'sources': {'type': 'list', 'elements': 'str', 'choices': ['auto', 'files', 'journal', 'ring_buffer']},
    'since': {'type': 'str'},
    'until': {'type': 'str'},
    'limit': {'type': 'int', 'default': 100},
    'tasks': {'type': 'int', 'default': 10},
    'fork_failures': {'type': 'bool', 'default': False},
    'separately': {'type': 'bool', 'default': False},
    'with_facts': {'type': 'bool', 'default': False},
    'fork_failure_paths': {'type': 'list', 'elements': 'path', 'default': []},
    'candidates': {'type': 'int', 'default': 0},
    'most_bytes': {'type': 'int', 'default': 0},
    'wanted': {'type': 'dict', 'default': {}, 'options': {
        'swap_path': {'type': 'path'},
        'swap_size': {'type': 'str'},
        'swap_expected_peak': {'type': 'str'},
        'swappiness_value': {'type': 'str'},
        'oom_protect_process': {'type': 'list', 'elements': 'str'},
        'oom_protect_value': {'type': 'str'},
    }},
    'directory': {'type': 'path'},
    'why': {'type': 'str'},
}
# What of a host's entry in report.json is about its logs.
RETURNED = ('events', 'summary', 'signals', 'incidents', 'verdict', 'caveats', 'ledger', 'remedies', 'fork_failures',
            'advice', 'replays', 'raw', 'why')


def _moment(options, name):
    """Seconds since 1970 of an option that is a time, or None. Raises RescueError."""
    if options[name] is None:
        return None
    seconds = moment_of(options[name])
    if seconds is None:
        raise RescueError('%s is %r' % (name, options[name]), found=options[name], allowed='an ISO 8601 time',
                          next_step='give an ISO 8601 time, such as 2025-09-03 or 2025-09-03T14:00:00+02:00')
    return seconds


def log_info(host, options, ask=None):
    """The result of oom_log_info for its options, as a dictionary. Raises RescueError, or OSError with a file's name.

    With ``ask`` it is that of rescue_info: what ``ask(diagnosis)`` returns is its ``asked``.
    """
    if options['directory'] is not None:
        os.chdir(options['directory'])
    for name in ('limit', 'tasks', 'candidates'):
        if options[name] < 0:
            raise RescueError('%s is {found}' % name, found=options[name], allowed='0 or more',
                              next_step='give 0 for all, or a count')
    paths = options['paths']
    asked = dict((name, _moment(options, name)) for name in ('since', 'until'))
    asked.update(limit=options['limit'], tasks=options['tasks'])
    if options['separately']:
        return {'changed': False, 'events': [], 'logs': [
            diagnose(options=dict(asked, log=path, wanted=options['wanted'])) for path in paths]}
    if options['why'] and not options['with_facts']:
        raise RescueError('why is {found}, and with_facts is not set', found=options['why'],
                          next_step='set with_facts: true, as the verdict needs the facts of the host')
    refuse_missing(paths)
    found = options['sources']
    if found is None:
        found = [] if paths else ['auto']
    if options['with_facts']:
        asked.update((name, options[name]) for name in ('wanted', 'why', 'fork_failure_paths', 'candidates'))
        entry = diagnose(host, dict(asked, paths=paths, sources=found))
        facts = {'memory': entry.pop('memory')}
        result = dict(((name, entry.get(name)) for name in RETURNED), changed=False, ansible_facts=facts)
        if ask is None:
            return within(result, options['most_bytes'])
        asked = ask(result)
        room = options['most_bytes'] and options['most_bytes'] - size_of({'diagnosis': {}, 'asked': asked})
        found = within(result, room)
        apart = dict((name, found.pop(name)) for name in ('changed', 'ansible_facts', 'left_out') if name in found)
        return dict(apart, diagnosis=found, asked=asked)
    return dict(diagnose_events(paths, found, fork_failures=options['fork_failures'], **asked), changed=False)
