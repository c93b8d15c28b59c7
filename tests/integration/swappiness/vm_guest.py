# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine with the collection's modules in it, and the role verify run against it."""

import json
import os
import subprocess

from modules import REPOSITORY, ModuleGuest

VERIFY = """\
- hosts: all
  gather_facts: false
  vars:
    diagnose_result: {advice: {swap: null, oom_protect: null, swappiness: {value: 10}}}
    swappiness_value: 10
  roles: [oom.rescue.verify]
"""
# tuned is started before it has applied its profile, and an emulated machine may take longer than systemd waits.
TUNED_PATIENCE = ('mkdir -p /etc/systemd/system/tuned.service.d && printf "[Service]\\nTimeoutStartSec=infinity\\n" '
                  '> /etc/systemd/system/tuned.service.d/patience.conf && systemctl daemon-reload')
TUNED_APPLIED = ('systemctl -q is-active tuned || exit 0; for second in $(seq 120); do tac /var/log/tuned/tuned.log '
                 '| sed "/TuneD: /q" | grep -q "static tuning from profile .* applied" && exit; sleep 1; done')
PATHS = '/etc /usr/lib/sysctl.d /usr/lib/tuned /usr/local /run/sysctl.d /var/lib/oom-rescue'


class Guest(ModuleGuest):
    """The machine, and the collection run against it."""

    def __init__(self, suite, machine):
        super().__init__(machine)
        self.suite = suite
        machine.check(TUNED_PATIENCE)

    def swappiness(self, check=False, **arguments):
        return self.module('swappiness', check, **arguments)

    def facts(self):
        return self.module('memory_facts', candidates=1)['ansible_facts']['memory']['swappiness']

    def runtime(self):
        return int(self.check('cat /proc/sys/vm/swappiness'))

    def boot(self):
        """Reboot, wait until all that boot starts is started, and say what the value is then."""
        self.reboot(command='sync; systemctl reboot --force --force')
        self.run('systemctl is-system-running --wait')
        self.run(TUNED_APPLIED)
        return self.runtime()

    def verify(self, directory):
        """(whether the role verify agrees, what it said)."""
        playbook, inventory = directory / 'verify.yml', directory / 'inventory.json'
        playbook.write_text(VERIFY)
        inventory.write_text(json.dumps({'all': {'hosts': {self.machine.name: self.machine.inventory()}}}))
        done = subprocess.run([str(REPOSITORY / '.venv/bin/ansible-playbook'), '-i', str(inventory), str(playbook)],
                              cwd=REPOSITORY, capture_output=True, text=True, check=False,
                              env=dict(os.environ, ANSIBLE_NOCOLOR='1'))
        return done.returncode == 0, done.stdout + done.stderr

    def files(self):
        """Type, mode, owner, link and digest of every file that may change."""
        return self.check(
            'find %s -printf "%%y %%m %%u:%%g %%p %%l\\n" 2>/dev/null | sort; '
            'find %s -type f -exec sha256sum {} + 2>/dev/null | sort' % (PATHS, PATHS))
