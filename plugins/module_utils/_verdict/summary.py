# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles found and did, in at most ten lines for a tired person."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

from .._report.zones import managed_bytes
from . import outcome
from .choice import REMEDIES, happened
from .columns import cut
from .evidence import plain, when
from .in_place import in_place
from .meant import moment_told, report_told
from .phrases import NOTHING, as_it_is, fitted, remedy_lines, todo, would_be
from .report import OTHER_SHAPE
from .shape import MEMORY, Maybe, cleaned, misfit
from .why import lines_on

LINES = 10
_NOT_READ = 'It was not diagnosed, and no remedy was asked for.'
_WAITING = 'Nothing is known of it yet: its turn had not come when this was written, or it gave no answer.'
# The system's words for a file that a user may not read.
_REFUSED = ('Permission denied', 'Operation not permitted')
_WORST = ('stopped', 'waiting', 'false', 'changed', 'planned', 'open', 'skipped', 'advice', 'same', 'cannot',
          'healthy', 'holds')
# States of a host of which nothing was read in full.
UNREAD = ('stopped', 'waiting')
# What is said of a log that says nothing.
_ERRORS = {
    'unreadable': 'it could not be read: name a log that is there and that this user may read',
    'directory': 'it is a directory in which nothing is a log that this user can read',
    'empty': 'it is empty: nothing was written to it, or the copy failed',
    'binary': 'it is not text: name a log, or what `journalctl -o export` prints of a journal',
    'no_report': 'it was read to its end, and nothing in it kills, refuses memory or looks like it',
}
_FOUND_NOTHING = 'Nothing that was read of it kills, refuses memory or looks like it.'
_RESULT_KEYS = tuple(key for _step, keys in outcome.STEPS for key in keys) + (
    'rescue_chosen', 'verify_result')


def summarize(names, hostvars, reached=None, check_mode=False, page=None, logs_only=False, earlier=None,
              say=as_it_is):
    """{lines, hosts: [{name, status, headline, lines, diagnosis, results, silent, needs_core}], logs} of hosts.

    ``hostvars`` has what the roles left on each of ``names``, ``reached`` the names of those that did not fail.
    ``results`` is what of that is told, as plain text, ``silent`` is true if the host gave no answer, or none yet,
    ``needs_core`` is the ansible-core that its Python needs if it is not this one.

    The status is ``stopped`` (a role failed, or the host gave no answer), ``waiting`` (nothing was asked of it yet),
    ``false`` (a claim does not hold), ``open`` (none is false, and a person has to see to one), ``cannot`` (all hold
    that this host can have), ``holds`` (all hold), ``changed``, ``planned`` (check mode), ``skipped`` (nothing changed,
    as the host cannot), ``same``, ``healthy`` (nothing happened there and nothing was asked for) or ``advice`` (only
    diagnosed). The worst come first.

    With ``logs_only`` hosts were read only to read logs for others. ``earlier`` is the same of other hosts, {hosts,
    logs}, which are told with these.
    """
    hosts = [_told(name, hostvars[name], reached is None or name in reached, check_mode) for name in names]
    logs = _logs([host['diagnosis'] for host in hosts])
    if earlier:
        hosts += [host for host in earlier['hosts'] if host['name'] not in names]
        logs += [log for log in earlier['logs'] if log['path'] not in [known['path'] for known in logs]]
    if logs_only:
        hosts = [host for host in hosts if host['status'] == 'stopped']
    hosts.sort(key=lambda host: (_WORST.index(host['status']), not happened(host['diagnosis'] or {})))
    lines = ([say('Check mode: nothing was changed.')] if check_mode and any(
        host['status'] not in ('advice', 'stopped') for host in hosts) else [])
    # One line names the page.
    room = LINES - 1 - len(lines)
    if not hosts and len(logs) == 1:
        lines += _in_full('%s: ' % logs[0]['label'], logs[0], room, say=say)
    elif len(hosts) == 1:
        lines += _one(hosts[0], logs, room, say)
    else:
        lines += _many(hosts, logs, room, say)
    lines += [say('Page: %s' % plain(page))] if page else []
    return {'lines': lines, 'hosts': hosts, 'logs': logs}


