# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""report.json: what was found and done on each host and in each log, for programs. Its schema has a number."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._node.room import MOST_BYTES, size_of
from .short import of_the_incident, of_the_verdict, shortened

SCHEMA = 1
# The errors that data of another shape than this collection's may raise.
OTHER_SHAPE = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
# What a fleet's report leaves out: rows that a page shows ten of.
_ROWS = ('tasks', 'zones')
_STATUS = {'stopped': 'failed', 'skipped': 'skipped'}
_CHANGES = (('swap', 'swap_result'), ('swappiness', 'swappiness_result'), ('score', 'oom_protect_result'))
_REMEDIES = {'oom_protect': 'score'}
# A fleet's report tells the cgroups that are nearest to a kill.
_MOST_CGROUPS = 20
_ENTRY = ('incidents', 'verdict', 'remedies', 'ledger')
# What the statistics of a workflow have of a text, and rows of each kind.
_MOST_TEXT = 300
_EVENTS = 5
_MOST_NAME = 64
_MOST_STATS = 1000


def report_of(summary, written, full=None):
    """report.json as a dictionary: {schema, written, hosts, logs}; docs/report.schema.json says the rest.

    ``summary`` is summarize()'s result, ``written`` an ISO 8601 time. Without ``full`` the rows of tables stay out, and
    an entry has at most MOST_BYTES; by default one host or log is told whole, a fleet in short.
    """
    if full is None:
        full = len(summary['hosts']) + len(summary['logs']) <= 1
    return {
        'schema': SCHEMA, 'written': written,
        'hosts': [_whole_or_short(_host(host, full), full) for host in summary['hosts']],
        'logs': [_whole_or_short(_log(log, full), full) for log in summary['logs']],
    }


def _host(host, full):
    results, diagnosis = host.get('results') or {}, host.get('diagnosis') or {}
    status = 'unreachable' if host.get('silent') else _STATUS.get(host['status'], 'ok')
    failed = host['status'] in ('stopped', 'waiting')
    entry = {'name': host['name'], 'status': status, 'error': host['headline'] if failed else None,
             'needs_core': host.get('needs_core')}
    entry.update(_of_diagnosis(diagnosis, full))
    entry['changes'] = [change for name, key in _CHANGES for change in _changes(name, results.get(key))]
    done = [] if host['status'] == 'planned' else [name for name, key in _CHANGES if _is_applied(results.get(key))]
    entry['remedies'] = [dict(row, applied=row['name'] in done) for row in entry['remedies'] or []]
    entry['not_read'] = _not_read(results)
    entry['claims'] = [_claim(claim) for claim in (results.get('verify_result') or {}).get('claims') or []]
    host_facts = results.get('memory') or {}
    forecast = host_facts.get('forecast')
    if forecast and not full:
        forecast = dict(forecast, cgroups=sorted(forecast['cgroups'], key=_nearest)[:_MOST_CGROUPS])
    entry.update(ledger=host_facts.get('ledger'), forecast=forecast,
                 cgroups=(host_facts.get('cgroups') or []) if full else [])
    return entry


def _not_read(results):
    """The paths of a host's logs that were named and could not be read to their end."""
    diagnosis = results.get('diagnose_result') or {}
    sources = (diagnosis.get('summary') or {}).get('sources') or []
    return list(diagnosis.get('not_read') or []) + [
        source['path'] for source in sources if source.get('named') and source.get('error')]


def _nearest(forecast):
    distance = forecast['distance_bytes']
    return distance is None, distance['low'] if distance else 0


def _log(log, full):
    entry = dict({'path': log['path'], 'error': log.get('error')}, **_of_diagnosis(log, full))
    return dict(entry, remedies=entry['remedies'] or [])


