# -*- coding: utf-8 -*-
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one line of a program proves. All lines are synthetic: written from the programs' printf formats."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._log.clock import Clock
from ansible_collections.oom.rescue.plugins.module_utils._report.libc_words import EAGAIN, ENOMEM
from ansible_collections.oom.rescue.plugins.module_utils._report.signals import MARKERS, Signals, signals_of_blocks

NOW = 1790000000


def signals(*lines):
    return signals_of_blocks([raw('\n'.join(lines) + '\n')], 'x.log', Clock(NOW))


def raw(text):
    return text if isinstance(text, bytes) else text.encode('utf-8')


def told(signal):
    return signal['kind'], signal['was_memory'], signal['limit'], signal['actor']


CASES = {
    'oomd swap': (
        ('Aug 27 15:51:41 ws7 systemd-oomd[709]: Killed /system.slice/mariadb.service due to memory used '
         '(22369452032) / total (24681861120) and swap used (8589910016) / total (8589930496) being more than 90.00%'),
        ('systemd-oomd', 'yes', 'host', 'systemd-oomd'), {'unit': 'mariadb.service'}),
    'oomd pressure': (
        ('Aug 27 15:51:41 ws7 systemd-oomd[709]: Killed /system.slice/mariadb.service due to memory pressure for '
         '/system.slice being 71.20% > 60.00% for > 30s with reclaim activity'),
        ('systemd-oomd', 'yes', 'unknown', 'systemd-oomd'), {'unit': 'mariadb.service'}),
    'oomd marked': (
        ('Aug 27 15:51:41 ws7 systemd-oomd[709]: Marked /system.slice/mariadb.service for killing due to memory used '
         '(22369452032) / total (24681861120) and swap used (8589910016) / total (8589930496) being more than 90.00%'),
        ('systemd-oomd', 'yes', 'host', 'systemd-oomd'), {'unit': 'mariadb.service'}),
    'oomd looked': (
        'Aug 27 15:51:41 ws7 systemd-oomd[709]: Considered 4 cgroups for killing, top candidates were:',
        ('systemd-oomd', 'unknown', 'unknown', 'systemd-oomd'), {}),
    'oomd, PID 1': (
        'Aug 27 15:51:41 ws7 systemd[1]: mariadb.service: systemd-oomd killed 12 process(es) in this unit.',
        ('systemd-oomd', 'yes', 'unknown', 'systemd-oomd'), {'unit': 'mariadb.service'}),
    'earlyoom 1.6': (
        'Oct 07 20:11:51 web1 earlyoom[386]: sending SIGTERM to process 57892 uid 1000 "mysqld": badness 866',
        ('earlyoom', 'yes', 'host', 'earlyoom'), {'name': 'mysqld', 'pid': 57892}),
    'earlyoom 1.2': (
        "earlyoom[386]: Killing process 'mysqld' with signal 15, pid: 4711, badness: 12, VmRSS: 3 MiB",
        ('earlyoom', 'yes', 'host', 'earlyoom'), {'name': 'mysqld', 'pid': 4711}),
    'earlyoom 1.1': (
        'earlyoom[386]: Killing process: mysqld, pid: 4711, badness: 12, VmRSS: 3 MiB',
        ('earlyoom', 'yes', 'host', 'earlyoom'), {'name': 'mysqld', 'pid': 4711}),
    'unit, 252': (
        'Oct 07 20:11:51 web1 systemd[1]: mariadb.service: A process of this unit has been killed by the OOM killer.',
        ('unit-oom-kill', 'yes', 'unknown', 'kernel'), {'unit': 'mariadb.service'}),
    'unit, 262': (
        'Oct 07 20:11:51 web1 systemd[1]: mariadb.service: The kernel OOM killer killed some processes in this unit.',
        ('unit-oom-kill', 'yes', 'unknown', 'kernel'), {'unit': 'mariadb.service'}),
    'unit result': (
        "Oct 07 20:11:51 web1 systemd[1]: mariadb.service: Failed with result 'oom-kill'.",
        ('unit-oom-kill', 'yes', 'unknown', 'unknown'), {'unit': 'mariadb.service'}),
    'eviction': (
        ('Warning  Evicted  7m  kubelet  The node was low on resource: memory. Threshold quantity: 100Mi, available: '
         '90Mi. Container db was using 4Gi, request is 0, has larger consumption of memory.'),
        ('kubernetes', 'yes', 'host', 'kubelet'), {'container': 'db'}),
    'eviction for the disk': (
        ('Warning  Evicted  7m  kubelet  The node was low on resource: ephemeral-storage. Container db was using 1Ki, '
         'which exceeds its request of 0.'),
        ('disk-or-watches', 'no', 'none', 'kubelet'), {}),
    'OOMKilled': ('      Reason:       OOMKilled', ('kubernetes', 'yes', 'cgroup', 'kernel'), {}),
    'TaskOOM': (
        'time="2026-05-19T18:14:43Z" level=info msg="TaskOOM event container_id:\\"%s\\""' % ('ab' * 32),
        ('engine-oom', 'yes', 'unknown', 'kernel'), {'container': 'ab' * 32}),
    'pages for a JVM, with its process': (
        ('Native memory allocation (mmap) failed to map 127401984 bytes\n# An error report file is saved as:\n'
         '# /opt/a/hs_err_pid4711.log'), ('alloc-enomem', 'yes', 'host', 'kernel_refused'),
        {'name': 'java', 'pid': 4711}),
    'gunicorn': (
        '[7] [WARNING] Worker with pid 4711 was terminated due to signal 9',
        ('kill-unproven', 'unknown', 'unknown', 'unknown'), {'name': 'gunicorn', 'pid': 4711}),
    'php-fpm': (
        '[27-Aug-2026 15:51:41] WARNING: [pool a] child 4711 exited on signal 9 (SIGKILL) after 1.5 seconds from start',
        ('kill-unproven', 'unknown', 'unknown', 'unknown'), {'name': 'php-fpm', 'pid': 4711}),
    'nginx, its fork': (
        '2026/08/27 15:51:41 [alert] 7#7: fork() failed while spawning "worker process" (12: Cannot allocate memory)',
        ('fork-enomem', 'yes', 'host', 'kernel_refused'), {'name': 'nginx', 'time_text': '2026/08/27 15:51:41'}),
    'supervisord': (
        '2026-08-27 15:51:41,123 INFO exited: mail-queue (terminated by SIGKILL; not expected)',
        ('kill-unproven', 'unknown', 'unknown', 'unknown'), {'name': 'mail-queue'}),
    'Go behind docker logs -t': (
        '2026-08-27T15:51:41.123456789Z fatal error: runtime: out of memory',
        ('alloc-enomem', 'yes', 'unknown', 'kernel_refused'), {'host': None}),
    'nginx': (
        '2026/08/27 15:51:41 [alert] 7#7: worker process 4711 exited on signal 9',
        ('kill-unproven', 'unknown', 'unknown', 'unknown'), {'name': 'nginx', 'pid': 4711}),
    'celery': (
        "[2026-08-27 15:51:41,123: ERROR/Main] Process 'ForkPoolWorker-3' pid:4711 exited with 'signal 9 (SIGKILL)'",
        ('kill-unproven', 'unknown', 'unknown', 'unknown'), {'name': 'celery', 'pid': 4711}),
    'uWSGI': (
        'DAMN ! worker 7 (pid: 4711) died, killed by signal 11 :( trying respawn ...',
        ('not-memory-crash', 'no', 'none', 'program'), {'name': 'uwsgi', 'pid': 4711}),
    'harakiri': (
        'Thu Aug 27 15:51:41 2026 - *** HARAKIRI ON WORKER 3 (pid: 4711, try: 1) ***',
        ('not-memory-stop', 'no', 'none', 'manager'),
        {'name': 'uwsgi', 'pid': 4711, 'time_text': 'Thu Aug 27 15:51:41 2026'}),
    'a request that took too long': (
        ('[27-Aug-2026 15:51:41] WARNING: [pool www] child 4711, script \'/a.php\' (request: "GET /a.php?key=hidden") '
         'execution timed out (12.001399 sec), terminating'), ('not-memory-stop', 'no', 'none', 'manager'),
        {'name': 'php-fpm', 'pid': 4711, 'text': 'child 4711'}),
    'unicorn': (
        'ERROR -- : worker=3 PID:4711 timeout (61s > 60s), killing', ('not-memory-stop', 'no', 'none', 'manager'),
        {'name': 'unicorn', 'pid': 4711}),
    'puma': (
        '[9] ! Terminating timed out worker (Worker 2 failed to check in within 60 seconds): 4711',
        ('not-memory-stop', 'no', 'none', 'manager'), {'name': 'puma', 'pid': 4711}),
    'docker kill': (
        '2026-08-27T15:51:41.123456789Z container kill %s (image=a, key=hidden, name=a, signal=9)' % ('ab' * 32),
        ('not-memory-stop', 'no', 'none', 'manager'),
        {'container': 'ab' * 32, 'text': 'container kill ' + 'ab' * 32}),
    'docker kill, JSON': (
        '{"status":"kill","id":"%s","Actor":{"Attributes":{"signal":"9"}}}' % ('ab' * 32),
        ('not-memory-stop', 'no', 'none', 'manager'), {'container': 'ab' * 32}),
    'podman, an end': (
        '2026-08-27 15:51:41 +0200 CEST container died %s (image=a, containerExitCode=137)' % ('ab' * 32),
        ('kill-unproven', 'unknown', 'unknown', 'unknown'), {'container': 'ab' * 32}),
    'podman, an end by its limit': (
        '2026-08-27 15:51:41 +0200 CEST container died %s (image=a, OOMKilled=true)' % ('ab' * 32),
        ('kubernetes', 'yes', 'cgroup', 'kernel'), {'container': 'ab' * 32}),
    'broken RAM': (
        '[ 1.5] Memory failure: 0x12345: Sending SIGBUS to qemu-kvm:4711 due to hardware memory corruption',
        ('not-memory-other', 'no', 'none', 'kernel'), {'name': 'qemu-kvm', 'pid': 4711}),
    'the node problem detector, in its own log': (
        ('Oct 12 19:00:20 n1 npd.sh[9]: New status generated: &{Source:kernel-monitor Events:[{Severity:warn Reason:'
         'OOMKilling Message:Memory cgroup out of memory: Killed process 4711 (java) total-vm:9kB, anon-rss:8kB}]}'),
        ('kernel-cgroup', 'yes', 'cgroup', 'kernel'), {'name': 'java', 'pid': 4711}),
    'Ray of old': (
        ('System memory low at node with IP 192.0.2.7. Used memory (7.5GB) / total capacity (8GB) (0.94) exceeds '
         'threshold 0.9, killing latest task with name f and task ID NIL_ID to avoid running out of memory.'),
        ('nohang-oomd', 'yes', 'host', 'manager'), {'text': 'System memory low at node with IP 192.0.2.7'}),
    'PostgreSQL': (
        'LOG:  server process (PID 4711) was terminated by signal 9: Killed',
        ('kill-unproven', 'unknown', 'unknown', 'unknown'), {'name': 'postgres', 'pid': 4711}),
    'a thread of the kernel': (
        'INFO: task kworker/3:1:4711 blocked for more than 120 seconds.',
        ('frozen', 'unknown', 'unknown', 'unknown'), {'name': 'kworker/3:1', 'pid': 4711}),
    'a process that is gone': (
        'systemd[1]: a.service: Killing process 4711 (n/a) with signal SIGKILL.',
        ('not-memory-stop', 'no', 'none', 'manager'), {'name': None, 'pid': 4711}),
    'a step of Slurm': (
        ('slurmstepd: error: Detected 3 oom_kill events in StepId=4711.batch. Some of the step tasks have been OOM '
         'Killed.'), ('engine-oom', 'yes', 'cgroup', 'kernel'), {'container': '4711.batch'}),
    'another node of Slurm': (
        'srun: error: node07: task 4: Out Of Memory', ('engine-oom', 'yes', 'cgroup', 'kernel'), {'host': 'node07'}),
    'a container on the next line': (
        'The node was low on resource: memory. Threshold quantity: 100Mi, available: 9Mi.\nContainer db was using 4Gi',
        ('kubernetes', 'yes', 'host', 'kubelet'), {'container': 'db'}),
    'a line of the console': (
        '    [   77.749670] systemd-oomd[659]: Marked /a.slice/b.service for killing due to memory pressure for /a',
        ('systemd-oomd', 'yes', 'unknown', 'systemd-oomd'), {'unit': 'b.service'}),
    'short-monotonic': (
        '[   77.749670] web1 systemd-oomd[659]: Killed /a.slice/b.service due to memory pressure for /a.slice',
        ('systemd-oomd', 'yes', 'unknown', 'systemd-oomd'), {'unit': 'b.service', 'host': 'web1'}),
    'Talos Linux': (
        ('user: warning: [2026-08-27T15:51:41.123456789Z]: [talos] Sending SIGKILL to cgroup {"component": '
         '"controller-runtime", "controller": "runtime.OOMController", "cgroup": "/sys/fs/cgroup/kubepods/podab"}'),
        ('nohang-oomd', 'yes', 'unknown', 'manager'),
        {'unit': 'podab', 'time_text': '2026-08-27T15:51:41.123456789Z'}),
    'docker event': (
        '{"status":"oom","id":"%s","from":"mariadb","time":1449497871}' % ('ab' * 32),
        ('engine-oom', 'yes', 'cgroup', 'kernel'), {'container': 'ab' * 32}),
    'fork, glibc': (
        '-bash: fork: Cannot allocate memory', ('fork-enomem', 'yes', 'host', 'kernel_refused'), {'name': 'bash'}),
    'fork, musl': (
        'proc_open(): fork failed - Out of memory', ('fork-enomem', 'yes', 'host', 'kernel_refused'), {'name': 'php'}),
    'fork, EAGAIN': (
        'bash: fork: retry: Resource temporarily unavailable', ('pids-limit', 'no', 'none', 'kernel_refused'), {}),
    'pids controller': (
        'kernel: cgroup: fork rejected by pids controller in /system.slice/php.service',
        ('pids-limit', 'no', 'none', 'kernel_refused'), {'unit': 'php.service'}),
    'pids controller of a container': (
        'kernel: cgroup: fork rejected by pids controller in /docker/%s' % ('ab' * 32),
        ('pids-limit', 'no', 'none', 'kernel_refused'), {'unit': None, 'container': 'ab' * 32}),
    'mappings of an Elasticsearch': (
        '[1]: max virtual memory areas vm.max_map_count [65530] is too low, increase to at least [262144]',
        ('not-memory-other', 'no', 'none', 'program'), {'name': 'java'}),
    'buffer pool': (
        'InnoDB: mmap(137363456 bytes) failed; errno 12', ('alloc-enomem', 'yes', 'host', 'kernel_refused'),
        {'name': 'mysqld', 'bytes': 137363456}),
    'a few pages for a JVM': (
        "warning: INFO: os::commit_memory(0x00007fc1b8917000, 12288, 0) failed; error='not allocate memory' (errno=12)",
        ('alloc-enomem', 'unknown', 'unknown', 'kernel_refused'), {'bytes': 12288}),
    'a bare errno': (
        'OSError: [Errno 12] Cannot allocate memory', ('alloc-enomem', 'unknown', 'unknown', 'kernel_refused'), {}),
    'memory_limit': (
        'PHP Fatal error:  Allowed memory size of 134217728 bytes exhausted (tried to allocate 77611008 bytes)',
        ('program-limit', 'yes', 'program', 'program'), {'name': 'php', 'limit_bytes': 134217728}),
    'a heap': (
        'java.lang.OutOfMemoryError: Java heap space', ('program-limit', 'yes', 'program', 'program'),
        {'name': 'java'}),
    'a GPU': (
        'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 22 GiB.', ('gpu', 'yes', 'gpu', 'program'), {}),
    'FreeBSD': (
        'pid 2086 (mysqld), jid 0, uid 88, was killed: failed to reclaim memory', ('other-os', 'yes', 'host', 'kernel'),
        {'name': 'mysqld', 'pid': 2086}),
    'docker stop': (
        ('Nov 30 15:32:24 n dockerd[1372]: level=info msg="Container c12e8930c576 failed to exit within 10 seconds of '
         'signal 15 - using the force"'), ('not-memory-stop', 'no', 'none', 'manager'), {'container': 'c12e8930c576'}),
    'watchdog': (
        "Nov 30 15:32:24 n systemd[1]: haproxy.service: Failed with result 'watchdog'.",
        ('not-memory-stop', 'no', 'none', 'manager'), {'unit': 'haproxy.service'}),
    'crash': (
        '12:36:23 UTC - mysqld got signal 6 ;', ('not-memory-crash', 'no', 'none', 'program'), {'name': 'mysqld'}),
    'signal 9': (
        'Nov 30 15:32:24 n systemd[1]: app.service: Main process exited, code=killed, status=9/KILL',
        ('kill-unproven', 'unknown', 'unknown', 'unknown'), {'unit': 'app.service'}),
    'compiler': (
        'g++: fatal error: Killed signal terminated program cc1plus',
        ('kill-unproven', 'unknown', 'unknown', 'unknown'), {'name': 'cc1plus'}),
}


