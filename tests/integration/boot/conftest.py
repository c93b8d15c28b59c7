# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine that is rebooted for real. ``--suite=bookworm`` names its suite."""

import contextlib
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'vm'))

from boot_guest import Guest  # noqa: E402
from image import Image, VmError  # noqa: E402
from machine import Machine  # noqa: E402


def pytest_addoption(parser):
    # Another directory's tests may have the option already.
    with contextlib.suppress(ValueError):
        parser.addoption('--suite', default='', help='a Debian suite')


@pytest.fixture(scope='session')
def guest(request):
    suite = request.config.getoption('--suite', '') or 'bookworm'
    machine = Machine('boot-' + suite, Image(suite, packages=['e2fsprogs', 'procps']), smp=1)
    try:
        machine.up()
    except VmError:
        machine.down()
        raise
    yield Guest(machine)
    machine.down()
