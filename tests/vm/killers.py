#!/usr/bin/env python
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever kills or refuses, seen doing it in a machine: what its journal says is kept, and `why` is asked there.

    tests/vm/killers.py                              # every way on every suite that has no fixture yet
    tests/vm/killers.py --suites trixie systemd-oomd
    tests/vm/killers.py --fresh docker podman        # again, also where a fixture is there
    tests/vm/killers.py --check                      # every way, and what `why` says of it; no fixture is written
    tests/vm/killers.py --list

What journalctl(1) shows of each way goes to tests/unit/fixtures/killers/WAY-SUITE.log, and a run goes on where it was
stopped. The truth is in truth.json beside them, for the test of the logs and for what `why` has to say in the machine,
where systemd, the engine and the cgroup can be asked as well. Its answers are in .cache/killers. A way whose answer was
wrong, or that left no line, has no fixture and is tried again; then this ends with 1.
"""

import argparse
import dataclasses
import json
import re
import sys
import time

from image import REPOSITORY, Image, VmError
from machine import Machine

FIXTURES = REPOSITORY / 'tests' / 'unit' / 'fixtures' / 'killers'
STATE = REPOSITORY / '.cache' / 'killers'
SUITES = ('bookworm', 'trixie', 'forky')
# Images by what they hold, so that none takes long to build.
BATCHES = {
    'units': (),
    'userspace': ('earlyoom', 'nohang', 'systemd-oomd'),
    'oomd': ('systemd-oomd',),
    'runtimes': ('php-cli', 'nodejs'),
    'jvm': ('default-jre-headless',),
    'mariadb': ('mariadb-server',),
    'engines': ('docker.io', 'podman', 'runc', 'busybox-static'),
}
# openjdk's alternatives are links beside manual pages, whose directory the lean images lack; apt runs this within them.
APTOPTS = {'jvm': ['DPkg::Pre-Invoke {"mkdir -p /usr/share/man/man1";};']}
HEAD = r"""
hog='tail /dev/zero'
# The image has no apparmor_parser, without which Docker loads no profile.
unconfined='--security-opt apparmor=unconfined'
run() { systemd-run -q --unit=way -p OOMPolicy=stop "$@"; }
# A unit that failed keeps its name, and what befell it within ten minutes is one incident.
forget() {
    systemctl reset-failed way 2> /dev/null; sleep 1
    journalctl -q --rotate; journalctl -q --vacuum-time=1s 2> /dev/null; dmesg --clear
}
begin() { journalctl --sync; logger -t ways "begin $1"; }
ended() {
    for i in $(seq 240); do systemctl is-active --quiet way || break; sleep 0.5; done
    sleep 1; logger -t ways end; journalctl --sync
}
rootfs() {
    mkdir -p /root/fs/bin /root/fs/proc /root/fs/sys /root/fs/dev /root/fs/etc /root/fs/tmp
    cp /bin/busybox /root/fs/bin/; for name in tail sh sleep; do ln -sf busybox /root/fs/bin/$name; done
    tar -C /root/fs -c .
}
docker_up() {
    # Neither a bridge nor a table of the firewall is of use to a container without a network.
    mkdir -p /etc/docker; echo '{"bridge": "none", "iptables": false, "ip6tables": false}' > /etc/docker/daemon.json
    systemctl reset-failed docker docker.socket containerd; systemctl start docker
    docker image inspect way > /dev/null 2>&1 || rootfs | docker import - way
    docker rm -f way
}
podman_up() {
    export CONTAINERS_CONF=/root/containers.conf
    printf '[engine]\nruntime = "runc"\ncgroup_manager = "systemd"\nevents_logger = "journald"\n' > $CONTAINERS_CONF
    podman image inspect way > /dev/null 2>&1 || rootfs | podman import - way
    podman rm -f way
}
"""
ASK = """import sys
from ansible_collections.oom.rescue.plugins.module_utils._cli.main import main
sys.exit(main(['why', sys.argv[1], '--json', '-']))
"""
ALONE = 'systemctl stop earlyoom nohang nohang-desktop systemd-oomd docker docker.socket containerd mariadb'


@dataclasses.dataclass
class Way:
    """One way to end: what does it, what is done before and undone after it, and what its machine has to have."""

    do: str
    before: str = ''
    after: str = ''
    batch: str = 'units'
    suites: tuple = ('bookworm',)


OOMD = (r"mkdir -p /run/systemd/oomd.conf.d; printf '[OOM]\nDefaultMemoryPressureDurationSec=2s\n' > "
        '/run/systemd/oomd.conf.d/way.conf; systemctl restart systemd-oomd; systemctl set-property --runtime '
        'way.slice ManagedOOMMemoryPressure=kill ManagedOOMMemoryPressureLimit=1%')
STUBBORN = "sh -c 'trap \"\" TERM; while :; do sleep 1; done'"
WAYS = {
    'kill-9': Way('run sleep 99; systemctl kill -s KILL way'),
    'timeout-stop': Way('systemctl stop way', 'run -p TimeoutStopSec=1 %s; sleep 2' % STUBBORN),
    'watchdog': Way("run -p Type=notify -p NotifyAccess=all -p WatchdogSec=3 sh -c 'systemd-notify --ready; sleep 60'"),
    'ulimit': Way("run -p LimitAS=200M python3 -c 'bytearray(1 << 30)'"),
    # What the kernel itself says comes last in a machine: its ring buffer is not forgotten.
    'pids-max': Way("run -p TasksMax=4 bash -c 'for i in 1 2 3 4 5 6; do sleep 2 & done; wait'"),
    'kernel-limit': Way('run -p MemoryMax=20M -p MemorySwapMax=0 $hog'),
    'kernel-host': Way('run -p OOMScoreAdjust=500 $hog'),
    'mariadb': Way(
        'systemctl start mariadb',
        (r"sysctl -qw vm.overcommit_memory=2; printf '[mysqld]\ninnodb_buffer_pool_size = 4G\n'"
         ' > /etc/mysql/mariadb.conf.d/99-way.cnf'),
        'sysctl -qw vm.overcommit_memory=0; rm /etc/mysql/mariadb.conf.d/99-way.cnf', batch='mariadb'),
    'php': Way("run php -d memory_limit=32M -r 'str_repeat(\"x\", 64 << 20);'", batch='runtimes'),
    'node': Way("run node --max-old-space-size=16 -e 'a = []; for (;;) a.push(new Array(999).fill(1))'",
                batch='runtimes'),
    # It reads the whole file into its heap.
    'jvm': Way('run java -Xmx8m sun.security.tools.keytool.Main -printcert -file /root/large',
               'truncate -s 32M /root/large', batch='jvm'),
    'earlyoom': Way('run $hog', 'systemctl start earlyoom; sleep 2', 'systemctl stop earlyoom', 'userspace'),
    'nohang': Way('run $hog', 'systemctl start nohang; sleep 3', 'systemctl stop nohang', 'userspace'),
    'systemd-oomd': Way('run -p Slice=way.slice -p MemoryHigh=10M $hog', OOMD, 'systemctl stop systemd-oomd',
                        'oomd', SUITES),
    'docker': Way('docker run $unconfined --network none --name way -m 20m --memory-swap 20m way tail /dev/zero',
                  'docker_up', batch='engines'),
    'docker-stop': Way('docker stop -t 2 way',
                       'docker_up; docker run -d $unconfined --network none --name way way ' + STUBBORN,
                       batch='engines'),
    'podman': Way('podman run --network none --name way --memory 20m --memory-swap 20m way tail /dev/zero',
                  'podman_up', batch='engines'),
}
_OF_THE_TEST = re.compile(
    r'sshd(?:-session)?\[|systemd-logind|ways-script|session-\d+\.scope|user-0\.slice|user@0|pam_|ways\[|ways\.sh'
    r'|run-r[0-9a-f]+')


def script(name):
    """The shell script that does one way."""
    way = WAYS[name]
    return '%sforget\n%s\nbegin %s\n%s\nended\n%s\n' % (HEAD, way.before, name, way.do, way.after)


def lines_of(name, journal):
    """The lines of a journal between those with which the script says that it begins this way and ends it."""
    found, within = [], False
    for line in journal.splitlines():
        told = re.search(r' ways\[\d+\]: (?:begin (\S+)|(end))$', line)
        if told:
            within = told.group(1) == name
            found = [] if within else found
        elif within and not _OF_THE_TEST.search(line):
            found.append(line)
    return found


def fixture(name, suite):
    return FIXTURES / ('%s-%s.log' % (name, suite))


def truth():
    """{way: {verdict: [was_memory, limit, actor], victim, why: what `why` is asked for, or left out}}."""
    return json.loads((FIXTURES / 'truth.json').read_text(encoding='utf-8'))


def one(machine, name, suite, options):
    """Do one way, keep its lines, and ask why it ended; whether all that was said is the truth."""
    machine.check('cat > /root/ways.sh', input=script(name))
    machine.check('systemd-run -q --unit=ways-script -p OOMScoreAdjust=-900 bash /root/ways.sh; true')
    end = time.monotonic() + options.seconds
    while time.monotonic() < end and machine.run('systemctl is-active --quiet ways-script').rc == 0:
        time.sleep(3)
    journal = machine.check('journalctl -q --no-pager -o short-iso')
    (STATE / ('%s-%s.journal' % (name, suite))).write_text(journal, encoding='utf-8')
    lines = lines_of(name, journal.replace(machine.name, 'killers'))
    print('%s on %s: %d lines' % (name, suite, len(lines)), flush=True)
    if not lines or not why(machine, name, suite):
        return False
    if not options.check:
        fixture(name, suite).write_text('\n'.join(lines) + '\n', encoding='utf-8')
    return True


def why(machine, name, suite):
    """Whether `why` in the machine says of it what the truth is."""
    expected = truth()[name]
    if 'why' not in expected:
        return True
    done = machine.run('python3 /root/why.py %s' % expected['why'])
    (STATE / ('%s-%s.why.json' % (name, suite))).write_text(done.stdout or done.stderr, encoding='utf-8')
    try:
        verdict = json.loads(done.stdout)['hosts'][0]['verdict']
    except ValueError:
        print('  why %s: %s' % (expected['why'], done.stderr.strip()), flush=True)
        return False
    said = [verdict[key] for key in ('was_memory', 'limit', 'actor')] if verdict else None
    print('  why %s: %s' % (expected['why'], verdict and verdict['sentence']), flush=True)
    if said != expected['verdict']:
        print('  is WRONG, it was %s, not %s' % (expected['verdict'], said), flush=True)
    return said == expected['verdict']


def batch(name, names, suite, options):
    """Do some ways in one machine; whether each left lines and was said right."""
    image = Image(suite, packages=list(BATCHES[name]), aptopts=APTOPTS.get(name, []))
    with Machine('killers-%s-%s' % (name, suite), image, memory=options.memory,
                 append='systemd.service_watchdogs=yes') as machine:
        # No zip file: what Python has compiled of it is kept, which takes longer than all else in an emulated machine.
        machine.put(REPOSITORY / 'plugins', '/root/ansible_collections/oom/rescue/plugins')
        machine.check('cat > /root/why.py', input=ASK)
        machine.run(ALONE)
        return [one(machine, way, suite, options) for way in names]


def wanted(options):
    """{(batch, suite): [way]} of what is to be done."""
    found = {}
    for name, way in WAYS.items():
        for suite in way.suites:
            if name in (options.ways or WAYS) and suite in options.suites and (
                    options.fresh or options.check or not fixture(name, suite).exists()):
                found.setdefault((way.batch, suite), []).append(name)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--suites', nargs='+', default=SUITES, choices=SUITES)
    parser.add_argument('--memory', type=int, default=640)
    parser.add_argument('--seconds', type=int, default=400, help='the longest time of one way')
    parser.add_argument('--fresh', action='store_true', help='again, also where a fixture is there')
    parser.add_argument('--check', action='store_true', help='do every way, and leave the fixtures as they are')
    parser.add_argument('--list', action='store_true', help='say what is to be done, and do nothing')
    parser.add_argument('ways', nargs='*', metavar='WAY')
    options = parser.parse_args()
    unknown = sorted(set(options.ways) - set(WAYS))
    if unknown:
        sys.exit('%s: no way is called so; there are: %s' % (', '.join(unknown), ' '.join(WAYS)))
    STATE.mkdir(parents=True, exist_ok=True)
    right = []
    for (name, suite), names in wanted(options).items():
        print('=== %s on %s: %s' % (name, suite, ' '.join(names)), flush=True)
        if not options.list:
            try:
                right += batch(name, names, suite, options)
            except VmError as error:
                print(error, flush=True)
                right.append(False)
    return 0 if all(right) else 1


if __name__ == '__main__':
    sys.exit(main())
