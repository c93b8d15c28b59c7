#!/usr/bin/env python
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a controller spends on a fleet: diagnose on 10 to 1,000 hosts, by forks and by strategies.

bench_fleet.py [--hosts 10 50 200 1000] [--forks 5 20 50] [--log FILE] [--playbook oom.rescue.diagnose]

Each host answers what this machine answered once, with the log's report as its own: no module is run again, and what is
measured is the controller's work alone. Memory is the largest resident set of one process, which is Ansible's own; its
forks share most of it. Without --log it is a log with one report of some processes. Beside it stands what Ansible
spends on as many tasks of its own, of which one has an answer as large.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import payloads

ROOT = pathlib.Path(__file__).resolve().parents[2]
STRATEGIES = ('linear', 'free', 'host_pinned')
# The number of hosts, of forks, and the strategy, of rows that compare one of these.
ORDINARY = (50, 20, 'linear')
# As many tasks that fork as a host has in diagnose, and nothing of ours.
ANSIBLE_S_OWN = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.setup:
      register: found
    - ansible.builtin.debug:
        msg: "{{ found.changed }}"
    - ansible.builtin.assert:
        that: not found.changed
"""


def spent(words, environment):
    """(CPU seconds, wall seconds, MiB of the largest process) of a command. Exits if it fails."""
    code = ('import resource, subprocess, sys; done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, '
            'stderr=subprocess.STDOUT); used = resource.getrusage(resource.RUSAGE_CHILDREN); '
            'sys.stderr.buffer.write(done.stdout if done.returncode else b""); '
            'print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024); sys.exit(done.returncode)')
    started = time.monotonic()
    done = subprocess.run([sys.executable, '-c', code, *words], cwd=ROOT, env=environment, stdout=subprocess.PIPE,
                          check=True, text=True)
    cpu, mebibytes = map(float, done.stdout.split())
    return cpu, time.monotonic() - started, mebibytes


def run(folder, playbook, log, hosts, forks, strategy):
    """(CPU seconds, wall seconds, MiB of the largest process) of a playbook on a fleet."""
    inventory = folder / 'hosts.json'
    inventory.write_text(json.dumps({'all': {
        'hosts': {'host%04d' % number: {} for number in range(hosts)},
        'vars': {'ansible_connection': 'recorded', 'ansible_become': False,
                 'ansible_python_interpreter': sys.executable}}}), encoding='ascii')
    environment = {name: value for name, value in os.environ.items() if not name.startswith('ANSIBLE_')}
    environment.update(ANSIBLE_CONNECTION_PLUGINS=str(ROOT / 'tests/bench/connection'), ANSIBLE_STRATEGY=strategy,
                       ANSIBLE_PIPELINING='true', ANSIBLE_HOME=str(folder / 'home'),
                       OOM_BENCH_RECORDED=str(folder / 'recorded'))
    variables = {'report_dir': str(folder / 'report'), 'diagnose_sources': 'files', 'diagnose_paths': [str(log)]}
    return spent([str(ROOT / '.venv/bin/ansible-playbook'), '-i', str(inventory), '-f', str(forks), str(playbook),
                  '--extra-vars', json.dumps(variables)], environment)


def row(folder, playbook, log, hosts, forks, strategy):
    """A line of one run, and of one with Ansible's own tasks."""
    cpu, wall, mebibytes = run(folder, playbook, log, hosts, forks, strategy)
    own, _wall, own_mebibytes = run(folder, folder / 'own.yml', log, hosts, forks, strategy)
    return ('%5d hosts  %2d forks  %-11s  a host: %.3f s CPU, %.3f s  %5.0f MiB  page %5.0f kB, JSON %6.0f kB  '
            "Ansible's own: %.3f s CPU, %.0f MiB") % (
                hosts, forks, strategy, cpu / hosts, wall / hosts, mebibytes,
                (folder / 'report/index.html').stat().st_size / 1e3,
                (folder / 'report/report.json').stat().st_size / 1e3, own / hosts, own_mebibytes)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--hosts', type=int, nargs='+', default=[10, 50, 200, 1000])
    parser.add_argument('--forks', type=int, nargs='*', default=[5, 20, 50])
    parser.add_argument('--strategies', nargs='*', choices=STRATEGIES, default=STRATEGIES)
    parser.add_argument('--log', type=pathlib.Path, default=payloads.LOG)
    parser.add_argument('--playbook', default='oom.rescue.diagnose')
    options = parser.parse_args()
    wanted = [(hosts, *ORDINARY[1:]) for hosts in options.hosts]
    wanted += [(ORDINARY[0], forks, ORDINARY[2]) for forks in options.forks if forks != ORDINARY[1]]
    wanted += [(*ORDINARY[:2], strategy) for strategy in options.strategies if strategy != ORDINARY[2]]
    with tempfile.TemporaryDirectory() as directory:
        folder = pathlib.Path(directory)
        (folder / 'recorded').mkdir()
        (folder / 'own.yml').write_text(ANSIBLE_S_OWN, encoding='ascii')
        log = options.log.resolve()
        # This run is recorded, and no row. One host alone would tell all that it has, which none of a fleet does.
        row(folder, options.playbook, log, 2, 1, 'linear')
        for one in wanted:
            print(row(folder, options.playbook, log, *one), flush=True)


if __name__ == '__main__':
    main()
