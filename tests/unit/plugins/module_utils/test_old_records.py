# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What 0.1.0 left on a host is undone byte for byte: each kind of its records, with the files that it changed.

tests/unit/fixtures/records-0.1.0.json has {case: {path: text}} as that release wrote them.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import io
import json
import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._change.record import DIRECTORY
from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host
from ansible_collections.oom.rescue.plugins.module_utils._score.apply import TARGETS
from ansible_collections.oom.rescue.plugins.module_utils._score.apply import converge as score
from ansible_collections.oom.rescue.plugins.module_utils._swap import applier
from ansible_collections.oom.rescue.plugins.module_utils._swap import apply as swap_apply
from ansible_collections.oom.rescue.plugins.module_utils._swap import facts as swap_facts
from ansible_collections.oom.rescue.plugins.module_utils._swap.plan import wish
from ansible_collections.oom.rescue.plugins.module_utils._swap.signature import write_signature
from ansible_collections.oom.rescue.plugins.module_utils._swappiness.apply import converge as swappiness
from fake_node import Node, v2
from fake_sysctl_node import el7, trixie

HERE = os.path.dirname(os.path.abspath(__file__))
with io.open(os.path.join(HERE, '..', '..', 'fixtures', 'records-0.1.0.json'), encoding='utf-8') as stream:
    LEFT = json.load(stream)
MIB = 1 << 20
SWAPPINESS = {'value': 10, 'conflicts': 'override', 'cgroups': 'set', 'allow_zero': False, 'override': []}
SCORE = dict(
    dict((target, None) for target in TARGETS), process=['mysqld'], value=-600, auto_multiple=2.0,
    allow_unkillable=False, persist='auto', keep=False, restart_policy='keep', killers='report', override=[], user=[],
    recorded=True, allow_missing=True)
# What the first records did not have.
LATER = ('label', 'unit_text', 'mode')


def mariadb(root, drop_in=None):
    node = Node(root).systemd()
    node.file('/proc/stat', 'btime 1000\n')
    node.unit('mariadb.service', '[Service]\nMainPID=500\n')
    node.process(500, 'mariadbd', exe='/usr/sbin/mariadbd', uid=106, adj=60, rss_kb=440332,
                 cgroup=v2('/system.slice/mariadb.service'))
    if drop_in:
        node.file('/etc/systemd/system/mariadb.service.d/50-oom-rescue.conf', drop_in)
    return node


def forced(root):
    node = trixie(root).systemd().memory_v1(docker=60)
    node.file('/proc/sys/vm/force_cgroup_v2_swappiness', '0\n')
    return node


def with_a_file(make):
    def made(root):
        node = make(root)
        node.file('/etc/sysctl.conf', '# head\nvm.swappiness = 70\n')
        return node
    return made


# By case, the host as it was before that release changed it.
HOSTS = {
    'score': mariadb,
    'score_over_a_file': lambda root: mariadb(root, '# mine\n[Service]\nNice=3\n'),
    'swappiness': with_a_file(lambda root: el7(root, reapply=1)),
    'swappiness_tuned': with_a_file(lambda root: trixie(root).systemd().tuned(reapply=0)),
    'swappiness_force': with_a_file(forced),
    'swappiness_cgroups': with_a_file(lambda root: trixie(root).systemd().memory_v1(docker=60, docker__a1=30)),
}


def everything(root):
    """{path: text, or where a link leads}."""
    found = {}
    for directory, _names, names in os.walk(str(root)):
        for name in names:
            path = os.path.join(directory, name)
            if os.path.islink(path):
                found[path] = os.readlink(path)
            else:
                with io.open(path, encoding='latin-1') as text:
                    found[path] = text.read()
    return found


def leave(host, case, without=()):
    """Have the files of a host be as the old release left them; its records without some keys."""
    for path, text in LEFT[case].items():
        if path.startswith(DIRECTORY) and path.endswith('.json'):
            records = json.loads(text)
            for record in records.values():
                for key in without:
                    if key != 'mode' or path.endswith('swappiness.json'):
                        record.pop(key, None)
            text = json.dumps(records)
        if not os.path.isdir(os.path.dirname(host.path(path))):
            os.makedirs(os.path.dirname(host.path(path)))
        with io.open(host.path(path), 'w', encoding='utf-8') as file:
            file.write(u'%s' % text)
        if path.startswith(DIRECTORY):
            os.chmod(host.path(DIRECTORY), 0o700)
            os.chmod(host.path(path), 0o600)


