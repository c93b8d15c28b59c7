# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rulebook, run by a real ansible-rulebook on a journal that systemd-journal-remote writes: what is proven is
answered, what somebody says is not. `tests/eda/run` makes the environment."""

import json
import os
import pathlib
import shutil
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / '.cache' / 'eda' / 'bin'
REMOTE = pathlib.Path('/lib/systemd/systemd-journal-remote')
MESSAGE = {'id': 'abc', 'time': '2026-01-01T00:00:00+00:00', 'host': 'db1', 'sentence': 'It was memory.',
           'actor': 'kernel', 'limit': 'host', 'proven': True,
           'victims': [{'name': '{{ 1 }}', 'pid': 7, 'unit': None, 'container': None}],
           'caveats': [], 'remedy': None, 'would_tell': [], 'page': 'https://example.org'}
WATCH = {'_UID': '0', '_SYSTEMD_UNIT': 'oom-rescue-watch.service'}
# Stand in for the collection's playbooks: they note that they were run, and on which host.
PLAYBOOK = """
- hosts: "{{ rescue_hosts }}"
  gather_facts: false
  tasks:
    - ansible.builtin.lineinfile:
        path: %s
        line: "%s {{ inventory_hostname }}"
        create: true
        mode: "0600"
      delegate_to: localhost
"""


def export(fields):
    """A record in the journal's export format."""
    now = int(time.time() * 1e6)
    head = {'__REALTIME_TIMESTAMP': now, '__MONOTONIC_TIMESTAMP': now, '_BOOT_ID': 'a' * 32,
            'SYSLOG_IDENTIFIER': 'oom-rescue'}
    return ''.join('%s=%s\n' % pair for pair in dict(head, **fields).items()) + '\n'


def record(**changes):
    return export(dict({'MESSAGE': 'm', 'OOM_RESCUE': json.dumps(dict(MESSAGE, **changes))}, **WATCH))


class Rulebook:
    """ansible-rulebook on a journal of its own; ``done`` are the lines of the playbooks that it ran."""

    def __init__(self, path, remediate):
        self.path, self.done_file = path, path / 'done'
        collection = path / 'collections' / 'ansible_collections' / 'oom' / 'rescue'
        shutil.copytree(ROOT / 'extensions', collection / 'extensions')
        (collection / 'playbooks').mkdir()
        shutil.copy(ROOT / 'galaxy.yml', collection)
        for name in ('diagnose', 'remediate'):
            (collection / 'playbooks' / (name + '.yml')).write_text(PLAYBOOK % (self.done_file, name))
        (path / 'journal').mkdir()
        (path / 'hosts').write_text('[all]\ndb1 ansible_connection=local\ndb2 ansible_connection=local\n')
        (path / 'vars.yml').write_text(json.dumps({'oom_remediate': remediate, 'oom_journals': str(path / 'journal')}))
        self.number = 0
        self.add(export(dict({'MESSAGE': 'before'}, **WATCH)))
        java = '/usr/lib/jvm/java-17-openjdk-amd64'
        environment = dict(os.environ, PATH='%s:%s' % (BIN, os.environ['PATH']), ANSIBLE_COLLECTIONS_PATH=str(
            path / 'collections'), HOME=str(path), **({'JAVA_HOME': java} if os.path.isdir(java) else {}))
        self.log = (path / 'log').open('wb')
        self.process = subprocess.Popen(
            [BIN / 'ansible-rulebook', '--rulebook', 'oom.rescue.oom', '-i', path / 'hosts', '--vars',
             path / 'vars.yml', '--verbose'], cwd=path, env=environment, stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=self.log)

    def add(self, text):
        self.number += 1
        subprocess.run([REMOTE, '--output=%s' % (self.path / 'journal' / ('j%d.journal' % self.number)), '-'],
                       input=text.encode(), check=True, capture_output=True)

    def said(self):
        return (self.path / 'log').read_text(errors='replace')

    def wait(self, condition, seconds=120):
        until = time.monotonic() + seconds
        while time.monotonic() < until and not condition():
            assert self.process.poll() is None, self.said()[-3000:]
            time.sleep(0.5)

    def done(self):
        return self.done_file.read_text().splitlines() if self.done_file.exists() else []

    def end(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


@pytest.fixture
def rulebook(tmp_path, request):
    made = Rulebook(tmp_path, request.param)
    try:
        made.wait(lambda: 'Waiting for events' in made.said())
        time.sleep(2)
        yield made
    finally:
        made.end()


@pytest.mark.parametrize('rulebook, expected', [(False, 'diagnose db1'), (True, 'remediate db1')],
                         indirect=['rulebook'], ids=['diagnose', 'remediate where it is allowed'])
def test_what_is_proven_is_answered_once_and_what_is_said_is_not(rulebook, expected):
    forged = dict(MESSAGE, id='forged', host='db2')
    rulebook.add(
        # A user's own record, the watch's on what nothing proves, a host that would be a pattern, no JSON, and a kill.
        export({'MESSAGE': 'm', '_UID': '1000', '_SYSTEMD_UNIT': 'user@1000.service', 'OOM_RESCUE': json.dumps(forged)})
        + export({'MESSAGE': 'm', '_UID': '0', '_SYSTEMD_UNIT': 'cron.service', 'OOM_RESCUE': json.dumps(forged)})
        + record(id='unproven', host='db2', proven=False) + record(id='pattern', host='all:!db1')
        + export(dict({'MESSAGE': 'm', 'OOM_RESCUE': '{'}, **WATCH)) + record() + record(id='again'))
    rulebook.wait(rulebook.done)
    time.sleep(5)
    assert rulebook.done() == [expected], rulebook.said()[-3000:]
