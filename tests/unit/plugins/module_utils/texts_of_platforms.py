# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""More lines as in texts_of_kinds: of platforms, batch systems, process managers, languages, and of what is no end."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

KERNEL = ('yes', 'unknown', 'kernel')
KERNEL_CGROUP = ('yes', 'cgroup', 'kernel')
KERNEL_HOST = ('yes', 'host', 'kernel')
IN_CGROUP = ('yes', 'cgroup', 'unknown')
BY_PLATFORM = ('yes', 'cgroup', 'manager')
BY_ENGINE = ('yes', 'cgroup', 'engine')
BY_MANAGER = ('yes', 'program', 'manager')
OWN_LIMIT = ('yes', 'program', 'program')
REFUSED = ('yes', 'unknown', 'kernel_refused')
REFUSED_BY_HOST = ('yes', 'host', 'kernel_refused')
REFUSED_PERHAPS = ('unknown', 'unknown', 'kernel_refused')
REFUSED_ITSELF = ('yes', 'host', 'program')
TOO_MANY = ('no', 'none', 'kernel_refused')
UNPROVEN = ('unknown', 'unknown', 'unknown')
STOPPED = ('no', 'none', 'manager')
NODE_LOW = ('yes', 'host', 'manager')
BROKEN = ('no', 'none', 'kernel')
NOTHING = None

