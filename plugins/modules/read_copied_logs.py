#!/usr/bin/python

# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: read_copied_logs
short_description: Read a host, and logs that were copied to the controller, each by itself
description:
  - Returns C(diagnose_result), which is what was found on the host and in logs from elsewhere.
  - Reads the host by M(oom.rescue.oom_log_info) if it is given O(host), and on the controller the logs of
    C(diagnose_controller_logs), with the limits of C(diagnose_since), C(diagnose_until) and C(diagnose_limit). Without
    any it reads none.
  - A host's facts outrank a role's defaults and the inventory, so a host could set a variable that says what is read on
    the controller. These are read as C(localhost) has them, and a host has no say in those. Extra variables, those of
    the play, the role and C(group_vars/all) count, and facts of C(localhost).
  - Use the role P(oom.rescue.diagnose#role).
version_added: 0.1.0
author:
  - OOM Rescue maintainers (@oom-rescue)
extends_documentation_fragment: oom.rescue._attributes.action
options:
  wanted:
    description: As M(oom.rescue.oom_log_info) takes it.
    type: dict
    default: {}
  host:
    description:
      - The options of M(oom.rescue.oom_log_info) by which the host is read, but for O(wanted).
      - Without it no host is read.
    type: dict
seealso:
  - module: oom.rescue.oom_log_info
"""

EXAMPLES = r"""
- name: Read the logs that were copied from elsewhere
  oom.rescue.read_copied_logs:

- name: Read the host too
  oom.rescue.read_copied_logs:
    host: {limit: 20}
  become: true
"""

RETURN = r"""
elsewhere:
  description: What each log holds, as M(oom.rescue.oom_log_info) returns it. Empty if no log is named.
  type: list
  elements: dict
  returned: success
verdict:
  description: What was read of the host, as M(oom.rescue.oom_log_info) returns it, like each key beside
    RV(elsewhere).
  type: dict
  returned: success
"""
