# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each test is one attack on the real modules and playbooks: its docstring says what the attacker does, its failure
what he got. ``--tree=PATH`` attacks another tree, ``--table=FILE`` keeps what each attack got as JSON.
"""

import compileall
import contextlib
import fcntl
import json
import pathlib
import signal
import subprocess

import pytest
from victim import REPOSITORY, Victim

_outcomes = {}


# A run that is told to end takes its machines, swap and mounts along, as one that is interrupted does.
signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_addoption(parser):
    parser.addoption('--tree', default=str(REPOSITORY), help='the collection to attack')
    parser.addoption('--table', help='a file for what each attack got, as JSON')


@pytest.fixture(name='tree', scope='session')
def fixture_tree(request):
    """The collection to attack. Its bytecode is made once: each of some hundred runs of a module would make its own."""
    tree = pathlib.Path(request.config.getoption('--tree')).resolve()
    compileall.compile_dir(tree / 'plugins', quiet=1)
    return tree


@pytest.fixture(name='victim')
def fixture_victim(tree):
    """A fresh machine for this attack."""
    machine = Victim(tree)
    yield machine
    machine.close()


@pytest.fixture(name='swap_turn', scope='session')
def fixture_swap_turn():
    """Swap is the whole machine's: one run at a time switches it on. It waits for that once, and after all the rest."""
    with open('/tmp/host-swap.lock', 'a', encoding='ascii') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: 'swap_turn' in item.fixturenames)


@pytest.fixture(name='disk')
def fixture_disk(swap_turn, victim, tmp_path):
    """A directory of the machine, /disk, on an ext4 of its own: what can hold a swap file."""
    image = tmp_path / 'disk.img'
    with open(image, 'wb') as stream:
        stream.truncate(192 << 20)
    victim.directory('/disk')
    subprocess.run(['mkfs.ext4', '-q', '-F', image], check=True)
    found = subprocess.run(['losetup', '--find', '--show', image], check=True, stdout=subprocess.PIPE, text=True)
    loop = found.stdout.strip()
    try:
        victim.run(['mount', loop, '/disk'])
        yield '/disk'
    finally:
        off = 'find /disk -type f -exec swapoff {} \\; 2>/dev/null; umount -l /disk'
        victim.run(['sh', '-c', off], check=False)
        subprocess.run(['losetup', '--detach', loop], check=False)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if call.when == 'call' or call.excinfo:
        said = ''
        if call.excinfo:
            said = (str(call.excinfo.value).splitlines() or [call.excinfo.typename])[0]
        _outcomes['%s::%s' % (item.path.name, item.name)] = {
            'attack': ' '.join(item.function.__doc__.split()), 'held': not call.excinfo, 'got': said[:200]}
    return report


def pytest_terminal_summary(terminalreporter, config):
    held = sum(row['held'] for row in _outcomes.values())
    for name, row in sorted(_outcomes.items()):
        if not row['held']:
            terminalreporter.write_line('%s: the attacker got: %s' % (name, row['got']))
    terminalreporter.write_line('%d attacks, %d held' % (len(_outcomes), held))
    if config.getoption('--table'):
        with contextlib.suppress(OSError):
            pathlib.Path(config.getoption('--table')).write_text(json.dumps(_outcomes, indent=1, sort_keys=True))
