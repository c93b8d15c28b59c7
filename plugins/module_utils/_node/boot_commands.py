# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands that a boot runs beside the init's own work: rc.local, units, local.d, init scripts."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .boot_units import generator_of

# Scripts of an administrator are short; a larger file is a program.
_LONGEST_SCRIPT = 1 << 16
_RC_LOCAL = ('/etc/rc.local', '/etc/rc.d/rc.local', '/etc/init.d/boot.local', '/etc/rc.d/boot.local')
_EXECS = ('ExecCondition', 'ExecStartPre', 'ExecStart', 'ExecStartPost')
# What a service that does its work and ends runs as well.
_AT_ITS_END = ('ExecStop', 'ExecStopPost')
_OF_PACKAGES = re.compile(r'/(?:usr/(?!local/)|s?bin/|lib)')
_OPENS = re.compile(r'^(?:if|case|for|while|until|select)\b|^(?:function\s+)?[\w-]+\s*(?:\(\s*\))\s*\{?|^\{|[{(]\s*$')
_CLOSES = re.compile(r'^(?:fi|esac|done|\}|\))')
# A shell that execs a program does not reach the next line; an exec that only redirects does.
_ENDS = re.compile(r'^(?:exit\b|exec\s+[\w/.$"-])')
# The forms in which a program that is not a shell names a program and its words.
_PUNCTUATION = re.compile(r'["\'\[\](),]')
_SHELLS = re.compile(r'#!.*(?:sh|openrc-run|runscript)\b')
# Of an init script, the function and the branch that a start does not run.
_INIT_SCRIPTS = ('/etc/init.d/', '/etc/rc.d/init.d/')
_STOP_FUNCTION = re.compile(r'\s*(?:function\s+)?(?:\w+_)?stop\w*\s*\(\s*\)')
_STOP_BRANCH = re.compile(r'\s*\(?[\w|" -]*\bstop\b[^()]*\)')
_DEEPEST = 3
# A command that sets a key or switches swap is short, and each is searched in more than linear time.
_LONGEST_COMMAND = 4096
_PATH = re.compile(r'(?:^|[\s;&|"\'=])(/[\w@%+=:,./-]+)')


class Command:
    """A command with its place. ``certain`` is true if the boot runs it on any condition."""

    def __init__(self, source, line, text, certain):
        self.source, self.line, self.certain = source, line, certain
        self.text = text[:_LONGEST_COMMAND]

    @property
    def place(self):
        """Where the command stands, as ``/etc/rc.local line 3``."""
        return '%s line %d' % (self.source, self.line)


def at_boot(host, view, init, units):
    """The commands (Command) in the order in which they probably run; ``units`` is the Units of the view, None without
    systemd.
    """
    found = []
    for path in _RC_LOCAL:
        if is_executable(host, view, path) and _runs_rc_local(view, units):
            found += of_script(host, view, path)
    if units is not None:
        for unit in sorted(name for name in units.started() if name.endswith('.service')):
            commands = of_unit(host, view, units, unit)
            found += commands if unit in units.certain() else perhaps(commands)
    if init == 'openrc' and view.exists('/etc/runlevels/default/local'):
        for name in view.listdir('/etc/local.d'):
            if name.endswith('.start') and is_executable(host, view, '/etc/local.d/' + name):
                found += of_script(host, view, '/etc/local.d/' + name)
    return found


def _runs_rc_local(view, units):
    """True if something starts rc.local; a unit of the administrator's that does is read as every unit is."""
    if units is None:
        return True
    if units.masked('rc-local.service'):
        return False
    generator = generator_of(view, 'systemd-rc-local-generator')
    if generator:
        return view.real(generator) != '/dev/null'
    # systemd has none since 260. A host without any known one has its generators elsewhere.
    return generator_of(view, 'systemd-fstab-generator') is None


def perhaps(commands):
    """The same commands, as a boot that may run them."""
    return [Command(each.source, each.line, each.text, False) for each in commands]


def of_unit(host, view, units, unit, names=None):
    """The commands (Command) of a service's start: those of the directives ``names``, and those of the scripts that
    they run; without ``names`` all that its start brings.
    """
    names = names or _EXECS + (_AT_ITS_END if _ends_by_itself(units, unit) else ())
    rows = {}
    for path, line, name, value in units.settings(unit):
        if name in names:
            # An empty assignment removes all before it.
            if value:
                rows.setdefault(name, []).append((path, line, value))
            else:
                rows[name] = []
    found = []
    for name in names:
        for path, line, value in rows.get(name, []):
            found += of_line(host, view, path, line, value.lstrip('-@+!:'), True)
    return found


