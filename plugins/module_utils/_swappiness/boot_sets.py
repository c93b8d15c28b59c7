# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What sets a sysctl key at boot beside sysctl files and tuned: tmpfiles.d, and commands of rc.local, units and cron.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from . import sysctl
from .._node import tmpfiles

TMPFILES, COMMAND = 'tmpfiles.d', 'a command'
_ECHO = re.compile(r'(?:^|[\s(/])(?:echo|printf)\s+(?:-\w+\s+)*[\'"]?(-?\w+)(?:\\n)?[\'"]?')
_WRITES = re.compile(r'>|\btee\b|write|\bw[+b]?\b')
_LOADS = re.compile(r'(?:^|[\s(/])sysctl\s+(?:\S+\s+)*?(--system|-p\S*|--load\S*|-f)(?:\s+([^\s;-]\S*))?')
# Without a file it applies what the boot has applied already.
_APPLIES = re.compile(r'/systemd-sysctl\s(?:\s*-\S+)*\s*(/[^\s;]+)')


def of_tmpfiles(view, runtime):
    """The steps of tmpfiles.d(5), as sysctl.assignments() returns them."""
    return [{'source': row['source'], 'read_as': row['read_as'], 'line': row['line'], 'raw': row['argument'],
             'excludes': False} for row in tmpfiles.writes(view, runtime)]


def found(commands, key, runtime):
    """[{source, line, raw, reads, certain}] of the commands that set a key.

    ``raw`` is the value. It is None for a command that applies files: then ``reads`` is the file, or ``--system``. Both
    are None for a command that names the key in another way.
    """
    sets = re.compile(r'(?:^|[\s(/])sysctl\s.*\bvm[./]%s\s*=\s*[\'"]?([^\s\'";]*)' % key.rpartition('.')[2])
    rows, before = [], None
    for command in commands:
        raw = reads = None
        match, load = sets.search(command.text), _LOADS.search(command.text)
        if match:
            raw = match.group(1)
        elif runtime in command.text and _WRITES.search(command.text):
            piped = before is not None and (before.source, before.line) == (command.source, command.line)
            echo = _ECHO.search(command.text) or piped and _ECHO.search(before.text)
            raw = echo.group(1) if echo else None
        elif load:
            reads = '--system' if load.group(1) == '--system' else load.group(2) or sysctl.MAIN
        elif 'systemd-sysctl' in command.text:
            applied = _APPLIES.search(command.text)
            reads = applied and applied.group(1)
        before = command
        if match or reads or runtime in command.text and _WRITES.search(command.text):
            rows.append({'source': command.source, 'line': command.line, 'raw': raw, 'reads': reads,
                         'certain': command.certain})
    return rows


def of_commands(view, rows, key, modern):
    """The steps of found(): each with its value, with ``unknown`` if that cannot be told, or ``perhaps`` if it may not
    run.
    """
    steps = []
    for row in rows:
        for raw in _values(view, row, key, modern):
            step = {'source': row['source'], 'line': row['line'], 'raw': raw, 'excludes': False}
            if raw is None:
                step['unknown'] = 'its value cannot be told'
            if not row['certain']:
                step['perhaps'] = True
            steps.append(step)
    return steps


def _values(view, row, key, modern):
    if row['reads'] is None:
        return [row['raw']]
    if row['reads'] == '--system':
        return [step['raw'] for step in sysctl.assignments(view, key, sysctl.PROCPS, modern)][-1:]
    return [entry['raw'] for entry in sysctl.parse(view.read(row['reads']), key) if entry['raw'] is not None][-1:]


def paths(view, rows):
    """All paths that the functions here look at."""
    return tmpfiles.paths(view) + [row['reads'] for row in rows if (row['reads'] or '').startswith('/')]
