# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes with old and new Pythons in one inventory: one command, and one report of all."""

import glob
import json
import os
import pathlib

import pytest
from conftest import ROOT, Play

VERSIONS = {'centos7': '2.7', 'el8': '3.6', 'new': '3.13'}


def interpreter(version):
    root = os.environ.get('PYENV_ROOT') or pathlib.Path.home() / '.pyenv'
    found = glob.glob(f'{root}/versions/{version}.*/bin/python{version[0]}')
    if not found:
        pytest.skip(f'python {version} is not on this host')
    return found[0]


def test_old_and_new_nodes_are_told_in_one_report(tmp_path):
    rows = ''.join(f'{name} ansible_connection=local ansible_python_interpreter={interpreter(version)}\n'
                   for name, version in VERSIONS.items())
    (tmp_path / 'hosts').write_text('[all]\n' + rows)
    (tmp_path / 'calm.log').write_text('nothing\n')
    read = {'diagnose_sources': 'files', 'diagnose_paths': [str(tmp_path / 'calm.log')]}
    play = Play([str(ROOT / 'rescue'), 'diagnose', '-i', str(tmp_path / 'hosts'), '-e', json.dumps(read), '--report',
                 str(tmp_path / 'report')], tmp_path / 'report/latest')
    assert play.status == 0, play.output
    assert {host['name']: (host['status'], host['needs_core']) for host in play.report['hosts']} == {
        name: ('ok', None) for name in VERSIONS}
    assert 'centos7, el8: too old a Python for this ansible-core; the same with ansible-core 2.16' in play.output
    assert all(f'>{name}</h2>' in play.page for name in VERSIONS)
    assert not (play.folder / 'parts.json').exists()


def test_the_newer_core_says_which_one_an_old_node_needs(tmp_path):
    (tmp_path / 'hosts').write_text(
        f'old ansible_connection=local ansible_python_interpreter={interpreter("2.7")}\n')
    play = Play([str(ROOT / '.venv/bin/ansible-playbook'), '-i', str(tmp_path / 'hosts'), 'oom.rescue.diagnose',
                 '-e', f'report_dir={tmp_path}/report'], tmp_path / 'report')
    assert play.status == 2
    assert [host['needs_core'] for host in play.report['hosts']] == ['2.16']
    assert 'its Python is too old for ansible-core' in play.summary
    assert 'SyntaxError' not in play.output
