# -*- coding: utf-8 -*-
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of everything beside the kernel's reports that kills for memory, refuses memory, or looks like it.

A form is one line of one program. It says what the line alone proves: ``was_memory`` (yes, no, unknown), ``limit``
and ``actor``, in the words of a verdict. If a line tells its program, a form counts only in lines of its own programs.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .libc_words import EAGAIN, ENOMEM, ENOSPC, MUSL_EAGAIN, MUSL_ENOMEM, SIGKILL

# Fields of a match that a signal takes as they are.
_TEXTS = ('name', 'unit', 'container', 'host')
_NUMBERS = ('pid', 'bytes', 'limit_bytes')

SYSTEMD = ('systemd', 'init')
OOMD = ('systemd-oomd',)
KUBELET = ('kubelet', 'k3s', 'kubelite', 'microk8s', 'rke2')
ENGINES = ('dockerd', 'docker', 'containerd', 'podman', 'crio', 'conmon', 'k3s', 'kubelite', 'rke2')
KERNEL = ('kernel',)
UNIT = r'(?<!\S)(?P<unit>[^\s:/]{1,255}\.(?:service|scope|slice|socket|mount|swap|timer))'
_FORK = (
    r'\bv?fork(?:_exec|ed|ing|\(\d?\))?\b|\bclone\d?\b|\bspawn(?:Sync|ing|ed)?\b|posix_spawn|proc_open|popen|shell_exec'
    r"|cannot run program|create (?:child )?process|start (?:a )?(?:new )?process"
)
FORK = re.compile(_FORK, re.IGNORECASE)


def _any(words):
    return '(?:%s)' % '|'.join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_NO_MEMORY = _any(ENOMEM)
_AGAIN = _any(EAGAIN)
_FULL = _any(ENOSPC)
_KILLED = _any(SIGKILL)


class Form:
    """One line of one program, and what it proves.

    ``markers`` are the bytes of which one stands in each such line, ``pattern`` is searched in the message, as is
    ``also`` if it is given. ``refine`` may correct the signal by the match and the lines around: it returns the
    signal, or None if it is none.
    """

    def __init__(self, kind, says, markers, pattern, programs=None, name=None, refine=None, also=None):
        self.kind = kind
        self.was_memory, self.limit, self.actor = says
        self.markers = tuple(marker.encode('utf-8') if str is not bytes else marker for marker in markers)
        self.pattern = re.compile(pattern)
        self.also = also
        self.programs = programs
        self.name = name
        self.refine = refine

    def fields(self, match):
        """{name, pid, unit, container, bytes, limit_bytes} that a line tells, None for what it does not."""
        told = match.groupdict()
        found = dict((key, told.get(key) or None) for key in _TEXTS)
        for key in _NUMBERS:
            text = told.get(key)
            found[key] = int(text) * _scale(told.get(key + '_scale')) if text and len(text) < 20 else None
        found['name'] = found['name'] or self.name
        return found


def _scale(word):
    return {'K': 1 << 10, 'M': 1 << 20, 'G': 1 << 30}.get((word or ' ')[0].upper(), 1)


def last_part(path):
    """The last component of a cgroup's path, which names its unit; None if it names none."""
    part = path.rstrip('/').rsplit('/', 1)[-1].lstrip(u'\u2026' if str is not bytes else '\xe2\x80\xa6')
    return part or None


def _of_path(signal, match, dummy):
    signal['unit'] = last_part(match.group('path'))
    return signal


def _of_eviction(signal, match, line):
    # In lines that a person copied, the pod is named before the words or above them.
    named = re.search(r'\b(?:pod/|Pod:?\s+)([a-z0-9][a-z0-9.-]{1,252})', line.text) or re.search(
        r'^\s*([a-z0-9][a-z0-9.-]{1,252}[0-9a-z])\s+Evicted\b', line.text)
    signal['container'] = named.group(1) if named else signal['container']
    return signal


def _of_columns(signal, match, line):
    """A row of ``kubectl get pods``: its first column is the pod."""
    first = line.text.split()
    if len(first) > 3 and '/' in first[1]:
        signal['container'] = first[0]
    return signal


