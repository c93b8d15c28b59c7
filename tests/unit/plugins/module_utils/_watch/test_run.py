# -*- coding: utf-8 -*-
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of the watch on a host below a directory, whose logs are files: what is told, to whom, how often."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import io
import json
import os
import sys
import time

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host
from ansible_collections.oom.rescue.plugins.module_utils._watch import hooks, look, remembered, run
from conftest import FIXTURES
from oom_reports import ERAS, syslog

KILL = ('{when} node kernel: [ 1000.{n:06d}] Out of memory: Killed process {pid} ({name}) total-vm:900000kB, '
        'anon-rss:800000kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:1700kB oom_score_adj:0\n')
WORDS = ['Killed process', 'ut of memory', 'annot allocate memory']
FORK = '{when} node php-fpm[77]: fork() failed: Cannot allocate memory (12)\n'


class Node:
    """A host below a directory with the watch's settings, and what its command hook was told."""

    def __init__(self, path):
        self.path = path
        for name in ('proc/sys/kernel/random', 'var/log/journal', 'memory', 'run-of-it'):
            (path / name).mkdir(parents=True)
        for name, text in (('proc/meminfo', 'MemTotal: 1000000 kB\nMemFree: 1000 kB\nMemAvailable: 2000 kB\n'),
                           ('proc/sys/kernel/random/boot_id', 'one\n'), ('proc/sys/kernel/hostname', 'node\n'),
                           ('proc/vmstat', 'oom_kill 3\n'), ('proc/swaps', 'Filename Type Size Used Priority\n'),
                           ('var/log/messages', ''), ('told', '')):
            self.write(name, text)
        self.pid = 4000
        self.settings = dict(run.DEFAULTS, words=WORDS, state=str(path / 'memory' / 'state'),
                             run=str(path / 'run-of-it'), textfile=str(path / 'oom_rescue.prom'),
                             hooks=[self.command('cat >> %s' % (path / 'told'))])

    @staticmethod
    def command(script):
        return {'kind': 'command', 'argv': ['/bin/sh', '-c', script]}

    def write(self, name, text, mode='w'):
        with io.open(str(self.path / name), mode, encoding='utf-8') as stream:
            stream.write(text if isinstance(text, type(u'')) else text.decode('utf-8'))

    def log(self, form=KILL, name='mysqld', ago=0):
        self.pid += 1
        when = time.strftime('%b %d %H:%M:%S', time.localtime(time.time() - ago))
        self.write('var/log/messages', form.format(when=when, pid=self.pid, n=self.pid, name=name), 'a')

    def run(self):
        run.Run(Host(str(self.path)), self.settings).run()
        return self.told()

    def told(self):
        return [json.loads(line) for line in (self.path / 'told').read_bytes().decode('utf-8').splitlines()]

    def state(self):
        return remembered.load([self.settings['state']])


@pytest.fixture
def node(tmp_path, monkeypatch):
    monkeypatch.setattr(hooks, 'journal', lambda message, priority=3: noted.append((priority, message['sentence'])))
    noted = []
    found = Node(tmp_path)
    found.noted = noted
    return found


@pytest.fixture
def watched(node):
    node.log(name='old', ago=3000)
    node.run()
    return node


def names(told):
    return [message['victims'][0]['name'] for message in told]


def test_what_happened_before_the_watch_is_not_told(watched):
    assert watched.run() == [] and watched.noted == []


def test_a_kill_is_told_once_with_its_victim(watched):
    watched.log()
    told = watched.run()
    assert names(told) == ['mysqld'] and watched.run() == told
    assert told[0]['host'] == 'node' and told[0]['actor'] == 'kernel' and told[0]['page'].startswith('https://')
    # A file proves nothing, and that is said.
    assert told[0]['proven'] is False and told[0]['sentence'].startswith('Said, not proven: ')
    assert watched.noted == [(3, told[0]['sentence'])]


def test_what_is_told_waits_no_longer(watched):
    watched.log()
    watched.run()
    assert watched.state()['waiting'] == []
    assert 'oom_rescue_watch_waiting_messages 0' in (watched.path / 'oom_rescue.prom').read_bytes().decode('utf-8')


