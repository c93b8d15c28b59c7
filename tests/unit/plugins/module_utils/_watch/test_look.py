# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The look at a journal, by a journalctl that notes how it was called: one that searches, and one that cannot."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host
from ansible_collections.oom.rescue.plugins.module_utils._watch.look import kills, look

WORDS = ['Killed process', 'a|b']
OWN = 'Nov 28 14:11:32 node oom-rescue[637]: Killed process 1 (a)'
KILL = 'Nov 28 14:11:32 node kernel: Killed process 1 (a)'
JOURNALCTL = """#!/bin/sh
echo "$@" >> {calls}
case "$*" in
*--grep*) [ -e {cannot} ] && {{ echo "journalctl: unrecognized option '--grep'" >&2; exit 1; }} ;;
esac
cat {lines}
echo "-- cursor: s=abc;i=9"
"""


class Node:
    def __init__(self, path):
        self.path = path
        for name in ('proc/sys/kernel/random', 'run/systemd/journal', 'bin'):
            (path / name).mkdir(parents=True)
        self.write('proc/sys/kernel/random/boot_id', 'one\n')
        self.write('proc/vmstat', 'nr_free_pages 1\noom_kill 3\n')
        self.write('lines', '')
        self.write('bin/journalctl', JOURNALCTL.format(
            calls=path / 'calls', lines=path / 'lines', cannot=path / 'cannot'))
        os.chmod(str(path / 'bin' / 'journalctl'), 0o755)
        self.host = Host(str(path))

    def write(self, name, text):
        (self.path / name).write_bytes(text.encode('ascii'))

    def look(self, before):
        return look(self.host, before, WORDS)


@pytest.fixture
def node(tmp_path, monkeypatch):
    monkeypatch.setenv('PATH', '%s:%s' % (tmp_path / 'bin', os.environ['PATH']))
    return Node(tmp_path)


def test_the_first_look_takes_the_end_of_the_journal(node):
    mark, something = node.look(None)
    assert (mark['journal'], mark['boot'], mark['kills'], something) == ('s=abc;i=9', 'one', 3, False)


@pytest.mark.parametrize('cannot', [False, True], ids=['searches', 'cannot search'])
@pytest.mark.parametrize('lines, expected', [
    ('', False), (KILL + '\n', True), (OWN + '\n', False), (OWN + '\n' + KILL + '\n', True)])
def test_a_line_with_a_word_is_something_and_our_own_is_not(node, cannot, lines, expected):
    mark = node.look(None)[0]
    node.write('lines', lines)
    if cannot:
        node.write('cannot', '')
    assert node.look(mark) == (mark, expected)
    calls = (node.path / 'calls').read_bytes().decode('ascii')
    assert '--after-cursor=s=abc;i=9' in calls and 'a\\|b)' in calls


def test_without_a_search_other_lines_are_nothing(node):
    mark = node.look(None)[0]
    node.write('lines', 'Nov 28 14:11:32 node cron[1]: nothing\n')
    node.write('cannot', '')
    assert node.look(mark) == (mark, False)


@pytest.mark.parametrize('name, text', [
    ('proc/vmstat', 'oom_kill 4\n'), ('proc/sys/kernel/random/boot_id', 'two\n')])
def test_another_count_or_boot_is_something(node, name, text):
    mark = node.look(None)[0]
    node.write(name, text)
    assert node.look(mark)[1] is True


def test_what_the_kernel_counted_is_searched_for_once(node):
    mark = node.look(None)[0]
    node.write('proc/vmstat', 'oom_kill 4\n')
    assert node.look(mark)[0]['journal'] == 's=abc;i=9'
    assert '--grep' not in (node.path / 'calls').read_bytes().decode('ascii')


def test_a_kernel_that_does_not_count_has_no_count(node):
    node.write('proc/vmstat', 'nr_free_pages 1\n')
    assert kills(node.host) is None


def test_a_journalctl_that_is_not_there_is_nothing(node, monkeypatch):
    mark = node.look(None)[0]
    monkeypatch.setenv('PATH', '/nowhere')
    os.unlink(str(node.path / 'bin' / 'journalctl'))
    assert node.look(mark)[0]['journal'] == 's=abc;i=9'
    node.write('proc/vmstat', 'oom_kill 4\n')
    assert node.look(mark)[0]['journal'] == 's=abc;i=9'
