#!/usr/bin/python
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: rescue_info
short_description: Diagnose a host, and say what each remedy that follows would change, in one run
description:
  - Does what M(oom.rescue.oom_log_info) does with the memory facts, chooses remedies by the diagnosis as
    M(oom.rescue.choose_remedies) does, and asks those as M(oom.rescue.ask_remedies) does, in one process.
  - The playbooks run it in place of M(oom.rescue.oom_log_info) where they ask the remedies next.
version_added: 0.1.0
author:
  - OOM Rescue maintainers (@oom-rescue)
options:
  diagnosis:
    description: The options of M(oom.rescue.oom_log_info). C(with_facts) is always true.
    type: dict
    default: {}
  remedies:
    description: The options of each remedy as M(oom.rescue.ask_remedies) takes them, for a host where nothing was asked
      for before. What a host keeps of an earlier run is put in.
    type: dict
    default: {}
    suboptions:
      swap:
        description: The options of M(oom.rescue.swap_file).
        type: dict
      swappiness:
        description: The options of M(oom.rescue.swappiness).
        type: dict
      oom_protect:
        description: The options of M(oom.rescue.oom_score_adj).
        type: dict
  by_rule:
    description: Whether a host to which nothing happened gets what the rule advises.
    type: bool
    default: false
  asked:
    description: By the name of each remedy, the variables of its role that the user set.
    type: dict
    default: {}
  left_out:
    description: Remedies that are not meant.
    type: list
    elements: str
    choices: [swap, swappiness, oom_protect]
    default: []
extends_documentation_fragment: [oom.rescue._attributes, oom.rescue._attributes.reads, oom.rescue._attributes.room]
seealso:
  - module: oom.rescue.ask_remedies
  - module: oom.rescue.choose_remedies
  - module: oom.rescue.oom_log_info
"""

EXAMPLES = r"""
- name: Diagnose, and ask for what would be done by the rule
  oom.rescue.rescue_info:
    by_rule: true
    remedies:
      swap:
        size: auto
      swappiness:
        value: 10
  register: rescue

- name: Tell what there is to do
  ansible.builtin.debug:
    msg: "{{ rescue.asked.swap.actions | map(attribute='detail') | list }}"
"""

RETURN = r"""
asked:
  description: What M(oom.rescue.ask_remedies) returns of the remedies that were chosen. Null if one of them refuses, or
    if there is no room for it in O(most_bytes); then they have to be asked by themselves.
  returned: success
  type: dict
  contains:
    options:
      description: By the name of each remedy that was chosen, the options that it was asked with.
      type: dict
    swap:
      description: What M(oom.rescue.swap_file) returns in check mode, null if it was not chosen.
      type: dict
    swappiness:
      description: What M(oom.rescue.swappiness) returns in check mode, null if it was not chosen.
      type: dict
    oom_protect:
      description: What M(oom.rescue.oom_score_adj) returns in check mode, null if it was not chosen.
      type: dict
    warnings:
      description: What they warn of.
      type: list
      elements: str
diagnosis:
  description: What M(oom.rescue.oom_log_info) returns of a host with the facts.
  returned: success
  type: dict
ansible_facts:
  description: The memory facts.
  returned: success
  type: dict
  contains:
    memory:
      description: As M(oom.rescue.memory_facts) returns them.
      type: dict
left_out:
  description: By the name of each table how many rows it lacks, as O(most_bytes) says; C(texts) is the length of texts.
  type: dict
  returned: if something was left out
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.oom.rescue.plugins.module_utils._node.module import run
from ansible_collections.oom.rescue.plugins.module_utils._verdict.ask_chosen import rescue_info


def main():
    module = AnsibleModule(
        argument_spec={
            'diagnosis': {'type': 'dict', 'default': {}},
            'remedies': {'type': 'dict', 'default': {}, 'options': {
                'swap': {'type': 'dict'},
                'swappiness': {'type': 'dict'},
                'oom_protect': {'type': 'dict'},
            }},
            'by_rule': {'type': 'bool', 'default': False},
            'asked': {'type': 'dict', 'default': {}},
            'left_out': {'type': 'list', 'elements': 'str', 'default': [],
                         'choices': ['swap', 'swappiness', 'oom_protect']},
            'most_bytes': {'type': 'int', 'default': 0},
        },
        supports_check_mode=True,
    )
    run(module, lambda host, options, _check_mode: rescue_info(host, options, ArgumentSpecValidator))


if __name__ == '__main__':
    main()
