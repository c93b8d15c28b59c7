# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""oom-rescue.pyz says what ``./rescue`` says, word for word, under the oldest and the newest Python of this machine."""

import json
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
FIXTURES = ROOT / 'tests' / 'unit' / 'fixtures'
# Logs of others, whose licences do not let them into this repository, are read where they lie.
CORPUS = ROOT.parent / 'shared' / 'oom-corpus'
LOGS = [FIXTURES / 'seed-out-of-memory.md', FIXTURES / 'oom-linux-6.12.dmesg'] + [CORPUS / f'{name}.txt' for name in (
    'rackspace-centos6-2.6.32-first-event', 'lore-6.7.4-arch-memcg-v2-rsync', 'rocky8-4.18-numa-mempolicy-syslog')]
PYTHONS = sorted(str(path) for version in ('2.7', '3.6', '3.13')
                 for path in pathlib.Path.home().glob(f'.pyenv/versions/{version}.*/bin/python')) or [sys.executable]


@pytest.fixture(scope='module', name='program')
def fixture_program(tmp_path_factory):
    path = tmp_path_factory.mktemp('pyz') / 'oom-rescue.pyz'
    subprocess.run([sys.executable, ROOT / 'plugins' / 'plugin_utils' / 'single_file.py', path], check=True)
    return path


@pytest.fixture(scope='module', name='told', params=LOGS, ids=lambda path: path.name)
def fixture_told(request, tmp_path_factory):
    """(log, the lines of ``./rescue`` but for its page's, its report.json)."""
    if not request.param.exists():
        pytest.skip('the corpus of third-party logs is not beside this checkout')
    folder = tmp_path_factory.mktemp('report')
    done = subprocess.run([ROOT / 'rescue', 'diagnose', '--log', request.param, '--report', folder, '--json', '-'],
                          capture_output=True, text=True, check=True)
    lines = (folder / 'latest' / 'summary.txt').read_text().splitlines()
    return request.param, [line for line in lines if not line.startswith('Page: ')], json.loads(done.stdout)


def found_in(report):
    return [report[key] for key in ('schema', 'hosts', 'logs')]


@pytest.mark.parametrize('python', PYTHONS)
def test_a_log_is_told_in_the_same_words(program, told, python, tmp_path):
    log, lines, report = told
    out = subprocess.run([python, program, '--json', tmp_path / 'report.json', log], capture_output=True, text=True,
                         check=True).stdout
    assert out.splitlines()[:len(lines)] == lines and len(out.splitlines()) <= len(lines) + 1
    assert found_in(json.loads((tmp_path / 'report.json').read_text())) == found_in(report)
