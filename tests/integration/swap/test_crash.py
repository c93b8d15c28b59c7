# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is killed at each system call that changes something, or that has one fail.

After each the node is usable, and one more run brings it to exactly where an undisturbed one does.
"""

import itertools
import os
import shutil

import pytest
from conftest import MIB
from kill_points import failing, killing, points, tracing

FSTAB = '# the table\n\nUUID=1-2 / ext4 defaults 0 1\n/dev/other none swap sw 0 0'
PAGE = 4096
SIZE = 8 * MIB

# name: the runs that make the start, and the run that is disturbed
SCENARIOS = {
    'create': ([], {'size': '8M'}),
    'create by writing': ([], {'size': '3M', 'allocate': 'write'}),
    'grow': ([{'size': '8M'}], {'size': '12M'}),
    'grow with a new priority': ([{'size': '8M'}], {'size': '12M', 'priority': 7}),
    'grow a file that was there': (['mkswap'], {'size': '12M'}),
    'shrink': ([{'size': '8M'}], {'size': '4M'}),
    'remove': ([{'size': '8M'}], {'state': 'absent'}),
    'restore': ([{'size': '8M'}], {'state': 'restored'}),
    'restore a file that was there': (['mkswap', {'size': '12M'}], {'state': 'restored'}),
}

DISK = ('openat', 'write', 'fallocate', 'fsync', 'fdatasync', 'ftruncate', 'rename')
# What fails, and with which errors: no code of ours asks which it was, so that each call has one of them, in turn.
FAILING = {'the disk': (DISK, ('ENOSPC', 'EIO')), 'memory': (('swapon', 'swapoff'), ('ENOMEM',))}

pytestmark = pytest.mark.skipif(not shutil.which('strace'), reason='strace is not on this host')


@pytest.fixture(scope='module')
def root(make_root):
    node = make_root('ext4', megabytes=128)
    node.sees_nobody = True
    return node


def prepare(root, steps):
    root.reset(FSTAB)
    for step in steps:
        if step == 'mkswap':
            file = root.path / 'swapfile'
            file.write_bytes(b'\0' * SIZE)
            file.chmod(0o600)
            assert os.system('mkswap %s > /dev/null && swapon -p 3 %s' % (file, file)) == 0
            root.fstab(FSTAB.replace('/dev/other', '/swapfile   none swap defaults,pri=3 0 0\n/dev/other'))
        else:
            assert root.converge(**step)['changed']


def points_of(root, steps, wish, tmp_path):
    """(points, how an undisturbed run leaves the node)."""
    prepare(root, steps)
    assert 'error' not in root.converge(strace=tracing(tmp_path / 'log'), **wish)
    found = points(tmp_path / 'log')
    assert len(found) > 5
    return found, (root.tree(), root.areas())


def assert_usable(root, start_areas, wish):
    """What has to hold at any moment of a run."""
    areas = root.areas()
    for path, size in areas.items():
        # An active area is never half-made: the kernel has all of the file.
        assert size == (root.path / path.lstrip('/')).stat().st_size - PAGE
        assert (root.path / path.lstrip('/')).stat().st_mode & 0o777 == 0o600
    if start_areas and wish.get('state', 'present') == 'present':
        assert sum(areas.values()) >= min(sum(start_areas.values()), SIZE // 2 - PAGE), 'swap that was there is lost'
    fstab = root.fstab()
    for line in FSTAB.splitlines():
        assert fstab.splitlines().count(line) == 1
    assert len([line for line in fstab.splitlines() if line.startswith('/swapfile')]) <= 1


@pytest.mark.parametrize('name', SCENARIOS)
def test_a_run_killed_anywhere_is_completed_by_the_next(root, name, tmp_path):
    steps, wish = SCENARIOS[name]
    found, expected = points_of(root, steps, wish, tmp_path)
    for point in found:
        prepare(root, steps)
        start = root.areas()
        assert root.converge(strace=killing(*point), **wish) is None, 'not killed at %s %d' % point
        assert_usable(root, start, wish)
        again = root.converge(**wish)
        assert 'error' not in again, (point, again)
        assert (root.tree(), root.areas()) == expected, 'after a kill at %s %d' % point
    print('%s: %d kill points' % (name, len(found)))


@pytest.fixture(scope='module')
def btrfs(make_root):
    node = make_root('btrfs', megabytes=400)
    node.sees_nobody = True
    return node


# Its file is in a subvolume of its own, which is made and goes with it. Of a file that was made here `restore` does
# what `remove` does.
@pytest.mark.parametrize('name', ['create', 'remove'])
def test_a_run_killed_anywhere_with_a_subvolume_is_completed_by_the_next(btrfs, name, tmp_path):
    test_a_run_killed_anywhere_is_completed_by_the_next(btrfs, name, tmp_path)


def test_a_run_killed_anywhere_with_a_subvolume_is_undone_by_the_next(btrfs, tmp_path):
    steps, wish = SCENARIOS['create']
    found = points_of(btrfs, steps, wish, tmp_path)[0]
    calls = [point[0] for point in found]
    assert calls.count('ioctl') >= 2
    # What comes before the subvolume is as on other filesystems.
    found = found[calls.index('ioctl'):]
    btrfs.reset(FSTAB)
    empty = btrfs.tree()
    for point in found:
        prepare(btrfs, steps)
        assert btrfs.converge(strace=killing(*point), **wish) is None, 'not killed at %s %d' % point
        assert 'error' not in btrfs.converge(state='restored'), point
        assert (btrfs.tree(), btrfs.areas()) == (empty, {}), 'after a kill at %s %d' % point
    print('create, undone: %d kill points' % len(found))


def swap_files(tree):
    return [path for path in tree if 'swap' in path and not path.startswith('/var/')]


@pytest.mark.parametrize('failing_part', FAILING)
@pytest.mark.parametrize('name', SCENARIOS)
def test_a_call_that_fails_leaves_what_was_there(root, name, failing_part, tmp_path):
    steps, wish = SCENARIOS[name]
    found, expected = points_of(root, steps, wish, tmp_path)
    calls, errors = FAILING[failing_part]
    found = [point for point in found if point[0] in calls]
    prepare(root, steps)
    start = root.tree(), root.areas()
    for point, error in zip(found, itertools.cycle(errors)):
        prepare(root, steps)
        result = root.converge(strace=failing(*point, error=error), **wish)
        assert_usable(root, start[1], wish)
        if 'goes with a later run' in result.get('error', ''):
            assert expected[1].items() <= root.areas().items(), (point, result)
        elif 'error' in result and wish.get('state', 'present') == 'present':
            assert swap_files(root.tree()) == swap_files(start[0]), (point, result)
            assert root.areas() == start[1], (point, result)
        elif 'error' in result:
            assert start[1].items() <= root.areas().items() or point[0] not in ('swapon', 'swapoff'), (point, result)
        again = root.converge(**wish)
        assert 'error' not in again, (point, result, again)
        assert (root.tree(), root.areas()) == expected, 'after %s of %s %d: %s, then %s' % (
            error, point[0], point[1], result, again)
    print('%s: %d calls failed with %s' % (name, len(found), ' and '.join(errors)))