def _told(name, variables, reached, check_mode):
    """_host(), or one line that says so if the results of a host have another shape: the others are told in full."""
    try:
        results = _results(variables)
        wrong = misfit(results.get('memory'), Maybe(MEMORY), 'memory')
        if not wrong:
            host = _host(name, results, reached, check_mode)
            for diagnosis in [host['diagnosis']] + (host['diagnosis'] or {}).get('elsewhere', []):
                if diagnosis:
                    _in_full('', diagnosis)
            _logs([host['diagnosis']])
            return dict(host, results=results)
        wrong = 'what it returned is not what memory_facts returns: %s' % wrong
    except OTHER_SHAPE as error:
        wrong = 'its results are not what the roles of this collection leave (%s: %s)' % (type(error).__name__, error)
    headline = plain('STOPPED: %s' % wrong)
    return {'name': name, 'status': 'stopped', 'headline': headline, 'lines': [headline], 'diagnosis': None,
            'results': {}, 'silent': False, 'needs_core': None}


def _results(variables):
    """What the roles left of a host in its variables, with the memory facts as ``memory``."""
    results = dict((key, variables[key]) for key in _RESULT_KEYS if key in variables)
    results['memory'] = (variables.get('ansible_facts') or {}).get('memory')
    return cleaned(results)


def _host(name, results, reached, check_mode):
    """{name, status, headline, lines, diagnosis} of one host."""
    diagnosis = results.get('diagnose_result') or {}
    if diagnosis.get('failed') or diagnosis.get('unreachable'):
        diagnosis = {}
    advice = diagnosis.get('advice') or {}
    there = in_place(advice, results.get('memory'))
    if there:
        diagnosis = dict(diagnosis, in_place=there)
    remedies = outcome.remedies(results, check_mode)
    stopped = outcome.stopped(results)
    verdict = _verdict(results.get('verify_result'))
    gone = outcome.unreachable(results)
    silent = (gone is not None or not reached) and not stopped and not (verdict and verdict[0] == 'false')
    if silent:
        stopped = 'it gave no answer: %s' % gone if gone else (
            'it gave no answer, or its variables were refused: see what Ansible says')
    if stopped:
        status, headline = 'stopped', 'STOPPED: %s' % stopped
    elif verdict:
        status, headline = verdict
    elif not any(results.values()):
        status, headline, silent = 'waiting', _WAITING, True
    elif remedies:
        tried = [result for _name, _words, result in outcome.tried(results)]
        if any(result['changed'] for result in tried):
            status = 'planned' if check_mode else 'changed'
        else:
            status = 'skipped' if any(result.get('skipped_reason') for result in tried) else 'same'
        headline = outcome.in_short(results, check_mode)
    elif advice and 'rescue_chosen' in results and not happened(diagnosis):
        status, headline = 'healthy', '%s %s' % (_dated_cause(diagnosis), _by_rule(diagnosis, results['rescue_chosen']))
    else:
        status = 'advice'
        headline = '%s %s' % (_dated_cause(diagnosis), _what_to_do(diagnosis)) if advice else _NOT_READ
    if diagnosis.get('why') and not stopped:
        lines = lines_on(diagnosis)
        return {'name': name, 'status': 'advice', 'headline': lines[0], 'lines': lines, 'diagnosis': diagnosis,
                'silent': silent, 'needs_core': outcome.needs_core(results)}
    lines = [headline, 'Nothing after that was tried on this host.'] if stopped else []
    lines += [headline] if status == 'waiting' else []
    lines += [_dated_cause(diagnosis)] if advice else []
    lines += _choice(diagnosis, results.get('rescue_chosen')) if advice and not stopped else []
    lines += remedies
    lines += [verdict[1]] if verdict else []
    lines += advice['notes'] if advice else []
    return {'name': name, 'status': status, 'headline': headline, 'lines': lines,
            'diagnosis': diagnosis or None, 'silent': silent, 'needs_core': outcome.needs_core(results)}


def _what_to_do(diagnosis):
    """A sentence on what is to be done, or what the rule would do if nothing happened."""
    if happened(diagnosis):
        there = diagnosis.get('in_place') or []
        rest = todo(diagnosis['advice'], [remedy for remedy in REMEDIES if remedy not in there], with_rule=False)
        done = ' In place: %s.' % todo(diagnosis['advice'], there, with_rule=False) if there else ''
        return ('Nothing is left to do.' if there and rest == NOTHING else 'To do: %s.' % rest) + done
    closed = closed_sources(diagnosis)
    if closed:
        return _unheard(closed)
    return '%s By rule this host would get %s.' % (_calm(diagnosis), todo(diagnosis['advice']))


