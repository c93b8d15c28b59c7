# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles found and did, in at most ten lines for a tired person."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import re

from .advice import HELPS
from .choice import REMEDIES, happened
from .evidence import plain, when
from .in_place import in_place
from .meant import report_meant
from .remedies import APPLIED
from .shape import MEMORY, Maybe, cleaned, misfit
from .._node.sizes import format_size

LINES = 10
_COLUMNS = 80
_MOST_REMEDIES = 2
NOTHING = 'nothing that this collection can do'
_NOT_READ = 'It was not diagnosed, and no remedy was asked for.'
_WAITING = 'Nothing is known of it yet: its turn had not come when this was written, or it gave no answer.'
# What the system says of a file that a user may not read.
_REFUSED = ('Permission denied', 'Operation not permitted')
_NAMES = {'swap': 'Swap', 'swappiness': 'vm.swappiness', 'oom_protect': 'oom_score_adj'}
_WORST = ('stopped', 'waiting', 'false', 'changed', 'planned', 'open', 'skipped', 'advice', 'same', 'cannot',
          'healthy', 'holds')
# What Ansible says where a task did not become root, or sudo where Ansible hands on no more than its words.
_NOT_ROOT = re.compile(r'waiting for (?:become success|privilege escalation prompt)|(?:Missing|Incorrect) \w+ password')
_SUDO_SAID = re.compile(r'\bsudo: |\bsudoers\b|\bnot allowed to (?:execute|run)\b')
_BECOME_ROOT = ('run as root, give the user sudo, or have its password asked for with --ask-become-pass '
                '(make: ARGS=--ask-become-pass)')
# States of a host of which nothing was read to the end.
UNREAD = ('stopped', 'waiting')
_OTHER_SHAPE = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
# The variables that hold what a role's modules returned, in the order in which a play runs them.
_STEPS = (
    ('diagnose', ('__diagnose_memory', '__diagnose_reports', '__diagnose_copy')),
    ('swap', ('__verify_swap', 'swap_result')),
    ('swappiness', ('__verify_swappiness', 'swappiness_result')),
    ('oom_protect', ('__verify_oom_protect', 'oom_protect_result')),
)
# What a log that says nothing says of itself.
_ERRORS = {
    'unreadable': 'it could not be read: name a log that is there and that this user may read',
    'directory': 'it is a directory: name the files in it, such as messages*',
    'empty': 'it is empty: nothing was written to it, or the copy failed',
    'binary': 'it is not text: name a log, or what `journalctl -o export` prints of a journal',
    'no_report': 'it was read to its end, and nothing in it kills, refuses memory or looks like it',
}
_LEFT = tuple(key for _step, keys in _STEPS for key in keys) + ('diagnose_result', 'rescue_chosen', 'verify_result')


def summarize(names, hostvars, reached=None, check_mode=False, page=None, logs_only=False, earlier=None):
    """{lines, hosts: [{name, status, headline, lines, diagnosis, left, silent, needs_core}], logs} of hosts.

    ``hostvars`` has what the roles left on each of ``names``, ``reached`` the names of those that did not fail,
    ``left`` what of it is told, as plain text, ``silent`` whether the host gave no answer, or none yet,
    ``needs_core`` the ansible-core that its Python needs if it is not this one. The status is ``stopped`` (a role
    failed, or the host gave no answer), ``waiting`` (nothing was asked of it yet), ``false`` (a claim does not hold),
    ``open`` (none is false, and a person has to see to one), ``cannot`` (all hold that this host can have), ``holds``
    (all hold), ``changed``, ``planned`` (check mode), ``skipped`` (nothing changed, as the host cannot), ``same``,
    ``healthy`` (nothing happened there and nothing was asked for) or ``advice`` (only diagnosed). The worst come first.
    With ``logs_only`` no host was read but to read logs for others. ``earlier`` is the same of other hosts, {hosts,
    logs}, which are told with these.
    """
    hosts = [_told(name, hostvars[name], reached is None or name in reached, check_mode) for name in names]
    logs = _logs([host['diagnosis'] for host in hosts])
    if earlier:
        hosts += [host for host in earlier['hosts'] if host['name'] not in names]
        logs += [log for log in earlier['logs'] if log['path'] not in [known['path'] for known in logs]]
    if logs_only:
        hosts = [host for host in hosts if host['status'] == 'stopped']
    hosts.sort(key=lambda host: _WORST.index(host['status']))
    lines = (['Check mode: nothing was changed.'] if check_mode and any(
        host['status'] not in ('advice', 'stopped') for host in hosts) else [])
    if not hosts and len(logs) == 1:
        lines += _in_full('%s: ' % logs[0]['label'], logs[0])
    elif len(hosts) == 1:
        lines += _one(hosts[0], logs)
    else:
        lines += _many(hosts, logs, LINES - len(lines) - 1)
    if page:
        lines = lines[:LINES - 1] + ['Page: %s' % page]
    return {'lines': [plain(line) for line in lines], 'hosts': hosts, 'logs': logs}


