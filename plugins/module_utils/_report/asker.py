# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that a line is about: the one that was refused memory or a process."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

_ASKERS = (
    (re.compile(r"Can't save in background"), 'redis-server'),
    (re.compile(r'AH00159|mpm_(?:prefork|event|worker)'), 'apache2'),
    (re.compile(r'could not fork (?:new process|autovacuum|worker|background|\w+ process)'), 'postgres'),
    (re.compile(r'\bORA-\d{5}: '), 'oracle'),
    (re.compile(r'\bWiredTiger\b'), 'mongod'),
    (re.compile(r'dpkg: unrecoverable'), 'dpkg'),
    (re.compile(r'\[(?:alert|crit|emerg|error)\] \d+#\d+: '), 'nginx'),
    (re.compile(r'cannot fork\(\) for '), 'git'),
    (re.compile(r'proc_open|shell_exec|\bPHP (?:Warning|Fatal)'), 'php'),
    (re.compile(r'subprocess\.py|os\.fork\(\)|popen_fork|OSError: \[Errno|BlockingIOError'), 'python'),
    (re.compile(r'Errno::E[A-Z]+'), 'ruby'),
    (re.compile(r'java\.io\.IOException|java\.lang\.'), 'java'),
    (re.compile(r'child_process|node:internal|spawn E(?:NOMEM|AGAIN)'), 'node'),
    (re.compile(r'\bnsenter:'), 'nsenter'),
    # esbuild's own words when the program behind its library has ended
    (re.compile(r'\besbuild\b.{0,40}The service (?:is no longer running|was stopped)'), 'esbuild'),
)
_AT_START = re.compile(r'^\s*-?(?:\S*/)?([a-zA-Z][\w.+-]{0,30})(?:\[\d+\])?:\s')
_NO_PROGRAMS = ('fork', 'error', 'fatal', 'warning', 'failed', 'log', 'runtime', 'memory', 'info', 'panic')


def asker(line):
    """The name (str) of the program that was refused, or None: by its own words or the lines above, else by the name at
    the beginning of the message, else by its tag.
    """
    for text in (line.message, line.above(4)):
        for pattern, name in _ASKERS:
            if pattern.search(text):
                return name
    match = _AT_START.match(line.message)
    if match and match.group(1).lower() not in _NO_PROGRAMS:
        return match.group(1)
    return line.program
