# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's and user space's killers, for real: what they choose once scores and rules are set.

A kill is asked for with SysRq f (Documentation/admin-guide/sysrq.rst): the kernel chooses as it would out of memory.
"""

import pytest
from servers import Servers, Systemd

HOG = ("systemd-run --quiet --collect --unit=hog python3 -c 'import time; x = b\"x\" * (40 << 20); time.sleep(9999)'; "
       'for i in $(seq 60); do pid=$(systemctl show -p MainPID --value hog); '
       '[ $(awk "/VmRSS/ {print \\$2}" /proc/$pid/status) -gt 40000 ] && break; sleep 1; done; echo $pid')

# What test_managers.py may have left in the machine, and the manager of root's own session, which has a score of 100.
ALONE = ('systemctl mask --runtime user@0; systemctl stop "user@*"; '
         'systemctl stop supervisor; podman stop --all --time 1; docker stop $(docker ps --quiet); '
         'loginctl disable-linger app; systemctl kill -s KILL legacydb rc-local')

WEAKER = ('mkdir -p /etc/systemd/system/mariadb.service.d; '
          'printf "[Service]\\nRestart=on-abort\\n" > /etc/systemd/system/mariadb.service.d/10-weak.conf; '
          'systemctl daemon-reload')


@pytest.fixture(scope='module', name='mariadb')
def fixture_mariadb(guest):
    """MariaDB under systemd, alone in the machine."""
    guest.run(ALONE)
    host = Servers(guest, [Systemd])
    guest.check('echo 1 > /proc/sys/kernel/sysrq')
    mariadb = host.servers[0]
    mariadb.files, mariadb.before = host.files, host.before
    return mariadb


def kill_one(guest):
    """Have the kernel kill one process; its name."""
    guest.check('dmesg -C; echo f > /proc/sysrq-trigger')
    line = guest.check('for i in $(seq 20); do dmesg | grep "Killed process" && break; sleep 1; done')
    return line.split('(', 1)[1].split(')', 1)[0]


def test_a_protected_server_outlives_a_smaller_hog(mariadb):
    """Unprotected the largest goes first, which is the server."""
    mariadb.guest.check(HOG)
    pid = mariadb.now()[0]
    assert kill_one(mariadb.guest) in ('mariadbd', 'mysqld')
    pid = mariadb.now(other_than=pid)[0]
    mariadb.guest.module(process='mysqld', value='-600')
    assert kill_one(mariadb.guest).startswith('python3')
    assert mariadb.now() == (pid, -600)


def test_a_raised_score_has_a_job_killed_before_a_larger_process(mariadb):
    pid = int(mariadb.guest.check(HOG))
    result = mariadb.guest.module(unit='hog', value='0', persist='none')
    assert [row['pid'] for row in result['processes']] == [pid]
    mariadb.guest.check('systemd-run --quiet --unit=batch sleep 9999')
    result = mariadb.guest.module(unit='batch', value='900', persist='none')
    assert result['processes'][0]['live'] == {'before': 0, 'after': 900}
    assert kill_one(mariadb.guest) == 'sleep'
    assert int(mariadb.guest.check('systemctl show -p MainPID --value hog')) == pid
    mariadb.guest.check('systemctl stop hog')
    mariadb.guest.module(unit='hog', state='absent')
    mariadb.guest.module(unit='batch', state='absent')


def test_a_unit_whose_policy_is_weaker_stays_dead_until_told_to_start_again(mariadb):
    """systemd knows an OOM kill, which on-abort does not count, from the cgroup's own count."""
    guest = mariadb.guest
    guest.check(WEAKER)
    guest.module(process='mysqld', value='1000')
    assert kill_one(guest) in ('mariadbd', 'mysqld')
    guest.check('for i in $(seq 60); do systemctl -q is-failed mariadb && exit; sleep 1; done; exit 1')
    assert guest.check('systemctl show -p Result --value mariadb') == 'oom-kill\n'
    guest.module(process='mysqld', value='1000', restart_policy='ensure')
    guest.check('systemctl start mariadb')
    pid = mariadb.now(score=1000)[0]
    assert kill_one(guest) in ('mariadbd', 'mysqld')
    assert mariadb.now(other_than=pid, score=1000)[1] == 1000
    guest.module(process='mysqld', state='absent')
    guest.check('rm -r /etc/systemd/system/mariadb.service.d; systemctl daemon-reload')
    assert mariadb.files() == mariadb.before


def test_user_space_killers_spare_the_server_and_forget_it_again(mariadb):
    guest = mariadb.guest
    guest.check('systemctl start earlyoom nohang-desktop systemd-oomd; sleep 5')
    result = guest.module(process='mysqld', killers='spare')
    assert sorted(killer['name'] for killer in result['killers']) == ['earlyoom', 'nohang', 'systemd-oomd']
    assert not guest.module(process='mysqld', killers='spare').get('changed')
    expression = r'\^\(mariadbd\)\$'
    guest.check("tr '\\0' ' ' < /proc/$(pgrep -x earlyoom)/cmdline | grep -E -e '--avoid %s'" % expression)
    guest.check("nohang --check --config /etc/nohang/nohang-desktop.conf 2>&1 | grep -E -e '-600 +%s'" % expression)
    assert guest.check('systemctl show -p ManagedOOMPreference --value mariadb').strip() == 'avoid'
    attributes = 'import os; print(os.listxattr("/sys/fs/cgroup/system.slice/mariadb.service"))'
    assert 'oomd_avoid' in guest.check("python3 -c '%s'" % attributes)
    result = guest.module(process='mysqld')
    spares = dict((killer['name'], killer['spares']) for killer in result['killers'])
    assert spares['earlyoom'] == ['^(mariadbd)$']
    assert '^(mariadbd)$' in spares['nohang']
    assert 'mariadb.service' in spares['systemd-oomd']
    guest.module(process='mysqld', state='absent')
    guest.check('systemctl stop earlyoom nohang-desktop systemd-oomd')
    assert mariadb.files() == mariadb.before
