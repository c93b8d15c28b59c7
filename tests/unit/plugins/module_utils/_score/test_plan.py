# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans made of a node's facts, done to it, made again, and undone: on a tree of files with a systemctl of its own."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import contextlib
import errno
import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._change.actions import diff_of, returned
from ansible_collections.oom.rescue.plugins.module_utils._change.record import State, aside_path
from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError
from ansible_collections.oom.rescue.plugins.module_utils._node.pinned import Pinned
from ansible_collections.oom.rescue.plugins.module_utils._score import keeper
from ansible_collections.oom.rescue.plugins.module_utils._score.apply import TARGETS, apply, converge
from ansible_collections.oom.rescue.plugins.module_utils._score.facts import read_facts
from ansible_collections.oom.rescue.plugins.module_utils._score.plan import plan as plan_of
from ansible_collections.oom.rescue.plugins.module_utils._systemd import systemd
from fake_node import CONTAINER, Node, seed_node, v1, v2

DROP_IN = '/etc/systemd/system/mariadb.service.d/50-oom-rescue.conf'
TEXT = systemd.HEADER + '\n[Service]\nOOMScoreAdjust=-600\n'
OPTIONS = {'state': 'present', 'value': -600, 'auto_multiple': 2.0, 'allow_unkillable': False, 'persist': 'auto',
           'keep': False, 'restart_policy': 'keep', 'killers': 'report', 'override': []}
UNIT = '[Service]\nRestart=on-abort\n'


def plan(node, kind='process', name='mysqld', user=(), **options):
    facts = read_facts(node.host, State(node.host, 'oom_score_adj'), kind, name, user)
    return plan_of(facts, dict(OPTIONS, **options))


def present(node, kind='process', name='mysqld', user=(), **options):
    state = State(node.host, 'oom_score_adj')
    facts = read_facts(node.host, state, kind, name, user)
    made = plan_of(facts, dict(OPTIONS, **options))
    return made, apply(node.host, state, facts, made)


def absent(node, kind='process', name='mysqld'):
    state = State(node.host, 'oom_score_adj')
    facts = read_facts(node.host, state, kind, name)
    made = plan_of(facts, {'state': 'absent'})
    return made, apply(node.host, state, facts, made)


def summary(actions):
    return [(action['action'], action.get('path') or action.get('unit')) for action in actions]


@pytest.fixture(name='node')
def fixture_node(tmp_path):
    """Debian 12 with MariaDB under systemd."""
    node = Node(tmp_path).systemd()
    node.unit('mariadb.service', UNIT, aliases=['mysql.service', 'mysqld.service'])
    node.process(500, 'mariadbd', exe='/usr/sbin/mariadbd', cmdline=['/usr/sbin/mariadbd'], uid=106, rss_kb=440332,
                 cgroup=v2('/system.slice/mariadb.service'))
    node.process(600, 'php', exe='/usr/bin/php', rss_kb=300000, cgroup=v2('/system.slice/cron.service'))
    return node


def refuse_writes(monkeypatch, node, error=errno.EACCES):
    """As the kernel does without CAP_SYS_RESOURCE."""
    node.capable(False)
    write = Pinned.write

    def refused(held, name, text):
        if int(text) < int(held.read(name)):
            raise OSError(error, os.strerror(error), name)
        write(held, name, text)

    monkeypatch.setattr(Pinned, 'write', refused)


def test_a_unit_gets_its_score_now_and_a_drop_in_for_its_next_start(node):
    made, done = present(node)
    assert summary(done) == [('create', DROP_IN), ('reload', 'mariadb.service'), ('write', '/proc/500/oom_score_adj')]
    assert node.adj(500) == '-600'
    assert node.host.read(DROP_IN) == TEXT
    assert made['rows'] == [{
        'pid': 500, 'name': 'mariadbd', 'live': {'before': 0, 'after': -600},
        'persistent': {'before': 0, 'after': -600, 'by': DROP_IN}, 'recreate_required': None,
        'manager': {'kind': 'systemd', 'name': 'mariadb.service', 'unit': 'mariadb.service'}, 'skipped_reason': None,
        'to_do': None, 'next_start': None,
    }]
    assert not [command for command in node.commands if 'restart' in command]


def test_a_second_run_does_nothing(node):
    present(node)
    made, done = present(node)
    assert (made['actions'], done) == ([], [])
    assert made['rows'][0]['live'] == {'before': -600, 'after': -600}


def test_making_a_plan_changes_nothing(node):
    before = node.files()
    made = plan(node)
    assert node.files() == before
    assert node.adj(500) == '0'
    assert [action['detail'] for action in returned(made['actions'])] == [
        'drop-in of mariadb.service with OOMScoreAdjust=-600',
        'systemctl daemon-reload (restarts nothing)',
        'oom_score_adj of mariadbd (pid 500) from 0 to -600',
    ]
    assert diff_of(node.host, made['actions']) == [
        {'before_header': DROP_IN, 'after_header': DROP_IN, 'before': '', 'after': TEXT},
        {'prepared': 'persistence reload: systemctl daemon-reload (restarts nothing)\n'},
        {'before_header': '/proc/500/oom_score_adj', 'after_header': '/proc/500/oom_score_adj', 'before': '0\n',
         'after': '-600\n'},
    ]


def test_undone_every_file_and_score_is_as_it_was(node):
    before = node.files()
    present(node)
    present(node, value=-300)
    _made, done = absent(node)
    assert summary(done) == [('remove', DROP_IN), ('reload', None), ('write', '/proc/500/oom_score_adj')]
    assert node.files() == before
    assert node.adj(500) == '0'
    assert not os.path.exists(node.path(os.path.dirname(DROP_IN)))
    assert absent(node)[1] == []


@pytest.mark.parametrize('since, after', [(None, 0), (60, 60), (-100, -100)])
def test_an_undo_tells_the_score_of_the_next_start_before_and_after_it(node, since, after):
    present(node)
    if since is not None:
        node.unit('mariadb.service', UNIT + 'OOMScoreAdjust=%d\n' % since)
    made, _done = absent(node)
    assert made['rows'][0]['persistent'] == {'before': -600, 'after': after, 'by': None}


def test_what_a_killed_run_left_goes_as_well(node):
    before = node.files()
    present(node)
    node.file(os.path.dirname(DROP_IN) + '/.oom-rescue-part', 'half')
    absent(node)
    assert (node.files(), node.adj(500)) == (before, '0')
    assert not node.host.exists(os.path.dirname(DROP_IN))


def test_a_directory_of_drop_ins_that_was_there_stays(node):
    os.makedirs(node.path(os.path.dirname(DROP_IN)))
    present(node)
    absent(node)
    assert node.host.listdir(os.path.dirname(DROP_IN)) == []
    assert node.host.exists(os.path.dirname(DROP_IN))


def test_a_server_that_was_started_again_gets_back_what_its_unit_gave(node):
    node.unit('mariadb.service', UNIT + 'OOMScoreAdjust=-100\n')
    node.process(500, 'mariadbd', exe='/usr/sbin/mariadbd', adj=-100, cgroup=v2('/system.slice/mariadb.service'))
    present(node)
    node.process(501, 'mariadbd', exe='/usr/sbin/mariadbd', adj=-600, cgroup=v2('/system.slice/mariadb.service'))
    absent(node)
    assert (node.adj(500), node.adj(501)) == ('-100', '-100')


@pytest.mark.parametrize('change', [
    {'start_ticks': 1}, {'adj': -250},
], ids=['another process with that pid', 'a score that someone else has set since'])
def test_a_score_that_is_not_ours_is_left(node, change):
    present(node)
    node.process(500, 'mariadbd', exe='/usr/sbin/mariadbd', cgroup=v2('/system.slice/mariadb.service'),
                 **dict({'adj': -50}, **change))
    before = node.adj(500)
    absent(node)
    assert node.adj(500) == before


