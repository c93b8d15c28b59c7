# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does what a plan for a swap file says, reads it back, and puts back what was there if a step fails."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import contextlib
import errno
import os

from . import allocate, fstab, syscalls
from .._node import systemd
from .._node.actions import outcome
from .._node.errors import RescueError, naming, said
from .._node.lock import one_run
from .._node.meminfo import read_meminfo, room_in_ram
from .._node.mounts import mount_of, mounts
from .._node.record import State, backup_once, backup_path
from .._node.sizes import taken_as
from .._node.swap_areas import parse_swaps
from .._node.wishes import remember
from .facts import file_facts, in_use, read, real_path, summary, wanted_label
from .filesystem import explain_refusal
from .plan import OF_AN_UNDO, identity, opens, persist_of, plan, recorded, restoring, unchanged, wish_of
from .progress import Progress
from .signature import read_signature, write_signature
from .size import room_without

_SIZES = ('size', 'reserve', 'demand', 'expected_peak')


def swap_file(host, options, check_mode, log):
    """The module's result for its options; ``log`` is a callable (text). Raises as converge() does."""
    wanted = each_file(host, options)
    refuse_twice(host, wanted)
    if len(wanted) > 1 and not check_mode:
        # All or none: what cannot be is refused before the first of them changes.
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
    """[the options of one swap file]: of each of ``files``, of ``path``, or to undo of those that the records name.

    What one of ``files`` leaves out is as the options beside it.
    """
    if options['state'] == 'restored' and options.get('recorded'):
        paths = sorted(State(host, 'swap').records()) or [options['path']]
        return [dict(options, path=path) for path in paths]
    return [dict(options, **dict((key, row[key]) for key in row if row[key] is not None))
            for row in options.get('files') or [{}]]


def refuse_twice(host, wanted):
    """Raise RescueError if two options are of one file."""
    seen = set()
    for one in wanted:
        real = real_path(host, one['path'], one['override'])
        if real in seen:
            raise RescueError('{path} names {found} twice', path='files', found=real, next_step='name each file once')
        seen.add(real)


def _converge_each(host, wanted, check_mode, log):
    """The results of converge(), in order. In check mode a later file is planned beside the earlier ones."""
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
    """By how many bytes a layer of a swap file becomes larger."""
    sizes = [(result[when][layer] or {}).get('size_bytes') or 0 for when in ('before', 'after')]
    return sizes[1] - sizes[0]


_OF_ONE = ('path', 'size_bytes', 'before', 'after', 'size', 'at_boot', 'persist', 'skipped_reason', 'actions',
           'notes', 'changed')


def joined(results):
    """One result of several files: the last one's, with what was done to the others, and ``files`` with a row each."""
    result = dict(results[-1], files=[dict((key, one[key]) for key in _OF_ONE) for one in results])
    for key in ('actions', 'diff', 'warnings'):
        result[key] = [row for one in results for row in one[key]]
    result['changed'] = any(one['changed'] for one in results)
    result['skipped_reason'] = '; '.join(one['skipped_reason'] for one in results if one['skipped_reason']) or None
    return result


@contextlib.contextmanager
def _telling(progress, check_mode):
    """A context in which the word on how far a write has come is this run's: its file belongs to who holds the lock."""
    if progress is None or check_mode:
        yield
        return
    with progress:
        yield


def converge(host, path, wished, check_mode=False, progress=None, kernel=syscalls):
    """The module's result for the swap file ``path``. Raises RescueError, or OSError with a file's name.

    ``wished`` is a wish; its state may also be ``restored``, back to what was there before our first change.
    """
    if not path.startswith('/'):
        raise RescueError('{found} is not absolute', path='path', found=path,
                          next_step='give a path that begins with /')
    if syscalls.cannot_call():
        raise RescueError('{found}, which swap needs', found=syscalls.cannot_call(),
                          next_step='install it, or set ansible_python_interpreter to another Python')
    applier, undo = Applier(host, kernel, progress), wished['state'] == 'restored'
    with one_run(host, 'swap_file %s' % path, check_mode), _telling(progress, check_mode):
        store = State(host, 'swap', tolerant=wished['state'] == 'present')
        facts = read(host, path, kernel, wished['override'])
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
                   persist=persist_of(facts, wished) if wished else None, managers=facts['managers'],
                   notes=facts['notes'], warnings=applier.warnings)


