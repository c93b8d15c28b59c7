# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one emulator and ends with it: DIRECTORY UNTIL-PID LIFETIME COMMAND...

The emulator dies with this process (PR_SET_PDEATHSIG), and this process ends it when the process UNTIL-PID (0: none)
is gone or LIFETIME seconds have passed: a crash of whoever wanted the machine leaves none behind.
"""

import ctypes
import os
import pathlib
import signal
import subprocess
import sys
import time

PR_SET_PDEATHSIG = 1


def start_time(pid):
    """When a process began, in clock ticks: a recycled pid is another process. None where there is none."""
    try:
        fields = pathlib.Path('/proc/%d/stat' % pid).read_text().rsplit(')', 1)[1].split()
    except OSError:
        return None
    return None if fields[0] == 'Z' else fields[19]


def main():
    directory, until, lifetime = pathlib.Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    began = start_time(until) if until else None
    with open(directory / 'qemu.err', 'w') as errors:
        emulator = subprocess.Popen(sys.argv[4:], stdin=subprocess.DEVNULL, stdout=errors, stderr=errors, preexec_fn=(
            lambda: ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)))
    signal.signal(signal.SIGTERM, lambda *_: emulator.kill())
    partial = directory / 'pid.part'
    partial.write_text('%d\n' % emulator.pid)
    os.rename(partial, directory / 'pid')
    end = time.monotonic() + lifetime
    while emulator.poll() is None:
        if (until and start_time(until) != began) or time.monotonic() > end:
            emulator.kill()
        time.sleep(0.2)


if __name__ == '__main__':
    main()
