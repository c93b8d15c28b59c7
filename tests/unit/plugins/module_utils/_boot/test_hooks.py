# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What turns swap off after a boot beside units and rc.local: hooks, what other units start, and how it is written."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import stat

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._boot.boot import Boot
from boot_hosts import ON_DATA, ROOT, UNITS, host, rc_local, service, with_line

WANTS = UNITS + 'multi-user.target.wants/'
OFF = {UNITS + 'off.service': '[Service]\nExecStart=/sbin/swapoff -a\n'}
SCRIPT = '!#!/bin/sh\nswapoff -a\n'
PLAIN = '[Service]\nType=oneshot\nExecStart=/bin/true\n'
CLOUD = '/etc/cloud/cloud.cfg.d/9.cfg'
AT = ('#!/bin/sh\n# atrun uid=0 gid=0\numask 22\ncd /root || {\n\techo inaccessible >&2\n\texit 1\n}\n'
      '${SHELL:-/bin/sh} << \'marcinDELIMITER4f2a\'\nswapoff -a\nmarcinDELIMITER4f2a\n')
INIT = '!#!/bin/sh\ncase "$1" in\n  start)\n    %s\n    ;;\n  stop)\n    %s\n    ;;\nesac\n'
OPENRC = '!#!/sbin/openrc-run\nstart() {\n  %s\n}\nstop() {\n  %s\n}\n'


def unit(name, text, more=()):
    """A unit that each boot starts, and other files."""
    return dict(more, **{UNITS + name: text, WANTS + name: '@' + UNITS + name})


TUNED = '[main]\nsummary=x\n[script]\nscript=${i:PROFILE_DIR}/script.sh\n'


def tuned(active, files, script):
    return unit('tuned.service', PLAIN, dict(files, **{
        '/etc/tuned/active_profile': active + '\n', '/etc/tuned/mine/script.sh': script}))


