# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remedies and their effects. The events here are made up for each situation; the seed's log is a real one."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import io
import os
import re

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._verdict.diagnose import diagnose_log
from ansible_collections.oom.rescue.plugins.module_utils._verdict.remedies import to_apply
from conftest import FIXTURES, SEED
from short_of_memory import GIB, MIB, cgroup_report, db, facts, host_report, ledger, only, refused, remedies, told


def test_the_seed_gets_php_in_the_place_of_mysqld_and_two_gibibytes_of_room():
    found = diagnose_log(SEED)
    score, swap, swappiness = (only(found['remedies'], name) for name in ('score', 'swap', 'swappiness'))
    assert found['events'][0]['victims'][0]['score'] == 435
    assert (score['effect'], score['target']) == ('prevents', 'mysqld')
    assert (score['instead']['name'], score['instead']['pid']) == ('php', 13360)
    assert (swap['effect'], swap['room_bytes'], swap['size_bytes']) == ('delays', 2 * GIB, 2 * GIB)
    assert 'nothing bounds' in swap['why']
    assert (swappiness['effect'], swappiness['goes_with']) == ('none', 'swap')
    assert to_apply(found['remedies'])['apply'] == ['swap', 'swappiness', 'score']


@pytest.mark.parametrize('event, effect, words', [
    pytest.param(host_report(), 'delays', 'nothing bounds', id='a host without swap'),
    pytest.param(host_report(swap=GIB, swap_free=0), 'delays', 'nothing bounds', id='swap that is full'),
    pytest.param(host_report(swap=GIB, swap_free=900 * MIB), 'none', 'was free already', id='swap that is nearly free'),
    pytest.param(host_report(ram=64 * GIB, swap=8 * GIB, swap_free=0, tasks=[(5, 'java', 60 * GIB)]), 'none',
                 'is what the rule gives', id='64 GiB, with twice the rule in swap, full'),
    pytest.param(host_report(ram=128 * GIB, free=115 * GIB), 'none', '115 GiB of RAM was free', id='115 GiB free'),
    pytest.param(host_report(anon=20 * MIB), 'none', 'could be swapped out', id='next to nothing can be swapped'),
    pytest.param(host_report(ledger=ledger('slab_unreclaimable', 600 * MIB), anon=300 * MIB), 'delays',
                 'no more than 300 MiB of room', id='a slab leak beside much else'),
    pytest.param(host_report(ledger=ledger('slab_unreclaimable', 700 * MIB), anon=200 * MIB), 'none',
                 'only 200 MiB of 1 GiB', id='a slab leak'),
    pytest.param(host_report(ledger=ledger('shmem', 700 * MIB, swappable=True)), 'delays', '2 GiB more room',
                 id='shared memory'),
    pytest.param(host_report(trigger={'manual': True}), 'none', 'sysrq', id='sysrq'),
    pytest.param(host_report(scope='cpuset', outside_cgroups=False), 'none', 'nodes', id='a cpuset'),
    pytest.param(host_report(scope='mempolicy', outside_cgroups=False), 'none', 'nodes', id='a memory policy'),
    pytest.param(cgroup_report(group={'swap_usage_bytes': 0, 'swap_limit_bytes': 0}), 'none', 'may use no swap',
                 id='a group that may not swap'),
    pytest.param(cgroup_report(group={'memory_swap_usage_bytes': 512 * MIB, 'memory_swap_limit_bytes': 512 * MIB}),
                 'none', 'together', id='version 1, memory and swap together'),
    pytest.param(cgroup_report(), 'unknown', 'not in the report', id='a group whose swap is not told'),
])
def test_what_swap_would_have_changed(event, effect, words):
    row = only(remedies([event]), 'swap')
    assert (row['effect'], words in row['why']) == (effect, True), row
    assert bool(row['would_tell']) == (effect == 'unknown')


@pytest.mark.parametrize('event, effect, words', [
    pytest.param(host_report(swap=GIB, swap_free=900 * MIB), 'none', 'was free already', id='swap that is nearly free'),
    pytest.param(host_report(swap=GIB, swap_free=0), 'delays', 'nothing bounds', id='swap that is full'),
    pytest.param(cgroup_report(group={'swap_usage_bytes': 0, 'swap_limit_bytes': 0}), 'none', 'may use no swap',
                 id='a group that may not swap'),
    pytest.param(cgroup_report(), 'unknown', 'whether it may use swap', id='a group whose swap is not told'),
])
def test_the_figures_that_are_left_of_a_report_that_was_cut_say_what_swap_would_have_changed(event, effect, words):
    row = only(remedies([dict(event, complete=False)]), 'swap')
    assert (row['effect'], words in row['why']) == (effect, True), row


