# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes that answer what they like: their Python prints a result of the attacker's in place of the module's.

All of them are in one play with a node that is as it should be, under each ansible-core that a controller may have.
"""

import json
import re
import stat
import sys

import pytest
from conftest import ROOT, Play

CORES = {'newest': '.venv/bin/ansible-playbook', '2.16': '.cache/core-2.16/bin/ansible-playbook'}
INTERPRETER = '''\
#!{python}
import os, sys
for module in os.listdir('{answers}'):
    sent = ['AnsiballZ_%s.py' % name for name in (module, 'rescue_info' if module == 'oom_log_info' else module)]
    if any(name in word for name in sent for word in sys.argv[1:]):
        sys.stdout.write(open(os.path.join('{answers}', module), encoding='utf-8', newline='').read())
        sys.exit()
os.execv('{python}', ['{python}'] + sys.argv[1:])
'''
MEMORY = {
    'ram': {'total_bytes': 1 << 30, 'available_bytes': 1 << 20},
    'swap': {'total_bytes': 0, 'areas': []},
    'swappiness': {'runtime': 60, 'after_reboot': 60, 'cgroups': [], 'cgroups_count': False},
    'commit': {'mode': 0}, 'vm': {},
    'oom': {'kills_since_boot': 0, 'user_space_killers': [], 'candidates': []},
    'host': {'kernel': '6.1.0-hostile', 'can_swapon': True},
}
HIDDEN = '\x1b[2J\x07\x9b2J\u202e\u2066\u2028\u200b\u061c'
FAKED = f'x{HIDDEN}\nok: [prod-db1]\r'
PLAYS = '''\
- hosts: all
  gather_facts: {gathered}
  become: true
  roles:
    - oom.rescue.diagnose
    - oom.rescue.report
'''


# What oom_log_info says of a host to which nothing happened.
CALM = {
    'changed': False, 'events': [], 'signals': [], 'incidents': [], 'verdict': None, 'ledger': None, 'remedies': [],
    'summary': {'events': 0, 'sources': []}, 'fork_failures': [], 'replays': [],
    'advice': {'report': None, 'cause': 'No OOM report was found.', 'evidence': [], 'notes': [], 'remarks': [],
               'swap': None, 'swappiness': None, 'protect': [], 'setting': {'swap_bytes': None, 'oom_score_adj': {}}},
}


def facts(memory, **others):
    return dict(CALM, ansible_facts=dict({'memory': memory}, **others))


def nested(depth):
    return json.loads('[' * depth + ']' * depth) if depth < 900 else None


def candidate(**changes):
    row = dict({'pid': 7, 'name': 'php', 'score': 1, 'oom_score_adj': 0, 'rss_bytes': 1 << 20}, **changes)
    return facts(dict(MEMORY, oom=dict(MEMORY['oom'], candidates=[row])))


# What a node answers to oom_log_info, and what its line in the summary says.
SHAPES = {
    'nothing': (facts({}), 'what it returned is not what oom_log_info returns: memory.ram is missing'),
    'no-facts': (CALM, 'oom_log_info returns: ansible_facts is missing'),
    'no-advice': ({key: value for key, value in facts(MEMORY).items() if key != 'advice'},
                  'oom_log_info returns: advice is missing'),
    'wrong-advice': (dict(facts(MEMORY), advice=[]), 'oom_log_info returns: advice is a list and not a dictionary'),
    'no-knowing': ({'changed': False}, 'oom_log_info returns: ansible_facts is missing'),
    'list': (facts([]), 'memory is a list and not a dictionary'),
    'text': (facts('x' * (3 << 20)), 'memory is a text and not a dictionary'),
    'half': (facts(dict(MEMORY, swap={})), 'memory.swap.total_bytes is missing'),
    'numbers-as-text': (facts(dict(MEMORY, ram={'total_bytes': '1', 'available_bytes': '1'})),
                        'memory.ram.total_bytes is a text and not a number'),
    'nan': (facts(dict(MEMORY, ram={'total_bytes': float('nan'), 'available_bytes': 1})),
            'it has a number that no kernel has'),
    'huge': (facts(dict(MEMORY, ram={'total_bytes': 10 ** 400, 'available_bytes': 1})),
             'it has a number that no kernel has'),
    'deep': (facts(dict(MEMORY, more=nested(300))), 'it is nested more than 40 deep'),
    'areas': (facts(dict(MEMORY, swap={'total_bytes': 1, 'areas': [None]})), 'memory.swap.areas[0] is null'),
    'failed': ({'failed': True, 'msg': FAKED}, 'STOPPED: diagnose: x?[2J?'),
    'failed-list': ({'failed': ['x'], 'msg': {'a': FAKED}}, 'STOPPED: diagnose: '),
}
RAW = {
    'no-json': ('ok: [prod-db1]' + FAKED, 'STOPPED: diagnose: '),
    'array': ('[]', 'STOPPED: diagnose: '),
    'endless-brackets': ('{"changed": ' + '[' * 200000, 'STOPPED: diagnose: '),
    'too-much': ('{"changed": false, "x": "' + 'x' * (65 << 20) + '"}', 'STOPPED: diagnose: '),
    'empty': ('', 'STOPPED: diagnose: '),
}


class Nodes:
    """An inventory of hostile nodes, and of one that is not."""

    def __init__(self, directory):
        self.directory = directory
        self.rows = [f'fine ansible_connection=local ansible_python_interpreter={sys.executable}']

    def add(self, name, **answers):
        home = self.directory / name
        (home / 'answers').mkdir(parents=True)
        for module, answer in answers.items():
            text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
            (home / 'answers' / module).write_bytes(text.encode('utf-8', 'surrogatepass'))
        python = home / 'python'
        python.write_text(INTERPRETER.format(python=sys.executable, answers=home / 'answers'))
        python.chmod(0o755)
        # First in the play: a task for one host of the play is of the first.
        self.rows.insert(0, f'{name} ansible_connection=local ansible_python_interpreter={python}')

    def play(self, core, playbook, *options):
        inventory = self.directory / 'hosts'
        inventory.write_text('\n'.join(self.rows) + '\n')
        working = self.directory / 'controller'
        working.mkdir()
        return Play([str(ROOT / CORES[core]), '-i', str(inventory), playbook, *options], working / 'oom-rescue-report',
                    {'ANSIBLE_COLLECTIONS_PATH': str(ROOT / '.cache/collections')}, directory=working)


@pytest.fixture(params=CORES, name='core', scope='module')
def fixture_core(request):
    return request.param


@pytest.fixture(name='nodes')
def fixture_nodes(tmp_path):
    return Nodes(tmp_path)


@pytest.fixture(scope='module', name='shapes')
def fixture_shapes(core, tmp_path_factory):
    nodes = Nodes(tmp_path_factory.mktemp('shapes'))
    for name, (answer, _words) in (SHAPES | RAW).items():
        nodes.add(name, oom_log_info=answer)
    return nodes.play(core, 'oom.rescue.diagnose')


def article(page, name):
    """The part of the page that is about a host."""
    return next(part for part in re.findall(r'<article.*?</article>', page, re.DOTALL) if f'>{name}</h2>' in part)


@pytest.mark.parametrize('name', SHAPES | RAW)
def test_what_a_node_returns_costs_nobody_else_the_page(shapes, name):
    assert shapes.page, shapes.output[-3000:]
    told = article(shapes.page, name)
    words = (SHAPES | RAW)[name][1]
    assert words.replace('[', '&#91;') in told or words in told, told
    assert len(told) < 10000


def test_the_others_are_told_whole(shapes):
    assert 'First to be killed now' in article(shapes.page, 'fine')
    assert 'No OOM report' in article(shapes.page, 'fine') or 'killed' in article(shapes.page, 'fine')


def hidden(text):
    return sorted(set(character for character in text if character in HIDDEN + '\r' and not character.isprintable()))


def test_nothing_that_steers_a_terminal_comes_from_a_node(shapes):
    for text in (shapes.output, shapes.page, shapes.summary):
        assert not hidden(text)
    assert not re.search(r'^ok: \[prod-db1\]', shapes.output, re.MULTILINE)


def hostile_facts(tmp_path):
    """Facts by the names of variables that decide what is read and written on the controller, and of Ansible's own."""
    canary = tmp_path / 'canary.log'
    canary.write_text('[    9.1] CANARY invoked oom-killer: gfp_mask=0x201da, order=0, oom_score_adj=0\n')
    treasure = tmp_path / 'treasure'
    treasure.mkdir(mode=0o700)
    (treasure / 'index.html').write_text('mine')
    return {
        'report_dir': str(treasure), 'report_mode': '0666', 'diagnose_controller_logs': [str(canary)],
        '__rescue_asks_first': True, '__verify_asked': {'swap': 'x', 'play': 'x'},
        'rescue_hosts': 'localhost', 'now': 'x', 'lookup': 'x',
        'range': 'x', 'omit': 'x', 'ansible_check_mode': 'x', 'ansible_play_hosts_all': ['localhost'], 'hostvars': {},
        'inventory_hostname': 'prod-db1', 'vars': {},
        'ansible_facts': {}, 'ansible_delegated_vars': {}, 'role_path': str(treasure), 'diagnose_limit': 'x',
        'verify_result': {'claims': [{'claim': 'x'}]}, 'swap_result': [], 'diagnose_result': 'x',
    }, treasure


