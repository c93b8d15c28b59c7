# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine with a systemd that runs, in a container: a user has a service manager, units, scopes and cgroups there."""

import json
import os
import pathlib
import re
import subprocess
import sys
import time

import pytest
from victim import REPOSITORY

EVE = 1500
ID = '5f' * 32
SERVER = '/usr/local/sbin/mysqld'
# The keeper gives scores every five seconds.
KEEPER_SECONDS = 7
_SETUP = r'''
set -eu
useradd --create-home --uid 1500 --shell /bin/sh eve
mkdir -p /etc/systemd/system/user@.service.d /run/user/1500 /var/lib/docker/containers/%(id)s
printf '[Service]\nEnvironment=XDG_RUNTIME_DIR=/run/user/%%%%i\n' > /etc/systemd/system/user@.service.d/x.conf
chown eve: /run/user/1500
chmod 700 /run/user/1500
printf '{"ID":"%(id)s","Name":"/mysql"}' > /var/lib/docker/containers/%(id)s/config.v2.json
cp /usr/bin/sleep %(server)s
cp /usr/bin/sleep /home/eve/mysqld
chown eve: /home/eve/mysqld
# What an administrator made for her, with cgroups of its own.
printf '[Service]\nUser=eve\nDelegate=yes\nExecStart=/bin/sh /home/eve/start-%%%%i\n' > /etc/systemd/system/eve@.service
# An honest server that no unit is the unit of, so that our own keeper gives it its score.
printf '[Service]\nExecStart=/bin/sh -c "%(server)s 9999 & wait"\n' > /etc/systemd/system/app.service
systemctl daemon-reload
systemctl start user@1500.service app.service mariadb.service
''' % {'id': ID, 'server': SERVER}
_PLAY = [{'hosts': 'all', 'gather_facts': False, 'tasks': [
    {'oom.rescue.oom_score_adj': dict(target, value=300, keep=True), 'register': 'run', 'ignore_errors': True}
    for target in ({'process': 'mysqld'}, {'unit': 'mariadb.service'}, {'container': 'mysql'}, {'container': ID})]}]
_UNDO = [{'hosts': 'all', 'gather_facts': False, 'tasks': [
    {'oom.rescue.oom_score_adj': {'process': 'mysqld', 'state': 'absent', 'recorded': True}}]}]


