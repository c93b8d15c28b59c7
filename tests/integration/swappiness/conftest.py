# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine per suite with tuned. ``--suites=bookworm,trixie`` names the suites."""

import contextlib
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'vm'))

from image import Image, VmError  # noqa: E402
from machine import Machine  # noqa: E402
from vm_guest import Guest  # noqa: E402


def pytest_addoption(parser):
    # Another directory's tests may have the option already.
    with contextlib.suppress(ValueError):
        parser.addoption('--suites', default='', help='Debian suites, comma-separated')


def pytest_generate_tests(metafunc):
    if 'guest' in metafunc.fixturenames:
        suites = metafunc.config.getoption('--suites', '') or 'bookworm,trixie'
        metafunc.parametrize('guest', suites.split(','), scope='session', indirect=True)


@pytest.fixture(scope='session')
def guest(request):
    machine = Machine('swappiness-' + request.param, Image(request.param, packages=['tuned', 'procps']), smp=1)
    try:
        machine.up()
    except VmError:
        machine.down()
        raise
    yield Guest(request.param, machine)
    machine.down()
