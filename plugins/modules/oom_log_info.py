#!/usr/bin/python
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: oom_log_info
short_description: Read the kernel's OOM reports out of logs
version_added: 0.1.0
author:
  - OOM Rescue maintainers (@oom-rescue)
description:
  - Reads the reports that the Linux kernel prints when it runs out of memory, of all kernels since 2.6.18, out of log
    files, the journal and the kernel's ring buffer.
  - Tells of each who was killed, who asked for memory, how much memory and swap there was, which processes ran, and the
    cause in one sentence.
  - One kill that stands in several logs is one event.
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
attributes:
  check_mode:
    description: Can run in check_mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in check_mode), when in diff mode.
    support: none
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
events:
  description: OOM reports, the newest first. What a report does not tell is null.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The same for one report on every reading, from whatever source.
      type: str
      sample: bd91d2ff5b14
    time:
      description: When, ISO 8601 with offset. The year that syslog leaves out follows from when the log ended.
      type: str
      sample: "2019-10-28T11:32:28+08:00"
    uptime_seconds:
      description: When, in seconds since boot.
      type: float
    host:
      description: The host's name in the log.
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
    trigger:
      description: "Who asked for memory: name, pid, gfp_mask, gfp_flags, order, oom_score_adj, and whether sysrq did
        (manual)."
      type: dict
    victims:
      description:
        - Who was killed, each with pid, name, uid, score, total_vm_bytes, anon_rss_bytes, file_rss_bytes,
          shmem_rss_bytes, pgtables_bytes,
          oom_score_adj, cgroup, container_id, runtime, pod_uid, unit, reaped, duplicates (how often the log repeats
          the kill) and
          sacrificed_for (the pid of the parent that was chosen, where a kernel before 5.1 killed its child).
      type: list
      elements: dict
    selected:
      description: Whom the kernel chose, where the log lacks the line that tells the kill.
      type: dict
    memory:
      description: "Counters of the memory block: ram_bytes, ram_pages, reserved_bytes, free_bytes, page_size_bytes,
        swap_total_bytes,
        swap_free_bytes and more."
      type: dict
    cgroup:
      description: "The memory cgroup that reached its limit: path, usage_bytes, limit_bytes, failcnt, the same for
        swap, and its statistics. A limit of
        null is none."
      type: dict
    zones:
      description: Memory zones with node, free_bytes, min_bytes, low_bytes, high_bytes, free_blocks, the number of free
        blocks of each order, and free_block_types, the letters of their migration types.
      type: list
      elements: dict
    tasks:
      description: Rows of the task table, the most resident memory first.
      type: list
      elements: dict
    task_count:
      description: Rows of the whole table.
      type: int
    cause:
      description: Why, in one sentence.
      type: str
      sample: RAM (991 MiB) ran out and there is no swap; the largest process, mysqld (pid 13036), holds 430 MiB, and
        php (pid 13360) 299 MiB.
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
    source:
      description: The path, line and offset where the report begins. The line is null beyond the first 32 MiB.
      type: dict
    seen_in:
      description: All sources that hold the report.
      type: list
      elements: str
summary:
  description:
    - Counts over all events in the asked time, RV(events) or not.
  returned: success
  type: dict
  contains:
    kills: {description: Processes that were killed., type: int}
    by_process: {description: The kills by the victim's name., type: dict}
    by_scope: {description: "The reports by scope, failed allocations left out.", type: dict}
    first: {description: The time of the first report., type: str}
    last: {description: The time of the last report., type: str}
    untrusted: {description: "Reports that user space wrote, which are not counted.", type: int}
    sources:
      description: What was read, each with path, bytes, lines, reports and error. Null is not known, or no error.
      type: list
      elements: dict
fork_failures:
  description: Programs that could not start another for lack of memory, each with time, program, libc, message and
    source.
  returned: when O(fork_failures=true)
  type: list
  elements: dict
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.oom.rescue.plugins.module_utils import _oom_log
from ansible_collections.oom.rescue.plugins.module_utils._oom_sources import is_pattern
from ansible_collections.oom.rescue.plugins.module_utils._oom_times import parse_moment


def moment(module, name):
    value = module.params[name]
    if value is None:
        return None
    seconds = parse_moment(value)
    if seconds is None:
        module.fail_json(
            msg='%s is %r: give an ISO 8601 time, such as 2025-09-03 or 2025-09-03T14:00:00+02:00' % (name, value)
        )
    return seconds


def main():
    module = AnsibleModule(
        argument_spec={
            'paths': {'type': 'list', 'elements': 'path', 'default': []},
            'sources': {'type': 'list', 'elements': 'str', 'choices': ['auto', 'files', 'journal', 'ring_buffer']},
            'since': {'type': 'str'},
            'until': {'type': 'str'},
            'limit': {'type': 'int', 'default': 100},
            'tasks': {'type': 'int', 'default': 10},
            'fork_failures': {'type': 'bool', 'default': False},
        },
        supports_check_mode=True,
    )
    paths = module.params['paths']
    for path in paths:
        if not is_pattern(path) and not os.path.exists(path):
            module.fail_json(
                msg='%s does not exist: name a log on the managed node, or a pattern such as /var/log/messages*' % path
            )
    for name in ('limit', 'tasks'):
        if module.params[name] < 0:
            module.fail_json(msg='%s is %d: give 0 for all, or a count' % (name, module.params[name]))
    found = module.params['sources']
    if found is None:
        found = [] if paths else ['auto']
    result = _oom_log.read_events(
        paths,
        found,
        since=moment(module, 'since'),
        until=moment(module, 'until'),
        limit=module.params['limit'],
        tasks=module.params['tasks'],
        fork_failures=module.params['fork_failures'],
    )
    module.exit_json(changed=False, **result)


if __name__ == '__main__':
    main()
