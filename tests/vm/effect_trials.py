# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The trials of effects.py: outages, and the remedies that their reports name, in the shell of a small machine."""

import dataclasses

# `take NAME MIB [VARIABLE=VALUE ...]` holds so much under a name; without an end it grows until somebody is killed.
# `many NAME COUNT MIB` starts so many of one name. `within GROUP COMMAND` runs one in a control group.
SHELL = r"""
mkdir -p /shm /tmp; mount -t tmpfs -o size=100%,nr_inodes=0 tmpfs /shm; mount -t tmpfs tmpfs /tmp
groups=/sys/fs/cgroup
echo '+memory +pids' > $groups/cgroup.subtree_control
group() {
    path=$groups
    for part in $(echo $1 | tr / ' '); do
        path=$path/$part
        test -d $path || mkdir $path
        test $path = $groups/${1#/} || echo '+memory +pids' > $path/cgroup.subtree_control
    done
}
within() { name=$1; shift; (echo 0 > $groups/$name/cgroup.procs; "$@"); }
take() {
    name=$1; mib=$2; shift 2
    ln -sf eat /bin/$name
    env MARGIN=-1000000 AT_MOST=$mib TAKEN=/taken.$name "$@" /bin/$name ${how:-anon} 2>> /said &
    pids="$pids $!"
}
many() {
    number=0
    ln -sf eat /bin/$1
    while test $number -lt $2; do
        number=$((number + 1))
        env MARGIN=-1000000 AT_MOST=$3 TAKEN=/taken.$number /bin/$1 anon 2>> /said &
        pids="$pids $!"
        sleep 0.3
        killed && break
    done
    until test -e /taken.$2 || killed; do sleep 0.2; done
    test $number -eq $2 && test -e /taken.$2 && : > /taken.all
}
fill() {
    number=0
    until killed; do
        dd if=/dev/zero of=/shm/file bs=2M count=1 seek=$number conv=notrunc 2> /dev/null || break
        number=$((number + 1))
    done
}
held() { until test -e /taken.$1 || killed || ended; do sleep 0.2; done; }
killed() { dmesg | grep -q 'Killed process'; }
ended() { test -s /said; }
lower() { :; }
# What memory_facts reads of a host.
tell() {
    for each in /proc/meminfo /proc/zoneinfo /proc/vmstat /proc/sys/vm/* /proc/sys/kernel/osrelease; do show $each; done
    for pid in 1 $pids; do
        for each in stat statm status maps cmdline comm oom_score_adj cgroup; do show /proc/$pid/$each; done
    done
}
show() { test -f $1 && echo "${mark}file $1" && cat $1 2> /dev/null && echo; }
attempt() {
    dmesg -c > /dev/null
    pids=
    rm -f /taken* /failed /go /saved
    : > /said
    outage
    sleep 1
    echo "${mark}came"
    for pid in $pids; do test -e /proc/$pid/stat && echo alive $(cat /proc/$pid/comm); done
    for each in /taken.*; do test -e $each && echo whole ${each#/taken.}; done
    test -e /saved && echo saved
    dmesg | grep -q 'CONSTRAINT_NONE' || echo the host had enough
    echo "${mark}log"
    dmesg
    cat /said
    for each in /proc/[0-9]*; do
        test "$(readlink $each/exe)" = /bin/eat && kill -9 ${each#/proc/}
    done
    rm -rf /shm/*
    sleep 1
    echo 3 > /proc/sys/vm/drop_caches
    echo "${mark}end"
}
reset() {
    swapoff /dev/vda 2> /dev/null
    for each in $groups/limited; do
        group ${each#$groups/}
        for file in memory.max memory.swap.max pids.max; do echo max > $each/$file; done
    done
    echo 0 > /proc/sys/vm/nr_hugepages
    echo 0 > /proc/sys/vm/overcommit_memory
    echo 65530 > /proc/sys/vm/max_map_count
    mount -o remount,size=100% /shm
    lower() { :; }
    how=
}
"""


