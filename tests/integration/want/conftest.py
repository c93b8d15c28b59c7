# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small machine without swap, which a user with sudo rescues while its memory is gone. ``--suite`` names its suite,
``--times`` how often it is tried.
"""

import contextlib
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'vm'))

from image import Image  # noqa: E402
from machine import Machine  # noqa: E402
from want_guest import WantGuest  # noqa: E402


def pytest_addoption(parser):
    # Another directory's tests may have the option already.
    with contextlib.suppress(ValueError):
        parser.addoption('--suite', default='', help='a Debian suite')
    parser.addoption('--times', type=int, default=1, help='how often each is tried')


def pytest_generate_tests(metafunc):
    if 'time' in metafunc.fixturenames:
        metafunc.parametrize('time', range(metafunc.config.getoption('--times')))


@pytest.fixture(scope='module')
def guest(request, tmp_path_factory):
    suite = request.config.getoption('--suite', '') or 'bookworm'
    with Machine('want-' + suite, Image(suite, packages=['procps', 'sudo']), memory=512, smp=1) as machine:
        yield WantGuest(machine, tmp_path_factory.mktemp('rescue'))
