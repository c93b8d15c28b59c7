# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What sets a sysctl key at boot beside sysctl files and tuned: tmpfiles.d, and commands of rc.local, units and cron.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import fnmatch
import re

from .._boot import tmpfiles
from . import sysctl

TMPFILES, COMMAND = 'tmpfiles.d', 'a command'
# In the place of a value: the command may set this key, or another.
_PERHAPS = ''
_ECHO = re.compile(r'(?:^|[\s(/])(?:echo|printf)\s+(?:-\w+\s+)*[\'"]?(-?\w+)(?:\\n)?[\'"]?')
_WRITES = re.compile(r'>|\btee\b|write|\bof=|\bw[+b]?\b|\b(?:cp|install)\s.*swappiness\s*\Z')
_SYSCTL = re.compile(r'(?:^|[\s(/])sysctl\s+(.*)')
_LOADS = re.compile(r'(?:--load(?:=(.*))?|-[a-zA-Z]*[pf](.*))\Z')
_READS_A_KEY = ('-n', '-N', '-b', '-a', '-A', '-r', '--values', '--names', '--all', '--pattern')
_STANDARD_INPUT = ('-', '/dev/stdin')
# Without a file it applies what the boot has applied already.
_APPLIES = re.compile(r'/systemd-sysctl\s(?:\s*-\S+)*\s*(/[^\s;]+)')
_PROFILE = re.compile(r'(?:^|[\s(/])tuned-adm\s+(?:\S+\s+)*?(?:profile|auto_profile|off)\b')
_OPEN = re.compile(r'[$`]')
_QUOTES = re.compile(r'[\'"]')
# The script by which a boot without systemd applies the sysctl files: what it does is that stage of the boot.
_OF_THE_BOOT = re.compile(r'/etc/(?:init\.d/|rc(?:\.d/rc)?\w\.d/S\d*|runlevels/[^/]+/)(?:procps(?:\.sh)?|sysctl)\Z')


def of_tmpfiles(view, runtime, more):
    """The steps of tmpfiles.d(5), as sysctl.assignments() returns them."""
    return [{'source': row['source'], 'read_as': row['read_as'], 'line': row['line'], 'raw': row['argument'],
             'excludes': False, 'perhaps': row['read_as'].startswith('/run/')}
            for row in tmpfiles.writes(view, runtime, more)]


def setting_commands(commands, key, runtime):
    """[{source, line, raw, reads, certain}] of the commands that set a key.

    ``raw`` is the value. It is None for a command that applies files: then ``reads`` is the file, or ``--system``. Both
    are None for a command that sets it, or may, to a value that its text does not tell.
    """
    name = key.rpartition('.')[2]
    naming = set(command.source for command in commands if name in command.text)
    rows, before = [], None
    for command in commands:
        text = _QUOTES.sub('', command.text)
        if _writes_file(text, name):
            rows.append({'source': command.source, 'line': command.line, 'raw': None, 'reads': None, 'certain': False})
        for raw, reads in _of_sysctl(text, name) or _of_write(command, before, text, runtime, command.source in naming):
            if reads and _OF_THE_BOOT.match(command.source):
                continue
            # What may be this key is no reason to fail, as what sets it to another value is.
            rows.append({'source': command.source, 'line': command.line, 'raw': raw or None, 'reads': reads,
                         'certain': command.certain and raw != _PERHAPS})
        before = command
    return rows


def _of_sysctl(text, name):
    """[(value, None if it is not told, or _PERHAPS, file or None)] of what a command of sysctl or tuned-adm sets."""
    if re.match(r'\S*\b(?:echo|printf|logger|ssh)\s', text):
        return []
    if _PROFILE.search(text):
        return [(_PERHAPS, None)]
    applied = _APPLIES.search(text)
    if applied:
        return [(None, applied.group(1))]
    match = _SYSCTL.search(text)
    if not match:
        return []
    words, found = re.split(r'[\s;]+', re.sub(r'\s*=\s*', '=', match.group(1).strip())), []
    if '--system' in words:
        return [(None, '--system')]
    load = next((_LOADS.match(word) for word in words if _LOADS.match(word)), None)
    if load:
        files = [part for part in load.groups() if part] + [word for word in words if not word.startswith('-') or
                                                            word == '-']
        files = files or [sysctl.MAIN]
        return [(_PERHAPS, None) if _OPEN.search(path) or path in _STANDARD_INPUT else (None, path) for path in files]
    for word in words:
        named, equals, raw = word.partition('=')
        if equals and named.replace('/', '.') == 'vm.' + name:
            found.append((None if _OPEN.search(raw) or not raw else raw, None))
        elif _may_name(named, 'vm.' + name) and not set(words) & set(_READS_A_KEY):
            found.append((_PERHAPS, None))
    return found[-1:]