LINES = (
    (None, "Container 'app' was terminated with exit code '137' and reason 'OOMKilled'", KERNEL_CGROUP),
    (None, 'Warning: pod web-0 was OOMKilled.', KERNEL_CGROUP),
    (None, 'Warning  SystemOOM  17m  kubelet, node1  System OOM encountered', KERNEL),
    (None, 'cp: error writing \'a\': Disk quota exceeded', ('no', 'none', 'kernel_refused')),
    (None, 'OSError: [Errno 122] Disk quota exceeded: \'a\'', ('no', 'none', 'kernel_refused')),
    (None, 'srun: error: node07: task 4: Bus error', ('no', 'none', 'program')),
    (None, 'srun: error: node07: tasks 0-3: Killed', UNPROVEN),
    (None, '+++ killed by SIGKILL +++', UNPROVEN),
    (None, 'FATAL ERROR: Ineffective mark-compacts near heap limit Allocation failed -\nJavaScript heap out of memory',
     OWN_LIMIT),
    (None, 'Failed to create service entry worker thread: pthread_create failed', REFUSED_PERHAPS),
    (None, 'The pod was not OOMKilled', NOTHING),
    (None, 'When a container was OOMKilled, raise its limit', NOTHING),
    (None, 'Query exceeded per-node memory limit of 5GB [Allocated: 4.99GB, Delta: 12MB]', OWN_LIMIT),
    (None, 'Error: 701, Severity: 17, State: 123. There is insufficient system memory in resource pool \'default\'',
     OWN_LIMIT),
    (None, 'ORA-04031: unable to allocate 65560 bytes of shared memory ("shared pool","unknown object")', OWN_LIMIT),
    (None, 'ORA-04036: PGA memory used by the instance exceeds PGA_AGGREGATE_LIMIT', OWN_LIMIT),
    (None, 'ORA-04030: out of process memory when trying to allocate 16328 bytes (koh-kghu sessi)', REFUSED),
    (None, 'GC heap initialization failed with error 0x8007000E', REFUSED),
    (None, 'Unable to allocate 1.2 MiB for an array with shape (3, 4) and data type float64', REFUSED),
    (None, 'ERROR: Memory limit exceeded: Could not allocate memory while trying to increase reservation.', UNPROVEN),
    (None, 'iptables: Memory allocation problem.', UNPROVEN),
    (None, 'error: Not enough memory resources are available to process this command.', UNPROVEN),
    ('CRON', "(CRON) DEATH (can't fork)", REFUSED_PERHAPS),
    (None, '##[error]The hosted runner lost communication with the server.', UNPROVEN),
    (None, ('RequestId: 8f5 Error: Runtime exited with error: signal: killed Runtime.ExitError\n'
            'REPORT RequestId: 8f5 Duration: 3012 ms Memory Size: 128 MB Max Memory Used: 128 MB'), IN_CGROUP),
    (None, ('RequestId: 8f5 Error: Runtime exited with error: signal: killed Runtime.ExitError\n'
            'REPORT RequestId: 8f5 Duration: 3012 ms Memory Size: 128 MB Max Memory Used: 80 MB'), UNPROVEN),
    ('kernel', 'oom_reaper: reaped process 2213 (java), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB', KERNEL),
    ('conmon', 'conmon 0a1b2c3d4e5f6a7b8c9d <ninfo>: OOM event received', KERNEL_CGROUP),
    ('kubelet', 'I1010 17:41:57.858757    4991 manager.go:1126] Created an OOM event in container "/" at 2025-10-10',
     KERNEL),
    (None, 'Error R15 (Memory quota vastly exceeded)', BY_PLATFORM),
    (None, 'Error R14 (Memory quota exceeded)', IN_CGROUP),
    (None, 'Exit status 137 (out of memory)', KERNEL_CGROUP),
    (None, 'reason: CRASHED, exit_description: APP/PROC/WEB: Exited with status 137 (out of memory)', KERNEL_CGROUP),
    (None, '"exitCode": 137, "reason": "OutOfMemoryError: Container killed due to memory usage"', KERNEL_CGROUP),
    (None, 'REPORT Duration: 2012.34 ms Memory Size: 128 MB Max Memory Used: 128 MB Error Type: Runtime.OutOfMemory',
     IN_CGROUP),
    (None, 'Memory limit of 512 MiB exceeded with 531 MiB used. Consider increasing the memory limit', BY_ENGINE),
    (None, 'Exceeded soft memory limit of 256 MB with 301 MB after servicing 12 requests total.', BY_ENGINE),
    (None, 'At least one "Out of Memory" ("OOM") event was detected during the build.', IN_CGROUP),
    (None, 'Terminated  Exit Code: 137, Exit Message: "OOM Killed"', KERNEL_CGROUP),
    (None, '"exitCode": 137, "detailStatus": "OOMKilled: Exceeded memory limit"', KERNEL_CGROUP),
    (None, 'srun: error: gpu-03: task 2: Out Of Memory', KERNEL_CGROUP),
    (None, '48213    fit     normal      proj1          4 OUT_OF_ME+    0:125', KERNEL_CGROUP),
    (None, 'slurmstepd: error: Step 552193.0 exceeded memory limit (4301928 > 4194304), being killed', BY_MANAGER),
    (None, 'slurmstepd: error: *** JOB 48217 ON n03 CANCELLED AT 2025-02-02T10:00:12 DUE TO TIME LIMIT ***', STOPPED),
    (None, '=>> PBS: job killed: mem 4301928kb exceeded limit 4194304kb', BY_MANAGER),
    (None, '=>> PBS: job killed: walltime 3634 exceeded limit 3600', STOPPED),
    (None, 'TERM_MEMLIMIT: job killed after reaching LSF memory usage limit.', BY_MANAGER),
    (None, 'TERM_RUNLIMIT: job killed after reaching LSF run time limit.', STOPPED),
    (None, ('job 812.1 exceeds job hard limit "h_vmem" of queue "all.q@n3" (2147483648.0 > limit:1073741824.0) - '
     'SIGKILL'), BY_MANAGER),
    (None, 'Error from slot1_2@node3: Job has gone over cgroup memory limit of 2048 megabytes.', BY_PLATFORM),
    (None, ('Process 0 restarted because it exceeds --max-memory-restart value (current_memory=314572800 '
     'max_memory_limit=209715200 [octets])'), BY_MANAGER),
    (None, 'PumaWorkerKiller: Out of memory. 5 workers consuming total: 1140.2 mb out of max: 1003.5 mb.', BY_MANAGER),
    (None, ('distributed.nanny.memory - WARNING - Worker tcp://127.0.0.1:41233 (pid=812) exceeded 95% memory budget. '
     'Restarting...'), BY_MANAGER),
    (None, 'ray.exceptions.OutOfMemoryError: Task was killed due to the node running low on memory.', NODE_LOW),
    (None, '/sys/fs/cgroup/a.service/memory.events\nlow 0\nhigh 0\nmax 31\noom 4\noom_kill 4', KERNEL_CGROUP),
    (None, 'oom_kill_disable 0\nunder_oom 0\noom_kill 2', KERNEL),
    (None, 'low swap: killing largest compressed process with pid 8123 (node) and size 18123 MB', KERNEL_HOST),
    (None, 'memorystatus: killing_top_process pid 812 [WebContent] (vm-compressor-space-shortage)', KERNEL_HOST),
    (None, 'UVM: pid 8121 (clang), uid 1000 killed: out of swap', KERNEL_HOST),
    (None, 'LLVM ERROR: out of memory', REFUSED),
    (None, 'Fatal error: exception Out_of_memory', REFUSED),
    (None, 'ERROR: LoadError: OutOfMemoryError()', REFUSED),
    (None, 'pandas.errors.ParserError: Error tokenizing data. C error: out of memory', REFUSED),
    (None, ('OOM when allocating tensor with shape[25088,4096] on /job:localhost/replica:0/task:0/device:CPU:0 by '
     'allocator cpu'), REFUSED),
    (None, "convert-im6.q16: memory allocation failed `big.jpg' @ error/jpeg.c/JPEGErrorHandler/346.", REFUSED),
    (None, "kvm: cannot set up guest memory 'pc.ram': Cannot allocate memory", REFUSED),
    (None, 'os_mem_prealloc: Insufficient free host memory pages available to allocate guest RAM', REFUSED),
    (None, 'Error: model requires more system memory (8.4 GiB) than is available (5.1 GiB)', REFUSED_ITSELF),
    (None, 'tar: memory exhausted', REFUSED),
    (None, 'Fatal error: Out of memory (allocated 2097152) (tried to allocate 20480 bytes) in /a.php', REFUSED_BY_HOST),
    (None, '<b>Fatal error</b>:  Out of memory (allocated 2097152 bytes) (tried to allocate 20480 bytes) in /a.php',
     REFUSED_BY_HOST),
    (None, 'ERROR 1041 (HY000): Out of memory; check if mysqld or some other process uses all memory', REFUSED),
    (None, 'mysqldump: Error 2008: MySQL client ran out of memory when dumping table `a` at row: 9', REFUSED),
    (None, 'ERROR 1038 (HY001): Out of sort memory, consider increasing server sort buffer size', OWN_LIMIT),
    (None, '[4123] FATAL:  out of memory', REFUSED),
    (None, '1:M 03 Mar 2025 10:00:00.000 # Out Of Memory allocating 536870920 bytes!', REFUSED),
    (None, 'Caused by: java.lang.OutOfMemoryError: Map failed', REFUSED_PERHAPS),
    (None, 'java.lang.OutOfMemoryError: requested 32756 bytes for ChunkPool::allocate. Out of swap space?',
     REFUSED_BY_HOST),
    (None, 'Expiring Daemon because JVM heap space is exhausted', OWN_LIMIT),
    (None, 'jvmkill: Resource exhaustion event: the JVM was unable to allocate memory from the heap.', OWN_LIMIT),
    (None, 'ghc: Current maximum heap size is 2147483648 bytes (2048 MB).', OWN_LIMIT),
    (None, 'Error: vector memory exhausted (limit reached?)', OWN_LIMIT),
    (None, "RuntimeError: can't start new thread", REFUSED_PERHAPS),
    (None, 'libgomp: Thread creation failed: Resource temporarily unavailable', TOO_MANY),
    (None, '"task: non-zero exit (137): dockerexec: unhealthy container"', STOPPED),
    (None, '"task: non-zero exit (137)"', UNPROVEN),
    (None, 'init: mysql main process (1234) killed by KILL signal', UNPROVEN),
    (None, 'DAMN ! worker 1 (pid: 1221) died, killed by signal 9 :( trying respawn ...', UNPROVEN),
    (None, 'INFO - Task exited with return code Negsignal.SIGKILL', UNPROVEN),
    (None, 'ERROR -- : reaped #<Process::Status: pid 812 SIGKILL (signal 9)> worker=1', UNPROVEN),
    (None, 'App [api:0] exited with code [0] via signal [SIGKILL]', UNPROVEN),
    (None, 'build worker exited with code: null and signal: SIGKILL', UNPROVEN),
    (None, 'A worker process (pid=2213) was terminated by another process: signal=SIGKILL, exitCode=null.', UNPROVEN),
    (None, 'RuntimeError: DataLoader worker (pid 2213) is killed by signal: Killed.', UNPROVEN),
    (None, 'clang: error: unable to execute command: Killed', UNPROVEN),
    (None, 'The build failed because the process exited too early. This probably means the system ran out of memory',
     UNPROVEN),
    (None, 'stress: FAIL: [168] (425) <-- worker 172 got signal 9', UNPROVEN),
    (None, 'worker 1 (pid: 7) killed by signal 9', UNPROVEN),
    (None, 'job 12 ended due to signal 9', UNPROVEN),
    (None, 'RESOURCE_EXHAUSTED: Out of memory while trying to allocate 1073741824 bytes.', UNPROVEN),
    (None, 'awk: out of memory', UNPROVEN),
    (None, 'app: not enough memory to complete the request', UNPROVEN),
    (None, 'foo: insufficient memory', UNPROVEN),
    (None, 'Aborting: the server ran out of RAM', UNPROVEN),
    (None, 'ERROR: out of memory in file_checksum', UNPROVEN),
    (None, 'libgomp: Out of memory allocating 12345 bytes', UNPROVEN),
    (None, 'E1103 10:00:00.0 1 server.cc:100] OOM when allocating tensor with shape[64,1024]', UNPROVEN),
    (None, 'sh: 1: Cannot fork', REFUSED_PERHAPS),
    (None, 'Process terminated. Out of memory.', UNPROVEN),
    (None, '# Out of Memory Error (os_linux.cpp:3013), pid=1234, tid=0x00007f', UNPROVEN),
    (None, 'FATAL: xcalloc: Unable to allocate 1 blocks of 4104 bytes!', UNPROVEN),
    (None, "LibClamAV Error: cli_malloc(): Can't allocate memory (1234 bytes).", UNPROVEN),
    (None, 'Error: NS_ERROR_FAILURE (VERR_NO_MEMORY)', UNPROVEN),
    (None, 'Child (1234) died signal=9', UNPROVEN),
    (None, 'InnoDB: HugeTLB: Warning: Failed to allocate 138412032 bytes. errno 12', REFUSED_PERHAPS),
    (None, 'Exhausted heap space, trying to allocate 32 bytes.', OWN_LIMIT),
    (None, 'memory resource limit alarm set on node rabbit@web1.', OWN_LIMIT),
    ('kernel', 'Memory failure: 0x12345: Killing mysqld:2231 due to hardware memory corruption', BROKEN),
    ('kernel', 'MCE 0x12345: Killing mysqld:2231 early due to hardware memory corruption', BROKEN),
    ('kernel', 'XFS: mysqld(2231) possible memory allocation deadlock size 65552 in kmem_alloc (mode:0x250)', UNPROVEN),
    ('kernel', 'kswapd0: page allocation stalls for 10256ms, order:0, mode:0x14280ca', UNPROVEN),
    (None, 'E: Cache is out of memory? Dynamic MMap ran out of room.', NOTHING),
    (None, 'error: if you run out of memory, lower the batch size', NOTHING),
    (None, 'info: out of memory protection is enabled', NOTHING),
    (None, 'sent signal 9 to worker 3', NOTHING),
    ('systemd', 'a.service: Main process exited, code=exited, status=143/n/a', UNPROVEN),
    (None, '/usr/lib/R/bin/BATCH: line 60:  4412 Killed                  ${R_HOME}/bin/R -f ${in}', UNPROVEN),
    (None, 'A worker process managed by the executor was unexpectedly terminated.', UNPROVEN),
    (None, 'failed (exitcode: -9) local_rank: 0 (pid: 4412) of binary: /usr/bin/python3', UNPROVEN),
    (None, "['/usr/bin/python3', '-u', 'train.py'] exits with return code = -9", UNPROVEN),
    (None, 'mpirun noticed that process rank 3 with PID 4412 on node n3 exited on signal 9 (Killed).', UNPROVEN),
    (None, 'mpirun noticed that process rank 0 with PID 4412 on node n3 exited on signal 11 (Segmentation fault).',
     ('no', 'none', 'program')),
    (None, 'YOUR APPLICATION TERMINATED WITH THE EXIT STRING: Killed (signal 9)', UNPROVEN),
    (None, "Can't create a new thread (errno 12); if you are not out of available memory, you can consult the manual",
     REFUSED_PERHAPS),
    (None, 'DB::Exception: (total) memory limit exceeded: would use 14.1 GiB, maximum: 14.0 GiB.', OWN_LIMIT),
    (None, 'master: service(imap): child 4412 returned error 83 (Out of memory (service imap { vsz_limit=256 MB }',
     OWN_LIMIT),
)

