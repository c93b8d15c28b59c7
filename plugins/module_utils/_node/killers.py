# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""User-space OOM killers: they kill before the kernel does, by rules of their own."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._files.reader import FAILURES
from .._systemd import unit_files
from .._systemd.systemd import UNIT_DIRECTORIES
from .._systemd.unit_text import assignments
from .containers import option
from .identity import is_called, runs, runs_as_root, same_user_namespace, trusted_path
from .managers import manager_of
from .processes import processes

# (name, where it is installed, the units that run it, as a user of their own too).
_PROGRAMS = (
    ('earlyoom', ('/usr/bin/earlyoom', '/usr/sbin/earlyoom', '/usr/local/bin/earlyoom'), ('earlyoom.service',)),
    ('nohang', ('/usr/sbin/nohang', '/usr/bin/nohang', '/usr/local/sbin/nohang', '/usr/local/bin/nohang'),
     ('nohang.service', 'nohang-desktop.service')),
    ('systemd-oomd', ('/usr/lib/systemd/systemd-oomd', '/lib/systemd/systemd-oomd'), ('systemd-oomd.service',)),
)
NOHANG_CONFIGURATIONS = ('/etc/nohang/nohang.conf', '/usr/local/etc/nohang/nohang.conf')
_NOHANG_RULE = re.compile(r'^[ \t]*@BADNESS_ADJ_RE_(?:NAME|CMDLINE|REALPATH)[ \t]+(-\d+)[ \t]+///[ \t]+(.*)$',
                          re.MULTILINE)
_PREFERENCE, _WATCHED = ('ManagedOOMPreference',), ('ManagedOOMSwap', 'ManagedOOMMemoryPressure')
# Where `systemctl set-property` writes drop-ins.
_SET_PROPERTY = ('/etc/systemd/system.control', '/run/systemd/system.control')


def earlyoom_spares(cmdline):
    """The regular expressions of --avoid, and of --ignore (earlyoom 1.8), in earlyoom's command line."""
    return [value for value in (option(cmdline, '--avoid'), option(cmdline, '--ignore')) if value]


def nohang_spares(configuration):
    """The regular expressions whose badness a nohang configuration lowers."""
    return [expression.strip() for _points, expression in _NOHANG_RULE.findall(configuration or '')]


def oomd_spares(host):
    """The units that systemd-oomd has to avoid or leave out, by their unit file or a drop-in."""
    return _units_that_say(host, _PREFERENCE, ('avoid', 'omit'))


def oomd_watches(host):
    """The units in which systemd-oomd may kill, by their unit file or a drop-in. If there are none it kills nothing.

    systemd-oomd.service(8): it acts only on cgroups with ManagedOOMSwap=kill or ManagedOOMMemoryPressure=kill.
    """
    return _units_that_say(host, _WATCHED, ('kill',))


def _units_that_say(host, directives, values):
    """The units of which one of these directives has one of the values in the end."""
    expression = re.compile(r'^[ \t]*(?:%s)[ \t]*=' % '|'.join(directives), re.MULTILINE)
    units = set()
    for directory in UNIT_DIRECTORIES + _SET_PROPERTY:
        for name in host.listdir(directory):
            path = '%s/%s' % (directory, name)
            if name.endswith('.d'):
                files = ['%s/%s' % (path, entry) for entry in host.listdir(path) if entry.endswith('.conf')]
                name = name[:-2]
            elif name.endswith(('.service', '.slice', '.scope')):
                files = [path]
            else:
                continue
            if any(expression.search(_text(host, path)) for path in files):
                units.add(name)
    return sorted(name for name in units if any(_set_to(host, name, directive) in values for directive in directives))


def _set_to(host, unit, directive):
    """The value that a unit's files give a directive, and after these `systemctl set-property`; None without one."""
    try:
        found = [setting['value'] for setting in unit_files.settings(host, unit, directive)]
    except FAILURES:
        found = []
    for directory in ['%s/%s.d' % (directory, unit) for directory in _SET_PROPERTY]:
        for name in host.listdir(directory):
            found += [value for _line, _name, value in assignments(_text(host, '%s/%s' % (directory, name)), directive)]
    return found[-1] if found else None


def _text(host, path):
    try:
        return host.read(path) or ''
    except (IOError, OSError):
        return ''


def running_killer(host, name, rows):
    """The process of a killer that root or its own system unit runs, or None: any process may be called nohang.

    Its command line proves no more than who could have written it.
    """
    units = next(units for program, _places, units in _PROGRAMS if program == name)
    called = [row for row in rows if is_called(row, (name,))]
    return next((row for row in called if runs_as_root(host, row, (name,)) or _is_in_unit(host, row, units)
                 and runs(host, row, (name,)) and same_user_namespace(host, row)), None)


def _is_in_unit(host, row, units):
    manager = manager_of(host, row)
    return manager['unit'] in units and manager['user'] is None


def nohang_configuration(host, row):
    """The configuration of a nohang, ``row``, or None if it does not run. None as well if others than root can change
    it.
    """
    named = option(row['cmdline'], '--config', '-c') if row else None
    if named:
        return trusted_path(host, named)
    return next((path for path in NOHANG_CONFIGURATIONS if trusted_path(host, path)), None)


def _spares(host, name, row):
    if name == 'earlyoom':
        return earlyoom_spares(row['cmdline']) if row else []
    if name == 'systemd-oomd':
        return oomd_spares(host)
    path = nohang_configuration(host, row)
    return nohang_spares(_text(host, path)) if path else []


def user_space_killers(host, rows=None):
    """[{name, active, spares, watches}] of earlyoom, nohang and systemd-oomd, if they are installed or running.

    ``spares`` is what the killer has to spare, in its own words: regular expressions, or names of units. ``watches``
    are the units in which systemd-oomd may kill, None for a killer that watches the whole host.
    """
    names = tuple(name for name, _places, _units in _PROGRAMS)
    rows = [row for row in (processes(host) if rows is None else rows) if is_called(row, names)]
    killers = []
    for name, places, _units in _PROGRAMS:
        row = running_killer(host, name, rows)
        if row or any(host.exists(place) for place in places):
            killers.append({'name': name, 'active': bool(row), 'spares': _spares(host, name, row),
                            'watches': oomd_watches(host) if name == 'systemd-oomd' else None})
    return killers
