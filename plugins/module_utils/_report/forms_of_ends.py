# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of ends that were no shortage, or of which the line does not say why: stops, crashes, full disks, signal 9.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .asker import asker
from .form import (
    BY_KUBELET,
    CRASHED,
    ENGINES,
    KERNEL,
    REFUSED_PERHAPS,
    STOPPED,
    SYSTEMD,
    UNIT,
    UNPROVEN,
    Form,
    longest_of,
)
from .libc_words import ENOSPC, SIGKILL

_FULL = longest_of(ENOSPC)
_KILLED = longest_of(SIGKILL)
_ENTRY = r'(?:' + UNIT + r':? )'
_THEN = r'(?: \(\d\))?\. (?:Killing|Skipping SIGKILL|Terminating|Aborting)'

_ENDED = r'\b(?:[Kk]illed|[Tt]erminated|[Dd]ied|[Ee]xited|[Ee]nded|[Cc]rashed|[Ff]ailed),?'
_WANT = (r'\b(?:[Oo]ut [Oo]f (?:(?:process |system |physical |shared )?[Mm]emory|RAM)'
         r'|[Nn]ot enough (?:physical |free |system )?memory|[Ii]nsufficient (?:system |physical )?memory'
         r'|[Mm]emory allocation (?:problem|failure|failed)|[Mm]emory limit exceeded'
         r'|[Mm]emory exhausted|[Ee]rror allocating memory|VERR_NO_MEMORY|OOM when allocating'
         r"|(?:(?:[Ff]ailed|[Uu]nable) to|[Cc]ould not|[Cc]an't) allocate "
         r'(?:memory|\d+ (?:bytes|blocks)|\(new failed\)))')
# A line that complains, and does not advise, ask or tell of a setting. The kernel's kills are reports.
_COMPLAINS = re.compile(
    r'^(?!.*\b(?:[Ii]f|[Mm]ay|[Mm]ight|[Ww]ould|[Ss]hould|[Nn]ever|[Aa]void|[Pp]revent)\b)'
    r'(?=.*(?:(?:^|[\].:>|#-] )|\b(?:[Ee]rror|[Ff]atal|[Ff]ail\w*|[Aa]bort\w*|[Ee]xception|[Dd]ue to|[Bb]ecause|[Rr]an)'
    r'\b[^\n?]{0,80}?)' + _WANT +
    r'(?![^\n]{0,80}\?|: [Kk]ill|: (?:compulsory|system-wide) panic| and no killable| \(oom_kill| in UB \d'
    r'| on (?:node|CPU) -?\d'
    r'| (?:killer|protection|handl|check|score|polic|event)))')

# Exit status 137 is SIGKILL, 143 SIGTERM, in the words of engines, kubectl, make and runners.
_STATUSES = tuple(word + status for word in ('ode ', 'ode: ', 'ode:', 'ode=', 'ode": ', 'ode":', 'ode\': ', 'atus ',
                                             'atus: ', 'atus=', 'xit ', 'xited (', 'with ')
                  for status in ('137', '143')) + ('Exit Code: ',)


def _no_room(errno):
    """Refine a refusal of a disk or of watches, which had this errno."""
    def refine(signal, match, line):
        signal['name'] = asker(line) or signal['name']
        signal['errno'] = errno
        return signal
    return refine


_POOLS = {'worker': 'nginx', 'ForkPoolWorker': 'celery'}


def _of_pool(signal, match, line):
    """The program whose worker it was, by what it calls its workers."""
    signal['name'] = _POOLS.get(signal['name']) or ('php-fpm' if '[pool ' in line.message else None)
    return signal


def _container_state(signal, match, line):
    """Exit status 137 in the words of an engine or kubelet, unless they name memory or another reason nearby."""
    if re.search(r'liveness probe', line.around(14), re.IGNORECASE):
        return None
    run = re.search(r"command '(?:/bin/sh -c )?([\w./+-]{1,64})", line.message)
    signal['name'] = run.group(1) if run else signal['name']
    event = re.search(r'\bcontainer die[d]? ([0-9a-f]{12,64})\b', line.message)
    signal['container'] = event.group(1) if event else signal['container']
    return signal


def _audited(signal, match, line):
    named = re.search(r'\bpid=(\d{1,10}) comm="([^"]{1,32})"', line.message)
    if named:
        signal['pid'], signal['name'] = int(named.group(1)), named.group(2)
    return signal


