# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a host can run the watch, and what of the watch is there."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import sys

from .._files.reader import FAILURES
from .._systemd import systemd
from . import units

CGROUPS = '/sys/fs/cgroup'
TEXTFILES = ('/var/lib/prometheus/node-exporter', '/var/lib/node_exporter/textfile_collector')
# Slices that come and go: systemd waits for them.
_SLICES = ('system.slice', 'user.slice', 'machine.slice')
_CRONS = ('/usr/sbin/cron', '/usr/sbin/crond', '/usr/sbin/busybox-crond')


def read_facts(host, records):
    """{systemd, systemd_version, cron, python, watched, textfiles, files: {path: text or None}, enabled: {unit: bool},
    records}.
    """
    has_systemd = systemd.is_running(host)
    paths = ['%s/%s' % (units.DIRECTORY, name) for name in (units.SERVICE, units.PATH, units.TIMER)]
    paths += [units.CRON, units.PROGRAM, '/etc/oom-rescue/watch.json', '/etc/oom-rescue/watch-secrets.json']
    files = dict((path, _text(host, path)) for path in paths)
    return {
        'systemd': has_systemd, 'systemd_version': systemd.version(host) if has_systemd else None,
        'cron': any(host.exists(path) for path in _CRONS), 'python': sys.executable,
        'watched': _watched(host), 'textfiles': next((path for path in TEXTFILES if host.is_directory(path)), None),
        'files': files, 'records': records,
        'flaws': dict((path, host.flaw_of_own(path, mode_of(path))) for path in paths if files[path] is not None),
        'enabled': dict((unit, has_systemd and _is_enabled(host, unit)) for unit in (units.PATH, units.TIMER)),
    }


def mode_of(path):
    """The mode of a file of the watch: files with secrets are for root alone."""
    return 0o600 if path.startswith('/etc/oom-rescue/') else 0o644


def _text(host, path):
    try:
        return host.read(path)
    except FAILURES:
        return ''


def _is_enabled(host, unit):
    rc, out, dummy = host.run(['systemctl', 'show', '--property=UnitFileState,ActiveState', '--', unit])
    return rc == 0 and 'UnitFileState=enabled' in out and 'ActiveState=active' in out


def _watched(host):
    """The files that change when something is killed: the kernel's counts in cgroups of version 2; [] without them.

    The kernel notifies of a change of memory.events (cgroup-v2.rst) for kills of the whole host too, and on a quiet
    host none changes. A log would change with each line that systemd writes of a run.
    """
    groups = [name for name in host.listdir(CGROUPS) if host.exists('%s/%s/memory.events' % (CGROUPS, name))]
    if not host.exists(CGROUPS + '/cgroup.controllers') or 'system.slice' not in groups:
        return []
    return ['%s/%s/memory.events' % (CGROUPS, name) for name in sorted(set(groups) | set(_SLICES))]
