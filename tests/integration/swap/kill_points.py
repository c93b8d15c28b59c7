# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The system calls of a run that change something, each with its number among its kind, for strace to act on."""

import re

CHANGING = ('openat', 'write', 'fallocate', 'ftruncate', 'fsync', 'fdatasync', 'chmod', 'fchmod', 'chown', 'fchown',
            'fchownat', 'fchmodat', 'rename', 'renameat', 'renameat2', 'unlink', 'unlinkat', 'mkdir', 'mkdirat',
            'rmdir', 'swapon', 'swapoff', 'setxattr', 'lsetxattr', 'ioctl')
_CALL = re.compile(r'(\w+)\((.*)')


def tracing(log):
    """strace's words to write the calls of a run into a file that points() reads."""
    return ['strace', '-o', str(log), '-e', 'trace=' + ','.join(CHANGING)]


def points(log):
    """[(system call, number from 1)] that change something, in order, of a run that was not disturbed."""
    counts, found = {}, []
    for line in log.read_text(errors='replace').splitlines():
        match = _CALL.match(line)
        if not match:
            continue
        name, rest = match.groups()
        counts[name] = counts.get(name, 0) + 1
        if _changes(name, rest):
            found.append((name, counts[name]))
    return found


def _changes(name, rest):
    if name == 'openat':
        return 'O_CREAT' in rest
    if name == 'write':
        return not re.match(r'[012],', rest)
    if name == 'ioctl':
        return 'SETFLAGS' in rest or 'SUBVOL_CREATE' in rest
    if name == 'swapon':
        return not rest.startswith('""')
    return True


def killing(name, number):
    """strace's words to kill at this call, before the kernel carries it out."""
    return ['strace', '-o', '/dev/null', '-e', 'trace=' + name,
            '-e', 'inject=%s:signal=KILL:when=%d' % (name, number)]


def failing(name, number, error):
    """strace's words to fail this call."""
    return ['strace', '-o', '/dev/null', '-e', 'trace=' + name,
            '-e', 'inject=%s:error=%s:when=%d' % (name, error, number)]
