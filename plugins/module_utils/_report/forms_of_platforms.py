# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of who runs programs for others and bounds their memory: clouds, batch systems, process managers."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .form import CRASHED, KERNEL, KERNEL_CGROUP, KERNEL_HOST, KERNEL_SOMEWHERE, STOPPED, UNPROVEN, Form, of_path

# Of the memory that a job or a program was given, which its manager measures.
_BY_MANAGER = ('yes', 'program', 'manager')
_BY_PLATFORM = ('yes', 'cgroup', 'manager')
_BY_ENGINE = ('yes', 'cgroup', 'engine')
_IN_CGROUP = ('yes', 'cgroup', 'unknown')
_COUNTER = re.compile(r'(?<![\w.])(?:oom|oom_group_kill|oom_kill_disable|under_oom) \d+(?![\w.])')


def _counted(signal, match, line):
    """``memory.events`` or ``memory.oom_control`` of a cgroup: ``oom`` counts how often its limit was met."""
    around = line.around(6)
    if not _COUNTER.search(around):
        return None
    if not re.search(r'(?<![\w.])oom [1-9]', around):
        signal['limit'] = 'unknown'
    path = re.search(r'(\S{1,400})/memory\.(?:events(?:\.local)?|oom_control)\b', around)
    signal['unit'] = path.group(1).rsplit('/', 1)[-1] if path else None
    return signal


def _slowed(signal, match, line):
    """``memory.events`` counts as ``high`` how often tasks had to wait; alone that may be for file cache."""
    return signal if re.search(r'(?<![\w.])high [1-9]\d*(?![\w.])', line.around(6)) else None


def _lambda(signal, match, line):
    """A function that used all of its memory, and was killed. One that used less may have ended otherwise."""
    used = re.search(r'\bMemory Size: (\d{1,6}) MB\s+Max Memory Used: (\d{1,6}) MB\b', line.around(4))
    if not used or int(used.group(2)) < int(used.group(1)):
        return None
    signal['limit_bytes'] = int(used.group(1)) << 20
    return signal


def _reaped(signal, match, line):
    """The report of the kill tells more, where it is there."""
    return None if re.search(r'Kill(?:ed)? process %d\b' % signal['pid'], line.above(80)) else signal


