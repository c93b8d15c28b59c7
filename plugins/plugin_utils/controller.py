# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables that decide what is read and written on the controller.

A role's variables are looked up for the host of the task, and a host's facts win over a role's defaults and the
inventory. So these are looked up for localhost, over whose facts a node has no influence.
"""

from __future__ import annotations

from ansible.errors import AnsibleActionFail
from ansible.template import Templar


def controller_vars(action, task_vars, names):
    """{name: value} of those of ``names`` that are set, as the same task would have them on localhost."""
    hostvars = task_vars['hostvars']
    try:
        variables = hostvars._variable_manager.get_vars(
            play=action._task.get_play(), host=hostvars._inventory.get_host('localhost'), task=action._task)
    except AttributeError as error:
        raise AnsibleActionFail(f'this ansible-core does not tell the variables of localhost: {error}') from error
    templar = Templar(loader=action._loader, variables=variables)
    return {name: templar.template(variables[name]) for name in names if name in variables}