def todo(advice, remedies=REMEDIES):
    """The advice in a phrase, as far as it is of ``remedies``."""
    parts = []
    swap = advice.get('swap')
    if 'swap' in remedies and swap and swap['size_bytes']:
        more = ' beside the %s there is' % format_size(swap['other_bytes']) if swap.get('other_bytes') else ''
        parts.append('swap of %s%s (%s)' % (format_size(swap['size_bytes']), more, swap['rule']))
    if 'swappiness' in remedies and advice.get('swappiness'):
        parts.append('vm.swappiness %s' % advice['swappiness']['value'])
    if 'oom_protect' in remedies:
        parts.extend('%s protected at %s' % (row['process'], row['value']) for row in advice.get('protect') or [])
    return ', '.join(parts) or NOTHING


def remedy_lines(remedies):
    """Few lines of 80 columns: the best remedies, and the command of one that is not this collection's."""
    rows = [row for row in remedies or [] if row['target'] and row['name'] != 'swappiness']
    lines = []
    for row in rows[:_MOST_REMEDIES]:
        lines.append(_cut('%-8s %s: %s' % (row['effect'], row['what'], row['why'])))
        if row['command'] and row['name'] not in APPLIED and row['effect'] in HELPS:
            lines.append(_cut('%8s %s' % ('', row['command'])))
    return lines[:_MOST_REMEDIES + 1]


def _cut(text):
    text = plain(text)
    return text if len(text) <= _COLUMNS else text[:_COLUMNS - 3].rstrip() + '...'


def would_be(advice, replays):
    """Whom the kernel would have killed under the advice, in a sentence; None if the report meant cannot tell."""
    replay = next((one for one in replays or [] if one.get('event_id') == advice.get('report')), None)
    if replay is None or not replay.get('victim') or replay.get('reproduces') is False:
        return None
    if not (advice.get('protect') or advice.get('swap')):
        return None
    setting = ' and '.join(
        (['so protected'] if advice.get('protect') else []) + (['with that swap'] if advice.get('swap') else []))
    victim, before = replay['victim'], replay.get('before') or {}
    return '%s, the kernel would %shave had %s (pid %s) as its victim.' % (
        setting[0].upper() + setting[1:], 'still ' if before.get('pid') == victim['pid'] else '', victim['name'],
        victim['pid'])


def _told(name, variables, reached, check_mode):
    """_host(), or where what is left of a host has another shape, one line that says so: the others are told whole."""
    try:
        left = _left(variables)
        wrong = misfit(left.get('memory'), Maybe(MEMORY), 'memory')
        if not wrong:
            host = _host(name, left, reached, check_mode)
            for diagnosis in [host['diagnosis']] + (host['diagnosis'] or {}).get('elsewhere', []):
                if diagnosis:
                    _in_full('', diagnosis)
            _logs([host['diagnosis']])
            return dict(host, left=left)
        wrong = 'what it returned is not what memory_facts returns: %s' % wrong
    except _OTHER_SHAPE as error:
        wrong = 'its results are not what the roles of this collection leave (%s: %s)' % (type(error).__name__, error)
    headline = plain('STOPPED: %s' % wrong)
    return {'name': name, 'status': 'stopped', 'headline': headline, 'lines': [headline], 'diagnosis': None, 'left': {},
            'silent': False, 'needs_core': None}