@pytest.mark.parametrize('case', sorted(CASES))
def test_a_line_proves(case):
    line, expected, fields = CASES[case]
    found = signals(line)
    assert told(found[0]) == expected
    for key, value in fields.items():
        assert found[0][key] == value, key


NONE = {
    'earlyoom without its lock': 'Could not lock memory - continuing anyway: Cannot allocate memory',
    'Elasticsearch without its lock': 'Unable to lock JVM Memory: error=12, reason=Cannot allocate memory',
    'a slab of the kernel': 'kernel: SLUB: Unable to allocate memory on node -1 (gfp=0x20)',
    'a slab of a newer kernel': '[ 9.1] SLUB: Unable to allocate memory on CPU 0 (of node 0) on node -1, gfp=0x820',
    'earlyoom settings': 'earlyoom[454]: sending SIGTERM when mem <= 10.00% and swap <= 10.00%,',
    'earlyoom with memory left': 'earlyoom[454]: mem avail:  7072 of  7721 MiB (91.60%), swap free: 9 of 9 MiB',
    'InnoDB help': 'It is possible that mysqld could use up to 68190 K bytes of memory',
    'a false flag': '            "OOMKilled": false,',
    'a word': 'Oct 07 20:11:51 web1 app[3]: the network worker forked the repository',
    'prose': 'Oct 07 20:11:51 web1 app[3]: mariadb.service: A process of this unit has been killed by the OOM killer.',
    'oomd quoted by another': 'Oct 07 20:11:51 web1 app[3]: Killed /a.service due to memory pressure for /a being 1%',
    'a manual': '`--max-old-space-size` raises the limit near heap limit; ENOSPC, an assertion failure',
    'a kernel word of a program': 'Oct 07 20:11:51 web1 app[3]: cgroup: fork rejected by pids controller in /a.service',
}


