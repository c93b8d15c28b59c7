# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import uuid

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._swap import signature as swap_signature

MIB = 1 << 20
UUID = '01234567-89ab-cdef-0123-456789abcdef'
KEPT = {'uuid': UUID, 'label': 'db'}


def write(path, data):
    with open(str(path), 'wb') as stream:
        stream.write(data)
    return str(path)


@pytest.mark.parametrize('page_size', [4096, 8192, 16384, 65536])
def test_a_header_is_read_back(tmpdir, page_size):
    data = swap_signature.header(MIB, page_size, KEPT)
    assert len(data) == page_size
    signature = swap_signature.read_signature(write(tmpdir.join('s'), data + b'\0' * page_size))
    assert signature == {'page_size_bytes': page_size, 'version': 1, 'size_bytes': MIB, 'uuid': UUID, 'label': 'db',
                         'suspended': False}
    assert swap_signature.fits(signature, MIB, page_size)
    assert not swap_signature.fits(signature, MIB, page_size * 2)
    assert not swap_signature.fits(signature, 2 * MIB, page_size)


def test_a_new_area_has_a_random_uuid_of_its_own(tmpdir):
    found = [uuid.UUID(swap_signature.read_signature(write(tmpdir.join('s'), swap_signature.header(MIB, 4096)))['uuid'])
             for dummy in range(64)]
    assert set((one.version, one.variant) for one in found) == set([(4, uuid.RFC_4122)])
    assert len(set(found)) == 64


def test_a_header_is_mkswaps_byte_for_byte():
    # The first page of mkswap 2.38.1 --uuid UUID --label db on a file of 1 MiB: all zero but these.
    page = bytearray(swap_signature.header(MIB, 4096, KEPT))
    assert bytes(page[1024:1054]) == (b'\x01\0\0\0\xff\0\0\0\0\0\0\0'
                                      b'\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xefdb')
    assert bytes(page[4086:]) == b'SWAPSPACE2'
    page[1024:1054] = b'\0' * 30
    page[4086:] = b'\0' * 10
    assert bytes(page) == b'\0' * 4096


@pytest.mark.parametrize('data', [b'', b'x' * 100, b'\0' * 65536, b'\0' * 4085 + b'SWAPSPACE2\0'],
                         ids=['empty', 'short', 'zeros', 'misplaced'])
def test_what_has_no_signature_has_none(tmpdir, data):
    assert swap_signature.read_signature(write(tmpdir.join('s'), data)) is None


def test_an_area_with_a_hibernation_image_is_one_and_does_not_fit(tmpdir):
    data = swap_signature.header(MIB, 4096, KEPT).replace(b'SWAPSPACE2', b'S1SUSPEND\0')
    signature = swap_signature.read_signature(write(tmpdir.join('s'), data))
    assert signature['suspended'] and not swap_signature.fits(signature, MIB, 4096)


def test_writing_leaves_the_file_as_long_as_it_was(tmpdir):
    path = write(tmpdir.join('s'), b'\xff' * 40960)
    descriptor = os.open(path, os.O_RDWR)
    try:
        swap_signature.write_signature(descriptor, 40960, 4096)
    finally:
        os.close(descriptor)
    assert os.path.getsize(path) == 40960
    assert swap_signature.read_signature(path)['size_bytes'] == 40960
