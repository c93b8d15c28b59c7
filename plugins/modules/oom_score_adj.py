#!/usr/bin/python
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: oom_score_adj
short_description: Set the oom_score_adj of a running process and of its next start
version_added: 0.1.0
description:
  - Sets C(oom_score_adj) of a server's processes now, without a restart, and makes it hold after the next start,
    in the place that whoever starts the server reads.
  - Under systemd that is a drop-in of the unit's real name, C(50-oom-rescue.conf); under a SysV init script, the
    defaults file that the script reads; under OpenRC, C(/etc/conf.d/NAME); under runit, daemontools and s6, the script
    C(run) of the service. A Docker or Podman container keeps the score
    it was created with, and a supervisord knows no score. For these RV(processes[].recreate_required) says the exact
    change to make, and O(keep=true) installs a small systemd unit that gives the score again within seconds of each
    start.
  - What C(mysqld_safe) or C(mariadbd-safe) respawns inherits its score, so these scripts get it as well.
  - Any process may call itself C(mysqld). A server counts by what a user cannot make. Its executable or script is
    root's, in directories that root alone can change. It runs as root, as the account that packages make for it, or as
    what a unit of this host names and starts. In a container it is below root's own container engine, and runs the
    files of that container's root as its user. All else is left as it is and said, see O(user).
  - A score that protects more than O(value), and a unit's own setting of the other sign, stay and are said.
  - Nothing is restarted. Every score is read back from C(/proc), and a unit's from systemd.
  - Pods of Kubernetes are left as they are, as the kubelet sets their score again.
