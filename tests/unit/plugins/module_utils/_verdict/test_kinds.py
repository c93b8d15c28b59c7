# -*- coding: utf-8 -*-
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict on one line, in every dress in which a log, an engine, a page or a mail hands it on."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._report.libc_words import EAGAIN, ENOMEM, ENOSPC, SIGKILL
from ansible_collections.oom.rescue.plugins.module_utils._verdict.diagnose import diagnose_log
from texts_of_kinds import LINES, NOTHING, TRAPS

# Each row is tried in so many of the dresses, other rows in others.
DRESSES_A_ROW = 3


def verdict_on(text, folder):
    path = folder.join('x.log')
    path.write_binary(text if isinstance(text, bytes) else text.encode('utf-8'))
    verdict = diagnose_log(str(path))['verdict']
    return verdict and (verdict['was_memory'], verdict['limit'], verdict['actor'])


def journal(tag, line):
    kernel = tag == 'kernel'
    return json.dumps({
        'MESSAGE': line, 'SYSLOG_IDENTIFIER': tag, '_COMM': tag[:15], '_UID': '0', '_HOSTNAME': 'web1',
        '_TRANSPORT': 'kernel' if kernel else 'journal', '__REALTIME_TIMESTAMP': '1787838701123456'})


def tagged(words):
    """A dress for lines of a program that tags them: ``words`` with %(tag)s, %(name)s, %(pid)s and %(line)s."""
    def dress(tag, line):
        return words % {'tag': tag if tag == 'kernel' else tag + '[709]', 'name': tag, 'line': line,
                        'pid': '-' if tag == 'kernel' else '709'}
    return dress


TAGGED = {
    'short': tagged('Aug 27 15:51:41 web1 %(tag)s: %(line)s'),
    'short-precise': tagged('Aug 27 15:51:41.123456 web1 %(tag)s: %(line)s'),
    'short-iso': tagged('2026-08-27T15:51:41+0200 web1 %(tag)s: %(line)s'),
    'short-iso-precise': tagged('2026-08-27T15:51:41.123456+02:00 web1 %(tag)s: %(line)s'),
    'short-full': tagged('Thu 2026-08-27 15:51:41 CEST web1 %(tag)s: %(line)s'),
    'short-unix': tagged('1787838701.123456 web1 %(tag)s: %(line)s'),
    'no host': tagged('Aug 27 15:51:41 %(tag)s: %(line)s'),
    'clock alone': tagged('15:51:41 %(tag)s: %(line)s'),
    'tag alone': tagged('%(tag)s: %(line)s'),
    'RFC 3164': tagged('<30>Aug 27 15:51:41 web1 %(tag)s: %(line)s'),
    'RFC 5424': tagged('<30>1 2026-08-27T15:51:41.123456+02:00 web1 %(name)s %(pid)s - - %(line)s'),
    'json': journal,
    'coloured': tagged('Aug 27 15:51:41 web1 %(tag)s: \x1b[0;1;31m%(line)s\x1b[0m'),
    'coloured, 256': tagged('Aug 27 15:51:41 web1 %(tag)s: \x1b[0;1;38:5:185m%(line)s\x1b[0m'),
    'CRLF': tagged('Aug 27 15:51:41 web1 %(tag)s: %(line)s\r'),
    'indented': tagged('    Aug 27 15:51:41 web1 %(tag)s: %(line)s'),
    'quoted': tagged('> Aug 27 15:51:41 web1 %(tag)s: %(line)s'),
    'grep': tagged('/var/log/syslog:Aug 27 15:51:41 web1 %(tag)s: %(line)s'),
    'grep -n': tagged('syslog.1:1234:Aug 27 15:51:41 web1 %(tag)s: %(line)s'),
    'German': tagged('Mär 27 15:51:41 web1 %(tag)s: %(line)s'),
    'Chinese': tagged('8月 27 15:51:41 web1 %(tag)s: %(line)s'),
    'page': tagged('Aug 27 15:51:41 web1 %(tag)s: %(line)s<br>'),
    'list': tagged('- Aug 27 15:51:41 web1.example.org %(tag)s: %(line)s'),
    'code': tagged('`Aug 27 15:51:41 web1 %(tag)s: %(line)s`'),
}
BARE = dict((name, lambda tag, line, words=words: words % line) for name, words in {
    'plain': '%s', 'CRLF': '%s\r', 'indented': '    %s', 'tab': '\t%s', 'quoted': '> %s', 'quoted twice': '> > %s',
    'docker logs -t': '2026-08-27T15:51:41.123456789Z %s', 'compose': 'db_1  | %s', 'compose 2': 'web-app-1  | %s',
    'compose, coloured': '\x1b[36mdb_1  |\x1b[0m %s', 'CRI': '2026-08-27T15:51:41.123456789+02:00 stderr F %s',
    'kubectl --prefix': '[pod/db-0/db] %s', 'GitHub': '2026-08-27T15:51:41.1234567Z ##[error]%s',
    'Jenkins': '[2026-08-27T15:51:41.123Z] %s', 'Jenkins, clock': '15:51:41  %s', 'BuildKit': '#12 34.56 %s',
    'coloured': '\x1b[31m%s\x1b[0m', 'journald driver': 'Aug 27 15:51:41 web1 97c9f78c1936[1234]: %s', 'list': '- %s',
    'code': '`%s`', 'page': '%s<br>',
}.items())
WITHOUT_TAG = [row for row in LINES if row[0] is None]
WITH_TAG = [row for row in LINES if row[0] is not None]