def closed_sources(diagnosis):
    """The sources that this user may not read, if nothing can be concluded from their silence: no other source with the
    kernel's words was read.
    """
    sources = (diagnosis.get('summary') or {}).get('sources') or []
    closed = [source['path'] for source in sources if (source.get('error') or '').endswith(_REFUSED)]
    heard = any(source.get('bytes') and not source.get('error') for source in sources)
    return [] if closed == ['ring_buffer'] and heard else closed


def _unheard(closed):
    return ('Whether something happened here is not known, as this user may not read %s: run this as root.'
            % ', '.join({'journal': 'the journal', 'ring_buffer': 'the ring buffer'}.get(path, path)
                        for path in closed))


def _calm(diagnosis):
    """A sentence that there was no shortage of memory."""
    if diagnosis.get('verdict'):
        return 'No shortage of memory is known here.'
    if diagnosis.get('caveats'):
        return 'Nothing was found here, and not all of the logs was searched: %s' % ' '.join(diagnosis['caveats'])
    return 'Nothing happened here.'


def _by_rule(diagnosis, chosen):
    """What was not done, as nothing that happened calls for it, and how to have it done all the same."""
    closed = closed_sources(diagnosis)
    if closed:
        return _unheard(closed)
    undone = [remedy for remedy in REMEDIES if chosen['remedies'][remedy]['why'] in ('healthy', 'left_out')]
    would = todo(diagnosis['advice'], undone)
    if would == NOTHING:
        return '%s Nothing is to be done.' % _calm(diagnosis)
    return '%s By rule this host would %sget %s: --by-rule (rescue_by_rule: true) does it.' % (
        _calm(diagnosis), '' if len(undone) == len(REMEDIES) else 'also ', would)


def _choice(diagnosis, chosen):
    """Lines on what was asked for against the advice, and on what was not done."""
    if not chosen:
        return []
    lines = ['%s was asked for (%s) and is not what is advised.' % (outcome.NAMES[remedy], ', '.join(row['asked']))
             for remedy, row in sorted(chosen['remedies'].items())
             if row['why'] == 'asked' and chosen['happened'] and diagnosis['advice'].get(remedy, True) is None]
    kept = sorted(chosen['kept'].items())
    if kept:
        lines.append('Kept as it was asked for before: %s. Setting it again asks anew.' % ', '.join(
            '%s=%s' % (name, _worded(value)) for name, value in kept))
    left_out = [outcome.NAMES[remedy] for remedy in REMEDIES if chosen['remedies'][remedy]['why'] == 'left_out']
    if left_out:
        lines.append('Left out by the tags of this run: %s.' % ', '.join(left_out).lower())
    if any(row['why'] == 'healthy' for row in chosen['remedies'].values()):
        lines.append(_by_rule(diagnosis, chosen))
    return lines + (chosen.get('remarks') or [])


def _worded(value):
    """The value of a variable in words; of one of swap_files its path and size."""
    if isinstance(value, (list, tuple)):
        return ','.join(_worded(part) for part in value)
    if isinstance(value, dict):
        return ' '.join('%s' % value[key] for key in ('path', 'size') if value.get(key))
    return '%s' % (value,)


def _verdict(verified):
    """(status, sentence) on the claims, or None if none were checked."""
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


def _logs(diagnoses):
    """The logs that were copied from elsewhere, each once, though every host of the play has read them."""
    logs = {}
    for diagnosis in diagnoses:
        for log in (diagnosis or {}).get('elsewhere') or []:
            logs.setdefault(log['path'], log)
    return [dict(logs[path], label=_label(logs[path])) for path in sorted(logs)]


def _one(host, logs, room, say):
    """The lines of a play with one host: all on what was asked about it."""
    own = host['diagnosis']
    if host['status'] != 'advice' or not own:
        lines = host['lines'] if host['status'] != 'advice' else [host['headline']]
        rest = [_log_line(log) for log in logs[:room - 1]]
        rows = fitted(['%s: %s' % (host['name'], lines[0])] + lines[1:], room - len(rest), say=say)
    elif own.get('why'):
        return fitted(['%s: %s' % (host['name'], host['lines'][0])] + host['lines'][1:], room, say=say)
    elif not logs:
        return _in_full('%s: ' % host['name'], own, room, own['advice']['notes'], say)
    else:
        rest = ['%s: %s' % (host['name'], host['headline'])] + [_log_line(log) for log in logs[1:room - 1]]
        rows = _in_full('%s: ' % logs[0]['label'], logs[0], room - len(rest), say=say)
    return rows + (fitted(rest, room - len(rows), say=say) if rest else [])


