# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who sets the limit that was met, if neither systemd nor a container engine does: programs, batch systems, platforms.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re
from collections import namedtuple

from .shell_words import word

_MIB = 1 << 20

# What is to be raised in words, and what raises it: a command, an option or a variable, with ``%(size)s`` for the size
# and ``%(id)s`` for the job. ``size`` is the size in MiB with the unit that belongs there, ``unknown`` stands for it.
Owner = namedtuple('Owner', 'what command size unknown')


def _owner(what, command=None, size='%d', unknown='SIZE'):
    return Owner(what, command, size, unknown)


_SLURM = _owner('the memory of the Slurm job', 'sbatch --mem=%(size)s', '%dM')
_PBS = _owner('the memory of the PBS job', 'qsub -l mem=%(size)s', '%dmb')
_LSF = _owner('the memory of the LSF job', 'bsub -M %(size)s', '%dMB')
_GRID_ENGINE = _owner("the Grid Engine job's h_vmem", 'qsub -l h_vmem=%(size)s', '%dM')
_CONDOR = _owner('the memory of the HTCondor job', 'request_memory = %(size)s', '%dMB')
_YARN = _owner('the memory of the YARN container', 'mapreduce.map.memory.mb=%(size)s')
_NOMAD = _owner('the memory of the Nomad task', 'memory = %(size)s')
_GUEST = _owner('the limit of LXC guest %(id)s', 'virsh -c lxc:/// memtune %(id)s --hard-limit %(size)s', '%dMiB')
_MACHINE = _owner('the limit of virtual machine %(id)s', 'virsh memtune %(id)s --hard-limit %(size)s', '%dMiB')

_OF_LINES = tuple((re.compile(pattern), owner) for pattern, owner in (
    (r'Allowed memory size', _owner("PHP's memory_limit", 'php -d memory_limit=%(size)s', '%dM', '512M')),
    (r'reaching memory limit: JS heap', _owner(
        "the worker thread's heap limit", 'resourceLimits: {maxOldGenerationSizeMb: %(size)s}')),
    (r'heap limit|JavaScript heap|process out of memory', _owner(
        "V8's heap limit", 'NODE_OPTIONS=--max-old-space-size=%(size)s', unknown='4096')),
    (r'[Dd]irect (?:buffer )?memory|OutOfDirectMemory', _owner(
        "the JVM's direct memory (-XX:MaxDirectMemorySize)",
        'JAVA_TOOL_OPTIONS=-XX:MaxDirectMemorySize=%(size)s', '%dm')),
    (r'Compressed class space', _owner(
        "the JVM's class space", 'JAVA_TOOL_OPTIONS=-XX:CompressedClassSpaceSize=%(size)s', '%dm')),
    (r'Expiring Daemon because JVM', _owner("Gradle's heap", 'org.gradle.jvmargs=-Xmx%(size)s', '%dm')),
    (r'Metaspace', _owner("the JVM's metaspace", 'JAVA_TOOL_OPTIONS=-XX:MaxMetaspaceSize=%(size)s', '%dm')),
    (r'PermGen', _owner("the JVM's permanent generation", 'JAVA_OPTS=-XX:MaxPermSize=%(size)s', '%dm')),
    (r'java\.lang|jvmkill', _owner("the JVM's heap (-Xmx)", 'JAVA_TOOL_OPTIONS=-Xmx%(size)s', '%dm')),
    (r'[Cc]ircuit_?[Bb]reaking|Data too large', _owner(
        'the heap of Elasticsearch or OpenSearch', 'ES_JAVA_OPTS="-Xms%(size)s -Xmx%(size)s"', '%dm')),
    (r'OOM killer script for', _owner("Solr's heap", 'SOLR_HEAP=%(size)s', '%dm')),
    (r'command not allowed|maxmemory', _owner("Redis' maxmemory", 'redis-cli CONFIG SET maxmemory %(size)s', '%dmb')),
    (r'SERVER_ERROR out of memory', _owner("memcached's memory", 'memcached -m %(size)s')),
    (r'\(total\)', _owner("ClickHouse's max_server_memory_usage", 'max_server_memory_usage: BYTES')),
    (r'\(for (?:query|user)\)', _owner("ClickHouse's max_memory_usage", 'SET max_memory_usage = BYTES')),
    (r'Query exceeded per-node', _owner(
        "Trino's query.max-memory-per-node", 'query.max-memory-per-node=%(size)s', '%dMB')),
    (r'Query exceeded distributed', _owner("Trino's query.max-memory", 'query.max-memory=%(size)s', '%dMB')),
    (r'ORA-04031', _owner("Oracle's SGA", 'ALTER SYSTEM SET sga_target=%(size)s SCOPE=SPFILE', '%dM')),
    (r'ORA-04036', _owner("Oracle's PGA", 'ALTER SYSTEM SET pga_aggregate_limit=%(size)s', '%dM')),
    (r'in resource pool', _owner(
        "SQL Server's memory", '/opt/mssql/bin/mssql-conf set memory.memorylimitmb %(size)s')),
    (r'Out of sort memory', _owner("mysqld's sort_buffer_size", 'SET GLOBAL sort_buffer_size = BYTES')),
    (r'vector memory', _owner("R's R_MAX_VSIZE", 'R_MAX_VSIZE=%(size)s', '%dMb')),
    (r'Current maximum heap size', _owner("the Haskell program's heap", '+RTS -M%(size)s -RTS', '%dm')),
    (r'Exhausted heap space', _owner("Dart's heap", 'DART_VM_OPTIONS=--old_gen_heap_size=%(size)s')),
    (r'memory resource limit alarm|vm_memory_high_watermark', _owner(
        "RabbitMQ's memory watermark", 'vm_memory_high_watermark.absolute = %(size)s', '%dMiB')),
    (r'vsz_limit', _owner("Dovecot's vsz_limit", 'default_vsz_limit = %(size)s', '%dM')),
    (r'by YARN for exceeding', _owner(
        'the memory of the YARN container', 'spark.executor.memoryOverhead=%(size)s', '%dm')),
    (r'physical memory limit', _YARN),
    (r'oom[-_]kill events?|(?:[Ss]tep|[Jj]ob) \d\S* exceeded (?:virtual )?memory|: Out Of Memory|OUT_OF_ME', _SLURM),
    (r'PBS: job killed', _PBS),
    (r'TERM_(?:MEMLIMIT|SWAP)', _LSF),
    (r'job hard limit', _GRID_ENGINE),
    (r'has gone over', _CONDOR),
    (r'max-memory-restart', _owner("pm2's limit", 'pm2 restart APP --max-memory-restart %(size)s', '%dM')),
    (r'PumaWorkerKiller', _owner("PumaWorkerKiller's limit", 'PumaWorkerKiller.config.ram = %(size)s')),
    (r'memory budget', _owner("the Dask worker's limit", 'dask worker --memory-limit %(size)s', '%dMiB')),
    (r'Error R1[45] ', _owner('the size of the dyno', 'heroku ps:type SIZE')),
    (r'status 137 \(out of memory\)', _owner('the memory of the Cloud Foundry app', 'cf scale APP -m %(size)s', '%dM')),
    (r'OutOfMemoryError: Container', _owner('the memory in the ECS task definition', '"memory": %(size)s')),
    (r'Runtime\.OutOfMemory|Runtime exited with error', _owner(
        'the memory of the Lambda function',
        'aws lambda update-function-configuration --function-name NAME --memory-size %(size)s')),
    (r'Exceeded (?:soft|hard)', _owner("App Engine's instance class", 'instance_class: CLASS')),
    (r'Memory limit of \d', _owner(
        'the memory of the Cloud Run service', 'gcloud run services update SERVICE --memory=%(size)s', '%dMi')),
    (r'"Out of Memory" \("OOM"\)', _owner('the size of the build machine')),
    (r'Out of memory \(used over', _owner('the type of the instance')),
    (r'Message\W+OOM Killed', _NOMAD),
))

