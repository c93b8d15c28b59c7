# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the real commands of the README, on this machine and in check mode: nothing here changes it."""

import contextlib
import json
import os
import pathlib
import pwd
import re
import shutil
import socket
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
# A shortage of the whole machine, without swap.
OUTAGE = ROOT / 'molecule/shared/files/kern.log'
# The user of fixture_server, and how its sshd is reached.
USER = 'oom-rescue-test'
OPTIONS = '-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o IdentitiesOnly=yes -o LogLevel=ERROR'


class Play:
    """One run: its exit status, what it printed, the summary and the page."""

    def __init__(self, argv, report, environ=None, directory=ROOT):
        environ = {key: value for key, value in os.environ.items() if not key.startswith(('ANSIBLE_', 'MAKE'))} | (
            environ or {})
        process = subprocess.run(argv, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                 timeout=300, env=environ, check=False)
        self.status, self.output = process.returncode, process.stdout
        self.folder = report
        summary, page = report / 'summary.txt', report / 'index.html'
        self.summary = summary.read_text(encoding='utf-8') if summary.exists() else None
        self.page = page.read_text(encoding='utf-8') if page.exists() else None

    @property
    def report(self):
        """What report.json holds."""
        return json.loads((self.folder / 'report.json').read_text(encoding='utf-8'))

    @property
    def lines(self):
        return (self.summary or '').splitlines()

    @property
    def module_runs(self):
        """The modules that were run, in their order, of a run with -vvv and without pipelining."""
        return re.findall(r'PUT .* TO .*/AnsiballZ_(\w+)\.py', self.output)

    @property
    def told(self):
        """The summary as one line, as its lines are wrapped."""
        return ' '.join((self.summary or '').split())

    def error_of(self, name):
        """Why a host failed, whole: in a summary of many hosts each has one line."""
        return next(host['error'] for host in self.report['hosts'] if host['name'] == name)


@pytest.fixture(scope='session', name='log')
def fixture_log(tmp_path_factory):
    """Options that name the log of the machine: what else happened on it, its own log holds too."""
    path = tmp_path_factory.mktemp('log') / 'variables.json'
    # A report that names another host is none of this one's.
    outage = path.with_name('kern.log')
    text = OUTAGE.read_text(encoding='utf-8').replace(' node ', f' {os.uname().nodename} ')
    outage.write_text(text, encoding='utf-8')
    path.write_text(json.dumps({'diagnose_sources': 'files', 'diagnose_paths': [str(outage)]}), encoding='utf-8')
    return ('--extra-vars', f'@{path}')


@pytest.fixture(scope='session', name='make')
def fixture_make(tmp_path_factory, log):
    """``make(target, LOG=..., CHECK=1)``, its report in a directory of its own; ``own_log`` reads this machine's."""
    def run(target, own_log=False, environ=None, **variables):
        report = tmp_path_factory.mktemp('report')
        variables['ARGS'] = ' '.join([*(() if own_log else log), variables.get('ARGS', '')])
        return Play(['make', '--no-print-directory', target, f'REPORT={report}']
                    + [f'{name}={value}' for name, value in variables.items()], report / 'latest', environ)
    return run


@pytest.fixture(scope='session', name='playbook')
def fixture_playbook(tmp_path_factory, log):
    """``playbook(name, *options)`` of ansible-playbook, its report in a directory of its own."""
    def run(name, *options):
        report = tmp_path_factory.mktemp('report')
        return Play([str(ROOT / '.venv/bin/ansible-playbook'), name, '--extra-vars', f'report_dir={report}', *log,
                     *options], report)
    return run


@pytest.fixture(scope='session', name='seed')
def fixture_seed():
    """The report of a real CentOS 7 host, inside a Markdown page."""
    return ROOT / 'tests/unit/fixtures/seed-out-of-memory.md'


@pytest.fixture(name='server', scope='module')
def fixture_server(tmp_path_factory):
    """(port, key) of an sshd that lets in root and USER, who may become root without a password."""
    folder = tmp_path_factory.mktemp('sshd')
    for name in ('host', 'user'):
        subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', folder / name], check=True)
    # The user's own process reads the key: every folder above it lets others in.
    keys = pathlib.Path('/run/oom-rescue-test')
    keys.mkdir(mode=0o755, exist_ok=True)
    shutil.copy(folder / 'user.pub', keys / 'keys')
    (keys / 'keys').chmod(0o644)
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    config = folder / 'sshd_config'
    config.write_text(f'Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {keys}/keys\n'
                      f'PermitRootLogin yes\nUsePAM no\nStrictModes no\nPidFile none\n'
                      f'Subsystem sftp internal-sftp\n')
    sudoers = pathlib.Path('/etc/sudoers.d/oom-rescue-test')
    with contextlib.suppress(KeyError):
        pwd.getpwnam(USER)
        subprocess.run(['userdel', '--remove', USER], check=False)
    subprocess.run(['useradd', '--create-home', '--password', '*', '--shell', '/bin/sh', USER], check=True)
    sudoers.write_text(f'{USER} ALL=(root) NOPASSWD: ALL\n')
    os.makedirs('/run/sshd', exist_ok=True)
    daemon = subprocess.Popen([shutil.which('sshd', path='/usr/sbin:/sbin:/usr/bin'), '-D', '-e', '-f', config],
                              stderr=(folder / 'log').open('w'))
    try:
        for _attempt in range(100):
            with socket.socket() as tried:
                if tried.connect_ex(('127.0.0.1', port)) == 0:
                    break
            time.sleep(0.1)
        yield port, folder / 'user'
    finally:
        daemon.terminate()
        daemon.wait()
        sudoers.unlink()
        shutil.rmtree(keys)
        subprocess.run(['userdel', '--remove', USER], check=False, stderr=subprocess.DEVNULL)