def _left(variables):
    """What the roles left of a host in its variables, with the memory facts as ``memory``."""
    left = dict((key, variables[key]) for key in _LEFT if key in variables)
    left['memory'] = (variables.get('ansible_facts') or {}).get('memory')
    return cleaned(left)


def _host(name, left, reached, check_mode):
    """{name, status, headline, lines, diagnosis} of one host."""
    found = left.get('diagnose_result') or {}
    advice = found.get('advice') or {}
    there = in_place(advice, left.get('memory'))
    if there:
        found = dict(found, in_place=there)
    remedies = _remedies(left, check_mode)
    stopped = _stopped(left)
    verdict = _verdict(left.get('verify_result'))
    gone = _unreachable(left)
    silent = (gone is not None or not reached) and not stopped and not (verdict and verdict[0] == 'false')
    if silent:
        stopped = 'it gave no answer: %s' % gone if gone else (
            'it gave no answer, or its variables were refused: see what Ansible says')
    if stopped:
        status, headline = 'stopped', 'STOPPED: %s' % stopped
    elif verdict:
        status, headline = verdict
    elif not any(left.values()):
        status, headline, silent = 'waiting', _WAITING, True
    elif remedies:
        tried = [result for _name, _words, result in _tried(left)]
        if any(result['changed'] for result in tried):
            status = 'planned' if check_mode else 'changed'
        else:
            status = 'skipped' if any(result.get('skipped_reason') for result in tried) else 'same'
        headline = _in_short(left, check_mode)
    elif advice and 'rescue_chosen' in left and not happened(found):
        status, headline = 'healthy', '%s %s' % (_dated_cause(found), _by_rule(found, left['rescue_chosen']))
    else:
        status = 'advice'
        headline = '%s %s' % (_dated_cause(found), _what_to_do(found)) if advice else _NOT_READ
    lines = [headline, 'Nothing after that was tried on this host.'] if stopped else []
    lines += [headline] if status == 'waiting' else []
    lines += [_dated_cause(found)] if advice else []
    lines += _choice(found, left.get('rescue_chosen')) if advice and not stopped else []
    lines += remedies
    lines += [verdict[1]] if verdict else []
    lines += advice['notes'] if advice else []
    return {'name': name, 'status': status, 'headline': headline, 'lines': lines,
            'diagnosis': found or None, 'silent': silent, 'needs_core': _needs_core(left)}


def _what_to_do(found):
    """What is to be done, or would be by the rule where nothing happened, in a sentence."""
    if happened(found):
        there = found.get('in_place') or []
        left = todo(found['advice'], [remedy for remedy in REMEDIES if remedy not in there])
        done = ' In place: %s.' % todo(found['advice'], there) if there else ''
        return ('Nothing is left to do.' if there and left == NOTHING else 'To do: %s.' % left) + done
    closed = closed_sources(found)
    if closed:
        return _unheard(closed)
    return '%s By rule this host would get %s.' % (_calm(found), todo(found['advice']))


def closed_sources(found):
    """The sources of this host that its user may not read, if their silence tells nothing: no other one was read that
    has the kernel's words.
    """
    sources = (found.get('summary') or {}).get('sources') or []
    closed = [source['path'] for source in sources if (source.get('error') or '').endswith(_REFUSED)]
    heard = any(source.get('bytes') and not source.get('error') for source in sources)
    return [] if closed == ['ring_buffer'] and heard else closed


def _unheard(closed):
    return ('Whether something happened here is not known, as this user may not read %s: run this as root.'
            % ', '.join({'journal': 'the journal', 'ring_buffer': 'the ring buffer'}.get(path, path)
                        for path in closed))


def _calm(found):
    """That there was no shortage of memory, in a sentence."""
    return 'No shortage of memory is known here.' if found.get('verdict') else 'Nothing happened here.'


