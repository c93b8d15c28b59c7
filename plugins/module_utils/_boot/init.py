# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which init starts a host: now, and at its next boot."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._node.privilege import is_container
from .answers import unknown, yes
from .kernel_line import command_lines, kernel_says

SYSTEMD, SYSV, OPENRC, RUNIT, BUSYBOX = 'systemd', 'sysvinit', 'openrc', 'runit', 'busybox'
_USUAL = '/sbin/init'
_SHELLS = ('sh', 'bash', 'dash', 'ash', 'zsh', 'ksh', 'mksh', 'fish', 'sulogin')
_PROGRAMS = {'systemd': SYSTEMD, 'openrc-init': OPENRC, 'runit-init': RUNIT, 'runit': RUNIT, 'busybox': BUSYBOX,
             'init': SYSV}


def init_of(view):
    """The init that starts this host: SYSTEMD, SYSV, OPENRC, RUNIT or BUSYBOX; None if it is another."""
    name = (view.read('/proc/1/comm') or '').strip()
    if name == 'systemd' or view.exists('/run/systemd/system'):
        return SYSTEMD
    if name == 'runit' or name == 'runsvdir':
        return RUNIT
    if name in ('init', 'openrc-init') and (view.exists('/run/openrc') or name == 'openrc-init' or (
            view.exists('/etc/runlevels') and view.exists('/sbin/openrc'))):
        return OPENRC
    if name in ('init', 'linuxrc', 'busybox'):
        program = view.readlink('/proc/1/exe') or view.real(_USUAL)
        return BUSYBOX if 'busybox' in program else SYSV
    # In a container or a directory it is the init that is installed there.
    return SYSTEMD if not name else None


def same_init(host, view, init):
    """The answer on whether the next boot starts the init that runs now: by ``init=``, else by what /sbin/init is."""
    if init is None or is_container(host):
        return yes()
    lines = command_lines(view)
    now, then = _named(lines[0][1]), _named(lines[-1][1])
    answer = kernel_says(view, lambda words: _other_than(view, _named(words), now, init))
    if answer['kept'] is False and not _is_shell(then) and view.exists(then or _USUAL):
        return unknown(answer['why'], 'ps -p 1, after the next boot')
    if answer['kept'] is not True or then or not view.exists(_USUAL) or _serves(_kind(view, _USUAL), init):
        return answer
    return unknown('%s is %s, and %s runs now' % (_USUAL, view.real(_USUAL), init), 'ps -p 1, after the next boot')


def _named(words):
    """The program of ``init=``, of which the last counts; None without one."""
    return ([word.partition('=')[2] for word in words if word.startswith('init=')] or [None])[-1]


def _other_than(view, path, now, init):
    """``init=PATH`` if that is another init than the one that runs, which ``init=`` may have started too; else None."""
    return 'init=' + path if path and path != now and not _serves(_kind(view, path), init) else None


def _kind(view, path):
    return _PROGRAMS.get(view.real(path).rsplit('/', 1)[1]) if view.exists(path) else None


def _is_shell(path):
    return (path or '').rsplit('/', 1)[-1] in _SHELLS


def _serves(kind, init):
    # OpenRC is started by an init of its own, by sysvinit's or by busybox's, by whichever its inittab is for.
    return kind == init or init == OPENRC and kind in (SYSV, BUSYBOX)
