# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine with all three remedies, what verify claims of them, and what is true after a boot."""

import json
import shlex

from modules import ModuleGuest

UNIT = '/etc/systemd/system/demo.service'
SERVICE = '[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n'
DEMO = 'printf "%s" > %s; systemctl daemon-reload; systemctl enable --now -q demo' % (SERVICE, UNIT)
JUDGE = """
import json, sys
sys.path.insert(0, '/root/oom')
from ansible_collections.oom.rescue.plugins.module_utils._verdict.claims import judge
given = json.load(sys.stdin)
print(json.dumps(judge(given.pop('facts'), **given)))
"""


class Guest(ModuleGuest):

    def __init__(self, machine):
        super().__init__(machine)
        self.check(DEMO)

    def asked(self, swap):
        """(module, arguments) of each remedy."""
        return (('swap_file', dict({'size': '16M'}, **swap)), ('swappiness', {'value': 10, 'conflicts': 'report'}),
                ('oom_score_adj', {'unit': 'demo.service', 'process': None, 'value': -600}))

    def remedy(self, swap):
        for module, arguments in self.asked(swap):
            result = self.module(module, **arguments)
            assert 'msg' not in result, result['msg']

    def undo(self, swap):
        path = {key: value for key, value in swap.items() if key == 'path'}
        self.module('swap_file', state='restored', **path)
        self.module('swappiness', state='absent')
        self.module('oom_score_adj', state='absent', unit='demo.service', process=None)

    def claims(self, swap):
        """{remedy: claim}."""
        swap_file, value, score = [
            self.module(module, True, **arguments) for module, arguments in self.asked(swap)]
        given = {'facts': self.module('memory_facts', candidates=1)['ansible_facts']['memory'], 'swap': swap_file,
                 'swappiness': value, 'swappiness_value': 10, 'oom_protect': score}
        self.machine.run('cat > /root/given.json <<"END"\n%s\nEND' % json.dumps(given))
        found = json.loads(self.check('python3 -B -c %s < /root/given.json' % shlex.quote(JUDGE)))
        return {claim['remedy']: claim for claim in found['claims']}

    def boot(self):
        self.reboot(command='sync; systemctl reboot --force --force')
        self.run('systemctl is-system-running --wait')

    def runs_rc_local(self):
        return self.run('test -e /usr/lib/systemd/system-generators/systemd-rc-local-generator'
                        ' -o -e /lib/systemd/system-generators/systemd-rc-local-generator').rc == 0

    def truth(self, swap):
        """{remedy: whether it is so now}."""
        path = swap.get('path', '/swapfile')
        on = self.run('swapon --noheadings --show=NAME --raw').stdout.split()
        score = self.run('cat /proc/$(systemctl show -p MainPID --value demo)/oom_score_adj').stdout.strip()
        return {'swap': path in on or any(self.same(path, name) for name in on),
                'swappiness': self.check('cat /proc/sys/vm/swappiness').strip() == '10',
                'oom_protect': score != '' and int(score) <= -600}

    def same(self, one, other):
        return self.run('[ %s -ef %s ]' % (shlex.quote(one), shlex.quote(other))).rc == 0
