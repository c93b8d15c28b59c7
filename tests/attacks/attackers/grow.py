# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes to a file as fast as it can, at most MEGABYTES: grow.py PATH MEGABYTES."""

import os
import sys
import time

path, size = sys.argv[1], int(sys.argv[2]) << 20
lines = b'a line that says Out of memory and no more\n' * 1000
written = 0
with open(path, 'ab', 0) as stream:
    stream.write(lines)
    print('in place', os.getpid(), flush=True)
    while written < size:
        written += stream.write(lines)
time.sleep(600)
