# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The watch on a real kernel: from a kill to the hook's message, once, whatever happens in between. In this order."""

import pathlib
import re
import time

from machine import acceleration
from watch_guest import FILES

SUITE = 'bookworm'
HERE = pathlib.Path(__file__).resolve().parent
RULES = HERE.parents[2] / 'extensions' / 'prometheus' / 'oom-rescue.rules.yml'
PEAK = ('mkdir -p /run/systemd/system/oom-rescue-watch.service.d; printf "[Service]\\nExecStartPost=/bin/sh -c '
        '\\047cat /sys/fs/cgroup/system.slice/oom-rescue-watch.service/memory.peak >> /root/peak; '
        'cat /sys/fs/cgroup/system.slice/oom-rescue-watch.service/memory.events >> /root/events\\047\\n" '
        '> /run/systemd/system/oom-rescue-watch.service.d/peak.conf; systemctl daemon-reload')
BEFORE = {}


def messages(rows):
    return [row['message'] for row in rows]


def test_it_is_installed_once(guest):
    BEFORE['files'] = guest.check(FILES)
    assert guest.watch(check=True)['changed'] and guest.check(FILES) == BEFORE['files']
    result = guest.watch()
    assert [action['layer'] for action in result['actions']].count('file') == 6
    assert not guest.watch()['changed']
    assert 'very-secret' not in guest.check('systemctl cat oom-rescue-watch.service; cat /etc/oom-rescue/watch.json; '
                                            'journalctl --no-pager -b')
    assert guest.check('stat -c "%U %a" /etc/oom-rescue/watch-secrets.json').strip() == 'root 600'
    guest.check(PEAK)


def test_a_kill_is_told_in_ten_seconds_where_nothing_is_emulated(guest, kills):
    delays = []
    for number in kills:
        before = guest.quiet()
        killed = guest.kill_in_group('eater%d' % number)
        rows = guest.wait_for(before + 1)
        assert len(rows) == before + 1
        message = rows[-1]['message']
        assert message['proven'] and message['actor'] == 'kernel' and message['limit'] == 'cgroup'
        assert [victim['name'] for victim in message['victims']] == ['eater%d' % number]
        assert message['victims'][0]['unit'] == 'eater%d.service' % number
        assert rows[-1]['secret'] == 'Bearer very-secret'
        delays.append(round(rows[-1]['at'] - killed, 1))
        print('of these until the run began: %.1f' % (guest.when_begun() - killed))
        # One incident has its lines within a minute.
        time.sleep(61)
    print('seconds from kill to message, of a group:', delays)
    print('seconds that a sleep of an idle machine is late:', guest.idle_lag())
    # Emulated, a run takes a hundred times what it takes elsewhere, and more on a busy host.
    assert max(delays) < (10 if acceleration() == 'kvm' else 120)


def test_a_kill_in_the_whole_machine_is_told_too(guest, kills):
    delays = []
    for name in ['glutton'] + ['glutton%d' % number for number in kills[1:]]:
        before = guest.quiet()
        killed = guest.kill_in_host(name)
        rows = guest.wait_for(before + 1)
        delays.append(round(rows[-1]['at'] - killed, 1))
        assert messages(rows)[-1]['limit'] == 'host' and len(rows) == before + 1
        record = guest.check('journalctl --no-pager -t oom-rescue -o json -n 1')
        assert '"OOM_RESCUE_VICTIM":"%s"' % name in record and '"OOM_RESCUE_PROVEN":"True"' in record
        time.sleep(61)
    print('seconds from kill to message, of the machine:', delays)


def test_a_forged_kill_is_not_told(guest):
    before = guest.quiet()
    guest.check('logger -t kernel "Out of memory: Killed process 4242 (forged) total-vm:1kB, anon-rss:1kB, '
                'file-rss:0kB, shmem-rss:0kB"; sleep 2')
    guest.quiet()
    assert [message for message in messages(guest.told())[before:] if message['proven']] == []
    assert all(message['sentence'].startswith('Said, not proven') for message in messages(guest.told())[before:])


