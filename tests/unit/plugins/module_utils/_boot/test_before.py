# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes a boot before any unit of it: another init, and systemd's generators."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._boot.boot import Boot
from boot_hosts import host, with_line

ETC, USR, LOCAL, RUN = (place + '/systemd/system-generators/' for place in (
    '/etc', '/usr/lib', '/usr/local/lib', '/run'))
FSTAB, SYSV = 'systemd-fstab-generator', 'systemd-sysv-generator'
OWN = {USR + FSTAB: '!\x7fELF', USR + 'systemd-gpt-auto-generator': '!\x7fELF'}
# What the images of linuxcontainers.org have, cut.
LXC = ('!#!/bin/sh\nsystemd_version=$(systemctl --version)\nfix_systemd_mask() {\n'
       '\tln -sf /dev/null "/run/systemd/system/$1"\n}\nfix_systemd_mask dev-hugepages.mount\n')

GENERATORS = {
    'none': ({}, True),
    'systemd\'s own': (OWN, True),
    'masked by a link': (dict(OWN, **{ETC + FSTAB: '@/dev/null'}), False),
    'masked by an empty file': (dict(OWN, **{ETC + FSTAB: ''}), False),
    'masked below /usr/local': (dict(OWN, **{LOCAL + FSTAB: '@/dev/null'}), False),
    'masked in this boot': (dict(OWN, **{RUN + FSTAB: '@/dev/null'}), True),
    'it may not be run': (dict(OWN, **{USR + FSTAB: '\x7fELF'}), False),
    'it was taken away': ({USR + 'systemd-gpt-auto-generator': '!\x7fELF'}, False),
    'another in its place': (dict(OWN, **{ETC + FSTAB: '!\x7fELF'}), None),
    'a link to it': (dict(OWN, **{ETC + FSTAB: '@' + USR + FSTAB}), True),
    'another that may not be run': (dict(OWN, **{ETC + FSTAB: '#!/bin/sh\nexit\n'}), True),
    'another of systemd\'s masked': (dict(OWN, **{ETC + SYSV: '@/dev/null'}), True),
    'a program': ({ETC + 'mine': '!\x7fELF'}, None),
    'a program of this boot': ({RUN + 'mine': '!\x7fELF'}, None),
    'a program below /usr/local': ({LOCAL + 'mine': '!\x7fELF'}, None),
    'a program of Podman\'s, as its make installs it': ({LOCAL + 'podman-system-generator': '!\x7fELF'}, True),
    'a program of a package': ({USR + 'netplan': '!\x7fELF'}, True),
    'a link to a program of a package': (
        {ETC + 'netplan': '@/usr/libexec/netplan', '/usr/libexec/netplan': '!ELF'}, True),
    'a script that masks swap': ({ETC + 'mine': '!#!/bin/sh\nln -s /dev/null $1/swap.target\n'}, None),
    'a script of a script that masks swap': (
        {ETC + 'mine': '!#!/bin/sh\n/opt/mask $1\n',
         '/opt/mask': '!#!/bin/sh\nln -s /dev/null $1/swap.target\n'}, None),
    'Python that masks swap': (
        {ETC + 'mine': '!#!/usr/bin/python3\nos.symlink("/dev/null", sys.argv[1] + "/swap.target")\n'}, None),
    'a script that masks what a list names': (
        {ETC + 'mine': '!#!/bin/sh\nfor u in $(cat /etc/mask); do\nln -s /dev/null $1/$u\ndone\n'}, None),
    'a script that masks something else': ({ETC + 'mine': '!#!/bin/sh\nln -s /dev/null $1/apt-daily.timer\n'}, True),
    'a script that only speaks of it': ({ETC + 'mine': '!#!/bin/sh\n# swap.target is left alone\nexit 0\n'}, True),
    'a script that may not be run': ({ETC + 'mine': '#!/bin/sh\nln -s /dev/null $1/swap.target\n'}, True),
    'a script whose name says lxc': ({ETC + 'lxc': LXC.replace('fix_', '$(fix)_')}, None),
}


@pytest.mark.parametrize('files, kept', list(GENERATORS.values()), ids=list(GENERATORS))
def test_generators_decide_what_becomes_of_the_swap_of_fstab(tmp_path, files, kept):
    answer = Boot(host(tmp_path, with_line(**files)).host).swap('/swapfile')
    assert answer['kept'] is kept, answer['why']
    assert bool(answer['why']) is (kept is not True)


@pytest.mark.parametrize('text, kept', [
    ('!#!/bin/sh\nln -s /dev/null $1/systemd-sysctl.service\n', None), ('!\x7fELF', None),
    ('!#!/bin/sh\nln -s /dev/null $1/swap.target\n', True)], ids=['masks it', 'a program', 'masks swap'])
def test_a_generator_may_keep_sysctl_files_from_being_applied(tmp_path, text, kept):
    files = {ETC + 'mine': text, '/usr/lib/systemd/systemd-sysctl': ''}
    assert Boot(host(tmp_path, files).host).sysctl()['kept'] is kept


def test_the_generator_of_containers_is_no_reason_for_doubt_in_one(tmp_path):
    files = {ETC + 'lxc': LXC, '/run/systemd/container': 'lxc\n', '/usr/lib/systemd/systemd-sysctl': ''}
    assert Boot(host(tmp_path, files).host).sysctl()['kept'] is True


