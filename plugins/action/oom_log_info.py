# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.oom.rescue.plugins.module_utils._verdict.log_info import RETURNED
from ansible_collections.oom.rescue.plugins.plugin_utils import answered
from ansible_collections.oom.rescue.plugins.plugin_utils.asked import wishes
from ansible_collections.oom.rescue.plugins.plugin_utils.node_action import NodeAction


class ActionModule(NodeAction):

    def _execute_module(self, module_name=None, module_args=None, tmp=None, task_vars=None, **options):
        """Run the module, or where a playbook asks the remedies next the one that does that too."""
        args = self._task.args
        remedies = answered.asked_next(self, task_vars) if module_name is None and args.get('with_facts') else None
        if not remedies:
            return super()._execute_module(module_name, module_args, tmp, task_vars, **options)
        by_rule, asked, left_out = wishes(self, task_vars)
        result = super()._execute_module('oom.rescue.rescue_info', {
            'diagnosis': args, 'by_rule': by_rule, 'asked': asked, 'left_out': sorted(left_out),
            'remedies': {name: row for name, row in remedies.items() if name not in left_out},
            'most_bytes': args.get('most_bytes', 0)}, tmp, task_vars, **options)
        found = result.pop('diagnosis', None)
        found = found if isinstance(found, dict) else {}
        return dict(result, **{name: found[name] for name in RETURNED if name in found})
