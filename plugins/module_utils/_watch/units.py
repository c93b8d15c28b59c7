# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The texts of the files that run the watch: a service with a path and a timer unit, or a line for cron."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

PROGRAM = '/usr/local/lib/oom-rescue/oom-rescue.pyz'
HEADER = '# Made by the Ansible collection oom.rescue; state: absent of its module oom_watch removes it.'
SERVICE, PATH, TIMER = ('oom-rescue-watch.' + kind for kind in ('service', 'path', 'timer'))
DIRECTORY = '/etc/systemd/system'
CRON = '/etc/cron.d/oom-rescue-watch'
# A run needs less; if it needs more, that is our fault, and the watch ends before anything else on the host.
MEMORY_MAX = '48M'
# The first version of systemd that knows it by this name; others ignore it.
_HAS_MEMORY_MAX = 231
SCORE = -900

_SERVICE = '''%(header)s
[Unit]
Description=Tell of what was killed or refused for want of memory
Documentation=https://github.com/oom-rescue/oom.rescue/blob/main/docs/watch.md

[Service]
Type=oneshot
ExecStart=%(command)s
StartLimitInterval=0
LogLevelMax=notice
OOMScoreAdjust=%(score)d
%(limit)s=%(memory)s
TasksMax=16
TimeoutStartSec=180
ProtectSystem=full
'''
_PATH = '''%(header)s
[Unit]
Description=Tell of a kill for want of memory as it happens

[Path]
%(paths)s
Unit=%(service)s

[Install]
WantedBy=multi-user.target
'''
_TIMER = '''%(header)s
[Unit]
Description=Tell of what was killed or refused for want of memory

[Timer]
OnActiveSec=5
OnUnitInactiveSec=%(interval)d
AccuracySec=5

[Install]
WantedBy=timers.target
'''
_CRON = '''%(header)s
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
MAILTO=""
* * * * * root %(command)s 2> /dev/null
'''


def command(python, program=PROGRAM):
    """The words that run the watch once."""
    return [python, '-B', '-E', '-s', program, 'watch']


def systemd_files(python, interval, watched, version=None):
    """{path: text} of the units. ``watched`` are the files whose change starts a run; without any, only time does.
    ``version`` is that of systemd, None if it is not known.
    """
    values = {'header': HEADER, 'command': ' '.join(command(python)), 'score': SCORE, 'memory': MEMORY_MAX,
              'limit': 'MemoryMax' if version is None or version >= _HAS_MEMORY_MAX else 'MemoryLimit',
              'interval': interval, 'service': SERVICE,
              'paths': '\n'.join('PathModified=%s' % path.replace('%', '%%') for path in watched)}
    texts = {SERVICE: _SERVICE, TIMER: _TIMER}
    if watched:
        texts[PATH] = _PATH
    return dict(('%s/%s' % (DIRECTORY, name), text % values) for name, text in texts.items())


def cron_files(python):
    """{path: text} of cron's line."""
    return {CRON: _CRON % {'header': HEADER, 'command': ' '.join(command(python))}}
