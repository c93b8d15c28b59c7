# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._verdict.claims import judge

AREA = {'path': '/swapfile', 'size_bytes': 1 << 31, 'used_bytes': 0, 'priority': -2}


def facts(areas=(AREA,), runtime=10, after_reboot=10, cgroups=()):
    return {'swap': {'areas': list(areas)},
            'swappiness': {'runtime': runtime, 'after_reboot': after_reboot, 'cgroups': list(cgroups),
                           'cgroups_count': len(cgroups)}}


ON = {'size_bytes': 1 << 31}
KEPT = {'kept': True, 'why': None, 'would_tell': None, 'by': 'fstab'}
MASKED = {'kept': False, 'why': 'swap.target is masked', 'would_tell': None, 'by': 'fstab'}
UNSURE = {'kept': None, 'why': 'a container', 'would_tell': 'swapon --show', 'by': None}


def swap(layers=(), active=True, skipped_reason=None, on=None, at_boot=None, persist='fstab', action='mend',
         recorded=False, persistence=None):
    on = active if on is None else on
    return {'path': '/swapfile', 'skipped_reason': skipped_reason, 'persist': persist, 'at_boot': at_boot or KEPT,
            'recorded': recorded, 'before': {'file': ON, 'signature': ON, 'activation': ON if on else None,
                                             'persistence': persistence or (ON if on else None)},
            'after': {'activation': ON if active else None},
            'actions': [{'layer': layer, 'action': action, 'detail': 'mend the %s' % layer} for layer in layers]}


def score(pid=7, live=-600, before=-600, after=-600, skipped_reason=None, recreate_required=None, live_after=None,
          **more):
    return {'found': True, 'value': -600, 'processes': [dict({
        'pid': pid, 'name': 'mysqld', 'live': {'before': live, 'after': -600 if live_after is None else live_after},
        'persistent': {'before': before, 'after': after}, 'skipped_reason': skipped_reason,
        'recreate_required': recreate_required}, **more)]}


def told(result):
    claim, = result['claims']
    assert claim['holds'] is {'held': True, 'false': False, 'open': None, 'cannot': None}[claim['state']]
    return claim['state'], claim['now'], claim['after_reboot'], claim['detail']


@pytest.mark.parametrize('asked, expected', [
    (swap(), ('held', True, True, 'all is as meant')),
    (swap(['activation'], on=False), ('false', False, True, 'still to do: mend the activation')),
    (swap(['persistence']), ('false', True, False, 'still to do: mend the persistence')),
    (swap(on=False), ('false', False, True, 'all is as meant')),
    (swap(active=False), ('held', True, True, 'all is as meant')),
    (swap(active=False, on=False, skipped_reason='overlay'), ('cannot', None, None, 'overlay')),
    (swap(active=False, on=False, skipped_reason='masked', persistence=ON, at_boot=MASKED),
     ('cannot', None, None, 'masked')),
    (swap(active=False, on=False, skipped_reason='masked', persistence=ON, at_boot=MASKED, recorded=True),
     ('false', False, False, 'masked')),
    (swap(active=False, on=False, skipped_reason='kubelet', recorded=True), ('false', False, True, 'kubelet')),
    (swap(skipped_reason='forbidden', at_boot=MASKED),
     ('false', True, False, 'after a reboot: swap.target is masked')),
    (swap(at_boot=MASKED), ('false', True, False, 'after a reboot: swap.target is masked')),
    (swap(at_boot=UNSURE), ('open', True, None, 'after a reboot: a container (to tell: swapon --show)')),
    (swap(['persistence'], at_boot=dict(KEPT, by='command')),
     ('held', True, True, 'still to do: mend the persistence')),
    (swap(['persistence'], at_boot=dict(UNSURE, by='command')),
     ('open', True, None, 'still to do: mend the persistence; after a reboot: a container (to tell: swapon --show)')),
    (swap(['persistence'], action='reload'), ('held', True, True, 'all is as meant')),
    (swap(['persistence'], at_boot=MASKED),
     ('false', True, False, 'still to do: mend the persistence; after a reboot: swap.target is masked')),
    (swap(persist='none', at_boot=dict(KEPT, kept=False)),
     ('held', True, None, 'in use; not after a reboot, as asked')),
    (swap(['persistence'], persist='none'), ('false', True, False, 'still to do: mend the persistence')),
], ids=['as meant', 'switched off', 'no line in fstab', 'not in use', 'enough without it', 'host cannot',
        'forbidden, with a line of others', 'ours, and forbidden since', 'ours without its line, and forbidden since',
        'there, and forbidden since', 'masked', 'not known', 'a command in the place of its line',
        'perhaps a command', 'systemd has an older fstab', 'two reasons',
        'not to be kept', 'kept, and not to be'])
def test_swap_holds_if_no_layer_drifted_and_a_boot_turns_it_on(asked, expected):
    assert told(judge(facts(), swap=asked)) == expected


