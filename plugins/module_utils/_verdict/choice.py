# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which remedies a playbook applies to a host: what its incident calls for, what its user set, what the rule says."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .remedies import to_apply

REMEDIES = ('swap', 'swappiness', 'oom_protect')


def happened(diagnosis):
    """True if the host ran out of memory, by the report that is meant or by the verdict of its signals."""
    verdict = diagnosis.get('verdict') or {}
    return (diagnosis.get('advice') or {}).get('report') is not None or verdict.get('was_memory') == 'yes'


def choose(diagnosis, asked, by_rule=False):
    """{remedy: {applied, why, asked}} of each of REMEDIES.

    ``diagnosis`` is diagnose_result, ``asked`` {remedy: [variable]} of what the user set, ``by_rule`` whether a host to
    which nothing happened gets what the rule advises. ``why`` is asked, incident or rule if the remedy is applied, else
    healthy (nothing happened here) or advised_against.
    """
    ground = 'incident' if happened(diagnosis) else 'rule' if by_rule else None
    advised_ones = _advised(diagnosis, by_rule)
    chosen = {}
    for remedy in REMEDIES:
        names = asked.get(remedy) or []
        advised = remedy in advised_ones
        why = 'asked' if names else 'healthy' if ground is None else ground if advised else 'advised_against'
        chosen[remedy] = {'applied': why in ('asked', 'incident', 'rule'), 'why': why, 'asked': sorted(names)}
    return chosen


def _advised(diagnosis, by_rule):
    """Those of REMEDIES that helped the incident, or that the rule gives where nothing happened."""
    rows = diagnosis.get('remedies')
    if rows:
        # What a host forbids is its role's to refuse: it says what lifts that, and heeds what the user has lifted.
        lifted = [one['id'] for row in rows for one in row['forbidden_by']]
        found = to_apply(rows, by_rule=by_rule, override=lifted)['apply']
        return ['oom_protect' if name == 'score' else name for name in found]
    # Without remedies a server that has to be protected is looked for, whether a report names one or not.
    advice = diagnosis.get('advice') or {}
    return [name for name in REMEDIES if name == 'oom_protect' or advice.get(name) is not None]
