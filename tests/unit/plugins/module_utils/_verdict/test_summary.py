# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest
from ansible_collections.oom.rescue.plugins.module_utils._verdict.phrases import (
    fitted,
    remedy_lines,
    todo,
    would_be,
)
from ansible_collections.oom.rescue.plugins.module_utils._verdict.summary import LINES, summarize
from wrapped import unwrapped

GIB = 1 << 30
ADVICE = {
    'report': 'x',
    'cause': 'RAM ran out.',
    'evidence': ['The kernel killed mysqld (pid 13036).', 'Triggered by php.', 'RAM: 991 MiB.', 'Largest: php.'],
    'swap': {'size_bytes': 2 * GIB, 'rule': 'twice the RAM'},
    'swappiness': {'value': 10},
    'protect': [{'process': 'mysqld', 'value': -600}],
    'notes': [],
}
REPLAYS = [{'event_id': 'x', 'victim': {'name': 'php', 'pid': 13360}, 'before': {'pid': 13036}, 'reproduces': True}]
EVENTS = [{'id': 'x', 'host': 'centos7', 'time': '2026-10-28T11:32:28+00:00'}]
SWAP = {'changed': True, 'path': '/swapfile', 'size_bytes': 2 * GIB, 'skipped_reason': None,
        'after': {'activation': {'priority': -2}, 'persistence': {'by': 'fstab'}}}
SWAPPINESS = {'changed': False, 'skipped_reason': None, 'after': {'runtime': 10, 'after_reboot': 10}}
PROTECT = {'changed': True, 'found': True, 'skipped_reason': None, 'processes': [
    {'name': 'mysqld', 'pid': 7, 'live': {'after': -600}, 'persistent': {'after': -600}}]}


def diagnosis(**changes):
    return dict({'events': EVENTS, 'advice': ADVICE, 'replays': REPLAYS, 'elsewhere': []}, **changes)


def log(path='/tmp/messages', **changes):
    return dict({'path': path, 'events': EVENTS, 'advice': ADVICE, 'replays': REPLAYS}, **changes)


def claim(holds, name='swap of /swapfile', detail='all is as meant'):
    return {'claim': name, 'holds': holds, 'detail': detail}


def remedied(**changes):
    return dict({'diagnose_result': diagnosis(), 'swap_result': SWAP, 'swappiness_result': SWAPPINESS,
                 'oom_protect_result': PROTECT}, **changes)


def lines(hosts, **options):
    """The lines of the summary as they were before they were wrapped."""
    rows = summarize(sorted(hosts), hosts, **options)['lines']
    assert len(rows) <= LINES
    return unwrapped(rows)


def test_a_diagnosis_that_failed_is_told_by_its_message():
    told = lines({'web': {'diagnose_result': {'failed': True, 'msg': 'no python'}}})
    assert told[0] == 'web: STOPPED: diagnose: no python'


def test_a_diagnosis_of_one_host_is_told_in_full():
    assert lines({'web': {'diagnose_result': diagnosis()}}, page='/r/index.html') == [
        'web: Oct 28 11:32:28: RAM ran out.',
        'The kernel killed mysqld (pid 13036).',
        'To do: swap of 2 GiB, vm.swappiness 10, mysqld protected at -600.',
        'So protected and with that swap, php (pid 13360) would have been the victim.',
        'Triggered by php.', 'RAM: 991 MiB.', 'Largest: php.',
        'Page: /r/index.html',
    ]


def test_a_log_from_elsewhere_comes_first_and_the_host_itself_in_a_line():
    calm = dict(ADVICE, cause='No report.', evidence=[], report=None)
    own = diagnosis(elsewhere=[log()], events=[], replays=[], advice=calm)
    told = lines({'localhost': {'diagnose_result': own}}, page='/r/index.html')
    assert told[0] == 'centos7, in messages: Oct 28 11:32:28: RAM ran out.'
    assert told[-2].startswith('localhost: No report. Nothing happened here. By rule this host would get swap of 2 GiB')
    assert len(told) <= LINES


