# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible.plugins.action import ActionBase
from ansible_collections.oom.rescue.plugins.module_utils._verdict.choice import (
    choose,
    happened,
    only_read,
)
from ansible_collections.oom.rescue.plugins.plugin_utils.asked import wishes
from ansible_collections.oom.rescue.plugins.plugin_utils.controller import try_report
from ansible_collections.oom.rescue.plugins.plugin_utils.names import remarks


class ActionModule(ActionBase):

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        _validated, given = self.validate_argument_spec(
            argument_spec={'diagnosis': {'type': 'dict', 'required': True}, 'facts': {'type': 'dict', 'default': {}},
                           'changes': {'type': 'bool', 'default': False}})
        if given['changes']:
            try_report(self, task_vars)
        by_rule, asked, left_out = wishes(self, task_vars)
        remedies = choose(given['diagnosis'], asked, by_rule, (given['facts'] or {}).get('kept'), left_out)
        kept = {name: value for row in remedies.values() for name, value in row['kept'].items()}
        told = remarks(task_vars)
        if told:
            result['warnings'] = told
        return dict(result, changed=False, by_rule=by_rule, happened=happened(given['diagnosis']), remedies=remedies,
                    kept=kept, only_read=only_read(task_vars['ansible_run_tags']), remarks=told)
