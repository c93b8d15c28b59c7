# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host
from ansible_collections.oom.rescue.plugins.module_utils._score import own_score, run_script, sysv
from fake_node import Node

DEBIAN = """\
#!/bin/bash
set -e
if [ -f /etc/default/mysql ]; then
  . /etc/default/mysql
fi
# . /etc/default/not-this
[ -r /etc/default/mariadb ] && . /etc/default/mariadb
"""
BLOCK = '# BEGIN oom.rescue\n{ echo -600 > /proc/$$/oom_score_adj; } 2>/dev/null || :\n# END oom.rescue\n'


@pytest.mark.parametrize('script, expected', [
    (DEBIAN, ['/etc/default/mysql', '/etc/default/mariadb']),
    ('test -f /etc/sysconfig/mysqld && source "/etc/sysconfig/mysqld"\n', ['/etc/sysconfig/mysqld']),
    ('. /lib/lsb/init-functions\n', []),
    (None, []),
], ids=['Debian', 'Red Hat', 'no defaults', 'no script'])
def test_the_defaults_of_a_script_are_the_files_that_it_sources(script, expected):
    assert sysv.defaults_files(script) == expected


@pytest.mark.parametrize('text, expected', [
    (None, BLOCK),
    ('', BLOCK),
    ('A=1\n', 'A=1\n' + BLOCK),
    ('A=1', 'A=1\n' + BLOCK),
    ('A=1\n' + BLOCK.replace('600', '100') + 'B=2\n', 'A=1\n' + BLOCK + 'B=2\n'),
], ids=['no file', 'empty', 'lines of others', 'no last newline', 'our block already'])
def test_the_block_is_there_once_and_other_lines_stay(text, expected):
    after = own_score.with_score(text, -600)
    assert after == expected
    assert own_score.with_score(after, -600) == after
    assert own_score.score(after) == -600


@pytest.mark.parametrize('text', ['', 'A=1\n', 'A=1\n\nB="x"\n'])
def test_without_is_the_inverse_of_with(text):
    assert own_score.without_score(own_score.with_score(text, 300)) == text
    assert own_score.score(text) is None


def test_a_script_under_set_e_goes_on_where_the_kernel_refuses(tmp_path):
    import subprocess
    script = tmp_path / 'script'
    block = own_score.with_score('', -1000).replace('/proc/$$', '/nonexistent')
    script.write_text(u'set -e\n' + block + u'echo went on\n')
    assert subprocess.check_output(['sh', str(script)]).strip() == b'went on'


OPENRC = '#!/sbin/openrc-run\ncommand=/usr/sbin/mariadbd\n. /etc/default/not-this\n'


@pytest.mark.parametrize('script, files, expected', [
    (OPENRC, {}, '/etc/conf.d/mariadb'),
    (OPENRC.replace('openrc-run', 'runscript'), {}, '/etc/conf.d/mariadb'),
    (OPENRC, {'/run/openrc/softlevel': 'default\n'}, '/etc/conf.d/mariadb'),
    (OPENRC, {'/run/openrc/softlevel': 'default\n', '/etc/conf.d/mariadb.default': 'A=1\n'},
     '/etc/conf.d/mariadb.default'),
    (OPENRC, {'/run/openrc/softlevel': '../x\n', '/etc/conf.d/mariadb.default': 'A=1\n'}, '/etc/conf.d/mariadb'),
    (DEBIAN, {'/etc/conf.d/mariadb': 'A=1\n'}, '/etc/default/mariadb'),
], ids=['OpenRC', 'old OpenRC', 'a runlevel without a file', 'a file of the runlevel', 'no name of a runlevel',
        'a script of sysvinit'])
def test_the_file_is_the_one_that_the_init_reads_for_the_script(tmpdir, script, files, expected):
    for path, text in dict(files, **{'/etc/init.d/mariadb': script}).items():
        tmpdir.join(path).write(text, ensure=True)
    assert sysv.script_facts(Host(str(tmpdir)), 'mariadb')['file'] == expected


OWN = [
    ('#!/bin/sh\nchoom -n -500 -- mariadbd\n', (2, -500)),
    ('#!/bin/sh\n# choom -n -500 --\nexec choom --adjust=300 -- mariadbd\n', (3, 300)),
    ('#!/bin/sh\necho -17 > /proc/$$/oom_adj\n', (2, None)),
    ('#!/bin/sh\necho "-100" >/proc/self/oom_score_adj\nprintf "-200\\n" > /proc/$$/oom_score_adj\n', (3, -200)),
    ('#!/bin/sh\necho $SCORE > /proc/$$/oom_score_adj\n', (2, None)),
    ('#!/sbin/openrc-run\nstart_stop_daemon_args="--oom-score-adj -800"\n', (2, -800)),
    ('#!/bin/sh\n' + BLOCK + 'echo 5 > /proc/$$/oom_score_adj\n', (5, 5)),
    ('#!/bin/sh\n' + BLOCK + 'exec mariadbd\n', None),
]