def test_remedies_have_a_line_each_and_the_verdict_one():
    result = {'holds': True, 'claims': [claim(True)]}
    assert lines({'web': remedied(verify_result=result)}) == [
        'web: Oct 28 11:32:28: RAM ran out.',
        'Changed: swap /swapfile, 2 GiB, on now and after a reboot',
        'Nothing to do: vm.swappiness 10 now and after a reboot',
        'Changed: oom_score_adj of mysqld (pid 7), -600 now and at its next start',
        'Verified: all claims hold now and after a reboot.',
    ]


CALM = diagnosis(events=[], replays=[], advice=dict(ADVICE, cause='No report.', evidence=[], report=None))
WOULD = 'swap of 2 GiB (twice the RAM), vm.swappiness 10, mysqld protected at -600'


def chosen(happened=False, kept=None, **why):
    return {'happened': happened, 'by_rule': False, 'kept': kept or {}, 'remedies': dict(
        (remedy, {'applied': why.get(remedy) == 'asked', 'why': why.get(remedy, 'healthy'), 'asked': ['swap_size']})
        for remedy in ('swap', 'swappiness', 'oom_protect'))}


def test_a_host_to_which_nothing_happened_is_told_what_the_rule_says():
    left = {'diagnose_result': CALM, 'rescue_chosen': chosen()}
    assert summarize(['web'], {'web': left}, reached=['web'])['hosts'][0]['status'] == 'healthy'
    words = 'Nothing happened here. By rule this host would get %s: --by-rule (rescue_by_rule: true) does it.'
    assert lines({'web': left}) == ['web: No report.', words % WOULD]


def test_of_a_host_on_which_the_rule_is_kept_already_it_is_said_that_nothing_is_to_be_done():
    kept = dict(CALM, advice=dict(CALM['advice'], swap=None, swappiness=None, protect=[]))
    told = lines({'web': {'diagnose_result': kept, 'rescue_chosen': chosen()}})
    assert told == ['web: No report.', 'Nothing happened here. Nothing is to be done.']


def test_of_a_host_whose_logs_were_not_searched_whole_it_is_not_said_that_nothing_happened():
    caveat = '/var/log/syslog was not searched whole: it is larger than 16 MiB.'
    told = ' '.join(lines({'web': {'diagnose_result': dict(CALM, caveats=[caveat]), 'rescue_chosen': chosen()}}))
    assert 'Nothing happened' not in told and 'Nothing was found here, and not all of the logs was searched' in told
    assert '/var/log/syslog' in told


def test_what_was_asked_for_on_a_healthy_host_is_told_beside_the_rest():
    told = lines({'web': {'diagnose_result': CALM, 'rescue_chosen': chosen(swap='asked'), 'swap_result': SWAP}})
    assert told[1].startswith('Nothing happened here. By rule this host would also get vm.swappiness 10, mysqld')
    assert told[2] == 'Changed: swap /swapfile, 2 GiB, on now and after a reboot'


def test_what_was_asked_for_against_the_advice_is_said():
    against = diagnosis(advice=dict(ADVICE, swap=None))
    told = lines({'web': {'diagnose_result': against, 'swap_result': SWAP, 'rescue_chosen': chosen(
        True, swap='asked', swappiness='incident', oom_protect='incident')}})
    assert told[1] == 'Swap was asked for (swap_size) and is not what is advised.'


def test_what_the_tags_left_out_is_said_and_what_was_asked_for_as_advised_is_not():
    told = lines({'web': {'diagnose_result': diagnosis(), 'swap_result': SWAP, 'rescue_chosen': chosen(
        True, swap='asked', swappiness='left_out', oom_protect='left_out')}})
    assert 'Left out by the tags of this run: vm.swappiness, oom_score_adj.' in told
    assert not [line for line in told if 'was asked for' in line]


