# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets the tests import the collection by its full name, from this checkout, where no Ansible is installed,
and keeps what they write in memory."""

from __future__ import absolute_import, division, print_function

import os
import sys
import tempfile
import types

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Logs of others, whose licences do not let them into this repository, are read where they lie.
SHARED = os.path.join(os.path.dirname(ROOT), 'shared')
FIXTURES = os.path.join(ROOT, 'tests', 'unit', 'fixtures')
# The page on which a user showed the log of a CentOS 7 host, up to the end of that log.
SEED = os.path.join(FIXTURES, 'seed-out-of-memory.md')


# ansible-test imports the tests by their full names; the names that they import from each other are these.
sys.modules.setdefault('conftest', sys.modules[__name__])
for _folder in ('plugins/module_utils', 'plugins/modules'):
    _folder = os.path.join(ROOT, 'tests', 'unit', *_folder.split('/'))
    if _folder not in sys.path:
        sys.path.append(_folder)


def _package(name, *path):
    module = types.ModuleType(name)
    module.__path__ = list(path)
    sys.modules[name] = module


if 'ansible_collections.oom.rescue' not in sys.modules:
    _package('ansible_collections')
    _package('ansible_collections.oom')
    _package('ansible_collections.oom.rescue', ROOT)
    _package('ansible_collections.oom.rescue.plugins', os.path.join(ROOT, 'plugins'))
    for _kind in ('action', 'filter', 'module_utils', 'modules', 'plugin_utils'):
        _package('ansible_collections.oom.rescue.plugins.' + _kind, os.path.join(ROOT, 'plugins', _kind))


def _in_memory(path='/dev/shm', free_bytes=1 << 30):
    """Whether path is a directory in memory with room for what the tests write, which is some 130 MB."""
    if not os.path.ismount(path) or not os.access(path, os.W_OK):
        return False
    room = os.statvfs(path)
    return room.f_bavail * room.f_frsize >= free_bytes


def pytest_configure(config):
    config.addinivalue_line('markers', 'slow: left out by `make check`; each file of properties is slow')
    config.addinivalue_line('markers', 'properties: a file of properties, left out by `make mutate` too')
    # On a disk half of the time goes to it: a change is synced before it counts, and each test has files of its own.
    if _in_memory() and 'TMPDIR' not in os.environ:
        os.environ.setdefault('PYTEST_DEBUG_TEMPROOT', '/dev/shm')
        tempfile.tempdir = '/dev/shm'


def pytest_addoption(parser):
    parser.addoption('--share', metavar='K/N', help='of the cases of each test the K-th of N shares, and at least one')


def pytest_collection_modifyitems(config, items):
    for item in items:
        if os.path.basename(str(item.fspath)).endswith('_properties.py'):
            item.add_marker('slow')
            item.add_marker('properties')
    if config.getoption('share', None):
        number, of = (int(word) for word in config.getoption('share').split('/'))
        kept = share_of(items, number, of)
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = [item for item in items if item in kept]


def share_of(items, number, of):
    """The set of tests in a share, of which the first is 1: each has every test, and all together have every case."""
    cases = {}
    for item in items:
        cases.setdefault(item.nodeid.split('[')[0], []).append(item)
    return set(case for several in cases.values() for case in several[number % min(of, len(several))::of])
