# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets the tests import the collection by its full name, from this checkout, where no Ansible is installed."""

from __future__ import absolute_import, division, print_function

import os
import sys
import types

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Logs of others, whose licences do not let them into this repository, are read where they lie.
SHARED = os.path.join(os.path.dirname(ROOT), 'shared')
FIXTURES = os.path.join(ROOT, 'tests', 'unit', 'fixtures')
# The page on which a user showed the log of a CentOS 7 host, up to the end of that log.
SEED = os.path.join(FIXTURES, 'seed-out-of-memory.md')


def _package(name, *path):
    module = types.ModuleType(name)
    module.__path__ = list(path)
    sys.modules[name] = module


if 'ansible_collections.oom.rescue' not in sys.modules:
    _package('ansible_collections')
    _package('ansible_collections.oom')
    _package('ansible_collections.oom.rescue', ROOT)
    _package('ansible_collections.oom.rescue.plugins', os.path.join(ROOT, 'plugins'))
    for _kind in ('module_utils', 'modules', 'filter'):
        _package('ansible_collections.oom.rescue.plugins.' + _kind, os.path.join(ROOT, 'plugins', _kind))
