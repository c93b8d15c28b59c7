# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The single lines of an OOM report that name a process or a cgroup, each as a dictionary of what it says.

A process chooses its name: up to 15 bytes of any value. It is what stands between the words of the kernel.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

# 2.6.18 does not say which process invoked it.
_INVOKED = re.compile(r'(?:(.*?) ?invoked\s+oom-killer|oom-killer(?=:\s*gfp_mask=))(?::?\s*(.*))?$', re.DOTALL)
_GFP = re.compile(r'gfp_mask=(0x[0-9a-fA-F]{1,16})(?![\da-fA-F>])(?:\(([^()]{0,1000})\))?')
# In the source of a mail =3D stands for =; a pager marks with > where it cut a line.
_ORDER = re.compile(r'order[=:]\s?(-?\d{1,3})(?![\d>]|D-?\d)')
_ADJUSTMENT = re.compile(r'oom_score_adj=(-?\d{1,5})(?![\d>]|D-?\d)')
_LEGACY_ADJUSTMENT = re.compile(r'oom(?:_adj|killadj)=(-?\d{1,5})(?![\d>]|D-?\d)')
_NODE_MASK = re.compile(r'nodemask=(\(null\)|[\d,-]{1,200}?)(?:,|\s|$)')

_NODES = re.compile(r'[\d,-]*')

_IDENTITY = re.compile(
    r'(?:Pid: (\d{1,10}), comm: |CPU: \d{1,6} (?:UID: (\d{1,10}) )?PID: (\d{1,10}) Comm: )(.*)$', re.DOTALL
)
_KERNEL = re.compile(
    r'^(.{0,64}?) (?:Kdump: loaded )?(?:Not tainted|Tainted: [\w\[\]= ,-]{1,160}?),?\s+(\d{1,2}\.\d{1,3}\S{0,120})',
    re.DOTALL,
)

_KILLED = re.compile(
    r'Killed\s+process\s+(\d{1,10})(?:,? UID (\d{1,10}),)?\s+\((.{0,64})(\)(?=,? UID[ :]|,?\s+(?:total-vm|vsz):).*)$',
    re.DOTALL,
)
_KILLED_ONLY = re.compile(r'Killed\s+process\s+(\d{1,10})(?:,? UID (\d{1,10}),)?\s+\((.{0,16})(\).*)$', re.DOTALL)
_KILLED_PREFIX = re.compile(r'[\w ()/.-]{0,80}[:,] ?$')
_SIZES = {
    'total-vm': 'total_vm_kb',
    'vsz': 'total_vm_kb',
    'anon-rss': 'anon_rss_kb',
    'file-rss': 'file_rss_kb',
    'shmem-rss': 'shmem_rss_kb',
    'pgtables': 'pgtables_kb',
}
# The separator at its beginning lets the expression skip faster.
_KILLED_NUMBER = re.compile(
    r'\W(?:(%s) ?: ?(\d{1,20})k ?B|UID[: ](\d{1,10})(?![\d>])|oom_score_adj: ?(-?\d{1,5})(?![\d>]))'
    % '|'.join(_SIZES).replace('-', '- ?')
)

_OPENVZ = re.compile(
    r'(?:Out of memory in UB (\d{1,10}): )?OOM killed process (\d{1,10}) \((.{0,64})\) score (\d{1,10}) '
    r'vm:(\d{1,20})k[Bb], rss:\d{1,20}k[Bb]',
    re.DOTALL,
)

_CHOSEN = re.compile(
    r'[Kk]ill\s+process\s+(\d{1,10})\s+\((.{0,64})\)\s+score\s+(\d{1,10})\s+(?:or|and)\b',
    re.DOTALL,
)
_SHARING = re.compile(r'Kill(?:ing)? process (\d{1,10}) \((.{0,64})\) sharing same memory', re.DOTALL)
_REAPED = re.compile(r'oom_reaper: (reaped process |unable to reap pid: ?)(\d{1,10}) \(')
_EXITING = re.compile(r'OOM victim \d{1,10} \(.{0,64}\) is already exiting', re.DOTALL)

# Source code and prose have other words here, or nothing after them.
_SUMMARY = re.compile(r'\s*constraint=\s*\w+\s*(?:,|$)|.*\btask=.{0,64},\s*pid=\d', re.DOTALL)
_SUMMARY_VALUES = {
    'constraint': re.compile(r'\w*'),
    'nodemask': re.compile(r'\(null\)|[\d,-]*'),
    'mems_allowed': _NODES,
}
_SUMMARY_KEY = re.compile(r',\s*(?=(?:nodemask|cpuset|mems_allowed|oom_memcg|task_memcg)=|global_oom\b|task=)')
_IN_TASK = re.compile(r',task=[^,]{0,64}$')
_SUMMARY_TASK = re.compile(r'task=(.{0,64}),pid=(\d{1,10}),uid=(\d{1,10})', re.DOTALL)

