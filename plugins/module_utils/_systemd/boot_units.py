# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The units that systemd will have after the next boot, read from its files, as they count then and not what it has
read.

Files below /run are gone by then, except those of generators, which write them again.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .unit_text import assignments

# systemd.unit(5), "Unit File Load Path", without what a reboot takes away; the first that has a file wins.
DIRECTORIES = ('/etc/systemd/system.control', '/run/systemd/generator.early', '/etc/systemd/system',
               '/etc/systemd/system.attached', '/run/systemd/generator', '/usr/local/lib/systemd/system',
               '/usr/lib/systemd/system', '/lib/systemd/system', '/run/systemd/generator.late')
# systemd.generator(7), of an administrator and of packages, in the order in which a name is looked up, without what a
# reboot takes away.
GENERATORS_OF_ETC = ('/etc/systemd/system-generators', '/usr/local/lib/systemd/system-generators')
GENERATORS_OF_PACKAGES = ('/usr/lib/systemd/system-generators', '/lib/systemd/system-generators')
# bootup(7), for a host of which not all units can be read.
_USUAL = {'graphical.target': ['multi-user.target'], 'multi-user.target': ['basic.target'],
          'basic.target': ['sysinit.target'], 'sysinit.target': ['local-fs.target', 'swap.target']}
_PULLS = ('Wants', 'Requires', 'BindsTo', 'Upholds')
_FOLDERS = ('.wants', '.requires', '.upholds')
# A unit of these kinds starts the unit that this directive names, or the service of its own name, at some time.
_STARTERS = {'.timer': 'Unit', '.path': 'Unit', '.socket': 'Service'}
# A timer with one of these runs at each boot; one of a calendar some time later.
_AT_BOOT = ('OnBootSec', 'OnStartupSec', 'OnActiveSec')
_AT_AN_END = ('OnSuccess', 'OnFailure')
# kernel-command-line(7), and the words that systemd has for its shells.
_TARGETS = {'emergency': 'emergency.target', '-b': 'emergency.target', 'rescue': 'rescue.target',
            'single': 'rescue.target', 's': 'rescue.target', 'S': 'rescue.target', '1': 'rescue.target',
            '2': 'multi-user.target', '3': 'multi-user.target', '4': 'multi-user.target', '5': 'graphical.target'}