@pytest.mark.parametrize('there, words', [
    ({'runtime': 10, 'after_reboot': 10},
     'To do: swap of 2 GiB, mysqld protected at -600. In place: vm.swappiness 10.'),
    ({'runtime': 10, 'after_reboot': 60}, 'To do: swap of 2 GiB, vm.swappiness 10, mysqld'),
])
def test_what_is_in_place_is_not_to_do(there, words):
    memory = {'ram': {'total_bytes': GIB, 'available_bytes': GIB}, 'swap': {'total_bytes': 0, 'areas': []},
              'swappiness': dict(there, cgroups=[]), 'host': {'kernel': '6.1', 'can_swapon': True},
              'oom': {'kills_since_boot': 0, 'candidates': []}}
    told = lines({'web': {'diagnose_result': diagnosis(), 'ansible_facts': {'memory': memory}}})
    assert [line for line in told if line.startswith(words)], told


def test_several_servers_of_one_name_are_one_thing_to_do():
    rows = [{'process': name, 'value': -600} for name in ('mysqld', 'mariadbd', 'mysqld')]
    assert todo({'protect': rows}) == 'mysqld protected at -600, mariadbd protected at -600'


def source(path, error=None, size=9):
    return {'path': path, 'error': error, 'bytes': 0 if error else size}


@pytest.mark.parametrize('sources, words', [
    ([source('/var/log/kern.log', 'Permission denied'), source('journal', 'Permission denied')],
     'as this user may not read /var/log/kern.log, the journal: run this as root.'),
    ([source('ring_buffer', '/dev/kmsg: Operation not permitted')], 'as this user may not read the ring buffer: run'),
    ([source('/var/log/kern.log'), source('ring_buffer', '/dev/kmsg: Operation not permitted')], 'Nothing happened'),
    ([source('/var/log/kern.log', 'corrupt: bad')], 'Nothing happened here. By rule'),
])
def test_no_advice_is_made_of_the_silence_of_what_may_not_be_read(sources, words):
    left = {'diagnose_result': dict(CALM, summary={'sources': sources})}
    for told in (lines({'web': left}), lines({'web': dict(left, rescue_chosen=chosen())})):
        assert [line for line in told if words in line], told
        assert ('By rule' in ' '.join(told)) is words.startswith('Nothing')


def test_what_is_kept_is_said():
    told = lines({'web': {'diagnose_result': CALM, 'swap_result': SWAP, 'rescue_chosen': chosen(
        kept={'swap_size': '256M', 'oom_protect_process': ['a', 'b']}, swap='kept')}})
    assert told[1].startswith('Kept as it was asked for before: oom_protect_process=a,b, swap_size=256M. ')


def test_check_mode_says_first_that_nothing_was_changed():
    told = lines({'web': remedied()}, check_mode=True)
    assert told[0] == 'Check mode: nothing was changed.'
    assert told[2] == 'Would change: swap /swapfile, 2 GiB, on now and after a reboot'


