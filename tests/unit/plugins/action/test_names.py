# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of variables that were meant for this collection, and those that were not."""

from __future__ import absolute_import, division, print_function

import io
import os
import re

import pytest

pytest.importorskip('ansible')

from conftest import ROOT  # noqa: E402

names = pytest.importorskip('ansible_collections.oom.rescue.plugins.plugin_utils.names')


@pytest.mark.parametrize('name, near', [
    ('swap_sizee', 'swap_size'), ('swap_szie', 'swap_size'), ('swap_siz', 'swap_size'),
    ('swappines_value', 'swappiness_value'), ('oom_protect_units', 'oom_protect_unit'),
    ('oomprotect_value', 'oom_protect_value'), ('diagnose_log', None), ('rescue_by_rules', 'rescue_by_rule'),
    ('swap_size', None), ('swap_partition', None), ('_swap_size', None), ('ansible_swap', None), ('map_size', None),
    ('swap_result', None), ('x', None), ('', None),
])
def test_a_name_that_is_two_letters_away_is_told_with_ours(name, near):
    found = names.remarks([name, 'swap_path', 'my_own']) if name else names.remarks([])
    assert [text.rpartition('did you mean ')[2] for text in found] == ([near + '?'] if near else [])


@pytest.mark.parametrize('name', sorted(names.OF_OTHERS))
def test_a_name_of_another_role_is_told_with_ours_and_stands_in_the_guide(name):
    (text,) = names.remarks([name])
    assert text.startswith('%s is a variable of ' % name)
    ours = re.match(r'\w+', names.OF_OTHERS[name][1]).group()
    assert ours in names.known() or ours == 'nothing'
    with io.open(os.path.join(ROOT, 'docs', 'migration.md'), encoding='utf-8') as stream:
        assert '`%s' % name in stream.read()
