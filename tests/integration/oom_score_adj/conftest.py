# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine per suite, the module run against it, and the table of manager by proof at the end.

``--suites=bookworm,trixie`` names the suites; bookworm's machine has every manager, the others systemd alone.
"""

import json
import pathlib
import sys

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(REPOSITORY / 'tests' / 'vm'))

from image import Image, VmError, read_spec  # noqa: E402
from machine import Machine  # noqa: E402
from modules import ModuleGuest  # noqa: E402
from servers import ALL, Systemd  # noqa: E402

PACKAGES = {'sid': ['mysql-server']}
PROOFS = ('live', 'again', 'after a restart', 'after a kill', 'after a reboot', 'undone')
RESULTS = REPOSITORY / '.cache' / 'results' / 'oom_score_adj.json'
_table = {}


def pytest_addoption(parser):
    parser.addoption('--suites', default='bookworm', help='Debian suites, comma-separated')
    parser.addoption('--machine', default='', help='a machine that runs already, of the first suite')
    parser.addoption('--managers', default='', help='names of managers to test, comma-separated; all without')


def pytest_generate_tests(metafunc):
    if 'place' in metafunc.fixturenames:
        asked = [name for name in metafunc.config.getoption('--managers').split(',') if name]
        places = [(suite, manager) for suite in metafunc.config.getoption('--suites').split(',')
                  for manager in (ALL if suite == 'bookworm' else (Systemd,)) if not asked or manager.name in asked]
        metafunc.parametrize('place', places, scope='module', indirect=True,
                             ids=['%s-%s' % (suite, manager.name) for suite, manager in places])


class Guest(ModuleGuest):
    """The machine and the module run against it."""

    def module(self, check=False, **arguments):
        return super().module('oom_score_adj', check, **arguments)


@pytest.fixture(scope='session')
def guests(request):
    """Machines by suite, one at a time."""
    running = {}
    ours = request.config.getoption('--machine')
    if ours:
        yield lambda suite: Guest(Machine(ours))
        return

    def guest(suite):
        if suite not in running:
            for other in list(running):
                running.pop(other).machine.down()
            image = (read_spec(pathlib.Path(__file__).with_name('image.yml')) if suite == 'bookworm'
                     else Image(suite, packages=PACKAGES.get(suite, ['mariadb-server'])))
            machine = Machine('oom-score-%s' % suite, image)
            try:
                machine.up()
                if suite == 'bookworm':
                    machine.provision(pathlib.Path(__file__).with_name('provision'))
            except VmError:
                machine.down()
                raise
            running[suite] = Guest(machine)
        return running[suite]

    yield guest
    for other in running.values():
        other.machine.down()


@pytest.fixture(scope='module')
def place(request, guests):
    """A server in its manager: the machine has no other."""
    suite, manager = request.param
    server = manager(guests(suite))
    server.suite = suite
    server.up()
    yield server
    server.down()


@pytest.fixture
def proof(request, place):
    """Notes in the table what a test has seen."""
    def seen(name, text='yes'):
        _table.setdefault('%s, %s' % (place.name, place.suite), {})[name] = text
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
