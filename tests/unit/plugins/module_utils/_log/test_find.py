# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each marker is found where it stands, however it is looked for."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import random

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._log.find import MARKERS, Finder

PIECES = MARKERS + tuple(marker[1:] for marker in MARKERS) + tuple(marker[:-1] for marker in MARKERS)
PIECES += (b'storage allocation failure', b'Key of ', b'KKK', b'\n', b' ', b'oom')


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
