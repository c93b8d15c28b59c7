# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module of the collection in a machine without Ansible: drive_module.py NAME ARGUMENTS-AS-JSON [check].

An emulated machine takes a minute for what Ansible does around a module; that part has its own tests.
"""

import importlib
import json
import os
import pathlib
import subprocess
import sys
import types


class AnsibleModule:
    """As much of Ansible's own as the modules use."""

    def __init__(self, argument_spec, supports_check_mode=False, **_rules):
        arguments = json.loads(sys.argv[2])
        self.params = {name: arguments.get(name, spec.get('default')) for name, spec in argument_spec.items()}
        self.check_mode = supports_check_mode and 'check' in sys.argv[3:]

    def run_command(self, argv):
        try:
            done = subprocess.run(argv, capture_output=True, text=True, check=False, env=dict(os.environ, LC_ALL='C'))
        except OSError as error:
            return 127, '', str(error)
        return done.returncode, done.stdout, done.stderr

    def atomic_move(self, source, target):
        os.rename(source, target)

    def log(self, msg):
        pass

    def exit_json(self, **result):
        print(json.dumps(result))
        sys.exit(0)

    def fail_json(self, **result):
        self.exit_json(**dict(result, failed=True))


def main():
    root = pathlib.Path(__file__).resolve().parent
    sys.path.insert(0, str(root))
    for name in ('ansible', 'ansible.module_utils', 'ansible.module_utils.basic'):
        sys.modules[name] = types.ModuleType(name)
    sys.modules['ansible.module_utils.basic'].AnsibleModule = AnsibleModule
    importlib.import_module('ansible_collections.oom.rescue.plugins.modules.' + sys.argv[1]).main()


if __name__ == '__main__':
    main()
