# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A supervisord's programs: it has no setting for a score, so the program's command has to carry it."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import fnmatch
import re

from .._node.containers import option

_PLACES = ('/etc/supervisor/supervisord.conf', '/etc/supervisord.conf', '/usr/local/etc/supervisord.conf',
           '/usr/etc/supervisord.conf')
_SECTION = re.compile(r'^\[([^\]]+)\]')
_CHOOM = re.compile(r'\bchoom\s+(?:-n\s*|--adjust[= ])(-?\d+)\s')
_WRITTEN = re.compile(r'\becho\s+(-?\d+)\s*>\s*/proc/(?:self|\$\$|\$PPID)/oom_score_adj')


def sections(text):
    """{section: {option: value}} of a supervisord configuration; a comment starts with ; or #."""
    found = {}
    current = None
    for line in (text or '').splitlines():
        match = _SECTION.match(line)
        if match:
            current = found.setdefault(match.group(1).strip(), {})
        elif current is not None and '=' in line and not line.lstrip().startswith((';', '#')):
            name, value = line.split('=', 1)
            current[name.strip()] = value.split(' ;')[0].strip()
    return found


def _glob(host, pattern):
    directory, _separator, name = pattern.rpartition('/')
    return ['%s/%s' % (directory, entry) for entry in host.listdir(directory) if fnmatch.fnmatch(entry, name)]


def _files(host, cmdline):
    asked = option(cmdline, '-c', '--configuration')
    main = next((path for path in ((asked,) if asked else _PLACES) if path and host.exists(path)), None)
    if not main:
        return []
    include = sections(host.read(main)).get('include', {}).get('files', '')
    files = [main]
    for pattern in include.split():
        if not pattern.startswith('/'):
            pattern = '%s/%s' % (main.rpartition('/')[0], pattern)
        files.extend(_glob(host, pattern))
    return files


def program(host, cmdline, name):
    """{path, command, user, score} of a program of the supervisord with this command line; {} where none is found."""
    for path in _files(host, cmdline):
        found = sections(host.read(path)).get('program:' + name)
        if found:
            command = found.get('command', '')
            match = _CHOOM.search(command) or _WRITTEN.search(command)
            return {
                'path': path,
                'command': command,
                'user': found.get('user'),
                'score': int(match.group(1)) if match else None,
            }
    return {}


def program_text(name, found, value):
    """The change to make by hand for a score that the program starts with."""
    command = found.get('command') or 'COMMAND'
    command = re.sub(r'^\S*choom\s+(?:-n\s*|--adjust[= ])-?\d+\s+(?:--\s+)?', '', command)
    text = 'in [program:%s] of %s set command=choom -n %d -- %s' % (
        name, found.get('path') or 'its configuration', value, command)
    if found.get('user') not in (None, 'root') and value < 0:
        text += ', and drop user=%s in favour of the server\'s own option, as choom needs root to lower a score' % (
            found['user'])
    return text + '; then `supervisorctl update %s`, which restarts it' % name
