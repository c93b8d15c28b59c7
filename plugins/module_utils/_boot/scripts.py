# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an init without systemd runs at boot: inittab, the runlevels of sysvinit and of OpenRC, runit, busybox."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .answers import no, yes
from .commands import Command, is_executable, of_line
from .init import BUSYBOX, OPENRC, RUNIT, SYSTEMD, SYSV
from .kernel_line import next_words

_INIT_D, _INITTAB, _MORE_INITTAB = '/etc/init.d/', '/etc/inittab', '/etc/inittab.d'
_LEVELS = ('2', '3', '4', '5')
# The actions of inittab(5) of each boot, and those of a runlevel.
_AT_BOOT, _OF_A_LEVEL = ('sysinit', 'boot', 'bootwait'), ('wait', 'once', 'respawn', 'askfirst')
_RUNLEVELS = ('sysinit', 'boot')
_DEEPEST = 8
# What insserv made of the scripts' headers, by which startpar starts them.
_TARGETS = re.compile(r'(?m)^TARGETS\s*=(.*)$')
_OF_INSSERV = tuple(_INIT_D + '.depend.' + name for name in ('boot', 'start', 'stop'))
_BY_LINKS = _INIT_D + '.legacy-bootordering'
_BEFORE_MOUNTS = re.compile(r'(?m)^\s*before\b[^#\n]*\blocalmount\b')
_AFTER_MOUNTS = re.compile(r'(?m)^\s*rc_(?:swap_)?(?:need|use|want|after)=["\']?[^#\n]*\blocalmount\b')
# What others call a script of OpenRC or of sysvinit, and what it has OpenRC start before it: in depend(), in the header
# of a script of sysvinit, of which lsb2rcconf makes the same, and in its settings.
_PROVIDES = re.compile(r'(?m)^(?:#\s*Provides:|\s+provide\b)(.*)$')
_NEEDS = re.compile(r'(?m)^(?:#\s*Required-Start:|\s+(?:need|want)\b|\s*rc_(?:\w+_)?(?:need|want)=["\']?)([^"\'\n]*)')
# The work of the init itself, which is judged by what it does with fstab and sysctl files.
_OWN = re.compile(r'/(?:etc/(?:rc\.d/)?(?:init\.d/)?rc[\w.]*|etc/init\.d/boot|lib/init/\w+)\Z')


