# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

# The unit tests of the other Pythons of a node have pytest alone; the imports below stand behind this for it.
pytest.importorskip('hypothesis')

from ansible_collections.oom.rescue.plugins.module_utils._node.cgroup_paths import own_unit, parse_cgroup
from hypothesis import example, given
from hypothesis import strategies as st

from _node.test_cgroup_paths import ID, OUTER, UID

# Parts that stand for a container, wherever they are.
CONTAINERS = ['docker-%s.scope' % ID, 'libpod-' + OUTER, 'kubepods-pod%s.slice:cri-containerd:%s' % (UID, ID),
              'lxc.payload.web', 'systemd-nspawn@web.service', 'machine-web.scope']
OTHERS = ['system.slice', 'user.slice', 'user-1000.slice', 'user@1000.service', 'session-3.scope', 'mysqld.service',
          'containerd.service', 'init.scope', 'docker', 'lxc', 'buildkit', 'payload', 'supervisor', 'kubepods', 'a',
          '..', 'pod' + UID, ID, 'libpod-conmon-%s.scope' % ID, 'nomad', 'lxc.monitor.web', 'a:b:c', '_x.service',
          '.slice']
PARTS = st.lists(st.sampled_from(CONTAINERS + OTHERS) | st.text(max_size=20), max_size=12)
BEFORE = st.lists(st.sampled_from(['system.slice', 'containerd.service', 'docker.service', 'web.service', 'x.slice']))


def path_of(parts):
    return '/' + '/'.join(parts)


@given(PARTS)
@example(['lxc', 'supervisor'])
@example(['systemd-nspawn@web.service', 'supervisor', 'supervisor'])
def test_any_path_has_a_meaning_without_contradictions(parts):
    found = parse_cgroup(path_of(parts))
    assert found['user'] is None or found['host_unit']
    assert bool(found['containers']) or not (found['container_id'] or found['pod_uid'] or found['delegated'])
    if found['containers']:
        assert found['container_id'] == found['containers'][-1]['id']
        assert all(one['id'] or one['pod_uid'] for one in found['containers'])
    else:
        assert own_unit(found) == found['host_unit']


@given(PARTS, PARTS)
def test_what_is_within_changes_nothing_of_the_host_s_unit(parts, inner):
    """What a unit makes below itself does not make it another unit of the host."""
    outside = parse_cgroup(path_of(['system.slice', 'web.service'] + parts))
    assert (outside['host_unit'], outside['user'], outside['user_slice']) == ('web.service', None, None)
    assert own_unit(parse_cgroup(path_of(['system.slice', 'docker-%s.scope' % ID] + inner))) == 'docker-%s.scope' % ID


@given(BEFORE, st.sampled_from(CONTAINERS[:4]), st.lists(st.sampled_from(['system.slice', 'mysql.service', 'a'])))
def test_no_unit_of_the_host_is_that_of_a_container_below_it(before, container, inner):
    found = parse_cgroup(path_of(before + [container] + inner))
    assert len(found['containers']) == 1
    assert own_unit(found) in (None, container)
    assert found['unit'] in [None, container, 'system.slice', 'mysql.service']
