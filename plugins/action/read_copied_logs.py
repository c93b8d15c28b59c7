# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module oom_log_info on the controller, if there is a log to read there."""

from __future__ import annotations

import os

from ansible.plugins.action import ActionBase
from ansible_collections.oom.rescue.plugins.module_utils._verdict.advice import advise
from ansible_collections.oom.rescue.plugins.plugin_utils.answered import READ
from ansible_collections.oom.rescue.plugins.plugin_utils.controller import controller_vars
from ansible_collections.oom.rescue.plugins.plugin_utils.node_action import NodeAction

OPTIONS = ('since', 'until', 'limit')
# What is there without a host.
_NOTHING = {'events': [], 'signals': [], 'incidents': [], 'verdict': None, 'caveats': [], 'remedies': [], 'summary': {},
            'fork_failures': [], 'replays': [], 'why': None, 'raw': []}


class ActionModule(NodeAction):

    def run(self, tmp=None, task_vars=None):
        _validated, given = self.validate_argument_spec(argument_spec={'wanted': {'type': 'dict', 'default': {}}})
        mine = controller_vars(self, task_vars, ['diagnose_' + name for name in ('controller_logs', *OPTIONS)])
        paths = mine.pop('diagnose_controller_logs', None)
        if not paths:
            return dict(ActionBase.run(self, tmp, task_vars), **_found(task_vars, []))
        self._task.action = 'oom.rescue.oom_log_info'
        self._task.args = dict(
            {name: mine['diagnose_' + name] for name in OPTIONS if mine.get('diagnose_' + name) is not None},
            paths=paths, directory=os.getcwd(), tasks=0, separately=True, wanted=given['wanted'])
        result = super().run(tmp, task_vars)
        return result if result.get('failed') else dict(_found(task_vars, result['logs']), **{
            name: result[name] for name in ('warnings', 'deprecations') if name in result})


def _found(task_vars, logs):
    """What was found on a host and in the logs from elsewhere, as diagnose_result. Without a host there is advice too.
    """
    of_host = task_vars.get(READ) or {}
    found = {name: of_host.get(name, nothing) for name, nothing in _NOTHING.items()}
    return dict(found, advice=of_host.get('advice') or advise({}, []), elsewhere=logs, changed=False)
