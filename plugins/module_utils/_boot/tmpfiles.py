# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that systemd-tmpfiles writes and removes at boot (tmpfiles.d(5))."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import fnmatch
import re

from . import credentials

ETC = '/etc/tmpfiles.d'
# The first directory that has a name hides it in the others.
DIRECTORIES = (ETC, '/run/tmpfiles.d', '/usr/local/lib/tmpfiles.d', '/usr/lib/tmpfiles.d', '/lib/tmpfiles.d')
_FIELD = re.compile(r'"((?:[^"\\]|\\.)*)"|\'([^\']*)\'|(\S+)')
_WRITES, _REMOVES = 'wF', 'DRr'


def paths(view):
    """All paths that the functions here read, without a credential's."""
    found = []
    for directory in DIRECTORIES:
        found += [directory] + ['%s/%s' % (directory, name) for name in view.listdir(directory)
                                if name.endswith('.conf')]
    return found


def entries(view, more=()):
    """[{source, read_as, line, type, modifiers, path, argument}] of the files in force, in the order of their names.

    Files below /run are left out: a reboot takes them away. ``more`` are the paths of a credential
    (credentials.places()), which counts after all files.
    """
    chosen = {}
    for directory in DIRECTORIES:
        for name in view.listdir(directory) if not directory.startswith('/run/') else []:
            if name.endswith('.conf'):
                chosen.setdefault(name, '%s/%s' % (directory, name))
    found = []
    for path in [chosen[name] for name in sorted(chosen)] + credentials.files(view, more):
        for number, text in enumerate((view.read(path) or '').splitlines(), 1):
            row = _parsed(text)
            if row:
                found.append(dict(row, source=view.real(path), read_as=path, line=number))
    return found


def _parsed(text):
    """{type, modifiers, path, argument} of a line, or None."""
    text = text.strip()
    if not text or text.startswith('#'):
        return None
    fields = [next(part for part in match.groups() if part is not None) for match in _FIELD.finditer(text)]
    if len(fields) < 2:
        return None
    rest = list(_FIELD.finditer(text))
    # The argument is all that follows the sixth field.
    argument = text[rest[6].start():].strip() if len(fields) > 6 else ''
    return {'type': fields[0][0], 'modifiers': fields[0][1:], 'path': fields[1], 'argument': argument.strip('"\'')}


def writes(view, path, more=()):
    """The lines that write to a file that is there, in order; of several for one path only the first counts, except
    with ``+``.
    """
    found, seen = [], set()
    for row in entries(view, more):
        if row['type'] in _WRITES or row['type'] in 'fF' and '+' in row['modifiers']:
            if not _matches(row['path'], path) or row['path'] in seen and '+' not in row['modifiers']:
                continue
            seen.add(row['path'])
            found.append(row)
    return found


def removes(view, path, more=()):
    """``FILE line N`` of a line that removes a file, or what is in a directory above it, at boot; or None."""
    for row in entries(view, more):
        if row['type'] in _REMOVES and (_matches(row['path'], path)
                                        or row['type'] in 'DR' and _is_below(path, row['path'])):
            return '%s line %d' % (row['source'], row['line'])
    return None


def replaces(view, path):
    """``FILE line N`` of a line that puts another file in the place of one at boot; or None."""
    for row in entries(view):
        if (row['type'] == 'F' or row['type'] in 'fLC' and '+' in row['modifiers']) and _matches(row['path'], path):
            return '%s line %d' % (row['source'], row['line'])
    return None


def _is_below(path, pattern):
    parts = path.split('/')
    return any(_matches(pattern, '/'.join(parts[:count])) for count in range(2, len(parts)))


def _matches(pattern, path):
    """glob(7): a wildcard matches within one level."""
    wanted, names = re.sub(r'/+', '/', pattern).rstrip('/').split('/'), path.split('/')
    return len(wanted) == len(names) and all(fnmatch.fnmatchcase(*pair) for pair in zip(names, wanted))


def masked_path(path):
    """The path in /etc of a file that hides the one of that name in /usr."""
    return '%s/%s' % (ETC, path.rsplit('/', 1)[1])