@pytest.mark.parametrize('file, signature, later', [
    (ON, None, False), (ON, {'size_bytes': (1 << 31) + 1}, False), (ON, ON, True), (None, None, False),
], ids=['no signature', 'cut', 'whole', 'not there'])
def test_a_file_without_its_whole_signature_is_turned_on_by_no_boot(file, signature, later):
    asked = swap(['signature'], on=False)
    asked['before'] = dict(asked['before'], file=file, signature=signature)
    assert told(judge(facts(), swap=asked)) == ('false', False, later, 'still to do: mend the signature')


@pytest.mark.parametrize('found, skipped_reason, expected', [
    (facts(), None, ('held', True, True, 'it is 10 now and 10 after a reboot')),
    (facts(runtime=60), None, ('false', False, True, 'it is 60 now and 10 after a reboot')),
    (facts(after_reboot=30), None, ('false', True, False, 'it is 10 now and 30 after a reboot')),
    (facts(after_reboot=None), None, ('open', True, None, 'it is 10 now; what sets it at boot cannot be read')),
    (facts(runtime=60, after_reboot=None), None,
     ('false', False, None, 'it is 60 now; what sets it at boot cannot be read')),
    (facts(cgroups=[{'path': '/a', 'value': 60}, {'path': '/b', 'value': 10}]), None,
     ('held', True, True, 'it is 10 now and 10 after a reboot, but 1 cgroups have another value of their own')),
    (facts(runtime=60), 'read-only /proc/sys', ('cannot', None, None, 'read-only /proc/sys')),
], ids=['holds', 'not now', 'not after a reboot', 'boot unknown', 'not now, boot unknown', 'a cgroup differs',
        'host cannot'])
def test_swappiness_holds_now_and_after_a_reboot(found, skipped_reason, expected):
    asked = {'skipped_reason': skipped_reason}
    assert told(judge(found, swappiness=asked, swappiness_value='10')) == expected


STAYS = {'skipped_reason': 'no privilege', 'live_after': 0}
LOST = {'kept': False, 'why': 'nothing starts mysqld.service at boot'}


@pytest.mark.parametrize('asked, expected', [
    (score(), ('held', True, True, 'it is -600 now and -600 at its next start')),
    (score(live=-800, before=-800, after=-800), ('held', True, True, 'it is -800 now and -800 at its next start')),
    (score(live=-1000), ('held', True, True, 'it is -1000 now and -600 at its next start')),
    (score(live=0), ('false', False, True, 'it is 0 now and -600 at its next start')),
    (score(before=None), ('false', True, False, 'it is -600 now and None at its next start')),
    (score(before=None, after=None), ('held', True, False, 'it is -600 now and None at its next start')),
    (score(pid=None, live=None), ('held', None, True, 'it is None now and -600 at its next start')),
    (score(pid=None, live=None, before=0), ('false', None, False, 'it is None now and 0 at its next start')),
    (score(pid=None, live=None, next_start=LOST), ('open', None, False, LOST['why'])),
    (score(next_start={'kept': None, 'why': 'a wrapper'}), ('open', True, None, 'a wrapper')),
    (score(live=0, **STAYS), ('cannot', False, True, 'no privilege')),
    (score(live=0, before=None, **STAYS), ('false', False, False, 'no privilege')),
    (score(before=0, after=0, recreate_required='--oom-score-adj'), ('open', True, False, '--oom-score-adj')),
    (score(live=0, before=0, after=0, recreate_required='--oom-score-adj'),
     ('false', False, False, '--oom-score-adj')),
    (score(live=0, before=None, after=None, to_do='name its user', skipped_reason='name its user'),
     ('open', False, False, 'name its user')),
], ids=['holds', 'stronger', 'stronger by hand', 'not now', 'not at the next start', 'no next start asked for',
        'does not run', 'does not run and is not declared', 'does not run and never will', 'next start unknown',
        'host may not lower', 'host may not lower, and the drop-in is missing', 'container has to be made again',
        'container has to be made again, and it is not so now', 'a second server'])
def test_what_a_person_has_to_do_is_open_and_what_this_host_could_do_is_false(asked, expected):
    assert told(judge(facts(), oom_protect=asked)) == expected


@pytest.mark.parametrize('accept, expected', [(True, [True, False]), (False, [False, False])])
def test_open_claims_are_accepted_on_request_and_no_others(accept, expected):
    result = judge(facts(runtime=60), swap=swap(at_boot=UNSURE), swappiness={'skipped_reason': None},
                   swappiness_value=10, accept_open=accept)
    assert [claim['accepted'] for claim in result['claims']] == expected
    assert [claim['state'] for claim in result['claims']] == ['open', 'false']


def test_no_server_to_protect_is_no_fault():
    result = judge(facts(), oom_protect={'found': False})
    assert result['holds'] is True
    assert told(result)[0] == 'cannot'


def test_what_was_not_asked_for_is_not_judged():
    skipped = {'skipped': True}
    assert judge(facts(), swap=skipped, swappiness=skipped, oom_protect=None) == {'holds': True, 'claims': []}


def test_one_false_claim_is_enough():
    result = judge(facts(runtime=60), swap=swap(), swappiness={'skipped_reason': None}, swappiness_value=10)
    assert [claim['holds'] for claim in result['claims']] == [True, False]
    assert result['holds'] is False
