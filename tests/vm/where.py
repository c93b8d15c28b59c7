#!/usr/bin/env python
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger of memory_facts in machines of different kinds, before and after something took a known amount of memory.

    tests/vm/where.py                               # every eater on every host that is not right yet; then the table
    tests/vm/where.py --hosts 'plain swap' keys     # some eaters, on some hosts
    tests/vm/where.py --fresh keys                  # again, also where a result is there
    tests/vm/where.py --list                        # the table of the results that are there, nothing booted

A line for each host and eater of eat.c: what was taken, by how much the part grew that it belongs to, what holds the
memory in no counter before and after. Ends with 1 if a part grew by another amount than what was taken, by 5 points of
RAM or more, if another part grew by more, if a sum is not exact, or if over 3 % are in no counter beforehand. Results
are in .cache/where, with the commit that each came of, and a run goes on where it was stopped. Needs what packages.txt
lists.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

from image import REPOSITORY, Image, VmError
from machine import Machine
from modules import ModuleGuest

STATE = REPOSITORY / '.cache' / 'where'
MIB = 1 << 20
TAKE = 96
# The longest that an eater may take, on a busy host.
SECONDS = 420
# name: (suite, packages, MiB of RAM, shell before all)
HOSTS = {
    'old': ('bullseye', ['python3'], 512, ':'),
    'plain': ('bookworm', ['python3'], 512, ':'),
    'swap': ('trixie', ['python3'], 448,
             'fallocate -l 64M /swap && chmod 600 /swap && mkswap -q /swap && swapon /swap'),
    'database': ('bookworm', ['python3', 'mariadb-server'], 768, 'systemctl start mariadb'),
    'new': ('forky', ['python3'], 512, ':'),
}
TCP = 'ip link set lo up; echo 999999 999999 999999 > /proc/sys/net/ipv4/tcp_mem'
MANY = 'echo 100000 > /proc/sys/kernel/threads-max; echo 100000 > /proc/sys/kernel/pid_max'
KEYS = 'cd /proc/sys/kernel/keys; echo 9999999 > root_maxkeys; echo 2000000000 > root_maxbytes'
# function of eat.c: (kind of the part, its name or None for any, shell before it)
EATERS = {
    'anon': ('process', 'eat', ':'),
    'locked': ('process', 'eat', ':'),
    'tmpfs': ('shmem', '/tmp', 'mountpoint -q /tmp || mount -t tmpfs -o size=100% tmpfs /tmp'),
    'memfd': ('shmem', None, ':'),
    'sysv': ('shmem', None, ':'),
    'pagetables': ('page_tables', None, ':'),
    'keys': ('slab_unreclaimable', None, KEYS),
    'threads': ('kernel_stacks', None, MANY),
    'tcp': ('sockets', None, TCP),
    'vmalloc': ('vmalloc', None, ':'),
    'percpu': ('percpu', None, ':'),
    'pipes': ('unaccounted', None, ':'),
    'nothing': ('hugepages', None, ':'),
}
# With memory cgroups each chunk of percpu has an array of pointers by vmalloc that is twice as large as the chunk's
# part of one CPU (pcpu_alloc_chunk of mm/percpu.c).
BESIDE = {'percpu': 'vmalloc'}
# All of an eater in one connection: in an emulated machine each takes seconds.
TRY = """
facts() { echo '=== ledger'; python3 /root/oom/drive_module.py memory_facts '{"ledger_seconds": 5}'; }
sync; echo 3 > /proc/sys/vm/drop_caches
%(setup)s
facts
rm -f /taken
%(start)s
for each in $(seq 600); do [ -e /taken ] && break; sleep 0.2; done
[ -e /taken ] || journalctl -u eater -n 5
facts
echo '=== taken'
cat /taken
nproc
systemctl kill -s KILL eater; systemctl stop eater; systemctl reset-failed eater
rm -rf /tmp/*; echo 0 > /proc/sys/vm/nr_hugepages
ipcs -m | awk '$1 ~ /^0x/ {print $2}' | xargs -r -n 1 ipcrm -m
true
"""
START = ('systemd-run -q --unit=eater -p OOMPolicy=continue -p TasksMax=infinity -p LimitMEMLOCK=infinity '
         '-E AT_MOST=%d -E MARGIN=40 /root/eat %%s' % TAKE)
