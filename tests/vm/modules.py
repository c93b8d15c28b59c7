# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's modules in a virtual machine, run there without Ansible, which takes a minute around each."""

import json
import pathlib
import shlex

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]


class ModuleGuest:
    """A machine with the modules in it."""

    def __init__(self, machine):
        self.machine = machine
        self.check, self.run, self.reboot = machine.check, machine.run, machine.reboot
        machine.put(HERE / 'drive_module.py', '/root/oom/drive_module.py')
        machine.put(REPOSITORY / 'plugins', '/root/oom/ansible_collections/oom/rescue/plugins')

    def module(self, name, check=False, **arguments):
        """A module's result, failed ones too."""
        return json.loads(self.check('python3 -B /root/oom/drive_module.py %s %s%s' % (
            name, shlex.quote(json.dumps(arguments)), ' check' if check else '')))
