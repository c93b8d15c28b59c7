# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What turns swap off after a boot beside units and rc.local: hooks, what other units start, and how it is written."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import stat

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._node.boot import Boot
from boot_hosts import ON_DATA, ROOT, UNITS, host, rc_local, service, with_line

WANTS = UNITS + 'multi-user.target.wants/'
OFF = {UNITS + 'off.service': '[Service]\nExecStart=/sbin/swapoff -a\n'}
SCRIPT = '!#!/bin/sh\nswapoff -a\n'
PLAIN = '[Service]\nType=oneshot\nExecStart=/bin/true\n'
CLOUD = '/etc/cloud/cloud.cfg.d/9.cfg'
INIT = '#!/bin/sh\ncase "$1" in\n  start)\n    %s\n    ;;\n  stop)\n    %s\n    ;;\nesac\n'
OPENRC = '#!/sbin/openrc-run\nstart() {\n  %s\n}\nstop() {\n  %s\n}\n'


def unit(name, text, more=()):
    """A unit that each boot starts, and other files."""
    return dict(more, **{UNITS + name: text, WANTS + name: '@' + UNITS + name})


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
    'a unit of the kernel\'s command line': (dict(OFF, **{'/proc/cmdline': 'systemd.wants=off.service\n'}), False),
    'a boot to a shell': ({'/proc/cmdline': 'quiet emergency\n'}, False),
    'a boot to another target': ({'/proc/cmdline': 'systemd.unit=rescue.target systemd.unit=emergency.target\n'},
                                 False),
}
LEFT_ON = {
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
    (dict(ENCRYPTED, **{'/proc/self/mountinfo': MOUNTED.replace('24 1 254:1', '24 1 254:2')}), True),
], ids=['no table', 'a comment', 'a line', 'below LVM, no table', 'below LVM', 'by the initramfs', 'as the root is'])
def test_an_encrypted_filesystem_is_there_if_something_opens_it(tmp_path, files, kept):
    answer = Boot(host(tmp_path, files).host).swap('/data/swapfile')
    assert answer['kept'] is kept
    assert kept or 'crypttab' in answer['why']


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