def lost(facts):
    """Why an undo without a record leaves a line of fstab that is written as ours is; None if there is none."""
    ours = [entry for entry in facts['persistence']['entries'] if entry['options'][:2] == fstab.OWN_OPTIONS]
    return ours and ('%s: there is no record of what was before, and %s has a line as this collection writes it: '
                     'state=absent takes both away' % (facts['path'], fstab.PATH)) or None


class PutBack(RescueError):
    """A step failed, and what was there before is there again."""


def _apply(applier, store, facts, wished, made):
    """The plan as it was done, with the layers read back. What was there is recorded before the first change."""
    if not made['actions']:
        if not made['skipped_reason']:
            _note_what_is_left(applier, store, facts)
        return dict(made, size_bytes=facts['file'].get('size_bytes'))
    key, host = facts['real_path'], applier.host
    _try_fstab(host, made)
    new = store.remember(key, recorded(facts))
    # A run that is killed leaves it open which file it left; the next one knows.
    _remember_what_is_left(store, key, None)
    try:
        made = _do_all(applier, facts, made)
    except PutBack:
        if new:
            _forget(host, store, key)
        raise
    after = applier.read(facts['real_path'])
    _note_what_is_left(applier, store, after)
    if not made['skipped_reason']:
        _read_back(after, wished)
    return dict(made, after=summary(after), size_bytes=after['file'].get('size_bytes'), at_boot=after['at_boot'])


def _note_what_is_left(applier, store, facts):
    """Remember which file we leave. All that was asked is there: where this fails, the next run remembers it."""
    try:
        _remember_what_is_left(store, facts['real_path'], identity(facts))
    except (RescueError, IOError, OSError) as error:
        applier.warnings.append('which file was left is not remembered, so that an undo takes any file of its name for '
                                'it; a later run remembers it: %s' % said(error))


def _remember_what_is_left(store, key, left):
    """Keep with the record which file we leave: another one that takes its name is not ours to remove."""
    record = store.get(key)
    if record is not None and record.get('left') != left:
        store.put(key, dict(record, left=left))


def _do_all(applier, facts, made):
    """The plan as it was done: with a reason and no actions if the kernel refuses what this host cannot have."""
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
    """After a failed step: the swap as it was, by the same planner. A second failure is told with the first."""
    try:
        for step in plan(applier.read(facts['real_path']), restoring(recorded(facts), closed=False))['actions']:
            applier.apply(step)
    except (RescueError, IOError, OSError) as second:
        raise RescueError('%s; putting back what was there failed as well: %s' % (said(error), said(second)),
                          changed=True)


def _read_back(after, wished):
    left = [step for step in plan(after, dict(wished, claimed=True))['actions'] if step['action'] != 'reload']
    if left:
        raise RescueError('after the change, this is still to be done: %s' % '; '.join(
            '%s: %s' % (step['layer'], step['detail']) for step in left), after['path'], changed=True)


def _nothing_is_left(wished, record, made):
    return wished['state'] == 'absent' and made['after']['file'] is None and not record['existed']


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


class KernelRefusal(RescueError):
    """swapon(2) refused a file; ``errno`` says how."""

    def __init__(self, path, error, reason):
        RescueError.__init__(self, 'the kernel refuses to switch it on ({found}): %s' % reason, path, error.strerror)
        self.errno = error.errno


