# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine to attack: this one's files under an overlay, with processes, mounts, cgroups and a host name of its own.

What runs in it ends, and what was written in it is gone, when its first process is killed. Root in it is root of this
machine, and the modules and playbooks are the real ones; the attacker is uid 65534 (nobody), without any capability.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
NOBODY = 65534
COLLECTION = '/collections/ansible_collections/oom/rescue'
# A run that takes longer of the CPU hangs, or one that takes _WAITS times as long by the clock, as the machine may have
# other work; one that asks for more memory would starve it.
SECONDS = 20
_WAITS = 4
MEMORY = 700 << 20

_SETUP = r'''
set -eu
mount -t tmpfs -o size=1g,mode=755 tmpfs "$1"
cd "$1"
mkdir upper work root
mount -t overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" overlay root
mkdir -p root/old root/attackers "root$3" root/sys root/proc root/dev
mount --bind "$2" "root$3"
mount --bind "$4" root/attackers
mount -t proc proc root/proc
mount --rbind /sys root/sys
mount --rbind /dev root/dev
# A mount of its own on which swap could be, as on a server.
for directory in run tmp var/log var/lib; do mount -t tmpfs -o size=256m,mode=755 tmpfs root/$directory; done
chmod 1777 root/tmp
echo 60 > root/run/swappiness
mount --bind root/run/swappiness root/proc/sys/vm/swappiness
for hierarchy in systemd unified; do
    mount --bind "/sys/fs/cgroup/$hierarchy/$5" "root/sys/fs/cgroup/$hierarchy"
done
hostname victim
cd root
pivot_root . old
umount -l old
# What reaps the attacker's children, as any init does.
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
    /bin/sh -c 'echo ready; while :; do sleep 3600 & wait $!; done'
'''
_HIERARCHIES = ('/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified')


class Run(dict):
    """What a module returned, with ``seconds`` of wall time, ``rss`` in bytes, and all that it printed as ``output``.

    ``hung`` if it was stopped for its time. A run without a result has ``failed`` and no more.
    """

    def __init__(self, result, seconds, rss, output, hung):
        super().__init__(result)
        self.seconds, self.rss, self.output, self.hung = seconds, rss, output, hung


