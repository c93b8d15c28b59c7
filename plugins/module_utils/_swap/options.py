# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the module swap_file, as Ansible takes them."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._forbids.overrides import IDS

OPTIONS = {
    'path': {'type': 'path', 'default': '/swapfile'},
    'size': {'type': 'str', 'default': 'auto'},
    'state': {'type': 'str', 'choices': ['present', 'absent', 'restored'], 'default': 'present'},
    'recorded': {'type': 'bool', 'default': False},
    'active': {'type': 'bool', 'default': True},
    'files': {'type': 'list', 'elements': 'dict', 'options': {
        'path': {'type': 'path', 'required': True},
        'size': {'type': 'str'},
        'active': {'type': 'bool'},
        'priority': {'type': 'int'},
        'discard': {'type': 'str', 'choices': ['none', 'all', 'once', 'pages']},
        'expected_peak': {'type': 'str'},
    }},
    'priority': {'type': 'int'},
    'discard': {'type': 'str', 'choices': ['none', 'all', 'once', 'pages']},
    'persist': {'type': 'str', 'choices': ['auto', 'fstab', 'systemd', 'none'], 'default': 'auto'},
    'allocate': {'type': 'str', 'choices': ['auto', 'fallocate', 'write'], 'default': 'auto'},
    'reserve': {'type': 'str', 'default': '512M'},
    'demand': {'type': 'str'},
    'expected_peak': {'type': 'str'},
    'conflicts': {'type': 'str', 'choices': ['report', 'override'], 'default': 'report'},
    'override': {'type': 'list', 'elements': 'str', 'choices': list(IDS), 'default': []},
}
