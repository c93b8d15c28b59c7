# -*- coding: utf-8 -*-
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One regular expression for many words finds each of them and nothing else, for grep's PCRE as for journalctl's."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import subprocess

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._log.text import log_text
from ansible_collections.oom.rescue.plugins.module_utils._log.words import any_of
from ansible_collections.oom.rescue.plugins.module_utils._report.signals import MARKERS, WORDS

HARD = ['oom-kill', 'oom-killer', 'a|b', 'a(b', '[Errno 12]', 'status\\":', 'Mémoire', 'Mémé', '内存', '内 存',
        'x.y', 'x y']


def found(pattern, lines):
    """The lines that grep finds with a pattern of PCRE's."""
    process = subprocess.Popen(['grep', '-P', '-e', pattern], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               env={'LC_ALL': 'C.UTF-8', 'PATH': '/usr/bin:/bin'})
    out = process.communicate('\n'.join(lines).encode('utf-8') if str is not bytes else '\n'.join(lines))[0]
    assert process.returncode in (0, 1)
    return [line if str is bytes else line.decode('utf-8') for line in out.split(b'\n')[:-1]]


@pytest.mark.parametrize('words', [HARD, [log_text(marker) for marker in MARKERS]], ids=['hard', 'ours'])
def test_each_word_is_found_and_no_part_of_one(words):
    words = [word for word in words if '\n' not in word]
    pattern = any_of(words)
    lines = ['beside %s it' % word for word in words]
    assert found(pattern, lines) == lines
    assert found(pattern, ['nothing of it', 'oom', 'Mém', '内', 'a', 'x_y', 'Errno 12']) == []


def test_words_that_begin_alike_are_tried_once():
    assert any_of(['oom-kill', 'oom_kill', 'oom-kills']) in (
        'oom(?:\\-kill|_kill)', 'oom(?:-kill|_kill)', 'oom(?:\\-kill|\\_kill)')
    assert WORDS.count('|') < len(MARKERS)
