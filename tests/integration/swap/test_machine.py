# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this host's kernel may lack: SELinux, an NFS mount, FAT, systemd as init, and more swap areas than it takes."""

import pytest
from conftest import MIB
from guest import Guest, needs_machines

PAGE = 4096
LABEL = 'system_u:object_r:default_t:s0'

pytestmark = needs_machines


@pytest.fixture(scope='module')
def guest(suite):
    with Guest('swap-machine', suite, append='security=selinux enforcing=0') as machine:
        assert machine.check('getenforce') == 'Permissive\n'
        yield machine


def label(guest, path):
    return guest.check('stat -c %%C %s' % path).strip()


def test_the_file_has_the_label_of_swap_and_gets_it_again(guest):
    assert guest.converge(size='8M')['changed']
    assert label(guest, '/swapfile').split(':')[2] == 'swapfile_t'
    assert guest.converge(size='12M')['changed']
    assert label(guest, '/swapfile').split(':')[2] == 'swapfile_t'
    assert guest.converge(size='12M')['actions'] == []
    guest.check('chcon %s /swapfile' % LABEL)
    planned = guest.converge(size='12M', check=True)['actions']
    assert [(step['layer'], step['action']) for step in planned] == [('file', 'label')]
    assert LABEL in planned[0]['detail'] and guest.converge(size='12M')['actions'] == planned
    assert label(guest, '/swapfile').split(':')[2] == 'swapfile_t'
    assert guest.converge(state='restored')['changed']


def test_a_file_that_was_there_gets_its_own_label_back(guest):
    guest.check('fallocate -l 8M /swapfile && chmod 600 /swapfile && mkswap /swapfile && chcon %s /swapfile' % LABEL)
    assert guest.converge(size='8M')['changed']
    assert label(guest, '/swapfile').split(':')[2] == 'swapfile_t'
    assert guest.converge(state='restored')['changed']
    assert label(guest, '/swapfile') == LABEL
    guest.check('rm /swapfile')


def test_fstab_keeps_its_label(guest):
    before = label(guest, '/etc/fstab')
    assert guest.converge(size='8M')['changed'] and guest.converge(state='restored')['changed']
    assert label(guest, '/etc/fstab') == before


def test_a_path_on_a_real_nfs_mount_is_refused_before_the_first_byte(guest):
    guest.check('mkdir -p /srv/share /mnt/share && exportfs -o rw,no_root_squash,fsid=1 localhost:/srv/share')
    guest.check('systemctl start nfs-server && mount -t nfs4 localhost:/srv/share /mnt/share')
    try:
        result = guest.converge('/mnt/share/swapfile', size='8M')
        assert 'nfs4 is a network filesystem' in result['error'] and '/mnt/share/swapfile' in result['error']
        assert guest.check('ls -A /mnt/share') == ''
    finally:
        guest.check('umount /mnt/share; systemctl stop nfs-server')


def test_systemd_has_the_unit_as_soon_as_the_line_is_there_and_no_longer(guest):
    assert guest.converge('/srv/a b.swap', size='8M')['changed']
    unit = guest.check("systemd-escape --path --suffix=swap '/srv/a b.swap'").strip()
    assert guest.check("systemctl show -p LoadState -p ActiveState -p SourcePath '%s'" % unit).split() == [
        'LoadState=loaded', 'ActiveState=active', 'SourcePath=/etc/fstab']
    guest.check('echo >> /etc/fstab; sleep 1; touch /etc/fstab')
    assert [step['action'] for step in guest.converge('/srv/a b.swap', size='8M')['actions']] == ['reload']
    assert guest.converge('/srv/a b.swap', size='8M')['actions'] == []
    assert guest.converge('/srv/a b.swap', state='restored')['changed']
    assert guest.run("systemctl is-active '%s'" % unit).stdout == 'inactive\n'


def test_one_area_more_than_the_kernel_takes_is_refused_and_nothing_is_left(guest):
    guest.check('mkdir -p /srv/many; for n in $(seq 40); do f=/srv/many/$n; fallocate -l 1M $f; chmod 600 $f; '
                'mkswap -q $f; swapon $f || break; done 2>/dev/null')
    try:
        result = guest.converge(size='8M')
        assert 'as many areas as the kernel takes' in result['skipped_reason']
        assert '/swapfile' not in guest.areas() and not guest.check('ls -a / | grep swapfile || true')
    finally:
        guest.check('swapoff -a; rm -r /srv/many')


def test_a_filesystem_without_owners_and_modes_is_used_or_left_as_it_was(guest):
    guest.check('fallocate -l 64M /srv/fat.img; mkdir -p /mnt/fat; mkfs.vfat /srv/fat.img && '
                'mount -o loop,umask=022 /srv/fat.img /mnt/fat')
    try:
        result = guest.converge('/mnt/fat/swapfile', size='8M')
        assert result.get('error') and guest.check('ls -A /mnt/fat') == ''
        guest.check('umount /mnt/fat; mount -o loop,umask=0177,dmask=022 /srv/fat.img /mnt/fat')
        assert guest.converge('/mnt/fat/swapfile', size='8M')['changed']
        assert guest.areas() == {'/mnt/fat/swapfile': (8 * MIB - PAGE, 0)}
        assert guest.converge('/mnt/fat/swapfile', size='8M')['actions'] == []
        assert guest.converge('/mnt/fat/swapfile', state='restored')['changed']
    finally:
        guest.check('umount /mnt/fat; rm /srv/fat.img')
