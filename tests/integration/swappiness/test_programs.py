# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd-sysctl and `sysctl --system` of this host apply a key from files as sysctl.py says they do. Needs root."""

import json
import os
import pathlib
import shlex
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent
CASES = 100
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason='needs root for namespaces')


@pytest.mark.parametrize('seed', [1, 2])
def test_the_programs_do_what_the_order_says(tmp_path, seed):
    # ROOT can name another system's tree, to try the programs of that one (with its own python3).
    lower = os.environ.get('SYSCTL_TREE', '/')
    script = '''
        set -e
        mount -t tmpfs none {tmp}
        mkdir {tmp}/upper {tmp}/work {tmp}/root
        mount -t overlay -o lowerdir={lower},upperdir={tmp}/upper,workdir={tmp}/work none {tmp}/root
        mount --bind /proc {tmp}/root/proc
        mount --bind /dev {tmp}/root/dev
        exec {python} -B {drive} {tmp}/root {seed} {cases}
    '''.format(tmp=shlex.quote(str(tmp_path)), lower=shlex.quote(lower), python=shlex.quote(sys.executable),
               drive=shlex.quote(str(HERE / 'drive_programs.py')), seed=seed, cases=CASES)
    done = subprocess.run(['unshare', '--mount', '--uts', 'bash', '-c', script], stdout=subprocess.PIPE, check=True,
                          universal_newlines=True)
    rows = json.loads(done.stdout)
    assert len(rows) >= CASES
    assert len(set(row['real'] for row in rows)) > 5, 'the programs did set values'
    differing = [row for row in rows if row['real'] != row['expected']]
    assert not differing, json.dumps(differing, indent=1)