_UNPROVEN = ('unknown', 'unknown', 'unknown')
_FIGURES = re.compile(r'MemAvailable: +(\d+) kB|(\d+)M free mem|free mem(?:ory)?: *(\d+)')


def _much_is_free(line):
    """True if the lines around show a gigabyte or more available: then memory is not why a fork was refused."""
    for match in _FIGURES.finditer(line.around(12)):
        kilobytes, megabytes = match.group(1), match.group(2)
        if (kilobytes and int(kilobytes[:15]) >= 1 << 20) or (megabytes and int(megabytes[:12]) >= 1 << 10):
            return True
    return False


def _fork(signal, match, line):
    """Tell a fork that memory refused from the three that something else did (KINDS: namespaces, pid_max, threads)."""
    around = line.around(12)
    if re.search(r'\bunshare\s+-\w*[pU]\w*\b', around) and '--fork' not in around:
        signal.update(was_memory='no', limit='none', kind='not-memory-other')
    elif re.search(r'\bnsenter\b|\bdocker exec\b|\bpodman exec\b', around) or _much_is_free(line):
        signal.update(was_memory='unknown', limit='unknown')
    elif re.search(r'kernel\.pid_max\s*=\s*32768\b', around):
        signal.update(was_memory='unknown', limit='unknown')
    elif re.search(r'overcommit_memory\s*[=:]\s*2\b', around):
        signal['limit'] = 'commit'
    signal['name'] = signal['name'] or asker(line)
    signal['errno'] = 12
    return signal


def _again(signal, match, line):
    signal['name'] = signal['name'] or asker(line)
    signal['errno'] = 11
    return signal


_ASKERS = (
    (re.compile(r"Can't save in background"), 'redis-server'),
    (re.compile(r'AH00159|mpm_(?:prefork|event|worker)'), 'apache2'),
    (re.compile(r'could not fork (?:new process|autovacuum|worker|background|\w+ process)'), 'postgres'),
    (re.compile(r'dpkg: unrecoverable'), 'dpkg'),
    (re.compile(r'proc_open|shell_exec|\bPHP (?:Warning|Fatal)'), 'php'),
    (re.compile(r'subprocess\.py|os\.fork\(\)|popen_fork|OSError: \[Errno|BlockingIOError'), 'python'),
    (re.compile(r'Errno::E[A-Z]+'), 'ruby'),
    (re.compile(r'java\.io\.IOException|java\.lang\.'), 'java'),
    (re.compile(r'child_process|node:internal|spawn E(?:NOMEM|AGAIN)'), 'node'),
    (re.compile(r'\bnsenter:'), 'nsenter'),
)
_AT_START = re.compile(r'^\s*-?(?:\S*/)?([a-zA-Z][\w.+-]{0,30})(?:\[\d+\])?:\s')


def asker(line):
    """The program that was refused: by its own words, those above, its tag, or the name that begins the line."""
    for text in (line.message, line.above(4)):
        for pattern, name in _ASKERS:
            if pattern.search(text):
                return name
    match = _AT_START.match(line.message)
    if match and match.group(1).lower() not in ('fork', 'error', 'fatal', 'warning', 'failed', 'log'):
        return match.group(1)
    return line.program


def _errno_12(signal, match, line):
    """``[Errno 12]`` is a fork only if the trace above it is of one; a bare one may be of any call."""
    if FORK.search(line.message) or re.search(r'os\.fork\(\)|popen_fork|subprocess\.py|_execute_child', line.above(6)):
        signal.update(kind='fork-enomem', was_memory='yes', limit='host')
        return _fork(signal, match, line)
    signal['name'] = asker(line)
    signal['errno'] = 12
    return signal


def _jvm_commit(signal, match, line):
    # A few pages are refused by vm.max_map_count as well, with memory free.
    if signal['bytes'] is not None and signal['bytes'] < 1 << 20:
        signal.update(was_memory='unknown', limit='unknown')
    signal['errno'] = 12
    return signal


def _innodb(signal, match, line):
    if 'errno 12' in line.around(6):
        signal.update(limit='host', errno=12)
    return signal


def _disk(signal, match, line):
    signal['name'] = asker(line) or signal['name']
    signal['errno'] = 28
    return signal