@pytest.mark.parametrize('case', sorted(NONE))
def test_a_line_that_proves_nothing_is_no_signal(case):
    assert signals(NONE[case]) == []


@pytest.mark.parametrize('word', ENOMEM)
def test_a_refused_fork_is_known_in_every_language(word):
    assert told(signals('bash: fork: ' + word)[0]) == ('fork-enomem', 'yes', 'host', 'kernel_refused')


@pytest.mark.parametrize('word', EAGAIN)
def test_a_limit_of_processes_is_no_shortage_in_any_language(word):
    assert told(signals('bash: fork: retry: ' + word)[0])[:2] == ('pids-limit', 'no')


@pytest.mark.parametrize('around,expected', [
    (['$ unshare -Urmp sh -c true'], ('not-memory-other', 'no', 'none')),
    (['# docker exec web ls'], ('fork-enomem', 'unknown', 'unknown')),
    (['MemAvailable: 3580192 kB'], ('fork-enomem', 'unknown', 'unknown')),
    (['kernel.pid_max = 32768'], ('fork-enomem', 'unknown', 'unknown')),
    (['vm.overcommit_memory = 2'], ('fork-enomem', 'yes', 'commit')),
])
def test_what_stands_around_a_refused_fork_tells_that_it_was_not_memory(around, expected):
    assert told(signals(*(around + ['sh: fork: Cannot allocate memory']))[0])[:3] == expected


