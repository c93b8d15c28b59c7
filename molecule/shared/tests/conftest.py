# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only the scenarios know: how the host was before, and what the runs said."""

import json
import pathlib

import pytest

FILES = r"""
find /etc /opt /root /run/systemd/system /run/sysctl.d /srv /usr/local /var/lib /var/spool 2>/dev/null \
    \( -path /var/lib/mysql -o -path /var/lib/systemd -o -path /var/lib/dpkg -o -path /root/.ansible \) -prune -o \
    -type f -exec stat -c '%n %a %U:%G' {} + -exec sha256sum {} + -o -type l -printf '%p -> %l\n' | sort
"""
STATE = r"""
for pid in $(grep -sxlE 'mysqld|mariadbd' /proc/[0-9]*/comm | cut -d/ -f3); do
    echo "mysqld $pid $(cat /proc/$pid/oom_score_adj)"
done
! command -v systemctl > /dev/null || systemctl show mariadb -p OOMScoreAdjust -p DropInPaths -p Restart -p NRestarts
"""


def pytest_addoption(parser):
    parser.addoption('--notes', type=pathlib.Path, help='the directory that the scenario keeps its notes in')


@pytest.fixture
def notes(request):
    return request.config.getoption('--notes')


@pytest.fixture
def records(notes):
    """What each run recorded, in order: {check, results: {role: result}}."""
    return [json.loads(path.read_text(encoding='utf-8')) for path in sorted((notes / 'results').iterdir())]


@pytest.fixture
def host_now(host, rescue):
    """The host's files and what of its state the remedies change, a line each."""
    # The machine's swappiness belongs to whoever runs a scenario that sets it.
    swappiness = 'cat /proc/sys/vm/swappiness;' if 'swappiness' in rescue('remedies') else ''
    # Containers see all swap of the machine, that of other scenarios too.
    swap = host.run('grep -o ^%s /proc/swaps', rescue('swap_path')).stdout
    return (host.check_output(FILES) + '\n' + swap + host.check_output(swappiness + STATE)).splitlines()


@pytest.fixture
def host_before(notes, host_now):
    """The same when it was first asked for, in prepare."""
    before = notes / 'before.txt'
    if not before.exists():
        before.write_text('\n'.join(host_now), encoding='utf-8')
    return before.read_text(encoding='utf-8').splitlines()
