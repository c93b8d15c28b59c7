# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the host's own init will do at the next boot: with swap, with sysctl files, with units.

It is read from the files that a boot reads, and asked of systemd if that runs. An answer is one of those in answers.py.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import fnmatch
import os
import re

from .._files.overlay import Overlay
from .._node import fstab
from .._node.privilege import is_container
from .._systemd import systemd
from .._systemd.boot_units import Units
from . import commands, credentials, devices, files, generators, hooks, mounts, scores, tmpfiles, tuners
from .answers import no, unknown, worst, yes
from .init import OPENRC, RUNIT, SYSTEMD, SYSV, init_of, same_init
from .kernel_line import kernel_says, next_words
from .scripts import Scripts

_GPT_AUTO = 'systemd-gpt-auto-generator'
_SYSCTL_UNIT, _TMPFILES_UNIT, _SWAP_TARGET = 'systemd-sysctl.service', 'systemd-tmpfiles-setup.service', 'swap.target'
_PREFIX = re.compile(r'--prefix[= ](\S+)')
_SYSCTL_PROGRAMS = ('/usr/sbin/sysctl', '/sbin/sysctl', '/usr/bin/sysctl', '/bin/sysctl')
_NO = '0 no n false f off'.split()
# With these sysvinit runs no script, but a shell.
_NO_SCRIPTS = ('emergency', '-b')
_QUOTES = re.compile(r'["\']')
# Targets of bootup(7), for a host of which not all units can be read.
_OF_SYSTEMD = ('local-fs.target', 'local-fs-pre.target', 'sysinit.target', 'basic.target', 'network.target',
               'network-online.target', 'remote-fs.target', 'multi-user.target', 'swap.target')
# What a generator has to name to change each.
_OF_SWAP, _OF_SYSCTL = re.compile(r'swap|fstab|\.mount\b'), re.compile(r'sysctl|swappiness|tmpfiles')
_SWAPOFF = re.compile(r'(?:^|[\s(/])swapoff(?:\s+(.*)|\Z)')
_SWAPON = re.compile(r'(?:^|[\s(/])swapon\s+(.*)')
_OF_CRON = ('/etc/cron', '/var/spool/cron')
_STOPS = re.compile(r'\bsystemctl\s+(?:-\S+\s+)*(?:stop|mask|disable)\s+(.*)')
# What gives a command words that stand nowhere, and what takes lines out of fstab.
_WORDS_OF_ANOTHER = re.compile(r'\bxargs\b|\bparallel\b|\{\}|[$`]')
_EDITS_IN_PLACE = re.compile(r'\b(?:sed|perl)\s(?:\S*\s)?-\w*i')
_SWAP_SCRIPTS = re.compile(r'^[^#\n]*\b(?:swapon|swaponagain)\b', re.MULTILINE)
_SYSCTL_SCRIPTS = re.compile(r'^(?:(?!\bsysctl[ \t])[^#\n])*\bsysctl[ \t][^\n]*?(?:-p|-a|--system|--load|-e)',
                             re.MULTILINE)
# Debian's and Devuan's script of procps has the program in a variable.
_IN_A_VARIABLE = re.compile(r'(?m)^\s*(\w+)=["\']?/\S*\bsysctl["\']?\s*$')
_FLAGS = re.compile(r'(?:^|\s)(?:-\w*a\w*|--all)(?=\s|\Z)')


