#!/usr/bin/python
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: swap_file
short_description: Make, resize, activate, persist or remove a swap file
version_added: 0.1.0
description:
  - Brings a swap file's four layers, each read and repaired by itself, to what is asked - the file with its size, mode,
    owner and blocks, its signature, its activation, and its line in C(/etc/fstab).
  - Never takes away swap that is in use unless RAM and other swap can take back what is swapped out. A resize adds a
    second area for the time being where the disk has room for it, and refuses where neither is safe.
  - Makes the file with mode C(0600) under another name, and gives it its own when it is complete.
author:
  - OOM Rescue maintainers (@oom-rescue)
options:
  path:
    description:
      - The swap file. Its directory must exist, and be one that only root can write to, with all above it.
      - A symbolic link, a file with more than one hard link, a directory, a device, and a file with content that is not
        swap are refused.
    type: path
    default: /swapfile
  size:
    description:
      - A size in bytes or with a unit (V(2147483648), V(512M), V(2G)), a multiple of the RAM (V(2xram), rounded up to
        whole 512 MiB), or V(auto).
      - V(auto) follows Red Hat's table of recommended swap by RAM, without hibernation, raised by O(demand) and
        O(expected_peak), lowered by what the disk can spare. Swap that is active elsewhere counts. A file that is large
        enough keeps its size.
    type: str
    default: auto
  state:
    description:
      - V(present) makes and repairs the swap file.
      - V(absent) switches it off, removes its line in C(/etc/fstab) and the file.
      - V(restored) brings back what was there before this module's first change - a file that it made is removed, one
        that was there gets its size, mode, priority and C(/etc/fstab) line back.
    type: str
    choices: [present, absent, restored]
    default: present
  recorded:
    description:
      - With O(state=restored), bring back every swap file that a record on the host names, whatever O(path) says.
    type: bool
    default: false
  active:
    description:
      - Whether the file is to be in use now.
    type: bool
    default: true
  files:
    description:
      - Several swap files, each with its O(files[].path), in place of the one at O(path). What one of them leaves out
        is as the option beside it says.
      - All are looked at before the first of them is changed. C(auto) is what the other files leave of the size.
    type: list
    elements: dict
    suboptions:
      path: {description: The swap file., type: path, required: true}
      size: {description: "Its size, as in O(size).", type: str}
      active: {description: Whether it is to be in use now., type: bool}
      priority: {description: "Its priority, as in O(priority).", type: int}
      discard: {description: Its discard policy., type: str, choices: [none, all, once, pages]}
      expected_peak: {description: "As in O(expected_peak).", type: str}
  priority:
    description:
      - The area's priority, 0 to 32767. Without it, the one in C(/etc/fstab) or the kernel's own choice stays.
    type: int
  discard:
    description:
      - The discard policy of the area (C(swapon(8\))). V(all) is both, V(once) the whole area at activation, V(pages)
        freed pages.
      - Without it, what C(/etc/fstab) says stays. The kernel does not tell the policy of an active area, so a change
        takes effect with the next activation.
    type: str
    choices: [none, all, once, pages]
  persist:
    description:
      - What activates the file after a reboot.
      - V(fstab) is a line in C(/etc/fstab). One that is there keeps its place and its other fields. A C(.swap) unit of
        others that activates the file at boot serves as well, and then no line is added.
      - V(systemd) is a C(.swap) unit in C(/etc/systemd/system), and no line. It needs systemd as the host's init.
      - V(auto) is V(systemd) where systemd turns a swap partition on by itself, which it no longer does once
        C(/etc/fstab) has any swap (see C(systemd-gpt-auto-generator\(8\))), and V(fstab) elsewhere. A unit that an
        earlier run made stays.
      - V(none) removes what was made for this, and is refused where a unit of others is there.
    type: str
    choices: [auto, fstab, systemd, none]
    default: auto
  allocate:
    description:
      - How the file gets its blocks. V(auto) reserves them with fallocate(2) where filesystem and kernel take that for
        swap, and writes zeros otherwise, past the page cache and in the idle I/O class.
    type: str
    choices: [auto, fallocate, write]
    default: auto
  reserve:
    description:
      - Disk space to leave free, besides what the filesystem keeps for root.
    type: str
    default: 512M
  demand:
    description:
      - Swap that OOM reports ask for, a size. Raises V(auto).
    type: str
  expected_peak:
    description:
      - The memory, RAM and swap together, that the work on this host is expected to need at its peak, a size. Raises
        V(auto).
    type: str
  conflicts:
    description:
      - What to do with a file that another program manages, such as dphys-swapfile, swapspace or cloud-init. With
        O(state=absent) a C(.swap) unit counts as one.
      - V(report) leaves it alone and says so in RV(skipped_reason). V(override) goes on.
    type: str
    choices: [report, override]
    default: report
  override:
    description:
      - Refusals to lift, by the id that RV(skipped_reason) names. What forbids swap on a host is in
        C(memory.forbidden.swap) of M(oom.rescue.memory_facts).
    type: list
    elements: str
    choices: [
      kubelet, k3s, rke2, microk8s, waagent, rpi-swap, dphys-swapfile, swapspace, systemd-swap, cloud-init,
      zram-generator, hibernation, btrfs-snapshots, gpt-auto, memory-lock, masked, container, stronger-score]
    default: []
