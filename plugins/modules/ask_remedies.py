#!/usr/bin/python

# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: ask_remedies
short_description: Say what each remedy would still change on a host, in one run
description:
  - Runs the modules M(oom.rescue.swap_file), M(oom.rescue.swappiness) and M(oom.rescue.oom_score_adj) in check mode, in
    this order and in one process, and returns what each of them returns.
  - Fails with the words of the first of them that refuses its options.
version_added: 0.1.0
author:
  - OOM Rescue maintainers (@oom-rescue)
options:
  swap:
    description: The options of M(oom.rescue.swap_file). Without them it is not asked.
    type: dict
  swappiness:
    description: The options of M(oom.rescue.swappiness). Without them it is not asked.
    type: dict
  oom_protect:
    description: The options of M(oom.rescue.oom_score_adj). Without them it is not asked.
    type: dict
  with_facts:
    description: Whether to read the memory facts too, as M(oom.rescue.memory_facts) does.
    type: bool
    default: false
  candidates:
    description: Rows at most of the processes that the kernel would kill, in the memory facts. V(0) is all.
    type: int
    default: 0
extends_documentation_fragment: [oom.rescue._attributes, oom.rescue._attributes.reads, oom.rescue._attributes.room]
seealso:
  - module: oom.rescue.memory_facts
  - module: oom.rescue.oom_score_adj
  - module: oom.rescue.swap_file
  - module: oom.rescue.swappiness
"""

EXAMPLES = r"""
- name: Ask whether swap and swappiness are as meant
  oom.rescue.ask_remedies:
    swap:
      size: 2G
    swappiness:
      value: 10
  register: asked

- name: Tell what is left to do
  ansible.builtin.debug:
    msg: "{{ asked.swap.actions | map(attribute='detail') | list }}"
"""

RETURN = r"""
left_out:
  description: By the name of each table how many rows it lacks, as O(most_bytes) says; C(texts) is the length of texts.
  type: dict
  returned: if something was left out
swap:
  description: What M(oom.rescue.swap_file) returns in check mode, null if it was not asked.
  returned: success
  type: dict
swappiness:
  description: What M(oom.rescue.swappiness) returns in check mode, null if it was not asked.
  returned: success
  type: dict
oom_protect:
  description: What M(oom.rescue.oom_score_adj) returns in check mode, null if it was not asked.
  returned: success
  type: dict
remedy:
  description: The remedy that refused its options, by the name of its option here.
  returned: failure
  type: str
  sample: swap
ansible_facts:
  description: The memory facts.
  returned: if O(with_facts)
  type: dict
  contains:
    memory:
      description: As M(oom.rescue.memory_facts) returns them.
      type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.oom.rescue.plugins.module_utils._node.module import run
from ansible_collections.oom.rescue.plugins.module_utils._verdict.ask import ask, checked


def answer(host, options, _check_mode):
    """The module's result for its options. Raises Refusal, or OSError with a file's name."""
    wanted = checked(options, ArgumentSpecValidator, options['most_bytes'])
    found = ask(host, wanted, options['with_facts'], options['candidates'])
    memory = found.pop('memory')
    facts = {'ansible_facts': {'memory': memory}} if memory else {}
    return dict(found, changed=False, **facts)


def main():
    module = AnsibleModule(
        argument_spec={
            'swap': {'type': 'dict'},
            'swappiness': {'type': 'dict'},
            'oom_protect': {'type': 'dict'},
            'with_facts': {'type': 'bool', 'default': False},
            'candidates': {'type': 'int', 'default': 0},
            'most_bytes': {'type': 'int', 'default': 0},
        },
        supports_check_mode=True,
    )
    run(module, answer)


if __name__ == '__main__':
    main()
