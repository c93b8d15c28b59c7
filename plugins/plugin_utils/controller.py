# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables that decide what is read and written on the controller.

A role's variables are looked up for the host of the task, and a host's facts win over a role's defaults and the
inventory. So these are looked up for localhost, over whose facts a node has no influence.
"""

from __future__ import annotations

import os

from ansible.errors import AnsibleActionFail
from ansible.template import Templar

from .report_files import ReportError, parse_mode, try_directory, write_files


def controller_vars(action, task_vars, names):
    """{name: value} of those of ``names`` that are set, as the same task would have them on localhost."""
    hostvars = task_vars['hostvars']
    try:
        variables = hostvars._variable_manager.get_vars(
            play=action._task.get_play(), host=hostvars._inventory.get_host('localhost'), task=action._task)
    except AttributeError as error:
        raise AnsibleActionFail(f'this ansible-core does not tell the variables of localhost: {error}') from error
    templar = Templar(loader=action._loader, variables=variables)
    return {name: templar.template(variables[name]) for name in names if name in variables}


def try_report(action, task_vars):
    """Fail, before anything is changed, if the role report could not write where its variables say."""
    found = controller_vars(action, task_vars, ['report_dir', 'report_mode'])
    if found.get('report_dir'):
        write_report(os.path.abspath(os.path.expanduser(found['report_dir'])), found.get('report_mode', '0600'))


def write_report(directory, mode, files=None, is_newer=None):
    """write_files(), or try_directory() without files, whose errors are failures of the task."""
    try:
        if files is None:
            try_directory(directory, parse_mode(mode))
        else:
            write_files(directory, files, parse_mode(mode), is_newer)
    except ReportError as error:
        raise AnsibleActionFail(str(error)) from error
    except OSError as error:
        words = 'no report can be written there' if files is None else 'the report is not written'
        raise AnsibleActionFail('%s: %s: %s' % (directory, error.strerror, words)) from error
