# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filesystems on loop devices, each a root to run in. Needs root; swap is the whole host's, so run it alone."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import uuid

import pytest

HERE = pathlib.Path(__file__).parent
MIB = 1 << 20
DRIVE = (sys.executable, '-B', str(HERE / 'drive.py'))
# Its bytecode is made once, for this run alone.
BYTECODE = tempfile.TemporaryDirectory(prefix='oom-rescue-bytecode-')
ENVIRONMENT = dict(os.environ, PYTHONHASHSEED='0', PYTHONPYCACHEPREFIX=BYTECODE.name)
# Swap that is turned on in another mount namespace is called by another path: /proc is mounted in this one.
ALONE = 'mount -t proc proc "$0" && { "$@"; status=$?; umount "$0"; exit $status; }'
MKFS = {
    'ext4': ['mkfs.ext4', '-q', '-F', '-b', '4096'],
    'ext4-1k': ['mkfs.ext4', '-q', '-F', '-b', '1024'],
    'ext3': ['mkfs.ext3', '-q', '-F', '-b', '4096'],
    'ext2': ['mkfs.ext2', '-q', '-F', '-b', '4096'],
    'xfs': ['mkfs.xfs', '-q', '-f'],
    'xfs-1k': ['mkfs.xfs', '-q', '-f', '-b', 'size=1024'],
    'btrfs': ['mkfs.btrfs', '-q', '-f'],
}


def run(*argv):
    words = [str(word) for word in argv]
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout


class Root:
    """A directory with /proc and /sys in it, which a test takes for the whole node."""

    driver = None
    # Whether no run sees a process of the machine's, which may be one that forbids swap.
    sees_nobody = False

    def __init__(self, directory):
        self.path = pathlib.Path(directory)
        self.path.chmod(0o755)
        for name in ('proc', 'sys', 'etc', 'var/lib'):
            (self.path / name).mkdir(parents=True)
        run('mount', '--bind', '/proc', self.path / 'proc')
        run('mount', '--bind', '/sys', self.path / 'sys')
        self.fstab('# the table\n\nUUID=1-2 / ext4 defaults 0 1\n')

    def fstab(self, text=None):
        file = self.path / 'etc/fstab'
        if text is not None:
            file.write_text(text)
        return file.read_text() if file.exists() else None

    def words(self, path='/swapfile', check=False, **wish):
        """The arguments of drive.py."""
        return [str(self.path), path, json.dumps(wish)] + ['check'] * check

    def argv(self, *args, **wish):
        return [*DRIVE, *self.words(*args, **wish)]

    def converge(self, path='/swapfile', check=False, strace=(), **wish):
        """The result of one run, with strace on it if its words are given; None if it was killed."""
        wish.setdefault('reserve_bytes', 0)
        return self.ask(self.words(path, check, **wish), strace)

    def ask(self, words, strace=()):
        """The answer of a drive.py that imported everything once, for all runs in this root."""
        if self.driver is None:
            argv = (self.alone() if self.sees_nobody else []) + list(DRIVE)
            self.driver = subprocess.Popen(argv, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                           universal_newlines=True)
        self.driver.stdin.write(json.dumps({'drive': words, 'strace': list(strace)}) + '\n')
        self.driver.stdin.flush()
        answer = self.driver.stdout.readline()
        assert answer.strip(), 'a traceback of drive.py is on standard error'
        return json.loads(answer)

    def alone(self):
        """What a command begins with to see no process of others in /proc: each of its runs makes the same calls."""
        return ['unshare', '--pid', '--fork', '--kill-child', 'sh', '-c', ALONE, str(self.path / 'proc')]

    def areas(self):
        """{path in this root: size in bytes} of /proc/swaps."""
        found = {}
        for line in pathlib.Path('/proc/swaps').read_text().splitlines()[1:]:
            fields = line.split()
            if fields[0].startswith(str(self.path) + '/'):
                found[fields[0][len(str(self.path)):]] = int(fields[2]) * 1024
        return found

    def tree(self):
        """{path: (mode, size or target or small text)} of everything but /proc and /sys.

        By which inode and UUID a record knows the swap file is by chance: it says whether they are the file's own.
        """
        found = {}
        for directory, names, files in os.walk(self.path):
            if pathlib.Path(directory) == self.path:
                names[:] = [name for name in names if name not in ('proc', 'sys', 'lost+found')]
            for name in names + files:
                file = pathlib.Path(directory, name)
                status = file.lstat()
                content = status.st_size
                if file.is_file() and content < 65536:
                    content = file.read_bytes()
                if file.name == 'swap.json':
                    content = self._without_chance(content)
                found[str(file)[len(str(self.path)):]] = (oct(status.st_mode), None if file.is_dir() else content)
        return found

    def _without_chance(self, text):
        for area, row in json.loads(text).get('records', {}).items():
            left, file = row.get('left') or {}, pathlib.Path(str(self.path) + area)
            if left.get('uuid') and file.is_file():
                with file.open('rb') as stream:
                    head = stream.read(4096)
                own = file.stat().st_ino == left['inode'] and uuid.UUID(left['uuid']).bytes in head
                text = text.replace(left['uuid'].encode(), b'own' if own else b'not own')
                text = text.replace(b'"inode": %d' % left['inode'], b'"inode": "own"')
        return text

    def reset(self, fstab):
        """Back to an empty node."""
        for area in self.areas():
            run('swapoff', str(self.path) + area)
        for name in self.path.iterdir():
            if name.name not in ('proc', 'sys', 'etc', 'var', 'lost+found'):
                run('rm', '-rf', name)
        for name in list((self.path / 'etc').iterdir()) + list((self.path / 'var/lib').iterdir()):
            run('rm', '-rf', name)
        if fstab is not None:
            self.fstab(fstab)

    def close(self):
        if self.driver:
            self.driver.communicate()
        for area in self.areas():
            subprocess.call(['swapoff', str(self.path) + area])
        for name in ('proc', 'sys'):
            subprocess.call(['umount', str(self.path / name)])


