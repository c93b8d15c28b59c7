#!/usr/bin/env python
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever kills or refuses, seen doing it: has each do so in one machine, and keeps what the journal says of it.

    tests/vm/killers.py [--suite bookworm] [WAY ...]

What journalctl(1) shows of each goes to tests/unit/fixtures/killers/WAY-SUITE.log; the truth is in
tests/unit/plugins/module_utils/_verdict/test_killers.py. All of the machine's journal goes to --journal FILE.
"""

import argparse
import pathlib
import sys
import time

from image import REPOSITORY, Image, VmError
from machine import Machine
from modules import ModuleGuest

FIXTURES = REPOSITORY / 'tests' / 'unit' / 'fixtures' / 'killers'
PACKAGES = ('mariadb-server', 'earlyoom', 'nohang', 'systemd-oomd', 'php-cli', 'nodejs', 'docker.io', 'podman',
            'busybox-static', 'runc')
HOG = 'tail /dev/zero'
RUN = 'systemd-run -q --unit=way -p OOMPolicy=stop '
# What makes a container's root file system, for an engine to import.
ROOTFS = ('mkdir -p /root/fs/bin && cp /bin/busybox /root/fs/bin/ && ln -sf busybox /root/fs/bin/tail && '
          'tar -C /root/fs -c .')
# name: (what is done before, what does it, what is undone); each waits until unit `way` has ended.
WAYS = {
    'kernel-limit': ('', RUN + '-p MemoryMax=30M -p MemorySwapMax=0 ' + HOG, ''),
    'ulimit': ('', RUN + "-p LimitAS=300M python3 -c 'bytearray(1 << 30)'", ''),
    'php': ('', RUN + "php -d memory_limit=32M -r 'str_repeat(\"x\", 64 << 20);'", ''),
    'node': ('', RUN + "node --max-old-space-size=16 -e 'a = []; for (;;) a.push(new Array(999).fill(1))'", ''),
    'timeout-stop': (RUN + "-p TimeoutStopSec=2 sh -c 'trap \"\" TERM; while :; do sleep 1; done'; sleep 2",
                     'systemctl stop way', ''),
    'watchdog': ('', RUN + "-p Type=notify -p NotifyAccess=all -p WatchdogSec=3 sh -c 'systemd-notify --ready; "
                 "sleep 60'", ''),
    'kill-9': (RUN + 'sleep 99; sleep 1', 'systemctl kill -s KILL way', ''),
    'pids-max': ('', RUN + "-p TasksMax=4 bash -c 'for i in 1 2 3 4 5 6; do sleep 3 & done; wait'", ''),
    'mariadb': (
        ("systemctl stop mariadb; sysctl -qw vm.overcommit_memory=2; printf '[mysqld]\\ninnodb_buffer_pool_size = 4G"
         "\\n' > "
         '/etc/mysql/mariadb.conf.d/99-way.cnf'),
        'systemctl start mariadb', 'sysctl -qw vm.overcommit_memory=0; rm /etc/mysql/mariadb.conf.d/99-way.cnf'),
    'systemd-oomd': (
        ("mkdir -p /run/systemd/oomd.conf.d; printf '[OOM]\\nDefaultMemoryPressureDurationSec=2s\\n' > "
         '/run/systemd/oomd.conf.d/way.conf; systemctl restart systemd-oomd; '
         'systemctl set-property --runtime way.slice '
         'ManagedOOMMemoryPressure=kill ManagedOOMMemoryPressureLimit=1%'),
        RUN + '-p Slice=way.slice -p MemoryHigh=20M ' + HOG, 'systemctl stop systemd-oomd'),
    'docker': (
        'systemctl start docker; %s | docker import - way' % ROOTFS,
        ('docker run --network none --name way -m 20m --memory-swap 20m way tail /dev/zero; '
         "docker inspect -f '{{json .State}}' way"), 'docker rm way; systemctl stop docker docker.socket containerd'),
    'podman': (
        '%s | podman import - way' % ROOTFS,
        ('podman run --network none --name way --memory 20m --memory-swap 20m way tail /dev/zero; '
         "podman inspect -f '{{json .State}}' way"), 'podman rm way'),
    'earlyoom': ('systemctl start earlyoom; sleep 2', RUN + HOG, 'systemctl stop earlyoom'),
    'nohang': ('systemctl start nohang; sleep 3', RUN + HOG, 'systemctl stop nohang'),
    'kernel-host': ('', RUN + '-p OOMScoreAdjust=500 ' + HOG, ''),
}


def see(guest, name):
    """What the journal, and the command, say of one way: text. Raises VmError if the machine does not do it."""
    before, does, after = WAYS[name]
    guest.run('systemctl reset-failed way')
    if before:
        guest.run(before)
    start = guest.check('journalctl --sync; date +%s').strip()
    said = guest.run(does).stdout
    end = time.time() + 90
    while time.time() < end and guest.run('systemctl is-active --quiet way').rc == 0:
        time.sleep(1)
    guest.run('sleep 2; journalctl --sync')
    told(guest, name)
    text = guest.check('journalctl -q --no-pager -o short-iso --since @%s | grep -v "sshd\\|session\\|logind"' % start)
    guest.run(after or 'true')
    return text + said


def told(guest, name):
    """Print what the module says of the one that ended, on the machine itself."""
    asked = {'docker': 'container:way', 'podman': 'container:way', 'mariadb': 'unit:mariadb.service'}
    found = guest.module('oom_log_info', with_facts=True, why=asked.get(name, 'unit:way.service'), limit=5, tasks=1)
    verdict = found.get('verdict') or {}
    print('%-14s live: %s %s %s %s %s' % (
        name, verdict.get('was_memory'), verdict.get('limit'), verdict.get('actor'), verdict.get('caveats'),
        found.get('msg') or ''), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--suite', default='bookworm')
    parser.add_argument('--memory', type=int, default=640)
    parser.add_argument('--journal', metavar='FILE')
    parser.add_argument('ways', nargs='*', metavar='WAY')
    options = parser.parse_args()
    FIXTURES.mkdir(exist_ok=True)
    failed = []
    with Machine('killers', Image(options.suite, packages=list(PACKAGES)), memory=options.memory) as machine:
        guest = ModuleGuest(machine)
        machine.run('systemctl stop earlyoom nohang systemd-oomd docker docker.socket containerd')
        for name in options.ways or WAYS:
            try:
                text = see(guest, name)
            except VmError as error:
                failed.append(name)
                print('%s: %s' % (name, error), flush=True)
                continue
            (FIXTURES / ('%s-%s.log' % (name, options.suite))).write_text(text)
            print('%s: %d lines' % (name, len(text.splitlines())), flush=True)
        if options.journal:
            pathlib.Path(options.journal).write_text(machine.check('journalctl -q --no-pager -o short-iso'))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
