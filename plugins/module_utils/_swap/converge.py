# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a swap file to what was asked: state, plan, actions, and the state read back."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import os

from .._node.errors import RescueError
from . import fstab, syscalls
from .._node.lock import one_run
from .._node.record import State, backup_path
from .apply import Applier, KernelRefusal
from .plan import plan, wish
from .facts import read, summary

_PUBLIC = ('layer', 'action', 'detail')


def converge(host, path, wished, check_mode=False, progress=None, kernel=syscalls):
    """The module's result for the swap file ``path``. Raises RescueError, or OSError with a file's name.

    ``wished`` is a wish; its state may also be ``restored``, back to what was there before our first change.
    """
    if not path.startswith('/'):
        raise RescueError('path: %s is not absolute: give a path that begins with /' % path)
    if syscalls.cannot_call():
        raise RescueError('%s, which swap needs: install it, or set ansible_python_interpreter to another Python'
                          % syscalls.cannot_call())
    if check_mode:
        return _converge(host, path, wished, check_mode, progress, kernel)
    with one_run(host, 'swap_file %s' % path):
        return _converge(host, path, wished, check_mode, progress, kernel)


def _converge(host, path, wished, check_mode, progress, kernel):
    store = State(host, 'swap')
    state = read(host, path, kernel)
    key = state['real_path']
    record = store.get(key)
    undo = wished['state'] == 'restored'
    if undo and record is None:
        if not check_mode:
            store.forget(key)
        return _result(state, {'actions': [], 'size': None, 'size_bytes': None, 'skipped_reason': None}, state)
    wished = _restoring(record, closed=True) if undo else dict(wished, claimed=record is not None)
    planned = plan(state, wished)
    if check_mode:
        return _result(state, planned, None, wished)
    applier = Applier(host, kernel, progress)
    if planned['actions']:
        _try_fstab(host, planned)
        store.remember(key, _recorded(state))
        try:
            planned = _apply(host, path, state, planned, applier, kernel)
        except PutBack:
            if record is None:
                _forget(host, store, key)
            raise
    if undo and _opens(record):
        applier.warnings.append('%s had the mode %s and the owner %d, and stays root\'s with 0600: what was swapped '
                                'out is in it' % (path, record['mode'], record['uid']))
    after = read(host, path, kernel) if planned['actions'] else state
    if not planned['skipped_reason']:
        _read_back(after, wished, planned)
    if undo or _nothing_is_left(store.get(key), wished, after) or planned['skipped_reason'] and not record:
        _forget(host, store, key)
    return dict(_result(state, planned, after), warnings=applier.warnings)


class PutBack(RescueError):
    """A step failed, and what was there before is there again."""


def _apply(host, path, state, planned, applier, kernel):
    try:
        for step in planned['actions']:
            applier.apply(step)
    except KernelRefusal as error:
        _put_back(host, path, state, applier, kernel, error)
        if error.errno == errno.EPERM or state['mount'].get('mount_point') == '/' and error.errno == errno.EINVAL:
            return dict(planned, actions=[], skipped_reason='%s; make the swap elsewhere, in a container on the host '
                        'that runs it' % error)
        raise PutBack(str(error))
    except (RescueError, IOError, OSError) as error:
        if step.get('retires'):
            # All that was asked is there: to undo it would need the same that just failed.
            raise RescueError('%s; %s is as asked, and the second area goes with a later run' % (
                _one_line(path, error), path), changed=True)
        _put_back(host, path, state, applier, kernel, error)
        raise PutBack(_one_line(path, error))
    return planned


def _try_fstab(host, planned):
    """Raise OSError, before the first change, if fstab has to change and cannot."""
    if any(step['layer'] == 'persistence' and step['edit'] for step in planned['actions']):
        # A line more is all that it may need.
        host.try_to_change(fstab.PATH, (host.read(fstab.PATH) or '') + '\n' * 256)


def _one_line(path, error):
    if isinstance(error, (IOError, OSError)):
        return '%s: %s' % (error.filename or path, error.strerror)
    return str(error)


def _put_back(host, path, before, applier, kernel, error):
    """After a failed step: the swap as it was, by the same planner. A second failure is told with the first."""
    wished = _restoring(_recorded(before), closed=False)
    try:
        for step in plan(read(host, path, kernel), wished)['actions']:
            applier.apply(step)
    except (RescueError, IOError, OSError) as second:
        raise RescueError('%s; putting back what was there failed as well: %s' % (
            _one_line(path, error), _one_line(path, second)), changed=True)


