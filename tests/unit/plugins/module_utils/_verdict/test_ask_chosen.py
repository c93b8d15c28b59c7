# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a diagnosis asks a host is what the playbooks will ask it, with what it keeps of an earlier run."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._verdict.ask_chosen import meant

BY_DEFAULT = {'process': 'mysqld', 'allow_missing': True, 'value': -600}


@pytest.mark.parametrize('remedy, options, kept, demand, expected', [
    ('swap', {'path': '/swapfile'}, {}, None, {'path': '/swapfile'}),
    ('swap', {'path': '/swapfile'}, {'swap_path': '/a', 'swap_size': '2G'}, None, {'path': '/a', 'size': '2G'}),
    ('swap', {'path': '/swapfile'}, {'swap_files': [{'path': '/a'}]}, None,
     {'path': '/swapfile', 'files': [{'path': '/a'}]}),
    ('swap', {}, {}, 7, {'demand': 7}),
    ('swap', {'demand': 5}, {}, 7, {'demand': 5}),
    ('swap', {}, {}, 0, {}),
    ('swappiness', {'value': 10}, {'swappiness_value': 20}, 7, {'value': 20}),
    ('oom_protect', BY_DEFAULT, {}, 7, BY_DEFAULT),
    ('oom_protect', BY_DEFAULT, {'oom_protect_value': '-500'}, None, dict(BY_DEFAULT, value='-500')),
    ('oom_protect', BY_DEFAULT, {'oom_protect_process': ['php']}, None,
     {'process': ['php'], 'allow_missing': False, 'value': -600}),
    ('oom_protect', BY_DEFAULT, {'oom_protect_unit': ['nginx']}, None,
     {'unit': ['nginx'], 'allow_missing': False, 'value': -600}),
])
def test_the_options_are_those_of_the_role_and_what_the_host_keeps(remedy, options, kept, demand, expected):
    given = dict(options)
    assert meant(remedy, options, kept, demand) == expected
    assert options == given
