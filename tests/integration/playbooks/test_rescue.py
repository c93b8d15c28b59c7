# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rescue, verify and roll back this machine for real, with a small swap file; read from the kernel and from files."""

import pathlib

import pytest

SWAPFILE = pathlib.Path('/oom-rescue-test.swap')
SYSCTL = pathlib.Path('/etc/sysctl.d/99-zz-oom-rescue.conf')
RECORDS = pathlib.Path('/var/lib/oom-rescue')
# Whether this machine's own init reads fstab may be unknown, as in a container of a test: that is open, and accepted.
ARGS = f'--extra-vars swap_path={SWAPFILE} --extra-vars swap_size=64M --extra-vars verify_accept_open=true'


def state():
    """What a rescue changes on a host."""
    return {
        'swap': str(SWAPFILE) in pathlib.Path('/proc/swaps').read_text(),
        'file': SWAPFILE.exists(),
        'fstab': pathlib.Path('/etc/fstab').read_bytes(),
        'swappiness': pathlib.Path('/proc/sys/vm/swappiness').read_text(),
        'sysctl': SYSCTL.exists(),
        'records': RECORDS.exists(),
    }


@pytest.fixture(scope='module', name='make')
def fixture_make_and_tell(make):
    """The same, in words that name each module that is run."""
    def run(target, ARGS='', **variables):
        return make(target, environ={'ANSIBLE_PIPELINING': '0'}, ARGS=f'{ARGS} -vvv', **variables)
    return run


@pytest.fixture(scope='module', name='before')
def fixture_before(make):
    before = state()
    if before['records'] or before['sysctl']:
        pytest.skip(f'{RECORDS} or {SYSCTL} is there: this machine was rescued already')
    yield before
    # Where a test failed before it came to the undo.
    if state() != before:
        make('rollback', ARGS=ARGS)


def test_check_mode_shows_the_plan_and_changes_nothing(make, before):
    play = make('rescue', CHECK=1, ARGS=ARGS)
    assert play.status == 0, play.output
    assert 'changed=2' in play.output and play.module_runs == ['rescue_info']
    assert f'make {SWAPFILE}, 64 MiB' in play.output and '+vm.swappiness = 10' in play.output
    assert state() == before


def test_rescue_makes_what_it_says(make, before):
    play = make('rescue', ARGS=ARGS)
    assert play.status == 0, play.output
    assert len(play.lines) <= 10
    assert play.module_runs == ['rescue_info', 'swap_file', 'swappiness', 'oom_score_adj', 'ask_remedies']
    after = state()
    assert after['swap'] and after['sysctl'] and after['swappiness'] == '10\n'
    assert after['fstab'].startswith(before['fstab']) and str(SWAPFILE).encode() in after['fstab']
    assert SWAPFILE.stat().st_mode & 0o7777 == 0o600


def test_again_changes_nothing(make, before):
    play = make('rescue', ARGS=ARGS)
    assert play.status == 0, play.output
    assert 'changed=0' in play.output and play.module_runs == ['rescue_info']


def assert_proven(play):
    """There are claims on swap and swappiness, they hold now, and none is false."""
    claims = play.report['hosts'][0]['claims']
    assert {claim['remedy'] for claim in claims if claim['now']} >= {'swap', 'swappiness'}, claims
    assert 'false' not in [claim['state'] for claim in claims], claims


def test_verify_holds(make, before):
    play = make('verify', ARGS=ARGS)
    assert play.status == 0, play.output
    assert_proven(play)
    assert play.module_runs == ['rescue_info']


def test_what_was_asked_for_is_kept_by_a_run_that_does_not_ask(make, before):
    play = make('verify', ARGS='--extra-vars verify_accept_open=true')
    assert play.status == 0, play.output
    assert_proven(play)
    assert play.module_runs == ['rescue_info']
    told = ' '.join((play.summary + play.page).split())
    assert f'Kept as it was asked for before: swap_path={SWAPFILE}, swap_size=64M.' in told
    play = make('rescue', CHECK=1)
    assert play.status == 0 and 'changed=0' in play.output and play.module_runs == ['rescue_info'], play.output


def test_verify_names_what_does_not_hold(make, before):
    fstab = pathlib.Path('/etc/fstab')
    text = fstab.read_text()
    fstab.write_text(''.join(line for line in text.splitlines(True) if str(SWAPFILE) not in line))
    try:
        play = make('verify', ARGS=ARGS)
    finally:
        fstab.write_text(text)
    assert play.status != 0
    assert f'DOES NOT HOLD: swap of {SWAPFILE} (still to do: /etc/fstab' in play.summary


def test_rollback_leaves_nothing_behind(make, before):
    play = make('rollback', ARGS=ARGS)
    assert play.status == 0, play.output
    assert state() == before


def test_rollback_again_changes_nothing(make, before):
    play = make('rollback', ARGS=ARGS)
    assert play.status == 0, play.output
    assert 'changed=0' in play.output
