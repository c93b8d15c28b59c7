#!/usr/bin/env python
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzzing of each reader of what others write, the logs' own apart (fuzz_oom_log.py): no input may raise what is not
said to the user in one line, give what is not of the documented shape, or take more than linear time.

    fuzz_readers.py [--runs 20000] [--seed 1] [--only TEXT]

FILES is the table of the files of a node, read by whatever the modules read; TEXTS that of all else.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import argparse
import bz2
import collections
import contextlib
import gzip
import importlib
import io
import json
import os
import random
import re
import shutil
import sys
import tempfile
import time

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TESTS, 'unit'), os.path.join(TESTS, 'unit', 'plugins', 'module_utils')]
importlib.import_module('conftest')  # makes the collection importable

from ansible_collections.oom.rescue.plugins.module_utils._change import wishes  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._facts.memory_facts import memory_facts  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._files import plain, reader, xattr  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._files.host import to_native  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._forbids import overrides  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._node import cgroup_paths  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._report.reading import Reading, read_events  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._score import apply as score  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._swap import apply as swap  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._swap import progress, signature, syscalls  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._swap.plan import wish  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._swappiness import apply as swappiness  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._verdict import shape  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._verdict.choice import choose  # noqa: E402
from fake_node import CONTAINER, Node, v2  # noqa: E402
from mutation import mutate  # noqa: E402
from oom_reports import ERAS, syslog  # noqa: E402

try:
    # What a node answers is read where Ansible is.
    from ansible_collections.oom.rescue.plugins.plugin_utils import node_action
except (ImportError, SyntaxError):
    node_action = None
try:
    import lzma
except ImportError:
    lzma = None

# Far above what any of them takes, far below what a quadratic loop would.
SECONDS, SECONDS_PER_MIB = 1.5, 25.0
REPEATED = (100, 20000, 150000)
# What a user is told in one line: the collection's own error, and the system's with a file's name (_node/module.py).
SAID = (RescueError, IOError, OSError)
_clock = getattr(time, 'process_time', getattr(time, 'clock', None))

ID = CONTAINER.encode()
TOKENS = (
    b'\0', b'\n', b'\r\n', b' ', b'\t', b'\\', b'\\\n', b'\xff\xfe', b'\xc3', b'\xe2\x80\xae', b'\xed\xa0\x80',
    b'\x1b[2J',
    b'\xc2\x85', b'\xe2\x80\xa8', b'"', b"'", b'[', b']', b'{', b'}', b'{"a":', b'[[', b'(', b')', b':', b',', b';',
    b'#', b'=',
    b'%', b'%i', b'$', b'${A}', b'$A', b'/', b'/../', b'..', b'-', b'-1', b'0', b'9' * 400, b'1e999', b'0x', b'\\040',
    b'\\777',
    b'\\u0000', b'null', b'true', b'NaN', b'*', b'?', b'|', b'`id`', b'{{ 7 }}', b' (deleted)', b'@', b'~', b'!',
    b'<', b'>',
    b'vm.swappiness = 10\n', b'[Service]\n', b'Environment=A=$A ', b'--fail-swap-on', b'failSwapOn:', b'/docker/' + ID,
    b'/libpod-' + ID + b'.scope', b'mysqld\0', b'swap', b'include=', b'EARLYOOM_ARGS=', b'--avoid ', b'swap:\n',
    b'  a: b\n',
)

