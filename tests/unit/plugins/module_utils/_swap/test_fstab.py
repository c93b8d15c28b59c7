# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._swap import fstab

OTHER = '# <file system> <mount point>\nUUID=0a-1 /  ext4\terrors=remount-ro 0 1\n'


@pytest.mark.parametrize('text, options, expected', [
    pytest.param(None, {}, '/s none swap sw,nofail 0 0\n', id='no file'),
    pytest.param('', {}, '/s none swap sw,nofail 0 0\n', id='an empty file'),
    pytest.param(OTHER, {}, OTHER + '/s none swap sw,nofail 0 0\n', id='after what is there'),
    pytest.param('# x', {}, '# x\n/s none swap sw,nofail 0 0\n', id='after a last line without a line feed'),
    pytest.param('', {'priority': 10, 'discard': 'once'}, '/s none swap sw,nofail,pri=10,discard=once 0 0\n',
                 id='with priority and discard'),
    pytest.param('/s swap swap defaults 0 0\n', {}, '/s swap swap defaults 0 0\n', id='a line that serves stays'),
    pytest.param('/s none swap sw\n', {}, '/s none swap sw\n', id='four fields are enough'),
    pytest.param('/s none swap\n', {}, '/s none swap defaults\n', id='three fields get the fourth'),
    pytest.param('//s  /x\tswap sw,pri=3\t0 0 # mine\n' + OTHER, {}, '//s  /x\tswap sw,pri=3\t0 0 # mine\n' + OTHER,
                 id='whatever the other fields'),
    pytest.param('/s none  swap sw,pri=3,nofail 0 0\n', {'priority': 9}, '/s none  swap sw,pri=9,nofail 0 0\n',
                 id='a priority is changed in its place'),
    pytest.param('/s none swap noauto 0 0\n', {}, '/s none swap defaults 0 0\n', id='noauto goes'),
    pytest.param('/s none swap discard,sw 0 0\n', {'discard': 'none'}, '/s none swap sw 0 0\n', id='discard goes'),
    pytest.param('/s none swap discard,sw 0 0\n', {'discard': 'pages'}, '/s none swap discard=pages,sw 0 0\n',
                 id='discard is changed in its place'),
    pytest.param('/s none swap discard,pri=1 0 0\n', {}, '/s none swap discard,pri=1 0 0\n',
                 id='priority and discard stay where none is asked'),
    pytest.param('/s none swap sw 0 0\n# mid\n/s swap swap defaults 0 0\n', {}, '/s none swap sw 0 0\n# mid\n',
                 id='a second line goes'),
    pytest.param('/s /mnt ext4 loop 0 0\n', {}, '/s /mnt ext4 loop 0 0\n/s none swap sw,nofail 0 0\n',
                 id='a mount of the same file is another entry'),
    pytest.param('UUID=1-2 none swap sw 0 0\r\n/s none swap sw\r\n', {'priority': 5},
                 'UUID=1-2 none swap sw 0 0\r\n/s none swap sw,pri=5\r\n', id='lines that end as DOS has it'),
    pytest.param('/s none swap\r\n', {}, '/s none swap defaults\r\n', id='three fields that end as DOS has it'),
    pytest.param('LABEL=/s none swap sw 0 0\n', {}, 'LABEL=/s none swap sw 0 0\n/s none swap sw,nofail 0 0\n',
                 id='a label is another source'),
    pytest.param('#/s none swap sw 0 0\n', {}, '#/s none swap sw 0 0\n/s none swap sw,nofail 0 0\n',
                 id='a comment is no entry'),
    pytest.param('/s2 none swap sw 0 0\n', {}, '/s2 none swap sw 0 0\n/s none swap sw,nofail 0 0\n',
                 id='another file is another entry'),
])
def test_with_swap(text, options, expected):
    result = fstab.with_swap(text, ['/s'], **options)
    assert result == expected
    assert fstab.with_swap(result, ['/s'], **options) == result


def test_a_path_with_blanks_is_written_and_found_escaped():
    text = fstab.with_swap('', ['/my swap\tfile#1\\x'])
    assert text == '/my\\040swap\\011file\\0431\\134x none swap sw,nofail 0 0\n'
    assert fstab.parse(text)[0]['source'] == '/my swap\tfile#1\\x'
    assert fstab.without_swap(text, ['/my swap\tfile#1\\x']) == ''


def test_an_entry_is_found_by_any_of_the_names_of_the_file():
    text = '/link/s none swap sw 0 0\n'
    assert fstab.with_swap(text, ['/real/s', '/link/s']) == text
    assert fstab.without_swap(text, ['/real/s', '/link/s']) == ''


@pytest.mark.parametrize('text, lines, expected', [
    pytest.param(OTHER + '/s none swap sw,nofail 0 0\n', [], OTHER, id='no line comes back to none'),
    pytest.param('/s none swap pri=9\n# end\n', ['/s  swap swap\tpri=1 0 0'], '/s  swap swap\tpri=1 0 0\n# end\n',
                 id='a line comes back in its place'),
    pytest.param('# end\n', ['/s swap swap'], '# end\n/s swap swap\n', id='a line that is gone comes back at the end'),
    pytest.param('# end', ['/s swap swap'], '# end\n/s swap swap', id='also where no line feed is at the end'),
    pytest.param('/s a swap x\n# mid\n/s b swap y\n# end\n', ['/s c swap z'], '/s c swap z\n# mid\n# end\n',
                 id='one line comes back in the place of the first of two'),
    pytest.param('/s a swap x\n# mid\n', ['/s a swap x', '/s b swap y'], '/s a swap x\n/s b swap y\n# mid\n',
                 id='two lines come back'),
])
def test_with_lines(text, lines, expected):
    assert fstab.with_lines(text, ['/s'], lines) == expected


@pytest.mark.parametrize('raw, expected', [
    ('/s none swap pri=5,sw 0 0', 5), ('/s none swap sw,pri=-1 0 0', -1), ('/s none swap sw 0 0', None),
    ('/s none swap sw,pri=x 0 0', None),
])
def test_priority_of(raw, expected):
    assert fstab.priority_of(fstab.parse(raw)[0]) == expected


def test_lines_of_a_record_without_their_places_come_back_to_where_the_text_from_before_has_them():
    line = '/swapfile none swap sw 0 0'
    needs = {'edit': 'lines', 'paths': ['/swapfile'], 'fstab_lines': [line], 'above': ()}
    assert fstab.edited('a\nb\nc\n', 'a\n%s\nb\n' % line, needs) == 'a\n%s\nb\nc\n' % line
    assert fstab.edited('a\nb\nc\n', None, needs) == 'a\nb\nc\n%s\n' % line
