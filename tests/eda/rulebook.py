# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real ansible-rulebook at work on journals in a directory. `tests/eda/run` makes its environment."""

import glob
import json
import os
import pathlib
import subprocess
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / '.cache' / 'eda' / 'bin'
REMOTE = pathlib.Path('/lib/systemd/systemd-journal-remote')
WATCH = {'_UID': '0', '_SYSTEMD_UNIT': 'oom-rescue-watch.service'}


def export(fields):
    """A record in the journal's export format, of a boot of its own unless the fields say else."""
    now = int(time.time() * 1e6)
    head = {'__REALTIME_TIMESTAMP': now, '__MONOTONIC_TIMESTAMP': now, '_BOOT_ID': uuid.uuid4().hex,
            'SYSLOG_IDENTIFIER': 'oom-rescue'}
    return ''.join('%s=%s\n' % pair for pair in dict(head, **fields).items()) + '\n'


class Rulebook:
    """ansible-rulebook in a directory, with the collection in ``path``/collections; ``hosts`` is its inventory."""

    def __init__(self, path, remediate, hosts, **environment):
        self.path = path
        (path / 'journal').mkdir()
        (path / 'hosts').write_text(hosts)
        (path / 'vars.yml').write_text(json.dumps({'oom_remediate': remediate, 'oom_journals': str(path / 'journal')}))
        self.number = 0
        self.add(export(dict({'MESSAGE': 'before'}, **WATCH)))
        java = '/usr/lib/jvm/java-17-openjdk-amd64'
        environment = dict(os.environ, PATH='%s:%s' % (BIN, os.environ['PATH']), ANSIBLE_COLLECTIONS_PATH=str(
            path / 'collections'), HOME=str(path), **dict(environment, **(
                {'JAVA_HOME': java} if os.path.isdir(java) else {})))
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

    def follows(self):
        """True if it waits for events, and its journalctl for records: what came before that is no event."""
        return 'Waiting for events' in self.said() and any(
            str(self.path / 'journal') in _text(path) and _waits(os.path.dirname(path))
            for path in glob.glob('/proc/[0-9]*/cmdline'))

    def wait(self, condition, seconds=300, pause=0.5):
        until = time.monotonic() + seconds
        while time.monotonic() < until and not condition():
            assert self.process.poll() is None, self.said()[-3000:]
            time.sleep(pause)

    def end(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


def _text(path):
    try:
        return pathlib.Path(path).read_bytes().decode(errors='replace')
    except OSError:
        return ''


def _waits(process):
    """True if a process has an inotify, which journalctl has as soon as it has read what is there."""
    try:
        return any('inotify' in os.readlink(path) for path in glob.glob(process + '/fd/*'))
    except OSError:
        return False
