# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine with servers, the module run against it, and the table of manager by proof at the end.

``--suite=trixie`` names the suite; bookworm's machine has every manager, the others systemd alone.
"""

import json
import pathlib
import sys

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(REPOSITORY / 'tests' / 'vm'))

from image import Image, read_spec  # noqa: E402
from machine import Machine  # noqa: E402
from modules import ModuleGuest  # noqa: E402
from servers import ALL, Servers, Systemd  # noqa: E402

PACKAGES = {'sid': ['mysql-server']}
PROOFS = ('live', 'restart', 'kill -9', 'reboot', 'undone')
RESULTS = REPOSITORY / '.cache' / 'results' / 'oom_score_adj.json'
_table = {}


def pytest_addoption(parser):
    parser.addoption('--suite', default='bookworm', help='Debian suite')
    parser.addoption('--managers', default='', help='names of managers to test, comma-separated; all without')


def _managers(config):
    names = [name for name in config.getoption('--managers').split(',') if name]
    return [manager for manager in (ALL if config.getoption('--suite') == 'bookworm' else (Systemd,))
            if not names or manager.name in names]


def pytest_generate_tests(metafunc):
    if 'server' in metafunc.fixturenames:
        managers = _managers(metafunc.config)
        metafunc.parametrize('server', managers, indirect=True, ids=[manager.name for manager in managers])


class Guest(ModuleGuest):
    """The machine and the module run against it."""

    def module(self, check=False, **arguments):
        return super().module('oom_score_adj', check, **arguments)


@pytest.fixture(scope='session')
def guest(request):
    suite = request.config.getoption('--suite')
    image = read_spec(pathlib.Path(__file__).with_name('image.yml')) if suite == 'bookworm' else Image(
        suite, packages=PACKAGES.get(suite, ['mariadb-server']))
    machine = Machine('oom-score-' + suite, image, memory=2048 if suite == 'bookworm' else 1024, smp=1)
    try:
        machine.up()
        yield Guest(machine)
    finally:
        machine.down()


@pytest.fixture(scope='module')
def host(request, guest):
    return Servers(guest, _managers(request.config))


@pytest.fixture
def server(request, host):
    """One of the machine's servers."""
    return next(each for each in host.servers if each.__class__ is request.param)


@pytest.fixture
def proof(request, server):
    """Notes in the table what a test has seen."""
    def seen(name, text='yes'):
        _table.setdefault('%s, %s' % (server.name, request.config.getoption('--suite')), {})[name] = text
    return seen


def pytest_terminal_summary(terminalreporter):
    if not _table:
        return
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    known.update(_table)
    RESULTS.write_text(json.dumps(known, indent=1))
    terminalreporter.write_line('| manager | %s |' % ' | '.join(PROOFS))
    terminalreporter.write_line('|---' * (len(PROOFS) + 1) + '|')
    for name, row in _table.items():
        terminalreporter.write_line('| %s | %s |' % (name, ' | '.join(row.get(key, '-') for key in PROOFS)))