UNIT = b"""[Unit]
Description=x
ConditionPathExists=/x
[Service]
Environment=A=1 "B=2 3" C='4'
EnvironmentFile=-/etc/default/mysql
ExecStartPre=/bin/sh -c 'swapoff -a; sysctl -w vm.swappiness=5'
ExecStart=/usr/sbin/mysqld $A ${B} \\
    --fail-swap-on=false
OOMScoreAdjust=-600
Restart=on-failure
ManagedOOMPreference=avoid
[Install]
WantedBy=multi-user.target
"""
SERVER = 900
# {pid: (name, program, parent, uid, cgroup, arguments)}: servers of each kind of manager, and those of the managers and
# killers whose arguments name files.
PROCESSES = {
    SERVER: ('mysqld', '/usr/sbin/mysqld', 1, 106, '/system.slice/mysql.service', ('--user=mysql',)),
    901: ('mysqld', '/usr/sbin/mysqld', 902, 106, '/docker/' + CONTAINER, ()),
    902: ('containerd-shim', '/usr/bin/containerd-shim', 1, 0, '/system.slice/docker.service', ('-namespace', 'moby')),
    903: ('mysqld', '/usr/sbin/mysqld', 904, 106, '/machine.slice/libpod-%s.scope/container' % CONTAINER, ()),
    904: ('conmon', '/usr/bin/conmon', 1, 0, '/machine.slice/libpod-conmon-%s.scope' % CONTAINER,
          ('-c', CONTAINER, '-n', 'mysql', '-b', '/bundle')),
    905: ('mysqld', '/usr/sbin/mysqld', 906, 106, '/system.slice/supervisor.service', ()),
    906: ('supervisord', '/usr/sbin/supervisord', 1, 0, '/system.slice/supervisor.service',
          ('-c', '/etc/supervisor/supervisord.conf')),
    907: ('nohang', '/usr/sbin/nohang', 1, 0, '/system.slice/nohang.service', ('--config', '/etc/nohang/nohang.conf')),
    908: ('earlyoom', '/usr/bin/earlyoom', 1, 0, '/system.slice/earlyoom.service', ('--avoid', '^(sshd)$')),
    909: ('kubelet', '/usr/bin/kubelet', 904, 0, '/docker/' + CONTAINER, ('--config-dir=/x',)),
    910: ('mysqld', '/usr/sbin/mysqld', 1, 106, '/', ()),
    911: ('mysqld', '/home/eve/mysqld', 1, 1000, '/user.slice/user-1000.slice/user@1000.service/app.slice/a.scope', ()),
}
RECORDS = {
    'swap': {'/swapfile': {'existed': False, 'active': False, 'fstab_lines': [], 'fstab_existed': True,
                           'size_bytes': None, 'mode': None, 'uid': None, 'gid': None, 'priority': None}},
    'swappiness': {'runtime': {'before': 60}, 'file:/etc/sysctl.d/99-zz-oom-rescue.conf': {'existed': False},
                   'tuned': {'active_profile': 'x\n', 'profile_mode': None}},
    'oom_score_adj': {'process:mysqld': {
        'value': 300, 'live': [{'pid': SERVER, 'start_ticks': 9000, 'boot_id': 'b007', 'before': 0, 'after': 300}],
        'directories': [], 'managers': {},
        'files': {'/etc/default/mysql': {'before': None, 'sha256': 'x', 'killer': None, 'names': []}}}},
    'asked': {'swap:/swapfile': {'size': '1G', 'path': '/swapfile'}, 'swappiness': {'value': 5},
              'oom_protect': {'process': ['mysqld'], 'value': '-500'}},
}


def of_process(pid, name, program, parent, uid, cgroup, arguments):
    """{path: samples} of the files of a process."""
    text = {
        'stat': '%d (%s) S %d 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %d 0 0\n' % (pid, name, parent, pid * 10),
        'status': 'Name:\t%s\nUid:\t%d\t%d\t%d\t%d\nVmRSS:\t  4096 kB\nVmPTE:\t 20 kB\n' % ((name,) + (uid,) * 4),
        'cmdline': '\0'.join((program,) + arguments) + '\0', 'cgroup': v2(cgroup), 'oom_score': '435\n',
        'oom_score_adj': '0\n',
        'smaps_rollup': '00400000-7ff rw-p 00000000 00:00 0 [rollup]\nPss: 100 kB\nPss_Anon: 90 kB\n'}
    return dict(('/proc/%d/%s' % (pid, name), [text[name].encode()]) for name in text)


