#!/usr/bin/env python
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection beside what else does a part of its work, as one table: table.py [--rounds 5] [--write FILE].

Each pair is run alternately in one run. CPU is of user and system, with all children; wall time is beside it. A ratio
is that of the medians, and its least and most are of the pairs. What is sent is the text of each module's run without
its options; a resident set is the largest of a run in check mode. This machine is read and not changed.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import payloads

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOUND = ROOT / 'docs' / 'benchmarks.md'
LOG = payloads.LOG
PLAY = '- hosts: all\n  gather_facts: false\n  tasks:\n'
PINGS = PLAY + '    - ansible.builtin.ping:\n    - ansible.builtin.ping:\n'
SETUP = PLAY + '    - ansible.builtin.setup:\n'
FACTS = PLAY + '    - oom.rescue.memory_facts: {candidates: 20, ledger_seconds: 0}\n'
# This machine as a host.
HOST = 'host%d ansible_connection=local ansible_become=false ansible_python_interpreter=' + sys.executable
HEAD = '| what | ours | peer | ratio | least to most | limit |\n|---|---|---|---|---|---|'


def spent(words, environment):
    """(CPU seconds, wall seconds) of a command with all that it starts. Exits if it fails."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    if done.returncode:
        sys.exit('%s failed:\n%s' % (' '.join(words), done.stdout))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, time.monotonic() - started


class Bench:
    """Commands of ansible-playbook about this machine, and the rows that their pairs make."""

    def __init__(self, directory, rounds):
        self.directory, self.rounds, self.rows = pathlib.Path(directory), rounds, []
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith('ANSIBLE_')}

    def play(self, playbook, hosts=1, *options):
        """The words of a playbook's run, by its name or its text, on so many hosts that are all this machine."""
        if '\n' in playbook:
            path = self.directory / ('%d.yml' % abs(hash(playbook)))
            path.write_text(playbook, encoding='utf-8')
            playbook = str(path)
        inventory = self.directory / ('hosts%d' % hosts)
        inventory.write_text('\n'.join(HOST % number for number in range(hosts)), encoding='utf-8')
        variables = {'report_dir': str(self.directory / 'report'), 'diagnose_sources': 'files', 'verify_fail': False,
                     'diagnose_paths': [str(LOG)], 'rescue_by_rule': True}
        return [str(ROOT / '.venv/bin/ansible-playbook'), '-i', str(inventory), playbook, '--extra-vars',
                json.dumps(variables), *options]

    def forgotten(self, words):
        """The words of a run of a controller that never ran anything."""
        home = self.directory / 'home'
        return ['sh', '-c', 'rm -rf "$0"; ANSIBLE_HOME=$0 exec "$@"', str(home), *words]

    def pair(self, what, ours, peer, limit='', each=(1, 1)):
        """A row for two commands, run in turns; ``each`` is by how much the seconds of either are divided."""
        found = []
        # The first run of several fills the caches, and is not counted.
        for number in range(int(self.rounds == 1), self.rounds + 1):
            one, other = spent(ours, self.environment), spent(peer, self.environment)
            if number:
                found.append(tuple(tuple(value / part for value in values)
                                   for values, part in ((one, each[0]), (other, each[1]))))
        cells = [what]
        for side in (0, 1):
            cpu, wall = (statistics.median(pair[side][kind] for pair in found) for kind in (0, 1))
            cells.append('%.2f s CPU, %.2f s' % (cpu, wall))
        ratios = [pair[0][0] / pair[1][0] for pair in found]
        medians = [statistics.median(pair[side][0] for pair in found) for side in (0, 1)]
        cells += ['%.2f' % (medians[0] / medians[1]), '%.2f to %.2f' % (min(ratios), max(ratios)), limit]
        self._row(cells)

    def _row(self, cells):
        self.rows.append('| %s |' % ' | '.join(cells))
        print(self.rows[-1], flush=True)

    def sizes(self, what, ours, peer, unit, limit=''):
        """A row for two counts of bytes, which are alike in each run."""
        name, size = unit
        self._row([what, *('%.1f %s' % (count / size, name) for count in (ours, peer)), '%.2f' % (ours / peer), '',
                   limit])


def machine():
    """What the figures are of, in a line."""
    version = subprocess.run([str(ROOT / '.venv/bin/ansible'), '--version'], stdout=subprocess.PIPE, text=True,
                             check=True).stdout.splitlines()[0]
    count = len([name for name in os.listdir('/proc') if name.isdigit()])
    return 'Linux %s, %d CPUs, %d processes, load %.1f, Python %s, %s' % (
        platform.release(), os.cpu_count(), count, os.getloadavg()[0], platform.python_version(), version)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--hosts', type=int, nargs=2, default=(10, 50), help='sizes of the fleets that are compared')
    parser.add_argument('--write', nargs='?', type=pathlib.Path, const=FOUND, help='write the table (%s)' % FOUND)
    options = parser.parse_args()
    print(HEAD, flush=True)
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(directory, options.rounds)
        pings = bench.play(PINGS)
        bench.pair('`memory_facts`, as a play / `setup`', bench.play(FACTS), bench.play(SETUP), '1.4')
        bench.pair('`diagnose` / two pings', bench.play('oom.rescue.diagnose'), pings, '2.5')
        bench.pair('`verify` of all three remedies / two pings', bench.play('oom.rescue.verify'), pings)
        check = bench.play('oom.rescue.remediate', 1, '--check')
        bench.pair('`remediate --check` / two pings', check, pings)
        bench.pair('the same with nothing kept of an earlier run / two pings', bench.forgotten(check), pings)
        few, many = options.hosts
        bench.pair('`diagnose`, a host of %d / a host of %d' % (many, few), bench.play('oom.rescue.diagnose', many),
                   bench.play('oom.rescue.diagnose', few), '1.2', each=(many, few))
        megabytes, mebibytes = ('MB', 1e6), ('MiB', 1 << 20)
        for what, names, limit in (('each remedy has something to do', payloads.FIRST, '1.5 MB'),
                                   ('none has, or check mode', payloads.AGAIN, '')):
            pings = [payloads.PING] * len(names)
            count = 'a ping' if len(names) == 1 else '%d pings' % len(names)
            bench.sizes('sent to a host by `remediate`, %s / %s' % (what, count), payloads.sent(names),
                        payloads.sent(pings), megabytes, limit)
        ping = payloads.peak(payloads.PING)
        for name in payloads.ARGUMENTS:
            bench.sizes('largest resident set of `%s` / ping' % name, payloads.peak(name), ping, mebibytes,
                        '%.1f MiB' % (ping / mebibytes[1] + 6))
    if options.write:
        pairs = '%d pairs' % options.rounds if options.rounds > 1 else '1 pair'
        text = '# What it costs\n\n%s\n\nMedians of %s, %s: %s. `make bench` makes this page.\n\n%s\n%s\n' % (
            ' '.join(__doc__.partition('\n\n')[2].split()), pairs, datetime.date.today().isoformat(), machine(), HEAD,
            '\n'.join(bench.rows))
        options.write.write_text(text, encoding='utf-8')


if __name__ == '__main__':
    main()
