# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a message is handed over, in which order, and with which of the lines below it."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._log import messages
from ansible_collections.oom.rescue.plugins.module_utils._log.messages import Messages
from ansible_collections.oom.rescue.plugins.module_utils._log.scan import Batch

AT = 'Oct 28 11:32:28 db kernel: '


class Told:
    """Notes what an Assembler is handed, in order; ``wanted`` is whether a report may go on."""

    def __init__(self, wanted=True, rows=99):
        self.idle, self.found, self.wanted, self.rows = 0, [], wanted, rows

    def begin(self):
        self.found.append('begin')

    def flush(self):
        self.found.append('flush')

    def wants_more(self, _is_open):
        return self.wanted

    def take(self, _pending, message, whole, pieces):
        self.found.append((message, whole, list(pieces)))

    def add_rows(self, rows):
        self.found.append(list(rows))
        return min(self.rows, len(rows))


def reader(**told):
    told = Told(**told)
    return Messages(told, lambda first, pieces: ' + '.join([first] + pieces)), told.found


def feed(made, *lines):
    return made.feed(Batch('\n'.join(lines).encode('ascii'), 'messages', 1, 0))


def alone(message):
    return message, message, []


@pytest.mark.parametrize('ends, then', [('pause', []), ('begin', ['begin']), ('flush', ['flush'])])
def test_the_last_message_is_handed_over_before_something_else_begins(ends, then):
    made, found = reader()
    feed(made, AT + 'one', AT + 'two')
    assert found == [alone('one')]
    getattr(made, ends)()
    assert found == [alone('one'), alone('two')] + then
    made.pause()
    assert found == [alone('one'), alone('two')] + then


@pytest.mark.parametrize('lines, expected', [
    ([AT + 'one', 'more', AT + 'two'], [('one', 'one + more', ['more']), alone('two')]),
    # A prefix without a message: what follows it is the message.
    ([AT, 'more', 'and more', AT + 'two'], [(' + more + and more', ' + more + and more', []), alone('two')]),
    # What says nothing belongs to what is above, also where nothing is.
    (['', '--', '```', '...', AT + 'one'], [alone('one')]),
    ([AT + 'one', 'Killed process 7'], [alone('one'), alone('Killed process 7')]),
    ([AT + 'one:', 'Killed process 7'], [('one:', 'one: + Killed process 7', ['Killed process 7'])]),
    # Without prefixes only the pieces of a kernel's line go on.
    (['one', 'two', 'order=0'], [alone('one'), ('two', 'two + order=0', ['order=0'])]),
])
def test_a_message_has_the_lines_that_continue_it(lines, expected):
    made, found = reader()
    assert feed(made, *lines) == len(lines)
    made.pause()
    assert found == expected


def test_a_message_that_goes_on_without_end_has_so_many_lines(monkeypatch):
    monkeypatch.setattr(messages, '_MOST_CONTINUATIONS', 3)
    made, found = reader()
    feed(made, AT + 'one', 'a', 'b', 'c', 'd', 'e')
    made.pause()
    assert found == [('one', 'one + a + b + c', ['a', 'b', 'c'])] and made._assembler.idle == 2


@pytest.mark.parametrize('below, rows, rest', [
    (AT + 'end', [' 1] a', ' 2] b', ' 3] c'], [alone('end')]),
    # The line below may continue the last row.
    ('more', [' 1] a', ' 2] b'], [('[ 3] c', '[ 3] c + more', ['more'])]),
])
def test_rows_of_a_table_follow_the_line_above_them(below, rows, rest):
    made, found = reader()
    feed(made, AT + '[ pid ]', AT + '[ 1] a', AT + '[ 2] b', AT + '[ 3] c', below)
    made.pause()
    assert found == [alone('[ pid ]'), rows] + rest


@pytest.mark.parametrize('other', ['[3] [ 3] c', '[CPU0] [ 3] c', '[ 3] c', '[a] b.c] [ 3] c'])
def test_a_table_with_the_kernels_clock_ends_at_a_line_that_has_none(other):
    made, found = reader()
    feed(made, AT + '[ 9.1] [ pid ]', AT + '[ 9.1] [ 1] a', AT + '[ 9.2] [ 2] b', AT + other, AT + 'end')
    made.pause()
    assert found[:3] == [alone('[ pid ]'), [' 1] a'], alone('[ 2] b')]


@pytest.mark.parametrize('idle, wanted, taken', [(0, False, 3), (1, True, 3), (1, False, 1)])
def test_no_line_is_taken_that_no_report_wants(idle, wanted, taken):
    made, dummy = reader(wanted=wanted)
    made._assembler.idle = idle
    assert feed(made, AT + 'one', AT + 'two', AT + 'three') == taken
