# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._swap.size import table
from ansible_collections.oom.rescue.plugins.module_utils._verdict.advice import advise
from ansible_collections.oom.rescue.plugins.module_utils._verdict.sizing import host_figures, swap_recommended
from short_of_memory import ledger_of

PAGE = 4096
MIB = 1 << 20
GIB = 1 << 30


def event(**changes):
    """A report of a host of 991 MB without swap whose mysqld was killed."""
    base = {
        'id': 'e1', 'kind': 'kill', 'scope': 'global', 'complete': True,
        'cause': 'Memory was out and there was no swap, so the kernel killed mysqld.',
        'trigger': {'name': 'docker-containe', 'pid': 11029, 'manual': False},
        'victims': [{'pid': 13036, 'name': 'mysqld', 'score': 435, 'anon_rss_bytes': 430 * MIB}],
        'memory': {'ram_bytes': 262014 * PAGE, 'reserved_bytes': 8291 * PAGE, 'page_size_bytes': PAGE,
                   'swap_total_bytes': 0, 'swap_free_bytes': 0, 'active_anon_bytes': 729 * MIB, 'free_bytes': 10 * MIB,
                   'inactive_anon_bytes': 0},
        'tasks': [{'pid': 13036, 'name': 'mysqld', 'rss_bytes': 430 * MIB, 'rss_pages': 430 * 256},
                  {'pid': 13360, 'name': 'php', 'rss_bytes': 299 * MIB, 'rss_pages': 299 * 256}],
    }
    base.update(changes)
    if 'ledger' not in base:
        base['ledger'] = ledger_of(base['tasks'], GIB)
    return base


def facts(ram=GIB, areas=(), **changes):
    base = {
        'ram': {'total_bytes': ram},
        'swap': {'total_bytes': sum(size for path, size in areas),
                 'areas': [{'path': path, 'size_bytes': size} for path, size in areas]},
        'swappiness': {'runtime': 60},
        'host': {'can_swapon': True},
        'oom': {'candidates': [], 'user_space_killers': []},
    }
    base.update(changes)
    return base


def memcg(**changes):
    return event(scope='memcg', cgroup={'path': '/docker/web', 'limit_bytes': 512 * MIB}, **changes)


@pytest.mark.parametrize('limit, share', [
    (None, '60% of RAM and swap, 7.2 GiB'), (2 * GIB, '60% of the limit of its control group, 1.2 GiB'),
    (64 * GIB, '60% of RAM and swap, 7.2 GiB'),
])
def test_what_a_score_spares_is_bound_by_the_group_that_a_server_runs_in(limit, share):
    here = facts(ram=6 * GIB, oom={'candidates': [{'name': 'mysqld', 'oom_score_adj': 0, 'rss_bytes': GIB,
                                                   'limit_bytes': limit}]})
    (row,) = advise(here, [])['protect']
    assert row['reason'].endswith('until it takes more than ' + share)


def test_a_log_from_elsewhere_is_advice_enough():
    advice = advise({}, [event()])
    assert advice['cause'] == event()['cause']
    assert advice['swap']['size_bytes'] == 2 * GIB
    assert advice['swap']['rule'] == "Red Hat's table, up to 2 GiB of RAM: twice the RAM"
    assert advice['swappiness']['value'] == 10
    assert [(row['process'], row['value']) for row in advice['protect']] == [('mysqld', -600)]
    assert advice['notes'] == []


@pytest.mark.parametrize('report, share', [
    pytest.param(event(), '60% of RAM and swap, 12 GiB', id='the host'),
    pytest.param(event(scope='memcg', cgroup={'path': '/web.slice', 'limit_bytes': 2 * GIB}),
                 '60% of the limit of its control group, 1.2 GiB', id='a slice'),
    pytest.param(event(scope='memcg', cgroup={'path': '/web.slice', 'limit_bytes': 2 * GIB,
                                              'swap_limit_bytes': 2 * GIB}),
                 '60% of the limit of its control group, 2.4 GiB', id='a slice with swap'),
])
def test_what_a_score_spares_is_a_share_of_what_ran_out(report, share):
    here = facts(ram=16 * GIB, areas=[('/dev/vdb', 2 * GIB)])
    (row,) = advise(here, [report])['protect']
    assert row['reason'].endswith('until it takes more than ' + share)


def test_facts_count_more_than_the_report():
    assert advise(facts(ram=4 * GIB), [event()])['swap']['size_bytes'] == 4 * GIB


def test_nothing_is_known():
    advice = advise({}, [])
    assert advice['swap'] is None and advice['swappiness'] is None and advice['protect'] == []
    assert 'No OOM report' in advice['cause']
    assert 'not known' in advice['notes'][0]


