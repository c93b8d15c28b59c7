# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways to a server by a real sshd: with and without pipelining, behind a bastion, by a user with sudo."""

import json
import os
import sys

import pytest
from conftest import OPTIONS, OUTAGE, ROOT, USER, Play

# (user, whether it is pipelined, whether a bastion is before it): all of them at once, as the hosts of one run.
WAYS = {
    'pipelining': ('root', True, False), 'no-pipelining': ('root', False, False), 'bastion': ('root', True, True),
    'sudo': (USER, True, False), 'sudo-bastion-no-pipelining': (USER, False, True),
}


@pytest.fixture(name='play', scope='module')
def fixture_play(server, tmp_path_factory):
    port, key = server
    directory = tmp_path_factory.mktemp('connections')
    kernel_log = directory / 'kern.log'
    kernel_log.write_text(OUTAGE.read_text().replace(' node ', f' {os.uname().nodename} '))
    jump = f'-o ProxyCommand="ssh {OPTIONS} -i {key} -p {port} -W %h:%p root@127.0.0.1"'
    (directory / 'hosts.json').write_text(json.dumps({'all': {'hosts': {name: {
        'ansible_host': '127.0.0.1', 'ansible_port': port, 'ansible_user': user, 'ansible_pipelining': pipelining,
        'ansible_ssh_private_key_file': str(key), 'ansible_ssh_common_args': f'{OPTIONS} {jump if bastion else ""}',
        'ansible_python_interpreter': sys.executable if user == 'root' else '/usr/bin/python3',
    } for name, (user, pipelining, bastion) in WAYS.items()}}}))
    return Play([str(ROOT / '.venv/bin/ansible-playbook'), 'oom.rescue.remediate', '--check', '--inventory',
                 str(directory / 'hosts.json'), '--extra-vars', json.dumps({
                     'report_dir': str(directory / 'report'), 'diagnose_sources': 'files', 'verify_fail': False,
                     'diagnose_paths': [str(kernel_log)], 'oom_protect_process': 'oom-rescue-none',
                     'oom_protect_allow_missing': True, 'swap_path': '/oom-rescue-not-there'})],
                directory / 'report', {
                    # A connection that is kept would outlive the server, and hold its user.
                    'ANSIBLE_SSH_ARGS': '-o ControlMaster=no'})


@pytest.mark.parametrize('way', WAYS)
def test_a_server_is_diagnosed_over_ssh(play, way):
    assert play.status == 0, play.output
    (host,) = [host for host in play.report['hosts'] if host['name'] == way]
    assert host['status'] in ('ok', 'skipped'), play.output
    assert (host['verdict']['was_memory'], host['verdict']['limit']) == ('yes', 'host')
