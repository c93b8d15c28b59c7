# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands that a boot runs beside the init's own work: rc.local, units, local.d, init scripts."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._systemd.boot_units import generator_of

# Scripts of an administrator are short; a larger file is a program.
_LONGEST_SCRIPT = 1 << 16
_RC_LOCAL = ('/etc/rc.local', '/etc/rc.d/rc.local', '/etc/init.d/boot.local', '/etc/rc.d/boot.local')
_EXECS = ('ExecCondition', 'ExecStartPre', 'ExecStart', 'ExecStartPost')
# What a service that does its work and ends runs as well.
_AT_ITS_END = ('ExecStop', 'ExecStopPost')
OF_PACKAGES = re.compile(r'/(?:usr/(?!local/)|s?bin/|lib)')
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
# What a shell reads needs no first line that says so.
_READ_BY_A_SHELL = re.compile(r'(?:^|[\s;&|"\'])(?:\.|source|(?:/\S*/)?(?:ba|da|k|z|a)?sh)\s+(?:-[a-z]+\s+)*'
                              r'["\']?(/[\w@%+=:,./-]+)')
# The settings of an init script, which is a shell's text too.
_SETTINGS = ('/etc/default/', '/etc/conf.d/', '/etc/sysconfig/')
# What says the words after it, or has another host do them.
_TELLS = re.compile(r'(?:\S*/)?(?:echo|printf|print|logger|wall|true|man|which|type|ssh|rsh|alias|:|command\s+-[vV])\s')
_SHELL = re.compile(r'\s*(?:\S*/)?(?:sudo\s+)?(?:(?:ba|da|k|z|a)?sh|at|batch)\b')
_HERE = re.compile(r'(?<!<)<<(-?)\s*\\?["\']?(\w+)["\']?')
# An assignment of a text without variables, and what else gives a variable a value.
_DECLARES = r'(?:(?:export|readonly|local|declare|typeset)\s+(?:-\w+\s+)*)?'
_ASSIGNS = re.compile(_DECLARES + r'(\w+)=("[^"$`]*"|\'[^\']*\'|[^\s"\'$`;&|]*)\s*\Z')
_GIVES = re.compile(r'(?:^|\s)' + _DECLARES + r'(\w+)=|^(?:while\s+)?(?:IFS=\S*\s+)?read\s+(.*)')
_LOOPS = re.compile(r'for\s+(\w+)\s+in\s+(.*)')
_VARIABLE = re.compile(r'\$(?:\{(\w+)\}|(\w+))')
_UNKNOWN_WORDS = re.compile(r'[$`*?\[]')
# Of a loop so many words are followed.
_MOST_WORDS = 40


class Command:
    """A command with its place. ``certain`` is true if the boot runs it on any condition, ``is_told`` if it says its
    words and does nothing, or has another host do them.
    """

    __slots__ = ('source', 'line', 'certain', 'text', 'is_told')

    def __init__(self, source, line, text, certain):
        self.source, self.line, self.certain = source, line, certain
        self.text = text[:_LONGEST_COMMAND]
        self.is_told = _TELLS.match(self.text) is not None

    @property
    def place(self):
        """Where the command stands, as ``/etc/rc.local line 3``."""
        return '%s line %d' % (self.source, self.line)


def at_boot(host, view, scripts, units):
    """The commands (Command) in the order in which they probably run; ``units`` is the Units of the view, None without
    systemd, ``scripts`` the Scripts (scripts.py).
    """
    found = []
    for path in _RC_LOCAL:
        if is_executable(host, view, path) and (scripts.runs(path) if units is None else _runs_rc_local(view, units)):
            found += of_script(host, view, path)
    if units is not None:
        for unit in sorted(name for name in units.started() if name.endswith('.service')):
            if not _may_start(view, units, unit):
                continue
            commands = of_unit(host, view, units, unit)
            found += commands if unit in units.certain() else perhaps(commands)
    if scripts.is_in_runlevel(('local',)):
        for name in view.listdir('/etc/local.d'):
            if name.endswith('.start') and is_executable(host, view, '/etc/local.d/' + name):
                found += of_script(host, view, '/etc/local.d/' + name)
    return found


def _may_start(view, units, unit):
    """False if a path that a unit is started with, or without, is another way now."""
    for _path, _line, name, value in units.settings(unit):
        if name in ('ConditionPathExists', 'AssertPathExists') and value and not value.startswith('|'):
            if view.exists(value.lstrip('!').strip()) == value.startswith('!'):
                return False
    return True


