# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is advised in each of the situations that people are in, and with which effect. All events are made up."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._verdict.remedies import to_apply
from short_of_memory import GIB, MIB, cgroup_report, db, facts, host_report, ledger, only, refused, remedies, told

FORK = told('fork-enomem', limit='host', actor='kernel_refused', errno=12)


def kernel_holds(kind, name=None, nbytes=800 * MIB, unaccounted=0, **changes):
    swappable = kind == 'shmem'
    parts, anon = ledger(kind, nbytes, name=name, swappable=swappable), 100 * MIB + swappable * nbytes
    parts['unaccounted_bytes'] = unaccounted
    return host_report(ledger=parts, anon=anon, tasks=[(7, 'straw', 90 * MIB)], **changes)


def workers(count, each, **changes):
    parts = ledger('processes', count * each, name='php-fpm', swappable=True)
    return host_report(ledger=parts, tasks=[(100 + number, 'php-fpm', each) for number in range(count)], **changes)


def zone(name, free, low=4 * MIB, blocks=None, **changes):
    return dict({'node': 0, 'zone': name, 'free_bytes': free, 'min_bytes': low // 2, 'low_bytes': low,
                 'high_bytes': 2 * low, 'present_bytes': 8 * GIB, 'managed_bytes': 8 * GIB, 'free_cma_bytes': 0,
                 'free_blocks': blocks, 'free_block_types': None, 'lowmem_reserve_bytes': None,
                 'all_unreclaimable': False}, **changes)


def low_memory():
    return host_report(ram=4 * GIB, free=3 * GIB, zones=[zone('Normal', MIB), zone('HighMem', 3 * GIB)],
                       trigger={'name': 'x', 'gfp_mask': '0xcc0', 'order': 0, 'manual': False})


