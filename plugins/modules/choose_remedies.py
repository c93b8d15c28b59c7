#!/usr/bin/python

# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: choose_remedies
short_description: Choose which remedies a playbook applies to a host
description:
  - Chooses the remedies that an incident of the host calls for, and those that the user asked for outright.
  - On a host to which nothing happened no remedy is chosen but those, unless C(rescue_by_rule) is V(true).
  - A remedy is asked for if one of the variables that say what is wanted is set in the inventory, in C(group_vars) or
    C(host_vars), by the play, by C(set_fact), or as an extra variable. These are C(swap_state), C(swap_path),
    C(swap_size), C(swap_active), C(swap_priority), C(swap_expected_peak), C(swap_files), C(swappiness_state),
    C(swappiness_value), C(oom_protect_state), C(oom_protect_process), C(oom_protect_unit), C(oom_protect_container),
    C(oom_protect_pid_file) and C(oom_protect_value). The other variables of the roles say how, and ask for nothing by
    themselves.
  - What was asked for before is kept on the host, and asked for again by a run that does not set it otherwise.
    C(swap_size=auto) asks anew. A role that is included by name follows its variables alone.
  - With C(--tags) or C(--skip-tags) that name C(swap), C(swappiness) or C(oom_protect), only the remedies that are
    meant are chosen.
  - The defaults of a role and the facts of a host ask for nothing, and the facts of a host do not set
    C(rescue_by_rule).
version_added: 0.1.0
author:
  - OOM Rescue maintainers (@oom-rescue)
extends_documentation_fragment: oom.rescue._attributes.action
options:
  diagnosis:
    description: >-
      What the role P(oom.rescue.diagnose#role) leaves in C(diagnose_result). If it is empty, only what was asked for is
      chosen.
    type: dict
    required: true
  facts:
    description:
      - The facts of M(oom.rescue.memory_facts). What they say was set on the host before is kept.
    type: dict
    default: {}
  changes:
    description:
      - Whether hosts are changed after this, and a report is written. If the role P(oom.rescue.report#role) could not
        write where its variables say, the task fails then.
    type: bool
    default: false
seealso:
  - module: oom.rescue.ask_remedies
  - module: oom.rescue.judge_remedies
"""

EXAMPLES = r"""
- name: Choose what is applied
  oom.rescue.choose_remedies:
    diagnosis: "{{ diagnose_result }}"
    facts: "{{ ansible_facts['memory'] }}"
  register: rescue_chosen

- name: Make swap
  ansible.builtin.import_role:
    name: oom.rescue.swap
  when: rescue_chosen.remedies.swap.applied
"""

RETURN = r"""
by_rule:
  description: Whether the rule is followed on a host to which nothing happened.
  type: bool
  returned: success
happened:
  description: Whether the host ran out of memory, as far as its logs tell.
  type: bool
  returned: success
remedies:
  description: By remedy, C(swap), C(swappiness) and C(oom_protect), what was chosen.
  type: dict
  returned: success
  contains:
    applied:
      description: Whether the remedy is applied.
      type: bool
    why:
      description: >-
        V(asked), V(kept) as it was set before, V(incident) or V(rule) if it is applied, else V(healthy), as nothing
        happened here, V(advised_against), V(not_diagnosed), or V(left_out) by the tags of the run.
      type: str
    asked:
      description: The variables by which the user asked for it.
      type: list
      elements: str
    kept:
      description: The values of its role's variables that were asked for before, and are not set otherwise now.
      type: dict
only_read:
  description: Whether the tags of the run ask for the diagnosis or the report alone.
  type: bool
  returned: success
remarks:
  description: >-
    A sentence on each variable of the host that nothing here reads: one that is no more than two letters away from a
    variable of this collection, and one of another role for swap, with the variable that says the same here.
  type: list
  elements: str
  returned: success
kept:
  description: The values that are kept, of all remedies.
  type: dict
  returned: success
  sample: {swap_size: 256M}
"""
