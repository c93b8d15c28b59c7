# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A swap file on btrfs: in a subvolume of its own, so that snapshots are made beside it, and in space just freed."""

import subprocess

import pytest
from conftest import MIB, run

OWN = '/swapfile/swapfile'


@pytest.fixture(name='root')
def fixture_root(make_root):
    return make_root('btrfs', megabytes=400)


def snapshot(root, of=''):
    """None if a snapshot could be made, else what the program says."""
    target = root.path / 'snapshot'
    done = subprocess.run(['btrfs', 'subvolume', 'snapshot', str(root.path / of), str(target)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode == 0:
        run('btrfs', 'subvolume', 'delete', target)
    return done.stdout if done.returncode else None


def swap_made_by_hand(root, name):
    file = root.path / name
    file.touch(mode=0o600)
    run('chattr', '+C', file)
    run('fallocate', '-l', 32 * MIB, file)
    run('mkswap', file)
    return file


def test_snapshots_can_be_made_while_it_is_on_and_the_undo_takes_the_subvolume_away(root):
    before = root.tree()
    result = root.converge(size='32M')
    assert [step['action'] for step in result['actions']][:2] == ['make_subvolume', 'create']
    assert list(root.areas()) == [OWN] and OWN + ' none swap' in root.fstab()
    assert snapshot(root) is None
    for path in ('/swapfile', OWN):
        assert root.converge(path, size='32M')['actions'] == []
    assert root.converge(size='48M')['changed'] and snapshot(root) is None
    assert root.converge(state='restored')['changed']
    assert root.tree() == before and root.areas() == {}


def test_a_second_file_may_stand_in_a_subvolume_that_is_for_swap(root):
    run('btrfs', 'subvolume', 'create', root.path / 'swap')
    swap_made_by_hand(root, 'swap/mine')
    assert root.converge('/swap/two', size='32M')['changed'] and list(root.areas()) == ['/swap/two']
    assert snapshot(root) is None
    assert root.converge('/swap/two', state='restored')['changed']
    assert [file.name for file in (root.path / 'swap').iterdir()] == ['mine']


def test_what_was_put_beside_it_stays_with_its_subvolume(root):
    root.converge(size='32M')
    (root.path / 'swapfile/notes').write_text('mine')
    result = root.converge(state='absent')
    assert result['changed'] and 'something else is in it' in result['warnings'][0]
    assert (root.path / 'swapfile/notes').read_text() == 'mine' and not (root.path / 'swapfile/swapfile').exists()


def test_a_file_among_other_things_is_not_turned_on_unless_that_is_lifted(root):
    swap_made_by_hand(root, 'swapfile')
    result = root.converge(size='32M')
    assert not result['changed'] and result['skipped_reason'].startswith('btrfs-snapshots (/swapfile): ')
    assert root.converge(size='32M', override=['btrfs-snapshots'])['changed'] and list(root.areas()) == ['/swapfile']
    assert 'Text file busy' in snapshot(root)
    assert root.converge(size='32M')['actions'] == []


def test_with_that_lifted_a_new_file_is_where_it_was_asked_for(root):
    assert root.converge(size='32M', override=['btrfs-snapshots'])['changed'] and list(root.areas()) == ['/swapfile']
    assert root.converge(state='restored')['changed'] and not (root.path / 'swapfile').exists()


def test_space_that_was_just_freed_is_seen(root):
    for _time in range(5):
        made = root.converge(size='200M')
        assert made.get('changed'), made
        removed = root.converge(state='absent')
        assert removed.get('changed'), removed


def test_a_failed_step_leaves_no_subvolume(make_root):
    root = make_root('btrfs', devices=2)
    before = root.tree()
    result = root.converge(size='64M')
    assert root.tree() == before and not root.areas() and (result.get('error') or result['skipped_reason'])