# {path of a node: its samples, the first of which is there while others are changed}.
FILES = {
    '/etc/sysctl.d/10-x.conf': [b'# x\nvm.swappiness = 30\n-vm/swappiness=0x1e\n', b'vm.* = 1\n'],
    '/etc/sysctl.conf': [b'vm.swappiness=60 # x\n'],
    '/etc/fstab': [b'UUID=a-b / ext4 defaults 0 1\n/swapfile none swap sw,pri=5 0 0\n/a\\040b /mnt xfs ro\r\n'],
    '/etc/systemd/system/mysql.service': [UNIT], '/etc/systemd/system/mysql.service.d/x.conf': [UNIT],
    '/etc/systemd/system/swapfile.swap': [b'[Swap]\nWhat=/swapfile\nPriority=5\n[Install]\nWantedBy=swap.target\n'],
    '/etc/systemd/system/tune.service': [UNIT], '/etc/default/mysql': [b'A=1\nexport B="2"\n'],
    '/etc/systemd/system/kubelet.service': [UNIT.replace(b'mysqld', b'kubelet')],
    '/etc/systemd/system/k3s.service': [b'[Service]\nExecStart=/usr/local/bin/k3s server\n'],
    '/etc/tmpfiles.d/x.conf': [
        b'w /proc/sys/vm/swappiness - - - - 10\nD! /x 0755 root root 1d\nw+ "/a b" - - - - "x"\n'],
    '/etc/rc.local': [b'#!/bin/sh -e\nswapoff -a\necho 10 > /proc/sys/vm/swappiness\nif x; then sysctl -p; fi\n'],
    '/etc/crontab': [b'@reboot root swapoff -a\n5 * * * * root x\n'],
    '/etc/anacrontab': [b'1\t5\tx\tswapoff -a\n'], '/etc/crypttab': [b'data /dev/vdb1 none luks\n# x\n'],
    '/etc/network/interfaces': [b'iface eth0 inet dhcp\n  post-up sysctl -p\n'],
    '/etc/modprobe.d/x.conf': [b'install a /sbin/swapoff -a; modprobe -i a\n'],
    '/etc/udev/rules.d/x.rules': [b'ENV{SYSTEMD_WANTS}+="a.service", RUN{program}+="/sbin/swapoff -a"\n'],
    '/etc/cloud/cloud.cfg.d/x.cfg': [b'bootcmd:\n  - [ swapoff, -a ]\n\n  # x\nruncmd: []\n'],
    '/etc/tuned/mine/script.sh': [b'#!/bin/sh\nstart() {\n  swapoff -a\n}\n'],
    '/etc/saptune/extra/mine.conf': [b'[sysctl]\nvm.swappiness = 10\n'],
    '/etc/default/grub': [b'GRUB_CMDLINE_LINUX="quiet zswap.enabled=1 resume=/dev/vda2"\n'],
    '/boot/grub/grub.cfg': [b'\tlinux /vmlinuz root=/dev/vda1 sysctl.vm.swappiness=10\n'],
    '/boot/loader/entries/a.conf': [b'title x\noptions root=/dev/vda1 noswap\n'],
    '/etc/passwd': [b'root:x:0:0::/root:/bin/sh\nmysql:x:106:106::/nonexistent:/bin/false\n'],
    '/run/mysqld/mysqld.pid': [b'900\n'],
    '/etc/tuned/active_profile': [b'mine virtual-guest\n'], '/etc/tuned/profile_mode': [b'manual\n'],
    '/etc/tuned/tuned-main.conf': [b'daemon = 1\nreapply_sysctl = 0 # x\n'],
    '/etc/tuned/mine/tuned.conf': [
        b'[main]\ninclude=virtual-guest\n[sysctl]\nvm.swappiness=>15\n[script]\nscript=${i:PROFILE_DIR}/script.sh\n'],
    '/usr/lib/tuned/virtual-guest/tuned.conf': [
        b'[main]\ninclude=mine\n[variables]\na=1\n[sysctl]\nvm.swappiness=${a}\n'],
    '/etc/default/earlyoom': [b'EARLYOOM_ARGS="-r 3600 --avoid \'^(sshd)$\'"\n'],
    '/etc/nohang/nohang.conf': [b'@BADNESS_ADJ_RE_NAME -500 /// ^sshd$\n'],
    '/etc/supervisor/supervisord.conf': [
        b'[program:mysqld]\ncommand=choom -n 5 -- /usr/sbin/mysqld ; x\n[include]\nfiles=/x/*\n'],
    '/var/lib/docker/containers/%s/config.v2.json' % CONTAINER: [
        b'{"ID": "%s", "Name": "/mysql", "Config": {"Labels": {"com.docker.compose.service": "db"}}}' % ID],
    '/var/lib/docker/containers/%s/hostconfig.json' % CONTAINER: [b'{"OomScoreAdj": -5}'],
    '/bundle/config.json': [b'{"process": {"oomScoreAdj": 5}}'],
    '/var/lib/kubelet/config.yaml': [b'kind: KubeletConfiguration\nfailSwapOn: false\n', b'{"failSwapOn": true}'],
    '/etc/default/kubelet': [b'KUBELET_EXTRA_ARGS=--fail-swap-on=false\n'],
    '/etc/rancher/k3s/config.yaml': [b'kubelet-arg:\n  - "fail-swap-on=false"\n'],
    '/etc/cloud/cloud.cfg': [b'swap:\n  filename: /swap.img\n  size: auto\n', b'swap: {filename: "/a", size: 1}\n'],
    '/etc/systemd/zram-generator.conf': [b'[zram0]\nzram-size = ram / 2\n'],
    '/etc/waagent.conf': [b'ResourceDisk.Format=y\nResourceDisk.EnableSwap=y\nResourceDisk.MountPoint=/mnt\n'],
    '/etc/rpi/swap.conf': [b'[Main]\nMechanism=swapfile\n[File]\nPath=/x\n'],
    '/etc/dphys-swapfile': [b'CONF_SWAPFILE=/var/swap\nCONF_SWAPSIZE=100\n'],
    '/proc/self/mountinfo': [
        b'24 1 254:1 / / rw - ext4 /dev/vda1 rw\n35 24 0:32 / /sys/fs/cgroup rw - cgroup2 none rw\n',
        b'24 1 254:1 / / rw - ext4 /dev/vda1 rw\n40 24 0:40 / /a\\040b rw shared:1 - tmpfs tmpfs rw,size=1k\n'],
    '/proc/swaps': [
        b'Filename\tType\tSize\tUsed\tPriority\n/swapfile file 1048572 10 -2\n/dev/zram0 partition 10 0 100\n'],
    '/proc/meminfo': [
        b'MemTotal: 1014892 kB\nMemFree: 9 kB\nMemAvailable: 10 kB\nShmem: 4 kB\nSwapTotal: 1 kB\nSwapFree: 1 kB\n'],
    '/proc/vmstat': [b'nr_free_pages 100\noom_kill 3\n'],
    '/proc/pressure/memory': [b'some avg10=0.00 avg60=1 avg300=2 total=5\n'],
    '/proc/zoneinfo': [
        b'Node 0, zone   DMA32\n  pages free     100\n        min      10\n        low      12\n        high     15\n'],
    '/proc/slabinfo': [b'slabinfo - version: 2.1\n# name\ndentry 10 20 192 21 1 : tunables 0 0 0 : slabdata 1 1 0\n'],
    '/proc/sysvipc/shm': [b'key shmid perms size cpid\n0 1 1600 4096 900 1 0 0 0 0 0 0 0 0 4096 0\n'],
    '/proc/net/sockstat': [b'sockets: used 10\nTCP: inuse 1 orphan 0 tw 0 alloc 1 mem 5\n'],
    '/proc/cmdline': [b'root=/dev/vda1 sysctl.vm.swappiness=20\n', b'quiet resume=/dev/vda2 resume_offset=5\n'],
    '/proc/stat': [b'cpu 1 2 3\nbtime 1762000000\n'], '/proc/sys/kernel/osrelease': [b'6.1.0-18-amd64\n'],
    '/proc/sys/vm/swappiness': [b'60\n'], '/proc/sys/vm/overcommit_memory': [b'0\n'],
    '/sys/fs/cgroup/system.slice/mysql.service/memory.max': [b'1073741824\n', b'max\n'],
    '/sys/fs/cgroup/system.slice/mysql.service/memory.current': [b'1000\n'],
    '/sys/fs/cgroup/system.slice/mysql.service/memory.stat': [b'anon 10\nfile 20\nslab 5\nshmem 1\n'],
    '/proc/905/environ': [b'SUPERVISOR_PROCESS_NAME=mysqld\0A=b\0'],
}
for _pid, _row in PROCESSES.items():
    FILES.update(of_process(_pid, *_row))