def test_scores_of_another_boot_are_not_given_back(node):
    present(node)
    node.file('/proc/sys/kernel/random/boot_id', 'another\n')
    node.process(500, 'mariadbd', exe='/usr/sbin/mariadbd', adj=-50, cgroup=v2('/system.slice/mariadb.service'))
    absent(node)
    assert node.adj(500) == '-50'


def test_a_host_that_may_not_lower_a_score_gets_the_drop_in_and_no_green_score(node, monkeypatch):
    refuse_writes(monkeypatch, node)
    predicted = plan(node)
    made, done = present(node)
    assert summary(done) == [('create', DROP_IN), ('reload', 'mariadb.service')]
    row = made['rows'][0]
    assert row['live'] == {'before': 0, 'after': 0}
    assert row['persistent'] == {'before': 0, 'after': -600, 'by': DROP_IN}
    assert row['skipped_reason'] == (
        'oom_score_adj of mariadbd (pid 500) stays 0, not -600: lowering it needs CAP_SYS_RESOURCE, which this host '
        'does not give (an unprivileged container): set it on the host that runs it')
    assert predicted['rows'] == made['rows']
    assert present(node)[1] == []


def test_such_a_host_undoes_it_whole(node, monkeypatch):
    before = node.files()
    refuse_writes(monkeypatch, node)
    present(node)
    absent(node)
    assert node.files() == before


def test_a_score_that_the_kernel_refuses_of_one_process_is_set_of_the_others(tmp_path, monkeypatch):
    node = Node(tmp_path).systemd()
    for pid in (500, 600, 700):
        node.process(pid, 'mysqld', exe='/usr/sbin/mysqld')
    write = Pinned.write

    def refused(held, name, text):
        if os.path.realpath(held._directory).endswith('/proc/600'):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), name)
        write(held, name, text)

    monkeypatch.setattr(Pinned, 'write', refused)
    made, done = present(node, persist='none')
    assert [node.adj(pid) for pid in (500, 600, 700)] == ['-600', '0', '-600']
    assert summary(done) == [('write', '/proc/500/oom_score_adj'), ('write', '/proc/700/oom_score_adj')]
    assert [row['live']['after'] for row in made['rows']] == [-600, 0, -600]


def test_a_refusal_that_was_not_foreseen_is_said(node, monkeypatch):
    refuse_writes(monkeypatch, node, errno.EROFS)
    node.capable(True)
    made, done = present(node, persist='none')
    assert done == []
    assert made['rows'][0]['skipped_reason'] == (
        'oom_score_adj of mariadbd (pid 500) stays 0, not -600: the kernel says Read-only file system')
    assert not node.host.exists('/var/lib/oom-rescue')


def test_a_write_that_the_kernel_swallows_is_not_green(node, monkeypatch):
    monkeypatch.setattr(Pinned, 'write', lambda held, name, text: None)
    made, _done = present(node)
    assert made['rows'][0]['live']['after'] == 0
    assert 'it was written, and the kernel shows the other value' in made['rows'][0]['skipped_reason']


def test_raising_a_score_needs_no_privilege(node, monkeypatch):
    refuse_writes(monkeypatch, node)
    made, _done = present(node, name='php', value=500, persist='none')
    assert (node.adj(600), made['rows'][0]['skipped_reason']) == ('500', None)


def test_a_user_namespace_gives_no_capability_over_scores(node):
    node.file('/proc/self/uid_map', '0 100000 65536\n')
    assert 'user namespace' in plan(node)['rows'][0]['skipped_reason']


@pytest.mark.parametrize('version, restart, expected', [
    (252, 'on-abort', 'OOMScoreAdjust=-600\nRestart=on-abnormal\nOOMPolicy=continue\nManagedOOMPreference=avoid\n'),
    (252, 'always', 'OOMScoreAdjust=-600\nOOMPolicy=continue\nManagedOOMPreference=avoid\n'),
    (247, 'no', 'OOMScoreAdjust=-600\nRestart=on-abnormal\nOOMPolicy=continue\n'),
    (219, 'on-failure', 'OOMScoreAdjust=-600\n'),
], ids=['all of it', 'a policy that is strong enough', 'no preference before 248', 'CentOS 7'])
def test_the_drop_in_has_what_was_asked_and_the_version_knows(node, version, restart, expected):
    node.version = version
    node.unit('mariadb.service', '[Service]\nRestart=%s\n' % restart)
    options = {'restart_policy': 'ensure', 'killers': 'spare'}
    present(node, **options)
    assert node.host.read(DROP_IN) == systemd.HEADER + '\n[Service]\n' + expected
    assert present(node, **options)[1] == []


def test_a_score_that_the_unit_has_already_needs_no_drop_in(node):
    path = '/etc/systemd/system/mariadb.service.d/override.conf'
    node.file(path, '[Service]\nOOMScoreAdjust=-600\n')
    node.reload()
    made, done = present(node)
    assert summary(done) == [('write', '/proc/500/oom_score_adj')]
    assert made['rows'][0]['persistent'] == {'before': -600, 'after': -600, 'by': path}


def test_a_drop_in_that_would_win_is_named_and_nothing_is_done(node):
    node.file('/etc/systemd/system/mariadb.service.d/override.conf', '[Service]\n\nOOMScoreAdjust=-400\n')
    node.reload()
    before = node.files()
    with pytest.raises(RescueError) as error:
        present(node)
    assert str(error.value) == (
        '/etc/systemd/system/mariadb.service.d/override.conf line 3 sets OOMScoreAdjust=-400 and is read after %s: '
        'remove that line, or ask for that value' % DROP_IN)
    assert (node.files(), node.adj(500)) == (before, '0')


def test_a_systemd_that_shows_another_value_is_an_error(node):
    load = node.run
    node.host.run = lambda argv: (0, '', '') if argv[1] == 'daemon-reload' else load(argv)
    with pytest.raises(RescueError) as error:
        present(node)
    assert 'mariadb.service: systemd shows OOMScoreAdjust=0 after the reload, not -600' in str(error.value)


def test_a_unit_that_was_killed_and_not_started_again_is_protected_for_its_next_start(tmp_path):
    node = Node(tmp_path).systemd()
    node.unit('mariadb.service', UNIT, aliases=['mysql.service', 'mysqld.service'])
    made, done = present(node)
    assert summary(done) == [('create', DROP_IN), ('reload', 'mariadb.service')]
    assert made['rows'] == [{
        'pid': None, 'name': 'mariadb.service', 'live': {'before': None, 'after': None},
        'persistent': {'before': 0, 'after': -600, 'by': DROP_IN}, 'recreate_required': None,
        'manager': {'kind': 'systemd', 'name': 'mariadb.service'}, 'skipped_reason': None, 'to_do': None,
        'next_start': {'kept': False, 'would_tell': None,
                       'why': 'nothing starts mariadb.service at boot: systemctl enable mariadb.service'}}]
    assert summary(absent(node)[1]) == [('remove', DROP_IN), ('reload', None)]


@pytest.mark.parametrize('state', [None, 'masked', 'error', 'not-found'])
def test_nothing_of_that_name_is_an_empty_plan(tmp_path, state):
    node = Node(tmp_path).systemd()
    if state:
        node.unit('mariadb.service', UNIT)
        node.loaded['mariadb.service']['LoadState'] = state
    made, done = present(node)
    assert (made['rows'], made['actions'], done) == ([], [], [])


def test_a_unit_by_its_alias_means_all_its_processes(node):
    node.process(510, 'helper', exe='/usr/bin/helper', cgroup=v2('/system.slice/mariadb.service'))
    made, _done = present(node, 'unit', 'mysql')
    assert [row['pid'] for row in made['rows']] == [500, 510]
    assert node.adj(510) == '-600'


def test_an_instance_of_a_template_has_a_drop_in_of_its_own(tmp_path):
    node = Node(tmp_path).systemd()
    node.unit('mariadb@blog.service', UNIT)
    node.process(500, 'mariadbd', exe='/usr/sbin/mariadbd', cgroup=v2('/system.slice/s.slice/mariadb@blog.service'))
    made, _done = present(node)
    path = '/etc/systemd/system/mariadb@blog.service.d/50-oom-rescue.conf'
    assert made['rows'][0]['persistent']['by'] == path
    assert node.host.read(path) == TEXT


