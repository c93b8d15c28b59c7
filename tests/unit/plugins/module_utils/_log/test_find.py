# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each marker is found where it stands, however it is looked for."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import random

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._log import find
from ansible_collections.oom.rescue.plugins.module_utils._log.find import MARKERS, Finder

PIECES = MARKERS + tuple(marker[1:] for marker in MARKERS) + tuple(marker[:-1] for marker in MARKERS)
PIECES += (b'storage allocation failure', b'Key of ', b'KKK', b'\n', b' ', b'oom')


@pytest.fixture(params=['as a whole', 'by a part'], autouse=True)
def way(request, monkeypatch):
    """Before Python 3.10 a part of some markers is looked for: both ways are tested with every Python."""
    by_part = {b'allocation failure': (b'location fail', 2), b'oom-kill': (b'om-', 1)}
    monkeypatch.setattr(find, '_FASTER', by_part if request.param == 'by a part' else {})


def places(text):
    """Where each marker begins, as bytes.find knows it."""
    return sorted(place for place in range(len(text)) if text.startswith(MARKERS, place))


@pytest.mark.parametrize('seed', range(20))
def test_markers_are_found_one_after_another(seed):
    chance = random.Random(seed)
    text = b''.join(chance.choice(PIECES) for _piece in range(300))
    finder, position, found = Finder(MARKERS), 0, []
    while True:
        place = finder.first(text, position, 0)
        if place < 0:
            break
        found.append(place)
        position = place + 1
    assert found == places(text) and found


@pytest.mark.parametrize('seed', range(20))
def test_a_marker_over_the_seam_of_two_blocks_is_seen(seed):
    chance = random.Random(seed)
    marker = chance.choice(MARKERS)
    cut = chance.randrange(1, len(marker))
    assert Finder(MARKERS).marked(marker[cut:] + b' ' * 100, b'x' * 100 + marker[:cut])
    assert not Finder(MARKERS).marked(marker[cut:] + b' ' * 100, b'x' * 100)


def test_what_has_no_marker_is_not_marked_and_has_none():
    text = b'storage allocation failures\n' * 9
    assert not Finder(MARKERS).marked(b'relocation failure, room-\n' * 9, b'')
    assert Finder(MARKERS).first(b'page allocation failur\n' * 9, 0, 0) == -1
    assert Finder(MARKERS).first(text, 0, 0) == text.index(b'allocation failure')


def test_what_was_found_moves_with_the_buffer():
    block = b'x' * 50 + b'Killed process' + b'x' * 50 + b'page allocation failure'
    finder = Finder(MARKERS)
    assert finder.marked(block, b'')
    finder.moved(1000)
    buffer = b'y' * 1000 + block
    assert finder.first(buffer, 0, 1000) == buffer.index(b'Killed process')
    assert finder.first(buffer, 1051, 1000) == buffer.index(b'allocation failure')
