# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two swap files in one run, on this machine: made, proven and kept without being named again, undone by records."""

import json
import pathlib

import pytest

ONE, TWO = pathlib.Path('/oom-rescue-one.swap'), pathlib.Path('/oom-rescue-two.swap')
RECORDS, FSTAB = pathlib.Path('/var/lib/oom-rescue'), pathlib.Path('/etc/fstab')
ASKED = ('--extra-vars', json.dumps({'swap_files': [
    {'path': str(ONE), 'size': '33M'}, {'path': str(TWO), 'size': '34M', 'priority': 7}]}))
OPEN = ('--extra-vars', 'verify_accept_open=true')


def run(playbook, name, *options):
    return playbook(f'oom.rescue.{name}', '--extra-vars', 'rescue_hosts=localhost', *options)


def areas():
    rows = [line.split() for line in pathlib.Path('/proc/swaps').read_text().splitlines()[1:]]
    return {row[0]: int(row[4]) for row in rows if row[0] in (str(ONE), str(TWO))}


def of_swap(rows):
    return [row for row in rows if row['remedy'] == 'swap']


@pytest.fixture(scope='module', name='fstab')
def fixture_fstab(playbook):
    if RECORDS.exists():
        pytest.skip(f'{RECORDS} is there: this machine was rescued already')
    yield FSTAB.read_bytes()
    if areas() or RECORDS.exists():
        run(playbook, 'rollback')
    assert areas() == {} and not RECORDS.exists()


def test_both_are_made_in_one_run_and_each_has_its_row(playbook, fstab):
    play = run(playbook, 'remediate', *ASKED, *OPEN)
    assert play.status == 0, play.output
    assert areas()[str(TWO)] == 7 and set(areas()) == {str(ONE), str(TWO)}
    host, = play.report['hosts']
    assert [row['after']['file']['size_bytes'] >> 20 for row in of_swap(host['changes'])] == [33, 34]
    assert [row['claim'] for row in of_swap(host['claims'])] == [f'swap of {ONE}', f'swap of {TWO}']


def test_a_verify_that_names_none_proves_both(playbook, fstab):
    play = run(playbook, 'verify', *OPEN)
    assert play.status == 0, play.output
    host, = play.report['hosts']
    assert [row['claim'] for row in of_swap(host['claims'])] == [f'swap of {ONE}', f'swap of {TWO}'], play.output
    assert f'swap_files={ONE} 33M,{TWO} 34M.' in ' '.join(play.page.split())
    FSTAB.write_bytes(b''.join(line for line in FSTAB.read_bytes().splitlines(True) if str(ONE).encode() not in line))
    play = run(playbook, 'verify', *OPEN)
    assert play.status != 0 and f'DOES NOT HOLD: swap of {ONE}' in play.told, play.output


def test_a_run_that_names_none_keeps_and_mends_both(playbook, fstab):
    play = run(playbook, 'remediate', *OPEN)
    assert play.status == 0, play.output
    host, = play.report['hosts']
    assert [row['changed'] for row in of_swap(host['changes'])] == [True, False]
    assert str(ONE).encode() in FSTAB.read_bytes()


def test_the_undo_goes_by_the_records_whatever_path_is_named(playbook, fstab):
    play = run(playbook, 'rollback', '--extra-vars', 'swap_path=/elsewhere')
    assert play.status == 0, play.output
    assert FSTAB.read_bytes() == fstab and not any(path.exists() for path in (ONE, TWO, RECORDS)) and areas() == {}
    host, = play.report['hosts']
    assert [row['changed'] for row in of_swap(host['changes'])] == [True, True]


def test_nothing_is_made_if_one_of_them_cannot_be(playbook, fstab):
    play = run(playbook, 'remediate', '--extra-vars', json.dumps({'swap_files': [
        {'path': str(ONE), 'size': '33M'}, {'path': '/dev/shm/two', 'size': '34M'}]}))
    assert play.status != 0 and 'tmpfs' in play.output, play.output
    assert not ONE.exists() and areas() == {} and FSTAB.read_bytes() == fstab and not RECORDS.exists()