class Machine:
    """The container; ``tree`` is the collection that root's playbooks there are of."""

    def __init__(self, tree, directory):
        self._tree, self._directory, self.name = tree, directory, 'attacks-systemd-%d' % os.getpid()
        image = subprocess.run([REPOSITORY / 'molecule/images/build', 'bookworm'], check=True, text=True,
                               stdout=subprocess.PIPE).stdout.strip()
        subprocess.run(['podman', '--runtime=runc', 'run', '--detach', '--rm', '--systemd=always', '--privileged',
                        '--name', self.name, '--hostname', 'victim', '--network=none', '--ulimit', 'nofile=1024:1024',
                        '--ulimit', 'nproc=4096:4096', '--volume', '/dev/null:/dev/kmsg', image, '/sbin/init'],
                       check=True, stdout=subprocess.DEVNULL)
        self.wait_for('systemctl is-system-running | grep -qE "running|degraded"')
        self.root(_SETUP)

    def close(self):
        subprocess.run(['podman', 'rm', '--force', '--time=0', self.name], check=False, stdout=subprocess.DEVNULL)

    def root(self, script, check=True, user=()):
        """What a script of root's there prints."""
        done = subprocess.run(['podman', 'exec', self.name, *user, 'sh', '-c', script], check=False, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert not check or done.returncode == 0, done.stdout
        return done.stdout

    def eve(self, script, check=True):
        """What a script of hers prints; her own manager answers her."""
        return self.root('cd /home/eve; ' + script, check, (
            'setpriv', '--reuid=%d' % EVE, '--regid=%d' % EVE, '--clear-groups', '--inh-caps=-all', 'env',
            'HOME=/home/eve', 'XDG_RUNTIME_DIR=/run/user/%d' % EVE))

    def wait_for(self, script):
        for _attempt in range(200):
            if subprocess.run(['podman', 'exec', self.name, 'sh', '-c', script], check=False,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
                return
            time.sleep(0.3)
        raise AssertionError('nothing came of it: ' + script)

    def play(self, plays):
        """What ansible-playbook prints of plays."""
        (self._directory / 'play.json').write_text(json.dumps(plays))
        (self._directory / 'hosts.json').write_text(json.dumps({'all': {'hosts': {self.name: {
            'ansible_connection': 'containers.podman.podman', 'ansible_python_interpreter': '/usr/bin/python3',
            'ansible_become': False}}}}))
        environ = {key: value for key, value in os.environ.items() if not key.startswith('ANSIBLE_')}
        environ.update(ANSIBLE_COLLECTIONS_PATH=str(self._tree / '.cache/collections'), ANSIBLE_NOCOLOR='1')
        argv = [pathlib.Path(sys.executable).parent / 'ansible-playbook', '-v', '-i', self._directory / 'hosts.json',
                self._directory / 'play.json']
        done = subprocess.run(argv, check=False, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env=environ, timeout=300)
        assert 'Traceback' not in done.stdout, done.stdout[-1000:]
        return done.stdout

    def scores(self, uid):
        """{pid: (command, score)} of a user's processes there."""
        text = self.root('for p in /proc/[0-9]*; do [ "$(stat -c %%u $p 2>/dev/null)" = %d ] || continue; '
                         'echo "${p#/proc/} $(cat $p/oom_score_adj) $(tr "\\0" " " < $p/cmdline)"; done' % uid)
        rows = [line.split(' ', 2) for line in text.splitlines() if line.count(' ') > 1]
        return {int(pid): (command, score) for pid, score, command in rows}


@pytest.fixture(name='machine', scope='module')
def fixture_machine(request, tmp_path_factory):
    machine = Machine(pathlib.Path(request.config.getoption('--tree')).resolve(), tmp_path_factory.mktemp('systemd'))
    try:
        yield machine
    finally:
        machine.close()


def own_unit(name, start):
    """His script that starts a unit of his own manager, by its file."""
    return ("mkdir -p .config/systemd/user; printf '[Service]\\nExecStart=%%s\\nDelegate=yes\\n' '%s' > "
            "'.config/systemd/user/%s'; systemctl --user daemon-reload; systemctl --user start '%s'"
            % (start, name, name.replace('@.', '@%n.')))


def in_cgroup(path, number, program='/home/eve/mysqld'):
    """His script /home/eve/start-NUMBER, which runs in a cgroup of that path below its own, wherever that may be made.
    """
    return (
        "cat > start-%s <<'E'\n"
        'for group in $(sed -nE "s,^[0-9]+:name=systemd:(.*),/sys/fs/cgroup/systemd\\1,p; '
        's,^0::(.*),/sys/fs/cgroup/unified\\1 /sys/fs/cgroup\\1,p" /proc/self/cgroup); do '
        'mkdir -p "$group/%s" 2>/dev/null && echo $$ > "$group/%s/cgroup.procs"; done\nexec %s %s\nE\n'
        % (number, path, path, program, number))


def in_own_cgroup(path, number, program='/home/eve/mysqld'):
    return in_cgroup(path, number, program) + own_unit('a%s.service' % number, '/bin/sh /home/eve/start-%s' % number)


# {name: his script}; the number is the last argument of what he wants to have protected.
OWN_MANAGER = {
    'unit': own_unit('mysql.service', '/home/eve/mysqld 9001'),
    'unit of a real name': own_unit('mariadb.service', '/home/eve/mysqld 9002'),
    'unit with the real program': own_unit('mysqld.service', SERVER + ' 9003'),
    'instance with a specifier': own_unit('mariadb@.service', '/home/eve/mysqld 9004'),
    'slice': 'systemd-run --user --slice=system-mariadb.slice --unit=mysqld-slice.service /home/eve/mysqld 9005',
    'scope of a container': '(systemd-run --user --scope --unit=docker-%s %s 9006 > /dev/null 2>&1 &)' % (ID, SERVER),
    'scope of podman': '(systemd-run --user --scope --unit=libpod-%s /home/eve/mysqld 9007 > /dev/null 2>&1 &)' % ID,
    'cgroup of a container': in_own_cgroup('docker/' + ID, 9008),
    'cgroup of a unit': in_own_cgroup('system.slice/mariadb.service', 9009, SERVER),
    'cgroup of a unit with a rule': in_own_cgroup('system.slice/app.service', 9010, SERVER),
    'another program below the path': own_unit('b.service', (
        '/usr/bin/unshare --user --map-root-user --mount sh -c "mount --bind /home/eve/mysqld %s && exec %s 9011"'
        % (SERVER, SERVER))),
}
DELEGATED = {'unit': 'mariadb.service', 'slice': 'system.slice/mariadb.service', 'docker': 'docker/' + ID,
             'docker-scope': 'docker-%s.scope' % ID, 'libpod': 'libpod-%s.scope/container' % ID,
             'unit with a rule': 'app.service', 'unit of a manager': 'user@0.service/mariadb.service',
             'line end': 'x\u20280::/docker/' + ID, 'another line end': 'x\x0b1:name=systemd:/docker/' + ID}
_NUMBERS = {name: 9100 + place for place, name in enumerate(DELEGATED)}


@pytest.fixture(name='got', scope='module')
def fixture_got(machine):
    """{the number of an attack: the score that it got}, and of root's own server, after one run against all of them."""
    for script in OWN_MANAGER.values():
        machine.eve(script)
    for name, path in DELEGATED.items():
        machine.eve(in_cgroup(path, _NUMBERS[name], SERVER))
        machine.root('systemctl start eve@%d.service' % _NUMBERS[name])
    machine.wait_for('[ $(pgrep -u eve -fc "mysqld 9[01]") -ge %d ]' % (len(OWN_MANAGER) + len(DELEGATED)))
    machine.play(_PLAY)
    time.sleep(KEEPER_SECONDS)
    found = {command.split()[-1]: score for uid in (0, EVE) for command, score in machine.scores(uid).values()
             if command.split()[0].endswith('mysqld')}
    assert found['9999'] == '300', 'the honest server has no score'
    return found


@pytest.mark.parametrize('attack', list(OWN_MANAGER))
def test_what_a_users_own_manager_starts(got, attack):
    """A user's own systemd starts a server by the name, unit, slice, scope or cgroup of the real one, and keeps it."""
    (number,) = set(re.findall(r'mysqld (90\d\d)|start-(90\d\d)$', OWN_MANAGER[attack])[-1]) - {''}
    assert got[number] != '300', 'the protecting score'


@pytest.mark.parametrize('attack', list(DELEGATED))
def test_cgroups_that_a_system_service_was_given(got, attack):
    """A service that runs as the user, outside of user.slice, was given its cgroup (Delegate=): he makes one of a
    container's or another unit's name below it, and runs the real program there.
    """
    assert got[str(_NUMBERS[attack])] != '300', 'the protecting score'


def test_a_users_drop_ins_are_his(machine, got):
    """A user puts a drop-in of our name, with our first line, into his own manager's directories, for root to edit."""
    ours = '/etc/systemd/system/mariadb.service.d/50-oom-rescue.conf'
    his = '/home/eve/.config/systemd/user/mariadb.service.d'
    machine.eve('mkdir -p %s; cat %s > %s/50-oom-rescue.conf; ln -s %s %s/x.conf; systemctl --user daemon-reload'
                % (his, ours, his, ours, his))
    look = 'find %s -printf "%%p %%m %%u %%T@\\n"; cat %s/50*' % (his, his)
    before = machine.root(look)
    machine.play([dict(_PLAY[0], tasks=[dict(_PLAY[0]['tasks'][1])]), *_UNDO])
    assert got and machine.root(look) == before, 'an edit in his home'


REPORT = (REPOSITORY / 'tests/unit/fixtures/oom-linux-6.1.dmesg').read_text().splitlines()[:60]
_NATIVE = '_TRANSPORT=kernel\n_UID=0\n_COMM=systemd\nSYSLOG_IDENTIFIER=kernel\nSYSLOG_FACILITY=0\nPRIORITY=3\n'
JOURNAL = {'logger': 'logger -t kernel -p kern.err', 'systemd-cat': 'systemd-cat -t kernel -p err',
           'unit': 'systemd-run --user --quiet --unit=kernel -p SyslogIdentifier=kernel -p SyslogFacility=kern '
                   'sh -c "cat /home/eve/report; sleep 9"; sleep 2',
           'native': 'logger --journald=/dev/stdin'}


@pytest.fixture(name='told', scope='module')
def fixture_told(machine):
    """What a diagnosis of the journal says, after the kernel's report was written into it in each of these ways."""
    for name, how in JOURNAL.items():
        lines = [line.replace('python3', name) for line in REPORT]
        if name == 'native':
            lines = ['MESSAGE=%s\n%s' % (line, _NATIVE) for line in lines]
        machine.eve("cat > report <<'E'\n%s\nE\n%s < report" % ('\n'.join(lines), how), check=False)
    return machine.play([{'hosts': 'all', 'gather_facts': False, 'tasks': [
        {'oom.rescue.oom_log_info': {'sources': ['journal'], 'tasks': 0}, 'register': 'told'},
        {'ansible.builtin.debug': {'msg': 'verdict {{ told.verdict is none }}, trusted {{ told.events | selectattr('
                                          '"trusted", "equalto", true) | list | length }}'}}]}])


@pytest.mark.parametrize('how', list(JOURNAL))
def test_a_report_that_a_user_puts_into_the_journal(machine, told, how):
    """A user writes the kernel's report into the journal, by whatever way in there is."""
    assert 'invoked oom-killer' in machine.root('journalctl -q --no-pager | grep " %s invoked"' % how)
    assert 'verdict True, trusted 0' in told, 'a verdict by his word'
