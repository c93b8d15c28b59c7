# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files.reader import OneMoment
from ansible_collections.oom.rescue.plugins.module_utils._node.managers import manager_of
from ansible_collections.oom.rescue.plugins.module_utils._node.processes import process
from fake_node import CONTAINER, Node, seed_node, v1, v2

SHIM = '/usr/bin/containerd-shim-runc-v2'
CONMON = ['/usr/bin/conmon', '--api-version', '1', '-c', CONTAINER, '-u', CONTAINER, '-n', 'db', '-b', '/run/bundle']


def manager(node, pid):
    found = manager_of(node.host, process(node.host, pid))
    return tuple(found.get(key) for key in ('kind', 'name', 'container_id', 'unit', 'user'))


def test_the_seed_s_mysqld_is_in_a_docker_container_and_its_dockerd_under_systemd(tmp_path):
    node = seed_node(tmp_path)
    assert manager(node, 13036) == ('docker', 'mysql', CONTAINER, None, None)
    assert manager(node, 13360) == ('docker', 'c0c0c0c0c0c0', 'c0' * 32, None, None)
    assert manager(node, 840) == ('systemd', 'docker.service', None, 'docker.service', None)
    assert manager(node, 13020) == ('systemd', 'docker.service', None, 'docker.service', None)


