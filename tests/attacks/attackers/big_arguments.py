# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says to the kernel that its arguments or environment are this large (prctl(2), PR_SET_MM_MAP, needs no privilege).

big_arguments.py arg|env MEGABYTES COMM: the memory is mapped and never written, so it costs the attacker nothing.
"""

import ctypes
import mmap
import os
import sys
import time

PR_SET_NAME, PR_SET_MM, PR_SET_MM_MAP = 15, 35, 14
which, size, comm = sys.argv[1], int(sys.argv[2]) << 20, sys.argv[3]

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
place = libc.mmap(None, size, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
# Without a byte at the end that is not NUL the kernel takes the rest for a rewritten title.
ctypes.memset(place + size - 2, 120, 1)
with open('/proc/self/stat') as stream:
    fields = [int(field) if field.lstrip('-').isdigit() else 0 for field in stream.read().rsplit(')', 1)[1].split()]
# Fields 3 and on of proc(5): 26 startcode, 27 endcode, 28 startstack, 45 to 51 data, brk, arguments, environment.
code, end_code, stack = fields[23], fields[24], fields[25]
data, end_data, brk, arg, end_arg, env, end_env = fields[42:49]
if which == 'arg':
    arg, end_arg = place, place + size
else:
    env, end_env = place, place + size


class Map(ctypes.Structure):
    """struct prctl_mm_map of include/uapi/linux/prctl.h."""

    _fields_ = [(name, ctypes.c_uint64) for name in (
        'start_code', 'end_code', 'start_data', 'end_data', 'start_brk', 'brk', 'start_stack', 'arg_start', 'arg_end',
        'env_start', 'env_end', 'auxv')] + [('auxv_size', ctypes.c_uint32), ('exe_fd', ctypes.c_uint32)]


layout = Map(code, end_code, data, end_data, brk, libc.sbrk(0) and brk, stack, arg, end_arg, env, end_env, 0, 0,
             0xffffffff)
if libc.prctl(PR_SET_MM, PR_SET_MM_MAP, ctypes.byref(layout), ctypes.c_ulong(ctypes.sizeof(layout)), 0):
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
libc.prctl(PR_SET_NAME, comm.encode(), 0, 0, 0)
print('in place', os.getpid(), flush=True)
time.sleep(600)