def dressed(rows, dresses, name):
    """The rows that this dress is tried on."""
    place, step = sorted(dresses).index(name), len(dresses) // DRESSES_A_ROW
    return [row for number, row in enumerate(rows) if (number + place) % step == 0]


@pytest.mark.parametrize('name', sorted(TAGGED))
def test_a_line_of_a_program_proves_the_same_in_every_log(name, tmpdir):
    for tag, lines, expected in dressed(WITH_TAG, TAGGED, name):
        text = '\n'.join(TAGGED[name](tag, line) for line in lines.split('\n')) + '\n'
        assert verdict_on(text, tmpdir) == expected, text


@pytest.mark.parametrize('name', sorted(BARE))
def test_a_line_without_a_tag_proves_the_same_wherever_it_stands(name, tmpdir):
    for _tag, lines, expected in dressed(WITHOUT_TAG, BARE, name):
        text = '\n'.join(BARE[name](None, line) for line in lines.split('\n')) + '\n'
        assert verdict_on(text, tmpdir) == expected, text


def test_each_line_proves_what_it_should_as_the_journal_shows_it(tmpdir):
    wrong = []
    for tag, lines, expected in LINES:
        text = '\n'.join(TAGGED['short'](tag, line) if tag else line for line in lines.split('\n')) + '\n'
        if verdict_on(text, tmpdir) != expected:
            wrong.append(text)
    assert wrong == []


@pytest.mark.parametrize('number', range(len(TRAPS)))
def test_what_looks_like_a_shortage_is_told_apart(number, tmpdir):
    _tag, text, expected = TRAPS[number]
    assert verdict_on(text + '\n', tmpdir) == expected


@pytest.mark.parametrize('other', ['app', 'nginx', 'sudo', 'kernel-notes'])
def test_a_line_of_a_known_program_is_nothing_under_another_tag(other, tmpdir):
    known = ('systemd', 'systemd-oomd', 'earlyoom', 'nohang', 'oomd', 'containerd')
    for tag, lines, expected in WITH_TAG:
        if tag in known and expected != NOTHING and 'kernel_refused' not in expected and '\n' not in lines:
            found = verdict_on(TAGGED['short'](other, lines) + '\n', tmpdir)
            assert found is None or found[0] != 'yes', lines


@pytest.mark.parametrize('words,line,expected', [
    (ENOMEM, 'sh: fork: %s', 'yes'), (ENOMEM, 'error: %s', 'unknown'), (EAGAIN, 'sh: fork: %s', 'no'),
    (SIGKILL, './a.sh: Zeile 3:  7 %s   ./b', 'unknown'), (SIGKILL, './a.sh: ligne 3 :  7 %s   ./b', 'unknown'),
    (ENOSPC, 'tar: x: %s', 'no'), (SIGKILL, '%s', 'unknown'), (SIGKILL, './a.sh: line 3:  7 %s   ./b', 'unknown'),
])
def test_errno_and_the_signal_are_known_in_every_language(words, line, expected, tmpdir):
    for word in words:
        assert verdict_on(line % word + '\n', tmpdir)[0] == expected, word