def test_a_report_that_is_printed_while_it_is_read_is_told_once_with_its_victim(watched, monkeypatch):
    with io.open(os.path.join(FIXTURES, 'oom-linux-6.12.dmesg'), encoding='utf-8') as stream:
        lines = stream.read().splitlines()
    when = time.strftime('%b %d %H:%M:%S')
    lines = [u'%s node kernel: %s\n' % (when, line) for line in lines if line.startswith('[')]
    end = next(place for place, line in enumerate(lines) if 'Killed process' in line)
    watched.write('var/log/messages', u''.join(lines[:end]), 'a')
    slept = []

    def prints_on(seconds):
        slept.append(seconds)
        watched.write('var/log/messages', u''.join(lines[end:]) if len(slept) == 2 else u'', 'a')

    monkeypatch.setattr(run.time, 'sleep', prints_on)
    told = watched.run()
    assert len(told) == 1 and told[0]['victims'] and watched.run() == told


def in_pieces(uptime, places, ago=0):
    """A report as syslog writes it, in as many parts as are cut at these places; -1 is before the line of the kill."""
    when = time.strftime('%b %d %H:%M:%S', time.localtime(time.time() - ago))
    lines = syslog(ERAS['6.1.0'], when, 'node', uptime).splitlines(True)
    kill = next(place for place, line in enumerate(lines) if 'Killed process' in line)
    cuts = [0] + [kill if place < 0 else place for place in places] + [len(lines)]
    return [u''.join(lines[start:end]) for start, end in zip(cuts, cuts[1:])]


@pytest.mark.parametrize('uptime', [None, 8341.5])
@pytest.mark.parametrize('places', [(10, 30), (1,), (-1,)], ids=['in three', 'the first line', 'all but the kill'])
def test_a_report_that_is_printed_over_several_looks_is_told_once_with_its_victim(
        watched, monkeypatch, uptime, places):
    monkeypatch.setattr(run, '_WAITS', ())
    watched.settings['words'] = ['oom-kill'] + WORDS
    pieces = in_pieces(uptime, places)
    for piece in pieces[:-1]:
        watched.write('var/log/messages', piece, 'a')
        assert watched.run() == []
    watched.write('var/log/messages', pieces[-1], 'a')
    told = watched.run()
    assert names(told) == ['mysqld'] and watched.run() == told
    assert told[0]['remedy']['name'] == 'score'


@pytest.mark.parametrize('uptime', [None, 8341.5])
def test_a_report_that_was_cut_off_is_told_at_a_later_look(watched, monkeypatch, uptime):
    monkeypatch.setattr(run, '_WAITS', ())
    first, rest = in_pieces(uptime, (-1,))
    watched.settings['words'] = ['oom-kill'] + WORDS
    watched.write('var/log/messages', first, 'a')
    assert watched.run() == [] and watched.state()['open']
    now = time.time() + 60
    monkeypatch.setattr(run.time, 'time', lambda: now)
    assert names(watched.run()) == ['mysqld'] and not watched.state()['open']
    watched.write('var/log/messages', rest, 'a')
    assert names(watched.run()) == ['mysqld'] and watched.state()['kills'][0][4] == 1


def test_what_is_cut_off_again_and_again_delays_no_kill(watched, monkeypatch):
    monkeypatch.setattr(run, '_WAITS', ())
    watched.log()
    watched.write('var/log/messages', in_pieces(None, (10,))[0], 'a')
    assert watched.run() == []
    now = time.time() + 50
    monkeypatch.setattr(run.time, 'time', lambda: now)
    watched.write('var/log/messages', in_pieces(7.5, (10,))[0], 'a')
    assert names(watched.run()) == ['mysqld']


def test_a_report_of_a_machine_that_this_host_cannot_be_is_not_told(watched):
    when = time.strftime('%b %d %H:%M:%S')
    large = [line.replace('262014 pages RAM', '268435456 pages RAM') for line in ERAS['6.1.0']]
    watched.write('var/log/messages', syslog(large, when, 'node'), 'a')
    assert watched.run() == []


