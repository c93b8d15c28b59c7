# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Five rows of tests/vm/breaks.py in one container with a systemd that is started again: what verify says of a score is
what its next start gives.
"""

import json
import os
import pathlib
import subprocess
import sys
import time

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
VM = REPOSITORY / 'tests' / 'vm'
sys.path.insert(0, str(VM))

import breaks  # noqa: E402
import breaks_rows  # noqa: E402

ROWS = ('its drop-in removed, not reloaded', 'a later drop-in, not reloaded', 'choom in ExecStartPost',
        'killed and started again', 'a later drop-in of the template')
NAME = 'breaks-%d' % os.getpid()
# Positive, as not every host may lower a score.
SCORE = 300
SECONDS = 600


def inside(script):
    return subprocess.run(['podman', 'exec', '--interactive', NAME, 'bash', '-e'], input=script, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@pytest.fixture(name='container', scope='module')
def fixture_container():
    if os.geteuid() != 0:
        pytest.skip('a systemd in a container needs root')
    image = subprocess.run([REPOSITORY / 'molecule/images/build', 'bookworm'], check=True, text=True,
                           stdout=subprocess.PIPE).stdout.strip()
    subprocess.run(['podman', '--runtime=runc', 'run', '--detach', '--systemd=always', '--name', NAME, '--network=none',
                    '--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=4096:4096', '--volume',
                    '%s:/root/oom/%s:ro' % (REPOSITORY / 'plugins', breaks.PLUGINS), '--volume',
                    '/dev/null:/dev/kmsg', image, '/sbin/init'], check=True, stdout=subprocess.DEVNULL)
    yield
    subprocess.run(['podman', 'rm', '--force', '--time=0', NAME], check=False, stdout=subprocess.DEVNULL)


def told():
    """What the guest found, by batch; it powers off where a machine would reboot, and is started again."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        state = subprocess.run(['podman', 'inspect', '--format', '{{.State.Status}}', NAME], check=True, text=True,
                               stdout=subprocess.PIPE).stdout.strip()
        if state == 'exited':
            subprocess.run(['podman', '--runtime=runc', 'start', NAME], check=True, stdout=subprocess.DEVNULL)
        lines = inside('cat /root/oom/told').stdout.splitlines()
        found = [json.loads(line.partition(' ')[2]) for line in lines if line.startswith('BREAKS ')]
        if found and found[-1]['batch'] is None:
            return found[:-1]
        time.sleep(0.5)
    raise AssertionError('it did not come to its end: ' + inside('journalctl --unit=breaks --no-pager').stdout)


def test_what_verify_says_of_a_score_is_what_the_next_start_gives(container):
    todo = breaks.batches([row for row in breaks_rows.ROWS if row.remedy == 'score' and row.name in ROWS])
    assert [len(batch) for batch in todo] == [len(ROWS)]
    for _attempt in range(200):
        if inside('systemctl is-system-running --wait').stdout.strip() in ('running', 'degraded'):
            break
        time.sleep(0.2)
    plan = breaks.plan_of(todo, score=SCORE, console='/root/oom/told', begin='true',
                          reboot=['systemctl', 'poweroff', '--no-block'])
    subprocess.run(['podman', 'cp', str(VM / 'breaks_guest.py'), NAME + ':/root/oom/breaks_guest.py'], check=True)
    inside("cat > /root/oom/plan.json <<'END'\n%s\nEND" % json.dumps(plan))
    started = inside(breaks_rows.HELPERS + breaks_rows.SERVERS_SETUP)
    assert started.returncode == 0, started.stdout
    found, = told()
    wrong = {row.name: breaks.judged(row, *(found[name][slot] for name in ('before', 'broken', 'booted', 'mended')))
             for slot, row in todo[0].items()}
    assert wrong == dict.fromkeys(ROWS, [])
