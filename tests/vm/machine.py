# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual machines: booted from an image, reached over ssh, and never outliving whoever started them."""

import contextlib
import ctypes
import dataclasses
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

import image as images
from image import CACHE, VmError

RUN = CACHE / 'run'
CONSOLE_LINES = 40
# Emulated, on a busy host.
BOOT_SECONDS = 1200
# The kernel writes this where it stays in its panic, and not where it reboots for it.
PANIC = b'---[ end Kernel panic - not syncing'
PR_SET_PDEATHSIG = 1
# A newer model says that `rep stosb` is fast, and the kernel clears pages by it: emulated, byte by byte.
EMULATED_CPU = 'Nehalem'
# On a busy host the kernel takes the emulated TSC for broken, and reads of the clock, of which there are many, go to
# the emulated HPET; nor does its timer come in time for the check at boot, which would have it panic.
STEADY_CLOCK = 'tsc=reliable no_timer_check'


@dataclasses.dataclass
class Result:
    rc: int
    stdout: str
    stderr: str


def acceleration():
    """``kvm`` where a guest really runs under it, else ``tcg``: /dev/kvm alone proves nothing on a nested host."""
    answer = CACHE / ('acceleration-' + pathlib.Path('/proc/sys/kernel/random/boot_id').read_text().strip())
    with images.locked(answer):
        if not answer.exists():
            answer.write_text('kvm' if os.access('/dev/kvm', os.R_OK | os.W_OK) and _runs_under_kvm() else 'tcg')
    return answer.read_text()


def _runs_under_kvm():
    kernels = sorted((CACHE / 'images').glob('[!.]*/vmlinuz')) or sorted(CACHE.glob('images/.building-*/vmlinuz'))
    if not kernels:
        return False
    argv = ['qemu-system-x86_64', '-accel', 'kvm', '-cpu', 'max', '-m', '256', '-nodefaults', '-display', 'none',
            '-serial', 'stdio', '-no-reboot', '-kernel', str(kernels[0]), '-append', 'console=ttyS0 panic=-1']
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               preexec_fn=_die_with_parent)
    timer = time.monotonic() + 20
    os.set_blocking(process.stdout.fileno(), False)
    seen = b''
    try:
        while time.monotonic() < timer and process.poll() is None and b'Linux version' not in seen:
            time.sleep(0.2)
            seen += process.stdout.read() or b''
        return b'Linux version' in seen
    finally:
        process.kill()
        process.wait()


