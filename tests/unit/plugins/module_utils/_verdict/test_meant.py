# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One report is meant, by one rule in advice, summary and verdict; the others are counted and named."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import io
import os
import re

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._facts import memory_facts
from ansible_collections.oom.rescue.plugins.module_utils._log.times import format_time
from ansible_collections.oom.rescue.plugins.module_utils._report.reading import read_events
from ansible_collections.oom.rescue.plugins.module_utils._verdict import diagnose
from ansible_collections.oom.rescue.plugins.module_utils._verdict.advice import advise
from ansible_collections.oom.rescue.plugins.module_utils._verdict.diagnose import diagnose_log
from ansible_collections.oom.rescue.plugins.module_utils._verdict.evidence import when
from ansible_collections.oom.rescue.plugins.module_utils._verdict.meant import brief, others, report_meant, report_told
from ansible_collections.oom.rescue.plugins.module_utils._verdict.report import report_of
from ansible_collections.oom.rescue.plugins.module_utils._verdict.short import of_the_incident
from ansible_collections.oom.rescue.plugins.module_utils._verdict.summary import summarize
from ansible_collections.oom.rescue.plugins.module_utils._verdict.ticket import ticket
from conftest import SEED, SHARED
from oom_reports import memcg, syslog
from wrapped import unwrapped

CASES = os.path.join(SHARED, 'cases')
NO_CASES = 'the cases of small logs are not beside this checkout'
POSTGRES = """\
Oct 29 09:00:00 centos7 kernel: Out of memory: Kill process 4711 (postgres) score 700 or sacrifice child
Oct 29 09:00:00 centos7 kernel: Killed process 4711 (postgres) total-vm:900000kB, anon-rss:700000kB, file-rss:0kB
"""
CUT = """\
Oct 28 12:01:00 centos7 kernel: sshd invoked oom-killer: gfp_mask=0x201da, order=0, oom_score_adj=0
"""
KILL = """\
Jan 25 14:59:30 db1 kernel: Out of memory: Killed process 925 (mysqld) total-vm:2982920kB, anon-rss:421912kB
"""
CONTAINER = """\
Jan 25 14:59:30 db1 kernel: oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,\
task_memcg=/docker/%s,task=mysqld,pid=925,uid=999
""" % ('5f0c1d2e' * 8)


def event(name, kind='kill', complete=False, victims=(), **changes):
    """An event as oom_log_info returns it, as far as the choice looks at it."""
    base = {'id': name, 'kind': kind, 'complete': complete, 'scope': 'global', 'trusted': None,
            'trigger': {'name': 'sshd', 'manual': False}, 'time': None, 'time_text': None,
            'victims': [{'name': victim, 'pid': 7} for victim in victims]}
    base.update(changes)
    return base


WHOLE = event('whole', complete=True, victims=['mysqld'])
KILLED = event('killed', victims=['postgres'])
CHOSEN = event('chosen', selected={'name': 'php', 'pid': 8})
SHORT = event('short')
FAILED = event('failed', kind='allocation_failure', complete=True)
BY_HAND = event('by hand', complete=True, victims=['mysqld'], trigger={'name': 'bash', 'manual': True})
FORGED = event('forged', complete=True, victims=['sshd'], trusted=False)
CPUSET = event('cpuset', complete=True, victims=['mysqld'], scope='cpuset')
MEMCG = event('memcg', complete=True, victims=['mysqld'], scope='memcg')
PANIC = event('panic', kind='panic', complete=True)
PROVEN = event('proven', complete=True, victims=['mysqld'], trusted=True)
ENOUGH = 'It is one of %d reports, and the newest that tells enough. '


