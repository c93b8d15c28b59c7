# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""User-space OOM killers: they kill before the kernel does, by rules of their own."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .containers import option
from .processes import processes
from .systemd import UNIT_DIRECTORIES

# name: where it is installed.
_PROGRAMS = (
    ('earlyoom', ('/usr/bin/earlyoom', '/usr/sbin/earlyoom', '/usr/local/bin/earlyoom')),
    ('nohang', ('/usr/sbin/nohang', '/usr/bin/nohang', '/usr/local/sbin/nohang', '/usr/local/bin/nohang')),
    ('systemd-oomd', ('/usr/lib/systemd/systemd-oomd', '/lib/systemd/systemd-oomd')),
)
_NOHANG_CONFIGURATIONS = ('/etc/nohang/nohang.conf', '/usr/local/etc/nohang/nohang.conf')
_NOHANG_RULE = re.compile(r'^\s*@BADNESS_ADJ_RE_(?:NAME|CMDLINE|REALPATH)\s+(-\d+)\s+///\s+(.*?)\s*$', re.MULTILINE)
_PREFERENCE = re.compile(r'^\s*ManagedOOMPreference\s*=\s*(avoid|omit)\s*$', re.MULTILINE)


def earlyoom_spares(cmdline):
    """The regular expressions of --avoid, and of --ignore (earlyoom 1.8), in earlyoom's command line."""
    return [value for value in (option(cmdline, '--avoid'), option(cmdline, '--ignore')) if value]


def nohang_spares(configuration):
    """The regular expressions whose badness a nohang configuration lowers."""
    return [expression for _points, expression in _NOHANG_RULE.findall(configuration or '')]


def oomd_spares(host):
    """The units that a unit file or drop-in tells systemd-oomd to avoid or leave out."""
    units = set()
    for directory in UNIT_DIRECTORIES:
        for name in host.listdir(directory):
            path = '%s/%s' % (directory, name)
            if name.endswith('.d'):
                files = ['%s/%s' % (path, entry) for entry in host.listdir(path) if entry.endswith('.conf')]
                name = name[:-2]
            elif name.endswith(('.service', '.slice', '.scope')):
                files = [path]
            else:
                continue
            if any(_PREFERENCE.search(_text(host, path)) for path in files):
                units.add(name)
    return sorted(units)


def _text(host, path):
    try:
        return host.read(path) or ''
    except (IOError, OSError):
        return ''


def user_space_killers(host, rows=None):
    """[{name, active, spares}] of earlyoom, nohang and systemd-oomd, where installed or running.

    ``spares`` is what it was told to spare, in its own words: regular expressions, or names of units.
    """
    killers = []
    running = dict((row['name'], row) for row in (processes(host) if rows is None else rows))
    for name, places in _PROGRAMS:
        row = running.get(name)
        if not row and not any(host.exists(place) for place in places):
            continue
        if name == 'earlyoom':
            spares = earlyoom_spares(row['cmdline']) if row else []
        elif name == 'nohang':
            used = option(row['cmdline'], '--config', '-c') if row else None
            spares = [text for path in ((used,) if used else _NOHANG_CONFIGURATIONS)
                      for text in nohang_spares(_text(host, path))]
        else:
            spares = oomd_spares(host)
        killers.append({'name': name, 'active': bool(row), 'spares': spares})
    return killers
