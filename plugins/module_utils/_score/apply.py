# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does what a plan for a score says, keeps a record of what was there, and reads everything back."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import os

from .._change.actions import outcome
from .._change.lock import one_run
from .._change.record import State, backup_once, drop_backup, set_aside
from .._change.wishes import remember
from .._files.errors import RescueError
from .._node.pinned import Pinned
from .._node.processes import process
from .._systemd import systemd
from . import keeper
from .facts import key_of, read_facts
from .options import TARGETS
from .plan import digest, plan, refusal
from .score import score_option

_MISSING = {
    'process': 'no process is called so, and no unit has that name',
    'unit': 'systemd has no such unit, or systemd does not run',
    'container': 'no process is in a container of that name or id',
    'pid_file': 'the file is not there, or the process that it names is gone',
}
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)
_GONE = (errno.ENOENT, errno.ESRCH)


def converge(host, options, check_mode=False):
    """The module's result for its options. Raises RescueError, or OSError with a file's name.

    Several targets of a kind are one result: what is refused of one is refused before the first change.
    """
    options = dict(options, value=score_option(options['value']))
    kind = next(name for name in TARGETS if options[name])
    given = options[kind] if isinstance(options[kind], (list, tuple)) else [options[kind]]
    names = _each_once(kind, given)
    with one_run(host, 'oom_score_adj', check_mode):
        for name in names[1:] and names:
            _checked(host, options, kind, name)
        parts = []
        for name in names:
            parts.append(_converge(host, options, kind, name, check_mode, any(part['done'] for part in parts)))
        if not check_mode:
            remember(host, 'oom_protect', options)
    rows = [row for part in parts for row in part['rows']]
    if options.get('most_bytes'):
        # The first ones stay: a claim that is false must not be the one that is left out.
        rows.sort(key=_is_as_meant)
    reasons = [row['skipped_reason'] for row in rows if row['skipped_reason']]
    return outcome(host, [action for part in parts for action in part['done']], '; '.join(reasons) or None,
                   found=all(part['found'] for part in parts), value=parts[0]['value'], processes=rows,
                   killers=parts[-1]['killers'], warnings=parts[0]['warnings'])


def _is_as_meant(row):
    """True if a row of the result says only that its process has what was asked for."""
    return not (row['skipped_reason'] or row['recreate_required'] or row['live']['before'] != row['live']['after']
                or row['persistent']['before'] != row['persistent']['after'])


def _each_once(kind, names):
    """The names, each target once: the servers of MySQL and MariaDB are one."""
    keys = [key_of(kind, name) for name in names]
    return [name for place, name in enumerate(names) if keys.index(keys[place]) == place]


def _checked(host, options, kind, name):
    """(state, facts, plan) of one target. Raises RescueError if it cannot be, or is not there and has to be."""
    state = State(host, 'oom_score_adj', tolerant=options['state'] == 'present')
    facts = read_facts(host, state, kind, name, options['user'], options['state'] == 'absent')
    made = plan(facts, options)
    if options['state'] == 'present' and not made['rows'] and not options.get('allow_missing', True):
        raise RescueError('{value} is not on this host: %s' % _MISSING[kind], path=kind, value=name,
                          next_step='look for its name, or allow it to be missing with allow_missing')
    return state, facts, made


def _converge(host, options, kind, name, check_mode, changed):
    """{done, found, value, rows, killers} of one target; ``changed`` is whether another was changed before it."""
    state, facts, made = _checked(host, options, kind, name)
    if check_mode:
        done = [action for action in made['actions'] if not action.get('refused')]
    else:
        try:
            done = apply(host, state, facts, made)
        except RescueError as error:
            error.changed = error.changed or changed
            raise
    if options['state'] == 'absent':
        done = done + _undo_more(host, state, facts, made, options, done if check_mode else None)
    rows = [dict(row, value=made['value']) for row in made['rows']]
    return {'done': done, 'found': made['found'], 'value': made['value'], 'rows': rows, 'killers': facts['killers'],
            'warnings': [state.damage] if state.damage else []}


