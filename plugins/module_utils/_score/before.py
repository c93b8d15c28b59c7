# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The score that a process had, or would have had, without us: by the records of this boot. Pure."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type


def score_without_us(target, facts):
    """The score that a process would have by now without us."""
    before = score_before(target, facts)
    return target['process']['oom_score_adj'] if before is None else before


def score_before(target, facts):
    """The score that a process had, or would have had, without us; None if its score is not ours."""
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
    if identity in facts['keeper']['scores_found']:
        return facts['keeper']['scores_found'][identity]
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
    """The score from before any of ours: one record may have noted as such a score that another record gave."""
    return next((score for score in known['before'] if score not in known['after']), known['before'][0])