def pytest_addoption(parser):
    parser.addoption('--suite', default='bookworm', help='the Debian suite of the virtual machines')


@pytest.fixture(scope='session')
def suite(request):
    return request.config.getoption('--suite')


@pytest.fixture(scope='session', autouse=True)
def needs_root():
    if os.geteuid() != 0:
        pytest.skip('switching swap on needs root')


@pytest.fixture(scope='session', autouse=True)
def bytecode():
    subprocess.run([sys.executable, DRIVE[-1]], stdin=subprocess.DEVNULL, check=True,
                   env={key: value for key, value in ENVIRONMENT.items() if key != 'PYTHONDONTWRITEBYTECODE'})


@pytest.fixture(scope='module')
def make_root(tmp_path_factory):
    """make_root(filesystem, megabytes=..., options=...): a Root on a new filesystem of that kind."""
    undo = []

    def make(filesystem, megabytes=256, options='', devices=1):
        base = tmp_path_factory.mktemp(filesystem)
        point = base / 'root'
        point.mkdir()
        if filesystem in MKFS:
            loops = []
            for number in range(devices):
                image = base / ('disk%d' % number)
                with image.open('wb') as stream:
                    stream.truncate(megabytes * MIB)
                loops.append(run('losetup', '--find', '--show', image).strip())
                undo.append(['losetup', '--detach', loops[-1]])
            try:
                run(*(MKFS[filesystem] + loops))
            except (OSError, subprocess.CalledProcessError) as error:
                pytest.skip('%s is not to be had here: %s' % (filesystem, error))
            command = ['mount', '-o', options or 'defaults', loops[0], point]
        elif filesystem == 'overlay':
            for name in ('lower', 'upper', 'work'):
                (base / name).mkdir()
            command = ['mount', '-t', 'overlay', 'overlay', '-o',
                       'lowerdir={0}/lower,upperdir={0}/upper,workdir={0}/work'.format(base), point]
        else:
            command = ['mount', '-t', filesystem, '-o', options or 'defaults', filesystem, point]
        try:
            run(*command)
        except subprocess.CalledProcessError as error:
            pytest.skip('%s cannot be mounted here: %s' % (filesystem, error))
        undo.append(['umount', str(point)])
        root = Root(point)
        undo.append(root.close)
        return root

    yield make
    for step in reversed(undo):
        if callable(step):
            step()
        else:
            subprocess.call(step)
