# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a process gets its score at its next start: by a drop-in, a script, the keeper, or a person. Pure."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._boot.answers import worst
from .._change.actions import Action, file_action
from .._files.errors import RescueError
from .._node.containers import recreate_text
from .._node.identity import base_name, is_interpreter
from .._node.service_directory import KINDS
from .._systemd.systemd import drop_in_path, drop_in_text, known_directives, stronger_restart
from . import keeper
from .anew import anew
from .before import score_without_us
from .own_score import score as score_of_block
from .own_score import with_score
from .supervisor import program_text

# The id that lifts the refusal to replace a score that somebody else set.
OVERRIDE = 'stronger-score'
# What starts a server by a script that gives it its score.
_SCRIPTED = ('sysv',) + KINDS
_NUMBER = re.compile(r'^-?\d+\Z')


def file_step(path, before, after, detail, own=False, flaw=None):
    """The actions, one or none, that give a file a text; None as text removes it."""
    return file_action('persistence', path, before, after, detail, flaw, mode=0o644, own=own)


def _reload(unit):
    return Action('persistence', 'reload', 'systemctl daemon-reload (restarts nothing)', unit=unit)


def _unit_directives(properties, value, facts, options):
    directives = {'OOMScoreAdjust': value}
    if options['restart_policy'] == 'ensure':
        directives['OOMPolicy'] = 'continue'
        stronger = stronger_restart(properties.get('Restart'))
        if stronger:
            directives['Restart'] = stronger
    if options['killers'] == 'spare':
        directives['ManagedOOMPreference'] = 'avoid'
    return known_directives(directives, facts['systemd_version'])


def is_overridden(options):
    """True if the user asked to have a score of others' replaced."""
    return OVERRIDE in (options.get('override') or ())


def standing(unit, value, options):
    """(score, reason) of a score in a file of others' that a unit keeps, or (None, None).

    A score that protects more is what somebody wanted; for one of the other sign somebody wanted the opposite.
    """
    winner = unit['winners'].get('OOMScoreAdjust')
    if not winner or is_overridden(options) or not _NUMBER.match(winner['value']):
        return None, None
    score = int(winner['value'])
    line = '%s line %d sets OOMScoreAdjust=%d' % (winner['path'], winner['line'], score)
    if score < value <= 0:
        return score, '%s, which protects more than %d and stays: override=%s replaces it' % (line, value, OVERRIDE)
    if score * value < 0:
        return score, ('%s, which %d contradicts: remove that line, or have it overridden with override=%s'
                       % (line, value, OVERRIDE))
    return None, None


def plan_unit(name, unit, value, facts, options):
    """({before, after, by}, actions, reason or None) of a unit's score at its next start."""
    path = drop_in_path(name)
    before = _at_next_start(name, unit, value, options)
    directives = _unit_directives(unit['without_ours'], value, facts, options)
    winners = unit['winners']
    stands, reason = standing(unit, value, options)
    if stands is not None:
        directives.pop('OOMScoreAdjust')
    after = value if stands is None else stands
    held = [winners.get(key) for key in sorted(directives)]
    if unit['drop_in'] is None and all(
            winner and winner['value'] == str(directives[key]) for key, winner in zip(sorted(directives), held)):
        actions = [_reload(name)] if unit['behind'] else []
        return {'before': before, 'after': after, 'by': winners['OOMScoreAdjust']['path']}, actions, reason
    for key in sorted(directives):
        winner = winners.get(key)
        if winner and winner['value'] != str(directives[key]) and _sorts_after(winner['path'], path):
            raise RescueError('{path} sets {value} and is read after %s' % path,
                              '%s line %d' % (winner['path'], winner['line']), '%s=%s' % (key, winner['value']),
                              '%s=%s' % (key, directives[key]), 'remove that line, or ask for that value')
    text = drop_in_text(directives) if directives else None
    actions = file_step(path, unit['drop_in'], text, 'drop-in of %s with %s' % (
        name, ', '.join('%s=%s' % (key, directives[key]) for key in sorted(directives))), True, unit['drop_in_flaw'])
    if actions or unit['behind'] or before != after:
        actions.append(_reload(name))
    by = path if stands is None else winners['OOMScoreAdjust']['path']
    return {'before': before, 'after': after, 'by': by}, actions, reason


