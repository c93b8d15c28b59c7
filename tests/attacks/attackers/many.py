# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts COUNT processes with KILOBYTES of arguments: many.py COUNT KILOBYTES."""

import os
import sys
import time

count, size = int(sys.argv[1]), int(sys.argv[2])
for _number in range(count):
    if os.fork() == 0:
        os.execv('/bin/sh', ['sh', '-c', 'sleep 600'] + ['x'] * (size << 9))
time.sleep(1)
print('in place', os.getpid(), flush=True)
time.sleep(600)
