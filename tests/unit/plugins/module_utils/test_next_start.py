# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server's unit is protected, somebody changes the host, and the claim says what the next start will be."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._boot.boot import Boot
from ansible_collections.oom.rescue.plugins.module_utils._change.record import State
from ansible_collections.oom.rescue.plugins.module_utils._score.apply import apply
from ansible_collections.oom.rescue.plugins.module_utils._score.facts import read_facts
from ansible_collections.oom.rescue.plugins.module_utils._score.plan import plan
from ansible_collections.oom.rescue.plugins.module_utils._systemd import systemd
from ansible_collections.oom.rescue.plugins.module_utils._verdict.claims import judge
from fake_node import Node, v2

OPTIONS = {'state': 'present', 'value': -600, 'auto_multiple': 2.0, 'allow_unkillable': False, 'persist': 'auto',
           'keep': False, 'restart_policy': 'keep', 'killers': 'report', 'override': []}
UNIT = 'mariadb.service'
FILE = '/usr/lib/systemd/system/' + UNIT
FOLDER = '/etc/systemd/system/mariadb.service.d/'
OURS = FOLDER + systemd.DROP_IN
START = '[Service]\nExecStart=/usr/sbin/mariadbd\n'


@pytest.fixture(name='node')
def fixture_node(tmp_path):
    """Debian 12 with MariaDB under systemd, enabled and protected."""
    node = Node(tmp_path).systemd()
    node.file('/proc/1/comm', 'systemd\n')
    node.unit(UNIT, START, aliases=['mysql.service', 'mysqld.service'])
    node.link('/etc/systemd/system/multi-user.target.wants/' + UNIT, FILE)
    run(node)
    node.reload()
    apply(node.host, State(node.host, 'oom_score_adj'), *facts_and_plan(node))
    return node


def run(node, adj=0, cgroup='/system.slice/mariadb.service'):
    node.process(500, 'mariadbd', exe='/usr/sbin/mariadbd', cmdline=['/usr/sbin/mariadbd'], uid=106, rss_kb=440332,
                 cgroup=v2(cgroup), adj=adj)


def facts_and_plan(node):
    facts = read_facts(node.host, State(node.host, 'oom_score_adj'), 'process', 'mysqld')
    return facts, plan(facts, OPTIONS)


def claim(node):
    made = facts_and_plan(node)[1]
    found = judge({}, oom_protect={'found': made['found'], 'value': made['value'], 'processes': made['rows']})
    assert len(found['claims']) == 1
    return found['claims'][0]


def stopped(node):
    os.unlink(node.path('/proc/500/stat'))


def disabled(node):
    os.unlink(node.path('/etc/systemd/system/multi-user.target.wants/' + UNIT))


def writes(path, text, reload=False, mode=0o644):
    def change(node):
        node.file(path, text)
        os.chmod(node.path(path), mode)
        if reload:
            node.reload()
    return change


def removes(node):
    os.unlink(node.path(OURS))


def both(*changes):
    def change(node):
        for one in changes:
            one(node)
    return change


def unchanged(_node):
    pass


def generator(text):
    return writes('/etc/systemd/system-generators/mine', text, mode=0o755)


def ananicy(rules, enabled=True, **files):
    def change(node):
        node.file('/usr/lib/systemd/system/ananicy-cpp.service', START)
        if enabled:
            node.link('/etc/systemd/system/multi-user.target.wants/ananicy-cpp.service',
                      '/usr/lib/systemd/system/ananicy-cpp.service')
        node.process(77, 'ananicy-cpp', exe='/usr/bin/ananicy-cpp')
        node.file('/etc/ananicy.d/00-default/db.rules', '# a comment\n%s\n' % rules)
        for name, text in files.items():
            node.file('/etc/ananicy.d/' + name, text)
    return change