def _die_with_parent():
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class Machine:
    """One virtual machine, known by its name; the context manager boots it and takes it down.

    ``until`` is the process with which it ends (0: none), ``lifetime`` its longest life in seconds.
    """

    def __init__(self, name, image=None, memory=1024, smp=2, port=0, until=None, lifetime=7200, append=''):
        self.name = name
        self.directory = RUN / name
        self.console = self.directory / 'console.log'
        self._record = self.directory / 'machine.json'
        if image is None:
            if not self._record.exists():
                raise VmError('no machine is called %s: `vm.py list` shows the ones there are' % name)
            self.settings = json.loads(self._record.read_text())
        else:
            self.settings = {
                'image': str(image.build(_boot_to_provision) if isinstance(image, images.Image) else image),
                'memory': memory, 'smp': smp, 'port': port, 'lifetime': lifetime, 'append': append,
                'until': os.getpid() if until is None else until,
            }

    def __enter__(self):
        self.up()
        return self

    def __exit__(self, *_):
        self.down()

    @property
    def port(self):
        return self.settings['port']

    @property
    def pid(self):
        """The emulator's process, or None where it does not run."""
        try:
            pid = int((self.directory / 'pid').read_text())
            command = pathlib.Path('/proc/%d/cmdline' % pid).read_bytes().split(b'\0')
        except (OSError, ValueError):
            return None
        return pid if str(self.directory / 'disk.img').encode() in b''.join(command) else None

    def up(self, timeout=BOOT_SECONDS):
        """Boot on a fresh copy of the image's disk and wait for ssh; where that fails, nothing is left of it."""
        try:
            self.directory.mkdir(parents=True)
        except FileExistsError:
            raise VmError('a machine called %s is there and left as it is, %s: `vm.py down %s` first%s' % (
                self.name, 'running with pid %s' % self.pid if self.pid else 'off', self.name,
                '' if self.pid else ', or `vm.py start %s` to boot it on its disk' % self.name)) from None
        try:
            images.run(['cp', '--sparse=always', '--reflink=auto', self.settings['image'] + '/disk.img',
                        str(self.directory / 'disk.img')])
            self.start(timeout)
        except BaseException:
            self.down()
            raise

    def start(self, timeout=BOOT_SECONDS):
        """Boot on the disk as it is and wait for ssh."""
        if self.pid:
            raise VmError('%s runs already' % self.name)
        for attempt in range(3):
            self.settings['port'] = self.settings['port'] or free_port()
            # The console goes on where an earlier run of the machine ended.
            self.settings['console_offset'] = len(self._console())
            self._record.write_text(json.dumps(dict(self.settings, inventory=self.inventory()), indent=1))
            self._spawn()
            if self._alive_after(0.5):
                break
            if 'Could not set up host forwarding' not in self._errors() or attempt == 2:
                raise VmError('%s did not start: %s' % (self.name, self._errors()))
            self.settings['port'] = 0
        self.wait(timeout)

    def _alive_after(self, seconds):
        """Whether the emulator is there and stays: a taken port ends it at once."""
        until = time.monotonic() + 10
        while not self.pid and time.monotonic() < until and not self._errors():
            time.sleep(0.05)
        time.sleep(seconds)
        return self.pid is not None

    def _errors(self):
        path = self.directory / 'qemu.err'
        return path.read_text() if path.exists() else ''

    def _spawn(self):
        (self.directory / 'qemu.err').unlink(missing_ok=True)
        (self.directory / 'pid').unlink(missing_ok=True)
        subprocess.Popen([sys.executable, str(pathlib.Path(__file__).with_name('supervise.py')), str(self.directory),
                          str(self.settings['until']), str(self.settings['lifetime'])] + self._command(),
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                         start_new_session=True)

    def _command(self):
        settings = self.settings
        kvm = acceleration() == 'kvm'
        return [
            'qemu-system-x86_64', '-name', self.name, '-nodefaults', '-display', 'none', '-no-user-config',
            '-accel', 'kvm' if kvm else 'tcg,thread=multi,tb-size=256', '-cpu', 'max' if kvm else EMULATED_CPU,
            '-smp', str(settings['smp']), '-m', str(settings['memory']),
            '-kernel', settings['image'] + '/vmlinuz', '-initrd', settings['image'] + '/initrd.img',
            '-append', 'root=/dev/vda rw console=ttyS0 loglevel=4 net.ifnames=0 mitigations=off '
                       # Services that are slow to start on a busy host are ended for it.
                       'systemd.default_timeout_start_sec=600 systemd.service_watchdogs=no '
                       'systemd.show_status=error systemd.hostname=%s %s %s' % (
                           self.name, STEADY_CLOCK, settings['append']),
            '-drive', 'file=%s,if=virtio,format=raw,cache=unsafe' % (self.directory / 'disk.img'),
            '-netdev', 'user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:%d-:22' % settings['port'],
            '-device', 'virtio-net-pci,netdev=net,romfile=', '-device', 'virtio-rng-pci',
            '-chardev', 'file,id=console,path=%s,append=on' % self.console, '-serial', 'chardev:console',
        ]

    def wait(self, timeout=BOOT_SECONDS, other_than=None):
        """Wait until ssh answers (and the boot is another one than ``other_than``); its boot id."""
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            boot = self._boot_id(min(60, until - time.monotonic()))
            if boot and boot != other_than:
                return boot
            time.sleep(0.5)
        raise VmError('%s does not answer over ssh after %d s. Console:\n%s' % (self.name, timeout, self.tail()))

    def _boot_id(self, seconds):
        """The id of its boot, empty where ssh has none within that time; VmError as soon as it never will."""
        until = time.monotonic() + seconds
        with subprocess.Popen(self.ssh_command('cat /proc/sys/kernel/random/boot_id'), text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as ssh:
            try:
                while time.monotonic() < until:
                    if not self.pid:
                        raise VmError('%s is gone: %s\nConsole:\n%s' % (self.name, self._errors(), self.tail()))
                    if PANIC in self._console()[self.settings.get('console_offset', 0):]:
                        raise VmError('the kernel of %s panicked. Console:\n%s' % (self.name, self.tail()))
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        return ssh.communicate(timeout=0.5)[0].strip()
            finally:
                ssh.kill()
        return ''

    def _console(self):
        return self.console.read_bytes() if self.console.exists() else b''

    def tail(self, lines=CONSOLE_LINES):
        """The last lines of the console."""
        return '\n'.join(self._console().decode(errors='replace').splitlines()[-lines:])

    def ssh_options(self):
        return ['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR',
                '-o', 'IdentitiesOnly=yes', '-o', 'ConnectTimeout=60', '-o', 'ServerAliveInterval=15',
                '-o', 'ServerAliveCountMax=20', '-i', str(images.key_file())]

    def ssh_command(self, command=None):
        argv = ['ssh', '-F', '/dev/null', '-p', str(self.port), *self.ssh_options(), 'root@127.0.0.1']
        return argv + ([command] if command else [])

    def run(self, command, timeout=None, input=None):
        """Run a shell command in the machine; its rc (255: no connection), stdout and stderr."""
        for _attempt in range(5):
            done = subprocess.run(self.ssh_command(command), input=input, text=True, errors='replace', timeout=timeout,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                                  **({} if input is not None else {'stdin': subprocess.DEVNULL}))
            # A guest that is short of CPU: nothing was run yet.
            if done.returncode != 255 or 'during banner exchange' not in done.stderr:
                break
        return Result(done.returncode, done.stdout, done.stderr)

    def check(self, command, timeout=None, input=None):
        """Run a shell command in the machine; its stdout, or VmError where it fails."""
        done = self.run(command, timeout, input)
        if done.rc:
            raise VmError('%s: %s failed (%d):\n%s%s' % (self.name, command, done.rc, done.stdout, done.stderr))
        return done.stdout

    def put(self, source, target):
        """Copy a file, or a directory with what is in it, from this host to the path ``target`` in the machine."""
        source = pathlib.Path(source)
        argv = ['tar', '-C', str(source.parent), '-cf', '-',
                '--transform', 's,^%s,%s,' % (source.name, target.strip('/')), source.name]
        packed = subprocess.run(argv, stdout=subprocess.PIPE, check=True).stdout
        done = subprocess.run(self.ssh_command('tar -xf - -C / --no-same-owner'), input=packed, capture_output=True,
                              check=False)
        if done.returncode:
            raise VmError('%s: %s not copied: %s' % (self.name, source, done.stderr.decode(errors='replace')))

    def reboot(self, timeout=BOOT_SECONDS, command='systemctl --no-block reboot'):
        """Reboot from inside and wait for ssh on the new boot."""
        boot = self.check('cat /proc/sys/kernel/random/boot_id').strip()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.run(command, timeout=60)
        return self.wait(timeout, other_than=boot)

    def crash(self):
        """Pull the plug; the disk stays."""
        pid = self.pid
        if pid:
            os.kill(pid, signal.SIGKILL)
            while self.pid == pid:
                time.sleep(0.05)

    def down(self):
        """End the machine and remove all that is left of it."""
        self.crash()
        shutil.rmtree(self.directory, ignore_errors=True)

    def provision(self, script):
        """Run a script of this host in the machine."""
        self.check('bash -es', input=pathlib.Path(script).read_text())

    def inventory(self):
        """Its variables for an Ansible inventory."""
        return {'ansible_host': '127.0.0.1', 'ansible_port': self.port, 'ansible_user': 'root',
                'ansible_ssh_private_key_file': str(images.key_file()),
                'ansible_python_interpreter': '/usr/bin/python3',
                'ansible_ssh_common_args': ' '.join(self.ssh_options())}


def machines():
    """Every machine that has a directory, running or not."""
    return [Machine(path.parent.name) for path in sorted(RUN.glob('*/machine.json'))]


class _boot_to_provision:
    """Boots an image's own disk, so that what the scripts do stays in it, and shuts it down cleanly."""

    def __init__(self, image, directory):
        self._directory = directory

    def provision(self, script):
        machine = Machine(self._directory.name.strip('.'), self._directory)
        machine.down()
        machine.directory.mkdir(parents=True)
        (machine.directory / 'disk.img').symlink_to(self._directory / 'disk.img')
        try:
            machine.start()
            machine.provision(script)
            machine.run('systemctl --no-block poweroff')
            until = time.monotonic() + 600
            while machine.pid:
                if time.monotonic() > until:
                    raise VmError('%s does not shut down. Console:\n%s' % (machine.name, machine.tail()))
                time.sleep(0.2)
        finally:
            machine.down()
