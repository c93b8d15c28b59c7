# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible.plugins.action import ActionBase
from ansible_collections.oom.rescue.plugins.module_utils._files.plain import plain
from ansible_collections.oom.rescue.plugins.module_utils._verdict.claims import judge
from ansible_collections.oom.rescue.plugins.module_utils._verdict.shape import LONGEST_TEXT

SPEC = {
    'swap': {'type': 'dict'},
    'swappiness': {'type': 'dict'},
    'swappiness_value': {'type': 'int'},
    'oom_protect': {'type': 'dict'},
    'accept_open': {'type': 'bool', 'default': False},
    'fail': {'type': 'bool', 'default': True},
}


class ActionModule(ActionBase):

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        _validated, given = self.validate_argument_spec(argument_spec=SPEC)
        fail = given.pop('fail')
        found = judge(task_vars['ansible_facts']['memory'], **given)
        result.update(found, changed=False)
        if fail and not found['holds']:
            result.update(failed=True, msg=_said(claim for claim in found['claims'] if claim['holds'] is False))
        still_open = [claim for claim in found['claims'] if claim['state'] == 'open']
        # In the playbooks the summary tells it.
        if still_open and 'rescue_chosen' not in task_vars:
            result['warnings'] = ['%s: %s' % (task_vars['inventory_hostname'], _said(still_open))]
        return result


def _said(claims):
    return plain('; '.join('%s: %s' % (claim['claim'], claim['detail']) for claim in claims), LONGEST_TEXT)
