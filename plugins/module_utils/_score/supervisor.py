# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs of a supervisord. It has no setting for a score, so the command of a program has to set it. supervisord
reads a command again only at an update, which restarts the program: so the change is left to whoever may do that.

Only root's own files are read, and of a command only the score in it is returned: it may have a password.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import fnmatch
import re

from .._node.containers import option
from .._node.identity import trusted_path
from .own_score import number

_PLACES = ('/etc/supervisor/supervisord.conf', '/etc/supervisord.conf', '/usr/local/etc/supervisord.conf',
           '/usr/etc/supervisord.conf')
_SECTION = re.compile(r'^\[([^\]]+)\]')


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
    """The configuration of root's supervisord with this command line, with the files that it includes, as far as they
    are root's.
    """
    asked = option(cmdline, '-c', '--configuration')
    places = (asked,) if asked else _PLACES
    main = next((path for path in (trusted_path(host, place) for place in places) if path), None)
    if not main:
        return []
    files = [main]
    for pattern in sections(host.read(main)).get('include', {}).get('files', '').split():
        if not pattern.startswith('/'):
            pattern = '%s/%s' % (main.rpartition('/')[0], pattern)
        files.extend(path for path in _glob(host, pattern) if trusted_path(host, path))
    return files


def program(host, cmdline, name):
    """{path, user, score} of a program of root's supervisord with this command line; {} if no file of root's has it."""
    for path in _files(host, cmdline):
        section = sections(host.read(path)).get('program:%s' % name)
        if section:
            command = section.get('command', '')
            return {'path': path, 'user': section.get('user'), 'score': number(command)}
    return {}


def program_text(name, program_facts, value):
    """The change to make by hand for a score that the program starts with; its command is not shown."""
    if program_facts.get('score') is not None:
        change = 'change the score at the start of command= to %d' % value
    else:
        change = 'put `choom -n %d -- ` before what command= says' % value
    text = 'in [program:%s] of %s %s' % (name or 'NAME', program_facts.get('path') or 'its configuration', change)
    if program_facts.get('user') not in (None, 'root') and value < 0:
        text += ', and drop user= in favour of the server\'s own option, as choom needs root to lower a score'
    again = '; supervisord reads it only at the next `supervisorctl update %s`, which restarts it'
    return text + again % (name or 'NAME')
