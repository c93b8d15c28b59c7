# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to change so that a process has its score now and after its next start. Pure: facts and options in, plan out.

A plan is {value, rows, actions}. Actions are in the order they are done; check mode prints them. One for
``state: present`` has scores as well: each process that gets the score, with the one it had without us.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import hashlib
import re

from . import keeper, spare, sysv
from .anew import anew
from .._node.actions import Action, file_action
from .._node.boot import worst
from .._node.containers import recreate_text
from .._node.errors import RescueError
from .._node.host import to_bytes
from .._node.identity import is_interpreter, safe_name
from .score import auto_score, check_score, memory_bytes
from .supervisor import program_text
from .._node.systemd import HEADER, drop_in_path, drop_in_text, known_directives, stronger_restart
from .targets import names_of, program_name
from .._node.wishes import DEFAULT_SCORE

KUBERNETES = ('the kubelet sets the score of a pod from its quality of service, and would set it again: this pod is '
              'left as it is. Give it requests equal to limits (Guaranteed, -997) to protect it')


# What lifts the refusal to replace a score that somebody else set.
OVERRIDE = 'stronger-score'
# Of so many processes of one user the pid is told.
_PIDS_TOLD = 3
_NUMBER = re.compile(r'^-?\d+\Z')


def digest(text):
    """A fingerprint of a file's text, to tell later whether it is still as it was left."""
    return hashlib.sha256(to_bytes(text)).hexdigest()


def score_of(facts, options):
    """The score to set: the one asked for, or derived for ``auto``."""
    value = options['value']
    if value == 'auto':
        server_bytes = sum(memory_bytes(target['process']) for target in facts['targets'] if target['part'] == 'server')
        if not server_bytes:
            value = DEFAULT_SCORE
        else:
            previous = (facts['record'] or {}).get('value')
            value = auto_score(server_bytes, facts['total_bytes'], options['auto_multiple'], previous)
    check_score(value, options['allow_unkillable'], facts['killable_bytes'], facts['total_bytes'])
    return value


def _live(target, value, facts):
    """(action or None, reason why the kernel will refuse or None) for a process's score now."""
    row = target['process']
    before = row['oom_score_adj']
    if before == value:
        return None, None
    reason = None
    if value < before and facts['lowering_refused']:
        reason = refusal(row, before, value, facts['lowering_refused'])
    return Action(
        'live', 'write', 'oom_score_adj of %s (pid %d) from %s to %d' % (row['name'], row['pid'], before, value),
        path='/proc/%d/oom_score_adj' % row['pid'], pid=row['pid'], before=before, after=value,
        name=row['name'], start_ticks=row['start_ticks'], exe=row['exe'], refused=reason), reason


def refusal(row, before, value, why):
    """One line on a score that the kernel keeps."""
    return 'oom_score_adj of %s (pid %d) stays %s, not %d: %s' % (row['name'], row['pid'], before, value, why)


def _file_action(path, before, after, detail, own=False, flaw=None):
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


def _overridden(options):
    return OVERRIDE in (options.get('override') or ())


def _standing(unit, value, options):
    """(score, reason) of a score that a file of others' gives a unit and that stays, or (None, None).

    One that protects more is what somebody wanted; one of the other sign is wanted the other way round.
    """
    winner = unit['winners'].get('OOMScoreAdjust')
    if not winner or _overridden(options) or not _NUMBER.match(winner['value']):
        return None, None
    score = int(winner['value'])
    line = '%s line %d sets OOMScoreAdjust=%d' % (winner['path'], winner['line'], score)
    if score < value <= 0:
        return score, '%s, which protects more than %d and stays: override=%s replaces it' % (line, value, OVERRIDE)
    if score * value < 0:
        return score, ('%s, which %d contradicts: remove that line, or have it overridden with override=%s'
                       % (line, value, OVERRIDE))
    return None, None