def _in_full(start, diagnosis, room=LINES, notes=(), say=as_it_is):
    """The rows on one diagnosis. If there is no room for all that its report says, the page has it."""
    advice = diagnosis['advice']
    if cause_of(diagnosis) != advice['cause'] or _is_kill_alone(diagnosis):
        verdict, report = diagnosis.get('verdict') or {}, report_told(diagnosis)
        evidence = advice['evidence'] if report else []
        told = (verdict.get('caveats') or []) + ['To tell: %s' % command for command in verdict.get('would_tell') or []]
        return fitted(['%s%s' % (start, _dated_cause(diagnosis))] + evidence[:1] + _lacking(diagnosis) + (
            remedy_lines(diagnosis.get('remedies'), say)) + told, room, evidence[1:], say)
    lines = ['%s%s' % (start, _dated_cause(diagnosis))] + advice['evidence'][:1]
    told = remedy_lines(diagnosis.get('remedies'), say) if happened(diagnosis) else []
    if not told or todo(advice) != NOTHING:
        lines.append(_what_to_do(diagnosis))
    sentence = would_be(advice, diagnosis['replays'])
    return fitted(lines + ([sentence] if sentence else []) + told, room, advice['evidence'][1:] + list(notes), say)


def _is_kill_alone(diagnosis):
    """True if the log has little more of the report that is meant than whom the kernel killed."""
    meant = report_told(diagnosis)
    return bool(meant and meant.get('scope') in ('global', 'unknown') and 'memory' in (meant.get('missing') or ())
                and managed_bytes(meant) is None)


def _lacking(diagnosis):
    """A line on what the report that is meant lacks, if it is little more than the kill; as a list of one or none."""
    meant = report_told(diagnosis)
    lacks = meant and managed_bytes(meant) is None and (
        'not in the log' not in cause_of(diagnosis))
    return ['How much RAM and swap there was is not in the log.'] if lacks else []


def _many(hosts, logs, room, say):
    """A line for each host, the worst first, then for each log; the last line counts what there is no room for."""
    lines = ['%s: %s' % (host['name'], host['headline']) for host in hosts]
    lines += [_log_line(log) for log in logs]
    if len(lines) > room:
        lines = lines[:room - 1] + ['and %d more on the page' % (len(lines) - room + 1)]
    rows = fitted(lines, LINES * LINES, say=say)
    return rows if len(rows) <= room else [cut(say(line)) for line in lines]


def _log_line(log):
    return '%s: %s' % (log['label'], _dated_cause(log))


def _dated_cause(diagnosis):
    """The cause, with the time of its report, or of the line that says it, before it."""
    moment = when(moment_told(diagnosis))
    return '%s: %s' % (moment, cause_of(diagnosis)) if moment else cause_of(diagnosis)


def _incident_of(diagnosis):
    """The incident that the verdict is on; empty if there is none."""
    verdict, incidents = diagnosis.get('verdict'), diagnosis.get('incidents')
    return incidents[verdict['incident']] if verdict and incidents else {}


def cause_of(diagnosis):
    """One sentence on why: of the kernel's report, else of the verdict, else the reason that the log says nothing.

    If one unit, container or process was asked for, it is the verdict on that.
    """
    if diagnosis.get('why'):
        return lines_on(diagnosis)[0]
    verdict, advice = diagnosis.get('verdict'), diagnosis['advice']
    cause = advice['cause']
    # The line of a kill says whom the kernel killed and for which limit; a report without its memory block does not.
    if report_told(diagnosis) and not (verdict and cause.startswith('Not known')):
        return cause
    if verdict:
        return verdict['sentence']
    caveats = (diagnosis.get('caveats') or []) + (advice['remarks'] if advice.get('left_out') else [])
    if diagnosis.get('error') == 'no_report' and caveats:
        return '%s %s' % (_FOUND_NOTHING, ' '.join(caveats))
    error = _ERRORS.get(diagnosis.get('error'))
    return error[:1].upper() + error[1:] + '.' if error else cause


def _label(log):
    if log.get('error') and log['error'] != 'no_report':
        return log['path']
    meant = report_told(log) or _incident_of(log)
    return '%s, in %s' % (meant.get('host') or 'another host', os.path.basename(log['path']))
