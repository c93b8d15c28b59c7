# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a run had come when a report of it was written.

With the strategies `free` and `host_pinned` each host writes the report when it ends, beside the others, and the one
that knew least may come last.
"""

from __future__ import annotations

import json
import os

PARTS = 'parts.json'


class Stand:
    """How much a report of this run is based on: ``run`` is a text, ``results`` the number of results of its hosts."""

    def __init__(self, hosts):
        self.run = _run(os.getppid())
        self.results = sum(len(host['results']) for host in hosts)

    def is_older(self, directory):
        """True if the report in the directory, a descriptor, is of the same run and is based on more results."""
        try:
            report = _read('report.json', directory)
            return report['run'] == self.run and report['results'] > self.results
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            return False


def read_parts(directory):
    """{hosts, logs} that an earlier run left in the directory for the same report; None if there was none.

    Raises OSError or ValueError if it cannot be read.
    """
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        return _read(PARTS, descriptor)
    except FileNotFoundError:
        return None
    finally:
        os.close(descriptor)


def _read(name, directory):
    """A file of ours in a directory, a descriptor, as data. Raises OSError or ValueError."""
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
    with open(descriptor, encoding='utf-8') as stream:
        if os.fstat(descriptor).st_uid != os.geteuid():
            raise ValueError(f'{name} belongs to somebody else')
        return json.load(stream)


def _run(pid):
    """``pid`` and when it started: Ansible's own process, of which each task is a child."""
    try:
        with open(f'/proc/{pid}/stat', encoding='utf-8', errors='replace') as stream:
            started = stream.read().rpartition(')')[2].split()[19]
    except (OSError, IndexError):
        started = 'unknown'
    return f'{pid}-{started}'
