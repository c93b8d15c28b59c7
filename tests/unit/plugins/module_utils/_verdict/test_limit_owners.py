# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose limit was met decides what raises it: a job, a pod, a container, a program and a platform have each their own.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._verdict.diagnose import diagnose_log
from short_of_memory import GIB, cgroup_report, only, remedies
from texts_of_kinds import LINES

_ID = '5f0c1d2e3a4b5f0c1d2e3a4b5f0c1d2e3a4b5f0c1d2e3a4b5f0c1d2e3a4b5f0c'


def row_of(tmpdir, text):
    path = tmpdir.join('x.log')
    path.write_binary(text.encode('utf-8') + b'\n')
    rows = diagnose_log(str(path))['remedies']
    return next(row for row in rows if row['name'].endswith('_limit') and row['name'] != 'pids_limit')


@pytest.mark.parametrize('text, name, command', [
    ('slurmstepd: error: Detected 1 oom_kill event in StepId=123.batch. Some of the step tasks have been OOM Killed.',
     'cgroup_limit', 'sbatch --mem=SIZE'),
    ('srun: error: n1: task 2: Out Of Memory', 'cgroup_limit', 'sbatch --mem=SIZE'),
    ('slurmstepd: error: Step 5.0 exceeded memory limit (4301928 > 4194304), being killed', 'program_limit',
     'sbatch --mem=SIZE'),
    ('Query exceeded distributed user memory limit of 20GB', 'program_limit', 'query.max-memory=SIZE'),
    ('ORA-04031: unable to allocate 65560 bytes of shared memory ("shared pool")', 'program_limit',
     'ALTER SYSTEM SET sga_target=SIZE SCOPE=SPFILE'),
    ('Error: Runtime exited with error: signal: killed\nMemory Size: 128 MB Max Memory Used: 128 MB', 'cgroup_limit',
     'aws lambda update-function-configuration --function-name NAME --memory-size SIZE'),
    ('=>> PBS: job killed: mem 4301928kb exceeded limit 4194304kb', 'program_limit', 'qsub -l mem=SIZE'),
    ('TERM_MEMLIMIT: job killed after reaching LSF memory usage limit.', 'program_limit', 'bsub -M SIZE'),
    ('Memory limit of 512 MiB exceeded with 531 MiB used.', 'cgroup_limit',
     'gcloud run services update SERVICE --memory=SIZE'),
    ('Error R15 (Memory quota vastly exceeded)', 'cgroup_limit', 'heroku ps:type SIZE'),
    ('Terminated  Exit Code: 137, Exit Message: "OOM Killed"', 'cgroup_limit', 'memory = SIZE'),
    ('            "OOMKilled": true,\n            "ExitCode": 137', 'container_limit',
     'docker update --memory BYTES --memory-swap BYTES CONTAINER'),
    ('    Last State:     Terminated\n      Reason:       OOMKilled\n      Exit Code:    137', 'pod_limit',
     'kubectl set resources deployment/NAME --containers=CONTAINER --limits=memory=SIZE'),
    ('conmon 5f0c1d2e3a4b <ninfo>: OOM event received', 'container_limit',
     'podman update --memory BYTES --memory-swap BYTES 5f0c1d2e3a4b'),
    ('2025-05-04T19:01:58.011072877-05:00 container oom %s (image=x)' % _ID, 'container_limit',
     'docker update --memory BYTES --memory-swap BYTES 5f0c1d2e3a4b'),
    ('Error: crun: OOM: the memory limit could be too low: OCI runtime error', 'container_limit',
     'podman update --memory BYTES --memory-swap BYTES CONTAINER'),
    ('PHP Fatal error:  Allowed memory size of 268435456 bytes exhausted (tried to allocate 20480 bytes) in a.php',
     'program_limit', 'php -d memory_limit=384M'),
    ('java.lang.OutOfMemoryError: Java heap space', 'program_limit', 'JAVA_TOOL_OPTIONS=-XmxSIZE'),
    ('java.lang.OutOfMemoryError: Metaspace', 'program_limit', 'JAVA_TOOL_OPTIONS=-XX:MaxMetaspaceSize=SIZE'),
    ('java.lang.OutOfMemoryError: Direct buffer memory', 'program_limit',
     'JAVA_TOOL_OPTIONS=-XX:MaxDirectMemorySize=SIZE'),
    ('java.lang.OutOfMemoryError: Compressed class space', 'program_limit',
     'JAVA_TOOL_OPTIONS=-XX:CompressedClassSpaceSize=SIZE'),
    ("(error) OOM command not allowed when used memory > 'maxmemory'.", 'program_limit',
     'redis-cli CONFIG SET maxmemory SIZE'),
    ('ghc: Current maximum heap size is 2147483648 bytes (2048 MB).', 'program_limit', '+RTS -M3072m -RTS'),
    ('Error [ERR_WORKER_OUT_OF_MEMORY]: Worker terminated due to reaching memory limit: JS heap out of memory',
     'program_limit', 'resourceLimits: {maxOldGenerationSizeMb: SIZE}'),
])
def test_a_line_of_a_limit_names_what_raises_it(tmpdir, text, name, command):
    row = row_of(tmpdir, text)
    assert (row['name'], row['command']) == (name, command)


