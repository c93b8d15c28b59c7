#!/usr/bin/env python
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remedies against real kernels: has each outage again with the remedy that its report was said to be prevented by.

    tests/vm/effects.py                    # every trial that has no result yet; then the table
    tests/vm/effects.py 'swap*' -k 6.12    # some trials, on some kernels
    tests/vm/effects.py --fresh score      # again, also where a result is there
    tests/vm/effects.py --list             # the table of the results that are there, nothing booted

A trial boots a kernel as ways.py does and has one outage twice: as it was, and with the remedy in force. The report of
the first is judged by remedies_of(); what came of the second is held against the effect that it names: `prevents` is
right if the target was met, `none` if the end was the same; other effects promise nothing that is judged here. Results
are in .cache/effects, and a run goes on where it was stopped. Ends with 1 if an effect was not what the kernel did.
"""

import argparse
import dataclasses
import fnmatch
import json
import pathlib
import subprocess
import sys
import tempfile

import ways
from image import FIRST_OF_INIT, REPOSITORY

STATE = REPOSITORY / '.cache' / 'effects'
MARK = '=== '
# `take NAME MIB [VARIABLE=VALUE ...]` holds so much under a name; without an end it grows until somebody is killed.
INIT = FIRST_OF_INIT + """mkdir /shm; mount -t tmpfs -o size=100%%,nr_inodes=0 tmpfs /shm
echo +memory > /sys/fs/cgroup/cgroup.subtree_control
mkdir /sys/fs/cgroup/limited
for module in /modules/*; do test -f $module && insmod $module; done
rm -r /modules
take() {
    name=$1; mib=$2; shift 2
    ln -sf eat /bin/$name
    env MARGIN=-1000000 AT_MOST=$mib TAKEN=/taken.$name "$@" /bin/$name anon &
    pids="$pids $!"
}
held() { until test -e /taken.$1 || killed; do sleep 0.2; done; }
killed() { dmesg | grep -q 'Killed process'; }
enter() { echo 0 > /sys/fs/cgroup/limited/cgroup.procs; }
attempt() {
    dmesg -c > /dev/null
    pids=
    rm -f /taken.* /failed
    outage
    sleep 1
    echo '%(mark)s'$1
    for pid in $pids; do test -e /proc/$pid && echo alive $(cat /proc/$pid/comm); done
    for each in /taken.*; do test -e $each && echo whole ${each#/taken.}; done
    test -e /failed && echo failed
    echo "%(mark)slog"
    dmesg
    echo '%(mark)send'
    kill -9 $pids; wait
    rm -rf /shm/*
    sleep 1
}
outage() {
%(outage)s
}
%(setup)s
attempt before
%(remedy)s
attempt after
echo o > /proc/sysrq-trigger
sleep 60
"""


@dataclasses.dataclass(frozen=True)
class Trial:
    """An outage and a remedy.

    ``remedy``: (name, target) of the row. ``outage``: shell that has the outage. ``does``: shell that puts the remedy
    in force, with %d for the size that the row says. ``met``: what shows that the target was met, of the lines that
    attempt() prints. ``options``: those of remedies_of(). ``facts``: memory facts that a log does not have.
    """

    remedy: tuple
    outage: str
    does: str
    met: str
    setup: str = ':'
    options: dict = dataclasses.field(default_factory=dict)
    facts: dict = None
    memory: int = 256
    swap: int = 0
    kernels: tuple = ways.WIDE


def _swap(mib, memory):
    # As much as the rule gives.
    return Trial(('swap', 'shortage'), 'take worker %d; held worker' % mib, 'mkswap /dev/vda; swapon /dev/vda',
                 'whole worker', options={'expected_peak_bytes': (mib + 60) << 20}, memory=memory,
                 swap=512 if memory <= 288 else 1024)


def _score(mysqld, others=''):
    return Trial(('score', 'mysqld'), 'take mysqld %d; held mysqld; %s lower; take php 9999; until killed; do '
                 'sleep 0.2; done' % (mysqld, others),
                 'lower() { for pid in $pids; do test $(cat /proc/$pid/comm) = mysqld && echo -600 > '
                 '/proc/$pid/oom_score_adj; done; }', 'alive mysqld', setup='lower() { :; }')


def _limit(limit, mib):
    return Trial(('cgroup_limit', 'shortage'), '(enter; take worker %d; held worker; sleep 1)' % mib,
                 'echo %d > /sys/fs/cgroup/limited/memory.max', 'whole worker',
                 setup='echo %dM > /sys/fs/cgroup/limited/memory.max' % limit,
                 options={'expected_peak_bytes': (mib + 2) << 20},
                 facts={'ram': {'total_bytes': 240 << 20, 'available_bytes': 180 << 20}})


def _workers(mib):
    return Trial(('workers', 'shortage'),
                 'number=0; while test $number -lt $count; do number=$((number + 1)); ln -sf eat /bin/httpd; '
                 'env MARGIN=-1000000 AT_MOST=%d TAKEN=/taken.$number /bin/httpd anon & pids="$pids $!"; sleep 0.3; '
                 'killed && break; done; until test -e /taken.$count || killed; do sleep 0.2; done; '
                 'test $number -eq $count && test -e /taken.$count && : > /taken.all' % mib,
                 'count=%d', 'whole all', setup='count=40')


TRIALS = {}
for _number, (_mib, _memory) in enumerate((
        (260, 256), (300, 256), (340, 256), (240, 224), (280, 224), (320, 288), (360, 288), (400, 320), (280, 256),
        (330, 288))):
    TRIALS['swap-%d' % _number] = _swap(_mib, _memory)
for _number, (_mysqld, _others) in enumerate((
        (110, ''), (120, ''), (112, ''), (100, 'take sshd 4;'), (110, 'take redis 20;'), (120, 'take redis 10;'),
        (115, 'take cron 3; take nginx 8;'), (105, 'take sshd 2; take node 12;'), (113, 'take java 5;'),
        (118, 'take ruby 15;'))):
    TRIALS['score-%d' % _number] = _score(_mysqld, _others)
for _number, (_limited, _mib) in enumerate((
        (40, 45), (48, 55), (56, 66), (64, 72), (32, 36), (36, 44), (44, 50), (52, 60), (60, 70), (72, 84))):
    TRIALS['cgroup-limit-%d' % _number] = _limit(_limited, _mib)
for _number, _mib in enumerate((8, 12, 16)):
    TRIALS['workers-%d' % _number] = _workers(_mib)
# What is said to change nothing.
for _number, _mib in enumerate((60, 80, 100)):
    TRIALS['none-swap-group-%d' % _number] = dataclasses.replace(
        _limit(48, _mib), remedy=('swap', 'shortage'), does='mkswap /dev/vda; swapon /dev/vda', swap=1024, facts=None,
        setup='echo 48M > /sys/fs/cgroup/limited/memory.max; echo 0 > /sys/fs/cgroup/limited/memory.swap.max')
TRIALS['none-swap-huge'] = Trial(
    ('swap', 'shortage'), 'take worker 9999; until killed; do sleep 0.2; done', 'mkswap /dev/vda; swapon /dev/vda',
    'alive worker', setup='echo 95 > /proc/sys/vm/nr_hugepages', swap=1024)


def initramfs(text, series, scratch, disk):
    """The path of an initramfs that runs ``text``; by ways.py, with another init."""
    way = ways.Way('', 'anon', None, disk=disk)
    packed = ways.initramfs(way, series, scratch)
    root = scratch / 'root'
    for name in ('ln', 'kill', 'cp'):
        (root / 'bin' / name).symlink_to('busybox')
    (root / 'init').write_text(text)
    with open(packed, 'wb') as stream:
        subprocess.run('find . | cpio --quiet -o -H newc', shell=True, cwd=root, stdout=stream, check=True)
    return packed


def boot(trial, series, scratch, does, seconds=300):
    """What the console of a machine shows that runs a trial, with the remedy as the shell text ``does``."""
    text = INIT % {'mark': MARK, 'outage': trial.outage, 'setup': trial.setup, 'remedy': does}
    argv = ['qemu-system-x86_64', '-nodefaults', '-display', 'none', '-no-reboot', '-m', str(trial.memory), '-cpu',
            ways.EMULATED_CPU, '-kernel', str(ways.kernel_file(ways.kernel_tree(series))), '-initrd',
            str(initramfs(text, series, scratch, bool(trial.swap))), '-serial', 'file:%s' % (scratch / 'console'),
            '-append', 'console=ttyS0 loglevel=1 panic=-1 ' + ways.STEADY_CLOCK]
    if trial.swap:
        disk = scratch / 'disk'
        with open(disk, 'wb') as stream:
            stream.truncate(trial.swap << 20)
        argv += ['-drive', 'if=virtio,format=raw,file=%s,cache=unsafe' % disk]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    return (scratch / 'console').read_text(errors='replace').replace('\r', '')


def attempt_of(console, name):
    """(what an attempt printed, its log) or None if it did not end."""
    _before, found, rest = console.partition(MARK + name + '\n')
    said, log, rest = rest.partition(MARK + 'log\n')
    log_text, ended, _rest = rest.partition(MARK + 'end')
    return (said.splitlines(), log_text) if found and log and ended else None


def row_of(trial, log, scratch):
    """The row of the trial's remedy, by the report in a log."""
    from ansible_collections.oom.rescue.plugins.module_utils._verdict.diagnose import diagnose_events
    path = scratch / 'log'
    path.write_text(log)
    found = diagnose_events([str(path)], facts=trial.facts, options=trial.options)
    name, target = trial.remedy
    return next((row for row in found['remedies'] if row['name'] == name and row['target'] == target), None)


def size_of(row):
    """The number that a row's command sets, for the remedy of the second boot."""
    digits = ''.join(character if character.isdigit() else ' ' for character in row['command'] or row['what']).split()
    return int(digits[-1]) if digits else 0


def make(name, series):
    """Boot a trial twice at most, and keep what came of it in STATE."""
    trial, target = TRIALS[name], STATE / series / (name + '.json')
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        scratch = pathlib.Path(directory)
        does, row = trial.does, None
        if '%d' in does:
            # How much is what the first report says.
            first = attempt_of(_booted(trial, series, scratch / 'first', ':'), 'before')
            row = row_of(trial, first[1], scratch) if first else None
            does = does % size_of(row) if row else ':'
        console = _booted(trial, series, scratch / 'second', does)
        before, after = attempt_of(console, 'before'), attempt_of(console, 'after')
        row = row_of(trial, before[1], scratch) if before else row
    target.with_suffix('.console').write_text(console)
    if not before or not after:
        print('%s on %s: it did not end' % (name, series), flush=True)
        return
    target.write_text(json.dumps({
        'effect': row and row['effect'], 'why': row and row['why'], 'what': row and row['what'],
        'instead': row and row['instead'], 'was_met': trial.met in before[0], 'is_met': trial.met in after[0],
        'killed': killed_in(after[1]), 'killed_before': killed_in(before[1])}, sort_keys=True) + '\n')


def _booted(trial, series, scratch, does):
    scratch.mkdir()
    return boot(trial, series, scratch, does)


def killed_in(log):
    """The names of the processes that the kernel killed, in order."""
    return [line.partition('(')[2].partition(')')[0] for line in log.splitlines() if 'Killed process' in line]


def is_right(found):
    """Whether the kernel did what the effect says."""
    if found['was_met'] or not found['killed_before']:
        return False
    if found['effect'] == 'prevents':
        instead = found['instead']
        return found['is_met'] and (instead is None or found['killed'][:1] == [instead['name']])
    return found['effect'] == 'none' and not found['is_met']


def table(names, kernels):
    """(lines, whether every result is there and right)."""
    lines, right, count = [], 0, 0
    for name in names:
        for series in kernels:
            path = STATE / series / (name + '.json')
            if not path.exists():
                continue
            found = json.loads(path.read_text())
            judged = found['effect'] in ('prevents', 'none')
            count += judged
            right += judged and is_right(found)
            answer = '-' if not judged else 'yes' if is_right(found) else 'NO'
            lines.append('%-18s %-5s %-8s %-3s  killed %-22s then %-18s %s' % (
                name, series, found['effect'], answer, ' '.join(found['killed_before']),
                ' '.join(found['killed']) or 'nobody', found['what']))
    return lines + ['%d of %d: the kernel did what the effect says' % (right, count)], right == count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('trials', nargs='*', help='names of trials, with wildcards')
    parser.add_argument('-k', '--kernels', default='6.1', help='series, blanks between them; one each, in turn')
    parser.add_argument('--fresh', action='store_true', help='boot also where a result is there')
    parser.add_argument('--list', action='store_true', help='boot nothing')
    options = parser.parse_args()
    kernels = options.kernels.split()
    found = [name for pattern in options.trials or ['*'] for name in fnmatch.filter(TRIALS, pattern)]
    names = list(dict.fromkeys(found))
    for place, name in enumerate(() if options.list else names):
        series = kernels[place % len(kernels)]
        if options.fresh or not (STATE / series / (name + '.json')).exists():
            make(name, series)
    lines, right = table(names, kernels)
    print('\n'.join(lines))
    sys.exit(not right)


if __name__ == '__main__':
    main()
