# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node was like before the collection first changed it, kept on the node so that any controller can undo it."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import json
import os
import re
import stat

from .._files import permissions
from .._files.errors import RescueError
from .._files.host import DIRECTORY
from .._files.reader import parse_json


def refuse_directory(host):
    """Raise RescueError if anybody but root could have written the files in the directory of the records."""
    path = host.path(DIRECTORY)
    try:
        status = os.lstat(path)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR):
            raise
        return
    flaw = None
    if not stat.S_ISDIR(status.st_mode):
        flaw = 'a symbolic link' if stat.S_ISLNK(status.st_mode) else 'no directory'
    else:
        words = permissions.who_may_replace(path, DIRECTORY)
        flaw = 'not root\'s alone: %s' % words if words else None
    if flaw:
        raise RescueError('{path} is {value}, and has to be {allowed}', path=DIRECTORY, value=flaw,
                          allowed='a directory that only root can write to',
                          next_step='look at who made it, move it away, and run again')


def close_directory(host):
    """Make the records root's alone again, whatever was done to their modes. Raises RescueError or OSError.

    A file that others could have reached and changed is refused, and not made to look like ours.
    """
    refuse_directory(host)
    open_to_others = host.is_directory(DIRECTORY) and os.stat(host.path(DIRECTORY)).st_mode & 0o077
    for name in host.listdir(DIRECTORY):
        path = '%s/%s' % (DIRECTORY, name)
        flaw = host.flaw_of_own(path, 0o600)
        words = permissions.writer_of(host.path(path)) if flaw else None
        if words and (open_to_others or _is_anothers(host, path)):
            raise RescueError('{path} has {value}, and others could have changed it', path=path, value=flaw,
                              allowed='mode 0600 of root',
                              next_step='look at what it says, and move it away or chmod it to 0600')
        if flaw:
            host.replace(path, host.read(path, links=False), 0o600, own=True)
    if open_to_others:
        os.chmod(host.path(DIRECTORY), 0o700)


def _is_anothers(host, path):
    """True if a file belongs to another user, who may have it open, whatever the directory says now."""
    status = host.status(path, follow=False)
    return status is not None and status.st_uid not in (0, os.geteuid())


# The version of the form of the files. A change of it counts up, and older ones can still be read.
VERSION = 2
_AWAY = 'move it away to go on without the record of what was before'
_TEXT = (str, type(u''))
# Python 2 has another type for an integer larger than a word.
_NUMBER = (int, type(1 << 64))
_NONE = (type(None),)


class _Maybe:
    """The form of a value that records of an older release lack."""

    def __init__(self, form):
        self.form = form


class _Each:
    """The form of all values of a dictionary, whatever its keys."""

    def __init__(self, form):
        self.form = form


_OF_SCORE = {
    'value': _Maybe(_NUMBER), 'directories': _Maybe([_TEXT]), 'managers': _Each(_NUMBER),
    'live': [{'pid': _NUMBER, 'start_ticks': _NUMBER, 'boot_id': _TEXT, 'before': _NUMBER, 'after': _NUMBER}],
    'files': _Each({'before': _TEXT + _NONE, 'sha256': _TEXT, 'killer': _Maybe(_TEXT + _NONE),
                    'names': _Maybe([_TEXT])}),
}
_OF_SWAP = {
    'existed': bool, 'active': bool, 'fstab_lines': [_TEXT], 'fstab_existed': bool, 'size_bytes': _NUMBER + _NONE,
    'mode': _TEXT + _NONE, 'uid': _NUMBER + _NONE, 'gid': _NUMBER + _NONE, 'priority': _NUMBER + _NONE,
    'fstab_above': _Maybe([_TEXT + _NONE]), 'unit_text': _Maybe(_TEXT + _NONE), 'label': _Maybe(_TEXT + _NONE),
    'left': _Maybe(_NONE + (dict,)),
}
# What it takes to undo changes to a file that was there.
_OF_SWAP_FILE = {'size_bytes': _NUMBER, 'mode': re.compile(r'[0-7]{3,5}\Z'), 'uid': _NUMBER, 'gid': _NUMBER}


def _of_score(_key, _record):
    return _OF_SCORE


def _of_swap(_key, record):
    form = dict(_OF_SWAP, **(_OF_SWAP_FILE if record.get('existed') else {}))
    return dict(form, priority=_NUMBER) if record.get('active') else form


def _of_swappiness(key, _record):
    if key == 'tuned':
        return {'active_profile': _TEXT + _NONE, 'profile_mode': _TEXT + _NONE}
    if key.startswith(('file:', 'directory:')):
        return {'existed': bool, 'mode': _Maybe(_NUMBER)}
    return {'before': _NUMBER + _NONE}


# What a record of a remedy has, and of which types.
FORMS = {'oom_score_adj': _of_score, 'swap': _of_swap, 'swappiness': _of_swappiness}


def _fits(value, form):
    """True if a value has a form.

    A form is a type or several, an expression for its text, a dictionary of the keys that it needs, a list of the one
    form of all its items, _Each, or in a dictionary _Maybe.
    """
    if isinstance(form, dict):
        return isinstance(value, dict) and all(_has(value, key, form[key]) for key in form)
    if isinstance(form, list):
        return isinstance(value, list) and all(_fits(item, form[0]) for item in value)
    if isinstance(form, _Each):
        return isinstance(value, dict) and all(_fits(item, form.form) for item in value.values())
    if hasattr(form, 'match'):
        return isinstance(value, _TEXT) and bool(form.match(value))
    return isinstance(value, form)


