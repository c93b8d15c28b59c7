# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be done so that a host tells of its kills by itself, or no longer does."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json

from .._change.actions import Action, file_action
from .._files.errors import RescueError
from .._files.host import to_bytes, to_native
from .._log.find import MARKERS as KERNEL_MARKERS
from .._report.signals import MARKERS
from . import units
from .compiled import compiled
from .facts import mode_of
from .hooks import KINDS
from .metrics import NAME

CONFIG, SECRETS = '/etc/oom-rescue/watch.json', '/etc/oom-rescue/watch-secrets.json'
# The text of a file that may be ours, shown to nobody.
_SILENT = (CONFIG, SECRETS, units.PROGRAM)
_NEEDS = {'webhook': (('url', 'url_secret'),), 'slack': (('url', 'url_secret'),), 'wecom': (('url', 'url_secret'),),
          'mail': (('to',),), 'command': (('argv',),)}


def plan(facts, options):
    """{actions, skipped_reason} for the module's options. Raises RescueError."""
    if options['state'] == 'absent':
        return {'actions': _undo(facts), 'skipped_reason': None}
    if not (facts['systemd'] or facts['cron']):
        return {'actions': [], 'skipped_reason': 'neither systemd nor cron starts anything here'}
    wanted = wanted_files(facts, options)
    wanted_units = [unit for unit in (units.PATH, units.TIMER) if '%s/%s' % (units.DIRECTORY, unit) in wanted]
    actions = _stop(unit for unit in (units.PATH, units.TIMER) if facts['enabled'][unit] and unit not in wanted_units)
    for path in sorted(facts['files']):
        actions += _file(path, facts, wanted.get(path))
    changed = [action for action in actions if action.get('path', '').startswith(units.DIRECTORY)]
    if facts['systemd']:
        actions += [Action('unit', 'start', '%s is enabled and started' % unit, unit=unit) for unit in wanted_units
                    if changed or not facts['enabled'][unit]]
    return {'actions': actions, 'skipped_reason': None}


def wanted_files(facts, options):
    """{path: text} of the files that the watch is to have."""
    program = compiled(to_bytes(options['program']), to_bytes(facts['files'][units.PROGRAM] or ''))
    wanted = {units.PROGRAM: to_native(program), CONFIG: _config(facts, options)}
    if options['secrets']:
        wanted[SECRETS] = json.dumps(options['secrets'], indent=1, sort_keys=True) + '\n'
    elif facts['files'][SECRETS] is not None and options['secrets'] is None:
        wanted[SECRETS] = facts['files'][SECRETS]
    if facts['systemd']:
        wanted.update(units.systemd_files(facts['python'], options['interval'], facts['watched'],
                                          facts['systemd_version']))
    else:
        wanted.update(units.cron_files(facts['python']))
    return wanted


def _config(facts, options):
    for hook in options['hooks']:
        _check(hook)
    directory = {'auto': facts['textfiles'], 'none': None}.get(options['textfiles'], options['textfiles'])
    words = sorted(set(to_native(marker) for marker in MARKERS + KERNEL_MARKERS))
    return json.dumps({
        'hooks': options['hooks'], 'secrets': SECRETS, 'limit': options['limit'], 'words': words,
        'textfile': directory and '%s/%s' % (directory, NAME)}, indent=1, sort_keys=True) + '\n'


def _check(hook):
    """Raise RescueError if a hook lacks what its kind needs."""
    kind = hook.get('kind')
    if kind not in KINDS:
        raise RescueError('a hook has the kind {value}', value=kind, allowed=', '.join(KINDS),
                          next_step='give each hook one of them')
    for names in _NEEDS[kind]:
        if not any(hook.get(name) for name in names):
            raise RescueError('the hook %s has no %s' % (kind, ' or '.join(names)),
                              next_step='docs/watch.md has an example of each')


def _file(path, facts, text):
    """The action that gives a file its text, or removes one of ours, as a list of one or none."""
    before = facts['files'][path]
    if text is None and 'file:' + path not in facts['records']:
        return []
    words = '%s is %s' % (path, 'removed' if text is None else 'written')
    made = file_action('file', path, before, text, words, facts['flaws'].get(path), mode=mode_of(path))
    if path in _SILENT:
        return [Action('file', action['action'], action['detail'], path=path, text=text) for action in made]
    return made


def _stop(names):
    return [Action('unit', 'stop', '%s is stopped and disabled' % unit, unit=unit) for unit in names]


def _undo(facts):
    """The actions that bring back what was there before."""
    actions = _stop(unit for unit in (units.PATH, units.TIMER) if facts['enabled'][unit])
    for key in sorted(facts['records']):
        kind, dummy, path = key.partition(':')
        if kind == 'file':
            actions.append(Action('file', 'restore', '%s is as before' % path, path=path))
    if facts['records']:
        actions.append(Action('memory', 'remove', 'what the watch remembered is removed'))
    return actions