RULE, TYPE = '{"name": "mariadbd", "oom_score_adj": 300}', '{"name": "mariadbd", "type": "Bg"}'
POST = '[Service]\nExecStartPost=%s\n'
WRAPPED = '[Service]\nExecStart=\nExecStart=/usr/local/sbin/start-mariadb\n'


@pytest.mark.parametrize('change, state, now, later', [
    (unchanged, 'held', True, True),
    (lambda node: run(node, 0), 'false', False, True),
    (lambda node: run(node, -800), 'held', True, True),
    (removes, 'false', True, False),
    (both(removes, lambda node: node.reload()), 'false', True, False),
    (writes(OURS, '[Service]\nOOMScoreAdjust=0\n'), 'false', True, False),
    (writes(FOLDER + '10-early.conf', '[Service]\nOOMScoreAdjust=0\n'), 'held', True, True),
    (writes('/etc/systemd/system/service.d/40-x.conf', '[Service]\nOOMScoreAdjust=0\n'), 'held', True, True),
    (writes(FOLDER + '60-later.conf', '[Service]\nOOMScoreAdjust=-800\n', True), 'held', True, True),
    (writes(FOLDER + '20-post.conf', POST % '/usr/bin/choom -n 0 -p $MAINPID'), 'false', True, False),
    (writes(FOLDER + '20-post.conf', POST % '/bin/sh -c "echo 0 > /proc/$MAINPID/oom_score_adj"'), 'false', True,
     False),
    (writes(FOLDER + '20-post.conf', POST % '/bin/sh -c "echo 0 | tee /proc/$MAINPID/oom_score_adj"'), 'open', True,
     None),
    (writes(FOLDER + '20-post.conf', POST % '/bin/sh -c "echo -800 > /proc/$MAINPID/oom_score_adj"'), 'held', True,
     True),
    (writes(FOLDER + '20-post.conf', POST % '/bin/sh -c "echo 500 > /proc/self/oom_score_adj"'), 'held', True, True),
    (writes(FOLDER + '20-post.conf', POST % '/usr/bin/choom -p $MAINPID -n $SCORE'), 'open', True, None),
    (both(writes(FOLDER + '20-wrap.conf', WRAPPED),
          writes('/usr/local/sbin/start-mariadb', '#!/bin/sh\necho 0 > /proc/self/oom_score_adj\nexec mariadbd\n')),
     'false', True, False),
    (both(writes(FOLDER + '20-wrap.conf', WRAPPED),
          writes('/usr/local/sbin/start-mariadb', '#!/bin/bash\nexec choom -n 0 -- mariadbd\n')), 'false', True, False),
    (both(writes(FOLDER + '20-wrap.conf', WRAPPED),
          writes('/usr/local/sbin/start-mariadb', '#!/bin/sh\nif [ -n "$A" ]; then\nchoom -n 0 -p $$\nfi\n')), 'open',
     True, None),
    (both(writes(FOLDER + '20-wrap.conf', WRAPPED),
          writes('/usr/local/sbin/start-mariadb', '#!/bin/sh\nulimit -n 4096\nexec mariadbd\n')), 'held', True, True),
    (writes(FOLDER + '60-later.conf', '[Unit]\nOOMScoreAdjust=0\n'), 'held', True, True),
    (writes(FOLDER + '60-later.conf', 'OOMScoreAdjust=0\n'), 'held', True, True),
    (writes(FOLDER + '60-later.conf', '[Service]\nOOMScoreAdjust=none\n'), 'held', True, True),
    (writes(FOLDER + '60-later.conf', '[Service]\nOOMScoreAdjust=-5000\n'), 'held', True, True),
    (writes('/etc/rc.local', '#!/bin/sh\nchoom -n 0 -p $(pidof mariadbd)\n', mode=0o755), 'open', True, None),
    (writes('/etc/rc.local', '#!/bin/sh\nfor pid in $(pgrep mariadb); do\necho 0 > /proc/$pid/oom_score_adj\ndone\n',
            mode=0o755), 'open', True, None),
    (writes('/etc/rc.local', '#!/bin/sh\nchoom -n -900 -p $(pidof mariadbd)\n', mode=0o755), 'held', True, True),
    (writes('/etc/rc.local', '#!/bin/sh\nchoom -n 0 -p $(pidof sshd)\n', mode=0o755), 'held', True, True),
    (both(writes(FOLDER + '20-wrap.conf', '[Service]\nExecStart=\nExecStart=/usr/bin/python3 /opt/app\n'),
          writes('/etc/rc.local', '#!/bin/sh\npython3 /opt/x\nchoom -n 0 -p $(pidof sshd)\n', mode=0o755)), 'held',
     True, True),
    (writes('/etc/rc.local', '#!/bin/sh\nchoom -n 0 -- /opt/backup of mariadb\n', mode=0o755), 'held', True, True),
    (writes('/etc/cron.d/x', '*/5 * * * * root echo 0 > /proc/$(pidof mariadbd)/oom_score_adj\n'), 'open', True, None),
    (writes('/etc/rc.local', '#!/bin/sh\nfor p in /proc/[0-9]*; do\necho 0 > $p/oom_score_adj\ndone\n', mode=0o755),
     'open', True, None),
    (writes('/etc/rc.local', '#!/bin/sh\nchoom -n 0 -p $(cat /run/mysqld/mysqld.pid)\n', mode=0o755), 'open', True,
     None),
    (writes(FOLDER + '20-post.conf', POST % '/usr/bin/python3 /opt/x.py'), 'held', True, True),
    (both(writes(FOLDER + '20-post.conf', POST % '/opt/x.py'), writes(
        '/opt/x.py', '#!/usr/bin/python3\nopen("/proc/%d/oom_score_adj" % pid, "w").write("0")\n')), 'open', True,
     None),
    (writes(FOLDER + '20-post.conf', POST % '/bin/sh -c "printf 0 | dd of=/proc/$MAINPID/oom_score_adj"'), 'open', True,
     None),
    (writes(FOLDER + '20-wrap.conf', WRAPPED.replace(
        '/usr/local/sbin/start-mariadb', '/usr/bin/systemd-run --scope -p OOMScoreAdjust=0 /usr/sbin/mariadbd')),
     'false', True, False),
    (writes('/etc/rc.local', '#!/bin/sh\nsystemd-run -p OOMScoreAdjust=500 /opt/backup of mariadb\n', mode=0o755),
     'held', True, True),
    (writes('/etc/rc.local', '#!/bin/sh\nSCORE=0\nchoom -n $SCORE -p $(pidof mariadbd)\n', mode=0o755), 'open', True,
     None),
    (writes(FOLDER + '20-post.conf', POST % '/usr/bin/choom -n $SCORE -p $MAINPID\nEnvironment=SCORE=0'), 'false', True,
     False),
    (writes('/etc/rc.local', '#!/bin/sh\necho "choom -n 0 -p $(pidof mariadbd)" >> /run/motd\n', mode=0o755), 'held',
     True, True),
    (writes('/etc/rc.local', '#!/bin/sh\nrm -rf %s\n' % FOLDER, mode=0o755), 'false', True, False),
    (writes('/etc/cron.daily/x', '#!/bin/sh\nrm -f %s\n' % OURS, mode=0o755), 'open', True, None),
    (writes('/proc/self/mountinfo', '1 0 254:1 / / rw - ext4 a rw\n2 1 0:9 / /etc rw - tmpfs t rw\n'), 'false', True,
     False),
    (writes('/etc/systemd/system.attached/mariadb.service', '[Service]\nExecStart=/usr/bin/choom -n 0 -- a\n'), 'false',
     True, False),
    (ananicy(RULE), 'false', True, False),
    (ananicy(RULE, enabled=False), 'open', True, None),
    (ananicy(TYPE, **{'a.types': '{"type": "Bg", "oom_score_adj": 900}'}), 'false', True, False),
    (ananicy(TYPE, **{'a.types': '{"type": "Bg", "nice": 9}'}), 'held', True, True),
    (ananicy(RULE, **{'ananicy.conf': 'apply_oom_score_adj = false\n'}), 'held', True, True),
    (ananicy(RULE.replace('mariadbd', 'php')), 'held', True, True),
    (ananicy(RULE.replace('300', '-700')), 'held', True, True),
    (ananicy('{"name": ["a"], "type": {}}\n{"name": 1}\n[]\n{\n' + RULE, **{'a.types': '{"type": []}\n'}), 'false',
     True, False),
    (generator('#!/bin/sh\nmkdir -p $1/mariadb.service.d\n'), 'open', True, None),
    (generator('\x7fELF'), 'open', True, None),
    (generator('#!/bin/sh\nln -s /run/x.target $1/multi-user.target.wants/\n'), 'held', True, True),
    (writes('/proc/cmdline', 'quiet\n'), 'held', True, True),
    (both(writes('/boot/grub/grub.cfg', ' linux /vmlinuz init=/bin/bash\n'), writes('/bin/bash', 'x')), 'false', True,
     False),
    (stopped, 'held', None, True),
    (disabled, 'held', True, True),
    (both(stopped, disabled), 'open', None, False),
    (both(stopped, removes), 'false', None, False),
], ids=['nothing', 'reset by hand', 'stronger by hand', 'our file removed', 'our file removed, reloaded',
        'our file edited, not reloaded', 'an earlier drop-in', 'a drop-in of all services', 'a later, stronger drop-in',
        'choom after the start', 'echo after the start', 'a pipe after the start', 'stronger after the start',
        'of the command itself', 'a variable after the start', 'a wrapper', 'a wrapper with choom',
        'a wrapper that may', 'a wrapper that does not', 'another section', 'no section', 'no number',
        'a number out of range', 'choom in rc.local', 'a loop in rc.local', 'stronger in rc.local',
        'another program in rc.local', 'an interpreter of all', 'choom of a new process', 'cron',
        'a loop over all processes', 'by its pid file', 'Python', 'Python that writes one', 'dd after the start',
        'systemd-run', 'systemd-run of another', 'a variable in rc.local', 'a variable of the unit',
        'words in rc.local', 'our folder taken away', 'our file taken away by cron', '/etc in memory',
        'an attached unit', 'ananicy', 'ananicy that is not enabled', 'ananicy by a type', 'ananicy by another type',
        'ananicy that leaves scores', 'ananicy of another program', 'ananicy that protects more',
        'ananicy with odd lines', 'a generator',
        'a generator that is no script', 'a generator of something else', 'a command line', 'a boot to a shell',
        'stopped', 'disabled and running', 'disabled and stopped', 'stopped and not declared'])
