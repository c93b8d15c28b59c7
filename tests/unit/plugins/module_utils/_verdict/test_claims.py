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


def swap(layers=(), active=True, skipped_reason=None):
    return {'path': '/swapfile', 'skipped_reason': skipped_reason, 'after': {'activation': {} if active else None},
            'actions': [{'layer': layer, 'detail': 'mend the %s' % layer} for layer in layers]}


def score(pid=7, live=-600, before=-600, after=-600, skipped_reason=None, recreate_required=None):
    return {'found': True, 'value': -600, 'processes': [{
        'pid': pid, 'name': 'mysqld', 'live': {'before': live, 'after': -600},
        'persistent': {'before': before, 'after': after}, 'skipped_reason': skipped_reason,
        'recreate_required': recreate_required}]}


def told(result):
    claim, = result['claims']
    return claim['holds'], claim['now'], claim['after_reboot'], claim['detail']


@pytest.mark.parametrize('asked, areas, expected', [
    (swap(), (AREA,), (True, True, True, 'all is as meant')),
    (swap(['activation']), (), (False, False, True, 'still to do: mend the activation')),
    (swap(['persistence']), (AREA,), (False, True, False, 'still to do: mend the persistence')),
    (swap(), (), (False, False, True, 'all is as meant')),
    (swap(active=False), (), (True, True, True, 'all is as meant')),
    (swap(skipped_reason='overlay'), (), (None, None, None, 'overlay')),
], ids=['as meant', 'switched off', 'no line in fstab', 'in use by the module, not by the kernel', 'enough without it',
        'host cannot'])
def test_swap_holds_where_no_layer_drifted_and_the_kernel_has_it(asked, areas, expected):
    assert told(judge(facts(areas), swap=asked)) == expected


@pytest.mark.parametrize('found, skipped_reason, expected', [
    (facts(), None, (True, True, True, 'it is 10 now and 10 after a reboot')),
    (facts(runtime=60), None, (False, False, True, 'it is 60 now and 10 after a reboot')),
    (facts(after_reboot=30), None, (False, True, False, 'it is 10 now and 30 after a reboot')),
    (facts(after_reboot=None), None, (None, True, None, 'it is 10 now and unknown after a reboot')),
    (facts(runtime=60, after_reboot=None), None, (False, False, None, 'it is 60 now and unknown after a reboot')),
    (facts(cgroups=[{'path': '/a', 'value': 60}, {'path': '/b', 'value': 10}]), None,
     (True, True, True, 'it is 10 now and 10 after a reboot, but 1 cgroups have another value of their own')),
    (facts(runtime=60), 'read-only /proc/sys', (None, None, None, 'read-only /proc/sys')),
], ids=['holds', 'not now', 'not after a reboot', 'boot unknown', 'not now, boot unknown', 'a cgroup differs',
        'host cannot'])
def test_swappiness_holds_now_and_after_a_reboot(found, skipped_reason, expected):
    asked = {'skipped_reason': skipped_reason}
    assert told(judge(found, swappiness=asked, swappiness_value='10')) == expected


@pytest.mark.parametrize('asked, expected', [
    (score(), (True, True, True, 'it is -600 now and -600 at its next start')),
    (score(live=0), (False, False, True, 'it is 0 now and -600 at its next start')),
    (score(before=None), (False, True, False, 'it is -600 now and None at its next start')),
    (score(pid=None, live=None), (True, None, True, 'it is None now and -600 at its next start')),
    (score(pid=None, live=None, before=0), (False, None, False, 'it is None now and 0 at its next start')),
    (score(live=0, skipped_reason='no privilege'), (None, False, True, 'no privilege')),
    (score(live=0, before=None, skipped_reason='no privilege'), (False, False, False, 'no privilege')),
    (score(before=0, after=0, recreate_required='--oom-score-adj'), (None, True, False, '--oom-score-adj')),
], ids=['holds', 'not now', 'not at the next start', 'does not run', 'does not run and is not declared',
        'host may not lower', 'host may not lower, and the drop-in is missing', 'container has to be made again'])
def test_a_score_that_the_host_may_not_set_is_open_and_one_that_it_may_is_false(asked, expected):
    assert told(judge(facts(), oom_protect=asked)) == expected


def test_nothing_to_protect_is_open():
    result = judge(facts(), oom_protect={'found': False})
    assert result['holds'] is True
    assert told(result)[0] is None


def test_what_was_not_asked_for_is_not_judged():
    skipped = {'skipped': True}
    assert judge(facts(), swap=skipped, swappiness=skipped, oom_protect=None) == {'holds': True, 'claims': []}


def test_one_false_claim_is_enough():
    result = judge(facts(runtime=60), swap=swap(), swappiness={'skipped_reason': None}, swappiness_value=10)
    assert [claim['holds'] for claim in result['claims']] == [True, False]
    assert result['holds'] is False