FORMS = (
    # A cgroup's counters, and the end of a report that is not there
    Form('kernel-cgroup', KERNEL_CGROUP, ('oom_kill ',), r'(?:^|\s)oom_kill [1-9]\d*\s*$', refine=_counted),
    # A cgroup that was slowed down at its memory.high and lost nobody (mem_cgroup_handle_over_high() of memcontrol.c)
    Form('frozen', ('unknown', 'cgroup', 'unknown'), ('oom_kill 0',), r'(?:^|\s)oom_kill 0\s*$', refine=_slowed),
    Form('kernel-global', KERNEL_SOMEWHERE, ('oom_reaper: reaped proce',),
         r'oom_reaper: reaped process (?P<pid>\d{1,10}) \((?P<name>[^)]{1,64})\)', KERNEL, refine=_reaped),
    # Clouds
    Form('engine-oom', _BY_PLATFORM, ('(Memory quota vastly exc',), r'Error R15 \(Memory quota vastly exceeded\)'),
    Form('engine-oom', _IN_CGROUP, ('(Memory quota exceeded)',), r'Error R14 \(Memory quota exceeded\)'),
    Form('engine-oom', KERNEL_CGROUP, ('137 (out of memory)',), r'[Ee]xit(?:ed with)? status 137 \(out of memory\)'),
    Form('engine-oom', KERNEL_CGROUP, ('OutOfMemoryError: Contai',),
         r'OutOfMemoryError: Container killed due to memory usage'),
    Form('engine-oom', _IN_CGROUP, ('Runtime.OutOfMemory',), r'\bRuntime\.OutOfMemory\b'),
    Form('engine-oom', _IN_CGROUP, ('signal: killed',), r'Runtime exited with error: signal: killed', refine=_lambda),
    Form('engine-oom', _IN_CGROUP, ('("OOM") event was detect', 'Out of memory (used over'),
         r'"Out of Memory" \("OOM"\) event was detected|Out of memory \(used over \d+[KMG]i\)'),
    Form('engine-oom', _BY_ENGINE, ('emory limit of ',),
         r'Memory limit of (?P<limit_bytes>\d+) ?(?P<limit_bytes_scale>[KMG])i?B? exceeded with \d+'
         r'|Exceeded (?:soft|hard)(?: private)? memory limit of \d+'),
    Form('engine-oom', _BY_PLATFORM, ('emory limit of ',), r'[Jj]ob has gone over (?:cgroup )?memory limit of \d+'),
    # Batch systems. srun hands on what happened on another node
    Form('engine-oom', KERNEL_CGROUP, (': Out Of Memory',),
         r'\berror: (?P<host>\S{1,255}): tasks? [\d,\[\]-]+: Out Of Memory'),
    Form('not-memory-crash', CRASHED, ('srun: error: ',),
         r'\bsrun: error: (?P<host>\S{1,255}): tasks? [\d,\[\]-]+: '
         r'(?:Segmentation fault|Aborted|Illegal instruction)\b'),
    Form('kill-unproven', UNPROVEN, ('srun: error: ',),
         r'\bsrun: error: (?P<host>\S{1,255}): tasks? [\d,\[\]-]+: Killed\b'),
    Form('engine-oom', KERNEL_CGROUP, ('OUT_OF_ME',), r'(?:^|\s)OUT_OF_ME(?:MORY\b|\+)'),
    Form('program-limit', _BY_MANAGER, ('exceeded memory limit (', 'virtual memory limit ('),
         r'(?:[Ss]tep|[Jj]ob) (?P<container>\d[\d._]{0,40}) exceeded (?:virtual )?memory limit \(\d+ > \d+\)'),
    Form('program-limit', _BY_MANAGER, ('PBS: job killed: ',), r'PBS: job killed: p?v?mem \S+ exceeded limit'),
    Form('program-limit', _BY_MANAGER, ('TERM_MEMLIMIT', 'TERM_SWAP'), r'\bTERM_(?:MEMLIMIT|SWAP): job killed'),
    Form('program-limit', _BY_MANAGER, ('exceeds job hard limit ',), r'exceeds job hard limit "(?:h_vmem|h_rss)"'),
    Form('not-memory-stop', STOPPED, ('PBS: job killed: ', 'TERM_RUNLIMIT', 'TERM_OWNER', 'DUE TO TIME LIMIT',
                                      'DUE TO PREEMPTION', 'exceeds job hard limit '),
         r'PBS: job killed: (?:walltime|cput)\b|\bTERM_(?:RUNLIMIT|OWNER): job killed'
         r'|\bCANCELLED AT \S{1,40} DUE TO (?:TIME LIMIT|PREEMPTION)|exceeds job hard limit "(?:h_rt|h_cpu)"'),
    # Process managers, and those of a language's workers
    Form('program-limit', _BY_MANAGER, ('exceeds --max-memory-res',),
         r'restarted because it exceeds --max-memory-restart value'),
    Form('program-limit', _BY_MANAGER, ('PumaWorkerKiller: Out of',), r'PumaWorkerKiller: Out of memory\.'),
    Form('program-limit', _BY_MANAGER, ('% memory budget. Restar',), r'exceeded \d+% memory budget\. Restarting'),
    Form('nohang-oomd', ('yes', 'host', 'manager'), ('node running low on memo', 'killed due to memory pre',
                                                     'System memory low at nod'),
         r'was killed due to the node running low on memory|\(tasks / actors\) killed due to memory pressure \(OOM\)'
         r'|System memory low at node with IP [\d.:a-f]{2,45}(?=\. [^\n]{1,300}, killing latest task)'),
    # Talos Linux 1.12 ends the pod that its expression ranks first, by the pressure on memory
    Form('nohang-oomd', ('yes', 'unknown', 'manager'), ('runtime.OOMController',),
         r'Sending SIGKILL to cgroup\b[^\n]{0,300}"cgroup": ?"(?P<path>[^"]{1,400})"', refine=of_path),
    # Not Linux
    Form('other-os', KERNEL_HOST, ('killed: out of swap',),
         r'UVM: pid (?P<pid>\d+) \((?P<name>[^)]{1,64})\), uid \d+ killed: out of swap'),
    Form('other-os', KERNEL_HOST, ('low swap: killing larges', 'memorystatus: killing_'),
         r'low swap: killing largest compressed process with pid (?P<pid>\d+) \((?P<name>[^)]{1,64})\)'
         r'|memorystatus: killing_\w{1,40} pid (?P<pid2>\d+) \[(?P<name2>[^\]]{1,64})\] '
         r'\((?:vm-|fc-thrashing|sustained-memory-pressure)'),
)