def _unit_status(signal, match, line):
    """``systemctl status`` and ``show``: the unit is named above, the limit may be beside."""
    around = line.around(8)
    named = re.search(r'(?:^|\s)' + UNIT, around)
    signal['unit'] = named.group('unit') if named else None
    limit = re.search(r'\bMemoryMax=(\d{1,19})\b', around)
    if limit:
        signal.update(limit='cgroup', limit_bytes=int(limit.group(1)))
    return signal


def _earlyoom_figures(signal, match, dummy):
    return signal if float(match.group('percent')) <= 10 else None


_NOHANG_VICTIM = re.compile(
    r'PID:?\s+(?P<pid>\d+),\s+Name:?\s+(?P<name>\S+?),|Name:\s+(?P<name2>\S+)\s+(?:\S+\s+)?PID:\s+(?P<pid2>\d+)'
    r"|matches with name '?(?P<name3>[^'\s]+)", re.DOTALL)


def _nohang(signal, match, line):
    around = line.above(60) + '\n' + line.around(8)
    victims = list(_NOHANG_VICTIM.finditer(around))
    if victims:
        victim = victims[-1]
        signal['name'] = victim.group('name') or victim.group('name2') or victim.group('name3')
        signal['pid'] = int(victim.group('pid') or victim.group('pid2') or 0) or None
    killed = re.search(r'kill -(?:TERM|KILL|9|15) (\d{1,10})', around)
    if killed:
        signal['pid'] = int(killed.group(1))
    return signal


def _not_false(signal, match, line):
    return None if re.search(r'OOMKilled"?\s*[:=]\s*"?false', line.message) else signal


def _container_state(signal, match, line):
    """Exit status 137 in an engine's or kubelet's words, unless they name memory or another reason around."""
    if re.search(r'liveness probe', line.around(14), re.IGNORECASE):
        return None
    run = re.search(r"command '(?:/bin/sh -c )?([\w./+-]{1,64})", line.message)
    signal['name'] = run.group(1) if run else signal['name']
    return signal


def _audited(signal, match, line):
    named = re.search(r'\bpid=(\d{1,10}) comm="([^"]{1,32})"', line.message)
    if named:
        signal['pid'], signal['name'] = int(named.group(1)), named.group(2)
    return signal


def _windows(signal, match, line):
    # The names stand below the sentence, a line each.
    named = re.search(r'(\S{1,64}) \((\d{1,10})\) consumed', line.around(10))
    if named and signal['name'] is None:
        signal['name'], signal['pid'] = named.group(1), int(named.group(2))
    return signal


def _backend(signal, match, line):
    named = re.search(r'^(\d{1,10}) \(running for [^\n]{0,200}\): (\S{1,200})', line.around(6), re.MULTILINE)
    if named:
        signal['pid'], signal['name'] = int(named.group(1)), named.group(2)
    return signal


_YES_CGROUP = ('yes', 'cgroup', 'kernel')
_REFUSED_HOST = ('yes', 'host', 'kernel_refused')
_REFUSED = ('yes', 'unknown', 'kernel_refused')
_PROGRAM = ('yes', 'program', 'program')
_NOT = ('no', 'none', 'manager')
_CRASH = ('no', 'none', 'program')
_KUBELET_NOT = ('no', 'none', 'kubelet')
_LIMIT_OF_PIDS = ('no', 'none', 'kernel_refused')
_SWAP_REFUSED = ('unknown', 'unknown', 'kernel_refused')

# Exit status 137 is SIGKILL, 143 SIGTERM, in the words of engines, kubectl, make and runners.
_STATUSES = tuple(word + status for word in ('ode ', 'ode: ', 'ode:', 'ode=', 'ode": ', 'ode":', 'ode\': ', 'atus ',
                                             'atus: ', 'atus=', 'xit ') for status in ('137', '143'))

