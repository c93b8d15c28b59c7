# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._node.ledger import make_ledger, make_part
from ansible_collections.oom.rescue.plugins.module_utils._verdict.columns import COLUMNS
from ansible_collections.oom.rescue.plugins.module_utils._verdict.where import where_lines

MIB = 1 << 20
PARTS = (('process', 400, 'mysqld'), ('processes', 200, 'php-fpm'), ('processes', 50, None), ('page_cache', 100, None),
         ('shmem', 60, '/dev/shm'), ('free', 100, None), ('percpu', 1, None), ('page_tables', 2, None))


def memory_of(parts=PARTS, total=1000, **more):
    ledger = make_ledger(total * MIB, [
        make_part(kind, mib * MIB, name, swappable=True, droppable=kind == 'page_cache', approximate=name == 'php-fpm')
        for kind, mib, name in parts])
    return dict({
        'ledger': ledger, 'ram': {'available_bytes': 150 * MIB}, 'swap': {'total_bytes': 0, 'free_bytes': 0},
        'cgroups': [], 'closed': [], 'forecast': {'cgroups': [], 'host': {
            'pid': 7, 'name': 'mysqld', 'distance_bytes': {'low': 150 * MIB, 'high': 190 * MIB}, 'fork_refused': False,
            'caveat': None}}}, **more)


def lines_of(*memories, **options):
    hosts = [dict({'name': 'db%d' % number, 'status': 'advice', 'headline': 'It was not read.',
                   'results': {'memory': memory}}, **options) for number, memory in enumerate(memories)]
    lines = where_lines(hosts, '/r/report.json')
    assert len(lines) <= 24 and max(map(len, lines)) <= COLUMNS
    return lines


def test_a_host_s_memory_is_told_whole():
    assert lines_of(memory_of()) == [
        'db0: 1000 MiB of RAM, 150 MiB available, no swap',
        '   400 MiB   40 % ######           process: mysqld',
        '~  200 MiB   20 % ###              processes: php-fpm',
        '   100 MiB   10 % ##               free',
        '   100 MiB   10 % ##               page cache (can be dropped)',
        '    60 MiB    6 % #                shared memory: /dev/shm',
        '    50 MiB    5 % #                small processes',
        '     3 MiB   <1 %                  2 smaller parts',
        '    87 MiB    9 % #                in no counter',
        '  1000 MiB  100 %                  all',
        'If it runs out: mysqld (pid 7), after 150 MiB to 190 MiB more',
        'JSON: /r/report.json',
    ]


@pytest.mark.parametrize('kind, swappable, droppable, said', [
    ('process', False, False, 'process: demo (locked)'),
    ('process', True, False, 'process: demo'),
    ('processes', False, False, 'processes: demo (locked)'),
    ('shmem', False, False, 'shared memory: demo'),
    ('page_cache', False, True, 'page cache: demo (can be dropped)'),
], ids=['locked', 'not locked', 'several, locked', 'no process is locked', 'dropped'])
def test_it_is_said_how_a_part_comes_back(kind, swappable, droppable, said):
    ledger = make_ledger(1000 * MIB, [make_part(kind, 900 * MIB, 'demo', swappable=swappable, droppable=droppable)])
    line = next(line for line in lines_of(memory_of(ledger=ledger)) if 'demo' in line and 'MiB  ' in line)
    assert line.endswith('  ' + said)


def next_of(**more):
    return dict(memory_of()['forecast']['host'], **more)


@pytest.mark.parametrize('forecast, said', [
    ({'fork_refused': True}, 'A fork of the largest process would be refused now (overcommit).'),
    ({'pid': None, 'name': None, 'caveat': 'vm.panic_on_oom is 2: the kernel panics'},
     'If it runs out: nobody is killed: vm.panic_on_oom is 2: the kernel panics'),
    ({'distance_bytes': None}, 'If it runs out: mysqld (pid 7)'),
    ({'caveat': 'a kernel before 5.1 may kill a child of it instead'},
     '  a kernel before 5.1 may kill a child of it instead'),
])
def test_what_happens_next_is_said(forecast, said):
    assert said in lines_of(memory_of(forecast={'host': next_of(**forecast), 'cgroups': []}))


def test_a_long_sentence_goes_on_in_the_next_line():
    caveat = 'php-fpm (pid 4711) is killed in its place if it grows by more than 300 MiB first'
    lines = lines_of(memory_of(forecast={'host': next_of(caveat=caveat), 'cgroups': []}))
    assert ' '.join(line.strip() for line in lines[-3:-1]) == caveat


