# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what Ansible and payload.py make of a module until one of the files that it is made of changes.

Ansible looks anew in each run for all that a module imports, which takes longer than anything else that a controller
does for a host. It keeps what it found within a run, in files below DEFAULT_LOCAL_TMP: those are brought there from a
directory of the user's before a module is built, and kept there after it was. That directory holds code that is run on
nodes as root, so it and its files have to be the user's own, and of nobody else's writing.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import time

from ansible import constants
from ansible.plugins.loader import module_utils_loader
from ansible.release import __version__
from ansible_collections.oom.rescue.plugins.plugin_utils.payload import SENT, write_whole

_COLLECTION = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_BUILT = os.path.join('ansiballz_cache', 'ansible_collections.oom.rescue.plugins.modules.')
# Stands in the name of a kept file between the module, the key, and the file's path below DEFAULT_LOCAL_TMP, and for
# the slash in that.
_BETWEEN = ','
_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC
# Bytes before a kept file's own: a machine that lost its power may have its name and half of it.
_CHECKSUM = hashlib.sha256().digest_size
# What is being written, and after how many seconds nobody writes it any more.
_PARTIAL, _ABANDONED = 'partial.', 3600


@contextlib.contextmanager
def kept(module):
    """While a module is built, named without its collection: with what is kept of it, if it is one of this collection.
    """
    if _built(module) or not os.path.exists(_path_of(module)):
        yield
        return
    directory = _directory()
    if directory is None:
        yield
        return
    try:
        key = _key(module)
        _bring(directory, module, key)
        before = _built(module) + _sent()
        yield
        made = [path for path in _built(module) + _sent() if path not in before]
        if made:
            _keep(directory, module, key, made)
    finally:
        os.close(directory)


def _built(module):
    """The paths below DEFAULT_LOCAL_TMP of what Ansible made of a module in this run."""
    folder, prefix = os.path.split(_BUILT)
    return [os.path.join(folder, name) for name in _names(folder)
            if name.startswith(prefix + module + '-') and not name.endswith('.lock')]


def _sent():
    """The paths below DEFAULT_LOCAL_TMP of what payload.py made of any module in this run."""
    return [name for name in _names('') if name.startswith(SENT)]


def _names(folder):
    try:
        return sorted(os.listdir(os.path.join(constants.DEFAULT_LOCAL_TMP, folder)))
    except FileNotFoundError:
        return []


def _directory():
    """A descriptor of the directory, or None if there can be none that is this user's alone."""
    path = os.path.join(constants.config.get_config_value('ANSIBLE_HOME'), 'oom.rescue')
    try:
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700)
        found = os.open(path, os.O_RDONLY | os.O_DIRECTORY | _FLAGS)
    except OSError:
        return None
    if _is_own(os.fstat(found)):
        return found
    os.close(found)
    return None


def _is_own(status):
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _path_of(module):
    return os.path.join(_COLLECTION, 'modules', module + '.py')


def _key(module):
    """Text that is another one if Ansible, a module, or anything that it may import was changed."""
    paths = [_path_of(module)]
    # The loader's places are a user's own and Ansible's.
    for root in (_COLLECTION + '/module_utils', _COLLECTION + '/plugin_utils',
                 *module_utils_loader._get_paths(subdirs=False)):
        for folder, _folders, names in os.walk(root):
            paths.extend(os.path.join(folder, name) for name in names if name.endswith('.py'))
    digest = hashlib.sha256(__version__.encode())
    for path in sorted(paths):
        status = os.stat(path)
        # Who sets a file's time back does not set back that of its inode.
        digest.update(repr((path, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)).encode())
    return digest.hexdigest()


def _bring(directory, module, key):
    """Put what is kept of a module where Ansible and payload.py look for it."""
    start = _BETWEEN.join((module, key, ''))
    for name in os.listdir(directory):
        target = name[len(start):].replace(_BETWEEN, os.sep)
        if name.startswith(start) and target.startswith((_BUILT, SENT)):
            data = _read_below(directory, name)
            if data is not None:
                path = os.path.join(constants.DEFAULT_LOCAL_TMP, target)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                write_whole(path, data)


def _read_below(directory, name):
    """A kept file's bytes, or None if it is not whole or not this user's own."""
    try:
        with open(os.open(name, os.O_RDONLY | _FLAGS, dir_fd=directory), 'rb') as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode) or not _is_own(status):
                return None
            checksum, data = stream.read(_CHECKSUM), stream.read()
    except OSError:
        return None
    return data if hashlib.sha256(data).digest() == checksum else None


def _keep(directory, module, key, paths):
    """Keep what this run made of a module, and nothing older of it. What cannot be kept is made again."""
    names = os.listdir(directory)
    with contextlib.suppress(OSError):
        for name in names:
            if name.startswith(module + _BETWEEN) and not name.startswith(module + _BETWEEN + key) or (
                    name.startswith(_PARTIAL) and _is_abandoned(directory, name)):
                os.unlink(name, dir_fd=directory)
        for path in paths:
            with open(os.path.join(constants.DEFAULT_LOCAL_TMP, path), 'rb') as stream:
                _write_below(directory, _BETWEEN.join((module, key, path.replace(os.sep, _BETWEEN))), stream.read())


def _is_abandoned(directory, name):
    return time.time() - os.stat(name, dir_fd=directory, follow_symlinks=False).st_mtime > _ABANDONED


def _write_below(directory, name, data):
    partial = _PARTIAL + os.urandom(8).hex()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS
    try:
        with open(os.open(partial, flags, 0o600, dir_fd=directory), 'wb') as stream:
            stream.write(hashlib.sha256(data).digest() + data)
        os.rename(partial, name, src_dir_fd=directory, dst_dir_fd=directory)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(partial, dir_fd=directory)
        raise
