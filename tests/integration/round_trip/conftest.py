# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers with a systemd that runs, two servers, and a disk of its own for swap. Needs root; swap is the whole
host's, so run it alone.
"""

import itertools
import json
import os
import pathlib
import subprocess
import sys
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[2]
sys.path.insert(0, str(REPOSITORY / '.cache' / 'collections'))
NUMBERS = itertools.count()
COLLECTION = '/root-of-collections/ansible_collections/oom/rescue'
SERVER = '[Service]\nExecStart=/usr/local/sbin/%s infinity\nRestart=always\nRestartSec=0\n%s'


def pytest_addoption(parser):
    parser.addoption('--sequences', type=int, default=4, help='how many sequences, each from its own seed')


def pytest_generate_tests(metafunc):
    if 'seed' in metafunc.fixturenames:
        metafunc.parametrize('seed', range(metafunc.config.getoption('--sequences')))


class Container:
    """One host."""

    def __init__(self, image, disk, name):
        self.disk, self.name = disk, name
        subprocess.run([
            'podman', '--runtime=runc', 'run', '--detach', '--rm', '--systemd=always', '--privileged', '--name', name,
            '--hostname', 'round', '--network=none', '--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=4096:4096',
            '--volume', '/dev/null:/dev/kmsg', '--volume', '%s:%s:ro' % (REPOSITORY, COLLECTION),
            '--volume', '%s:/disk' % disk, '--volume', '%s:/step.py:ro' % (HERE / 'step.py'), image, '/sbin/init'],
            check=True, stdout=subprocess.DEVNULL)
        self._steps = None

    def shell(self, script):
        return subprocess.run(['podman', 'exec', '--interactive', self.name, 'sh', '-e'], input=script, text=True,
                              check=True, stdout=subprocess.PIPE).stdout

    def begin(self, files):
        """Wait for its systemd, write files of {path: text}, and start the servers."""
        for _attempt in range(300):
            done = subprocess.run(['podman', 'exec', self.name, 'sh', '-c', 'systemctl is-system-running'], text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
            if done.stdout.strip() in ('running', 'degraded'):
                break
            time.sleep(0.1)
        words = ["cat > %s <<'END'\n%s\nEND" % (path, text) for path, text in files.items()]
        # vm.swappiness is the machine's own: here it is a file.
        self.shell('\n'.join([
            'echo 60 > /run/swappiness; mount --bind /run/swappiness /proc/sys/vm/swappiness',
            'cp /usr/bin/sleep /usr/local/sbin/mysqld; cp /usr/bin/sleep /usr/local/sbin/appd'] + words + [
                'systemctl daemon-reload; systemctl start server db']))

    def run(self, what, given=None):
        """What a step returns; one that failed has its traceback on standard error."""
        if self._steps is None:
            argv = ['podman', 'exec', '--interactive', self.name, 'python3', '-B', '/step.py']
            self._steps = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._steps.stdin.write(json.dumps([what, given or {}]) + '\n')
        self._steps.stdin.flush()
        answer = self._steps.stdout.readline()
        assert answer, ('failed', what, given)
        return json.loads(answer)

    def end(self):
        if self._steps:
            self._steps.kill()
            self._steps.communicate()
        for path in self.disk.iterdir():
            subprocess.run(['swapoff', str(path)], check=False, stderr=subprocess.DEVNULL)
        subprocess.run(['podman', 'rm', '--force', '--time=0', self.name], check=False, stdout=subprocess.DEVNULL)


@pytest.fixture(scope='session')
def image():
    if os.geteuid() != 0:
        pytest.skip('switching swap on needs root')
    return subprocess.run([str(REPOSITORY / 'molecule/images/build'), 'bookworm'], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.strip()


@pytest.fixture
def disk(tmp_path):
    """A directory on an ext4 of its own, where a swap file can be."""
    with open(tmp_path / 'disk.img', 'wb') as stream:
        stream.truncate(96 << 20)
    subprocess.run(['mkfs.ext4', '-q', '-F', '-b', '4096', str(tmp_path / 'disk.img')], check=True)
    point = tmp_path / 'disk'
    point.mkdir()
    subprocess.run(['mount', '-o', 'loop', str(tmp_path / 'disk.img'), str(point)], check=True)
    yield point
    subprocess.run(['umount', '-l', str(point)], check=True)


@pytest.fixture
def container(image, disk):
    # A name of its own: on a busy machine the last one's is not free at once.
    host = Container(image, disk, 'round-trip-%d-%d' % (os.getpid(), next(NUMBERS)))
    try:
        yield host
    finally:
        host.end()