TURNED_OFF = {
    'a script of NetworkManager': ({'/etc/NetworkManager/dispatcher.d/10-x': SCRIPT}, None),
    'a script of networkd-dispatcher': ({'/etc/networkd-dispatcher/routable.d/x': SCRIPT}, None),
    'a script of ifupdown': ({'/etc/network/if-up.d/x': SCRIPT}, None),
    'a line of ifupdown': ({'/etc/network/interfaces': 'iface eth0 inet dhcp\n  post-up swapoff -a\n'}, None),
    'a line of a part of ifupdown': ({'/etc/network/interfaces.d/x': ' up /sbin/swapoff -a || true\n'}, None),
    'a script of cron, each hour': ({'/etc/cron.hourly/x': SCRIPT}, None),
    'a script of cron, each month': ({'/etc/cron.monthly/x': SCRIPT}, None),
    'anacron': ({'/etc/anacrontab': 'PATH=/sbin\n1\t5\tx\tswapoff -a\n'}, None),
    'modprobe': ({'/etc/modprobe.d/x.conf': 'install e1000 /sbin/swapoff -a; modprobe -i e1000\n'}, None),
    'a program that udev asks': ({'/etc/udev/rules.d/1.rules': 'PROGRAM=="/sbin/swapoff -a"\n'}, None),
    'a program that udev imports': ({'/etc/udev/rules.d/1.rules': 'IMPORT{program}="/sbin/swapoff -a"\n'}, None),
    'a unit that udev wants': (dict(OFF, **{'/etc/udev/rules.d/1.rules': 'ENV{SYSTEMD_WANTS}+="off.service"\n'}), None),
    'cloud-init, at each boot': ({'/var/lib/cloud/scripts/per-boot/x': SCRIPT}, None),
    'cloud-init\'s bootcmd': ({CLOUD: 'a: b\nbootcmd:\n  - echo a\n  # no\n\n  - swapoff -a\nusers: []\n'}, None),
    'cloud-init\'s bootcmd of words': ({CLOUD: 'bootcmd:\n- [ "swapoff", "-a" ]\n'}, None),
    'cloud-init\'s bootcmd in a line': ({CLOUD: 'bootcmd: [[swapoff, -a]]\n'}, None),
    'a script of a runlevel': ({'/etc/rc2.d/S01x': '@/etc/init.d/x', '/etc/init.d/x': INIT % ('swapoff -a', ':')},
                               None),
    'a script of a runlevel that a generator starts': (
        {'/etc/rc2.d/S01x': '@/etc/init.d/x', '/etc/init.d/x': INIT % ('swapoff -a', ':'),
         '/usr/lib/systemd/system-generators/systemd-fstab-generator': '!x',
         '/usr/lib/systemd/system-generators/systemd-sysv-generator': '!x'}, None),
    'a timer of another unit': (unit('x.timer', '[Timer]\nOnBootSec=1\nUnit=off.service\n', OFF), False),
    'a timer of the calendar': (unit('off.timer', '[Timer]\nOnCalendar=weekly\n', OFF), None),
    'a path': (unit('off.path', '[Path]\nPathExists=/etc\n', OFF), None),
    'a socket of another unit': (unit('x.socket', '[Socket]\nListenStream=1\nService=off.service\n', OFF), None),
    'a unit that succeeds': (unit('x.service', '[Unit]\nOnSuccess=off.service\n' + PLAIN, OFF), None),
    'a unit that fails': (unit('x.service', '[Unit]\nOnFailure=off.service\n' + PLAIN, OFF), None),
    'a condition of a service': (service('/bin/true\nExecCondition=/sbin/swapoff -a'), False),
    'the end of a service that ends': (unit('x.service', PLAIN + 'ExecStop=/sbin/swapoff -a\n'), False),
    'after the end of a service that ends': (unit('x.service', PLAIN + 'ExecStopPost=/sbin/swapoff -a\n'), False),
    'the name of an instance': ({UNITS + 'off@.service': '[Service]\nExecStart=/sbin/swapoff /%i\n',
                                 WANTS + 'off@swapfile.service': '@../off@.service'}, False),
    'the escaped name of an instance': ({UNITS + 'off@.service': '[Service]\nExecStart=/sbin/swapoff %f\n',
                                         WANTS + 'off@swapfile.service': '@../off@.service'}, False),
    'a unit that cannot be beside swap': (unit('x.service', '[Unit]\nConflicts=swap.target\n' + PLAIN), None),
    'a unit that cannot be beside this swap': (unit('x.service', '[Unit]\nConflicts=a.service swapfile.swap\n' + PLAIN),
                                               None),
    'disabled by a script': (rc_local('systemctl disable --now swapfile.swap'), False),
    'a group in the background': (rc_local('(sleep 10; swapoff -a) &'), False),
    'xargs': (rc_local('awk \'{print $1}\' /proc/swaps | xargs -r swapoff'), None),
    'find': (rc_local('find /swapfile -exec swapoff {} +'), None),
    'its line taken away': (rc_local('sed -i "/ swap / s/^/#/" /etc/fstab'), None),
    'a job of at': ({'/var/spool/cron/atjobs/a0000201c6e1b4c': AT}, None),
    'logrotate': ({'/etc/logrotate.d/x': '/var/log/x {\n  postrotate\n    swapoff -a\n  endscript\n}\n'}, None),
    'a hook of dhclient': ({'/etc/dhcp/dhclient-exit-hooks.d/x': 'swapoff -a\n'}, None),
    'a hook of dhcpcd': ({'/etc/dhcpcd.exit-hook': '/sbin/swapoff -a\n'}, None),
    'monit': ({'/etc/monit/conf.d/x': 'check system a\n if loadavg > 4 then exec "/sbin/swapoff -a"\n'}, None),
    'a hook of libvirt': ({'/etc/libvirt/hooks/qemu': SCRIPT}, None),
    'a script of tuned\'s profile': (tuned('mine', {'/etc/tuned/mine/tuned.conf': TUNED}, SCRIPT), None),
    'a script of a profile that is included': (tuned('mine', {
        '/etc/tuned/profiles/mine/tuned.conf': '[main]\ninclude=a, mine\ninclude=base\n',
        '/etc/tuned/profiles/base/tuned.conf': TUNED.replace('${i:PROFILE_DIR}', '/etc/tuned/mine')}, SCRIPT), None),
    'a login as root': ({'/root/.bashrc': 'swapoff -a\n'}, None),
    'another user\'s cron, as root': ({'/var/spool/cron/crontabs/eve': '\n@reboot sudo swapoff -a\n'}, False),
    'udev below /usr/local': ({'/usr/local/lib/udev/rules.d/1.rules': 'RUN+="/sbin/swapoff -a"\n'}, None),
    'on again by another, nobody knows when': (dict(service('/sbin/swapon -a'), **rc_local('swapoff -a')), None),
    'on before it is off': (rc_local('swapon -a', 'swapoff -a'), False),
    'a pattern of units': (rc_local('systemctl stop "*.swap"'), False),
    'a file in quotes': (rc_local('swapoff "/swapfile"'), False),
    'a variable for the file': (rc_local('FILE=/swapfile', 'swapoff "$FILE"'), False),
    'a variable for the program': (rc_local('OFF=/sbin/swapoff', '$OFF -a'), False),
    'a variable that a branch may change': (rc_local('FILE=/other', 'if [ "$1" ]; then', 'FILE=/swapfile', 'fi',
                                                     'swapoff $FILE'), None),
    'a loop': (rc_local('for file in /a /swapfile; do', 'swapoff $file', 'done'), None),
    'a loop of what a command says': (rc_local('for file in $(cat /etc/off); do', 'swapoff $file', 'done'), None),
    'a variable that is read': (rc_local('FILE=/other', 'read FILE < /etc/off', 'swapoff $FILE'), None),
    'a variable of a unit': (service('/sbin/swapoff $FILE\nEnvironment=FILE=/swapfile'), False),
    'a variable of a file of a unit': (dict(service('/sbin/swapoff ${FILE}\nEnvironmentFile=-/etc/default/x'), **{
        '/etc/default/x': 'FILE="/swapfile"\n'}), False),
    'said to a shell': (rc_local('echo "swapoff -a" | sh'), None),
    'said to at': (rc_local('echo swapoff -a | at now + 5 minutes'), None),
    'a here document for a shell': (rc_local('bash -s <<EOF', 'swapoff -a', 'EOF'), None),
    'behind a here document': (rc_local('cat > /run/x <<-"END"', 'a', '\tEND', 'swapoff -a'), False),
    'a service whose condition is met': (service('/sbin/swapoff -a\n[Unit]\nConditionPathExists=/etc'), False),
    'cron on Debian': ({'/etc/debian_version': '12\n', '/etc/cron.daily/x': SCRIPT}, None),
    'cron elsewhere, with a dot': ({'/etc/cron.daily/x.sh': SCRIPT}, None),
    'cron by its timer': (unit('cron-hourly.timer', '[Timer]\nOnCalendar=hourly\n', {
        UNITS + 'cron.service': '[Service]\nExecStart=/usr/sbin/cron\n', '/etc/cron.hourly/x': SCRIPT}), None),
    'a unit of the kernel\'s command line': (dict(OFF, **{'/proc/cmdline': 'systemd.wants=off.service\n'}), False),
    'a boot to a shell': ({'/proc/cmdline': 'quiet emergency\n'}, False),
    'a boot to another target': ({'/proc/cmdline': 'systemd.unit=rescue.target systemd.unit=emergency.target\n'},
                                 False),
}
LEFT_ON = {
    'inittab, which systemd does not read': {'/etc/inittab': 'x:2345:once:/sbin/swapoff -a\n'},
    'words that are said': rc_local('echo "to turn it off: swapoff -a" > /run/motd', 'logger swapoff -a'),
    'words that are said, in Python': dict(service('/opt/x.py'), **{
        '/opt/x.py': '#!/usr/bin/python3\nprint("swapoff -a")\n'}),
    'a here document for a file': rc_local('cat > /run/motd <<EOF', 'swapoff -a', 'EOF', 'true'),
    'a here document of a shell\'s name': rc_local("cat <<'sh' > /run/x", 'swapoff -a', 'sh'),
    'a here string': rc_local('grep a <<< b', 'swapon --show'),
    'another host\'s swap': rc_local('ssh backup swapoff -a'),
    'a service whose condition is not met': service('/sbin/swapoff -a\n[Unit]\nConditionPathExists=/nothere'),
    'a service that a path keeps from starting': service('/sbin/swapoff -a\n[Unit]\nConditionPathExists=!/etc'),
    'a variable for another file': rc_local('FILE=/dev/zram0', 'swapoff "$FILE"'),
    'a loop over other files': rc_local('for file in /dev/zram0 /dev/zram1; do', 'swapoff ${file}', 'done'),
    'a variable for another file in a line': rc_local('FILE=/dev/zram0; swapoff $FILE'),
    'a file that Debian\'s cron passes over': {'/etc/debian_version': '12\n', '/etc/cron.daily/x.sh': SCRIPT,
                                               '/etc/cron.d/x.off': '\n@reboot root swapoff -a\n'},
    'a file that a package left': {'/etc/cron.d/x.dpkg-old': '\n@reboot root swapoff -a\n',
                                   '/etc/NetworkManager/dispatcher.d/10-x~': SCRIPT},
    'cron that is off': {UNITS + 'cron.service': '@/dev/null', '/etc/cron.d/x': '\n@reboot root swapoff -a\n',
                         '/etc/cron.daily/x': SCRIPT},
    'another user\'s cron': {'/var/spool/cron/crontabs/eve': '\n@reboot swapoff -a\n'},
    'a script of a profile that is not active': tuned('other', {'/etc/tuned/mine/tuned.conf': TUNED}, SCRIPT),
    'a script of tuned, which is not started': dict(tuned('mine', {'/etc/tuned/mine/tuned.conf': TUNED}, SCRIPT), **{
        WANTS + 'tuned.service': '@/dev/null'}),
    'a function of a login': {'/root/.bashrc': 'off() {\n  swapoff -a\n}\nalias nosw=\'swapoff -a\'\n'},
    'what logrotate rotates': {'/etc/logrotate.d/x': '/var/log/swapoff -a {\n  weekly\n}\n'},
    'a file that is no rule of udev': {'/etc/udev/rules.d/1.rules.off': 'RUN+="/sbin/swapoff -a"\n'},
    'a hook that may not run': {'/etc/NetworkManager/dispatcher.d/10-x': SCRIPT[1:]},
    'a hook of something else': {'/etc/cron.daily/x': '!#!/bin/sh\nswapon --show\n'},
    'another line of ifupdown': {'/etc/network/interfaces': 'iface eth0 inet dhcp\n  down swapoff -a\n'},
    'a module that is no command': {'/etc/modprobe.d/x.conf': 'options e1000 swapoff -a\n'},
    'a comment of udev': {'/etc/udev/rules.d/1.rules': '# ENV{SYSTEMD_WANTS}+="off.service" RUN+="swapoff -a"\n'},
    'cloud-init that is off': {CLOUD: 'bootcmd: [[swapoff, -a]]\n', '/etc/cloud/cloud-init.disabled': ''},
    'another key of cloud-init': {CLOUD: 'bootcmd:\n- a\nruncmd:\n- swapoff -a\n'},
    'the stop of an init script': {'/etc/rc2.d/S01x': '@/etc/init.d/x',
                                   '/etc/init.d/x': INIT % (':', 'swapoff -a')},
    'an init script that is not run': {'/etc/rc2.d/K01x': '@/etc/init.d/x',
                                       '/etc/init.d/x': INIT % ('swapoff -a', ':')},
    'an init script that systemd 260 does not start': {
        '/etc/rc2.d/S01x': '@/etc/init.d/x', '/etc/init.d/x': INIT % ('swapoff -a', ':'),
        '/usr/lib/systemd/system-generators/systemd-fstab-generator': '!x'},
    'an init script whose unit counts': dict(unit('x.service', PLAIN), **{
        '/etc/rc2.d/S01x': '@/etc/init.d/x', '/etc/init.d/x': INIT % ('swapoff -a', ':')}),
    'a timer of another unit than its own': dict(OFF, **unit('off.timer', '[Timer]\nOnBootSec=1\nUnit=x.service\n')),
    'the end of a service that goes on': unit(
        'x.service', PLAIN + 'RemainAfterExit=yes\nExecStop=/sbin/swapoff -a\nExecStopPost=/sbin/swapoff -a\n'),
    'the name of another instance': {UNITS + 'off@.service': '[Service]\nExecStart=/sbin/swapoff /%i\n',
                                     WANTS + 'off@other.service': '@../off@.service'},
    'a conflict of a unit that nothing starts': {UNITS + 'x.service': '[Unit]\nConflicts=swap.target\n' + PLAIN},
    'a conflict in another section': unit('x.service', PLAIN + 'Conflicts=swap.target\n'),
    'another unit disabled': rc_local('systemctl disable --now other.swap'),
    'another area by its UUID': rc_local('swapoff -U 1234'),
    'another file edited': rc_local('sed -i "/ swap /d" /etc/motd'),
    'a boot to a usual target': {'/proc/cmdline': 'quiet systemd.unit=multi-user.target\n'},
    'words of a boot that is over': {'/proc/cmdline': 'quiet emergency\n',
                                     '/boot/grub/grub.cfg': '\tlinux /vmlinuz quiet\n'},
}


