# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which processes a name, unit, container or pid file means, and what respawns them."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._node.managers import manager_of
from .._node.processes import ancestors, process, processes

# One server under its names: MariaDB took over from MySQL, and each has a shell script above it that respawns it.
_SERVERS = (
    (('mysqld', 'mariadbd'), ('mysqld_safe', 'mariadbd-safe')),
)
_INTERPRETER = re.compile(r'^(?:python|perl|ruby|php|node|java|(?:ba|da|k|z|a)?sh|busybox)[\d.-]*(?:cli|fpm)?$')
# Options of interpreters that take the next word.
_WITH_ARGUMENT = ('-d', '-I', '-W', '-X', '-z')
_COMM_BYTES = 15


class TargetError(ValueError):
    """A target that names nothing that can be looked for."""


def names_of(name):
    """(names of the server, names of what respawns it) for the name that was asked for."""
    for servers, respawners in _SERVERS:
        if name in servers:
            return servers, respawners
    return (name,), ()


def _base(path):
    return path.rsplit('/', 1)[-1] if path else None


def is_interpreter(name):
    """Whether a program runs scripts: its own name says little about what it does."""
    return bool(_INTERPRETER.match(name))


def _script(cmdline):
    """The script in an interpreter's command line, as in ``php -d memory_limit=-1 composer update``; None without."""
    words = iter(cmdline[1:])
    for word in words:
        if word == '-c':
            return None
        if not word.startswith('-'):
            return _base(word)
        if word in _WITH_ARGUMENT:
            next(words, None)
    return None


def is_called(row, names):
    """Whether a process is one of these programs, by its executable, or by the script that an interpreter runs.

    comm alone does not count where the executable is known: any process may call itself mysqld (prctl(2)).
    """
    if row['kernel_thread']:
        return False
    executable = _base(row['exe'])
    if executable in names:
        return True
    if executable is None or is_interpreter(executable):
        return row['name'] in [name[:_COMM_BYTES] for name in names] or _script(row['cmdline']) in names
    return False


def _respawners(host, row, names):
    """The ancestors of a process that start it again: scripts of these names, without a gap."""
    found = []
    for parent in ancestors(host, row):
        if not is_called(parent, names):
            break
        found.append(parent)
    return found


def _with_respawners(host, servers, names):
    parts = []
    seen = set()
    for row in servers:
        for parent in _respawners(host, row, names):
            if parent['pid'] not in seen:
                seen.add(parent['pid'])
                parts.append((parent, 'respawner'))
    return parts + [(row, 'server') for row in servers]


def _by_pid_file(host, path):
    text = host.read(path)
    if text is None:
        return []
    if not text.strip().isdigit():
        raise TargetError('%s holds %r, not a pid: give the pid file of a running server' % (path, text.strip()[:40]))
    row = process(host, int(text))
    return [row] if row else []


def find(host, kind, name):
    """[{process, part: server|respawner, manager}] of a target: kind is process, unit, container or pid_file.

    ``name`` of a unit is its real name. A container is named by its name, or its id of 12 digits or more.
    """
    if kind == 'pid_file':
        servers = _by_pid_file(host, name)
        names = names_of('mysqld')[1]
        parts = _with_respawners(host, servers, names)
    elif kind == 'process':
        names, respawners = names_of(name)
        rows = [row for row in processes(host) if is_called(row, names)]
        parts = _with_respawners(host, rows, respawners)
    else:
        parts = [(row, 'server') for row in processes(host) if not row['kernel_thread']]
    targets = [{'process': row, 'part': part, 'manager': manager_of(host, row)} for row, part in parts]
    if kind == 'unit':
        targets = [target for target in targets
                   if target['manager']['unit'] == name and target['manager']['user'] is None]
    elif kind == 'container':
        targets = [target for target in targets if _is_container(target['manager'], name)]
    return targets


def _is_container(manager, name):
    identity = manager.get('container_id')
    if not identity:
        return False
    return manager['name'] == name or (len(name) >= 12 and identity.startswith(name))
