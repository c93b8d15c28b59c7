# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are gone, hidden or another's after a boot, and what is mounted otherwise."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._boot.boot import Boot
from ansible_collections.oom.rescue.plugins.module_utils._boot.files import takes
from boot_hosts import LINE, ON_DATA, ROOT, UNITS, host, rc_local, service, with_line

DATA = ROOT + '25 24 254:2 %s /data rw - %s /dev/vdb1 rw\n'
ON_EXT4 = {'/proc/self/mountinfo': DATA % ('/', 'ext4')}
TABLE = '/proc/self/mountinfo'
OVERLAY = '24 1 0:9 / / rw - overlay overlay rw,lowerdir=/run/low,upperdir=%s,workdir=/run/work\n'
UPPER_IN_MEMORY = OVERLAY % '/run/cow/upper' + '30 24 0:8 / /run/cow rw - tmpfs tmpfs rw\n'
OF_ETC = ROOT + '31 24 0:9 / /etc rw - overlay overlay rw,lowerdir=/etc,upperdir=/sysroot/var/lib/etc,workdir=/work\n'

ROOTS = {
    'a disk': (ROOT, {}, '', True),
    'tmpfs': ('24 1 0:2 / / rw - tmpfs tmpfs rw\n', {}, '', False),
    'tmpfs with lbu': ('24 1 0:2 / / rw - tmpfs tmpfs rw\n', {'/etc/lbu/lbu.conf': ''}, '', None),
    '/etc on tmpfs': (ROOT + '31 24 0:9 / /etc rw - tmpfs tmpfs rw\n', {}, '', False),
    'overlayfs over memory': (UPPER_IN_MEMORY, {'/run/cow/upper/x': ''}, '', False),
    'overlayfs over memory that is not seen': (OVERLAY % '/overlay/upper', {}, 'boot=overlay', False),
    'overlayroot': (OVERLAY % '/media/root-rw/overlay', {}, 'overlayroot=tmpfs:swap=1', False),
    'a live system that persists': (OVERLAY % '/run/live/rw', {}, 'boot=live persistence', None),
    'overlayfs over what is not seen': (OVERLAY % '/overlay/upper', {}, 'quiet', None),
    'overlayfs over a disk': (OVERLAY % '/data/upper' + ROOT.replace(' / / ', ' / /data '), {'/data/upper/x': ''}, '',
                              True),
    'overlayfs of /etc over a disk': (OF_ETC, {'/var/lib/etc/x': ''}, '', True),
    'a root that is made anew': (ROOT, {}, 'systemd.volatile=yes', False),
    'a root that is not': (ROOT, {}, 'systemd.volatile=no', True),
}


@pytest.mark.parametrize('table, files, cmdline, kept', list(ROOTS.values()), ids=list(ROOTS))
def test_what_is_in_memory_does_not_outlast_a_boot(tmp_path, table, files, cmdline, kept):
    files = dict(with_line(**files), **{TABLE: table, '/usr/lib/systemd/systemd-sysctl': '',
                                        UNITS + 'db.service': '[Service]\nOOMScoreAdjust=-600\n'})
    boot = Boot(host(tmp_path, files, cmdline=cmdline).host)
    answers = [boot.swap('/swapfile'), boot.keeps('/etc/sysctl.d/99-x.conf'),
               boot.score('db.service', lambda score: True)]
    assert [answer['kept'] for answer in answers] == [kept] * 3, answers


def test_the_files_of_a_container_are_its_engine_s(tmp_path):
    files = {TABLE: OVERLAY % '/var/lib/containers/upper', '/run/.containerenv': ''}
    assert Boot(host(tmp_path, files).host).keeps('/etc/sysctl.d/99-x.conf')['kept'] is True


