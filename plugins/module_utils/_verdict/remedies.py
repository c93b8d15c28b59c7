# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The remedies for a verdict: each with the effect that it alone would have had, the best first.

One table of builders. Each is a pure function of the case and returns only rows for which there is evidence.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .case import Case
from .remedy import DELAYS, HARMS, NONE, PREVENTS, UNKNOWN
from .remedy_holders import holders
from .remedy_limits import limits, program_limits, user_limits
from .remedy_others import others
from .remedy_places import places
from .remedy_score import scores
from .remedy_swap import swap, swappiness

# The order among rows of the same effect.
BUILDERS = (
    limits, program_limits, user_limits, holders, places, others,
    lambda case: [swap(case)], scores, lambda case: [swappiness(case)],
)
_BEST_FIRST = (PREVENTS, DELAYS, UNKNOWN, NONE, HARMS)
# Keys that only other rows need.
_FOR_THE_ORDER = ('aside', 'of_cause', 'fit')
APPLIED = ('swap', 'swappiness', 'score')


def remedies_of(verdict, incidents, events, signals, host_facts=None, options=None):
    """The remedies for the incident of a verdict, best first; docs/advice.md says what each field means.

    ``events`` and ``signals`` are those that the incident has indices of; ``host_facts`` is memory_facts' dictionary,
    empty for a log from elsewhere. ``options``: {swap_path, swap_size, swappiness, protect, protect_names,
    expected_peak_bytes}, as options_of() makes them.
    """
    case = Case(verdict, incidents or [], events or [], signals or [], host_facts, options)
    rows = [row for build in BUILDERS for row in build(case)]
    forbidden = case.host_facts.get('forbidden') or {}
    for row in rows:
        known = [one['id'] for one in row['forbidden_by']]
        row['forbidden_by'] = row['forbidden_by'] + [
            dict((key, one[key]) for key in ('id', 'where', 'text')) for one in forbidden.get(row['name']) or []
            if one['id'] not in known and one.get('target') in (None, row['target'])]
    rows.sort(key=_rank)
    return [dict((key, value) for key, value in row.items() if key not in _FOR_THE_ORDER) for row in rows]


def _rank(row):
    """The key that sorts rows: those that help against the cause, then those that tell of it, then those that are
    always there; each by effect.
    """
    helps = row['effect'] in (PREVENTS, DELAYS)
    aside = row['name'] == 'more_ram' or row.get('aside')
    if helps and not aside:
        place = 2 if row['name'] in APPLIED else 0
    elif row.get('of_cause') and row['effect'] == UNKNOWN:
        place = 1
    else:
        place = 3 if helps else 4
    return place, _BEST_FIRST.index(row['effect'])


def to_apply(remedies, asked=(), by_rule=False, override=()):
    """{apply: [name], left_out: [{name, why}]}: which of swap, swappiness and score a run applies.

    ``asked`` are the names of remedies that the user set outright. ``by_rule`` is true if the rule's remedies are
    wanted even without an incident. ``override`` are the ids, of what forbids, that the user lifted.
    """
    applied, left_out = [], []
    for name in APPLIED:
        rows = [row for row in remedies or [] if row['name'] == name]
        reasons = [_why_not(row, asked, by_rule, override, applied) for row in rows]
        if name in asked or None in reasons:
            applied.append(name)
        elif reasons:
            left_out.append({'name': name, 'why': reasons[0]})
    return {'apply': applied, 'left_out': left_out}


def _why_not(row, asked, by_rule, override, applied):
    """The reason that a remedy is left out, or None if it is applied."""
    if row['name'] in asked:
        return None
    forbids = [one for one in row['forbidden_by'] if one['id'] not in override]
    if forbids:
        return '; '.join('%s: %s' % (one['id'], one['text']) for one in forbids)
    if row['effect'] in (PREVENTS, DELAYS) or (by_rule and row.get('by_rule')):
        return None
    if row['goes_with'] in applied or (row['goes_with'] and row.get('with_present') and not row['by_rule']):
        return None
    return '%s: %s' % (row['effect'], row['why'])
