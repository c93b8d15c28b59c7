# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A parent of one name with a child of another that has a huge environment: big_child.py PARENT CHILD MEGABYTES."""

import ctypes
import os
import sys
import time

parent, child, size = sys.argv[1:]
ctypes.CDLL(None).prctl(15, parent.encode(), 0, 0, 0)
if os.fork() == 0:
    program = os.path.dirname(__file__) + '/big_arguments.py'
    os.execv(sys.executable, [sys.executable, '-B', program, 'env', size, child])
time.sleep(600)
