# -*- coding: utf-8 -*-
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of programs that were refused memory or a process, or that met a limit of their own."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from .asker import asker
from .form import (
    KERNEL,
    OWN_LIMIT,
    REFUSED,
    REFUSED_BY_HOST,
    REFUSED_PERHAPS,
    TOO_MANY_PROCESSES,
    Form,
    longest_of,
    of_path,
)
from .free_memory import much_is_free
from .libc_words import EAGAIN, ENOMEM, MUSL_EAGAIN, MUSL_ENOMEM

_FORK = (
    r'(?<![-\w.])v?fork(?:_exec|ed|ing|\(\d?\))?\b(?![-.]\w)|\bclone3?(?:\(\d?\))?(?::| failed)'
    r"|\bspawn(?:Sync|ing|ed)?\b|posix_spawn|proc_open|popen|shell_exec"
    r"|cannot run program|create (?:child )?process|start (?:a )?(?:new )?process|failed to run '\w+' task"
    r'|failed to create new OS thread'
)
FORK = re.compile(_FORK, re.IGNORECASE)
_NO_MEMORY = '(?:%s|cannot allocate memory)' % longest_of(ENOMEM)
_AGAIN = longest_of(EAGAIN)
# Without its first letter, which shells and Go write in lower case.
_ENOMEM_MARKERS = tuple(word for word in ENOMEM if word != 'Cannot allocate memory') + ('annot allocate memory',)
# A program that enters a namespace whose init is gone: fork is refused there while memory is free.
_ENTERS = re.compile(r'\bnsenter\b|\b(?:docker|podman|kubectl|crictl) exec\b|\bexec failed\b|ExecSync|/proc/self/exe')


# x86-64 and ARM64 have addresses of 48 bits for the kernel and programs together.
_MOST_ADDRESSED = 1 << 47
_LOCKS = re.compile(r'\b[Ll]ock(?:ing)? (?:JVM |the )?[Mm]emory\b|\bmlock(?:all|2)?\b|RLIMIT_MEMLOCK')


def _fork(signal, match, line):
    """Tell a fork that lacked memory from one that was refused for another reason: namespaces, pid_max, a limit on
    threads.
    """
    around = line.around(12)
    if re.search(r'\bunshare\s+-\w*[pU]\w*\b|\bunshare\s+--pid', around) and '--fork' not in around:
        signal.update(was_memory='no', limit='none', kind='not-memory-other')
    elif re.search(r'overcommit_memory\s*[=:]\s*2\b', around):
        signal['limit'] = 'commit'
    elif _ENTERS.search(around) or much_is_free(around) or re.search(r'kernel\.pid_max\s*=\s*32768\b', around):
        signal.update(was_memory='unknown', limit='unknown')
    signal['name'] = signal['name'] or asker(line)
    signal['errno'] = 12
    return signal


def _fork_without_errno(signal, match, line):
    # The line that names the errno stands beside this one, or above it.
    if re.search(_NO_MEMORY + '|' + _AGAIN, line.around(2)):
        return None
    signal['name'] = asker(line)
    return signal


def _again(signal, match, line):
    signal['name'] = signal['name'] or asker(line)
    signal['errno'] = 11
    return signal


def _threads(signal, match, line):
    signal['name'] = signal['name'] or asker(line)
    return signal


def _errno_12(signal, match, line):
    """``[Errno 12]`` is a fork only if the trace above it shows one; alone it may be of any call."""
    if FORK.search(line.message) or re.search(r'os\.fork\(\)|popen_fork|subprocess\.py|_execute_child', line.above(6)):
        signal.update(kind='fork-enomem', was_memory='yes', limit='host')
        return _fork(signal, match, line)
    signal['name'] = asker(line)
    signal['errno'] = 12
    return signal


def _any_call(signal, match, line):
    """ENOMEM without a word for fork(2): mmap, ioctl, a device or the limit on maps give it too. That of mlock(2) is a
    limit on locked memory, and the program goes on.
    """
    if _LOCKS.search(line.message):
        return None
    signal['name'] = asker(line)
    signal['errno'] = 12
    return signal


def _named(signal, match, line):
    signal['name'] = signal['name'] or asker(line)
    return _limited(signal, match, line)