@pytest.mark.parametrize('text, expected', OWN)
def test_a_score_that_a_script_gives_by_itself_is_told_with_its_line(text, expected):
    found = own_score.own_score([('/etc/sv/db/run', text)])
    assert (found and (found['line'], found['score'])) == expected


RUN = '#!/bin/sh\nexec 2>&1\nexec chpst -u mysql mariadbd\n'


@pytest.mark.parametrize('first', ['#!/bin/sh', '#! /bin/bash -eu', '#!/usr/bin/env bash', '#!/usr/bin/env -S dash -e',
                                   '#!/bin/busybox sh', '#!/usr/local/bin/mksh'])
def test_in_a_script_of_a_shell_the_block_comes_first(first):
    text = RUN.replace('#!/bin/sh', first)
    after = own_score.with_score(text, -600, start=True)
    assert after == first + '\n' + BLOCK + text.split('\n', 1)[1]
    assert own_score.with_score(after, -600, start=True) == after and own_score.without_score(after) == text


@pytest.mark.parametrize('directory, text, mode, flaw', [
    ('/etc/sv/db', RUN, 0o755, None),
    ('/etc/sv/db', RUN.replace('/bin/sh', '/bin/busybox sh'), 0o755, None),
    ('/etc/sv/db', RUN.replace('/bin/sh', '/usr/bin/execlineb -P'), 0o755, 'no shell'),
    ('/etc/sv/db', RUN.replace('/bin/sh', '/bin/sh -c'), 0o755, 'no shell'),
    ('/etc/sv/db', RUN.replace('/bin/sh', '/usr/bin/python3'), 0o755, 'no shell'),
    ('/etc/sv/db', '\x7fELF', 0o755, 'no shell'),
    ('/run/s6-rc/servicedirs/db', RUN, 0o755, 'volatile'),
    ('/etc/sv/db', RUN, 0o775, 'open'),
    ('/etc/sv/db', None, 0o755, 'open'),
], ids=['a shell', 'of busybox', 'execline', 'a command', 'Python', 'a program', 's6-rc', 'open to a group', 'no file'])
def test_a_run_is_edited_if_it_is_root_s_script_of_a_shell_and_stays(tmp_path, directory, text, mode, flaw):
    node = Node(tmp_path)
    if text is not None:
        node.file(directory + '/run', text)
    node.owners[directory + '/run'] = (0, mode)
    found = run_script.script_facts(node.host, directory)
    assert (found['file'], found['flaw'], found['path']) == (
        None if flaw else directory + '/run', flaw, directory + '/run')


@pytest.mark.parametrize('files, expected', [
    ({}, None),
    ({'/etc/rc.conf': '#SSD_OOM_SCORE_ADJ="0"\n'}, None),
    ({'/etc/rc.conf': 'SSD_OOM_SCORE_ADJ="0"\n'}, ('/etc/rc.conf', 1, 0)),
    ({'/etc/rc.conf': 'SSD_OOM_SCORE_ADJ="0"\n', '/etc/rc.conf.d/10-x.conf': "\nSSD_OOM_SCORE_ADJ='5' # all\n"},
     ('/etc/rc.conf.d/10-x.conf', 2, 5)),
    ({'/etc/rc.conf': 'SSD_OOM_SCORE_ADJ="0"\n', '/etc/conf.d/mariadb': 'SSD_OOM_SCORE_ADJ=-800\n'},
     ('/etc/conf.d/mariadb', 1, -800)),
    ({'/etc/rc.conf': 'SSD_OOM_SCORE_ADJ="0"\n', '/etc/conf.d/mariadb': 'SSD_OOM_SCORE_ADJ=\n'}, None),
    ({'/etc/conf.d/mariadb': own_score.with_score('', -600, variable=True)}, None),
])
def test_openrc_s_own_variable_is_read_where_openrc_reads_it(tmpdir, files, expected):
    for path, text in dict(files, **{'/etc/init.d/mariadb': OPENRC}).items():
        tmpdir.join(path).write(text, ensure=True)
    found = sysv.script_facts(Host(str(tmpdir)), 'mariadb')['variable']
    assert found == (expected and dict(zip(('path', 'line', 'score'), expected)))


@pytest.mark.parametrize('shell', ['sh', 'bash'])
def test_a_shell_runs_what_stands_below_the_block(tmp_path, shell):
    import subprocess
    script = tmp_path / 'run'
    text = '#!/bin/%s -eu\ncat /proc/self/oom_score_adj\n' % shell
    script.write_text(u'' + own_score.with_score(text, 600, start=True))
    script.chmod(0o755)
    assert subprocess.check_output([str(script)]).strip() == b'600'