def test_the_claim_is_what_the_next_start_gives(node, change, state, now, later):
    change(node)
    found = claim(node)
    assert (found['state'], found['now'], found['after_reboot']) == (state, now, later), found['detail']


def test_a_unit_that_is_made_for_one_run_is_for_a_person_to_make_anew(tmp_path):
    node = Node(tmp_path).systemd()
    node.host.run = lambda argv: (0, '' if argv[1] == 'list-units' else (
        'Id=run-u7.service\nLoadState=loaded\nFragmentPath=/run/systemd/transient/run-u7.service\nOOMScoreAdjust=0\n'
        if argv[-1] == 'run-u7.service' else 'LoadState=not-found\n'), '')
    node.process(500, 'mariadbd', exe='/usr/sbin/mariadbd', cmdline=['/usr/sbin/mariadbd'], uid=106, adj=-600,
                 cgroup=v2('/system.slice/run-u7.service'))
    made = facts_and_plan(node)[1]
    row, = made['rows']
    assert made['actions'] == []
    assert 'systemd-run -p OOMScoreAdjust=-600' in row['recreate_required']
    assert claim(node)['state'] == 'open'


SCRIPT = ('#!/bin/sh\n. /etc/default/mariadb\ncase "$1" in\nstart)\n'
          '    start-stop-daemon --start --exec mariadbd\nesac\n')


