# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the report goes, and with which mode: each time by a play that writes it."""

import json
import os
import re
import stat
import subprocess

import pytest
from conftest import ROOT, Play

PLAY = '''\
- hosts: all
  gather_facts: false
  {play}
  tasks:
    - block:
        - ansible.builtin.include_role:
            name: oom.rescue.report
          {task}
      rescue:
        - ansible.builtin.debug:
            msg: "REFUSED {{{{ ansible_failed_result.msg }}}}"
'''
INVENTORY = 'web1 ansible_connection=local\n[all:vars]\n'


def play(directory, plays, *options, inventory=''):
    """A run of plays that write the report, each with its own words; in the inventory of a host."""
    (directory / 'play.yml').write_text(''.join(PLAY.format(**{'play': '', 'task': '', **words}) for words in plays))
    (directory / 'hosts').write_text(INVENTORY + inventory)
    return Play([str(ROOT / '.venv/bin/ansible-playbook'), '-i', str(directory / 'hosts'), str(directory / 'play.yml'),
                 *options], directory / 'there', {'ANSIBLE_COLLECTIONS_PATH': str(ROOT / '.cache/collections')},
                directory=directory)


# What is in the place of the report before: a directory of a mode with files in it, what is refused, links in it.
MODES = ('0700', '0750', '0775', '1777')
REFUSED = {
    'another-owner': (lambda path: (path.mkdir(), os.chown(path, 65534, 65534)), 'belongs to user 65534'),
    'writable': (lambda path: (path.mkdir(), path.chmod(0o777)), 'has mode 0777, so anybody'),
    'a-link': (lambda path: (path.with_name('else').mkdir(), path.symlink_to('else')), 'is a link'),
    'a-file': (lambda path: path.write_text(''), 'Not a directory'),
}
NO_MODES = ('rw-r--r--', '0999', '01777', '0044', '{}')
# Where a user sets the options of the role: extra variables and the inventory are a run's own.
WAYS = {
    'the play': {'play': 'vars: {report_dir: "the play", report_mode: "0644"}'},
    'the role': {'task': 'vars: {report_dir: "the role", report_mode: "0644"}'},
    'a template': {'task': 'vars: {report_dir: "{{ where }}", report_mode: 0644}'},
    'unless asked': {'play': 'vars: {report_dir: "unless asked"}'},
}


def prepare(directory):
    for mode_before in MODES:
        there = directory / mode_before
        there.mkdir()
        there.chmod(int(mode_before, 8))
        (there / 'index.html').write_text('of yesterday')
        (there / 'index.html').chmod(0o666)
        (there / 'other').write_text('mine')
    for name, (make, _words) in REFUSED.items():
        make(directory / name)
    (directory / 'links').mkdir()
    (directory / 'precious').write_text('mine')
    for name in ('index.html', 'summary.txt'):
        (directory / 'links' / name).symlink_to(directory / 'precious')


@pytest.fixture(name='done', scope='module')
def fixture_done(tmp_path_factory):
    """(the run, its directory) of a play for each of these, one after the other."""
    directory = tmp_path_factory.mktemp('report')
    prepare(directory)
    plays = [{'play': f'vars: {{report_dir: "{name}"}}'} for name in (*MODES, *REFUSED, 'links')]
    plays += [{'play': f'vars: {{report_dir: "none {number}", report_mode: {json.dumps(given)}}}'}
              for number, given in enumerate(NO_MODES)]
    return play(directory, plays + list(WAYS.values()), inventory='where="a template"\n'), directory


def mode(path):
    return f'{stat.S_IMODE(path.lstat().st_mode):04o}'


def refused(done):
    """What the plays were refused with, in their order."""
    return re.findall(r'"?msg"?: (.REFUSED .*)', done.output)


def test_every_play_is_come_to_and_no_other_is_refused(done):
    run, _directory = done
    assert run.status == 0 and len(refused(run)) == len(REFUSED) + len(NO_MODES), run.output
    assert 'Traceback' not in run.output


@pytest.mark.parametrize('way', [way for way in WAYS if way != 'unless asked'])
def test_the_options_are_taken_from_wherever_a_user_sets_them(done, way):
    run, directory = done
    assert mode(directory / way) == '0755', run.output
    assert mode(directory / way / 'index.html') == mode(directory / way / 'summary.txt') == '0644'


@pytest.mark.parametrize('options, inventory', [
    pytest.param(('-e', 'report_dir=there', '-e', 'report_mode=0644'), '', id='extra variables'),
    pytest.param((), 'report_dir=there\nreport_mode="0644"\n', id='the inventory, for all'),
])
def test_the_options_of_a_run_are_taken(tmp_path, options, inventory):
    run = play(tmp_path, [{}], *options, inventory=inventory)
    assert run.status == 0, run.output
    assert mode(tmp_path / 'there') == '0755'
    assert mode(tmp_path / 'there/index.html') == mode(tmp_path / 'there/summary.txt') == '0644'


def test_it_is_for_its_owner_alone_unless_asked(done):
    directory = done[1] / 'unless asked'
    assert mode(directory) == '0700' and mode(directory / 'index.html') == '0600'


@pytest.mark.parametrize('there', MODES)
def test_a_directory_that_is_there_keeps_its_mode_and_what_is_in_it(done, there):
    run, directory = done
    assert 'web1' in (directory / there / 'index.html').read_text(), run.output
    assert mode(directory / there) == there and mode(directory / there / 'index.html') == '0600'
    assert sorted(os.listdir(directory / there)) == ['index.html', 'other', 'report.json', 'report.md', 'summary.txt']


@pytest.mark.parametrize('name', REFUSED)
def test_a_directory_that_is_not_the_runners_own_is_refused_with_the_reason(done, name):
    run, directory = done
    told = refused(run)[list(REFUSED).index(name)]
    assert REFUSED[name][1] in told and f'{directory}/{name}' in told
    assert not list((directory / name).rglob('index.html')) and not list((directory / 'else').iterdir())


def test_a_link_in_the_place_of_the_page_is_replaced_and_not_followed(done):
    directory = done[1]
    assert (directory / 'precious').read_text() == 'mine'
    assert (directory / 'links/index.html').is_file() and not (directory / 'links/index.html').is_symlink()


@pytest.mark.parametrize('number', range(len(NO_MODES)), ids=NO_MODES)
def test_a_mode_that_is_none_is_refused(done, number):
    run, directory = done
    assert 'report_mode is ' in refused(run)[len(REFUSED) + number]
    assert not (directory / f'none {number}').exists()


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