def _at_next_start(name, unit, value, options):
    """The score at a unit's next start: the one systemd has read, or the one in its files if that protects less after a
    boot.
    """
    shown = int(unit['properties'].get('OOMScoreAdjust') or 0)
    later = unit['boot'].score(name, lambda score: True)['score']
    return later if is_enough(shown, value, options) else shown


def next_start_of(name, unit, persistent, starts=False):
    """{kept, why, would_tell} of a unit's score at its next start, or None if nothing is known beside ``persistent``.

    ``starts`` is true if it matters that something starts the unit.
    """
    score, answers = persistent['after'], []
    if score is not None and persistent['before'] == score:
        boot = unit['boot'].score(name, lambda number: number == score or number < score <= 0)
        answers.append(dict((key, boot[key]) for key in ('kept', 'why', 'would_tell')))
    if starts:
        answers.append(unit['boot'].starts(name))
    return worst(answers) if answers else None


def next_start_without_unit(target, persistent, facts):
    """The same of a process that no unit of systemd starts, or None without a score that its files keep."""
    manager, row = target['manager'], target['process']
    score = persistent['after']
    if score is None or persistent['before'] != score:
        return None
    names = [row['name']] + [name for name in (base_name(row['exe']), manager.get('name')) if name]
    names = [name for name in names if not is_interpreter(name)] or [row['name']]
    own = [persistent['by']] + ['/etc/init.d/' + manager['name']] if manager['kind'] == 'sysv' else [persistent['by']]
    return facts['boot'].score_of_process(names, own, lambda number: number == score or number < score <= 0)


def _sorts_after(path, ours):
    name = path.rsplit('/', 1)[1]
    return path != ours and '.d/' in path and name > ours.rsplit('/', 1)[1]


def persistence_of(target, value, facts, options):
    """({before, after, by}, actions, recreate_required, reason) of a process's score after its next start."""
    manager = target['manager']
    kind = manager['kind']
    if options['persist'] == 'none':
        return {'before': None, 'after': None, 'by': None}, [], None, None
    if kind == 'systemd' and manager['user'] is None:
        unit = facts['units'].get(manager['name'])
        if unit and unit['transient']:
            score = int(unit['properties'].get('OOMScoreAdjust') or 0)
            return {'before': score, 'after': score, 'by': None}, [], (
                '%s is made anew for each run, so no file keeps its score: start it by `systemd-run -p '
                'OOMScoreAdjust=%d`, or as a unit with a file' % (manager['name'], value)), None
        if unit:
            persistent, actions, reason = plan_unit(manager['name'], unit, value, facts, options)
            return persistent, actions, None, reason
    script = facts['scripts'].get(manager.get('directory') or manager['name']) if kind in _SCRIPTED else None
    given = script and script['own']
    if given and is_enough(given['score'], value, options):
        return {'before': given['score'], 'after': given['score'], 'by': given['path']}, [], None, None
    if script and script['file'] and not _stands(script, value, options):
        return _plan_script(manager, script, value, facts, options)
    container = target.get('container') or {}
    declared = None
    if kind in ('docker', 'podman'):
        declared = container.get('configured')
        if is_enough(declared, value, options):
            return {'before': declared, 'after': declared, 'by': kind}, [], None, None
        recreate = recreate_text(manager, container, value)
    elif kind == 'supervisord':
        program = facts['programs'].get(manager['name']) or {}
        declared = program.get('score')
        if is_enough(declared, value, options):
            return {'before': declared, 'after': declared, 'by': program['path']}, [], None, None
        recreate = program_text(manager['name'], program, value)
    else:
        declared = (given or {}).get('score')
        recreate = script and _script_text(target, script, value) or _by_hand(target, value)
    before = _inherited(target, value, facts) if declared is None else declared
    if not options['keep']:
        return {'before': before, 'after': before, 'by': None}, [], recreate, None
    if not facts['systemd_running']:
        return ({'before': before, 'after': before, 'by': None}, [], recreate,
                'keep needs systemd, which does not run here: the score is gone when %s starts again'
                % target['process']['name'])
    rule = rule_of(target, value, facts)
    if rule is None:
        return ({'before': before, 'after': before, 'by': None}, [], recreate,
                'keep cannot tell %s apart from others: its name or executable has blanks, or is hidden, or it is one '
                'of many scripts of an interpreter' % target['process']['name'])
    if keeper.gives(facts['keeper'], facts['key'], rule):
        before = value
    return {'before': before, 'after': value, 'by': keeper.UNIT}, [], None, None


