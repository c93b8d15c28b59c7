# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What sysvinit, OpenRC and runit run at boot: Debian's and Devuan's hosts, each way to break them, and odd ones."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._boot.boot import Boot
from boot_hosts import host, rc_local, with_line

INITTAB = ('id:2:initdefault:\nsi::sysinit:/etc/init.d/rcS\nl2:2:wait:/etc/init.d/rc 2\n'
           '1:2345:respawn:/sbin/getty tty1\n')
# As of sysvinit 3.06: the work is in a function, and the branches of a case call it.
SCRIPT = '!#!/bin/sh\ndo_start () {\n\t%s\n}\n\ncase "$1" in\n  start|"")\n\tdo_start\n\t;;\n  stop)\n\t;;\nesac\n\n:\n'
RC_LOCAL = SCRIPT % 'if [ -x /etc/rc.local ]; then\n\t\t/etc/rc.local\n\tfi'
# As of procps 4.0: the program has a variable.
PROCPS = ('!#!/bin/sh\n# Comment this out for sysctl to print every item changed\nDAEMON=/sbin/sysctl\n'
          'QUIET_SYSCTL="-q"\n'
          'do_start_cmd() {\n\t$DAEMON $QUIET_SYSCTL --system || STATUS=$?\n}\n')
RC = '!#!/bin/sh\neval "$(startpar -p 4 -M $1 -P $previous -R $runlevel)"\n'


def script(name, text, level='2'):
    """An init script of a runlevel."""
    return {'/etc/init.d/' + name: text, '/etc/rc%s.d/S01%s' % (level, name): '@/etc/init.d/' + name}


def service(name, text, level='default'):
    """A service of OpenRC in a runlevel."""
    return {'/etc/init.d/' + name: text, '/etc/runlevels/%s/%s' % (level, name): '@/etc/init.d/' + name}


def joined(*parts):
    found = {}
    for part in parts:
        found.update(part)
    return found


SYSV = joined(with_line(), {'/etc/inittab': INITTAB, '/usr/sbin/sysctl': '!', '/etc/init.d/rc': RC},
              script('mountall.sh', SCRIPT % 'swapon -a -e || :', 'S'), script('procps', PROCPS, 'S'),
              script('rc.local', RC_LOCAL))
OPENRC = joined(with_line(), {'/usr/sbin/sysctl': '!'}, service('swap', '!#!/sbin/openrc-run\n', 'boot'),
                service('sysctl', '!#!/sbin/openrc-run\n', 'boot'), service('local', '!#!/sbin/openrc-run\n'))
# Debian's has the scripts of sysvinit in the runlevels of OpenRC.
OPENRC_OF_DEBIAN = joined(with_line(), {'/etc/inittab': INITTAB, '/usr/sbin/sysctl': '!'}, service(
    'mountall.sh', SCRIPT % 'swapon -a -e || :', 'sysinit'), service('procps', PROCPS, 'sysinit'))
OFF = SCRIPT % 'swapoff -a'
KNOWN = 'TARGETS = rc.local mountall.sh procps%s\nINTERACTIVE = x\n'


def insserv(more=''):
    return {'/etc/init.d/.depend.' + name: KNOWN % more for name in ('boot', 'start', 'stop')}


def swap(tmp_path, init, files, cmdline=''):
    return Boot(host(tmp_path, files, init, cmdline).host).swap('/swapfile')


@pytest.mark.parametrize('init, files', [('init', SYSV), ('openrc-init', OPENRC), ('openrc-init', OPENRC_OF_DEBIAN)],
                         ids=['sysvinit', 'OpenRC', 'OpenRC of Debian'])
def test_hosts_without_systemd_turn_swap_on_and_apply_sysctl_files(tmp_path, init, files):
    found = Boot(host(tmp_path, files, init).host)
    assert (found.swap('/swapfile')['kept'], found.sysctl()['kept']) == (True, True)


NEEDS = '!#!/sbin/openrc-run\ndepend() {\n\t%s\n}\nstart() {\n\t:\n}\n'
OF_NO_RUNLEVEL = {'/etc/init.d/swap': '!#!/sbin/openrc-run\nstart() {\n\tswapon -a\n}\n'}
HEADER = '!#!/bin/sh\n### BEGIN INIT INFO\n# Provides:          %s\n# Required-Start:    %s\n### END INIT INFO\n%s'


