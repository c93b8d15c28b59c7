# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's own runsv in a container: a service has its score now, after a restart and after a kill; undone, to
the byte.
"""

import json
import os
import pathlib
import subprocess

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
PLUGINS = '/root/oom/ansible_collections/oom/rescue/plugins'
NAME = 'runit-%d' % os.getpid()
RUN = '#!/bin/sh -e\nexec 2>&1\nexec /usr/local/sbin/oomtestd infinity\n'
# A server that is root's, below a runsv that is.
SETUP = r"""
install -m 755 /bin/sleep /usr/local/sbin/oomtestd
mkdir -p /etc/sv/oomtestd
printf '%s' "$RUN" > /etc/sv/oomtestd/run
chmod 754 /etc/sv/oomtestd/run
setsid runsvdir /etc/sv > /tmp/log 2>&1 < /dev/null &
"""
NOW = r"""
for _ in $(seq 300); do
    pid=$(cat /etc/sv/oomtestd/supervise/pid 2>/dev/null || true)
    if [ -n "$pid" ] && [ "$pid" != "$OTHER" ] && [ "$(cat /proc/$pid/comm 2>/dev/null)" = oomtestd ]; then
        echo $pid $(cat /proc/$pid/oom_score_adj)
        exit
    fi
    sleep 0.1
done
cat /tmp/log
exit 1
"""
DRIVE = """
import json, sys
sys.path.insert(0, '/root/oom')
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host
from ansible_collections.oom.rescue.plugins.module_utils._score.apply import converge
options = {'state': sys.argv[1], 'value': '300', 'auto_multiple': 2.0, 'allow_unkillable': False, 'persist': 'auto',
           'keep': False, 'restart_policy': 'keep', 'killers': 'report', 'override': [], 'user': [],
           'process': 'oomtestd', 'unit': None, 'container': None, 'pid_file': None}
found = converge(Host(), options)
print(json.dumps({'changed': found['changed'], 'processes': found['processes']}))
"""


def inside(script, **environ):
    words = [word for name in sorted(environ) for word in ('--env', '%s=%s' % (name, environ[name]))]
    return subprocess.run(['podman', 'exec', '--interactive', *words, NAME, 'sh', '-e'], input=script, text=True,
                          check=True, stdout=subprocess.PIPE).stdout


def driven(state):
    done = subprocess.run(['podman', 'exec', '--interactive', NAME, 'python3', '-B', '-', state], input=DRIVE,
                          text=True, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def now(other=''):
    """(pid, score) of the service once it runs with another pid than ``other``."""
    return tuple(int(word) for word in inside(NOW, OTHER=other).split())


@pytest.fixture(name='container')
def fixture_container(tmp_path):
    if os.geteuid() != 0:
        pytest.skip('a container with the score of a server needs root')
    subprocess.run('apt-get download -q runit || { apt-get update -qq && apt-get download -q runit; }', shell=True,
                   cwd=tmp_path, check=True)
    package, = tmp_path.glob('runit_*.deb')
    subprocess.run(['dpkg-deb', '-x', package, tmp_path / 'runit'], check=True)
    image = subprocess.run([REPOSITORY / 'molecule/images/build', 'bookworm'], check=True, text=True,
                           stdout=subprocess.PIPE).stdout.strip()
    subprocess.run(['podman', '--runtime=runc', 'run', '--detach', '--privileged', '--name', NAME, '--network=none',
                    '--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=4096:4096', '--volume',
                    '%s:%s:ro' % (REPOSITORY / 'plugins', PLUGINS), '--volume', '/dev/null:/dev/kmsg', image, 'sleep',
                    'infinity'], check=True, stdout=subprocess.DEVNULL)
    try:
        for name in ('runsv', 'runsvdir', 'sv'):
            subprocess.run(['podman', 'cp', tmp_path / 'runit/usr/bin' / name, NAME + ':/usr/local/bin/'], check=True)
        inside(SETUP, RUN=RUN)
        yield
    finally:
        subprocess.run(['podman', 'rm', '--force', '--time=0', NAME], check=False, stdout=subprocess.DEVNULL)


def test_a_service_of_runit_has_its_score_now_and_after_each_start(container):
    first, score = now()
    assert score == 0
    row, = driven('present')['processes']
    assert (row['manager']['kind'], row['persistent']['by']) == ('runit', '/etc/sv/oomtestd/run')
    assert row['recreate_required'] is None
    assert now() == (first, 300)
    assert driven('present')['changed'] is False
    inside('SVDIR=/etc/sv sv force-restart oomtestd')
    second, score = now(first)
    assert score == 300
    inside('kill -9 %d' % second)
    third, score = now(second)
    assert score == 300
    driven('absent')
    assert now() == (third, 0)
    left = inside('cat /etc/sv/oomtestd/run; stat -c %a /etc/sv/oomtestd/run; ls -d /var/lib/oom-rescue || :')
    assert left == RUN + '754\n'