FILES.update(('/var/lib/oom-rescue/%s.json' % name, [json.dumps({'version': 2, 'records': rows}).encode()])
             for name, rows in RECORDS.items())


# Of a server in each way of starting one, what differs is enough.
_OF_ANOTHER = re.compile(r'/proc/90[123568]/(?!cgroup|environ)|/proc/91')
_KUBELET = '/etc/systemd/system/kubelet.service'
# {path: the files for whose sake it is not read; without them it is}.
INSTEAD = {'/boot/grub/grub.cfg': ('/boot/loader/entries/a.conf',),
           '/etc/default/kubelet': (_KUBELET, '/proc/909/cmdline'),
           '/var/lib/kubelet/config.yaml': (_KUBELET, '/etc/default/kubelet')}


class Kernel:
    """The calls that a swap file needs, of this machine, but for the one that asks whether swap may be turned on."""

    def __getattr__(self, name):
        return getattr(syscalls, name)

    @staticmethod
    def swapon_refusal():
        return None


class FuzzedNode(Node):
    """A node with all of FILES. ``with_file`` has other bytes in one of them for a while."""

    def __init__(self, root):
        Node.__init__(self, root)
        self.systemd()
        for path, samples in FILES.items():
            self.bytes(path, samples[0])
        for pid, row in PROCESSES.items():
            self.link('/proc/%d/exe' % pid, row[1])
            self.user_namespace(pid)
            self.program(row[1])
        self.owners['/home/eve/mysqld'] = (1000, 0o755)
        for program in ('/usr/sbin/waagent', '/usr/sbin/dphys-swapfile', '/usr/sbin/tuned',
                        '/usr/lib/systemd/system-generators/rpi-swap-generator'):
            self.program(program)
        for unit in ('mysql', 'tune', 'kubelet', 'tuned', 'saptune'):
            self.link('/etc/systemd/system/multi-user.target.wants/%s.service' % unit, '../%s.service' % unit)
        self.link('/etc/systemd/system/swap.target.wants/swapfile.swap', '../swapfile.swap')
        os.chmod(self.path('/var/lib/oom-rescue'), 0o700)
        for name in RECORDS:
            os.chmod(self.path('/var/lib/oom-rescue/%s.json' % name), 0o600)
        self.file('/proc/1/comm', 'systemd\n')
        self.units = {'mysql.service': 'mysql.service', 'mysqld.service': 'mysql.service'}
        # systemd's own answers are of the files as they were.
        self.reload()
        self.reload = lambda: None

    def bytes(self, path, data):
        if not os.path.isdir(os.path.dirname(self.path(path))):
            os.makedirs(os.path.dirname(self.path(path)))
        with open(self.path(path), 'wb') as stream:
            stream.write(data)

    @contextlib.contextmanager
    def with_file(self, path, data):
        for other in INSTEAD.get(path, ()):
            os.unlink(self.path(other))
        self.bytes(path, data)
        try:
            yield
        finally:
            for changed in (path,) + INSTEAD.get(path, ()):
                self.bytes(changed, FILES[changed][0])