@pytest.mark.parametrize('more, kept', [
    (service('net', NEEDS % 'need localmount swap'), True), (service('net', NEEDS % 'want swap'), True),
    (service('net', NEEDS % 'use swap'), False), (service('net', NEEDS % 'after swap'), False),
    (joined(service('net', NEEDS % 'need b'), {'/etc/init.d/b': NEEDS % 'need swap'}), True),
    (joined(service('net', NEEDS % 'use logger'), {'/etc/conf.d/net': 'rc_need="swap"\n'}), True),
    (joined(service('net', NEEDS % 'need swap'), {'/etc/init.d/swap': OF_NO_RUNLEVEL['/etc/init.d/swap'][1:]}), False),
    ({'/etc/init.d/net': NEEDS % 'need swap'}, False),
    (joined(service('checkfs.sh', HEADER % ('checkfs', 'checkroot', ''), 'sysinit'), {
        '/etc/init.d/checkroot.sh': HEADER % ('checkroot mtab', '', 'swapon -a\n')}), True),
    (joined(service('checkfs.sh', HEADER % ('checkfs', '', ''), 'sysinit'), {
        '/etc/init.d/checkroot.sh': HEADER % ('checkroot mtab', '', 'swapon -a\n')}), False),
], ids=['need', 'want', 'use', 'after', 'need of a need', 'need of the settings', 'it may not be executed',
        'need of what is in no runlevel', 'a header', 'a header of others'])
def test_openrc_starts_what_a_service_needs_in_a_runlevel_or_not(tmp_path, more, kept):
    assert swap(tmp_path, 'openrc-init', joined(with_line(), OF_NO_RUNLEVEL, more))['kept'] is kept


@pytest.mark.parametrize('more, kept', [
    ({'/etc/inittab': INITTAB + 'ro:2:once:/bin/sh -c "sleep 5; /sbin/swapoff /swapfile"\n'}, False),
    ({'/etc/inittab': INITTAB + 'ro::bootwait:/sbin/swapoff -a\n'}, False),
    ({'/etc/inittab.d/x.tab': 'ro:2:once:/sbin/swapoff -a\n'}, False),
    ({'/etc/inittab': INITTAB + 'ro:2:once:/opt/off\n', '/opt/off': '!#!/bin/sh\nswapoff -a\n'}, False),
    ({'/etc/inittab': INITTAB + 'ro:2:once:/opt/off\n', '/opt/off': '!#!/bin/sh\n[ -e /x ] && swapoff -a\n'}, None),
    (script('off', OFF), None),
    (joined(script('off', OFF), insserv(' off')), None),
    (joined(script('off', SCRIPT % ':'), {'/etc/default/off': 'swapoff -a\n'}), None),
    ({'/etc/default/rcS': 'swapoff -a\n'}, None),
    (rc_local('swapoff -a'), False),
    (joined(rc_local('. /etc/mine'), {'/etc/mine': 'swapoff -a\n'}), False),
    (joined(rc_local('sh -e /etc/mine'), {'/etc/mine': 'swapoff -a\n'}), False),
    (insserv(), True), ({'/etc/init.d/.depend.' + name: 'TARGETS = rc.local procps\n' for name in (
        'boot', 'start', 'stop')}, False),
    ({'/etc/init.d/mountall.sh': '#!/bin/sh\nswapon -a\n'}, False),
    ({'/etc/init.d/mountall.sh': SYSV['/etc/init.d/mountall.sh'].replace('do_start () {', 'exit 0\ndo_start () {')},
     None),
    ({'/etc/rcS.d/S01mountall.sh': '!', '/etc/rc3.d/S01swap': '!#!/bin/sh\nswapon -a\n'}, False),
], ids=['inittab', 'inittab of each boot', 'inittab.d', 'a script of inittab', 'a script of inittab that may',
        'a script', 'a script that insserv knows', 'the settings of a script', 'the settings of all', 'rc.local',
        'a file that rc.local reads',
        'a file that a shell reads', 'insserv', 'insserv does not know it', 'it may not be executed', 'it ends before',
        'in another runlevel'])
def test_sysvinit_has_more_that_turns_swap_off(tmp_path, more, kept):
    assert swap(tmp_path, 'init', dict(SYSV, **more))['kept'] is kept