def test_a_unit_of_an_init_script_is_not_started_if_its_generator_is_masked(tmp_path):
    unit = {'/run/systemd/generator.late/db.service': '[Unit]\nSourcePath=/etc/init.d/db\n',
            '/run/systemd/generator.late/multi-user.target.wants/db.service': '@../db.service', USR + SYSV: '!\x7fELF'}
    node = host(tmp_path, unit)
    assert Boot(node.host).starts('db.service')['kept'] is True
    node.link(ETC + SYSV, '/dev/null')
    answer = Boot(node.host).starts('db.service')
    assert answer['kept'] is False and ETC + SYSV in answer['why']


def test_an_instance_of_postgresql_is_not_started_if_debians_generator_is_masked(tmp_path):
    folder = '/run/systemd/generator/postgresql.service.wants/'
    node = host(tmp_path, {'/usr/lib/systemd/system/postgresql@.service': '[Service]\nExecStart=/bin/pg_ctlcluster\n',
                           '/usr/lib/systemd/system/postgresql.service': '[Service]\nExecStart=/bin/true\n',
                           '/etc/systemd/system/multi-user.target.wants/postgresql.service': '@/usr/lib/systemd/system/'
                           'postgresql.service',
                           folder + 'postgresql@15-main.service': '@/usr/lib/systemd/system/postgresql@.service'})
    assert Boot(node.host).starts('postgresql@15-main.service')['kept'] is True
    node.link(ETC + 'postgresql-generator', '/dev/null')
    assert Boot(node.host).starts('postgresql@15-main.service')['kept'] is False


SYSTEMD = {'/usr/lib/systemd/systemd': '!\x7fELF', '/sbin/init': '@/usr/lib/systemd/systemd', '/bin/sh': '!\x7fELF',
           '/bin/systemd': '@/usr/lib/systemd/systemd', '/usr/sbin/bootchartd': '!\x7fELF'}
GRUB = '/boot/grub/grub.cfg'


@pytest.mark.parametrize('cmdline, files, kept', [
    ('quiet', {}, True),
    ('quiet init=/bin/systemd', {}, True),
    ('quiet init=/nix/store/a-nixos-system/init', {'/sbin/init': ''}, True),
    ('quiet init=/usr/sbin/bootchartd', {}, True),
    ('quiet', {GRUB: '\tlinux /vmlinuz init=/lib/systemd/systemd\n', '/lib/systemd/systemd': '!\x7fELF'}, True),
    ('quiet', {GRUB: '\tlinux /vmlinuz init=/bin/sh\n'}, False),
    ('quiet init=/bin/systemd', {GRUB: '\tlinux /vmlinuz init=/bin/sh\n'}, False),
    ('quiet', {GRUB: '\tlinux /vmlinuz init=/bin/sh init=/bin/systemd\n'}, True),
    ('quiet', {GRUB: '\tlinux /vmlinuz init=/sbin/there-is-none\n'}, False),
    ('quiet', {GRUB: '\tlinux /vmlinuz init=/usr/sbin/bootchartd\n'}, None),
    ('quiet', {'/boot/loader/entries/a.conf': 'options init=/bin/sh\n',
               '/boot/loader/entries/b.conf': 'options quiet\n'}, None),
    ('quiet', {'/sbin/init': '!\x7fELF'}, None),
    ('quiet', {'/sbin/init': '@/sbin/openrc-init', '/sbin/openrc-init': '!\x7fELF'}, None),
    ('quiet init=/bin/systemd', {'/sbin/init': '!\x7fELF', GRUB: '\tlinux /vmlinuz quiet\n'}, None),
], ids=['the usual', 'systemd by name', 'as now, NixOS', 'as now, a program that starts it', 'systemd at the next boot',
        'a shell', 'a shell in its place', 'the last counts', 'a program that is not there', 'another program',
        'one of two entries', 'sysvinit installed since', 'OpenRC installed since', 'sysvinit without init='])
def test_the_next_boot_starts_the_init_that_runs_now(tmp_path, cmdline, files, kept):
    node = host(tmp_path, dict(SYSTEMD, **with_line(**files)), cmdline=cmdline)
    node.file('/usr/lib/systemd/systemd-sysctl', '')
    found = Boot(node.host)
    assert [found.swap('/swapfile')['kept'], found.sysctl()['kept']] == [kept, kept]


@pytest.mark.parametrize('init, program, kept', [
    ('init', '!\x7fELF', True), ('init', '@/usr/lib/systemd/systemd', None), ('runit', '@/usr/sbin/runit-init', True),
    ('linuxrc', '@/bin/busybox', True), ('openrc-init', '@/sbin/openrc-init', True), ('openrc-init', '!\x7fELF', True)])
def test_an_init_is_known_by_what_sbin_init_is(tmp_path, init, program, kept):
    node = host(tmp_path, with_line(**{
        '/sbin/init': program, '/etc/rcS.d/S10swap': '!swapon -a\n', '/etc/runit/core-services/1': 'swapon -a\n',
        '/etc/runlevels/boot/swap': '@/etc/init.d/swap', '/etc/inittab': '::sysinit:/sbin/swapon -a\n',
        '/usr/lib/systemd/systemd': '', '/usr/sbin/runit-init': '', '/bin/busybox': '', '/sbin/openrc-init': '',
        '/bin/s6': '', '/etc/init.d/swap': '!swapon -a\n'}), init)
    if init == 'linuxrc':
        node.link('/proc/1/exe', '/bin/busybox')
    assert Boot(node.host).swap('/swapfile')['kept'] is kept
