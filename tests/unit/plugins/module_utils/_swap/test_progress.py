# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._swap.progress import Progress, written


class Node:
    text = None

    def remove(self, path):
        self.text = None

    def replace(self, path, text):
        self.text = text


@pytest.mark.parametrize('done, total, told', [
    (0, 2 << 30, '0 bytes of 2 GiB'), (512 << 20, 1610612736, '512 MiB of 1.5 GiB'), (4096, 1 << 40, '4 KiB of 1 TiB')])
def test_what_the_module_writes_is_told(done, total, told):
    node = Node()
    with Progress(node, '/swapfile', lambda text: None) as progress:
        progress(done, total)
        assert written(node.text) == told


def test_the_word_of_a_run_that_was_killed_goes_first_and_ones_own_at_the_end():
    node = Node()
    node.text = '1 MiB of 2 GiB written to /s'
    with Progress(node, '/swapfile', lambda text: None) as progress:
        assert node.text is None
        progress(4096, 8192)
    assert node.text is None


@pytest.mark.parametrize('text', [
    '', 'ok: [prod-db1]', '\x1b[2J1 MiB of 2 GiB written to /s', '1 MiB\x1b[1A of 2 GiB written to /s',
    '1 MiB of 2 GiB\nok: [prod-db1]', '99999999 MiB of 2 GiB written to /s', u'\u0661 MiB of 2 GiB written to /s'])
def test_anything_else_that_a_node_says_there_is_not(text):
    assert written(text) is None


def test_what_follows_the_sizes_is_not_told():
    assert written('1 MiB of 2 GiB written to /s\x1b[2J\nok: [prod-db1]') == '1 MiB of 2 GiB'
