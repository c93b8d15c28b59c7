# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether each remedy holds, from the memory facts and from what the modules would still change in check mode.

A claim is {remedy, claim, holds, now, after_reboot, detail}. ``holds`` is None where the host cannot have the remedy
or does not tell: that is neither proven nor false.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type


def judge(facts, swap=None, swappiness=None, swappiness_value=None, oom_protect=None):
    """{holds, claims}: ``holds`` is whether no claim is false.

    ``facts`` is memory_facts' dictionary; the others are check mode's results of swap_file, swappiness and
    oom_score_adj, each None (or skipped) where that remedy is not asked for.
    """
    claims = []
    if _asked(swap):
        claims.append(_swap(swap, facts['swap']['areas']))
    if _asked(swappiness):
        claims.append(_swappiness(swappiness, int(swappiness_value), facts['swappiness']))
    if _asked(oom_protect):
        claims.extend(_scores(oom_protect))
    return {'holds': all(claim['holds'] is not False for claim in claims), 'claims': claims}


def _asked(result):
    return bool(result) and not result.get('skipped')


def _claim(remedy, claim, now, after_reboot, detail):
    """A claim that holds where both halves do; a half that is not known leaves it open unless the other is false."""
    halves = (now, after_reboot)
    return {'remedy': remedy, 'claim': claim, 'now': now, 'after_reboot': after_reboot, 'detail': detail,
            'holds': False if False in halves else None if None in halves else True}


def _swap(result, areas):
    after = result['after']['activation'] is not None
    claim = 'swap of %s' % result['path'] if after else 'swap besides the file'
    if result['skipped_reason']:
        return _claim('swap', claim, None, None, result['skipped_reason'])
    drifted = set(action['layer'] for action in result['actions'])
    in_use = result['path'] in [area['path'] for area in areas]
    detail = 'all is as meant'
    if result['actions']:
        detail = 'still to do: %s' % '; '.join(action['detail'] for action in result['actions'])
    return _claim('swap', claim, not drifted - set(['persistence']) and in_use == after,
                  'persistence' not in drifted, detail)


def _swappiness(result, value, found):
    claim = 'vm.swappiness of %d' % value
    if result['skipped_reason']:
        return _claim('swappiness', claim, None, None, result['skipped_reason'])
    later = found['after_reboot']
    detail = 'it is %s now and %s after a reboot' % (found['runtime'], 'unknown' if later is None else later)
    own = [group for group in found['cgroups'] if group['value'] != value] if found['cgroups_count'] else []
    if own:
        detail += ', but %d cgroups have another value of their own' % len(own)
    return _claim('swappiness', claim, found['runtime'] == value, None if later is None else later == value, detail)


def _scores(result):
    if not result['found']:
        return [_claim('oom_protect', 'a database server that is protected', None, None,
                       'no database server runs here')]
    return [_score(process, result['value']) for process in result['processes']]


def _score(process, value):
    live, persistent = process['live'], process['persistent']
    detail = process['skipped_reason'] or process['recreate_required'] or 'it is %s now and %s at its next start' % (
        live['before'], persistent['before'])
    # A unit that is not running has nothing to protect now: only its next start counts.
    now = live['before'] == value if process['pid'] is not None else None
    claim = _claim('oom_protect', 'oom_score_adj of %s' % process['name'], now, persistent['before'] == value, detail)
    if process['pid'] is None:
        claim['holds'] = claim['after_reboot']
    # What the host may not do is not known to hold, and is no failure; what it may and has not done is one.
    cannot = process['skipped_reason'] or process['recreate_required']
    if cannot and persistent['before'] == persistent['after'] and not claim['holds']:
        claim['holds'] = None
    return claim
