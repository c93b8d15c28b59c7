# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disk images for the virtual machines, built from Debian's packages and kept by the hash of all that goes into them.

An image is one directory of the cache: ``disk.img`` (ext4, no partition table), ``vmlinuz`` and ``initrd.img`` out of
it, and ``image.json``, what it was built from. Building needs root, mmdebstrap and mke2fs; no loop device, no mount.
"""

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import pathlib
import shlex
import shutil
import subprocess

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get('OOM_RESCUE_VM_CACHE') or REPOSITORY / '.cache' / 'vm')
# How the init of a machine with nothing but an initramfs begins.
FIRST_OF_INIT = """#!/bin/sh
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t cgroup2 cgroup2 /sys/fs/cgroup
"""
GUEST = pathlib.Path(__file__).resolve().parent / 'guest'

MIRROR = 'http://deb.debian.org/debian'
BASE = ('linux-image-cloud-amd64,initramfs-tools,dbus,udev,kmod,iproute2,procps,util-linux,'
        'openssh-server,python3-minimal,python3,ca-certificates').split(',')
LEAN = ['--dpkgopt=path-exclude=/usr/share/doc/*', '--dpkgopt=path-exclude=/usr/share/man/*',
        '--dpkgopt=path-exclude=/usr/share/locale/*', '--dpkgopt=path-exclude=/usr/share/i18n/*']
# Archived and moving suites serve Release files past their date; a test guest has no other archive to trust.
ALWAYS_STALE = ('bullseye', 'forky', 'sid')
NEW_SSHD = ('trixie', 'forky', 'sid')


class VmError(Exception):
    """What a person has to know when an image or a machine cannot be made."""


@dataclasses.dataclass
class Tree:
    """A root file system without a kernel: what a container image is imported from.

    ``commands``: run in it by a shell of its own, as root of this host, which is some thirty times as fast as an
    emulated machine.
    """

    suite: str = 'bookworm'
    packages: list = dataclasses.field(default_factory=list)
    variant: str = 'essential'
    commands: list = dataclasses.field(default_factory=list)

    def build(self):
        """The path of its tar file in the cache."""
        path = CACHE / 'trees' / (_digest(dataclasses.asdict(self)) + '.tar')
        with locked(path):
            if not path.exists():
                partial = path.with_suffix('.part.tar')
                hooks = ['--customize-hook=chroot "$1" sh -euc ' + shlex.quote(line) for line in self.commands]
                _mmdebstrap(self.suite, self.packages, partial, ['--variant=' + self.variant, *hooks])
                partial.rename(path)
        return path


@dataclasses.dataclass
class Image:
    """What a machine's disk holds.

    ``files``: guest path -> path on this host. ``trees``: guest path -> Tree; the tar itself where the guest path
    ends in .tar, else unpacked there. ``provision``: scripts run as root in the machine, booted once at build time.
    ``init``: the packages of its init.
    """

    suite: str = 'bookworm'
    packages: list = dataclasses.field(default_factory=list)
    aptopts: list = dataclasses.field(default_factory=list)
    files: dict = dataclasses.field(default_factory=dict)
    trees: dict = dataclasses.field(default_factory=dict)
    provision: list = dataclasses.field(default_factory=list)
    size: str = '8G'
    init: list = dataclasses.field(default_factory=lambda: ['systemd', 'systemd-sysv'])

    def key(self):
        """The hash of the description and of every file it names."""
        return _digest(dict(
            dataclasses.asdict(self),
            files={guest: _file_digest(host) for guest, host in self.files.items()},
            provision=[_file_digest(host) for host in self.provision],
            builder=[_file_digest(path) for path in [__file__] + sorted(GUEST.iterdir())],
        ))

    def path(self):
        return CACHE / 'images' / ('%s-%s' % (self.suite, self.key()))

    def build(self, boot=None):
        """The directory of the image, built where the cache has none. ``boot(disk)`` gives a machine to provision."""
        path = self.path()
        with locked(path):
            if not path.exists():
                with _scratch(path) as scratch:
                    self._make(scratch)
                    for script in self.provision:
                        boot(self, scratch).provision(script)
                    (scratch / 'image.json').write_text(json.dumps(dataclasses.asdict(self), indent=1))
                    scratch.rename(path)
        return path

    def _make(self, out):
        root = out / 'root'
        options = ['--variant=minbase',
                   '--essential-hook=mkdir -p "$1"/etc/initramfs-tools/conf.d "$1"/usr/share/initramfs-tools/modules.d',
                   '--essential-hook=upload %s /etc/initramfs-tools/conf.d/vm' % (GUEST / 'initramfs-vm'),
                   '--essential-hook=upload %s /usr/share/initramfs-tools/modules.d/vm' % (GUEST / 'initramfs-modules'),
                   '--customize-hook=upload %s /setup-vm' % (GUEST / 'setup-vm'),
                   '--customize-hook=upload %s.pub /authorized_keys' % key_file(),
                   '--customize-hook=chroot "$1" sh /setup-vm %s' % ('new' if self.suite in NEW_SSHD else 'old'),
                   '--customize-hook=rm "$1"/setup-vm']
        options += ['--aptopt=' + option for option in self.aptopts]
        _mmdebstrap(self.suite, BASE + list(self.init) + list(self.packages), root, options)
        _unmount_below(root)
        for guest, tree in sorted(self.trees.items()):
            self._place(tree.build(), root, guest, unpack=not guest.endswith('.tar'))
        for guest, host in sorted(self.files.items()):
            self._place(host, root, guest)
        for name, target in (('vmlinuz', 'vmlinuz'), ('initrd.img', 'initrd.img')):
            shutil.copyfile(sorted((root / 'boot').glob(name + '-*'))[-1], out / target)
        run(['mke2fs', '-q', '-t', 'ext4', '-d', str(root), '-E', 'lazy_itable_init=0,lazy_journal_init=0',
             str(out / 'disk.img'), self.size])
        shutil.rmtree(root)

    @staticmethod
    def _place(host, root, guest, unpack=False):
        target = root / guest.lstrip('/')
        if unpack:
            target.mkdir(parents=True, exist_ok=True)
            run(['tar', '-xf', str(host), '-C', str(target), '--numeric-owner', '--xattrs'])
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(host, target)


def read_spec(path, suite=None):
    """An Image from a YAML file, for its own suite or another; the host paths in it are relative to that file."""
    import yaml
    path = pathlib.Path(path)
    spec = yaml.safe_load(path.read_text())
    spec['suite'] = suite or spec['suite']
    spec['packages'] = spec['packages'] + (spec.pop('packages_by_suite', None) or {}).get(spec['suite'], [])
    spec['trees'] = {guest: Tree(**tree) for guest, tree in (spec.get('trees') or {}).items()}
    spec['files'] = {guest: str(path.parent / host) for guest, host in (spec.get('files') or {}).items()}
    spec['provision'] = [str(path.parent / host) for host in spec.get('provision') or []]
    return Image(**spec)


def key_file():
    """The private key that every machine of this cache lets in; made on first use."""
    path = CACHE / 'id_ed25519'
    with locked(path):
        if not path.exists():
            run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'oom-rescue-vm', '-f', str(path)])
    return path


def run(argv, **options):
    """Run a command of this host; VmError with the end of its output where it fails."""
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors='replace', check=False, **options)
    except FileNotFoundError:
        raise VmError('%s is not on this host: what the machines need is installed by `apt-get install $(cat %s)`'
                      % (argv[0], REPOSITORY / 'tests' / 'vm' / 'packages.txt')) from None
    if done.returncode:
        raise VmError('%s failed (%d):\n%s' % (' '.join(argv), done.returncode, done.stdout[-3000:]))
    return done.stdout


@contextlib.contextmanager
def locked(path):
    """One builder at a time of what is to stand at ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.parent / ('.%s.lock' % path.name), 'w') as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _scratch(path):
    """A directory to build in, beside ``path``; what a builder that was killed left there goes first."""
    scratch = path.parent / ('.building-' + path.name)
    _remove(scratch)
    scratch.mkdir()
    try:
        yield scratch
    finally:
        _remove(scratch)


def _remove(directory):
    """Remove a directory in which something of this host's may be mounted, which stays."""
    _unmount_below(directory)
    shutil.rmtree(directory, ignore_errors=True)


def _unmount_below(directory):
    """Unmount what mmdebstrap left mounted below a directory, the innermost first: it goes on if /proc is busy."""
    rows = [line.split()[4] for line in pathlib.Path('/proc/self/mountinfo').read_text().splitlines()]
    for point in sorted((row for row in rows if row.startswith(str(directory) + '/')), reverse=True):
        run(['umount', '--lazy', point])


def _mmdebstrap(suite, packages, target, options):
    stale = ['--aptopt=Acquire::Check-Valid-Until "false"'] if suite in ALWAYS_STALE else []
    run(['mmdebstrap', '--quiet', '--mode=root', '--dpkgopt=force-unsafe-io', '--include=' + ','.join(packages),
         *stale, *LEAN, *options, suite, str(target), MIRROR])


def _digest(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _file_digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
