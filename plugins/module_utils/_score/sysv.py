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

BEGIN = '# BEGIN oom.rescue'
END = '# END oom.rescue'
_BLOCK = re.compile(r'^%s\n(.*?)^%s\n' % (re.escape(BEGIN), re.escape(END)), re.MULTILINE | re.DOTALL)
_SCORE = re.compile(r'^\{ echo (-?\d+) > /proc/\$\$/oom_score_adj', re.MULTILINE)
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
    """{defaults, text, refused} of /etc/init.d/NAME: the defaults file to use, or None, and its text, or None.

    A script or file that others than root can change is not looked at, but for files of ``ours``, which we made:
    ``refused`` is what to do about such a file, if there is no other.
    """
    script = trusted_path(host, '/etc/init.d/' + name)
    files = _files_of(host, name, host.read(script)) if script else []
    present = [path for path in files if path in ours or trusted_path(host, path)]
    missing = [path for path in files if not host.exists(path)]
    path = (present or missing or [None])[-1]
    refused = None if path or not files else (
        '%s can be changed by others than root, and /etc/init.d/%s runs what it says: look at it, make it root\'s '
        'alone, and run again' % (files[-1], name))
    return {'defaults': path, 'text': host.read(path) if path else None, 'refused': refused}


def score(text):
    """The score that our block in a defaults file sets, or None."""
    block = _BLOCK.search(text or '')
    found = _SCORE.search(block.group(1)) if block else None
    return int(found.group(1)) if found else None


def with_score(text, value):
    """A defaults file's text with our block, once. A script under ``set -e`` goes on where the kernel refuses."""
    block = '%s\n{ echo %d > /proc/$$/oom_score_adj; } 2>/dev/null || :\n%s\n' % (BEGIN, value, END)
    text = text or ''
    if _BLOCK.search(text):
        return _BLOCK.sub(lambda match: block, text, 1)
    if text and not text.endswith('\n'):
        text += '\n'
    return text + block


def without_score(text):
    """A defaults file's text without our block."""
    return _BLOCK.sub('', text or '')