@dataclasses.dataclass(frozen=True)
class Trial:
    """An outage and a remedy.

    ``remedy``: (name, target) of the row. ``outage``: shell that has the outage. ``does``: shell that puts the remedy
    in force, with %d for the number that the row's command sets. ``met``: what shows that the target was met, of the
    lines that attempt() prints. ``options``: those of remedies_of(). ``facts``: memory facts that a log does not have;
    with ``reads`` they are read in the machine. ``series``: of its kernel, if it is not any; ``after``: of that of
    another machine, which is the remedy. ``append``: of the kernel's command line.
    """

    remedy: tuple
    outage: str
    does: str
    met: str
    setup: str = ':'
    options: dict = dataclasses.field(default_factory=dict)
    facts: dict = None
    reads: bool = False
    memory: int = 256
    series: str = None
    after: str = None
    append: str = ''


HOST = {'ram': {'total_bytes': 240 << 20, 'available_bytes': 180 << 20}}
LOWER = ('lower() { for pid in $pids; do test $(cat /proc/$pid/comm) = mysqld && echo -600 > '
         '/proc/$pid/oom_score_adj; done; }')
CONTAINER, POD = 'docker/%s' % ('0f1e2d3c' * 8), 'kubepods/burstable/pod0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0'
MANY = 'echo 100000 > /proc/sys/kernel/threads-max; echo 32768 > /proc/sys/kernel/pid_max'


def _swap(mib, memory):
    return Trial(('swap', 'shortage'), 'take worker %d; held worker' % mib,
                 'mkswap /dev/vda $((%d / 1024)); swapon /dev/vda', 'whole worker',
                 options={'expected_peak_bytes': (mib + 60) << 20}, memory=memory)


def _score(mysqld, others=''):
    return Trial(('score', 'mysqld'), 'take mysqld %d; held mysqld; %s lower; take php 9999; until killed; do '
                 'sleep 0.2; done' % (mysqld, others), LOWER, 'alive mysqld')


def _limit(limit, mib, group='limited', name='cgroup_limit'):
    limited = '/sys/fs/cgroup/%s/memory.max' % group
    # What is taken in a group is killed with it: its shell waits, and is no child of the machine's.
    return Trial((name, 'shortage'), 'within %s take worker %d; held worker; sleep 1' % (group, mib),
                 'echo %%d > %s' % limited, 'whole worker', setup='group %s; echo %dM > %s' % (group, limit, limited),
                 options={'expected_peak_bytes': (mib + 2) << 20}, facts=HOST)


def _workers(mib):
    return Trial(('workers', 'shortage'), 'many httpd $count %d' % mib, 'count=%d', 'whole all', setup='count=40')


def _tmpfs(beside):
    # A file grows beside what runs, which is killed in its place.
    return Trial(('tmpfs_size', 'shortage'), 'take worker %d; held worker; fill' % beside,
                 'mount -o remount,size=%d /shm', 'alive worker',
                 facts={'ledger': {'parts': [{'kind': 'shmem', 'name': '/shm', 'bytes': 150 << 20}]}})


def _bound(beside):
    unit = 'system.slice/app.service'
    return Trial(('cgroup_limit', 'shortage'), 'take worker %d; held worker; within %s take app 9999; until killed; do '
                 'sleep 0.2; done' % (beside, unit), 'echo %%d > /sys/fs/cgroup/%s/memory.max' % unit,
                 'the host had enough', setup='group %s; echo max > /sys/fs/cgroup/%s/memory.max' % (unit, unit))


def _processes(beside):
    return Trial(('pids_limit', 'shortage'), 'take cron %d; held cron; how=workers; within limited take server 9999; '
                 'how=; until killed || ended; do sleep 0.2; done' % beside,
                 'echo %d > /sys/fs/cgroup/limited/pids.max', 'alive cron', setup=MANY, memory=640)