@pytest.mark.parametrize('files, kept', list(TURNED_OFF.values()), ids=list(TURNED_OFF))
def test_what_may_turn_swap_off_is_found_wherever_it_stands(tmp_path, files, kept):
    answer = Boot(host(tmp_path, with_line(**files)).host).swap('/swapfile')
    assert answer['kept'] is kept
    assert answer['why']


@pytest.mark.parametrize('files', list(LEFT_ON.values()), ids=list(LEFT_ON))
def test_what_looks_like_it_is_not_taken_for_it(tmp_path, files):
    answer = Boot(host(tmp_path, with_line(**files)).host).swap('/swapfile')
    assert (answer['kept'], answer['why']) == (True, None)


@pytest.mark.parametrize('start, stop, kept', [('swapoff -a', ':', None), (':', 'swapoff -a', True)])
def test_of_a_service_of_openrc_its_start_counts_alone(tmp_path, start, stop, kept):
    files = with_line(**{'/etc/runlevels/boot/swap': '@/etc/init.d/swap', '/etc/init.d/swap': OPENRC % (start, stop)})
    assert Boot(host(tmp_path, files, 'openrc-init').host).swap('/swapfile')['kept'] is kept


@pytest.mark.parametrize('init, files, kept', [
    ('init', {'/etc/inittab': 'x:2345:once:/sbin/swapoff -a\n'}, False),
    ('init', {'/etc/inittab': 'x:06:wait:/sbin/swapoff -a\n'}, True),
    ('init', {'/etc/inittab': '#x:2345:once:/sbin/swapoff -a\n'}, True),
    ('init', {'/etc/inittab': 'x:S:sysinit:/opt/x\n', '/opt/x': '!#!/bin/sh\nswapoff -a\n'}, False),
    ('linuxrc', {'/proc/1/exe': '@/bin/busybox',
                 '/etc/inittab': '::sysinit:/sbin/swapon -a\n::shutdown:/sbin/swapoff -a\n'}, True),
    ('runit', {'/etc/runit/core-services/05-fs.sh': 'swapon -a\n', '/etc/sv/x/run': SCRIPT,
               '/etc/service/x': '@../sv/x'}, None),
    ('runit', {'/etc/runit/core-services/05-fs.sh': 'swapon -a\n', '/etc/runit/3': SCRIPT}, True),
    ('runit', {'/etc/runit/core-services/05-fs.sh': 'swapon -a\n', '/etc/runit/2': SCRIPT}, None),
], ids=['inittab', 'its shutdown', 'a comment', 'its script', 'busybox', 'a run script', 'runit\'s end', 'runit'])
def test_what_an_init_without_systemd_runs_beside_its_scripts_counts(tmp_path, init, files, kept):
    files = with_line(**dict({'/etc/rcS.d/S10swap': '!swapon -a\n'}, **files))
    assert Boot(host(tmp_path, files, init).host).swap('/swapfile')['kept'] is kept


