# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine with the watch on it, what kills in it, and what its hook was told."""

import json
import subprocess
import sys
import time

from breaks import INITS
from breaks_sysv import HELPERS
from image import Image
from modules import REPOSITORY, ModuleGuest

PACKAGES = ['procps', 'prometheus', 'prometheus-node-exporter', 'curl']
# Without a journal, what was killed before a boot is only in a log of the disk.
PACKAGES_OF_CRON = ['procps', 'cron', 'rsyslog']
# All files but what a running system writes by itself.
FILES = ('find /etc /usr/local /var/lib /root /opt -xdev -path "/var/lib/prometheus/metrics2*" -prune -o '
         '-path "/var/lib/systemd/*" -prune -o -path "/var/lib/dpkg/*" -prune -o -path /root/told -prune -o '
         '-path "/var/lib/urandom/*" -prune -o '
         '-path "*/__pycache__*" -prune -o -printf "%p %m %U %G %l\\n" | sort; '
         'find /etc /usr/local /var/lib/oom* /root $(ls -d /lib/systemd/system) -xdev -type f ! -path "*/__pycache__*" '
         '! -path /root/told -exec md5sum {} + | sort')
# The hook: notes each message with the time, and does first what the file /root/mode says.
HOOK = r"""
import http.server, json, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        text = self.rfile.read(int(self.headers['Content-Length'])).decode()
        mode = open('/root/mode').read().strip()
        if mode == 'hang':
            time.sleep(60)
        if mode in ('500', 'hang'):
            with open('/root/refused', 'a') as stream:
                stream.write(mode + '\n')
            self.send_response(500)
            self.end_headers()
            return
        with open('/root/told', 'a') as stream:
            stream.write(json.dumps({'at': time.clock_gettime(time.CLOCK_BOOTTIME), 'message': json.loads(text),
                                     'secret': self.headers.get('Authorization')}) + '\n')
        self.send_response(200)
        self.end_headers()
    def log_message(self, *args):
        pass
http.server.ThreadingHTTPServer(('127.0.0.1', 8000), Handler).serve_forever()
"""
EAT = r"""
import sys
open('/proc/self/comm', 'w').write(sys.argv[1])
held = []
while True:
    held.append(bytearray(b'x' * (1 << 20)))
"""
LAG = 'python3 -c "import time; t = time.monotonic(); time.sleep(1); print(round(time.monotonic() - t - 1, 3))"'
HOOKS = [{'kind': 'webhook', 'url': 'http://127.0.0.1:8000/', 'bearer_secret': 'token'}]
KILLED = "dmesg | grep -o '^\\[ *[0-9.]*\\] .*Killed process [0-9]* ([^)]*)' | tail -n 1"