def in_pieces():
    blocks = [1000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    return host_report(ram=8 * GIB, free=4000 * 4096 + 60 * MIB, zones=[zone('Normal', 64 * MIB, blocks=blocks)],
                       trigger={'name': 'x', 'gfp_mask': '0xcc0', 'order': 3, 'manual': False})


def bound_to_a_node(scope):
    return host_report(ram=64 * GIB, free=30 * GIB, scope=scope, outside_cgroups=True, zones=[zone('Normal', MIB)])


def group(**changes):
    return cgroup_report(group=changes)


def held(name, unit, **changes):
    event = host_report(tasks=[(5, name, 800 * MIB), (6, 'bash', 10 * MIB)], **changes)
    event['victims'][0]['unit'] = unit
    return event


DOCKER = '/system.slice/docker-%s.scope' % ('a1b2c3d4' * 8)
POD = ('/kubepods.slice/kubepods-pod0f1e2d3c_4b5a_6978_8796_a5b4c3d2e1f0.slice/cri-containerd-%s.scope'
       % ('a1b2c3d4' * 8))


def in_group(name, path):
    event = held(name, None)
    event['victims'][0]['cgroup'] = path
    return event


def candidate(adj, name='mysqld'):
    return facts(oom={'candidates': [{'pid': 9, 'name': name, 'oom_score_adj': adj, 'rss_bytes': 90 * MIB}]})


def two(first, second, total=GIB, **changes):
    """A report of which two kinds of memory are known, each as (kind, name, bytes)."""
    parts = ledger(first[0], first[2], total, name=first[1])
    parts['parts'] += ledger(second[0], second[2], total, second[0] == 'process', name=second[1])['parts']
    return host_report(ram=total, ledger=parts, **changes)


def victim_of(name, unit, nbytes):
    return [{'pid': 5, 'name': name, 'anon_rss_bytes': nbytes, 'unit': unit}]


def atomic(order):
    return host_report(kind='allocation_failure', ram=8 * GIB, free=2 * GIB, victims=[], trigger={
        'name': 'ksoftirqd/0', 'gfp_mask': '0xa20', 'gfp_flags': ['GFP_ATOMIC'], 'order': order, 'manual': False})


# id: (reports, signals, facts of the host or None for a copied log, (first remedy, its effect), swap, score)
SITUATIONS = {
    'one process': ([held('eat', 'eat.service')], (), None, ('cgroup_limit', 'prevents'), 'delays', 'none'),
    'one process of a session': ([held('eat', 'session-1.scope')], (), None, ('swap', 'delays'), 'delays', 'none'),
    'one process of a user\'s unit': ([in_group('eat', '/user.slice/user-1000.slice/user@1000.service/app.slice/'
                                                'eat.service')], (), None, ('swap', 'delays'), 'delays', 'none'),
    'one process below the name of a unit': ([in_group('eat', '/system.slice/web.service/eat.service')], (), None,
                                             ('swap', 'delays'), 'delays', 'none'),
    'many of one name': ([workers(30, 30 * MIB)], (), None, ('workers', 'prevents'), 'delays', 'none'),
    'a fork bomb': ([workers(400, 2 * MIB)], (), None, ('workers', 'prevents'), 'delays', 'none'),
    'a tmpfs': ([kernel_holds('shmem')], (), None, ('tmpfs_size', 'unknown'), 'delays', 'none'),
    'locked memory': ([kernel_holds('locked')], (), None, ('investigate', 'unknown'), 'none', 'none'),
    'page tables': ([kernel_holds('page_tables')], (), None, ('investigate', 'unknown'), 'none', 'none'),
    'dentries': ([kernel_holds('slab_reclaimable', 'dentry')], (), None, ('slab_leak', 'unknown'), 'none', 'none'),
    'a leak of the kernel': ([kernel_holds('slab_unreclaimable', 'kmalloc-4k')], (), None, ('slab_leak', 'unknown'),
                             'none', 'none'),
    'socket buffers': ([kernel_holds('sockets')], (), None, ('investigate', 'unknown'), 'none', 'none'),
    'kernel stacks': ([kernel_holds('kernel_stacks')], (), None, ('investigate', 'unknown'), 'none', 'none'),
    'huge pages': ([kernel_holds('hugepages')], (), None, ('hugepages', 'unknown'), 'none', 'none'),
    'a balloon': ([kernel_holds('other', 'balloon')], (), None, ('balloon', 'delays'), 'none', 'none'),
    'page cache that is not written': ([kernel_holds('page_cache')], (), None, ('investigate', 'unknown'), 'none',
                                       'none'),
    'zram full': ([kernel_holds('zram', swap=GIB)], (), None, ('investigate', 'unknown'), 'none', 'none'),
    'no counter holds it': ([kernel_holds('slab_unreclaimable', nbytes=MIB, unaccounted=800 * MIB)], (), None, (
        'investigate', 'unknown'), 'none', 'none'),
    'a limit of a group': ([group(swap_limit_bytes=0, swap_usage_bytes=0)], (), None, ('cgroup_limit', 'delays'),
                           'none', 'prevents'),
    'a group with shared memory': ([cgroup_report(ledger=ledger('shmem', 500 * MIB, 512 * MIB, True))], (), None,
                                   ('cgroup_limit', 'delays'), 'unknown', 'delays'),
    'a NUMA node bound': ([bound_to_a_node('mempolicy')], (), None, ('numa_interleave', 'delays'), 'none', 'unknown'),
    'a cpuset': ([bound_to_a_node('cpuset')], (), None, ('nodes', 'delays'), 'none', 'unknown'),
    'order 3 in pieces': ([in_pieces()], (), None, ('compaction', 'unknown'), 'none', 'unknown'),
    'low memory of 32 bits': ([low_memory()], (), None, ('kernel_64bit', 'prevents'), 'none', 'unknown'),
    '115 GiB free': ([host_report(ram=128 * GIB, free=115 * GIB)], (), None, ('investigate', 'unknown'), 'none',
                     'unknown'),
    '64 GB with swap full': ([host_report(ram=64 * GIB, swap=4 * GIB, tasks=[(5, 'java', 40 * GIB)])], (), None,
                             ('swap', 'delays'), 'delays', 'none'),
    'database the eater, without swap': ([db(850 * MIB, (5, 'php-fpm', 20 * MIB))], (), None,
                                         ('buffer_pool', 'delays'), 'delays', 'none'),
    'database the eater, with swap': ([db(850 * MIB, (5, 'php-fpm', 20 * MIB), swap=2 * GIB)], (), None,
                                      ('buffer_pool', 'delays'), 'delays', 'harms'),
    'database at -800': ([host_report(victim='php')], (), candidate(-800), ('swap', 'delays'), 'delays', 'none'),
    'database at -1000': ([host_report(victim='php')], (), candidate(-1000), ('swap', 'delays'), 'delays', 'none'),
    'database at 500': ([db(430 * MIB, (5, 'php', 299 * MIB))], (), candidate(500), ('score', 'prevents'), 'delays',
                        'prevents'),
    'fork refused under overcommit 2': ([], [FORK], refused(900 * MIB, 100 * MIB), ('swap', 'prevents'),
                                        'prevents', 'none'),
    'swap nearly free': ([host_report(swap=2 * GIB, swap_free=2 * GIB - MIB)], (), None, ('score', 'prevents'), 'none',
                         'prevents'),
    'swappiness 0': ([host_report(swap=2 * GIB, swap_free=2 * GIB - MIB)], (), facts(swap=2 * GIB, runtime=0),
                     ('score', 'prevents'), 'none', 'prevents'),
    'zram beside a disk': ([host_report(swap=512 * MIB)], (), facts(swap=512 * MIB), ('score', 'prevents'), 'delays',
                           'prevents'),
    'panic_on_oom': ([host_report()], (), facts(vm={'panic_on_oom': 1}), ('swap', 'delays'), 'delays', 'none'),
    'sysrq': ([host_report(trigger={'manual': True})], (), None, ('investigate', 'unknown'), 'none', 'unknown'),
    'a container without privileges': ([host_report()], (), facts(forbidden={'swap': [
        {'id': 'container', 'where': '/', 'text': 'a container turns no swap on'}]}), ('score', 'prevents'), 'delays',
        'prevents'),
    'a slice of 2 GiB': ([cgroup_report(path='/web.slice', limit=2 * GIB)], (), facts(ram=8 * GIB, available=4 * GIB),
                         ('cgroup_limit', 'delays'), 'unknown', 'prevents'),
    'kubelet': ([host_report()], (), facts(forbidden={'swap': [
        {'id': 'kubelet', 'where': '/var/lib/kubelet', 'text': 'it does not start with swap'}]}),
        ('score', 'prevents'), 'delays', 'prevents'),
    'hibernation': ([host_report()], (), facts(forbidden={'swap': [
        {'id': 'hibernation', 'where': '/sys/power/resume', 'text': 'swap holds the image'}]}),
        ('score', 'prevents'), 'delays', 'prevents'),
    'healthy': ([], (), facts(), ('swap', 'none'), 'none', 'none'),
    'a limit of PHP': ([], [told('program-limit', limit='program', actor='program', limit_bytes=128 * MIB,
                                 text='Allowed memory size of 134217728 bytes exhausted')], None,
                       ('program_limit', 'delays'), 'none', 'none'),
    'a graphics card': ([], [told('gpu', limit='gpu', actor='program')], None, ('gpu', 'unknown'), 'none', 'none'),
    'an exit of 137': ([], [told('kill-unproven', 'unknown')], None, ('investigate', 'unknown'), 'unknown', 'unknown'),
    'a Java heap in a group without swap': ([cgroup_report(
        path='/system.slice/app.service', group={'swap_limit_bytes': 0, 'swap_usage_bytes': 0},
        tasks=[(5, 'java', 500 * MIB)], victims=victim_of('java', 'app.service', 500 * MIB))], (),
        facts(ram=8 * GIB, available=5 * GIB), ('cgroup_limit', 'delays'), 'none', 'none'),
    'an ARC of ZFS': ([two(('slab_unreclaimable', 'zio_buf_comb_16384', 24 * GIB), ('process', 'qemu-kvm', 3 * GIB),
                           32 * GIB, anon=3 * GIB, tasks=[(5, 'qemu-kvm', 3 * GIB)])], (), None,
                      ('slab_leak', 'unknown'), 'none', 'none'),
    'a tmpfs that swap did not save': ([kernel_holds('shmem', '/dev/shm', swap=2 * GIB)], (), None,
                                       ('tmpfs_size', 'prevents'), 'delays', 'none'),
    'a tmpfs that is still as full': ([kernel_holds('shmem')], (), facts(ledger={'parts': [
        {'kind': 'shmem', 'name': '/run', 'bytes': 30 * MIB},
        {'kind': 'shmem', 'name': '/dev/shm', 'bytes': 700 * MIB}]}),
        ('tmpfs_size', 'prevents'), 'delays', 'none'),
    'a group full of slab': ([cgroup_report(ledger=ledger('slab_unreclaimable', 450 * MIB, 512 * MIB, name='dentry'),
                                            group={'stats': {'active_anon': 20 * MIB, 'inactive_anon': 0}})], (),
                             facts(ram=8 * GIB, available=4 * GIB), ('cgroup_limit', 'delays'), 'none', 'delays'),
    'memory for each CPU': ([kernel_holds('percpu')], (), None, ('investigate', 'unknown'), 'none', 'none'),
    'a container that asks to be killed': ([host_report(
        tasks=[(9, 'mysqld', 430 * MIB), (10, 'node', 300 * MIB, 1000)], victim='node')], (), None,
        ('swap', 'delays'), 'delays', 'none'),
    'an eviction': ([], [told('kubernetes', limit='host', actor='kubelet')], None, ('pod_limit', 'unknown'), 'none',
                    'none'),
    'a driver in want of 64 KiB': ([atomic(4)], (), None, ('compaction', 'unknown'), 'none', 'none'),
    'a driver in want of a page': ([atomic(0)], (), None, ('min_free', 'unknown'), 'none', 'none'),
    'an address space that is limited': ([], [told('alloc-enomem', limit='program', actor='kernel_refused', errno=12)],
                                         facts(ram=16 * GIB), ('ulimit', 'unknown'), 'none', 'none'),
    'more asked for than swap gives, overcommit 2': ([], [FORK], refused(9 * GIB, 100 * MIB),
                                                     ('overcommit', 'unknown'), 'none', 'none'),
    'database the eater at -1000': ([host_report(tasks=[(9, 'mysqld', 850 * MIB, -1000), (5, 'sshd', 3 * MIB)],
                                                 victim='sshd')], (), None, ('buffer_pool', 'delays'), 'delays',
                                    'none'),
    'workers beside a database': ([host_report(tasks=[(9, 'mysqld', 300 * MIB)] + [
        (100 + number, 'php-fpm', 12 * MIB) for number in range(50)], victim='mysqld')], (), None,
        ('workers', 'prevents'), 'delays', 'prevents'),
    'a prefork Apache': ([host_report(ram=2 * GIB, tasks=[(100 + number, 'httpd', 25 * MIB) for number in range(70)])],
                         (), None, ('workers', 'prevents'), 'delays', 'none'),
    'a fork of Redis to save': ([], [told('fork-enomem', limit='commit', actor='kernel_refused', errno=12,
                                          name='redis-server')],
                                dict(refused(6 * GIB, 3 * GIB, 0), ram={'total_bytes': 8 * GIB}), ('swap', 'prevents'),
                                'prevents', 'none'),
    'a heap that is locked': ([host_report(
        ram=8 * GIB, ledger=ledger('process', 7 * GIB, 8 * GIB, name='java'), anon=200 * MIB,
        tasks=[(5, 'java', 7 * GIB)], victims=victim_of('java', 'elasticsearch.service', 7 * GIB))], (), None,
        ('program_limit', 'delays'), 'none', 'none'),
    'a cache of MongoDB': ([held('mongod', 'mongod.service')], (), None, ('swap', 'delays'), 'delays', 'none'),
    'zram beside a browser': ([two(('zram', None, 400 * MIB), ('process', 'chromium', 300 * MIB), swap=GIB,
                                   anon=300 * MIB, tasks=[(5, 'chromium', 300 * MIB)])], (), facts(swap=GIB),
                              ('investigate', 'unknown'), 'delays', 'none'),
    'as much swap as RAM, full': ([host_report(ram=64 * GIB, swap=64 * GIB, tasks=[(5, 'java', 60 * GIB)])], (),
                                  facts(ram=64 * GIB, swap=64 * GIB), ('program_limit', 'delays'), 'none', 'none'),
    'CentOS 6': ([host_report(kernel='2.6.32-754.el6.x86_64', tasks=[(9, 'mysqld', 430 * MIB),
                                                                     (5, 'httpd', 250 * MIB)])], (), None,
                 ('score', 'prevents'), 'delays', 'prevents'),
    'a group that is killed whole': ([group(group_kill=True)], (), facts(ram=8 * GIB, available=4 * GIB),
                                     ('cgroup_limit', 'delays'), 'unknown', 'none'),
    'a limit as large as the host': ([cgroup_report(limit=7 * GIB)], (), facts(ram=8 * GIB, available=500 * MIB),
                                     ('score', 'prevents'), 'unknown', 'prevents'),
    'a container without a limit': ([in_group('node', DOCKER)], (), None, ('container_limit', 'prevents'), 'delays',
                                    'none'),
    'a pod without a limit': ([in_group('node', POD)], (), None, ('pod_limit', 'prevents'), 'delays', 'none'),
    'a limit of an LXC container': ([cgroup_report(path='/lxc.payload.web1', limit=GIB)], (), None,
                                    ('container_limit', 'delays'), 'unknown', 'prevents'),
    'a unit within an LXC container': ([cgroup_report(path='/lxc/101/ns/system.slice/app.service', limit=GIB)], (),
                                       None, ('cgroup_limit', 'delays'), 'unknown', 'prevents'),
    'one backend of a PostgreSQL': ([host_report(ram=8 * GIB, tasks=[(99, 'postgres', 6 * GIB)] + [
        (100 + number, 'postgres', 20 * MIB) for number in range(20)])], (), None, ('investigate', 'unknown'), 'delays',
        'none'),
    'guests of a hypervisor': ([host_report(ram=64 * GIB, swap=4 * GIB, tasks=[
        (5 + number, 'qemu-system-x86', 20 * GIB) for number in range(3)])], (), None, ('swap', 'delays'), 'delays',
        'none'),
    'nobody left to kill, database at -1000': ([host_report(kind='panic', victims=[], victim='systemd', tasks=[
        (9, 'mysqld', 900 * MIB, -1000), (1, 'systemd', 5 * MIB)])], (), None, ('buffer_pool', 'delays'), 'delays',
        'none'),
    'database the eater, swap free, swappiness 0': ([db(850 * MIB, (5, 'php-fpm', 20 * MIB), swap=2 * GIB,
                                                        swap_free=2 * GIB - MIB)], (), facts(swap=2 * GIB, runtime=0),
                                                    ('buffer_pool', 'delays'), 'none', 'harms'),
    'mappings of an Elasticsearch': ([], [told(
        'not-memory-other', 'no', 'none', 'program', name='java', text='max virtual memory areas vm.max_map_count '
        '[65530] is too low, increase to at least [262144]')], None, ('map_count', 'prevents'), 'none', 'none'),
    'a limit on processes': ([], [told('pids-limit', 'no', 'none', 'kernel_refused', unit='web.service')], None,
                             ('pids_limit', 'unknown'), 'none', 'none'),
}


@pytest.mark.parametrize('situation', sorted(SITUATIONS))
def test_what_is_advised(situation):
    events, signals, here, first, swap, score = SITUATIONS[situation]
    rows = remedies(events, signals, here)
    assert (rows[0]['name'], rows[0]['effect']) == first, rows[0]
    found = [only(rows, name)['effect'] for name in ('swap', 'score')]
    assert found == [swap, score], [(row['name'], row['effect'], row['why']) for row in rows]


@pytest.mark.parametrize('situation', sorted(SITUATIONS))
def test_nothing_is_applied_that_is_not_known_to_help(situation):
    events, signals, here, dummy, dummy, dummy = SITUATIONS[situation]
    rows = remedies(events, signals, here)
    for name in to_apply(rows)['apply']:
        row = only(rows, name)
        assert row['effect'] in ('prevents', 'delays') or row['goes_with'] == 'swap'
        assert not row['forbidden_by']


@pytest.mark.parametrize('situation', sorted(SITUATIONS))
def test_what_is_missing_is_named_and_what_helps_has_a_reason(situation):
    events, signals, here, dummy, dummy, dummy = SITUATIONS[situation]
    for row in remedies(events, signals, here):
        assert row['why'] and row['what']
        assert row['effect'] != 'unknown' or row['would_tell'] or row['name'] == 'score', row
        assert row['effect'] != 'harms' or row['command'] is None, row
        assert row['effect'] != 'delays' or row['room_bytes'] is not None or row['name'] == 'overcommit', row


FIGURES = ('ram_bytes', 'swap_total_bytes', 'swap_free_bytes', 'free_bytes', 'active_anon_bytes', 'inactive_anon_bytes',
           'reserved_bytes', 'page_size_bytes')


def without(event, where, key):
    """The same report, in which one figure is not known."""
    if where is None:
        return dict(event, **{key: None})
    return dict(event, **{where: dict(event[where], **{key: None})})


def lacking(event):
    """(what is lacking, the report without it) for each figure that a report may lack."""
    found = [('memory', key) for key in FIGURES if key in event['memory']]
    found += [('cgroup', key) for key in ('limit_bytes', 'usage_bytes') if event['cgroup']]
    return [(key, without(event, where, key)) for where, key in found] + [
        (key, without(event, None, key)) for key in ('tasks', 'ledger', 'victims')]


@pytest.mark.parametrize('situation', sorted(name for name in SITUATIONS if SITUATIONS[name][0]))
def test_a_figure_that_is_missing_never_makes_a_remedy_better(situation):
    events, signals, here, dummy, dummy, dummy = SITUATIONS[situation]
    known = set((row['name'], row['target']) for row in remedies(events, signals, here) if row['effect'] == 'prevents')
    for key, event in lacking(events[0]):
        rows = remedies([event], signals, here)
        promised = set((row['name'], row['target']) for row in rows if row['effect'] == 'prevents')
        assert promised <= known, key


@pytest.mark.parametrize('name', [
    '$(reboot)', '; rm -rf /', '-rf', '`x`', 'a b', "a'b", 'a\nb', '../../etc', u'\u202ex',
])
def test_no_hostile_name_gets_into_a_command(name):
    victims = [{'pid': 5, 'name': name, 'unit': name + '.service', 'container_id': name, 'anon_rss_bytes': 800 * MIB}]
    cases = [
        ([host_report(tasks=[(5, name, 800 * MIB)], victims=victims)], []),
        ([cgroup_report(path='/system.slice/%s.service' % name, victims=victims)], []),
        ([dict(bound_to_a_node('mempolicy'), victims=victims)], []),
        ([dict(bound_to_a_node('cpuset'), victims=victims)], []),
        ([kernel_holds('shmem', '/' + name)], []),
        ([], [told('systemd-oomd', limit='host', actor='systemd-oomd', unit=name, name=name)]),
        ([], [told('earlyoom', limit='host', actor='earlyoom', name=name)]),
        ([], [told('engine-oom', limit='cgroup', actor='kernel', container=name)]),
        ([], [told('pids-limit', 'no', 'none', 'kernel_refused', unit=name)]),
    ]
    for events, signals in cases:
        for row in remedies(events, signals, protect_names=(name,)):
            for command in [row['command'] or ''] + row['would_tell']:
                # Within a path, what begins with a dash is no option.
                assert (' -rf' if name == '-rf' else name) not in command, row
            assert u'\u202e' not in row['what'] + row['why'] and '\n' not in row['what'] + row['why']