def _plan_unit(name, unit, value, facts, options):
    """({before, after, by}, actions, reason or None) of a unit's score at its next start."""
    path = drop_in_path(name)
    before = _at_next_start(name, unit, value, options)
    directives = _unit_directives(unit['without_ours'], value, facts, options)
    winners = unit['winners']
    stands, reason = _standing(unit, value, options)
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
            raise RescueError('{path} sets {found} and is read after %s' % path,
                              '%s line %d' % (winner['path'], winner['line']), '%s=%s' % (key, winner['value']),
                              '%s=%s' % (key, directives[key]), 'remove that line, or ask for that value')
    text = drop_in_text(directives) if directives else None
    actions = _file_action(path, unit['drop_in'], text, 'drop-in of %s with %s' % (
        name, ', '.join('%s=%s' % (key, directives[key]) for key in sorted(directives))), True, unit['drop_in_flaw'])
    if actions or unit['behind'] or before != after:
        actions.append(_reload(name))
    by = path if stands is None else winners['OOMScoreAdjust']['path']
    return {'before': before, 'after': after, 'by': by}, actions, reason


def _at_next_start(name, unit, value, options):
    """The score of a unit's next start: what systemd has read, or what its files say at a boot if that protects less.
    """
    shown = int(unit['properties'].get('OOMScoreAdjust') or 0)
    later = unit['boot'].score(name, lambda score: True)['score']
    return later if _is_enough(shown, value, options) else shown


def _next_start(name, unit, persistent, starts=False):
    """{kept, why, would_tell} of a unit's score at its next start, or None if nothing is known beside ``persistent``.

    ``starts`` if it counts that something starts the unit.
    """
    score, answers = persistent['after'], []
    if score is not None and persistent['before'] == score:
        boot = unit['boot'].score(name, lambda number: number == score or number < score <= 0)
        answers.append(dict((key, boot[key]) for key in ('kept', 'why', 'would_tell')))
    if starts:
        answers.append(unit['boot'].starts(name))
    return worst(answers) if answers else None


def _sorts_after(path, ours):
    name = path.rsplit('/', 1)[1]
    return path != ours and '.d/' in path and name > ours.rsplit('/', 1)[1]


def _persistence(target, value, facts, options):
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
            persistent, actions, reason = _plan_unit(manager['name'], unit, value, facts, options)
            return persistent, actions, None, reason
    if kind == 'sysv':
        script = facts['scripts'].get(manager['name'])
        if script and script['defaults']:
            return _plan_script(manager['name'], script, value, facts)
    container = target.get('container') or {}
    declared = None
    if kind in ('docker', 'podman'):
        declared = container.get('configured')
        if _is_enough(declared, value, options):
            return {'before': declared, 'after': declared, 'by': kind}, [], None, None
        recreate = recreate_text(manager, container, value)
    elif kind == 'supervisord':
        program = facts['programs'].get(manager['name']) or {}
        declared = program.get('score')
        if _is_enough(declared, value, options):
            return {'before': declared, 'after': declared, 'by': program['path']}, [], None, None
        recreate = program_text(manager['name'], program, value)
    else:
        script = facts['scripts'].get(manager['name']) if kind == 'sysv' else None
        recreate = script and script['refused'] or _by_hand(target, value)
    before = _inherited(target, value, facts) if declared is None else declared
    if not options['keep']:
        return {'before': before, 'after': before, 'by': None}, [], recreate, None
    if not facts['systemd_running']:
        return ({'before': before, 'after': before, 'by': None}, [], recreate,
                'keep needs systemd, which does not run here: the score is gone when %s starts again'
                % target['process']['name'])
    rule = _rule(target, value, facts)
    if rule is None:
        return ({'before': before, 'after': before, 'by': None}, [], recreate,
                'keep cannot tell %s apart from others: its name or executable has blanks, or is hidden, or it is one '
                'of many scripts of an interpreter' % target['process']['name'])
    if keeper.gives(facts['keeper'], facts['key'], rule):
        before = value
    return {'before': before, 'after': value, 'by': keeper.UNIT}, [], None, None


def _plan_script(name, script, value, facts):
    """The same of what an init script starts, by a file that it reads."""
    path, before = script['defaults'], script['text']
    persistent = {'before': sysv.score(before) or 0, 'after': value, 'by': path}
    if path in facts['changed']:
        return persistent, [anew('persistence', path, before, sysv.with_score(None, value), facts['changed'][path])], \
            None, None
    return persistent, _file_action(path, before, sysv.with_score(before, value),
                                    'the score for what /etc/init.d/%s starts' % name, path in facts['open'],
                                    facts['open'].get(path)), None, None