class Victim:
    """One such machine, running ``tree``. ``close`` ends it."""

    def __init__(self, tree):
        self._scratch = tempfile.mkdtemp(prefix='attacks-')
        self._groups = [pathlib.Path(hierarchy, 'attacks-%d' % os.getpid()) for hierarchy in _HIERARCHIES]
        for group in self._groups:
            group.mkdir(exist_ok=True)
        # A cgroup namespace starts where its first process is.
        self._join = ''.join('echo $$ > %s/cgroup.procs; ' % group for group in self._groups)
        alone = 'exec unshare --mount --pid --fork --kill-child --uts --ipc --cgroup sh -c "$@"'
        argv = ['sh', '-c', self._join + alone, 'sh', _SETUP, 'sh', self._scratch, str(tree), COLLECTION,
                str(HERE / 'attackers'), self._groups[0].name]
        self._process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self._process.stdout.readline() != 'ready\n':
            error = self._process.stderr.read()
            self.close()
            raise RuntimeError('no machine to attack: ' + error)
        children = pathlib.Path('/proc/%d/task/%d/children' % ((self._process.pid,) * 2)).read_text().split()
        self.pid = int(children[0])
        # Its files from outside.
        self.root = pathlib.Path('/proc/%d/root' % self.pid)

    def close(self):
        self._process.kill()
        self._process.communicate()
        for group in self._groups:
            _remove_groups(group)
        shutil.rmtree(self._scratch, ignore_errors=True)

    # Root's own part.

    def path(self, path):
        return self.root / path.lstrip('/')

    def write(self, path, text='', mode=0o644, owner=0):
        """A file with its directories, as an administrator or a package made it."""
        file = self.path(path)
        if not file.parent.exists():
            file.parent.mkdir(parents=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        file.chmod(mode)
        os.chown(file, owner, owner)
        return file

    def directory(self, path, mode=0o755, owner=0):
        directory = self.path(path)
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(mode)
        os.chown(directory, owner, owner)
        return directory

    def user_cgroup(self, path):
        """A cgroup that systemd gave to the attacker: its directories. What he may do below it, he does himself."""
        made = []
        for hierarchy in ('systemd', 'unified'):
            top = self.path('/sys/fs/cgroup/' + hierarchy)
            directory = top
            for part in path.strip('/').split('/'):
                directory = directory / part
                directory.mkdir(exist_ok=True)
            for file in (directory, directory / 'cgroup.procs'):
                os.chown(file, NOBODY, NOBODY)
            made.append('/' + str(directory.relative_to(self.root)))
        return made

    def run(self, argv, timeout=SECONDS, check=True, **options):
        """Root's command in it: the finished process."""
        done = subprocess.run(self._enter() + argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout,
                              text=True, errors='backslashreplace', check=False, **options)
        if check and done.returncode:
            raise AssertionError('%s: %s' % (argv, done.stdout))
        return done

    def _enter(self, directory='/', groups=()):
        join = self._join + ''.join('echo $$ > %s/cgroup.procs; ' % self.path(group) for group in groups)
        return ['sh', '-c', join + 'exec nsenter --target "$0" --mount --pid --uts --ipc --cgroup env -C "$@"',
                str(self.pid), directory]

    def module(self, name, check=False, timeout=SECONDS, memory=MEMORY, before=(), **arguments):
        """A module's run, as root; ``before`` is a command that runs it."""
        arguments['_ansible_check_mode'] = check
        environ = dict(os.environ, ANSIBLE_LOCAL_TEMP='/tmp', PYTHONPATH='/collections')
        argv = self._enter() + list(before) + [
            sys.executable, '-B', '-', name, json.dumps(arguments), str(memory), str(timeout)]
        started = time.monotonic()
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=environ, text=True, errors='backslashreplace')
        hung = False
        try:
            out, err = process.communicate((HERE / 'drive.py').read_text(), timeout * _WAITS)
            hung = process.returncode in (-signal.SIGXCPU, 128 + signal.SIGXCPU, -signal.SIGKILL)
        except subprocess.TimeoutExpired:
            hung = True
            self._end(process)
            out, err = process.communicate()
        seconds = time.monotonic() - started
        head, _mark, rss = err.rpartition('peak_kib ')
        try:
            result = json.loads(out.splitlines()[-1])
        except (IndexError, ValueError):
            result = {'failed': True}
        return Run(result, seconds, int(rss or 0) << 10, out + head, hung)

    def play(self, name, *options, first=None, **variables):
        """A playbook of the collection, run here by ansible-core, after the playbook ``first`` in the same run."""
        if not any(option.startswith('--inventory') for option in options):
            variables.setdefault('rescue_hosts', 'localhost')
        return self._ansible('ansible-playbook', *([first] if first else []), 'oom.rescue.' + name, *options,
                             '--extra-vars=' + json.dumps(variables))

    def adhoc(self, host, module, arguments, *options, when=None):
        """One module of the collection, run by ansible-core without a playbook; ``when`` as in _ansible()."""
        return self._ansible('ansible', host, '--module-name=oom.rescue.' + module, '--args=' + arguments, *options,
                             when=when)

    def _ansible(self, program, *words, timeout=90, cwd='/root', when=None):
        """A program of ansible-core's run here: Played. ``when`` is (bytes, callable): called once a line has these."""
        environ = {key: value for key, value in os.environ.items() if not key.startswith('ANSIBLE_')}
        environ.update(ANSIBLE_COLLECTIONS_PATH='/collections', ANSIBLE_PYTHON_INTERPRETER=sys.executable,
                       ANSIBLE_LOCALHOST_WARNING='false', ANSIBLE_INVENTORY_UNPARSED_WARNING='false', HOME='/root',
                       PWD=cwd, ANSIBLE_NOCOLOR='1')
        argv = [os.path.join(os.path.dirname(sys.executable), program)] + list(words)
        process = subprocess.Popen(self._enter(cwd) + argv, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environ)
        ended = []
        timer = threading.Timer(timeout, lambda: (ended.append(True), self._end(process)))
        timer.start()
        out = b''
        for line in process.stdout:
            out += line
            if when and when[0] in line:
                when[1]()
                when = None
        process.wait()
        timer.cancel()
        return Played(process.returncode, out, bool(ended))

    @staticmethod
    def _end(process):
        # nsenter's child is in another pid namespace, so the group's leader does not take it along.
        for child in _descendants(process.pid):
            os.kill(child, signal.SIGKILL)
        process.kill()

    # The attacker's part.

    def attacker(self, program, *arguments, background=True, uid=NOBODY, groups=()):
        """Start one of attackers/ as nobody, in cgroups of his, and wait for the line that says it is in place.

        Returns its Popen with ``inside``, the pid there; what it printed if it is not to stay in the background.
        """
        argv = self._enter(groups=groups) + [
            'setpriv', '--reuid=%d' % uid, '--regid=%d' % uid, '--clear-groups', '--inh-caps=-all',
            '/usr/bin/python3', '-B', '/attackers/%s.py' % program]
        process = subprocess.Popen(argv + [str(argument) for argument in arguments], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   errors='backslashreplace', env={'PATH': '/usr/bin:/bin', 'HOME': '/tmp'}, cwd='/')
        if not background:
            return process.communicate(timeout=SECONDS)[0]
        line = process.stdout.readline()
        if not line.startswith('in place'):
            raise AssertionError('the attack %s did not start: %s%s' % (program, line, process.stdout.read()))
        process.inside = int(line.split()[2]) if len(line.split()) > 2 else None
        return process

    def proc(self, pid, name):
        """The text of /proc/PID/NAME as it is in there, or None if that process is gone."""
        try:
            return self.path('/proc/%s/%s' % (pid, name)).read_text(errors='replace').strip()
        except OSError:
            return None


class Played:
    """A playbook's run: ``status``, ``output`` as bytes and as ``text``, ``hung``."""

    def __init__(self, status, output, hung):
        self.status, self.output, self.hung = status, output, hung
        self.text = output.decode('utf-8', 'replace')


def _descendants(pid):
    try:
        children = pathlib.Path('/proc/%d/task/%d/children' % (pid, pid)).read_text().split()
    except OSError:
        return []
    return [below for child in children for below in _descendants(int(child)) + [int(child)]]


def _remove_groups(group):
    """Remove a cgroup and those below it; what ran in it was killed a moment ago."""
    for directory, _names, _files in os.walk(group, topdown=False):
        for _attempt in range(100):
            try:
                os.rmdir(directory)
                break
            except FileNotFoundError:
                break
            except OSError:
                time.sleep(0.02)