@pytest.mark.parametrize('events, meant', [
    ([], None),
    ([FORGED], None),
    ([WHOLE], 'whole'),
    ([MEMCG, WHOLE], 'memcg'),
    ([WHOLE, MEMCG], 'whole'),
    ([PANIC, WHOLE], 'panic'),
    ([KILLED, SHORT, WHOLE], 'whole'),
    ([CPUSET, WHOLE], 'whole'),
    ([FORGED, BY_HAND, FAILED, WHOLE], 'whole'),
    ([SHORT, KILLED], 'killed'),
    ([SHORT, CHOSEN], 'chosen'),
    ([CPUSET, KILLED], 'cpuset'),
    ([FAILED, SHORT], 'short'),
    ([BY_HAND, KILLED], 'killed'),
    ([FAILED, BY_HAND], 'failed'),
    ([WHOLE, PROVEN], 'proven'),
    ([WHOLE, PROVEN, dict(PROVEN, id='older')], 'proven'),
    ([WHOLE, dict(KILLED, trusted=True)], 'whole'),
], ids=lambda value: value if isinstance(value, str) else None)
def test_the_newest_whole_shortage_is_meant_else_the_newest_with_a_victim_else_the_newest(events, meant):
    found = report_meant(events)
    assert (found and found['id']) == meant
    assert advise({}, events)['report'] == meant


@pytest.mark.parametrize('events, total, sentence', [
    ([WHOLE], None, None),
    ([WHOLE, FORGED], None, None),
    ([WHOLE, KILLED], None, 'It is the newest of 2 reports.'),
    ([WHOLE] * 20, 30, 'It is the newest of 30 reports.'),
    ([KILLED, WHOLE], 30, ENOUGH % 30 + 'Later: %s.' % brief(KILLED)),
    ([WHOLE, PROVEN], None,
     (ENOUGH % 2)[:-2] + ' and that the kernel is known to have written. Later: %s.' % brief(WHOLE)),
    ([SHORT] * 5 + [WHOLE], None, ENOUGH % 6 + 'Later: %s; %s; %s; and 2 more.' % ((brief(SHORT),) * 3)),
])
def test_the_others_are_counted_and_the_later_ones_named(events, total, sentence):
    assert others(events, total) == sentence
    assert (sentence or '') in advise({}, events, total=total)['cause']


@pytest.mark.parametrize('report, words', [
    (dict(WHOLE, time='2025-10-29T09:00:00+00:00'), 'Oct 29 09:00:00: the kernel killed mysqld (pid 7)'),
    (dict(WHOLE, time_text='Oct 29 09:00'), 'Oct 29 09:00: the kernel killed mysqld (pid 7)'),
    (CHOSEN, 'the kernel killed php (pid 8) (only a part of the report is in the log)'),
    (FAILED, 'an allocation failed'),
    (PANIC, 'the kernel panicked'),
    (dict(SHORT, trigger=None), 'memory ran out (the report was cut off)'),
])
def test_another_report_has_its_own_time_and_its_own_words(report, words):
    assert brief(report) == words


def diagnosed(tmpdir, text, **options):
    """diagnose_log() of a log with this text."""
    path = tmpdir.join('messages')
    path.write_binary(text.encode('utf-8'))
    return diagnose_log(str(path), **options)


def seed():
    """The lines of the seed's report."""
    with io.open(SEED, encoding='utf-8') as stream:
        return ''.join(line for line in stream if line.startswith('Oct 28'))


def told(entry):
    """The lines of ./rescue for a log."""
    left = {'diagnose_result': {'events': [], 'advice': advise({}, []), 'replays': [], 'elsewhere': [entry]}}
    return unwrapped(summarize(['here'], {'here': left})['lines'])


def see_two_reports(entry):
    assert [victim['name'] for victim in entry['verdict']['victims']] == ['mysqld']
    lines = told(entry)
    assert 'Oct 28 11:32:28: RAM (991 MiB) ran out' in lines[0]
    assert 'Later: Oct 29 09:00:00: the kernel killed postgres (pid 4711)' in lines[0]
    assert lines[1].startswith('The kernel killed mysqld (pid 13036)')
    assert not [line for line in lines if line.startswith('Oct 29')]
    assert 'Oct 29 09:00:00: the kernel killed postgres' in entry['verdict']['caveats'][-1]


def see_a_cut_report(entry):
    lines = told(entry)
    assert 'Oct 28 11:32:28: RAM (991 MiB) ran out' in lines[0]
    assert 'Later: Oct 28 12:01:00: sshd asked for memory (the report was cut off)' in lines[0]
    assert [line for line in lines if 'php (pid 13360) would have been the victim' in line]


