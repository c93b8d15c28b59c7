# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers in their managers, in a virtual machine: how each is set up, started again, and what keeps its score."""

import textwrap

SERVER = '/usr/sbin/mysqld --user=mysql'
# Debian's server package runs mysql_install_db when it is installed, in the container's tree as well.
IMAGE = '/srv/mariadb.tar'


class Server:
    """One database server, alone in the machine; ``arguments`` are the module's beside the process."""

    name = kind = unit = None
    arguments = {}
    setup = start = restart = stop = ''

    def __init__(self, guest):
        self.guest = guest

    def up(self):
        self.guest.check('set -e\n%s\n%s' % (textwrap.dedent(self.setup), self.start), timeout=600)
        self.pid()

    def down(self):
        self.guest.run(self.stop, timeout=120)
        self.guest.check('for i in $(seq 60); do pgrep -x "mysqld|mariadbd" || exit 0; sleep 1; done; exit 1')

    def again(self):
        """Have the manager start the server again."""
        self.guest.check(self.restart, timeout=300)

    def pid(self, other_than=None):
        """The pid of the server, once it runs (as another process than before)."""
        return int(self.guest.check(
            'for i in $(seq 90); do pid=$(pgrep -x "mysqld|mariadbd") && [ "$pid" != "%s" ] && echo "$pid" && exit 0; '
            'sleep 1; done; ps ax; exit 1' % (other_than or ''), timeout=200))

    def score(self, pid, wait_for=None):
        """Its oom_score_adj; what re-applies one has 10 seconds to do so."""
        return int(self.guest.check(
            'for i in $(seq 10); do s=$(cat /proc/%d/oom_score_adj); [ "$s" = "%s" ] && break; sleep 1; done; echo "$s"'
            % (pid, '' if wait_for is None else wait_for)))


class Systemd(Server):
    name = kind = 'systemd'
    start = 'systemctl unmask {unit}; systemctl enable --now {unit}'
    restart = 'systemctl restart {unit}'
    stop = 'systemctl disable --now {unit}; systemctl mask {unit}'

    def __init__(self, guest):
        super().__init__(guest)
        self.unit = guest.check('for u in mariadb mysql; do systemctl cat $u >/dev/null 2>&1 && echo $u && break; '
                                'done').strip()
        for step in ('start', 'restart', 'stop'):
            setattr(self, step, getattr(self, step).format(unit=self.unit))


class SysvSafe(Server):
    """mysqld_safe in an init script, which systemd makes a unit of."""

    name, kind = 'mysqld_safe in an init script', 'systemd'
    setup = r"""
        cat > /etc/init.d/legacydb <<'EOF'
        #!/bin/sh
        ### BEGIN INIT INFO
        # Provides: legacydb
        # Required-Start: $local_fs
        # Required-Stop: $local_fs
        # Default-Start: 2 3 4 5
        # Default-Stop: 0 1 6
        # Short-Description: a database as it was started before systemd
        ### END INIT INFO
        case $1 in
        start) setsid /usr/bin/mysqld_safe > /dev/null 2>&1 < /dev/null & ;;
        stop) mysqladmin shutdown ;;
        restart) $0 stop; sleep 3; $0 start ;;
        esac
        EOF
        sed -i 's/^        //' /etc/init.d/legacydb
        chmod 755 /etc/init.d/legacydb
        systemctl daemon-reload
    """
    start = 'update-rc.d legacydb defaults; systemctl start legacydb'
    restart = 'service legacydb restart'
    stop = 'service legacydb stop; update-rc.d -f legacydb remove; rm /etc/init.d/legacydb; systemctl daemon-reload'


class Supervisord(Server):
    name = kind = 'supervisord'
    arguments = {'keep': True}
    setup = """
        systemctl enable --now supervisor
        printf '[program:db]\\ncommand=%s\\nautorestart=true\\n' > /etc/supervisor/conf.d/db.conf
    """ % SERVER
    start = 'supervisorctl update'
    restart = 'supervisorctl restart db'
    stop = 'rm /etc/supervisor/conf.d/db.conf; supervisorctl update; systemctl disable --now supervisor'