def test_a_kill_while_a_hook_is_told_is_told_by_the_same_run(watched):
    first, later = watched.path / 'first', watched.path / 'later'
    watched.log(name='second', ago=-600)
    log = watched.path / 'var' / 'log' / 'messages'
    later.write_bytes(log.read_bytes())
    log.write_bytes(b'')
    watched.log()
    watched.settings['hooks'].append(watched.command('mv %s %s 2> /dev/null && cat %s >> %s; true' % (
        later, first, first, log)))
    assert names(watched.run()) == ['mysqld', 'second']


@pytest.mark.slow
def test_a_crash_after_one_of_two_hooks_tells_it_once(watched, monkeypatch):
    watched.log()
    real = hooks.deliver_all

    def crash(*arguments):
        for outcome in real(*arguments):
            yield outcome
            raise KeyboardInterrupt

    monkeypatch.setattr(hooks, 'deliver_all', crash)
    watched.settings['hooks'].append(watched.command('sleep 1; cat >> %s' % (watched.path / 'told')))
    with pytest.raises(KeyboardInterrupt):
        watched.run()
    monkeypatch.undo()
    monkeypatch.setattr(hooks, 'journal', lambda *dummy, **dummies: None)
    assert len(watched.told()) == 1 and names(watched.run()) == ['mysqld', 'mysqld']


def test_the_same_process_killed_the_same_way_in_the_next_boot_is_told(watched):
    record = {'_TRANSPORT': 'kernel', 'SYSLOG_FACILITY': '0', 'SYSLOG_IDENTIFIER': 'kernel', '_HOSTNAME': 'node',
              'MESSAGE': KILL.split('] ')[1].strip().format(pid=321, name='early')}
    for boot in ('a' * 32, 'b' * 32):
        watched.write('var/log/messages', json.dumps(dict(
            record, _BOOT_ID=boot, _SOURCE_MONOTONIC_TIMESTAMP='9000000',
            __REALTIME_TIMESTAMP='%d' % (time.time() * 1e6))) + '\n')
        watched.write('proc/sys/kernel/random/boot_id', boot)
        assert watched.run() == watched.run()
    assert names(watched.told()) == ['early'] * 2


def test_a_kill_that_only_a_log_without_boots_has_after_a_reboot_is_told_once(watched):
    # Without a journal the kernel's own buffer tells of it first, and after the reboot syslog's file alone.
    words = KILL.split('] ')[1].strip().format(pid=321, name='early')
    watched.write('var/log/messages', json.dumps({
        '_TRANSPORT': 'kernel', 'SYSLOG_FACILITY': '0', 'SYSLOG_IDENTIFIER': 'kernel', '_HOSTNAME': 'node',
        'MESSAGE': words, '_BOOT_ID': 'a' * 32, '_SOURCE_MONOTONIC_TIMESTAMP': '9000000',
        '__REALTIME_TIMESTAMP': '%d' % (time.time() * 1e6)}) + '\n')
    assert names(watched.run()) == ['early']
    watched.write('proc/sys/kernel/random/boot_id', 'b' * 32)
    watched.write('var/log/messages', '%s node kernel: [    9.000000] %s\n' % (time.strftime('%b %d %H:%M:%S'), words))
    assert names(watched.run()) == ['early']
    watched.write('proc/sys/kernel/random/boot_id', 'c' * 32)
    watched.write('var/log/messages', '%s node kernel: [    9.500000] %s\n' % (time.strftime('%b %d %H:%M:%S'), words))
    assert names(watched.run()) == ['early'] * 2


def test_what_a_file_says_of_the_kernel_is_refuted_by_its_count_of_this_boot_alone(watched):
    watched.write('proc/vmstat', 'oom_kill 0\n')
    watched.write('proc/uptime', '100.00 100.00\n')
    watched.log(name='forged')
    assert watched.run() == []
    watched.write('proc/sys/kernel/random/boot_id', 'another')
    watched.log(name='before', ago=300)
    assert names(watched.run()) == ['before'] and watched.told()[0]['proven'] is False


def test_a_log_without_years_is_told_once_though_the_year_changes(watched, monkeypatch):
    watched.log(FORK)
    assert len(watched.run()) == 1
    later = time.time() + 400 * 86400
    monkeypatch.setattr(run.time, 'time', lambda: later)
    watched.write('proc/vmstat', 'oom_kill 4\n')
    monkeypatch.setattr(run, '_WAITS', ())
    assert len(watched.run()) == 1


