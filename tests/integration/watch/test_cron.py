# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The watch without systemd and a journal: cron starts it, and rsyslog keeps what the kernel says. In this order."""

import time

from watch_guest import FILES

SUITE = 'sysvinit'
BEFORE = {}
# A minute until cron's next run, and a run.
SECONDS = 70


def names(rows):
    return [row['message']['victims'][0]['name'] for row in rows]


def test_it_is_installed_once(guest):
    assert guest.run('pidof systemd').rc and not guest.run('pidof cron').rc
    BEFORE['files'] = guest.check(FILES)
    assert guest.watch(check=True)['changed'] and guest.check(FILES) == BEFORE['files']
    assert [action['layer'] for action in guest.watch()['actions']] == ['file'] * 4
    assert not guest.watch()['changed']
    assert guest.check('stat -c "%U %a" /etc/oom-rescue/watch-secrets.json').strip() == 'root 600'
    # The first run notes what is there.
    until = time.monotonic() + 300
    while guest.run('test -e /var/lib/oom-rescue-watch/state').rc and time.monotonic() < until:
        time.sleep(2)
    guest.quiet()


def test_cron_tells_a_kill_within_a_minute_and_once(guest, kills):
    delays = []
    for number in kills:
        for kind, kill, limit in (('eater', guest.kill_in_group, 'cgroup'), ('glutton', guest.kill_in_host, 'host')):
            name = '%s%d' % (kind, number)
            before = len(guest.told())
            killed = kill(name)
            rows = guest.wait_for(before + 1, 300)
            assert names(rows[before:]) == [name]
            assert rows[-1]['message']['proven'] and rows[-1]['secret'] == 'Bearer very-secret'
            assert rows[-1]['message']['limit'] == limit
            delays.append((name, round(rows[-1]['at'] - killed, 1)))
            # One incident has its lines within a minute.
            time.sleep(61)
            guest.quiet()
            assert len(guest.told()) == before + 1
    print('seconds from kill to message, by cron:', delays)
    print('seconds that a sleep of an idle machine is late:', guest.idle_lag())
    assert max(seconds for _name, seconds in delays) < SECONDS


def test_a_kill_before_a_reboot_is_told_after_it_and_once(guest):
    before = guest.quiet()
    guest.check('/etc/init.d/cron stop')
    guest.kill_in_group('lastone')
    guest.check('until grep -q "(lastone)" /var/log/kern.log; do sleep 1; done; sync')
    assert len(guest.told()) == before
    guest.reboot(command='reboot -f')
    guest.wait_for(before + 1, 300)
    guest.quiet()
    guest.quiet()
    assert names(guest.told()[before:]) == ['lastone']


def test_undone_it_leaves_nothing(guest):
    guest.check('rm -f /root/refused')
    assert guest.watch(state='absent')['changed']
    assert guest.check(FILES) == BEFORE['files']
    assert not guest.watch(state='absent')['changed']
    assert 'oom-rescue' not in guest.check('ls /run /etc/cron.d')