def by_script(path, text):
    """A script of runlevel 2, which sysvinit enters."""
    def change(node):
        writes('/etc/init.d/' + path, text, mode=0o755)(node)
        node.link('/etc/rc2.d/S02' + path, '/etc/init.d/' + path)
    return change


@pytest.mark.parametrize('change, state, now, later', [
    (unchanged, 'held', True, True),
    (lambda node: run(node, 0, '/'), 'false', False, True),
    (writes('/etc/default/mariadb', '# nothing\n'), 'false', True, False),
    (writes('/etc/rc.local', '#!/bin/sh\nchoom -n 0 -p $(pidof mariadbd)\n', mode=0o755), 'open', True, None),
    (writes('/etc/rc.local', '#!/bin/sh\nchoom -n -900 -p $(pidof mariadbd)\n', mode=0o755), 'held', True, True),
    (writes('/etc/rc.local', '#!/bin/sh\nchoom -n 0 -p $(pidof sshd)\n', mode=0o755), 'held', True, True),
    (writes('/etc/inittab', 'id:2:initdefault:\nx:2:once:/bin/sh -c "sleep 9; choom -n 0 -p $(pidof mysqld)"\n'),
     'open', True, None),
    (by_script('tune', '#!/bin/sh\nfor p in $(pgrep mariadb); do\necho 0 > /proc/$p/oom_score_adj\ndone\n'), 'open',
     True, None),
    (by_script('tune', '#!/bin/sh\necho 0 > /proc/$$/oom_score_adj\n'), 'held', True, True),
    (by_script('mariadb', SCRIPT), 'held', True, True),
    (by_script('mariadb', SCRIPT.replace('start-stop', 'choom -n 0 -- start-stop')), 'open', True, False),
    (writes('/etc/cron.d/x', '*/5 * * * * root echo 0 > /proc/$(pidof mariadbd)/oom_score_adj\n'), 'open', True, None),
    (both(writes('/etc/ananicy.d/db.rules', RULE + '\n'),
          lambda node: node.process(77, 'ananicy-cpp', exe='/usr/bin/ananicy-cpp')), 'open', True, None),
    (writes('/etc/ananicy.d/db.rules', RULE + '\n'), 'held', True, True),
], ids=['nothing', 'reset by hand', 'our part removed', 'choom in rc.local', 'stronger in rc.local', 'another program',
        'inittab', 'another script', 'of the script itself', 'its own script', 'choom in its own script', 'cron',
        'ananicy', 'ananicy that does not run'])
