# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does what a plan for the watch says, all of it or nothing, and undoes it by its records."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import posixpath
import sys

from .._change.actions import outcome
from .._change.lock import one_run
from .._change.record import State, backup_once, backup_path, drop_backup
from .._files.errors import RescueError
from .._files.reader import json_object
from .._systemd import systemd
from . import units
from .facts import mode_of, read_facts
from .plan import CONFIG, plan
from .run import RUN, STATE, with_lock

_MEMORY = posixpath.dirname(STATE)
# The directories in which systemctl makes links and we make files.
_MADE_BY_OTHERS = ('/etc/systemd/system/timers.target.wants', '/etc/systemd/system/multi-user.target.wants')


def converge(host, options, check_mode=False):
    """The module's result for its options. Raises RescueError, or OSError with a file's name."""
    with one_run(host, 'watch', check_mode):
        state = State(host, 'watch', tolerant=options['state'] == 'present')
        made = plan(read_facts(host, state.records()), options)
        if made['actions'] and not check_mode:
            textfile = _textfile(host)
            with host.whole():
                for action in made['actions']:
                    _DO[action['layer']](host, action, state)
                _restart(host, made['actions'])
            if options['state'] == 'present':
                _note_what_was_there(host)
            if options['state'] == 'absent':
                _forget(host, state, textfile)
    return outcome(host, made['actions'], made['skipped_reason'], warnings=[state.damage] if state.damage else [])


def _textfile(host):
    """The file that the watch writes for node_exporter, as its configuration says, or None."""
    return json_object(host.read(CONFIG)).get('textfile')


def _file(host, action, state):
    path, text = action['path'], action.get('after', action.get('text'))
    if action['action'] in ('restore', 'remove'):
        _bring_back(host, path, state.get('file:' + path))
        return
    for directory in [posixpath.dirname(path)] + list(_MADE_BY_OTHERS):
        while not host.exists(directory):
            state.remember('directory:' + directory, {})
            directory = posixpath.dirname(directory)
    state.remember('directory:' + _MEMORY, {})
    existed = host.exists(path)
    if state.remember('file:' + path, {'existed': existed, 'mode': existed and host.status(path).st_mode & 0o7777}):
        backup_once(host, path)
    host.make_directory(posixpath.dirname(path))
    host.make_directory(_MEMORY, 0o700)
    host.replace(path, text, mode_of(path), own=True)


def _bring_back(host, path, record):
    """Bring back a file as it was before the watch."""
    if record is None or not record['existed']:
        host.remove(path)
        return
    text = host.read(backup_path(path))
    if text is None:
        raise RescueError('{path} was there before, and its copy is not', path=path,
                          next_step='put back what was there')
    host.replace(path, text, record['mode'], own=True)
    drop_backup(host, path)


def _unit(host, action, dummy):
    if action['action'] == 'stop':
        _systemctl(host, 'disable', '--now', action['unit'])
        _systemctl(host, 'stop', units.SERVICE)


def _remove_state(host, dummy, dummy_state):
    """Remove what the watch left: what it remembers, and its lock, which a run holds while it works."""
    if host.root == '/' and host.is_directory(RUN):
        with_lock(RUN, lambda: None, wait=True)
    for directory in (_MEMORY, RUN):
        for name in host.listdir(directory):
            host.remove('%s/%s' % (directory, name))


def _restart(host, actions):
    """Have systemd read the files again, and start what has to run."""
    if not systemd.is_running(host):
        return
    if any(action.get('path', '').startswith(units.DIRECTORY) for action in actions):
        _systemctl(host, 'daemon-reload')
    for action in actions:
        if action['layer'] == 'unit' and action['action'] == 'start':
            _systemctl(host, 'enable', action['unit'])
            _systemctl(host, 'restart', action['unit'])


def _note_what_was_there(host):
    """Have a watch that remembers nothing run once, as what was there before its first run is not told: what is killed
    from now on is. A run that fails is tried again by the timer or cron.
    """
    if not host.exists(STATE):
        host.run(['systemctl', 'start', units.SERVICE] if systemd.is_running(host) else units.command(sys.executable))


def _systemctl(host, *words):
    rc, out, err = host.run(['systemctl'] + list(words))
    if rc != 0:
        raise RescueError('systemctl %s failed: %s' % (' '.join(words), ' '.join((err or out).split())))


def _forget(host, state, textfile):
    if textfile:
        host.remove(textfile)
    host.remove_empty_directory(RUN)
    for key in sorted(state.records(), reverse=True):
        kind, dummy, path = key.partition(':')
        if kind == 'directory':
            host.remove_empty_directory(path)
        state.forget(key)


_DO = {'file': _file, 'unit': _unit, 'memory': _remove_state}