def _is_enough(score, value, options):
    """True if a score is the one that is asked for, or protects more and nobody asked to have that replaced."""
    return score is not None and (score == value or score < value <= 0 and not _overridden(options))


def _inherited(target, value, facts):
    """The score that a process starts with where no file says one: whatever what started it had, or was told.

    One that has the value already, and no record, may have it from anyone: it counts as given by hand.
    """
    score = _score_without_us(target, facts)
    return 0 if score == value else score


def _score_without_us(target, facts):
    """The score that a process would have by now without us."""
    before = _score_before(target, facts)
    return target['process']['oom_score_adj'] if before is None else before


def _rule(target, value, facts):
    """The keeper's rule for a process; None where it would reach others, as all that `php` runs of a user."""
    row = target['process']
    if is_interpreter(row['name']) and facts['key'] != 'process:' + row['name']:
        return None
    return keeper.rule(target, value)


def _by_hand(target, value):
    """The change to make where no file of a manager's would give the score."""
    manager = target['manager']
    name = target['process']['name']
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


def _kept(target, value, facts, options):
    """The reason that a process keeps the score it has, or None: others gave it a stronger one, or the opposite."""
    before = target['process']['oom_score_adj']
    unit = facts['units'].get(target['manager']['name']) if target['manager']['kind'] == 'systemd' else None
    stands, reason = _standing(unit, value, options) if unit else (None, None)
    if stands is not None and stands * value < 0:
        return reason
    if before is None or _overridden(options) or not before < value <= 0:
        return None
    if _score_before(target, facts) is not None:
        return None
    return reason or ('oom_score_adj of %s (pid %d) is %d, which protects more than %d and stays: override=%s '
                      'replaces it' % (target['process']['name'], target['process']['pid'], before, value, OVERRIDE))


def _row_next_start(target, persistent, facts):
    """What is known of the next start of a running process beside its files, None if nothing is."""
    unit = facts['units'].get(target['manager']['name']) if target['manager']['kind'] == 'systemd' else None
    if persistent['by'] == keeper.UNIT:
        return facts['boot'].starts(keeper.NAME)
    return None if unit is None or unit['transient'] else _next_start(target['manager']['name'], unit, persistent)


def plan(facts, options):
    """{state, value, found, rows, actions} of facts of read() and the module's options, and of present {scores}."""
    return _absent(facts) if options['state'] == 'absent' else _present(facts, options)


def _present(facts, options):
    """The plan for ``state: present``."""
    value = score_of(facts, options)
    rows, live, persistent_actions, rules, scores = [], [], [], [], []
    for target in facts['targets']:
        row = _row(target)
        rows.append(row)
        if target['manager']['kind'] == 'kubernetes':
            row['skipped_reason'] = KUBERNETES
            continue
        process = target['process']
        kept = _kept(target, value, facts, options)
        action, refused = (None, None) if kept else _live(target, value, facts)
        if not kept:
            scores.append({'pid': process['pid'], 'start_ticks': process['start_ticks'], 'name': process['name'],
                           'before': _score_without_us(target, facts)})
            row['live']['after'] = row['live']['before'] if refused else value
        if action:
            live.append(action)
        persistent, actions, recreate, reason = _persistence(target, value, facts, options)
        row['persistent'] = persistent
        row['recreate_required'] = recreate
        row['skipped_reason'] = _joined(kept, refused, reason)
        row['to_do'] = reason if kept is not None and not _is_enough(process['oom_score_adj'], value, {}) else None
        row['next_start'] = _row_next_start(target, persistent, facts)
        persistent_actions.extend(action for action in actions if action not in persistent_actions)
        if persistent['by'] == keeper.UNIT:
            rules.append(_rule(target, value, facts))
    for name in facts['stopped_units']:
        persistent, actions, reason = ({'before': None, 'after': None, 'by': None}, [], None)
        if options['persist'] != 'none':
            persistent, actions, reason = _plan_unit(name, facts['units'][name], value, facts, options)
        persistent_actions.extend(actions)
        rows.append(_stopped_row(name, persistent, reason))
        rows[-1]['next_start'] = _next_start(name, facts['units'][name], persistent, True)
    if options['persist'] != 'none':
        persistent_actions.extend(keeper.plan(facts['keeper'], facts['key'], rules))
    if options['killers'] == 'spare':
        persistent_actions.extend(_spare(facts, rows))
    return {'state': 'present', 'value': value, 'found': bool(rows), 'rows': rows + _strangers(facts), 'scores': scores,
            'actions': _closings(facts) + _reload_once(persistent_actions) + live}


