# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of a journal: what journalctl finds a word of a report in, and all where it cannot search."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import struct
import subprocess

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._report.reading import read_events
from oom_reports import ERAS, bare_kill

REMOTE = '/lib/systemd/systemd-journal-remote'
NOW = 1800000000
BOOTS = ['%032x' % number for number in range(1, 41)]
NOISE = 'usb 1-1: new high-speed USB device number %d using xhci_hcd'
# journalctl as it is here, of another journal, and it says what it was asked; REFUSES is what it does not take.
JOURNALCTL = """#!/bin/sh
echo "$*" >> %(asked)s
case "$*" in *"%(refuses)s"*) echo "unrecognized option '%(refuses)s'" >&2; exit 1;; esac
%(command)s
"""


def entry(number, boot, message, transport='kernel', identifier='kernel'):
    message = message if isinstance(message, bytes) else message.encode('utf-8')
    fields = [('__REALTIME_TIMESTAMP', (NOW - 99999 + number) * 1000000), ('__MONOTONIC_TIMESTAMP', number * 1000000),
              ('_BOOT_ID', boot), ('_MACHINE_ID', 'b' * 32), ('_HOSTNAME', 'db1'), ('_TRANSPORT', transport),
              ('SYSLOG_IDENTIFIER', identifier), ('_SOURCE_MONOTONIC_TIMESTAMP', number * 1000000)]
    text = ''.join('%s=%s\n' % field for field in fields).encode('ascii')
    return text + b'MESSAGE\n' + struct.pack('<Q', len(message)) + message + b'\n\n'


def journal_of(messages):
    """An export of a journal of forty boots: messages are {number of a boot: [what the kernel said in it]}."""
    entries = []
    for number, boot in enumerate(BOOTS):
        for message in [NOISE % 1] + messages.get(number, []) + [NOISE % 2]:
            entries.append(entry(len(entries), boot, *(message if isinstance(message, tuple) else (message,))))
    return b''.join(entries)


@pytest.fixture(name='journal')
def fixture_journal(tmpdir, monkeypatch):
    """``journal(messages, refuses=)``: has journalctl show that journal; returns a function that gives its calls."""
    if not os.path.exists(REMOTE):
        pytest.skip('systemd-journal-remote is not on this host')

    def make(messages, refuses='no such word', command=None):
        export, made, asked = (str(tmpdir.join(name)) for name in ('export', 'made.journal', 'asked'))
        with open(export, 'wb') as stream:
            stream.write(journal_of(messages))
        subprocess.check_call([REMOTE, '-o', made, export], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        script = tmpdir.mkdir('bin').join('journalctl')
        script.write(JOURNALCTL % {'asked': asked, 'refuses': refuses, 'command': command or (
            'exec /usr/bin/journalctl --file=%s "$@"' % made)})
        script.chmod(0o755)
        monkeypatch.setenv('PATH', '%s:%s' % (tmpdir.join('bin'), os.environ['PATH']))

        def calls():
            with open(asked) as stream:
                return stream.read().splitlines()
        return calls
    return make


def pids():
    """The victims that are found in the journal, the newest first."""
    return [victim['pid'] for event in read_events([], ['journal'], now=NOW)['events'] for victim in event['victims']]


HOSTILE = b'Out of memory: Killed process 7 (my\xff\xfe"\x01) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB'
CASES = {
    'nothing': ({}, []),
    'one report': ({3: list(ERAS['5.15.0'])}, [13036]),
    'two boots': ({3: bare_kill(5), 7: bare_kill(6)}, [6, 5]),
    'a name that is no text': ({3: [HOSTILE]}, [7]),
    'in the name of the kernel': ({3: [(bare_kill(5)[0], 'syslog', 'kernel')]}, [5]),
    'of another program': ({3: [(bare_kill(5)[0], 'stdout', 'shop')]}, []),
    'more boots than are told apart': (dict((number, bare_kill(100 + number)) for number in range(40)),
                                       list(range(139, 99, -1))),
}


@pytest.mark.parametrize('name', sorted(CASES))
@pytest.mark.parametrize('refuses', ['no such word', '--grep', '--output-fields'])
def test_the_same_is_found_whether_journalctl_can_search_or_not(journal, name, refuses):
    messages, expected = CASES[name]
    journal(messages, refuses)
    assert pids() == expected


@pytest.mark.parametrize('messages, boots', [({}, None), ({3: bare_kill(5), 7: bare_kill(6)}, [3, 7])])
def test_only_boots_with_a_word_of_a_report_are_read(journal, messages, boots):
    calls = journal(messages)
    pids()
    assert '--grep=' in calls()[0]
    assert [[BOOTS.index(word[9:]) for word in call.split() if word.startswith('_BOOT_ID=')][:2]
            for call in calls()[1:]] == ([] if boots is None else [boots])


@pytest.mark.parametrize('command', ['kill -9 $$', 'exit 1', 'exit 3'])
def test_a_journalctl_that_breaks_is_no_word_for_a_calm_host(journal, command):
    journal({3: bare_kill(5)}, command='case "$*" in *--grep*) %s;; esac; exit 5' % command)
    error = read_events([], ['journal'], now=NOW)['summary']['sources'][0]['error']
    # To say nothing and end with 1 is how it says that there is nothing.
    assert error == (None if command == 'exit 1' else 'journalctl failed')
