# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plugin for pytest-testinfra as somebody has it who installed the collection, about this machine."""

import os
import subprocess
import sys

import pytest
from conftest import ROOT

PLUGIN = 'ansible_collections.oom.rescue.tests.testinfra.oom_rescue'
# What no host has.
NOT_RESCUED = ('--rescue-swap-path=/nonexistent/swapfile', '--rescue-swappiness=123', '--rescue-process=pytest-spared',
               '--rescue-score-adj=321')
SUITE = """
def test_mine(swap_file, swappiness, rescue):
    assert swap_file.area() is None and swap_file.fstab() == []
    assert 0 <= swappiness.now() != rescue('swappiness')
"""


@pytest.fixture(scope='module', name='installed')
def fixture_installed(tmp_path_factory):
    """A directory that a built tarball was installed into."""
    path = tmp_path_factory.mktemp('installed')
    galaxy = str(ROOT / '.venv/bin/ansible-galaxy')
    subprocess.run([galaxy, 'collection', 'build', '--output-path', str(path)], cwd=ROOT, check=True)
    subprocess.run([galaxy, 'collection', 'install', '--force', '--offline', '--collections-path', str(path),
                    *map(str, path.glob('*.tar.gz'))], cwd=path, check=True)
    return path


@pytest.fixture(name='spared')
def fixture_spared():
    """A process of the name that is to be spared, with a score of its own."""
    code = ("import ctypes, time; ctypes.CDLL(None).prctl(15, b'pytest-spared', 0, 0, 0); print(flush=True); "
            'time.sleep(300)')
    with subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        yield process.pid
        process.kill()


def pytest_of(installed, *arguments):
    """(exit status, output) of pytest about this machine."""
    done = subprocess.run([sys.executable, '-m', 'pytest', '-p', 'no:cacheprovider', '--hosts=local://', *NOT_RESCUED,
                           *arguments], cwd=installed, env=dict(os.environ, PYTHONPATH=str(installed)), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout


@pytest.mark.parametrize('plugin', [(), ('-p', PLUGIN)], ids=['found by its conftest', 'named'])
def test_a_host_that_is_not_rescued_fails_with_what_it_lacks(installed, spared, plugin):
    status, output = pytest_of(installed, *plugin, 'ansible_collections/oom/rescue/tests/testinfra')
    assert status == 1, output
    for words in ('the kernel uses no swap file /nonexistent/swapfile', 'there is no file /nonexistent/swapfile',
                  '/etc/fstab names /nonexistent/swapfile 0 times', 'and should be 123',
                  'oom_score_adj should be 321: pytest-spared (pid %d) has' % spared,
                  'oom_score_adj should be 321 at the next start: pytest-spared (pid %d) gets' % spared):
        assert words in output
    assert 'error' not in output.splitlines()[-1]


def test_a_suite_of_ones_own_has_the_fixtures(installed, tmp_path):
    suite = tmp_path / 'test_mine.py'
    suite.write_text(SUITE)
    status, output = pytest_of(installed, '-p', PLUGIN, str(suite))
    assert status == 0, output
