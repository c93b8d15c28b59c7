# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts on which somebody says no to a remedy: each is left alone, with who says so and where."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._forbids import forbids, overrides
from ansible_collections.oom.rescue.plugins.module_utils._node import privilege
from fake_node import CONTAINER, Node, v2
from forbidden_hosts import ALLOWED, ELASTIC, FORBIDDEN, NODE, WAAGENT, built, of


def swap(node, path='/swapfile'):
    return forbids.forbidden(node.host, path=path)['swap']


@pytest.mark.parametrize('files, name, where', FORBIDDEN)
def test_a_host_where_swap_is_forbidden_says_who_and_where(tmp_path, files, name, where):
    entries = swap(built(tmp_path, files))
    assert [(entry['id'], entry['where']) for entry in entries] == [(name, where)]
    assert entries[0]['text'] and name in overrides.IDS
    line = forbids.said(entries)
    assert name in line and where in line and 'override=%s' % name in line


@pytest.mark.parametrize('files', ALLOWED)
def test_a_host_where_nobody_forbids_swap_is_not_held_up(tmp_path, files):
    assert swap(built(tmp_path, files)) == []


def test_each_refusal_is_lifted_by_its_own_id_alone(tmp_path):
    entries = swap(built(tmp_path, of(NODE, WAAGENT, {ELASTIC: 'bootstrap.memory_lock: true\n'})))
    names = [entry['id'] for entry in entries]
    assert names == ['kubelet', 'waagent', 'memory-lock']
    for name in names:
        left = [entry['id'] for entry in forbids.not_overridden(entries, [name])]
        assert left == [other for other in names if other != name]
    assert forbids.said(forbids.not_overridden(entries, names)) is None


def test_a_running_kubelet_counts_without_any_file_and_a_program_that_is_called_so_does_not(tmp_path):
    node = Node(tmp_path)
    node.process(700, 'kubelet', exe='/opt/bin/kubelet', cmdline=['/opt/bin/kubelet', '--config=/etc/k'])
    assert [entry['where'] for entry in swap(node)] == ['/etc/k']
    node.owners['/opt/bin/kubelet'] = (1000, 0o755)
    assert swap(node) == []


DOCKER, APP = '/docker/' + CONTAINER, '/user.slice/user-1000.slice/user@1000.service/app.slice/a.scope'


@pytest.mark.parametrize('uid, uid_map, capable, cgroup, forbids_swap', [
    (0, None, '000001ffffffffff', DOCKER, True), (100000, '0 100000 65536', '00000000a80425fb', DOCKER, False),
    (100000, '0 100000 65536', '000001ffffffffff', '/lxc.payload.a', True),
    (1000, '0 1000 1', '000001ffffffffff', APP, False), (1000, '0 1000 1', '000001ffffffffff', DOCKER, False),
    (100000, '0 100000 65536', '000001ffffffffff', APP, False), (1000, None, '0000000000000000', DOCKER, False),
    (1000, '1 1000 1', '000001ffffffffff', DOCKER, False),
], ids=['kind', 'container', 'lxd', 'user', 'users cgroup elsewhere', 'rootless', 'installed program', 'no root'])
def test_a_kubelet_in_a_container_has_to_be_one(tmp_path, uid, uid_map, capable, cgroup, forbids_swap):
    node = Node(tmp_path)
    node.process(700, 'kubelet', exe='/usr/bin/kubelet', uid=uid, cgroup=v2(cgroup))
    node.owners.update({'/usr/bin/kubelet': (uid, 0o755), '/proc/700/exe': (uid, 0o755)})
    node.file('/proc/700/status', node.host.read('/proc/700/status') + 'CapEff:\t%s\n' % capable)
    if uid_map:
        node.user_namespace(700, 4026532000)
        node.file('/proc/700/uid_map', uid_map + '\n')
    assert bool(swap(node)) is forbids_swap


@pytest.mark.parametrize('cgroup, forbids_swap', [('/system.slice/elasticsearch.service', True), (
    '/user.slice/user-1000.slice/user@1000.service/app.slice/elasticsearch.service', False)])
def test_a_users_own_unit_forbids_nothing(tmp_path, cgroup, forbids_swap):
    node = built(tmp_path, {ELASTIC: 'bootstrap.memory_lock: true\n'})
    node.file('/usr/lib/systemd/system/elasticsearch.service', '[Install]\nWantedBy=multi-user.target\n')
    assert swap(node) == []
    node.process(700, 'java', exe='/usr/bin/java', cgroup=v2(cgroup))
    assert bool(swap(node)) is forbids_swap


