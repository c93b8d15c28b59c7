# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts COUNT threads: threads.py COUNT."""

import os
import sys
import threading
import time

threading.stack_size(1 << 16)
for _number in range(int(sys.argv[1])):
    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
print('in place', os.getpid(), flush=True)
time.sleep(600)
