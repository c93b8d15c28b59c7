# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that looks like another: disguised.py SPEC-AS-JSON. Says "in place PID" of the innermost one, then waits.

exe: the path of the copy of Python that runs (its file name is the executable's); without it Python itself. comm, argv:
what /proc/PID/comm and cmdline shall say. env: more of the environment. cgroups: cgroup.procs files to enter. orphan:
process 1 is the parent. child: the disguise of a child, with a uid if root starts it. files: {path: text}, links:
{path: target} and fifos: [path] to make first.
becomes: the path of a copy of sleep that it becomes when it gets SIGUSR1.
"""

import ctypes
import json
import os
import shutil
import signal
import sys
import time

PR_SET_NAME = 15
ROOM = 8192


def prepare(spec):
    for path, text in spec.get('files', {}).items():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w') as stream:
            stream.write(text)
        os.chmod(path, 0o755)
    for path, target in spec.get('links', {}).items():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink(target, path)
    for path in spec.get('fifos', []):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.mkfifo(path)


def enter(spec):
    """Become the executable, with room for the arguments to come."""
    exe = spec.get('exe') or sys.executable
    if spec.get('exe') and not os.path.exists(exe):
        os.makedirs(os.path.dirname(exe), exist_ok=True)
        shutil.copy(os.path.realpath(sys.executable), exe)
    environ = dict(os.environ, PYTHONHOME='/usr', **spec.get('env', {}))
    os.execve(exe, [exe, '-S', '-B', os.path.abspath(__file__), '--inside', json.dumps(spec), 'x' * ROOM], environ)


def wear(spec):
    if 'argv' in spec:
        with open('/proc/self/stat') as stream:
            fields = stream.read().rsplit(')', 1)[1].split()
        start, end = int(fields[45]), int(fields[46])
        text = b'\0'.join(word.encode('utf-8', 'surrogateescape') for word in spec['argv'])
        ctypes.memmove(start, text[:end - start - 1].ljust(end - start, b'\0'), end - start)
    if 'comm' in spec:
        ctypes.CDLL(None).prctl(PR_SET_NAME, spec['comm'].encode('utf-8', 'surrogateescape'), 0, 0, 0)
    for path in spec.get('cgroups', []):
        with open(path, 'w') as stream:
            stream.write(str(os.getpid()))


def main():
    spec = json.loads(sys.argv[-2] if '--inside' in sys.argv else sys.argv[1])
    if '--inside' not in sys.argv:
        prepare(spec)
        if spec.get('orphan') and os.fork():
            time.sleep(600)
        elif spec.get('orphan'):
            os.setsid()
            if os.fork():
                os._exit(0)
        enter(spec)
    wear(spec)
    if 'becomes' in spec:
        shutil.copy('/bin/sleep', spec['becomes'])
        signal.signal(signal.SIGUSR1, lambda *_: os.execv(spec['becomes'], ['other', '600']))
    if 'child' not in spec:
        print('in place', os.getpid(), flush=True)
    elif os.fork() == 0:
        prepare(spec['child'])
        if 'uid' in spec['child']:
            os.setgroups([])
            os.setgid(spec['child']['uid'])
            os.setuid(spec['child']['uid'])
        enter(spec['child'])
    while True:
        time.sleep(600)


main()
