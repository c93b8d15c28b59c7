#!/usr/bin/env python
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole remediate beside roles that make swap, set swappiness and protect a server, with the same end state.

PEERS=DIR bench_peers.py [--rounds 3] [--delay 50] [--only local ssh pipelining]

DIR has roles/geerlingguy.swap and ansible_collections/ansible/posix, as whoever runs this fetched them; without it ours
alone is measured. Beside these two, the peer has a drop-in from a template with a handler. Runs go in turns: a first,
for which a controller has nothing that an earlier run of ours kept, a first of a controller that has it, and a second,
which finds all done. CPU is of all processes that Ansible starts; over ssh these are the controller's.
Needs root, switches swap on and off again; changed files are put back.
"""

import argparse
import contextlib
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import payloads
import slow

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Not each machine lets a score be lowered; to raise it costs the same.
SWAP, MEBIBYTES, SWAPPINESS, SCORE = '/oom-rescue-bench', 64, 13, 100
# A server by its name, which is a program of root's own.
SERVER = 'oom-bench-db'
PROGRAM = pathlib.Path('/usr/local/sbin', SERVER)
RUNTIME, FSTAB = pathlib.Path('/proc/sys/vm/swappiness'), pathlib.Path('/etc/fstab')
SYSCTL, DROP_IN = '/etc/sysctl.d/90-oom-bench.conf', '/etc/systemd/system/%s.service.d' % SERVER
PEER = """
- hosts: all
  tasks:
    - ansible.builtin.import_role: {name: geerlingguy.swap}
    - ansible.builtin.file: {path: @drop_in, state: directory, mode: "0755"}
    - ansible.builtin.template: {src: @template, dest: @drop_in/score.conf, mode: "0644"}
      notify: Take the score up
  handlers:
    - name: Take the score up
      ansible.builtin.shell: choom -n @score -p $(pidof @server)
