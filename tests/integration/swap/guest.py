# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual machines of one image, with what this directory's tests run in ``/root/tree``."""

import json
import pathlib
import shlex
import shutil
import subprocess
import sys

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
TREE = '/root/tree'
PACKAGES = ['dosfstools', 'nfs-kernel-server', 'policycoreutils', 'selinux-policy-default', 'selinux-utils']

sys.path.insert(0, str(REPOSITORY / 'tests/vm'))
from image import Image
from machine import Machine

needs_machines = pytest.mark.skipif(not shutil.which('qemu-system-x86_64') or not shutil.which('mmdebstrap'),
                                    reason='virtual machines need qemu-system-x86 and mmdebstrap')


class Guest(Machine):

    def __init__(self, name, suite, **options):
        super().__init__('%s-%s' % (name, suite), Image(suite, packages=PACKAGES), **options)

    def up(self, **options):
        super().up(**options)
        archive = self.directory / 'tree.tar'
        subprocess.run(['tar', '-C', str(REPOSITORY), '-cf', str(archive), 'plugins/module_utils',
                        'tests/unit/conftest.py', 'tests/integration/swap'], check=True)
        self.put(archive, TREE + '.tar')
        self.check('mkdir -p {0} && tar -C {0} -xf {0}.tar'.format(TREE))

    def converge(self, path='/swapfile', check=False, **wish):
        """The result of one run."""
        wish.setdefault('reserve_bytes', 0)
        return json.loads(self.check('python3 %s/tests/integration/swap/drive.py / %s %s %s' % (
            TREE, shlex.quote(path), shlex.quote(json.dumps(wish)), 'check' if check else '')))

    def areas(self):
        """{path: (size, bytes in use)} of /proc/swaps."""
        lines = [line.split() for line in self.check('cat /proc/swaps').splitlines()[1:]]
        return dict((line[0], (int(line[2]) * 1024, int(line[3]) * 1024)) for line in lines)