def result_of(module, result):
    """The result of a module; raises if it is not of its shape."""
    wrong = shape.misfit(result, shape.RESULTS[module], '')
    assert wrong is None, '%s: %s' % (module, wrong)
    return result


def facts_of(host):
    """memory_facts, which says of each file that it cannot read it, and fails for none."""
    return result_of('memory_facts', {'ansible_facts': {'memory': memory_facts(host, ledger_seconds=0.1)}})


def swappiness_of(state):
    options = {'value': 10, 'state': state, 'conflicts': 'override', 'allow_zero': False, 'cgroups': 'set',
               'override': []}
    return lambda host: result_of('swappiness', swappiness.converge(host, options, True))


def score_of(state, **target):
    options = {'process': None, 'unit': None, 'container': None, 'pid_file': None, 'user': [], 'value': '300',
               'auto_multiple': 2.0, 'allow_unkillable': False, 'persist': 'auto', 'keep': True,
               'restart_policy': 'ensure', 'killers': 'spare',
               'override': [], 'state': state, 'recorded': state == 'absent', 'allow_missing': True}
    options.update(target)
    return lambda host: result_of('oom_score_adj', score.converge(host, options, True))


def swap_of(state, **wished):
    wished = wish(state=state, **wished)
    return lambda host: result_of('swap_file', swap.converge(host, '/swapfile', wished, True, kernel=Kernel()))