@pytest.mark.parametrize('name', ['mariadbd', 'mysqld'])
def test_without_systemd_the_claim_is_what_the_next_start_gives(tmp_path, name, change, state, now, later):
    node = Node(tmp_path)
    node.process(1, 'init', ppid=0)
    node.file('/proc/1/comm', 'init\n')
    node.file('/etc/default/mariadb', '')
    by_script('mariadb', SCRIPT)(node)
    run(node, cgroup='/')
    apply(node.host, State(node.host, 'oom_score_adj'), *facts_and_plan(node))
    change(node)
    facts = read_facts(node.host, State(node.host, 'oom_score_adj'), 'process', name)
    made = plan(facts, OPTIONS)
    found, = judge({}, oom_protect={'found': made['found'], 'value': made['value'],
                                    'processes': made['rows']})['claims']
    assert (found['state'], found['now'], found['after_reboot']) == (state, now, later), found['detail']


REDIS, CONFIG = 'redis-server.service', '/etc/redis/redis.conf'


@pytest.mark.parametrize('config, more, state', [
    ('', '', 'held'),
    ('oom-score-adj no\noom-score-adj-values 0 200 800\n', '', 'held'),
    ('oom-score-adj yes\noom-score-adj-values 0 200 800\n', '', 'held'),
    ('oom-score-adj relative\nreplicaof 10.0.0.1 6379\n', '', 'false'),
    ('oom-score-adj relative\noom-score-adj-values 300 400 500\n', '', 'false'),
    ('# oom-score-adj absolute\noom-score-adj-values 0 200 800\n', '', 'held'),
    ('OOM-score-adj absolute\n', '', 'false'),
    ('oom-score-adj absolute\noom-score-adj-values -700 -700 0\n', '', 'held'),
    ('oom-score-adj absolute\n', ' --oom-score-adj no', 'held'),
    ('', ' --supervised systemd --oom-score-adj absolute', 'false'),
], ids=['no line', 'off', 'the same for a primary', 'more for a replica', 'more for both', 'a comment', 'absolute',
        'absolute and stronger', 'taken back by an option', 'by an option'])