def see_a_kill_in_a_container(entry):
    lines = told(entry)
    assert 'Jan 25 14:59:30: The whole host ran out of memory; the kernel killed mysqld (pid 925) of docker' in lines[0]
    assert 'how much RAM and swap there was is not in the log' in lines[0]
    assert lines[1].startswith('The kernel killed mysqld (pid 925) of docker container 5f0c1d2e')
    assert 'protected' not in ' '.join(lines)


def test_a_sentence_of_one_report_stands_beside_its_own_time(tmpdir):
    see_two_reports(diagnosed(tmpdir, seed() + POSTGRES))


def test_a_whole_report_leads_and_a_later_one_that_was_cut_off_is_said(tmpdir):
    see_a_cut_report(diagnosed(tmpdir, seed() + CUT))


def test_of_a_kill_s_lines_alone_all_is_told_that_they_say(tmpdir):
    see_a_kill_in_a_container(diagnosed(tmpdir, CONTAINER + KILL))


@pytest.mark.skipif(not os.path.isdir(CASES), reason=NO_CASES)
@pytest.mark.parametrize('name, see', [
    ('two-reports-mixed', see_two_reports),
    ('newest-is-cut', see_a_cut_report),
    ('kill-lines-only', see_a_kill_in_a_container),
])
def test_a_case_is_told_right(name, see):
    see(diagnose_log(os.path.join(CASES, name + '.txt')))


EARLYOOM = 'Oct 30 12:00:00 centos7 earlyoom[77]: sending SIGTERM to process 555 uid 1000 "chrome": badness 900\n'
SINCE = 1800000000  # 2027-01-15T08:00:00Z
OF_RAM = {'ram': {'total_bytes': 991 << 20, 'available_bytes': 100 << 20}, 'oom': {'candidates': []}}


def on_host(tmpdir, monkeypatch, text):
    """The entry of the host centos7, which has the seed's RAM, with a log of its own that has this text."""
    path = tmpdir.join('messages')
    path.write_binary(text.encode('utf-8'))
    result = read_events([str(path)], [], signals=True)
    for row in result['events'] + result['signals']:
        row['elsewhere'] = row['host'] not in (None, 'centos7')
    monkeypatch.setattr(diagnose, 'read_events', lambda *args, **options: result)
    monkeypatch.setattr(memory_facts, 'memory_facts', lambda *args, **options: dict(OF_RAM, ledger=None, forecast=None))
    return diagnose.diagnose(str(tmpdir), {'name': 'centos7'})


def other(text, host='web1', day='Oct 29', pid='777', pages=None):
    """The seed's report of another day, host, victim or RAM."""
    text = text.replace('Oct 28', day).replace('centos7', host).replace('13036', pid)
    return re.sub(r'\d+ pages RAM', '%d pages RAM' % pages, text) if pages else text


@pytest.mark.parametrize('text, victim, count', [
    (seed() + other(seed()), 13036, 1),
    (POSTGRES + other(seed(), day='Oct 30'), 4711, 1),
    (seed() + POSTGRES + other(POSTGRES, day='Oct 30') + other(POSTGRES, day='Oct 31', pid='8'), 13036, 2),
    (seed() + other(seed(), 'centos7', pages=1 << 28), 13036, 1),
    (POSTGRES + other(seed(), 'centos7', day='Oct 30', pages=1 << 28), 4711, 1),
    (seed() + POSTGRES, 13036, 2),
], ids=['a later report of another host', 'a whole one of another host', 'kills of another host',
        'a later report of a larger machine', 'a whole one of a larger machine', 'all its own'])
def test_a_host_s_own_report_is_told_everywhere_and_counted_alone(text, victim, count, tmpdir, monkeypatch):
    entry = on_host(tmpdir, monkeypatch, text)
    report = report_told(entry)
    assert report['id'] == entry['advice']['report'] and report['victims'][0]['pid'] == victim
    assert [one['pid'] for one in entry['verdict']['victims']] == [victim]
    assert not entry['raw'] or any(str(victim) in line for line in entry['raw'])
    counted = re.search(r'(?:newest|one) of (\d+) reports', entry['advice']['cause'])
    assert (int(counted.group(1)) if counted else 1) == count
    lines = unwrapped(summarize(['here'], {'here': {'diagnose_result': dict(entry, elsewhere=[])}})['lines'])
    assert lines[0].startswith('here: %s: ' % when(report))


