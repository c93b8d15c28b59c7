# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is put on which host to have it watched, and that all of it goes again, byte for byte."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host
from ansible_collections.oom.rescue.plugins.module_utils._watch import units
from ansible_collections.oom.rescue.plugins.module_utils._watch.apply import converge
from ansible_collections.oom.rescue.plugins.module_utils._watch.plan import CONFIG, SECRETS

OPTIONS = {'state': 'present', 'program': 'the program', 'hooks': [], 'secrets': None, 'limit': 6, 'interval': 60,
           'textfiles': 'auto'}
UNITS = ['oom-rescue-watch.path', 'oom-rescue-watch.timer']


class Node(Host):
    """A host below a directory, with a systemctl that knows what is enabled."""

    def __init__(self, path, *files):
        Host.__init__(self, str(path), run=self.systemctl)
        self.tree, self.enabled, self.called = path, set(), []
        for name in ('etc', 'run', 'var/lib', 'usr/local/lib') + files:
            target = path / name
            if os.path.splitext(name)[1] in ('.events', '.controllers') or name.endswith('sbin/cron'):
                target.parent.mkdir(parents=True, exist_ok=True) if str is not bytes else (
                    target.parent.mkdir(parents=True))
                target.write_bytes(b'')
            elif not target.is_dir():
                target.mkdir(parents=True)

    def systemctl(self, argv):
        self.called.append(argv[1:])
        if argv[1] == 'enable':
            self.enabled.add(argv[-1])
        elif argv[1] == 'disable':
            self.enabled.discard(argv[-1])
        state = ('enabled', 'active') if argv[-1] in self.enabled else ('', 'inactive')
        return 0, 'UnitFileState=%s\nActiveState=%s\n' % state, ''

    def converge(self, **options):
        return converge(self, dict(OPTIONS, **options))

    def files(self):
        found = {}
        for parent, folders, names in os.walk(self.root):
            for name in folders + names:
                path = os.path.join(parent, name)
                found[os.path.relpath(path, self.root)] = (os.lstat(path).st_mode, name in names and self.read(
                    '/' + os.path.relpath(path, self.root)))
        return found


CGROUPS = ('run/systemd/system', 'sys/fs/cgroup/cgroup.controllers', 'sys/fs/cgroup/system.slice/memory.events')
HOSTS = {'systemd': CGROUPS, 'systemd without cgroup v2': ('run/systemd/system',),
         'cron': ('usr/sbin/cron', 'etc/cron.d')}


@pytest.fixture(params=sorted(HOSTS))
def node(request, tmp_path):
    return Node(tmp_path, *HOSTS[request.param])


def test_what_is_killed_once_it_is_there_is_told_so_it_notes_at_once_what_was_there(node):
    first = (['start', 'oom-rescue-watch.service'] if node.exists('/run/systemd/system')
             else ['-B', '-E', '-s', '/usr/local/lib/oom-rescue/oom-rescue.pyz', 'watch'])
    node.converge()
    assert node.called[-1] == first
    (node.tree / 'var/lib/oom-rescue-watch/state').write_bytes(b'noted')
    node.converge(limit=7)
    assert node.called.count(first) == 1
    node.converge(state='absent')
    assert node.called.count(first) == 1


def text(node, path):
    return node.read(path)


def test_it_is_done_once_and_undone_to_the_byte(node):
    before = node.files()
    assert node.converge()['changed'] and not node.converge()['changed']
    assert node.files() != before
    assert node.converge(state='absent')['changed'] and not node.converge(state='absent')['changed']
    assert node.files() == before and node.enabled == set()


def test_check_mode_changes_nothing_and_says_the_same(node):
    before = node.files()
    planned = converge(node, dict(OPTIONS), check_mode=True)
    assert node.files() == before
    assert planned['actions'] == node.converge()['actions']


