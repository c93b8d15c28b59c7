# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module of this collection, and takes from the node no more than the module's own result.

A node may answer what it likes: with facts of Ansible's own names it would set the variables of the controller's tasks.
"""

from __future__ import annotations

import json

from ansible.module_utils.json_utils import _filter_non_json_lines
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible_collections.oom.rescue.plugins.module_utils._verdict.shape import accepted, cleaned_json, told

_MOST_CHARACTERS = 64 << 20
_MOST_ERRORS = 1 << 16


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
        """Ansible shows what it finds in and beside a result, so this comes before it."""
        res = dict(res, stdout=_told_output(res.get('stdout', '')),
                   stderr=cleaned_json(res.get('stderr', '')[-_MOST_ERRORS:]))
        return super()._parse_returned_data(res, *args, **kwargs)


def _told_output(output):
    if len(output) > _MOST_CHARACTERS:
        return f'{len(output)} characters, which is too much'
    output = cleaned_json(output)
    try:
        text, _warnings = _filter_non_json_lines(output, objects_only=True)
        result = {key: value for key, value in json.loads(text).items() if not key.startswith('_ansible_')}
        return json.dumps(told(result))
    except (ValueError, RecursionError):
        # Ansible says what is wrong with it, and with the nesting run() does.
        return output
