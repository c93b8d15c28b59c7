# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes of a node, from /proc (proc(5)), in the pids that this node sees."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .reader import OneMoment

# include/linux/sched.h; field 9 of /proc/PID/stat.
_PF_KTHREAD = 0x00200000
_MAX_DEPTH = 64
_STATUS = re.compile(
    r'^(Uid|VmSize|VmData|VmLck|VmRSS|RssAnon|RssShmem|VmSwap|VmPTE|VmPMD):\s*(\d{1,15})(?:\s+(\d{1,15}))?',
    re.MULTILINE)
_SIZES = (('rss_bytes', 'VmRSS'), ('anon_bytes', 'RssAnon'), ('shmem_bytes', 'RssShmem'), ('swap_bytes', 'VmSwap'),
          ('locked_bytes', 'VmLck'), ('data_bytes', 'VmData'), ('size_bytes', 'VmSize'))
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
    pairs = dict((name, (first, second)) for name, first, second in _STATUS.findall(text or ''))
    sizes = dict((key, _size_bytes(pairs, name)) for key, name in _SIZES)
    tables = _size_bytes(pairs, 'VmPTE')
    # Kernels 4.0 to 4.14 count the second level apart (kernel commit af5b0f6a09e4).
    if tables is not None:
        tables += _size_bytes(pairs, 'VmPMD') or 0
    uid, euid = pairs.get('Uid', (None, None))
    return dict(sizes, uid=_integer(uid), euid=_integer(euid), pgtables_bytes=tables)


def _size_bytes(pairs, name):
    return int(pairs[name][0]) * 1024 if name in pairs else None


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
    """One process, or None if it is gone.

    {pid, ppid, name, exe, cmdline, uid, oom_score, oom_score_adj, start_ticks, kernel_thread, cgroups} and what
    parse_status() returns. ``exe`` is a path in the process's own mount namespace.
    """
    return host.once(('process', pid), lambda: _read(host, pid))


def _read(host, pid):
    directory = '/proc/%d/' % pid
    stat = parse_stat(host.read(directory + 'stat') or '')
    if stat is None:
        return None
    row = _Row(host)
    row.update({
        'pid': pid,
        'ppid': stat['ppid'],
        'name': stat['name'],
        'oom_score_adj': _integer(host.read(directory + 'oom_score_adj')),
        'start_ticks': stat['start_ticks'],
        'kernel_thread': bool(stat['flags'] & _PF_KTHREAD),
    })
    row.update(parse_status(host.read(directory + 'status')))
    return row if host.of_one_moment else row.whole()


class _Row(dict):
    """A process as a dictionary. The files that few callers ask for are read when one does, as there are thousands of
    processes.
    """

    __slots__ = ('_host',)

    def __init__(self, host):
        dict.__init__(self)
        self._host = host

    def __missing__(self, key):
        self[key] = _LATER[key](self._host, '/proc/%d/' % self['pid'])
        return self[key]

    def whole(self):
        """The same row, with all of its files read."""
        for key in _LATER:
            self[key]
        return self


def _exe(host, directory):
    exe = host.readlink(directory + 'exe')
    # The file of a server that was upgraded but not restarted.
    return exe[:-len(DELETED)] if exe and exe.endswith(DELETED) else exe


_LATER = {
    'exe': _exe,
    'cmdline': lambda host, directory: [word for word in (host.read(directory + 'cmdline') or '').split('\0') if word],
    'oom_score': lambda host, directory: _integer(host.read(directory + 'oom_score')),
    'cgroups': lambda host, directory: _cgroups(host, host.read(directory + 'cgroup')),
}


def _cgroups(host, text):
    # Most processes are in few cgroups.
    return host.once(('cgroups', text), lambda: parse_cgroups(text))


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
