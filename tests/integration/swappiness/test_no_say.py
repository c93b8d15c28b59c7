# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a node may not set vm.swappiness, as in a container, nothing is done and the reason is said. Needs root."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason='needs root for namespaces')


@pytest.fixture(name='tree')
def fixture_tree(tmp_path):
    collection = tmp_path / 'ansible_collections/oom/rescue'
    collection.mkdir(parents=True)
    (collection / 'plugins').symlink_to(REPOSITORY / 'plugins')
    (tmp_path / 'drive_module.py').write_text((REPOSITORY / 'tests/vm/drive_module.py').read_text())
    return tmp_path


@pytest.mark.parametrize('enter, word', [
    (['unshare', '--mount', 'sh', '-c',
      'mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && exec "$@"', 'sh'], 'read-only'),
    (['unshare', '--user', '--map-root-user'], 'user namespace'),
], ids=['read-only /proc/sys', 'user namespace'])
@pytest.mark.parametrize('arguments', [
    {'value': 10, 'conflicts': 'override'}, {'state': 'absent'}], ids=['present', 'absent'])
def test_a_container_is_told_why_and_nothing_is_written(tree, enter, word, arguments):
    argv = [sys.executable, '-B', str(tree / 'drive_module.py'), 'swappiness', json.dumps(arguments)]
    before = pathlib.Path('/proc/sys/vm/swappiness').read_text(), sorted(os.listdir('/etc/sysctl.d'))
    done = subprocess.run(enter + argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert word in result['skipped_reason']
    assert (result['changed'], result['actions'], result['after']['after_reboot']) == (False, [], None)
    assert (pathlib.Path('/proc/sys/vm/swappiness').read_text(), sorted(os.listdir('/etc/sysctl.d'))) == before
