# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes of a node, from /proc (proc(5)), in the pids that this node sees."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .._files.reader import OneMoment
from .cgroup_paths import parse_cgroups_of, paths_of_groups

# include/linux/sched.h; field 9 of /proc/PID/stat.
_PF_KTHREAD = 0x00200000
_MAX_DEPTH = 64
# A line feed in place of ^ lets the search leap from line to line.
_STATUS = re.compile(
    r'\n(Uid|VmSize|VmData|VmLck|VmRSS|RssAnon|RssShmem|VmSwap|VmPTE|VmPMD):\s*(\d{1,15})(?:\s+(\d{1,15}))?')
# Kernels 4.0 to 4.14 count the second level of page tables apart (kernel commit af5b0f6a09e4): both are added up.
_SIZES = {'VmRSS': 'rss_bytes', 'RssAnon': 'anon_bytes', 'RssShmem': 'shmem_bytes', 'VmSwap': 'swap_bytes',
          'VmLck': 'locked_bytes', 'VmData': 'data_bytes', 'VmSize': 'size_bytes', 'VmPTE': 'pgtables_bytes',
          'VmPMD': 'pgtables_bytes'}
_OF_STATUS = ('uid', 'euid') + tuple(sorted(set(_SIZES.values())))
DELETED = ' (deleted)'


def parse_stat(text):
    """{name, ppid, flags, start_ticks} of /proc/PID/stat, or None if it is cut or empty.

    A process chooses its name, which may have parentheses and blanks: it ends at the last parenthesis.
    """
    head, separator, tail = text.rpartition(')')
    fields = tail.split()
    if not separator or '(' not in head or len(fields) < 20:
        return None
    ppid, flags, start_ticks = [_integer(fields[place]) for place in (1, 6, 19)]
    if None in (ppid, flags, start_ticks):
        return None
    return {'name': head.split('(', 1)[1], 'ppid': ppid, 'flags': flags, 'start_ticks': start_ticks}


def parse_status(text):
    """{uid, euid, rss_bytes, anon_bytes, shmem_bytes, swap_bytes, locked_bytes, data_bytes, size_bytes, pgtables_bytes}
    of /proc/PID/status.

    None for what the kernel does not say, as of anonymous and shared memory before 8cee852ec53f (4.5).
    """
    values = dict.fromkeys(_OF_STATUS)
    for name, first, second in _STATUS.findall('\n' + (text or '')):
        if name == 'Uid':
            values['uid'], values['euid'] = _integer(first), _integer(second)
        else:
            key = _SIZES[name]
            values[key] = (values[key] or 0) + int(first) * 1024
    return values


def parse_cgroups(text):
    """[{controllers: [...], path}] of /proc/PID/cgroup (cgroups(7)); controllers is empty for version 2."""
    groups = []
    # The name of a cgroup may have any character but a line feed, even others at which Python ends a line.
    for line in (text or '').split('\n'):
        fields = line.split(':', 2)
        if len(fields) == 3:
            groups.append({'controllers': [name for name in fields[1].split(',') if name], 'path': fields[2]})
    return groups


def _integer(text):
    try:
        return int(text)
    except (TypeError, ValueError):
        return None


def process(host, pid):
    """One process, or None if it is gone. What it tells is read by key, as of a dictionary.

    The keys are pid, ppid, name, exe, cmdline, uid, oom_score, oom_score_adj, start_ticks, kernel_thread, cgroups and
    those of parse_status(). ``exe`` is a path in the process's own mount namespace.
    """
    known = host.once('processes', dict)
    if pid not in known:
        known[pid] = _read(host, pid)
    return known[pid]


def _read(host, pid):
    directory = '/proc/%d/' % pid
    stat = parse_stat(host.read(directory + 'stat') or '')
    if stat is None:
        return None
    row = _Row(host)
    row.pid, row.ppid, row.name = pid, stat['ppid'], _shared(host, stat['name'])
    row.oom_score_adj = _integer(host.read(directory + 'oom_score_adj'))
    row.start_ticks, row.kernel_thread = stat['start_ticks'], bool(stat['flags'] & _PF_KTHREAD)
    for key, value in parse_status(host.read(directory + 'status')).items():
        setattr(row, key, value)
    return row if host.of_one_moment else row.whole()


def _shared(host, text):
    """The same text; what many processes have in common is in memory once."""
    return host.once('texts', dict).setdefault(text, text)


def _exe(host, directory):
    exe = host.readlink(directory + 'exe')
    # The file of a server that was upgraded but not restarted.
    return _shared(host, exe[:-len(DELETED)] if exe and exe.endswith(DELETED) else exe)


# The files that few callers ask for, and which are read when one does.
_LATER = {
    'exe': _exe,
    'cmdline': lambda host, directory: [word for word in (host.read(directory + 'cmdline') or '').split('\0') if word],
    'oom_score': lambda host, directory: _integer(host.read(directory + 'oom_score')),
    'cgroups': lambda host, directory: _cgroups(host, host.read(directory + 'cgroup')),
}


def _cgroups(host, text):
    # Most processes are in few cgroups.
    return host.once(('cgroups', text), lambda: parse_cgroups(text))


class _Row:
    """A process, read as a dictionary is. There may be thousands, and slots take a third of a dictionary's memory."""

    __slots__ = ('_host', 'pid', 'ppid', 'name', 'oom_score_adj', 'start_ticks', 'kernel_thread') + _OF_STATUS + tuple(
        sorted(_LATER))

    def __init__(self, host):
        self._host = host

    def __getitem__(self, key):
        return getattr(self, key)

    def __getattr__(self, key):
        # Python asks this for a slot that is empty yet.
        if key not in _LATER:
            raise AttributeError(key)
        value = _LATER[key](self._host, '/proc/%d/' % self.pid)
        setattr(self, key, value)
        return value

    def whole(self):
        """The same process, with all of its files read."""
        for key in _LATER:
            self[key]
        return self


def processes(host):
    """All processes, by pid; those that end meanwhile are left out."""
    pids = [int(name) for name in host.listdir('/proc') if name.isdigit()]
    if host.of_one_moment:
        rows = (process(host, pid) for pid in pids)
    else:
        # The cgroups that most of them are in are in memory once.
        moment = OneMoment(host)
        rows = (row and row.whole() for row in (_read(moment, pid) for pid in pids))
    return sorted((row for row in rows if row), key=lambda row: row['pid'])


def cgroup_paths_of(host, row):
    """The paths of a process's cgroups as this node sees them, each once (paths_of_groups())."""
    init = process(host, 1)
    return paths_of_groups(row['cgroups'] or [], init['cgroups'] if init else None)


def cgroups_of(host, row):
    """What the paths of a process's cgroups tell, as parse_cgroups_of() returns it."""
    # The kernel lists the hierarchies of all processes in one order.
    raw = tuple(group['path'] for group in row['cgroups'] or [])
    return host.once(('cgroups of', raw), lambda: parse_cgroups_of(cgroup_paths_of(host, row)))


def ancestors(host, row):
    """The parents of a process, nearest first, up to the first process of its pid namespace."""
    chain = []
    seen = set([row['pid']])
    while row and row['ppid'] > 0 and row['ppid'] not in seen and len(chain) < _MAX_DEPTH:
        seen.add(row['ppid'])
        row = process(host, row['ppid'])
        if row:
            chain.append(row)
    return chain