@pytest.mark.parametrize('more', [
    {'/etc/inittab': INITTAB + '#ro:2:once:/sbin/swapoff -a\n'}, {'/etc/inittab': INITTAB + 'a:3:once:swapoff -a\n'},
    {'/etc/inittab': INITTAB + 'ca:12345:ctrlaltdel:/sbin/swapoff -a\n'},
    {'/etc/inittab.d/x': 'ro:2:once:/sbin/swapoff -a\n'},
    {'/etc/init.d/off': OFF}, script('off', OFF.lstrip('!')), script('off', OFF, '3'),
    joined(script('off', OFF), insserv()), {'/etc/rc2.d/K01off': '@/etc/init.d/off', '/etc/init.d/off': OFF},
    joined(rc_local('swapoff -a'), {'/etc/rc2.d/S01rc.local': '!', '/etc/rc2.d/K01rc.local': '@/etc/init.d/rc.local'}),
    joined(rc_local('cat /etc/mine'), {'/etc/mine': 'swapoff -a\n'}),
], ids=['a comment of inittab', 'another runlevel of inittab', 'at three keys', 'no table of inittab.d',
        'a script of no runlevel', 'a script that may not be executed', 'a script of another runlevel',
        'a script that insserv does not know', 'a script that is disabled', 'rc.local that is disabled',
        'a file that rc.local shows'])
def test_what_sysvinit_does_not_run_turns_nothing_off(tmp_path, more):
    answer = swap(tmp_path, 'init', dict(SYSV, **more))
    assert (answer['kept'], answer['why']) == (True, None)


@pytest.mark.parametrize('cmdline, more, kept', [
    ('', script('off', OFF, '3'), True), ('quiet 3', script('off', OFF, '3'), None),
    ('', joined(script('off', OFF, '3'), {'/etc/inittab': INITTAB.replace('id:2:', 'id:3:')}), None),
    ('', joined(script('off', OFF, '3'), {'/etc/inittab': ''}), None),
    ('', joined(script('off', OFF), insserv(), {'/etc/init.d/.legacy-bootordering': ''}), None),
    ('concurrency=none', joined(script('off', OFF), insserv()), None),
    ('', joined(script('off', OFF), insserv(), {'/etc/init.d/rc': '!#!/bin/sh\n'}), None),
    ('noswap', {}, False), ('emergency', {}, False), ('quiet -b', {}, False),
], ids=['another', 'by the command line', 'by inittab', 'not known', 'by links', 'by links, of the command line',
        'an rc without startpar', 'noswap', 'a shell', 'a shell by its option'])
def test_sysvinit_runs_what_its_runlevel_has(tmp_path, cmdline, more, kept):
    assert swap(tmp_path, 'init', dict(SYSV, **more), cmdline)['kept'] is kept


@pytest.mark.parametrize('cmdline, more, kept', [
    ('', {'/etc/local.d/x.start': '!#!/bin/sh\nswapoff -a\n'}, False),
    ('', {'/etc/local.d/x.start': '#!/bin/sh\nswapoff -a\n'}, True),
    ('', {'/etc/local.d/x.stop': '!#!/bin/sh\nswapoff -a\n'}, True),
    ('', {'/etc/init.d/local': '#!/sbin/openrc-run\n', '/etc/local.d/x.start': '!#!/bin/sh\nswapoff -a\n'}, True),
    ('', rc_local('swapoff -a'), True),
    ('', {'/etc/inittab': '::wait:/sbin/swapoff -a\n'}, False),
    ('', service('off', '!#!/sbin/openrc-run\nstart() {\n  swapoff -a\n}\n'), None),
    ('', {'/etc/conf.d/sysctl': 'swapoff -a\n'}, None),
    ('', {'/etc/conf.d/other': 'swapoff -a\n'}, True),
    ('', {'/etc/rc.conf': 'swapoff -a\n'}, None),
    ('', {'/etc/init.d/swap': '#!/sbin/openrc-run\n'}, False),
    ('', {'/etc/runlevels/boot/swap': '@/etc/init.d/gone'}, False),
    ('', joined({'/etc/runlevels/boot/swap': '@/etc/init.d/gone'}, service('swap', '!#!/sbin/openrc-run\n', 'more'),
                {'/etc/runlevels/default/more': '@/etc/runlevels/more'}), True),
    ('', service('off', '!#!/sbin/openrc-run\nstart() {\n  swapoff -a\n}\n', 'office'), True),
    ('softlevel=office', service('off', '!#!/sbin/openrc-run\nstart() {\n  swapoff -a\n}\n', 'office'), None),
    ('noswap', {}, True),
], ids=['local.d', 'local.d, not to be executed', 'local.d, at the end', 'local that may not be executed', 'rc.local',
        'inittab', 'a service', 'the settings of a service', 'the settings of none', 'the settings of all',
        'swap that may not be executed', 'swap that is gone', 'a stacked runlevel', 'another runlevel',
        'a runlevel of the command line', 'noswap'])
