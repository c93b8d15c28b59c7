# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host
from ansible_collections.oom.rescue.plugins.module_utils._swap.cgroups import lacking


def v2(swap, limit, current, file=0):
    return {'cgroup.procs': '', 'memory.swap.current': swap, 'memory.max': limit, 'memory.current': current,
            'memory.stat': 'anon 5\ninactive_file %d\nactive_file 0\nfile 99999\n' % file}


def v1(both, limit, usage):
    return {'cgroup.procs': '', 'memory.memsw.usage_in_bytes': both, 'memory.limit_in_bytes': limit,
            'memory.usage_in_bytes': usage, 'memory.stat': 'cache 0\n'}


def host_with(tmpdir, base, groups):
    for group, files in groups.items():
        for name, value in files.items():
            tmpdir.join(base.strip('/'), group, name).write('%s\n' % value, ensure=True)
    return Host(root=str(tmpdir))


V2, V1 = '/sys/fs/cgroup', '/sys/fs/cgroup/memory'
TOP = {'cgroup.controllers': 'memory', 'cgroup.procs': ''}


@pytest.mark.parametrize('base, groups, expected', [
    pytest.param(V2, {'.': TOP}, {}, id='no cgroups'),
    pytest.param(V2, {'.': TOP, 'a': v2(100, 'max', 50)}, {}, id='no limit'),
    pytest.param(V2, {'.': TOP, 'a': v2(100, 300, 150)}, {}, id='room within the limit'),
    pytest.param(V2, {'.': TOP, 'a': v2(100, 200, 150)}, {'a': 50}, id='half has room'),
    pytest.param(V2, {'.': TOP, 'a': v2(100, 200, 150, file=30)}, {'a': 20}, id='page cache makes room'),
    pytest.param(V2, {'.': TOP, 'a': v2(0, 200, 200)}, {}, id='nothing swapped out'),
    pytest.param(V2, {'.': TOP, 'a': v2(100, 'max', 90), 'a/b': v2(100, 90, 90), 'c': v2(30, 10, 10)},
                 {'a/b': 100, 'c': 30}, id='below one without a limit'),
    pytest.param(V2, {'.': TOP, 'a': v2(100, 90, 90), 'a/b': v2(60, 50, 50)}, {'a': 100},
                 id='the one above lacks more'),
    pytest.param(V1, {'.': {'memory.usage_in_bytes': 5}, 'docker': v1(150, 9223372036854771712, 50),
                      'docker/x': v1(150, 60, 50)}, {'docker/x': 90}, id='version 1'),
    pytest.param(V1, {'.': {'memory.usage_in_bytes': 5}, 'x': v1(150, 8796093018112, 50)}, {},
                 id='no limit of a 32-bit kernel'),
    pytest.param(V1, {'.': {'memory.usage_in_bytes': 5}, 'x': v1('', 60, 50)}, {}, id='no swap accounting'),
    pytest.param('/elsewhere', {'.': TOP}, {}, id='no cgroup filesystem'),
])
def test_cgroups_that_could_not_take_their_pages_back(tmpdir, base, groups, expected):
    found = lacking(host_with(tmpdir, base, groups))
    assert dict((group['path'][len(base) + 1:], group['missing_bytes']) for group in found) == expected
    assert found == sorted(found, key=lambda group: -group['missing_bytes'])
