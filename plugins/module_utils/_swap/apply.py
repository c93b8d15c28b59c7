# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does what a plan for a swap file says, reads it back, and restores what was there if a step fails."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import contextlib
import errno
import os

from .._change.actions import outcome
from .._change.lock import one_run
from .._change.record import State, backup_path
from .._change.wishes import remember
from .._files.errors import RescueError, said
from .._files.sizes import taken_as
from .._node.mounts import mount_of, mounts
from . import fstab, syscalls
from .applier import Applier, KernelRefusal
from .facts import read_facts, real_path, summary
from .plan import OF_AN_UNDO, identity, opens, persist_of, plan, recorded, restoring, unchanged, wish_of
from .progress import Progress

_SIZES = ('size', 'reserve', 'demand', 'expected_peak')


def swap_file(host, options, check_mode, log):
    """The module's result for its options; ``log`` is a callable (text). Raises as converge() does."""
    wanted = each_file(host, options)
    refuse_twice(host, wanted)
    if len(wanted) > 1 and not check_mode:
        # what cannot: All or none: what cannot be done is refused before the first of them changes.
        _converge_each(host, wanted, True, log)
    results = _converge_each(host, wanted, check_mode, log)
    if not check_mode:
        with one_run(host, 'swap_file %s' % options['path'], check_mode):
            for one, result in zip(wanted, results):
                if not result['skipped_reason']:
                    remember(host, 'swap', one, real_path(host, one['path'], one['override']))
    result = joined(results)
    texts = set(one[name] for one in wanted for name in _SIZES if one.get(name))
    result['warnings'] += filter(None, (taken_as(text) for text in sorted(texts)))
    return result


def each_file(host, options):
    """The options of each swap file, as a list: of each of ``files``, of ``path``, or, to undo, of those in the
    records.

    What one of ``files`` leaves out is taken from the options beside it.
    """
    if options['state'] == 'restored' and options.get('recorded'):
        paths = sorted(State(host, 'swap').records()) or [options['path']]
        return [dict(options, path=path) for path in paths]
    return [dict(options, **dict((key, row[key]) for key in row if row[key] is not None))
            for row in options.get('files') or [{}]]


def refuse_twice(host, wanted):
    """Raise RescueError if two of the options mean one file."""
    seen = set()
    for one in wanted:
        real = real_path(host, one['path'], one['override'])
        if real in seen:
            raise RescueError('{path} names {value} twice', path='files', value=real, next_step='name each file once')
        seen.add(real)


def _converge_each(host, wanted, check_mode, log):
    """The results of converge(), in order. In check mode a later file is planned with the earlier ones in place."""
    results, beside, spent = [], 0, {}
    for one in wanted:
        path, wished = one['path'], wish_of(one)
        disk = (mount_of(mounts(host), os.path.dirname(real_path(host, path, one['override']))) or {}).get('device')
        wished.update(beside_bytes=beside, reserve_bytes=wished['reserve_bytes'] + spent.get(disk, 0))
        try:
            result = converge(host, path, wished, check_mode, Progress(host, path, log))
        except (RescueError, IOError, OSError) as error:
            done = [other['path'] for other in results if other['changed']]
            if check_mode or not done:
                raise
            raise RescueError('%s; done before that: %s' % (said(error), ', '.join(done)), changed=True)
        results.append(result)
        if check_mode:
            beside += _grown(result, 'activation')
            spent[disk] = spent.get(disk, 0) + _grown(result, 'file')
    return results


def _grown(result, layer):
    """The bytes by which a layer of a swap file becomes larger."""
    sizes = [(result[when][layer] or {}).get('size_bytes') or 0 for when in ('before', 'after')]
    return sizes[1] - sizes[0]


_OF_ONE = ('path', 'size_bytes', 'before', 'after', 'size', 'at_boot', 'persist', 'recorded', 'skipped_reason',
           'actions', 'notes', 'changed')


def joined(results):
    """One result for several files: that of the last one, with the actions of all, and ``files`` with a row for each.
    """
    result = dict(results[-1], files=[dict((key, one[key]) for key in _OF_ONE) for one in results])
    for key in ('actions', 'diff', 'warnings'):
        result[key] = [row for one in results for row in one[key]]
    result['changed'] = any(one['changed'] for one in results)
    result['skipped_reason'] = '; '.join(one['skipped_reason'] for one in results if one['skipped_reason']) or None
    return result


@contextlib.contextmanager
def _telling(progress, check_mode):
    """A context in which the file that tells the progress is this run's: it belongs to the run that holds the lock."""
    if progress is None or check_mode:
        yield
        return
    with progress:
        yield