def _stands(script, value, options):
    """True if a score that a script gives by itself stays: ours would be lost, or somebody wanted the opposite."""
    variable = script.get('variable')
    return bool(script['own'] or variable and variable['score'] * value < 0 and not is_overridden(options))


def _plan_script(manager, script, value, facts, options):
    """The same for what a script starts, by our block in a file that it reads, or in itself."""
    path, text, variable = script['file'], script['text'], script.get('variable')
    if variable and is_enough(variable['score'], value, options):
        # Not every OpenRC hands its variable on to what starts the server.
        value = variable['score']
    persistent = {'before': score_of_block(text) or 0, 'after': value, 'by': path}
    words = script['start'], bool(variable)
    if path in facts['changed']:
        return persistent, [anew('persistence', path, text, with_score(None, value, *words), facts['changed'][path])], \
            None, None
    starter = manager.get('directory') or '/etc/init.d/' + manager['name']
    return persistent, file_step(path, text, with_score(text, value, *words), 'the score for what %s starts' % starter,
                                 path in facts['open'], facts['open'].get(path)), None, None


def _script_text(target, script, value):
    """The change to make by hand for a score that a script has to give, or None if it reads no file of its own."""
    given, name = script['own'] or script.get('variable'), target['process']['name']
    if script['flaw'] == 'open':
        return ('%s can be changed by others than root, and %s runs what it says: look at it, make it root\'s alone, '
                'and run again' % (script['path'], target['manager'].get('directory')
                                   or '/etc/init.d/' + target['manager']['name']))
    if given:
        return '%s line %d gives a score of its own: make it %d there' % (given['path'], given['line'], value)
    if script['flaw'] == 'volatile':
        return ('%s is made anew at each boot: have what it is made of do `echo %d > /proc/$$/oom_score_adj` before it '
                'starts %s' % (script['path'], value, name))
    if script['flaw']:
        return ('%s is no script of a shell, and stays as it is: have it start %s by `choom -n %d --`'
                % (script['path'], name, value))
    return None


def is_enough(score, value, options):
    """True if a score is the one that is asked for, or protects more and nobody asked to have that replaced."""
    return score is not None and (score == value or score < value <= 0 and not is_overridden(options))


def _inherited(target, value, facts):
    """The score with which a process starts if no file sets one: that of its parent, or the one set at its start.

    If it has the value already, and there is no record, anybody may have set it: it counts as set by hand.
    """
    score = score_without_us(target, facts)
    return 0 if score == value else score


def rule_of(target, value, facts):
    """The keeper's rule for a process; None if it would match other processes, as all that `php` runs for a user."""
    row = target['process']
    if is_interpreter(row['name']) and facts['key'] != 'process:' + row['name']:
        return None
    return keeper.rule(target, value)


def _by_hand(target, value):
    """The change to make by hand if no file of a manager gives the score, in words."""
    manager = target['manager']
    name = target['process']['name']
    if manager['kind'] == 'systemd' and manager['user'] is None:
        return 'the file of %s is gone, so nothing starts %s again: give the unit a file' % (manager['name'], name)
    if manager['kind'] == 'systemd':
        return ('a user\'s systemd may not lower a score: run %s as a system unit with OOMScoreAdjust=%d'
                % (manager['name'], value))
    if manager['kind'] == 'sysv':
        return ('/etc/init.d/%s reads no defaults file: have it do `echo %d > /proc/$$/oom_score_adj` before it '
                'starts %s' % (manager['name'], value, name))
    unit = manager.get('unit')
    keeper = unit if unit and unit.endswith('.service') else None
    lost = ('%s starts %s again without its score' % (keeper, name) if keeper
            else 'nothing on this host will give %s its score again at its next start' % name)
    return ('%s: start it with `choom -n %d -- COMMAND`, or as a systemd unit with OOMScoreAdjust=%d, or run this in '
            'the guest that it belongs to' % (lost, value, value))
