# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the role swap takes on this host: a first run, a second, a grow. Needs root, switches swap on and off again.

    tests/bench/bench_swap.py [--runs N] [--size MB] [--grown MB]

With PEER_ROLE=/path/to/geerlingguy.swap (its collection ansible.posix where ansible finds it) that role runs beside it,
in turns, on a path of its own, and the ratios are printed. Both have to leave the same in /proc/swaps, fstab and mode.
"""

import argparse
import importlib
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
MIB = 1 << 20
FSTAB = pathlib.Path('/etc/fstab')
STEPS = ('first', 'second', 'grow')

OURS = """
- hosts: localhost
  gather_facts: false
  roles:
    - role: oom.rescue.swap
      vars: {{swap_path: {path}, swap_size: {size}M, swap_state: {state}}}
"""

PEER = """
- hosts: localhost
  roles:
    - role: {role}
      vars:
        swap_file_path: {path}
        swap_file_size_mb: "{size}"
        swap_file_state: {state}
        swap_swappiness: "{swappiness}"
        swap_sysctl_file: {scratch}/sysctl.conf
"""


class Contender:
    def __init__(self, name, playbook, path, states, **words):
        self.name, self.playbook, self.path, self.words = name, playbook, path, words
        self.present, self.gone = states
        self.seconds = dict((step, []) for step in STEPS)

    def run(self, scratch, size, state=None):
        file = pathlib.Path(scratch, self.name + '.yml')
        file.write_text(self.playbook.format(path=self.path, size=size, state=state or self.present, scratch=scratch,
                                             **self.words))
        started = time.monotonic()
        command = [str(pathlib.Path(sys.executable).with_name('ansible-playbook')), str(file)]
        done = subprocess.run(command, cwd=str(REPOSITORY), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              universal_newlines=True, check=False)
        if done.returncode:
            sys.exit('%s failed:\n%s' % (self.name, done.stdout))
        return time.monotonic() - started

    def check(self, size):
        """That the end state is what was asked."""
        lines = [line.split() for line in pathlib.Path('/proc/swaps').read_text().splitlines()]
        active = [int(line[2]) for line in lines if line[0] == self.path]
        declared = [line for line in FSTAB.read_text().splitlines() if line.split()[:1] == [self.path]]
        mode = os.stat(self.path).st_mode & 0o7777
        if active != [size * 1024 - 4] or len(declared) != 1 or mode != 0o600:
            sys.exit('%s left %s, %s, %o' % (self.name, active, declared, mode))

    def clean(self, scratch):
        subprocess.run(['swapoff', self.path], stderr=subprocess.DEVNULL, check=False)
        self.run(scratch, 1, self.gone)


def module_seconds(size):
    """Seconds of the module's own work for a new file, the interpreter's start not counted."""
    sys.path.insert(0, str(REPOSITORY / 'tests/unit'))
    importlib.import_module('conftest')
    from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host
    from ansible_collections.oom.rescue.plugins.module_utils._swap.apply import converge
    from ansible_collections.oom.rescue.plugins.module_utils._swap.plan import wish
    path = '/oom-rescue-bench'
    started = time.monotonic()
    converge(Host(), path, wish(size='%dM' % size))
    spent = time.monotonic() - started
    converge(Host(), path, wish(state='restored'))
    return spent


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--runs', type=int, default=3)
    parser.add_argument('--size', type=int, default=512)
    parser.add_argument('--grown', type=int, default=1024)
    options = parser.parse_args()
    before = FSTAB.read_bytes()
    contenders = [Contender('oom.rescue.swap', OURS, '/oom-rescue-bench', ('present', 'restored'))]
    peer = os.environ.get('PEER_ROLE')
    if peer:
        swappiness = pathlib.Path('/proc/sys/vm/swappiness').read_text().strip()
        contenders.append(Contender('peer', PEER, '/oom-rescue-bench-peer', ('present', 'absent'),
                                    role=os.path.abspath(peer), swappiness=swappiness))
    with tempfile.TemporaryDirectory() as scratch:
        for _run in range(options.runs):
            for contender in contenders:
                try:
                    for step, size in zip(STEPS, (options.size, options.size, options.grown)):
                        contender.seconds[step].append(contender.run(scratch, size))
                        contender.check(size)
                finally:
                    contender.clean(scratch)
                    FSTAB.write_bytes(before)
    for step in STEPS:
        medians = [statistics.median(contender.seconds[step]) for contender in contenders]
        words = ['%s %.2f s' % (contender.name, value) for contender, value in zip(contenders, medians)]
        if peer:
            words.append('ratio %.2f' % (medians[0] / medians[1]))
        print('%-7s %s' % (step, ', '.join(words)))
    print('module  2 GiB made in %.3f s' % min(module_seconds(2048) for _run in range(options.runs)))


if __name__ == '__main__':
    main()