def _closings(facts):
    """Actions that make the directories that we made root's alone again."""
    detail = '%s: to be root\'s alone to change, found that %s it'
    return [Action('persistence', 'close', detail % (path, words), path=path)
            for path, words in sorted(facts['open_directories'].items())]


def _spare(facts, rows):
    """Actions that have killers in user space spare the servers; ``rows`` are told of a killer that is not."""
    names = set(_spared_name(target['process']) for target in facts['targets'] if target['part'] == 'server')
    names.discard(None)
    if not names:
        return []
    rows[-1]['skipped_reason'] = _joined(rows[-1]['skipped_reason'], *spare.refusals(facts['spare']))
    return spare.plan(facts['spare'], names, facts['open'], facts['changed'])


def _joined(*reasons):
    """Reasons in one line, each once; None without one."""
    said = []
    for reason in reasons:
        if reason and reason not in said:
            said.append(reason)
    return '; '.join(said) or None


def _spared_name(row):
    """The comm that a killer in user space knows a server by; None if it is no plain name.

    By the file that it runs: a process may change its comm, and this goes into a configuration.
    """
    name = safe_name(program_name(row))
    return row['name'] if name and row['name'] in names_of(name)[0] else name


def _strangers(facts):
    """A row for each user who runs something that is called like the server, and what to do if it is meant."""
    by_user = {}
    for target in facts['strangers']:
        by_user.setdefault(target['user'], []).append(target)
    rows = []
    for user in sorted(by_user, key=str):
        first = by_user[user][0]
        pids = [str(target['process']['pid']) for target in by_user[user]]
        told = ', '.join(pids[:_PIDS_TOLD]) + (' and %d more' % (len(pids) - _PIDS_TOLD) if pids[_PIDS_TOLD:] else '')
        name = safe_name(first['process']['name']) or 'a process'
        words = 'if it is meant, name its user: user=%s, or oom_protect_user of the role' % user
        rows.append(dict(_row(first), name=name, to_do=words, skipped_reason='%s (pid %s) is left as it is: %s. %s' % (
            name, told, first['refused'], words[:1].upper() + words[1:])))
    return rows


def _row(target):
    row = target['process']
    return {
        'pid': row['pid'],
        'name': row['name'],
        'live': {'before': row['oom_score_adj'], 'after': row['oom_score_adj']},
        'persistent': {'before': None, 'after': None, 'by': None},
        'recreate_required': None,
        'manager': dict((key, target['manager'].get(key)) for key in ('kind', 'name', 'container_id', 'unit')
                        if key in target['manager']),
        'skipped_reason': None,
        'to_do': None,
        'next_start': None,
    }


def _stopped_row(unit, persistent, reason=None):
    return {'pid': None, 'name': unit, 'live': {'before': None, 'after': None}, 'persistent': persistent,
            'recreate_required': None, 'manager': {'kind': 'systemd', 'name': unit}, 'skipped_reason': reason,
            'to_do': None, 'next_start': None}


def _reload_once(actions):
    """One daemon-reload, after the last unit file that changed and before a unit is started."""
    reloads = [action for action in actions if action['action'] == 'reload']
    ends = ('reload', 'enable', 'disable', 'restart')
    return ([action for action in actions if action['action'] == 'disable']
            + [action for action in actions if action['action'] not in ends]
            + reloads[:1]
            + [action for action in actions if action['action'] in ('enable', 'restart')])