_TASK_IN = re.compile(r'Task in (.*) killed as a result of limit of (.*)$', re.DOTALL)
_GROUP = re.compile(r'Tasks in (.*) are going to be killed due to memory\.oom\.group set')
_LIMIT_REACHED = re.compile(r'Memory limit reached of cgroup (.*)$', re.DOTALL)
_USAGE = re.compile(
    r'(memory\+swap|memory|swap|kmem|kmem\.tcp|memsw):\s+usage\s+(\d{1,20})kB,\s+limit\s+(\d{1,20})kB,\s+failcnt\s+(\d{1,20})'
)
_STATISTICS = re.compile(r'Memory cgroup stats for (.*?):(?:\s+(.*))?$', re.DOTALL)
_STATISTIC = re.compile(r'([a-z_]{1,40})(?::| )(\d{1,20})(KB)?(?=\s|$)')
_STATISTICS_ONLY = re.compile(r'(?:[a-z_]{1,40}(?: \d{1,20}|:\d{1,20}KB)(?:\s+|$))+$')

_ALLOCATION = re.compile(
    r'(.{0,64}?)[:.] (page allocation failure|vmemmap alloc failure|vmalloc error)[:.] ?(.*)$', re.DOTALL
)
_OF_SLAB = re.compile(r'SL[AU]B: Unable to allocate memory on (?=(?:CPU|node)\b)(.*)$', re.DOTALL)
# Before 5.13. It does not name the process.
_OF_VMALLOC = re.compile(r'(?:(.{1,64}?): )?vmalloc: allocation failure[:,] (.*\bbytes\b.*)$', re.DOTALL)
_MODE = re.compile(r'(?:mode:|gfp=)(0x[0-9a-fA-F]{1,16})(?:\(([^()]{0,1000})\))?')
_KINDS = {'page': 'page', 'vmem': 'vmemmap', 'vmal': 'vmalloc'}

# The driver prints the line, or a trace has a function of its. A list of loaded modules proves nothing.
_BALLOON = re.compile(
    r'(?:^|^Workqueue: .{1,80} \[|\+0x[0-9a-f]+/0x[0-9a-f]+ \[)'
    r'(virtio_balloon|vmw_balloon|hv_balloon|xen[_:]balloon)[]: ]'
    r'|\b(virtballoon|vmballoon)_\w+\+0x'
)
# Behind a question mark stands what an older call left on the stack. 2.6 has the last one.
_OF_CGROUP = re.compile(r'(?<!\? )\bmem_cgroup_(?:out_of_memory|oom_synchronize|handle_oom)\+0x')
_BALLOON_DRIVERS = {'virtballoon': 'virtio_balloon', 'vmballoon': 'vmw_balloon', 'xen:balloon': 'xen_balloon'}

# TASK_COMM_LEN without its NUL; the names of kernel workers are longer in some lines.
_COMM_LENGTH = 15
_NAME_LENGTH = 64


def _integer(text):
    return None if text is None else int(text)


def _first(pattern, text):
    match = pattern.search(text)
    return match.group(1) if match else None


def _flags(text):
    return [flag for flag in text.replace(' ', '').split('|') if flag] if text else None


def _short(name):
    """The name of a process, at most 15 bytes, without what an unknown prefix left before it."""
    if len(name) <= _COMM_LENGTH:
        return name
    if '] ' in name:
        return _short(name.rpartition('] ')[2])
    return (
        name.rpartition(': ')[2][-_COMM_LENGTH:].lstrip() if ': ' in name else name.rpartition(' ')[2][-_NAME_LENGTH:]
    )


def rejoin(message, pieces):
    """A message in one line that has line breaks of its own, or was broken on its way."""
    if 'oom-kill:constraint=' not in (message or pieces[0]):
        return ' '.join([message] + pieces if message else pieces)
    # The summary can be broken at a blank only in the name of a process.
    for piece in pieces:
        message += ' ' + piece if _IN_TASK.search(message) else piece
    return message


