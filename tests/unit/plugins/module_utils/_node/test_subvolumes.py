# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a swap file is on btrfs; tests/integration/swap/test_btrfs.py has a real one."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._forbids.forbids import forbidden
from ansible_collections.oom.rescue.plugins.module_utils._node import subvolumes
from fake_node import Node

SWAP = '\0' * 4086 + 'SWAPSPACE2'
MOUNT = '1 0 0:30 / / rw - %s /dev/sda1 rw\n'


@pytest.fixture(name='make')
def fixture_make(tmp_path, monkeypatch):
    """make(filesystem, subvolumes, files): a node; its subvolumes are directories by their path alone."""
    node = Node(tmp_path)

    def make(filesystem='btrfs', those=(), files=()):
        node.file('/proc/self/mountinfo', MOUNT % filesystem)
        for path in those:
            os.makedirs(str(node.path(path)))
        for path, text in dict(files).items():
            node.file(path, text)
        monkeypatch.setattr(subvolumes, 'is_subvolume', lambda path: path in [str(node.path(one)) for one in those])
        return node
    return make


@pytest.mark.parametrize('those, files, path, expected', [
    pytest.param([], {}, '/swapfile', ('/swapfile/swapfile', '/swapfile', False), id='to be made'),
    pytest.param(['/swapfile'], {}, '/swapfile', ('/swapfile/swapfile', '/swapfile', True), id='made'),
    pytest.param(['/swapfile'], {'/swapfile/swapfile': SWAP, '/swapfile/swapfile.oom-rescue-new': ''},
                 '/swapfile/swapfile', ('/swapfile/swapfile', '/swapfile', True), id='as the record names it'),
    pytest.param(['/swap'], {'/swap/one': SWAP}, '/swap/two', ('/swap/two', '/swap', True), id='beside other swap'),
    pytest.param(['/home'], {'/home/notes': 'x'}, '/home/swap', ('/home/swap/swap', '/home/swap', False),
                 id='beside other things'),
    pytest.param([], {}, '/swapfile/swapfile', ('/swapfile/swapfile', '/swapfile', False), id='of a record, and gone'),
    pytest.param([], {}, '/none/swap', ('/none/swap', None, False), id='in no directory'),
    pytest.param([], {'/swapfile': 'x'}, '/swapfile', ('/swapfile', None, False), id='a file'),
    pytest.param([], {'/swapfile/x': 'x'}, '/swapfile', ('/swapfile', None, False), id='a directory'),
])
def test_the_place_of_a_swap_file(make, those, files, path, expected):
    found = subvolumes.place(make(those=those, files=files).host, path)
    assert (found['path'], found['subvolume'], found['exists']) == expected


@pytest.mark.parametrize('filesystem, lifted', [('ext4', ()), ('btrfs', ('btrfs-snapshots',))])
def test_elsewhere_and_with_that_lifted_it_is_where_it_was_asked_for(make, filesystem, lifted):
    found = subvolumes.place(make(filesystem).host, '/swapfile', lifted)
    assert (found['path'], found['subvolume']) == ('/swapfile', None)


@pytest.mark.parametrize('those, path, swaps, ids', [
    pytest.param([], '/swapfile', '', ['btrfs-snapshots'], id='off, among other things'),
    pytest.param([], '/swapfile', '/swapfile file 4 0 -2\n', [], id='on: what it does it does already'),
    pytest.param(['/swap'], '/swap/one', '', [], id='among swap alone'),
    pytest.param([], '/other', '', [], id='to be made'),
])
def test_who_forbids_a_swap_file_on_btrfs(make, those, path, swaps, ids):
    node = make(those=those, files={'/swapfile': SWAP, '/swap/one': SWAP, '/etc/fstab': ''} if not those else {
        '/swap/one': SWAP})
    node.file('/proc/swaps', 'Filename Type Size Used Priority\n' + swaps)
    assert [entry['id'] for entry in forbidden(node.host, path=path)['swap']] == ids
