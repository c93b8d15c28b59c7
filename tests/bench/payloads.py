# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible sends to a host for a module, and what a run of it holds there."""

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
COLLECTIONS = ROOT / '.cache/collections'
PING = 'ansible.builtin.ping'
LOG = ROOT / 'molecule/shared/files/kern.log'
WISHES = {'swap': {'size': '8M'}, 'swappiness': {'value': 10},
          'oom_protect': {'process': ['mysqld'], 'allow_missing': True}}
ARGUMENTS = {
    'memory_facts': {},
    'oom_log_info': {'paths': [str(LOG)], 'sources': [], 'with_facts': True, 'tasks': 10, 'candidates': 10},
    'ask_remedies': dict(WISHES, with_facts=True),
    'rescue_info': {'diagnosis': {'paths': [str(LOG)], 'sources': [], 'tasks': 10, 'candidates': 10}, 'by_rule': True,
                    'remedies': WISHES},
    'swap_file': WISHES['swap'],
    'swappiness': WISHES['swappiness'],
    'oom_score_adj': WISHES['oom_protect'],
}
# The module runs of remediate where each remedy has something to do, and where none has.
FIRST = ('rescue_info', 'swap_file', 'swappiness', 'oom_score_adj', 'ask_remedies')
AGAIN = ('rescue_info',)
# Prints the largest resident set, in KiB, of the program that stands on its standard input.
_PEAK = ('import resource, subprocess, sys; '
         'done = subprocess.run([sys.executable], stdin=sys.stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT); '
         'sys.stdout.buffer.write(done.stdout if done.returncode else b""); '
         'print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(done.returncode)')


def text_of(name, arguments=None):
    """The text (bytes) that goes to a host for a module of this collection or PING."""
    os.environ.setdefault('ANSIBLE_COLLECTIONS_PATH', str(COLLECTIONS))
    # Ansible reads its settings when it is imported.
    from ansible.executor.module_common import modify_module
    from ansible.parsing.dataloader import DataLoader
    from ansible.plugins.loader import init_plugin_loader, module_loader
    from ansible.template import Templar
    from ansible.utils.collection_loader import AnsibleCollectionConfig
    if AnsibleCollectionConfig.collection_finder is None:
        init_plugin_loader([str(COLLECTIONS)])
    from ansible_collections.oom.rescue.plugins.plugin_utils import payload
    full = name if '.' in name else 'oom.rescue.' + name
    path = module_loader.find_plugin_with_context(full).plugin_resolved_path
    built = modify_module(
        module_name=full, module_path=path, module_args=dict(arguments or {}, _ansible_check_mode=True),
        templar=Templar(loader=DataLoader(), variables={}), module_compression='ZIP_DEFLATED',
        task_vars={'ansible_python_interpreter': sys.executable})
    if isinstance(built, tuple):
        return payload.smaller((built[1], built[2], built[0], path))[2] if full != name else built[0]
    return (payload.smaller((built, path))[0] if full != name else built).b_module_data


def sent(names):
    """Bytes of all runs of some modules."""
    return sum(len(text_of(name)) for name in names)


def peak(name):
    """The largest resident set of a run of a module on this machine, in check mode, in bytes. Exits if it fails."""
    done = subprocess.run([sys.executable, '-c', _PEAK], input=text_of(name, ARGUMENTS.get(name)),
                          stdout=subprocess.PIPE, check=False)
    if done.returncode:
        sys.exit('%s failed:\n%s' % (name, done.stdout.decode('utf-8', 'replace')))
    return int(done.stdout) << 10
