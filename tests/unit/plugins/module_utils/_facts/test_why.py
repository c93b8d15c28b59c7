# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node of files, with a systemctl and engines that say what each case needs, knows of one name."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._facts.why import why_facts
from fake_node import Node

ID = 'ab12' * 16
V2 = '30 24 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n'
V1 = '31 24 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n'
NOT_HERE = (127, '', 'sh: not found')
NO_UNIT = (0, 'LoadState=not-found\n', '')


def facts_of(root, name, said=(), files=(), mounts=V2):
    """(the facts, the commands that were run); ``said`` is {the first two words of a command: its answer}."""
    node, asked, answers = Node(root), [], dict(said)

    def run(argv):
        asked.append(argv)
        return answers.get(' '.join(argv[:2]), NOT_HERE)

    node.host.run = run
    node.file('/proc/self/mountinfo', mounts)
    node.process(4711, 'mysqld', cgroup='0::/system.slice/db.service\n' if mounts == V2 else (
        '9:memory:/system.slice/db.service\n1:name=systemd:/elsewhere\n'))
    for path, text in dict(files).items():
        node.file(path, text)
    return why_facts(node.host, name), asked


def unit(**properties):
    told = dict({'Id': 'db.service', 'LoadState': 'loaded', 'ExecMainPID': '0', 'MainPID': '0'}, **properties)
    return {'systemctl show': (0, ''.join('%s=%s\n' % pair for pair in sorted(told.items())), '')}


def container(engine='docker', **state):
    told = dict({'id': ID, 'name': '/db', 'pid': 4711}, **state)
    return {engine + ' inspect': (0, json.dumps(told) + '\n', '')}


@pytest.mark.parametrize('text, kind, name', [
    ('db.service', 'unit', 'db.service'), ('unit:db', 'unit', 'db'), ('container:db', 'container', 'db'),
    ('pid:4711', 'pid', '4711'), ('4711', 'pid', '4711'), ('db', 'unit', 'db'), ('.service', 'unit', '.service'),
    ('web:4711', 'unit', 'web:4711'), ('unit:', 'unit', ''),
])
def test_what_is_asked_for(text, kind, name, tmpdir):
    facts = facts_of(tmpdir, text)[0]
    assert (facts['kind'], facts['name']) == (kind, name)


@pytest.mark.parametrize('name, asked', [
    ('db.service', ['systemctl']), ('unit:db', ['systemctl']), ('container:db', ['docker', 'podman']),
    ('db', ['systemctl', 'docker', 'podman']), ('99', []), ('4711', ['systemctl']), ('pid:', []),
])
def test_who_is_asked(name, asked, tmpdir):
    assert [argv[0] for argv in facts_of(tmpdir, name)[1]] == asked


def test_a_unit_that_systemd_has_is_asked_of_nobody_else(tmpdir):
    facts, asked = facts_of(tmpdir, 'db', unit())
    assert [argv[:2] for argv in asked] == [['systemctl', 'show']]
    assert facts['known'] and facts['unit']['Id'] == 'db.service' and facts['container'] is None


@pytest.mark.parametrize('properties, pids', [
    ({'ExecMainPID': '12', 'MainPID': '4711'}, [12, 4711]), ({'ExecMainPID': '12', 'MainPID': '12'}, [12]),
    ({'ExecMainPID': '0', 'MainPID': '0'}, []), ({'ExecMainPID': '', 'MainPID': '[not set]'}, []),
])
def test_the_processes_of_a_unit_each_once(properties, pids, tmpdir):
    assert facts_of(tmpdir, 'db.service', unit(**properties))[0]['pids'] == pids


