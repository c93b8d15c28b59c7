#!/usr/bin/python

# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: swappiness
short_description: Set vm.swappiness so that it holds
description:
  - Sets the running value of C(vm.swappiness), and a file of its own in C(/etc/sysctl.d) that sets it at every boot.
  - Finds every other declaration in the order in which this host applies them, C(tuned) included, and says which one
    wins. One that would win over the asked value is a conflict.
  - What was there before the first change is kept on the node in C(/var/lib/oom-rescue), so that O(state=absent) brings
    it back byte for byte.
  - The file is C(/etc/sysctl.d/99-zz-oom-rescue.conf), a name that C(systemd-sysctl) reads after C(99-sysctl.conf).
version_added: 0.1.0
author:
  - OOM Rescue maintainers (@oom-rescue)
extends_documentation_fragment: oom.rescue._attributes
attributes:
  check_mode:
    description: Can run in check mode and say what it would change.
    support: full
  diff_mode:
    description: Shows every file and kernel value that changes; of a file that others may not read, one line.
    support: full
options:
  value:
    description:
      - The value that shall hold, V(0) to V(200), or to V(100) on kernels before 5.8.
      - V(0) makes kernels since 3.5 kill before they swap anonymous memory, and is refused without O(allow_zero).
      - Required where O(state=present).
    type: int
  state:
    description:
      - V(present) sets the value; V(absent) takes the setting away and brings back what was before it.
    type: str
    choices: [present, absent]
    default: present
  conflicts:
    description:
      - What to do about another declaration that would win over O(value) after a reboot.
      - V(fail) changes nothing and names its file and line.
      - V(override) makes it lose. A line in a file of F(/etc) becomes a comment; a file of a package, in F(/usr) or
        F(/run), is hidden by a copy in F(/etc/sysctl.d) without the line; a profile of C(tuned) that is applied last,
        with C(reapply_sysctl=0), gets a child profile with the value.
      - V(report) sets the value all the same, and leaves RV(holds.after_reboot) false.
    type: str
    choices: [fail, override, report]
    default: fail
  allow_zero:
    description: Whether O(value=0) is meant.
    type: bool
    default: false
  cgroups:
    description:
      - What to do about cgroups of version 1 that have a value of their own, on kernels that look at it.
      - V(report) lists them in RV(after.cgroups).
      - V(set) gives them O(value), or, where the kernel has C(vm.force_cgroup_v2_swappiness), sets that, now and at
        every boot. The boot's part is a file in C(/etc/tmpfiles.d), as systemd makes its slices before it applies
        C(sysctl.d), and what is below a cgroup copies its value.
    type: str
    choices: [report, set]
    default: report
  override:
    description:
      - Refusals to lift, by the id that RV(skipped_reason) names, such as V(memory-lock) of a server whose
        documentation wants a smaller value.
    type: list
    elements: str
    choices: [
      kubelet, k3s, rke2, microk8s, waagent, rpi-swap, dphys-swapfile, swapspace, systemd-swap, cloud-init,
      zram-generator, hibernation, btrfs-snapshots, gpt-auto, memory-lock, masked, container, stronger-score]
    default: []
notes:
  - In a container where C(/proc/sys) is read-only nothing at all is done, and RV(skipped_reason) says so. A file would
    have no effect there either, as C(systemd-sysctl.service) does not run.
  - In a privileged container the value is that of the whole host.
seealso:
  - module: oom.rescue.memory_facts
"""

EXAMPLES = r"""
- name: Swap as little as is safe, whatever other files say
  oom.rescue.swappiness:
    value: 10
    conflicts: override

- name: Say what sets vm.swappiness to something else
  oom.rescue.swappiness:
    value: 10
    conflicts: report
  check_mode: true
  register: swappiness

- name: Bring back what was before
  oom.rescue.swappiness:
    state: absent