def test_what_respawns_the_server_gets_the_score_as_well(node):
    cgroup = v2('/system.slice/mariadb.service')
    node.process(450, 'mysqld_safe', exe='/usr/bin/dash', cmdline=['/bin/sh', '/usr/bin/mysqld_safe'], cgroup=cgroup)
    node.process(500, 'mariadbd', ppid=450, exe='/usr/sbin/mariadbd', cgroup=cgroup)
    made, done = present(node)
    assert [row['pid'] for row in made['rows']] == [450, 500]
    assert (node.adj(450), node.adj(500)) == ('-600', '-600')
    assert summary(done)[:2] == [('create', DROP_IN), ('reload', 'mariadb.service')]


def test_a_process_that_calls_itself_mysqld_gets_nothing(node):
    node.process(700, 'mysqld', exe='/home/eve/miner', cgroup=v2('/user.slice/user-1000.slice/session-3.scope'))
    made, _done = present(node)
    assert [row['pid'] for row in made['rows']] == [500]
    assert node.adj(700) == '0'


def test_on_the_seed_s_host_the_score_is_live_and_the_container_has_to_be_created_again(tmp_path):
    node = seed_node(tmp_path)
    made, done = present(node)
    assert summary(done) == [('write', '/proc/13036/oom_score_adj')]
    assert node.adj(13036) == '-600'
    row = made['rows'][0]
    assert row['manager'] == {'kind': 'docker', 'name': 'mysql', 'container_id': CONTAINER, 'unit': None}
    assert row['persistent'] == {'before': 0, 'after': 0, 'by': None}
    assert row['recreate_required'] == (
        'container mysql has to be created again with `docker run --oom-score-adj=-600 ...`; `docker update` cannot '
        'set it')
    assert present(node)[1] == []


def test_on_the_seed_s_host_a_unit_keeps_it_when_asked(tmp_path):
    node = seed_node(tmp_path)
    before = node.files()
    made, done = present(node, keep=True)
    assert summary(done) == [
        ('create', keeper.RULES), ('create', keeper.SCRIPT), ('create', keeper.UNIT), ('reload', None),
        ('enable', keeper.NAME), ('write', '/proc/13036/oom_score_adj')]
    assert node.host.read(keeper.RULES) == '# process:mysqld\n-600 999 0 docker:mysql mysqld /usr/sbin/mysqld\n'
    assert made['rows'][0]['persistent'] == {'before': 0, 'after': -600, 'by': keeper.UNIT}
    assert made['rows'][0]['recreate_required'] is None
    again, done = present(node, keep=True)
    assert again['rows'][0]['persistent'] == {'before': -600, 'after': -600, 'by': keeper.UNIT}
    assert done == []
    _made, done = absent(node)
    assert summary(done)[:2] == [('disable', keeper.NAME), ('remove', keeper.RULES)]
    assert summary(done)[-1] == ('write', '/proc/13036/oom_score_adj')
    assert node.files() == before
    assert node.adj(13036) == '0'


def test_two_targets_share_the_keeper_until_the_last_goes(tmp_path):
    node = seed_node(tmp_path)
    before = node.files()
    present(node, keep=True)
    present(node, name='php', value=400, keep=True)
    absent(node)
    assert node.host.read(keeper.RULES) == '# process:php\n400 0 0 id:%s php /usr/local/bin/php\n' % ('c0' * 32)
    absent(node, name='php')
    assert node.files() == before


@pytest.fixture(name='rootless')
def fixture_rootless(tmp_path):
    """A podman of a user, whose systemd gives 200 to all that it starts."""
    node = Node(tmp_path).systemd()
    start_rootless(node, 500, 200)
    return node


def start_rootless(node, pid, adj):
    cgroup = '/user.slice/user-1000.slice/user@1000.service/app.slice/db.service/'
    node.process(pid - 1, 'conmon', adj=200, cmdline=['conmon', '-c', CONTAINER, '-n', 'db', '-b', '/run/b'], uid=1000,
                 cgroup=v2(cgroup + 'supervisor'))
    node.process(pid, 'mysqld', ppid=pid - 1, exe='/usr/sbin/mysqld', adj=adj, uid=100999,
                 cgroup=v2(cgroup + 'libpod-payload-' + CONTAINER))
    node.user_namespace(pid, 4026532500)
    node.file('/proc/%d/uid_map' % pid, '0 1000 1\n1 100000 65536\n')


def test_what_a_user_s_systemd_gives_is_the_score_of_the_next_start(rootless):
    row = plan(rootless, user=['eve'])['rows'][0]
    assert row['persistent'] == {'before': 200, 'after': 200, 'by': None}
    present(rootless, user=['eve'])
    row = plan(rootless, user=['eve'])['rows'][0]
    assert (row['live']['before'], row['persistent']) == (-600, {'before': 200, 'after': 200, 'by': None})
    row = plan(rootless, user=['eve'], keep=True)['rows'][0]
    assert row['persistent'] == {'before': 200, 'after': -600, 'by': keeper.UNIT}


@pytest.mark.parametrize('note, expected', [
    (None, '200'), ('5100 200', '200'), ('5100 100', '100'), ('77 100', '200'),
], ids=['inherited from what was kept', 'found as before', 'found with another', 'a note of another process'])
def test_a_kept_server_that_was_started_again_gets_back_what_it_started_with(rootless, note, expected):
    before = rootless.files()
    present(rootless, user=['eve'], keep=True)
    start_rootless(rootless, 510, -600)
    if note:
        rootless.file(keeper.FOUND + '/510', note + '\n')
    absent(rootless)
    assert (rootless.adj(500), rootless.adj(510)) == ('200', expected)
    assert rootless.files() == before
    assert not rootless.host.exists(keeper.FOUND)


def test_another_score_for_a_kept_server_that_was_started_again_is_undone_to_what_it_started_with(rootless):
    present(rootless, user=['eve'], keep=True)
    start_rootless(rootless, 510, -600)
    rootless.file(keeper.FOUND + '/510', '5100 100\n')
    present(rootless, user=['eve'], keep=True, value=-300)
    assert (rootless.adj(500), rootless.adj(510)) == ('-300', '-300')
    absent(rootless)
    assert (rootless.adj(500), rootless.adj(510)) == ('200', '100')


def test_a_score_given_by_hand_is_not_that_of_the_next_start_and_stays(rootless):
    rootless.file('/proc/500/oom_score_adj', '-600\n')
    assert plan(rootless, user=['eve'])['rows'][0]['persistent'] == {'before': 0, 'after': 0, 'by': None}
    present(rootless, user=['eve'], keep=True)
    absent(rootless)
    assert rootless.adj(500) == '-600'


def test_what_was_found_for_another_target_stays_with_its_rules(rootless):
    rootless.process(600, 'php', exe='/usr/bin/php', uid=1000)
    present(rootless, user=['eve'], keep=True)
    present(rootless, name='php', user=['1000'], value=400, keep=True)
    start_rootless(rootless, 510, -600)
    rootless.file(keeper.FOUND + '/510', '5100 100\n')
    absent(rootless, name='php')
    absent(rootless)
    assert rootless.adj(510) == '100'


def test_one_script_of_an_interpreter_is_not_kept_as_all_its_scripts_would_be(tmp_path):
    node = Node(tmp_path).systemd()
    node.process(600, 'php', exe='/usr/bin/php', cmdline=['php', '/usr/bin/composer'])
    row = plan(node, name='composer', value=500, keep=True)['rows'][0]
    assert 'one of many scripts of an interpreter' in row['skipped_reason']
    assert row['recreate_required'].endswith('or run this in the guest that it belongs to')
    assert plan(node, name='php', value=500, keep=True)['rows'][0]['persistent']['by'] == keeper.UNIT