def test_prometheus_takes_it(guest):
    guest.check('systemctl is-active prometheus-node-exporter || systemctl start prometheus-node-exporter')
    metrics = guest.check('curl -s http://127.0.0.1:9100/metrics | grep ^oom_rescue')
    assert 'oom_rescue_kills_total{actor="kernel",process="glutton",scope="host",unit="glutton.service"} 1' in metrics
    assert 'oom_rescue_next_victim_distance_bytes{bound="low"' in metrics
    assert 'node_textfile_scrape_error 0' in guest.check('curl -s http://127.0.0.1:9100/metrics')
    checked = guest.check('promtool check metrics < /var/lib/prometheus/node-exporter/oom_rescue.prom; echo rc=$?')
    assert checked.strip().endswith('rc=0')
    for path in (RULES, HERE / 'rules_test.yml'):
        guest.machine.put(path, '/root/' + path.name)
    assert 'SUCCESS' in guest.check('promtool check rules /root/oom-rescue.rules.yml')
    assert 'SUCCESS' in guest.check('promtool test rules /root/rules_test.yml')


def test_a_hook_that_fails_or_hangs_gets_it_later_and_once(guest):
    for mode in ('500', 'hang'):
        before = guest.quiet()
        guest.check('echo %s > /root/mode' % mode)
        guest.kill_in_group('late' + mode)
        guest.check('systemctl start oom-rescue-watch.service')
        assert len(guest.told()) == before
        guest.check('echo ok > /root/mode')
        rows = guest.wait_for(before + 1, 150)
        assert len(rows) == before + 1 and messages(rows)[-1]['victims'][0]['name'] == 'late' + mode
        time.sleep(61)


def test_a_full_disk_loses_nothing_and_doubles_nothing(guest):
    time.sleep(61)
    before = guest.quiet()
    guest.run('fallocate -l 100G /root/full; dd if=/dev/zero of=/root/full bs=1M status=none; '
              'dd if=/dev/zero of=/root/full2 bs=1k status=none')
    assert guest.run('dd if=/dev/zero of=/root/full3 bs=64k count=8 conv=fsync').rc
    guest.kill_in_group('onfull')
    guest.check('rm -f /root/full3; systemctl start oom-rescue-watch.service; systemctl start oom-rescue-watch.service')
    guest.check('rm -f /root/full*; sync')
    guest.wait_for(before + 1, 90)
    guest.quiet()
    assert [message['victims'][0]['name'] for message in messages(guest.told())[before:]] == ['onfull']


def test_a_clock_that_jumps_loses_nothing_and_doubles_nothing(guest):
    for number, jump in enumerate(('+3 days', '-3 days', '-400 days', '+400 days')):
        before = guest.quiet()
        guest.check('date -s "%s" > /dev/null' % jump)
        guest.kill_in_group('jump%d' % number)
        guest.wait_for(before + 1, 90)
        guest.quiet()
        guest.quiet()
        assert [message['victims'][0]['name'] for message in messages(guest.told())[before:]] == ['jump%d' % number]


def test_a_kill_before_a_reboot_is_told_after_it_and_once(guest):
    time.sleep(61)
    before = guest.quiet()
    guest.check('systemctl stop oom-rescue-watch.path oom-rescue-watch.timer')
    guest.kill_in_group('lastone')
    guest.check('journalctl --sync; sync')
    guest.reboot(command='systemctl reboot --force --force')
    rows = guest.wait_for(before + 1, 120)
    guest.quiet()
    assert [message['victims'][0]['name'] for message in messages(guest.told())[before:]] == ['lastone'], rows


def test_its_own_limit_was_never_met(guest):
    peaks = [int(line) for line in guest.check('cat /root/peak').split()]
    events = guest.check('cat /root/events')
    print('memory.peak, largest of %d runs: %.1f MiB' % (len(peaks), max(peaks) / 2**20))
    assert not re.search(r'^(max|oom|oom_kill) [1-9]', events, re.MULTILINE)


def test_undone_it_leaves_nothing(guest):
    guest.check('rm -rf /run/systemd/system/oom-rescue-watch.service.d; systemctl daemon-reload; '
                'rm -f /root/peak /root/events /root/rules_test.yml /root/oom-rescue.rules.yml /root/refused')
    assert guest.watch(state='absent')['changed']
    assert guest.check(FILES) == BEFORE['files']
    assert not guest.watch(state='absent')['changed']
    assert 'oom-rescue' not in guest.check('systemctl list-units --all --no-legend; ls /run')
