# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module of this collection, and accepts from the node only the module's own result.

A node may answer anything: facts with Ansible's own names would set the variables of the controller's tasks.
"""

from __future__ import annotations

import json
import sys

from ansible.module_utils.json_utils import _filter_non_json_lines
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible.release import __version__
from ansible_collections.oom.rescue.plugins.module_utils._files.plain import plain
from ansible_collections.oom.rescue.plugins.module_utils._verdict.shape import (
    LONGEST_TEXT,
    ShapeError,
    accepted,
    cleaned,
    cleaned_json,
    told,
)
from ansible_collections.oom.rescue.plugins.plugin_utils import alone, answered, builds, old_python, payload
from ansible_collections.oom.rescue.plugins.plugin_utils.names import remarks

# A hundred reports with all their processes have 20 MB; of anything else a host has a few hundred kB. What is larger is
# not looked at: each MB costs the controller seconds, in Ansible's own hands as well.
_MOST_CHARACTERS = {'oom_log_info': 64 << 20}
MOST_OF_OTHERS = 4 << 20
REMEDIES = ('swap_file', 'swappiness', 'oom_score_adj')
OWN_ROLES = tuple('oom.rescue.' + name for name in ('swap', 'swappiness', 'oom_protect'))
_MOST_ERRORS = 1 << 16


class NodeAction(NormalAction):

    # Ansible itself would fetch the result of a job in the background, and accept whatever the node says.
    _supports_async = False

    def run(self, tmp=None, task_vars=None):
        """Run the module, or answer what it has told this play already. Returns the result."""
        module = self._task.action.rpartition('.')[2]
        known = self._answered(module, task_vars)
        if known is not None:
            return accepted(module, known)
        try:
            result = super().run(tmp, self._on_controller(task_vars))
        except RecursionError:
            result = {'failed': True, 'msg': 'what it returned is not what %s returns: it is nested too deep' % module}
        # A job in the background has its own result, which Ansible fetches.
        if self._task.async_val:
            return result
        result = accepted(module, result, self._is_of_whole_host(module))
        result = old_python.told(result, __version__, self._interpreter(task_vars))
        if isinstance(result.get('asked'), dict):
            result = dict(result, asked=dict(result['asked'], play=self._play()))
        if module == 'ask_remedies':
            result = answered.kept(result, self._play(), self._task.args)
        told = []
        if self._is_role_alone(module, task_vars):
            host, undone = task_vars['inventory_hostname'], self._task.args.get('state') == 'absent'
            told = remarks(task_vars) + [
                plain('%s: %s' % (host, text), LONGEST_TEXT) for text in alone.unsaid(module, result, undone)]
        return dict(result, warnings=result.get('warnings', []) + told) if told else result

    def _answered(self, module, task_vars):
        """The result of a module that could only repeat what it has told this play, or None."""
        if self._task.async_val or module not in (*REMEDIES, 'ask_remedies'):
            return None
        check_mode = bool(self._task.check_mode and task_vars.get('ansible_check_mode'))
        return answered.answer(module, self._task.args, self._play(), task_vars, check_mode)

    def _play(self):
        """An identifier of this play, different for each play and run."""
        return str(self._task.get_play()._uuid)

    def _is_role_alone(self, module, task_vars):
        """True if a remedy's role runs in somebody's own play: in the playbooks, choose_remedies has told all."""
        role = self._task._role
        return (module in REMEDIES and role is not None and role.get_name() in OWN_ROLES
                and 'rescue_chosen' not in task_vars)

    def _interpreter(self, task_vars):
        host = self._task.delegate_to
        variables = (task_vars.get('ansible_delegated_vars') or {}).get(host) or {} if host else task_vars
        return variables.get('ansible_python_interpreter')

    def _is_of_whole_host(self, module):
        try:
            return module == 'oom_log_info' and boolean(self._task.args.get('with_facts', False))
        except TypeError:
            # The module says what is wrong with it.
            return False

    def _on_controller(self, task_vars):
        """The variables, with the controller's own Python if the module runs there: the nodes' may not exist there."""
        host = self._task.delegate_to
        if not host or getattr(self._connection, 'transport', None) != 'local':
            return task_vars
        delegated = dict(task_vars.get('ansible_delegated_vars') or {})
        delegated[host] = dict(delegated.get(host) or {}, ansible_python_interpreter=sys.executable)
        return dict(task_vars, ansible_delegated_vars=delegated)

    def _configure_module(self, *args, **kwargs):
        module = (kwargs.get('module_name') or args[0]).rpartition('.')[2]
        with builds.kept(module):
            return payload.smaller(super()._configure_module(*args, **kwargs))

    def _parse_returned_data(self, res, *args, **kwargs):
        """Parse the output first: Ansible shows words that it finds in and beside a result."""
        most = _MOST_CHARACTERS.get(self._task.action.rpartition('.')[2], MOST_OF_OTHERS)
        res = dict(res, stdout=told_output(res.get('stdout', ''), most),
                   stderr=cleaned_json(res.get('stderr', '')[-_MOST_ERRORS:]))
        return super()._parse_returned_data(res, *args, **kwargs)


def told_output(output, most):
    """The output of a module as Ansible may see it: JSON of a clean result or, in 64 kB, the reason that there is none.
    """
    if len(output) > most:
        return json.dumps({'failed': True, 'msg': 'what it returned is refused: it has %d characters, and at most %d '
                           'are read' % (len(output), most)})
    try:
        return json.dumps(told(cleaned(_decoded(output))))
    except ShapeError as error:
        return json.dumps({'failed': True, 'msg': 'what it returned is refused: %s' % error})
    except (ValueError, RecursionError):
        # Ansible says what is wrong with it, and with the nesting run() does.
        return cleaned_json(output[:_MOST_ERRORS])


def _decoded(output):
    """What a module printed as a dictionary, without words to Ansible. Raises ValueError if it is none."""
    try:
        result = json.loads(_object_in(output))
    except ValueError:
        # Characters at which only Python ends a line may be in a text, and are removed first.
        result = json.loads(_object_in(cleaned_json(output)))
    return {key: value for key, value in result.items() if not key.startswith('_ansible_')}


def _object_in(output):
    text, _warnings = _filter_non_json_lines(output, objects_only=True)
    return text