def test_a_fork_in_a_trace_is_told_by_the_lines_above_its_errno():
    found = signals('    self.pid = os.fork()', 'OSError: [Errno 12] Cannot allocate memory')
    assert told(found[0]) == ('fork-enomem', 'yes', 'host', 'kernel_refused')
    assert found[0]['name'] == 'python'


@pytest.mark.parametrize('below,expected', [
    ([], ('earlyoom', 'yes', 'host', 'earlyoom')),
    (['earlyoom[9]: process 4711 exited after 0.1 seconds'], ('earlyoom', 'yes', 'host', 'earlyoom')),
    (['earlyoom[9]: process 4711 did not exit'], ('frozen', 'yes', 'host', 'unknown')),
    (['earlyoom[9]: kill_release: pid=4711: process_mrelease pidfd=4 failed: Invalid argument',
      'earlyoom[9]: kill failed: Timer expired'], ('frozen', 'yes', 'host', 'unknown')),
    (['earlyoom[9]: process exited after 0.1 seconds', 'earlyoom[9]: kill failed: Timer expired'],
     ('earlyoom', 'yes', 'host', 'earlyoom')),
])
def test_who_did_not_end_by_earlyooms_signal_is_no_victim(below, expected):
    found = signals('earlyoom[9]: sending SIGTERM to process 4711 uid 1 "java": badness 9, VmRSS 9 MiB', *below)
    assert told(found[0]) == expected
    assert found[0]['pid'] == (4711 if expected[0] == 'earlyoom' else None)


