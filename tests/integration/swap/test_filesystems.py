# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each filesystem makes of a swap file: made, found right, grown, shrunk, and taken away."""

import pathlib
import subprocess

import pytest
from conftest import MIB, run

PAGE = 4096


def layers(result):
    return [(step['layer'], step['action']) for step in result['actions']]


def path_on(filesystem):
    """Where the file is: on btrfs in a subvolume of its own."""
    return '/swapfile/swapfile' if filesystem == 'btrfs' else '/swapfile'


def assert_active(root, megabytes, filesystem):
    areas, path = root.areas(), path_on(filesystem)
    assert list(areas) == [path]
    lost = megabytes * MIB - PAGE - areas[path]
    # The kernel leaves out pages that are not contiguous on the disk: blocks of 1 KiB can lie so.
    assert lost == 0 or filesystem.endswith('-1k') and 0 < lost < MIB


@pytest.mark.parametrize('filesystem, allocate', [
    ('ext4', 'auto'), ('ext4', 'write'), ('ext4-1k', 'auto'), ('ext4-1k', 'write'), ('ext3', 'auto'), ('ext2', 'auto'),
    ('xfs', 'auto'), ('xfs', 'write'), ('xfs-1k', 'auto'), ('btrfs', 'auto'), ('btrfs', 'write'),
])
def test_a_filesystem_that_can_hold_swap_has_it_made_grown_shrunk_and_removed(make_root, filesystem, allocate):
    root = make_root(filesystem, megabytes=512 if filesystem.startswith('xfs') else 256)
    before = root.tree()
    made = [step for step in layers(root.converge(size='33M', allocate=allocate)) if step[1] != 'make_subvolume']
    assert made == [
        ('file', 'create'), ('signature', 'write'), ('activation', 'on'), ('persistence', 'add')]
    assert_active(root, 33, filesystem)
    assert root.converge(size='33M', allocate=allocate)['actions'] == []
    for size in (50, 21):
        grown = root.converge(size='%dM' % size, allocate=allocate)
        assert grown.get('changed'), grown
        assert grown['after']['file']['hole_bytes'] == 0
        assert_active(root, size, filesystem)
        assert root.converge(size='%dM' % size, allocate=allocate)['actions'] == []
    assert pathlib.Path(str(root.path) + path_on(filesystem)).stat().st_mode & 0o7777 == 0o600
    assert root.fstab().endswith('\n%s none swap sw,nofail 0 0\n' % path_on(filesystem))
    assert root.converge(state='restored')['changed']
    assert root.tree() == before and root.areas() == {}


@pytest.mark.parametrize('filesystem', ['overlay', 'tmpfs', 'ramfs'])
def test_a_root_filesystem_that_cannot_hold_swap_is_skipped_with_the_reason(make_root, filesystem):
    root = make_root(filesystem)
    before = root.tree()
    result = root.converge(size='8M')
    assert not result['changed'] and filesystem in result['skipped_reason']
    assert root.tree() == before and root.areas() == {}


@pytest.mark.parametrize('filesystem', ['overlay', 'tmpfs'])
def test_a_path_on_such_a_filesystem_is_refused_where_the_root_could_hold_it(make_root, filesystem):
    root, other = make_root('ext4'), make_root(filesystem)
    (root.path / 'mnt').mkdir()
    run('mount', '--bind', other.path, root.path / 'mnt')
    try:
        result = root.converge('/mnt/swapfile', size='8M')
        assert filesystem in result['error'] and '/mnt/swapfile' in result['error']
    finally:
        subprocess.call(['umount', str(root.path / 'mnt')])


def test_a_read_only_mount_is_skipped_with_the_reason(make_root):
    root = make_root('ext4')
    run('mount', '-o', 'remount,ro', root.path)
    try:
        assert 'read-only' in root.converge(size='8M')['skipped_reason']
    finally:
        run('mount', '-o', 'remount,rw', root.path)


def test_a_full_disk_is_refused_before_the_first_byte(make_root):
    root = make_root('ext4', megabytes=64)
    before = root.tree()
    result = root.converge(size='1G')
    assert '1073741824 bytes are needed' in result['error'] and 'available' in result['error']
    assert 'reserve' in root.converge(size='20M', reserve_bytes=60 * MIB)['error']
    assert root.tree() == before


def test_auto_takes_no_more_than_the_disk_can_spare(make_root):
    root = make_root('ext4', megabytes=200)
    result = root.converge(size='auto', reserve_bytes=30 * MIB)
    assert result['size']['decided_by'] == 'disk' and result['size']['shortfall_bytes'] > 0
    assert 64 * MIB <= result['size_bytes'] < 170 * MIB
    assert not root.converge(size='auto', reserve_bytes=30 * MIB)['changed']
    assert root.converge(state='absent')['changed']
    small = make_root('ext4', megabytes=48)
    assert 'too little' in small.converge(size='auto')['skipped_reason']


def test_btrfs_on_two_devices_is_refused_and_nothing_is_left(make_root):
    root = make_root('btrfs', megabytes=256, devices=2)
    before = root.tree()
    result = root.converge(size='64M')
    assert not root.areas() and root.tree() == before
    assert 'btrfs' in (result.get('error') or result.get('skipped_reason') or ''), result


def test_a_compressing_btrfs_gets_a_file_without_compression(make_root):
    root = make_root('btrfs', options='compress-force=zstd')
    assert root.converge(size='32M', allocate='write')['changed']
    assert root.areas() == {path_on('btrfs'): 32 * MIB - PAGE}


def test_a_btrfs_file_with_copy_on_write_is_made_anew(make_root):
    root = make_root('btrfs')
    file = root.path / 'swapfile'
    file.write_bytes(b'\0' * 32 * MIB)
    file.chmod(0o600)
    run('mkswap', file)
    assert ('file', 'remove') in layers(root.converge(size='32M', override=['btrfs-snapshots']))
    assert root.areas() == {'/swapfile': 32 * MIB - PAGE}


@pytest.mark.parametrize('filesystem', ['ext4', 'xfs', 'btrfs'])
def test_writing_a_file_leaves_the_page_cache_alone(make_root, filesystem):
    root = make_root(filesystem, megabytes=512)
    assert root.converge(size='64M', allocate='write')['changed']
    cached = int(run('fincore', '--bytes', '--noheadings', '--output', 'RES',
                     str(root.path) + path_on(filesystem)))
    assert cached <= MIB
