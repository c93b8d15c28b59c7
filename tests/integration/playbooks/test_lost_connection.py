# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A controller that loses its server between two roles: the next run completes what was done, a rollback undoes it."""

import json
import os
import pathlib
import sys

import pytest
from conftest import OPTIONS, OUTAGE, ROOT, Play
from test_rescue import RECORDS, SWAPFILE, SYSCTL, state

# An ssh that does not reach its server any more once the file SIGN is there, as after the first remedy.
LOST = '''#!/bin/sh
[ ! -e {sign} ] || exit 255
exec ssh "$@"
'''


def files_of_etc():
    """{path: bytes} of all files below /etc."""
    return {path: path.read_bytes() for path in pathlib.Path('/etc').rglob('*') if path.is_file()}


@pytest.fixture(name='run')
def fixture_run(server, tmp_path):
    """``run(name, lost=False)`` of a playbook by ssh, as far as it comes: ``lost`` ends it after the role of swap."""
    port, key = server
    kernel_log, ssh = tmp_path / 'kern.log', tmp_path / 'ssh'
    kernel_log.write_text(OUTAGE.read_text().replace(' node ', f' {os.uname().nodename} '))
    ssh.write_text(LOST.format(sign=SWAPFILE))
    ssh.chmod(0o755)
    (tmp_path / 'hosts.json').write_text(json.dumps({'all': {'hosts': {'db1': {
        'ansible_host': '127.0.0.1', 'ansible_port': port, 'ansible_user': 'root', 'ansible_pipelining': True,
        'ansible_ssh_private_key_file': str(key), 'ansible_ssh_common_args': OPTIONS,
        'ansible_python_interpreter': sys.executable}}}}))

    def run(name, lost=False):
        wish = {'swap_path': str(SWAPFILE), 'swap_size': '64M', 'swappiness_value': 10, 'verify_accept_open': True,
                'report_dir': str(tmp_path / 'report'), 'diagnose_sources': 'files',
                'diagnose_paths': [str(kernel_log)]}
        return Play([str(ROOT / '.venv/bin/ansible-playbook'), f'oom.rescue.{name}', '--inventory',
                     str(tmp_path / 'hosts.json'), '--extra-vars', json.dumps(wish)], tmp_path / 'report',
                    {'ANSIBLE_SSH_ARGS': '-o ControlMaster=no', 'ANSIBLE_SSH_RETRIES': '0'} | (
                        {'ANSIBLE_SSH_EXECUTABLE': str(ssh)} if lost else {}))
    return run


@pytest.mark.parametrize('next_run', ['remediate', 'rollback'])
def test_what_was_done_before_is_whole_and_is_completed_or_undone(run, next_run):
    before, etc = state(), files_of_etc()
    if before['records'] or before['sysctl']:
        pytest.skip(f'{RECORDS} or {SYSCTL} is there: this machine was rescued already')
    try:
        play = run('remediate', lost=True)
        assert play.status == 4 and 'changed=1 ' in play.output and 'unreachable=1 ' in play.output, play.output
        half = state()
        assert half['swap'] and half['records'] and str(SWAPFILE).encode() in half['fstab'], play.output
        assert (half['sysctl'], half['swappiness']) == (before['sysctl'], before['swappiness'])
        if next_run == 'remediate':
            play = run('remediate')
            assert play.status == 0 and 'changed=1 ' in play.output, play.output
            held = {claim['remedy'] for claim in play.report['hosts'][0]['claims'] if claim['now']}
            assert {'swap', 'swappiness'} <= held, play.report
            assert state()['swappiness'] == '10\n'
    finally:
        play = run('rollback')
    assert play.status == 0 and state() == before, play.output
    assert files_of_etc() == etc