@pytest.mark.parametrize('runtime, swap_free, effect', [
    (0, 900 * MIB, 'delays'), (1, 900 * MIB, 'delays'), (60, 900 * MIB, 'none'), (0, 0, 'none'), (None, GIB, 'unknown'),
])
def test_a_higher_swappiness_gives_the_swap_that_a_low_one_kept(runtime, swap_free, effect):
    here = facts(swap=GIB, runtime=runtime)
    row = only(remedies([host_report(swap=GIB, swap_free=swap_free)], here=here), 'swappiness')
    assert row['effect'] == effect
    assert row['room_bytes'] == (729 * MIB if effect == 'delays' else None)


@pytest.mark.parametrize('event, effect, words', [
    pytest.param(host_report(), 'prevents', 'php (pid 13360) is killed instead', id='another large process'),
    pytest.param(db(850 * MIB, (5, 'php-fpm', 20 * MIB), (6, 'sshd', 2 * MIB)), 'none', 'would still kill mysqld',
                 id='it holds 85 %, without swap'),
    pytest.param(db(850 * MIB, (6, 'sshd', 2 * MIB)), 'none',
                 'kill mysqld, which holds 850 MiB: nothing else is there but what keeps the host reachable',
                 id='it holds 85 %, and only sshd is left'),
    pytest.param(db(550 * MIB, (5, 'php-fpm', 20 * MIB), (6, 'sshd', 2 * MIB)), 'harms', 'less than the 550 MiB',
                 id='it is the eater, and what dies instead frees little'),
    pytest.param(db(450 * MIB, (6, 'sshd', 300 * MIB), (7, 'systemd', 2 * MIB)), 'harms', 'keeps the host reachable',
                 id='only sshd is left'),
    pytest.param(db(450 * MIB, (6, 'dockerd', 300 * MIB)), 'harms', 'keeps the host reachable', id='only an engine'),
    pytest.param(host_report(victim='php'), 'none', 'was not the victim', id='it was not killed'),
    pytest.param(host_report(ledger=ledger('slab_unreclaimable', 400 * MIB)), 'delays', 'no kill frees',
                 id='a slab leak'),
    pytest.param(cgroup_report(group={'group_kill': True}), 'none', 'memory.oom.group', id='a group kill'),
    pytest.param(host_report(scope='cpuset', outside_cgroups=False), 'unknown', 'memory nodes', id='a cpuset'),
    pytest.param(host_report(task_count=90), 'unknown', 'only the largest', id='a table that was cut'),
])
def test_what_a_score_would_have_changed(event, effect, words):
    row = only(remedies([event]), 'score')
    assert (row['effect'], words in row['why']) == (effect, True), row


REDIS = [(5, 'redis-server', 400 * MIB), (6, 'php', 100 * MIB)]


@pytest.mark.parametrize('event, what, effect', [
    (cgroup_report(tasks=REDIS), 'a smaller maxmemory of redis-server, by 52 MiB or more', 'delays'),
    (cgroup_report(tasks=REDIS, group={'usage_bytes': None}), 'a smaller maxmemory of redis-server', 'unknown'),
], ids=['told', 'what the others hold is not told'])
def test_a_server_that_has_a_size_of_its_own_gets_a_smaller_one(event, what, effect):
    row = only(remedies([event]), 'program_limit')
    assert (row['what'], row['effect']) == (what, effect)
    assert row['would_tell'] == ['redis-cli CONFIG GET maxmemory']


def postgres(*scores):
    """A report of a host with a PHP and a PostgreSQL, by the scores of its first process and of its children."""
    rows = [(5, 'php', 300 * MIB), (90, 'postgres', 70 * MIB)]
    rows += [(90 + number, 'postgres', (350 - number) * MIB) for number in range(1, len(scores))]
    event = host_report(tasks=rows if len(scores) > 1 else [(5, 'php', 30 * MIB), (90, 'postgres', 700 * MIB)],
                        victim='postgres')
    for task in event['tasks'][1:]:
        task['oom_score_adj'] = scores[task['pid'] - 90]
    largest = max(event['tasks'][1:], key=lambda task: task['rss_bytes'])
    event['victims'] = [dict(event['victims'][0], pid=largest['pid'])]
    return event


