# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one converge in a root: drive.py ROOT PATH WISH-AS-JSON [check]. Prints the result, or {"error": text}.

Without arguments it reads {"drive": such arguments, "strace": words or none}, one a line, and answers each with a line,
``null`` for a run that was killed: an import for all of them. With words of strace that is attached before the run.

A process for each, so that a test can kill it or fail its system calls. Everything is imported before the chroot, and
after it no other program is run.
"""

import contextlib
import importlib
import io
import json
import os
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'unit'))
importlib.import_module('conftest')  # makes the collection importable

from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host
from ansible_collections.oom.rescue.plugins.module_utils._swap.apply import converge
from ansible_collections.oom.rescue.plugins.module_utils._swap.plan import wish


def drive(root, path, wished, *check):
    os.chroot(root)
    os.chdir('/')
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            result = converge(Host(), path, wish(**json.loads(wished)), 'check' in check)
    except (RescueError, OSError) as error:
        result = {'error': str(error), 'kind': type(error).__name__}
    assert not printed.getvalue(), 'module_utils printed: ' + printed.getvalue()
    json.dump(result, sys.stdout)


def serve():
    for line in sys.stdin:
        asked = json.loads(line)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.read(reading, 1)
            drive(*asked['drive'])
            sys.exit()
        with attached(asked['strace'], child):
            os.write(writing, b'.')
            status = os.waitpid(child, 0)[1]
        os.close(reading)
        os.close(writing)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            print('null', end='')
        print(flush=True)


@contextlib.contextmanager
def attached(strace, pid):
    """strace with these words on a process that waits; without words nothing is attached."""
    if not strace:
        yield
        return
    with subprocess.Popen([*strace, '-p', str(pid)], stdout=sys.stderr, stderr=subprocess.PIPE, text=True) as process:
        # It says so when the process can make no call any more that it does not see.
        told = process.stderr.readline()
        assert 'attached' in told, told
        yield


if sys.argv[1:]:
    drive(*sys.argv[1:])
else:
    serve()