def test_what_a_kill_changes_starts_a_run(tmp_path):
    node = Node(tmp_path, *CGROUPS)
    node.converge()
    assert 'PathModified=/sys/fs/cgroup/system.slice/memory.events\n' in text(node, '/etc/systemd/system/' + UNITS[0])
    assert node.enabled == set(UNITS)
    service = text(node, '/etc/systemd/system/oom-rescue-watch.service')
    assert 'OOMScoreAdjust=-900\n' in service and 'MemoryMax=' in service and 'TasksMax=' in service


def test_without_cgroups_of_version_2_only_time_starts_a_run(tmp_path):
    node = Node(tmp_path, 'run/systemd/system')
    node.converge(interval=20)
    assert node.enabled == set(UNITS[1:])
    assert 'OnUnitInactiveSec=20\n' in text(node, '/etc/systemd/system/' + UNITS[1])


def test_a_unit_that_is_not_wanted_any_more_is_disabled(tmp_path):
    node = Node(tmp_path, *CGROUPS)
    node.converge()
    (tmp_path / 'sys/fs/cgroup/cgroup.controllers').unlink()
    assert node.converge()['changed'] and node.enabled == set(UNITS[1:])
    assert text(node, '/etc/systemd/system/' + UNITS[0]) is None and not node.converge()['changed']


def test_cron_runs_it_each_minute(tmp_path):
    node = Node(tmp_path, 'usr/sbin/cron', 'etc/cron.d')
    node.converge()
    assert '* * * * * root ' in text(node, units.CRON) and units.PROGRAM + ' watch' in text(node, units.CRON)
    assert [words[-1] for words in node.called] == ['watch']


def test_without_systemd_and_cron_it_is_skipped(tmp_path):
    result = Node(tmp_path).converge()
    assert result['skipped_reason'] == 'neither systemd nor cron starts anything here' and not result['changed']


def test_a_secret_is_in_its_file_alone(node):
    result = node.converge(hooks=[{'kind': 'slack', 'url_secret': 'there'}], secrets={'there': 'very-secret'})
    assert 'very-secret' not in json.dumps(result)
    assert [path for path, (dummy, found) in node.files().items() if found and 'very-secret' in found] == [SECRETS[1:]]
    assert os.stat(node.path(SECRETS)).st_mode & 0o777 == 0o600
    # A run without them keeps them, and one with none removes them.
    assert not node.converge(hooks=[{'kind': 'slack', 'url_secret': 'there'}])['changed']
    node.converge(secrets={})
    assert text(node, SECRETS) is None


def test_a_file_that_was_there_comes_back(node):
    os.mkdir(node.path('/etc/oom-rescue'))
    with open(node.path(CONFIG), 'w') as stream:
        stream.write('mine\n')
    os.chmod(node.path(CONFIG), 0o640)
    before = node.files()
    node.converge()
    assert text(node, CONFIG) != 'mine\n'
    node.converge(state='absent')
    assert node.files() == before


@pytest.mark.parametrize('hook, words', [
    ({'kind': 'pager'}, 'kind pager'), ({'kind': 'slack'}, 'no url or url_secret'), ({'kind': 'mail'}, 'no to'),
    ({'kind': 'command', 'argv': []}, 'no argv')])
def test_a_hook_that_says_too_little_is_refused_first(tmp_path, hook, words):
    node = Node(tmp_path, 'run/systemd/system')
    before = node.files()
    with pytest.raises(RescueError, match=words):
        node.converge(hooks=[hook])
    assert node.files() == before


def test_the_collector_s_directory_is_found_or_named_or_none(tmp_path):
    node = Node(tmp_path, 'run/systemd/system', 'var/lib/prometheus/node-exporter')
    for textfiles, expected in (('auto', '/var/lib/prometheus/node-exporter/oom_rescue.prom'), ('none', None),
                                ('/srv/text', '/srv/text/oom_rescue.prom')):
        node.converge(textfiles=textfiles)
        assert json.loads(text(node, CONFIG))['textfile'] == expected