MOUNTS = {
    'another filesystem on its directory': ({'/etc/fstab': ON_DATA + '/dev/vdb1 /data ext4 defaults 0 2\n'}, False),
    'a directory above it': ({'/etc/fstab': ON_DATA + '/dev/vdb1 /data/ ext4 nofail 0 2\n'}, False),
    'a bind mount on it': ({'/etc/fstab': ON_DATA + '/srv /data none bind 0 0\n'}, False),
    'one that is not mounted at boot': ({'/etc/fstab': ON_DATA + '/dev/vdb1 /data ext4 noauto 0 2\n'}, None),
    'a mount unit on it': ({'/etc/fstab': ON_DATA, UNITS + 'data.mount': '[Mount]\nWhat=/dev/vdb1\nWhere=/data\n',
                            UNITS + 'local-fs.target.wants/data.mount': '@../data.mount'}, False),
    'a mount unit that nothing starts': ({'/etc/fstab': ON_DATA, UNITS + 'data.mount': '[Mount]\nWhat=/dev/vdb1\n'},
                                         True),
    'elsewhere': ({'/etc/fstab': ON_DATA + '/dev/vdb1 /data/deep/er ext4 defaults 0 2\n'}, True),
    'another name': ({'/etc/fstab': ON_DATA + '/dev/vdb1 /data2 ext4 defaults 0 2\n'}, True),
    'the root read-only': ({'/etc/fstab': ON_DATA + '/dev/vda1 / ext4 ro 0 1\n'}, False),
    'the root read-only first': ({'/etc/fstab': ON_DATA + '/dev/vda1 / ext4 ro,noatime,rw 0 1\n'}, True),
    'its filesystem': (dict(ON_EXT4, **{'/etc/fstab': ON_DATA + '/dev/vdb1 /data ext4 errors=remount-ro 0 2\n'}), True),
    'its filesystem read-only': (dict(ON_EXT4, **{'/etc/fstab': ON_DATA + '/dev/vdb1 /data ext4 noatime,ro 0 2\n'}),
                                 False),
    'its mount unit read-only': (dict(ON_EXT4, **{'/etc/fstab': ON_DATA, UNITS + 'data.mount': (
        '[Mount]\nWhat=/dev/vdb1\nWhere=/data\nOptions=noatime,ro\n')}), False),
    'a device that is gone': (dict(ON_EXT4, **{
        '/etc/fstab': ON_DATA + 'UUID=dead /data ext4 nofail 0 2\n', '/dev/disk/by-uuid/beef': ''}), False),
    'a device that is there': (dict(ON_EXT4, **{
        '/etc/fstab': ON_DATA + 'UUID=beef /data ext4 nofail 0 2\n', '/dev/disk/by-uuid/beef': ''}), True),
    'a host without names of devices': (dict(ON_EXT4, **{
        '/etc/fstab': ON_DATA + 'UUID=beef /data ext4 nofail 0 2\n'}), True),
    'another subvolume': ({TABLE: DATA % ('/@data', 'btrfs'),
                           '/etc/fstab': ON_DATA + '/dev/vdb1 /data btrfs noatime,subvol=@old 0 0\n'}, False),
    'its subvolume': ({TABLE: DATA % ('/@data', 'btrfs'),
                       '/etc/fstab': ON_DATA + '/dev/vdb1 /data btrfs subvol=/@data 0 0\n'}, True),
}


@pytest.mark.parametrize('files, kept', list(MOUNTS.values()), ids=list(MOUNTS))
def test_a_swap_file_is_reached_if_a_boot_mounts_what_is_mounted_now(tmp_path, files, kept):
    answer = Boot(host(tmp_path, files).host).swap('/data/swapfile')
    assert answer['kept'] is kept, answer['why']


OURS, PATH = '/etc/sysctl.d/99-x.conf', '/swapfile'