@pytest.mark.parametrize('before,time_text', [
    ('db_1  | 2026-08-27T15:51:41.123456Z 0 ', '2026-08-27T15:51:41.123456Z'),
    ('db-1 | 2026-08-27 15:51:41.123 UTC [1] ', '2026-08-27 15:51:41.123 UTC'),
    ('> 260827 15:51:41 ', '260827 15:51:41'), ('2026/08/27 15:51:41 ', '2026/08/27 15:51:41'),
    ('Aug 27 15:51:41 web1 mysqld[9]: 260827 15:51:40 ', 'Aug 27 15:51:41')])
def test_a_line_that_no_logger_stamped_tells_its_own_time(before, time_text):
    (found,) = signals(before + '[ERROR] InnoDB: mmap(137363456 bytes) failed; errno 12')
    assert found['time_text'] == time_text
    assert found['host'] == ('web1' if 'web1' in before else None)


def record(**fields):
    return json.dumps(dict({'MESSAGE': 'a.service: systemd-oomd killed 3 process(es) in this unit.',
                            'SYSLOG_IDENTIFIER': 'systemd', '__REALTIME_TIMESTAMP': '1790000000000000'}, **fields))


@pytest.mark.parametrize('fields,trusted', [
    ({'_COMM': 'systemd', '_UID': '0', '_TRANSPORT': 'journal'}, True),
    ({'_COMM': 'logger', '_UID': '0', '_TRANSPORT': 'syslog'}, False),
    ({'_COMM': 'systemd', '_UID': '1000', '_TRANSPORT': 'journal'}, False),
    ({'_COMM': 'systemd', '_UID': '1000', '_SYSTEMD_UNIT': 'user@1000.service'}, None),
    ({'_COMM': 'systemd', '_UID': '1000', '_SYSTEMD_UNIT': 'user@1001.service'}, False),
    ({'_COMM': 'logger', '_UID': '1000', '_SYSTEMD_UNIT': 'user@1000.service'}, False),
    ({'_COMM': 'systemd', '_TRANSPORT': 'journal'}, None),
    ({}, None),
])
def test_the_journal_proves_who_wrote_a_line(fields, trusted):
    assert [signal['trusted'] for signal in signals(record(**fields))] == [trusted]


