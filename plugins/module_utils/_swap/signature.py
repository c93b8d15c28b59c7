# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The signature that makes a file a swap area (union swap_header of include/linux/swap.h, mkswap(8))."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import binascii
import io
import os
import struct

from .._files.host import to_bytes, to_native

MAGIC = b'SWAPSPACE2'
# What hibernation puts in the magic's place while an image is in the area (swapon(8), "reinitializing").
_SUSPENDED = (b'S1SUSPEND\0', b'S2SUSPEND\0', b'ULSUSPEND\0', b'LINHIB0001', b'\xed\xc3\x02\xe9\x98\x56\xe5\x0c\0\0')
_PAGE_SIZES = (4096, 8192, 16384, 32768, 65536)
# boot bits (1024), version, last_page, nr_badpages, uuid, label
_HEADER = '=III16s16s'
_OFFSET = 1024


def read_signature(path):
    """The signature of a file or device: {page_size_bytes, version, size_bytes, uuid, label, suspended}, or None.

    ``size_bytes`` is how long the signature says that the area is, its header page included.
    """
    with io.open(path, 'rb') as stream:
        data = stream.read(_PAGE_SIZES[-1])
    for page_size in _PAGE_SIZES:
        if len(data) < page_size:
            break
        magic = data[page_size - len(MAGIC):page_size]
        if magic == MAGIC or magic in _SUSPENDED:
            version, last_page, _bad, uuid, label = struct.unpack_from(_HEADER, data, _OFFSET)
            return {
                'page_size_bytes': page_size,
                'version': version,
                'size_bytes': (last_page + 1) * page_size,
                'uuid': _dashed(uuid),
                'label': to_native(label.split(b'\0')[0]),
                'suspended': magic != MAGIC,
            }
    return None


def _dashed(uuid):
    digits = to_native(binascii.hexlify(uuid))
    return '-'.join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def starts_blank(path):
    """True if a file begins with nothing but zeros where mkswap(8) leaves room for a boot loader."""
    with io.open(path, 'rb') as stream:
        return not stream.read(_OFFSET).strip(b'\0')


def fits(signature, size_bytes, page_size):
    """True if the kernel uses a file of this size whole, with this signature."""
    return (signature is not None and not signature['suspended'] and signature['version'] == 1
            and signature['page_size_bytes'] == page_size
            and signature['size_bytes'] == size_bytes // page_size * page_size)


def header(size_bytes, page_size, kept=None):
    """The first page of a swap area of this size, with UUID and label of the signature ``kept``."""
    page = bytearray(page_size)
    if kept:
        uuid, label = binascii.unhexlify(to_bytes(kept['uuid'].replace('-', ''))), to_bytes(kept['label'])
    else:
        uuid, label = _random_uuid(), b''
    struct.pack_into(_HEADER, page, _OFFSET, 1, size_bytes // page_size - 1, 0, uuid, label)
    page[-len(MAGIC):] = MAGIC
    return bytes(page)


def _random_uuid():
    """The 16 bytes of a UUID of version 4 (RFC 9562, section 5.4), without the memory that the module uuid takes."""
    data = bytearray(os.urandom(16))
    data[6], data[8] = data[6] & 0x0f | 0x40, data[8] & 0x3f | 0x80
    return bytes(data)


def write_signature(descriptor, size_bytes, page_size, kept=None):
    """Make the open file a swap area. The caller has made sure that the kernel does not use it."""
    data = header(size_bytes, page_size, kept)
    os.lseek(descriptor, 0, os.SEEK_SET)
    while data:
        data = data[os.write(descriptor, data):]
    os.fsync(descriptor)
