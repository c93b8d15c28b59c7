# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the files of a systemd unit say, for hosts whose systemd cannot be asked: settings, the command, the boot."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .boot_units import drop_in_folders
from .systemd import UNIT_DIRECTORIES
from .unit_text import assignments

_NULL = '/dev/null'
# systemd.syntax(7): a word may have quotes around it, or around a part of it.
_WORD = re.compile(r"""(?:"[^"]*"|'[^']*'|[^\s"'])+""")
_VARIABLE = re.compile(r'\$(?:\{(\w+)\}|(\w+))')
_RUNLEVELS = ('2', '3', '4', '5', 'S')
_OPENRC = ('sysinit', 'boot', 'default')


def files(host, unit):
    """[path] of a unit's file and its drop-ins, as systemd applies them (systemd.unit(5)); [] if it has none.

    An instance has the file of its template, and the drop-ins of both; with a file also those of its prefix and kind.
    """
    names = [unit]
    if '@' in unit and '@.' not in unit:
        names.append(re.sub(r'@[^@]*(\.[a-z]+)\Z', r'@\1', unit))
    fragment = next((path for name in names for path in _places(name) if host.exists(path)), None)
    drop_ins = {}
    for folder in reversed(drop_in_folders(unit) if fragment else [name + '.d' for name in names]):
        for directory in reversed(UNIT_DIRECTORIES):
            parts = '%s/%s' % (directory, folder)
            drop_ins.update((part, '%s/%s' % (parts, part)) for part in host.listdir(parts) if part.endswith('.conf'))
    return ([fragment] if fragment else []) + [drop_ins[part] for part in sorted(drop_ins)]


def _places(name):
    return ['%s/%s' % (directory, name) for directory in UNIT_DIRECTORIES]


def settings(host, unit, directive):
    """[{path, line, value}] of the assignments of a directive that count: an empty one removes those before it."""
    found = []
    for path in files(host, unit):
        for number, _name, value in assignments(host.read(path), directive):
            if value:
                found.append({'path': path, 'line': number, 'value': value})
            else:
                found = []
    return found


def words_of(text):
    """The words of a command line as systemd splits it, without their quotes."""
    return [re.sub(r'["\']', '', word) for word in _WORD.findall(text)]


def _environment(host, unit):
    """{variable: text} of a unit's Environment= and EnvironmentFile=; the files win (systemd.exec(5))."""
    found = {}
    for setting in settings(host, unit, 'Environment'):
        for word in words_of(setting['value']):
            name, _equals, value = word.partition('=')
            found[name] = value
    for setting in settings(host, unit, 'EnvironmentFile'):
        for line in (host.read(setting['value'].lstrip('-')) or '').splitlines():
            name, equals, value = line.strip().partition('=')
            if equals and not name.startswith(('#', ';')):
                found[name] = value.strip().strip('"\'')
    return found


def command(host, unit):
    """The words of a unit's last ExecStart=, with its variables from its files; [] without one."""
    starts = settings(host, unit, 'ExecStart')
    if not starts:
        return []
    known = _environment(host, unit)
    text = _VARIABLE.sub(lambda match: known.get(match.group(1) or match.group(2), ''), starts[-1]['value'])
    return words_of(text)


def sources(host, unit):
    """[path] of all files that command() reads."""
    named = [setting['value'].lstrip('-') for setting in settings(host, unit, 'EnvironmentFile')]
    return files(host, unit) + [path for path in named if host.exists(path)]


def mask_of(host, unit):
    """The path of the link to /dev/null, or empty file, with which a unit cannot be started; None if there is none."""
    path = next((path for path in _places(unit) if host.exists(path)), None)
    if path is None:
        return None
    if host.readlink(path) == _NULL:
        return path
    status = host.status(path)
    return path if status is not None and status.st_size == 0 else None


def starts_at_boot(host, name):
    """True if the init of a host starts a service at boot, by its unit NAME.service or script; None if it has neither.

    A unit without an [Install] section is started by whatever needs it.
    """
    unit = name + '.service'
    if mask_of(host, unit):
        return False
    paths = files(host, unit)
    if paths:
        if any(host.exists('%s/%s/%s' % (directory, wants, unit)) for directory in UNIT_DIRECTORIES
               for wants in host.listdir(directory) if wants.endswith(('.wants', '.requires'))):
            return True
        return not any(re.search(r'(?m)^\[Install\]', host.read(path) or '') for path in paths)
    if not host.exists('/etc/init.d/' + name):
        return None
    linked = re.compile(r'S\d+%s\Z' % re.escape(name))
    levels = [entry for level in _RUNLEVELS for entry in host.listdir('/etc/rc%s.d' % level)]
    openrc = [entry for level in _OPENRC for entry in host.listdir('/etc/runlevels/' + level)]
    return any(linked.match(entry) for entry in levels) or name in openrc