@pytest.mark.parametrize('left, reached, status, words', [
    pytest.param({'diagnose_result': diagnosis()}, True, 'advice', 'RAM ran out. To do', id='diagnosed'),
    pytest.param(remedied(), True, 'changed', 'changed: swap, oom_score_adj; nothing to do: vm.swappiness',
                 id='changed'),
    pytest.param(remedied(swap_result=dict(SWAP, changed=False, skipped_reason='a container')), True, 'changed',
                 'skipped: swap (a container); nothing', id='skipped'),
    pytest.param(remedied(swap_result=dict(SWAP, changed=False, skipped_reason='a container'),
                          oom_protect_result=dict(PROTECT, changed=False)), True, 'skipped',
                 'skipped: swap (a container); nothing to do: vm.swappiness', id='nothing but skipped'),
    pytest.param(remedied(swap_result=dict(SWAP, changed=False), oom_protect_result=dict(PROTECT, changed=False)),
                 True, 'same', 'nothing to do', id='nothing to do'),
    pytest.param(remedied(verify_result={'claims': [claim(True)]}), True, 'holds', 'Verified', id='verified'),
    pytest.param(remedied(verify_result={'claims': [claim(False, detail='still to do: mkswap')]}), False, 'false',
                 'DOES NOT HOLD: swap of /swapfile (still to do: mkswap)', id='a claim is false'),
    pytest.param(remedied(verify_result={'claims': [claim(True), claim(None, 'score', 'no database runs here')]}), True,
                 'cannot', 'swap of /swapfile. Not to be had here: no database runs here', id='not to be had here'),
    pytest.param(remedied(verify_result={'claims': [claim(True), dict(claim(None, 'score', 'recreate it'), state='open')
                                                    ]}), True,
                 'open', 'OPEN, for a person to see to: score (recreate it). Verified, now and after a reboot: swap of '
                 '/swapfile.', id='a person has to see to one'),
    pytest.param(remedied(swap_result={'failed': True, 'msg': 'no room\ntrace'}), False, 'stopped',
                 'STOPPED: swap: no room', id='a remedy failed'),
    pytest.param({'__diagnose_memory': {'failed': True, 'msg': 'no python\n', 'module_stderr': 'sh: not found\n'}},
                 False, 'stopped', 'STOPPED: diagnose: no python (sh: not found)', id='no python'),
    pytest.param({'__verify_asked': {'failed': True, 'msg': 'value -5', 'remedy': 'swappiness'}}, False, 'stopped',
                 'STOPPED: swappiness: value -5', id='refused before the first change'),
    pytest.param({'__verify_asked': {'failed': True, 'msg': 'no python', 'remedy': 'the root'}}, False, 'stopped',
                 'STOPPED: verify: no python', id='what no remedy refused'),
    pytest.param({}, False, 'stopped', 'it gave no answer', id='unreachable'),
    pytest.param({'__diagnose_memory': {'unreachable': True, 'msg': 'no route'}}, True, 'stopped', 'it gave no answer',
                 id='unreachable in an earlier batch'),
    pytest.param({}, True, 'waiting', 'Nothing is known of it yet: its turn', id='nothing ran'),
])
def test_status_and_headline(left, reached, status, words):
    host = summarize(['web'], {'web': left}, reached=['web'] if reached else [])['hosts'][0]
    assert host['status'] == status
    assert words in host['headline']
    assert '\n' not in host['headline']


@pytest.mark.parametrize('result, words', [
    pytest.param({'msg': 'Task failed: Premature end of stream waiting for become success.\n>>> Standard Error\n'
                         'sudo: a password is required'}, 'sudo: a password is required', id='no password'),
    pytest.param({'msg': 'Task failed: Premature end of stream waiting for become success.'},
                 'Premature end of stream waiting for become success', id='no word of why'),
    pytest.param({'msg': 'Duplicate become password prompt encountered waiting for become success.\n'
                         '>>> Standard Error\n[sudo via ansible, key=ng] password:\nSorry, try again.\n'
                         '[sudo via ansible, key=ng] password:'},
                 'Sorry, try again', id='a wrong password'),
    pytest.param({'msg': 'Task failed: Missing sudo password'}, 'Missing sudo password', id='no password, over ssh'),
    pytest.param({'msg': 'Incorrect sudo password'}, 'Incorrect sudo password', id='a wrong password, over ssh'),
    pytest.param({'msg': 'MODULE FAILURE\nSee stdout', 'module_stderr': 'sudo: a password is required\n'},
                 'sudo: a password is required', id='no password, ansible-core 2.16'),
    pytest.param({'msg': 'MODULE FAILURE', 'module_stderr': 'Shared connection to web closed.\r\n',
                  'module_stdout': '/bin/sh: 1: sudo: not found\r\n'},
                 '/bin/sh: 1: sudo: not found', id='no sudo, with a terminal'),
    pytest.param({'msg': 'MODULE FAILURE', 'module_stderr': 'web is not in the sudoers file.\n'},
                 'web is not in the sudoers file', id='not in sudoers'),
])
def test_who_cannot_become_root_is_told_what_to_do(result, words):
    host = summarize(['web'], {'web': {'__diagnose_memory': dict(result, failed=True)}}, reached=[])['hosts'][0]
    assert host['headline'] == (
        'STOPPED: diagnose: cannot become root (%s): run as root, give the user sudo, or have its password asked for '
        'with --ask-become-pass (make: ARGS=--ask-become-pass)' % words)