def _undo_more(host, state, facts, made, options, planned):
    """[Action] that undo the targets that share a process or file with the first, or all that are kept.

    In check mode ``planned`` is the list of the first target's actions, which are not returned again; else None. Rows
    of other processes are added to those of ``made``.
    """
    done = []
    for kind, name in _others_to_undo(host, state, facts, options):
        facts = read_facts(host, state, kind, name, options['user'], undo=True)
        more = plan(facts, options)
        known = [(row['pid'], row['name']) for row in made['rows']]
        if planned is not None:
            done += [action for action in more['actions']
                     if not action.get('refused') and action not in planned + done]
        else:
            done += apply(host, state, facts, more)
        made['rows'].extend(row for row in more['rows'] if (row['pid'], row['name']) not in known)
        made['found'] = made['found'] or more['found']
    return done


def _others_to_undo(host, state, facts, options):
    """[(kind, name)] of the records that are undone with a target, and of our drop-ins that are in no record."""
    mine = _reach(facts['record'] or {}) | set((target['process']['pid'], target['process']['start_ticks'])
                                               for target in facts['targets'])
    mine |= set(systemd.drop_in_path(unit) for unit in facts['units'])
    records = dict((key, facts['all'][key]) for key in facts['all'] if key != facts['key'])
    found = [tuple(key.split(':', 1)) for key in sorted(records)
             if options.get('recorded') or _reach(records[key]) & mine]
    if options.get('recorded'):
        named = set(path for record in facts['all'].values() for path in record['files']) | mine
        units = [systemd.unit_of_drop_in(path) for path in systemd.our_drop_ins(host) if path not in named]
        found += [('unit', unit) for unit in units if unit and ('unit', unit) not in found]
    return found


def _reach(record):
    """The processes and files of a record."""
    return set((entry['pid'], entry['start_ticks']) for entry in record.get('live', [])) | set(record.get('files', {}))


def _new_record(facts, made):
    """The record of a target before its plan is applied: what was there first stays, whatever ran since."""
    record = dict(facts['record'] or {'live': [], 'files': {}, 'directories': [], 'managers': {}})
    record['value'] = made['value']
    known = set((entry['pid'], entry['start_ticks']) for entry in record['live']
                if entry['boot_id'] == facts['boot_id'])
    live = [dict(entry, after=made['value']) for entry in record['live'] if entry['boot_id'] == facts['boot_id']]
    for score in made['scores']:
        if (score['pid'], score['start_ticks']) not in known:
            live.append(dict(score, boot_id=facts['boot_id'], after=made['value']))
    record['live'] = live
    record['managers'] = dict(record['managers'])
    for row in made['rows']:
        before = row['persistent']['before']
        name = row['manager']['name'] or ''
        if before is not None:
            record['managers'].setdefault(name, next((other['managers'][name] for other in facts['others']
                                                      if name in other['managers']), before))
    record['files'] = dict(record['files'])
    for action in made['actions']:
        path = action.get('path')
        if action['action'] in ('create', 'replace') and path not in keeper.FILES:
            # Of our own text, with which a lost record left us, there is nothing to bring back.
            theirs = action['before'] is not None and not action['before'].startswith(systemd.HEADER)
            entry = dict(record['files'].get(path) or {'before': 'backup' if theirs else None})
            entry.update((key, action[key]) for key in ('killer', 'names') if key in action)
            record['files'][path] = dict(entry, sha256=digest(action['after']))
    return record


def _write_live(host, action, facts):
    """None if the score is there now, else the reason."""
    try:
        with Pinned(host, action['pid']) as held:
            reason = _write_held(held, action, facts)
    except (IOError, OSError) as error:
        if error.errno not in _GONE:
            raise
        reason = '%s (pid %d) ended meanwhile' % (action['name'], action['pid'])
    if reason is None:
        host.on_failure(lambda: _give_back(host, action, facts))
    return reason


