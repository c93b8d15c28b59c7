# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the report's files so that they are whole, belong to nobody else, and are never written through a link."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import stat

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A host's entry in report.json at most, and the page beside it.
_ROOM = 1 << 17
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class ReportError(ValueError):
    """A directory or mode that the report cannot have."""


def parse_mode(value):
    """The mode of ``0600`` or of the number that YAML makes of it; raises ReportError."""
    try:
        mode = value if isinstance(value, int) else int(value, 8)
    except (TypeError, ValueError):
        mode = -1
    if not 0 <= mode <= 0o777 or mode & 0o600 != 0o600:
        raise ReportError(f'report_mode is {value!r}: give a mode that lets its owner read and write, such as "0644"')
    return mode


def write_files(directory, files, mode, is_newer=None):
    """Write {name: text} into the directory, which is made, for those who may read the files, if it is not there.

    Each file is replaced by a rename and has ``mode`` from its first byte. A directory that is there keeps its mode.
    Nothing is written if ``is_newer``, called with the directory's descriptor, is true: hosts that end beside each
    other write one report, one after the other. Raises ReportError, or OSError.
    """
    with _opened(directory, mode) as parent:
        fcntl.flock(parent, fcntl.LOCK_EX)
        if is_newer and is_newer(parent):
            return
        for name, text in files.items():
            _replace(parent, name, text.encode('utf-8'), mode)


def try_directory(directory, mode):
    """Make the directory as write_files() does, and see whether there is room in it. Raises as that does."""
    with _opened(directory, mode) as parent:
        _replace(parent, f'.room.{secrets.token_hex(8)}', b'\0' * _ROOM, 0o600, keep=False)


@contextlib.contextmanager
def _opened(directory, mode):
    """The descriptor of the directory, which is made if it is not there."""
    made = _make(directory, mode)
    try:
        parent = os.open(directory, _DIRECTORY)
    except OSError as error:
        if os.path.islink(directory):
            raise ReportError(f'{directory} is a link: name in report_dir the directory that it leads to') from error
        raise
    try:
        _check(directory, os.fstat(parent))
        if made:
            os.fchmod(parent, made)
        yield parent
    finally:
        os.close(parent)


def _make(directory, mode):
    """The mode that the new directory is to have; None if there was one."""
    os.makedirs(os.path.dirname(directory), exist_ok=True)
    try:
        os.mkdir(directory, 0o700)
    except FileExistsError:
        return None
    # Who may read the files may also enter.
    return mode | (mode & 0o444) >> 2


def _check(directory, status):
    if status.st_uid != os.geteuid():
        raise ReportError(f'{directory} belongs to user {status.st_uid}, and the report is written by user '
                          f'{os.geteuid()}: remove it, or name another directory in report_dir')
    if status.st_mode & stat.S_IWOTH and not status.st_mode & stat.S_ISVTX:
        raise ReportError(f'{directory} has mode {stat.S_IMODE(status.st_mode):04o}, so anybody could put a page in '
                          f"the report's place: run chmod o-w {directory}, or name another directory in report_dir")


def _replace(parent, name, data, mode, keep=True):
    temporary = f'.{name}.{secrets.token_hex(8)}'
    descriptor = os.open(temporary, _NEW, 0o600, dir_fd=parent)
    try:
        with os.fdopen(descriptor, 'wb') as file:
            os.fchmod(descriptor, mode)
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        if keep:
            os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
        else:
            os.unlink(temporary, dir_fd=parent)
    except BaseException:
        os.unlink(temporary, dir_fd=parent)
        raise
