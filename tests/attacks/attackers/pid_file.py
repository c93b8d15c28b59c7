# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a pid file that is not what it seems: pid_file.py PATH KIND PID."""

import os
import sys

path, how, pid = sys.argv[1:]
if how == 'link':
    os.symlink('/etc/shadow', path)
elif how == 'hardlink':
    # The kernel's protected_hardlinks refuses this for /etc/shadow; his own file has two names.
    with open(path + '.x', 'w') as stream:
        stream.write(pid)
    os.link(path + '.x', path)
elif how == 'text':
    with open(path, 'w') as stream:
        stream.write(pid)
elif how == 'newline':
    with open(path, 'w') as stream:
        stream.write('%s\n\x1b[31m$6$\n' % pid)
elif how == 'fifo':
    os.mkfifo(path)
else:
    os.symlink('/dev/zero', path)
print('made')
