# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does what a plan for a score says, keeps a record of what was there, and reads everything back."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import os

from . import keeper
from .._node import systemd
from .plan import digest, refusal
from .._node.processes import process
from .._node.record import backup_once, drop_backup

_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)
_GONE = (errno.ENOENT, errno.ESRCH)


class ApplyError(Exception):
    """A change that did not take; the text is one line."""


def _new_record(facts, plan):
    """The record of a target before its plan is applied: what was there first stays, whatever ran since."""
    record = dict(facts['record'] or {'live': [], 'files': {}, 'directories': [], 'managers': {}})
    record['value'] = plan['value']
    known = set((entry['pid'], entry['start_ticks']) for entry in record['live']
                if entry['boot_id'] == facts['boot_id'])
    live = [dict(entry, after=plan['value']) for entry in record['live'] if entry['boot_id'] == facts['boot_id']]
    for score in plan['scores']:
        if (score['pid'], score['start_ticks']) not in known:
            live.append(dict(score, boot_id=facts['boot_id'], after=plan['value']))
    record['live'] = live
    record['managers'] = dict(record['managers'])
    for row in plan['rows']:
        before = row['persistent']['before']
        if before is not None:
            record['managers'].setdefault(row['manager']['name'] or '', before)
    record['files'] = dict(record['files'])
    for action in plan['actions']:
        path = action.get('path')
        if action['action'] in ('create', 'replace') and path not in keeper.FILES:
            entry = dict(record['files'].get(path) or {'before': 'backup' if action['before'] is not None else None})
            entry.update((key, action[key]) for key in ('killer', 'names') if key in action)
            record['files'][path] = dict(entry, sha256=digest(action['after']))
    return record


def _write_live(host, action, facts):
    """None where the score is there now, else why it is not."""
    row = process(host, action['pid'])
    if row is None or row['start_ticks'] != action['start_ticks']:
        return '%s (pid %d) ended meanwhile' % (action['name'], action['pid'])
    why = facts['lowering_refused']
    try:
        host.write(action['path'], str(action['after']))
    except (IOError, OSError) as error:
        if error.errno in _GONE:
            return '%s (pid %d) ended meanwhile' % (action['name'], action['pid'])
        if error.errno not in _REFUSED:
            raise
        why = why or 'the kernel says %s' % error.strerror
    now = (process(host, action['pid']) or {}).get('oom_score_adj')
    if now == action['after']:
        return None
    return refusal(row, now, action['after'], why or 'it was written, and the kernel shows the other value')


def _remove_our_directory(host, directory):
    """Remove a directory that was made for our files, with what a run that was killed left in it."""
    for name in host.listdir(directory):
        if name.startswith('.oom-rescue-'):
            host.remove('%s/%s' % (directory, name))
    host.remove_empty_directory(directory)


def _write_file(host, action):
    path = action['path']
    if action['action'] == 'remove':
        host.remove(path)
        # Other targets have rules there too, whichever came first.
        if path in keeper.FILES and path != keeper.UNIT:
            host.remove_empty_directory(os.path.dirname(path))
        return
    host.make_directory(os.path.dirname(path))
    host.replace(path, action['after'], action.get('mode'))


def _do(host, action):
    if action['action'] == 'reload':
        systemd.reload_units(host)
    elif action['action'] == 'enable':
        systemd.enable_and_restart(host, action['unit'])
    elif action['action'] == 'disable':
        systemd.disable_now(host, action['unit'])
        keeper.forget_found(host)
    elif action['action'] == 'restart':
        systemd.try_restart(host, action['unit'])
    else:
        _write_file(host, action)


def apply(host, state, facts, plan):
    """Do the plan for ``state: present``. Returns the actions that took; rows are brought to what the host shows."""
    if not plan['actions']:
        return []
    record = _new_record(facts, plan)
    for action in plan['actions']:
        if action['action'] in ('create', 'replace'):
            directory = os.path.dirname(action['path'])
            if not host.exists(directory) and directory not in record['directories']:
                record['directories'] = record['directories'] + [directory]
    if record != facts['record']:
        state.put(facts['key'], record)
    for action in plan['actions']:
        if action['action'] == 'replace' and action['path'] not in keeper.FILES:
            if record['files'][action['path']]['before'] == 'backup':
                backup_once(host, action['path'])
    done = _do_all(host, facts, plan)
    if not done and facts['record'] is None:
        state.forget(facts['key'])
    return done


def undo(host, state, facts, plan):
    """Do the plan for ``state: absent``, and drop the record where nothing of it is left."""
    record = facts['record'] or {}
    done = _do_all(host, facts, plan)
    for directory in record.get('directories', []):
        _remove_our_directory(host, directory)
    if facts['record'] is not None and not any(row['skipped_reason'] for row in plan['rows']):
        for path in record.get('files', {}):
            drop_backup(host, path)
        state.forget(facts['key'])
    return done


def _do_all(host, facts, plan):
    done = []
    by_pid = dict((row['pid'], row) for row in plan['rows'])
    for action in plan['actions']:
        if action['layer'] == 'live':
            row = by_pid[action['pid']]
            reason = _write_live(host, action, facts)
            predicted = action['refused']
            row['skipped_reason'] = _without(row['skipped_reason'], predicted)
            if reason:
                row['skipped_reason'] = '; '.join(text for text in (reason, row['skipped_reason']) if text)
                row['live']['after'] = (process(host, action['pid']) or {}).get('oom_score_adj')
                continue
            row['live']['after'] = action['after']
        else:
            _do(host, action)
        done.append(action)
    _read_back_units(host, plan)
    return done


def _without(text, part):
    if not text or not part:
        return text
    return '; '.join(piece for piece in text.split('; ') if piece != part) or None


def _read_back_units(host, plan):
    """Fail where systemd's own view of a unit is not what the plan says: another file wins."""
    for row in plan['rows']:
        wanted = row['persistent']['after']
        if row['manager']['kind'] != 'systemd' or wanted is None:
            continue
        properties = systemd.unit_properties(host, row['manager']['name']) or {}
        found = properties.get('OOMScoreAdjust')
        if row['persistent']['by'] is None:
            row['persistent']['after'] = int(found or 0)
        elif found != str(wanted):
            raise ApplyError('%s: systemd shows OOMScoreAdjust=%s after the reload, not %s: look at `systemctl cat %s`'
                             % (row['manager']['name'], found, wanted, row['manager']['name']))
