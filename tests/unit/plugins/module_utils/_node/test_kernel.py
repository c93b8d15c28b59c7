# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._node.kernel import kernel_version


@pytest.mark.parametrize('release, version', [
    pytest.param('3.10.0-957.27.2.el7.x86_64', (3, 10, 0), id='distribution suffix'),
    pytest.param('4.19', (4, 19, 0), id='two parts'),
    pytest.param('6.12.0-rc1+', (6, 12, 0), id='release candidate'),
    pytest.param('', None, id='empty'),
    pytest.param(None, None, id='unknown'),
    pytest.param('el7', None, id='no number'),
])
def test_kernel_version(release, version):
    assert kernel_version(release) == version
