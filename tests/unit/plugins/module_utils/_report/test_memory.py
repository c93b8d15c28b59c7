# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of the Mem-Info block that look like what they are not."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._report.memory import MemoryBlock


@pytest.mark.parametrize('line, is_one, cache', [
    ('kmalloc-4k  1234KB  5678KB', True, ('kmalloc-4k', 5678 * 1024)),
    ('Name                      Used          Total', True, None),
    ('a b c  1KB  2KB', True, ('a b c', 2048)),
    ('x' * 64 + 'y  1KB  2KB', True, ('x' * 64, 2048)),
    ('dentry  1KB  %sKB' % ('9' * 15), True, ('dentry', int('9' * 15) * 1024)),
    ('dentry  1KB  %sKB' % ('9' * 16), False, None),
    ('dentry  1KB  -5KB', False, None),
    ('dentry  1KB  5kB', False, None),
    ('1KB 5KB', False, None),
])
def test_a_line_of_slab_caches(line, is_one, cache):
    block = MemoryBlock()
    assert block.cache_line(line) == is_one
    assert block.slab_caches == ([cache] if cache else [])


@pytest.mark.parametrize('line, is_one', [
    ('Node 0 DMA per-cpu:', True), ('DMA32 per-cpu:', True), ('Node 0 active_anon:857760kB', True),
    ('Node 0 is full', False), ('Normal operation', False)])
def test_a_line_of_a_node_or_zone(line, is_one):
    assert MemoryBlock().node_line(line) is is_one
