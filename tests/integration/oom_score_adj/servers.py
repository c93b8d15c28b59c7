# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers in their managers, side by side in one virtual machine: how each is set up, found, and started again."""

import shlex
import textwrap

# Debian's server package runs mysql_install_db when it is installed, in the container's tree as well.
IMAGE = '/srv/mariadb.tar'
SERVER = '/usr/sbin/mysqld --user=mysql'
FIND = 'find etc usr/local var/lib/oom-rescue ! -name "*.cache"'


class Server:
    """One database server. ``pid`` is a shell command that prints its pid, ``by`` what the module says gives the score.

    ``kept`` is whether only the collection's own unit gives the score again, ``score`` what the manager starts it with;
    {key} in a command is an attribute.
    """

    name = kind = by = ''
    kept = False
    score = 0
    starts_again = True
    setup = pid = restart = ''
    # Who has to be named, because it is this user's own.
    user = None

    def __init__(self, guest):
        self.guest = guest
        for step in ('setup', 'pid', 'restart', 'by'):
            setattr(self, step, self._filled(textwrap.dedent(getattr(self, step))))

    def _filled(self, text):
        for key in ('key', 'engine', 'service', 'option', 'command', 'unit', 'as_app'):
            text = text.replace('{%s}' % key, getattr(self, key, ''))
        return text

    def up(self):
        self.guest.check('bash -ec %s > /tmp/out 2>&1 || { cat /tmp/out; exit 1; }' % shlex.quote(self.setup))

    def now(self, other_than='', score=''):
        """(pid, oom_score_adj): it waits for a server of another pid than ``other_than``, and 10 seconds for its score,
        the time in which what gives it again has to do so."""
        out = self.guest.check(textwrap.dedent("""
            for i in $(seq 300); do
                pid=$(%s) && [ "$pid" != "%s" ] && grep -qsxE "mysqld|mariadbd" /proc/$pid/comm && break
                pid=
                sleep 1
            done
            [ -n "$pid" ] || { ps ax; exit 1; }
            for i in $(seq 11); do s=$(cat /proc/$pid/oom_score_adj); [ "$s" = "%s" ] && break; sleep %d; done
            echo "$pid $s"
        """) % (self.pid, other_than, score, score != ''))
        return tuple(int(word) for word in out.split())


class Systemd(Server):
    name, kind = 'systemd', 'systemd'
    by = '/etc/systemd/system/{unit}.service.d/50-oom-rescue.conf'
    setup = 'systemctl unmask {unit}; systemctl enable --now {unit}'
    pid = 'systemctl show -p MainPID --value {unit}'
    restart = 'systemctl restart {unit}'

    def __init__(self, guest):
        self.unit = guest.check('for u in mariadb mysql; do systemctl cat $u > /dev/null 2>&1 && echo $u && break; '
                                'done').strip()
        super().__init__(guest)


class OwnData(Server):
    """A server of the machine with data of its own beside the unit's."""

    command = SERVER + (' --datadir=/srv/{key} --socket=/run/mysqld/{key}.sock --pid-file=/run/mysqld/{key}.pid')
    copy = 'cp -a /var/lib/mysql /srv/{key}\n'
    pid = 'cat /run/mysqld/{key}.pid'

    def __init__(self, guest):
        self.command = self.command.replace('{key}', self.key)
        self.setup = self.copy + textwrap.dedent(self.setup)
        super().__init__(guest)


class Sysv(OwnData):
    """mysqld_safe in an init script, which systemd makes a unit of."""

    name, kind, key = 'mysqld_safe in an init script', 'systemd', 'legacydb'
    by = '/etc/systemd/system/legacydb.service.d/50-oom-rescue.conf'
    command = OwnData.command.replace('/usr/sbin/mysqld', '/usr/bin/mysqld_safe')
    setup = """
        printf '%s\\n' '#!/bin/sh' '### BEGIN INIT INFO' '# Provides: legacydb' '# Required-Start: $local_fs' \\
            '# Required-Stop: $local_fs' '# Default-Start: 2 3 4 5' '# Default-Stop: 0 1 6' \\
            '# Short-Description: a database as it was started before systemd' '### END INIT INFO' 'case $1 in' \\
            'start) setsid {command} > /dev/null 2>&1 < /dev/null & ;;' \\
            'stop) mysqladmin --socket=/run/mysqld/legacydb.sock shutdown ;;' \\
            'restart) $0 stop; sleep 3; $0 start ;;' 'esac' > /etc/init.d/legacydb
        chmod 755 /etc/init.d/legacydb
        systemctl daemon-reload
        update-rc.d legacydb defaults
        systemctl start legacydb
    """
    restart = 'service legacydb restart'