@pytest.mark.parametrize('files, words', [
    ({ELASTIC: 'bootstrap.memory_lock: true\n'}, 'Elasticsearch is here, and it has bootstrap.memory_lock, see '),
    ({'/etc/cassandra/cassandra.yaml': '\n'}, 'Cassandra is here, and its documentation wants no swap, see '),
])
def test_a_server_that_wants_no_swap_is_named_with_what_it_says(tmp_path, files, words):
    (entry,) = swap(built(tmp_path, files))
    assert entry['text'].startswith(words)


def test_a_server_that_wants_little_swappiness_says_how_much(tmp_path):
    entries = forbids.forbidden(built(tmp_path, {ELASTIC: 'bootstrap.memory_lock: true\n'}).host)['swappiness']
    assert [(entry['id'], entry['at_most']) for entry in entries] == [('memory-lock', 1)]


@pytest.mark.parametrize('adj, text, where', [
    (-800, '[Service]\n', '/proc/700/oom_score_adj'),
    (-800, '[Service]\nOOMScoreAdjust=-800\n', '/usr/lib/systemd/system/mariadb@.service'),
    (500, '[Service]\nOOMScoreAdjust=500\n', '/usr/lib/systemd/system/mariadb@.service'),
    (-600, '[Service]\nOOMScoreAdjust=-600\n', None),
    (0, '[Service]\n', None),
])
def test_a_server_with_a_score_of_its_own_is_named(tmp_path, adj, text, where):
    node = Node(tmp_path).systemd()
    node.file('/usr/lib/systemd/system/mariadb@.service', text)
    node.process(700, 'mariadbd', exe='/usr/sbin/mariadbd', adj=adj, cgroup=v2('/system.slice/mariadb@1.service'))
    found = forbids.forbidden(node.host)['score']
    assert [(entry['id'], entry['where'], entry['target']) for entry in found] == (
        [('stronger-score', where, 'mariadbd')] if where else [])


def test_a_container_that_may_turn_no_swap_on_says_so(tmp_path):
    node = Node(tmp_path)
    node.file('/run/.containerenv', '')
    node.capable(False)
    node.file('/proc/self/status', 'CapEff:\t0000000000000000\n')
    found = forbids.forbidden(node.host)
    assert [entry['id'] for entry in found['swap'] + found['score']] == ['container', 'container']


ALL, DOCKERS, NSPAWNS = '000001ffffffffff', '00000000a80425fb', '00000000fdecbfff'
FIRST, OWN = 4026531836, 4026532200


class Mount:
    def __init__(self, read_only):
        self.f_flag = 1 if read_only else 0


@pytest.mark.parametrize('capabilities, pids, users, seccomp, read_only, root, refused', [
    (ALL, FIRST, None, 0, False, True, []),
    ('0' * 16, FIRST, None, 0, False, False, []),
    (DOCKERS, OWN, None, 2, True, True, ['swap', 'swappiness', 'score']),
    (DOCKERS, FIRST, None, 2, True, True, ['swap', 'swappiness', 'score']),
    (ALL, OWN, None, 0, False, True, []),
    (ALL, OWN, OWN, 0, False, True, ['swap', 'swappiness', 'score']),
    (ALL, FIRST, OWN, 0, False, True, ['swap', 'swappiness', 'score']),
    (NSPAWNS, OWN, None, 2, True, True, ['swap', 'swappiness']),
    ('000001fffeffffff', OWN, None, 0, False, True, ['score']),
    ('000001ffffdfffff', FIRST, None, 0, False, True, ['swap']),
], ids=['root of a host', 'a user of a host, whom become helps', 'docker', "docker in the host's pid namespace",
        'a privileged container', 'a container in a user namespace', 'unshare --user', 'systemd-nspawn',
        'without CAP_SYS_RESOURCE', 'without CAP_SYS_ADMIN'])
def test_what_a_container_may_not_is_forbidden_to_each_remedy_in_the_words_of_its_module(
        tmp_path, monkeypatch, capabilities, pids, users, seccomp, read_only, root, refused):
    def swapon(*_arguments):
        raise OSError(errno.EPERM, 'no')
    monkeypatch.setattr(privilege.libc, 'call', swapon)
    monkeypatch.setattr(privilege, 'is_root', lambda: root)
    monkeypatch.setattr(privilege.os, 'statvfs', lambda path: Mount(read_only))
    node = Node(tmp_path)
    node.file('/proc/self/status', 'CapEff:\t%s\nSeccomp:\t%d\n' % (capabilities, seccomp))
    node.link('/proc/self/ns/pid', 'pid:[%d]' % pids)
    node.user_namespace('self', users or 4026531837)
    found = forbids.forbidden(node.host)
    assert [name for name in forbids.REMEDIES if 'container' in [entry['id'] for entry in found[name]]] == refused
    assert [entry['text'] for entry in found['swappiness']] == list(filter(None, [
        privilege.swappiness_refused(node.host)]))
