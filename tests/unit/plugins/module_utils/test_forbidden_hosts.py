# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each host where a remedy is forbidden is left alone by that remedy, to the byte, with who forbids it and where."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._swap import apply as swap
from ansible_collections.oom.rescue.plugins.module_utils._swap import syscalls
from ansible_collections.oom.rescue.plugins.module_utils._swap.plan import wish
from ansible_collections.oom.rescue.plugins.module_utils._swappiness import apply as swappiness
from ansible_collections.oom.rescue.plugins.module_utils._swappiness import options as swappiness_options
from forbidden_hosts import ELASTIC, FORBIDDEN, built

MOUNTS = '24 1 254:1 / / rw - ext4 /dev/vda1 rw\n'


class Kernel(object):
    """The calls of this machine, but for the one that asks whether swap may be turned on."""

    def __getattr__(self, name):
        return getattr(syscalls, name)

    @staticmethod
    def swapon_refusal():
        return None


def contents(node):
    """{path: text} of all files but what a lock leaves."""
    return dict((path, text) for path, text in node.files().items() if not path.startswith('/run/'))


@pytest.mark.parametrize('files, name, where', [
    row for row in FORBIDDEN if row.values[1] != 'hibernation'])
def test_no_swap_is_made_where_somebody_forbids_it(tmp_path, files, name, where):
    node = built(tmp_path, files)
    node.file('/proc/self/mountinfo', MOUNTS)
    before = contents(node)
    result = swap.converge(node.host, '/swapfile', wish(state='present', size='8M', reserve_bytes=0), False,
                           kernel=Kernel())
    assert (result['changed'], result['actions']) == (False, [])
    assert '%s (%s)' % (name, where) in result['skipped_reason']
    assert contents(node) == before


@pytest.mark.parametrize('files, name, where', [row for row in FORBIDDEN if row.values[1] == 'memory-lock'])
def test_no_swappiness_is_set_above_what_a_server_wants(tmp_path, files, name, where):
    node = built(tmp_path, files)
    node.file('/proc/sys/vm/swappiness', '1\n')
    before = contents(node)
    options = dict(dict((key, one.get('default')) for key, one in swappiness_options.OPTIONS.items()), value=10)
    result = swappiness.converge(node.host, options)
    assert (result['changed'], result['actions']) == (False, [])
    assert '%s (%s)' % (name, where) in result['skipped_reason'] and contents(node) == before


def test_the_id_that_is_lifted_lets_it_be_made(tmp_path):
    node = built(tmp_path, {ELASTIC: 'bootstrap.memory_lock: true\n', '/proc/self/mountinfo': MOUNTS})
    wished = wish(state='present', size='8M', reserve_bytes=0, override=['memory-lock'])
    result = swap.converge(node.host, '/swapfile', wished, True, kernel=Kernel())
    assert result['skipped_reason'] is None and result['actions']