"""

RETURN = r"""
before:
  description: Where the value came from before.
  type: dict
  returned: success
  contains: &provenance
    runtime:
      description: The running value; V(null) where it cannot be read.
      type: int
      returned: success
    after_reboot:
      description: The value that the next boot leads to; V(null) where that is unknown.
      type: int
      returned: success
    decided_by:
      description: What decides the value after a reboot, or why it is not known.
      type: str
      returned: success
    after_sysctl_system:
      description: What C(sysctl --system) would set; V(null) for nothing.
      type: dict
      returned: success
      contains:
        value: {description: The value., type: int, returned: success}
        source: {description: The file that has it., type: str, returned: success}
        line: {description: Its line., type: int, returned: success}
    declared:
      description: Every declaration, those that are not applied first, then in the order in which they are applied.
      type: list
      elements: dict
      returned: success
      contains:
        source: {description: The file or what else declares it., type: str, returned: success}
        line: {description: Its line., type: int, returned: success}
        value: {description: The value., type: int, returned: success}
        by:
          description: Who applies it at boot; empty for one that is not applied.
          type: list
          elements: str
          returned: success
        wins: {description: Whether the next boot leads to it., type: bool, returned: success}
    tuned:
      description: What C(tuned)'s active profile says; V(null) where it is not installed.
      type: dict
      returned: success
      contains:
        profile: {description: The active profile., type: str, returned: success}
        value: {description: The value that it sets., type: int, returned: success}
        source: {description: The file that has it., type: str, returned: success}
        reapply_sysctl:
          description: Whether it lets the files of C(sysctl.d) win.
          type: bool
          returned: success
        enabled: {description: Whether it starts at boot., type: bool, returned: success}
        running: {description: Whether it runs., type: bool, returned: success}
    cgroups:
      description: Cgroups of version 1 with a value other than the running one.
      type: list
      elements: dict
      returned: success
      contains:
        path: {description: The cgroup., type: str, returned: success}
        value: {description: Its value., type: int, returned: success}
    cgroups_count:
      description: Whether this kernel looks at such a value when the whole host is short of memory.
      type: bool
      returned: success
    holds:
      description: Whether the running value is what a reboot leads to and what cgroups have.
      type: bool
      returned: success
after:
  description: The same afterwards, read back from the host; in check mode what the plan leads to.
  type: dict
  returned: success
  contains: *provenance
holds:
  description: Whether the value holds; each is V(null) where it is unknown.
  type: dict
  returned: success
  contains:
    now:
      description: Whether the kernel has it.
      type: bool
      returned: success
    after_reboot:
      description: Whether the next boot leads to it.
      type: bool
      returned: success
    in_cgroups:
      description: Whether every cgroup has it whose own value the kernel looks at.
      type: bool
      returned: success
actions:
  description: What was done, or would be, in order.
  type: list
  elements: dict
  returned: success
  contains:
    layer:
      description: V(file), V(tuned), V(runtime), V(cgroup) or V(state).
      type: str
      returned: success
    action:
      description: One word for it.
      type: str
      returned: success
    path:
      description: The file that it changes, or the kernel's in C(/proc) or C(/sys).
      type: str
      returned: when it is one
    detail:
      description: The file or key, with the value. A file that changes in several places has one action.
      type: str
      returned: success
    unit:
      description: The unit, where it is one.
      type: str
      returned: success
  sample:
    - layer: file
      action: write
      path: /etc/sysctl.d/99-zz-oom-rescue.conf
      detail: "/etc/sysctl.d/99-zz-oom-rescue.conf: vm.swappiness = 10"
    - {layer: runtime, action: set, path: /proc/sys/vm/swappiness, detail: vm.swappiness from 60 to 10}
skipped_reason:
  description: Why nothing was done on this host; V(null) where the host can.
  type: str
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.oom.rescue.plugins.module_utils._node.module import run
from ansible_collections.oom.rescue.plugins.module_utils._swappiness.apply import converge
from ansible_collections.oom.rescue.plugins.module_utils._swappiness.options import OPTIONS, RULES


def main():
    module = AnsibleModule(
        argument_spec=OPTIONS,
        supports_check_mode=True,
        **RULES
    )
    run(module, converge, only_root='set vm.swappiness')


if __name__ == '__main__':
    main()