@pytest.mark.parametrize('words', [
    'Container 4f97f5d6cc72420c failed to exit within 10 seconds of signal 15 - using the force',
    ('time="2026-11-28T17:42:17Z" level=info msg="Container failed to exit within 2s of signal 15 - using the force" '
     'container=4f97f5d6cc72420c'),
])
def test_a_container_that_did_not_stop_in_time_is_named_by_either_docker(words):
    assert [signal['container'] for signal in signals('dockerd[5]: ' + words)] == ['4f97f5d6cc72420c']


@pytest.mark.parametrize('uid,unit,expected', [
    ('0', 'init.scope', ('unit-oom-kill', 'yes', 'unknown', 'unknown')),
    ('1000', 'user@1000.service', ('unit-oom-kill', 'unknown', 'unknown', 'unknown')),
])
def test_a_users_own_manager_alone_proves_no_shortage(uid, unit, expected):
    words = "app.scope: Failed with result 'oom-kill'."
    (found,) = signals(record(MESSAGE=words, _COMM='systemd', _UID=uid, _SYSTEMD_UNIT=unit))
    assert told(found) == expected


@pytest.mark.parametrize('before,trusted', [
    ('Aug 27 15:51:41 ws7 kernel: ', None), ('[    9.123456] ', None), ('<4>[    9.123456] ', None),
    ('2026-08-27T15:51:41Z ws7 kernel: ', None), ('<4>1 2026-08-27T15:51:41Z ws7 kernel - - - ', None),
    ('Aug 27 15:51:41 ws7 kernel[9]: ', False), ('user  :warn  : [    9.123456] ', False)])
def test_a_line_of_plain_text_is_the_kernels_by_its_tag_alone(before, trusted):
    line = 'INFO: task mysqld:900 blocked for more than 120 seconds.'
    assert [signal['trusted'] for signal in signals(before + line)] == [trusted]


@pytest.mark.parametrize('before', ['Aug 27 15:51:41 ws7 mallory: ', 'Aug 27 15:51:41 ws7 mallory: [    9.123456] '])
def test_the_kernels_words_of_another_program_are_no_signal(before):
    assert signals(before + 'INFO: task mysqld:900 blocked for more than 120 seconds.') == []


def test_no_command_line_is_in_a_signal():
    found = signals('earlyoom[3]: sending SIGTERM to process 9 uid 0 "php": oom_score 9, cmdline "php --password=x"',
                    "The command '/bin/sh -c npm install --token=x' returned a non-zero code: 137",
                    'bash: line 1: 7 Killed ( python train.py --token=x )')
    assert len(found) == 3
    assert 'token' not in repr(found) and 'password' not in repr(found)


def test_a_line_has_its_number_whatever_the_blocks():
    text = b'x\n' * 70000 + b'bash: fork: Cannot allocate memory\n' + b'y\n' * 9
    for size in (1 << 20, 1 << 12, 4099):
        blocks = (text[start:start + size] for start in range(0, len(text), size))
        found = signals_of_blocks(blocks, 'x.log', Clock(NOW))
        assert [signal['source'] for signal in found] == [{'path': 'x.log', 'line': 70001, 'offset': 140000}], size


