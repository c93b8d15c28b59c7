# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine that is watched, with a hook that notes what it is told. ``--suite=bookworm`` names its suite, or its init.
"""

import contextlib
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'vm'))

from breaks import INITS  # noqa: E402
from image import VmError  # noqa: E402
from machine import Machine  # noqa: E402
from watch_guest import CronGuest, Guest, image_of  # noqa: E402


def pytest_addoption(parser):
    # Another directory's tests may have the option already.
    with contextlib.suppress(ValueError):
        parser.addoption('--suite', default='', help='a Debian suite, or an init')
    parser.addoption('--kills', type=int, default=3, help='how many kills of a kind are timed')


@pytest.fixture
def kills(request):
    return range(request.config.getoption('--kills'))


@pytest.fixture(scope='module')
def guest(request, tmp_path_factory):
    suite = request.config.getoption('--suite', '') or request.module.SUITE
    machine = Machine('watch-' + suite, image_of(suite), memory=512)
    try:
        machine.up()
    except VmError:
        machine.down()
        raise
    yield (CronGuest if suite in INITS else Guest)(machine, tmp_path_factory.mktemp('pyz'))
    machine.down()
