# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

from ansible.plugins.action import ActionBase
from ansible_collections.oom.rescue.plugins.plugin_utils.controller import controller_vars


class ActionModule(ActionBase):

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        _validated, given = self.validate_argument_spec(
            argument_spec={'names': {'type': 'list', 'elements': 'str', 'required': True}})
        return dict(result, changed=False, vars=controller_vars(self, task_vars, given['names']),
                    working_directory=os.getcwd())