class Applier:
    """Applies actions to a host. ``progress`` is a callable (done_bytes, total_bytes) for a long write.

    ``warnings`` has what went wrong and is no reason to undo the rest.
    """

    def __init__(self, host, kernel=syscalls, progress=None):
        self.host = host
        self._kernel = kernel
        self._progress = progress
        self.warnings = []

    def apply(self, action):
        """Carry out one action. Raises RescueError, or OSError with a file's name."""
        with naming(action.get('path')):
            getattr(self, '_%s_%s' % (action['layer'], action['action']))(action)

    def read(self, path):
        """The facts of the swap file as it is now."""
        return read(self.host, path, self._kernel)

    def _open(self, path):
        return os.open(self.host.path(path), os.O_RDWR | os.O_NOFOLLOW)

    def _open_unused(self, path):
        if in_use(self.host.path(path)):
            raise RescueError('{path} is in use as swap, and must not change now', path=path, next_step='run again')
        return self._open(path)

    def _file_create(self, action):
        allocate.create(self.host.path(action['path']), action['size_bytes'], action['allocate'],
                        action['nocow'], self._progress)

    def _file_remove(self, action):
        self._empty(action['path'])
        self.host.remove(action['path'])

    def _file_make_subvolume(self, action):
        self._kernel.make_subvolume(self.host.path(action['path']))

    def _file_drop_subvolume(self, action):
        try:
            os.rmdir(self.host.path(action['path']))
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
            self.warnings.append('%s stays: something else is in it now' % action['path'])

    def _empty(self, path):
        """Take what was swapped out from whoever has the file open; its other names keep what only root can read."""
        try:
            descriptor = self._open(path)
        except OSError as error:
            if error.errno == errno.ENOENT:
                return
            raise
        try:
            status = os.fstat(descriptor)
            if status.st_nlink == 1 or status.st_mode & 0o077 or status.st_uid != os.geteuid():
                os.ftruncate(descriptor, 0)
        finally:
            os.close(descriptor)

    def _file_protect(self, action):
        descriptor = os.open(self.host.path(action['path']), os.O_RDONLY | os.O_NOFOLLOW)
        try:
            os.fchown(descriptor, action['uid'], action['gid'])
            os.fchmod(descriptor, int(action['mode'], 8))
        finally:
            os.close(descriptor)

    def _file_label(self, action):
        self._kernel.set_xattr(self.host.path(action['path']), 'security.selinux',
                               action['label'].encode('ascii') + b'\0')

    def _file_grow(self, action):
        descriptor = self._open_unused(action['path'])
        try:
            try:
                allocate.extend(descriptor, action['start'], action['size_bytes'], action['allocate'],
                                self._progress)
                os.fsync(descriptor)
            except BaseException:
                os.ftruncate(descriptor, action['old_size_bytes'])
                raise
        finally:
            os.close(descriptor)

    _file_fill = _file_grow

    def _file_shrink(self, action):
        descriptor = self._open_unused(action['path'])
        try:
            os.ftruncate(descriptor, action['size_bytes'])
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _signature_write(self, action):
        path, published = action['path'], action['publish']
        descriptor = self._open_unused(path)
        try:
            kept = action.get('kept') or read_signature(self.host.path(path))
            write_signature(descriptor, action['size_bytes'], action['page_size'], kept)
        finally:
            os.close(descriptor)
        if action['label']:
            self._label_like_swap(path)
        if published:
            self._publish(path, published, action.get('over'))

    def _publish(self, path, published, over):
        old = self._open_unused(published) if over else None
        try:
            if old is None and self.host.exists(published):
                raise RescueError('{path} has come into being meanwhile, and stays as it is', path=published)
            os.rename(self.host.path(path), self.host.path(published))
            self.host.sync_directory(os.path.dirname(self.host.path(published)))
            if old is not None:
                # From whoever has it open, or another name of it: what was swapped out is in it.
                os.ftruncate(old, 0)
        finally:
            if old is not None:
                os.close(old)

    def _label_like_swap(self, path):
        value = self._kernel.get_xattr(self.host.path(path), 'security.selinux')
        label = wanted_label(value.rstrip(b'\0').decode('ascii', 'replace') if value else None)
        if label:
            self._file_label({'path': path, 'label': label})

    def _activation_on(self, action):
        path = action['path']
        try:
            self._swapon(action)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise self._refusal(action, error)
            # Some filesystems reserve with fallocate and then call the reserved extents holes: blocks that were
            # written are no holes.
            self._rewrite(action)
            try:
                self._swapon(action)
            except OSError as again:
                raise self._refusal(action, again)
        area = self._area(path)
        if area is None:
            raise RescueError('swapon said yes, and /proc/swaps does not list it', path)
        # Blocks smaller than a page may lie so that some pages are no whole ones: the kernel leaves those out.
        if area['size_bytes'] * 2 < action['size_bytes']:
            raise RescueError('the kernel can use only %d of %d bytes, the disk is too fragmented' % (
                area['size_bytes'], action['size_bytes']), path, next_step='give another path')

    def _swapon(self, action):
        try:
            self._kernel.swapon(self.host.path(action['path']), action['priority'], action['discard'])
        except OSError as error:
            if error.errno != errno.EBUSY or not in_use(self.host.path(action['path'])):
                raise

    def _rewrite(self, action):
        descriptor = self._open_unused(action['path'])
        try:
            kept = read_signature(self.host.path(action['path']))
            allocate.extend(descriptor, 0, action['size_bytes'], 'write', self._progress)
            write_signature(descriptor, action['size_bytes'], os.sysconf('SC_PAGE_SIZE'), kept)
        finally:
            os.close(descriptor)

    @staticmethod
    def _refusal(action, error):
        reason = {
            errno.EINVAL: explain_refusal(action['filesystem']),
            errno.EPERM: 'no CAP_SYS_ADMIN, or as many areas as the kernel takes are in use',
        }.get(error.errno, 'swapon(2)')
        return KernelRefusal(action['path'], error, reason)

    def _activation_off(self, action):
        path = action['path']
        area = self._area(path)
        if area is None:
            return
        others = [other for other in parse_swaps(self.host.read('/proc/swaps')) if other['path'] != area['path']]
        # Looked at again now: the plan may be minutes old on a host in trouble.
        missing = room_without(area['used_bytes'], others, room_in_ram(read_meminfo(self.host)))
        if missing > 0:
            raise RescueError('{path} holds {found} bytes now, and RAM and other swap lack %d bytes to take them: it '
                              'stays on' % missing, path, area['used_bytes'])
        try:
            self._kernel.swapoff(self.host.path(path))
        except OSError as error:
            raise RescueError('the kernel refuses to switch it off ({found}): it stays on', path=path,
                              found=error.strerror)

    def _area(self, path):
        return file_facts(self.host, path, parse_swaps(self.host.read('/proc/swaps')), self._kernel)['area']

    def _persistence_edit(self, action):
        text = self.host.read(fstab.PATH)
        new = action['after']
        if text != action['before']:
            # Somebody else edited it since the plan was made: the same edit of what is there now.
            new = fstab.edited(text, self.host.read(backup_path(fstab.PATH)), action)
        if new != text:
            backup_once(self.host, fstab.PATH)
            self.host.replace(fstab.PATH, new)
        self._persistence_reload(action)

    _persistence_add = _persistence_change = _persistence_remove = _persistence_restore = _persistence_edit

    def _persistence_write_unit(self, action):
        if action['after'] is None:
            self.host.remove(action['path'])
        else:
            self.host.replace(action['path'], action['after'], 0o644, own=True)
        self._persistence_reload(action)

    def _persistence_enable(self, action):
        systemd.enable(self.host, action['unit'])

    def _persistence_disable(self, action):
        systemd.disable(self.host, action['unit'])

    def _persistence_reload(self, action):
        if not systemd.is_running(self.host):
            return
        try:
            systemd.reload_units(self.host)
        except systemd.SystemdError as error:
            # The next boot reads fstab anyway, and a host in trouble needs its swap more than a unit.
            self.warnings.append('%s, so systemd has no unit for the swap until the next boot or daemon-reload' % error)