def test_a_year_that_the_log_does_not_have_is_not_told():
    found = signals("Oct 28 11:32:28 web1 systemd[1]: a.service: Failed with result 'oom-kill'.")
    assert (found[0]['time'], found[0]['time_text'], found[0]['host']) == (None, 'Oct 28 11:32:28', 'web1')


def test_of_a_flood_the_first_and_the_last_lines_are_looked_at():
    reading = Signals('x.log')
    reading.feed([b'bash: fork: Cannot allocate memory\n' * 30000])
    reading.feed([b'earlyoom[3]: sending SIGTERM to process 9 "php": x\n'])
    reading.finish()
    assert (len(reading.kept), reading.left_out) == (401, 29600)
    assert reading.kept[-1]['kind'] == 'earlyoom'


@pytest.mark.slow
def test_no_line_made_of_the_words_that_are_looked_for_breaks_the_reading():
    words = [marker.decode('utf-8') for marker in MARKERS]
    for first in range(0, len(words), 7):
        for second in range(3, len(words), 11):
            line = (words[first] + words[second]) * 9
            for signal in signals_of_blocks([line.encode('utf-8') + b'\n'], 'x.log', Clock(NOW)):
                assert signal['was_memory'] in ('yes', 'no', 'unknown')


REAPED = 'kernel: oom_reaper: reaped process 42 (mysqld), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB'


@pytest.mark.parametrize('lines, kinds', [
    ([REAPED], ['kernel-global']),
    (['kernel: Out of memory: Killed process 42 (mysqld)', REAPED], []),
    (['kernel: Out of memory: Kill process 42 (mysqld) score 5 or sacrifice child', REAPED], []),
    (['kernel: Out of memory: Killed process 421 (mysqld)', REAPED], ['kernel-global']),
])
def test_a_process_that_was_reaped_is_told_where_the_log_has_no_line_of_its_kill(lines, kinds):
    assert [signal['kind'] for signal in signals(*lines) if 'reaped' in signal['text']] == kinds


FORK = b'bash: fork: Cannot allocate memory\n'


def sources_of(*steps):
    """The sources of the signals of a log: steps are bytes that are fed, or (name of a method, its argument)."""
    reading = Signals('x.log')
    for step in steps:
        if isinstance(step, bytes):
            reading.feed([step])
        else:
            getattr(reading, step[0])(step[1])
    reading.finish()
    return [(signal['source']['offset'], signal['source']['line']) for signal in reading.kept]


@pytest.mark.parametrize('steps, expected', [
    ((FORK, b'x\n', FORK), [(0, 1), (37, 3)]),
    ((b'x\n' + FORK, ('move', 1000), FORK, b'x\n', FORK), [(2, 2), (1000, None), (1037, None)]),
    ((b'x\n', ('move', 0), FORK), [(0, 1)]),
    ((b'x\n', ('skip', 1000), FORK), [(1002, None)]),
    ((FORK.rstrip(), ('move', 1000), FORK), [(0, 1), (1000, None)]),
    ((FORK[:10], FORK[10:], ('skip', 7), b'x\n' + FORK), [(0, 1), (44, None)]),
], ids=['all', 'moved', 'moved to its beginning', 'skipped', 'moved within a line', 'fed in parts'])
def test_a_signal_has_its_place_in_the_log_and_its_line_if_all_before_it_was_read(steps, expected):
    assert sources_of(*steps) == expected


WINDOWS = 'Windows successfully diagnosed a low virtual memory condition.'
CONSUMED = 'sqlservr.exe (4711) consumed 5234 bytes, java.exe (12) consumed 9 bytes'
DRY_RUN = 'earlyoom[3]: dryrun, not actually sending any signal'
SENDING = 'earlyoom[3]: sending SIGTERM to process 9 uid 0 "php": oom_score 9'
OTHERS = ['a line'] * 12
NOHANG_ACTS = 'nohang[5]: Implementing a corrective action:'
BACKEND = 'web: Out-of-memory detected'
RESULT = '     Active: failed (Result: oom-kill) since Wed 2026-08-19'


