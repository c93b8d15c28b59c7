# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible made of a module serves the next run, until a file that it was made of changes, and is nobody else's."""

from __future__ import absolute_import, division, print_function

import os

import pytest

pytest.importorskip('ansible')

builds = pytest.importorskip('ansible_collections.oom.rescue.plugins.plugin_utils.builds')

BUILT = 'ansiballz_cache/ansible_collections.oom.rescue.plugins.modules.swap_file-ZIP_DEFLATED'
SENT = 'oom_rescue-packed_anew-0123'


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv('ANSIBLE_HOME', str(tmp_path / 'home'))
    monkeypatch.setattr(builds, '_COLLECTION', str(tmp_path / 'plugins'))
    for path in ('modules/swap_file.py', 'module_utils/_swap/plan.py', 'plugin_utils/payload.py'):
        (tmp_path / 'plugins' / path).parent.mkdir(parents=True)
        (tmp_path / 'plugins' / path).write_text('x = 1\n')
    return tmp_path / 'home' / 'oom.rescue'


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Begins a run of Ansible, which builds a module; {path below its own directory: text} that it did not make."""
    count = [0]

    def run(module='swap_file', made=((BUILT, 'built'), (SENT, 'sent'))):
        count[0] += 1
        folder = tmp_path / ('run%d' % count[0])
        folder.mkdir()
        monkeypatch.setattr(builds.constants, 'DEFAULT_LOCAL_TMP', str(folder), raising=False)
        with builds.kept(module):
            found = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob('*') if path.is_file()}
            for path, text in made:
                if path not in found:
                    (folder / path).parent.mkdir(exist_ok=True)
                    (folder / path).write_text(text)
        return found

    return run


def test_the_next_run_has_what_the_first_one_made(home, runs):
    assert runs() == {}
    assert runs() == {BUILT: 'built', SENT: 'sent'}
    assert runs() == {BUILT: 'built', SENT: 'sent'}


def test_a_run_that_makes_nothing_writes_nothing(home, runs):
    runs()
    before = [(path.name, path.stat().st_ino) for path in home.iterdir()]
    runs()
    assert [(path.name, path.stat().st_ino) for path in home.iterdir()] == before


def test_what_a_run_has_already_is_not_brought_again(home, runs, monkeypatch):
    runs()
    monkeypatch.setattr(builds, '_key', None)
    with builds.kept('swap_file'):
        pass


@pytest.mark.parametrize('change', [
    lambda path: path.write_text('x = 22\n'), lambda path: path.write_text('x = 2\n'),
    lambda path: (path.parent / 'new.py').write_text(''), lambda path: path.unlink(),
], ids=['longer', 'as long', 'a new file', 'one file less'])
@pytest.mark.parametrize('name', ['module_utils/_swap/plan.py', 'plugin_utils/payload.py'])
def test_a_file_that_changes_has_the_module_made_anew(home, runs, tmp_path, change, name):
    runs()
    change(tmp_path / 'plugins' / name)
    assert runs() == {}
    assert runs() == {BUILT: 'built', SENT: 'sent'}


def test_a_module_that_changes_is_made_anew(home, runs, tmp_path):
    runs()
    (tmp_path / 'plugins' / 'modules' / 'swap_file.py').write_text('x = 3\n')
    assert runs() == {}


def test_a_file_with_its_time_set_back_has_changed(home, runs, tmp_path):
    path = tmp_path / 'plugins' / 'module_utils' / '_swap' / 'plan.py'
    runs()
    before = path.stat()
    path.write_text('x = 2\n')
    os.utime(str(path), ns=(before.st_atime_ns, before.st_mtime_ns))
    assert runs() == {}


def test_another_release_of_ansible_makes_it_anew(home, runs, monkeypatch):
    runs()
    monkeypatch.setattr(builds, '__version__', '2.99.0')
    assert runs() == {}


def test_only_the_newest_of_a_module_is_kept_beside_other_modules(home, runs, tmp_path):
    (tmp_path / 'plugins' / 'modules' / 'swappiness.py').write_text('')
    other = BUILT.replace('swap_file', 'swappiness')
    runs('swappiness', [(other, 'other')])
    runs()
    (tmp_path / 'plugins' / 'modules' / 'swap_file.py').write_text('x = 3\n')
    runs(made=[(BUILT, 'newer')])
    assert runs(made=()) == {BUILT: 'newer'}
    assert runs('swappiness', []) == {other: 'other'}
    assert len(list(home.iterdir())) == 2


def _damage(path):
    path.write_bytes(path.read_bytes()[:-1])


def _empty(path):
    path.write_bytes(b'')


def _open_to_others(path):
    path.chmod(0o666)


def _link(path):
    path.rename(path.parent.parent / 'elsewhere')
    path.symlink_to(path.parent.parent / 'elsewhere')


@pytest.mark.parametrize('spoil', [_damage, _empty, _open_to_others, _link])
def test_a_file_that_is_not_whole_or_that_others_may_write_is_not_taken(home, runs, spoil):
    runs()
    spoil(next(path for path in home.iterdir() if 'ansiballz' in path.name))
    assert runs() == {SENT: 'sent'}
    assert runs() == {BUILT: 'built', SENT: 'sent'}


@pytest.mark.parametrize('name', [
    '{key},..,..,etc,shadow', '{key},ansiballz_cache,ansible.modules.ping-ZIP_DEFLATED', '{key},{key}', 'notes'])
def test_a_file_of_another_name_is_not_taken(home, runs, name):
    runs()
    kept = next(path for path in home.iterdir() if 'ansiballz' in path.name)
    kept.rename(home / name.format(key=','.join(kept.name.split(',')[:2])))
    assert runs() == {SENT: 'sent'}


def test_a_directory_that_others_may_write_is_neither_read_nor_written(home, runs):
    runs()
    home.chmod(0o777)
    before = sorted(home.iterdir())
    assert runs(made=[(SENT + '4', 'more')]) == {}
    assert sorted(home.iterdir()) == before


def test_a_directory_of_another_user_is_neither_read_nor_written(home, runs, monkeypatch):
    runs()
    monkeypatch.setattr(os, 'geteuid', lambda: 12345)
    assert runs() == {}


def test_a_link_in_place_of_the_directory_is_not_followed(home, runs, tmp_path):
    runs()
    home.rename(tmp_path / 'elsewhere')
    home.symlink_to(tmp_path / 'elsewhere')
    assert runs() == {}


def test_a_run_goes_on_where_nothing_can_be_kept(home, runs):
    home.parent.write_text('')
    assert runs() == {}
    assert runs() == {}


def test_what_a_killed_run_left_half_written_goes_after_an_hour(home, runs):
    runs()
    for name, age in (('partial.old', 7200), ('partial.new', 0)):
        (home / name).write_text('x')
        os.utime(str(home / name), (os.stat(str(home)).st_mtime - age,) * 2)
    runs(made=[(SENT + '4', 'more')])
    assert [path.name for path in home.iterdir() if path.name.startswith('partial')] == ['partial.new']


def test_what_is_kept_is_root_s_own_from_its_first_instant(home, runs):
    before = os.umask(0)
    try:
        runs()
    finally:
        os.umask(before)
    assert [path.stat().st_mode & 0o777 for path in (home.parent, home)] == [0o700, 0o700]
    assert set(path.stat().st_mode & 0o777 for path in home.iterdir()) == {0o600}


def test_a_module_of_ansible_s_own_is_left_to_ansible(home, runs):
    assert runs('async_wrapper', ()) == {}
    assert not home.exists()


def test_a_module_that_cannot_be_built_keeps_nothing(home, runs):
    with pytest.raises(ZeroDivisionError):
        with builds.kept('swap_file'):
            raise ZeroDivisionError
    assert list(home.iterdir()) == []