@pytest.mark.parametrize('text, path, expected', [
    ('rm -f /swapfile', PATH, True), ('/bin/rm /swapfile /other', PATH, True), ('rm -f /swapfile2', PATH, False),
    ('rm -f "/swapfile"', PATH, True), ('rm -rf /etc/sysctl.d', OURS, True), ('rm /etc/sysctl.d', OURS, False),
    ('rm -f /etc/sysctl.d/*.conf', OURS, True), ('rm -f /etc/*.conf', OURS, False), ('rm -rf /tmp/*', OURS, False),
    ('mv /swapfile /swapfile.old', PATH, True), ('mv /root/fstab /etc/fstab', '/etc/fstab', True),
    ('mv /root/fstab /etc/', '/etc/fstab', True), ('cp /etc/fstab /etc/fstab.bak', '/etc/fstab', False),
    ('cp /root/fstab /etc/fstab', '/etc/fstab', True), ('install -m 644 /root/99-x.conf /etc/sysctl.d/', OURS, True),
    ('cp /root/98-y.conf /etc/sysctl.d/', OURS, False), ('cat /root/fstab > /etc/fstab', '/etc/fstab', True),
    ('echo a >> /etc/fstab', '/etc/fstab', False), ('cat /etc/fstab > /root/copy', '/etc/fstab', False),
    ('tee /etc/fstab', '/etc/fstab', True), ('tee -a /etc/fstab', '/etc/fstab', False),
    ('dd if=/swapfile of=/copy', PATH, False), ('dd if=/dev/zero of=/swapfile', PATH, True),
    ('truncate -s 0 /swapfile', PATH, True), ('sed -i /x/d ' + OURS, OURS, True), ('sed /x/d ' + OURS, OURS, False),
    ('sed -i s/a/b/ /etc/fstab', '/etc/fstab', False), ('sed -i /swap/d /etc/fstab', '/etc/fstab', True),
    ('chmod 600 /swapfile', PATH, False), ('ls -l /swapfile', PATH, False), ('mkswap /swapfile', PATH, False),
])
def test_a_command_takes_a_file_away_or_puts_another_in_its_place(text, path, expected):
    assert bool(takes(text, path)) is expected


TAKEN = {
    'rc.local': (rc_local('rm -f /swapfile'), False),
    'rc.local, perhaps': (rc_local('[ -e /x ] && rm -f /swapfile'), None),
    'another fstab at boot': (rc_local('cp /root/fstab /etc/fstab'), None),
    'the end of a service': (service('/bin/true\nExecStop=/bin/rm -f /swapfile'), False),
    'the end of a service that nothing starts': (
        {UNITS + 'x.service': '[Service]\nExecStop=/bin/rm /swapfile\n'}, True),
    'tmpfiles.d puts another fstab there': ({'/etc/tmpfiles.d/x.conf': 'C+ /etc/fstab - - - - /usr/share/fstab\n'},
                                            None),
    'tmpfiles.d makes it if it is not there': ({'/etc/tmpfiles.d/x.conf': 'C /etc/fstab - - - - /usr/share/fstab\n'},
                                               True),
    'a copy of it': (rc_local('cp /etc/fstab /root/fstab'), True),
}


@pytest.mark.parametrize('files, kept', list(TAKEN.values()), ids=list(TAKEN))
def test_what_takes_the_file_or_its_line_away_is_found(tmp_path, files, kept):
    answer = Boot(host(tmp_path, with_line(**files)).host).swap('/swapfile')
    assert answer['kept'] is kept, answer['why']


@pytest.mark.parametrize('line, kept', [
    ('Requires=nothere.service', False), ('Requires=masked.service', False), ('Requires=here.service', True),
    ('Requisite=here.service', None), ('Requires=local-fs.target', True), ('Wants=nothere.service', True),
    ('BindsTo=dev-vdb1.device', True)])
def test_what_an_administrator_has_swap_require_is_there(tmp_path, line, kept):
    files = with_line(**{UNITS + 'swapfile.swap.d/x.conf': '[Unit]\n%s\n' % line,
                         UNITS + 'masked.service': '@/dev/null',
                         UNITS + 'here.service': '[Service]\nExecStart=/bin/true\n'})
    assert Boot(host(tmp_path, files).host).swap('/swapfile')['kept'] is kept


def test_a_line_of_fstab_counts_by_its_place(tmp_path):
    files = {'/etc/fstab': '# swap\n' + LINE.replace('/swapfile', '/data/swapfile') + '/dev/x /data ext4 rw 0 2\n'}
    answer = Boot(host(tmp_path, files).host).swap('/data/swapfile')
    assert '/etc/fstab line 3' in answer['why']
