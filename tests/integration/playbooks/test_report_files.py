# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the report goes, and with which mode: each time by a play that writes it."""

import os
import stat
import subprocess

import pytest
from conftest import ROOT, Play

PLAY = '''\
- hosts: all
  gather_facts: false
  {play}
  tasks:
    - ansible.builtin.include_role:
        name: oom.rescue.report
      {task}
'''
INVENTORY = 'web1 ansible_connection=local\n[all:vars]\n'


@pytest.fixture(name='write')
def fixture_write(tmp_path):
    def run(*options, play='', task='', inventory=''):
        (tmp_path / 'play.yml').write_text(PLAY.format(play=play, task=task))
        (tmp_path / 'hosts').write_text(INVENTORY + inventory)
        return Play([str(ROOT / '.venv/bin/ansible-playbook'), '-i', str(tmp_path / 'hosts'),
                     str(tmp_path / 'play.yml'), *options], tmp_path / 'there',
                    {'ANSIBLE_COLLECTIONS_PATH': str(ROOT / '.cache/collections')}, directory=tmp_path)
    return run


def mode(path):
    return f'{stat.S_IMODE(path.lstat().st_mode):04o}'


@pytest.mark.parametrize('ways', [
    pytest.param({'options': ('-e', 'report_dir=there', '-e', 'report_mode=0644')}, id='extra variables'),
    pytest.param({'play': 'vars: {report_dir: there, report_mode: "0644"}'}, id='the play'),
    pytest.param({'task': 'vars: {report_dir: there, report_mode: "0644"}'}, id='the role'),
    pytest.param({'inventory': 'report_dir=there\nreport_mode="0644"\n'}, id='the inventory, for all'),
    pytest.param({'task': 'vars: {report_dir: "{{ where }}", report_mode: 0644}', 'inventory': 'where=there\n'},
                 id='a template, and a number'),
])
def test_the_options_are_taken_from_wherever_a_user_sets_them(write, tmp_path, ways):
    ways = dict(ways)
    play = write(*ways.pop('options', ()), **ways)
    assert play.status == 0, play.output
    assert mode(tmp_path / 'there') == '0755'
    assert mode(tmp_path / 'there/index.html') == mode(tmp_path / 'there/summary.txt') == '0644'


def test_it_is_for_its_owner_alone_unless_asked(write, tmp_path):
    assert write('-e', 'report_dir=there').status == 0
    assert mode(tmp_path / 'there') == '0700' and mode(tmp_path / 'there/index.html') == '0600'


@pytest.mark.parametrize('there', ['0700', '0750', '0775', '1777'])
def test_a_directory_that_is_there_keeps_its_mode_and_what_is_in_it(write, tmp_path, there):
    (tmp_path / 'there').mkdir()
    (tmp_path / 'there').chmod(int(there, 8))
    (tmp_path / 'there/index.html').write_text('of yesterday')
    (tmp_path / 'there/index.html').chmod(0o666)
    (tmp_path / 'there/other').write_text('mine')
    play = write('-e', 'report_dir=there')
    assert play.status == 0 and 'web1' in play.page, play.output
    assert mode(tmp_path / 'there') == there and mode(tmp_path / 'there/index.html') == '0600'
    assert sorted(os.listdir(tmp_path / 'there')) == [
        'index.html', 'other', 'report.json', 'report.md', 'summary.txt']


@pytest.mark.parametrize('prepare, words', [
    pytest.param(lambda path: os.chown(path, 65534, 65534), 'belongs to user 65534', id='of another owner'),
    pytest.param(lambda path: path.chmod(0o777), 'has mode 0777, so anybody', id='anybody may write'),
    pytest.param(lambda path: (path.rename(path.parent / 'else'), path.symlink_to('else')), 'is a link', id='a link'),
    pytest.param(lambda path: (path.rmdir(), path.write_text('')), 'Not a directory', id='a file'),
])
def test_a_directory_that_is_not_the_runners_own_is_refused_with_the_reason(write, tmp_path, prepare, words):
    (tmp_path / 'there').mkdir()
    prepare(tmp_path / 'there')
    play = write('-e', 'report_dir=there')
    assert play.status != 0 and words in play.output
    assert f'{tmp_path}/there' in play.output and 'Traceback' not in play.output
    assert not list(tmp_path.rglob('index.html'))


def test_a_link_in_the_place_of_the_page_is_replaced_and_not_followed(write, tmp_path):
    (tmp_path / 'there').mkdir()
    (tmp_path / 'precious').write_text('mine')
    for name in ('index.html', 'summary.txt'):
        (tmp_path / 'there' / name).symlink_to(tmp_path / 'precious')
    assert write('-e', 'report_dir=there').status == 0
    assert (tmp_path / 'precious').read_text() == 'mine'
    assert not (tmp_path / 'there/index.html').is_symlink()


@pytest.mark.parametrize('given', ['rw-r--r--', '0999', '01777', '0044', '{}'])
def test_a_mode_that_is_none_is_refused(write, given):
    play = write('-e', 'report_dir=there', '-e', f'report_mode={given}')
    assert play.status != 0 and 'report_mode is ' in play.output


@pytest.fixture(name='full')
def fixture_full(tmp_path):
    """A directory on a disk that is full."""
    disk = tmp_path / 'disk'
    disk.mkdir()
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', str(disk)], check=True)
    (disk / 'there').mkdir()
    with open(disk / 'rest', 'wb', buffering=0) as rest:
        while True:
            try:
                rest.write(bytes(4096))
            except OSError:
                break
    yield disk / 'there'
    subprocess.run(['umount', str(disk)], check=True)


@pytest.mark.parametrize('name', ['oom.rescue.remediate', 'oom.rescue.rollback'])
def test_a_run_stops_before_its_first_change_if_no_report_can_be_written(playbook, full, name):
    play = playbook(name, '--check', '--extra-vars', 'rescue_hosts=localhost', '--extra-vars', f'report_dir={full}')
    assert play.status != 0
    assert f'{full}: No space left on device: no report can be written there' in play.output
    assert not [line for line in play.output.splitlines() if 'TASK [oom.rescue.swap' in line or 'TASK [oom.rescue.oom_'
                in line], play.output
    assert 'Traceback' not in play.output and os.listdir(full) == []
