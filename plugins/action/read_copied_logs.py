# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a host by the module oom_log_info, and here the logs that were copied to the controller.

Both are one task: each task of a host is a process of the controller's, and what it returns is kept for each host.
"""

from __future__ import annotations

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible_collections.oom.rescue.plugins.action.oom_log_info import ActionModule as OfHost
from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError, said
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host
from ansible_collections.oom.rescue.plugins.module_utils._verdict.advice import advise
from ansible_collections.oom.rescue.plugins.module_utils._verdict.log_info import OPTIONS, log_info
from ansible_collections.oom.rescue.plugins.module_utils._verdict.shape import accepted
from ansible_collections.oom.rescue.plugins.plugin_utils.controller import controller_vars

_OF_LOCALHOST = ('since', 'until', 'limit')
# What is there without a host.
_NOTHING = {'events': [], 'signals': [], 'incidents': [], 'verdict': None, 'caveats': [], 'remedies': [], 'summary': {},
            'fork_failures': [], 'replays': [], 'why': None, 'raw': []}
# What a host's result has beside its diagnosis.
_BESIDE = ('ansible_facts', 'asked', 'warnings', 'deprecations')


class ActionModule(OfHost):

    def run(self, tmp=None, task_vars=None):
        _validated, given = self.validate_argument_spec(argument_spec={
            'wanted': {'type': 'dict', 'default': {}}, 'host': {'type': 'dict'}})
        if given['host'] is None:
            of_host = ActionBase.run(self, tmp, task_vars)
        else:
            self._task.action = 'oom.rescue.oom_log_info'
            self._task.args = dict(given['host'], with_facts=True, wanted=given['wanted'])
            of_host = super().run(tmp, task_vars)
            if of_host.get('failed'):
                return of_host
        found = {name: of_host.get(name, nothing) for name, nothing in _NOTHING.items()}
        found.update((name, of_host[name]) for name in _BESIDE if name in of_host)
        return dict(found, advice=of_host.get('advice') or advise({}, []), changed=False,
                    elsewhere=self._elsewhere(given['wanted'], task_vars))

    def _elsewhere(self, wanted, task_vars):
        """What each log that was copied to the controller holds, as a list. Fails if none can be read at all."""
        mine = controller_vars(self, task_vars, ['diagnose_' + name for name in ('controller_logs', *_OF_LOCALHOST)])
        paths = mine.pop('diagnose_controller_logs', None)
        if not paths:
            return []
        options = {name: mine['diagnose_' + name] for name in _OF_LOCALHOST if mine.get('diagnose_' + name) is not None}
        checked = ArgumentSpecValidator(OPTIONS).validate(dict(
            options, paths=paths, tasks=0, separately=True, wanted=wanted))
        if checked.error_messages:
            raise AnsibleActionFail('; '.join(checked.error_messages))
        try:
            result = accepted('oom_log_info', log_info(Host('/'), checked.validated_parameters))
        except (RescueError, OSError) as error:
            raise AnsibleActionFail(said(error)) from error
        if result.get('failed'):
            raise AnsibleActionFail(result['msg'])
        return result['logs']
