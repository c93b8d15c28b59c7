# -*- coding: utf-8 -*-
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of everything that kills, refuses memory or looks like it, made up from the programs' own formats.

A row is (program that tags its lines or None, lines, (was_memory, limit, actor) of the verdict or NOTHING).
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from texts_of_platforms import (
    KERNEL,
    KERNEL_CGROUP,
    KERNEL_HOST,
    NOTHING,
    OWN_LIMIT,
    REFUSED,
    REFUSED_BY_HOST,
    REFUSED_PERHAPS,
    STOPPED,
    TOO_MANY,
    UNPROVEN,
)
from texts_of_platforms import LINES as _OF_PLATFORMS
from texts_of_platforms import TRAPS as _NO_PLATFORMS

OOMD_HOST = ('yes', 'host', 'systemd-oomd')
OOMD = ('yes', 'unknown', 'systemd-oomd')
OOMD_LOOKED = ('unknown', 'unknown', 'systemd-oomd')
EARLYOOM = ('yes', 'host', 'earlyoom')
SOMEBODY = ('yes', 'unknown', 'unknown')
CRASHED = ('no', 'none', 'program')
BY_KUBELET = ('no', 'none', 'kubelet')
EVICTED = ('yes', 'host', 'kubelet')
KUBELET_PERHAPS = ('unknown', 'unknown', 'kubelet')
SHORT = ('yes', 'host', 'unknown')
NOHANG = ('yes', 'host', 'nohang')
META_OOMD = ('yes', 'host', 'oomd')
GPU = ('yes', 'gpu', 'program')
REFUSED_CALL = ('no', 'none', 'kernel')
LMKD = ('yes', 'host', 'lmkd')
MKSWAP = ('unknown', 'unknown', 'program')
YARN = ('yes', 'program', 'manager')
KERNEL_NUMA = ('yes', 'numa', 'kernel')
ULIMIT = ('yes', 'program', 'kernel_refused')

