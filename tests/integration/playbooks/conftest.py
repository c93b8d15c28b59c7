# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the real commands of the README, on this machine and in check mode: nothing here changes it."""

import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
# A shortage of the whole machine, without swap.
OUTAGE = ROOT / 'molecule/shared/files/kern.log'


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
    def run(target, own_log=False, **variables):
        report = tmp_path_factory.mktemp('report')
        variables['ARGS'] = ' '.join([*(() if own_log else log), variables.get('ARGS', '')])
        return Play(['make', '--no-print-directory', target, f'REPORT={report}']
                    + [f'{name}={value}' for name, value in variables.items()], report / 'latest')
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