MOUNTED = ROOT + '25 24 254:2 / /data rw - ext4 /dev/mapper/data rw\n'
ENCRYPTED = {'/sys/dev/block/254:2/dm/uuid': 'CRYPT-LUKS2-0a-data\n', '/sys/dev/block/254:2/dm/name': 'data\n',
             '/proc/self/mountinfo': MOUNTED, '/etc/fstab': ON_DATA + '/dev/mapper/data /data ext4 defaults 0 2\n'}
IN_LVM = dict(ENCRYPTED, **{'/sys/dev/block/254:2/dm/uuid': 'LVM-0a\n', '/sys/dev/block/254:2/slaves/dm-1/dm/uuid':
                            'CRYPT-LUKS1-0a-pv\n', '/sys/dev/block/254:2/slaves/dm-1/dm/name': 'pv\n'})


@pytest.mark.parametrize('files, kept', [
    (ENCRYPTED, None), (dict(ENCRYPTED, **{'/etc/crypttab': '# data /dev/vdb1 none\n'}), None),
    (dict(ENCRYPTED, **{'/etc/crypttab': 'data /dev/vdb1 /etc/key luks,noauto\n'}), True),
    (IN_LVM, None), (dict(IN_LVM, **{'/etc/crypttab': 'pv UUID=0a none\n'}), True),
    (dict(ENCRYPTED, **{'/proc/cmdline': 'quiet rd.luks.uuid=luks-0a\n'}), True),
    (dict(ENCRYPTED, **{'/etc/crypttab': 'data /dev/vdb1\n', '/proc/cmdline': 'quiet luks=no\n'}), False),
    (dict(ENCRYPTED, **{'/etc/crypttab': 'data /dev/vdb1\n', '/etc/systemd/system-generators/'
                        'systemd-cryptsetup-generator': '@/dev/null'}), False),
    (dict(ENCRYPTED, **{'/proc/self/mountinfo': MOUNTED.replace('24 1 254:1', '24 1 254:2')}), True),
], ids=['no table', 'a comment', 'a line', 'below LVM, no table', 'below LVM', 'by the initramfs',
        'a table that is not read', 'a table whose generator is masked', 'as the root is'])