def test_a_container_created_with_the_score_needs_nothing_more(tmp_path):
    node = seed_node(tmp_path)
    node.file('/var/lib/docker/containers/%s/hostconfig.json' % CONTAINER, '{"OomScoreAdj": -600}')
    made, _done = present(node, 'container', 'mysql', keep=True)
    assert made['rows'][0]['persistent'] == {'before': -600, 'after': -600, 'by': 'docker'}
    assert made['rows'][0]['recreate_required'] is None
    assert not node.host.exists(keeper.UNIT)


@pytest.mark.parametrize('name', ['mysql', CONTAINER, CONTAINER[:12]])
def test_a_container_is_found_by_name_or_id(tmp_path, name):
    assert [row['pid'] for row in plan(seed_node(tmp_path), 'container', name)['rows']] == [13036]


@pytest.mark.parametrize('labels, expected', [
    (('{"com.docker.compose.service": "db", "com.docker.compose.version": "2.20.2", '
      '"com.docker.compose.project.config_files": "/srv/app/compose.yml"}'),
     ('in service db of /srv/app/compose.yml add `oom_score_adj: -600`, then `docker compose up -d db`, which '
      'recreates it')),
    ('{"com.docker.compose.service": "db", "com.docker.compose.version": "1.24.1"}',
     ('in service db of its compose file add `oom_score_adj: -600`, then `docker compose up -d db`, which recreates it '
      '(docker-compose before 1.27 knows the key in file format 2 alone)')),
])
def test_a_composed_container_has_its_compose_file_named(tmp_path, labels, expected):
    node = seed_node(tmp_path)
    node.file('/var/lib/docker/containers/%s/config.v2.json' % CONTAINER,
              '{"Name": "/app_db_1", "Config": {"Labels": %s}}' % labels)
    assert plan(node)['rows'][0]['recreate_required'] == expected


def test_a_podman_container_in_a_unit_has_the_unit_named(tmp_path):
    node = Node(tmp_path).systemd()
    node.process(400, 'conmon', exe='/usr/bin/conmon', cmdline=['conmon', '-c', CONTAINER, '-n', 'db', '-b', '/run/b'],
                 cgroup=v2('/system.slice/db.service/supervisor'))
    node.process(500, 'mysqld', ppid=400, exe='/usr/sbin/mysqld',
                 cgroup=v2('/system.slice/db.service/libpod-payload-' + CONTAINER))
    node.file('/run/b/config.json', '{"process": {"oomScoreAdj": 0}}')
    row = plan(node)['rows'][0]
    assert row['recreate_required'] == (
        'db.service starts container db: add `PodmanArgs=--oom-score-adj=-600` to its .container file, or '
        '--oom-score-adj=-600 to its `podman run`, then restart it')
    node.file('/run/b/config.json', '{"process": {"oomScoreAdj": -600}}')
    assert plan(node)['rows'][0]['persistent'] == {'before': -600, 'after': -600, 'by': 'podman'}


def test_a_pod_is_left_as_it_is_and_that_is_said(tmp_path):
    node = Node(tmp_path).systemd()
    node.process(500, 'mysqld', exe='/usr/sbin/mysqld', adj=985,
                 cgroup=v1('/kubepods/burstable/pod11111111-2222-3333-4444-555555555555/' + CONTAINER))
    made, done = present(node, keep=True)
    assert (done, node.adj(500)) == ([], '985')
    assert made['rows'][0]['skipped_reason'].startswith('the kubelet sets the score of a pod')


def test_beside_a_pod_a_server_of_the_host_gets_its_score(tmp_path):
    node = Node(tmp_path).systemd()
    node.process(500, 'mysqld', exe='/usr/sbin/mysqld', adj=985,
                 cgroup=v1('/kubepods/burstable/pod11111111-2222-3333-4444-555555555555/' + CONTAINER))
    node.process(600, 'mysqld', exe='/usr/sbin/mysqld')
    present(node)
    assert (node.adj(500), node.adj(600)) == ('985', '-600')


def test_a_server_that_runs_in_the_unit_of_another_program_gets_no_drop_in_of_that_unit(tmp_path):
    node = Node(tmp_path).systemd()
    node.unit('app.service', '[Service]\nMainPID=400\nExecStart=/usr/bin/app\n')
    node.process(400, 'app', exe='/usr/bin/app', cgroup=v2('/system.slice/app.service'))
    node.process(500, 'mysqld', exe='/usr/sbin/mysqld', cgroup=v2('/system.slice/app.service'))
    present(node)
    assert (node.adj(400), node.adj(500)) == ('0', '-600')
    assert not node.host.exists('/etc/systemd/system/app.service.d')


def test_a_supervised_program_has_its_command_named(tmp_path):
    node = Node(tmp_path).systemd()
    service = v2('/system.slice/supervisor.service')
    node.process(400, 'supervisord', exe='/usr/bin/python3', cgroup=service,
                 cmdline=['python3', '/usr/bin/supervisord'])
    node.process(500, 'mysqld', ppid=400, exe='/usr/sbin/mysqld', cgroup=service, environ='SUPERVISOR_PROCESS_NAME=db')
    node.file('/etc/supervisord.conf', '[program:db]\ncommand=mysqld\n')
    made, done = present(node)
    assert summary(done) == [('write', '/proc/500/oom_score_adj')]
    assert made['rows'][0]['recreate_required'].startswith('in [program:db] of /etc/supervisord.conf put `choom')
    node.file('/etc/supervisord.conf', '[program:db]\ncommand=choom -n -600 -- mysqld\n')
    assert plan(node)['rows'][0]['persistent'] == {'before': -600, 'after': -600, 'by': '/etc/supervisord.conf'}


@pytest.mark.parametrize('text', [None, 'MYSQLD_STARTUP_TIMEOUT=60\n', 'A=1', 'A=1\nB=2\n'])
def test_an_init_script_gets_the_score_in_the_file_that_it_sources(tmp_path, text):
    node = Node(tmp_path)
    node.process(1, 'init', ppid=0)
    node.file('/etc/init.d/mariadb', 'if [ -f /etc/default/mariadb ]; then\n  . /etc/default/mariadb\nfi\n')
    if text is not None:
        node.file('/etc/default/mariadb', text)
    node.process(450, 'mysqld_safe', exe='/bin/dash', cmdline=['/bin/sh', '/usr/bin/mysqld_safe'])
    node.process(500, 'mysqld', ppid=450, exe='/usr/sbin/mysqld')
    before = node.files()
    made, done = present(node)
    assert summary(done)[:1] == [('create' if text is None else 'replace', '/etc/default/mariadb')]
    # What others wrote there is read before, as it was.
    assert node.host.read('/etc/default/mariadb').startswith(text or '# BEGIN')
    assert made['rows'][1]['persistent'] == {'before': 0, 'after': -600, 'by': '/etc/default/mariadb'}
    assert present(node)[1] == []
    absent(node)
    assert node.files() == before


def on_sysv(tmp_path):
    """A node on which /etc/init.d/mariadb reads a file that we make."""
    node = Node(tmp_path)
    node.process(1, 'init', ppid=0)
    node.file('/etc/init.d/mariadb', '. /etc/default/mariadb\n')
    node.process(450, 'mysqld_safe', exe='/bin/dash', cmdline=['/bin/sh', '/usr/bin/mysqld_safe'])
    node.process(500, 'mysqld', ppid=450, exe='/usr/sbin/mysqld')
    return node


def on_earlyoom(tmp_path):
    """A node on which we make the file of earlyoom, and a server that systemd starts."""
    node = Node(tmp_path).systemd()
    node.unit('mariadb.service', UNIT, aliases=['mysqld.service'])
    node.process(500, 'mariadbd', exe='/usr/sbin/mariadbd', cgroup=v2('/system.slice/mariadb.service'))
    node.process(300, 'earlyoom', exe='/usr/bin/earlyoom', cmdline=['earlyoom'],
                 cgroup=v2('/system.slice/earlyoom.service'))
    return node


def mode_of(node, path):
    return os.stat(node.host.path(path)).st_mode & 0o7777


def owner_of(node, path):
    return os.stat(node.host.path(path)).st_uid