def _by_rule(found, chosen):
    """What was left undone, as nothing happened that calls for it, and how to have it all the same."""
    closed = closed_sources(found)
    if closed:
        return _unheard(closed)
    left = [remedy for remedy in REMEDIES if chosen['remedies'][remedy]['why'] in ('healthy', 'left_out')]
    would = todo(found['advice'], left)
    if would == NOTHING:
        return '%s Nothing is to be done.' % _calm(found)
    return '%s By rule this host would %sget %s: --by-rule (rescue_by_rule: true) does it.' % (
        _calm(found), '' if len(left) == len(REMEDIES) else 'also ', would)


def _choice(found, chosen):
    """Lines on what was asked for in spite of the advice, and on what was left undone."""
    if not chosen:
        return []
    lines = ['%s was asked for (%s) and is not what is advised.' % (_NAMES[remedy], ', '.join(row['asked']))
             for remedy, row in sorted(chosen['remedies'].items())
             if row['why'] == 'asked' and chosen['happened'] and found['advice'].get(remedy, True) is None]
    kept = sorted(chosen['kept'].items())
    if kept:
        lines.append('Kept as it was asked for before: %s. Setting it again asks anew.' % ', '.join(
            '%s=%s' % (name, _worded(value)) for name, value in kept))
    left_out = [_NAMES[remedy] for remedy in REMEDIES if chosen['remedies'][remedy]['why'] == 'left_out']
    if left_out:
        lines.append('Left out by the tags of this run: %s.' % ', '.join(left_out).lower())
    if any(row['why'] == 'healthy' for row in chosen['remedies'].values()):
        lines.append(_by_rule(found, chosen))
    return lines + (chosen.get('remarks') or [])


def _worded(value):
    return ','.join(value) if isinstance(value, list) else value


def _needs_core(left):
    return next((left[key]['needs_core'] for _step, keys in _STEPS for key in keys
                 if (left.get(key) or {}).get('needs_core')), None)


def _unreachable(left):
    """What Ansible says of a connection that failed, in a line, or None. A node cannot say so of itself."""
    for _step, keys in _STEPS:
        for key in keys:
            result = left.get(key) or {}
            if result.get('unreachable'):
                return plain(_message(result))
    return None


def _stopped(left):
    """``step: message`` of the first thing that failed, or None."""
    for step, keys in _STEPS:
        for key in keys:
            result = left.get(key) or {}
            if result.get('failed'):
                return '%s: %s' % (step, plain(_message(result)))
    return None


def _message(result):
    """The first line of what a module failed with; where it could not even start, also what the shell said."""
    text = '%s' % result.get('msg', 'failed')
    message = text.split('\n')[0]
    said = [_last_line('%s' % (result.get(stream) or '')) for stream in ('module_stderr', 'module_stdout')]
    refused = _last_line(text) if _NOT_ROOT.search(message) else next(
        (line for line in said if _SUDO_SAID.search(line)), None)
    if refused:
        return 'cannot become root (%s): %s' % (refused.replace('Task failed: ', '').rstrip('.'), _BECOME_ROOT)
    return '%s (%s)' % (message, said[0]) if said[0] else message


def _last_line(text):
    """The last line of what was said, without the prompts for a password; empty where nothing was."""
    return ([line for line in text.strip().splitlines() if not line.endswith('password:')] or [''])[-1].strip()


def _tried(left):
    """(name, words, result) of each remedy that a role tried."""
    for key, name, words in _REMEDIES:
        result = left.get(key)
        if result and 'changed' in result and not result.get('failed') and not result.get('skipped'):
            yield name, words, result


def _remedies(left, check_mode):
    """A line for each remedy: ``Changed: swap /swapfile, 2 GiB, on now and after a reboot``."""
    rows = []
    for name, words, result in _tried(left):
        word, reason = _outcome(result, check_mode)
        text = name if word == 'skipped' else words(result)
        rows.append('%s: %s%s' % (word[0].upper() + word[1:], text, ' (%s)' % reason if reason else ''))
    return rows


