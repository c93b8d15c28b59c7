# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node of files: /proc with processes that have managers, and a systemctl that reads unit files of the same tree."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import collections
import os
import re
import stat

from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host, to_bytes
from ansible_collections.oom.rescue.plugins.module_utils._node.identity import base_name, is_interpreter, script_of

# CentOS 7 with Docker 18: cgroup version 1, the cgroupfs driver.
CGROUP_V1 = ('11:pids:%s', '9:memory:%s', '4:cpu,cpuacct:%s', '1:name=systemd:%s')
CONTAINER = '5e1c' * 16
PASSWD = 'root:x:0:0::/root:/bin/sh\nmysql:x:106:106::/nonexistent:/bin/false\neve:x:1000:1000::/home/eve:/bin/sh\n'

Status = collections.namedtuple('Status', 'st_uid st_gid st_mode st_dev st_ino st_size st_mtime')
# The group of all files: one with people in it, so that its right to write counts.
_USERS = 100


def v1(path):
    return '\n'.join(line % path for line in CGROUP_V1) + '\n'


def v2(path):
    return '0::%s\n' % path


class Node:
    """A root directory that Host reads; ``units`` is what systemctl knows: {alias or name: real name}."""

    def __init__(self, root, version=252):
        self.root = str(root)
        self.version = version
        self.units = {}
        self.loaded = {}
        self.active = set()
        self.commands = []
        self.host = Host(root=self.root, run=self.run)
        self.owners = {}
        self.host.status = self.status
        self.file('/etc/passwd', PASSWD)
        self.user_namespace('self')
        self.process(1, 'systemd', ppid=0, exe='/usr/lib/systemd/systemd', cgroup=v2('/init.scope'))
        self.file('/proc/meminfo', 'MemTotal:        1014892 kB\nSwapTotal:             0 kB\n')
        self.file('/proc/sys/kernel/random/boot_id', 'b007\n')
        self.capable(True)

    def capable(self, capable):
        self.file('/proc/self/status', 'CapEff:\t%s\n' % ('000001ffffffffff' if capable else '000001fffeffffff'))
        self.file('/proc/self/uid_map', '         0          0 4294967295\n')

    def systemd(self):
        """systemd runs here."""
        os.makedirs(self.path('/run/systemd/system'))
        os.makedirs(self.path('/etc/systemd/system/multi-user.target.wants'))
        return self

    def path(self, path):
        return os.path.join(self.root, path.lstrip('/'))

    def status(self, path, follow=True):
        """As Host.status, of files that are root's and kept by root unless ``owners`` ({path: (uid, mode)}) says else.

        /proc/PID/exe leads to the file itself, as in the kernel, by whatever name it has.
        """
        owner, mode = self.owners.get(path, (0, 0o755))
        deleted = False
        if follow and re.match('/proc/[0-9]+/exe$', path):
            path = self.host.readlink(path) or '/nothing'
            deleted = path.endswith(' (deleted)')
            path = path.replace(' (deleted)', '')
            owner, mode = self.owners.get(path, (owner, mode))
        # The root of a process is the node's own, but for what a test puts below it.
        below = re.match('/proc/[0-9]+/root(/.*)', path)
        if below and not os.path.lexists(self.path(path)):
            path = below.group(1)
            owner, mode = self.owners.get(path, (owner, mode))
        # So is the directory that it works in.
        at_work = re.match('(/proc/[0-9]+/cwd)(/.*)', path)
        if at_work:
            path = (self.host.readlink(at_work.group(1)) or '/nothing') + at_work.group(2)
            owner, mode = self.owners.get(path, (owner, mode))
        target = self.path(path)
        try:
            found = os.stat(target) if follow else os.lstat(target)
        except OSError:
            return None
        return Status(owner, _USERS, stat.S_IFMT(found.st_mode) | mode, found.st_dev, found.st_ino + deleted,
                      found.st_size, found.st_mtime)

    def link(self, path, target):
        """A symbolic link, in place of what was there."""
        link = self.path(path)
        if not os.path.isdir(os.path.dirname(link)):
            os.makedirs(os.path.dirname(link))
        if os.path.lexists(link):
            os.unlink(link)
        os.symlink(target, link)

    def user_namespace(self, pid, number=4026531837):
        self.link('/proc/%s/ns/user' % pid, 'user:[%d]' % number)

    def program(self, path, text=''):
        """A program that a package installed; one in another's root is below /proc/PID/root."""
        if not self.host.exists(path):
            self.file(path, text)

    def file(self, path, text):
        # By few system calls: the tests write some 100,000 of these.
        target, flags = self.path(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        try:
            descriptor = os.open(target, flags, 0o666)
        except OSError:
            os.makedirs(os.path.dirname(target))
            descriptor = os.open(target, flags, 0o666)
        try:
            os.write(descriptor, to_bytes(text))
        finally:
            os.close(descriptor)

    def process(self, pid, name, ppid=1, exe=None, cmdline=(), adj=0, uid=0, cgroup='', rss_kb=0, swap_kb=0,
                start_ticks=None, flags=0, environ=''):
        directory = '/proc/%d/' % pid
        self.file(directory + 'stat', '%d (%s) S %d 1 1 0 -1 %d 0 0 0 0 0 0 0 0 20 0 1 0 %d 0 0\n' % (
            pid, name, ppid, flags, start_ticks or pid * 10))
        self.file(directory + 'status', (
            'Name:\t%s\nUid:\t%d\t%d\t%d\t%d\nVmRSS:\t%8d kB\nVmPTE:\t      20 kB\nVmSwap:\t%8d kB\n'
            % (name, uid, uid, uid, uid, rss_kb, swap_kb)))
        self.file(directory + 'cmdline', ''.join(word + '\0' for word in cmdline))
        self.file(directory + 'oom_score', '%d\n' % 435)
        self.file(directory + 'oom_score_adj', '%d\n' % adj)
        self.file(directory + 'cgroup', cgroup)
        self.file(directory + 'environ', environ)
        link = self.path(directory + 'exe')
        if os.path.lexists(link):
            os.unlink(link)
        self.user_namespace(pid)
        if exe:
            self.link(directory + 'exe', exe)
            if not exe.endswith(' (deleted)'):
                self.program(exe)
        script = script_of(list(cmdline)) if exe and is_interpreter(base_name(exe)) else None
        if script and script.startswith('/'):
            self.program(script)

    def adj(self, pid):
        with open(self.path('/proc/%d/oom_score_adj' % pid)) as stream:
            return stream.read().strip()

    def unit(self, name, text, aliases=(), directory='/usr/lib/systemd/system'):
        self.file('%s/%s' % (directory, name), text)
        for alias in (name,) + tuple(aliases):
            self.units[alias] = name
        self.reload()

    def files(self):
        """{path: text} of all files outside of /proc."""
        found = {}
        for directory, _names, names in os.walk(self.root):
            if '/proc' not in directory:
                for name in names:
                    with open(os.path.join(directory, name)) as stream:
                        found[os.path.join(directory, name)[len(self.root):]] = stream.read()
        return found

    def reload(self):
        made = [name for name in self.host.listdir('/etc/systemd/system') if name.endswith('.service')]
        self.loaded = dict((name, self._load(name)) for name in list(self.units.values()) + made)

    def _show(self, name):
        found = self.loaded.get(self.units.get(name, name))
        if found is None:
            return {'Id': name, 'LoadState': 'not-found'}
        found = dict(found, NeedDaemonReload='no' if self.host.exists(found['FragmentPath'])
                     and self._load(found['Id']) == found else 'yes')
        if name in self.active:
            found['ActiveState'] = 'active'
        return found

    def _load(self, name):
        fragment = next(directory for directory in ('/etc/systemd/system', '/usr/lib/systemd/system')
                        if self.host.exists('%s/%s' % (directory, name))) + '/' + name
        drop_ins = []
        for directory in ('/etc/systemd/system/', '/usr/lib/systemd/system/'):
            drop_ins += ['%s%s.d/%s' % (directory, name, entry)
                         for entry in self.host.listdir('%s%s.d' % (directory, name))]
        drop_ins.sort(key=os.path.basename)
        found = {'Id': name, 'LoadState': 'loaded', 'FragmentPath': fragment, 'DropInPaths': ' '.join(drop_ins),
                 'OOMScoreAdjust': '0', 'Restart': 'no', 'MainPID': '0'}
        for path in [fragment] + drop_ins:
            found.update(re.findall(r'^(OOMScoreAdjust|Restart|OOMPolicy|MainPID|ActiveState|UnitFileState)=(.*)$',
                                    self.host.read(path), re.MULTILINE))
            for command in re.findall(r'^ExecStart=(.+)$', self.host.read(path), re.MULTILINE):
                found['ExecStart'] = '{ path=%s ; argv[]=%s ; ignore_errors=no ; start_time=[n/a] ; pid=0 }' % (
                    command.split()[0], command)
        return found

    def run(self, argv):
        self.commands.append(' '.join(argv))
        if argv[1] == '--version':
            return 0, 'systemd %d (%d.39-1)\n+PAM\n' % (self.version, self.version), ''
        if argv[1] == 'list-units':
            patterns = [pattern.replace('*', '') for pattern in argv if '*' in pattern]
            names = [name for name in sorted(self.loaded) if any(
                name.startswith(pattern.replace('.service', '')) for pattern in patterns)]
            return 0, ''.join('%s loaded failed failed MariaDB\n' % name for name in names), ''
        if argv[1] == 'daemon-reload':
            self.reload()
        elif argv[1] == 'show':
            return 0, ''.join('%s=%s\n' % item for item in self._show(argv[-1]).items()), ''
        elif argv[1] == 'restart':
            self.active.add(argv[-1])
        elif argv[1] == 'enable':
            self.file('/etc/systemd/system/multi-user.target.wants/' + argv[-1], '')
        elif argv[1] == 'disable':
            self.active.discard(argv[-1])
            link = self.path('/etc/systemd/system/multi-user.target.wants/' + argv[-1])
            if os.path.exists(link):
                os.unlink(link)
        return 0, '', ''


def seed_node(root):
    """The host of the case that the collection grew from: CentOS 7, Docker 18, mysqld in a container."""
    node = Node(root, version=219).systemd()
    container = v1('/docker/' + CONTAINER)
    service = v1('/system.slice/docker.service')
    node.process(1, 'systemd', ppid=0, exe='/usr/lib/systemd/systemd', cgroup=v1('/'))
    node.process(2, 'kthreadd', ppid=0, flags=0x208040)
    node.process(840, 'dockerd', exe='/usr/bin/dockerd', cmdline=['/usr/bin/dockerd'], adj=-500, cgroup=service)
    node.process(7966, 'docker-containe', ppid=840, exe='/usr/bin/docker-containerd',
                 cmdline=['docker-containerd', '--config', '/var/run/docker/containerd/containerd.toml'], adj=-500,
                 cgroup=service)
    node.process(13020, 'docker-containe', ppid=7966, exe='/usr/bin/docker-containerd-shim',
                 cmdline=['docker-containerd-shim', '-namespace', 'moby'], adj=-500, cgroup=service)
    node.process(13036, 'mysqld', ppid=13020, exe='/usr/sbin/mysqld', cmdline=['mysqld'], uid=999, rss_kb=440332,
                 cgroup=container)
    node.process(13257, 'docker-containe', ppid=7966, exe='/usr/bin/docker-containerd-shim',
                 cmdline=['docker-containerd-shim', '-namespace', 'moby'], adj=-500, cgroup=service)
    node.process(13360, 'php', ppid=13257, exe='/usr/local/bin/php', cmdline=['php', '/usr/bin/composer', 'update'],
                 rss_kb=306652, cgroup=v1('/docker/' + 'c0' * 32))
    node.file('/var/lib/docker/containers/%s/config.v2.json' % CONTAINER,
              '{"ID": "%s", "Name": "/mysql", "Config": {"Labels": {}}}' % CONTAINER)
    node.file('/var/lib/docker/containers/%s/hostconfig.json' % CONTAINER, '{"OomScoreAdj": 0}')
    return node