FORMS = (
    # The node problem detector hands on the kernel's line
    Form('kernel-global', ('yes', 'host', 'kernel'), ('OOMKilling ',),
         r'OOMKilling\s+Out of memory: Kill(?:ed)? process (?P<pid>\d+) \((?P<name>[^)]{1,64})\)'),
    Form('kernel-cgroup', _YES_CGROUP, ('OOMKilling ',),
         r'OOMKilling\s+Memory cgroup out of memory: Kill(?:ed)? process (?P<pid>\d+) \((?P<name>[^)]{1,64})\)'),
    # systemd-oomd, src/oom/oomd-manager.c; PID 1's words are in src/core/unit.c
    Form('systemd-oomd', ('yes', 'host', 'systemd-oomd'), (' due to memory used ',),
         r'(?:Killed|Marked) (?P<path>\S+) (?:for killing )?due to memory used ', OOMD, refine=_of_path),
    Form('systemd-oomd', ('yes', 'unknown', 'systemd-oomd'), (' due to memory pressure',),
         r'(?:Killed|Marked) (?P<path>\S+) (?:for killing )?due to memory pressure', OOMD, refine=_of_path),
    Form('systemd-oomd', ('yes', 'unknown', 'systemd-oomd'), ('oomd attempting to kill ',),
         r'oomd attempting to kill (?P<pid>\d+) with', OOMD),
    Form('systemd-oomd', ('yes', 'unknown', 'systemd-oomd'), (': systemd-oomd killed ',),
         UNIT + r': systemd-oomd killed (?:some|\d+) process', SYSTEMD),
    Form('systemd-oomd', ('unknown', 'unknown', 'systemd-oomd'), (', taking action kill-by-',),
         r"Rule '\S+' conditions met for cgroup (?P<path>\S+)", OOMD, refine=_of_path),
    Form('systemd-oomd', ('unknown', 'unknown', 'systemd-oomd'), ('oomd dry-run: ', 'cgroups for killing, top candid'),
         r'oomd dry-run: Would have tried to kill|Considered \d+ cgroups for killing', OOMD),
    # earlyoom 1.0 to 1.9, main.c and kill.c
    Form('earlyoom', ('yes', 'host', 'earlyoom'), ('sending SIG',),
         r'sending SIG(?:TERM|KILL) to process (?P<pid>\d+)(?: uid \d+)? "(?P<name>[^"]{1,64})"', ('earlyoom',)),
    Form('earlyoom', ('yes', 'host', 'earlyoom'), ('illing process',),
         r"[Kk]illing process(?::|,)? '?(?P<name>[^',\"]{1,64}?)'?(?: with signal \d+)?, pid: (?P<pid>\d+)",
         ('earlyoom',)),
    Form('earlyoom', ('yes', 'host', 'earlyoom'), ('illing process',),
         r'[Kk]illing process (?P<pid>\d+) "?(?P<name>[^\s"]{1,64})"?(?: with signal|: badness|$)', ('earlyoom',)),
    Form('frozen', ('yes', 'host', 'unknown'), ('mem avail: ',),
         r'mem avail: +\d+ of +\d+ MiB \( *(?P<percent>[\d.]+) ?%\)', ('earlyoom',), refine=_earlyoom_figures),
    # nohang before and since 0.2; Meta's oomd
    Form('nohang-oomd', ('yes', 'host', 'nohang'), ('a corrective action:',),
         r'Implement(?:ing)? a corrective action:', ('nohang', 'nohang-desktop'), refine=_nohang),
    Form('nohang-oomd', ('yes', 'host', 'nohang'), ('Memory status that requ', 'sigterm_psi', 'sigkill_psi'),
         r'Memory status that requires corrective actions|> sig(?:term|kill)_psi', ('nohang', 'nohang-desktop'),
         refine=_nohang),
    Form('nohang-oomd', ('yes', 'host', 'nohang'), ('oomd kill: ',),
         r'oomd kill: \S+ \S+ \S+ (?P<path>\S+) (?P<bytes>\d+) ruleset:.*killer:(?!\(dry\))', ('oomd', 'kernel'),
         refine=_of_path),
    Form('nohang-oomd', ('yes', 'host', 'nohang'), ('Trying to kill ',), r'Trying to kill (?P<path>/\S+)', ('oomd',),
         refine=_of_path),
    # Android: drivers/staging/android/lowmemorykiller.c up to 4.11, and lmkd
    Form('android-lmk', ('yes', 'host', 'kernel'), ("lowmemorykiller: Killing '",),
         r"Killing '(?P<name>[^']{1,64})' \((?P<pid>\d+)\)"),
    Form('android-lmk', ('yes', 'host', 'lmkd'), ("lowmemorykiller: Kill '",),
         r"Kill '(?P<name>[^']{1,255})' \((?P<pid>\d+)\), uid"),
    # systemd about a unit: src/core/unit.c
    Form('unit-oom-kill', ('yes', 'unknown', 'kernel'), ('killed by the OOM kille', 'OOM killer killed some '),
         UNIT + r': (?:A process of this unit has been killed by the OOM killer|The kernel OOM killer killed some '
         r'processes in this unit)', SYSTEMD),
    Form('unit-oom-kill', ('yes', 'unknown', 'kernel'), ('killed by the OOM kille',),
         r'(?:' + UNIT + r': )?Process of control group was killed by the OOM killer', SYSTEMD),
    Form('unit-oom-kill', ('yes', 'unknown', 'unknown'), ("result 'oom-kill'",),
         r"(?:" + UNIT + r": )?Failed with result 'oom-kill'", SYSTEMD),
    Form('unit-oom-kill', ('yes', 'unknown', 'unknown'), ('Result: oom-kill', 'Result=oom-kill'),
         r'Active: failed \(Result: oom-kill\)|\bResult=oom-kill\b', refine=_unit_status),
    # Kubernetes
    Form('kubernetes', ('yes', 'host', 'kubelet'), ('low on resource: memory',),
         r'node was low on resource: memory(?:.*?Container (?P<container>\S+) was using)?', refine=_of_eviction),
    Form('disk-or-watches', _KUBELET_NOT, ('low on resource: ',),
         r'node was low on resource: (?!memory)(?:\[?(?:ephemeral-storage|inodes|pids|imagefs|nodefs))',
         refine=_of_eviction),
    Form('disk-or-watches', _KUBELET_NOT,
         ('FreeDiskSpaceFailed', 'ephemeral local storage', 'DiskPressure', 'ImageGCFailed'),
         r'FreeDiskSpaceFailed|ephemeral local storage usage exceeds|NodeHasDiskPressure|ImageGCFailed'),
    Form('kubernetes', _YES_CGROUP, ('OOMKilled', 'OOM Killed'),
         r'(?:[Rr]eason"?\s*[:=]\s*"?|^\s*|\s)OOM ?Killed\b(?!"?\s*[:=])|OOMKilled"?\s*[:=]\s*"?true',
         refine=_of_columns),
    Form('kubernetes', ('yes', 'unknown', 'kernel'), ('System OOM encountered',),
         r'System OOM encountered, victim process: (?P<name>[^\s,]{1,64})(?:, pid: (?P<pid>\d+))?'),
    Form('kubernetes', ('yes', 'host', 'kubelet'), ('resourceName="memory"',), r'resourceName="memory"', KUBELET),
    Form('kubernetes', ('unknown', 'unknown', 'kubelet'), ('viction manager: po', 'pods ranked for evictio'),
         r'(?i)eviction manager: pod (?:\S+ )?is evicted|pods ranked for eviction', KUBELET),
    Form('not-memory-other', _KUBELET_NOT, ('admit critical pod', 'imminent node shutdown'),
         r'Preempted in order to admit critical pod|imminent node shutdown'),
    Form('not-memory-stop', _KUBELET_NOT, ('iveness probe', 'tartup probe'),
         r'failed (?:liveness|startup) probe, will be restarted|(?:Live|Startup|Liveness) ?\w* ?probe failed|'
         r'Liveness probe failed'),
    # Engines
    Form('engine-oom', ('yes', 'unknown', 'kernel'), ('TaskOOM',),
         r'TaskOOM event.{0,40}?[cC]ontainer_?[iI][dD]:?\\?"?(?P<container>[0-9a-f]{12,64})', ENGINES),
    Form('engine-oom', _YES_CGROUP, ('"status":"oom"', '"Action":"oom"', '"status": "oom"'),
         r'"(?:status|Action)": ?"oom".*?"id": ?"(?P<container>[0-9a-f]{12,64})"|"(?:status|Action)": ?"oom"'),
    Form('engine-oom', _YES_CGROUP, ('container oom ',), r'container oom (?P<container>[0-9a-f]{12,64})'),
    Form('engine-oom', _YES_CGROUP, ('died due to OOM', 'the memory limit could '),
         r'(?:container (?P<container>[0-9a-f]{12,64})[^\n]{0,300})?died due to OOM|OOM: the memory limit could be too '
         r'low'),
    Form('engine-oom', _YES_CGROUP, ('Out-of-memory detected', 'oom-killed process'),
         r'^(?P<container>[\w.-]{1,64}): (?:Out-of-memory detected|detected potentially oom-killed process)',
         refine=_backend),
    # Refused forks: errno's words in every language, beside a word for fork(2)
    Form('fork-enomem', _REFUSED_HOST, tuple(ENOMEM) + (': Out of memory', '- Out of memory', 'error=12', 'ENOMEM'),
         r'%s|\berror=12\b|\bENOMEM\b|[:-] %s\s*$' % (_NO_MEMORY, MUSL_ENOMEM), also=FORK, refine=_fork),
    Form('pids-limit', _LIMIT_OF_PIDS, tuple(EAGAIN) + ('resource temporarily u', ': Try again', 'error=11', 'EAGAIN'),
         r'%s|resource temporarily unavailable|\berror=11\b|\bEAGAIN\b|: %s\s*$' % (_AGAIN, MUSL_EAGAIN),
         also=re.compile(_FORK + '|pthread_create', re.IGNORECASE), refine=_again),
    Form('pids-limit', _LIMIT_OF_PIDS, ('pthread_create failed',), r'pthread_create failed', refine=_again),
    Form('pids-limit', _LIMIT_OF_PIDS, ('by pids controller in',),
         r'fork rejected by pids controller in (?P<path>\S+)', KERNEL, refine=_of_path),
    Form('pids-limit', _LIMIT_OF_PIDS, ('BlockingIOError: [Errno 11]',), r'BlockingIOError: \[Errno 11\]',
         refine=_again),
    Form('pids-limit', ('unknown', 'unknown', 'kernel_refused'), ('unable to create n',),
         r'unable to create (?:new )?native thread', name='java'),
    Form('other-os', _REFUSED_HOST, ('fork: Invalid argument', 'BeginForkOperation'),
         r"Can't save in background: fork: Invalid argument|BeginForkOperation: ", name='redis-server'),
    # Refused allocations
    Form('alloc-enomem', ('unknown', 'unknown', 'kernel_refused'), ('[Errno 12]',), r'\[Errno 12\]', refine=_errno_12),
    Form('alloc-enomem', _REFUSED, ('MemoryError',), r'^(?:\S+\.)?_?(?:Array)?MemoryError(?::|\s*$)', name='python'),
    Form('alloc-enomem', _REFUSED_HOST, ('virtual memory exhausted',), r'^(?:\S+ ){0,3}virtual memory exhausted',
         name='gcc'),
    Form('alloc-enomem', _REFUSED, ('fatal error: runtime: ', 'fatal error: out of mem'),
         r'fatal error: (?:runtime: (?:cannot allocate|out of) memory|out of memory)'),
    Form('alloc-enomem', _REFUSED_HOST, ('InnoDB: mmap(',), r'InnoDB: mmap\((?P<bytes>\d+) bytes\) failed; errno 12',
         name='mysqld', refine=_innodb),
    Form('alloc-enomem', _REFUSED, ('memory for the buffer p',), r'[Cc]annot allocate memory for the buffer pool',
         name='mysqld', refine=_innodb),
    Form('alloc-enomem', _REFUSED_HOST, ('os::commit_memory(',),
         r"os::commit_memory\(\w+, (?P<bytes>\d+), \d\) failed; error='[^']*' \((?:errno|error)=12\)", name='java',
         refine=_jvm_commit),
    Form('alloc-enomem', _REFUSED_HOST, ('Native memory allocation',),
         r'Native memory allocation \((?:mmap|malloc)\) failed to (?:map|allocate) (?P<bytes>\d+) bytes', name='java',
         refine=_jvm_commit),
    Form('alloc-enomem', _REFUSED_HOST, ('mmap() failed: [12]', 'Out of memory (allocate'),
         r'mmap\(\) failed: \[12\]|PHP Fatal error:  Out of memory \(allocated (?P<bytes>\d+)\)', name='php'),
    Form('alloc-enomem', _REFUSED, ('memory allocation of ',), r'memory allocation of (?P<bytes>\d+) bytes failed'),
    Form('alloc-enomem', _REFUSED, ('std::bad_alloc',), r'\bstd::bad_alloc\b'),
    Form('alloc-enomem', _REFUSED, ('ERROR:  out of memory',), r'ERROR:  out of memory', name='postgres'),
    # A program's own limit
    Form('program-limit', _PROGRAM, ('Allowed memory size of ',),
         r'Allowed memory size of (?P<limit_bytes>\d+) bytes exhausted', name='php'),
    Form('program-limit', _PROGRAM, ('heap out of memory', 'Reached heap limit', 'reaching memory limit'),
         r'Allocation failed - (?:JavaScript heap|process) out of memory|Reached heap limit Allocation failed'
         r'|reaching memory limit: JS heap', name='node'),
    Form('program-limit', _PROGRAM, ('OutOfMemoryError: ',),
         r'java\.lang\.OutOfMemoryError: (?:Java heap space|Metaspace|Compressed class space|GC overhead limit|PermGen|'
         r'Requested array size|Direct buffer memory|Cannot reserve \d+ bytes of direct)', name='java'),
    Form('program-limit', _PROGRAM, ('CircuitBreakingExceptio', 'Data too large, data fo'),
         r'CircuitBreakingException|Data too large, data for', name='java'),
    Form('program-limit', _PROGRAM, ('OOM command not allowed',), r'OOM command not allowed', name='redis-server'),
    # A graphics card's memory
    Form('gpu', ('yes', 'gpu', 'program'),
         ('CUDA out of memory', 'CUDA_ERROR_OUT_OF_MEMOR', 'HIP out of memory', 'cudaErrorMemoryAllo',
          'hipErrorOutOfMemory', '.OutOfMemoryError: CUDA'),
         r'CUDA out of memory|CUDA_ERROR_OUT_OF_MEMORY|HIP out of memory|cudaErrorMemoryAllocation|hipErrorOutOfMemory',
         name='python'),
    # Not Linux
    Form('other-os', ('yes', 'host', 'kernel'), (', was killed: ',),
         r'pid (?P<pid>\d+) \((?P<name>[^)]{1,64})\),(?: jid \d+,)? uid \d+, was killed: '
         r'(?:out of swap space|failed to reclaim memory|a thread waited too long to allocate a page)'),
    Form('other-os', ('yes', 'host', 'unknown'), ('low virtual memory cond', 'Resource-Exhaustion-Det'),
         r'low virtual memory condition.*?virtual memory: *(?P<name>[^\s()]{1,64}) \((?P<pid>\d+)\) consumed'
         r'|low virtual memory condition|Resource-Exhaustion-Detector', refine=_windows),
    # A disk, or watches
    Form('disk-or-watches', ('no', 'none', 'kernel_refused'),
         tuple(ENOSPC) + ('ENOSPC', 'Errcode: 28', 'system error number 28', 'rror number 28', 'errno 28'),
         r'(?:%s)|\(ENOSPC\)|\bENOSPC:|[\'"]ENOSPC[\'"]|Errcode: 28\b|rror number 28\b|errno 28\b'
         % _FULL, refine=_disk),
    # Stopped by a person or a manager
    Form('not-memory-stop', _NOT, ('failed to exit within ',),
         r'(?:Container (?P<container>[0-9a-f]{12,64}) )?failed to exit within \d+ ?s(?:econds)? of', ENGINES),
    Form('not-memory-stop', _NOT, (' timed out. ',),
         r"(?:" + UNIT + r": )?State '[\w-]+' timed out\. (?:Killing|Skipping SIGKILL|Terminating|Aborting)", SYSTEMD),
    Form('not-memory-stop', _NOT, ("result 'timeout'", "result 'watchdog'", 'Watchdog timeout ('),
         UNIT + r": (?:Failed with result '(?:timeout|watchdog)'|Watchdog timeout \()", SYSTEMD),
    Form('not-memory-stop', _NOT, ('Received SHUTDOWN from', ': Normal shutdown', 'client threads a chance',
                                   'Stopping MySQL database'),
         r'Received SHUTDOWN from user|: Normal shutdown\s*$|client threads a chance to die gracefully|Stopping MySQL '
         r'database server', name='mysqld'),
    Form('not-memory-stop', _NOT, ('s using SIGTERM. Trying',), r'MySQL failed to stop after \d+s using SIGTERM',
         name='mysqld'),
    # Crashes
    Form('not-memory-crash', _CRASH, (' got signal ',), r'\b(?P<name>mysqld|mariadbd|mysqld-debug) got signal \d+'),
    Form('not-memory-crash', _CRASH, (': segfault at ', ' general protection f', ' trap invalid opcode'),
         r'(?P<name>[^\s\[\]][^\[\]]{0,31})\[(?P<pid>\d+)\]:? (?:segfault at|general protection f|trap invalid opcode)',
         KERNEL),
    Form('not-memory-crash', _CRASH, ('sent code 139!', 'Assertion failure', 'ore dumped'),
         r'\(pid:(?P<pid>\d+)\) was sent code 139!|Assertion failure: |Assertion failure in (?:file|thread)'
         r'|(?:Segmentation fault|Aborted|Bus error|Illegal instruction) +\(core dumped\)'),
    Form('not-memory-other', ('no', 'none', 'kernel'), ('SECCOMP ', 'type=1326 '),
         r'\bSECCOMP\b|\btype=1326\b', also=re.compile(r'\bsig=31\b'), refine=_audited),
    # Frozen: none of these says why
    Form('frozen', _UNPROVEN,
         (' blocked for more than ', 'soft lockup - CPU#', 'rcu_sched self-detect', 'detected stall'),
         r'INFO: task (?P<name>.{1,32}):(?P<pid>\d+) blocked for more than'
         r'|soft lockup - CPU#\d+ stuck for \d+s! \[(?P<name2>[^\]]{1,32}):(?P<pid2>\d+)\]|rcu.{0,40}stall', KERNEL),
    Form('frozen', _UNPROVEN, ('Under memory pressure,', 'uncleanly shut down'),
         r'Under memory pressure, flushing caches|corrupted or uncleanly shut down'),
    Form('frozen', ('unknown', 'unknown', 'unknown'), ('NV_ERR_NO_MEMORY',), r'NV_ERR_NO_MEMORY'),
    # Swap that could not be switched on
    Form('swap-trouble', _SWAP_REFUSED, ('swapon failed: ', 'swapon: '),
         r'swapon:? \S+: (?:swapon failed|read swap header failed|insecure|skipping)|swapon failed: '),
    Form('swap-trouble', ('unknown', 'unknown', 'program'), ('mkswap: error',), r'mkswap: error: '),
    # Killed, by whom and why is not said
    Form('kill-unproven', _UNPROVEN, ('status=9/KILL', "result 'signal'"),
         UNIT + r": (?:Main process exited, code=killed, status=9/KILL|Failed with result 'signal')", SYSTEMD),
    Form('kill-unproven', _UNPROVEN, (' terminated program ',), r'signal terminated program (?P<name>[\w+.-]{1,32})'),
    Form('kill-unproven', _UNPROVEN, ('Killed', ': line '),
         r'^\s*(?:%s)\s*$|: line \d+: +\d+ (?:%s) +\(? *(?:nohup |sudo |exec |timeout (?:-\S+ )*\S+ )?'
         r'(?P<name>[\w./+-]{1,64})' % (_KILLED, _KILLED)),
    Form('kill-unproven', _UNPROVEN, _STATUSES,
         r'non-zero code: 137'
         r'|[Ee]xit(?:ed)?[ _]?(?:with )?(?:[Cc]ode|[Ss]tatus)?"?[ :=]{1,3}"?(?:137|143)\b|"code": ?137\b',
         refine=_container_state),
    Form('kill-unproven', _UNPROVEN, ('terminated by signal 9',), r'terminated by signal 9\b', name='postgres'),
    Form('kill-unproven', _UNPROVEN, ('found in a dead state',), r'A worker was found in a dead state',
         name='ansible-playbook'),
    Form('kill-unproven', _UNPROVEN, ('has received a shutdow',), r'The runner has received a shutdown signal'),
)