@pytest.mark.parametrize('cgroup, expected', [
    (v2('/system.slice/mariadb.service'), ('systemd', 'mariadb.service', None, 'mariadb.service', None)),
    (v1('/system.slice/mariadb.service'), ('systemd', 'mariadb.service', None, 'mariadb.service', None)),
    (v2('/system.slice/system-mariadb.slice/mariadb@blog.service'),
     ('systemd', 'mariadb@blog.service', None, 'mariadb@blog.service', None)),
    (v2('/db.slice/db-fast.slice/mysqld.service/inner'), ('systemd', 'mysqld.service', None, 'mysqld.service', None)),
    (v2('/user.slice/user-1000.slice/session-3.scope'), ('none', None, None, 'session-3.scope', None)),
    (v2('/user.slice/user-1000.slice/user@1000.service/app.slice/mariadb.service'),
     ('systemd', 'mariadb.service', None, 'mariadb.service', 1000)),
    (v2('/user.slice/user-1000.slice/user@1000.service/init.scope'),
     ('none', None, None, 'init.scope', 1000)),
    (v2('/lxc.payload.web/system.slice/mariadb.service'), ('none', None, None, None, None)),
    (v1('/lxc/web/system.slice/mariadb.service'), ('none', None, None, None, None)),
    (v2('/machine.slice/systemd-nspawn@web.service/payload/system.slice/mariadb.service'),
     ('none', None, None, 'systemd-nspawn@web.service', None)),
    (v2('/system.slice/cron.service'), ('none', None, None, 'cron.service', None)),
    (v2('/system.slice/docker-%s.scope' % CONTAINER),
     ('docker', CONTAINER[:12], CONTAINER, 'docker-%s.scope' % CONTAINER, None)),
    (v2('/docker/' + CONTAINER), ('docker', CONTAINER[:12], CONTAINER, None, None)),
    (v1('/docker/%s/docker/%s' % ('ab' * 32, CONTAINER)), ('docker', CONTAINER[:12], CONTAINER, None, None)),
    (v2('/machine.slice/libpod-%s.scope/container' % CONTAINER),
     ('podman', CONTAINER[:12], CONTAINER, 'libpod-%s.scope' % CONTAINER, None)),
    (v1('/libpod_parent/libpod-' + CONTAINER), ('podman', CONTAINER[:12], CONTAINER, None, None)),
    (v2('/system.slice/db.service/libpod-payload-' + CONTAINER),
     ('podman', CONTAINER[:12], CONTAINER, 'db.service', None)),
    (v2('/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-%s.scope/container' % CONTAINER),
     ('podman', CONTAINER[:12], CONTAINER, 'libpod-%s.scope' % CONTAINER, 1000)),
    (v1('/kubepods/burstable/pod11111111-2222-3333-4444-555555555555/' + CONTAINER),
     ('kubernetes', '11111111-2222-3333-4444-555555555555', CONTAINER, None, None)),
    (v2('/kubepods.slice/kubepods-besteffort.slice/'
        'kubepods-besteffort-pod11111111_2222_3333_4444_555555555555.slice/cri-containerd-%s.scope' % CONTAINER),
     ('kubernetes', '11111111-2222-3333-4444-555555555555', CONTAINER, 'cri-containerd-%s.scope' % CONTAINER, None)),
    (v2('/kubepods.slice/kubepods-pod11111111_2222_3333_4444_555555555555.slice/crio-%s.scope' % CONTAINER),
     ('kubernetes', '11111111-2222-3333-4444-555555555555', CONTAINER, 'crio-%s.scope' % CONTAINER, None)),
    ('9:memory:/docker/%s\n1:name=systemd:/system.slice/containerd.service\n' % CONTAINER,
     ('docker', CONTAINER[:12], CONTAINER, None, None)),
    (v2('/system.slice/web.service/systemd-nspawn@db.service'), ('none', None, None, None, None)),
    (v2('/system.slice/web.service/mysqld.service'), ('systemd', 'web.service', None, 'web.service', None)),
    (v2('/system.slice/system-mysqld.slice/mysqld@tcp:docker:3306.service'),
     ('systemd', 'mysqld@tcp:docker:3306.service', None, 'mysqld@tcp:docker:3306.service', None)),
    (v2('/system.slice/web.service/systemd-nspawn@db.service/supervisor'),
     ('systemd', 'web.service', None, 'web.service', None)),
    (v2('/machine.slice/machine-qemu\\x2ddb.scope/emulator'),
     ('none', None, None, 'machine-qemu\\x2ddb.scope', None)),
    (v2('/'), ('none', None, None, None, None)),
    ('', ('none', None, None, None, None)),
], ids=[
    'systemd on version 2', 'systemd on version 1', 'an instance of a template', 'slices of the administrator',
    'a login session', 'a user\'s unit', 'a user\'s manager itself', 'a guest of LXC', 'a guest of LXC on version 1',
    'a guest of nspawn', 'a crontab', 'docker under systemd', 'docker without', 'docker in docker',
    'podman', 'podman on version 1', 'podman in a unit', 'podman without root', 'a pod', 'a pod of containerd',
    'a pod of CRI-O', 'docker in some hierarchies', 'a guest of a name that a service chose',
    'a unit of a name that a service chose', 'an instance with colons', 'a supervisor of a name that a service chose',
    'a virtual machine', 'nothing', 'no cgroups at all',
])
def test_the_cgroup_tells_the_manager(tmp_path, cgroup, expected):
    node = Node(tmp_path)
    node.process(400, 'containerd-shim', exe=SHIM, cmdline=[SHIM, '-namespace', 'moby'])
    node.process(500, 'mysqld', ppid=400, exe='/usr/sbin/mysqld', cgroup=cgroup)
    assert manager(node, 500) == expected


SLICE = '/user.slice/user-1000.slice/user@1000.service/app.slice/'


@pytest.mark.parametrize('cgroup, parent, expected', [
    (v2('/docker/' + CONTAINER), {}, ('none', None, None)),
    (v2('/system.slice/docker-%s.scope' % CONTAINER), {}, ('none', None, None)),
    (v2('/machine.slice/libpod-%s.scope/container' % CONTAINER), {}, ('none', None, None)),
    (v2('/docker/' + CONTAINER), {'uid': 1000}, ('none', None, None)),
    (v2('/docker/' + CONTAINER), {'exe': '/home/eve/containerd-shim-runc-v2'}, ('none', None, None)),
    (v2('/docker/' + CONTAINER), {'namespace': 4026532500}, ('none', None, None)),
    (v2(SLICE + 'docker/' + CONTAINER), {}, ('docker', CONTAINER[:12], 1000)),
    (v2(SLICE + 'libpod-%s.scope' % CONTAINER), {'uid': 1000}, ('podman', CONTAINER[:12], 1000)),
    (v2(SLICE + 'databases/' + CONTAINER), {'uid': 1000}, ('none', None, None)),
], ids=['a cgroup alone', 'a scope alone', 'a scope of podman alone', 'a shim of a user', 'a shim that a user made',
        'a shim of root in a namespace of a user', 'a user below his own delegated cgroup', 'podman without root',
        'an id that says nothing'])