@pytest.mark.parametrize('scores, effect, words', [
    ((0, 0, 0), 'unknown', 'if it gives itself a score'),
    ((-500, 0, 0), 'none', 'it has a score of its own'),
    ((-900, 0, 0), 'none', 'it is at -900 already'),
    ((-10, -10, -10), 'prevents', 'php (pid 5) is killed instead'),
    ((0,), 'none', 'would still kill postgres'),
], ids=['not told', 'of their own', 'of their own, and the first stronger', 'inherited', 'one process'])
def test_of_postgresql_the_first_process_alone_has_the_score_of_the_server(scores, effect, words):
    row = only(remedies([postgres(*scores)], protect_names=('postgres',)), 'score')
    assert row['what'] == 'oom_score_adj -600 for the first process of postgres'
    assert (row['effect'], words in row['why']) == (effect, True), row
    assert (row['would_tell'] != []) == (effect == 'unknown')


def test_four_instances_that_are_all_the_eater_are_spared_at_a_harm():
    tasks = [(11, 'mysqld', 225 * MIB), (12, 'mysqld', 220 * MIB), (13, 'mysqld', 220 * MIB), (14, 'mysqld', 215 * MIB),
             (5, 'php', 20 * MIB)]
    row = only(remedies([host_report(tasks=tasks)]), 'score')
    assert row['effect'] == 'harms' and row['why'].startswith('mysqld is itself what holds the most (880 MiB)')


@pytest.mark.parametrize('adj, forbidden', [
    (-800, ['stronger-score']), (-1000, ['stronger-score']), (-600, []), (500, []),
])
def test_a_stronger_score_stays(adj, forbidden):
    here = facts(oom={'candidates': [{'pid': 9, 'name': 'mysqld', 'oom_score_adj': adj}]})
    rows = remedies([host_report(victim='php')], here=here)
    row = only(rows, 'score')
    assert [one['id'] for one in row['forbidden_by']] == forbidden
    assert 'score' not in to_apply(rows)['apply']


@pytest.mark.parametrize('vm', [{'panic_on_oom': 1}, {'oom_kill_allocating_task': 1}])
def test_a_score_changes_nothing_where_the_kernel_does_not_choose_by_it(vm):
    assert only(remedies([host_report()], here=facts(vm=vm)), 'score')['effect'] == 'none'


POD = '/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0f1e2d3c_4b5a_6978_8796_a5b4c3d2e1f0.slice'


