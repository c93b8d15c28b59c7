# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does what a plan for vm.swappiness says, all of it or nothing, and reads it back."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import posixpath
import stat

from .._change.actions import outcome
from .._change.lock import one_run
from .._change.record import State, backup_once, backup_path, drop_backup
from .._change.wishes import remember
from .._files.errors import RescueError
from .._files.overlay import Overlay
from .._node.meminfo import number_of
from . import tuned
from .facts import RUNTIME, holds, provenance, read_facts
from .plan import HEADER, plan


def converge(host, options, check_mode=False):
    """The module's result for its options. Raises RescueError, or OSError with a file's name."""
    with one_run(host, 'swappiness', check_mode):
        state = State(host, 'swappiness', tolerant=options['state'] == 'present')
        made = plan(read_facts(host, state), options)
        after = made['after']
        if made['actions'] and not check_mode:
            apply(host, made, state)
            after = provenance(host)
        if not check_mode and not made['skipped_reason']:
            remember(host, 'swappiness', options)
    return outcome(host, made['actions'], made['skipped_reason'], before=made['before'], after=after,
                   holds=holds(after, made['target']), warnings=[state.damage] if state.damage else [])


def apply(host, made, state):
    """Do the actions of a plan: all of them, or none if one fails. Raises RescueError or OSError.

    What was there before is recorded first, so that a crash leaves nothing that cannot be undone.
    """
    for path, text in [change for action in made['actions'] for change in _files(action)]:
        host.try_to_change(path, text)
    with host.whole():
        if made['state'] == 'present':
            _record(host, made, state)
        records = state.records()
        for action in made['actions']:
            _do(host, action, records)
        now = number_of(host, RUNTIME)
        if now != made['target']:
            raise RescueError('{path} is {value} after {allowed} was written: something else on this host sets it',
                              path=RUNTIME, value=now, allowed=made['target'])
        if made['state'] == 'absent':
            _forget(host, state)


def _files(action):
    """[(path, text, or None for no file)] of the files that an action changes."""
    if action['layer'] == 'file' or action['action'] == 'child_profile':
        return [(action['path'], action['after'])]
    return action.get('files', [])


def _do(host, action, records):
    if action['layer'] == 'tuned' and action.get('profiles'):
        _switch_tuned(host, action['profiles'])
    for path, text in _files(action):
        record = records.get('file:' + path) or {}
        _change_file(host, path, text, record.get('mode'), action.get('copy_of'))
    if action['layer'] in ('runtime', 'cgroup'):
        _write_kernel(host, action)


def _record(host, made, state):
    state.remember('runtime', {'before': made['before']['runtime']})
    for action in made['actions']:
        if action['action'] == 'force':
            state.remember('force', {'before': action['before']})
        elif action['layer'] == 'cgroup':
            state.remember('cgroup:' + action['name'], {'before': action['before']})
        elif action['action'] == 'switch':
            state.put('tuned', {'active_profile': host.read(tuned.ACTIVE_PROFILE),
                                'profile_mode': host.read(tuned.PROFILE_MODE)})
        elif _files(action):
            _record_file(host, action, state)


def _record_file(host, action, state):
    path, before = action['path'], action['before']
    record = {'existed': before is not None}
    if before is not None and action['after'].startswith(HEADER) and not before.startswith(HEADER):
        # Ours is made with our own mode in the place of this one.
        record['mode'] = stat.S_IMODE(host.status(path).st_mode)
    state.remember('file:' + path, record)
    directory = posixpath.dirname(path)
    if not host.exists(directory):
        state.remember('directory:' + directory, {'existed': False})
    if before is not None and not before.startswith(HEADER):
        backup_once(host, path)


def _change_file(host, path, text, mode=None, copy_of=None):
    """Give a file a text. ``mode`` is the one it had before it was ours; ours are root's, with a mode of their own.

    The copy of a file that others may not read is as closed as that file.
    """
    if text is None:
        host.remove(path)
        return
    host.make_directory(posixpath.dirname(path))
    own = text.startswith(HEADER)
    if host.read(path) != text or own and host.flaw_of_own(path):
        mode = 0o600 if copy_of and host.is_closed(copy_of) else None if own else mode
        host.replace(path, text, mode, own or mode is not None)


def _switch_tuned(host, profiles):
    if tuned.running(Overlay(host)):
        names = tuned.active_profiles(Overlay(host))
        before = [(path, host.read(path)) for path in (tuned.ACTIVE_PROFILE, tuned.PROFILE_MODE)]
        host.on_failure(lambda: _tuned_back(host, names, before))
        _tuned_profile(host, profiles)


def _tuned_back(host, names, files):
    """Bring back, after a failure, the profiles ``names`` and tuned's own notes about them."""
    if names and tuned.active_profiles(Overlay(host)) != names:
        _tuned_profile(host, ' '.join(names))
    for path, text in files:
        _change_file(host, path, text)


def _tuned_profile(host, names):
    rc, out, err = host.run(['tuned-adm', 'profile'] + names.split())
    if rc != 0:
        raise RescueError('tuned-adm profile %s failed: %s' % (
            names, ' '.join((err or out).split()) or 'exit status %d' % rc))


def _write_kernel(host, action):
    try:
        host.write(action['path'], '%d\n' % action['after'])
    except (IOError, OSError) as error:
        if action['action'] == 'set' and action['layer'] == 'cgroup':
            # A cgroup may end between reading and writing; one that stays is seen when read back.
            return
        reason = 'the kernel refuses it' if error.errno == errno.EINVAL else error.strerror
        raise RescueError('cannot write {value} to {path}: %s' % reason, action['path'], action['after'])


def _forget(host, state):
    for key in sorted(state.records()):
        if key.startswith('file:'):
            path = key[len('file:'):]
            if not drop_backup(host, path):
                # The lines are back; what else differs from the backup, somebody else changed.
                host.remove(backup_path(path))
        elif key.startswith('directory:'):
            host.remove_empty_directory(key[len('directory:'):])
        state.forget(key)