def test_messages_for_which_there_is_no_room_are_counted(watched, monkeypatch):
    watched.settings.update(hooks=[watched.command('exit 7')], limit=10)
    monkeypatch.setattr(remembered, 'MOST_WAITING', 2)
    for number in range(5):
        watched.log(name='p%d' % number, ago=2800 - number * 200)
        watched.run()
    assert watched.state()['held']['count'] == 3
    watched.settings['hooks'] = [watched.command('cat >> %s' % (watched.path / 'told'))]
    later = time.time() + 7200
    monkeypatch.setattr(run.time, 'time', lambda: later)
    watched.run()
    told = watched.run()
    assert names(told[:2]) == ['p3', 'p4'] and told[2]['sentence'].startswith('3 more incidents')


def test_what_no_hook_takes_for_a_day_is_counted(watched, monkeypatch):
    good, watched.settings['hooks'] = watched.settings['hooks'], [watched.command('exit 7')]
    watched.log()
    watched.run()
    begin = time.time()
    for hours in (25, 50):
        monkeypatch.setattr(run.time, 'time', lambda now=begin + hours * 3600: now)
        watched.run()
    watched.settings['hooks'] = good
    monkeypatch.setattr(run.time, 'time', lambda: begin + 60 * 3600)
    assert [message['sentence'][:16] for message in watched.run()] == ['1 more incidents']


def test_more_kills_of_an_incident_are_counted_and_not_told_again(watched):
    watched.log()
    told = watched.run()
    watched.log(name='php')
    assert watched.run() == told
    text = (watched.path / 'oom_rescue.prom').read_bytes().decode('utf-8')
    assert 'oom_rescue_kills_total{actor="kernel",process="mysqld",scope="host",unit=""} 1' in text
    assert 'oom_rescue_kills_total{actor="kernel",process="php",scope="host",unit=""} 1' in text
    assert 'process="old"' not in text


def test_a_fork_that_was_refused_is_told(watched):
    watched.log(FORK)
    assert [message['actor'] for message in watched.run()] == ['kernel_refused']


def test_a_kernel_that_counted_no_kill_shows_a_kill_in_a_file_forged(watched):
    watched.write('proc/vmstat', 'oom_kill 0\n')
    watched.run()
    watched.log()
    assert watched.run() == [] and watched.noted == []


def test_a_new_log_by_rotation_loses_nothing(watched):
    log = watched.path / 'var' / 'log' / 'messages'
    watched.log()
    log.rename(watched.path / 'var' / 'log' / 'messages.1')
    watched.write('var/log/messages', '')
    assert names(watched.run()) == ['mysqld']


def test_after_a_boot_what_nobody_told_is_told(watched):
    watched.log()
    os.unlink(os.path.join(watched.settings['run'], 'state'))
    watched.write('proc/sys/kernel/random/boot_id', 'two\n')
    assert names(watched.run()) == ['mysqld'] and len(watched.run()) == 1


@pytest.mark.parametrize('where', ['state', 'run'])
def test_one_of_two_memories_is_enough(watched, where):
    watched.log()
    told = watched.run()
    path = watched.settings['state'] if where == 'state' else os.path.join(watched.settings['run'], 'state')
    with io.open(path, 'r+b') as stream:
        stream.write(b'x' * 2 * remembered.HALF)
    watched.write('var/log/messages', 'a line of something else: Cannot allocate memory?\n', 'a')
    assert watched.run() == told and len(told) == 1


def test_a_hook_that_fails_is_tried_again_and_said_once(watched, monkeypatch):
    good, watched.settings['hooks'] = watched.settings['hooks'], [watched.command('exit 7')]
    watched.log()
    assert watched.run() == []
    assert [priority for priority, dummy in watched.noted] == [3, 4] and 'status 7' in watched.noted[1][1]
    watched.settings['hooks'] = good
    assert watched.run() == []
    later = time.time() + 120
    monkeypatch.setattr(run.time, 'time', lambda: later)
    assert names(watched.run()) == ['mysqld'] and len(watched.noted) == 2
    assert watched.run() == watched.told() and len(watched.told()) == 1