def open_up(node, path, how):
    """Let others write to a file or directory as a careless hand, or another program, does."""
    node.owners[path] = (65534, 0o644) if how == 'owner' else (0, how)
    if how == 'owner':
        os.chown(node.host.path(path), 65534, 65534)
    else:
        os.chmod(node.host.path(path), how)


@pytest.mark.parametrize('how', [0o666, 0o646, 'owner'])
@pytest.mark.parametrize('make, path', [(on_sysv, '/etc/default/mariadb'), (on_earlyoom, '/etc/default/earlyoom')])
def test_a_file_that_we_made_and_that_stands_open_is_roots_alone_again(tmp_path, make, path, how):
    node = make(tmp_path)
    present(node, killers='spare')
    before = node.files()
    open_up(node, path, how)
    assert [action['action'] for action in plan(node, killers='spare')['actions']] == ['protect'] + (
        ['restart'] if make is on_earlyoom else [])
    present(node, killers='spare')
    del node.owners[path]
    assert (node.files(), mode_of(node, path), owner_of(node, path)) == (before, 0o644, 0)
    assert present(node, killers='spare')[1] == []


@pytest.mark.parametrize('make, path', [(on_sysv, '/etc/default/mariadb'), (on_earlyoom, '/etc/default/earlyoom')])
def test_a_file_that_we_made_and_that_others_have_changed_is_made_anew(tmp_path, make, path):
    node = make(tmp_path)
    present(node, killers='spare')
    ours = node.host.read(path)
    node.file(path, ours + 'id >/x\n')
    open_up(node, path, 0o666)
    done = present(node, killers='spare')[1]
    assert summary(done)[0] == ('replace', path) and 'anybody may write' in done[0]['detail']
    del node.owners[path]
    assert (node.host.read(path), mode_of(node, path)) == (ours, 0o644)
    kept = aside_path(path)
    assert (node.host.read(kept), mode_of(node, kept)) == (ours + 'id >/x\n', 0o600)
    assert present(node, killers='spare')[1] == []
    node.file(path, ours + 'id >/x\n')
    open_up(node, path, 0o666)
    assert ('remove', path) in summary(absent(node)[1]) and not node.host.exists(path)


@pytest.mark.parametrize('text, left', [
    ('EARLYOOM_ARGS="-r 3600"\n', 'EARLYOOM_ARGS="-r 3600"\n# mine\n'), (None, '# mine\n')])
def test_of_a_killer_s_file_that_was_edited_since_our_part_alone_is_taken_out(tmp_path, text, left):
    node, path = on_earlyoom(tmp_path), '/etc/default/earlyoom'
    if text is not None:
        node.file(path, text)
    present(node, killers='spare')
    assert '--avoid' in node.host.read(path)
    node.file(path, node.host.read(path) + '# mine\n')
    absent(node)
    assert node.host.read(path) == left


def test_a_script_s_file_that_we_made_and_that_was_edited_since_keeps_the_others_lines(tmp_path):
    node, path = on_sysv(tmp_path), '/etc/default/mariadb'
    present(node)
    node.file(path, node.host.read(path) + 'A=1\n')
    absent(node)
    assert node.host.read(path) == 'A=1\n'


def test_a_file_that_others_made_and_can_change_is_said_and_left(tmp_path):
    node = on_sysv(tmp_path)
    node.file('/etc/default/mariadb', 'id >/x\n')
    open_up(node, '/etc/default/mariadb', 0o666)
    made, done = present(node)
    assert [action['layer'] for action in done] == ['live'] * 2 and mode_of(node, '/etc/default/mariadb') == 0o666
    assert '/etc/default/mariadb can be changed by others than root' in made['rows'][0]['recreate_required']


def test_a_users_server_hides_no_stopped_unit(tmp_path):
    """A user's own unit has the name of one that was killed and is not started again: that gets its file all the same.
    """
    node = Node(tmp_path).systemd()
    node.unit('mariadb.service', UNIT, aliases=['mysqld.service'])
    wanted = summary(plan(node)['actions'])
    node.process(700, 'mysqld', exe='/home/eve/mysqld', uid=1000,
                 cgroup=v2('/user.slice/user-1000.slice/user@1000.service/app.slice/mariadb.service'))
    node.owners['/home/eve/mysqld'] = (1000, 0o755)
    assert wanted[0] == ('create', DROP_IN) and summary(plan(node)['actions']) == wanted


@pytest.mark.parametrize('how', [0o777, 0o1777, 0o757, 'owner'])
def test_a_directory_that_we_made_and_that_stands_open_is_roots_alone_again(node, how):
    directory = os.path.dirname(DROP_IN)
    present(node)
    open_up(node, directory, how)
    assert summary(plan(node)['actions']) == [('close', directory)]
    assert summary(present(node)[1]) == [('close', directory)]
    assert (mode_of(node, directory), owner_of(node, directory)) == (0o755, 0)
    assert present(node)[1] == []
    node.host.remove(DROP_IN)
    open_up(node, directory, how)
    assert summary(present(node)[1])[:2] == [('close', directory), ('create', DROP_IN)]


@pytest.mark.parametrize('owner, mode, words', [
    (65534, 0o644, 'the user 65534 owns'), (0, 0o666, 'anybody may write to'), (0, 0o644, None)])
def test_what_a_stranger_put_into_a_directory_of_ours_is_said_and_not_used(node, owner, mode, words):
    directory = os.path.dirname(DROP_IN)
    present(node)
    other = directory + '/90-other.conf'
    node.file(other, '[Service]\nExecStartPre=+/tmp/x\n')
    os.chown(node.host.path(other), owner, owner)
    os.chmod(node.host.path(other), mode)
    open_up(node, directory, 0o777)
    if words is None:
        assert summary(present(node)[1])[0] == ('close', directory)
        return
    with pytest.raises(RescueError) as error:
        present(node)
    assert 'was open to others, and %s %s' % (words, other) in str(error.value)
    assert mode_of(node, directory) == 0o755


def test_a_directory_that_we_did_not_make_is_its_administrators(node):
    directory = os.path.dirname(DROP_IN)
    node.host.make_directory(directory)
    present(node)
    open_up(node, directory, 0o777)
    assert present(node)[1] == []


def test_a_defaults_file_that_was_edited_since_loses_our_block_alone(tmp_path):
    node = Node(tmp_path)
    node.process(1, 'init', ppid=0)
    node.file('/etc/init.d/mysql', '. /etc/default/mysql\n')
    node.file('/etc/default/mysql', 'A=1\n')
    node.process(500, 'mysqld', exe='/usr/sbin/mysqld')
    present(node)
    node.file('/etc/default/mysql', node.host.read('/etc/default/mysql') + 'B=2\n')
    absent(node)
    assert node.host.read('/etc/default/mysql') == 'A=1\nB=2\n'


def test_a_server_that_nothing_starts_again_says_so(tmp_path):
    node = Node(tmp_path)
    node.process(500, 'mysqld', exe='/usr/sbin/mysqld', cgroup=v2('/system.slice/rc-local.service'))
    row = plan(node)['rows'][0]
    assert row['manager']['kind'] == 'none'
    assert row['recreate_required'].startswith('rc-local.service starts mysqld again without its score')
    assert plan(node, keep=True)['rows'][0]['skipped_reason'].startswith('keep needs systemd')


def test_a_user_s_unit_gets_no_drop_in(tmp_path):
    node = Node(tmp_path).systemd()
    node.process(500, 'mysqld', exe='/usr/sbin/mysqld', uid=1000,
                 cgroup=v2('/user.slice/user-1000.slice/user@1000.service/app.slice/db.service'))
    row = plan(node, user=['eve'])['rows'][0]
    assert row['recreate_required'].startswith("a user's systemd may not lower a score")
    assert plan(node, user=['eve'], keep=True)['rows'][0]['persistent']['by'] == keeper.UNIT


def test_a_unit_whose_file_is_gone_is_not_taken_for_a_user_s(tmp_path):
    node = Node(tmp_path).systemd()
    node.process(500, 'mysqld', exe='/usr/sbin/mysqld', cgroup=v2('/system.slice/mysql.service'))
    assert plan(node)['rows'][0]['recreate_required'] == (
        'the file of mysql.service is gone, so nothing starts mysqld again: give the unit a file')