def invoked(message):
    """The header as a dictionary: ``X invoked oom-killer: gfp_mask=0x201da, order=0, oom_score_adj=-500``; or None."""
    match = _INVOKED.match(message)
    if not match:
        return None
    name, rest = match.group(1), match.group(2) or ''
    gfp = _GFP.search(rest)
    return {
        'name': _short(name) if name is not None else None,
        'gfp_mask': gfp.group(1) if gfp else None,
        'gfp_flags': _flags(gfp.group(2)) if gfp else None,
        'order': _integer(_first(_ORDER, rest)),
        'oom_score_adj': _integer(_first(_ADJUSTMENT, rest)),
        'oom_adj': _integer(_first(_LEGACY_ADJUSTMENT, rest)),
        'nodemask': _first(_NODE_MASK, rest),
    }


def cpuset(message):
    """(path, nodes) of ``X cpuset=/ mems_allowed=0-1``, or of a failed allocation's own line since 4.19; or None."""
    path, mark, nodes = message.partition('cpuset=')[2].partition('mems_allowed=')
    return (path.rstrip(' ,'), _NODES.match(nodes).group()) if mark else None


def allocation_failure(message):
    """The header of ``c: page allocation failure: order:4, mode:0x40cc0(GFP_KERNEL)`` as a dictionary, or None. It is
    no kill, but has the same memory block.

    ``allocation`` is page, vmemmap, vmalloc, or slab, of which the line names no process.
    """
    match = _ALLOCATION.match(message)
    if match:
        name, form, rest = match.groups()
        form = _KINDS[form[:4]]
    else:
        slab = _OF_SLAB.match(message)
        match = slab or _OF_VMALLOC.match(message)
        if not match:
            return None
        name, rest = (None, slab.group(1)) if slab else match.groups()
        form = 'slab' if slab else 'vmalloc'
    mode = _MODE.search(rest)
    return {
        'name': None if name is None else _short(name),
        'allocation': form,
        'gfp_mask': mode.group(1) if mode else None,
        'gfp_flags': _flags(mode.group(2)) if mode else None,
        'order': _integer(_first(_ORDER, rest)),
        'oom_score_adj': None,
        'oom_adj': None,
        'nodemask': _first(_NODE_MASK, rest),
    }


def identity(message):
    """{pid, uid, name, kernel} of ``CPU: 0 PID: 11029 Comm: dockerd Not tainted 3.10.0-957.el7.x86_64 #1``, or of
    ``Pid: 1, comm: x`` before 3.10; or None.
    """
    match = _IDENTITY.match(message)
    if not match:
        return None
    old_pid, uid, pid, rest = match.groups()
    kernel = _KERNEL.match(rest)
    name = kernel.group(1) if kernel else rest.split(' ')[0]
    return {
        'pid': int(old_pid or pid),
        'uid': _integer(uid),
        'name': name,
        'kernel': kernel.group(2) if kernel and not kernel.group(2).endswith('>') else None,
    }


def _victim(pid, name, memcg):
    return {
        'pid': int(pid),
        'name': name,
        'uid': None,
        'oom_score_adj': None,
        'memcg': memcg,
        'outside': False,
        'total_vm_kb': None,
        'anon_rss_kb': None,
        'file_rss_kb': None,
        'shmem_rss_kb': None,
        'pgtables_kb': None,
    }


def killed_by_openvz(message):
    """(container or None, victim, score) of ``Out of memory in UB 101: OOM killed process 7 (c) score 0 vm:4kB,
    rss:4kB``, as OpenVZ's kernels before 3.10 print it; or None. UB 0 is the host itself.
    """
    match = _OPENVZ.search(message)
    if not match:
        return None
    container, pid, name, score, size = match.groups()
    container = None if container == '0' else container
    victim = _victim(pid, name, container is not None)
    victim['total_vm_kb'] = int(size)
    return container, victim, int(score)


def killed(message, anywhere):
    """The victim of a line as a dictionary, or None. With ``anywhere`` it may stand inside another line, as agents
    print it.
    """
    start = message.find('Killed')
    if start < 0:
        return None
    if start and not anywhere and not _KILLED_PREFIX.match(message[:start]):
        return None
    match = _KILLED.match(message[start:]) or _KILLED_ONLY.match(message[start:])
    if not match:
        return None
    pid, uid, name, rest = match.groups()
    victim = _victim(pid, name, 'emory cgroup out of memory' in message[:start])
    # 2.4 and 2.6.9 have a capital here.
    victim['outside'] = 'Out of memory' in message[:start] or 'Out of Memory: ' in message[:start]
    victim['uid'] = _integer(uid)
    for size, kb, uid, adjustment in _KILLED_NUMBER.findall(rest):
        key = _SIZES[size.replace(' ', '')] if size else 'uid' if uid else 'oom_score_adj'
        if victim[key] is None:
            victim[key] = int(kb or uid or adjustment)
    return victim