def _in_short(left, check_mode):
    """All remedies in a line: ``changed: swap, vm.swappiness; skipped: score (why)``."""
    groups = []
    for name, _words, result in _tried(left):
        word, reason = _outcome(result, check_mode)
        text = '%s (%s)' % (name, reason) if reason else name
        group = next((group for group in groups if group[0] == word), None)
        if group:
            group[1].append(text)
        else:
            groups.append((word, [text]))
    return '; '.join('%s: %s' % (word, ', '.join(names)) for word, names in groups)


def _outcome(result, check_mode):
    """(what came of a remedy in a word, why it or a part of it was skipped or None)."""
    reason = result.get('skipped_reason')
    if not result.get('changed'):
        return ('skipped' if reason else 'nothing to do', reason)
    word = 'would change' if check_mode else 'changed'
    return ('%s in part' % word if reason else word, reason)


def _swap(result):
    after = result.get('after') or {}
    size = ', %s' % format_size(result['size_bytes']) if result.get('size_bytes') else ''
    now, later = ('on' if after.get(layer) else 'off' for layer in ('activation', 'persistence'))
    return 'swap %s%s, %s' % (result.get('path'), size, _now_and(now, later, 'after a reboot'))


def _swappiness(result):
    after = result.get('after') or {}
    return 'vm.swappiness %s' % _now_and(after.get('runtime'), after.get('after_reboot'), 'after a reboot')


def _oom_protect(result):
    if not result.get('found'):
        return 'no server to protect runs here'
    return '; '.join('oom_score_adj of %s, %s' % (
        '%s (pid %s)' % (row.get('name'), row['pid']) if row.get('pid') else row.get('name'),
        _now_and((row.get('live') or {}).get('after'), (row.get('persistent') or {}).get('after'), 'at its next start'))
        for row in result.get('processes') or [])


def _now_and(now, later, moment):
    """``10 now and after a reboot``, ``10 now, unknown after a reboot``."""
    now, later = ('unknown' if value is None else value for value in (now, later))
    return '%s now and %s' % (now, moment) if now == later else '%s now, %s %s' % (now, later, moment)


def _verdict(verified):
    """(status, sentence) on the claims, or None where none were checked."""
    claims = (verified or {}).get('claims') or []
    if not claims:
        return None
    broken = [claim for claim in claims if claim['holds'] is False]
    if broken:
        return 'false', 'DOES NOT HOLD: %s' % '; '.join(
            '%s (%s)' % (claim['claim'], claim['detail']) for claim in broken)
    proven = ', '.join(claim['claim'] for claim in claims if claim['holds']) or 'nothing'
    waiting = ['%s (%s)' % (claim['claim'], claim['detail']) for claim in claims if claim.get('state') == 'open']
    cannot = sorted(set(claim['detail'] for claim in claims
                        if claim['holds'] is None and claim.get('state') != 'open'))
    rest = '. Not to be had here: %s' % '; '.join(cannot) if cannot else ''
    if waiting:
        return 'open', 'OPEN, for a person to see to: %s. Verified, now and after a reboot: %s%s.' % (
            '; '.join(waiting), proven, rest)
    if cannot:
        return 'cannot', 'Verified, now and after a reboot: %s%s.' % (proven, rest)
    return 'holds', 'Verified: all claims hold now and after a reboot.'


_REMEDIES = (
    ('swap_result', 'swap', _swap),
    ('swappiness_result', 'vm.swappiness', _swappiness),
    ('oom_protect_result', 'oom_score_adj', _oom_protect),
)


def _logs(diagnoses):
    """The logs that were copied from elsewhere, each once, though every host of the play has read them."""
    logs = {}
    for diagnosis in diagnoses:
        for log in (diagnosis or {}).get('elsewhere') or []:
            logs.setdefault(log['path'], log)
    return [dict(logs[path], label=_label(logs[path])) for path in sorted(logs)]


