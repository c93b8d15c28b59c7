#!/usr/bin/env python
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What memory_facts costs a host beside Ansible's own setup, in pairs of one run, by the number of processes.

bench_facts.py [--processes 150 450 1150 3150] [--rounds 5]

The processes are made, sleep, and are ended. CPU seconds of user and system, of a whole module's process; medians.
"""

import argparse
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MODULE = """
import importlib, sys
sys.path.insert(0, {unit!r})
importlib.import_module('conftest')
from ansible.module_utils.testing import patch_module_args
with patch_module_args({arguments!r}):
    importlib.import_module({name!r}).main()
"""
FACTS = 'ansible_collections.oom.rescue.plugins.modules.memory_facts'
PEER = ('setup', 'ansible.modules.setup', {})
OURS = (
    ('20 candidates, no PSS', FACTS, {'candidates': 20, 'ledger_seconds': 0}),
    ('all candidates, no PSS', FACTS, {'ledger_seconds': 0}),
    ('20 candidates', FACTS, {'candidates': 20}),
)


# Both are compiled before: Ansible compiles a module anew on each run, and no file of setup would be.
ENVIRONMENT = dict((name, value) for name, value in os.environ.items() if name != 'PYTHONDONTWRITEBYTECODE')


def cpu_seconds(name, arguments, compiled):
    """What one run of a module takes; ``compiled`` is a directory for what Python compiles."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    program = MODULE.format(unit=os.path.join(TESTS, 'unit'), name=name, arguments=arguments)
    done = subprocess.run([sys.executable, '-c', program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                          env=dict(ENVIRONMENT, PYTHONPYCACHEPREFIX=compiled))
    if done.returncode:
        sys.exit('%s failed:\n%s' % (name, done.stdout + done.stderr))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def pids():
    return [int(name) for name in os.listdir('/proc') if name.isdigit()]


def sleeper():
    """The pid of a new process that sleeps until it is ended, or for an hour."""
    pid = os.fork()
    if pid == 0:
        os.execvp('sleep', ['sleep', '3600'])
    return pid


def row(count, rounds, compiled):
    """Print a line for each of ours at this number of processes."""
    made = [sleeper() for _number in range(max(0, count - len(pids())))]
    try:
        seconds = dict((contender[0], []) for contender in (PEER,) + OURS)
        for number in range(rounds + 1):
            for label, name, arguments in (PEER,) + OURS:
                spent = cpu_seconds(name, arguments, compiled)
                if number:
                    seconds[label].append(spent)
        found = len(pids())
    finally:
        for pid in made:
            os.kill(pid, signal.SIGKILL)
        for pid in made:
            os.waitpid(pid, 0)
    peer = statistics.median(seconds[PEER[0]])
    for label, _name, _arguments in OURS:
        own = statistics.median(seconds[label])
        print('%5d processes  %-22s %.2f s (%.2f to %.2f)  setup %.2f s  ratio %.2f' % (
            found, label, own, min(seconds[label]), max(seconds[label]), peer, own / peer))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--processes', type=int, nargs='+', default=[150, 450, 1150, 3150])
    parser.add_argument('--rounds', type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as compiled:
        for count in options.processes:
            row(count, options.rounds, compiled)


if __name__ == '__main__':
    main()