LATER = (' Oct 29 09:00:00: the kernel killed postgres (pid 4711) with score 700 (only a part of the report is in the '
         'log)')


@pytest.mark.parametrize('text, caveat', [
    (seed() + other(seed()), (
        '1 incident of another host is in the log, left out: Oct 29 11:32:28: the kernel killed mysqld (pid 777) with '
        'score 435.')),
    (seed() + other(POSTGRES) + other(POSTGRES, 'web2'),
     '2 incidents of other hosts are in the log, left out:%s;%s.' % (LATER, LATER)),
    (seed() + POSTGRES, '1 other incident in the log, and this is the newest that proves most:%s.' % LATER),
], ids=['a newer whole one', 'of two hosts', 'its own'])
def test_what_befell_other_hosts_is_no_incident_beside_a_host_s_own(text, caveat, tmpdir, monkeypatch):
    caveats = on_host(tmpdir, monkeypatch, text)['verdict']['caveats']
    assert [one for one in caveats if 'incident' in one] == [caveat]


def test_a_line_without_a_name_is_the_host_s_own_beside_another_host_s_report(tmpdir, monkeypatch):
    own = '2026-10-28 11:32:30 0 [ERROR] mysqld: Out of memory (Needed 128917504 bytes)\n'
    verdict = on_host(tmpdir, monkeypatch, other(seed(), day='Oct 28') + own)['verdict']
    assert [victim['name'] for victim in verdict['victims']] == ['mysqld'] and verdict['actor'] == 'kernel_refused'


NOTHING_READ = 'Nothing that was read of it kills, refuses memory or looks like it. '


@pytest.mark.parametrize('text, options, words', [
    ('Oct 28 11:00:00 centos7 sshd[1]: Accepted\n', {},
     'It was read to its end, and nothing in it kills, refuses memory or looks like it.'),
    (seed().replace('Oct 28 ', '2026-10-28T').replace(' centos7', '+00:00 centos7'), {'since': SINCE},
     NOTHING_READ + 'Only what happened since %s was asked for.' % format_time(SINCE)),
    (seed().replace('Oct 28 ', '2027-10-28T').replace(' centos7', '+00:00 centos7'), {'until': SINCE},
     NOTHING_READ + 'Only what happened until %s was asked for.' % format_time(SINCE)),
    (POSTGRES.replace(' kernel:', ' logger[9]:'), {},
     NOTHING_READ + 'Left out, as a program and not the kernel wrote it: 1 of the reports.'),
], ids=['nothing', 'before the time asked for', 'after it', 'a program wrote it'])
def test_of_a_log_of_which_something_was_left_out_it_is_not_said_that_nothing_is_in_it(text, options, words, tmpdir):
    entry = diagnosed(tmpdir, text, **options)
    assert entry['error'] == 'no_report' and told(entry)[0].endswith(words)


def test_of_a_host_whose_logs_have_reports_of_another_machine_it_is_not_said_that_they_have_none(tmpdir, monkeypatch):
    entry = on_host(tmpdir, monkeypatch, other(seed(), 'centos7', pages=1 << 28))
    assert entry['verdict'] is None
    assert entry['advice']['cause'] == 'No OOM report of this host was found in the logs that could be read.'


FAILURE = 'Oct 28 02:00:00 centos7 kernel: swapper/0: page allocation failure: order:4, mode:0x4020\n'
SYSRQ = 'Oct 30 12:00:20 centos7 kernel: sysrq: Manual OOM execution\n' + POSTGRES.replace('29 09:00:00', '30 12:00:20')


@pytest.mark.parametrize('report', [
    POSTGRES, CUT, FAILURE, FAILURE.replace('28 02:00:00', '30 11:59:50'),
    FAILURE.replace('28 02:00:00', '30 12:00:08'), SYSRQ],
    ids=['a kill', 'a cut report', 'a failed allocation', 'one in the minute before', 'one in the minute after',
         'a kill by hand in the same minute'])
