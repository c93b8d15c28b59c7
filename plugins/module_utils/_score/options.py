# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the module oom_score_adj, as Ansible takes them, and what goes with what."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._forbids.overrides import IDS

TARGETS = ('process', 'unit', 'container', 'pid_file')
OPTIONS = {
    'process': {'type': 'list', 'elements': 'str'},
    'unit': {'type': 'list', 'elements': 'str'},
    'container': {'type': 'list', 'elements': 'str'},
    'pid_file': {'type': 'list', 'elements': 'path'},
    'allow_missing': {'type': 'bool', 'default': True},
    'user': {'type': 'list', 'elements': 'str', 'default': []},
    'value': {'type': 'str', 'default': '-600'},
    'auto_multiple': {'type': 'float', 'default': 2.0},
    'allow_unkillable': {'type': 'bool', 'default': False},
    'persist': {'type': 'str', 'choices': ['auto', 'none'], 'default': 'auto'},
    'keep': {'type': 'bool', 'default': False},
    'restart_policy': {'type': 'str', 'choices': ['keep', 'ensure'], 'default': 'keep'},
    'killers': {'type': 'str', 'choices': ['report', 'spare'], 'default': 'report'},
    'override': {'type': 'list', 'elements': 'str', 'choices': list(IDS), 'default': []},
    'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
    'recorded': {'type': 'bool', 'default': False},
    'most_bytes': {'type': 'int', 'default': 0},
}
RULES = {'mutually_exclusive': [TARGETS], 'required_one_of': [TARGETS]}