def _one(host, logs):
    """The lines of a play with one host: in full on what it was asked about."""
    if host['status'] != 'advice':
        return ['%s: %s' % (host['name'], host['lines'][0])] + host['lines'][1:] + [_log_line(log) for log in logs]
    own = host['diagnosis']
    if not own:
        return ['%s: %s' % (host['name'], host['headline'])]
    if not logs:
        return _in_full('%s: ' % host['name'], own) + own['advice']['notes']
    rest = ['%s: %s' % (host['name'], host['headline'])] + [_log_line(log) for log in logs[1:]]
    # One line is the page's.
    return _in_full('%s: ' % logs[0]['label'], logs[0])[:max(1, LINES - 1 - len(rest))] + rest


def _in_full(start, diagnosis):
    advice = diagnosis['advice']
    if _cause(diagnosis) != advice['cause'] or _is_kill_alone(diagnosis):
        verdict = diagnosis.get('verdict') or {}
        told = (verdict.get('caveats') or []) + ['To tell: %s' % command for command in verdict.get('would_tell') or []]
        return ['%s%s' % (start, _dated_cause(diagnosis))] + list(advice['evidence']) + _lacking(diagnosis) + (
            remedy_lines(diagnosis.get('remedies'))) + told
    lines = ['%s%s' % (start, _dated_cause(diagnosis))] + list(advice['evidence'])
    told = remedy_lines(diagnosis.get('remedies')) if happened(diagnosis) else []
    if not told or todo(advice) != NOTHING:
        lines.append(_what_to_do(diagnosis))
    sentence = would_be(advice, diagnosis['replays'])
    return lines + ([sentence] if sentence else []) + told


def _is_kill_alone(diagnosis):
    """True if the log has little more of the report that is meant than whom the kernel killed."""
    meant = report_meant(diagnosis['events'])
    return bool(meant and meant.get('scope') in ('global', 'unknown') and 'memory' in (meant.get('missing') or ())
                and (meant.get('memory') or {}).get('ram_bytes') is None)


def _lacking(diagnosis):
    """What the report that is meant lacks, if it has little more than the kill: a line or none."""
    meant = report_meant(diagnosis['events'])
    lacks = meant and (meant.get('memory') or {}).get('ram_bytes') is None and 'not in the log' not in _cause(diagnosis)
    return ['How much RAM and swap there was is not in the log.'] if lacks else []


def _many(hosts, logs, room):
    """A line for each host, the worst first, then for each log; the last line counts what there is no room for."""
    lines = ['%s: %s' % (host['name'], host['headline']) for host in hosts]
    lines += [_log_line(log) for log in logs]
    if len(lines) > room:
        lines = lines[:room - 1] + ['and %d more on the page' % (len(lines) - room + 1)]
    return lines


def _log_line(log):
    return '%s: %s' % (log['label'], _dated_cause(log))


def _dated_cause(diagnosis):
    """The cause behind the time of the report or incident that it is of."""
    moment = when(report_meant(diagnosis.get('events') or []) or _first_of_incident(diagnosis))
    return '%s: %s' % (moment, _cause(diagnosis)) if moment else _cause(diagnosis)


def _first_of_incident(diagnosis):
    """{time, time_text} of the first line of the incident that the verdict is on; empty if there is none."""
    verdict, incidents = diagnosis.get('verdict'), diagnosis.get('incidents')
    if not verdict or not incidents:
        return {}
    text = next((row['time_text'] for row in verdict['evidence'] if row['time_text']), None)
    return {'time': incidents[verdict['incident']].get('first'), 'time_text': text}


def _cause(diagnosis):
    """Why, in one sentence: of the kernel's report, else of the verdict, else why the log says nothing."""
    verdict = diagnosis.get('verdict')
    cause = diagnosis['advice']['cause']
    # A kill's line alone says whom the kernel killed and of what, which a report without its memory block does not.
    if report_meant(diagnosis.get('events') or []) and not (verdict and cause.startswith('Not known')):
        return cause
    if verdict:
        return verdict['sentence']
    error = _ERRORS.get(diagnosis.get('error'))
    return error[:1].upper() + error[1:] + '.' if error else cause


def _label(log):
    if log.get('error') and log['error'] != 'no_report':
        return log['path']
    meant = report_meant(log['events']) or {}
    return '%s, in %s' % (meant.get('host') or 'another host', os.path.basename(log['path']))
