# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._node.swap_areas import parse_swaps, unescape

HEADER = 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n'


def area(path, kind='file', size_bytes=1 << 30, used_bytes=0, priority=-2, deleted=False):
    return {'path': path, 'type': kind, 'size_bytes': size_bytes, 'used_bytes': used_bytes, 'priority': priority,
            'deleted': deleted}


@pytest.mark.parametrize('lines, areas', [
    ('', []),
    ('/swapfile file 1048576 0 -2', [area('/swapfile')]),
    ('/dev/sda2 partition 1048576 512 10', [area('/dev/sda2', 'partition', used_bytes=524288, priority=10)]),
    ('/dev/zram0 partition 1048576 0 100', [area('/dev/zram0', 'zram', priority=100)]),
    ('/my\\040swap file 1048576 0 -2', [area('/my swap')]),
    ('/swapfile\\040(deleted) file 1048576 0 -2', [area('/swapfile', deleted=True)]),
    ('a cut line', []),
], ids=['none', 'file', 'partition', 'zram', 'escaped space', 'unlinked while active', 'cut line'])
def test_every_area_is_read_in_the_kernels_order(lines, areas):
    assert parse_swaps(HEADER + lines) == areas


def test_a_kernel_without_swap_has_no_areas():
    assert parse_swaps(None) == []


def test_octal_escapes_are_undone():
    assert unescape('a\\040b\\011c\\134d') == 'a b\tc\\d'