def _limited(signal, match, line):
    """A limit that a person or a manager set for this program alone, if the lines around show it."""
    if re.search(r'\bulimit -v \d|RLIMIT_AS\b|\bLimitAS=\d', line.around(12)):
        signal['limit'] = 'program'
    return signal


def _jvm_commit(signal, match, line):
    named = re.search(r'\bhs_err_pid(\d{1,10})\.log|\bpid=(\d{1,10}), tid=', line.around(12))
    signal['pid'] = int(named.group(1) or named.group(2)) if named else None
    # A few pages are refused by vm.max_map_count as well, with memory free.
    if signal['bytes'] is not None and signal['bytes'] < 1 << 20:
        signal.update(was_memory='unknown', limit='unknown')
    signal['errno'] = 12
    return signal


def _sane(signal, match, line):
    """A size that no machine can address is a fault of the program, or of what it read."""
    if signal['bytes'] is None or signal['bytes'] >= _MOST_ADDRESSED:
        signal.update(was_memory='unknown', limit='unknown')
    return signal


def _maximum(signal, match, line):
    """ClickHouse tells the limit behind the words, as ``maximum: 34.29 GiB``."""
    told = re.search(r'\bmaximum: (\d{1,9}(?:\.\d{1,9})?) ([KMGT])iB', line.message)
    if told:
        signal['limit_bytes'] = int(float(told.group(1)) * (1 << 10 * (1 + 'KMGT'.index(told.group(2)))))
    return signal


def _breaker(signal, match, line):
    """Elasticsearch and OpenSearch tell the limit behind the words, in bytes and in larger units."""
    told = re.search(r'larger than the limit of \[(\d{1,18})/', line.message)
    signal['limit_bytes'] = int(told.group(1)) if told else None
    return signal


def _innodb(signal, match, line):
    if re.search(r'errno:? 12\b', line.around(6)):
        signal.update(limit='host', errno=12)
    return signal