@pytest.mark.parametrize('path, name, command', [
    pytest.param('/system.slice/web.service', 'cgroup_limit',
                 'systemctl set-property web.service MemoryMax=805306368', id='a unit'),
    pytest.param('/web.slice', 'cgroup_limit', 'systemctl set-property web.slice MemoryMax=805306368', id='a slice'),
    pytest.param('/docker/' + 'ab' * 32, 'container_limit',
                 'docker update --memory 805306368 --memory-swap 805306368 abababababab', id='a container'),
    pytest.param('/machine.slice/libpod-%s.scope' % ('ab' * 32), 'container_limit',
                 'podman update --memory 805306368 --memory-swap 805306368 abababababab', id='a container of podman'),
    pytest.param('/user.slice/user-1000.slice/user@1000.service/user.slice/docker-%s.scope' % ('ab' * 32),
                 'container_limit', 'docker -H unix:///run/user/1000/docker.sock update --memory 805306368 '
                 '--memory-swap 805306368 abababababab', id='a container of a user'),
    pytest.param('/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-%s.scope' % ('ab' * 32),
                 'container_limit', "sudo -u '#1000' XDG_RUNTIME_DIR=/run/user/1000 podman update --memory 805306368 "
                 '--memory-swap 805306368 abababababab', id='a container of a user by podman'),
    pytest.param('/docker/%s/docker/%s' % ('cd' * 32, 'ab' * 32), 'container_limit',
                 'docker exec cdcdcdcdcdcd docker update --memory 805306368 --memory-swap 805306368 abababababab',
                 id='a container in a container'),
    pytest.param('/lxc.payload.web/system.slice/docker-%s.scope' % ('ab' * 32), 'container_limit',
                 'lxc-attach -n web -- docker update --memory 805306368 --memory-swap 805306368 abababababab',
                 id='a container in a guest'),
    pytest.param('/machine.slice/systemd-nspawn@web.service/payload/docker/' + 'ab' * 32, 'container_limit',
                 'echo 805306368 > /sys/fs/cgroup/machine.slice/systemd-nspawn@web.service/payload/docker/%s/memory.max'
                 % ('ab' * 32), id='a container in a guest of systemd-nspawn'),
    pytest.param(POD, 'pod_limit',
                 'kubectl set resources deployment/NAME --containers=CONTAINER --limits=memory=768Mi', id='a pod'),
    pytest.param('/system.slice/web.service/inner', 'cgroup_limit',
                 'echo 805306368 > /sys/fs/cgroup/system.slice/web.service/inner/memory.max', id='below a unit'),
    pytest.param('/user.slice/user-1000.slice/user@1000.service/app.slice/mysqld.service', 'cgroup_limit',
                 'echo 805306368 > /sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/mysqld.service'
                 '/memory.max', id='a unit of a user'),
    pytest.param('/default/%s/system.slice/mysqld.service' % ('ab' * 32), 'cgroup_limit',
                 'echo 805306368 > /sys/fs/cgroup/default/%s/system.slice/mysqld.service/memory.max' % ('ab' * 32),
                 id='a unit in a container'),
    pytest.param('/kubepods.slice/kubepods-burstable.slice', 'pod_limit', 'kubectl describe node NODE', id='all pods'),
    pytest.param('/kubepods', 'pod_limit', 'kubectl describe node NODE', id='all pods with cgroupfs'),
    pytest.param('/lxc.payload.web/system.slice/mysqld.service', 'cgroup_limit',
                 'lxc-attach -n web -- systemctl set-property mysqld.service MemoryMax=805306368',
                 id='a unit in a guest'),
    pytest.param('/lxc/101/ns/system.slice', 'cgroup_limit',
                 'lxc-attach -n 101 -- systemctl set-property system.slice MemoryMax=805306368',
                 id='a slice in a guest'),
    pytest.param('/lxc/101/ns', 'container_limit', 'lxc-cgroup -n 101 memory.max 805306368', id='a guest'),
    pytest.param('/lxc.payload.web/user.slice/user-1000.slice/user@1000.service/app.slice/mysqld.service',
                 'cgroup_limit', 'echo 805306368 > /sys/fs/cgroup/lxc.payload.web/user.slice/user-1000.slice/'
                 'user@1000.service/app.slice/mysqld.service/memory.max', id='a unit of a user in a guest'),
    pytest.param('/lxc.payload.web/system.slice/web.service/mysqld.service', 'cgroup_limit',
                 'echo 805306368 > /sys/fs/cgroup/lxc.payload.web/system.slice/web.service/mysqld.service/memory.max',
                 id='below a unit in a guest'),
    pytest.param('/machine/web.libvirt-lxc/docker/' + 'ab' * 32, 'container_limit',
                 'echo 805306368 > /sys/fs/cgroup/machine/web.libvirt-lxc/docker/%s/memory.max' % ('ab' * 32),
                 id='a container in a guest of libvirt'),
    pytest.param('/lxc/101/ns/docker', 'cgroup_limit', 'echo 805306368 > /sys/fs/cgroup/lxc/101/ns/docker/memory.max',
                 id='all containers in a guest'),
    pytest.param('/lxc/web/lxc/db', 'container_limit', 'lxc-attach -n web -- lxc-cgroup -n db memory.max 805306368',
                 id='a guest in a guest'),
    pytest.param('/lxc/web/lxc/db/system.slice/mysqld.service', 'cgroup_limit', 'lxc-attach -n web -- lxc-attach -n db '
                 '-- systemctl set-property mysqld.service MemoryMax=805306368', id='a unit in a guest in a guest'),
    pytest.param('/user.slice/user-1000.slice/session-c2.scope/lxc.payload.web', 'container_limit',
                 'echo 805306368 > /sys/fs/cgroup/user.slice/user-1000.slice/session-c2.scope/lxc.payload.web'
                 '/memory.max', id='a guest of a user'),
    pytest.param('/user.slice/user-1000.slice/user@1000.service/app.slice/lxc.scope/lxc.payload.web',
                 'container_limit', "sudo -u '#1000' XDG_RUNTIME_DIR=/run/user/1000 lxc-cgroup -n web memory.max "
                 '805306368', id='a guest in a unit of a user'),
    pytest.param('/user.slice/user-1000.slice/user@1000.service/docker/' + 'ab' * 32, 'container_limit',
                 'echo 805306368 > /sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/docker/%s/memory.max'
                 % ('ab' * 32), id='a container that a user claims'),
    pytest.param('/user.slice/user-1000.slice/user@1000.service/user.slice/docker-%s.scope/docker/%s' % (
        'cd' * 32, 'ab' * 32), 'container_limit', 'docker -H unix:///run/user/1000/docker.sock exec cdcdcdcdcdcd '
        'docker update --memory 805306368 --memory-swap 805306368 abababababab',
        id='a container in a container of a user'),
    pytest.param('/docker/%s/system.slice/mysqld.service' % ('ab' * 32), 'cgroup_limit',
                 'echo 805306368 > /sys/fs/cgroup/docker/%s/system.slice/mysqld.service/memory.max' % ('ab' * 32),
                 id='a unit in a container of docker'),
    pytest.param(POD + '/cri-containerd-%s.scope/docker/%s' % ('cd' * 32, 'ab' * 32), 'cgroup_limit',
                 'echo 805306368 > /sys/fs/cgroup%s/cri-containerd-%s.scope/docker/%s/memory.max' % (
                     POD, 'cd' * 32, 'ab' * 32), id='a container of docker in a pod'),
    pytest.param('/web', 'cgroup_limit', 'echo 805306368 > /sys/fs/cgroup/web/memory.max', id='no unit'),
    pytest.param('/system.slice/$(reboot).service', 'cgroup_limit', 'systemctl set-property UNIT MemoryMax=805306368',
                 id='a hostile unit'),
    pytest.param('/x; reboot', 'cgroup_limit', 'echo 805306368 > /sys/fs/cgroup/PATH/memory.max', id='a hostile path'),
])
def test_a_log_from_elsewhere_says_which_limit_to_raise(path, name, command):
    first = remedies([cgroup_report(path=path)])[0]
    assert (first['name'], first['command'], first['effect']) == (name, command, 'delays')
    assert first['room_bytes'] == 256 * MIB and first['would_tell'] == ['free -m']


