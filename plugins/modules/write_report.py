#!/usr/bin/python

# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: write_report
short_description: Write on the controller what was found and done
description:
  - Writes C(index.html), a page that needs nothing but itself, C(summary.txt), of at most ten lines, C(report.md), for
    a ticket, and C(report.json), for programs, of what the roles of this collection left on each host of the play. Use
    the role P(oom.rescue.report#role).
  - Each host's data are checked. A host whose data have another shape is told in one line, and the others whole.
  - Each value is shown as plain text, and no value is a template.
  - Run it with C(run_once), C(delegate_to) C(localhost) and without C(become).
  - Without any option it takes all from the variables of the role, as C(localhost) has them. A host's facts outrank a
    role's defaults and the inventory, so a host could set a variable of a task that is delegated to C(localhost); it
    has no say in those of C(localhost). Extra variables, those of the play, the role and C(group_vars/all) count.
version_added: 0.1.0
author:
  - OOM Rescue maintainers (@oom-rescue)
extends_documentation_fragment: oom.rescue._attributes.action
attributes:
  check_mode:
    description: Writes the files in check mode as well; set C(check_mode) to V(false) to say so.
    support: none
options:
  path:
    description:
      - The directory. One that is not there is made for its owner alone, or for whom O(mode) lets read the files. One
        that is there keeps its mode.
      - A link, a directory of another owner, and one where anybody may replace files, is refused.
    type: str
    required: true
  stats:
    description: Whether to hand RV(stats) to the workflow, as C(set_stats) does, as C(oom_rescue).
    type: bool
    default: false
  mode:
    description: The mode of the files.
    type: raw
    default: "0600"
  full:
    description:
      - Whether C(report.json) has all rows of the task tables. Without it, if there is one host or log alone.
    type: raw
  where:
    description:
      - Whether the summary says where the memory of the hosts is, in place of what happened. C(index.html) is not
        written then.
    type: bool
    default: false
  join:
    description:
      - Whether this run and others write one report. Hosts that an earlier run told in the same directory are told
        again, but for those of this one. What the next run needs for that is in C(parts.json).
    type: bool
    default: false
  only_try:
    description:
      - Whether it is only seen that a report could be written, so that a run stops before its first change. The
        directory is made.
    type: bool
    default: false
  logs_only:
    description: Whether only logs that were copied to the controller were read, and no host.
    type: bool
    default: false
  anonymise:
    description:
      - Whether names of hosts, of programs that are not everybody's, of containers, units and paths, and addresses
        become pseudonyms in all files, and the words of log lines are left out. Figures and times stay.
    type: bool
    default: false
  language:
    description:
      - The language of the summary and of the page. The other files are English.
    type: str
    choices: [en, zh]
    default: en
seealso:
  - module: oom.rescue.read_copied_logs
  - module: oom.rescue.judge_remedies
"""

EXAMPLES = r"""
- name: Write the report where no fact of a host can have it
  oom.rescue.write_report:
    path: /srv/reports/today
  delegate_to: localhost
  run_once: true
  become: false
"""

RETURN = r"""
path:
  description: The directory.
  type: str
  returned: success
lines:
  description: The summary.
  type: list
  elements: str
  returned: success
stats:
  description: >-
    Of each host and log its status, what ran out, the sentence, the victims, the best remedies with their effects, and
    how many claims are in which state. Less than 2 kB for each, for C(set_stats).
  type: dict
  returned: success
"""