# What reads the files of a node: the part of the collection, a callable of a host, and whether it may end with a word
# to the user. Those of one part read a file that they share by the same code.
LOOKS = (
    ('facts', facts_of, False), ('wishes', wishes.kept, False),
    ('wishes', lambda host: choose({'verdict': {'was_memory': 'yes'}}, {}, kept=wishes.kept(host)), False),
    ('swappiness', swappiness_of('present'), True), ('swappiness', swappiness_of('absent'), True),
    ('swap', swap_of('present', size='8M', override=overrides.IDS), True),
    ('swap', swap_of('absent'), True), ('swap', swap_of('restored'), True),
    ('score', score_of('present', process='mysqld'), True), ('score', score_of('absent', process='mysqld'), True),
    ('score', score_of('present', container='mysql'), True), ('score', score_of('present', unit='mysql.service'), True),
    ('score', score_of('present', pid_file='/run/mysqld/mysqld.pid'), True),
)


def log_of(name, packed):
    """A reader of a log of this name; ``packed`` is a callable that packs bytes, or None for bytes as they are."""
    def read(data):
        directory = tempfile.mkdtemp(prefix='fuzz-')
        try:
            path = os.path.join(directory, name)
            with io.open(path, 'wb') as stream:
                stream.write(packed(data) if packed else data)
            result = read_events([path], [], None, None, 50, 5, True, 1762000000, signals=True)
            for event in result['events']:
                assert shape.misfit(event, shape.EVENT, 'event') is None, shape.misfit(event, shape.EVENT, 'event')
            return result
        finally:
            shutil.rmtree(directory)
    return read


def journal(data):
    """Records of the journal, as `journalctl -o json` and the file that it is read from."""
    reading = Reading(limit=50, tasks=5, now=1762000000)
    reading.text(data, 'fuzz')
    return reading.result()


def answer(module):
    """A reader of what a node answered for a module."""
    def read(data):
        if node_action is None:
            return None
        output = node_action.told_output(data.decode('utf-8', 'surrogateescape'), node_action.MOST_OF_OTHERS)
        try:
            found = json.loads(output)
        except ValueError:
            assert not set(output) & set(u'\x1b\x07\u202e\x9b'), 'a raw escape'
            return None
        except RecursionError:  # noqa: F821
            return None
        found = shape.accepted(module, found) if isinstance(found, dict) else found
        text = json.dumps(found, ensure_ascii=False)
        assert not set(text) & set(u'\x1b\x07\u202e\x9b\ud800'), 'a raw escape'
        return found
    return read


def of_file(function):
    """A reader of a file that is named."""
    def read(data):
        descriptor, path = tempfile.mkstemp(prefix='fuzz-')
        try:
            os.write(descriptor, data)
            os.close(descriptor)
            return function(path)
        finally:
            os.unlink(path)
    return read


def plain_text(data):
    for text in (plain.plain(to_native(data)), plain.plain_lines(to_native(data))):
        assert not set(text) & set(u'\x1b\x07\x9b\u202e\u2066\ud800'), 'a raw escape'