def _of_engine(signal, match, line):
    """Docker names the container in a field behind its message."""
    named = re.search(r'\bcontainer="?([0-9a-f]{12,64})\b', line.message)
    signal['container'] = signal['container'] or (named and named.group(1))
    return signal


def _swept(signal, match, line):
    """What is left of a unit is killed after its main process has died as well, whatever that one died of."""
    return None if re.search(r'status=9/KILL|OOM killer|systemd-oomd killed', line.above(6)) else signal


def _bus(signal, match, line):
    """Who was ended by SIGBUS, or on which host, where the line tells it."""
    named = re.search(r'\(PID (\d{1,10})\) was terminated|srun: error: (\S{1,255}): ', line.message)
    if named and named.group(1):
        signal['name'], signal['pid'] = 'postgres', int(named.group(1))
    elif named:
        signal['host'] = named.group(2)
    return signal


def _dumped(signal, match, line):
    """A watchdog ends a unit with SIGABRT, which is not a crash of the program's own."""
    return None if re.search(r'[Ww]atchdog', line.around(4)) else signal


def _status_of_unit(signal, match, line):
    """``systemctl status`` and ``show``: a line above names the unit."""
    named = re.search(r'(?:^|\s)' + UNIT, line.around(8))
    signal['unit'] = named.group('unit') if named else None
    return signal


