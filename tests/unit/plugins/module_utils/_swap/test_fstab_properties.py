# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

# The unit tests of the other Pythons of a node have pytest alone; the imports below stand behind this for it.
pytest.importorskip('hypothesis')

from ansible_collections.oom.rescue.plugins.module_utils._swap import fstab
from hypothesis import given
from hypothesis import strategies as st

_WORDS = ['/s', '//s', '/t', 'none', 'swap', 'ext4', 'sw', 'pri=3', 'noauto', 'discard', '0', '#', '\u00e9']
_FIELDS = st.lists(st.sampled_from(_WORDS), max_size=7)
_LINES = st.lists(st.one_of(
    st.tuples(_FIELDS, st.sampled_from([' ', '\t', '  '])).map(lambda pair: pair[1].join(pair[0])),
    st.text(alphabet='/s # \tswap\r\x0b\x0c\u2028\x1c', max_size=30)), max_size=8)
_TEXTS = st.tuples(_LINES, st.sampled_from(['', '\n'])).map(lambda pair: '\n'.join(pair[0]) + pair[1])
_PRIORITIES = st.one_of(st.none(), st.integers(0, 32767))
_DISCARDS = st.sampled_from([None, 'none', 'all', 'once', 'pages'])


def others(text):
    """The lines that are not about the swap file /s."""
    ours = set(entry['line'] for entry in fstab.swap_entries(text, ['/s']))
    return [line for number, line in enumerate(text.split('\n')) if number not in ours]


@given(_TEXTS, _PRIORITIES, _DISCARDS)
def test_adding_twice_is_adding_once_and_touches_no_other_line(text, priority, discard):
    once = fstab.with_swap(text, ['/s'], priority, discard)
    assert fstab.with_swap(once, ['/s'], priority, discard) == once
    assert len(fstab.swap_entries(once, ['/s'])) == 1
    entry = fstab.swap_entries(once, ['/s'])[0]
    assert 'noauto' not in entry['options']
    assert priority is None or fstab.priority_of(entry) == priority
    assert [line for line in others(once) if line] == [line for line in others(text) if line]


@given(_TEXTS, _PRIORITIES)
def test_removing_what_was_added_brings_back_every_byte_but_a_last_line_feed(text, priority):
    if fstab.swap_entries(text, ['/s']):
        return
    added = fstab.with_swap(text, ['/s'], priority)
    assert fstab.without_swap(added, ['/s']).rstrip('\n') == text.rstrip('\n')
    assert fstab.without_swap(added, ['/s']) in (text, text + '\n')


@given(_TEXTS, _PRIORITIES, _DISCARDS)
def test_lines_that_were_changed_come_back(text, priority, discard):
    entries = fstab.swap_entries(text, ['/s'])
    if len(entries) != 1:
        return
    changed = fstab.with_swap(text, ['/s'], priority, discard)
    assert fstab.with_lines(changed, ['/s'], [entry['raw'] for entry in entries]) == text