def test_no_report_still_gets_the_swap_of_the_rule():
    advice = advise(facts(), [])
    assert advice['swap']['size_bytes'] == 2 * GIB
    assert advice['swap']['demand_bytes'] is None


@pytest.mark.parametrize('areas, size_bytes, reason', [
    pytest.param([], 2 * GIB, 'there is no swap', id='none'),
    pytest.param([('/dev/vdb', 2 * GIB)], 0, 'no more is needed', id='a partition is enough'),
    pytest.param([('/dev/vdb', GIB)], GIB, '1 GiB are missing', id='a partition is too small'),
    pytest.param([('/swapfile', 2 * GIB)], 2 * GIB, '/swapfile gives 2 GiB already', id='the file is there'),
])
def test_swap_that_is_there(areas, size_bytes, reason):
    swap = advise(facts(areas=areas), [event()])['swap']
    assert swap['size_bytes'] == size_bytes
    assert any(reason in text for text in swap['reasons']), swap['reasons']


@pytest.mark.parametrize('events, note', [
    pytest.param([memcg()], 'Raise the limit of /docker/web from 512 MiB to 768 MiB', id='limit of a control group'),
    pytest.param([event(scope='cpuset')], 'Let it use more memory nodes', id='cpuset'),
    pytest.param([event(scope='mempolicy')], 'Let it use more memory nodes', id='memory policy'),
])
def test_swap_is_not_the_remedy_for_what_is_smaller_than_the_host(events, note):
    advice = advise(facts(), events)
    assert advice['swap'] is None
    assert advice['swappiness'] is None
    assert any(note in one for one in advice['notes'])
    assert any(one.startswith(('Swap is not the remedy', 'Whether swap')) for one in advice['notes'])


def test_swap_has_to_help_each_report_of_an_incident():
    assert advise(facts(), [event(), event(id='e0')])['swap']['size_bytes'] == 2 * GIB
    assert advise(facts(), [memcg(), event()])['swap'] is None


def test_swap_demand_is_what_spared_the_database_not_what_a_hog_takes():
    swapped = dict(event()['memory'], swap_total_bytes=2 * GIB, swap_free_bytes=0)
    assert advise(facts(), [event()])['swap']['demand_bytes'] == 299 * MIB
    proven = event(memory=swapped, trusted=True)
    assert advise(facts(), [proven])['swap']['demand_bytes'] == 2 * GIB + 299 * MIB
    assert advise({}, [event(memory=swapped)])['swap']['demand_bytes'] == 2 * GIB + 299 * MIB, 'a log without its host'
    hog = [{'pid': 5, 'name': 'hog', 'anon_rss_bytes': 60 * GIB}]
    assert advise(facts(ram=64 * GIB), [event(victims=hog)])['swap']['demand_bytes'] is None
    assert advise(facts(), [proven])['swap']['size_bytes'] == 5 * GIB // 2


@pytest.mark.parametrize('changes, note', [
    pytest.param(dict(vm={'panic_on_oom': 1}), 'panics', id='panic_on_oom'),
    pytest.param(dict(vm={'oom_kill_allocating_task': 1}), 'whoever asks', id='oom_kill_allocating_task'),
    pytest.param(dict(commit={'mode': 2, 'limit_bytes': GIB}), 'commit limit (1 GiB)', id='strict overcommit'),
    pytest.param(dict(oom={'user_space_killers': [{'name': 'earlyoom', 'active': True}]}), 'earlyoom', id='earlyoom'),
])
def test_notes_on_the_host(changes, note):
    assert any(note in text for text in advise(facts(**changes), [])['notes'])


@pytest.mark.parametrize('changes, note', [
    pytest.param(dict(trigger={'name': 'kworker', 'manual': True}), 'by hand', id='sysrq'),
    pytest.param(dict(kind='allocation_failure', victims=[]), 'fragmentation', id='allocation failure'),
    pytest.param(dict(memory=dict(event()['memory'], swap_total_bytes=4 * GIB, swap_free_bytes=3 * GIB)),
                 '3 GiB of 4 GiB of swap were free', id='swap was free'),
])
def test_notes_on_the_reports(changes, note):
    assert any(note in text for text in advise(facts(), [event(**changes)])['notes'])


@pytest.mark.parametrize('candidates, reasons', [
    pytest.param([], [], id='no database'),
    pytest.param([{'name': 'mariadbd', 'oom_score_adj': 0, 'rss_bytes': 90 * MIB}],
                 ['it runs here with oom_score_adj 0 and 90 MiB in RAM'], id='one that runs'),
    pytest.param([{'name': 'mariadbd', 'oom_score_adj': -600, 'rss_bytes': 90 * MIB}], [], id='one that is protected'),
])
def test_protect_what_runs(candidates, reasons):
    protect = advise(facts(oom={'candidates': candidates}), [])['protect']
    assert [row['reason'].split(';')[0] for row in protect] == reasons