def test_of_openrc_the_services_of_its_runlevels_count(tmp_path, cmdline, more, kept):
    assert swap(tmp_path, 'openrc-init', dict(OPENRC, **more), cmdline)['kept'] is kept


@pytest.mark.parametrize('init', ['init', 'systemd'])
def test_what_openrc_left_behind_is_not_run_by_another_init(tmp_path, init):
    off = '!#!/bin/sh\nswapoff -a\n'
    files = joined(SYSV, OPENRC, service('off', off), {'/etc/local.d/x.start': off})
    assert swap(tmp_path, init, files)['kept'] is True


@pytest.mark.parametrize('cmdline, more, kept', [
    ('', {}, True), ('noswap', {}, False), ('', script('off', OFF), True), ('', rc_local('swapoff -a'), True),
    ('', joined(rc_local('swapoff -a'), service('rc.local', RC_LOCAL)), False),
    ('', joined(rc_local('swapoff -a'), {'/etc/init.d/rc.local': RC_LOCAL}), True),
    ('', {'/etc/inittab': INITTAB + 'ro:2:once:/sbin/swapoff -a\n'}, False),
], ids=['as it is', 'noswap', 'a script of rc2.d, which it does not read', 'rc.local', 'rc.local by a script',
        'rc.local by a script of no runlevel', 'inittab'])
def test_debians_openrc_runs_the_scripts_of_sysvinit(tmp_path, cmdline, more, kept):
    assert swap(tmp_path, 'openrc-init', dict(OPENRC_OF_DEBIAN, **more), cmdline)['kept'] is kept


DATA = ('24 1 254:1 / / rw - ext4 /dev/vda1 rw\n25 24 254:2 / /data rw - ext4 /dev/vdb1 rw\n')
OF_DATA = '/data/swapfile none swap sw 0 0\n/dev/vdb1 /data ext4 %s 0 2\n'
BEFORE = service('swap', '!#!/sbin/openrc-run\ndepend()\n{\n\tbefore localmount\n}\n', 'boot')
MOUNTS = service('localmount', '!#!/sbin/openrc-run\n', 'boot')


@pytest.mark.parametrize('init, files, options, kept', [
    ('init', SYSV, 'defaults', True), ('init', SYSV, 'rw,_netdev', False), ('init', SYSV, 'noauto', False),
    ('openrc-init', OPENRC, 'defaults', False),
    ('openrc-init', joined(OPENRC, MOUNTS), 'defaults', True),
    ('openrc-init', joined(OPENRC, MOUNTS, BEFORE), 'defaults', False),
    ('openrc-init', joined(OPENRC, MOUNTS, BEFORE, {'/etc/conf.d/swap': '#rc_need="localmount"\n'}), 'defaults', False),
    ('openrc-init', joined(OPENRC, MOUNTS, BEFORE, {
        '/etc/conf.d/swap': 'rc_before="!localmount"\nrc_need="localmount"\n'}), 'defaults', True),
    ('openrc-init', joined(OPENRC, MOUNTS, BEFORE, {'/etc/rc.conf': "rc_swap_need='root localmount'\n"}), 'rw', True),
    ('openrc-init', OPENRC_OF_DEBIAN, 'defaults', True), ('openrc-init', OPENRC_OF_DEBIAN, '_netdev', False),
], ids=['sysvinit', 'over the network', 'noauto', 'OpenRC, nothing mounts it', 'OpenRC', 'swap before it is mounted',
        'a comment', 'the settings of swap', 'the settings of all', 'OpenRC of Debian', 'over the network there'])
def test_swap_on_another_filesystem_comes_after_that_is_mounted(tmp_path, init, files, options, kept):
    node = host(tmp_path, dict(files, **{'/proc/self/mountinfo': DATA, '/etc/fstab': OF_DATA % options}), init)
    assert Boot(node.host).swap('/data/swapfile')['kept'] is kept


@pytest.mark.parametrize('path, kept', [
    ('/etc/runit/core-services/99-x.sh', None), ('/etc/runit/2', None), ('/etc/runit/3', True)])
def test_of_runit_its_first_two_stages_count(tmp_path, path, kept):
    files = with_line(**{'/etc/runit/core-services/03-fs.sh': '# a comment\nswapon -a || sh\n',
                         path: '#!/bin/sh\nswapoff -a\n'})
    assert swap(tmp_path, 'runit', files)['kept'] is kept
