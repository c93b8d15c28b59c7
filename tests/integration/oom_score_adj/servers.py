# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers in their managers, in a virtual machine: how each is set up, started again, and what keeps its score."""

import shlex
import textwrap

SERVER = '/usr/sbin/mysqld --user=mysql'
# Debian's server package runs mysql_install_db when it is installed, in the container's tree as well.
IMAGE = '/srv/mariadb.tar'


class Server:
    """One database server, alone in the machine; ``arguments`` are the module's beside the process."""

    name = kind = unit = None
    arguments = {}
    setup = start = restart = stop = ''
    starts_again = True
    keeps_its_own = False

    def __init__(self, guest):
        self.guest = guest

    def up(self):
        """Set the server up, and remember what its files were like."""
        self.before = self.after('set -e\n%s\n%s' % (textwrap.dedent(self.setup), self.start))[2]

    def down(self):
        self.guest.check('%s; for i in $(seq 60); do pgrep -x "mysqld|mariadbd" || exit 0; sleep 1; done; exit 1'
                         % self.stop)

    def after(self, command='true', other_than='', score=''):
        """(pid, oom_score_adj, files) after a command: it waits for a server of another pid than ``other_than``, and
        10 seconds for its score, the time in which what re-applies one has to do so."""
        out = self.guest.check(textwrap.dedent("""
            bash -c %s > /tmp/out 2>&1 || { cat /tmp/out; exit 1; }
            for i in $(seq 120); do pid=$(pgrep -x "mysqld|mariadbd") && [ "$pid" != "%s" ] && break; sleep 1; done
            [ -n "$pid" ] && [ "$pid" != "%s" ] || { cat /tmp/out; ps ax; exit 1; }
            for i in $(seq 11); do s=$(cat /proc/$pid/oom_score_adj); [ "$s" = "%s" ] && break; sleep %d; done
            echo "$pid $s"
            cd /
            find="find etc usr/local var/lib/oom-rescue ! -name *.cache"
            ($find -printf "%%y %%m %%u:%%g %%p\\n"; $find -type f -exec sha256sum {} +) 2>/dev/null | sort
        """) % (shlex.quote(command), other_than, other_than, score, score != ''))
        first, _newline, files = out.partition('\n')
        pid, found = first.split()
        return int(pid), int(found), files


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
    start = 'for i in $(seq 60); do supervisorctl update && break; sleep 1; done'
    restart = 'supervisorctl restart db'
    stop = 'rm /etc/supervisor/conf.d/db.conf; supervisorctl update; systemctl disable --now supervisor'


class SupervisordWithChoom(Supervisord):
    """The same with the command that recreate_required names."""

    name = 'supervisord with the command advised'
    arguments = {}
    keeps_its_own = True
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
    keeps_its_own = True
    option = '--oom-score-adj=-600'


class Podman(Docker):
    name = kind = 'podman'
    engine = 'podman'
    service = 'podman-restart'


class PodmanAsAdvised(Podman):
    name = 'podman with the option advised'
    arguments = {}
    keeps_its_own = True
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
    starts_again = False
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