def test_auto_is_the_share_of_ram_and_swap_and_does_not_drift(node):
    made, _done = present(node, value='auto')
    assert made['value'] == -870
    node.process(500, 'mariadbd', exe='/usr/sbin/mariadbd', rss_kb=450000, adj=-870,
                 cgroup=v2('/system.slice/mariadb.service'))
    assert present(node, value='auto')[1] == []
    node.file('/proc/meminfo', 'MemTotal:        1014892 kB\nSwapTotal:       2097152 kB\n')
    assert present(node, value='auto')[0]['value'] == -290


def test_auto_without_a_server_that_runs_is_the_default(tmp_path):
    node = Node(tmp_path).systemd()
    node.unit('mariadb.service', UNIT)
    assert plan(node, value='auto')['value'] == -600


def test_unkillable_is_refused_where_too_little_could_be_killed(node):
    node.file('/proc/meminfo', 'MemTotal:        8014892 kB\nSwapTotal:             0 kB\n')
    with pytest.raises(RescueError) as error:
        plan(node, value=-1000, allow_unkillable=True)
    assert 'not safe here' in str(error.value)


def test_what_the_kernel_spares_is_nothing_that_could_be_killed(node):
    present(node, value=-1000, allow_unkillable=True)
    node.file('/proc/500/oom_score_adj', '0\n')
    node.process(600, 'php', exe='/usr/bin/php', rss_kb=300000, adj=-1000, cgroup=v2('/system.slice/cron.service'))
    with pytest.raises(RescueError) as error:
        plan(node, value=-1000, allow_unkillable=True)
    assert 'not safe here' in str(error.value)


def test_earlyoom_is_told_when_asked_and_forgets_it_again(node):
    node.process(300, 'earlyoom', exe='/usr/bin/earlyoom', uid=61234, cmdline=['earlyoom'],
                 cgroup=v2('/system.slice/earlyoom.service'))
    node.file('/etc/default/earlyoom', 'EARLYOOM_ARGS="-r 3600"\n')
    before = node.files()
    _made, done = present(node, killers='spare')
    assert summary(done)[-4:-1] == [
        ('replace', '/etc/default/earlyoom'), ('reload', 'mariadb.service'), ('restart', 'earlyoom.service')]
    assert node.host.read('/etc/default/earlyoom') == 'EARLYOOM_ARGS="-r 3600 --avoid \'^(mariadbd)$\'"\n'
    assert present(node, killers='spare')[1] == []
    _made, done = absent(node)
    assert summary(done)[-2] == ('restart', 'earlyoom.service')
    assert node.files() == before


@pytest.mark.parametrize('mode,shown', [(0o644, True), (0o600, False), (0o640, False)])
def test_a_killers_file_that_others_may_not_read_is_in_no_difference(node, mode, shown):
    node.process(300, 'earlyoom', exe='/usr/bin/earlyoom', uid=61234, cmdline=['earlyoom'],
                 cgroup=v2('/system.slice/earlyoom.service'))
    node.file('/etc/default/earlyoom', 'PASSWORD=hunter2\nEARLYOOM_ARGS="-r 3600"\n')
    os.chmod(node.host.path('/etc/default/earlyoom'), mode)
    spared = dict(OPTIONS, **dict(dict.fromkeys(TARGETS), process='mysqld', user=(), killers='spare'))
    for options in (spared, dict(spared, state='absent')):
        said = converge(node.host, options, check_mode=True)
        result = converge(node.host, options, check_mode=False)
        assert said['diff'] == result['diff'] and ('hunter2' in repr(result)) is shown
        assert any('/etc/default/earlyoom' in repr(action) for action in result['actions'])


def test_a_pid_file_names_the_process(node):
    node.file('/run/mysqld/mysqld.pid', '500\n')
    assert [row['pid'] for row in plan(node, 'pid_file', '/run/mysqld/mysqld.pid')['rows']] == [500]
    assert plan(node, 'pid_file', '/run/none.pid')['rows'] == []


STRANGER = dict(exe='/tmp/x/mysqld', uid=65534, cgroup=v2('/'))


def stranger(node, pid=700, **row):
    node.owners.update({'/tmp': (0, 0o1777), '/tmp/x': (65534, 0o755)})
    node.process(pid, 'mysqld', **dict(STRANGER, **row))


@pytest.mark.parametrize('options', [{}, {'keep': True}, {'value': 300, 'keep': True}, {'killers': 'spare'}])
def test_what_a_user_calls_mysqld_gets_nothing_and_is_said(tmp_path, options):
    node = Node(tmp_path).systemd()
    stranger(node)
    before = node.files()
    made, done = present(node, **options)
    assert (made['found'], made['actions'], done, node.files(), node.adj(700)) == (False, [], [], before, '0')
    reason = ('mysqld (pid 700) is left as it is: uid 65534 is neither root nor the account of such a server. If it is '
              'meant, name its user: user=65534, or oom_protect_user of the role')
    assert [(row['pid'], row['live'], row['skipped_reason']) for row in made['rows']] == [
        (700, {'before': 0, 'after': 0}, reason)]


def test_beside_a_server_it_changes_nothing_of_what_the_server_gets(node):
    for pid in range(700, 800):
        stranger(node, pid)
    made, _done = present(node, keep=True, killers='spare')
    assert [row['pid'] for row in made['rows']] == [500, 700]
    assert 'mysqld (pid 700, 701, 702 and 97 more) is left' in made['rows'][1]['skipped_reason']
    assert (node.adj(500), node.adj(700), node.host.read(keeper.RULES)) == ('-600', '0', None)


def test_named_a_user_s_server_gets_its_score_and_is_kept_for_that_user_alone(tmp_path):
    node = Node(tmp_path).systemd()
    stranger(node)
    stranger(node, 701, uid=65533)
    made, _done = present(node, user=['65534'], keep=True)
    assert (node.adj(700), node.adj(701)) == ('-600', '0')
    assert node.host.read(keeper.RULES) == '# process:mysqld\n-600 65534 0 host mysqld /tmp/x/mysqld\n'
    assert made['found'] and [row['pid'] for row in made['rows']] == [700, 701]


def test_what_an_earlier_release_gave_to_a_stranger_is_given_back(tmp_path):
    node = Node(tmp_path).systemd()
    stranger(node)
    present(node, user=['65534'])
    absent(node)
    assert (node.adj(700), node.host.exists('/var/lib/oom-rescue')) == ('0', False)


@pytest.mark.parametrize('name, exe, expected', [
    ('mysqld', '/usr/sbin/mariadbd', 'mysqld'),
    ('connection', '/usr/sbin/mariadbd', 'mariadbd'),
    ('x$(reboot)|.*', '/usr/sbin/mariadbd', 'mariadbd'),
])
def test_a_killer_is_told_a_name_of_the_program_and_none_that_the_process_chose(node, name, exe, expected):
    node.process(500, name, exe=exe, uid=106, cgroup=v2('/system.slice/mariadb.service'))
    node.process(300, 'earlyoom', exe='/usr/bin/earlyoom', cmdline=['earlyoom'])
    present(node, killers='spare')
    assert node.host.read('/etc/default/earlyoom') == 'EARLYOOM_ARGS="--avoid \'^(%s)$\'"\n' % expected


@pytest.mark.parametrize('owners', [
    {'/etc/default/earlyoom': (1000, 0o644)}, {'/etc/default/earlyoom': (0, 0o666)}, {'/etc/default': (0, 0o777)},
])
def test_a_killer_s_file_that_others_can_change_is_not_edited(node, owners):
    node.process(300, 'earlyoom', exe='/usr/bin/earlyoom', cmdline=['earlyoom'])
    node.file('/etc/default/earlyoom', 'X=1\n')
    node.owners.update(owners)
    made, _done = present(node, killers='spare')
    assert node.host.read('/etc/default/earlyoom') == 'X=1\n'
    assert made['rows'][0]['skipped_reason'] == (
        'earlyoom is not told to spare it: its configuration /etc/default/earlyoom is missing, or can be changed by '
        'others than root')


