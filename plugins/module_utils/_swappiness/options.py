# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the module swappiness, as Ansible takes them, and what goes with what."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .._forbids.overrides import IDS

OPTIONS = {
    'value': {'type': 'int'},
    'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
    'conflicts': {'type': 'str', 'choices': ['fail', 'override', 'report'], 'default': 'fail'},
    'allow_zero': {'type': 'bool', 'default': False},
    'cgroups': {'type': 'str', 'choices': ['report', 'set'], 'default': 'report'},
    'override': {'type': 'list', 'elements': 'str', 'choices': list(IDS), 'default': []},
}
RULES = {'required_if': [('state', 'present', ['value'])]}
