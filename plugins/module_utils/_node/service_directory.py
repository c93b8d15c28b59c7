# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service directory of what runit, daemontools or s6 keeps running: its file ``run`` is started again and again."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .identity import base_name, runs_as_root, safe_name

# The program that keeps one service running: what it belongs to.
_KEEPERS = {'runsv': 'runit', 'supervise': 'daemontools', 's6-supervise': 's6'}
KINDS = tuple(sorted(_KEEPERS.values()))
_NAMES = tuple(sorted(_KEEPERS))


def service_of(host, chain):
    """{kind, name, directory} of the service that a process and its ancestors (``chain``) are of; None without one.

    The directory is where root's own runsv, supervise or s6-supervise works, if that is a directory of this host.
    """
    for child, parent in zip(chain, chain[1:]):
        kind = kept_by(host, parent)
        if kind:
            return _service(host, kind, child, parent)
    return None


def kept_by(host, row):
    """The kind of the services that a process of root's keeps running, one of KINDS; None if it keeps none."""
    return _KEEPERS.get(_called(host, row))


def _called(host, row):
    """The name of the program that root runs in a process; of busybox it is the one that is asked of it."""
    if runs_as_root(host, row, ('busybox',)):
        return base_name(row['cmdline'][0]) if row['cmdline'] else None
    return base_name(row['exe']) if runs_as_root(host, row, _NAMES) else None


def _service(host, kind, child, parent):
    at_work = '/proc/%d/cwd' % parent['pid']
    directory = host.readlink(at_work)
    name = safe_name(base_name(directory))
    if name is None or not _is_same(host, at_work + '/run', directory + '/run'):
        return None
    # runsv runs both a service and what writes its log.
    if kind == 'runit' and (host.read(directory + '/log/supervise/pid') or '').strip() == str(child['pid']):
        directory += '/log'
    return {'kind': kind, 'name': name, 'directory': directory}


def _is_same(host, one, other):
    """True if both are one file: the directory of a guest has the path of another one here."""
    statuses = [host.status(path) for path in (one, other)]
    return None not in statuses and len(set((status.st_dev, status.st_ino) for status in statuses)) == 1
