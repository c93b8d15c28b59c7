# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks with one ansible-core, CORE, on this machine as a node: each in check mode, then for real."""

import fcntl
import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get('CORE', ROOT / '.venv')) / 'bin'
LOG = ROOT / 'molecule/shared/files/kern.log'
SWAPFILE = pathlib.Path('/oom-rescue-core.swap')
FSTAB = pathlib.Path('/etc/fstab')
# What a rescue leaves on a host, and only it.
LEFT = [pathlib.Path('/etc/sysctl.d/99-zz-oom-rescue.conf'), pathlib.Path('/var/lib/oom-rescue'), SWAPFILE]


@pytest.fixture(name='collections', scope='module')
def fixture_collections(tmp_path_factory):
    """A directory in which this checkout is the collection, and none else."""
    path = tmp_path_factory.mktemp('collections')
    (path / 'ansible_collections/oom').mkdir(parents=True)
    (path / 'ansible_collections/oom/rescue').symlink_to(ROOT)
    return path


@pytest.fixture(name='play')
def fixture_play(collections, tmp_path):
    """``play(name, *options, variable=value)``: runs a playbook without a word of Ansible's own, and gives its host."""
    (tmp_path / 'kern.log').write_text(LOG.read_text().replace(' node ', f' {os.uname().nodename} '))
    environ = {key: value for key, value in os.environ.items() if not key.startswith('ANSIBLE_')}

    def run(name, *options, **variables):
        given = {'report_dir': str(tmp_path / 'report'), 'diagnose_sources': 'files',
                 'diagnose_paths': [str(tmp_path / 'kern.log')], 'swap_path': str(SWAPFILE), **variables}
        done = subprocess.run(
            [BIN / 'ansible-playbook', '-i', 'node,', '-c', 'local', *options, f'oom.rescue.{name}',
             '-e', json.dumps(given), '-e', f'ansible_python_interpreter={sys.executable}'],
            env=dict(environ, ANSIBLE_COLLECTIONS_PATH=str(collections)), cwd=tmp_path, capture_output=True, text=True,
            timeout=600, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert 'WARNING' not in done.stderr and 'DEPRECATION' not in done.stderr, done.stderr
        (host,) = json.loads((tmp_path / 'report/report.json').read_text())['hosts']
        assert host['status'] == 'ok', host
        return host
    return run


@pytest.fixture(name='turn')
def fixture_turn():
    """This machine's swap and swappiness, while nobody else's tests change them."""
    with open('/tmp/host-swap.lock', 'a', encoding='utf-8') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.mark.parametrize('name', ['diagnose', 'remediate', 'verify', 'rollback', 'where'])
def test_a_playbook_says_what_it_would_do(name, play):
    host = play(name, '--check', '--diff', verify_fail=False)
    if name in ('diagnose', 'remediate'):
        assert host['verdict']['was_memory'] == 'yes'


def test_a_node_is_rescued_verified_and_as_it_was(play, turn):
    assert not [path for path in LEFT if path.exists()], 'this machine was rescued already'
    before = FSTAB.read_bytes()
    # Whether this machine's own init reads fstab may be unknown, as in a container: that is open, and accepted.
    variables = {'swap_size': '64M', 'verify_accept_open': True}
    try:
        play('remediate', **variables)
        assert str(SWAPFILE) in pathlib.Path('/proc/swaps').read_text()
        assert str(SWAPFILE).encode() in FSTAB.read_bytes()
        play('verify', **variables)
    finally:
        play('rollback', **variables)
    assert str(SWAPFILE) not in pathlib.Path('/proc/swaps').read_text()
    assert FSTAB.read_bytes() == before
    assert not [path for path in LEFT if path.exists()]