def _give_back(host, action, facts):
    """Undo _write_live(), if the process still is what it was. Raises RescueError if the kernel refuses."""
    reason = _write_live(host, dict(action, before=action['after'], after=action['before']), facts)
    row = process(host, action['pid'])
    same = row and (row['start_ticks'], row['exe']) == (action['start_ticks'], action['exe'])
    if reason and same:
        raise RescueError(reason)


def _write_held(held, action, facts):
    """_write_live() for a process that is held open: another process with its pid gets no score, and if it executes
    another program meanwhile, the score is taken back.
    """
    expected = (action['start_ticks'], action['exe'])
    other = '%s (pid %d) is another process by now, or runs another program, and was left as it is' % (
        action['name'], action['pid'])
    if held.identity() != expected:
        return other
    why = facts['lowering_refused']
    try:
        held.write('oom_score_adj', '%d\n' % action['after'])
    except (IOError, OSError) as error:
        if error.errno not in _REFUSED:
            raise
        why = why or 'the kernel says %s' % error.strerror
    now = int(held.read('oom_score_adj'))
    if held.identity() != expected:
        # It has called exec since it was looked at.
        return _taken_back(held, action, now) or other
    if now == action['after']:
        return None
    return refusal({'name': action['name'], 'pid': action['pid']}, now, action['after'],
                   why or 'it was written, and the kernel shows the other value')


def _taken_back(held, action, now):
    """None if a program that was not meant has its earlier score again, else the reason (str) why it has ours."""
    try:
        if now == action['after']:
            held.write('oom_score_adj', '%d\n' % action['before'])
    except (IOError, OSError) as error:
        if error.errno not in _REFUSED:
            raise
        return 'pid %d, no longer %s, runs another program with oom_score_adj %d, and the kernel keeps that: %s' % (
            action['pid'], action['name'], now, error.strerror)
    return None


def _remove_our_directory(host, directory):
    """Remove a directory that was made for our files, with what a run that was killed left in it."""
    for name in host.listdir(directory):
        if name.startswith('.oom-rescue-'):
            host.remove('%s/%s' % (directory, name))
    host.remove_empty_directory(directory)


def _write_file(host, action):
    path = action['path']
    if action.get('aside'):
        set_aside(host, path)
    if action['action'] == 'remove':
        host.remove(path)
        # Other targets have rules there too, whichever came first.
        if path in keeper.FILES and path != keeper.UNIT:
            host.remove_empty_directory(os.path.dirname(path))
        return
    host.make_directory(os.path.dirname(path))
    host.replace(path, action['after'], action.get('mode'), action.get('own', False))


def _do(host, action):
    unit = action.get('unit')
    if action['action'] == 'reload':
        systemd.reload_units(host)
    elif action['action'] == 'enable':
        host.on_failure(lambda: systemd.disable_now(host, unit))
        systemd.enable_and_restart(host, unit)
    elif action['action'] == 'disable':
        systemd.disable_now(host, unit)
        host.on_failure(lambda: systemd.enable_and_restart(host, unit))
        keeper.forget_notes(host)
    elif action['action'] == 'close':
        # It was, before anything was put into it.
        return
    elif action['action'] == 'restart':
        systemd.try_restart(host, action['unit'])
    else:
        _write_file(host, action)


def apply(host, state, facts, made):
    """Do a plan, all of it or, if a step fails, nothing. Returns the actions that took.

    The rows of the plan are brought to what the host shows. Raises RescueError or OSError.
    """
    if made['state'] == 'present' and not made['actions']:
        return []
    for action in made['actions']:
        if action['action'] == 'close':
            host.close_directory(action['path'])
    _try_files(host, made)
    with host.whole():
        return (_give if made['state'] == 'present' else _undo)(host, state, facts, made)


