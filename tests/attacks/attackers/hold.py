# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps a file open (r, w) or locked (lock): hold.py PATH HOW."""

import fcntl
import os
import sys
import time

path, how = sys.argv[1:]
try:
    descriptor = os.open(path, os.O_WRONLY if how == 'w' else os.O_RDONLY)
    if how == 'lock':
        fcntl.flock(descriptor, fcntl.LOCK_EX)
except PermissionError:
    # Then there is nothing to hold, and the attack ends here.
    pass
print('in place', os.getpid(), flush=True)
time.sleep(600)
