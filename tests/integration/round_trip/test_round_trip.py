# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rescue, rescue again otherwise, upgrade, edits of an administrator's, rollback: the host is as it was, byte for byte.

Sequences are random, each from its own seed, in a container with a systemd and swap of its own; ``--sequences=20``
runs so many.
"""

import base64
import random

from conftest import SERVER
from step import edited

UNIT = '/etc/systemd/system/%s.service'
FSTAB = '# the table\nUUID=0a-1 / ext4 defaults 0 1\n'
ADMINS_SWAP = ('fallocate -l 3M %s; chmod 0600 %s; mkswap -q %s > /dev/null; swapon -p 3 %s')
# Files of an administrator's that a host may have before, and the lines that he may write into them later.
SYSCTL = '# values of the house\nvm.swappiness = 70\nkernel.panic = 10'
EDITS = (('/etc/fstab', '# /dev/sdz /backup ext4 noauto 0 0'), ('/etc/sysctl.conf', 'kernel.sysrq = 1'),
         (UNIT % 'server', '# looked at'), ('/etc/sysctl.d/99-zzz-house.conf', '# vm.dirty_ratio = 5'))


def host(draw):
    """({path: text}, shell) of a host before anything was done to it."""
    own = draw.random() < 0.5
    files = {
        '/etc/fstab': FSTAB + ('/disk/first none swap sw,pri=3 0 0\n' if own else '') + '# the end',
        '/etc/sysctl.conf': SYSCTL,
        '/etc/sysctl.d/99-zzz-house.conf': draw.choice(['vm.swappiness = 35', '# nothing', 'vm.dirty_ratio = 20']),
        UNIT % 'server': SERVER % ('mysqld', draw.choice(['', 'OOMScoreAdjust=100\n'])),
        UNIT % 'db': SERVER % ('appd', ''),
    }
    shell = [(ADMINS_SWAP % (('/disk/first',) * 4))] if own else []
    if draw.random() < 0.4:
        shell.append('mkdir -p /etc/systemd/system/db.service.d; printf "[Service]\\nNice=3\\n" > '
                     '/etc/systemd/system/db.service.d/%s' % draw.choice(['10-house.conf', '50-oom-rescue.conf']))
    return files, '; '.join(shell + ['systemctl daemon-reload'])


def rescue(draw):
    """The steps of one run of the remedies."""
    size = draw.choice(['2M', '5M', '8M'])
    swap = {'path': draw.choice(['/disk/first', '/disk/first', '/disk/second']), 'size': size,
            'persist': draw.choice(['auto', 'fstab', 'systemd']), 'conflicts': draw.choice(['report', 'override']),
            'priority': draw.choice([None, None, 5])}
    swappiness = {'value': draw.choice([1, 10, 35, 60]), 'conflicts': draw.choice(['override', 'report'])}
    target = draw.choice([{'process': ['mysqld']}, {'unit': ['server.service']}, {'unit': ['db.service']},
                          {'process': ['appd', 'mysqld']}])
    # Positive, as not every host may lower a score.
    score = dict(target, value=draw.choice(['300', '450']), restart_policy=draw.choice(['keep', 'ensure']),
                 override=['stronger-score'], keep=draw.choice([False, True]))
    steps = [('swap', swap), ('swappiness', swappiness), ('score', score)]
    return draw.sample(steps, draw.choice([1, 2, 3, 3]))


def rollback(draw):
    """The steps of one undo, with other variables than the rescue's: it goes by the records."""
    return [('score', {draw.choice(['process', 'unit']): [draw.choice(['other', 'server.service'])],
                       'value': '-600', 'state': 'absent', 'recorded': True}),
            ('swappiness', {'value': draw.choice([None, 33]), 'state': 'absent'}),
            ('swap', {'path': draw.choice(['/swapfile', '/disk/second']), 'size': draw.choice(['auto', '1G']),
                      'state': 'restored', 'recorded': True})]


def sequence(draw):
    steps = rescue(draw)
    for _number in range(draw.randint(2, 5)):
        kind = draw.choice(['rescue', 'rescue', 'upgrade', 'edit', 'edit', 'kill', 'rollback'])
        if kind == 'rescue':
            steps += rescue(draw)
        elif kind == 'rollback':
            steps += rollback(draw)
        elif kind == 'upgrade':
            steps.append(('upgrade', {}))
        elif kind == 'kill':
            steps.append(('kill', {'unit': draw.choice(['server.service', 'db.service'])}))
        else:
            path, row = draw.choice(EDITS)
            steps.append(('edit', {'path': path, 'row': row, 'place': draw.choice(['top', 'middle'])}))
    return steps + rollback(draw)


def with_edits(first, steps):
    """A picture of the first host, with what the administrator wrote since."""
    for what, given in steps:
        if what == 'edit':
            row = first['files'][given['path']]
            text = base64.b64decode(row[4]).decode()
            row[4] = base64.b64encode(edited(text, given['row'], given['place']).encode()).decode()
    return first


def difference(one, other):
    return {name: (one.get(name), other.get(name)) for name in set(one) | set(other)
            if one.get(name) != other.get(name)}


def test_a_host_is_as_it_was_after_any_sequence(container, seed):
    draw = random.Random(seed)
    files, shell = host(draw)
    steps = sequence(draw)
    container.begin(files)
    container.shell(shell)
    first = container.run('picture')
    for what, given in steps:
        container.run(what, given)
    last = container.run('picture')
    wanted = with_edits(first, steps)
    assert difference(wanted['files'], last['files']) == {}, steps
    assert difference(wanted['live'], last['live']) == {}, steps
