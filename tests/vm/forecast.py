#!/usr/bin/env python
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forecast of memory_facts against a real kernel: is the one that it names killed, after as much as it says?

    tests/vm/forecast.py [--suite bookworm] [--memory 512] [MIX ...]    # those that have no result yet
    tests/vm/forecast.py --fresh tmpfs                                  # again, also where a result is there
    tests/vm/forecast.py --list                                         # the results that are there, nothing booted

Each mix starts processes, asks, and then has one of them, or a tmpfs, grow until the kernel kills. A line for each:
whom the forecast named and whom the kernel killed, the range, what it really took, and how far that is outside of it.
Results are in .cache/forecast, and a run goes on where it was stopped.
"""

import argparse
import json
import re
import sys
import time

from image import REPOSITORY, Image
from machine import Machine
from modules import ModuleGuest

STATE = REPOSITORY / '.cache' / 'forecast'
MIB = 1 << 20
# The range may be missed by so much of what it really took.
NEAR = 0.15
# hold.py NAME MIB ADJ [grow | shm]: holds anonymous memory, and with a third word takes more by the MiB.
HOLD = r"""
import mmap, os, sys, time
name, mib, adj = sys.argv[1], int(sys.argv[2]), sys.argv[3]
open('/proc/self/comm', 'w').write(name)
open('/proc/self/oom_score_adj', 'w').write(adj)
def more(mib):
    area = mmap.mmap(-1, mib << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for place in range(0, mib << 20, 4096):
        area[place] = 1
    return area
held = [more(mib)] if mib else []
open('/run/ready-' + name, 'w').close()
if len(sys.argv) > 4:
    while not os.path.exists('/run/go'):
        time.sleep(0.1)
    count = os.open('/run/grown', os.O_CREAT | os.O_WRONLY)
    shm = os.open('/dev/shm/grown', os.O_CREAT | os.O_WRONLY) if sys.argv[4] == 'shm' else None
    def kills():
        with open('/proc/vmstat') as stream:
            return [line for line in stream if line.startswith('oom_kill ')]
    block, grown, before = b'x' * (1 << 20), 0, kills()
    while kills() == before:
        if shm is None:
            held.append(more(1))
        else:
            os.write(shm, block)
        grown += 1
        os.pwrite(count, b'%6d' % grown, 0)
time.sleep(3600)
"""
# (name, [(process, MiB, oom_score_adj, grows)], limit of a cgroup for all of them in MiB or None, swap in MiB, page
# cache in MiB). The one that grows is not the victim, unless it is that already: as it grows, it would be.
MIXES = (
    ('largest-grows', [('big', 90, 0, 'grow'), ('small', 40, 0, None)], None, 0, 0),
    ('protected-grows', [('prey', 90, 0, None), ('hog', 10, -1000, 'grow')], None, 0, 0),
    ('raised-is-prey', [('prey', 20, 400, None), ('hog', 30, -1000, 'grow')], None, 0, 0),
    ('many-and-one', [('w%d' % n, 12, 0, None) for n in range(6)] + [('hog', 5, -1000, 'grow'), ('prey', 30, 0, None)],
     None, 0, 0),
    ('swap', [('prey', 90, 0, None), ('hog', 10, -1000, 'grow')], None, 128, 0),
    ('swap-largest', [('big', 120, 0, 'grow'), ('small', 60, 0, None)], None, 128, 0),
    ('tmpfs', [('prey', 90, 0, None), ('writer', 5, -1000, 'shm')], None, 0, 0),
    ('tmpfs-swap', [('prey', 90, 0, None), ('writer', 5, -1000, 'shm')], None, 128, 0),
    ('cache', [('prey', 60, 0, None), ('hog', 10, -1000, 'grow')], None, 0, 150),
    ('lowered', [('kept', 100, -600, None), ('prey', 50, 0, None), ('hog', 10, -1000, 'grow')], None, 0, 0),
    ('cg-largest', [('big', 40, 0, 'grow'), ('small', 20, 0, None)], 120, 0, 0),
    ('cg-protected', [('prey', 40, 0, None), ('hog', 10, -1000, 'grow')], 120, 0, 0),
    ('cg-raised', [('prey', 10, 500, None), ('hog', 20, -1000, 'grow')], 120, 0, 0),
    ('cg-twins', [('one', 25, 0, None), ('two', 30, 0, None), ('hog', 5, -1000, 'grow')], 120, 0, 0),
    ('cg-tmpfs', [('prey', 40, 0, None), ('writer', 5, -1000, 'shm')], 120, 0, 0),
    ('cg-cache', [('prey', 40, 0, None), ('hog', 5, -1000, 'grow')], 120, 0, 100),
    ('cg-swap', [('prey', 40, 0, None), ('hog', 5, -1000, 'grow')], 100, 96, 0),
    ('cg-small', [('prey', 10, 0, None), ('hog', 5, -1000, 'grow')], 48, 0, 0),
    ('cg-many', [('w%d' % n, 9, 0, None) for n in range(6)] + [('hog', 5, -1000, 'grow'), ('prey', 20, 0, None)],
     160, 0, 0),
    ('cg-lowered', [('kept', 40, -700, None), ('prey', 20, 0, None), ('hog', 5, -1000, 'grow')], 120, 0, 0),
)
KILLED = re.compile(r'Killed process (\d+) \(([^)]*)\)')


def started(guest, processes, limit, cache):
    """Start the processes of a mix, in one unit with a limit or each in its own, and wait until they hold theirs."""
    guest.run('rm -f /run/ready-* /run/go /run/grown; dmesg -C; sync; echo 3 > /proc/sys/vm/drop_caches')
    options = '-p OOMPolicy=continue -p OOMScoreAdjust=0'
    lines = ['python3 /root/hold.py %s %d %d %s' % (name, mib, adj, how or '') for name, mib, adj, how in processes]
    read = 'dd if=/root/cache of=/dev/null bs=1M count=%d status=none' % cache if cache else 'true'
    if limit:
        script = '%s; %s & wait' % (read, ' & '.join(lines))
        guest.check("systemd-run -q --unit=mix %s -p MemoryMax=%dM sh -c '%s'" % (options, limit, script))
    else:
        for number, line in enumerate(lines):
            guest.check('systemd-run -q --unit=mix%d %s %s' % (number, options, line))
    for name, _mib, _adj, _how in processes:
        guest.check('for i in $(seq 300); do [ -e /run/ready-%s ] && break; sleep 0.2; done' % name)
    if not limit:
        guest.check(read)
    time.sleep(1)


def ended(guest):
    guest.run("systemctl kill -s KILL 'mix*'; systemctl stop 'mix*'; systemctl reset-failed; rm -f /dev/shm/grown")
    guest.run('swapoff -a')


def next_of(facts, limit):
    if not limit:
        return facts['forecast']['host']
    return next(each for each in facts['forecast']['cgroups'] if each['path'].endswith('/mix.service'))


def run(guest, mix):
    """What was said of a mix and what came of it: {named, pid, low, high, killed, killed_pid, grown, in_no_counter}.

    ``low``, ``high`` and ``grown`` are in MiB; ``killed`` is None if nobody was.
    """
    _name, processes, limit, swap, cache = mix
    if swap:
        guest.check('fallocate -l %dM /swap && chmod 600 /swap && mkswap -q /swap && swapon /swap' % swap)
    try:
        started(guest, processes, limit, cache)
        facts = guest.module('memory_facts')['ansible_facts']['memory']
        found, ledger = next_of(facts, limit), facts['ledger']
        guest.check('touch /run/go')
        end = time.time() + 300
        while time.time() < end and not KILLED.search(guest.run('dmesg').stdout):
            time.sleep(1)
        killed = KILLED.search(guest.run('dmesg').stdout)
        grown = int(guest.check('cat /run/grown') or 0)
    finally:
        ended(guest)
    return {'named': found['name'], 'pid': found['pid'], 'low': found['distance_bytes']['low'] // MIB,
            'high': found['distance_bytes']['high'] // MIB, 'killed': killed and killed.group(2),
            'killed_pid': killed and int(killed.group(1)), 'grown': grown,
            'in_no_counter': ledger['unaccounted_bytes'] / ledger['total_bytes']}


def judge(found):
    """(MiB outside of the range, whether the named one was killed, whether the distance was near) of a result."""
    outside = max(found['low'] - found['grown'], found['grown'] - found['high'], 0)
    return outside, found['killed_pid'] == found['pid'], outside <= NEAR * found['grown']


def line_of(name, found):
    outside, named, near = judge(found)
    return '%-16s named %-8s killed %-8s %s  said %4d to %4d MiB, took %4d, outside %3d %s  in no counter %.1f %%' % (
        name, found['named'], found['killed'] or '-', 'yes' if named else 'NO ', found['low'], found['high'],
        found['grown'], outside, 'yes' if near else 'NO ', 100.0 * found['in_no_counter'])


def make(mixes, suite, memory, state):
    """Run mixes in one machine, and keep what came of each in ``state``."""
    state.mkdir(parents=True, exist_ok=True)
    with Machine('forecast', Image(suite, packages=['python3']), memory=memory) as machine:
        guest = ModuleGuest(machine)
        machine.check('cat > /root/hold.py', input=HOLD)
        machine.check('dd if=/dev/zero of=/root/cache bs=1M count=200 status=none')
        # By default a tmpfs ends at half of RAM.
        machine.check('mount -o remount,size=100% /dev/shm')
        for mix in mixes:
            found = run(guest, mix)
            (state / (mix[0] + '.json')).write_text(json.dumps(found, sort_keys=True) + '\n')
            print(line_of(mix[0], found), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--suite', default='bookworm')
    parser.add_argument('--memory', type=int, default=512)
    parser.add_argument('--fresh', action='store_true', help='run also where a result is there')
    parser.add_argument('--list', action='store_true', help='boot nothing')
    parser.add_argument('mixes', nargs='*', metavar='MIX')
    options = parser.parse_args()
    state = STATE / ('%s-%d' % (options.suite, options.memory))
    asked = [mix for mix in MIXES if not options.mixes or mix[0] in options.mixes]
    missing = [mix for mix in asked if options.fresh or not (state / (mix[0] + '.json')).exists()]
    if missing and not options.list:
        make(missing, options.suite, options.memory, state)
    there = [(mix[0], state / (mix[0] + '.json')) for mix in asked if (state / (mix[0] + '.json')).exists()]
    results = [(name, json.loads(path.read_text())) for name, path in there]
    print('\n'.join(line_of(name, found) for name, found in results))
    right = sum(all(judge(found)[1:]) for _name, found in results)
    print('%d of %d: the one that was named, within %d %%' % (right, len(results), NEAR * 100))
    return 0 if right * 10 >= len(results) * 9 else 1


if __name__ == '__main__':
    sys.exit(main())
