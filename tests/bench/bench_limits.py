#!/usr/bin/env python
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The smallest limit of a memory cgroup at which each module works, beside ping's. Needs root.

bench_limits.py [--log MIB] [--processes COUNT] [--most 64] [PYTHON ...]

A module runs in check mode, in a cgroup of its own without swap, as the ansible-core of the Python that runs this
sends it (2.16 for Python 2.7 and 3.6). With --log, oom_log_info and rescue_info read a log of that size; with
--processes, so many that sleep are started beside the modules, and ended afterwards. A limit is tried in MiB, by
halves; at the smallest and above it the module ends with a result. In brackets is the most anonymous memory, in MiB,
of one run without a limit: nothing but swap makes room for that.

In groups of version 1 nothing is killed: a module that waits for memory is ended. Version 2 has the kernel kill it,
and the kernel's log tells of that.
"""

import argparse
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

import payloads

MIB = 1 << 20
# A module that only reads its own pages again and again does not work, nor one that waits for memory for so long.
SECONDS, WAITING = 120, 0.5
# Seconds between two looks at what a process has.
LOOKED_AT = 0.001
ANONYMOUS = re.compile(r'^RssAnon:\s+(\d+) kB', re.MULTILINE)
# Where a group goes, its limit and that of swap, of version 1 and of version 2.
VERSIONS = (('/sys/fs/cgroup/memory', 'memory.limit_in_bytes', 'memory.memsw.limit_in_bytes'),
            ('/sys/fs/cgroup', 'memory.max', 'memory.swap.max'))


def place():
    """(directory, file of the limit, file of that with swap) of this machine. Exits if it has no memory cgroups."""
    for directory, limit, swap in VERSIONS:
        if os.path.exists(os.path.join(directory, limit)) or 'memory' in read(directory, 'cgroup.subtree_control'):
            return directory, limit, swap
    return sys.exit('this machine has no memory cgroups')


def read(directory, name):
    """The text of a file, or an empty one."""
    path = pathlib.Path(directory, name)
    return path.read_text(encoding='ascii') if path.exists() else ''


@contextlib.contextmanager
def group(mebibytes):
    """The path of a new group with this limit, which is removed afterwards."""
    directory, limit, swap = place()
    path = pathlib.Path(directory, 'oom-rescue-bench-%d' % os.getpid())
    path.mkdir()
    try:
        (path / limit).write_text(str(mebibytes * MIB), encoding='ascii')
        if (path / swap).exists():
            (path / swap).write_text('0' if swap == 'memory.swap.max' else str(mebibytes * MIB), encoding='ascii')
        if (path / 'memory.oom_control').exists():
            (path / 'memory.oom_control').write_text('1', encoding='ascii')
        yield path
    finally:
        remove(path)


def remove(path):
    """End what is left in a group, and remove it: a group may be in use for a moment after its last process."""
    for _attempt in range(100):
        for pid in read(path, 'cgroup.procs').split():
            os.kill(int(pid), signal.SIGKILL)
        try:
            return path.rmdir()
        except OSError:
            time.sleep(0.1)
    return sys.exit('%s cannot be removed' % path)


def works(python, text, mebibytes):
    """True if a module ends with a result in a group with this limit."""
    with group(mebibytes) as path:
        process = subprocess.Popen(['sh', '-c', 'echo $$ > "$1/cgroup.procs"; exec "$2"', 'sh', str(path), python],
                                   stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        threading.Thread(target=give, args=(process.stdin, text), daemon=True).start()
        end, waits_since = time.monotonic() + SECONDS, None
        while process.poll() is None:
            now = time.monotonic()
            waits_since = (waits_since or now) if 'under_oom 1' in read(path, 'memory.oom_control') else None
            if now > end or (waits_since and now - waits_since > WAITING):
                return False
            time.sleep(0.01)
    return process.returncode == 0


def most_anonymous(python, text):
    """The most anonymous memory, in MiB, that a module's process has in a run without a limit."""
    process = subprocess.Popen([python], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    threading.Thread(target=give, args=(process.stdin, text), daemon=True).start()
    most = 0
    while process.poll() is None:
        found = ANONYMOUS.search(read('/proc/%d' % process.pid, 'status'))
        most = max(most, int(found.group(1)) if found else 0)
        time.sleep(LOOKED_AT)
    return most / 1024


def give(stream, text):
    """Write the text and close the stream, which may have nobody any more who reads it."""
    with contextlib.suppress(OSError), stream:
        stream.write(text)


def smallest(python, text, most):
    """The smallest limit in MiB at which a module works, or None if it is larger than ``most``."""
    if not works(python, text, most):
        return None
    low, high = 1, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if works(python, text, middle) else (middle, high)
    return high


@contextlib.contextmanager
def sleepers(count):
    """So many processes that sleep, which are ended afterwards."""
    made = []
    try:
        for _number in range(count):
            made.append(subprocess.Popen(['sleep', '3600']))
        yield
    finally:
        for process in made:
            process.kill()
            process.wait()


def write_log(path, mebibytes):
    """A log with an OOM report at its begin and at its end, and ordinary lines between them."""
    line = b'Nov 20 03:%02d:%02d host sshd[%d]: Accepted publickey for deploy from 10.0.0.1 port %d ssh2\n'
    block = b''.join(line % (number // 60 % 60, number % 60, number, number) for number in range(10000))
    with open(path, 'wb') as stream:
        stream.write(payloads.LOG.read_bytes())
        for _part in range(mebibytes * MIB // len(block)):
            stream.write(block)
        stream.write(payloads.LOG.read_bytes())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--log', type=int, default=64, help='MiB of the log (%(default)s)')
    parser.add_argument('--processes', type=int, default=0, help='processes that are started (%(default)s)')
    parser.add_argument('--most', type=int, default=64, help='MiB of the largest limit that is tried (%(default)s)')
    parser.add_argument('pythons', nargs='*', default=[sys.executable])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sleepers(options.processes):
        log = os.path.join(folder, 'messages')
        write_log(log, options.log)
        arguments = dict(payloads.ARGUMENTS, oom_log_info=dict(payloads.ARGUMENTS['oom_log_info'], paths=[log]))
        arguments['rescue_info'] = dict(arguments['rescue_info'], diagnosis=dict(
            arguments['rescue_info']['diagnosis'], paths=[log]))
        texts = {name: payloads.text_of(name, arguments.get(name)) for name in (payloads.PING, *arguments)}
        print('%-24s %s' % ('MiB', ' '.join('%14s' % name.rpartition('.')[2] for name in texts)))
        for python in options.pythons:
            found = [(smallest(python, text, options.most) or 'above', most_anonymous(python, text))
                     for text in texts.values()]
            print('%-24s %s' % (python[-24:], ' '.join('%7s (%.1f)' % pair for pair in found)), flush=True)


if __name__ == '__main__':
    main()
