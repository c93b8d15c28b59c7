# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A score for what an init script starts: it stands in the defaults file that the script reads, or that OpenRC reads
for it, and children inherit it.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._node.identity import trusted_path
from .own_score import own_score, variable

_OPENRC = re.compile(r'#!\s*\S*/(?:openrc-run|runscript)\b')
_RUNLEVEL = re.compile(r'[A-Za-z0-9_-]+\Z')
_SOURCED = re.compile(r'(?:^|[\s;&|])(?:\.|source)\s+["\']?(/etc/(?:default|sysconfig)/[A-Za-z0-9_.@-]+)', re.MULTILINE)


def defaults_files(script):
    """The files that an init script sources, in order."""
    found = []
    for line in (script or '').splitlines():
        if not line.lstrip().startswith('#'):
            found.extend(path for path in _SOURCED.findall(line) if path not in found)
    return found


def _files_of(host, name, text):
    """The files that are read before /etc/init.d/NAME, whose text is given, starts something, in order.

    Of a script of its own OpenRC reads /etc/conf.d/NAME.RUNLEVEL if it is there, else /etc/conf.d/NAME: openrc-run.sh.
    """
    if not _OPENRC.match(text or ''):
        return defaults_files(text)
    path = '/etc/conf.d/' + name
    runlevel = (host.read('/run/openrc/softlevel') or '').strip()
    of_runlevel = '%s.%s' % (path, runlevel)
    return [of_runlevel if _RUNLEVEL.match(runlevel) and host.exists(of_runlevel) else path]


def script_facts(host, name, ours=()):
    """{file, path, text, flaw, own, variable} of /etc/init.d/NAME: the file that it reads and that may be edited, or
    None, and its text, or None.

    A script or file that others than root can change is not looked at, but for files of ``ours``, which we made:
    ``flaw`` is ``open`` if there is no other. ``own`` and ``variable`` are as of own_score() and variable().
    """
    script = trusted_path(host, '/etc/init.d/' + name)
    text = host.read(script) if script else None
    files = _files_of(host, name, text)
    present = [path for path in files if path in ours or trusted_path(host, path)]
    missing = [path for path in files if not host.exists(path)]
    path = (present or missing or [None])[-1]
    texts = [(sourced, host.read(sourced)) for sourced in _for_all(host, text) + present]
    return {'file': path, 'path': (files or [None])[-1], 'text': host.read(path) if path else None, 'start': False,
            'flaw': 'open' if files and not path else None, 'own': own_score(texts + [(script, text)]),
            'variable': variable(texts) if _OPENRC.match(text or '') else None}


def _for_all(host, text):
    """The files that OpenRC reads before a script of its own, for every service."""
    if not _OPENRC.match(text or ''):
        return []
    more = ['/etc/rc.conf.d/' + name for name in host.listdir('/etc/rc.conf.d') if name.endswith('.conf')]
    return [path for path in ['/etc/rc.conf'] + sorted(more) if trusted_path(host, path)]