@pytest.mark.parametrize('lines, fields', [
    ([WINDOWS + ' The following programs consumed the most virtual memory: ' + CONSUMED],
     {'kind': 'other-os', 'name': 'sqlservr.exe', 'pid': 4711}),
    ([WINDOWS, CONSUMED], {'kind': 'other-os', 'was_memory': 'yes', 'name': 'sqlservr.exe', 'pid': 4711}),
    ([WINDOWS] + OTHERS[:9] + [CONSUMED], {'name': 'sqlservr.exe', 'pid': 4711}),
    ([WINDOWS] + OTHERS[:10] + [CONSUMED], {'name': None, 'pid': None}),
    ([CONSUMED] + OTHERS[:9] + [WINDOWS], {'name': 'sqlservr.exe'}),
    ([CONSUMED] + OTHERS[:10] + [WINDOWS], {'name': None}),
    ([WINDOWS], {'kind': 'other-os', 'name': None, 'pid': None}),
    (['Source: Resource-Exhaustion-Detector', 'Event ID: 2004'], {'kind': 'other-os', 'was_memory': 'yes'}),
    (['Source: Resource-Exhaustion-Detector', 'Event ID: 1003'], None),
    ([SENDING], {'kind': 'earlyoom', 'was_memory': 'yes', 'name': 'php', 'pid': 9}),
    ([SENDING, DRY_RUN], {'kind': 'frozen', 'was_memory': 'unknown', 'limit': 'unknown', 'actor': 'unknown',
                          'name': None, 'pid': None}),
    ([SENDING] + OTHERS[:3] + [DRY_RUN], {'kind': 'earlyoom', 'pid': 9}),
    (['sending SIGTERM to process 9 uid 0 "php": badness 9'], {'kind': 'earlyoom', 'name': 'php'}),
    (['sending SIGTERM to process 9 uid 0 "php"', 'mem avail: 1 of 2 MiB'], {'kind': 'earlyoom', 'pid': 9}),
    (['sending SIGTERM to process 9 uid 0 "php"'], None),
    ([NOHANG_ACTS, '  PID: 4711, Name: mysqld, oom_score: 9'], {'actor': 'nohang', 'name': 'mysqld', 'pid': 4711}),
    (['  PID: 12, name: old,', '  PID: 4711, name: mysqld,', NOHANG_ACTS], {'name': 'mysqld', 'pid': 4711}),
    ([NOHANG_ACTS, '  Name:      mysqld', '  PID:       4711'], {'name': 'mysqld', 'pid': 4711}),
    ([NOHANG_ACTS, "  cmdline matches with name 'mysqld'"], {'name': 'mysqld', 'pid': None}),
    ([NOHANG_ACTS, '  PID: 12, name: mysqld,', '  Exec the command: kill -TERM 4711'], {'name': 'mysqld', 'pid': 4711}),
    ([NOHANG_ACTS], {'kind': 'nohang-oomd', 'name': None, 'pid': None}),
    ([BACKEND, '4711 (running for 00:01:02): /usr/bin/php /srv/app.php'],
     {'container': 'web', 'limit': 'cgroup', 'pid': 4711, 'name': 'php'}),
    ([BACKEND], {'container': 'web', 'pid': None, 'name': None}),
    (['* mariadb.service - MariaDB', RESULT], {'unit': 'mariadb.service', 'limit': 'unknown', 'limit_bytes': None}),
    (['* mariadb.service - MariaDB'] + OTHERS[:7] + [RESULT], {'unit': 'mariadb.service'}),
    (['* mariadb.service - MariaDB'] + OTHERS[:8] + [RESULT], {'unit': None}),
    ([RESULT], {'kind': 'unit-oom-kill', 'unit': None}),
    (['Id=mariadb.service', 'Result=oom-kill', 'MemoryMax=536870912'], {'limit': 'cgroup', 'limit_bytes': 536870912}),
    (['Result=oom-kill', 'MemoryMax=infinity'], {'limit': 'unknown', 'limit_bytes': None}),
    (['web-5d9c-abcde   0/1  OOMKilled  3  5m'], {'kind': 'kubernetes', 'container': 'web-5d9c-abcde'}),
    (['  OOMKilled  3  5m'], {'kind': 'kubernetes', 'container': None}),
    (['kube_pod_status_reason{reason="OOMKilled", pod="web"} 0'], None),
    (['kube_pod_status_reason{reason="OOMKilled", pod="web"} NaN'], None),
    (['Warning  Evicted  7m  kubelet  pod/web-1 The node was low on resource: memory.'],
     {'kind': 'kubernetes', 'container': 'web-1'}),
    (['web-1   Evicted  The node was low on resource: memory.'], {'container': 'web-1'}),
    (['The node was low on resource: memory.'], {'container': None, 'limit': 'host'}),
    (['mem avail:   700 of  7721 MiB (10.00%), swap free: 9 of 9 MiB'], {'kind': 'frozen', 'was_memory': 'yes'}),
    (['mem avail:   773 of  7721 MiB (10.01%), swap free: 9 of 9 MiB'], None),
], ids=lambda value: None)
def test_what_stands_around_a_line_of_a_killer_tells_whom_it_killed_and_at_which_limit(lines, fields):
    found = [dict((key, signal[key]) for key in fields or ()) for signal in signals(*lines)]
    assert found == ([] if fields is None else [fields])
