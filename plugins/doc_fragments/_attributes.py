# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes and options that several modules have alike."""

from __future__ import annotations


class ModuleDocFragment:

    DOCUMENTATION = r"""
options: {}
attributes:
  async:
    description: Is refused. What a node returns is checked, and Ansible fetches the result of a job past that.
    support: none
  platform:
    platforms: linux
    support: full
    description: The operating systems that the module works on.
"""

    ACTION = r"""
options: {}
attributes:
  action:
    description: Runs on the controller as an action plugin; there is no module on the node.
    support: full
  check_mode:
    description: Can run in check mode.
    support: full
  diff_mode:
    description: Shows no difference.
    support: none
"""

    READS = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode, and changes nothing without it.
    support: full
  diff_mode:
    description: Shows no difference.
    support: none
"""

    ROOM = r"""
options:
  most_bytes:
    description:
      - How large the result may be, as JSON. Of longer tables it has the first rows, and RV(left_out) says how many are
        missing of which. V(0) is all.
    type: int
    default: 0
"""
