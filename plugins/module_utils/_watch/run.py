# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of the watch: it looks whether something happened, diagnoses only then, and tells each new incident once.

A message is remembered before it is told, and forgotten when a hook has taken it: after a crash in between it is told
again under the same id, and never lost.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import fcntl
import os
import sys
import time

from .._files.errors import RescueError
from .._files.host import Host
from .._files.reader import required_object
from . import remembered
from .look import kills, look
from .units import command

CONFIG = '/etc/oom-rescue/watch.json'
STATE = '/var/lib/oom-rescue-watch/state'
RUN = '/run/oom-rescue-watch'
DEFAULTS = {'hooks': [], 'secrets': None, 'textfile': None, 'limit': 6, 'words': [], 'state': STATE, 'run': RUN}
# What belongs to a kill comes within ten minutes, and into a file with a time of its own, that may be late. A line that
# is read twice is told once; to search an hour of a journal may take longer than a message should.
_MARGIN, _MARGIN_OF_FILES = 900, 3600
_SAVE_EVERY = 6 * 3600
_MEASURE_EVERY = 900
# The kernel counts a kill before its lines are in the journal, and prints a report for seconds on a slow console.
_WAITS = (0.5, 1, 1, 2)
# A report of many processes takes longer on a serial line: a later look has its end. One that was cut off has none.
_PRINTED_WITHIN = 45
_MOST_EVENTS = 100
# The word behind the configuration for the second half of a run: to pass on what the first half found.
_TELL = 'tell'
# A control group that stays at its limit changes its counts all the time, and each change starts a run.
_SOON, _REST = 5, 10
_MOST_LOOKS = 5


def main(arguments):
    """Run once with the configuration that the arguments name. Returns the exit status."""
    path = arguments[0] if arguments else CONFIG
    tells = arguments[1:] == [_TELL]
    try:
        settings = settings_of(Host(), path)
        before_hooks = None if tells else lambda: _begin_anew(path)
        with_lock(settings['run'], lambda: Run(Host(), settings, before_hooks).run(tells))
    except RescueError as error:
        sys.stderr.write('oom-rescue.pyz watch: %s\n' % error)
        return 2
    return 0


def _begin_anew(path):
    """Become a new process, which passes on what is remembered: each hook's process would hold what the diagnosis left
    in this one's memory. Returns only if that fails. The lock is free for a moment, and whoever gets it passes on.
    """
    try:
        os.execv(sys.executable, command(sys.executable, sys.argv[0]) + [path, _TELL])
    except (IOError, OSError, ValueError):
        return


def settings_of(host, path):
    """The configuration with its defaults. Raises RescueError if it is no JSON object, or others may write to it."""
    status = host.status(path)
    if status is None or status.st_uid not in (0, os.geteuid()) or status.st_mode & 0o022:
        raise RescueError('{path} is no file that root alone can write to', path=path,
                          next_step='run the role watch again')
    return dict(DEFAULTS, **required_object(host.read(path), path, 'run the role watch again'))


