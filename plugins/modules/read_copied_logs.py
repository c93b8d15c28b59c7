#!/usr/bin/python

# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: read_copied_logs
short_description: Read logs that were copied to the controller, each by itself
description:
  - Returns C(diagnose_result), which is what was found on the host and in logs from elsewhere.
  - Reads the logs of C(diagnose_controller_logs) by M(oom.rescue.oom_log_info), with the limits of C(diagnose_since),
    C(diagnose_until) and C(diagnose_limit). Without any it reads nothing.
  - A host's facts outrank a role's defaults and the inventory, so a host could set a variable of a task that is
    delegated to C(localhost). These are read as C(localhost) has them, and a host has no say in those. Extra variables,
    those of the play, the role and C(group_vars/all) count, and facts of C(localhost).
  - Use the role P(oom.rescue.diagnose#role). Run it with C(delegate_to) C(localhost) and without C(become).
version_added: 0.1.0
author:
  - OOM Rescue maintainers (@oom-rescue)
extends_documentation_fragment: oom.rescue._attributes.action
options:
  wanted:
    description: As M(oom.rescue.oom_log_info) takes it.
    type: dict
    default: {}
seealso:
  - module: oom.rescue.oom_log_info
"""

EXAMPLES = r"""
- name: Read the logs that were copied from elsewhere
  oom.rescue.read_copied_logs:
  delegate_to: localhost
  become: false
"""

RETURN = r"""
elsewhere:
  description: What each log holds, as M(oom.rescue.oom_log_info) returns it. Empty if no log is named.
  type: list
  elements: dict
  returned: success
verdict:
  description: What the role read of the host before, as M(oom.rescue.oom_log_info) returns it, like each key beside
    RV(elsewhere).
  type: dict
  returned: success
"""
