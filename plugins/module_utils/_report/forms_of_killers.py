# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of what kills for memory: daemons, service managers, engines, Kubernetes, other systems' kernels."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .form import (
    BY_KUBELET,
    ENGINES,
    KERNEL_CGROUP,
    KERNEL_HOST,
    KERNEL_SOMEWHERE,
    KUBELET,
    OOMD,
    SYSTEMD,
    UNIT,
    UNPROVEN,
    Form,
    of_path,
)

_OOMD_HOST = ('yes', 'host', 'systemd-oomd')
_OOMD = ('yes', 'unknown', 'systemd-oomd')
_OOMD_LOOKED = ('unknown', 'unknown', 'systemd-oomd')
_EARLYOOM = ('yes', 'host', 'earlyoom')
_NOHANG = ('yes', 'host', 'nohang')
_META_OOMD = ('yes', 'host', 'oomd')
_NOHANGS = ('nohang', 'nohang-desktop')
_UNKNOWN_UNIT = ('yes', 'unknown', 'unknown')
_EVICTED = ('yes', 'host', 'kubelet')
_KUBELET_PERHAPS = ('unknown', 'unknown', 'kubelet')


def _of_eviction(signal, match, line):
    # In lines that a person copied, the pod is named before the words or above them.
    named = re.search(r'\b(?:pod/|Pod:?\s+)([a-z0-9][a-z0-9.-]{1,252})', line.text) or re.search(
        r'^\s*([a-z0-9][a-z0-9.-]{1,252}[0-9a-z])\s+Evicted\b', line.text)
    # A terminal or YAML may break the sentence before it names the container.
    named = named or (signal['container'] is None and re.search(
        r'^\s*(?:[^\n]{0,80}\. )?Container ([\w.-]{1,253}) was\b', line.below(1)))
    signal['container'] = named.group(1) if named else signal['container']
    return signal


def _of_event(signal, match, line):
    """``kubectl describe node`` before 1.20 names the node behind the program that reported the event."""
    node = re.search(r'\b(?:kubelet|kernel-monitor), ([a-z0-9][a-z0-9.-]{0,252})\s', line.message)
    signal['host'] = node.group(1) if node else signal['host']
    return signal


def _of_columns(signal, match, line):
    """A row of ``kubectl get pods``, of which the first column is the pod. A metric of that name may be 0."""
    if re.search(r'OOMKilled"[^}\n]{0,400}\}\s+(?:0|NaN)\b|OOMKilled\S*\s+[=!]=|expr:', line.message):
        return None
    first = line.text.split()
    if len(first) > 3 and '/' in first[1]:
        signal['container'] = first[0]
    event = re.search(r'\bcontainer died ([0-9a-f]{12,64})\b', line.message)
    signal['container'] = event.group(1) if event else signal['container']
    return signal


def _unit_status(signal, match, line):
    """``systemctl status`` and ``show``: a line above names the unit, and one nearby may tell the limit."""
    around = line.around(8)
    named = re.search(r'(?:^|\s)' + UNIT, around)
    signal['unit'] = named.group('unit') if named else None
    limit = re.search(r'\bMemoryMax=(\d{1,19})\b', around)
    if limit:
        signal.update(limit='cgroup', limit_bytes=int(limit.group(1)))
    return signal


def _earlyoom_figures(signal, match, dummy):
    return signal if float(match.group('percent')) <= 10 else None


_OF_EARLYOOM = re.compile(r'earlyoom|badness|oom_score|[Mm]emory! |mem avail:')


# earlyoom waits for a process for ten seconds, and says in so many lines what came of it.
_MOST_ATTEMPT = 4


def _was_in_vain(below):
    """True if the lines below a signal that was sent say that the process is still there."""
    came = re.search(r'(?P<ended>exited after )|did not exit|kill failed: |(?P<again>[Ll]ow [Mm]emory! )', below)
    return bool(came) and not (came.group('ended') or came.group('again'))