def test_a_server_that_gives_itself_another_score_is_told(tmp_path, config, more, state):
    node = Node(tmp_path).systemd()
    node.file('/proc/1/comm', 'systemd\n')
    node.file('/etc/passwd', 'root:x:0:0::/root:/bin/sh\nredis:x:107:107::/:/bin/false\n')
    node.file(CONFIG, config)
    node.unit(REDIS, '[Service]\nMainPID=500\nExecStart=/usr/bin/redis-server %s%s\n' % (CONFIG, more))
    node.process(500, 'redis-server', exe='/usr/bin/redis-server', uid=107, adj=-600,
                 cgroup=v2('/system.slice/' + REDIS))
    node.file('/etc/systemd/system/redis-server.service.d/' + systemd.DROP_IN,
              systemd.HEADER + '\n[Service]\nOOMScoreAdjust=-600\n')
    node.reload()
    facts = read_facts(node.host, State(node.host, 'oom_score_adj'), 'process', 'redis-server')
    made = plan(facts, OPTIONS)
    found, = judge({}, oom_protect={'found': made['found'], 'value': -600, 'processes': made['rows']})['claims']
    assert found['state'] == state, found['detail']


@pytest.mark.parametrize('adj, state', [(0, 'open'), (-600, 'held')])
def test_a_unit_of_that_name_that_runs_another_program_is_no_green_for_it(tmp_path, adj, state):
    node = Node(tmp_path).systemd()
    node.file('/proc/1/comm', 'systemd\n')
    node.unit('mysqld.service', '[Service]\nMainPID=500\nExecStart=/usr/sbin/mysqld-debug\n')
    node.link('/etc/systemd/system/multi-user.target.wants/mysqld.service', '/usr/lib/systemd/system/mysqld.service')
    node.process(500, 'mysqld-debug', exe='/usr/sbin/mysqld-debug', uid=106, adj=adj,
                 cgroup=v2('/system.slice/mysqld.service'))
    apply(node.host, State(node.host, 'oom_score_adj'), *facts_and_plan(node))
    found = claim(node)
    assert found['state'] == state
    assert adj or (found['now'] is False and 'unit=mysqld.service' in found['detail'])
    assert node.adj(500) == str(adj)


POSTGRES, PROGRAM = 'postgresql@15-main.service', '/usr/lib/postgresql/15/bin/postgres'