@pytest.mark.parametrize('path, name, words', [
    ('/kubepods', 'pod_limit', 'raise the limit of all pods of the node together '),
    ('/docker/' + 'ab' * 32, 'container_limit', 'raise the limit of docker container abababababab '),
    (POD, 'pod_limit', 'raise the limit of the pod 0f1e2d3c-'),
])
def test_a_limit_above_a_pod_is_not_the_pod_s(path, name, words):
    event = cgroup_report(path=path)
    event['victims'][0].update(cgroup=path + '/kubepods/pod0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0/' + 'cd' * 32,
                               pod_uid='0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0')
    assert only(remedies([event]), name)['what'].startswith(words)


@pytest.mark.parametrize('path, command', [
    ('/system.slice/php.service', 'systemctl set-property php.service TasksMax=NUMBER'),
    ('/user.slice/user-1000.slice', 'systemctl set-property user-1000.slice TasksMax=NUMBER'),
    ('/user.slice/user-1000.slice/user@1000.service/app.slice/php.service',
     'echo NUMBER > /sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/php.service/pids.max'),
    ('/system.slice/web.service/php.service',
     'echo NUMBER > /sys/fs/cgroup/system.slice/web.service/php.service/pids.max'),
    ('/lxc.payload.web/system.slice/php.service',
     'echo NUMBER > /sys/fs/cgroup/lxc.payload.web/system.slice/php.service/pids.max'),
    ('/docker/' + 'ab' * 32, 'docker update --pids-limit NUMBER abababababab'),
    ('/machine.slice/libpod-%s.scope' % ('ab' * 32), 'podman update --pids-limit NUMBER abababababab'),
    ('/lxc/101/ns/docker/' + 'ab' * 32, 'lxc-attach -n 101 -- docker update --pids-limit NUMBER abababababab'),
    (POD, 'kubectl describe node NODE'),
    ('/docker/%s/system.slice/php.service' % ('ab' * 32),
     'echo NUMBER > /sys/fs/cgroup/docker/%s/system.slice/php.service/pids.max' % ('ab' * 32)),
    ('/$(reboot)', 'echo NUMBER > /sys/fs/cgroup/PATH/pids.max'),
])
def test_who_sets_the_limit_on_processes_that_was_met(path, command):
    signal = told('pids-limit', 'no', 'none', 'kernel_refused', unit=path.rsplit('/', 1)[-1],
                  text='cgroup: fork rejected by pids controller in ' + path)
    assert only(remedies([], [signal]), 'pids_limit')['command'] == command


