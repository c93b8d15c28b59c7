# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resizing with pages really swapped out, and a reboot, in a virtual machine."""

import time

import pytest
from conftest import MIB
from guest import TREE, Guest, needs_machines

PAGE = 4096
HOG = 'python3 %s/tests/integration/swap/guest_hog.py' % TREE

pytestmark = needs_machines

# Reads /proc/swaps as fast as it can, and keeps the least swap that it ever saw.
WATCH = r'''
import time
least = None
while True:
    total = sum(int(line.split()[2]) for line in open("/proc/swaps").read().splitlines()[1:])
    if least is None or total < least:
        least = total
        open("/run/least", "w").write(str(least))
    time.sleep(0.002)
'''


@pytest.fixture(scope='module')
def guest(suite):
    with Guest('swapped-out', suite, memory=512) as machine:
        yield machine


def start_hog(guest, megabytes, limit='', kind='MemoryHigh'):
    """A process that holds so much memory, held in RAM up to ``limit`` while it fills it."""
    guest.check('rm -f /run/hog.state; systemd-run --unit hog %s %s %d' % (
        '-p %s=%s' % (kind, limit) if limit else '', HOG, megabytes))
    wait_for(guest, 'filled')
    if kind == 'MemoryHigh' and limit:
        guest.check('systemctl set-property --runtime hog MemoryHigh=infinity')


def wait_for(guest, word):
    for _attempt in range(240):
        if guest.run('cat /run/hog.state').stdout == word:
            return
        time.sleep(0.5)
    raise AssertionError('the hog says %r' % guest.run('cat /run/hog.state; systemctl status hog').stdout)


def assert_whole(guest):
    """Every page of the hog, swapped out or not, is what it was."""
    guest.check('rm /run/hog.state; systemctl kill --signal USR1 hog')
    wait_for(guest, 'whole')


@pytest.fixture
def swapped_out(guest):
    """A guest whose swap of 256 MiB holds about 150 MiB, with RAM to spare."""
    assert guest.converge(size='256M')['after']['activation']['size_bytes'] == 256 * MIB - PAGE
    start_hog(guest, 220, '70M')
    assert guest.areas()['/swapfile'][1] > 100 * MIB
    guest.check("printf '%s' '" + WATCH + "' > /run/watch.py; systemd-run --unit watch python3 /run/watch.py; sleep 1")
    yield guest
    guest.check('systemctl stop watch hog; rm -f /filler; systemctl reset-failed')
    guest.converge(state='restored')


def least(guest):
    return int(guest.check('cat /run/least')) * 1024


def fill_disk(guest, leave):
    available = int(guest.check("stat -f -c '%a*%S' /").split('*')[0]) * 4096
    guest.check('fallocate -l %d /filler' % (available - leave))


def test_growing_by_a_second_area_never_has_less_swap_and_loses_no_page(swapped_out):
    result = swapped_out.converge(size='384M')
    assert [step['action'] for step in result['actions']] == [
        'create', 'write', 'on', 'off', 'grow', 'write', 'on', 'off', 'remove']
    assert swapped_out.areas()['/swapfile'][0] == 384 * MIB - PAGE and len(swapped_out.areas()) == 1
    assert least(swapped_out) >= 256 * MIB - PAGE
    assert_whole(swapped_out)
    assert not swapped_out.converge(size='384M')['changed']


def test_a_full_disk_and_enough_ram_switches_off_for_a_moment(swapped_out):
    fill_disk(swapped_out, 100 * MIB)
    result = swapped_out.converge(size='350M')
    assert [step['action'] for step in result['actions']] == ['off', 'grow', 'write', 'on']
    assert swapped_out.areas()['/swapfile'][0] == 350 * MIB - PAGE
    assert_whole(swapped_out)


def test_neither_disk_nor_ram_is_refused_with_the_bytes_and_nothing_changes(swapped_out):
    fill_disk(swapped_out, 60 * MIB)
    swapped_out.check('systemd-run --unit more %s 190' % HOG)
    try:
        wait_for(swapped_out, 'filled')
        time.sleep(15)
        before = swapped_out.areas()
        for wish in ({'size': '300M'}, {'state': 'absent'}, {'size': '256M', 'active': False}, {'size': '64M'}):
            result = swapped_out.converge(**wish)
            assert 'bytes are missing' in result.get('error', ''), result
        assert swapped_out.areas().keys() == before.keys()
    finally:
        swapped_out.check('systemctl stop more')
    assert_whole(swapped_out)


def test_shrinking_to_what_still_holds_it_works_and_below_it_ram_takes_the_rest(swapped_out):
    result = swapped_out.converge(size='128M')
    assert swapped_out.areas()['/swapfile'][0] == 128 * MIB - PAGE and 'error' not in result
    assert_whole(swapped_out)


def test_a_process_within_its_own_limit_is_not_given_pages_that_would_have_it_killed(guest):
    assert guest.converge(size='256M')['changed']
    start_hog(guest, 220, '70M', 'MemoryMax')
    try:
        for wish in ({'state': 'absent'}, {'size': '256M', 'active': False}):
            assert 'hog.service, whose memory limit' in guest.converge(**wish)['error']
        assert guest.converge(size='300M')['changed']
        assert_whole(guest)
        assert guest.areas()['/swapfile'][1] > 100 * MIB
    finally:
        guest.check('systemctl stop hog; systemctl reset-failed')
        guest.converge(state='restored')


def test_after_a_reboot_the_swap_is_there_and_after_the_undo_it_is_not(guest):
    fstab = guest.check('cat /etc/fstab')
    assert guest.converge(size='256M', priority=7)['changed']
    assert 'generator' in guest.check('systemctl show -p FragmentPath swapfile.swap')
    guest.reboot()
    assert guest.areas() == {'/swapfile': (256 * MIB - PAGE, 0)}
    assert guest.check('systemctl is-active swapfile.swap') == 'active\n'
    assert not guest.converge(size='256M', priority=7)['changed']
    assert guest.converge(state='restored')['changed']
    assert guest.check('cat /etc/fstab') == fstab
    assert not guest.check('ls -a / /var/lib | grep -e swapfile -e oom-rescue || true')
    guest.reboot()
    assert guest.areas() == {}
    assert guest.check('systemctl is-system-running || true').strip() in ('running', 'starting')