def with_lock(directory, work, wait=False):
    """Do the work if no other run is at work. Else do nothing, as that run sees what this one would; with ``wait`` do
    the work after that run.
    """
    if not os.path.isdir(directory):
        os.mkdir(directory, 0o700)
    descriptor = os.open(os.path.join(directory, 'lock'), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        # Python 2 leaves files open over execve(2).
        fcntl.fcntl(descriptor, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        work()
        # When the last run ended.
        os.utime(os.path.join(directory, 'lock'), None)
    except (IOError, OSError) as error:
        if error.errno not in (errno.EWOULDBLOCK, errno.EAGAIN):
            raise
    finally:
        os.close(descriptor)


class Run:
    """One run on a host, by its settings. ``before_hooks`` is called when what it found is remembered, before hooks are
    told of it.
    """

    def __init__(self, host, settings, before_hooks=None):
        self._host, self._settings, self._before_hooks = host, settings, before_hooks
        self._files = [os.path.join(settings['run'], 'state'), settings['state']]
        self._now = time.time()
        self._state = remembered.load(self._files)
        self._known_facts = None
        self._is_soon = self._has_just_run()

    def run(self, tells=False):
        """Look and tell what is new, until nothing is: a change during a run starts no other run. If nothing happened
        and another run has just ended, this one stays for some seconds, to see a kill then. ``tells`` is true for the
        second half of a run: it first passes on what the first half found, and does not stay.
        """
        if tells and self._state is not None:
            self._pass_on()
        looks = 0
        while looks < _MOST_LOOKS and self._once():
            looks += 1
            self._now = time.time()
        if looks or tells or not self._is_soon:
            return
        for _second in range(_REST):
            time.sleep(1)
            if self._has_risen():
                self._now = time.time()
                self._once()
                return

    def _has_just_run(self):
        """True if another run ended some seconds ago."""
        try:
            return 0 <= self._now - os.stat(os.path.join(self._settings['run'], 'lock')).st_mtime < _SOON
        except OSError:
            return False

    def _once(self):
        """Look, and tell what is new; True if something may have happened."""
        if self._state is None:
            self._begin()
        self._known_facts = None
        before = self._state['mark']
        mark, something = look(self._host, before, self._settings['words'])
        diagnoses = something or bool(self._state.get('open'))
        if diagnoses:
            self._tell_new(before, mark)
        moved = mark != before
        self._state['mark'] = mark
        if self._state['held'] or self._state['waiting']:
            self._pass_on(self._before_hooks if diagnoses else None)
            moved = True
        if self._settings['textfile'] and self._is_time('measured', _MEASURE_EVERY):
            self._measure()
        if diagnoses or moved:
            self._save(diagnoses or self._is_time('saved', _SAVE_EVERY))
        return something

    def _begin(self):
        """Note what is there: what happened before the watch was set up is known to whoever set it up."""
        self._state = remembered.new(self._now)
        self._state['mark'] = look(self._host, None, [])[0]
        self._state['told'] = [key for told in self._incidents(self._now) for key in told.keys]
        self._save(True)

    def _is_time(self, what, seconds):
        """True if so many seconds have passed since something was done last, or the clock was set back since."""
        return not 0 <= self._now - self._state[what] < seconds

    def _incidents(self, since):
        from .incidents import entry_of
        from .messages import told_of
        margin = _MARGIN if self._state['mark']['journal'] else _MARGIN_OF_FILES
        return told_of(dict(entry_of(self._host, since - margin, _MOST_EVENTS), read_facts=self._host_facts))

    def _host_facts(self, candidates=0):
        """The host's memory facts, read once a look. A message needs all ``candidates`` (0), a figure none."""
        if self._known_facts is None:
            from .incidents import facts_of
            self._known_facts = facts_of(self._host, candidates)
        return self._known_facts

    def _tell_new(self, before, mark):
        """Find the new incidents, remember them, and tell them."""
        since = min(self._state['since'], self._now)
        known = set(self._state['told'])
        for pause in _WAITS + (None,):
            incidents = self._incidents(since)
            fresh = [told for told in incidents if told.fresh(known)]
            # Also one since the look, whose other lines may be there before the kernel's.
            rose = before['boot'] == mark['boot'] and (kills(self._host) or 0) > (before['kills'] or 0)
            if pause is None or (not any(told.open_reports for told in fresh) and (
                    not rose or any(told.is_of_the_kernel for told in fresh))):
                break
            time.sleep(pause)
        seen, self._state['open'] = dict(self._state.get('open') or ()), []
        for told in incidents:
            if not self._is_being_printed(told, known, seen):
                self._take(told, known, mark)
        self._state['since'] = self._now

    def _is_being_printed(self, told, known, seen):
        """True if the kernel may still be printing an incident that is not told: a later look tells it with its victim.

        ``seen`` is {key of a report without its end: when it was first seen}.
        """
        if len(told.fresh(known)) < len(told.parts):
            return False
        opened = [[key, seen.get(key, self._now)] for key in told.open_reports]
        # Whoever writes a new one into a log each minute must not keep a real kill from being told.
        if not opened or not 0 <= self._now - min(first for _key, first in opened) < _PRINTED_WITHIN:
            return False
        self._state['open'] += opened
        return True

    def _take(self, told, known, mark):
        """Count the new kills of an incident, and have it told if none of it was told."""
        fresh = told.fresh(known)
        if not fresh or self._is_forged(told, mark):
            return
        from . import metrics
        kills = told.kills(known)
        self._state['kills'] = metrics.counted(self._state['kills'], kills)
        if kills:
            self._state['last_kill'] = self._now
        self._state['measured'] = 0
        if len(fresh) == len(told.parts):
            self._state['waiting'].append({
                'message': told.message(), 'proven': told.proven, 'hooks': None, 'tries': 0, 'next': 0,
                'first': self._now})
        self._state['told'] += [key for part in fresh for key in part] + told.marks

    def _is_forged(self, told, mark):
        """True if only a file says that the kernel killed since it booted, and it has counted no kill."""
        return told.is_of_the_kernel and not told.proven and mark['kills'] == 0 and not told.is_before(self._boot())

    def _boot(self):
        """When the kernel booted, in seconds since 1970, or None."""
        words = (self._host.read('/proc/uptime') or '').split()
        return self._now - float(words[0]) if words else None

    def _pass_on(self, before_hooks=None):
        """Pass the waiting messages to the hooks, up to the limit an hour."""
        from . import passing
        passing.pass_on(self._host, self._state, self._settings, self._now, self._save, self._has_risen, before_hooks)

    def _has_risen(self):
        """True if the kernel has killed since the last look."""
        return kills(self._host) != self._state['mark']['kills']

    def _measure(self):
        from . import metrics
        host_facts = self._host_facts(1)
        if (host_facts['kept']['swappiness'] or {}).get('set'):
            from .._facts.memory_facts import with_boot
            host_facts = with_boot(self._host, host_facts)
        scores = ()
        if (host_facts['kept']['oom_protect'] or {}).get('set'):
            from .scores import claims_on_scores
            scores = claims_on_scores(self._host, host_facts)
        try:
            metrics.write(self._settings['textfile'], metrics.text_of(self._state, host_facts, self._now, scores))
        except (IOError, OSError):
            # A full disk: the next run writes it.
            return
        self._state['measured'] = self._now
        self._save(False)

    def _save(self, on_disk=True):
        """Save the state, in /run alone or on the disk as well. Raises the disk's error only if /run cannot be written
        either.
        """
        remembered.bound(self._state, self._now)
        if on_disk:
            self._state['saved'] = self._now
        errors = remembered.save(self._state, self._files if on_disk else self._files[:1])
        if all(errors):
            raise errors[0]