def test_who_needs_a_terminal_for_sudo_is_told_to_do_without_pipelining():
    result = {'failed': True, 'msg': 'MODULE FAILURE',
              'module_stderr': 'sudo: sorry, you must have a tty to run sudo\n'}
    host = summarize(['web'], {'web': {'__diagnose_memory': result}}, reached=[])['hosts'][0]
    assert 'sudoers has requiretty' in host['headline'] and 'ANSIBLE_PIPELINING=false' in host['headline']


def test_a_warning_of_sudo_is_not_why_a_module_failed():
    result = {'failed': True, 'msg': 'MODULE FAILURE',
              'module_stderr': 'sudo: unable to resolve host web\n/bin/sh: /opt/python: not found\n'}
    host = summarize(['web'], {'web': {'__diagnose_memory': result}}, reached=[])['hosts'][0]
    assert host['headline'] == 'STOPPED: diagnose: MODULE FAILURE (/bin/sh: /opt/python: not found)'


def test_what_a_host_cannot_is_a_result():
    skipped = dict(SWAP, changed=False, skipped_reason='a container', after={})
    assert 'Skipped: swap (a container)' in lines(
        {'web': remedied(swap_result=skipped)})
    in_part = dict(PROTECT, skipped_reason='a container', processes=[
        {'name': 'mysqld', 'pid': 7, 'live': {'after': 0}, 'persistent': {'after': -600}}])
    assert ('Changed in part: oom_score_adj of mysqld (pid 7), 0 now, -600 at its next start (a container)'
            in lines({'web': remedied(oom_protect_result=in_part)}))
    assert 'Nothing to do: no server to protect runs here' in lines(
        {'web': remedied(oom_protect_result=dict(PROTECT, found=False, changed=False, processes=[]))})


def test_a_role_that_was_skipped_has_no_line():
    told = lines({'web': remedied(swap_result={'changed': False, 'skipped': True})})
    assert not any('swap /swapfile' in line for line in told)


def test_several_hosts_have_a_line_each_the_worst_first():
    hosts = {'a': {'diagnose_result': diagnosis()}, 'b': {'swap_result': {'failed': True, 'msg': 'no room'}},
             'c': remedied(verify_result={'claims': [claim(True)]})}
    assert [line.split(':')[0] for line in lines(hosts)] == ['b', 'a', 'c']


def test_a_host_that_ran_out_comes_before_one_to_which_nothing_happened():
    hosts = {'a': {'diagnose_result': diagnosis(advice=dict(ADVICE, report=None))},
             'b': {'diagnose_result': diagnosis(advice=dict(ADVICE, report='x'))}}
    assert [line.split(':')[0] for line in lines(hosts)] == ['b', 'a']


@pytest.mark.parametrize('filler', range(60, 80))
def test_a_figure_and_its_unit_are_in_one_line(filler):
    rows = fitted(['%s holds 430 MiB (43 %%) of RAM' % ('x' * filler)], 10)
    assert len(rows) == 2 and max(len(row) for row in rows) <= 80
    assert ('430 MiB' in rows[0] or '430 MiB' in rows[1]) and ('43 %' in rows[0] or '43 %' in rows[1])


