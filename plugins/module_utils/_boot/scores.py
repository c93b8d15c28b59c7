# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a service starts with its score: by its files, and by the commands that may change it."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._node.identity import is_interpreter
from .._systemd.unit_text import assignments
from . import ananicy, commands
from .answers import no, unknown, worst, yes

# Each command that gives a score has one of these words. Most have none, and _SCORE takes long to say so of a long one.
_NAMES_IT = re.compile(r'choom|OOMScoreAdjust|oom_(?:score_)?adj')
# choom(1), and a write to a file of /proc: the score, where it is a word of its own.
_PATH = r'(?:\$\([^()]*\)|`[^`]*`|\$(?!\()|[^\s`$])*oom_(?:score_)?adj\b'
_SCORE = re.compile(
    r'\bchoom\s(?:.*?(?:-n\s*|--adjust[\s=]\s*)([^\s;]+))?'
    r'|\bsystemd-run\s.*\bOOMScoreAdjust=([^\s;]+)|\bof=%(path)s|%(path)s[\s,]+w\b|%(path)s\s.*\bwrite'
    r'|\b(?:echo|printf)\s+[\'"]?([^\s\'">]+)[\'"]?\s*>+\s*%(path)s|>+\s*%(path)s|\btee\s+%(path)s' % {'path': _PATH})
_OF_ITSELF = re.compile(r'/proc/(?:self|\$\$)/')
# choom(1) of a process that runs, and not of one that it starts.
_OF_ANOTHER = re.compile(r'\schoom\b(?!.*\s(?:-\w*p|--pid))|\ssystemd-run\b')
_REDIS = ('redis-server', 'valkey-server', 'keydb-server')
# Programs that start another one in their place.
_STARTERS = ('env', 'choom', 'nice', 'ionice', 'numactl', 'taskset', 'chrt', 'setpriv', 'runuser', 'su', 'sudo', 'exec')
_OTHER_NAMES = (('mariadbd', 'mysqld'), ('mysqld', 'mariadbd'), ('mariadb', 'mysql'), ('mysql', 'mariadb'))
# What speaks of all processes of a host, and what takes some of them.
_OF_ALL = re.compile(r'/proc/[\[*?]|\bps\s+-?[a-zA-Z]*(?:e|A|ax)|\bls\s+(?:-\S+\s+)*/proc/?(?:\s|[)`]|\Z)')
_CHOOSES = re.compile(r'\b(?:grep|awk|pgrep|pidof|pkill|killall)\b')
_MANAGER = '/etc/systemd/system.conf'
_NUMBER = re.compile(r'-?[0-9]+\Z')


def of_unit(boot, unit, wanted):
    """The answer of Boot.score()."""
    setting = boot.units.value(unit, 'OOMScoreAdjust')
    score = int(setting['value']) if setting else _default(boot.view)
    if not wanted(score):
        place = '%s line %d sets' % (setting['path'], setting['line']) if setting else 'its files leave it at'
        return dict(no('%s %d' % (place, score)), score=score)
    return dict(worst([_resets(boot, unit, wanted), _sets_itself(boot, unit, wanted, score),
                       _reset_by_others(boot, unit, wanted), _reset_by_rules(boot, unit, wanted)]), score=score)


def _default(view):
    """The score of a service whose files set none: DefaultOOMScoreAdjust= of systemd-system.conf(5), else 0."""
    paths, chosen = [_MANAGER], {}
    for folder in ('/usr/lib/systemd/system.conf.d', '/usr/local/lib/systemd/system.conf.d', _MANAGER + '.d'):
        chosen.update((name, '%s/%s' % (folder, name)) for name in view.listdir(folder) if name.endswith('.conf'))
    values = [value for path in paths + [chosen[name] for name in sorted(chosen)]
              for _line, _name, value in assignments(view.read(path), 'DefaultOOMScoreAdjust') if _NUMBER.match(value)]
    return int(values[-1]) if values else 0


def of_process(boot, names, own, wanted):
    """The answer on whether something gives a process that no unit starts another score than its files say.

    ``names`` are those of the process, its program and its service, ``own`` the paths of its own script and settings,
    which are known.
    """
    others = [command for command in boot.commands if boot.view.real(command.source) not in own]
    answer = _reset_by(others, _words(names), wanted, 'grep . /proc/$(pidof -s %s)/oom_score_adj, after the next boot'
                       % names[0])
    rule = ananicy.score_of(boot.view, names[:2])
    if answer['kept'] is True and rule and not wanted(rule['score']) and ananicy.runs(boot.host):
        return unknown('%s line %d has ananicy give it the score %d' % (rule['path'], rule['line'], rule['score']))
    return answer


def _given(command):
    """The score that a command gives a process, as text: '' if it cannot be told, None if it gives none."""
    match = _NAMES_IT.search(command.text) and _SCORE.search(command.text)
    if match and command.is_told and '>' not in match.group():
        # It says what would, and writes no score.
        return None
    return match and next((part for part in match.groups() if part), '')


def _resets(boot, unit, wanted):
    answer = yes()
    for names, others in ((('ExecStart',), False), (('ExecStartPost',), True)):
        for command in commands.of_unit(boot.host, boot.view, boot.units, unit, names):
            number = _given(command)
            if number is None or others and _OF_ITSELF.search(command.text):
                continue
            if not _NUMBER.match(number):
                answer = unknown('%s may give it another score: %s' % (command.place, command.text),
                                 'cat /proc/$(systemctl show -p MainPID --value %s)/oom_score_adj, after a restart'
                                 % unit)
            elif wanted(int(number)):
                answer = yes()
            else:
                told = '%s it the score %s: %s' % ('gives' if command.certain else 'may give', number, command.text)
                told = '%s %s' % (command.place, told)
                answer = no(told) if command.certain else unknown(told)
    return answer


