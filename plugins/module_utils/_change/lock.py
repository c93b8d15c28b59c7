# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run at a time on a node, whatever its remedy: two would take each other's unfinished files for leftovers."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import contextlib
import errno
import fcntl
import os
import stat
import time

from .._files import permissions
from .._files.errors import RescueError
from .._files.host import to_bytes, to_native
from . import record

# Not a directory that every user may write to, as /run/lock is on Debian: any of them could hold the lock for ever.
DIRECTORIES = ('/run', '/')
NAME = 'oom-rescue.lock'
WAIT_SECONDS = 60
_PAUSE = 0.1
# The directories of our files, in which a killed run may have left some.
_OURS = ('/etc', '/etc/sysctl.d', '/etc/tmpfiles.d', '/etc/default', '/etc/sysconfig', '/etc/nohang', '/etc/tuned',
         '/etc/oom-rescue', '/etc/cron.d', '/etc/systemd/system', '/usr/local/lib/oom-rescue', '/run', record.DIRECTORY)
_DROP_INS = '/etc/systemd/system'


@contextlib.contextmanager
def one_run(host, what, check_mode=False):
    """A context that only one run can be in; ``what`` names this run to one that waits for it.

    It begins by clearing up after a killed run: files half written get their old content, unfinished ones are removed.
    The lock itself leaves nothing. In check mode, which changes nothing, it is not taken. Raises RescueError or
    OSError.
    """
    if check_mode:
        yield
        return
    path = _path(host)
    descriptor = _take(path, time.time() + WAIT_SECONDS)
    if descriptor is None:
        yield
        return
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, to_bytes('pid %d, %s' % (os.getpid(), what)))
        record.close_directory(host)
        host.finish_interrupted()
        host.clear_leftovers(_places(host))
        yield
        # The rest of the last record, if a run was killed.
        host.remove_empty_directory(record.DIRECTORY)
    finally:
        # The name is removed while the lock is held: else somebody could wait for a file without a name and not notice.
        os.unlink(path)
        os.close(descriptor)


def _path(host):
    for directory in DIRECTORIES:
        path = host.path(directory)
        if os.path.isdir(path):
            words = permissions.who_may_replace(path, directory)
            if words:
                raise RescueError('{value}, so no lock can be held there', value=words,
                                  next_step='take that right away, and run again')
            break
    return os.path.join(path, NAME)


def _take(path, deadline):
    """The descriptor of the lock's file, held. None if nothing can be written there: the host will say so."""
    while True:
        try:
            descriptor = _open(path)
        except OSError as error:
            if error.errno != errno.EROFS:
                raise
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The run that held it has removed the name since this was opened.
            if _is_named(descriptor, path):
                return descriptor
        except (IOError, OSError) as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EINTR):
                os.close(descriptor)
                raise
            if time.time() >= deadline:
                holder = to_native(os.read(descriptor, 200))
                os.close(descriptor)
                raise RescueError('another run is at work on this host ({value}) and did not end within %d seconds'
                                  % WAIT_SECONDS, path, holder, next_step='wait for it, and run again')
            time.sleep(_PAUSE)
        os.close(descriptor)


def _open(path):
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR):
            raise RescueError('{path} is {value}, and has to be {allowed}', path=path, value='a link or a directory',
                              allowed='a file of root\'s', next_step='remove it')
        raise
    fcntl.fcntl(descriptor, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
        os.close(descriptor)
        raise RescueError('{path} has {value}, and has to be {allowed}', path=path,
                          value='the owner %d and mode %04o' % (status.st_uid, stat.S_IMODE(status.st_mode)),
                          allowed='a file of root\'s with mode 0600', next_step='remove it')
    return descriptor


def _is_named(descriptor, path):
    try:
        named = os.lstat(path)
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
        return False
    held = os.fstat(descriptor)
    return (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino)


def _places(host):
    drop_ins = ['%s/%s' % (_DROP_INS, name) for name in host.listdir(_DROP_INS) if name.endswith('.d')]
    return [place for place in list(_OURS) + drop_ins if os.path.isdir(host.path(place))]
