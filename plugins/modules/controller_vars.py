#!/usr/bin/python

# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: controller_vars
short_description: Read variables as they are for localhost
description:
  - Reads variables that decide what is read or written on the controller, as the same task would have them on
    C(localhost).
  - A host's facts outrank a role's defaults and the inventory, so a host could set a variable of a task that is
    delegated to C(localhost). It has no say in those of C(localhost).
  - Extra variables, those of the play, the role and C(group_vars/all) count, and facts of C(localhost).
version_added: 0.1.0
author:
  - OOM Rescue maintainers (@oom-rescue)
extends_documentation_fragment: oom.rescue._attributes.action
options:
  names:
    description: The names of the variables.
    type: list
    elements: str
    required: true
seealso:
  - module: oom.rescue.write_report
"""

EXAMPLES = r"""
- name: Read where the report goes
  oom.rescue.controller_vars:
    names: [report_dir]
  register: mine
"""

RETURN = r"""
vars:
  description: The values by their names. A variable that is not set is left out.
  type: dict
  returned: success
  sample: {report_dir: oom-rescue-report}
working_directory:
  description: The working directory of the controller, which a path that is not absolute is below.
  type: str
  returned: success
"""