def test_where_the_verdict_is_on_another_killer_its_sentence_has_its_own_time(report, tmpdir):
    entry = diagnosed(tmpdir, report + EARLYOOM)
    assert entry['verdict']['actor'] == 'earlyoom' and report_told(entry) is None
    lines = told(entry)
    assert 'Oct 30 12:00:00: It was memory' in lines[0] and 'earlyoom ended chrome' in lines[0]
    assert not [line for line in lines if line.startswith(('The kernel', 'The report', 'An allocation'))]


def ticket_of(entry):
    left = {'diagnose_result': {'events': [], 'advice': advise({}, []), 'replays': [], 'elsewhere': [entry]}}
    return ticket(report_of(summarize(['here'], {'here': left}, logs_only=True), 'now'))


BY_HAND_LATER = 'Oct 28 11:32:58 centos7 kernel: sysrq: Manual OOM execution\n'


@pytest.mark.parametrize('text, moment, pid, holder', [
    (seed(), 'Oct 28 11:32:28', 13036, 'mysqld'),
    (FAILURE.replace('02:00:00', '11:32:00') + seed(), 'Oct 28 11:32:28', 13036, 'mysqld'),
    (seed() + BY_HAND_LATER + other(seed(), 'centos7', 'Oct 28', '777').replace('11:32:28', '11:32:58').replace(
        'mysqld', 'redis').replace('order=0', 'order=-1'), 'Oct 28 11:32:28', 13036, 'mysqld'),
    (other(seed(), 'centos7', 'Oct 28', '777').replace('11:32:28', '11:32:00').replace('mysqld', 'redis') + seed(),
     'Oct 28 11:32:28', 13036, 'mysqld'),
], ids=['alone', 'a failed allocation before', 'a kill by hand after', 'a kill before'])
def test_a_ticket_and_the_verdict_are_of_the_report_that_is_meant(text, moment, pid, holder, tmpdir):
    entry = diagnosed(tmpdir, text)
    lines = ticket_of(entry).split('\n')
    assert '- When: %s' % moment in lines
    assert lines[next(place for place, line in enumerate(lines) if line.startswith('| what')) + 2].startswith(
        '| %s |' % holder)
    assert entry['verdict']['victims'][0]['pid'] == pid
    assert entry['verdict']['evidence'][0]['time_text'] == moment


def in_container(letter, second):
    """A report of a container whose name is of this letter, and which met its limit."""
    return syslog(memcg(pid=second, path='/docker/' + 64 * letter), 'Oct 28 11:32:%02d' % second)


def test_the_limit_of_the_report_that_is_meant_is_raised_first(tmpdir):
    entry = diagnosed(tmpdir, ''.join(in_container(letter, second) for second, letter in enumerate('abcde', 10)))
    raised = [row['what'].split()[-7] for row in entry['remedies'] if row['name'] == 'container_limit']
    assert raised == [12 * 'e', 12 * 'd', 12 * 'c'] and entry['verdict']['victims'][0]['pid'] == 14


AT = 'Oct 29 09:00:%02d centos7 %s\n'
OF_OOMD = ('systemd-oomd[6]: Killed /system.slice/nginx.service due to memory pressure for /system.slice being 81.00% '
           '> 60.00% for > 20s with reclaim activity')
NGINX = AT % (1, 'systemd[1]: nginx.service: A process of this unit has been killed by the OOM killer.')


@pytest.mark.parametrize('text, units', [
    (POSTGRES + NGINX, ['nginx.service']),
    (POSTGRES + NGINX + POSTGRES.replace('4711', '4712').replace('09:00:00', '09:00:30'), ['nginx.service', None]),
    (POSTGRES + NGINX + POSTGRES.replace('4711 (postgres)', '4712 (perl)').replace('09:00:00', '09:00:30'),
     [None, None]),
    (AT % (0, OF_OOMD) + POSTGRES, [None]),
], ids=['one process', 'two of one name', 'two of which either may be the unit\'s', 'a unit that another killed'])
def test_a_unit_that_is_named_is_no_process_s_of_several(text, units, tmpdir):
    assert [victim['unit'] for victim in diagnosed(tmpdir, text)['verdict']['victims']] == units