def paths_of(data):
    return cgroup_paths.cgroup_names(to_native(data)), cgroup_paths.parse_cgroup(to_native(data))


def kept_of(data):
    """Values of the records that a play takes up as variables."""
    return choose({}, {}, kept={'swap': {'set': True, 'asked': reader.json_object(to_native(data))}})


def honest_answers():
    """What honest nodes answer, once each."""
    with a_node() as node:
        facts = {'changed': False, 'ansible_facts': {'memory': memory_facts(node.host, ledger_seconds=0)}}
        swapped = swap_of('present', size='8M')(node.host)
    return json.dumps(facts).encode(), json.dumps(swapped).encode()


REPORT = syslog(ERAS[sorted(ERAS)[0]]).encode()
JOURNAL = ''.join(json.dumps({'MESSAGE': line, '_TRANSPORT': 'kernel', '_HOSTNAME': 'db', '__CURSOR': 'x'}) + '\n'
                  for line in ERAS[sorted(ERAS)[0]]).encode()
Text = collections.namedtuple('Text', 'name samples read')


def texts():
    """The readers of all that is no file of a node."""
    facts, swapped = honest_answers()
    rows = [
        Text('cgroup path', [b'/system.slice/docker-%s.scope' % ID, b'/a.slice/user-1.slice/user@1.service/a.scope',
                             b'/kubepods/burstable/pod1-2/%s' % ID, b'/docker/' + ID, b'/a\\x2db@1.service'], paths_of),
        Text('plain', [b'a \xe2\x80\xae\x1b[2J'], plain_text),
        Text('asked', [b'{"swap_size": "1G", "swap_path": ["a"]}'], kept_of),
        Text('json', [b'{"a": [1, 2.5, null]}'], lambda data: reader.json_object(to_native(data))),
        Text('progress', [b'1 MiB of 2 GiB written to /x\n'], lambda data: progress.written(to_native(data))),
        Text('acl', [b'\2\0\0\0\1\0\6\0\xff\xff\xff\xff\2\0\7\0\xff\xff\0\0'], xattr.named_in_acl),
        Text('swap signature', [signature.header(1 << 20, 4096)], of_file(signature.read_signature)),
        Text('log', [REPORT], log_of('messages', None)), Text('journal', [JOURNAL], journal),
        Text('journal file', [JOURNAL], log_of('x.json', None)),
        Text('gz', [gzip_of(REPORT)], log_of('messages.1.gz', None)),
        Text('in gz', [REPORT], log_of('messages.1.gz', gzip_of)),
        Text('bz2', [bz2.compress(REPORT)], log_of('messages.1.bz2', None)),
        Text('in bz2', [REPORT], log_of('messages.1.bz2', bz2.compress)),
        Text('zst', [b'\x28\xb5\x2f\xfd\x04\x58\x19\0\0abc\0\0\0\0'], log_of('messages.1.zst', None)),
        Text("a node's facts", [facts], answer('memory_facts')),
        Text("a node's swap", [swapped], answer('swap_file')),
        Text("a node's reports", [b'{"changed": false, "events": [], "summary": null}'], answer('oom_log_info')),
    ]
    if lzma:
        rows += [Text('xz', [lzma.compress(REPORT)], log_of('messages.1.xz', None)),
                 Text('in xz', [REPORT], log_of('messages.1.xz', lzma.compress))]
    return rows


def gzip_of(data):
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode='wb', mtime=0) as stream:
        stream.write(data)
    return packed.getvalue()


@contextlib.contextmanager
def a_node():
    directory = tempfile.mkdtemp(prefix='fuzz-node-')
    try:
        yield FuzzedNode(directory)
    finally:
        shutil.rmtree(directory)


def _look(row, host):
    _part, look, may_say = row
    try:
        look(host)
    except SAID as error:
        if not may_say or isinstance(error, (IOError, OSError)) and error.filename is None:
            raise


def _opened(node, row):
    """The paths of the files that a look opens."""
    opened, real_open = set(), os.open

    def noting(path, *arguments):
        # Also of one that is opened below a directory's descriptor.
        opened.add(os.path.realpath(path))
        return real_open(path, *arguments)

    os.open = noting
    try:
        _look(row, node.host)
    finally:
        os.open = real_open
    return opened


