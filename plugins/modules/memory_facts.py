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
extends_documentation_fragment: [oom.rescue._attributes, oom.rescue._attributes.room]
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
  ledger_seconds:
    description:
      - CPU seconds to spend, at most, on counting pages that several processes share once (C(/proc/PID/smaps_rollup) of
        the largest processes). What is not reached is C(approximate) in the ledger.
      - V(0) reads none of these files. They are not read either if the sizes of the processes tell that nothing is
        shared.
    type: float
    default: 0.3
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
left_out:
  description: By the name of each table how many rows it lacks, as O(most_bytes) says; C(texts) is the length of texts.
  type: dict
  returned: if something was left out
ansible_facts:
  description: The facts.
  type: dict
  returned: success
  contains:
    memory:
      description: All of them. Every key is there; what this kernel or user cannot see is V(null).
      type: dict
      returned: success
      contains:
        ram:
          description: RAM, from C(/proc/meminfo).
          type: dict
          contains:
            total_bytes: {description: MemTotal., type: int}
            available_bytes: {description: "MemAvailable, of kernels since 3.14 and EL7's.", type: int}
            free_bytes: {description: MemFree., type: int}
            buffers_bytes: {description: Buffers., type: int}
            cached_bytes: {description: "Cached, shmem included.", type: int}
            shmem_bytes: {description: Shmem., type: int}
            anonymous_bytes: {description: AnonPages., type: int}
            mlocked_bytes: {description: Mlocked., type: int}
            slab_reclaimable_bytes: {description: SReclaimable., type: int}
            slab_unreclaimable_bytes: {description: SUnreclaim., type: int}
            kernel_stack_bytes: {description: KernelStack., type: int}
            page_tables_bytes: {description: PageTables., type: int}
            hugepages_total: {description: "HugePages_Total, a count.", type: int}
            hugepages_free: {description: "HugePages_Free, a count.", type: int}
            hugepage_size_bytes: {description: Hugepagesize., type: int}
        swap:
          description: All swap areas.
          type: dict
          contains:
            total_bytes: {description: SwapTotal., type: int}
            free_bytes: {description: SwapFree., type: int}
            used_bytes: {description: The difference of these., type: int}
            cached_bytes: {description: SwapCached., type: int}
            areas:
              description: The active areas, in the order of C(/proc/swaps).
              type: list
              elements: dict
              contains:
                path: {description: The file or device., type: str}
                type: {description: "V(file), V(partition) or V(zram).", type: str}
                size_bytes: {description: What the kernel uses of it., type: int}
                used_bytes: {description: What is swapped out to it., type: int}
                priority: {description: Its priority., type: int}
                deleted: {description: Whether the file was unlinked while in use., type: bool}
                filesystem: {description: The filesystem that a file is on., type: str}
                persisted_by:
                  description: >-
                    What turns it on at boot: V(fstab), V(systemd) (a C(.swap) unit), V(generator), V(command) of
                    rc.local, of a unit and the like, or the name of another manager of swap files.
                  type: str
                after_reboot:
                  description: >-
                    Whether the next boot turns it on, as the host's init has it; null if that cannot be known, or is
                    for a container's host to say.
                  type: bool
                lost_as: {description: "Why it would not be on, or why that is not known.", type: str}
            zswap:
              description: The settings of zswap; V(null) where the kernel has none.
              type: dict
              contains:
                enabled: {description: Whether it is on., type: bool}
                compressor: {description: What compresses., type: str}
                zpool: {description: What keeps the compressed pages., type: str}
                max_pool_percent: {description: The share of RAM that it may take., type: int}
        commit:
          description: Overcommit.
          type: dict
          contains:
            mode: {description: "C(vm.overcommit_memory), V(0), V(1) or V(2).", type: int}
            ratio: {description: "C(vm.overcommit_ratio), V(null) where C(vm.overcommit_kbytes) is set.", type: int}
            limit_bytes: {description: CommitLimit., type: int}
            committed_bytes: {description: Committed_AS., type: int}
            headroom_bytes:
              description: What the limit leaves. V(null) unless the mode is 2, the only one that holds to the limit.
              type: int
            fork_risk:
              description: Whether overcommit would refuse a fork of the process with the most private data.
              type: dict
              contains:
                fails: {description: Whether it would. V(null) where that cannot be told., type: bool}
                process: {description: The C(pid) and C(name) of the process., type: dict}
                needed_bytes: {description: What the fork asks for., type: int}
                available_bytes: {description: What it is held against., type: int}
                reason: {description: The kernel's rule with these numbers., type: str}
        vm:
          description: Settings of C(/proc/sys/vm), by their kernel names with C(_) for C(-).
          type: dict
          contains:
            panic_on_oom: {description: Whether the kernel panics in place of a kill., type: int}
            oom_kill_allocating_task: {description: Whether who asks for memory is killed., type: int}
            oom_dump_tasks: {description: Whether a report has the task table., type: int}
            min_free_kbytes: {description: What the kernel keeps free., type: int}
            vfs_cache_pressure: {description: How readily dentries and inodes are reclaimed., type: int}
            overcommit_memory: {description: The mode of overcommit., type: int}
            overcommit_ratio: {description: The share of RAM that counts in mode 2., type: int}
            overcommit_kbytes: {description: The same as a size; 0 where the ratio counts., type: int}
            admin_reserve_kbytes: {description: What is kept for root., type: int}
            user_reserve_kbytes: {description: What is kept for the user in mode 2., type: int}
            watermark_scale_factor: {description: The distance of the watermarks., type: int}
            page_cluster: {description: The pages that are read from swap at once as a power of 2., type: int}
        swappiness:
          description: Where C(vm.swappiness) comes from.
          type: dict
          contains:
            runtime:
              description: The running value.
              type: int
            after_reboot:
              description: The value that the next boot leads to; V(null) where that is unknown.
              type: int
            decided_by: {description: "What decides the value after a reboot, or why it is not known.", type: str}
            after_sysctl_system:
              description: What C(sysctl --system) would set; V(null) for nothing.
              type: dict
              contains:
                value: {description: The value., type: int}
                source: {description: The file that has it., type: str}
                line: {description: Its line., type: int}
            declared:
              description: >-
                Every declaration. Those that are not applied come first, the others in the order in which they are
                applied.
              type: list
              elements: dict
              contains:
                source: {description: The file or what else declares it., type: str}
                line: {description: Its line., type: int}
                value: {description: The value., type: int}
                by:
                  description: Who applies it at boot; empty for one that is not applied.
                  type: list
                  elements: str
                wins: {description: Whether the next boot leads to it., type: bool}
            tuned:
              description: What C(tuned)'s active profile says; V(null) where it is not installed.
              type: dict
              contains:
                profile: {description: The active profile., type: str}
                value: {description: The value that it sets., type: int}
                source: {description: The file that has it., type: str}
                reapply_sysctl: {description: Whether it lets the files of C(sysctl.d) win., type: bool}
                enabled: {description: Whether it starts at boot., type: bool}
                running: {description: Whether it runs., type: bool}
            cgroups:
              description: Cgroups of version 1 with a value other than the running one.
              type: list
              elements: dict
              contains:
                path: {description: The cgroup., type: str}
                value: {description: Its value., type: int}
            cgroups_count:
              description: Whether this kernel looks at such a value when the whole host is short of memory.
              type: bool
            holds:
              description: Whether the running value is what a reboot leads to and what cgroups have.
              type: bool
        pressure:
          description: Pressure stall information of memory; V(null) where the kernel has none.
          type: dict
          contains:
            some_avg10: {description: Percent of the last 10 seconds in which a task waited for memory., type: float}
            some_avg60: {description: Percent of the last 60 seconds in which a task waited for memory., type: float}
            some_avg300: {description: Percent of the last 300 seconds in which a task waited for memory., type: float}
            full_avg10: {description: Percent of the last 10 seconds in which all tasks waited for memory., type: float}
            full_avg60: {description: Percent of the last 60 seconds in which all tasks waited for memory., type: float}
            full_avg300: {description: The same of the last 300 seconds., type: float}
            some_total_seconds: {description: For how long a task waited since boot., type: float}
            full_total_seconds: {description: For how long all tasks did., type: float}
        cgroup:
          description: What limits this process, the least of its cgroup's limits and those above it.
          type: dict
          contains:
            version: {description: "V(1), V(2), or V(hybrid) where both are mounted.", type: raw}
            path: {description: "The cgroup with the memory limit, or the process's own where none has one.", type: str}
            limit_bytes: {description: The limit of memory. V(null) is none., type: int}
            swap_limit_bytes: {description: The limit of swap. V(null) is none., type: int}
            usage_bytes: {description: What the cgroup uses., type: int}
            oom_kills: {description: Kills in the cgroup., type: int}
        oom:
          description: The OOM killer.
          type: dict
          contains:
            kills_since_boot: {description: "C(oom_kill) of C(/proc/vmstat), since kernel 4.13.", type: int}
            user_space_killers:
              description: Those of earlyoom, nohang and systemd-oomd that are installed.
              type: list
              elements: dict
              contains:
                name: {description: Its name., type: str}
                active: {description: Whether it runs., type: bool}
                spares: {description: "What it spares, in its own words.", type: list, elements: str}
                watches:
                  description: The units that systemd-oomd may kill in, none if it only runs; V(null) for the others.
                  type: list
                  elements: str
            candidates:
              description: The processes that the kernel would choose from now, best victim first.
              type: list
              elements: dict
              contains:
                pid: {description: Its pid., type: int}
                name: {description: Its name., type: str}
                uid: {description: Its real user id., type: int}
                score: {description: C(/proc/PID/oom_score)., type: int}
                oom_score_adj: {description: C(/proc/PID/oom_score_adj)., type: int}
                rss_bytes: {description: What it has in RAM., type: int}
                swap_bytes: {description: What of it is swapped out., type: int}
                limit_bytes:
                  description: What its control groups let it have of RAM and swap. Null if they do not limit it.
                  type: int
                manager:
                  description: Who starts it.
                  type: dict
                  contains:
                    kind:
                      description: >-
                        V(systemd), V(docker), V(podman), V(kubernetes), V(supervisord), V(sysv), V(runit),
                        V(daemontools), V(s6) or V(none).
                      type: str
                    name: {description: "The unit, container, service or script.", type: str}
                    unit: {description: The systemd unit that it is in., type: str}
                    user: {description: The uid where that is of a user's own systemd., type: int}
                    container_id: {description: "The container's id, where it is in one.", type: str}
                    directory: {description: "The directory of a service of runit, daemontools or s6.", type: str}
        ledger: &ledger
          description:
            - Where the memory is, in parts that add up to the total. V(null) without C(MemTotal).
            - A part is anonymous memory (V(process), V(processes)), shared memory, or a counter of the kernel's;
              nothing is in two of them.
          type: dict
          contains:
            total_bytes: {description: "MemTotal; of a cgroup what it uses.", type: int}
            parts:
              description: The parts, the largest first.
              type: list
              elements: dict
              contains:
                kind:
                  description: >-
                    V(process), V(processes) (many of one name), V(shmem), V(page_cache), V(slab_unreclaimable),
                    V(slab_reclaimable), V(page_tables), V(kernel_stacks), V(hugepages), V(locked) (page cache that
                    stays), V(sockets), V(percpu), V(vmalloc), V(zswap), V(zram), V(free) or V(other).
                  type: str
                name:
                  description: >-
                    The process, the mount, the largest caches or callers; V(null) for one without a name, and for all
                    the small processes together.
                  type: str
                bytes: {description: Its size. V(null) where this kernel or user is not told., type: int}
                share: {description: Its share of the total., type: float}
                swappable: {description: Whether the kernel may swap most of it out., type: bool}
                droppable: {description: Whether most of it can be had back without swap., type: bool}
                approximate: {description: "Whether it is an estimate, as pages are shared or counted elsewhere too.",
                              type: bool}
            unaccounted_bytes:
              description: >-
                What is in no part: the total without all of them. Negative where counters of different moments hold
                more.
              type: int
        cgroups:
          description: Each cgroup with a memory limit of its own, the one with the least room first; at most 100.
          type: list
          elements: dict
          contains:
            path: {description: The cgroup., type: str}
            limit_bytes: {description: Its limit., type: int}
            usage_bytes: {description: What it uses., type: int}
            swap_limit_bytes: {description: Its limit of swap. V(null) is none., type: int}
            swap_usage_bytes: {description: What of it is swapped out., type: int}
            processes: {description: How many processes are in it and below it., type: int}
            ledger: *ledger
        cgroups_left_out: {description: How many cgroups with a limit were left out., type: int}
        forecast:
          description: What happens if memory runs out now.
          type: dict
          contains:
            host:
              description: The next kill for want of memory of the whole host, or in the cgroup.
              type: dict
              contains:
                pid: {description: Who is killed. V(null) for nobody., type: int}
                name: {description: Its name., type: str}
                distance_bytes:
                  description: How much more memory can be had until then. V(null) if it is not told.
                  type: dict
                  contains:
                    low: {description: At least., type: int}
                    high: {description: At most., type: int}
                lead_bytes:
                  description: >-
                    How much the second victim has to grow by to be killed in its place. V(null) if there is none.
                  type: int
                fork_refused:
                  description: >-
                    Whether overcommit would refuse a fork of the process with the most private data now.
                  type: bool
                caveat: {description: What happens in its place or beside it., type: str}
            cgroups:
              description: The same of each cgroup with a limit.
              type: list
              elements: dict
              contains:
                path: {description: The cgroup., type: str}
                pid: {description: Who is killed. V(null) for nobody., type: int}
                name: {description: Its name., type: str}
                distance_bytes: {description: "The same, C(low) and C(high).", type: dict}
                lead_bytes: {description: The same., type: int}
                fork_refused: {description: The same of its largest process., type: bool}
                caveat: {description: The same., type: str}
        closed:
          description:
            - Files of C(/proc) and C(/sys) that this user may not read, with C(PID) for any process. What they would
              tell is missing or approximate.
          type: list
          elements: str
        forbidden:
          description:
            - Who on this host says no to a remedy, and where it is written. The option C(override) of the remedy's
              module lifts one by its C(id), the variable C(rescue_override) of the playbooks does in all.
          type: dict
          contains:
            swap: &forbidden
              description: What forbids to make swap.
              type: list
              elements: dict
              contains:
                id:
                  description: >-
                    V(kubelet), V(k3s), V(rke2), V(microk8s), V(waagent), V(rpi-swap), V(dphys-swapfile), V(swapspace),
                    V(systemd-swap), V(cloud-init), V(zram-generator), V(hibernation), V(btrfs-snapshots), V(gpt-auto),
                    V(memory-lock), V(masked), V(container) or V(stronger-score).
                  type: str
                where: {description: The file or value of the kernel that says so., type: str}
                text: {description: "What it says, and what lifts it.", type: str}
                at_most: {description: "The largest C(vm.swappiness) that it bears, where it is about that.", type: int}
                target: {description: "The process that a score is not for, V(null) for all.", type: str}
            swappiness: *forbidden
            score: *forbidden
        host:
          description: The host itself.
          type: dict
          contains:
            container: {description: Whether it is a container., type: bool}
            can_swapon: {description: Whether the user that the module runs as may turn swap on., type: bool}
            kernel: {description: The kernel's release., type: str}
            page_size_bytes: {description: The size of a page., type: int}
        kept:
          description: What this collection has set on the host, by remedy; null for one whose records cannot be read.
          type: dict
          contains:
            swap: &kept
              description: Swap.
              type: dict
              contains:
                set: {description: Whether a remedy is in force that a rollback would undo., type: bool}
                asked:
                  description: The variables of the role that were set when it was last run, without its defaults.
                  type: raw
            swappiness: *kept
            oom_protect: *kept
        unread:
          description:
            - Files that could not be read, and were left out of all else, each with its C(path) and the C(error). No
              file but a regular one is read, and none of more than 1 MiB.
          type: list
          elements: dict
      sample:
        ram: {total_bytes: 1039249408, available_bytes: 62156800}
        swap: {total_bytes: 0, free_bytes: 0, used_bytes: 0, areas: []}
        unread:
          - path: /etc/sysctl.d/10-x.conf
            error: "/etc/sysctl.d/10-x.conf: is a FIFO, and only a regular file is read here: whoever reads it waits, so
              remove it"
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.oom.rescue.plugins.module_utils._facts.memory_facts import memory_facts
from ansible_collections.oom.rescue.plugins.module_utils._node.module import run


def facts(host, options, _check_mode):
    """The module's result for its options. Raises RescueError, or OSError with a file's name."""
    return {'changed': False, 'ansible_facts': {'memory': memory_facts(
        host, options['candidates'], options['ledger_seconds'])}}


def main():
    spec = dict(candidates=dict(type='int', default=0), ledger_seconds=dict(type='float', default=0.3),
                most_bytes=dict(type='int', default=0))
    run(AnsibleModule(argument_spec=spec, supports_check_mode=True), facts)


if __name__ == '__main__':
    main()
