# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of the remedies that the user of a playbook set.

A role's defaults are variables of its play, and a host's facts are variables of the host: a variable that is defined
need not be the user's. So the variables are looked up again for a play without roles and a host without facts.
"""

from __future__ import annotations

from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.template import Templar
from ansible_collections.oom.rescue.plugins.module_utils._verdict.choice import left_out_by_tags

BY_RULE = 'rescue_by_rule'
# By remedy: the variables that say what is wanted, and those that only say how, and ask for nothing by themselves.
WHAT = {
    'swap': ('swap_state', 'swap_path', 'swap_size', 'swap_active', 'swap_priority', 'swap_expected_peak',
             'swap_files'),
    'swappiness': ('swappiness_state', 'swappiness_value'),
    'oom_protect': ('oom_protect_state', 'oom_protect_process', 'oom_protect_unit', 'oom_protect_container',
                    'oom_protect_pid_file', 'oom_protect_value'),
}
HOW = {
    'swap': ('swap_discard', 'swap_persist', 'swap_allocate', 'swap_reserve', 'swap_conflicts', 'swap_demand',
             'swap_override', 'swap_recorded'),
    'swappiness': ('swappiness_conflicts', 'swappiness_allow_zero', 'swappiness_cgroups', 'swappiness_override'),
    'oom_protect': ('oom_protect_user', 'oom_protect_allow_missing', 'oom_protect_auto_multiple',
                    'oom_protect_allow_unkillable', 'oom_protect_persist', 'oom_protect_keep',
                    'oom_protect_restart_policy', 'oom_protect_killers', 'oom_protect_override',
                    'oom_protect_recorded'),
}
_NOTHING = (None, '')
_PLAYBOOKS = 'oom.rescue.rescue'


def wishes(action, task_vars):
    """(by_rule, {remedy: variables that the user set}, remedies that are left out by tags) of a run of a playbook.

    The first is whether a host to which nothing happened gets what the rule advises.
    """
    names = [name for table in (WHAT, HOW) for row in table.values() for name in row]
    given = user_vars(action, task_vars, [*names, BY_RULE])
    asked = {remedy: [name for name in row if name in given] for remedy, row in WHAT.items()}
    left_out = left_out_by_tags(task_vars['ansible_run_tags'], task_vars['ansible_skip_tags'])
    return boolean(given.get(BY_RULE, False)), asked, left_out


def user_vars(action, task_vars, names):
    """{name: value} of those of ``names`` that the user set for this host, and not to an empty value.

    Extra variables count, those of the inventory and its group_vars and host_vars, of the play and its files, of
    set_fact and include_vars, and those with which a play took in the task's role. Role defaults, what a host says of
    itself, and the task's own variables do not.
    """
    variables = {**_of_role(_asking(action._task._role)), **_variables(action, task_vars)}
    templar = Templar(loader=action._loader, variables=task_vars)
    # what is: As one dictionary: an omitted value is left out of it since ansible-core 2.19, and is a token before.
    found = templar.template({name: variables[name] for name in names if name in variables})
    nothing = (*_NOTHING, task_vars.get('omit'))
    return {name: value for name, value in found.items() if value not in nothing}


def _asking(role):
    """The role of the playbooks if a task's role is taken in by it, else the task's own role, which may be none."""
    seen = [role] if role is not None else []
    for one in seen:
        if one.get_name() == _PLAYBOOKS:
            return one
        seen.extend(parent for parent in one._parents if parent not in seen)
    return role


def _of_role(role):
    return dict(role.vars) if role is not None else {}


def _variables(action, task_vars):
    hostvars = task_vars['hostvars']
    try:
        manager, play = _copied(hostvars._variable_manager), _copied(action._task.get_play())
        host = hostvars._inventory.get_host(task_vars['inventory_hostname'])
        manager._fact_cache, play.roles = {host.name: {}}, []
        return manager.get_vars(play=play, host=host, include_hostvars=False)
    except AttributeError as error:
        raise AnsibleActionFail('this ansible-core does not tell who set a variable: %s' % error) from error


def _copied(thing):
    """The same object with attributes of its own: copy.copy() of its class leaves out what get_vars() needs."""
    copy = object.__new__(type(thing))
    copy.__dict__.update(thing.__dict__)
    return copy