"""
OURS = {'rescue_by_rule': True, 'swap_path': SWAP, 'swap_size': '%dM' % MEBIBYTES, 'swappiness_value': SWAPPINESS,
        'oom_protect_process': SERVER, 'oom_protect_value': SCORE, 'verify_accept_open': True,
        'diagnose_sources': 'files', 'diagnose_paths': [str(payloads.LOG)]}
THEIRS = {'swap_file_path': SWAP, 'swap_file_size_mb': str(MEBIBYTES), 'swap_swappiness': str(SWAPPINESS),
          'swap_sysctl_file': SYSCTL}
WAYS = {'local': 'this machine', 'pipelining': 'ssh, %d ms, pipelining', 'ssh': 'ssh, %d ms, without pipelining'}


class Bench:
    """Both contenders on one host, which is this machine by some connection."""

    def __init__(self, folder, peers, variables, pipelining):
        self.folder = pathlib.Path(folder)
        host = dict(variables, ansible_python_interpreter=sys.executable)
        (self.folder / 'hosts.json').write_text(json.dumps({'all': {'hosts': {'db1': host}}}), encoding='ascii')
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith('ANSIBLE_')}
        self.environment.update(
            ANSIBLE_PIPELINING=str(pipelining), ANSIBLE_ROLES_PATH=str(pathlib.Path(peers or '', 'roles')),
            ANSIBLE_COLLECTIONS_PATH='%s:%s' % (payloads.COLLECTIONS, peers or ''),
            ANSIBLE_HOME=str(self.folder / 'home'), ANSIBLE_SSH_ARGS='-C -o ControlMaster=auto -o ControlPersist=5s')
        (self.folder / 'score.j2').write_text('[Service]\nOOMScoreAdjust={{ %d }}\n' % SCORE, encoding='ascii')
        play = PEER
        for name, value in (('drop_in', DROP_IN), ('template', self.folder / 'score.j2'), ('score', SCORE),
                            ('server', SERVER)):
            play = play.replace('@' + name, str(value))
        (self.folder / 'peer.yml').write_text(play, encoding='ascii')

    def run(self, playbook, variables, *options):
        """(CPU seconds, wall seconds) of a playbook. Exits if it fails."""
        words = [str(ROOT / '.venv/bin/ansible-playbook'), '-i', str(self.folder / 'hosts.json'), playbook, '-e',
                 json.dumps(dict(variables, report_dir=str(self.folder / 'report'))), *options]
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run(words, cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False)
        if done.returncode:
            sys.exit('%s failed:\n%s' % (playbook, done.stdout))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, time.monotonic() - started)

    def ours(self):
        """[first run of a controller, first run, second run]; undone afterwards."""
        shutil.rmtree(self.folder / 'home', ignore_errors=True)
        try:
            found = [self._checked('oom.rescue.remediate', OURS)]
            self.run('oom.rescue.rollback', OURS)
            return found + [self._checked('oom.rescue.remediate', OURS) for _run in range(2)]
        finally:
            self.run('oom.rescue.rollback', OURS)

    def theirs(self):
        """[first run, the same, second run]; undone afterwards."""
        try:
            first, second = (self._checked(str(self.folder / 'peer.yml'), THEIRS) for _run in range(2))
            return [first, first, second]
        finally:
            subprocess.run(['swapoff', SWAP], check=False)
            for path in (SWAP, SYSCTL):
                pathlib.Path(path).unlink(missing_ok=True)
            shutil.rmtree(DROP_IN, ignore_errors=True)

    def _checked(self, playbook, variables):
        spent = self.run(playbook, variables)
        swaps = [line.split()[0] for line in pathlib.Path('/proc/swaps').read_text(encoding='ascii').splitlines()]
        pid = subprocess.run(['pidof', SERVER], stdout=subprocess.PIPE, text=True, check=True).stdout.split()[0]
        found = (SWAP in swaps, SWAP in FSTAB.read_text(encoding='utf-8'), os.stat(SWAP).st_mode & 0o777,
                 int(RUNTIME.read_text(encoding='ascii')),
                 int(pathlib.Path('/proc', pid, 'oom_score_adj').read_text(encoding='ascii')))
        if found != (True, True, 0o600, SWAPPINESS, SCORE):
            sys.exit('%s left %s' % (playbook, found))
        return spent


@contextlib.contextmanager
def as_before():
    """A server to protect, and the files and settings of this machine as they were, afterwards."""
    fstab, swappiness = FSTAB.read_bytes(), RUNTIME.read_bytes()
    shutil.copy(shutil.which('sleep'), PROGRAM)
    with subprocess.Popen([str(PROGRAM), '36000']) as server:
        try:
            yield
        finally:
            server.terminate()
            PROGRAM.unlink()
            if FSTAB.read_bytes() != fstab:
                FSTAB.write_bytes(fstab)
            RUNTIME.write_bytes(swappiness)


def rows(bench, what, rounds, peers):
    """Print a line for each kind of run."""
    pairs = [(bench.ours(), bench.theirs() if peers else None) for _round in range(rounds)]
    for number, step in enumerate(('nothing kept', 'first', 'second')):
        words = ['%-34s %-12s' % (what, step)]
        for kind, name in enumerate(('CPU', 'wall')):
            ours, theirs = ([side[number][kind] for side in sides if side] for sides in zip(*pairs))
            words.append('%s %6.2f s' % (name, statistics.median(ours)))
            if theirs:
                ratios = [one / other for one, other in zip(ours, theirs)]
                words.append('/ %6.2f s = %.2f (%.2f to %.2f)' % (
                    statistics.median(theirs), statistics.median(ratios), min(ratios), max(ratios)))
        print('  '.join(words), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--delay', type=int, default=50, help='milliseconds there and back (%(default)s)')
    parser.add_argument('--only', nargs='+', choices=WAYS, default=list(WAYS))
    options = parser.parse_args()
    peers = os.path.abspath(os.environ['PEERS']) if os.environ.get('PEERS') else None
    with as_before(), tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        local, far = {'ansible_connection': 'local', 'ansible_become': False}, None
        for way in options.only:
            if way != 'local' and far is None:
                far = stack.enter_context(slow.far_away(folder, options.delay / 1000))
            bench = Bench(folder, peers, local if way == 'local' else far, way != 'ssh')
            rows(bench, WAYS[way] % options.delay if '%' in WAYS[way] else WAYS[way], options.rounds, peers)


if __name__ == '__main__':
    main()