@pytest.mark.parametrize('answer, error', [
    (NOT_HERE, 'it is not on this host'),
    ((1, '', ' System has not been booted\n Failed to connect: \n'), 'Failed to connect:'),
    ((1, 'Failed to connect\n', ''), 'Failed to connect'),
    ((1, '', 'x' * 300), 'x' * 200),
    ((4, '', ''), 'it ended with status 4'),
    (NO_UNIT, 'systemd has no unit db.service'),
    ((0, '', ''), 'systemd has no unit db.service'),
])
def test_why_systemd_says_nothing(answer, error, tmpdir):
    facts = facts_of(tmpdir, 'db.service', {'systemctl show': answer})[0]
    assert facts['sources'][0] == {'name': 'systemctl', 'error': error}
    assert (facts['known'], facts['unit'], facts['pids']) == (False, None, [])


@pytest.mark.parametrize('engine', ['docker', 'podman'])
def test_a_container_is_what_its_engine_says(engine, tmpdir):
    facts = facts_of(tmpdir, 'db', dict(container(engine), **{'systemctl show': NO_UNIT}))[0]
    assert (facts['known'], facts['kind'], facts['pids']) == (True, 'container', [4711])
    assert facts['container'] == {'id': ID, 'name': 'db', 'pid': 4711, 'engine': engine}


DAY = '2026-10-28T'


@pytest.mark.parametrize('docker, podman, engine', [
    (DAY + '11:32:28.5Z', DAY + '11:32:27.123456789Z', 'docker'), (DAY + '11:32:28.5Z', DAY + '11:32:29Z', 'podman'),
    # Podman tells the host's own time.
    (DAY + '11:32:28Z', DAY + '12:31:00.1+01:00', 'docker'), (DAY + '11:32:28Z', DAY + '12:33:00.1+01:00', 'podman'),
    # One that never ended, or whose engine does not tell, is not the one that was killed.
    ('0001-01-01T00:00:00Z', DAY + '11:32:28Z', 'podman'), (DAY + '11:32:28Z', '0001-01-01T00:00:00Z', 'docker'),
    (None, DAY + '11:32:28Z', 'podman'), (7, '', 'docker'), ('soon', DAY + '11:32:28Z', 'podman'),
])
def test_of_two_containers_of_one_name_the_one_that_ended_last_is_meant(docker, podman, engine, tmpdir):
    ids = {'docker': ID, 'podman': ID[::-1]}
    assert ids['docker'] != ids['podman']
    said = dict(container('docker', finished=docker), **container('podman', id=ids['podman'], finished=podman, pid=0))
    facts = facts_of(tmpdir, 'container:db', said)[0]
    other = {'docker': 'podman', 'podman': 'docker'}[engine]
    assert (facts['container']['engine'], facts['container']['id']) == (engine, ids[engine])
    assert facts['pids'] == ([4711] if engine == 'docker' else [])
    assert [source for source in facts['sources'] if source['name'] in ids and source['error']] == [
        {'name': other, 'error': 'its container of that name is another one, ' + ids[other][:12]}]


def test_each_engine_is_asked_for_the_id_by_its_own_word(tmpdir):
    commands = facts_of(tmpdir, 'container:db')[1]
    words = {argv[0]: argv[argv.index('--format') + 1] for argv in commands if argv[1] == 'inspect'}
    assert '{{json .Id}}' in words['docker'] and '{{json .ID}}' in words['podman']


def test_a_docker_that_is_podman_has_one_container(tmpdir):
    said = dict(container('docker'), **container('podman'))
    facts = facts_of(tmpdir, 'container:db', said)[0]
    assert facts['container']['engine'] == 'docker' and facts['pids'] == [4711]
    assert [source['name'] for source in facts['sources'] if source['name'] in ('docker', 'podman')] == ['docker']


@pytest.mark.parametrize('pid, pids', [(4711, [4711]), (0, []), (-4, []), (None, []), ('4711', [])])
def test_a_container_s_process_is_a_number(pid, pids, tmpdir):
    assert facts_of(tmpdir, 'container:db', container(pid=pid))[0]['pids'] == pids


