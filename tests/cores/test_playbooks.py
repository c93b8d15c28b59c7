# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks with one ansible-core, CORE, on this machine as a node: in check mode, so that nothing is changed."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get('CORE', ROOT / '.venv')) / 'bin'
LOG = ROOT / 'molecule/shared/files/kern.log'


@pytest.fixture(name='collections', scope='module')
def fixture_collections(tmp_path_factory):
    """A directory in which this checkout is the collection, and none else."""
    path = tmp_path_factory.mktemp('collections')
    (path / 'ansible_collections/oom').mkdir(parents=True)
    (path / 'ansible_collections/oom/rescue').symlink_to(ROOT)
    return path


@pytest.mark.parametrize('name', ['diagnose', 'remediate', 'verify', 'rollback', 'where'])
def test_a_playbook_ends_without_a_word_of_ansibles_own(name, collections, tmp_path):
    (tmp_path / 'kern.log').write_text(LOG.read_text().replace(' node ', f' {os.uname().nodename} '))
    given = {'report_dir': str(tmp_path / 'report'), 'diagnose_sources': 'files', 'verify_fail': False,
             'diagnose_paths': [str(tmp_path / 'kern.log')], 'swap_path': '/oom-rescue-not-there'}
    environ = {key: value for key, value in os.environ.items() if not key.startswith('ANSIBLE_')}
    done = subprocess.run(
        [BIN / 'ansible-playbook', '-i', 'node,', '-c', 'local', '--check', '--diff', f'oom.rescue.{name}',
         '-e', json.dumps(given), '-e', f'ansible_python_interpreter={sys.executable}'],
        env=dict(environ, ANSIBLE_COLLECTIONS_PATH=str(collections)), cwd=tmp_path, capture_output=True, text=True,
        timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'WARNING' not in done.stderr and 'DEPRECATION' not in done.stderr, done.stderr
    (host,) = json.loads((tmp_path / 'report/report.json').read_text())['hosts']
    assert host['status'] == 'ok', host
    if name in ('diagnose', 'remediate'):
        assert host['verdict']['was_memory'] == 'yes'