def test_an_encrypted_filesystem_is_there_if_something_opens_it(tmp_path, files, kept):
    answer = Boot(host(tmp_path, files).host).swap('/data/swapfile')
    assert answer['kept'] is kept
    assert kept or 'crypt' in answer['why'] or 'luks=no' in answer['why']


def test_an_encrypted_partition_is_there_if_something_opens_it(tmp_path):
    node = host(tmp_path, {'/etc/fstab': '/dev/mapper/swap none swap sw 0 0\n', '/dev/mapper/swap': '',
                           '/sys/dev/block/254:9/dm/uuid': 'CRYPT-PLAIN-swap\n',
                           '/sys/dev/block/254:9/dm/name': 'swap\n'})
    plain = node.host.status

    def status(path, follow=True):
        found = plain(path, follow)
        if path != '/dev/mapper/swap':
            return found
        return type('Status', (), {'st_mode': stat.S_IFBLK, 'st_rdev': os.makedev(254, 9), 'st_dev': 1, 'st_ino': 2})

    node.host.status = status
    assert Boot(node.host).swap('/dev/mapper/swap')['kept'] is None
    node.file('/etc/crypttab', 'swap /dev/vda2 /dev/urandom swap\n')
    assert Boot(node.host).swap('/dev/mapper/swap')['kept'] is True