class Guest(ModuleGuest):

    def __init__(self, machine, folder):
        super().__init__(machine)
        program = folder / 'oom-rescue.pyz'
        subprocess.run([sys.executable, REPOSITORY / 'plugins/plugin_utils/single_file.py', program], check=True)
        machine.put(program, '/root/oom-rescue.pyz')
        for name, text in (('hook.py', HOOK), ('eat.py', EAT), ('mode', 'ok\n')):
            (folder / name).write_text(text)
            machine.put(folder / name, '/root/' + name)
        self._start_hook()

    def _start_hook(self):
        self.check('rm -f /root/told; printf "[Service]\\nExecStart=python3 /root/hook.py\\nOOMScoreAdjust=-900\\n'
                   '[Install]\\nWantedBy=multi-user.target\\n" > /etc/systemd/system/hook.service; '
                   'systemctl daemon-reload; systemctl enable --now -q hook')

    def watch(self, check=False, **options):
        """The module's result; what it was given is for this machine's hook."""
        given = {'src': '/root/oom-rescue.pyz', 'hooks': HOOKS, 'secrets': {'token': 'very-secret'}, 'limit': 100,
                 'state': 'present', 'interval': 60, 'textfiles': 'auto'}
        result = self.module('oom_watch', check, **dict(given, **options))
        assert 'msg' not in result, result['msg']
        return result

    def told(self):
        """[{at, message, secret}] of what the hook took."""
        return [json.loads(line) for line in self.run('cat /root/told').stdout.splitlines()]

    def wait_for(self, count, seconds=60):
        """What the hook took, as soon as it is so many, or when the time is over."""
        until = time.monotonic() + seconds
        while len(self.told()) < count and time.monotonic() < until:
            time.sleep(1)
        return self.told()

    def quiet(self):
        """Nothing that runs or waits: the next message is of what comes next."""
        self.check('systemctl start oom-rescue-watch.service')
        return len(self.told())

    def idle_lag(self):
        """By how many seconds a sleep of a second is late, the median of nine: what this machine adds to any wait."""
        return sorted(float(self.check(LAG)) for _try in range(9))[4]

    def kill_in_group(self, name, megabytes=24):
        """Have the kernel kill in a unit with a limit; seconds since boot of the kill."""
        self.run('systemd-run -q --wait --unit=%s -p MemoryMax=%dM -p MemorySwapMax=0 python3 /root/eat.py %s' % (
            name, megabytes, name))
        return self.when_killed(name)

    def kill_in_host(self, name):
        """Have the kernel kill in the whole machine; seconds since boot of the kill."""
        self.run('systemd-run -q --wait --unit=%s -p OOMScoreAdjust=500 python3 /root/eat.py %s' % (name, name))
        return self.when_killed(name)

    def when_begun(self):
        """Seconds since boot of the begin of the service's last run."""
        return int(self.check('systemctl show --value -p ExecMainStartTimestampMonotonic oom-rescue-watch')) / 1e6

    def when_killed(self, name):
        line = self.check(KILLED).strip()
        assert '(%s)' % name[:15] in line, line
        return float(line[1:].split(']')[0])


class CronGuest(Guest):
    """The same with another init and cron, which starts the watch each minute. No group is limited but by hand."""

    def _start_hook(self):
        # Debian's rsyslog has a unit alone.
        self.check('rm -f /root/told\n%s\nscript hook "start-stop-daemon --start --background --exec /usr/bin/python3 '
                   '-- /root/hook.py"\n/etc/init.d/hook start\nscript rsyslog rsyslogd\n/etc/init.d/rsyslog start'
                   % HELPERS)

    def quiet(self):
        # A run that finds another one at work does nothing.
        self.check('flock /run/oom-rescue-watch/lock true; '
                   '$(grep -o "/[^ ]*python.* watch" /etc/cron.d/oom-rescue-watch)')
        return len(self.told())

    def kill_in_group(self, name, megabytes=24):
        self.run('mountpoint -q /sys/fs/cgroup || mount -t cgroup2 cgroup2 /sys/fs/cgroup; '
                 'echo +memory > /sys/fs/cgroup/cgroup.subtree_control; mkdir /sys/fs/cgroup/{0}; '
                 'echo {1}M > /sys/fs/cgroup/{0}/memory.max; echo 0 > /sys/fs/cgroup/{0}/memory.swap.max; '
                 'sh -c "echo \\$\\$ > /sys/fs/cgroup/{0}/cgroup.procs; exec python3 /root/eat.py {0}"'.format(
                     name, megabytes))
        return self.when_killed(name)

    def kill_in_host(self, name):
        self.run('sh -c "echo 500 > /proc/\\$\\$/oom_score_adj; exec python3 /root/eat.py %s"' % name)
        return self.when_killed(name)


def image_of(suite):
    """The image of a suite of Debian, or of an init as tests/vm/breaks.py names it."""
    if suite in INITS:
        return Image('bookworm', init=INITS[suite], packages=PACKAGES_OF_CRON)
    return Image(suite, packages=PACKAGES)