def stats_of(report):
    """{host or log: {status, was_memory, limit, actor, sentence, victims, remedies, claims}} for the statistics of a
    workflow: a few hundred bytes for each, of _MOST_STATS at most.
    """
    entries = [(entry.get('name') or entry.get('path'), entry) for entry in report['hosts'] + report['logs']]
    return dict((name, _stats(entry)) for name, entry in entries[:_MOST_STATS])


def _stats(entry):
    verdict = entry['verdict'] or {}
    states = [claim['state'] for claim in entry.get('claims') or []]
    return {
        'status': entry.get('status') or entry['error'] or 'ok', 'was_memory': verdict.get('was_memory'),
        'limit': verdict.get('limit'), 'actor': verdict.get('actor'),
        'sentence': (verdict.get('sentence') or entry['error'] or '')[:_MOST_TEXT],
        'victims': [(row.get('name') or '')[:_MOST_NAME] for row in (verdict.get('victims') or [])[:_EVENTS]],
        'remedies': [{'name': row['name'], 'effect': row['effect']} for row in (entry['remedies'] or [])[:_EVENTS]],
        'claims': dict((state, states.count(state)) for state in sorted(set(states))),
    }


def _whole_or_short(entry, full):
    """The entry, or without ``full`` as much of it as MOST_BYTES hold; ``left_out`` names what is cut."""
    entry['left_out'] = []
    if full:
        return entry
    for name, shorten in _SHORTER:
        if size_of(entry) <= MOST_BYTES:
            break
        try:
            entry = shorten(entry)
        except OTHER_SHAPE:
            entry = _bare(entry)
        entry['left_out'].append(name)
    return entry


def _bare(entry):
    """What is left of an entry whose texts are more than a person reads."""
    names = ('name', 'path', 'status', 'error')
    kept = dict((key, shortened(entry[key])) for key in names if key in entry)
    bare = dict((key, [] if isinstance(value, list) else None) for key, value in entry.items())
    bare.update(kept)
    return dict(bare, left_out=entry['left_out'])


# What is left out first, until an entry is short enough.
_SHORTER = (('events', of_the_verdict), ('incidents', of_the_incident), ('all', _bare))


def _of_diagnosis(diagnosis, full):
    entry = dict((key, diagnosis.get(key)) for key in _ENTRY)
    entry['incidents'] = entry['incidents'] or []
    entry['caveats'] = diagnosis.get('caveats') or []
    entry['events'] = [event if full else _without_rows(event) for event in diagnosis.get('events') or []]
    entry['signals'] = diagnosis.get('signals') or []
    entry['raw'] = (diagnosis.get('raw') or []) if full else []
    return entry


def _without_rows(event):
    return dict((key, value) for key, value in event.items() if key not in _ROWS)


def _is_applied(result):
    """True if a role's module was run and the host has what it was to bring."""
    return bool(result and 'changed' in result) and not (
        result.get('skipped') or result.get('failed') or result.get('skipped_reason')
        or result.get('found') is False)


def _changes(name, result):
    """[{remedy, changed, before, after, detail}] of what a role's module returned, with one for each of several swap
    files.
    """
    if not result or 'changed' not in result or result.get('skipped'):
        return []
    return [_change(name, one) for one in result.get('files') or [result]]


def _change(name, result):
    detail = result.get('msg') if result.get('failed') else '; '.join(
        action['detail'] for action in result.get('actions') or []) or result.get('skipped_reason')
    return {'remedy': name, 'changed': result['changed'], 'before': result.get('before'), 'after': result.get('after'),
            'detail': detail}


def _claim(claim):
    """A claim as report.json has it: ``state`` is held, cannot, open or false."""
    state = claim.get('state') or {True: 'held', False: 'false'}.get(claim.get('holds'), 'cannot')
    return {'remedy': _REMEDIES.get(claim['remedy'], claim['remedy']), 'claim': claim['claim'],
            'holds': claim.get('holds'), 'now': claim.get('now'), 'after_reboot': claim.get('after_reboot'),
            'state': state, 'accepted': bool(claim.get('accepted')), 'detail': claim.get('detail')}