# Where the host's own libvirt makes its machines; a guest's and a user's are deeper.
_OF_HOST = r'\A(?:/machine(?=/)|/[^/]{1,255}\.(?:slice|partition)(?=/))*'

# Batch systems and hypervisors name their jobs in the cgroup's path.
_OF_PATHS = tuple((re.compile(pattern), owner) for pattern, owner in (
    (r'/(?:slurm[^/]*|(?:[^/]*_)?slurmstepd\.scope)/(?:uid_\d{1,10}/)?job_(?P<id>\d{1,20})(?:/|\Z)',
     _owner('the memory of Slurm job %(id)s', 'sbatch --mem=%(size)s', '%dM')),
    (r'/pbs[^/]*/(?:jobid/|pbspro-)?(?P<id>\d{1,20})[.\w-]*(?:/|\Z)',
     _owner('the memory of PBS job %(id)s', 'qsub -l mem=%(size)s', '%dmb')),
    (r'/lsf/[^/]+/job\.(?P<id>\d{1,20})\.', _owner('the memory of LSF job %(id)s', 'bsub -M %(size)s', '%dMB')),
    (r'/htcondor/', _CONDOR),
    (r'/(?:hadoop-)?yarn/(?P<id>container_\w{1,80})(?:/|\Z)',
     _owner('the memory of YARN container %(id)s', 'mapreduce.map.memory.mb=%(size)s')),
    (r'/nomad(?:\.slice)?/', _NOMAD),
    (_OF_HOST + r'/machine-qemu\\x2d(?:\d{1,10}\\x2d)?(?P<id>[^/]{1,255})\.scope(?:/|\Z)', _MACHINE),
    (_OF_HOST + r'/(?:qemu-\d{1,10}-)?(?P<id>[^/]{1,255})\.libvirt-qemu(?:/|\Z)', _MACHINE),
    (_OF_HOST + r'/machine-lxc\\x2d(?:\d{1,10}\\x2d)?(?P<id>[^/]{1,255})\.scope(?:/libvirt)?\Z', _GUEST),
    (_OF_HOST + r'/(?:lxc-\d{1,10}-)?(?P<id>[^/]{1,255})\.libvirt-lxc\Z', _GUEST),
))


def owner_of_line(text):
    """The Owner of the limit that the text of a signal tells of, or None."""
    return next((owner for pattern, owner in _OF_LINES if pattern.search(text or '')), None)


def owner_of_path(path):
    """The Owner of the limit of a cgroup, by its path, or None; its words name the job or the machine."""
    for pattern, owner in _OF_PATHS:
        match = pattern.search(path or '')
        if match:
            name = (match.groupdict().get('id') or '').replace('\\x2d', '-')
            named = {'id': word(name, 'NAME'), 'size': '%(size)s'}
            return owner._replace(what=owner.what % named, command=owner.command % named)
    return None


def command_of(owner, wished):
    """What sets the limit to ``wished`` bytes, None for an unknown size; None if nothing of this host does."""
    if owner.command is None:
        return None
    return owner.command % {'size': owner.size % (wished // _MIB) if wished else owner.unknown}