OVERRIDE_FILE = '/etc/systemd/system/mariadb.service.d/override.conf'


def with_score(node, score, live, path=OVERRIDE_FILE):
    node.file(path, '[Service]\nOOMScoreAdjust=%d\n' % score)
    node.reload()
    node.file('/proc/500/oom_score_adj', '%d\n' % live)


@pytest.mark.parametrize('score, live', [(-800, -800), (-1000, -1000), (-800, 0), (-800, -900)])
@pytest.mark.parametrize('name', ['override.conf', '10-first.conf', '99-last.conf'])
def test_a_unit_s_stronger_score_stays_and_is_said(node, score, live, name):
    path = os.path.dirname(OVERRIDE_FILE) + '/' + name
    with_score(node, score, live, path)
    before = node.files()
    made, _done = present(node, keep=True)
    row = made['rows'][0]
    assert row['persistent'] == {'before': score, 'after': score, 'by': path}
    assert row['skipped_reason'] == (
        '%s line 2 sets OOMScoreAdjust=%d, which protects more than -600 and stays: override=stronger-score replaces it'
        % (path, score))
    assert node.adj(500) == str(min(live, -600))
    assert not node.host.exists(DROP_IN)
    absent(node)
    assert (node.files(), node.adj(500)) == (before, str(live))


@pytest.mark.parametrize('value, score', [(-600, 500), (500, -1000), (1, -500), (1, -1)])
def test_a_unit_s_score_of_the_other_sign_is_asked_for_outright(node, value, score):
    with_score(node, score, score)
    before = node.files()
    made, done = present(node, value=value)
    assert (done, node.files(), node.adj(500)) == ([], before, str(score))
    assert made['rows'][0]['skipped_reason'] == (
        '%s line 2 sets OOMScoreAdjust=%d, which %d contradicts: remove that line, or have it overridden with '
        'override=stronger-score' % (OVERRIDE_FILE, score, value))


@pytest.mark.parametrize('value, score', [(-600, 500), (-600, -800), (500, -1000)])
def test_an_override_sets_what_was_asked(node, value, score):
    with_score(node, score, score, os.path.dirname(OVERRIDE_FILE) + '/10-first.conf')
    before = node.files()
    made, _done = present(node, value=value, override=['stronger-score'])
    assert (node.adj(500), made['rows'][0]['persistent']['after']) == (str(value), value)
    absent(node)
    assert (node.files(), node.adj(500)) == (before, str(score))


def test_a_stronger_score_given_by_hand_stays_and_the_next_start_has_what_was_asked(node):
    node.file('/proc/500/oom_score_adj', '-900\n')
    made, _done = present(node)
    assert node.adj(500) == '-900'
    assert made['rows'][0]['persistent']['after'] == -600
    assert 'is -900, which protects more than -600 and stays' in made['rows'][0]['skipped_reason']
    absent(node)
    assert node.adj(500) == '-900'


def test_a_drop_in_of_ours_does_not_hide_a_stronger_one_that_came_later(node):
    present(node, restart_policy='ensure')
    path = os.path.dirname(OVERRIDE_FILE) + '/10-first.conf'
    with_score(node, -800, -600, path)
    made, _done = present(node, restart_policy='ensure')
    assert 'OOMScoreAdjust' not in node.host.read(DROP_IN)
    assert made['rows'][0]['persistent'] == {'before': -600, 'after': -800, 'by': path}


def instances(tmp_path, states):
    node = Node(tmp_path).systemd()
    for name, state in states.items():
        node.unit('%s.service' % name, '[Service]\n%s' % state)
    return node


@pytest.mark.parametrize('states, expected', [
    ({'mariadb@1': '', 'mariadb@2': 'ActiveState=failed\n'}, ['mariadb@1.service', 'mariadb@2.service']),
    ({'mysqld@a': '', 'mysql@bootstrap': ''}, ['mysqld@a.service', 'mysql@bootstrap.service']),
    ({'mariadb@1': '', 'mariadb': 'UnitFileState=enabled\n'}, ['mariadb.service', 'mariadb@1.service']),
    ({'mariadb@1': '', 'mariadb': 'ActiveState=failed\n'}, ['mariadb.service', 'mariadb@1.service']),
    ({'mariadb@1': '', 'mariadb': 'UnitFileState=disabled\nActiveState=inactive\n'}, ['mariadb@1.service']),
], ids=['one failed', 'other templates', 'one enabled', 'the plain one failed', 'one that is not to run'])
def test_of_several_instances_those_that_do_not_run_now_are_rows(tmp_path, states, expected):
    node = instances(tmp_path, states)
    first = sorted(name for name in states if '@' in name)[0]
    node.process(500, 'mariadbd', exe='/usr/sbin/mariadbd', uid=106,
                 cgroup=v2('/system.slice/system-mariadb.slice/%s.service' % first))
    made, done = present(node)
    names = [row['manager']['name'] for row in made['rows']]
    assert sorted(names) == sorted(expected)
    assert [action['action'] for action in done].count('reload') == 1
    for name in names:
        assert node.host.read('/etc/systemd/system/%s.d/50-oom-rescue.conf' % name) == TEXT
    absent(node)
    assert not [path for path in node.files() if path.endswith('50-oom-rescue.conf')]


def test_an_instance_that_is_enabled_and_was_never_started_is_a_row(tmp_path):
    node = instances(tmp_path, {'mariadb@1': ''})
    node.file('/etc/systemd/system/multi-user.target.wants/mariadb@2.service', '')
    node.unit('mariadb@2.service', '[Service]\n')
    node.loaded.pop('mariadb@1.service')
    assert [row['name'] for row in plan(node)['rows']] == ['mariadb@2.service']


def test_a_server_below_a_supervisor_gets_its_score_and_the_supervisor_no_drop_in(tmp_path):
    node = Node(tmp_path).systemd()
    service = v2('/system.slice/pacemaker.service')
    node.unit('pacemaker.service', '[Service]\nMainPID=400\nExecStart=/usr/sbin/pacemakerd\n')
    node.process(400, 'pacemakerd', exe='/usr/sbin/pacemakerd', cgroup=service)
    node.process(450, 'mysqld_safe', ppid=400, exe='/usr/bin/dash', cmdline=['sh', '/usr/bin/mysqld_safe'],
                 cgroup=service)
    node.process(500, 'mysqld', ppid=450, exe='/usr/sbin/mysqld', uid=106, cgroup=service)
    node.process(600, 'php', ppid=400, exe='/usr/bin/php8.2', uid=33, cgroup=service)
    made, _done = present(node)
    assert [node.adj(pid) for pid in (400, 450, 500, 600)] == ['0', '-600', '-600', '0']
    assert not node.host.exists('/etc/systemd/system/pacemaker.service.d')
    assert made['rows'][1]['recreate_required'].startswith('pacemaker.service starts mysqld again without its score')


@pytest.fixture(name='make_node')
def fixture_make_node(tmp_path):
    """Nodes like ``node``, each of its own, with the keeper's kind of server beside MariaDB."""
    made = []

    def make():
        made.append(Node(tmp_path / ('node%d' % len(made))).systemd())
        made[-1].unit('mariadb.service', UNIT)
        made[-1].process(500, 'mariadbd', exe='/usr/sbin/mariadbd', cgroup=v2('/system.slice/mariadb.service'))
        made[-1].process(600, 'mariadbd', exe='/usr/sbin/mariadbd', cgroup=v2('/'))
        return made[-1]
    return make


class Stop(Exception):
    """Stands for a kill: nothing after it is done."""


def stop_at(node, number, error, once):
    """Have a node raise at its change of this number, from 0, systemctl's included, and later unless ``once``."""
    left, host = [number], node.host

    def stopping(change, counts=lambda arguments: True):
        def method(*arguments, **options):
            if counts(arguments):
                left[0] -= 1
                if left[0] == -1 or left[0] < 0 and not once:
                    raise error
            return change(*arguments, **options)
        return method
    for name in ('replace', 'remove', 'make_directory', 'remove_empty_directory'):
        setattr(host, name, stopping(getattr(host, name)))
    host.run = stopping(host.run, lambda arguments: arguments[0][1] not in ('show', '--version', 'list-units'))
    return left


