# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays an OOM report again: whom the same kernel would have killed with other swap and other oom_score_adj."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._files.errors import RescueError
from .._node.badness import UNKILLABLE, badness, best_victim_first, root_bonus, score
from .._node.kernel import kernel_version
from .._report.zones import managed_bytes

_RANKS = 5
PAGE_BYTES = 4096
# All of memory, and an oom_score_adj of 1000.
_MOST = 2000
# Servers whose children give themselves a score at their start (PG_OOM_ADJUST_FILE, as Debian and PGDG start it), so
# that only the first process has the one that the server was given.
FIRST_ALONE = ('postgres', 'postmaster')


def first_alone(rows, name):
    """The pid of the only one of the processes ``rows`` of a name that a score of that name reaches; None if it reaches
    all.

    The first process of PostgreSQL is the one with the lowest score, else the oldest. If others have a score that is
    not 0 and the first has it too, they inherit it.
    """
    rows = [row for row in rows if row.get('name') == name and row.get('pid') is not None]
    if name not in FIRST_ALONE or len(rows) < 2:
        return None
    first = min(rows, key=lambda row: (row.get('oom_score_adj') or 0, row['pid']))
    given = first.get('oom_score_adj') or 0
    inherited = [row for row in rows if row is not first and (row.get('oom_score_adj') or 0) == given]
    return None if given and inherited else first['pid']


def reached(rows, name):
    """The processes ``rows`` of a name that a score of that name reaches."""
    first = first_alone(rows, name)
    return [row for row in rows if row.get('name') == name and first in (None, row.get('pid'))]


def replay(event, setting=None):
    """The victim that the kernel of ``event`` would have chosen under ``setting``.

    ``setting`` is {swap_bytes, oom_score_adj: {process name: value}}; ``swap_bytes`` is all the swap that the host
    would have, and what a setting leaves out stays as reported. The result is {victim, before, ranking, reproduces,
    total_pages, reason, caveat}: ``before`` is the victim by the same arithmetic under what was reported, and
    ``reproduces`` is true if the kernel really killed that process. ``victim`` is None, with a reason, if the report
    cannot tell.
    """
    setting = setting or {}
    adjustments = _adjustments(setting.get('oom_score_adj'))
    swap_bytes = setting.get('swap_bytes')
    result = {'event_id': event.get('id'), 'victim': None, 'before': None, 'ranking': [], 'reproduces': None,
              'total_pages': None, 'reason': None, 'caveat': None}

    if event.get('trusted') is False:
        result['reason'] = 'a program and not the kernel wrote this report'
        return result
    tasks = event.get('tasks') or []
    if not tasks:
        result['reason'] = 'the report has no task table, so who else could have been killed is not known'
        return result
    total_before = total_pages(event)
    total = total_pages(event, swap_bytes)
    if total is None:
        result['reason'] = 'the report does not say how much memory there was, which the ranking depends on'
        return result

    before = _ranking(event, total_before, {})
    ranking = _ranking(event, total, adjustments)
    result.update({
        'before': before[0] if before else None,
        'ranking': ranking[:_RANKS],
        'total_pages': total,
        'victim': ranking[0] if ranking else None,
    })
    if not ranking:
        result['reason'] = 'no process in the table could be killed: all have an oom_score_adj of -1000'
    result['reproduces'] = _reproduces(event, result['before'])
    plain = _ranking(event, total, adjustments, with_root_bonus=False)
    result['caveat'] = _caveat(event, result, plain[0] if plain else None, adjustments)
    return result


def total_pages(event, swap_bytes=None):
    """The pages of which oom_score_adj is a part, with ``swap_bytes`` of swap in place of what was reported.

    constrained_alloc(): managed RAM and all swap, or the limit of a memcg and the swap that it may use.
    """
    memory = event.get('memory') or {}
    page = memory.get('page_size_bytes') or PAGE_BYTES
    if event.get('scope') == 'memcg':
        cgroup = event.get('cgroup') or {}
        limit = cgroup.get('limit_bytes')
        if limit is None:
            return None
        # mem_cgroup_get_max(): version 1 limits memory and swap together, version 2 each.
        return max(limit + (cgroup.get('swap_limit_bytes') or 0), cgroup.get('memory_swap_limit_bytes') or 0) // page
    ram_bytes = managed_bytes(event)
    if ram_bytes is None:
        return None
    if swap_bytes is None:
        swap_bytes = memory.get('swap_total_bytes') or 0
    return (ram_bytes + swap_bytes) // page


