#!/usr/bin/env python
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What reading a log costs, beside what grep and zcat take for it, in one run: installs nothing, changes nothing.

bench_oom_log.py [--size 512] [--rounds 5] [--python PYTHON ...] [--peer 'NAME=COMMAND {log}' ...]
"""

import argparse
import importlib
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TESTS, 'unit'), os.path.join(TESTS, 'unit', 'plugins', 'module_utils')]

importlib.import_module('conftest')  # makes the collection importable
from ansible_collections.oom.rescue.plugins.module_utils._log.sources import find_files  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._report import reading  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._report.signal_sources import WHOLE, read_signals  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._report.signals import MARKERS  # noqa: E402
from oom_reports import ERAS, syslog  # noqa: E402

MIB = 1 << 20
PATTERN = 'oom-killer|Out.of.memory|Killed.process'
PROGRAMS = (
    'sshd[%d]: Accepted publickey for deploy from 10.0.%d.%d port %d ssh2: RSA SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDsKhQp',
    'systemd[1]: Started Session %d of user root, %d %d %d.',
    'dockerd[%d]: time="2025-10-28T11:00:00Z" level=info msg="shim reaped" id=%d%d%d',
    'nginx: 10.0.0.%d - - "GET /api/v1/items/%d?page=%d HTTP/1.1" 200 %d "-" "Mozilla/5.0 (KHTML, like Gecko)"',
    'kernel: IPv6: ADDRCONF(NETDEV_UP): veth%x%x: link is not ready %d %d',
    'kernel: docker0: port %d(veth%x%x) entered forwarding state %d',
    'CRON[%d]: (root) CMD (/usr/lib64/sa/sa1 %d %d # process %d)',
)


def report(pid):
    """A report of 40 tasks."""
    lines = []
    for line in ERAS['5.15.0']:
        lines.append(line.replace('13036', str(pid)))
        if line.startswith('[  pid'):
            lines += [
                '[%7d]  1000 %5d    %5d %8d    94208        0             0 worker-%d'
                % (100 + task, 100 + task, 19091, task, task)
                for task in range(36)
            ]
    return syslog(lines).encode()


def write_log(path, mib, every=8, reports=True):
    """A log of ordinary lines, with a report in every ``every`` MiB, or none."""
    chance = random.Random(1)
    lines, size = [], 0
    while size < every * MIB:
        line = 'Oct 28 11:%02d:%02d centos7 %s\n' % (
            size // MIB,
            chance.randrange(60),
            chance.choice(PROGRAMS) % tuple(chance.randrange(65000) for _word in range(4)),
        )
        lines.append(line)
        size += len(line)
    ordinary = ''.join(lines).encode()
    with open(path, 'wb') as stream:
        for index in range(max(mib // every, 1)):
            found = report(20000 + index) if reports else b''
            half = ordinary[: min(every, mib) * MIB // 2].rpartition(b'\n')[0] + b'\n'
            stream.write(half + found + (half[len(found) :].partition(b'\n')[2] if reports else half))


def cpu_seconds():
    """What this process and its children used so far."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def seconds(call, rounds):
    """(wall, CPU) of the fastest of some runs."""
    best = []
    for _round in range(rounds):
        cpu, started = cpu_seconds(), time.perf_counter()
        call()
        best.append((time.perf_counter() - started, cpu_seconds() - cpu))
    return min(wall for wall, _cpu in best), min(cpu for _wall, cpu in best)


def command(*argv):
    # GNU grep stops at the first match where its output goes to /dev/null.
    return lambda: subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)


def shell(text):
    return command('sh', '-c', text)


USE = """
import sys, time, resource
sys.path.insert(0, %r)
import conftest
from ansible_collections.oom.rescue.plugins.module_utils._report import reading
def used():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
""" % os.path.join(TESTS, 'unit')
ONE = (
    USE
    + """
data, taken = getattr(sys.stdin, 'buffer', sys.stdin).read(), []
for dummy in range(10 * int(sys.argv[1])):
    cpu, started = used(), time.time()
    for dummy in range(40):
        one = reading.Reading()
        one.text(data, 'report')
        one.result()
    taken.append(((time.time() - started) * 25, (used() - cpu) * 25))
print('%f %f' % tuple(min(values) for values in zip(*taken)))
"""
)
READ = (
    USE
    + """
def peak():
    with open('/proc/self/status') as stream:
        return next(int(line.split()[1]) for line in stream if line.startswith('VmHWM'))
before, taken = peak(), []
for dummy in range(int(sys.argv[2])):
    cpu, started = used(), time.time()
    result = reading.read_events([sys.argv[1]], limit=100, tasks=10)
    taken.append((time.time() - started, used() - cpu))
wall, cpu = (min(values) for values in zip(*taken))
print('%f %f %d %d' % (wall, cpu, peak() - before, result['summary']['kills']))
"""
)


def ours(python, log, rounds):
    """(wall, CPU, KiB above the interpreter's peak, kills) of reading a log."""
    words = subprocess.run([python, '-c', READ, log, str(rounds)], stdout=subprocess.PIPE, check=True).stdout.split()
    return float(words[0]), float(words[1]), int(words[2]), int(words[3])


def one_report(python, rounds):
    """(wall, CPU) in ms of reading a log that is one report of 40 tasks, in memory, to its event."""
    command = [python, '-c', ONE, str(rounds)]
    words = subprocess.run(command, input=report(1), stdout=subprocess.PIPE, check=True).stdout.split()
    return float(words[0]), float(words[1])


def called(python):
    """What tells an interpreter from others."""
    return '/'.join(os.path.realpath(python).split('/')[-3:])