def at_shutdown(host, view, units):
    """The commands (Command) that services of a boot run when they are stopped, as a shutdown does."""
    found = []
    for unit in sorted(name for name in units.started() if name.endswith('.service')) if units is not None else []:
        found += of_unit(host, view, units, unit, _AT_ITS_END)
    return found


def _runs_rc_local(view, units):
    """True if systemd starts rc.local; a unit of the administrator's that does is read as every unit is."""
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
    found, known = [], _environment(view, units, unit)
    for name in names:
        for path, line, value in rows.get(name, []):
            value = _VARIABLE.sub(lambda match: known.get(match.group(1) or match.group(2), match.group()), value)
            found += of_line(host, view, path, line, value.lstrip('-@+!:'), True)
    return found


def _environment(view, units, unit):
    """{variable: text} of what a unit's files say."""
    found = {}
    for _path, _line, name, value in units.settings(unit):
        if name == 'Environment':
            rows = re.findall(r'(?:^|\s)["\']?(\w+)=([^"\'\s]*)', value)
        elif name == 'EnvironmentFile':
            rows = re.findall(r'(?m)^\s*(\w+)=["\']?([^"\'\n]*)', view.read(value.lstrip('-')) or '')
        else:
            continue
        found.update((key, text.strip()) for key, text in rows if '$' not in text)
    return found


def _ends_by_itself(units, unit):
    kind, remains = units.value(unit, 'Type'), units.value(unit, 'RemainAfterExit')
    return bool(kind and kind['value'] == 'oneshot' and not (
        remains and remains['value'].lower() in ('yes', 'true', 'on', '1', 'y', 't')))


def of_line(host, view, source, line, text, certain):
    """The commands (Command) of a line of a unit or of cron, then those of the scripts that it names."""
    found = _with_values([Command(source, line, part, certain and sure) for part, sure in _parts(
        re.sub('["\']', ' ', text))])
    for path, by_shell in _named(text):
        script = of_script(host, view, path, by_shell=by_shell)
        if OF_PACKAGES.match(path):
            # The script of a package has its own conditions, and leaves this host as it is meant to be.
            script = [command for command in script if command.certain]
        found += script if certain else perhaps(script)
    return found


def is_executable(host, view, path):
    """True if a file may be run."""
    status = host.status(view.real(path))
    return status is not None and bool(status.st_mode & 0o111)


def _named(text):
    """[(path, True if a shell reads it)] of the paths in a command."""
    # What a package has to be read are functions, and long.
    sourced = [path for path in _READ_BY_A_SHELL.findall(text) if not OF_PACKAGES.match(path)]
    return [(path, path in sourced) for path in _PATH.findall(text)]


def of_script(host, view, path, depth=1, seen=None, by_shell=False):
    """The commands (Command) of a script and of the scripts that it names, up to its end; none if it is a program.

    ``seen`` are the scripts that were read for it, by path and whether they are certain to run: each is read once.
    Without a first line that names a shell it is a script if a shell reads it (``by_shell``).
    """
    seen = set() if seen is None else seen
    status = host.status(view.real(path))
    if status is None or status.st_size > _LONGEST_SCRIPT:
        return []
    text = view.read(path) or ''
    if not text.startswith('#!') and (not by_shell or '\0' in text):
        return []
    if text.startswith('#!') and not by_shell and not _SHELLS.match(text):
        # Only the script's own interpreter knows which of its lines run.
        return [] if OF_PACKAGES.match(path) else [
            Command(path, number, _PUNCTUATION.sub(' ', line), False)
            for number, line in enumerate(text.splitlines(), 1) if not line.lstrip().startswith('#')]
    found = []
    if view.real(path).startswith(_INIT_SCRIPTS):
        text = _without_stop(text)
    for command in script_commands(path, text):
        found.append(command)
        for named, by_its_shell in _named(command.text) if depth < _DEEPEST and not OF_PACKAGES.match(path) else []:
            if (named, command.certain) in seen:
                continue
            seen.add((named, command.certain))
            found += [Command(each.source, each.line, each.text, each.certain and command.certain)
                      for each in of_script(host, view, named, depth + 1, seen, by_its_shell)
                      if each.certain or not OF_PACKAGES.match(named)]
    return found