def _has(value, key, form):
    if isinstance(form, _Maybe):
        return key not in value or _fits(value[key], form.form)
    return key in value and _fits(value[key], form)


class Damaged(RescueError):
    """A file of records that was cut, changed by hand, or written by a later release."""


class State:
    """The records of one remedy (``name``), a dictionary by key, and the backups of files that it edits.

    The file is {version, records}. A file without a version is of a release before 0.2.0: the records alone. With
    ``tolerant`` a damaged file counts as none, and is set aside when the first record is kept: ``damage`` is the
    reason, in one line, or None.
    """

    def __init__(self, host, name, tolerant=False):
        self._host = host
        self._name = name
        self._path = '%s/%s.json' % (DIRECTORY, name)
        self._tolerant = tolerant
        self.damage, self._aside = None, False

    def records(self):
        """All records. Raises RescueError if the file may be somebody else's, Damaged if it cannot be understood."""
        refuse_directory(self._host)
        self._refuse_file()
        text = self._host.read(self._path, links=False)
        if text is None:
            return {}
        try:
            return self._understood(text)
        except Damaged as error:
            if not self._tolerant:
                raise
            self.damage = str(error)
            return {}

    def _understood(self, text):
        try:
            data = parse_json(text)
        except ValueError:
            data = None
        if isinstance(data, dict) and 'version' in data and not isinstance(data['version'], dict):
            if data['version'] != VERSION:
                raise self._damaged('is of version {value}, of a later release', value=data['version'],
                                    allowed=str(VERSION), next_step='undo with that release')
            data = data.get('records')
        if not isinstance(data, dict):
            raise self._damaged('is not a JSON object, as if it had been cut or edited', allowed='a JSON object')
        for key in sorted(data):
            if self._name in FORMS and not self._is_whole(key, data[key]):
                raise self._damaged('has a record of {value} that is not whole', value=key, allowed='as it was written')
        return _native(data)

    def _is_whole(self, key, record):
        return isinstance(record, dict) and _fits(record, FORMS[self._name](key, record))

    def _damaged(self, what, value=None, allowed=None, next_step=_AWAY):
        return Damaged('{path} %s, so that what was before is not known; what this collection made is still there'
                       % what, path=self._path, value=value, allowed=allowed, next_step=next_step)

    def _refuse_file(self):
        if _is_anothers(self._host, self._path):
            raise RescueError('{path} is {value}, and has to be {allowed}', path=self._path,
                              value='of the user %d' % self._host.status(self._path, follow=False).st_uid,
                              allowed='root\'s', next_step='look at who made it, move it away, and run again')

    def get(self, key):
        """The record of a key, or None."""
        return self.records().get(key)

    def remember(self, key, record):
        """Keep the first record of a key, which tells what was there before the first change. True if it was new."""
        records = self.records()
        if key in records:
            return False
        records[key] = record
        self._save(records)
        return True

    def put(self, key, record):
        """Keep a record, in place of an older one of that key."""
        records = self.records()
        if records.get(key) != record:
            records[key] = record
            self._save(records)

    def forget(self, key):
        """Drop a record; the file and its directory go with the last one."""
        records = self.records()
        if records.pop(key, None) is not None and records:
            self._save(records)
        elif not records and self._host.exists(DIRECTORY):
            # Also if there was no record: a run may have been killed between these two.
            self._host.remove(self._path)
            self._host.remove_empty_directory(DIRECTORY)

    def _save(self, records):
        self._host.make_directory(DIRECTORY, 0o700)
        if self.damage and not self._aside:
            self._aside = True
            self._host.replace(self._path + '.damaged', self._host.read(self._path, links=False), 0o600, own=True)
        self._host.replace(self._path, json.dumps({'version': VERSION, 'records': records}, indent=1, sort_keys=True)
                           + '\n', 0o600, own=True)


def backup_path(path):
    """The path of the backup of a file: ``/var/lib/oom-rescue/etc-fstab.orig`` for ``/etc/fstab``."""
    return '%s/%s.orig' % (DIRECTORY, path.strip('/').replace('/', '-'))


def aside_path(path):
    """The path at which a file of ours is kept as others changed it: ``/var/lib/oom-rescue/etc-default-mysql.changed``.
    """
    return '%s/%s.changed' % (DIRECTORY, path.strip('/').replace('/', '-'))


def set_aside(host, path):
    """Keep a file of ours as others changed it, for root alone to look at."""
    host.make_directory(DIRECTORY, 0o700)
    host.replace(aside_path(path), host.read(path, links=False) or '', 0o600, own=True)


def backup_once(host, path):
    """Copy a file as it was before the first edit. Returns the backup's path, or None if there is no file."""
    refuse_directory(host)
    text = host.read(path)
    if text is None:
        return None
    target = backup_path(path)
    if not host.exists(target):
        host.make_directory(DIRECTORY, 0o700)
        # Whatever the file's own mode: others may be allowed to read it, but the copy is for the undo alone.
        host.replace(target, text, 0o600, own=True)
    return target


def drop_backup(host, path):
    """Remove a backup that the file equals again, byte for byte. True if none is left."""
    target = backup_path(path)
    saved = host.read(target)
    if saved is None:
        return True
    if saved != host.read(path):
        return False
    host.remove(target)
    host.remove_empty_directory(DIRECTORY)
    return True


def _native(data):
    """The same value with native text. Python 2 decodes JSON to unicode, and a key may be a path that goes to the
    kernel.
    """
    if isinstance(data, dict):
        return dict((_native(key), _native(value)) for key, value in data.items())
    if isinstance(data, list):
        return [_native(item) for item in data]
    return data.encode('utf-8') if str is bytes and isinstance(data, type(u'')) else data
