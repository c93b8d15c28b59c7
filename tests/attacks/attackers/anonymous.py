# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs sleep from memory: anonymous.py NAME."""

import os
import sys

descriptor = os.memfd_create(sys.argv[1])
with open('/bin/sleep', 'rb') as stream:
    os.write(descriptor, stream.read())
print('in place', os.getpid(), flush=True)
os.execve(descriptor, [sys.argv[1], '600'], {})