def ranked(event, adjustments, with_root_bonus=True):
    """The tasks of a report that could be killed, best victim first, with ``adjustments`` {process name: value}.

    A list of {pid, name, uid, points, score, rss_bytes, oom_score_adj}, with the swap that was reported; empty if the
    report has no task table or does not say how much memory there was.
    """
    total = total_pages(event)
    if total is None or not event.get('tasks'):
        return []
    return _ranking(event, total, _adjustments(adjustments), with_root_bonus)


def _adjustments(values):
    """The wanted oom_score_adj by process name, as numbers."""
    adjustments = {}
    for name, value in (values or {}).items():
        try:
            number = int(value)
        except (TypeError, ValueError):
            number = None
        if number is None or not UNKILLABLE <= number <= 1000:
            raise RescueError('oom_score_adj of %s is %r' % (name, value), value=value, allowed='-1000 to 1000',
                              next_step='give a whole number from -1000 to 1000')
        adjustments[name] = number
    return adjustments


def _ranking(event, total, adjustments, with_root_bonus=True):
    """The tasks that can be killed, best victim first. The table is in the order in which the kernel looks at them."""
    page = (event.get('memory') or {}).get('page_size_bytes') or PAGE_BYTES
    ranking = []
    given = {}
    for name, value in adjustments.items():
        given.update((task['pid'], value) for task in reached(event['tasks'], name))
    for task in event['tasks']:
        if task['pid'] == 1 or task.get('rss_pages') is None:
            continue
        adjustment = given.get(task['pid'], task.get('oom_score_adj') or 0)
        points = badness(task['rss_pages'], (task.get('pgtables_bytes') or 0) // page, task.get('swapents_pages') or 0,
                         adjustment, total, privileged=with_root_bonus and task.get('uid') == 0,
                         kernel=event.get('kernel'))
        if points is None:
            continue
        ranking.append({
            'pid': task['pid'],
            'name': task['name'],
            'uid': task.get('uid'),
            'points': points,
            'score': _known_score(points, total),
            'rss_bytes': task.get('rss_bytes'),
            'oom_score_adj': adjustment,
        })
    return best_victim_first(ranking, [row['points'] for row in ranking], event.get('kernel'))


def _known_score(points, total):
    """The score, or None if it cannot be: a memcg without a swap limit counts swap that its report does not tell."""
    value = score(points, total)
    return value if value <= _MOST else None


def _reproduces(event, before):
    chosen = [victim.get('sacrificed_for') or victim.get('pid') for victim in event.get('victims') or []]
    chosen += [event['selected']['pid']] if event.get('selected') else []
    return before['pid'] in chosen if chosen and before else None


def _caveat(event, result, without_bonus, adjustments):
    """Sentences on what the arithmetic cannot know, the strongest doubt first."""
    sentences = []
    if result['reproduces'] is False:
        killed = (event.get('victims') or [event.get('selected')])[0]
        sentences.append(
            'For the report as it is, the same arithmetic names %s (pid %s), but the kernel killed %s (pid %s): do not '
            'rely on this one.' % (result['before']['name'], result['before']['pid'], killed.get('name'),
                                   killed.get('pid')))
    for name in sorted(adjustments):
        first = first_alone(event['tasks'], name)
        if first is not None:
            sentences.append('Of %s only the first process (pid %s) is given the score: its children give themselves '
                             'their own where PG_OOM_ADJUST_FILE is set.' % (name, first))
    if (event.get('memory') or {}).get('swap_total_bytes') and all(
            task.get('swapents_pages') is None for task in event['tasks']):
        sentences.append('The table of this kernel does not say what each process had in swap, which counts too.')
    if event.get('scope') in ('cpuset', 'mempolicy'):
        sentences.append('Only processes of the affected memory nodes were candidates, and the table does not say '
                         'which those were.')
    if root_bonus(event.get('kernel')) and result['victim'] and without_bonus['pid'] != result['victim']['pid']:
        sentences.append('%s (pid %s) would be the victim if it runs as root without CAP_SYS_ADMIN, as in a container: '
                         'then it lacks the root bonus.' % (without_bonus['name'], without_bonus['pid']))
    version = kernel_version(event.get('kernel'))
    if version is None or version < (5, 1, 0):
        # bbbe48029720 (5.1) ended the sacrifice of a child in its parent's place.
        sentences.append('A kernel before 5.1 may kill a child of the victim instead.')
    sentences.append('The processes are those of the report; with more swap it might have come later, or not at all.')
    return ' '.join(sentences)
