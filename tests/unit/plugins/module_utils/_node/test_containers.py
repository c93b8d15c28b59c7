# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._node.containers import (
    container_facts,
    docker_name,
    option,
    recreate_text,
)
from fake_node import CONTAINER, Node

ID = CONTAINER


@pytest.mark.parametrize('text', [None, '', '{', '[]', '{"Name": null}'])
def test_a_configuration_that_says_nothing_gives_no_name(tmp_path, text):
    node = Node(tmp_path)
    if text is not None:
        node.file('/var/lib/docker/containers/%s/config.v2.json' % ID, text)
        node.file('/var/lib/docker/containers/%s/hostconfig.json' % ID, text)
    assert docker_name(node.host, ID) is None
    assert container_facts(node.host, {'kind': 'docker', 'container_id': ID}, []) == {
        'configured': None, 'compose': None, 'unit': None}


@pytest.mark.parametrize('words, expected', [
    (['conmon', '-n', 'db'], 'db'),
    (['conmon', '--name', 'db'], 'db'),
    (['conmon', '--name=db'], 'db'),
    (['conmon', '-n'], None),
    (['conmon', '-N', 'db'], None),
])
def test_an_option_is_read_in_each_of_its_forms(words, expected):
    assert option(words, '-n', '--name') == expected


@pytest.mark.parametrize('user, value, expected', [
    (None, 500, 'container db has to be created again with `podman run --oom-score-adj=500 ...`'),
    (1000, 500, 'container db has to be created again with `podman run --oom-score-adj=500 ...`'),
    (1000, -600, ('container db runs without root, and a user may not lower a score: run it as root with '
                  '`podman run --oom-score-adj=-600 ...`')),
], ids=['raised', 'raised without root', 'lowered without root'])
def test_a_container_needs_an_option_that_its_user_may_give(user, value, expected):
    assert recreate_text({'kind': 'podman', 'name': 'db', 'user': user}, {}, value) == expected