@contextlib.contextmanager
def not_put_back():
    """In the place of Host.whole(): what comes after a failure does not come after a kill."""
    yield


def go_on(node):
    for name in ('replace', 'remove', 'make_directory', 'remove_empty_directory', 'whole'):
        node.host.__dict__.pop(name, None)
    node.host.run = node.run


def state_of(node):
    return node.files(), dict(node.loaded), set(node.active), node.adj(500), node.adj(600)


@pytest.mark.parametrize('dies', ['present', 'absent'])
def test_wherever_a_run_is_killed_the_next_one_completes_it_systemd_included(make_node, dies):
    clean = make_node()
    before = state_of(clean)
    present(clean, keep=True)
    after = state_of(clean)
    for number in range(100):
        node = make_node()
        if dies == 'absent':
            present(node, keep=True)
        left = stop_at(node, number, Stop(), once=False)
        node.host.whole = not_put_back
        try:
            present(node, keep=True) if dies == 'present' else absent(node)
        except Stop:
            pass
        if left[0] >= 0:
            break
        go_on(node)
        if dies == 'present':
            present(node, keep=True)
            assert state_of(node)[1:] == after[1:], 'killed at change %d' % number
            assert present(node, keep=True)[1] == []
        absent(node)
        assert state_of(node) == before, 'killed at change %d' % number
        assert not node.host.exists('/var/lib/oom-rescue')
    assert 10 < number < 99


@pytest.mark.parametrize('fails', ['present', 'absent'])
def test_a_step_that_fails_leaves_all_as_it_was_systemd_included(make_node, fails):
    for number in range(100):
        node = make_node()
        if fails == 'absent':
            present(node, keep=True)
        before = state_of(node)
        left = stop_at(node, number, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), '/etc/x'), once=True)
        try:
            present(node, keep=True) if fails == 'present' else absent(node)
        except OSError:
            assert state_of(node) == before, 'failed at change %d' % number
        if left[0] >= 0:
            break
    assert 10 < number < 99


@pytest.mark.parametrize('spoil, found', [
    (lambda path: os.chmod(path, 0o666), 'mode 0666'),
    (lambda path: os.chown(path, 65534, 0), 'owner 65534:0'),
], ids=['mode', 'owner'])
def test_a_drop_in_that_others_may_write_to_is_made_anew_and_said(node, spoil, found):
    present(node)
    spoil(node.path(DROP_IN))
    assert [action['detail'] for action in plan(node)['actions'] if found in action['detail']]
    _made, done = present(node)
    assert summary(done)[0] == ('protect', DROP_IN)
    assert node.host.flaw_of_own(DROP_IN) is None and node.host.read(DROP_IN) == TEXT
    assert present(node)[1] == []


def test_a_file_that_cannot_be_changed_is_found_before_the_score_is(node, monkeypatch):
    node.file('/etc/systemd/system/mariadb.service.d', 'a file where the directory has to be')
    before = node.files()
    with pytest.raises(OSError):
        present(node)
    assert (node.files(), node.adj(500)) == (before, '0')


RUN_SCRIPT = '#!/bin/sh\nexec 2>&1\nexec chpst -u mysql mariadbd\n'
RUN_BLOCK = '# BEGIN oom.rescue\n{ echo -600 > /proc/$$/oom_score_adj; } 2>/dev/null || :\n# END oom.rescue\n'


def on_runit(tmp_path, text=RUN_SCRIPT, directory='/etc/sv/db'):
    """A node on which runsv keeps a server running."""
    node = Node(tmp_path)
    node.process(1, 'runit', ppid=0)
    node.process(400, 'runsv', exe='/usr/bin/runsv', cmdline=['runsv', 'db'])
    node.link('/proc/400/cwd', directory)
    node.file(directory + '/run', text)
    node.process(500, 'mariadbd', ppid=400, exe='/usr/sbin/mariadbd', uid=106)
    return node


def test_what_runit_starts_gets_the_score_at_the_start_of_its_script(tmp_path):
    node = on_runit(tmp_path)
    os.chmod(node.path('/etc/sv/db/run'), 0o754)
    before = node.files()
    made, done = present(node)
    assert summary(done) == [('replace', '/etc/sv/db/run'), ('write', '/proc/500/oom_score_adj')]
    assert made['rows'][0]['persistent'] == {'before': 0, 'after': -600, 'by': '/etc/sv/db/run'}
    assert made['rows'][0]['recreate_required'] is None
    assert node.host.read('/etc/sv/db/run') == RUN_SCRIPT.replace('\n', '\n' + RUN_BLOCK, 1)
    assert mode_of(node, '/etc/sv/db/run') == 0o754
    assert present(node)[1] == []
    absent(node)
    assert (node.files(), mode_of(node, '/etc/sv/db/run'), node.adj(500)) == (before, 0o754, '0')


def test_a_script_of_runit_that_somebody_edited_since_loses_our_part_alone(tmp_path):
    node = on_runit(tmp_path)
    present(node)
    node.file('/etc/sv/db/run', node.host.read('/etc/sv/db/run').replace('mariadbd', 'mariadbd --verbose'))
    absent(node)
    assert node.host.read('/etc/sv/db/run') == RUN_SCRIPT.replace('mariadbd', 'mariadbd --verbose')


@pytest.mark.parametrize('text, directory, words', [
    ('#!/usr/bin/execlineb -P\nmariadbd\n', '/etc/s6/db', 'mariadbd by `choom -n -600 --`'),
    (RUN_SCRIPT, '/run/s6-rc/servicedirs/db', '/run/s6-rc/servicedirs/db/run is made anew at each boot'),
    (RUN_SCRIPT.replace('exec chpst', 'exec choom -n -100 -- chpst'), '/etc/sv/db',
     '/etc/sv/db/run line 3 gives a score of its own: make it -600 there'),
], ids=['execline', 's6-rc', 'a score of its own'])
def test_a_script_that_is_not_edited_is_left_and_what_to_do_is_said(tmp_path, text, directory, words):
    node = on_runit(tmp_path, text, directory)
    made, done = present(node)
    assert [action['layer'] for action in done] == ['live']
    assert words in made['rows'][0]['recreate_required'] and node.host.read(directory + '/run') == text


def test_a_score_that_a_script_gives_by_itself_and_that_is_enough_is_kept_by_it(tmp_path):
    node = on_runit(tmp_path, RUN_SCRIPT.replace('exec chpst', 'exec choom -n -700 -- chpst'))
    row = plan(node)['rows'][0]
    assert row['persistent'] == {'before': -700, 'after': -700, 'by': '/etc/sv/db/run'}
    assert row['recreate_required'] is None


@pytest.mark.parametrize('score, kept, said', [
    (0, -600, None), (-100, -600, None), (-800, -800, None), (500, None, '/etc/rc.conf line 1 gives a score'),
])
def test_a_score_that_openrc_s_own_variable_gives_is_overridden_or_stays(tmp_path, score, kept, said):
    node = Node(tmp_path)
    node.process(1, 'init', ppid=0)
    node.file('/etc/init.d/mariadb', '#!/sbin/openrc-run\ncommand=/usr/sbin/mariadbd\n')
    node.file('/etc/rc.conf', 'SSD_OOM_SCORE_ADJ=%d\n' % score)
    node.process(500, 'mariadbd', exe='/usr/sbin/mariadbd')
    before = node.files()
    made, _done = present(node)
    text = node.host.read('/etc/conf.d/mariadb')
    assert (text or '').split('\n')[2:3] == (['SSD_OOM_SCORE_ADJ=%d' % kept] if kept else [])
    assert made['rows'][0]['persistent']['after'] == (kept or 0)
    assert (said or '') in (made['rows'][0]['recreate_required'] or '')
    assert present(node)[1] == []
    absent(node)
    assert node.files() == before
