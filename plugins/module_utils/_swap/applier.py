# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out the steps of a plan for a swap file, one at a time, on a host."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import os

from .._change.record import backup_once, backup_path
from .._files.errors import RescueError, naming
from .._node.meminfo import read_meminfo, room_in_ram
from .._node.swap_areas import parse_swaps
from .._systemd import systemd
from . import allocate, fstab, syscalls
from .facts import file_facts, in_use, read_facts, wanted_label
from .filesystem import explain_refusal
from .signature import read_signature, write_signature
from .size import room_without


class KernelRefusal(RescueError):
    """swapon(2) refused a file; ``errno`` says how."""

    def __init__(self, path, error, reason):
        RescueError.__init__(self, 'the kernel refuses to switch it on ({value}): %s' % reason, path, error.strerror)
        self.errno = error.errno


class Applier:
    """Carries out actions on a host. ``progress`` is a callable (done_bytes, total_bytes) for a long write.

    ``warnings`` has what went wrong without being a reason to undo the rest.
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

    def read_facts(self, path):
        """The facts of the swap file as it is now, as read_facts() returns them."""
        return read_facts(self.host, path, self._kernel)

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
        """Truncate the file, as somebody may have it open and read what was swapped out. With other names it is only
        truncated if others than root could read it.
        """
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
                # Somebody may have the file open, or another name of it, and what was swapped out is in it.
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
            # Some filesystems reserve blocks with fallocate and then call the reserved extents holes; blocks that were
            # written are no holes.
            self._rewrite(action)
            try:
                self._swapon(action)
            except OSError as again:
                raise self._refusal(action, again)
        area = self._area(path)
        if area is None:
            raise RescueError('swapon said yes, and /proc/swaps does not list it', path)
        # If blocks are smaller than a page, some pages may not lie in one piece: the kernel leaves those out.
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
        # This is checked again now: the plan may be minutes old on a host in trouble.
        missing = room_without(area['used_bytes'], others, room_in_ram(read_meminfo(self.host)))
        if missing > 0:
            raise RescueError('{path} holds {value} bytes now, and RAM and other swap lack %d bytes to take them: it '
                              'stays on' % missing, path, area['used_bytes'])
        try:
            self._kernel.swapoff(self.host.path(path))
        except OSError as error:
            raise RescueError('the kernel refuses to switch it off ({value}): it stays on', path=path,
                              value=error.strerror)

    def _area(self, path):
        return file_facts(self.host, path, parse_swaps(self.host.read('/proc/swaps')), self._kernel)['area']

    def _persistence_edit(self, action):
        text = self.host.read(fstab.PATH)
        new = action['after']
        if text != action['before']:
            # Somebody else has edited the file since the plan was made: make the same edit in its present text.
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
