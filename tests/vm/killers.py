#!/usr/bin/env python
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever kills or refuses, seen doing it in one machine; what its journal says of each is kept.

    tests/vm/killers.py [--suite bookworm] [WAY ...]

What journalctl(1) shows of each goes to tests/unit/fixtures/killers/WAY-SUITE.log; the truth is in
tests/unit/plugins/module_utils/_verdict/test_killers.py. One script in the machine does all, as each command over ssh
takes seconds in an emulated one.
"""

import argparse
import re
import sys
import time

from image import REPOSITORY, Image
from machine import Machine

FIXTURES = REPOSITORY / 'tests' / 'unit' / 'fixtures' / 'killers'
PACKAGES = ('mariadb-server', 'earlyoom', 'nohang', 'systemd-oomd', 'php-cli', 'nodejs', 'docker.io', 'podman',
            'busybox-static', 'runc')
HEAD = r"""
hog='tail /dev/zero'
run() { systemd-run -q --unit=way -p OOMPolicy=stop "$@"; }
begin() { systemctl reset-failed way 2> /dev/null; journalctl --sync; logger -t ways "begin $1"; }
ended() {
    for i in $(seq 160); do systemctl is-active --quiet way || break; sleep 0.5; done
    sleep 1; logger -t ways end
}
rootfs() {
    mkdir -p /root/fs/bin; cp /bin/busybox /root/fs/bin/; ln -sf busybox /root/fs/bin/tail; tar -C /root/fs -c .
}
systemctl stop earlyoom nohang nohang-desktop systemd-oomd docker docker.socket containerd
"""
# name: (what is done before, what does it, what is undone)
WAYS = {
    'kill-9': ('', 'run sleep 99; systemctl kill -s KILL way', ''),
    'timeout-stop': ("run -p TimeoutStopSec=1 sh -c 'trap \"\" TERM; while :; do sleep 1; done'; sleep 2",
                     'systemctl stop way', ''),
    'watchdog': ('', "run -p Type=notify -p NotifyAccess=all -p WatchdogSec=3 sh -c 'systemd-notify --ready; sleep 60'",
                 ''),
    'pids-max': ('', "run -p TasksMax=4 bash -c 'for i in 1 2 3 4 5 6; do sleep 2 & done; wait'", ''),
    'kernel-limit': ('', 'run -p MemoryMax=20M -p MemorySwapMax=0 $hog', ''),
    'ulimit': ('', "run -p LimitAS=200M python3 -c 'bytearray(1 << 30)'", ''),
    'mariadb': (
        (r"systemctl stop mariadb; sysctl -qw vm.overcommit_memory=2; printf '[mysqld]\ninnodb_buffer_pool_size = 4G\n'"
         ' > /etc/mysql/mariadb.conf.d/99-way.cnf'), 'systemctl start mariadb',
        'sysctl -qw vm.overcommit_memory=0; rm /etc/mysql/mariadb.conf.d/99-way.cnf'),
    'php': ('', "run php -d memory_limit=32M -r 'str_repeat(\"x\", 64 << 20);'", ''),
    'systemd-oomd': (
        (r"mkdir -p /run/systemd/oomd.conf.d; printf '[OOM]\nDefaultMemoryPressureDurationSec=2s\n' > "
         '/run/systemd/oomd.conf.d/way.conf; systemctl restart systemd-oomd; systemctl set-property --runtime '
         'way.slice ManagedOOMMemoryPressure=kill ManagedOOMMemoryPressureLimit=1%'),
        'run -p Slice=way.slice -p MemoryHigh=10M $hog', 'systemctl stop systemd-oomd'),
    'earlyoom': ('systemctl start earlyoom; sleep 2', 'run $hog', 'systemctl stop earlyoom'),
    'kernel-host': ('', 'run -p OOMScoreAdjust=500 $hog', ''),
    'node': ('', "run node --max-old-space-size=16 -e 'a = []; for (;;) a.push(new Array(999).fill(1))'", ''),
    'docker': ('systemctl start docker; rootfs | docker import - way',
               'docker run --network none --name way -m 20m --memory-swap 20m way tail /dev/zero',
               'docker rm way; systemctl stop docker docker.socket containerd'),
    'podman': ('rootfs | podman import - way',
               'podman run --network none --name way --memory 20m --memory-swap 20m way tail /dev/zero',
               'podman rm way'),
    'nohang': ('systemctl start nohang; sleep 3', 'run $hog', 'systemctl stop nohang'),
}
_OF_THE_TEST = re.compile(r'sshd\[|systemd-logind|ways-script|session-\d+\.scope|user-0\.slice|user@0|pam_|ways\[')


def script(names):
    """The shell script that does these ways one after another."""
    parts = ['%s\nbegin %s\n%s\nended\n%s\n' % (WAYS[name][0], name, WAYS[name][1], WAYS[name][2]) for name in names]
    return HEAD + '\n'.join(parts) + 'logger -t ways "begin nothing"; journalctl --sync\n'


def parts(journal):
    """{way: its lines} of a journal in which each begins and ends with a line of the script's own."""
    found, name = {}, None
    for line in journal.splitlines():
        told = re.search(r' ways\[\d+\]: (?:begin (\S+)|(end))$', line)
        if told:
            name = told.group(1)
        elif name in WAYS and not _OF_THE_TEST.search(line):
            found.setdefault(name, []).append(line)
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--suite', default='bookworm')
    parser.add_argument('--memory', type=int, default=640)
    parser.add_argument('--seconds', type=int, default=1200)
    parser.add_argument('ways', nargs='*', metavar='WAY')
    options = parser.parse_args()
    names = options.ways or list(WAYS)
    with Machine('killers', Image(options.suite, packages=list(PACKAGES)), memory=options.memory,
                 append='systemd.service_watchdogs=yes') as machine:
        machine.check('cat > /root/ways.sh', input=script(names))
        machine.check('systemd-run -q --unit=ways-script -p OOMScoreAdjust=-900 bash /root/ways.sh')
        end = time.time() + options.seconds
        while time.time() < end and machine.run('systemctl is-active --quiet ways-script').rc == 0:
            time.sleep(10)
        found = parts(machine.check('journalctl -q --no-pager -o short-iso'))
    FIXTURES.mkdir(exist_ok=True)
    for name, lines in found.items():
        (FIXTURES / ('%s-%s.log' % (name, options.suite))).write_text('\n'.join(lines) + '\n')
        print('%s: %d lines' % (name, len(lines)))
    return 0 if set(found) >= set(names) else 1


if __name__ == '__main__':
    sys.exit(main())
