# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files.sizes import (
    SizeError,
    format_size,
    parse_size,
    taken_as,
)


@pytest.mark.parametrize('written, size_bytes', [
    (2147483648, 2147483648),
    ('2147483648', 2147483648),
    ('512M', 536870912),
    ('2G', 2147483648),
    ('2g', 2147483648),
    ('2GiB', 2147483648),
    ('2 GB', 2147483648),
    ('1.5G', 1610612736),
    ('0', 0),
    ('1T', 1099511627776),
])
def test_sizes_are_read_in_powers_of_1024(written, size_bytes):
    assert parse_size(written) == size_bytes


@pytest.mark.parametrize('written', ['', 'auto', '-1', '2X', '2 G G', '1e9', '0x10', 'G', '9' * 400, None])
def test_what_is_no_size_is_refused_with_the_text_found(written):
    with pytest.raises(SizeError) as error:
        parse_size(written)
    assert repr(written) in str(error.value)


@pytest.mark.parametrize('written, taken', [
    ('2GB', '2GB is taken as 2 GiB, 2147483648 bytes: units are powers of 1024'),
    ('512 mb', '512 mb is taken as 512 MiB, 536870912 bytes: units are powers of 1024'),
    ('1.5G', '1.5G is taken as 1.5 GiB, 1610612736 bytes: units are powers of 1024'),
    ('2G', None), ('2GiB', None), ('2147483648', None), ('1.5', None), ('auto', None), ('2xram', None),
])
def test_a_size_that_people_mean_in_two_ways_is_told_as_it_is_taken(written, taken):
    assert taken_as(written) == taken


def test_a_share_of_the_ram_is_told_as_it_is_written_here():
    with pytest.raises(SizeError) as error:
        parse_size('50%')
    assert str(error.value).endswith('or 0.5xram for 50% of the RAM')


@pytest.mark.parametrize('size_bytes, text', [
    (None, 'unknown'),
    (0, '0 bytes'),
    (1023, '1023 bytes'),
    (4096, '4 KiB'),
    (76663 * 4096, '299 MiB'),
    (2147483648, '2 GiB'),
    (1610612736, '1.5 GiB'),
    (-2147483648, '-2 GiB'),
    (10307921511, '9.6 GiB'),
    (10254234419, '9.5 GiB'),
    (10254234420, '9.6 GiB'),
    (1931482234, '1.8 GiB'),
    (2147483647, '2 GiB'),
    (1099511627776 + 54975581389, '1.1 TiB'),
])
def test_sizes_are_written_in_the_largest_unit_that_fits(size_bytes, text):
    assert format_size(size_bytes) == text