def _sets_itself(boot, unit, wanted, score):
    """The answer on whether a server gives itself another score than the one that it is started with: Redis and Valkey,
    by ``oom-score-adj`` of their configuration (redis.conf), of which the second value is a replica's.
    """
    start = boot.units.value(unit, 'ExecStart')
    words = start['value'].lstrip('-@+!:').split() if start else ['']
    if words[0].rsplit('/', 1)[-1] not in _REDIS:
        return yes()
    path = next((word for word in words[1:] if word.startswith('/')), None)
    text = path and boot.view.read(path) or ''
    numbered_words = [(number, line.split()) for number, line in enumerate(text.splitlines(), 1)]
    numbered_words += [(None, option.split()) for option in ' '.join(words).split(' --')[1:]]
    options = dict((line[0].lower(), (number, line[1:])) for number, line in numbered_words if len(line) > 1)
    number, mode = options.get('oom-score-adj', (None, ['no']))
    values = options.get('oom-score-adj-values', (None, ['0', '200', '800']))[1]
    given = values[1:2] if 'replicaof' in options or 'slaveof' in options else values[:1]
    if mode[0] == 'no' or not given or not _NUMBER.match(given[0]):
        return yes()
    then = max(-1000, min(1000, int(given[0]) + (0 if mode[0] == 'absolute' else score)))
    place = '%s line %d' % (path, number) if number else '%s line %d' % (start['path'], start['line'])
    return yes() if wanted(then) else no('%s has it give itself the score %d: oom-score-adj no leaves it' % (
        place, then))


def _reset_by_others(boot, unit, wanted):
    """The answer on whether a command of another unit, of rc.local or of cron gives a process of a service a score.

    A script does not tell whose process it means: it may be this one if it has the name of the service or of its
    program.
    """
    own = set((command.source, command.line) for command in commands.of_unit(
        boot.host, boot.view, boot.units, unit))
    others = [command for command in boot.commands if (command.source, command.line) not in own]
    return _reset_by(others, _called(boot, unit), wanted, 'cat /proc/$(systemctl show -p MainPID --value %s)/'
                     'oom_score_adj, after the next boot' % unit)


def _reset_by(others, names, wanted, would_tell):
    """The answer on whether one of the commands may give a process of these names (an expression) a score."""
    by_source = {}
    for command in others:
        by_source.setdefault(command.source, []).append(command)
    for source in sorted(by_source):
        if not any(names.search(command.text) for command in by_source[source]) and not _means_all(by_source[source]):
            continue
        for command in by_source[source]:
            number = _given(command)
            if number is None or _OF_ITSELF.search(command.text) or _OF_ANOTHER.search(' ' + command.text):
                continue
            if not _NUMBER.match(number) or not wanted(int(number)):
                return unknown('%s may give it another score: %s' % (command.place, command.text), would_tell)
    return yes()


def _means_all(others):
    return any(_OF_ALL.search(command.text) for command in others) and not any(
        _CHOOSES.search(command.text) for command in others)


def _reset_by_rules(boot, unit, wanted):
    """The answer on whether a daemon gives each process of that name a score."""
    program = _program(boot, unit)
    names = [program] if program and not is_interpreter(program) and program not in _STARTERS else [
        name.rsplit('.', 1)[0] for name in [unit] + _aliases(boot, unit)]
    rule = ananicy.score_of(boot.view, [re.sub(r'[_-]safe\Z', '', name) for name in names])
    if rule is None or wanted(rule['score']):
        return yes()
    told = '%s line %d has ananicy give it the score %d' % (rule['path'], rule['line'], rule['score'])
    if any(name in boot.units.started() for name in ananicy.UNITS):
        return no('%s: take that line away' % told)
    return unknown(told, 'cat /proc/$(systemctl show -p MainPID --value %s)/oom_score_adj' % unit) if ananicy.runs(
        boot.host) else yes()


def _program(boot, unit):
    """The name of the program that a service starts, or None."""
    start = boot.units.value(unit, 'ExecStart')
    program = re.match(r'\S*?([^\s/]+)(?:\s|\Z)', start['value'] if start else '')
    return program and program.group(1).lstrip('-@+!:')


def _aliases(boot, unit):
    return [name for _path, _line, key, value in boot.units.settings(unit) if key == 'Alias' for name in value.split()]


def _called(boot, unit):
    """The expression for the words by which a command may mean a service: the names of the service and of its program.
    """
    program = _program(boot, unit)
    names = [name.rsplit('.', 1)[0] for name in [unit] + _aliases(boot, unit)]
    user, pid_file = boot.units.value(unit, 'User'), boot.units.value(unit, 'PIDFile')
    names += [user['value']] if user and user['value'] not in ('root', '0') else []
    names += [pid_file['value'].rsplit('/', 1)[-1].rsplit('.', 1)[0]] if pid_file else []
    if program and not is_interpreter(program):
        names.append(program)
    return _words(names)


def _words(names):
    # MariaDB's are called by either name.
    names = list(names) + [other for ours, other in _OTHER_NAMES if ours in names]
    return re.compile(r'(?<![\w-])(?:%s)(?![\w-])' % '|'.join(re.escape(name) for name in sorted(set(names))))
