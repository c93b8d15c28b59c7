# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module with ansible-core's own AnsibleModule, without a play: NAME ARGUMENTS-AS-JSON BYTES-OF-MEMORY SECONDS.

It ends by SIGXCPU after so many seconds of the CPU.
"""

import atexit
import importlib
import json
import resource
import sys

from ansible.module_utils import basic

name, arguments, memory, seconds = sys.argv[1:5]
basic._ANSIBLE_ARGS = json.dumps({'ANSIBLE_MODULE_ARGS': json.loads(arguments)}).encode()
basic._ANSIBLE_PROFILE = 'legacy'
resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))


@atexit.register
def tell_memory():
    print('peak_kib', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr, flush=True)


importlib.import_module('ansible_collections.oom.rescue.plugins.modules.' + name).main()
