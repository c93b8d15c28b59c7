# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine, what takes its memory, and the program ./rescue, run here by a user who has sudo there."""

import json
import re
import subprocess

from image import REPOSITORY

# Takes memory until so many MiB are available, then it stops, or grows on by a quarter of a MiB each second.
HOG = r"""
import os, signal, sys, time
def available():
    return [int(line.split()[1]) // 1024 for line in open('/proc/meminfo') if line.startswith('MemAvailable')][0]
left, grows, held = int(sys.argv[1]), sys.argv[2] == 'grows', []
while available() > left:
    held.append(bytearray(b'x' * (1 << 18)))
open('/run/hog', 'w').write('%d\n' % available())
while grows:
    held.append(bytearray(b'x' * (1 << 18)))
    time.sleep(1)
os.kill(os.getpid(), signal.SIGSTOP)
"""
USER = ('useradd -m -s /bin/sh admin; echo "admin ALL=(ALL) NOPASSWD: ALL" > /etc/sudoers.d/admin; '
        'mkdir -p /home/admin/.ssh; cp /root/.ssh/authorized_keys /home/admin/.ssh/; chown -R admin: /home/admin/.ssh')
KILLED = re.compile(r'Killed process \d+ \(([^)]*)\)')


class WantGuest:

    def __init__(self, machine, folder):
        self.machine, self.folder = machine, folder
        machine.check(USER)
        (folder / 'hog.py').write_text(HOG)
        machine.put(folder / 'hog.py', '/root/hog.py')
        inventory = {'all': {'hosts': {'small': dict(machine.inventory(), ansible_user='admin')}}}
        (folder / 'hosts.yml').write_text(json.dumps(inventory))

    def take(self, left, how):
        """Have a hog take all memory but some MiB; those that are available then."""
        self.machine.check('rm -f /run/hog; systemd-run -q --collect --unit=hog python3 /root/hog.py %d %s && '
                           'while [ ! -s /run/hog ] && systemctl -q is-active hog; do sleep 1; done' % (left, how))
        return int(self.machine.check('cat /run/hog'))

    def has_hog(self):
        return not self.machine.run('systemctl -q is-active hog').rc

    def let_go(self):
        self.machine.check('systemctl kill -s KILL hog; while systemctl -q is-active hog; do sleep 1; done')

    def killed(self):
        """The names of all that the kernel has killed, in order."""
        return KILLED.findall(self.machine.check('dmesg'))

    def rescue(self, command, *words):
        """(status, output) of ./rescue on the machine."""
        done = subprocess.run([REPOSITORY / 'rescue', command, *words, '--inventory', self.folder / 'hosts.yml',
                               '--report', self.folder / 'report'], cwd=self.folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        return done.returncode, done.stdout

    def swaps(self):
        return self.machine.check('tail -n +2 /proc/swaps').split('\n')[0]
