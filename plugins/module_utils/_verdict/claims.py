# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether each remedy holds, from the memory facts and from what the modules would still change in check mode.

A claim is {remedy, claim, holds, now, after_reboot, state, detail}. ``state`` is one of
 - ``held``: it holds now and after the next start;
 - ``false``: one of these is not so, and this host could have it so;
 - ``open``: it holds now and is lost at the next start unless a person does what ``detail`` says, or it cannot be
   known whether it is;
 - ``cannot``: this host cannot have it by its nature.
``holds`` is True, False, or None for open and cannot. A half that does not count is None.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

HELD, FALSE, OPEN, CANNOT = 'held', 'false', 'open', 'cannot'
_HOLDS = {HELD: True, FALSE: False, OPEN: None, CANNOT: None}


def judge(host_facts, swap=None, swappiness=None, swappiness_value=None, oom_protect=None, accept_open=False):
    """{holds, claims}: ``holds`` is whether no claim is false.

    ``host_facts`` is memory_facts' dictionary; the others are check mode's results of swap_file, swappiness and
    oom_score_adj, each None (or skipped) if that remedy is not asked for. With ``accept_open`` each open claim has
    ``accepted``: somebody knows of it, and it is no reason for an exit status.
    """
    claims = []
    if _asked(swap):
        claims.extend(_swap(one) for one in swap.get('files') or [swap])
    if _asked(swappiness):
        claims.append(_swappiness(swappiness, int(swappiness_value), host_facts['swappiness']))
    if _asked(oom_protect):
        claims.extend(_scores(oom_protect))
    for claim in claims:
        claim['accepted'] = bool(accept_open) and claim['state'] == OPEN
    return {'holds': all(claim['holds'] is not False for claim in claims), 'claims': claims}


def _asked(result):
    return bool(result) and not result.get('skipped')


def _claim(remedy, claim, now, after_reboot, detail, state=None):
    """A claim, whose state follows from its halves if none is given: open if one is not known, and none is false."""
    halves = (now, after_reboot)
    state = state or (FALSE if False in halves else OPEN if None in halves else HELD)
    return {'remedy': remedy, 'claim': claim, 'holds': _HOLDS[state], 'now': now, 'after_reboot': after_reboot,
            'state': state, 'detail': detail}


def _swap(result):
    """The claim on the swap file. If it is there but could not be made now, it is judged as it is."""
    before = result['before']
    wanted, on = result['after']['activation'] is not None, before['activation'] is not None
    claim = 'swap of %s' % result['path'] if wanted else 'swap besides the file'
    if result['skipped_reason'] and not on:
        # What was made here once and is off now is not so; what others have in fstab is theirs.
        if result.get('recorded'):
            return _claim('swap', 'swap of %s' % result['path'], False, result['at_boot']['kept'],
                          result['skipped_reason'], FALSE)
        return _claim('swap', claim, None, None, result['skipped_reason'], CANNOT)
    actions_left = [action for action in result['actions'] if action['action'] != 'reload']
    drifted = set(action['layer'] for action in actions_left)
    now = not drifted - set(['persistence']) and on == wanted
    later, reasons = _swap_later(result, wanted, 'persistence' in drifted)
    if actions_left:
        reasons.insert(0, 'still to do: %s' % '; '.join(action['detail'] for action in actions_left))
    if now and wanted and result['persist'] == 'none' and later is None:
        return _claim('swap', claim, now, later, 'in use; not after a reboot, as asked', HELD)
    return _claim('swap', claim, now, later, '; '.join(reasons) or 'all is as meant')


def _swap_later(result, wanted, drifted):
    """(True if the file is on, or off, after a reboot as it is meant to be, [reason])."""
    at_boot = result['at_boot']
    if not wanted:
        return not drifted, []
    if result['persist'] == 'none':
        return (False if drifted else None), []
    # Where a command turns it on, the boot needs no line.
    drifted = drifted and at_boot['by'] != 'command'
    later = False if drifted or not _has_its_signature(result['before']) else at_boot['kept']
    reason = at_boot['why'] and ('after a reboot: %s' % at_boot['why'])
    tell = ' (to tell: %s)' % at_boot['would_tell'] if at_boot['would_tell'] else ''
    return later, [reason + tell] if reason else []


def _has_its_signature(layers):
    """True if swapon(2) takes the file: it has a signature, of no larger area than the file is."""
    file, signature = layers['file'], layers['signature']
    return bool(file and signature) and signature['size_bytes'] <= file['size_bytes']


def _swappiness(result, value, swappiness_facts):
    claim = 'vm.swappiness of %d' % value
    if result['skipped_reason']:
        return _claim('swappiness', claim, None, None, result['skipped_reason'], CANNOT)
    now, later = swappiness_facts['runtime'], swappiness_facts['after_reboot']
    detail = 'it is %s now%s' % (now, (
        '; what sets it at boot cannot be read' if later is None else ' and %s after a reboot' % later))
    if later != value and swappiness_facts.get('decided_by'):
        detail += ': %s' % swappiness_facts['decided_by']
    groups = swappiness_facts['cgroups'] if swappiness_facts['cgroups_count'] else []
    own = [group for group in groups if group['value'] != value]
    if own:
        detail += ', but %d cgroups have another value of their own' % len(own)
    return _claim('swappiness', claim, now == value, None if later is None else later == value, detail)


def _scores(result):
    if not result['found']:
        return [_claim('oom_protect', 'a database server that is protected', None, None,
                       'no database server runs here', CANNOT)]
    return [_score(process, process.get('value', result['value'])) for process in result['processes']]


def _protects(score, value):
    """True if a score protects as much as the one that is asked for."""
    return score is not None and (score == value or score < value <= 0)


def _score(process, value):
    """The claim on one process, or on a unit that is not running, of which only the next start counts."""
    live, persistent = process['live'], process['persistent']
    claim = 'oom_score_adj of %s' % process['name']
    at_start = process.get('next_start') or {}
    reasons = [reason for reason in (process['skipped_reason'], process['recreate_required'], at_start.get('why'))
               if reason]
    detail = '; '.join(reasons) or 'it is %s now and %s at its next start' % (live['before'], persistent['before'])
    now = _protects(live['before'], value) if process['pid'] is not None else None
    later = _protects(persistent['before'], value)
    if later and at_start.get('kept', True) is not True:
        later = at_start['kept']
    return _claim('oom_protect', claim, now, later, detail, _score_state(process, now, later))


def _score_state(process, now, later):
    """The state of a claim on a score.

    ``cannot`` is what the host does not let this process do, ``open`` what a person has to do. Neither excuses what
    could be done now and is not.
    """
    live, persistent = process['live'], process['persistent']
    if process.get('to_do'):
        return OPEN
    settled = persistent['before'] == persistent['after']
    if settled and persistent['before'] is None and not process['skipped_reason']:
        # Nothing was asked of its next start (persist: none).
        return HELD if now else FALSE
    refused = process['skipped_reason'] and live['before'] == live['after']
    if now is False:
        return CANNOT if refused and (settled or later) else FALSE
    if later is True:
        return HELD
    if later is None:
        return OPEN
    if settled and (process['recreate_required'] or process['skipped_reason']):
        return OPEN
    if now is None and (process.get('next_start') or {}).get('kept') is False:
        # Nothing starts it: there is nothing to protect, and nobody who would.
        return OPEN
    return FALSE
