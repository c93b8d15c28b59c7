# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one converge in a root: drive.py ROOT PATH WISH-AS-JSON [check]. Prints the result, or {"error": text}.

Without arguments it reads such arguments, a JSON list a line, and answers each with a line: an import for all of them.

A process for each, so that a test can kill it or fail its system calls. Everything is imported before the chroot, and
after it no other program is run.
"""

import contextlib
import importlib
import io
import json
import os
import pathlib
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
        child = os.fork()
        if child == 0:
            drive(*json.loads(line))
            sys.exit()
        os.waitpid(child, 0)
        print(flush=True)


if sys.argv[1:]:
    drive(*sys.argv[1:])
else:
    serve()