def _absent(facts):
    """The plan for ``state: absent``: everything that was recorded goes back to what it was."""
    record = facts['record'] or {}
    rows, live, actions = [], [], []
    # A score is given back by the record, whoever it was given to.
    recorded = [target for target in facts['strangers'] if _score_before(target, facts) is not None]
    for target in facts['targets'] + recorded:
        process = target['process']
        row = _row(target)
        rows.append(row)
        before = _score_before(target, facts)
        if before is not None:
            action, refused = _live(target, before, facts)
            row['live']['after'] = process['oom_score_adj'] if refused else before
            row['skipped_reason'] = refused
            if action:
                live.append(action)
    rows.extend(_stopped_row(name, {'before': None, 'after': None, 'by': None}) for name in facts['stopped_units'])
    for row in rows:
        name = row['manager']['name']
        if row['manager']['kind'] == 'systemd' and name in facts['units']:
            shown = int(facts['units'][name]['properties'].get('OOMScoreAdjust') or 0)
            row['persistent'] = {'before': shown, 'after': record.get('managers', {}).get(name, shown), 'by': None}
    for path in sorted(record.get('files', {})):
        actions.extend(_restore_file(path, record['files'][path], facts))
    for name in sorted(facts['units']):
        unit = facts['units'][name]
        path = drop_in_path(name)
        if path not in record.get('files', {}) and (unit['drop_in'] or '').startswith(HEADER):
            actions.extend(_file_action(path, unit['drop_in'], None, 'the drop-in of %s' % name))
    behind = [unit for unit in facts['units'].values()
              if unit['listed'] and unit['drop_in'] is None or unit['behind'] and record]
    if behind or any('/etc/systemd/system/' in action.get('path', '') for action in actions):
        actions.append(Action('persistence', 'reload', 'systemctl daemon-reload'))
    actions.extend(keeper.plan(facts['keeper'], facts['key'], []))
    # Scores come last: a unit of ours would give them again within seconds, and a file may refuse to be changed.
    return {'state': 'absent', 'value': None, 'found': bool(rows), 'rows': rows,
            'actions': _reload_once(actions) + live}


def _score_before(target, facts):
    """The score that a process had, or would have had, without us; None where its score is not ours."""
    process, record = target['process'], facts['record'] or {}
    identity = (process['pid'], process['start_ticks'])
    recorded = recorded_scores(facts).get(identity)
    if recorded:
        return recorded['before'] if process['oom_score_adj'] in recorded['after'] else None
    name = target['manager'].get('name') or ''
    if process['oom_score_adj'] != record.get('value'):
        record = next((other for other in facts['others'] if process['oom_score_adj'] == other.get('value')
                       and name in other['managers']), {})
    if 'value' not in record or process['oom_score_adj'] != record['value']:
        return None
    # Started after the change, with our score: what the unit that keeps it found, else what its manager gave before.
    if identity in facts['keeper']['found']:
        return facts['keeper']['found'][identity]
    return record.get('managers', {}).get(name, 0)


def recorded_scores(facts):
    """{(pid, start_ticks): {before: the first score that any record has, after: set of those we gave}} of this boot."""
    scores = {}
    for record in [facts['record'] or {}] + facts['others']:
        for entry in record.get('live', []):
            if entry['boot_id'] == facts['boot_id']:
                known = scores.setdefault((entry['pid'], entry['start_ticks']), {'before': [], 'after': set()})
                known['before'].append(entry['before'])
                known['after'].add(entry['after'])
    return dict((key, dict(known, before=_first(known))) for key, known in scores.items())


def _first(known):
    """The score of before all of ours: what a record took for one may be what another gave."""
    return next((score for score in known['before'] if score not in known['after']), known['before'][0])


def _restore_file(path, entry, facts):
    """Back to the backup, byte for byte, where the file is as it was left; else without our part alone."""
    now, backup = facts['files'][path]['now'], facts['files'][path]['backup']
    if now is None:
        return []
    if path in facts['changed']:
        return [anew('persistence', path, now, None, facts['changed'][path])]
    killer = entry.get('killer')
    written = [record['files'][path]['sha256'] for record in [{'files': {path: entry}}] + facts['others']
               if path in record['files']]
    if digest(now) in written or now.startswith(HEADER):
        after, detail = backup if entry['before'] else None, 'as it was before'
    else:
        after = spare.remove_from(killer, now, entry['names']) if killer else sysv.without_score(now)
        after, detail = after if after or entry['before'] else None, 'without our part; it was edited since'
    actions = _file_action(path, now, after, detail)
    if actions:
        actions.extend(spare.restart_after(facts['spare'], path))
    return actions