def looks_at(node):
    """{path: rows of LOOKS that open it} of the files of a node. Another says the same whatever is in the file."""
    opened = {(): [_opened(node, row) for row in LOOKS]}
    for path, others in INSTEAD.items():
        with node.with_file(path, FILES[path][0]):
            opened[others] = [_opened(node, row) for row in LOOKS]
    return dict((path, [row for row, seen in zip(LOOKS, opened[INSTEAD.get(path, ())])
                        if os.path.realpath(node.path(path)) in seen]) for path in FILES)


def files(node, chance=None):
    """[(path, samples, function of bytes)] of the files of a node. The function has each part that reads the file look
    at it once; with ``chance`` one look is drawn.
    """
    looks = looks_at(node)

    def of_node(path):
        assert looks[path], '%s is read by nothing' % path
        one_of_each = dict((row[0], row) for row in reversed(looks[path])).values()

        def read(data):
            with node.with_file(path, data):
                for row in [chance.choice(looks[path])] if chance else one_of_each:
                    _look(row, node.host)
        return read
    return [(path, FILES[path], of_node(path)) for path in sorted(FILES) if not _OF_ANOTHER.match(path)]


def nonsense(chance):
    """Bytes that are no file of anything."""
    size = chance.choice((0, 1, 10, 1000, 60000, 250000))
    kind = chance.randrange(5)
    if kind == 0:
        return bytes(bytearray(chance.randrange(256) for _each in range(min(size, 5000))))
    if kind == 1:
        pair = chance.choice(TOKENS) + chance.choice(TOKENS)
        return (pair * (size // len(pair) + 1))[:size]
    if kind == 2:
        depth = chance.choice((10, 1200, 50000))
        return chance.choice((b'[', b'{"a":', b'{"MESSAGE":[', b'(')) * depth
    if kind == 3:
        return b'\n'.join(chance.choice(TOKENS) for _each in range(min(size, 20000)))
    return chance.choice(TOKENS) + b'x' * size + chance.choice(TOKENS)


def one_input(read, data):
    """Read an input; raises where something is wrong, or takes too long."""
    started = _clock()
    read(data)
    taken = _clock() - started
    assert taken < SECONDS + SECONDS_PER_MIB * len(data) / (1 << 20), '%.1f s for %d bytes' % (taken, len(data))


def fuzz(runs, seed, only='', briefly=False):
    """Give the readers, one after the other, ``runs`` inputs in all; ``briefly`` one to each, however long that takes.
    Raises what a bad one raises. Returns the number of readers.
    """
    with a_node() as node:
        rows = [row for row in files(node, random.Random(seed) if briefly else None) + texts() if only in row[0]]
        others = [sample for row in rows for sample in row[1]]
        for number in range(len(rows) if briefly else runs):
            chance = random.Random('%d %d' % (seed, number))
            name, samples, read = rows[number % len(rows)]
            kind = chance.random()
            data = samples[0] if kind < 0.05 else nonsense(chance) if kind < 0.35 \
                else mutate(chance.choice(samples), others, chance, TOKENS, reader.MOST - 1, REPEATED)
            try:
                if briefly:
                    read(data)
                else:
                    one_input(read, data)
            except Exception:
                kept = os.path.join(tempfile.gettempdir(), 'fuzz-readers-%d' % number)
                with open(kept, 'wb') as stream:
                    stream.write(data)
                print('%s: input %d of seed %d fails: %s' % (name, number, seed, kept))
                raise
        return len(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', 1)[0])
    parser.add_argument('--runs', type=int, default=20000)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--only', default='', help='the readers whose names have this')
    options = parser.parse_args()
    started = time.time()
    count = fuzz(options.runs, options.seed, options.only)
    print('%d inputs of seed %d to %d readers in %.0f s, none failed' % (
        options.runs, options.seed, count, time.time() - started))


if __name__ == '__main__':
    main()
