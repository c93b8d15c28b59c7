# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import sys
import unicodedata

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files.plain import LONGEST, plain, plain_lines


@pytest.mark.parametrize('text, shown', [
    pytest.param(u'mysqld', u'mysqld', id='a name'),
    pytest.param(u'caf\xe9 \u3042 \u0416 <b>{{ 7*7 }}', u'caf\xe9 \u3042 \u0416 <b>{{ 7*7 }}', id='letters and signs'),
    pytest.param(u'\x1b[2Jok: [prod-db1]', u'?[2Jok: [prod-db1]', id='an escape'),
    pytest.param(u'\x9b2J', u'?2J', id='the same in one character'),
    pytest.param(u'a\rb\nc\td\x00e\x07f\x7fg', u'a?b?c?d?e?f?g', id='control characters'),
    pytest.param(u'\u202ekcatta\u202c \u2067x\u2069 \u061c\u200e', u'?kcatta? ?x? ??', id='what turns text round'),
    pytest.param(u'ro\u200bot\u2060\ufeff\u00ad\u115f\u3164', u'ro?ot?????', id='what is not seen'),
    pytest.param(u'a\u2028b\u2029c\x85d\x0be\x0cf', u'a?b?c?d?e?f', id='what breaks a line'),
    pytest.param(u'a\ufdd0b\uffffc\ufff9d', u'a?b?c?d', id='what is no character'),
    pytest.param(b'a\xff\x1b', u'a\ufffd?', id='bytes that are no UTF-8'),
    pytest.param(None, u'None', id='what is no text'),
])
def test_what_is_not_seen_as_itself_is_a_question_mark(text, shown):
    assert plain(text) == shown


def test_beyond_the_first_plane_too():
    # A Python with two units for such a character shows none of them.
    seen = u'\U0001f600' if sys.maxunicode > 0xffff else u'??'
    assert plain(u'\U0001f600') == seen
    assert set(plain(u'\U000e0041\U000e01ef\U0001fffe\U0010ffff')) == set(u'?')


def test_half_a_surrogate_can_be_written_to_a_file():
    assert plain(u'a' + u'\ud800' + u'b') == u'a?b'


def test_nothing_that_unicode_calls_a_control_format_or_separator_is_left():
    for code in range(0xd800):
        character = (u'\\u%04x' % code).encode('ascii').decode('unicode_escape')
        if unicodedata.category(character) in ('Cc', 'Zl', 'Zp') or unicodedata.bidirectional(character) in (
                'LRE', 'RLE', 'PDF', 'LRO', 'RLO', 'LRI', 'RLI', 'FSI', 'PDI', 'BN'):
            assert plain(character) == u'?', hex(code)


def test_a_long_text_is_cut():
    assert plain(u'x' * (50 << 20)) == u'x' * LONGEST + u'...'
    assert plain(u'x' * LONGEST) == u'x' * LONGEST


def test_text_with_lines_keeps_them():
    assert plain_lines(u'--- a\n+++ b\r\n+\tx\x1b[2J\ry\u2028') == u'--- a\n+++ b\n+\tx?[2J?y?'
