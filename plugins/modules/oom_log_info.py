#!/usr/bin/python
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: oom_log_info
short_description: Read out of logs who ran out of memory, and whether it was that
version_added: 0.1.0
author:
  - OOM Rescue maintainers (@oom-rescue)
description:
  - Reads the reports that the Linux kernel prints when it runs out of memory, of all kernels since 2.6.18, out of log
    files, the journal and the kernel's ring buffer.
  - Tells of each who was killed, who asked for memory, how much memory and swap there was, which processes ran, and the
    cause in one sentence.
  - One kill that stands in several logs is one event.
  - Reads what else kills or refuses for memory out of the same logs and the whole journal, and what only looks like it;
    joins what belongs together to incidents, and gives one verdict.
options:
  paths:
    description:
      - Log files on the managed node, and patterns as of the shell. Rotated and compressed ones (gz, bz2, xz, zst) are
        read in the order of time.
      - Any text that holds kernel messages will do, such as the output of C(dmesg) or C(journalctl), or a report pasted
        into a page.
      - A path without wildcards must exist.
    type: list
    elements: path
    default: []
  sources:
    description:
      - Where else to look. V(files) are C(/var/log/messages*), C(/var/log/kern.log*) and C(/var/log/syslog*),
        V(journal) is systemd's,
        V(ring_buffer) is what C(dmesg) shows, V(auto) is all of these that the host has.
      - The default is V(auto) where no O(paths) are given, and nothing else than O(paths) where they are.
    type: list
    elements: str
    choices:
      - auto
      - files
      - journal
      - ring_buffer
  since:
    description:
      - Leave out what happened before this time, ISO 8601 such as V(2025-09-03T14:00:00+02:00), local where it names
        no zone.
      - Events whose time the log does not tell stay in.
    type: str
  until:
    description:
      - Leave out what happened after this time.
    type: str
  limit:
    description:
      - Return at most this many events, the newest; V(0) is all.
      - The RV(summary) counts all of them.
    type: int
    default: 100
  tasks:
    description:
      - Return at most this many rows of each task table, those with the most resident memory; V(0) is all.
    type: int
    default: 10
  fork_failures:
    description:
      - Also look in the files of O(paths) for programs that could not start another for lack of memory,
        C(Cannot allocate memory) in glibc's words and C(Out of memory) in musl's.
      - These are no kills of the kernel, and are returned apart.
    type: bool
    default: false
  separately:
    description:
      - Take each of O(paths) for a log of its own, such as those of several hosts, and return RV(logs).
      - A log that is not there, cannot be read or is empty is an entry with its error, and no failure.
      - A directory is the logs in it, three levels down and 500 at most, without links and what is no text.
    type: bool
    default: false
  with_facts:
    description:
      - The logs are those of this node, so its memory facts decide what RV(remedies) would have changed. Without it the
        logs alone do, as they may be of another host.
      - Also reads these facts as M(oom.rescue.memory_facts) does, and returns RV(advice) and RV(replays).
    type: bool
    default: false
  fork_failure_paths:
    description:
      - With O(with_facts), logs of applications to look in for forks that failed. They are not read for anything else.
    type: list
    elements: path
    default: []
  why:
    description:
      - A unit, container or process of the host, as C(unit:NAME), C(container:NAME), C(pid:NUMBER), or its name alone.
      - The RV(verdict) is then on that one alone, out of the logs, what systemd and its container engine say of how it
        ended, and the counters of its cgroup. A source that is not there is named in RV(why), and fails nothing.
      - Needs O(with_facts=true).
    type: str
  candidates:
    description:
      - With O(with_facts), rows at most of the processes that the kernel would kill, beside servers to spare. V(0) is
        all.
    type: int
    default: 0
  wanted:
    description:
      - What a run would do, so that the RV(remedies) are judged by it, by variables of the roles, such as
        C(swap_size). What is not named, or left at the role's default, is what was asked for on the host before.
    type: dict
    default: {}
    suboptions:
      swap_path: {description: The swap file., type: path}
      swap_size: {description: "Its size, V(auto), or a multiple of RAM such as V(2xram).", type: str}
      swap_expected_peak: {description: The memory that the host's work needs at its peak., type: str}
      swappiness_value: {description: The value of C(vm.swappiness)., type: str}
      oom_protect_process: {description: Servers to spare besides the databases., type: list, elements: str}
      oom_protect_value: {description: Their C(oom_score_adj)., type: str}
  directory:
    description:
      - O(paths) that are not absolute are below this directory. Without it they are below the working directory.
    type: path
extends_documentation_fragment: [oom.rescue._attributes, oom.rescue._attributes.room]
attributes:
  check_mode:
    description: Can run in check_mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in check_mode), when in diff mode.
    support: none
