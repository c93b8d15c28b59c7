# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All remedies are asked at one moment: a process is read once for the facts, and once for all of them."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import collections

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError
from ansible_collections.oom.rescue.plugins.module_utils._node import privilege
from ansible_collections.oom.rescue.plugins.module_utils._score import options as score
from ansible_collections.oom.rescue.plugins.module_utils._swappiness import options as swappiness
from ansible_collections.oom.rescue.plugins.module_utils._verdict.ask import Refusal, ask, checked
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


class Validator:
    """Ansible's ArgumentSpecValidator: gives each option its default, and refuses what is not in the specification."""

    def __init__(self, spec, **rules):
        self.spec = spec

    def validate(self, given):
        self.error_messages = ['Unsupported parameters: %s' % name for name in sorted(set(given) - set(self.spec))]
        self.validated_parameters = dict(((name, row.get('default')) for name, row in self.spec.items()), **given)
        return self


@pytest.mark.parametrize('most, returned', [({}, 0), ({'most_bytes': 0}, 0), ({'most_bytes': 5000}, 5000)])
def test_each_remedy_is_asked_with_its_defaults_and_returns_all_unless_told(most, returned):
    found = checked({'swappiness': {'value': 10}, 'swap': None}, Validator, **most)
    assert list(found) == ['swappiness'] and found['swappiness']['most_bytes'] == returned
    assert (found['swappiness']['value'], found['swappiness']['state']) == (10, 'present')


def test_an_option_that_a_remedy_does_not_have_is_refused_in_its_name():
    with pytest.raises(Refusal, match='Unsupported parameters: sizee; Unsupported parameters: valuee') as caught:
        checked({'swap': {}, 'swappiness': {'valuee': 10, 'sizee': 1}}, Validator)
    assert caught.value.result == {'remedy': 'swappiness'}


def test_a_count_of_rows_below_nothing_is_refused(tmp_path):
    with pytest.raises(RescueError, match='candidates is -1: give 0 for all, or how many'):
        ask(seed_node(tmp_path).host, {}, True, -1)