class SupervisordWithChoom(Supervisord):
    """The same with the command that recreate_required names."""

    name = 'supervisord with the command advised'
    arguments = {}
    setup = Supervisord.setup.replace('command=', 'command=choom -n -600 -- ')


class Docker(Server):
    name = kind = 'docker'
    engine = 'docker'
    service = 'docker'
    arguments = {'keep': True}
    option = ''
    setup = """
        systemctl enable --now {service}
        {engine} image inspect db > /dev/null 2>&1 || {engine} import %s db
        {engine} rm -f db 2> /dev/null || true
        {engine} run -d --name db --network host --restart always {option} \
            -v /etc/mysql/conf.d:/etc/mysql/conf.d:ro db sh -c 'install -d -o mysql /run/mysqld; exec %s'
    """ % (IMAGE, SERVER)
    start = 'true'
    restart = '{engine} restart db'
    stop = '{engine} rm -f db; systemctl disable --now {service} containerd'

    def __init__(self, guest):
        super().__init__(guest)
        for step in ('setup', 'restart', 'stop'):
            setattr(self, step, getattr(self, step).format(
                engine=self.engine, service=self.service, option=self.option))


class DockerAsAdvised(Docker):
    """A container created with the option that recreate_required names."""

    name = 'docker with the option advised'
    arguments = {}
    option = '--oom-score-adj=-600'


class Podman(Docker):
    name = kind = 'podman'
    engine = 'podman'
    service = 'podman-restart'


class PodmanAsAdvised(Podman):
    name = 'podman with the option advised'
    arguments = {}
    option = '--oom-score-adj=-600'


class Rootless(Server):
    """A container of a user without root, whose systemd starts it at boot."""

    name, kind = 'podman without root', 'podman'
    arguments = {'keep': True}
    run = 'systemd-run --quiet --wait --pipe --uid=app --setenv=XDG_RUNTIME_DIR=/run/user/$(id -u app) '
    setup = """
        id app 2> /dev/null || useradd -m -s /bin/bash app
        loginctl enable-linger app
        for i in $(seq 20); do test -S /run/user/$(id -u app)/bus && break; sleep 1; done
        chmod 644 %(image)s
        %(run)s podman image exists db || %(run)s podman import -q %(image)s db
        %(run)s podman rm -f db 2> /dev/null || true
        %(run)s podman run -d --name db --network none db sh -c \
            'install -d -o mysql /run/mysqld; exec %(server)s --innodb-buffer-pool-size=16M'
        mkdir -p ~app/.config/systemd/user
        %(run)s podman generate systemd --name db > ~app/.config/systemd/user/db.service
        chown -R app: ~app/.config
        %(run)s podman stop db
        %(run)s systemctl --user daemon-reload
    """ % {'run': run, 'image': IMAGE, 'server': SERVER}
    start = run + 'systemctl --user enable --now db'
    restart = run + 'systemctl --user restart db'
    stop = run + 'systemctl --user disable --now db; loginctl disable-linger app'


class ByHand(Server):
    """A server that rc.local starts: nothing starts it again before the next boot."""

    name, kind = 'rc.local', 'none'
    arguments = {'keep': True}
    setup = """
        cat > /etc/rc.local <<'EOF'
        #!/bin/sh
        setsid %s > /dev/null 2>&1 < /dev/null &
        EOF
        chmod 755 /etc/rc.local
        systemctl daemon-reload
    """ % SERVER
    start = 'systemctl start rc-local'
    restart = 'mysqladmin shutdown; sleep 3; systemctl restart rc-local'
    stop = 'mysqladmin shutdown; rm /etc/rc.local; systemctl daemon-reload; systemctl reset-failed rc-local'


ALL = (Systemd, SysvSafe, Supervisord, SupervisordWithChoom, Docker, DockerAsAdvised, Podman, PodmanAsAdvised, Rootless,
       ByHand)