def test_more_hosts_than_lines_are_counted():
    hosts = dict(('host%02d' % number, remedied()) for number in range(30))
    told = lines(hosts, page='/r/index.html')
    assert len(told) == LINES
    assert told[-2] == 'and 22 more on the page'


def test_a_log_that_every_host_read_is_told_once():
    hosts = dict((name, {'diagnose_result': diagnosis(elsewhere=[log()])}) for name in ('a', 'b'))
    assert sum('in messages' in line for line in lines(hosts)) == 1
    assert [one['label'] for one in summarize(['a', 'b'], hosts)['logs']] == ['centos7, in messages']


def test_names_from_a_log_cannot_move_the_cursor():
    hostile = dict(ADVICE, cause='\x1b[2J\nkilled')
    assert '\x1b' not in ''.join(lines({'web': {'diagnose_result': diagnosis(advice=hostile)}}))


@pytest.mark.parametrize('left, words', [
    pytest.param({'ansible_facts': {'memory': {}}}, ' is missing', id='no facts'),
    pytest.param({'ansible_facts': 'x'}, "AttributeError", id='facts that are a text'),
    pytest.param({'diagnose_result': 'x'}, 'AttributeError', id='a diagnosis that is a text'),
    pytest.param({'diagnose_result': {'advice': {'cause': 7}}}, 'KeyError', id='half a diagnosis'),
    pytest.param({'diagnose_result': diagnosis(events=7)}, 'TypeError', id='events'),
    pytest.param({'diagnose_result': diagnosis(elsewhere=[{}])}, 'KeyError', id='logs'),
    pytest.param({'diagnose_result': diagnosis(replays=[7])}, 'AttributeError', id='replays'),
    pytest.param({'verify_result': {'claims': [{}]}}, 'KeyError', id='claims'),
    pytest.param({'verify_result': [1]}, 'AttributeError', id='a list'),
    pytest.param({'swap_result': {'changed': True, 'after': 'x'}}, 'AttributeError', id='layers'),
    pytest.param({'oom_protect_result': {'changed': True, 'found': True, 'processes': 7}}, 'TypeError', id='rows'),
    pytest.param({'__diagnose_memory': 7}, 'AttributeError', id='a number'),
])
def test_a_host_whose_data_have_another_shape_is_told_in_a_line_and_the_others_whole(left, words):
    hosts = {'web': {'diagnose_result': diagnosis()}, 'bad': left}
    told = summarize(['bad', 'web'], hosts)
    bad, web = told['hosts']
    assert (bad['name'], bad['status']) == ('bad', 'stopped') and words in bad['headline']
    assert '\n' not in bad['headline'] and web['diagnosis'] == diagnosis()
    assert unwrapped(summarize(['bad'], hosts)['lines']) == ['bad: ' + bad['headline']]


@pytest.mark.parametrize('advice, phrase', [
    pytest.param(dict(ADVICE, swap=None, swappiness=None, protect=[]), 'nothing that this collection can do', id='no'),
    pytest.param(dict(ADVICE, swap={'size_bytes': 0, 'rule': 'r'}, protect=[]), 'vm.swappiness 10', id='enough swap'),
    pytest.param(dict(ADVICE, swap={'size_bytes': GIB, 'other_bytes': GIB, 'rule': 'r'}, swappiness=None, protect=[]),
                 'swap of 1 GiB beside the 1 GiB there is (r)', id='swap is too small'),
])
def test_todo(advice, phrase):
    assert todo(advice) == phrase


@pytest.mark.parametrize('advice, replays, sentence', [
    pytest.param(dict(ADVICE, swap=None), REPLAYS, 'So protected, php (pid 13360) would have', id='only protected'),
    pytest.param(dict(ADVICE, protect=[]), REPLAYS, 'With that swap, php (pid 13360) would have been', id='only swap'),
    pytest.param(ADVICE, [dict(REPLAYS[0], before={'pid': 13360})], 'php (pid 13360) would still have been',
                 id='the same victim'),
])
def test_would_be(advice, replays, sentence):
    assert sentence in would_be(advice, replays)


