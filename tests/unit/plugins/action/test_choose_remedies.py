# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which variables ask for a remedy is said of each variable of a role; the playbooks' tests set them."""

from __future__ import absolute_import, division, print_function

import io
import os

import pytest

pytest.importorskip('ansible')

import yaml  # noqa: E402
from conftest import ROOT  # noqa: E402

asked = pytest.importorskip('ansible_collections.oom.rescue.plugins.plugin_utils.asked')


@pytest.mark.parametrize('remedy', sorted(asked.WHAT))
def test_every_variable_of_a_remedy_says_what_or_how(remedy):
    with io.open(os.path.join(ROOT, 'roles', remedy, 'meta', 'argument_specs.yml'), encoding='utf-8') as stream:
        options = yaml.safe_load(stream)['argument_specs']['main']['options']
    assert sorted(asked.WHAT[remedy] + asked.HOW[remedy]) == sorted(options)