@pytest.mark.parametrize('path, words, command', [
    ('/slurm/uid_1000/job_4711/step_batch', 'raise the memory of Slurm job 4711', 'sbatch --mem=1536M'),
    ('/system.slice/slurmstepd.scope/job_4711/step_0/user/task_0', 'raise the memory of Slurm job 4711',
     'sbatch --mem=1536M'),
    ('/pbs_jobs.service/jobid/812.server', 'raise the memory of PBS job 812', 'qsub -l mem=1536mb'),
    ('/lsf/prod/job.99.12.1700000000', 'raise the memory of LSF job 99', 'bsub -M 1536MB'),
    ('/htcondor/condor_var_lib_condor_execute_slot1_2@node3', 'raise the memory of the HTCondor job',
     'request_memory = 1536MB'),
    ('/hadoop-yarn/container_1700000000000_0001_01_000002', 'raise the memory of YARN container container_17',
     'mapreduce.map.memory.mb=1536'),
    ('/nomad.slice/share.slice/4d3c.web.scope', 'raise the memory of the Nomad task', 'memory = 1536'),
    ('/machine.slice/machine-qemu\\x2d3\\x2dweb\\x2d01.scope/libvirt/emulator',
     'raise the limit of virtual machine web-01', 'virsh memtune web-01 --hard-limit 1536MiB'),
    ('/machine.slice/machine-qemu\\x2dweb.scope', 'raise the limit of virtual machine web',
     'virsh memtune web --hard-limit 1536MiB'),
    ('/machine/qemu-3-web.libvirt-qemu/emulator', 'raise the limit of virtual machine web',
     'virsh memtune web --hard-limit 1536MiB'),
    ('/machine.slice/machine-lxc\\x2d1234\\x2dmy\\x2dweb.scope', 'raise the limit of LXC guest my-web',
     'virsh -c lxc:/// memtune my-web --hard-limit 1536MiB'),
    ('/machine/web.libvirt-lxc', 'raise the limit of LXC guest web',
     'virsh -c lxc:/// memtune web --hard-limit 1536MiB'),
    ('/machine/prod.partition/lxc-12-web.libvirt-lxc', 'raise the limit of LXC guest web',
     'virsh -c lxc:/// memtune web --hard-limit 1536MiB'),
    # A guest's and a user's machine may be called as one of the host's.
    ('/lxc.payload.db/machine/qemu-3-web.libvirt-qemu',
     'raise the limit of /lxc.payload.db/machine/qemu-3-web.libvirt-qemu', 'echo 1610612736 > /sys/fs/cgroup/lxc.'),
    ('/user.slice/user-1000.slice/user@1000.service/machine.slice/machine-qemu\\x2d3\\x2dweb.scope',
     'raise the limit of /user.slice/user-1000.slice/', 'echo 1610612736 > /sys/fs/cgroup/PATH/'),
    ('/machine.slice/machine-qemu\\x2d3\\x2d$(reboot).scope', 'raise the limit of virtual machine NAME',
     'virsh memtune NAME --hard-limit 1536MiB'),
    ('/system.slice/mariadb.service', 'raise the limit of mariadb.service', 'systemctl set-property mariadb.service'),
    ('/docker/' + _ID, 'raise the limit of docker container 5f0c1d2e3a4b', 'docker update --memory 1610612736'),
])
def test_a_kill_of_the_kernel_s_names_what_raises_the_limit_by_its_path(path, words, command):
    row = next(row for row in remedies([cgroup_report(group={'path': path, 'limit_bytes': GIB})])
               if row['name'] in ('cgroup_limit', 'container_limit'))
    assert row['what'].startswith(words) and row['what'].endswith(' from 1 GiB to 1.5 GiB')
    assert row['command'].startswith(command)


def test_a_limit_of_a_program_beside_a_group_s_kill_is_not_the_group_s(tmpdir):
    row = row_of(tmpdir, 'java.lang.OutOfMemoryError: Java heap space\n'
                         '2025-05-04T19:01:58.011072877-05:00 container oom %s (image=x)' % _ID)
    assert row['command'].startswith('docker update')


JAVA = 'java.lang.OutOfMemoryError: Java heap space'
PHP = 'PHP Fatal error:  Allowed memory size of 268435456 bytes exhausted (tried to allocate 20480 bytes) in a.php'


@pytest.mark.parametrize('words, command', [
    ((JAVA, PHP), 'php -d memory_limit=384M'), ((PHP, JAVA), 'JAVA_TOOL_OPTIONS=-XmxSIZE')])
def test_of_two_programs_that_met_their_limits_the_later_one_is_told(tmpdir, words, command):
    text = '\n'.join('Nov 11 11:32:0%d web1 app[3]: %s' % line for line in enumerate(words))
    assert row_of(tmpdir, text)['command'] == command


def test_each_line_that_names_a_program_s_limit_has_a_way_to_raise_it(tmpdir):
    texts = [text for _tag, text, says in LINES if says and says[1] == 'program' and 'ulimit' not in text]
    assert len(texts) > 20
    assert [text for text in texts if not only(diagnose_of(tmpdir, text), 'program_limit')['command']] == []


def diagnose_of(tmpdir, text):
    path = tmpdir.join('y.log')
    path.write_binary(text.encode('utf-8') + b'\n')
    return diagnose_log(str(path))['remedies']