def _earlyoom(signal, match, line):
    """Tell a dry run, which says that it sends a signal and then that it does not, and other programs that kill
    processes.
    """
    if line.program is None and not _OF_EARLYOOM.search(line.around(4)):
        return None
    if 'dryrun, not actually' in line.around(3):
        signal.update(kind='frozen', was_memory='unknown', limit='unknown', actor='unknown', name=None, pid=None)
    elif _was_in_vain(line.below(_MOST_ATTEMPT)):
        # Memory was short; whoever was meant did not end by this signal.
        signal.update(kind='frozen', actor='unknown', name=None, pid=None)
    return signal


_NOHANG_VICTIM = re.compile(
    r'PID:?\s+(?P<pid>\d+),\s+[Nn]ame:?\s+(?P<name>[^\n,]{1,64}),|Name:\s+(?P<name2>\S+)\s+(?:\S+\s+)?PID:\s+(?P<pid2>\d+)'
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


def _meta_oomd(signal, match, line):
    if line.program is None and not re.search(r'\.cpp[:\]]|[Rr]uleset|kill_by_', line.around(4)):
        return None
    return of_path(signal, match, line)


def _windows(signal, match, line):
    around = line.around(10)
    if not re.search(r'low virtual memory|\b2004\b', around):
        return None
    # The names stand below the sentence, a line each.
    named = re.search(r'(\S{1,64}) \((\d{1,10})\) consumed', around)
    if named and signal['name'] is None:
        signal['name'], signal['pid'] = named.group(1), int(named.group(2))
    return signal


def _backend(signal, match, line):
    named = re.search(r'^(\d{1,10}) \(running for [^\n]{0,200}\): (\S{1,200})', line.around(6), re.MULTILINE)
    if named:
        signal['pid'], signal['name'] = int(named.group(1)), named.group(2)
    return signal


FORMS = (
    # The node problem detector hands on the kernel's line
    Form('kernel-global', KERNEL_HOST, ('OOMKilling ',),
         r'OOMKilling\s+(?:.{0,80}[\s:])?Out of memory: Kill(?:ed)? process (?P<pid>\d+) \((?P<name>[^)]{1,64})\)',
         refine=_of_event),
    Form('kernel-cgroup', KERNEL_CGROUP, ('OOMKilling ',),
         r'OOMKilling\s+(?:.{0,80}[\s:])?Memory cgroup out of memory: Kill(?:ed)? process (?P<pid>\d+) '
         r'\((?P<name>[^)]{1,64})\)', refine=_of_event),
    # bcc's oomkill.py and bpftrace's oomkill.bt, which look on while the kernel kills
    Form('kernel-global', KERNEL_SOMEWHERE, (', OOM kill of PID ',),
         r', OOM kill of PID (?P<pid>\d{1,10}) \("(?P<name>[^"]{1,64})"\), \d+ pages'),
    # systemd-oomd, src/oom/oomd-manager.c and oomd-util.c; PID 1's words are in src/core/unit.c
    Form('systemd-oomd', _OOMD_HOST, (' due to memory used ',),
         r'(?:Killed|Marked) (?P<path>\S+) (?:for killing )?due to memory used '
         r'(?:\(\d+\) / total \(\d+\) and swap used \(\d+\) / total \(\d+\))?', OOMD, refine=of_path),
    Form('systemd-oomd', _OOMD, (' due to memory pressure',),
         r'(?:Killed|Marked) (?P<path>\S+) (?:for killing )?due to memory pressure', OOMD, refine=of_path),
    Form('systemd-oomd', _OOMD, ('oomd attempting to kill ',), r'oomd attempting to kill (?P<pid>\d+) with', OOMD),
    Form('systemd-oomd', _OOMD, (': systemd-oomd killed ',), UNIT + r': systemd-oomd killed (?:some|\d+) process',
         SYSTEMD),
    Form('systemd-oomd', _OOMD_LOOKED, (', taking action kill-',),
         r"Rule '\S+' conditions met for cgroup (?P<path>\S+)", OOMD, refine=of_path),
    Form('systemd-oomd', _OOMD_LOOKED,
         ('oomd dry-run: ', 'cgroups for killing, top candid', ' any cgroups ', 'Memory pressure for /',
          'Memory used ('),
         r'oomd dry-run: Would have tried to kill|Considered \d+ cgroups for killing'
         r'|Failed to (?:kill|select) any cgroups (?:under \S+ )?based on (?:swap|pressure)'
         r'|Memory pressure for /\S* is [\d.]+% > [\d.]+%|Memory used \(\d+\) / total \(\d+\) and swap used', OOMD),
    # earlyoom 1.0 to 1.9, main.c and kill.c
    Form('earlyoom', _EARLYOOM, ('sending SIG',),
         r'sending SIG(?:TERM|KILL) to process (?P<pid>\d+)(?: uid \d+)? "(?P<name>[^"]{1,64})"', ('earlyoom',),
         refine=_earlyoom),
    Form('earlyoom', _EARLYOOM, ('illing process',),
         r"[Kk]illing process(?::|,)? '?(?P<name>[^',\"]{1,64}?)'?(?: with signal \d+)?, pid: (?P<pid>\d+)",
         ('earlyoom',), refine=_earlyoom),
    Form('earlyoom', _EARLYOOM, ('illing process',),
         r'[Kk]illing process (?P<pid>\d+) (?:"(?P<name>[^"]{1,64})"|(?P<name2>[^\s"(]{1,64}))'
         r'(?: with signal|: badness|$)', ('earlyoom',),
         refine=_earlyoom),
    Form('earlyoom', _EARLYOOM, ('escalating to SIGKILL',), r'escalating to SIGKILL after [\d.]+ seconds',
         ('earlyoom',)),
    Form('frozen', ('yes', 'host', 'unknown'), ('mem avail: ',),
         r'mem avail: +\d+ of +\d+ MiB \( *(?P<percent>[\d.]+)(?: ?%\)|\) %)', ('earlyoom',), refine=_earlyoom_figures),
    Form('frozen', ('yes', 'host', 'unknown'), ('ow memory! at or below', 'ow Memory! At or below', 'emory! avail: '),
         r'[Ll]ow [Mm]emory! [Aa]t or below (?:SIG|sig)|Out of memory! avail: \d+ MiB < min: \d+', ('earlyoom',),
         refine=_earlyoom),
    # nohang before and since 0.2; Meta's oomd
    Form('nohang-oomd', _NOHANG, ('a corrective action:',), r'Implement(?:ing)? a corrective action:', _NOHANGS,
         refine=_nohang),
    Form('nohang-oomd', _NOHANG, ('Memory status that requ', 'sigterm_psi', 'sigkill_psi'),
         r'Memory status that requires corrective actions|> sig(?:term|kill)_psi', _NOHANGS, refine=_nohang),
    Form('nohang-oomd', _META_OOMD, ('oomd kill: ',),
         r'oomd kill: \S+ \S+ \S+ (?P<path>\S+) (?P<bytes>\d+) ruleset:.*killer:(?!\(dry\))', ('oomd', 'kernel'),
         refine=of_path),
    Form('nohang-oomd', _META_OOMD, ('Trying to kill ',), r'Trying to kill (?P<path>/\S+)', ('oomd',),
         refine=_meta_oomd),
    Form('nohang-oomd', ('unknown', 'unknown', 'oomd'), ('Running Action=kill_by_',), r'Running Action=kill_by_\w+',
         ('oomd',)),
    # Android: drivers/staging/android/lowmemorykiller.c up to 4.11, and lmkd
    Form('android-lmk', KERNEL_HOST, ('lowmemorykiller',), r"Killing '(?P<name>[^']{1,64})' \((?P<pid>\d+)\)",
         ('lowmemorykiller', 'kernel')),
    Form('android-lmk', ('yes', 'host', 'lmkd'), ('lowmemorykiller', 'lmkd'),
         r"Kill(?:ing)? '(?P<name>[^']{1,255})' \((?P<pid>\d+)\), uid", ('lowmemorykiller', 'lmkd')),
    # systemd about a unit: src/core/unit.c
    Form('unit-oom-kill', KERNEL_SOMEWHERE, ('killed by the OOM kille', 'OOM killer killed some '),
         UNIT + r': (?:A process of this unit has been killed by the OOM killer|The kernel OOM killer killed some '
         r'processes in this unit)', SYSTEMD),
    Form('unit-oom-kill', KERNEL_SOMEWHERE, ('killed by the OOM kille',),
         r'(?:' + UNIT + r': )?Process of control group was killed by the OOM killer', SYSTEMD),
    Form('unit-oom-kill', _UNKNOWN_UNIT, ("result 'oom-kill'",), r"(?:" + UNIT + r": )?Failed with result 'oom-kill'",
         SYSTEMD),
    Form('unit-oom-kill', _UNKNOWN_UNIT, ('Result: oom-kill', 'Result=oom-kill'),
         r'Active: failed \(Result: oom-kill\)|\bResult=oom-kill\b', refine=_unit_status),
    # Slurm counts its step's cgroup's kills
    Form('engine-oom', KERNEL_CGROUP, ('oom-kill event(s) in', 'oom_kill event'),
         r'Detected [1-9]\d{0,9} oom[-_]kill events? ?(?:\(s\) )?in (?:StepId=|step )?(?P<container>\S{1,64}?)\.? '),
    # Kubernetes
    Form('kubernetes', _EVICTED, ('low on resource: ',),
         r'node was low on resource: (?:memory|\[?MemoryPressure)(?:.*?Container (?P<container>\S+) was using)?',
         refine=_of_eviction),
    Form('disk-or-watches', BY_KUBELET, ('low on resource: ',),
         r'node was low on resource: (?:\[?(?:ephemeral-storage|inodes|pids|imagefs|nodefs|DiskPressure|PIDPressure))',
         refine=_of_eviction),
    Form('kubernetes', _KUBELET_PERHAPS, ('MemoryPressure',),
         r'node (?:had|has) conditions?: \[MemoryPressure|^\s*MemoryPressure\s+True\b', refine=_of_eviction),
    Form('disk-or-watches', BY_KUBELET,
         ('FreeDiskSpaceFailed', 'ephemeral local storage', 'DiskPressure', 'ImageGCFailed', 'Usage of EmptyDir'),
         r'FreeDiskSpaceFailed|ephemeral local storage usage exceeds|NodeHasDiskPressure|ImageGCFailed'
         r'|Container \S+ exceeded its local ephemeral storage|Usage of EmptyDir volume "[^"]{0,253}" exceeds'
         r'|node (?:had|has) conditions?: \[DiskPressure|^\s*DiskPressure\s+True\b'),
    Form('kubernetes', KERNEL_CGROUP, ('OOMKilled', 'OOM Killed'),
         r'(?:(?:[Rr]eason|[Ss]tate|[Ss]tatus|[Tt]erminated|[Tt]ermination|Message)\\?"?\s*[:=-]\s*\\?"?'
         r'|\b\d+/\d+\s+(?:Init:)?|^\s*(?:Init:)?)OOM ?Killed\b(?!\\?"?\s*[:=]\s*\\?"?[a-z0-9<])'
         r'|OOMKilled\\?"?\s*[:=]\s*"?true|OOMKilled,? \(?exit code'
         r'|^(?![^\n]*\b(?:[Ii]f|[Ww]hen|[Mm]ay|[Mm]ight|[Cc]an|[Ww]ould|[Ss]hould|[Nn]ot|[Nn]ever)\b)'
         r'[^\n]*\b(?:[Rr]eason|[Tt]erminated|with|was|been|got) [\'"(]?OOM ?Killed\b(?!\\?"?\s*[:=]|\?)',
         refine=_of_columns),
    Form('kubernetes', KERNEL_SOMEWHERE, ('System OOM encountered',),
         r'System OOM encountered(?:\s*$|, victim process: (?P<name>[^\s,]{1,64})(?:, pid: (?P<pid>\d+))?)',
         refine=_of_event),
    # cAdvisor in the kubelet; of a limit as well as of the whole host
    Form('kubernetes', KERNEL_SOMEWHERE, ('Created an OOM event in',), r'Created an OOM event in container "', KUBELET),
    Form('kubernetes', _EVICTED, ('resourceName=',), r'[Ee]viction manager: .{0,200}resourceName="memory"', KUBELET),
    Form('disk-or-watches', BY_KUBELET, ('resourceName=',),
         r'Eviction manager: (?:attempting|must evict pod\(s\)) to reclaim" resourceName="(?!memory)', KUBELET),
    Form('kubernetes', _KUBELET_PERHAPS, ('viction manager: po', 'ods ranked for evictio'),
         r'(?i)eviction manager: pod (?:\S+ )?is evicted|pods ranked for eviction', KUBELET),
    # Engines
    Form('engine-oom', KERNEL_CGROUP, ('and error OOM Killed',),
         r'task "(?P<name>[^"]{1,255})" for alloc "(?P<container>[\w-]{1,64})" failed: '
         r'[^\n]{0,200}and error OOM Killed'),
    Form('engine-oom', KERNEL_SOMEWHERE, ('TaskOOM',),
         r'TaskOOM event.{0,40}?[cC]ontainer_?[iI][dD]:?\\?"?(?P<container>[0-9a-f]{12,64})', ENGINES),
    Form('engine-oom', KERNEL_CGROUP, ('"status":"oom"', '"Action":"oom"', '"status": "oom"', '"Action": "oom"',
                                       '\\"oom\\"'),
         r'"(?:status|Action)": ?"oom".*?"id": ?"(?P<container>[0-9a-f]{12,64})"|"(?:status|Action)": ?"oom"'),
    Form('engine-oom', KERNEL_CGROUP, ('OOM received', 'OOM event received'),
         r'conmon (?P<container>[0-9a-f]{12,64}) <\w+>: OOM (?:event )?received', ENGINES),
    Form('engine-oom', KERNEL_CGROUP, ('container oom ',), r'container oom (?P<container>[0-9a-f]{12,64})'),
    Form('engine-oom', KERNEL_CGROUP, ('died due to OOM', 'the memory limit could ', 'init was OOM-killed'),
         r'process within container (?P<container>[0-9a-f]{12,64})[^\n]{0,300}died due to OOM'
         r'|OOM: the memory limit could be too low|container init was OOM-killed'),
    Form('engine-oom', KERNEL_CGROUP, ('Out-of-memory detected', 'oom-killed process'),
         r'^(?P<container>[\w.-]{1,64}): (?:Out-of-memory detected|detected potentially oom-killed process)',
         refine=_backend),
    # Not Linux
    Form('other-os', KERNEL_HOST, (', was killed: ',),
         r'pid (?P<pid>\d+) \((?P<name>[^)]{1,64})\),(?: jid \d+,)? uid \d+, was killed: '
         r'(?:out of swap space|failed to reclaim memory|a thread waited too long to allocate a page)'),
    Form('other-os', ('yes', 'host', 'unknown'), ('low virtual memory cond', 'Resource-Exhaustion-Det'),
         r'low virtual memory condition.*?virtual memory: *(?P<name>[^\s()]{1,64}) \((?P<pid>\d+)\) consumed'
         r'|low virtual memory condition|Resource-Exhaustion-Detector', refine=_windows),
    # Says that memory is tight, and that nobody was killed for it
    Form('frozen', UNPROVEN, ('Under memory pressure,', 'uncleanly shut down'),
         r'Under memory pressure, flushing caches|corrupted or uncleanly shut down'),
)
