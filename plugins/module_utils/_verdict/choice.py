# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The remedies that a playbook applies to a host: those for its incident, those that its user set, those of the rule.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .remedies import to_apply

REMEDIES = ('swap', 'swappiness', 'oom_protect')
# By remedy, the variables whose values a host keeps.
KEPT = {
    'swap': ('swap_path', 'swap_size', 'swap_active', 'swap_priority', 'swap_expected_peak', 'swap_files'),
    'swappiness': ('swappiness_value',),
    'oom_protect': ('oom_protect_process', 'oom_protect_unit', 'oom_protect_container', 'oom_protect_pid_file',
                    'oom_protect_value'),
}
# What one of swap_files has.
_OF_A_FILE = ('path', 'size', 'active', 'priority', 'expected_peak')
_SERVERS = KEPT['oom_protect'][:4]
_TEXTS = (str, type(u''))
_LEFT = ('healthy', 'advised_against', 'not_diagnosed', 'left_out')
# The tags of the playbooks that change nothing and prove nothing.
_READ = ('diagnose', 'report')


def happened(diagnosis):
    """True if the host ran out of memory, by the report that is meant or by the verdict of its signals."""
    verdict = diagnosis.get('verdict') or {}
    return (diagnosis.get('advice') or {}).get('report') is not None or verdict.get('was_memory') == 'yes'


def only_read(run_tags):
    """True if all of --tags only read; ``run_tags`` is Ansible's ansible_run_tags."""
    return bool(run_tags) and set(run_tags) <= set(_READ)


def left_out_by_tags(run_tags, skip_tags):
    """The set of remedies that are not meant by a run with these tags.

    A tag of the user's own, which is on the whole playbook, leaves none out.
    """
    named = set(run_tags) & set(REMEDIES)
    left_out = set(REMEDIES) - named if named or only_read(run_tags) else set()
    return left_out | set(skip_tags) & set(REMEDIES)


def choose(diagnosis, asked, by_rule=False, kept=None, left_out=()):
    """{remedy: {applied, why, asked, kept}} of each of REMEDIES.

    ``diagnosis`` is diagnose_result, ``asked`` {remedy: [variable]} of what the user set, ``by_rule`` whether a host to
    which nothing happened gets what the rule advises, and ``kept`` what memory_facts says was set there before. ``why``
    is asked, kept, incident or rule if the remedy is applied, else healthy (nothing happened here), advised_against,
    not_diagnosed (the diagnosis is empty) or left_out, for those of ``left_out``.
    ``kept`` of a remedy are the values that it is run with in place of its role's defaults.
    """
    ground = 'incident' if happened(diagnosis) else 'rule' if by_rule else None
    advised_ones = _advised(diagnosis, by_rule)
    chosen = {}
    for remedy in REMEDIES:
        names = asked.get(remedy) or []
        advised = remedy in advised_ones
        before = (kept or {}).get(remedy) or {}
        values = _kept_values(remedy, before.get('asked'), names)
        why = 'healthy' if ground is None else ground if advised else 'advised_against'
        if not diagnosis:
            why = 'not_diagnosed'
        if remedy in (left_out or ()):
            why, values = 'left_out', {}
        elif names:
            why = 'asked'
        elif values or before.get('set') and why in _LEFT:
            why = 'kept'
        chosen[remedy] = {'applied': why not in _LEFT, 'why': why, 'asked': sorted(names),
                          'kept': values}
    return chosen


def _advised(diagnosis, by_rule):
    """Those of REMEDIES that helped the incident, or that the rule gives if nothing happened."""
    rows = diagnosis.get('remedies')
    if rows:
        # What a host forbids, its role refuses: it tells what lifts that, and knows what the user has lifted.
        lifted = [one['id'] for row in rows for one in row['forbidden_by']]
        applied = to_apply(rows, by_rule=by_rule, override=lifted)['apply']
        return ['oom_protect' if name == 'score' else name for name in applied]
    # Without remedies a server to protect is looked for, even if no report names one.
    advice = diagnosis.get('advice') or {}
    return [name for name in REMEDIES if name == 'oom_protect' or advice.get(name) is not None]


def _kept_values(remedy, asked, names):
    """{variable: value} of what was asked before and is not asked otherwise now. A server is named in one way only."""
    values = dict((name, value) for name, value in (asked if isinstance(asked, dict) else {}).items()
                  if name in KEPT[remedy] and name not in names and _is_plain(value))
    if names:
        # A variable of one file is not of one of several, and several are in place of one.
        values.pop('swap_files', None)
    if 'swap_files' in names:
        values = {}
    if set(names) & set(_SERVERS):
        values = dict((name, value) for name, value in values.items() if name not in _SERVERS)
    return values


def _is_plain(value):
    """True for text, a number, a boolean, or a list of texts or swap files: the values that a variable of a role may
    have.
    """
    if isinstance(value, (list, tuple)):
        return all(isinstance(part, _TEXTS) or _is_file(part) for part in value)
    return isinstance(value, _TEXTS + (bool, int))


def _is_file(value):
    return isinstance(value, dict) and 'path' in value and all(
        key in _OF_A_FILE and isinstance(value[key], _TEXTS + (bool, int)) for key in value)
