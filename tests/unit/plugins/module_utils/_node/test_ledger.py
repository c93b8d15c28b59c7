# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a ledger add up to its total, and the largest one is the eater."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._node.ledger import eater_of, make_ledger, make_part

MIB = 1 << 20


def ledger_of(total, *parts):
    return make_ledger(total * MIB, [make_part(kind, None if size is None else size * MIB, name)
                                     for kind, size, name in parts])


def test_parts_and_what_no_counter_holds_add_up_to_the_total():
    ledger = ledger_of(1000, ('free', 50, None), ('process', 600, 'mysqld'), ('page_tables', None, None))
    assert sum(part['bytes'] or 0 for part in ledger['parts']) + ledger['unaccounted_bytes'] == 1000 * MIB
    assert [(part['kind'], part['share']) for part in ledger['parts']] == [
        ('process', 0.6), ('free', 0.05), ('page_tables', None)]


def test_more_than_the_total_is_said_as_less_than_nothing():
    assert ledger_of(100, ('process', 101, 'php'))['unaccounted_bytes'] == -MIB


@pytest.mark.parametrize('parts, expected', [
    ([('process', 600, 'mysqld'), ('free', 300, None)], ('process', 'mysqld', 0.6)),
    ([('process', 100, 'mysqld'), ('free', 900, None)], ('process', 'mysqld', 0.1)),
    ([('processes', 600, None), ('process', 200, 'mysqld'), ('free', 200, None)], ('process', 'mysqld', 0.2)),
    ([('processes', 600, 'php-fpm'), ('process', 200, 'mysqld')], ('processes', 'php-fpm', 0.6)),
    ([('process', 200, 'firewalld'), ('free', 100, None)], ('unaccounted', None, 0.7)),
    ([('sockets', None, None)], ('unaccounted', None, 1.0)),
    ([('slab_unreclaimable', 500, None), ('process', 400, 'a')], ('slab_unreclaimable', None, 0.5)),
])
def test_the_eater_is_the_largest_that_is_used(parts, expected):
    eater = eater_of(ledger_of(1000, *parts))
    assert (eater['kind'], eater['name'], round(eater['share'], 6)) == expected


def test_without_a_ledger_or_with_free_memory_alone_there_is_no_eater():
    assert eater_of(None) is None
    assert eater_of(ledger_of(100, ('free', 100, None))) is None


def test_a_kind_that_is_not_known_is_a_fault_of_the_program():
    with pytest.raises(ValueError):
        make_part('ram', 1)