def interpreters(further):
    """This one, the host's own, which is how distributions build it, and further ones, each once."""
    found = {}
    for python in [sys.executable, '/usr/bin/python3'] + further:
        if os.path.exists(python):
            found.setdefault(os.path.realpath(python), python)
    return list(found.values())


def row(name, wall, cpu, of=None, limit=None, note=''):
    ratio = '' if of is None else '%6.2f %6.2f' % (wall / of[0], cpu / max(of[1], 1e-9))
    print('%-52s %8.3f %8.3f  %13s  %-6s %s' % (name, wall, cpu, ratio, limit or '', note))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('--size', type=int, default=512, help='MiB of the log')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument(
        '--large', type=int, default=4096, help='MiB of the largest log that memory is measured with; 0 is none'
    )
    parser.add_argument('--python', action='append', default=[], help='further interpreters')
    parser.add_argument('--peer', action='append', default=[], help="another reader: 'name=command {log}'")
    options = parser.parse_args()
    directory = tempfile.mkdtemp(prefix='bench-oom-log-')
    try:
        run(options, directory)
    finally:
        shutil.rmtree(directory)


def run(options, directory):
    log = os.path.join(directory, 'messages')
    write_log(log, options.size)
    rounds = options.rounds
    print(
        '%-52s %8s %8s  %13s  %-6s'
        % ('%d MiB, a report of 40 tasks in every 8 MiB' % options.size, 'wall s', 'CPU s', 'ratio of both', 'limit')
    )
    with open(log, 'rb') as stream:
        while stream.read(MIB):
            pass
    grep = seconds(command('grep', '-c', '-E', PATTERN, log), rounds)
    row("grep -c -E '%s'" % PATTERN, *grep)
    for python in interpreters(options.python):
        wall, cpu, memory, kills = ours(python, log, rounds)
        row(
            'oom_log_info, %s' % called(python),
            wall,
            cpu,
            grep,
            '1.5',
            '%d kills, %.0f MiB' % (kills, memory / 1024.0),
        )
    for peer in options.peer:
        name, _equals, text = peer.partition('=')
        row(name, *seconds(shell(text.format(log=log)), 1), of=grep)

    print()
    for python in interpreters(options.python):
        print(
            '%-52s %8.3f ms wall, %.3f ms CPU; limit 0.5 ms'
            % (('one report of 40 tasks, %s' % called(python),) + one_report(python, rounds))
        )

    packed = log + '.1.gz'
    with open(packed, 'wb') as stream:
        subprocess.run(['gzip', '-1', '-c', log], stdout=stream, check=True)
    zcat = seconds(shell('zcat %s | wc -l' % packed), rounds)
    row('zcat | wc -l', *zcat)
    wall, cpu, memory, _kills = ours(sys.executable, packed, rounds)
    row('oom_log_info, gzip', wall, cpu, zcat, '1.5', '%.0f MiB' % (memory / 1024.0))
    os.unlink(packed)

    write_log(log, options.size, reports=False)
    grep = seconds(command('grep', '-c', '-E', PATTERN, log), rounds)
    wall, cpu, _memory, kills = ours(sys.executable, log, rounds)
    row('oom_log_info, without a report', wall, cpu, grep, '1.5', '%d kills' % kills)

    print()
    for size in (64, options.size, options.large):
        if size:
            write_log(log, size)
            memory = ours(sys.executable, log, 1)[2]
            print(
                '%-52s %8.1f MiB above the interpreter; limit 48'
                % ('peak memory with %d MiB of log' % size, memory / 1024.0)
            )
    signals(log, rounds)
    since(log)


def signals(log, rounds):
    """What the words of all signals cost in the largest log that is searched whole."""
    write_log(log, WHOLE // MIB, reports=False)
    os.truncate(log, WHOLE)
    words = log + '.words'
    with open(words, 'wb') as stream:
        stream.write(b'\n'.join(MARKERS) + b'\n')
    grep = seconds(command('env', 'LC_ALL=C', 'grep', '-c', '-F', '-f', words, log), rounds)
    row('grep -c -F -f WORDS, %d MiB' % (WHOLE // MIB), *grep)
    files = find_files([log], True)
    row('signals, %d words' % len(MARKERS),
        *seconds(lambda: read_signals(files, (), {}, None, None, 1762000000), rounds), grep, '1.5')


def since(log):
    """A log of four weeks, of which the last hour is asked for."""
    chunk = b''.join(
        (
            'Oct 01 11:00:%02d centos7 sshd[%d]: Accepted publickey for root from 10.0.0.1 port %d\n'
            % (second % 60, second, second)
        ).encode()
        for second in range(100000)
    )
    with open(log, 'wb') as stream:
        for day in range(1, 29):
            for hour in range(2):
                stream.write(chunk.replace(b'Oct 01 11', b'Oct %02d %02d' % (day, 11 + hour)))
        stream.write(report(1))
    os.utime(log, (1762000000, 1762000000))

    def read(**options):
        return reading.read_events([log], now=1762000000, **options)

    whole = seconds(read, 2)
    part = seconds(lambda: read(since=1761648000), 2)
    print(
        '%-52s %8.4f s of %.4f s for the whole log of %d MiB'
        % ('since the last hour', part[0], whole[0], os.path.getsize(log) // MIB)
    )


if __name__ == '__main__':
    print(
        'Python %s, %d CPUs, load %.1f; peak memory of this process %d MiB'
        % (
            sys.version.split()[0],
            os.cpu_count(),
            os.getloadavg()[0],
            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        )
    )
    main()
