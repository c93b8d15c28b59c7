# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import shutil
import tempfile

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._change.record import State
from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError
from ansible_collections.oom.rescue.plugins.module_utils._swappiness.apply import apply
from ansible_collections.oom.rescue.plugins.module_utils._swappiness.facts import OWN, provenance, read_facts
from ansible_collections.oom.rescue.plugins.module_utils._swappiness.plan import plan
from fake_sysctl_node import SysctlNode

pytest.importorskip('hypothesis')
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

LINES = ['vm.swappiness = 10', 'vm.swappiness=60', 'vm/swappiness = 70', '-vm.swappiness = 80', '-vm.swappiness',
         'vm.* = 90', 'vm.swappiness = 999', 'vm.swappiness = nonsense', '# vm.swappiness = 5', '#oom-rescue is not it',
         'kernel.panic = 1', '\tvm.swappiness = 20\r', '']
PATHS = ['%s/%s.conf' % (directory, name)
         for directory in ('/etc/sysctl.d', '/run/sysctl.d', '/usr/local/lib/sysctl.d', '/usr/lib/sysctl.d')
         for name in ('10-a', '99-sysctl', '99-zz-oom-rescue', 'zz')] + ['/etc/sysctl.conf']
TEXTS = st.lists(st.sampled_from(LINES), max_size=4).flatmap(
    lambda lines: st.sampled_from(['\n'.join(lines), '\n'.join(lines) + '\n']))
TUNED = st.one_of(st.none(), st.fixed_dictionaries({
    'reapply': st.sampled_from([None, 0, 1]),
    'profile': st.sampled_from(
        ['virtual-guest', 'throughput-performance', 'absent', '', 'virtual-guest throughput-performance']),
    'running': st.booleans()}))


def planned(node, conflicts, state='present'):
    options = {'state': state, 'value': 10, 'conflicts': conflicts, 'cgroups': 'report', 'allow_zero': False}
    return plan(read_facts(node.host, State(node.host, 'swappiness')), options)


@settings(max_examples=150, deadline=None)
@given(files=st.dictionaries(st.sampled_from(PATHS), TEXTS, max_size=5), tuned=TUNED,
       version=st.sampled_from([219, 252]), kernel=st.sampled_from(['3.10.0', '6.1.0']), link=st.booleans(),
       conflicts=st.sampled_from(['override', 'report', 'fail']))
def test_whatever_is_there_the_value_holds_or_nothing_changed_and_all_comes_back(
        files, tuned, version, kernel, link, conflicts):
    root = tempfile.mkdtemp()
    try:
        node = SysctlNode(root, kernel, version)
        if link and '/etc/sysctl.d/99-sysctl.conf' not in files:
            node.link('/etc/sysctl.d/99-sysctl.conf', '../sysctl.conf')
        for path, text in files.items():
            node.file(path, text)
        if tuned:
            node.tuned(**tuned)
        before = node.etc()
        try:
            made = planned(node, conflicts)
        except RescueError:
            assert conflicts != 'report'
            assert (node.etc(), node.runtime()) == (before, 60)
            return
        apply(node.host, made, State(node.host, 'swappiness'))
        facts = provenance(node.host)
        assert facts == made['after']
        assert facts['runtime'] == 10
        assert facts['after_reboot'] == 10 or conflicts == 'report'
        assert node.host.read(OWN).endswith('vm.swappiness = 10\n')
        assert planned(node, conflicts)['actions'] == []
        apply(node.host, planned(node, conflicts, 'absent'), State(node.host, 'swappiness'))
        assert (node.etc(), node.runtime()) == (before, 60)
    finally:
        shutil.rmtree(root)