LINES = (
    ('systemd-oomd',
     ('Killed /user.slice/user-1000.slice/user@1000.service/app.slice/app-firefox-4711.scope due '
      'to memory used (15913955328) / total (16647462912) and swap used (7873404928) / total '
      '(8589930496) being more than 90.00%'), OOMD_HOST),
    ('systemd-oomd',
     ('Killed /system.slice/php8.2-fpm.service due to memory pressure for /system.slice being '
      '71.45% > 50.00% for > 20s with reclaim activity'), OOMD),
    ('systemd-oomd',
     ('Marked /system.slice/docker-abc.scope for killing due to memory pressure for /system.slice '
      'being 71.45% > 50.00% for > 20s with reclaim activity'), OOMD),
    ('systemd', 'app-firefox-4711.scope: systemd-oomd killed 12 process(es) in this unit.', OOMD),
    ('systemd', 'php8.2-fpm.service: systemd-oomd killed some process(es) in this unit.', OOMD),
    ('systemd-oomd', 'oomd dry-run: Would have tried to kill /system.slice/x.service with recurse=true', OOMD_LOOKED),
    ('systemd-oomd', 'Considered 41 cgroups for killing, top candidates were:', OOMD_LOOKED),
    ('systemd-oomd',
     ('Memory pressure for /user.slice/user-1000.slice/user@1000.service is 82.11% > 50.00% for > '
      '20s with reclaim activity'), OOMD_LOOKED),
    ('systemd-oomd',
     ('Memory used (15913955328) / total (16647462912) and swap used (7873404928) / total '
      '(8589930496) is more than 90.00%'), OOMD_LOOKED),
    ('systemd-oomd', 'Failed to kill any cgroups based on swap: No such process', OOMD_LOOKED),
    ('systemd-oomd',
     ('Failed to kill any cgroups under /user.slice/user-1000.slice/user@1000.service based on '
      'pressure: Input/output error'), OOMD_LOOKED),
    ('systemd-oomd', 'Failed to select any cgroups based on swap, ignoring: No such file or directory', OOMD_LOOKED),
    ('systemd-oomd',
     ("Rule 'low_memory' conditions met for cgroup /system.slice (lasting 10s), taking action "
      'kill-by-pressure'), OOMD_LOOKED),
    ('systemd-oomd', 'Swap is currently not detected; memory pressure usage will be degraded', NOTHING),
    ('systemd-oomd', 'No swap; memory pressure usage will be degraded', NOTHING),
    ('systemd', 'Started systemd-oomd.service - Userspace Out-Of-Memory (OOM) Killer.', NOTHING),
    ('systemd', 'systemd-oomd.service: Consumed 2min 3s CPU time.', NOTHING),
    ('earlyoom', 'Killing process 2231 mysqld', EARLYOOM),
    ('earlyoom', 'Killing process: mysqld, pid: 2231, badness: 512, VmRSS: 812 MiB', EARLYOOM),
    ('earlyoom', "Killing process 'mysqld' with signal 9, pid: 2231, badness: 512, VmRSS: 812 MiB", EARLYOOM),
    ('earlyoom', 'killing process 2231 "mysqld" with signal 15: badness 512, VmRSS 812 MiB', EARLYOOM),
    ('earlyoom', 'sending SIGTERM to process 2231 "mysqld": badness 512, VmRSS 812 MiB', EARLYOOM),
    ('earlyoom', 'sending SIGKILL to process 2231 uid 999 "mysqld": badness 512, VmRSS 812 MiB', EARLYOOM),
    ('earlyoom',
     ('sending SIGTERM to process 2231 uid 999 "mysqld": oom_score 512, VmRSS 812 MiB, cmdline '
      '"/usr/sbin/mysqld"'), EARLYOOM),
    ('earlyoom',
     ('sending SIGTERM to process 2231 uid 999 "mysqld": oom_score 512, oom_score_adj -200, VmRSS '
      '812 MiB, cmdline "/usr/sbin/mysqld"'), EARLYOOM),
    ('earlyoom', 'sending SIGTERM to process 2231 uid 999 "Web Content": oom_score 512, VmRSS 812 MiB', EARLYOOM),
    ('earlyoom', 'sending SIGTERM when mem <= 10.00% and swap <= 10.00%,', NOTHING),
    ('earlyoom', '        SIGKILL when mem <=  5.00% and swap <=  5.00%', NOTHING),
    ('earlyoom', 'mem total: 7721 MiB, swap total: 7720 MiB', NOTHING),
    ('earlyoom', 'mem avail:  7072 of  7721 MiB (91.60%), swap free: 7720 of 7720 MiB (100.00%)', NOTHING),
    ('earlyoom', 'low memory! at or below SIGTERM limits: mem 10.00%, swap 10.00%', SHORT),
    ('earlyoom', 'Low Memory! At or below sigterm limits (mem: 10 %, swap: 10 %)', SHORT),
    ('earlyoom', 'Out of memory! avail: 120 MiB < min: 772 MiB', SHORT),
    ('earlyoom', 'dryrun, not actually sending any signal', NOTHING),
    ('earlyoom', 'escalating to SIGKILL after 6.123 seconds', EARLYOOM),
    ('earlyoom', 'Low memory! mem avail: 120 of 7721 MiB (1) % <= min 10 %', SHORT),
    ('earlyoom', 'process 2231 exited after 0.100 seconds', NOTHING),
    ('nohang', '>>=== STARTING implement_corrective_action() ====>>', NOTHING),
    ('nohang', 'Implementing a corrective action:\n  Sending SIGTERM to the victim', NOHANG),
    ('nohang-desktop', 'Implement a corrective action:\n    Send SIGKILL to the victim', NOHANG),
    ('oomd',
     ('oomd kill: 20.39 12.80 3.55 system.slice/mysqld.service 9130188800 ruleset:[user] '
      'detectorgroup:[p] killer:kill_by_memory_size_or_growth v2'), META_OOMD),
    ('oomd',
     ('oomd kill: 20.39 12.80 3.55 system.slice/mysqld.service 9130188800 ruleset:[user] '
      'detectorgroup:[p] killer:(dry)kill_by_memory_size_or_growth v2'), NOTHING),
    ('oomd', '[../src/oomd/engine/Ruleset.cpp:112] Running Action=kill_by_memory_size_or_growth',
     ('unknown', 'unknown', 'oomd')),
    ('systemd', 'mariadb.service: A process of this unit has been killed by the OOM killer.', KERNEL),
    ('systemd', 'mariadb.service: The kernel OOM killer killed some processes in this unit.', KERNEL),
    ('systemd', 'docker-0123abc.scope: A process of this unit has been killed by the OOM killer.', KERNEL),
    ('systemd', 'user@1000.service: The kernel OOM killer killed some processes in this unit.', KERNEL),
    ('systemd', 'session-12.scope: Process of control group was killed by the OOM killer.', KERNEL),
    ('systemd', "mariadb.service: Failed with result 'oom-kill'.", SOMEBODY),
    ('systemd', "getty@tty1.service: Failed with result 'oom-kill'.", SOMEBODY),
    ('systemd', 'mariadb.service: Main process exited, code=killed, status=9/KILL', UNPROVEN),
    ('systemd', "mariadb.service: Failed with result 'signal'.", UNPROVEN),
    ('systemd', 'mariadb.service: main process exited, code=killed, status=9/KILL', UNPROVEN),
    ('systemd', 'Unit mariadb.service entered failed state.', NOTHING),
    ('systemd', "mariadb.service: Failed with result 'exit-code'.", NOTHING),
    ('systemd', 'mariadb.service: Main process exited, code=exited, status=137/n/a', UNPROVEN),
    ('systemd', 'mariadb.service: Control process exited, code=killed, status=9/KILL', UNPROVEN),
    ('systemd', 'mariadb.service: Main process exited, code=killed, status=15/TERM', NOTHING),
    ('systemd', "mariadb.service: State 'stop-sigterm' timed out. Killing.", STOPPED),
    ('systemd', "mariadb.service: State 'final-sigterm' timed out. Killing.", STOPPED),
    ('systemd', 'mariadb.service: Killing process 2231 (mariadbd) with signal SIGKILL.', STOPPED),
    ('systemd', "mariadb.service: Failed with result 'timeout'.", STOPPED),
    ('systemd', 'mariadb.service: start operation timed out. Terminating.', STOPPED),
    ('systemd', 'mariadb.service: Start operation timed out. Terminating.', STOPPED),
    ('systemd', 'mariadb.service stop-sigterm timed out. Killing.', STOPPED),
    ('systemd', "mariadb.service: State 'stop-sigabrt' timed out. Terminating.", STOPPED),
    ('systemd', 'mariadb.service: Watchdog timeout (limit 3min)!', STOPPED),
    ('systemd', 'mariadb.service watchdog timeout (limit 3min)!', STOPPED),
    ('systemd', 'mariadb.service: Killing process 2231 (mariadbd) with signal SIGABRT.', STOPPED),
    ('systemd', "mariadb.service: Failed with result 'watchdog'.", STOPPED),
    ('systemd', "mariadb.service: Failed with result 'core-dump'.", CRASHED),
    ('systemd', 'mariadb.service: Main process exited, code=dumped, status=11/SEGV', CRASHED),
    ('systemd', 'mariadb.service: Main process exited, code=dumped, status=6/ABRT', CRASHED),
    ('systemd', 'mariadb.service: Main process exited, code=killed, status=11/SEGV', CRASHED),
    ('systemd', 'mariadb.service: Main process exited, code=killed, status=31/SYS', REFUSED_CALL),
    ('kernel', 'cgroup: fork rejected by pids controller in /system.slice/php8.2-fpm.service', TOO_MANY),
    ('systemd-coredump', 'Process 2231 (mariadbd) of user 110 dumped core.', CRASHED),
    ('kubelet',
     ('E1113 04:30:33.199033   22620 eviction_manager.go:614] "Eviction manager: must evict pod(s) '
      'to reclaim" resourceName="memory"'), EVICTED),
    ('kubelet',
     ('I1113 04:30:33.199033   22620 eviction_manager.go:369] "Eviction manager: attempting to '
      'reclaim" resourceName="memory"'), EVICTED),
    ('kubelet',
     ('I1113 04:30:33.199033   22620 eviction_manager.go:369] "Eviction manager: attempting to '
      'reclaim" resourceName="ephemeral-storage"'), BY_KUBELET),
    ('kubelet',
     ('W1113 04:30:33.199033   22620 eviction_manager.go:160] Failed to admit pod web_default(uid) '
      '- node has conditions: [MemoryPressure]'), KUBELET_PERHAPS),
    ('kubelet',
     ('I1113 eviction_manager.go:595] "Eviction manager: pod is evicted successfully" '
      'pod="default/nginx"'), KUBELET_PERHAPS),
    ('kubelet', 'I1113 helpers.go:1] "Pods ranked for eviction" pods=["x"]', KUBELET_PERHAPS),
    ('kubelet', 'E0101 oom_watcher_linux.go:90] "Got sys oom event" event="x"', NOTHING),
    (None,
     ('  Warning  SystemOOM  5m24s  kubelet  System OOM encountered, victim process: mysqld, pid: '
      '11415'), KERNEL),
    (None, '    Last State:     Terminated\n      Reason:       OOMKilled\n      Exit Code:    137', KERNEL_CGROUP),
    (None, 'db-0   0/1   OOMKilled   3 (40s ago)   5m', KERNEL_CGROUP),
    (None, 'db-0   0/1   CrashLoopBackOff   3 (40s ago)   5m', NOTHING),
    (None, 'db-0   0/1   Error   3 (40s ago)   5m', NOTHING),
    (None, '    Last State:     Terminated\n      Reason:       Error\n      Exit Code:    137', UNPROVEN),
    (None,
     ('The node was low on resource: memory. Threshold quantity: 100Mi, available: 91204Ki. '
      'Container web was using 1Gi, request is 512Mi, has larger consumption of memory.'), EVICTED),
    (None,
     ('The node was low on resource: memory. Container web was using 1924152Ki, which exceeds its '
      'request of 0.'), EVICTED),
    (None, 'The node was low on resource: [MemoryPressure].', EVICTED),
    (None, 'The node was low on resource: ephemeral-storage.', BY_KUBELET),
    (None, 'The node was low on resource: [DiskPressure].', BY_KUBELET),
    (None, 'The node was low on resource: inodes.', BY_KUBELET),
    (None, 'The node was low on resource: pids.', BY_KUBELET),
    (None, 'The node had condition: [MemoryPressure].', KUBELET_PERHAPS),
    (None, 'The node had condition: [DiskPressure].', BY_KUBELET),
    (None, 'Pod ephemeral local storage usage exceeds the total limit of containers 1Gi.', BY_KUBELET),
    (None, 'Usage of EmptyDir volume "data" exceeds the limit "1Gi".', BY_KUBELET),
    (None,
     ('  MemoryPressure   True    Fri, 16 Feb 2024 15:22:17 +0000   KubeletHasInsufficientMemory   '
      'kubelet has insufficient memory available'), KUBELET_PERHAPS),
    (None,
     ('  MemoryPressure   False   Fri, 16 Feb 2024 15:22:17 +0000   KubeletHasSufficientMemory   '
      'kubelet has sufficient memory available'), NOTHING),
    (None, 'Container web failed liveness probe, will be restarted', BY_KUBELET),
    (None, 'Container web failed startup probe, will be restarted', BY_KUBELET),
    (None, 'Preempted in order to admit critical pod', BY_KUBELET),
    (None, 'Pod was terminated in response to imminent node shutdown.', BY_KUBELET),
    (None, 'DeadlineExceeded: Pod was active on the node longer than the specified deadline', BY_KUBELET),
    (None, 'Job was active longer than specified deadline', BY_KUBELET),
    (None, 'Taint manager: deleting due to NoExecute taint default/web', NOTHING),
    ('containerd',
     ('time="2025-05-19T18:14:43.57Z" level=info msg="TaskOOM event '
      'container_id:\\"9192cb33411ff69d015a3577db136757f5b145064a1703efea3d0e12e8a64987\\""'), KERNEL),
    ('containerd',
     ('time="2022-05-19T18:14:43.57Z" level=info msg="TaskOOM event '
      '&TaskOOM{ContainerID:9192cb33411ff69d015a3577db136757f5b145064a1703efea3d0e12e8a64987,XXX_un'
      'recognized:[],}"'), KERNEL),
    (None,
     ('2019-05-04T19:01:58.011072877-05:00 container oom '
      'd31426a360424b81fcd72bf250f616f01a0a4c8872f8f54554ca09629cddc258 (image=mariadb, name=db)'), KERNEL_CGROUP),
    (None,
     ('{"status":"oom","id":"97c9f78c193685336cbb43aac6b3c87a57dabe44c5bd6d9ea42c8be01a7acad0","fro'
      'm":"mariadb","Type":"container","Action":"oom"}'), KERNEL_CGROUP),
    (None, '            "OOMKilled": true,\n            "ExitCode": 137', KERNEL_CGROUP),
    (None,
     ('            "OOMKilled": true,\n            "Dead": false,\n            "Pid": 0,\n            '
      '"ExitCode": 0,'), KERNEL_CGROUP),
    (None, '            "OOMKilled": false,\n            "ExitCode": 137', UNPROVEN),
    (None, 'OOMKilled=true', KERNEL_CGROUP),
    (None, 'true 137', NOTHING),
    (None, '            "OOMKilled": false,\n            "ExitCode": 0', NOTHING),
    ('dockerd',
     ('time="2021-11-30T15:32:22.905+03:00" level=info msg="Container failed to exit within 10s of '
      'signal 15 - using the force" container=430b9d2cc982 '), STOPPED),
    ('dockerd',
     ('time="2021-11-30T15:32:22.905+03:00" level=info msg="Container 430b9d2cc982 failed to exit '
      'within 10 seconds of kill - trying direct SIGKILL"'), STOPPED),
    ('podman', 'StopSignal SIGTERM failed to stop container db in 10 seconds, resorting to SIGKILL', STOPPED),
    (None,
     ('time="2023-01-01T10:00:00Z" level=warning msg="StopSignal SIGTERM failed to stop container '
      'db in 10 seconds, resorting to SIGKILL"'), STOPPED),
    (None, 'Error: crun: OOM: the memory limit could be too low: OCI runtime error', KERNEL_CGROUP),
    (None,
     ('container_linux.go:380: starting container process caused: process_linux.go:545: container '
      'init caused: process_linux.go:508: setting cgroup config for procHooks process caused: '
      'failed to write "1048576": write /sys/fs/cgroup/memory/x/memory.limit_in_bytes: device or '
      'resource busy'), NOTHING),
    (None,
     ('runc create failed: unable to start container process: container init was OOM-killed '
      '(memory limit too low?)'), KERNEL_CGROUP),
    (None, 'db_1 exited with code 137', UNPROVEN),
    (None, 'db-1 exited with code 137 (restarting)', UNPROVEN),
    (None, 'db exited with code 0', NOTHING),
    (None,
     ('CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS                       PORTS   '
      'NAMES\n97c9f78c1936   mariadb   "x"       2 hours   Exited (137) 3 minutes ago           db'), UNPROVEN),
    (None,
     ('CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS                       PORTS   '
      'NAMES\n97c9f78c1936   mariadb   "x"       2 hours   Exited (0) 3 minutes ago           db'), NOTHING),
    (None, 'ERROR: process "/bin/sh -c npm ci" did not complete successfully: exit code: 137', UNPROVEN),
    (None, "The command '/bin/sh -c npm run build' returned a non-zero code: 137", UNPROVEN),
    (None, 'ERROR: Job failed: exit code 137', UNPROVEN),
    (None, 'ERROR: Job failed: command terminated with exit code 137', UNPROVEN),
    (None, '##[error]Process completed with exit code 137.', UNPROVEN),
    (None, 'Error: The operation was canceled.', NOTHING),
    (None, 'script returned exit code 137', UNPROVEN),
    (None, 'npm ERR! code 137', UNPROVEN),
    (None, 'npm ERR! errno 137', UNPROVEN),
    (None, 'make: *** [Makefile:12: all] Error 137', UNPROVEN),
    (None, 'make[2]: *** [all] Killed', UNPROVEN),
    (None, 'make: *** [Makefile:95: test] Killed: 9', UNPROVEN),
    (None, 'error Command failed with signal "SIGKILL".', UNPROVEN),
    (None, 'npm ERR! signal SIGKILL', UNPROVEN),
    (None, 'Command was killed with SIGKILL (Forced termination)', UNPROVEN),
    (None, 'ELIFECYCLE  Command failed with exit code 137.', UNPROVEN),
    (None, 'error Command failed with exit code 137.', UNPROVEN),
    (None, 'Killed', UNPROVEN),
    (None, 'Getötet', UNPROVEN),
    (None, 'Processus arrêté', UNPROVEN),
    (None, './run.sh: line 12: 12345 Killed                  python3 train.py', UNPROVEN),
    (None, '/bin/sh: line 1:    7 Killed                  npm run build', UNPROVEN),
    (None, 'zsh: killed     python3 train.py', UNPROVEN),
    (None, '[1]+  Killed                  ./server', UNPROVEN),
    (None, '[1]    12345 killed     node server.js', UNPROVEN),
    (None, 'signal: killed', UNPROVEN),
    (None,
     ("error: could not compile `serde` (lib)\n\nCaused by:\n  process didn't exit successfully: "
      '`rustc --crate-name serde` (signal: 9, SIGKILL: kill)'), UNPROVEN),
    (None, 'c++: fatal error: Killed signal terminated program cc1plus', UNPROVEN),
    (None, 'collect2: fatal error: ld terminated with signal 9 [Killed]', UNPROVEN),
    (None, 'c++: internal compiler error: Killed (program cc1plus)', UNPROVEN),
    (None, 'g++: internal compiler error: Getötet (program cc1plus)', UNPROVEN),
    (None, 'subprocess.CalledProcessError: Command died with <Signals.SIGKILL: 9>.', UNPROVEN),
    (None,
     ('A process in the process pool was terminated abruptly while the future was running or '
      'pending.'), UNPROVEN),
    (None, '[CRITICAL] WORKER TIMEOUT (pid:54)', STOPPED),
    (None, '[ERROR] Worker (pid:54) was sent SIGKILL! Perhaps out of memory?', UNPROVEN),
    (None, 'WARNING: [pool www] child 2231 exited on signal 9 (SIGKILL) after 12.3 seconds from start', UNPROVEN),
    (None, 'AH00052: child pid 2231 exit signal Killed (9)', UNPROVEN),
    (None, 'AH00052: child pid 2231 exit signal Segmentation fault (11)', CRASHED),
    (None, '2231#2231: worker process 2232 exited on signal 9', UNPROVEN),
    (None, 'LOG:  server process (PID 375) was terminated by signal 9: Killed', UNPROVEN),
    (None, 'LOG:  server process (PID 375) was terminated by signal 11: Segmentation fault', CRASHED),
    (None, "celery: Process 'ForkPoolWorker-3' pid:2231 exited with 'signal 9 (SIGKILL)'", UNPROVEN),
    (None, 'billiard.exceptions.WorkerLostError: Worker exited prematurely: signal 9 (SIGKILL) Job: 3.', UNPROVEN),
    (None, 'INFO exited: web (terminated by SIGKILL; not expected)', UNPROVEN),
    (None, 'Main PID: 2231 (code=killed, signal=KILL)', UNPROVEN),
    (None,
     ('   Active: failed (Result: signal) since Wed 2026-08-19 15:47:43 CST; 9s ago\n Main PID: '
      '2231 (code=killed, signal=KILL)'), UNPROVEN),
    (None,
     ('   Active: failed (Result: timeout) since Wed 2026-08-19 15:47:43 CST; 9s ago\n Main PID: '
      '2231 (code=killed, signal=KILL)'), STOPPED),
    (None,
     ('   Active: failed (Result: watchdog) since Wed 2026-08-19 15:47:43 CST; 9s ago\n Main PID: '
      '2231 (code=dumped, signal=ABRT)'), STOPPED),
    (None,
     ('   Active: failed (Result: core-dump) since Wed 2026-08-19 15:47:43 CST; 9s ago\n Main PID: '
      '2231 (code=dumped, signal=SEGV)'), CRASHED),
    (None,
     ('× mariadb.service - MariaDB\n   Active: failed (Result: oom-kill) since Wed 2026-08-19 '
      '15:47:43 CST; 9s ago'), SOMEBODY),
    (None, 'Result=oom-kill\nMemoryMax=infinity', SOMEBODY),
    (None, 'Result=signal\nExecMainStatus=9', UNPROVEN),
    (None, '-bash: fork: Cannot allocate memory', REFUSED_BY_HOST),
    (None, 'bash: fork: retry: No child processes', TOO_MANY),
    (None, 'bash: fork: retry: Resource temporarily unavailable', TOO_MANY),
    (None, "sh: can't fork: Out of memory", REFUSED_BY_HOST),
    (None, "/bin/sh: can't fork: Cannot allocate memory", REFUSED_BY_HOST),
    (None, "sh: can't fork: Resource temporarily unavailable", TOO_MANY),
    (None, "sh: can't fork: Try again", TOO_MANY),
    (None, 'sh: 1: Cannot fork', REFUSED_PERHAPS),
    (None, 'zsh: fork failed: cannot allocate memory', REFUSED_BY_HOST),
    (None, 'zsh: fork failed: resource temporarily unavailable', TOO_MANY),
    (None, 'fatal: cannot create thread: Resource temporarily unavailable', TOO_MANY),
    (None, 'fatal: fork failed: Cannot allocate memory', REFUSED_BY_HOST),
    (None, 'error: cannot fork() for index-pack: Cannot allocate memory', REFUSED_BY_HOST),
    (None, 'error: cannot fork() for index-pack: Resource temporarily unavailable', TOO_MANY),
    ('sshd', 'error: fork: Cannot allocate memory', REFUSED_BY_HOST),
    ('sshd', 'fatal: fork of unprivileged child failed', NOTHING),
    ('sshd', 'error: fork: Resource temporarily unavailable', TOO_MANY),
    ('crond', "(CRON) DEATH (can't fork: Cannot allocate memory)", REFUSED_BY_HOST),
    ('cron', "(CRON) error (can't fork)", REFUSED_PERHAPS),
    ('systemd', 'Failed to fork: Cannot allocate memory', REFUSED_BY_HOST),
    ('systemd', "mariadb.service: Failed to run 'start' task: Cannot allocate memory", REFUSED_BY_HOST),
    ('systemd', 'mariadb.service: Failed to fork: Resource temporarily unavailable', TOO_MANY),
    ('redis-server', "Can't save in background: fork: Cannot allocate memory", REFUSED_BY_HOST),
    ('postgres', 'LOG:  could not fork worker process: Resource temporarily unavailable', TOO_MANY),
    ('postgres', 'LOG:  could not fork new process for connection: Cannot allocate memory', REFUSED_BY_HOST),
    ('postgres', 'FATAL:  could not map anonymous shared memory: Cannot allocate memory', REFUSED),
    ('postgres',
     ('ERROR:  out of memory\nDETAIL:  Failed on request of size 268435456 in memory context '
      '"ExecutorState".'), REFUSED),
    (None, 'OSError: [Errno 12] Cannot allocate memory', REFUSED_PERHAPS),
    (None,
     ('  File "/usr/lib/python3.9/subprocess.py", line 1704, in _execute_child\n    self.pid = '
      '_posixsubprocess.fork_exec(\nOSError: [Errno 12] Cannot allocate memory'), REFUSED_BY_HOST),
    (None, 'Error: spawn ENOMEM', REFUSED_BY_HOST),
    (None, 'Error: spawn /usr/bin/node ENOMEM\n    at ChildProcess.spawn', REFUSED_BY_HOST),
    (None, 'Error: spawnSync /bin/sh ENOBUFS', NOTHING),
    (None, 'Error: spawn EAGAIN', TOO_MANY),
    (None, "errno: -12, code: 'ENOMEM', syscall: 'spawn'", REFUSED_BY_HOST),
    (None, 'java.io.IOException: Cannot run program "df": error=12, Cannot allocate memory', REFUSED_BY_HOST),
    (None,
     ('java.io.IOException: Cannot run program "df": java.io.IOException: error=11, Resource '
      'temporarily unavailable'), TOO_MANY),
    (None, 'Errno::ENOMEM: Cannot allocate memory - fork(2)', REFUSED_BY_HOST),
    (None, 'Errno::ENOMEM (Cannot allocate memory - git)', REFUSED_PERHAPS),
    (None, 'Errno::EAGAIN: Resource temporarily unavailable - fork(2)', TOO_MANY),
    (None,
     ('PHP Warning:  proc_open(): fork failed - Cannot allocate memory in '
      'phar:///usr/bin/composer/x.php on line 952'), REFUSED_BY_HOST),
    (None,
     ('The following exception is caused by a lack of memory or swap, or not having swap '
      'configured\nproc_open(): fork failed - Cannot allocate memory'), REFUSED_BY_HOST),
    (None, 'PHP Warning:  exec(): Unable to fork [/usr/bin/convert]', REFUSED_PERHAPS),
    (None, 'popen: Cannot allocate memory', REFUSED_BY_HOST),
    (None, 'fork/exec /usr/bin/git: cannot allocate memory', REFUSED_BY_HOST),
    (None, 'fork/exec /usr/bin/git: resource temporarily unavailable', TOO_MANY),
    (None, 'runtime: failed to create new OS thread (have 12 already; errno=11)', TOO_MANY),
    (None, 'runtime: failed to create new OS thread (have 12 already; errno=12)', REFUSED_BY_HOST),
    (None, 'fatal error: runtime: out of memory', REFUSED),
    (None,
     ('runtime: out of memory: cannot allocate 4194304-byte block (1073741824 in use)\nfatal error: '
      'out of memory'), REFUSED),
    (None, 'fatal error: runtime: cannot allocate memory', REFUSED),
    (None, 'memory allocation of 16777216 bytes failed', REFUSED),
    (None, "terminate called after throwing an instance of 'std::bad_alloc'", REFUSED),
    (None, 'virtual memory exhausted: Cannot allocate memory', REFUSED_BY_HOST),
    (None, 'cc1plus: out of memory allocating 65536 bytes after a total of 1234567 bytes', REFUSED),
    (None, '/usr/bin/ld: failed to set dynamic section sizes: memory exhausted', REFUSED),
    (None, 'ld: memory exhausted', REFUSED),
    (None,
     ('MemoryError: Unable to allocate 7.45 GiB for an array with shape (1000000000,) and data '
      'type float64'), REFUSED),
    (None, 'MemoryError', REFUSED),
    (None, 'fatal: Out of memory, malloc failed (tried to allocate 524288000 bytes)', REFUSED),
    (None, 'error: Out of memory, realloc failed', REFUSED),
    (None, 'xmalloc: cannot allocate 1048576 bytes', REFUSED),
    (None, 'bash: xmalloc: cannot allocate 24 bytes (1253376 bytes allocated)', REFUSED),
    ('mysqld', 'InnoDB: mmap(137363456 bytes) failed; errno 12', REFUSED_BY_HOST),
    ('mysqld', '[ERROR] InnoDB: Cannot allocate memory for the buffer pool', REFUSED),
    ('mariadbd', '[ERROR] InnoDB: Cannot map 1073741824 bytes: errno 12', REFUSED_BY_HOST),
    ('mariadbd', '2024-01-01 10:00:00 0 [ERROR] mariadbd: Out of memory (Needed 128917504 bytes)', REFUSED),
    ('mysqld', '[ERROR] /usr/sbin/mysqld: Out of memory (Needed 1048576 bytes)', REFUSED),
    ('mysqld', '[ERROR] [MY-012681] [InnoDB] mmap(137363456 bytes) failed; errno 12', REFUSED_BY_HOST),
    ('mysqld', '[ERROR] [MY-010119] [Server] Aborting', NOTHING),
    ('mysqld', "[ERROR] Can't create thread to handle new connection(errno= 11)", TOO_MANY),
    ('mysqld', "[ERROR] Can't create a new thread (errno 11); if you are not out of available memory", TOO_MANY),
    ('mysqld', 'It is possible that mysqld could use up to 68190 K  bytes of memory', NOTHING),
    (None,
     ('Java HotSpot(TM) 64-Bit Server VM warning: INFO: os::commit_memory(0x00000000c0000000, '
      "1073741824, 0) failed; error='Cannot allocate memory' (errno=12)"), REFUSED_BY_HOST),
    (None,
     ('OpenJDK 64-Bit Server VM warning: INFO: os::commit_memory(0x00000000c0000000, 715849728, 0) '
      "failed; error='Not enough space' (errno=12)"), REFUSED_BY_HOST),
    (None,
     ('# Native memory allocation (mmap) failed to map 1073741824 bytes for committing reserved '
      'memory.'), REFUSED_BY_HOST),
    (None, '# Native memory allocation (malloc) failed to allocate 1048576 bytes for AllocateHeap', REFUSED_BY_HOST),
    (None,
     ('Error occurred during initialization of VM\nCould not reserve enough space for 2097152KB '
      'object heap'), REFUSED),
    (None, 'java.lang.OutOfMemoryError: unable to create new native thread', REFUSED_PERHAPS),
    (None,
     ('java.lang.OutOfMemoryError: unable to create native thread: possibly out of memory or '
      'process/resource limits reached'), REFUSED_PERHAPS),
    (None,
     ('[warning][os,thread] Failed to start thread "Unknown thread" with pthread_create: EAGAIN '
      '(unable to create OS thread)'), TOO_MANY),
    (None,
     ('PHP Fatal error:  Allowed memory size of 268435456 bytes exhausted (tried to allocate 20480 '
      'bytes) in /x.php on line 3'), OWN_LIMIT),
    (None,
     ('PHP Fatal error:  Out of memory (allocated 2097152) (tried to allocate 20480 bytes) in '
      '/x.php on line 3'), REFUSED_BY_HOST),
    (None, 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory', OWN_LIMIT),
    (None, 'FATAL ERROR: invalid array length Allocation failed - JavaScript heap out of memory', OWN_LIMIT),
    (None,
     ('Error [ERR_WORKER_OUT_OF_MEMORY]: Worker terminated due to reaching memory limit: JS heap '
      'out of memory'), OWN_LIMIT),
    (None, 'Exception in thread "main" java.lang.OutOfMemoryError: Java heap space', OWN_LIMIT),
    (None, 'java.lang.OutOfMemoryError: GC overhead limit exceeded', OWN_LIMIT),
    (None, 'Caused by: java.lang.OutOfMemoryError: Direct buffer memory', OWN_LIMIT),
    (None,
     ('io.netty.util.internal.OutOfDirectMemoryError: failed to allocate 16777216 byte(s) of '
      'direct memory (used: 1056964615, max: 1073741824)'), OWN_LIMIT),
    (None,
     ('CircuitBreakingException[[parent] Data too large, data for [<http_request>] would be '
      '[2087772160/1.9gb], which is larger than the limit of [2040109465/1.8gb]]'), OWN_LIMIT),
    (None, "(error) OOM command not allowed when used memory > 'maxmemory'.", OWN_LIMIT),
    (None,
     ("MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to "
      'disk.'), NOTHING),
    (None, "redis.exceptions.OutOfMemoryError: command not allowed when used memory > 'maxmemory'.", OWN_LIMIT),
    (None, 'SERVER_ERROR out of memory storing object', OWN_LIMIT),
    (None, "OutOfMemoryException: Exception of type 'System.OutOfMemoryException' was thrown.", REFUSED),
    (None,
     ('Code: 241. DB::Exception: Memory limit (total) exceeded: would use 7.00 GiB (attempt to '
      'allocate chunk of 4194304 bytes), maximum: 6.90 GiB. (MEMORY_LIMIT_EXCEEDED)'), OWN_LIMIT),
    (None,
     ('slurmstepd: error: Detected 1 oom-kill event(s) in StepId=123.batch. Some of your processes '
      'may have been killed by the cgroup out-of-memory handler.'), KERNEL_CGROUP),
    (None,
     ('Container [pid=1,containerID=container_1] is running beyond physical memory limits. Current '
      'usage: 1.0 GB of 1 GB physical memory used; 2.6 GB of 2.1 GB virtual memory used. Killing '
      'container.'), YARN),
    (None, 'RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 11.17 GiB total capacity)', GPU),
    (None, 'torch.OutOfMemoryError: HIP out of memory. Tried to allocate 22.00 MiB.', GPU),
    (None, 'CUDA error: out of memory', GPU),
    (None, 'cudaMalloc failed: out of memory', GPU),
    (None, 'CUDA_ERROR_OUT_OF_MEMORY: out of memory', GPU),
    (None,
     ("RuntimeError: [enforce fail at alloc_cpu.cpp:75] err == 0. DefaultCPUAllocator: can't "
      'allocate memory: you tried to allocate 8589934592 bytes. Error code 12 (Cannot allocate '
      'memory)'), REFUSED),
    ('kernel',
     ('NVRM: nvCheckOkFailedNoLog: Check failed: Out of memory [NV_ERR_NO_MEMORY] (0x00000051) '
      'returned from x @ mem_desc.c:1359'), UNPROVEN),
    (None, "Error: ENOSPC: System limit for number of file watchers reached, watch '/app'", TOO_MANY),
    (None, 'Failed to add a watch for /run/systemd/ask-password: No space left on device', TOO_MANY),
    (None, 'inotify_add_watch failed: No space left on device', TOO_MANY),
    ('mysqld', "[ERROR] Disk is full writing './binlog.000012' (Errcode: 28 - No space left on device)", TOO_MANY),
    (None, 'tar: write error: Auf dem Gerät ist kein Speicherplatz mehr verfügbar', TOO_MANY),
    (None, 'swapon: /swapfile: swapon failed: Invalid argument', REFUSED_PERHAPS),
    (None, 'swapon: /swapfile: read swap header failed', REFUSED_PERHAPS),
    (None, 'swapon: /swapfile: skipping - it appears to have holes.', REFUSED_PERHAPS),
    ('kernel', 'swapon: swapfile has holes', REFUSED_PERHAPS),
    ('kernel', 'Unable to find swap-space signature', REFUSED_PERHAPS),
    (None, 'mkswap: error: swap area needs to be at least 40 KiB', MKSWAP),
    (None, 'swapoff: /swapfile: swapoff failed: Cannot allocate memory', REFUSED_BY_HOST),
    ('kernel', 'INFO: task jbd2/vda1-8:312 blocked for more than 120 seconds.', UNPROVEN),
    ('kernel', 'watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [kswapd0:94]', UNPROVEN),
    ('kernel', 'rcu: INFO: rcu_sched self-detected stall on CPU', UNPROVEN),
    ('kernel', 'rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:', UNPROVEN),
    ('systemd-journald', 'Under memory pressure, flushing caches.', UNPROVEN),
    ('systemd-resolved', 'Under memory pressure, flushing caches.', UNPROVEN),
    ('systemd-journald',
     ('File /var/log/journal/1/system.journal corrupted or uncleanly shut down, renaming and '
      'replacing.'), UNPROVEN),
    ('kernel',
     ("lowmemorykiller: Killing 'com.app' (2231), adj 906,\n   to free 81204kB on behalf of "
      "'kswapd0' (94) because"), KERNEL_HOST),
    ('lowmemorykiller',
     ("Kill 'com.app' (2231), uid 10021, oom_score_adj 906 to free 81204kB rss, 120kB swap; "
      'reason: low watermark is breached'), LMKD),
    ('kernel', 'pid 2231 (mysqld), jid 0, uid 88, was killed: out of swap space', KERNEL_HOST),
    ('kernel', 'pid 2231 (mysqld), uid 88, was killed: out of swap space', KERNEL_HOST),
    ('kernel',
     ('pid 2231 (mysqld), jid 3, uid 88, was killed: a thread waited too long to allocate a page'), KERNEL_HOST),
    ('kernel',
     ('audit: type=1326 audit(1700000000.123:45): auid=1000 uid=0 gid=0 ses=2 subj=unconfined '
      'pid=2231 comm="pyzor" exe="/usr/bin/python3" sig=31 arch=c000003e syscall=141'), REFUSED_CALL),
    ('kernel', 'mysqld[2231]: segfault at 0 ip 00007f sp 00007f error 4 in libc.so[7f+1]', CRASHED),
    ('kernel', 'traps: mysqld[2231] general protection fault ip:7f sp:7f error:0 in libc.so', CRASHED),
    ('kernel', 'traps: mysqld[2231] trap invalid opcode ip:7f sp:7f error:0 in mysqld', CRASHED),
    ('mysqld', 'mysqld got signal 11 ;', CRASHED),
    ('mariadbd', '240101 10:00:00 [ERROR] mysqld got signal 6 ;', CRASHED),
    ('mariadbd', '240101 10:00:00 [ERROR] mariadbd got signal 11 ;', CRASHED),
    (None, 'Killed: 9', UNPROVEN),
    (None, './run.sh: line 3: 4321 Killed: 9               node x', UNPROVEN),
    (None, 'fatal: pack-objects died of signal 9', UNPROVEN),
    (None, 'fatal: index-pack died of signal 11', CRASHED),
    (None, 'Segmentation fault', CRASHED),
    (None, '[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x0]', CRASHED),
    (None, 'Out of memory!', REFUSED),
    (None, 'Out of memory during request for 1024 bytes, total sbrk() is 9 bytes!', REFUSED),
    (None, 'rsync error: error allocating core memory buffers (code 22) at util.c(123) [sender=3.1.2]', REFUSED),
    (None, 'ERROR: out of memory in receive_file [receiver]', REFUSED),
    (None, 'pg_dump: error: out of memory', REFUSED),
    (None, 'curl: (27) Out of memory', REFUSED),
) + _OF_PLATFORMS

# What looks like one of them, and what tells it apart.
TRAPS = (
    (None, 'app[1]: alert rule: container OOMKilled count = 0', NOTHING),
    (None,
     ('kube_pod_container_status_last_terminated_reason{container="db",namespace="x",reason="OOMKil'
      'led"} 0'), NOTHING),
    (None,
     ('kube_pod_container_status_last_terminated_reason{container="db",namespace="x",reason="OOMKil'
      'led"} 1'), KERNEL_CGROUP),
    (None, '      expr: kube_pod_container_status_last_terminated_reason{reason="OOMKilled"} == 1', NOTHING),
    (None, 'We fear that our pods will be OOMKilled soon', NOTHING),
    (None, 'db-0   0/1   Init:OOMKilled   3 (40s ago)   5m', KERNEL_CGROUP),
    (None, 'If you see CUDA out of memory, lower the batch size', NOTHING),
    (None, '// may throw std::bad_alloc if', NOTHING),
    (None, "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc", REFUSED),
    (None, 'Killing process 4711 java', NOTHING),
    (None, 'Killing process 4711 "java" with signal 9', NOTHING),
    (None, 'sending SIGTERM to process 4711 "java"', NOTHING),
    (None, 'Trying to kill /usr/bin/foo', NOTHING),
    (None,
     ('earlyoom[386]: low memory! at or below SIGTERM limits: mem 10.00%, swap '
      '10.00%\nearlyoom[386]: sending SIGTERM to process 2231 uid 0 "mysqld": badness 866, VmRSS 5 '
      'MiB\nearlyoom[386]: dryrun, not actually sending any signal'), UNPROVEN),
    (None,
     ('systemd-oomd invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), '
      'order=0, oom_score_adj=-900'), KERNEL),
    (None, 'Tasks in /kubepods/burstable/pod1/abc are going to be killed due to memory.oom.group set', KERNEL_CGROUP),
    (None, 'Killed process 2231, UID 27, (mysqld) total-vm:1234kB, anon-rss:123kB, file-rss:0kB', KERNEL),
    (None, 'Task in /docker/abc killed as a result of limit of /docker/abc', KERNEL_CGROUP),
    (None,
     ('oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,ta'
      'sk_memcg=/a,task=mysqld,pid=2231,uid=27'), KERNEL_CGROUP),
    (None,
     ('oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_'
      'memcg=/a,task=mysqld,pid=2231,uid=27'), KERNEL_HOST),
    (None,
     ('oom-kill:constraint=CONSTRAINT_CPUSET,nodemask=(null),cpuset=/a,mems_allowed=1,global_oom,ta'
      'sk_memcg=/a,task=mysqld,pid=2231,uid=27'), KERNEL_NUMA),
    (None,
     ('oom-kill:constraint=CONSTRAINT_MEMORY_POLICY,nodemask=1,cpuset=/a,mems_allowed=0-1,global_oo'
      'm,task_memcg=/a,task=mysqld,pid=2231,uid=27'), KERNEL_NUMA),
    (None,
     ('Out of memory: Killed process 2231 (mysqld) total-vm:1234kB, anon-rss:123kB, file-rss:0kB, '
      'shmem-rss:0kB, UID:27 pgtables:120kB oom_score_adj:0'), KERNEL_HOST),
    (None,
     ('Memory cgroup out of memory: Killed process 2231 (mysqld) total-vm:1234kB, anon-rss:123kB, '
      'file-rss:0kB, shmem-rss:0kB, UID:27 pgtables:120kB oom_score_adj:0'), KERNEL_CGROUP),
    (None, 'Memory cgroup out of memory: Kill process 2231 (mysqld) score 1000 or sacrifice child', KERNEL_CGROUP),
    (None, 'Out of memory: Kill process 2231 (mysqld) score 1000 or sacrifice child', KERNEL_HOST),
    (None, 'mysqld invoked oom-killer: gfp_mask=0x100cca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=0', KERNEL),
    (None, 'Kernel panic - not syncing: Out of memory: system-wide panic_on_oom is enabled', KERNEL_HOST),
    (None, 'Kernel panic - not syncing: System is deadlocked on memory', KERNEL_HOST),
    (None,
     ('kworker/0:1: page allocation failure: order:5, mode:0x40cc0(GFP_KERNEL|__GFP_COMP), '
      'nodemask=(null)'), UNPROVEN),
    (None, '$ ulimit -v 500000\n$ python3 a.py\nMemoryError', ULIMIT),
    (None,
     ('               total        used        free      shared  buff/cache   available\nMem:       '
      '    15885        1200       13000          12        1600       14200\n-bash: fork: Cannot '
      'allocate memory'), REFUSED_PERHAPS),
    (None,
     ('              total        used        free      shared  buff/cache   available\nMem:        '
      '   991M        900M         20M          1M         70M         15M\n-bash: fork: Cannot '
      'allocate memory'), REFUSED_BY_HOST),
    (None, 'git-fork-worker: mmap failed: Cannot allocate memory', REFUSED_PERHAPS),
    (None,
     ('OCI runtime exec failed: exec failed: container_linux.go:344: starting container process '
      'caused "fork/exec /proc/self/exe: cannot allocate memory": unknown'), REFUSED_PERHAPS),
    (None, 'mmap: Cannot allocate memory', REFUSED_PERHAPS),
    (None, 'ioctl(KVM_CREATE_VM) failed: 12 Cannot allocate memory', REFUSED_PERHAPS),
    (None, 'max virtual memory areas vm.max_map_count [65530] is too low, increase to at least [262144]',
     ('no', 'none', 'program')),
    (None, 'FATAL: kernel too old', NOTHING),
    (None, 'oom_score_adj set to -1000 for sshd', NOTHING),
    (None, 'OOMPolicy=stop', NOTHING),
    (None, 'vm.panic_on_oom = 0', NOTHING),
    (None, 'ProcessSizeMax=2G\nstatus: OOMKilled=false', NOTHING),
    (None, 'The system is out of inodes', NOTHING),
    (None, 'Jan  1 00:00:00 web1 systemd[1]: Reached target Swap.', NOTHING),
    (None, 'Jan  1 00:00:00 web1 sshd[3]: fatal: Timeout before authentication for 1.2.3.4 port 137', NOTHING),
    (None, 'Jan  1 00:00:00 web1 nmbd[3]: bind failed on port 137 socket', NOTHING),
    (None, 'Jan  1 00:00:00 web1 app[3]: job 137 exited with code 0', NOTHING),
    (None, 'Jan  1 00:00:00 web1 app[3]: exit code 0, 143 files', NOTHING),
    (None, 'Jan  1 00:00:00 web1 kernel: watchdog: Delayed init of the lockup detector failed: -22', NOTHING),
    (None, 'Jan  1 00:00:00 web1 kernel: cgroup: cgroup2: unknown option "nsdelegate,memory_recursiveprot"', NOTHING),
    (None,
     ('Jan  1 00:00:00 web1 systemd[1]: Listening on systemd-oomd.socket - Userspace Out-Of-Memory '
      '(OOM) Killer Socket.'), NOTHING),
    (None, 'Jan  1 00:00:00 web1 systemd[1]: watchdog.service: Consumed 3s CPU time.', NOTHING),
    (None,
     ('Jan  1 00:00:00 web1 systemd[1]: app.service: Main process exited, code=exited, '
      'status=1/FAILURE'), NOTHING),
    (None, 'Jan  1 00:00:00 web1 systemd[1]: dev-sda.device: Job dev-sda.device/start timed out.', NOTHING),
    (None, 'Timed out waiting for device /dev/sda.', NOTHING),
    (None, '1 test timed out. Terminating.', NOTHING),
    (None, '"oom_kill_disable": false, "OomKillDisable": false', NOTHING),
    (None, 'The JVM option -XX:+ExitOnOutOfMemoryError -XX:OnOutOfMemoryError="kill -9 %p"', NOTHING),
) + _NO_PLATFORMS