class Supervisord(OwnData):
    name, kind, key = 'supervisord', 'supervisord', 'supervised'
    by = '/etc/systemd/system/oom-rescue-keep.service'
    kept = True
    option = ''
    setup = """
        systemctl enable --now supervisor
        printf '[program:{key}]\\ncommand=%s\\nautorestart=true\\n' '{option}{command}' \\
            > /etc/supervisor/conf.d/{key}.conf
        for i in $(seq 60); do supervisorctl update && break; sleep 1; done
    """
    pid = 'supervisorctl pid {key}'
    restart = 'supervisorctl restart {key}'


class SupervisordAsAdvised(Supervisord):
    """The same with the command that recreate_required names."""

    name, key = 'supervisord with the command advised', 'choom'
    by = '/etc/supervisor/conf.d/choom.conf'
    kept = False
    score = -600
    option = 'choom -n -600 -- '


class Docker(Server):
    name = kind = engine = service = 'docker'
    key = 'docked'
    by = '/etc/systemd/system/oom-rescue-keep.service'
    kept = True
    option = ''
    setup = """
        systemctl enable --now {service}
        {engine} image inspect db > /dev/null 2>&1 || {engine} import %s db
        {engine} run -d --name {key} --network host --restart always {option} \\
            -v /etc/mysql/conf.d:/etc/mysql/conf.d:ro db sh -c 'install -d -o mysql /run/mysqld; exec %s'
    """ % (IMAGE, SERVER)
    pid = "{engine} inspect -f '{{.State.Pid}}' {key}"
    restart = '{engine} restart {key}'


class DockerAsAdvised(Docker):
    """A container created with the option that recreate_required names."""

    name, key, by = 'docker with the option advised', 'docked2', 'docker'
    kept = False
    score = -600
    option = '--oom-score-adj=-600'


class Podman(Docker):
    name = kind = engine = 'podman'
    key, service = 'pod', 'podman-restart'


class PodmanAsAdvised(Podman):
    name, key, by = 'podman with the option advised', 'pod2', 'podman'
    kept = False
    score = -600
    option = '--oom-score-adj=-600'


class Rootless(Server):
    """A container of a user without root, whose systemd starts it at boot, with its DefaultOOMScoreAdjust."""

    name, kind, key = 'podman without root', 'podman', 'rootless'
    user = 'app'
    by = '/etc/systemd/system/oom-rescue-keep.service'
    kept = True
    score = 200
    as_app = 'systemd-run --quiet --wait --pipe --uid=app --setenv=XDG_RUNTIME_DIR=/run/user/$(id -u app) '
    setup = """
        useradd -m -s /bin/bash app
        loginctl enable-linger app
        for i in $(seq 60); do test -S /run/user/$(id -u app)/bus && break; sleep 1; done
        chmod 644 %s
        {as_app}podman import -q %s db
        {as_app}podman run -d --name {key} --network none db sh -c \\
            'install -d -o mysql /run/mysqld; exec %s --innodb-buffer-pool-size=16M'
        mkdir -p ~app/.config/systemd/user
        {as_app}podman generate systemd --name {key} > ~app/.config/systemd/user/{key}.service
        chown -R app: ~app/.config
        {as_app}podman stop {key}
        {as_app}systemctl --user daemon-reload
        {as_app}systemctl --user enable --now {key}
    """ % (IMAGE, IMAGE, SERVER)
    pid = "{as_app}podman inspect -f '{{.State.Pid}}' {key}"
    restart = '{as_app}systemctl --user restart {key}'


class ByHand(OwnData):
    """A server that rc.local starts: nothing starts it again before the next boot."""

    name, kind, key = 'rc.local', 'none', 'byhand'
    by = '/etc/systemd/system/oom-rescue-keep.service'
    kept = True
    starts_again = False
    setup = """
        printf '%s\\n' '#!/bin/sh' 'setsid {command} > /dev/null 2>&1 < /dev/null &' > /etc/rc.local
        chmod 755 /etc/rc.local
        systemctl daemon-reload
        systemctl start rc-local
    """
    restart = 'mysqladmin --socket=/run/mysqld/{key}.sock shutdown; sleep 3; systemctl restart rc-local'


# Those that copy the unit's data come before the unit.
ALL = (Sysv, Supervisord, SupervisordAsAdvised, ByHand, Systemd, Docker, DockerAsAdvised, Podman, PodmanAsAdvised,
       Rootless)


class Servers:
    """A machine with its servers up; ``before`` is what its files were like."""

    def __init__(self, guest, managers):
        self.guest = guest
        self.servers = [manager(guest) for manager in managers]
        self.users = [manager.user for manager in managers if manager.user]
        for server in self.servers:
            server.up()
        for server in self.servers:
            server.now()
        self.before = self.files()

    def files(self):
        return self.guest.check('cd /; (%s -printf "%%y %%m %%u:%%g %%p\\n"; %s -type f -exec sha256sum {} +) '
                                '2> /dev/null | sort' % (FIND, FIND))
