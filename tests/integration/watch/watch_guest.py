# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine with the watch on it, what kills in it, and what its hook was told."""

import json
import subprocess
import sys
import time

from modules import REPOSITORY, ModuleGuest

PACKAGES = ['procps', 'prometheus', 'prometheus-node-exporter', 'curl']
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

    def kill_in_group(self, name, megabytes=24):
        """Have the kernel kill in a unit with a limit; seconds since boot of the kill."""
        self.run('systemd-run -q --wait --unit=%s -p MemoryMax=%dM -p MemorySwapMax=0 python3 /root/eat.py %s' % (
            name, megabytes, name))
        return self.when_killed(name)

    def kill_in_host(self, name):
        """Have the kernel kill in the whole machine; seconds since boot of the kill."""
        self.run('systemd-run -q --wait --unit=%s -p OOMScoreAdjust=500 python3 /root/eat.py %s' % (name, name))
        return self.when_killed(name)

    def when_killed(self, name):
        line = self.check(KILLED).strip()
        assert '(%s)' % name[:15] in line, line
        return float(line[1:].split(']')[0])