def test_what_a_run_finds_is_told_by_a_new_process(watched):
    class Left(Exception):
        """Another process has taken the place of this one."""

    def leave():
        raise Left

    watched.log()
    with pytest.raises(Left):
        run.Run(Host(str(watched.path)), watched.settings, leave).run()
    assert watched.told() == [] and len(watched.noted) == 1
    run.Run(Host(str(watched.path)), watched.settings).run(tells=True)
    assert names(watched.told()) == ['mysqld'] and len(watched.noted) == 1 and watched.state()['waiting'] == []


def test_a_run_that_cannot_become_a_new_process_tells_by_itself(watched, monkeypatch):
    begun = []

    def fail(program, words):
        begun.append((program, words[4:]))
        raise OSError(12, 'Cannot allocate memory')

    monkeypatch.setattr(run.os, 'execv', fail)
    watched.log()
    run.Run(Host(str(watched.path)), watched.settings, lambda: run._begin_anew('/c.json')).run()
    assert names(watched.told()) == ['mysqld']
    assert begun == [(sys.executable, [sys.argv[0], 'watch', '/c.json', 'tell'])]


def test_a_run_without_a_hook_to_tell_stays_what_it_is(watched):
    watched.settings['hooks'] = []
    watched.log()
    run.Run(Host(str(watched.path)), watched.settings, None).run()
    watched.log(name='php', ago=600)
    left = []
    run.Run(Host(str(watched.path)), watched.settings, lambda: left.append(1)).run()
    assert left == [] and len(watched.noted) == 2


@pytest.mark.slow
def test_a_hook_that_hangs_is_ended(watched, monkeypatch):
    # Long enough for the other hook, on a busy machine too.
    monkeypatch.setattr(hooks, 'SECONDS', 5)
    monkeypatch.setattr(hooks, '_PAUSE', 0.05)
    watched.settings['hooks'] = [watched.command('sleep 600')] + watched.settings['hooks']
    watched.log()
    begin = time.time()
    assert names(watched.run()) == ['mysqld'] and time.time() - begin < 60
    assert watched.state()['waiting'][0]['hooks'] == [0]


def test_a_limit_an_hour_counts_the_rest_and_tells_the_count(watched, monkeypatch):
    watched.settings['limit'] = 4
    for number in range(5):
        # What nothing proves has half of the limit.
        watched.log(name='p%d' % number, ago=2800 - number * 200)
        watched.run()
    assert names(watched.told()) == ['p0', 'p1']
    later = time.time() + 3700
    monkeypatch.setattr(run.time, 'time', lambda: later)
    told = watched.run()
    assert told[2]['sentence'].startswith('3 more incidents from ') and len(watched.run()) == 3


def test_a_crash_between_telling_and_remembering_loses_nothing(watched, monkeypatch):
    watched.log()

    def crash(*dummy):
        raise KeyboardInterrupt

    monkeypatch.setattr(hooks, 'deliver_all', crash)
    with pytest.raises(KeyboardInterrupt):
        watched.run()
    monkeypatch.undo()
    assert names(watched.run()) == ['mysqld'] and len(watched.run()) == 1


def test_a_disk_that_takes_nothing_loses_nothing_and_doubles_nothing(watched):
    watched.settings['state'] = str(watched.path / 'nowhere' / 'state')
    watched.log()
    assert names(watched.run()) == ['mysqld'] and len(watched.run()) == 1


@pytest.mark.parametrize('jump', [3, -3, 400, -400])
def test_a_clock_that_jumps_tells_once(watched, monkeypatch, jump):
    real = time.time
    monkeypatch.setattr(run.time, 'time', lambda: real() + jump * 86400)
    watched.log(name='after')
    os.utime(str(watched.path / 'var' / 'log' / 'messages'), (run.time.time(),) * 2)
    assert names(watched.run()) == ['after']
    monkeypatch.setattr(run.time, 'time', real)
    assert names(watched.run()) == ['after']


@pytest.mark.parametrize('name', [u'$(reboot)', u'a"b\\c', u'<!channel>', u'x\x1b[31m', u'b\xf6se'])
def test_a_hostile_name_stays_a_text(watched, name):
    watched.log(name=name.encode('utf-8') if str is bytes else name)
    told = watched.run()
    assert len(told) == 1 and u'\x1b' not in json.dumps(told[0])
    text = (watched.path / 'oom_rescue.prom').read_bytes().decode('utf-8')
    assert all(line.startswith(('# ', 'oom_rescue_')) for line in text.split('\n')[:-1])


