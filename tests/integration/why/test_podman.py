# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this machine's own Podman says of a container, in the words that it is asked in."""

import importlib
import io
import os
import pathlib
import subprocess
import sys
import tarfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'unit'))
importlib.import_module('conftest')  # makes the collection importable

from ansible_collections.oom.rescue.plugins.module_utils._facts.why import why_facts
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host

NAME = 'why-%d' % os.getpid()


def podman(*argv, **options):
    return subprocess.run(['podman', *argv], check=True, stdout=subprocess.PIPE, **options).stdout.decode().strip()


@pytest.fixture(name='identity', scope='module')
def fixture_identity():
    """The id of a container that was never started."""
    empty = io.BytesIO()
    tarfile.open(fileobj=empty, mode='w').close()
    podman('import', '-', NAME, input=empty.getvalue())
    try:
        yield podman('create', '--name', NAME, '--memory', '20m', NAME, '/none')
        podman('rm', '--force', NAME)
    finally:
        podman('rmi', '--force', NAME)


def test_a_container_is_known_by_its_name(identity):
    facts = why_facts(Host(), 'container:' + NAME)
    container = facts['container']
    assert (facts['known'], container['engine'], container['id'], container['name']) == (
        True, 'podman', identity, NAME), facts['sources']
    assert (container['oom_killed'], container['status'], container['limit_bytes']) == (False, 'created', 20 << 20)


def test_a_name_that_it_does_not_have_has_near_ones(identity):
    assert identity
    facts = why_facts(Host(), 'container:%sx' % NAME)
    assert not facts['known'] and facts['near'] == [NAME]