@pytest.mark.parametrize('changes', [
    dict(trigger={'name': 'kworker', 'manual': True}), dict(kind='allocation_failure', victims=[]),
])
def test_a_report_that_is_no_shortage_asks_for_no_swap(changes):
    advice = advise(facts(), [event(**changes)])
    assert (advice['swap'], advice['swappiness'], advice['protect']) == (None, None, [])


def test_a_container_is_told_where_swap_belongs():
    reasons = advise(facts(host={'can_swapon': False}), [event()])['swap']['reasons']
    assert any('the machine that carries it' in reason for reason in reasons)


def test_the_count_of_reports_is_said():
    assert advise({}, [event(), event(id='e0')])['cause'].endswith('It is the newest of 2 reports.')


def test_what_the_kernel_did_not_write_is_left_out_and_counted():
    forged = event(trusted=False, victims=[{'pid': 1, 'name': 'mariadbd'}], cause='forged')
    advice = advise({}, [forged, event()])
    assert advice['cause'] == event()['cause']
    assert [row['process'] for row in advice['protect']] == ['mysqld']
    assert 'a program and not the kernel wrote it: 1' in advice['notes'][0]


def test_text_of_a_log_is_made_plain():
    victim = [{'pid': 1, 'name': '\x1b[2J', 'score': 1}]
    assert '\x1b' not in str(advise({}, [event(cause='\x1b[2J', victims=victim)]))


def test_a_report_of_a_far_larger_machine_asks_for_nothing_here():
    report = {'kind': 'kill', 'scope': 'global', 'complete': True, 'victims': [{'name': 'mysqld', 'pid': 9}],
              'tasks': [],
              'memory': {'ram_bytes': 66 << 30, 'reserved_bytes': 0, 'swap_total_bytes': 0, 'swap_free_bytes': 0},
              'trusted': None, 'cause': 'RAM (66 GiB) ran out.'}
    facts = {'ram': {'total_bytes': 1 << 30}, 'swap': {'total_bytes': 0, 'areas': []}}
    told = advise(facts, [report])
    assert '66 GiB' not in repr(told)
    assert any('far more RAM' in note for note in told['notes'])
    assert told['swap']['size_bytes'] == advise(facts, [])['swap']['size_bytes']


def test_a_victim_larger_than_the_host_asks_for_no_more_than_a_host_can_use():
    report = {'kind': 'kill', 'scope': 'global', 'complete': True, 'tasks': [], 'trusted': None,
              'victims': [{'name': 'mysqld', 'pid': 9, 'anon_rss_bytes': 66 << 30}], 'cause': 'RAM ran out.',
              'memory': {'ram_bytes': 1 << 30, 'reserved_bytes': 0, 'swap_total_bytes': 0, 'swap_free_bytes': 0,
                         'active_anon_bytes': 800 * MIB, 'inactive_anon_bytes': 0, 'free_bytes': MIB}}
    for known in ({}, facts()):
        assert advise(known, [report])['swap']['demand_bytes'] <= GIB
        assert advise(known, [dict(report, trusted=True)])['swap']['demand_bytes'] <= 4 * GIB


@pytest.mark.parametrize('trusted,size', [(True, 64 * GIB), (None, 4 * GIB)])
@pytest.mark.parametrize('there', [0, 2 * GIB, 16 * GIB])
def test_what_nothing_proves_asks_for_no_more_than_the_rule(trusted, size, there):
    """Nor for more where there is swap: what a forged report brought would raise what it may ask for then."""
    memory = {'ram_bytes': 16 * GIB, 'reserved_bytes': 0, 'swap_total_bytes': 60 * GIB, 'swap_free_bytes': 0}
    report = event(trusted=trusted, memory=memory, tasks=[],
                   victims=[{'name': 'mysqld', 'pid': 9, 'anon_rss_bytes': 60 * GIB}])
    areas = [('/swapfile', there)] if there else []
    host = host_figures(facts(ram=16 * GIB, areas=areas), [report])
    found = swap_recommended(host, [report], '/swapfile')
    assert found['size_bytes'] == size
    assert any('nothing proves' in reason for reason in found['reasons']) == (trusted is None)


