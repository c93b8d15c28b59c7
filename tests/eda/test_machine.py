# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a kill on a real machine to a MariaDB that is protected, with nobody at the keyboard: the watch tells the
machine's journal, systemd-journal-upload brings that here, and the rulebook answers with the collection's own playbook.
"""

import json
import subprocess
import sys
import time

import pytest
from rulebook import BIN, REMOTE, ROOT, Rulebook

sys.path.insert(0, str(ROOT / 'tests' / 'vm'))

from image import Image  # noqa: E402
from machine import Machine, free_port  # noqa: E402

NAME = 'rulebook'
# Workers that grow beside each other until the kernel has killed somebody: the database is larger than any of them.
EAT = r"""
import os, time
def kills():
    return [line for line in open('/proc/vmstat') if line.startswith('oom_kill ')]
before = kills()
for _worker in range(11):
    if not os.fork():
        break
held = []
while kills() == before:
    held.append(bytearray(b'x' * (1 << 20)))
    time.sleep(0.2)
"""
WATCH = """
- hosts: all
  gather_facts: false
  roles: [oom.rescue.watch]
"""
# The owner's own: a server that was killed is started again.
RESTART = ('mkdir -p /etc/systemd/system/mariadb.service.d; '
           'printf "[Service]\\nRestart=always\\n" > /etc/systemd/system/mariadb.service.d/owner.conf; '
           'systemctl daemon-reload; systemctl is-active mariadb')
# The machine reaches nothing but what an ssh connection from here brings it: this port.
UPLOAD = ('mkdir -p /etc/systemd/journal-upload.conf.d; '
          'printf "[Upload]\\nURL=http://127.0.0.1:19532\\n" > /etc/systemd/journal-upload.conf.d/here.conf; '
          'systemctl restart systemd-journal-upload')
SECONDS = 1800


@pytest.fixture
def machine():
    image = Image('bookworm', packages=['mariadb-server', 'procps', 'systemd-journal-remote'])
    with Machine(NAME, image, memory=640) as made:
        yield made


@pytest.fixture
def rulebook(tmp_path, machine):
    collections = tmp_path / 'collections' / 'ansible_collections' / 'oom'
    collections.mkdir(parents=True)
    (collections / 'rescue').symlink_to(ROOT)
    inventory = {'all': {'hosts': {NAME: machine.inventory()}, 'vars': {'report_dir': str(tmp_path / 'report')}}}
    made = Rulebook(tmp_path, True, json.dumps(inventory))
    port = free_port()
    collector = subprocess.Popen([REMOTE, '--listen-http=127.0.0.1:%d' % port, '--split-mode=none',
                                  '--output=%s' % (tmp_path / 'journal' / 'remote.journal')],
                                 stdin=subprocess.DEVNULL, stdout=made.log, stderr=made.log)
    argv = machine.ssh_command()
    tunnel = subprocess.Popen(argv[:1] + ['-N', '-R', '19532:127.0.0.1:%d' % port] + argv[1:],
                              stdin=subprocess.DEVNULL, stdout=made.log, stderr=made.log)
    try:
        made.wait(made.follows)
        machine.check(UPLOAD)
        yield made
    finally:
        for process in (tunnel, collector):
            process.terminate()
            process.wait()
        made.end()


def server(machine):
    """(pid, score) of the database's process, or None between two of them."""
    words = machine.run('pid=$(pidof mariadbd) && echo $pid $(cat /proc/$pid/oom_score_adj)').stdout.split()
    return tuple(map(int, words)) if len(words) == 2 else None


def wait_for(condition, rulebook):
    rulebook.wait(condition, SECONDS, 10)
    assert condition(), rulebook.said()[-6000:]


def test_from_a_kill_to_a_protected_database_by_itself(machine, rulebook, tmp_path):
    (tmp_path / 'watch.yml').write_text(WATCH)
    subprocess.run([BIN / 'ansible-playbook', '-i', tmp_path / 'hosts', tmp_path / 'watch.yml'], check=True,
                   cwd=tmp_path, env={'PATH': '%s:/usr/bin:/bin' % BIN, 'HOME': str(tmp_path),
                                      'ANSIBLE_COLLECTIONS_PATH': str(tmp_path / 'collections')})
    machine.check(RESTART)
    killed, score = server(machine)
    assert score == 0
    (tmp_path / 'eat.py').write_text(EAT)
    machine.put(tmp_path / 'eat.py', '/root/eat.py')
    machine.run('systemd-run -q --wait python3 /root/eat.py')
    begun = time.monotonic()
    assert 'Killed process %d (mariadbd)' % killed in machine.check('dmesg')
    wait_for(lambda: (server(machine) or (killed,))[0] != killed, rulebook)
    again = server(machine)
    assert again[1] == 0
    wait_for(lambda: (server(machine) or again)[1] != 0, rulebook)
    print('seconds from the kill to the score: %d' % (time.monotonic() - begun))
    wait_for(lambda: list((tmp_path / 'report').rglob('report.json')), rulebook)
    print('to the report: %d' % (time.monotonic() - begun))
    assert server(machine) == (again[0], -600)
    assert '/swapfile' in machine.check('cat /proc/swaps')
    assert machine.check('systemctl show --value -p OOMScoreAdjust mariadb').strip() == '-600'