def _try_files(host, made):
    """Raise OSError, before the first change, if a file of the plan cannot be changed."""
    for action in made['actions']:
        if action['action'] in ('create', 'replace', 'protect', 'remove'):
            host.try_to_change(action['path'], action['after'])


def _give(host, state, facts, made):
    """Record what was there, and do the plan for ``state: present``."""
    record = _new_record(facts, made)
    for action in made['actions']:
        if action['action'] in ('create', 'replace'):
            directory = os.path.dirname(action['path'])
            if not host.exists(directory) and directory not in record['directories']:
                record['directories'] = record['directories'] + [directory]
    if record != facts['record']:
        state.put(facts['key'], record)
    for action in made['actions']:
        if action['action'] == 'replace' and action['path'] not in keeper.FILES:
            if record['files'][action['path']]['before'] == 'backup':
                backup_once(host, action['path'])
    done = _do_all(host, facts, made)
    if not done and facts['record'] is None:
        state.forget(facts['key'])
    return done


def _undo(host, state, facts, made):
    """Do the plan for ``state: absent``, and drop the record if nothing of it is left."""
    record = facts['record'] or {}
    done = _do_all(host, facts, made)
    _read_back_absence(host, facts)
    for directory in record.get('directories', []):
        _remove_our_directory(host, directory)
    if facts['record'] is None:
        # Of a run that was killed at its end the directory may be left.
        state.forget(facts['key'])
    elif not any(row['skipped_reason'] for row in made['rows']):
        for path in record.get('files', {}):
            drop_backup(host, path)
        state.forget(facts['key'])
    return done


def _read_back_absence(host, facts):
    """Raise RescueError if systemd still has a drop-in that is gone: it would give the score at the next start."""
    for name in sorted(facts['units']):
        path = systemd.drop_in_path(name)
        properties = systemd.unit_properties(host, name) or {}
        if systemd.lists(properties, path) and not host.exists(path):
            raise RescueError('systemd still has {path}, which is gone', path=path,
                              next_step='look at `systemctl status %s`, and run again' % name)


def _do_all(host, facts, made):
    done = []
    # Registered first, so that it comes last when files are put back.
    host.on_failure(lambda: _reload_again(host, done))
    by_pid = dict((row['pid'], row) for row in made['rows'])
    for action in made['actions']:
        if action['layer'] == 'live':
            row = by_pid[action['pid']]
            reason = _write_live(host, action, facts)
            predicted = action['refused']
            row['skipped_reason'] = _without(row['skipped_reason'], predicted)
            if reason:
                row['skipped_reason'] = '; '.join(text for text in (reason, row['skipped_reason']) if text)
                now = process(host, action['pid'])
                row['live']['after'] = now['oom_score_adj'] if now else None
                continue
            row['live']['after'] = action['after']
        else:
            _do(host, action)
        done.append(action)
    _read_back_units(host, made)
    return done


def _reload_again(host, done):
    if any(action['action'] == 'reload' for action in done):
        systemd.reload_units(host)


def _without(text, part):
    if not text or not part:
        return text
    return '; '.join(piece for piece in text.split('; ') if piece != part) or None


def _read_back_units(host, made):
    """Fail where systemd's own view of a unit is not what the plan says: another file wins."""
    for row in made['rows']:
        wanted = row['persistent']['after']
        if row['manager']['kind'] != 'systemd' or wanted is None:
            continue
        properties = systemd.unit_properties(host, row['manager']['name']) or {}
        shown = properties.get('OOMScoreAdjust')
        if row['persistent']['by'] is None:
            row['persistent']['after'] = int(shown or 0)
        elif shown != str(wanted):
            raise RescueError('systemd shows OOMScoreAdjust={value} after the reload, not {allowed}',
                              path=row['manager']['name'], value=shown, allowed=wanted,
                              next_step='look at `systemctl cat %s`' % row['manager']['name'])