def test_a_container_is_what_root_s_monitor_started_or_a_user_s_own(tmp_path, cgroup, parent, expected):
    node = Node(tmp_path)
    parent = dict({'uid': 0, 'exe': SHIM, 'namespace': 4026531837}, **parent)
    node.owners.update({'/home/eve': (1000, 0o755), '/home/eve/containerd-shim-runc-v2': (1000, 0o755)})
    if parent['uid'] or parent['exe'] != SHIM or parent['namespace'] != 4026531837:
        node.process(400, 'containerd-shim', exe=parent['exe'], uid=parent['uid'],
                     cmdline=[SHIM, '-namespace', 'moby', '-id', CONTAINER])
        node.user_namespace(400, parent['namespace'])
    node.process(500, 'mysqld', ppid=400, exe='/usr/sbin/mysqld', cgroup=cgroup)
    node.file('/var/lib/docker/containers/%s/config.v2.json' % CONTAINER, '{"Name": "/mysql"}')
    found = manager(node, 500)
    assert (found[0], found[1], found[4]) == expected


def test_the_monitor_s_own_container_counts_and_not_another_one_s_cgroup(tmp_path):
    node = Node(tmp_path)
    node.process(400, 'containerd-shim', exe=SHIM, cmdline=[SHIM, '-namespace', 'moby', '-id', 'ab' * 32])
    node.process(500, 'mysqld', ppid=400, exe='/usr/sbin/mysqld', cgroup=v1('/docker/' + CONTAINER))
    assert manager(node, 500)[2] == 'ab' * 32


@pytest.mark.parametrize('parent, cmdline, expected', [
    ('/usr/bin/containerd-shim-runc-v2', ['/usr/bin/containerd-shim-runc-v2', '-namespace', 'moby'], 'docker'),
    ('/usr/bin/containerd-shim-runc-v2', ['/usr/bin/containerd-shim-runc-v2', '-namespace', 'k8s.io'], 'kubernetes'),
    ('/usr/bin/docker-containerd-shim', ['docker-containerd-shim', CONTAINER], 'docker'),
    ('/usr/bin/conmon', CONMON, 'podman'),
    ('/usr/bin/bash', ['bash'], 'none'),
])
def test_under_a_cgroup_parent_of_the_user_s_the_shim_tells_the_engine(tmp_path, parent, cmdline, expected):
    node = Node(tmp_path)
    node.process(400, parent.rpartition('/')[2][:15], exe=parent, cmdline=cmdline, cgroup=v1('/'))
    node.process(500, 'mysqld', ppid=400, exe='/usr/sbin/mysqld', cgroup=v1('/databases/' + CONTAINER))
    assert manager(node, 500)[0] == expected


def test_conmon_names_a_container_that_no_cgroup_shows(tmp_path):
    node = Node(tmp_path)
    session = v1('/user.slice/user-0.slice/session-3.scope')
    node.process(400, 'conmon', exe='/usr/bin/conmon', cmdline=CONMON, cgroup=session)
    node.process(500, 'mariadbd', ppid=400, exe='/usr/sbin/mariadbd', cgroup=session)
    assert manager(node, 500)[:3] == ('podman', 'db', CONTAINER)


