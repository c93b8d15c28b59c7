# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module of this collection, and takes from the node no more than the module's own result.

A node may answer what it likes: with facts of Ansible's own names it would set the variables of the controller's tasks.
"""

from __future__ import annotations

from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible_collections.oom.rescue.plugins.module_utils._verdict.shape import accepted, cleaned_json

_MOST_CHARACTERS = 64 << 20


class NodeAction(NormalAction):

    def run(self, tmp=None, task_vars=None):
        module = self._task.action.rpartition('.')[2]
        try:
            result = super().run(tmp, task_vars)
        except RecursionError:
            result = {'failed': True, 'msg': f'what it returned is not what {module} returns: it is nested too deep'}
        # A job in the background has its own result, which Ansible fetches.
        return result if self._task.async_val else accepted(module, result)

    def _parse_returned_data(self, res, *args, **kwargs):
        """Ansible shows what it finds beside a result, so this comes before it."""
        output = res.get('stdout', '')
        if len(output) > _MOST_CHARACTERS:
            output = f'{len(output)} characters, which is too much'
        res = dict(res, stdout=cleaned_json(output), stderr=cleaned_json(res.get('stderr', '')[-_MOST_CHARACTERS:]))
        return super()._parse_returned_data(res, *args, **kwargs)
