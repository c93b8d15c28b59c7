# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rulebook, run by a real ansible-rulebook on a journal that systemd-journal-remote writes: what is proven is
answered, what somebody says is not. `tests/eda/run` makes the environment."""

import json
import shutil
import time

import pytest
from rulebook import ROOT, WATCH, Rulebook, export

MESSAGE = {'id': 'abc', 'time': '2026-01-01T00:00:00+00:00', 'host': 'db1', 'sentence': 'It was memory.',
           'actor': 'kernel', 'limit': 'host', 'proven': True,
           'victims': [{'name': '{{ 1 }}', 'pid': 7, 'unit': None, 'container': None}],
           'caveats': [], 'remedy': None, 'would_tell': [], 'page': 'https://example.org'}
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


def record(**changes):
    return export(dict({'MESSAGE': 'm', 'OOM_RESCUE': json.dumps(dict(MESSAGE, **changes))}, **WATCH))


class Answers(Rulebook):
    """With stand-ins for the playbooks; ``done`` are the lines of those that it ran."""

    def __init__(self, path, remediate):
        self.done_file = path / 'done'
        collection = path / 'collections' / 'ansible_collections' / 'oom' / 'rescue'
        shutil.copytree(ROOT / 'extensions', collection / 'extensions')
        (collection / 'playbooks').mkdir()
        shutil.copy(ROOT / 'galaxy.yml', collection)
        for name in ('diagnose', 'remediate'):
            (collection / 'playbooks' / (name + '.yml')).write_text(PLAYBOOK % (self.done_file, name))
        super().__init__(path, remediate, '[all]\ndb1 ansible_connection=local\ndb2 ansible_connection=local\n')

    def done(self):
        return self.done_file.read_text().splitlines() if self.done_file.exists() else []


@pytest.fixture
def rulebook(tmp_path, request):
    made = Answers(tmp_path, request.param)
    try:
        made.wait(made.follows)
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