def of_init_scripts(host, view, paths, sourced):
    """The commands (Command) of the init scripts among ``paths``, of their settings, and of the files that their shell
    reads (``sourced``), all of them uncertain: nothing tells which of them a start runs.
    """
    scripts, seen, found = dict((view.real(path), path) for path in reversed(paths)), set(), []
    for real in sorted(scripts):
        if real.startswith(_INIT_SCRIPTS):
            found += of_script(host, view, scripts[real], seen=seen)
            for folder in _SETTINGS:
                found += of_script(host, view, folder + real.rsplit('/', 1)[1], seen=seen, by_shell=True)
    for path in sourced:
        found += of_script(host, view, path, seen=seen, by_shell=True)
    return perhaps(found)


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
    found, depth, held, start, until = [], 0, [], 0, None
    for number, line in enumerate(text.splitlines(), 1):
        if until:
            # The lines of a here document are commands if a shell reads them.
            ended = (line.lstrip('\t') if until[0] else line) == until[1]
            parts = _parts(line) if until[2] and not ended else []
            found += [Command(path, number, part, False) for part, _sure in parts]
            until = None if ended else until
            continue
        start = start or number
        held.append(line.strip())
        if held[-1].endswith('\\'):
            held[-1] = held[-1][:-1]
            continue
        line, held, place, start = re.sub(r'(^|\s)#.*', '', ' '.join(held)), [], start, 0
        here = _HERE.search(line)
        if here:
            parts = line.split('|')
            until = (here.group(1), here.group(2), any(_SHELL.match(part) for part in parts))
        if _CLOSES.match(line):
            depth = max(0, depth - 1)
        opens = _OPENS.search(line)
        found += [Command(path, place, part, sure and depth == 0 and not opens) for part, sure in _parts(line)]
        if depth == 0 and _ENDS.match(line):
            break
        if opens and not re.search(r'(?:\bfi|\besac|\bdone|\})\s*;?\s*$', line):
            depth += 1
    return _with_values(found)


def _with_values(commands):
    """The commands with the values of variables that the same text gives: one for each word of a loop.

    A variable that is given another value in a branch has either.
    """
    if not any('$' in command.text for command in commands):
        return commands
    known, found = {}, []
    for command in commands:
        loop, given = _LOOPS.match(command.text), _ASSIGNS.match(command.text)
        variants = _variants(command.text, known)
        found += [Command(command.source, command.line, text, command.certain and len(variants) == 1)
                  for text in variants]
        if loop:
            words = re.sub('["\']', '', loop.group(2)).split()
            known[loop.group(1)] = None if _UNKNOWN_WORDS.search(loop.group(2)) else words[:_MOST_WORDS]
        elif given:
            values = [given.group(2).strip('"\'')]
            # A branch that is not taken leaves what was there, or what the shell was started with.
            before = [] if command.certain else known.get(given.group(1))
            known[given.group(1)] = None if before is None or len(before) > _MOST_WORDS else before + values
        else:
            for name, names in _GIVES.findall(command.text):
                known.update((each, None) for each in [name] + names.split() if each)
    return found


def _variants(text, known):
    """The texts that a text with variables stands for; itself if one of its variables is not known."""
    names = [one or other for one, other in _VARIABLE.findall(text)]
    names = [name for name in sorted(set(names)) if known.get(name)]
    texts = [text]
    for name in names:
        texts = [re.sub(r'\$(?:\{%s\}|%s(?!\w))' % (name, name), lambda _match, value=value: value, each)
                 for each in texts for value in known[name]][:_MOST_WORDS]
    return texts


def up_to_its_end(text):
    """The text of a script up to the command at which it ends on any condition."""
    commands = script_commands('', text)
    last = max([0] + [command.line for command in commands])
    ends = any(command.line == last and command.certain and _ENDS.match(command.text) for command in commands)
    return '\n'.join(text.splitlines()[:last]) if ends else text


def _parts(line):
    """[(command, True if it runs whatever the commands before it in the line did)]."""
    parts, sure, split = [], True, re.split(r'(\|\||&&|;|\|)', line)
    for number, part in enumerate(split):
        if number % 2:
            sure = part == ';' or part == '|' and sure
        elif part.strip():
            text = _bare(re.sub(r'^(?:then|else|do)\s+', '', part.strip()))
            parts.append((text, sure))
            if split[number + 1:number + 2] == ['|'] and _SHELL.match(split[number + 2]) and _TELLS.match(text):
                # What is said to a shell is done.
                parts.append((re.sub('["\']', ' ', text.partition(' ')[2]).strip(), False))
    return parts


def _bare(part):
    """A command without the end of a group that began before it, as in ``(sleep 9; swapoff -a) &``."""
    ended = part.rstrip(' &')
    while ended.endswith(')') and ended.count(')') > ended.count('('):
        part = ended = ended[:-1].rstrip()
    return part