TRAPS = (
    (None, '- alert: ContainerOOMKilled\n  expr: last_terminated_reason{reason="OOMKilled"} == 1', NOTHING),
    (None, 'drop_pagecache 0\ndrop_slab 0\noom_kill 3\nnuma_pte_updates 0', NOTHING),
    (None, 'low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0', NOTHING),
    (None, ('Mar  1 10:00:00 w kernel: Out of memory: Killed process 22 (java) total-vm:9kB, anon-rss:8kB\n'
     'Mar  1 10:00:00 w kernel: oom_reaper: reaped process 22 (java), now anon-rss:0kB'), KERNEL_HOST),
    (None, 'fatal: Out of memory? mmap failed: No such device', NOTHING),
    (None, "usb 1-1: can't set config #1, error -12", NOTHING),
    (None, 'snd_hda_intel 0000:00:1f.3: probe of 0000:00:1f.3 failed with error -12', NOTHING),
    (None, 'OOM killer disabled.', NOTHING),
    (None, '12.3: [GC (Allocation Failure) [PSYoungGen: 65536K->10748K(76288K)] 65536K->12312K(251392K), 0.01 secs]',
     NOTHING),
    (None, 'tcmalloc: large alloc 2147483648 bytes == 0x7f2a31000000 @  0x7f2b 0x55d1', NOTHING),
    (None, ('# WARNING Memory overcommit must be enabled! Without it, a background save may fail under low memory '
     'condition.'), NOTHING),
    (None, "STATEMENT:  select 'ERROR out of memory';", NOTHING),
    (None, 'If you see "JavaScript heap out of memory", run with NODE_OPTIONS=--max-old-space-size=4096', NOTHING),
    (None, 'MemoryPressure   False   KubeletHasSufficientMemory   kubelet has sufficient memory available', NOTHING),
    (None, 'failed to set shim OOM score: write /proc/2213/oom_score_adj: invalid argument', NOTHING),
    (None, 'Your kernel does not support memory limit capabilities or the cgroup is not mounted. Limitation discarded.',
     NOTHING),
    (None, 'memory limit: 512MB, swap limit: 0', NOTHING),
    (None, '0/3 nodes are available: 3 Insufficient memory.', NOTHING),
)