extends_documentation_fragment: oom.rescue._attributes
attributes:
  check_mode:
    support: full
    description: Computes the same plan as a real run and returns it, without changing anything.
  diff_mode:
    support: full
    description: The difference is the plan.
notes:
  - Where blocks are written, which takes long, the progress is shown every ten seconds as the playbook runs, and logged
    every five to the managed node's system log.
  - Needs root, so C(become).
seealso:
  - module: oom.rescue.memory_facts
  - module: oom.rescue.swappiness
"""

EXAMPLES = r"""
- name: As much swap as the host should have
  oom.rescue.swap_file:

- name: 4 GiB on the data disk, used before other swap
  oom.rescue.swap_file:
    path: /data/swapfile
    size: 4G
    priority: 10

- name: Two swap files
  oom.rescue.swap_file:
    files:
      - path: /swapfile
        size: 2G
      - path: /data/swapfile
        size: 4G
        priority: 10

- name: Take it away again
  oom.rescue.swap_file:
    path: /data/swapfile
    state: absent
"""

RETURN = r"""
path:
  description: The swap file, of several the last.
  returned: always
  type: str
  sample: /swapfile
size_bytes:
  description: The file's size now, or as it would be in check mode. Null where there is no file.
  returned: always
  type: int
  sample: 2147483648
before:
  description: The four layers as they were, each null where it is not there.
  returned: always
  type: dict
  contains: &layers
    file:
      description: The file itself.
      type: dict
      contains:
        kind: {description: "V(file), or what else is there.", type: str}
        size_bytes: {description: Its size., type: int}
        allocated_bytes: {description: What it has on the disk., type: int}
        hole_bytes: {description: What of its size is holes., type: int}
        mode: {description: "Its mode, in octal.", type: str}
        uid: {description: Its owner., type: int}
        gid: {description: Its group., type: int}
        links: {description: How many names it has., type: int}
    signature:
      description: What mkswap(8\) writes.
      type: dict
      contains:
        version: {description: Its version., type: int}
        size_bytes: {description: The size that it tells., type: int}
        page_size_bytes: {description: The page size that it was made for., type: int}
    activation:
      description: The area as the kernel uses it.
      type: dict
      contains:
        size_bytes: {description: What the kernel uses., type: int}
        used_bytes: {description: "What is swapped out to it; null where it would be made.", type: int}
        priority: {description: "Its priority; null where the kernel would choose.", type: int}
    persistence:
      description: What activates it at boot.
      type: dict
      contains:
        by: {description: V(fstab) or V(systemd)., type: str}
        lines: {description: "The lines of C(/etc/fstab), or the unit.", type: list, elements: str}
  sample:
    file: null
    signature: null
    activation: null
    persistence: null
after:
  description: The four layers as they are now, read back, or as they would be in check mode.
  returned: always
  type: dict
  contains: *layers
  sample:
    file:
      kind: file
      size_bytes: 2147483648
      allocated_bytes: 2147487744
      hole_bytes: 0
      mode: '0600'
      uid: 0
      gid: 0
      links: 1
    signature: {version: 1, size_bytes: 2147483648, page_size_bytes: 4096}
    activation: {size_bytes: 2147479552, used_bytes: 0, priority: -2}
    persistence: {by: fstab, lines: ['/swapfile none swap sw,nofail 0 0']}
actions:
  description: What was done, or would be, in order. The layer says what had drifted.
  returned: always
  type: list
  elements: dict
  contains: &steps
    layer:
      description: C(file), C(signature), C(activation) or C(persistence).
      type: str
    action:
      description: What was done to it.
      type: str
    detail:
      description: One line for a person.
      type: str
    path:
      description: The file, where it is one.
      type: str
    unit:
      description: The unit, where it is one.
      type: str
