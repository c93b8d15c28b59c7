# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subvolumes of btrfs, and the place of a swap file among them.

While a swap file is on, no snapshot of its subvolume can be made: btrfs_ioctl_snap_create() gives ETXTBSY (btrfs(5),
"Swapfile support"). So a swap file has a subvolume of its own, or one for swap files alone.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import io
import os
import stat

from .mounts import mount_of, mounts

LIFTED = 'btrfs-snapshots'
# BTRFS_FIRST_FREE_OBJECTID: the inode of each subvolume's own directory, and of nothing else.
_ROOT_INODE = 256
_MAGIC, _PAGE_SIZES = b'SWAPSPACE2', (4096, 8192, 16384, 32768, 65536)


def is_subvolume(path):
    """True if ``path`` of this machine, on btrfs, is the directory of a subvolume."""
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_ino == _ROOT_INODE


def place(host, path, lifted=()):
    """{path, subvolume, exists}: where the swap file is, or is to be, that ``path`` means.

    ``subvolume`` is the directory of the swap file's own subvolume, None if it has none; ``exists`` is true if that is
    there. On btrfs the file ``/swapfile`` is ``/swapfile/swapfile`` in a subvolume ``/swapfile``. It stays as named if
    its directory is a subvolume for swap files already, if there is a file of that name, and with ``btrfs-snapshots``
    among ``lifted``. The directory of ``path`` has no links.
    """
    directory, name = os.path.split(path)
    if not _on_btrfs(host, directory):
        return {'path': path, 'subvolume': None, 'exists': False}
    if not host.is_directory(directory):
        # As a record names it, whose subvolume is gone.
        again = os.path.basename(directory) == name and host.is_directory(os.path.dirname(directory))
        return {'path': path, 'subvolume': directory if again else None, 'exists': False}
    if is_subvolume(host.path(path)):
        return {'path': os.path.join(path, name), 'subvolume': path, 'exists': True}
    if is_for_swap(host, directory, name):
        return {'path': path, 'subvolume': directory, 'exists': True}
    if host.status(path, follow=False) is not None or LIFTED in lifted:
        return {'path': path, 'subvolume': None, 'exists': False}
    return {'path': os.path.join(path, name), 'subvolume': path, 'exists': False}


def is_for_swap(host, directory, name):
    """True if a directory is a subvolume with only swap files in it, and ``name`` with its helpers."""
    if directory == '/' or not is_subvolume(host.path(directory)):
        return False
    return all(entry.startswith(name) or _is_swap(host.path(os.path.join(directory, entry)))
               for entry in host.listdir(directory))


def shared_with(host, path):
    """The mount point of the btrfs on which a swap file shares its subvolume with other files; None if it does not."""
    directory, name = os.path.split(path)
    status = host.status(path, follow=False)
    if status is None or not stat.S_ISREG(status.st_mode) or not _on_btrfs(host, directory):
        return None
    return None if is_for_swap(host, directory, name) else _mount(host, directory)['mount_point']


def _mount(host, directory):
    return mount_of(mounts(host), directory) or {}


def _on_btrfs(host, directory):
    return _mount(host, directory).get('filesystem') == 'btrfs'


def _is_swap(path):
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return False
        with io.open(path, 'rb') as stream:
            data = stream.read(_PAGE_SIZES[-1])
    except (IOError, OSError):
        return False
    return any(data[size - len(_MAGIC):size] == _MAGIC for size in _PAGE_SIZES)
