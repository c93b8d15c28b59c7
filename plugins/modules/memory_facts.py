#!/usr/bin/python

# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: memory_facts
short_description: Read what decides whether a host runs out of memory, and who is killed then
description:
  - Reads RAM, swap, overcommit, pressure, the cgroup that limits this host, where C(vm.swappiness) comes from, and the
    processes that the kernel would choose from if it had to kill now.
  - Changes nothing. Every size is in bytes. What this kernel or user cannot see is V(null), never 0.
  - Run it with C(become), else the mappings of other users' processes and C(swapon) are judged for that user.
version_added: 0.1.0
author:
  - OOM Rescue maintainers (@oom-rescue)
attributes:
  check_mode:
    description: Can run in check mode.
    support: full
  diff_mode:
    description: Changes nothing, so there is nothing to show.
    support: N/A
  facts:
    description: Returns facts.
    support: full
options:
  candidates:
    description: How many of the processes to return that the kernel would choose from, best victim first; V(0) is all.
    type: int
    default: 0
seealso:
  - module: oom.rescue.swappiness
  - module: oom.rescue.swap_file
  - module: oom.rescue.oom_score_adj
"""

EXAMPLES = r"""
- name: Read the facts
  oom.rescue.memory_facts:

- name: Say who would be killed first
  ansible.builtin.debug:
    msg: "{{ ansible_facts.memory.oom.candidates | map(attribute='name') | first }}"
"""

RETURN = r"""
ansible_facts:
  description: The facts.
  type: dict
  returned: success
  contains:
    memory:
      description: All of them.
      type: dict
      returned: success
      contains:
        ram:
          description:
            - Of C(/proc/meminfo), RV(ignore:total_bytes), RV(ignore:available_bytes), RV(ignore:free_bytes) and more.
          type: dict
          returned: success
        swap:
          description: All swap together, each area with what turns it on at boot (C(persisted_by)), and zswap.
          type: dict
          returned: success
        commit:
          description:
            - Overcommit. C(headroom_bytes) is V(null) unless the mode is 2, the only one that holds to the limit.
            - C(fork_risk) says whether overcommit would refuse a fork of the largest process, and by which rule.
          type: dict
          returned: success
        vm:
          description: Settings of C(/proc/sys/vm) by their kernel names.
          type: dict
          returned: success
        swappiness:
          description: Where C(vm.swappiness) comes from.
          type: dict
          returned: success
          contains:
            runtime:
              description: The running value.
              type: int
              returned: success
            after_reboot:
              description: The value that the next boot leads to; V(null) where that is unknown.
              type: int
              returned: success
            after_sysctl_system:
              description: The C(value), C(source) and C(line) that C(sysctl --system) would set; V(null) for none.
              type: dict
              returned: success
            declared:
              description:
                - Every declaration with C(source), C(line), C(value), C(by) (who applies it at boot; empty for one that
                  is not applied) and C(wins).
                - Those that are not applied come first, the others in the order in which they are applied.
              type: list
              elements: dict
              returned: success
            tuned:
              description: What C(tuned)'s active profile says; V(null) where it is not installed.
              type: dict
              returned: success
            cgroups:
              description: Cgroups of version 1 with a value (C(path), C(value)) other than the running one.
              type: list
              elements: dict
              returned: success
            cgroups_count:
              description: Whether this kernel looks at such a value when the whole host is short of memory.
              type: bool
              returned: success
            holds:
              description: Whether the running value is what a reboot leads to and what cgroups have.
              type: bool
              returned: success
        pressure:
          description: Pressure stall information in percent; V(null) where the kernel has none.
          type: dict
          returned: success
        cgroup:
          description: The cgroup that limits this process; C(version) is V(1), V(2) or V(hybrid).
          type: dict
          returned: success
        oom:
          description: Kills since boot, user-space OOM killers, and the candidates.
          type: dict
          returned: success
        host:
          description: Whether this is a container, whether it may turn swap on, its kernel and page size.
          type: dict
          returned: success
      sample:
        ram: {total_bytes: 1039249408, available_bytes: 62156800}
        swap: {total_bytes: 0, free_bytes: 0, used_bytes: 0, areas: []}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.oom.rescue.plugins.module_utils._host import Host
from ansible_collections.oom.rescue.plugins.module_utils._memory_facts import memory_facts


def main():
    module = AnsibleModule(
        argument_spec=dict(candidates=dict(type='int', default=0)),
        supports_check_mode=True,
    )
    if module.params['candidates'] < 0:
        module.fail_json(msg='candidates is %d: give 0 for all, or how many' % module.params['candidates'])
    try:
        facts = memory_facts(Host(), module.params['candidates'])
    except (IOError, OSError) as error:
        module.fail_json(msg='%s: %s' % (error.filename or 'memory facts', error.strerror))
    module.exit_json(changed=False, ansible_facts={'memory': facts})


if __name__ == '__main__':
    main()