@pytest.mark.parametrize('environ, scores', [
    ('PG_OOM_ADJUST_FILE=/proc/self/oom_score_adj\0PG_OOM_ADJUST_VALUE=0\0', ['-600', '0', '0']),
    ('PATH=/bin\0', ['-600', '-600', '-600']),
], ids=['as Debian starts it', 'as it starts by itself'])
@pytest.mark.parametrize('kind, name', [('process', 'postgres'), ('unit', POSTGRES)])
def test_children_of_a_server_that_give_themselves_a_score_keep_it(tmp_path, kind, name, environ, scores):
    node = Node(tmp_path).systemd()
    node.file('/proc/1/comm', 'systemd\n')
    node.file('/etc/passwd', 'root:x:0:0::/root:/bin/sh\npostgres:x:107:107::/:/bin/sh\n')
    node.unit(POSTGRES, '[Service]\nMainPID=500\nExecStart=%s\n' % PROGRAM)
    for pid, parent, words in ((500, 1, PROGRAM), (501, 500, 'postgres: checkpointer'), (502, 500, 'postgres: eve')):
        node.process(pid, 'postgres', ppid=parent, exe=PROGRAM, cmdline=[words], uid=107,
                     cgroup=v2('/system.slice/' + POSTGRES), environ=environ if pid == 500 else '')
    facts = read_facts(node.host, State(node.host, 'oom_score_adj'), kind, name)
    made = plan(facts, OPTIONS)
    apply(node.host, State(node.host, 'oom_score_adj'), facts, made)
    assert [node.adj(pid) for pid in (500, 501, 502)] == scores
    assert [row['pid'] for row in made['rows']] == [pid for pid, score in zip((500, 501, 502), scores) if score != '0']


def test_a_score_that_such_a_child_got_from_us_is_given_back(tmp_path):
    node = Node(tmp_path).systemd()
    started = 'PG_OOM_ADJUST_FILE=/proc/self/oom_score_adj\0'
    node.process(500, 'postgres', exe=PROGRAM, environ=started)
    node.process(501, 'postgres', ppid=500, exe=PROGRAM, adj=-600)
    State(node.host, 'oom_score_adj').put('process:postgres', {
        'value': -600, 'files': {}, 'managers': {}, 'directories': [],
        'live': [{'pid': 501, 'start_ticks': 5010, 'boot_id': 'b007', 'before': 0, 'after': -600}]})
    facts = read_facts(node.host, State(node.host, 'oom_score_adj'), 'process', 'postgres', undo=True)
    apply(node.host, State(node.host, 'oom_score_adj'), facts, plan(facts, dict(OPTIONS, state='absent')))
    assert node.adj(501) == '0'


@pytest.mark.parametrize('place', [FILE, FOLDER + '10-x.conf', OURS, '/etc/systemd/system/tune.service', '/etc/fstab'])
def test_bytes_that_are_no_text_in_a_file_of_the_boot_stop_nothing(tmp_path, place):
    node = Node(tmp_path).systemd()
    node.file('/proc/1/comm', 'systemd\n')
    node.unit(UNIT, START)
    run(node)
    node.file(place, node.host.read(place) or '')
    with open(node.path(place), 'ab') as stream:
        stream.write(b'# caf\xe9 \xff\xfe\n[Service]\nNice=1\n')
    with open(node.path(place), 'rb') as stream:
        before = stream.read()
    node.reload()
    apply(node.host, State(node.host, 'oom_score_adj'), *facts_and_plan(node))
    assert claim(node)['now'] is True
    state = State(node.host, 'oom_score_adj')
    facts = read_facts(node.host, state, 'process', 'mysqld', undo=True)
    apply(node.host, state, facts, plan(facts, dict(OPTIONS, state='absent')))
    with open(node.path(place), 'rb') as stream:
        assert stream.read() == before


@pytest.mark.parametrize('text, kept', [
    ('[Manager]\nDefaultOOMScoreAdjust=-700\n', True), ('[Manager]\n#DefaultOOMScoreAdjust=-700\n', False),
    ('[Manager]\nDefaultOOMScoreAdjust=-100\n', False)])
def test_a_score_that_systemd_gives_all_services_counts(node, text, kept):
    removes(node)
    node.file('/etc/systemd/system.conf.d/x.conf', text)
    assert Boot(node.host).score(UNIT, lambda score: score <= -600)['kept'] is kept