class Boot:
    """The next boot of a host. It reads only when it is asked, and each thing once."""

    def __init__(self, host):
        self.host = host
        self.view = Overlay(host)
        self.init = init_of(self.view)
        self.scripts = Scripts(host, self.view, self.init)
        self._units = self._commands = None
        self._asked, self._deaf, self._keeps = {}, False, {}

    @property
    def units(self):
        """The Units of a host with systemd, else None."""
        if self._units is None and self.init == SYSTEMD:
            # The init of a container has no command line of the kernel's.
            words = [] if is_container(self.host) else next_words(self.view)
            self._units = Units(self.view, words, hooks.wanted_by_udev(self.view))
        return self._units

    @property
    def commands(self):
        """The commands (commands.Command) that the boot runs beside the init's own work, as a list."""
        if self._commands is None:
            self._commands = self.scripts.of_inittab() + commands.at_boot(
                self.host, self.view, self.scripts, self.units)
            self._commands += hooks.at_events(self.host, self.view, self.units) + commands.of_init_scripts(
                self.host, self.view, self._init_scripts(), self.scripts.sourced_files()) + tuners.at_start(
                    self.host, self.view, self.units)
        return self._commands

    def swap(self, path):
        """The answer on whether a swap area is on, with ``by``: fstab, systemd (a ``.swap`` unit), generator, command,
        or None.
        """
        by, source, answer = self._activates(path)
        command, certain = self._turns_on(path) if by is None else (None, False)
        if command:
            by, source, answer = 'command', path, yes() if certain else unknown('%s may turn it on: %s' % (
                command.place, command.text), 'swapon --show, after the next boot')
        if by is None:
            return dict(answer, by=None)
        answers = [answer, self._target(by), mounts.of_file(self, source, by != 'command'),
                   devices.opened(self.host, self.view, source), self._swapoff(path), self._conflict(path),
                   self._cleaned(source), self._changed_before(_OF_SWAP), self._declared(by, path, command)]
        if not source.startswith('/dev/'):
            answers.append(self.keeps(source))
        if is_container(self.host):
            answers.append(unknown('a container is started by its engine, and its swap is the host\'s: whoever runs it '
                                   'has to see to it', 'swapon --show, on the host after its next start'))
        return dict(worst(answers), by=by)

    def _declared(self, by, path, command):
        """The answer on whether the file that has an area turned on is there then."""
        if by in ('fstab', 'command'):
            return self.keeps(fstab.PATH if by == 'fstab' else command.source)
        file = self.units.file_of(systemd.unit_name(path)) if by == 'systemd' else None
        return self.keeps(file) if file else yes()

    def keeps(self, path):
        """The answer on whether a file is there after the next boot, as it is now."""
        if path not in self._keeps:
            ends = commands.at_shutdown(self.host, self.view, self.units)
            self._keeps[path] = files.keeps(self.host, self.view, self.units, self.commands + ends,
                                            self.resolved(path))
        return self._keeps[path]

    def resolved(self, path):
        """A path without links in its directories; of a host in a directory the path itself."""
        if self.host.root != '/':
            return path
        return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))

    def _activates(self, path):
        """(by, the name by which the area is turned on, answer)."""
        entries = [entry for entry in self._fstab() if self.same(entry['source'], path)]
        on = [entry for entry in entries if 'noauto' not in entry['options']]
        unit = self._swap_unit(path, bool(on))
        if unit and (unit[0] == 'systemd' or not on):
            return unit
        if on:
            return 'fstab', fstab.device(on[0]['source']), self._reads_fstab(path, on[0]['source'])
        if entries:
            return None, path, no('its line in %s says noauto: take that out' % fstab.PATH)
        return None, path, no('nothing turns it on at boot: it has no line in %s%s' % (
            fstab.PATH, ' and no unit' if self.init == SYSTEMD else ''))

    def _turns_on(self, path):
        """(command, certain): the command (Command) of the boot that turns an area on by its name, and whether it is
        sure to run; (None, False) without one. What has no line and no unit has no other way.
        """
        found = []
        for command in self.commands:
            on = None if command.is_told else _SWAPON.search(command.text)
            if on and not _FLAGS.search(on.group(1)) and self._meant(on.group(1), path, command.text):
                # A table of cron is there without cron, too.
                found.append((command, command.certain and not command.source.startswith(_OF_CRON)))
        return next((row for row in found if row[1]), found[0] if found else (None, False))

    def _fstab(self):
        return [entry for entry in fstab.parse(self.view.read(fstab.PATH)) if entry['type'] == 'swap']

    def same(self, source, path):
        """True if a source of fstab(5) or systemd.swap(5) is that file or device, by whatever name."""
        named = fstab.device(source)
        if self.view.real(named) == self.view.real(path):
            return True
        one, other = self.host.status(named), self.host.status(path)
        return one is not None and other is not None and (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)

    def _reads_fstab(self, path, source):
        """The answer on whether the init turns the areas of fstab on."""
        if self.init == SYSTEMD:
            unit = systemd.unit_name(fstab.device(source))
            what = self.units.value(unit, 'What')
            if what and what['path'].startswith('/etc/') and not self.same(what['value'], path):
                return no('%s line %d has %s turn on %s' % (what['path'], what['line'], unit, what['value']))
            return worst([self._generator('systemd-fstab-generator', ('systemd.swap', 'fstab')), self.unmasked(unit)])
        return self._script_answer('swap', _SWAP_SCRIPTS.search, 'the swap of %s' % fstab.PATH)

    def _generator(self, name, switches):
        return worst([generators.own(self.host, self.view, name)] + [
            self._switched_off(word) for word in switches])

    def _changed_before(self, names):
        """The answer on what may change a boot before any unit: another init, and generators; ``names`` finds in the
        text of one what is meant.
        """
        answers = [same_init(self.host, self.view, self.init)]
        if self.units is not None:
            answers.append(generators.of_others(self.host, self.view, names))
        return worst(answers)

    def _switched_off(self, word):
        return self.kernel_says(lambda words: next(
            (one for one in words if one.startswith(word + '=') and one.partition('=')[2].lower() in _NO), None))

    def unmasked(self, unit):
        """The answer on whether a unit may start: no file and no word of the kernel's command line masks it, and the
        conditions of an administrator are met.
        """
        path = self.units.masked(unit)
        if path:
            return no('%s is masked (%s): systemctl unmask %s' % (unit, path, unit))
        asked = self._ask(unit)
        if asked == 'masked':
            return no('%s is masked, says systemd: systemctl unmask %s' % (unit, unit))
        word = 'systemd.mask=' + unit
        return worst([self.kernel_says(lambda words: word if word in words else None)] + [
            self._condition(unit, *row) for row in self.units.conditions(unit)] + [
            self._required(unit, *row) for row in self.units.settings(unit)])

    def _required(self, unit, path, line, name, value):
        """The answer on what an administrator has a unit require."""
        if not path.startswith('/etc/') or name not in ('Requires', 'BindsTo', 'Requisite'):
            return yes()
        for word in value.split():
            if not word.endswith(('.service', '.target', '.socket')):
                continue
            if self.units.file_of(word) is None and word not in _OF_SYSTEMD or self.units.masked(word):
                return no('%s line %d has %s start only with %s, which is %s' % (
                    path, line, unit, word, 'masked' if self.units.masked(word) else 'not there'))
            if name == 'Requisite':
                return unknown('%s line %d has %s start only once %s has' % (path, line, unit, word))
        return yes()

    def _condition(self, unit, path, line, name, value):
        words = '%s line %d has %s start only with %s=%s' % (path, line, unit, name, value)
        wanted, negated = value.lstrip('|').strip(), value.lstrip('|').startswith('!')
        if name.endswith('PathExists'):
            return yes() if self.view.exists(wanted.lstrip('!').strip()) != negated else no(words)
        return yes() if wanted == '!container' else unknown(words, 'systemctl show -p ConditionResult %s, after the '
                                                            'next boot' % unit)

    def _ask(self, unit):
        """The UnitFileState of a unit, as systemd now has it from the files; None if it does not say."""
        if self._deaf or not systemd.is_running(self.host):
            return None
        if unit not in self._asked:
            self._asked[unit] = systemd.unit_file_state(self.host, unit)
            # systemd is not waited for again if it gave no answer once.
            self._deaf = self._asked[unit] is None
        return self._asked[unit]

    def _swap_unit(self, path, in_fstab):
        """(``systemd`` or ``generator``, its file or device, answer) of the ``.swap`` unit of an area, or None.

        A line of fstab starts the unit, even if nothing else wants it.
        """
        if self.units is None:
            return None
        for unit in self.units.of_kind('.swap'):
            value = self.units.value(unit, 'What')
            if not value or not self.same(value['value'], path):
                continue
            source = self.units.file_of(unit)
            text = self.view.read(source) or ''
            if self.of_fstab(unit) or unit != systemd.unit_name(value['value']):
                continue
            what = value['value']
            if _GPT_AUTO in text:
                return 'generator', what, self._gpt_auto()
            if source.startswith('/run/'):
                return 'generator', what, self.unmasked(unit)
            return 'systemd', what, self.unmasked(unit) if in_fstab else self._wanted(unit)
        return None

    def of_fstab(self, unit):
        """True if systemd made the unit of a line of fstab, which may have gone since."""
        return (self.units.file_of(unit) or '').startswith('/run/') and 'fstab' in (
            self.setting(unit, 'SourcePath') or '')

    def setting(self, unit, name):
        """The value of a directive of a unit, None without one."""
        setting = self.units.value(unit, name)
        return setting and setting['value']

    def _wanted(self, unit):
        if unit in self.units.started():
            return self.unmasked(unit)
        return worst([self.unmasked(unit), no('nothing starts %s at boot: systemctl enable %s' % (unit, unit))])

    def _gpt_auto(self):
        """The answer on a swap partition: systemd-gpt-auto-generator(8) turns none on if fstab has any swap (systemd
        issue 35429).
        """
        entries = [entry for entry in self._fstab() if 'noauto' not in entry['options']]
        if entries:
            return no('%s has a line for swap (%s), and systemd turns on no swap partition by itself then: give the '
                      'partition a line too, or have the file by a unit (persist: systemd)' % (
                          fstab.PATH, entries[0]['source']))
        return self._generator(_GPT_AUTO, ('systemd.swap', 'systemd.gpt_auto'))

    def gpt_swap(self):
        """True if systemd turns on a swap partition by itself, which it does only if fstab has no swap."""
        return self.units is not None and any(
            _GPT_AUTO in (self.view.read(self.units.file_of(unit)) or '') for unit in self.units.of_kind('.swap'))

    def _target(self, by):
        """The answer on whether the target of all swap is reached."""
        if self.units is None or by not in ('fstab', 'systemd', 'generator'):
            return yes()
        answer = self.unmasked(_SWAP_TARGET)
        if answer['kept'] and _SWAP_TARGET not in self.units.started():
            return no('nothing starts %s at boot' % _SWAP_TARGET)
        return answer

    def _conflict(self, path):
        """The answer on whether a unit of the boot may not be beside the swap."""
        conflict = self.units and self.units.conflicting([_SWAP_TARGET, systemd.unit_name(path)])
        return unknown('%s line %d: %s cannot be beside it' % (conflict['path'], conflict['line'], conflict['unit']),
                       'swapon --show, after the next boot') if conflict else yes()

    def _swapoff(self, path):
        """The answer on whether a command turns swap off again, or has no later boot turn it on."""
        # By its source: a later command of one takes back what an earlier one did, and of two nobody knows the order.
        answers, turned_off, on_again = {}, None, {}
        for command in self.commands:
            if command.is_told:
                continue
            off, on = _SWAPOFF.search(command.text), _SWAPON.search(command.text)
            stops = _STOPS.search(command.text)
            if off:
                meant = self._meant(off.group(1) or '', path, command.text)
            else:
                words = _QUOTES.sub('', stops.group(1)).split() if stops else []
                meant = any(fnmatch.fnmatchcase(name, word) for word in words
                            for name in (_SWAP_TARGET, systemd.unit_name(path)))
            before = answers.get(command.source, yes())
            if meant and command.certain:
                answers[command.source] = no('%s turns it off: %s' % (command.place, command.text))
            elif meant or off and meant is None or _takes_line(command.text):
                words = 'turn it off' if off or stops else 'take its line away'
                answers[command.source] = worst([before, unknown('%s may %s: %s' % (
                    command.place, words, command.text), 'swapon --show, after the next boot')])
            elif on and (command.certain or command.place == turned_off) and self._meant(
                    on.group(1), path, command.text):
                # After `swapoff -a &&` it runs if that has run.
                answers[command.source] = yes()
                on_again.setdefault(command.source, command)
            turned_off = command.place if off else turned_off
        answer = worst([answers[source] for source in sorted(answers)])
        others = [on_again[source] for source in sorted(on_again) if answers[source]['kept']]
        if answer['kept'] is False and others:
            return unknown('%s; %s turns it on, and which of them is later is not told' % (
                answer['why'], others[0].place), 'swapon --show, after the next boot')
        return answer

    def _meant(self, words, path, text):
        """True if the words of a command are about this area, None if they are those of another command of its text.
        """
        words = _QUOTES.sub('', words)
        named = re.sub(r'(?:^|\s)-(U|L)\s+', lambda match: ' %s=' % {'U': 'UUID', 'L': 'LABEL'}[match.group(1)], words)
        if _FLAGS.search(words) or any(self.same(word, path) for word in named.split()
                                       if word.startswith('/') or '=' in word):
            return True
        return None if _WORDS_OF_ANOTHER.search(text) else False

    def _cleaned(self, path):
        line = tmpfiles.removes(self.view, path, self.credentials()['tmpfiles']) if self.units is not None else None
        return unknown('%s may remove it at boot: keep it in another directory' % line, 'ls -l %s, after the next boot'
                       % path) if line else yes()

    def sysctl(self):
        """The answer on whether the boot applies sysctl files, with ``by``: ``systemd``, ``procps`` or None."""
        answer = self._sysctl()
        return dict(worst([answer, self._changed_before(_OF_SYSCTL)]), by=answer['by'])

    def _sysctl(self):
        if self.init == SYSTEMD:
            return self._systemd_sysctl()
        if self.init is None:
            return dict(unknown('it is not known which init starts this host', 'sysctl vm.swappiness, after the next '
                                'start'), by=None)
        answer = self._script_answer('sysctl', _applies_sysctl, 'sysctl files')
        if answer['kept'] and not any(self.view.exists(path) for path in _SYSCTL_PROGRAMS):
            answer = no('sysctl is not installed, which the boot runs: install procps')
        return dict(answer, by='procps')

    def _systemd_sysctl(self):
        paths = ('/usr/lib/systemd/systemd-sysctl', '/lib/systemd/systemd-sysctl')
        if not any(self.view.exists(path) for path in paths):
            return dict(no('systemd-sysctl is not installed, which applies sysctl files at boot'), by='systemd')
        answers = [self.unmasked(_SYSCTL_UNIT)]
        there = self.units.file_of(_SYSCTL_UNIT)
        closed = self.units.value(_SYSCTL_UNIT, 'ProtectKernelTunables')
        if closed and closed['value'].lower() in ('yes', 'true', 'on', '1', 'y', 't'):
            answers.append(no('%s line %d lets %s write nothing below /proc/sys' % (
                closed['path'], closed['line'], _SYSCTL_UNIT)))
        if there and _SYSCTL_UNIT not in self.units.started() and answers[0]['kept']:
            answers.append(no('nothing starts %s at boot' % _SYSCTL_UNIT))
        if there and answers[0]['kept'] and 'sysctl' not in (self.setting(_SYSCTL_UNIT, 'ExecStart') or ''):
            answers.append(no('%s does not run systemd-sysctl: its files are %s' % (
                _SYSCTL_UNIT, ', '.join(self.units.files(_SYSCTL_UNIT)))))
        prefixes = _PREFIX.findall(self.setting(_SYSCTL_UNIT, 'ExecStart') or '')
        if there and prefixes and not any(prefix.lstrip('/').startswith(('vm', 'proc/sys/vm')) for prefix in prefixes):
            answers.append(no('%s applies the keys of %s alone: its files are %s' % (
                _SYSCTL_UNIT, ' and '.join(prefixes), ', '.join(self.units.files(_SYSCTL_UNIT)))))
        return dict(worst(answers), by='systemd')

    def credentials(self):
        """{``sysctl`` and ``tmpfiles``: credentials.places() of the lines that a boot has beside those of files}."""
        return {'sysctl': credentials.places(self.units, _SYSCTL_UNIT, 'sysctl.extra'),
                'tmpfiles': credentials.places(self.units, _TMPFILES_UNIT, 'tmpfiles.extra')}

    def tmpfiles(self):
        """True if the boot applies tmpfiles.d(5)."""
        return self.units is not None and self.unmasked(_TMPFILES_UNIT)['kept'] is not False

    def _script_answer(self, service, applies, what):
        """The answer on whether an init without systemd does the work of a service; ``applies`` is a callable (text ->
        true if it does that).
        """
        if self.init is None:
            return unknown('it is not known which init starts this host', 'swapon --show, after the next start')
        if self.init == OPENRC and self.scripts.is_in_runlevel((service,)):
            return yes()
        # Debian's OpenRC runs the scripts of sysvinit.
        if service == 'swap' and self.init in (SYSV, RUNIT, OPENRC):
            forbidden = self.kernel_says(lambda words: 'noswap' if 'noswap' in words else None)
            if forbidden['kept'] is not True:
                return forbidden
        shell = self.kernel_says(lambda words: next((word for word in words if word in _NO_SCRIPTS), None))
        if self.init == SYSV and shell['kept'] is not True:
            return shell
        ended = None
        for path, text in self.scripts.texts():
            if applies(text):
                if applies(commands.up_to_its_end(text)):
                    return yes()
                ended = path
        if ended:
            return unknown('%s ends before it applies %s' % (ended, what), 'cat /proc/swaps /proc/sys/vm/swappiness, '
                           'after the next boot')
        if self.init == OPENRC:
            return no('the service %s is in no runlevel, so the boot does not apply %s: rc-update add %s boot' % (
                service, what, service))
        return no('no script that %s runs at boot applies %s' % (self.init, what))

    def _init_scripts(self):
        """The paths of the scripts that the boot starts; with systemd of those without a unit of that name, if it runs
        any.
        """
        if self.units is not None and generators.own(
                self.host, self.view, 'systemd-sysv-generator')['kept'] is False:
            return []
        return [path for path in self.scripts.started() if self.units is None
                or self.units.file_of(self.view.real(path).rsplit('/', 1)[1] + '.service') is None]

    def kernel_says(self, find):
        """The answer on a word of the kernel's command line; ``find`` is a callable (words -> the word or None)."""
        return kernel_says(self.view, find)

    def score(self, unit, wanted):
        """The answer on whether a service starts with a score and keeps it, with ``score``, what its files say.

        ``wanted`` is a callable (score -> True if it will do).
        """
        answer = scores.of_unit(self, unit, wanted)
        named = re.compile(r'OOM|oom_score|choom|service\.d|' + re.escape(unit.rsplit('.', 1)[0].split('@')[0]))
        setting = self.units.value(unit, 'OOMScoreAdjust')
        return dict(worst([answer, self._changed_before(named), self.keeps(setting['path']) if setting else yes()]),
                    score=answer['score'])

    def score_of_process(self, names, own, wanted):
        """The answer on whether something gives a process that no unit starts another score, as of_process() has it."""
        return worst([scores.of_process(self, names, own, wanted), same_init(self.host, self.view, self.init)])

    def starts(self, unit):
        """The answer on whether the boot starts a unit; unknown if something else may start it."""
        answer = worst([self.unmasked(unit), self._generated(unit)])
        if answer['kept'] is not True or unit in self.units.started():
            return answer
        return no('nothing starts %s at boot: systemctl enable %s' % (unit, unit))

    def _generated(self, unit):
        """The answer on whether the generator of a unit that one made still runs: of systemd's own, of a unit of an
        init script that of systemd, of an instance of PostgreSQL that of Debian's package.
        """
        source = self.setting(unit, 'SourcePath') or ''
        if (self.units.file_of(unit) or '').startswith('/run/') and '/init.d/' in source:
            return generators.own(self.host, self.view, 'systemd-sysv-generator')
        path = unit.startswith('postgresql@') and generators.mask_of(self.host, self.view, 'postgresql-generator')
        return no('%s masks the generator that starts %s: remove it' % (path, unit)) if path else yes()


def _takes_line(text):
    """True if a command edits fstab in place, and swap in it."""
    return 'swap' in text and fstab.PATH in text and _EDITS_IN_PLACE.search(text) is not None


def _applies_sysctl(text):
    """True if a script runs sysctl on files."""
    return _SYSCTL_SCRIPTS.search(text) is not None or any(
        re.search(r'(?m)^[^#\n]*\$\{?%s\b[^#\n]*\s(?:--system|--load|-p)' % name, text)
        for name in _IN_A_VARIABLE.findall(text))


def boot_of(host):
    """The Boot of a host. All who ask get the same one if the host keeps what was read of it (reader.Noting)."""
    once = getattr(host, 'once', None)
    return once('boot', lambda: Boot(host)) if once else Boot(host)