class Scripts:
    """The scripts that the boot of ``init`` starts, and the lines of its inittab."""

    def __init__(self, host, view, init):
        self._host, self._view, self._init = host, view, init
        self._of_runlevels = None

    def started(self):
        """The paths of the scripts that the boot runs, in the order of their runlevels."""
        return self.of_runlevels() if self._init == OPENRC else self._of_rc_directories() + self._own()

    def sourced_files(self):
        """The paths of the settings that the shell of every script reads, as a list."""
        if self._init == OPENRC:
            return ['/etc/rc.conf'] + ['/etc/rc.conf.d/' + name for name in self._view.listdir('/etc/rc.conf.d')
                                       if name.endswith('.conf')]
        return ['/etc/default/rcS'] if self._init == SYSV else []

    def texts(self):
        """[(path, text)] of what the boot runs: of scripts, and each command of inittab."""
        return [(path, self._view.read(path) or '') for path in self.started()] + [
            (row[0], row[2]) for row in self._inittab()]

    def is_in_runlevel(self, services):
        """True if OpenRC starts one of these services."""
        return any(path.rsplit('/', 1)[1] in services for path in self.of_runlevels())

    def of_runlevels(self):
        """The paths of the services that OpenRC starts: of its runlevels, of those that are stacked on them, and what
        these services need, in a runlevel or not. One that may not be executed is none.
        """
        if self._of_runlevels is None:
            found = self._in_runlevels() if self._init == OPENRC else []
            self._of_runlevels = found + self._needed(found)
        return self._of_runlevels

    def _needed(self, paths):
        """The paths of the scripts beside these that they need, and so on."""
        by_name, known, found = {}, set(self._view.real(path) for path in paths), []
        for path in [_INIT_D + name for name in self._view.listdir(_INIT_D[:-1])] if paths else ():
            if is_executable(self._host, self._view, path):
                for words in [path[len(_INIT_D):]] + _PROVIDES.findall(self._view.read(path) or ''):
                    for word in words.split():
                        by_name.setdefault(word, path)
        scripts_left = list(paths)
        while scripts_left:
            path = self._view.real(scripts_left.pop())
            texts = [self._view.read(one) or '' for one in (path, '/etc/conf.d/' + path.rsplit('/', 1)[1])]
            for word in ' '.join(_NEEDS.findall('\n'.join(texts))).split():
                needed = by_name.get(word)
                if needed and self._view.real(needed) not in known:
                    known.add(self._view.real(needed))
                    found.append(needed)
                    scripts_left.append(needed)
        return found

    def _in_runlevels(self):
        words = [word.partition('=')[2] for word in next_words(self._view) if word.startswith('softlevel=')]
        found, levels = [], list(_RUNLEVELS) + [(words or ['default'])[-1]]
        for level in levels:
            folder = '/etc/runlevels/' + level
            for name in self._view.listdir(folder):
                path = '%s/%s' % (folder, name)
                if self._view.is_directory(self._view.real(path)):
                    levels += [name] if name not in levels and len(levels) < _DEEPEST else []
                elif is_executable(self._host, self._view, path):
                    found.append(path)
        return found

    def swap_before_mounts(self, point):
        """The answer on whether swap on a mounted filesystem is turned on after that is mounted: OpenRC's own service
        swap comes before localmount, unless its settings say else.
        """
        path = next((path for path in self.of_runlevels() if path.rsplit('/', 1)[1] == 'swap'), None)
        settings = [self._view.read(name) or '' for name in ['/etc/conf.d/swap'] + self.sourced_files()]
        if self._init != OPENRC or path is None or self.is_in_runlevel(('mountall.sh',)) or not _BEFORE_MOUNTS.search(
                self._view.read(path) or '') or any(_AFTER_MOUNTS.search(text) for text in settings):
            return yes()
        return no('%s turns swap on before localmount mounts %s: have rc_before="!localmount" and rc_need="localmount" '
                  'in /etc/conf.d/swap' % (path, point))

    def of_inittab(self):
        """The commands (Command) of inittab, and those of the scripts that a line names. What the init's own scripts do
        is not certain.
        """
        found = []
        for path, line, text in self._inittab():
            for command in of_line(self._host, self._view, path, line, text, True):
                certain = command.certain and not _OWN.match(self._view.real(command.source))
                found.append(Command(command.source, command.line, command.text, certain))
        return found

    def runs(self, path):
        """False if nothing runs a script such as /etc/rc.local: the one that would is in no runlevel."""
        names = re.compile(r'(?<![\w./-])%s(?![\w./-])' % re.escape(path))
        if any(names.search(text) for _path, text in self.texts()) or self._view.real(path) in [
                self._view.real(one) for one in self.started()]:
            return True
        return self._init != OPENRC and not names.search(self._view.read(_INIT_D + path.rsplit('/', 1)[1]) or '')

    def _inittab(self):
        """[(path, line number, command)] of the lines of inittab that the boot runs."""
        levels, found = self._levels(), []
        for path, line, runlevels, action, text in self._inittab_rows():
            of_level = self._init == BUSYBOX or not runlevels or set(runlevels) & set(levels)
            if action in _AT_BOOT or action in _OF_A_LEVEL and of_level:
                found.append((path, line, text.lstrip('+-')))
        return found

    def _inittab_rows(self):
        """[(path, line number, runlevels, action, command)] of inittab(5), and of sysvinit's directory of more."""
        if self._init not in (SYSV, OPENRC, BUSYBOX):
            return []
        rows = []
        for path in [_INITTAB] + ['%s/%s' % (_MORE_INITTAB, name) for name in self._view.listdir(_MORE_INITTAB)
                                  if name.endswith('.tab')]:
            for number, line in enumerate((self._view.read(path) or '').splitlines(), 1):
                parts = line.strip().split(':', 3)
                if len(parts) == 4 and not parts[0].startswith('#'):
                    rows.append((path, number, parts[1], parts[2], parts[3].strip()))
        return rows

    def _levels(self):
        """The runlevels of sysvinit in which a boot may end: one where that is known, else all."""
        if self._init not in (SYSV, OPENRC):
            return _LEVELS
        asked = [word for word in next_words(self._view) if word in _LEVELS]
        of_table = [max(row[2]) for row in self._inittab_rows() if row[3] == 'initdefault' and row[2]]
        level = (asked[-1:] or of_table[:1] or [''])[0]
        return (level,) if level in _LEVELS else _LEVELS

    def _of_rc_directories(self):
        found = []
        for level in ('S',) + tuple(self._levels()):
            targets = self._targets('boot' if level == 'S' else 'start')
            for folder in ('/etc/rc%s.d' % level, '/etc/rc.d/rc%s.d' % level):
                found += ['%s/%s' % (folder, name) for name in self._view.listdir(folder)
                          if name.startswith('S') and (targets is None or name[3:] in targets)
                          and is_executable(self._host, self._view, '%s/%s' % (folder, name))]
        return found

    def _targets(self, name):
        """The scripts that startpar starts of those with a link; None where each script with a link is started."""
        view = self._view
        if self._init != SYSV or view.exists(_BY_LINKS) or not all(view.read(path) for path in _OF_INSSERV):
            return None
        by = [view.read(path) or '' for path in ('/lib/init/rc', '/etc/init.d/rc')]
        if 'concurrency=none' in next_words(view) or not any('startpar' in text for text in by):
            return None
        match = _TARGETS.search(view.read(_INIT_D + '.depend.' + name))
        return set(match.group(1).split()) if match else None

    def _own(self):
        """The paths of the scripts that are the init's own."""
        if self._init == SYSTEMD:
            return []
        found = ['/etc/rc.d/rc.sysinit', '/etc/rc.sysinit']
        # Debian's rcS runs the scripts of rcS.d and does nothing else; busybox runs the lines of rcS itself.
        if self._init == BUSYBOX:
            found.append(_INIT_D + 'rcS')
        if self._init == RUNIT:
            found += ['/etc/runit/1'] + ['/etc/runit/core-services/' + name
                                         for name in self._view.listdir('/etc/runit/core-services')]
            found.append('/etc/runit/2')
        return [path for path in found if self._view.exists(path)]