def _read_back(after, wished, planned):
    left = plan(after, dict(wished, claimed=True))['actions']
    left = [step for step in left if step['action'] != 'reload']
    if left and planned['actions']:
        raise RescueError('%s: after the change, this is still to be done: %s' % (
            after['path'], '; '.join('%s: %s' % (step['layer'], step['detail']) for step in left)), changed=True)


def _recorded(state):
    file, area = state['file'], state['file']['area']
    there = file['kind'] == 'file'
    return {
        'existed': there,
        'size_bytes': file['size_bytes'] if there else None,
        'mode': file['mode'] if there else None,
        'uid': file['uid'] if there else None,
        'gid': file['gid'] if there else None,
        'label': file['label'] if there else None,
        'active': area is not None,
        'priority': area['priority'] if area else None,
        'fstab_lines': [entry['raw'] for entry in state['persistence']['entries']],
        'fstab_existed': state['persistence']['fstab'] is not None,
    }


def _opens(record):
    """Whether others could read the file of a record, in which there is now what was swapped out."""
    return bool(record['existed'] and record['size_bytes'] and (int(record['mode'], 8) & 0o077 or record['uid']))


def _restoring(record, closed):
    """The wish for what a record says that was there; ``closed`` if what was swap stays root's alone."""
    if not record['existed']:
        return wish(state='absent', claimed=True, override=True, persist='lines', fstab_lines=record['fstab_lines'])
    priority = record['priority'] if record['active'] and record['priority'] >= 0 else None
    if closed and _opens(record):
        record = dict(record, mode='0600', uid=0, gid=0)
    return wish(tolerated=not closed, size=record['size_bytes'], active=record['active'], priority=priority,
                persist='lines', fstab_lines=record['fstab_lines'], mode=record['mode'], uid=record['uid'],
                gid=record['gid'], label=record.get('label'), override=True, claimed=True, exact=True, reserve_bytes=0)


def _nothing_is_left(record, wished, after):
    return (wished['state'] == 'absent' and after['file']['kind'] == 'missing'
            and (record is None or not record['existed']))


def _forget(host, store, key):
    """Drop what we keep on the node about a file that is as it was before us."""
    records = store.records()
    made_fstab = key in records and not records[key]['fstab_existed']
    if not [other for other in records if other != key]:
        text = host.read(fstab.PATH)
        if made_fstab and text is not None and not text.strip():
            host.remove(fstab.PATH)
        host.remove(backup_path(fstab.PATH))
    store.forget(key)


def _result(state, planned, after, wished=None):
    steps = [dict((key, step[key]) for key in _PUBLIC) for step in planned['actions']]
    before = summary(state)
    file = (after or state)['file']
    return {
        'changed': bool(steps),
        'path': state['path'],
        'size_bytes': planned['size_bytes'] if after is None else file.get('size_bytes'),
        'before': before,
        'after': summary(after) if after is not None else _expected(before, planned, wished),
        'actions': steps,
        'size': planned['size'],
        'skipped_reason': planned['skipped_reason'],
        'managers': state['managers'],
        'diff': {'prepared': ''.join('%(layer)s %(action)s: %(detail)s\n' % step for step in steps)} if steps else {},
    }


def _expected(before, planned, wished):
    """The layers as the plan would leave them."""
    if not planned['actions']:
        return before
    if wished['state'] == 'absent':
        return dict((layer, None) for layer in before)
    size = planned['size_bytes']
    after = dict(before)
    after['file'] = dict(before['file'] or {}, kind='file', size_bytes=size, hole_bytes=0, mode=wished['mode'],
                         uid=wished['uid'], gid=wished['gid'], links=1)
    page = os.sysconf('SC_PAGE_SIZE')
    after['signature'] = {'version': 1, 'size_bytes': size, 'page_size_bytes': page} if size else None
    after['activation'] = None
    if wished['active']:
        after['activation'] = {'size_bytes': size - page, 'used_bytes': None, 'priority': wished['priority']}
    if wished['persist'] == 'none':
        after['persistence'] = None
    for step in planned['actions']:
        if step['layer'] == 'persistence' and step['edit'] == 'with':
            after['persistence'] = {'by': 'fstab', 'lines': [step['detail'].partition(': ')[2]]}
    return after