seealso:
  - module: oom.rescue.memory_facts
  - module: oom.rescue.oom_watch
"""

EXAMPLES = r"""
- name: Read whatever logs the host has
  oom.rescue.oom_log_info:
  register: result

- name: Say why processes were killed since yesterday
  ansible.builtin.debug:
    msg: "{{ item.time }}: {{ item.cause }}"
  loop: "{{ result.events }}"
  loop_control:
    label: "{{ item.id }}"

- name: Read logs that were copied from elsewhere, with every row of the task tables
  oom.rescue.oom_log_info:
    paths:
      - /srv/evidence/messages*
    tasks: 0

- name: Ask the kernel alone, and for one day
  oom.rescue.oom_log_info:
    sources: ring_buffer
    since: "2025-09-03"
    until: "2025-09-04"
"""

RETURN = r"""
left_out:
  description: By the name of each table how many rows it lacks, as O(most_bytes) says; C(texts) is the length of texts.
  type: dict
  returned: if something was left out
events:
  description: OOM reports, the newest first. What a report does not tell is null.
  returned: success
  type: list
  elements: dict
  contains: &events
    id:
      description: The same for one report on every reading, from whatever source.
      type: str
      sample: bd91d2ff5b14
    time:
      description: >-
        When, ISO 8601 with offset. Null if the line lacks the year or the zone and is not known to be of this host: in
        a log of this host they follow from when it ended and from the host's zone.
      type: str
      sample: "2019-10-28T11:32:28+08:00"
    time_text:
      description: When, in the log's own words.
      type: str
    order:
      description: Its place among the reports of its log, the oldest first.
      type: int
    uptime_seconds:
      description: When, in seconds since boot.
      type: float
    host:
      description: The host's name in the log.
      type: str
    boot_id:
      description: The ID of its boot as the journal writes it; V(null) where the log does not tell it.
      type: str
    kernel:
      description: The kernel's release.
      type: str
      sample: 3.10.0-957.27.2.el7.x86_64
    kind:
      description: V(kill), V(no_victim), V(panic) or V(allocation_failure).
      type: str
    scope:
      description: V(global), V(memcg), V(cpuset), V(mempolicy) or V(unknown).
      type: str
    constraint:
      description: The constraint as kernels since 5.0 print it.
      type: str
      sample: CONSTRAINT_MEMCG
    outside_cgroups:
      description: "True if a line says C(Out of memory:), which the kernel says of no memory cgroup."
      type: bool
    trigger:
      description: Who asked for memory.
      type: dict
      contains:
        name: {description: Its name., type: str}
        pid: {description: Its process ID., type: int}
        gfp_mask: {description: "What it asked for, as a hexadecimal number.", type: str, sample: "0x201da"}
        gfp_flags: {description: "The names of these flags, where the kernel prints them.", type: list, elements: str}
        order: {description: "It asked for 2 to the power of this pages. V(-1) is sysrq.", type: int}
        oom_score_adj: {description: Its C(oom_score_adj)., type: int}
        oom_adj: {description: "Its C(oom_adj), of kernels before 2.6.36.", type: int}
        manual: {description: Whether it was sysrq., type: bool}
        allocation:
          description: What failed where nothing was killed, V(page), V(vmemmap), V(vmalloc) or V(slab).
          type: str
    victims:
      description: Who was killed.
      type: list
      elements: dict
      contains:
        pid: {description: The process ID., type: int}
        name: {description: "The process's name, of 15 bytes at most.", type: str}
        uid: {description: The user ID., type: int}
        score: {description: "The badness that a kernel before 5.1 prints.", type: int}
        cgroup: {description: The path of its memory cgroup., type: str}
        container_id: {description: The innermost container or guest in that path., type: str}
        runtime:
          description: V(docker), V(podman), V(containerd), V(cri-o), V(buildkit), V(lxc), V(nspawn), V(mesos), V(nomad)
            or V(garden).
          type: str
        pod_uid: {description: The Kubernetes pod in that path., type: str}
        unit:
          description: The innermost systemd unit in that path; of a process in a container, the one in the container,
            or the one that is the container.
          type: str
        outer_container_id: {description: The outermost container or guest in that path., type: str}
        outer_unit: {description: The unit of the host's own systemd in that path., type: str}
        total_vm_bytes: {description: Its virtual memory., type: int}
        anon_rss_bytes: {description: Its anonymous memory that was resident., type: int}
        file_rss_bytes: {description: Its resident memory that files back., type: int}
        shmem_rss_bytes: {description: Its resident memory that is shared., type: int}
        pgtables_bytes: {description: Its page tables., type: int}
        oom_score_adj: {description: Its C(oom_score_adj)., type: int}
        reaped: {description: "Whether the OOM reaper took its memory, or could not.", type: bool}
        duplicates: {description: How often the log repeats the kill., type: int}
        sacrificed_for:
          description: The pid of the parent that was chosen, where a kernel before 5.1 killed its child.
          type: int
    selected:
      description: Whom the kernel chose, where the log lacks the line that tells the kill. Its pid, name, uid, score,
        cgroup, and what that path tells, are those of a victim.
      type: dict
    sharing:
      description: The pid and name of those that were killed because they shared the victim's memory.
      type: list
      elements: dict
    memory:
      description: Counters of the memory block.
      type: dict
      contains:
        page_size_bytes: {description: "The size of a page, as the report shows it.", type: int}
        ram_pages: {description: Pages of RAM., type: int}
        ram_bytes: {description: RAM., type: int}
        reserved_pages: {description: Pages that the kernel kept at boot., type: int}
        reserved_bytes: {description: What the kernel kept at boot., type: int}
        free_bytes: {description: What was free., type: int}
        swap_total_bytes: {description: Swap., type: int}
        swap_free_bytes: {description: Swap that was free., type: int}
        active_anon_bytes: {description: Anonymous memory that was used lately., type: int}
        inactive_anon_bytes: {description: Anonymous memory that was not., type: int}
        active_file_bytes: {description: Page cache that was used lately., type: int}
        inactive_file_bytes: {description: Page cache that was not., type: int}
        unevictable_bytes: {description: What cannot be reclaimed., type: int}
        dirty_bytes: {description: What had to be written first., type: int}
        writeback_bytes: {description: What was being written., type: int}
        unstable_bytes: {description: What a server had not committed yet., type: int}
        slab_reclaimable_bytes: {description: "The kernel's objects that it can reclaim.", type: int}
        slab_unreclaimable_bytes: {description: "The kernel's objects that it cannot.", type: int}
        mapped_bytes: {description: Files that processes had mapped., type: int}
        shmem_bytes: {description: Shared memory and tmpfs., type: int}
        pagetables_bytes: {description: Page tables., type: int}
        hugepages_bytes: {description: Huge pages., type: int}
        hugepages_free_bytes: {description: Huge pages that nobody uses., type: int}
        highmem_pages: {description: Memory above what a 32-bit kernel maps., type: int}
        highmem_bytes: {description: Memory above what a 32-bit kernel maps., type: int}
        cma_reserved_pages: {description: Memory for contiguous allocations., type: int}
        cma_reserved_bytes: {description: Memory for contiguous allocations., type: int}
        hwpoisoned_pages: {description: Broken memory., type: int}
        hwpoisoned_bytes: {description: Broken memory., type: int}
        pagecache_pages: {description: The page cache., type: int}
        pagecache_bytes: {description: The page cache., type: int}
        isolated_anon_bytes: {description: Anonymous memory that was being reclaimed., type: int}
        isolated_file_bytes: {description: Page cache that was being reclaimed., type: int}
        free_blocks_bytes: {description: What the free blocks of the zones that are shown add up to., type: int}
        free_pcp_bytes: {description: What was free in lists of single CPUs., type: int}
        sec_pagetables_bytes: {description: Page tables of virtual machines and IOMMUs., type: int}
        bounce_bytes: {description: Buffers for devices that do not reach all memory., type: int}
        kernel_misc_reclaimable_bytes: {description: What drivers can give back., type: int}
        active_bytes: {description: "Memory that was used lately, before 2.6.28.", type: int}
        inactive_bytes: {description: "Memory that was not, before 2.6.28.", type: int}
        mapped_anon_bytes: {description: "Anonymous memory, before 2.6.28.", type: int}
        slab_bytes: {description: "The kernel's objects, before 2.6.19.", type: int}
        kernel_stack_bytes: {description: Kernel stacks of the nodes that are shown., type: int}
        mlocked_bytes: {description: What is locked in the memory of the nodes that are shown., type: int}
        writeback_tmp_bytes: {description: Copies of pages that FUSE writes., type: int}
        zspages_bytes: {description: "Compressed pages of zram and zswap, since 6.18.", type: int}
        balloon_bytes: {description: "What a balloon took, since 6.16.", type: int}
        gpu_bytes: {description: "Memory of graphics cards' drivers, since 7.1.", type: int}
        slab_caches:
          description: The largest of the slab caches that a kernel since 4.15 lists as unreclaimable.
          type: list
          elements: dict
          contains:
            name: {description: The cache., type: str}
            bytes: {description: Its size., type: int}
        allocations:
          description: The places in the kernel's source that hold the most, since 6.10.
          type: list
          elements: dict
          contains:
            site: {description: "The function, the file and its line.", type: str}
            bytes: {description: What it holds., type: int}
        swapcache_pages: {description: Pages in swap and in RAM., type: int}
        swapcache_bytes: {description: Pages in swap and in RAM., type: int}
    cgroup:
      description: The memory cgroup that reached its limit.
      type: dict
      contains:
        path: {description: Its path., type: str, sample: /system.slice/mysqld.service}
        usage_bytes: {description: What it used., type: int}
        limit_bytes: {description: Its limit; null is none., type: int}
        failcnt: {description: How often it reached the limit., type: int}
        swap_usage_bytes: {description: "What it used of swap.", type: int}
        swap_limit_bytes: {description: "Its limit of swap; null is none.", type: int}
        swap_failcnt: {description: "How often it reached that.", type: int}
        memory_swap_usage_bytes: {description: "What it used of memory and swap together.", type: int}
        memory_swap_limit_bytes: {description: "Its limit of memory and swap together; null is none.", type: int}
        memory_swap_failcnt: {description: "How often it reached that.", type: int}
        kmem_usage_bytes: {description: "What it used of the kernel's memory for it.", type: int}
        kmem_limit_bytes: {description: "Its limit of the kernel's memory for it; null is none.", type: int}
        kmem_failcnt: {description: "How often it reached that.", type: int}
        container_id: {description: The innermost container or guest in its path., type: str}
        runtime: {description: "What runs that, as of a victim.", type: str}
        pod_uid: {description: The Kubernetes pod in its path., type: str}
        unit: {description: "The innermost systemd unit in its path, as of a victim.", type: str}
        outer_container_id: {description: The outermost container or guest in its path., type: str}
        outer_unit: {description: The unit of the host's own systemd in its path., type: str}
        group_kill: {description: Whether C(memory.oom.group) had all of it killed., type: bool}
        group_path: {description: The memory cgroup of which C(memory.oom.group) had all killed., type: str}
        stats: {description: "Its statistics by their names, in bytes where they are sizes.", type: dict}
    zones:
      description: Memory zones.
      type: list
      elements: dict
      contains:
        node: {description: The NUMA node., type: int}
        zone: {description: "V(DMA), V(DMA32), V(Normal), V(HighMem), V(Movable) or V(Device).", type: str}
        free_bytes: {description: What was free., type: int}
        min_bytes: {description: "The watermark below which only the kernel's own needs are met.", type: int}
        low_bytes: {description: The watermark below which the kernel reclaims., type: int}
        high_bytes: {description: The watermark up to which it does., type: int}
        present_bytes: {description: Its memory., type: int}
        managed_bytes: {description: "Its memory that the page allocator has, since 3.9.", type: int}
        free_cma_bytes: {description: What was free for contiguous allocations., type: int}
        free_blocks: {description: "Free blocks of each order, from a single page on.", type: list, elements: int}
        free_block_types: {description: "The letters of their migration types, since 3.10.", type: list, elements: str}
        lowmem_reserve_bytes: {description: What it keeps from allocations for higher zones., type: list, elements: int}
        all_unreclaimable: {description: Whether the kernel gave up to reclaim here., type: bool}
    tasks_left_out:
      description: What O(tasks) left out of the table. Not there if the whole table is.
      type: dict
      contains:
        count: {description: How many processes., type: int}
        rss_bytes: {description: Their resident memory in all., type: int}
    tasks:
      description: Rows of the task table, the most resident memory first.
      type: list
      elements: dict
      contains:
        pid: {description: The process ID., type: int}
        tgid: {description: The thread group ID., type: int}
        uid: {description: The user ID., type: int}
        name: {description: "The process's name, of 15 bytes at most.", type: str}
        total_vm_pages: {description: Its virtual memory., type: int}
        rss_pages: {description: Its resident memory., type: int}
        rss_bytes: {description: Its resident memory., type: int}
        pgtables_bytes: {description: Its page tables., type: int}
        swapents_pages: {description: What it had in swap., type: int}
        swap_bytes: {description: What it had in swap., type: int}
        oom_score_adj: {description: Its C(oom_score_adj)., type: int}
    task_count:
      description: Rows of the whole table.
      type: int
    cpuset:
      description: The cpuset of who asked for memory.
      type: str
    mems_allowed:
      description: The NUMA nodes that this cpuset allows.
      type: str
      sample: "0-1"
    nodemask:
      description: The NUMA nodes that the memory policy allows; V((null\)) is all.
      type: str
    cause:
      description: Why, in one sentence.
      type: str
      sample: RAM (991 MiB) ran out and there is no swap; the largest process, mysqld (pid 13036), holds 430 MiB (43 %);
        beside it php (299 MiB).
    ledger:
      description:
        - Where the memory was. Parts and RV(events[].ledger.unaccounted_bytes) add up to the total, and no part is in
          another.
        - Null if the report has neither a memory block with its counters nor what a memory cgroup used.
      type: dict
      contains: &ledger
        total_bytes:
          description: RAM without what is reserved; of a memory cgroup what it used.
          type: int
        unaccounted_bytes:
          description: What no counter of the report holds. Negative if the counters, which are not read at one moment,
            hold more than the total.
          type: int
        parts:
          description: The parts, the largest first. Those that this kernel does not print come last.
          type: list
          elements: dict
          contains:
            kind:
              description: V(process), V(processes), V(shmem), V(page_cache), V(slab_unreclaimable),
                V(slab_reclaimable), V(page_tables), V(kernel_stacks), V(hugepages), V(locked), V(sockets), V(percpu),
                V(vmalloc), V(zswap), V(zram), V(free) or V(other).
              type: str
            name:
              description: The process, or what else it is. V(processes) without a name are all the small ones.
              type: str
            bytes: {description: Its size; null if the kernel does not print it., type: int}
            share: {description: "The same as a share of the total, 0 to 1.", type: float}
            swappable: {description: Whether most of it could be moved to swap., type: bool}
            droppable: {description: Whether most of it could be freed at once., type: bool}
            approximate:
              description: Whether the report tells it only about, as of a process whose resident memory alone is told.
              type: bool
    complete:
      description: Whether every part of the report is there.
      type: bool
    missing:
      description: The parts that are not there, of V(header), V(memory), V(tasks) and V(victim).
      type: list
      elements: str
    trusted:
      description: Whether the kernel wrote it; false where user space did, null where the source cannot tell.
      type: bool
    elsewhere:
      description: Whether it stands in a log of this host's own, which nobody named, with the name of another host. It
        is no part of the verdict.
      type: bool
    source:
      description: Where the report begins.
      type: dict
      contains: &source
        path: {description: "The log, V(journal) or V(ring_buffer).", type: str}
        line: {description: Its line; null beyond the first 32 MiB., type: int}
        offset: {description: Its offset in bytes., type: int}
    seen_in:
      description: All sources that hold the report.
      type: list
      elements: str
summary:
  description:
    - Counts over all events in the asked time, RV(events) or not.
  returned: unless O(separately=true)
  type: dict
  contains: &summary
    events: {description: Events of the kernel., type: int}
    kills: {description: Processes that were killed., type: int}
    by_process: {description: The kills by the victim's name., type: dict}
    by_scope: {description: "The reports by scope, failed allocations left out.", type: dict}
    first: {description: The time of the first report that tells it., type: str}
    last: {description: The time of the last report that tells it., type: str}
    untrusted: {description: "Reports that user space wrote, which are not counted.", type: int}
    sources:
      description: What was read. Null is not known, or no error.
      type: list
      elements: dict
      contains:
        path: {description: "The log, V(journal) or V(ring_buffer).", type: str}
        bytes: {description: "Its size, unpacked.", type: int}
        lines: {description: Its lines., type: int}
        reports: {description: The OOM reports in it., type: int}
        error: {description: Why it was not read to its end., type: str}
        named: {description: "Whether it is one of O(paths), and no pattern or directory led to it.", type: bool}
        unsearched:
          description: Why not all of its lines were looked at for the words of other programs than the kernel; null if
            they were.
          type: str
        cut:
          description: Which part was left out, if reading it would have taken too long, or if it unpacks to more than a
            log does. The end of a log that takes too long is read in any case, as the newest reports are there.
          type: str
signals:
  description: Lines that say who killed, who refused memory, or why a program ended without it, in their log's order.
  returned: unless O(separately=true)
  type: list
  elements: dict
  contains: &signals
    kind: {description: "What the line is, such as V(unit-oom-kill).", type: str}
    was_memory: {description: "What the line alone proves, V(yes), V(no) or V(unknown).", type: str}
    limit: {description: Which limit was met as far as the line tells., type: str}
    actor: {description: Who killed or refused., type: str}
    program: {description: The program that wrote the line., type: str}
    time: {description: "When, ISO 8601 with offset; null if nothing tells the year and the zone.", type: str}
    time_text: {description: "When, in the log's own words.", type: str}
    order: {description: Its place among the signals of its log., type: int}
    host: {description: The host that the line names., type: str}
    unit: {description: The systemd unit., type: str}
    container: {description: "The container, by name or ID.", type: str}
    pid: {description: The process ID., type: int}
    name: {description: The process that was killed or refused., type: str}
    bytes: {description: What was asked for., type: int}
    limit_bytes: {description: The limit that was met., type: int}
    errno: {description: "The error, 12 for ENOMEM and 11 for EAGAIN.", type: int}
    trusted:
      description: >-
        True if the journal proves who wrote it, false if another did, null if nothing tells.
      type: bool
    elsewhere: {description: "As of RV(events).", type: bool}
    text: {description: The words of the line that make it this signal., type: str}
    source: {description: Where the line is., type: dict, contains: *source}
incidents:
  description: Signals and reports that belong to one trouble, the oldest first.
  returned: unless O(separately=true)
  type: list
  elements: dict
  contains: &incidents
    first: {description: When it began., type: str}
    last: {description: When it ended., type: str}
    host: {description: The host that its lines name., type: str}
    signals: {description: Indices in RV(signals)., type: list, elements: int}
    reports: {description: Of each of its reports in RV(events) the ID., type: list, elements: str}
    joined_by:
      description: >-
        V(time), V(pid), V(unit) or V(same_log); null if it is a single line or report.
      type: str
verdict:
  description: Whether it was memory, of the incident that is meant. Null if nothing was found.
  returned: unless O(separately=true)
  type: dict
  contains: &verdict
    incident: {description: Its index in RV(incidents)., type: int}
    older_reports:
      description: >-
        How many older reports the logs have that O(limit) left out, which are in no incident; absent where it left out
        none.
      type: int
    other_incidents:
      description: >-
        How many other incidents there are, where only this one is in RV(incidents) as O(most_bytes) has no room for the
        others; absent where they are there.
      type: int
    was_memory: {description: "V(yes), V(no) or V(unknown).", type: str}
    limit:
      description: >-
        V(host), V(cgroup), V(numa), V(low_memory), V(contiguous), V(commit), V(program), V(gpu), V(none) or
        V(unknown).
      type: str
    actor: {description: Who killed or refused., type: str}
    victims:
      description: Who was killed or refused, those of the report that is meant first.
      type: list
      elements: dict
      contains:
        name: {description: The process., type: str}
        pid: {description: Its process ID., type: int}
        uid: {description: Its user ID., type: int}
        unit: {description: Its systemd unit., type: str}
        container: {description: Its container., type: str}
        pod: {description: The UID of its Kubernetes pod., type: str}
        rss_bytes: {description: Its resident memory., type: int}
        oom_score_adj: {description: Its C(oom_score_adj)., type: int}
    eater:
      description: What held the most memory; null if the log does not tell.
      type: dict
      contains:
        kind: {description: "What it is, such as V(process) or V(shmem).", type: str}
        name: {description: Its name., type: str}
        bytes: {description: What it held., type: int}
        share: {description: "The same as a share of all, 0 to 1.", type: float}
    pattern: {description: "V(single), V(many) or V(unknown) processes.", type: str}
    sentence: {description: The verdict in one sentence., type: str}
    evidence:
      description: The lines that it rests on, the one that decides first.
      type: list
      elements: dict
      contains:
        path: {description: The log., type: str}
        line: {description: The line in it., type: int}
        time: {description: "When, ISO 8601 with offset; null if nothing tells the year and the zone.", type: str}
        time_text: {description: "When, in the log's own words.", type: str}
        text: {description: What it says., type: str}
    caveats: {description: What limits it., type: list, elements: str}
    would_tell: {description: Commands that would settle what the log leaves open., type: list, elements: str}
caveats:
  description: What was left out of the logs, in sentences, also without a verdict. Empty if all was searched.
  returned: unless O(separately=true)
  type: list
  elements: str
ledger:
  description: That of the report that RV(verdict) is on; null without one.
  returned: unless O(separately=true)
  type: dict
  contains: *ledger
remedies:
  description: What follows from the verdict, the best first. C(docs/advice.md) says how each effect is computed.
  returned: unless O(separately=true)
  type: list
  elements: dict
  contains: &remedies
    name: {description: "The remedy, such as V(swap), V(swappiness), V(score) or V(cgroup_limit).", type: str}
    what: {description: What is to be done., type: str}
    target: {description: "V(shortage), or the server that is spared. Null without an incident.", type: str}
    effect:
      description: >-
        What it alone would have changed for its target: V(prevents), V(delays), V(none), V(harms) or V(unknown).
      type: str
    room_bytes: {description: How much more memory there would have been; null if that does not apply., type: int}
    instead:
      description: Whom the kernel would have killed instead; null if nobody or not known.
      type: dict
      contains:
        pid: {description: Its process ID., type: int}
        name: {description: Its name., type: str}
        rss_bytes: {description: What its kill frees., type: int}
        score: {description: Its score then., type: int}
    goes_with: {description: The remedy that it is applied with., type: str}
    forbidden_by:
      description: What on the host speaks against it.
      type: list
      elements: dict
      contains:
        id: {description: What it is., type: str}
        where: {description: Where it stands., type: str}
        text: {description: Why it forbids., type: str}
    why: {description: What the effect rests on., type: str}
    would_tell: {description: Commands that tell the figures that are missing., type: list, elements: str}
    command: {description: What does it., type: str}
    applied: {description: Whether a run of this collection applied it., type: bool}
    by_rule: {description: "Whether a rule asks for it without an incident. Of swap, swappiness and score.", type: bool}
    size_bytes: {description: The size of the swap area. Of swap., type: int}
    present_bytes: {description: The swap that there is; null is not known. Of swap., type: int}
    sizing:
      description: Why so much swap; null if the RAM is not known. Of swap.
      type: dict
      contains:
        size_bytes: {description: The size of the swap area; 0 if other areas are enough., type: int}
        total_bytes: {description: The swap that there should be in all., type: int}
        other_bytes: {description: The swap that there is besides this area., type: int}
        demand_bytes: {description: The swap that the reports ask for; null if they ask for none., type: int}
        rule: {description: The rule that the size comes from., type: str}
        reasons: {description: Why this size., type: list, elements: str}
    value: {description: The value. Of swappiness and score., type: int}
    with_present: {description: Whether the swap that it goes with is there. Of swappiness., type: bool}
fork_failures:
  description: Programs that could not start another for lack of memory. The message is without the arguments of a
    program that it names, as a password may be among them.
  returned: when O(fork_failures=true) or O(with_facts=true)
  type: list
  elements: dict
  contains: &fork_failures
    time: {description: "When, ISO 8601 with offset; null if nothing tells the year and the zone.", type: str}
    time_text: {description: "When, in the log's own words.", type: str}
    host: {description: The host that the line names., type: str}
    program: {description: The program that wrote the line., type: str}
    libc: {description: "V(glibc) or V(musl), by its words.", type: str}
    message: {description: The words of the line., type: str}
    source: {description: Where the line is., type: dict, contains: *source}
raw:
  description: >-
    The lines of the report that RV(verdict) is on as they stand in its log, the kernel's alone; empty if its source is
    no plain file.
  returned: unless O(separately=true)
  type: list
  elements: str
advice:
  description: As P(oom.rescue.advise#filter) returns it.
  returned: when O(with_facts=true)
  type: dict
replays:
  description: As P(oom.rescue.replay#filter) returns it for each of the events.
  returned: when O(with_facts=true)
  type: list
  elements: dict
why:
  description: What the host says of the one that was asked for; null if none was.
  returned: when O(with_facts=true)
  type: dict
  contains:
    kind: {description: "V(unit), V(container) or V(pid).", type: str}
    name: {description: Its name as it was given., type: str}
    known: {description: Whether the host has it now., type: bool}
    near: {description: Names like it that the host has., type: list, elements: str}
    unit: {description: "What C(systemctl show) says of it; null without a unit.", type: dict}
    container: {description: "What its engine says of how it ended, without its environment.", type: dict}
    process:
      description: The process; null if it was not asked for one, or it is gone.
      type: dict
      contains:
        pid: {description: Its process ID., type: int}
        name: {description: Its name., type: str}
    pids: {description: 'The process IDs that it has, or had last.', type: list, elements: int}
    cgroup:
      description: The counters of its cgroup; null if that is gone.
      type: dict
      contains:
        path: {description: The cgroup., type: str}
        oom: {description: How often its limit was met., type: int}
        oom_kills: {description: How many of its processes the kernel killed., type: int}
        limit_bytes: {description: The limit; null is none., type: int}
        pids_refused: {description: How often its limit on processes refused one., type: int}
    sources:
      description: Who was asked.
      type: list
      elements: dict
      contains:
        name: {description: The source., type: str}
        error: {description: Why it said nothing; null if it did., type: str}
ansible_facts:
  description: The facts of M(oom.rescue.memory_facts).
  returned: when O(with_facts=true)
  type: dict
  contains:
    memory: {description: As M(oom.rescue.memory_facts) returns it., type: dict}
logs:
  description: One entry for each of O(paths).
  returned: when O(separately=true)
  type: list
  elements: dict
  contains:
    path: {description: The log as it was named., type: str}
    error:
      description: V(unreadable), V(empty), V(directory) if nothing in it is a log, V(binary) or V(no_report); null
        where there is none.
      type: str
    events: {description: As RV(events)., type: list, elements: dict, contains: *events}
    summary: {description: As RV(summary)., type: dict, contains: *summary}
    signals: {description: As RV(signals)., type: list, elements: dict, contains: *signals}
    incidents: {description: As RV(incidents)., type: list, elements: dict, contains: *incidents}
    verdict: {description: As RV(verdict)., type: dict, contains: *verdict}
    caveats: {description: As RV(caveats)., type: list, elements: str}
    remedies: {description: As RV(remedies)., type: list, elements: dict, contains: *remedies}
    ledger: {description: That of the report that the verdict is on., type: dict, contains: *ledger}
    fork_failures: {description: As RV(fork_failures)., type: list, elements: dict, contains: *fork_failures}
    raw: {description: As RV(raw)., type: list, elements: str}
    advice: {description: As P(oom.rescue.advise#filter) returns it for this log., type: dict}
    replays:
      description: As P(oom.rescue.replay#filter) returns it for each of the events.
      type: list
      elements: dict
"""


from ansible.module_utils.basic import AnsibleModule
from ansible_collections.oom.rescue.plugins.module_utils._node.module import run
from ansible_collections.oom.rescue.plugins.module_utils._verdict.log_info import OPTIONS, log_info


def main():
    run(AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True),
        lambda host, options, _check_mode: log_info(host, options))


if __name__ == '__main__':
    main()