options:
  process:
    description:
      - Name of the program, as its executable is called, or the script that an interpreter runs.
      - V(mysqld) and V(mariadbd) mean each other too.
      - Instances of their units (C(mariadb@blog)) of which no process runs count if they are enabled, failed or loaded.
      - One of O(process), O(unit), O(container) and O(pid_file) is required. Each takes several names as a list.
      - With O(allow_missing=false) a name that is not there fails, before the first change.
    type: list
    elements: str
  unit:
    description: A systemd unit, all processes of it. An alias is followed to the real name.
    type: list
    elements: str
  container:
    description: A Docker or Podman container, by its name or 12 or more digits of its id, all processes of it.
    type: list
    elements: str
  pid_file:
    description:
      - Path of a file that holds the process's pid. It is a regular file that root or the process's user owns, and not
        older than the process.
      - The pid 1 is refused, as every service would inherit the score of init.
    type: list
    elements: path
  allow_missing:
    description:
      - Whether it is no failure if there is neither a process nor a unit of a name. RV(found) is false then.
      - The role P(oom.rescue.oom_protect#role) has it false if a name was given.
    type: bool
    default: true
  user:
    description:
      - Users, by name or uid, whose own processes count as well with O(process), O(container) and O(pid_file). These
        are a server from a home directory, of a user's unit, of a container without root, or below a user's
        supervisord.
    type: list
    elements: str
    default: []
  value:
    description:
      - The score, from V(-1000) (never killed) over V(0) to V(1000) (killed first).
      - V(auto) derives it from the share of RAM plus swap that the server holds, as O(auto_multiple) says.
    type: str
    default: "-600"
  auto_multiple:
    description:
      - With O(value=auto), the server may grow to this many times its present size, and every other process is still
        killed before it; beyond that it competes with what it has grown.
      - A score derived before is kept while it still gives about that room.
    type: float
    default: 2.0
  allow_unkillable:
    description:
      - Allow O(value=-1000).
      - Even then it is refused where the processes that could still be killed hold less than a fifth of RAM plus swap.
    type: bool
    default: false
  persist:
    description: V(auto) makes the score hold after the next start; V(none) sets it for the running process alone.
    type: str
    choices: [auto, none]
    default: auto
  keep:
    description:
      - Where the manager cannot keep a score, install C(oom-rescue-keep.service), which looks for the process every
        5 seconds and gives the score again. It looks at executable, its owner, user, and container or namespace.
    type: bool
    default: false
  restart_policy:
    description:
      - V(ensure) has systemd start a unit again after an OOM kill, with C(Restart=on-abnormal) where the unit has
        less (C(on-abort) does not count an OOM kill), and C(OOMPolicy=continue) where systemd knows it, so that a
        killed helper does not stop the server.
    type: str
    choices: [keep, ensure]
    default: keep
  killers:
    description:
      - V(spare) tells user-space OOM killers to spare the server, as they kill before the kernel does and by rules of
        their own. systemd-oomd by C(ManagedOOMPreference=avoid) in the drop-in, where systemd knows it, earlyoom by
        C(--avoid) in C(/etc/default/earlyoom), nohang by a rule in its configuration.
      - V(report) leaves them, and returns them in RV(killers).
    type: str
    choices: [report, spare]
    default: report
  override:
    description:
      - Refusals to lift. V(stronger-score) replaces a score that protects more than O(value), or that a file of a unit
        sets with the other sign. The other ids are those of the other remedies, for one list that serves all.
    type: list
    elements: str
    choices: [
      kubelet, k3s, rke2, microk8s, waagent, rpi-swap, dphys-swapfile, swapspace, systemd-swap, cloud-init,
      zram-generator, hibernation, btrfs-snapshots, gpt-auto, memory-lock, masked, container, stronger-score]
    default: []
  state:
    description:
      - V(absent) gives back the scores that processes had, and removes or restores every file.
    type: str
    choices: [present, absent]
    default: present
  recorded:
    description:
      - With O(state=absent), undo every target that a record on the host names, whatever is named here.
    type: bool
    default: false
extends_documentation_fragment: [oom.rescue._attributes, oom.rescue._attributes.room]
attributes:
  check_mode:
    description: Can run in check mode and return what would change.
    support: full
  diff_mode:
    description: Returns the files and scores before and after; of a file that others may not read, one line.
    support: full
author:
  - The OOM Rescue maintainers (@oom-rescue)
seealso:
  - module: oom.rescue.memory_facts
  - module: oom.rescue.swap_file
"""

EXAMPLES = r"""
- name: Protect the database
  oom.rescue.oom_score_adj:
    process: mysqld

- name: Protect two servers
  oom.rescue.oom_score_adj:
    process: [postgres, redis-server]

- name: Protect one instance, and have it started again after an OOM kill
  oom.rescue.oom_score_adj:
    unit: mariadb@blog.service
    value: -600
    restart_policy: ensure

- name: Protect a database in a container whose definition cannot change now
  oom.rescue.oom_score_adj:
    container: mysql
    keep: true

- name: Protect the database that a user runs in a container without root
  oom.rescue.oom_score_adj:
    process: mysqld
    user: shop
    keep: true

- name: Have the nightly batch job killed first
  oom.rescue.oom_score_adj:
    unit: nightly-report.service
    value: 500
"""

RETURN = r"""
left_out:
  description: By the name of each table how many rows it lacks, as O(most_bytes) says; C(texts) is the length of texts.
  type: dict
  returned: if something was left out
found:
  description: Whether a process or unit is there of each name. One that merely has the name is none.
  type: bool
  returned: always
processes:
  description:
    - Each process, and each unit of which no process runs. Of what a user who is not named runs under the name there is
      one entry for each user, with a V(skipped_reason).
    - Those that say something come first where O(most_bytes) leaves some out.
  type: list
  elements: dict
  returned: always
  contains:
    pid:
      description: Pid as this host sees it; null for a unit of which no process runs.
      type: int
    name:
      description: The name of the process.
      type: str
    value:
      description: The score that is wanted.
      type: int
    live:
      description: Score of the running process.
      type: dict
      contains:
        before: {description: What it was., type: int}
        after: {description: "What it is, read back from the kernel.", type: int}
    persistent:
      description: Score at the next start.
      type: dict
      contains:
        before: {description: What it would have been., type: int}
        after: {description: What it will be., type: int}
        by: {description: "What gives it, such as the path of a drop-in.", type: str}
    recreate_required:
      description:
        - The exact change that keeps the score where only a new container or command would; null elsewhere, and where
          the unit of O(keep) gives it.
      type: str
    manager:
      description: Who starts the process.
      type: dict
      contains:
        kind:
          description: V(systemd), V(docker), V(podman), V(kubernetes), V(supervisord), V(sysv), V(runit),
            V(daemontools), V(s6) or V(none).
          type: str
        name: {description: "The unit, container, service or script.", type: str}
        unit: {description: The systemd unit that it is in., type: str}
        user: {description: The uid where that is of a user's own systemd., type: int}
        container_id: {description: "The container's id, where it is in one.", type: str}
    skipped_reason:
      description: Why the score, or its persistence, is not there; null where it is.
      type: str
    to_do:
      description: What a person has to decide or change before the process has the score; null if nothing.
      type: str
    next_start:
      description:
        - What is known of its next start besides what RV(processes[].persistent) says, as of a command of its unit that
          takes the score away, or that nothing starts the unit. Null if nothing is.
      type: dict
      contains:
        kept: {description: "Whether it has the score then; null if that cannot be known.", type: bool}
        why: {description: "Why not, or why that cannot be known.", type: str}
        would_tell: {description: A command that would tell., type: str}
value:
  description: The score that was set, of the first of several.
  type: int
  returned: always
skipped_reason:
  description: What could not be done on this host; null where all was.
  type: str
  returned: always
killers:
  description: User-space OOM killers that are installed.
  type: list
  elements: dict
  returned: always
  contains:
    name: {description: Its name., type: str}
    active: {description: Whether it runs., type: bool}
    spares: {description: "What it spares, in its own words.", type: list, elements: str}
    watches:
      description: The units that systemd-oomd may kill in, none if it only runs; V(null) for the others.
      type: list
      elements: str
actions:
  description: What was or would be done, in order.
  type: list
  elements: dict
  returned: always
  contains:
    layer: {description: "V(live), V(persistence) or V(killers).", type: str}
    action: {description: One word for it., type: str}
    detail: {description: One line for a person., type: str}
    path: {description: "The file, where it is one.", type: str}
    pid: {description: "The process, where it is one.", type: int}
    unit: {description: "The unit, where it is one.", type: str}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.oom.rescue.plugins.module_utils._node.module import run
from ansible_collections.oom.rescue.plugins.module_utils._score.apply import converge
from ansible_collections.oom.rescue.plugins.module_utils._score.options import OPTIONS, RULES


def main():
    module = AnsibleModule(
        argument_spec=OPTIONS,
        supports_check_mode=True,
        **RULES
    )
    run(module, converge, only_root='see and set the scores of all processes')


if __name__ == '__main__':
    main()