class Units:
    """The units of a view (an Overlay of a host). Each directory is listed once.

    ``words`` are those of the kernel's command line; ``perhaps`` the units that something beside systemd may start.
    """

    def __init__(self, view, words=(), perhaps=()):
        self._view, self._perhaps = view, list(perhaps)
        self._targets = [_TARGETS.get(word) or word.partition('=')[2] for word in words
                         if word in _TARGETS or word.startswith('systemd.unit=')]
        self._wanted = [word.partition('=')[2] for word in words if word.startswith('systemd.wants=')]
        self._names = dict((directory, set(view.listdir(directory))) for directory in DIRECTORIES)
        self._started, self._settings = {}, {}

    def file_of(self, unit):
        """The path of a unit's file, of its template if it has none of its own; None if there is none."""
        names = [unit] + ([re.sub(r'@.+(\.\w+)\Z', r'@\1', unit)] if re.search(r'@.+\.', unit) else [])
        for name in names:
            for directory in DIRECTORIES:
                if name in self._names[directory]:
                    return '%s/%s' % (directory, name)
        return None

    def of_kind(self, ending):
        """The sorted names of all units with this ending, without templates."""
        return sorted(set(name for names in self._names.values() for name in names
                          if name.endswith(ending) and '@.' not in name))

    def real_name(self, unit):
        """The name of the unit that an alias leads to."""
        path = self.file_of(unit)
        name = self._view.real(path).rsplit('/', 1)[1] if path else unit
        return unit if '@' in unit or name == 'null' else name

    def masked(self, unit):
        """The path that masks a unit, a link to /dev/null or an empty file; None if it is not masked."""
        path = self.file_of(unit)
        return path if path and self._is_void(path) else None

    def _is_void(self, path):
        return self._view.real(path) == '/dev/null' or self._view.read(path) == ''

    def files(self, unit):
        """The paths of a unit's file and its drop-ins, in the order that systemd applies them."""
        path = self.file_of(unit)
        found = {}
        for folder in drop_in_folders(unit) + drop_in_folders(self.real_name(unit)):
            for directory in DIRECTORIES:
                for name in self._view.listdir('%s/%s' % (directory, folder)) if folder in self._names[
                        directory] else []:
                    if name.endswith('.conf'):
                        found.setdefault(name, '%s/%s/%s' % (directory, folder, name))
        return ([path] if path else []) + [found[name] for name in sorted(found) if not self._is_void(found[name])]

    def settings(self, unit):
        """[(path, line number, directive, value)] of a unit's files, in the order that systemd reads them."""
        if unit not in self._settings:
            self._settings[unit] = [(path, line, name, _expanded(value, unit)) for path in self.files(unit)
                                    for line, name, value in assignments(self._view.read(path))]
        return self._settings[unit]

    def value(self, unit, directive):
        """{path, line, value} of the assignment that wins, or None. An empty one removes those before it."""
        winner = None
        for path, line, name, value in self.settings(unit):
            if name == directive:
                winner = {'path': path, 'line': line, 'value': value} if value else None
        return winner

    def conditions(self, unit):
        """[(path, line number, directive, value)] of the conditions that an administrator set for the start of a unit.
        """
        return [row for row in self.settings(unit) if row[0].startswith('/etc/') and row[3]
                and row[2].startswith(('Condition', 'Assert'))]

    def started(self):
        """The names of all units that a boot starts, with those that a timer, socket or device may start."""
        return self._walked(True)

    def certain(self):
        """The names of those among started() that each boot starts."""
        return self._walked(False)

    def conflicting(self, units):
        """{path, line, unit} of what the boot starts and what cannot be beside one of ``units``; None without one."""
        for name in sorted(self.started()):
            for path, line, key, value in self.settings(name) if name.endswith(('.service', '.target')) else []:
                if key == 'Conflicts' and set(value.split()) & set(units):
                    return {'path': path, 'line': line, 'unit': name}
        return None

    def _walked(self, all_of_them):
        if all_of_them not in self._started:
            self._started[all_of_them] = self._walk(self._default(), all_of_them)
        return self._started[all_of_them]

    def _default(self):
        if self._targets:
            return self._targets[-1]
        path = self.file_of('default.target')
        return self._view.real(path).rsplit('/', 1)[1] if path else 'graphical.target'

    def _walk(self, target, all_of_them):
        # The default dependencies of a service or target start these; a shell for emergencies has none.
        todo, seen = [target] + ([] if target == 'emergency.target' else ['basic.target', 'sysinit.target']), set()
        todo += self._wanted + (self._perhaps if all_of_them else [])
        while todo:
            unit = todo.pop()
            if unit in seen or self.masked(unit):
                continue
            seen.add(unit)
            todo.extend(self._pulled_by(unit))
            todo.extend(self._triggered_by(unit, all_of_them))
        return seen | set(self.real_name(unit) for unit in seen)

    def _triggered_by(self, unit, all_of_them):
        """The units that a unit starts some time after its own start."""
        stem, _dot, kind = unit.rpartition('.')
        found = []
        if all_of_them:
            found += [name for _path, _line, key, value in self.settings(unit) if key in _AT_AN_END
                      for name in value.split()]
        directive = _STARTERS.get('.' + kind)
        if directive and (all_of_them or any(self.value(unit, name) for name in _AT_BOOT)):
            named = self.value(unit, directive)
            found.append(named['value'] if named else stem + '.service')
        return found

    def _pulled_by(self, unit):
        names = [] if self.file_of(unit) else list(_USUAL.get(unit, []))
        for _path, _line, name, value in self.settings(unit):
            if name in _PULLS:
                names.extend(value.split())
        for folder in [unit + end for end in _FOLDERS]:
            for directory in DIRECTORIES:
                if folder in self._names[directory]:
                    names.extend(name for name in self._view.listdir('%s/%s' % (directory, folder))
                                 if self._view.real('%s/%s/%s' % (directory, folder, name)) != '/dev/null')
        return names


def generator_of(view, name):
    """The path by which systemd finds a generator, also if that is a link to /dev/null; None if there is none."""
    paths = ['%s/%s' % (directory, name) for directory in GENERATORS_OF_ETC + GENERATORS_OF_PACKAGES]
    return next((path for path in paths if view.exists(path)), None)


def _expanded(value, unit):
    """A value with the specifiers that stand for a unit's own name (systemd.unit(5), "Specifiers")."""
    if '%' not in value:
        return value
    name = unit.rpartition('.')[0]
    prefix, _at, instance = name.partition('@')
    known = {'%': '%', 'n': unit, 'N': name, 'p': prefix, 'P': _unescaped(prefix), 'i': instance,
             'I': _unescaped(instance), 'j': prefix.rpartition('-')[2], 'f': '/' + _unescaped(instance or prefix)}
    return re.sub(r'%(.)', lambda match: known.get(match.group(1), match.group()), value)


def _unescaped(name):
    """What systemd-escape(1) made a name of."""
    return re.sub(r'\\x([0-9a-f]{2})', lambda match: chr(int(match.group(1), 16)), name.replace('-', '/'))


def drop_in_folders(unit):
    """The names of a unit's drop-in folders (systemd.unit(5)), the one that counts most first."""
    stem, _dot, kind = unit.rpartition('.')
    folders = [unit + '.d']
    if '@' in stem:
        folders.append('%s@.%s.d' % (stem.split('@')[0], kind))
    parts = stem.split('-')
    folders += ['%s-.%s.d' % ('-'.join(parts[:count]), kind) for count in range(len(parts) - 1, 0, -1)]
    return folders + [kind + '.d']