@pytest.mark.parametrize('answer, error', [
    ((1, '', 'Error: No such container: db\n'), 'Error: No such container: db'),
    ((0, 'panic\n', ''), 'its answer was not understood'),
    ((0, '{"id": ""}\n', ''), 'its answer was not understood'),
    ((0, '[]\n', ''), 'its answer was not understood'),
])
def test_why_an_engine_says_nothing(answer, error, tmpdir):
    facts = facts_of(tmpdir, 'container:db', {'docker inspect': answer})[0]
    assert facts['sources'][:2] == [{'name': 'docker', 'error': error},
                                    {'name': 'podman', 'error': 'it is not on this host'}]
    assert (facts['known'], facts['container']) == (False, None)


@pytest.mark.parametrize('name, said, near', [
    ('maridb.service', {'systemctl list-units': (0, 'mariadb.service loaded active\n\nother.service loaded\n', '')},
     ['mariadb.service', 'other.service', 'mariadb']),
    ('mariad', {'systemctl list-units': (0, 'mariadb.service loaded active\n', '')}, ['mariadb', 'mariadb.service']),
    ('unit:web', {'systemctl list-units': (1, 'webs.service loaded\n', 'Failed')}, []),
    ('unit:job', {'systemctl list-units': (0, ''.join('job%d.service x\n' % n for n in range(9)), '')},
     ['job8', 'job7', 'job6']),
    ('container:webb', {'docker ps': (0, 'web\nother\n', ''), 'podman ps': (0, 'webc\n', '')}, ['web', 'webc']),
])
def test_near_names_are_told_instead(name, said, near, tmpdir):
    nothing = {'systemctl show': NO_UNIT, 'docker inspect': (1, '', 'Error'), 'podman inspect': (1, '', 'Error')}
    assert facts_of(tmpdir, name, dict(nothing, **said))[0]['near'] == near


def test_no_near_name_is_told_of_what_is_known(tmpdir):
    said = {'systemctl show': NO_UNIT, 'systemctl list-units': (0, 'dbs.service loaded\n', '')}
    assert facts_of(tmpdir, 'db', dict(said, **container()))[0]['near'] == []


def test_an_engine_that_is_not_there_is_not_asked_for_its_names(tmpdir):
    asked = facts_of(tmpdir, 'container:db', {'docker inspect': (1, '', 'Error')})[1]
    assert [argv[:2] for argv in asked] == [['docker', 'inspect'], ['docker', 'ps'], ['podman', 'inspect']]


@pytest.mark.parametrize('cgroup, asked', [
    ('/system.slice/db.service', [['systemctl', 'db.service']]),
    ('/system.slice/docker-%s.scope' % ID, [['docker', ID]]),
    ('/user.slice/user-1000.slice/user@1000.service/app.slice/db.service', []),
    ('/lxc.payload.web/system.slice/db.service', []),
    ('/', []),
])
def test_a_process_is_of_its_unit_or_its_container(cgroup, asked, tmpdir):
    said = dict(unit(), **container())
    facts, commands = facts_of(tmpdir, '4711', said, {'/proc/4711/cgroup': '0::%s\n' % cgroup})
    assert [[argv[0], argv[-1]] for argv in commands] == asked
    assert (facts['known'], facts['process'], facts['pids']) == (True, {'pid': 4711, 'name': 'mysqld'}, [4711])
    assert facts['sources'][0] == {'name': '/proc/4711', 'error': None}


@pytest.mark.parametrize('cgroups, asked', [
    ('13:rdma:/\n9:memory:/docker/%s\n1:name=systemd:/system.slice/containerd.service\n' % ID, [['docker', ID]]),
    ('13:rdma:/\n9:memory:/system.slice/db.service\n', [['systemctl', 'db.service']]),
])
def test_each_hierarchy_of_version_1_is_asked(cgroups, asked, tmpdir):
    said = dict(unit(), **container())
    commands = facts_of(tmpdir, '4711', said, {'/proc/4711/cgroup': cgroups}, V1)[1]
    assert [[argv[0], argv[-1]] for argv in commands] == asked