@pytest.mark.parametrize('path, command', [
    ('/system.slice/mysqld.service', 'systemctl set-property mysqld.service AllowedMemoryNodes=NODES'),
    ('/docker/' + 'ab' * 32, 'docker update --cpuset-mems=NODES abababababab'),
    ('/databases/' + 'ab' * 32, 'docker update --cpuset-mems=NODES abababababab'),
    ('/machine.slice/libpod-%s.scope' % ('ab' * 32), 'podman update --cpuset-mems=NODES abababababab'),
    ('/docker/%s/docker/%s' % ('cd' * 32, 'ab' * 32),
     'docker exec cdcdcdcdcdcd docker update --cpuset-mems=NODES abababababab'),
    ('/system.slice/slurmstepd.scope/job_12/step_0/user/task_0',
     'echo NODES > /sys/fs/cgroup/system.slice/slurmstepd.scope/job_12/step_0/user/task_0/cpuset.mems'),
    ('/lxc/101', 'echo NODES > /sys/fs/cgroup/lxc/101/cpuset.mems'),
    (POD, 'echo NODES > /sys/fs/cgroup%s/cpuset.mems' % POD),
    ('/user.slice/user-1000.slice/user@1000.service/app.slice/mysqld.service',
     'echo NODES > /sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/mysqld.service/cpuset.mems'),
    (None, 'systemctl set-property UNIT AllowedMemoryNodes=NODES'),
])
def test_who_sets_the_memory_nodes_of_a_cpuset(path, command):
    event = host_report(scope='cpuset', outside_cgroups=False)
    event['victims'][0]['cgroup'] = path
    assert only(remedies([event]), 'nodes')['command'] == command


@pytest.mark.parametrize('path, commands', [
    ('/system.slice/scan.service', ['systemctl set-property scan.service MemoryMax=']),
    ('/system.slice/condor.service/slot1_1@node3', []),
    ('/system.slice/ssh.service', []),
    ('/system.slice/cron.service', []),
    ('/user.slice/user-1000.slice/user@1000.service', []),
    ('/user.slice/user-1000.slice/user@1000.service/app.slice/scan.service', []),
])
def test_a_service_is_bound_if_the_process_is_all_that_its_limit_reaches(path, commands):
    event = host_report(victim='scan', tasks=[(5, 'scan', 800 * MIB)])
    event['victims'][0]['cgroup'] = path
    bounds = [row['command'] for row in remedies([event]) if row['name'] == 'cgroup_limit']
    assert [re.sub(r'\d+\Z', '', command) for command in bounds] == commands


@pytest.mark.parametrize('here, effect', [
    (facts(ram=4 * GIB, available=2 * GIB), 'delays'), (facts(ram=4 * GIB, available=100 * MIB), 'harms'),
    (facts(ram=800 * MIB, available=400 * MIB), 'harms'),
])
def test_a_limit_is_raised_into_what_the_host_has(here, effect):
    assert only(remedies([cgroup_report()], here=here), 'cgroup_limit')['effect'] == effect


@pytest.mark.parametrize('signal, effect', [
    pytest.param(told('not-memory-stop', was_memory='no', limit='none', actor='manager'), 'none', id='a stop'),
    pytest.param(told('program-limit', limit='program', actor='program'), 'none', id='a limit of a program'),
    pytest.param(told('gpu', limit='gpu', actor='program'), 'none', id='a graphics card'),
    pytest.param(told('kubernetes', limit='host', actor='kubelet'), 'none', id='an eviction'),
    pytest.param(told('kill-unproven', was_memory='unknown'), 'unknown', id='a bare kill'),
    pytest.param(told('earlyoom', limit='host', actor='earlyoom'), 'unknown', id='earlyoom, without figures'),
    pytest.param(told('fork-enomem', limit='host', actor='kernel_refused', errno=12), 'unknown', id='a fork'),
])
def test_signals_alone_promise_nothing_of_swap(signal, effect):
    assert only(remedies([], [signal]), 'swap')['effect'] == effect