@pytest.mark.parametrize('stamps', [
    ('Oct 28 ', 'Oct 29 09:00:00'), ('Oct 31 ', 'Nov 29 09:00:00'), ('Dec 31 ', 'Jan  2 09:00:00'),
    ('2026-10-28T', '2026-10-29T09:00:00'),
], ids=['another day', 'another month', 'another year', 'by the calendar'])
def test_a_server_that_has_the_same_pid_after_the_next_boot_is_another_kill(stamps, tmpdir):
    again = POSTGRES.replace('4711 (postgres)', '13036 (mysqld)').replace('Oct 29 09:00:00', stamps[1])
    entry = diagnosed(tmpdir, seed().replace('Oct 28 ', stamps[0]) + again)
    assert entry['summary']['kills'] == 2 and 'It is one of 2 reports' in entry['advice']['cause']


def test_a_report_without_a_victim_tells_no_one_who_would_still_have_been_killed(tmpdir):
    lines = [line for line in seed().split('\n') if 'Kill' not in line]
    text = ' '.join(told(diagnosed(tmpdir, '\n'.join(lines))))
    assert 'would' not in text and 'whom the kernel killed is not in the log' in text
    assert 'whether there was swap' not in text


def test_without_a_calendar_the_order_of_the_log_is_that_of_time(tmpdir):
    reports = [re.sub(r'(?m)^Oct 28 \S+ \S+ kernel: ', '[ %s] ' % uptime, other(seed(), 'centos7', 'Oct 28', pid))
               for uptime, pid in (('9000.5', '777'), ('200.5', '888'))]
    entry = diagnosed(tmpdir, ''.join(reports))
    assert report_told(entry)['victims'][0]['pid'] == entry['verdict']['victims'][0]['pid'] == 888


BOUND = ('[ %s] oom-kill:constraint=CONSTRAINT_MEMORY_POLICY,nodemask=1,cpuset=/,mems_allowed=0-1,global_oom,'
         'task_memcg=/a.service,task=php,pid=777,uid=0\n')
ALONE = '[ %s] Out of memory: Killed process 888 (perl) total-vm:9kB, anon-rss:5kB, file-rss:0kB, shmem-rss:0kB\n'


@pytest.mark.parametrize('text, pid, limit', [
    (BOUND % '9000.5' + ALONE % '200.5', 777, 'numa'),
    (ALONE % '9000.5' + BOUND % '200.5', 777, 'numa'),
    (BOUND % '200.5' + ALONE % '9000.5', 888, 'host'),
    (ALONE % '9000.5' + ALONE.replace('888', '999') % '200.5', 999, 'host'),
], ids=['the cause first', 'the kill first', 'in order', 'two kills'])
def test_where_no_order_is_told_a_kill_alone_does_not_come_before_a_report_that_says_why(text, pid, limit, tmpdir):
    entry = diagnosed(tmpdir, text)
    assert (entry['verdict']['limit'], entry['verdict']['victims'][0]['pid']) == (limit, pid)
    meant = report_told(entry)
    assert (meant['victims'] or [meant['selected']])[0]['pid'] == pid


def test_the_count_is_of_all_reports_though_the_oldest_are_not_returned(tmpdir):
    kills = [KILL.replace('Jan 25 14', 'Jan 25 %02d' % hour).replace('925', str(900 + hour)) for hour in range(12)]
    entry = diagnosed(tmpdir, ''.join(kills), limit=5)
    assert (len(entry['events']), entry['summary']['events']) == (5, 12)
    assert entry['advice']['cause'].endswith('It is the newest of 12 reports.')
    assert entry['verdict']['caveats'][-1].startswith('4 other incidents in the log beside 7 older reports that were '
                                                      'only counted, and this is the newest that proves most: ')
    for one in (entry, of_the_incident(entry)):
        assert '- Other incidents in the same logs: 4, and 7 older reports' in ticket_of(one)
