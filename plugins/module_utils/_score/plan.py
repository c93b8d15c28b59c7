# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to change so that a process has its score now and after its next start. Pure: it makes a plan of facts and
options.

A plan is {value, rows, actions}. Actions are in the order in which they are done; check mode prints them. A plan for
``state: present`` has scores as well: each process that gets the score, with the one it had without us.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import hashlib

from .._change.actions import Action
from .._change.wishes import DEFAULT_SCORE
from .._files.host import to_bytes
from .._node.identity import safe_name
from .._systemd.systemd import HEADER, drop_in_path
from . import keeper, spare
from .anew import anew
from .before import score_before, score_without_us
from .own_score import without_score
from .persistence import (
    OVERRIDE,
    file_step,
    is_enough,
    is_overridden,
    next_start_of,
    next_start_without_unit,
    persistence_of,
    plan_unit,
    rule_of,
    standing,
)
from .score import auto_score, check_score, memory_bytes
from .targets import names_of, program_name

KUBERNETES = ('the kubelet sets the score of a pod from its quality of service, and would set it again: this pod is '
              'left as it is. Give it requests equal to limits (Guaranteed, -997) to protect it')
# The most pids that are told of one user.
_PIDS_TOLD = 3


def digest(text):
    """A fingerprint of a file's text, by which a later run sees whether it is as we left it."""
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
    """(action or None, the reason that the kernel will refuse or None) for the score that a process has now."""
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


def _kept(target, value, facts, options):
    """The reason that a process keeps its score, or None: others gave it a stronger one, or one of the other sign."""
    before = target['process']['oom_score_adj']
    unit = facts['units'].get(target['manager']['name']) if target['manager']['kind'] == 'systemd' else None
    stands, reason = standing(unit, value, options) if unit else (None, None)
    if stands is not None and stands * value < 0:
        return reason
    if before is None or is_overridden(options) or not before < value <= 0:
        return None
    if score_before(target, facts) is not None:
        return None
    return reason or ('oom_score_adj of %s (pid %d) is %d, which protects more than %d and stays: override=%s '
                      'replaces it' % (target['process']['name'], target['process']['pid'], before, value, OVERRIDE))


def _row_next_start(target, persistent, facts):
    """What is known of the next start of a running process beside its files; None if nothing is."""
    unit = facts['units'].get(target['manager']['name']) if target['manager']['kind'] == 'systemd' else None
    if persistent['by'] == keeper.UNIT:
        return facts['boot'].starts(keeper.NAME)
    if unit is None:
        return next_start_without_unit(target, persistent, facts)
    return None if unit['transient'] else next_start_of(target['manager']['name'], unit, persistent)


def plan(facts, options):
    """{state, value, found, rows, actions} by read_facts() and the module's options; for ``present`` also {scores}."""
    return _absent(facts) if options['state'] == 'absent' else _present(facts, options)


def _present(facts, options):
    """The plan for ``state: present``."""
    value = score_of(facts, options)
    rows, live, persistent_actions, rules, scores = [], [], [], [], []
    for target in facts['targets']:
        if target['sets_its_own']:
            continue
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
                           'before': score_without_us(target, facts)})
            row['live']['after'] = row['live']['before'] if refused else value
        if action:
            live.append(action)
        persistent, actions, recreate, reason = persistence_of(target, value, facts, options)
        row['persistent'] = persistent
        row['recreate_required'] = recreate
        row['skipped_reason'] = _joined(kept, refused, reason)
        row['to_do'] = reason if kept is not None and not is_enough(process['oom_score_adj'], value, {}) else None
        row['next_start'] = _row_next_start(target, persistent, facts)
        persistent_actions.extend(action for action in actions if action not in persistent_actions)
        if persistent['by'] == keeper.UNIT:
            rules.append(rule_of(target, value, facts))
    for name in facts['stopped_units']:
        if name in facts['other_mains'] and not is_enough(facts['other_mains'][name][2], value, options):
            rows.append(_row_of_another(name, facts['other_mains'][name]))
            continue
        persistent, actions, reason = ({'before': None, 'after': None, 'by': None}, [], None)
        if options['persist'] != 'none':
            persistent, actions, reason = plan_unit(name, facts['units'][name], value, facts, options)
        persistent_actions.extend(actions)
        rows.append(_stopped_row(name, persistent, reason))
        rows[-1]['next_start'] = next_start_of(name, facts['units'][name], persistent, True)
    if options['persist'] != 'none':
        persistent_actions.extend(keeper.rule_actions(facts['keeper'], facts['key'], rules))
    if options['killers'] == 'spare':
        persistent_actions.extend(_spare(facts, rows))
    return {'state': 'present', 'value': value, 'found': bool(rows), 'rows': rows + _strangers(facts), 'scores': scores,
            'actions': _closings(facts) + _reload_once(persistent_actions) + live}


