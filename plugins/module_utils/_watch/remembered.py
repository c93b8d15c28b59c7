# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the watch remembers from one run to the next, so that nothing is lost and nothing is told twice.

It is in a file of two halves of the same size, which are written in turns and in place: a crash damages only one, and a
full disk has room for it. A copy in /run is for a disk that cannot be written at all.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import hashlib
import json
import os

from .._files.host import to_native
from .._files.reader import parse_json
from .._log.times import format_time

VERSION = 1
HALF = 1 << 16
_MOST_TOLD = 600
# Messages that wait, in number and bytes.
MOST_WAITING, _MOST_OF_WAITING = 20, HALF * 3 // 8
_MOST_SERIES = 60
_MOST_SENT = 100


def new(now):
    """What is remembered before the first look; ``now`` is seconds since 1970."""
    return {'version': VERSION, 'serial': 0, 'mark': None, 'since': now, 'saved': 0, 'measured': 0, 'told': [],
            'waiting': [], 'sent': [], 'held': None, 'kills': [], 'last_kill': None, 'open': []}


def bound(state, now):
    """Cut the state to what a half has room for: the oldest entries of each list go, messages are counted as held."""
    state.update(told=state['told'][-_MOST_TOLD:], sent=state['sent'][-_MOST_SENT:],
                 kills=state['kills'][:_MOST_SERIES])
    while len(state['waiting']) > MOST_WAITING or (state['waiting'] and _size(state['waiting']) > _MOST_OF_WAITING):
        hold(state, state['waiting'].pop(0), now)
    while state['told'] and _size(state) > HALF - 100:
        state['told'] = state['told'][1:]


def hold(state, row, now):
    """Count a message that is no longer to be told by itself: {count, first, last, host} of them is told later."""
    message = row['message']
    moment = message['time'] or format_time(now)
    held = state['held'] or {'count': 0, 'first': moment}
    state['held'] = dict(held, count=held['count'] + message.get('count', 1), last=moment, host=message['host'])


def _size(value):
    return len(json.dumps(value))


def load(paths):
    """The newest whole state in the files, or None if there is none."""
    states = [state for path in paths for half in _halves(path) for state in [_understood(half)] if state]
    return max(states, key=lambda state: state['serial']) if states else None


def save(state, paths):
    """Write the state, with the next serial, into each of the files. Returns a list with the error, or None, for each.
    """
    state['serial'] += 1
    return [_save(path, _half(state), state['serial']) for path in paths]


def _half(state):
    data = json.dumps(state, sort_keys=True).encode('ascii')
    digest = hashlib.sha256(data).hexdigest().encode('ascii')
    return (digest + b'\n' + data).ljust(HALF - 1) + b'\n'


def _save(path, half, serial):
    """Write a half in its place. Returns the error, or None."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except (IOError, OSError) as error:
        return error
    try:
        if os.fstat(descriptor).st_size != 2 * HALF:
            # Both halves have their blocks from the beginning.
            os.ftruncate(descriptor, 0)
            _write(descriptor, half * 2, 0)
        else:
            _write(descriptor, half, serial % 2 * HALF)
        os.fsync(descriptor)
    except (IOError, OSError) as error:
        return error
    finally:
        os.close(descriptor)
    return None


def _write(descriptor, data, offset):
    os.lseek(descriptor, offset, os.SEEK_SET)
    while data:
        written = os.write(descriptor, data)
        if not written:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        data = data[written:]


def _halves(path):
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (IOError, OSError):
        return []
    with os.fdopen(descriptor, 'rb') as stream:
        return [stream.read(HALF), stream.read(HALF)]


def _understood(half):
    digest, dummy, data = half.partition(b'\n')
    data = data.rstrip()
    if hashlib.sha256(data).hexdigest().encode('ascii') != digest:
        return None
    state = parse_json(to_native(data))
    return state if state.get('version') == VERSION else None