@pytest.mark.parametrize('name, pids', [('99', [99]), ('0', []), ('pid:x', []), ('123456789012', [])])
def test_a_process_that_is_not_there(name, pids, tmpdir):
    facts = facts_of(tmpdir, name)[0]
    assert (facts['known'], facts['process'], facts['pids']) == (False, None, pids)
    assert facts['sources'][0]['error'] == 'no process has this number now'


GROUP = '/sys/fs/cgroup/system.slice/db.service/'
OF_V2 = {GROUP + 'memory.events': 'low 0\nmax 9\noom 2\noom_kill 1\nodd\n', GROUP + 'pids.events': 'max 3\n',
         GROUP + 'memory.max': '536870912\n'}
GROUP_V1 = '/sys/fs/cgroup/memory/system.slice/db.service/'
OF_V1 = {GROUP_V1 + 'memory.oom_control': 'under_oom 0\noom_kill 2\n', GROUP_V1 + 'memory.failcnt': '7\n',
         GROUP_V1 + 'memory.limit_in_bytes': '536870912\n'}


def counted(oom, oom_kills, limit_bytes, pids_refused):
    return {'path': '/system.slice/db.service', 'oom': oom, 'oom_kills': oom_kills, 'limit_bytes': limit_bytes,
            'pids_refused': pids_refused}


@pytest.mark.parametrize('mounts, files, expected', [
    (V2, OF_V2, counted(2, 1, 1 << 29, 3)),
    (V2, {GROUP + 'memory.max': 'max\n'}, counted(None, None, None, None)),
    (V1, OF_V1, counted(7, 2, 1 << 29, None)),
    (V1, dict(OF_V1, **{GROUP_V1 + 'memory.limit_in_bytes': '9223372036854771712\n',
                        GROUP_V1 + 'memory.oom_control': 'oom_kill_disable 0\n'}), counted(7, None, None, None)),
    (V2, dict(OF_V2, **{GROUP + 'memory.max': '%d\n' % ((1 << 62) - 1)}), counted(2, 1, (1 << 62) - 1, 3)),
    (V2, dict(OF_V2, **{GROUP + 'memory.max': '%d\n' % (1 << 62)}), counted(2, 1, None, 3)),
])
def test_what_a_cgroup_counts(mounts, files, expected, tmpdir):
    # Its own processes say where it is; what systemd says counts if none of them is left.
    running = unit(MainPID='4711')
    assert facts_of(tmpdir.mkdir('runs'), 'db.service', running, files, mounts)[0]['cgroup'] == expected
    ended = unit(MainPID='0', ControlGroup='/system.slice/db.service')
    assert facts_of(tmpdir.mkdir('ended'), 'db.service', ended, files, mounts)[0]['cgroup'] == expected


@pytest.mark.parametrize('said, files, mounts, name, error', [
    (unit(), {}, V2, 'memory.events', 'its cgroup is gone with its last process'),
    (unit(MainPID='4711'), {}, V2, 'memory.events', 'it has no cgroup of its own with memory'),
    (unit(MainPID='4711', ControlGroup='/'), {'/proc/4711/cgroup': '0::/\n', '/sys/fs/cgroup/memory.events': 'oom 9\n'},
     V2, 'memory.events', 'it has no cgroup of its own with memory'),
    (unit(MainPID='4711'), {}, V1, 'memory.oom_control', 'it has no cgroup of its own with memory'),
    (unit(MainPID='4711'), {}, '1 0 8:1 / / rw - ext4 /dev/vda rw\n', 'memory.events', 'no cgroup has memory'),
    (unit(MainPID='4711'), OF_V2, V2, 'memory.events', None),
])
def test_why_no_cgroup_counts(said, files, mounts, name, error, tmpdir):
    facts = facts_of(tmpdir, 'db.service', said, files, mounts)[0]
    assert facts['sources'][-1] == {'name': name, 'error': error}
    assert (facts['cgroup'] is None) == (error is not None)