@pytest.mark.parametrize('here, effect', [
    pytest.param(refused(900 * MIB, 100 * MIB), 'prevents', id='under the commit limit'),
    pytest.param(refused(5 * GIB, 100 * MIB), 'none', id='more than swap raises it by'),
    pytest.param(refused(50 * MIB, 100 * MIB), 'none', id='it would not be refused'),
    pytest.param(refused(900 * MIB, 100 * MIB, mode=0), 'prevents', id='by the heuristic'),
    pytest.param(refused(900 * MIB, 100 * MIB, mode=1), 'none', id='with overcommit'),
    pytest.param(refused(None, None), 'unknown', id='without figures'),
    pytest.param({}, 'unknown', id='a log from elsewhere'),
])
def test_a_fork_that_was_refused(here, effect):
    signal = told('fork-enomem', limit='host', actor='kernel_refused', errno=12)
    assert only(remedies([], [signal], here=here), 'swap')['effect'] == effect


def test_nothing_follows_from_a_healthy_host_but_by_rule():
    here = facts(oom={'candidates': [{'pid': 9, 'name': 'mysqld', 'oom_score_adj': 0}]})
    rows = remedies(here=here)
    assert set(row['effect'] for row in rows) == set(['none'])
    assert to_apply(rows)['apply'] == []
    assert to_apply(rows, by_rule=True)['apply'] == ['swap', 'swappiness', 'score']


def test_what_forbids_stops_a_remedy_until_it_is_lifted_or_asked_for():
    here = facts(forbidden={'swap': [{'id': 'kubelet', 'where': '/var/lib/kubelet', 'text': 'it fails with swap'}]})
    rows = remedies([host_report()], here=here)
    assert only(rows, 'swap')['forbidden_by'][0]['id'] == 'kubelet'
    left_out = to_apply(rows)['left_out']
    assert [row['name'] for row in left_out] == ['swap', 'swappiness']
    assert left_out[0]['why'] == 'kubelet: it fails with swap'
    assert 'swap' in to_apply(rows, override=['kubelet'])['apply']
    assert 'swap' in to_apply(rows, asked=['swap'])['apply']


@pytest.mark.parametrize('missing', ['ram_bytes', 'swap_total_bytes', 'swap_free_bytes', 'active_anon_bytes'])
def test_a_missing_figure_promises_nothing(missing):
    event = host_report()
    event['memory'][missing] = None
    rows = remedies([event], expected_peak_bytes=2 * GIB)
    assert only(rows, 'swap')['effect'] == 'unknown'


@pytest.mark.parametrize('peak, effect', [(2 * GIB, 'prevents'), (4 * GIB, 'delays')])
def test_a_peak_that_is_told_bounds_what_is_asked_for(peak, effect):
    assert only(remedies([host_report()], expected_peak_bytes=peak), 'swap')['effect'] == effect


def test_the_report_on_which_a_remedy_does_least_decides():
    short, free = host_report(), host_report(id='e2', swap=GIB, swap_free=GIB)
    assert only(remedies([short, free]), 'swap')['effect'] == 'none'


@pytest.mark.parametrize('figure', ['usage', 'limit'])
def test_a_group_that_used_or_was_allowed_nothing_is_told_all_the_same(tmpdir, figure):
    with io.open(os.path.join(FIXTURES, 'oom-linux-6.1.dmesg'), encoding='utf-8') as stream:
        text = re.sub(r'%s \d+kB' % figure, '%s 0kB' % figure, stream.read())
    path = tmpdir.join('messages')
    path.write_binary(text.encode('utf-8'))
    assert only(diagnose_log(str(path))['remedies'], 'swap')['effect'] in ('none', 'unknown')


@pytest.mark.parametrize('name', ['swap', 'swappiness', 'score'])
def test_no_remedy_is_judged_by_swap_that_no_host_has(name):
    row = only(remedies([host_report(swap=2048 * GIB, swap_free=0)]), name)
    assert (row['effect'], bool(row['would_tell'])) == ('unknown', True), row


@pytest.mark.parametrize('text, effect, command', [
    ('max virtual memory areas vm.max_map_count [65530] is too low, increase to at least [262144]', 'prevents',
     'sysctl -w vm.max_map_count=262144'),
    ('too many virtual memory areas', 'unknown', 'sysctl -w vm.max_map_count=NUMBER'),
])
def test_a_map_count_is_the_one_that_the_program_says_it_needs(text, effect, command):
    signal = told('alloc-enomem', limit='program', actor='kernel_refused', errno=12, text=text)
    row = only(remedies([], [signal], facts()), 'map_count')
    assert (row['effect'], row['command']) == (effect, command)