def _closings(facts):
    """Actions that make our directories root's alone again."""
    detail = '%s: to be root\'s alone to change, found that %s it'
    return [Action('persistence', 'close', detail % (path, words), path=path)
            for path, words in sorted(facts['open_directories'].items())]


def _spare(facts, rows):
    """Actions that have killers in user space spare the servers. ``rows`` get the reasons why a killer is not told."""
    names = set(_spared_name(target['process']) for target in facts['targets'] if target['part'] == 'server')
    names.discard(None)
    if not names:
        return []
    rows[-1]['skipped_reason'] = _joined(rows[-1]['skipped_reason'], *spare.refusals(facts['spare']))
    return spare.spare_actions(facts['spare'], names, facts['open'], facts['changed'])


def _joined(*reasons):
    """Reasons in one line, each once; None if there is none."""
    said = []
    for reason in reasons:
        if reason and reason not in said:
            said.append(reason)
    return '; '.join(said) or None


def _spared_name(row):
    """The comm by which a killer in user space knows a server; None if it is no plain name.

    A process may change its comm, and this one is written into a configuration: it follows from the file that it runs.
    """
    name = safe_name(program_name(row))
    return row['name'] if name and row['name'] in names_of(name)[0] else name


def _strangers(facts):
    """A row for each user who runs a program with the server's name, with what to do if that one is meant."""
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


def _row_of_another(unit, main):
    """The row of a unit with a server's name whose main process, (pid, name, score), has another name."""
    pid, name, score = main
    words = 'if that is the server, give its unit: unit=%s, or oom_protect_unit of the role' % unit
    reason = '%s runs %s (pid %d), which is left as it is: %s' % (unit, safe_name(name) or 'a process', pid, words)
    row = _stopped_row(unit, {'before': None, 'after': None, 'by': None}, reason)
    return dict(row, pid=pid, live={'before': score, 'after': score}, to_do=words[:1].upper() + words[1:])


def _reload_once(actions):
    """The actions with one daemon-reload, after the last unit file that changed and before a unit is started."""
    reloads = [action for action in actions if action['action'] == 'reload']
    ends = ('reload', 'enable', 'disable', 'restart')
    return ([action for action in actions if action['action'] == 'disable']
            + [action for action in actions if action['action'] not in ends]
            + reloads[:1]
            + [action for action in actions if action['action'] in ('enable', 'restart')])


def _absent(facts):
    """The plan for ``state: absent``: all that was recorded is brought back."""
    record = facts['record'] or {}
    rows, live, actions = [], [], []
    # A score is given back by the record, whoever it was given to.
    recorded = [target for target in facts['strangers'] if score_before(target, facts) is not None]
    for target in facts['targets'] + recorded:
        process = target['process']
        row = _row(target)
        rows.append(row)
        before = score_before(target, facts)
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
            actions.extend(file_step(path, unit['drop_in'], None, 'the drop-in of %s' % name))
    behind = [unit for unit in facts['units'].values()
              if unit['listed'] and unit['drop_in'] is None or unit['behind'] and record]
    if behind or any('/etc/systemd/system/' in action.get('path', '') for action in actions):
        actions.append(Action('persistence', 'reload', 'systemctl daemon-reload'))
    actions.extend(keeper.rule_actions(facts['keeper'], facts['key'], []))
    # Scores come last: a unit of ours would give them again within seconds, and a file may refuse to be changed.
    return {'state': 'absent', 'value': None, 'found': bool(rows), 'rows': rows,
            'actions': _reload_once(actions) + live}


def _restore_file(path, entry, facts):
    """Actions that bring a file back byte for byte if it is as we left it; else without our part alone."""
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
        after = spare.remove_from(killer, now, entry['names']) if killer else without_score(now)
        after, detail = after if after or entry['before'] else None, 'without our part; it was edited since'
    actions = file_step(path, now, after, detail)
    if actions:
        actions.extend(spare.restart_after(facts['spare'], path))
    return actions