def converge(host, path, wished, check_mode=False, progress=None, kernel=syscalls):
    """The module's result for the swap file ``path``. Raises RescueError, or OSError with a file's name.

    ``wished`` is a wish; its state may also be ``restored``, which brings back what was there before our first change.
    """
    if not path.startswith('/'):
        raise RescueError('{value} is not absolute', path='path', value=path,
                          next_step='give a path that begins with /')
    if syscalls.cannot_call():
        raise RescueError('{value}, which swap needs', value=syscalls.cannot_call(),
                          next_step='install it, or set ansible_python_interpreter to another Python')
    applier, undo = Applier(host, kernel, progress), wished['state'] == 'restored'
    with one_run(host, 'swap_file %s' % path, check_mode), _telling(progress, check_mode):
        store = State(host, 'swap', tolerant=wished['state'] == 'present')
        facts = read_facts(host, path, kernel, wished['override'])
        record = store.get(facts['real_path'])
        if store.damage:
            applier.warnings.append(store.damage)
        if undo:
            wished = restoring(record, True, OF_AN_UNDO + tuple(wished['override'])) if record else None
        else:
            wished = dict(wished, claimed=record is not None, subvolume=(record or {}).get('subvolume'))
        made = plan(facts, wished) if wished else unchanged(facts, lost(facts))
        if wished and not check_mode:
            made = _apply(applier, store, facts, wished, made)
        if not check_mode and (undo and not made['skipped_reason'] or made['skipped_reason'] and not record
                               or _nothing_is_left(wished, record or recorded(facts), made)):
            _forget(host, store, facts['real_path'])
    if undo and record and opens(record) and not check_mode:
        applier.warnings.append('%s had the mode %s and the owner %d, and stays root\'s with 0600: what was swapped '
                                'out is in it' % (path, record['mode'], record['uid']))
    return outcome(host, made['actions'], made['skipped_reason'], path=path, size_bytes=made['size_bytes'],
                   before=made['before'], after=made['after'], size=made['size'], at_boot=made['at_boot'],
                   persist=persist_of(facts, wished) if wished else None, recorded=record is not None,
                   managers=facts['managers'],
                   notes=facts['notes'], warnings=applier.warnings)


def lost(facts):
    """The reason that an undo without a record leaves a line of fstab that is written as ours are; None without such a
    line.
    """
    ours = [entry for entry in facts['persistence']['entries'] if entry['options'][:2] == fstab.OWN_OPTIONS]
    return ours and ('%s: there is no record of what was before, and %s has a line as this collection writes it: '
                     'state=absent takes both away' % (facts['path'], fstab.PATH)) or None


class PutBack(RescueError):
    """A step failed, and what was there before is restored."""


def _apply(applier, store, facts, wished, made):
    """The plan as it was done, with the layers read back. What was there is recorded before the first change."""
    if not made['actions']:
        if not made['skipped_reason']:
            _note_what_is_left(applier, store, facts)
        return dict(made, size_bytes=facts['file'].get('size_bytes'))
    key, host = facts['real_path'], applier.host
    _try_fstab(host, made)
    new = store.remember(key, recorded(facts))
    # If this run is killed the record does not say which file it left; the next run finds out.
    _remember_what_is_left(store, key, None)
    try:
        made = _do_all(applier, facts, made)
    except PutBack:
        if new:
            _forget(host, store, key)
        raise
    after = applier.read_facts(facts['real_path'])
    _note_what_is_left(applier, store, after)
    if not made['skipped_reason']:
        _read_back(after, wished)
    return dict(made, after=summary(after), size_bytes=after['file'].get('size_bytes'), at_boot=after['at_boot'])


def _note_what_is_left(applier, store, facts):
    """Remember which file we leave. All that was asked is done by now: if this fails, the next run remembers it."""
    try:
        _remember_what_is_left(store, facts['real_path'], identity(facts))
    except (RescueError, IOError, OSError) as error:
        applier.warnings.append('which file was left is not remembered, so that an undo takes any file of its name for '
                                'it; a later run remembers it: %s' % said(error))


def _remember_what_is_left(store, key, left_file):
    """Keep in the record which file we leave: another one that takes its name is not ours to remove."""
    record = store.get(key)
    if record is not None and record.get('left') != left_file:
        store.put(key, dict(record, left=left_file))


def _do_all(applier, facts, made):
    """The plan as it was done. If the kernel refuses what this host cannot have, it has a reason and no actions."""
    try:
        for step in made['actions']:
            applier.apply(step)
    except KernelRefusal as error:
        _put_back(applier, facts, error)
        if error.errno == errno.EPERM or facts['mount'].get('mount_point') == '/' and error.errno == errno.EINVAL:
            return dict(made, actions=[], skipped_reason='%s; make the swap elsewhere, in a container on the host '
                        'that runs it' % error)
        raise PutBack(str(error))
    except (RescueError, IOError, OSError) as error:
        if step.get('retires'):
            # All that was asked is there: to undo it would need the same that just failed.
            raise RescueError('%s; %s is as asked, and the second area goes with a later run' % (
                said(error), facts['path']), changed=True)
        _put_back(applier, facts, error)
        raise PutBack(said(error))
    return made


def _try_fstab(host, made):
    """Raise OSError, before the first change, if fstab or a unit has to change and cannot."""
    for step in made['actions']:
        if step['layer'] == 'persistence' and 'after' in step:
            host.try_to_change(step['path'], step['after'])


def _put_back(applier, facts, error):
    """Restore the swap as it was, by the same planner, after a step failed. A second failure is told with the first."""
    try:
        for step in plan(applier.read_facts(facts['real_path']), restoring(recorded(facts), closed=False))['actions']:
            applier.apply(step)
    except (RescueError, IOError, OSError) as second:
        raise RescueError('%s; putting back what was there failed as well: %s' % (said(error), said(second)),
                          changed=True)


def _read_back(after, wished):
    steps_left = [step for step in plan(after, dict(wished, claimed=True))['actions'] if step['action'] != 'reload']
    if steps_left:
        raise RescueError('after the change, this is still to be done: %s' % '; '.join(
            '%s: %s' % (step['layer'], step['detail']) for step in steps_left), after['path'], changed=True)


def _nothing_is_left(wished, record, made):
    return wished['state'] == 'absent' and made['after']['file'] is None and not record['existed']


def _forget(host, store, key):
    """Remove what we keep on the node about a file that is again as it was before us."""
    records = store.records()
    made_fstab = key in records and not records[key]['fstab_existed']
    if not [other for other in records if other != key]:
        text = host.read(fstab.PATH)
        if made_fstab and text is not None and not text.strip():
            host.remove(fstab.PATH)
        host.remove(backup_path(fstab.PATH))
    store.forget(key)
