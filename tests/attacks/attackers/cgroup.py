# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names a cgroup below those that are his, and enters it: cgroup.py {"below": [directories], "name", "namespace"}."""

import json
import os
import sys
import time

spec = json.loads(sys.argv[1])
for directory in spec['below']:
    path = os.path.join(directory, spec['name'])
    os.makedirs(path)
    with open(path + '/cgroup.procs', 'w') as stream:
        stream.write(str(os.getpid()))
if spec.get('namespace'):
    os.execvp('unshare', ['unshare', '--user', '--map-root-user', '--cgroup', 'sh', '-c',
                          'echo in place $$; exec sleep 600'])
print('in place', os.getpid(), flush=True)
time.sleep(600)