def _ends_by_itself(units, unit):
    kind, remains = units.value(unit, 'Type'), units.value(unit, 'RemainAfterExit')
    return bool(kind and kind['value'] == 'oneshot' and not (
        remains and remains['value'].lower() in ('yes', 'true', 'on', '1', 'y', 't')))


def of_line(host, view, source, line, text, certain):
    """The commands (Command) of a line of a unit or of cron, then those of the scripts that it names."""
    found = [Command(source, line, part, certain and sure) for part, sure in _parts(text.replace('"', ' ').replace(
        "'", ' '))]
    for path in _PATH.findall(text):
        script = of_script(host, view, path)
        if _OF_PACKAGES.match(path):
            # The script of a package has its own conditions, and leaves this host as it is meant to be.
            script = [command for command in script if command.certain]
        found += script if certain else perhaps(script)
    return found


def is_executable(host, view, path):
    """True if a file may be run."""
    status = host.status(view.real(path))
    return status is not None and bool(status.st_mode & 0o111)


def of_script(host, view, path, depth=1):
    """The commands (Command) of a script and of the scripts that it names, up to its end; none if it is a program."""
    status = host.status(view.real(path))
    if status is None or status.st_size > _LONGEST_SCRIPT:
        return []
    text = view.read(path) or ''
    if not text.startswith('#!'):
        return []
    if not _SHELLS.match(text):
        # Only the script's own interpreter knows which of its lines run.
        return [] if _OF_PACKAGES.match(path) else [
            Command(path, number, _PUNCTUATION.sub(' ', line), False)
            for number, line in enumerate(text.splitlines(), 1) if not line.lstrip().startswith('#')]
    found = []
    if view.real(path).startswith(_INIT_SCRIPTS):
        text = _without_stop(text)
    for command in script_commands(path, text):
        found.append(command)
        for named in _PATH.findall(command.text) if depth < _DEEPEST and not _OF_PACKAGES.match(path) else []:
            found += [Command(each.source, each.line, each.text, each.certain and command.certain)
                      for each in of_script(host, view, named, depth + 1)
                      if each.certain or not _OF_PACKAGES.match(named)]
    return found


def of_init_scripts(host, view, paths):
    """The commands (Command) of those paths that lead to init scripts: nothing tells which of them a start runs."""
    return perhaps(command for path in paths if view.real(path).startswith(_INIT_SCRIPTS)
                   for command in of_script(host, view, path))


def _without_stop(text):
    """The text of an init script with its lines that stop a service empty."""
    kept, ends = [], None
    for line in text.splitlines():
        if ends is None:
            ends = '}' if _STOP_FUNCTION.match(line) else ';;' if _STOP_BRANCH.match(line) else None
        kept.append(line if ends is None else '')
        over = line.startswith('}') or '{' in line and line.rstrip().endswith('}')
        if ends == '}' and over or ends == ';;' and ';;' in line:
            ends = None
    return '\n'.join(kept)


def script_commands(path, text):
    """The commands (Command) in the text of a script. Those in an if, loop or function are not certain."""
    found, depth, held, start = [], 0, [], 0
    for number, line in enumerate(text.splitlines(), 1):
        start = start or number
        held.append(line.strip())
        if held[-1].endswith('\\'):
            held[-1] = held[-1][:-1]
            continue
        line, held, place, start = re.sub(r'(^|\s)#.*', '', ' '.join(held)), [], start, 0
        if _CLOSES.match(line):
            depth = max(0, depth - 1)
        opens = _OPENS.search(line)
        found += [Command(path, place, part, sure and depth == 0 and not opens) for part, sure in _parts(line)]
        if depth == 0 and _ENDS.match(line):
            break
        if opens and not re.search(r'(?:\bfi|\besac|\bdone|\})\s*;?\s*$', line):
            depth += 1
    return found


def _parts(line):
    """[(command, True if it runs whatever the commands before it in the line did)]."""
    parts, sure = [], True
    for number, part in enumerate(re.split(r'(\|\||&&|;|\|)', line)):
        if number % 2:
            sure = part == ';' or part == '|' and sure
        elif part.strip():
            parts.append((_bare(re.sub(r'^(?:then|else|do)\s+', '', part.strip())), sure))
    return parts


def _bare(part):
    """A command without the end of a group that began before it, as in ``(sleep 9; swapoff -a) &``."""
    ended = part.rstrip(' &')
    while ended.endswith(')') and ended.count(')') > ended.count('('):
        part = ended = ended[:-1].rstrip()
    return part