def _areas(count):
    return Trial(('map_count', 'shortage'), 'how=maps; take java 1 AREAS=%d; how=; held java' % count,
                 'echo %d > /proc/sys/vm/max_map_count', 'whole java')


def _save(mib):
    return Trial(('swap', 'shortage'), 'take redis-server %d SAVES=1; held redis-server; tell; : > /go; '
                 'until test -e /saved || ended; do sleep 0.2; done' % mib,
                 'mkswap /dev/vda $((%d / 1024)); swapon /dev/vda', 'saved',
                 setup='echo 2 > /proc/sys/vm/overcommit_memory', reads=True)


def _narrow(mib):
    # Above 896 MiB of RAM a 32-bit kernel takes no `highmem`.
    return Trial(('kernel_64bit', 'shortage'), 'how=threads; take java %d; how=; held java' % mib, ':', 'whole java',
                 setup=MANY, memory=880, series='6.1-pae', after='6.1', append='highmem=640M')


def _numbered(name, make, rows):
    return {'%s-%d' % (name, number): make(*row) for number, row in enumerate(rows)}


TRIALS = {
    **_numbered('swap', _swap, ((260, 256), (300, 256), (340, 256), (240, 224), (280, 224), (320, 288), (360, 288),
                                (400, 288), (280, 256), (330, 256))),
    # Below half of RAM, from which on a server is itself what memory ran out of.
    **_numbered('score', _score, (
        (100, ''), (103, ''), (98, ''), (95, 'take sshd 4;'), (100, 'take redis 20;'), (102, 'take redis 10;'),
        (98, 'take cron 3; take nginx 8;'), (96, 'take sshd 2; take node 12;'), (101, 'take java 5;'),
        (97, 'take ruby 15;'))),
    **_numbered('cgroup-limit', _limit, ((40, 45), (48, 55), (56, 66), (64, 72), (32, 36), (36, 44), (44, 50), (52, 60),
                                         (60, 70), (72, 84))),
    **_numbered('container-limit', _limit, [(limit, mib, CONTAINER, 'container_limit') for limit, mib in (
        (40, 45), (48, 55), (60, 70))]),
    **_numbered('pod-limit', _limit, [(limit, mib, POD, 'pod_limit') for limit, mib in ((40, 45), (48, 55), (60, 70))]),
    **_numbered('bound', _bound, ((20,), (30,), (40,))),
    **_numbered('workers', _workers, ((8,), (12,), (16,))),
    **_numbered('processes', _processes, ((40,), (50,), (60,))),
    **_numbered('tmpfs', _tmpfs, ((30,), (45,), (60,))),
    **_numbered('map-count', _areas, ((70000,), (131072,), (262144,))),
    **_numbered('save', _save, ((60,), (70,), (80,))),
    **_numbered('64-bit', _narrow, ((360,), (361,), (362,))),
    # What is said to change nothing.
    **_numbered('none-swap-group', lambda mib: dataclasses.replace(
        _limit(48, mib), remedy=('swap', 'shortage'), does='mkswap /dev/vda; swapon /dev/vda', facts=None,
        setup='echo 48M > /sys/fs/cgroup/limited/memory.max; echo 0 > /sys/fs/cgroup/limited/memory.swap.max'),
        ((60,), (80,), (100,))),
    **_numbered('none-swap-huge', lambda pages: Trial(
        ('swap', 'shortage'), 'take worker 9999; until killed; do sleep 0.2; done',
        'mkswap /dev/vda 65536; swapon /dev/vda', 'alive worker',
        # A fifth of RAM that could be swapped out would delay the kill.
        setup='for each in 1 2 3; do echo 3 > /proc/sys/vm/drop_caches; echo 1 > /proc/sys/vm/compact_memory; '
              'echo %d > /proc/sys/vm/nr_hugepages; done' % pages),
        ((68,), (73,), (69,))),
    **_numbered('none-score', lambda mib: dataclasses.replace(_score(mib), does=LOWER), ((172,), (176,), (180,))),
}
