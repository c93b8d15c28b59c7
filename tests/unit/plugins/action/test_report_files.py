# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a report are whole, have the mode that was asked for, and are written where nobody else could."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import stat

import pytest

pytest.importorskip('ansible')

files = pytest.importorskip('ansible_collections.oom.rescue.plugins.plugin_utils.report_files')


def mode_of(path):
    return stat.S_IMODE(os.lstat(str(path)).st_mode)


@pytest.mark.parametrize('value, mode', [
    ('0600', 0o600), ('644', 0o644), (0o644, 0o644), ('0777', 0o777), (384, 0o600), ('0o640', 0o640),
    ('0400', None), ('0200', None), ('0044', None), ('1600', None), (-1, None), ('-600', None), ('', None),
    ('rw', None), (None, None), ([], None), (0o1000, None), (0o1777, None), ('8', None),
])
def test_a_report_has_a_mode_that_lets_its_owner_read_and_write(value, mode):
    if mode is not None:
        assert files.parse_mode(value) == mode
        return
    with pytest.raises(files.ReportError, match='^report_mode is '):
        files.parse_mode(value)


@pytest.mark.parametrize('mode, of_directory', [(0o600, 0o700), (0o644, 0o755), (0o640, 0o750), (0o666, 0o777)])
def test_a_new_directory_lets_in_who_may_read_the_files(tmp_path, mode, of_directory):
    old = os.umask(0o077)
    try:
        files.write_files(str(tmp_path / 'above' / 'report'), {'a': '1', 'b': '\u00e9'}, mode)
    finally:
        os.umask(old)
    assert mode_of(tmp_path / 'above' / 'report') == of_directory
    assert {path.name: path.read_text(encoding='utf-8') for path in (tmp_path / 'above' / 'report').iterdir()} == {
        'a': '1', 'b': '\u00e9'}
    assert mode_of(tmp_path / 'above' / 'report' / 'a') == mode


def test_a_directory_that_is_there_keeps_its_mode_and_a_file_is_replaced(tmp_path):
    tmp_path.chmod(0o711)
    (tmp_path / 'target').write_text('kept')
    (tmp_path / 'a').symlink_to('target')
    files.write_files(str(tmp_path), {'a': 'new'}, 0o600)
    assert mode_of(tmp_path) == 0o711 and not (tmp_path / 'a').is_symlink()
    assert ((tmp_path / 'a').read_text(), (tmp_path / 'target').read_text()) == ('new', 'kept')
    assert sorted(path.name for path in tmp_path.iterdir()) == ['a', 'target']


def test_nothing_is_written_through_a_link(tmp_path):
    (tmp_path / 'there').mkdir()
    (tmp_path / 'link').symlink_to('there')
    with pytest.raises(files.ReportError, match='is a link: name in report_dir the directory that it leads to'):
        files.write_files(str(tmp_path / 'link'), {'a': 'x'}, 0o600)
    # Whoever may write to it: there is no mode to change.
    (tmp_path / 'file').write_text('')
    (tmp_path / 'file').chmod(0o666)
    with pytest.raises(NotADirectoryError):
        files.write_files(str(tmp_path / 'file'), {'a': 'x'}, 0o600)
    assert list((tmp_path / 'there').iterdir()) == []


@pytest.mark.parametrize('mode, taken', [(0o755, True), (0o775, True), (0o777, False), (0o1777, True), (0o702, False)])
def test_a_directory_in_which_anybody_could_put_a_page_is_refused(tmp_path, mode, taken):
    tmp_path.chmod(mode)
    if taken:
        files.write_files(str(tmp_path), {'a': 'x'}, 0o600)
    else:
        with pytest.raises(files.ReportError, match='has mode %04o, so anybody' % mode):
            files.write_files(str(tmp_path), {'a': 'x'}, 0o600)
    assert [path.name for path in tmp_path.iterdir()] == ['a'] * taken


def test_a_directory_of_somebody_else_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, 'geteuid', lambda: os.getuid() + 1)
    with pytest.raises(files.ReportError, match='belongs to user %d, and the report is written by user %d' % (
            os.getuid(), os.getuid() + 1)):
        files.write_files(str(tmp_path), {'a': 'x'}, 0o600)


@pytest.mark.parametrize('newer', [True, False])
def test_what_is_newer_stays(tmp_path, newer):
    asked = []
    (tmp_path / 'a').write_text('old')
    files.write_files(str(tmp_path), {'a': 'new'}, 0o600, lambda parent: asked.append(os.listdir(parent)) or newer)
    assert asked == [['a']] and (tmp_path / 'a').read_text() == ('old' if newer else 'new')


def test_a_directory_is_tried_with_as_much_as_a_host_s_report_has_and_left_as_it_was(tmp_path, monkeypatch):
    sizes, fsync = [], os.fsync
    monkeypatch.setattr(os, 'fsync', lambda file: sizes.append(os.fstat(file).st_size) or fsync(file))
    files.try_directory(str(tmp_path), 0o600)
    assert sizes == [128 << 10] and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('call', ['fsync', 'rename', 'fchmod'])
def test_what_cannot_be_written_leaves_nothing_behind(tmp_path, monkeypatch, call):
    def fail(*_arguments, **_options):
        raise OSError(28, 'full')

    (tmp_path / 'a').write_text('old')
    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match='full'):
        files.write_files(str(tmp_path), {'a': 'new'}, 0o600)
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ['a'] and (tmp_path / 'a').read_text() == 'old'
