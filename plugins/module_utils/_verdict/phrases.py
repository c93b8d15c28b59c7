# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The phrases of the summary, and how they fit on a terminal of 80 columns."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._files.plain import plain
from .._files.sizes import format_size
from .advice import HELPS
from .choice import REMEDIES
from .columns import COLUMNS, cut, width, wrapped
from .remedies import APPLIED

# The beginning of the second and later rows of a line.
_GOES_ON = '  '
_MOST_REMEDIES = 2
# The rows for the first line and for each other one, from roomy to narrow.
_ROWS = ((8, 3), (8, 2), (8, 1))
NOTHING = 'nothing that this collection can do'


def todo(advice, remedies=REMEDIES, with_rule=True):
    """The advice in a phrase, for those of ``remedies``. ``with_rule`` adds the rule from which the size of swap
    follows.
    """
    parts = []
    swap = advice.get('swap')
    if 'swap' in remedies and swap and swap['size_bytes']:
        more = ' beside the %s there is' % format_size(swap['other_bytes']) if swap.get('other_bytes') else ''
        rule = ' (%s)' % swap['rule'] if with_rule else ''
        parts.append('swap of %s%s%s' % (format_size(swap['size_bytes']), more, rule))
    if 'swappiness' in remedies and advice.get('swappiness'):
        parts.append('vm.swappiness %s' % advice['swappiness']['value'])
    if 'oom_protect' in remedies:
        for row in advice.get('protect') or []:
            words = '%s protected at %s' % (row['process'], row['value'])
            # Several processes of one name are one thing to do.
            if words not in parts:
                parts.append(words)
    return ', '.join(parts) or NOTHING


def as_it_is(text):
    """The text itself, as English is: what turns texts into another language has its place."""
    return text


def remedy_lines(remedies, say=as_it_is):
    """A few lines of 80 columns: the best remedies, and the command of one that this collection does not apply."""
    rows = [row for row in remedies or [] if row['target'] and row['name'] != 'swappiness']
    lines = []
    for row in rows[:_MOST_REMEDIES]:
        effect = say(row['effect'])
        lines.append(cut('%s%s %s' % (effect, ' ' * (8 - width(effect)), say('%s: %s' % (row['what'], row['why'])))))
        if row['command'] and row['name'] not in APPLIED and row['effect'] in HELPS:
            lines.append(cut('%8s %s' % ('', row['command'])))
    return lines[:_MOST_REMEDIES + 1]


def would_be(advice, replays):
    """A sentence on whom the kernel would have killed under the advice; None if the report that is meant cannot tell.
    """
    replay = next((one for one in replays or [] if one.get('event_id') == advice.get('report')), None)
    if replay is None or not replay.get('victim') or replay.get('reproduces') is not True:
        return None
    if not (advice.get('protect') or advice.get('swap')):
        return None
    setting = ' and '.join(
        (['so protected'] if advice.get('protect') else []) + (['with that swap'] if advice.get('swap') else []))
    victim, before = replay['victim'], replay.get('before') or {}
    return '%s, %s (pid %s) would %shave been the victim.' % (
        setting[0].upper() + setting[1:], victim['name'], victim['pid'],
        'still ' if before.get('pid') == victim['pid'] else '')


def fitted(lines, room, more=(), say=as_it_is):
    """The lines wrapped at 80 columns, in ``room`` rows: the first line whole, the others shorter if they have to be.
    If there is room, lines of ``more`` follow.
    """
    lines, more = [say(line) for line in lines], [say(line) for line in more]
    for first, others in _ROWS:
        rows = [row for place, line in enumerate(lines) for row in _wrapped(line, others if place else first)]
        if len(rows) <= room:
            break
    for line in more:
        added = _wrapped(line, 2)
        rows += added if len(rows) + len(added) <= room else []
    return rows[:room]


def _wrapped(line, most):
    line = plain(line)
    if width(line) <= COLUMNS:
        return [line]
    rows = wrapped(line, _GOES_ON)
    return rows if len(rows) <= most else rows[:most - 1] + [cut(rows[most - 1] + ' ' + rows[most].strip())]


def _swap(result):
    return ', and '.join(_swap_file(one) for one in result.get('files') or [result])


def _swap_file(result):
    after = result.get('after') or {}
    size = ', %s' % format_size(result['size_bytes']) if result.get('size_bytes') else ''
    now, later = ('on' if after.get(layer) else 'off' for layer in ('activation', 'persistence'))
    notes = ''.join(' (%s)' % note for note in result.get('notes') or [])
    return 'swap %s%s, %s%s' % (result.get('path'), size, _now_and(now, later, 'after a reboot'), notes)


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
    """``10 now and after a reboot``, ``10 now, 60 after a reboot``."""
    now = 'unknown' if now is None else now
    if later is None:
        return '%s now, not known %s' % (now, moment)
    return '%s now and %s' % (now, moment) if now == later else '%s now, %s %s' % (now, later, moment)


# The variable of a remedy's result, its name, and what the result is in words.
RESULTS = (
    ('swap_result', 'swap', _swap),
    ('swappiness_result', 'vm.swappiness', _swappiness),
    ('oom_protect_result', 'oom_score_adj', _oom_protect),
)
