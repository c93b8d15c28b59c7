# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All remedies are asked at one moment: a process is read once for the facts, and once for all of them."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import collections

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._node import privilege
from ansible_collections.oom.rescue.plugins.module_utils._score import options as score
from ansible_collections.oom.rescue.plugins.module_utils._swappiness import options as swappiness
from ansible_collections.oom.rescue.plugins.module_utils._verdict.ask import ask
from fake_node import seed_node


def wanted(spec, **given):
    """The options of a module, with its defaults."""
    return dict(dict((name, row.get('default')) for name, row in spec.items()), **given)


@pytest.mark.parametrize('with_facts', [False, True])
def test_a_process_is_read_once_for_the_facts_and_once_for_all_remedies(tmp_path, with_facts, monkeypatch):
    monkeypatch.setattr(privilege, 'is_root', lambda: True)
    host = seed_node(tmp_path).host
    opened, read = collections.Counter(), host.read

    def noted(path, *args, **options):
        if path.startswith('/proc/13') and path.endswith(('stat', 'status', 'oom_score_adj')):
            opened[path] += 1
        return read(path, *args, **options)

    host.read = noted
    found = ask(host, {
        'swappiness': wanted(swappiness.OPTIONS, value=10),
        'oom_protect': wanted(score.OPTIONS, process=['mysqld', 'dockerd'], value='-500', allow_missing=True),
    }, with_facts)
    assert [row['name'] for row in found['oom_protect']['processes']][:1] == ['mysqld']
    assert found['swappiness'] is not None and (found['memory'] is not None) == with_facts
    assert set(opened.values()) == set([1 + with_facts])
