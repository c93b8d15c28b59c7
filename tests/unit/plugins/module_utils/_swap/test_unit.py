# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of the unit that turns a swap file on at boot."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._swap.unit import HEADER, priority_of, text_of

BEFORE = '[Swap]\nWhat=/swapfile\nOptions=discard=pages,nofail\n'


@pytest.mark.parametrize('options, lines', [
    ({}, []),
    ({'priority': 5}, ['Priority=5']),
    ({'priority': 0}, ['Priority=0']),
    ({'discard': 'once'}, ['Options=discard=once']),
    ({'priority': 7, 'discard': 'pages'}, ['Priority=7', 'Options=discard=pages']),
    ({'before': BEFORE}, ['Options=discard=pages,nofail']),
    ({'before': BEFORE, 'discard': 'none'}, []),
    ({'before': BEFORE, 'discard': 'once'}, ['Options=discard=once']),
], ids=['nothing', 'priority', 'priority 0', 'discard', 'both', 'options stay', 'no discard', 'another discard'])
def test_a_unit_says_what_was_asked_for(options, lines):
    text = text_of('/swapfile', **options)
    assert text.startswith(HEADER)
    assert text[len(HEADER):].splitlines() == (
        ['[Unit]', 'Description=Swap file', '[Swap]', 'What=/swapfile'] + lines + ['[Install]', 'WantedBy=swap.target'])
    assert priority_of(text) == options.get('priority')


def test_a_percent_sign_of_a_path_is_no_specifier():
    assert 'What=/a%%b\n' in text_of('/a%b')
