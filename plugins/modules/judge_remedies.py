#!/usr/bin/python

# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: judge_remedies
short_description: Fail where a remedy does not hold
description:
  - Judges by the memory facts of the host, and by what the modules of this collection would still change, as the filter
    P(oom.rescue.judge#filter) does, and fails with the claims that are false.
version_added: 0.1.0
author:
  - OOM Rescue maintainers (@oom-rescue)
extends_documentation_fragment: oom.rescue._attributes.action
options:
  swap:
    description: What M(oom.rescue.ask_remedies) returns as RV(oom.rescue.ask_remedies#module:swap).
    type: dict
  swappiness:
    description: What it returns as RV(oom.rescue.ask_remedies#module:swappiness).
    type: dict
  swappiness_value:
    description: The value that C(vm.swappiness) is meant to have. Goes with O(swappiness).
    type: int
  oom_protect:
    description: What it returns as RV(oom.rescue.ask_remedies#module:oom_protect).
    type: dict
  accept_open:
    description: Whether somebody knows of what is open. Then it is no reason for an exit status of C(./rescue).
    type: bool
    default: false
  fail:
    description: Whether to fail where a claim is false.
    type: bool
    default: true
seealso:
  - module: oom.rescue.ask_remedies
  - plugin: oom.rescue.judge
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Read the memory facts, and ask what is missing
  oom.rescue.ask_remedies:
    swap: {size: 2G}
    with_facts: true
  register: asked

- name: Fail unless the swap file is there, now and after a reboot
  oom.rescue.judge_remedies:
    swap: "{{ asked.swap }}"
"""

RETURN = r"""
holds:
  description: Whether no claim is false.
  type: bool
  returned: always
claims:
  description: One for each remedy, and for each process whose score was asked for, as the filter returns them.
  type: list
  elements: dict
  returned: always
"""
