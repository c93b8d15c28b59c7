# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines that hold a word are the same whether grep looks for the words or each is looked for by itself."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import io
import json
import os
import random
import stat

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._log.clock import Clock
from ansible_collections.oom.rescue.plugins.module_utils._report import marked
from ansible_collections.oom.rescue.plugins.module_utils._report.marked import Words
from ansible_collections.oom.rescue.plugins.module_utils._report.signals import MARKERS, Signals, tell_times
from conftest import SHARED
from texts_of_kinds import LINES, TRAPS

TEXTS = os.path.join(SHARED, 'triage', 'texts.json')


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(marked, 'LEAST', 1)


def raw(text):
    return text if isinstance(text, bytes) else text.encode('utf-8')


def signals(data, with_grep, size):
    reading = Signals('x.log', Words(MARKERS, with_grep))
    for start in range(0, len(data), size):
        reading.feed([data[start:start + size]])
    reading.finish()
    return tell_times(reading.kept, Clock(1790000000))


def texts():
    found = [lines for _tag, lines, _expected in LINES + TRAPS]
    if os.path.exists(TEXTS):
        with io.open(TEXTS, encoding='utf-8') as stream:
            found += [text['text'] for text in json.load(stream)]
    return [raw(text) for text in found]


@pytest.mark.slow
@pytest.mark.parametrize('size', [1 << 22, 4099])
def test_the_signals_are_the_same_with_grep_and_without(size):
    chance, filler = random.Random(size), b'Oct 28 11:00:00 web1 sshd[7]: Accepted publickey for root\n'
    data = b''.join(text + b'\n' + filler * chance.randrange(9) for text in texts())
    found = signals(data, False, size)
    assert len(found) > 200
    assert signals(data, True, size) == found


@pytest.mark.parametrize('seed', range(40))
def test_the_lines_are_the_same_with_grep_and_without(seed):
    chance = random.Random(seed)
    pieces = MARKERS + (b'\n', b'\n', b'\r\n', b'\0', b'\xff', b' ', b'memory', b'Out', b'\xc3')
    data = b''.join(chance.choice(pieces)[:chance.choice((3, 99))] for _piece in range(chance.randrange(400)))
    begin = chance.choice((0, len(data) // 3))
    end = chance.choice((len(data), len(data) * 2 // 3))
    expected = Words(MARKERS, False).line_offsets(data, begin, end)
    assert Words(MARKERS, True).line_offsets(data, begin, end) == expected
    for start in expected:
        assert Words(MARKERS).within(data[start:].split(b'\n')[0])


@pytest.mark.parametrize('script', [None, 'exit 2', 'echo 1:x', 'echo words', 'kill -9 $$',
                                    'cat > /dev/null; echo 3:words'])
def test_a_grep_that_does_not_tell_is_done_without(script, tmpdir, monkeypatch):
    if script is not None:
        path = tmpdir.join('grep')
        path.write('#!/bin/sh\n%s\n' % script)
        os.chmod(str(path), stat.S_IRWXU)
    monkeypatch.setenv('PATH', str(tmpdir) + (':/usr/bin:/bin' if script else ''))
    words = Words((b'one', b'two'))
    assert words.line_offsets(b'x\na two\nb one\n', 0, 14) == [2, 8]


def test_what_grep_tells_is_taken_without_a_second_search(tmpdir, monkeypatch):
    path = tmpdir.join('grep')
    path.write('#!/bin/sh\ncat > /dev/null\necho 10:two\n')
    os.chmod(str(path), stat.S_IRWXU)
    monkeypatch.setenv('PATH', '%s:/usr/bin:/bin' % tmpdir)
    data = b'one\ntwo\nx two\n'
    assert Words((b'one', b'two'), True).line_offsets(data, 0, len(data)) == [8]
    # A place is counted from where the search began.
    assert Words((b'one', b'two'), True).line_offsets(b'x\n' * 50 + data, 100, 100 + len(data)) == [108]
    assert Words((b'one', b'two'), False).line_offsets(data, 0, len(data)) == [0, 4, 8]


@pytest.mark.parametrize('line, words', [(b'a two', [b'two']), (b'two, one', [b'one', b'two']), (b'three', [])])
def test_the_words_of_a_line_are_told_in_their_own_order(line, words):
    assert Words((b'one', b'two')).within(line) == words