def test_what_a_user_may_not_read_is_said():
    assert 'As root it would tell more: /proc/PID/smaps_rollup, /proc/slabinfo' in lines_of(
        memory_of(closed=['/proc/PID/smaps_rollup', '/proc/slabinfo']))


def group_of(path, mib):
    return {'path': path, 'limit_bytes': 200 * MIB, 'usage_bytes': mib * MIB,
            'ledger': make_ledger(mib * MIB, [make_part('process', mib * MIB // 2, 'java')])}


def test_the_cgroups_that_are_nearest_to_their_limit_are_told():
    sizes = [10, 190, 150, 20]
    nearest = [dict(next_of(distance_bytes={'low': (200 - mib) * MIB, 'high': (201 - mib) * MIB}), path='/g%d' % mib)
               for mib in sizes]
    lines = lines_of(memory_of(cgroups=[group_of('/g%d' % mib, mib) for mib in sizes],
                               forecast={'host': next_of(), 'cgroups': nearest}))
    assert lines[-6:-1] == [
        'Limit /g190: 190 MiB of 200 MiB, 50 % java', '  there: mysqld (pid 7), after 10 MiB to 11 MiB more',
        'Limit /g150: 150 MiB of 200 MiB, 50 % java', '  there: mysqld (pid 7), after 50 MiB to 51 MiB more',
        'and 2 more cgroups with a limit']


def test_a_cgroup_that_went_meanwhile_hides_none_of_the_others():
    nearest = [dict(next_of(distance_bytes={'low': mib * MIB, 'high': mib * MIB}), path='/g%d' % mib) for mib in (1, 2)]
    group = dict(group_of('/g2', 90), ledger=make_ledger(90 * MIB, [make_part('process', 90 * MIB, 'java')]))
    lines = lines_of(memory_of(cgroups=[group], forecast={'host': next_of(), 'cgroups': nearest}))
    assert lines[-3:-1] == [
        'Limit /g2: 90 MiB of 200 MiB, 100 % java', '  there: mysqld (pid 7), after 2 MiB to 2 MiB more']


@pytest.mark.parametrize('count, said', [
    (2, []), (3, ['and 1 more cgroup with a limit']), (4, ['and 2 more cgroups with a limit'])])
def test_how_many_cgroups_with_a_limit_are_left_out_is_said(count, said):
    nearest = [dict(next_of(), path='/g%d' % number) for number in range(count)]
    lines = lines_of(memory_of(cgroups=[group_of('/g%d' % number, 90) for number in range(count)],
                               forecast={'host': next_of(), 'cgroups': nearest}))
    assert [line for line in lines if 'with a limit' in line] == said


@pytest.mark.parametrize('count, said', [(22, []), (23, ['and 1 more host']), (24, ['and 2 more hosts'])])
def test_how_many_hosts_are_left_out_is_said(count, said):
    assert [line for line in lines_of(*[memory_of()] * count) if line.startswith('and ')] == said


def test_the_fullest_of_a_fleet_is_the_one_with_the_least_part_available():
    small, large = memory_of(), memory_of(total=4000, ram={'available_bytes': 200 * MIB})
    assert [line.partition(':')[0] for line in lines_of(small, large)[:2]] == ['db1', 'db0']


@pytest.mark.parametrize('parts', [
    [('process', 20, 'p%d' % number) for number in range(40)],
    [('process', 300, 'x' * 500 + '\x1b[31m\n')],
    [('free', 1000, None)],
    [],
    [('free', 1100, None)],
], ids=['many', 'hostile', 'idle', 'nothing told', 'more than there is'])
def test_it_is_one_screen_whatever_there_is(parts):
    lines = lines_of(memory_of(parts))
    assert not [line for line in lines if '\x1b' in line or '\n' in line]
    assert [line.split()[-1] for line in lines if line.endswith((' all', ' in no counter'))] == ['counter', 'all']


def test_a_fleet_has_a_line_for_each_host_the_fullest_first():
    roomy = memory_of(ram={'available_bytes': 900 * MIB})
    lines = lines_of(roomy, memory_of(), None)
    assert lines[:3] == ['db2: It was not read.',
                         'db1: 150 MiB of 1000 MiB available, 40 % mysqld; next mysqld',
                         'db0: 900 MiB of 1000 MiB available, 40 % mysqld; next mysqld']
    assert 'and 78 more hosts' in lines_of(*[memory_of()] * 100)


def test_a_host_that_failed_says_why():
    assert lines_of(None, status='stopped', headline='STOPPED: diagnose: no') == [
        'db0: STOPPED: diagnose: no', 'JSON: /r/report.json']