FORMS = (
    # A disk, or watches
    Form('disk-or-watches', ('no', 'none', 'kernel_refused'), ('isk quota exceeded', 'EDQUOT', '[Errno 122]'),
         r'\b[Dd]isk quota exceeded|\bEDQUOT\b|\[Errno 122\]', refine=_no_room(122)),
    Form('disk-or-watches', ('no', 'none', 'kernel_refused'),
         tuple(ENOSPC) + ('ENOSPC', 'Errcode: 28', 'rror number 28', 'errno 28', 'rrno: 28', '[Errno 28]'),
         r'(?:%s)|\(ENOSPC\)|\bENOSPC:|[\'"]ENOSPC[\'"]|Errcode: 28\b|rror number 28\b|[Ee]rrno:? 28\b'
         % _FULL, refine=_no_room(28)),
    # Elasticsearch and OpenSearch do not start
    Form('not-memory-other', ('no', 'none', 'program'), ('max virtual memory areas',),
         r'max virtual memory areas vm\.max_map_count \[\d+\] (?:is|likely) too low, increase to at least \[\d+\]',
         name='java'),
    # Stopped by a person, a manager or a kubelet
    Form('not-memory-other', BY_KUBELET, ('admit critical pod', 'imminent node shutdown', 'specified deadline'),
         r'Preempted in order to admit critical pod|imminent node shutdown'
         r'|was active (?:on the node )?longer than (?:the )?specified deadline'),
    Form('not-memory-stop', BY_KUBELET, ('iveness probe', 'tartup probe'),
         r'failed (?:liveness|startup) probe, will be restarted|(?:Live|Startup|Liveness) ?\w* ?probe failed|'
         r'Liveness probe failed'),
    Form('not-memory-stop', STOPPED, ('failed to exit within ',),
         r'(?:Container (?P<container>[0-9a-f]{12,64}) )?failed to exit within \d+ ?s(?:econds)? of', ENGINES,
         refine=_of_engine),
    # Nomad
    Form('not-memory-stop', STOPPED, ('before force killing',),
         r'Sent interrupt\. Waiting \S{1,16} before force killing'),
    Form('not-memory-stop', STOPPED, ('unhealthy container',),
         r'non-zero exit \(1(?:37|43)\): dockerexec: unhealthy container'),
    Form('not-memory-stop', STOPPED, ('StopSignal ',),
         r'StopSignal \w+ failed to stop container (?P<container>\S{1,255}) in \d+ seconds, resorting to SIGKILL'),
    Form('not-memory-stop', STOPPED, (' timed out. ',),
         _ENTRY + r"?State '[\w-]+' timed out" + _THEN, SYSTEMD),
    Form('not-memory-stop', STOPPED, (' timed out. ',), _ENTRY + r'(?:[Ss]tart operation|[\w-]+) timed out' + _THEN,
         SYSTEMD),
    Form('not-memory-stop', STOPPED, ("result 'timeout'", "result 'watchdog'", 'atchdog timeout ('),
         _ENTRY + r"(?:Failed with result '(?:timeout|watchdog)'|[Ww]atchdog timeout \()", SYSTEMD),
    Form('not-memory-stop', STOPPED, ('Result: timeout', 'Result: watchdog', 'Result=timeout', 'Result=watchdog'),
         r'Active: failed \(Result: (?:timeout|watchdog)\)|^\s*Result=(?:timeout|watchdog)\b', refine=_status_of_unit),
    Form('not-memory-stop', STOPPED, (' with signal SIGKILL', ' with signal SIGABRT'),
         UNIT + r': Killing process (?P<pid>\d+) \((?P<name>[^)]{1,64})\) with signal SIG(?:KILL|ABRT)', SYSTEMD,
         refine=_swept),
    Form('not-memory-stop', STOPPED, ('Received SHUTDOWN from', ': Normal shutdown', 'client threads a chance',
                                      'Stopping MySQL database'),
         r'Received SHUTDOWN from user|: Normal shutdown\s*$|client threads a chance to die gracefully|Stopping MySQL '
         r'database server', name='mysqld'),
    Form('not-memory-stop', STOPPED, ('s using SIGTERM. Trying',), r'MySQL failed to stop after \d+s using SIGTERM',
         name='mysqld'),
    Form('not-memory-stop', STOPPED, ('WORKER TIMEOUT (pid:',), r'\bWORKER TIMEOUT \(pid:(?P<pid>\d+)\)',
         name='gunicorn'),
    Form('not-memory-stop', STOPPED, ('HARAKIRI ON WORKER ',), r'\bHARAKIRI ON WORKER \d+ \(pid: (?P<pid>\d+)\b',
         name='uwsgi'),
    Form('not-memory-stop', STOPPED, (' execution timed out (',),
         r'\bchild (?P<pid>\d+)(?=, script [^\n]{1,1000} execution timed out \([\d.]+ sec\), terminating)',
         name='php-fpm'),
    Form('not-memory-stop', STOPPED, ('s), killing',),
         r'\bworker=\d+ PID:(?P<pid>\d+) timeout \(\d+s > \d+s\), killing', name='unicorn'),
    Form('not-memory-stop', STOPPED, ('erminating timed out wor',),
         r'\bTerminating timed out worker\b[^\n:]{0,100}: (?P<pid>\d+)', name='puma'),
    Form('not-memory-stop', STOPPED, ('container kill ', '"kill"'),
         r'\bcontainer kill (?P<container>[0-9a-f]{12,64})(?= \([^\n]{0,2000}\bsignal=(?:9|SIGKILL)\b)'
         r'|"status": ?"kill", ?"id": ?"(?P<container2>[0-9a-f]{12,64})"'
         r'(?=[^\n]{0,2000}"signal": ?"(?:9|SIGKILL)")'),
    # SIGBUS: a page of a mapping could not be had, as huge pages or a tmpfs were used up, or its file is shorter
    Form('kill-unproven', UNPROVEN, ('Bus error', 'status=7/BUS', 'signal SIGBUS: ', 'killed by signal 7'),
         r'^(?:\S{1,64}: )?(?:line \d+: )?(?:\d+ )?Bus error\b|Bus error +\(core dumped\)'
         r'|terminated by signal 7: Bus error|\[signal SIGBUS: bus error|srun: error: \S+: tasks? \S+: Bus error'
         r'|(?:' + UNIT + r': )?(?:Main|Control) process exited, code=(?:dumped|killed), status=7/BUS'
         r'|\(pid: \d+\) died, killed by signal 7\b', refine=_bus),
    # Crashes
    Form('not-memory-crash', CRASHED, (' got signal ',), r'\b(?P<name>mysqld|mariadbd|mysqld-debug) got signal \d+'),
    Form('not-memory-crash', CRASHED, (': segfault at ', ' general protection f', ' trap invalid opcode'),
         r'(?P<name>[^\s\[\]][^\[\]]{0,31})\[(?P<pid>\d+)\]:? (?:segfault at|general protection f|trap invalid opcode)',
         KERNEL),
    Form('not-memory-crash', CRASHED, ('sent code 139!', 'Assertion failure', 'ore dumped', 'dumped core'),
         r'\(pid:(?P<pid>\d+)\) was sent code 139!|Assertion failure: |Assertion failure in (?:file|thread)'
         r'|(?:Segmentation fault|Aborted|Illegal instruction) +\(core dumped\)'
         r'|(?:^|: )Process (?P<pid2>\d+) \((?P<name2>[^)]{1,64})\) of user \d+ dumped core'),
    Form('not-memory-crash', CRASHED, ('status=11/SEGV', 'status=6/ABRT', 'status=4/ILL',
                                       'status=8/FPE', "result 'core-dump'"),
         UNIT + r": (?:(?:Main|Control) process exited, code=(?:dumped|killed), status=(?:11/SEGV|6/ABRT|4/ILL|"
         r"8/FPE)|Failed with result 'core-dump')", SYSTEMD, refine=_dumped),
    Form('not-memory-crash', CRASHED, ('Result: core-dump', 'Result=core-dump'),
         r'Active: failed \(Result: core-dump\)|^\s*Result=core-dump\b', refine=_status_of_unit),
    Form('not-memory-crash', CRASHED, ('exited on signal 11', 'Segmentation fault (11)', 'terminated by signal 1',
                                       'terminated by signal 6'),
         r'(?:child|(?P<name>worker) process) (?P<pid>\d+) exited on signal 11\b|exit signal Segmentation fault \(11\)'
         r'|terminated by signal (?:11|6)\b', refine=_of_pool),
    Form('not-memory-other', ('no', 'none', 'kernel'), ('SECCOMP ', 'type=1326 ', 'status=31/SYS'),
         r'\bSECCOMP\b|\btype=1326\b|process exited, code=(?:killed|dumped), status=31/SYS',
         also=re.compile(r'\bsig=31\b|31/SYS'), refine=_audited),
    # RAM that is broken, which is no want of it
    Form('not-memory-other', ('no', 'none', 'kernel'), ('hardware memory corrupti',),
         r'(?:Killing|Sending SIGBUS to) (?P<name>[^\s:][^:]{0,31}):(?P<pid>\d+)(?: early)? '
         r'due to hardware memory corruption', KERNEL),
    # Frozen: none of these says why
    Form('frozen', UNPROVEN,
         (' blocked for more than ', 'soft lockup - CPU#', 'self-detected stall', 'detected stall'),
         r'INFO: task (?P<name>.{1,32}):(?P<pid>\d+) blocked for more than'
         r'|soft lockup - CPU#\d+ stuck for \d+s! \[(?P<name2>[^\]]{1,32}):(?P<pid2>\d+)\]|rcu.{0,40}stall', KERNEL),
    Form('frozen', UNPROVEN, ('NV_ERR_NO_MEMORY',), r'NV_ERR_NO_MEMORY'),
    Form('frozen', UNPROVEN, ('page allocation stalls f', 'memory allocation deadlo'),
         r'(?P<name>[^\s:][^:]{0,31}): page allocation stalls for \d+ms'
         r'|: (?P<name2>[^\s(][^(]{0,31})\((?P<pid>\d+)\) possible memory allocation deadlock', KERNEL),
    # Swap that could not be switched on
    Form('swap-trouble', REFUSED_PERHAPS, ('swapon failed: ', 'swapon: '),
         r'swapon:? \S+: (?:swapon failed|read swap header failed|insecure|skipping)|swapon failed: '
         r'|^\s*swapon: (?:swapfile has holes|\S+: )'),
    Form('swap-trouble', REFUSED_PERHAPS, ('find swap-space signat',), r'Unable to find swap-space signature', KERNEL),
    Form('swap-trouble', ('unknown', 'unknown', 'program'), ('mkswap: error',), r'mkswap: error: '),
    # Killed, by whom and why is not said
    Form('kill-unproven', UNPROVEN, ('status=9/KILL', "result 'signal'"),
         UNIT + r": (?:(?:[Mm]ain|[Cc]ontrol) process exited, code=killed,? status=9/KILL|Failed with result 'signal')",
         SYSTEMD),
    Form('kill-unproven', UNPROVEN, ('Result: signal', 'Result=signal', ', signal=KILL)'),
         r'Active: failed \(Result: signal\)|^\s*Result=signal\b|\(code=killed, signal=KILL\)',
         refine=_status_of_unit),
    Form('kill-unproven', UNPROVEN, (' terminated program ', 'terminated with signal ', 'compiler error: '),
         r'signal terminated program (?P<name>[\w+.-]{1,32})|(?P<name2>[\w+.-]{1,32}) terminated with signal 9\b'
         r'|internal compiler error: (?:%s) \(program [\w+.-]{1,32}\)' % _KILLED),
    Form('kill-unproven', UNPROVEN, tuple(SIGKILL) + (': line ', ': killed ', ' killed '),
         r'^\s*(?:%s)(?:: 9)?\s*$'
         # A shell's own words for ``line 3`` are of its language, in which the number may stand before them.
         r'|: ?(?:\S{1,24} \d+|\d+ \S{1,24}) ?: +\d+ (?:%s)(?:: 9)? +\(? *(?:nohup |sudo |exec '
         r'|timeout (?:-\S+ )*\S+ )?(?:(?P<name>[\w./+-]{1,64})|\S)'
         r'|^\s*(?:\[\d+\] {0,2}[-+]? *(?:\d+ +)?(?:Killed|killed)|zsh: killed)(?::? 9)? +(?P<name2>[\w./+-]{1,64})'
         % (_KILLED, _KILLED)),
    Form('kill-unproven', UNPROVEN, _STATUSES,
         r'non-zero code: 137'
         r'|[Ee]xit(?:ed)?[ _]?(?:with )?(?:[Cc]ode|[Ss]tatus)?"?[ :=]{1,16}"?(?:137|143)\b|"code": ?137\b'
         r'|\bExited \(137\)|\bcode=exited, status=1(?:37|43)\b',
         refine=_container_state),
    Form('kill-unproven', UNPROVEN, ('Error 137', '] Killed', 'signal SIGKILL', 'npm ERR! errno 137', '! code 137',
                                     'rc=137', 'rc=-9', '"rc": 137', '"rc": -9'),
         r'make(?:\[\d+\])?: \*\*\* .{0,300}(?:Error 137|\] Killed(?:: 9)?)\s*$'
         r'|npm (?:ERR!|error) (?:signal SIGKILL|(?:code|errno) 137)'
         r'|\brc=(?:137|-9)\b|"rc": (?:137|-9)\b'),
    Form('kill-unproven', UNPROVEN, ('exited on signal 9', "exited with 'signal 9"),
         r"(?:(?P<name>worker) process|child|process) (?P<pid>\d+) exited on signal 9\b"
         r"|(?P<name2>ForkPoolWorker)-\d+' pid:(?P<pid2>\d+) exited with 'signal 9\b", refine=_of_pool),
    Form('kill-unproven', UNPROVEN, ('SIGKILL', 'ignal: killed', 'terminated abruptly whi', 'got signal 9'),
         r'[Cc]ommand (?:failed|was killed) with (?:signal )?"?SIGKILL|Signals\.SIGKILL: 9|signal: 9, SIGKILL'
         r'|\b(?:signal=|exited with )SIGKILL\b|\bworker \d+ got signal 9\b'
         r'|[Ss]ignal 9 \(SIGKILL\)|(?:exited: (?P<name>[\w.:-]{1,64}) \()?terminated by SIGKILL; not expected'
         r'|(?:exited|terminated|killed|failed)[^\n]{0,60} signal:? \[?SIGKILL\b|\bNegsignal\.SIGKILL\b'
         r'|\bpid (?P<pid2>\d+) SIGKILL \(signal 9\)|\(pid:(?P<pid>\d+)\) was sent SIGKILL!'
         r'|(?:^|\s)signal: killed\s*(?:$|Runtime)|\+\+\+ killed by SIGKILL \+\+\+'
         r'|process pool was terminated abruptly'),
    Form('kill-unproven', UNPROVEN, ('it signal Killed (9)',), r'child pid (?P<pid>\d+) exit signal Killed \(9\)',
         name='apache2'),
    Form('kill-unproven', UNPROVEN, ('was unexpectedly termina', '(exitcode: -9)', 'return code = -9',
                                     'EXIT STRING: Killed', 'exited on signal 9 (Kill'),
         r'managed by the executor was unexpectedly terminated|\(exitcode: -9\)|\breturn code = -9\b'
         r'|WITH THE EXIT STRING: Killed \(signal 9\)|\bexited on signal 9 \(Killed\)'),
    Form('not-memory-crash', CRASHED, ('exited on signal 11',), r'\bexited on signal 11 \(Segmentation fault\)'),
    Form('not-memory-crash', CRASHED, ('died, killed by signal ',),
         r'\(pid: (?P<pid>\d+)\) died, killed by signal (?:4|6|8|11)\b', name='uwsgi'),
    Form('kill-unproven', UNPROVEN, ('died, killed by signal 9',),
         r'\(pid: (?P<pid>\d+)\) died, killed by signal 9\b', name='uwsgi'),
    Form('kill-unproven', UNPROVEN, ('killed by KILL signal',),
         r'\b(?P<name>[\w.+-]{1,64}) main process \((?P<pid>\d+)\) killed by KILL signal'),
    Form('kill-unproven', UNPROVEN, ('is killed by signal: Kil', 'exited unexpectedly'),
         r'DataLoader worker \(pid(?:\(s\))? (?P<pid>\d+)[^)]{0,200}\) '
         r'(?:is killed by signal: Killed|exited unexpectedly)', name='python'),
    Form('kill-unproven', UNPROVEN, ('execute command: Killed',),
         r'(?P<name>[\w+.-]{1,32}): error: unable to execute command: Killed'),
    Form('kill-unproven', UNPROVEN, ('Server terminated abrupt', 'daemon disappeared unexp'),
         r'Server terminated abruptly \(error code: 14\b|build daemon disappeared unexpectedly'),
    Form('kill-unproven', UNPROVEN, ('process exited too early', 'non-zero exit (137)'),
         r'The build failed because the process exited too early|task: non-zero exit \(137\)'),
    Form('kill-unproven', UNPROVEN, ('terminated by signal 9',),
         r'(?:\(PID (?P<pid>\d+)\) was )?terminated by signal 9\b', name='postgres'),
    Form('kill-unproven', UNPROVEN, (') died signal=9',),
         r'\bChild \((?P<pid>\d+)\) died signal=9\b', name='varnishd'),
    Form('kill-unproven', UNPROVEN, ('died of signal 9',), r'(?P<name>[\w-]{1,32}) died of signal 9\b'),
    Form('not-memory-crash', CRASHED, ('died of signal 11', 'died of signal 6'),
         r'(?P<name>[\w-]{1,32}) died of signal (?:11|6)\b'),
    Form('not-memory-crash', CRASHED, ('egmentation fault', 'signal SIGSEGV: segm'),
         r'^(?:\S{1,64}: )?Segmentation fault\s*$|^\[signal SIGSEGV: segmentation violation '),
    Form('kill-unproven', UNPROVEN, ('found in a dead state',), r'A worker was found in a dead state',
         name='ansible-playbook'),
    Form('kill-unproven', UNPROVEN, ('has received a shutdow', 'lost communication with '),
         r'The runner has received a shutdown signal|runner(?:: \S{1,255})? lost communication with the server'),
    # The plain words of any other program: they prove nothing, and are not nothing
    Form('kill-unproven', UNPROVEN, ('due to signal 9',),
         r'Worker with pid (?P<pid>\d+) was terminated due to signal 9\b', name='gunicorn'),
    Form('kill-unproven', UNPROVEN, ('ignal 9', 'ignal: 9'), _ENDED + r' (?:[A-Za-z]{1,12} ){0,4}[Ss]ignal:? #?9\b'),
    Form('fork-enomem', REFUSED_PERHAPS, ('annot fork',), r'(?:^|: )[Cc]annot fork\s*$'),
    Form('alloc-enomem', UNPROVEN,
         ('ut of memory', 'ut of Memory', 'ut Of Memory', 'ut of RAM', 'ut of process memory', 'ut of system memory',
          'ut of physical memory', 'ut of shared memory', 'ot enough ', 'nsufficient memory', 'nsufficient system mem',
          'nsufficient physical m', 'emory allocation probl', 'emory allocation fail', 'emory limit exceeded',
          'emory exhausted', 'ailed to allocate ', 'nable to allocate ', 'ould not allocate ', "an't allocate memory",
          'rror allocating memory', 'VERR_NO_MEMORY', 'OOM when allocating'),
         _WANT, also=_COMPLAINS),
)
