# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""COUNT processes called mysqld at any time, each for some milliseconds: churn.py COUNT. Ends after ten seconds."""

import ctypes
import os
import sys
import time

libc = ctypes.CDLL(None)
end = time.time() + 10
print('in place', os.getpid(), flush=True)
living = 0
while time.time() < end:
    while living < int(sys.argv[1]):
        if os.fork() == 0:
            libc.prctl(15, b'mysqld', 0, 0, 0)
            time.sleep(0.01)
            os._exit(0)
        living += 1
    os.wait()
    living -= 1
