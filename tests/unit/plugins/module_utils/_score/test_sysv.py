# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._node.host import Host
from ansible_collections.oom.rescue.plugins.module_utils._score import sysv

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
    after = sysv.with_score(text, -600)
    assert after == expected
    assert sysv.with_score(after, -600) == after
    assert sysv.score(after) == -600


@pytest.mark.parametrize('text', ['', 'A=1\n', 'A=1\n\nB="x"\n'])
def test_without_is_the_inverse_of_with(text):
    assert sysv.without_score(sysv.with_score(text, 300)) == text
    assert sysv.score(text) is None


def test_a_script_under_set_e_goes_on_where_the_kernel_refuses(tmp_path):
    import subprocess
    script = tmp_path / 'script'
    script.write_text(u'set -e\n' + sysv.with_score('', -1000).replace('/proc/$$', '/nonexistent') + u'echo went on\n')
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
    assert sysv.script_facts(Host(str(tmpdir)), 'mariadb')['defaults'] == expected