size:
  description: How V(auto) came to its size, each number and why it won. Null with an explicit size.
  returned: always
  type: dict
  contains: &sizing
    size_bytes:
      description: The size that this file should have, 0 where none is needed or possible.
      type: int
    total_bytes:
      description: All the swap that the host should have.
      type: int
    rule:
      description: The row of Red Hat's table.
      type: str
    decided_by:
      description: C(table), C(demand), C(expected_peak), C(other_swap) or C(disk).
      type: str
    table_bytes:
      description: What the table says.
      type: int
    demand_bytes:
      description: What the OOM reports ask for.
      type: int
    expected_peak_bytes:
      description: The expected peak.
      type: int
    disk_available_bytes:
      description: What the disk can spare.
      type: int
    other_swap_bytes:
      description: The swap of other areas.
      type: int
    reasons:
      description: One line for each number.
      type: list
      elements: str
    shortfall_bytes:
      description: How much less it is than wanted, as the disk has no room.
      type: int
at_boot:
  description: What the next boot does with the file as it is now; in check mode, as it is before the changes.
  returned: always
  type: dict
  contains: &boot
    kept: {description: "Whether it is on then; null if that cannot be known.", type: bool}
    why: {description: "Why it is not, or why that cannot be known, with the change to make.", type: str}
    would_tell: {description: A command that would tell., type: str}
    by: {description: "What turns it on, as C(persisted_by) of M(oom.rescue.memory_facts) has it.", type: str}
  sample: {kept: true, why: null, would_tell: null, by: fstab}
persist:
  description: >-
    What O(persist) asks for, V(fstab) or V(systemd) in place of V(auto); null where nothing was asked, as with no
    record to go back to.
  returned: always
  type: str
  sample: fstab
recorded:
  description: Whether there was a record of this file before the run, as an earlier one made or changed it.
  returned: always
  type: bool
files:
  description: A row for each swap file, with what is said above of one.
  returned: always
  type: list
  elements: dict
  contains:
    path: {description: The swap file., type: str}
    size_bytes: {description: Its size., type: int}
    before: {description: Its four layers as they were., type: dict, contains: *layers}
    after: {description: Its four layers as they are now., type: dict, contains: *layers}
    size: {description: How V(auto) came to its size., type: dict, contains: *sizing}
    at_boot: {description: What the next boot does with it., type: dict, contains: *boot}
    persist: {description: What keeps it over a reboot., type: str}
    recorded: {description: Whether there was a record of it before the run., type: bool}
    skipped_reason: {description: "Why this host cannot have it, or null.", type: str}
    notes: {description: What swap costs on its disk., type: list, elements: str}
    actions: {description: What was done to it., type: list, elements: dict, contains: *steps}
    changed: {description: Whether it was changed., type: bool}
skipped_reason:
  description: Why this host cannot have the swap file, null where it can.
  returned: always
  type: str
notes:
  description: >-
    What swap costs on the disk that the file is on, of the last file: SD cards and eMMC wear, volumes of Amazon EBS
    have metered I/O. No reason not to make it.
  returned: always
  type: list
  elements: str
  sample: []
managers:
  description: Other programs that manage swap on this host.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: >-
        C(zram-generator), C(zram-tools), C(zram-config), C(dphys-swapfile), C(swapspace), C(systemd-swap), C(waagent),
        C(rpi-swap), C(cloud-init), or C(systemd) for a C(.swap) unit.
      type: str
    config:
      description: The file that shows it.
      type: str
    path:
      description: >-
        The swap file that it makes or activates, or with a C(/) at its end the directory of all that it makes; null
        where it makes none.
      type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.oom.rescue.plugins.module_utils._node.module import run
from ansible_collections.oom.rescue.plugins.module_utils._swap.apply import swap_file
from ansible_collections.oom.rescue.plugins.module_utils._swap.options import OPTIONS


def main():
    module = AnsibleModule(
        argument_spec=OPTIONS,
        supports_check_mode=True,
    )
    # exit_json() would put the file's own size in the place of the result's.
    module.add_path_info = lambda result: result
    run(module, lambda host, options, check_mode: swap_file(host, options, check_mode, module.log),
        only_root='change swap')


if __name__ == '__main__':
    main()
