# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds memory whose every page is its own: guest_hog.py MEGABYTES.

Writes into /run/hog.state when it is filled, and at SIGUSR1 whether every page is still what it was.
"""

import mmap
import pathlib
import signal
import struct
import sys

PAGE = 4096
STATE = pathlib.Path('/run/hog.state')

memory = mmap.mmap(-1, int(sys.argv[1]) << 20)


def check(*_):
    whole = all(struct.unpack_from('=QQ', memory, place) == (place, ~place & 0xffffffffffffffff)
                for place in range(0, len(memory), PAGE))
    STATE.write_text('whole' if whole else 'lost')


for offset in range(0, len(memory), PAGE):
    struct.pack_into('=QQ', memory, offset, offset, ~offset & 0xffffffffffffffff)
signal.signal(signal.SIGUSR1, check)
STATE.write_text('filled')
while True:
    signal.pause()