@pytest.mark.parametrize('way', ['our modules', 'gathered facts'])
def test_no_fact_decides_what_is_read_or_written_on_the_controller(core, nodes, tmp_path, way):
    others, treasure = hostile_facts(tmp_path)
    if way == 'our modules':
        answer = facts(MEMORY, **others)
        nodes.add('web1', oom_log_info=answer)
        play = nodes.play(core, 'oom.rescue.diagnose')
    else:
        path = tmp_path / 'play.yml'
        path.write_text(PLAYS.format(gathered='true'))
        nodes.add('web1', setup={'changed': False, 'ansible_facts': dict(others, module_setup=True)})
        play = nodes.play(core, str(path))
    assert play.page, play.output
    assert [path.name for path in treasure.iterdir()] == ['index.html']
    assert (treasure / 'index.html').read_text() == 'mine' and stat.S_IMODE(treasure.stat().st_mode) == 0o700
    assert 'CANARY' not in play.page + play.output
    report = tmp_path / 'controller/oom-rescue-report'
    assert stat.S_IMODE(report.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in report.iterdir()} == {0o600}
    assert 'First to be killed now' in article(play.page, 'fine')


@pytest.fixture(scope='module', name='named')
def fixture_named(core, tmp_path_factory):
    """A play of nodes whose answers are of the right shape, with what is meant for others in them."""
    nodes = Nodes(tmp_path_factory.mktemp('named'))
    nodes.add('adds', oom_log_info={
        **candidate(name=FAKED), 'warnings': [FAKED], 'deprecations': [{'msg': FAKED, 'version': '9'}],
        '_ansible_' + FAKED: FAKED, 'add_host': {'host_name': 'prod-db1', 'groups': [], 'host_vars': {}}})
    nodes.add('template', oom_log_info=candidate(name='{{ 7*7 }}<script>"{% raw %}'))
    nodes.add('none', oom_log_info=facts(dict(MEMORY, swappiness=dict(MEMORY['swappiness'], after_reboot=0))))
    return nodes.play(core, 'oom.rescue.diagnose', '-vv')