def is_of_memory(victim):
    """True if the line of a victim that killed() returned says anything of memory, not only who was killed."""
    return victim['memcg'] or victim['outside'] or victim['total_vm_kb'] is not None


def chosen(message):
    """{pid, name, score} of ``Out of memory: Kill process N (c) score S or sacrifice child``, by which a kernel before
    5.1 says whom it chose; or None.
    """
    match = _CHOSEN.search(message)
    if not match:
        return None
    return {'pid': int(match.group(1)), 'name': match.group(2), 'score': int(match.group(3))}


def sharing(message):
    """(pid, name) of ``Kill process N (c) sharing same memory``, which is killed with the victim; or None."""
    match = _SHARING.match(message)
    return (int(match.group(1)), match.group(2)) if match else None


def is_exiting(message):
    """True for ``OOM victim N (c) is already exiting``."""
    return _EXITING.search(message) is not None


def reaped(message):
    """(pid, True if its memory was taken) of the OOM reaper's line; or None."""
    match = _REAPED.match(message)
    return (int(match.group(2)), match.group(1)[0] == 'r') if match else None


def summary(message):
    """``oom-kill:constraint=...,task=mysqld,pid=1,uid=0`` as a dictionary, a line of kernels since 5.0 and of RHEL 8;
    or None.
    """
    result = {
        'constraint': None,
        'nodemask': None,
        'cpuset': None,
        'mems_allowed': None,
        'oom_memcg': None,
        'task_memcg': None,
        'global_oom': False,
        'name': None,
        'pid': None,
        'uid': None,
    }
    text = message.partition('oom-kill:')[2]
    if text[-1:] == '>':
        text = text.rpartition(',')[0]
    if not _SUMMARY.match(text):
        return None
    for part in _SUMMARY_KEY.split(text):
        key, mark, value = part.partition('=')
        key = key.strip()
        if key == 'task':
            match = _SUMMARY_TASK.match(part)
            if match:
                result['name'], result['pid'], result['uid'] = match.group(1), int(match.group(2)), int(match.group(3))
            else:
                result['name'] = value.partition(',pid=')[0][:_NAME_LENGTH] or None
        elif key == 'global_oom':
            result['global_oom'] = True
        elif mark and key in result and value:
            known = _SUMMARY_VALUES.get(key)
            result[key] = value.rstrip() if known is None else known.match(value).group() or None
    return result


def task_in(message):
    """(victim's cgroup, limiting cgroup) of ``Task in /a/b killed as a result of limit of /a``; or None."""
    match = _TASK_IN.match(message)
    return match.groups() if match else None


def limit_reached(message):
    """The cgroup of ``Memory limit reached of cgroup /x``; or None."""
    match = _LIMIT_REACHED.match(message)
    return match.group(1) if match else None


def group_kill(message):
    """The cgroup that is killed whole, as its ``memory.oom.group`` is set; or None."""
    match = _GROUP.match(message)
    return match.group(1) if match else None


def usage(message):
    """(counter, usage kB, limit kB, failcnt) of a cgroup's ``memory: usage 20480kB, limit 20480kB, failcnt 1204``; or
    None.
    """
    match = _USAGE.match(message)
    return (match.group(1),) + tuple(int(value) for value in match.groups()[1:]) if match else None


def statistics(message):
    """(cgroup, {name: value}) of ``Memory cgroup stats for /x: cache:0KB rss:4KB`` (KB) or ``anon 4096`` (bytes); or
    None.
    """
    match = _STATISTICS.match(message)
    return (match.group(1), statistic_pairs(match.group(2) or '')) if match else None


def statistic_line(message):
    """The pairs of a line that has nothing else, as statistic_pairs() returns them; or None."""
    return statistic_pairs(message) if _STATISTICS_ONLY.match(message) else None


def statistic_pairs(text):
    """{name: bytes or count} of ``rss:4KB swap:0KB`` or ``anon 4096 file 0``."""
    return dict((name, int(value) * (1024 if unit else 1)) for name, value, unit in _STATISTIC.findall(text))


def is_in_cgroup(message):
    """True for a line of a trace that only a kill by the limit of a memory cgroup goes through (mm/memcontrol.c).
    """
    return _OF_CGROUP.search(message) is not None


def balloon(message):
    """The name of the module of a balloon that prints a line or is in a trace; or None."""
    match = _BALLOON.search(message)
    driver = match and match.group(match.lastindex)
    return _BALLOON_DRIVERS.get(driver, driver)