FORMS = (
    # Refused forks: errno's words in every language, beside a word for fork(2)
    Form('fork-enomem', REFUSED_BY_HOST, _ENOMEM_MARKERS + (': Out of memory', '- Out of memory', 'error=12', 'ENOMEM',
                                                            'errno=12)'),
         r'%s|\berror=12\b|\bENOMEM\b|[:-] %s\s*$|\(have \d+ already; errno=12\)' % (_NO_MEMORY, MUSL_ENOMEM),
         also=FORK, refine=_fork),
    Form('pids-limit', TOO_MANY_PROCESSES, tuple(EAGAIN) + ('resource temporarily u', ': Try again', 'error=11',
                                                            'EAGAIN', 'errno=11)', 'fork: retry: '),
         r'%s|resource temporarily unavailable|\berror=11\b|\bEAGAIN\b|: %s\s*$|\(have \d+ already; errno=11\)'
         r'|fork: retry: (?!%s)' % (_AGAIN, MUSL_EAGAIN, _NO_MEMORY),
         also=re.compile(_FORK + '|pthread_create|create (?:new |OS )?thread|thread creation', re.IGNORECASE),
         refine=_again),
    # Oracle's database tells the call and the errno in one line, and the words of the errno in the next
    Form('fork-enomem', REFUSED_BY_HOST, ('operation:fork failed w',),
         r'ORA-27300: OS system dependent operation:fork failed with status: 12\b', name='oracle', refine=_fork),
    Form('pids-limit', TOO_MANY_PROCESSES, ('operation:fork failed w',),
         r'ORA-27300: OS system dependent operation:fork failed with status: 11\b', name='oracle', refine=_again),
    Form('pids-limit', TOO_MANY_PROCESSES, ('errno 11', 'errno= 11'),
         r"Can't create (?:a new )?thread.{0,40}errno=? ?11\b", refine=_again),
    # glibc gives EAGAIN for ENOMEM here (nptl/pthread_create.c), and this does not even tell that
    Form('pids-limit', REFUSED_PERHAPS, ('pthread_create failed',), r'pthread_create failed', refine=_threads),
    Form('alloc-enomem', REFUSED_PERHAPS, ('(errno 12)',), r"Can't create a new thread \(errno 12\)", name='mysqld',
         refine=_any_call),
    Form('pids-limit', TOO_MANY_PROCESSES, ('by pids controller in',),
         r'fork rejected by pids controller in (?P<path>\S+)', KERNEL, refine=of_path),
    Form('pids-limit', TOO_MANY_PROCESSES, ('BlockingIOError: [Errno 11]',), r'BlockingIOError: \[Errno 11\]',
         refine=_again),
    Form('pids-limit', REFUSED_PERHAPS, ("can't start new thread",), r"RuntimeError: can't start new thread",
         name='python'),
    Form('pids-limit', REFUSED_PERHAPS, ('unable to create n',), r'unable to create (?:new )?native thread',
         name='java'),
    Form('fork-enomem', REFUSED_PERHAPS, ('annot fork', "can't fork)", 'Unable to fork ['),
         r"^(?:\S{1,64}: )?(?:\d+: )?Cannot fork\s*$|(?:error|DEATH) \(can't fork\)|exec\(\): Unable to fork \[",
         refine=_fork_without_errno),
    Form('other-os', REFUSED_BY_HOST, ('fork: Invalid argument', 'BeginForkOperation'),
         r"Can't save in background: fork: Invalid argument|BeginForkOperation: ", name='redis-server'),
    # Refused allocations
    Form('alloc-enomem', REFUSED_PERHAPS, ('[Errno 12]',), r'\[Errno 12\]', refine=_errno_12),
    Form('alloc-enomem', REFUSED, ('MemoryError',), r'^(?:\S+\.)?_?(?:Array|No)?MemoryError(?::|\s*$)', name='python',
         refine=_limited),
    Form('alloc-enomem', REFUSED, ('for an array with shape',),
         r'Unable to allocate \d[\d.]* \S+ for an array with shape', name='python', refine=_limited),
    Form('alloc-enomem', REFUSED, ('failed to allocate memory (NoMemoryError)',),
         r'failed to allocate memory \(NoMemoryError\)', name='ruby'),
    Form('alloc-enomem', REFUSED, ("DefaultCPUAllocator: can't", 'DefaultCPUAllocator: not'),
         r"DefaultCPUAllocator: (?:can't allocate memory: you tried to allocate (?P<bytes>\d+)|not enough memory)",
         name='python'),
    Form('alloc-enomem', REFUSED, ('Out of memory!', 'memory during request'),
         r'^Out of memory!\s*$|^Out of memory during (?:\w+ )?request for (?P<bytes>\d+) bytes', name='perl'),
    Form('alloc-enomem', REFUSED, ('out of memory in ', 'core memory buffers'),
         r'out of memory in \w+ \[\w+\]|error allocating core memory buffers \(code 22\)', name='rsync'),
    Form('alloc-enomem', REFUSED, (': out of memory', ') Out of memory'),
         r'^(?P<name>pg_dump|pg_restore|psql|curl): (?:error: |\(27\) )[Oo]ut of memory\s*$'),
    Form('alloc-enomem', REFUSED, ('C error: out of memory', '/device:CPU:'),
         r'C error: out of memory\s*$|OOM when allocating tensor.{0,300}/device:CPU:', name='python'),
    Form('alloc-enomem', REFUSED, ('LLVM ERROR: out of memor', 'exception Out_of_memory', 'OutOfMemoryError()'),
         r'LLVM ERROR: out of memory|Fatal error: exception Out_of_memory'
         r'|\bERROR: (?:LoadError: )?OutOfMemoryError\(\)'),
    Form('alloc-enomem', REFUSED, ('memory allocation failed',),
         r"(?P<name>[\w.-]{1,32}): memory allocation failed `[^']{0,300}' @ (?:error|fatal)/"),
    Form('alloc-enomem', REFUSED, ('cannot set up guest memo', 'Insufficient free host m'),
         r"cannot set up guest memory '[^']{1,64}': |Insufficient free host memory pages available to allocate guest",
         name='qemu'),
    Form('alloc-enomem', ('yes', 'host', 'program'), ('more system memory (',),
         r'model requires more system memory \([\d.]+ [KMG]iB\) than is available', name='ollama'),
    Form('alloc-enomem', REFUSED, ('annot allocate vector of',), r'[Cc]annot allocate vector of size', name='R'),
    # erts_alloc_n_enomem() of Erlang's erl_alloc.c, for each of its allocators
    Form('alloc-enomem', REFUSED, ('_alloc: Cannot allocate', '_alloc: Cannot realloca'),
         r'\b[a-z]{1,16}_alloc: Cannot (?:re)?allocate (?P<bytes>\d+) bytes', name='beam.smp', refine=_sane),
    Form('alloc-enomem', REFUSED_BY_HOST, ('virtual memory exhausted',), r'^(?:\S+ ){0,3}virtual memory exhausted',
         name='gcc'),
    Form('alloc-enomem', REFUSED, ('out of memory allocating',),
         r'(?P<name>[\w+.-]{1,32}): out of memory allocating (?P<bytes>\d+) bytes after a total of'),
    Form('alloc-enomem', REFUSED, (': memory exhausted',), r'\bld(?:\.\w+)?: (?:[^\n]{0,200}: )?memory exhausted\s*$',
         name='ld'),
    # gnulib's xalloc_die()
    Form('alloc-enomem', REFUSED, (': memory exhausted',), r'^(?P<name>[\w.+-]{1,32}): memory exhausted\s*$'),
    Form('alloc-enomem', REFUSED, ('lloc failed', 'xmalloc: ', 'xrealloc: '),
         r'[Oo]ut of memory,? (?:m|re|c)alloc failed(?: \(tried to allocate (?P<bytes>\d+) bytes\))?'
         r'|\bx(?:m|re)alloc: (?:\S+: )?cannot allocate (?P<bytes2>\d+) bytes', refine=_named),
    Form('alloc-enomem', REFUSED, ('(12: Cannot allocate memory)',),
         r'(?:malloc|posix_memalign|memalign|calloc)\((?:\d+, )?(?P<bytes>\d+)\) failed \(12: Cannot allocate memory\)',
         name='nginx'),
    Form('alloc-enomem', REFUSED, ('fatal error: runtime: ', 'fatal error: out of mem'),
         r'fatal error: (?:runtime: (?:cannot allocate|out of) memory|out of memory)', refine=_named),
    Form('alloc-enomem', REFUSED_BY_HOST, ('mmap(', 'Cannot map '),
         r'(?:InnoDB: |\[InnoDB\] )mmap\((?P<bytes>\d+) bytes\) failed; errno 12'
         r'|InnoDB: Cannot map (?P<bytes2>\d+) bytes: errno:? 12', name='mysqld', refine=_innodb),
    Form('alloc-enomem', REFUSED, ('memory for the buffer p', 'Out of memory (Needed '),
         r'[Cc]annot allocate memory for the buffer pool|Out of memory \(Needed (?P<bytes>\d+) bytes\)',
         name='mysqld', refine=_innodb),
    Form('alloc-enomem', REFUSED_BY_HOST, ('os::commit_memory(',),
         r"os::commit_memory\(\w+, (?P<bytes>\d+), \d\) failed; error='[^']*' \((?:errno|error)=12\)", name='java',
         refine=_jvm_commit),
    Form('alloc-enomem', REFUSED_BY_HOST, ('Native memory allocation',),
         r'Native memory allocation \((?:mmap|malloc)\) failed to (?:map|allocate) (?P<bytes>\d+) bytes', name='java',
         refine=_jvm_commit),
    Form('alloc-enomem', REFUSED, ('Could not reserve enough',),
         r'Could not reserve enough space for (?:(?P<bytes>\d+)(?P<bytes_scale>K)B )?object heap', name='java'),
    Form('alloc-enomem', REFUSED_BY_HOST, ('mmap() failed: [12]', 'Out of memory (allocate'),
         r'mmap\(\) failed: \[12\]|Fatal error(?:</b>)?: {1,2}Out of memory \(allocated (?P<bytes>\d+)(?: bytes)?\)',
         name='php'),
    Form('alloc-enomem', REFUSED, ('memory allocation of ',), r'memory allocation of (?P<bytes>\d+) bytes failed',
         refine=_limited),
    Form('alloc-enomem', REFUSED, ('std::bad_alloc',),
         r"(?:what\(\):\s+|instance of '|caught[^\n]{0,60}|exception[^\n]{0,60}|[Ee]rror[^\n]{0,60})std::bad_alloc\b"
         r'|^\s*std::bad_alloc\s*$'),
    Form('alloc-enomem', REFUSED, ('System.OutOfMemoryEx', 'error 0x8007000E'),
         r'\bSystem\.OutOfMemoryException\b|GC heap initialization failed with error 0x8007000E', name='dotnet'),
    Form('alloc-enomem', REFUSED, ('ORA-04030',), r'\bORA-04030: out of process memory', name='oracle'),
    Form('alloc-enomem', REFUSED, ('Out of memory; check if ', 'Out of memory; restart s', 'client ran out of memory'),
         r'Out of memory; (?:check if mysqld or some other|restart server and try again)|client ran out of memory\b',
         name='mysqld'),
    Form('alloc-enomem', REFUSED, ('Out Of Memory allocating', 'aborting for OUT OF MEMO'),
         r'# Out Of Memory allocating (?P<bytes>\d+) bytes|Redis aborting for OUT OF MEMORY', name='redis-server'),
    Form('alloc-enomem', REFUSED_PERHAPS, ('OutOfMemoryError: ',), r'\bOutOfMemoryError: Map failed', name='java'),
    Form('alloc-enomem', REFUSED_BY_HOST, ('. Out of swap space?',),
         r'\brequested (?P<bytes>\d+) bytes for .{1,80}\. Out of swap space\?', name='java'),
    Form('alloc-enomem', REFUSED, ('ERROR:  out of memory', 'FATAL:  out of memory', 'map anonymous shared mem'),
         r'(?:ERROR|FATAL):  out of memory|could not map anonymous shared memory: ' + _NO_MEMORY, name='postgres'),
    Form('alloc-enomem', REFUSED_BY_HOST, ('swapoff failed: ',), r'swapoff failed: ' + _NO_MEMORY, name='swapoff'),
    # A program's own limit
    Form('program-limit', OWN_LIMIT, ('Allowed memory size of ',),
         r'Allowed memory size of (?P<limit_bytes>\d+) bytes exhausted', name='php'),
    Form('program-limit', OWN_LIMIT,
         ('heap out of memory', 'Reached heap limit', 'mark-compacts near heap ', 'reaching memory limit'),
         r'Allocation failed - (?:JavaScript heap|process) out of memory|Reached heap limit Allocation failed'
         r'|Ineffective mark-compacts near heap limit|reaching memory limit: JS heap', name='node'),
    # Solr's bin/oom_solr.sh and the one of its image, which the JVM runs when its heap is full
    Form('program-limit', OWN_LIMIT, ('Running OOM killer scrip',),
         r'Running OOM killer script for (?:process (?P<pid>\d+) for Solr|Solr process (?P<pid2>\d+))', name='solr'),
    Form('program-limit', OWN_LIMIT, ('OutOfMemoryError: ', 'OutOfDirectMemoryError'),
         r'java\.lang\.OutOfMemoryError: (?:Java heap space|Metaspace|Compressed class space|GC overhead limit|PermGen|'
         r'Requested array size|Direct buffer memory|Cannot reserve \d+ bytes of direct)'
         r'|netty\.util\.internal\.OutOfDirectMemoryError', name='java'),
    Form('program-limit', OWN_LIMIT, ('CircuitBreakingExceptio', 'circuit_breaking_except', 'Data too large, data fo'),
         r'CircuitBreakingException[\[:]|circuit_breaking_exception|Data too large, data for', name='java',
         refine=_breaker),
    Form('program-limit', OWN_LIMIT, ('ommand not allowed when', 'OOM command not allowed'),
         r'OOM command not allowed|OutOfMemoryError: command not allowed when used memory', name='redis-server'),
    Form('program-limit', OWN_LIMIT, ('MEMORY_LIMIT_EXCEEDED', 'Memory limit (', ' memory limit exceeded'),
         r'Memory limit \((?:total|for query|for user)\) exceeded'
         r'|\((?:total|for query|for user)\) memory limit exceeded', name='clickhouse-server', refine=_maximum),
    Form('program-limit', OWN_LIMIT, ('because JVM heap space', 'because JVM Metaspace', 'jvmkill: Resource exhau'),
         r'Expiring Daemon because JVM (?:heap space|Metaspace) is exhausted'
         r'|jvmkill: Resource exhaustion event: the JVM was unable to allocate memory from the heap', name='java'),
    Form('program-limit', OWN_LIMIT, ('urrent maximum heap size',),
         r'(?P<name>[\w.-]{1,32}): Current maximum heap size is (?P<limit_bytes>\d+) bytes'),
    Form('program-limit', OWN_LIMIT, ('vector memory exhausted', 'vector memory limit of '),
         r'vector memory exhausted \(limit reached|vector memory limit of [\d.]+ [KMG]b reached', name='R'),
    Form('program-limit', OWN_LIMIT, ('Out of sort memory, cons',), r'Out of sort memory, consider increasing server',
         name='mysqld'),
    Form('program-limit', OWN_LIMIT, ('Exhausted heap space, tr',),
         r'Exhausted heap space, trying to allocate \d+ bytes', name='dart'),
    Form('program-limit', OWN_LIMIT, ('emory resource limit ala',), r'\bmemory resource limit alarm set on node',
         name='rabbitmq-server'),
    # Before 3.7
    Form('program-limit', OWN_LIMIT, ('vm_memory_high_watermar',),
         r'vm_memory_high_watermark set\. Memory used:\d+ allowed:(?P<limit_bytes>\d+)', name='rabbitmq-server'),
    Form('program-limit', OWN_LIMIT, ('{ vsz_limit=',), r'Out of memory \(service \S{1,64} \{ vsz_limit=',
         name='dovecot'),
    Form('program-limit', OWN_LIMIT, ('memory limit of ',),
         r'Query exceeded (?:per-node|distributed)(?: user| total)? memory limit of ', name='trino'),
    Form('program-limit', OWN_LIMIT, ('ORA-04031', 'ORA-04036'),
         r'\bORA-04031: unable to allocate \d+ bytes of shared memory|\bORA-04036: PGA memory used by the instance',
         name='oracle'),
    Form('program-limit', OWN_LIMIT, ('memory in resource pool',),
         r"insufficient system memory in resource pool '[^']{1,128}'", name='sqlservr'),
    Form('program-limit', OWN_LIMIT, ('out of memory storing o',), r'SERVER_ERROR out of memory storing object',
         name='memcached'),
    Form('program-limit', ('yes', 'program', 'manager'), ('ysical memory limits', 'YARN for exceeding'),
         r'running beyond (?:the )?(?:\S+ )?physical memory limits?|by YARN for exceeding (?:physical )?memory limits',
         name='java'),
    # A graphics card's memory
    Form('gpu', ('yes', 'gpu', 'program'),
         ('CUDA out of memory', 'CUDA_ERROR_OUT_OF_MEMOR', 'HIP out of memory', 'cudaErrorMemoryAllo',
          'hipErrorOutOfMemory', '.OutOfMemoryError: CUDA', 'CUDA error: out of mem', 'udaMalloc failed: out ',
          'OutOfDeviceMemory', 'OUT_OF_DEVICE_MEMORY', 'MPS backend out of memo', '/device:GPU:'),
         r'[Ee]rror\b.{0,40}CUDA out of memory|CUDA out of memory(?:\.? ?$|\. Tried)'
         r'|CUDA_ERROR_OUT_OF_MEMORY|HIP out of memory|cudaErrorMemoryAllocation|hipErrorOutOfMemory'
         r'|CUDA error: out of memory|cudaMalloc failed: out of memory|OutOfDeviceMemory|OUT_OF_DEVICE_MEMORY'
         r'|MPS backend out of memory|OOM when allocating tensor.{0,300}/device:GPU:', name='python'),
    Form('alloc-enomem', REFUSED_PERHAPS, (' bytes. errno 12',),
         r'Failed to allocate (?P<bytes>\d+) bytes\. errno 12\b', name='mysqld'),
    # ENOMEM of any other call
    Form('alloc-enomem', REFUSED_PERHAPS, _ENOMEM_MARKERS + ('ENOMEM',), r'%s|(?<!/)\bENOMEM\b' % _NO_MEMORY,
         refine=_any_call),
)