def test_a_conmon_of_a_user_names_nothing(tmp_path):
    node = Node(tmp_path)
    session = v1('/user.slice/user-1000.slice/session-3.scope')
    node.process(400, 'conmon', exe='/usr/bin/conmon', uid=1000, cmdline=CONMON, cgroup=session)
    node.process(500, 'mariadbd', ppid=400, exe='/usr/sbin/mariadbd', cgroup=session)
    assert manager(node, 500)[:3] == ('none', None, None)


def test_a_supervisord_wins_over_the_unit_that_it_runs_in(tmp_path):
    node = Node(tmp_path)
    service = v2('/system.slice/supervisor.service')
    node.process(400, 'supervisord', exe='/usr/bin/python3.11', cgroup=service,
                 cmdline=['/usr/bin/python3', '/usr/bin/supervisord', '-n', '-c', '/etc/supervisor/supervisord.conf'])
    node.process(450, 'mysqld_safe', ppid=400, exe='/usr/bin/dash', cgroup=service)
    node.process(500, 'mysqld', ppid=450, exe='/usr/sbin/mysqld', cgroup=service,
                 environ='PATH=/bin\0SUPERVISOR_PROCESS_NAME=other\0')
    node.file('/proc/450/environ', 'PATH=/bin\0SUPERVISOR_PROCESS_NAME=db\0')
    assert manager(node, 500) == ('supervisord', 'db', None, 'supervisor.service', None)
    node.file('/proc/450/environ', 'SUPERVISOR_PROCESS_NAME=../db]\n[x\0')
    assert manager(node, 500)[:2] == ('supervisord', 'mysqld_safe')


@pytest.mark.parametrize('uid, exe, script, owners', [
    (1000, '/usr/bin/python3.11', '/usr/bin/supervisord', {}),
    (0, '/usr/bin/python3.11', '/home/eve/supervisord', {'/home/eve': (1000, 0o755)}),
    (0, '/home/eve/supervisord', '', {'/home/eve': (1000, 0o755)}),
    (0, '/usr/bin/python3.11', '/usr/bin/supervisord', {'/usr/bin/supervisord': (0, 0o775)}),
    (0, '/usr/bin/python3.11', 'supervisord', {}),
    (0, '/usr/bin/sleep', '/usr/bin/supervisord', {}),
], ids=['a user', 'a script of a user', 'an executable of a user', 'a script that a group may write',
        'a script from nowhere', 'another program'])
def test_a_supervisord_that_is_not_root_s_is_no_manager(tmp_path, uid, exe, script, owners):
    node = Node(tmp_path)
    node.owners.update(owners)
    node.process(400, 'supervisord', exe=exe, uid=uid, cmdline=['supervisord', script, '-c', '/home/eve/evil.conf'])
    node.process(500, 'mysqld', ppid=400, exe='/usr/sbin/mysqld')
    assert manager(node, 500)[0] == 'none'


@pytest.mark.parametrize('init, scripts, ppid, expected', [
    ('init', ['mysql'], 400, ('sysv', 'mysql')),
    ('init', ['mariadb', 'mysql'], 1, ('sysv', 'mariadb')),
    ('init', [], 400, ('none', None)),
    ('systemd', ['mysql'], 400, ('none', None)),
], ids=['mysqld_safe over it', 'itself a daemon', 'no script', 'systemd as init'])
def test_an_init_script_counts_where_init_is_not_systemd(tmp_path, init, scripts, ppid, expected):
    node = Node(tmp_path)
    node.process(1, init, ppid=0, cgroup='')
    node.process(400, 'mysqld_safe', exe='/usr/bin/dash')
    node.process(500, 'mysqld', ppid=ppid, exe='/usr/sbin/mysqld')
    for script in scripts:
        node.file('/etc/init.d/' + script, '#!/bin/sh\n')
    assert manager(node, 500)[:2] == expected


