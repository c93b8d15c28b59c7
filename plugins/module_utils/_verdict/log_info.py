# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module oom_log_info returns: logs read, and with the facts of their host its diagnosis."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

from .._files.errors import RescueError
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
        raise RescueError('%s is %r' % (name, options[name]), value=options[name], allowed='an ISO 8601 time',
                          next_step='give an ISO 8601 time, such as 2025-09-03 or 2025-09-03T14:00:00+02:00')
    return seconds


def _asked(options):
    """What of the options is diagnose()'s by the same name, checked. Raises RescueError."""
    if options['directory'] is not None:
        os.chdir(options['directory'])
    for name in ('limit', 'tasks', 'candidates'):
        if options[name] < 0:
            raise RescueError('%s is {value}' % name, value=options[name], allowed='0 or more',
                              next_step='give 0 for all, or a count')
    asked = dict((name, _moment(options, name)) for name in ('since', 'until'))
    return dict(asked, limit=options['limit'], tasks=options['tasks'])


def _sources(options):
    """Where to look beside the logs that are named, which have to exist. Raises RescueError."""
    refuse_missing(options['paths'])
    if options['sources'] is not None:
        return options['sources']
    return [] if options['paths'] else ['auto']


def host_info(host, options):
    """What oom_log_info returns of a host with its facts, whatever its size. Raises as log_info() does."""
    asked = _asked(options)
    asked.update((name, options[name]) for name in ('paths', 'wanted', 'why', 'fork_failure_paths', 'candidates'))
    entry = diagnose(host, dict(asked, sources=_sources(options)))
    ansible_facts = {'memory': entry.pop('memory')}
    return dict(((name, entry.get(name)) for name in RETURNED), changed=False, ansible_facts=ansible_facts)


def log_info(host, options):
    """The result of oom_log_info for its options, as a dictionary. Raises RescueError, or OSError with a file's name.
    """
    if options['with_facts'] and not options['separately']:
        return within(host_info(host, options), options['most_bytes'])
    asked, paths = _asked(options), options['paths']
    if options['separately']:
        return {'changed': False, 'events': [], 'logs': [
            diagnose(options=dict(asked, log=path, wanted=options['wanted'])) for path in paths]}
    if options['why']:
        raise RescueError('why is {value}, and with_facts is not set', value=options['why'],
                          next_step='set with_facts: true, as the verdict needs the facts of the host')
    return dict(diagnose_events(paths, _sources(options), fork_failures=options['fork_failures'], **asked),
                changed=False)
