# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Extended attributes of an open file (xattr(7)): SELinux labels, POSIX ACLs and others.

Python 2 does not offer them, nor does a Python 3 that was built against musl; then ctypes asks libc.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import os
import struct

from . import libc

ACL = 'system.posix_acl_access'
SELINUX = 'security.selinux'
# A filesystem without attributes, a kernel without the call, an attribute that went meanwhile.
_NONE = (errno.EOPNOTSUPP, errno.ENOSYS, errno.ENODATA, errno.EINVAL)
# The kernel derives these from the content, and they would not be true of another.
_OF_THE_CONTENT = ('security.ima', 'security.evm')
_LARGEST = 65536  # XATTR_SIZE_MAX and XATTR_LIST_MAX of include/uapi/linux/limits.h
# include/uapi/linux/posix_acl_xattr.h
_USER, _GROUP, _MASK = 0x02, 0x08, 0x10


def names(descriptor):
    """Names of the attributes of an open file; none on a filesystem without them. Raises OSError."""
    try:
        if hasattr(os, 'listxattr'):
            return os.listxattr(descriptor)
        joined = libc.filled(_LARGEST, 'flistxattr', descriptor)
    except (IOError, OSError) as error:
        if error.errno in _NONE:
            return []
        raise
    return [name if str is bytes else os.fsdecode(name) for name in joined.split(b'\0') if name]


def get(descriptor, name):
    """An attribute's bytes, or None if the file has none of that name. Raises OSError."""
    try:
        if hasattr(os, 'getxattr'):
            return os.getxattr(descriptor, name)
        return libc.filled(_LARGEST, 'fgetxattr', descriptor, name if str is bytes else os.fsencode(name))
    except (IOError, OSError) as error:
        if error.errno in _NONE:
            return None
        raise


def put(descriptor, name, value):
    """Set an attribute. Raises OSError."""
    if hasattr(os, 'setxattr'):
        os.setxattr(descriptor, name, value)
        return
    libc.call('fsetxattr', descriptor, name if str is bytes else os.fsencode(name), value, libc.size(len(value)), 0)


def drop(descriptor, name):
    """Remove an attribute, if it is there. Raises OSError."""
    try:
        if hasattr(os, 'removexattr'):
            os.removexattr(descriptor, name)
        else:
            libc.call('fremovexattr', descriptor, name if str is bytes else os.fsencode(name))
    except (IOError, OSError) as error:
        if error.errno not in _NONE:
            raise


def lasting(descriptor):
    """{name: bytes} of the attributes that a file keeps when its content changes. Raises OSError."""
    values = dict((name, get(descriptor, name)) for name in names(descriptor) if name not in _OF_THE_CONTENT)
    return dict((name, value) for name, value in values.items() if value is not None)


def named_in_acl(value):
    """[(``user`` or ``group``, id, permission bits)] that a POSIX ACL names, under its mask; none without an ACL."""
    entries = [struct.unpack_from('<HHI', value, offset) for offset in range(4, len(value or b'') - 7, 8)]
    mask = ([bits for tag, bits, _id in entries if tag == _MASK] or [7])[0]
    return [('user' if tag == _USER else 'group', number, bits & mask)
            for tag, bits, number in entries if tag in (_USER, _GROUP)]
