# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""uid 0 of a user namespace: user_namespace.py EXECUTABLE [mount]. With mount its directory is a tmpfs of that
root's.
"""

import os
import subprocess
import sys

exe = sys.argv[1]
directory = os.path.dirname(exe)
if '--inside' not in sys.argv:
    # The same process, so that its pid is known.
    os.execvp('unshare', ['unshare', '--user', '--map-root-user', '--mount', sys.executable, '-B', __file__]
              + sys.argv[1:] + ['--inside'])
sleep = open(os.path.realpath('/bin/sleep'), 'rb').read()
if 'mount' in sys.argv:
    subprocess.run(['/bin/mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', directory], check=True)
os.makedirs(directory, exist_ok=True)
with open(exe, 'wb') as stream:
    stream.write(sleep)
os.chmod(exe, 0o755)
assert os.getuid() == 0 and os.stat(exe).st_uid == 0
print('in place', os.getpid(), flush=True)
os.execv(exe, [exe, '600'])