@pytest.mark.parametrize('name, exe', [('../../tmp/sx', '/usr/sbin/sx'), ('..', '/usr/sbin/..'), ('x', '/tmp/a b')])
def test_a_process_s_own_name_is_no_path_of_a_script(tmp_path, name, exe):
    node = Node(tmp_path)
    node.process(1, 'init', ppid=0)
    node.file('/tmp/sx', '. /etc/default/anything\n')
    node.file('/etc/init.d/other', '')
    node.process(500, name, cmdline=[name])
    node.link('/proc/500/exe', exe)
    assert manager(node, 500)[:2] == ('none', None)


def test_a_script_that_others_may_write_is_no_manager(tmp_path):
    node = Node(tmp_path)
    node.process(1, 'init', ppid=0)
    node.file('/etc/init.d/mysql', '')
    node.owners['/etc/init.d/mysql'] = (0, 0o775)
    node.process(500, 'mysqld', exe='/usr/sbin/mysqld')
    assert manager(node, 500)[:2] == ('none', None)


@pytest.mark.parametrize('init', ['/docker/%s' % CONTAINER, '/docker/%s/init.scope' % CONTAINER])
def test_in_a_container_the_container_s_own_cgroup_is_no_manager(tmp_path, init):
    node = Node(tmp_path)
    node.process(1, 'systemd', ppid=0, cgroup=v1(init))
    node.process(500, 'mysqld', exe='/usr/sbin/mysqld',
                 cgroup=v1('/docker/%s/system.slice/mariadb.service' % CONTAINER))
    assert manager(node, 500) == ('systemd', 'mariadb.service', None, 'mariadb.service', None)


POD = 'kubepods-burstable-pod11111111_2222_3333_4444_555555555555.slice:cri-containerd:' + CONTAINER


@pytest.mark.parametrize('cgroup, kind', [
    ('/system.slice/containerd.service/' + POD, 'kubernetes'),
    ('/system.slice/docker.service/buildkit/u6s5wk2jfsygfy3gpbdqyq1hm', 'none'),
    ('/system.slice/lxc.service/lxc/web/system.slice/mysql.service', 'none'),
    ('/system.slice/nomad.service/nomad/11111111-2222-3333-4444-555555555555-db', 'none'),
    ('/system.slice/web.service/docker/' + CONTAINER, 'none'),
], ids=['a pod', 'a build', 'a guest', 'a task', 'a container that is not proven'])
@pytest.mark.parametrize('init', ['systemd', 'init'])
def test_what_is_in_a_container_is_of_no_unit_and_no_script_of_the_host(tmp_path, cgroup, kind, init):
    node = Node(tmp_path)
    node.process(1, init, ppid=0)
    node.file('/etc/init.d/mysql', '')
    node.process(500, 'mysqld', exe='/usr/sbin/mysqld', cgroup=v2(cgroup))
    found = manager(node, 500)
    assert (found[0], found[3]) == (kind, None)


def names_of_twins(node, parent):
    """The names of the managers of two processes that are alike but for their pid, read at one moment."""
    for pid in (500, 501):
        node.process(pid, 'worker', ppid=parent, exe='/usr/bin/worker', cgroup=v2('/system.slice/workers.service'),
                     environ='SUPERVISOR_PROCESS_NAME=number%d\0' % pid)
    host = OneMoment(node.host)
    return [manager_of(host, process(host, pid))['name'] for pid in (500, 501)]


def test_processes_that_are_alike_share_what_is_told_of_their_manager(tmp_path):
    node = Node(tmp_path)
    assert names_of_twins(node, 1) == ['workers.service'] * 2
    host = OneMoment(node.host)
    one, other = [manager_of(host, process(host, pid)) for pid in (500, 501)]
    assert one is other


def test_programs_of_a_supervisord_are_told_apart_though_they_are_alike(tmp_path):
    node = Node(tmp_path)
    node.process(400, 'supervisord', exe='/usr/bin/python3.11', cmdline=['/usr/bin/python3', '/usr/bin/supervisord'])
    assert names_of_twins(node, 400) == ['number500', 'number501']