def _may_name(text, wanted):
    """True if a word with a variable in it may be what is wanted."""
    start = re.match(r'[^$`]*', text.replace('/', '.')).group()
    return len(start) < len(text) and wanted.startswith(start)


def _of_write(command, before, text, runtime, is_named):
    """[(value, None or _PERHAPS, None)] of what a command writes to a file of /proc/sys."""
    if not _writes_to(text, runtime, is_named):
        return []
    piped = before is not None and (before.source, before.line) == (command.source, command.line)
    echo = _ECHO.search(command.text) or piped and _ECHO.search(before.text)
    return [(echo.group(1) if echo else None, None)] if runtime in text else [(_PERHAPS, None)]


def _writes_file(text, name):
    """True if a command writes the name of a key into a sysctl file, which a boot applies before or after."""
    return name in text and re.search(r'(?:>|\btee\b)\s*(?:-a\s+)?\S*/sysctl\S*', text) is not None


def _writes_to(text, runtime, is_named):
    if not _WRITES.search(text):
        return False
    name = runtime.rpartition('/')[2]
    if runtime in text or re.search(r'>\s*(?:\./)?%s(?!\S)' % name, text):
        return True
    for path in re.findall(r'(?:>|\btee(?:\s+-a)?\s|\bof=)\s*(\S+)', text):
        start = re.match(r'[^$`*?\[]*', path).group()
        # A path that is a variable alone may be any file: of a script that has the name of the key it may be this one.
        if start != path and runtime.startswith(start) and (start.startswith('/proc/sys') or is_named):
            return True
    return False


def of_commands(view, rows, key, modern):
    """The steps of the rows of setting_commands(): each with its value, with ``unknown`` if that cannot be told, and
    with ``perhaps`` if it may not run.
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
    # Of two sources nobody knows which runs last.
    certain = [step for step in steps if not step.get('perhaps')]
    for step in certain if len(set(step['raw'] for step in certain)) > 1 else []:
        if step['source'] != certain[0]['source']:
            step['perhaps'] = True
    return steps


def of_ufw(view, units):
    """[row as of setting_commands()] of the sysctl file that ufw applies when it starts; [] if it applies none."""
    path = re.findall(r'(?m)^\s*IPT_SYSCTL=["\']?([^"\'\s#]*)', view.read('/etc/default/ufw') or '')[-1:]
    enabled = re.search(r'(?mi)^\s*ENABLED\s*=\s*["\']?yes\b', view.read('/etc/ufw/ufw.conf') or '')
    if not enabled or not path or not path[0] or units is not None and 'ufw.service' not in units.started():
        return []
    return [{'source': path[0], 'line': 1, 'raw': None, 'reads': path[0], 'certain': True}]


def _values(view, row, key, modern):
    if row['reads'] is None:
        return [row['raw']]
    if row['reads'] == '--system':
        return [step['raw'] for step in sysctl.assignments(view, key, sysctl.PROCPS, modern)][-1:]
    return [entry['raw'] for path in _named_files(view, row['reads']) for entry in sysctl.parse(view.read(path), key)
            if entry['raw'] is not None][-1:]


def _named_files(view, pattern):
    """The paths that a word of a shell stands for: with wildcards in its last part, the files of that folder."""
    folder, _slash, name = pattern.rpartition('/')
    if not re.search(r'[*?\[]', name):
        return [pattern]
    return ['%s/%s' % (folder, entry) for entry in view.listdir(folder) if fnmatch.fnmatchcase(entry, name)]


def paths(view, rows):
    """All paths that the functions here look at."""
    named = [row['reads'] for row in rows if (row['reads'] or '').startswith('/')]
    return tmpfiles.paths(view) + named + [path for pattern in named for path in [pattern.rpartition('/')[0]] +
                                           _named_files(view, pattern) if path and path != pattern]