RESERVE = 'echo %d > /proc/sys/vm/nr_hugepages; echo $(($(cat /proc/sys/vm/nr_hugepages) << 21)) > /taken' % (TAKE // 2)


def tried(guest, eater):
    """(ledger before, ledger after, bytes that were taken) of one eater; VmError if one of them is not there."""
    _kind, _name, setup = EATERS[eater]
    start = RESERVE if eater == 'nothing' else START % eater
    said = guest.check(TRY % {'setup': setup, 'start': start}, timeout=SECONDS)
    before, _mark, rest = said.partition('=== ledger\n')[2].partition('=== ledger\n')
    after, _mark, rest = rest.partition('=== taken\n')
    numbers = rest.split()
    if len(numbers) != 2:
        raise VmError(said[-300:])
    # A megabyte that eat.c counts of percpu is one for each CPU.
    taken = int(numbers[0]) * (int(numbers[1]) if eater == 'percpu' else 1)
    return ledger_of(before), ledger_of(after), taken


def ledger_of(text):
    """The host's ledger of a result of memory_facts; AssertionError if it does not add up to its total."""
    ledger = json.loads(text.splitlines()[0])['ansible_facts']['memory']['ledger']
    told = sum(part['bytes'] or 0 for part in ledger['parts'])
    assert told + ledger['unaccounted_bytes'] == ledger['total_bytes'], ledger
    return ledger


def held(ledger):
    """{(kind, name): bytes} of a ledger's parts, and of what no counter holds."""
    found = {('unaccounted', None): ledger['unaccounted_bytes']}
    for part in ledger['parts']:
        key = (part['kind'], part['name'])
        found[key] = found.get(key, 0) + (part['bytes'] or 0)
    return found


def grown(before, after, kind, name=None):
    def bytes_of(ledger):
        return sum(size for (its, called), size in held(ledger).items() if its == kind and name in (None, called))
    return bytes_of(after) - bytes_of(before)


def run(guest, eater):
    """{line, right} of one eater."""
    kind, name, _setup = EATERS[eater]
    before, after, taken = tried(guest, eater)
    if eater == 'keys':
        # What the slab hands out for a key is not what was asked for.
        taken = max(taken, grown(before, after, kind))
    total, more = after['total_bytes'], grown(before, after, kind, name)
    kinds = sorted(set(key[0] for key in held(after)) - {'free', 'page_cache'})
    most = max(kinds, key=lambda one: grown(before, after, one))
    unknown = before['unaccounted_bytes'] / total
    right = abs(more - taken) < total * 0.05 and most in (kind, BESIDE.get(kind)) and unknown < 0.03
    line = '%-11s took %4d MiB, %s grew by %4d MiB, in no counter %5.2f %% before and %5.2f %% after  %s' % (
        eater, taken // MIB, ' '.join(filter(None, [kind, name])), more // MIB, unknown * 100,
        after['unaccounted_bytes'] / total * 100, 'yes' if right else 'NO: most grew %s' % most)
    return {'line': line, 'right': bool(right)}


def commit():
    return subprocess.run(['git', 'rev-parse', '--short=10', 'HEAD'], cwd=REPOSITORY, stdout=subprocess.PIPE,
                          check=True, text=True).stdout.strip()


def result_of(host, eater):
    """{line, right, commit} of an eater that was tried on a host, else {}."""
    path = STATE / host / (eater + '.json')
    return json.loads(path.read_text(encoding='utf-8')) if path.exists() else {}


def try_host(host, eaters):
    """Boot a host, try eaters, and keep each result, which is there whole or not at all."""
    suite, packages, memory, setup = HOSTS[host]
    (STATE / host).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, \
            Machine('where-' + host, Image(suite, packages=packages), memory=memory) as machine:
        eat = pathlib.Path(scratch) / 'eat'
        subprocess.run(['gcc', '-static', '-O1', '-s', '-o', str(eat), str(pathlib.Path(__file__).with_name('eat.c'))],
                       check=True)
        guest = ModuleGuest(machine)
        machine.put(eat, '/root/eat')
        machine.check('chmod 755 /root/eat; ' + setup)
        for eater in eaters:
            try:
                result = run(guest, eater)
            except (VmError, subprocess.TimeoutExpired) as error:
                result = {'line': '%-11s NO: %s' % (eater, ' '.join(str(error).split())[:300]), 'right': False}
            print('%-9s %s' % (host, result['line']), flush=True)
            partial = STATE / host / (eater + '.part')
            partial.write_text(json.dumps(dict(result, commit=commit()), sort_keys=True) + '\n', encoding='utf-8')
            partial.rename(partial.with_suffix('.json'))


def table(hosts, eaters):
    """(lines, whether every result is there and right)."""
    lines, right, now = [], 0, commit()
    for host in hosts:
        for eater in eaters:
            found = result_of(host, eater)
            right += found.get('right', False)
            mark = '*' if found.get('commit', now) != now else ''
            lines.append('%-9s %-11s %s' % (host, found.get('commit', '') + mark,
                                            found.get('line', '%-11s to do' % eater)))
    count = len(hosts) * len(eaters)
    return lines + ['%d of %d right; * on an older commit' % (right, count)], right == count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--hosts', default=' '.join(HOSTS), help='names, blanks between them')
    parser.add_argument('--fresh', action='store_true', help='try again what is right')
    parser.add_argument('--list', action='store_true', help='boot nothing')
    parser.add_argument('eaters', nargs='*', metavar='EATER')
    options = parser.parse_args()
    hosts, eaters = options.hosts.split(), options.eaters or list(EATERS)
    for host in () if options.list else hosts:
        ahead = [eater for eater in eaters if options.fresh or not result_of(host, eater).get('right')]
        if ahead:
            # What was wrong comes last: a machine that it takes along has had the others by then.
            try_host(host, sorted(ahead, key=lambda eater: bool(result_of(host, eater))))
    lines, right = table(hosts, eaters)
    print('\n'.join(lines))
    return 0 if right else 1


if __name__ == '__main__':
    sys.exit(main())