@pytest.mark.parametrize('without', [(), LATER], ids=['the last', 'the first'])
@pytest.mark.parametrize('case', sorted(HOSTS))
def test_what_0_1_0_left_is_undone(tmp_path, case, without):
    node = HOSTS[case](tmp_path)
    before = everything(tmp_path)
    leave(node.host, case, without)
    assert everything(tmp_path) != before
    if hasattr(node, 'reload'):
        node.reload()
    if case.startswith('score'):
        score(node.host, dict(SCORE, state='absent'))
    else:
        swappiness(node.host, dict(SWAPPINESS, state='absent'))
    assert everything(tmp_path) == before and not node.host.exists(DIRECTORY)


class Kernel:
    """The swap of no machine: a list of paths."""

    def __init__(self, root):
        self.root, self.active = str(root), []
        self.extents, self.is_nocow = swap_apply.syscalls.extents, swap_apply.syscalls.is_nocow
        self.swapon_refusal = self.get_xattr = lambda *_arguments: None

    def swapoff(self, path):
        self.active.remove(path[len(self.root):])

    def swapon(self, path, _priority, _discard):
        self.active.append(path[len(self.root):])


def swap_file(path, size):
    with open(path, 'wb') as file:
        file.write(b'\0' * size)
    descriptor = os.open(path, os.O_RDWR)
    write_signature(descriptor, size, 4096)
    os.close(descriptor)
    os.chmod(path, 0o600)


@pytest.mark.parametrize('without', [(), LATER], ids=['the last', 'the first'])
@pytest.mark.parametrize('case, table', [
    ('swap', '# mine\n'), ('swap_over_a_file', '# mine\n/swapfile none swap sw,pri=4 0 0\n')])
def test_the_swap_that_0_1_0_made_is_undone(tmp_path, monkeypatch, case, table, without):
    node = Node(tmp_path)
    for path, text in (('/proc/meminfo', 'MemTotal: 1000000 kB\nMemAvailable: 900000 kB\n'), ('/etc/fstab', table),
                       ('/proc/self/mountinfo', '1 0 8:1 / / rw - ext4 /dev/sda1 rw\n'),
                       ('/proc/swaps', 'Filename Type Size Used Priority\n/swapfile file 2044 0 4\n')):
        node.file(path, text)
    host, kernel = Host(root=str(tmp_path)), Kernel(tmp_path)
    kernel.active.append('/swapfile')
    for module in (swap_facts, applier):
        monkeypatch.setattr(module, 'in_use', lambda path: path[len(kernel.root):] in kernel.active)
    swap_file(host.path('/swapfile'), 2 * MIB)
    leave(host, case, without)
    swap_apply.converge(host, '/swapfile', wish(state='restored', reserve_bytes=0), kernel=kernel)
    assert host.read('/etc/fstab') == table and not host.exists(DIRECTORY) and kernel.active == []
    there = case == 'swap_over_a_file'
    assert host.exists('/swapfile') is there and (not there or os.path.getsize(host.path('/swapfile')) == MIB)


@pytest.mark.parametrize('name, undo', [
    ('oom_score_adj', lambda host: score(host, dict(SCORE, state='absent'))),
    ('swappiness', lambda host: swappiness(host, dict(SWAPPINESS, state='absent'))),
    ('swap', lambda host: swap_apply.swap_file(
        host, {'state': 'restored', 'recorded': True, 'path': '/swapfile'}, False, None)),
])
def test_a_record_of_a_later_release_stops_an_undo_in_one_line_and_stays(tmp_path, name, undo):
    node = trixie(tmp_path)
    path, text = '%s/%s.json' % (DIRECTORY, name), '{"version": 99, "records": {"of": "another form"}}\n'
    node.file(path, text)
    os.chmod(node.host.path(DIRECTORY), 0o700)
    os.chmod(node.host.path(path), 0o600)
    with pytest.raises(RescueError) as error:
        undo(node.host)
    assert str(error.value).startswith(path + ' is of version 99, of a later release') and '\n' not in str(error.value)
    assert node.host.read(path) == text