def test_what_a_node_adds_for_ansible_is_shown_as_text_or_not_at_all(named):
    assert 'x?[2J??2J?????' in article(named.page, 'adds'), named.output
    for text in (named.output, named.page, named.summary):
        assert not hidden(text)
    assert not re.search(r'^ok: \[prod-db1\]', named.output, re.MULTILINE)


def test_names_are_no_templates_and_no_markup(named):
    assert '{{ 7*7 }}&lt;script&gt;&#34;{% raw %}' in article(named.page, 'template'), named.output


def test_what_is_none_is_not_called_unknown(named):
    told = article(named.page, 'none')
    assert '<dt>OOM kills since boot</dt><dd>0</dd>' in told and '60 now, 0 after a reboot' in told
    # What a remedy would have changed may be unknown.
    assert 'unknown' not in told.replace('<span class="soft">unknown</span>', '')


def test_a_difference_that_a_node_shows_is_text(core, nodes):
    nodes.add('web1', swappiness={
        'changed': True, 'before': {'runtime': 60}, 'after': {'runtime': 10, 'after_reboot': 10},
        'skipped_reason': FAKED, 'actions': [{'detail': FAKED}],
        'diff': [{'before': FAKED, 'after': f'{FAKED}\tmore\n', 'before_header': FAKED, 'prepared': FAKED}]})
    path = nodes.directory / 'play.yml'
    path.write_text('- hosts: all\n  gather_facts: false\n  roles: [oom.rescue.swappiness, oom.rescue.report]\n')
    play = nodes.play(core, str(path), '--check', '--diff')
    assert 'x?[2J' in article(play.page, 'web1'), play.output
    for text in (play.output, play.page, play.summary):
        assert not hidden(text)
    assert not re.search(r'^ok: \[prod-db1\]', play.output, re.MULTILINE)