@pytest.mark.parametrize('advice, replays', [
    pytest.param(dict(ADVICE, swap=None, protect=[]), REPLAYS, id='no advice'),
    pytest.param(ADVICE, [], id='no report'),
    pytest.param(ADVICE, [{'victim': None}], id='no table'),
    pytest.param(ADVICE, [dict(REPLAYS[0], reproduces=False)], id='the arithmetic does not fit that report'),
])
def test_would_be_says_nothing_that_it_does_not_know(advice, replays):
    assert would_be(advice, replays) is None


def remedy(name, effect, what, command=None, target='shortage'):
    return {'name': name, 'effect': effect, 'what': what, 'why': 'the figures', 'command': command, 'target': target}


LIMIT = remedy('cgroup_limit', 'delays', 'raise the limit of web.service', 'systemctl set-property web.service X=1')


@pytest.mark.parametrize('rows, expected', [
    pytest.param([], [], id='none'),
    pytest.param([remedy('swap', 'none', 'swap of 2 GiB', target=None)], [], id='none without an incident'),
    pytest.param([LIMIT, remedy('swap', 'unknown', 'swap of 2 GiB')], [
        'delays   raise the limit of web.service: the figures', '         systemctl set-property web.service X=1',
        'unknown  swap of 2 GiB: the figures'], id='a command of what others do'),
    pytest.param([remedy('score', 'prevents', 'x' * 90)], ['prevents ' + 'x' * 68 + '...'], id='80 columns'),
])
def test_the_best_remedies_are_told_in_few_lines(rows, expected):
    assert remedy_lines(rows) == expected


def test_a_log_told_in_full_leaves_room_for_the_host():
    found = diagnosis(remedies=[LIMIT] * 3, verdict={'was_memory': 'yes'}, elsewhere=[log(remedies=[LIMIT] * 3)])
    told = lines({'web': {'diagnose_result': found}}, page='/p')
    assert len(told) <= LINES and [line for line in told if line.startswith('web: ')]


SAID = {'sentence': 'It was memory.', 'incident': 0, 'evidence': [{'time_text': None}, {'time_text': 'Oct 28 11:32'}]}
FIRST = [{'first': '2026-10-28T11:32:28+00:00'}]


@pytest.mark.parametrize('verdict, incidents, told', [
    (SAID, FIRST, 'Oct 28 11:32:28: It was memory.'), (SAID, [{'first': None}], 'Oct 28 11:32: It was memory.'),
    (SAID, [], 'It was memory.'), (None, FIRST, 'RAM ran out.'), (None, [], 'RAM ran out.'),
], ids=['a moment', 'the log\'s own words', 'no incident', 'no verdict', 'neither'])
def test_the_verdict_on_a_log_without_a_report_is_told_with_the_time_of_its_first_line(verdict, incidents, told):
    logs = [log('/tmp/%s' % name, events=[], replays=[], verdict=verdict, incidents=incidents) for name in 'ab']
    rows = lines({'here': {'diagnose_result': diagnosis(events=[], replays=[], elsewhere=logs)}}, logs_only=True)
    assert rows[:2] == ['another host, in a: %s' % told, 'another host, in b: %s' % told]


def test_a_log_without_a_report_is_told_with_the_host_of_its_incident():
    found = log('/tmp/a', events=[], replays=[], verdict=SAID, incidents=[{'first': None, 'host': 'db1'}])
    rows = lines({'here': {'diagnose_result': diagnosis(events=[], replays=[], elsewhere=[found])}}, logs_only=True)
    assert rows[0] == 'db1, in a: Oct 28 11:32: It was memory.'