def test_a_quiet_run_reads_no_report_and_writes_nothing(watched, monkeypatch):
    watched.run()
    watched.write('var/log/messages', 'Oct 1 10:00:00 node cron[1]: nothing\n', 'a')
    watched.run()
    monkeypatch.setattr(run.Run, '_incidents', None)
    monkeypatch.setattr(run.Run, '_save', None)
    assert watched.run() == []


def test_the_real_report_of_a_kernel_is_told_with_its_remedy(watched):
    with io.open(os.path.join(FIXTURES, 'oom-linux-6.12.dmesg'), encoding='utf-8') as stream:
        lines = stream.read().splitlines()
    when = time.strftime('%b %d %H:%M:%S')
    watched.write('var/log/messages', u''.join(u'%s node kernel: %s\n' % (when, line) for line in lines), 'a')
    told = watched.run()
    assert len(told) == 1 and told[0]['victims'] and set(told[0]['remedy']) == set(
        ['name', 'effect', 'what', 'why', 'command'])


@pytest.fixture
def slept(watched, monkeypatch):
    """[seconds] of the pauses of runs that come right after another."""
    found = []
    monkeypatch.setattr(run.time, 'sleep', found.append)
    (watched.path / 'run-of-it' / 'lock').write_bytes(b'')
    return found


def test_runs_that_are_started_without_end_rest_between(watched, slept):
    assert watched.run() == [] and slept == [1] * 10


def test_a_kill_within_the_rest_is_told(watched, slept, monkeypatch):
    def kill(seconds):
        slept.append(seconds)
        if slept == [1] * 3:
            watched.log()
            watched.write('proc/vmstat', 'oom_kill 4\n')

    monkeypatch.setattr(run.time, 'sleep', kill)
    assert names(watched.run()) == ['mysqld'] and slept.count(1) == 3


def test_a_run_of_its_time_does_not_rest(watched, slept):
    os.utime(str(watched.path / 'run-of-it' / 'lock'), (time.time() - 60,) * 2)
    assert watched.run() == [] and slept == []


def test_two_runs_at_once_are_one(tmp_path):
    done = []
    run.with_lock(str(tmp_path), lambda: run.with_lock(str(tmp_path), lambda: done.append('twice')))
    assert done == []
    run.with_lock(str(tmp_path), lambda: done.append('once'))
    assert done == ['once']


@pytest.mark.parametrize('text, mode, words', [
    ('{}', 0o666, 'root alone can write'), ('[]', 0o600, 'no JSON object'), ('{', 0o600, 'no JSON object')])
def test_a_configuration_that_others_may_have_written_is_refused(tmp_path, text, mode, words, capsys):
    path = tmp_path / 'watch.json'
    path.write_bytes(text.encode('ascii'))
    os.chmod(str(path), mode)
    assert run.main([str(path)]) == 2
    assert words in capsys.readouterr()[1]


def test_its_own_words_start_no_run():
    line = b'Nov 28 14:11:32 node oom-rescue[637]: It was memory: the kernel killed mysqld.'
    assert look._OWN.match(line) and not look._OWN.match(line.replace(b'oom-rescue', b'kernel'))


def test_a_kill_during_the_look_waits_for_the_kernels_own_lines(watched, monkeypatch):
    # Its unit's result is in the log before its report is, and before the look that found it saw the count.
    watched.log('{when} node systemd[1]: mysqld.service: Failed with result \'oom-kill\'.\n')
    real, slept = run.look, []

    def kill_in_between(*arguments):
        found = real(*arguments)
        watched.write('proc/vmstat', 'oom_kill 4\n')
        return found

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 1:
            watched.log()

    monkeypatch.setattr(run, 'look', kill_in_between)
    monkeypatch.setattr(run.time, 'sleep', sleep)
    told = watched.run()
    assert names(told) == ['mysqld'] and told[0]['actor'] == 'kernel' and told[0]['limit'] == 'host'