def test_of_a_limit_for_memory_and_swap_together_swap_is_what_memory_leaves():
    used = {'memory_swap_usage_bytes': 700 * MIB, 'memory_swap_limit_bytes': 768 * MIB, 'swap_usage_bytes': 253 * MIB}
    row = only(remedies([cgroup_report(group=used)], here=facts(ram=8 * GIB, available=4 * GIB)), 'swap')
    assert (row['effect'], row['why']) == ('none', "the group's own swap limit of 256 MiB was reached")


def test_the_reason_for_a_refused_fork_stands_in_its_remedy():
    here = refused(900 * MIB, 100 * MIB)
    here['commit']['fork_risk'].update(fails=True, reason='redis asks for 900 MiB')
    rows = remedies([], [told('fork-enomem', limit='host', actor='kernel_refused', errno=12)], here)
    assert only(rows, 'overcommit')['why'].endswith('nothing bounds: redis asks for 900 MiB')


def test_a_count_of_workers_leaves_room_for_who_was_killed_before():
    many = [(100 + number, 'php-fpm', 4 * MIB) for number in range(120)]
    first = host_report(ram=600 * MIB, tasks=many + [(9, 'cron', 100 * MIB)], victim='cron')
    second = dict(host_report(ram=600 * MIB, tasks=many, free=50 * MIB), id='e2')
    alone, both = (only(remedies(events), 'pids_limit') for events in ([second], [first, second]))
    assert alone['effect'] == both['effect'] == 'prevents'
    assert 'at most 107' in only(remedies([first, second]), 'workers')['what']
    assert both['command'] == 'systemctl set-property UNIT TasksMax=107'
    assert alone['command'] != both['command']


@pytest.mark.parametrize('mib, asked', [(56, False), (57, True)], ids=['under a third', 'a third'])
def test_fewer_workers_are_a_remedy_where_they_held_a_third_of_the_memory(mib, asked):
    event = host_report(tasks=[(number, 'php-fpm', mib * MIB) for number in range(100, 106)])
    assert ('workers' in [row['name'] for row in remedies([event])]) is asked


@pytest.mark.parametrize('count, asked', [(4, False), (5, True)])
def test_from_five_of_a_name_on_they_are_workers_whose_number_is_a_remedy(count, asked):
    event = host_report(tasks=[(number, 'php-fpm', 800 * MIB // count) for number in range(100, 100 + count)])
    assert ('workers' in [row['name'] for row in remedies([event])]) is asked


@pytest.mark.parametrize('mib, asked', [(511, False), (512, True)], ids=['under half', 'half'])
@pytest.mark.parametrize('process, remedy', [('mysqld', 'buffer_pool'), ('java', 'program_limit')])
def test_a_smaller_size_of_a_server_is_a_remedy_where_it_held_half_of_the_memory(process, remedy, mib, asked):
    event = host_report(tasks=[(9, process, mib * MIB)])
    assert (remedy in [row['name'] for row in remedies([event])]) is asked


@pytest.mark.parametrize('kind, remedy', [('kernel_stacks', 'pids_limit'), ('hugepages', 'hugepages')])
@pytest.mark.parametrize('mib, asked', [(341, False), (342, True)], ids=['under a third', 'a third'])
def test_less_of_what_the_kernel_holds_is_a_remedy_where_that_was_a_third_of_the_memory(kind, remedy, mib, asked):
    event = host_report(tasks=[(9, 'sshd', MIB)], ledger=ledger(kind, mib * MIB))
    assert (remedy in [row['name'] for row in remedies([event])]) is asked


@pytest.mark.parametrize('count, rows', [(1, 1), (2, 2), (3, 3), (4, 3)])
def test_up_to_three_cgroups_that_met_their_limits_have_a_remedy_each_the_newest_first(count, rows):
    events = [cgroup_report('/system.slice/web%d.service' % number) for number in range(count)]
    found = [row['what'] for row in remedies(events) if row['name'] == 'cgroup_limit']
    newest = range(count)[::-1]
    assert found == ['raise the limit of web%d.service from 512 MiB to 768 MiB' % number for number in newest[:rows]]