@pytest.mark.parametrize('victim,full', [('mysqld', False), ('mysqld', True), ('php', True)])
@pytest.mark.parametrize('ram', [GIB, 4 * GIB, 16 * GIB, 128 * GIB])
def test_nothing_in_a_plain_report_makes_more_than_the_rule(victim, full, ram):
    rule = table(ram)[0]
    for used in (0, rule // 2, rule, 3 * ram):
        memory = {'ram_bytes': ram, 'reserved_bytes': 0, 'swap_total_bytes': used,
                  'swap_free_bytes': 0 if full else used}
        report = event(memory=memory, tasks=[{'pid': 1, 'name': 'hog', 'rss_bytes': ram}],
                       victims=[{'name': victim, 'pid': 9, 'anon_rss_bytes': ram}])
        for there in (0, rule, 3 * ram):
            host = host_figures(facts(ram=ram, areas=[('/swapfile', there)] if there else []), [report])
            assert swap_recommended(host, [report], '/swapfile')['size_bytes'] <= rule


@pytest.mark.parametrize('forged', [
    dict(memory={'ram_bytes': 16 * GIB, 'reserved_bytes': 0, 'swap_total_bytes': 4 * GIB, 'swap_free_bytes': 4 * GIB}),
    dict(victims=[{'name': 'mysqld', 'pid': 9, 'anon_rss_bytes': 1}]),
    dict(victims=[{'name': 'sshd', 'pid': 9}]), dict(trigger={'name': 'bash', 'manual': True}),
    dict(scope='cpuset'), dict(kind='allocation_failure', victims=[])])
def test_what_nothing_proves_takes_nothing_from_what_is_proven(forged):
    """A user writes a report of his own beside, or after, the kernel's: what is advised stays as it was."""
    memory = {'ram_bytes': 16 * GIB, 'reserved_bytes': 0, 'swap_total_bytes': 0, 'swap_free_bytes': 0,
              'free_bytes': 64 * MIB, 'active_anon_bytes': 8 * GIB, 'inactive_anon_bytes': 0}
    real = event(id='real', trusted=True, memory=memory, tasks=[], uptime_seconds=100.0,
                 victims=[{'name': 'mysqld', 'pid': 9, 'anon_rss_bytes': 12 * GIB}])
    here = facts(ram=16 * GIB)
    alone = advise(here, [real])
    for uptime in (101.0, 5000.0):
        told = advise(here, [event(**dict(real, id='forged', trusted=None, uptime_seconds=uptime, **forged)), real])
        assert (told['report'], told['swap']) == ('real', alone['swap']), uptime
    assert alone['swap']['size_bytes'] == 12 * GIB


def test_swap_that_no_host_has_counts_for_nothing():
    report = event(memory=dict(event()['memory'], swap_total_bytes=2000 * GIB, swap_free_bytes=0))
    for known in ({}, facts()):
        told = advise(known, [report])
        assert told['swap'] is None and any('how much swap there was' in note for note in told['notes'])


def test_a_report_of_another_host_is_left_out_and_counted():
    told = advise(facts(), [event(id='other', elsewhere=True), event(elsewhere=False)])
    assert told['report'] == 'e1' and any("another host's name stands in it: 1" in note for note in told['notes'])
    assert advise(facts(), [event(elsewhere=True)])['report'] is None


@pytest.mark.parametrize('after_reboot, size', [(True, 512 << 20), (None, 512 << 20), (False, 2 << 30)])
def test_swap_that_no_boot_turns_on_is_not_counted(after_reboot, size):
    host = {'ram_bytes': 1 << 30, 'swap_bytes': 3 << 29, 'can_swapon': True, 'by_facts': True, 'areas': [
        {'path': '/by-hand', 'size_bytes': 3 << 29, 'after_reboot': after_reboot}]}
    assert swap_recommended(host, [], '/swapfile')['size_bytes'] == size


def test_a_server_that_ended_between_two_looks_at_the_host_is_advised_on_all_the_same():
    row = {'name': 'score', 'what': 'x', 'target': 'mysqld', 'effect': 'unknown', 'by_rule': True, 'value': -600,
           'goes_with': None, 'forbidden_by': [], 'why': 'x'}
    protect, = advise(facts(), [], remedies=[row])['protect']
    assert protect['process'] == 'mysqld' and protect['reason'].startswith('it ran here; at -600')


@pytest.mark.parametrize('hosts, words', [
    (['web2'], 'left out as other hosts\' are 1 of web2.'),
    (['web2', 'db', 'web2'], 'are 2 of web2, 1 of db.'),
    (['a', 'b', 'c', 'd', 'e'], 'are 1 of a, 1 of b, 1 of c and of 2 hosts more.'),
    ([None], 'are 1 of a host without a name.'), (['x\x1b[2J'], 'are 1 of x?[2J.'),
])
def test_a_host_whose_log_has_reports_of_others_alone_is_told_of_whom(hosts, words):
    found = advise(facts(), [event(id=str(number), host=host, elsewhere=True) for number, host in enumerate(hosts)])
    assert found['cause'].startswith('No OOM report of this host was found') and found['cause'].endswith(words)
    assert found['report'] is None