def test_a_service_and_what_writes_its_log_are_told_apart_though_they_are_alike(tmp_path):
    node = under_runsv(tmp_path, log_pid=501)
    names_of_twins(node, 400)
    host = OneMoment(node.host)
    assert [manager_of(host, process(host, pid))['directory'] for pid in (500, 501)] == [
        '/etc/sv/db', '/etc/sv/db/log']


def under_runsv(tmp_path, exe='/usr/bin/runsv', uid=0, log_pid=None, cgroup=''):
    """MariaDB as the service db of what ``exe`` is, under an init that is no systemd."""
    node = Node(tmp_path)
    node.process(1, 'runit', ppid=0)
    node.process(400, exe.rpartition('/')[2], exe=exe, uid=uid, cgroup=cgroup, cmdline=[exe.rpartition('/')[2], 'db'])
    node.link('/proc/400/cwd', '/etc/sv/db')
    node.file('/etc/sv/db/run', '#!/bin/sh\nexec mariadbd\n')
    node.file('/etc/sv/db/log/run', '#!/bin/sh\nexec svlogd /var/log/db\n')
    if log_pid:
        node.file('/etc/sv/db/log/supervise/pid', '%d\n' % log_pid)
    node.process(450, 'mysqld_safe', ppid=400, exe='/usr/bin/dash', cgroup=cgroup)
    node.process(500, 'mariadbd', ppid=450, exe='/usr/sbin/mariadbd', cgroup=cgroup)
    return node


@pytest.mark.parametrize('exe, kind', [('/usr/bin/runsv', 'runit'), ('/usr/bin/supervise', 'daemontools'),
                                       ('/usr/bin/s6-supervise', 's6')])
@pytest.mark.parametrize('cgroup', ['', v2('/system.slice/runit.service')])
def test_what_keeps_a_service_directory_running_is_its_manager(tmp_path, exe, kind, cgroup):
    node = under_runsv(tmp_path, exe, cgroup=cgroup)
    assert manager(node, 500)[:2] == (kind, 'db')
    assert manager_of(node.host, process(node.host, 500))['directory'] == '/etc/sv/db'


def test_what_writes_a_service_s_log_has_a_directory_of_its_own(tmp_path):
    node = under_runsv(tmp_path, log_pid=450)
    assert manager_of(node.host, process(node.host, 500))['directory'] == '/etc/sv/db/log'


@pytest.mark.parametrize('words, expected', [
    (['runsv', 'db'], ('runit', 'db')), (['/bin/runsv', 'db'], ('runit', 'db')), (['sh', 'runsv'], ('none', None)),
    ([], ('none', None)),
])
def test_a_runsv_of_busybox_is_one(tmp_path, words, expected):
    node = under_runsv(tmp_path)
    node.process(400, 'runsv', exe='/bin/busybox', cmdline=words)
    assert manager(node, 500)[:2] == expected


def of_a_user(node):
    node.process(400, 'runsv', exe='/usr/bin/runsv', uid=1000)


def of_a_user_s_file(node):
    node.process(400, 'runsv', exe='/home/eve/runsv')
    node.owners['/home/eve'] = (1000, 0o755)


def in_a_removed_directory(node):
    node.link('/proc/400/cwd', '/etc/sv/db (deleted)')


@pytest.mark.parametrize('spoil', [of_a_user, of_a_user_s_file, in_a_removed_directory])
def test_a_runsv_that_is_not_root_s_is_no_manager(tmp_path, spoil):
    node = under_runsv(tmp_path)
    spoil(node)
    assert manager(node, 500)[:2] == ('none', None)


def test_a_directory_of_a_guest_is_not_the_one_of_that_path_here(tmp_path):
    node = under_runsv(tmp_path)
    status = node.host.status
    node.host.status = lambda path, follow=True: status(
        '/etc/sv/db/log/run' if path == '/proc/400/cwd/run' else path, follow)
    assert manager(node, 500)[:2] == ('none', None)
